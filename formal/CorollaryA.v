(** * Corollary A (the companion's own): from zero averages the flow is
    preconditioned gradient flow *)

From Coq Require Import Reals Lra Psatz.
Set Warnings "-ambiguous-paths".
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Import Arcs Vectors Clarke Flow Lemma6 Lemma5 Lemma7.
Open Scope R_scope.

Section CorollaryA.
Context {J : Type} `{Process2 J}.

(* statement: corollary A *)
Theorem corollary_A :
  (forall j, g 0 j = 0 /\ h 0 j = 0) ->
  (forall t, 0 <= t -> forall j, beta t j = 1) /\
  ae (fun t => forall j, is_derive (fun s => w s j) t
    (- sqrt (eps j / delta j) * G t j)).
(* end statement *)
Proof.
  intros Z.
  assert (A : assumption_2_ii) by (intros j; destruct (Z j); lra).
  assert (One : forall t, 0 <= t -> forall j, beta t j = 1).
  { intros t T j; apply lemma_7_cases; auto; unfold beta.
    destruct (Z j) as [-> ->]; unfold Rdiv; rewrite !Rmult_0_l, Rplus_0_r.
    rewrite Rinv_1, Rmult_1_l; apply sqrt_1. }
  split; auto; generalize (eq_5 A); apply ae_imp; intros t T E j.
  specialize (E j); rewrite One, chi_sqr, Rmult_1_r in E by lra; exact E.
Qed.

End CorollaryA.
