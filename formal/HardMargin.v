(** * The hard-margin problem: minimize ||s w||^2 / 2 subject to < w, a(i) > >= 1

    Its KKT points by multipliers; the variational inequality at one of them; and that
    separable data have one, for every skew s: from the shortest convex combination of
    the a(i) / s, found by compactness of the simplex. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality Classical.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export KKT Smooth Compactness.
Import ListNotations.
Open Scope R_scope.

(** A combination of vectors, with weights p. *)
Definition combination {J D} `{FiniteType D} (b : D -> vec J) (p : D -> R) : vec J :=
  fun j => Sum (fun i => p i * b i j).

Lemma inner_combination {J D} `{FiniteType J} `{FiniteType D}
    (b : D -> vec J) (p : D -> R) (z : vec J) :
  inner z (combination b p) = Sum (fun i => p i * inner z (b i)).
Proof.
  unfold inner, combination.
  transitivity (Sum (fun j => Sum (fun i => p i * (z j * b i j)))).
  - apply Sum_ext; intros j; rewrite <- Sum_scal; apply Sum_ext; intros; ring.
  - rewrite Sum_swap; apply Sum_ext; intros i; now rewrite Sum_scal.
Qed.

(* statement: hard margin *)
Definition hard_margin {J D} `{FiniteType J} `{FiniteType D}
    (a : D -> vec J) (s : vec J) : vec J -> Prop :=
  KKT (fun w => / 2 * norm (mul s w) ^ 2) (fun i w => 1 - inner w (a i)).
(* end statement *)

Section Multipliers.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Variables (a : D -> vec J) (s : vec J).

Lemma affine_gradient i : gradient_of (fun w => 1 - inner w (a i)) (fun _ j => - a i j).
Proof.
  split.
  - intros v e e0; exists 1; split; [lra |]; intros z _.
    replace (inner (fun j => - a i j) (sub z v)) with (inner v (a i) - inner z (a i)).
    + replace (_ - _ - _) with 0 by ring; rewrite Rabs_R0.
      apply Rmult_le_pos; [lra | apply norm_nonneg].
    + transitivity (-1 * inner (a i) (sub z v)).
      * rewrite inner_sub, !(inner_comm (a i)); ring.
      * rewrite inner_comm, <- inner_scal, inner_comm; apply Sum_ext; intros; ring.
  - intros v e e0; exists 1; split; [lra |]; intros; rewrite Rminus_eq_0, Rabs_R0; lra.
Qed.

Lemma objective_gradient :
  gradient_of (fun w => / 2 * norm (mul s w) ^ 2) (fun w j => s j ^ 2 * w j).
Proof.
  assert (B : exists M, 0 < M /\ forall j, s j ^ 2 <= M).
  { destruct (finite_bounds (fun j => s j ^ 2 + 1)) as (m & M & m0 & M0 & B).
    - intros j; generalize (pow2_ge_0 (s j)); lra.
    - exists M; split; auto; intros j; specialize (B j); lra. }
  destruct B as (M & M0 & B); split.
  - intros w e e0; exists (e / M); split; [now apply Rdiv_lt_0_compat |]; intros z Z.
    replace (_ - _ - _) with (/ 2 * Sum (fun j => s j ^ 2 * sub z w j ^ 2)).
    + assert (N := norm_nonneg (sub z w)).
      assert (U : Sum (fun j => s j ^ 2 * sub z w j ^ 2) <= M * norm (sub z w) ^ 2).
      { rewrite norm_sqr, <- Sum_scal; apply Sum_le; intros j.
        apply Rmult_le_compat_r; [apply pow2_ge_0 | apply B]. }
      assert (P : 0 <= Sum (fun j => s j ^ 2 * sub z w j ^ 2))
        by (apply Sum_nonneg; intros; apply Rmult_le_pos; apply pow2_ge_0).
      apply Rmult_lt_compat_l with (r := M) in Z; auto.
      replace (M * (e / M)) with e in Z by (field; lra).
      rewrite Rabs_pos_eq by lra; nra.
    + rewrite !norm_sqr; unfold inner, mul.
      transitivity (/ 2 * Sum (fun j => (s j * z j) ^ 2) +
        (- / 2 * Sum (fun j => (s j * w j) ^ 2) +
         -1 * Sum (fun j => s j ^ 2 * w j * sub z w j))); [| ring].
      rewrite <- !Sum_scal, <- !Sum_plus; apply Sum_ext; intros j; unfold sub; field.
  - intros v e e0; exists (e / M); split; [now apply Rdiv_lt_0_compat |]; intros z Z j.
    replace (_ - _) with (s j ^ 2 * sub z v j) by (unfold sub; ring).
    rewrite Rabs_mult, Rabs_pos_eq by apply pow2_ge_0.
    apply Rle_lt_trans with (M * norm (sub z v)).
    + apply Rmult_le_compat; [apply pow2_ge_0 | apply Rabs_pos | apply B |].
      apply norm_ge_component.
    + apply Rmult_lt_compat_l with (r := M) in Z; auto.
      replace (M * (e / M)) with e in Z by (field; lra); exact Z.
Qed.

(* statement: multipliers *)
(** A KKT point is feasible, and s^2 w combines those a(i) whose margin is 1. *)
Lemma hard_margin_multipliers w :
  hard_margin a s w <->
  exists lam : D -> R, (forall i, 0 <= lam i) /\ (forall i, 1 <= inner w (a i)) /\
    (forall j, s j ^ 2 * w j = Sum (fun i => lam i * a i j)) /\
    (forall i, lam i * (1 - inner w (a i)) = 0).
(* end statement *)
Proof.
  split.
  - intros (lam & Lam & Fe & (p & q & P & Q & Eq) & Sl); exists lam.
    split; [exact Lam |]; split; [intros i; specialize (Fe i); lra |]; split; auto.
    intros j; specialize (Eq j).
    rewrite (smooth_clarke _ _ _ _ objective_gradient P j) in Eq.
    transitivity (- Sum (fun i => lam i * q i j)); [lra |].
    transitivity (-1 * Sum (fun i => lam i * q i j)); [ring |].
    rewrite <- Sum_scal; apply Sum_ext; intros i.
    rewrite (smooth_clarke _ _ _ _ (affine_gradient i) (Q i) j); ring.
  - intros (lam & Lam & Fe & Eq & Sl); exists lam.
    split; [exact Lam |]; split; [intros i; specialize (Fe i); lra |]; split; auto.
    exists (fun j => s j ^ 2 * w j), (fun i j => - a i j); repeat split.
    + exact (clarke_smooth _ _ w objective_gradient).
    + intros i; exact (clarke_smooth _ _ w (affine_gradient i)).
    + intros j; rewrite Eq.
      transitivity (Sum (fun i => lam i * a i j) + -1 * Sum (fun i => lam i * a i j));
        [| ring].
      f_equal; rewrite <- Sum_scal; apply Sum_ext; intros; ring.
Qed.

(* statement: variational *)
(** At a KKT point the objective grows towards every feasible point. *)
Lemma hard_margin_variational w z :
  hard_margin a s w -> (forall i, 1 <= inner z (a i)) ->
  norm (mul s w) ^ 2 <= inner (mul s w) (mul s z).
(* end statement *)
Proof.
  intros K Fz; apply hard_margin_multipliers in K.
  destruct K as (lam & Lam & Fe & Eq & Sl).
  assert (By : forall u, inner (mul s w) (mul s u) = Sum
    (fun i => lam i * inner u (a i))).
  { intros u; rewrite <- inner_combination; apply Sum_ext; intros j.
    unfold combination; rewrite <- Eq.
    unfold mul; ring. }
  replace (norm (mul s w) ^ 2) with (inner (mul s w) (mul s w))
    by (rewrite norm_sqr; apply Sum_ext; intros; ring).
  rewrite !By; apply Sum_le; intros i; specialize (Lam i); specialize (Sl i).
  specialize (Fz i); nra.
Qed.

End Multipliers.

(** ** Existence *)

Section ShortestCombination.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Variable b : D -> vec J.

Notation combine := (combination b).
Definition simplex (p : D -> R) : Prop := (forall i, 0 <= p i) /\ Sum p = 1.

Lemma vertex i : exists p, simplex p /\ forall f : D -> R, Sum (fun l => p l * f l) =
  f i.
Proof.
  exists (mass i); repeat split.
  - intros l; apply mass_nonneg.
  - rewrite <- (Sum_mass i (fun _ => 1)); apply Sum_ext; intros; ring.
  - apply Sum_mass.
Qed.

Lemma squared_length_continuous p0 :
  continuous_at p0 (fun p => norm (combine p) ^ 2).
Proof.
  replace (fun p => norm (combine p) ^ 2) with
    (fun p => Sum (fun j => combine p j * combine p j)).
  2: { apply functional_extensionality; intros p; rewrite norm_sqr; apply Sum_ext.
       intros; ring. }
  apply (continuous_at_Sum p0 (fun j p => combine p j * combine p j)); intros j.
  assert (C : continuous_at p0 (fun p => combine p j)).
  { apply (continuous_at_Sum p0 (fun i p => p i * b i j)); intros i.
    apply (continuous_at_mult p0 (fun p => p i) (fun _ => b i j));
      [apply continuous_at_coord | apply continuous_at_const]. }
  exact (continuous_at_mult p0 _ _ C C).
Qed.

(** The simplex is closed under cluster points. *)
Lemma simplex_closed (p0 : D -> R) (A : R -> (D -> R) -> Prop) :
  (forall e p, A e p -> simplex p) ->
  (forall e r, 0 < e -> 0 < r -> exists p, A e p /\ forall i, Rabs (p i - p0 i) < r) ->
  simplex p0.
Proof.
  intros In_A Near.
  assert (Near' : forall e r, 0 < e -> 0 < r ->
    exists p, (A e p /\ 0 < e) /\ forall i, Rabs (p i - p0 i) < r).
  { intros e r e0 r0; destruct (Near e r e0 r0) as (p & Ap & N); now exists p. }
  assert (Passes : forall f, continuous_at p0 f -> (forall p, simplex p -> f p <= 0) ->
    f p0 <= 0).
  { intros f C F; apply (limit_le p0 (fun e p => A e p /\ 0 < e) f Near' C).
    intros e p [Ap e0]; generalize (F p (In_A e p Ap)); lra. }
  assert (Total : continuous_at p0 (fun p => Sum p))
    by (apply (continuous_at_Sum p0 (fun i p => p i));
      intros; apply continuous_at_coord).
  split.
  - intros i; assert (-1 * p0 i <= 0); [| lra].
    apply (Passes (fun p => -1 * p i)).
    + apply (continuous_at_scal p0 (-1) (fun p => p i)), continuous_at_coord.
    + intros p [P _]; specialize (P i); lra.
  - apply Rle_antisym.
    + assert (Sum p0 + -1 <= 0); [| lra]; apply (Passes (fun p => Sum p + -1)).
      * apply (continuous_at_plus p0 (fun p => Sum p) (fun _ => -1)); auto.
        apply continuous_at_const.
      * intros p [_ S]; lra.
    + assert (-1 * Sum p0 + 1 <= 0); [| lra]; apply (Passes (fun p => -1 * Sum p + 1)).
      * apply (continuous_at_plus p0 (fun p => -1 * Sum p) (fun _ => 1));
          [| apply continuous_at_const].
        now apply (continuous_at_scal p0 (-1) (fun p => Sum p)).
      * intros p [_ S]; lra.
Qed.

Lemma shortest : inhabited D -> exists p, simplex p /\ forall p', simplex p' ->
  norm (combine p) ^ 2 <= norm (combine p') ^ 2.
Proof.
  intros [i0]; destruct (vertex i0) as (p1 & P1 & _).
  (* s: minus the infimum of the squared lengths *)
  set (E r := exists p, simplex p /\ r = - norm (combine p) ^ 2).
  destruct (completeness E) as [s [Up Least]].
  { exists 0; intros r (p & _ & ->); generalize (pow2_ge_0 (norm (combine p))); lra.
    }
  { exists (- norm (combine p1) ^ 2), p1; auto. }
  set (A e p := simplex p /\ norm (combine p) ^ 2 + s <= e).
  destruct (cluster enum 1 A) as [p0 Near].
  - intros e e' p L [S Q]; split; auto; lra.
  - intros e e0; apply NNPP; intros N; assert (s <= s - e); [| lra].
    apply Least; intros r (p & P & ->); apply Rnot_lt_le; intros L; apply N; exists p.
    split; auto; lra.
  - intros e p i [[P S] _]; rewrite Rabs_pos_eq by auto; rewrite <- S.
    now apply (Sum_ge_term p).
  - assert (Near' : forall e r, 0 < e -> 0 < r ->
      exists p, A e p /\ forall i, Rabs (p i - p0 i) < r).
    { intros e r e0 r0; destruct (Near e r e0 r0) as (p & Ap & N); exists p; split;
        auto.
      intros i; apply N, enum_all. }
    exists p0; split; [apply (simplex_closed p0 A); auto; now intros e p [S _] |].
    intros p' P'; assert (norm (combine p0) ^ 2 + s <= 0).
    { apply (limit_le p0 A (fun p => norm (combine p) ^ 2 + s) Near').
      - apply (continuous_at_plus p0 (fun p => norm (combine p) ^ 2) (fun _ => s));
          [apply squared_length_continuous | apply continuous_at_const].
      - intros e p [_ Q]; exact Q. }
    assert (L : - norm (combine p') ^ 2 <= s) by (apply Up; exists p'; auto); lra.
Qed.

(** Towards the vertex i the squared length grows, to first order. *)
Lemma shortest_optimal p i : simplex p ->
  (forall p', simplex p' -> norm (combine p) ^ 2 <= norm (combine p') ^ 2) ->
  norm (combine p) ^ 2 <= inner (combine p) (b i).
Proof.
  intros [P S] Min; destruct (vertex i) as (m & [M0 M1] & M).
  set (c := combine p) in *; set (slope := inner c (b i) - norm c ^ 2).
  set (B := Sum (fun j => (b i j - c j) ^ 2)).
  assert (B0 : 0 <= B) by (apply Sum_nonneg; intros; apply pow2_ge_0).
  assert (Q : forall t, 0 < t <= 1 -> 0 <= 2 * slope + t * B).
  { intros t T; set (pt := fun l => (1 - t) * p l + t * m l).
    assert (Spt : simplex pt).
    { split; unfold pt.
      - intros l; specialize (P l); specialize (M0 l).
        apply Rplus_le_le_0_compat; apply Rmult_le_pos; lra.
      - rewrite Sum_plus, !Sum_scal, S, M1; ring. }
    assert (Ct : forall j, combine pt j = c j + t * (b i j - c j)).
    { intros j; unfold combination, pt.
      transitivity (Sum (fun l => (1 - t) * (p l * b l j) + t * (m l * b l j))).
      - apply Sum_ext; intros; ring.
      - rewrite Sum_plus, !Sum_scal, (M (fun l => b l j)).
        fold (combine p j); fold c; ring. }
    assert (Ex : norm (combine pt) ^ 2 = norm c ^ 2 + t * (2 * slope + t * B)).
    { rewrite norm_sqr.
      transitivity (Sum (fun j => (1 - 2 * t) * c j ^ 2 +
        (2 * t * (c j * b i j) + t ^ 2 * (b i j - c j) ^ 2))).
      - apply Sum_ext; intros j; rewrite Ct; ring.
      - rewrite !Sum_plus, !Sum_scal, <- norm_sqr; fold (inner c (b i)); fold B.
        unfold slope; ring. }
    specialize (Min pt Spt); rewrite Ex in Min; apply Rmult_le_reg_l with t; lra. }
  apply Rnot_lt_le; intros N; assert (Neg : slope < 0) by (unfold slope; lra).
  set (t := Rmin 1 (- slope / (B + 1))).
  assert (T0 : 0 < - slope / (B + 1)) by (apply Rdiv_lt_0_compat; lra).
  assert (T : 0 < t <= 1) by (unfold t; split; [apply Rmin_glb_lt; lra | apply Rmin_l]).
  assert (T2 : t <= - slope / (B + 1)) by apply Rmin_r.
  specialize (Q t T); apply Rmult_le_compat_r with (r := B + 1) in T2; [| lra].
  unfold Rdiv in T2; rewrite Rmult_assoc, Rinv_l in T2; lra.
Qed.

(** The shortest combination c: margins at least ||c||^2, and no slack where p > 0. *)
Lemma shortest_dual (z0 : vec J) : inhabited D -> (forall i, 0 < inner z0 (b i)) ->
  exists p, (forall i, 0 <= p i) /\ 0 < norm (combine p) ^ 2 /\
    (forall i, norm (combine p) ^ 2 <= inner (combine p) (b i)) /\
    (forall i, p i * (inner (combine p) (b i) - norm (combine p) ^ 2) = 0).
Proof.
  intros Ne Sep; destruct (shortest Ne) as (p & Sp & Min); exists p.
  assert (Opt := fun i => shortest_optimal p i Sp Min); destruct Sp as [P S].
  set (c := combine p) in *; split; [exact P |]; split; [| split; auto].
  - apply pow_lt; destruct (norm_nonneg c) as [N | N]; auto; exfalso.
    destruct (finite_bounds (fun i => inner z0 (b i)) Sep) as (m & M & m0 & _ & Bm).
    assert (I := inner_le_norm z0 c); rewrite <- N in I; unfold c in I.
    rewrite inner_combination in I.
    assert (m * Sum p <= Sum (fun i => p i * inner z0 (b i))).
    { rewrite <- Sum_scal; apply Sum_le; intros i; specialize (P i).
      destruct (Bm i) as [L _]; rewrite (Rmult_comm m); now apply Rmult_le_compat_l. }
    rewrite S in *; lra.
  - (* the nonnegative slacks have sum 0 *)
    assert (Z : Sum (fun i => p i * (inner c (b i) - norm c ^ 2)) = 0).
    { transitivity (Sum (fun i => p i * inner c (b i) + - norm c ^ 2 * p i)).
      - apply Sum_ext; intros; ring.
      - rewrite Sum_plus, Sum_scal, S, <- inner_combination.
        fold (combine p); fold c.
        replace (inner c c) with (norm c ^ 2); [ring |].
        rewrite norm_sqr; apply Sum_ext; intros; ring. }
    assert (Nn : forall i, 0 <= p i * (inner c (b i) - norm c ^ 2)).
    { intros i; specialize (P i); specialize (Opt i); apply Rmult_le_pos; lra. }
    intros i; assert (T := Sum_ge_term _ i Nn); cbv beta in T; rewrite Z in T.
    specialize (Nn i); lra.
Qed.

End ShortestCombination.

(* statement: existence *)
(** Separable data have a KKT point, for every skew. *)
Theorem hard_margin_exists {J D} `{FiniteType J} `{FiniteType D}
    (a : D -> vec J) (s : vec J) :
  inhabited D -> (forall j, 0 < s j) -> (exists z, forall i, 0 < inner z (a i)) ->
  exists w, hard_margin a s w.
(* end statement *)
Proof.
  intros Ne S [z Z]; set (b := fun i j => a i j / s j).
  assert (Unscaled : forall u i, inner (mul s u) (b i) = inner u (a i)).
  { intros u i; apply Sum_ext; intros j; unfold mul, b; specialize (S j); field; lra. }
  destruct (shortest_dual b (mul s z) Ne) as (p & P & N & Opt & Sl).
  { intros i; rewrite Unscaled; apply Z. }
  set (c := combination b p) in *; set (n := norm c ^ 2) in *.
  assert (n0 : 0 < / n) by now apply Rinv_0_lt_compat.
  set (w := fun j => / n * (c j / s j)).
  assert (Margin : forall i, inner w (a i) = / n * inner c (b i)).
  { intros i; unfold inner; rewrite <- Sum_scal; apply Sum_ext; intros j.
    unfold w, b; specialize (S j); field; split; lra. }
  exists w; apply hard_margin_multipliers; exists (fun i => / n * p i); repeat split.
  - intros i; specialize (P i); apply Rmult_le_pos; lra.
  - intros i; rewrite Margin; specialize (Opt i).
    apply Rmult_le_compat_l with (r := / n) in Opt; [| lra].
    rewrite Rinv_l in Opt by lra; lra.
  - intros j; specialize (S j).
    replace (s j ^ 2 * w j) with (/ n * (s j * c j)) by (unfold w; field; split; lra).
    unfold c, combination; rewrite <- !Sum_scal; apply Sum_ext; intros i.
    unfold b; field; split; lra.
  - intros i; rewrite Margin; specialize (Sl i).
    transitivity (- (/ n * / n) * (p i * (inner c (b i) - n))); [field; lra |].
    rewrite Sl; ring.
Qed.
