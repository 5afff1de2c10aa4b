(** * Theorem 2, from Theorem 4, Proposition 1 and Lemmas 5 to 9

    What is cited in the paper is a premise here: Proposition 1 (Davis et al. 2020),
    Theorem 4 (Wang et al. 2021), and that the total loss is definable because the
    predictor is.  "Definable in an o-minimal structure in which exp is definable"
    is a predicate that the theorem quantifies over: nothing else about it is used. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Lemma9 KKT.
Open Scope R_scope.

(* statement: conclusion *)
(** f(t) = Theta(F(t)) as t tends to infinity. *)
Definition Theta (f F : R -> R) : Prop :=
  exists a b T, 0 < a /\ 0 < b /\ forall t, T <= t -> a * F t <= f t <= b * F t.

Definition converges_in_direction {J} `{FiniteType J}
    (v : R -> vec J) (u : vec J) : Prop :=
  0 < norm u /\
  forall j, is_lim (fun t => v t j / norm (v t)) p_infty (u j / norm u).

(** The three conclusions shared by Theorem 2 and Theorem 4, for the loss f along
    the trajectory v, with homogeneity degree l and a set of limit directions. *)
Definition implicit_regularization {J} `{FiniteType J}
    (f : vec J -> R) (l : R) (v : R -> vec J) (kkt : vec J -> Prop) : Prop :=
  Theta (fun t => f (v t)) (fun t => / (t * Rpower (ln t) (2 - 2 / l))) /\
  Theta (fun t => norm (v t)) (fun t => Rpower (ln t) (/ l)) /\
  exists u, kkt u /\ converges_in_direction v u.
(* end statement *)

(* statement: theorem 4 *)
(** Assumption 1, for a given notion of definability. *)
Definition assumption_1 {J X} `{FiniteType J}
    (definable : (vec J -> R) -> Prop) (Phi : vec J -> X -> R) (l : R) : Prop :=
  0 < l /\ forall x,
    locally_lipschitz (fun w => Phi w x) /\
    (forall a w, 0 < a -> Phi (fun j => a * w j) x = Rpower a l * Phi w x) /\
    definable (fun w => Phi w x).

(** What Theorem 4 (Wang et al. 2021) says of a predictor Phi of degree l. *)
Definition theorem_4 {J D X} `{FiniteType J} `{Dataset D X}
    (k : loss) (Phi : vec J -> X -> R) (l : R) : Prop :=
  forall (chi : vec J) (v beta Dv : R -> vec J),
  let Phi' := fun u => Phi (mul chi u) in
  (forall j, chi j <> 0) ->
  (forall j, arc (fun t => v t j)) ->
  (forall j, arc (fun t => beta t j)) ->
  (forall t j, 0 <= t -> 0 < beta t j) ->
  ae (fun t => clarke (total_loss k Phi') (v t) (Dv t)) ->
  ae (fun t => forall j, is_derive (fun s => v s j) t (- beta t j * Dv t j)) ->
  (exists t0, 0 <= t0 /\ total_loss k Phi' (v t0) < ell k 0) ->
  (forall j, is_lim (fun t => beta t j) p_infty 1) ->
  (forall j, integrable (fun t => Derive (fun s => ln (beta s j)) t)) ->
  implicit_regularization (total_loss k Phi') l v
    (max_margin_KKT Phi' (fun _ => 1)).
(* end statement *)

Section Theorem2.
Context {J D X : Type} `{P2 : Process2 J} `{Data : Dataset D X}.

Lemma chi_nonzero j : chi j <> 0.
Proof. generalize (chi_pos j); lra. Qed.

(** v := w / chi, and back. *)
Definition v (t : R) : vec J := fun j => w t j / chi j.

Lemma mul_chi_v t : mul chi (v t) = w t.
Proof.
  apply functional_extensionality; intros j; unfold mul, v; field.
  apply chi_nonzero.
Qed.

Lemma arc_v j : arc (fun t => v t j).
Proof.
  apply arc_ext with (fun t => / chi j * w t j).
  - intros t _; unfold v, Rdiv; ring.
  - apply arc_scal, arc_w.
Qed.

(** The gradient that drives v, a subgradient of the loss in v. *)
Lemma gradient_v k Phi :
  L = total_loss k Phi ->
  ae (fun t => clarke (total_loss k (fun u => Phi (mul chi u))) (v t)
                 (mul chi (G t))).
Proof.
  intros E; generalize gradient; apply ae_imp; intros t _ C.
  rewrite E, <- mul_chi_v in C.
  exact (clarke_scaled _ _ _ _ chi_nonzero C).
Qed.

(** v' = - beta (chi G), by equation (5). *)
Lemma flow_v :
  assumption_2_ii ->
  ae (fun t => forall j,
    is_derive (fun s => v s j) t (- beta t j * mul chi (G t) j)).
Proof.
  intros A; generalize (eq_5 A); apply ae_imp; intros t _ E j; specialize (E j).
  assert (C := chi_nonzero j).
  apply is_derive_ext with (fun s => / chi j * w s j).
  { intros s; apply Rmult_comm. }
  replace (- beta t j * mul chi (G t) j)
    with (/ chi j * (- chi j ^ 2 * beta t j * G t j))
    by (unfold mul; field; auto).
  now apply (is_derive_scal (fun s => w s j)).
Qed.

(** Norms of v and of w = chi v are of the same order. *)
Lemma norm_w_v : exists m M, 0 < m /\ 0 < M /\
  forall t, m * norm (v t) <= norm (w t) <= M * norm (v t).
Proof.
  destruct (finite_bounds chi chi_pos) as (m & M & m0 & M0 & B).
  exists m, M; repeat split; auto.
  - apply Rmult_le_reg_l with (/ m); [now apply Rinv_0_lt_compat |].
    rewrite <- Rmult_assoc, Rinv_l, Rmult_1_l by lra.
    apply norm_le_scaled; [left; now apply Rinv_0_lt_compat |].
    intros j; unfold v, Rdiv; rewrite Rabs_mult, Rmult_comm.
    apply Rmult_le_compat_r; [apply Rabs_pos |].
    rewrite Rabs_pos_eq by (left; apply Rinv_0_lt_compat, chi_pos).
    apply Rinv_le_contravar; [auto | apply B].
  - rewrite <- mul_chi_v; apply norm_le_scaled; [lra |]; intros j; unfold mul.
    rewrite Rabs_mult; apply Rmult_le_compat_r; [apply Rabs_pos |].
    rewrite Rabs_pos_eq by (left; apply chi_pos); apply B.
Qed.

Lemma is_lim_Sum (f : J -> R -> R) (l : vec J) :
  (forall j, is_lim (f j) p_infty (l j)) ->
  is_lim (fun t => Sum (fun j => f j t)) p_infty (Sum l).
Proof.
  intros C; unfold Sum; induction enum as [| j js IH]; simpl.
  - apply is_lim_const.
  - now apply is_lim_plus'.
Qed.

(** A limit direction of v, multiplied by chi, is one of w. *)
Lemma direction_w u :
  (exists T, forall t, T <= t -> 0 < norm (v t)) ->
  converges_in_direction v u -> converges_in_direction w (mul chi u).
Proof.
  intros (T & Pos) (U & C).
  set (d := fun j => u j / norm u).
  assert (Norm : forall c r, 0 < r ->
    norm (mul chi (fun j => c j / r)) = norm (mul chi c) / r).
  { intros c r r0; unfold norm, Rdiv.
    transitivity (sqrt (Sum (fun j => mul chi c j ^ 2)) * sqrt ((/ r) ^ 2)).
    2: { f_equal; apply sqrt_pow2; left; now apply Rinv_0_lt_compat. }
    rewrite <- sqrt_mult_alt.
    - f_equal; rewrite (Rmult_comm (Sum _)), <- Sum_scal; apply Sum_ext; intros j.
      unfold mul; ring.
    - apply Sum_nonneg; intros j; apply pow2_ge_0. }
  assert (Pu : 0 < norm (mul chi u)).
  { destruct (finite_bounds chi chi_pos) as (m & M & m0 & _ & B).
    assert (N : norm u <= / m * norm (mul chi u)).
    { apply norm_le_scaled; [left; now apply Rinv_0_lt_compat |]; intros j.
      apply Rmult_le_reg_l with m; auto.
      rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra.
      unfold mul; rewrite Rabs_mult, (Rabs_pos_eq (chi j)) by (left; apply chi_pos).
      apply Rmult_le_compat_r; [apply Rabs_pos | apply B]. }
    apply Rnot_le_lt; intros Z; assert (I := Rinv_0_lt_compat m m0).
    assert (Q := norm_nonneg (mul chi u)); nra. }
  split; auto; intros j.
  assert (Lim : is_lim (fun t => norm (mul chi (fun j => v t j / norm (v t))))
    p_infty (norm (mul chi d))).
  { unfold norm at 1 3; apply is_lim_comp_continuous.
    - apply (is_lim_Sum (fun j t => mul chi (fun i => v t i / norm (v t)) j ^ 2)
        (fun j => mul chi d j ^ 2)).
      intros i; apply (is_lim_comp_continuous
        (fun t => mul chi (fun i => v t i / norm (v t)) i) (fun z => z ^ 2)).
      + exact (is_lim_scal_l _ (chi i) _ _ (C i)).
      + apply (ex_derive_continuous (fun z => z ^ 2)); auto_derive; auto.
    - apply continuity_pt_filterlim, continuity_pt_sqrt, Sum_nonneg.
      intros i; apply pow2_ge_0. }
  assert (Nd : norm (mul chi d) = norm (mul chi u) / norm u)
    by (unfold d; now apply Norm).
  assert (Pd : norm (mul chi d) <> 0).
  { rewrite Nd; apply Rgt_not_eq; now apply Rdiv_lt_0_compat. }
  apply is_lim_ext_loc with
    (fun t => chi j * (v t j / norm (v t)) /
              norm (mul chi (fun j => v t j / norm (v t)))).
  { exists T; intros t Ht; assert (Pt := Pos t (Rlt_le _ _ Ht)).
    rewrite Norm, mul_chi_v by assumption.
    replace (w t j) with (chi j * v t j)
      by (unfold v; field; apply chi_nonzero).
    field; split; [| lra].
    destruct norm_w_v as (m & M & m0 & _ & B); destruct (B t); nra. }
  replace (Finite (mul chi u j / norm (mul chi u))) with
    (Finite (chi j * d j / norm (mul chi d))).
  2: { f_equal; rewrite Nd; unfold mul at 2, d; field; lra. }
  apply (is_lim_div _ _ _ (Finite (chi j * d j)) (Finite (norm (mul chi d)))).
  - exact (is_lim_scal_l _ (chi j) _ _ (C j)).
  - exact Lim.
  - intros Z; now apply Pd; injection Z.
  - exact I.
Qed.

(* statement: theorem 2 *)
Theorem theorem_2 (k : loss) (Phi : vec J -> X -> R) (l : R)
    (definable : (vec J -> R) -> Prop) :
  (* cited: closure of the definable functions; Proposition 1; Theorem 4 *)
  ((forall x, definable (fun w => Phi w x)) -> definable (total_loss k Phi)) ->
  (forall f, locally_lipschitz f -> definable f -> admits_chain_rule f) ->
  (assumption_1 definable Phi l -> theorem_4 k Phi l) ->
  (* assumed, as in the paper *)
  L = total_loss k Phi ->
  assumption_1 definable Phi l ->
  assumption_2_i -> assumption_2_ii ->
  (exists t0, 0 <= t0 /\ L (w t0) < ell k 0) ->
  implicit_regularization L l w
    (max_margin_KKT Phi (fun j => sqrt (sqrt (delta j / eps j)))).
(* end statement *)
Proof.
  intros Closed Prop1 Thm4 E A1 Ai Aii (t0 & T0 & Sep).
  assert (Lip : locally_lipschitz L).
  { rewrite E; apply total_loss_lipschitz; intros i; apply A1. }
  assert (Pos : forall u, 0 < L u) by (intros u; rewrite E; apply total_loss_pos).
  assert (Chain : admits_chain_rule L).
  { apply Prop1; auto; rewrite E; apply Closed; intros x; apply A1. }
  destruct (Thm4 A1 chi v beta (fun t => mul chi (G t))) as (Rate & Norm & Dir).
  - apply chi_nonzero.
  - apply arc_v.
  - intros j; now apply arc_beta.
  - intros t j T; now apply beta_positive.
  - now apply gradient_v.
  - now apply flow_v.
  - exists t0; split; auto; unfold total_loss; rewrite mul_chi_v; now rewrite E in Sep.
  - now apply lemma_8.
  - intros j; now apply lemma_9.
  - split; [| split].
    + destruct Rate as (a & b & T & a0 & b0 & B); exists a, b, T.
      split; [exact a0 | split; [exact b0 |]]; intros t Ht; specialize (B t Ht).
      rewrite E; unfold total_loss in *; now rewrite mul_chi_v in B.
    + destruct Norm as (a & b & T & a0 & b0 & B).
      destruct norm_w_v as (m & M & m0 & M0 & N); exists (m * a), (M * b), T.
      split; [nra | split; [nra |]]; intros t Ht.
      destruct (B t Ht) as [B1 B2]; destruct (N t) as [N1 N2].
      rewrite !Rmult_assoc; split.
      * apply Rle_trans with (2 := N1), Rmult_le_compat_l; [lra | exact B1].
      * apply Rle_trans with (1 := N2), Rmult_le_compat_l; [lra | exact B2].
    + destruct Dir as (u & Ku & Du); exists (mul chi u); split.
      * replace (fun j => sqrt (sqrt (delta j / eps j))) with (fun j => / chi j).
        { apply KKT_equivalent; [apply chi_nonzero |].
          replace (fun j => mul chi u j / chi j) with u; auto.
          apply functional_extensionality; intros j; unfold mul; field.
          apply chi_nonzero. }
        apply functional_extensionality; intros j; unfold chi.
        assert (De := delta_pos j); assert (Ep := eps_pos j).
        assert (Q : 0 < eps j / delta j) by now apply Rdiv_lt_0_compat.
        rewrite <- !sqrt_inv.
        do 2 f_equal; field; lra.
      * apply direction_w; auto; destruct Norm as (a & b & T & a0 & _ & B).
        exists T; intros t Ht; destruct (B t Ht) as [B1 _].
        apply Rlt_le_trans with (2 := B1), Rmult_lt_0_compat; auto.
        apply exp_pos.
Qed.

(* statement: isotropic theorem *)
(** With isotropic quotients delta/eps, as in AdaDelta itself: the same implicit
    regularization as plain gradient flow, problem (4). *)
Theorem theorem_2_isotropic (k : loss) (Phi : vec J -> X -> R) (l c : R)
    (definable : (vec J -> R) -> Prop) :
  ((forall x, definable (fun w => Phi w x)) -> definable (total_loss k Phi)) ->
  (forall f, locally_lipschitz f -> definable f -> admits_chain_rule f) ->
  (assumption_1 definable Phi l -> theorem_4 k Phi l) ->
  L = total_loss k Phi ->
  assumption_1 definable Phi l ->
  assumption_2_i -> assumption_2_ii ->
  (exists t0, 0 <= t0 /\ L (w t0) < ell k 0) ->
  0 < c -> (forall j, delta j / eps j = c) ->
  implicit_regularization L l w (max_margin_KKT Phi (fun _ => 1)).
(* end statement *)
Proof.
  intros Closed Prop1 Thm4 E A1 Ai Aii Sep C Iso.
  destruct (theorem_2 k Phi l definable) as (Rate & Norm & u & Ku & Du); auto.
  split; [exact Rate | split; [exact Norm |]]; exists u; split; auto.
  replace (fun j => sqrt (sqrt (delta j / eps j)))
    with (fun _ : J => sqrt (sqrt c)) in Ku.
  - apply KKT_isotropic in Ku; auto; now apply sqrt_lt_R0, sqrt_lt_R0.
  - apply functional_extensionality; intros j; now rewrite Iso.
Qed.

End Theorem2.
