(** * A step size for which nothing has to be assumed of the run

    Under an explicit condition on the learning rate every step of Procedure 1 lowers
    the loss, the squares of the gradients are summable, and the factors have finite
    logarithmic variation.  On separable data the loss is then of the order of 1 / k. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export DiscreteAdaDelta.
Open Scope R_scope.

Set Implicit Arguments.

(* statement: step size *)
(** A bound of the factors, from the loss L0 at the start and c >= 1 - rho. *)
Definition factor_bound {J} (eta L0 : R) (c delta eps h0 : vec J) : vec J := fun j =>
  let b := c j * L0 / (eta * delta j) in
  b + sqrt (b ^ 2 + (eps j + h0 j) / delta j).

(** The condition: eta A R^2 times the loss at the start is at most 1. *)
Record small_step {J D} `{FiniteType J} `{FiniteType D} (a : D -> vec J)
    (f : vec J -> R) (eta : R) (delta eps : vec J) (rho w h : nat -> vec J)
    (c : vec J) (A R0 : R) : Prop := {
  weights_below : forall k j, 1 - rho k j <= c j;
  A_nonneg : 0 <= A;
  A_above : forall j, factor_bound eta (f (w 0%nat)) c delta eps (h 0%nat) j <= A;
  R_nonneg : 0 <= R0;
  R_above : forall i, norm (a i) <= R0;
  step_below : eta * A * R0 ^ 2 * f (w 0%nat) <= 1
}.
(* end statement *)

Unset Implicit Arguments.

(** ** The bound of the factors, and their variation, whatever the loss *)

Section Averages.
Context {J : Type} `{FiniteType J} {f : vec J -> R}.
Context {eta : R} {delta eps : vec J} {rho w d g h : nat -> vec J}.
Hypothesis run : procedure_1 f eta delta eps rho w d g h.
Notation P := (factors delta eps g h).

Lemma gain_terms_nonneg k j : 0 <= P k j * d k j ^ 2.
Proof. apply Rmult_le_pos; [left; apply (run_factor_pos run) | apply pow2_ge_0]. Qed.

(** What component j has contributed to the decrease of the loss before step k. *)
Definition spent (k : nat) (j : J) : R := first_terms (fun k => P k j * d k j ^ 2) k.

Lemma spent_nonneg k j : 0 <= spent k j.
Proof. apply first_terms_nonneg; intros; apply gain_terms_nonneg. Qed.

Section Bound.
Variables (L0 : R) (c : vec J).
Hypothesis L0_nonneg : 0 <= L0.
Hypothesis weights_at_most : forall k j, 1 - rho k j <= c j.
Notation bound := (factor_bound eta L0 c delta eps (h 0%nat)).

Lemma weights_nonneg j : 0 <= c j.
Proof.
  assert (B := weights_at_most 0 j); destruct (rho_in_range run 0%nat j); lra.
Qed.

(** The bound is the positive root of x^2 = (eps + h0) / delta + 2 b x. *)
Lemma bound_root j : 0 <= bound j /\
  bound j ^ 2 * delta j = eps j + h 0%nat j + c j * bound j * (2 / eta * L0).
Proof.
  assert (Dj := delta_positive run j).
  assert (Ej := eps_positive run j); assert (Ep := rate_positive run).
  assert (Hj := h_initial run j); assert (Cj := weights_nonneg j).
  unfold factor_bound; set (b := c j * L0 / (eta * delta j)).
  set (q := (eps j + h 0%nat j) / delta j).
  assert (B0 : 0 <= b).
  { apply Rmult_le_pos; [now apply Rmult_le_pos |].
    left; apply Rinv_0_lt_compat, Rmult_lt_0_compat; lra. }
  assert (Q0 : 0 <= q)
    by (apply Rmult_le_pos; [lra | left; now apply Rinv_0_lt_compat]).
  assert (Sq : sqrt (b ^ 2 + q) ^ 2 = b ^ 2 + q).
  { rewrite <- Rsqr_pow2; apply Rsqr_sqrt; generalize (pow2_ge_0 b); lra. }
  assert (S0 := sqrt_pos (b ^ 2 + q)); set (r := sqrt (b ^ 2 + q)) in *; split; [lra |].
  transitivity ((q + 2 * b * (b + r)) * delta j).
  - f_equal; transitivity (b ^ 2 + 2 * b * r + r ^ 2); [ring | rewrite Sq; ring].
  - unfold q, b; field; split; lra.
Qed.

(** The average h takes in at most c times the bound times what is spent ... *)
Definition h_kept k j : Prop := h k j <= h 0%nat j + c j * bound j * spent k j.

Lemma h_kept_start j : h_kept 0 j.
Proof. unfold h_kept, spent; simpl; lra. Qed.

(** ... as long as the factor is below the bound; *)
Lemma h_kept_next k j : h_kept k j -> P k j <= bound j -> h_kept (S k) j.
Proof.
  unfold h_kept; intros Hk PB; rewrite (run_h run j k).
  destruct (rho_in_range run k j) as [r0 r1].
  assert (Cb := weights_at_most k j).
  destruct (bound_root j) as [B0 _]; assert (Y0 := gain_terms_nonneg k j).
  change (spent (S k) j) with (spent k j + P k j * d k j ^ 2).
  set (Y := P k j * d k j ^ 2) in *.
  replace ((P k j * d k j) ^ 2) with (P k j * Y) by (unfold Y; ring).
  assert (T1 : (1 - rho k j) * (P k j * Y) <= c j * (bound j * Y)).
  { apply Rmult_le_compat; try lra; [| now apply Rmult_le_compat_r].
    apply Rmult_le_pos; auto; left; apply (run_factor_pos run). }
  assert (T2 : rho k j * h k j <= h k j).
  { rewrite <- (Rmult_1_l (h k j)) at 2; apply Rmult_le_compat_r; auto.
    apply (run_h_nonneg run). }
  lra.
Qed.

(** and it is, as long as no more is spent than the loss at the start allows. *)
Lemma factor_below k j : h_kept k j -> spent k j <= 2 / eta * L0 -> P k j <= bound j.
Proof.
  intros Hk One; destruct (bound_root j) as [B0 Root].
  assert (Dj := delta_positive run j); assert (Pp := run_factor_pos run k j).
  assert (Sq : P k j ^ 2 * delta j <= eps j + h k j).
  { apply Rmult_le_reg_r with (/ delta j); [now apply Rinv_0_lt_compat |].
    rewrite Rmult_assoc, Rinv_r, Rmult_1_r by lra.
    apply (factor_sqr_le (delta j) (eps j) (fun k => rho k j) (fun k => d k j)
      (fun k => g k j) (fun k => h k j)); intros; apply run. }
  unfold h_kept in Hk.
  assert (c j * bound j * spent k j <= c j * bound j * (2 / eta * L0)).
  { apply Rmult_le_compat_l; auto; apply Rmult_le_pos; auto; apply weights_nonneg. }
  apply Rnot_lt_le; intros N; assert (bound j ^ 2 < P k j ^ 2) by nra; nra.
Qed.

End Bound.

Section Variation.
Variable A : R.
Hypothesis component_summable : forall j, ex_series (fun k => d k j ^ 2).
Hypothesis factor_at_most : forall k j, P k j <= A.

Lemma adapted_summable j : ex_series (fun k => (P k j * d k j) ^ 2).
Proof.
  apply (summable_le _ (fun k => A ^ 2 * d k j ^ 2));
    [| apply summable_scal, component_summable].
  intros k; split; [apply pow2_ge_0 |]; rewrite Rpow_mult_distr.
  apply Rmult_le_compat_r; [apply pow2_ge_0 |].
  apply pow_incr; split; [left; apply (run_factor_pos run) | apply factor_at_most].
Qed.

(** An average of summable terms: what it forgets is summable, and so are its moves. *)
Lemma forgotten_summable (r u v : nat -> R) : (forall k, 0 <= r k <= 1) ->
  (forall k, 0 <= u k) -> (forall k, 0 <= v k) ->
  (forall k, u (S k) = r k * u k + (1 - r k) * v k) -> ex_series v ->
  ex_series (fun k => (1 - r k) * u k) /\ ex_series (fun k => Rabs (u (S k) - u k)).
Proof.
  intros Ru U V Next Sv.
  assert (Take : forall k, 0 <= (1 - r k) * v k <= v k).
  { intros k; specialize (Ru k); specialize (V k); split; [apply Rmult_le_pos; lra |].
    rewrite <- (Rmult_1_l (v k)) at 2; apply Rmult_le_compat_r; lra. }
  assert (Give : forall k, 0 <= (1 - r k) * u k)
    by (intros k; specialize (Ru k); apply Rmult_le_pos; auto; lra).
  assert (St : ex_series (fun k => (1 - r k) * v k)) by now apply (summable_le _ v).
  assert (Sg : ex_series (fun k => (1 - r k) * u k)).
  { apply (summable_stock u _ (fun k => (1 - r k) * v k)); auto.
    - intros k; apply Take.
    - intros k; rewrite Next; lra. }
  split; auto; apply (summable_le _ (fun k => (1 - r k) * u k + (1 - r k) * v k));
    [| now apply summable_plus].
  intros k; split; [apply Rabs_pos |]; specialize (Give k); destruct (Take k).
  rewrite Next; apply Rabs_le; lra.
Qed.

Lemma h_forgotten j : ex_series (fun k => (1 - rho k j) * h k j) /\
  ex_series (fun k => Rabs (h (S k) j - h k j)).
Proof.
  apply (forgotten_summable (fun k => rho k j) (fun k => h k j)
    (fun k => (P k j * d k j) ^ 2)).
  - intros k; apply run.
  - intros k; apply (run_h_nonneg run).
  - intros k; apply pow2_ge_0.
  - intros k; apply (run_h run).
  - apply adapted_summable.
Qed.

Lemma g_forgotten j : ex_series (fun k => (1 - rho k j) * g k j) /\
  ex_series (fun k => Rabs (g (S k) j - g k j)).
Proof.
  apply (forgotten_summable (fun k => rho k j) (fun k => g k j) (fun k => d k j ^ 2)).
  - intros k; apply run.
  - intros k; apply (run_g_nonneg run).
  - intros k; apply pow2_ge_0.
  - intros k; apply (run_g run).
  - apply component_summable.
Qed.

Lemma log_lipschitz m x z : 0 < m -> m <= x -> m <= z ->
  Rabs (ln z - ln x) <= / m * Rabs (z - x).
Proof.
  intros m0; assert (Up : forall x z, m <= x -> m <= z ->
    ln z - ln x <= / m * Rabs (z - x)).
  { intros p q Mp Mq; assert (E := exp_ineq1_le (ln q - ln p)).
    unfold Rminus in E; rewrite exp_plus, exp_Ropp, !exp_ln in E by lra.
    apply Rle_trans with ((q - p) * / p).
    - replace ((q - p) * / p) with (q * / p - 1) by (field; lra); lra.
    - rewrite (Rmult_comm (/ m)); apply Rle_trans with (Rabs (q - p) * / p).
      + apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; lra | apply Rle_abs].
      + apply Rmult_le_compat_l; [apply Rabs_pos | apply Rinv_le_contravar; lra]. }
  intros Mx Mz; apply Rabs_le; split; [| now apply Up].
  assert (B := Up z x Mz Mx); rewrite Rabs_minus_sym in B; lra.
Qed.

Lemma log_factor k j : 2 * ln (P k j) = ln (eps j + h k j) - ln (delta j + g (S k) j).
Proof.
  assert (De := delta_positive run j).
  assert (Ep := eps_positive run j).
  assert (Gk := run_g_nonneg run (S k) j); assert (Hk := run_h_nonneg run k j).
  assert (Q : 0 < (eps j + h k j) / (delta j + g (S k) j))
    by (apply Rdiv_lt_0_compat; lra).
  rewrite <- ln_div by lra; rewrite <- (sqrt_sqrt _ (Rlt_le _ _ Q)).
  rewrite ln_mult by now apply sqrt_lt_R0.
  unfold factors, factor; ring.
Qed.

Lemma factor_variation j : ex_series (fun k =>
  Rabs (ln (factors delta eps g h (S k) j) - ln (factors delta eps g h k j))).
Proof.
  assert (De := delta_positive run j).
  assert (Ep := eps_positive run j).
  apply (summable_le _ (fun k => / eps j * Rabs (h (S k) j - h k j) +
    / delta j * Rabs (g (S (S k)) j - g (S k) j))).
  - intros k; split; [apply Rabs_pos |].
    assert (G1 := run_g_nonneg run (S k) j);
      assert (G2 := run_g_nonneg run (S (S k)) j).
    assert (Hk := run_h_nonneg run k j); assert (Hk' := run_h_nonneg run (S k) j).
    assert (X := log_lipschitz (eps j) (eps j + h k j) (eps j + h (S k) j) Ep
      ltac:(lra) ltac:(lra)).
    assert (Y := log_lipschitz (delta j) (delta j + g (S k) j)
      (delta j + g (S (S k)) j) De
      ltac:(lra) ltac:(lra)).
    replace (eps j + h (S k) j - (eps j + h k j)) with (h (S k) j - h k j) in X by ring.
    replace (delta j + g (S (S k)) j - (delta j + g (S k) j)) with
      (g (S (S k)) j - g (S k) j) in Y by ring.
    assert (E1 := log_factor (S k) j); assert (E2 := log_factor k j).
    apply Rabs_le_between in X; apply Rabs_le_between in Y; apply Rabs_le; lra.
  - apply summable_plus; apply summable_scal; [apply h_forgotten |].
    apply (summable_next (fun k => Rabs (g (S k) j - g k j))), g_forgotten.
Qed.

End Variation.

End Averages.
Arguments spent {J} delta eps d g h k j.

Section Descent.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Context {a : D -> vec J} {f : vec J -> R} {pull : vec J -> D -> R}.
Context {eta : R} {delta eps : vec J} {rho w d g h : nat -> vec J}.
Context {c : vec J} {A R0 : R}.
Hypothesis loss_facts : margin_loss a f pull.
Hypothesis run : procedure_1 f eta delta eps rho w d g h.
Hypothesis small : small_step a f eta delta eps rho w h c A R0.
Notation P := (factors delta eps g h).
Notation L k := (f (w k)).
Notation bound := (factor_bound eta (f (w 0%nat)) c delta eps (h 0%nat)).

(** The decrease of the loss in step k, to first order and but for eta. *)
Definition gain (k : nat) : R := Sum (fun j => P k j * d k j ^ 2).

Lemma rate_pos : 0 < eta.
Proof. apply run. Qed.

Lemma loss_at_pos k : 0 < L k.
Proof. apply loss_facts. Qed.

Lemma factor_at_pos k j : 0 < P k j.
Proof. exact (run_factor_pos run k j). Qed.

Lemma gain_nonneg k : 0 <= gain k.
Proof. apply Sum_nonneg, (gain_terms_nonneg run). Qed.

(** ** One step *)

Let dw k : vec J := fun j => - eta * (P k j * d k j).

Lemma next_point k : w (S k) = (fun j => w k j + dw k j).
Proof.
  apply functional_extensionality; intros j; rewrite (run_w run k j); unfold dw; ring.
Qed.

Lemma gain_inner k : inner (dw k) (descent a pull (w k)) = eta * gain k.
Proof.
  unfold gain, inner; rewrite <- Sum_scal; apply Sum_ext; intros j.
  rewrite (run_descent loss_facts run k j); unfold dw; ring.
Qed.

Lemma descent_norm k : norm (descent a pull (w k)) = norm (d k).
Proof.
  transitivity (norm (fun j => -1 * d k j)).
  - apply norm_ext; intros j; rewrite (run_descent loss_facts run k j); ring.
  - rewrite norm_scal, Rabs_left by lra; ring.
Qed.

Lemma gradient_norm k : norm (d k) <= L k * R0.
Proof.
  apply Rle_trans with (2 := descent_le loss_facts R0 (R_nonneg small)
    (R_above small) (w k)).
  rewrite descent_norm; lra.
Qed.

Lemma step_length_sqr k : (forall j, P k j <= A) -> norm (dw k) ^ 2 <=
  eta * A * (eta * gain k).
Proof.
  intros PA; rewrite norm_sqr; unfold gain.
  replace (eta * A * (eta * Sum (fun j => P k j * d k j ^ 2))) with
    (eta * A * eta * Sum (fun j => P k j * d k j ^ 2)) by ring.
  rewrite <- Sum_scal; apply Sum_le; intros j; unfold dw; assert (Ep := rate_pos).
  replace ((- eta * (P k j * d k j)) ^ 2) with
    (eta * eta * (P k j * d k j ^ 2) * P k j) by ring.
  replace (eta * A * eta * (P k j * d k j ^ 2)) with
    (eta * eta * (P k j * d k j ^ 2) * A) by ring.
  apply Rmult_le_compat_l; auto; apply Rmult_le_pos; [nra | apply (gain_terms_nonneg run)].
Qed.

Lemma step_length_le k : (forall j, P k j <= A) -> norm (dw k) <= eta * A * norm (d k).
Proof.
  intros PA; assert (Ep := rate_pos); assert (A0 := A_nonneg small).
  apply norm_le_scaled; [apply Rmult_le_pos; lra |]; intros j; unfold dw.
  assert (Pp := factor_at_pos k j).
  rewrite !Rabs_mult, Rabs_left, (Rabs_pos_eq (P k j)) by lra.
  rewrite Ropp_involutive, Rmult_assoc; apply Rmult_le_compat_l; [lra |].
  apply Rmult_le_compat_r; [apply Rabs_pos | apply PA].
Qed.

(** A step with factors below A, from a point with at most the loss of the start. *)
Lemma one_descent k : (forall j, P k j <= A) -> L k <= L 0 ->
  L (S k) <= L k - eta / 2 * gain k.
Proof.
  intros PA Le; assert (Ep := rate_pos); assert (Lp := loss_at_pos k).
  destruct small as [_ A0 _ R0p Rb Below].
  assert (EA : 0 <= eta * A * R0 ^ 2)
    by (apply Rmult_le_pos; [apply Rmult_le_pos; lra | apply pow2_ge_0]).
  assert (Now : eta * A * R0 ^ 2 * L k <= 1).
  { apply Rle_trans with (2 := Below); now apply Rmult_le_compat_l. }
  assert (Small : norm (dw k) * R0 <= 1).
  { apply Rle_trans with (eta * A * (L k * R0) * R0); [| lra].
    apply Rmult_le_compat_r; auto; apply Rle_trans with (1 := step_length_le k PA).
    apply Rmult_le_compat_l; [apply Rmult_le_pos; lra | apply gradient_norm]. }
  assert (St := loss_after_step loss_facts R0 R0p Rb (w k) (dw k) Small).
  rewrite <- next_point, gain_inner in St; set (K := (norm (dw k) * R0) ^ 2) in *.
  assert (K2 : 0 <= K) by apply pow2_ge_0; assert (G := gain_nonneg k).
  assert (Q : L k * K <= eta * gain k).
  { unfold K; rewrite Rpow_mult_distr.
    apply Rle_trans with (L k * (eta * A * (eta * gain k) * R0 ^ 2)).
    - apply Rmult_le_compat_l; [lra |]; apply Rmult_le_compat_r; [apply pow2_ge_0 |].
      now apply step_length_sqr.
    - replace (L k * (eta * A * (eta * gain k) * R0 ^ 2)) with
        (eta * A * R0 ^ 2 * L k * (eta * gain k)) by ring.
      rewrite <- (Rmult_1_l (eta * gain k)) at 2.
      apply Rmult_le_compat_r; auto; apply Rmult_le_pos; lra. }
  assert (L k * K * (1 + K / 3) <= eta * gain k * (1 + K / 3))
    by (apply Rmult_le_compat_r; lra).
  lra.
Qed.

(** ** The invariant *)

Notation paid k := (spent delta eps d g h k).

Definition invariant k : Prop :=
  Sum (paid k) <= 2 / eta * (L 0 - L k) /\
  forall j, h_kept (f (w 0%nat)) c k j (eta := eta) (delta := delta) (eps := eps)
    (d := d) (g := g) (h := h).

Lemma invariant_descends k : invariant k ->
  (forall j, P k j <= bound j) /\ L k <= L 0 /\ L (S k) <= L k - eta / 2 * gain k.
Proof.
  intros [Spent Hk]; assert (Ep := rate_pos); assert (L0 := loss_at_pos 0).
  assert (S0 : 0 <= Sum (paid k)) by (apply Sum_nonneg, (spent_nonneg run)).
  assert (E2 : 0 < 2 / eta) by (apply Rdiv_lt_0_compat; lra).
  assert (PB : forall j, P k j <= bound j).
  { intros j; apply (factor_below run); auto; [lra | apply (weights_below small) |].
    apply Rle_trans with (Sum (paid k)).
    - apply (Sum_ge_term (paid k)); intros; apply (spent_nonneg run).
    - apply Rle_trans with (1 := Spent); apply Rmult_le_compat_l; [lra |].
      generalize (loss_at_pos k); lra. }
  assert (Le : L k <= L 0) by (apply Rmult_le_reg_l with (2 / eta); lra).
  split; [exact PB |]; split; [exact Le |]; apply one_descent; auto; intros j.
  apply Rle_trans with (1 := PB j), (A_above small).
Qed.

Lemma invariant_holds k : invariant k.
Proof.
  induction k as [| k IH].
  - split; [| intros; apply h_kept_start].
    rewrite Rminus_eq_0, Rmult_0_r; right.
    transitivity (Sum (fun _ : J => 0 * 0)); [| rewrite Sum_scal; ring].
    apply Sum_ext; intros; unfold spent; simpl; ring.
  - destruct (invariant_descends k IH) as (PB & _ & De); destruct IH as [Spent Hk].
    assert (Ep := rate_pos); assert (L0 := loss_at_pos 0); split.
    + replace (Sum (paid (S k))) with (Sum (paid k) + gain k)
        by (unfold gain; rewrite <- Sum_plus; reflexivity).
      assert (gain k <= 2 / eta * (L k - L (S k))).
      { replace (gain k) with (2 / eta * (eta / 2 * gain k)) by (field; lra).
        apply Rmult_le_compat_l; [left; apply Rdiv_lt_0_compat; lra | lra]. }
      lra.
    + intros j; apply (h_kept_next run); auto; [lra | apply (weights_below small)].
Qed.

(* statement: step size descent *)
(** The factors stay below their bound, and every step lowers the loss. *)
Theorem step_size_descent k :
  (forall j, factors delta eps g h k j <=
     factor_bound eta (f (w 0%nat)) c delta eps (h 0%nat) j) /\
  f (w (S k)) <= f (w k) -
    eta / 2 * Sum (fun j => factors delta eps g h k j * d k j ^ 2).
(* end statement *)
Proof. destruct (invariant_descends k (invariant_holds k)) as (PB & _ & De); auto. Qed.

Lemma loss_at_below k : L k <= L 0.
Proof. apply (invariant_descends k (invariant_holds k)). Qed.

Lemma factor_at_below k j : P k j <= A.
Proof.
  apply Rle_trans with (1 := proj1 (step_size_descent k) j).
  apply (A_above small).
Qed.

(** ** What is summable *)

Lemma gain_summable : ex_series gain.
Proof.
  apply (summable _ (2 / eta * L 0)); [apply gain_nonneg |]; intros k.
  assert (Ep := rate_pos).
  replace (first_terms gain k) with (Sum (paid k)).
  - apply Rle_trans with (1 := proj1 (invariant_holds k)); apply Rmult_le_compat_l.
    + left; apply Rdiv_lt_0_compat; lra.
    + generalize (loss_at_pos k); lra.
  - induction k as [| k IH].
    + simpl; transitivity (Sum (fun _ : J => 0 * 0)); [| rewrite Sum_scal; ring].
      apply Sum_ext; intros; unfold spent; simpl; ring.
    + simpl; rewrite <- IH; unfold gain; rewrite <- Sum_plus; reflexivity.
Qed.

(** The factors stay above a positive bound because g does not grow without bound. *)
Lemma factor_lower : exists m, 0 < m /\ forall k j, m <= P k j.
Proof.
  set (B := (L 0 * R0) ^ 2); assert (B0 : 0 <= B) by apply pow2_ge_0.
  assert (Rp := R_nonneg small).
  assert (Bd : forall k j, d k j ^ 2 <= B).
  { intros k j; apply pow_maj_Rabs; apply Rle_trans
      with (1 := norm_ge_component (d k) j).
    apply Rle_trans with (1 := gradient_norm k), Rmult_le_compat_r;
      auto; apply loss_at_below. }
  assert (Bg : forall k j, g k j <= g 0%nat j + B).
  { induction k as [| k IH]; intros j; [lra |]; rewrite (run_g run j k).
    destruct (rho_in_range run k j) as [r0 r1].
    assert (Gi := g_initial run j); specialize (Bd k j).
    assert (rho k j * g k j <= rho k j * (g 0%nat j + B))
      by (apply Rmult_le_compat_l; auto).
    assert ((1 - rho k j) * d k j ^ 2 <= (1 - rho k j) * (g 0%nat j + B))
      by (apply Rmult_le_compat_l; lra).
    lra. }
  set (low := fun j => sqrt (eps j / (delta j + (g 0%nat j + B)))).
  assert (De := delta_positive run).
  assert (Ep := eps_positive run).
  assert (Gi := g_initial run).
  destruct (finite_bounds low) as (m & M & m0 & _ & Bm).
  { intros j; specialize (De j); specialize (Ep j); specialize (Gi j).
    apply sqrt_lt_R0, Rdiv_lt_0_compat; lra. }
  exists m; split; auto; intros k j; apply Rle_trans with (low j); [apply Bm |].
  specialize (De j); specialize (Ep j); specialize (Gi j).
  assert (Gk := run_g_nonneg run (S k) j); assert (Hk := run_h_nonneg run k j).
  apply sqrt_le_1_alt; specialize (Bg (S k) j); apply Rmult_le_compat; try lra.
  - left; apply Rinv_0_lt_compat; lra.
  - apply Rinv_le_contravar; lra.
Qed.

Lemma gradient_summable : ex_series (fun k => norm (d k) ^ 2).
Proof.
  destruct factor_lower as (m & m0 & Low).
  apply (summable_le _ (fun k => / m * gain k));
    [| apply summable_scal, gain_summable].
  intros k; split; [apply pow2_ge_0 |]; rewrite norm_sqr.
  unfold gain; rewrite <- Sum_scal; apply Sum_le; intros j; specialize (Low k j).
  apply Rmult_le_reg_l with m; auto; rewrite <- !Rmult_assoc, Rinv_r, Rmult_1_l by lra.
  apply Rmult_le_compat_r; [apply pow2_ge_0 | exact Low].
Qed.

Lemma component_summable j : ex_series (fun k => d k j ^ 2).
Proof.
  apply (summable_le _ (fun k => norm (d k) ^ 2)); [| apply gradient_summable].
  intros k; split; [apply pow2_ge_0 |]; rewrite norm_sqr.
  apply (Sum_ge_term (fun j => d k j ^ 2)); intros; apply pow2_ge_0.
Qed.

(* statement: step size variation *)
(** Whatever the schedule, the squares of the gradients are summable and the factors
    have finite logarithmic variation (the twin of Lemma 9). *)
Theorem step_size_variation j :
  ex_series (fun k => d k j ^ 2) /\
  ex_series (fun k =>
    Rabs (ln (factors delta eps g h (S k) j) - ln (factors delta eps g h k j))).
(* end statement *)
Proof.
  split; [apply component_summable |].
  apply (factor_variation run A component_summable factor_at_below).
Qed.

(** ** The rate of the loss *)

(** The loss falls at most by a multiple of its square (it is convex) ... *)
Lemma drop_at_most k : L k - eta * A * R0 ^ 2 * L k ^ 2 <= L (S k).
Proof.
  rewrite next_point; assert (T := above_tangent loss_facts (w k) (dw k)).
  rewrite <- inner_descent, gain_inner in T; apply Rle_trans with (2 := T).
  assert (Ep := rate_pos); assert (A0 := A_nonneg small).
  assert (G : gain k <= A * norm (d k) ^ 2).
  { rewrite norm_sqr; unfold gain; rewrite <- Sum_scal; apply Sum_le; intros j.
    apply Rmult_le_compat_r; [apply pow2_ge_0 | apply factor_at_below]. }
  assert (N : norm (d k) ^ 2 <= (L k * R0) ^ 2)
    by (apply pow_incr; split; [apply norm_nonneg | apply gradient_norm]).
  assert (eta * gain k <= eta * (A * (L k * R0) ^ 2)).
  { apply Rmult_le_compat_l; [lra |]; apply Rle_trans with (1 := G).
    now apply Rmult_le_compat_l. }
  replace (eta * A * R0 ^ 2 * L k ^ 2) with (eta * (A * (L k * R0) ^ 2)) by ring; lra.
Qed.

Hypothesis separable : exists z, forall i, 0 < inner z (a i).

(** ... and, on separable data, at least by a multiple of its square. *)
Lemma gradient_large : exists C, 0 < C /\ forall k, L k <= C * norm (d k).
Proof.
  destruct separable as [z Sep].
  destruct (finite_bounds (fun i => inner z (a i)) Sep) as (m & M & m0 & _ & Bm).
  assert (Z0 := norm_nonneg z); assert (L0 := loss_at_pos 0).
  exists (/ m * (1 + L 0) * (norm z + 1)); split.
  { assert (0 < / m) by now apply Rinv_0_lt_compat.
    apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat |]; lra. }
  intros k; assert (Lk := loss_at_pos k); assert (Lb := loss_at_below k).
  assert (S := descent_large loss_facts z m (w k) (Rlt_le _ _ m0)
    (fun i => proj1 (Bm i))).
  rewrite descent_norm in S.
  assert (N := norm_nonneg (d k)).
  apply Rmult_le_reg_l with m; auto.
  replace (m * (/ m * (1 + L 0) * (norm z + 1) * norm (d k))) with
    ((1 + L 0) * ((norm z + 1) * norm (d k))) by (field; lra).
  apply Rle_trans with (1 := S).
  apply Rmult_le_compat; [lra | now apply Rmult_le_pos | lra |].
  apply Rmult_le_compat_r; lra.
Qed.

Lemma drop_at_least : exists K, 0 < K /\ forall k, L (S k) <= L k - K * L k ^ 2.
Proof.
  destruct gradient_large as (C & C0 & Large); destruct factor_lower as (m & m0 & Low).
  assert (Ep := rate_pos); exists (eta / 2 * m * (/ C) ^ 2); split.
  { apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; lra |].
    now apply pow_lt, Rinv_0_lt_compat. }
  intros k; destruct (step_size_descent k) as [_ De]; fold (gain k) in De.
  assert (G : m * norm (d k) ^ 2 <= gain k).
  { rewrite norm_sqr; unfold gain; rewrite <- Sum_scal; apply Sum_le; intros j.
    apply Rmult_le_compat_r; [apply pow2_ge_0 | apply Low]. }
  assert (Sq : (/ C * L k) ^ 2 <= norm (d k) ^ 2).
  { assert (Lk := loss_at_pos k); apply pow_incr; split.
    - apply Rmult_le_pos; [left; now apply Rinv_0_lt_compat | lra].
    - apply Rmult_le_reg_l with C; auto; rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l
        by lra.
      apply Large. }
  assert (T : eta / 2 * (m * (/ C * L k) ^ 2) <= eta / 2 * gain k).
  { apply Rmult_le_compat_l; [lra |]; apply Rle_trans with (2 := G).
    apply Rmult_le_compat_l; lra. }
  replace (eta / 2 * m * (/ C) ^ 2 * L k ^ 2) with (eta / 2 * (m * (/ C * L k) ^ 2))
    by ring.
  lra.
Qed.

Lemma inverse_grows : exists K, 0 < K /\ forall k, INR k * K <= / L k.
Proof.
  destruct drop_at_least as (K & K0 & Drop); exists K; split; auto.
  induction k as [| k IH].
  - simpl; rewrite Rmult_0_l; left; apply Rinv_0_lt_compat, loss_at_pos.
  - rewrite S_INR; specialize (Drop k); assert (P1 := loss_at_pos k);
      assert (P2 := loss_at_pos (S k)).
    apply Rle_trans with (/ L k + K); [lra |].
    apply Rmult_le_reg_r with (L (S k)); auto; rewrite Rinv_l by lra.
    apply Rmult_le_reg_r with (L k); auto.
    replace ((/ L k + K) * L (S k) * L k) with (L (S k) * (1 + K * L k))
      by (field; lra).
    rewrite Rmult_1_l; assert (KL : 0 < K * L k) by now apply Rmult_lt_0_compat.
    apply Rle_trans with ((L k - K * L k ^ 2) * (1 + K * L k)).
    + apply Rmult_le_compat_r; lra.
    + assert (0 <= L k * (K * L k) ^ 2)
        by (apply Rmult_le_pos; [lra | apply pow2_ge_0]).
      lra.
Qed.

Lemma loss_at_most : exists C, 0 < C /\ forall k, INR k * L k <= C.
Proof.
  destruct inverse_grows as (K & K0 & Inv); exists (/ K); split.
  { now apply Rinv_0_lt_compat. }
  intros k; specialize (Inv k); assert (Lk := loss_at_pos k).
  apply Rmult_le_compat_r with (r := L k * / K) in Inv.
  - replace (INR k * K * (L k * / K)) with (INR k * L k) in Inv by (field; lra).
    replace (/ L k * (L k * / K)) with (/ K) in Inv by (field; lra); auto.
  - apply Rmult_le_pos; [lra | left; now apply Rinv_0_lt_compat].
Qed.

(* statement: step size loss *)
(** On separable data the loss tends to zero ... *)
Theorem step_size_loss : is_lim_seq (fun k => f (w k)) 0.
(* end statement *)
Proof.
  destruct loss_at_most as (C & C0 & Up); apply near_lim; intros e e0.
  assert (Large : eventually (fun k => C / e < INR k))
    by (apply (lim_large INR), is_lim_seq_INR).
  revert Large; apply eventually_imp; intros k I; assert (Lk := loss_at_pos k);
    split; [lra |].
  assert (Ik : 0 < INR k).
  { apply Rlt_trans with (2 := I), Rdiv_lt_0_compat; lra. }
  specialize (Up k); apply Rmult_le_reg_l with (INR k); auto.
  apply Rmult_lt_compat_r with (r := e) in I; auto.
  replace (C / e * e) with C in I by (field; lra); lra.
Qed.

Lemma inverse_grows_at_most : exists B, 0 < B /\
  eventually (fun k => / L k <= B + 2 * (eta * A * R0 ^ 2 + 1) * INR k).
Proof.
  set (K := eta * A * R0 ^ 2 + 1); assert (Ep := rate_pos).
  assert (A0 := A_nonneg small).
  assert (K1 : 1 <= K).
  { assert (0 <= eta * A * R0 ^ 2)
      by (apply Rmult_le_pos; [apply Rmult_le_pos; lra | apply pow2_ge_0]);
        unfold K; lra. }
  assert (q0 : 0 < / (2 * K)) by (apply Rinv_0_lt_compat; lra).
  destruct (lim_near _ 0 _ step_size_loss q0) as [n0 Near].
  assert (Ib : 0 < / L n0) by (apply Rinv_0_lt_compat, loss_at_pos).
  exists (/ L n0); split; auto; exists n0.
  assert (Step : forall k, (n0 <= k)%nat -> / L (S k) <= / L k + 2 * K).
  { intros k I; destruct (Near k I) as [_ Up]; rewrite Rplus_0_l in Up.
    assert (P1 := loss_at_pos k); assert (P2 := loss_at_pos (S k));
      assert (Dr := drop_at_most k).
    assert (KL : K * L k <= / 2).
    { apply Rmult_lt_compat_l with (r := K) in Up; [| lra].
      replace (K * / (2 * K)) with (/ 2) in Up by (field; lra); lra. }
    assert (Lo : L k * (1 - K * L k) <= L (S k)).
    { assert (0 <= L k ^ 2) by apply pow2_ge_0; unfold K; lra. }
    apply Rmult_le_reg_r with (L (S k)); auto; rewrite Rinv_l by lra.
    apply Rle_trans with ((/ L k + 2 * K) * (L k * (1 - K * L k))).
    - replace ((/ L k + 2 * K) * (L k * (1 - K * L k))) with
        ((1 + 2 * (K * L k)) * (1 - K * L k)) by (field; lra).
      assert (0 < K * L k) by (apply Rmult_lt_0_compat; lra); nra.
    - apply Rmult_le_compat_l; auto; assert (0 < / L k) by (now apply Rinv_0_lt_compat);
        lra. }
  intros k I; replace k with (n0 + (k - n0))%nat by lia.
  induction (k - n0)%nat as [| m IH].
  - rewrite Nat.add_0_r; assert (0 <= INR n0) by apply pos_INR.
    assert (0 <= 2 * K * INR n0) by (apply Rmult_le_pos; lra); lra.
  - rewrite Nat.add_succ_r, S_INR; specialize (Step (n0 + m)%nat ltac:(lia)); lra.
Qed.

(* statement: step size rate *)
(** ... and it is of the order of 1 / k, neither more nor less. *)
Theorem step_size_rate :
  exists C1 C2, 0 < C1 /\ eventually (fun k => C1 <= INR k * f (w k) <= C2).
(* end statement *)
Proof.
  destruct loss_at_most as (C & _ & Up).
  destruct inverse_grows_at_most as (B & B0 & Ev); set (K := eta * A * R0 ^ 2 + 1) in *.
  assert (K1 : 1 <= K).
  { assert (Ep := rate_pos); assert (A0 := A_nonneg small).
    assert (0 <= eta * A * R0 ^ 2)
      by (apply Rmult_le_pos; [apply Rmult_le_pos; lra | apply pow2_ge_0]);
        unfold K; lra. }
  assert (BK : 0 < B + 2 * K) by lra.
  exists (/ (B + 2 * K)), C; split; [now apply Rinv_0_lt_compat |].
  generalize (eventually_and _ _ Ev (eventually_from 1)); apply eventually_imp.
  intros k [Inv I]; split; auto; assert (Lk := loss_at_pos k).
  assert (Ik : 1 <= INR k) by (apply (le_INR 1); exact I).
  apply Rmult_le_reg_l with (B + 2 * K); auto; rewrite Rinv_r by lra.
  assert (Inv' : / L k <= (B + 2 * K) * INR k).
  { apply Rle_trans with (1 := Inv); assert (B * 1 <= B * INR k)
      by (apply Rmult_le_compat_l; lra); lra. }
  apply Rmult_le_compat_r with (r := L k) in Inv';
    [| lra]; rewrite Rinv_l in Inv' by lra.
  lra.
Qed.

Lemma loss_sqr_summable : ex_series (fun k => L k ^ 2).
Proof.
  destruct gradient_large as (C & C0 & Large).
  apply (summable_le _ (fun k => C ^ 2 * norm (d k) ^ 2));
    [| apply summable_scal, gradient_summable].
  intros k; split; [apply pow2_ge_0 |]; rewrite <- Rpow_mult_distr.
  apply pow_incr; split; [left; apply loss_at_pos | apply Large].
Qed.

End Descent.
