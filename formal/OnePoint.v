(** * Ji and Telgarsky's inequality, proven for one data point

    For a linear predictor and one data point a the normalized margin is |a| cos(v, a),
    and its gradient turns v only: its length is |a| sin(v, a) / |v|.  Near its limit |a|
    the margin is flat, so that the desingularizing function has to be a square root.
    So the premise [desingularizing_inequality] is met where it asks for something; the
    loss is any joint loss that is, for one margin, its link. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Linear.
Import ListNotations.
Open Scope R_scope.

Section OnePoint.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (k : joint_loss D) (feat : X -> vec J) (i0 : D).
Hypothesis one_point : forall i, i = i0.
Hypothesis one_margin : forall q, value k q = ell k (q i0).
Notation Phi := (linear_predictor feat).
Notation a := (signed feat i0).

Lemma Sum_one_point (f : D -> R) : Sum f = f i0.
Proof.
  unfold Sum; assert (U := enum_once (J := D)); assert (All := enum_all i0).
  destruct enum as [| i [| i' l]]; [destruct All | |]; simpl.
  - rewrite (one_point i); ring.
  - inversion_clear U as [| ? ? N _]; elim N; left.
    now rewrite (one_point i), (one_point i').
Qed.

Lemma one_point_margin_at v : margin_at Phi i0 v = inner v a.
Proof. unfold margin_at, linear_predictor, signed; now rewrite inner_scal. Qed.

Lemma one_point_margin v : margin_of k Phi v = inner v a.
Proof.
  unfold margin_of, total_loss; rewrite one_margin, inverse_ell.
  apply one_point_margin_at.
Qed.

(** The one slope is psi of the loss. *)
Lemma one_point_slope q : slope k q i0 = psi k (value k q).
Proof.
  apply Rle_antisym; [apply slope_le_psi |].
  rewrite <- (Sum_one_point (slope k q)); apply psi_le_slopes.
Qed.

Lemma one_point_gradient v u : clarke (total_loss k Phi) v u ->
  forall j, margin_gradient k Phi v u j = a j.
Proof.
  intros C j; unfold margin_gradient.
  rewrite (smooth_clarke _ _ v u (gradient_L k Phi _ (lin_gradient feat)) C j).
  unfold gL, gq; rewrite Sum_one_point, one_point_slope.
  assert (P := psi_pos k _ (value_pos k (margins Phi v) (inhabits i0))).
  fold (total_loss k Phi v) in *; unfold signed; field; lra.
Qed.

(** The normalized margin, and the length of the gradient of g0 minus it. *)
Lemma one_point_normalized v : 0 < norm v ->
  normalized_margin k Phi 1 v = inner v a / norm v.
Proof.
  intros N; unfold normalized_margin; rewrite one_point_margin.
  replace (- (1) * ln (norm v)) with (- ln (norm v)) by ring.
  now rewrite exp_Ropp, exp_ln.
Qed.

Lemma one_point_length v u : 0 < norm v -> clarke (total_loss k Phi) v u ->
  (norm v * norm (gap_gradient k Phi 1 v u)) ^ 2 =
  norm a ^ 2 - (inner v a / norm v) ^ 2.
Proof.
  intros N C; set (n := norm v) in *; set (m := inner v a / n).
  rewrite Rpow_mult_distr, norm_sqr, <- Sum_scal.
  transitivity (Sum (fun j => a j ^ 2 + (-2 * (m / n) * (v j * a j) +
    (m / n) ^ 2 * v j ^ 2))).
  - apply Sum_ext; intros j; unfold gap_gradient, heading; fold n.
    rewrite one_point_margin, (one_point_gradient v u C).
    replace (- (1) * ln n) with (- ln n) by ring.
    rewrite exp_Ropp, exp_ln by exact N; fold n; unfold m; field; lra.
  - rewrite !Sum_plus, !Sum_scal, <- !norm_sqr; fold (inner v a); fold n.
    unfold m; field; lra.
Qed.

Lemma one_point_margin_le v : 0 < norm v -> inner v a / norm v <= norm a.
Proof.
  intros N; apply Rmult_le_reg_r with (norm v); auto; unfold Rdiv.
  rewrite Rmult_assoc, Rinv_l, Rmult_1_r, Rmult_comm by lra; apply inner_le_norm.
Qed.

(** A lower bound for the square of the length is one for the length. *)
Lemma length_from_square (x y : R) : 0 <= x -> 0 <= y -> x ^ 2 <= y ^ 2 -> x <= y.
Proof. intros Px Py S; apply Rnot_lt_le; intros N; nra. Qed.

(* statement: one point *)
Theorem one_point_inequality : desingularizing_inequality k Phi 1.
(* end statement *)
Proof.
  intros g0 c eta g0p _ _; set (A := norm a); assert (A0 : 0 <= A) by apply norm_nonneg.
  destruct (Rtotal_order g0 A) as [Less | [Equal | More]].
  - (* away from the limit: a line *)
    set (s := sqrt (A ^ 2 - g0 ^ 2)).
    assert (Pos : 0 < A ^ 2 - g0 ^ 2) by nra.
    assert (s0 : 0 < s) by now apply sqrt_lt_R0.
    assert (Sq : s ^ 2 = A ^ 2 - g0 ^ 2) by (apply pow2_sqrt; lra).
    assert (I0 := Rinv_0_lt_compat _ s0).
    exists g0, (fun r => / s * r), (fun _ => / s); split.
    + split; [exact g0p |]; split; [intros r R | intros; lra].
      split; [auto_derive; auto; ring | split; [exact I0 |]].
      apply Rmult_le_pos; lra.
    + intros v V _ gap Gap _ u C; unfold gap in Gap; assert (N : 0 < norm v) by lra.
      rewrite one_point_normalized in Gap by exact N.
      assert (E := one_point_length v u N C); fold A in E.
      set (m := inner v a / norm v) in *; rewrite Rmult_assoc.
      assert (L : s <= norm v * norm (gap_gradient k Phi 1 v u)).
      { apply length_from_square; [lra | |].
        - apply Rmult_le_pos; [lra | apply norm_nonneg].
        - rewrite E, Sq; nra. }
      apply Rmult_le_compat_l with (r := / s) in L; [| lra].
      now rewrite Rinv_l in L by lra.
  - (* at the limit: a square root *)
    set (q r := / (sqrt A * sqrt r)).
    assert (sA : 0 < sqrt A) by (apply sqrt_lt_R0; lra).
    assert (Root : forall r, 0 < r -> 0 < sqrt A * sqrt r)
      by (intros; apply Rmult_lt_0_compat; auto; now apply sqrt_lt_R0).
    exists A, (fun r => 2 / sqrt A * sqrt r), q; split.
    + split; [lra |]; split.
      * intros r [R _]; assert (sr := sqrt_lt_R0 r R); split; [| split].
        -- unfold q; auto_derive; auto; field; split; lra.
        -- now apply Rinv_0_lt_compat, Root.
        -- apply Rmult_le_pos; [apply Rdiv_le_0_compat |]; lra.
      * intros r r' [R Le] _; apply Rinv_le_contravar; [now apply Root |].
        apply Rmult_le_compat_l; [lra | now apply sqrt_le_1_alt].
    + intros v V _ gap Gap _ u C; assert (N : 0 < norm v) by lra.
      assert (Eg : gap = A - inner v a / norm v)
        by (unfold gap; rewrite one_point_normalized, Equal by exact N; reflexivity).
      assert (E := one_point_length v u N C); fold A in E.
      set (m := inner v a / norm v) in *; rewrite Rmult_assoc; unfold q.
      assert (L : sqrt A * sqrt gap <= norm v * norm (gap_gradient k Phi 1 v u)).
      { apply length_from_square; [left; now apply Root | |].
        - apply Rmult_le_pos; [lra | apply norm_nonneg].
        - rewrite E, Rpow_mult_distr, !pow2_sqrt by lra; nra. }
      assert (R := Root gap (proj1 Gap)).
      apply Rmult_le_compat_l with (r := / (sqrt A * sqrt gap)) in L;
        [| left; now apply Rinv_0_lt_compat].
      now rewrite Rinv_l in L by lra.
  - (* beyond the limit: no margin is so large *)
    exists (g0 - A), (fun r => r), (fun _ => 1); split.
    + split; [lra |]; split; [intros r R | intros; lra].
      split; [apply (is_derive_id (K := R_AbsRing)) | lra].
    + intros v V _ gap Gap _ u C; unfold gap in Gap; exfalso.
      rewrite one_point_normalized in Gap by lra.
      assert (Le := one_point_margin_le v ltac:(lra)); fold A in Le; lra.
Qed.

End OnePoint.
