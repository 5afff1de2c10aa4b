(** * One step on the exponential loss of smooth homogeneous margins

    Margins of any depth: homogeneous of a degree of at least 2, with gradients that are
    Lipschitz on balls.  A step w + Q U along the descent direction U, with a factor in
    (0, A] for each component, changes the logarithm of the loss by its first order term,
    up to half of kappa = A f (B1^2 r^(2l-2) + B2 (2r)^(l-2)) of it: from above and from
    below, and from above at every point of the segment. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export OneUnit OneUnitNetwork DiscreteDescent.
Open Scope R_scope.

(** ** Sums of exponentials *)

Lemma rises_to_one (f df : R -> R) : (forall s, is_derive f s (df s)) ->
  (forall s, 0 <= s <= 1 -> 0 <= df s) -> forall s, 0 <= s <= 1 -> f 0 <= f s.
Proof.
  intros Df Pos s S; destruct (MVT_gen f 0 s df) as (c & C & E).
  - intros; apply Df.
  - intros; apply derivable_continuous_pt, ex_derive_Reals_0; eexists; apply Df.
  - rewrite Rmin_left, Rmax_right in C by lra; specialize (Pos c ltac:(lra)); nra.
Qed.

Lemma exp_pow n t : exp t ^ n = exp (INR n * t).
Proof.
  induction n as [| n IH]; [simpl; now rewrite Rmult_0_l, exp_0 |].
  rewrite S_INR, Rmult_plus_distr_r, exp_plus, Rmult_1_l, <- IH; simpl; ring.
Qed.

Section Exponentials.
Context {D : Type} `{FiniteType D}.
Variables (p t : D -> R) (s b : R).
Hypothesis p_nonneg : forall i, 0 <= p i.
Hypothesis mean : Sum (fun i => p i * t i) = s * Sum p.

(** Hoeffding's lemma.  The derivative along the line is controlled by the first moment
    about its own centre, which rises from 0. *)
Lemma exponentials_le : (forall i, Rabs (t i) <= b) ->
  Sum (fun i => p i * exp (- t i)) <= Sum p * exp (- s + b ^ 2 / 2).
Proof.
  intros Bd.
  set (moment := fun u => Sum (fun i => exp (- (s * u) + u ^ 2 * b ^ 2 / 2) *
    (p i * (t i - s + u * b ^ 2) * exp (- (u * t i))))).
  assert (M : forall u, 0 <= u <= 1 -> 0 <= moment u).
  { intros u Hu; apply Rle_trans with (moment 0).
    - right; unfold moment; transitivity (Sum (fun i => p i * t i + - s * p i)).
      + rewrite Sum_plus, Sum_scal, mean; ring.
      + apply Sum_ext; intros i; rewrite !Rmult_0_l, Ropp_0, exp_0.
        replace (- (s * 0) + 0 ^ 2 * b ^ 2 / 2) with 0 by field; rewrite exp_0; ring.
    - apply (rises_to_one moment (fun u => Sum (fun i =>
        exp (- (s * u) + u ^ 2 * b ^ 2 / 2) * (p i * exp (- (u * t i)) *
          ((u * b ^ 2 - s) ^ 2 + (b ^ 2 - t i ^ 2)))))); auto.
      + intros v; apply (is_derive_Sum (fun i u => exp (- (s * u) + u ^ 2 * b ^ 2 / 2) *
          (p i * (t i - s + u * b ^ 2) * exp (- (u * t i))))).
        intros i; auto_derive; auto.
        change (v * (v * 1) * (b * (b * 1)) * / 2) with (v ^ 2 * b ^ 2 / 2); field.
      + intros v _; apply Sum_nonneg; intros i; apply Rmult_le_pos; [left; apply exp_pos |].
        apply Rmult_le_pos; [apply Rmult_le_pos; auto; left; apply exp_pos |].
        assert (t i ^ 2 <= b ^ 2) by (apply pow_maj_Rabs; apply Bd).
        generalize (pow2_ge_0 (v * b ^ 2 - s)); lra. }
  set (total := fun u => Sum (fun i => - exp (s * u - u ^ 2 * b ^ 2 / 2) *
    (p i * exp (- (u * t i))))).
  assert (T : total 0 <= total 1).
  { apply (rises_to_one total (fun u => exp (s * u - u ^ 2 * b ^ 2 / 2) *
      exp (s * u - u ^ 2 * b ^ 2 / 2) * moment u)); [| | lra].
    - intros u; unfold moment; rewrite <- Sum_scal.
      apply (is_derive_Sum (fun i u => - exp (s * u - u ^ 2 * b ^ 2 / 2) *
        (p i * exp (- (u * t i))))); intros i; auto_derive; auto.
      replace (- (s * u) + u ^ 2 * b ^ 2 / 2) with (- (s * u - u ^ 2 * b ^ 2 / 2))
        by field.
      rewrite (exp_Ropp (s * u - u ^ 2 * b ^ 2 / 2)).
      generalize (exp_pos (s * u - u ^ 2 * b ^ 2 / 2)); intros X.
      change (s * u + - (u * (u * 1) * (b * (b * 1)) * / 2)) with
        (s * u - u ^ 2 * b ^ 2 / 2).
      field; lra.
    - intros u Hu; apply Rmult_le_pos; [| now apply M].
      apply Rmult_le_pos; left; apply exp_pos. }
  assert (T0 : total 0 = - Sum p).
  { unfold total; transitivity (Sum (fun i => -1 * p i)); [| rewrite Sum_scal; ring].
    apply Sum_ext; intros i; rewrite !Rmult_0_l, Ropp_0, exp_0.
    replace (s * 0 - 0 ^ 2 * b ^ 2 / 2) with 0 by field; rewrite exp_0; ring. }
  assert (T1 : total 1 = - exp (s - b ^ 2 / 2) * Sum (fun i => p i * exp (- t i))).
  { unfold total; rewrite <- Sum_scal; apply Sum_ext; intros i; rewrite Rmult_1_l.
    do 3 f_equal; field. }
  rewrite T0, T1 in T; replace (- s + b ^ 2 / 2) with (- (s - b ^ 2 / 2)) by field.
  rewrite exp_Ropp; assert (X := exp_pos (s - b ^ 2 / 2)).
  apply Rmult_le_reg_l with (exp (s - b ^ 2 / 2)); auto.
  replace (exp (s - b ^ 2 / 2) * (Sum p * / exp (s - b ^ 2 / 2))) with (Sum p)
    by (field; lra).
  lra.
Qed.

(** Jensen's inequality. *)
Lemma exponentials_ge : Sum p * exp (- s) <= Sum (fun i => p i * exp (- t i)).
Proof.
  replace (Sum p * exp (- s)) with
    (Sum (fun i => exp (- s) * ((1 + s) * p i + -1 * (p i * t i)))).
  - apply Sum_le; intros i.
    replace (- t i) with (- s + - (t i - s)) by ring; rewrite exp_plus.
    replace (exp (- s) * ((1 + s) * p i + -1 * (p i * t i))) with
      (p i * (exp (- s) * (1 + - (t i - s)))) by ring.
    apply Rmult_le_compat_l; auto; apply Rmult_le_compat_l; [left; apply exp_pos |].
    apply exp_ineq1_le.
  - rewrite Sum_scal, Sum_plus, !Sum_scal, mean; ring.
Qed.

End Exponentials.

(** ** Smooth homogeneous margins *)

Set Implicit Arguments.

(* statement: smooth margins *)
(** The margins z, with gradients dz, of a network that is homogeneous of degree q + 2
    (so that a degree is at least 2): Euler's identity, and homogeneous gradients of at
    most B1 ||w||^(q+1), Lipschitz with B2 R^q on the ball of radius R. *)
Record smooth_margins {J D} `{FiniteType J} `{FiniteType D} (z : D -> vec J -> R)
    (dz : D -> vec J -> vec J) (q : nat) (B1 B2 : R) : Prop := {
  margin_differentiable : forall i w, is_gradient (z i) w (dz i w);
  margin_euler : forall i w, inner w (dz i w) = (INR q + 2) * z i w;
  gradient_homogeneous : forall i s w j, 0 < s ->
    dz i (fun j => s * w j) j = s ^ (q + 1) * dz i w j;
  gradient_size : forall i w, norm (dz i w) <= B1 * norm w ^ (q + 1);
  gradients_lipschitz : forall i R0 v w, norm v <= R0 -> norm w <= R0 ->
    norm (sub (dz i v) (dz i w)) <= B2 * R0 ^ q * norm (sub v w);
  constants_ordered : 0 <= B1 <= B2
}.

(** Their exponential loss, and minus its gradient. *)
Definition exp_loss {J D} `{FiniteType D} (z : D -> vec J -> R) (w : vec J) : R :=
  Sum (fun i => exp (- z i w)).
Definition exp_descent {J D} `{FiniteType D} (z : D -> vec J -> R)
    (dz : D -> vec J -> vec J) (w : vec J) : vec J :=
  combination (fun i => dz i w) (fun i => exp (- z i w)).

(** The size of the second order terms at norm r. *)
Definition curvature (q : nat) (B1 B2 r : R) : R :=
  B1 ^ 2 * r ^ (2 * q + 2) + B2 * (2 * r) ^ q.
(* end statement *)

Unset Implicit Arguments.

Section Margins.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Context {z : D -> vec J -> R} {dz : D -> vec J -> vec J} {q : nat} {B1 B2 : R}.
Hypothesis margins_smooth : smooth_margins z dz q B1 B2.
Hypothesis some_data : inhabited D.
Notation f := (exp_loss z).
Notation U := (exp_descent z dz).
Notation l := (INR q + 2).

Lemma pow_double r : r ^ (2 * q + 2) = (r ^ (q + 1)) ^ 2.
Proof. rewrite <- pow_mult; f_equal; lia. Qed.

Lemma degree_large : 2 <= l.
Proof. generalize (pos_INR q); lra. Qed.

Lemma exp_loss_pos w : 0 < f w.
Proof.
  destruct some_data as [i]; apply Rlt_le_trans with (1 := exp_pos (- z i w)).
  apply (Sum_ge_term (fun i => exp (- z i w))); intros; left; apply exp_pos.
Qed.

(** No margin is below minus the logarithm of the loss, ... *)
Lemma margin_above_log w i : - ln (f w) <= z i w.
Proof.
  assert (Le : exp (- z i w) <= f w)
    by (apply (Sum_ge_term (fun i => exp (- z i w))); intros; left; apply exp_pos).
  apply ln_le in Le; [rewrite ln_exp in Le; lra | apply exp_pos].
Qed.

(** ... and none above a power of the norm. *)
Lemma margin_at_most w i : l * z i w <= B1 * norm w ^ (q + 2).
Proof.
  rewrite <- (margin_euler margins_smooth).
  apply Rle_trans with (1 := inner_le_norm _ _).
  replace (B1 * norm w ^ (q + 2)) with (norm w * (B1 * norm w ^ (q + 1)))
    by (rewrite !pow_add; ring).
  apply Rmult_le_compat_l; [apply norm_nonneg | apply (gradient_size margins_smooth)].
Qed.

Lemma margin_smooth_gradient i : gradient_of (z i) (dz i).
Proof.
  split; [intros; apply margins_smooth |]; intros v e e0.
  set (K := B2 * (norm v + 1) ^ q); assert (N := norm_nonneg v).
  assert (K0 : 0 <= K).
  { apply Rmult_le_pos; [destruct (constants_ordered margins_smooth); lra |].
    apply pow_le; lra. }
  exists (Rmin 1 (e / (K + 1))); assert (0 < e / (K + 1)) by (apply Rdiv_lt_0_compat; lra).
  split; [minmax; lra |]; intros w W j.
  assert (W1 := Rlt_le_trans _ _ _ W (Rmin_l _ _)).
  assert (W2 := Rlt_le_trans _ _ _ W (Rmin_r _ _)).
  apply Rle_lt_trans with (1 := norm_ge_component (sub (dz i w) (dz i v)) j).
  apply Rle_lt_trans with (K * norm (sub w v)).
  - apply (gradients_lipschitz margins_smooth); [| lra].
    apply Rle_trans with (1 := norm_sub_le w v); lra.
  - assert (P := norm_nonneg (sub w v)).
    apply Rmult_lt_compat_l with (r := K + 1) in W2; [| lra].
    replace ((K + 1) * (e / (K + 1))) with e in W2 by (field; lra); lra.
Qed.

Lemma exp_loss_gradient : gradient_of f (fun w j => - U w j).
Proof.
  set (labelled := {| x := fun i : D => i; y := fun _ => 1;
    labels := fun _ => or_introl eq_refl; nonempty := some_data |} : Dataset D D).
  assert (G := gradient_L (H1 := labelled) (summed exponential) (fun w i => z i w)
    dz margin_smooth_gradient).
  replace f with (total_loss (H0 := labelled) (summed exponential) (fun w i => z i w)).
  2: { apply functional_extensionality; intros w; apply Sum_ext; intros i.
       change (exp (- (1 * z i w)) = exp (- z i w)); do 2 f_equal; ring. }
  replace (fun w j => - U w j) with (gL (H1 := labelled) (summed exponential)
    (fun w i => z i w) dz); auto.
  apply functional_extensionality; intros w; apply functional_extensionality; intros j.
  transitivity (-1 * U w j); [| ring]; unfold exp_descent, combination.
  rewrite <- Sum_scal; apply Sum_ext; intros i.
  change (- - - exp (- (1 * z i w)) * (1 * dz i w j) =
    -1 * (exp (- z i w) * dz i w j)); rewrite !Rmult_1_l; ring.
Qed.

(** The second order inequality, by the mean value theorem along the segment. *)
Lemma margin_second_order i R0 w dw : norm w <= R0 ->
  norm (fun j => w j + dw j) <= R0 ->
  Rabs (z i (fun j => w j + dw j) - z i w - inner (dz i w) dw) <=
    B2 * R0 ^ q / 2 * norm dw ^ 2.
Proof.
  intros W W'; set (K := B2 * R0 ^ q); set (at_ := fun u : R => fun j => w j + u * dw j).
  assert (Seg : forall u, 0 <= u <= 1 -> norm (at_ u) <= R0).
  { intros u Hu; replace (at_ u) with
      (fun j => (1 - u) * w j + u * (w j + dw j))
      by (apply functional_extensionality; intros j; unfold at_; ring).
    apply Rle_trans with (1 := norm_triangle (fun j => (1 - u) * w j)
      (fun j => u * (w j + dw j))).
    rewrite norm_scal, (norm_scal u (fun j => w j + dw j)), !Rabs_pos_eq by lra; nra. }
  assert (Side : forall sg, sg = 1 \/ sg = -1 ->
    sg * (z i (fun j => w j + dw j) - z i w - inner (dz i w) dw) <=
      K / 2 * norm dw ^ 2).
  { intros sg Sg.
    set (g := fun u => K * norm dw ^ 2 * (u ^ 2 / 2) -
      sg * (z i (at_ u) - u * inner (dz i w) dw)).
    assert (G : g 0 <= g 1).
    { apply (rises_to_one g (fun u => K * norm dw ^ 2 * u -
        sg * (inner (dz i (at_ u)) dw - inner (dz i w) dw))); [| | lra].
      - intros u; unfold g.
        assert (Dz : is_derive (fun u => z i (at_ u)) u (inner (dz i (at_ u)) dw)).
        { apply (smooth_along (z i) at_ u); [apply margins_smooth |].
          intros j; unfold at_; auto_derive; auto; ring. }
        apply (is_derive_minus (V := R_NormedModule)
          (fun u => K * norm dw ^ 2 * (u ^ 2 / 2))).
        + auto_derive; auto; field.
        + apply is_derive_scal, (is_derive_minus (V := R_NormedModule)
            (fun u => z i (at_ u))); [exact Dz | auto_derive; auto; ring].
      - intros u Hu.
        assert (Li := gradients_lipschitz margins_smooth i (at_ u) w (Seg u Hu) W).
        fold K in Li.
        assert (Du : norm (sub (at_ u) w) = u * norm dw).
        { rewrite <- (Rabs_pos_eq u) at 2 by lra; rewrite <- norm_scal.
          apply norm_ext; intros j; unfold sub, at_; ring. }
        rewrite Du in Li.
        assert (I := inner_abs_le dw (sub (dz i (at_ u)) (dz i w))).
        rewrite inner_sub, !(inner_comm dw) in I; assert (N := norm_nonneg dw).
        apply Rmult_le_compat_l with (r := norm dw) in Li; auto.
        apply Rabs_le_between in I; destruct Sg as [-> | ->]; lra. }
    unfold g in G; replace (at_ 0) with w in G
      by (apply functional_extensionality; intros j; unfold at_; ring).
    replace (at_ 1) with (fun j => w j + dw j) in G
      by (apply functional_extensionality; intros j; unfold at_; ring).
    lra. }
  apply Rabs_le; split; [generalize (Side (-1) ltac:(lra)) |
    generalize (Side 1 ltac:(lra))]; lra.
Qed.

(** ** A step inside a ball *)

Lemma inner_exp_descent w v : inner v (U w) =
  Sum (fun i => exp (- z i w) * inner v (dz i w)).
Proof. apply inner_combination. Qed.

Lemma descent_size w : norm (U w) <= B1 * norm w ^ (q + 1) * f w.
Proof.
  apply combination_norm_le.
  - intros; left; apply exp_pos.
  - intros i; apply (gradient_size margins_smooth).
  - apply Rmult_le_pos; [apply (constants_ordered margins_smooth) |].
    apply pow_le, norm_nonneg.
Qed.

(** Minus the logarithm of the loss. *)
Definition log_margin w : R := - ln (f w).
Notation m := log_margin.

Lemma loss_of_log_margin w : f w = exp (- m w).
Proof. unfold log_margin; rewrite Ropp_involutive, exp_ln; auto; apply exp_loss_pos. Qed.

Lemma log_margin_grows (w : nat -> vec J) :
  is_lim_seq (fun k => f (w k)) 0 -> is_lim_seq (fun k => m (w k)) p_infty.
Proof.
  intros L; apply is_lim_seq_spec; intros M.
  generalize (lim_near _ 0 (exp (- M)) L (exp_pos _)); apply eventually_imp.
  intros k [_ Up]; assert (P := exp_loss_pos (w k)).
  apply ln_increasing in Up; auto; rewrite Rplus_0_l, ln_exp in Up.
  unfold log_margin; lra.
Qed.

Lemma curvature_nonneg r : 0 <= r -> 0 <= curvature q B1 B2 r.
Proof.
  intros r0; destruct (constants_ordered margins_smooth).
  apply Rplus_le_le_0_compat; apply Rmult_le_pos; try lra;
    try apply pow_le; try apply pow2_ge_0; lra.
Qed.

Section Step.
Variables (w dw : vec J) (R0 : R).
Notation w' := (fun j => w j + dw j).
Hypothesis inside : norm w <= R0.
Hypothesis next_inside : norm w' <= R0.
Let t i := inner (dz i w) dw.
Let rest := B2 * R0 ^ q / 2 * norm dw ^ 2.
Let s := inner dw (U w) / f w.

Lemma step_second_order i : Rabs (z i w' - z i w - t i) <= rest.
Proof. now apply margin_second_order. Qed.

Lemma step_mean : Sum (fun i => exp (- z i w) * t i) = s * Sum (fun i => exp (- z i w)).
Proof.
  assert (P := exp_loss_pos w); change (Sum (fun i => exp (- z i w))) with (f w).
  replace (s * f w) with (inner dw (U w)) by (unfold s; field; lra).
  rewrite inner_exp_descent; apply Sum_ext; intros i; unfold t.
  now rewrite (inner_comm dw).
Qed.

Lemma step_up :
  s - (B1 ^ 2 * norm w ^ (2 * q + 2) + B2 * R0 ^ q) / 2 * norm dw ^ 2 <= m w' - m w.
Proof.
  assert (P := exp_loss_pos w); assert (P' := exp_loss_pos w').
  set (b := B1 * norm w ^ (q + 1) * norm dw).
  assert (Bt : forall i, Rabs (t i) <= b).
  { intros i; apply Rle_trans with (1 := inner_abs_le _ _).
    apply Rmult_le_compat_r; [apply norm_nonneg | apply (gradient_size margins_smooth)]. }
  assert (E := exponentials_le (fun i => exp (- z i w)) t s b
    (fun i => Rlt_le _ _ (exp_pos _)) step_mean Bt).
  assert (Le : f w' <= f w * exp (- s + b ^ 2 / 2 + rest)).
  { rewrite exp_plus, <- Rmult_assoc.
    apply Rle_trans with (Sum (fun i => exp (- z i w) * exp (- t i)) * exp rest).
    - rewrite Rmult_comm, <- Sum_scal; apply Sum_le; intros i.
      rewrite <- !exp_plus; assert (S := step_second_order i).
      apply Rabs_le_between in S.
      destruct (Req_dec (- z i w') (rest + (- z i w + - t i))) as [-> | Ne];
        [lra | left; apply exp_increasing; lra].
    - apply Rmult_le_compat_r; [left; apply exp_pos | exact E]. }
  apply ln_le in Le; auto.
  rewrite ln_mult, ln_exp in Le by (auto; apply exp_pos); unfold log_margin.
  replace ((B1 ^ 2 * norm w ^ (2 * q + 2) + B2 * R0 ^ q) / 2 * norm dw ^ 2) with
    (b ^ 2 / 2 + rest); [lra |].
  unfold b, rest; rewrite pow_double; field.
Qed.

Lemma step_down : m w' - m w <= s + B2 * R0 ^ q / 2 * norm dw ^ 2.
Proof.
  assert (P := exp_loss_pos w); assert (P' := exp_loss_pos w').
  assert (E := exponentials_ge (fun i => exp (- z i w)) t s
    (fun i => Rlt_le _ _ (exp_pos _)) step_mean).
  assert (Ge : f w * exp (- s - rest) <= f w').
  { unfold Rminus; rewrite exp_plus, <- Rmult_assoc.
    apply Rle_trans with (Sum (fun i => exp (- z i w) * exp (- t i)) * exp (- rest)).
    - apply Rmult_le_compat_r; [left; apply exp_pos | exact E].
    - rewrite Rmult_comm, <- Sum_scal; apply Sum_le; intros i.
      rewrite <- !exp_plus; assert (S := step_second_order i).
      apply Rabs_le_between in S.
      destruct (Req_dec (- rest + (- z i w + - t i)) (- z i w')) as [-> | Ne];
        [lra | left; apply exp_increasing; lra]. }
  apply ln_le in Ge; [| apply Rmult_lt_0_compat; auto; apply exp_pos].
  rewrite ln_mult, ln_exp in Ge by (auto; apply exp_pos); unfold log_margin.
  unfold rest in Ge; lra.
Qed.

End Step.

(** ** A step with a factor for each component *)

Section Preconditioned.
Variables (w Q : vec J) (A : R).
Hypothesis Q_bounds : forall j, 0 < Q j <= A.
Hypothesis A_pos : 0 < A.
Notation kappa := (A * f w * curvature q B1 B2 (norm w)).
Hypothesis kappa_small : kappa <= 1.

(** The first order term, relative to the loss. *)
Definition relative_gain (Q w : vec J) : R := Sum (fun j => Q j * U w j ^ 2) / f w.
Notation g := (relative_gain Q w).
Let dw : vec J := fun j => Q j * U w j.

Lemma gain_sum : inner dw (U w) = g * f w.
Proof.
  assert (P := exp_loss_pos w); unfold relative_gain.
  transitivity (Sum (fun j => Q j * U w j ^ 2)); [| field; lra].
  apply Sum_ext; intros j; unfold dw; ring.
Qed.

Lemma relative_gain_nonneg : 0 <= g.
Proof.
  apply Rdiv_le_0_compat; [| apply exp_loss_pos]; apply Sum_nonneg; intros j.
  apply Rmult_le_pos; [left; apply Q_bounds | apply pow2_ge_0].
Qed.

Lemma step_sqr : norm dw ^ 2 <= A * (g * f w).
Proof.
  rewrite <- gain_sum, norm_sqr; unfold inner; rewrite <- Sum_scal; apply Sum_le.
  intros j; destruct (Q_bounds j) as [Q0 QA]; unfold dw.
  replace ((Q j * U w j) ^ 2) with (Q j * (Q j * U w j ^ 2)) by ring.
  replace (A * (Q j * U w j * U w j)) with (A * (Q j * U w j ^ 2)) by ring.
  apply Rmult_le_compat_r; auto; apply Rmult_le_pos; [lra | apply pow2_ge_0].
Qed.

Lemma step_norm_le : norm dw <= A * norm (U w).
Proof.
  apply norm_le_scaled; [lra |]; intros j; unfold dw; destruct (Q_bounds j).
  rewrite Rabs_mult, Rabs_pos_eq by lra.
  apply Rmult_le_compat_r; [apply Rabs_pos | lra].
Qed.

Lemma kappa_parts : 0 <= A * f w * (B1 ^ 2 * norm w ^ (2 * q + 2)) <= kappa /\
  0 <= A * f w * (B1 * norm w ^ q) <= kappa.
Proof.
  assert (P := exp_loss_pos w); destruct (constants_ordered margins_smooth) as [b0 b1].
  assert (Af : 0 <= A * f w) by (apply Rmult_le_pos; lra).
  assert (N := norm_nonneg w).
  assert (X : 0 <= B1 ^ 2 * norm w ^ (2 * q + 2))
    by (apply Rmult_le_pos; [apply pow2_ge_0 | now apply pow_le]).
  assert (Nq : 0 <= norm w ^ q) by now apply pow_le.
  assert (Le : norm w ^ q <= (2 * norm w) ^ q) by (apply pow_incr; lra).
  assert (Y : 0 <= B1 * norm w ^ q) by now apply Rmult_le_pos.
  assert (Z : B1 * norm w ^ q <= B2 * (2 * norm w) ^ q)
    by (apply Rmult_le_compat; auto).
  unfold curvature; repeat split; try (apply Rmult_le_pos; auto; fail);
    apply Rmult_le_compat_l; auto; lra.
Qed.

Lemma step_no_longer : norm dw <= norm w.
Proof.
  assert (N := norm_nonneg w); assert (P := exp_loss_pos w).
  destruct kappa_parts as [_ [_ K]].
  apply Rle_trans with (1 := step_norm_le).
  apply Rle_trans with (A * (B1 * norm w ^ (q + 1) * f w)).
  - apply Rmult_le_compat_l; [lra | apply descent_size].
  - replace (A * (B1 * norm w ^ (q + 1) * f w)) with
      (A * f w * (B1 * norm w ^ q) * norm w) by (rewrite pow_add; ring).
    rewrite <- (Rmult_1_l (norm w)) at 3; apply Rmult_le_compat_r; lra.
Qed.

(** No point of the segment is farther out than twice as far. *)
Lemma segment_inside u : 0 <= u <= 1 -> norm (fun j => w j + u * dw j) <= 2 * norm w.
Proof.
  intros Hu; apply Rle_trans with (1 := norm_triangle w (fun j => u * dw j)).
  rewrite norm_scal, Rabs_pos_eq by lra.
  assert (N := norm_nonneg dw); assert (L := step_no_longer); nra.
Qed.

Lemma gain_at_most : g <= kappa.
Proof.
  assert (N := norm_nonneg w); assert (P := exp_loss_pos w).
  destruct kappa_parts as [[_ K] _]; apply Rle_trans with (2 := K).
  apply Rmult_le_reg_r with (f w); auto; rewrite <- gain_sum.
  apply Rle_trans with (A * norm (U w) ^ 2).
  - rewrite norm_sqr, <- Sum_scal; apply Sum_le; intros j; destruct (Q_bounds j).
    unfold dw; replace (Q j * U w j * U w j) with (Q j * U w j ^ 2) by ring.
    apply Rmult_le_compat_r; [apply pow2_ge_0 | lra].
  - assert (S : norm (U w) ^ 2 <= (B1 * norm w ^ (q + 1) * f w) ^ 2).
    { apply pow_incr; split; [apply norm_nonneg | apply descent_size]. }
    apply Rmult_le_compat_l with (r := A) in S; [| lra].
    apply Rle_trans with (1 := S); right.
    rewrite pow_double; ring.
Qed.

(* statement: segment descends *)
(** At every point of the segment the logarithm of the loss is lower than at w, ... *)
Theorem segment_descends u : 0 <= u <= 1 ->
  u * g * (1 - u * kappa / 2) <= m (fun j => w j + u * (Q j * U w j)) - m w.
(* end statement *)
Proof.
  intros Hu; assert (N := norm_nonneg w); assert (P := exp_loss_pos w).
  assert (Nu : norm (fun j => u * dw j) = u * norm dw)
    by (rewrite norm_scal, Rabs_pos_eq; lra).
  assert (In : norm w <= 2 * norm w) by lra.
  assert (S := step_up w (fun j => u * dw j) (2 * norm w) In (segment_inside u Hu)).
  fold (curvature q B1 B2 (norm w)) in S; rewrite Nu in S.
  assert (First : inner (fun j => u * dw j) (U w) / f w = u * g).
  { rewrite inner_comm, inner_scal, inner_comm, gain_sum; field; lra. }
  rewrite First in S; apply Rle_trans with (2 := S).
  assert (C0 := curvature_nonneg (norm w) N).
  assert (Sq := Rmult_le_compat_l _ _ _ C0 step_sqr).
  assert (u ^ 2 / 2 * (curvature q B1 B2 (norm w) * norm dw ^ 2) <=
    u ^ 2 / 2 * (curvature q B1 B2 (norm w) * (A * (g * f w))))
    by (apply Rmult_le_compat_l; [generalize (pow2_ge_0 u) |]; lra).
  lra.
Qed.

(* statement: step bounds *)
(** ... and the step raises m by its first order term, up to half of kappa. *)
Theorem step_bounds :
  g * (1 - kappa / 2) <= m (fun j => w j + Q j * U w j) - m w <= g * (1 + kappa / 2).
(* end statement *)
Proof.
  assert (N := norm_nonneg w); assert (P := exp_loss_pos w); split.
  - assert (S := segment_descends 1 ltac:(lra)).
    replace (fun j => w j + 1 * (Q j * U w j)) with (fun j => w j + Q j * U w j) in S
      by (apply functional_extensionality; intros; ring).
    lra.
  - assert (S1 := segment_inside 1 ltac:(lra)).
    replace (fun j => w j + 1 * dw j) with (fun j => w j + dw j) in S1
      by (apply functional_extensionality; intros; ring).
    assert (In : norm w <= 2 * norm w) by lra.
    assert (S := step_down w dw (2 * norm w) In S1).
    assert (First : inner dw (U w) / f w = g) by (rewrite gain_sum; field; lra).
    rewrite First in S; apply Rle_trans with (1 := S).
    assert (C0 := curvature_nonneg (norm w) N).
    assert (Sq := Rmult_le_compat_l _ _ _ C0 step_sqr).
    assert (Le : B2 * (2 * norm w) ^ q / 2 * norm dw ^ 2 <=
      curvature q B1 B2 (norm w) / 2 * norm dw ^ 2).
    { apply Rmult_le_compat_r; [apply pow2_ge_0 |]; unfold curvature.
      assert (0 <= B1 ^ 2 * norm w ^ (2 * q + 2))
        by (apply Rmult_le_pos; [apply pow2_ge_0 | now apply pow_le]).
      lra. }
    lra.
Qed.

End Preconditioned.

End Margins.
