(** * Theorem 2 for linear predictors: many classes, cross-entropy, separable data

    The argument of discrete time for a flow v' = beta U, where U is minus the gradient
    of a loss with the seven facts of [margin_loss].  Up to a factor near 1, ||v|| is at
    most N times minus the logarithm of the loss, where N is the length of the solution;
    and all margins are at least minus that logarithm.  It is enough that the data are
    separable: that the flow has separated them at some time is not asked. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export ManyClasses DiscreteDirection.
Open Scope R_scope.

(** ** A flow whose adapter is near 1 all the time *)

Section NearlyGradientFlow.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Context {b : D -> vec J} {f : vec J -> R} {pull : vec J -> D -> R}.
Hypothesis loss_facts : margin_loss b f pull.
Variables (R0 : R) (ustar : vec J) (i0 : D).
Hypothesis R0_nonneg : 0 <= R0.
Hypothesis R0_bound : forall i, norm (b i) <= R0.
Hypothesis feasible : forall i, 1 <= inner ustar (b i).
Notation N := (norm ustar).
Notation U := (descent b pull).

(** Convexity bounds the loss at y from below by its tangent at z, and conversely. *)
Lemma margin_loss_lipschitz : locally_lipschitz f.
Proof.
  intros v; exists (/ (R0 + 1)), (3 * f v * R0).
  assert (r0 : 0 < / (R0 + 1)) by (apply Rinv_0_lt_compat; lra).
  assert (F := loss_positive loss_facts v); split; [exact r0 |].
  assert (Side : forall y z, norm (sub y v) < / (R0 + 1) ->
    f y - f z <= 3 * f v * R0 * norm (sub z y)).
  { intros y z Y; set (dz := sub z y).
    assert (Ez : z = (fun j => y j + dz j))
      by (apply functional_extensionality; intros j; unfold dz, sub; ring).
    assert (Ey : y = (fun j => v j + sub y v j))
      by (apply functional_extensionality; intros j; unfold sub; ring).
    assert (T := above_tangent loss_facts y dz); rewrite <- Ez in T.
    assert (Near : f y <= 3 * f v).
    { rewrite Ey; apply (loss_near loss_facts R0 R0_nonneg R0_bound).
      apply Rle_trans with (/ (R0 + 1) * R0); [apply Rmult_le_compat_r; lra |].
      apply Rmult_le_reg_l with (R0 + 1); [lra |].
      rewrite <- Rmult_assoc, Rinv_r; lra. }
    rewrite <- inner_descent in T; assert (I := inner_le_norm dz (U y)).
    assert (Ul := descent_le loss_facts R0 R0_nonneg R0_bound y).
    assert (n0 := norm_nonneg dz).
    assert (norm dz * norm (U y) <= norm dz * (3 * f v * R0)).
    { apply Rmult_le_compat_l; auto; apply Rle_trans with (1 := Ul).
      now apply Rmult_le_compat_r. }
    lra. }
  intros y z Y Z; assert (S1 := Side y z Y); assert (S2 := Side z y Z).
  rewrite dist_sym in S2; apply Rabs_le; lra.
Qed.

Variables (v beta : R -> vec J) (e : R).
Hypothesis arc_v : forall j, arc (fun t => v t j).
Hypothesis flow : ae (fun t => forall j,
  is_derive (fun s => v s j) t (beta t j * U (v t) j)).
Hypothesis e_range : 0 < e <= / 4.
Hypothesis beta_near : forall t j, 0 <= t -> Rabs (beta t j - 1) <= e.

(** The speed at which the loss falls. *)
Definition spent (t : R) : R := Sum (fun j => beta t j * U (v t) j ^ 2).

Lemma spent_bounds t : 0 <= t ->
  (1 - e) * norm (U (v t)) ^ 2 <= spent t <= (1 + e) * norm (U (v t)) ^ 2.
Proof.
  intros T; rewrite norm_sqr, <- !Sum_scal; split; apply Sum_le; intros j;
    apply Rmult_le_compat_r; try apply pow2_ge_0; assert (B := beta_near t j T);
    apply Rabs_le_between in B; lra.
Qed.

Lemma spent_nonneg t : 0 <= t -> 0 <= spent t.
Proof.
  intros T; apply Rle_trans with (2 := proj1 (spent_bounds t T)).
  apply Rmult_le_pos; [lra | apply pow2_ge_0].
Qed.

Lemma loss_falls : ae (fun t => is_derive (fun s => f (v s)) t (- spent t)).
Proof.
  revert flow; apply ae_imp; intros t _ Dv.
  replace (- spent t) with
    (inner (fun j => - U (v t) j) (fun j => beta t j * U (v t) j)).
  - now apply smooth_along; [apply (loss_smooth loss_facts) |].
  - unfold spent; rewrite <- (Rmult_1_l (Sum _)), Ropp_mult_distr_l, <- Sum_scal.
    apply Sum_ext; intros j; ring.
Qed.

Lemma arc_value : arc (fun t => f (v t)).
Proof. apply arc_lipschitz_comp; auto; apply margin_loss_lipschitz. Qed.

Lemma value_below_start t : 0 <= t -> f (v t) <= f (v 0).
Proof.
  intros T; apply (arc_antitone (fun t => f (v t))); [apply arc_value | | lra].
  generalize loss_falls; apply ae_imp; intros s S Ds; eexists; split; [exact Ds |].
  generalize (spent_nonneg s (Rlt_le _ _ S)); lra.
Qed.

(** The gradient is of the order of the loss. *)
Lemma value_le_slope t : 0 <= t -> f (v t) <= N * (1 + f (v 0)) * norm (U (v t)).
Proof.
  intros T; assert (S := descent_large loss_facts ustar 1 (v t) Rle_0_1 feasible).
  assert (Q : 0 <= N * norm (U (v t))) by (apply Rmult_le_pos; apply norm_nonneg).
  assert (B := value_below_start t T).
  apply Rmult_le_compat_r with (r := N * norm (U (v t))) in B; auto; lra.
Qed.

(** So 1 / loss grows like t ... *)
Lemma inverse_grows : exists c C, 0 < c /\ 0 < C /\ forall t, 0 <= t ->
  c * t <= / f (v t) - / f (v 0) <= C * t.
Proof.
  assert (Pos : forall t, 0 < f (v t)) by (intros t; apply loss_facts).
  assert (N0 := solution_pos ustar i0 feasible).
  set (K := N * (1 + f (v 0))); assert (K0 : 0 < K)
    by (apply Rmult_lt_0_compat; [lra |]; specialize (Pos 0); lra).
  exists (/ 2 * (/ K) ^ 2), (2 * R0 ^ 2 + 1).
  assert (Ik : 0 < / K) by now apply Rinv_0_lt_compat.
  split; [apply Rmult_lt_0_compat; [lra | now apply pow_lt] |].
  split; [generalize (pow2_ge_0 R0); lra |].
  assert (Inv : arc (fun t => / f (v t))).
  { apply (arc_comp_pos Rinv (fun z => - / z ^ 2)); [apply arc_value | auto | |].
    - intros z Z; auto_derive; [lra | field; lra].
    - intros c M c0; exists (/ c ^ 2); intros z Z.
      assert (Cs := pow_lt c 2 c0); assert (c ^ 2 <= z ^ 2) by (apply pow_incr; lra).
      rewrite Rabs_Ropp, Rabs_pos_eq by (left; apply Rinv_0_lt_compat; lra).
      apply Rinv_le_contravar; lra. }
  assert (Slope : ae (fun t => is_derive (fun s => / f (v s)) t
    (spent t * (/ f (v t)) ^ 2))).
  { generalize loss_falls; apply ae_imp; intros t _ Df.
    replace (spent t * (/ f (v t)) ^ 2) with (- spent t * - / f (v t) ^ 2)
      by (field; generalize (Pos t); lra).
    apply (is_derive_comp Rinv (fun s => f (v s))); [| exact Df].
    auto_derive; [generalize (Pos t); lra | field; generalize (Pos t); lra]. }
  assert (Bounds : forall t, 0 <= t ->
    / 2 * (/ K) ^ 2 <= spent t * (/ f (v t)) ^ 2 <= 2 * R0 ^ 2 + 1).
  { intros t T; destruct (spent_bounds t T) as [Lo Up].
    assert (Low := value_le_slope t T); fold K in Low.
    assert (High := descent_le loss_facts R0 R0_nonneg R0_bound (v t)).
    set (n := norm (U (v t))) in *; assert (n0 : 0 <= n) by apply norm_nonneg.
    specialize (Pos t); assert (If : 0 < / f (v t)) by now apply Rinv_0_lt_compat.
    set (r := n * / f (v t)).
    assert (r1 : / K <= r <= R0).
    { unfold r; split; apply Rmult_le_reg_r with (f (v t)); auto;
        rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra; [| lra].
      apply Rmult_le_reg_l with K; auto.
      rewrite <- Rmult_assoc, Rinv_r by lra; lra. }
    assert (I2 := pow2_ge_0 (/ f (v t))).
    apply Rmult_le_compat_r with (r := (/ f (v t)) ^ 2) in Lo, Up; auto.
    replace ((1 - e) * n ^ 2 * (/ f (v t)) ^ 2) with ((1 - e) * r ^ 2) in Lo
      by (unfold r; ring).
    replace ((1 + e) * n ^ 2 * (/ f (v t)) ^ 2) with ((1 + e) * r ^ 2) in Up
      by (unfold r; ring).
    assert (Q1 : (/ K) ^ 2 <= r ^ 2) by (apply pow_incr; lra).
    assert (Q2 : r ^ 2 <= R0 ^ 2) by (apply pow_incr; lra).
    assert (P := pow_lt (/ K) 2 Ik); split; nra. }
  intros t T; split.
  - assert (M : / f (v 0) + - (/ 2 * (/ K) ^ 2) * 0 <=
      / f (v t) + - (/ 2 * (/ K) ^ 2) * t); [| lra].
    apply (arc_monotone (fun t => / f (v t) + - (/ 2 * (/ K) ^ 2) * t)); [| | lra].
    + apply arc_plus; auto; apply arc_scal, arc_id.
    + revert Slope; apply ae_imp; intros s S Ds.
      exists (spent s * (/ f (v s)) ^ 2 + - (/ 2 * (/ K) ^ 2) * 1); split.
      * apply (is_derive_plus (V := R_NormedModule) (fun s => / f (v s))); auto.
        apply (is_derive_scal (fun s => s)); apply (is_derive_id (K := R_AbsRing)).
      * generalize (Bounds s (Rlt_le _ _ S)); lra.
  - assert (M : (2 * R0 ^ 2 + 1) * 0 + -1 * / f (v 0) <=
      (2 * R0 ^ 2 + 1) * t + -1 * / f (v t)); [| lra].
    apply (arc_monotone (fun t => (2 * R0 ^ 2 + 1) * t + -1 * / f (v t))); [| | lra].
    + apply arc_plus; apply arc_scal; auto; apply arc_id.
    + revert Slope; apply ae_imp; intros s S Ds.
      exists ((2 * R0 ^ 2 + 1) * 1 + -1 * (spent s * (/ f (v s)) ^ 2)); split.
      * apply (is_derive_plus (V := R_NormedModule) (fun s => (2 * R0 ^ 2 + 1) * s)).
        -- apply (is_derive_scal (fun s => s)); apply (is_derive_id (K := R_AbsRing)).
        -- now apply (is_derive_scal (fun s => / f (v s))).
      * generalize (Bounds s (Rlt_le _ _ S)); lra.
Qed.

(** ... and ||v|| grows at most like minus the logarithm of the loss. *)
Lemma norm_below_log t : 0 <= t ->
  (1 - e) * (norm (v t) - norm (v 0)) <=
  (1 + e) * (N * (1 + f (v 0))) * (ln (f (v 0)) - ln (f (v t))).
Proof.
  intros T; set (K := N * (1 + f (v 0))).
  assert (Pos : forall t, 0 < f (v t)) by (intros s; apply loss_facts).
  assert (K0 : 0 < K).
  { apply Rmult_lt_0_compat; [exact (solution_pos ustar i0 feasible) |].
    specialize (Pos 0); lra. }
  assert (Falls := ln_le _ _ (Pos t) (value_below_start t T)).
  assert (Right : 0 <= (1 + e) * K * (ln (f (v 0)) - ln (f (v t))))
    by (apply Rmult_le_pos; [apply Rmult_le_pos |]; lra).
  destruct (norm_nonneg (v t)) as [V | V].
  2: { rewrite <- V; assert (P := norm_nonneg (v 0)); nra. }
  (* along the direction z that v has at time t *)
  set (z := fun j => / norm (v t) * v t j).
  assert (Nz : norm z = 1).
  { unfold z; rewrite norm_scal, Rabs_pos_eq by (left; now apply Rinv_0_lt_compat).
    field; lra. }
  set (gap s := - (1 + e) * K * ln (f (v s)) + - (1 - e) * inner z (v s)).
  assert (M : gap 0 <= gap t).
  { apply (arc_monotone gap); [| | lra].
    - apply arc_plus; apply arc_scal.
      + apply (arc_ln_pos (fun t => f (v t))); [apply arc_value | auto].
      + apply (arc_Sum (fun j t => z j * v t j)); intros j; now apply arc_scal.
    - generalize (ae_and _ _ flow loss_falls); apply ae_imp; intros s S [Dv Df].
      assert (Sp := Rlt_le _ _ S).
      exists (- (1 + e) * K * (- spent s * / f (v s)) +
        - (1 - e) * inner z (fun j => beta s j * U (v s) j)); split.
      + apply (is_derive_plus (V := R_NormedModule)
          (fun s => - (1 + e) * K * ln (f (v s)))).
        * apply (is_derive_scal (fun s => ln (f (v s)))).
          apply (is_derive_comp ln (fun s => f (v s))); [| exact Df].
          auto_derive; [apply Pos | field; generalize (Pos s); lra].
        * apply (is_derive_scal (fun s => inner z (v s))).
          apply (is_derive_Sum (fun j s => z j * v s j)); intros j.
          now apply (is_derive_scal (fun s => v s j)).
      + destruct (spent_bounds s Sp) as [Lo _].
        assert (Low := value_le_slope s Sp); fold K in Low.
        assert (I := inner_le_norm z (fun j => beta s j * U (v s) j)).
        assert (Nb : norm (fun j => beta s j * U (v s) j) <= (1 + e) * norm (U (v s))).
        { apply norm_le_scaled; [lra |]; intros j; rewrite Rabs_mult.
          apply Rmult_le_compat_r; [apply Rabs_pos |].
          assert (B := beta_near s j Sp); apply Rabs_le_between in B.
          rewrite Rabs_pos_eq; lra. }
        rewrite Nz, Rmult_1_l in I; set (n := norm (U (v s))) in *.
        assert (n0 : 0 <= n) by apply norm_nonneg; specialize (Pos s).
        assert (If : 0 < / f (v s)) by now apply Rinv_0_lt_compat.
        assert (One : n <= K * (spent s * / f (v s)) * / (1 - e)).
        { apply Rmult_le_reg_r with ((1 - e) * f (v s)).
          - apply Rmult_lt_0_compat; lra.
          - replace (K * (spent s * / f (v s)) * / (1 - e) * ((1 - e) * f (v s))) with
              (K * spent s) by (field; lra).
            apply Rle_trans with (K * ((1 - e) * n ^ 2));
              [| apply Rmult_le_compat_l; lra].
            replace (K * ((1 - e) * n ^ 2)) with (n * ((1 - e) * (K * n))) by ring.
            apply Rmult_le_compat_l; auto; apply Rmult_le_compat_l; lra. }
        apply Rmult_le_compat_l with (r := (1 - e) * (1 + e)) in One; [| nra].
        replace ((1 - e) * (1 + e) * (K * (spent s * / f (v s)) * / (1 - e))) with
          ((1 + e) * K * (spent s * / f (v s))) in One by (field; lra).
        assert (Up : (1 - e) * inner z (fun j => beta s j * U (v s) j) <=
          (1 - e) * ((1 + e) * n)) by (apply Rmult_le_compat_l; lra).
        lra. }
  unfold gap in M.
  assert (Zt : inner z (v t) = norm (v t)).
  { unfold z; rewrite inner_comm, inner_scal, inner_self; field; lra. }
  assert (Z0 : inner z (v 0) <= norm (v 0)).
  { apply Rle_trans with (1 := inner_le_norm z (v 0)); rewrite Nz; lra. }
  rewrite Zt in M.
  apply Rmult_le_compat_l with (r := 1 - e) in Z0; lra.
Qed.

End NearlyGradientFlow.

(** ** A flow whose adapter tends to 1 *)

Section AdapterLimit.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Context {b : D -> vec J} {f : vec J -> R} {pull : vec J -> D -> R}.
Hypothesis loss_facts : margin_loss b f pull.
Variables (ustar : vec J) (i0 : D).
Hypothesis feasible : forall i, 1 <= inner ustar (b i).
Hypothesis variational : forall z, (forall i, 1 <= inner z (b i)) ->
  norm ustar ^ 2 <= inner ustar z.
Notation N := (norm ustar).
Notation U := (descent b pull).

Variables (v beta : R -> vec J).
Hypothesis arc_v : forall j, arc (fun t => v t j).
Hypothesis flow : ae (fun t => forall j,
  is_derive (fun s => v s j) t (beta t j * U (v t) j)).
Hypothesis beta_lim : forall j, is_lim (fun t => beta t j) p_infty 1.

Lemma adapter_near e : 0 < e -> exists T, 0 <= T /\ forall t j, T <= t ->
  Rabs (beta t j - 1) <= e.
Proof.
  intros e0; destruct (eventually_all (fun j t => Rabs (beta t j - 1) < e)) as [T HT].
  { intros j; assert (Lj := beta_lim j); apply is_lim_spec in Lj.
    exact (Lj (mkposreal e e0)). }
  exists (Rmax T 0 + 1); assert (Tl := Rmax_l T 0); assert (Tr := Rmax_r T 0).
  split; [lra |]; intros t j Ht; left; apply HT; lra.
Qed.

Lemma flow_from T : 0 <= T -> ae (fun t => forall j,
  is_derive (fun s => v (T + s) j) t (beta (T + t) j * U (v (T + t)) j)).
Proof.
  intros T0; generalize (ae_shift _ T T0 flow); apply ae_imp; intros t _ Dv j.
  now apply (derive_shift (fun s => v s j)).
Qed.

Lemma arc_from T : 0 <= T -> forall j, arc (fun t => v (T + t) j).
Proof. intros T0 j; now apply (arc_shift_time (fun t => v t j)). Qed.

Lemma value_lim : is_lim (fun t => f (v t)) p_infty 0.
Proof.
  destruct (norms_bounded b) as (R0 & R0p & Rb).
  destruct (adapter_near (/ 4) ltac:(lra)) as (T & T0 & Near).
  destruct (inverse_grows loss_facts R0 ustar i0 R0p Rb feasible
    (fun s => v (T + s)) (fun s => beta (T + s)) (/ 4) (arc_from T T0) (flow_from T T0)
    ltac:(lra)) as (c & C & c0 & _ & B).
  { intros t j Ht; apply Near; lra. }
  assert (Pos : forall t, 0 < f (v t)) by (intros t; apply loss_facts).
  apply (proj2 (is_lim_shift (fun t => f (v t)) T 0 T0)); apply is_lim_spec; intros q.
  assert (q0 := cond_pos q); exists (/ (c * q)).
  assert (cq : 0 < / (c * q)) by (apply Rinv_0_lt_compat, Rmult_lt_0_compat; lra).
  intros s S; destruct (B s ltac:(lra)) as [Lo _].
  rewrite Rminus_0_r, Rabs_pos_eq by (left; apply Pos).
  assert (I0 := Rinv_0_lt_compat _ (Pos (T + 0))).
  assert (Is := Rinv_0_lt_compat _ (Pos (T + s))); specialize (Pos (T + s)).
  apply Rmult_lt_compat_l with (r := c * q) in S;
    [| apply Rmult_lt_0_compat; lra].
  rewrite Rinv_r in S by (apply Rgt_not_eq, Rmult_lt_0_compat; lra).
  apply Rmult_lt_reg_r with (/ f (v (T + s))); auto; rewrite Rinv_r by lra.
  apply Rlt_le_trans with (1 := S); rewrite Rmult_comm, <- Rmult_assoc, Rmult_comm.
  apply Rmult_le_compat_l; lra.
Qed.

(** The two rates of Theorem 2, with the degree 1. *)
Lemma linear_rates : growth_rates f 1 v.
Proof.
  destruct (norms_bounded b) as (R0 & R0p & Rb).
  destruct (adapter_near (/ 4) ltac:(lra)) as (T & T0 & Near).
  assert (Av := arc_from T T0); assert (Fv := flow_from T T0).
  set (vT s := v (T + s)) in *; set (bT s := beta (T + s)) in *.
  assert (NearT : forall t j, 0 <= t -> Rabs (bT t j - 1) <= / 4)
    by (intros t j Ht; apply Near; lra).
  destruct (inverse_grows loss_facts R0 ustar i0 R0p Rb feasible vT bT (/ 4) Av Fv
    ltac:(lra) NearT) as (c & C & c0 & C0 & B).
  assert (Pos : forall t, 0 < f (vT t)) by (intros t; apply loss_facts).
  set (a0 := / f (vT 0)) in *; assert (a0p : 0 < a0) by apply Rinv_0_lt_compat, Pos.
  assert (Loss : forall t, 1 <= t -> / ((a0 + C) * t) <= f (vT t) <= / (c * t)).
  { intros t Ht; destruct (B t ltac:(lra)) as [Lo Up]; specialize (Pos t).
    assert (ct : 0 < c * t) by (apply Rmult_lt_0_compat; lra).
    rewrite <- (Rinv_inv (f (vT t))); split; apply Rinv_le_contravar; try lra.
    assert (a0 * 1 <= a0 * t) by (apply Rmult_le_compat_l; lra); lra. }
  split.
  - apply (Theta_shift_loss (fun t => f (v t)) T _ T0).
    exists (/ (a0 + C)), (/ c), 1.
    split; [apply Rinv_0_lt_compat; lra |]; split; [now apply Rinv_0_lt_compat |].
    intros t Ht; change (v (T + t)) with (vT t).
    replace (Rpower (ln t) (2 - 2 / 1)) with 1.
    + rewrite Rmult_1_r, <- !Rinv_mult; now apply Loss.
    + unfold Rpower; replace ((2 - 2 / 1) * ln (ln t)) with 0 by field.
      now rewrite exp_0.
  - apply (Theta_shift_norm (fun t => norm (v t)) T _ T0).
    set (K := 2 * (N * (1 + f (vT 0)))).
    assert (K0 : 0 < K).
    { unfold K; apply Rmult_lt_0_compat; [lra |]; apply Rmult_lt_0_compat;
        [exact (solution_pos ustar i0 feasible) | specialize (Pos 0); lra]. }
    set (F := Rabs (ln (a0 + C)) + Rabs (ln (f (vT 0)))).
    set (Q := norm (vT 0) + K * (F + 1)).
    set (Low := Rabs (ln c) + f (vT 0)).
    exists (/ (2 * (R0 + 1))), (Q + 1), (exp (2 * Low + 1)).
    split; [apply Rinv_0_lt_compat; lra |].
    assert (F0 : 0 <= F) by (apply Rplus_le_le_0_compat; apply Rabs_pos).
    assert (Low0 : 0 <= Low).
    { apply Rplus_le_le_0_compat; [apply Rabs_pos | left; apply Pos]. }
    assert (n0 := norm_nonneg (vT 0)).
    assert (KF : 0 <= K * (F + 1)) by (apply Rmult_le_pos; lra).
    assert (Q0 : 0 <= Q) by (unfold Q; lra).
    split; [lra |]; intros t Ht; change (v (T + t)) with (vT t).
    assert (Lt : 2 * Low + 1 <= ln t).
    { rewrite <- (ln_exp (2 * Low + 1)); apply ln_le; auto; apply exp_pos. }
    assert (t1 : 1 <= t).
    { generalize (exp_ineq1_le (2 * Low + 1)); lra. }
    assert (tp : 0 <= t) by lra.
    replace (/ 1) with 1 by field; rewrite (Rpower_1 (ln t)) by lra.
    destruct (Loss t t1) as [L1 L2]; assert (Pt := Pos t).
    assert (Below := value_below_start loss_facts R0 R0p Rb vT bT (/ 4) Av Fv ltac:(lra)
      NearT t tp).
    assert (Up := norm_below_log loss_facts R0 ustar i0 R0p Rb feasible vT bT (/ 4) Av
      Fv ltac:(lra) NearT t tp).
    assert (Far := Rle_trans _ _ _ (margin_large loss_facts (vT t) i0)
      (Rle_trans _ _ _ (Rle_abs _) (inner_data_le R0 Rb (vT t) i0))).
    assert (Ll := ln_le _ _ Pt L2); rewrite ln_Rinv, ln_mult in Ll by nra.
    assert (aCt : 0 < (a0 + C) * t) by (apply Rmult_lt_0_compat; lra).
    assert (Lu := ln_le _ _ (Rinv_0_lt_compat _ aCt) L1).
    rewrite ln_Rinv, ln_mult in Lu by lra.
    assert (Ac := Rle_abs (- ln c)); rewrite Rabs_Ropp in Ac.
    assert (Aa := Rle_abs (ln (a0 + C))); assert (Af := Rle_abs (ln (f (vT 0)))).
    split.
    + apply Rmult_le_reg_l with (2 * (R0 + 1)); [lra |].
      rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra.
      assert (nt := norm_nonneg (vT t)); unfold Low in *; lra.
    + assert (D1 : 0 <= ln (f (vT 0)) - ln (f (vT t)) <= F + ln t).
      { split; [generalize (ln_le _ _ Pt Below); lra | unfold F; lra]. }
      assert (D2 : N * (1 + f (vT 0)) * (ln (f (vT 0)) - ln (f (vT t))) <=
        N * (1 + f (vT 0)) * (F + ln t)).
      { apply Rmult_le_compat_l; [unfold K in K0 |]; lra. }
      assert (D0 : 0 <= K * (F + ln t)) by (apply Rmult_le_pos; lra).
      assert (D3 : norm (vT t) <= norm (vT 0) + K * (F + ln t)) by (unfold K in *; lra).
      assert (D4 : K * F * 1 <= K * F * ln t)
        by (apply Rmult_le_compat_l; [apply Rmult_le_pos |]; lra).
      assert (D5 : norm (vT 0) * 1 <= norm (vT 0) * ln t)
        by (apply Rmult_le_compat_l; lra).
      unfold Q; lra.
Qed.

Lemma norm_grows : is_lim (fun t => norm (v t)) p_infty p_infty.
Proof.
  destruct linear_rates as [_ (m & M & T & m0 & _ & B)].
  apply is_lim_spec; intros K; exists (Rmax T (exp (Rabs K / m + 1))); intros t Ht.
  assert (tT : T < t /\ exp (Rabs K / m + 1) < t)
    by (generalize (Rmax_l T (exp (Rabs K / m + 1)))
          (Rmax_r T (exp (Rabs K / m + 1))); lra).
  destruct (B t ltac:(lra)) as [Lo _]; replace (/ 1) with 1 in Lo by field.
  assert (Lt : Rabs K / m + 1 < ln t).
  { rewrite <- (ln_exp (Rabs K / m + 1)); apply ln_increasing; [apply exp_pos | lra]. }
  assert (P : 0 <= Rabs K / m) by (apply Rdiv_le_0_compat; auto; apply Rabs_pos).
  rewrite Rpower_1 in Lo by lra; apply Rlt_le_trans with (2 := Lo).
  apply Rmult_lt_compat_l with (r := m) in Lt; auto.
  replace (m * (Rabs K / m + 1)) with (Rabs K + m) in Lt by (field; lra).
  generalize (Rle_abs K); lra.
Qed.

(** ||v|| is at most N times minus the logarithm of the loss, up to a factor near 1. *)
Lemma norm_at_most_log e : 0 < e <= / 4 -> exists C T, 0 <= C /\ forall t, T <= t ->
  (1 - 4 * e) * norm (v t) - C <= - N * ln (f (v t)).
Proof.
  intros Er; destruct (norms_bounded b) as (R0 & R0p & Rb).
  destruct (adapter_near e (proj1 Er)) as (T1 & T10 & Near).
  assert (Small := value_lim); apply is_lim_spec in Small.
  destruct (Small (mkposreal e (proj1 Er))) as [T2 Small2]; simpl in Small2.
  set (T := Rmax T1 (Rmax T2 0 + 1)).
  assert (HT : T1 <= T /\ T2 < T /\ 0 <= T).
  { unfold T; generalize (Rmax_l T1 (Rmax T2 0 + 1)) (Rmax_r T1 (Rmax T2 0 + 1))
      (Rmax_l T2 0) (Rmax_r T2 0); lra. }
  exists (norm (v T)), T; split; [apply norm_nonneg |]; intros t Ht.
  assert (Up := norm_below_log loss_facts R0 ustar i0 R0p Rb feasible
    (fun s => v (T + s)) (fun s => beta (T + s)) e (arc_from T ltac:(lra))
    (flow_from T ltac:(lra)) Er ltac:(intros s j Hs; apply Near; lra) (t - T)
    ltac:(lra)).
  cbv beta in Up; rewrite Rplus_0_r in Up; replace (T + (t - T)) with t in Up by ring.
  assert (FT : f (v T) < e).
  { specialize (Small2 T ltac:(lra)); apply Rabs_def2 in Small2; lra. }
  assert (PT := loss_positive loss_facts (v T)).
  assert (Pt := loss_positive loss_facts (v t)).
  assert (N0 := solution_pos ustar i0 feasible).
  assert (Lt : ln (f (v T)) <= 0) by (rewrite <- ln_1; apply ln_le; lra).
  set (nT := norm (v T)) in *; set (nt := norm (v t)) in *.
  assert (nT0 : 0 <= nT) by apply norm_nonneg.
  assert (nt0 : 0 <= nt) by apply norm_nonneg.
  set (l := ln (f (v t))) in *; set (d := ln (f (v T)) - l) in *.
  destruct (Rle_lt_dec nt nT) as [Le | Gt].
  - (* then minus the logarithm need only be nonnegative *)
    assert (0 <= - N * l).
    { assert (Below := value_below_start loss_facts R0 R0p Rb (fun s => v (T + s))
        (fun s => beta (T + s)) e (arc_from T ltac:(lra)) (flow_from T ltac:(lra)) Er
        ltac:(intros s j Hs; apply Near; lra) (t - T) ltac:(lra)).
      cbv beta in Below; rewrite Rplus_0_r in Below.
      replace (T + (t - T)) with t in Below by ring.
      assert (l <= 0) by (apply Rle_trans with (2 := Lt); now apply ln_le).
      nra. }
    nra.
  - assert (Nd : N * d <= - N * l) by (unfold d; nra).
    assert (d0 : 0 <= d) by (apply Rnot_lt_le; intros Neg;
      assert (0 < (1 + e) * (N * (1 + f (v T))))
        by (repeat apply Rmult_lt_0_compat; lra); nra).
    assert (Nd0 : 0 <= N * d) by (apply Rmult_le_pos; lra).
    assert (X : (1 - e) * (nt - nT) <= (1 + e) * (1 + e) * (N * d)).
    { apply Rle_trans with (1 := Up).
      replace ((1 + e) * (N * (1 + f (v T))) * d) with
        ((1 + e) * (1 + f (v T)) * (N * d)) by ring.
      apply Rmult_le_compat_r; auto; apply Rmult_le_compat_l; lra. }
    assert (Y : (1 - 4 * e) * (nt - nT) <= N * d).
    { apply Rmult_le_reg_l with ((1 + e) * (1 + e)); [nra |].
      apply Rle_trans with (2 := X); rewrite <- Rmult_assoc.
      apply Rmult_le_compat_r; nra. }
    assert (4 * e * nT >= 0) by nra; lra.
Qed.

Theorem linear_flow_direction : converges_in_direction v ustar.
Proof.
  assert (N0 := solution_pos ustar i0 feasible).
  split; [exact N0 |]; intros j; apply is_lim_spec; intros q; assert (q0 := cond_pos q).
  set (e := Rmin (/ 4) (q ^ 2 / 16)).
  assert (Q2 : 0 < q ^ 2) by (now apply pow_lt).
  assert (E : 0 < e <= / 4 /\ e <= q ^ 2 / 16) by (unfold e; minmax; lra).
  destruct (norm_at_most_log e (proj1 E)) as (C & T & C0 & Up).
  assert (Fl := value_lim); apply is_lim_spec in Fl.
  assert (Half : 0 < exp (-2)) by apply exp_pos.
  destruct (Fl (mkposreal _ Half)) as [T' Small]; simpl in Small.
  assert (Gr := norm_grows); apply is_lim_spec in Gr.
  destruct (Gr (8 * (C + N) / q ^ 2)) as [T'' Large].
  exists (Rmax T (Rmax T' T'')); intros t Ht.
  assert (tT : T < t /\ T' < t /\ T'' < t).
  { generalize (Rmax_l T (Rmax T' T'')) (Rmax_r T (Rmax T' T'')) (Rmax_l T' T'')
      (Rmax_r T' T''); lra. }
  specialize (Up t ltac:(lra)); specialize (Small t ltac:(lra)).
  specialize (Large t ltac:(lra)); assert (Pt := loss_positive loss_facts (v t)).
  rewrite Rminus_0_r, Rabs_pos_eq in Small by lra.
  assert (Big : 0 < 8 * (C + N) / q ^ 2) by (apply Rdiv_lt_0_compat; lra).
  assert (Ln : ln (f (v t)) <= -1).
  { apply Rle_trans with (-2); [| lra]; rewrite <- (ln_exp (-2)); apply ln_le; lra. }
  assert (Quarter : exp (-2) <= / 4).
  { replace (-2) with (- (1) + - (1)) by ring; rewrite exp_plus, exp_Ropp.
    assert (E1 := exp_ineq1_le 1).
    assert (I : / exp 1 <= / 2) by (apply Rinv_le_contravar; lra).
    assert (I0 : 0 < / exp 1) by apply Rinv_0_lt_compat, exp_pos; nra. }
  assert (B := direction_bound loss_facts ustar i0 feasible variational (v t) (4 * e) C
    ltac:(lra) ltac:(lra) Ln Up j).
  assert (Rest : (C + N) / norm (v t) < q ^ 2 / 8).
  { apply Rmult_lt_reg_r with (8 * norm (v t) / q ^ 2).
    - apply Rdiv_lt_0_compat; lra.
    - replace ((C + N) / norm (v t) * (8 * norm (v t) / q ^ 2)) with
        (8 * (C + N) / q ^ 2) by (field; lra).
      replace (q ^ 2 / 8 * (8 * norm (v t) / q ^ 2)) with (norm (v t)) by (field; lra).
      exact Large. }
  apply Rnot_le_lt; intros Le.
  assert (Sq : q ^ 2 <= (v t j / norm (v t) - ustar j / N) ^ 2).
  { rewrite <- (pow2_abs (_ - _)); apply pow_incr; lra. }
  lra.
Qed.

End AdapterLimit.

(** ** Process 2 *)

Section Process.
Context {J D : Type} `{P2 : Process2 J} `{FiniteType D}.
Context {a : D -> vec J} {pull : vec J -> D -> R}.
Hypothesis loss_facts : margin_loss a L pull.
Hypothesis some_data : inhabited D.

(** In the variables w / chi, where the data are chi a(i). *)
Lemma skewed_is_nearly_gradient_flow : assumption_2_ii ->
  ae (fun t => forall j, is_derive (fun s => skewed s j) t
    (beta t j * descent (fun i => mul chi (a i)) (fun v => pull (mul chi v))
      (skewed t) j)).
Proof.
  intros Aii; generalize (ae_and _ _ (flow_skewed Aii) gradient); apply ae_imp.
  intros t _ [Dv Gr] j; specialize (Dv j).
  assert (Gj := proj1 (loss_clarke loss_facts _ _) Gr j).
  replace (beta t j * descent (fun i => mul chi (a i)) (fun v => pull (mul chi v))
    (skewed t) j) with (- beta t j * mul chi (G t) j); auto.
  unfold descent; rewrite mul_chi_skewed; unfold mul at 1; rewrite Gj.
  transitivity (beta t j * (chi j * descent a pull (w t) j)); [ring |].
  f_equal; unfold descent; rewrite <- Sum_scal; apply Sum_ext; intros i.
  unfold mul; ring.
Qed.

(* statement: theorem 2 separable *)
(** Theorem 2 for a linear predictor and any loss with the seven facts.  Nothing is
    cited, the paper's Assumption 2 (i) and (ii) are enough, and of (iii) only that the
    data are separable: some vector has positive margins. *)
Theorem theorem_2_separable :
  assumption_2_i -> assumption_2_ii ->
  (exists z, forall i, 0 < inner z (a i)) ->
  implicit_regularization L 1 w (hard_margin a skew).
(* end statement *)
Proof.
  intros Ai Aii Sep; destruct (norms_bounded a) as (R0 & R0p & Rb).
  assert (Lip : locally_lipschitz L)
    by exact (margin_loss_lipschitz loss_facts R0 R0p Rb).
  assert (Lim := lemma_8 (loss_positive loss_facts) Lip
    (smooth_chain_rule L _ (loss_smooth loss_facts)) Aii Ai).
  destruct (hard_margin_exists a skew some_data) as [wstar K]; auto.
  { intros j; rewrite <- skew_is_inverse_chi; apply Rinv_0_lt_compat, chi_pos. }
  destruct some_data as [i0]; set (ustar := fun j => wstar j / chi j).
  assert (K' := K); rewrite <- skew_is_inverse_chi in K'.
  assert (Pos : forall j, 0 < sqrt (eps j / delta j))
    by (intros j; rewrite <- chi_sqr; apply pow_lt, chi_pos).
  assert (Fe := ustar_feasible (a := a) _ wstar Pos K').
  assert (Va := ustar_variational (a := a) _ wstar Pos K').
  assert (F := margin_loss_scaled chi loss_facts).
  assert (Fl := skewed_is_nearly_gradient_flow Aii).
  assert (Rates := linear_rates F ustar i0 Fe skewed beta arc_skewed Fl Lim).
  assert (Dir := linear_flow_direction F ustar i0 Fe Va skewed beta arc_skewed Fl Lim).
  split; [now apply growth_back | exists wstar; split; [exact K |]].
  replace wstar with (mul chi ustar).
  - apply direction_w; auto; destruct Rates as [_ (m & M & T & m0 & M0 & B)].
    exists T; intros t Ht; apply Rlt_le_trans with (2 := proj1 (B t Ht)).
    apply Rmult_lt_0_compat; auto; apply exp_pos.
  - apply functional_extensionality; intros j; unfold mul, ustar; field.
    apply chi_nonzero.
Qed.

End Process.

(** ** Many classes *)

Section ManyClassesLinear.
Context {J D X C K : Type} `{FiniteType D} `{FiniteType K}.
Context `{P2 : Process2 J}.
Variables (feat : X -> C -> vec J) (data : D -> X) (label : D -> C).
Variable rival : D -> K -> C.
Variable some : inhabited (D * K).
Notation Pairs := (pair_data data label rival some).

(* statement: linear scores *)
(** Scores that are linear in the weights: each input has a vector for each class. *)
Definition linear_scores : vec J -> X -> C -> R := fun w z c => inner w (feat z c).

(** The vector of a pair: its margin is the lead of the label over the rival. *)
Definition lead_vector (i : D) (c : K) : vec J :=
  sub (feat (data i) (label i)) (feat (data i) (rival i c)).
(* end statement *)

Lemma lead_inner w i c :
  inner w (lead_vector i c) = lead linear_scores data label rival (i, c) w.
Proof. unfold lead_vector; now rewrite inner_sub. Qed.

Lemma pair_predictor_linear : pair_predictor linear_scores =
  linear_predictor (fun z : X * C * C => let '(input, c, c') := z in
    sub (feat input c) (feat input c')).
Proof.
  apply functional_extensionality; intros w; apply functional_extensionality.
  intros [[input c] c']; unfold linear_predictor; now rewrite inner_sub.
Qed.

(* statement: theorem 2 linear many classes *)
(** Theorem 2 for many classes and any joint loss of the leads, for linear scores:
    nothing is cited, and the paper's Assumption 2 is enough. *)
Theorem theorem_2_linear_many_classes (k : joint_loss (D * K)) :
  L = pair_loss linear_scores data label rival k ->
  assumption_2_i -> assumption_2_ii ->
  (exists t0, 0 <= t0 /\ L (w t0) < ell k 0) ->
  implicit_regularization L 1 w (pair_KKT linear_scores data label rival skew).
(* end statement *)
Proof.
  rewrite (pair_KKT_is_max_margin _ data label rival some).
  rewrite (pair_loss_is_total_loss _ data label rival some), pair_predictor_linear.
  apply (theorem_2_linear (Data := Pairs)).
Qed.

(** With the vectors of the pairs, the problem is a hard-margin problem ... *)
Lemma pair_KKT_linear s : pair_KKT linear_scores data label rival s =
  hard_margin (fun pair => lead_vector (fst pair) (snd pair)) s.
Proof.
  unfold pair_KKT, hard_margin; f_equal; apply functional_extensionality; intros [i c].
  apply functional_extensionality; intros u; now rewrite lead_inner.
Qed.

(** ... and the softmax loss is the cross-entropy. *)
Lemma softmax_loss_linear `{FiniteType C} : lists_rivals label rival ->
  softmax_loss linear_scores data label = cross_entropy lead_vector.
Proof.
  intros Rivals; apply functional_extensionality; intros u.
  rewrite (softmax_loss_rivals linear_scores data label rival u Rivals).
  apply Sum_ext; intros i; do 2 f_equal; apply Sum_ext; intros c.
  now rewrite lead_inner.
Qed.

(* statement: theorem 2 cross-entropy *)
(** Theorem 2 for linear scores and cross-entropy, the loss of softmax regression:
    nothing is cited, and the limit is the one of the loss over pairs.  The threshold
    of Assumption 2 (iii) is ln 2, as for two classes and the logistic loss. *)
Theorem theorem_2_cross_entropy `{FiniteType C} :
  L = softmax_loss linear_scores data label -> lists_rivals label rival ->
  assumption_2_i -> assumption_2_ii ->
  (exists t0, 0 <= t0 /\ L (w t0) < ln 2) ->
  implicit_regularization L 1 w (pair_KKT linear_scores data label rival skew).
(* end statement *)
Proof.
  intros E Rivals Ai Aii (t0 & _ & Sep); rewrite pair_KKT_linear.
  rewrite (softmax_loss_linear Rivals) in E.
  assert (F := cross_entropy_is_margin_loss lead_vector some).
  rewrite <- E in F; apply (theorem_2_separable F some Ai Aii).
  exists (w t0); intros pair; apply Rlt_le_trans
    with (2 := margin_ge cross_entropy_loss
      (fun p => inner (w t0) (lead_vector (fst p) (snd p))) pair).
  change (0 < inverse_loss logistic (cross_entropy lead_vector (w t0))); rewrite <- E.
  apply below; [apply (loss_positive F) |]; unfold ell; rewrite Ropp_0, exp_0.
  replace (1 + 1) with 2 by ring; exact Sep.
Qed.

End ManyClassesLinear.
