(** * Theorem 2

    What is cited in the paper is a premise here, where it is not proven: Proposition 1
    (Davis et al. 2020) and Rademacher's theorem for the predictor, and one inequality
    of Ji and Telgarsky (2020) for the direction.  "Definable in an o-minimal structure
    in which exp is definable" is a predicate that the theorem quantifies over: nothing
    else about it is used.  For continuously differentiable predictors the first two are
    proven, for linear predictors all three. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Lemma9 Linear.
Open Scope R_scope.

(** One positive power of t for finitely many. *)
Lemma common_power {J} `{FiniteType J} (f : J -> R -> R) :
  (forall j, exists p C T, 0 < p /\ forall t, T <= t -> f j t <= C * Rpower t (- p)) ->
  exists p C T, 0 < p /\ forall t j, T <= t -> f j t <= C * Rpower t (- p).
Proof.
  intros E.
  assert (A : exists p C T, 0 < p /\ 0 <= C /\ 1 <= T /\
    forall t j, In j enum -> T <= t -> f j t <= C * Rpower t (- p)).
  { induction enum as [| j js (p & C & T & p0 & C0 & T0 & B)].
    - exists 1, 0, 1; repeat split; try lra; intros t j [].
    - destruct (E j) as (p' & C' & T' & p0' & B').
      exists (Rmin p p'), (C + Rabs C'), (Rmax T T').
      assert (M := Rmin_l p p'); assert (M' := Rmin_r p p').
      assert (Cp := Rabs_pos C'); assert (Cl := Rle_abs C').
      assert (TT := Rmax_l T T'); assert (TT' := Rmax_r T T').
      split; [minmax; lra |]; split; [lra |]; split; [lra |]; intros t i I Ht.
      assert (Power : forall q, Rmin p p' <= q ->
        Rpower t (- q) <= Rpower t (- Rmin p p')).
      { intros q Q; apply Rle_Rpower; lra. }
      assert (P : 0 < Rpower t (- Rmin p p')) by apply exp_pos.
      assert (Q1 := Power p M); assert (Q2 := Power p' M').
      assert (X1 : C * Rpower t (- p) <= C * Rpower t (- Rmin p p'))
        by (apply Rmult_le_compat_l; lra).
      assert (X2 : C' * Rpower t (- p') <= Rabs C' * Rpower t (- Rmin p p')).
      { apply Rle_trans with (Rabs C' * Rpower t (- p')).
        - apply Rmult_le_compat_r; [left; apply exp_pos | exact Cl].
        - apply Rmult_le_compat_l; lra. }
      assert (X3 : 0 <= C * Rpower t (- Rmin p p')) by (apply Rmult_le_pos; lra).
      assert (X4 : 0 <= Rabs C' * Rpower t (- Rmin p p')) by (apply Rmult_le_pos; lra).
      destruct I as [<- | I].
      + specialize (B' t ltac:(lra)); lra.
      + specialize (B t i I ltac:(lra)); lra. }
  destruct A as (p & C & T & p0 & _ & _ & B); exists p, C, T; split; auto.
  intros t j; apply B, enum_all.
Qed.

Section Theorem2.
Context {J D X : Type} `{P2 : Process2 J} `{Data : Dataset D X}.

Lemma chi_nonzero j : chi j <> 0.
Proof. generalize (chi_pos j); lra. Qed.

(** The paper's v := w / chi, and back. *)
Definition skewed (t : R) : vec J := fun j => w t j / chi j.

Lemma mul_chi_skewed t : mul chi (skewed t) = w t.
Proof.
  apply functional_extensionality; intros j; unfold mul, skewed; field.
  apply chi_nonzero.
Qed.

Lemma arc_skewed j : arc (fun t => skewed t j).
Proof.
  apply arc_ext with (fun t => / chi j * w t j).
  - intros t _; unfold skewed, Rdiv; ring.
  - apply arc_scal, arc_w.
Qed.

(** The gradient that drives v, a subgradient of the loss in v. *)
Lemma gradient_skewed k Phi :
  L = total_loss k Phi ->
  ae (fun t => clarke (total_loss k (scaled chi Phi)) (skewed t)
                 (mul chi (G t))).
Proof.
  intros E; generalize gradient; apply ae_imp; intros t _ C.
  rewrite E, <- mul_chi_skewed in C.
  exact (clarke_scaled _ _ _ _ chi_nonzero C).
Qed.

(** v' = - beta (chi G), by equation (5). *)
Lemma flow_skewed :
  assumption_2_ii ->
  ae (fun t => forall j,
    is_derive (fun s => skewed s j) t (- beta t j * mul chi (G t) j)).
Proof.
  intros A; generalize (eq_5 A); apply ae_imp; intros t _ E j; specialize (E j).
  assert (C := chi_nonzero j).
  apply is_derive_ext with (fun s => / chi j * w s j).
  { intros s; apply Rmult_comm. }
  replace (- beta t j * mul chi (G t) j)
    with (/ chi j * (- chi j ^ 2 * beta t j * G t j))
    by (unfold mul; field; auto).
  now apply (is_derive_scal (fun s => w s j)).
Qed.

(** Norms of v and of w = chi v are of the same order. *)
Lemma norm_w_skewed : exists m M, 0 < m /\ 0 < M /\
  forall t, m * norm (skewed t) <= norm (w t) <= M * norm (skewed t).
Proof.
  destruct (finite_bounds chi chi_pos) as (m & M & m0 & M0 & B).
  exists m, M; repeat split; auto.
  - apply Rmult_le_reg_l with (/ m); [now apply Rinv_0_lt_compat |].
    rewrite <- Rmult_assoc, Rinv_l, Rmult_1_l by lra.
    apply norm_le_scaled; [left; now apply Rinv_0_lt_compat |].
    intros j; unfold skewed, Rdiv; rewrite Rabs_mult, Rmult_comm.
    apply Rmult_le_compat_r; [apply Rabs_pos |].
    rewrite Rabs_pos_eq by (left; apply Rinv_0_lt_compat, chi_pos).
    apply Rinv_le_contravar; [auto | apply B].
  - rewrite <- mul_chi_skewed; apply norm_le_scaled; [lra |]; intros j; unfold mul.
    rewrite Rabs_mult; apply Rmult_le_compat_r; [apply Rabs_pos |].
    rewrite Rabs_pos_eq by (left; apply chi_pos); apply B.
Qed.

Lemma is_lim_Sum (f : J -> R -> R) (l : vec J) :
  (forall j, is_lim (f j) p_infty (l j)) ->
  is_lim (fun t => Sum (fun j => f j t)) p_infty (Sum l).
Proof.
  intros C; unfold Sum; induction enum as [| j js IH]; simpl.
  - apply is_lim_const.
  - now apply is_lim_plus'.
Qed.

(** A limit direction of v, multiplied by chi, is one of w. *)
Lemma direction_w u :
  (exists T, forall t, T <= t -> 0 < norm (skewed t)) ->
  converges_in_direction skewed u -> converges_in_direction w (mul chi u).
Proof.
  intros (T & Pos) (U & C).
  set (d := fun j => u j / norm u).
  assert (Norm : forall c r, 0 < r ->
    norm (mul chi (fun j => c j / r)) = norm (mul chi c) / r).
  { intros c r r0; unfold norm, Rdiv.
    transitivity (sqrt (Sum (fun j => mul chi c j ^ 2)) * sqrt ((/ r) ^ 2)).
    2: { f_equal; apply sqrt_pow2; left; now apply Rinv_0_lt_compat. }
    rewrite <- sqrt_mult_alt.
    - f_equal; rewrite (Rmult_comm (Sum _)), <- Sum_scal; apply Sum_ext; intros j.
      unfold mul; ring.
    - apply Sum_nonneg; intros j; apply pow2_ge_0. }
  assert (Pu : 0 < norm (mul chi u)).
  { destruct (finite_bounds chi chi_pos) as (m & M & m0 & _ & B).
    assert (N : norm u <= / m * norm (mul chi u)).
    { apply norm_le_scaled; [left; now apply Rinv_0_lt_compat |]; intros j.
      apply Rmult_le_reg_l with m; auto.
      rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra.
      unfold mul; rewrite Rabs_mult, (Rabs_pos_eq (chi j)) by (left; apply chi_pos).
      apply Rmult_le_compat_r; [apply Rabs_pos | apply B]. }
    apply Rnot_le_lt; intros Z; assert (I := Rinv_0_lt_compat m m0).
    assert (Q := norm_nonneg (mul chi u)); nra. }
  split; auto; intros j.
  assert (Lim : is_lim (fun t => norm (mul chi (fun j => skewed t j / norm (skewed t))))
    p_infty (norm (mul chi d))).
  { unfold norm at 1 3; apply is_lim_comp_continuous.
    - apply (is_lim_Sum (fun j t => mul chi (fun i => skewed t i / norm (skewed t)) j ^
        2)
        (fun j => mul chi d j ^ 2)).
      intros i; apply (is_lim_comp_continuous
        (fun t => mul chi (fun i => skewed t i / norm (skewed t)) i) (fun z => z ^ 2)).
      + exact (is_lim_scal_l _ (chi i) _ _ (C i)).
      + apply (ex_derive_continuous (fun z => z ^ 2)); auto_derive; auto.
    - apply continuity_pt_filterlim, continuity_pt_sqrt, Sum_nonneg.
      intros i; apply pow2_ge_0. }
  assert (Nd : norm (mul chi d) = norm (mul chi u) / norm u)
    by (unfold d; now apply Norm).
  assert (Pd : norm (mul chi d) <> 0).
  { rewrite Nd; apply Rgt_not_eq; now apply Rdiv_lt_0_compat. }
  apply is_lim_ext_loc with
    (fun t => chi j * (skewed t j / norm (skewed t)) /
              norm (mul chi (fun j => skewed t j / norm (skewed t)))).
  { exists T; intros t Ht; assert (Pt := Pos t (Rlt_le _ _ Ht)).
    rewrite Norm, mul_chi_skewed by assumption.
    replace (w t j) with (chi j * skewed t j)
      by (unfold skewed; field; apply chi_nonzero).
    field; split; [| lra].
    destruct norm_w_skewed as (m & M & m0 & _ & B); destruct (B t); nra. }
  replace (Finite (mul chi u j / norm (mul chi u))) with
    (Finite (chi j * d j / norm (mul chi d))).
  2: { f_equal; rewrite Nd; unfold mul at 2, d; field; lra. }
  apply (is_lim_div _ _ _ (Finite (chi j * d j)) (Finite (norm (mul chi d)))).
  - exact (is_lim_scal_l _ (chi j) _ _ (C j)).
  - exact Lim.
  - intros Z; now apply Pd; injection Z.
  - exact I.
Qed.

(* statement: forgetting *)
(** lim inf t (1 - rho(t)_j) > 0: constant and harmonic schedules have it. *)
Definition forgets_no_slower_than_1_over_t : Prop :=
  forall j, exists c T, 0 < c /\ forall t, T <= t -> c / t <= 1 - rho t j.
(* end statement *)

(** Lemma 8's bound, with an integral of 1 - rho that grows like a logarithm. *)
Lemma adapter_rate :
  (forall v, 0 < L v) -> locally_lipschitz L -> admits_chain_rule L ->
  assumption_2_i -> assumption_2_ii -> forgets_no_slower_than_1_over_t ->
  tends_to_1_like_a_power beta.
Proof.
  intros Pos Lip Chain Ai Aii Forget.
  apply (common_power (fun j t => Rabs (beta t j - 1))); intros j.
  destruct (Ai j) as (R & IR & _); destruct (Forget j) as (c & T & c0 & Slow).
  assert (Cp : 0 < C_ddagger j) by now apply C_ddagger_pos.
  set (t0 := Rmax T 1); assert (t1 : T <= t0 /\ 1 <= t0)
    by (split; [apply Rmax_l | apply Rmax_r]).
  assert (Grow : forall t, t0 <= t -> R t0 + c * (ln t - ln t0) <= R t).
  { assert (Ash : arc (fun s => R (t0 + s) + - c * ln (t0 + s))).
    { apply arc_plus; [apply arc_shift_time; [lra | apply IR] |].
      apply arc_scal, (arc_ln (fun s => t0 + s) 1); [lra | | intros; lra].
      apply arc_plus; [apply arc_const | apply arc_id]. }
    intros t Ht; assert (M := arc_monotone _ Ash); cbv beta in M.
    assert (Up : R (t0 + 0) + - c * ln (t0 + 0) <= R (t0 + (t - t0)) +
      - c * ln (t0 + (t - t0))).
    { apply M; [| lra]; destruct IR as (_ & _ & DR).
      assert (Ds := ae_shift _ t0 ltac:(lra) DR); revert Ds; apply ae_imp;
        intros s S Ds.
      exists (1 - rho (t0 + s) j + - c * / (t0 + s)); split.
      - apply (is_derive_plus (V := R_NormedModule) (fun s => R (t0 + s))
          (fun s => - c * ln (t0 + s))); [now apply derive_shift |].
        apply (is_derive_scal (fun s => ln (t0 + s))); auto_derive; [lra | field; lra].
      - specialize (Slow (t0 + s) ltac:(lra)); unfold Rdiv in Slow; lra. }
    replace (t0 + (t - t0)) with t in Up by ring; rewrite Rplus_0_r in Up; lra. }
  set (U := Rabs (1 - beta 0 j ^ 2)); assert (U0 : 0 <= U) by apply Rabs_pos.
  exists (C_ddagger j * c), (U * exp (C_ddagger j * (c * ln t0 - R t0))), t0.
  split; [now apply Rmult_lt_0_compat |]; intros t Ht; assert (tp : 0 <= t) by lra.
  assert (B := lemma_8_gronwall Pos Lip Chain Aii j R IR t tp); fold U in B.
  assert (P := beta_positive Aii t tp j).
  apply Rle_trans with (Rabs (1 - beta t j ^ 2)).
  { replace (1 - beta t j ^ 2) with (- ((beta t j - 1) * (1 + beta t j))) by ring.
    rewrite Rabs_Ropp, Rabs_mult, (Rabs_pos_eq (1 + beta t j)) by lra.
    assert (N := Rabs_pos (beta t j - 1)); nra. }
  apply Rle_trans with (1 := B); rewrite Rmult_assoc; apply Rmult_le_compat_l; auto.
  unfold Rpower; rewrite <- exp_plus; apply exp_le.
  specialize (Grow t Ht).
  assert (Le : C_ddagger j * (R t0 + c * (ln t - ln t0)) <= C_ddagger j * R t)
    by (apply Rmult_le_compat_l; lra).
  lra.
Qed.

(** In the variables v, Process 2 is an adaptive flow. *)
Lemma process_flow k Phi :
  L = total_loss k Phi -> (forall i, locally_lipschitz (fun w => Phi w (x i))) ->
  admits_chain_rule L -> assumption_2_i -> assumption_2_ii ->
  adaptive_flow k (scaled chi Phi) skewed beta (fun t => mul chi (G t)).
Proof.
  intros E Lip Chain Ai Aii.
  assert (LipL : locally_lipschitz L) by (rewrite E; now apply total_loss_lipschitz).
  assert (Pos : forall u, 0 < L u) by (intros u; rewrite E; apply total_loss_pos).
  constructor.
  - apply arc_skewed.
  - intros j; now apply arc_beta.
  - intros t j T; now apply beta_positive.
  - generalize (beta_derive Aii); apply ae_imp; intros t _ Db j; eexists; apply Db.
  - now apply gradient_skewed.
  - now apply flow_skewed.
  - intros j; now apply lemma_9.
Qed.

Lemma process_separates k Phi : L = total_loss k Phi ->
  (exists t0, 0 <= t0 /\ L (w t0) < ell k 0) -> separates k (scaled chi Phi) skewed.
Proof.
  intros E (t0 & T0 & Sep); exists t0; split; auto.
  unfold total_loss, margins, margin_at, scaled; rewrite mul_chi_skewed.
  now rewrite E in Sep.
Qed.

(** Back to the paper's variables. *)
Lemma growth_back l :
  growth_rates (fun u => L (mul chi u)) l skewed -> growth_rates L l w.
Proof.
  intros [(a & b & T & a0 & b0 & B) (a' & b' & T' & a0' & b0' & B')]; split.
  - exists a, b, T; split; [exact a0 | split; [exact b0 |]]; intros t Ht.
    specialize (B t Ht); now rewrite mul_chi_skewed in B.
  - destruct norm_w_skewed as (m & M & m0 & M0 & N); exists (m * a'), (M * b'), T'.
    split; [nra | split; [nra |]]; intros t Ht.
    destruct (B' t Ht) as [B1 B2]; destruct (N t) as [N1 N2].
    rewrite !Rmult_assoc; split.
    + apply Rle_trans with (2 := N1), Rmult_le_compat_l; [lra | exact B1].
    + apply Rle_trans with (1 := N2), Rmult_le_compat_l; [lra | exact B2].
Qed.

(* statement: skew *)
(** The fourth root of delta over eps. *)
Definition skew : vec J := fun j => sqrt (sqrt (delta j / eps j)).
(* end statement *)

Lemma skew_is_inverse_chi : (fun j => / chi j) = skew.
Proof.
  apply functional_extensionality; intros j; unfold chi, skew.
  assert (De := delta_pos j); assert (Ep := eps_pos j).
  assert (Q : 0 < eps j / delta j) by now apply Rdiv_lt_0_compat.
  rewrite <- !sqrt_inv; do 2 f_equal; field; lra.
Qed.

Lemma kkt_back Phi u : max_margin_KKT (scaled chi Phi) (fun _ => 1) u ->
  max_margin_KKT Phi skew (mul chi u).
Proof.
  intros K; rewrite <- skew_is_inverse_chi; apply KKT_equivalent; [apply chi_nonzero |].
  replace (fun j => mul chi u j / chi j) with u; auto.
  apply functional_extensionality; intros j; unfold mul; field; apply chi_nonzero.
Qed.

Lemma conclusion_back k Phi l : L = total_loss k Phi ->
  implicit_regularization (total_loss k (scaled chi Phi)) l skewed
    (max_margin_KKT (scaled chi Phi) (fun _ => 1)) ->
  implicit_regularization L l w
    (max_margin_KKT Phi skew).
Proof.
  intros E (Growth & u & Ku & Du); split; [now apply growth_back; rewrite E |].
  exists (mul chi u); split; [now apply kkt_back |].
  apply direction_w; auto; destruct Growth as [_ (a & b & T & a0 & _ & B)].
  exists T; intros t Ht; destruct (B t Ht) as [B1 _].
  apply Rlt_le_trans with (2 := B1), Rmult_lt_0_compat; auto; apply exp_pos.
Qed.

(* statement: theorem 2 rates *)
(** The rates of Theorem 2: only Proposition 1, for the loss, is cited. *)
Theorem theorem_2_rates (k : joint_loss D) (Phi : vec J -> X -> R) (l : R) :
  (* cited: Proposition 1 *)
  admits_chain_rule L ->
  (* Assumptions 1 and 2 *)
  L = total_loss k Phi -> homogeneous_predictor Phi l ->
  assumption_2_i -> assumption_2_ii ->
  (exists t0, 0 <= t0 /\ L (w t0) < ell k 0) ->
  growth_rates L l w.
(* end statement *)
Proof.
  intros Chain E Hom Ai Aii Sep; apply growth_back; rewrite E.
  assert (Lip := predictor_lipschitz Hom).
  apply (theorem_4_rates k (scaled chi Phi) l skewed beta (fun t => mul chi (G t))).
  - apply homogeneous_scaled; auto; apply chi_nonzero.
  - rewrite E in Chain; apply (chain_rule_mul (total_loss k Phi)); auto.
    apply chi_nonzero.
  - now apply process_flow.
  - now apply process_separates.
Qed.

Lemma homogeneous_of_assumption_1 (definable : (vec J -> R) -> Prop)
    (Phi : vec J -> X -> R) l :
  assumption_1 definable Phi l -> homogeneous_predictor Phi l.
Proof.
  intros [l0 A]; constructor; auto; [intros i; apply A |].
  intros a v i a0; now apply A.
Qed.

(* statement: theorem 2 *)
Theorem theorem_2 (k : joint_loss D) (Phi : vec J -> X -> R) (l : R)
    (definable : (vec J -> R) -> Prop) :
  (* cited: Proposition 1; Rademacher; Ji and Telgarsky *)
  (forall f, locally_lipschitz f -> definable f -> admits_chain_rule f) ->
  (forall f, locally_lipschitz f -> definable f -> gradients_dense f) ->
  (assumption_1 definable Phi l ->
     desingularizing_inequality k (scaled chi Phi) l) ->
  (* Assumptions 1 and 2 *)
  L = total_loss k Phi ->
  assumption_1 definable Phi l ->
  assumption_2_i -> assumption_2_ii ->
  (exists t0, 0 <= t0 /\ L (w t0) < ell k 0) ->
  (* and more than the paper's Assumption 2 (i) *)
  forgets_no_slower_than_1_over_t ->
  implicit_regularization L l w
    (max_margin_KKT Phi skew).
(* end statement *)
Proof.
  intros Prop1 Rad Dir E A1 Ai Aii Sep Forget; apply (conclusion_back k Phi l E).
  assert (Hom := homogeneous_of_assumption_1 _ _ _ A1).
  assert (Lip := predictor_lipschitz Hom); destruct (A1) as [l0 A].
  assert (Chain : forall i, admits_chain_rule (fun w => Phi w (x i)))
    by (intros i; apply Prop1; apply A).
  assert (Dense : forall i, gradients_dense (fun w => Phi w (x i)))
    by (intros i; apply Rad; apply A).
  assert (Ex : forall i w, exists h, clarke (fun w => Phi w (x i)) w h)
    by (intros i; apply clarke_nonempty; auto).
  assert (ChainL : admits_chain_rule L) by (rewrite E; now apply total_loss_chain_rule).
  apply (theorem_4 k (scaled chi Phi) l) with (beta := beta)
    (u := fun t => mul chi (G t)); auto.
  - intros i; apply (chain_rule_mul (fun w => Phi w (x i))); auto; apply chi_nonzero.
  - intros i; apply (dense_scaled chi (fun w => Phi w (x i))); auto; apply chi_nonzero.
  - apply homogeneous_scaled; auto; apply chi_nonzero.
  - now apply process_flow.
  - now apply process_separates.
  - apply adapter_rate; auto; rewrite E; [apply total_loss_pos |].
    now apply total_loss_lipschitz.
Qed.

(* statement: theorem 2 limit directions *)
(** Under the paper's Assumption 2 alone: every limit point of the direction of w / chi
    is that of u / chi for a KKT point u of Theorem 2's problem. *)
Theorem theorem_2_limit_directions (k : joint_loss D) (Phi : vec J -> X -> R) (l : R)
    (definable : (vec J -> R) -> Prop) :
  (* cited: Proposition 1; Rademacher *)
  (forall f, locally_lipschitz f -> definable f -> admits_chain_rule f) ->
  (forall f, locally_lipschitz f -> definable f -> gradients_dense f) ->
  (* Assumptions 1 and 2 *)
  L = total_loss k Phi ->
  assumption_1 definable Phi l ->
  assumption_2_i -> assumption_2_ii ->
  (exists t0, 0 <= t0 /\ L (w t0) < ell k 0) ->
  forall theta, limit_direction (fun t j => w t j / chi j) theta ->
  exists u, max_margin_KKT Phi skew u /\
    forall j, theta j = u j / chi j / norm (fun j => u j / chi j).
(* end statement *)
Proof.
  intros Prop1 Rad E A1 Ai Aii Sep theta Th.
  assert (Hom := homogeneous_of_assumption_1 _ _ _ A1).
  assert (Lip := predictor_lipschitz Hom); destruct (A1) as [l0 A].
  assert (Chain : forall i, admits_chain_rule (fun w => Phi w (x i)))
    by (intros i; apply Prop1; apply A).
  assert (Dense : forall i, gradients_dense (fun w => Phi w (x i)))
    by (intros i; apply Rad; apply A).
  assert (Ex : forall i w, exists h, clarke (fun w => Phi w (x i)) w h)
    by (intros i; apply clarke_nonempty; auto).
  assert (ChainL : admits_chain_rule L) by (rewrite E; now apply total_loss_chain_rule).
  destruct (theorem_4_limit_directions k (scaled chi Phi) l skewed beta
    (fun t => mul chi (G t))) with (theta := theta) as (u & Ku & Pu & Eq); auto.
  - intros i; apply (chain_rule_mul (fun w => Phi w (x i))); auto; apply chi_nonzero.
  - intros i; apply (dense_scaled chi (fun w => Phi w (x i))); auto; apply chi_nonzero.
  - apply homogeneous_scaled; auto; apply chi_nonzero.
  - now apply process_flow.
  - now apply process_separates.
  - apply lemma_8; auto; rewrite E; [apply total_loss_pos |].
    now apply total_loss_lipschitz.
  - exists (mul chi u); split; [now apply kkt_back |].
    replace (fun j => mul chi u j / chi j) with u; [intros j; rewrite Eq |].
    + unfold mul, Rdiv; field; split; [lra | apply chi_nonzero].
    + apply functional_extensionality; intros j; unfold mul; field; apply chi_nonzero.
Qed.

(* statement: theorem 2 smooth *)
(** Continuously differentiable predictors: only Ji and Telgarsky's inequality is
    cited, for the direction, and the rates need nothing at all. *)
Theorem theorem_2_smooth (k : joint_loss D) (Phi : vec J -> X -> R) (l : R) :
  L = total_loss k Phi ->
  assumption_1 (fun f => exists g, gradient_of f g) Phi l ->
  assumption_2_i -> assumption_2_ii ->
  (exists t0, 0 <= t0 /\ L (w t0) < ell k 0) ->
  growth_rates L l w /\
  (desingularizing_inequality k (scaled chi Phi) l ->
   forgets_no_slower_than_1_over_t ->
   implicit_regularization L l w
     (max_margin_KKT Phi skew)).
(* end statement *)
Proof.
  intros E A1 Ai Aii Sep.
  assert (Prop1 : forall f : vec J -> R, locally_lipschitz f ->
    (exists g, gradient_of f g) -> admits_chain_rule f).
  { intros f _ [g Sm]; exact (smooth_chain_rule f g Sm). }
  assert (Rad : forall f : vec J -> R, locally_lipschitz f ->
    (exists g, gradient_of f g) -> gradients_dense f).
  { intros f _ [g Sm]; exact (smooth_dense f g Sm). }
  assert (Hom := homogeneous_of_assumption_1 _ _ _ A1).
  split.
  - apply (theorem_2_rates k Phi l); auto; rewrite E; apply total_loss_chain_rule.
    + apply (predictor_lipschitz Hom).
    + intros i; apply Prop1; apply A1.
    + intros i; apply clarke_nonempty; [apply A1 | apply Rad; apply A1].
  - intros Dir Forget; apply (theorem_2 k Phi l (fun f => exists g, gradient_of f g));
      auto.
Qed.

(* statement: theorem 2 linear *)
(** Linear predictors: nothing is cited, and the paper's Assumption 2 is enough. *)
Theorem theorem_2_linear (k : joint_loss D) (feat : X -> vec J) :
  L = total_loss k (linear_predictor feat) ->
  assumption_2_i -> assumption_2_ii ->
  (exists t0, 0 <= t0 /\ L (w t0) < ell k 0) ->
  implicit_regularization L 1 w
    (max_margin_KKT (linear_predictor feat) skew).
(* end statement *)
Proof.
  intros E Ai Aii Sep; apply (conclusion_back k _ 1 E).
  assert (Chain : admits_chain_rule L) by (rewrite E; apply linear_chain_rule).
  assert (Pos : forall u, 0 < L u) by (intros u; rewrite E; apply total_loss_pos).
  assert (Lip : locally_lipschitz L)
    by (rewrite E; apply total_loss_lipschitz, lin_lipschitz).
  assert (Fl := process_flow k _ E (lin_lipschitz feat) Chain Ai Aii).
  assert (Se := process_separates k _ E Sep).
  rewrite linear_scaled in Fl, Se |- *.
  apply (theorem_4_linear k _ skewed beta (fun t => mul chi (G t)) Fl Se).
  now apply lemma_8.
Qed.

(* statement: isotropic theorem *)
(** With isotropic quotients delta/eps, as in AdaDelta itself: the same implicit
    regularization as plain gradient flow, problem (4). *)
Theorem theorem_2_isotropic (Phi : vec J -> X -> R) (l c : R) :
  implicit_regularization L l w
    (max_margin_KKT Phi skew) ->
  0 < c -> (forall j, delta j / eps j = c) ->
  implicit_regularization L l w (max_margin_KKT Phi (fun _ => 1)).
(* end statement *)
Proof.
  intros (Growth & u & Ku & Du) C0 Iso; split; [exact Growth |]; exists u; split; auto.
  replace skew with (fun _ : J => sqrt (sqrt c)) in Ku.
  - apply KKT_isotropic in Ku; auto; now apply sqrt_lt_R0, sqrt_lt_R0.
  - apply functional_extensionality; intros j; unfold skew; now rewrite Iso.
Qed.

End Theorem2.
