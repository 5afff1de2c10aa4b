(** * The smoothed margin does not fall, and the rates of Theorem 4

    For an adaptive flow v' = -beta u, u in the subdifferential of the total loss, with
    d log beta / dt integrable: with |v|_beta^2 = sum_j v_j^2 / beta_j and
    G = ell^-1(loss), ln G - (l/2) ln |v|_beta^2 + (l/2) int |d log beta| is
    nondecreasing.  For any joint loss.  The chain rule for the total loss is the one
    cited premise. *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Growth Comparison.
Import ListNotations.
Open Scope R_scope.

(* statement: adaptive flow *)
(** An approximate adaptive flow (Wang et al. 2021) on the total loss of Phi:
    v' = - beta u with u in the subdifferential, and log beta of finite variation.
    Arcs are differentiable almost everywhere by a theorem of Lebesgue, which is not
    needed here: v is by its equation, beta by assumption. *)
Record adaptive_flow {J D X} `{FiniteType J} `{Dataset D X}
    (k : joint_loss D) (Phi : vec J -> X -> R) (v beta u : R -> vec J) : Prop := {
  flow_arc : forall j, arc (fun t => v t j);
  adapter_arc : forall j, arc (fun t => beta t j);
  adapter_pos : forall t j, 0 <= t -> 0 < beta t j;
  adapter_derivable : ae (fun t => forall j, ex_derive (fun s => beta s j) t);
  flow_subgradient : ae (fun t => clarke (total_loss k Phi) (v t) (u t));
  flow_equation : ae (fun t => forall j,
    is_derive (fun s => v s j) t (- beta t j * u t j));
  adapter_fluctuation : forall j,
    integrable (fun t => Derive (fun s => ln (beta s j)) t)
}.
(* end statement *)
Arguments flow_arc {_ _ _ _ _ _ _ _ _ _ _}.
Arguments adapter_arc {_ _ _ _ _ _ _ _ _ _ _}.
Arguments adapter_pos {_ _ _ _ _ _ _ _ _ _ _}.
Arguments adapter_derivable {_ _ _ _ _ _ _ _ _ _ _}.
Arguments flow_subgradient {_ _ _ _ _ _ _ _ _ _ _}.
Arguments flow_equation {_ _ _ _ _ _ _ _ _ _ _}.
Arguments adapter_fluctuation {_ _ _ _ _ _ _ _ _ _ _}.

(** ... of a homogeneous predictor, with the chain rule,
  and separated from the start. *)
Record separated_flow {J D X} `{FiniteType J} `{Dataset D X}
    (k : joint_loss D) (Phi : vec J -> X -> R) (l : R) (v beta u : R -> vec J) :
  Prop := {
  flow_predictor :> homogeneous_predictor Phi l;
  flow_chain_rule : admits_chain_rule (total_loss k Phi);
  flow_adaptive :> adaptive_flow k Phi v beta u;
  flow_separated : total_loss k Phi (v 0) < ell k 0
}.
Arguments flow_predictor {_ _ _ _ _ _ _ _ _ _ _ _}.
Arguments flow_chain_rule {_ _ _ _ _ _ _ _ _ _ _ _}.
Arguments flow_adaptive {_ _ _ _ _ _ _ _ _ _ _ _}.
Arguments flow_separated {_ _ _ _ _ _ _ _ _ _ _ _}.

(* statement: smoothed margin *)
Section Definitions.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (k : joint_loss D) (Phi : vec J -> X -> R) (v beta u : R -> vec J).

Definition loss_at (t : R) : R := total_loss k Phi (v t).
Definition smoothed_margin (t : R) : R := inverse_loss k (loss_at t).
Definition energy (t : R) : R := Sum (fun j => beta t j * u t j ^ 2).
Definition log_adapter (j : J) (t : R) : R := ln (beta t j).
Definition adapted_norm2 (t : R) : R :=
  Sum (fun j => exp (- log_adapter j t) * v t j ^ 2).
End Definitions.
(* end statement *)

Section MarginArgument.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Context {k : joint_loss D} {Phi : vec J -> X -> R} {l : R} {v beta u : R -> vec J}.
Hypothesis flow : separated_flow k Phi l v beta u.
Let predictor := flow_predictor flow.
Let l_pos := degree_pos flow.
Let Lip := predictor_lipschitz flow.
Let chain := flow_chain_rule flow.
Let arc_v := flow_arc flow.
Let arc_beta := adapter_arc flow.
Let beta_pos := adapter_pos flow.
Let beta_diff := adapter_derivable flow.
Let subgrad := flow_subgradient flow.
Let equation := flow_equation flow.
Let sep := flow_separated flow.
Let integ := adapter_fluctuation flow.
Notation G := (smoothed_margin k Phi v).
Notation R2 := (adapted_norm2 v beta).
Notation energy := (energy beta u).
Notation loss_at := (loss_at k Phi v).
Notation lb := (log_adapter beta).
Notation nu := (weighted_margin k Phi).

Lemma arc_lb j : arc (lb j).
Proof. apply arc_ln_pos; auto. Qed.

Lemma lb_derive : ae (fun t => forall j, is_derive (lb j) t (Derive (lb j) t)).
Proof.
  generalize beta_diff; apply ae_imp; intros t T Df j; apply Derive_correct;
    unfold log_adapter.
  destruct (Df j) as [d Dd]; exists (/ beta t j * d).
  assert (P := beta_pos t j (Rlt_le _ _ T)).
  rewrite Rmult_comm; apply (is_derive_comp ln (fun s => beta s j)); auto.
  auto_derive; [exact P | field; lra].
Qed.

(** The fluctuations of log beta, summed. *)
Lemma fluctuation : exists B Bmax, arc B /\ B 0 = 0 /\
  ae (fun t => is_derive B t (Sum (fun j => Rabs (Derive (lb j) t)))) /\
  forall t, 0 <= t -> 0 <= B t <= Bmax.
Proof.
  unfold Sum; induction enum as [| j js (B & Bmax & AB & B0 & DB & Bd)].
  - exists (fun _ => 0), 0; repeat split; try lra; [apply arc_const |].
    apply everywhere; intros t _; simpl; apply (is_derive_const (V := R_NormedModule)).
  - destruct (integ j) as (_ & V & lim & (AV & V0 & DV) & Lim).
    assert (Mono : forall s t, 0 <= s <= t -> V s <= V t).
    { apply arc_monotone; auto; revert DV; apply ae_imp; intros t _ Dt.
      eexists; split; [exact Dt | apply Rabs_pos]. }
    exists (fun t => V t + B t), (lim + Bmax); split; [now apply arc_plus |].
    split; [lra |]; split.
    + generalize (ae_and _ _ DV DB); apply ae_imp; intros t _ [D1 D2]; simpl.
      now apply (is_derive_plus (V := R_NormedModule)).
    + intros t T; specialize (Bd t T).
      assert (0 <= V t) by (rewrite <- V0; apply Mono; lra).
      assert (V t <= lim); [| lra].
      assert (Le : Rbar_le (V t) lim); [| exact Le].
      apply (is_lim_le_loc (fun _ => V t) V p_infty (V t) lim);
        [| apply is_lim_const | exact Lim].
      exists t; intros s S; apply Mono; lra.
Qed.

Lemma beta_bounds : exists m M, 0 < m /\ 0 < M /\
  forall t j, 0 <= t -> m <= beta t j <= M.
Proof.
  destruct fluctuation as (B & Bmax & AB & B0 & DB & Bd).
  destruct (finite_bounds (beta 0)) as (m & M & m0 & M0 & Hb).
  { intros j; apply beta_pos; lra. }
  exists (m * exp (- Bmax)), (M * exp Bmax).
  assert (E := exp_pos Bmax); assert (E' := exp_pos (- Bmax)).
  split; [now apply Rmult_lt_0_compat |]; split; [now apply Rmult_lt_0_compat |].
  intros t j T; specialize (Bd t T); specialize (Hb j).
  assert (Side : forall s, s = 1 \/ s = -1 -> s * lb j 0 <= s * lb j t + B t).
  { intros s S.
    assert (Q : B 0 + s * lb j 0 <= B t + s * lb j t); [| lra].
    apply (arc_monotone (fun t => B t + s * lb j t)); [| | lra].
    - apply arc_plus; auto; apply arc_scal, arc_lb.
    - generalize (ae_and _ _ DB lb_derive); apply ae_imp; intros r _ [D1 D2].
      eexists; split.
      + apply (is_derive_plus (V := R_NormedModule) B (fun t => s * lb j t));
          [exact D1 |].
        apply (is_derive_scal (lb j)), D2.
      + unfold plus; simpl.
        assert (T1 := Sum_ge_term (fun j => Rabs (Derive (lb j) r)) j
          (fun i => Rabs_pos _)); simpl in T1.
        generalize (Rle_abs (Derive (lb j) r)) (Rle_abs (- Derive (lb j) r)).
        rewrite Rabs_Ropp; destruct S as [-> | ->]; simpl; lra. }
  assert (S1 := Side 1 ltac:(lra)); assert (S2 := Side (-1) ltac:(lra)).
  assert (P0 := beta_pos 0 j ltac:(lra)); assert (Pt := beta_pos t j T).
  unfold log_adapter in S1, S2.
  rewrite <- (exp_ln (beta t j)) by auto; split.
  - apply Rle_trans with (exp (ln (beta 0 j)) * exp (- Bmax)).
    + rewrite exp_ln by auto; apply Rmult_le_compat_r; lra.
    + rewrite <- exp_plus; apply exp_le; lra.
  - apply Rle_trans with (exp (ln (beta 0 j)) * exp Bmax).
    + rewrite <- exp_plus; apply exp_le; lra.
    + rewrite exp_ln by auto; apply Rmult_le_compat_r; lra.
Qed.

Lemma inv_beta t j : 0 <= t -> exp (- lb j t) * beta t j = 1.
Proof.
  intros T; unfold log_adapter; rewrite exp_Ropp, exp_ln by auto.
  apply Rinv_l; generalize (beta_pos t j T); lra.
Qed.

Lemma arc_Sum (f : J -> R -> R) :
  (forall j, arc (f j)) -> arc (fun t => Sum (fun j => f j t)).
Proof.
  intros A; unfold Sum; induction enum; simpl; [apply arc_const | now apply arc_plus].
Qed.

Lemma arc_R2 : arc R2.
Proof.
  apply (arc_Sum (fun j t => exp (- lb j t) * v t j ^ 2)); intros j; apply arc_mult.
  - apply arc_exp; apply arc_ext with (fun t => -1 * lb j t); [intros; ring |].
    apply arc_scal, arc_lb.
  - apply arc_ext with (fun t => v t j * v t j); [intros; ring | now apply arc_mult].
Qed.

Lemma R2_derive : ae (fun t => is_derive R2 t
  (2 * l * nu (v t) -
   Sum (fun j => exp (- lb j t) * v t j ^ 2 * Derive (lb j) t))).
Proof.
  generalize (ae_and _ _ (ae_and _ _ equation lb_derive) subgrad); apply ae_imp.
  intros t T [[Fl Lb] Sg].
  assert (Eu := euler predictor k _ _ Sg).
  replace (2 * l * nu (v t) -
    Sum (fun j => exp (- lb j t) * v t j ^ 2 * Derive (lb j) t))
    with (Sum (fun j => -2 * (u t j * v t j) +
      -1 * (exp (- lb j t) * v t j ^ 2 * Derive (lb j) t))).
  2: { rewrite Sum_plus, !Sum_scal; fold (inner (u t) (v t)); rewrite Eu; ring. }
  apply is_derive_Sum; intros j; specialize (Fl j); specialize (Lb j).
  replace (-2 * (u t j * v t j) + -1 * (exp (- lb j t) * v t j ^ 2 * Derive (lb j) t))
    with (exp (- lb j t) * (- Derive (lb j) t) * v t j ^ 2 +
          exp (- lb j t) * (2 * v t j * (- beta t j * u t j))).
  2: { assert (I := inv_beta t j (Rlt_le _ _ T)).
       replace (exp (- lb j t) * (2 * v t j * (- beta t j * u t j))) with
         (-2 * (u t j * v t j) * (exp (- lb j t) * beta t j)) by ring.
       rewrite I; ring. }
  set (vj s := v s j) in *; change (v t j) with (vj t) in *.
  set (dv := - beta t j * u t j) in *.
  change (is_derive (fun s => exp (- lb j s) * vj s ^ 2) t
    (exp (- lb j t) * - Derive (lb j) t * vj t ^ 2 +
     exp (- lb j t) * (2 * vj t * dv))).
  auto_derive; [repeat split; eexists; [exact Lb | exact Fl] |].
  change (Derive (fun x => vj x) t) with (Derive vj t).
  change (Derive (fun x => lb j x) t) with (Derive (lb j) t).
  replace (Derive vj t) with dv by (symmetry; now apply is_derive_unique).
  ring.
Qed.

Lemma energy_nonneg t : 0 <= t -> 0 <= energy t.
Proof.
  intros T; apply Sum_nonneg; intros j; apply Rmult_le_pos; [| apply pow2_ge_0].
  left; auto.
Qed.

Lemma loss_derive : ae (fun t => is_derive loss_at t (- energy t)).
Proof.
  assert (Dv : ae (fun t => forall j, ex_derive (fun s => v s j) t)).
  { generalize equation; apply ae_imp; intros t _ Fl j; eexists; apply Fl. }
  generalize (ae_and _ _ (ae_and _ _ (chain v arc_v Dv) subgrad) equation);
    apply ae_imp.
  intros t _ [[C Sg] Fl]; specialize (C _ Sg); unfold SmoothedMargin.loss_at.
  replace (- energy t) with (inner (u t) (fun j => Derive (fun s => v s j) t)); auto.
  unfold SmoothedMargin.energy;
    rewrite <- (Rmult_1_l (Sum _)), Ropp_mult_distr_l, <- Sum_scal.
  apply Sum_ext; intros j.
  replace (Derive (fun s => v s j) t) with (- beta t j * u t j)
    by (symmetry; apply is_derive_unique, Fl).
  ring.
Qed.

Lemma loss_pos t : 0 < loss_at t.
Proof. apply total_loss_pos. Qed.

Lemma psi_loss_pos t : 0 < psi k (loss_at t).
Proof. apply psi_pos, loss_pos. Qed.

Lemma arc_loss_at : arc loss_at.
Proof.
  apply (arc_lipschitz_comp (total_loss k Phi) v); auto; apply total_loss_lipschitz;
    exact Lip.
Qed.

Lemma loss_below t : 0 <= t -> loss_at t < ell k 0.
Proof.
  intros T; apply Rle_lt_trans with (loss_at 0); [| exact sep].
  apply (arc_antitone loss_at); [apply arc_loss_at | | lra].
  generalize loss_derive; apply ae_imp; intros s S Ds; eexists; split; [exact Ds |].
  generalize (energy_nonneg s (Rlt_le _ _ S)); lra.
Qed.

Lemma G_pos t : 0 <= t -> 0 < G t.
Proof. intros T; apply (below k); [apply loss_pos | now apply loss_below]. Qed.

Lemma arc_G : arc G.
Proof.
  apply (arc_comp_pos (inverse_loss k) (fun s => - / psi k s));
    [apply arc_loss_at | | |].
  - intros; apply loss_pos.
  - intros z Z; now apply inverse_derive.
  - intros c M c0; exists (/ psi k c); intros z Z.
    assert (P := psi_pos k c c0); assert (Q := psi_mono k c z (proj1 Z)).
    rewrite Rabs_Ropp, Rabs_pos_eq by (left; apply Rinv_0_lt_compat; lra).
    apply Rinv_le_contravar; lra.
Qed.

Lemma G_derive : ae (fun t => is_derive G t (energy t / psi k (loss_at t))).
Proof.
  generalize loss_derive; apply ae_imp; intros t _ Dl; unfold smoothed_margin.
  replace (energy t / psi k (loss_at t)) with (- energy t * - / psi k (loss_at t))
    by (unfold Rdiv; ring).
  apply (is_derive_comp (inverse_loss k) loss_at);
    [apply inverse_derive, loss_pos | exact Dl].
Qed.

Lemma G_ge t : 0 <= t -> G 0 <= G t.
Proof.
  intros T; apply (arc_monotone G); [apply arc_G | | lra].
  generalize G_derive; apply ae_imp; intros s S Ds; eexists; split; [exact Ds |].
  apply Rdiv_le_0_compat; [apply energy_nonneg; lra | apply psi_loss_pos].
Qed.

Lemma norm_pos t : 0 <= t -> 0 < norm (v t).
Proof.
  intros T; destruct (norm_nonneg (v t)) as [P | Z]; auto; exfalso.
  destruct nonempty as [i]; assert (Q := q_ge_inv Phi k i (v t)).
  assert (Gp := G_pos t T); unfold smoothed_margin, SmoothedMargin.loss_at in Gp.
  rewrite (q_origin predictor) in Q; [lra |].
  intros j; assert (C := norm_ge_component (v t) j); rewrite <- Z in C.
  apply Rabs_le_between in C; lra.
Qed.

(** G <= C |v|^l. *)
Lemma G_le_norm : exists c, forall t, 0 <= t -> ln (G t) <= c + l * ln (norm (v t)).
Proof.
  destruct (q_bound predictor) as [c B]; exists c; intros t T.
  assert (N := norm_pos t T); destruct nonempty as [i].
  assert (Q := q_ge_inv Phi k i (v t)); assert (Gp := G_pos t T).
  specialize (B i (v t) N).
  rewrite <- (ln_exp (c + l * ln (norm (v t)))); apply ln_le; auto.
  unfold smoothed_margin, SmoothedMargin.loss_at in *;
    generalize (Rle_abs (margin_at Phi i (v t))); lra.
Qed.

Lemma R2_bounds : exists m M, 0 < m /\ 0 < M /\ forall t, 0 <= t ->
  m * norm (v t) ^ 2 <= R2 t <= M * norm (v t) ^ 2.
Proof.
  destruct beta_bounds as (m & M & m0 & M0 & B).
  exists (/ M), (/ m); split; [now apply Rinv_0_lt_compat |].
  split; [now apply Rinv_0_lt_compat |]; intros t T; rewrite norm_sqr, <- !Sum_scal.
  split; apply Sum_le; intros j; apply Rmult_le_compat_r; try apply pow2_ge_0;
    unfold log_adapter; rewrite exp_Ropp, exp_ln by auto; specialize (B t j T);
    apply Rinv_le_contravar; try lra; auto.
Qed.

Lemma R2_pos t : 0 <= t -> 0 < R2 t.
Proof.
  intros T; destruct R2_bounds as (m & M & m0 & _ & B); specialize (B t T).
  assert (N := norm_pos t T).
  apply Rlt_le_trans with (2 := proj1 B), Rmult_lt_0_compat; auto; nra.
Qed.

(** Cauchy-Schwarz: (l nu)^2 <= |v|_beta^2 energy. *)
Lemma schwarz t : 0 <= t -> clarke (total_loss k Phi) (v t) (u t) ->
  (l * nu (v t)) ^ 2 <= R2 t * energy t.
Proof.
  intros T Sg; assert (Eu := euler predictor k _ _ Sg).
  replace ((l * nu (v t)) ^ 2) with (inner (u t) (v t) ^ 2) by (rewrite Eu; ring).
  assert (C := cauchy_schwarz (fun j => sqrt (exp (- lb j t)) * v t j)
                              (fun j => sqrt (beta t j) * u t j)).
  replace (inner (u t) (v t)) with
    (Sum (fun j => sqrt (exp (- lb j t)) * v t j * (sqrt (beta t j) * u t j))).
  - eapply Rle_trans; [exact C |]; right; f_equal; apply Sum_ext; intros j.
    + rewrite Rpow_mult_distr, pow2_sqrt; [reflexivity | left; apply exp_pos].
    + rewrite Rpow_mult_distr, pow2_sqrt; [reflexivity | left; auto].
  - apply Sum_ext; intros j.
    transitivity (sqrt (exp (- lb j t)) * sqrt (beta t j) * (u t j * v t j)); [ring |].
    rewrite <- sqrt_mult_alt by (left; apply exp_pos).
    rewrite inv_beta, sqrt_1 by auto; ring.
Qed.

Lemma weighted_margin_ge t : 0 <= t -> G t * psi k (loss_at t) <= nu (v t).
Proof.
  intros T; eapply Rle_trans; [| apply nu_ge].
  apply Rmult_le_compat_l; [left; now apply G_pos | apply slope_ge].
Qed.

Lemma weighted_margin_pos t : 0 <= t -> 0 < nu (v t).
Proof.
  intros T; apply Rlt_le_trans with (2 := weighted_margin_ge t T).
  apply Rmult_lt_0_compat; [now apply G_pos | apply psi_loss_pos].
Qed.

(** Through beta alone R2 changes by at most R2 times the fluctuation of log beta. *)
Lemma fluctuation_of_R2 t :
  Rabs (Sum (fun j => exp (- lb j t) * v t j ^ 2 * Derive (lb j) t)) <=
  R2 t * Sum (fun j => Rabs (Derive (lb j) t)).
Proof.
  assert (P : forall i, 0 <= exp (- lb i t) * v t i ^ 2).
  { intros i; apply Rmult_le_pos; [left; apply exp_pos | apply pow2_ge_0]. }
  assert (Q : forall s, s = 1 \/ s = -1 ->
    s * Sum (fun j => exp (- lb j t) * v t j ^ 2 * Derive (lb j) t) <=
    R2 t * Sum (fun j => Rabs (Derive (lb j) t))).
  { intros s S; rewrite <- !Sum_scal; apply Sum_le; intros j.
    assert (Tj := Sum_ge_term (fun j => exp (- lb j t) * v t j ^ 2) j P).
    fold (R2 t) in Tj; cbv beta in Tj; specialize (P j).
    assert (A := Rabs_pos (Derive (lb j) t)).
    assert (A1 := Rle_abs (Derive (lb j) t)).
    assert (A2 := Rle_abs (- Derive (lb j) t)); rewrite Rabs_Ropp in A2.
    set (e := exp (- lb j t) * v t j ^ 2) in *.
    set (d := Derive (lb j) t) in *.
    assert (e * Rabs d <= R2 t * Rabs d) by (apply Rmult_le_compat_r; auto).
    assert (e * (s * d) <= e * Rabs d)
      by (apply Rmult_le_compat_l; auto; destruct S as [-> | ->]; lra).
    lra. }
  apply Rabs_le; assert (Q1 := Q 1 ltac:(lra)); assert (Q2 := Q (-1) ltac:(lra)); lra.
Qed.

(** The logarithmic derivatives of G and of R2. *)
Notation fluctuation_at t := (Sum (fun j => Rabs (Derive (lb j) t))).

Lemma log_derive : ae (fun t => clarke (total_loss k Phi) (v t) (u t) /\
  is_derive (fun t => ln (G t)) t (energy t / psi k (loss_at t) / G t) /\
  exists dr, is_derive (fun t => ln (R2 t)) t dr /\
    2 * l * nu (v t) / R2 t - fluctuation_at t <= dr <=
    2 * l * nu (v t) / R2 t + fluctuation_at t).
Proof.
  generalize (ae_and _ _ (ae_and _ _ G_derive R2_derive) subgrad).
  apply ae_imp; intros t T [[DG DR] Sg]; assert (Tp := Rlt_le _ _ T).
  assert (Dln : forall (f : R -> R) d, is_derive f t d -> 0 < f t ->
    is_derive (fun s => ln (f s)) t (d / f t)).
  { intros f d Df P; apply (is_derive_comp ln f); auto.
    auto_derive; [exact P | field; lra]. }
  split; [exact Sg |]; split; [apply Dln; auto; now apply G_pos |].
  eexists; split; [apply Dln; [exact DR | now apply R2_pos] |].
  assert (Wb := fluctuation_of_R2 t); set (b := fluctuation_at t) in *.
  set (W := Sum (fun j => exp (- lb j t) * v t j ^ 2 * Derive (lb j) t)) in *.
  apply Rabs_le_between in Wb; assert (R0 := R2_pos t Tp).
  assert (E : W / R2 t <= b /\ - b <= W / R2 t).
  { split; apply Rmult_le_reg_r with (R2 t); auto; unfold Rdiv;
      rewrite Rmult_assoc, Rinv_l by lra; lra. }
  replace ((2 * l * nu (v t) - W) / R2 t) with (2 * l * nu (v t) / R2 t - W / R2 t)
    by (field; lra); lra.
Qed.

(** By Cauchy-Schwarz ln G grows at least at the rate l^2 nu / R2. *)
Lemma growth_schwarz t : 0 <= t -> clarke (total_loss k Phi) (v t) (u t) ->
  l * (l * nu (v t)) / R2 t <= energy t / psi k (loss_at t) / G t.
Proof.
  intros T Sg; assert (Gp := G_pos t T); assert (Rp := R2_pos t T).
  assert (Ng := weighted_margin_ge t T); assert (Np := weighted_margin_pos t T).
  assert (Cs := schwarz t T Sg); assert (Pp := psi_loss_pos t).
  set (N := nu (v t)) in *; set (p := psi k (loss_at t)) in *.
  apply Rmult_le_reg_r with (R2 t * (p * G t)).
  { apply Rmult_lt_0_compat; auto; now apply Rmult_lt_0_compat. }
  replace (l * (l * N) / R2 t * (R2 t * (p * G t)))
    with (l * l * N * (G t * p)) by (field; lra).
  replace (energy t / p / G t * (R2 t * (p * G t)))
    with (R2 t * energy t) by (field; lra).
  apply Rle_trans with (2 := Cs).
  replace ((l * N) ^ 2) with (l * l * N * N) by ring.
  apply Rmult_le_compat_l; auto; apply Rmult_le_pos; [nra | lra].
Qed.

(** (b) The smoothed margin, up to the fluctuations of log beta. *)
(* statement: margin monotone *)
Theorem margin_monotone B :
  arc B -> ae (fun t => is_derive B t (Sum (fun j => Rabs (Derive (lb j) t)))) ->
  forall s t, 0 <= s <= t ->
  ln (G s) - l / 2 * ln (R2 s) + l / 2 * B s <=
  ln (G t) - l / 2 * ln (R2 t) + l / 2 * B t.
(* end statement *)
Proof.
  intros AB DB.
  set (F t := ln (G t) + (- (l / 2) * ln (R2 t) + l / 2 * B t)).
  assert (M : forall s t, 0 <= s <= t -> F s <= F t);
    [| intros s t I; specialize (M s t I); unfold F in M; lra].
  apply arc_monotone.
  - apply arc_plus; [apply arc_ln_pos; [apply arc_G | apply G_pos] |].
    apply arc_plus; apply arc_scal; auto.
    apply arc_ln_pos; [apply arc_R2 | apply R2_pos].
  - generalize (ae_and _ _ log_derive DB); apply ae_imp.
    intros t T [(Sg & DG & dr & DR & Dr) Db]; assert (Tp := Rlt_le _ _ T).
    set (b := Sum (fun j => Rabs (Derive (lb j) t))) in *.
    exists (energy t / psi k (loss_at t) / G t + (- (l / 2) * dr + l / 2 * b)); split.
    + apply (is_derive_plus (V := R_NormedModule) (fun t => ln (G t))
        (fun t => - (l / 2) * ln (R2 t) + l / 2 * B t)); [exact DG |].
      apply (is_derive_plus (V := R_NormedModule) (fun t => - (l / 2) * ln (R2 t))
        (fun t => l / 2 * B t)).
      * now apply (is_derive_scal (fun t => ln (R2 t))).
      * now apply (is_derive_scal B).
    + assert (Gr := growth_schwarz t Tp Sg); assert (Rp := R2_pos t Tp).
      assert (L : l / 2 * dr <= l / 2 * (2 * l * nu (v t) / R2 t + b))
        by (apply Rmult_le_compat_l; lra).
      replace (l / 2 * (2 * l * nu (v t) / R2 t + b)) with
        (l * (l * nu (v t)) / R2 t + l / 2 * b) in L by (field; lra).
      lra.
Qed.

End MarginArgument.
