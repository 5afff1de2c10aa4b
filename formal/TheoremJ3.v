(** * Theorem J3: a step size for Procedure 1 and networks of any depth

    Exponential loss of smooth homogeneous margins.  From an explicit condition on the
    start: the factors of Procedure 1 stay between two explicit bounds, every step lowers
    the loss, and the loss vanishes, fast enough against the norm. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export HomogeneousStep.
Open Scope R_scope.

(* statement: factor floor *)
(** A lower bound of the factors, from the loss L0 at the start and c >= 1 - rho. *)
Definition factor_floor {J} (eta L0 : R) (c delta eps g0 : vec J) : vec J := fun j =>
  let b := c j * L0 / (eta * (delta j + g0 j)) in
  - b + sqrt (b ^ 2 + eps j / (delta j + g0 j)).
(* end statement *)

(** ** The lower bound of the factors, whatever the loss *)

Section Floor.
Context {J : Type} `{FiniteType J} {f : vec J -> R}.
Context {eta : R} {delta eps : vec J} {rho w d g h : nat -> vec J}.
Hypothesis run : procedure_1 f eta delta eps rho w d g h.
Variables (L0 : R) (c : vec J).
Hypothesis L0_nonneg : 0 <= L0.
Hypothesis weights_at_most : forall k j, 1 - rho k j <= c j.
Notation P := (factors delta eps g h).
Notation floor := (factor_floor eta L0 c delta eps (g 0%nat)).

(** The floor is the positive root of x^2 + 2 b x = eps / (delta + g0). *)
Lemma floor_root j : 0 < floor j /\
  floor j ^ 2 * (delta j + g 0%nat j) + c j * (2 / eta * L0) * floor j = eps j.
Proof.
  assert (Dj := delta_positive run j); assert (Gj := g_initial run j).
  assert (Ej := eps_positive run j); assert (Ep := rate_positive run).
  assert (Cj := weights_nonneg run c weights_at_most j).
  unfold factor_floor; set (G := delta j + g 0%nat j); assert (G0 : 0 < G) by (unfold G; lra).
  set (b := c j * L0 / (eta * G)); set (e := eps j / G).
  assert (B0 : 0 <= b).
  { apply Rmult_le_pos; [now apply Rmult_le_pos |].
    left; apply Rinv_0_lt_compat, Rmult_lt_0_compat; lra. }
  assert (E0 : 0 < e) by now apply Rdiv_lt_0_compat.
  assert (Sq : sqrt (b ^ 2 + e) ^ 2 = b ^ 2 + e).
  { rewrite <- Rsqr_pow2; apply Rsqr_sqrt; generalize (pow2_ge_0 b); lra. }
  assert (S0 := sqrt_pos (b ^ 2 + e)); set (r := sqrt (b ^ 2 + e)) in *; split; [nra |].
  transitivity ((r ^ 2 - b ^ 2) * G); [unfold b; field; lra |].
  rewrite Sq; unfold e; field; lra.
Qed.

(** The average g takes in at most c over the floor times what is spent ... *)
Definition g_kept k j : Prop :=
  g k j <= g 0%nat j + c j * / floor j * spent delta eps d g h k j.

Lemma g_kept_start j : g_kept 0 j.
Proof. unfold g_kept, spent; simpl; lra. Qed.

Lemma g_step k j : g (S k) j <= g k j + c j * d k j ^ 2.
Proof.
  rewrite (run_g run j k); destruct (rho_in_range run k j).
  assert (G := run_g_nonneg run k j); assert (D2 := pow2_ge_0 (d k j)).
  assert (W := weights_at_most k j); nra.
Qed.

(** ... as long as the factor is above the floor; *)
Lemma g_kept_next k j : g_kept k j -> floor j <= P k j -> g_kept (S k) j.
Proof.
  unfold g_kept; intros Gk Up; apply Rle_trans with (1 := g_step k j).
  destruct (floor_root j) as [F0 _]; assert (D2 := pow2_ge_0 (d k j)).
  assert (Cj := weights_nonneg run c weights_at_most j).
  change (spent delta eps d g h (S k) j) with
    (spent delta eps d g h k j + P k j * d k j ^ 2).
  assert (T : c j * d k j ^ 2 <= c j * / floor j * (P k j * d k j ^ 2)).
  { rewrite Rmult_assoc; apply Rmult_le_compat_l; auto.
    rewrite <- Rmult_assoc; rewrite <- (Rmult_1_l (d k j ^ 2)) at 1.
    apply Rmult_le_compat_r; auto; apply Rmult_le_reg_l with (floor j); auto.
    rewrite <- Rmult_assoc, Rinv_r; lra. }
  lra.
Qed.

(** and it is, as long as no more is spent than the loss at the start allows. *)
Lemma factor_above k j : g_kept k j ->
  spent delta eps d g h (S k) j <= 2 / eta * L0 -> floor j <= P k j.
Proof.
  intros Gk One; destruct (floor_root j) as [F0 Root].
  assert (Dj := delta_positive run j); assert (Gj := g_initial run j).
  assert (Pp := run_factor_pos run k j); assert (D2 := pow2_ge_0 (d k j)).
  assert (Cj := weights_nonneg run c weights_at_most j).
  assert (S0 := spent_nonneg run k j).
  assert (G1 := run_g_nonneg run (S k) j); assert (Hk := run_h_nonneg run k j).
  assert (Ej := eps_positive run j).
  assert (Sq : P k j ^ 2 * (delta j + g (S k) j) = eps j + h k j).
  { unfold factors; rewrite (factor_sqr (delta j) (eps j) (fun k => rho k j)
      (fun k => d k j) (fun k => g k j) (fun k => h k j)); try (intros; apply run).
    field; lra. }
  change (spent delta eps d g h (S k) j) with
    (spent delta eps d g h k j + P k j * d k j ^ 2) in One.
  assert (Gs := g_step k j); unfold g_kept in Gk.
  apply Rnot_lt_le; intros N; set (s := spent delta eps d g h k j) in *.
  set (p := P k j) in *; set (F := floor j) in *.
  assert (Small : p * (/ F * s) <= s).
  { apply Rle_trans with (F * (/ F * s)).
    - apply Rmult_le_compat_r; [| lra]; apply Rmult_le_pos; auto.
      left; now apply Rinv_0_lt_compat.
    - right; field; lra. }
  assert (T1 : p ^ 2 * (delta j + g (S k) j) <=
    p ^ 2 * (delta j + g 0%nat j) + c j * p * (p * (/ F * s) + p * d k j ^ 2)).
  { replace (p ^ 2 * (delta j + g 0%nat j) + c j * p * (p * (/ F * s) + p * d k j ^ 2))
      with (p ^ 2 * (delta j + (g 0%nat j + c j * / F * s + c j * d k j ^ 2))) by ring.
    apply Rmult_le_compat_l; [apply pow2_ge_0 | lra]. }
  assert (Cp : 0 <= c j * p) by (apply Rmult_le_pos; lra).
  assert (T2 : c j * p * (p * (/ F * s) + p * d k j ^ 2) <= c j * p * (2 / eta * L0))
    by (apply Rmult_le_compat_l; lra).
  assert (E0 : 0 <= 2 / eta * L0).
  { apply Rmult_le_pos; auto; left; apply Rdiv_lt_0_compat; [lra | apply run]. }
  assert (T3 : c j * (2 / eta * L0) * p <= c j * (2 / eta * L0) * F)
    by (apply Rmult_le_compat_l; [apply Rmult_le_pos |]; lra).
  assert (T4 : p ^ 2 * (delta j + g 0%nat j) < F ^ 2 * (delta j + g 0%nat j))
    by (apply Rmult_lt_compat_r; [lra | nra]).
  lra.
Qed.

End Floor.

(** ** The run *)

Section Run.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Context {z : D -> vec J -> R} {dz : D -> vec J -> vec J} {q : nat} {B1 B2 : R}.
Hypothesis margins_smooth : smooth_margins z dz q B1 B2.
Hypothesis some_data : inhabited D.
Context {eta : R} {delta eps : vec J} {rho w d g h : nat -> vec J}.
Hypothesis run : procedure_1 (exp_loss z) eta delta eps rho w d g h.
Notation f := (exp_loss z).
Notation L k := (exp_loss z (w k)).
Notation P := (factors delta eps g h).
Notation U := (exp_descent z dz).
Notation m := (@log_margin J D _ z).
Notation l := (INR q + 2).

Lemma run_gradient k j : d k j = - U (w k) j.
Proof.
  apply (smooth_clarke f (fun w j => - U w j) (w k) (d k)); [| apply run].
  apply (exp_loss_gradient margins_smooth some_data).
Qed.

(** The steps are those of [HomogeneousStep]. *)
Lemma run_step k : w (S k) = (fun j => w k j + eta * P k j * U (w k) j).
Proof.
  apply functional_extensionality; intros j.
  rewrite (run_w run k j), run_gradient; ring.
Qed.

Lemma run_gain k : relative_gain (z := z) (dz := dz) (fun j => eta * P k j) (w k) * L k =
  eta * Sum (fun j => P k j * d k j ^ 2).
Proof.
  assert (L0 := exp_loss_pos (z := z) some_data (w k)); unfold relative_gain, Rdiv.
  rewrite Rmult_assoc, Rinv_l, Rmult_1_r, <- Sum_scal by lra.
  apply Sum_ext; intros j; rewrite run_gradient; ring.
Qed.

Variables (c : vec J) (a A : R).
(* statement: theorem J3 hypotheses *)
Hypothesis weights_at_most : forall k j, 1 - rho k j <= c j.
Hypothesis A_pos : 0 < A.
Hypothesis A_bound : forall j,
  factor_bound eta (exp_loss z (w 0%nat)) c delta eps (h 0%nat) j <= A.
Hypothesis a_pos : 0 < a.
Hypothesis a_floor : forall j,
  a <= factor_floor eta (exp_loss z (w 0%nat)) c delta eps (g 0%nat) j.
Hypothesis start_margin :
  8 / 3 * (1 - / (INR q + 2)) * (A / a) <= - ln (exp_loss z (w 0%nat)).
Hypothesis start_step :
  eta * A * exp_loss z (w 0%nat) * curvature q B1 B2 (norm (w 0%nat)) <= / 2.
(* end statement *)

Notation bound := (factor_bound eta (L 0) c delta eps (h 0%nat)).
Notation floor := (factor_floor eta (L 0) c delta eps (g 0%nat)).
Notation paid k := (spent delta eps d g h k).
Notation kappa k := (eta * A * L k * curvature q B1 B2 (norm (w k))).
Notation gain k := (Sum (fun j => P k j * d k j ^ 2)).
Notation y k := (relative_gain (z := z) (dz := dz) (fun j => eta * P k j) (w k)).
Let need := 8 / 3 * (1 - / l) * (A / a).

Lemma rate_A_pos : 0 < eta * A.
Proof. apply Rmult_lt_0_compat; [apply run | auto]. Qed.

Lemma loss_stays_pos k : 0 < L k.
Proof. apply (exp_loss_pos some_data). Qed.

Lemma need_pos : 0 < need.
Proof.
  assert (D2 := degree_large (q := q)).
  assert (/ l <= / 2) by (apply Rinv_le_contravar; lra).
  apply Rmult_lt_0_compat; [lra | now apply Rdiv_lt_0_compat].
Qed.

Definition held k : Prop := Sum (paid k) <= 2 / eta * (L 0 - L k) /\
  (forall j, h_kept (L 0) c k j (eta := eta) (delta := delta) (eps := eps)
    (d := d) (g := g) (h := h)) /\
  (forall j, g_kept (L 0) c k j (eta := eta) (delta := delta) (eps := eps)
    (d := d) (g := g) (h := h)) /\
  kappa k <= / 2.

Lemma paid_term k j : Sum (paid k) <= 2 / eta * (L 0 - L k) -> paid k j <= 2 / eta * L 0.
Proof.
  intros Sp; assert (Ep := rate_positive run); assert (Lk := loss_stays_pos k).
  apply Rle_trans with (Sum (paid k)).
  - apply (Sum_ge_term (paid k)); intros; apply (spent_nonneg run).
  - apply Rle_trans with (1 := Sp); apply Rmult_le_compat_l; [| lra].
    left; apply Rdiv_lt_0_compat; lra.
Qed.

Section KeptStep.
Variable k : nat.
Hypothesis kept_k : held k.

Lemma kept_below j : P k j <= bound j.
Proof.
  destruct kept_k as (Sp & Hk & _ & _); apply (factor_below run); auto.
  - left; apply loss_stays_pos.
  - now apply paid_term.
Qed.

Lemma kept_factor j : 0 < eta * P k j <= eta * A.
Proof.
  assert (Ep := rate_positive run); split.
  - apply Rmult_lt_0_compat; auto; apply (run_factor_pos run).
  - apply Rmult_le_compat_l; [lra |]; apply Rle_trans with (1 := kept_below j); auto.
Qed.

Lemma held_loss : L k <= L 0.
Proof.
  destruct kept_k as (Sp & _); assert (Ep := rate_positive run).
  assert (0 <= Sum (paid k)) by (apply Sum_nonneg, (spent_nonneg run)).
  apply Rmult_le_reg_l with (2 / eta); [apply Rdiv_lt_0_compat |]; lra.
Qed.

Lemma kept_margin : need <= m (w k).
Proof.
  apply Rle_trans with (1 := start_margin); unfold log_margin.
  apply Ropp_le_contravar, ln_le; [apply loss_stays_pos | apply held_loss].
Qed.

Lemma kept_gain : 0 <= y k <= / 2 /\ 3 / 4 * y k <= m (w (S k)) - m (w k).
Proof.
  destruct kept_k as (_ & _ & _ & Ka); assert (E := rate_A_pos).
  assert (B := step_bounds margins_smooth some_data (w k) (fun j => eta * P k j) (eta * A)
    kept_factor E ltac:(lra)).
  assert (N := relative_gain_nonneg (z := z) (dz := dz) some_data (w k) _ _ kept_factor).
  assert (G := gain_at_most margins_smooth some_data (w k) _ _ kept_factor E).
  cbv beta in B; rewrite <- run_step in B; split; [lra |].
  apply Rle_trans with (2 := proj1 B); rewrite Rmult_comm.
  apply Rmult_le_compat_l; lra.
Qed.

Lemma kept_descends : L (S k) <= L k - eta / 2 * gain k.
Proof.
  destruct kept_gain as [[y0 y1] De]; assert (Lk := loss_stays_pos k).
  rewrite (loss_of_log_margin (z := z) some_data (w (S k))).
  replace (eta / 2 * gain k) with (y k * L k / 2) by (rewrite run_gain; field).
  set (t := 3 / 4 * y k) in *.
  apply Rle_trans with (L k * exp (- t)).
  - rewrite (loss_of_log_margin (z := z) some_data (w k)), <- exp_plus.
    destruct (Rle_lt_or_eq_dec _ _ De) as [Lt | Eq].
    + left; apply exp_increasing; lra.
    + right; f_equal; lra.
  - replace (L k - y k * L k / 2) with (L k * (1 - 2 / 3 * t)) by (unfold t; field).
    apply Rmult_le_compat_l; [lra |].
    assert (T := exp_ineq1_le t); assert (X := exp_pos t); rewrite exp_Ropp.
    apply Rmult_le_reg_l with (exp t); auto; rewrite Rinv_r by lra.
    assert (0 <= t <= 3 / 8) by (unfold t; lra).
    apply Rle_trans with ((1 + t) * (1 - 2 / 3 * t)); [nra |].
    apply Rmult_le_compat_r; lra.
Qed.

Lemma kept_paid : Sum (paid (S k)) <= 2 / eta * (L 0 - L (S k)).
Proof.
  assert (De := kept_descends); destruct kept_k as (Sp & _).
  assert (Ep := rate_positive run).
  replace (Sum (paid (S k))) with (Sum (paid k) + gain k)
    by (rewrite <- Sum_plus; reflexivity).
  assert (gain k <= 2 / eta * (L k - L (S k))).
  { replace (gain k) with (2 / eta * (eta / 2 * gain k)) by (field; lra).
    apply Rmult_le_compat_l; [left; apply Rdiv_lt_0_compat; lra | lra]. }
  lra.
Qed.

Lemma kept_above j : floor j <= P k j.
Proof.
  destruct kept_k as (_ & _ & Gk & _).
  apply (factor_above run); auto; [left; apply loss_stays_pos |].
  apply paid_term, kept_paid.
Qed.

(** The descent direction is long against the loss, ... *)
Lemma kept_slope : l * m (w k) * L k <= norm (w k) * norm (U (w k)).
Proof.
  apply Rle_trans with (2 := inner_le_norm _ _).
  rewrite (inner_exp_descent (z := z) (dz := dz)).
  replace (l * m (w k) * L k) with (Sum (fun i => l * m (w k) * exp (- z i (w k))))
    by (now rewrite Sum_scal).
  apply Sum_le; intros i; rewrite (margin_euler margins_smooth), Rmult_comm.
  apply Rmult_le_compat_l; [left; apply exp_pos |].
  apply Rmult_le_compat_l; [generalize (degree_large (q := q)); lra |].
  apply margin_above_log.
Qed.

Lemma kept_gain_large : eta * a * norm (U (w k)) ^ 2 <= y k * L k.
Proof.
  rewrite run_gain, Rmult_assoc; assert (Ep := rate_positive run).
  apply Rmult_le_compat_l; [lra |]; rewrite norm_sqr, <- Sum_scal.
  apply Sum_le; intros j; rewrite run_gradient.
  replace ((- U (w k) j) ^ 2) with (U (w k) j ^ 2) by ring.
  apply Rmult_le_compat_r; [apply pow2_ge_0 |].
  apply Rle_trans with (1 := a_floor j), kept_above.
Qed.

Lemma kept_norm_pos : 0 < norm (w k) /\ 0 < norm (U (w k)).
Proof.
  assert (S := kept_slope); assert (M := kept_margin); assert (N0 := need_pos).
  assert (Lk := loss_stays_pos k); assert (D2 := degree_large (q := q)).
  assert (0 < l * m (w k) * L k)
    by (apply Rmult_lt_0_compat; auto; apply Rmult_lt_0_compat; lra).
  destruct (norm_nonneg (w k)) as [? | E]; [| rewrite <- E in S; lra].
  destruct (norm_nonneg (U (w k))) as [? | E]; [auto | rewrite <- E in S; lra].
Qed.

(** ... so that the norm grows little against the margin. *)
Lemma kept_growth : exists t, 0 <= t /\ norm (w (S k)) <= norm (w k) * exp t /\
  (2 * INR q + 2) * t * m (w k) <= need * (m (w (S k)) - m (w k)).
Proof.
  destruct kept_norm_pos as [N0 U0]; destruct kept_gain as [[y0 _] De].
  assert (S := kept_slope); assert (G := kept_gain_large); assert (Lk := loss_stays_pos k).
  assert (E := rate_A_pos); assert (D2 := degree_large (q := q)).
  assert (M0 : 0 < m (w k)) by (generalize kept_margin need_pos; lra).
  assert (Ep := rate_positive run).
  set (r := norm (w k)) in *; set (u := norm (U (w k))) in *.
  set (t := eta * A * u / r); assert (t0 : 0 < t)
    by (apply Rdiv_lt_0_compat; auto; now apply Rmult_lt_0_compat).
  exists t; split; [lra |]; split.
  - assert (St := step_norm_le (z := z) (dz := dz) (w k) _ _ kept_factor E); fold u in St.
    assert (T := norm_triangle (w k) (fun j => eta * P k j * U (w k) j)).
    rewrite <- run_step in T; fold r in T.
    apply Rle_trans with (r * (1 + t)).
    + replace (r * (1 + t)) with (r + eta * A * u) by (unfold t; field; lra); lra.
    + apply Rmult_le_compat_l; [lra | apply exp_ineq1_le].
  - (* t l m a <= A y *)
    assert (T : t * (l * m (w k)) * a <= A * y k).
    { apply Rmult_le_reg_r with (L k * (r / u)).
      - apply Rmult_lt_0_compat; auto; now apply Rdiv_lt_0_compat.
      - replace (t * (l * m (w k)) * a * (L k * (r / u))) with
          (eta * A * a * (l * m (w k) * L k)) by (unfold t; field; lra).
        replace (A * y k * (L k * (r / u))) with (A * (y k * L k) * (r / u)) by ring.
        apply Rle_trans with (eta * A * a * (r * u)).
        + apply Rmult_le_compat_l; auto; apply Rmult_le_pos; lra.
        + replace (eta * A * a * (r * u)) with (A * (eta * a * u ^ 2) * (r / u))
            by (field; lra).
          apply Rmult_le_compat_r; [left; now apply Rdiv_lt_0_compat |].
          apply Rmult_le_compat_l; lra. }
    set (dm := m (w (Datatypes.S k)) - m (w k)) in *.
    apply Rmult_le_reg_r with (l * a); [apply Rmult_lt_0_compat; lra |].
    replace (need * dm * (l * a)) with (2 * (l - 1) * (A * (4 / 3 * dm)))
      by (unfold need; field; lra).
    replace ((2 * INR q + 2) * t * m (w k) * (l * a)) with
      (2 * (l - 1) * (t * (l * m (w k)) * a)) by ring.
    apply Rmult_le_compat_l; [lra |].
    apply Rle_trans with (1 := T); apply Rmult_le_compat_l; lra.
Qed.

(** The loss times a power of the norm. *)
Lemma kept_power n b : (n <= 2 * q + 2)%nat -> 0 < b -> need <= b * m (w k) ->
  norm (w (S k)) ^ n * L (S k) <=
  norm (w k) ^ n * L k * exp (- (1 - b) * (m (w (S k)) - m (w k))).
Proof.
  intros Hn b0 Nb; destruct kept_growth as (t & t0 & Gr & Tm).
  destruct kept_norm_pos as [N0 _]; assert (De := kept_gain).
  assert (M0 : 0 < m (w k)) by (generalize kept_margin need_pos; lra).
  set (dm := m (w (S k)) - m (w k)) in *; assert (dm0 : 0 <= dm) by lra.
  assert (Nt : INR n * t <= b * dm).
  { apply Rmult_le_reg_r with (m (w k)); auto.
    apply Rle_trans with ((2 * INR q + 2) * t * m (w k)).
    - apply Rmult_le_compat_r; [lra |]; apply Rmult_le_compat_r; auto.
      apply le_INR in Hn; rewrite plus_INR, mult_INR in Hn; simpl in Hn; lra.
    - apply Rle_trans with (1 := Tm).
      replace (b * dm * m (w k)) with (b * m (w k) * dm) by ring.
      now apply Rmult_le_compat_r. }
  rewrite (loss_of_log_margin (z := z) some_data (w (S k))).
  rewrite (loss_of_log_margin (z := z) some_data (w k)).
  apply Rle_trans with (norm (w k) ^ n * exp (INR n * t) * exp (- m (w (S k)))).
  - apply Rmult_le_compat_r; [left; apply exp_pos |].
    rewrite <- exp_pow, <- Rpow_mult_distr.
    apply pow_incr; split; [apply norm_nonneg | exact Gr].
  - rewrite !Rmult_assoc, <- !exp_plus; apply Rmult_le_compat_l.
    + apply pow_le; lra.
    + assert (Le : INR n * t + - m (w (S k)) <= - m (w k) + - (1 - b) * dm)
        by (unfold dm in *; lra).
      destruct Le as [Lt | ->]; [left; now apply exp_increasing | lra].
Qed.

Lemma kept_kappa : kappa (S k) <= kappa k.
Proof.
  assert (Pw : forall n, (n <= 2 * q + 2)%nat ->
    norm (w (S k)) ^ n * L (S k) <= norm (w k) ^ n * L k).
  { intros n Hn; assert (K := kept_power n 1 Hn ltac:(lra)).
    rewrite Rminus_eq_0, Ropp_0, Rmult_0_l, exp_0, Rmult_1_r in K; apply K.
    rewrite Rmult_1_l; apply kept_margin. }
  destruct (constants_ordered margins_smooth) as [b0 b1].
  assert (E := rate_A_pos); unfold curvature; rewrite !Rpow_mult_distr.
  assert (T1 : B1 ^ 2 * (norm (w (S k)) ^ (2 * q + 2) * L (S k)) <=
    B1 ^ 2 * (norm (w k) ^ (2 * q + 2) * L k))
    by (apply Rmult_le_compat_l; [apply pow2_ge_0 | apply Pw; lia]).
  assert (T2 : B2 * 2 ^ q * (norm (w (S k)) ^ q * L (S k)) <=
    B2 * 2 ^ q * (norm (w k) ^ q * L k)).
  { apply Rmult_le_compat_l; [| apply Pw; lia].
    apply Rmult_le_pos; [lra | apply pow_le; lra]. }
  rewrite !(Rmult_assoc (eta * A)); apply Rmult_le_compat_l; lra.
Qed.

Lemma held_next : held (S k).
Proof.
  assert (Kb := kept_below); assert (Ka := kept_above).
  assert (L0 := Rlt_le _ _ (loss_stays_pos 0)).
  split; [apply kept_paid |]; destruct kept_k as (_ & Hk & Gk & K).
  split; [intros j; now apply (h_kept_next run) |].
  split; [intros j; now apply (g_kept_next run) |].
  apply Rle_trans with (2 := K), kept_kappa.
Qed.

End KeptStep.

Lemma all_held k : held k.
Proof.
  induction k as [| k IH]; [| now apply held_next].
  split; [| split; [intros; apply h_kept_start | split; [intros; apply g_kept_start |]]].
  - rewrite Rminus_eq_0, Rmult_0_r; right.
    transitivity (Sum (fun _ : J => 0 * 0)); [| rewrite Sum_scal; ring].
    apply Sum_ext; intros; unfold spent; simpl; ring.
  - exact start_step.
Qed.

(** ** The limits *)

Lemma gain_sum_bounded : ex_series (fun k => gain k).
Proof.
  assert (Ep := rate_positive run); apply (summable _ (2 / eta * L 0)).
  - intros k; apply Sum_nonneg; intros j; apply (gain_terms_nonneg run).
  - intros k; replace (first_terms _ k) with (Sum (paid k)).
    + apply Rle_trans with (1 := proj1 (all_held k)); apply Rmult_le_compat_l.
      * left; apply Rdiv_lt_0_compat; lra.
      * generalize (loss_stays_pos k); lra.
    + induction k as [| k IH].
      * simpl; transitivity (Sum (fun _ : J => 0 * 0)); [| rewrite Sum_scal; ring].
        apply Sum_ext; intros; unfold spent; simpl; ring.
      * cbn [first_terms]; rewrite <- IH, <- Sum_plus; reflexivity.
Qed.

Lemma gradients_summable j : ex_series (fun k => d k j ^ 2).
Proof.
  apply (summable_le _ (fun k => / a * gain k));
    [| apply summable_scal, gain_sum_bounded].
  intros k; split; [apply pow2_ge_0 |].
  apply Rmult_le_reg_l with a; auto.
  rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra.
  apply Rle_trans with (P k j * d k j ^ 2).
  - apply Rmult_le_compat_r; [apply pow2_ge_0 |].
    apply Rle_trans with (1 := a_floor j), kept_above, all_held.
  - apply (Sum_ge_term (fun j => P k j * d k j ^ 2)); intros.
    apply (gain_terms_nonneg run).
Qed.

Lemma steep_constant : 0 < B1.
Proof.
  destruct some_data as [i]; assert (K := all_held 0).
  assert (M := kept_margin 0 K); assert (N := need_pos).
  assert (Up := margin_at_most margins_smooth (w 0%nat) i).
  assert (Ml := margin_above_log (z := z) (w 0%nat) i).
  destruct (constants_ordered margins_smooth) as [[b | <-] _]; auto.
  unfold log_margin in M.
  assert (D2 := degree_large (q := q)); exfalso; nra.
Qed.

Lemma run_loss_vanishes : is_lim_seq (fun k => L k) 0.
Proof.
  assert (b0 := steep_constant); assert (E := rate_A_pos); assert (N0 := need_pos).
  assert (Ep := rate_positive run); assert (D2 := degree_large (q := q)).
  set (K := L 0 + / (2 * (eta * A * B1 ^ 2))).
  assert (B2p : 0 < eta * A * B1 ^ 2) by (apply Rmult_lt_0_compat; auto; now apply pow_lt).
  assert (P0 := loss_stays_pos 0).
  assert (K0 : 0 < K).
  { assert (0 < / (2 * (eta * A * B1 ^ 2))) by (apply Rinv_0_lt_compat; lra).
    unfold K; lra. }
  (* the squared norm times the loss is bounded *)
  assert (Bd : forall k, norm (w k) ^ 2 * L k <= K).
  { intros k; destruct (all_held k) as (Sp & Hk & Gk & Ka).
    assert (Lk := loss_stays_pos k); assert (Lb := held_loss k (all_held k)).
    assert (N := norm_nonneg (w k)).
    destruct (kappa_parts margins_smooth some_data (w k) (eta * A) E) as [[_ X] _].
    set (R2 := norm (w k) ^ 2).
    assert (Pw : norm (w k) ^ (2 * q + 2) = R2 ^ (q + 1)).
    { unfold R2; rewrite <- pow_mult; f_equal; lia. }
    rewrite Pw in X; assert (R0 : 0 <= R2) by apply pow2_ge_0.
    assert (Le : R2 <= 1 + R2 ^ (q + 1)).
    { destruct (Rle_lt_dec R2 1) as [S | S].
      - generalize (pow_le R2 (q + 1) R0); lra.
      - rewrite pow_add, pow_1; assert (1 <= R2 ^ q) by (apply pow_R1_Rle; lra); nra. }
    apply Rle_trans with (L k + R2 ^ (q + 1) * L k); [nra |].
    unfold K; apply Rplus_le_compat; auto.
    apply Rmult_le_reg_l with (2 * (eta * A * B1 ^ 2)); [lra |].
    rewrite Rinv_r by lra; lra. }
  set (s := eta * a * (l * need) ^ 2 / (2 * K)).
  assert (s0 : 0 < s).
  { apply Rdiv_lt_0_compat; [| lra]; apply Rmult_lt_0_compat.
    - now apply Rmult_lt_0_compat.
    - apply pow_lt, Rmult_lt_0_compat; lra. }
  assert (Fall : forall k, s * L k ^ 3 <= L k - L (S k)).
  { intros k; assert (Kk := all_held k); assert (De := kept_descends k Kk).
    assert (Sl := kept_slope k); assert (G := kept_gain_large k Kk).
    assert (Lk := loss_stays_pos k); assert (Mk := kept_margin k Kk).
    assert (N := norm_nonneg (w k)); assert (NU := norm_nonneg (U (w k))).
    rewrite run_gain in G; specialize (Bd k).
    set (r := norm (w k)) in *; set (u := norm (U (w k))) in *.
    set (x := eta * gain k) in *.
    assert (Sq : (l * need * L k) ^ 2 <= (r * u) ^ 2).
    { apply pow_incr; split.
      - apply Rmult_le_pos; [apply Rmult_le_pos |]; lra.
      - apply Rle_trans with (2 := Sl); apply Rmult_le_compat_r; [lra |].
        apply Rmult_le_compat_l; lra. }
    assert (x0 : 0 <= x).
    { apply Rle_trans with (2 := G); apply Rmult_le_pos; [| apply pow2_ge_0].
      apply Rmult_le_pos; lra. }
    assert (T : eta * a * (l * need) ^ 2 * L k ^ 3 <= x * K).
    { apply Rle_trans with (x * (r ^ 2 * L k)); [| now apply Rmult_le_compat_l].
      replace (eta * a * (l * need) ^ 2 * L k ^ 3) with
        (eta * a * (l * need * L k) ^ 2 * L k) by ring.
      rewrite <- Rmult_assoc; apply Rmult_le_compat_r; [lra |].
      apply Rle_trans with (eta * a * (r * u) ^ 2).
      - apply Rmult_le_compat_l; auto; apply Rmult_le_pos; lra.
      - replace (eta * a * (r * u) ^ 2) with (eta * a * u ^ 2 * r ^ 2) by ring.
        apply Rmult_le_compat_r; [apply pow2_ge_0 | exact G]. }
    apply Rle_trans with (x / 2); [| unfold x; lra].
    apply Rmult_le_reg_r with (2 * K); [lra |].
    replace (s * L k ^ 3 * (2 * K)) with (eta * a * (l * need) ^ 2 * L k ^ 3)
      by (unfold s; field; lra).
    lra. }
  assert (Se : ex_series (fun k => L k ^ 3)).
  { apply (summable _ (L 0 / s)); [intros; apply pow_le; left; apply loss_stays_pos |].
    intros k; assert (B : s * first_terms (fun k => L k ^ 3) k <= L 0 - L k).
    { induction k as [| k IH]; cbn [first_terms]; [lra |]; specialize (Fall k); lra. }
    apply Rmult_le_reg_l with s; auto; replace (s * (L 0 / s)) with (L 0)
      by (field; lra).
    assert (Lk := loss_stays_pos k); lra. }
  assert (Cu := ex_series_lim_0 _ Se); apply near_lim; intros e e0.
  generalize (lim_near _ 0 (e ^ 3) Cu ltac:(now apply pow_lt)); apply eventually_imp.
  intros k [_ Up]; assert (Lk := loss_stays_pos k); split; [lra |].
  apply Rnot_lt_le; intros Lt.
  assert ((0 + e) ^ 3 <= L k ^ 3) by (apply pow_incr; lra); rewrite Rplus_0_l in *; lra.
Qed.

Lemma run_log_margin_grows : is_lim_seq (fun k => m (w k)) p_infty.
Proof. apply (log_margin_grows some_data), run_loss_vanishes. Qed.

Lemma run_loss_fast : is_lim_seq (fun k => norm (w k) ^ (2 * q + 2) * L k) 0.
Proof.
  set (t k := norm (w k) ^ (2 * q + 2) * L k).
  destruct (lim_large _ (2 * need) run_log_margin_grows) as [K HK].
  assert (Step : forall k, (K <= k)%nat ->
    t k * exp (m (w k) / 2) <= t K * exp (m (w K) / 2)).
  { intros k I; replace k with (K + (k - K))%nat by lia.
    induction (k - K)%nat as [| n IH]; [rewrite Nat.add_0_r; lra |].
    rewrite Nat.add_succ_r; apply Rle_trans with (2 := IH).
    specialize (HK (K + n)%nat ltac:(lia)); set (k' := (K + n)%nat) in *.
    assert (Pw := kept_power k' (all_held k') (2 * q + 2) (/ 2) (le_n _)
      ltac:(lra) ltac:(lra)); fold (t k') (t (S k')) in Pw.
    apply Rle_trans with (t k' * exp (- (1 - / 2) * (m (w (S k')) - m (w k'))) *
      exp (m (w (S k')) / 2)).
    - apply Rmult_le_compat_r; [left; apply exp_pos | exact Pw].
    - rewrite Rmult_assoc, <- exp_plus; right; do 2 f_equal; field. }
  set (C := t K * exp (m (w K) / 2)) in Step.
  assert (Lr : is_lim_seq (fun k => C * exp (- (m (w k) / 2))) (C * 0)).
  { apply lim_seq_scal.
    apply (is_lim_comp_seq exp (fun k => - (m (w k) / 2)) m_infty 0 is_lim_exp_m).
    - exists 0%nat; easy.
    - apply (is_lim_seq_opp (fun k => m (w k) / 2) p_infty).
      apply is_lim_seq_ext with (fun k => / 2 * m (w k)); [intros; field |].
      assert (M := is_lim_seq_scal_l _ (/ 2) _ run_log_margin_grows).
      replace (Rbar_mult (/ 2) p_infty) with p_infty in M; auto.
      unfold Rbar_mult, Rbar_mult'; case Rle_dec; intros R0; [| exfalso; lra].
      case Rle_lt_or_eq_dec; intros; [reflexivity | exfalso; lra]. }
  rewrite Rmult_0_r in Lr; apply near_lim; intros e e0.
  generalize (eventually_and _ _ (lim_near _ 0 e Lr e0) (eventually_from K)).
  apply eventually_imp; intros k [[_ Up] I]; specialize (Step k I).
  assert (t0 : 0 <= t k).
  { apply Rmult_le_pos; [apply pow_le, norm_nonneg | left; apply loss_stays_pos]. }
  split; [lra |]; fold (t k); apply Rle_trans with (C * exp (- (m (w k) / 2))); [| lra].
  rewrite exp_Ropp; assert (X := exp_pos (m (w k) / 2)).
  apply Rmult_le_reg_r with (exp (m (w k) / 2)); auto.
  rewrite Rmult_assoc, Rinv_l by lra; lra.
Qed.

(* statement: theorem J3 *)
(** The factors stay between their bounds, every step lowers the loss, the step size
    relative to the curvature falls, the factors have finite logarithmic variation, and
    the loss vanishes, also against the power 2 l - 2 of the norm. *)
Theorem theorem_J3 :
  (forall k j, factor_floor eta (exp_loss z (w 0%nat)) c delta eps (g 0%nat) j <=
     factors delta eps g h k j <=
     factor_bound eta (exp_loss z (w 0%nat)) c delta eps (h 0%nat) j) /\
  (forall k, exp_loss z (w (S k)) <= exp_loss z (w k) -
     eta / 2 * Sum (fun j => factors delta eps g h k j * d k j ^ 2)) /\
  (forall k, exp_loss z (w (S k)) * curvature q B1 B2 (norm (w (S k))) <=
     exp_loss z (w k) * curvature q B1 B2 (norm (w k))) /\
  (forall j, ex_series (fun k =>
     Rabs (ln (factors delta eps g h (S k) j) - ln (factors delta eps g h k j)))) /\
  is_lim_seq (fun k => exp_loss z (w k)) 0 /\
  is_lim_seq (fun k => norm (w k) ^ (2 * q + 2) * exp_loss z (w k)) 0.
(* end statement *)
Proof.
  split; [intros k j; split; [apply kept_above | apply kept_below]; apply all_held |].
  split; [intros k; apply kept_descends, all_held |].
  split.
  { intros k; assert (K := kept_kappa k (all_held k)); assert (E := rate_A_pos).
    apply Rmult_le_reg_l with (eta * A); auto; lra. }
  split; [| split; [apply run_loss_vanishes | apply run_loss_fast]].
  apply (factor_variation run A gradients_summable); intros k j.
  apply Rle_trans with (1 := kept_below k (all_held k) j), A_bound.
Qed.

End Run.
