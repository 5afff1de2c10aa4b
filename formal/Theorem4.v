(** * Theorem 4, from the chain rule of the predictor

    With the closed graph and the sum rule proven, what is cited is: Proposition 1 for
    the predictor; Rademacher's theorem, of which it is used only that the points at
    which a locally Lipschitz function has a gradient are dense; and, for the direction,
    one inequality of Ji and Telgarsky. *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Shift Smooth SumRule Direction.
Import ListNotations.
Open Scope R_scope.

(* statement: theorem 4 vocabulary *)
(** The data are separated at some time. *)
Definition separates {J D X} `{FiniteType J} `{Dataset D X}
    (k : joint_loss D) (Phi : vec J -> X -> R) (v : R -> vec J) : Prop :=
  exists t0, 0 <= t0 /\ total_loss k Phi (v t0) < ell k 0.

Definition direction_converges {J} `{FiniteType J} (v : R -> vec J) : Prop :=
  exists theta : vec J, forall j,
    is_lim (fun t => v t j / norm (v t)) p_infty (theta j).

(** |beta - 1| = O(t^-p) for some p > 0. *)
Definition tends_to_1_like_a_power {J} (beta : R -> vec J) : Prop :=
  exists p C T, 0 < p /\ forall t j, T <= t ->
    Rabs (beta t j - 1) <= C * Rpower t (- p).
(* end statement *)

Lemma limit_of_power_rate {J} (beta : R -> vec J) : tends_to_1_like_a_power beta ->
  forall j, is_lim (fun t => beta t j) p_infty 1.
Proof.
  intros (p & C & T & p0 & B) j; apply is_lim_spec; intros e; assert (e0 := cond_pos e).
  set (K := Rabs C + 1); assert (K0 : 0 < K) by (unfold K; generalize (Rabs_pos C);
    lra).
  exists (Rmax (Rmax T 1) (exp (- ln (e / K) / p))); intros t Ht.
  assert (tT : T < t /\ 1 < t /\ exp (- ln (e / K) / p) < t).
  { generalize (Rmax_l (Rmax T 1) (exp (- ln (e / K) / p)))
      (Rmax_r (Rmax T 1) (exp (- ln (e / K) / p))) (Rmax_l T 1) (Rmax_r T 1); lra. }
  destruct tT as (t1 & t2 & t3).
  apply Rle_lt_trans with (1 := B t j ltac:(lra)).
  apply ln_increasing in t3; [| apply exp_pos]; rewrite ln_exp in t3.
  apply Rmult_lt_compat_l with (r := p) in t3; auto.
  replace (p * (- ln (e / K) / p)) with (- ln (e / K)) in t3 by (field; lra).
  assert (eK : 0 < e / K) by now apply Rdiv_lt_0_compat.
  assert (Small : Rpower t (- p) < e / K).
  { unfold Rpower; rewrite <- (exp_ln (e / K)) by auto; apply exp_increasing; lra. }
  assert (P : 0 < Rpower t (- p)) by apply exp_pos.
  apply Rle_lt_trans with (K * Rpower t (- p)).
  - apply Rmult_le_compat_r; [lra |]; unfold K; generalize (Rle_abs C); lra.
  - apply Rmult_lt_compat_l with (r := K) in Small; auto.
    replace (K * (e / K)) with (pos e) in Small by (field; lra); exact Small.
Qed.

(* statement: theorem 4 rates *)
(** The two rates of Theorem 4, for any adapter with log beta of finite variation. *)
Theorem theorem_4_rates {J D X} `{FiniteType J} `{Dataset D X}
    (k : joint_loss D) (Phi : vec J -> X -> R) (l : R) (v beta u : R -> vec J) :
  homogeneous_predictor Phi l ->
  (* cited: Proposition 1, for the loss *)
  admits_chain_rule (total_loss k Phi) ->
  adaptive_flow k Phi v beta u -> separates k Phi v ->
  growth_rates (total_loss k Phi) l v.
(* end statement *)
Proof.
  intros Hom Chain Fl (t0 & T0 & Sep).
  destruct (rates (separated_from Hom Chain Fl T0 Sep)) as [R1 R2]; split.
  - now apply (Theta_shift_loss (fun t => total_loss k Phi (v t)) t0).
  - now apply (Theta_shift_norm (fun t => norm (v t)) t0).
Qed.

Lemma direction_shift {J} `{FiniteType J} (v : R -> vec J) (theta : vec J) t0 :
  0 <= t0 ->
  (forall j, is_lim (fun t => v t j / norm (v t)) p_infty (theta j)) <->
  (forall j, is_lim (fun s => v (t0 + s) j / norm (v (t0 + s))) p_infty (theta j)).
Proof.
  intros T0; split; intros D j; specialize (D j).
  - now apply (proj1 (is_lim_shift (fun t => v t j / norm (v t)) t0 (theta j) T0)).
  - now apply (proj2 (is_lim_shift (fun t => v t j / norm (v t)) t0 (theta j) T0)).
Qed.

(** Along a flow a power of t is a power of |v|. *)
Lemma power_of_the_norm {J D X} `{FiniteType J} `{Dataset D X} {k : joint_loss D}
    {Phi : vec J -> X -> R} {l : R} {v beta u : R -> vec J} :
  separated_flow k Phi l v beta u -> tends_to_1_like_a_power beta ->
  exists kappa A T, 0 < kappa < l /\ 0 <= A /\ forall t j, T <= t ->
    Rabs (beta t j - 1) <= A * exp (- kappa * ln (norm (v t))).
Proof.
  intros flow (p & C & T & p0 & B); assert (l0 := degree_pos flow).
  destruct (rates flow) as [_ (m & M & T1 & m0 & M0 & N)].
  assert (pl : 0 < p * l) by now apply Rmult_lt_0_compat.
  set (kappa := Rmin (l / 2) (p * l)).
  assert (ka : 0 < kappa < l /\ kappa <= p * l) by (unfold kappa; minmax; lra).
  exists kappa, (Rabs C * exp (kappa * ln M)), (Rmax (Rmax T T1) (exp 1)).
  split; [lra |]; split; [apply Rmult_le_pos; [apply Rabs_pos | left; apply exp_pos] |].
  intros t j Ht; assert (e1 := exp_pos 1).
  assert (tT : T <= t /\ T1 <= t /\ exp 1 <= t).
  { generalize (Rmax_l (Rmax T T1) (exp 1)) (Rmax_r (Rmax T T1) (exp 1)) (Rmax_l T T1)
      (Rmax_r T T1); lra. }
  assert (ln1 : 1 <= ln t) by (rewrite <- (ln_exp 1); apply ln_le; lra).
  destruct (N t ltac:(lra)) as [Lo Up].
  assert (n0 : 0 < norm (v t)).
  { apply Rlt_le_trans with (2 := Lo), Rmult_lt_0_compat; [exact m0 | apply exp_pos]. }
  assert (Ln : ln (norm (v t)) <= ln M + / l * ln (ln t)).
  { apply ln_le in Up; [| exact n0]; unfold Rpower in Up.
    rewrite ln_mult, ln_exp in Up; [exact Up | exact M0 | apply exp_pos]. }
  assert (LL : ln (ln t) <= ln t).
  { rewrite <- (ln_exp (ln t)) at 2; apply ln_le; [lra |].
    generalize (exp_ineq1_le (ln t)); lra. }
  apply Rle_trans with (1 := B t j ltac:(lra)).
  apply Rle_trans with (Rabs C * Rpower t (- p)).
  { apply Rmult_le_compat_r; [left; apply exp_pos | apply Rle_abs]. }
  rewrite Rmult_assoc; apply Rmult_le_compat_l; [apply Rabs_pos |].
  unfold Rpower; rewrite <- exp_plus; apply exp_le.
  assert (K1 : kappa * ln (norm (v t)) <= kappa * (ln M + / l * ln (ln t)))
    by (apply Rmult_le_compat_l; lra).
  assert (K2 : kappa * / l * ln (ln t) <= p * ln t).
  { assert (q : kappa * / l <= p).
    { apply Rmult_le_reg_r with l; auto; rewrite Rmult_assoc, Rinv_l; lra. }
    assert (q0 : 0 <= kappa * / l)
      by (apply Rmult_le_pos; [lra | left; now apply Rinv_0_lt_compat]).
    apply Rle_trans with (kappa * / l * ln t);
      [apply Rmult_le_compat_l | apply Rmult_le_compat_r]; lra. }
  lra.
Qed.

Lemma power_rate_shift {J} (beta : R -> vec J) t0 : 0 <= t0 ->
  tends_to_1_like_a_power beta -> tends_to_1_like_a_power (fun s => beta (t0 + s)).
Proof.
  intros T0 (p & C & T & p0 & B); exists p, (Rabs C), (Rmax T 1).
  split; [exact p0 |]; intros s j Hs.
  assert (Ts : T <= s /\ 1 <= s) by (generalize (Rmax_l T 1) (Rmax_r T 1); lra).
  apply Rle_trans with (1 := B (t0 + s) j ltac:(lra)).
  apply Rle_trans with (Rabs C * Rpower (t0 + s) (- p)).
  { apply Rmult_le_compat_r; [left; apply exp_pos | apply Rle_abs]. }
  apply Rmult_le_compat_l; [apply Rabs_pos |]; unfold Rpower; apply exp_le.
  assert (Le : ln s <= ln (t0 + s)) by (apply ln_le; lra); nra.
Qed.

(* statement: theorem 4 direction *)
(** The direction converges, from one cited inequality, for an adapter that tends to 1
    like a power of t. *)
Theorem theorem_4_direction {J D X} `{FiniteType J} `{Dataset D X}
    (k : joint_loss D) (Phi : vec J -> X -> R) (l : R) (v beta u : R -> vec J) :
  homogeneous_predictor Phi l ->
  (* cited: Proposition 1, for the loss; Ji and Telgarsky *)
  admits_chain_rule (total_loss k Phi) ->
  desingularizing_inequality k Phi l ->
  adaptive_flow k Phi v beta u -> separates k Phi v -> tends_to_1_like_a_power beta ->
  direction_converges v.
(* end statement *)
Proof.
  intros Hom Chain Ineq Fl (t0 & T0 & Sep) Rate.
  assert (flow := separated_from Hom Chain Fl T0 Sep).
  destruct (power_of_the_norm flow (power_rate_shift beta t0 T0 Rate))
    as (kappa & A & T & Ka & A0 & Near).
  destruct (direction_from_inequality flow kappa A T Ka A0 Near Ineq) as [theta Th].
  exists theta; now apply (proj2 (direction_shift v theta t0 T0)).
Qed.

(** Theorem 4 where the direction converges, from two facts of Clarke's calculus. *)
Lemma theorem_4_calculus {J D X} `{FiniteType J} `{Dataset D X}
    (k : joint_loss D) (Phi : vec J -> X -> R) (l : R) (v beta u : R -> vec J) :
  homogeneous_predictor Phi l ->
  admits_chain_rule (total_loss k Phi) ->
  sum_rule k Phi -> (forall i, closed_graph (margin_at Phi i)) ->
  adaptive_flow k Phi v beta u -> separates k Phi v ->
  (forall j, is_lim (fun t => beta t j) p_infty 1) ->
  direction_converges v ->
  implicit_regularization (total_loss k Phi) l v (max_margin_KKT Phi (fun _ => 1)).
Proof.
  intros Hom Chain Sums Closed Fl Sep Lim [theta Th].
  split; [now apply (theorem_4_rates k Phi l v beta u) |].
  destruct Sep as (t0 & T0 & Sep).
  destruct (kkt_direction (separated_from Hom Chain Fl T0 Sep) Sums Closed)
    with (theta := theta) as (w & Kw & Pw & Cw).
  - intros j; now apply (proj1 (is_lim_shift (fun t => beta t j) t0 1 T0)).
  - now apply (proj1 (direction_shift v theta t0 T0)).
  - exists w; split; auto; split; auto.
    now apply (proj2 (direction_shift v (fun j => w j / norm w) t0 T0)).
Qed.

Section Dense.
Context {J : Type} `{FiniteType J}.

(* statement: dense gradients *)
(** What is used of Rademacher's theorem. *)
Definition gradients_dense (f : vec J -> R) : Prop :=
  forall v r, 0 < r -> exists z D, is_gradient f z D /\ norm (sub z v) < r.
(* end statement *)

Lemma smooth_dense f g : gradient_of f g -> gradients_dense f.
Proof.
  intros [Gr _] v r r0; exists v, (g v); split; auto.
  rewrite norm_0; auto; intros j; unfold sub; ring.
Qed.

Theorem clarke_nonempty f : locally_lipschitz f -> gradients_dense f ->
  forall v, exists u, clarke f v u.
Proof.
  intros Lip Dense v; destruct (Lip v) as (r & K & r0 & HK).
  set (M := Rabs K + 1).
  set (A := fun e (y : vec J) => (forall j, Rabs (y j) <= M) /\
    exists z D, is_gradient f z D /\ norm (sub z v) < e /\
      forall j, Rabs (D j - y j) < e).
  destruct (cluster enum M A) as [ys Cl].
  { intros e e' y Le (B & z & D & Gz & Nz & ND); split; auto; exists z, D.
    repeat split; auto; [lra |]; intros j; specialize (ND j); lra. }
  { intros e e0; destruct (Dense v (Rmin e r)) as (z & D & Gz & Nz); [minmax; lra |].
    assert (Z1 := Rlt_le_trans _ _ _ Nz (Rmin_l e r)).
    assert (Z2 := Rlt_le_trans _ _ _ Nz (Rmin_r e r)).
    exists D; split.
    - intros j; eapply Rle_trans; [apply norm_ge_component |].
      now apply (gradient_bounded f v r K z D).
    - exists z, D; repeat split; auto; intros j; rewrite Rminus_eq_0, Rabs_R0; lra. }
  { now intros e y j [B _]. }
  assert (LG : limit_gradient f v ys).
  { apply limit_gradient_strengthen; auto; intros e e0; set (p := Sum (fun _ : J => 1)).
    assert (p0 : 0 <= p) by (apply Sum_nonneg; intros; lra).
    set (s := e / (2 * (p + 1))); assert (s0 : 0 < s) by (apply Rdiv_lt_0_compat; lra).
    assert (Es : 2 * s * (p + 1) = e) by (unfold s; field; lra).
    destruct (Cl s s s0 s0) as (y & (_ & z & D & Gz & Nz & ND) & Js).
    exists z, D; repeat split; auto; [nra |].
    apply Rle_lt_trans with (2 * s * p); [| nra].
    apply norm_small; intros j; specialize (ND j); specialize (Js j (enum_all j)).
    unfold sub; apply Rabs_def2 in ND; apply Rabs_def2 in Js; apply Rabs_le; lra. }
  exists ys, [(1, ys)]; split; [| split]; simpl.
  - intros c D [Q | []]; injection Q as <- <-; split; [lra | exact LG].
  - ring.
  - intros j; ring.
Qed.

(** The chain rule of a multiple. *)
Lemma chain_rule_multiple c f : c <> 0 -> admits_chain_rule f ->
  admits_chain_rule (fun w => c * f w).
Proof.
  intros C Ch v Av Dv; generalize (Ch v Av Dv); apply ae_imp; intros t _ Q u Cu.
  apply (clarke_multiple (/ c)) in Cu.
  replace (fun z => / c * (c * f z)) with f in Cu
    by (apply functional_extensionality; intros z; field; auto).
  specialize (Q _ Cu); apply (is_derive_scal (fun s => f (v s)) t c) in Q.
  replace (inner u (fun j => Derive (fun s => v s j) t)) with
    (c * inner (mul (fun _ => / c) u) (fun j => Derive (fun s => v s j) t)); auto.
  unfold inner; rewrite <- Sum_scal; apply Sum_ext; intros j; unfold mul; field; auto.
Qed.

Lemma nonempty_multiple c f : (forall v, exists u, clarke f v u) ->
  forall v, exists u, clarke (fun w => c * f w) v u.
Proof.
  intros Ex v; destruct (Ex v) as [u Cu]; exists (mul (fun _ => c) u).
  now apply clarke_multiple.
Qed.

Lemma dense_scaled chi f : (forall j, chi j <> 0) -> gradients_dense f ->
  gradients_dense (fun w => f (mul chi w)).
Proof.
  intros Nz Dense v r r0.
  destruct (finite_bounds (fun j => Rabs (chi j))) as (m & M & m0 & M0 & B).
  { intros j; now apply Rabs_pos_lt. }
  destruct (Dense (mul chi v) (m * r)) as (z & D & Gz & Nz');
    [now apply Rmult_lt_0_compat |].
  exists (mul (fun j => / chi j) z), (mul chi D); split.
  - apply gradient_scaled; auto; now rewrite mul_inv.
  - assert (Le : norm (sub (mul (fun j => / chi j) z) v) <= / m * norm (sub z (mul chi
      v))).
    { apply norm_le_scaled; [left; now apply Rinv_0_lt_compat |]; intros j.
      apply Rmult_le_reg_l with m; auto;
        rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra.
      unfold sub, mul; replace (z j - chi j * v j) with (chi j * (/ chi j * z j - v j))
        by (field; auto).
      rewrite Rabs_mult; apply Rmult_le_compat_r; [apply Rabs_pos | apply B]. }
    apply Rle_lt_trans with (1 := Le), Rmult_lt_reg_l with m; auto.
    rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra; exact Nz'.
Qed.

End Dense.

Section PredictorToLoss.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (k : joint_loss D) (Phi : vec J -> X -> R).
Hypothesis Lip : forall i, locally_lipschitz (fun w => Phi w (x i)).
Hypothesis chain : forall i, admits_chain_rule (fun w => Phi w (x i)).
Hypothesis nonempty : forall i w, exists h, clarke (fun w => Phi w (x i)) w h.

Lemma label_nonzero i : y i <> 0.
Proof. destruct (labels i) as [-> | ->]; lra. Qed.

Lemma sum_rule_predictor : sum_rule k Phi.
Proof.
  apply sum_rule_lipschitz; auto.
  - intros i; apply (chain_rule_multiple (y i)); auto; apply label_nonzero.
  - intros i; now apply (nonempty_multiple (y i) (fun w => Phi w (x i))).
Qed.

(** The chain rule of the loss. *)
Theorem total_loss_chain_rule : admits_chain_rule (total_loss k Phi).
Proof.
  intros v Av Dv.
  assert (Ch : ae (fun t => forall i h, clarke (margin_at Phi i) (v t) h ->
    is_derive (fun s => margin_at Phi i (v s)) t (inner h (fun j => Derive (fun s => v
      s j) t)))).
  { apply (ae_all (fun i t => forall h, clarke (margin_at Phi i) (v t) h ->
      is_derive (fun s => margin_at Phi i (v s)) t (inner h (fun j => Derive (fun s =>
        v s j) t)))).
    intros i; apply (chain_rule_multiple (y i) (fun w => Phi w (x i))); auto.
    apply label_nonzero. }
  revert Ch; apply ae_imp; intros t _ Ch u Cu.
  destruct (sum_rule_predictor (v t) u Cu) as (h & Sub & U).
  replace (inner u (fun j => Derive (fun s => v s j) t)) with
    (Sum (fun i => - slope k (margins Phi (v t)) i *
      inner (h i) (fun j => Derive (fun s => v s j) t))).
  - apply (value_along k (fun s => margins Phi (v s))); intros i; apply Ch, Sub.
  - set (dv := fun j => Derive (fun s => v s j) t); symmetry.
    transitivity
      (inner (weighted (fun z i => - slope k z i) (margin_at Phi) (v t) h) dv);
      [apply Sum_ext; intros j; now rewrite U | apply inner_weighted].
Qed.

End PredictorToLoss.

(* statement: theorem 4 *)
(** Theorem 4 for an adapter that tends to 1 like a power of t. *)
Theorem theorem_4 {J D X} `{FiniteType J} `{Dataset D X}
    (k : joint_loss D) (Phi : vec J -> X -> R) (l : R) :
  (* cited: Proposition 1 and Rademacher, for the predictor; Ji and Telgarsky *)
  (forall i, admits_chain_rule (fun w => Phi w (x i))) ->
  (forall i, gradients_dense (fun w => Phi w (x i))) ->
  desingularizing_inequality k Phi l ->
  (* Assumption 1, (i) and (ii) *)
  homogeneous_predictor Phi l ->
  forall v beta u : R -> vec J,
  adaptive_flow k Phi v beta u -> separates k Phi v -> tends_to_1_like_a_power beta ->
  implicit_regularization (total_loss k Phi) l v (max_margin_KKT Phi (fun _ => 1)).
(* end statement *)
Proof.
  intros Chain Dense Dir Hom v beta u Fl Sep Rate.
  assert (Lip := predictor_lipschitz Hom).
  assert (Ex : forall i w, exists h, clarke (fun w => Phi w (x i)) w h)
    by (intros i; apply clarke_nonempty; auto).
  apply (theorem_4_calculus k Phi l v beta u); auto.
  - now apply total_loss_chain_rule.
  - now apply sum_rule_predictor.
  - intros i; apply closed_graph_lipschitz; now apply (q_lipschitz Phi).
  - now apply limit_of_power_rate.
  - apply (theorem_4_direction k Phi l v beta u); auto; now apply total_loss_chain_rule.
Qed.

(* statement: theorem 4 limit directions *)
(** With no rate for the adapter: every limit point of the direction is that of a KKT
    point. *)
Theorem theorem_4_limit_directions {J D X} `{FiniteType J} `{Dataset D X}
    (k : joint_loss D) (Phi : vec J -> X -> R) (l : R) (v beta u : R -> vec J) :
  (* cited: Proposition 1 and Rademacher, for the predictor *)
  (forall i, admits_chain_rule (fun w => Phi w (x i))) ->
  (forall i, gradients_dense (fun w => Phi w (x i))) ->
  homogeneous_predictor Phi l ->
  adaptive_flow k Phi v beta u -> separates k Phi v ->
  (forall j, is_lim (fun t => beta t j) p_infty 1) ->
  forall theta, limit_direction v theta ->
  exists w, max_margin_KKT Phi (fun _ => 1) w /\ 0 < norm w /\
    forall j, theta j = w j / norm w.
(* end statement *)
Proof.
  intros Chain Dense Hom Fl (t0 & T0 & Sep) Lim theta Th.
  assert (Lip := predictor_lipschitz Hom).
  assert (Ex : forall i w, exists h, clarke (fun w => Phi w (x i)) w h)
    by (intros i; apply clarke_nonempty; auto).
  assert (ChainL : admits_chain_rule (total_loss k Phi)) by now apply
    total_loss_chain_rule.
  apply (kkt_limit_direction (separated_from Hom ChainL Fl T0 Sep)).
  - now apply sum_rule_predictor.
  - intros i; apply closed_graph_lipschitz; now apply (q_lipschitz Phi).
  - intros j; now apply (proj1 (is_lim_shift (fun t => beta t j) t0 1 T0)).
  - intros e T e0; destruct (Th e (Rmax T 0 + t0) e0) as (t & Ht & Near).
    exists (t - t0); split; [generalize (Rmax_l T 0); lra |].
    now replace (t0 + (t - t0)) with t by ring.
Qed.

(* statement: theorem 4 smooth rates *)
(** The rates for continuously differentiable predictors: nothing is cited. *)
Theorem theorem_4_rates_smooth {J D X} `{FiniteType J} `{Dataset D X}
    (k : joint_loss D) (Phi : vec J -> X -> R) (gPhi : D -> vec J -> vec J) (l : R)
    (v beta u : R -> vec J) :
  (forall i, gradient_of (fun w => Phi w (x i)) (gPhi i)) ->
  homogeneous_predictor Phi l ->
  adaptive_flow k Phi v beta u -> separates k Phi v ->
  growth_rates (total_loss k Phi) l v.
(* end statement *)
Proof.
  intros Sm Hom; apply (theorem_4_rates k Phi l v beta u Hom).
  exact (smooth_loss_chain_rule k Phi gPhi Sm).
Qed.
