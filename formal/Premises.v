(** * The premises can be met together

    The flow of [Example], one weight and one data point, meets everything that Theorem 2
    asks of a smooth predictor, Ji and Telgarsky's inequality among it; and, with two
    classes, what it asks of linear scores. *)

From Coq Require Import Reals Lra Psatz FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Example OnePoint LinearFlow.
Open Scope R_scope.

Notation feature := (fun (input : R) (_ : unit) => input).

Lemma linear_is_linear : linear = linear_predictor feature.
Proof.
  apply functional_extensionality; intros v; apply functional_extensionality; intros z.
  unfold linear, linear_predictor; now rewrite inner_one.
Qed.

Lemma linear_gradient (c : R) : gradient_of (fun v => linear v c) (fun _ _ => c).
Proof.
  split.
  - intros v; apply (derive_is_gradient (fun z => z * c)); auto_derive; auto; ring.
  - intros v e e0; exists 1; split; [lra |]; intros; rewrite Rminus_eq_0, Rabs_R0; lra.
Qed.

Lemma learning_forgets : forgets_no_slower_than_1_over_t.
Proof.
  intros j; exists 1, 4; split; [lra |]; intros t T; simpl.
  replace (1 - (1 - 3 / (t + 4))) with (3 / (t + 4)) by ring.
  apply Rmult_le_reg_r with (t * (t + 4)); [nra |].
  replace (1 / t * (t * (t + 4))) with (t + 4) by (field; lra).
  replace (3 / (t + 4) * (t * (t + 4))) with (3 * t) by (field; lra); lra.
Qed.

(* statement: learning smooth *)
(** Every premise of [theorem_2_smooth], and its conclusion, for one flow. *)
Theorem learning_theorem_2_smooth :
  L = total_loss (summed exponential) linear /\
  assumption_1 (fun f => exists g, gradient_of f g) linear 1 /\
  assumption_2_i /\ assumption_2_ii /\
  (exists t0, 0 <= t0 /\ L (w t0) < ell exponential 0) /\
  desingularizing_inequality (summed exponential) (scaled chi linear) 1 /\
  forgets_no_slower_than_1_over_t /\
  implicit_regularization L 1 w (max_margin_KKT linear skew).
(* end statement *)
Proof.
  destruct learning_assumption_2 as (Ai & Aii & Sep).
  assert (E : L = total_loss (summed exponential) linear) by reflexivity.
  assert (A1 : assumption_1 (fun f => exists g, gradient_of f g) linear 1).
  { destruct learning_assumption_1 as [l0 A]; split; [exact l0 |]; intros c.
    destruct (A c) as (Lip & Hom & _); split; [exact Lip |]; split; [exact Hom |].
    exists (fun _ _ => c); apply linear_gradient. }
  assert (Ineq : desingularizing_inequality (summed exponential) (scaled chi linear) 1).
  { rewrite linear_is_linear, linear_scaled.
    apply (one_point_inequality (summed exponential) _ tt); [now intros [] |].
    intros q; change (exp (- q tt) + 0 = exp (- q tt)); ring. }
  assert (Forgets := learning_forgets).
  repeat (split; [assumption |]).
  now apply (theorem_2_smooth (summed exponential) linear 1 E A1 Ai Aii Sep).
Qed.

(** Two classes: the weight is the score of the label, 0 that of the other. *)
Definition two_scores (_ : unit) (label : bool) : vec unit :=
  fun _ => if label then 1 else 0.

(* statement: learning classes *)
Theorem learning_many_classes :
  L = pair_loss (linear_scores two_scores) (fun _ => tt) (fun _ : unit => true)
    (fun _ (_ : unit) => false) (summed exponential) /\
  implicit_regularization L 1 w
    (pair_KKT (linear_scores two_scores) (fun _ => tt) (fun _ : unit => true)
      (fun _ (_ : unit) => false) skew).
(* end statement *)
Proof.
  destruct learning_assumption_2 as (Ai & Aii & Sep).
  assert (E : L = pair_loss (linear_scores two_scores) (fun _ => tt)
    (fun _ : unit => true) (fun _ (_ : unit) => false) (summed exponential)).
  { apply functional_extensionality; intros v.
    change (L v) with (total_loss (summed exponential) linear v); rewrite learning_loss.
    rewrite pair_loss_summed; unfold lead, linear_scores, two_scores, Sum; simpl.
    rewrite !inner_one, !Rplus_0_r; f_equal; ring. }
  split; [exact E |].
  apply (theorem_2_linear_many_classes two_scores (fun _ => tt) (fun _ => true)
    (fun _ _ => false) (inhabits (tt, tt)) (summed exponential) E Ai Aii Sep).
Qed.
