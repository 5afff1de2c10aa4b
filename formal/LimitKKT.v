(** * Limits along nearly tight times are KKT points

    With any closed property [extra] of the scaled point v / G^(1/l) that holds again
      and
    again, each time until log G has grown by some d: a property that holds eventually,
    or nearness to a limit point. *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export TightTimes.
Import ListNotations.
Open Scope R_scope.

(* statement: clarke calculus *)
(** Two facts of Clarke's calculus, for the total loss and for the constraints. *)
Definition sum_rule {J D X} `{FiniteType J} `{Dataset D X}
    (k : joint_loss D) (Phi : vec J -> X -> R) : Prop :=
  forall v u, clarke (total_loss k Phi) v u -> exists h : D -> vec J,
    (forall i, clarke (margin_at Phi i) v (h i)) /\
    forall j, u j = Sum (fun i => - slope k (margins Phi v) i * h i j).

Definition closed_graph {J} `{FiniteType J} (f : vec J -> R) : Prop :=
  forall v u, (forall r, 0 < r -> exists v' u', clarke f v' u' /\
    (forall j, Rabs (v' j - v j) < r) /\ (forall j, Rabs (u' j - u j) < r)) ->
  clarke f v u.
(* end statement *)

Inductive kkt_index (J D : Type) := Weight (j : J) | Multiplier (i : D) | Subgradient
  (i : D) (j : J).
Arguments Weight {J D}. Arguments Multiplier {J D}. Arguments Subgradient {J D}.

Section Gradients.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variable Phi : vec J -> X -> R.
Notation q := (margin_at Phi).

Lemma square_gradient (w : vec J) :
  clarke (fun w => / 2 * norm (mul (fun _ => 1) w) ^ 2) w w.
Proof.
  assert (Gr : is_gradient (fun w : vec J => / 2 * norm (mul (fun _ => 1) w) ^ 2) w w).
  { intros e e0; exists e; split; auto; intros z Z.
    assert (E : / 2 * norm (mul (fun _ => 1) z) ^ 2 - / 2 * norm (mul (fun _ => 1) w) ^
      2 -
      inner w (sub z w) = / 2 * norm (sub z w) ^ 2).
    { rewrite !norm_sqr; unfold inner.
      transitivity (Sum (fun j => / 2 * mul (fun _ => 1) z j ^ 2 +
        (- / 2 * mul (fun _ => 1) w j ^ 2 + -1 * (w j * sub z w j)))).
      - rewrite !Sum_plus, !Sum_scal; ring.
      - rewrite <- Sum_scal; apply Sum_ext; intros j; unfold mul, sub; field. }
    rewrite E; assert (P := norm_nonneg (sub z w)).
    rewrite Rabs_pos_eq by nra; nra. }
  now apply gradient_in_clarke.
Qed.

Lemma constraint_gradient i (w h : vec J) : clarke (q i) w h ->
  clarke (fun w => 1 - y i * Phi w (x i)) w (mul (fun _ => -1) h).
Proof.
  intros C; apply (clarke_multiple (-1)) in C.
  destruct C as (ls & In_l & One & U); exists ls; split; [intros c E Member;
    split | split; auto].
  - now apply (In_l _ E).
  - destruct (In_l _ _ Member) as (_ & vs & Ds & Gr & Cv & CD).
    exists vs, Ds; repeat split; auto; intros n e e0.
    destruct (Gr n e e0) as (d & d0 & Near); exists d; split; auto; intros z Z.
    specialize (Near z Z); unfold margin_at in Near.
    replace (1 - y i * Phi z (x i) - (1 - y i * Phi (vs n) (x i))) with
      (-1 * (y i * Phi z (x i)) - -1 * (y i * Phi (vs n) (x i))) by ring; exact Near.
Qed.

Lemma all_indices (k' : kkt_index J D) :
  In k' (map Weight enum ++ map Multiplier enum ++ flat_map (fun i => map (Subgradient
    i) enum) enum).
Proof.
  destruct k' as [j | i | i j]; rewrite !in_app_iff.
  - left; apply in_map, enum_all.
  - right; left; apply in_map, enum_all.
  - right; right; apply in_flat_map; exists i; split; [| apply in_map]; apply enum_all.
Qed.

End Gradients.

Section LimitKKT.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Context {k : joint_loss D} {Phi : vec J -> X -> R} {l : R} {v beta u : R -> vec J}.
Hypothesis flow : separated_flow k Phi l v beta u.
Let predictor := flow_predictor flow.
Let l_pos := degree_pos flow.
Let Lip := predictor_lipschitz flow.
Let beta_pos := adapter_pos flow.
Notation G := (smoothed_margin k Phi v).
Notation R2 := (adapted_norm2 v beta).
Notation energy := (energy beta u).
Notation loss_at := (loss_at k Phi v).
Notation lb := (log_adapter beta).
Notation nu := (weighted_margin k Phi).
Notation ps t := (psi k (loss_at t)).
Notation q := (margin_at Phi).
Notation a := (margin_scale k Phi l v).
Notation scaled_point t := (fun j => a t * v t j).

Hypothesis sums : sum_rule k Phi.
Hypothesis closed : forall i, closed_graph (q i).
Hypothesis beta_lim : forall j, is_lim (fun t => beta t j) p_infty 1.
Variable extra : R -> vec J -> Prop.
Hypothesis extra_mono : forall e e' w, e <= e' -> extra e w -> extra e' w.
Hypothesis often : forall e, 0 < e -> exists d, 0 < d /\ forall T, exists t1, T <= t1 /\
  forall t, t1 <= t -> ln (G t) <= ln (G t1) + d ->
    extra e (scaled_point t).

Lemma clarke_q_hom i a z h : 0 < a -> clarke (q i) z h ->
  clarke (q i) (fun j => a * z j) (fun j => exp ((l - 1) * ln a) * h j).
Proof.
  intros A C; set (b := fun _ : J => / a).
  assert (bn : forall j, b j <> 0) by (intros j; unfold b; apply Rinv_neq_0_compat;
    lra).
  assert (E : mul b (fun j => a * z j) = z)
    by (apply functional_extensionality; intros j; unfold mul, b; field; lra).
  rewrite <- E in C; apply (clarke_scaled (q i) b _ h bn) in C.
  apply (clarke_multiple (exp (l * ln a))) in C.
  replace (fun z => exp (l * ln a) * q i (mul b z)) with (q i) in C.
  - replace (fun j => exp ((l - 1) * ln a) * h j) with
      (mul (fun _ => exp (l * ln a)) (mul b h)); auto.
    apply functional_extensionality; intros j; unfold mul, b.
    replace ((l - 1) * ln a) with (l * ln a + - ln a) by ring.
    rewrite exp_plus, exp_Ropp, exp_ln by auto; ring.
  - apply functional_extensionality; intros w.
    assert (Q := q_hom predictor (/ a) i w (Rinv_0_lt_compat a A)).
    replace (mul b w) with (fun j => / a * w j) by reflexivity.
    rewrite Q, ln_Rinv, <- Rmult_assoc, <- exp_plus by auto.
    replace (l * ln a + l * - ln a) with 0 by ring; rewrite exp_0; ring.
Qed.

Lemma subgradient_q : exists c, forall i (z h : vec J), 0 < norm z ->
  clarke (q i) z h -> norm h <= exp (c + (l - 1) * ln (norm z)).
Proof.
  destruct (lipschitz_scaled predictor) as (r & c & r0 & B); exists c.
  intros i z h Z; apply (clarke_lipschitz (q i) z (norm z)); auto.
  - left; apply exp_pos.
  - intros a b A' B'; apply (B z Z); [generalize (norm_sub_le a z) |
      generalize (norm_sub_le b z)]; lra.
Qed.

(** The approximate KKT systems, at level e and in a box. *)
Definition near_kkt (M C : R) (e : R) (y : kkt_index J D -> R) : Prop :=
  let w := fun j => y (Weight j) in
  (forall k, Rabs (y k) <= M) /\
  (forall i, - y (Multiplier i) <= 0) /\
  (forall i, 1 - q i w <= 0) /\
  (forall i, clarke (q i) w (fun j => y (Subgradient i j))) /\
  (forall j, Rabs (y (Weight j) + -1 * Sum (fun i => y (Multiplier i) * y (Subgradient
    i j))) <= e) /\
  (forall i, y (Multiplier i) * (q i w + - (1)) <= e) /\
  exp (- C) - norm w <= 0 /\
  extra e w.

(** At a time t, with [step] = R2 / (l nu): the multipliers and, by homogeneity, the
    subgradients at the scaled point. *)
Notation step t := (R2 t / (l * nu (v t))).
Notation slope_at t i := (slope k (margins Phi (v t)) i).
Notation multiplier t i := (step t * slope_at t i * (G t * a t ^ 2)).
Notation scaled_subgradient t h := (fun j => exp ((l - 1) * ln (a t)) * h j).

Notation tight := (tight_time (k := k) (Phi := Phi) (l := l) (v := v) (beta := beta)
  (u := u)).

Lemma margin_scale_pos t : 0 < a t.
Proof. apply exp_pos. Qed.

Lemma slope_at_pos t i : 0 < slope_at t i.
Proof. apply slope_pos. Qed.

Lemma step_pos t : 0 <= t -> 0 < step t.
Proof.
  intros T; apply Rdiv_lt_0_compat; [now apply (R2_pos flow) |].
  apply Rmult_lt_0_compat; [exact l_pos | now apply (weighted_margin_pos flow)].
Qed.

(** [step] is chosen so that step l nu = R2. *)
Lemma step_spec t : 0 <= t -> step t * (l * nu (v t)) = R2 t.
Proof. intros T; assert (N := weighted_margin_pos flow t T); field; lra. Qed.

(** The scaled point has the margins q_i / G, so that it is feasible. *)
Lemma scaled_margin i t : 0 <= t -> q i (scaled_point t) = q i (v t) / G t.
Proof.
  intros T; rewrite (q_hom predictor) by apply margin_scale_pos.
  unfold margin_scale; rewrite ln_exp.
  replace (l * (- / l * ln (G t))) with (- ln (G t)) by (field; lra).
  rewrite exp_Ropp, exp_ln by now apply (G_pos flow).
  unfold Rdiv; ring.
Qed.

Lemma scaled_feasible i t : 0 <= t -> 1 <= q i (scaled_point t).
Proof.
  intros T; rewrite scaled_margin by exact T; assert (g := G_pos flow t T).
  assert (Q : G t <= q i (v t)) by apply q_ge_inv.
  apply Rmult_le_reg_r with (G t); auto; unfold Rdiv.
  rewrite Rmult_assoc, Rinv_l, Rmult_1_l, Rmult_1_r by lra; exact Q.
Qed.

(** The multipliers are positive and bounded: no constraint qualification is needed. *)
Lemma multiplier_pos t i : 0 <= t -> 0 < multiplier t i.
Proof.
  intros T; assert (A := margin_scale_pos t); assert (g := G_pos flow t T).
  apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat |].
  - now apply step_pos.
  - apply slope_at_pos.
  - apply Rmult_lt_0_compat; [exact g | now apply pow_lt].
Qed.

Lemma multiplier_le C t i : 0 <= t -> ln (R2 t) - 2 / l * ln (G t) <= C ->
  multiplier t i <= exp C / l.
Proof.
  intros T N2; assert (aR := margin_scale_R2 flow C t T N2).
  assert (s0 := step_pos t T); assert (N := weighted_margin_pos flow t T).
  assert (Ng : G t * total_slope k Phi (v t) <= nu (v t)) by apply nu_ge.
  assert (Sl : slope_at t i <= total_slope k Phi (v t)).
  { apply (Sum_ge_term (fun i => slope_at t i)); intros i'; left; apply slope_at_pos. }
  assert (g := G_pos flow t T); assert (A := pow2_ge_0 (a t)).
  apply Rle_trans with (step t * a t ^ 2 * nu (v t)).
  - replace (multiplier t i) with (step t * a t ^ 2 * (G t * slope_at t i)) by ring.
    apply Rmult_le_compat_l; [apply Rmult_le_pos; lra |].
    apply Rle_trans with (2 := Ng), Rmult_le_compat_l; lra.
  - replace (step t * a t ^ 2 * nu (v t)) with (a t ^ 2 * R2 t / l) by (field; lra).
    apply Rmult_le_compat_r; [left; now apply Rinv_0_lt_compat | exact aR].
Qed.

(** Subgradients at the scaled point are bounded. *)
Lemma scaled_subgradient_le c C t i h : 0 <= t ->
  (forall i (z h : vec J), 0 < norm z -> clarke (q i) z h ->
    norm h <= exp (c + (l - 1) * ln (norm z))) ->
  Rabs (ln (norm (v t)) - / l * ln (G t)) <= C -> clarke (q i) (v t) h ->
  norm (scaled_subgradient t h) <= exp (c + Rabs (l - 1) * C).
Proof.
  intros T Sq N1 Ch; assert (A := margin_scale_pos t).
  destruct (margin_scale_norm flow C t T N1) as [Lo Up].
  assert (nw : norm (scaled_point t) = a t * norm (v t))
    by (rewrite norm_scal, Rabs_pos_eq; lra).
  assert (n0 : 0 < norm (scaled_point t))
    by (rewrite nw; generalize (exp_pos (- C)); lra).
  eapply Rle_trans.
  { apply (Sq i (scaled_point t)); [exact n0 | now apply clarke_q_hom]. }
  apply exp_le, Rplus_le_compat_l; eapply Rle_trans; [apply Rle_abs |].
  rewrite Rabs_mult; apply Rmult_le_compat_l; [apply Rabs_pos |].
  rewrite nw in *; apply ln_le in Lo; [| apply exp_pos].
  apply ln_le in Up; [| exact n0].
  rewrite ln_exp in Lo, Up; apply Rabs_le; lra.
Qed.

(** The equilibrium defect of the scaled point is that of v, scaled. *)
Lemma scaled_defect t (h : D -> vec J) j :
  (forall j, u t j = Sum (fun i => - slope_at t i * h i j)) -> 0 <= t ->
  a t * v t j + -1 * Sum (fun i => multiplier t i * scaled_subgradient t (h i) j) =
  a t * (v t j + step t * u t j).
Proof.
  intros Uh T; rewrite Uh; assert (A := margin_scale_pos t).
  assert (xa : G t * a t ^ 2 * exp ((l - 1) * ln (a t)) = a t).
  { rewrite <- (exp_ln (G t)) by now apply (G_pos flow).
    rewrite <- (exp_ln (a t)) at 1 3 by exact A.
    replace (exp (ln (a t)) ^ 2) with (exp (ln (a t)) * exp (ln (a t))) by ring.
    rewrite <- !exp_plus; f_equal; unfold margin_scale; rewrite !ln_exp; field; lra. }
  replace (Sum (fun i => multiplier t i * scaled_subgradient t (h i) j)) with
    (- (a t * step t) * Sum (fun i => - slope_at t i * h i j)); [ring |].
  rewrite <- Sum_scal; apply Sum_ext; intros i; cbv beta.
  transitivity (step t * slope_at t i * h i j *
    (G t * a t ^ 2 * exp ((l - 1) * ln (a t)))); [rewrite xa; ring | ring].
Qed.

(** A tight time gives |v + step beta u|^2 <= e R2 in the norm with weights 1/beta. *)
Lemma step_energy e t : 0 <= t -> tight e t ->
  step t ^ 2 * energy t <= (1 + e) * R2 t.
Proof.
  intros T (Sg & Tight & _); assert (R0 := R2_pos flow t T).
  assert (N := weighted_margin_pos flow t T); assert (S := step_spec t T).
  set (s := step t) in *; assert (lN : 0 < l * nu (v t)) by now apply Rmult_lt_0_compat.
  apply Rmult_le_reg_r with ((l * nu (v t)) ^ 2 * R2 t).
  { apply Rmult_lt_0_compat; auto; now apply pow_lt. }
  replace (s ^ 2 * energy t * ((l * nu (v t)) ^ 2 * R2 t)) with
    ((s * (l * nu (v t))) ^ 2 * (energy t * R2 t)) by ring.
  rewrite S; apply Rle_trans with (R2 t ^ 2 * ((1 + e) * (l * nu (v t)) ^ 2)).
  - apply Rmult_le_compat_l; [apply pow2_ge_0 | exact Tight].
  - right; ring.
Qed.

Lemma weighted_residual e t j : 0 <= t -> tight e t ->
  exp (- lb j t) * (v t j + step t * beta t j * u t j) ^ 2 <= e * R2 t.
Proof.
  intros T Ti; assert (sE := step_energy e t T Ti); assert (S := step_spec t T).
  assert (Eu := euler predictor k _ _ (proj1 Ti)); set (s := step t) in *.
  apply Rle_trans with (Sum (fun i => exp (- lb i t) *
    (v t i + s * beta t i * u t i) ^ 2)).
  - apply (Sum_ge_term (fun i => exp (- lb i t) * (v t i + s * beta t i * u t i) ^ 2)).
    intros i; apply Rmult_le_pos; [left; apply exp_pos | apply pow2_ge_0].
  - replace (Sum (fun i => exp (- lb i t) * (v t i + s * beta t i * u t i) ^ 2)) with
      (R2 t - 2 * (s * (l * nu (v t))) + s ^ 2 * energy t); [rewrite S; lra |].
    symmetry; transitivity (Sum (fun i => exp (- lb i t) * v t i ^ 2 +
      (2 * s * (u t i * v t i) + s ^ 2 * (beta t i * u t i ^ 2)))).
    + apply Sum_ext; intros i; assert (I := inv_beta flow t i T).
      transitivity (exp (- lb i t) * v t i ^ 2 +
        (2 * s * (u t i * v t i) * (exp (- lb i t) * beta t i) +
         s ^ 2 * (beta t i * u t i ^ 2) * (exp (- lb i t) * beta t i)));
        [ring | rewrite I; ring].
    + rewrite !Sum_plus, !Sum_scal; fold (inner (u t) (v t)); rewrite Eu.
      unfold adapted_norm2, SmoothedMargin.energy; ring.
Qed.

(** Hence the two parts of the defect v + step u = (v + step beta u) +
    (1 - beta) step u, scaled: the first is small by tightness, the second bounded. *)
Lemma scaled_residual M C r t j : 0 <= t -> 0 < M -> 0 <= r -> beta t j <= M ->
  ln (R2 t) - 2 / l * ln (G t) <= C -> tight (r ^ 2) t ->
  Rabs (a t * (v t j + step t * beta t j * u t j)) <= r * sqrt (M * exp C).
Proof.
  intros T M0 r0 Bm N2 Ti; assert (aR := margin_scale_R2 flow C t T N2).
  assert (Res := weighted_residual (r ^ 2) t j T Ti); assert (E0 := exp_pos C).
  assert (I := inv_beta flow t j T); assert (bp := beta_pos t j T).
  set (z := v t j + step t * beta t j * u t j) in *.
  apply sqr_le_abs; [apply Rmult_le_pos; [exact r0 | apply sqrt_pos] |].
  rewrite !Rpow_mult_distr, pow2_sqrt by (apply Rmult_le_pos; lra).
  assert (Ez : z ^ 2 <= M * (r ^ 2 * R2 t)).
  { replace (z ^ 2) with (beta t j * (exp (- lb j t) * z ^ 2)).
    - apply Rmult_le_compat; try lra.
      apply Rmult_le_pos; [left; apply exp_pos | apply pow2_ge_0].
    - transitivity (z ^ 2 * (exp (- lb j t) * beta t j)); [ring | rewrite I; ring]. }
  apply Rle_trans with (a t ^ 2 * (M * (r ^ 2 * R2 t))).
  - apply Rmult_le_compat_l; [apply pow2_ge_0 | exact Ez].
  - replace (a t ^ 2 * (M * (r ^ 2 * R2 t))) with
      (r ^ 2 * (M * (a t ^ 2 * R2 t))) by ring.
    apply Rmult_le_compat_l; [apply pow2_ge_0 |]; apply Rmult_le_compat_l; lra.
Qed.

Lemma scaled_step m C e t j : 0 <= t -> 0 < m -> e <= 1 -> m <= beta t j ->
  ln (R2 t) - 2 / l * ln (G t) <= C -> tight e t ->
  Rabs (a t * (step t * u t j)) <= sqrt (2 * exp C / m).
Proof.
  intros T m0 e1 Bm N2 Ti; assert (aR := margin_scale_R2 flow C t T N2).
  assert (sE := step_energy e t T Ti); assert (E0 := exp_pos C).
  assert (R0 := R2_pos flow t T); set (s := step t) in *.
  apply sqr_le_abs; [apply sqrt_pos |].
  rewrite pow2_sqrt by (apply Rdiv_le_0_compat; lra).
  assert (Ez : m * (s * u t j) ^ 2 <= 2 * R2 t).
  { apply Rle_trans with (s ^ 2 * energy t); [| nra].
    replace (m * (s * u t j) ^ 2) with (s ^ 2 * (m * u t j ^ 2)) by ring.
    apply Rmult_le_compat_l; [apply pow2_ge_0 |].
    apply Rle_trans with (beta t j * u t j ^ 2).
    - apply Rmult_le_compat_r; [apply pow2_ge_0 | exact Bm].
    - apply (Sum_ge_term (fun j => beta t j * u t j ^ 2)); intros i.
      apply Rmult_le_pos; [left; auto | apply pow2_ge_0]. }
  apply Rmult_le_reg_l with m; auto.
  replace (m * (2 * exp C / m)) with (2 * exp C) by (field; lra).
  rewrite Rpow_mult_distr.
  apply Rle_trans with (a t ^ 2 * (m * (s * u t j) ^ 2)); [right; ring |].
  apply Rle_trans with (a t ^ 2 * (2 * R2 t)); [| lra].
  apply Rmult_le_compat_l; [apply pow2_ge_0 | exact Ez].
Qed.

(** Complementary slackness holds up to e. *)
Lemma scaled_slackness C e t i : 0 <= t -> 0 <= e ->
  ln (R2 t) - 2 / l * ln (G t) <= C -> tight e t ->
  multiplier t i * (q i (scaled_point t) + - (1)) <= e * (exp C / l).
Proof.
  intros T e0 N2 (_ & _ & Nu); assert (aR := margin_scale_R2 flow C t T N2).
  rewrite scaled_margin by exact T; assert (g := G_pos flow t T).
  assert (s0 := step_pos t T); assert (N := weighted_margin_pos flow t T).
  assert (Q : forall i, G t <= q i (v t)) by (intros i'; apply q_ge_inv).
  assert (Sl : ps t <= total_slope k Phi (v t)) by apply slope_ge.
  replace (multiplier t i * (q i (v t) / G t + - (1))) with
    (step t * a t ^ 2 * (slope_at t i * (q i (v t) - G t))) by (field; lra).
  assert (Gap : slope_at t i * (q i (v t) - G t) <=
    nu (v t) - G t * total_slope k Phi (v t)).
  { replace (nu (v t) - G t * total_slope k Phi (v t)) with
      (Sum (fun i => slope_at t i * (q i (v t) - G t))).
    - apply (Sum_ge_term (fun i => slope_at t i * (q i (v t) - G t))); intros i'.
      apply Rmult_le_pos; [left; apply slope_at_pos |]; generalize (Q i'); lra.
    - unfold weighted_margin, total_slope.
      transitivity (Sum (fun i => slope_at t i * q i (v t) + - G t * slope_at t i)).
      + apply Sum_ext; intros i'; ring.
      + rewrite Sum_plus, Sum_scal; ring. }
  assert (Gap2 : nu (v t) - G t * total_slope k Phi (v t) <= e * nu (v t)).
  { assert (GS : G t * ps t <= G t * total_slope k Phi (v t))
      by (apply Rmult_le_compat_l; lra).
    assert (P : nu (v t) <= nu (v t) * 1) by lra.
    assert (Le : e * (G t * ps t) <= e * nu (v t)).
    { apply Rmult_le_compat_l; [exact e0 | now apply (weighted_margin_ge flow)]. }
    lra. }
  apply Rle_trans with (step t * a t ^ 2 * (e * nu (v t))).
  - apply Rmult_le_compat_l; [apply Rmult_le_pos; [lra | apply pow2_ge_0] | lra].
  - replace (step t * a t ^ 2 * (e * nu (v t))) with (e * (a t ^ 2 * R2 t / l))
      by (field; lra).
    apply Rmult_le_compat_l; [exact e0 |].
    apply Rmult_le_compat_r; [left; now apply Rinv_0_lt_compat | exact aR].
Qed.

(** Late times that are tight up to r^2, where beta is within r^2 of 1. *)
Lemma late_tight_time e r : 0 < e -> 0 < r -> exists t, 0 <= t /\
  tight (r ^ 2) t /\ (forall j, Rabs (beta t j - 1) < r ^ 2) /\
  extra e (scaled_point t).
Proof.
  intros e0 r0; assert (r2 : 0 < r ^ 2) by now apply pow_lt.
  destruct (eventually_all (fun j t => Rabs (beta t j - 1) < r ^ 2)) as [T1 HT1].
  { intros j; assert (L := beta_lim j); apply is_lim_spec in L.
    destruct (L (mkposreal (r ^ 2) r2)) as [T HT]; now exists T. }
  destruct (often e e0) as (d & d0 & Often).
  destruct (tight_times_near flow (r ^ 2) d r2 d0) as (T3 & _ & Near).
  destruct (Often (Rmax (Rmax 0 T1) T3)) as (t1 & Ht1 & HT2).
  assert (t1p : 0 <= t1 /\ T1 <= t1 /\ T3 <= t1).
  { generalize (Rmax_l (Rmax 0 T1) T3) (Rmax_r (Rmax 0 T1) T3) (Rmax_l 0 T1)
      (Rmax_r 0 T1); lra. }
  destruct (Near t1 (proj2 (proj2 t1p))) as (t & Ht & Tight & Close).
  exists t; split; [lra |]; split; [exact Tight |]; split.
  - intros j; apply HT1; lra.
  - apply HT2; [lra | exact Close].
Qed.

(** The accuracy that is asked of the tight time, for an equilibrium defect of e. *)
Lemma small_accuracy e S E : 0 < e -> 0 <= S -> 0 <= E ->
  exists r, 0 < r <= 1 /\ r * S <= e /\ r ^ 2 * E <= e.
Proof.
  intros e0 S0 E0; set (c := S + E + 1).
  assert (q1 : 0 < e / c) by (apply Rdiv_lt_0_compat; unfold c; lra).
  set (r := Rmin 1 (e / c)).
  assert (r0 : 0 < r <= 1 /\ r <= e / c) by (unfold r; minmax; lra).
  assert (rc : r * c <= e).
  { apply Rle_trans with (e / c * c); [apply Rmult_le_compat_r; unfold c in *; lra |].
    right; field; unfold c; lra. }
  exists r; unfold c in rc; repeat split; nra.
Qed.

Lemma near_exists : exists M C, forall e, 0 < e -> exists y, near_kkt M C e y.
Proof.
  destruct (norm_G flow) as (C & C0 & NG).
  destruct (beta_bounds flow) as (m & Mb & m0 & Mb0 & Bb).
  destruct subgradient_q as (cq & Sq); assert (E0 := exp_pos C).
  set (Mh := exp (cq + Rabs (l - 1) * C)); assert (Mh0 : 0 < Mh) by apply exp_pos.
  assert (El : 0 < exp C / l) by now apply Rdiv_lt_0_compat.
  exists (exp C + exp C / l + Mh), C; intros e e0.
  set (S1 := sqrt (Mb * exp C)); set (S2 := sqrt (2 * exp C / m)).
  assert (S10 : 0 <= S1) by apply sqrt_pos; assert (S20 : 0 <= S2) by apply sqrt_pos.
  destruct (small_accuracy e (S1 + S2) (exp C / l) e0) as (r & r0 & rS & rE); try lra.
  assert (r2 : 0 <= r ^ 2 <= r) by (split; [apply pow2_ge_0 | nra]).
  destruct (late_tight_time e r e0 (proj1 r0)) as (t & T & Tight & Bt & Extra).
  destruct (NG t T) as [N1 N2]; destruct (sums _ _ (proj1 Tight)) as (h & Ch & Uh).
  assert (A := margin_scale_pos t).
  destruct (margin_scale_norm flow C t T N1) as [Lo Up].
  assert (nw : norm (scaled_point t) = a t * norm (v t))
    by (rewrite norm_scal, Rabs_pos_eq; lra).
  exists (fun k => match k with
    | Weight j => a t * v t j | Multiplier i => multiplier t i
    | Subgradient i j => scaled_subgradient t (h i) j end).
  unfold near_kkt.
  split; [| split; [| split; [| split; [| split; [| split; [| split]]]]]].
  - (* the box *)
    intros [j | i | i j].
    + apply Rle_trans with (norm (scaled_point t)); [| lra].
      apply (norm_ge_component (scaled_point t) j).
    + rewrite Rabs_pos_eq by (left; now apply multiplier_pos).
      apply Rle_trans with (1 := multiplier_le C t i T N2); lra.
    + apply Rle_trans with Mh; [| lra].
      eapply Rle_trans; [apply (norm_ge_component (scaled_subgradient t (h i)) j) |].
      now apply (scaled_subgradient_le cq C t i (h i)).
  - intros i; generalize (multiplier_pos t i T); lra.
  - intros i; generalize (scaled_feasible i t T); lra.
  - intros i; now apply clarke_q_hom.
  - (* equilibrium *)
    intros j; rewrite (scaled_defect t h j Uh T).
    destruct (Bb t j T) as [Bm BM].
    assert (Q1 := scaled_residual Mb C r t j T Mb0 ltac:(lra) BM N2 Tight).
    assert (Q2 := scaled_step m C (r ^ 2) t j T m0 ltac:(lra) Bm N2 Tight).
    fold S1 in Q1; fold S2 in Q2; set (s := step t) in *.
    replace (a t * (v t j + s * u t j)) with (a t * (v t j + s * beta t j * u t j) +
      (1 - beta t j) * (a t * (s * u t j))) by ring.
    eapply Rle_trans; [apply Rabs_triang |]; rewrite (Rabs_mult (1 - beta t j)).
    assert (Rabs (1 - beta t j) * Rabs (a t * (s * u t j)) <= r * S2); [| lra].
    apply Rmult_le_compat; try apply Rabs_pos; try lra.
    rewrite Rabs_minus_sym; specialize (Bt j); lra.
  - intros i; apply Rle_trans with (2 := rE).
    now apply scaled_slackness.
  - rewrite nw; lra.
  - exact Extra.
Qed.

(** A cluster point of the approximate systems, coordinate by coordinate. *)
Lemma near_kkt_cluster : exists M C ys, forall e r, 0 < e -> 0 < r ->
  exists y, near_kkt M C e y /\ forall i, Rabs (y i - ys i) < r.
Proof.
  destruct near_exists as (M & C & Ex); exists M, C.
  destruct (cluster (map Weight enum ++ map Multiplier enum ++
    flat_map (fun i => map (Subgradient i) enum) enum) M (near_kkt M C)) as [ys Cl].
  { intros e e' y0 Le (P1 & P2 & P3 & P4 & P5 & P6 & P7 & P8); repeat split; auto.
    - intros j; specialize (P5 j); lra.
    - intros i; specialize (P6 i); lra.
    - now apply (extra_mono e). }
  { exact Ex. }
  { intros e y0 i (P & _); apply P. }
  exists ys; intros e r e0 r0; destruct (Cl e r e0 r0) as (y0 & Ay & Js).
  exists y0; split; auto; intros i; apply Js, all_indices.
Qed.

Section Limit.
Variables (M C : R) (ys : kkt_index J D -> R).
Hypothesis near : forall e r, 0 < e -> 0 < r ->
  exists y, near_kkt M C e y /\ forall i, Rabs (y i - ys i) < r.
Let w := fun j => ys (Weight j).

(** What holds up to e of the approximate systems holds of the limit. *)
Lemma limit_near_le f : continuous_at ys f ->
  (forall e y, 0 < e -> near_kkt M C e y -> f y <= e) -> f ys <= 0.
Proof.
  intros Cf Le; apply (limit_le ys (fun e y => near_kkt M C e y /\ 0 < e)); auto.
  - intros e r e0 r0; destruct (near e r e0 r0) as (y0 & Ay & Js); now exists y0.
  - intros e y0 [Ay e0]; now apply Le.
Qed.

Lemma limit_multiplier i : 0 <= ys (Multiplier i).
Proof.
  assert (-1 * ys (Multiplier i) <= 0); [| lra].
  apply (limit_near_le (fun y0 => -1 * y0 (Multiplier i))).
  - apply continuous_at_scal, continuous_at_coord.
  - intros e y0 e0 (_ & P & _); specialize (P i); lra.
Qed.

Lemma limit_feasible i : 1 <= q i w.
Proof.
  assert (1 + -1 * q i w <= 0); [| lra].
  apply (limit_near_le (fun y0 => 1 + -1 * q i (fun j => y0 (Weight j)))).
  - apply (continuous_at_plus ys (fun _ => 1)); [apply continuous_at_const |].
    apply continuous_at_scal, (continuous_at_lipschitz ys (q i)), (q_lipschitz Phi Lip).
  - intros e y0 e0 (_ & _ & P & _); specialize (P i); lra.
Qed.

Lemma limit_norm : 0 < norm w.
Proof.
  assert (exp (- C) + -1 * norm w <= 0); [| generalize (exp_pos (- C)); lra].
  apply (limit_near_le (fun y0 => exp (- C) + -1 * norm (fun j => y0 (Weight j)))).
  - apply (continuous_at_plus ys (fun _ => exp (- C))); [apply continuous_at_const |].
    apply continuous_at_scal, (continuous_at_lipschitz ys (fun v => norm v)).
    exact norm_lipschitz.
  - intros e y0 e0 (_ & _ & _ & _ & _ & _ & P & _); lra.
Qed.

Lemma limit_equilibrium j :
  w j = Sum (fun i => ys (Multiplier i) * ys (Subgradient i j)).
Proof.
  assert (Z : Rabs (ys (Weight j) + -1 *
    Sum (fun i => ys (Multiplier i) * ys (Subgradient i j))) <= 0).
  { apply (limit_near_le (fun y0 => Rabs (y0 (Weight j) + -1 *
      Sum (fun i => y0 (Multiplier i) * y0 (Subgradient i j))))).
    - apply continuous_at_abs, (continuous_at_plus ys (fun y0 => y0 (Weight j)));
        [apply continuous_at_coord |].
      apply continuous_at_scal,
        (continuous_at_Sum ys (fun i y0 => y0 (Multiplier i) * y0 (Subgradient i j))).
      intros i; apply (continuous_at_mult ys (fun y0 => y0 (Multiplier i)));
        apply continuous_at_coord.
    - intros e y0 e0 (_ & _ & _ & _ & P & _); apply P. }
  apply Rabs_le_between in Z; unfold w; lra.
Qed.

Lemma limit_slackness i : ys (Multiplier i) * (q i w - 1) = 0.
Proof.
  assert (Z : ys (Multiplier i) * (q i w + - (1)) <= 0).
  { apply (limit_near_le
      (fun y0 => y0 (Multiplier i) * (q i (fun j => y0 (Weight j)) + - (1)))).
    - apply (continuous_at_mult ys (fun y0 => y0 (Multiplier i)));
        [apply continuous_at_coord |].
      apply (continuous_at_plus ys (fun y0 => q i (fun j => y0 (Weight j))));
        [| apply continuous_at_const].
      apply (continuous_at_lipschitz ys (q i)), (q_lipschitz Phi Lip).
    - intros e y0 e0 (_ & _ & _ & _ & _ & P & _); apply P. }
  assert (0 <= ys (Multiplier i) * (q i w - 1)); [| lra].
  apply Rmult_le_pos; [apply limit_multiplier | generalize (limit_feasible i); lra].
Qed.

Lemma limit_subgradient i : clarke (q i) w (fun j => ys (Subgradient i j)).
Proof.
  apply closed; intros r r0; destruct (near 1 r Rlt_0_1 r0) as (y0 & Ay & Js).
  destruct Ay as (_ & _ & _ & P & _).
  exists (fun j => y0 (Weight j)), (fun j => y0 (Subgradient i j)); repeat split;
    auto; intros j; apply Js.
Qed.

Lemma limit_kkt : max_margin_KKT Phi (fun _ => 1) w.
Proof.
  exists (fun i => ys (Multiplier i)); split; [exact limit_multiplier |].
  split; [| split].
  - intros i; generalize (limit_feasible i); unfold margin_at; lra.
  - exists w, (fun i => mul (fun _ => -1) (fun j => ys (Subgradient i j))).
    split; [apply square_gradient |]; split.
    + intros i; apply constraint_gradient, limit_subgradient.
    + intros j; rewrite limit_equilibrium; unfold mul.
      replace (Sum (fun i => ys (Multiplier i) * (-1 * ys (Subgradient i j)))) with
        (-1 * Sum (fun i => ys (Multiplier i) * ys (Subgradient i j))); [ring |].
      rewrite <- Sum_scal; apply Sum_ext; intros; ring.
  - intros i; generalize (limit_slackness i); unfold margin_at; lra.
Qed.

End Limit.

Theorem kkt_cluster : exists w, max_margin_KKT Phi (fun _ => 1) w /\ 0 < norm w /\
  forall e r, 0 < e -> 0 < r ->
    exists w', extra e w' /\ forall j, Rabs (w' j - w j) < r.
Proof.
  destruct near_kkt_cluster as (M & C & ys & Near).
  exists (fun j => ys (Weight j)); split; [exact (limit_kkt M C ys Near) |].
  split; [exact (limit_norm M C ys Near) |]; intros e r e0 r0.
  destruct (Near e r e0 r0) as (y0 & (_ & _ & _ & _ & _ & _ & _ & P) & Js).
  exists (fun j => y0 (Weight j)); split; [exact P | intros j; apply Js].
Qed.

End LimitKKT.

(* statement: limit direction *)
(** theta is a limit point of the direction of v. *)
Definition limit_direction {J} `{FiniteType J} (v : R ->
  vec J) (theta : vec J) : Prop :=
  forall e T, 0 < e -> exists t, T < t /\
    forall j, Rabs (v t j / norm (v t) - theta j) < e.
(* end statement *)

Section LimitDirection.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Context {k : joint_loss D} {Phi : vec J -> X -> R} {l : R} {v beta u : R -> vec J}.
Hypothesis flow : separated_flow k Phi l v beta u.
Hypothesis sums : sum_rule k Phi.
Hypothesis closed : forall i, closed_graph (margin_at Phi i).
Hypothesis beta_lim : forall j, is_lim (fun t => beta t j) p_infty 1.
Variable theta : vec J.
Hypothesis limit : limit_direction v theta.
Notation G := (smoothed_margin k Phi v).
Notation a := (margin_scale k Phi l v).
Notation scaled_point t := (fun j => a t * v t j).

Lemma limit_direction_bounded j : Rabs (theta j) <= 2.
Proof.
  destruct (limit 1 0 Rlt_0_1) as (t & T & Near); specialize (Near j).
  assert (N := norm_pos flow t (Rlt_le _ _ T)).
  assert (Unit : Rabs (v t j / norm (v t)) <= 1).
  { unfold Rdiv; rewrite Rabs_mult, (Rabs_pos_eq (/ _))
      by (left; now apply Rinv_0_lt_compat).
    apply Rmult_le_reg_r with (norm (v t)); auto.
    rewrite Rmult_assoc, Rinv_l, Rmult_1_r, Rmult_1_l by lra; apply norm_ge_component. }
  apply Rabs_le_between in Unit; apply Rabs_def2 in Near; apply Rabs_le; lra.
Qed.

(** A time near the limit point brings the scaled point near to it. *)
Lemma scaled_point_near C e t j : 0 <= t ->
  Rabs (ln (norm (v t)) - / l * ln (G t)) <= C ->
  Rabs (v t j / norm (v t) - theta j) < e / (2 * exp C) ->
  Rabs (scaled_point t j - theta j * norm (scaled_point t)) <= e / 2.
Proof.
  intros T N1 Near; destruct (margin_scale_norm flow C t T N1) as [_ Up].
  assert (A : 0 < a t) by apply exp_pos; assert (N := norm_pos flow t T).
  assert (E0 := exp_pos C); rewrite norm_scal, (Rabs_pos_eq (a t)) by lra.
  replace (a t * v t j - theta j * (a t * norm (v t))) with
    (a t * norm (v t) * (v t j / norm (v t) - theta j)) by (field; lra).
  rewrite Rabs_mult, (Rabs_pos_eq (a t * norm (v t))) by (apply Rmult_le_pos; lra).
  apply Rle_trans with (exp C * (e / (2 * exp C))); [| right; field; lra].
  apply Rmult_le_compat; try lra; [apply Rmult_le_pos; lra | apply Rabs_pos].
Qed.

(** The scaled point stays near the limit point until log G has grown by some d. *)
Lemma scaled_point_stays e : 0 < e -> exists d, 0 < d /\ forall T, exists t1, T <= t1 /\
  forall t, t1 <= t -> ln (G t) <= ln (G t1) + d ->
    forall j, Rabs (scaled_point t j + - theta j * norm (scaled_point t)) <= e.
Proof.
  intros e0; destruct (norm_G flow) as (C & C0 & NG); assert (E0 := exp_pos C).
  destruct (scaled_point_speed flow) as (K & K0 & Speed).
  set (n := Sum (fun _ : J => 1)).
  assert (n0 : 0 <= n) by (apply Sum_nonneg; intros; lra).
  set (M := 2 * (K + 1) * (1 + 2 * n)).
  assert (M0 : 0 < M) by (unfold M; apply Rmult_lt_0_compat; lra).
  set (d := e / M); assert (d0 : 0 < d) by now apply Rdiv_lt_0_compat.
  exists d; split; [exact d0 |]; intros T.
  destruct (limit (e / (2 * exp C)) (Rmax T 0)) as (t1 & Ht1 & Near).
  { apply Rdiv_lt_0_compat; lra. }
  assert (t1p : T < t1 /\ 0 < t1) by (generalize (Rmax_l T 0) (Rmax_r T 0); lra).
  exists t1; split; [lra |]; intros t Ht Grown j.
  assert (Move : forall i, Rabs (scaled_point t i - scaled_point t1 i) <= K * d).
  { intros i; apply Rle_trans with (1 := Speed i t1 t ltac:(lra)).
    apply Rmult_le_compat_l; lra. }
  assert (Nm := norm_moves _ _ _ Move); fold n in Nm.
  destruct (NG t1 ltac:(lra)) as [N1' _].
  assert (P1 := scaled_point_near C e t1 j ltac:(lra) N1' (Near j)).
  assert (Tj := limit_direction_bounded j); specialize (Move j); cbv beta in Move, P1.
  set (p := a t * v t j) in *; set (p1 := a t1 * v t1 j) in *.
  set (N := norm (scaled_point t)) in *; set (N1 := norm (scaled_point t1)) in *.
  assert (P2 : Rabs (theta j * (N1 - N)) <= 2 * (K * d * n)).
  { rewrite Rabs_mult, (Rabs_minus_sym N1); apply Rmult_le_compat; auto;
      apply Rabs_pos. }
  replace (p + - theta j * N) with
    ((p - p1) + ((p1 - theta j * N1) + theta j * (N1 - N))) by ring.
  eapply Rle_trans; [apply Rabs_triang |].
  assert (Tr := Rabs_triang (p1 - theta j * N1) (theta j * (N1 - N))).
  assert (Md : K * d * (1 + 2 * n) <= e / 2).
  { apply Rle_trans with ((K + 1) * d * (1 + 2 * n)).
    - apply Rmult_le_compat_r; [lra |]; apply Rmult_le_compat_r; lra.
    - right; unfold d, M; field; lra. }
  lra.
Qed.

(** Every limit point of the direction is that of a KKT point. *)
Theorem kkt_limit_direction : exists w, max_margin_KKT Phi (fun _ => 1) w /\
  0 < norm w /\ forall j, theta j = w j / norm w.
Proof.
  destruct (kkt_cluster flow sums closed beta_lim
    (fun e w => forall j, Rabs (w j + - theta j * norm w) <= e)) as (w & Kw & Pw & Cl).
  - intros e e' w Le B j; specialize (B j); lra.
  - exact scaled_point_stays.
  - exists w; split; [exact Kw | split; [exact Pw |]]; intros j.
    assert (Z : Rabs (w j + - theta j * norm w) <= 0).
    { apply (limit_le w (fun e w => forall j, Rabs (w j + - theta j * norm w) <= e)
        (fun w => Rabs (w j + - theta j * norm w))); auto.
      apply continuous_at_abs, (continuous_at_plus w (fun w => w j));
        [apply continuous_at_coord | apply continuous_at_scal].
      exact (continuous_at_lipschitz w (fun w => norm w) (fun j => j) norm_lipschitz). }
    apply Rabs_le_between in Z; apply Rmult_eq_reg_r with (norm w); [| lra].
    unfold Rdiv; rewrite Rmult_assoc, Rinv_l by lra; lra.
Qed.

End LimitDirection.

(** So where the direction converges, it does so to that of a KKT point. *)
Theorem kkt_direction {J D X} `{FiniteType J} `{Dataset D X} {k : joint_loss D}
    {Phi : vec J -> X -> R} {l : R} {v beta u : R -> vec J} :
  separated_flow k Phi l v beta u ->
  sum_rule k Phi -> (forall i, closed_graph (margin_at Phi i)) ->
  (forall j, is_lim (fun t => beta t j) p_infty 1) ->
  forall theta : vec J,
  (forall j, is_lim (fun t => v t j / norm (v t)) p_infty (theta j)) ->
  exists w, max_margin_KKT Phi (fun _ => 1) w /\ converges_in_direction v w.
Proof.
  intros flow sums closed beta_lim theta Dir.
  destruct (kkt_limit_direction flow sums closed beta_lim theta) as (w & Kw & Pw & Eq).
  - intros e T e0.
    destruct (eventually_all (fun j t => Rabs (v t j / norm (v t) - theta j) < e))
      as [T' HT'].
    { intros j; assert (L := Dir j); apply is_lim_spec in L.
      destruct (L (mkposreal e e0)) as [T' HT']; now exists T'. }
    exists (Rmax T T' + 1); assert (A := Rmax_l T T'); assert (A' := Rmax_r T T').
    split; [lra |]; intros j; apply HT'; lra.
  - exists w; split; [exact Kw |]; split; [exact Pw |]; intros j; rewrite <- Eq;
      apply Dir.
Qed.
