(** * The direction converges, from one cited inequality

    Ji and Telgarsky (2020) prove that the direction of gradient flow converges from a
    Kurdyka-Lojasiewicz inequality for definable functions.  Here their inequality is a
    premise, in the one of its two forms that is needed, and all else is proven: for
    adapters too, as far as these tend to 1 like a power of |v|. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Polar FiniteLength TightTimes.
Import ListNotations.
Open Scope R_scope.

(* statement: polar *)
(** The direction of v, and the radial and the spherical part of d at v. *)
Definition heading {J} `{FiniteType J} (v : vec J) : vec J := fun j => v j / norm v.
Definition radial {J} `{FiniteType J} (v d : vec J) : R := inner d (heading v).
Definition spherical {J} `{FiniteType J} (v d : vec J) : vec J :=
  fun j => d j - radial v d * heading v j.
(* end statement *)

(* statement: desingularizing inequality *)
Section Desingularizing.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (k : joint_loss D) (Phi : vec J -> X -> R) (l : R).

(** The smoothed margin, and the normalized margin. *)
Definition margin_of (v : vec J) : R := inverse_loss k (total_loss k Phi v).
Definition normalized_margin (v : vec J) : R := margin_of v * exp (- l * ln (norm v)).

(** For u in the subdifferential of the loss: a subgradient of the smoothed margin, and
    one of g0 - normalized_margin, whatever g0. *)
Definition margin_gradient (v u : vec J) : vec J :=
  fun j => - u j / psi k (total_loss k Phi v).
Definition gap_gradient (v u : vec J) : vec J := fun j =>
  - exp (- l * ln (norm v)) *
    (margin_gradient v u j - l * margin_of v / norm v * heading v j).

(** A desingularizing function on (0, nu): increasing, nonnegative and concave. *)
Definition desingularizing (nu : R) (Psi Psi' : R -> R) : Prop := 0 < nu /\
  (forall s, 0 < s < nu -> is_derive Psi s (Psi' s) /\ 0 < Psi' s /\ 0 <= Psi s) /\
  (forall s s', 0 < s <= s' -> s' < nu -> Psi' s' <= Psi' s).

(** Ji and Telgarsky's inequality for the functions g0 - normalized_margin: where the
    spherical part of all gradients dominates the radial part, their length has a lower
    bound.  (All have the same radial part, so that this says the same of the shortest
    gradient, in whose words theirs is stated.) *)
Definition desingularizing_inequality : Prop := forall g0 c eta,
  0 < g0 -> 0 < c -> 0 < eta ->
  exists nu Psi Psi', desingularizing nu Psi Psi' /\
    forall v, 1 < norm v -> total_loss k Phi v < ell k 0 ->
    let gap := g0 - normalized_margin v in 0 < gap < nu ->
    (forall u, clarke (total_loss k Phi) v u ->
       c * exp (eta * ln (norm v)) * Rabs (radial v (gap_gradient v u)) <=
       norm (spherical v (gap_gradient v u))) ->
    forall u, clarke (total_loss k Phi) v u ->
    1 <= Psi' gap * norm v * norm (gap_gradient v u).
End Desingularizing.
(* end statement *)

(** ** Vectors in polar form *)

Section Vectors.
Context {J : Type} `{FiniteType J}.

Lemma norm_heading (v : vec J) : 0 < norm v -> norm (heading v) = 1.
Proof.
  intros N; transitivity (norm (fun j => / norm v * v j)).
  - apply norm_ext; intros j; unfold heading, Rdiv; ring.
  - assert (I : 0 < / norm v) by now apply Rinv_0_lt_compat.
    rewrite norm_scal, Rabs_pos_eq by lra; field; lra.
Qed.

Lemma spherical_orthogonal (v d : vec J) : 0 < norm v ->
  inner (heading v) (spherical v d) = 0.
Proof.
  intros N; assert (U := inner_self (heading v)); rewrite norm_heading in U by auto.
  transitivity (inner d (heading v) + - radial v d * inner (heading v) (heading v)).
  - unfold inner; rewrite <- Sum_scal, <- Sum_plus; apply Sum_ext; intros j.
    unfold spherical; ring.
  - rewrite U; unfold radial; ring.
Qed.

Lemma polar (v d : vec J) j : d j = radial v d * heading v j + spherical v d j.
Proof. unfold spherical; ring. Qed.

(** The parts of c (d - r heading). *)
Lemma radial_affine (v d : vec J) c r : 0 < norm v ->
  radial v (fun j => c * (d j - r * heading v j)) = c * (radial v d - r).
Proof.
  intros N; assert (U := inner_self (heading v)); rewrite norm_heading in U by auto.
  unfold radial; transitivity
    (c * (inner d (heading v) + - r * inner (heading v) (heading v))).
  - unfold inner; rewrite <- Sum_scal, <- Sum_plus, <- Sum_scal; apply Sum_ext.
    intros j; ring.
  - rewrite U; ring.
Qed.

Lemma spherical_affine (v d : vec J) c r : 0 < norm v ->
  norm (spherical v (fun j => c * (d j - r * heading v j))) =
  Rabs c * norm (spherical v d).
Proof.
  intros N; rewrite <- norm_scal; apply norm_ext; intros j; unfold spherical.
  rewrite radial_affine by exact N; ring.
Qed.

Lemma norm_spherical_le (v d : vec J) : 0 < norm v -> norm (spherical v d) <= norm d.
Proof.
  intros N; assert (O := norm_orthogonal_part (heading v) (norm_heading v N) d).
  apply Rle_trans with (2 := O); right; apply norm_ext; intros j.
  unfold spherical, radial; ring.
Qed.

(** The derivatives of the length and of the direction of a moving vector. *)
Lemma norm_derive (v : R -> vec J) (d : vec J) t : 0 < norm (v t) ->
  (forall j, is_derive (fun s => v s j) t (d j)) ->
  is_derive (fun s => norm (v s)) t (radial (v t) d).
Proof.
  intros N Dv; assert (Sq := norm_sqr (v t)).
  assert (D2 : is_derive (fun s => Sum (fun j => v s j ^ 2)) t
    (Sum (fun j => 2 * (d j * v t j)))).
  { apply (is_derive_Sum (fun j s => v s j ^ 2)); intros j.
    replace (2 * (d j * v t j)) with (d j * v t j + v t j * d j) by ring.
    apply (is_derive_ext (fun s => v s j * v s j));
      [intros s; change (v s j * v s j = v s j ^ 2); ring |].
    apply (is_derive_mult (fun s => v s j) (fun s => v s j)); auto.
    intros; apply Rmult_comm. }
  apply is_derive_sqrt in D2; [| rewrite <- Sq; now apply pow_lt].
  change (sqrt (Sum (fun j => v t j ^ 2))) with (norm (v t)) in D2.
  replace (radial (v t) d) with
    (Sum (fun j => 2 * (d j * v t j)) / (2 * norm (v t))); [exact D2 |].
  rewrite Sum_scal; unfold radial, inner.
  transitivity (/ norm (v t) * Sum (fun j => d j * v t j)); [field; lra |].
  rewrite <- Sum_scal; apply Sum_ext; intros j; unfold heading; field; lra.
Qed.

Lemma heading_derive (v : R -> vec J) (d : vec J) t : 0 < norm (v t) ->
  (forall j, is_derive (fun s => v s j) t (d j)) -> forall j,
  is_derive (fun s => heading (v s) j) t
    (/ norm (v t) * (d j - radial (v t) d * heading (v t) j)).
Proof.
  intros N Dv j; assert (Dn := norm_derive v d t N Dv).
  replace (/ norm (v t) * (d j - radial (v t) d * heading (v t) j)) with
    ((d j * norm (v t) - v t j * radial (v t) d) / norm (v t) ^ 2)
    by (unfold heading; field; lra).
  apply (is_derive_div (fun s => v s j) (fun s => norm (v s))); auto; lra.
Qed.

End Vectors.

(** ** The flow in polar form *)

Section Flow.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Context {k : joint_loss D} {Phi : vec J -> X -> R} {l : R} {v beta u : R -> vec J}.
Hypothesis flow : separated_flow k Phi l v beta u.
Let predictor := flow_predictor flow.
Let l_pos := degree_pos flow.
Notation n t := (norm (v t)).
Notation G := (smoothed_margin k Phi v).
Notation energy := (energy beta u).
Notation ps t := (psi k (loss_at k Phi v t)).
Notation nu := (weighted_margin k Phi).
Notation p t := (margin_gradient k Phi (v t) (u t)).
Notation e t := (heading (v t)).
Notation pr t := (radial (v t) (p t)).
Notation q t := (spherical (v t) (p t)).
Notation gamma t := (normalized_margin k Phi l (v t)).

(** Euler: every subgradient has the radial part l nu / (psi |v|). *)
Lemma radial_euler t u' : 0 <= t -> clarke (total_loss k Phi) (v t) u' ->
  radial (v t) (margin_gradient k Phi (v t) u') = l * nu (v t) / (ps t * n t).
Proof.
  intros T C; assert (Eu := euler predictor k _ _ C); assert (N := norm_pos flow t T).
  assert (P : 0 < ps t) by apply psi_loss_pos.
  transitivity (- / (ps t * n t) * inner u' (v t)).
  - unfold radial, inner; rewrite <- Sum_scal; apply Sum_ext; intros j.
    unfold margin_gradient, heading; change (total_loss k Phi (v t)) with
      (loss_at k Phi v t); field; lra.
  - rewrite Eu; field; lra.
Qed.

(** The flow equation and the chain rule, in these words. *)
Definition polar_equation t : Prop := clarke (total_loss k Phi) (v t) (u t) /\
  (forall j, is_derive (fun s => v s j) t (ps t * (beta t j * p t j))) /\
  is_derive G t (ps t * adapted (beta t) (p t) (p t)) /\
  forall u', clarke (total_loss k Phi) (v t) u' ->
    adapted (beta t) (p t) (sub (margin_gradient k Phi (v t) u') (p t)) = 0.

Lemma flow_polar : ae polar_equation.
Proof.
  assert (Dv : ae (fun t => forall j, ex_derive (fun s => v s j) t)).
  { generalize (flow_equation flow); apply ae_imp; intros t _ Fl j; eexists; apply Fl. }
  generalize (ae_and _ _ (ae_and _ _ (flow_chain_rule flow v (flow_arc flow) Dv)
    (G_derive flow)) (ae_and _ _ (flow_subgradient flow) (flow_equation flow))).
  apply ae_imp; intros t T [[Ch DG] [Sg Fl]].
  assert (P : 0 < ps t) by apply psi_loss_pos.
  split; [exact Sg |]; split; [| split].
  - intros j; replace (ps t * (beta t j * p t j)) with (- beta t j * u t j);
      [apply Fl |].
    unfold margin_gradient; change (total_loss k Phi (v t)) with (loss_at k Phi v t).
    field; lra.
  - replace (ps t * adapted (beta t) (p t) (p t)) with (energy t / ps t); [exact DG |].
    unfold adapted, SmoothedMargin.energy, Rdiv; rewrite Rmult_comm, <- !Sum_scal.
    apply Sum_ext; intros j; unfold margin_gradient.
    change (total_loss k Phi (v t)) with (loss_at k Phi v t); field; lra.
  - intros u' C'; assert (E := is_derive_unique _ _ _ (Ch _ Sg)).
    rewrite (is_derive_unique _ _ _ (Ch _ C')) in E.
    set (d := fun j => Derive (fun s => v s j) t) in *.
    transitivity (/ ps t ^ 2 * (inner (u t) d - inner u' d)); [| rewrite E; ring].
    unfold adapted, inner, Rminus; rewrite <- (Rmult_1_l (Sum (fun j => u' j * d j))).
    rewrite Ropp_mult_distr_l, <- !Sum_scal, <- Sum_plus, <- Sum_scal.
    apply Sum_ext; intros j; unfold sub, margin_gradient.
    assert (Dj : d j = - beta t j * u t j) by exact (is_derive_unique _ _ _ (Fl j)).
    rewrite Dj.
    change (total_loss k Phi (v t)) with (loss_at k Phi v t); field; lra.
Qed.

(** How the normalized margin changes. *)
Lemma gamma_derive t : 0 <= t -> polar_equation t ->
  is_derive (fun t => gamma t) t (gamma t * (ps t * adapted (beta t) (p t) (p t) / G t -
    l * (ps t * adapted (beta t) (p t) (e t) / n t))).
Proof.
  intros T (_ & Dv & DG & _); assert (N := norm_pos flow t T).
  assert (g := G_pos flow t T).
  assert (Dn := norm_derive v _ t N Dv).
  replace (radial (v t) (fun j => ps t * (beta t j * p t j))) with
    (ps t * adapted (beta t) (p t) (e t)) in Dn.
  2: { unfold radial, adapted, inner; rewrite <- Sum_scal; apply Sum_ext.
       intros; ring. }
  set (d := ps t * adapted (beta t) (p t) (e t)) in *.
  set (d' := ps t * adapted (beta t) (p t) (p t)) in *.
  unfold normalized_margin; change (margin_of k Phi (v t)) with (G t).
  replace (G t * exp (- l * ln (n t)) * (d' / G t - l * (d / n t))) with
    (d' * exp (- l * ln (n t)) + G t * (- l * (d * / n t) * exp (- l * ln (n t))))
    by (field; lra).
  apply (is_derive_mult G (fun t => exp (- l * ln (n t)))); auto;
    [| intros; apply Rmult_comm].
  apply (is_derive_comp exp (fun t => - l * ln (n t))); [apply is_derive_exp |].
  apply (is_derive_scal (fun t => ln (n t))).
  apply (is_derive_comp ln (fun t => n t)); [| exact Dn].
  auto_derive; [exact N | field; lra].
Qed.

(** ** Late times

    [b] = |v|^-kappa bounds the adapter's distance from 1. *)

(** What holds from some time on, at all times, and the two speeds. *)
Definition late kappa A X0 C2 t : Prop :=
  let b := exp (- kappa * ln (n t)) in
  0 <= t /\ 1 < n t /\ (forall j, Rabs (beta t j - 1) <= A * b) /\
  A * b <= / 12 /\ A * b * (1 + X0) <= / 2 /\ C2 * b <= 1.

Definition bounded X0 C2 gamma_lo gamma_hi t : Prop :=
  gamma_lo <= gamma t <= gamma_hi /\
  forall u', clarke (total_loss k Phi) (v t) u' ->
    let r := radial (v t) (margin_gradient k Phi (v t) u') in
    0 < r /\ norm (spherical (v t) (margin_gradient k Phi (v t) u')) <= X0 * r /\
    l * G t / n t <= r <= l * G t / n t * (1 + C2 * exp (- l * ln (n t))).

(** [speed] is, up to constants, the logarithmic speed of |v|; [tilt] compares the two
    parts of the gradient. *)
Definition speed t : R := ps t * pr t / n t.
Definition tilt t : R := norm (q t) / pr t.

Section Late.
Variables (kappa A X0 C2 gamma_lo gamma_hi g0 : R).
Hypothesis kappa_range : 0 < kappa < l.
Hypothesis A_pos : 0 <= A.
Hypothesis C2_pos : 0 < C2.
Hypothesis gamma_pos : 0 < gamma_lo.
Notation b t := (exp (- kappa * ln (n t))).
Notation late := (late kappa A X0 C2).

Hypothesis always_bounded : forall t, 0 <= t -> bounded X0 C2 gamma_lo gamma_hi t.

Let gamma_hi_pos : 0 < gamma_hi.
Proof. destruct (always_bounded 0 (Rle_refl 0)) as [B _]; lra. Qed.

Section AtLateTime.
Variable t : R.
Hypothesis is_late : late t.
Hypothesis equation : polar_equation t.

Let T : 0 <= t := proj1 is_late.
Let N : 0 < n t := norm_pos flow t T.
Let g : 0 < G t := G_pos flow t T.
Let P : 0 < ps t := psi_loss_pos t.
Let b0 : 0 < b t := exp_pos _.
Let Sg := proj1 equation.
Let R0 : 0 < pr t.
Proof. now destruct (always_bounded t T) as [_ B]; destruct (B _ Sg). Qed.
Let a_range : 0 <= A * b t <= / 2.
Proof.
  pose proof is_late as (_ & _ & _ & S & _); split; [apply Rmult_le_pos |]; lra.
Qed.
Let near := proj1 (proj2 (proj2 is_late)).
Let unit_e := norm_heading (v t) N.
Let ortho := spherical_orthogonal (v t) (p t) N.
Let split_p := polar (v t) (p t).

Lemma speed_pos : 0 < speed t.
Proof. apply Rdiv_lt_0_compat; [now apply Rmult_lt_0_compat | exact N]. Qed.

Lemma tilt_spec : norm (q t) = tilt t * pr t.
Proof. unfold tilt; field; lra. Qed.

Lemma tilt_range : 0 <= tilt t <= X0.
Proof.
  destruct (always_bounded t T) as [_ B]; destruct (B _ Sg) as (_ & Q & _).
  split; [apply Rdiv_le_0_compat; [apply norm_nonneg | exact R0] |].
  apply Rmult_le_reg_r with (pr t); [exact R0 |]; rewrite <- tilt_spec; exact Q.
Qed.

(** The excess s of the radial part over l G / |v| is at most C2 |v|^-l. *)
Lemma excess_range : exists s, 0 <= s <= C2 * exp (- l * ln (n t)) /\ s <= 1 /\
  pr t = (1 + s) * (l * G t / n t).
Proof.
  destruct (always_bounded t T) as [_ B]; destruct (B _ Sg) as (_ & _ & L & U).
  assert (c0 : 0 < l * G t / n t)
    by (apply Rdiv_lt_0_compat; [now apply Rmult_lt_0_compat | exact N]).
  set (c := l * G t / n t) in *; exists (pr t / c - 1).
  assert (E : pr t / c - 1 = (pr t - c) / c) by (field; lra).
  assert (lo : 0 <= (pr t - c) / c) by (apply Rdiv_le_0_compat; lra).
  assert (up : (pr t - c) / c <= C2 * exp (- l * ln (n t))).
  { apply Rmult_le_reg_r with c; auto; unfold Rdiv.
    rewrite Rmult_assoc, Rinv_l by lra; lra. }
  assert (Le : exp (- l * ln (n t)) <= b t).
  { pose proof is_late as (_ & N1 & _); apply exp_le.
    assert (L0 : 0 < ln (n t)) by (rewrite <- ln_1; apply ln_increasing; lra); nra. }
  pose proof is_late as (_ & _ & _ & _ & _ & Small).
  assert (C2 * exp (- l * ln (n t)) <= C2 * b t) by (apply Rmult_le_compat_l; lra).
  rewrite E; split; [lra |]; split; [lra |].
  rewrite <- E; field; lra.
Qed.

(** ln |v| grows at least at half the rate [speed], so that b falls. *)
Lemma b_derive : exists d, is_derive (fun t => b t) t d /\
  speed t * b t <= - (2 / kappa) * d.
Proof.
  pose proof equation as (_ & Dv & _); assert (Dn := norm_derive v _ t N Dv).
  exists (- kappa * (radial (v t) (fun j => ps t * (beta t j * p t j)) * / n t) * b t).
  split.
  - apply (is_derive_comp exp (fun t => - kappa * ln (n t))); [apply is_derive_exp |].
    apply (is_derive_scal (fun t => ln (n t))).
    apply (is_derive_comp ln (fun t => n t)); [| exact Dn].
    auto_derive; [exact N | field; lra].
  - replace (radial (v t) (fun j => ps t * (beta t j * p t j))) with
      (ps t * adapted (beta t) (p t) (e t)).
    2: { unfold radial, adapted, inner; rewrite <- Sum_scal; apply Sum_ext.
       intros; ring. }
    assert (S := radial_speed (beta t) (e t) (q t) (p t) (pr t) (A * b t) unit_e ortho
      split_p R0 a_range near).
    assert (Half : pr t <= 2 * adapted (beta t) (p t) (e t)).
    { pose proof is_late as (_ & _ & _ & _ & S2 & _); rewrite tilt_spec in S.
      apply Rabs_le_between in S; assert (Xr := tilt_range).
      assert (A * b t * (pr t + tilt t * pr t) <= / 2 * pr t); [| lra].
      apply Rle_trans with (A * b t * (1 + X0) * pr t);
        [| apply Rmult_le_compat_r; lra].
      replace (A * b t * (pr t + tilt t * pr t)) with (A * b t * (1 + tilt t) * pr t)
        by ring.
      apply Rmult_le_compat_r; [lra |]; apply Rmult_le_compat_l; lra. }
    assert (I : 0 < ps t / n t) by now apply Rdiv_lt_0_compat.
    replace (- (2 / kappa) * (- kappa * (ps t * adapted (beta t) (p t) (e t) * / n t) *
      b t)) with (ps t / n t * (2 * adapted (beta t) (p t) (e t)) * b t)
      by (field; lra).
    apply Rmult_le_compat_r; [lra |]; unfold speed.
    replace (ps t * pr t / n t) with (ps t / n t * pr t) by (field; lra).
    apply Rmult_le_compat_l; lra.
Qed.

(** The normalized margin rises by speed tilt^2, less an error of order speed b^2. *)
Lemma gamma_rises : exists d, is_derive (fun t => gamma t) t d /\
  l * gamma_lo / 4 * (speed t * tilt t ^ 2) -
  8 * l * gamma_hi * A ^ 2 * (speed t * b t ^ 2) <= d.
Proof.
  eexists; split; [apply (gamma_derive t T equation) |].
  destruct excess_range as (s & S & S1 & E).
  assert (Ga := gain (beta t) (e t) (q t) (p t) (pr t) (A * b t) unit_e ortho split_p R0
    a_range near s ltac:(lra)).
  destruct (always_bounded t T) as [B _]; assert (M0 := speed_pos).
  set (App := adapted (beta t) (p t) (p t)) in *.
  set (Ape := adapted (beta t) (p t) (e t)) in *.
  replace (ps t * App / G t - l * (ps t * Ape / n t)) with
    (l * ps t / (n t * pr t) * ((1 + s) * App - pr t * Ape)).
  2: { assert (EG : / G t = (1 + s) * l / (n t * pr t)).
       { rewrite E; field; repeat split; lra. }
       change (ps t * App / G t) with (ps t * App * / G t); rewrite EG; field; lra. }
  assert (c0 : 0 < l * ps t / (n t * pr t)).
  { apply Rdiv_lt_0_compat; now apply Rmult_lt_0_compat. }
  apply Rmult_le_compat_l with (r := l * ps t / (n t * pr t)) in Ga; [| lra].
  rewrite tilt_spec in Ga.
  replace (l * ps t / (n t * pr t) * ((tilt t * pr t) ^ 2 / 4 - 8 * (A * b t) ^ 2 *
    pr t ^ 2)) with
    (l / 4 * (speed t * tilt t ^ 2) - 8 * l * A ^ 2 * (speed t * b t ^ 2)) in Ga
    by (unfold speed; field; lra).
  assert (Mx : 0 <= l / 4 * (speed t * tilt t ^ 2)).
  { apply Rmult_le_pos; [lra |]; apply Rmult_le_pos; [lra | apply pow2_ge_0]. }
  assert (Mb : 0 <= 8 * l * A ^ 2 * (speed t * b t ^ 2)).
  { apply Rmult_le_pos; apply Rmult_le_pos; try apply pow2_ge_0; lra. }
  set (rise := l / 4 * (speed t * tilt t ^ 2)) in *.
  set (err := 8 * l * A ^ 2 * (speed t * b t ^ 2)) in *.
  replace (l * gamma_lo / 4 * (speed t * tilt t ^ 2)) with (gamma_lo * rise)
    by (unfold rise; field).
  replace (8 * l * gamma_hi * A ^ 2 * (speed t * b t ^ 2)) with (gamma_hi * err)
    by (unfold err; ring).
  apply Rle_trans with (gamma t * (rise - err)).
  - assert (gamma_lo * rise <= gamma t * rise) by (apply Rmult_le_compat_r; lra).
    assert (gamma t * err <= gamma_hi * err) by (apply Rmult_le_compat_r; lra); lra.
  - apply Rmult_le_compat_l; lra.
Qed.

(** The direction turns at most at this speed. *)
Lemma heading_speed j : exists d, is_derive (fun t => heading (v t) j) t d /\
  Rabs d <= speed t * (2 * tilt t + A * b t).
Proof.
  pose proof equation as (_ & Dv & _); eexists.
  split; [apply (heading_derive v _ t N Dv) |].
  assert (Tu := turning_speed (beta t) (e t) (q t) (p t) (pr t) (A * b t) unit_e ortho
    split_p R0 a_range near).
  replace (radial (v t) (fun j => ps t * (beta t j * p t j))) with
    (ps t * adapted (beta t) (p t) (e t))
    by (unfold radial, adapted, inner; rewrite <- Sum_scal; apply Sum_ext;
      intros; ring).
  set (y := fun j => beta t j * p t j - adapted (beta t) (p t) (e t) * e t j) in Tu.
  replace (/ n t * (ps t * (beta t j * p t j) - ps t * adapted (beta t) (p t) (e t) *
    e t j)) with (ps t / n t * y j) by (unfold y; field; lra).
  assert (c0 : 0 < ps t / n t) by now apply Rdiv_lt_0_compat.
  rewrite Rabs_mult, (Rabs_pos_eq (ps t / n t)) by lra.
  replace (speed t * (2 * tilt t + A * b t)) with
    (ps t / n t * (2 * norm (q t) + A * b t * pr t))
    by (rewrite tilt_spec; unfold speed; field; lra).
  apply Rmult_le_compat_l; [lra |].
  apply Rle_trans with (2 := Tu), norm_ge_component.
Qed.

(** Where the tilt dominates b, the spherical part of every subgradient dominates the
    radial part of the gap ... *)
Lemma spherical_dominates u' : clarke (total_loss k Phi) (v t) u' ->
  (4 * A + 2 * C2) * b t <= tilt t ->
  1 * exp ((l - kappa) * ln (n t)) *
    Rabs (radial (v t) (gap_gradient k Phi l (v t) u')) <=
  norm (spherical (v t) (gap_gradient k Phi l (v t) u')).
Proof.
  intros C' Big; pose proof equation as (_ & _ & _ & Min); specialize (Min u' C').
  unfold gap_gradient; rewrite radial_affine, spherical_affine by exact N.
  set (p' := margin_gradient k Phi (v t) u') in *; set (El := exp (- l * ln (n t))).
  assert (El0 : 0 < El) by apply exp_pos.
  assert (Same : radial (v t) p' = pr t).
  { unfold p'; now rewrite !(radial_euler t) by auto. }
  change (margin_of k Phi (v t)) with (G t); rewrite Same.
  destruct excess_range as (s & S & S1 & E); fold El in S.
  assert (c0 : 0 < l * G t / n t)
    by (apply Rdiv_lt_0_compat; [now apply Rmult_lt_0_compat | exact N]).
  set (c := l * G t / n t) in *; assert (sc : 0 <= pr t - c <= s * pr t) by nra.
  rewrite Rabs_mult, Rabs_Ropp, (Rabs_pos_eq El), (Rabs_pos_eq (pr t - c)) by lra.
  assert (Half : norm (q t) <= 2 * norm (spherical (v t) p')).
  { apply (spherical_comparable (beta t) (e t) (q t) (p t) (pr t) (A * b t) unit_e ortho
      split_p R0 a_range near p'); auto.
    - apply (spherical_orthogonal (v t) p' N).
    - intros j; rewrite <- Same; apply polar.
    - apply is_late.
    - rewrite tilt_spec.
      replace (4 * (A * b t * pr t)) with (4 * A * b t * pr t) by ring.
      apply Rmult_le_compat_r; [lra |]; assert (0 <= C2 * b t) by nra; lra. }
  assert (Power : exp ((l - kappa) * ln (n t)) * (C2 * El) = C2 * b t).
  { transitivity (C2 * (exp ((l - kappa) * ln (n t)) * El)); [ring |].
    unfold El; rewrite <- exp_plus; do 2 f_equal; ring. }
  set (W := exp ((l - kappa) * ln (n t))) in *; assert (W0 : 0 < W) by apply exp_pos.
  apply Rle_trans with (El * (C2 * b t * pr t)).
  - rewrite <- Power.
    replace (1 * W * (El * (pr t - c))) with (El * (W * (pr t - c))) by ring.
    apply Rmult_le_compat_l; [lra |].
    replace (W * (C2 * El) * pr t) with (W * (C2 * El * pr t)) by ring.
    apply Rmult_le_compat_l; [lra |]; apply Rle_trans with (s * pr t); [lra |].
    apply Rmult_le_compat_r; lra.
  - apply Rmult_le_compat_l; [lra |]; rewrite tilt_spec in Half.
    assert (2 * C2 * b t <= tilt t) by (assert (0 <= 4 * A * b t) by nra; lra).
    assert (2 * C2 * b t * pr t <= tilt t * pr t) by (apply Rmult_le_compat_r; lra).
    lra.
Qed.

(** ... and the gradient of the gap is at most of the order of the tilt. *)
Lemma gap_gradient_small : 2 * C2 * b t <= tilt t ->
  n t * norm (gap_gradient k Phi l (v t) (u t)) <= 4 * l * gamma_hi * tilt t.
Proof.
  intros Big; destruct excess_range as (s & S & S1 & E).
  destruct (always_bounded t T) as [[_ Hi] _]; assert (Xr := tilt_range).
  set (El := exp (- l * ln (n t))) in *; assert (El0 : 0 < El) by apply exp_pos.
  assert (c0 : 0 < l * G t / n t)
    by (apply Rdiv_lt_0_compat; [now apply Rmult_lt_0_compat | exact N]).
  unfold gap_gradient; fold El; change (margin_of k Phi (v t)) with (G t).
  set (c := l * G t / n t) in *.
  assert (Le : El <= b t).
  { pose proof is_late as (_ & N1 & _); apply exp_le.
    assert (L0 : 0 < ln (n t)) by (rewrite <- ln_1; apply ln_increasing; lra); nra. }
  assert (sx : s <= tilt t).
  { assert (C2 * El <= C2 * b t) by (apply Rmult_le_compat_l; lra).
    assert (0 <= C2 * b t) by nra; lra. }
  rewrite (norm_scal (- El) (fun j => p t j - c * e t j)), Rabs_Ropp.
  rewrite Rabs_pos_eq by lra.
  assert (Np : norm (fun j => p t j - c * e t j) <= 2 * tilt t * pr t).
  { replace (norm (fun j => p t j - c * e t j)) with
      (norm (fun j => q t j + (pr t - c) * e t j)).
    2: { apply norm_ext; intros j; generalize (split_p j); lra. }
    eapply Rle_trans; [apply (norm_triangle (q t) (fun j => (pr t - c) * e t j)) |].
    assert (sc : 0 <= pr t - c <= s * pr t) by nra.
    rewrite norm_scal, unit_e, Rabs_pos_eq, tilt_spec by lra.
    assert (s * pr t <= tilt t * pr t) by (apply Rmult_le_compat_r; lra); lra. }
  apply Rle_trans with (n t * (El * (2 * tilt t * pr t))).
  - apply Rmult_le_compat_l; [lra |]; apply Rmult_le_compat_l; [lra | exact Np].
  - assert (Eg : n t * El * pr t = (1 + s) * l * gamma t).
    { rewrite E; unfold normalized_margin, c; change (margin_of k Phi (v t)) with (G t).
      fold El; field; lra. }
    replace (n t * (El * (2 * tilt t * pr t))) with
      (2 * tilt t * (n t * El * pr t)) by ring.
    rewrite Eg.
    replace (4 * l * gamma_hi * tilt t) with (2 * tilt t * (2 * l * gamma_hi)) by ring.
    apply Rmult_le_compat_l; [lra |].
    destruct (always_bounded t T) as [[Lo _] _].
    replace ((1 + s) * l * gamma t) with (l * ((1 + s) * gamma t)) by ring.
    replace (2 * l * gamma_hi) with (l * (2 * gamma_hi)) by ring.
    apply Rmult_le_compat_l; [lra |]; apply Rmult_le_compat; lra.
Qed.

End AtLateTime.

(** ** The potential g0 - gamma + K b^2 *)

Definition potential K t : R := g0 - gamma t + K * b t ^ 2.
Definition enough : R := 8 * l * gamma_hi * A ^ 2 / kappa.

Lemma enough_pos : 0 <= enough.
Proof.
  assert (c0 : 0 <= l * gamma_hi) by (apply Rmult_le_pos; lra).
  apply Rdiv_le_0_compat; [| lra]; apply Rmult_le_pos; [lra | apply pow2_ge_0].
Qed.

Lemma potential_falls K t : enough <= K -> late t -> polar_equation t ->
  exists d, is_derive (potential K) t d /\
    l * gamma_lo / 4 * (speed t * tilt t ^ 2) <= - d.
Proof.
  intros LK Lt Eq; destruct (gamma_rises t Lt Eq) as (dg & Dg & Bg).
  destruct (b_derive t Lt Eq) as (db & Db & Bb).
  exists (- dg + K * (2 * (b t * db))); split.
  - apply (is_derive_ext (fun t => (g0 + -1 * gamma t) + K * (b t * b t))).
    { intros s; change ((g0 + -1 * gamma s) + K * (b s * b s) =
        g0 - gamma s + K * b s ^ 2); ring. }
    replace (- dg + K * (2 * (b t * db))) with
      ((0 + -1 * dg) + K * (db * b t + b t * db)) by ring.
    apply (is_derive_plus (V := R_NormedModule) (fun t => g0 + -1 * gamma t)
      (fun t => K * (b t * b t))).
    + apply (is_derive_plus (V := R_NormedModule) (fun _ => g0)
        (fun t => -1 * gamma t)); [apply (is_derive_const (V := R_NormedModule)) |].
      now apply (is_derive_scal (fun t => gamma t)).
    + apply (is_derive_scal (fun t => b t * b t)).
      apply (is_derive_mult (fun t => b t) (fun t => b t)); auto.
      intros; apply Rmult_comm.
  - assert (b0 : 0 < b t) by apply exp_pos; assert (S0 := speed_pos t Lt Eq).
    assert (E0 := enough_pos).
    assert (B1 : kappa * (speed t * b t) <= -2 * db).
    { replace (-2 * db) with (kappa * (- (2 / kappa) * db)) by (field; lra).
      apply Rmult_le_compat_l; lra. }
    assert (B2 : kappa * (speed t * b t ^ 2) <= -2 * (b t * db)).
    { replace (kappa * (speed t * b t ^ 2)) with (b t * (kappa * (speed t * b t)))
        by ring.
      replace (-2 * (b t * db)) with (b t * (-2 * db)) by ring.
      apply Rmult_le_compat_l; lra. }
    assert (B0 : 0 <= kappa * (speed t * b t ^ 2)).
    { apply Rmult_le_pos; [lra |]; apply Rmult_le_pos; [lra | apply pow2_ge_0]. }
    assert (B3 : enough * (kappa * (speed t * b t ^ 2)) <= K * (-2 * (b t * db)))
      by (apply Rmult_le_compat; lra).
    replace (enough * (kappa * (speed t * b t ^ 2))) with
      (8 * l * gamma_hi * A ^ 2 * (speed t * b t ^ 2)) in B3
      by (unfold enough; field; lra).
    lra.
Qed.

Lemma arc_norm : arc (fun t => n t).
Proof.
  apply (arc_lipschitz_comp (fun v => norm v) v norm_lipschitz (flow_arc flow)).
Qed.

Lemma arc_norm_power c : arc (fun t => exp (c * ln (n t))).
Proof.
  apply arc_exp, arc_scal, arc_ln_pos; [exact arc_norm | exact (norm_pos flow)].
Qed.

Lemma arc_heading j : arc (fun t => heading (v t) j).
Proof.
  apply arc_ext with (fun t => v t j * exp (-1 * ln (n t))).
  - intros t T; unfold heading; replace (-1 * ln (n t)) with (- ln (n t)) by ring.
    rewrite exp_Ropp, exp_ln by now apply (norm_pos flow).
    reflexivity.
  - apply arc_mult; [apply (flow_arc flow) | apply arc_norm_power].
Qed.

Lemma arc_potential K : arc (potential K).
Proof.
  apply arc_ext with (fun t => (g0 + -1 * gamma t) + K * (b t * b t)).
  - intros t _; unfold potential; ring.
  - apply arc_plus; [apply arc_plus; [apply arc_const | apply arc_scal] |
      apply arc_scal, arc_mult; apply arc_norm_power].
    apply (arc_mult G); [apply (arc_G flow) | apply arc_norm_power].
Qed.

(** |v| tends to infinity. *)
Lemma norm_unbounded y : exists T, 0 <= T /\ forall t, T <= t -> y <= ln (n t).
Proof.
  destruct (norm_G flow) as (C & _ & NG).
  destruct (G_unbounded flow (exp (l * (y + C)))) as (T & T0 & Far); [apply exp_pos |].
  exists T; split; [exact T0 |]; intros t Ht; destruct (NG t ltac:(lra)) as [N1 _].
  assert (Gl := ln_le _ _ (exp_pos _) (Far t Ht)); rewrite ln_exp in Gl.
  assert (I : 0 < / l) by now apply Rinv_0_lt_compat.
  assert (Q : / l * (l * (y + C)) <= / l * ln (G t)) by (apply Rmult_le_compat_l; lra).
  replace (/ l * (l * (y + C))) with (y + C) in Q by (field; lra).
  apply Rabs_le_between in N1; lra.
Qed.

Lemma b_small r : 0 < r -> exists T, 0 <= T /\ forall t, T <= t -> b t <= r.
Proof.
  intros r0; destruct (norm_unbounded (- ln r / kappa)) as (T & T0 & Far).
  exists T; split; [exact T0 |]; intros t Ht; specialize (Far t Ht).
  rewrite <- (exp_ln r) by exact r0; apply exp_le.
  apply Rmult_le_compat_l with (r := kappa) in Far; [| lra].
  replace (kappa * (- ln r / kappa)) with (- ln r) in Far by (field; lra); lra.
Qed.

Lemma b_lim : is_lim (fun t => b t) p_infty 0.
Proof.
  apply is_lim_spec; intros e; assert (e0 := cond_pos e).
  destruct (b_small (e / 2) ltac:(lra)) as (T & _ & Small); exists T; intros t Ht.
  specialize (Small t (Rlt_le _ _ Ht)); assert (b0 : 0 < b t) by apply exp_pos.
  rewrite Rminus_0_r, Rabs_pos_eq; lra.
Qed.

Hypothesis limit : is_lim (fun t => gamma t) p_infty g0.

Lemma potential_lim K : is_lim (potential K) p_infty 0.
Proof.
  replace (Finite 0) with (Finite ((g0 - g0) + K * 0 ^ 2)) by (f_equal; ring).
  apply (is_lim_plus' (fun t => g0 - gamma t) (fun t => K * b t ^ 2)).
  - apply (is_lim_minus' (fun _ => g0) (fun t => gamma t)); [apply is_lim_const | auto].
  - apply (is_lim_scal_l (fun t => b t ^ 2) K p_infty (0 ^ 2)).
    apply (is_lim_comp_continuous (fun t => b t) (fun z => z ^ 2)); [exact b_lim |].
    apply (ex_derive_continuous (fun z => z ^ 2)); auto_derive; auto.
Qed.

Variable T0 : R.
Hypothesis T0_pos : 0 <= T0.
Hypothesis late_from : forall t, T0 <= t -> late t.

Lemma potential_antitone K s t : enough <= K -> T0 <= s <= t ->
  potential K t <= potential K s.
Proof.
  intros LK I.
  assert (Q : -1 * potential K s + 0 * (t - s) <= -1 * potential K t); [| lra].
  apply (arc_rises_ae (fun t => -1 * potential K t)); [| lra |].
  - apply arc_scal, arc_potential.
  - generalize flow_polar; apply ae_imp; intros r _ Eq Ir.
    assert (Lt := late_from r ltac:(lra)).
    destruct (potential_falls K r LK Lt Eq) as (d & Dd & Bd).
    exists (-1 * d); split; [now apply (is_derive_scal (potential K)) |].
    assert (S0 := speed_pos r Lt Eq); assert (X2 := pow2_ge_0 (tilt r)).
    assert (0 <= l * gamma_lo / 4 * (speed r * tilt r ^ 2)); [| lra].
    apply Rmult_le_pos; [| apply Rmult_le_pos; lra].
    assert (0 <= l * gamma_lo) by (apply Rmult_le_pos; lra); lra.
Qed.

Lemma potential_nonneg K t : enough <= K -> T0 <= t -> 0 <= potential K t.
Proof.
  intros LK Ht; assert (Le : Rbar_le 0 (potential K t)); [| exact Le].
  apply (is_lim_le_loc (potential K) (fun _ => potential K t) p_infty 0
    (potential K t)); [| exact (potential_lim K) | apply is_lim_const].
  exists t; intros s S; apply potential_antitone; auto; lra.
Qed.

Lemma potential_pos t : T0 <= t -> 0 < potential (enough + 1) t.
Proof.
  intros Ht; assert (P := potential_nonneg enough t (Rle_refl _) Ht).
  assert (b2 : 0 < b t ^ 2) by (apply pow_lt, exp_pos); unfold potential in *; lra.
Qed.

(** ** The inequality along the flow *)

Hypothesis g0_pos : 0 < g0.
Variables (width : R) (Psi Psi' : R -> R).
Hypothesis desing : desingularizing width Psi Psi'.
Hypothesis inequality : forall w, 1 < norm w -> total_loss k Phi w < ell k 0 ->
  let gap := g0 - normalized_margin k Phi l w in 0 < gap < width ->
  (forall u', clarke (total_loss k Phi) w u' ->
     1 * exp ((l - kappa) * ln (norm w)) *
       Rabs (radial w (gap_gradient k Phi l w u')) <=
     norm (spherical w (gap_gradient k Phi l w u'))) ->
  forall u', clarke (total_loss k Phi) w u' ->
  1 <= Psi' gap * norm w * norm (gap_gradient k Phi l w u').

Lemma desingularized t : late t -> polar_equation t ->
  0 < potential (enough + 1) t < width ->
  tilt t <= (4 * A + 2 * C2) * b t \/
  potential (enough + 1) t <= 2 * (enough + 1) * b t ^ 2 \/
  1 <= 8 * l * gamma_hi * (Psi' (/ 2 * potential (enough + 1) t) * / 2 * tilt t).
Proof.
  intros Lt Eq Small; set (K := enough + 1) in *; set (F := potential K t) in *.
  destruct (Rle_lt_dec (tilt t) ((4 * A + 2 * C2) * b t)) as [C | Big]; [now left |].
  destruct (Rle_lt_dec F (2 * K * b t ^ 2)) as [C | Far]; [right; now left |].
  right; right; destruct Lt as (Tp & N1 & Rest); assert (Lt : late t) by now split.
  assert (b0 : 0 < b t) by apply exp_pos; assert (E0 := enough_pos).
  assert (b2 : 0 <= K * b t ^ 2).
  { apply Rmult_le_pos; [unfold K; lra | apply pow2_ge_0]. }
  set (gap := g0 - gamma t); assert (Gap : F = gap + K * b t ^ 2) by reflexivity.
  assert (Ineq := inequality (v t) N1 (loss_below flow t Tp)); fold gap in Ineq.
  specialize (Ineq ltac:(lra)).
  assert (Ab : 0 <= 4 * A * b t) by (apply Rmult_le_pos; lra).
  assert (Cb : 0 <= 2 * C2 * b t) by (apply Rmult_le_pos; lra).
  specialize (Ineq (fun u' C' => spherical_dominates t Lt Eq u' C' ltac:(lra)) (u t)
    (proj1 Eq)).
  assert (Sm := gap_gradient_small t Lt Eq ltac:(lra)).
  destruct desing as (w0 & Dp & Conc).
  assert (P1 := Conc (/ 2 * F) gap ltac:(lra) ltac:(lra)).
  destruct (Dp gap ltac:(lra)) as (_ & P0 & _); assert (Xr := tilt_range t Lt Eq).
  set (S := n t * norm (gap_gradient k Phi l (v t) (u t))) in *.
  assert (Y : Psi' gap * S <= Psi' gap * (4 * l * gamma_hi * tilt t))
    by (apply Rmult_le_compat_l; lra).
  assert (c0 : 0 <= l * gamma_hi) by (apply Rmult_le_pos; lra).
  assert (Z : 0 <= 4 * l * gamma_hi * tilt t) by (apply Rmult_le_pos; lra).
  assert (W : Psi' gap * (4 * l * gamma_hi * tilt t) <=
    Psi' (/ 2 * F) * (4 * l * gamma_hi * tilt t)) by (apply Rmult_le_compat_r; lra).
  rewrite Rmult_assoc in Ineq; fold S in Ineq; lra.
Qed.

Lemma arc_desingularized T : T0 <= T -> potential (enough + 1) T < width ->
  arc (fun s => Psi (/ 2 * potential (enough + 1) (T + s))).
Proof.
  intros HT Small; set (F := potential (enough + 1)) in *.
  destruct desing as (_ & Dp & Conc).
  assert (Pos : forall s, 0 <= s -> 0 < / 2 * F (T + s)).
  { intros s S; assert (P := potential_pos (T + s) ltac:(lra)); fold F in P; lra. }
  assert (Au : arc (fun s => / 2 * F (T + s))).
  { apply arc_scal, (arc_shift_time F); [lra | apply arc_potential]. }
  apply (arc_comp Psi Psi' (fun s => / 2 * F (T + s)) Au); intros S S0.
  destruct (arc_below _ Au Pos S S0) as (m & m0 & Lo).
  exists m, (/ 2 * F T), (Psi' m); split.
  - intros s Hs; split; [now apply Lo |].
    assert (Mo := potential_antitone (enough + 1) T (T + s) ltac:(lra) ltac:(lra)).
    fold F in Mo; lra.
  - intros z Z; assert (Zr : 0 < z < width).
    { assert (P := potential_pos T HT); fold F in P; lra. }
    destruct (Dp z Zr) as (D1 & D2 & _); split; [exact D1 |].
    rewrite Rabs_pos_eq by lra; apply Conc; lra.
Qed.

Lemma heading_converges : exists theta : vec J,
  forall j, is_lim (fun t => heading (v t) j) p_infty (theta j).
Proof.
  set (K := enough + 1); set (F := potential K); assert (E0 := enough_pos).
  destruct desing as (w0 & Dp & _).
  assert (L := potential_lim K); apply is_lim_spec in L.
  destruct (L (mkposreal width w0)) as [T1 HT1]; simpl in HT1; fold F in HT1.
  set (T := Rmax T0 (T1 + 1)).
  assert (TT : T0 <= T /\ T1 < T) by (unfold T; minmax; lra).
  assert (Range : forall t, T <= t -> 0 < F t < width).
  { intros t Ht; split; [apply potential_pos; lra |].
    specialize (HT1 t ltac:(lra)); apply Rabs_def2 in HT1; lra. }
  assert (c0 : 0 < l * gamma_lo) by now apply Rmult_lt_0_compat.
  assert (c1 : 0 < l * gamma_hi) by now apply Rmult_lt_0_compat.
  apply (finite_length_late (fun t j => heading (v t) j) speed tilt (fun t => b t) F
    (fun t => Psi (/ 2 * F t)) (fun t => Psi' (/ 2 * F t) * / 2)
    A (l * gamma_lo / 4) (4 * A + 2 * C2) (2 / kappa) (2 * K) (8 * l * gamma_hi) T);
    try (unfold K; lra).
  - apply Rdiv_le_0_compat; lra.
  - apply arc_heading.
  - apply arc_norm_power.
  - apply arc_potential.
  - apply arc_desingularized; [lra |]; now apply Range, Rle_refl.
  - intros t Ht; specialize (Range t Ht); split; [apply exp_pos |]; split; [lra |].
    destruct (Dp (/ 2 * F t)) as (_ & _ & P); lra.
  - generalize flow_polar; apply ae_imp; intros t _ Eq Ht; specialize (Range t Ht).
    assert (Lt := late_from t ltac:(lra)).
    destruct (Dp (/ 2 * F t) ltac:(lra)) as (D1 & D2 & _).
    split; [left; now apply speed_pos |]; split; [now apply tilt_range |].
    split; [lra |]; split; [intros j; now apply heading_speed |].
    split; [now apply b_derive |]; split.
    + destruct (potential_falls K t ltac:(unfold K; lra) Lt Eq) as (d & Dd & Bd).
      exists d; split; [exact Dd |]; split; [exact Bd |].
      replace (Psi' (/ 2 * F t) * / 2 * d) with (/ 2 * d * Psi' (/ 2 * F t)) by ring.
      apply (is_derive_comp Psi (fun t => / 2 * F t)); [exact D1 |].
      now apply (is_derive_scal F).
    + now apply desingularized.
Qed.

End Late.

(** ** The bounds that hold at all times *)

Lemma gamma_exp t : 0 <= t -> gamma t = exp (ln (G t) - l * ln (n t)).
Proof.
  intros T; unfold normalized_margin; change (margin_of k Phi (v t)) with (G t).
  unfold Rminus; rewrite exp_plus, exp_ln by now apply (G_pos flow).
  do 2 f_equal; ring.
Qed.

Lemma gamma_range C t : 0 <= t -> Rabs (ln (n t) - / l * ln (G t)) <= C ->
  exp (- (l * C)) <= gamma t <= exp (l * C).
Proof.
  intros T N1; rewrite gamma_exp by exact T; apply Rabs_le_between in N1.
  assert (E : ln (G t) - l * ln (n t) = l * - (ln (n t) - / l * ln (G t)))
    by (field; lra).
  rewrite E; split; apply exp_le; [rewrite Ropp_mult_distr_r |];
    apply Rmult_le_compat_l; lra.
Qed.

(** The radial part exceeds l G / |v| by a share of at most (2 m + 2) / G. *)
Lemma radial_range t u' : 0 <= t -> clarke (total_loss k Phi) (v t) u' ->
  let r := radial (v t) (margin_gradient k Phi (v t) u') in
  l * G t / n t <= r <=
  l * G t / n t * (1 + (2 * Sum (fun _ : D => 1) + 2) / G t).
Proof.
  intros T C' r; assert (N := norm_pos flow t T); assert (g := G_pos flow t T).
  assert (P : 0 < ps t) by apply psi_loss_pos.
  set (m := Sum (fun _ : D => 1)).
  assert (Er : r = l / (ps t * n t) * nu (v t)).
  { unfold r; rewrite (radial_euler t u' T C'); field; lra. }
  assert (Low := weighted_margin_ge flow t T).
  assert (Up : nu (v t) <= (G t + (2 * m + 2)) * ps t)
    by (apply weighted_margin_le; now apply (loss_below flow)).
  assert (cn : 0 < l / (ps t * n t)).
  { apply Rdiv_lt_0_compat; [exact l_pos | now apply Rmult_lt_0_compat]. }
  rewrite Er; split.
  - replace (l * G t / n t) with (l / (ps t * n t) * (G t * ps t)) by (field; lra).
    apply Rmult_le_compat_l; lra.
  - replace (l * G t / n t * (1 + (2 * m + 2) / G t)) with
      (l / (ps t * n t) * ((G t + (2 * m + 2)) * ps t)) by (field; lra).
    apply Rmult_le_compat_l; lra.
Qed.

(** The spherical part is at most of the order of |v|^(l-1). *)
Lemma spherical_range cu t u' : 0 <= t ->
  norm u' <= exp (cu + (l - 1) * ln (n t)) * total_slope k Phi (v t) ->
  norm (spherical (v t) (margin_gradient k Phi (v t) u')) <=
  exp (cu + (l - 1) * ln (n t)) * Sum (fun _ : D => 1).
Proof.
  intros T Up; assert (N := norm_pos flow t T).
  assert (P : 0 < ps t) by apply psi_loss_pos.
  apply Rle_trans with (1 := norm_spherical_le (v t) _ N).
  set (m := Sum (fun _ : D => 1)); set (Kv := exp (cu + (l - 1) * ln (n t))) in *.
  assert (K0 : 0 < Kv) by apply exp_pos.
  assert (Sl : total_slope k Phi (v t) <= m * ps t) by apply slope_le.
  assert (Ip : 0 < / ps t) by now apply Rinv_0_lt_compat.
  replace (norm (margin_gradient k Phi (v t) u')) with (/ ps t * norm u').
  - apply Rmult_le_reg_l with (ps t); [exact P |].
    rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra.
    apply Rle_trans with (1 := Up).
    replace (ps t * (Kv * m)) with (Kv * (m * ps t)) by ring.
    apply Rmult_le_compat_l; lra.
  - transitivity (norm (fun j => - / ps t * u' j)).
    + rewrite norm_scal, Rabs_Ropp, Rabs_pos_eq by lra; reflexivity.
    + apply norm_ext; intros j; unfold margin_gradient.
      change (total_loss k Phi (v t)) with (loss_at k Phi v t); field; lra.
Qed.

Lemma always_bounded : exists X0 C2 gamma_lo gamma_hi,
  0 <= X0 /\ 0 < C2 /\ 0 < gamma_lo /\
  forall t, 0 <= t -> bounded X0 C2 gamma_lo gamma_hi t.
Proof.
  destruct (norm_G flow) as (C & _ & NG).
  destruct (subgradient_bound predictor k) as (cu & Ub).
  set (m := Sum (fun _ : D => 1)).
  assert (m0 : 0 <= m) by (apply Sum_nonneg; intros; lra).
  set (lo := exp (- (l * C))); assert (lo0 : 0 < lo) by apply exp_pos.
  assert (c0 : 0 < l * lo) by now apply Rmult_lt_0_compat.
  assert (em : 0 <= exp cu * m) by (apply Rmult_le_pos; [left; apply exp_pos | auto]).
  exists (exp cu * m / (l * lo)), ((2 * m + 2) / lo), lo, (exp (l * C)).
  split; [now apply Rdiv_le_0_compat |]; split; [apply Rdiv_lt_0_compat; lra |].
  split; [exact lo0 |]; intros t T.
  assert (N := norm_pos flow t T); assert (g := G_pos flow t T).
  assert (Ga := gamma_range C t T (proj1 (NG t T))); fold lo in Ga.
  split; [exact Ga |]; intros u' C' r.
  destruct (radial_range t u' T C') as [r1 r2]; fold r m in r1, r2.
  assert (r0 : 0 < l * G t / n t)
    by (apply Rdiv_lt_0_compat; [now apply Rmult_lt_0_compat | exact N]).
  set (El := exp (- l * ln (n t))); assert (El0 : 0 < El) by apply exp_pos.
  assert (GE : gamma t = G t * El) by reflexivity.
  assert (One : 1 <= gamma t / lo).
  { apply Rmult_le_reg_r with lo; auto; unfold Rdiv.
    rewrite Rmult_assoc, Rinv_l, Rmult_1_l, Rmult_1_r by lra; lra. }
  split; [lra |]; split; [| split; [exact r1 |]].
  - apply Rle_trans with (1 := spherical_range cu t u' T (Ub _ _ N C')).
    fold m; set (Kv := exp (cu + (l - 1) * ln (n t))).
    assert (Kn : Kv * El * n t = exp cu).
    { unfold Kv, El; rewrite <- (exp_ln (n t)) at 3 by exact N.
      rewrite <- !exp_plus; f_equal; ring. }
    apply Rle_trans with (exp cu * m / (l * lo) * (l * G t / n t)).
    + replace (exp cu * m / (l * lo) * (l * G t / n t)) with
        (Kv * m * (gamma t / lo)) by (rewrite <- Kn, GE; field; lra).
      rewrite <- (Rmult_1_r (Kv * m)) at 1; apply Rmult_le_compat_l; [| exact One].
      apply Rmult_le_pos; [left; apply exp_pos | exact m0].
    + apply Rmult_le_compat_l; [now apply Rdiv_le_0_compat | exact r1].
  - apply Rle_trans with (1 := r2), Rmult_le_compat_l; [lra |].
    apply Rplus_le_compat_l; fold El.
    replace ((2 * m + 2) / lo * El) with ((2 * m + 2) / G t * (gamma t / lo))
      by (rewrite GE; field; lra).
    rewrite <- (Rmult_1_r ((2 * m + 2) / G t)) at 1; apply Rmult_le_compat_l;
      [apply Rdiv_le_0_compat; lra | exact One].
Qed.

(** ** The theorem *)

Section Adapter.
Variables (kappa A T : R).
Hypothesis kappa_range : 0 < kappa < l.
Hypothesis A_pos : 0 <= A.
Hypothesis near : forall t j, T <= t ->
  Rabs (beta t j - 1) <= A * exp (- kappa * ln (n t)).

Lemma adapter_limit j : is_lim (fun t => beta t j) p_infty 1.
Proof.
  apply is_lim_spec; intros e; assert (e0 := cond_pos e).
  assert (r0 : 0 < e / (2 * (A + 1))) by (apply Rdiv_lt_0_compat; lra).
  destruct (b_small kappa kappa_range _ r0) as (T1 & _ & Small).
  exists (Rmax T T1); intros t Ht.
  assert (Q1 := Rmax_l T T1); assert (Q2 := Rmax_r T T1).
  apply Rle_lt_trans with (1 := near t j ltac:(lra)).
  apply Rle_lt_trans with (A * (e / (2 * (A + 1)))).
  - apply Rmult_le_compat_l; [lra | apply Small; lra].
  - apply Rlt_le_trans with ((A + 1) * (e / (2 * (A + 1)))).
    + apply Rmult_lt_compat_r; lra.
    + replace ((A + 1) * (e / (2 * (A + 1)))) with (e / 2) by (field; lra); lra.
Qed.

Lemma gamma_limit : exists g0, 0 < g0 /\ is_lim (fun t => gamma t) p_infty g0.
Proof.
  destruct (normalized_margin_converges flow adapter_limit) as [z Lz].
  exists (exp z); split; [apply exp_pos |].
  apply is_lim_ext_loc with (fun t => exp (ln (G t) - l * ln (n t))).
  - exists 0; intros t Ht; symmetry; apply gamma_exp; lra.
  - apply (is_lim_comp_continuous (fun t => ln (G t) - l * ln (n t)) exp); auto.
    apply (ex_derive_continuous exp); auto_derive; auto.
Qed.

Lemma late_eventually X0 C2 : 0 <= X0 -> 0 < C2 ->
  exists T0, 0 <= T0 /\ forall t, T0 <= t -> late kappa A X0 C2 t.
Proof.
  intros X00 C20; assert (s1 : 0 < / 12 / (A + 1)) by (apply Rdiv_lt_0_compat; lra).
  assert (s2 : 0 < / 2 / ((A + 1) * (1 + X0))).
  { apply Rdiv_lt_0_compat; [lra |]; apply Rmult_lt_0_compat; lra. }
  assert (s3 : 0 < / C2) by now apply Rinv_0_lt_compat.
  destruct (b_small kappa kappa_range _ s1) as (T1 & T10 & B1).
  destruct (b_small kappa kappa_range _ s2) as (T2 & T20 & B2).
  destruct (b_small kappa kappa_range _ s3) as (T3 & T30 & B3).
  destruct (norm_unbounded 1) as (T4 & T40 & Big).
  exists (Rmax T 0 + T1 + T2 + T3 + T4).
  assert (M0 := Rmax_r T 0); assert (M1 := Rmax_l T 0); split; [lra |].
  intros t Ht; assert (N := norm_pos flow t ltac:(lra)).
  specialize (B1 t ltac:(lra)); specialize (B2 t ltac:(lra)).
  specialize (B3 t ltac:(lra)); specialize (Big t ltac:(lra)).
  assert (Near := fun j => near t j ltac:(lra)).
  set (b := exp (- kappa * ln (n t))) in *; assert (b0 : 0 < b) by apply exp_pos.
  change (0 <= t /\ 1 < n t /\ (forall j, Rabs (beta t j - 1) <= A * b) /\
    A * b <= / 12 /\ A * b * (1 + X0) <= / 2 /\ C2 * b <= 1).
  split; [lra |]; split.
  { rewrite <- (exp_ln (n t)) by exact N; rewrite <- exp_0; apply exp_increasing; lra. }
  split; [exact Near |]; split; [| split].
  - apply Rle_trans with ((A + 1) * (/ 12 / (A + 1))); [| right; field; lra].
    apply Rmult_le_compat; lra.
  - apply Rle_trans with ((A + 1) * (/ 2 / ((A + 1) * (1 + X0))) * (1 + X0));
      [| right; field; lra].
    apply Rmult_le_compat_r; [lra |]; apply Rmult_le_compat; lra.
  - apply Rle_trans with (C2 * / C2); [apply Rmult_le_compat_l; lra |].
    right; field; lra.
Qed.

(** The direction converges where beta tends to 1 like a power of |v|. *)
Theorem direction_from_inequality : desingularizing_inequality k Phi l ->
  exists theta : vec J, forall j,
    is_lim (fun t => v t j / norm (v t)) p_infty (theta j).
Proof.
  intros Ineq; destruct always_bounded as (X0 & C2 & lo & hi & X00 & C20 & lo0 & Bd).
  destruct gamma_limit as (g0 & g00 & LG).
  destruct (Ineq g0 1 (l - kappa)) as (width & Psi & Psi' & Des & In); try lra.
  destruct (late_eventually X0 C2 X00 C20) as (T0 & T00 & Late).
  now apply (heading_converges kappa A X0 C2 lo hi g0 kappa_range A_pos C20 lo0 Bd LG
    T0) with (width := width) (Psi := Psi) (Psi' := Psi').
Qed.

End Adapter.
End Flow.
