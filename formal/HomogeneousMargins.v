(** * Homogeneous margins with Lipschitz gradients are smooth margins

    What Theorem J asks of the margins, from their homogeneity: a bound of the gradients
    on the unit sphere and a Lipschitz constant on the unit ball are all that is left. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export HomogeneousStep.
Open Scope R_scope.

Section Homogeneous.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Variables (z : D -> vec J -> R) (dz : D -> vec J -> vec J) (q : nat) (B1 B2 : R).
(* statement: homogeneous margins hypotheses *)
Hypothesis gradient : forall i w, is_gradient (z i) w (dz i w).
Hypothesis homogeneous : forall i s w, 0 < s ->
  z i (fun j => s * w j) = s ^ (q + 2) * z i w.
Hypothesis on_the_sphere : forall i w, norm w = 1 -> norm (dz i w) <= B1.
Hypothesis in_the_ball : forall i v w, norm v <= 1 -> norm w <= 1 ->
  norm (sub (dz i v) (dz i w)) <= B2 * norm (sub v w).
Hypothesis ordered : 0 <= B1 <= B2.
(* end statement *)

Lemma scaled_gradient i s w j : 0 < s ->
  dz i (fun j => s * w j) j = s ^ (q + 1) * dz i w j.
Proof.
  intros s0.
  assert (G1 : is_gradient (fun v : vec J => z i (fun j => s * v j)) w
    (fun j => s * dz i (fun j => s * w j) j)).
  { apply (gradient_scaled (z i) (fun _ => s) w); [intros; lra | apply gradient]. }
  assert (G2 : is_gradient (fun v : vec J => z i (fun j => s * v j)) w
    (fun j => s ^ (q + 2) * dz i w j)).
  { replace (fun v : vec J => z i (fun j => s * v j)) with
      (fun v : vec J => s ^ (q + 2) * z i v)
      by (apply functional_extensionality; intros v; now rewrite homogeneous).
    apply (gradient_comp (fun t => s ^ (q + 2) * t) (s ^ (q + 2)) (z i)); auto.
    auto_derive; auto; ring. }
  assert (E := is_gradient_unique _ _ _ _ G1 G2 j); cbv beta in E.
  apply Rmult_eq_reg_l with s; [| lra]; rewrite E.
  replace (q + 2)%nat with (1 + (q + 1))%nat by lia; rewrite pow_add, pow_1; ring.
Qed.

Lemma homogeneous_euler i w : inner w (dz i w) = (INR q + 2) * z i w.
Proof.
  assert (G := gradient_line (z i) w (dz i w) w (gradient i w)).
  assert (E : is_derive (fun s => z i (fun j => w j + s * w j)) 0
    ((INR q + 2) * z i w)).
  { apply (is_derive_ext_loc (fun s => (1 + s) ^ (q + 2) * z i w)).
    - exists (mkposreal 1 Rlt_0_1); intros s S; apply Rabs_lt_between in S; simpl in S.
      change (minus s 0) with (s - 0) in S.
      replace (fun j => w j + s * w j) with (fun j => (1 + s) * w j)
        by (apply functional_extensionality; intros; ring).
      symmetry; apply homogeneous; lra.
    - auto_derive; auto; rewrite Rplus_0_r, pow1, plus_INR; simpl (INR 2); ring. }
  apply is_derive_unique in G; apply is_derive_unique in E.
  rewrite inner_comm; congruence.
Qed.

Lemma gradient_at_zero i w j : (forall l, w l = 0) -> dz i w j = 0.
Proof.
  intros W; assert (S := scaled_gradient i 2 w j ltac:(lra)).
  replace (fun j => 2 * w j) with w in S
    by (apply functional_extensionality; intros l; rewrite W; ring).
  assert (P : 2 <= 2 ^ (q + 1)).
  { rewrite pow_add, pow_1; assert (1 <= 2 ^ q) by (apply pow_R1_Rle; lra); lra. }
  nra.
Qed.

Lemma zero_norm (w : vec J) : norm w <= 0 -> forall l, w l = 0.
Proof.
  intros N l; assert (A := norm_ge_component w l); assert (B := Rabs_pos (w l)).
  destruct (Req_dec (w l) 0) as [| Ne]; auto.
  assert (0 < Rabs (w l)) by now apply Rabs_pos_lt.
  lra.
Qed.

Lemma scaled_norm s (v : vec J) : 0 < s -> norm (fun j => v j / s) = norm v / s.
Proof.
  intros s0; transitivity (norm (fun j => / s * v j)).
  - apply norm_ext; intros j; unfold Rdiv; ring.
  - rewrite norm_scal, Rabs_pos_eq by (left; now apply Rinv_0_lt_compat).
    unfold Rdiv; ring.
Qed.

Lemma at_scaled i s w j : 0 < s -> dz i w j = s ^ (q + 1) * dz i (fun j => w j / s) j.
Proof.
  intros s0; rewrite <- scaled_gradient by auto; f_equal.
  apply functional_extensionality; intros l; field; lra.
Qed.

(* statement: homogeneous margins *)
Theorem homogeneous_margins : smooth_margins z dz q B1 B2.
(* end statement *)
Proof.
  split; auto.
  - apply homogeneous_euler.
  - intros i s w j; apply scaled_gradient.
  - intros i w; destruct (norm_nonneg w) as [N | N].
    + apply Rle_trans with (norm (fun j => norm w ^ (q + 1) *
        dz i (fun l => w l / norm w) j)).
      { right; apply norm_ext; intros j; now apply at_scaled. }
      rewrite norm_scal, Rabs_pos_eq by (apply pow_le; lra); rewrite Rmult_comm.
      apply Rmult_le_compat_r; [apply pow_le; lra |]; apply on_the_sphere.
      rewrite scaled_norm by auto; field; lra.
    + rewrite norm_0 at 1 by (intros j; apply gradient_at_zero, zero_norm; lra).
      apply Rmult_le_pos; [lra | apply pow_le, norm_nonneg].
  - intros i R0 v w V W; assert (Nv := norm_nonneg v).
    destruct (Rle_lt_or_eq_dec 0 R0 ltac:(lra)) as [P | E].
    + apply Rle_trans with (norm (fun j => R0 ^ (q + 1) *
        sub (dz i (fun l => v l / R0)) (dz i (fun l => w l / R0)) j)).
      { right; apply norm_ext; intros j; unfold sub.
        rewrite (at_scaled i R0 v), (at_scaled i R0 w) by auto; ring. }
      rewrite norm_scal, Rabs_pos_eq by (apply pow_le; lra).
      assert (I : forall t, t <= R0 -> t / R0 <= 1).
      { intros t T; apply Rmult_le_reg_r with R0; auto.
        unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra. }
      assert (Li := in_the_ball i (fun l => v l / R0) (fun l => w l / R0)).
      rewrite !scaled_norm in Li by auto; specialize (Li (I _ V) (I _ W)).
      replace (norm (sub (fun l => v l / R0) (fun l => w l / R0))) with
        (norm (sub v w) / R0) in Li.
      2: { rewrite <- scaled_norm by auto; apply norm_ext; intros j.
           unfold sub; field; lra. }
      apply Rmult_le_compat_l with (r := R0 ^ (q + 1)) in Li; [| apply pow_le; lra].
      apply Rle_trans with (1 := Li); right; rewrite pow_add, pow_1; field; lra.
    + subst R0; rewrite norm_0 at 1.
      2: { intros j; unfold sub; rewrite !gradient_at_zero; [ring | |];
           apply zero_norm; lra. }
      apply Rmult_le_pos; [| apply norm_nonneg].
      apply Rmult_le_pos; [lra | apply pow_le; lra].
Qed.

End Homogeneous.
