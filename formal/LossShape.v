(** * What the exponential and the logistic loss have in common

    psi is -ell' as a function of ell, inv is the inverse of ell: inv' = -1/psi, psi is
    positive, increasing and subadditive, and e^(-inv), psi and the loss itself are of
    one order below ell(0). *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Loss.
Import ListNotations.
Open Scope R_scope.

Lemma exp_gt_1 s : 0 < s -> 1 < exp s.
Proof. intros S; rewrite <- exp_0; now apply exp_increasing. Qed.

Lemma psi_pos k s : 0 < s -> 0 < psi k s.
Proof.
  intros S; destruct k; simpl; auto.
  assert (Less : exp (- s) < exp 0) by (apply exp_increasing; lra);
    rewrite exp_0 in Less; lra.
Qed.

Lemma psi_ell k z : - ell' k z = psi k (ell k z).
Proof.
  assert (E := exp_pos (- z)); destruct k; unfold ell', psi, ell.
  - ring.
  - rewrite <- ln_Rinv by lra; rewrite exp_ln; [field; lra |].
    apply Rinv_0_lt_compat; lra.
Qed.

Lemma psi_mono k s t : s <= t -> psi k s <= psi k t.
Proof.
  intros L; destruct k; simpl; auto.
  destruct L as [L | ->]; [| lra].
  assert (exp (- t) < exp (- s)) by (apply exp_increasing; lra); lra.
Qed.

Lemma psi_subadd k s t : 0 <= s -> 0 <= t -> psi k (s + t) <= psi k s + psi k t.
Proof.
  intros S T; destruct k; simpl; [lra |].
  replace (- (s + t)) with (- s + - t) by ring; rewrite exp_plus.
  assert (A : exp (- s) <= 1).
  { rewrite <- exp_0; destruct S as [S | <-]; [left; apply exp_increasing; lra |].
    rewrite Ropp_0; lra. }
  assert (B : exp (- t) <= 1).
  { rewrite <- exp_0; destruct T as [T | <-]; [left; apply exp_increasing; lra |].
    rewrite Ropp_0; lra. }
  nra.
Qed.

Lemma psi_0 k : psi k 0 = 0.
Proof. destruct k; simpl; auto; rewrite Ropp_0, exp_0; ring. Qed.

Lemma psi_Sum {D} `{FiniteType D} k (f : D -> R) : (forall i, 0 <= f i) ->
  psi k (Sum f) <= Sum (fun i => psi k (f i)).
Proof.
  intros F; unfold Sum; induction enum as [| i is IH]; simpl; [rewrite psi_0; lra |].
  assert (P : 0 <= lsum f is)
    by (clear - F; induction is as [| a is IH]; simpl; [| specialize (F a)]; lra).
  assert (S := psi_subadd k (f i) (lsum f is) (F i) P); lra.
Qed.

(** psi is the identity up to second order, and the slope is at most e^-z. *)
Lemma psi_near_id k s : 0 <= s -> s - s ^ 2 <= psi k s <= s.
Proof.
  intros S; destruct k; simpl; [nra |]; assert (E := exp_ineq1_le s).
  assert (E' := exp_ineq1_le (- s)); assert (Q := exp_pos (- s)).
  assert (P : exp s * exp (- s) = 1) by (rewrite <- exp_plus, Rplus_opp_r; apply exp_0).
  assert (One : (1 + s) * exp (- s) <= 1) by nra.
  split; [| lra]; apply Rnot_lt_le; intros N.
  assert ((1 + s) * (1 - s + s ^ 2) < (1 + s) * exp (- s)); [| nra].
  apply Rmult_lt_compat_l; simpl; lra.
Qed.

Lemma ell_slope_le_exp k z : - ell' k z <= exp (- z).
Proof.
  assert (E := exp_pos (- z)); destruct k; unfold ell'; [lra |].
  replace (- (- exp (- z) / (1 + exp (- z)))) with (exp (- z) / (1 + exp (- z)))
    by (field; lra).
  apply Rmult_le_reg_r with (1 + exp (- z)); [lra |].
  unfold Rdiv; rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra; nra.
Qed.

Lemma inverse_ell k z : inverse_loss k (ell k z) = z.
Proof.
  assert (E := exp_pos (- z)); destruct k; unfold inverse_loss, ell.
  - rewrite ln_exp; ring.
  - rewrite exp_ln by lra; replace (1 + exp (- z) - 1) with (exp (- z)) by ring.
    rewrite ln_exp; ring.
Qed.

Lemma inverse_antitone k s t : 0 < s -> s <= t -> inverse_loss k t <= inverse_loss k s.
Proof.
  intros S L; destruct k; simpl; apply Ropp_le_contravar; apply ln_le; auto.
  - generalize (exp_gt_1 s S); lra.
  - destruct L as [L | ->]; [| lra].
    generalize (exp_increasing s t L); lra.
Qed.

Lemma inverse_antitone_strict k s t : 0 < s -> s < t ->
  inverse_loss k t < inverse_loss k s.
Proof.
  intros S L; destruct k; simpl; apply Ropp_lt_contravar; apply ln_increasing; auto.
  - generalize (exp_gt_1 s S); lra.
  - generalize (exp_increasing s t L); lra.
Qed.

Lemma inverse_derive k s : 0 < s -> is_derive (inverse_loss k) s (- / psi k s).
Proof.
  intros S; assert (E := exp_gt_1 s S); destruct k; unfold inverse_loss, psi.
  - auto_derive; [auto | field; lra].
  - auto_derive; [lra |]; rewrite exp_Ropp; field; split; lra.
Qed.

(** Orders of magnitude below ell(0). *)
Lemma below k s : 0 < s -> s < ell k 0 ->
  0 < inverse_loss k s /\
  / 2 * exp (- inverse_loss k s) <= s <= exp (- inverse_loss k s) /\
  / 2 * exp (- inverse_loss k s) <= psi k s <= exp (- inverse_loss k s).
Proof.
  intros S L.
  assert (I : 0 < inverse_loss k s) by (rewrite <- (inverse_ell k 0);
    now apply inverse_antitone_strict).
  split; [exact I |].
  destruct k; unfold inverse_loss, psi in *; rewrite Ropp_involutive.
  - rewrite exp_ln by exact S; lra.
  - assert (E := exp_gt_1 s S); rewrite exp_ln by lra.
    assert (U : exp s < 2).
    { unfold ell in L; rewrite Ropp_0, exp_0 in L.
      replace 2 with (exp (ln 2)) by (apply exp_ln; lra).
      apply exp_increasing; replace 2 with (1 + 1) by ring; exact L. }
    assert (A := exp_ineq1_le s); assert (B := exp_ineq1_le (- s)).
    assert (P : exp s * exp (- s) = 1) by (rewrite <- exp_plus, Rplus_opp_r;
      apply exp_0).
    assert (Q := exp_pos (- s)); repeat split; nra.
Qed.

(** A loss varies by at most three times its slope over a unit interval. *)
Lemma ell_local k a b : Rabs (b - a) <= 1 ->
  Rabs (ell k b - ell k a) <= 3 * - ell' k a * Rabs (b - a) /\
  - ell' k b <= 3 * - ell' k a.
Proof.
  intros N.
  assert (Slope : forall c, Rabs (c - a) <= 1 -> 0 <= - ell' k c <= 3 * - ell' k a).
  { intros c C; assert (Ea := exp_pos (- a)); assert (Ec := exp_pos (- c)).
    assert (B : exp (- c) <= 3 * exp (- a)).
    { replace (- c) with (- (c - a) + - a) by ring; rewrite exp_plus.
      apply Rmult_le_compat_r; [lra |].
      apply Rle_trans with (exp 1); [| apply exp_le_3].
      apply Rabs_le_between in C.
      destruct (Req_dec (- (c - a)) 1) as [-> |]; [lra |].
      left; apply exp_increasing; lra. }
    destruct k; unfold ell'; [lra |].
    replace (- (- exp (- c) / (1 + exp (- c)))) with (exp (- c) / (1 + exp (- c)))
      by (field; lra).
    replace (3 * - (- exp (- a) / (1 + exp (- a)))) with
      (3 * exp (- a) / (1 + exp (- a))) by (field; lra).
    split; [apply Rdiv_le_0_compat; lra |].
    apply Rmult_le_reg_r with ((1 + exp (- c)) * (1 + exp (- a))); [nra |].
    field_simplify; [| lra | lra]; nra. }
  split; [| apply Slope; exact N].
  destruct (MVT_gen (ell k) a b (ell' k)) as (c & C & E).
  - intros z _; apply ell_derive.
  - intros z _; apply derivable_continuous_pt, ex_derive_Reals_0.
    eexists; apply ell_derive.
  - rewrite E, Rabs_mult; apply Rmult_le_compat_r; [apply Rabs_pos |].
    destruct (Slope c) as [L U]; [revert C N; unfold Rabs; minmax;
      repeat destruct (Rcase_abs _); lra |].
    rewrite Rabs_left1; lra.
Qed.
