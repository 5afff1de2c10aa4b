(** * Theorem 2 for many classes

    A joint loss of the leads of the labels over their rivals is the loss of a binary
    data set: its points are the pairs of a data point and a rival, its labels are all
    +1, its predictor is the difference of two scores.  So Theorem 2 applies, word for
    word: to the exponential and the logistic loss summed over pairs, and to
    cross-entropy. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Theorem2 LinearLosses.
Open Scope R_scope.

(* statement: pairs *)
(** A predictor gives each input a score for each class; rival i lists the classes other
    than label i.  A loss of the leads, and the KKT points of: minimize |s w|^2 / 2
    subject to every score of a label exceeding every rival's by 1. *)
Section Pairs.
Context {J D X C K : Type} `{FiniteType J} `{FiniteType D} `{FiniteType K}.
Variables (Phi : vec J -> X -> C -> R) (data : D -> X) (label : D -> C).
Variable rival : D -> K -> C.

Definition lead (pair : D * K) (w : vec J) : R :=
  Phi w (data (fst pair)) (label (fst pair)) -
  Phi w (data (fst pair)) (rival (fst pair) (snd pair)).

Definition pair_loss (k : joint_loss (D * K)) (w : vec J) : R :=
  value k (fun pair => lead pair w).

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

(** The loss of the leads is the total loss of the data set of pairs ... *)
Lemma pair_loss_is_total_loss k : pair_loss Phi data label rival k =
  total_loss (H0 := Pairs) k (pair_predictor Phi).
Proof.
  apply functional_extensionality; intros w; unfold pair_loss, total_loss; f_equal.
  apply functional_extensionality; intros pair.
  unfold margins, margin_at, lead, pair_predictor; simpl; ring.
Qed.

(* statement: pair losses *)
(** Two such losses: a loss summed over all pairs, and softmax's cross-entropy. *)
Theorem pair_loss_summed k w : pair_loss Phi data label rival (summed k) w =
  Sum (fun i => Sum (fun c => ell k (lead Phi data label rival (i, c) w))).
(* end statement *)
Proof. apply (Sum_pairs (fun pair => ell k (lead Phi data label rival pair w))). Qed.

(* statement: softmax pairs *)
Theorem softmax_is_pair_loss `{FiniteType C} : lists_rivals label rival ->
  softmax_loss Phi data label = pair_loss Phi data label rival cross_entropy_loss.
(* end statement *)
Proof.
  intros Rivals; apply functional_extensionality; intros w.
  apply (softmax_loss_rivals Phi data label rival w Rivals).
Qed.

(** ... and so are the KKT points. *)
Lemma pair_KKT_is_max_margin s : pair_KKT Phi data label rival s =
  max_margin_KKT (H1 := Pairs) (pair_predictor Phi) s.
Proof.
  unfold pair_KKT, max_margin_KKT; f_equal.
  apply functional_extensionality; intros pair; apply functional_extensionality.
  intros w; unfold lead, pair_predictor; simpl; ring.
Qed.

(** What is asked of the predictor is asked of every score. *)
Lemma pair_homogeneous l : 0 < l ->
  (forall c input, locally_lipschitz (fun w => Phi w input c)) ->
  (forall c input a w, 0 < a ->
    Phi (fun j => a * w j) input c = Rpower a l * Phi w input c) ->
  homogeneous_predictor (H1 := Pairs) (pair_predictor Phi) l.
Proof.
  intros l0 Lip Hom; constructor; [exact l0 | |].
  - intros pair; apply lipschitz_sub; apply Lip.
  - intros a v pair a0; unfold pair_predictor; simpl; rewrite !Hom by exact a0; ring.
Qed.

Lemma pair_assumption_1 (definable : (vec J -> R) -> Prop) l :
  (forall c, assumption_1 definable (fun w input => Phi w input c) l) ->
  (forall f g, definable f -> definable g -> definable (fun w => f w - g w)) ->
  assumption_1 definable (pair_predictor Phi) l.
Proof.
  intros A1 Minus; destruct some as [[i c]]; split; [apply (A1 (label i)) |].
  intros [[input a] b]; destruct (A1 a) as [_ Fa]; destruct (A1 b) as [_ Fb].
  destruct (Fa input) as (La & Ha & Da); destruct (Fb input) as (Lb & Hb & Db).
  split; [now apply lipschitz_sub |]; split; [| now apply Minus].
  intros r v r0; unfold pair_predictor; rewrite Ha, Hb by exact r0; ring.
Qed.

(* statement: many classes rates *)
(** The rates of Theorem 2 for many classes and any joint loss of the leads. *)
Theorem many_classes_rates (k : joint_loss (D * K)) (l : R) :
  (* cited: Proposition 1 *)
  admits_chain_rule L ->
  (* Assumptions 1 and 2 *)
  L = pair_loss Phi data label rival k ->
  0 < l -> (forall c input, locally_lipschitz (fun w => Phi w input c)) ->
  (forall c input a w, 0 < a ->
    Phi (fun j => a * w j) input c = Rpower a l * Phi w input c) ->
  assumption_2_i -> assumption_2_ii ->
  (exists t0, 0 <= t0 /\ L (w t0) < ell k 0) ->
  growth_rates L l w.
(* end statement *)
Proof.
  intros Chain E l0 Lip Hom; rewrite pair_loss_is_total_loss in E.
  apply (theorem_2_rates (Data := Pairs) k (pair_predictor Phi) l Chain E).
  now apply pair_homogeneous.
Qed.

(* statement: many classes limit directions *)
(** Every limit point of the direction of w / chi is that of u / chi for a KKT point
    u. *)
Theorem many_classes_limit_directions (k : joint_loss (D * K)) (l : R)
    (definable : (vec J -> R) -> Prop) :
  (* cited: Proposition 1; Rademacher *)
  (forall f, locally_lipschitz f -> definable f -> admits_chain_rule f) ->
  (forall f, locally_lipschitz f -> definable f -> gradients_dense f) ->
  (* Assumptions 1 and 2 *)
  L = pair_loss Phi data label rival k ->
  (forall c, assumption_1 definable (fun w input => Phi w input c) l) ->
  (forall f g, definable f -> definable g -> definable (fun w => f w - g w)) ->
  assumption_2_i -> assumption_2_ii ->
  (exists t0, 0 <= t0 /\ L (w t0) < ell k 0) ->
  forall theta, limit_direction (fun t j => w t j / chi j) theta ->
  exists u, pair_KKT Phi data label rival skew u /\
    forall j, theta j = u j / chi j / norm (fun j => u j / chi j).
(* end statement *)
Proof.
  intros Prop1 Rad E A1 Minus; rewrite pair_KKT_is_max_margin.
  rewrite pair_loss_is_total_loss in E.
  apply (theorem_2_limit_directions (Data := Pairs) k (pair_predictor Phi) l definable);
    auto.
  now apply pair_assumption_1.
Qed.

(* statement: theorem 2 many classes *)
(** Theorem 2 for many classes and any joint loss of the leads: what is asked of the
    predictor is asked of every score, and definable functions have definable
    differences. *)
Theorem theorem_2_many_classes (k : joint_loss (D * K)) (l : R)
    (definable : (vec J -> R) -> Prop) :
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
  intros Prop1 Rad Ineq E A1 Minus Ai Aii Sep Forget; rewrite pair_KKT_is_max_margin.
  rewrite pair_loss_is_total_loss in E.
  apply (theorem_2 (Data := Pairs) k (pair_predictor Phi) l definable); auto.
  now apply pair_assumption_1.
Qed.

(* statement: softmax smooth *)
(** Cross-entropy, for scores that are homogeneous and continuously differentiable in
    the weights: nothing is cited for the rates and the limit directions, and the
    threshold of Assumption 2 (iii) is ln 2. *)
Theorem theorem_2_softmax_smooth `{FiniteType C} (l : R) :
  L = softmax_loss Phi data label -> lists_rivals label rival ->
  (forall c, assumption_1 (fun f => exists g, gradient_of f g)
    (fun w input => Phi w input c) l) ->
  assumption_2_i -> assumption_2_ii ->
  (exists t0, 0 <= t0 /\ L (w t0) < ln 2) ->
  growth_rates L l w /\
  (forall theta, limit_direction (fun t j => w t j / chi j) theta ->
   exists u, pair_KKT Phi data label rival skew u /\
     forall j, theta j = u j / chi j / norm (fun j => u j / chi j)) /\
  (desingularizing_inequality (H1 := Pairs) cross_entropy_loss
     (scaled chi (pair_predictor Phi)) l ->
   forgets_no_slower_than_1_over_t ->
   implicit_regularization L l w (pair_KKT Phi data label rival skew)).
(* end statement *)
Proof.
  intros E Rivals A1 Ai Aii Sep; rewrite (softmax_is_pair_loss Rivals) in E.
  assert (Minus : forall f f' : vec J -> R, (exists g, gradient_of f g) ->
    (exists g, gradient_of f' g) -> exists g, gradient_of (fun w => f w - f' w) g).
  { intros f f' [g F] [g' F']; eexists; exact (gradient_of_sub f f' g g' F F'). }
  assert (Prop1 : forall f : vec J -> R, locally_lipschitz f ->
    (exists g, gradient_of f g) -> admits_chain_rule f).
  { intros f _ [g Sm]; exact (smooth_chain_rule f g Sm). }
  assert (Rad : forall f : vec J -> R, locally_lipschitz f ->
    (exists g, gradient_of f g) -> gradients_dense f).
  { intros f _ [g Sm]; exact (smooth_dense f g Sm). }
  assert (Sep' : exists t0, 0 <= t0 /\ L (w t0) <
    ell (cross_entropy_loss (D := D) (K := K)) 0).
  { destruct Sep as (t0 & T0 & Sep); exists t0; split; auto.
    change (L (w t0) < ln (1 + exp (- 0))); rewrite Ropp_0, exp_0.
    replace (1 + 1) with 2 by ring; exact Sep. }
  assert (A := pair_assumption_1 _ l A1 Minus).
  split; [| split].
  - rewrite pair_loss_is_total_loss in E.
    exact (proj1 (theorem_2_smooth (Data := Pairs) _ (pair_predictor Phi) l E A Ai Aii
      Sep')).
  - now apply (many_classes_limit_directions cross_entropy_loss l _ Prop1 Rad E A1).
  - intros Ineq Forget.
    now apply (theorem_2_many_classes cross_entropy_loss l _ Prop1 Rad Ineq E A1).
Qed.

End ManyClasses.
