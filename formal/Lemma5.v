(** * Lemma 5: the derivative of 1 minus the squared skewed adapter *)

From Coq Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Lemma6.
Open Scope R_scope.

Section Lemma5.
Context {J : Type} `{Process2 J}.

(** The displayed lines of the paper's proof, in one component and at one time:
    a, b stand for g, h, and u, v for the squared gradient and the squared w'. *)
Section Lines.
Variables (r d e a b u v : R).
Hypotheses (d0 : 0 < d) (e0 : 0 < e) (a0 : 0 <= a) (b0 : 0 <= b).
Hypothesis eq_5_squared : v = e / d * ((1 + b / e) / (1 + a / d)) * u.

Let den_pos : d <> 0 /\ e <> 0 /\ d + a <> 0.
Proof. repeat split; lra. Qed.

(** Line 1: the quotient rule. *)
Lemma line_1 (fa fb : R -> R) t a' b' :
  fa t = a -> fb t = b -> is_derive fa t a' -> is_derive fb t b' ->
  is_derive (fun s => 1 - (1 + fb s / e) / (1 + fa s / d)) t
    (- (b' / e + b' * a / (e * d) - a' / d - a' * b / (d * e)) / (1 + a / d) ^ 2).
Proof.
  intros Ea Eb Da Db; auto_derive.
  - repeat split; [eexists; apply Db | eexists; apply Da |].
    rewrite Ea; generalize (one_plus_pos a d a0 d0); unfold Rdiv; lra.
  - replace (Derive (fun s => fa s) t) with a'
      by (symmetry; now apply is_derive_unique).
    replace (Derive (fun s => fb s) t) with b'
      by (symmetry; now apply is_derive_unique).
    rewrite Ea, Eb.
    field; tauto.
Qed.

(** Line 2: equations (1) and (2) put in. *)
Lemma line_2 (a' b' : R) :
  a' = (1 - r) * (u - a) -> b' = (1 - r) * (v - b) ->
  - (b' / e + b' * a / (e * d) - a' / d - a' * b / (d * e)) / (1 + a / d) ^ 2 =
  - (1 - r) / (1 + a / d) ^ 2 *
    (v / e - b / e - u / d + a / d + v * a / (e * d) - u * b / (d * e)).
Proof. intros -> ->; field; tauto. Qed.

(** Line 3: rearranging. *)
Lemma line_3 :
  v / e - b / e - u / d + a / d + v * a / (e * d) - u * b / (d * e) =
  a / d - b / e + v / e * (1 + a / d) - u / d * (1 + b / e).
Proof. field; tauto. Qed.

(** Line 4: by equation (5) the last two terms cancel. *)
Lemma line_4 :
  a / d - b / e + v / e * (1 + a / d) - u / d * (1 + b / e) = a / d - b / e.
Proof. rewrite eq_5_squared; field; tauto. Qed.

(** Line 5: calculation. *)
Lemma line_5 :
  - (1 - r) / (1 + a / d) ^ 2 * (a / d - b / e) =
  - (1 - r) / (1 + a / d) * (1 - (1 + b / e) / (1 + a / d)).
Proof. field; tauto. Qed.

End Lines.

(* statement: lemma 5 *)
Theorem lemma_5 :
  assumption_2_ii ->
  ae (fun t => forall j, is_derive (fun s => 1 - beta s j ^ 2) t
    (- (1 - rho t j) / (1 + g t j / delta j) * (1 - beta t j ^ 2))).
(* end statement *)
Proof.
  intros A; generalize (ae_and _ _ (ae_and _ _ eq_1 eq_2) (eq_5 A)).
  apply ae_imp; intros t T [[E1 E2] E5] j; specialize (E1 j); specialize (E2 j).
  destruct (lemma_6 A t (Rlt_le _ _ T) j) as [Pg Ph].
  assert (D := delta_pos j); assert (E := eps_pos j).
  apply (is_derive_ext_loc (fun s => 1 - beta2 s j)).
  { exists (mkposreal t T); intros s S; apply Rabs_lt_between in S; simpl in S.
    change (minus s t) with (s - t) in S.
    destruct (lemma_6 A s) with (j := j) as [Pg' Ph']; [lra |].
    now rewrite beta_sqr. }
  assert (W : Derive (fun s : R => w s j) t = - chi j ^ 2 * beta t j * G t j)
    by apply is_derive_unique, E5.
  rewrite W in E2; clear W.
  assert (W2 : (- chi j ^ 2 * beta t j * G t j) ^ 2 =
    eps j / delta j * beta2 t j * G t j ^ 2).
  { rewrite <- beta_sqr, chi_sqr by assumption.
    assert (S : sqrt (eps j / delta j) ^ 2 = eps j / delta j)
      by (apply pow2_sqrt; left; now apply Rdiv_lt_0_compat).
    rewrite <- S at 2; ring. }
  rewrite beta_sqr by assumption; unfold beta2 in *.
  rewrite <- line_5, <- (line_4 _ _ _ _ _ _ D E Pg W2), <- line_3 by assumption.
  rewrite <- (line_2 _ _ _ _ _ _ _ D E Pg _ _ eq_refl eq_refl).
  now apply (line_1 _ _ _ _ D E Pg (fun s => g s j) (fun s => h s j)).
Qed.

End Lemma5.
