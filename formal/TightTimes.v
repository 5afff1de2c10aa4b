(** * Late times at which the margin argument is nearly tight *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Compactness Rates.
Import ListNotations.
Open Scope R_scope.

Lemma sqr_le_abs x c : 0 <= c -> x ^ 2 <= c ^ 2 -> Rabs x <= c.
Proof.
  intros C L; rewrite <- pow2_abs in L; assert (P := Rabs_pos x).
  apply Rnot_lt_le; intros N; nra.
Qed.

Lemma ln_sqr z : 0 < z -> ln (z ^ 2) = 2 * ln z.
Proof. intros Z; rewrite ln_pow by auto; simpl; ring. Qed.

(** The factor that brings the smoothed margin to 1: G^(-1/l). *)
Definition margin_scale {J D X} `{FiniteType J} `{Dataset D X}
    (k : joint_loss D) (Phi : vec J -> X -> R) (l : R) (v : R -> vec J) (t : R) : R :=
  exp (- (/ l) * ln (smoothed_margin k Phi v t)).

Section TightTimes.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Context {k : joint_loss D} {Phi : vec J -> X -> R} {l : R} {v beta u : R -> vec J}.
Hypothesis flow : separated_flow k Phi l v beta u.
Let l_pos := degree_pos flow.
Let arc_v := flow_arc flow.
Let beta_pos := adapter_pos flow.
Let equation := flow_equation flow.
Notation G := (smoothed_margin k Phi v).
Notation R2 := (adapted_norm2 v beta).
Notation energy := (energy beta u).
Notation loss_at := (loss_at k Phi v).
Notation lb := (log_adapter beta).
Notation nu := (weighted_margin k Phi).

Notation ps t := (psi k (loss_at t)).
Notation a := (margin_scale k Phi l v).
Notation b t := (Sum (fun j => Rabs (Derive (lb j) t))).

(** The margin's scale makes the adapted norm of v bounded, and its norm bounded both
    ways. *)
Lemma margin_scale_R2 C t : 0 <= t -> ln (R2 t) - 2 / l * ln (G t) <= C ->
  a t ^ 2 * R2 t <= exp C.
Proof.
  intros T B; replace (a t ^ 2) with (exp (- (2 / l) * ln (G t))).
  - rewrite <- (exp_ln (R2 t)) by now apply (R2_pos flow).
    rewrite <- exp_plus; apply exp_le; lra.
  - replace (a t ^ 2) with (a t * a t) by ring; unfold margin_scale.
    rewrite <- exp_plus; f_equal; field; lra.
Qed.

Lemma margin_scale_norm C t : 0 <= t ->
  Rabs (ln (norm (v t)) - / l * ln (G t)) <= C ->
  exp (- C) <= a t * norm (v t) <= exp C.
Proof.
  intros T B; apply Rabs_le_between in B; assert (N := norm_pos flow t T).
  unfold margin_scale; rewrite <- (exp_ln (norm (v t))), <- exp_plus by exact N.
  split; apply exp_le; lra.
Qed.

(** The smoothed margin with the fluctuations of log beta added. *)
Let F (B : R -> R) t := ln (G t) - l / 2 * ln (R2 t) + l / 2 * B t.

Lemma margin_converges : exists B : R -> R, arc B /\
  ae (fun t => is_derive B t (b t)) /\
  (forall s t, 0 <= s <= t -> F B s <= F B t) /\
  (exists z : R, is_lim B p_infty z) /\ exists z : R, is_lim (F B) p_infty z.
Proof.
  destruct (norm_G flow) as (C & C0 & NG).
  destruct (R2_bounds flow) as (m & M & m0 & M0 & RB).
  destruct (fluctuation flow) as (B & Bmax & AB & B0 & DB & Bd).
  assert (Mo := margin_monotone flow B AB DB).
  exists B; split; [exact AB | split; [exact DB | split; [exact Mo | split]]].
  { apply (monotone_limit B Bmax); [| intros t T; now apply Bd].
    apply arc_monotone; auto; revert DB; apply ae_imp; intros t _ Dt.
    eexists; split; [exact Dt |]; apply Sum_nonneg; intros; apply Rabs_pos. }
  apply (monotone_limit (F B) (l * C - l / 2 * ln m + l / 2 * Bmax)); [exact Mo |].
  intros t T; destruct (NG t T) as [N1 _]; destruct (RB t T) as [L _].
  assert (N := norm_pos flow t T); apply Rabs_le_between in N1; specialize (Bd t T).
  assert (lR : ln m + 2 * ln (norm (v t)) <= ln (R2 t)).
  { rewrite <- ln_sqr, <- ln_mult by (auto; nra).
    apply ln_le; auto; apply Rmult_lt_0_compat; auto; nra. }
  assert (l1 : l * - C <= l * (ln (norm (v t)) - / l * ln (G t)))
    by (apply Rmult_le_compat_l; lra).
  replace (l * (ln (norm (v t)) - / l * ln (G t)))
    with (l * ln (norm (v t)) - ln (G t)) in l1 by (field; lra).
  assert (l2 : l / 2 * (ln m + 2 * ln (norm (v t))) <= l / 2 * ln (R2 t))
    by (apply Rmult_le_compat_l; lra).
  assert (l3 : l / 2 * B t <= l / 2 * Bmax) by (apply Rmult_le_compat_l; lra).
  unfold F; lra.
Qed.

(* statement: tight time *)
(** A time at which Cauchy-Schwarz and nu >= G psi are equalities up to 1 + e. *)
Definition tight_time (e t : R) : Prop :=
  clarke (total_loss k Phi) (v t) (u t) /\
  energy t * R2 t <= (1 + e) * (l * nu (v t)) ^ 2 /\
  nu (v t) <= (1 + e) * (G t * ps t).
(* end statement *)

(** At any other time log G grows faster than the margin argument needs. *)
Lemma loose_growth e s : 0 < e -> 0 <= s -> clarke (total_loss k Phi) (v s) (u s) ->
  ~ tight_time e s ->
  (1 + e) * (l * (l * nu (v s))) / R2 s <= energy s / ps s / G s.
Proof.
  intros e0 Sp Sg Loose.
  assert (Cs : (l * nu (v s)) ^ 2 <= R2 s * energy s) by now apply (schwarz flow).
  assert (Gs := G_pos flow s Sp); assert (Rs := R2_pos flow s Sp).
  assert (Ns := weighted_margin_pos flow s Sp).
  assert (Ng := weighted_margin_ge flow s Sp).
  assert (P0 : 0 < ps s) by apply psi_loss_pos.
  unfold tight_time in Loose.
  set (E := energy s) in *; set (N := nu (v s)) in *; set (p := ps s) in *.
  assert (Gpp : 0 < G s * p) by (apply Rmult_lt_0_compat; auto).
  assert (lN : 0 < (l * N) ^ 2) by (apply pow_lt, Rmult_lt_0_compat; auto).
  apply Rmult_le_reg_r with (R2 s * (G s * p)); [now apply Rmult_lt_0_compat |].
  replace ((1 + e) * (l * (l * N)) / R2 s * (R2 s * (G s * p))) with
    ((1 + e) * (l * (l * N)) * (G s * p)) by (field; lra).
  replace (E / p / G s * (R2 s * (G s * p))) with (E * R2 s) by (field; lra).
  destruct (Rle_lt_dec (E * R2 s) ((1 + e) * (l * N) ^ 2)) as [C1 | C1].
  - destruct (Rle_lt_dec N ((1 + e) * (G s * p))) as [C2 | C2].
    + exfalso; apply Loose; auto.
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
    apply Rmult_lt_0_compat; auto; nra.
Qed.

(** Without a tight time the margin takes a share of the growth of log G. *)
Lemma loose_margin_rises e B t1 t2 : 0 < e -> 0 <= t1 <= t2 ->
  arc B -> ae (fun t => is_derive B t (b t)) ->
  (forall t, t1 < t < t2 -> ~ tight_time e t) ->
  e / (1 + e) * (ln (G t2) - ln (G t1)) <= F B t2 - F B t1.
Proof.
  intros e0 T AB DB Loose; set (c := e / (1 + e)).
  set (H' t := (1 - c) * ln (G t) + (- (l / 2) * ln (R2 t) + l / 2 * B t)).
  assert (Q : H' t1 + 0 * (t2 - t1) <= H' t2); [| unfold H' in Q; unfold F; lra].
  apply arc_rises_ae; auto.
  - apply arc_plus.
    { apply arc_scal, arc_ln_pos; [apply (arc_G flow) | apply (G_pos flow)]. }
    apply arc_plus; apply arc_scal; auto.
    apply arc_ln_pos; [apply (arc_R2 flow) | apply (R2_pos flow)].
  - generalize (ae_and _ _ (log_derive flow) DB); apply ae_imp.
    intros s S [(Sg & DG & dr & DR & Br) Db] I; assert (Sp := Rlt_le _ _ S).
    exists ((1 - c) * (energy s / ps s / G s) + (- (l / 2) * dr + l / 2 * b s)); split.
    { apply (is_derive_plus (V := R_NormedModule) (fun t => (1 - c) * ln (G t))
        (fun t => - (l / 2) * ln (R2 t) + l / 2 * B t)).
      - now apply (is_derive_scal (fun t => ln (G t))).
      - apply (is_derive_plus (V := R_NormedModule)
          (fun t => - (l / 2) * ln (R2 t)) (fun t => l / 2 * B t)).
        + now apply (is_derive_scal (fun t => ln (R2 t))).
        + now apply (is_derive_scal B). }
    assert (Q := loose_growth e s e0 Sp Sg (Loose s I)).
    assert (Rs := R2_pos flow s Sp); set (D' := energy s / ps s / G s) in *.
    assert (C1 : 0 < 1 - c /\ (1 - c) * (1 + e) = 1).
    { unfold c; split; [| field; lra].
      replace (1 - e / (1 + e)) with (/ (1 + e)) by (field; lra).
      apply Rinv_0_lt_compat; lra. }
    apply Rmult_le_compat_l with (r := 1 - c) in Q; [| lra].
    replace ((1 - c) * ((1 + e) * (l * (l * nu (v s))) / R2 s)) with
      ((1 - c) * (1 + e) * (l / 2 * (2 * l * nu (v s) / R2 s))) in Q by (field; lra).
    rewrite (proj2 C1) in Q.
    assert (Dr : l / 2 * dr <= l / 2 * (2 * l * nu (v s) / R2 s + b s))
      by (apply Rmult_le_compat_l; lra).
    lra.
Qed.

(** G tends to infinity. *)
Lemma G_unbounded : forall X, 0 < X -> exists T, 0 <= T /\ forall t, T <= t -> X <= G t.
Proof.
  destruct (G_ode flow) as (c & c0 & Ode); assert (Dg := degree flow).
  apply (solution_reaches G (2 - 2 / l) c (G 0)); auto.
  - assert (/ l <= 1) by (rewrite <- Rinv_1; apply Rinv_le_contravar; lra).
    unfold Rdiv; lra.
  - apply (G_pos flow); lra.
  - intros t T; now apply (G_ge flow).
  - apply (arc_G flow).
Qed.

(** log G is continuous, and so takes a value between c + d / 2 and c + d. *)
Lemma log_G_passes t1 d : 0 <= t1 -> 0 < d ->
  exists t, t1 < t /\ ln (G t1) + d / 2 < ln (G t) <= ln (G t1) + d.
Proof.
  intros T d0; set (c := ln (G t1)).
  destruct (G_unbounded (exp (c + d))) as (T2 & T20 & Far); [apply exp_pos |].
  assert (Mo : forall s t, 0 <= s <= t -> ln (G s) <= ln (G t)).
  { intros s t I; apply ln_le; [apply (G_pos flow); lra |].
    destruct (G_ode flow) as (c' & _ & Ode).
    apply (arc_monotone G); [apply (arc_G flow) | | exact I].
    revert Ode; apply ae_imp; intros x _ (dx & Dx & Lx & _); exists dx; split; auto.
    apply Rle_trans with (2 := Lx); left; apply exp_pos. }
  set (S s := t1 <= s /\ ln (G s) <= c + d / 2).
  assert (Up : forall s, S s -> s <= T2).
  { intros s [S1 S2]; apply Rnot_lt_le; intros L.
    assert (Fr := Far s (Rlt_le _ _ L)); apply ln_le in Fr; [| apply exp_pos].
    rewrite ln_exp in Fr; lra. }
  destruct (completeness S) as [t2 [Ub Least]]; [now exists T2 | exists t1; split;
    unfold c; lra |].
  assert (t12 : t1 <= t2) by (apply Ub; split; unfold c; lra).
  destruct (AC_close (fun t => ln (G t)) 0 (t2 + 1)
    (arc_ln_pos G (arc_G flow) (G_pos flow) (t2 + 1) ltac:(lra)) (d / 4))
    as (r & r0 & Near);
      [lra |].
  set (r' := Rmin (r / 2) 1); assert (R' : 0 < r' /\ r' < r /\ r' <= 1)
    by (unfold r'; minmax; lra).
  exists (t2 + r' / 2); split; [lra |].
  assert (Out : ln (G (t2 + r' / 2)) > c + d / 2).
  { apply Rnot_le_gt; intros In; assert (t2 + r' / 2 <= t2); [| lra].
    apply Ub; split; lra. }
  split; [lra |].
  assert (Ex : exists s, S s /\ t2 - r' / 4 < s).
  { apply NNPP; intros No; assert (t2 <= t2 - r' / 4); [| lra].
    apply Least; intros s Hs; apply Rnot_lt_le; intros L; apply No; now exists s. }
  destruct Ex as (s & [S1 S2] & Cl); assert (s2 : s <= t2) by (apply Ub; split; auto).
  assert (B := Near s (t2 + r' / 2) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra)).
  apply Rabs_lt_between in B; lra.
Qed.

(** Tight times come again and again, before log G has grown by d. *)
Lemma tight_times_near e d : 0 < e -> 0 < d -> exists T, 0 <= T /\
  forall t1, T <= t1 -> exists t, t1 < t /\ tight_time e t /\ ln (G t) <= ln (G t1) + d.
Proof.
  intros e0 d0; destruct margin_converges as (B & AB & DB & Mo & _ & z & Lim).
  set (c := e / (1 + e)); assert (c0 : 0 < c) by (apply Rdiv_lt_0_compat; lra).
  assert (cd : 0 < c * (d / 2)) by (apply Rmult_lt_0_compat; lra).
  apply is_lim_spec in Lim.
  destruct (Lim (mkposreal (c * (d / 2) / 2) ltac:(lra))) as [T HT]; simpl in HT.
  exists (Rmax T 0 + 1); assert (R1 := Rmax_l T 0); assert (R0 := Rmax_r T 0).
  split; [lra |]; intros t1 Ht1; apply NNPP; intros No.
  destruct (log_G_passes t1 d) as (t2 & L2 & Lo & Hi); [lra | auto |].
  assert (Loose : forall t, t1 < t < t2 -> ~ tight_time e t).
  { intros t It Ti; apply No; exists t; split; [lra | split; [exact Ti |]].
    apply Rle_trans with (2 := Hi), ln_le; [apply (G_pos flow); lra |].
    destruct (G_ode flow) as (c' & _ & Ode).
    apply (arc_monotone G); [apply (arc_G flow) | | lra].
    revert Ode; apply ae_imp; intros x _ (dx & Dx & Lx & _); exists dx; split; auto.
    apply Rle_trans with (2 := Lx); left; apply exp_pos. }
  assert (Rise := loose_margin_rises e B t1 t2 e0 ltac:(lra) AB DB Loose);
    fold c in Rise.
  assert (A1 := HT t1 ltac:(lra)); assert (A2 := HT t2 ltac:(lra)).
  apply Rabs_lt_between in A1; apply Rabs_lt_between in A2.
  assert (c * (d / 2) < c * (ln (G t2) - ln (G t1))) by (apply Rmult_lt_compat_l; lra).
  lra.
Qed.

(** Where e is small for all late t, it is small near tight times. *)
Lemma eventually_often (P : R -> Prop) : (exists T, forall t, T < t -> P t) ->
  exists d, 0 < d /\ forall T, exists t1, T <= t1 /\
    forall t, t1 <= t -> ln (G t) <= ln (G t1) + d -> P t.
Proof.
  intros [T HT]; exists 1; split; [lra |]; intros T'; exists (Rmax T (T') + 1).
  assert (A := Rmax_l T T'); assert (A' := Rmax_r T T'); split; [lra |].
  intros t Ht _; apply HT; lra.
Qed.

(** Where ln G grows at the rate d and v_j at the rate e, a v_j moves at this one. *)
Lemma scaled_point_derive j t d e :
  is_derive (fun t => ln (G t)) t d -> is_derive (fun s => v s j) t e ->
  is_derive (fun t => a t * v t j) t (a t * (- (/ l) * d) * v t j + a t * e).
Proof.
  intros DG Dv; apply (is_derive_mult a (fun t => v t j));
    [| exact Dv | intros; apply Rmult_comm].
  replace (a t * (- / l * d)) with (- / l * d * exp (- / l * ln (G t)))
    by (unfold margin_scale; ring).
  apply (is_derive_comp exp (fun t => - / l * ln (G t))); [apply is_derive_exp |].
  now apply (is_derive_scal (fun t => ln (G t))).
Qed.

(** By Cauchy-Schwarz a beta u is at most a multiple of the growth of ln G. *)
Lemma scaled_velocity_sqr C M j t : 0 <= t -> 0 < M ->
  ln (R2 t) - 2 / l * ln (G t) <= C -> (forall i, beta t i <= M) ->
  clarke (total_loss k Phi) (v t) (u t) ->
  (a t * (beta t j * u t j)) ^ 2 <=
  (sqrt (M * exp C) / l * (energy t / ps t / G t)) ^ 2.
Proof.
  intros tp M0 N2 Bb Sg; set (E0 := exp C); assert (E00 : 0 < E0) by apply exp_pos.
  assert (aR : a t ^ 2 * R2 t <= E0) by now apply margin_scale_R2.
  assert (g := G_pos flow t tp).
  assert (P0 : 0 < ps t) by apply psi_loss_pos.
  assert (En : 0 <= energy t) by now apply (energy_nonneg flow).
  assert (Cs : (l * nu (v t)) ^ 2 <= R2 t * energy t) by now apply (schwarz flow).
  assert (Ng := weighted_margin_ge flow t tp).
  set (E := energy t) in *; set (p := ps t) in *.
  assert (Gpp : 0 < G t * p) by now apply Rmult_lt_0_compat.
  assert (Uj : (beta t j * u t j) ^ 2 <= M * E).
  { replace ((beta t j * u t j) ^ 2) with (beta t j * (beta t j * u t j ^ 2)) by ring.
    assert (bp := beta_pos t j tp); apply Rmult_le_compat; try lra; auto.
    - apply Rmult_le_pos; [lra | apply pow2_ge_0].
    - apply (Sum_ge_term (fun j => beta t j * u t j ^ 2)); intros i.
      apply Rmult_le_pos; [left; now apply beta_pos | apply pow2_ge_0]. }
  assert (Lo : a t ^ 2 * (l * (G t * p)) ^ 2 <= E0 * E).
  { apply Rle_trans with (a t ^ 2 * (R2 t * E)).
    - apply Rmult_le_compat_l; [apply pow2_ge_0 |].
      apply Rle_trans with (2 := Cs), pow_incr; split.
      + apply Rmult_le_pos; lra.
      + apply Rmult_le_compat_l; lra.
    - rewrite <- Rmult_assoc; apply Rmult_le_compat_r; auto. }
  replace ((sqrt (M * E0) / l * (E / p / G t)) ^ 2) with
    (M * E0 * E ^ 2 / (l * (G t * p)) ^ 2).
  2: { rewrite <- (pow2_sqrt (M * E0)) at 1 by (apply Rmult_le_pos; lra).
       field; repeat split; lra. }
  apply Rmult_le_reg_r with ((l * (G t * p)) ^ 2).
  { apply pow_lt, Rmult_lt_0_compat; auto. }
  replace (M * E0 * E ^ 2 / (l * (G t * p)) ^ 2 * (l * (G t * p)) ^ 2)
    with (M * E * (E0 * E)) by (field; lra).
  replace ((a t * (beta t j * u t j)) ^ 2 * (l * (G t * p)) ^ 2) with
    ((beta t j * u t j) ^ 2 * (a t ^ 2 * (l * (G t * p)) ^ 2)) by ring.
  apply Rmult_le_compat; auto; [apply pow2_ge_0 |].
  apply Rmult_le_pos; apply pow2_ge_0.
Qed.

(** The scaled point v / G^(1/l) moves at a bounded rate per unit of log G. *)
Lemma scaled_point_speed : exists K, 0 <= K /\ forall j t1 t, 0 <= t1 <= t ->
  Rabs (a t * v t j - a t1 * v t1 j) <= K * (ln (G t) - ln (G t1)).
Proof.
  destruct (norm_G flow) as (C & C0 & NG).
  destruct (beta_bounds flow) as (m & M & m0 & M0 & Bb).
  set (E0 := exp C); assert (E00 : 0 < E0) by apply exp_pos.
  set (K1 := sqrt (M * E0) / l).
  assert (K10 : 0 <= K1) by (apply Rdiv_le_0_compat; [apply sqrt_pos | auto]).
  assert (il : 0 < / l) by now apply Rinv_0_lt_compat.
  assert (K20 : 0 <= / l * E0) by (apply Rmult_le_pos; lra).
  exists (K1 + / l * E0); split; [lra |]; intros j t1 t2 I.
  assert (Aln : arc (fun t => ln (G t)))
    by (apply arc_ln_pos; [apply (arc_G flow) | exact (G_pos flow)]).
  assert (Side : forall s, s = 1 \/ s = -1 ->
    (K1 + / l * E0) * ln (G t1) + s * (a t1 * v t1 j) <=
    (K1 + / l * E0) * ln (G t2) + s * (a t2 * v t2 j)).
  2: { assert (S1 := Side 1 ltac:(lra)); assert (S2 := Side (-1) ltac:(lra)).
       apply Rabs_le; lra. }
  intros s Hs.
  apply (arc_monotone (fun t => (K1 + / l * E0) * ln (G t) + s * (a t * v t j)));
    [| | exact I].
  { apply arc_plus; apply arc_scal; auto; apply arc_mult; [| exact (arc_v j)].
    unfold margin_scale; now apply arc_exp, arc_scal. }
  generalize (ae_and _ _ (log_derive flow) equation); apply ae_imp.
  intros t T [(Sg & DG & _) Fl]; assert (tp := Rlt_le _ _ T); specialize (Fl j).
  destruct (NG t tp) as [N1 N2].
  assert (D0 : 0 <= energy t / ps t / G t).
  { repeat apply Rdiv_le_0_compat;
      [now apply (energy_nonneg flow) | apply psi_loss_pos | now apply (G_pos flow)]. }
  assert (au : Rabs (a t * (beta t j * u t j)) <= K1 * (energy t / ps t / G t)).
  { assert (Sq := scaled_velocity_sqr C M j t tp M0 N2 (fun i => proj2 (Bb t i tp)) Sg).
    fold E0 in Sq; fold K1 in Sq; apply sqr_le_abs in Sq; [exact Sq |].
    now apply Rmult_le_pos. }
  set (D' := energy t / ps t / G t) in *.
  exists ((K1 + / l * E0) * D' +
    s * (a t * (- (/ l) * D') * v t j + a t * (- beta t j * u t j))); split.
  { apply (is_derive_plus (V := R_NormedModule) (fun t => (K1 + / l * E0) * ln (G t))
      (fun t => s * (a t * v t j))).
    - now apply (is_derive_scal (fun t => ln (G t))).
    - apply (is_derive_scal (fun t => a t * v t j)); now apply scaled_point_derive. }
  assert (av : Rabs (a t * v t j) <= E0).
  { assert (a0 : 0 < a t) by apply exp_pos.
    rewrite Rabs_mult, (Rabs_pos_eq (a t)) by lra.
    apply Rle_trans with (2 := proj2 (margin_scale_norm C t tp N1)).
    apply Rmult_le_compat_l; [lra | apply norm_ge_component]. }
  replace (s * (a t * (- / l * D') * v t j + a t * (- beta t j * u t j))) with
    (- (s * (a t * v t j) * (/ l * D')) - s * (a t * (beta t j * u t j))) by ring.
  assert (sa : s * (a t * v t j) <= E0).
  { apply Rabs_le_between in av; destruct Hs as [-> | ->]; lra. }
  assert (su : s * (a t * (beta t j * u t j)) <= K1 * D').
  { apply Rabs_le_between in au; destruct Hs as [-> | ->]; lra. }
  assert (lD : 0 <= / l * D') by (apply Rmult_le_pos; lra).
  assert (s * (a t * v t j) * (/ l * D') <= E0 * (/ l * D'))
    by (apply Rmult_le_compat_r; auto).
  lra.
Qed.

(** ** The normalized margin *)

Section Normalized.
Hypothesis beta_lim : forall j, is_lim (fun t => beta t j) p_infty 1.

(** Where beta is within e of 1, |v|^2 is within e R2 of R2. *)
Lemma norm_near_R2 e t : 0 <= t -> (forall j, Rabs (beta t j - 1) < e) ->
  Rabs (norm (v t) ^ 2 - R2 t) <= e * R2 t.
Proof.
  intros T Near.
  assert (S : forall s, s = 1 \/ s = -1 -> s * (norm (v t) ^ 2 - R2 t) <= e * R2 t).
  { intros s S; rewrite norm_sqr; unfold adapted_norm2.
    unfold Rminus; rewrite Rmult_plus_distr_l, <- Ropp_mult_distr_r, Ropp_mult_distr_l.
    rewrite <- !Sum_scal, <- Sum_plus; apply Sum_le; intros j.
    assert (I := inv_beta flow t j T); specialize (Near j); apply Rabs_def2 in Near.
    set (c := exp (- lb j t)) in *; assert (c0 : 0 < c) by apply exp_pos.
    assert (V := pow2_ge_0 (v t j)); assert (W : 0 <= c * v t j ^ 2) by nra.
    replace (s * v t j ^ 2 + - s * (c * v t j ^ 2)) with
      (s * (beta t j - 1) * (c * v t j ^ 2)).
    - apply Rmult_le_compat_r; auto; destruct S as [-> | ->]; lra.
    - transitivity (s * v t j ^ 2 * (c * beta t j) + - s * (c * v t j ^ 2));
        [ring | rewrite I; ring]. }
  apply Rabs_le; assert (S1 := S 1 ltac:(lra)); assert (S2 := S (-1) ltac:(lra)); lra.
Qed.

Lemma norm_R2_lim : is_lim (fun t => norm (v t) ^ 2 / R2 t) p_infty 1.
Proof.
  apply is_lim_spec; intros e; assert (e0 := cond_pos e).
  destruct (eventually_all (fun j t => Rabs (beta t j - 1) < e / 2)) as [T HT].
  { intros j; assert (Lb := beta_lim j); apply is_lim_spec in Lb.
    assert (e2 : 0 < e / 2) by lra.
    destruct (Lb (mkposreal (e / 2) e2)) as [T HT]; now exists T. }
  exists (Rmax T 0); intros t Ht.
  assert (tT : T < t /\ 0 < t) by (generalize (Rmax_l T 0) (Rmax_r T 0); lra).
  assert (tp : 0 <= t) by lra; assert (R0 := R2_pos flow t tp).
  assert (Up := norm_near_R2 (e / 2) t tp (fun j => HT j t (proj1 tT))).
  replace (norm (v t) ^ 2 / R2 t - 1) with ((norm (v t) ^ 2 - R2 t) / R2 t)
    by (field; lra).
  unfold Rdiv; rewrite Rabs_mult, (Rabs_pos_eq (/ R2 t))
    by (left; now apply Rinv_0_lt_compat).
  apply Rmult_lt_reg_r with (R2 t); auto; rewrite Rmult_assoc, Rinv_l by lra; nra.
Qed.

(** The normalized margin G / |v|^l converges to a positive number. *)
Theorem normalized_margin_converges :
  exists z : R, is_lim (fun t => ln (G t) - l * ln (norm (v t))) p_infty z.
Proof.
  destruct margin_converges as (B & _ & _ & _ & [zB LB] & zF & LF).
  assert (LR : is_lim (fun t => ln (norm (v t) ^ 2 / R2 t)) p_infty (ln 1)).
  { apply (is_lim_comp_continuous (fun t => norm (v t) ^ 2 / R2 t) ln);
      [exact norm_R2_lim |].
    apply (ex_derive_continuous ln); auto_derive; lra. }
  exists (zF + (- (l / 2) * zB + - (l / 2) * ln 1)).
  apply is_lim_ext_loc with
    (fun t => F B t + (- (l / 2) * B t + - (l / 2) * ln (norm (v t) ^ 2 / R2 t))).
  - exists 0; intros t Ht; assert (tp := Rlt_le _ _ Ht); unfold F.
    assert (N := norm_pos flow t tp); assert (R0 := R2_pos flow t tp).
    assert (E : ln (norm (v t) ^ 2 / R2 t) = 2 * ln (norm (v t)) - ln (R2 t)).
    { unfold Rdiv; rewrite ln_mult, ln_Rinv, ln_sqr;
        [ring | auto | auto | now apply pow_lt | now apply Rinv_0_lt_compat]. }
    rewrite E; field.
  - apply is_lim_plus'; [exact LF |]; apply is_lim_plus'.
    + exact (is_lim_scal_l B (- (l / 2)) p_infty zB LB).
    + exact (is_lim_scal_l _ (- (l / 2)) p_infty (ln 1) LR).
Qed.

End Normalized.
End TightTimes.
