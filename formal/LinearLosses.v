(** * The losses of linear predictors have the seven facts

    The exponential and the logistic loss for two classes, and cross-entropy for many.
    *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Sanity JointLosses Linear MarginLoss.
Import ListNotations.
Open Scope R_scope.

(** ** psi and the inverse, against the loss *)

Lemma psi_large k s : 0 <= s -> s <= (1 + s) * psi k s.
Proof.
  intros S; destruct k; unfold psi; [nra |]; assert (E := exp_ineq1_le s).
  assert (P : exp s * exp (- s) = 1) by (rewrite <- exp_plus, Rplus_opp_r; apply exp_0).
  assert (Q := exp_pos (- s)); assert ((1 + s) * exp (- s) <= 1) by nra; lra.
Qed.

Lemma inverse_large k s : 0 < s -> - ln s - s <= inverse_loss k s.
Proof.
  intros S; destruct k; unfold inverse_loss; [lra |]; assert (E := exp_gt_1 s S).
  assert (Le : exp s - 1 <= s * exp s).
  { assert (M := exp_ineq1_le (- s)); apply Rmult_le_compat_l with (r := exp s) in M;
      [| lra].
    rewrite <- exp_plus, Rplus_opp_r, exp_0 in M; lra. }
  apply ln_le in Le; [| lra]; rewrite ln_mult, ln_exp in Le; lra.
Qed.

(** Five of the seven facts hold of every joint loss, the two others say that it is
    convex, though less than exponentials are. *)
Section Joint.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Variables (k : joint_loss D) (a : D -> vec J).
Notation at_margins v := (fun i => inner v (a i)).
Hypothesis some_data : inhabited D.
Hypothesis above : forall q dq : vec D,
  value k q - Sum (fun i => slope k q i * dq i) <= value k (fun i => q i + dq i).
Hypothesis below : forall q dq : vec D,
  value k (fun i => q i + dq i) <=
    value k q + Sum (fun i => slope k q i * (exp (- dq i) - 1)).

Lemma joint_is_margin_loss : margin_loss a (fun v => value k (at_margins v))
  (fun v => slope k (at_margins v)).
Proof.
  assert (Step : forall v dv, at_margins (fun j => v j + dv j) =
    (fun i => inner v (a i) + inner dv (a i))).
  { intros v dv; apply functional_extensionality; intros i; unfold inner.
    rewrite <- Sum_plus; apply Sum_ext; intros; ring. }
  assert (Pos : forall q, 0 < value k q) by (intros q; now apply value_pos).
  split; intros v; set (q := at_margins v).
  - apply Pos.
  - intros i; left; apply slope_pos.
  - apply slopes_le_value.
  - apply Rle_trans with (1 := psi_large k _ (Rlt_le _ _ (Pos q))).
    apply Rmult_le_compat_l; [specialize (Pos q); lra | apply psi_le_slopes].
  - intros dv; rewrite Step; apply (above q).
  - intros dv; rewrite Step; apply (below q).
  - intros i; apply Rle_trans with (1 := inverse_large k _ (Pos q)).
    apply (margin_ge k q i).
Qed.

End Joint.

(** ** ln (1 + s), where s sums exp (- margin) over the margins of one data point *)

Lemma log_majorant s t : 0 <= s -> 0 <= t ->
  ln (1 + t) <= ln (1 + s) + (t - s) / (1 + s).
Proof.
  intros S T; set (r := (t - s) / (1 + s)).
  assert (E : 1 + t = (1 + s) * (1 + r)) by (unfold r; field; lra).
  assert (P : 0 < 1 + r).
  { apply Rmult_lt_reg_l with (1 + s); [lra |]; rewrite <- E; lra. }
  rewrite E, ln_mult by lra; apply Rplus_le_compat_l.
  rewrite <- (ln_exp r) at 2; apply ln_le; [exact P | apply exp_ineq1_le].
Qed.

(** Jensen's inequality for exp, with the weights of cross-entropy. *)
Lemma log_tangent {K} `{FiniteType K} (e h : K -> R) : (forall k, 0 <= e k) ->
  ln (1 + Sum e) - Sum (fun k => e k / (1 + Sum e) * h k) <=
    ln (1 + Sum (fun k => e k * exp (- h k))).
Proof.
  intros E0; set (s := Sum e); assert (S0 : 0 <= s) by (now apply Sum_nonneg).
  set (m := Sum (fun k => e k / (1 + s) * h k)).
  assert (Em := exp_pos (- m)).
  assert (Each : forall h, exp (- m) * (1 - h + m) <= exp (- h)).
  { intros z; replace (- z) with (- m + (m - z)) by ring; rewrite exp_plus.
    apply Rmult_le_compat_l; [lra |]; generalize (exp_ineq1_le (m - z)); lra. }
  assert (Mean : Sum (fun k => e k * h k) = (1 + s) * m).
  { unfold m; rewrite <- Sum_scal; apply Sum_ext; intros k; field; lra. }
  assert (All : exp (- m) * ((1 + m) * s - Sum (fun k => e k * h k)) <=
    Sum (fun k => e k * exp (- h k))).
  { replace ((1 + m) * s - Sum (fun k => e k * h k)) with
      (Sum (fun k => e k * (1 - h k + m))).
    - rewrite <- Sum_scal; apply Sum_le; intros k; specialize (Each (h k)).
      apply Rmult_le_compat_l with (r := e k) in Each; auto; lra.
    - unfold s; rewrite <- Sum_scal.
      transitivity (Sum (fun k => (1 + m) * e k) + -1 * Sum (fun k => e k * h k));
        [| ring].
      rewrite <- Sum_scal, <- Sum_plus; apply Sum_ext; intros; ring. }
  rewrite Mean in All; assert (One := Each 0); rewrite Ropp_0, exp_0 in One.
  assert (Low : exp (- m) * (1 + s) <= 1 + Sum (fun k => e k * exp (- h k))) by lra.
  apply Rle_trans with (ln (exp (- m) * (1 + s))).
  - rewrite ln_mult, ln_exp by lra; lra.
  - apply ln_le; [| exact Low]; apply Rmult_lt_0_compat; lra.
Qed.

(** ** Two classes *)

(* statement: pull *)
(** The pull of a data point is - ell' at its margin. *)
Definition binary_pull {J D X} `{FiniteType J} `{Dataset D X}
    (k : loss) (feat : X -> vec J) (v : vec J) (i : D) : R :=
  - ell' k (inner v (signed feat i)).
(* end statement *)

Lemma ell_above_tangent k z h : ell k z - - ell' k z * h <= ell k (z + h).
Proof.
  assert (E := exp_pos (- z)); unfold ell, ell'.
  replace (- (z + h)) with (- z + - h) by ring; rewrite exp_plus.
  destruct k.
  - generalize (exp_ineq1_le (- h)); nra.
  - assert (T := log_tangent (K := unit) (fun _ => exp (- z)) (fun _ => h)
      (fun _ => Rlt_le _ _ E)).
    unfold Sum in T; simpl in T; rewrite !Rplus_0_r in T.
    replace (- (- exp (- z) / (1 + exp (- z)))) with (exp (- z) / (1 + exp (- z)))
      by (field; lra); lra.
Qed.

Lemma ell_below_exponential k z h :
  ell k (z + h) <= ell k z + - ell' k z * (exp (- h) - 1).
Proof.
  assert (E := exp_pos (- z)); assert (F := exp_pos (- h)); unfold ell, ell'.
  replace (- (z + h)) with (- z + - h) by ring; rewrite exp_plus.
  destruct k; [lra |].
  assert (M := log_majorant (exp (- z)) (exp (- z) * exp (- h))
    ltac:(lra) ltac:(apply Rmult_le_pos; lra)).
  replace (- (- exp (- z) / (1 + exp (- z))) * (exp (- h) - 1)) with
    ((exp (- z) * exp (- h) - exp (- z)) / (1 + exp (- z))) by (field; lra); lra.
Qed.

Section Binary.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (k : loss) (feat : X -> vec J).
Notation a := (signed feat).

(* statement: binary *)
Theorem total_loss_is_margin_loss :
  margin_loss a (total_loss (summed k) (linear_predictor feat)) (binary_pull k feat).
(* end statement *)
Proof.
  replace (total_loss (summed k) (linear_predictor feat)) with
    (fun v => value (summed k) (fun i => inner v (a i))).
  2: { apply functional_extensionality; intros v; unfold total_loss; f_equal.
       apply functional_extensionality; intros i; unfold signed; apply inner_scal. }
  apply (joint_is_margin_loss (summed k) a nonempty); intros q dq; simpl.
  - replace (_ - _) with (Sum (fun i => ell k (q i)) +
      -1 * Sum (fun i => - ell' k (q i) * dq i)) by ring.
    rewrite <- Sum_scal, <- Sum_plus; apply Sum_le; intros i.
    generalize (ell_above_tangent k (q i) (dq i)); lra.
  - rewrite <- Sum_plus; apply Sum_le; intros i; apply ell_below_exponential.
Qed.

End Binary.

(** ** Many classes *)

(* statement: cross-entropy *)
(** Cross-entropy: K indexes the rivals of a data point's label, the other classes, and
    < v, b i c > is the logit of the label minus that of the rival c. *)
Definition cross_entropy {J D K} `{FiniteType J} `{FiniteType D} `{FiniteType K}
    (b : D -> K -> vec J) (v : vec J) : R :=
  Sum (fun i => ln (1 + Sum (fun c => exp (- inner v (b i c))))).

(** The softmax probability of a rival. *)
Definition rival_pull {J D K} `{FiniteType J} `{FiniteType D} `{FiniteType K}
    (b : D -> K -> vec J) (v : vec J) (pair : D * K) : R :=
  exp (- inner v (b (fst pair) (snd pair))) /
    (1 + Sum (fun c => exp (- inner v (b (fst pair) c)))).
(* end statement *)

(* statement: many classes *)
Theorem cross_entropy_is_margin_loss {J D K} `{FiniteType J} `{FiniteType D}
    `{FiniteType K} (b : D -> K -> vec J) : inhabited (D * K) ->
  margin_loss (fun pair => b (fst pair) (snd pair)) (cross_entropy b) (rival_pull b).
(* end statement *)
Proof.
  intros some.
  apply (joint_is_margin_loss cross_entropy_loss (fun pair => b (fst pair) (snd pair))
    some); intros q dq; simpl; rewrite Sum_pairs.
  - replace (_ - _) with (Sum (fun i => ln (1 + odds q i)) +
      -1 * Sum (fun i => Sum (fun c => exp (- q (i, c)) / (1 + odds q i) * dq (i, c))))
      by (simpl; ring).
    rewrite <- Sum_scal, <- Sum_plus; apply Sum_le; intros i.
    assert (T := log_tangent (fun c => exp (- q (i, c))) (fun c => dq (i, c))
      (fun c => Rlt_le _ _ (exp_pos _))).
    replace (odds (fun p => q p + dq p) i) with
      (Sum (fun c => exp (- q (i, c)) * exp (- dq (i, c)))); [unfold odds; lra |].
    apply Sum_ext; intros c; rewrite <- exp_plus; f_equal; ring.
  - rewrite <- Sum_plus; apply Sum_le; intros i; simpl.
    apply Rle_trans with (1 := log_majorant (odds q i) _ (odds_nonneg q i)
      (odds_nonneg _ i)).
    apply Rplus_le_compat_l; right; unfold Rdiv; rewrite Rmult_comm.
    transitivity (/ (1 + odds q i) *
      Sum (fun c => exp (- q (i, c)) * (exp (- dq (i, c)) - 1))).
    + f_equal; transitivity (odds (fun p => q p + dq p) i + -1 * odds q i); [ring |].
      unfold odds; rewrite <- Sum_scal, <- Sum_plus; apply Sum_ext; intros c.
      rewrite Ropp_plus_distr, exp_plus; ring.
    + rewrite <- Sum_scal; apply Sum_ext; intros c; ring.
Qed.

(** ** Cross-entropy is minus the logarithm of softmax *)

(* statement: softmax *)
(** Minus the logarithms of the softmax probabilities of the labels, for a predictor
    that gives each input a score for each class. *)
Definition softmax_loss {J D X C} `{FiniteType D} `{FiniteType C}
    (Phi : vec J -> X -> C -> R) (data : D -> X) (label : D -> C) (w : vec J) : R :=
  Sum (fun i => - ln (exp (Phi w (data i) (label i)) /
                      Sum (fun c => exp (Phi w (data i) c)))).

(** rival i lists the classes other than label i, each once. *)
Definition lists_rivals {D C K} `{FiniteType C} `{FiniteType K}
    (label : D -> C) (rival : D -> K -> C) : Prop :=
  forall i (F : C -> R), Sum F = F (label i) + Sum (fun k => F (rival i k)).
(* end statement *)

(** Two classes have one rival each: [lists_rivals] can be met. *)
Fact two_classes {D} (label : D -> bool) :
  lists_rivals label (fun i (_ : unit) => negb (label i)).
Proof. intros i F; unfold Sum; simpl; destruct (label i); simpl; ring. Qed.

Lemma softmax_loss_rivals {J D X C K} `{FiniteType D} `{FiniteType C} `{FiniteType K}
    (Phi : vec J -> X -> C -> R) (data : D -> X) (label : D -> C) (rival : D -> K -> C)
    (w : vec J) : lists_rivals label rival ->
  softmax_loss Phi data label w = Sum (fun i => ln (1 + Sum (fun k =>
    exp (- (Phi w (data i) (label i) - Phi w (data i) (rival i k)))))).
Proof.
  intros Rivals; apply Sum_ext; intros i.
  rewrite (Rivals i (fun c => exp (Phi w (data i) c))).
  set (z := Phi w (data i) (label i)); assert (E := exp_pos z).
  set (T := Sum (fun k => exp (Phi w (data i) (rival i k)))).
  assert (T0 : 0 <= T) by (apply Sum_nonneg; intros; left; apply exp_pos).
  rewrite <- ln_Rinv by (apply Rdiv_lt_0_compat; lra); f_equal.
  transitivity (1 + / exp z * T); [field; lra |].
  unfold T; rewrite <- Sum_scal; f_equal; apply Sum_ext; intros k.
  rewrite <- exp_Ropp, <- exp_plus; f_equal; ring.
Qed.

(* statement: logits *)
(** A linear model with a row of weights for each class: its scores are logits. *)
Definition logit {C I} `{FiniteType I} (W : vec (C * I)) (z : vec I) (c : C) : R :=
  Sum (fun j => W (c, j) * z j).

(** x(i) in the row of the label, minus x(i) in the row of the rival. *)
Definition pair_vector {D C I K} (data : D -> vec I) (label : D -> C)
    (rival : D -> K -> C) (i : D) (k : K) : vec (C * I) := fun cj =>
  (mass (label i) (fst cj) - mass (rival i k) (fst cj)) * data i (snd cj).
(* end statement *)

Section Softmax.
Context {D C I K : Type}.
Context `{FiniteType D} `{FiniteType C} `{FiniteType I} `{FiniteType K}.
Variables (data : D -> vec I) (label : D -> C) (rival : D -> K -> C).
Hypothesis rivals : lists_rivals label rival.

(* statement: pair margin *)
(** The margin of a pair is the difference of two logits. *)
Lemma pair_margin (W : vec (C * I)) i k :
  inner W (pair_vector data label rival i k) =
    logit W (data i) (label i) - logit W (data i) (rival i k).
(* end statement *)
Proof.
  unfold inner; rewrite Sum_pairs; unfold pair_vector; simpl.
  transitivity (Sum (fun c => mass (label i) c * logit W (data i) c) +
    -1 * Sum (fun c => mass (rival i k) c * logit W (data i) c)).
  - rewrite <- Sum_scal, <- Sum_plus; apply Sum_ext; intros c; unfold logit.
    transitivity ((mass (label i) c + -1 * mass (rival i k) c) *
      Sum (fun j => W (c, j) * data i j)); [| ring].
    rewrite <- Sum_scal; apply Sum_ext; intros; ring.
  - rewrite !Sum_mass; ring.
Qed.

(* statement: softmax is cross-entropy *)
Theorem softmax_is_cross_entropy :
  softmax_loss logit data label = cross_entropy (pair_vector data label rival).
(* end statement *)
Proof.
  apply functional_extensionality; intros W.
  rewrite (softmax_loss_rivals logit data label rival W rivals).
  apply Sum_ext; intros i; do 2 f_equal; apply Sum_ext; intros k.
  now rewrite pair_margin.
Qed.

End Softmax.
