(** * Theorem 2 for many classes, with a loss over pairs

    The exponential or the logistic loss, summed over the pairs of a data point and a
    class that is not its label, of the difference of the two scores, is the loss of a
    binary data set: its points are the pairs, its labels are all +1, its predictor is
    the difference.  So Theorem 2 applies, word for word. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Theorem2 LinearLosses.
Open Scope R_scope.

(* statement: pairs *)
(** A predictor gives each input a score for each class; rival i lists the classes other
    than label i.  The loss over pairs, and the KKT points of: minimize |s w|^2 / 2
    subject to every score of a label exceeding every rival's by 1. *)
Section Pairs.
Context {J D X C K : Type} `{FiniteType J} `{FiniteType D} `{FiniteType K}.
Variables (Phi : vec J -> X -> C -> R) (data : D -> X) (label : D -> C).
Variable rival : D -> K -> C.

Definition lead (pair : D * K) (w : vec J) : R :=
  Phi w (data (fst pair)) (label (fst pair)) -
  Phi w (data (fst pair)) (rival (fst pair) (snd pair)).

Definition pair_loss (k : loss) (w : vec J) : R :=
  Sum (fun i => Sum (fun c => ell k (lead (i, c) w))).

Definition pair_KKT (s : vec J) : vec J -> Prop :=
  KKT (fun w => / 2 * norm (mul s w) ^ 2) (fun pair w => 1 - lead pair w).
End Pairs.

(** The binary data set of pairs: inputs are triples of an input and two classes. *)
Definition pair_predictor {J X C} (Phi : vec J -> X -> C -> R) :
    vec J -> X * C * C -> R :=
  fun w z => let '(input, c, c') := z in Phi w input c - Phi w input c'.

Definition pair_data {D X C K} `{FiniteType D} `{FiniteType K} (data : D -> X)
    (label : D -> C) (rival : D -> K -> C) (some : inhabited (D * K)) :
    Dataset (D * K) (X * C * C).
Proof.
  refine {| x := fun pair => (data (fst pair), label (fst pair),
                              rival (fst pair) (snd pair));
            y := fun _ => 1; nonempty := some |}.
  now left.
Defined.
(* end statement *)

Lemma lipschitz_sub {J} `{FiniteType J} (f g : vec J -> R) :
  locally_lipschitz f -> locally_lipschitz g ->
  locally_lipschitz (fun w => f w - g w).
Proof.
  intros F G v; destruct (F v) as (r & M & r0 & HM).
  destruct (G v) as (s & M' & s0 & HM').
  exists (Rmin r s), (M + M'); split; [minmax; lra |]; intros a b A B.
  assert (A1 := Rlt_le_trans _ _ _ A (Rmin_l r s)).
  assert (A2 := Rlt_le_trans _ _ _ A (Rmin_r r s)).
  assert (B1 := Rlt_le_trans _ _ _ B (Rmin_l r s)).
  assert (B2 := Rlt_le_trans _ _ _ B (Rmin_r r s)).
  specialize (HM a b A1 B1); specialize (HM' a b A2 B2).
  replace (f b - g b - (f a - g a)) with ((f b - f a) + - (g b - g a)) by ring.
  eapply Rle_trans; [apply Rabs_triang |]; rewrite Rabs_Ropp; lra.
Qed.

Section ManyClasses.
Context {J D X C K : Type} `{FiniteType D} `{FiniteType K}.
Context `{P2 : Process2 J}.
Variables (Phi : vec J -> X -> C -> R) (data : D -> X) (label : D -> C).
Variable rival : D -> K -> C.
Variable some : inhabited (D * K).
Notation Pairs := (pair_data data label rival some).

(** The loss over pairs is the total loss of the data set of pairs ... *)
Lemma pair_loss_is_total_loss k : pair_loss Phi data label rival k =
  total_loss (H0 := Pairs) k (pair_predictor Phi).
Proof.
  apply functional_extensionality; intros w; unfold pair_loss, total_loss.
  rewrite Sum_pairs; apply Sum_ext; intros i; apply Sum_ext; intros c.
  f_equal; unfold lead, pair_predictor; simpl; ring.
Qed.

(** ... and so are the KKT points. *)
Lemma pair_KKT_is_max_margin s : pair_KKT Phi data label rival s =
  max_margin_KKT (H1 := Pairs) (pair_predictor Phi) s.
Proof.
  unfold pair_KKT, max_margin_KKT; f_equal.
  apply functional_extensionality; intros pair; apply functional_extensionality.
  intros w; unfold lead, pair_predictor; simpl; ring.
Qed.

(* statement: theorem 2 many classes *)
(** Theorem 2 for many classes: what is asked of the predictor is asked of every score,
    and definable functions have definable differences. *)
Theorem theorem_2_many_classes (k : loss) (l : R) (definable : (vec J -> R) -> Prop) :
  (* cited: Proposition 1; Rademacher; Ji and Telgarsky *)
  (forall f, locally_lipschitz f -> definable f -> admits_chain_rule f) ->
  (forall f, locally_lipschitz f -> definable f -> gradients_dense f) ->
  desingularizing_inequality (H1 := Pairs) k
    (scaled chi (pair_predictor Phi)) l ->
  (* Assumptions 1 and 2 *)
  L = pair_loss Phi data label rival k ->
  (forall c, assumption_1 definable (fun w input => Phi w input c) l) ->
  (forall f g, definable f -> definable g -> definable (fun w => f w - g w)) ->
  assumption_2_i -> assumption_2_ii ->
  (exists t0, 0 <= t0 /\ L (w t0) < ell k 0) ->
  (* and more than the paper's Assumption 2 (i) *)
  forgets_no_slower_than_1_over_t ->
  implicit_regularization L l w (pair_KKT Phi data label rival skew).
(* end statement *)
Proof.
  intros Prop1 Rad Ineq E A1 Sub Ai Aii Sep Forget; rewrite pair_KKT_is_max_margin.
  rewrite pair_loss_is_total_loss in E.
  apply (theorem_2 (Data := Pairs) k (pair_predictor Phi) l definable); auto.
  destruct some as [[i c]]; split; [apply (A1 (label i)) |].
  intros [[input a] b]; destruct (A1 a) as [_ Fa]; destruct (A1 b) as [_ Fb].
  destruct (Fa input) as (La & Ha & Da); destruct (Fb input) as (Lb & Hb & Db).
  split; [now apply lipschitz_sub |]; split; [| now apply Sub].
  intros r v r0; unfold pair_predictor; rewrite Ha, Hb by exact r0; ring.
Qed.

End ManyClasses.
