(** * Lemma 7: each component of the skewed adapter moves towards 1 *)

From Coq Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Lemma5.
Open Scope R_scope.

Section Lemma7.
Context {J : Type} `{Process2 J}.

(** The nonnegative factor of Lemma 5. *)
Definition rate (t : R) (j : J) : R := (1 - rho t j) / (1 + g t j / delta j).

Lemma rate_nonneg t j : assumption_2_ii -> 0 <= t -> 0 <= rate t j.
Proof.
  intros A T; destruct (lemma_6 A t T j) as [Pg _].
  assert (D := one_plus_pos _ _ Pg (delta_pos j)); assert (B := rho_range t j T).
  apply Rdiv_le_0_compat; lra.
Qed.

Lemma lemma_5_rate :
  assumption_2_ii ->
  ae (fun t => forall j, is_derive (fun s => 1 - beta s j ^ 2) t
    (- (rate t j * (1 - beta t j ^ 2)))).
Proof.
  intros A; generalize (lemma_5 A); apply ae_imp; intros t _ D j; specialize (D j).
  replace (- (rate t j * (1 - beta t j ^ 2))) with
    (- (1 - rho t j) / (1 + g t j / delta j) * (1 - beta t j ^ 2)); auto.
  unfold rate, Rdiv; ring.
Qed.

Lemma beta_positive : assumption_2_ii -> forall t, 0 <= t -> forall j, 0 < beta t j.
Proof.
  intros A t T j; destruct (lemma_6 A t T j) as [Pg Ph]; now apply beta_pos.
Qed.

(** d beta / dt, from Lemma 5 by beta = sqrt (1 - (1 - beta^2)). *)
Lemma beta_derive :
  assumption_2_ii ->
  ae (fun t => forall j, is_derive (fun s => beta s j) t
    (rate t j * (1 - beta t j ^ 2) / (2 * beta t j))).
Proof.
  intros A; generalize (lemma_5_rate A); apply ae_imp; intros t T D j.
  assert (P := beta_positive A t (Rlt_le _ _ T) j); specialize (D j).
  assert (S : sqrt (1 - (1 - beta t j ^ 2)) = beta t j).
  { replace (1 - (1 - beta t j ^ 2)) with (beta t j ^ 2) by ring.
    apply sqrt_pow2; lra. }
  apply (is_derive_ext (fun s => sqrt (1 - (1 - beta s j ^ 2)))).
  { intros s; replace (1 - (1 - beta s j ^ 2)) with (beta s j ^ 2) by ring.
    apply sqrt_pow2, sqrt_pos. }
  set (f s := 1 - beta s j ^ 2) in *; change (is_derive f t) with
    (is_derive (fun s => f s) t) in D.
  change (is_derive (fun s => sqrt (1 - f s)) t
    (rate t j * (1 - beta t j ^ 2) / (2 * beta t j))).
  auto_derive.
  - repeat split; [eexists; apply D | unfold f; nra].
  - replace (Derive (fun s => f s) t) with (- (rate t j * (1 - beta t j ^ 2)))
      by (symmetry; now apply is_derive_unique).
    unfold f at 1; unfold Rminus in S |- *; rewrite S; field; lra.
Qed.

(* statement: lemma 7 i *)
Theorem lemma_7_i :
  assumption_2_ii ->
  ae (fun t => forall j, ex_derive (fun s => beta s j) t /\
    (0 < beta t j < 1 -> 0 <= Derive (fun s => beta s j) t) /\
    (beta t j = 1 -> Derive (fun s => beta s j) t = 0) /\
    (1 < beta t j -> Derive (fun s => beta s j) t <= 0)).
(* end statement *)
Proof.
  intros A; generalize (beta_derive A); apply ae_imp; intros t T D j.
  specialize (D j); assert (N := rate_nonneg t j A (Rlt_le _ _ T)).
  assert (P := beta_positive A t (Rlt_le _ _ T) j).
  replace (Derive (fun s => beta s j) t)
    with (rate t j * (1 - beta t j ^ 2) / (2 * beta t j))
    by (symmetry; now apply is_derive_unique).
  split; [eexists; apply D |]; repeat split; intros B.
  - apply Rdiv_le_0_compat; [apply Rmult_le_pos; [auto | nra] | lra].
  - rewrite B; field.
  - apply Rmult_le_reg_r with (2 * beta t j); [lra |].
    unfold Rdiv; rewrite Rmult_assoc, Rinv_l by lra.
    assert (beta t j ^ 2 - 1 >= 0) by nra; nra.
Qed.

Lemma arc_beta2 j : assumption_2_ii -> arc (fun t => beta2 t j).
Proof.
  intros A; apply arc_mult.
  - apply arc_plus; [apply arc_const |].
    apply arc_ext with (fun t => / eps j * h t j); [intros; field |].
    + generalize (eps_pos j); lra.
    + apply arc_scal, arc_h.
  - apply arc_inv.
    + apply arc_plus; [apply arc_const |].
      apply arc_ext with (fun t => / delta j * g t j); [intros; field |].
      * generalize (delta_pos j); lra.
      * apply arc_scal, arc_g.
    + intros t T; destruct (lemma_6 A t T j) as [Pg _].
      now apply one_plus_pos, delta_pos.
Qed.

Lemma arc_defect j : assumption_2_ii -> arc (fun t => 1 - beta t j ^ 2).
Proof.
  intros A; apply arc_ext with (fun t => 1 + -1 * beta2 t j).
  - intros t T; destruct (lemma_6 A t T j); rewrite beta_sqr by assumption; ring.
  - apply arc_plus; [apply arc_const | now apply arc_scal, arc_beta2].
Qed.

(** 1 - beta^2 never changes sign: s is 1 or -1 below. *)
Lemma defect_sign s j :
  assumption_2_ii -> 0 <= s * (1 - beta 0 j ^ 2) ->
  forall t, 0 <= t -> 0 <= s * (1 - beta t j ^ 2).
Proof.
  intros A I t T; apply (arc_barrier (fun t => s * (1 - beta t j ^ 2))); auto.
  - now apply arc_scal, arc_defect.
  - generalize (lemma_5_rate A); apply ae_imp; intros x X D N.
    exists (s * (- (rate x j * (1 - beta x j ^ 2)))); split.
    + apply (is_derive_scal (fun t => 1 - beta t j ^ 2)), D.
    + assert (P := rate_nonneg x j A (Rlt_le _ _ X)); nra.
Qed.

(** ... and shrinks in absolute value. *)
Lemma defect_shrinks s j :
  assumption_2_ii -> 0 <= s * (1 - beta 0 j ^ 2) ->
  forall a b, 0 <= a <= b -> s * (1 - beta b j ^ 2) <= s * (1 - beta a j ^ 2).
Proof.
  intros A I; apply (arc_antitone (fun t => s * (1 - beta t j ^ 2))).
  - now apply arc_scal, arc_defect.
  - generalize (lemma_5_rate A); apply ae_imp; intros x X D.
    exists (s * (- (rate x j * (1 - beta x j ^ 2)))); split.
    + apply (is_derive_scal (fun t => 1 - beta t j ^ 2)), D.
    + assert (P := rate_nonneg x j A (Rlt_le _ _ X)).
      assert (Q := defect_sign s j A I x (Rlt_le _ _ X)); nra.
Qed.

(* statement: lemma 7 cases *)
(** The three cases that the paper states before Lemma 7. *)
Theorem lemma_7_cases :
  assumption_2_ii -> forall j,
  (beta 0 j < 1 -> forall s t, 0 <= s <= t -> beta s j <= beta t j <= 1) /\
  (beta 0 j = 1 -> forall t, 0 <= t -> beta t j = 1) /\
  (1 < beta 0 j -> forall s t, 0 <= s <= t -> 1 <= beta t j <= beta s j).
(* end statement *)
Proof.
  intros A j; assert (P := beta_positive A).
  assert (P0 := P 0 (Rle_refl 0) j).
  split; [intros Below s t T; split |
    split; [intros Equal t T | intros Above s t T; split]].
  - assert (S := defect_shrinks 1 j A ltac:(nra) s t T).
    assert (Ps := P s ltac:(lra) j); assert (Pt := P t ltac:(lra) j); nra.
  - assert (S := defect_sign 1 j A ltac:(nra) t ltac:(lra)).
    assert (Pt := P t ltac:(lra) j); nra.
  - assert (S := defect_sign 1 j A ltac:(nra) t T).
    assert (S' := defect_sign (-1) j A ltac:(nra) t T).
    assert (Pt := P t T j); nra.
  - assert (S := defect_sign (-1) j A ltac:(nra) t ltac:(lra)).
    assert (Pt := P t ltac:(lra) j); nra.
  - assert (S := defect_shrinks (-1) j A ltac:(nra) s t T).
    assert (Ps := P s ltac:(lra) j); assert (Pt := P t ltac:(lra) j); nra.
Qed.

(* statement: lemma 7 ii *)
Theorem lemma_7_ii :
  assumption_2_ii ->
  forall t, 0 <= t -> forall j, Rmin (beta 0 j) 1 <= beta t j.
(* end statement *)
Proof.
  intros A t T j; destruct (lemma_7_cases A j) as (Lt & Eq & Gt).
  destruct (Rtotal_order (beta 0 j) 1) as [C | [C | C]].
  - specialize (Lt C 0 t ltac:(lra)); minmax; lra.
  - specialize (Eq C t T); minmax; lra.
  - specialize (Gt C 0 t ltac:(lra)); minmax; lra.
Qed.

Lemma floor_pos j : assumption_2_ii -> 0 < Rmin (beta 0 j) 1.
Proof.
  intros A; assert (P := beta_positive A 0 (Rle_refl 0) j); minmax; lra.
Qed.

(** The skewed adapter is an arc, as Theorem 4 asks. *)
Lemma arc_beta j : assumption_2_ii -> arc (fun t => beta t j).
Proof.
  intros A; apply (arc_sqrt (fun t => beta2 t j) (Rmin (beta 0 j) 1 ^ 2)).
  - generalize (floor_pos j A); intros P; nra.
  - now apply arc_beta2.
  - intros t T; destruct (lemma_6 A t T j); rewrite <- beta_sqr by assumption.
    assert (B := lemma_7_ii A t T j); assert (P := floor_pos j A); nra.
Qed.

End Lemma7.
