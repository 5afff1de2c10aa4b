(** * Bounds from homogeneity: |q_i(v)| <= C |v|^l and |u| <= C |v|^(l-1) slope(v)

    By scaling to the ball around the origin on which the predictor is Lipschitz; no
    compactness of the sphere is used. *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Euler.
Import ListNotations.
Open Scope R_scope.

Lemma derive_le (f : R -> R) l M :
  is_derive f 0 l -> (exists d, 0 < d /\ forall s, 0 < s < d -> f s - f 0 <= M * s) ->
  l <= M.
Proof.
  intros Df (d & d0 & B); apply Rnot_lt_le; intros N.
  apply is_derive_Reals in Df; destruct (Df (l - M)) as [r Near]; [lra |].
  set (s := Rmin (r / 2) (d / 2)); assert (r0 := cond_pos r).
  assert (S : 0 < s /\ s < r /\ s < d) by (unfold s; minmax; lra).
  specialize (Near s ltac:(lra) ltac:(rewrite Rabs_pos_eq; lra)).
  specialize (B s ltac:(lra)); rewrite Rplus_0_l in Near.
  apply Rabs_lt_between in Near.
  assert ((f s - f 0) / s <= M); [| lra].
  apply Rmult_le_reg_r with s; [lra |].
  unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra.
Qed.

Section Local.
Context {J : Type} `{FiniteType J}.

(** A gradient is bounded by a Lipschitz constant around its point ... *)
Lemma gradient_lipschitz f (z D d : vec J) r K : is_gradient f z D -> 0 < r ->
  (forall w, norm (sub w z) < r -> Rabs (f w - f z) <= K * norm (sub w z)) ->
  inner D d <= K * norm d.
Proof.
  intros Gr r0 Lip; apply (gradient_line _ _ _ d) in Gr.
  apply (derive_le _ _ _ Gr); set (n := norm d); assert (n0 := norm_nonneg d : 0 <= n).
  exists (r / (n + 1)); split; [apply Rdiv_lt_0_compat; lra |]; intros s S.
  set (w := fun j => z j + s * d j).
  assert (Dw : norm (sub w z) = s * n).
  { transitivity (norm (fun j => s * d j)).
    - apply norm_ext; intros j; unfold sub, w; ring.
    - rewrite norm_scal, Rabs_pos_eq; [reflexivity | lra]. }
  assert (Small : s * n < r).
  { apply Rle_lt_trans with (s * (n + 1)); [nra |].
    destruct S as [_ S]; apply Rmult_lt_compat_r with (r := n + 1) in S; [| lra].
    unfold Rdiv in S; rewrite Rmult_assoc, Rinv_l in S by lra; lra. }
  replace (fun j => z j + 0 * d j) with z
    by (apply functional_extensionality; intros j; ring).
  assert (L := Lip w ltac:(lra)); rewrite Dw in L.
  generalize (Rle_abs (f w - f z)); lra.
Qed.

(** ... and so is every Clarke subgradient. *)
Lemma clarke_lipschitz f (v : vec J) r K (u : vec J) : 0 < r -> 0 <= K ->
  (forall z w, norm (sub z v) < r -> norm (sub w v) < r ->
    Rabs (f w - f z) <= K * norm (sub w z)) ->
  clarke f v u -> norm u <= K.
Proof.
  intros r0 K0 Lip C.
  assert (Sup : forall d, inner u d <= K * norm d).
  { intros d; apply clarke_bounded with f v; auto; intros E (vs & Ds & Gr & Cv & CD).
    apply (is_lim_seq_le_loc (fun n => inner (Ds n) d) (fun _ => K * norm d)
      (inner E d) (K * norm d)); [| | apply is_lim_seq_const].
    2: { apply (inner_lim Ds (fun _ => d)); auto; intros j; apply is_lim_seq_const. }
    destruct (converges_near vs v (r / 2) ltac:(lra) Cv) as [N HN]; exists N.
    intros n Hn; specialize (HN n Hn).
    apply (gradient_lipschitz f (vs n) (Ds n) d (r / 2)); [apply Gr | lra |].
    intros w W; apply Lip; [lra |]; generalize (dist_triangle w (vs n) v); lra. }
  specialize (Sup u); rewrite inner_self in Sup; assert (P := norm_nonneg u).
  apply Rnot_lt_le; intros N; nra.
Qed.

End Local.

Section Bound.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Context {Phi : vec J -> X -> R} {l : R}.
Hypothesis predictor : homogeneous_predictor Phi l.
Let l_pos := degree_pos predictor.
Let Lip := predictor_lipschitz predictor.
Let Hom := predictor_homogeneous predictor.
Variable k : joint_loss D.
Notation q := (margin_at Phi).
Notation slope := (total_slope k Phi).
Notation slope_at v i := (Loss.slope k (margins Phi v) i).

Lemma q_hom a i v : 0 < a -> q i (fun j => a * v j) = exp (l * ln a) * q i v.
Proof. intros A; unfold margin_at; rewrite Hom by auto; unfold Rpower; ring. Qed.

Lemma q_origin i v : (forall j, v j = 0) -> q i v = 0.
Proof.
  intros Z; assert (E := q_hom 2 i v ltac:(lra)).
  replace (fun j => 2 * v j) with v in E
    by (apply functional_extensionality; intros j; rewrite Z; ring).
  assert (ln 2 > 0) by (rewrite <- ln_1; apply ln_increasing; lra).
  assert (1 < exp (l * ln 2)).
  { rewrite <- exp_0; apply exp_increasing, Rmult_lt_0_compat; lra. }
  nra.
Qed.

Lemma origin_lipschitz : exists r K, 0 < r /\ 0 < K /\ forall i a b,
  norm a < r -> norm b < r -> Rabs (q i b - q i a) <= K * norm (sub b a).
Proof.
  assert (A : exists r K, 0 < r /\ 0 < K /\ forall i, In i enum -> forall a b,
    norm a < r -> norm b < r -> Rabs (q i b - q i a) <= K * norm (sub b a)).
  { induction enum as [| i is (r & K & r0 & K0 & IH)].
    - exists 1, 1; repeat split; try lra; intros ? [].
    - destruct (Lip i (fun _ => 0)) as (r' & K' & r0' & HK').
      exists (Rmin r r'), (Rmax K K'); split; [minmax; lra |].
      split; [minmax; lra |]; intros i' [<- | I] a b Na Nb.
      + assert (B : Rabs (q i b - q i a) <= K' * norm (sub b a)).
        { unfold margin_at; rewrite <- Rmult_minus_distr_l, Rabs_mult.
          replace (Rabs (y i)) with 1.
          2: { destruct (labels i) as [-> | ->]; [rewrite Rabs_R1 | rewrite Rabs_left];
                 lra. }
          rewrite Rmult_1_l.
          assert (Z : forall c : vec J, norm (sub c (fun _ => 0)) = norm c).
          { intros c; apply norm_ext; intros j; unfold sub; ring. }
          apply HK'; rewrite Z.
          + apply Rlt_le_trans with (1 := Na), Rmin_r.
          + apply Rlt_le_trans with (1 := Nb), Rmin_r. }
        apply Rle_trans with (1 := B), Rmult_le_compat_r;
          [apply norm_nonneg | apply Rmax_r].
      + eapply Rle_trans; [apply IH; auto |].
        * apply Rlt_le_trans with (1 := Na), Rmin_l.
        * apply Rlt_le_trans with (1 := Nb), Rmin_l.
        * apply Rmult_le_compat_r; [apply norm_nonneg | apply Rmax_l]. }
  destruct A as (r & K & r0 & K0 & A); exists r, K; repeat split; auto.
  intros i; apply A, enum_all.
Qed.

(** The Lipschitz constant near v, for all v <> 0 by scaling. *)
Lemma lipschitz_scaled : exists r c, 0 < r /\ forall v : vec J, 0 < norm v ->
  forall i z w, norm z < 2 * norm v -> norm w < 2 * norm v ->
  Rabs (q i w - q i z) <= exp (c + (l - 1) * ln (norm v)) * norm (sub w z).
Proof.
  destruct origin_lipschitz as (r & K & r0 & K0 & B).
  exists r, (ln K + (1 - l) * ln (r / 2)); split; auto; intros v V i z w Z W.
  set (a := r / (2 * norm v)); assert (a0 : 0 < a) by (apply Rdiv_lt_0_compat; lra).
  assert (N : forall z : vec J, norm z < 2 * norm v -> norm (fun j => a * z j) < r).
  { intros z' Z'; rewrite norm_scal, Rabs_pos_eq by lra.
    apply Rmult_lt_compat_l with (r := a) in Z'; auto.
    replace (a * (2 * norm v)) with r in Z' by (unfold a; field; lra); exact Z'. }
  assert (L := B i _ _ (N z Z) (N w W)); rewrite !q_hom in L by auto.
  assert (S : norm (sub (fun j => a * w j) (fun j => a * z j)) = a * norm (sub w z)).
  { transitivity (norm (fun j => a * sub w z j)).
    - apply norm_ext; intros j; unfold sub; ring.
    - rewrite norm_scal, Rabs_pos_eq; lra. }
  rewrite S, <- Rmult_minus_distr_l, Rabs_mult, Rabs_pos_eq in L
    by (left; apply exp_pos).
  apply Rmult_le_reg_l with (exp (l * ln a)); [apply exp_pos |].
  apply Rle_trans with (1 := L); right.
  rewrite <- (Rmult_assoc (exp _)), <- exp_plus.
  replace (l * ln a + (ln K + (1 - l) * ln (r / 2) + (l - 1) * ln (norm v)))
    with (ln K + ln a).
  - rewrite exp_plus, !exp_ln by auto; ring.
  - unfold a; replace (r / (2 * norm v)) with (r / 2 * / norm v) by (field; lra).
    rewrite ln_mult, ln_Rinv; [ring | lra | lra | now apply Rinv_0_lt_compat].
Qed.

Lemma q_bound : exists c, forall i (v : vec J), 0 < norm v ->
  Rabs (q i v) <= exp (c + l * ln (norm v)).
Proof.
  destruct lipschitz_scaled as (r & c & r0 & B); exists c; intros i v V.
  assert (L := B v V i (fun _ => 0) v).
  assert (Z : norm (fun _ : J => 0) = 0) by now apply norm_0.
  rewrite (q_origin i (fun _ => 0)) in L by (intros; reflexivity);
    rewrite Rminus_0_r, Z in L.
  eapply Rle_trans; [apply L; lra |].
  replace (norm (sub v (fun _ => 0))) with (exp (ln (norm v))).
  - right; rewrite <- exp_plus; f_equal; ring.
  - rewrite exp_ln by auto; apply norm_ext; intros j; unfold sub; ring.
Qed.

Lemma total_slope_nonneg v : 0 <= slope v.
Proof. apply Sum_nonneg; intros i; left; apply slope_pos. Qed.

Lemma subgradient_bound : exists c, forall v u : vec J, 0 < norm v ->
  clarke (total_loss k Phi) v u ->
  norm u <= exp (c + (l - 1) * ln (norm v)) * slope v.
Proof.
  destruct lipschitz_scaled as (r & c & r0 & B); exists (ln 9 + c); intros v u V.
  set (Kv := exp (c + (l - 1) * ln (norm v))); assert (K0 : 0 < Kv) by apply exp_pos.
  replace (exp (ln 9 + c + (l - 1) * ln (norm v))) with (9 * Kv).
  2: { rewrite Rplus_assoc, exp_plus, exp_ln by lra; reflexivity. }
  assert (S0 := total_slope_nonneg v); assert (I0 := Rinv_0_lt_compat _ K0).
  assert (KI : Kv * / Kv = 1) by (apply Rinv_r; lra).
  set (r1 := Rmin (norm v) (/ (2 * Kv))).
  assert (I2 : 0 < / (2 * Kv)) by (apply Rinv_0_lt_compat; lra).
  assert (r10 : 0 < r1 /\ r1 <= norm v /\ r1 <= / (2 * Kv)) by (unfold r1; minmax; lra).
  rewrite Rinv_mult in r10.
  apply (clarke_lipschitz (total_loss k Phi) v r1); [lra | |].
  { apply Rmult_le_pos; [lra | exact S0]. }
  intros z w Z W; assert (Nz := norm_sub_le z v); assert (Nw := norm_sub_le w v).
  assert (Q : forall i a b, norm a < 2 * norm v -> norm b < 2 * norm v ->
    norm (sub b a) <= / Kv -> Rabs (q i b - q i a) <= Kv * norm (sub b a) <= 1).
  { intros i a b A B' Le; split; [now apply (B v V) |].
    rewrite <- KI; apply Rmult_le_compat_l; lra. }
  assert (Dzw : norm (sub w z) <= / Kv).
  { eapply Rle_trans; [apply (dist_triangle w v z) |]; rewrite (dist_sym v z); lra. }
  assert (Sz : slope z <= 3 * slope v).
  { apply slopes_local; intros i; change (Rabs (q i z - q i v) <= 1).
    destruct (Q i v z) as [Q1 Q2]; lra. }
  set (e := Kv * norm (sub w z)).
  apply Rle_trans with (3 * slope z * e).
  - assert (Q' := fun i => Q i z w ltac:(lra) ltac:(lra) Dzw).
    apply value_local; [| intros i; apply (Q' i)].
    destruct nonempty as [i]; apply (Q' i).
  - replace (9 * Kv * slope v * norm (sub w z)) with (3 * (3 * slope v) * e)
      by (unfold e; ring).
    apply Rmult_le_compat_r; [| lra].
    apply Rmult_le_pos; [lra | apply norm_nonneg].
Qed.

(** The loss against its margin-like inverse. *)
Let L := total_loss k Phi.

Lemma q_ge_inv i v : inverse_loss k (L v) <= q i v.
Proof. apply (margin_ge k (margins Phi v) i). Qed.

Lemma nu_ge v : inverse_loss k (L v) * slope v <= weighted_margin k Phi v.
Proof.
  unfold total_slope, weighted_margin; rewrite <- Sum_scal; apply Sum_le; intros i.
  rewrite Rmult_comm; apply Rmult_le_compat_l; [left; apply slope_pos | apply q_ge_inv].
Qed.

Lemma slope_ge v : psi k (L v) <= slope v.
Proof. apply psi_le_slopes. Qed.

Lemma slope_le v : slope v <= Sum (fun _ : D => 1) * psi k (L v).
Proof.
  rewrite Rmult_comm; unfold total_slope; rewrite <- Sum_scal; apply Sum_le; intros i.
  rewrite Rmult_1_r; apply slope_le_psi.
Qed.

(** One datum takes at most e^-G from the weighted margin beyond its share of G ... *)
Lemma excess_at g v i : g <= q i v -> slope_at v i * (q i v - g) <= exp (- g).
Proof.
  set (z := q i v); intros Z; apply Rle_trans with (exp (- z) * (z - g)).
  - apply Rmult_le_compat_r; [lra | apply slope_le_exp].
  - replace (- z) with (- g + - (z - g)) by ring; rewrite exp_plus.
    assert (E := exp_ineq1_le (z - g)); assert (P := exp_pos (- (z - g))).
    assert (Q : exp (z - g) * exp (- (z - g)) = 1)
      by (rewrite <- exp_plus, Rplus_opp_r; apply exp_0).
    rewrite <- (Rmult_1_r (exp (- g))) at 2; rewrite Rmult_assoc.
    apply Rmult_le_compat_l; [left; apply exp_pos | nra].
Qed.

(** ... so that the weighted margin exceeds G psi by at most a multiple of psi. *)
Lemma weighted_margin_le v : L v < ell k 0 ->
  weighted_margin k Phi v <=
  (inverse_loss k (L v) + (2 * Sum (fun _ : D => 1) + 2)) * psi k (L v).
Proof.
  intros Sep; set (g := inverse_loss k (L v)); set (n := Sum (fun _ : D => 1)).
  assert (Lp : 0 < L v) by apply total_loss_pos.
  destruct (below k (L v) Lp Sep) as (g0 & [_ Le] & [Ge _]); fold g in g0, Le, Ge.
  assert (n0 : 0 <= n) by (apply Sum_nonneg; intros; lra).
  assert (E := exp_pos (- g)); destruct (psi_near_id k (L v)) as [Near _]; [lra |].
  assert (A : weighted_margin k Phi v - g * slope v <= exp (- g) * n).
  { unfold weighted_margin, total_slope, n, Rminus.
    rewrite Ropp_mult_distr_l, <- !Sum_scal, <- Sum_plus; apply Sum_le; intros i.
    assert (Q := excess_at g v i (q_ge_inv i v)); lra. }
  assert (S : slope v <= L v) by apply slopes_le_value.
  assert (gL : g * L v <= 1).
  { assert (E1 := exp_ineq1_le g).
    assert (P : exp g * exp (- g) = 1)
      by (rewrite <- exp_plus, Rplus_opp_r; apply exp_0).
    apply Rle_trans with (g * exp (- g)); [apply Rmult_le_compat_l; lra | nra]. }
  assert (B : g * slope v <= g * psi k (L v) + L v).
  { apply Rle_trans with (g * (psi k (L v) + L v ^ 2)).
    - apply Rmult_le_compat_l; lra.
    - assert (g * L v * L v <= 1 * L v) by (apply Rmult_le_compat_r; lra); nra. }
  assert (C : exp (- g) * n <= 2 * n * psi k (L v)) by nra.
  lra.
Qed.

End Bound.
Arguments q_ge_inv {_ _ _ _ _} _ _ _ _.
Arguments nu_ge {_ _ _ _ _ _} _ _ _.
Arguments slope_ge {_ _ _ _ _ _} _ _ _.
Arguments slope_le {_ _ _ _ _ _} _ _ _.
