(** * A flow to which Theorem 2 applies, every premise proven

    One flow, in closed form, on which Assumptions 1 and 2 hold together: a single
    weight, a single data point, the exponential loss, rho(t) = 1 - 3 / (t + 4) and
    delta = eps = 1.  Its solution is w(t) = log(t + 4), g(t) = h(t) = 3 / (t + 4)^2. *)

From Coq Require Import Reals Lra Psatz FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Sanity JointLosses Theorem2.
Open Scope R_scope.

(** In one dimension the derivative is the gradient. *)
Lemma derive_is_gradient (f : R -> R) (v : vec unit) d :
  is_derive f (v tt) d -> is_gradient (fun v => f (v tt)) v (fun _ => d).
Proof.
  intros [_ D] e e0.
  destruct (D (v tt) (fun P H => H) (mkposreal e e0)) as [r Near].
  exists (pos r); split; [apply cond_pos |]; intros z Z.
  rewrite norm_one, inner_one in *; unfold sub in *.
  specialize (Near (z tt) Z); simpl in Near.
  rewrite (Rmult_comm d); exact Near.
Qed.

Lemma arc_shift : arc (fun t => t + 4).
Proof. apply arc_plus; [apply arc_id | apply arc_const]. Qed.

Lemma arc_average : arc (fun t => 3 / (t + 4) ^ 2).
Proof.
  apply arc_ext with (fun t => 3 * (/ (t + 4) * / (t + 4))).
  - intros t T; field; lra.
  - apply arc_scal, arc_mult; apply arc_inv; try apply arc_shift; intros; lra.
Qed.

Lemma average_derive t : 0 < t ->
  is_derive (fun s => 3 / (s + 4) ^ 2) t
    ((1 - (1 - 3 / (t + 4))) * ((- / (t + 4)) ^ 2 - 3 / (t + 4) ^ 2)).
Proof.
  intros T; auto_derive; [nra | field; lra].
Qed.

Lemma log_derive t : 0 < t -> is_derive (fun s => ln (s + 4)) t (/ (t + 4)).
Proof. intros T; auto_derive; [lra | field; lra]. Qed.

Definition linear (v : vec unit) (x : R) : R := v tt * x.

#[export] Instance one_point : Dataset unit R.
Proof.
  refine {| x := fun _ => 1; y := fun _ => 1 |}.
  - intros _; now left.
  - exact (inhabits tt).
Defined.

Lemma learning_loss v : total_loss (summed exponential) linear v = exp (- v tt).
Proof.
  rewrite total_loss_summed; unfold Sum, linear; simpl.
  rewrite Rplus_0_r; f_equal; ring.
Qed.

#[export] Instance learning : Process2 unit.
Proof.
  refine {|
    L := total_loss (summed exponential) linear;
    rho := fun t _ => 1 - 3 / (t + 4);
    delta := fun _ => 1;
    eps := fun _ => 1;
    g := fun t _ => 3 / (t + 4) ^ 2;
    h := fun t _ => 3 / (t + 4) ^ 2;
    w := fun t _ => ln (t + 4);
    G := fun t _ => - / (t + 4)
  |}.
  - intros _; lra.
  - intros _; lra.
  - intros t _ T; assert (0 <= 3 / (t + 4)) by (apply Rdiv_le_0_compat; lra).
    assert (3 / (t + 4) <= 1); [| lra].
    apply Rmult_le_reg_r with (t + 4); [lra |].
    unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra.
  - intros _; apply arc_average.
  - intros _; apply arc_average.
  - intros _; apply arc_ln with 1; [lra | apply arc_shift | intros; lra].
  - apply everywhere; intros t T; apply gradient_in_clarke.
    replace (total_loss (summed exponential) linear)
      with (fun v : vec unit => exp (- v tt))
      by (apply functional_extensionality; intros v; now rewrite learning_loss).
    apply (derive_is_gradient (fun z => exp (- z))); auto_derive; auto.
    rewrite exp_Ropp, exp_ln by lra; ring.
  - apply everywhere; intros t T _; now apply average_derive.
  - apply everywhere; intros t T _.
    replace (Derive (fun s => ln (s + 4)) t) with (/ (t + 4))
      by (symmetry; now apply is_derive_unique, log_derive).
    replace (/ (t + 4)) with (- - / (t + 4)) at 1 by ring.
    replace ((- - / (t + 4)) ^ 2) with ((- / (t + 4)) ^ 2) by ring.
    now apply average_derive.
  - apply everywhere; intros t T _; replace (- sqrt _ * _) with (/ (t + 4)).
    + now apply log_derive.
    + assert (0 < 3 / (t + 4) ^ 2) by (apply Rdiv_lt_0_compat; nra).
      replace ((1 + 3 / (t + 4) ^ 2) / (1 + 3 / (t + 4) ^ 2)) with 1 by (field; nra).
      rewrite sqrt_1; ring.
Defined.

Fact learning_assumption_1 : assumption_1 (fun _ => True) linear 1.
Proof.
  split; [lra |]; intros x; repeat split.
  - intros v; exists 1, (Rabs x); split; [lra |]; intros a b _ _.
    rewrite norm_one; unfold linear, sub.
    replace (b tt * x - a tt * x) with (x * (b tt - a tt)) by ring.
    rewrite Rabs_mult; lra.
  - intros a v A; unfold linear; rewrite Rpower_1 by assumption; ring.
Qed.

Fact learning_assumption_2 :
  assumption_2_i /\ assumption_2_ii /\
  exists t0, 0 <= t0 /\ L (w t0) < ell exponential 0.
Proof.
  split; [| split].
  - intros j; exists (fun t => 3 * (ln (t + 4) + - ln 4)); repeat split.
    + apply arc_scal, arc_plus; [| apply arc_const].
      apply arc_ln with 1; [lra | apply arc_shift | intros; lra].
    + rewrite Rplus_0_l; ring.
    + apply everywhere; intros t T; simpl; auto_derive; [lra | field; lra].
    + apply is_lim_spec; intros M; exists (Rmax 0 (exp (M / 3 + ln 4))); intros t T.
      assert (0 < t /\ exp (M / 3 + ln 4) < t)
        by (generalize (Rmax_l 0 (exp (M / 3 + ln 4)))
              (Rmax_r 0 (exp (M / 3 + ln 4))); lra).
      assert (B : ln (exp (M / 3 + ln 4)) < ln (t + 4))
        by (apply ln_increasing; [apply exp_pos | lra]).
      rewrite ln_exp in B; lra.
  - intros j; simpl; split; apply Rdiv_le_0_compat; lra.
  - exists 0; split; [lra |].
    change (L (w 0))
      with (total_loss (summed exponential) linear (fun _ => ln (0 + 4))).
    rewrite learning_loss; unfold ell; apply exp_increasing.
    assert (P : ln 1 < ln (0 + 4)) by (apply ln_increasing; lra).
    rewrite ln_1 in P; lra.
Qed.

(** The predictor is linear, and so [theorem_2_linear] applies. *)
(* statement: learning *)
Theorem learning_theorem_2 : implicit_regularization L 1 w
  (max_margin_KKT (linear_predictor (fun x (_ : unit) => x)) skew).
(* end statement *)
Proof.
  destruct learning_assumption_2 as (Ai & Aii & Sep).
  apply (theorem_2_linear (summed exponential)); auto.
  unfold L, learning; f_equal; apply functional_extensionality; intros v.
  apply functional_extensionality; intros z; unfold linear, linear_predictor.
  now rewrite inner_one.
Qed.
