(** * Sums of losses, and cross-entropy, are joint losses

    Cross-entropy is ln (1 + s) summed over the data points, where s, the odds of an
    error, sums exp (- margin) over the rivals of the label: its psi and its inverse are
    those of the logistic loss, since the slopes of one data point have the sum
    s / (1 + s), which is psi of ln (1 + s). *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export LossShape.
Open Scope R_scope.

(** ** A loss summed over the data points *)

Section Summed.
Context {D : Type} `{FiniteType D}.
Variable k : loss.
Let total (q : vec D) : R := Sum (fun i => ell k (q i)).
Let pull (q : vec D) (i : D) : R := - ell' k (q i).

Lemma ell_le_sum q i : ell k (q i) <= total q.
Proof. apply (Sum_ge_term (fun i => ell k (q i))); intros; left; apply ell_pos. Qed.

Lemma summed_gradient q : is_gradient total q (fun i => - pull q i).
Proof.
  replace (fun i => - pull q i) with (fun j => Sum (fun i => ell' k (q i) * mass i j)).
  - apply (gradient_Sum (fun i q => ell k (q i)) q
      (fun i j => ell' k (q i) * mass i j)).
    intros i; apply (gradient_comp (ell k) _ (fun q => q i));
      [apply ell_derive | apply gradient_coordinate].
  - apply functional_extensionality; intros j; unfold pull; rewrite Ropp_involutive.
    rewrite <- (Sum_mass j (fun i => ell' k (q i))); apply Sum_ext; intros i.
    rewrite (mass_sym i j); ring.
Qed.

Lemma summed_continuous q i : continuous_at q (fun z => pull z i).
Proof.
  apply (continuous_at_comp q (fun z => - ell' k z) (fun z => z i));
    [| apply continuous_at_coord].
  apply (continuous_opp (V := R_NormedModule)), ell'_continuous.
Qed.

Lemma summed_pos q i : 0 < pull q i.
Proof. unfold pull; rewrite psi_ell; apply psi_pos, ell_pos. Qed.

Lemma summed_le_psi q i : pull q i <= psi k (total q).
Proof. unfold pull; rewrite psi_ell; apply psi_mono, ell_le_sum. Qed.

Lemma psi_le_summed q : psi k (total q) <= Sum (pull q).
Proof.
  apply Rle_trans with (1 := psi_Sum k _ (fun i => Rlt_le _ _ (ell_pos k (q i)))).
  right; apply Sum_ext; intros i; symmetry; apply psi_ell.
Qed.

Lemma summed_le_total q : Sum (pull q) <= total q.
Proof.
  apply Sum_le; intros i; unfold pull; rewrite psi_ell.
  apply psi_near_id; left; apply ell_pos.
Qed.

Lemma summed_local q z : (forall i, Rabs (z i - q i) <= 1) ->
  Sum (pull z) <= 3 * Sum (pull q).
Proof.
  intros Q; rewrite <- Sum_scal; apply Sum_le; intros i.
  now apply (ell_local k (q i) (z i)).
Qed.

Lemma summed_margin q i : inverse_loss k (total q) <= q i.
Proof.
  rewrite <- (inverse_ell k (q i)); apply inverse_antitone; [apply ell_pos |].
  apply ell_le_sum.
Qed.

(* statement: summed *)
Definition summed : joint_loss D := {|
  link := k;
  value q := Sum (fun i => ell k (q i));
  slope q i := - ell' k (q i);
  value_gradient := summed_gradient;
  slope_continuous := summed_continuous;
  slope_pos := summed_pos;
  slope_le_exp q i := ell_slope_le_exp k (q i);
  slope_le_psi := summed_le_psi;
  psi_le_slopes := psi_le_summed;
  slopes_le_value := summed_le_total;
  slopes_local := summed_local;
  margin_ge := summed_margin
|}.
(* end statement *)

End Summed.

Lemma total_loss_summed {J D X} `{Dataset D X} k (Phi : vec J -> X -> R) v :
  total_loss (summed k) Phi v = Sum (fun i => ell k (y i * Phi v (x i))).
Proof. reflexivity. Qed.

(** ** Cross-entropy *)

Section CrossEntropy.
Context {D K : Type} `{FiniteType D} `{FiniteType K}.

(* statement: odds *)
(** The odds of an error at a data point. *)
Definition odds (q : vec (D * K)) (i : D) : R := Sum (fun c => exp (- q (i, c))).
(* end statement *)
Let point_loss (q : vec (D * K)) (i : D) : R := ln (1 + odds q i).
Let entropy (q : vec (D * K)) : R := Sum (point_loss q).
Let pull (q : vec (D * K)) (pair : D * K) : R :=
  exp (- q pair) / (1 + odds q (fst pair)).

Lemma odds_nonneg q i : 0 <= odds q i.
Proof. apply Sum_nonneg; intros; left; apply exp_pos. Qed.

Lemma odds_ge q i c : exp (- q (i, c)) <= odds q i.
Proof.
  apply (Sum_ge_term (fun c => exp (- q (i, c)))); intros; left; apply exp_pos.
Qed.

Lemma point_loss_nonneg q i : 0 <= point_loss q i.
Proof.
  unfold point_loss; rewrite <- ln_1; apply ln_le; generalize (odds_nonneg q i); lra.
Qed.

(** The slopes of one data point. *)
Lemma point_pulls q i : Sum (fun c => pull q (i, c)) = psi logistic (point_loss q i).
Proof.
  assert (S := odds_nonneg q i); unfold psi, point_loss.
  rewrite exp_Ropp, exp_ln by lra.
  transitivity (/ (1 + odds q i) * odds q i); [| field; lra].
  unfold odds at 2; rewrite <- Sum_scal; apply Sum_ext; intros c.
  unfold pull, Rdiv; simpl; ring.
Qed.

Lemma entropy_pos q pair : 0 < pull q pair.
Proof.
  apply Rdiv_lt_0_compat; [apply exp_pos |].
  generalize (odds_nonneg q (fst pair)); lra.
Qed.

Lemma entropy_gradient q : is_gradient entropy q (fun pair => - pull q pair).
Proof.
  assert (Odds : forall i, is_gradient (fun q => odds q i) q
    (fun p => Sum (fun c => - exp (- q (i, c)) * mass (i, c) p))).
  { intros i; apply (gradient_Sum (fun c q => exp (- q (i, c))) q
      (fun c p => - exp (- q (i, c)) * mass (i, c) p)); intros c.
    apply (gradient_comp (fun z => exp (- z)) _ (fun q => q (i, c)));
      [auto_derive; auto; ring | apply gradient_coordinate]. }
  replace (fun pair => - pull q pair) with (fun p => Sum (fun i => / (1 + odds q i) *
    Sum (fun c => - exp (- q (i, c)) * mass (i, c) p))).
  - apply (gradient_Sum (fun i q => ln (1 + odds q i)) q (fun i p => / (1 + odds q i) *
      Sum (fun c => - exp (- q (i, c)) * mass (i, c) p))); intros i.
    apply (gradient_comp (fun s => ln (1 + s)) _ (fun q => odds q i)); [| apply Odds].
    assert (S := odds_nonneg q i); auto_derive; [lra | field; lra].
  - apply functional_extensionality; intros p.
    rewrite <- (Sum_mass p (fun p => - pull q p)), Sum_pairs; apply Sum_ext; intros i.
    rewrite <- Sum_scal; apply Sum_ext; intros c; rewrite (mass_sym p).
    unfold pull, Rdiv; simpl; ring.
Qed.

Lemma entropy_continuous q pair : continuous_at q (fun z => pull z pair).
Proof.
  assert (Exp : forall p, continuous_at q (fun z => exp (- z p))).
  { intros p; apply (continuous_at_comp q (fun z => exp (- z)) (fun z => z p));
      [| apply continuous_at_coord].
    apply (ex_derive_continuous (fun z => exp (- z))); auto_derive; auto. }
  apply (continuous_at_mult q (fun z => exp (- z pair))
    (fun z => / (1 + odds z (fst pair)))); [apply Exp |].
  apply (continuous_at_comp q (fun s => / (1 + s)) (fun z => odds z (fst pair))).
  - assert (S := odds_nonneg q (fst pair)).
    apply (ex_derive_continuous (fun s => / (1 + s))); auto_derive; lra.
  - apply (continuous_at_Sum q (fun c z => exp (- z (fst pair, c)))).
    intros c; apply Exp.
Qed.

Lemma entropy_le_exp q pair : pull q pair <= exp (- q pair).
Proof.
  assert (S := odds_nonneg q (fst pair)); assert (E := exp_pos (- q pair)).
  apply Rmult_le_reg_r with (1 + odds q (fst pair)); [lra |]; unfold pull, Rdiv.
  rewrite Rmult_assoc, Rinv_l by lra; nra.
Qed.

Lemma point_loss_le q i : point_loss q i <= entropy q.
Proof. apply (Sum_ge_term (point_loss q)), point_loss_nonneg. Qed.

Lemma entropy_le_psi q pair : pull q pair <= psi logistic (entropy q).
Proof.
  destruct pair as [i c]; apply Rle_trans with (psi logistic (point_loss q i)).
  - rewrite <- point_pulls; apply (Sum_ge_term (fun c => pull q (i, c))).
    intros; left; apply entropy_pos.
  - apply psi_mono, point_loss_le.
Qed.

Lemma psi_le_entropy q : psi logistic (entropy q) <= Sum (pull q).
Proof.
  apply Rle_trans with (1 := psi_Sum logistic _ (point_loss_nonneg q)).
  rewrite Sum_pairs; right; apply Sum_ext; intros i; symmetry; apply point_pulls.
Qed.

Lemma entropy_le_total q : Sum (pull q) <= entropy q.
Proof.
  rewrite Sum_pairs; apply Sum_le; intros i; rewrite point_pulls.
  apply psi_near_id, point_loss_nonneg.
Qed.

Lemma entropy_local q z : (forall pair, Rabs (z pair - q pair) <= 1) ->
  Sum (pull z) <= 3 * Sum (pull q).
Proof.
  intros Q; rewrite !Sum_pairs, <- Sum_scal; apply Sum_le; intros i.
  assert (S := odds_nonneg q i); assert (T := odds_nonneg z i).
  assert (Near : odds z i <= 3 * odds q i).
  { unfold odds; rewrite <- Sum_scal; apply Sum_le; intros c.
    specialize (Q (i, c)); destruct (ell_local exponential _ _ Q) as [_ L].
    unfold ell' in L; lra. }
  rewrite !point_pulls; unfold psi, point_loss; rewrite !exp_Ropp, !exp_ln by lra.
  apply Rmult_le_reg_r with ((1 + odds z i) * (1 + odds q i)); [nra |].
  field_simplify; [| lra | lra]; nra.
Qed.

Lemma entropy_margin q pair : inverse_loss logistic (entropy q) <= q pair.
Proof.
  destruct pair as [i c]; assert (O := odds_ge q i c).
  assert (E := exp_pos (- q (i, c))).
  apply Rle_trans with (inverse_loss logistic (point_loss q i)).
  - apply inverse_antitone; [| apply point_loss_le].
    unfold point_loss; rewrite <- ln_1; apply ln_increasing; lra.
  - unfold inverse_loss, point_loss; rewrite exp_ln by lra.
    replace (1 + odds q i - 1) with (odds q i) by ring.
    apply ln_le in O; [| exact E]; rewrite ln_exp in O; lra.
Qed.

(* statement: cross-entropy loss *)
(** Cross-entropy, as a loss of the leads of the labels over their rivals. *)
Definition cross_entropy_loss : joint_loss (D * K) := {|
  link := logistic;
  value q := Sum (fun i => ln (1 + odds q i));
  slope q pair := exp (- q pair) / (1 + odds q (fst pair));
  value_gradient := entropy_gradient;
  slope_continuous := entropy_continuous;
  slope_pos := entropy_pos;
  slope_le_exp := entropy_le_exp;
  slope_le_psi := entropy_le_psi;
  psi_le_slopes := psi_le_entropy;
  slopes_le_value := entropy_le_total;
  slopes_local := entropy_local;
  margin_ge := entropy_margin
|}.
(* end statement *)

End CrossEntropy.
