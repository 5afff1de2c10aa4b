(** * Linear predictors: Theorem 4 with nothing cited

    At a KKT point w* of the linear problem <w*, z> >= |w*|^2 for every feasible z, so
    that z = v / G, which is feasible and whose norm tends to |w*|, tends to w*. *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Theorem4 HardMargin.
Import ListNotations.
Open Scope R_scope.

Section Linear.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.

(* statement: linear *)
Definition linear_predictor (feat : X -> vec J) : vec J -> X -> R :=
  fun w z => inner w (feat z).
(* end statement *)

Variables (k : loss) (feat : X -> vec J).
Notation Phi := (linear_predictor feat).

Lemma lin_gradient i : gradient_of (fun w => Phi w (x i)) (fun _ => feat (x i)).
Proof.
  split.
  - intros v e e0; exists 1; split; [lra |]; intros z _; unfold linear_predictor.
    rewrite inner_sub, !(inner_comm (feat (x i))).
    replace (_ - _ - _) with 0 by ring; rewrite Rabs_R0.
    apply Rmult_le_pos; [lra | apply norm_nonneg].
  - intros v e e0; exists 1; split; [lra |]; intros; rewrite Rminus_eq_0, Rabs_R0; lra.
Qed.

Lemma lin_lipschitz i : locally_lipschitz (fun w => Phi w (x i)).
Proof.
  intros v; exists 1, (norm (feat (x i))); split; [lra |]; intros a b _ _.
  unfold linear_predictor; rewrite !(inner_comm _ (feat _)), <- inner_sub.
  apply Rabs_le; split; [| apply inner_le_norm].
  assert (I := inner_le_norm (feat (x i)) (fun j => -1 * sub b a j)).
  rewrite inner_scal, norm_scal, Rabs_left in I by lra; lra.
Qed.

Lemma lin_hom a v i : 0 < a -> Phi (fun j => a * v j) (x i) = Rpower a 1 * Phi v (x i).
Proof.
  intros A; rewrite Rpower_1 by auto; unfold linear_predictor.
  rewrite inner_comm, inner_scal, inner_comm; reflexivity.
Qed.

(* statement: signed *)
(** A data point's vector, y(i) x(i). *)
Definition signed (i : D) : vec J := fun j => y i * feat (x i) j.
(* end statement *)

(** The problem of Theorem 2, for a linear predictor, is the hard-margin problem. *)
Lemma max_margin_linear (s : vec J) : max_margin_KKT Phi s = hard_margin signed s.
Proof.
  unfold max_margin_KKT, hard_margin; f_equal.
  apply functional_extensionality; intros i; apply functional_extensionality; intros u.
  unfold linear_predictor, signed; now rewrite inner_scal.
Qed.

(** The variational inequality at a KKT point of the linear problem. *)
Lemma kkt_variational w : max_margin_KKT Phi (fun _ => 1) w ->
  forall z, (forall i, 1 <= margin_at Phi i z) -> norm w ^ 2 <= inner w z.
Proof.
  intros K z Fz; rewrite max_margin_linear in K.
  assert (V := hard_margin_variational signed (fun _ => 1) w z K).
  assert (One : forall u : vec J, mul (fun _ => 1) u = u)
    by (intros u; apply functional_extensionality; intros j; unfold mul; ring).
  rewrite !One in V; apply V; intros i; specialize (Fz i).
  unfold margin_at, linear_predictor in Fz; unfold signed; now rewrite inner_scal.
Qed.

Lemma lin_predictor : homogeneous_predictor Phi 1.
Proof. constructor; [lra | exact lin_lipschitz | exact lin_hom]. Qed.

Lemma linear_chain_rule : admits_chain_rule (total_loss k Phi).
Proof. exact (smooth_loss_chain_rule k Phi _ lin_gradient). Qed.

Context {v beta u : R -> vec J}.
Hypothesis flow : separated_flow k Phi 1 v beta u.
Hypothesis beta_lim : forall j, is_lim (fun t => beta t j) p_infty 1.
Let beta_pos := adapter_pos flow.
Notation G := (smoothed_margin k Phi v).
Notation R2 := (adapted_norm2 v beta).
Definition zt t : vec J := fun j => exp (- (/ 1) * ln (G t)) * v t j.

Lemma norm_zt_lim : exists Z, 0 < Z /\ is_lim (fun t => norm (zt t)) p_infty Z.
Proof.
  destruct (norm_G flow) as (C & C0 & NG).
  destruct (R2_bounds flow) as (m & M & m0 & M0 & RB).
  destruct (fluctuation flow) as (B & Bmax & AB & B0 & DB & Bd).
  assert (Mo := margin_monotone flow B AB DB).
  assert (Np : forall t, 0 <= t -> 0 < norm (v t))
    by (intros t T; apply (norm_pos flow); auto).
  assert (Gp : forall t, 0 <= t -> 0 < G t)
    by (intros t T; apply (G_pos flow); auto).
  assert (Rp : forall t, 0 <= t -> 0 < R2 t).
  { intros t T; destruct (RB t T) as [L _]; assert (N := Np t T).
    apply Rlt_le_trans with (2 := L), Rmult_lt_0_compat; auto; nra. }
  set (F t := ln (G t) - 1 / 2 * ln (R2 t) + 1 / 2 * B t).
  destruct (monotone_limit F (C - 1 / 2 * ln m + 1 / 2 * Bmax)) as [zF LF].
  { intros s t I; exact (Mo s t I). }
  { intros t T; destruct (NG t T) as [N1 _]; destruct (RB t T) as [L _];
      assert (N := Np t T).
    apply Rabs_le_between in N1; specialize (Bd t T);
      replace (/ 1) with 1 in N1 by field.
    assert (lR : ln m + 2 * ln (norm (v t)) <= ln (R2 t)).
    { rewrite <- ln_sqr, <- ln_mult by (auto; nra).
      apply ln_le; auto; apply Rmult_lt_0_compat; auto; nra. }
    unfold F; lra. }
  destruct (monotone_limit B Bmax) as [zB LB].
  { apply arc_monotone; auto; revert DB; apply ae_imp; intros t _ Dt.
    eexists; split; [exact Dt |]; apply Sum_nonneg; intros; apply Rabs_pos. }
  { intros t T; apply Bd; auto. }
  (* |v|^2 / R2 -> 1 *)
  assert (Ratio : is_lim (fun t => norm (v t) ^ 2 / R2 t) p_infty 1).
  { apply is_lim_spec; intros e; assert (e0 := cond_pos e).
    destruct (eventually_all (fun j t => Rabs (beta t j - 1) < e / 2)) as [T HT].
    { intros j; assert (Lb := beta_lim j); apply is_lim_spec in Lb.
      assert (e2 : 0 < e / 2) by lra.
      destruct (Lb (mkposreal (e / 2) e2)) as [T HT]; now exists T. }
    exists (Rmax T 0); intros t Ht.
    assert (tT : T < t /\ 0 < t) by (generalize (Rmax_l T 0) (Rmax_r T 0); lra).
    assert (tp : 0 <= t) by lra; assert (R0 := Rp t tp).
    assert (Up : Rabs (norm (v t) ^ 2 - R2 t) <= e / 2 * R2 t).
    { assert (S : forall s, s = 1 \/ s = -1 ->
        s * (norm (v t) ^ 2 - R2 t) <= e / 2 * R2 t).
      { intros s S; rewrite norm_sqr; unfold adapted_norm2 at 1 2.
        replace (s * (Sum (fun j => v t j ^ 2) - Sum (fun j => exp (- log_adapter beta
          j t) * v t j ^ 2)))
          with (Sum (fun j => s * (v t j ^ 2) + - s * (exp (- log_adapter beta j t) * v
            t j ^ 2))).
        - rewrite <- Sum_scal; apply Sum_le; intros j.
          assert (I := inv_beta flow t j tp); specialize (HT j t (proj1 tT)).
          apply Rabs_def2 in HT; set (b := exp (- log_adapter beta j t)) in *.
          assert (b0 : 0 < b) by apply exp_pos; assert (V := pow2_ge_0 (v t j)).
          assert (W : 0 <= b * v t j ^ 2) by (apply Rmult_le_pos; lra).
          replace (s * v t j ^ 2 + - s * (b * v t j ^ 2)) with
            (s * (beta t j - 1) * (b * v t j ^ 2)).
          + apply Rmult_le_compat_r; auto; destruct S as [-> | ->]; lra.
          + transitivity (s * v t j ^ 2 * (b * beta t j) + - s * (b * v t j ^ 2));
              [ring | rewrite I; ring].
        - rewrite Sum_plus, !Sum_scal; ring. }
      apply Rabs_le; assert (S1 := S 1 ltac:(lra)); assert (S2 := S (-1) ltac:(lra));
        lra. }
    replace (norm (v t) ^ 2 / R2 t - 1) with ((norm (v t) ^ 2 - R2 t) / R2 t) by
      (field; lra).
    unfold Rdiv; rewrite Rabs_mult, (Rabs_pos_eq (/ R2 t))
      by (left; now apply Rinv_0_lt_compat).
    apply Rmult_lt_reg_r with (R2 t); auto; rewrite Rmult_assoc, Rinv_l by lra; nra. }
  exists (sqrt (1 * exp (-2 * zF + zB))); split.
  { apply sqrt_lt_R0; generalize (exp_pos (-2 * zF + zB)); lra. }
  apply is_lim_ext_loc with
    (fun t => sqrt (norm (v t) ^ 2 / R2 t * exp (-2 * F t + B t))).
  { exists 0; intros t Ht; assert (tp : 0 <= t) by lra.
    unfold zt; rewrite norm_scal, Rabs_pos_eq by (left; apply exp_pos).
    assert (R0 := Rp t tp); assert (g := Gp t tp); assert (N := Np t tp).
    replace (-2 * F t + B t) with (ln (R2 t) + (- ln (G t) + - ln (G t))) by (unfold F;
      field).
    rewrite !exp_plus, exp_ln by auto.
    replace (norm (v t) ^ 2 / R2 t * (R2 t * (exp (- ln (G t)) * exp (- ln (G t)))))
      with
      ((exp (- ln (G t)) * norm (v t)) ^ 2) by (field; lra).
    rewrite sqrt_pow2.
    - f_equal; f_equal; field.
    - apply Rmult_le_pos; [left; apply exp_pos | lra]. }
  apply (is_lim_comp_continuous (fun t => norm (v t) ^ 2 / R2 t * exp (-2 * F t + B t))
    sqrt).
  - apply (is_lim_mult _ _ _ (Finite 1) (Finite (exp (-2 * zF + zB))));
      [exact Ratio | | easy].
    apply (is_lim_comp_continuous (fun t => -2 * F t + B t) exp).
    + apply is_lim_plus'; [| exact LB].
      exact (is_lim_scal_l F (-2) p_infty zF LF).
    + apply (ex_derive_continuous exp); auto_derive; auto.
  - apply continuity_pt_filterlim, continuity_pt_sqrt.
    generalize (exp_pos (-2 * zF + zB)); lra.
Qed.

Theorem linear_direction : exists theta : vec J,
  forall j, is_lim (fun t => v t j / norm (v t)) p_infty (theta j).
Proof.
  destruct norm_zt_lim as (Z & Z0 & LZ).
  destruct (kkt_cluster flow (smooth_sum_rule k Phi _ lin_gradient)
    (fun i => smooth_closed _ _ (gradient_q Phi _ lin_gradient i)) beta_lim
    (fun e w => Rabs (norm w - Z) <= e)) as (w & Kw & Pw & Cl).
  { intros e e' w L; lra. }
  { intros e e0; apply (eventually_often (v := v) (k := k) (Phi := Phi)).
    apply is_lim_spec in LZ; destruct (LZ (mkposreal e e0)) as [T HT].
    exists T; intros t Ht; left; exact (HT t Ht). }
  assert (Nw : norm w = Z).
  { apply Rminus_diag_uniq.
    assert (A : Rabs (norm w - Z) <= 0); [| apply Rabs_le_between in A; lra].
    apply le_epsilon; intros e e0; set (p := Sum (fun _ : J => 1)).
    assert (p0 : 0 <= p) by (apply Sum_nonneg; intros; lra).
    assert (r0 : 0 < e / 2 / (p + 1)) by (apply Rdiv_lt_0_compat; lra).
    destruct (Cl (e / 2) (e / 2 / (p + 1))) as (w' & Ew & Nr); [lra | exact r0 |].
    assert (Small : forall a b : vec J, (forall j,
      Rabs (a j - b j) < e / 2 / (p + 1)) ->
      norm a <= norm b + e / 2).
    { intros a b Hab; apply Rle_trans with (1 := norm_sub_le a b);
        apply Rplus_le_compat_l.
      apply Rle_trans with (Sum (fun j : J => e / 2 / (p + 1) * 1)).
      - eapply Rle_trans; [apply norm_le_Sum |]; apply Sum_le; intros j.
        rewrite Rmult_1_r; left; apply Hab.
      - rewrite Sum_scal; fold p; apply Rmult_le_reg_r with (p + 1); [lra |].
        replace (e / 2 / (p + 1) * p * (p + 1)) with (e / 2 * p) by (field; lra); nra. }
    assert (A1 := Small w' w Nr).
    assert (A2 := Small w w' ltac:(intros j; rewrite Rabs_minus_sym; apply Nr)).
    apply Rabs_le_between in Ew; rewrite Rplus_0_l; apply Rabs_le; lra. }
  assert (Var := kkt_variational w Kw).
  assert (Sq : is_lim (fun t => norm (zt t) ^ 2 - Z ^ 2) p_infty 0).
  { replace (Finite 0) with (Finite (Z ^ 2 - Z ^ 2)) by (f_equal; ring).
    apply is_lim_minus'; [| apply is_lim_const].
    apply (is_lim_comp_continuous (fun t => norm (zt t)) (fun z => z ^ 2)); auto.
    apply (ex_derive_continuous (fun z => z ^ 2)); auto_derive; auto. }
  assert (Lz : forall j, is_lim (fun t => zt t j) p_infty (w j)).
  { intros j; apply is_lim_spec; intros e; assert (e0 := cond_pos e).
    apply is_lim_spec in Sq; assert (e2 : 0 < e ^ 2) by nra.
    destruct (Sq (mkposreal (e ^ 2) e2)) as [T HT]; exists (Rmax T 0); intros t Ht.
    assert (tT : T < t /\ 0 < t) by (generalize (Rmax_l T 0) (Rmax_r T 0); lra).
    specialize (HT t (proj1 tT)); simpl pos in HT; apply Rabs_def2 in HT.
    assert (g : 0 < G t) by (apply (G_pos flow); auto; lra).
    assert (Fz : forall i, 1 <= margin_at Phi i (zt t)).
    { intros i; unfold zt; rewrite (q_hom lin_predictor) by apply exp_pos.
      rewrite ln_exp; replace (1 * (- / 1 * ln (G t))) with (- ln (G t)) by field.
      rewrite exp_Ropp, exp_ln by auto.
      assert (Q : G t <= margin_at Phi i (v t)) by apply q_ge_inv.
      apply Rmult_le_reg_l with (G t); auto.
      rewrite <- Rmult_assoc, Rinv_r by lra; lra. }
    specialize (Var (zt t) Fz).
    assert (Dq : norm (sub (zt t) w) ^ 2 = norm (zt t) ^ 2 - 2 * inner w (zt t) + norm
      w ^ 2).
    { rewrite !norm_sqr; unfold inner.
      transitivity (Sum (fun j => zt t j ^ 2 + (-2 * (w j * zt t j) + w j ^ 2))).
      - apply Sum_ext; intros; unfold sub; ring.
      - rewrite !Sum_plus, Sum_scal; ring. }
    assert (N2 : norm (sub (zt t) w) ^ 2 < e ^ 2) by (rewrite Dq, Nw in *; lra).
    apply Rle_lt_trans with (norm (sub (zt t) w)).
    - apply (norm_ge_component (sub (zt t) w) j).
    - assert (P := norm_nonneg (sub (zt t) w)); nra. }
  exists (fun j => w j / Z); intros j.
  apply is_lim_ext_loc with (fun t => zt t j / norm (zt t)).
  { exists 0; intros t Ht; assert (tp : 0 <= t) by lra.
    unfold zt; rewrite norm_scal, Rabs_pos_eq by (left; apply exp_pos).
    assert (N : 0 < norm (v t))
      by (apply (norm_pos flow); auto).
    assert (E := exp_pos (- / 1 * ln (G t))); field; lra. }
  apply (is_lim_div _ _ _ (Finite (w j)) (Finite Z)); auto.
  - intros E; injection E; lra.
  - exact I.
Qed.

End Linear.

(** A linear predictor in the variables v, where w = chi v, is linear. *)
Lemma linear_scaled {J X} `{FiniteType J} (chi : vec J) (feat : X -> vec J) :
  scaled chi (linear_predictor feat) = linear_predictor (fun z => mul chi (feat z)).
Proof.
  apply functional_extensionality; intros w; apply functional_extensionality; intros z.
  unfold scaled, linear_predictor; apply Sum_ext; intros; unfold mul; ring.
Qed.

(* statement: theorem 4 linear *)
(** Theorem 4 for linear predictors, in full: nothing is cited, and no rate is asked of
    the adapter. *)
Theorem theorem_4_linear {J D X} `{FiniteType J} `{Dataset D X}
    (k : loss) (feat : X -> vec J) (v beta u : R -> vec J) :
  adaptive_flow k (linear_predictor feat) v beta u ->
  separates k (linear_predictor feat) v ->
  (forall j, is_lim (fun t => beta t j) p_infty 1) ->
  implicit_regularization (total_loss k (linear_predictor feat)) 1 v
    (max_margin_KKT (linear_predictor feat) (fun _ => 1)).
(* end statement *)
Proof.
  intros Fl Sep Lim.
  apply (theorem_4_calculus k (linear_predictor feat) 1 v beta u); auto.
  - apply lin_predictor.
  - apply linear_chain_rule.
  - apply (smooth_sum_rule k _ _ (lin_gradient feat)).
  - intros i; exact (smooth_closed _ _ (gradient_q _ _ (lin_gradient feat) i)).
  - destruct Sep as (t0 & T0 & Sep).
    destruct (linear_direction k feat (separated_from (lin_predictor feat)
      (linear_chain_rule k feat) Fl T0 Sep)) as [theta Th].
    + intros j; now apply (proj1 (is_lim_shift (fun t => beta t j) t0 1 T0)).
    + exists theta; now apply (proj2 (direction_shift v theta t0 T0)).
Qed.
