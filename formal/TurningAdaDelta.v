(** * Theorem 2, as the paper states it, is false in its last clause

    AdaDelta itself, with a schedule that Assumption 2 (i) allows, can turn for ever.
    The predictor, the data and the loss are those of [Turning]: Phi(w, x) = |w|, one
    point, the exponential loss.  With s = t + start and q = 1 / ln ln s, let

      E' = 1 - 10 q,   z' = q / (E ln E),   w = ln E sqrt (1/2 +- sin z / 4),

    so that the loss is 1 / E.  Then w' = - beta G for the adapter
    beta = 1 - q (10 -+ cos z / (4 +- 2 sin z)), which rises to 1; z tends to infinity,
    and the direction turns.  By [FreeSchedules], some rho makes this a flow of
    Process 2 with delta = eps = 1.  It forgets more slowly than 1 / t. *)

From Coq Require Import Reals Lra Psatz List Lia FunctionalExtensionality Ranalysis5.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Turning FreeSchedules.
Open Scope R_scope.

(** ** The clock, and how slowly the adapter rises *)

Definition start : R := exp (exp 64) + 1.
Definition clock (t : R) : R := t + start.
Definition lag (t : R) : R := / ln (ln (clock t)).
Definition slow (t : R) : R := clock t * ln (clock t).

Lemma clock_range t : -1 < t ->
  exp (exp 64) < clock t /\ exp 64 < ln (clock t) /\ 64 < ln (ln (clock t)).
Proof.
  intros T; assert (C : exp (exp 64) < clock t) by (unfold clock, start; lra).
  assert (L : exp 64 < ln (clock t)).
  { rewrite <- (ln_exp (exp 64)); apply ln_increasing; [apply exp_pos | exact C]. }
  repeat split; auto.
  rewrite <- (ln_exp 64); apply ln_increasing; [apply exp_pos | exact L].
Qed.

Lemma exp_64_ge : 65 <= exp 64.
Proof. generalize (exp_ineq1 64 ltac:(lra)); lra. Qed.

Lemma slow_ge t : -1 < t -> 1 <= slow t.
Proof.
  intros T; destruct (clock_range t T) as (C & L & _); assert (B := exp_64_ge).
  assert (1 <= exp (exp 64)) by (generalize (exp_ineq1 (exp 64) ltac:(lra)); lra).
  unfold slow; nra.
Qed.

Lemma lag_range t : -1 < t -> 0 < lag t < / 64.
Proof.
  intros T; destruct (clock_range t T) as (_ & _ & L); unfold lag; split.
  - apply Rinv_0_lt_compat; lra.
  - apply Rinv_lt_contravar; [apply Rmult_lt_0_compat |]; lra.
Qed.

Lemma lag_derive t : -1 < t -> is_derive lag t (- lag t ^ 2 / slow t).
Proof.
  intros T; destruct (clock_range t T) as (C & L & LL); assert (B := exp_64_ge).
  assert (P := exp_pos (exp 64)); unfold lag, slow, clock in *.
  auto_derive; [repeat split; lra | field; repeat split; lra].
Qed.

Lemma lag_continuous t : -1 < t -> continuous lag t.
Proof. intros T; exact (derive_continuous _ _ _ (lag_derive t T)). Qed.

(** ** The inverse of the loss *)

Definition level (t : R) : R := start + primitive (fun s => 1 - 10 * lag s) t.

Lemma level_derive t : -1 < t -> is_derive level t (1 - 10 * lag t).
Proof.
  intros T; unfold level; rewrite <- (Rplus_0_l (1 - 10 * lag t)).
  apply (is_derive_plus (V := R_NormedModule) (fun _ => start)
    (primitive (fun s => 1 - 10 * lag s)));
    [apply (is_derive_const (V := R_NormedModule)) |].
  apply (primitive_derive (fun s => 1 - 10 * lag s)); auto; intros s S.
  apply (continuous_minus (V := R_NormedModule) (fun _ => 1) (fun s => 10 * lag s));
    [apply continuous_const |].
  apply (continuous_mult (fun _ => 10) lag);
    [apply continuous_const | now apply lag_continuous].
Qed.

Lemma level_0 : level 0 = start.
Proof. unfold level; rewrite primitive_0; ring. Qed.

Lemma level_range t : -1 < t ->
  clock t / 2 <= level t /\ (0 <= t -> level t <= clock t).
Proof.
  intros T.
  destruct (MVT_gen level 0 t (fun s => 1 - 10 * lag s)) as (c & Hc & Eq).
  - intros s Hs; apply level_derive; revert Hs; minmax; lra.
  - intros s Hs; apply derivable_continuous_pt, ex_derive_Reals_0.
    exists (1 - 10 * lag s); apply level_derive; revert Hs; minmax; lra.
  - assert (C : -1 < c) by (revert Hc; minmax; lra).
    assert (Q := lag_range c C); rewrite level_0 in Eq.
    assert (S := exp_pos (exp 64)); unfold clock, start in *.
    rewrite Rminus_0_r in Eq; set (k := 1 - 10 * lag c) in *.
    assert (K : / 2 <= k <= 1) by (unfold k; lra).
    destruct (Rle_lt_dec 0 t) as [P | N].
    + assert (/ 2 * t <= k * t <= 1 * t) by (split; apply Rmult_le_compat_r; lra).
      split; try intros _; lra.
    + assert (1 * - t >= k * - t) by (apply Rle_ge, Rmult_le_compat_r; lra).
      split; try intros ?; lra.
Qed.

Lemma log_inverse_loss_range t : -1 < t ->
  ln (clock t) / 2 <= ln (level t) /\
  (0 <= t -> ln (level t) <= ln (clock t)).
Proof.
  intros T; destruct (level_range t T) as [Lo Up].
  destruct (clock_range t T) as (C & L & _); assert (B := exp_64_ge).
  assert (P := exp_pos (exp 64)); split.
  - apply Rle_trans with (ln (clock t / 2)); [| apply ln_le; lra].
    unfold Rdiv at 2; rewrite ln_mult, ln_Rinv by lra.
    assert (ln 2 <= 1); [| lra].
    rewrite <- (ln_exp 1); apply ln_le; [lra |]; generalize (exp_ineq1 1 ltac:(lra));
      lra.
  - intros T0; apply ln_le; [lra | now apply Up].
Qed.

Lemma level_gt t : -1 < t -> 1 < level t /\ 1 < ln (level t).
Proof.
  intros T; destruct (level_range t T) as [Lo _].
  destruct (log_inverse_loss_range t T) as [Log _].
  destruct (clock_range t T) as (C & L & _); assert (B := exp_64_ge).
  assert (exp 64 <= exp (exp 64)) by (apply exp_le; lra); lra.
Qed.

(** E ln E, between a quarter of s ln s and s ln s. *)
Definition growth (t : R) : R := level t * ln (level t).

Lemma growth_range t : -1 < t ->
  slow t / 4 <= growth t /\ (0 <= t -> growth t <= slow t).
Proof.
  intros T; destruct (level_range t T) as [Lo Up].
  destruct (log_inverse_loss_range t T) as [Log Ulog].
  destruct (clock_range t T) as (C & L & _); assert (B := exp_64_ge).
  assert (P := exp_pos (exp 64)); unfold growth, slow; split.
  - replace (clock t * ln (clock t) / 4) with (clock t / 2 * (ln (clock t) / 2))
    by field.
    apply Rmult_le_compat; lra.
  - intros T0; specialize (Up T0); specialize (Ulog T0); apply Rmult_le_compat; lra.
Qed.

(** ** The angle *)

Definition angle : R -> R := primitive (fun s => lag s / growth s).

Lemma angle_derive t : -1 < t -> is_derive angle t (lag t / growth t).
Proof.
  apply (primitive_derive (fun s => lag s / growth s)); intros s S.
  destruct (level_gt s S) as [E L]; assert (DE := level_derive s S).
  apply (continuous_mult lag (fun s => / growth s)); [now apply lag_continuous |].
  apply continuous_Rinv_comp; [| unfold growth; nra].
  apply (continuous_mult level (fun s => ln (level s))).
  - exact (derive_continuous _ _ _ DE).
  - apply (ex_derive_continuous (V := R_NormedModule) (fun s => ln (level s))).
    auto_derive; repeat split; [eexists; eassumption | lra].
Qed.

Lemma log3_clock_lim :
  is_lim (fun t => ln (ln (ln (clock t)))) p_infty p_infty.
Proof.
  assert (L : forall f : R -> R, is_lim f p_infty p_infty ->
    is_lim (fun t => ln (f t)) p_infty p_infty).
  { intros f Lf; apply (is_lim_comp ln f p_infty p_infty p_infty); auto;
      [apply is_lim_ln_p |].
    exists 0; intros; discriminate. }
  apply L, L, L; apply is_lim_spec; intros M; exists (M - start); intros t Ht.
  unfold clock; lra.
Qed.

Lemma angle_lim M : exists t, 0 <= t /\ M < angle t.
Proof.
  assert (Lz := log3_clock_lim); apply is_lim_spec in Lz.
  destruct (Lz (M + ln (ln (ln (clock 0))))) as [T HT].
  set (t := Rmax T 0 + 1); exists t.
  assert (Ht : T < t /\ 0 <= t)
    by (unfold t; generalize (Rmax_l T 0) (Rmax_r T 0); lra).
  split; [tauto |]; specialize (HT t (proj1 Ht)).
  assert (Up : angle 0 + -1 * ln (ln (ln (clock 0))) <=
               angle t + -1 * ln (ln (ln (clock t)))).
  { apply (nondecreasing (fun s => angle s + -1 * ln (ln (ln (clock s))))
      (fun s => lag s / growth s + -1 * (lag s / slow s))); [| | lra].
    - intros s S; assert (DA := angle_derive s ltac:(lra)).
      destruct (clock_range s ltac:(lra)) as (C & L & LL); assert (B := exp_64_ge).
      assert (P := exp_pos (exp 64)).
      apply (is_derive_plus (V := R_NormedModule) angle
        (fun s => -1 * ln (ln (ln (clock s))))); [exact DA |].
      apply (is_derive_scal (fun s => ln (ln (ln (clock s))))).
      unfold lag, slow, clock in *; auto_derive; [repeat split; lra |].
      field; repeat split; lra.
    - intros s S; assert (Q := lag_range s ltac:(lra)).
      assert (K := slow_ge s ltac:(lra)).
      destruct (growth_range s ltac:(lra)) as [Lo Hi]; specialize (Hi S).
      assert (/ slow s <= / growth s) by (apply Rinv_le_contravar; lra).
      unfold Rdiv; nra. }
  unfold angle at 1 in Up; rewrite primitive_0 in Up; lra.
Qed.

Lemma angle_recurs a M : exists t, 0 <= t /\ M < t /\ sin (angle t) = sin a.
Proof.
  set (t0 := Rmax M 0 + 1).
  assert (T0 : M < t0 /\ 0 < t0)
    by (unfold t0; generalize (Rmax_l M 0) (Rmax_r M 0); lra).
  destruct (nfloor_ex (Rabs (angle t0) + Rabs a)) as [n0 [_ Hn]].
  { generalize (Rabs_pos (angle t0)) (Rabs_pos a); lra. }
  set (z := a + 2 * INR (S n0) * PI).
  assert (Z : angle t0 < z).
  { unfold z; rewrite S_INR in *; assert (P := PI2_3_2); assert (N := pos_INR n0).
    assert (A := Rle_abs (angle t0)); assert (A' := Rle_abs (- a));
      rewrite Rabs_Ropp in A'.
    assert ((INR n0 + 1) * 3 <= (INR n0 + 1) * PI) by (apply Rmult_le_compat_l; lra).
    assert (0 <= Rabs a) by apply Rabs_pos.
    assert (0 <= Rabs (angle t0)) by apply Rabs_pos; lra. }
  destruct (angle_lim z) as (t1 & T1 & Z1).
  assert (Lt : t0 < t1).
  { apply Rnot_le_lt; intros Le.
    assert (angle t1 <= angle t0); [| lra].
    apply (nondecreasing angle (fun s => lag s / growth s)); [| | lra].
    - intros s S; apply angle_derive; lra.
    - intros s S; assert (Q := lag_range s ltac:(lra)).
      assert (K := slow_ge s ltac:(lra));
        destruct (growth_range s ltac:(lra)) as [Lo _].
      apply Rdiv_le_0_compat; lra. }
  destruct (Ranalysis5.IVT_interv (fun t => angle t - z) t0 t1) as (t & Ht & Eq);
    try lra.
  { intros s Hs; apply derivable_continuous_pt, ex_derive_Reals_0.
    assert (DA := angle_derive s ltac:(lra)); auto_derive; eexists; exact DA. }
  exists t; split; [lra |]; split; [lra |].
  replace (angle t) with z by lra; apply sin_period.
Qed.

(** ** The adapter *)

Definition pull (j : bool) (z : R) : R := side j * cos z / denominator j z.
Definition pull' (j : bool) (z : R) : R :=
  side j * (- sin z * denominator j z - 2 * side j * cos z ^ 2) / denominator j z ^ 2.

Lemma pull_derive j z : is_derive (pull j) z (pull' j z).
Proof.
  assert (D := denominator_range j z); unfold pull, pull', denominator in *.
  auto_derive; [lra | field; lra].
Qed.

Lemma quotient_range a b c : 0 < b -> - (c * b) <= a <= c * b -> - c <= a / b <= c.
Proof.
  intros B A; split; apply Rmult_le_reg_r with b; auto;
    unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra.
Qed.

Lemma pull_range j z : - / 2 <= pull j z <= / 2.
Proof.
  assert (D := denominator_range j z); assert (C := COS_bound z).
  apply quotient_range; [lra |]; destruct (side_cases j) as [-> | ->]; lra.
Qed.

Lemma pull'_range j z : -2 <= pull' j z <= 2.
Proof.
  assert (D := denominator_range j z); assert (C := COS_bound z).
  assert (S := SIN_bound z); unfold pull'; apply quotient_range; [nra |].
  set (d := denominator j z) in *.
  assert (0 <= cos z ^ 2 <= 1) by nra.
  assert (- d <= sin z * d <= d) by nra.
  assert (2 * d <= d ^ 2) by nra.
  destruct (side_cases j) as [-> | ->]; nra.
Qed.

(** 1 - beta, and 1 - beta^2. *)
Definition shortfall (j : bool) (t : R) : R := lag t * (10 - pull j (angle t)).
Definition shortfall' (j : bool) (t : R) : R :=
  - (lag t ^ 2 * ((10 - pull j (angle t)) / slow t + pull' j (angle t) / growth t)).
Definition gap (j : bool) (t : R) : R := 1 - (1 - shortfall j t) ^ 2.
Definition gap' (j : bool) (t : R) : R := 2 * (1 - shortfall j t) * shortfall' j t.

Lemma shortfall_derive j t : -1 < t -> is_derive (shortfall j) t (shortfall' j t).
Proof.
  intros T; assert (DQ := lag_derive t T); assert (DA := angle_derive t T).
  assert (DP := is_derive_comp (pull j) angle t _ _ (pull_derive j (angle t)) DA).
  assert (K := slow_ge t T); destruct (growth_range t T) as [Lo _].
  unfold shortfall; evar_last.
  - apply (is_derive_mult lag (fun t => 10 - pull j (angle t)));
      [exact DQ | | intros; apply Rmult_comm].
    apply (is_derive_minus (V := R_NormedModule) (fun _ => 10)
      (fun t => pull j (angle t)));
      [apply (is_derive_const (V := R_NormedModule)) | exact DP].
  - unfold shortfall', minus, plus, opp, mult, scal, zero; simpl; unfold mult; simpl.
    field; lra.
Qed.

Lemma gap_derive j t : -1 < t -> is_derive (gap j) t (gap' j t).
Proof.
  intros T; assert (D := shortfall_derive j t T).
  unfold gap; auto_derive; [eexists; exact D |].
  derivative D; unfold gap'; ring.
Qed.

Lemma shortfall_range j t : -1 < t ->
  19 / 2 * lag t <= shortfall j t <= 21 / 2 * lag t.
Proof.
  intros T; assert (Q := lag_range t T); assert (P := pull_range j (angle t)).
  unfold shortfall; nra.
Qed.

Lemma shortfall'_range j t : -1 < t -> - (lag t / 2) <= shortfall' j t <= 0.
Proof.
  intros T; assert (Q := lag_range t T); assert (P := pull_range j (angle t)).
  assert (P' := pull'_range j (angle t)); assert (K := slow_ge t T).
  destruct (growth_range t T) as [Lo _].
  assert (Ik : 0 < / slow t <= 1).
  { split; [apply Rinv_0_lt_compat; lra |].
    rewrite <- Rinv_1; apply Rinv_le_contravar; lra. }
  assert (Ig : 0 < / growth t <= 4 * / slow t).
  { split; [apply Rinv_0_lt_compat; lra |].
    replace (4 * / slow t) with (/ (slow t / 4)) by (field; lra).
    apply Rinv_le_contravar; lra. }
  set (a := / slow t) in *; set (b := / growth t) in *.
  assert (A : 19 / 2 * a <= (10 - pull j (angle t)) / slow t <= 21 / 2 * a)
    by (unfold Rdiv; fold a; nra).
  assert (B : - (8 * a) <= pull' j (angle t) / growth t <= 8 * a)
    by (unfold Rdiv; fold b; nra).
  unfold shortfall'.
  set (s := _ / slow t + _ / growth t); assert (S : 0 <= s <= 37 / 2) by (unfold s;
    lra).
  assert (0 <= lag t ^ 2 <= lag t * / 64) by nra; nra.
Qed.

Lemma gap_range j t : -1 < t -> 0 < gap j t <= 21 * lag t.
Proof.
  intros T; assert (Q := lag_range t T); assert (U := shortfall_range j t T).
  unfold gap; nra.
Qed.

Lemma gap_falls j t : -1 < t -> - (gap j t / 2) <= gap' j t <= 0.
Proof.
  intros T; assert (Q := lag_range t T); assert (U := shortfall_range j t T).
  assert (U' := shortfall'_range j t T); unfold gap, gap'.
  set (u := shortfall j t) in *; set (u' := shortfall' j t) in *.
  assert (0 <= (1 - u) * - u') by (apply Rmult_le_pos; lra).
  assert ((1 - u) * - u' <= (1 - u) * (lag t / 2)) by (apply Rmult_le_compat_l; lra).
  nra.
Qed.

Lemma gap'_continuous j t : -1 < t -> continuous (gap' j) t.
Proof.
  intros T; assert (DQ := lag_derive t T); assert (DA := angle_derive t T).
  assert (DE := level_derive t T); assert (DS := shortfall_derive j t T).
  assert (K := slow_ge t T); destruct (growth_range t T) as [Lo _].
  destruct (level_gt t T) as [E L]; destruct (clock_range t T) as (C & Lc & _).
  assert (B := exp_64_ge); assert (P := exp_pos (exp 64)).
  assert (Dn := denominator_range j (angle t)).
  apply (ex_derive_continuous (V := R_NormedModule)).
  unfold gap', shortfall', pull, pull', slow, growth, clock, denominator in *.
  auto_derive; repeat split; try (eexists; eassumption); try nra.
Qed.

Lemma gap_lim j : is_lim (gap j) p_infty 0.
Proof.
  assert (Lz := log3_clock_lim); apply is_lim_spec in Lz; apply is_lim_spec; intros e.
  destruct (Lz (ln (21 / e))) as [M HM]; exists (Rmax M 0); intros t Ht.
  assert (T : M < t /\ 0 < t) by (generalize (Rmax_l M 0) (Rmax_r M 0); lra).
  specialize (HM t (proj1 T)); assert (e0 := cond_pos e).
  assert (Gp := gap_range j t ltac:(lra)).
  destruct (clock_range t ltac:(lra)) as (_ & _ & LL).
  apply ln_lt_inv in HM; [| apply Rdiv_lt_0_compat; lra | lra].
  rewrite Rminus_0_r, Rabs_pos_eq by lra.
  apply Rle_lt_trans with (1 := proj2 Gp); unfold lag.
  apply Rmult_lt_reg_r with (ln (ln (clock t))); [lra |].
  rewrite Rmult_assoc, Rinv_l by lra.
  apply Rmult_lt_compat_l with (r := e) in HM; auto.
  replace (e * (21 / e)) with 21 in HM by (field; lra); lra.
Qed.

(** ** The flow *)

Definition turning_w (t : R) : vec bool := fun j =>
  ln (level t) * sqrt (share j (angle t)).
Definition turning_G (j : bool) (t : R) : R :=
  - (sqrt (share j (angle t)) / level t).

Lemma share_sqrt_range j z : 0 < sqrt (share j z) <= 1.
Proof.
  assert (S := share_range j z); split; [apply sqrt_lt_R0; lra |].
  rewrite <- sqrt_1; apply sqrt_le_1_alt; lra.
Qed.

Lemma root_share_derive j t : -1 < t -> is_derive (fun t => sqrt (share j (angle t))) t
  (lag t / growth t * (pull j (angle t) * sqrt (share j (angle t)))).
Proof.
  intros T; assert (D := is_derive_comp (fun z => sqrt (share j z)) angle t _ _
    (share_derive j (angle t)) (angle_derive t T)).
  replace (pull j (angle t)) with (side j * cos (angle t) / (8 * share j (angle t)));
    [exact D |].
  assert (S := share_range j (angle t)); assert (Dn := denominator_range j (angle t)).
  unfold pull; replace (denominator j (angle t)) with (8 * share j (angle t)); auto.
  unfold denominator, share; field.
Qed.

Lemma turning_w_derive j t : -1 < t -> is_derive (fun t => turning_w t j) t
  (- (1 - shortfall j t) * turning_G j t).
Proof.
  intros T; assert (DR := root_share_derive j t T);
    assert (DE := level_derive t T).
  destruct (level_gt t T) as [E L]; unfold turning_w; evar_last.
  - apply (is_derive_mult (fun t => ln (level t))
      (fun t => sqrt (share j (angle t)))); [| exact DR | intros; apply Rmult_comm].
    apply (is_derive_comp ln level); [| exact DE].
    apply is_derive_ln; lra.
  - unfold plus, mult, scal; simpl; unfold mult; simpl.
    unfold turning_G, shortfall, growth; field; lra.
Qed.

Lemma turning_G_continuous j t : -1 < t -> continuous (turning_G j) t.
Proof.
  intros T; assert (DR := root_share_derive j t T);
    assert (DE := level_derive t T).
  destruct (level_gt t T) as [E _].
  apply (continuous_opp (V := R_NormedModule)
    (fun t => sqrt (share j (angle t)) / level t)).
  apply (continuous_mult (fun t => sqrt (share j (angle t)))
    (fun t => / level t)); [exact (derive_continuous _ _ _ DR) |].
  apply continuous_Rinv_comp; [exact (derive_continuous _ _ _ DE) | lra].
Qed.

Lemma turning_G_small j t : -1 < t -> turning_G j t ^ 2 <= 1.
Proof.
  intros T; destruct (level_gt t T) as [E _].
  assert (S := share_sqrt_range j (angle t)).
  assert (0 <= sqrt (share j (angle t)) / level t <= 1).
  { split; [apply Rdiv_le_0_compat; lra |]; apply Rmult_le_reg_r with (level t);
      [lra |]; unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra. }
  unfold turning_G; nra.
Qed.

Lemma norm_turning_w t : -1 < t -> norm (turning_w t) = ln (level t).
Proof.
  intros T; destruct (level_gt t T) as [_ L].
  unfold norm; rewrite <- (sqrt_pow2 (ln (level t))) by lra; f_equal.
  rewrite Sum_two; unfold turning_w.
  rewrite !Rpow_mult_distr, !pow2_sqrt by
    (generalize (share_range true (angle t)) (share_range false (angle t)); lra).
  unfold share; simpl; field.
Qed.

Lemma gap_start j : gap j 0 <= / 2.
Proof.
  generalize (gap_range j 0 ltac:(lra)) (lag_range 0 ltac:(lra)); lra.
Qed.

(** All that [FreeSchedules] asks for. *)
Ltac free lemma j := apply (lemma (gap j) (gap' j) (turning_G j));
  first [ exact (gap_derive j) | exact (gap'_continuous j)
        | exact (turning_G_continuous j) | exact (gap_start j) | exact (gap_lim j)
        | (intros; apply (gap_range j); lra) | (intros; apply (gap_falls j); lra)
        | (intros; apply (turning_G_small j); lra) | idtac ].

Definition turning_g (t : R) : vec bool :=
  fun j => scheduled_g (gap j) (gap' j) (turning_G j) t.
Definition turning_h (t : R) : vec bool :=
  fun j => scheduled_h (gap j) (gap' j) (turning_G j) t.
Definition turning_rho (t : R) : vec bool :=
  fun j => 1 - forgetting (gap j) (gap' j) (turning_G j) t.

Lemma turning_root j t : 0 <= t ->
  sqrt ((1 + turning_h t j) / (1 + turning_g t j)) = 1 - shortfall j t.
Proof.
  intros T; unfold turning_h, turning_g.
  replace ((1 + _) / (1 + _)) with (1 - gap j t).
  2: { symmetry; free scheduled_adapter j; auto. }
  assert (U := shortfall_range j t ltac:(lra)); assert (Q := lag_range t ltac:(lra)).
  unfold gap; replace (1 - (1 - (1 - shortfall j t) ^ 2)) with ((1 - shortfall j t) ^ 2)
    by ring.
  apply sqrt_pow2; lra.
Qed.

(** AdaDelta's flow, with delta = eps = 1. *)
#[export] Instance turning_process : Process2 bool.
Proof.
  refine {|
    L := total_loss (summed exponential) norm_predictor;
    rho := turning_rho;
    delta := fun _ => 1;
    eps := fun _ => 1;
    g := turning_g;
    h := turning_h;
    w := turning_w;
    G := fun t j => turning_G j t
  |}.
  - intros _; lra.
  - intros _; lra.
  - intros t j T; unfold turning_rho.
    assert (F : 0 <= forgetting (gap j) (gap' j) (turning_G j) t <= 1)
      by (free forgetting_range j; auto).
    lra.
  - intros j; free arc_scheduled_g j.
  - intros j; free arc_scheduled_h j.
  - intros j; apply arc_smooth with (fun t => - (1 - shortfall j t) * turning_G j t).
    + intros t T; apply turning_w_derive; lra.
    + intros t T; apply (continuous_mult (fun t => - (1 - shortfall j t)) (turning_G
      j));
        [| apply turning_G_continuous; lra].
      assert (D := shortfall_derive j t ltac:(lra)).
      apply (ex_derive_continuous (V := R_NormedModule)
        (fun t => - (1 - shortfall j t))).
      auto_derive; eexists; exact D.
  - apply everywhere; intros t T; apply gradient_in_clarke.
    replace (total_loss (summed exponential) norm_predictor) with
      (fun v : vec bool => exp (- norm v))
      by (apply functional_extensionality; intros v; now rewrite norm_predictor_loss).
    destruct (level_gt t ltac:(lra)) as [E L].
    assert (N := norm_turning_w t ltac:(lra)).
    replace (fun j => turning_G j t) with
      (fun j => - exp (- norm (turning_w t)) * (turning_w t j / norm (turning_w t))).
    + apply gradient_exp_norm; lra.
    + apply functional_extensionality; intros j.
      rewrite N, exp_Ropp, exp_ln by lra; unfold turning_w, turning_G; field; lra.
  - apply everywhere; intros t T j.
    replace (1 - turning_rho t j) with (forgetting (gap j) (gap' j) (turning_G j) t)
      by (unfold turning_rho; ring).
    free scheduled_g_derive j; lra.
  - apply everywhere; intros t T j.
    replace (1 - turning_rho t j) with (forgetting (gap j) (gap' j) (turning_G j) t)
      by (unfold turning_rho; ring).
    replace (Derive (fun s => turning_w s j) t) with (- (1 - shortfall j t) * turning_G
      j t)
      by (symmetry; apply is_derive_unique, turning_w_derive; lra).
    replace ((- (1 - shortfall j t) * turning_G j t) ^ 2) with
      ((1 - gap j t) * turning_G j t ^ 2) by (unfold gap; ring).
    free scheduled_h_derive j; lra.
  - apply everywhere; intros t T j; rewrite turning_root by lra.
    apply turning_w_derive; lra.
Defined.

Lemma turning_assumption_2_i : assumption_2_i.
Proof.
  intros j; exists (forgotten (gap j) (gap' j) (turning_G j)); split.
  - replace (fun t => 1 - rho t j) with (forgetting (gap j) (gap' j) (turning_G j)).
    + free forgetting_integral j.
    + apply functional_extensionality; intros t.
      change (rho t j) with (turning_rho t j); unfold turning_rho; ring.
  - free forgotten_lim j.
Qed.

Lemma turning_assumption_2_ii : assumption_2_ii.
Proof.
  intros j; split; [free scheduled_g_nonneg j | free scheduled_h_nonneg j]; lra.
Qed.

Lemma turning_process_separates : exists t0, 0 <= t0 /\ L (w t0) < ell exponential 0.
Proof.
  exists 0; split; [lra |].
  change (total_loss (summed exponential) norm_predictor (turning_w 0) < exp (- 0)).
  rewrite norm_predictor_loss, norm_turning_w by lra.
  destruct (level_gt 0 ltac:(lra)); apply exp_increasing; lra.
Qed.

Lemma turning_process_turns u : ~ converges_in_direction w u.
Proof.
  intros [_ C]; generalize (C true).
  apply share_turns with angle; [| intros b M _; apply angle_recurs].
  intros t T; change (w t) with (turning_w t).
  destruct (level_gt t ltac:(lra)).
  rewrite norm_turning_w by lra; unfold turning_w; field; lra.
Qed.

(* statement: theorem 2 refuted *)
(** Theorem 2 with the paper's Assumption 2 alone, for one predictor. *)
Definition theorem_2_as_stated {J D X} `{FiniteType J} `{Dataset D X}
    (k : loss) (Phi : vec J -> X -> R) (l : R) : Prop :=
  forall P2 : Process2 J,
  L = total_loss (summed k) Phi -> assumption_2_i -> assumption_2_ii ->
  (exists t0, 0 <= t0 /\ L (w t0) < ell k 0) ->
  implicit_regularization L l w (max_margin_KKT Phi skew).

Theorem theorem_2_refuted :
  assumption_1 (fun _ => True) norm_predictor 1 /\
  forall l, ~ theorem_2_as_stated exponential norm_predictor l.
(* end statement *)
Proof.
  split; [apply theorem_4_refuted |]; intros l T2.
  destruct (T2 turning_process eq_refl turning_assumption_2_i turning_assumption_2_ii
    turning_process_separates) as (_ & u & _ & Dir).
  exact (turning_process_turns u Dir).
Qed.
