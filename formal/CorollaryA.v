(** * Corollary A (the companion's own): from zero averages the flow is
    preconditioned gradient flow *)

From Coq Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Lemma7.
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

(* statement: integrated *)
(** Lemma 5, integrated: an equality at all times. *)
Theorem lemma_5_integrated j A :
  assumption_2_ii ->
  integral (fun t => (1 - rho t j) / (1 + g t j / delta j)) A ->
  forall t, 0 <= t ->
  1 - beta t j ^ 2 = (1 - beta 0 j ^ 2) * exp (- A t).
(* end statement *)
Proof.
  intros Aii (AA & A0 & DA) t T.
  set (f s := 1 - beta s j ^ 2); set (E s := f s * exp (A s)).
  assert (AE : arc E).
  { apply (arc_mult f); [now apply arc_defect | now apply arc_exp]. }
  assert (DE : ae (fun s => is_derive E s 0)).
  { generalize (ae_and _ _ (lemma_5_rate Aii) DA); apply ae_imp.
    intros s _ [D5 Ds]; specialize (D5 j); fold f in D5; fold (rate s j) in Ds.
    change (1 - beta s j ^ 2) with (f s) in D5; unfold E.
    auto_derive; [repeat split; eexists; [apply D5 | apply Ds] |].
    replace (Derive (fun s => f s) s) with (- (rate s j * f s))
      by (symmetry; now apply is_derive_unique).
    replace (Derive (fun s => A s) s) with (rate s j)
      by (symmetry; now apply is_derive_unique).
    ring. }
  assert (Const : E t = E 0).
  { apply Rle_antisym; [apply arc_antitone | apply arc_monotone]; auto; try lra;
      revert DE; apply ae_imp; intros s _ D; exists 0; split; auto; lra. }
  unfold E in Const; rewrite A0, exp_0, Rmult_1_r in Const.
  change (f t = f 0 * exp (- A t)); rewrite <- Const, Rmult_assoc, <- exp_plus.
  rewrite Rplus_opp_r, exp_0; ring.
Qed.

End CorollaryA.
