(** * One unit: a weight a, a vector b, and margins a < b, z(i) >

    The steps of a network with one unit, in variables in which the weight is positive
    and the preconditioner tends to 1: a moves by < b, U > and b by a U, where U is the
    sum of the z(i), each with its pull.  Here is what one step does. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export DiscreteDirection.
Open Scope R_scope.

(** ** Combinations with nonnegative weights *)

Section Combinations.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Variables (z : D -> vec J) (p : D -> R) (Z : R).
Hypothesis p_nonneg : forall i, 0 <= p i.
Hypothesis Z_bound : forall i, norm (z i) <= Z.

Lemma combination_inner_le y : inner y (combination z p) <= norm y * (Z * Sum p).
Proof.
  rewrite inner_combination.
  replace (norm y * (Z * Sum p)) with (norm y * Z * Sum p) by ring.
  rewrite <- Sum_scal; apply Sum_le; intros i; rewrite Rmult_comm.
  apply Rmult_le_compat_r; auto; apply Rle_trans with (1 := inner_le_norm _ _).
  apply Rmult_le_compat_l; [apply norm_nonneg | auto].
Qed.

Lemma combination_norm_le : 0 <= Z -> norm (combination z p) <= Z * Sum p.
Proof.
  intros Z0; set (c := combination z p); assert (N := norm_nonneg c).
  assert (W : 0 <= Z * Sum p) by (apply Rmult_le_pos; auto; now apply Sum_nonneg).
  assert (I := combination_inner_le c); fold c in I; rewrite inner_self in I.
  apply Rnot_lt_le; intros L; nra.
Qed.

End Combinations.

(** ** One step *)

Section OneStep.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Variables (z : D -> vec J) (Z C : R) (ustar : vec J).
Hypothesis some_data : inhabited D.
Hypothesis Z_nonneg : 0 <= Z.
Hypothesis Z_bound : forall i, norm (z i) <= Z.
Hypothesis C_nonneg : 0 <= C.
(* the solution of the hard-margin problem *)
Hypothesis feasible : forall i, 1 <= inner ustar (z i).
Hypothesis variational : forall y, (forall i, 1 <= inner y (z i)) ->
  norm ustar ^ 2 <= inner ustar y.
Notation N := (norm ustar).

Lemma unit_solution_pos : 0 < N.
Proof. destruct some_data as [i0]; exact (solution_pos ustar i0 feasible). Qed.

(** No vector has margins larger, by its length, than the solution. *)
Lemma best_margin y c : (forall i, c <= inner y (z i)) -> N * c <= norm y.
Proof.
  intros F; assert (N0 := unit_solution_pos); assert (Y := norm_nonneg y).
  destruct (Rle_lt_dec c 0) as [c0 | c0]; [nra |].
  assert (V : N ^ 2 <= / c * inner ustar y).
  { rewrite <- inner_scal; apply variational; intros i.
    rewrite inner_comm, inner_scal, inner_comm; specialize (F i).
    apply Rmult_le_reg_l with c; auto; rewrite <- Rmult_assoc, Rinv_r by lra; lra. }
  assert (I := inner_le_norm ustar y).
  apply Rmult_le_compat_l with (r := c) in V; [| lra].
  rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l in V by lra.
  apply Rmult_le_reg_l with N; auto; nra.
Qed.

Variables (a q : R) (b r : vec J) (p : D -> R) (e : R).
Hypothesis p_nonneg : forall i, 0 <= p i.
Hypothesis a_pos : 0 < a.
Hypothesis margins_nonneg : forall i, 0 <= a * inner b (z i).
(* the pulls are on small margins, up to a constant *)
Hypothesis concentrated : forall i,
  Sum (fun l => p l * (a * inner b (z l))) <= Sum p * (a * inner b (z i) + C).
Let U : vec J := combination z p.
Let V : vec J := fun j => r j * U j.
Notation W := (Sum p).
Let A : R := a * inner b U.
Notation a' := (a + q * inner b U).
Notation b' := (fun j => b j + a * V j).

Lemma pulls_nonneg : 0 <= W.
Proof. now apply Sum_nonneg. Qed.

(** A is the sum of the margins, each with its pull. *)
Lemma aligned : A = Sum (fun i => p i * (a * inner b (z i))).
Proof.
  unfold A, U; rewrite inner_combination, <- Sum_scal; apply Sum_ext; intros; ring.
Qed.

Lemma aligned_nonneg : 0 <= A.
Proof.
  rewrite aligned; apply Sum_nonneg; intros i; apply Rmult_le_pos; auto.
Qed.

Lemma growth_nonneg : 0 <= inner b U.
Proof.
  assert (P := aligned_nonneg); unfold A in P; apply Rnot_lt_le; intros L; nra.
Qed.

(** The weight moves away from 0. *)
Lemma weight_rises : 0 < q -> a <= a'.
Proof. intros Q; assert (P := growth_nonneg); nra. Qed.

Lemma pull_length : norm U <= Z * W.
Proof. now apply combination_norm_le. Qed.

(** By the best margin and the concentration of the pulls. *)
Lemma aligned_le : N * A <= W * (a * norm b + N * C).
Proof.
  assert (W0 := pulls_nonneg); assert (N0 := unit_solution_pos).
  destruct W0 as [W0 | W0].
  - assert (B : N * ((A / W - C) / a) <= norm b).
    { apply best_margin; intros i; assert (K := concentrated i).
      rewrite <- aligned in K.
      apply Rmult_le_reg_l with (a * W); [now apply Rmult_lt_0_compat |].
      replace (a * W * ((A / W - C) / a)) with (A - W * C) by (field; lra); lra. }
    apply Rmult_le_compat_l with (r := a * W) in B; [| apply Rmult_le_pos; lra].
    replace (a * W * (N * ((A / W - C) / a))) with (N * A - W * (N * C)) in B
      by (field; lra).
    lra.
  - destruct some_data as [i]; assert (K := concentrated i).
    rewrite <- aligned, <- W0 in K.
    rewrite <- W0; nra.
Qed.

Hypothesis e_range : 0 < e <= / 4.
Hypothesis r_near : forall j, Rabs (r j - 1) <= e.
Hypothesis q_near : Rabs (q - 1) <= e.

Lemma step_off : norm (sub V U) <= e * (Z * W).
Proof.
  apply Rle_trans with (e * norm U).
  - apply norm_le_scaled; [lra |]; intros j; unfold sub, V.
    replace (r j * U j - U j) with ((r j - 1) * U j) by ring.
    rewrite Rabs_mult; apply Rmult_le_compat_r; [apply Rabs_pos | auto].
  - apply Rmult_le_compat_l; [lra | apply pull_length].
Qed.

Lemma step_inner y : Rabs (inner y V - inner y U) <= norm y * (e * (Z * W)).
Proof.
  rewrite <- inner_sub; assert (O := step_off); assert (Y := norm_nonneg y).
  assert (I1 := inner_le_norm y (sub V U)).
  assert (I2 := inner_le_norm y (fun j => -1 * sub V U j)).
  rewrite inner_scal, norm_scal, Rabs_left in I2 by lra.
  assert (norm y * norm (sub V U) <= norm y * (e * (Z * W)))
    by now apply Rmult_le_compat_l.
  apply Rabs_le; lra.
Qed.

Lemma step_norm : norm V <= (1 + e) * (Z * W).
Proof.
  assert (O := step_off); assert (P := pull_length).
  assert (T := norm_sub_le V U); lra.
Qed.

Lemma step_norm_sqr : norm V ^ 2 <= 2 * (Z * W) ^ 2.
Proof.
  assert (L := step_norm); assert (V0 := norm_nonneg V); assert (W0 := pulls_nonneg).
  assert (ZW : 0 <= Z * W) by now apply Rmult_le_pos.
  apply Rle_trans with (((1 + e) * (Z * W)) ^ 2); [apply pow_incr; lra |].
  rewrite Rpow_mult_distr; apply Rmult_le_compat_r; [apply pow2_ge_0 | nra].
Qed.

(** From below: along the solution b advances by nearly a W. *)
Lemma advance : (1 - e * (N * Z)) * (a * W) <= inner ustar b' - inner ustar b.
Proof.
  assert (I := step_inner ustar); apply Rabs_le_between in I.
  assert (Lo : W <= inner ustar U).
  { unfold U; rewrite inner_combination; apply Sum_le; intros i.
    rewrite <- (Rmult_1_r (p i)) at 1; now apply Rmult_le_compat_l. }
  replace (inner ustar b' - inner ustar b) with (a * inner ustar V).
  - replace ((1 - e * (N * Z)) * (a * W)) with (a * (W - N * (e * (Z * W)))) by ring.
    apply Rmult_le_compat_l; lra.
  - rewrite <- inner_sub, <- inner_scal; apply Sum_ext; intros; unfold sub; ring.
Qed.

(** The square of the length of b. *)
Lemma square_step :
  norm b' ^ 2 = norm b ^ 2 + (2 * (a * inner b V) + a ^ 2 * norm V ^ 2).
Proof.
  rewrite !norm_sqr; unfold inner; rewrite <- !Sum_scal, <- !Sum_plus.
  apply Sum_ext; intros; ring.
Qed.

(* the margins are large against what a step moves *)
Hypothesis good : C + Z ^ 2 * ((a ^ 2 + norm b ^ 2) * W) < e * (a * norm b).

Lemma moved_nonneg c : 0 <= c ^ 2 * (Z * W) ^ 2.
Proof. apply Rmult_le_pos; apply pow2_ge_0. Qed.

Lemma good_length : 0 < norm b.
Proof.
  assert (W0 := pulls_nonneg); assert (Nb := norm_nonneg b).
  assert (0 <= Z ^ 2 * ((a ^ 2 + norm b ^ 2) * W)).
  { apply Rmult_le_pos; [apply pow2_ge_0 |]; apply Rmult_le_pos; auto.
    generalize (pow2_ge_0 a) (pow2_ge_0 (norm b)); lra. }
  destruct Nb as [Nb | Nb]; auto; exfalso.
  assert (e * (a * norm b) = 0) by (rewrite <- Nb; ring); lra.
Qed.

(** What [good] says of the three terms that are to be small. *)
Lemma good_parts : W * C <= e * (a * norm b * W) /\
  a ^ 2 * (Z * W) ^ 2 <= e * (a * norm b * W) /\
  norm b ^ 2 * (Z * W) ^ 2 <= e * (a * norm b * W).
Proof.
  assert (W0 := pulls_nonneg).
  assert (G : W * (C + Z ^ 2 * ((a ^ 2 + norm b ^ 2) * W)) <= W * (e * (a * norm b)))
    by (apply Rmult_le_compat_l; lra).
  assert (WC : 0 <= W * C) by now apply Rmult_le_pos.
  assert (Q1 := moved_nonneg a); assert (Q2 := moved_nonneg (norm b)).
  replace (W * (C + Z ^ 2 * ((a ^ 2 + norm b ^ 2) * W))) with
    (W * C + (a ^ 2 * (Z * W) ^ 2 + norm b ^ 2 * (Z * W) ^ 2)) in G by ring.
  replace (W * (e * (a * norm b))) with (e * (a * norm b * W)) in G by ring.
  repeat split; lra.
Qed.

(** The growth of ||b||^2 is 2 A, nearly. *)
Lemma square_growth :
  Rabs (norm b' ^ 2 - norm b ^ 2 - 2 * A) <= 2 * e * ((Z + 1) * (a * norm b * W)).
Proof.
  rewrite square_step; assert (S := step_inner b); assert (L := step_norm_sqr).
  assert (V2 := pow2_ge_0 (norm V)); assert (a2 := pow2_ge_0 a).
  assert (Sa : Rabs (a * inner b V - A) <= a * (norm b * (e * (Z * W)))).
  { unfold A; replace (a * inner b V - a * inner b U) with (a * (inner b V - inner b U))
      by ring.
    rewrite Rabs_mult, (Rabs_pos_eq a) by lra; apply Rmult_le_compat_l; lra. }
  assert (La : a ^ 2 * norm V ^ 2 <= a ^ 2 * (2 * (Z * W) ^ 2))
    by now apply Rmult_le_compat_l.
  assert (Lp : 0 <= a ^ 2 * norm V ^ 2) by now apply Rmult_le_pos.
  destruct good_parts as (_ & G & _).
  apply Rabs_le_between in Sa; apply Rabs_le; lra.
Qed.

(** From above: b grows by at most a W / N, nearly. *)
Lemma growth_le : norm b' - norm b <= a * W * (/ N + e * (Z + 2)).
Proof.
  assert (b0 := good_length); assert (N0 := unit_solution_pos).
  assert (W0 := pulls_nonneg); assert (L := aligned_le).
  destruct good_parts as (G & _); assert (S := square_growth).
  apply Rabs_le_between in S; set (X := a * W * (/ N + e * (Z + 2))).
  assert (I0 : 0 < / N) by now apply Rinv_0_lt_compat.
  assert (X0 : 0 <= X).
  { unfold X; apply Rmult_le_pos; [apply Rmult_le_pos; lra |].
    apply Rplus_le_le_0_compat; [lra | apply Rmult_le_pos; lra]. }
  assert (Al : A <= a * norm b * W * (/ N + e)).
  { apply Rmult_le_reg_l with N; auto.
    replace (N * (a * norm b * W * (/ N + e))) with
      (W * (a * norm b) + N * (e * (a * norm b * W))) by (field; lra).
    apply Rmult_le_compat_l with (r := N) in G; lra. }
  assert (Sq : norm b' ^ 2 <= (norm b + X) ^ 2).
  { apply Rle_trans with (norm b ^ 2 + 2 * (norm b * X)); [| nra].
    unfold X; lra. }
  assert (norm b' <= norm b + X); [| lra].
  apply Rnot_lt_le; intros Q; nra.
Qed.

(** The two meet. *)
Lemma advance_over_growth : 2 * N * (Z + 1) * e <= 1 ->
  (1 - 2 * N * (Z + 1) * e) * (N * (norm b' - norm b)) <=
    inner ustar b' - inner ustar b.
Proof.
  intros c1; apply Rle_trans with (2 := advance).
  assert (N0 := unit_solution_pos); assert (W0 := pulls_nonneg).
  assert (aW : 0 <= a * W) by (apply Rmult_le_pos; lra).
  assert (X : 0 <= N * e * (Z + 2)).
  { apply Rmult_le_pos; [apply Rmult_le_pos |]; lra. }
  assert (c0 : 0 <= 2 * N * (Z + 1) * e).
  { apply Rmult_le_pos; [apply Rmult_le_pos |]; lra. }
  apply Rle_trans with ((1 - 2 * N * (Z + 1) * e) * (a * W * (1 + N * e * (Z + 2)))).
  - apply Rmult_le_compat_l; [lra |].
    replace (a * W * (1 + N * e * (Z + 2))) with
      (N * (a * W * (/ N + e * (Z + 2)))) by (field; lra).
    apply Rmult_le_compat_l; [lra | apply growth_le].
  - rewrite (Rmult_comm (a * W)), <- Rmult_assoc; apply Rmult_le_compat_r; auto; nra.
Qed.

(** What b and a can gain at all, while b advances along the solution. *)
Lemma growth_by_advance : 2 * N * (Z + 1) * e <= 1 ->
  norm b' - norm b <= 4 * Z * (inner ustar b' - inner ustar b) /\
  a' - a <= 4 * Z * (norm b / a) * (inner ustar b' - inner ustar b).
Proof.
  intros c1; assert (N0 := unit_solution_pos); assert (W0 := pulls_nonneg).
  assert (aW : 0 <= a * W) by (apply Rmult_le_pos; lra).
  assert (ZW : 0 <= Z * W) by now apply Rmult_le_pos.
  assert (Adv : a * W <= 2 * (inner ustar b' - inner ustar b)).
  { assert (P := advance).
    assert (e * (N * Z) <= / 2) by nra.
    assert (/ 2 * (a * W) <= (1 - e * (N * Z)) * (a * W))
      by (apply Rmult_le_compat_r; lra).
    lra. }
  split.
  - assert (T := norm_triangle b (fun j => a * V j)).
    rewrite norm_scal, Rabs_pos_eq in T by lra.
    assert (L := step_norm).
    assert (a * norm V <= a * (2 * (Z * W))) by (apply Rmult_le_compat_l; nra).
    assert (Z * (a * W) <= Z * (2 * (inner ustar b' - inner ustar b)))
      by now apply Rmult_le_compat_l.
    lra.
  - assert (Q := q_near); apply Rabs_le_between in Q.
    assert (G := growth_nonneg); assert (I := inner_le_norm b U).
    assert (P := pull_length); assert (Nb := norm_nonneg b).
    assert (K : norm b * norm U <= norm b * (Z * W)) by now apply Rmult_le_compat_l.
    assert (S : q * inner b U <= 2 * (norm b * (Z * W))) by nra.
    assert (F : 2 * (norm b * (Z * W)) = 2 * Z * (norm b / a) * (a * W))
      by (field; lra).
    assert (0 <= 2 * Z * (norm b / a)).
    { apply Rmult_le_pos; [lra | now apply Rdiv_le_0_compat]. }
    assert (2 * Z * (norm b / a) * (a * W) <= 2 * Z * (norm b / a) *
      (2 * (inner ustar b' - inner ustar b))) by now apply Rmult_le_compat_l.
    lra.
Qed.

(** Once the direction is near the best one, A is of the order of a ||b|| W; then a^2
    and ||b||^2 grow alike. *)
Lemma balanced_step c0 : 0 < c0 -> (forall i, c0 * norm b <= inner b (z i)) ->
  let k := 1 + (Z + 1) / c0 in
  k * e <= / 4 ->
  (1 - 3 * k * e) * (norm b' ^ 2 - norm b ^ 2) <= a' ^ 2 - a ^ 2 <=
  (1 + 3 * k * e) * (norm b' ^ 2 - norm b ^ 2).
Proof.
  intros c0p Lo k ke; assert (W0 := pulls_nonneg); assert (Nb := norm_nonneg b).
  assert (A0 := aligned_nonneg).
  assert (Al : a * norm b * W <= A / c0).
  { apply Rmult_le_reg_l with c0; auto.
    replace (c0 * (A / c0)) with A by (field; lra).
    rewrite aligned.
    replace (c0 * (a * norm b * W)) with (a * (c0 * norm b) * W) by ring.
    rewrite <- Sum_scal; apply Sum_le; intros i; rewrite Rmult_comm.
    apply Rmult_le_compat_l; auto; apply Rmult_le_compat_l; [lra | apply Lo]. }
  assert (Ac : 0 <= A / c0) by now apply Rdiv_le_0_compat.
  assert (Kk : k * A = A + (Z + 1) * (A / c0)) by (unfold k; field; lra).
  assert (SB : Rabs (norm b' ^ 2 - norm b ^ 2 - 2 * A) <= 2 * e * (k * A)).
  { apply Rle_trans with (1 := square_growth); apply Rmult_le_compat_l; [lra |].
    rewrite Kk; apply Rmult_le_compat_l with (r := Z + 1) in Al; lra. }
  assert (SA : Rabs (a' ^ 2 - a ^ 2 - 2 * A) <= 2 * e * (k * A)).
  { assert (G := growth_nonneg); assert (I := inner_le_norm b U).
    assert (P := pull_length); destruct good_parts as (_ & _ & G3).
    assert (Nu := norm_nonneg U).
    assert (Sq : inner b U ^ 2 <= e * (A / c0)).
    { apply Rle_trans with ((norm b * (Z * W)) ^ 2).
      - apply pow_incr; split; auto; apply Rle_trans with (1 := I).
        now apply Rmult_le_compat_l.
      - rewrite Rpow_mult_distr; apply Rle_trans with (1 := G3).
        apply Rmult_le_compat_l; lra. }
    assert (Sp := pow2_ge_0 (inner b U)).
    replace (a' ^ 2 - a ^ 2 - 2 * A) with
      (2 * ((q - 1) * A) + q ^ 2 * inner b U ^ 2) by (unfold A; ring).
    assert (Q := q_near); apply Rabs_le_between in Q.
    assert (Q2 : 0 <= q ^ 2 <= 2) by nra.
    assert (M : 0 <= q ^ 2 * inner b U ^ 2 <= 2 * (e * (A / c0))).
    { split; [apply Rmult_le_pos; lra |]; apply Rmult_le_compat; lra. }
    assert (T : - (e * A) <= (q - 1) * A <= e * A) by nra.
    assert (Ze : 0 <= Z * (e * (A / c0))).
    { apply Rmult_le_pos; auto; apply Rmult_le_pos; lra. }
    rewrite Kk; apply Rabs_le; lra. }
  apply Rabs_le_between in SA; apply Rabs_le_between in SB.
  assert (k0 : 0 <= k).
  { unfold k; assert (0 <= (Z + 1) / c0) by (apply Rdiv_le_0_compat; lra); lra. }
  set (x := k * e) in *; assert (x0 : 0 <= x) by (apply Rmult_le_pos; lra).
  replace (3 * k * e) with (3 * x) by (unfold x; ring).
  replace (2 * e * (k * A)) with (2 * x * A) in SA, SB by (unfold x; ring).
  set (dB := norm b' ^ 2 - norm b ^ 2) in *; set (dA := a' ^ 2 - a ^ 2) in *.
  assert (xA : 0 <= x * A) by now apply Rmult_le_pos.
  assert (xxA : x * (x * A) <= / 4 * (x * A)) by now apply Rmult_le_compat_r.
  assert (xB : x * dB <= x * (2 * A + 2 * x * A)) by (apply Rmult_le_compat_l; lra).
  assert (xB' : x * (2 * A - 2 * x * A) <= x * dB) by (apply Rmult_le_compat_l; lra).
  split; lra.
Qed.

End OneStep.
