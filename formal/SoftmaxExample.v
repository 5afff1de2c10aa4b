(** * A flow of cross-entropy to which Theorem 2 applies, every premise proven

    One weight, one data point, two classes: the weight is the score of the label, 0
    that of the other class.  With delta = eps = 1 and g = h the adapter is 1, and the
    weight follows w' = p, where p = 1 / (1 + e^w) is the softmax probability of the
    wrong class: w + e^w = t + 1.  The averages 2 p^2 solve equations (1) and (2) for
    rho = (1 - 2 p)^2. *)

From Coq Require Import Reals Lra Psatz FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Premises.
Open Scope R_scope.

(** ** The inverse of w + e^w *)

Lemma exp_level (s : R) : {z : R | z + exp z = s}.
Proof.
  assert (A := Rabs_pos s); assert (A1 := Rle_abs s); assert (A2 := Rle_abs (- s)).
  rewrite Rabs_Ropp in A2; set (b := Rabs s + 1).
  destruct (IVT (fun z => z + exp z - s) (- b) b) as (z & _ & Z).
  - apply derivable_continuous; intros z; apply ex_derive_Reals_0; auto_derive; auto.
  - unfold b; lra.
  - assert (exp (- b) < 1) by (rewrite <- exp_0; apply exp_increasing; unfold b; lra).
    unfold b in *; lra.
  - generalize (exp_pos b); unfold b; lra.
  - exists z; lra.
Qed.

(** The weight at time t, and the probability of the wrong class. *)
Definition weight (t : R) : R := proj1_sig (exp_level (t + 1)).
Definition wrong (t : R) : R := / (1 + exp (weight t)).

Lemma weight_level t : weight t + exp (weight t) = t + 1.
Proof. exact (proj2_sig (exp_level (t + 1))). Qed.

(** Between two times the weight moves at the rate 1 / (1 + e^z) for some z between. *)
Lemma weight_moves s t : exists z, Rabs (z - weight s) <= Rabs (weight t - weight s) /\
  weight t - weight s = / (1 + exp z) * (t - s).
Proof.
  destruct (MVT_gen (fun z => z + exp z) (weight s) (weight t) (fun z => 1 + exp z))
    as (z & Z & E).
  - intros z _; auto_derive; auto; ring.
  - intros z _; apply derivable_continuous_pt, ex_derive_Reals_0; auto_derive; auto.
  - rewrite !weight_level in E; assert (P := exp_pos z); exists z; split.
    + revert Z; unfold Rmin, Rmax; destruct (Rle_dec _ _); intros Z;
        unfold Rabs; repeat destruct (Rcase_abs _); lra.
    + replace (t - s) with (t + 1 - (s + 1)) by ring; rewrite E; field; lra.
Qed.

Lemma weight_lipschitz s t : Rabs (weight t - weight s) <= Rabs (t - s).
Proof.
  destruct (weight_moves s t) as (z & _ & ->); assert (P := exp_pos z).
  rewrite Rabs_mult, Rabs_pos_eq by (left; apply Rinv_0_lt_compat; lra).
  rewrite <- (Rmult_1_l (Rabs (t - s))) at 2.
  apply Rmult_le_compat_r; [apply Rabs_pos |]; rewrite <- Rinv_1.
  apply Rinv_le_contravar; lra.
Qed.

Lemma weight_derive t : is_derive weight t (wrong t).
Proof.
  apply is_derive_Reals; intros e e0.
  assert (C : continuous (fun z => / (1 + exp z)) (weight t)).
  { apply (ex_derive_continuous (fun z => / (1 + exp z))); auto_derive; auto.
    generalize (exp_pos (weight t)); lra. }
  apply continuity_pt_filterlim in C; destruct (C e e0) as (d & d0 & Near).
  exists (mkposreal d d0); intros a a0 Small; simpl in Small.
  destruct (weight_moves t (t + a)) as (z & Z & Mv); rewrite Mv.
  set (slope := / (1 + exp z)) in *.
  replace (slope * (t + a - t) / a) with slope by (field; exact a0).
  unfold slope.
  destruct (Req_dec z (weight t)) as [-> | N].
  - unfold wrong; rewrite Rminus_eq_0, Rabs_R0; exact e0.
  - apply Near; split; [split; [exact I | auto] |].
    apply Rle_lt_trans with (1 := Z).
    apply Rle_lt_trans with (1 := weight_lipschitz t (t + a)).
    replace (t + a - t) with a by ring; exact Small.
Qed.

Lemma weight_0 : weight 0 = 0.
Proof.
  destruct (weight_moves 0 0) as (z & _ & _); assert (E := weight_level 0).
  rewrite Rplus_0_l in E; assert (T1 := exp_ineq1_le (weight 0)).
  destruct (Rtotal_order (weight 0) 0) as [N | [Z | P]]; auto; exfalso.
  - assert (exp (weight 0) < 1) by (rewrite <- exp_0; now apply exp_increasing); lra.
  - assert (1 < exp (weight 0)) by (rewrite <- exp_0; now apply exp_increasing); lra.
Qed.

Lemma weight_nonneg t : 0 <= t -> 0 <= weight t.
Proof.
  intros T; destruct (weight_moves 0 t) as (z & _ & E).
  rewrite weight_0, !Rminus_0_r in E; rewrite E.
  apply Rmult_le_pos; [left; apply Rinv_0_lt_compat | exact T].
  generalize (exp_pos z); lra.
Qed.

Lemma wrong_range t : 0 <= t -> 0 < wrong t <= / 2.
Proof.
  intros T; assert (W := exp_ineq1_le (weight t)); assert (P := weight_nonneg t T).
  unfold wrong; split; [apply Rinv_0_lt_compat; lra |].
  apply Rinv_le_contravar; lra.
Qed.

Lemma wrong_derive t : is_derive wrong t (- wrong t ^ 2 * (1 - wrong t)).
Proof.
  assert (P := exp_pos (weight t)).
  replace (- wrong t ^ 2 * (1 - wrong t)) with
    (wrong t * (- exp (weight t) * / (1 + exp (weight t)) ^ 2))
    by (unfold wrong; field; lra).
  apply (is_derive_comp (fun z => / (1 + exp z)) weight); [| apply weight_derive].
  auto_derive; [lra | field; lra].
Qed.

Lemma arc_weight : arc weight.
Proof.
  apply arc_lipschitz with (fun t => t); [apply arc_id |]; intros T _; exists 1.
  intros s t _ _; rewrite Rmult_1_l; apply weight_lipschitz.
Qed.

Lemma arc_wrong : arc wrong.
Proof.
  apply arc_inv.
  - apply arc_plus; [apply arc_const | apply arc_exp, arc_weight].
  - intros t _; generalize (exp_pos (weight t)); lra.
Qed.

(** The logarithm of p falls without a bound. *)
Lemma wrong_lim : is_lim (fun t => - ln (wrong t)) p_infty p_infty.
Proof.
  apply is_lim_spec; intros K; exists (Rmax 0 (exp K + K)); intros t Ht.
  assert (T : 0 < t /\ exp K + K < t)
    by (generalize (Rmax_l 0 (exp K + K)) (Rmax_r 0 (exp K + K)); lra).
  assert (P := exp_pos (weight t)); unfold wrong.
  rewrite ln_Rinv, Ropp_involutive by lra.
  apply Rlt_le_trans with (weight t).
  - assert (E := weight_level t); apply Rnot_le_lt; intros Le.
    assert (exp (weight t) <= exp K) by now apply exp_le. lra.
  - rewrite <- (ln_exp (weight t)) at 1; apply ln_le; lra.
Qed.

(** ** The flow *)

Notation softmax_example :=
  (softmax_loss (linear_scores two_scores) (fun _ : unit => tt) (fun _ => true)).

Lemma softmax_example_value v : softmax_example v = ln (1 + exp (- v tt)).
Proof.
  rewrite (softmax_loss_rivals _ _ _ _ v (two_classes (fun _ : unit => true))).
  unfold linear_scores, two_scores, Sum; simpl; rewrite !inner_one, !Rplus_0_r.
  do 3 f_equal; ring.
Qed.

Lemma averages_derive t :
  is_derive (fun s => 2 * wrong s ^ 2) t
    ((1 - (1 - 2 * wrong t) ^ 2) * ((- wrong t) ^ 2 - 2 * wrong t ^ 2)).
Proof.
  assert (D := wrong_derive t).
  replace ((1 - (1 - 2 * wrong t) ^ 2) * ((- wrong t) ^ 2 - 2 * wrong t ^ 2)) with
    (- wrong t ^ 2 * (1 - wrong t) * (4 * wrong t)) by ring.
  apply (is_derive_comp (fun z => 2 * z ^ 2) wrong); [| exact D].
  auto_derive; auto; ring.
Qed.

Lemma arc_averages : arc (fun t => 2 * wrong t ^ 2).
Proof.
  apply arc_ext with (fun t => 2 * (wrong t * wrong t)); [intros; ring |].
  apply arc_scal, arc_mult; apply arc_wrong.
Qed.

#[export] Instance softmax_learning : Process2 unit.
Proof.
  refine {|
    L := softmax_example;
    rho := fun t _ => (1 - 2 * wrong t) ^ 2;
    delta := fun _ => 1;
    eps := fun _ => 1;
    g := fun t _ => 2 * wrong t ^ 2;
    h := fun t _ => 2 * wrong t ^ 2;
    w := fun t _ => weight t;
    G := fun t _ => - wrong t
  |}.
  - intros _; lra.
  - intros _; lra.
  - intros t _ T; destruct (wrong_range t T); nra.
  - intros _; apply arc_averages.
  - intros _; apply arc_averages.
  - intros _; apply arc_weight.
  - apply everywhere; intros t T; apply gradient_in_clarke.
    replace softmax_example with (fun v : vec unit => ln (1 + exp (- v tt)))
      by (apply functional_extensionality; intros v; now rewrite softmax_example_value).
    apply (derive_is_gradient (fun z => ln (1 + exp (- z)))).
    assert (P := exp_pos (- weight t)); auto_derive; [lra |]; unfold wrong.
    rewrite exp_Ropp; assert (Q := exp_pos (weight t)); field; split; lra.
  - apply everywhere; intros t _ _; apply averages_derive.
  - apply everywhere; intros t _ _.
    replace (Derive (fun s => weight s) t) with (wrong t)
      by (symmetry; apply is_derive_unique, weight_derive).
    replace (wrong t ^ 2 - 2 * wrong t ^ 2) with ((- wrong t) ^ 2 - 2 * wrong t ^ 2)
      by ring.
    apply averages_derive.
  - apply everywhere; intros t _ _; replace (- sqrt _ * _) with (wrong t);
      [apply weight_derive |].
    assert (S := pow2_ge_0 (wrong t)).
    replace ((1 + 2 * wrong t ^ 2) / (1 + 2 * wrong t ^ 2)) with 1 by (field; lra).
    rewrite sqrt_1; ring.
Defined.

Lemma softmax_assumption_2_i : assumption_2_i.
Proof.
  intros j; exists (fun t => 4 * (ln (wrong 0) + - 1 * ln (wrong t))); repeat split.
  - apply arc_scal, arc_plus; [apply arc_const |]; apply arc_scal, arc_ln_pos;
      [apply arc_wrong | intros t T; now apply wrong_range].
  - ring.
  - apply everywhere; intros t T; simpl; assert (P := wrong_range t (Rlt_le _ _ T)).
    assert (D := wrong_derive t).
    replace (1 - (1 - 2 * wrong t) * ((1 - 2 * wrong t) * 1)) with
      (- wrong t ^ 2 * (1 - wrong t) * (- 4 * / wrong t)) by (field; lra).
    apply (is_derive_comp (fun z => 4 * (ln (wrong 0) + - 1 * ln z)) wrong);
      [auto_derive; [lra | field; lra] | exact D].
  - assert (Lim := wrong_lim); apply is_lim_spec in Lim; apply is_lim_spec; intros K.
    destruct (Lim (K / 4 - ln (wrong 0))) as [T HT]; exists T; intros t Ht.
    specialize (HT t Ht); lra.
Qed.

Lemma softmax_assumption_2_ii : assumption_2_ii.
Proof. intros j; split; apply Rmult_le_pos; try lra; apply pow2_ge_0. Qed.

Lemma softmax_separates : exists t0, 0 <= t0 /\ L (w t0) < ln 2.
Proof.
  exists 1; split; [lra |].
  change (softmax_example (fun _ => weight 1) < ln 2); rewrite softmax_example_value.
  assert (P := weight_nonneg 1 Rle_0_1); assert (E := weight_level 1).
  set (z := weight 1) in *; destruct P as [P | <-]; [| rewrite exp_0 in E; lra].
  assert (exp (- z) < 1) by (rewrite <- exp_0; apply exp_increasing; lra).
  apply ln_increasing; [generalize (exp_pos (- z)) |]; lra.
Qed.

(* statement: softmax learning *)
(** Every premise of [theorem_2_cross_entropy], and its conclusion, for one flow. *)
Theorem softmax_learning_theorem_2 :
  let scores := linear_scores two_scores in
  let data (_ : unit) := tt in let label (_ : unit) := true in
  let rival (i _ : unit) := negb (label i) in
  L = softmax_loss scores data label /\ lists_rivals label rival /\
  assumption_2_i /\ assumption_2_ii /\ (exists t0, 0 <= t0 /\ L (w t0) < ln 2) /\
  implicit_regularization L 1 w (pair_KKT scores data label rival skew).
(* end statement *)
Proof.
  intros scores data label rival; assert (R := two_classes label).
  assert (Ai := softmax_assumption_2_i); assert (Aii := softmax_assumption_2_ii).
  assert (Sep := softmax_separates).
  repeat (split; [assumption || reflexivity |]).
  now apply (theorem_2_cross_entropy two_scores data label rival (inhabits (tt, tt))).
Qed.

Lemma softmax_forgets : forgets_no_slower_than_1_over_t.
Proof.
  intros j; exists 1, 2; split; [lra |]; intros t T; simpl.
  destruct (wrong_range t ltac:(lra)) as [P0 P1].
  assert (Low : / (t + 2) <= wrong t).
  { assert (E := weight_level t); assert (W := weight_nonneg t ltac:(lra)).
    unfold wrong; apply Rinv_le_contravar; [generalize (exp_pos (weight t)) |]; lra. }
  apply Rle_trans with (2 * / (t + 2)); [| nra].
  apply Rmult_le_reg_r with (t * (t + 2)); [nra |].
  replace (1 / t * (t * (t + 2))) with (t + 2) by (field; lra).
  replace (2 * / (t + 2) * (t * (t + 2))) with (2 * t) by (field; lra); lra.
Qed.

Lemma two_scores_assumption_1 label :
  assumption_1 (fun f => exists g, gradient_of f g)
    (fun w input => linear_scores two_scores w input label) 1.
Proof.
  split; [lra |]; intros input; unfold linear_scores; set (c := two_scores input label).
  assert (E : (fun w => inner w c) = (fun w : vec unit => linear w (c tt)))
    by (apply functional_extensionality; intros w; apply inner_one).
  destruct learning_assumption_1 as [_ A]; destruct (A (c tt)) as (Lip & Hom & _).
  rewrite E; split; [exact Lip |]; split.
  - intros a w a0; rewrite !inner_one; exact (Hom a w a0).
  - eexists; apply linear_gradient.
Qed.

(* statement: softmax learning classes *)
(** The cited premises of [theorem_2_many_classes], for the same flow. *)
Theorem softmax_learning_many_classes :
  let scores := linear_scores two_scores in
  let data (_ : unit) := tt in let label (_ : unit) := true in
  let rival (i _ : unit) := negb (label i) in
  let Pairs := pair_data data label rival (inhabits (tt, tt)) in
  let definable (f : vec unit -> R) := exists g, gradient_of f g in
  (forall f, locally_lipschitz f -> definable f -> admits_chain_rule f) /\
  (forall f, locally_lipschitz f -> definable f -> gradients_dense f) /\
  desingularizing_inequality (H1 := Pairs) cross_entropy_loss
    (scaled chi (pair_predictor scores)) 1 /\
  L = pair_loss scores data label rival cross_entropy_loss /\
  (forall c, assumption_1 definable (fun w input => scores w input c) 1) /\
  (forall f g, definable f -> definable g -> definable (fun w => f w - g w)) /\
  forgets_no_slower_than_1_over_t.
(* end statement *)
Proof.
  intros scores data label rival Pairs definable; split; [| split; [| split; [| split;
    [| split; [| split]]]]].
  - intros f _ [g Sm]; exact (smooth_chain_rule f g Sm).
  - intros f _ [g Sm]; exact (smooth_dense f g Sm).
  - unfold scores; rewrite pair_predictor_linear, linear_scaled.
    apply (one_point_inequality (H1 := Pairs) cross_entropy_loss _ (tt, tt)).
    + now intros [[] []].
    + intros q; change (ln (1 + (exp (- q (tt, tt)) + 0)) + 0 =
        ln (1 + exp (- q (tt, tt)))); now rewrite !Rplus_0_r.
  - exact (softmax_is_pair_loss scores data label rival (two_classes label)).
  - apply two_scores_assumption_1.
  - intros f f' [g F] [g' F']; eexists; exact (gradient_of_sub f f' g g' F F').
  - exact softmax_forgets.
Qed.
