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

(** The margins weighted by the slopes of the loss, and the slopes. *)
Definition weighted_margin {J D X} `{FiniteType J} `{Dataset D X}
    (k : joint_loss D) (Phi : vec J -> X -> R) (v : vec J) : R :=
  Sum (fun i => slope k (margins Phi v) i * margin_at Phi i v).
Definition total_slope {J D X} `{FiniteType J} `{Dataset D X}
    (k : joint_loss D) (Phi : vec J -> X -> R) (v : vec J) : R :=
  Sum (slope k (margins Phi v)).
(* end statement *)

Section Euler.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Context {Phi : vec J -> X -> R} {l : R}.
Hypothesis predictor : homogeneous_predictor Phi l.
Let Lip := predictor_lipschitz predictor.
Let Hom := predictor_homogeneous predictor.
Variable k : joint_loss D.
Notation q := (margin_at Phi).
Notation nu := (weighted_margin k Phi).

Lemma q_lim i vs v : converges vs v -> is_lim_seq (fun n => q i (vs n)) (q i v).
Proof.
  intros C; unfold margin_at; apply (is_lim_seq_scal_l _ (y i) (Phi v (x i))).
  now apply (lipschitz_lim (fun v => Phi v (x i))).
Qed.

(** At a point of differentiability. *)
Lemma euler_gradient v Dv : is_gradient (total_loss k Phi) v Dv ->
  inner Dv v = - l * nu v.
Proof.
  intros Gr; apply (gradient_line _ _ _ v) in Gr.
  assert (Dr : is_derive (fun s => total_loss k Phi (fun j => v j + s * v j)) 0
                 (- l * nu v)).
  { apply (is_derive_ext_loc
      (fun s => value k (fun i => exp (l * ln (1 + s)) * q i v))).
    - exists (mkposreal 1 Rlt_0_1); intros s S; apply Rabs_lt_between in S; simpl in S.
      change (minus s 0) with (s - 0) in S; unfold total_loss; f_equal.
      apply functional_extensionality; intros i; unfold margins, margin_at.
      replace (fun j => v j + s * v j) with (fun j => (1 + s) * v j)
        by (apply functional_extensionality; intros j; ring).
      rewrite Hom by lra; unfold Rpower; ring.
    - assert (Q : (fun i => exp (l * ln (1 + 0)) * q i v) = margins Phi v).
      { apply functional_extensionality; intros i.
        rewrite Rplus_0_r, ln_1, Rmult_0_r, exp_0, Rmult_1_l; reflexivity. }
      replace (- l * nu v) with (Sum (fun i => - slope k (fun i =>
        exp (l * ln (1 + 0)) * q i v) i * (l * q i v))).
      2: { rewrite Q; unfold weighted_margin; rewrite <- Sum_scal.
           apply Sum_ext; intros; ring. }
      apply (value_along k (fun s i => exp (l * ln (1 + s)) * q i v)); intros i.
      auto_derive; [lra |]; rewrite Rplus_0_r, ln_1, Rmult_0_r, exp_0; field. }
  apply is_derive_unique in Gr; apply is_derive_unique in Dr; congruence.
Qed.

(** (a) Euler's identity: < u, v > = - l sum_i slope_i q_i for every subgradient. *)
Theorem euler v u : clarke (total_loss k Phi) v u -> inner u v = - l * nu v.
Proof.
  apply clarke_constant; intros E (vs & Ds & Gr & Cv & CD).
  assert (L1 := inner_lim _ _ _ _ CD Cv).
  assert (L2 : is_lim_seq (fun n => - l * nu (vs n)) (- l * nu v)).
  { apply (is_lim_seq_scal_l _ (- l) (nu v)); unfold weighted_margin.
    apply (is_lim_seq_Sum (fun i n => slope k (margins Phi (vs n)) i * q i (vs n))
      (fun i => slope k (margins Phi v) i * q i v)); intros i.
    apply is_lim_seq_mult'; [| now apply q_lim].
    apply (continuous_at_seq (fun z => slope k z i) (margins Phi v));
      [apply slope_continuous | intros i'; now apply q_lim]. }
  apply (is_lim_seq_ext _ (fun n => inner (Ds n) (vs n))) in L2.
  - apply is_lim_seq_unique in L1; apply is_lim_seq_unique in L2.
    rewrite L1 in L2; now injection L2.
  - intros n; symmetry; now apply euler_gradient.
Qed.

End Euler.
