(** * Lemma 6: the exponentially decaying averages stay nonnegative

    It comes before Lemma 5 here, because the algebra of Lemma 5 takes square roots
    of quotients that are nonnegative only by Lemma 6. *)

From Coq Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Flow.
Open Scope R_scope.

Section Lemma6.
Context {J : Type} `{Process2 J}.

(** An average that decays towards squares rises wherever it is negative: the sign
    argument of the paper's proof, for (1) and (2) alike. *)
Lemma average_rises t j x y : 0 <= t -> y < 0 ->
  0 <= (1 - rho t j) * (x ^ 2 - y).
Proof.
  intros T Y; assert (D := rho_range t j T).
  apply Rmult_le_pos; [lra | generalize (pow2_ge_0 x); lra].
Qed.

(* statement: lemma 6 *)
Theorem lemma_6 :
  assumption_2_ii ->
  forall t, 0 <= t -> forall j, 0 <= g t j /\ 0 <= h t j.
(* end statement *)
Proof.
  intros A t T j; split.
  - apply (arc_barrier (fun t => g t j)); auto; [apply arc_g | apply A |].
    generalize eq_1; apply ae_imp; intros s S E N.
    eexists; split; [apply E |]; apply average_rises; [lra | exact N].
  - apply (arc_barrier (fun t => h t j)); auto; [apply arc_h | apply A |].
    generalize eq_2; apply ae_imp; intros s S E N.
    eexists; split; [apply E |]; apply average_rises; [lra | exact N].
Qed.

(** Equation (5) and, with it, the square of w'. *)
Theorem eq_5 :
  assumption_2_ii ->
  ae (fun t => forall j, is_derive (fun s => w s j) t
    (- chi j ^ 2 * beta t j * G t j)).
Proof.
  intros A; generalize eq_3; apply ae_imp; intros t T E j.
  destruct (lemma_6 A t (Rlt_le _ _ T) j) as [Pg Ph].
  specialize (E j); rewrite coefficient_5 in E by assumption.
  replace (- chi j ^ 2 * beta t j * G t j)
    with (- (chi j ^ 2 * beta t j) * G t j) by ring; exact E.
Qed.

End Lemma6.
