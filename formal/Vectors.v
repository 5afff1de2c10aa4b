(** * Vectors indexed by a finite set

    The paper's [p] is any finite type J of components here, so that no proof needs
    to say "if j < p".  A vector is a function from J to R, and the paper's
    component-wise operations are written out per component. *)

From Coq Require Import Reals Lra Psatz List.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Calculus.
Import ListNotations.
Open Scope R_scope.

(* statement: vectors *)
Class FiniteType (J : Type) := {
  enum : list J;
  enum_once : NoDup enum;
  enum_all : forall j, In j enum
}.

Definition vec (J : Type) := J -> R.

Section Vectors.
Context {J : Type} `{FiniteType J}.

Definition Sum (f : J -> R) : R := lsum f enum.
Definition inner (u v : vec J) : R := Sum (fun j => u j * v j).
Definition norm (v : vec J) : R := sqrt (Sum (fun j => v j ^ 2)).
(* end statement *)

Definition sub (u v : vec J) : vec J := fun j => u j - v j.

Lemma Sum_ext f g : (forall j, f j = g j) -> Sum f = Sum g.
Proof. intros E; unfold Sum; induction enum; simpl; congruence. Qed.

Lemma Sum_le f g : (forall j, f j <= g j) -> Sum f <= Sum g.
Proof.
  intros E; unfold Sum; induction enum; simpl; [lra |].
  specialize (E a); lra.
Qed.

Lemma Sum_nonneg f : (forall j, 0 <= f j) -> 0 <= Sum f.
Proof.
  intros E; unfold Sum; induction enum; simpl; [lra |].
  specialize (E a); lra.
Qed.

Lemma Sum_scal c f : Sum (fun j => c * f j) = c * Sum f.
Proof. unfold Sum; induction enum; simpl; lra. Qed.

Lemma Sum_ge_term f j : (forall k, 0 <= f k) -> f j <= Sum f.
Proof.
  intros P; unfold Sum; generalize (enum_all j).
  induction enum as [| k l IH]; simpl; [tauto |].
  assert (0 <= lsum f l)
    by (clear IH; induction l; simpl; [lra |]; specialize (P a); lra).
  intros [-> | I]; [lra |]; specialize (IH I); specialize (P k); lra.
Qed.

Lemma norm_nonneg v : 0 <= norm v.
Proof. apply sqrt_pos. Qed.

Lemma norm_sqr v : norm v ^ 2 = Sum (fun j => v j ^ 2).
Proof.
  unfold norm; rewrite <- Rsqr_pow2; apply Rsqr_sqrt, Sum_nonneg.
  intros j; apply pow2_ge_0.
Qed.

(** Scaling the components by factors of at most M scales the norm by at most M. *)
Lemma norm_le_scaled u v M :
  0 <= M -> (forall j, Rabs (u j) <= M * Rabs (v j)) -> norm u <= M * norm v.
Proof.
  intros M0 B; unfold norm; rewrite <- (sqrt_pow2 M M0), <- sqrt_mult_alt;
    [| apply pow2_ge_0].
  apply sqrt_le_1_alt; rewrite <- Sum_scal; apply Sum_le; intros j.
  specialize (B j); rewrite <- (pow2_abs (u j)), <- (pow2_abs (v j)).
  assert (P := Rabs_pos (u j)); assert (Q := Rabs_pos (v j)); nra.
Qed.

Lemma norm_le_Sum v : norm v <= Sum (fun j => Rabs (v j)).
Proof.
  assert (P : 0 <= Sum (fun j => Rabs (v j)))
    by (apply Sum_nonneg; intros j; apply Rabs_pos).
  unfold norm; rewrite <- (sqrt_pow2 _ P) at 1; apply sqrt_le_1_alt; clear P.
  unfold Sum; induction enum as [| j l IH]; simpl; [lra |].
  assert (Q : 0 <= lsum (fun j => Rabs (v j)) l).
  { clear; induction l; simpl; [lra |]; generalize (Rabs_pos (v a)); lra. }
  assert (P := Rabs_pos (v j)).
  assert (E : Rabs (v j) * Rabs (v j) = v j * v j)
    by (rewrite <- Rabs_mult; apply Rabs_pos_eq; nra).
  simpl in *; nra.
Qed.

Lemma norm_ge_component v j : Rabs (v j) <= norm v.
Proof.
  unfold norm; rewrite <- (sqrt_pow2 (Rabs (v j))) by apply Rabs_pos.
  apply sqrt_le_1_alt; rewrite pow2_abs.
  apply (Sum_ge_term (fun j => v j ^ 2)); intros k; apply pow2_ge_0.
Qed.

(** Finitely many positive numbers have a positive lower and an upper bound. *)
Lemma finite_bounds (c : vec J) : (forall j, 0 < c j) ->
  exists m M, 0 < m /\ 0 < M /\ forall j, m <= c j <= M.
Proof.
  intros P.
  assert (B : exists m M, 0 < m /\ 0 < M /\ forall j, In j enum -> m <= c j <= M).
  { induction enum as [| k l (m & M & m0 & M0 & B)].
    - exists 1, 1; repeat split; try lra; easy.
    - exists (Rmin m (c k)), (Rmax M (c k)); specialize (P k).
      assert (L := Rmin_l m (c k)); assert (L' := Rmin_r m (c k)).
      assert (U := Rmax_l M (c k)); assert (U' := Rmax_r M (c k)).
      split; [minmax; lra |]; split; [lra |].
      intros j [<- | I]; [lra |]; specialize (B j I); lra. }
  destruct B as (m & M & m0 & M0 & B); exists m, M; repeat split; auto;
    apply B, enum_all.
Qed.

End Vectors.
