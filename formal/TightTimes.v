(** * Late times at which the margin argument is nearly tight *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Compactness Rates.
Import ListNotations.
Open Scope R_scope.

Lemma ln_sqr z : 0 < z -> ln (z ^ 2) = 2 * ln z.
Proof. intros Z; rewrite ln_pow by auto; simpl; ring. Qed.

Section TightTimes.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Context {k : loss} {Phi : vec J -> X -> R} {l : R} {v beta u : R -> vec J}.
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

Notation ps t := (psi k (loss_at t)).
Let b t := Sum (fun j => Rabs (Derive (lb j) t)).

Let Gp' t : 0 <= t -> 0 < G t.
Proof. now apply (G_pos flow). Qed.
Let Np' t : 0 <= t -> 0 < norm (v t).
Proof. now apply (norm_pos flow). Qed.
Let Rp' t : 0 <= t -> 0 < R2 t.
Proof. intros T; apply (R2_pos flow); auto. Qed.
Let Pp' t : 0 < ps t.
Proof. apply psi_pos, total_loss_pos. Qed.

Let nu_G t : 0 <= t -> G t * ps t <= nu (v t).
Proof.
  intros T; eapply Rle_trans; [| apply nu_ge].
  apply Rmult_le_compat_l; [left; now apply Gp' | apply slope_ge].
Qed.
Let nu_pos t : 0 <= t -> 0 < nu (v t).
Proof.
  intros T; apply Rlt_le_trans with (2 := nu_G t T), Rmult_lt_0_compat; auto.
Qed.

(** The logarithmic derivatives of G and of R2. *)
Lemma log_derive : ae (fun t => clarke (total_loss k Phi) (v t) (u t) /\
  is_derive (fun t => ln (G t)) t (energy t / ps t / G t) /\
  exists dr, is_derive (fun t => ln (R2 t)) t dr /\
    2 * l * nu (v t) / R2 t - b t <= dr <= 2 * l * nu (v t) / R2 t + b t).
Proof.
  generalize (ae_and _ _ (ae_and _ _ (G_derive flow)
    (R2_derive flow)) subgrad).
  apply ae_imp; intros t T [[DG DR] Sg]; assert (Tp := Rlt_le _ _ T).
  assert (Dln : forall (f : R -> R) d, is_derive f t d -> 0 < f t ->
    is_derive (fun s => ln (f s)) t (d / f t)).
  { intros f d Df P; apply (is_derive_comp ln f); auto.
    auto_derive; [exact P | field; lra]. }
  split; [exact Sg |]; split; [apply Dln; auto |].
  eexists; split; [apply Dln; [exact DR | now apply Rp'] |].
  set (W := Sum (fun j => exp (- lb j t) * v t j ^ 2 * Derive (lb j) t)) in *.
  assert (Wb : Rabs W <= R2 t * b t).
  { assert (P : forall i, 0 <= exp (- lb i t) * v t i ^ 2).
    { intros i; apply Rmult_le_pos; [left; apply exp_pos | apply pow2_ge_0]. }
    assert (Q : forall s, s = 1 \/ s = -1 -> s * W <= R2 t * b t).
    { intros s S; unfold W, b; rewrite <- !Sum_scal; apply Sum_le; intros j.
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
    apply Rabs_le; assert (Q1 := Q 1 ltac:(lra)); assert (Q2 := Q (-1) ltac:(lra)); lra. }
  apply Rabs_le_between in Wb; assert (R0 := Rp' t Tp).
  assert (E : W / R2 t <= b t /\ - b t <= W / R2 t).
  { split; apply Rmult_le_reg_r with (R2 t); auto; unfold Rdiv;
      rewrite Rmult_assoc, Rinv_l by lra; lra. }
  replace ((2 * l * nu (v t) - W) / R2 t) with (2 * l * nu (v t) / R2 t - W / R2 t)
    by (field; lra); lra.
Qed.

(** Late times at which Cauchy-Schwarz and nu >= G psi are nearly equalities. *)
Lemma good_times e T : 0 < e -> 0 <= T -> exists t, T < t /\
  clarke (total_loss k Phi) (v t) (u t) /\
  energy t * R2 t <= (1 + e) * (l * nu (v t)) ^ 2 /\
  nu (v t) <= (1 + e) * (G t * ps t).
Proof.
  intros e0 T0; apply NNPP; intros None.
  destruct (fluctuation flow) as (B & Bmax & AB & B0 & DB & Bd).
  destruct (G_le_norm flow)
    as (c & Up).
  destruct (R2_bounds flow)
    as (m & M & m0 & M0 & RB).
  set (F t := ln (G t) + (- (l / 2 * (1 + e)) * ln (R2 t) + l / 2 * (1 + e) * B t)).
  assert (Rise : forall t, T <= t -> F T <= F t).
  { intros t Ht; assert (Q : F T + 0 * (t - T) <= F t); [| lra].
    apply arc_rises_ae; [| lra |].
    - apply arc_plus; [apply arc_ln_pos; [apply (arc_G flow); auto | auto] |].
      apply arc_plus; apply arc_scal; auto.
      apply arc_ln_pos; [apply (arc_R2 flow); auto | auto].
    - generalize (ae_and _ _ log_derive DB); apply ae_imp.
      intros s S [(Sg & DG & dr & DR & Br) Db] I; assert (Sp := Rlt_le _ _ S).
      exists (energy s / ps s / G s + (- (l / 2 * (1 + e)) * dr + l / 2 * (1 + e) * b s)).
      split.
      { apply (is_derive_plus (V := R_NormedModule) (fun t => ln (G t))
          (fun t => - (l / 2 * (1 + e)) * ln (R2 t) + l / 2 * (1 + e) * B t)); auto.
        apply (is_derive_plus (V := R_NormedModule)
          (fun t => - (l / 2 * (1 + e)) * ln (R2 t)) (fun t => l / 2 * (1 + e) * B t)).
        - now apply (is_derive_scal (fun t => ln (R2 t))).
        - now apply (is_derive_scal B). }
      assert (Cs : (l * nu (v s)) ^ 2 <= R2 s * energy s)
        by (apply (schwarz flow); auto).
      assert (Gs := Gp' s Sp); assert (Rs := Rp' s Sp); assert (Ns := nu_pos s Sp).
      assert (Ng := nu_G s Sp); assert (P0 := Pp' s).
      set (E := energy s) in *; set (N := nu (v s)) in *; set (p := ps s) in *.
      assert (Gpp : 0 < G s * p) by (apply Rmult_lt_0_compat; auto).
      assert (lN : 0 < (l * N) ^ 2) by (apply pow_lt, Rmult_lt_0_compat; auto).
      assert (Big : (1 + e) * (l * (l * N)) * (G s * p) <= E * R2 s).
      { destruct (Rle_lt_dec (E * R2 s) ((1 + e) * (l * N) ^ 2)) as [C1 | C1].
        - destruct (Rle_lt_dec N ((1 + e) * (G s * p))) as [C2 | C2].
          + exfalso; apply None; exists s; repeat split; auto; lra.
          + apply Rle_trans with ((l * N) ^ 2); [| lra].
            replace ((1 + e) * (l * (l * N)) * (G s * p)) with
              (l * (l * N) * ((1 + e) * (G s * p))) by ring.
            replace ((l * N) ^ 2) with (l * (l * N) * N) by ring.
            apply Rmult_le_compat_l; [| lra].
            left; apply Rmult_lt_0_compat; auto; now apply Rmult_lt_0_compat.
        - apply Rle_trans with ((1 + e) * (l * N) ^ 2); [| lra].
          replace ((1 + e) * (l * (l * N)) * (G s * p)) with
            ((1 + e) * (l * l * N) * (G s * p)) by ring.
          replace ((1 + e) * (l * N) ^ 2) with ((1 + e) * (l * l * N) * N) by ring.
          apply Rmult_le_compat_l; auto.
          left; apply Rmult_lt_0_compat; [lra |].
          apply Rmult_lt_0_compat; auto; nra. }
      assert (Q : (1 + e) * (l * (l * N)) / R2 s <= E / p / G s).
      { apply Rmult_le_reg_r with (R2 s * (G s * p)); [now apply Rmult_lt_0_compat |].
        replace ((1 + e) * (l * (l * N)) / R2 s * (R2 s * (G s * p))) with
          ((1 + e) * (l * (l * N)) * (G s * p)) by (field; lra).
        replace (E / p / G s * (R2 s * (G s * p))) with (E * R2 s) by (field; lra).
        exact Big. }
      assert (Dr : l / 2 * (1 + e) * dr <=
        l / 2 * (1 + e) * (2 * l * N / R2 s + b s)).
      { apply Rmult_le_compat_l; [| lra]; apply Rmult_le_pos; lra. }
      replace ((1 + e) * (l * (l * N)) / R2 s) with
        (l / 2 * (1 + e) * (2 * l * N / R2 s)) in Q by (field; lra).
      lra. }
  (* but F tends to minus infinity *)
  destruct (G_ode flow) as (cc & cc0 & Ode).
  assert (Dg : 1 <= l)
    by (apply (degree flow); auto).
  assert (a0 : 0 <= 2 - 2 / l).
  { assert (/ l <= 1) by (rewrite <- Rinv_1; apply Rinv_le_contravar; lra).
    unfold Rdiv; lra. }
  assert (G0 := Gp' 0 ltac:(lra)).
  assert (Low : forall t, 0 <= t -> G 0 <= G t)
    by (intros t Ht; apply (G_ge flow); auto).
  set (K := c + l / 2 * Rabs (ln m) * (1 + e) + l / 2 * (1 + e) * Rabs Bmax
    + e * Rabs c).
  destruct (solution_reaches G (2 - 2 / l) cc (G 0) a0 G0 Low (arc_G flow) Ode
    (exp ((K - F T + 1) / e))) as (T1 & T10 & Reach); [apply exp_pos |].
  set (t := Rmax T T1); assert (Ht : T <= t /\ T1 <= t)
    by (split; [apply Rmax_l | apply Rmax_r]).
  assert (tp : 0 <= t) by lra.
  specialize (Rise t (proj1 Ht)); specialize (Reach t (proj2 Ht)).
  specialize (Up t tp); specialize (RB t tp); specialize (Bd t tp).
  assert (N := Np' t tp); assert (g := Gp' t tp).
  assert (lG : (K - F T + 1) / e <= ln (G t))
    by (rewrite <- (ln_exp ((K - F T + 1) / e)); apply ln_le; auto; apply exp_pos).
  assert (lG' : K - F T + 1 <= e * ln (G t)).
  { apply Rmult_le_compat_l with (r := e) in lG; [| lra].
    replace (e * ((K - F T + 1) / e)) with (K - F T + 1) in lG by (field; lra); exact lG. }
  assert (lR : ln m + 2 * ln (norm (v t)) <= ln (R2 t)).
  { rewrite <- ln_sqr, <- ln_mult by (auto; nra).
    apply ln_le; [| apply RB]; apply Rmult_lt_0_compat; auto; nra. }
  assert (FF : F t <= K - e * ln (G t)); [| lra].
  assert (h : 0 < l / 2 * (1 + e)) by (apply Rmult_lt_0_compat; lra).
  assert (S1 : l / 2 * (1 + e) * (ln m + 2 * ln (norm (v t))) <=
    l / 2 * (1 + e) * ln (R2 t)) by (apply Rmult_le_compat_l; lra).
  assert (S2 : l / 2 * (1 + e) * B t <= l / 2 * (1 + e) * Rabs Bmax).
  { apply Rmult_le_compat_l; [lra |]; generalize (Rle_abs Bmax); lra. }
  assert (S3 : (1 + e) * ln (G t) <= (1 + e) * (c + l * ln (norm (v t))))
    by (apply Rmult_le_compat_l; lra).
  assert (S4 : l / 2 * (1 + e) * - ln m <= l / 2 * (1 + e) * Rabs (ln m)).
  { apply Rmult_le_compat_l; [lra |].
    generalize (Rle_abs (- ln m)); rewrite Rabs_Ropp; lra. }
  assert (S5 : e * c <= e * Rabs c) by (apply Rmult_le_compat_l; [lra | apply Rle_abs]).
  unfold F, K; nra.
Qed.

End TightTimes.
