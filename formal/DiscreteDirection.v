(** * Preconditioned gradient steps go to the direction of a hard-margin problem

    Steps w(n+1) = w(n) - eta P(n) d(n) with d the gradient and P(n) diagonal with a
    limit P.  In the variables v = w / sqrt P they are nearly plain gradient steps, and
    two increments are compared: that of ||v|| and that of minus the logarithm of the
    loss.  No condition on the step size eta. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export DiscreteSequences MarginLoss.
Open Scope R_scope.

(** ** One point: what its margins say of its direction *)

Section Core.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Context {b : D -> vec J} {f : vec J -> R} {pull : vec J -> D -> R}.
Hypothesis loss_facts : margin_loss b f pull.
Variables (R0 : R) (ustar : vec J) (i0 : D).
Hypothesis R0_nonneg : 0 <= R0.
Hypothesis R0_bound : forall i, norm (b i) <= R0.
(* the solution of the hard-margin problem *)
Hypothesis feasible : forall i, 1 <= inner ustar (b i).
Hypothesis variational : forall z, (forall i, 1 <= inner z (b i)) ->
  norm ustar ^ 2 <= inner ustar z.
Notation N := (norm ustar).
Notation U := (descent b pull).

Lemma value_pos v : 0 < f v.
Proof. apply loss_facts. Qed.

Lemma solution_pos : 0 < N.
Proof.
  destruct (norm_nonneg ustar) as [P | P]; auto; exfalso.
  assert (I := inner_le_norm ustar (b i0)); specialize (feasible i0); rewrite <- P in I.
  lra.
Qed.

Lemma slope_le v : f v * (1 - f v) <= N * norm (U v).
Proof.
  assert (S := descent_large loss_facts ustar 1 v Rle_0_1 feasible).
  assert (P := value_pos v); assert (Q : 0 <= N * norm (U v))
    by (apply Rmult_le_pos; apply norm_nonneg).
  destruct (Rle_lt_dec 1 (f v)); nra.
Qed.

(** A point with a small loss is nearly feasible after division by - ln f - f. *)
Lemma inner_margin v : 0 < - ln (f v) - f v ->
  N ^ 2 * (- ln (f v) - f v) <= inner ustar v.
Proof.
  intros M0; set (m := - ln (f v) - f v) in *.
  assert (F : forall i, 1 <= inner (fun j => / m * v j) (b i)).
  { intros i; rewrite inner_comm, inner_scal, inner_comm.
    assert (G := margin_large loss_facts v i); fold m in G.
    apply Rmult_le_reg_l with m; auto; rewrite <- Rmult_assoc, Rinv_r by lra; lra. }
  assert (V := variational _ F); rewrite inner_scal in V.
  apply Rmult_le_compat_r with (r := m) in V; [| lra].
  replace (/ m * inner ustar v * m) with (inner ustar v) in V by (field; lra); lra.
Qed.

(** A vector at a small angle to the solution. *)
Lemma direction_near v e : 0 < norm v -> (1 - e) * (N * norm v) <= inner ustar v ->
  forall j, (v j / norm v - ustar j / N) ^ 2 <= 2 * e.
Proof.
  intros V C j; assert (P := solution_pos).
  set (dif := fun j => / norm v * v j + - / N * ustar j).
  apply Rle_trans with (norm dif ^ 2).
  - rewrite norm_sqr; apply Rle_trans with (dif j ^ 2); [right; unfold dif, Rdiv;
      ring |].
    apply (Sum_ge_term (fun j => dif j ^ 2)); intros; apply pow2_ge_0.
  - assert (X : norm dif ^ 2 = 2 - 2 * (inner ustar v / (N * norm v))).
    { rewrite norm_sqr; unfold dif.
      transitivity (Sum (fun j => (/ norm v) ^ 2 * v j ^ 2 +
        ((/ N) ^ 2 * ustar j ^ 2 + -2 * (/ norm v * / N) * (ustar j * v j)))).
      - apply Sum_ext; intros; ring.
      - rewrite !Sum_plus, !Sum_scal, <- !norm_sqr; fold (inner ustar v); field; lra. }
    assert (Nv : 0 < N * norm v) by now apply Rmult_lt_0_compat.
    assert (1 - e <= inner ustar v / (N * norm v)); [| lra].
    apply Rmult_le_reg_r with (N * norm v); auto.
    unfold Rdiv; rewrite Rmult_assoc, Rinv_l by lra; lra.
Qed.

(** The two meet where ||v|| is at most N times minus the logarithm of the loss, up to
    a factor 1 - e and a constant c. *)
Lemma direction_bound v e c : 0 < norm v -> f v <= / 4 -> ln (f v) <= -1 ->
  (1 - e) * norm v - c <= - N * ln (f v) ->
  forall j, (v j / norm v - ustar j / N) ^ 2 <= 2 * (e + (c + N) / norm v).
Proof.
  intros V Fs Fl Le; apply direction_near; auto.
  assert (P := solution_pos); assert (M := inner_margin v ltac:(lra)).
  apply Rle_trans with (2 := M).
  replace ((1 - (e + (c + N) / norm v)) * (N * norm v)) with
    (N * ((1 - e) * norm v - c - N)) by (field; lra).
  replace (N ^ 2 * (- ln (f v) - f v)) with (N * (- N * ln (f v) - N * f v)) by ring.
  apply Rmult_le_compat_l; [lra |].
  assert (N * f v <= N * 1) by (apply Rmult_le_compat_l; lra); lra.
Qed.

(** ** One step *)

Definition step_constant (eta : R) : R := 8 * (eta * R0 ^ 2) + 1.

Section OneStep.
Variables (v r : vec J) (eta e : R).
Hypothesis eta_pos : 0 < eta.
Hypothesis e_range : 0 < e <= / 4.
Hypothesis r_near : forall j, Rabs (r j - 1) <= e.
Hypothesis loss_small : f v * step_constant eta <= e.
Let dv : vec J := fun j => eta * (r j * U v j).
Notation after := (fun j => v j + dv j).

Lemma loss_small_parts : f v <= e /\ 8 * (eta * R0 ^ 2 * f v) <= e.
Proof.
  assert (B : 0 <= eta * R0 ^ 2) by (apply Rmult_le_pos; [lra | apply pow2_ge_0]).
  assert (P := value_pos v); unfold step_constant in loss_small.
  assert (0 <= f v * (eta * R0 ^ 2)) by (apply Rmult_le_pos; lra); lra.
Qed.

Lemma step_length : norm dv <= eta * (1 + e) * norm (U v).
Proof.
  apply norm_le_scaled; [apply Rmult_le_pos; lra |]; intros j; unfold dv.
  assert (B := r_near j); apply Rabs_le_between in B.
  rewrite !Rabs_mult, (Rabs_pos_eq eta), (Rabs_pos_eq (r j)) by lra.
  rewrite Rmult_assoc; apply Rmult_le_compat_l; [lra |].
  apply Rmult_le_compat_r; [apply Rabs_pos | lra].
Qed.

Lemma step_aligned : eta * (1 - e) * norm (U v) ^ 2 <= inner dv (U v).
Proof.
  rewrite norm_sqr, <- Sum_scal; unfold inner, dv; apply Sum_le; intros j.
  assert (B := r_near j); apply Rabs_le_between in B; assert (P := pow2_ge_0 (U v j)).
  replace (eta * (r j * U v j) * U v j) with (eta * (r j * U v j ^ 2)) by ring.
  rewrite Rmult_assoc; apply Rmult_le_compat_l; [lra |].
  apply Rmult_le_compat_r; lra.
Qed.

Lemma step_margins : norm dv * R0 <= 1.
Proof.
  destruct loss_small_parts as [_ Small];
    assert (UL := descent_le loss_facts R0 R0_nonneg
    R0_bound v).
  apply Rle_trans with (eta * (1 + e) * (f v * R0) * R0).
  - apply Rmult_le_compat_r; auto; apply Rle_trans with (1 := step_length).
    apply Rmult_le_compat_l; auto; apply Rmult_le_pos; lra.
  - replace (eta * (1 + e) * (f v * R0) * R0) with ((1 + e) * (eta * R0 ^ 2 * f v))
      by ring.
    assert (0 <= eta * R0 ^ 2 * f v).
    { apply Rmult_le_pos; [| left; apply value_pos].
      apply Rmult_le_pos; [lra | apply pow2_ge_0]. }
    nra.
Qed.

Lemma step_decrease : f after <= f v - (1 - 2 * e) * (eta * norm (U v) ^ 2).
Proof.
  assert (S := loss_after_step_quadratic loss_facts R0 R0_nonneg R0_bound v dv
    step_margins).
  assert (A := step_aligned); assert (L := step_length).
  destruct loss_small_parts as [_ Small]; assert (P := value_pos v).
  assert (u2 := pow2_ge_0 (norm (U v))); assert (d0 := norm_nonneg dv).
  assert (Sq : (norm dv * R0) ^ 2 <= (eta * (1 + e) * norm (U v) * R0) ^ 2).
  { apply pow_incr; split; [now apply Rmult_le_pos | now apply Rmult_le_compat_r]. }
  assert (Q : f v * (norm dv * R0) ^ 2 <= e * (eta * norm (U v) ^ 2)).
  { apply Rle_trans with (f v * (eta * (1 + e) * norm (U v) * R0) ^ 2);
      [apply Rmult_le_compat_l; lra |].
    replace (f v * (eta * (1 + e) * norm (U v) * R0) ^ 2) with
      ((1 + e) ^ 2 * (eta * R0 ^ 2 * f v) * (eta * norm (U v) ^ 2)) by ring.
    apply Rmult_le_compat_r; [apply Rmult_le_pos; lra |].
    assert (0 <= eta * R0 ^ 2 * f v).
    { apply Rmult_le_pos; [| lra]; apply Rmult_le_pos; [lra | apply pow2_ge_0]. }
    assert ((1 + e) ^ 2 * (eta * R0 ^ 2 * f v) <= 8 * (eta * R0 ^ 2 * f v))
      by (apply Rmult_le_compat_r; auto; nra).
    lra. }
  lra.
Qed.

(** The logarithm of the loss falls by at least the relative decrease. *)
Lemma log_decrease :
  (1 - 2 * e) * (1 - e) * (eta * norm (U v)) <= N * (ln (f v) - ln (f after)).
Proof.
  assert (P := value_pos v); assert (Pa := value_pos after);
    assert (Dc := step_decrease).
  destruct loss_small_parts as [Le _]; assert (Sl := slope_le v);
    assert (N0 := solution_pos).
  set (u := norm (U v)) in *; assert (u0 : 0 <= u) by apply norm_nonneg.
  assert (Lg : (1 - 2 * e) * (eta * (u * (u / f v))) <= ln (f v) - ln (f after)).
  { assert (X := exp_ineq1_le (ln (f after) - ln (f v))).
    unfold Rminus in X; rewrite exp_plus, exp_Ropp, !exp_ln in X by auto.
    apply Rmult_le_compat_r with (r := / f v) in Dc;
      [| left; now apply Rinv_0_lt_compat].
    replace ((f v - (1 - 2 * e) * (eta * u ^ 2)) * / f v) with
      (1 - (1 - 2 * e) * (eta * (u * (u / f v)))) in Dc by (field; lra); lra. }
  assert (Rel : 1 - e <= N * (u / f v)).
  { apply Rmult_le_reg_r with (f v); auto.
    replace (N * (u / f v) * f v) with (N * u) by (field; lra); nra. }
  apply Rle_trans with (N * ((1 - 2 * e) * (eta * (u * (u / f v))))).
  - replace (N * ((1 - 2 * e) * (eta * (u * (u / f v))))) with
      ((1 - 2 * e) * (N * (u / f v)) * (eta * u)) by ring.
    apply Rmult_le_compat_r; [apply Rmult_le_pos; lra |].
    apply Rmult_le_compat_l; lra.
  - apply Rmult_le_compat_l; lra.
Qed.

Lemma one_step :
  (1 - 4 * e) * (norm after - norm v) <= - N * ln (f after) - - N * ln (f v) /\
  norm after - norm v <= 2 * (eta * R0) * f v.
Proof.
  assert (Lg := log_decrease); assert (Dl := step_length).
  assert (Tri := norm_triangle v dv); assert (u0 := norm_nonneg (U v)).
  assert (X : 0 <= eta * norm (U v)) by (apply Rmult_le_pos; lra); split.
  - apply Rle_trans with ((1 - 4 * e) * (eta * (1 + e) * norm (U v))).
    + apply Rmult_le_compat_l; lra.
    + assert ((1 - 4 * e) * (1 + e) * (eta * norm (U v)) <=
        (1 - 2 * e) * (1 - e) * (eta * norm (U v)))
        by (apply Rmult_le_compat_r; auto; nra).
      lra.
  - assert (Ul := descent_le loss_facts R0 R0_nonneg R0_bound v).
    apply Rle_trans with (eta * (1 + e) * (f v * R0)).
    + apply Rle_trans with (eta * (1 + e) * norm (U v)); [lra |].
      apply Rmult_le_compat_l; auto; apply Rmult_le_pos; lra.
    + assert (0 <= eta * R0 * f v).
      { apply Rmult_le_pos; [apply Rmult_le_pos; lra | left; apply value_pos]. }
      replace (eta * (1 + e) * (f v * R0)) with ((1 + e) * (eta * R0 * f v)) by ring.
      assert ((1 + e) * (eta * R0 * f v) <= 2 * (eta * R0 * f v))
        by (apply Rmult_le_compat_r; lra).
      lra.
Qed.

End OneStep.

(** ** The run *)

Variables (v r : nat -> vec J) (eta : R).
Hypothesis eta_pos : 0 < eta.
Hypothesis step : forall n j, v (S n) j = v n j + eta * (r n j * U (v n) j).
Hypothesis loss_lim : is_lim_seq (fun n => f (v n)) 0.
Notation L n := (f (v n)).

Lemma next_iterate n : v (S n) = (fun j => v n j + eta * (r n j * U (v n) j)).
Proof. apply functional_extensionality; intros j; apply step. Qed.

Lemma log_loss_le n : - ln (L n) - L n <= norm (v n) * R0.
Proof.
  apply Rle_trans with (1 := margin_large loss_facts (v n) i0).
  apply Rle_trans with (1 := Rle_abs _); now apply inner_data_le.
Qed.

Lemma norm_diverges : is_lim_seq (fun n => norm (v n)) p_infty.
Proof.
  apply is_lim_seq_spec; intros M; assert (E := exp_pos (- (Rabs M * R0 + 1))).
  assert (A : eventually (fun n => L n < exp (- (Rabs M * R0 + 1)) /\ L n <= / 4)).
  { apply eventually_and.
    - generalize (lim_near _ 0 _ loss_lim E); apply eventually_imp; intros; lra.
    - generalize (eventually_small _ loss_lim (fun n => value_pos (v n))).
      apply eventually_imp; tauto. }
  revert A; apply eventually_imp; intros n [Small Quarter].
  apply Rnot_le_lt; intros C; assert (G := log_loss_le n).
  assert (Lg : ln (L n) < - (Rabs M * R0 + 1)).
  { rewrite <- (ln_exp (- (_ + _))); apply ln_increasing; auto; apply value_pos. }
  assert (norm (v n) * R0 <= Rabs M * R0).
  { apply Rmult_le_compat_r; auto; apply Rle_trans with (1 := C), Rle_abs. }
  lra.
Qed.

(** Eventually every step is as in [one_step], with an error as small as we like. *)
Lemma increments e : 0 < e <= / 4 -> (forall j, is_lim_seq (fun n => r n j) 1) ->
  eventually (fun n => (1 - 4 * e) * (norm (v (S n)) - norm (v n)) <=
    - N * ln (L (S n)) - - N * ln (L n)).
Proof.
  intros Ee Lr.
  assert (K1 : 1 <= step_constant eta).
  { unfold step_constant; assert (0 <= eta * R0 ^ 2)
      by (apply Rmult_le_pos; [lra | apply pow2_ge_0]); lra. }
  assert (Er : eventually (fun n => forall j, 1 - e < r n j < 1 + e)).
  { apply (eventually_components (fun j n => 1 - e < r n j < 1 + e)); intros j.
    apply (lim_near (fun n => r n j) 1 e); auto; lra. }
  assert (eK : 0 < e / step_constant eta) by (apply Rdiv_lt_0_compat; lra).
  generalize (eventually_and _ _ Er (lim_near _ 0 _ loss_lim eK)); apply eventually_imp.
  intros n [Rn [_ Ln]]; rewrite next_iterate; apply one_step; auto.
  - intros j; specialize (Rn j); apply Rabs_le; lra.
  - apply Rmult_lt_compat_r with (r := step_constant eta) in Ln; [| lra].
    replace ((0 + e / step_constant eta) * step_constant eta) with e in Ln
      by (field; lra); lra.
Qed.

Theorem core_direction : (forall j, is_lim_seq (fun n => r n j) 1) ->
  forall t, 0 < t -> eventually (fun n => 0 < norm (v n) /\
    forall j, (v n j / norm (v n) - ustar j / N) ^ 2 <= t).
Proof.
  intros Lr t t0; set (e := Rmin (/ 4) (t / 16)); assert (N0 := solution_pos).
  assert (E1 : e <= / 4) by apply Rmin_l; assert (E2 : e <= t / 16) by apply Rmin_r.
  assert (E0 : 0 < e) by (unfold e; apply Rmin_glb_lt; lra).
  destruct (increments e (conj E0 E1) Lr) as [K HK].
  assert (T := telescope (fun n => - N * ln (L n))
    (fun n => norm (v n)) (1 - 4 * e) K HK).
  cbv beta in T; set (C := - N * ln (L K) - (1 - 4 * e) * norm (v K)) in *.
  assert (Cp := Rabs_pos C).
  generalize (eventually_and _ _ (eventually_from K) (eventually_and _ _
    (eventually_small _ loss_lim (fun n => value_pos (v n)))
    (lim_large _ ((Rabs C + N) / (t / 4)) norm_diverges))).
  apply eventually_imp; intros n [I [[L4 Ll] Vn]].
  assert (Q : 0 < (Rabs C + N) / (t / 4)) by (apply Rdiv_lt_0_compat; lra).
  assert (V0 : 0 < norm (v n)) by lra; split; auto; intros j.
  specialize (T n I); assert (Cab := Rle_abs (- C)); rewrite Rabs_Ropp in Cab.
  apply Rle_trans with
    (1 := direction_bound (v n) (4 * e) (Rabs C) V0 L4 Ll ltac:(lra) j).
  assert ((Rabs C + N) / norm (v n) <= t / 4); [| lra].
  apply Rmult_le_reg_r with (norm (v n)); auto.
  unfold Rdiv at 1; rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
  apply Rmult_lt_compat_r with (r := t / 4) in Vn; [| lra].
  replace ((Rabs C + N) / (t / 4) * (t / 4)) with (Rabs C + N) in Vn
    by (field; lra); lra.
Qed.

(** ** With a rate, where the errors of the steps are summable against the loss *)

Variable e : nat -> R.
Hypothesis e_nonneg : forall n, 0 <= e n.
Hypothesis e_bound : forall n j, Rabs (r n j - 1) <= e n.
Hypothesis e_lim : is_lim_seq e 0.
Hypothesis e_sum : ex_series (fun n => L n * (e n + L n)).
Notation K := (step_constant eta).
Let error n := e n + K * L n.

Lemma constant_large : 1 <= K.
Proof.
  assert (0 <= eta * R0 ^ 2) by (apply Rmult_le_pos; [lra | apply pow2_ge_0]).
  unfold step_constant; lra.
Qed.

Lemma error_pos n : 0 < error n.
Proof.
  assert (P := value_pos (v n)); assert (K1 := constant_large).
  assert (0 < K * L n) by (apply Rmult_lt_0_compat; lra).
  unfold error; specialize (e_nonneg n); lra.
Qed.

Lemma error_small : eventually (fun n => error n <= / 4).
Proof.
  assert (K1 := constant_large); assert (k8 : 0 < / (8 * K))
    by (apply Rinv_0_lt_compat; lra).
  generalize (eventually_and _ _ (lim_near e 0 (/ 8) e_lim ltac:(lra))
    (lim_near _ 0 (/ (8 * K)) loss_lim k8)); apply eventually_imp; intros n [A [_ B]].
  rewrite Rplus_0_l in B; apply Rmult_lt_compat_l with (r := K) in B; [| lra].
  replace (K * / (8 * K)) with (/ 8) in B by (field; lra); unfold error; lra.
Qed.

(** What the factor 1 - 4 e(n) costs in step n is at most this. *)
Let cost n := 8 * (eta * R0) * K * (L n * (e n + L n)).

Lemma increment_cost n : error n <= / 4 ->
  norm (v (S n)) - norm (v n) - cost n <= - N * ln (L (S n)) - - N * ln (L n).
Proof.
  intros Small; assert (Ep := error_pos n); assert (K1 := constant_large).
  assert (P := value_pos (v n)).
  assert (KL : 0 < K * L n) by (apply Rmult_lt_0_compat; lra).
  destruct (one_step (v n) (r n) eta (error n) eta_pos (conj Ep Small)) as [Inc Up].
  - intros j; apply Rle_trans with (1 := e_bound n j); unfold error; lra.
  - unfold error; specialize (e_nonneg n); lra.
  - rewrite <- next_iterate in Inc, Up; assert (B1 : 0 <= eta * R0)
      by (apply Rmult_le_pos; lra).
    assert (X : 4 * error n * (norm (v (S n)) - norm (v n)) <= cost n).
    { apply Rle_trans with (4 * error n * (2 * (eta * R0) * L n));
        [apply Rmult_le_compat_l; lra |].
      unfold cost; replace (4 * error n * (2 * (eta * R0) * L n)) with
        (8 * (eta * R0) * (L n * error n)) by ring.
      rewrite (Rmult_assoc (8 * (eta * R0))); apply Rmult_le_compat_l; [lra |].
      replace (K * (L n * (e n + L n))) with (L n * (K * (e n + L n))) by ring.
      apply Rmult_le_compat_l; [lra |]; unfold error; specialize (e_nonneg n); nra. }
    lra.
Qed.

(** The increments and their costs, summed: ||v|| is at most N times minus the logarithm
    of the loss, up to a constant. *)
Lemma norm_at_most : exists C, 0 <= C /\ eventually (fun n => 0 < norm (v n) /\
  L n <= / 4 /\ ln (L n) <= -1 /\ norm (v n) - C <= - N * ln (L n)).
Proof.
  assert (K1 := constant_large).
  assert (Cost0 : forall n, 0 <= cost n).
  { intros n; unfold cost; assert (P := value_pos (v n)); specialize (e_nonneg n).
    apply Rmult_le_pos; [| apply Rmult_le_pos; lra].
    apply Rmult_le_pos; [| lra].
    assert (0 <= eta * R0) by (apply Rmult_le_pos; lra); lra. }
  destruct (first_terms_bounded cost Cost0) as [B HB].
  { unfold cost; now apply summable_scal. }
  destruct error_small as [n0 Small].
  assert (T := telescope (fun n => - N * ln (L n) + first_terms cost n)
    (fun n => norm (v n)) 1 n0); cbv beta in T.
  specialize (T ltac:(intros n I; generalize (increment_cost n (Small n I));
    simpl first_terms; lra)).
  set (c := - N * ln (L n0) + first_terms cost n0 - 1 * norm (v n0)) in *.
  assert (Cp := Rabs_pos c); assert (Bp := Rabs_pos B).
  exists (Rabs c + Rabs B); split; [lra |].
  generalize (eventually_and _ _ (eventually_from n0) (eventually_and _ _
    (eventually_small _ loss_lim (fun n => value_pos (v n)))
    (lim_large _ 0 norm_diverges))).
  apply eventually_imp; intros n [I [[L4 Ll] V0]]; repeat split; auto.
  specialize (T n I); assert (Cab := Rle_abs (- c)); rewrite Rabs_Ropp in Cab.
  assert (Bab := Rle_trans _ _ _ (HB n) (Rle_abs B)); lra.
Qed.

(** So the squared distance of the direction, and how much each normalized margin is
    below the best one, 1 / N, are O(1 / ||v||). *)
Theorem core_rate : exists C, 0 <= C /\ eventually (fun n => 0 < norm (v n) /\
  (forall j, (v n j / norm (v n) - ustar j / N) ^ 2 <= C / norm (v n)) /\
  (forall i, / N - C / norm (v n) <= inner (v n) (b i) / norm (v n))).
Proof.
  destruct norm_at_most as (C & C0 & Ev); assert (N0 := solution_pos).
  assert (D0 : 0 <= (C + N) / N) by (apply Rdiv_le_0_compat; lra).
  exists (2 * (C + N) + (C + N) / N); split; [lra |].
  revert Ev; apply eventually_imp; intros n (V0 & L4 & Ll & Up); split; auto.
  assert (Iv : 0 < / norm (v n)) by now apply Rinv_0_lt_compat.
  split; [intros j | intros i].
  - apply Rle_trans with
      (1 := direction_bound (v n) 0 C V0 L4 Ll ltac:(lra) j).
    replace (2 * (0 + (C + N) / norm (v n))) with (2 * (C + N) * / norm (v n))
      by (field; lra).
    apply Rmult_le_compat_r; lra.
  - apply Rle_trans with (/ N - (C + N) / N / norm (v n)).
    + assert ((C + N) / N * / norm (v n) <=
        (2 * (C + N) + (C + N) / N) * / norm (v n)) by (apply Rmult_le_compat_r; lra).
      unfold Rdiv in *; lra.
    + assert (M := margin_large loss_facts (v n) i).
      replace (/ N - (C + N) / N / norm (v n)) with
        (((norm (v n) - C) / N - 1) * / norm (v n)) by (field; lra).
      apply Rmult_le_compat_r; [lra |]; apply Rle_trans with (2 := M).
      assert ((norm (v n) - C) / N <= - ln (L n)); [| lra].
      apply Rmult_le_reg_r with N; auto.
      replace ((norm (v n) - C) / N * N) with (norm (v n) - C) by (field; lra); lra.
Qed.

(** ||v|| is at least of the order of minus the logarithm of the loss. *)
Lemma norm_large : eventually (fun n =>
  0 < - ln (L n) /\ - ln (L n) <= 2 * (R0 + 1) * norm (v n)).
Proof.
  generalize (eventually_small _ loss_lim (fun n => value_pos (v n)));
    apply eventually_imp.
  intros n [L4 Ll]; assert (G := log_loss_le n); assert (V := norm_nonneg (v n)).
  split; lra.
Qed.

End Core.

(** ** Back to w *)

(* statement: direction *)
(** The run w converges in direction to u. *)
Definition tends_in_direction {J} `{FiniteType J}
    (w : nat -> vec J) (u : vec J) : Prop :=
  0 < norm u /\ forall j, is_lim_seq (fun n => w n j / norm (w n)) (u j / norm u).
(* end statement *)

Section Scaled.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Context {a : D -> vec J} {f : vec J -> R} {pull : vec J -> D -> R}.
Variable s : vec J.

Lemma margin_loss_scaled : margin_loss a f pull ->
  margin_loss (fun i => mul s (a i)) (fun v => f (mul s v)) (fun v => pull (mul s v)).
Proof.
  assert (I : forall u i, inner u (mul s (a i)) = inner (mul s u) (a i))
    by (intros u i; apply Sum_ext; intros; unfold mul; ring).
  assert (M : forall u du, mul s (fun j => u j + du j) =
    (fun j => mul s u j + mul s du j)).
  { intros u du; apply functional_extensionality; intros j; unfold mul; ring. }
  intros F; split; intros; rewrite ?M; try apply F; try (rewrite I; apply F).
  - rewrite (Sum_ext _ (fun i => pull (mul s v) i * inner (mul s dv) (a i)))
      by (intros i; now rewrite I); apply F.
  - rewrite (Sum_ext _
      (fun i => pull (mul s v) i * (exp (- inner (mul s dv) (a i)) - 1)))
      by (intros i; now rewrite I); apply F.
Qed.

(** Two vectors that are close have directions that are close. *)
Lemma normalised_near (p t : vec J) j : 0 < norm p -> 0 < norm t ->
  (p j / norm p - t j / norm t) ^ 2 <= 4 / norm t ^ 2 * norm (sub p t) ^ 2.
Proof.
  intros P T; set (d := norm (sub p t)).
  assert (Dj : Rabs (p j - t j) <= d) by apply (norm_ge_component (sub p t) j).
  assert (Pj : Rabs (p j / norm p) <= 1).
  { unfold Rdiv; rewrite Rabs_mult, (Rabs_pos_eq (/ norm p))
      by (left; now apply Rinv_0_lt_compat).
    apply Rmult_le_reg_r with (norm p); auto; rewrite Rmult_assoc, Rinv_l by lra.
    generalize (norm_ge_component p j); lra. }
  assert (N1 := norm_sub_le p t); assert (N2 := norm_sub_le t p).
  assert (Sy : norm (sub t p) = d).
  { transitivity (norm (fun j => -1 * sub p t j)).
    - apply norm_ext; intros; unfold sub; ring.
    - rewrite norm_scal, Rabs_left by lra; fold d; ring. }
  fold d in N1; rewrite Sy in N2.
  assert (Nd : Rabs (norm t - norm p) <= d) by (apply Rabs_le; lra).
  assert (It : 0 < / norm t) by now apply Rinv_0_lt_compat.
  assert (A : Rabs (p j / norm p - t j / norm t) <= 2 * d / norm t).
  { replace (p j / norm p - t j / norm t) with
      ((p j - t j) * / norm t + p j / norm p * ((norm t - norm p) * / norm t))
      by (field; lra).
    eapply Rle_trans; [apply Rabs_triang |].
    rewrite !Rabs_mult, (Rabs_pos_eq (/ norm t)) by lra.
    assert (X1 : Rabs (p j - t j) * / norm t <= d * / norm t)
      by (apply Rmult_le_compat_r; lra).
    assert (X2 : Rabs (norm t - norm p) * / norm t <= d * / norm t)
      by (apply Rmult_le_compat_r; lra).
    assert (X3 : Rabs (p j / norm p) * (Rabs (norm t - norm p) * / norm t) <=
      1 * (d * / norm t)).
    { apply Rmult_le_compat; auto; [apply Rabs_pos |].
      apply Rmult_le_pos; [apply Rabs_pos | lra]. }
    unfold Rdiv; unfold Rdiv in X3; lra. }
  replace (4 / norm t ^ 2 * d ^ 2) with ((2 * d / norm t) ^ 2) by (field; lra).
  apply pow_maj_Rabs; exact A.
Qed.

Hypothesis s_pos : forall j, 0 < s j.
Notation over u := (fun j => u j / s j).

Lemma norm_over_pos u : 0 < norm (over u) -> 0 < norm u.
Proof.
  intros P; destruct (norm_nonneg u) as [W | W]; auto; exfalso.
  assert (Z : norm (over u) = 0); [| lra].
  apply norm_0; intros j; assert (G := norm_ge_component u j); rewrite <- W in G.
  assert (A := Rabs_pos (u j)); rewrite (Rabs_eq_0 (u j)) by lra; unfold Rdiv; ring.
Qed.

(** From the direction of w / s to that of w. *)
Lemma direction_over (wstar : vec J) : 0 < norm (over wstar) ->
  exists C, 0 < C /\ forall w t, 0 < norm (over w) ->
    (forall j, (w j / s j / norm (over w) - wstar j / s j / norm (over wstar)) ^ 2 <=
      t) ->
    forall j, (w j / norm w - wstar j / norm wstar) ^ 2 <= C * t.
Proof.
  intros U0; assert (W0 := norm_over_pos wstar U0).
  set (S2 := Sum (fun j => s j ^ 2)).
  assert (S0 : 0 <= S2) by (apply Sum_nonneg; intros; apply pow2_ge_0).
  set (q := fun j => / norm (over wstar) * wstar j).
  assert (Iu : 0 < / norm (over wstar)) by now apply Rinv_0_lt_compat.
  assert (Nq : norm q = / norm (over wstar) * norm wstar)
    by (unfold q; rewrite norm_scal, Rabs_pos_eq; lra).
  assert (Nq0 : 0 < norm q) by (rewrite Nq; now apply Rmult_lt_0_compat).
  assert (F4 : 0 < 4 / norm q ^ 2)
    by (apply Rdiv_lt_0_compat; [lra | now apply pow_lt]).
  exists (4 / norm q ^ 2 * (S2 + 1)); split; [apply Rmult_lt_0_compat; lra |].
  intros w t V0 Near j; assert (Wn := norm_over_pos w V0).
  assert (Iv : 0 < / norm (over w)) by now apply Rinv_0_lt_compat.
  set (p := fun j => / norm (over w) * w j).
  assert (Np : norm p = / norm (over w) * norm w)
    by (unfold p; rewrite norm_scal, Rabs_pos_eq; lra).
  assert (Q := normalised_near p q j ltac:(rewrite Np;
    now apply Rmult_lt_0_compat) Nq0).
  replace (p j / norm p) with (w j / norm w) in Q by (rewrite Np; unfold p; field; lra).
  replace (q j / norm q) with (wstar j / norm wstar) in Q
    by (rewrite Nq; unfold q; field; lra).
  assert (t0 : 0 <= t) by (apply Rle_trans with (2 := Near j), pow2_ge_0).
  apply Rle_trans with (1 := Q); rewrite Rmult_assoc; apply Rmult_le_compat_l; [lra |].
  apply Rle_trans with (t * S2); [| lra].
  rewrite norm_sqr; unfold S2; rewrite <- Sum_scal; apply Sum_le; intros l.
  replace (sub p q l) with
    (s l * (w l / s l / norm (over w) - wstar l / s l / norm (over wstar)))
    by (unfold sub, p, q; generalize (s_pos l); intros; field; lra).
  rewrite Rpow_mult_distr, Rmult_comm; apply Rmult_le_compat_r;
    [apply pow2_ge_0 | auto].
Qed.

End Scaled.

Section Preconditioned.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Context {a : D -> vec J} {f : vec J -> R} {pull : vec J -> D -> R}.
Variables (w d P : nat -> vec J) (P_lim wstar : vec J) (eta : R).
Hypothesis some_data : inhabited D.
Hypothesis loss_facts : margin_loss a f pull.
Hypothesis eta_pos : 0 < eta.
Hypothesis gradients : forall n, clarke f (w n) (d n).
Hypothesis step : forall n j, w (S n) j = w n j - eta * (P n j * d n j).
Hypothesis P_lim_pos : forall j, 0 < P_lim j.
Hypothesis loss_lim : is_lim_seq (fun n => f (w n)) 0.
Hypothesis solution : hard_margin a (fun j => / sqrt (P_lim j)) wstar.

Let s : vec J := fun j => sqrt (P_lim j).
Let v n : vec J := fun j => w n j / s j.
Let ustar : vec J := fun j => wstar j / s j.
Let b i : vec J := mul s (a i).

Lemma root_pos j : 0 < s j.
Proof. apply sqrt_lt_R0, P_lim_pos. Qed.

Lemma mul_over (u : vec J) : mul s (fun j => u j / s j) = u.
Proof.
  apply functional_extensionality; intros j; unfold mul; generalize (root_pos j);
    intros.
  field; lra.
Qed.

Lemma inner_over (u : vec J) i : inner (fun j => u j / s j) (b i) = inner u (a i).
Proof.
  unfold b; apply Sum_ext; intros j; unfold mul; generalize (root_pos j); intros; field;
    lra.
Qed.

Lemma ustar_feasible i : 1 <= inner ustar (b i).
Proof.
  unfold ustar; rewrite inner_over; apply hard_margin_multipliers in solution.
  destruct solution as (lam & _ & Fe & _); apply Fe.
Qed.

Lemma ustar_variational z : (forall i, 1 <= inner z (b i)) ->
  norm ustar ^ 2 <= inner ustar z.
Proof.
  intros Fz; set (u := mul s z).
  assert (Ez : z = (fun j => u j / s j)).
  { apply functional_extensionality; intros j; unfold u, mul; generalize (root_pos j).
    intros; field; lra. }
  assert (V := hard_margin_variational a (fun j => / sqrt (P_lim j)) wstar u solution).
  replace (mul (fun j => / sqrt (P_lim j)) wstar) with ustar in V
    by (apply functional_extensionality; intros j; unfold ustar, mul, Rdiv;
      apply Rmult_comm).
  replace (mul (fun j => / sqrt (P_lim j)) u) with z in V
    by (rewrite Ez at 1; apply functional_extensionality; intros j; unfold mul, Rdiv;
        apply Rmult_comm).
  apply V; intros i; rewrite <- inner_over, <- Ez; apply Fz.
Qed.

Lemma scaled_step n j : v (S n) j =
  v n j + eta * (P n j / P_lim j * descent b (fun v => pull (mul s v)) (v n) j).
Proof.
  assert (Sq : s j * s j = P_lim j) by (apply sqrt_sqrt; left; apply P_lim_pos).
  assert (Sp := root_pos j);
    assert (G := proj1 (loss_clarke loss_facts _ _) (gradients n) j).
  replace (descent b (fun v => pull (mul s v)) (v n) j) with (- s j * d n j).
  - unfold v; rewrite step, <- Sq; field; lra.
  - rewrite G; unfold descent, v; rewrite mul_over.
    transitivity (s j * Sum (fun i => pull (w n) i * a i j)); [ring |].
    rewrite <- Sum_scal; apply Sum_ext; intros i; unfold b, mul; ring.
Qed.

Lemma scaled_loss n : f (mul s (v n)) = f (w n).
Proof. unfold v; now rewrite mul_over. Qed.

Lemma scaled_loss_lim : is_lim_seq (fun n => f (mul s (v n))) 0.
Proof. revert loss_lim; apply is_lim_seq_ext; intros n; now rewrite scaled_loss. Qed.

Lemma direction_of_w : exists C, 0 < C /\ forall n t, 0 < norm (v n) ->
  (forall j, (v n j / norm (v n) - ustar j / norm ustar) ^ 2 <= t) ->
  forall j, (w n j / norm (w n) - wstar j / norm wstar) ^ 2 <= C * t.
Proof.
  destruct some_data as [i0].
  destruct (direction_over s root_pos wstar (solution_pos ustar i0 ustar_feasible))
    as (C & C0 & Near).
  exists C; split; auto; intros n; apply (Near (w n)).
Qed.

Lemma wstar_pos : 0 < norm wstar.
Proof.
  destruct some_data as [i0].
  exact (norm_over_pos s wstar (solution_pos ustar i0 ustar_feasible)).
Qed.

(* statement: preconditioned direction *)
(** Whatever the step size: if the preconditioner converges and the loss vanishes, the
    run goes to the direction of the hard-margin problem skewed by P^(-1/2). *)
Theorem preconditioned_direction : converges P P_lim -> tends_in_direction w wstar.
(* end statement *)
Proof.
  intros Lp; split; [apply wstar_pos |]; intros j; apply near_lim; intros t t0.
  destruct some_data as [i0]; destruct (norms_bounded b) as (R0 & R0p & Rb).
  destruct direction_of_w as (C & C0 & Near).
  assert (q0 : 0 < t ^ 2 / C) by (apply Rdiv_lt_0_compat; auto; now apply pow_lt).
  assert (Core := core_direction (margin_loss_scaled s loss_facts) R0 ustar i0 R0p Rb
    ustar_feasible ustar_variational v
      (fun n j => P n j / P_lim j) eta eta_pos scaled_step
    scaled_loss_lim).
  assert (Lr : forall j, is_lim_seq (fun n => P n j / P_lim j) 1).
  { intros i; assert (Q := lim_seq_scal _ (/ P_lim i) _ (Lp i)).
    rewrite Rinv_l in Q by (generalize (P_lim_pos i); lra); revert Q.
    apply is_lim_seq_ext; intros n; apply Rmult_comm. }
  generalize (Core Lr _ q0); apply eventually_imp; intros n [V0 B].
  assert (Sq := Near n _ V0 B j); replace (C * (t ^ 2 / C)) with (t ^ 2) in Sq
    by (field; lra).
  assert (Abs : Rabs (w n j / norm (w n) - wstar j / norm wstar) <= t).
  { apply Rnot_lt_le; intros Far; rewrite <- pow2_abs in Sq; nra. }
  apply Rabs_le_between in Abs; lra.
Qed.

(* statement: preconditioned rate *)
(** With a rate, where the relative errors e(n) of the preconditioner are summable
    against the loss: the squared distance from the limit direction, and the distance of
    the normalized margins from the best one, are O(1 / log (1 / loss)). *)
Theorem preconditioned_rate (e : nat -> R) :
  let skew := fun j => / sqrt (P_lim j) in
  (forall n, 0 <= e n) -> (forall n j, Rabs (P n j / P_lim j - 1) <= e n) ->
  is_lim_seq e 0 -> ex_series (fun n => f (w n) * (e n + f (w n))) ->
  exists C, 0 <= C /\ eventually (fun n => 0 < - ln (f (w n)) /\
    (forall j, (w n j / norm (w n) - wstar j / norm wstar) ^ 2 <= C / - ln (f (w n))) /\
    (forall i, / norm (mul skew wstar) - C / - ln (f (w n)) <=
       inner (w n) (a i) / norm (mul skew (w n)))).
(* end statement *)
Proof.
  intros skew E0 Eb El Es; destruct some_data as [i0].
  destruct (norms_bounded b) as (R0 & R0p & Rb).
  destruct direction_of_w as (C & C0 & Near).
  assert (F := margin_loss_scaled s loss_facts).
  destruct (core_rate F R0 ustar i0 R0p Rb ustar_feasible ustar_variational v
    (fun n j => P n j / P_lim j) eta eta_pos scaled_step scaled_loss_lim e E0 Eb El)
    as (C' & C'0 & Rate).
  { revert Es; apply ex_series_ext; intros n; now rewrite scaled_loss. }
  assert (Skewed : forall u, norm (mul skew u) = norm (fun j => u j / s j)).
  { intros u; apply norm_ext; intros j; unfold mul, skew, Rdiv; apply Rmult_comm. }
  exists ((C + 1) * C' * (2 * (R0 + 1))); split.
  { apply Rmult_le_pos; [apply Rmult_le_pos |]; lra. }
  generalize (eventually_and _ _ Rate (norm_large F R0 i0 Rb v scaled_loss_lim)).
  apply eventually_imp; intros n [(V0 & Bd & Bm) [L0 Lv]].
  rewrite scaled_loss in L0, Lv.
  (* C' / ||v|| in terms of the loss *)
  assert (Small : forall c, 0 <= c ->
    c / norm (v n) <= c * (2 * (R0 + 1)) / - ln (f (w n))).
  { intros c c0; unfold Rdiv; rewrite Rmult_assoc; apply Rmult_le_compat_l; auto.
    apply Rmult_le_reg_r with (norm (v n) * - ln (f (w n)));
      [now apply Rmult_lt_0_compat |].
    replace (/ norm (v n) * (norm (v n) * - ln (f (w n)))) with (- ln (f (w n)))
      by (field; lra).
    replace (2 * (R0 + 1) * / - ln (f (w n)) * (norm (v n) * - ln (f (w n)))) with
      (2 * (R0 + 1) * norm (v n)) by (field; lra); exact Lv. }
  assert (CC : 0 <= C * C') by (apply Rmult_le_pos; lra).
  assert (S1 := Small ((C + 1) * C') ltac:(lra)).
  assert (Iv : 0 < / norm (v n)) by now apply Rinv_0_lt_compat.
  split; auto; split; [intros j | intros i].
  - apply Rle_trans with (1 := Near n _ V0 Bd j); apply Rle_trans with (2 := S1).
    replace (C * (C' / norm (v n))) with (C * C' * / norm (v n)) by (field; lra).
    apply Rmult_le_compat_r; lra.
  - rewrite !Skewed; fold (v n); fold ustar; rewrite <- inner_over; fold (v n).
    apply Rle_trans with (2 := Bm i).
    assert (C' * / norm (v n) <= (C + 1) * C' * / norm (v n))
      by (apply Rmult_le_compat_r; lra).
    unfold Rdiv in *; lra.
Qed.

End Preconditioned.
