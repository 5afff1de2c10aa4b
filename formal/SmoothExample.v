(** * A start to which Theorems J3, J2 and H2 for Procedure 1 apply

    One input, 1, with label 1, a unit with slope 1 on both sides, the exponential loss,
    delta = eps = eta = 1, g = h = 0 and v = u = 3 at the start.  The margin is v u,
    smooth of degree 2; every hypothesis of the theorems is proven. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export OneUnitExample TheoremJ2 TheoremJ4.
Open Scope R_scope.

Notation linear_unit := (one_unit 1 only_input).
Notation unit_input := (oriented 1 only_input 1).

Lemma one_slope t : leaky 1 t = t.
Proof. unfold leaky, Rmax, Rmin; case Rle_dec; intros; ring. Qed.

Lemma bilinear_everywhere : margin_at linear_unit = fun i => unit_margin (unit_input i).
Proof.
  apply functional_extensionality; intros i; apply functional_extensionality; intros w.
  unfold margin_at, one_unit, unit_margin; rewrite inner_oriented, one_slope.
  unfold slope_on; rewrite one_slope; change (y i) with 1.
  rewrite (Rmult_1_l 1), Rabs_R1; ring.
Qed.

Lemma unit_input_norm i : norm (unit_input i) <= 1.
Proof.
  right; unfold norm, oriented, only_input; rewrite one_slope; change (y i) with 1.
  change (x i) with 1; rewrite (Rmult_1_l 1), Rabs_R1; unfold Sum; simpl.
  transitivity (sqrt 1); [f_equal; ring | apply sqrt_1].
Qed.

Lemma loss_at_three : total_loss (summed exponential) linear_unit (level 3) <= / 512.
Proof.
  rewrite level_loss by lra; replace (- 3 ^ 2) with (- (9)) by ring; rewrite exp_Ropp.
  apply Rinv_le_contravar; [lra |].
  replace 9 with (INR 9 * 1) by (simpl; ring); rewrite <- exp_pow.
  replace 512 with (2 ^ 9) by ring; apply pow_incr; generalize (exp_ineq1_le 1); lra.
Qed.

(* statement: smooth network starts *)
(** The hypotheses of Theorem J from the start can be met, for any schedule. *)
Theorem smooth_network_starts (rho : nat -> R) : (forall n, 0 <= rho n <= 1) ->
  exists dz w d g h,
    smooth_margins (margin_at linear_unit) dz 0 1 1 /\
    procedure_1 (total_loss (summed exponential) linear_unit) 1 (fun _ => 1) (fun _ => 1)
      (fun n _ => rho n) w d g h /\
    let L0 := total_loss (summed exponential) linear_unit (w 0%nat) in
    let a := 4 / 5 in let A := 6 / 5 in
    (forall n : nat, 1 - rho n <= 1) /\
    (forall j, factor_bound 1 L0 (fun _ => 1) (fun _ => 1) (fun _ => 1) (h 0%nat) j <= A)
      /\
    (forall j, a <= factor_floor 1 L0 (fun _ => 1) (fun _ => 1) (fun _ => 1) (g 0%nat) j)
      /\
    8 / 3 * (1 - / (INR 0 + 2)) * (A / a) <= - ln L0 /\
    1 * A * L0 * curvature 0 1 1 (norm (w 0%nat)) <= / 2.
(* end statement *)
Proof.
  intros Rr; assert (Sm := bilinear_smooth unit_input 1 (inhabits tt) unit_input_norm).
  rewrite <- bilinear_everywhere in Sm.
  destruct (procedure_runs (total_loss (summed exponential) linear_unit)
    (fun v => (fun o => - exp_descent (margin_at linear_unit)
      (fun i => unit_gradient (unit_input i)) v o) : vec (option unit))
    1 (fun _ => 1) (fun _ => 1) (fun n _ => rho n) (level 3) (fun _ => 0) (fun _ => 0))
    as (w & d & g & h & W0 & G0 & H0 & Run); try (intros; lra); auto.
  { intros v; exact (clarke_smooth _ _ v (exp_loss_gradient Sm nonempty)). }
  exists (fun i => unit_gradient (unit_input i)), w, d, g, h.
  split; [exact Sm |]; split; [exact Run |]; rewrite W0, G0, H0; cbv zeta.
  assert (Up := loss_at_three).
  assert (L0 := total_loss_pos (summed exponential) linear_unit (level 3)).
  assert (Ln : 5 <= - ln (total_loss (summed exponential) linear_unit (level 3)))
    by (rewrite level_loss, ln_exp by lra; lra).
  set (L := total_loss (summed exponential) linear_unit (level 3)) in *.
  assert (Rt : forall b, 0 <= b <= / 512 -> 1 <= sqrt (b ^ 2 + 1) <= 1 + b).
  { intros b B; split.
    - rewrite <- sqrt_1 at 1; apply sqrt_le_1_alt; nra.
    - rewrite <- (sqrt_pow2 (1 + b)) by lra; apply sqrt_le_1_alt; nra. }
  split; [intros n; specialize (Rr n); lra |].
  split; [| split; [| split]].
  - intros j; unfold factor_bound.
    replace (1 * L / (1 * 1)) with L by field.
    replace ((1 + 0) / 1) with 1 by field; destruct (Rt L); lra.
  - intros j; unfold factor_floor.
    replace (1 * L / (1 * (1 + 0))) with L by field.
    replace (1 / (1 + 0)) with 1 by field; destruct (Rt L); lra.
  - simpl (INR 0); lra.
  - unfold curvature; simpl (2 * 0 + 2)%nat; rewrite pow_O, norm_level.
    replace (1 ^ 2 * (2 * 3 ^ 2) + 1 * 1) with 19 by ring; lra.
Qed.
