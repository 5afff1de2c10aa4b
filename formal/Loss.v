(** * The total loss, for the exponential and the logistic loss *)

From Coq Require Import Reals Lra Psatz List.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Clarke.
Import ListNotations.
Open Scope R_scope.

(* statement: loss *)
Inductive loss := exponential | logistic.

Definition ell (k : loss) (z : R) : R :=
  match k with exponential => exp (- z) | logistic => ln (1 + exp (- z)) end.

(** A binary classification data set, nonempty, with inputs of any type. *)
Class Dataset (D X : Type) `{FiniteType D} := {
  x : D -> X;
  y : D -> R;
  labels : forall i, y i = 1 \/ y i = -1;
  nonempty : inhabited D
}.

Definition total_loss {J D X} `{Dataset D X}
    (k : loss) (Phi : vec J -> X -> R) (v : vec J) : R :=
  Sum (fun i => ell k (y i * Phi v (x i))).
(* end statement *)

Definition ell' (k : loss) (z : R) : R :=
  match k with
  | exponential => - exp (- z)
  | logistic => - exp (- z) / (1 + exp (- z))
  end.

Lemma ell_pos k z : 0 < ell k z.
Proof.
  assert (E := exp_pos (- z)); destruct k; simpl; auto.
  rewrite <- ln_1; apply ln_increasing; lra.
Qed.

Lemma ell_derive k z : is_derive (ell k) z (ell' k z).
Proof.
  assert (E := exp_pos (- z)); destruct k; unfold ell, ell'.
  - auto_derive; auto; ring.
  - auto_derive; [lra | field; lra].
Qed.

Lemma ell_derive_bound k M z : - M <= z <= M -> Rabs (ell' k z) <= exp M.
Proof.
  intros Z; assert (E := exp_pos (- z)).
  assert (B : exp (- z) <= exp M).
  { destruct (Req_dec (- z) M) as [-> | N]; [lra |].
    left; apply exp_increasing; lra. }
  destruct k; unfold ell'; rewrite Rabs_left1.
  - lra.
  - lra.
  - unfold Rdiv; rewrite <- Ropp_mult_distr_l, Ropp_involutive.
    apply Rle_trans with (exp (- z) * / 1); [| lra].
    apply Rmult_le_compat_l; [lra |]; apply Rinv_le_contravar; lra.
  - unfold Rdiv; rewrite <- Ropp_mult_distr_l.
    assert (0 < / (1 + exp (- z))) by (apply Rinv_0_lt_compat; lra); nra.
Qed.

Lemma ell_lipschitz k M a b :
  - M <= a <= M -> - M <= b <= M ->
  Rabs (ell k b - ell k a) <= exp M * Rabs (b - a).
Proof.
  intros A B; destruct (MVT_gen (ell k) a b (ell' k)) as (c & C & E).
  - intros z _; apply ell_derive.
  - intros z _; apply derivable_continuous_pt, ex_derive_Reals_0.
    eexists; apply ell_derive.
  - rewrite E, Rabs_mult; apply Rmult_le_compat_r; [apply Rabs_pos |].
    apply ell_derive_bound; revert C; minmax; lra.
Qed.

Section Loss.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (k : loss) (Phi : vec J -> X -> R).

Lemma total_loss_pos v : 0 < total_loss k Phi v.
Proof.
  destruct nonempty as [i].
  apply Rlt_le_trans with (ell k (y i * Phi v (x i))); [apply ell_pos |].
  apply (Sum_ge_term (fun i => ell k (y i * Phi v (x i)))).
  intros l; left; apply ell_pos.
Qed.

Lemma ell_comp_lipschitz c (f : vec J -> R) :
  locally_lipschitz f -> locally_lipschitz (fun v => ell k (c * f v)).
Proof.
  intros Lip v; destruct (Lip v) as (r & K & r0 & HK).
  set (M := Rabs c * (Rabs (f v) + Rabs K * r)).
  assert (Z : norm (sub v v) < r).
  { replace (norm (sub v v)) with 0; auto; unfold norm, sub.
    rewrite <- sqrt_0; f_equal.
    transitivity (Sum (fun _ : J => 0 * 0)); [rewrite Sum_scal; ring |].
    apply Sum_ext; intros j; ring. }
  assert (B : forall u, norm (sub u v) < r -> - M <= c * f u <= M).
  { intros u U; apply Rabs_le_between; rewrite Rabs_mult.
    apply Rmult_le_compat_l; [apply Rabs_pos |].
    replace (f u) with (f v + (f u - f v)) by ring.
    eapply Rle_trans; [apply Rabs_triang |]; apply Rplus_le_compat_l.
    eapply Rle_trans; [apply HK; auto |].
    assert (N := norm_nonneg (sub u v)); assert (L := Rle_abs K).
    assert (P := Rabs_pos K); nra. }
  exists r, (exp M * (Rabs c * K)); split; auto; intros a b Ha Hb.
  eapply Rle_trans; [apply (ell_lipschitz k M); auto |].
  replace (c * f b - c * f a) with (c * (f b - f a)) by ring.
  rewrite Rabs_mult, !Rmult_assoc; apply Rmult_le_compat_l.
  - left; apply exp_pos.
  - apply Rmult_le_compat_l; [apply Rabs_pos | now apply HK].
Qed.

Lemma total_loss_lipschitz :
  (forall i, locally_lipschitz (fun v => Phi v (x i))) ->
  locally_lipschitz (total_loss k Phi).
Proof.
  intros Lip; unfold total_loss, Sum; induction enum as [| i l IH]; intros v.
  - exists 1, 0; split; [lra |]; intros; simpl.
    rewrite Rminus_eq_0, Rabs_R0; lra.
  - destruct (IH v) as (r & K & r0 & HK).
    destruct (ell_comp_lipschitz (y i) _ (Lip i) v) as (s & K' & s0 & HK').
    exists (Rmin r s), (K' + K); split; [minmax; lra |]; intros a b A B; simpl.
    assert (A1 := Rlt_le_trans _ _ _ A (Rmin_l r s)).
    assert (A2 := Rlt_le_trans _ _ _ A (Rmin_r r s)).
    assert (B1 := Rlt_le_trans _ _ _ B (Rmin_l r s)).
    assert (B2 := Rlt_le_trans _ _ _ B (Rmin_r r s)).
    specialize (HK a b A1 B1); specialize (HK' a b A2 B2); simpl in HK, HK'.
    match goal with |- Rabs (?p + ?q - (?u + ?v)) <= _ =>
      replace (p + q - (u + v)) with ((p - u) + (q - v)) by ring end.
    eapply Rle_trans; [apply Rabs_triang |]; lra.
Qed.

End Loss.
