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

Variables (k : joint_loss D) (feat : X -> vec J).
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
Notation G := (smoothed_margin k Phi v).
Notation zt t := (fun j => margin_scale k Phi 1 v t * v t j).

(** The length of z = v / G is the inverse of the normalized margin. *)
Lemma norm_zt_lim : exists Z, 0 < Z /\ is_lim (fun t => norm (zt t)) p_infty Z.
Proof.
  destruct (normalized_margin_converges flow beta_lim) as [z Lz].
  exists (exp (-1 * z)); split; [apply exp_pos |].
  apply is_lim_ext_loc with (fun t => exp (-1 * (ln (G t) - 1 * ln (norm (v t))))).
  { exists 0; intros t Ht; assert (N := norm_pos flow t (Rlt_le _ _ Ht)).
    unfold margin_scale; rewrite norm_scal, Rabs_pos_eq by (left; apply exp_pos).
    rewrite <- (exp_ln (norm (v t))) at 2 by exact N.
    rewrite <- exp_plus; f_equal; field. }
  apply (is_lim_comp_continuous (fun t => -1 * (ln (G t) - 1 * ln (norm (v t)))) exp).
  - exact (is_lim_scal_l _ (-1) p_infty z Lz).
  - apply (ex_derive_continuous exp); auto_derive; auto.
Qed.

(** A KKT point near which the scaled points have lengths near Z has the length Z. *)
Lemma cluster_length w Z : (forall e r, 0 < e -> 0 < r ->
    exists w' : vec J, Rabs (norm w' - Z) <= e /\ forall j, Rabs (w' j - w j) < r) ->
  norm w = Z.
Proof.
  intros Cl; apply Rminus_diag_uniq.
  assert (A : Rabs (norm w - Z) <= 0); [| apply Rabs_le_between in A; lra].
  apply le_epsilon; intros e e0; set (n := Sum (fun _ : J => 1)).
  assert (n0 : 0 <= n) by (apply Sum_nonneg; intros; lra).
  assert (r0 : 0 < e / 2 / (n + 1)) by (apply Rdiv_lt_0_compat; lra).
  destruct (Cl (e / 2) (e / 2 / (n + 1))) as (w' & Ew & Nr); [lra | exact r0 |].
  assert (M := norm_moves w' w _ (fun j => Rlt_le _ _ (Nr j))); fold n in M.
  assert (Small : e / 2 / (n + 1) * n <= e / 2).
  { apply Rle_trans with (e / 2 / (n + 1) * (n + 1)); [apply Rmult_le_compat_l; lra |].
    right; field; lra. }
  apply Rabs_le_between in Ew; apply Rabs_le_between in M.
  rewrite Rplus_0_l; apply Rabs_le; lra.
Qed.

(** By the variational inequality |z - w|^2 <= |z|^2 - |w|^2, which tends to 0. *)
Lemma zt_lim w Z : max_margin_KKT Phi (fun _ => 1) w -> norm w = Z ->
  is_lim (fun t => norm (zt t)) p_infty Z ->
  forall j, is_lim (fun t => zt t j) p_infty (w j).
Proof.
  intros Kw Nw LZ j; assert (Var := kkt_variational w Kw).
  assert (Sq : is_lim (fun t => norm (zt t) ^ 2 - Z ^ 2) p_infty 0).
  { replace (Finite 0) with (Finite (Z ^ 2 - Z ^ 2)) by (f_equal; ring).
    apply is_lim_minus'; [| apply is_lim_const].
    apply (is_lim_comp_continuous (fun t => norm (zt t)) (fun z => z ^ 2)); auto.
    apply (ex_derive_continuous (fun z => z ^ 2)); auto_derive; auto. }
  apply is_lim_spec; intros e; assert (e0 := cond_pos e).
  apply is_lim_spec in Sq; assert (e2 : 0 < e ^ 2) by nra.
  destruct (Sq (mkposreal (e ^ 2) e2)) as [T HT]; exists (Rmax T 0); intros t Ht.
  assert (tT : T < t /\ 0 < t) by (generalize (Rmax_l T 0) (Rmax_r T 0); lra).
  specialize (HT t (proj1 tT)); simpl pos in HT; apply Rabs_def2 in HT.
  specialize (Var (zt t) (fun i => scaled_feasible flow i t (Rlt_le _ _ (proj2 tT)))).
  set (z := zt t) in *; change (margin_scale k Phi 1 v t * v t j) with (z j).
  assert (Dq : norm (sub z w) ^ 2 = norm z ^ 2 - 2 * inner w z + norm w ^ 2).
  { rewrite !norm_sqr; unfold inner.
    transitivity (Sum (fun j => z j ^ 2 + (-2 * (w j * z j) + w j ^ 2))).
    - apply Sum_ext; intros; unfold sub; ring.
    - rewrite !Sum_plus, Sum_scal; ring. }
  assert (N2 : norm (sub z w) ^ 2 < e ^ 2) by (rewrite Dq, Nw in *; lra).
  apply Rle_lt_trans with (norm (sub z w)).
  - apply (norm_ge_component (sub z w) j).
  - assert (P := norm_nonneg (sub z w)); nra.
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
    assert (L := LZ); apply is_lim_spec in L; destruct (L (mkposreal e e0)) as [T HT].
    exists T; intros t Ht; left; exact (HT t Ht). }
  assert (Lz := zt_lim w Z Kw (cluster_length w Z Cl) LZ).
  exists (fun j => w j / Z); intros j.
  apply is_lim_ext_loc with (fun t => zt t j / norm (zt t)).
  { exists 0; intros t Ht; assert (tp : 0 <= t) by lra.
    rewrite norm_scal, Rabs_pos_eq by (left; apply exp_pos).
    assert (N : 0 < norm (v t)) by now apply (norm_pos flow).
    assert (E : 0 < margin_scale k Phi 1 v t) by apply exp_pos; field; lra. }
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
    (k : joint_loss D) (feat : X -> vec J) (v beta u : R -> vec J) :
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
