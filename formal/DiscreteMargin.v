(** * Theorem J1 (i): the margin in the metric of the preconditioner converges

    Exponential loss of smooth homogeneous margins, steps w + Q U with factors Q of
    finite logarithmic variation.  If the loss vanishes, also against the power 2 l - 2
    of the norm, the margins' minimum over the norm to the power l has a positive limit,
    and the iterate aligns with the step. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality Classical.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export HomogeneousStep.
Open Scope R_scope.

(** ** Sequences *)

(** What falls but for summable rises, and is bounded below, converges. *)
Lemma almost_falling (u v : nat -> R) (B : R) :
  (forall n, 0 <= v n) -> ex_series v -> (forall n, u (S n) <= u n + v n) ->
  (forall n, B <= u n) -> exists l : R, is_lim_seq u l.
Proof.
  intros V Sv Step Low; destruct (first_terms_bounded v V Sv) as [W HW].
  destruct (ex_finite_lim_seq_decr (fun n => u n - first_terms v n) (B - W)) as [l Ll].
  - intros n; cbn [first_terms]; specialize (Step n); lra.
  - intros n; specialize (HW n); specialize (Low n); lra.
  - destruct (ex_finite_lim_seq_incr (first_terms v) W) as [k Lk]; auto.
    { intros n; cbn [first_terms]; specialize (V n); lra. }
    exists (l + k); apply is_lim_seq_ext with (fun n => u n - first_terms v n +
      first_terms v n); [intros; ring |].
    now apply is_lim_seq_plus'.
Qed.

(** y >= 0 that rises by at most K times the steps of X and a summable amount, and whose
    excess over 0 is summable against the steps of X, vanishes. *)
Lemma window (X y s : nat -> R) (K : R) : 0 <= K ->
  (forall n, X n <= X (S n)) -> is_lim_seq X p_infty ->
  is_lim_seq (fun n => X (S n) - X n) 0 ->
  (forall n, 0 <= y n) -> (forall n, 0 <= s n) -> ex_series s ->
  (forall n, y (S n) <= y n + K * (X (S n) - X n) + s n) ->
  ex_series (fun n => (1 - exp (- y n)) * (X (S n) - X n)) ->
  is_lim_seq y 0.
Proof.
  intros K0 Rises Inf Small Y Sp Ss Step St.
  set (t := fun n => (1 - exp (- y n)) * (X (S n) - X n)) in *.
  assert (t0 : forall n, 0 <= t n).
  { intros n; apply Rmult_le_pos; [| specialize (Rises n); lra].
    assert (exp (- y n) <= 1); [| lra].
    rewrite <- exp_0; destruct (Y n) as [P | <-]; [left; apply exp_increasing; lra |].
    rewrite Ropp_0; lra. }
  (* sums of a summable sequence over late windows are small *)
  assert (Tail : forall v, (forall n, 0 <= v n) -> ex_series v -> forall e, 0 < e ->
    exists N, forall n k, (N <= n <= k)%nat -> first_terms v k - first_terms v n <= e).
  { intros v V Sv e e0; destruct (first_terms_bounded v V Sv) as [W HW].
    destruct (ex_finite_lim_seq_incr (first_terms v) W) as [l Ll]; auto.
    { intros n; cbn [first_terms]; specialize (V n); lra. }
    destruct (lim_near _ l (e / 2) Ll ltac:(lra)) as [N HN]; exists N; intros n k [I I'].
    assert (A := HN n I); assert (B := HN k ltac:(lia)); lra. }
  apply near_lim; intros e e0; set (h := e / 4); assert (h0 : 0 < h) by (unfold h; lra).
  set (c := 1 - exp (- h)).
  assert (c0 : 0 < c).
  { unfold c; assert (exp (- h) < exp 0) by (apply exp_increasing; lra).
    rewrite exp_0 in *; lra. }
  destruct (Tail t t0 St (c * h / (K + 1))) as [N1 H1].
  { apply Rdiv_lt_0_compat; [now apply Rmult_lt_0_compat | lra]. }
  destruct (Tail s Sp Ss h h0) as [N2 H2].
  destruct (lim_near _ 0 (h / (K + 1)) Small) as [N3 H3].
  { apply Rdiv_lt_0_compat; lra. }
  set (N := (N1 + N2 + N3)%nat).
  assert (Gain : forall n, h <= y n -> c * (X (S n) - X n) <= t n).
  { intros n Hn; apply Rmult_le_compat_r; [specialize (Rises n); lra |]; unfold c.
    assert (exp (- y n) <= exp (- h)); [| lra].
    destruct Hn as [Lt | ->]; [left; apply exp_increasing; lra | lra]. }
  (* y comes below h at some late time *)
  assert (Low : exists n0, (N <= n0)%nat /\ y n0 < h).
  { apply NNPP; intros No.
    assert (Ge : forall n, (N <= n)%nat -> h <= y n).
    { intros n I; apply Rnot_lt_le; intros Lt; apply No; now exists n. }
    assert (Bd : forall n, (N <= n)%nat -> c * (X n - X N) <=
      first_terms t n - first_terms t N).
    { intros n I; replace n with (N + (n - N))%nat by lia.
      induction (n - N)%nat as [| k IH]; [rewrite Nat.add_0_r; lra |].
      rewrite Nat.add_succ_r; cbn [first_terms].
      specialize (Gain (N + k)%nat (Ge (N + k)%nat ltac:(lia))); lra. }
    destruct (lim_large _ (X N + / c * (c * h / (K + 1))) Inf) as [M HM].
    specialize (HM (N + M)%nat ltac:(lia)); specialize (Bd (N + M)%nat ltac:(lia)).
    specialize (H1 N (N + M)%nat ltac:(lia)).
    apply Rmult_lt_compat_l with (r := c) in HM; auto.
    rewrite Rmult_plus_distr_l, <- Rmult_assoc, Rinv_r in HM by lra; lra. }
  destruct Low as (n0 & I0 & Y0); exists n0; intros n I; split; [specialize (Y n); lra |].
  assert (Claim : y n <= h + K * (h / (K + 1)) +
    K * (/ c * (first_terms t n - first_terms t n0)) +
    (first_terms s n - first_terms s n0)).
  { replace n with (n0 + (n - n0))%nat by lia.
    assert (KK : 0 <= K * (h / (K + 1))).
    { apply Rmult_le_pos; auto; left; apply Rdiv_lt_0_compat; lra. }
    induction (n - n0)%nat as [| k IH]; [rewrite Nat.add_0_r; lra |].
    rewrite Nat.add_succ_r; set (i := (n0 + k)%nat) in *; cbn [first_terms].
    specialize (Step i); specialize (Rises i).
    destruct (Rle_lt_dec h (y i)) as [Hi | Hi].
    - assert (K * (X (S i) - X i) <= K * (/ c * t i)).
      { apply Rmult_le_compat_l; auto; apply Rmult_le_reg_l with c; auto.
        rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra; now apply Gain. }
      lra.
    - assert (D : K * (X (S i) - X i) <= K * (h / (K + 1))).
      { apply Rmult_le_compat_l; auto; specialize (H3 i ltac:(lia)); lra. }
      assert (T : 0 <= K * (/ c * (first_terms t i + t i - first_terms t n0))).
      { apply Rmult_le_pos; auto; apply Rmult_le_pos.
        - left; now apply Rinv_0_lt_compat.
        - assert (first_terms t n0 <= first_terms t i); [| specialize (t0 i); lra].
          unfold i; clear - t0; induction k as [| k IH]; [rewrite Nat.add_0_r; lra |].
          rewrite Nat.add_succ_r; cbn [first_terms]; specialize (t0 (n0 + k)%nat); lra. }
      assert (T' : 0 <= first_terms s i - first_terms s n0).
      { unfold i; clear - Sp; induction k as [| k IH]; [rewrite Nat.add_0_r; lra |].
        rewrite Nat.add_succ_r; cbn [first_terms]; specialize (Sp (n0 + k)%nat); lra. }
      lra. }
  specialize (H1 n0 n ltac:(lia)); specialize (H2 n0 n ltac:(lia)).
  assert (B1 : K * (h / (K + 1)) <= h).
  { apply Rmult_le_reg_r with (K + 1); [lra |].
    replace (K * (h / (K + 1)) * (K + 1)) with (K * h) by (field; lra); nra. }
  assert (B2 : K * (/ c * (first_terms t n - first_terms t n0)) <= h).
  { apply Rle_trans with (K * (/ c * (c * h / (K + 1)))).
    - apply Rmult_le_compat_l; auto; apply Rmult_le_compat_l; auto.
      left; now apply Rinv_0_lt_compat.
    - replace (/ c * (c * h / (K + 1))) with (h / (K + 1)) by (field; lra); lra. }
  unfold h in *; lra.
Qed.

(** An exponential beats a power. *)
Lemma power_le_exp n x : 0 <= x -> x ^ n <= (2 * INR n + 1) ^ n * exp (x / 2).
Proof.
  intros x0; assert (N := pos_INR n); set (c := 2 * INR n + 1).
  assert (Y : x / c <= exp (x / c)) by (generalize (exp_ineq1_le (x / c)); lra).
  assert (Y0 : 0 <= x / c) by (apply Rdiv_le_0_compat; unfold c; lra).
  replace (x ^ n) with (c ^ n * (x / c) ^ n).
  2: { rewrite <- Rpow_mult_distr; f_equal; unfold c; field; lra. }
  apply Rmult_le_compat_l; [apply pow_le; unfold c; lra |].
  apply Rle_trans with (exp (x / c) ^ n); [now apply pow_incr |].
  rewrite exp_pow; assert (INR n * (x / c) <= x / 2).
  { apply Rmult_le_reg_r with c; [unfold c; lra |].
    replace (INR n * (x / c) * c) with (INR n * x) by (unfold c; field; lra).
    unfold c; lra. }
  destruct (Req_dec (INR n * (x / c)) (x / 2)) as [-> | Ne]; [lra |].
  left; apply exp_increasing; lra.
Qed.

(** ** A run whose loss is already small *)

Section Late.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Context {z : D -> vec J -> R} {dz : D -> vec J -> vec J} {q : nat} {B1 B2 : R}.
Hypothesis margins_smooth : smooth_margins z dz q B1 B2.
Hypothesis some_data : inhabited D.
Notation f := (exp_loss z).
Notation U := (exp_descent z dz).
Notation l := (INR q + 2).
Variables (w Q : nat -> vec J) (a A : R) (e : nat -> R).
Hypothesis step : forall k, w (S k) = (fun j => w k j + Q k j * U (w k) j).
Hypothesis a_pos : 0 < a.
Hypothesis Q_bounds : forall k j, a <= Q k j <= A.
Hypothesis A_pos : 0 < A.
Hypothesis e_nonneg : forall k, 0 <= e k.
Hypothesis e_summable : ex_series e.
Hypothesis drift : forall k j, Q k j <= Q (S k) j * exp (e k) /\
  Q (S k) j <= Q k j * exp (e k).
Notation L k := (f (w k)).
Notation m k := (@log_margin J D _ z (w k)).
Notation r k := (norm (w k)).
Notation kappa k := (A * f (w k) * curvature q B1 B2 (norm (w k))).
Notation g k := (relative_gain (z := z) (dz := dz) (Q k) (w k)).
Hypothesis margins_late : forall k, 1 <= m k.
Hypothesis kappa_late : forall k, kappa k <= / 8.
Hypothesis m_diverges : is_lim_seq (fun k => m k) p_infty.

(** The squared norm in the metric of 1 / Q, the mean margin, the number of points. *)
Definition N k : R := Sum (fun j => w k j ^ 2 / Q k j).
Definition mean k : R := Sum (fun i => exp (- z i (w k)) * z i (w k)) / L k.
Let n : R := Sum (fun _ : D => 1).

Lemma late_loss_pos k : 0 < L k.
Proof. apply (exp_loss_pos some_data). Qed.

Lemma Q_range k j : 0 < Q k j <= A.
Proof. specialize (Q_bounds k j); lra. Qed.

Lemma l_large : 2 <= l.
Proof. apply degree_large. Qed.

Lemma kappa_nonneg k : 0 <= kappa k.
Proof.
  apply Rmult_le_pos; [left; apply Rmult_lt_0_compat; auto; apply late_loss_pos |].
  apply (curvature_nonneg margins_smooth), norm_nonneg.
Qed.

Lemma late_gain k : 0 <= g k <= kappa k /\
  g k * (1 - kappa k / 2) <= m (S k) - m k <= g k * (1 + kappa k / 2).
Proof.
  assert (Ka := kappa_late k).
  assert (B := step_bounds margins_smooth some_data (w k) (Q k) A (Q_range k) A_pos
    ltac:(lra)).
  cbv beta in B; rewrite <- step in B; split; auto; split.
  - apply (relative_gain_nonneg (z := z) (dz := dz) some_data (w k) _ _ (Q_range k)).
  - apply (gain_at_most margins_smooth some_data (w k) _ _ (Q_range k) A_pos).
Qed.

Lemma late_rise k : 0 <= m (S k) - m k <= / 4.
Proof.
  destruct (late_gain k) as [[G0 G1] [B0 B1']]; assert (K0 := kappa_nonneg k).
  assert (Ka := kappa_late k); split; [apply Rle_trans with (2 := B0); nra |].
  apply Rle_trans with (1 := B1'); nra.
Qed.

Lemma mean_sum k : Sum (fun i => exp (- z i (w k)) * z i (w k)) = mean k * L k.
Proof. assert (P := late_loss_pos k); unfold mean; field; lra. Qed.

Lemma mean_bounds k : m k <= mean k <= m k + n.
Proof.
  assert (P := late_loss_pos k); split; apply Rmult_le_reg_r with (L k); auto;
    rewrite <- mean_sum.
  - unfold exp_loss; rewrite <- Sum_scal; apply Sum_le; intros i; rewrite Rmult_comm.
    apply Rmult_le_compat_l; [left; apply exp_pos | apply margin_above_log].
  - apply Rle_trans with (Sum (fun i => m k * exp (- z i (w k)) + L k * 1)).
    2: { rewrite Sum_plus, !Sum_scal; fold n; change (Sum _) with (L k) at 1; lra. }
    apply Sum_le; intros i; set (t := z i (w k) - m k).
    assert (X := exp_pos (- z i (w k))).
    replace (exp (- z i (w k)) * z i (w k)) with
      (m k * exp (- z i (w k)) + exp (- z i (w k)) * t) by (unfold t; ring).
    apply Rplus_le_compat_l; rewrite Rmult_1_r.
    replace (- z i (w k)) with (- m k + - t) by (unfold t; ring).
    rewrite (loss_of_log_margin (z := z) some_data (w k)), exp_plus, Rmult_assoc.
    rewrite <- (Rmult_1_r (exp (- m k))) at 2.
    apply Rmult_le_compat_l; [left; apply exp_pos |].
    rewrite exp_Ropp; assert (Y := exp_pos t).
    apply Rmult_le_reg_l with (exp t); auto; rewrite <- Rmult_assoc, Rinv_r by lra.
    generalize (exp_ineq1_le t); lra.
Qed.

Lemma euler_sum k : inner (w k) (U (w k)) = l * mean k * L k.
Proof.
  rewrite (inner_exp_descent (z := z) (dz := dz)), Rmult_assoc, <- mean_sum.
  rewrite <- Sum_scal; apply Sum_ext; intros i; rewrite (margin_euler margins_smooth).
  ring.
Qed.

Lemma late_norm_pos k : 0 < r k /\ 0 < B1.
Proof.
  destruct some_data as [i]; assert (M := margins_late k).
  assert (Up := margin_at_most margins_smooth (w k) i).
  assert (Ml := margin_above_log (z := z) (w k) i); change (m k <= z i (w k)) in Ml.
  assert (D2 := l_large); assert (Zp : 2 <= l * z i (w k)).
  { nra. }
  split.
  - destruct (norm_nonneg (w k)) as [? | E]; auto; rewrite <- E in Up.
    rewrite pow_i in Up by lia; lra.
  - destruct (constants_ordered margins_smooth) as [[b | <-] _]; auto; lra.
Qed.

Lemma N_bounds k : r k ^ 2 <= A * N k /\ a * N k <= r k ^ 2.
Proof.
  unfold N; rewrite norm_sqr; split; rewrite <- Sum_scal; apply Sum_le; intros j;
    destruct (Q_bounds k j); assert (W := pow2_ge_0 (w k j)).
  - apply Rmult_le_reg_r with (Q k j); [lra |].
    replace (A * (w k j ^ 2 / Q k j) * Q k j) with (A * w k j ^ 2) by (field; lra).
    rewrite Rmult_comm; apply Rmult_le_compat_r; auto.
  - apply Rmult_le_reg_r with (Q k j); [lra |].
    replace (a * (w k j ^ 2 / Q k j) * Q k j) with (a * w k j ^ 2) by (field; lra).
    rewrite (Rmult_comm _ (Q k j)); apply Rmult_le_compat_r; auto.
Qed.

Lemma N_pos k : 0 < N k.
Proof.
  destruct (late_norm_pos k) as [R0 _]; destruct (N_bounds k) as [Up _].
  assert (0 < r k ^ 2) by now apply pow_lt.
  apply Rmult_lt_reg_l with A; auto; lra.
Qed.

(** Cauchy and Schwarz. *)
Lemma late_schwarz k : (l * mean k) ^ 2 * L k <= N k * g k.
Proof.
  assert (P := late_loss_pos k).
  assert (C := cauchy_schwarz (fun j => w k j / sqrt (Q k j))
    (fun j => sqrt (Q k j) * U (w k) j)).
  assert (Rt : forall j, sqrt (Q k j) * sqrt (Q k j) = Q k j /\ 0 < sqrt (Q k j)).
  { intros j; assert (R := Q_range k j); split; [apply sqrt_sqrt; lra |].
    apply sqrt_lt_R0; lra. }
  cbv beta in C.
  assert (E1 : Sum (fun j : J => w k j / sqrt (Q k j) * (sqrt (Q k j) * U (w k) j)) =
    l * mean k * L k).
  { rewrite <- euler_sum; apply Sum_ext; intros j; destruct (Rt j); field; lra. }
  assert (E2 : Sum (fun j : J => (w k j / sqrt (Q k j)) ^ 2) = N k).
  { apply Sum_ext; intros j; destruct (Rt j) as [Sq Po]; rewrite <- Sq at 2.
    field; lra. }
  assert (E3 : Sum (fun j : J => (sqrt (Q k j) * U (w k) j) ^ 2) = g k * L k).
  { unfold relative_gain, Rdiv; rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
    apply Sum_ext; intros j; destruct (Rt j) as [Sq Po]; rewrite <- Sq at 2; ring. }
  rewrite E1, E2, E3 in C; apply Rmult_le_reg_r with (L k); auto; lra.
Qed.

(** ** The growth of the norm against that of the margin *)

Lemma N_next k : N (S k) <= exp (e k) * (N k + 2 * (l * mean k * L k) + g k * L k).
Proof.
  assert (P := late_loss_pos k).
  replace (N k + 2 * (l * mean k * L k) + g k * L k) with
    (Sum (fun j => w (S k) j ^ 2 / Q k j)).
  - unfold N; rewrite <- Sum_scal; apply Sum_le; intros j.
    destruct (Q_range k j) as [Q0 _]; destruct (Q_range (S k) j) as [Q1 _].
    destruct (drift k j) as [Dr _]; assert (W := pow2_ge_0 (w (S k) j)).
    apply Rmult_le_reg_r with (Q k j * Q (S k) j); [now apply Rmult_lt_0_compat |].
    replace (w (S k) j ^ 2 / Q (S k) j * (Q k j * Q (S k) j)) with
      (w (S k) j ^ 2 * Q k j) by (field; lra).
    replace (exp (e k) * (w (S k) j ^ 2 / Q k j) * (Q k j * Q (S k) j)) with
      (w (S k) j ^ 2 * (Q (S k) j * exp (e k))) by (field; lra).
    now apply Rmult_le_compat_l.
  - rewrite <- euler_sum; unfold N, inner, relative_gain, Rdiv.
    rewrite Rmult_assoc, Rinv_l, Rmult_1_r, <- Sum_scal, <- !Sum_plus by lra.
    apply Sum_ext; intros j; destruct (Q_range k j) as [Q0 _]; rewrite step.
    field; lra.
Qed.

Lemma log_N_next k : ln (N (S k)) - ln (N k) <=
  e k + (2 * (l * mean k * L k) + g k * L k) / N k.
Proof.
  assert (Nk := N_pos k); assert (Ns := N_pos (S k)); assert (Up := N_next k).
  set (x := 2 * (l * mean k * L k) + g k * L k) in *.
  replace (N k + 2 * (l * mean k * L k) + g k * L k) with (N k * (1 + x / N k)) in Up
    by (unfold x; field; lra).
  assert (T := exp_ineq1_le (x / N k)).
  assert (Le : N (S k) <= N k * exp (e k + x / N k)).
  { apply Rle_trans with (1 := Up); rewrite exp_plus.
    replace (N k * (exp (e k) * exp (x / N k))) with (exp (e k) * (N k * exp (x / N k)))
      by ring.
    apply Rmult_le_compat_l; [left; apply exp_pos |].
    apply Rmult_le_compat_l; lra. }
  apply ln_le in Le; auto; rewrite ln_mult, ln_exp in Le by (auto; apply exp_pos); lra.
Qed.

(** The loss is small against the squared norm over the margin. *)
Lemma loss_over_norm k : l * (L k * m k / N k) <= kappa k.
Proof.
  destruct (kappa_parts margins_smooth some_data (w k) A A_pos) as [_ [_ K]].
  apply Rle_trans with (2 := K); destruct some_data as [i].
  assert (Up := margin_at_most margins_smooth (w k) i); assert (P := late_loss_pos k).
  assert (Ml := margin_above_log (z := z) (w k) i); change (m k <= z i (w k)) in Ml.
  assert (Nk := N_pos k); destruct (N_bounds k) as [Nr _].
  destruct (late_norm_pos k) as [R0 b0].
  apply Rmult_le_reg_r with (N k); auto.
  replace (l * (L k * m k / N k) * N k) with (L k * (l * m k)) by (field; lra).
  apply Rle_trans with (L k * (B1 * r k ^ (q + 2))).
  - apply Rmult_le_compat_l; [lra |]; apply Rle_trans with (2 := Up).
    apply Rmult_le_compat_l; [generalize l_large; lra | exact Ml].
  - replace (A * L k * (B1 * r k ^ q) * N k) with (L k * (B1 * r k ^ q) * (A * N k))
      by ring.
    replace (L k * (B1 * r k ^ (q + 2))) with (L k * (B1 * r k ^ q) * r k ^ 2)
      by (rewrite pow_add; ring).
    apply Rmult_le_compat_l; auto; apply Rmult_le_pos; [lra |].
    apply Rmult_le_pos; [lra | apply pow_le; lra].
Qed.

(** The gain over the margin is the increment of the logarithm of the margin. *)
Lemma gain_over_margin k :
  g k / m k <= (1 + 4 * kappa k) * (ln (m (S k)) - ln (m k)) /\
  ln (m (S k)) - ln (m k) <= (m (S k) - m k) / m k /\
  0 <= ln (m (S k)) - ln (m k).
Proof.
  destruct (late_gain k) as [[G0 G1] [Lo Up]]; assert (K0 := kappa_nonneg k).
  assert (Ka := kappa_late k); assert (M := margins_late k).
  assert (R := late_rise k); set (dm := m (S k) - m k) in *.
  assert (M' : m (S k) = m k + dm) by (unfold dm; ring); rewrite M'.
  set (X := ln (m k + dm) - ln (m k)).
  assert (X1 : dm / (m k + dm) <= X).
  { assert (T := exp_ineq1_le (- X)); unfold X in T at 2.
    replace (- (ln (m k + dm) - ln (m k))) with (ln (m k) + - ln (m k + dm)) in T by ring.
    rewrite exp_plus, exp_Ropp, !exp_ln in T by lra.
    replace (dm / (m k + dm)) with (1 - m k * / (m k + dm)) by (field; lra); lra. }
  assert (X2 : X <= dm / m k).
  { assert (T := exp_ineq1_le X); unfold X in T at 2.
    unfold Rminus in T; rewrite exp_plus, exp_Ropp, !exp_ln in T by lra.
    replace (dm / m k) with ((m k + dm) * / m k - 1) by (field; lra); lra. }
  assert (X0 : 0 <= X).
  { apply Rle_trans with (2 := X1); apply Rdiv_le_0_compat; lra. }
  split; [| split; auto].
  (* g <= (1 + kappa) dm, and dm / m <= (1 + dm) X *)
  assert (Gd : g k <= (1 + kappa k) * dm).
  { apply Rle_trans with ((1 + kappa k) * (g k * (1 - kappa k / 2))).
    - assert (0 <= g k * (kappa k * (/ 2 - kappa k / 2)))
        by (apply Rmult_le_pos; [lra | nra]).
      lra.
    - apply Rmult_le_compat_l; lra. }
  assert (Dx : dm / m k <= (1 + dm) * X).
  { apply Rle_trans with ((1 + dm) * (dm / (m k + dm))).
    - apply Rmult_le_reg_r with (m k * (m k + dm)); [nra |].
      replace (dm / m k * (m k * (m k + dm))) with (dm * (m k + dm)) by (field; lra).
      replace ((1 + dm) * (dm / (m k + dm)) * (m k * (m k + dm))) with
        (dm * (m k + dm * m k)) by (field; lra).
      apply Rmult_le_compat_l; nra.
    - apply Rmult_le_compat_l; lra. }
  assert (Dk : dm <= 17 / 16 * kappa k) by nra.
  apply Rle_trans with ((1 + kappa k) * (dm / m k)).
  - unfold Rdiv; rewrite <- Rmult_assoc; apply Rmult_le_compat_r; auto.
    left; apply Rinv_0_lt_compat; lra.
  - apply Rle_trans with ((1 + kappa k) * ((1 + dm) * X)).
    + apply Rmult_le_compat_l; lra.
    + rewrite <- Rmult_assoc; apply Rmult_le_compat_r; auto; nra.
Qed.

(** The growth of the norm, with the share of the gain that Cauchy and Schwarz allow. *)
Lemma log_N_growth k : ln (N (S k)) - ln (N k) <=
  e k + 2 * (l * mean k * L k) / N k + g k / m k * (kappa k / l).
Proof.
  apply Rle_trans with (1 := log_N_next k); assert (M := margins_late k).
  assert (Nk := N_pos k); assert (D2 := l_large).
  assert (Lo := loss_over_norm k); destruct (late_gain k) as [[G0 _] _].
  replace ((2 * (l * mean k * L k) + g k * L k) / N k) with
    (2 * (l * mean k * L k) / N k + g k / m k * (L k * m k / N k)) by (field; lra).
  assert (g k / m k * (L k * m k / N k) <= g k / m k * (kappa k / l)); [| lra].
  apply Rmult_le_compat_l; [apply Rdiv_le_0_compat; lra |].
  apply Rmult_le_reg_l with l; [lra |].
  replace (l * (kappa k / l)) with (kappa k) by (field; lra); exact Lo.
Qed.

(** Step 7 of the paper proof. *)
Lemma comparison k : ln (N (S k)) - ln (N k) <=
  e k + 2 / l * (1 + 5 * kappa k) * (ln (m (S k)) - ln (m k)).
Proof.
  apply Rle_trans with (1 := log_N_growth k); rewrite Rplus_assoc.
  apply Rplus_le_compat_l.
  assert (M := margins_late k); assert (Nk := N_pos k); assert (D2 := l_large).
  assert (Sc := late_schwarz k); destruct (mean_bounds k) as [Mb _].
  destruct (late_gain k) as [[G0 _] _]; destruct (gain_over_margin k) as (Gx & _ & X0).
  assert (K0 := kappa_nonneg k); assert (Ka := kappa_late k).
  assert (Main : 2 * (l * mean k * L k) / N k <= 2 / l * (g k / m k)).
  { apply Rmult_le_reg_r with (l * m k * N k).
    { apply Rmult_lt_0_compat; auto; apply Rmult_lt_0_compat; lra. }
    replace (2 * (l * mean k * L k) / N k * (l * m k * N k)) with
      (2 * (l ^ 2 * mean k * m k * L k)) by (field; lra).
    replace (2 / l * (g k / m k) * (l * m k * N k)) with (2 * (N k * g k))
      by (field; lra).
    apply Rmult_le_compat_l; [lra |]; apply Rle_trans with (2 := Sc).
    replace ((l * mean k) ^ 2 * L k) with (l ^ 2 * mean k * mean k * L k) by ring.
    apply Rmult_le_compat_r; [left; apply late_loss_pos |].
    apply Rmult_le_compat_l; auto; apply Rmult_le_pos; [apply pow2_ge_0 | lra]. }
  set (X := ln (m (S k)) - ln (m k)) in *; set (y := g k / m k) in *.
  apply Rle_trans with (2 / l * (y * (1 + kappa k / 2))).
  - replace (2 / l * (y * (1 + kappa k / 2))) with (2 / l * y + y * (kappa k / l))
      by (field; lra).
    lra.
  - rewrite (Rmult_assoc (2 / l)); apply Rmult_le_compat_l.
    { left; apply Rdiv_lt_0_compat; lra. }
    apply Rle_trans with ((1 + 4 * kappa k) * X * (1 + kappa k / 2)).
    + apply Rmult_le_compat_r; lra.
    + replace ((1 + 4 * kappa k) * X * (1 + kappa k / 2)) with
        ((1 + 4 * kappa k) * (1 + kappa k / 2) * X) by ring.
      apply Rmult_le_compat_r; auto; nra.
Qed.

(** ** The errors are summable *)

Notation X k := (ln (m k)).
Notation dX k := (ln (m (S k)) - ln (m k)).

Lemma dX_bounds k : 0 <= dX k <= m (S k) - m k /\ dX k <= / 4 * / m k.
Proof.
  destruct (gain_over_margin k) as (_ & Up & X0); assert (M := margins_late k).
  assert (R := late_rise k).
  assert (I : 0 < / m k <= 1).
  { split; [apply Rinv_0_lt_compat; lra |]; rewrite <- Rinv_1.
    apply Rinv_le_contravar; lra. }
  unfold Rdiv in Up; split; [split; auto; apply Rle_trans with (1 := Up); nra |].
  apply Rle_trans with (1 := Up); apply Rmult_le_compat_r; lra.
Qed.

Lemma nothing_summable : ex_series (fun _ : nat => 0).
Proof.
  apply (summable _ 0); [intros; lra |]; intros k; induction k as [| k IH]; simpl; lra.
Qed.

(** Against the increments of X, what falls like exp (- m / 2) ... *)
Lemma decaying_summable (u : nat -> R) (C : R) :
  (forall k, 0 <= u k <= C * exp (- m k / 2)) -> ex_series (fun k => u k * dX k).
Proof.
  intros Bd; assert (C0 : 0 <= C).
  { assert (E := exp_pos (- m 0 / 2)); specialize (Bd 0%nat).
    apply Rmult_le_reg_r with (exp (- m 0 / 2)); auto; lra. }
  apply (summable_stock (fun k => 4 * C * exp (- m k / 2)) _ (fun _ => 0));
    [| | intros; lra | | apply nothing_summable]; intros k;
    destruct (dX_bounds k) as [[X0 X1] _]; specialize (Bd k); assert (R := late_rise k).
  - apply Rmult_le_pos; [lra | left; apply exp_pos].
  - apply Rmult_le_pos; lra.
  - set (dm := m (S k) - m k) in *; assert (E := exp_pos (- m k / 2)).
    replace (- m (S k) / 2) with (- m k / 2 + - (dm / 2)) by (unfold dm; field).
    rewrite exp_plus, exp_Ropp; assert (T := exp_ineq1_le (dm / 2)).
    assert (Lo : / exp (dm / 2) <= 1 - dm / 4).
    { apply Rle_trans with (/ (1 + dm / 2)); [apply Rinv_le_contravar; lra |].
      apply Rmult_le_reg_r with (1 + dm / 2); [lra |]; rewrite Rinv_l by lra; nra. }
    assert (U1 : u k * dX k <= C * exp (- m k / 2) * dm)
      by (apply Rmult_le_compat; lra).
    assert (CE : 0 <= C * exp (- m k / 2)) by (apply Rmult_le_pos; lra).
    apply Rmult_le_compat_l with (r := C * exp (- m k / 2)) in Lo; auto; lra.
Qed.

(** ... is summable, and so is 1 / m. *)
Lemma inverse_summable : ex_series (fun k => / m k * dX k).
Proof.
  apply (summable_stock (fun k => 2 * / m k) _ (fun _ => 0));
    [| | intros; lra | | apply nothing_summable]; intros k;
    destruct (gain_over_margin k) as (_ & X1 & X0); assert (M := margins_late k);
    assert (R := late_rise k); assert (I : 0 < / m k) by (apply Rinv_0_lt_compat; lra).
  - lra.
  - apply Rmult_le_pos; lra.
  - set (dm := m (S k) - m k) in *.
    replace (m (S k)) with (m k + dm) at 1 by (unfold dm; ring).
    apply Rle_trans with (2 * / (m k + dm) + / m k * (dm / m k)).
    + apply Rplus_le_compat_l, Rmult_le_compat_l; lra.
    + apply Rmult_le_reg_r with (m k ^ 2 * (m k + dm)); [nra |].
      replace ((2 * / (m k + dm) + / m k * (dm / m k)) * (m k ^ 2 * (m k + dm))) with
        (2 * m k ^ 2 + dm * (m k + dm)) by (field; lra).
      replace ((2 * / m k + 0) * (m k ^ 2 * (m k + dm))) with
        (2 * m k ^ 2 + dm * (2 * m k)) by (field; lra).
      apply Rplus_le_compat_l, Rmult_le_compat_l; lra.
Qed.

Lemma log_N_telescopes k : ln (N k) <= ln (N 0) + first_terms e k + 2 * (X k - X 0).
Proof.
  induction k as [| k IH]; cbn [first_terms]; [lra |].
  assert (C := comparison k); destruct (dX_bounds k) as [[X0 _] _].
  assert (D2 := l_large); assert (Ka := kappa_late k); assert (K0 := kappa_nonneg k).
  assert (I : 0 < / l <= / 2)
    by (split; [apply Rinv_0_lt_compat | apply Rinv_le_contravar]; lra).
  assert (2 / l * (1 + 5 * kappa k) * dX k <= 2 * dX k); [| lra].
  apply Rmult_le_compat_r; auto; unfold Rdiv; nra.
Qed.

Lemma N_at_most : exists C, 0 < C /\ forall k, N k <= C * m k ^ 2.
Proof.
  destruct (first_terms_bounded e e_nonneg e_summable) as [E HE].
  exists (exp (ln (N 0) + E - 2 * X 0)); split; [apply exp_pos |]; intros k.
  assert (T := log_N_telescopes k); specialize (HE k); assert (M := margins_late k).
  replace (m k ^ 2) with (exp (X k + X k)) by (rewrite exp_plus, exp_ln by lra; ring).
  rewrite <- exp_plus, <- (exp_ln (N k)) by apply N_pos.
  assert (Le : ln (N k) <= ln (N 0) + E - 2 * X 0 + (X k + X k)) by lra.
  destruct Le as [Lt | ->]; [left; now apply exp_increasing | lra].
Qed.

(** Step 8: kappa falls like exp (- m / 2). *)
Lemma kappa_at_most : exists C, 0 < C /\ forall k, kappa k <= C * exp (- m k / 2).
Proof.
  destruct N_at_most as (C & C0 & HC); destruct (constants_ordered margins_smooth).
  set (n2 := (2 * q + 2)%nat); set (T := (A * C) ^ (q + 1)).
  set (B := B1 ^ 2 + B2 * 2 ^ q).
  assert (P2 : 0 < 2 ^ q) by (apply pow_lt; lra).
  assert (T0 : 0 < T) by (apply pow_lt, Rmult_lt_0_compat; auto).
  assert (B0 : 0 <= B).
  { unfold B; apply Rplus_le_le_0_compat; [apply pow2_ge_0 | apply Rmult_le_pos; lra]. }
  set (c := (2 * INR n2 + 1) ^ n2).
  assert (c0 : 0 < c) by (apply pow_lt; generalize (pos_INR n2); lra).
  exists (A * (B + 1) * (1 + T) * c); split.
  { repeat apply Rmult_lt_0_compat; auto; lra. }
  intros k; assert (M := margins_late k); assert (P := late_loss_pos k).
  destruct (late_norm_pos k) as [R0 _]; destruct (N_bounds k) as [Nr _].
  assert (R2 : r k ^ n2 <= T * m k ^ n2).
  { replace (r k ^ n2) with ((r k ^ 2) ^ (q + 1))
      by (rewrite <- pow_mult; unfold n2; f_equal; lia).
    replace (m k ^ n2) with ((m k ^ 2) ^ (q + 1))
      by (rewrite <- pow_mult; unfold n2; f_equal; lia).
    unfold T; rewrite <- Rpow_mult_distr; apply pow_incr; split; [apply pow2_ge_0 |].
    apply Rle_trans with (1 := Nr); rewrite Rmult_assoc.
    apply Rmult_le_compat_l; [lra | apply HC]. }
  assert (M1 : 1 <= m k ^ n2) by (apply pow_R1_Rle; lra).
  assert (Rq : r k ^ q <= 1 + r k ^ n2).
  { destruct (Rle_lt_dec (r k) 1) as [S | S].
    - assert (r k ^ q <= 1 ^ q) by (apply pow_incr; lra); rewrite pow1 in *.
      assert (0 < r k ^ n2) by now apply pow_lt.
      lra.
    - assert (r k ^ q <= r k ^ n2) by (apply Rle_pow; [lra | unfold n2; lia]).
      lra. }
  assert (Cu : curvature q B1 B2 (r k) <= (B + 1) * ((1 + T) * m k ^ n2)).
  { unfold curvature; fold n2; rewrite Rpow_mult_distr.
    apply Rle_trans with (B * (1 + r k ^ n2)).
    - unfold B; assert (0 <= B1 ^ 2) by apply pow2_ge_0.
      assert (0 <= B2 * 2 ^ q) by (apply Rmult_le_pos; lra).
      assert (B2 * 2 ^ q * r k ^ q <= B2 * 2 ^ q * (1 + r k ^ n2))
        by (apply Rmult_le_compat_l; auto).
      lra.
    - assert (0 < r k ^ n2) by now apply pow_lt.
      apply Rmult_le_compat; lra. }
  assert (M0 : 0 <= m k) by lra.
  assert (Pe := power_le_exp n2 (m k) M0); fold c in Pe.
  apply Rle_trans with (A * L k * ((B + 1) * ((1 + T) * (c * exp (m k / 2))))).
  - apply Rmult_le_compat_l; [apply Rmult_le_pos; lra |].
    apply Rle_trans with (1 := Cu); apply Rmult_le_compat_l; [lra |].
    apply Rmult_le_compat_l; lra.
  - right; rewrite (loss_of_log_margin (z := z) some_data (w k)).
    replace (- m k / 2) with (- m k + m k / 2) by field; rewrite exp_plus; ring.
Qed.

Lemma kappa_summable : ex_series (fun k => kappa k * dX k).
Proof.
  destruct kappa_at_most as (C & C0 & HC); apply (decaying_summable _ C).
  intros k; split; [apply kappa_nonneg | apply HC].
Qed.

(** ** Step 9: the margin against the norm *)

Definition balance k : R := ln (N k) - 2 / l * X k.

Lemma balance_below : exists b, forall k, b <= balance k.
Proof.
  exists (2 / l * (ln l - ln B1) - ln A); intros k; unfold balance.
  destruct (late_norm_pos k) as [R0 b0]; destruct some_data as [i].
  assert (M := margins_late k); assert (Nk := N_pos k); assert (D2 := l_large).
  assert (Up := margin_at_most margins_smooth (w k) i).
  assert (Ml := margin_above_log (z := z) (w k) i); change (m k <= z i (w k)) in Ml.
  assert (Lm : l * m k <= B1 * r k ^ (q + 2)).
  { apply Rle_trans with (2 := Up); apply Rmult_le_compat_l; lra. }
  apply ln_le in Lm; [| apply Rmult_lt_0_compat; lra].
  rewrite !ln_mult, ln_pow in Lm by (auto; try apply pow_lt; lra).
  destruct (N_bounds k) as [Nr _]; apply ln_le in Nr; [| now apply pow_lt].
  rewrite ln_mult, ln_pow in Nr by auto; rewrite plus_INR in Lm.
  replace (INR 2) with 2 in * by (simpl; ring).
  set (lr := ln (r k)) in *.
  assert (T : 2 / l * (ln l + X k) <= 2 / l * (ln B1 + l * lr)).
  { apply Rmult_le_compat_l; [left; apply Rdiv_lt_0_compat; lra | lra]. }
  replace (2 / l * (ln B1 + l * lr)) with (2 / l * ln B1 + 2 * lr) in T by (field; lra).
  lra.
Qed.

Lemma balance_converges : exists G : R, is_lim_seq balance G.
Proof.
  destruct balance_below as [b Hb].
  apply (almost_falling balance (fun k => e k + 10 / l * (kappa k * dX k)) b); auto.
  - intros k; apply Rplus_le_le_0_compat; auto; apply Rmult_le_pos.
    + left; apply Rdiv_lt_0_compat; [lra | generalize l_large; lra].
    + apply Rmult_le_pos; [apply kappa_nonneg | apply dX_bounds].
  - apply summable_plus; auto; apply summable_scal, kappa_summable.
  - intros k; assert (C := comparison k); assert (D2 := l_large); unfold balance.
    replace (2 / l * (1 + 5 * kappa k) * dX k) with
      (2 / l * dX k + 10 / l * (kappa k * dX k)) in C by (field; lra).
    lra.
Qed.

(** m over the norm to the power l, in the metric of 1 / Q, has a positive limit. *)
Lemma margin_over_norm : exists gamma : R, 0 < gamma /\
  is_lim_seq (fun k => m k / sqrt (N k) ^ (q + 2)) gamma.
Proof.
  destruct balance_converges as [G LG]; exists (exp (- (l / 2) * G)).
  split; [apply exp_pos |].
  apply is_lim_seq_ext with (fun k => exp (- (l / 2) * balance k)).
  - intros k; assert (Nk := N_pos k); assert (M := margins_late k); unfold balance.
    assert (S := sqrt_lt_R0 _ Nk); assert (D2 := l_large).
    replace (- (l / 2) * (ln (N k) - 2 / l * X k)) with
      (X k + - (INR (q + 2) * ln (sqrt (N k)))).
    + rewrite exp_plus, exp_Ropp, exp_ln, <- exp_pow, exp_ln by lra; reflexivity.
    + rewrite plus_INR; replace (ln (N k)) with (2 * ln (sqrt (N k))).
      * simpl (INR 2); field; lra.
      * rewrite <- (sqrt_sqrt (N k)) at 2 by lra; rewrite ln_mult by auto; ring.
  - apply (is_lim_seq_continuous exp); [| now apply lim_seq_scal].
    apply derivable_continuous_pt, derivable_pt_exp.
Qed.

(** ** Steps 10 to 13: alignment *)

(** N F / (l m)^2 of the paper, at least 1 by Cauchy and Schwarz. *)
Definition misalignment k : R := N k * g k / (L k * (l * m k) ^ 2).
Notation y k := (ln (misalignment k)).

Lemma late_gain_pos k : 0 < g k.
Proof.
  destruct (late_gain k) as [[[G0 | E] _] _]; auto; assert (Sc := late_schwarz k).
  rewrite <- E, Rmult_0_r in Sc; destruct (mean_bounds k) as [Mb _].
  assert (M := margins_late k); assert (D2 := l_large); assert (P := late_loss_pos k).
  assert (0 < (l * mean k) ^ 2 * L k).
  { apply Rmult_lt_0_compat; auto; apply pow_lt, Rmult_lt_0_compat; lra. }
  lra.
Qed.

Lemma misalignment_large k : 1 <= misalignment k /\ 0 <= y k.
Proof.
  assert (M := margins_late k); assert (D2 := l_large); assert (P := late_loss_pos k).
  destruct (mean_bounds k) as [Mb _].
  assert (D0 : 0 < L k * (l * m k) ^ 2).
  { apply Rmult_lt_0_compat; auto; apply pow_lt, Rmult_lt_0_compat; lra. }
  assert (Ge : 1 <= misalignment k).
  { apply Rmult_le_reg_r with (L k * (l * m k) ^ 2); auto; unfold misalignment, Rdiv.
    rewrite Rmult_assoc, Rinv_l, Rmult_1_l, Rmult_1_r by lra.
    apply Rle_trans with (2 := late_schwarz k); rewrite Rmult_comm.
    apply Rmult_le_compat_r; [lra |]; apply pow_incr; split.
    - apply Rmult_le_pos; lra.
    - apply Rmult_le_compat_l; lra. }
  split; auto; rewrite <- ln_1; apply ln_le; lra.
Qed.

Lemma n_nonneg : 0 <= n.
Proof. apply Sum_nonneg; intros; lra. Qed.

(** Step 10: what is lost by misalignment is summable. *)
Lemma excess_summable : ex_series (fun k => (1 - exp (- y k)) * dX k).
Proof.
  destruct balance_below as [b Hb]; assert (D2 := l_large); assert (n0 := n_nonneg).
  set (v := fun k => e k + 2 / l * (2 * n * (/ m k * dX k) + 5 * (kappa k * dX k))).
  assert (Gap : forall k, 0 <= 1 - exp (- y k)).
  { intros k; destruct (misalignment_large k) as [_ Y]; assert (exp (- y k) <= 1); [| lra].
    rewrite <- exp_0; destruct Y as [Y | <-]; [left; apply exp_increasing; lra |].
    rewrite Ropp_0; lra. }
  assert (Sp : ex_series (fun k => 2 / l * ((1 - exp (- y k)) * dX k))).
  { apply (summable_stock (fun k => balance k - b) _ v).
    - intros k; specialize (Hb k); lra.
    - intros k; apply Rmult_le_pos; [left; apply Rdiv_lt_0_compat; lra |].
      apply Rmult_le_pos; [apply Gap | apply dX_bounds].
    - intros k; unfold v; apply Rplus_le_le_0_compat; auto.
      assert (I : 0 < / m k) by (apply Rinv_0_lt_compat; generalize (margins_late k); lra).
      destruct (dX_bounds k) as [[X0 _] _]; assert (K0 := kappa_nonneg k).
      apply Rmult_le_pos; [left; apply Rdiv_lt_0_compat; lra |].
      apply Rplus_le_le_0_compat; apply Rmult_le_pos; try lra;
        apply Rmult_le_pos; lra.
    - intros k; assert (Gr := log_N_growth k); unfold v, balance.
      destruct (misalignment_large k) as [W1 _]; destruct (mean_bounds k) as [_ Mb].
      destruct (gain_over_margin k) as (Gx & _ & X0); assert (M := margins_late k).
      assert (K0 := kappa_nonneg k); assert (Ka := kappa_late k).
      assert (G0 := late_gain_pos k); assert (Nk := N_pos k); assert (P := late_loss_pos k).
      rewrite exp_Ropp, exp_ln by lra; set (c := / misalignment k).
      assert (c1 : 0 < c <= 1).
      { split; [apply Rinv_0_lt_compat; lra |]; rewrite <- Rinv_1.
        apply Rinv_le_contravar; lra. }
      assert (I : 0 < / m k) by (apply Rinv_0_lt_compat; lra).
      set (gm := g k / m k) in *; assert (gm0 : 0 < gm) by (apply Rdiv_lt_0_compat; lra).
      assert (Eq : 2 * (l * mean k * L k) / N k = 2 / l * (gm * (mean k / m k) * c)).
      { unfold gm, c, misalignment; field; repeat split; lra. }
      rewrite Eq in Gr; set (dx := dX k) in *.
      assert (Mm : mean k / m k <= 1 + n * / m k).
      { apply Rmult_le_reg_r with (m k); [lra |]; unfold Rdiv.
        rewrite Rmult_assoc, Rinv_l, Rmult_1_r, Rmult_plus_distr_r, Rmult_assoc, Rinv_l
          by lra; lra. }
      assert (nm : 0 <= n * / m k) by (apply Rmult_le_pos; lra).
      assert (Kd : 0 <= kappa k * dx) by (apply Rmult_le_pos; lra).
      assert (Gd : gm <= dx + 4 * (kappa k * dx)) by lra.
      assert (Kd8 : kappa k * dx <= / 8 * dx) by (apply Rmult_le_compat_r; lra).
      assert (T1 : gm * (mean k / m k) * c <= c * dx + 4 * (kappa k * dx) +
        2 * n * (/ m k * dx)).
      { apply Rle_trans with (gm * (1 + n * / m k) * c).
        - apply Rmult_le_compat_r; [lra |]; apply Rmult_le_compat_l; lra.
        - apply Rle_trans with ((dx + 4 * (kappa k * dx)) * (1 + n * / m k) * c).
          + apply Rmult_le_compat_r; [lra |]; apply Rmult_le_compat_r; lra.
          + assert (c * (4 * (kappa k * dx)) <= 1 * (4 * (kappa k * dx)))
              by (apply Rmult_le_compat_r; lra).
            assert ((dx + 4 * (kappa k * dx)) * (n * / m k) * c <=
              2 * dx * (n * / m k) * 1).
            { apply Rmult_le_compat; try lra.
              - apply Rmult_le_pos; lra.
              - apply Rmult_le_compat_r; lra. }
            lra. }
      assert (T2 : gm * (kappa k / l) <= 2 / l * (kappa k * dx)).
      { replace (gm * (kappa k / l)) with (gm * kappa k / l) by (field; lra).
        replace (2 / l * (kappa k * dx)) with (2 * (kappa k * dx) / l) by (field; lra).
        unfold Rdiv; apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; lra |].
        assert (gm * kappa k <= (dx + 4 * (kappa k * dx)) * kappa k)
          by (apply Rmult_le_compat_r; lra).
        assert (kappa k * dx * kappa k <= kappa k * dx * / 8)
          by (apply Rmult_le_compat_l; lra).
        lra. }
      apply Rmult_le_compat_l with (r := 2 / l) in T1;
        [| left; apply Rdiv_lt_0_compat; lra].
      assert (Ed : 2 / l * X (S k) = 2 / l * X k + 2 / l * dx) by (unfold dx; ring).
      lra.
    - apply summable_plus; auto; apply summable_scal, summable_plus; apply summable_scal;
        [apply inverse_summable | apply kappa_summable]. }
  assert (S := summable_scal (l / 2) _ Sp); revert S; apply ex_series_ext; intros k.
  change (l / 2 * (2 / l * ((1 - exp (- y k)) * dX k)) = (1 - exp (- y k)) * dX k).
  field; lra.
Qed.

(** *** The gradient of the logarithm of the loss along a step *)

Let u k : vec J := fun j => U (w k) j / L k.
Let dw k : vec J := fun j => Q k j * U (w k) j.
Let back k : vec J := sub (u k) (u (S k)).
Let B k := B2 * (2 * r k) ^ q.

Lemma step_back k : w k = (fun j => w (S k) j + -1 * dw k j).
Proof. apply functional_extensionality; intros j; rewrite step; unfold dw; ring. Qed.

Lemma both_inside k : r k <= 2 * r k /\ r (S k) <= 2 * r k.
Proof.
  assert (R0 := norm_nonneg (w k)); split; [lra |]; assert (Ka := kappa_late k).
  assert (K1 : kappa k <= 1) by lra.
  assert (In := segment_inside margins_smooth some_data (w k) (Q k) A (Q_range k) A_pos
    K1 1 (conj Rle_0_1 (Rle_refl 1))).
  rewrite step; apply Rle_trans with (2 := In); right; apply norm_ext; intros; ring.
Qed.

Lemma dw_sqr k : norm (dw k) ^ 2 <= A * (g k * L k).
Proof. exact (step_sqr some_data (w k) (Q k) A (Q_range k)). Qed.

Lemma dw_norm k : norm (dw k) <= A * norm (U (w k)).
Proof. exact (step_norm_le (w k) (Q k) A (Q_range k) A_pos). Qed.

Lemma inner_u v k : inner v (u k) = inner v (U (w k)) / L k.
Proof.
  unfold inner, Rdiv; rewrite Rmult_comm, <- Sum_scal; apply Sum_ext; intros j.
  unfold u; field; generalize (late_loss_pos k); lra.
Qed.

(** Not far from monotone ... *)
Lemma back_inner k : - (B k * norm (dw k) ^ 2) <= inner (dw k) (back k).
Proof.
  destruct (both_inside k) as [I1 I2].
  assert (I3 : norm (fun j => w k j + dw k j) <= 2 * r k).
  { apply Rle_trans with (2 := I2); right; rewrite step; reflexivity. }
  assert (S1 := step_down margins_smooth some_data (w k) (dw k) (2 * r k) I1 I3).
  assert (I4 : norm (fun j => w (S k) j + -1 * dw k j) <= 2 * r k)
    by now rewrite <- step_back.
  assert (S2 := step_down margins_smooth some_data (w (S k)) (fun j => -1 * dw k j)
    (2 * r k) I2 I4).
  cbv beta in S2; rewrite <- step_back in S2.
  replace (fun j => w k j + dw k j) with (w (S k)) in S1 by now rewrite step.
  rewrite norm_scal, Rabs_left in S2 by lra.
  unfold back; rewrite inner_sub, !inner_u.
  replace (inner (fun j => -1 * dw k j) (U (w (S k)))) with
    (-1 * inner (dw k) (U (w (S k)))) in S2
    by (rewrite (inner_comm (fun j => -1 * dw k j)), inner_scal, inner_comm; ring).
  fold (B k) in S1, S2; unfold Rdiv in *.
  replace ((- (-1) * norm (dw k)) ^ 2) with (norm (dw k) ^ 2) in S2 by ring.
  lra.
Qed.

Lemma exp_near t c : Rabs t <= c -> c <= / 2 -> Rabs (exp t - 1) <= 2 * c.
Proof.
  intros T C; apply Rabs_le_between in T; assert (E := exp_ineq1_le t).
  apply Rabs_le; split; [lra |].
  assert (F := exp_ineq1_le (- t)); rewrite exp_Ropp in F; assert (P := exp_pos t).
  apply Rmult_le_compat_l with (r := exp t) in F; [| lra].
  rewrite Rinv_r in F by lra; nra.
Qed.

(** ... and Lipschitz. *)
Lemma back_norm k : norm (back k) <= 4 * curvature q B1 B2 (r k) * norm (dw k).
Proof.
  destruct (both_inside k) as [I1 I2]; assert (Nd := norm_nonneg (dw k)).
  assert (R0 := norm_nonneg (w k)); assert (P := late_loss_pos k).
  assert (P' := late_loss_pos (S k)); assert (Ka := kappa_late k).
  destruct (constants_ordered margins_smooth) as [b0 b1].
  set (Gr := B1 * r k ^ (q + 1)).
  assert (Gr0 : 0 <= Gr) by (apply Rmult_le_pos; [lra | now apply pow_le]).
  assert (Bk0 : 0 <= B k) by (apply Rmult_le_pos; [lra | apply pow_le; lra]).
  set (T := Gr * norm (dw k) + B k / 2 * norm (dw k) ^ 2).
  assert (Mv : forall i, Rabs (z i (w (S k)) - z i (w k)) <= T).
  { intros i.
    assert (I3 : norm (fun j => w k j + dw k j) <= 2 * r k).
    { apply Rle_trans with (2 := I2); right; rewrite step; reflexivity. }
    assert (So := margin_second_order margins_smooth i (2 * r k) (w k) (dw k) I1 I3).
    replace (fun j => w k j + dw k j) with (w (S k)) in So by now rewrite step.
    fold (B k) in So; assert (Ia := inner_abs_le (dz i (w k)) (dw k)).
    assert (Gs := gradient_size margins_smooth i (w k)); fold Gr in Gs.
    assert (norm (dz i (w k)) * norm (dw k) <= Gr * norm (dw k))
      by (apply Rmult_le_compat_r; auto).
    apply Rabs_le_between in So; apply Rabs_le_between in Ia; apply Rabs_le.
    unfold T; lra. }
  assert (T4 : 0 <= T <= / 4 /\ Gr * norm (dw k) <= / 8).
  { destruct (kappa_parts margins_smooth some_data (w k) A A_pos) as [[_ K1] _].
    destruct (late_gain k) as [[G0 G1] _].
    assert (D1 : Gr * norm (dw k) <= kappa k).
    { apply Rle_trans with (2 := K1).
      apply Rle_trans with (Gr * (A * (Gr * L k))).
      - apply Rmult_le_compat_l; auto; apply Rle_trans with (1 := dw_norm k).
        apply Rmult_le_compat_l; [lra |]; apply (descent_size margins_smooth).
      - right; unfold Gr; rewrite pow_double; ring. }
    assert (D2 : B k * norm (dw k) ^ 2 <= kappa k * kappa k).
    { apply Rle_trans with (B k * (A * (g k * L k))).
      - apply Rmult_le_compat_l; auto; apply dw_sqr.
      - replace (B k * (A * (g k * L k))) with (A * L k * B k * g k) by ring.
        apply Rmult_le_compat; auto; [apply Rmult_le_pos; auto; apply Rmult_le_pos; lra |].
        apply Rmult_le_compat_l; [apply Rmult_le_pos; lra |]; unfold curvature, B.
        assert (0 <= B1 ^ 2 * r k ^ (2 * q + 2))
          by (apply Rmult_le_pos; [apply pow2_ge_0 | now apply pow_le]).
        lra. }
    assert (T0 : 0 <= T).
    { unfold T; apply Rplus_le_le_0_compat; [now apply Rmult_le_pos |].
      apply Rmult_le_pos; [lra | apply pow2_ge_0]. }
    assert (K0 := kappa_nonneg k); unfold T in *; split; [split; auto; nra | lra]. }
  (* the weights of the two gradients *)
  set (p i := exp (- z i (w k)) / L k); set (p' i := exp (- z i (w (S k))) / L (S k)).
  assert (Pos : forall i, 0 < p i /\ 0 < p' i).
  { intros i; split; apply Rdiv_lt_0_compat; auto; apply exp_pos. }
  assert (One : Sum p = 1 /\ Sum p' = 1).
  { split; [transitivity (/ L k * L k) | transitivity (/ L (S k) * L (S k))];
      try (apply Rinv_l; lra); unfold exp_loss at 2; rewrite <- Sum_scal;
      apply Sum_ext; intros i; unfold p, p', Rdiv; ring. }
  assert (Dm : Rabs (m (S k) - m k) <= T).
  { assert (Side : forall v v' : vec J, (forall i, z i v - z i v' <= T) ->
      @log_margin J D _ z v - @log_margin J D _ z v' <= T).
    { intros v v' Mvv; assert (Pv := exp_loss_pos (z := z) some_data v).
      assert (Pv' := exp_loss_pos (z := z) some_data v').
      assert (Le : f v' <= f v * exp T).
      { rewrite Rmult_comm; unfold exp_loss; rewrite <- Sum_scal; apply Sum_le; intros i.
        rewrite <- exp_plus; specialize (Mvv i).
        destruct (Req_dec (- z i v') (T + - z i v)) as [-> | Ne]; [lra |].
        left; apply exp_increasing; lra. }
      apply ln_le in Le; auto; rewrite ln_mult, ln_exp in Le by (auto; apply exp_pos).
      unfold log_margin; lra. }
    apply Rabs_le; split.
    - assert (S1 := Side (w k) (w (S k))).
      assert (m k - m (S k) <= T); [apply S1 | lra]; intros i; specialize (Mv i).
      apply Rabs_le_between in Mv; lra.
    - apply Side; intros i; specialize (Mv i); apply Rabs_le_between in Mv; lra. }
  assert (Dp : forall i, Rabs (p' i - p i) <= 4 * T * p i).
  { intros i; set (t := - (z i (w (S k)) - z i (w k)) + (m (S k) - m k)).
    assert (E : p' i - p i = p i * (exp t - 1)).
    { unfold p', p, t; rewrite (loss_of_log_margin (z := z) some_data (w (S k))).
      rewrite (loss_of_log_margin (z := z) some_data (w k)); unfold Rdiv.
      rewrite <- !exp_Ropp, <- !exp_plus, Rmult_minus_distr_l, <- exp_plus, Rmult_1_r.
      f_equal; f_equal; ring. }
    assert (Tt : Rabs t <= 2 * T).
    { specialize (Mv i); apply Rabs_le_between in Mv; apply Rabs_le_between in Dm.
      apply Rabs_le; unfold t; lra. }
    assert (En := exp_near t (2 * T) Tt ltac:(lra)); destruct (Pos i) as [Pi _].
    rewrite E, Rabs_mult, Rabs_pos_eq by lra.
    apply Rmult_le_compat_l with (r := p i) in En; lra. }
  (* the difference, tested against itself *)
  assert (Test : norm (back k) ^ 2 <=
    norm (back k) * (B k * norm (dw k) + 4 * T * Gr)).
  { assert (Nb := norm_nonneg (back k)).
    assert (In : inner (back k) (back k) = Sum (fun i =>
      p' i * inner (back k) (sub (dz i (w k)) (dz i (w (S k)))) +
      (p i - p' i) * inner (back k) (dz i (w k)))).
    { unfold back at 2; rewrite inner_sub, !inner_u, !(inner_exp_descent (dz := dz)).
      unfold Rdiv; rewrite !(Rmult_comm (Sum _)), <- !Sum_scal.
      transitivity (Sum (fun i => / L k * (exp (- z i (w k)) * inner (back k) (dz i (w k)))
        + -1 * (/ L (S k) * (exp (- z i (w (S k))) * inner (back k) (dz i (w (S k))))))).
      - rewrite Sum_plus, (Sum_scal (-1)); ring.
      - apply Sum_ext; intros i; rewrite inner_sub; unfold p, p', Rdiv; ring. }
    rewrite <- inner_self, In.
    replace (norm (back k) * (B k * norm (dw k) + 4 * T * Gr)) with
      (Sum (fun i => norm (back k) * (B k * norm (dw k)) * p' i +
        norm (back k) * (4 * T * Gr) * p i))
      by (rewrite Sum_plus, !Sum_scal; destruct One as [-> ->]; ring).
    apply Sum_le; intros i; destruct (Pos i) as [Pi Pi'].
    assert (Li := gradients_lipschitz margins_smooth i (w k) (w (S k)) I1 I2).
    assert (Dn : norm (sub (w k) (w (S k))) = norm (dw k)).
    { rewrite dist_sym; apply norm_ext; intros j; unfold sub; rewrite step.
      unfold dw; ring. }
    rewrite Dn in Li; fold (B k) in Li.
    assert (C1 := inner_le_norm (back k) (sub (dz i (w k)) (dz i (w (S k))))).
    assert (C2 := inner_abs_le (back k) (dz i (w k))).
    assert (Gs := gradient_size margins_smooth i (w k)); fold Gr in Gs.
    assert (E1 : inner (back k) (sub (dz i (w k)) (dz i (w (S k)))) <=
      norm (back k) * (B k * norm (dw k))).
    { apply Rle_trans with (1 := C1); now apply Rmult_le_compat_l. }
    assert (E2 : (p i - p' i) * inner (back k) (dz i (w k)) <=
      4 * T * p i * (norm (back k) * Gr)).
    { apply Rle_trans with (1 := Rle_abs _); rewrite Rabs_mult.
      apply Rmult_le_compat; try apply Rabs_pos.
      - rewrite Rabs_minus_sym; apply Dp.
      - apply Rle_trans with (1 := C2); now apply Rmult_le_compat_l. }
    apply Rmult_le_compat_l with (r := p' i) in E1; lra. }
  assert (Fin : norm (back k) <= B k * norm (dw k) + 4 * T * Gr).
  { destruct (norm_nonneg (back k)) as [Nb | Nb].
    - apply Rmult_le_reg_l with (norm (back k)); auto; lra.
    - rewrite <- Nb; apply Rplus_le_le_0_compat; [now apply Rmult_le_pos |].
      apply Rmult_le_pos; auto; lra. }
  apply Rle_trans with (1 := Fin); unfold curvature; fold (B k); rewrite pow_double.
  replace (B1 ^ 2 * (r k ^ (q + 1)) ^ 2) with (Gr ^ 2) by (unfold Gr; ring).
  destruct T4 as [_ T8]; unfold T.
  assert (B k * norm (dw k) * (Gr * norm (dw k)) <= B k * norm (dw k) * / 8)
    by (apply Rmult_le_compat_l; auto; now apply Rmult_le_pos).
  assert (0 <= B k * norm (dw k)) by now apply Rmult_le_pos.
  lra.
Qed.

(** *** Step 11: the misalignment rises slowly *)

Let F k := g k / L k.

Lemma F_sum k : F k = Sum (fun j => Q k j * u k j ^ 2).
Proof.
  assert (P := late_loss_pos k); unfold F, relative_gain, Rdiv.
  rewrite Rmult_assoc, <- Rinv_mult, Rmult_comm, <- Sum_scal; apply Sum_ext; intros j.
  unfold u; field; lra.
Qed.

Lemma F_pos k : 0 < F k.
Proof. apply Rdiv_lt_0_compat; [apply late_gain_pos | apply late_loss_pos]. Qed.

Lemma F_next k : ln (F (S k)) - ln (F k) <=
  e k + 2 * (A * L k * B k) + 16 * kappa k ^ 2.
Proof.
  assert (P := late_loss_pos k); assert (F0 := F_pos k); assert (F1 := F_pos (S k)).
  set (b := A * L k * B k).
  assert (Bk0 : 0 <= B k).
  { destruct (constants_ordered margins_smooth).
    apply Rmult_le_pos; [lra | apply pow_le; generalize (norm_nonneg (w k)); lra]. }
  assert (Dq : norm (dw k) ^ 2 <= A * (F k * L k ^ 2)).
  { apply Rle_trans with (1 := dw_sqr k); right; unfold F; field; lra. }
  assert (Up : F (S k) <= exp (e k) * (F k * (1 + 2 * b + 16 * kappa k ^ 2))).
  { rewrite (F_sum (S k)).
    apply Rle_trans with (exp (e k) * Sum (fun j => Q k j * u (S k) j ^ 2)).
    - rewrite <- Sum_scal; apply Sum_le; intros j; rewrite <- Rmult_assoc.
      apply Rmult_le_compat_r; [apply pow2_ge_0 |]; rewrite Rmult_comm; apply drift.
    - apply Rmult_le_compat_l; [left; apply exp_pos |].
      assert (Sq : Sum (fun j => Q k j * u (S k) j ^ 2) =
        F k + -2 / L k * inner (dw k) (back k) + Sum (fun j => Q k j * back k j ^ 2)).
      { rewrite F_sum; unfold inner; rewrite <- Sum_scal, <- !Sum_plus; apply Sum_ext.
        intros j; unfold back, sub, dw.
        replace (U (w k) j) with (L k * u k j) by (unfold u; field; lra).
        field; lra. }
      rewrite Sq; assert (Bi := back_inner k); assert (Bn := back_norm k).
      assert (T1 : -2 / L k * inner (dw k) (back k) <= 2 * b * F k).
      { apply Rmult_le_reg_r with (L k); auto.
        replace (-2 / L k * inner (dw k) (back k) * L k) with
          (-2 * inner (dw k) (back k)) by (field; lra).
        apply Rmult_le_compat_l with (r := B k) in Dq; auto.
        unfold b; lra. }
      assert (T2 : Sum (fun j => Q k j * back k j ^ 2) <= 16 * kappa k ^ 2 * F k).
      { apply Rle_trans with (A * norm (back k) ^ 2).
        - rewrite norm_sqr, <- Sum_scal; apply Sum_le; intros j; destruct (Q_range k j).
          apply Rmult_le_compat_r; [apply pow2_ge_0 | auto].
        - assert (Bq : norm (back k) ^ 2 <=
            (4 * curvature q B1 B2 (r k) * norm (dw k)) ^ 2)
            by (apply pow_incr; split; [apply norm_nonneg | exact Bn]).
          rewrite Rpow_mult_distr in Bq.
          assert (Cq : (4 * curvature q B1 B2 (r k)) ^ 2 * norm (dw k) ^ 2 <=
            (4 * curvature q B1 B2 (r k)) ^ 2 * (A * (F k * L k ^ 2)))
            by (apply Rmult_le_compat_l; [apply pow2_ge_0 | exact Dq]).
          apply Rle_trans with (A * ((4 * curvature q B1 B2 (r k)) ^ 2 *
            (A * (F k * L k ^ 2)))).
          + apply Rmult_le_compat_l; lra.
          + right; ring. }
      lra. }
  assert (T := exp_ineq1_le (2 * b + 16 * kappa k ^ 2)).
  assert (Le : F (S k) <= F k * exp (e k + (2 * b + 16 * kappa k ^ 2))).
  { apply Rle_trans with (1 := Up); rewrite exp_plus.
    replace (F k * (exp (e k) * exp (2 * b + 16 * kappa k ^ 2))) with
      (exp (e k) * (F k * exp (2 * b + 16 * kappa k ^ 2))) by ring.
    apply Rmult_le_compat_l; [left; apply exp_pos |].
    apply Rmult_le_compat_l; lra. }
  apply ln_le in Le; auto; rewrite ln_mult, ln_exp in Le by (auto; apply exp_pos); lra.
Qed.

(** From step 9: m is of the order of the norm to the power l, so that second order
    terms are of the order of the increments of X. *)
Lemma second_order_small : exists K, 0 <= K /\
  forall k, 2 * (A * L k * B k) + 16 * kappa k ^ 2 <= K * dX k.
Proof.
  destruct balance_converges as [G LG].
  assert (Gb : exists Gu, forall k, balance k <= Gu).
  { destruct (first_terms_bounded e e_nonneg e_summable) as [E HE].
    destruct (first_terms_bounded (fun k => kappa k * dX k)) as [E' HE'].
    - intros k; apply Rmult_le_pos; [apply kappa_nonneg | apply dX_bounds].
    - apply kappa_summable.
    - assert (D2 := l_large); assert (l10 : 0 < 10 / l) by (apply Rdiv_lt_0_compat; lra).
      exists (balance 0 + E + 10 / l * E'); intros k.
      assert (T : balance k <= balance 0 + first_terms e k +
        10 / l * first_terms (fun k => kappa k * dX k) k).
      { induction k as [| k IH]; cbn [first_terms]; [lra |].
        assert (C := comparison k); unfold balance in *.
        replace (2 / l * (1 + 5 * kappa k) * dX k) with
          (2 / l * dX k + 10 / l * (kappa k * dX k)) in C by (field; lra).
        lra. }
      specialize (HE k); specialize (HE' k).
      apply Rmult_le_compat_l with (r := 10 / l) in HE'; lra. }
  destruct Gb as [Gu HG]; destruct kappa_at_most as (C & C0 & HC).
  destruct (constants_ordered margins_smooth) as [b0 b1]; assert (D2 := l_large).
  set (c1 := exp Gu); set (c2 := exp (l / 2 * (ln A + Gu))).
  assert (c10 : 0 < c1) by apply exp_pos; assert (c20 : 0 < c2) by apply exp_pos.
  assert (P2 : 0 < 2 ^ q) by (apply pow_lt; lra).
  set (K1 := B2 * 2 ^ q * (c2 / a)).
  assert (K10 : 0 <= K1).
  { apply Rmult_le_pos; [apply Rmult_le_pos; lra |].
    left; now apply Rdiv_lt_0_compat. }
  exists (2 * A * K1 + 16 * C ^ 2 * c1); split.
  { assert (C2 := pow2_ge_0 C); apply Rplus_le_le_0_compat.
    - apply Rmult_le_pos; lra.
    - apply Rmult_le_pos; [apply Rmult_le_pos |]; lra. }
  intros k; assert (M := margins_late k); assert (P := late_loss_pos k).
  assert (Nk := N_pos k); destruct (N_bounds k) as [Nr Nr'].
  destruct (late_norm_pos k) as [R0 _]; destruct (gain_over_margin k) as (Gx & _ & X0).
  assert (Ka := kappa_late k); assert (K0 := kappa_nonneg k).
  destruct (mean_bounds k) as [Mb _]; assert (Sc := late_schwarz k); specialize (HG k).
  unfold balance in HG; set (dx := dX k) in *.
  (* L m / N is at most dx *)
  assert (Ml : m k * L k <= N k * dx).
  { assert (g2 : g k / m k <= 2 * dx).
    { apply Rle_trans with (1 := Gx); apply Rmult_le_compat_r; lra. }
    assert (g3 : g k <= 2 * dx * m k).
    { apply Rmult_le_compat_r with (r := m k) in g2; [| lra].
      unfold Rdiv in g2; rewrite Rmult_assoc, Rinv_l in g2 by lra; lra. }
    assert (Q4 : 4 * m k ^ 2 * L k <= (l * mean k) ^ 2 * L k).
    { apply Rmult_le_compat_r; [lra |].
      replace (4 * m k ^ 2) with ((2 * m k) ^ 2) by ring.
      apply pow_incr; split; [lra |]; apply Rmult_le_compat; lra. }
    apply Rmult_le_compat_l with (r := N k) in g3; [| lra].
    apply Rmult_le_reg_r with (4 * m k); [lra |].
    assert (0 <= N k * dx * m k) by (apply Rmult_le_pos; [apply Rmult_le_pos |]; lra).
    lra. }
  (* N is at most c1 m, and L r^q at most c2 / a times dx *)
  assert (N1 : N k <= c1 * m k).
  { rewrite <- (exp_ln (N k)), <- (exp_ln (m k)) by lra; unfold c1; rewrite <- exp_plus.
    assert (X1 : 0 <= X k) by (rewrite <- ln_1; apply ln_le; lra).
    assert (I : 2 / l * X k <= 1 * X k).
    { apply Rmult_le_compat_r; auto; apply Rmult_le_reg_r with l; [lra |].
      unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra. }
    assert (Le : ln (N k) <= Gu + X k) by lra.
    destruct Le as [Lt | ->]; [left; now apply exp_increasing | lra]. }
  assert (L1 : L k <= c1 * dx).
  { apply Rmult_le_reg_r with (m k); [lra |].
    apply Rle_trans with (N k * dx); [lra |].
    apply Rmult_le_compat_r with (r := dx) in N1; auto; lra. }
  assert (R1 : r k ^ (q + 2) <= c2 * m k).
  { rewrite <- (exp_ln (r k ^ (q + 2))) by now apply pow_lt.
    rewrite <- (exp_ln (m k)) by lra; unfold c2; rewrite <- exp_plus.
    assert (Le : ln (r k ^ (q + 2)) <= l / 2 * (ln A + Gu) + X k).
    { rewrite ln_pow, plus_INR by auto; replace (INR 2) with 2 by (simpl; ring).
      apply ln_le in Nr; [| now apply pow_lt].
      rewrite ln_mult, ln_pow in Nr by auto; replace (INR 2) with 2 in Nr by (simpl; ring).
      assert (T : l / 2 * (2 * ln (r k)) <= l / 2 * (ln A + (Gu + 2 / l * X k)))
        by (apply Rmult_le_compat_l; lra).
      replace (l / 2 * (ln A + (Gu + 2 / l * X k))) with
        (l / 2 * (ln A + Gu) + X k) in T by (field; lra).
      lra. }
    destruct Le as [Lt | ->]; [left; now apply exp_increasing | lra]. }
  assert (Lr : L k * r k ^ q <= c2 / a * dx).
  { apply Rmult_le_reg_r with (a * N k); [now apply Rmult_lt_0_compat |].
    replace (c2 / a * dx * (a * N k)) with (c2 * (N k * dx)) by (field; lra).
    apply Rle_trans with (L k * r k ^ (q + 2)).
    - replace (L k * r k ^ (q + 2)) with (L k * r k ^ q * r k ^ 2)
        by (rewrite pow_add; ring).
      apply Rmult_le_compat_l; auto; apply Rmult_le_pos; [lra | apply pow_le; lra].
    - apply Rle_trans with (L k * (c2 * m k)); [apply Rmult_le_compat_l; lra |].
      replace (L k * (c2 * m k)) with (c2 * (m k * L k)) by ring.
      apply Rmult_le_compat_l; lra. }
  assert (T1 : A * L k * B k <= A * K1 * dx).
  { unfold B, K1; rewrite Rpow_mult_distr.
    replace (A * L k * (B2 * (2 ^ q * r k ^ q))) with
      (A * (B2 * 2 ^ q) * (L k * r k ^ q)) by ring.
    replace (A * (B2 * 2 ^ q * (c2 / a)) * dx) with
      (A * (B2 * 2 ^ q) * (c2 / a * dx)) by ring.
    apply Rmult_le_compat_l; auto; apply Rmult_le_pos; [lra |].
    apply Rmult_le_pos; lra. }
  assert (T2 : kappa k ^ 2 <= C ^ 2 * c1 * dx).
  { apply Rle_trans with ((C * exp (- m k / 2)) ^ 2).
    - apply pow_incr; split; auto.
    - replace ((C * exp (- m k / 2)) ^ 2) with (C ^ 2 * L k).
      + rewrite (Rmult_assoc (C ^ 2)); apply Rmult_le_compat_l; auto; apply pow2_ge_0.
      + rewrite (loss_of_log_margin (z := z) some_data (w k)).
        replace (exp (- m k)) with (exp (- m k / 2) * exp (- m k / 2))
          by (rewrite <- exp_plus; f_equal; field).
        ring. }
  lra.
Qed.

Lemma misalignment_vanishes : is_lim_seq (fun k => y k) 0.
Proof.
  destruct second_order_small as (K & K0 & HK); assert (D2 := l_large).
  assert (X_inf : is_lim_seq (fun k => X k) p_infty).
  { apply is_lim_seq_spec; intros M.
    generalize (lim_large _ (exp M) m_diverges); apply eventually_imp; intros k Up.
    rewrite <- (ln_exp M); apply ln_increasing; auto; apply exp_pos. }
  apply (window (fun k => X k) (fun k => y k) (fun k => 2 * e k) (K + 2)); auto.
  - lra.
  - intros k; destruct (dX_bounds k) as [[X0 _] _]; lra.
  - assert (I : is_lim_seq (fun k => / 4 * / m k) 0).
    { replace 0 with (/ 4 * 0) by ring; apply lim_seq_scal.
      apply (is_lim_seq_inv (fun k => m k) p_infty); [exact m_diverges | easy]. }
    revert I; apply is_lim_seq_le_le with (u := fun _ => 0);
      [intros k; destruct (dX_bounds k) as [[X0 _] X1]; auto | apply is_lim_seq_const].
  - intros k; apply misalignment_large.
  - intros k; specialize (e_nonneg k); lra.
  - now apply summable_scal.
  - intros k; assert (Ex : forall i, y i = ln (N i) + ln (F i) - 2 * X i - 2 * ln l).
    { intros i; assert (Nk := N_pos i); assert (Fk := F_pos i); assert (M := margins_late i).
      assert (P := late_loss_pos i).
      replace (misalignment i) with (N i * F i * (/ (l * m i) * / (l * m i)))
        by (unfold misalignment, F; field; lra).
      assert (I : 0 < / (l * m i)) by (apply Rinv_0_lt_compat, Rmult_lt_0_compat; lra).
      rewrite !ln_mult by (auto; try apply Rmult_lt_0_compat; auto).
      rewrite ln_Rinv, ln_mult by (try apply Rmult_lt_0_compat; lra); ring. }
    rewrite !Ex; assert (C := comparison k); assert (Fn := F_next k); specialize (HK k).
    destruct (dX_bounds k) as [[X0 _] _]; assert (Ka := kappa_late k).
    assert (K0' := kappa_nonneg k).
    assert (I : 0 < 2 / l <= 1).
    { split; [apply Rdiv_lt_0_compat; lra |]; apply Rmult_le_reg_r with l; [lra |].
      unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra. }
    assert (2 / l * (1 + 5 * kappa k) * dX k <= 4 * dX k)
      by (apply Rmult_le_compat_r; auto; nra).
    lra.
  - apply excess_summable.
Qed.

Lemma misalignment_limit : is_lim_seq misalignment 1.
Proof.
  apply is_lim_seq_ext with (fun k => exp (y k)).
  - intros k; destruct (misalignment_large k); apply exp_ln; lra.
  - rewrite <- exp_0; apply (is_lim_seq_continuous exp).
    + apply derivable_continuous_pt, derivable_pt_exp.
    + apply misalignment_vanishes.
Qed.

(** Step 13: the cosine between the iterate and the step. *)
Lemma aligned_late : is_lim_seq (fun k =>
  inner (w k) (U (w k)) / sqrt (N k * Sum (fun j => Q k j * U (w k) j ^ 2))) 1.
Proof.
  assert (Mm : is_lim_seq (fun k => mean k / m k) 1).
  { assert (Up : is_lim_seq (fun k => 1 + n * / m k) 1).
    { replace 1 with (1 + n * 0) at 1 by ring; apply is_lim_seq_plus';
        [apply is_lim_seq_const | apply lim_seq_scal].
      apply (is_lim_seq_inv (fun k => m k) p_infty); [exact m_diverges | easy]. }
    revert Up; apply is_lim_seq_le_le with (u := fun _ => 1);
      [| apply is_lim_seq_const]; intros k.
    destruct (mean_bounds k); assert (M := margins_late k).
    split; apply Rmult_le_reg_r with (m k); try lra; unfold Rdiv;
      rewrite ?Rmult_plus_distr_r, ?Rmult_assoc, Rinv_l by lra; lra. }
  assert (Ey : is_lim_seq (fun k => exp (- / 2 * y k)) (exp (- / 2 * 0))).
  { apply (is_lim_seq_continuous exp).
    - apply derivable_continuous_pt, derivable_pt_exp.
    - apply lim_seq_scal, misalignment_vanishes. }
  rewrite Rmult_0_r, exp_0 in Ey; assert (Pr := is_lim_seq_mult' _ _ _ _ Mm Ey).
  rewrite Rmult_1_r in Pr; revert Pr; apply is_lim_seq_ext; intros k.
  assert (Nk := N_pos k); assert (P := late_loss_pos k); assert (G0 := late_gain_pos k).
  assert (M := margins_late k); assert (D2 := l_large).
  destruct (misalignment_large k) as [W1 _].
  replace (Sum (fun j => Q k j * U (w k) j ^ 2)) with (g k * L k)
    by (unfold relative_gain; field; lra).
  rewrite euler_sum.
  replace (N k * (g k * L k)) with (misalignment k * (L k * (l * m k)) ^ 2).
  2: { unfold misalignment; field; lra. }
  assert (lm : 0 < L k * (l * m k))
    by (apply Rmult_lt_0_compat; auto; apply Rmult_lt_0_compat; lra).
  rewrite sqrt_mult_alt, sqrt_pow2 by lra.
  assert (Sq : exp (- / 2 * y k) = / sqrt (misalignment k)).
  { assert (S0 := sqrt_lt_R0 (misalignment k) ltac:(lra)).
    rewrite <- (sqrt_sqrt (misalignment k)) at 1 by lra; rewrite ln_mult by auto.
    replace (- / 2 * (ln (sqrt (misalignment k)) + ln (sqrt (misalignment k)))) with
      (- ln (sqrt (misalignment k))) by field.
    now rewrite exp_Ropp, exp_ln. }
  rewrite Sq; assert (S0 := sqrt_lt_R0 (misalignment k) ltac:(lra)); field.
  repeat split; lra.
Qed.

End Late.
