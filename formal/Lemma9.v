(** * Lemma 9: the logarithm of the skewed adapter does not fluctuate *)

From Coq Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Lemma8.
Open Scope R_scope.

Section Lemma9.
Context {J : Type} `{Process2 J}.

Definition dlog_beta (j : J) (t : R) : R := Derive (fun s => ln (beta s j)) t.

Lemma log_beta_derive :
  assumption_2_ii ->
  ae (fun t => forall j, is_derive (fun s => ln (beta s j)) t
    (rate t j * (1 - beta t j ^ 2) / (2 * beta t j ^ 2))).
Proof.
  intros A; generalize (beta_derive A); apply ae_imp; intros t T D j.
  assert (P := beta_positive A t (Rlt_le _ _ T) j); specialize (D j).
  set (b s := beta s j) in *; change (beta t j) with (b t) in *.
  change (is_derive (fun s => ln (b s)) t
    (rate t j * (1 - b t ^ 2) / (2 * b t ^ 2))).
  auto_derive; [repeat split; [eexists; apply D | exact P] |].
  replace (Derive (fun s => b s) t) with (rate t j * (1 - b t ^ 2) / (2 * b t))
    by (symmetry; now apply is_derive_unique).
  field; lra.
Qed.

Lemma arc_log_beta j : assumption_2_ii -> arc (fun t => ln (beta t j)).
Proof.
  intros A; apply (arc_ln (fun t => beta t j) (Rmin (beta 0 j) 1)).
  - now apply floor_pos.
  - now apply arc_beta.
  - intros t T; now apply lemma_7_ii.
Qed.

Lemma log_beta_limit :
  (forall v, 0 < L v) -> locally_lipschitz L -> admits_chain_rule L ->
  assumption_2_i -> assumption_2_ii ->
  forall j, is_lim (fun t => ln (beta t j)) p_infty 0.
Proof.
  intros P Lip Ch Ai Aii j; rewrite <- ln_1.
  apply is_lim_comp_continuous; [now apply lemma_8 |].
  apply (ex_derive_continuous ln); exists (/ 1); apply is_derive_Reals.
  apply derivable_pt_lim_ln; lra.
Qed.

(* statement: lemma 9 *)
Theorem lemma_9 :
  (forall v, 0 < L v) -> locally_lipschitz L -> admits_chain_rule L ->
  assumption_2_i -> assumption_2_ii ->
  forall j, integrable (dlog_beta j) /\
    exists V, integral (fun t => Rabs (dlog_beta j t)) V /\
      is_lim V p_infty (Rabs (ln (beta 0 j))).
(* end statement *)
Proof.
  intros P Lip Ch Ai Aii j.
  assert (I : integral (dlog_beta j) (fun t => ln (beta t j) - ln (beta 0 j))).
  { split; [| split; [ring |]].
    - apply arc_ext with (fun t => ln (beta t j) + - ln (beta 0 j)); [easy |].
      apply arc_plus; [now apply arc_log_beta | apply arc_const].
    - generalize (log_beta_derive Aii); apply ae_imp; intros t _ D.
      unfold dlog_beta.
      rewrite (is_derive_unique (fun s : R => ln (beta s j)) _ _ (D j)).
      rewrite <- (Rminus_0_r (_ / _)).
      apply (is_derive_minus (V := R_NormedModule)); [apply D |].
      apply (is_derive_const (V := R_NormedModule)). }
  destruct (defect_abs Aii j) as (s & S & S0 & _).
  assert (V : integral (fun t => Rabs (dlog_beta j t))
    (fun t => s * (ln (beta t j) - ln (beta 0 j)))).
  { destruct I as (A & Z & D); split; [| split].
    - now apply arc_scal.
    - simpl in Z; rewrite Z; ring.
    - generalize (ae_and _ _ D (log_beta_derive Aii)); apply ae_imp.
      intros t T [Dt Dl].
      replace (Rabs (dlog_beta j t)) with (s * dlog_beta j t);
        [now apply (is_derive_scal (fun t => ln (beta t j) - ln (beta 0 j))) |].
      assert (K := defect_sign s j Aii S0 t (Rlt_le _ _ T)).
      assert (N := rate_nonneg t j Aii (Rlt_le _ _ T)).
      assert (B := beta_positive Aii t (Rlt_le _ _ T) j).
      assert (E : dlog_beta j t =
        rate t j * (1 - beta t j ^ 2) / (2 * beta t j ^ 2))
        by (apply is_derive_unique, Dl).
      assert (Q : 0 <= s * dlog_beta j t).
      { rewrite E; unfold Rdiv; rewrite <- Rmult_assoc.
        apply Rmult_le_pos; [| left; apply Rinv_0_lt_compat; nra].
        rewrite (Rmult_comm (rate t j)), <- Rmult_assoc.
        now apply Rmult_le_pos. }
      destruct S as [-> | ->]; [rewrite Rabs_pos_eq | rewrite Rabs_left1]; lra. }
  assert (Lim : is_lim (fun t => s * (ln (beta t j) - ln (beta 0 j))) p_infty
    (Rabs (ln (beta 0 j)))).
  { replace (Finite (Rabs (ln (beta 0 j)))) with
      (Rbar_mult s (Finite (0 - ln (beta 0 j)))).
    - apply is_lim_scal_l.
      apply is_lim_minus' ; [now apply log_beta_limit | apply is_lim_const].
    - simpl; f_equal; assert (B := beta_positive Aii 0 (Rle_refl 0) j).
      destruct S as [-> | ->].
      + assert (beta 0 j <= 1) by nra.
        rewrite Rabs_left1; [ring |].
        apply Rle_trans with (ln 1); [apply ln_le; lra | rewrite ln_1; lra].
      + assert (1 <= beta 0 j).
        { apply Rnot_lt_le; intros N.
          assert (0 < (1 - beta 0 j) * (1 + beta 0 j))
            by (apply Rmult_lt_0_compat; lra).
          lra. }
        rewrite Rabs_pos_eq; [ring |].
        apply Rle_trans with (ln 1); [rewrite ln_1; lra | apply ln_le; lra]. }
  split; [split; [eexists; exact I | eexists; eexists; split; eassumption] |].
  eexists; split; eassumption.
Qed.

End Lemma9.
