(** * Theorem 4, as the paper quotes it, is false in its last clause

    Phi(w, x) = |w| (locally Lipschitz, 1-homogeneous, semialgebraic), one data point,
      the
    exponential loss, two weights.  Every direction is a KKT point, and an adapter that
    tends to 1 slowly drives v along them: with z = ln ln ln (t + late),
    v = ln (t + late) sqrt (1/2 +- sin z / 4), beta = 1 +- e^-z cos z / (4 +- 2 sin z).
    beta tends to 1 and d log beta is integrable, and the direction turns for ever. *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Theorem2 Example.
Import ListNotations.
Open Scope R_scope.

(** ** The gradient of exp (- |v|), away from 0 *)

Section Norm.
Context {J : Type} `{FiniteType J}.

Lemma gradient_norm (v : vec J) : 0 < norm v ->
  is_gradient norm v (fun j => v j / norm v).
Proof.
  intros N e e0; exists (e * norm v); split; [now apply Rmult_lt_0_compat |].
  intros z Z.
  assert (I : inner (fun j => v j / norm v) (sub z v) = (inner v z - norm v ^ 2) / norm
    v).
  { transitivity (/ norm v * Sum (fun j => v j * z j + -1 * v j ^ 2)).
    - unfold inner; rewrite <- Sum_scal; apply Sum_ext; intros j; unfold sub, Rdiv;
        ring.
    - rewrite Sum_plus, Sum_scal, <- norm_sqr; unfold inner; field; lra. }
  assert (Q : norm (sub z v) ^ 2 = norm z ^ 2 + norm v ^ 2 - 2 * inner v z).
  { rewrite !norm_sqr; unfold inner.
    transitivity (Sum (fun j => z j ^ 2 + (v j ^ 2 + -2 * (v j * z j)))).
    - apply Sum_ext; intros j; unfold sub; ring.
    - rewrite !Sum_plus, !Sum_scal; ring. }
  assert (C := inner_le_norm v z).
  assert (Nz := norm_nonneg z); assert (Ns := norm_nonneg (sub z v)).
  rewrite I.
  replace (norm z - norm v - (inner v z - norm v ^ 2) / norm v)
    with ((norm v * norm z - inner v z) / norm v) by (field; lra).
  rewrite Rabs_pos_eq by (apply Rdiv_le_0_compat; lra).
  apply Rmult_le_reg_r with (norm v); auto.
  unfold Rdiv; rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
  set (d := norm (sub z v)) in *; set (a := norm v) in *; set (b := norm z) in *.
  set (i := inner v z) in *.
  assert (0 <= (b - a) ^ 2) by apply pow2_ge_0.
  apply Rle_trans with (d * d); [nra |].
  replace (e * d * a) with (d * (e * a)) by ring.
  apply Rmult_le_compat_l; lra.
Qed.


Lemma gradient_exp_norm (v : vec J) : 0 < norm v ->
  is_gradient (fun v => exp (- norm v)) v (fun j => - exp (- norm v) * (v j / norm v)).
Proof.
  intros N; apply (gradient_comp (fun z => exp (- z)) (- exp (- norm v)) norm).
  - auto_derive; auto; ring.
  - now apply gradient_norm.
Qed.
End Norm.

(** ** A function of bounded variation of an arc that tends to infinity *)

(** A function with a bounded derivative, of an arc. *)
Lemma arc_after (F F' zt : R -> R) K : arc zt -> (forall t, 0 <= t -> 1 <= zt t) ->
  (forall z, 1 <= z -> is_derive F z (F' z)) ->
  (forall z, 1 <= z -> Rabs (F' z) <= K) -> arc (fun t => F (zt t)).
Proof.
  intros Az Z1 DF BF; apply arc_comp with F'; auto; intros T T0.
  destruct (arc_bounded zt T Az T0) as (M & M0 & HM); exists 1, M, K; split.
  - intros t Ht; split; [apply Z1; lra |].
    specialize (HM t Ht); apply Rabs_le_between in HM; lra.
  - intros z Hz; split; [apply DF; lra | apply BF; lra].
Qed.

(** The variation of B from 1 on. *)
Definition variation (B' : R -> R) z : R := RInt (fun w => Rabs (B' w)) 1 z.

Lemma variation_derive B' z : (forall z, 0 < z -> continuous B' z) -> 1 <= z ->
  is_derive (variation B') z (Rabs (B' z)).
Proof.
  intros CB Hz.
  assert (Cab : forall z, 0 < z -> continuous (fun w => Rabs (B' w)) z).
  { intros w w0; apply (continuous_comp B' Rabs); [now apply CB |].
    apply continuous_Rabs. }
  apply (is_derive_RInt (fun w => Rabs (B' w)) (variation B') 1 z).
  - exists (mkposreal (1 / 2) ltac:(lra)); intros x Hx.
    apply (RInt_correct (V := R_CompleteNormedModule)).
    apply (ex_RInt_continuous (V := R_CompleteNormedModule)); intros w W; apply Cab.
    change (Rabs (x - z) < 1 / 2) in Hx; apply Rabs_def2 in Hx.
    revert W; unfold Rmin; destruct (Rle_dec 1 x); lra.
  - apply Cab; lra.
Qed.

Section VariationAlong.
Variables (B B' zt zt' : R -> R) (K : R).
Hypothesis DB : forall z, 1 <= z -> is_derive B z (B' z).
Hypothesis CB : forall z, 0 < z -> continuous B' z.
Hypothesis BB : forall z, 1 <= z -> Rabs (B' z) <= K * exp (- z).
Hypothesis Az : arc zt.
Hypothesis Z1 : forall t, 0 <= t -> 1 <= zt t.
Hypothesis Dz : forall t, 0 < t -> is_derive zt t (zt' t).
Hypothesis Pz : forall t, 0 < t -> 0 <= zt' t.
Hypothesis K0 : 0 <= K.

Let small z : 1 <= z -> 0 <= K * exp (- z) <= K.
Proof.
  intros Hz; assert (E := exp_pos (- z)); assert (exp (- z) <= 1); [| nra].
  rewrite <- exp_0; left; apply exp_increasing; lra.
Qed.

Let bounded_slope z : 1 <= z -> Rabs (B' z) <= K.
Proof. intros Hz; apply Rle_trans with (1 := BB z Hz), small, Hz. Qed.

Lemma derive_after (F F' : R -> R) : (forall z, 1 <= z -> is_derive F z (F' z)) ->
  forall t, 0 < t -> is_derive (fun s => F (zt s)) t (zt' t * F' (zt t)).
Proof.
  intros DF t T; apply (is_derive_comp F zt); [apply DF, Z1; lra | now apply Dz].
Qed.

(** The variation of B along zt since the start. *)
Let V t := variation B' (zt t) + - variation B' (zt 0).

Let arc_V : arc V.
Proof.
  apply arc_plus; [| apply arc_const].
  apply (arc_after (variation B') (fun z => Rabs (B' z)) zt K); auto.
  - intros z Hz; now apply variation_derive.
  - intros z Hz; rewrite Rabs_Rabsolu; now apply bounded_slope.
Qed.

Let derive_V t : 0 < t -> is_derive V t (zt' t * Rabs (B' (zt t))).
Proof.
  intros T; rewrite <- (Rplus_0_r (zt' t * _)).
  apply (is_derive_plus (V := R_NormedModule) (fun t => variation B' (zt t))
    (fun _ => - variation B' (zt 0))).
  - apply (derive_after (variation B') (fun z => Rabs (B' z))); auto.
    intros z Hz; now apply variation_derive.
  - apply (is_derive_const (V := R_NormedModule)).
Qed.

Lemma variation_monotone s t : 0 <= s <= t -> V s <= V t.
Proof.
  apply arc_monotone; [exact arc_V |]; apply everywhere; intros r R0.
  eexists; split; [now apply derive_V |].
  apply Rmult_le_pos; [now apply Pz | apply Rabs_pos].
Qed.

(** It is at most K e^(-z) at the start, which falls at least as fast as V rises. *)
Lemma variation_bounded t : 0 <= t -> V t <= K * exp (- zt 0).
Proof.
  intros T; assert (Z : V 0 = 0) by (unfold V; ring).
  assert (Fall : V t + K * exp (- zt t) <= V 0 + K * exp (- zt 0)).
  2: { generalize (small (zt t) (Z1 t T)); lra. }
  assert (DE : forall z, 1 <= z ->
    is_derive (fun z => K * exp (- z)) z (- (K * exp (- z)))).
  { intros z _; auto_derive; auto; ring. }
  apply (arc_antitone (fun t => V t + K * exp (- zt t))); [| | lra].
  - apply arc_plus; [exact arc_V |].
    apply (arc_after (fun z => K * exp (- z)) (fun z => - (K * exp (- z))) zt K); auto.
    intros z Hz; rewrite Rabs_Ropp, Rabs_pos_eq; now apply small.
  - apply everywhere; intros r R0; eexists; split.
    + apply (is_derive_plus (V := R_NormedModule) V (fun t => K * exp (- zt t)));
        [now apply derive_V |].
      apply (derive_after (fun z => K * exp (- z)) (fun z => - (K * exp (- z)))); auto.
    + unfold plus; simpl; assert (P := Pz r R0).
      assert (zt' r * Rabs (B' (zt r)) <= zt' r * (K * exp (- zt r)));
        [apply Rmult_le_compat_l; [exact P | apply BB, Z1; lra] | lra].
Qed.

Lemma variation_integrable : integrable (fun t => Derive (fun s => B (zt s)) t).
Proof.
  assert (DerB : forall t, 0 < t -> Derive (fun s => B (zt s)) t = zt' t * B' (zt t)).
  { intros t T; apply is_derive_unique, (derive_after B B'); auto. }
  split.
  - exists (fun t => B (zt t) + - B (zt 0)); split; [| split; [ring |]].
    + apply arc_plus; [now apply (arc_after B B' zt K) | apply arc_const].
    + apply everywhere; intros t T; rewrite DerB by auto.
      rewrite <- (Rplus_0_r (zt' t * B' (zt t))).
      apply (is_derive_plus (V := R_NormedModule) (fun t => B (zt t))
        (fun _ => - B (zt 0))).
      * apply (derive_after B B'); auto.
      * apply (is_derive_const (V := R_NormedModule)).
  - destruct (monotone_limit V (K * exp (- zt 0))) as [lim Lim];
      [exact variation_monotone | exact variation_bounded |].
    exists V, lim; split; [| exact Lim].
    split; [exact arc_V | split; [unfold V; ring |]].
    apply everywhere; intros t T; rewrite DerB, Rabs_mult, (Rabs_pos_eq (zt' t)); auto.
Qed.

End VariationAlong.

(** ** The flow *)

Definition norm_predictor (w : vec bool) (_ : R) : R := norm w.

Definition side (j : bool) : R := if j then 1 else -1.
Definition late : R := exp (exp (exp 1)).
Definition radius (t : R) : R := ln (t + late).
Definition phase (t : R) : R := ln (ln (radius t)).
Definition share (j : bool) (z : R) : R := / 2 + side j * sin z / 4.
Definition turning_point (t : R) : vec bool := fun j => radius t * sqrt (share j (phase
  t)).
Definition denominator (j : bool) (z : R) : R := 4 + 2 * side j * sin z.
Definition adapter_at (j : bool) (z : R) : R := 1 + exp (- z) * (side j * cos z /
  denominator j z).
Definition turning_adapter (t : R) : vec bool := fun j => adapter_at j (phase t).
Definition turning_gradient (t : R) : vec bool := fun j => - exp (- norm (turning_point
  t)) * (turning_point t j / norm (turning_point t)).

Lemma late_pos : 0 < late. Proof. apply exp_pos. Qed.

Lemma radius_ge t : 0 <= t -> exp (exp 1) <= radius t.
Proof.
  intros T; unfold radius; rewrite <- (ln_exp (exp (exp 1))); apply ln_le;
    [apply exp_pos |].
  unfold late; lra.
Qed.

Lemma log_radius_ge t : 0 <= t -> exp 1 <= ln (radius t).
Proof.
  intros T; rewrite <- (ln_exp (exp 1)); apply ln_le;
    [apply exp_pos | now apply radius_ge].
Qed.

Lemma phase_ge t : 0 <= t -> 1 <= phase t.
Proof.
  intros T; unfold phase; rewrite <- (ln_exp 1); apply ln_le;
    [apply exp_pos | now apply log_radius_ge].
Qed.

Lemma radius_pos t : 0 <= t -> 0 < radius t.
Proof. intros T; generalize (radius_ge t T) (exp_pos (exp 1)); lra. Qed.
Lemma log_radius_pos t : 0 <= t -> 0 < ln (radius t).
Proof. intros T; generalize (log_radius_ge t T) (exp_pos 1); lra. Qed.

Lemma side_cases j : side j = 1 \/ side j = -1.
Proof. destruct j; simpl; auto. Qed.

Lemma share_range j z : / 4 <= share j z <= 3 / 4.
Proof. unfold share; generalize (SIN_bound z); destruct (side_cases j) as [-> | ->];
  lra. Qed.
Lemma denominator_range j z : 2 <= denominator j z <= 6.
Proof. unfold denominator; generalize (SIN_bound z);
  destruct (side_cases j) as [-> | ->]; lra. Qed.

Lemma norm_turning_point t : 0 <= t -> norm (turning_point t) = radius t.
Proof.
  intros T; assert (R := radius_pos t T).
  unfold norm; rewrite <- (sqrt_pow2 (radius t)) by lra; f_equal.
  rewrite Sum_two; unfold turning_point.
  rewrite !Rpow_mult_distr,
    !pow2_sqrt by (generalize (share_range true (phase t)) (share_range false (phase
    t)); lra).
  unfold share; simpl; field.
Qed.

Lemma phase_derive t : 0 <= t ->
  is_derive phase t (/ ((t + late) * radius t * ln (radius t))).
Proof.
  intros T; assert (R := radius_pos t T); assert (Y := log_radius_pos t T);
    assert (C := late_pos).
  unfold phase, radius in *; auto_derive; [repeat split; auto; lra | field;
    repeat split; lra].
Qed.

Lemma radius_derive t : 0 <= t -> is_derive radius t (/ (t + late)).
Proof.
  intros T; assert (C := late_pos); unfold radius; auto_derive; [lra | field; lra].
Qed.

Lemma share_derive j z : is_derive (fun z => sqrt (share j z)) z (side j * cos z / (8 *
  share j z) * sqrt (share j z)).
Proof.
  assert (Q := share_range j z);
    assert (S : 0 < sqrt (share j z)) by (apply sqrt_lt_R0; lra).
  assert (E : sqrt (share j z) * sqrt (share j z) = share j z) by (apply sqrt_sqrt;
    lra).
  assert (D : is_derive (share j) z (side j * cos z / 4)).
  { unfold share; auto_derive; auto; field. }
  replace (side j * cos z / (8 * share j z) * sqrt (share j z))
    with (side j * cos z / 4 / (2 * sqrt (share j z))).
  2: { set (a := sqrt (share j z)) in *; rewrite <- E; field; lra. }
  apply (is_derive_sqrt (share j)); [exact D | lra].
Qed.

Lemma exp_phase t : 0 <= t -> exp (- phase t) = / ln (radius t).
Proof. intros T; unfold phase; rewrite exp_Ropp, exp_ln by (now apply log_radius_pos);
  reflexivity. Qed.

Lemma turning_point_derive j t : 0 <= t ->
  is_derive (fun s => turning_point s j) t (- turning_adapter t j * turning_gradient t
    j).
Proof.
  intros T; assert (R := radius_pos t T); assert (Y := log_radius_pos t T);
    assert (C := late_pos).
  assert (Q := share_range j (phase t)); assert (Dn := denominator_range j (phase t)).
  unfold turning_gradient; rewrite norm_turning_point by auto.
  assert (Er : exp (- radius t) = / (t + late)).
  { unfold radius; rewrite exp_Ropp, exp_ln by lra; reflexivity. }
  rewrite Er; unfold turning_point, turning_adapter, adapter_at;
    rewrite exp_phase by auto.
  set (s := sqrt (share j (phase t))).
  replace (- (1 + / ln (radius t) * (side j * cos (phase t) / denominator j (phase t)))
    * (- / (t + late) * (radius t * s / radius t)))
    with (/ (t + late) * s + radius t * (/ ((t + late) * radius t * ln (radius t)) *
          (side j * cos (phase t) / (8 * share j (phase t)) * s))).
  2: { replace (denominator j (phase t)) with (8 * share j (phase t)) by (unfold
         denominator, share; field).
       field; repeat split; lra. }
  apply (is_derive_mult radius (fun s => sqrt (share j (phase s))));
    [now apply radius_derive | | intros; apply Rmult_comm].
  apply (is_derive_comp (fun z => sqrt (share j z)) phase);
    [apply share_derive | now apply phase_derive].
Qed.

Lemma adapter_small j z : Rabs (exp (- z) * (side j * cos z / denominator j z)) <= / 2
  * exp (- z).
Proof.
  assert (E := exp_pos (- z)); assert (Dn := denominator_range j z).
  rewrite Rabs_mult, (Rabs_pos_eq (exp (- z))) by lra; rewrite Rmult_comm.
  apply Rmult_le_compat_r; [lra |].
  unfold Rdiv; rewrite !Rabs_mult, (Rabs_pos_eq (/ denominator j z)) by (left;
    apply Rinv_0_lt_compat; lra).
  assert (I : / denominator j z <= / 2) by (apply Rinv_le_contravar; lra).
  assert (I0 : 0 < / denominator j z) by (apply Rinv_0_lt_compat; lra).
  replace (Rabs (side j)) with 1.
  2: { destruct (side_cases j) as [-> | ->]; [rewrite Rabs_pos_eq | rewrite Rabs_left];
         lra. }
  assert (Cb : Rabs (cos z) <= 1) by (apply Rabs_le; generalize (COS_bound z); lra).
  generalize (Rabs_pos (cos z)); nra.
Qed.

Lemma adapter_small_late j z : 1 <= z ->
  Rabs (exp (- z) * (side j * cos z / denominator j z)) <= / 2 * exp (- z).
Proof. intros _; apply adapter_small. Qed.

Lemma exp_le_1 z : 1 <= z -> exp (- z) <= 1.
Proof. intros Z; rewrite <- exp_0; left; apply exp_increasing; lra. Qed.

Lemma adapter_range j z : 1 <= z -> / 2 <= adapter_at j z <= 3 / 2.
Proof.
  intros Z; assert (B := adapter_small_late j z Z); assert (E := exp_le_1 z Z).
  apply Rabs_le_between in B; unfold adapter_at; lra.
Qed.

Definition adapter_at' (j : bool) (z : R) : R :=
  exp (- z) * (side j * (((- cos z - sin z) * denominator j z - 2 * side j * cos z ^ 2)
    / denominator j z ^ 2)).

Lemma adapter_derive j z : is_derive (adapter_at j) z (adapter_at' j z).
Proof.
  assert (Dn := denominator_range j z);
    unfold adapter_at, adapter_at', denominator in *.
  auto_derive; [repeat split; auto; lra | field; lra].
Qed.

Lemma adapter_at'_small j z : Rabs (adapter_at' j z) <= 4 * exp (- z).
Proof.
  assert (E := exp_pos (- z)); assert (Dn := denominator_range j z).
  assert (S := SIN_bound z); assert (C := COS_bound z).
  unfold adapter_at'; rewrite Rabs_mult, (Rabs_pos_eq (exp (- z))) by lra;
    rewrite Rmult_comm.
  apply Rmult_le_compat_r; [lra |].
  set (d := denominator j z) in *;
    set (N := (- cos z - sin z) * d - 2 * side j * cos z ^ 2).
  assert (NB : Rabs N <= 14).
  { apply Rabs_le; unfold N; destruct (side_cases j) as [-> | ->]; nra. }
  assert (D2 : 4 <= d ^ 2) by nra.
  rewrite Rabs_mult; replace (Rabs (side j)) with 1.
  2: { destruct (side_cases j) as [-> | ->]; [rewrite Rabs_pos_eq | rewrite Rabs_left];
         lra. }
  rewrite Rmult_1_l; unfold Rdiv; rewrite Rabs_mult, (Rabs_pos_eq (/ d ^ 2))
    by (left; apply Rinv_0_lt_compat; lra).
  assert (I : / d ^ 2 <= / 4) by (apply Rinv_le_contravar; lra).
  assert (I0 : 0 < / d ^ 2) by (apply Rinv_0_lt_compat; lra).
  generalize (Rabs_pos N); nra.
Qed.

Lemma phase_inverse z : exp (exp (exp z)) - late >= 0 ->
  phase (exp (exp (exp z)) - late) = z.
Proof.
  intros _; unfold phase, radius;
    replace (exp (exp (exp z)) - late + late) with (exp (exp (exp z))) by ring.
  now rewrite !ln_exp.
Qed.

Lemma arc_radius : arc radius.
Proof.
  apply (arc_ln (fun t => t + late) late); [apply late_pos | | intros; lra].
  apply arc_plus; [apply arc_id | apply arc_const].
Qed.

Lemma arc_phase : arc phase.
Proof.
  apply (arc_ln (fun t => ln (radius t)) (exp 1)); [apply exp_pos | | intros;
    now apply log_radius_ge].
  apply (arc_ln radius (exp (exp 1))); [apply exp_pos | apply arc_radius | intros;
    now apply radius_ge].
Qed.

Lemma arc_along (F F' : R -> R) K : (forall z, 1 <= z -> is_derive F z (F' z)) ->
  (forall z, 1 <= z -> Rabs (F' z) <= K) -> arc (fun t => F (phase t)).
Proof. apply arc_after; [apply arc_phase | exact phase_ge]. Qed.

Lemma arc_turning_point j : arc (fun t => turning_point t j).
Proof.
  unfold turning_point; apply arc_mult; [apply arc_radius |].
  apply (arc_along (fun z => sqrt (share j z))
    (fun z => side j * cos z / (8 * share j z) * sqrt (share j z)) 1).
  - intros z _; apply share_derive.
  - intros z _; assert (Q := share_range j z).
    assert (S : 0 <= sqrt (share j z) <= 1).
    { split; [apply sqrt_pos |]; rewrite <- sqrt_1; apply sqrt_le_1_alt; lra. }
    unfold Rdiv; rewrite !Rabs_mult, (Rabs_pos_eq (sqrt _)) by lra.
    rewrite (Rabs_pos_eq (/ _)) by (left; apply Rinv_0_lt_compat; lra).
    replace (Rabs (side j)) with 1.
    2: { destruct (side_cases j) as [-> | ->];
           [rewrite Rabs_pos_eq | rewrite Rabs_left]; lra. }
    assert (Cb : Rabs (cos z) <= 1) by (apply Rabs_le; generalize (COS_bound z); lra).
    assert (I : / (8 * share j z) <= / 2) by (apply Rinv_le_contravar; lra).
    assert (I0 : 0 < / (8 * share j z)) by (apply Rinv_0_lt_compat; lra).
    assert (P := Rabs_pos (cos z)).
    assert (A : Rabs (cos z) * / (8 * share j z) <= 1) by nra.
    assert (A0 : 0 <= Rabs (cos z) * / (8 * share j z)) by (apply Rmult_le_pos; lra).
    nra.
Qed.

Lemma arc_turning_adapter j : arc (fun t => turning_adapter t j).
Proof.
  apply (arc_along (adapter_at j) (adapter_at' j) 4).
  - intros z _; apply adapter_derive.
  - intros z Z; generalize (adapter_at'_small j z) (exp_le_1 z Z); lra.
Qed.

Lemma turning_adapter_pos t j : 0 <= t -> 0 < turning_adapter t j.
Proof. intros T; generalize (adapter_range j (phase t) (phase_ge t T));
  unfold turning_adapter; lra. Qed.

Lemma log_adapter_derive j z : 1 <= z ->
  is_derive (fun z => ln (adapter_at j z)) z (adapter_at' j z / adapter_at j z).
Proof.
  intros Z; assert (B := adapter_range j z Z).
  apply (is_derive_comp ln (adapter_at j)); [| apply adapter_derive].
  auto_derive; [lra | field; lra].
Qed.

Lemma phase_lim : is_lim phase p_infty p_infty.
Proof.
  assert (L : forall f : R -> R, is_lim f p_infty p_infty ->
    is_lim (fun t => ln (f t)) p_infty p_infty).
  { intros f Lf; apply (is_lim_comp ln f p_infty p_infty p_infty); auto;
      [apply is_lim_ln_p |].
    exists 0; intros; discriminate. }
  unfold phase, radius; apply L, L, L.
  apply is_lim_spec; intros M; exists (M - late); intros t Ht; lra.
Qed.

Lemma turning_adapter_lim j : is_lim (fun t => turning_adapter t j) p_infty 1.
Proof.
  apply is_lim_spec; intros e.
  assert (Lz := phase_lim); apply is_lim_spec in Lz.
  destruct (Lz (- ln e)) as [M HM]; exists (Rmax M 0); intros t Ht.
  assert (T : M < t /\ 0 < t) by (generalize (Rmax_l M 0) (Rmax_r M 0); lra).
  specialize (HM t (proj1 T)).
  assert (B := adapter_small_late j (phase t) (phase_ge t ltac:(lra))).
  assert (E : exp (- phase t) < e).
  { rewrite <- (exp_ln e) by apply cond_pos; apply exp_increasing; lra. }
  unfold turning_adapter, adapter_at.
  replace (1 + exp (- phase t) * (side j * cos (phase t) / denominator j (phase t)) - 1)
    with (exp (- phase t) * (side j * cos (phase t) / denominator j (phase t))) by ring.
  generalize (exp_pos (- phase t)); lra.
Qed.

Lemma log_adapter_continuous j z : continuous (fun z => adapter_at' j z / adapter_at j
  z) z \/ adapter_at j z = 0.
Proof.
  destruct (Req_dec (adapter_at j z) 0) as [E | N]; [now right | left].
  assert (Dn := denominator_range j z).
  apply (ex_derive_continuous (V := R_NormedModule));
    unfold adapter_at', adapter_at, denominator in *.
  auto_derive; repeat split; auto; nra.
Qed.

Lemma integrable_turning_adapter j : integrable (fun t => Derive (fun s => ln
  (turning_adapter s j)) t).
Proof.
  apply (variation_integrable (fun z => ln (adapter_at j z)) (fun z => adapter_at' j z
    / adapter_at j z) phase
    (fun t => / ((t + late) * radius t * ln (radius t))) 8).
  - intros z Z; now apply log_adapter_derive.
  - intros z Z; destruct (log_adapter_continuous j z) as [C | E]; [exact C | exfalso].
    assert (B := adapter_small j z); apply Rabs_le_between in B.
    assert (exp (- z) < 1) by (rewrite <- exp_0; apply exp_increasing; lra).
    unfold adapter_at in E; lra.
  - intros z Z; assert (B := adapter_range j z Z); assert (B' := adapter_at'_small j z).
    unfold Rdiv; rewrite Rabs_mult, (Rabs_pos_eq (/ adapter_at j z)) by (left;
      apply Rinv_0_lt_compat; lra).
    assert (I : / adapter_at j z <= / (/ 2)) by (apply Rinv_le_contravar; lra).
    assert (I0 : 0 < / adapter_at j z) by (apply Rinv_0_lt_compat; lra).
    generalize (Rabs_pos (adapter_at' j z)); nra.
  - apply arc_phase.
  - apply phase_ge.
  - intros t T; apply phase_derive; lra.
  - intros t T; left; apply Rinv_0_lt_compat.
    assert (R := radius_pos t ltac:(lra)); assert (Y := log_radius_pos t ltac:(lra));
      assert (C := late_pos).
    apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; lra | lra].
  - lra.
Qed.

Lemma norm_predictor_loss v :
  total_loss (summed exponential) norm_predictor v = exp (- norm v).
Proof.
  rewrite total_loss_summed; unfold Sum, norm_predictor; simpl.
  rewrite Rplus_0_r; f_equal; ring.
Qed.

(** Assumption 1 (i), (ii) of the predictor. *)
Lemma norm_predictor_lipschitz x : locally_lipschitz (fun w => norm_predictor w x).
Proof. apply (norm_lipschitz (J := bool)). Qed.

Lemma norm_predictor_homogeneous x a w : 0 < a ->
  norm_predictor (fun j => a * w j) x = Rpower a 1 * norm_predictor w x.
Proof. intros A; unfold norm_predictor;
  rewrite norm_scal, Rabs_pos_eq, Rpower_1 by lra; reflexivity. Qed.

Lemma exp3_ge z : z < exp (exp (exp z)).
Proof.
  assert (E : forall w, w < exp w).
  { intros w; destruct (Req_dec w 0) as [-> | N]; [rewrite exp_0; lra |].
    generalize (exp_ineq1 w N); lra. }
  generalize (E z) (E (exp z)) (E (exp (exp z))); lra.
Qed.

(** The angle comes back to every phase_recurs. *)
Lemma phase_recurs a M : 0 <= a -> exists t, 0 <= t /\ M < t /\ sin (phase t) = sin a.
Proof.
  intros A; destruct (nfloor_ex (Rabs M + late)) as [n0 [_ Hn']].
  { generalize (Rabs_pos M) late_pos; lra. }
  set (n := S n0); assert (Hn : Rabs M + late < INR n) by (unfold n; rewrite S_INR;
    lra).
  set (z := a + 2 * INR n * PI).
  assert (Zn : INR n <= z).
  { unfold z; assert (P := PI2_3_2); assert (N := pos_INR n).
    assert (2 * INR n * PI >= 2 * INR n * 3) by (apply Rmult_ge_compat_l; lra); lra. }
  assert (E := exp3_ge z); assert (C := late_pos).
  assert (B := Rle_abs M); assert (B0 := Rabs_pos M).
  exists (exp (exp (exp z)) - late); split; [lra |]; split; [lra |].
  rewrite phase_inverse by lra; apply sin_period.
Qed.

(** What follows an angle whose sine comes back to 1 and to -1 has no limit. *)
Lemma share_turns (f angle : R -> R) a :
  (forall t, 0 <= t -> f t = sqrt (share true (angle t))) ->
  (forall b M, 0 <= b -> exists t, 0 <= t /\ M < t /\ sin (angle t) = sin b) ->
  ~ is_lim f p_infty (Finite a).
Proof.
  intros V Recurs L; apply is_lim_spec in L.
  destruct (L (mkposreal (1 / 10) ltac:(lra))) as [M HM]; simpl in HM.
  destruct (Recurs (PI / 2) M) as (t1 & T1 & M1 & S1); [generalize PI_RGT_0; lra |].
  destruct (Recurs (3 * (PI / 2)) M) as (t2 & T2 & M2 & S2);
    [generalize PI_RGT_0; lra |].
  rewrite sin_PI2 in S1; rewrite sin_3PI2 in S2.
  assert (Up := HM t1 M1); assert (Down := HM t2 M2); rewrite V in Up, Down by auto.
  unfold share in Up, Down; rewrite S1 in Up; rewrite S2 in Down; simpl in Up, Down.
  assert (High : 8 / 10 <= sqrt (/ 2 + 1 * 1 / 4)).
  { rewrite <- (sqrt_pow2 (8 / 10)) by lra; apply sqrt_le_1_alt; lra. }
  assert (Low : sqrt (/ 2 + 1 * -1 / 4) <= 5 / 10).
  { rewrite <- (sqrt_pow2 (5 / 10)) by lra; apply sqrt_le_1_alt; lra. }
  apply Rabs_def2 in Up; apply Rabs_def2 in Down; lra.
Qed.

Lemma no_direction a : ~ is_lim (fun t => turning_point t true / norm (turning_point
  t)) p_infty (Finite a).
Proof.
  apply share_turns with phase; [| apply phase_recurs].
  intros t T; rewrite norm_turning_point by auto; unfold turning_point; field;
    generalize (radius_pos t T); lra.
Qed.

(** All the hypotheses of Theorem 4, as the paper quotes it, at once. *)
Lemma turning_flow : adaptive_flow (summed exponential) norm_predictor turning_point
  turning_adapter turning_gradient.
Proof.
  constructor.
  - apply arc_turning_point.
  - apply arc_turning_adapter.
  - intros; now apply turning_adapter_pos.
  - apply everywhere; intros t T j; eexists.
    apply (is_derive_comp (adapter_at j) phase);
      [apply adapter_derive | apply phase_derive; lra].
  - apply everywhere; intros t T; apply gradient_in_clarke.
    replace (total_loss (summed exponential) norm_predictor)
      with (fun v : vec bool => exp (- norm v))
      by (apply functional_extensionality; intros v; now rewrite norm_predictor_loss).
    apply gradient_exp_norm; rewrite norm_turning_point by lra; apply radius_pos; lra.
  - apply everywhere; intros t T j; apply turning_point_derive; lra.
  - apply integrable_turning_adapter.
Qed.

Lemma turning_separates : separates (summed exponential) norm_predictor turning_point.
Proof.
  exists 0; split; [lra |]; rewrite norm_predictor_loss, norm_turning_point by lra;
    simpl.
  apply exp_increasing; generalize (radius_pos 0 ltac:(lra)); lra.
Qed.

(* statement: theorem 4 as quoted *)
(** Theorem 4 as the paper quotes it: of the adapter it is asked only that it tends to 1
    and that its logarithm has finite variation. *)
Definition theorem_4_as_quoted {J D X} `{FiniteType J} `{Dataset D X}
    (k : loss) (Phi : vec J -> X -> R) (l : R) : Prop :=
  forall v beta u : R -> vec J,
  adaptive_flow (summed k) Phi v beta u -> separates (summed k) Phi v ->
  (forall j, is_lim (fun t => beta t j) p_infty 1) ->
  implicit_regularization (total_loss (summed k) Phi) l v
    (max_margin_KKT Phi (fun _ => 1)).
(* end statement *)

(* statement: theorem 4 refuted *)
Theorem theorem_4_refuted :
  assumption_1 (fun _ => True) norm_predictor 1 /\
  forall l, ~ theorem_4_as_quoted exponential norm_predictor l.
(* end statement *)
Proof.
  split.
  - split; [lra |]; intros x; split; [apply norm_predictor_lipschitz | split; auto].
    intros a w A; now apply norm_predictor_homogeneous.
  - intros l T4.
    destruct (T4 _ _ _ turning_flow turning_separates turning_adapter_lim)
      as (_ & u & _ & _ & Dir).
    exact (no_direction _ (Dir true)).
Qed.

(** The cited inequality holds of this predictor: its normalized margin is constant, so
    that the gap need not lie in (0, width). *)
Lemma norm_predictor_inequality :
  desingularizing_inequality (summed exponential) norm_predictor 1.
Proof.
  assert (One : forall v, 1 < norm v ->
    normalized_margin (summed exponential) norm_predictor 1 v = 1).
  { intros v V; unfold normalized_margin, margin_of; rewrite norm_predictor_loss.
    change (link _) with exponential; unfold inverse_loss; rewrite ln_exp.
    replace (- (1) * ln (norm v)) with (- ln (norm v)) by ring.
    rewrite exp_Ropp, exp_ln by lra; field; lra. }
  intros g0 c eta _ _ _.
  assert (W : exists width, 0 < width /\ ~ (0 < g0 - 1 < width)).
  { destruct (Rle_lt_dec g0 1); [exists 1 | exists ((g0 - 1) / 2)]; split; lra. }
  destruct W as (width & w0 & Out); exists width, (fun s => s), (fun _ => 1); split.
  - split; [exact w0 |]; split; [intros s S | intros; lra].
    split; [apply (is_derive_id (K := R_AbsRing)) | lra].
  - intros v V _ gap Gap; unfold gap in Gap; rewrite One in Gap by exact V.
    contradiction.
Qed.

(* statement: direction refuted *)
(** So it is the rate that is missing: where it is dropped from theorem_4_direction, its
    conclusion fails. *)
Theorem theorem_4_direction_refuted :
  desingularizing_inequality (summed exponential) norm_predictor 1 /\
  exists v beta u : R -> vec bool,
    adaptive_flow (summed exponential) norm_predictor v beta u /\
    separates (summed exponential) norm_predictor v /\
    (forall j, is_lim (fun t => beta t j) p_infty 1) /\ ~ direction_converges v.
(* end statement *)
Proof.
  split; [exact norm_predictor_inequality |].
  exists turning_point, turning_adapter, turning_gradient.
  split; [exact turning_flow |]; split; [exact turning_separates |].
  split; [exact turning_adapter_lim |]; intros [theta Th].
  exact (no_direction _ (Th true)).
Qed.
