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
    (k : loss) (Phi : vec J -> X -> R) : Prop :=
  forall v u, clarke (total_loss k Phi) v u -> exists h : D -> vec J,
    (forall i, clarke (margin_at Phi i) v (h i)) /\
    forall j, u j = Sum (fun i => ell' k (margin_at Phi i v) * h i j).

Definition closed_graph {J} `{FiniteType J} (f : vec J -> R) : Prop :=
  forall v u, (forall r, 0 < r -> exists v' u', clarke f v' u' /\
    (forall j, Rabs (v' j - v j) < r) /\ (forall j, Rabs (u' j - u j) < r)) ->
  clarke f v u.
(* end statement *)

Inductive kkt_index (J D : Type) := Weight (j : J) | Multiplier (i : D) | Subgradient
  (i : D) (j : J).
Arguments Weight {J D}. Arguments Multiplier {J D}. Arguments Subgradient {J D}.

Lemma sqr_le a c : 0 <= c -> a ^ 2 <= c ^ 2 -> a <= c.
Proof. intros C L; apply Rnot_lt_le; intros N; nra. Qed.

Lemma q_lipschitz {J D X} `{FiniteType J} `{Dataset D X} (Phi : vec J -> X -> R) :
  (forall i, locally_lipschitz (fun v => Phi v (x i))) ->
  forall i, locally_lipschitz (margin_at Phi i).
Proof.
  intros Lip i z; destruct (Lip i z) as (r & K & r0 & HK).
  exists r, (Rabs (y i) * K); split; auto; intros a b A B; unfold margin_at.
  rewrite <- Rmult_minus_distr_l, Rabs_mult, Rmult_assoc.
  apply Rmult_le_compat_l; [apply Rabs_pos | now apply HK].
Qed.

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
Notation q := (margin_at Phi).

Hypothesis sums : sum_rule k Phi.
Hypothesis closed : forall i, closed_graph (q i).
Hypothesis beta_lim : forall j, is_lim (fun t => beta t j) p_infty 1.
Variable extra : R -> vec J -> Prop.
Hypothesis extra_mono : forall e e' w, e <= e' -> extra e w -> extra e' w.
Hypothesis often : forall e, 0 < e -> exists d, 0 < d /\ forall T, exists t1, T <= t1 /\
  forall t, t1 <= t -> ln (G t) <= ln (G t1) + d ->
    extra e (fun j => exp (- (/ l) * ln (G t)) * v t j).

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
  intros i z h Z C; set (Kv := exp (c + (l - 1) * ln (norm z))).
  assert (K0 : 0 < Kv) by apply exp_pos.
  assert (Sup : forall d, inner h d <= Kv * norm d).
  { intros d; apply clarke_bounded with (q i) z; auto.
    intros E (vs & Ds & Gr & Cv & CD).
    apply (is_lim_seq_le_loc (fun n => inner (Ds n) d) (fun _ => Kv * norm d)
      (inner E d) (Kv * norm d)).
    2: { apply (inner_lim Ds (fun _ => d)); auto; intros j; apply is_lim_seq_const. }
    2: apply is_lim_seq_const.
    assert (Z2 : 0 < norm z / 2) by lra.
    destruct (converges_near vs z (norm z / 2) Z2 Cv) as [N HN]; exists N.
    intros n Hn; specialize (HN n Hn); specialize (Gr n).
    assert (Nz := norm_sub_le (vs n) z).
    apply derive_le with (fun s => q i (fun j => vs n j + s * d j));
      [now apply gradient_line |].
    set (nd := norm d); assert (nd0 : 0 <= nd) by apply norm_nonneg.
    assert (D1 : 0 < norm z / 2 / (nd + 1)) by (apply Rdiv_lt_0_compat; lra).
    exists (norm z / 2 / (nd + 1)); split; auto; intros s S.
    assert (S1 : s * nd <= norm z / 2).
    { destruct S as [s0 S]; apply Rmult_lt_compat_r with (r := nd + 1) in S; [| lra].
      unfold Rdiv at 1 in S; rewrite Rmult_assoc, Rinv_l in S by lra; nra. }
    set (zs := fun j => vs n j + s * d j).
    assert (Dz : norm (sub zs (vs n)) = s * nd).
    { transitivity (norm (fun j => s * d j)).
      - apply norm_ext; intros j; unfold sub, zs; ring.
      - rewrite norm_scal, Rabs_pos_eq; [reflexivity | lra]. }
    assert (Nzs := norm_sub_le zs (vs n)).
    replace (fun j => vs n j + 0 * d j) with (vs n)
      by (apply functional_extensionality; intros j; ring).
    assert (Q := B z Z i (vs n) zs ltac:(lra) ltac:(lra)); rewrite Dz in Q;
      fold Kv in Q.
    generalize (Rle_abs (q i zs - q i (vs n))); nra. }
  specialize (Sup h); assert (E : inner h h = norm h ^ 2).
  { rewrite norm_sqr; unfold inner; apply Sum_ext; intros; ring. }
  rewrite E in Sup; assert (P := norm_nonneg h).
  apply Rnot_lt_le; intros Nl; nra.
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

Lemma near_exists : exists M C, forall e, 0 < e -> exists y, near_kkt M C e y.
Proof.
  destruct (norm_G flow) as (C & C0 & NG).
  destruct (beta_bounds flow) as (m & Mb & m0 & Mb0 & Bb).
  destruct subgradient_q as (cq & Sq).
  set (E0 := exp C); assert (E00 : 0 < E0) by apply exp_pos.
  assert (E1 : 1 <= E0).
  { unfold E0; rewrite <- exp_0; destruct C0 as [C0 | <-]; [| lra].
    left; now apply exp_increasing. }
  set (Mh := exp (cq + Rabs (l - 1) * C)); assert (Mh0 : 0 < Mh) by apply exp_pos.
  assert (El : 0 < E0 / l) by now apply Rdiv_lt_0_compat.
  exists (E0 + E0 / l + Mh), C; intros e e0.
  set (S1 := sqrt (Mb * E0)); set (S2 := sqrt (2 * E0 / m)).
  assert (S10 : 0 <= S1) by apply sqrt_pos; assert (S20 : 0 <= S2) by apply sqrt_pos.
  set (C3 := S1 + S2 + 1); assert (C30 : 0 < C3) by (unfold C3; lra).
  set (r1 := Rmin 1 (Rmin (e / C3) (e / (E0 / l)))).
  assert (q1 : 0 < e / C3) by now apply Rdiv_lt_0_compat.
  assert (q2 : 0 < e / (E0 / l)) by now apply Rdiv_lt_0_compat.
  assert (r10 : 0 < r1 /\ r1 <= 1 /\ r1 <= e / C3 /\ r1 <= e / (E0 / l)).
  { unfold r1; generalize (Rmin_l 1 (Rmin (e / C3) (e / (E0 / l))))
      (Rmin_r 1 (Rmin (e / C3) (e / (E0 / l)))) (Rmin_l (e / C3) (e / (E0 / l)))
      (Rmin_r (e / C3) (e / (E0 / l))); intros; repeat split; try lra.
    apply Rmin_glb_lt; [lra | now apply Rmin_glb_lt]. }
  set (e1 := r1 ^ 2); assert (e10 : 0 < e1 /\ e1 <= r1) by (unfold e1; nra).
  destruct (eventually_all (fun j t => Rabs (beta t j - 1) < e1)) as [T1 HT1].
  { intros j; assert (L := beta_lim j); apply is_lim_spec in L.
    destruct (L (mkposreal e1 (proj1 e10))) as [T HT]; now exists T. }
  destruct (often e e0) as (d & d0 & Often).
  destruct (tight_times_near flow e1 d (proj1 e10) d0) as (T3 & _ & Near).
  destruct (Often (Rmax (Rmax 0 T1) T3)) as (t1 & Ht1 & HT2).
  assert (t1p : 0 <= t1 /\ T1 <= t1 /\ T3 <= t1).
  { generalize (Rmax_l (Rmax 0 T1) T3) (Rmax_r (Rmax 0 T1) T3) (Rmax_l 0 T1)
      (Rmax_r 0 T1); lra. }
  destruct (Near t1 (proj2 (proj2 t1p))) as (t & Ht & (Sg & Tight & Nu) & Close).
  assert (tt : 0 < t /\ T1 < t /\ t1 <= t) by lra.
  destruct tt as (tp' & tT1 & tT2); assert (tp : 0 <= t) by lra.
  destruct (NG t tp) as [N1 N2].
  assert (g : 0 < G t) by (now apply (G_pos flow)).
  assert (N : 0 < norm (v t))
    by (now apply (norm_pos flow)).
  assert (Rp : 0 < R2 t)
    by (apply (R2_pos flow); auto).
  assert (p0 : 0 < ps t) by apply psi_pos, total_loss_pos.
  assert (Sl : ps t <= total_slope k Phi (v t)) by apply slope_ge.
  assert (Ng : G t * total_slope k Phi (v t) <= nu (v t)) by apply nu_ge.
  assert (Gps : 0 < G t * ps t) by now apply Rmult_lt_0_compat.
  assert (n0 : 0 < nu (v t)).
  { apply Rlt_le_trans with (1 := Gps), Rle_trans with (2 := Ng).
    apply Rmult_le_compat_l; lra. }
  assert (Eu := euler predictor k _ _ Sg).
  destruct (sums _ _ Sg) as (h & Ch & Uh).
  set (nn := nu (v t)) in *; set (lg := ln (G t)) in *.
  set (a := exp (- (/ l) * lg)); assert (a0 : 0 < a) by apply exp_pos.
  assert (lna : ln a = - (/ l) * lg) by apply ln_exp.
  set (s := R2 t / (l * nn)).
  assert (lnn : 0 < l * nn) by now apply Rmult_lt_0_compat.
  assert (s0 : 0 < s) by now apply Rdiv_lt_0_compat.
  set (p := fun i => - ell' k (q i (v t))).
  assert (pp : forall i, 0 < p i) by (intros i; unfold p; rewrite psi_ell;
    apply psi_pos, ell_pos).
  set (x1 := exp ((1 - 2 / l) * lg)); assert (x10 : 0 < x1) by apply exp_pos.
  (* a^2 R2 <= E0 *)
  assert (aR : a ^ 2 * R2 t <= E0).
  { replace (a ^ 2) with (exp (- (2 / l) * lg)).
    - rewrite <- (exp_ln (R2 t)) by auto; rewrite <- exp_plus; apply exp_le; lra.
    - replace (a ^ 2) with (a * a) by ring; unfold a; rewrite <- exp_plus; f_equal;
        field; lra. }
  assert (x1a : x1 = G t * a ^ 2).
  { replace (G t) with (exp lg) by (now apply exp_ln).
    replace (a ^ 2) with (a * a) by ring; unfold a, x1; rewrite <- !exp_plus.
    f_equal; field; lra. }
  (* the scaled point *)
  set (w := fun j => a * v t j).
  assert (nw : norm w = a * norm (v t)) by (unfold w; rewrite norm_scal, Rabs_pos_eq;
    lra).
  assert (lnw : Rabs (ln (norm w)) <= C).
  { rewrite nw, ln_mult, lna by auto.
    replace (- / l * lg + ln (norm (v t))) with (ln (norm (v t)) - / l * lg) by ring.
    exact N1. }
  assert (nw0 : 0 < norm w) by (rewrite nw; now apply Rmult_lt_0_compat).
  assert (nwE : exp (- C) <= norm w <= E0).
  { apply Rabs_le_between in lnw; rewrite <- (exp_ln (norm w)) by auto.
    split; apply exp_le; lra. }
  assert (qw : forall i, q i w = q i (v t) / G t).
  { intros i; unfold w; rewrite (q_hom predictor) by auto; rewrite lna.
    replace (l * (- / l * lg)) with (- lg) by (field; lra).
    rewrite exp_Ropp; unfold lg; rewrite exp_ln by auto; unfold Rdiv; ring. }
  assert (qG : forall i, G t <= q i (v t)) by (intros i; apply q_ge_inv).
  set (y := fun k => match k with
    | Weight j => w j | Multiplier i => s * p i * x1
    | Subgradient i j => exp ((l - 1) * ln a) * h i j end).
  assert (Lb : forall i, 0 < s * p i * x1).
  { intros i; apply Rmult_lt_0_compat; auto; now apply Rmult_lt_0_compat. }
  assert (pi_le : forall i, p i <= total_slope k Phi (v t)).
  { intros i; apply (Sum_ge_term p); intros i'; left; auto. }
  (* s x1 slope <= E0 / l *)
  assert (sx : s * x1 * total_slope k Phi (v t) <= E0 / l).
  { rewrite x1a; apply Rle_trans with (s * a ^ 2 * nn).
    - replace (s * (G t * a ^ 2) * total_slope k Phi (v t)) with
        (s * a ^ 2 * (G t * total_slope k Phi (v t))) by ring.
      apply Rmult_le_compat_l; auto; apply Rmult_le_pos; [lra | apply pow2_ge_0].
    - replace (s * a ^ 2 * nn) with (a ^ 2 * R2 t / l) by (unfold s; field; lra).
      apply Rmult_le_compat_r; [left; now apply Rinv_0_lt_compat | exact aR]. }
  exists y; unfold near_kkt; change (fun j => y (Weight j)) with w.
  split; [| split; [| split; [| split; [| split; [| split; [| split]]]]]].
  - (* the box *)
    intros [j | i | i j]; simpl.
    + apply Rle_trans with (norm w); [apply (norm_ge_component w j) | lra].
    + rewrite Rabs_pos_eq by (left; apply Lb).
      apply Rle_trans with (s * x1 * total_slope k Phi (v t)); [| lra].
      replace (s * p i * x1) with (s * x1 * p i) by ring.
      apply Rmult_le_compat_l; [left; now apply Rmult_lt_0_compat | apply pi_le].
    + apply Rle_trans with Mh; [| lra].
      apply Rle_trans with (norm (fun j => exp ((l - 1) * ln a) * h i j)).
      * apply (norm_ge_component (fun j => exp ((l - 1) * ln a) * h i j) j).
      * eapply Rle_trans; [apply (Sq i w); [exact nw0 | now apply clarke_q_hom] |].
        apply exp_le, Rplus_le_compat_l; eapply Rle_trans; [apply Rle_abs |].
        rewrite Rabs_mult; apply Rmult_le_compat_l; [apply Rabs_pos | exact lnw].
  - intros i; simpl; generalize (Lb i); lra.
  - intros i; rewrite qw; assert (1 <= q i (v t) / G t); [| lra].
    apply Rmult_le_reg_r with (G t); auto; unfold Rdiv.
    rewrite Rmult_assoc, Rinv_l, Rmult_1_l, Rmult_1_r by lra; apply qG.
  - intros i; simpl; now apply clarke_q_hom.
  - (* stationarity *)
    intros j; simpl.
    assert (St : w j + -1 * Sum (fun i => s * p i * x1 * (exp ((l - 1) * ln a) * h i
      j)) =
      a * (v t j + s * u t j)).
    { unfold w; rewrite Uh.
      replace (Sum (fun i => s * p i * x1 * (exp ((l - 1) * ln a) * h i j))) with
        (- (a * s) * Sum (fun i => ell' k (q i (v t)) * h i j)); [ring |].
      rewrite <- Sum_scal; apply Sum_ext; intros i; unfold p.
      assert (xa : x1 * exp ((l - 1) * ln a) = a).
      { rewrite lna; unfold x1, a; rewrite <- exp_plus; f_equal; field; lra. }
      transitivity (- s * ell' k (q i (v t)) * h i j * (x1 * exp ((l - 1) * ln a)));
        [rewrite xa; ring | ring]. }
    rewrite St, Rabs_mult, (Rabs_pos_eq a) by lra.
    (* the weighted residual *)
    assert (Q : Sum (fun i => exp (- lb i t) * (v t i + s * beta t i * u t i) ^ 2) =
      R2 t - 2 * s * (l * nn) + s ^ 2 * energy t).
    { transitivity (Sum (fun i => exp (- lb i t) * v t i ^ 2 +
        (2 * s * (u t i * v t i) + s ^ 2 * (beta t i * u t i ^ 2)))).
      - apply Sum_ext; intros i; assert (I := inv_beta flow t i tp).
        transitivity (exp (- lb i t) * v t i ^ 2 +
          (2 * s * (u t i * v t i) * (exp (- lb i t) * beta t i) +
           s ^ 2 * (beta t i * u t i ^ 2) * (exp (- lb i t) * beta t i)));
          [ring | rewrite I; ring].
      - rewrite !Sum_plus, !Sum_scal; fold (inner (u t) (v t)); rewrite Eu.
        fold nn; unfold adapted_norm2, SmoothedMargin.energy; ring. }
    assert (sl : s * (l * nn) = R2 t) by (unfold s; field; lra).
    assert (sE : s ^ 2 * energy t <= (1 + e1) * R2 t).
    { apply Rmult_le_reg_r with ((l * nn) ^ 2 * R2 t).
      { apply Rmult_lt_0_compat; auto; now apply pow_lt. }
      replace (s ^ 2 * energy t * ((l * nn) ^ 2 * R2 t)) with
        ((s * (l * nn)) ^ 2 * (energy t * R2 t)) by ring.
      rewrite sl; apply Rle_trans with (R2 t ^ 2 * ((1 + e1) * (l * nn) ^ 2)).
      - apply Rmult_le_compat_l; [apply pow2_ge_0 | exact Tight].
      - right; ring. }
    assert (Qe : exp (- lb j t) * (v t j + s * beta t j * u t j) ^ 2 <= e1 * R2 t).
    { apply Rle_trans with (R2 t - 2 * s * (l * nn) + s ^ 2 * energy t).
      - rewrite <- Q; apply (Sum_ge_term (fun i => exp (- lb i t) *
          (v t i + s * beta t i * u t i) ^ 2)); intros i.
        apply Rmult_le_pos; [left; apply exp_pos | apply pow2_ge_0].
      - replace (2 * s * (l * nn)) with (2 * (s * (l * nn))) by ring; rewrite sl; lra. }
    destruct (Bb t j tp) as [b1 b2]; assert (bp := beta_pos t j tp).
    assert (I := inv_beta flow t j tp).
    set (x := v t j + s * beta t j * u t j) in *; set (z := s * u t j).
    assert (X2 : (a * Rabs x) ^ 2 <= (r1 * S1) ^ 2).
    { rewrite Rpow_mult_distr, pow2_abs, Rpow_mult_distr.
      unfold S1; rewrite pow2_sqrt by (apply Rmult_le_pos; lra); fold e1.
      assert (Ex : x ^ 2 <= Mb * (e1 * R2 t)).
      { replace (x ^ 2) with (beta t j * (exp (- lb j t) * x ^ 2)).
        - apply Rmult_le_compat; try lra.
          apply Rmult_le_pos; [left; apply exp_pos | apply pow2_ge_0].
        - transitivity (x ^ 2 * (exp (- lb j t) * beta t j)); [ring | rewrite I;
            ring]. }
      apply Rle_trans with (a ^ 2 * (Mb * (e1 * R2 t))).
      - apply Rmult_le_compat_l; [apply pow2_ge_0 | exact Ex].
      - replace (a ^ 2 * (Mb * (e1 * R2 t))) with (e1 * (Mb * (a ^ 2 * R2 t))) by ring.
        apply Rmult_le_compat_l; [lra |]; apply Rmult_le_compat_l; lra. }
    assert (Z2 : (a * Rabs z) ^ 2 <= S2 ^ 2).
    { rewrite Rpow_mult_distr, pow2_abs.
      unfold S2; rewrite pow2_sqrt by (apply Rdiv_le_0_compat; lra).
      assert (Ez : m * z ^ 2 <= 2 * R2 t).
      { apply Rle_trans with (s ^ 2 * energy t).
        - apply Rle_trans with (s ^ 2 * (beta t j * u t j ^ 2)).
          + unfold z; replace (m * (s * u t j) ^ 2) with (s ^ 2 * (m * u t j ^ 2)) by
              ring.
            apply Rmult_le_compat_l; [apply pow2_ge_0 |].
            apply Rmult_le_compat_r; [apply pow2_ge_0 | exact b1].
          + apply Rmult_le_compat_l; [apply pow2_ge_0 |].
            apply (Sum_ge_term (fun j => beta t j * u t j ^ 2)); intros i.
            apply Rmult_le_pos; [left; auto | apply pow2_ge_0].
        - apply Rle_trans with (1 := sE), Rmult_le_compat_r; lra. }
      apply Rmult_le_reg_l with m; auto.
      replace (m * (2 * E0 / m)) with (2 * E0) by (field; lra).
      apply Rle_trans with (a ^ 2 * (m * z ^ 2)); [right; ring |].
      apply Rle_trans with (a ^ 2 * (2 * R2 t)); [| lra].
      apply Rmult_le_compat_l; [apply pow2_ge_0 | exact Ez]. }
    apply sqr_le in X2; [| apply Rmult_le_pos; lra].
    apply sqr_le in Z2; [| exact S20].
    assert (Bt : Rabs (1 - beta t j) <= e1)
      by (rewrite Rabs_minus_sym; left; now apply HT1).
    assert (Sp : v t j + s * u t j = x + (1 - beta t j) * z) by (unfold x, z; ring).
    fold z in Sp |- *; rewrite Sp.
    apply Rle_trans with (a * (Rabs x + Rabs (1 - beta t j) * Rabs z)).
    { apply Rmult_le_compat_l; [lra |].
      eapply Rle_trans; [apply Rabs_triang |]; rewrite Rabs_mult; lra. }
    assert (B2 : Rabs (1 - beta t j) * (a * Rabs z) <= r1 * S2).
    { apply Rmult_le_compat; try apply Rabs_pos; try lra.
      apply Rmult_le_pos; [lra | apply Rabs_pos]. }
    apply Rle_trans with (r1 * C3); [unfold C3; nra |].
    apply Rle_trans with (e / C3 * C3); [apply Rmult_le_compat_r; lra |].
    right; field; lra.
  - (* slackness *)
    intros i; simpl; rewrite qw.
    replace (s * p i * x1 * (q i (v t) / G t + - (1))) with
      (s * a ^ 2 * (p i * (q i (v t) - G t))) by (rewrite x1a; field; lra).
    assert (Gap : p i * (q i (v t) - G t) <= nn - G t * total_slope k Phi (v t)).
    { replace (nn - G t * total_slope k Phi (v t)) with
        (Sum (fun i => p i * (q i (v t) - G t))).
      - apply (Sum_ge_term (fun i => p i * (q i (v t) - G t))); intros i'.
        apply Rmult_le_pos; [left; auto |]; generalize (qG i'); lra.
      - unfold nn, weighted_margin, total_slope.
        transitivity (Sum (fun i => - ell' k (q i (v t)) * q i (v t) +
          - G t * - ell' k (q i (v t)))).
        + apply Sum_ext; intros i'; unfold p; ring.
        + rewrite Sum_plus, Sum_scal; ring. }
    assert (Gap2 : nn - G t * total_slope k Phi (v t) <= e1 * nn).
    { assert (G t * ps t <= G t * total_slope k Phi (v t)) by (apply Rmult_le_compat_l;
        lra).
      assert ((1 - e1) * nn <= G t * ps t); [| lra].
      destruct (Rle_lt_dec (1 - e1) 0); [nra |].
      apply Rle_trans with ((1 - e1) * ((1 + e1) * (G t * ps t)));
        [apply Rmult_le_compat_l; lra | nra]. }
    assert (sa : 0 <= s * a ^ 2) by (apply Rmult_le_pos; [lra | apply pow2_ge_0]).
    apply Rle_trans with (s * a ^ 2 * (e1 * nn)); [apply Rmult_le_compat_l; lra |].
    replace (s * a ^ 2 * (e1 * nn)) with (e1 * (a ^ 2 * R2 t / l))
      by (unfold s; field; lra).
    apply Rle_trans with (r1 * (E0 / l)).
    + apply Rmult_le_compat; try lra.
      * apply Rdiv_le_0_compat; auto; apply Rmult_le_pos; [apply pow2_ge_0 | lra].
      * apply Rmult_le_compat_r; [left; now apply Rinv_0_lt_compat | exact aR].
    + apply Rle_trans with (e / (E0 / l) * (E0 / l)); [apply Rmult_le_compat_r; lra |].
      right; field; split; lra.
  - lra.
  - exact (HT2 t tT2 Close).
Qed.




Theorem kkt_cluster : exists w, max_margin_KKT Phi (fun _ => 1) w /\ 0 < norm w /\
  forall e r, 0 < e -> 0 < r ->
    exists w', extra e w' /\ forall j, Rabs (w' j - w j) < r.
Proof.
  destruct near_exists as (M & C & Ex).
  destruct (cluster (map Weight enum ++ map Multiplier enum ++ flat_map (fun i => map
    (Subgradient i) enum) enum)
    M (near_kkt M C)) as [ys Cl].
  { intros e e' y0 Le (P1 & P2 & P3 & P4 & P5 & P6 & P7 & P8); repeat split; auto.
    - intros j; specialize (P5 j); lra.
    - intros i; specialize (P6 i); lra.
    - now apply (extra_mono e). }
  { exact Ex. }
  { intros e y0 k' (P & _); apply P. }
  assert (Cl' : forall e r, 0 < e -> 0 < r ->
    exists y0, near_kkt M C e y0 /\ forall k', Rabs (y0 k' - ys k') < r).
  { intros e r e0 r0; destruct (Cl e r e0 r0) as (y0 & Ay & Js); exists y0; split; auto.
    intros k'; apply Js, all_indices. }
  clear Cl Ex; set (w := fun j => ys (Weight j)).
  assert (CN : continuous_at ys (fun y0 => norm (fun j => y0 (Weight j))))
    by (apply (continuous_at_lipschitz ys (fun v => norm v)), norm_lipschitz).
  assert (CQ : forall i, continuous_at ys (fun y0 => q i (fun j => y0 (Weight j))))
    by (intros i; apply (continuous_at_lipschitz ys (q i)), (q_lipschitz Phi Lip)).
  assert (Weak : forall f, continuous_at ys f -> (forall e y0, near_kkt M C e y0 ->
    f y0 <= 0) ->
    f ys <= 0).
  { intros f Cf Le; apply (limit_le ys (fun e y0 => near_kkt M C e y0 /\ 0 < e)); auto.
    - intros e r e0 r0; destruct (Cl' e r e0 r0) as (y0 & Ay & Js); now exists y0.
    - intros e y0 [Ay e0]; specialize (Le e y0 Ay); lra. }
  assert (L0 : forall i, 0 <= ys (Multiplier i)).
  { intros i; assert (- ys (Multiplier i) <= 0); [| lra].
    apply (Weak (fun y0 => - y0 (Multiplier i))).
    - replace (fun y0 => - y0 (Multiplier i)) with (fun y0 : kkt_index J D ->
        R => -1 * y0 (Multiplier i))
        by (apply functional_extensionality; intros; ring).
      apply continuous_at_scal, continuous_at_coord.
    - intros e y0 (_ & P & _); apply P. }
  assert (F0 : forall i, 1 <= q i w).
  { intros i; assert (1 - q i w <= 0); [| lra].
    apply (Weak (fun y0 => 1 - q i (fun j => y0 (Weight j)))).
    - replace (fun y0 => 1 - q i (fun j => y0 (Weight j))) with
        (fun y0 : kkt_index J D -> R => 1 + -1 * q i (fun j => y0 (Weight j)))
        by (apply functional_extensionality; intros; ring).
      apply (continuous_at_plus ys (fun _ => 1));
        [apply continuous_at_const | now apply continuous_at_scal].
    - intros e y0 (_ & _ & P & _); apply P. }
  assert (Nw : exp (- C) <= norm w).
  { assert (exp (- C) - norm w <= 0); [| lra].
    apply (Weak (fun y0 => exp (- C) - norm (fun j => y0 (Weight j)))).
    - replace (fun y0 => exp (- C) - norm (fun j => y0 (Weight j))) with
        (fun y0 : kkt_index J D -> R => exp (- C) + -1 * norm (fun j => y0 (Weight j)))
        by (apply functional_extensionality; intros; ring).
      apply (continuous_at_plus ys (fun _ => exp (- C)));
        [apply continuous_at_const | now apply continuous_at_scal].
    - intros e y0 (_ & _ & _ & _ & _ & _ & P & _); exact P. }
  assert (S0 : forall j, w j = Sum (fun i => ys (Multiplier i) * ys (Subgradient i j))).
  { intros j; assert (Z : Rabs (ys (Weight j) + -1 * Sum (fun i => ys (Multiplier i) *
      ys (Subgradient i j))) <= 0).
    { apply (limit_le ys (near_kkt M C)
        (fun y0 => Rabs (y0 (Weight j) + -1 * Sum (fun i => y0 (Multiplier i) * y0
          (Subgradient i j))))); auto.
      - apply continuous_at_abs, (continuous_at_plus ys (fun y0 => y0 (Weight j)));
          [apply continuous_at_coord |].
        apply continuous_at_scal,
          (continuous_at_Sum ys (fun i y0 => y0 (Multiplier i) * y0 (Subgradient i j))).
        intros i; apply (continuous_at_mult ys (fun y0 => y0 (Multiplier i)));
          apply continuous_at_coord.
      - intros e y0 (_ & _ & _ & _ & P & _); apply P. }
    apply Rabs_le_between in Z; unfold w; lra. }
  assert (K0 : forall i, ys (Multiplier i) * (q i w - 1) = 0).
  { intros i; assert (Z : ys (Multiplier i) * (q i w + - (1)) <= 0).
    { apply (limit_le ys (near_kkt M C)
        (fun y0 => y0 (Multiplier i) * (q i (fun j => y0 (Weight j)) + - (1)))); auto.
      - apply (continuous_at_mult ys (fun y0 => y0 (Multiplier i)));
          [apply continuous_at_coord |].
        apply (continuous_at_plus ys (fun y0 => q i (fun j => y0 (Weight j))));
          [auto | apply continuous_at_const].
      - intros e y0 (_ & _ & _ & _ & _ & P & _); apply P. }
    assert (0 <= ys (Multiplier i) * (q i w - 1)); [| lra].
    apply Rmult_le_pos; auto; generalize (F0 i); lra. }
  assert (Cg : forall i, clarke (q i) w (fun j => ys (Subgradient i j))).
  { intros i; apply closed; intros r r0;
      destruct (Cl' 1 r Rlt_0_1 r0) as (y0 & Ay & Js).
    destruct Ay as (_ & _ & _ & P & _).
    exists (fun j => y0 (Weight j)), (fun j => y0 (Subgradient i j)); repeat split;
      auto; intros j; apply Js. }
  assert (Pw : 0 < norm w) by (generalize (exp_pos (- C)); lra).
  exists w; split.
  - exists (fun i => ys (Multiplier i)); repeat split; auto.
    + intros i; specialize (F0 i); unfold margin_at in F0; lra.
    + exists w, (fun i => mul (fun _ => -1) (fun j => ys (Subgradient i j)));
        repeat split.
      * apply square_gradient.
      * intros i; now apply constraint_gradient.
      * intros j; rewrite S0; unfold mul.
        replace (Sum (fun i => ys (Multiplier i) * (-1 * ys (Subgradient i j)))) with
          (-1 * Sum (fun i => ys (Multiplier i) * ys (Subgradient i j))); [ring |].
        rewrite <- Sum_scal; apply Sum_ext; intros; ring.
    + intros i; specialize (K0 i); unfold margin_at in K0; lra.
  - split; auto; intros e r e0 r0; destruct (Cl' e r e0 r0) as (y0 & Ay & Js).
    destruct Ay as (_ & _ & _ & _ & _ & _ & _ & P).
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
Context {k : loss} {Phi : vec J -> X -> R} {l : R} {v beta u : R -> vec J}.
Hypothesis flow : separated_flow k Phi l v beta u.
Hypothesis sums : sum_rule k Phi.
Hypothesis closed : forall i, closed_graph (margin_at Phi i).
Hypothesis beta_lim : forall j, is_lim (fun t => beta t j) p_infty 1.
(** The scaled point is bounded. *)
Lemma scaled_point_bounded C t : 0 <= t ->
  Rabs (ln (norm (v t)) - / l * ln (smoothed_margin k Phi v t)) <= C ->
  norm (fun j => exp (- (/ l) * ln (smoothed_margin k Phi v t)) * v t j) <= exp C.
Proof.
  intros T B; assert (N := norm_pos flow t T).
  rewrite norm_scal, Rabs_pos_eq by (left; apply exp_pos).
  rewrite <- (exp_ln (norm (v t))), <- exp_plus by exact N.
  apply exp_le; apply Rabs_le_between in B; lra.
Qed.

Variable theta : vec J.
Hypothesis limit : limit_direction v theta.
Notation G := (smoothed_margin k Phi v).
Notation scaled_point t := (fun j => exp (- (/ l) * ln (G t)) * v t j).

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

(** Every limit point of the direction is that of a KKT point. *)
Theorem kkt_limit_direction : exists w, max_margin_KKT Phi (fun _ => 1) w /\
  0 < norm w /\ forall j, theta j = w j / norm w.
Proof.
  destruct (norm_G flow) as (C & C0 & NG); assert (E0 := exp_pos C).
  destruct (scaled_point_speed flow) as (K & K0 & Speed).
  set (n := Sum (fun _ : J => 1)); assert (n0 : 0 <= n) by (apply Sum_nonneg; intros;
    lra).
  destruct (kkt_cluster flow sums closed beta_lim
    (fun e w => forall j, Rabs (w j + - theta j * norm w) <= e)) as (w & Kw & Pw & Cl).
  - intros e e' w Le B j; specialize (B j); lra.
  - intros e e0; set (M := 2 * (K + 1) * (1 + 2 * n)).
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
    assert (Diff : forall a b : vec J, (forall i, Rabs (a i - b i) <= K * d) ->
      norm a <= norm b + K * d * n).
    { intros a b Hab; apply Rle_trans with (1 := norm_sub_le a b), Rplus_le_compat_l.
      eapply Rle_trans; [apply norm_le_Sum |].
      unfold n; rewrite <- Sum_scal; apply Sum_le; intros i; rewrite Rmult_1_r;
        apply Hab. }
    assert (D1 := Diff _ _ Move).
    assert (D2 := Diff (scaled_point t1) (scaled_point t)
      ltac:(intros i; rewrite Rabs_minus_sym; apply Move)).
    assert (Tj := limit_direction_bounded j); specialize (Move j); cbv beta in Move.
    assert (N := norm_pos flow t1 ltac:(lra)); specialize (Near j).
    assert (B := scaled_point_bounded C t1 ltac:(lra) (proj1 (NG t1 ltac:(lra)))).
    set (p := scaled_point t) in *; set (p1 := scaled_point t1) in *.
    change (exp (- / l * ln (G t)) * v t j) with (p j) in *.
    change (exp (- / l * ln (G t1)) * v t1 j) with (p1 j) in *.
    assert (P1 : Rabs (p1 j - theta j * norm p1) <= e / 2).
    { set (a := exp (- / l * ln (G t1))) in *; assert (a0 : 0 < a) by apply exp_pos.
      assert (Np : norm p1 = a * norm (v t1))
        by (unfold p1; rewrite norm_scal, (Rabs_pos_eq a) by lra; reflexivity).
      rewrite Np in *; replace (p1 j - theta j * (a * norm (v t1))) with
        (a * norm (v t1) * (v t1 j / norm (v t1) - theta j))
        by (unfold p1; fold a; field; lra).
      rewrite Rabs_mult, (Rabs_pos_eq (a * norm (v t1))) by (apply Rmult_le_pos; lra).
      apply Rle_trans with (exp C * (e / (2 * exp C))); [| right; field; lra].
      apply Rmult_le_compat; try lra; [apply Rmult_le_pos; lra | apply Rabs_pos]. }
    assert (P2 : Rabs (theta j * (norm p1 - norm p)) <= 2 * (K * d * n)).
    { rewrite Rabs_mult; apply Rmult_le_compat; try apply Rabs_pos; auto.
      apply Rabs_le; lra. }
    replace (p j + - theta j * norm p) with
      ((p j - p1 j) + ((p1 j - theta j * norm p1) + theta j * (norm p1 - norm p))) by
        ring.
    eapply Rle_trans; [apply Rabs_triang |].
    assert (Tr := Rabs_triang (p1 j - theta j * norm p1) (theta j * (norm p1 - norm
      p))).
    assert (Md : K * d * (1 + 2 * n) <= e / 2).
    { apply Rle_trans with ((K + 1) * d * (1 + 2 * n)).
      - apply Rmult_le_compat_r; [lra |]; apply Rmult_le_compat_r; lra.
      - right; unfold d, M; field; lra. }
    lra.
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
Theorem kkt_direction {J D X} `{FiniteType J} `{Dataset D X} {k : loss}
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
