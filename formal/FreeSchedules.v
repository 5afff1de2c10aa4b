(** * A free schedule reaches any adapter that rises to 1 slowly

    delta = eps = 1, one weight.  Say what 1 - beta^2 =: mu is to be, and which gradient
    gamma is met.  Then equations (1) and (2) ask for

      (1 - rho) = - mu' / (mu (1 - y)),   g = y / (1 - y),   h = (y - mu) / (1 - y),

    where y solves the linear equation y' = mu' / mu (y - gamma^2 (1 - y)).  If mu falls
    to 0 and |mu'| <= mu / 2, and |gamma| <= 1, this rho is a schedule as Assumption 2
    (i) wants it, and g and h are nonnegative. *)

From Coq Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Calculus.
Open Scope R_scope.

(** ** Primitives of continuous functions, and what they show *)

Definition primitive (f : R -> R) (t : R) : R := RInt f 0 t.

Lemma primitive_0 f : primitive f 0 = 0.
Proof. exact (RInt_point 0 f). Qed.

Lemma primitive_derive f t : (forall s, -1 < s -> continuous f s) -> -1 < t ->
  is_derive (primitive f) t (f t).
Proof.
  intros Cf T; apply (is_derive_RInt f (primitive f) 0 t); [| now apply Cf].
  exists (mkposreal (t + 1) ltac:(lra)); intros s Hs.
  change (Rabs (s - t) < t + 1) in Hs; apply Rabs_def2 in Hs.
  apply (RInt_correct (V := R_CompleteNormedModule)).
  apply (ex_RInt_continuous (V := R_CompleteNormedModule)); intros r Hr; apply Cf.
  revert Hr; unfold Rmin; destruct (Rle_dec 0 s); lra.
Qed.

Lemma derive_continuous (f : R -> R) t d : is_derive f t d -> continuous f t.
Proof.
  intros D; apply (ex_derive_continuous (V := R_NormedModule) f); now exists d.
Qed.

(** A function with a continuous derivative is an arc. *)
Lemma arc_smooth f f' : (forall t, 0 <= t -> is_derive f t (f' t)) ->
  (forall t, 0 <= t -> continuous f' t) -> arc f.
Proof.
  intros D C; apply (arc_comp f f' (fun t => t)); [apply arc_id |]; intros T T0.
  destruct (bounded_continuity (V := R_NormedModule) f' 0 T) as [K HK].
  { intros t Ht; apply C; lra. }
  exists 0, T, K; split; [auto |]; intros t Ht; split; [apply D; lra |].
  left; now apply HK.
Qed.

Lemma nondecreasing f f' : (forall t, 0 <= t -> is_derive f t (f' t)) ->
  (forall t, 0 <= t -> 0 <= f' t) -> forall s t, 0 <= s <= t -> f s <= f t.
Proof.
  intros D P s t St; destruct (MVT_gen f s t f') as (c & Hc & E).
  - intros r; unfold Rmin, Rmax; destruct (Rle_dec s t); [| lra]; intros; apply D; lra.
  - intros r; unfold Rmin, Rmax; destruct (Rle_dec s t); [| lra]; intros Hr.
    apply derivable_continuous_pt, ex_derive_Reals_0; exists (f' r); apply D; lra.
  - revert Hc; unfold Rmin, Rmax; destruct (Rle_dec s t); [| lra]; intros Hc.
    assert (0 <= f' c) by (apply P; lra); nra.
Qed.

(** Puts the derivative of D into what auto_derive leaves. *)
Ltac derivative D := match type of D with is_derive ?f ?t ?d =>
  replace (Derive (fun x : R => f x) t) with d by (symmetry;
    exact (is_derive_unique f t d D))
  end.

Section Schedule.
Context (mu mu' gamma : R -> R).
Hypothesis mu_derive : forall t, -1 < t -> is_derive mu t (mu' t).
Hypothesis mu'_continuous : forall t, -1 < t -> continuous mu' t.
Hypothesis gamma_continuous : forall t, -1 < t -> continuous gamma t.
Hypothesis mu_positive : forall t, -1 < t -> 0 < mu t.
Hypothesis mu_start : mu 0 <= / 2.
Hypothesis mu_falls : forall t, 0 <= t -> - (mu t / 2) <= mu' t <= 0.
Hypothesis mu_lim : is_lim mu p_infty 0.
Hypothesis gamma_small : forall t, 0 <= t -> gamma t ^ 2 <= 1.

(** The logarithmic derivative of mu, the integrating factor's logarithm, and y. *)
Definition log_slope (t : R) : R := mu' t / mu t.
Definition factor_log : R -> R :=
  primitive (fun t => log_slope t * (1 + gamma t ^ 2)).
Definition source : R -> R :=
  primitive (fun t => - log_slope t * gamma t ^ 2 * exp (- factor_log t)).
Definition shade (t : R) : R := exp (factor_log t) * (mu 0 + source t).

Definition scheduled_g (t : R) : R := shade t / (1 - shade t).
Definition scheduled_h (t : R) : R := (shade t - mu t) / (1 - shade t).
(** 1 - rho. *)
Definition forgetting (t : R) : R := - log_slope t / (1 - shade t).

Lemma mu_continuous t : -1 < t -> continuous mu t.
Proof. intros T; exact (derive_continuous _ _ _ (mu_derive t T)). Qed.

Lemma log_slope_continuous t : -1 < t -> continuous log_slope t.
Proof.
  intros T; apply (continuous_mult mu' (fun t => / mu t)); [now apply mu'_continuous |].
  apply continuous_Rinv_comp; [now apply mu_continuous |].
  generalize (mu_positive t T); lra.
Qed.

Lemma gamma_2_continuous t : -1 < t -> continuous (fun t => gamma t ^ 2) t.
Proof.
  intros T; apply (continuous_comp gamma (fun z => z ^ 2));
    [now apply gamma_continuous |].
  apply (ex_derive_continuous (V := R_NormedModule)); auto_derive; auto.
Qed.

Lemma factor_log_derive t : -1 < t ->
  is_derive factor_log t (log_slope t * (1 + gamma t ^ 2)).
Proof.
  apply (primitive_derive (fun t => log_slope t * (1 + gamma t ^ 2))); intros s S.
  apply (continuous_mult log_slope (fun t => 1 + gamma t ^ 2));
    [now apply log_slope_continuous |].
  apply (continuous_plus (V := R_NormedModule) (fun _ => 1) (fun t => gamma t ^ 2));
    [apply continuous_const | now apply gamma_2_continuous].
Qed.

Lemma source_derive t : -1 < t ->
  is_derive source t (- log_slope t * gamma t ^ 2 * exp (- factor_log t)).
Proof.
  apply (primitive_derive (fun t => - log_slope t * gamma t ^ 2 * exp (- factor_log
    t)));
    intros s S.
  apply (continuous_mult (fun t => - log_slope t * gamma t ^ 2)
    (fun t => exp (- factor_log t))).
  - apply (continuous_mult (fun t => - log_slope t) (fun t => gamma t ^ 2));
      [| now apply gamma_2_continuous].
    apply (continuous_opp (V := R_NormedModule)); now apply log_slope_continuous.
  - apply (continuous_comp (fun t => - factor_log t) exp).
    + apply (continuous_opp (V := R_NormedModule)).
      exact (derive_continuous _ _ _ (factor_log_derive s S)).
    + exact (derive_continuous _ _ _ (is_derive_exp _)).
Qed.

Lemma shade_derive t : -1 < t ->
  is_derive shade t (log_slope t * (shade t - gamma t ^ 2 * (1 - shade t))).
Proof.
  intros T; assert (DA := factor_log_derive t T); assert (DS := source_derive t T).
  unfold shade; evar_last.
  - apply (is_derive_mult (fun t => exp (factor_log t)) (fun t => mu 0 + source t));
      [| | intros; apply Rmult_comm].
    + apply (is_derive_comp exp factor_log); [apply is_derive_exp | exact DA].
    + apply (is_derive_plus (V := R_NormedModule) (fun _ => mu 0) source);
        [apply (is_derive_const (V := R_NormedModule)) | exact DS].
  - unfold plus, mult, scal, zero; simpl; unfold mult; simpl.
    rewrite exp_Ropp; field; apply Rgt_not_eq, exp_pos.
Qed.

Lemma shade_0 : shade 0 = mu 0.
Proof.
  unfold shade, source, factor_log; rewrite !primitive_0, exp_0; ring.
Qed.

Lemma log_slope_range t : 0 <= t -> - / 2 <= log_slope t <= 0.
Proof.
  intros T; assert (P := mu_positive t ltac:(lra)); assert (F := mu_falls t T).
  unfold log_slope; split; apply Rmult_le_reg_r with (mu t); auto;
    unfold Rdiv; rewrite ?Rmult_assoc, ?Rinv_l by lra; lra.
Qed.

(** y stays below 1/2 ... *)
Lemma shade_le t : 0 <= t -> shade t <= / 2.
Proof.
  intros T.
  set (N s := exp (- factor_log s) * / 2 + -1 * (mu 0 + source s)).
  assert (Up : N 0 <= N t).
  { apply (nondecreasing N
      (fun s => exp (- factor_log s) * (log_slope s * (gamma s ^ 2 - 1) / 2)));
        [| | lra].
    - intros s S; assert (DA := factor_log_derive s ltac:(lra)).
      assert (DS := source_derive s ltac:(lra)).
      unfold N; auto_derive; [repeat split; eexists; eassumption |].
      derivative DA; derivative DS; field.
    - intros s S; apply Rmult_le_pos; [left; apply exp_pos |].
      assert (B := log_slope_range s S); assert (G := gamma_small s S).
      assert (0 <= - log_slope s * (1 - gamma s ^ 2)) by (apply Rmult_le_pos; lra);
        lra. }
  assert (N0 : N 0 = / 2 - mu 0).
  { unfold N, source, factor_log; rewrite !primitive_0, Ropp_0, exp_0; ring. }
  assert (E : shade t = / 2 - exp (factor_log t) * N t).
  { unfold shade, N; rewrite exp_Ropp; field; apply Rgt_not_eq, exp_pos. }
  assert (0 <= exp (factor_log t) * N t); [| lra].
  apply Rmult_le_pos; [left; apply exp_pos | lra].
Qed.

(** ... and above mu. *)
Lemma shade_ge t : 0 <= t -> mu t <= shade t.
Proof.
  intros T; assert (P := mu_positive t ltac:(lra)).
  assert (Up : shade 0 / mu 0 <= shade t / mu t).
  { apply (nondecreasing (fun s => shade s / mu s)
      (fun s => - log_slope s * (gamma s ^ 2 * (1 - shade s)) / mu s)); [| | lra].
    - intros s S; assert (Pm := mu_positive s ltac:(lra)).
      assert (DM := mu_derive s ltac:(lra)); assert (DY := shade_derive s ltac:(lra)).
      auto_derive; [repeat split; try (eexists; eassumption); lra |].
      derivative DM; derivative DY.
      unfold log_slope; field; lra.
    - intros s S; assert (Pm := mu_positive s ltac:(lra)).
      assert (B := log_slope_range s S); assert (Y := shade_le s S).
      apply Rdiv_le_0_compat; auto; apply Rmult_le_pos; [lra |].
      apply Rmult_le_pos; [apply pow2_ge_0 | lra]. }
  rewrite shade_0 in Up; assert (P0 := mu_positive 0 ltac:(lra)).
  replace (mu 0 / mu 0) with 1 in Up by (field; lra).
  apply Rmult_le_reg_r with (/ mu t); [now apply Rinv_0_lt_compat |].
  rewrite Rinv_r by lra; exact Up.
Qed.

Lemma shade_range t : 0 <= t -> 0 < shade t <= / 2.
Proof.
  intros T; generalize (shade_ge t T) (shade_le t T) (mu_positive t ltac:(lra)); lra.
Qed.

Lemma scheduled_g_nonneg t : 0 <= t -> 0 <= scheduled_g t.
Proof. intros T; assert (Y := shade_range t T); apply Rdiv_le_0_compat; lra. Qed.

Lemma scheduled_h_nonneg t : 0 <= t -> 0 <= scheduled_h t.
Proof.
  intros T; assert (Y := shade_range t T); assert (M := shade_ge t T).
  apply Rdiv_le_0_compat; lra.
Qed.

Lemma forgetting_range t : 0 <= t -> 0 <= forgetting t <= 1.
Proof.
  intros T; assert (Y := shade_range t T); assert (B := log_slope_range t T).
  unfold forgetting; split; [apply Rdiv_le_0_compat; lra |].
  apply Rmult_le_reg_r with (1 - shade t); [lra |].
  unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra.
Qed.

(** The adapter is the one that was asked for. *)
Lemma scheduled_adapter t : 0 <= t ->
  (1 + scheduled_h t) / (1 + scheduled_g t) = 1 - mu t.
Proof.
  intros T; assert (Y := shade_range t T); unfold scheduled_h, scheduled_g; field; lra.
Qed.

(** Equation (1). *)
Lemma scheduled_g_derive t : 0 <= t ->
  is_derive scheduled_g t (forgetting t * (gamma t ^ 2 - scheduled_g t)).
Proof.
  intros T; assert (Y := shade_range t T); assert (DY := shade_derive t ltac:(lra)).
  unfold scheduled_g at 1; auto_derive; [repeat split; try (eexists; eassumption);
    lra |].
  derivative DY; unfold forgetting, scheduled_g; field; lra.
Qed.

(** Equation (2), for a weight that moves with the adapter,
    (w')^2 = (1 - mu) gamma^2. *)
Lemma scheduled_h_derive t : 0 <= t -> is_derive scheduled_h t
  (forgetting t * ((1 - mu t) * gamma t ^ 2 - scheduled_h t)).
Proof.
  intros T; assert (Y := shade_range t T); assert (DY := shade_derive t ltac:(lra)).
  assert (DM := mu_derive t ltac:(lra)); assert (Pm := mu_positive t ltac:(lra)).
  unfold scheduled_h at 1; auto_derive; [repeat split; try (eexists; eassumption);
    lra |].
  derivative DY; derivative DM.
  unfold forgetting, scheduled_h, log_slope; field; lra.
Qed.

Lemma shade_continuous t : -1 < t -> continuous shade t.
Proof. intros T; exact (derive_continuous _ _ _ (shade_derive t T)). Qed.

Lemma forgetting_continuous t : 0 <= t -> continuous forgetting t.
Proof.
  intros T; assert (Y := shade_range t T).
  apply (continuous_mult (fun t => - log_slope t) (fun t => / (1 - shade t))).
  - apply (continuous_opp (V := R_NormedModule)); apply log_slope_continuous; lra.
  - apply continuous_Rinv_comp; [| lra].
    apply (continuous_minus (V := R_NormedModule) (fun _ => 1) shade);
      [apply continuous_const | apply shade_continuous; lra].
Qed.

Lemma arc_scheduled_g : arc scheduled_g.
Proof.
  apply arc_smooth with (fun t => forgetting t * (gamma t ^ 2 - scheduled_g t));
    [apply scheduled_g_derive |]; intros t T.
  apply (continuous_mult forgetting (fun t => gamma t ^ 2 - scheduled_g t));
    [now apply forgetting_continuous |].
  apply (continuous_minus (V := R_NormedModule) (fun t => gamma t ^ 2) scheduled_g);
    [apply gamma_2_continuous; lra |].
  exact (derive_continuous _ _ _ (scheduled_g_derive t T)).
Qed.

Lemma arc_scheduled_h : arc scheduled_h.
Proof.
  apply arc_smooth with
    (fun t => forgetting t * ((1 - mu t) * gamma t ^ 2 - scheduled_h t));
    [apply scheduled_h_derive |]; intros t T.
  apply (continuous_mult forgetting
    (fun t => (1 - mu t) * gamma t ^ 2 - scheduled_h t));
      [now apply forgetting_continuous |].
  apply (continuous_minus (V := R_NormedModule)
    (fun t => (1 - mu t) * gamma t ^ 2) scheduled_h).
  - apply (continuous_mult (fun t => 1 - mu t) (fun t => gamma t ^ 2));
      [| apply gamma_2_continuous; lra].
    apply (continuous_minus (V := R_NormedModule) (fun _ => 1) mu);
      [apply continuous_const | apply mu_continuous; lra].
  - exact (derive_continuous _ _ _ (scheduled_h_derive t T)).
Qed.

(** Assumption 2 (i): the primitive of 1 - rho is ln (1 - y) less the factor's
    logarithm, and grows at least like - ln mu. *)
Definition forgotten (t : R) : R :=
  ln ((1 - shade t) / (1 - shade 0)) + -1 * factor_log t.

Lemma forgotten_derive t : 0 <= t -> is_derive forgotten t (forgetting t).
Proof.
  intros T; assert (Y := shade_range t T); assert (Y0 := shade_range 0 ltac:(lra)).
  assert (DY := shade_derive t ltac:(lra));
    assert (DA := factor_log_derive t ltac:(lra)).
  unfold forgotten; auto_derive.
  - repeat split; try (eexists; eassumption).
    apply Rdiv_lt_0_compat; lra.
  - derivative DY; derivative DA.
    unfold forgetting; field; lra.
Qed.

Lemma forgetting_integral : integral forgetting forgotten.
Proof.
  split; [| split].
  - apply arc_smooth with forgetting; [apply forgotten_derive | apply
    forgetting_continuous].
  - assert (Y0 := shade_range 0 ltac:(lra)); unfold forgotten, factor_log.
    rewrite primitive_0; replace ((1 - shade 0) / (1 - shade 0)) with 1 by (field; lra).
    rewrite ln_1; ring.
  - apply everywhere; intros t T; apply forgotten_derive; lra.
Qed.

Lemma forgotten_lim : is_lim forgotten p_infty p_infty.
Proof.
  assert (P0 := mu_positive 0 ltac:(lra)).
  assert (Lower : forall t, 0 <= t -> - ln 2 + ln (mu 0) - ln (mu t) <= forgotten t).
  { intros t T; assert (P := mu_positive t ltac:(lra)).
    assert (Y := shade_range t T); assert (Y0 := shade_range 0 ltac:(lra)).
    assert (Up : -1 * factor_log 0 + ln (mu 0) <= -1 * factor_log t + ln (mu t)).
    { apply (nondecreasing (fun s => -1 * factor_log s + ln (mu s))
        (fun s => - log_slope s * gamma s ^ 2)); [| | lra].
      - intros s S; assert (Pm := mu_positive s ltac:(lra)).
        assert (DM := mu_derive s ltac:(lra)).
        assert (DA := factor_log_derive s ltac:(lra)).
        auto_derive; [repeat split; try (eexists; eassumption); lra |].
        derivative DM; derivative DA.
        unfold log_slope; field; lra.
      - intros s S; assert (B := log_slope_range s S).
        apply Rmult_le_pos; [lra | apply pow2_ge_0]. }
    unfold factor_log at 1 in Up; rewrite primitive_0 in Up.
    assert (- ln 2 <= ln ((1 - shade t) / (1 - shade 0))); [| unfold forgotten; lra].
    rewrite <- ln_Rinv by lra; apply ln_le; [lra |].
    apply Rmult_le_reg_r with (1 - shade 0); [lra |].
    unfold Rdiv; rewrite Rmult_assoc, Rinv_l by lra; lra. }
  apply is_lim_spec; intros M.
  assert (Lm := mu_lim); apply is_lim_spec in Lm.
  destruct (Lm (mkposreal _ (exp_pos (- ln 2 + ln (mu 0) - M)))) as [T HT]; simpl in HT.
  exists (Rmax T 0); intros t Ht.
  assert (Tt : T < t /\ 0 < t) by (generalize (Rmax_l T 0) (Rmax_r T 0); lra).
  specialize (HT t (proj1 Tt)); assert (P := mu_positive t ltac:(lra)).
  rewrite Rminus_0_r, Rabs_pos_eq in HT by lra.
  apply ln_increasing in HT; auto; rewrite ln_exp in HT.
  specialize (Lower t ltac:(lra)); lra.
Qed.
End Schedule.
