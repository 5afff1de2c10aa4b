(** * The two rates of Theorem 4, from the chain rule alone *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Conclusion SmoothedMargin.
Import ListNotations.
Open Scope R_scope.

Section Rates.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Context {k : joint_loss D} {Phi : vec J -> X -> R} {l : R} {v beta u : R -> vec J}.
Hypothesis flow : separated_flow k Phi l v beta u.
Let predictor := flow_predictor flow.
Let l_pos := degree_pos flow.
Let subgrad := flow_subgradient flow.
Notation G := (smoothed_margin k Phi v).
Notation R2 := (adapted_norm2 v beta).
Notation energy := (energy beta u).
Notation loss_at := (loss_at k Phi v).
Notation nu := (weighted_margin k Phi).

(** A separated predictor has degree at least 1. *)
Lemma degree : 1 <= l.
Proof.
  apply Rnot_lt_le; intros Lt.
  destruct (origin_lipschitz predictor) as (r & K & r0 & K0 & B).
  destruct nonempty as [i].
  assert (N := norm_pos flow 0 ltac:(lra)); assert (g := G_pos flow 0 ltac:(lra)).
  assert (Q := q_ge_inv Phi k i (v 0)).
  change (inverse_loss k (total_loss k Phi (v 0))) with (G 0) in Q.
  set (n := norm (v 0)) in *; set (qi := margin_at Phi i (v 0)) in *.
  (* |q(s v)| = s^l q(v) <= K s n for small s *)
  set (s := exp (Rmin (ln (r / (2 * n))) ((ln (qi / (2 * K * n))) / (1 - l)))).
  assert (s0 : 0 < s) by apply exp_pos.
  assert (rn : 0 < r / (2 * n)) by (apply Rdiv_lt_0_compat; lra).
  assert (Kn : 0 < 2 * K * n) by (apply Rmult_lt_0_compat; lra).
  assert (qk : 0 < qi / (2 * K * n)) by (apply Rdiv_lt_0_compat; lra).
  assert (s1 : s <= r / (2 * n)).
  { rewrite <- (exp_ln (r / (2 * n))) by auto; apply exp_le, Rmin_l. }
  assert (s2 : (1 - l) * ln s <= ln (qi / (2 * K * n))).
  { unfold s; rewrite ln_exp.
    apply Rle_trans with ((1 - l) * ((ln (qi / (2 * K * n))) / (1 - l))).
    - apply Rmult_le_compat_l; [lra | apply Rmin_r].
    - right; field; lra. }
  assert (Z : norm (fun _ : J => 0) = 0) by now apply norm_0.
  assert (Ns : norm (fun j => s * v 0 j) = s * n)
    by (rewrite norm_scal, Rabs_pos_eq; [reflexivity | lra]).
  assert (C := B i (fun _ => 0) (fun j => s * v 0 j)).
  rewrite Z, Ns in C; rewrite (q_origin predictor i (fun _ => 0)) in C
    by (intros; reflexivity).
  rewrite (q_hom predictor) in C by auto; fold qi in C.
  replace (norm (sub (fun j => s * v 0 j) (fun _ => 0))) with (s * n) in C
    by (rewrite <- Ns; apply norm_ext; intros j; unfold sub; ring).
  assert (C' : s * n < r).
  { apply Rle_lt_trans with (r / (2 * n) * n); [apply Rmult_le_compat_r; lra |].
    replace (r / (2 * n) * n) with (r / 2) by (field; lra); lra. }
  specialize (C ltac:(lra) C'); rewrite Rminus_0_r in C.
  apply (Rle_trans _ _ _ (Rle_abs _)) in C.
  assert (E : exp ((1 - l) * ln s) * exp (l * ln s) = s).
  { rewrite <- exp_plus; replace ((1 - l) * ln s + l * ln s) with (ln s) by ring.
    now apply exp_ln. }
  assert (E2 : exp ((1 - l) * ln s) <= qi / (2 * K * n))
    by (rewrite <- (exp_ln (qi / (2 * K * n))) by auto; now apply exp_le).
  set (p := exp (l * ln s)) in *; assert (p0 : 0 < p) by apply exp_pos.
  assert (Up : s <= qi / (2 * K * n) * p)
    by (rewrite <- E; apply Rmult_le_compat_r; lra).
  assert (K * (s * n) <= p * qi / 2); [| nra].
  apply Rle_trans with (K * (qi / (2 * K * n) * p * n)).
  - apply Rmult_le_compat_l; [lra | apply Rmult_le_compat_r; lra].
  - right; field; split; lra.
Qed.

(** ln G and l ln |v| differ by a bounded amount. *)
Lemma norm_G : exists C, 0 <= C /\ forall t, 0 <= t ->
  Rabs (ln (norm (v t)) - / l * ln (G t)) <= C /\
  ln (R2 t) - 2 / l * ln (G t) <= C.
Proof.
  destruct (G_le_norm flow)
    as (c & Up).
  destruct (R2_bounds flow)
    as (m & M & m0 & M0 & RB).
  destruct (fluctuation flow) as (B & Bmax & AB & B0 & DB & Bd).
  assert (Mo := margin_monotone flow B AB DB).
  set (a0 := ln (G 0) - l / 2 * ln (R2 0)).
  set (c2 := Rabs a0 + l / 2 * Rabs Bmax + Rabs (ln m) * l + Rabs c).
  assert (il : 0 < / l) by now apply Rinv_0_lt_compat.
  exists (2 / l * c2); split.
  { unfold c2; apply Rmult_le_pos; [unfold Rdiv; lra |].
    generalize (Rabs_pos a0) (Rabs_pos Bmax) (Rabs_pos (ln m)) (Rabs_pos c); nra. }
  intros t T; specialize (Up t T); specialize (RB t T); specialize (Bd t T).
  specialize (Mo 0 t ltac:(lra)); rewrite B0 in Mo; fold a0 in Mo.
  assert (N := norm_pos flow t T); assert (g := G_pos flow t T).
  assert (lR : ln m + 2 * ln (norm (v t)) <= ln (R2 t)).
  { replace (2 * ln (norm (v t))) with (ln (norm (v t) ^ 2)) by (rewrite ln_pow; simpl;
      lra).
    rewrite <- ln_mult; [apply ln_le | auto | nra]; [| apply RB].
    apply Rmult_lt_0_compat; auto; nra. }
  assert (Bb : B t <= Rabs Bmax) by (generalize (Rle_abs Bmax); lra).
  assert (Bb' : l / 2 * B t <= l / 2 * Rabs Bmax) by (apply Rmult_le_compat_l; lra).
  assert (R1 : l / 2 * ln (R2 t) <= ln (G t) + Rabs a0 + l / 2 * Rabs Bmax).
  { generalize (Rle_abs (- a0)); rewrite Rabs_Ropp; lra. }
  assert (Pa := Rabs_pos a0); assert (Pc := Rabs_pos c).
  assert (Pm : 0 <= Rabs (ln m) * l) by (apply Rmult_le_pos; [apply Rabs_pos | lra]).
  assert (Pb : 0 <= l / 2 * Rabs Bmax) by (apply Rmult_le_pos; [lra | apply Rabs_pos]).
  assert (Mm : - Rabs (ln m) <= ln m)
    by (generalize (Rle_abs (- ln m)); rewrite Rabs_Ropp; lra).
  split.
  - apply Rabs_le; split.
    + apply Rmult_le_reg_l with l; auto.
      replace (l * - (2 / l * c2)) with (- 2 * c2) by (field; lra).
      replace (l * (ln (norm (v t)) - / l * ln (G t)))
        with (l * ln (norm (v t)) - ln (G t)) by (field; lra).
      generalize (Rle_abs c); unfold c2; lra.
    + apply Rmult_le_reg_l with l; auto.
      replace (l * (2 / l * c2)) with (2 * c2) by (field; lra).
      replace (l * (ln (norm (v t)) - / l * ln (G t)))
        with (l * ln (norm (v t)) - ln (G t)) by (field; lra).
      assert (l / 2 * (ln m + 2 * ln (norm (v t))) <= l / 2 * ln (R2 t))
        by (apply Rmult_le_compat_l; lra).
      unfold c2; nra.
  - apply Rmult_le_reg_l with (l / 2); [lra |].
    replace (l / 2 * (2 / l * c2)) with c2 by (field; lra).
    replace (l / 2 * (ln (R2 t) - 2 / l * ln (G t)))
      with (l / 2 * ln (R2 t) - ln (G t)) by (field; lra).
    unfold c2; lra.
Qed.

(** The slope psi of the loss is of the order of e^-G. *)
Lemma psi_order t : 0 <= t ->
  / 2 * exp (- G t) <= psi k (loss_at t) <= exp (- G t).
Proof.
  intros T; assert (Lp : 0 < loss_at t) by apply total_loss_pos.
  now destruct (below k _ Lp (loss_below flow t T)) as (_ & _ & P).
Qed.

(** From below G grows by Cauchy-Schwarz: (l G psi)^2 <= (l nu)^2 <= R2 energy. *)
Lemma growth_from_below C t : 0 <= t -> clarke (total_loss k Phi) (v t) (u t) ->
  ln (R2 t) - 2 / l * ln (G t) <= C ->
  exp ((2 - 2 / l) * ln (G t) - G t - (C + ln 2 + Rabs (2 * ln l))) <=
  energy t / psi k (loss_at t).
Proof.
  intros Tp Sg N2; assert (g := G_pos flow t Tp); assert (Rp := R2_pos flow t Tp).
  destruct (psi_order t Tp) as [P1 _].
  assert (p0 : 0 < psi k (loss_at t)) by apply psi_loss_pos.
  assert (Cs : (l * nu (v t)) ^ 2 <= R2 t * energy t) by now apply (schwarz flow).
  set (p := psi k (loss_at t)) in *; set (E := energy t) in *.
  assert (Gp0 : 0 < G t * p) by now apply Rmult_lt_0_compat.
  assert (Ng : G t * p <= nu (v t)) by now apply (weighted_margin_ge flow).
  apply Rle_trans with (exp (2 * ln l + 2 * ln (G t) + (- ln 2 - G t) - ln (R2 t))).
  { apply exp_le; assert (A := Rle_abs (- (2 * ln l))); rewrite Rabs_Ropp in A.
    replace ((2 - 2 / l) * ln (G t)) with (2 * ln (G t) - 2 / l * ln (G t)) by ring.
    lra. }
  replace (exp (2 * ln l + 2 * ln (G t) + (- ln 2 - G t) - ln (R2 t)))
    with (l ^ 2 * G t ^ 2 * (/ 2 * exp (- G t)) / R2 t).
  2: { replace (2 * ln l + 2 * ln (G t) + (- ln 2 - G t) - ln (R2 t)) with
         (ln (l ^ 2) + ln (G t ^ 2) + (- ln 2 + - G t) + - ln (R2 t))
         by (rewrite !ln_pow by auto; simpl; ring).
       rewrite !exp_plus, (exp_Ropp (ln (R2 t))), (exp_Ropp (ln 2)).
       rewrite !exp_ln by (try lra; apply pow_lt; lra).
       unfold Rdiv; ring. }
  apply Rmult_le_reg_r with (R2 t * p); [now apply Rmult_lt_0_compat |].
  replace (E / p * (R2 t * p)) with (R2 t * E) by (field; lra).
  apply Rle_trans with (2 := Cs).
  replace (l ^ 2 * G t ^ 2 * (/ 2 * exp (- G t)) / R2 t * (R2 t * p))
    with (l ^ 2 * (G t ^ 2 * (/ 2 * exp (- G t)) * p)) by (field; lra).
  rewrite Rpow_mult_distr; apply Rmult_le_compat_l; [apply pow2_ge_0 |].
  apply Rle_trans with ((G t * p) ^ 2); [| apply pow_incr; lra].
  replace ((G t * p) ^ 2) with (G t ^ 2 * p * p) by ring.
  apply Rmult_le_compat_r; [lra |]; apply Rmult_le_compat_l;
    [apply pow2_ge_0 | exact P1].
Qed.

(** From above by the bound for the subgradients: energy <= M |u|^2. *)
Lemma energy_from_above cu M t : 0 <= t -> 0 < M -> (forall j, beta t j <= M) ->
  norm (u t) <= exp (cu + (l - 1) * ln (norm (v t))) * total_slope k Phi (v t) ->
  energy t / psi k (loss_at t) <=
  M * exp (cu + (l - 1) * ln (norm (v t))) ^ 2 * Sum (fun _ : D => 1) ^ 2 *
    exp (- G t).
Proof.
  intros Tp M0 Bb Ub; destruct (psi_order t Tp) as [_ P2].
  assert (p0 : 0 < psi k (loss_at t)) by apply psi_loss_pos.
  set (p := psi k (loss_at t)) in *; set (n := Sum (fun _ : D => 1)).
  set (Kv := exp (cu + (l - 1) * ln (norm (v t)))) in *.
  assert (K0 : 0 < Kv) by apply exp_pos.
  assert (Sl : total_slope k Phi (v t) <= n * p) by apply slope_le.
  assert (Eb : energy t <= M * norm (u t) ^ 2).
  { rewrite norm_sqr, <- Sum_scal; apply Sum_le; intros j.
    apply Rmult_le_compat_r; [apply pow2_ge_0 | apply Bb]. }
  assert (U2 : norm (u t) ^ 2 <= (Kv * (n * p)) ^ 2).
  { apply pow_incr; split; [apply norm_nonneg |].
    apply Rle_trans with (1 := Ub), Rmult_le_compat_l; lra. }
  apply Rmult_le_reg_r with p; auto.
  replace (energy t / p * p) with (energy t) by (field; lra).
  apply Rle_trans with (1 := Eb).
  apply Rle_trans with (M * (Kv * (n * p)) ^ 2); [apply Rmult_le_compat_l; lra |].
  replace (M * (Kv * (n * p)) ^ 2) with (M * Kv ^ 2 * n ^ 2 * p * p) by ring.
  apply Rmult_le_compat_r; [lra |]; apply Rmult_le_compat_l; auto.
  apply Rmult_le_pos; [apply Rmult_le_pos; [lra |] |]; apply pow2_ge_0.
Qed.

(** In that bound |v| may be replaced by G^(1/l). *)
Lemma bound_in_G C cu M n t : 0 < M -> 0 < n ->
  Rabs (ln (norm (v t)) - / l * ln (G t)) <= C ->
  M * exp (cu + (l - 1) * ln (norm (v t))) ^ 2 * n ^ 2 * exp (- G t) <=
  exp ((2 - 2 / l) * ln (G t) - G t +
    (Rabs (ln M + 2 * cu + 2 * ln n) + 2 * Rabs (l - 1) * C)).
Proof.
  intros M0 n0 N1; set (c := cu + (l - 1) * ln (norm (v t))).
  replace (M * exp c ^ 2 * n ^ 2 * exp (- G t)) with
    (exp (ln M + (c + c) + (ln n + ln n) + - G t))
    by (rewrite !exp_plus, !exp_ln by auto; ring).
  apply exp_le; unfold c.
  assert (A : (l - 1) * (ln (norm (v t)) - / l * ln (G t)) <= Rabs (l - 1) * C).
  { eapply Rle_trans; [apply Rle_abs |]; rewrite Rabs_mult.
    apply Rmult_le_compat_l; [apply Rabs_pos | exact N1]. }
  replace ((2 - 2 / l) * ln (G t)) with (2 * (l - 1) * (/ l * ln (G t)))
    by (field; lra).
  generalize (Rle_abs (ln M + 2 * cu + 2 * ln n)); lra.
Qed.

(** The differential inequality for G. *)
Lemma G_ode : exists c, 0 <= c /\ ae (fun t => exists d, is_derive G t d /\
  exp ((2 - 2 / l) * ln (G t) - G t - c) <= d <=
  exp ((2 - 2 / l) * ln (G t) - G t + c)).
Proof.
  destruct norm_G as (C & C0 & NG).
  destruct (subgradient_bound predictor k) as (cu & Ub).
  destruct (beta_bounds flow) as (m & M & m0 & M0 & Bb).
  set (n := Sum (fun _ : D => 1)); assert (n0 : 0 < n).
  { destruct nonempty as [i]; apply Rlt_le_trans with 1; [lra |].
    apply (Sum_ge_term (fun _ : D => 1) i); intros; lra. }
  set (c1 := C + ln 2 + Rabs (2 * ln l)).
  set (c2 := Rabs (ln M + 2 * cu + 2 * ln n) + 2 * Rabs (l - 1) * C).
  assert (l2 : 0 < ln 2) by (rewrite <- ln_1; apply ln_increasing; lra).
  assert (Pl := Rabs_pos (2 * ln l)).
  assert (Pc2 : 0 <= c2).
  { unfold c2; apply Rplus_le_le_0_compat; [apply Rabs_pos |].
    apply Rmult_le_pos; auto; generalize (Rabs_pos (l - 1)); lra. }
  exists (c1 + c2); split; [unfold c1; lra |].
  generalize (ae_and _ _ (G_derive flow) subgrad); apply ae_imp.
  intros t T [Dt Sg]; assert (Tp := Rlt_le _ _ T); eexists; split; [exact Dt |].
  destruct (NG t Tp) as [N1 N2]; split.
  - apply Rle_trans with (2 := growth_from_below C t Tp Sg N2); fold c1.
    apply exp_le; lra.
  - assert (Up := energy_from_above cu M t Tp M0 (fun j => proj2 (Bb t j Tp))
      (Ub _ _ (norm_pos flow t Tp) Sg)); fold n in Up.
    apply Rle_trans with (1 := Up).
    apply Rle_trans with (1 := bound_in_G C cu M n t M0 n0 N1); fold c2.
    apply exp_le; unfold c1; lra.
Qed.

(** Theorem 4's rates. *)
Theorem rates :
  Theta (fun t => total_loss k Phi (v t)) (fun t => / (t * Rpower (ln t) (2 - 2 / l)))
    /\
  Theta (fun t => norm (v t)) (fun t => Rpower (ln t) (/ l)).
Proof.
  destruct G_ode as (c & c0 & Ode); assert (Dg := degree).
  assert (a0 : 0 <= 2 - 2 / l).
  { assert (/ l <= 1) by (rewrite <- Rinv_1; apply Rinv_le_contravar; lra).
    unfold Rdiv; lra. }
  destruct (log_growth G (2 - 2 / l) c (G 0) a0 (G_pos flow 0 ltac:(lra)))
    as (C & T & C0 & T1 & B); auto.
  { intros t Ht; apply (G_ge flow); auto. }
  { apply (arc_G flow); auto. }
  destruct norm_G as (C' & C0' & NG).
  assert (e1 : 0 < exp 1) by apply exp_pos.
  split.
  - exists (/ 2 * exp (- C)), (exp C), T.
    split; [apply Rmult_lt_0_compat; [lra | apply exp_pos] |]; split; [apply exp_pos |].
    intros t Ht; destruct (B t Ht) as (G1 & _ & Gt); apply Rabs_le_between in Gt.
    assert (tp : 0 < t) by lra; assert (Tp := Rlt_le _ _ tp).
    assert (Lb : loss_at t < ell k 0)
      by (apply (loss_below flow); auto).
    assert (Lp : 0 < loss_at t) by apply total_loss_pos.
    destruct (below k _ Lp Lb) as (_ & [P1 P2] & _).
    change (inverse_loss k (loss_at t)) with (G t) in P1, P2.
    change (total_loss k Phi (v t)) with (loss_at t).
    set (F := ln t + (2 - 2 / l) * ln (ln t)) in *.
    replace (/ (t * Rpower (ln t) (2 - 2 / l))) with (exp (- F)).
    2: { unfold F, Rpower; rewrite exp_Ropp, exp_plus, exp_ln by auto; reflexivity. }
    split.
    + apply Rle_trans with (2 := P1); rewrite Rmult_assoc; apply Rmult_le_compat_l;
        [lra |].
      rewrite <- exp_plus; apply exp_le; unfold F; lra.
    + apply Rle_trans with (1 := P2); rewrite <- exp_plus; apply exp_le; unfold F; lra.
  - exists (exp (- (C' + / l * C))), (exp (C' + / l * C)), T.
    split; [apply exp_pos |]; split; [apply exp_pos |].
    intros t Ht; destruct (B t Ht) as (G1 & Gl & _); apply Rabs_le_between in Gl.
    assert (tp : 0 <= t) by lra; destruct (NG t tp) as [N1 _].
    apply Rabs_le_between in N1; assert (N := norm_pos flow t tp).
    assert (il : 0 < / l) by now apply Rinv_0_lt_compat.
    assert (A1 : / l * (ln (G t) - ln (ln t)) <= / l * C)
      by (apply Rmult_le_compat_l; lra).
    assert (A2 : / l * - C <= / l * (ln (G t) - ln (ln t)))
      by (apply Rmult_le_compat_l; lra).
    unfold Rpower; rewrite <- (exp_ln (norm (v t))) by auto; rewrite <- !exp_plus.
    split; apply exp_le; lra.
Qed.

End Rates.
