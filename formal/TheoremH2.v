(** * Theorem H2: a step size from which nothing is assumed of the run

    Gradient descent on the exponential loss of one unit.  One step lowers the loss by
    3/4 of the step size times the squared gradient; what the norm gains is paid for by
    the logarithm of the loss, so that the condition on the step size keeps holding. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export TheoremH.
Open Scope R_scope.

(** Cauchy-Schwarz in the plane. *)
Lemma plane_inner_le (X Y a b G n : R) : 0 <= G -> 0 <= n ->
  G ^ 2 = X ^ 2 + Y ^ 2 -> n ^ 2 = a ^ 2 + b ^ 2 -> X * a + Y * b <= G * n.
Proof.
  intros G0 n0 EG En; apply Rnot_lt_le; intros Lt.
  assert (Gn : 0 <= G * n) by now apply Rmult_le_pos.
  assert (Sq : (X * a + Y * b) ^ 2 <= (G * n) ^ 2).
  { rewrite Rpow_mult_distr, EG, En.
    assert (Q := pow2_ge_0 (X * b - Y * a)); lra. }
  nra.
Qed.

(** ** One step *)

Section Step.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Variables (z : D -> vec J) (Z eta : R) (w : vec (option J)).
Hypothesis Z_nonneg : 0 <= Z.
Hypothesis Z_bound : forall i, norm (z i) <= Z.
Hypothesis eta_pos : 0 < eta.
Hypothesis margins_nonneg : forall i, 0 <= unit_margin (z i) w.
Let v := w None.
Let u := incoming w.
Let p i := exp (- unit_margin (z i) w).
Notation S := (Sum p).
Let U := combination z p.
Let q := inner u U.
Let A := v * q.
Let slope2 := q ^ 2 + v ^ 2 * norm U ^ 2. (* the squared length of the gradient *)
Definition descended : vec (option J) :=
  fun o => w o + eta * Sum (fun i => p i * unit_gradient (z i) w o).
Hypothesis condition : eta * S * (4 * Z ^ 2 * norm w ^ 2 + Z) <= 1.

Lemma exponentials_nonneg i : 0 <= p i.
Proof. left; apply exp_pos. Qed.

Lemma loss_nonneg : 0 <= S.
Proof. apply Sum_nonneg, exponentials_nonneg. Qed.

Lemma descended_v : descended None = v + eta * q.
Proof.
  unfold descended, q, U; rewrite inner_combination; reflexivity.
Qed.

Lemma descended_u j : descended (Some j) = u j + eta * (v * U j).
Proof.
  unfold descended, u, incoming; f_equal; f_equal; unfold U, combination.
  rewrite <- Sum_scal; apply Sum_ext; intros i; unfold unit_gradient, v; ring.
Qed.

Lemma A_margins : A = Sum (fun i => p i * unit_margin (z i) w).
Proof.
  unfold A, q, U; rewrite inner_combination, <- Sum_scal; apply Sum_ext; intros i.
  unfold unit_margin, v, u; ring.
Qed.

Lemma A_nonneg : 0 <= A.
Proof.
  rewrite A_margins; apply Sum_nonneg; intros i; apply Rmult_le_pos; auto.
  apply exponentials_nonneg.
Qed.

Lemma U_norm : norm U <= Z * S.
Proof. apply combination_norm_le; auto; apply exponentials_nonneg. Qed.

Lemma slope2_nonneg : 0 <= slope2.
Proof.
  unfold slope2; assert (Q := pow2_ge_0 q); assert (R := pow2_ge_0 (v * norm U)).
  rewrite Rpow_mult_distr in R; lra.
Qed.

(** The length of the gradient, at most of the order of the loss times ||w||. *)
Let G := sqrt slope2.

Lemma G_sqr : G ^ 2 = slope2.
Proof. apply pow2_sqrt, slope2_nonneg. Qed.

Lemma G_le : G <= S * (Z * norm w).
Proof.
  assert (S0 := loss_nonneg); assert (W := norm_nonneg w).
  assert (P : 0 <= S * (Z * norm w))
    by (apply Rmult_le_pos; auto; now apply Rmult_le_pos).
  unfold G; rewrite <- (sqrt_pow2 _ P); apply sqrt_le_1_alt; unfold slope2.
  assert (U0 := norm_nonneg U); assert (UL := U_norm).
  assert (U2 : norm U ^ 2 <= (Z * S) ^ 2) by (now apply pow_incr).
  assert (Q := inner_abs_le u U); fold q in Q.
  assert (Q2 : q ^ 2 <= norm u ^ 2 * norm U ^ 2).
  { rewrite <- Rpow_mult_distr, <- (pow2_abs q); apply pow_incr; split; auto.
    apply Rabs_pos. }
  replace ((S * (Z * norm w)) ^ 2) with (norm w ^ 2 * (Z * S) ^ 2) by ring.
  rewrite (norm_option w); fold v u.
  assert (u2 := pow2_ge_0 (norm u)); assert (v2 := pow2_ge_0 v).
  assert (norm u ^ 2 * norm U ^ 2 <= norm u ^ 2 * (Z * S) ^ 2)
    by now apply Rmult_le_compat_l.
  assert (v ^ 2 * norm U ^ 2 <= v ^ 2 * (Z * S) ^ 2) by now apply Rmult_le_compat_l.
  lra.
Qed.

(** Margins are bilinear: there is a second-order term, and no third. *)
Lemma margin_change i : unit_margin (z i) descended = unit_margin (z i) w +
  (eta * (q * inner u (z i) + v * (v * inner U (z i))) +
   eta ^ 2 * (q * (v * inner U (z i)))).
Proof.
  unfold unit_margin; rewrite descended_v.
  replace (inner (incoming descended) (z i)) with
    (inner u (z i) + eta * (v * inner U (z i))).
  - unfold u, v; ring.
  - unfold inner; rewrite <- !Sum_scal, <- Sum_plus; apply Sum_ext; intros j.
    change (incoming descended j) with (descended (Some j)); rewrite descended_u; ring.
Qed.

Let K := eta * (Z * (norm w * G)) * (1 + eta * S * Z / 2).

Lemma condition_parts : 0 <= eta * S * Z <= 1 /\
  eta * S * (Z * norm w) ^ 2 * (1 + eta * S * Z / 2) ^ 2 <= / 4.
Proof.
  assert (S0 := loss_nonneg); assert (W := pow2_ge_0 (norm w)).
  assert (eS : 0 <= eta * S) by (apply Rmult_le_pos; lra).
  set (y := eta * S * Z); set (c := eta * S * (Z * norm w) ^ 2).
  assert (y0 : 0 <= y) by now apply Rmult_le_pos.
  assert (c0 : 0 <= c) by (apply Rmult_le_pos; auto; apply pow2_ge_0).
  assert (xy : 4 * c + y <= 1) by (unfold c, y; lra).
  split; [lra |].
  assert (Sq : 0 <= (1 + y / 2) ^ 2) by apply pow2_ge_0.
  apply Rle_trans with ((1 - y) / 4 * (1 + y / 2) ^ 2);
    [apply Rmult_le_compat_r; lra |].
  assert (0 <= y ^ 2) by apply pow2_ge_0; assert (0 <= y ^ 3) by now apply pow_le.
  lra.
Qed.

Lemma K_parts : 0 <= K <= 1 /\ S * K ^ 2 <= / 4 * (eta * slope2).
Proof.
  assert (S0 := loss_nonneg); assert (W := norm_nonneg w).
  assert (G0 : 0 <= G) by apply sqrt_pos; assert (GL := G_le).
  destruct condition_parts as [[y0 y1] C4]; set (y := eta * S * Z) in *.
  assert (Zw : 0 <= Z * norm w) by now apply Rmult_le_pos.
  assert (K0 : 0 <= K).
  { unfold K; fold y; apply Rmult_le_pos; [| lra]; apply Rmult_le_pos; [lra |].
    apply Rmult_le_pos; auto; now apply Rmult_le_pos. }
  split; [split; auto |].
  - assert (eta * (Z * norm w) * G <= eta * (Z * norm w) * (S * (Z * norm w))).
    { apply Rmult_le_compat_l; auto; apply Rmult_le_pos; lra. }
    assert (KL : K <= eta * S * (Z * norm w) ^ 2 * (1 + y / 2)).
    { unfold K; fold y; apply Rmult_le_compat_r; lra. }
    apply Rle_trans with (1 := KL).
    assert (c0 : 0 <= eta * S * (Z * norm w) ^ 2).
    { apply Rmult_le_pos; [apply Rmult_le_pos; lra | apply pow2_ge_0]. }
    apply Rle_trans with (eta * S * (Z * norm w) ^ 2 * (1 + y / 2) ^ 2); [| lra].
    apply Rmult_le_compat_l; auto; nra.
  - unfold K; fold y.
    replace (S * (eta * (Z * (norm w * G)) * (1 + y / 2)) ^ 2) with
      (eta * G ^ 2 * (eta * S * (Z * norm w) ^ 2 * (1 + y / 2) ^ 2)) by ring.
    rewrite G_sqr, Rmult_comm; apply Rmult_le_compat_r; auto.
    apply Rmult_le_pos; [lra | apply slope2_nonneg].
Qed.

Lemma change_le i : Rabs (unit_margin (z i) descended - unit_margin (z i) w) <= K.
Proof.
  assert (S0 := loss_nonneg); assert (W := norm_nonneg w).
  assert (G0 : 0 <= G) by apply sqrt_pos; assert (GL := G_le).
  assert (U0 := norm_nonneg U); assert (u0 := norm_nonneg u).
  assert (Zi := Z_bound i); assert (q0 := Rabs_pos q); assert (v0 := Rabs_pos v).
  rewrite margin_change.
  replace (unit_margin (z i) w + _ - unit_margin (z i) w) with
    (eta * (q * inner u (z i) + v * (v * inner U (z i))) +
     eta ^ 2 * (q * (v * inner U (z i)))) by ring.
  assert (Iu : Rabs (inner u (z i)) <= norm u * Z).
  { apply Rle_trans with (1 := inner_abs_le _ _); now apply Rmult_le_compat_l. }
  assert (IU : Rabs v * Rabs (inner U (z i)) <= Rabs v * norm U * Z).
  { rewrite Rmult_assoc; apply Rmult_le_compat_l; auto.
    apply Rle_trans with (1 := inner_abs_le _ _); now apply Rmult_le_compat_l. }
  set (Y := Rabs v * norm U) in *; assert (Y0 : 0 <= Y) by now apply Rmult_le_pos.
  assert (G2 : G ^ 2 = Rabs q ^ 2 + Y ^ 2).
  { unfold Y; rewrite G_sqr, Rpow_mult_distr, !pow2_abs; reflexivity. }
  assert (First : Rabs (q * inner u (z i) + v * (v * inner U (z i))) <=
    Z * (norm w * G)).
  { apply Rle_trans with (1 := Rabs_triang _ _); rewrite !Rabs_mult.
    assert (CS := plane_inner_le (Rabs q) Y (norm u) (Rabs v) G (norm w) G0 W G2).
    assert (E : norm w ^ 2 = norm u ^ 2 + Rabs v ^ 2)
      by (rewrite pow2_abs, (norm_option w); unfold u, v; ring).
    specialize (CS E).
    assert (X1 : Rabs q * Rabs (inner u (z i)) <= Rabs q * (norm u * Z))
      by now apply Rmult_le_compat_l.
    assert (X2 : Rabs v * (Rabs v * Rabs (inner U (z i))) <= Rabs v * (Y * Z))
      by now apply Rmult_le_compat_l.
    apply Rmult_le_compat_l with (r := Z) in CS; auto; lra. }
  assert (Third : Rabs (q * (v * inner U (z i))) <= Z * (norm w * G) * (S * Z / 2)).
  { rewrite !Rabs_mult.
    assert (X1 : Rabs q * (Rabs v * Rabs (inner U (z i))) <= Rabs q * (Y * Z))
      by now apply Rmult_le_compat_l.
    assert (X2 : Z * (Rabs q * Y) <= Z * (G ^ 2 / 2)).
    { apply Rmult_le_compat_l; auto; rewrite G2.
      assert (Q := pow2_ge_0 (Rabs q - Y)); lra. }
    assert (X3 : Z * (G / 2) * G <= Z * (G / 2) * (S * (Z * norm w))).
    { apply Rmult_le_compat_l; auto; apply Rmult_le_pos; lra. }
    lra. }
  apply Rle_trans with (1 := Rabs_triang _ _).
  rewrite !(Rabs_mult (eta)), (Rabs_mult (eta ^ 2)), (Rabs_pos_eq eta) by lra.
  rewrite (Rabs_pos_eq (eta ^ 2)) by apply pow2_ge_0.
  apply Rmult_le_compat_l with (r := eta) in First; [| lra].
  apply Rmult_le_compat_l with (r := eta ^ 2) in Third; [| apply pow2_ge_0].
  unfold K; lra.
Qed.

(** The loss falls by at least 3/4 of what a straight line promises. *)
Lemma descent_step : Sum (fun i => exp (- unit_margin (z i) descended)) <=
  S - 3 / 4 * (eta * slope2).
Proof.
  destruct K_parts as [KK SK]; assert (S0 := loss_nonneg).
  assert (s0 := slope2_nonneg); assert (A0 := A_nonneg).
  set (h i := unit_margin (z i) descended - unit_margin (z i) w).
  set (c1 := 1 + K ^ 2 / 6); set (c2 := K ^ 2 / 2 * (1 + K ^ 2 / 3)).
  assert (K2 := pow2_ge_0 K); assert (K21 : K ^ 2 <= 1) by nra.
  (* the margins move along the gradient, and the second-order term helps *)
  assert (Along : eta * slope2 <= Sum (fun i => p i * h i)).
  { assert (E : Sum (fun i => p i * h i) = eta * slope2 + eta ^ 2 * (A * norm U ^ 2)).
    { transitivity (Sum (fun i => eta * q * (p i * inner u (z i)) +
        (eta * v ^ 2 + eta ^ 2 * (q * v)) * (p i * inner U (z i)))).
      - apply Sum_ext; intros i; unfold h; rewrite margin_change; ring.
      - rewrite Sum_plus, !Sum_scal, <- !inner_combination; fold U q.
        rewrite inner_self; unfold slope2, A; ring. }
    rewrite E; assert (0 <= eta ^ 2 * (A * norm U ^ 2)); [| lra].
    apply Rmult_le_pos; [apply pow2_ge_0 |].
    apply Rmult_le_pos; auto; apply pow2_ge_0. }
  assert (Up : Sum (fun i => exp (- unit_margin (z i) descended)) <=
    Sum (fun i => p i + (- c1 * (p i * h i) + c2 * p i))).
  { apply Sum_le; intros i; unfold p.
    replace (- unit_margin (z i) descended) with
      (- unit_margin (z i) w + - h i) by (unfold h; ring).
    rewrite exp_plus; fold (p i); assert (P := exponentials_nonneg i).
    assert (B := change_le i); fold (h i) in B; apply Rabs_le_between in B.
    assert (C := exp_chord (h i) K KK B); fold c1 c2 in C.
    apply Rmult_le_compat_l with (r := p i) in C; auto; lra. }
  rewrite !Sum_plus, !Sum_scal in Up.
  assert (Ep : 0 <= eta * slope2) by (apply Rmult_le_pos; lra).
  assert (C1 : eta * slope2 <= c1 * Sum (fun i => p i * h i)).
  { unfold c1; assert (0 <= K ^ 2 / 6 * Sum (fun i => p i * h i))
      by (apply Rmult_le_pos; lra); lra. }
  assert (C2 : c2 * S <= S * K ^ 2).
  { rewrite (Rmult_comm S); apply Rmult_le_compat_r; auto; unfold c2.
    assert (K ^ 2 * K ^ 2 <= K ^ 2 * 1) by (apply Rmult_le_compat_l; lra); lra. }
  lra.
Qed.

(** What the norm gains. *)
Lemma descended_norm :
  norm descended ^ 2 = norm w ^ 2 + 4 * (eta * A) + eta * (eta * slope2).
Proof.
  rewrite !norm_option, descended_v, !norm_sqr; fold v.
  transitivity ((v + eta * q) ^ 2 + Sum (fun j => u j ^ 2 +
    (2 * eta * v * (u j * U j) + (eta * v) ^ 2 * U j ^ 2))).
  - f_equal; apply Sum_ext; intros j.
    change (incoming descended j) with (descended (Some j)); rewrite descended_u; ring.
  - rewrite !Sum_plus, !Sum_scal, <- norm_sqr; fold (inner u U); fold q u.
    unfold A, slope2; rewrite <- (norm_sqr U); rewrite <- (norm_sqr u); ring.
Qed.

(** The gradient is steep where the margins are large. *)
Lemma slope2_large ubar gam : 0 <= gam -> norm ubar <= 1 ->
  (forall i, gam <= inner ubar (z i)) -> 2 * gam * (S * A) <= slope2.
Proof.
  intros g0 ub Mg; assert (S0 := loss_nonneg); assert (A0 := A_nonneg).
  assert (U0 := norm_nonneg U).
  assert (Steep : gam * S <= norm U).
  { apply Rle_trans with (inner ubar U).
    - unfold U; rewrite inner_combination, <- Sum_scal; apply Sum_le; intros i.
      rewrite Rmult_comm; apply Rmult_le_compat_l; auto; apply exponentials_nonneg.
    - apply Rle_trans with (1 := inner_le_norm _ _).
      rewrite <- (Rmult_1_l (norm U)) at 2; now apply Rmult_le_compat_r. }
  apply Rle_trans with (2 * (A * norm U)).
  - apply Rmult_le_compat_l with (r := A) in Steep; auto; lra.
  - unfold A, slope2; assert (Q := pow2_ge_0 (q - v * norm U)).
    lra.
Qed.

End Step.

(** ** The run *)

(** t log (1 / t) is at most 1, and vanishes with t. *)
Lemma log_le_root t : 0 < t -> t * ln (/ t) <= 2 * sqrt t.
Proof.
  intros t0; assert (R := sqrt_lt_R0 t t0).
  assert (E : ln (/ t) = 2 * ln (/ sqrt t)).
  { rewrite <- (sqrt_sqrt t) at 1 by lra; rewrite Rinv_mult, ln_mult; [ring | |];
      now apply Rinv_0_lt_compat. }
  assert (X := exp_ineq1_le (ln (/ sqrt t))).
  rewrite exp_ln in X by now apply Rinv_0_lt_compat.
  assert (Y : t * ln (/ t) <= t * (2 * / sqrt t))
    by (apply Rmult_le_compat_l; lra).
  apply Rle_trans with (1 := Y); right.
  rewrite <- (sqrt_sqrt t) at 1 by lra; field; lra.
Qed.

Section Run.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (alpha : R) (feat : X -> vec J) (s Z eta gam : R) (ubar : vec J).
Variables (w d : nat -> vec (option J)).
Notation Phi := (one_unit alpha feat).
Notation L n := (total_loss (summed exponential) Phi (w n)).
Notation z := (oriented alpha feat s).
(* statement: theorem H2 hypotheses *)
Hypothesis alpha_pos : 0 < alpha.
Hypothesis sign : s = 1 \/ s = -1.
Hypothesis eta_pos : 0 < eta.
Hypothesis Z_bound : forall i, norm (z i) <= Z.
(* a vector in the unit ball with margins at least gam *)
Hypothesis gam_pos : 0 < gam.
Hypothesis ubar_norm : norm ubar <= 1.
Hypothesis ubar_margins : forall i, gam <= inner ubar (z i).
Hypothesis gradients : forall n,
  clarke (total_loss (summed exponential) Phi) (w n) (d n).
Hypothesis step : forall n o, w (S n) o = w n o - eta * d n o.
Hypothesis start_sign : 0 < s * w 0%nat None.
Hypothesis start_loss : L 0 < 1.
Hypothesis step_size : eta * L 0 *
  (4 * Z ^ 2 * (norm (w 0%nat) ^ 2 + 2 * eta * L 0 + 4 / gam) + Z) <= 1.
(* end statement *)

Lemma Z_nonneg_run : 0 <= Z.
Proof.
  destruct nonempty as [i]; apply Rle_trans with (2 := Z_bound i), norm_nonneg.
Qed.

Lemma run_loss_pos n : 0 < L n.
Proof. apply total_loss_pos. Qed.

(** A loss below 1 has margins of at least minus its logarithm. *)
Lemma margins_of_loss n i : L n < 1 -> - ln (L n) <= y i * Phi (w n) (x i) /\
  0 < - ln (L n).
Proof.
  intros L1; assert (P := run_loss_pos n); split.
  - assert (Le : exp (- (y i * Phi (w n) (x i))) <= L n).
    { apply (Sum_ge_term (fun i => ell exponential (y i * Phi (w n) (x i)))).
      intros; left; apply ell_pos. }
    apply ln_le in Le; [| apply exp_pos]; rewrite ln_exp in Le; lra.
  - assert (ln (L n) < ln 1) by (apply ln_increasing; lra).
    rewrite ln_1 in *; lra.
Qed.

(** The loss at a point on the right sides. *)
Lemma loss_on_sides w' : (forall i, 0 < s * y i * inner (incoming w') (feat (x i))) ->
  total_loss (summed exponential) Phi w' = Sum (fun i => exp (- unit_margin (z i) w')).
Proof.
  intros Si; rewrite total_loss_summed; apply Sum_ext; intros i; unfold ell.
  do 2 f_equal.
  now apply (margin_on_side alpha feat s alpha_pos sign).
Qed.

(** What is kept from step to step. *)
Definition kept (n : nat) : Prop := 0 < s * w n None /\ L n <= L 0 /\
  norm (w n) ^ 2 <= norm (w 0%nat) ^ 2 + 4 / gam * ln (L 0 / L n) +
    2 * eta * (L 0 - L n).

Lemma kept_condition n : kept n ->
  eta * L n * (4 * Z ^ 2 * norm (w n) ^ 2 + Z) <= 1.
Proof.
  intros (_ & Ln & Nn); assert (P := run_loss_pos n); assert (P0 := run_loss_pos 0).
  assert (Z0 := Z_nonneg_run); assert (Z2 := pow2_ge_0 Z).
  apply Rle_trans with (2 := step_size).
  assert (t0 : 0 < L n / L 0) by now apply Rdiv_lt_0_compat.
  assert (Log : L n * ln (L 0 / L n) <= L 0).
  { assert (T1 := exp_ineq1_le (ln (L 0 / L n))).
    rewrite exp_ln in T1 by now apply Rdiv_lt_0_compat.
    assert (Y : L n * ln (L 0 / L n) <= L n * (L 0 / L n))
      by (apply Rmult_le_compat_l; lra).
    replace (L n * (L 0 / L n)) with (L 0) in Y by (field; lra); exact Y. }
  assert (g4 : 0 < 4 / gam) by (apply Rdiv_lt_0_compat; lra).
  assert (Main : L n * norm (w n) ^ 2 <=
    L 0 * (norm (w 0%nat) ^ 2 + 2 * eta * L 0 + 4 / gam)).
  { apply Rle_trans with (L n * (norm (w 0%nat) ^ 2 + 4 / gam * ln (L 0 / L n) +
      2 * eta * (L 0 - L n))); [apply Rmult_le_compat_l; lra |].
    assert (N0 := pow2_ge_0 (norm (w 0%nat))).
    assert (L n * norm (w 0%nat) ^ 2 <= L 0 * norm (w 0%nat) ^ 2)
      by now apply Rmult_le_compat_r.
    apply Rmult_le_compat_l with (r := 4 / gam) in Log; [| lra].
    assert (E : L n * (2 * eta * (L 0 - L n)) <= L 0 * (2 * eta * L 0)).
    { apply Rmult_le_compat; try lra.
      - apply Rmult_le_pos; lra.
      - apply Rmult_le_compat_l; lra. }
    lra. }
  apply Rmult_le_compat_l with (r := 4 * Z ^ 2 * eta) in Main;
    [| apply Rmult_le_pos; lra].
  assert (eta * Z * L n <= eta * Z * L 0)
    by (apply Rmult_le_compat_l; auto; apply Rmult_le_pos; lra).
  lra.
Qed.

(** One step of the run is one of [descended]. *)
Section KeptStep.
Variable n : nat.
Hypothesis kept_n : kept n.

Lemma kept_small : L n < 1.
Proof. destruct kept_n as (_ & Ln & _); lra. Qed.

Lemma kept_margins i : 0 < y i * Phi (w n) (x i).
Proof. destruct (margins_of_loss n i kept_small); lra. Qed.

Lemma kept_smooth i : y i * Phi (w n) (x i) = unit_margin (z i) (w n).
Proof.
  apply (margin_smooth alpha feat s alpha_pos sign); [apply kept_n |].
  exact kept_margins.
Qed.

Lemma kept_loss : L n = Sum (fun i => exp (- unit_margin (z i) (w n))).
Proof.
  rewrite total_loss_summed; apply Sum_ext; intros i; unfold ell.
  now rewrite kept_smooth.
Qed.

Lemma kept_next : w (S n) = descended z eta (w n).
Proof.
  apply functional_extensionality; intros o; rewrite step; unfold descended.
  rewrite (proj1 (unit_loss_clarke exponential alpha feat s alpha_pos sign (w n)
    (proj1 kept_n) kept_margins (d n)) (gradients n) o).
  transitivity (w n o + eta * (-1 * Sum (fun i =>
    ell' exponential (unit_margin (z i) (w n)) * unit_gradient (z i) (w n) o)));
    [ring |].
  f_equal; f_equal; rewrite <- Sum_scal; apply Sum_ext; intros i; unfold ell'; ring.
Qed.

Lemma kept_nonneg i : 0 <= unit_margin (z i) (w n).
Proof. rewrite <- kept_smooth; left; apply kept_margins. Qed.

Lemma kept_step_size :
  eta * Sum (fun i => exp (- unit_margin (z i) (w n))) *
    (4 * Z ^ 2 * norm (w n) ^ 2 + Z) <= 1.
Proof. rewrite <- kept_loss; now apply kept_condition. Qed.

Lemma next_sign : 0 < s * w (S n) None.
Proof.
  apply (sign_step exponential alpha feat w d alpha_pos gradients (fun _ _ => 1) eta
    eta_pos) with (n := n); auto.
  - intros m o; rewrite step; ring.
  - lra.
  - exact kept_margins.
  - apply kept_n.
Qed.

(** The squared gradient. *)
Let slope2 := inner (incoming (w n))
    (combination z (fun i => exp (- unit_margin (z i) (w n)))) ^ 2 +
  w n None ^ 2 * norm (combination z (fun i => exp (- unit_margin (z i) (w n)))) ^ 2.
Let A := w n None * inner (incoming (w n))
    (combination z (fun i => exp (- unit_margin (z i) (w n)))).

Lemma next_loss : L (S n) <= L n - 3 / 4 * (eta * slope2).
Proof.
  assert (De := descent_step z Z eta (w n) Z_nonneg_run Z_bound eta_pos kept_nonneg
    kept_step_size); fold slope2 in De; rewrite <- kept_loss, <- kept_next in De.
  assert (S0 := kept_small).
  assert (s0 : 0 <= eta * slope2).
  { apply Rmult_le_pos; [lra |]; apply Rplus_le_le_0_compat; [apply pow2_ge_0 |].
    apply Rmult_le_pos; apply pow2_ge_0. }
  rewrite loss_on_sides; auto; intros i.
  apply (side_of_unit_margin alpha feat s alpha_pos sign); [apply next_sign |].
  (* an exponential below 1 *)
  apply Rnot_le_lt; intros M.
  assert (One : exp (- unit_margin (z i) (w (S n))) <=
    Sum (fun i => exp (- unit_margin (z i) (w (S n)))))
    by (apply (Sum_ge_term (fun i => exp (- unit_margin (z i) (w (S n)))));
        intros; left; apply exp_pos).
  assert (T1 := exp_ineq1_le (- unit_margin (z i) (w (S n)))); lra.
Qed.

Lemma slope2_A : 2 * gam * (L n * A) <= slope2.
Proof.
  rewrite kept_loss; apply (slope2_large z (w n) kept_nonneg ubar gam); auto; lra.
Qed.

Lemma A_large : L n * - ln (L 0) <= A.
Proof.
  unfold A; rewrite inner_combination, <- Sum_scal, kept_loss at 1.
  rewrite Rmult_comm, <- Sum_scal; apply Sum_le; intros i.
  destruct (margins_of_loss n i kept_small) as [M _]; rewrite kept_smooth in M.
  assert (Ln := ln_le _ _ (run_loss_pos n) (proj1 (proj2 kept_n))).
  assert (E := exp_pos (- unit_margin (z i) (w n))); unfold unit_margin in *.
  set (e := exp _) in *.
  assert (e * - ln (L 0) <= e * (w n None * inner (incoming (w n)) (z i)))
    by (apply Rmult_le_compat_l; lra).
  lra.
Qed.

Lemma kept_step : kept (S n) /\
  L (S n) <= L n - 3 / 2 * (eta * gam * - ln (L 0)) * L n ^ 2.
Proof.
  assert (Nl := next_loss); assert (P := run_loss_pos n); assert (P' := run_loss_pos (S n)).
  assert (P0 := run_loss_pos 0); assert (SA := slope2_A); assert (Al := A_large).
  destruct kept_n as (Vn & Ln & Nn).
  assert (l0 : 0 < - ln (L 0)).
  { destruct nonempty as [i]; apply (margins_of_loss 0 i); lra. }
  assert (A0 : 0 <= A) by (apply Rle_trans with (2 := Al), Rmult_le_pos; lra).
  assert (s0 : 0 <= slope2).
  { apply Rle_trans with (2 := SA); apply Rmult_le_pos; [lra |].
    apply Rmult_le_pos; lra. }
  assert (es0 : 0 <= eta * slope2) by (apply Rmult_le_pos; lra).
  (* what the logarithm pays *)
  assert (Log : 1 - L (S n) / L n <= ln (L n / L (S n))).
  { assert (T1 := exp_ineq1_le (ln (L (S n) / L n))).
    rewrite exp_ln in T1 by now apply Rdiv_lt_0_compat.
    replace (ln (L n / L (S n))) with (- ln (L (S n) / L n)); [lra |].
    rewrite <- ln_Rinv by now apply Rdiv_lt_0_compat.
    f_equal; field; lra. }
  assert (Pay : 3 / 2 * gam * (eta * A) <= ln (L n / L (S n))).
  { apply Rle_trans with (2 := Log); apply Rmult_le_reg_l with (L n); auto.
    replace (L n * (1 - L (S n) / L n)) with (L n - L (S n)) by (field; lra).
    apply Rmult_le_compat_l with (r := eta) in SA; lra. }
  split; [split; [exact next_sign | split; [lra |]] |].
  - rewrite kept_next at 1; rewrite descended_norm; fold slope2 A.
    assert (Split : ln (L 0 / L (S n)) = ln (L 0 / L n) + ln (L n / L (S n))).
    { rewrite <- ln_mult by now apply Rdiv_lt_0_compat.
      f_equal; field; lra. }
    rewrite Split.
    assert (Gain : 4 * (eta * A) <= 4 / gam * ln (L n / L (S n))).
    { apply Rmult_le_reg_l with gam; auto.
      replace (gam * (4 / gam * ln (L n / L (S n)))) with (4 * ln (L n / L (S n)))
        by (field; lra).
      assert (0 <= gam * (eta * A)).
      { apply Rmult_le_pos; [lra |]; apply Rmult_le_pos; lra. }
      lra. }
    assert (Own : eta * (eta * slope2) <= eta * (2 * (L n - L (S n))))
      by (apply Rmult_le_compat_l; lra).
    lra.
  - assert (X1 : L n * (L n * - ln (L 0)) <= L n * A)
      by (apply Rmult_le_compat_l; lra).
    assert (X2 : eta * (2 * gam * (L n * (L n * - ln (L 0)))) <= eta * slope2).
    { apply Rmult_le_compat_l; [lra |]; apply Rle_trans with (2 := SA).
      apply Rmult_le_compat_l; lra. }
    lra.
Qed.

End KeptStep.

Lemma all_kept n : kept n.
Proof.
  induction n as [| n IH]; [| now apply kept_step].
  assert (P0 := run_loss_pos 0); split; [exact start_sign |]; split; [lra |].
  replace (L 0 / L 0) with 1 by (field; lra); rewrite ln_1; lra.
Qed.

Lemma descent_loss_lim : is_lim_seq (fun n => L n) 0.
Proof.
  assert (P0 := run_loss_pos 0).
  assert (l0 : 0 < - ln (L 0)).
  { destruct nonempty as [i]; apply (margins_of_loss 0 i); lra. }
  set (c := 3 / 2 * (eta * gam * - ln (L 0))).
  assert (c0 : 0 < c).
  { apply Rmult_lt_0_compat; [lra |]; apply Rmult_lt_0_compat; auto.
    now apply Rmult_lt_0_compat. }
  assert (Se : ex_series (fun n => L n ^ 2)).
  { apply (summable _ (L 0 / c)); [intros; apply pow2_ge_0 |]; intros n.
    assert (B : c * first_terms (fun n => L n ^ 2) n <= L 0 - L n).
    { induction n as [| n IH]; cbn [first_terms]; [lra |].
      destruct (kept_step n (all_kept n)) as [_ Fall]; fold c in Fall; lra. }
    apply Rmult_le_reg_l with c; auto; replace (c * (L 0 / c)) with (L 0)
      by (field; lra).
    assert (P := run_loss_pos n); lra. }
  assert (Sq := ex_series_lim_0 _ Se); apply near_lim; intros e e0.
  generalize (lim_near _ 0 (e ^ 2) Sq ltac:(now apply pow_lt)); apply eventually_imp.
  intros n [_ Up]; assert (P := run_loss_pos n); split; [lra |]; nra.
Qed.

Lemma descent_loss_fast : is_lim_seq (fun n => norm (w n) ^ 2 * L n) 0.
Proof.
  assert (P0 := run_loss_pos 0); assert (N0 := pow2_ge_0 (norm (w 0%nat))).
  set (c1 := norm (w 0%nat) ^ 2 + 2 * eta * L 0); set (c2 := 8 / gam * L 0).
  assert (Lr : is_lim_seq (fun n => sqrt (L n / L 0)) 0).
  { rewrite <- sqrt_0; apply (is_lim_seq_continuous sqrt (fun n => L n / L 0)).
    - apply continuity_pt_sqrt; lra.
    - assert (Q := lim_seq_scal _ (/ L 0) 0 descent_loss_lim); rewrite Rmult_0_r in Q.
      revert Q; apply is_lim_seq_ext; intros; unfold Rdiv; ring. }
  assert (Up : is_lim_seq (fun n => c1 * L n + c2 * sqrt (L n / L 0)) 0).
  { replace 0 with (c1 * 0 + c2 * 0) by ring; apply is_lim_seq_plus';
      apply lim_seq_scal; [apply descent_loss_lim | exact Lr]. }
  revert Up; apply is_lim_seq_le_le with (u := fun _ => 0);
    [| apply is_lim_seq_const]; intros n.
  assert (P := run_loss_pos n); destruct (all_kept n) as (_ & Ln & Nn).
  split; [apply Rmult_le_pos; [apply pow2_ge_0 | lra] |].
  assert (t0 : 0 < L n / L 0) by now apply Rdiv_lt_0_compat.
  assert (Root := log_le_root _ t0).
  replace (/ (L n / L 0)) with (L 0 / L n) in Root by (field; lra).
  assert (g4 : 0 <= 4 / gam * L 0).
  { apply Rmult_le_pos; [apply Rdiv_le_0_compat |]; lra. }
  apply Rmult_le_compat_l with (r := 4 / gam * L 0) in Root; auto.
  replace (4 / gam * L 0 * (L n / L 0 * ln (L 0 / L n))) with
    (4 / gam * ln (L 0 / L n) * L n) in Root by (field; lra).
  apply Rmult_le_compat_r with (r := L n) in Nn; [| lra].
  assert (0 <= 2 * eta * L n * L n)
    by (apply Rmult_le_pos; [apply Rmult_le_pos |]; lra).
  replace (c2 * sqrt (L n / L 0)) with (4 / gam * L 0 * (2 * sqrt (L n / L 0)))
    by (unfold c2; field; lra).
  unfold c1; lra.
Qed.

(* statement: theorem H2 *)
(** From a small enough step size the two hypotheses follow, and with them the rest. *)
Theorem theorem_H2 :
  is_lim_seq (fun n => L n) 0 /\ is_lim_seq (fun n => norm (w n) ^ 2 * L n) 0 /\
  to_the_KKT_point_of_its_sign alpha feat (fun _ => 1) w.
(* end statement *)
Proof.
  assert (Ll := descent_loss_lim); assert (Lf := descent_loss_fast).
  split; [exact Ll |]; split; [exact Lf |].
  replace (fun _ : option J => 1) with (fun _ : option J => / sqrt 1)
    by (apply functional_extensionality; intros; rewrite sqrt_1; field).
  apply (preconditioned_unit exponential alpha feat w d alpha_pos gradients Ll Lf
    (fun _ _ => 1) (fun _ => 1) eta eta_pos).
  - intros n o; rewrite step; ring.
  - intros; lra.
  - intros o; apply is_lim_seq_const.
Qed.

End Run.
