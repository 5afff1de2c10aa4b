(** * Theorem J1: preconditioned steps on smooth homogeneous margins

    Exponential loss, steps w + Q U with factors Q of finite logarithmic variation.  If
    the loss vanishes, also against the power 2 l - 2 of the norm, then the least margin
    over the norm to the power l, in the metric of the limit of 1 / Q, has a limit, and
    it is positive; iterates align with steps; limit directions are those of KKT points;
    and the limit of the margin tells the speed of the loss. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality Classical.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export DiscreteMargin.
Open Scope R_scope.

(* statement: least *)
(** The least of the numbers u k i, over i, tends to x. *)
Definition least_tends_to {D} (u : nat -> D -> R) (x : R) : Prop :=
  forall e, 0 < e -> eventually (fun k =>
    (forall i, x - e <= u k i) /\ exists i, u k i <= x + e).
(* end statement *)

(* statement: limit of directions *)
(** v is a limit point of the directions of w. *)
Definition limit_of_directions {J} `{FiniteType J} (w : nat -> vec J) (v : vec J) : Prop :=
  forall e, 0 < e -> forall n, exists k, (n <= k)%nat /\
    forall j, Rabs (w k j / norm (w k) - v j) < e.
(* end statement *)

Section Run.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Context {z : D -> vec J -> R} {dz : D -> vec J -> vec J} {q : nat} {B1 B2 : R}.
Variables (w Q : nat -> vec J) (Q_lim : vec J).
(* statement: theorem J1 hypotheses *)
Hypothesis margins_smooth : smooth_margins z dz q B1 B2.
Hypothesis some_data : inhabited D.
(* steps along the descent direction, with a positive factor for each component *)
Hypothesis step : forall k,
  w (S k) = (fun j => w k j + Q k j * exp_descent z dz (w k) j).
Hypothesis Q_pos : forall k j, 0 < Q k j.
Hypothesis variation : forall j,
  ex_series (fun k => Rabs (ln (Q (S k) j) - ln (Q k j))).
Hypothesis Q_limit : converges Q Q_lim.
Hypothesis loss_lim : is_lim_seq (fun k => exp_loss z (w k)) 0.
Hypothesis loss_fast :
  is_lim_seq (fun k => norm (w k) ^ (2 * q + 2) * exp_loss z (w k)) 0.
(* end statement *)
Notation f := (exp_loss z).
Notation U := (exp_descent z dz).
Notation l := (INR q + 2).
Notation m k := (@log_margin J D _ z (w k)).

(** ** What holds from some step on *)

Let e k := Sum (fun j => Rabs (ln (Q (S k) j) - ln (Q k j))).

Lemma e_term k j : Rabs (ln (Q (S k) j) - ln (Q k j)) <= e k.
Proof.
  apply (Sum_ge_term (fun j => Rabs (ln (Q (S k) j) - ln (Q k j)))).
  intros; apply Rabs_pos.
Qed.

Lemma e_nonneg k : 0 <= e k.
Proof. apply Sum_nonneg; intros; apply Rabs_pos. Qed.

Lemma e_summable : ex_series e.
Proof. apply summable_Sum, variation. Qed.

Lemma exp_ln_le x y t : 0 < x -> 0 < y -> ln x <= ln y + t -> x <= y * exp t.
Proof.
  intros x0 y0 Le; rewrite <- (exp_ln x), <- (exp_ln y), <- exp_plus by auto.
  destruct Le as [Lt | ->]; [left; now apply exp_increasing | lra].
Qed.

Lemma Q_drift k j : Q k j <= Q (S k) j * exp (e k) /\ Q (S k) j <= Q k j * exp (e k).
Proof.
  assert (T := e_term k j); apply Rabs_le_between in T.
  split; apply exp_ln_le; auto; lra.
Qed.

Lemma Q_bounded : exists a A, 0 < a /\ 0 < A /\ forall k j, a <= Q k j <= A.
Proof.
  destruct (first_terms_bounded e e_nonneg e_summable) as [E HE].
  destruct (finite_bounds (Q 0%nat) (Q_pos 0)) as (a & A & a0 & A0 & B).
  exists (a * exp (- E)), (A * exp E); assert (X := exp_pos E); assert (Y := exp_pos (- E)).
  split; [now apply Rmult_lt_0_compat |]; split; [now apply Rmult_lt_0_compat |].
  intros k j.
  assert (T : Rabs (ln (Q k j) - ln (Q 0%nat j)) <= first_terms e k).
  { induction k as [| k IH]; cbn [first_terms].
    - rewrite Rminus_eq_0, Rabs_R0; lra.
    - assert (S := e_term k j).
      replace (ln (Q (Datatypes.S k) j) - ln (Q 0%nat j)) with
        (ln (Q k j) - ln (Q 0%nat j) + (ln (Q (Datatypes.S k) j) - ln (Q k j))) by ring.
      generalize (Rabs_triang (ln (Q k j) - ln (Q 0%nat j))
        (ln (Q (Datatypes.S k) j) - ln (Q k j))); lra. }
  specialize (HE k); apply Rabs_le_between in T; destruct (B j) as [Lo Up].
  assert (P0 := Q_pos 0 j); assert (Pk := Q_pos k j); split.
  - apply Rle_trans with (Q 0%nat j * exp (- E)); [apply Rmult_le_compat_r; lra |].
    apply Rmult_le_reg_r with (exp E); auto.
    rewrite Rmult_assoc, <- exp_plus, Rplus_opp_l, exp_0, Rmult_1_r.
    apply exp_ln_le; auto; lra.
  - apply Rle_trans with (Q 0%nat j * exp E); [| apply Rmult_le_compat_r; lra].
    apply exp_ln_le; auto; lra.
Qed.

Lemma Q_lim_pos j : 0 < Q_lim j.
Proof.
  destruct Q_bounded as (a & A & a0 & _ & B); apply Rlt_le_trans with (1 := a0).
  apply (is_lim_seq_le (fun _ => a) (fun k => Q k j) a (Q_lim j)).
  - intros k; apply B.
  - apply is_lim_seq_const.
  - apply Q_limit.
Qed.

Lemma kappa_vanishes (A : R) :
  is_lim_seq (fun k => A * f (w k) * curvature q B1 B2 (norm (w k))) 0.
Proof.
  set (t := fun k => norm (w k) ^ (2 * q + 2) * f (w k)).
  set (C := B2 * 2 ^ q).
  assert (C0 : 0 <= C).
  { destruct (constants_ordered margins_smooth).
    apply Rmult_le_pos; [lra | apply pow_le; lra]. }
  assert (Core : is_lim_seq (fun k => f (w k) * curvature q B1 B2 (norm (w k))) 0).
  { assert (Up : is_lim_seq (fun k => B1 ^ 2 * t k + C * (f (w k) + t k)) 0).
    { replace 0 with (B1 ^ 2 * 0 + C * (0 + 0)) by ring; apply is_lim_seq_plus'.
      - now apply lim_seq_scal.
      - now apply lim_seq_scal, is_lim_seq_plus'. }
    revert Up; apply is_lim_seq_le_le with (u := fun _ => 0);
      [| apply is_lim_seq_const]; intros k.
    assert (P := exp_loss_pos (z := z) some_data (w k)); assert (N := norm_nonneg (w k)).
    split; [apply Rmult_le_pos; [lra | apply (curvature_nonneg margins_smooth); auto] |].
    assert (Pw : norm (w k) ^ q <= 1 + norm (w k) ^ (2 * q + 2)).
    { assert (0 <= norm (w k) ^ (2 * q + 2)) by now apply pow_le.
      destruct (Rle_lt_dec (norm (w k)) 1) as [S | S].
      - assert (norm (w k) ^ q <= 1 ^ q) by (apply pow_incr; lra); rewrite pow1 in *; lra.
      - assert (norm (w k) ^ q <= norm (w k) ^ (2 * q + 2)) by (apply Rle_pow; [lra | lia]).
        lra. }
    unfold curvature, t; rewrite Rpow_mult_distr.
    apply Rmult_le_compat_l with (r := C) in Pw; auto.
    apply Rmult_le_compat_l with (r := f (w k)) in Pw; [| lra].
    unfold C in *; lra. }
  assert (S := lim_seq_scal _ A 0 Core); rewrite Rmult_0_r in S; revert S.
  apply is_lim_seq_ext; intros k; ring.
Qed.

(** The hypotheses of [DiscreteMargin] hold for the run from some step K on. *)
Lemma late_run : exists (a A : R) (K : nat), 0 < a /\ 0 < A /\
  (forall k j, a <= Q (k + K)%nat j <= A) /\
  ex_series (fun k => e (k + K)%nat) /\
  (forall k, 1 <= m (k + K)%nat) /\
  (forall k, A * f (w (k + K)%nat) * curvature q B1 B2 (norm (w (k + K)%nat)) <= / 8).
Proof.
  destruct Q_bounded as (a & A & a0 & A0 & B).
  destruct (eventually_and _ _
    (lim_near _ 0 (/ 8) (kappa_vanishes A) ltac:(lra))
    (lim_large _ 1 (log_margin_grows some_data w loss_lim))) as [K HK].
  exists a, A, K; repeat split; auto; try apply B.
  - apply ex_series_ext with (fun k => e (K + k)%nat).
    { intros k; f_equal; lia. }
    apply (ex_series_incr_n (K := R_AbsRing) (V := R_NormedModule) e K), e_summable.
  - intros k; destruct (HK (k + K)%nat ltac:(lia)); lra.
  - intros k; destruct (HK (k + K)%nat ltac:(lia)); lra.
Qed.

(** ** (i) The margin *)

Notation NQ k := (Sum (fun j => w k j ^ 2 / Q k j)).
Notation reach k := (norm (fun j => w k j / sqrt (Q_lim j))).

Lemma margin_over_moving_norm : exists gamma : R, 0 < gamma /\
  is_lim_seq (fun k => m k / sqrt (NQ k) ^ (q + 2)) gamma.
Proof.
  destruct late_run as (a & A & K & a0 & A0 & Bd & Se & Ml & Kl).
  destruct (margin_over_norm margins_smooth some_data (fun k => w (k + K)%nat)
    (fun k => Q (k + K)%nat) a A (fun k => e (k + K)%nat)) as (gamma & g0 & Lim); auto.
  - intros k; apply step.
  - intros k; apply e_nonneg.
  - intros k j; apply Q_drift.
  - exists gamma; split; auto; now apply (is_lim_seq_incr_n _ K).
Qed.

Lemma reach_sqr k : reach k ^ 2 = Sum (fun j => w k j ^ 2 / Q_lim j).
Proof.
  rewrite norm_sqr; apply Sum_ext; intros j; assert (P := Q_lim_pos j).
  assert (R := sqrt_lt_R0 _ P); rewrite <- (sqrt_sqrt (Q_lim j)) at 2 by lra.
  field; lra.
Qed.

Lemma NQ_pos : eventually (fun k => 0 < NQ k /\ 0 < reach k).
Proof.
  generalize (lim_large _ 0 (log_margin_grows some_data w loss_lim)).
  apply eventually_imp; intros k M.
  assert (N0 : 0 < norm (w k)).
  { destruct some_data as [i].
    assert (Up := margin_at_most margins_smooth (w k) i).
    assert (Ml := margin_above_log (z := z) (w k) i); change (m k <= z i (w k)) in Ml.
    destruct (norm_nonneg (w k)) as [? | E]; auto; rewrite <- E in Up.
    rewrite pow_i in Up by lia; generalize (degree_large (q := q)); intros; nra. }
  assert (Pos : forall c : vec J, (forall j, 0 < c j) ->
    0 < Sum (fun j => w k j ^ 2 / c j)).
  { intros c c0; destruct (finite_bounds c c0) as (a & A & _ & A0 & B).
    apply Rlt_le_trans with (/ A * norm (w k) ^ 2).
    - apply Rmult_lt_0_compat; [now apply Rinv_0_lt_compat | now apply pow_lt].
    - rewrite norm_sqr, <- Sum_scal; apply Sum_le; intros j; rewrite Rmult_comm.
      apply Rmult_le_compat_l; [apply pow2_ge_0 |]; apply Rinv_le_contravar; auto.
      apply B. }
  split; [apply Pos; auto |]; destruct (norm_nonneg (fun j => w k j / sqrt (Q_lim j)))
    as [? | E]; auto.
  assert (S := Pos Q_lim Q_lim_pos); rewrite <- reach_sqr, <- E in S; lra.
Qed.

(** Sums whose weights tend to 1. *)
Lemma weighted_ratio (s c : nat -> vec J) :
  (forall j, is_lim_seq (fun k => c k j) 1) -> (forall k j, 0 <= s k j) ->
  eventually (fun k => 0 < Sum (s k)) ->
  is_lim_seq (fun k => Sum (fun j => c k j * s k j) / Sum (s k)) 1.
Proof.
  intros C S0 Pos; apply near_lim; intros t t0.
  assert (Near : eventually (fun k => forall j, 1 - t <= c k j <= 1 + t)).
  { apply eventually_components; intros j.
    generalize (lim_near _ 1 t (C j) t0); apply eventually_imp; intros k B; lra. }
  generalize (eventually_and _ _ Near Pos); apply eventually_imp; intros k [Nk P].
  assert (Side : (1 - t) * Sum (s k) <= Sum (fun j => c k j * s k j) <=
    (1 + t) * Sum (s k)).
  { rewrite <- !Sum_scal; split; apply Sum_le; intros j; specialize (Nk j);
      apply Rmult_le_compat_r; auto; lra. }
  split; apply Rmult_le_reg_r with (Sum (s k)); auto; unfold Rdiv;
    rewrite (Rmult_assoc _ (/ Sum (s k))), Rinv_l by lra; lra.
Qed.

Lemma sqrt_ratio (u v : nat -> R) : is_lim_seq (fun k => u k / v k) 1 ->
  eventually (fun k => 0 < u k /\ 0 < v k) ->
  is_lim_seq (fun k => sqrt (v k) / sqrt (u k)) 1.
Proof.
  intros R P.
  assert (Inv : is_lim_seq (fun k => / sqrt (u k / v k)) (/ sqrt 1)).
  { apply (is_lim_seq_inv (fun k => sqrt (u k / v k)) (sqrt 1)).
    - apply (is_lim_seq_continuous sqrt); [apply continuity_pt_sqrt; lra | exact R].
    - rewrite sqrt_1; intros E; injection E; lra. }
  rewrite sqrt_1, Rinv_1 in Inv; revert Inv; apply is_lim_seq_ext_loc; revert P.
  apply eventually_imp; intros k [U0 V0].
  assert (Su := sqrt_lt_R0 _ U0); assert (Sv := sqrt_lt_R0 _ V0).
  rewrite sqrt_div_alt by lra; field; lra.
Qed.

Lemma Q_ratio j : is_lim_seq (fun k => Q k j / Q_lim j) 1.
Proof.
  assert (P := Q_lim_pos j).
  replace (Finite 1) with (Finite (Q_lim j / Q_lim j)) by (f_equal; field; lra).
  apply is_lim_seq_div'; [apply Q_limit | apply is_lim_seq_const | lra].
Qed.

Lemma norm_ratio : is_lim_seq (fun k => sqrt (NQ k) / reach k) 1.
Proof.
  assert (R : is_lim_seq (fun k => reach k ^ 2 / NQ k) 1).
  { apply is_lim_seq_ext with (fun k => Sum (fun j =>
      Q k j / Q_lim j * (w k j ^ 2 / Q k j)) / NQ k).
    - intros k; rewrite reach_sqr; f_equal; apply Sum_ext; intros j.
      assert (P := Q_pos k j); assert (P' := Q_lim_pos j); field; lra.
    - apply (weighted_ratio (fun k j => w k j ^ 2 / Q k j)); [apply Q_ratio | |].
      + intros k j; apply Rdiv_le_0_compat; auto; apply pow2_ge_0.
      + generalize NQ_pos; apply eventually_imp; tauto. }
  apply sqrt_ratio in R.
  - revert R; apply is_lim_seq_ext; intros k; rewrite sqrt_pow2; auto; apply norm_nonneg.
  - generalize NQ_pos; apply eventually_imp; intros k [N0 R0]; split; auto.
    now apply pow_lt.
Qed.

Lemma margin_at_limit (gamma : R) :
  is_lim_seq (fun k => m k / sqrt (NQ k) ^ (q + 2)) gamma ->
  is_lim_seq (fun k => m k / reach k ^ (q + 2)) gamma.
Proof.
  intros Lim.
  assert (Pw : is_lim_seq (fun k => (sqrt (NQ k) / reach k) ^ (q + 2)) (1 ^ (q + 2))).
  { apply (is_lim_seq_continuous (fun x => x ^ (q + 2))); [| apply norm_ratio].
    apply derivable_continuous_pt, derivable_pt_pow. }
  rewrite pow1 in Pw; assert (Pr := is_lim_seq_mult' _ _ _ _ Lim Pw).
  rewrite Rmult_1_r in Pr; revert Pr; apply is_lim_seq_ext_loc.
  generalize NQ_pos; apply eventually_imp; intros k [N0 R0].
  assert (S0 := sqrt_lt_R0 _ N0); unfold Rdiv.
  rewrite Rpow_mult_distr, pow_inv; field; split; apply pow_nonzero; lra.
Qed.

Lemma margin_over_reach : exists gamma : R, 0 < gamma /\
  is_lim_seq (fun k => m k / reach k ^ (q + 2)) gamma.
Proof.
  destruct margin_over_moving_norm as (gamma & g0 & Lim); exists gamma; split; auto.
  now apply margin_at_limit.
Qed.

(** Some margin is above minus the logarithm of the loss by at most the number of
    points. *)
Lemma least_margin v : exists i, z i v <= @log_margin J D _ z v + Sum (fun _ : D => 1).
Proof.
  apply NNPP; intros No; set (n := Sum (fun _ : D => 1)) in *.
  assert (P := exp_loss_pos (z := z) some_data v).
  assert (All : forall i, exp (- z i v) <= f v * exp (- n) * 1).
  { intros i; rewrite Rmult_1_r, (loss_of_log_margin (z := z) some_data v), <- exp_plus.
    left; apply exp_increasing.
    assert (~ z i v <= @log_margin J D _ z v + n) by (intros Le; apply No; now exists i).
    lra. }
  apply Sum_le in All; rewrite Sum_scal in All; fold n in All.
  change (f v <= f v * exp (- n) * n) in All.
  assert (X := exp_pos n); assert (T := exp_ineq1_le n); rewrite exp_Ropp in All.
  assert (Lt : / exp n * n < 1).
  { apply Rmult_lt_reg_l with (exp n); auto.
    rewrite <- Rmult_assoc, Rinv_r; lra. }
  apply Rmult_lt_compat_l with (r := f v) in Lt; auto; lra.
Qed.

Lemma least_margin_limit (gamma : R) :
  is_lim_seq (fun k => m k / reach k ^ (q + 2)) gamma ->
  least_tends_to (fun k i =>
    z i (w k) / norm (fun j => w k j / sqrt (Q_lim j)) ^ (q + 2)) gamma.
Proof.
  intros Lim.
  set (n := Sum (fun _ : D => 1)); intros t t0.
  assert (Inv : is_lim_seq (fun k => n * (/ m k * (m k / reach k ^ (q + 2)))) 0).
  { replace 0 with (n * (0 * gamma)) by ring; apply lim_seq_scal.
    apply is_lim_seq_mult'; auto.
    apply (is_lim_seq_inv (fun k => m k) p_infty);
      [apply (log_margin_grows some_data w loss_lim) | easy]. }
  generalize (eventually_and _ _ (lim_near _ gamma (t / 2) Lim ltac:(lra))
    (eventually_and _ _ (lim_near _ 0 (t / 2) Inv ltac:(lra))
    (eventually_and _ _ NQ_pos
      (lim_large _ 0 (log_margin_grows some_data w loss_lim))))).
  apply eventually_imp; intros k ([Lo Up] & [_ Iv] & [_ R0] & M).
  assert (Rp : 0 < / reach k ^ (q + 2)) by (apply Rinv_0_lt_compat, pow_lt; lra).
  split.
  - intros i; assert (Ml := margin_above_log (z := z) (w k) i).
    change (m k <= z i (w k)) in Ml; unfold Rdiv in *.
    apply Rmult_le_compat_r with (r := / reach k ^ (q + 2)) in Ml; lra.
  - destruct (least_margin (w k)) as [i Le]; exists i; fold n in Le.
    replace (n * (/ m k * (m k / reach k ^ (q + 2)))) with (n * / reach k ^ (q + 2))
      in Iv by (field; split; [apply pow_nonzero |]; lra).
    unfold Rdiv in *.
    apply Rmult_le_compat_r with (r := / reach k ^ (q + 2)) in Le; lra.
Qed.

(* statement: theorem J1 a *)
(** The least margin over the norm to the power l, in the metric of the limit of 1 / Q,
    has a positive limit. *)
Theorem theorem_J1_margin : exists gamma, 0 < gamma /\
  least_tends_to (fun k i =>
    z i (w k) / norm (fun j => w k j / sqrt (Q_lim j)) ^ (q + 2)) gamma.
(* end statement *)
Proof.
  destruct margin_over_reach as (gamma & g0 & Lim); exists gamma; split; auto.
  now apply least_margin_limit.
Qed.


(** ** (ii) Alignment *)

Notation push k := (norm (fun j => sqrt (Q_lim j) * U (w k) j)).
Notation FQ k := (Sum (fun j => Q k j * U (w k) j ^ 2)).

Lemma push_sqr k : push k ^ 2 = Sum (fun j => Q_lim j * U (w k) j ^ 2).
Proof.
  rewrite norm_sqr; apply Sum_ext; intros j; assert (P := Q_lim_pos j).
  rewrite Rpow_mult_distr, <- Rsqr_pow2, Rsqr_sqrt; lra.
Qed.

(** The slope along w, by Euler's identity. *)
Lemma slope_along k : l * m k * f (w k) <= inner (w k) (U (w k)).
Proof.
  rewrite (inner_exp_descent (z := z) (dz := dz)), (Rmult_comm _ (f (w k))).
  rewrite Rmult_comm; unfold exp_loss; rewrite <- Sum_scal; apply Sum_le; intros i.
  rewrite (margin_euler margins_smooth), Rmult_comm.
  apply Rmult_le_compat_l; [left; apply exp_pos |].
  apply Rmult_le_compat_l; [generalize (degree_large (q := q)); lra |].
  apply margin_above_log.
Qed.

Lemma schwarz_lim k : inner (w k) (U (w k)) <= reach k * push k.
Proof.
  apply Rle_trans with (2 := inner_le_norm _ _); right; apply Sum_ext; intros j.
  assert (P := Q_lim_pos j); assert (S := sqrt_lt_R0 _ P); field; lra.
Qed.

Lemma push_pos : eventually (fun k => 0 < push k /\ 0 < FQ k).
Proof.
  generalize (eventually_and _ _ NQ_pos
    (lim_large _ 0 (log_margin_grows some_data w loss_lim))).
  apply eventually_imp; intros k [[_ R0] M].
  assert (S := slope_along k); assert (C := schwarz_lim k).
  assert (P := exp_loss_pos (z := z) some_data (w k)).
  assert (0 < l * m k * f (w k)).
  { apply Rmult_lt_0_compat; auto; apply Rmult_lt_0_compat; auto.
    generalize (degree_large (q := q)); lra. }
  assert (P0 : 0 < push k).
  { destruct (norm_nonneg (fun j => sqrt (Q_lim j) * U (w k) j)) as [? | E]; auto.
    rewrite <- E in C; lra. }
  split; auto; destruct Q_bounded as (a & A & a0 & A0 & B).
  (* a component of U that is not 0 *)
  assert (S2 : 0 < push k ^ 2) by now apply pow_lt.
  rewrite push_sqr in S2.
  destruct (finite_bounds Q_lim Q_lim_pos) as (b & b' & _ & b0 & Bb).
  apply Rlt_le_trans with (a / b' * Sum (fun j => Q_lim j * U (w k) j ^ 2)).
  - apply Rmult_lt_0_compat; auto; now apply Rdiv_lt_0_compat.
  - rewrite <- Sum_scal; apply Sum_le; intros j; rewrite <- Rmult_assoc.
    apply Rmult_le_compat_r; [apply pow2_ge_0 |]; apply Rle_trans with a; [| apply B].
    replace (a / b' * Q_lim j) with (a * (Q_lim j / b')) by (field; lra).
    rewrite <- (Rmult_1_r a) at 2; apply Rmult_le_compat_l; [lra |].
    apply Rmult_le_reg_r with b'; auto; unfold Rdiv; rewrite Rmult_assoc, Rinv_l by lra.
    destruct (Bb j); lra.
Qed.

Lemma push_ratio : is_lim_seq (fun k => sqrt (FQ k) / push k) 1.
Proof.
  assert (R : is_lim_seq (fun k => push k ^ 2 / FQ k) 1).
  { apply is_lim_seq_ext with (fun k => Sum (fun j =>
      / (Q k j / Q_lim j) * (Q k j * U (w k) j ^ 2)) / FQ k).
    - intros k; rewrite push_sqr; f_equal; apply Sum_ext; intros j.
      assert (P := Q_pos k j); assert (P' := Q_lim_pos j); field; lra.
    - apply (weighted_ratio (fun k j => Q k j * U (w k) j ^ 2)).
      + intros j; replace (Finite 1) with (Rbar_inv (Finite 1))
          by (simpl; f_equal; apply Rinv_1).
        apply is_lim_seq_inv; [apply Q_ratio | intros E; injection E; lra].
      + intros k j; apply Rmult_le_pos; [left; apply Q_pos | apply pow2_ge_0].
      + generalize push_pos; apply eventually_imp; tauto. }
  apply sqrt_ratio in R.
  - revert R; apply is_lim_seq_ext; intros k; rewrite sqrt_pow2; auto; apply norm_nonneg.
  - generalize push_pos; apply eventually_imp; intros k [P0 F0]; split; auto.
    now apply pow_lt.
Qed.

(* statement: theorem J1 alignment *)
(** In variables in which the limit of Q is 1, the iterate aligns with the step. *)
Theorem theorem_J1_alignment : is_lim_seq (fun k =>
  inner (w k) (exp_descent z dz (w k)) /
    (norm (fun j => w k j / sqrt (Q_lim j)) *
     norm (fun j => sqrt (Q_lim j) * exp_descent z dz (w k) j))) 1.
(* end statement *)
Proof.
  assert (Al : is_lim_seq (fun k => inner (w k) (U (w k)) / sqrt (NQ k * FQ k)) 1).
  { destruct late_run as (a & A & K & a0 & A0 & Bd & Se & Ml & Kl).
    apply (is_lim_seq_incr_n _ K).
    apply (aligned_late margins_smooth some_data (fun k => w (k + K)%nat)
      (fun k => Q (k + K)%nat) a A (fun k => e (k + K)%nat)); auto.
    - intros k; apply step.
    - intros k; apply e_nonneg.
    - intros k j; apply Q_drift.
    - apply (is_lim_seq_incr_n (fun k => m k) K), (log_margin_grows some_data w loss_lim). }
  assert (Pr := is_lim_seq_mult' _ _ _ _ Al
    (is_lim_seq_mult' _ _ _ _ norm_ratio push_ratio)).
  rewrite !Rmult_1_r in Pr; revert Pr; apply is_lim_seq_ext_loc.
  generalize (eventually_and _ _ NQ_pos push_pos); apply eventually_imp.
  intros k ([N0 R0] & P0 & F0); rewrite sqrt_mult by lra.
  assert (S1 := sqrt_lt_R0 _ N0); assert (S2 := sqrt_lt_R0 _ F0); field; lra.
Qed.

(** ** (ii) Limit directions *)

Notation r k := (norm (w k)).

Lemma reach_bounds : exists c C, 0 < c /\ 0 < C /\ forall k, c * r k <= reach k <= C * r k.
Proof.
  assert (Sp : forall j, 0 < sqrt (Q_lim j)) by (intros; apply sqrt_lt_R0, Q_lim_pos).
  destruct (finite_bounds (fun j => sqrt (Q_lim j)) Sp) as (b & B & b0 & B0 & Bd).
  exists (/ B), (/ b); split; [now apply Rinv_0_lt_compat |].
  split; [now apply Rinv_0_lt_compat |]; intros k; split.
  - apply Rmult_le_reg_l with B; auto; rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra.
    apply norm_le_scaled; [lra |]; intros j; specialize (Sp j); destruct (Bd j).
    replace (w k j) with (sqrt (Q_lim j) * (w k j / sqrt (Q_lim j))) at 1 by (field; lra).
    rewrite Rabs_mult, (Rabs_pos_eq (sqrt _)) by lra.
    apply Rmult_le_compat_r; [apply Rabs_pos | lra].
  - apply norm_le_scaled; [left; now apply Rinv_0_lt_compat |]; intros j.
    specialize (Sp j); destruct (Bd j); unfold Rdiv.
    rewrite Rabs_mult, Rmult_comm, (Rabs_pos_eq (/ _))
      by (left; now apply Rinv_0_lt_compat).
    apply Rmult_le_compat_r; [apply Rabs_pos | now apply Rinv_le_contravar].
Qed.

(** Aligned vectors of length 1 are near each other, in every component. *)
Lemma equation_limit j : is_lim_seq (fun k =>
  w k j / r k / Q_lim j - reach k / (r k * push k) * U (w k) j) 0.
Proof.
  destruct reach_bounds as (c & C & c0 & C0 & Bd).
  assert (P := Q_lim_pos j); assert (S0 := sqrt_lt_R0 _ P); set (s := sqrt (Q_lim j)) in *.
  assert (Ss : s * s = Q_lim j) by (apply sqrt_sqrt; lra).
  apply near_lim; intros t t0; set (h := t * s / C).
  assert (h0 : 0 < h) by (apply Rdiv_lt_0_compat; auto; now apply Rmult_lt_0_compat).
  assert (h2 : 0 < h ^ 2 / 2) by (apply Rdiv_lt_0_compat; [now apply pow_lt | lra]).
  generalize (eventually_and _ _ (lim_near _ 1 _ theorem_J1_alignment h2)
    (eventually_and _ _ NQ_pos push_pos)).
  apply eventually_imp; intros k ([Co _] & [_ R0] & [P0 _]).
  set (co := inner (w k) (U (w k)) / (reach k * push k)) in *.
  set (al := fun j => w k j / sqrt (Q_lim j) / reach k).
  set (be := fun j => sqrt (Q_lim j) * U (w k) j / push k).
  assert (Rn : 0 < r k).
  { destruct (Bd k) as [_ Up]; destruct (norm_nonneg (w k)) as [? | E]; auto.
    rewrite <- E in Up; lra. }
  assert (Sq : Sum (fun j => (al j - be j) ^ 2) = 2 - 2 * co).
  { assert (A1 : Sum (fun j => al j ^ 2) = 1).
    { transitivity (/ reach k ^ 2 * reach k ^ 2); [| apply Rinv_l, pow_nonzero; lra].
      rewrite norm_sqr at 2; rewrite <- Sum_scal; apply Sum_ext; intros i; unfold al.
      assert (Pi := sqrt_lt_R0 _ (Q_lim_pos i)); field; lra. }
    assert (B1' : Sum (fun j => be j ^ 2) = 1).
    { transitivity (/ push k ^ 2 * push k ^ 2); [| apply Rinv_l, pow_nonzero; lra].
      rewrite norm_sqr at 2; rewrite <- Sum_scal; apply Sum_ext; intros i; unfold be.
      field; lra. }
    assert (AB : Sum (fun j => al j * be j) = co).
    { transitivity (/ (reach k * push k) * inner (w k) (U (w k)));
        [| unfold co; field; lra].
      unfold inner; rewrite <- Sum_scal; apply Sum_ext; intros i.
      unfold al, be; assert (Pi := sqrt_lt_R0 _ (Q_lim_pos i)); field; lra. }
    transitivity (Sum (fun j => al j ^ 2 + (-2 * (al j * be j) + be j ^ 2))).
    - apply Sum_ext; intros i; ring.
    - rewrite !Sum_plus, Sum_scal, A1, B1', AB; ring. }
  assert (One : (al j - be j) ^ 2 < h ^ 2).
  { apply Rle_lt_trans with (Sum (fun j => (al j - be j) ^ 2)); [| lra].
    apply (Sum_ge_term (fun j => (al j - be j) ^ 2)); intros; apply pow2_ge_0. }
  assert (Ab : Rabs (al j - be j) <= h).
  { apply Rnot_lt_le; intros Lt; rewrite <- pow2_abs in One.
    assert (h ^ 2 <= Rabs (al j - be j) ^ 2) by (apply pow_incr; lra); lra. }
  assert (Eq : w k j / r k / Q_lim j - reach k / (r k * push k) * U (w k) j =
    (al j - be j) * (reach k / (s * r k))).
  { unfold al, be; fold s; rewrite <- Ss; field; repeat split; lra. }
  assert (Fa : 0 <= reach k / (s * r k) <= C / s).
  { split; [apply Rdiv_le_0_compat; [lra |]; now apply Rmult_lt_0_compat |].
    apply Rmult_le_reg_r with (s * r k); [now apply Rmult_lt_0_compat |].
    replace (reach k / (s * r k) * (s * r k)) with (reach k) by (field; lra).
    replace (C / s * (s * r k)) with (C * r k) by (field; lra); apply Bd. }
  assert (Le : Rabs (w k j / r k / Q_lim j - reach k / (r k * push k) * U (w k) j) <= t).
  { rewrite Eq, Rabs_mult, (Rabs_pos_eq (reach k / _)) by lra.
    apply Rle_trans with (h * (C / s)).
    - apply Rmult_le_compat; try lra; apply Rabs_pos.
    - right; unfold h; field; lra. }
  apply Rabs_le_between in Le; lra.
Qed.

Lemma margin_homogeneous i s v : 0 < s -> z i (fun j => s * v j) = s ^ (q + 2) * z i v.
Proof.
  intros s0; assert (D2 := degree_large (q := q)); apply Rmult_eq_reg_l with l; [| lra].
  rewrite <- (margin_euler margins_smooth); unfold inner.
  transitivity (s ^ (q + 2) * (l * z i v)); [| ring].
  rewrite <- (margin_euler margins_smooth); unfold inner; rewrite <- Sum_scal.
  apply Sum_ext; intros j; rewrite (gradient_homogeneous margins_smooth) by auto.
  rewrite !pow_add; ring.
Qed.

(** The multipliers, for the direction of w. *)
Let lam k i := exp (- z i (w k)) * r k ^ q * (reach k / push k).
Let unit k : vec J := fun j => w k j / r k.

Lemma unit_scaled k : 0 < r k -> w k = (fun j => r k * unit k j).
Proof. intros R0; apply functional_extensionality; intros j; unfold unit; field; lra. Qed.

Lemma descent_of_direction k j : 0 < r k -> 0 < push k ->
  reach k / (r k * push k) * U (w k) j = Sum (fun i => lam k i * dz i (unit k) j).
Proof.
  intros R0 P0.
  change (U (w k) j) with (Sum (fun i => exp (- z i (w k)) * dz i (w k) j)).
  rewrite <- Sum_scal; apply Sum_ext.
  intros i; assert (G := gradient_homogeneous margins_smooth i (unit k) j R0).
  rewrite <- (unit_scaled k R0) in G; rewrite G; unfold lam.
  rewrite pow_add, pow_1; field; lra.
Qed.

Lemma multiplier_facts : exists c C M, 0 < c /\ 0 < C /\ 0 < M /\ eventually (fun k =>
  0 < r k /\ 0 < push k /\ c <= m k / r k ^ (q + 2) <= M /\
  (forall i, 0 <= lam k i <= C) /\
  (forall i, lam k i * (z i (unit k) - m k / r k ^ (q + 2)) <= C * M * / m k)).
Proof.
  destruct reach_bounds as (c & C & c0 & C0 & Bd).
  destruct margin_over_reach as (gam & g0 & Lim).
  assert (cl : 0 < c ^ (q + 2)) by now apply pow_lt.
  assert (cq : 0 < c ^ q) by now apply pow_lt.
  assert (Cl : 0 < C ^ (q + 2)) by now apply pow_lt.
  set (K := / (gam * c ^ q)); set (M := 2 * gam * C ^ (q + 2)).
  assert (K0 : 0 < K) by (apply Rinv_0_lt_compat, Rmult_lt_0_compat; auto).
  exists (gam / 2 * c ^ (q + 2)), K, M; split; [apply Rmult_lt_0_compat; lra |].
  split; auto; split; [apply Rmult_lt_0_compat; lra |].
  generalize (eventually_and _ _ (lim_near _ gam (gam / 2) Lim ltac:(lra))
    (eventually_and _ _ (eventually_and _ _ NQ_pos push_pos)
      (lim_large _ 0 (log_margin_grows some_data w loss_lim)))).
  apply eventually_imp; intros k ([Lo Up] & [[_ R0] [P0 _]] & M0).
  destruct (Bd k) as [Rl Ru]; assert (Rn : 0 < r k).
  { destruct (norm_nonneg (w k)) as [? | E]; auto; rewrite <- E in Ru; lra. }
  assert (Rl2 : 0 < r k ^ (q + 2)) by now apply pow_lt.
  assert (Rr2 : 0 < reach k ^ (q + 2)) by now apply pow_lt.
  assert (Mlo : gam / 2 * reach k ^ (q + 2) <= m k).
  { apply Rmult_le_reg_r with (/ reach k ^ (q + 2)); [now apply Rinv_0_lt_compat |].
    rewrite Rmult_assoc, Rinv_r by lra; unfold Rdiv in Lo; lra. }
  assert (Mup : m k <= 2 * gam * reach k ^ (q + 2)).
  { apply Rmult_le_reg_r with (/ reach k ^ (q + 2)); [now apply Rinv_0_lt_compat |].
    rewrite Rmult_assoc, Rinv_r by lra; unfold Rdiv in Up; lra. }
  assert (Bl : c ^ (q + 2) * r k ^ (q + 2) <= reach k ^ (q + 2) <=
    C ^ (q + 2) * r k ^ (q + 2)).
  { rewrite <- !Rpow_mult_distr; split; apply pow_incr; split; auto; try lra.
    apply Rmult_le_pos; lra. }
  assert (Mu : gam / 2 * c ^ (q + 2) <= m k / r k ^ (q + 2) <= M).
  { assert (Ra : m k / r k ^ (q + 2) * r k ^ (q + 2) = m k) by (field; lra).
    split; apply Rmult_le_reg_r with (r k ^ (q + 2)); auto; rewrite Ra.
    - apply Rle_trans with (2 := Mlo); rewrite (Rmult_assoc (gam / 2)).
      apply Rmult_le_compat_l; lra.
    - apply Rle_trans with (1 := Mup); unfold M; rewrite (Rmult_assoc (2 * gam)).
      apply Rmult_le_compat_l; lra. }
  assert (P := exp_loss_pos (z := z) some_data (w k)).
  assert (Sl := slope_along k); assert (Sc := schwarz_lim k).
  assert (D2 := degree_large (q := q)).
  assert (Base : r k ^ q * (reach k / push k) <= K / f (w k)).
  { apply Rmult_le_reg_r with (c ^ q * (push k * reach k)).
    { apply Rmult_lt_0_compat; auto; now apply Rmult_lt_0_compat. }
    replace (r k ^ q * (reach k / push k) * (c ^ q * (push k * reach k))) with
      ((c * r k) ^ q * reach k ^ 2) by (rewrite Rpow_mult_distr; field; lra).
    replace (K / f (w k) * (c ^ q * (push k * reach k))) with
      (/ gam * (reach k * push k / f (w k))) by (unfold K; field; lra).
    apply Rle_trans with (reach k ^ (q + 2)).
    - rewrite pow_add; apply Rmult_le_compat_r; [apply pow2_ge_0 |].
      apply pow_incr; split; [apply Rmult_le_pos |]; lra.
    - apply Rmult_le_reg_l with gam; auto; rewrite <- Rmult_assoc, Rinv_r by lra.
      apply Rle_trans with (2 * m k); [lra |]; rewrite Rmult_1_l.
      apply Rmult_le_reg_r with (f (w k)); auto; unfold Rdiv.
      rewrite (Rmult_assoc (reach k * push k)), Rinv_l, Rmult_1_r by lra.
      apply Rle_trans with (l * m k * f (w k)); [| lra].
      apply Rmult_le_compat_r; [lra |]; apply Rmult_le_compat_r; lra. }
  assert (Lam : forall i, 0 <= lam k i <= K * (exp (- z i (w k)) / f (w k))).
  { intros i; assert (X := exp_pos (- z i (w k))); unfold lam; split.
    - rewrite Rmult_assoc; apply Rmult_le_pos; [lra |]; apply Rmult_le_pos.
      + apply pow_le; lra.
      + apply Rdiv_le_0_compat; lra.
    - rewrite Rmult_assoc; replace (K * (exp (- z i (w k)) / f (w k))) with
        (exp (- z i (w k)) * (K / f (w k))) by (field; lra).
      apply Rmult_le_compat_l; lra. }
  split; auto; split; auto; split; [exact Mu |]; split; intros i;
    destruct (Lam i) as [L0 L1]; set (t := z i (w k) - m k);
    assert (Sh : exp (- z i (w k)) / f (w k) = exp (- t))
      by (rewrite (loss_of_log_margin (z := z) some_data (w k)); unfold Rdiv, t;
          rewrite <- exp_Ropp, <- exp_plus; f_equal; ring);
    assert (t0 : 0 <= t)
      by (assert (Ml := margin_above_log (z := z) (w k) i);
          change (m k <= z i (w k)) in Ml; unfold t; lra);
    rewrite Sh in L1.
  - split; auto; apply Rle_trans with (1 := L1); rewrite <- (Rmult_1_r K) at 2.
    apply Rmult_le_compat_l; [lra |]; rewrite <- exp_0.
    destruct t0 as [t0 | <-]; [left; apply exp_increasing; lra | rewrite Ropp_0; lra].
  - assert (Zu : z i (unit k) = z i (w k) / r k ^ (q + 2)).
    { assert (Hz := margin_homogeneous i (r k) (unit k) Rn).
      rewrite <- (unit_scaled k Rn) in Hz; rewrite Hz; field; lra. }
    rewrite Zu; replace (z i (w k) / r k ^ (q + 2) - m k / r k ^ (q + 2)) with
      (t * (m k / r k ^ (q + 2)) * / m k) by (unfold t; field; lra).
    replace (lam k i * (t * (m k / r k ^ (q + 2)) * / m k)) with
      (lam k i * t * (m k / r k ^ (q + 2)) * / m k) by ring.
    apply Rmult_le_compat_r; [left; now apply Rinv_0_lt_compat |].
    apply Rmult_le_compat; try lra.
    + now apply Rmult_le_pos.
    + apply Rdiv_le_0_compat; lra.
    + apply Rle_trans with (K * exp (- t) * t); [now apply Rmult_le_compat_r |].
      rewrite Rmult_assoc; rewrite <- (Rmult_1_r K) at 2; apply Rmult_le_compat_l; [lra |].
      rewrite exp_Ropp; assert (X := exp_pos t); assert (T := exp_ineq1_le t).
      apply Rmult_le_reg_l with (exp t); auto; rewrite <- Rmult_assoc, Rinv_r; lra.
Qed.

(** ** (iii) The speed of the loss *)

Section Rate.
Variable gamma : R.
Hypothesis gamma_pos : 0 < gamma.
Hypothesis gamma_limit : is_lim_seq (fun k => m k / sqrt (NQ k) ^ (q + 2)) gamma.
Notation g k := (relative_gain (z := z) (dz := dz) (Q k) (w k)).
Let al := 2 - 2 / l.
Let c := l ^ 2 * Rpower gamma (2 / l).
Let E k := exp (m k).
Let M k := exp (al * ln (m k)).
Let h k := E k / M k.

Lemma al_pos : 0 < al.
Proof.
  unfold al; assert (D2 := degree_large (q := q)).
  assert (2 / l <= 1); [| lra]; apply Rmult_le_reg_r with l; [lra |].
  unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra.
Qed.

Lemma c_pos : 0 < c.
Proof.
  assert (D2 := degree_large (q := q)).
  apply Rmult_lt_0_compat; [apply pow_lt; lra | apply exp_pos].
Qed.

Lemma m_grows : is_lim_seq (fun k => m k) p_infty.
Proof. apply (log_margin_grows some_data w loss_lim). Qed.

Lemma inverse_m : is_lim_seq (fun k => / m k) 0.
Proof. apply (is_lim_seq_inv (fun k => m k) p_infty); [apply m_grows | easy]. Qed.

Lemma misaligned_lim :
  is_lim_seq (fun k => NQ k * g k / (f (w k) * (l * m k) ^ 2)) 1.
Proof.
  destruct late_run as (a & A & K & a0 & A0 & Bd & Se & Ml & Kl).
  apply (is_lim_seq_incr_n _ K).
  apply (misalignment_limit margins_smooth some_data (fun k => w (k + K)%nat)
    (fun k => Q (k + K)%nat) a A (fun k => e (k + K)%nat)); auto.
  - intros k; apply step.
  - intros k; apply e_nonneg.
  - intros k j; apply Q_drift.
  - apply (is_lim_seq_incr_n (fun k => m k) K), m_grows.
Qed.

(** m rises by nearly the gain, and by less and less. *)
Lemma rise_facts : is_lim_seq (fun k => m (S k) - m k) 0 /\
  is_lim_seq (fun k => (m (S k) - m k) / g k) 1 /\
  eventually (fun k => 0 < g k /\ 0 < m (S k) - m k /\ 1 <= m k).
Proof.
  destruct Q_bounded as (a & A & a0 & A0 & Bd).
  set (kap := fun k => A * f (w k) * curvature q B1 B2 (norm (w k))).
  assert (Kv : is_lim_seq kap 0) by apply kappa_vanishes.
  assert (Ev : eventually (fun k => 0 < g k <= kap k /\
    g k * (1 - kap k / 2) <= m (S k) - m k <= g k * (1 + kap k / 2) /\
    kap k <= 1 /\ 1 <= m k)).
  { generalize (eventually_and _ _ (lim_near _ 0 1 Kv Rlt_0_1)
      (eventually_and _ _ (lim_near _ 1 (/ 2) misaligned_lim ltac:(lra))
        (lim_large _ 1 m_grows))).
    apply eventually_imp; intros k ([_ Ka] & [Mi _] & M1).
    assert (Qb : forall j, 0 < Q k j <= A) by (intros j; split; [auto | apply Bd]).
    assert (Ka1 : A * f (w k) * curvature q B1 B2 (norm (w k)) <= 1)
      by (unfold kap in Ka; lra).
    assert (G0 := relative_gain_nonneg (z := z) (dz := dz) some_data (w k) _ _ Qb).
    assert (G1 := gain_at_most margins_smooth some_data (w k) _ _ Qb A0).
    assert (St := step_bounds margins_smooth some_data (w k) (Q k) A Qb A0 Ka1).
    cbv beta in St; rewrite <- step in St.
    split; [split; [| exact G1] | split; [exact St | split; [exact Ka1 | lra]]].
    destruct G0 as [G0 | G0]; auto; rewrite <- G0 in Mi; unfold Rdiv in Mi.
    rewrite Rmult_0_r, Rmult_0_l in Mi; lra. }
  split; [| split].
  - assert (Up : is_lim_seq (fun k => 2 * kap k) 0)
      by (replace 0 with (2 * 0) by ring; now apply lim_seq_scal).
    revert Up; apply is_lim_seq_le_le_loc with (u := fun _ => 0);
      [| apply is_lim_seq_const].
    revert Ev; apply eventually_imp; intros k ([G0 G1] & [Lo Up] & K1 & _); split; nra.
  - apply near_lim; intros t t0.
    generalize (eventually_and _ _ Ev (lim_near _ 0 t Kv t0)); apply eventually_imp.
    intros k (([G0 G1] & [Lo Up] & K1 & _) & _ & Kt).
    split; apply Rmult_le_reg_r with (g k); auto; unfold Rdiv;
      rewrite (Rmult_assoc _ (/ g k)), Rinv_l by lra; nra.
  - revert Ev; apply eventually_imp; intros k ([G0 G1] & [Lo Up] & K1 & M1).
    split; auto; split; auto; apply Rlt_le_trans with (2 := Lo).
    apply Rmult_lt_0_compat; lra.
Qed.

Lemma exp_slope (t : nat -> R) : is_lim_seq t 0 -> eventually (fun k => 0 < t k) ->
  is_lim_seq (fun k => (exp (t k) - 1) / t k) 1.
Proof.
  intros T Pos.
  assert (Up : is_lim_seq (fun k => exp (t k)) (exp 0)).
  { apply (is_lim_seq_continuous exp); [| exact T].
    apply derivable_continuous_pt, derivable_pt_exp. }
  rewrite exp_0 in Up; revert Up.
  apply is_lim_seq_le_le_loc with (u := fun _ => 1); [| apply is_lim_seq_const].
  revert Pos; apply eventually_imp; intros k P; assert (X := exp_ineq1_le (t k)).
  assert (Y := exp_ineq1_le (- t k)); rewrite exp_Ropp in Y; assert (Z := exp_pos (t k)).
  apply Rmult_le_compat_l with (r := exp (t k)) in Y; [| lra].
  rewrite Rinv_r in Y by lra.
  split; apply Rmult_le_reg_r with (t k); auto; unfold Rdiv;
    rewrite ?(Rmult_assoc _ (/ t k)), ?Rinv_l by lra; lra.
Qed.

(** The inverse of the loss rises by c times a power of its logarithm. *)
Lemma inverse_loss_rises : is_lim_seq (fun k => (E (S k) - E k) / M k) c.
Proof.
  destruct rise_facts as (R0 & R1 & Ev).
  assert (Sl := exp_slope _ R0 ltac:(revert Ev; apply eventually_imp; tauto)).
  assert (Gp : is_lim_seq (fun k =>
    exp (2 / l * ln (m k / sqrt (NQ k) ^ (q + 2)))) (Rpower gamma (2 / l))).
  { apply (is_lim_seq_continuous exp).
    - apply derivable_continuous_pt, derivable_pt_exp.
    - apply lim_seq_scal, (is_lim_seq_continuous ln); auto.
      apply derivable_continuous_pt; exists (/ gamma); now apply derivable_pt_lim_ln. }
  assert (Pr := is_lim_seq_mult' _ _ _ _ Sl (is_lim_seq_mult' _ _ _ _ R1
    (is_lim_seq_mult' _ _ _ _ misaligned_lim (lim_seq_scal _ (l ^ 2) _ Gp)))).
  rewrite !Rmult_1_l in Pr; fold c in Pr; revert Pr; apply is_lim_seq_ext_loc.
  generalize (eventually_and _ _ Ev NQ_pos); apply eventually_imp.
  intros k ((G0 & D0 & M1) & N0 & _).
  assert (P := exp_loss_pos (z := z) some_data (w k)).
  assert (S0 := sqrt_lt_R0 _ N0); assert (D2 := degree_large (q := q)).
  set (dm := m (S k) - m k) in *.
  assert (Es : E (S k) = E k * exp dm).
  { unfold E; rewrite <- exp_plus; f_equal; unfold dm; ring. }
  assert (Ei : f (w k) = / E k).
  { unfold E; rewrite <- exp_Ropp; apply (loss_of_log_margin (z := z) some_data). }
  assert (E0 : 0 < E k) by apply exp_pos; assert (M0 : 0 < M k) by apply exp_pos.
  assert (Pw : exp (2 / l * ln (m k / sqrt (NQ k) ^ (q + 2))) = m k ^ 2 / (NQ k * M k)).
  { assert (Sp : 0 < sqrt (NQ k) ^ (q + 2)) by now apply pow_lt.
    rewrite ln_div, ln_pow, plus_INR by lra; replace (INR 2) with 2 by (simpl; ring).
    replace (2 / l * (ln (m k) - l * ln (sqrt (NQ k)))) with
      (ln (m k) + ln (m k) + - (ln (sqrt (NQ k)) + ln (sqrt (NQ k))) + - (al * ln (m k)))
      by (unfold al; field; lra).
    rewrite !exp_plus, !exp_Ropp, !exp_plus, !exp_ln by lra; fold (M k).
    rewrite sqrt_sqrt by lra; field; lra. }
  rewrite Pw, Es, Ei; field; repeat split; lra.
Qed.

Lemma log_step_vanishes : is_lim_seq (fun k => ln (m (S k)) - ln (m k)) 0 /\
  eventually (fun k => 0 <= ln (m (S k)) - ln (m k) <= (m (S k) - m k) / m k).
Proof.
  destruct rise_facts as (R0 & _ & Ev).
  assert (Bd : eventually (fun k =>
    0 <= ln (m (S k)) - ln (m k) <= (m (S k) - m k) / m k)).
  { revert Ev; apply eventually_imp; intros k (_ & D0 & M1); split.
    - assert (ln (m k) < ln (m (S k))) by (apply ln_increasing; lra); lra.
    - assert (T := exp_ineq1_le (ln (m (S k)) - ln (m k))).
      unfold Rminus in T; rewrite exp_plus, exp_Ropp, !exp_ln in T by lra.
      replace ((m (S k) - m k) / m k) with (m (S k) * / m k - 1) by (field; lra); lra. }
  split; auto; revert R0; apply is_lim_seq_le_le_loc with (u := fun _ => 0);
    [| apply is_lim_seq_const].
  generalize (eventually_and _ _ Ev Bd); apply eventually_imp.
  intros k ((_ & D0 & M1) & [B0 B1']); split; auto; apply Rle_trans with (1 := B1').
  apply Rmult_le_reg_r with (m k); [lra |].
  unfold Rdiv; rewrite Rmult_assoc, Rinv_l by lra; nra.
Qed.

Lemma h_rises : is_lim_seq (fun k => h (S k) - h k) c.
Proof.
  destruct log_step_vanishes as [X0 Xb]; destruct rise_facts as (_ & _ & Ev).
  assert (A0 := al_pos).
  assert (Ra : is_lim_seq (fun k => exp (- al * (ln (m (S k)) - ln (m k)))) 1).
  { rewrite <- exp_0; replace 0 with (- al * 0) at 1 by ring.
    apply (is_lim_seq_continuous exp); [| now apply lim_seq_scal].
    apply derivable_continuous_pt, derivable_pt_exp. }
  assert (First := is_lim_seq_mult' _ _ _ _ inverse_loss_rises Ra).
  rewrite Rmult_1_r in First.
  assert (Second : is_lim_seq (fun k => - al * ((E (S k) - E k) / M k * / m k)) 0).
  { replace 0 with (- al * (c * 0)) by ring; apply lim_seq_scal.
    apply is_lim_seq_mult'; [apply inverse_loss_rises | apply inverse_m]. }
  assert (Sum2 := is_lim_seq_plus' _ _ _ _ First Second); rewrite Rplus_0_r in Sum2.
  revert First; revert Sum2; apply is_lim_seq_le_le_loc.
  generalize (eventually_and _ _ Ev Xb); apply eventually_imp.
  intros k ((_ & D0 & M1) & [B0 B1']).
  set (x := ln (m (S k)) - ln (m k)) in *; set (dm := m (S k) - m k) in *.
  assert (Ms : M (S k) = M k * exp (al * x)).
  { unfold M; rewrite <- exp_plus; f_equal; unfold x; ring. }
  assert (E0 : 0 < E k) by apply exp_pos; assert (M0 : 0 < M k) by apply exp_pos.
  assert (Y0 := exp_pos (al * x)).
  assert (Ey : exp (- al * x) = / exp (al * x))
    by (rewrite <- exp_Ropp; f_equal; ring).
  assert (Hx : h (S k) - h k = (E (S k) - E k) / M k * exp (- al * x) +
    E k / M k * (exp (- al * x) - 1)).
  { unfold h; rewrite Ms, Ey; field; lra. }
  assert (Em : 0 < E k / M k) by now apply Rdiv_lt_0_compat.
  assert (Ax : 0 <= al * x) by (apply Rmult_le_pos; lra).
  assert (Lo : - (al * x) <= exp (- al * x) - 1)
    by (generalize (exp_ineq1_le (- al * x)); lra).
  assert (Up : exp (- al * x) - 1 <= 0).
  { assert (exp (- al * x) <= 1); [| lra]; rewrite <- exp_0.
    destruct Ax as [Ax | Ax]; [left; apply exp_increasing; lra |].
    right; f_equal; lra. }
  assert (Ed : E k * dm <= E (S k) - E k).
  { replace (E (S k)) with (E k * exp dm)
      by (unfold E; rewrite <- exp_plus; f_equal; unfold dm; ring).
    assert (T := exp_ineq1_le dm); apply Rmult_le_compat_l with (r := E k) in T; lra. }
  rewrite Hx; split.
  - apply Rplus_le_compat_l.
    apply Rle_trans with (E k / M k * - (al * x)); [| apply Rmult_le_compat_l; lra].
    assert (T : E k / M k * x <= (E (S k) - E k) / M k * / m k).
    { apply Rle_trans with (E k / M k * (dm / m k)); [apply Rmult_le_compat_l; lra |].
      replace (E k / M k * (dm / m k)) with (E k * dm * (/ M k * / m k)) by (field; lra).
      unfold Rdiv; rewrite (Rmult_assoc (E (S k) - E k)); apply Rmult_le_compat_r; auto.
      apply Rmult_le_pos; left; apply Rinv_0_lt_compat; lra. }
    apply Rmult_le_compat_l with (r := al) in T; lra.
  - assert (E k / M k * (exp (- al * x) - 1) <= E k / M k * 0)
      by (apply Rmult_le_compat_l; lra).
    lra.
Qed.

(** Cesaro's means. *)
Lemma h_over_k : is_lim_seq (fun k => h k / INR k) c.
Proof.
  assert (Ce := Cesaro_1 _ _ (proj1 (is_lim_seq_Reals _ _) h_rises)).
  apply is_lim_seq_Reals in Ce.
  assert (I : is_lim_seq (fun k => h 0%nat * / INR k) 0).
  { replace 0 with (h 0%nat * 0) by ring; apply lim_seq_scal.
    apply (is_lim_seq_inv INR p_infty); [apply is_lim_seq_INR | easy]. }
  assert (Sm := is_lim_seq_plus' _ _ _ _ Ce I); rewrite Rplus_0_r in Sm.
  revert Sm; apply is_lim_seq_ext_loc; exists 1%nat; intros k K1.
  assert (T : forall n, sum_f_R0 (fun k => h (S k) - h k) n = h (S n) - h 0%nat).
  { induction n as [| n IH]; simpl; [ring | rewrite IH; simpl; ring]. }
  destruct k as [| k]; [lia |]; simpl (pred (S k)); rewrite T; unfold Rdiv; ring.
Qed.

Lemma log_k_over_m : is_lim_seq (fun k => ln (INR k) / m k) 1.
Proof.
  assert (Lh : is_lim_seq (fun k => ln (h k / INR k)) (ln c)).
  { apply (is_lim_seq_continuous ln); [| apply h_over_k].
    apply derivable_continuous_pt; exists (/ c); apply derivable_pt_lim_ln, c_pos. }
  assert (Xm : is_lim_seq (fun k => ln (m k) / m k) 0).
  { apply (is_lim_comp_seq (fun t => ln t / t) (fun k => m k) p_infty 0
      is_lim_div_ln_p); [exists 0%nat; easy | apply m_grows]. }
  assert (Sm := is_lim_seq_plus' _ _ _ _ (is_lim_seq_const 1)
    (is_lim_seq_plus' _ _ _ _ (lim_seq_scal _ (- al) _ Xm)
      (lim_seq_scal _ (-1) _ (is_lim_seq_mult' _ _ _ _ Lh inverse_m)))).
  replace (1 + (- al * 0 + -1 * (ln c * 0))) with 1 in Sm by ring; revert Sm.
  apply is_lim_seq_ext_loc.
  generalize (eventually_and _ _ (lim_large _ 0 m_grows) (eventually_from 1)).
  apply eventually_imp; intros k [M0 K1].
  assert (I : 0 < INR k) by (apply lt_0_INR; lia).
  assert (H0' : 0 < h k) by (apply Rdiv_lt_0_compat; apply exp_pos).
  rewrite ln_div by auto; unfold h at 1, E, M.
  rewrite ln_div, !ln_exp by apply exp_pos; field; lra.
Qed.

Lemma loss_speed : is_lim_seq (fun k =>
  f (w k) * (INR k * Rpower (ln (INR k)) (2 - 2 / l))) (/ c).
Proof.
  assert (C0 := c_pos).
  assert (Iv : is_lim_seq (fun k => / (h k / INR k)) (/ c)).
  { apply (is_lim_seq_inv _ c); [apply h_over_k |]; intros Eq; injection Eq; lra. }
  assert (Pw : is_lim_seq (fun k => exp (al * ln (ln (INR k) / m k))) 1).
  { rewrite <- exp_0; replace 0 with (al * ln 1) at 1 by (rewrite ln_1; ring).
    apply (is_lim_seq_continuous exp).
    - apply derivable_continuous_pt, derivable_pt_exp.
    - apply lim_seq_scal, (is_lim_seq_continuous ln); [| apply log_k_over_m].
      apply derivable_continuous_pt; exists (/ 1); apply derivable_pt_lim_ln; lra. }
  assert (Pr := is_lim_seq_mult' _ _ _ _ Iv Pw); rewrite Rmult_1_r in Pr; revert Pr.
  apply is_lim_seq_ext_loc.
  generalize (eventually_and _ _ (lim_large _ 0 m_grows) (eventually_from 3)).
  apply eventually_imp; intros k [M0 K3].
  assert (I : 3 <= INR k) by (replace 3 with (INR 3) by (simpl; ring); now apply le_INR).
  assert (Lk : 0 < ln (INR k)) by (rewrite <- ln_1; apply ln_increasing; lra).
  rewrite ln_div by auto; unfold Rpower, h; fold al.
  replace (al * (ln (ln (INR k)) - ln (m k))) with
    (al * ln (ln (INR k)) + - (al * ln (m k))) by ring.
  rewrite exp_plus, exp_Ropp; fold (M k).
  assert (Ei : f (w k) = / E k).
  { unfold E; rewrite <- exp_Ropp; apply (loss_of_log_margin (z := z) some_data). }
  assert (E0 : 0 < E k) by apply exp_pos; assert (Mp : 0 < M k) by apply exp_pos.
  rewrite Ei; field; lra.
Qed.

End Rate.

(* statement: theorem J1 rate *)
(** The loss times k (log k)^(2 - 2/l) has a limit, which the limit of the margin
    tells. *)
Theorem theorem_J1_rate : exists gamma, 0 < gamma /\
  least_tends_to (fun k i =>
    z i (w k) / norm (fun j => w k j / sqrt (Q_lim j)) ^ (q + 2)) gamma /\
  is_lim_seq (fun k => exp_loss z (w k) *
      (INR k * Rpower (ln (INR k)) (2 - 2 / (INR q + 2))))
    (/ ((INR q + 2) ^ 2 * Rpower gamma (2 / (INR q + 2)))).
(* end statement *)
Proof.
  destruct margin_over_moving_norm as (gamma & g0 & Lim); exists gamma.
  split; auto; split; [now apply least_margin_limit, margin_at_limit | now apply loss_speed].
Qed.

Variable v : vec J.
Hypothesis limit : limit_of_directions w v.

Notation index := (option (D + J)).
Let dir (y : index -> R) : vec J := fun j => y (Some (inr j)).
Let mult (y : index -> R) (i : D) : R := y (Some (inl i)).

(** A multiplier for each point, the least margin, and the direction, up to e. *)
Definition near (c M e : R) (y : index -> R) : Prop :=
  (forall i, Rabs (y i) <= M) /\ (forall i, 0 <= mult y i) /\ c <= y None /\
  (forall i, y None <= z i (dir y)) /\
  (forall j, Rabs (dir y j / Q_lim j - Sum (fun i => mult y i * dz i (dir y) j)) <= e) /\
  (forall i, mult y i * (z i (dir y) - y None) <= e) /\
  norm (dir y) = 1 /\ (forall j, Rabs (dir y j - v j) <= e).

Lemma approximate_exists : exists c M, 0 < c /\ forall e, 0 < e -> exists y, near c M e y.
Proof.
  destruct multiplier_facts as (c & C & M & c0 & C0 & M0 & Ev).
  exists c, (M + C + 1); split; auto; intros t t0.
  assert (Sl : is_lim_seq (fun k => C * M * / m k) 0).
  { replace 0 with (C * M * 0) by ring; apply lim_seq_scal.
    apply (is_lim_seq_inv (fun k => m k) p_infty);
      [apply (log_margin_grows some_data w loss_lim) | easy]. }
  assert (Eq : eventually (fun k => forall j,
    Rabs (w k j / r k / Q_lim j - reach k / (r k * push k) * U (w k) j) <= t)).
  { apply eventually_components; intros j.
    generalize (lim_near _ 0 t (equation_limit j) t0); apply eventually_imp.
    intros k B; apply Rabs_le; lra. }
  destruct (eventually_and _ _ Ev (eventually_and _ _ Eq (lim_near _ 0 t Sl t0)))
    as [n Hn].
  destruct (limit t t0 n) as (k & I & Near); specialize (Hn k I).
  destruct Hn as ((R0 & P0 & Mu & La & Sk) & Ek & [_ St]).
  assert (Un : norm (unit k) = 1).
  { transitivity (/ r k * r k); [| field; lra].
    rewrite <- (Rabs_pos_eq (/ r k)) by (left; now apply Rinv_0_lt_compat).
    rewrite <- norm_scal; apply norm_ext; intros j; unfold unit, Rdiv; ring. }
  exists (fun i => match i with None => m k / r k ^ (q + 2)
    | Some (inl i) => lam k i | Some (inr j) => unit k j end).
  unfold near, mult, dir.
  split; [| split; [| split; [| split; [| split; [| split; [| split]]]]]].
  - intros [[i | j] |].
    + destruct (La i); rewrite Rabs_pos_eq; lra.
    + apply Rle_trans with (norm (unit k)); [| lra].
      apply (norm_ge_component (unit k) j).
    + rewrite Rabs_pos_eq; lra.
  - intros i; apply La.
  - lra.
  - intros i; assert (Ml := margin_above_log (z := z) (w k) i).
    change (m k <= z i (w k)) in Ml.
    assert (Hz := margin_homogeneous i (r k) (unit k) R0).
    rewrite <- (unit_scaled k R0) in Hz; rewrite Hz in Ml.
    assert (Pw : 0 < r k ^ (q + 2)) by now apply pow_lt.
    apply Rmult_le_reg_l with (r k ^ (q + 2)); auto.
    replace (r k ^ (q + 2) * (m k / r k ^ (q + 2))) with (m k) by (field; lra).
    exact Ml.
  - intros j; specialize (Ek j); rewrite descent_of_direction in Ek by auto; exact Ek.
  - intros i; apply Rle_trans with (1 := Sk i); lra.
  - exact Un.
  - intros j; left; apply Near.
Qed.

(** What holds up to e of those holds of a cluster point of them. *)
Lemma limit_multipliers : exists (lam : D -> R) (mu : R), 0 < mu /\
  (forall i, 0 <= lam i) /\ norm v = 1 /\ (forall i, mu <= z i v) /\
  (forall j, v j / Q_lim j = Sum (fun i => lam i * dz i v j)) /\
  (forall i, lam i * (z i v - mu) = 0).
Proof.
  destruct approximate_exists as (c & M & c0 & Ex).
  destruct (cluster (None :: map (fun i => Some (inl i)) enum ++
    map (fun j => Some (inr j)) enum) M (near c M)) as [ys Cl]; auto.
  { intros e1 e2 y Le (N1 & N2 & N3 & N4 & N5 & N6 & N7 & N8).
    repeat split; auto; intros i; [specialize (N5 i) | specialize (N6 i)
      | specialize (N8 i)]; lra. }
  { intros e1 y i Ny; apply Ny. }
  assert (Cl' : forall e1 t, 0 < e1 -> 0 < t ->
    exists y, (near c M e1 y /\ 0 < e1) /\ forall i, Rabs (y i - ys i) < t).
  { intros e1 t e10 t0; destruct (Cl e1 t e10 t0) as (y & Ny & Js).
    exists y; split; [now split |]; intros i; apply Js.
    destruct i as [[i | j] |]; [right | right | now left]; apply in_or_app.
    - left; apply (in_map (fun i : D => Some (inl i))), enum_all.
    - right; apply (in_map (fun j : J => Some (inr j))), enum_all. }
  assert (Lim : forall h, continuous_at ys h ->
    (forall e1 y, near c M e1 y -> 0 < e1 -> h y <= e1) -> h ys <= 0).
  { intros h Ch Le; apply (limit_le ys (fun e1 y => near c M e1 y /\ 0 < e1)); auto.
    intros e1 y [Ny e10]; now apply Le. }
  assert (Co : forall i, continuous_at ys (fun y => y i))
    by (intros; apply continuous_at_coord).
  assert (Cn : forall g : vec J -> R, continuous_at (dir ys) g ->
    continuous_at ys (fun y => g (dir y))).
  { intros g Cg; apply (continuous_at_family ys (fun j y => y (Some (inr j))) g);
      [exact Cg | intros; apply Co]. }
  assert (Cz : forall i, continuous_at ys (fun y => z i (dir y))).
  { intros i; apply Cn, (gradient_cont (z i) (dir ys) (dz i (dir ys))).
    apply margins_smooth. }
  assert (Cd : forall i j, continuous_at ys (fun y => dz i (dir y) j)).
  { intros i j; apply (Cn (fun x => dz i x j)), (field_cont (dz i) (z i)).
    apply (margin_smooth_gradient margins_smooth). }
  assert (Ev : dir ys = v).
  { apply functional_extensionality; intros j.
    assert (Z : Rabs (ys (Some (inr j)) + - v j) <= 0).
    { apply (Lim (fun y => Rabs (y (Some (inr j)) + - v j))).
      - apply continuous_at_abs, (continuous_at_plus ys (fun y => y (Some (inr j)))).
        + apply Co.
        + apply continuous_at_const.
      - intros e1 y Ny _; apply Ny. }
    apply Rabs_le_between in Z; unfold dir; lra. }
  exists (mult ys), (ys None); rewrite <- Ev.
  assert (Mc : c <= ys None).
  { assert (c + -1 * ys None <= 0); [| lra].
    apply (Lim (fun y => c + -1 * y None)).
    - apply (continuous_at_plus ys (fun _ => c)); [apply continuous_at_const |].
      apply continuous_at_scal, Co.
    - intros e1 y (_ & _ & N3 & _) e10; lra. }
  assert (L0 : forall i, 0 <= mult ys i).
  { intros i; assert (-1 * ys (Some (inl i)) <= 0); [| unfold mult; lra].
    apply (Lim (fun y => -1 * y (Some (inl i)))).
    - apply continuous_at_scal, Co.
    - intros e1 y (_ & N2 & _) e10; specialize (N2 i); unfold mult in N2; lra. }
  assert (Fe : forall i, ys None <= z i (dir ys)).
  { intros i; assert (ys None + -1 * z i (dir ys) <= 0); [| lra].
    apply (Lim (fun y => y None + -1 * z i (dir y))).
    - apply (continuous_at_plus ys (fun y => y None)); [apply Co |].
      apply continuous_at_scal, Cz.
    - intros e1 y (_ & _ & _ & N4 & _) e10; specialize (N4 i); lra. }
  split; [lra |]; split; [exact L0 |]; split; [| split; [exact Fe | split]].
  - assert (Z : Rabs (norm (dir ys) + - (1)) <= 0).
    { apply (Lim (fun y => Rabs (norm (dir y) + - (1)))).
      - apply continuous_at_abs, (continuous_at_plus ys (fun y => norm (dir y))).
        + apply (continuous_at_lipschitz ys (fun x => norm x) (fun j => Some (inr j))).
          exact norm_lipschitz.
        + apply continuous_at_const.
      - intros e1 y (_ & _ & _ & _ & _ & _ & N7 & _) e10; rewrite N7.
        rewrite Rplus_opp_r, Rabs_R0; lra. }
    apply Rabs_le_between in Z; lra.
  - intros j.
    assert (Z : Rabs (dir ys j * / Q_lim j +
      -1 * Sum (fun i => mult ys i * dz i (dir ys) j)) <= 0).
    { apply (Lim (fun y => Rabs (dir y j * / Q_lim j +
        -1 * Sum (fun i => mult y i * dz i (dir y) j)))).
      - apply continuous_at_abs, (continuous_at_plus ys (fun y => dir y j * / Q_lim j)).
        + apply (continuous_at_mult ys (fun y => dir y j)); [apply Co |].
          apply continuous_at_const.
        + apply continuous_at_scal,
            (continuous_at_Sum ys (fun i y => mult y i * dz i (dir y) j)).
          intros i; apply (continuous_at_mult ys (fun y => mult y i)); [apply Co | apply Cd].
      - intros e1 y (_ & _ & _ & _ & N5 & _) e10; specialize (N5 j).
        replace (dir y j * / Q_lim j + -1 * Sum (fun i => mult y i * dz i (dir y) j))
          with (dir y j / Q_lim j - Sum (fun i => mult y i * dz i (dir y) j))
          by (unfold Rdiv; ring).
        exact N5. }
    apply Rabs_le_between in Z; unfold Rdiv; lra.
  - intros i; assert (Z : mult ys i * (z i (dir ys) + -1 * ys None) <= 0).
    { apply (Lim (fun y => mult y i * (z i (dir y) + -1 * y None))).
      - apply (continuous_at_mult ys (fun y => mult y i)); [apply Co |].
        apply (continuous_at_plus ys (fun y => z i (dir y))); [apply Cz |].
        apply continuous_at_scal, Co.
      - intros e1 y (_ & _ & _ & _ & _ & N6 & _) e10; specialize (N6 i).
        replace (z i (dir y) + -1 * y None) with (z i (dir y) - y None) by ring.
        exact N6. }
    assert (0 <= mult ys i * (z i (dir ys) - ys None))
      by (apply Rmult_le_pos; [apply L0 | specialize (Fe i); lra]).
    lra.
Qed.

End Run.

(** ** KKT points *)

Lemma constraint_gradient_smooth {J} `{FiniteType J} (f : vec J -> R)
    (g : vec J -> vec J) : gradient_of f g ->
  gradient_of (fun w => 1 - f w) (fun w j => - g w j).
Proof.
  intros [Gr Co]; split.
  - intros v; replace (fun j => - g v j) with (fun j => -1 * g v j)
      by (apply functional_extensionality; intros; ring).
    apply (gradient_comp (fun t => 1 - t) (-1) f); auto; auto_derive; auto; ring.
  - intros v e e0; destruct (Co v e e0) as (d & d0 & Hd); exists d; split; auto.
    intros v' V j; specialize (Hd v' V j).
    replace (- g v' j - - g v j) with (- (g v' j - g v j)) by ring.
    now rewrite Rabs_Ropp.
Qed.

(* statement: theorem J1 KKT *)
(** Each limit point of the directions is that of a KKT point of the max-margin problem,
    skewed by the limit of Q to the power - 1 / 2. *)
Theorem theorem_J1_KKT {J D X} `{FiniteType J} `{Dataset D X} (Phi : vec J -> X -> R)
    (dz : D -> vec J -> vec J) (q : nat) (B1 B2 : R) (w Q : nat -> vec J)
    (Q_lim v : vec J) :
  smooth_margins (margin_at Phi) dz q B1 B2 ->
  (forall k, w (S k) =
     (fun j => w k j + Q k j * exp_descent (margin_at Phi) dz (w k) j)) ->
  (forall k j, 0 < Q k j) ->
  (forall j, ex_series (fun k => Rabs (ln (Q (S k) j) - ln (Q k j)))) ->
  converges Q Q_lim ->
  is_lim_seq (fun k => total_loss (summed exponential) Phi (w k)) 0 ->
  is_lim_seq (fun k =>
    norm (w k) ^ (2 * q + 2) * total_loss (summed exponential) Phi (w k)) 0 ->
  limit_of_directions w v ->
  exists w', max_margin_KKT Phi (fun j => / sqrt (Q_lim j)) w' /\ 0 < norm w' /\
    forall j, v j = w' j / norm w'.
(* end statement *)
Proof.
  intros Sm Step Qp Va Ql Ll Lf Li.
  destruct (limit_multipliers w Q Q_lim Sm nonempty Step Qp Va Ql Ll Lf v Li)
    as (lam & mu & mu0 & L0 & N1 & Fe & Eq & Sl).
  set (t := exp (- (ln mu / (INR q + 2)))); assert (t0 : 0 < t) by apply exp_pos.
  assert (Tl : t ^ (q + 2) = / mu).
  { unfold t; rewrite exp_pow, plus_INR; replace (INR 2) with 2 by (simpl; ring).
    replace ((INR q + 2) * - (ln mu / (INR q + 2))) with (- ln mu)
      by (field; generalize (pos_INR q); lra).
    now rewrite exp_Ropp, exp_ln. }
  assert (Mg : forall i, margin_at Phi i (fun j => t * v j) = / mu * margin_at Phi i v).
  { intros i; rewrite <- Tl; now apply (margin_homogeneous Sm). }
  assert (Tq : 0 < t ^ q) by now apply pow_lt.
  exists (fun j => t * v j); split; [| split].
  - exists (fun i => lam i * / t ^ q); split; [| split; [| split]].
    + intros i; apply Rmult_le_pos; auto; left; now apply Rinv_0_lt_compat.
    + intros i; change (1 - margin_at Phi i (fun j => t * v j) <= 0); rewrite Mg.
      specialize (Fe i); apply Rmult_le_compat_l with (r := / mu) in Fe;
        [| left; now apply Rinv_0_lt_compat].
      rewrite Rinv_l in Fe by lra; lra.
    + exists (fun j => (/ sqrt (Q_lim j)) ^ 2 * (t * v j)),
        (fun i j => - dz i (fun j => t * v j) j); repeat split.
      * exact (clarke_smooth _ _ (fun j => t * v j)
          (objective_gradient (fun j => / sqrt (Q_lim j)))).
      * intros i; apply (clarke_smooth _ _ (fun j => t * v j)
          (constraint_gradient_smooth _ _ (margin_smooth_gradient Sm i))).
      * intros j; assert (P := Q_lim_pos Q Q_lim Qp Va Ql j).
        assert (Rs : (/ sqrt (Q_lim j)) ^ 2 = / Q_lim j)
          by (rewrite pow_inv, <- Rsqr_pow2, Rsqr_sqrt; lra).
        rewrite Rs; replace (/ Q_lim j * (t * v j)) with (t * (v j / Q_lim j))
          by (field; lra).
        rewrite Eq, <- Sum_scal, <- Sum_plus.
        transitivity (Sum (fun _ : D => 0 * 0)); [| rewrite Sum_scal; ring].
        apply Sum_ext; intros i; rewrite (gradient_homogeneous Sm) by auto.
        rewrite pow_add, pow_1; field; lra.
    + intros i; change (lam i * / t ^ q * (1 - margin_at Phi i (fun j => t * v j)) = 0).
      rewrite Mg; replace (lam i * / t ^ q * (1 - / mu * margin_at Phi i v)) with
        (- (/ t ^ q * / mu * (lam i * (margin_at Phi i v - mu)))) by (field; lra).
      rewrite Sl; ring.
  - rewrite norm_scal, N1, Rabs_pos_eq by lra; lra.
  - intros j; rewrite norm_scal, N1, Rabs_pos_eq by lra; field; lra.
Qed.
