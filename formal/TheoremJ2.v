(** * Theorem J2: Procedure 1 on smooth homogeneous networks

    Exponential loss, any learning rate, any schedule of rho.  If the loss vanishes, also
    against the power 2 l - 2 of the norm, the factors converge with finite logarithmic
    variation, and Theorem J1 holds.  With Theorem J3 nothing is assumed of the run. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export TheoremJ1 TheoremJ3.
Open Scope R_scope.

(** ** A run that has gone on for some steps is a run *)

Lemma later_run {J} `{FiniteType J} (f : vec J -> R) eta (delta eps : vec J)
    (rho w d g h : nat -> vec J) (K : nat) :
  procedure_1 f eta delta eps rho w d g h ->
  procedure_1 f eta delta eps (fun k => rho (k + K)%nat) (fun k => w (k + K)%nat)
    (fun k => d (k + K)%nat) (fun k => g (k + K)%nat) (fun k => h (k + K)%nat).
Proof.
  intros Run; split; try (intros; apply Run).
  - intros j; apply (run_g_nonneg Run).
  - intros j; apply (run_h_nonneg Run).
Qed.

Section Run.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Context {z : D -> vec J -> R} {dz : D -> vec J -> vec J} {q : nat} {B1 B2 : R}.
Hypothesis margins_smooth : smooth_margins z dz q B1 B2.
Hypothesis some_data : inhabited D.
Context {eta : R} {delta eps : vec J} {rho w d g h : nat -> vec J}.
Hypothesis run : procedure_1 (exp_loss z) eta delta eps rho w d g h.
Hypothesis loss_lim : is_lim_seq (fun k => exp_loss z (w k)) 0.
Hypothesis loss_fast :
  is_lim_seq (fun k => norm (w k) ^ (2 * q + 2) * exp_loss z (w k)) 0.
Notation f := (exp_loss z).
Notation P := (factors delta eps g h).
Notation U := (exp_descent z dz).
Notation m := (@log_margin J D _ z).

Lemma vanishing_gradients j : is_lim_seq (fun k => d k j) 0.
Proof.
  destruct (constants_ordered margins_smooth) as [b0 _].
  assert (Up : is_lim_seq (fun k => B1 * (f (w k) +
    norm (w k) ^ (2 * q + 2) * f (w k))) 0).
  { replace 0 with (B1 * (0 + 0)) by ring; now apply lim_seq_scal, is_lim_seq_plus'. }
  assert (Dn := lim_seq_scal _ (-1) 0 Up); rewrite Rmult_0_r in Dn.
  revert Dn Up; apply is_lim_seq_le_le; intros k.
  assert (P0 := exp_loss_pos (z := z) some_data (w k)).
  assert (N := norm_nonneg (w k)).
  assert (Pw : norm (w k) ^ (q + 1) <= 1 + norm (w k) ^ (2 * q + 2)).
  { assert (0 <= norm (w k) ^ (2 * q + 2)) by now apply pow_le.
    destruct (Rle_lt_dec (norm (w k)) 1) as [S | S].
    - assert (norm (w k) ^ (q + 1) <= 1 ^ (q + 1)) by (apply pow_incr; lra).
      rewrite pow1 in *; lra.
    - assert (norm (w k) ^ (q + 1) <= norm (w k) ^ (2 * q + 2))
        by (apply Rle_pow; [lra | lia]).
      lra. }
  assert (B : Rabs (d k j) <= B1 * (f (w k) + norm (w k) ^ (2 * q + 2) * f (w k))).
  { rewrite (run_gradient margins_smooth some_data run), Rabs_Ropp.
    apply Rle_trans with (1 := norm_ge_component (U (w k)) j).
    apply Rle_trans with (1 := descent_size margins_smooth (w k)).
    apply Rmult_le_compat_r with (r := f (w k)) in Pw; [| lra].
    apply Rmult_le_compat_l with (r := B1) in Pw; auto; lra. }
  apply Rabs_le_between in B; lra.
Qed.

Lemma factors_have_limits :
  exists P_lim : vec J, (forall j, 0 < P_lim j) /\ converges P P_lim /\
    (weights_diverge rho -> P_lim = fun j => sqrt (eps j / delta j)).
Proof.
  set (P_lim := fun j => real (Lim_seq (fun k => P k j))).
  assert (L : forall j, 0 < P_lim j /\ is_lim_seq (fun k => P k j) (P_lim j)).
  { intros j.
    destruct (factors_of_vanishing run j (vanishing_gradients j)) as [(l & l0 & L) _].
    unfold P_lim; rewrite (is_lim_seq_unique _ _ L); auto. }
  exists P_lim; split; [apply L |]; split; [intros j; apply L |].
  intros Inf; apply functional_extensionality; intros j.
  destruct (factors_of_vanishing run j (vanishing_gradients j)) as [_ Lim].
  specialize (Lim (Inf j)); apply is_lim_seq_unique in Lim; unfold P_lim.
  now rewrite Lim.
Qed.

(** Late steps lower the loss by a multiple of the squared gradient. *)
Lemma late_gradients : exists (A : R) (K : nat), (forall k j, P (k + K)%nat j <= A) /\
  forall j, ex_series (fun k => d (k + K)%nat j ^ 2).
Proof.
  destruct factors_have_limits as (P_lim & Pp & Lp & _).
  destruct (finite_bounds P_lim Pp) as (a & A & a0 & A0 & Bd).
  assert (Ep := rate_positive run).
  assert (Near : eventually (fun k => forall j, a / 2 <= P k j <= 2 * A)).
  { apply eventually_components; intros j; destruct (Bd j).
    generalize (lim_near _ (P_lim j) (a / 2) (Lp j) ltac:(lra)); apply eventually_imp.
    intros k B; lra. }
  set (eA := eta * (2 * A)).
  assert (E0 : 0 < eA) by (apply Rmult_lt_0_compat; lra).
  destruct (eventually_and _ _ Near (lim_near _ 0 1
    (kappa_vanishes w margins_smooth some_data loss_lim loss_fast eA) Rlt_0_1))
    as [K HK].
  exists (2 * A), K; split; [intros k j; apply (HK (k + K)%nat); lia |]; intros j.
  assert (Fall : forall k, (K <= k)%nat ->
    d k j ^ 2 <= 8 / (eta * a) * (f (w k) - f (w (S k)))).
  { intros k I; destruct (HK k I) as [Pk [_ Ka]].
    assert (Qb : forall j, 0 < eta * P k j <= eA).
    { intros i; destruct (Pk i); split; [apply Rmult_lt_0_compat; lra |].
      apply Rmult_le_compat_l; lra. }
    assert (Ka1 : eA * f (w k) * curvature q B1 B2 (norm (w k)) <= 1) by lra.
    assert (St := step_bounds margins_smooth some_data (w k) (fun j => eta * P k j) eA
      Qb E0 Ka1).
    assert (G0 := relative_gain_nonneg (z := z) (dz := dz) some_data (w k) _ _ Qb).
    assert (G1 := gain_at_most margins_smooth some_data (w k) _ _ Qb E0).
    assert (Rg := run_gain margins_smooth some_data run k).
    cbv beta in St; rewrite <- (run_step margins_smooth some_data run) in St.
    destruct St as [St _].
    set (y := relative_gain (fun j => eta * P k j) (w k)) in *.
    assert (L0 := exp_loss_pos (z := z) some_data (w k)).
    assert (Rise : y / 2 <= m (w (S k)) - m (w k)).
    { apply Rle_trans with (2 := St).
      assert (y * (eA * f (w k) * curvature q B1 B2 (norm (w k))) <= y * 1)
        by (apply Rmult_le_compat_l; lra).
      lra. }
    assert (Drop : f (w (S k)) <= f (w k) * (1 - y / 4)).
    { rewrite (loss_of_log_margin (z := z) some_data (w (S k))).
      apply Rle_trans with (f (w k) * exp (- (y / 2))).
      - rewrite (loss_of_log_margin (z := z) some_data (w k)), <- exp_plus.
        assert (Le : - m (w (S k)) <= - m (w k) + - (y / 2)) by lra.
        destruct Le as [Lt | ->]; [left; now apply exp_increasing | lra].
      - apply Rmult_le_compat_l; [lra |]; rewrite exp_Ropp.
        assert (X := exp_pos (y / 2)); assert (T := exp_ineq1_le (y / 2)).
        apply Rmult_le_reg_l with (exp (y / 2)); auto; rewrite Rinv_r by lra.
        apply Rle_trans with ((1 + y / 2) * (1 - y / 4)); [nra |].
        apply Rmult_le_compat_r; lra. }
    assert (One : a / 2 * d k j ^ 2 <= Sum (fun j => P k j * d k j ^ 2)).
    { apply Rle_trans with (P k j * d k j ^ 2).
      - apply Rmult_le_compat_r; [apply pow2_ge_0 | apply Pk].
      - apply (Sum_ge_term (fun j => P k j * d k j ^ 2)); intros.
        apply (gain_terms_nonneg run). }
    apply Rmult_le_reg_l with (eta * a); [now apply Rmult_lt_0_compat |].
    replace (eta * a * (8 / (eta * a) * (f (w k) - f (w (S k))))) with
      (8 * (f (w k) - f (w (S k)))) by (field; lra).
    apply Rmult_le_compat_l with (r := eta) in One; lra. }
  set (c := 8 / (eta * a)) in Fall.
  assert (c0 : 0 < c) by (apply Rdiv_lt_0_compat; [lra | now apply Rmult_lt_0_compat]).
  apply (summable _ (c * f (w K))); [intros; apply pow2_ge_0 |]; intros n.
  assert (T : first_terms (fun k => d (k + K)%nat j ^ 2) n <=
    c * (f (w K) - f (w (n + K)%nat))).
  { induction n as [| n IH]; cbn [first_terms]; [simpl; lra |].
    specialize (Fall (n + K)%nat ltac:(lia)).
    change (S n + K)%nat with (S (n + K)); lra. }
  assert (L := exp_loss_pos (z := z) some_data (w (n + K)%nat)).
  assert (0 <= c * f (w (n + K)%nat)) by (apply Rmult_le_pos; lra); lra.
Qed.

Lemma factors_vary_finitely j : ex_series (fun k => Rabs (ln (P (S k) j) - ln (P k j))).
Proof.
  destruct late_gradients as (A & K & Up & Sd).
  apply (ex_series_incr_n (K := R_AbsRing) (V := R_NormedModule) _ K).
  apply ex_series_ext with (fun k => Rabs (ln (P (S k + K)%nat j) -
    ln (P (k + K)%nat j))).
  { intros k; rewrite (Nat.add_comm K k); reflexivity. }
  exact (factor_variation (later_run _ _ _ _ _ _ _ _ _ K run) A Sd Up j).
Qed.

(** ** The steps are those of Theorem J1, with Q the learning rate times the factors *)

Variable P_lim : vec J.
Hypothesis P_limit : converges P P_lim.
Hypothesis P_lim_pos : forall j, 0 < P_lim j.
Let Q k : vec J := fun j => eta * P k j.
Let Q_lim : vec J := fun j => eta * P_lim j.

Lemma Q_positive k j : 0 < Q k j.
Proof. apply Rmult_lt_0_compat; [apply run | apply (run_factor_pos run)]. Qed.

Lemma Q_varies j : ex_series (fun k => Rabs (ln (Q (S k) j) - ln (Q k j))).
Proof.
  assert (V := factors_vary_finitely j); revert V; apply ex_series_ext; intros k.
  assert (Ep := rate_positive run); unfold Q.
  rewrite !ln_mult by (auto; apply (run_factor_pos run)); f_equal; ring.
Qed.

Lemma Q_converges : converges Q Q_lim.
Proof. intros j; apply lim_seq_scal, P_limit. Qed.

Lemma Q_reach k : norm (fun j => w k j / sqrt (Q_lim j)) =
  norm (fun j => w k j / sqrt (P_lim j)) / sqrt eta.
Proof.
  assert (Ep := rate_positive run); assert (S := sqrt_lt_R0 _ Ep).
  transitivity (norm (fun j => / sqrt eta * (w k j / sqrt (P_lim j)))).
  - apply norm_ext; intros j; unfold Q_lim; rewrite sqrt_mult_alt by lra.
    assert (R := sqrt_lt_R0 _ (P_lim_pos j)); field; lra.
  - rewrite norm_scal, Rabs_pos_eq by (left; now apply Rinv_0_lt_compat).
    field; lra.
Qed.

Lemma procedure_margin : exists gamma, 0 < gamma /\
  least_tends_to (fun k i =>
    z i (w k) / norm (fun j => w k j / sqrt (P_lim j)) ^ (q + 2)) gamma.
Proof.
  destruct (theorem_J1_margin w Q Q_lim margins_smooth some_data
    (run_step margins_smooth some_data run) Q_positive Q_varies Q_converges loss_lim
    loss_fast) as (gamma & g0 & Lim).
  assert (Ep := rate_positive run); assert (S := sqrt_lt_R0 _ Ep).
  set (c := sqrt eta ^ (q + 2)) in *; assert (c0 : 0 < c) by now apply pow_lt.
  exists (gamma / c); split; [now apply Rdiv_lt_0_compat |]; intros t t0.
  generalize (Lim (t * c) ltac:(now apply Rmult_lt_0_compat)); apply eventually_imp.
  assert (Eq : forall k i, z i (w k) / norm (fun j => w k j / sqrt (Q_lim j)) ^ (q + 2) =
    c * (z i (w k) / norm (fun j => w k j / sqrt (P_lim j)) ^ (q + 2))).
  { intros k i; rewrite Q_reach; unfold Rdiv; rewrite Rpow_mult_distr, pow_inv.
    rewrite Rinv_mult, Rinv_inv; fold c; ring. }
  intros k [Lo [i Up]]; split.
  - intros l; specialize (Lo l); rewrite Eq in Lo.
    apply Rmult_le_reg_l with c; auto.
    replace (c * (gamma / c - t)) with (gamma - t * c) by (field; lra); exact Lo.
  - exists i; rewrite Eq in Up; apply Rmult_le_reg_l with c; auto.
    replace (c * (gamma / c + t)) with (gamma + t * c) by (field; lra); exact Up.
Qed.

Lemma procedure_alignment : is_lim_seq (fun k =>
  inner (w k) (U (w k)) / (norm (fun j => w k j / sqrt (P_lim j)) *
    norm (fun j => sqrt (P_lim j) * U (w k) j))) 1.
Proof.
  assert (Al := theorem_J1_alignment w Q Q_lim margins_smooth some_data
    (run_step margins_smooth some_data run) Q_positive Q_varies Q_converges loss_lim
    loss_fast).
  revert Al; apply is_lim_seq_ext; intros k; rewrite Q_reach.
  assert (Ep := rate_positive run); assert (S := sqrt_lt_R0 _ Ep).
  replace (norm (fun j => sqrt (Q_lim j) * U (w k) j)) with
    (sqrt eta * norm (fun j => sqrt (P_lim j) * U (w k) j)).
  2: { rewrite <- (Rabs_pos_eq (sqrt eta)), <- norm_scal by lra; apply norm_ext.
       intros j; unfold Q_lim; rewrite sqrt_mult_alt by lra; ring. }
  f_equal; field; lra.
Qed.

End Run.

(** ** For a network *)

(* statement: goes as theorem 2 says *)
(** Where the run goes: the least margin over the norm to the power q + 2, both in the
    metric of the skew s, has a positive limit; minus the gradient aligns with the
    iterate, in variables in which the skew is 1; and each limit point of the directions
    is that of a KKT point of the problem with the skew s. *)
Definition goes_to_KKT_points {J D X} `{FiniteType J} `{Dataset D X}
    (Phi : vec J -> X -> R) (q : nat) (s : vec J) (w d : nat -> vec J) : Prop :=
  (exists gamma, 0 < gamma /\ least_tends_to (fun k i =>
     margin_at Phi i (w k) / norm (fun j => s j * w k j) ^ (q + 2)) gamma) /\
  is_lim_seq (fun k => - inner (w k) (d k) /
    (norm (fun j => s j * w k j) * norm (fun j => d k j / s j))) 1 /\
  forall v, limit_of_directions w v ->
    exists w', max_margin_KKT Phi s w' /\ 0 < norm w' /\ forall j, v j = w' j / norm w'.
(* end statement *)

Section Network.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (Phi : vec J -> X -> R) (dz : D -> vec J -> vec J) (q : nat) (B1 B2 : R).
Variables (eta : R) (delta eps : vec J) (rho w d g h : nat -> vec J).
Notation L := (total_loss (summed exponential) Phi).
(* statement: theorem J2 hypotheses *)
Hypothesis margins_smooth : smooth_margins (margin_at Phi) dz q B1 B2.
Hypothesis run :
  procedure_1 (total_loss (summed exponential) Phi) eta delta eps rho w d g h.
(* end statement *)

Let run' : procedure_1 (exp_loss (margin_at Phi)) eta delta eps rho w d g h := run.

Lemma procedure_directions (P_lim v : vec J) :
  is_lim_seq (fun k => L (w k)) 0 ->
  is_lim_seq (fun k => norm (w k) ^ (2 * q + 2) * L (w k)) 0 ->
  converges (factors delta eps g h) P_lim -> (forall j, 0 < P_lim j) ->
  limit_of_directions w v ->
  exists w', max_margin_KKT Phi (fun j => / sqrt (P_lim j)) w' /\ 0 < norm w' /\
    forall j, v j = w' j / norm w'.
Proof.
  intros Ll Lf Pl Pp Li; assert (Ep := rate_positive run).
  assert (S := sqrt_lt_R0 _ Ep).
  destruct (theorem_J1_KKT Phi dz q B1 B2 w
    (fun k j => eta * factors delta eps g h k j) (fun j => eta * P_lim j) v margins_smooth
    (run_step margins_smooth nonempty run') (Q_positive run')
    (Q_varies margins_smooth nonempty run' Ll Lf)
    (Q_converges P_lim Pl) Ll Lf Li) as (w' & K & W & Dir).
  exists w'; split; auto; apply (KKT_multiple _ _ eta) in K; auto.
  unfold max_margin_KKT.
  replace (fun w => / 2 * norm (mul (fun j => / sqrt (P_lim j)) w) ^ 2) with
    (fun w => eta * (/ 2 * norm (mul (fun j => / sqrt (eta * P_lim j)) w) ^ 2));
    [exact K |].
  apply functional_extensionality; intros x0; rewrite !norm_sqr.
  transitivity (/ 2 * (eta * Sum (fun j => mul (fun j => / sqrt (eta * P_lim j)) x0 j ^ 2)));
    [ring |].
  rewrite <- Sum_scal; f_equal; apply Sum_ext; intros j; unfold mul.
  rewrite sqrt_mult_alt by lra; assert (R := sqrt_lt_R0 _ (Pp j)).
  rewrite <- (sqrt_sqrt eta) at 1 by lra; field; lra.
Qed.

Lemma procedure_goes :
  is_lim_seq (fun k => L (w k)) 0 ->
  is_lim_seq (fun k => norm (w k) ^ (2 * q + 2) * L (w k)) 0 ->
  exists P_lim : vec J, (forall j, 0 < P_lim j) /\
    converges (factors delta eps g h) P_lim /\
    (weights_diverge rho -> P_lim = fun j => sqrt (eps j / delta j)) /\
    goes_to_KKT_points Phi q (fun j => / sqrt (P_lim j)) w d.
Proof.
  intros Ll Lf.
  destruct (factors_have_limits margins_smooth nonempty run' Ll Lf) as (P_lim & Pp & Pl & Sk).
  exists P_lim; split; auto; split; auto; split; auto; split; [| split].
  - destruct (procedure_margin margins_smooth nonempty run' Ll Lf P_lim Pl Pp)
      as (gamma & g0 & Lim).
    exists gamma; split; auto.
    replace (fun k i => margin_at Phi i (w k) /
      norm (fun j => / sqrt (P_lim j) * w k j) ^ (q + 2)) with
      (fun k i => margin_at Phi i (w k) /
        norm (fun j => w k j / sqrt (P_lim j)) ^ (q + 2)); auto.
    apply functional_extensionality; intros k; apply functional_extensionality; intros i.
    do 2 f_equal; apply norm_ext; intros j; unfold Rdiv; ring.
  - assert (Al := procedure_alignment margins_smooth nonempty run' Ll Lf P_lim Pl Pp).
    revert Al; apply is_lim_seq_ext; intros k.
    assert (Gr := run_gradient margins_smooth nonempty run' k); f_equal; [| f_equal].
    + transitivity (-1 * inner (w k) (d k)); [| ring].
      unfold inner; rewrite <- Sum_scal; apply Sum_ext; intros j; rewrite Gr; ring.
    + apply norm_ext; intros j; unfold Rdiv; ring.
    + transitivity (norm (fun j => -1 * (sqrt (P_lim j) *
        exp_descent (margin_at Phi) dz (w k) j))).
      * rewrite norm_scal, Rabs_left by lra; ring.
      * apply norm_ext; intros j; rewrite Gr; unfold Rdiv; rewrite Rinv_inv; ring.
  - intros v Li; exact (procedure_directions P_lim v Ll Lf Pl Pp Li).
Qed.

(* statement: theorem J2 *)
(** Procedure 1, whatever the learning rate: if the loss vanishes, also against the power
    2 l - 2 of the norm, the run goes where Theorem 2 says that the flow goes. *)
Theorem theorem_J2 :
  is_lim_seq (fun k => total_loss (summed exponential) Phi (w k)) 0 ->
  is_lim_seq (fun k =>
    norm (w k) ^ (2 * q + 2) * total_loss (summed exponential) Phi (w k)) 0 ->
  weights_diverge rho ->
  goes_to_KKT_points Phi q (fun j => sqrt (sqrt (delta j / eps j))) w d.
(* end statement *)
Proof.
  intros Ll Lf Inf; destruct (procedure_goes Ll Lf) as (P_lim & _ & _ & Sk & Go).
  rewrite (Sk Inf) in Go; rewrite <- (skew_of_limit run); exact Go.
Qed.

(* statement: theorem J2 any schedule *)
(** Any schedule: the factors converge, and the problem is skewed by their limits. *)
Theorem theorem_J2_any_schedule :
  is_lim_seq (fun k => total_loss (summed exponential) Phi (w k)) 0 ->
  is_lim_seq (fun k =>
    norm (w k) ^ (2 * q + 2) * total_loss (summed exponential) Phi (w k)) 0 ->
  exists P_lim : vec J, (forall j, 0 < P_lim j) /\
    converges (factors delta eps g h) P_lim /\
    goes_to_KKT_points Phi q (fun j => / sqrt (P_lim j)) w d.
(* end statement *)
Proof.
  intros Ll Lf; destruct (procedure_goes Ll Lf) as (P_lim & Pp & Pl & _ & Go).
  now exists P_lim.
Qed.

(* statement: theorem J from the start *)
(** From the conditions of Theorem J3 on the start, nothing is assumed of the run. *)
Theorem theorem_J_from_the_start (c : vec J) (a A : R) :
  let L0 := total_loss (summed exponential) Phi (w 0%nat) in
  (forall k j, 1 - rho k j <= c j) ->
  0 < A -> (forall j, factor_bound eta L0 c delta eps (h 0%nat) j <= A) ->
  0 < a -> (forall j, a <= factor_floor eta L0 c delta eps (g 0%nat) j) ->
  8 / 3 * (1 - / (INR q + 2)) * (A / a) <= - ln L0 ->
  eta * A * L0 * curvature q B1 B2 (norm (w 0%nat)) <= / 2 ->
  weights_diverge rho ->
  goes_to_KKT_points Phi q (fun j => sqrt (sqrt (delta j / eps j))) w d.
(* end statement *)
Proof.
  intros L0 Wt A0 Ab a0 Af Sm Ss Inf.
  destruct (theorem_J3 margins_smooth nonempty run' c a A Wt A0 Ab a0 Af Sm Ss)
    as (_ & _ & _ & _ & Ll & Lf).
  exact (theorem_J2 Ll Lf Inf).
Qed.

End Network.
