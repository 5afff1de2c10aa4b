(** * A run of Procedure 1 to which Theorem H1 applies, every hypothesis proven

    One input, 1, with label 1, the exponential loss, delta = eps = 1 and v = u = 1 at
    the start.  Then v = u throughout, the margin is v^2, and v grows without bound, for
    every learning rate and every schedule. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality Classical.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Example TheoremH.
Open Scope R_scope.

Section Run.
Variables (alpha eta : R) (rho : nat -> R).
Hypothesis alpha_pos : 0 < alpha.
Hypothesis eta_pos : 0 < eta.
Hypothesis rho_range : forall n, 0 <= rho n <= 1.

Definition only_input (t : R) : vec unit := fun _ => t.
Notation L := (total_loss (summed exponential) (one_unit alpha only_input)).

(** Both parameters at the level c. *)
Definition level (c : R) : vec (option unit) := fun _ => c.
Definition slope_at (c : R) : R := - (c * exp (- c ^ 2)).

(** The value, and the averages g and h, after n steps. *)
Fixpoint run_to (n : nat) : R * R * R :=
  match n with
  | O => (1, 0, 0)
  | S m => let '(c, g, h) := run_to m in
      let g' := rho m * g + (1 - rho m) * slope_at c ^ 2 in
      let move := sqrt ((1 + h) / (1 + g')) * slope_at c in
      (c - eta * move, g', rho m * h + (1 - rho m) * move ^ 2)
  end.
Definition value n := fst (fst (run_to n)).
Definition average_g n := snd (fst (run_to n)).
Definition average_h n := snd (run_to n).
Notation P := (factor 1 1 average_g average_h).

Lemma next_average_g n :
  average_g (S n) = rho n * average_g n + (1 - rho n) * slope_at (value n) ^ 2.
Proof. unfold average_g, value; simpl; now destruct (run_to n) as [[c g] h]. Qed.

Lemma next_average_h n : average_h (S n) =
  rho n * average_h n + (1 - rho n) * (P n * slope_at (value n)) ^ 2.
Proof.
  unfold factor; rewrite next_average_g; unfold average_g, average_h, value; simpl.
  now destruct (run_to n) as [[c g] h].
Qed.

Lemma next_value n : value (S n) = value n - eta * (P n * slope_at (value n)).
Proof.
  unfold factor; rewrite next_average_g; unfold average_g, average_h, value; simpl.
  now destruct (run_to n) as [[c g] h].
Qed.

(** ** The value grows without bound *)

Lemma slope_sqr_le c : slope_at c ^ 2 <= 1.
Proof.
  unfold slope_at; assert (E := exp_ineq1_le (c ^ 2)).
  assert (P := exp_pos (c ^ 2)); rewrite exp_Ropp.
  replace ((- (c * / exp (c ^ 2))) ^ 2) with (c ^ 2 / exp (c ^ 2) ^ 2) by (field; lra).
  apply Rmult_le_reg_r with (exp (c ^ 2) ^ 2); [now apply pow_lt |].
  unfold Rdiv; rewrite Rmult_assoc, Rinv_l, Rmult_1_r, Rmult_1_l
    by (apply pow_nonzero; lra).
  assert (Q := pow2_ge_0 c); nra.
Qed.

Lemma average_g_range n : 0 <= average_g n <= 1.
Proof.
  induction n as [| n IH]; [unfold average_g; simpl; lra |]; rewrite next_average_g.
  destruct (rho_range n); assert (Q := slope_sqr_le (value n)).
  assert (Q0 := pow2_ge_0 (slope_at (value n))); split.
  - apply Rplus_le_le_0_compat; apply Rmult_le_pos; lra.
  - apply Rle_trans with (rho n * 1 + (1 - rho n) * 1); [| lra].
    apply Rplus_le_compat; apply Rmult_le_compat_l; lra.
Qed.

Lemma average_h_nonneg n : 0 <= average_h n.
Proof.
  induction n as [| n IH]; [unfold average_h; simpl; lra |]; rewrite next_average_h.
  destruct (rho_range n); apply Rplus_le_le_0_compat; apply Rmult_le_pos;
    try lra; apply pow2_ge_0.
Qed.

Lemma factor_large n : / 2 <= P n.
Proof.
  assert (G := average_g_range (S n)); assert (Hn := average_h_nonneg n).
  unfold factor; rewrite <- (sqrt_pow2 (/ 2)) by lra; apply sqrt_le_1_alt.
  apply Rmult_le_reg_r with (1 + average_g (S n)); [lra |].
  unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra.
Qed.

Lemma value_rises n : 1 <= value n ->
  value n + eta / 2 * exp (- value n ^ 2) <= value (S n).
Proof.
  intros V; rewrite next_value; assert (F := factor_large n); unfold slope_at.
  assert (E := exp_pos (- value n ^ 2)); set (e := exp _) in *.
  assert (Q : / 2 * e <= P n * (value n * e)) by (apply Rmult_le_compat; nra).
  apply Rmult_le_compat_l with (r := eta) in Q; lra.
Qed.

Lemma value_large n : 1 <= value n.
Proof.
  induction n as [| n IH]; [unfold value; simpl; lra |].
  assert (R := value_rises n IH); assert (E := exp_pos (- value n ^ 2)).
  assert (0 <= eta / 2 * exp (- value n ^ 2)) by (apply Rmult_le_pos; lra); lra.
Qed.

Lemma value_increases n m : value n <= value (n + m).
Proof.
  induction m as [| m IH]; [rewrite Nat.add_0_r; lra |]; rewrite Nat.add_succ_r.
  assert (R := value_rises (n + m) (value_large _)).
  assert (E := exp_pos (- value (n + m) ^ 2)).
  assert (0 <= eta / 2 * exp (- value (n + m) ^ 2)) by (apply Rmult_le_pos; lra); lra.
Qed.

Lemma value_diverges : is_lim_seq value p_infty.
Proof.
  apply is_lim_seq_spec; intros M.
  destruct (classic (exists n, M < value n)) as [[n Mn] | No].
  - exists n; intros m I; replace m with (n + (m - n))%nat by lia.
    generalize (value_increases n (m - n)); lra.
  - exfalso; assert (Up : forall n, value n <= M)
      by (intros n; apply Rnot_lt_le; intros Lt; apply No; now exists n).
    set (m := eta / 2 * exp (- M ^ 2)).
    assert (m0 : 0 < m) by (apply Rmult_lt_0_compat; [lra | apply exp_pos]).
    assert (Far : forall n, INR n * m <= value n).
    { induction n as [| n IH]; [generalize (value_large 0); simpl; lra |].
      assert (R := value_rises n (value_large n)); rewrite S_INR.
      assert (Vn := value_large n); specialize (Up n).
      assert (exp (- M ^ 2) <= exp (- value n ^ 2)).
      { destruct (Rle_lt_or_eq_dec (- M ^ 2) (- value n ^ 2)) as [Lt | ->];
          [nra | left; now apply exp_increasing | lra]. }
      assert (m <= eta / 2 * exp (- value n ^ 2))
        by (apply Rmult_le_compat_l; lra); lra. }
    destruct (lim_large INR (M / m) is_lim_seq_INR) as [n Hn].
    specialize (Hn n (le_n n)); specialize (Far n); specialize (Up n).
    apply Rmult_lt_compat_r with (r := m) in Hn; auto.
    replace (M / m * m) with M in Hn by (field; lra); lra.
Qed.

(** ** It is a run of Procedure 1 *)

Lemma leaky_one : Rabs (leaky alpha (1 * 1)) = 1.
Proof. unfold leaky; rewrite Rmax_left, Rmin_right, Rabs_pos_eq; lra. Qed.

Lemma level_inner c (i : unit) :
  inner (incoming (level c)) (oriented alpha only_input 1 i) = c.
Proof.
  rewrite inner_one; unfold incoming, level, oriented, only_input; simpl.
  rewrite leaky_one; ring.
Qed.

Lemma level_loss c : 0 <= c -> L (level c) = exp (- c ^ 2).
Proof.
  intros c0; rewrite total_loss_summed; unfold Sum, one_unit; simpl.
  rewrite inner_one; unfold incoming, level, only_input, leaky.
  rewrite Rmax_left, Rmin_right by lra; rewrite Rplus_0_r; f_equal; ring.
Qed.

Lemma level_gradient c : 0 < c -> clarke L (level c) (fun _ => slope_at c).
Proof.
  intros c0; apply (unit_loss_clarke exponential alpha only_input 1 alpha_pos); auto.
  - unfold level; lra.
  - intros i; unfold one_unit; simpl; rewrite inner_one.
    unfold incoming, level, only_input, leaky.
    rewrite Rmax_left, Rmin_right by lra; nra.
  - intros o; unfold Sum, unit_margin; simpl; rewrite level_inner.
    unfold level at 1; replace (- (c * c)) with (- c ^ 2) by ring.
    replace (unit_gradient (oriented alpha only_input 1 tt) (level c) o) with c.
    + unfold slope_at; ring.
    + destruct o as [[] |]; simpl; [| now rewrite level_inner].
      unfold level, oriented, only_input; simpl; rewrite leaky_one; ring.
Qed.

Lemma value_run : procedure_1 L eta (fun _ => 1) (fun _ => 1) (fun n _ => rho n)
  (fun n => level (value n)) (fun n _ => slope_at (value n))
  (fun n _ => average_g n) (fun n _ => average_h n).
Proof.
  split; auto.
  - intros; lra.
  - intros; lra.
  - intros; unfold average_g; simpl; lra.
  - intros; unfold average_h; simpl; lra.
  - intros n; apply level_gradient; generalize (value_large n); lra.
  - intros n o; apply next_average_g.
  - intros n o; apply next_average_h.
  - intros n o; apply next_value.
Qed.

(** ** Its loss vanishes, and fast *)

Lemma square_loss_le c : 1 <= c -> (c ^ 2 + c ^ 2) * exp (- c ^ 2) <= 8 * / c.
Proof.
  intros c1; assert (E := exp_pos (c ^ 2)); assert (c2 : 1 <= c ^ 2) by nra.
  assert (Sq : (c ^ 2 / 2) ^ 2 <= exp (c ^ 2)).
  { replace (c ^ 2) with (c ^ 2 / 2 + c ^ 2 / 2) at 2 by field.
    rewrite exp_plus; assert (X := exp_ineq1_le (c ^ 2 / 2)).
    replace ((c ^ 2 / 2) ^ 2) with (c ^ 2 / 2 * (c ^ 2 / 2)) by ring.
    apply Rmult_le_compat; lra. }
  rewrite exp_Ropp; apply Rmult_le_reg_r with (exp (c ^ 2)); auto.
  rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
  apply Rle_trans with (8 * / c * (c ^ 2 / 2) ^ 2).
  - replace (8 * / c * (c ^ 2 / 2) ^ 2) with (2 * c ^ 2 * c) by (field; lra).
    nra.
  - apply Rmult_le_compat_l; auto.
    assert (0 < / c) by (apply Rinv_0_lt_compat; lra); lra.
Qed.

Lemma inverse_value_vanishes : is_lim_seq (fun n => 8 * / value n) 0.
Proof.
  replace 0 with (8 * 0) by ring; apply lim_seq_scal.
  apply (is_lim_seq_inv value p_infty value_diverges); discriminate.
Qed.

Lemma norm_level c : norm (level c) ^ 2 = c ^ 2 + c ^ 2.
Proof.
  rewrite norm_option, norm_one, pow2_abs; reflexivity.
Qed.

Lemma value_loss_fast :
  is_lim_seq (fun n => norm (level (value n)) ^ 2 * L (level (value n))) 0.
Proof.
  apply is_lim_seq_le_le with (fun _ => 0) (fun n => 8 * / value n);
    [| apply is_lim_seq_const | apply inverse_value_vanishes]; intros n.
  assert (V := value_large n); rewrite norm_level, level_loss by lra; split.
  - apply Rmult_le_pos; [nra | left; apply exp_pos].
  - now apply square_loss_le.
Qed.

Lemma value_loss_lim : is_lim_seq (fun n => L (level (value n))) 0.
Proof.
  apply is_lim_seq_le_le with (fun _ => 0) (fun n => 8 * / value n);
    [| apply is_lim_seq_const | apply inverse_value_vanishes]; intros n.
  assert (V := value_large n); rewrite level_loss by lra.
  assert (E := exp_pos (- value n ^ 2)); split; [lra |].
  apply Rle_trans with (2 := square_loss_le _ V).
  rewrite <- (Rmult_1_l (exp _)) at 1; apply Rmult_le_compat_r; nra.
Qed.

(* statement: one unit learns *)
(** The hypotheses of Theorem H1 can be met: any learning rate, any schedule. *)
Theorem one_unit_learns : exists w d g h,
  procedure_1 L eta (fun _ => 1) (fun _ => 1) (fun n _ => rho n) w d g h /\
  is_lim_seq (fun n => L (w n)) 0 /\
  is_lim_seq (fun n => norm (w n) ^ 2 * L (w n)) 0.
(* end statement *)
Proof.
  exists (fun n => level (value n)), (fun n _ => slope_at (value n)),
    (fun n _ => average_g n), (fun n _ => average_h n).
  split; [apply value_run | split; [apply value_loss_lim | apply value_loss_fast]].
Qed.

End Run.

(* statement: sign refuted *)
(** Without its sign the KKT point is not the only one. *)
Theorem theorem_H_sign_refuted (alpha : R) : 0 < alpha ->
  ~ exists wstar, forall w',
      max_margin_KKT (one_unit alpha only_input) (fun _ => 1) w' -> w' = wstar.
(* end statement *)
Proof.
  intros A (wstar & Only).
  assert (Ex : forall s, s = 1 \/ s = -1 -> exists w',
    max_margin_KKT (one_unit alpha only_input) (fun _ => 1) w' /\ 0 < s * w' None).
  { intros s Sg; apply (unit_KKT_exists alpha only_input s (fun _ => 1) A Sg).
    - intros; lra.
    - exists (fun _ => 1); intros i; rewrite inner_oriented, inner_one.
      unfold only_input; simpl; assert (P := side_slope_pos alpha s A Sg i); lra. }
  destruct (Ex 1 (or_introl eq_refl)) as (w1 & K1 & S1).
  destruct (Ex (-1) (or_intror eq_refl)) as (w2 & K2 & S2).
  rewrite (Only _ K1) in S1; rewrite (Only _ K2) in S2; lra.
Qed.
