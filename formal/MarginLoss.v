(** * What the discrete-time theorems use of a loss

    The exponential loss, the logistic loss and cross-entropy have seven facts in
    common when the predictor is linear, and these facts are all that is used.  Data
    enter as vectors: a(i) = y(i) x(i) for two classes; for many, one vector for each
    pair of a data point and a class other than its label.  Then < v, a(i) > is a
    margin. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export HardMargin.
Open Scope R_scope.

Set Implicit Arguments.

(* statement: margin loss *)
(** The loss f of the margins < v, a(i) >, with the weights by which the a(i) pull at v:
    minus the gradient of f is the sum of the pull(i) a(i). *)
Record margin_loss {J D} `{FiniteType J} `{FiniteType D}
    (a : D -> vec J) (f : vec J -> R) (pull : vec J -> D -> R) : Prop := {
  loss_positive : forall v, 0 < f v;
  pull_nonneg : forall v i, 0 <= pull v i;
  (* the pulls together are of the order of the loss, *)
  pull_below : forall v, Sum (pull v) <= f v;
  pull_above : forall v, f v <= (1 + f v) * Sum (pull v);
  (* the loss lies above its tangents and below exponentials that touch it, *)
  above_tangent : forall v dv,
    f v - Sum (fun i => pull v i * inner dv (a i)) <= f (fun j => v j + dv j);
  below_exponentials : forall v dv,
    f (fun j => v j + dv j) <=
      f v + Sum (fun i => pull v i * (exp (- inner dv (a i)) - 1));
  (* and a small loss means large margins. *)
  margin_large : forall v i, - ln (f v) - f v <= inner v (a i)
}.

(** Minus the gradient. *)
Definition descent {J D} `{FiniteType J} `{FiniteType D}
    (a : D -> vec J) (pull : vec J -> D -> R) (v : vec J) : vec J :=
  fun j => Sum (fun i => pull v i * a i j).
(* end statement *)

Unset Implicit Arguments.

(** ** exp (- h) below its chord, with the sharp constant *)

Lemma exp_quartic h : h <= 3 -> exp h <= 1 + h + h ^ 2 / 2 + h ^ 3 / 6 + h ^ 4 / 6.
Proof.
  intros Below3.
  (* the right-hand side times exp (- t) has its minimum at t = 0 *)
  set (F t := (1 + t + t ^ 2 / 2 + t ^ 3 / 6 + t ^ 4 / 6) * exp (- t)).
  set (F' t := exp (- t) * (t ^ 3 / 2 - t ^ 4 / 6)).
  assert (D : forall t, is_derive F t (F' t)).
  { intros t; unfold F, F'; auto_derive; auto; field. }
  destruct (MVT_gen F 0 h F') as (t & T & E).
  { intros s _; apply D. }
  { intros s _; apply derivable_continuous_pt, ex_derive_Reals_0; eexists; apply D. }
  assert (At0 : F 0 = 1) by (unfold F; rewrite Ropp_0, exp_0; field).
  assert (Rises : 0 <= F' t * (h - 0)).
  { replace (F' t * (h - 0)) with (exp (- t) * (t ^ 2 * ((/ 2 - t / 6) * (t * h))))
      by (unfold F'; field).
    apply Rmult_le_pos; [left; apply exp_pos |].
    apply Rmult_le_pos; [apply pow2_ge_0 |].
    revert T; unfold Rmin, Rmax; destruct (Rle_dec 0 h); intros T;
      apply Rmult_le_pos; try lra; nra. }
  assert (AtH : 1 <= F h) by lra.
  assert (P := exp_pos h); apply Rmult_le_compat_r with (r := exp h) in AtH; [| lra].
  unfold F in AtH; rewrite Rmult_assoc, <- exp_plus, Rplus_opp_l, exp_0 in AtH; lra.
Qed.

Lemma exp_chord h K : 0 <= K <= 1 -> - K <= h <= K ->
  exp (- h) - 1 <= - h * (1 + K ^ 2 / 6) + K ^ 2 / 2 * (1 + K ^ 2 / 3).
Proof.
  intros [[K0 | <-] K1] B.
  - assert (U := exp_quartic K ltac:(lra)); assert (V := exp_quartic (- K) ltac:(lra)).
    assert (Tangent : forall c, exp (- h) * (1 + (c + h)) <= exp c).
    { intros c; assert (E := exp_ineq1_le (c + h)); assert (P := exp_pos (- h)).
      apply Rmult_le_compat_l with (r := exp (- h)) in E; [| lra].
      rewrite <- exp_plus in E; replace (- h + (c + h)) with c in E by ring; lra. }
    assert (T1 := Tangent K); assert (T2 := Tangent (- K)).
    set (e := exp (- h)) in *.
    assert (Y1 : (K - h) * (e * (1 + (K + h))) <=
      (K - h) * (1 + K + K ^ 2 / 2 + K ^ 3 / 6 + K ^ 4 / 6))
      by (apply Rmult_le_compat_l; lra).
    assert (Y2 : (K + h) * (e * (1 + (- K + h))) <=
      (K + h) * (1 + - K + (- K) ^ 2 / 2 + (- K) ^ 3 / 6 + (- K) ^ 4 / 6))
      by (apply Rmult_le_compat_l; lra).
    apply Rmult_le_reg_l with (2 * K); [lra |]; lra.
  - replace h with 0 by lra; rewrite Ropp_0, exp_0; lra.
Qed.

(** ** What follows from the seven facts *)

Lemma norms_bounded {J D} `{FiniteType J} `{FiniteType D} (a : D -> vec J) :
  exists R0, 0 <= R0 /\ forall i, norm (a i) <= R0.
Proof.
  exists (Sum (fun i => norm (a i))); split.
  - apply Sum_nonneg; intros; apply norm_nonneg.
  - intros i; apply (Sum_ge_term (fun i => norm (a i))); intros; apply norm_nonneg.
Qed.

Section MarginLoss.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Context {a : D -> vec J} {f : vec J -> R} {pull : vec J -> D -> R}.
Hypothesis loss_facts : margin_loss a f pull.
Notation U := (descent a pull).

Lemma inner_descent (u v : vec J) :
  inner u (U v) = Sum (fun i => pull v i * inner u (a i)).
Proof. apply (inner_combination a (pull v) u). Qed.

(** The descent direction is at least of the order of the loss where data are separable:
    u is a vector with margins at least m. *)
Lemma descent_large u m v : 0 <= m -> (forall i, m <= inner u (a i)) ->
  m * f v <= (1 + f v) * (norm u * norm (U v)).
Proof.
  intros m0 Sep; assert (F := loss_positive loss_facts v).
  apply Rle_trans with ((1 + f v) * (m * Sum (pull v))).
  - replace ((1 + f v) * (m * Sum (pull v))) with (m * ((1 + f v) * Sum (pull v)))
      by ring.
    apply Rmult_le_compat_l; auto; apply loss_facts.
  - apply Rmult_le_compat_l; [lra |].
    apply Rle_trans with (2 := inner_le_norm u (U v)).
    rewrite inner_descent, <- Sum_scal; apply Sum_le; intros i.
    rewrite (Rmult_comm m); apply Rmult_le_compat_l; [apply loss_facts | apply Sep].
Qed.

Variable R0 : R.
Hypothesis R0_nonneg : 0 <= R0.
Hypothesis R0_bound : forall i, norm (a i) <= R0.

Lemma inner_data_le u i : Rabs (inner u (a i)) <= norm u * R0.
Proof.
  assert (N := norm_nonneg u).
  assert (Up : norm u * norm (a i) <= norm u * R0)
    by (apply Rmult_le_compat_l; auto).
  assert (I1 := inner_le_norm u (a i)).
  assert (I2 := inner_le_norm u (fun j => -1 * a i j)).
  rewrite inner_scal, norm_scal, Rabs_left in I2 by lra.
  apply Rabs_le; lra.
Qed.

Lemma descent_le v : norm (U v) <= f v * R0.
Proof.
  set (n := norm (U v)); assert (N : 0 <= n) by apply norm_nonneg.
  assert (F := loss_positive loss_facts v).
  assert (E : n ^ 2 <= f v * R0 * n).
  { unfold n at 1; rewrite norm_sqr; apply Rle_trans with (inner (U v) (U v)).
    - right; apply Sum_ext; intros; ring.
    - rewrite inner_descent; apply Rle_trans with (Sum (fun i => n * R0 * pull v i)).
      + apply Sum_le; intros i; rewrite Rmult_comm; apply Rmult_le_compat_r;
          [apply loss_facts |].
        apply Rle_trans with (1 := Rle_abs _), inner_data_le.
      + rewrite Sum_scal; replace (f v * R0 * n) with (n * R0 * f v) by ring.
        apply Rmult_le_compat_l; [now apply Rmult_le_pos | apply loss_facts]. }
  destruct N as [N | <-]; [| apply Rmult_le_pos; lra].
  apply Rmult_le_reg_r with n; auto; lra.
Qed.

(* statement: step *)
(** The loss after any step in which no margin moves by more than 1. *)
Lemma loss_after_step v dv : norm dv * R0 <= 1 ->
  f (fun j => v j + dv j) <=
    f v - inner dv (U v) * (1 + (norm dv * R0) ^ 2 / 6) +
    f v * ((norm dv * R0) ^ 2 / 2 * (1 + (norm dv * R0) ^ 2 / 3)).
(* end statement *)
Proof.
  intros Small; apply Rle_trans with (1 := below_exponentials loss_facts v dv).
  set (K := norm dv * R0) in *.
  assert (K0 : 0 <= K) by (apply Rmult_le_pos; auto; apply norm_nonneg).
  set (c1 := 1 + K ^ 2 / 6); set (c2 := K ^ 2 / 2 * (1 + K ^ 2 / 3)).
  assert (C2 : 0 <= c2)
    by (unfold c2; assert (S := pow2_ge_0 K); apply Rmult_le_pos; lra).
  apply Rle_trans with (f v + (- c1 * inner dv (U v) + c2 * Sum (pull v))).
  - apply Rplus_le_compat_l; rewrite inner_descent, <- !Sum_scal, <- Sum_plus.
    apply Sum_le; intros i; assert (B := inner_data_le dv i).
    apply Rabs_le_between in B; assert (C := exp_chord _ K (conj K0 Small) B).
    apply Rmult_le_compat_l with (r := pull v i) in C; [| apply loss_facts].
    fold c1 c2 in C; lra.
  - assert (S := pull_below loss_facts v).
    apply Rmult_le_compat_l with (r := c2) in S; auto; lra.
Qed.

Lemma descent_against v dv : - inner dv (U v) <= f v * (norm dv * R0).
Proof.
  assert (N := norm_nonneg dv).
  replace (- inner dv (U v)) with (inner dv (fun j => -1 * U v j))
    by (rewrite inner_scal; ring).
  apply Rle_trans with (1 := inner_le_norm _ _); rewrite norm_scal, Rabs_left by lra.
  replace (norm dv * (- (-1) * norm (U v))) with (norm dv * norm (U v)) by ring.
  replace (f v * (norm dv * R0)) with (norm dv * (f v * R0)) by ring.
  apply Rmult_le_compat_l; auto; apply descent_le.
Qed.

Lemma loss_after_step_quadratic v dv : norm dv * R0 <= 1 ->
  f (fun j => v j + dv j) <= f v - inner dv (U v) + f v * (norm dv * R0) ^ 2.
Proof.
  intros Small; apply Rle_trans with (1 := loss_after_step v dv Small).
  assert (N := norm_nonneg dv); assert (F := loss_positive loss_facts v).
  set (K := norm dv * R0) in *; assert (K0 : 0 <= K) by (now apply Rmult_le_pos).
  assert (I := descent_against v dv); fold K in I.
  assert (S := pow2_ge_0 K); apply Rmult_le_compat_r with (r := K ^ 2 / 6) in I;
    [| lra].
  assert (K3 : f v * (K ^ 2 * K) <= f v * (K ^ 2 * 1)).
  { apply Rmult_le_compat_l; [lra |]; now apply Rmult_le_compat_l. }
  assert (K4 : f v * (K ^ 2 * K ^ 2) <= f v * (K ^ 2 * 1)).
  { apply Rmult_le_compat_l; [lra |]; apply Rmult_le_compat_l; auto; nra. }
  assert (0 <= f v * K ^ 2) by (apply Rmult_le_pos; lra); lra.
Qed.

(** ** The gradient exists, is minus the descent direction, and is continuous *)

Lemma loss_gradient v : is_gradient f v (fun j => - U v j).
Proof.
  intros e e0; set (C := f v * R0 ^ 2); assert (F := loss_positive loss_facts v).
  assert (C0 : 0 <= C) by (apply Rmult_le_pos; [lra | apply pow2_ge_0]).
  assert (d1 : 0 < / (R0 + 1)) by (apply Rinv_0_lt_compat; lra).
  assert (d2 : 0 < e / (C + 1)) by (apply Rdiv_lt_0_compat; lra).
  exists (Rmin (/ (R0 + 1)) (e / (C + 1))); split; [now apply Rmin_glb_lt |];
    intros z Z.
  set (dv := sub z v) in *; set (n := norm dv) in *.
  assert (N : 0 <= n) by apply norm_nonneg.
  assert (Z1 := Rlt_le_trans _ _ _ Z (Rmin_l _ _)).
  assert (Z2 := Rlt_le_trans _ _ _ Z (Rmin_r _ _)).
  assert (Ez : z = (fun j => v j + dv j))
    by (apply functional_extensionality; intros j; unfold dv, sub; ring).
  replace (inner (fun j => - U v j) dv) with (- inner dv (U v)).
  2: { transitivity (-1 * inner dv (U v)); [ring |].
       rewrite <- inner_scal; apply Sum_ext; intros; ring. }
  assert (Small : n * R0 <= 1).
  { apply Rle_trans with (/ (R0 + 1) * R0); [apply Rmult_le_compat_r; lra |].
    apply Rmult_le_reg_l with (R0 + 1); [lra |].
    rewrite <- Rmult_assoc, Rinv_r; lra. }
  assert (Up := loss_after_step_quadratic v dv Small).
  assert (Lo := above_tangent loss_facts v dv); rewrite <- inner_descent in Lo.
  rewrite <- Ez in Up, Lo; fold n in Up.
  assert (Cn : f v * (n * R0) ^ 2 <= e * n).
  { replace (f v * (n * R0) ^ 2) with (n * (C * n)) by (unfold C; ring).
    rewrite (Rmult_comm e); apply Rmult_le_compat_l; auto.
    apply Rle_trans with ((C + 1) * (e / (C + 1))); [apply Rmult_le_compat; lra |].
    right; field; lra. }
  assert (En : 0 <= e * n) by (apply Rmult_le_pos; lra).
  apply Rabs_le; lra.
Qed.

Lemma loss_near v dv : norm dv * R0 <= 1 -> f (fun j => v j + dv j) <= 3 * f v.
Proof.
  intros Small; assert (S := loss_after_step_quadratic v dv Small).
  assert (F := loss_positive loss_facts v); assert (N := norm_nonneg dv).
  set (K := norm dv * R0) in *; assert (K0 : 0 <= K) by (now apply Rmult_le_pos).
  assert (I := descent_against v dv); fold K in I.
  assert (f v * K <= f v * 1) by (apply Rmult_le_compat_l; lra).
  assert (f v * K ^ 2 <= f v * 1) by (apply Rmult_le_compat_l; nra).
  lra.
Qed.

(** Three inequalities of convexity make the gradient Lipschitz near v. *)
Lemma descent_lipschitz v z : norm (sub z v) * R0 <= 1 ->
  norm (sub (U z) (U v)) <= 4 * f v * R0 ^ 2 * norm (sub z v).
Proof.
  intros Small; set (dz := sub z v) in *; set (n := norm dz) in *.
  set (N := norm (sub (U z) (U v))).
  assert (F := loss_positive loss_facts v); assert (n0 : 0 <= n) by apply norm_nonneg.
  assert (R2 := pow2_ge_0 R0); assert (N0 : 0 <= N) by apply norm_nonneg.
  destruct N0 as [N0 | <-].
  2: { apply Rmult_le_pos; auto; apply Rmult_le_pos; lra. }
  assert (Ez : z = (fun j => v j + dz j))
    by (apply functional_extensionality; intros j; unfold dz, sub; ring).
  (* dv: as long as z - v, in the direction in which the gradient differs *)
  set (dv := fun j => n / N * sub (U z) (U v) j).
  assert (Nd : norm dv = n).
  { unfold dv; rewrite norm_scal, Rabs_pos_eq by (apply Rdiv_le_0_compat; lra).
    fold N; field; lra. }
  assert (K2 : (n * R0) ^ 2 <= 1)
    by (assert (0 <= n * R0) by (now apply Rmult_le_pos); nra).
  assert (S1 := loss_after_step_quadratic z dv ltac:(rewrite Nd; exact Small)).
  assert (S2 := loss_after_step_quadratic v dz Small); rewrite <- Ez in S2;
    fold n in S2.
  assert (S3 := above_tangent loss_facts v (fun j => dz j + dv j)).
  cbv beta in S3; replace (fun j => v j + (dz j + dv j))
    with (fun j => z j + dv j) in S3
    by (apply functional_extensionality; intros j; unfold dz, sub; ring).
  rewrite <- inner_descent in S3; rewrite Nd in S1.
  assert (Fz := loss_near v dz Small); rewrite <- Ez in Fz.
  assert (Add : inner (fun j => dz j + dv j) (U v) = inner dz (U v) + inner dv (U v)).
  { unfold inner; rewrite <- Sum_plus; apply Sum_ext; intros; ring. }
  assert (Dif : inner dv (U z) - inner dv (U v) = n * N).
  { rewrite <- inner_sub, inner_comm; unfold dv; rewrite inner_scal.
    replace (inner (sub (U z) (U v)) (sub (U z) (U v))) with (N ^ 2).
    - field; lra.
    - unfold N; rewrite norm_sqr; apply Sum_ext; intros; ring. }
  assert (Q : n * N <= n * (4 * f v * R0 ^ 2 * n)).
  { assert (f z * (n * R0) ^ 2 <= 3 * f v * (n * R0) ^ 2)
      by (apply Rmult_le_compat_r; [apply pow2_ge_0 | exact Fz]).
    replace (n * (4 * f v * R0 ^ 2 * n)) with (4 * f v * (n * R0) ^ 2) by ring.
    lra. }
  destruct n0 as [n0 | n0]; [now apply Rmult_le_reg_l with n |].
  (* z = v *)
  assert (Same : z = v).
  { apply functional_extensionality; intros j.
    assert (G := norm_ge_component dz j); fold n in G; rewrite <- n0 in G.
    assert (A := Rabs_pos (dz j)); assert (Z : dz j = 0) by (apply Rabs_eq_0; lra).
    unfold dz, sub in Z; lra. }
  unfold N; rewrite Same, <- n0, norm_0; [lra |]; intros j; unfold sub; ring.
Qed.

End MarginLoss.

Section Gradient.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Context {a : D -> vec J} {f : vec J -> R} {pull : vec J -> D -> R}.
Hypothesis loss_facts : margin_loss a f pull.

Lemma loss_smooth : gradient_of f (fun v j => - descent a pull v j).
Proof.
  destruct (norms_bounded a) as (R0 & R0p & Rb); split.
  - intros v; now apply (loss_gradient loss_facts R0).
  - intros v e e0; set (C := 4 * f v * R0 ^ 2).
    assert (F := loss_positive loss_facts v).
    assert (C0 : 0 <= C) by (apply Rmult_le_pos; [lra | apply pow2_ge_0]).
    assert (d1 : 0 < / (R0 + 1)) by (apply Rinv_0_lt_compat; lra).
    assert (d2 : 0 < e / (C + 1)) by (apply Rdiv_lt_0_compat; lra).
    exists (Rmin (/ (R0 + 1)) (e / (C + 1))); split; [now apply Rmin_glb_lt |].
    intros z Z j; assert (N := norm_nonneg (sub z v)).
    assert (Z1 := Rlt_le_trans _ _ _ Z (Rmin_l _ _)).
    assert (Z2 := Rlt_le_trans _ _ _ Z (Rmin_r _ _)).
    assert (Small : norm (sub z v) * R0 <= 1).
    { apply Rle_trans with (/ (R0 + 1) * R0); [apply Rmult_le_compat_r; lra |].
      apply Rmult_le_reg_l with (R0 + 1); [lra |].
      rewrite <- Rmult_assoc, Rinv_r; lra. }
    replace (- descent a pull z j - - descent a pull v j) with
      (- sub (descent a pull z) (descent a pull v) j) by (unfold sub; ring).
    rewrite Rabs_Ropp; apply Rle_lt_trans with (1 := norm_ge_component _ j).
    apply Rle_lt_trans with (1 := descent_lipschitz loss_facts R0 R0p Rb v z Small).
    fold C; apply Rle_lt_trans with (C * (e / (C + 1))); [apply Rmult_le_compat_l;
      lra |].
    apply Rmult_lt_reg_r with (C + 1); [lra |].
    replace (C * (e / (C + 1)) * (C + 1)) with (C * e) by (field; lra); nra.
Qed.

(* statement: gradient *)
(** The one Clarke subgradient of such a loss is its gradient. *)
Lemma loss_clarke v d : clarke f v d <-> forall j, d j = - descent a pull v j.
(* end statement *)
Proof.
  split; intros C; [exact (smooth_clarke _ _ _ _ loss_smooth C) |].
  replace d with (fun j => - descent a pull v j).
  - apply (clarke_smooth f (fun v j => - descent a pull v j)), loss_smooth.
  - apply functional_extensionality; intros j; now rewrite C.
Qed.

End Gradient.
