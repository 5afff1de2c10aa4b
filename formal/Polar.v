(** * The polar decomposition of an adapted gradient

    p = pr e + q with |e| = 1 and q orthogonal to e; the adapter beta is within a of 1.
    How fast the normalized margin rises, v grows and its direction turns, at one
    instant. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Growth.
Open Scope R_scope.

Section Polar.
Context {J : Type} `{FiniteType J}.

(** The inner product with the weights beta. *)
Definition adapted (beta u w : vec J) : R := Sum (fun j => beta j * u j * w j).

Variables (beta e q p : vec J) (pr a : R).
Hypothesis unit_e : norm e = 1.
Hypothesis ortho : inner e q = 0.
Hypothesis decompose : forall j, p j = pr * e j + q j.
Hypothesis pr_pos : 0 < pr.
Hypothesis a_range : 0 <= a <= / 2.
Hypothesis near : forall j, Rabs (beta j - 1) <= a.

(** The weights change an inner product by at most a. *)
Lemma adapted_near u w : Rabs (adapted beta u w - inner u w) <= a * (norm u * norm w).
Proof.
  set (u' := fun j => (beta j - 1) * u j).
  assert (N : norm u' <= a * norm u).
  { apply norm_le_scaled; [lra |]; intros j; unfold u'; rewrite Rabs_mult.
    apply Rmult_le_compat_r; [apply Rabs_pos | apply near]. }
  assert (I : adapted beta u w - inner u w = inner u' w).
  { unfold adapted, inner, Rminus; rewrite <- (Rmult_1_l (Sum (fun j => u j * w j))).
    rewrite Ropp_mult_distr_l, <- Sum_scal, <- Sum_plus; apply Sum_ext; intros j.
    unfold u'; ring. }
  rewrite I; assert (P := norm_nonneg w).
  assert (N' : norm u' * norm w <= a * (norm u * norm w))
    by (rewrite <- Rmult_assoc; now apply Rmult_le_compat_r).
  apply Rabs_le; split.
  - assert (C := inner_le_norm u' (fun j => -1 * w j)).
    rewrite norm_scal, inner_scal, Rabs_left in C by lra; lra.
  - generalize (inner_le_norm u' w); lra.
Qed.

Lemma adapted_ee : 1 - a <= adapted beta e e <= 1 + a.
Proof.
  assert (E := adapted_near e e); rewrite inner_self, unit_e in E.
  apply Rabs_le_between in E; lra.
Qed.

Lemma adapted_eq : Rabs (adapted beta e q) <= a * norm q.
Proof.
  assert (E := adapted_near e q); rewrite ortho, unit_e, Rminus_0_r in E; lra.
Qed.

Lemma adapted_qq : / 2 * norm q ^ 2 <= adapted beta q q.
Proof.
  assert (E := adapted_near q q); rewrite inner_self in E; apply Rabs_le_between in E.
  assert (P := pow2_ge_0 (norm q)).
  replace (norm q * norm q) with (norm q ^ 2) in E by ring; nra.
Qed.

Lemma adapted_pe : adapted beta p e = pr * adapted beta e e + adapted beta e q.
Proof.
  unfold adapted; rewrite <- Sum_scal, <- Sum_plus; apply Sum_ext; intros j.
  rewrite decompose; ring.
Qed.

Lemma adapted_pp : adapted beta p p =
  pr ^ 2 * adapted beta e e + 2 * pr * adapted beta e q + adapted beta q q.
Proof.
  unfold adapted; rewrite <- !Sum_scal, <- !Sum_plus; apply Sum_ext; intros j.
  rewrite decompose; ring.
Qed.

(** The logarithmic derivative of the margin, up to a factor; s >= 0 is the excess of
    the weighted margin over the smoothed one.  The adapter costs only the square of a,
    as it enters through <e, q> alone. *)
Lemma gain s : 0 <= s <= 1 ->
  norm q ^ 2 / 4 - 8 * a ^ 2 * pr ^ 2 <=
  (1 + s) * adapted beta p p - pr * adapted beta p e.
Proof.
  intros S; rewrite adapted_pp, adapted_pe.
  assert (E := adapted_ee); assert (X := adapted_eq); assert (Q := adapted_qq).
  apply Rabs_le_between in X; set (n := norm q) in *.
  assert (n0 : 0 <= n) by apply norm_nonneg.
  set (A := adapted beta e e) in *; set (B := adapted beta e q) in *.
  set (C := adapted beta q q) in *.
  replace ((1 + s) * (pr ^ 2 * A + 2 * pr * B + C) - pr * (pr * A + B))
    with (s * pr ^ 2 * A + (1 + 2 * s) * (pr * B) + (1 + s) * C) by ring.
  assert (T1 : 0 <= s * pr ^ 2 * A).
  { apply Rmult_le_pos; [apply Rmult_le_pos; [lra | apply pow2_ge_0] | lra]. }
  assert (T3 : (1 + s) * (/ 2 * n ^ 2) <= (1 + s) * C)
    by (apply Rmult_le_compat_l; lra).
  assert (an : 0 <= pr * (a * n)) by (repeat apply Rmult_le_pos; lra).
  assert (T2 : - (pr * (a * n)) <= pr * B).
  { rewrite Ropp_mult_distr_r; apply Rmult_le_compat_l; lra. }
  assert (T2' : - ((1 + s) * (2 * (pr * (a * n)))) <= (1 + 2 * s) * (pr * B)) by nra.
  assert (T4 : 2 * (pr * (a * n)) <= n ^ 2 / 4 + 4 * a ^ 2 * pr ^ 2).
  { assert (0 <= (n / 2 - 2 * (a * pr)) ^ 2) by apply pow2_ge_0; nra. }
  assert (T5 : (1 + s) * (2 * (pr * (a * n))) <=
    (1 + s) * (n ^ 2 / 4 + 4 * a ^ 2 * pr ^ 2)) by (apply Rmult_le_compat_l; lra).
  assert (n2 : 0 <= n ^ 2) by apply pow2_ge_0.
  assert (ap : 0 <= a ^ 2 * pr ^ 2) by (apply Rmult_le_pos; apply pow2_ge_0).
  nra.
Qed.

(** v grows, up to a factor, at the rate pr. *)
Lemma radial_speed : Rabs (adapted beta p e - pr) <= a * (pr + norm q).
Proof.
  rewrite adapted_pe; assert (E := adapted_ee); assert (X := adapted_eq).
  apply Rabs_le_between in X; apply Rabs_le; nra.
Qed.

Lemma norm_p : norm p <= pr + norm q.
Proof.
  replace (norm p) with (norm (fun j => pr * e j + q j))
    by (apply norm_ext; intros; now rewrite decompose).
  eapply Rle_trans; [apply (norm_triangle (fun j => pr * e j) q) |].
  rewrite norm_scal, unit_e, Rabs_pos_eq by lra; lra.
Qed.

(** What is orthogonal to e is no longer than the whole. *)
Lemma norm_orthogonal_part y : norm (fun j => y j + - inner y e * e j) <= norm y.
Proof.
  set (ye := inner y e).
  assert (S2 : norm (fun j => y j + - ye * e j) ^ 2 = norm y ^ 2 - ye ^ 2).
  { assert (U : norm e ^ 2 = 1) by (rewrite unit_e; ring).
    rewrite norm_sqr in U.
    transitivity (Sum (fun j => y j ^ 2 + (-2 * ye * (y j * e j) + ye ^ 2 * e j ^ 2))).
    - rewrite norm_sqr; apply Sum_ext; intros j; ring.
    - rewrite !Sum_plus, !Sum_scal, U, norm_sqr.
      change (Sum (fun j => y j * e j)) with ye; ring. }
  assert (N1 := norm_nonneg (fun j => y j + - ye * e j)); assert (N2 := norm_nonneg y).
  assert (0 <= ye ^ 2) by apply pow2_ge_0.
  apply Rnot_lt_le; intros N; nra.
Qed.

(** The direction turns, up to a factor, at most at this rate. *)
Lemma turning_speed :
  norm (fun j => beta j * p j - adapted beta p e * e j) <= 2 * norm q + a * pr.
Proof.
  set (y := fun j => (beta j - 1) * p j).
  assert (Yn : norm y <= a * norm p).
  { apply norm_le_scaled; [lra |]; intros j; unfold y; rewrite Rabs_mult.
    apply Rmult_le_compat_r; [apply Rabs_pos | apply near]. }
  assert (Orth := norm_orthogonal_part y); assert (Pn := norm_p).
  assert (PE : adapted beta p e = pr + inner y e).
  { transitivity (Sum (fun j => pr * e j ^ 2 + (e j * q j + y j * e j))).
    - unfold adapted; apply Sum_ext; intros j; unfold y.
      transitivity (p j * e j + (beta j - 1) * p j * e j); [ring |].
      rewrite decompose at 1; ring.
    - rewrite !Sum_plus, Sum_scal, <- norm_sqr, unit_e.
      fold (inner e q); rewrite ortho; unfold inner; ring. }
  replace (norm (fun j => beta j * p j - adapted beta p e * e j))
    with (norm (fun j => q j + (y j + - inner y e * e j))).
  2: { apply norm_ext; intros j; rewrite PE; unfold y at 1.
       replace (beta j * p j) with (p j + (beta j - 1) * p j) by ring.
       rewrite decompose at 2; ring. }
  eapply Rle_trans; [apply (norm_triangle q (fun j => y j + - inner y e * e j)) |].
  assert (n0 : 0 <= norm q) by apply norm_nonneg.
  assert (a * norm p <= a * (pr + norm q)) by (apply Rmult_le_compat_l; lra).
  nra.
Qed.

(** Every other p' with the same radial part and with <beta p, p' - p> = 0, as the chain
    rule has it, has at least half of the spherical part, where this dominates a. *)
Lemma spherical_comparable (p' q' : vec J) :
  inner e q' = 0 -> (forall j, p' j = pr * e j + q' j) ->
  adapted beta p (sub p' p) = 0 -> a <= / 12 -> 4 * (a * pr) <= norm q ->
  norm q <= 2 * norm q'.
Proof.
  intros Ortho' D' Zero a12 Big; set (n := norm q) in *; set (m := norm q').
  assert (n0 : 0 <= n) by apply norm_nonneg; assert (m0 : 0 <= m) by apply norm_nonneg.
  assert (E := adapted_near p (sub p' p)); rewrite Zero in E.
  assert (I : inner p (sub p' p) = inner q q' - n ^ 2).
  { unfold n; rewrite norm_sqr; unfold inner in *.
    transitivity (Sum (fun j => pr * (e j * q' j) + (-1 * pr * (e j * q j) +
      (q j * q' j + -1 * q j ^ 2)))).
    - apply Sum_ext; intros j; unfold sub; rewrite D', decompose; ring.
    - rewrite !Sum_plus, !Sum_scal, Ortho', ortho; ring. }
  rewrite I in E; apply Rabs_le_between in E; assert (C := inner_le_norm q q').
  fold n m in C; assert (Pn := norm_p); fold n in Pn.
  assert (Dn : norm (sub p' p) <= m + n).
  { replace (norm (sub p' p)) with (norm (fun j => q' j + -1 * q j))
      by (apply norm_ext; intros j; unfold sub; rewrite D', decompose; ring).
    eapply Rle_trans; [apply (norm_triangle q' (fun j => -1 * q j)) |].
    rewrite norm_scal, Rabs_left by lra; fold m n; lra. }
  assert (T : a * (norm p * norm (sub p' p)) <= n / 3 * (m + n)).
  { rewrite <- Rmult_assoc; apply Rmult_le_compat; auto.
    - apply Rmult_le_pos; [lra | apply norm_nonneg].
    - apply norm_nonneg.
    - apply Rle_trans with (a * (pr + n)); [apply Rmult_le_compat_l; lra | nra]. }
  apply Rnot_lt_le; intros N; nra.
Qed.

End Polar.
