(** * Euler's identity and a bound for the subgradients of the total loss

    No sum rule for subdifferentials and no Rademacher theorem: both facts hold for the
    gradients of the total loss where it has one, and pass to limits and convex
    combinations. *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export LossShape.
Import ListNotations.
Open Scope R_scope.

Section Support.
Context {J : Type} `{FiniteType J}.

Lemma norm_0 (v : vec J) : (forall j, v j = 0) -> norm v = 0.
Proof.
  intros Z; unfold norm; rewrite <- sqrt_0; f_equal.
  transitivity (Sum (fun _ : J => 0 * 0)); [| rewrite Sum_scal; ring].
  apply Sum_ext; intros j; rewrite Z; ring.
Qed.

Lemma norm_scal s (v : vec J) : norm (fun j => s * v j) = Rabs s * norm v.
Proof.
  unfold norm; rewrite <- (sqrt_pow2 (Rabs s)) by apply Rabs_pos.
  rewrite <- sqrt_mult_alt by apply pow2_ge_0; f_equal.
  rewrite <- Sum_scal; apply Sum_ext; intros j; rewrite pow2_abs; ring.
Qed.

Lemma norm_ext (u v : vec J) : (forall j, u j = v j) -> norm u = norm v.
Proof. intros E; unfold norm; f_equal; apply Sum_ext; intros j; now rewrite E. Qed.

Lemma inner_scal s (u v : vec J) : inner u (fun j => s * v j) = s * inner u v.
Proof. unfold inner; rewrite <- Sum_scal; apply Sum_ext; intros; ring. Qed.

(** A gradient gives the derivative along a line. *)
Lemma gradient_line f (v D d : vec J) : is_gradient f v D ->
  is_derive (fun s => f (fun j => v j + s * d j)) 0 (inner D d).
Proof.
  intros Gr; apply is_derive_Reals; intros e e0.
  set (N := norm d); assert (N0 : 0 <= N) by apply norm_nonneg.
  destruct (Gr (e / (2 * (N + 1)))) as (r & r0 & Near).
  { apply Rdiv_lt_0_compat; lra. }
  assert (dl : 0 < r / (N + 1)) by (apply Rdiv_lt_0_compat; lra).
  exists (mkposreal _ dl); intros s s0 S; simpl in S.
  assert (Z : forall j, sub (fun j => v j + s * d j) v j = s * d j)
    by (intros j; unfold sub; ring).
  specialize (Near (fun j => v j + (0 + s) * d j)).
  replace (fun j => v j + (0 + s) * d j) with (fun j => v j + s * d j) in *
    by (apply functional_extensionality; intros j; ring).
  rewrite (norm_ext _ _ Z), norm_scal in Near; fold N in Near.
  replace (inner D (sub (fun j => v j + s * d j) v)) with (s * inner D d) in Near.
  2: { rewrite <- inner_scal; unfold inner; apply Sum_ext; intros j; now rewrite Z. }
  replace (fun j => v j + 0 * d j) with v
    by (apply functional_extensionality; intros j; ring).
  assert (A : Rabs s * N < r).
  { apply Rle_lt_trans with (Rabs s * (N + 1)).
    - apply Rmult_le_compat_l; [apply Rabs_pos | lra].
    - apply Rmult_lt_compat_r with (r := N + 1) in S; [| lra].
      unfold Rdiv in S; rewrite Rmult_assoc, Rinv_l, Rmult_1_r in S; lra. }
  specialize (Near A).
  set (q := f (fun j => v j + s * d j) - f v) in *.
  replace (q / s - inner D d) with ((q - s * inner D d) / s) by (field; auto).
  unfold Rdiv; rewrite Rabs_mult, Rabs_inv.
  assert (As : 0 < Rabs s) by now apply Rabs_pos_lt.
  apply Rmult_lt_reg_r with (Rabs s); auto.
  rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
  apply Rle_lt_trans with (1 := Near).
  apply Rle_lt_trans with (e / 2 * Rabs s); [| nra].
  apply Rle_trans with (e / (2 * (N + 1)) * (Rabs s * (N + 1))).
  - apply Rmult_le_compat_l; [left; apply Rdiv_lt_0_compat; lra |].
    apply Rmult_le_compat_l; lra.
  - right; field; lra.
Qed.

Lemma is_lim_seq_Sum (f : J -> nat -> R) (l : vec J) :
  (forall j, is_lim_seq (f j) (l j)) ->
  is_lim_seq (fun n => Sum (fun j => f j n)) (Sum l).
Proof.
  intros C; unfold Sum; induction enum as [| j js IH]; simpl.
  - apply is_lim_seq_const.
  - now apply is_lim_seq_plus'.
Qed.

Lemma inner_lim (Ds vs : nat -> vec J) D v :
  converges Ds D -> converges vs v ->
  is_lim_seq (fun n => inner (Ds n) (vs n)) (inner D v).
Proof.
  intros CD Cv; unfold inner.
  apply (is_lim_seq_Sum (fun j n => Ds n j * vs n j) (fun j => D j * v j)).
  intros j; now apply is_lim_seq_mult'.
Qed.

Lemma converges_near (vs : nat -> vec J) v r : 0 < r -> converges vs v ->
  exists N, forall n, (N <= n)%nat -> norm (sub (vs n) v) < r.
Proof.
  intros r0 C.
  assert (S : is_lim_seq (fun n => Sum (fun j => Rabs (vs n j - v j)))
                (Sum (fun _ : J => 0))).
  { apply (is_lim_seq_Sum (fun j n => Rabs (vs n j - v j))); intros j.
    rewrite <- Rabs_R0, <- (Rminus_eq_0 (v j)); apply (is_lim_seq_abs _ (v j - v j)).
    apply is_lim_seq_minus'; [apply C | apply is_lim_seq_const]. }
  replace (Sum (fun _ : J => 0)) with 0 in S.
  2: { transitivity (Sum (fun _ : J => 0 * 0)); [rewrite Sum_scal; ring |].
       apply Sum_ext; intros; ring. }
  apply is_lim_seq_spec in S; destruct (S (mkposreal r r0)) as [N HN].
  exists N; intros n Hn; specialize (HN n Hn); simpl in HN.
  rewrite Rminus_0_r in HN; apply Rle_lt_trans with (2 := HN).
  eapply Rle_trans; [apply norm_le_Sum | apply Rle_abs].
Qed.

(** A locally Lipschitz function is continuous along sequences. *)
Lemma lipschitz_lim f (vs : nat -> vec J) v :
  locally_lipschitz f -> converges vs v -> is_lim_seq (fun n => f (vs n)) (f v).
Proof.
  intros Lip C; destruct (Lip v) as (r & K & r0 & HK).
  apply is_lim_seq_spec; intros e.
  set (K' := Rmax K 0 + 1); assert (K' > 0 /\ K <= K') by (unfold K'; minmax; lra).
  assert (d0 : 0 < Rmin r (e / K')).
  { assert (0 < e / K') by (apply Rdiv_lt_0_compat; [apply cond_pos | lra]); minmax;
      lra. }
  destruct (converges_near vs v _ d0 C) as [N HN]; exists N; intros n Hn.
  specialize (HN n Hn).
  assert (N1 : norm (sub (vs n) v) < r) by (apply Rlt_le_trans with (1 := HN), Rmin_l).
  assert (N2 : norm (sub (vs n) v) < e / K')
    by (apply Rlt_le_trans with (1 := HN), Rmin_r).
  eapply Rle_lt_trans; [apply HK; auto |].
  { rewrite norm_0; auto; intros j; unfold sub; ring. }
  assert (P := norm_nonneg (sub (vs n) v)).
  apply Rle_lt_trans with (K' * norm (sub (vs n) v)); [apply Rmult_le_compat_r; lra |].
  apply Rmult_lt_reg_l with (/ K'); [apply Rinv_0_lt_compat; lra |].
  rewrite <- Rmult_assoc, Rinv_l, Rmult_1_l, Rmult_comm by lra; exact N2.
Qed.

(** What is linear passes to convex combinations. *)
Lemma clarke_linear f v d (P : R -> Prop) :
  (forall D, limit_gradient f v D -> P (inner D d)) ->
  (forall l : list (R * R), (forall c p, In (c, p) l -> 0 <= c /\ P p) ->
     lsum fst l = 1 -> P (lsum (fun cp => fst cp * snd cp) l)) ->
  forall u, clarke f v u -> P (inner u d).
Proof.
  intros Lim Conv u (l & In_l & One & U).
  replace (inner u d) with
    (lsum (fun cp => fst cp * snd cp) (map (fun cD => (fst cD, inner (snd cD) d)) l)).
  - apply Conv.
    + intros c p I; apply in_map_iff in I; destruct I as ([c' D] & E & I).
      inversion E; subst; destruct (In_l _ _ I) as [Pc LD]; split; auto; now apply Lim.
    + rewrite <- One; clear; induction l; simpl; congruence.
  - assert (S : inner u d = Sum (fun j => lsum (fun cD => fst cD * snd cD j * d j) l)).
    { unfold inner; apply Sum_ext; intros j; rewrite U; clear.
      induction l; simpl; [ring | rewrite <- IHl; ring]. }
    rewrite S; clear; induction l as [| [c D] l IH]; simpl.
    + transitivity (Sum (fun _ : J => 0 * 0)); [rewrite Sum_scal; ring |].
      apply Sum_ext; intros; ring.
    + rewrite IH; unfold inner, Sum; clear; induction enum; simpl; [ring |].
      rewrite <- IHl0; ring.
Qed.

Lemma clarke_constant f v d E :
  (forall D, limit_gradient f v D -> inner D d = E) ->
  forall u, clarke f v u -> inner u d = E.
Proof.
  intros Lim; apply (clarke_linear f v d (fun p => p = E)); auto.
  intros l In_l One; rewrite <- (Rmult_1_l E), <- One; clear One.
  induction l as [| [c p] l IH]; simpl; [ring |].
  rewrite IH by (intros; apply In_l; now right).
  destruct (In_l c p) as [_ ->]; [now left | ring].
Qed.

Lemma clarke_bounded f v d M :
  (forall D, limit_gradient f v D -> inner D d <= M) ->
  forall u, clarke f v u -> inner u d <= M.
Proof.
  intros Lim; apply (clarke_linear f v d (fun p => p <= M)); auto.
  intros l In_l One; rewrite <- (Rmult_1_l M), <- One; clear One.
  induction l as [| [c p] l IH]; simpl; [lra |].
  rewrite Rmult_plus_distr_r; apply Rplus_le_compat.
  - destruct (In_l c p) as [P Q]; [now left |]; now apply Rmult_le_compat_l.
  - apply IH; intros; apply In_l; now right.
Qed.

End Support.

(* statement: homogeneous predictor *)
(** Assumption 1, (i) and (ii), on the data. *)
Record homogeneous_predictor {J D X} `{FiniteType J} `{Dataset D X}
    (Phi : vec J -> X -> R) (l : R) : Prop := {
  degree_pos : 0 < l;
  predictor_lipschitz : forall i, locally_lipschitz (fun v => Phi v (x i));
  predictor_homogeneous : forall a v i, 0 < a ->
    Phi (fun j => a * v j) (x i) = Rpower a l * Phi v (x i)
}.
Arguments degree_pos {_ _ _ _ _ _ _ _}.
Arguments predictor_lipschitz {_ _ _ _ _ _ _ _}.
Arguments predictor_homogeneous {_ _ _ _ _ _ _ _}.

(** Margins of the data points, and two sums weighted by the slopes of the loss. *)
Definition margin_at {J D X} `{FiniteType J} `{Dataset D X}
    (Phi : vec J -> X -> R) (i : D) (v : vec J) : R := y i * Phi v (x i).
Definition weighted_margin {J D X} `{FiniteType J} `{Dataset D X}
    (k : loss) (Phi : vec J -> X -> R) (v : vec J) : R :=
  Sum (fun i => - ell' k (margin_at Phi i v) * margin_at Phi i v).
Definition total_slope {J D X} `{FiniteType J} `{Dataset D X}
    (k : loss) (Phi : vec J -> X -> R) (v : vec J) : R :=
  Sum (fun i => - ell' k (margin_at Phi i v)).
(* end statement *)

Section Euler.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Context {Phi : vec J -> X -> R} {l : R}.
Hypothesis predictor : homogeneous_predictor Phi l.
Let l_pos := degree_pos predictor.
Let Lip := predictor_lipschitz predictor.
Let Hom := predictor_homogeneous predictor.
Variable k : loss.
Notation q := (margin_at Phi).
Notation nu := (weighted_margin k Phi).

Lemma ell'_continuous z : continuous (ell' k) z.
Proof.
  assert (E := exp_pos (- z)); destruct k; unfold ell';
    apply (ex_derive_continuous (V := R_NormedModule)); auto_derive; lra.
Qed.

Lemma q_lim i vs v : converges vs v -> is_lim_seq (fun n => q i (vs n)) (q i v).
Proof.
  intros C; unfold margin_at; apply (is_lim_seq_scal_l _ (y i) (Phi v (x i))).
  now apply (lipschitz_lim (fun v => Phi v (x i))).
Qed.

Lemma is_derive_Sum {I} `{FiniteType I} (f : I -> R -> R) (t : R) (d : vec I) :
  (forall i, is_derive (f i) t (d i)) ->
  is_derive (fun s => Sum (fun i => f i s)) t (Sum d).
Proof.
  intros Df; unfold Sum; induction enum; simpl.
  - apply (is_derive_const (V := R_NormedModule)).
  - now apply (is_derive_plus (V := R_NormedModule)).
Qed.

(** At a point of differentiability. *)
Lemma euler_gradient v Dv : is_gradient (total_loss k Phi) v Dv ->
  inner Dv v = - l * nu v.
Proof.
  intros Gr; apply (gradient_line _ _ _ v) in Gr.
  assert (Dr : is_derive (fun s => total_loss k Phi (fun j => v j + s * v j)) 0
                 (- l * nu v)).
  { apply (is_derive_ext_loc (fun s => Sum (fun i => ell k (exp (l * ln (1 + s)) * q i
      v)))).
    - exists (mkposreal 1 Rlt_0_1); intros s S; apply Rabs_lt_between in S; simpl in S.
      change (minus s 0) with (s - 0) in S; unfold total_loss; apply Sum_ext; intros i.
      f_equal; unfold margin_at.
      replace (fun j => v j + s * v j) with (fun j => (1 + s) * v j)
        by (apply functional_extensionality; intros j; ring).
      rewrite Hom by lra; unfold Rpower; ring.
    - replace (- l * nu v) with (Sum (fun i => ell' k (q i v) * (l * q i v))).
      2: { unfold weighted_margin; rewrite <- Sum_scal; apply Sum_ext; intros; ring. }
      apply is_derive_Sum; intros i.
      assert (Q : exp (l * ln (1 + 0)) * q i v = q i v)
        by (rewrite Rplus_0_r, ln_1, Rmult_0_r, exp_0; ring).
      replace (ell' k (q i v) * (l * q i v)) with (l * q i v * ell' k (q i v)) by ring.
      apply (is_derive_comp (ell k) (fun s => exp (l * ln (1 + s)) * q i v)).
      + rewrite Q; apply ell_derive.
      + auto_derive; [lra |]; rewrite Rplus_0_r, ln_1, Rmult_0_r, exp_0; field. }
  apply is_derive_unique in Gr; apply is_derive_unique in Dr; congruence.
Qed.

(** (a) Euler's identity: < u, v > = l sum_i ell'(q_i) q_i for every subgradient. *)
Theorem euler v u : clarke (total_loss k Phi) v u -> inner u v = - l * nu v.
Proof.
  apply clarke_constant; intros E (vs & Ds & Gr & Cv & CD).
  assert (L1 := inner_lim _ _ _ _ CD Cv).
  assert (L2 : is_lim_seq (fun n => - l * nu (vs n)) (- l * nu v)).
  { apply (is_lim_seq_scal_l _ (- l) (nu v)); unfold weighted_margin.
    apply (is_lim_seq_Sum (fun i n => - ell' k (q i (vs n)) * q i (vs n))
      (fun i => - ell' k (q i v) * q i v)); intros i.
    apply is_lim_seq_mult'; [| now apply q_lim].
    apply (is_lim_seq_opp _ (ell' k (q i v))).
    apply (is_lim_seq_continuous (ell' k)); [| now apply q_lim].
    apply continuity_pt_filterlim, ell'_continuous. }
  apply (is_lim_seq_ext _ (fun n => inner (Ds n) (vs n))) in L2.
  - apply is_lim_seq_unique in L1; apply is_lim_seq_unique in L2.
    rewrite L1 in L2; now injection L2.
  - intros n; symmetry; now apply euler_gradient.
Qed.

End Euler.
