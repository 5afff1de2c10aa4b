(** * One unit: the network, its gradient, and its KKT points

    The network v sigma(< u, x >) with sigma leaky ReLU.  Where all margins are positive
    each input is on the side of the kink that its label and the sign of v tell; there
    the margins are v < u, z(i) >, with the slope of that side in z(i). *)

From Coq Require Import Reals Lra Psatz List FinFun FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export LinearLosses.
Import ListNotations.
Open Scope R_scope.

(** ** One parameter more *)

#[export] Instance one_more (J : Type) `{FiniteType J} : FiniteType (option J).
Proof.
  refine {| enum := None :: map Some enum |}.
  - constructor.
    + intros I; apply in_map_iff in I; destruct I as (j & E & _); discriminate.
    + apply Injective_map_NoDup; [intros i j E; congruence | apply enum_once].
  - intros [j |]; [right; apply in_map, enum_all | now left].
Defined.

Lemma Sum_option {J} `{FiniteType J} (f : option J -> R) :
  Sum f = f None + Sum (fun j => f (Some j)).
Proof. unfold Sum; simpl; now rewrite lsum_map. Qed.

(* statement: network *)
(** The parameters are v, at None, and the components of u. *)
Definition incoming {J} (w : vec (option J)) : vec J := fun j => w (Some j).

Definition leaky (alpha t : R) : R := Rmax t 0 + alpha * Rmin t 0.

Definition one_unit {J X} `{FiniteType J} (alpha : R) (feat : X -> vec J)
    (w : vec (option J)) (z : X) : R :=
  w None * leaky alpha (inner (incoming w) (feat z)).

(** The vector of a data point for the sign s of v: its input, times its label, times
    the slope on the side of the kink where v must have it. *)
Definition oriented {J D X} `{FiniteType J} `{Dataset D X} (alpha : R)
    (feat : X -> vec J) (s : R) (i : D) : vec J :=
  fun j => y i * Rabs (leaky alpha (s * y i)) * feat (x i) j.
(* end statement *)

(** ** Clarke's subdifferential is local *)

Section Local.
Context {J : Type} `{FiniteType J}.

Lemma gradient_local (f g : vec J -> R) v r D : 0 < r ->
  (forall z, norm (sub z v) < r -> f z = g z) -> is_gradient f v D -> is_gradient g v D.
Proof.
  intros r0 E Gr e e0; destruct (Gr e e0) as (d & d0 & Near); exists (Rmin d r).
  split; [minmax; lra |]; intros z Z.
  assert (Z1 := Rlt_le_trans _ _ _ Z (Rmin_l d r)).
  assert (Z2 := Rlt_le_trans _ _ _ Z (Rmin_r d r)).
  rewrite <- (E z Z2), <- (E v); [now apply Near |].
  rewrite norm_0; [exact r0 | intros j; unfold sub; ring].
Qed.

Lemma clarke_local (f g : vec J -> R) v r u : 0 < r ->
  (forall z, norm (sub z v) < r -> f z = g z) -> clarke f v u -> clarke g v u.
Proof.
  intros r0 E (l & In_l & One & U); exists l; split; [| now split].
  intros c D I; destruct (In_l c D I) as [c0 (vs & Ds & Gr & Cv & CD)]; split; auto.
  destruct (converges_near vs v (r / 2) ltac:(lra) Cv) as [N Near].
  exists (fun n => vs (n + N)%nat), (fun n => Ds (n + N)%nat); repeat split.
  - intros n; apply (gradient_local f g _ (r / 2)); [lra | | apply Gr].
    intros z Z; apply E; specialize (Near (n + N)%nat ltac:(lia)).
    generalize (dist_triangle z (vs (n + N)%nat) v); lra.
  - intros j; apply (is_lim_seq_incr_n (fun n => vs n j) N), Cv.
  - intros j; apply (is_lim_seq_incr_n (fun n => Ds n j) N), CD.
Qed.

(** Near v the function g is smooth: its one subgradient at v is the gradient. *)
Lemma clarke_locally_smooth (f g : vec J -> R) (G : vec J -> vec J) v r u : 0 < r ->
  (forall z, norm (sub z v) < r -> f z = g z) -> gradient_of g G ->
  clarke f v u <-> forall j, u j = G v j.
Proof.
  intros r0 E Sm; split; intros C.
  - apply (smooth_clarke g G v u Sm), (clarke_local f g v r u r0 E C).
  - apply (clarke_local g f v r u r0); [intros z Z; now rewrite E |].
    replace u with (G v); [now apply clarke_smooth |].
    apply functional_extensionality; intros j; now rewrite C.
Qed.

Lemma inner_abs_le (u z : vec J) : Rabs (inner u z) <= norm u * norm z.
Proof.
  apply Rabs_le; split; [| apply inner_le_norm].
  assert (I := inner_le_norm u (fun j => -1 * z j)).
  rewrite inner_scal, norm_scal, Rabs_left in I; lra.
Qed.

End Local.

(** ** Margins v < u, z > *)

Section UnitMargin.
Context {J : Type} `{FiniteType J}.

(* statement: unit margin *)
Definition unit_margin (z : vec J) (w : vec (option J)) : R :=
  w None * inner (incoming w) z.

Definition unit_gradient (z : vec J) (w : vec (option J)) : vec (option J) :=
  fun o => match o with None => inner (incoming w) z | Some j => w None * z j end.
(* end statement *)

Lemma norm_option (w : vec (option J)) :
  norm w ^ 2 = w None ^ 2 + norm (incoming w) ^ 2.
Proof. now rewrite !norm_sqr, Sum_option. Qed.

Lemma norm_incoming (w : vec (option J)) : norm (incoming w) <= norm w.
Proof.
  assert (E := norm_option w); assert (N := norm_nonneg w).
  assert (P := pow2_ge_0 (w None)); apply Rnot_lt_le; intros L; nra.
Qed.

Lemma inner_incoming_sub (w w' : vec (option J)) z :
  inner (incoming (sub w w')) z = inner (incoming w) z - inner (incoming w') z.
Proof. rewrite !(inner_comm _ z), <- inner_sub; reflexivity. Qed.

(** The gradient moves by at most ||z|| times what w moves by. *)
Lemma unit_gradient_moves z (w w' : vec (option J)) o :
  Rabs (unit_gradient z w' o - unit_gradient z w o) <= norm (sub w' w) * norm z.
Proof.
  destruct o as [j |]; simpl.
  - replace (w' None * z j - w None * z j) with ((w' None - w None) * z j) by ring.
    rewrite Rabs_mult; apply Rmult_le_compat; try apply Rabs_pos.
    + exact (norm_ge_component (sub w' w) None).
    + apply norm_ge_component.
  - rewrite <- inner_incoming_sub; apply Rle_trans with (1 := inner_abs_le _ _).
    apply Rmult_le_compat_r; [apply norm_nonneg | apply norm_incoming].
Qed.

Lemma unit_margin_gradient z : gradient_of (unit_margin z) (unit_gradient z).
Proof.
  assert (Z := norm_nonneg z).
  assert (Small : forall e, 0 < e -> 0 < e / (norm z + 1) /\
    forall n, 0 <= n -> n < e / (norm z + 1) -> n * norm z < e).
  { intros e e0; split; [apply Rdiv_lt_0_compat; lra |]; intros n n0 L.
    apply Rmult_lt_compat_r with (r := norm z + 1) in L; [| lra].
    replace (e / (norm z + 1) * (norm z + 1)) with e in L by (field; lra); nra. }
  split.
  - intros w e e0; destruct (Small e e0) as [d0 Hd]; exists (e / (norm z + 1)).
    split; auto; intros w' W; assert (n0 := norm_nonneg (sub w' w)).
    specialize (Hd _ n0 W).
    replace (_ - _ - _) with ((w' None - w None) * inner (incoming (sub w' w)) z).
    + rewrite Rabs_mult.
      assert (A1 := norm_ge_component (sub w' w) None); unfold sub at 1 in A1.
      assert (A2 := inner_abs_le (incoming (sub w' w)) z).
      assert (A3 := norm_incoming (sub w' w)).
      apply Rle_trans with (norm (sub w' w) * (norm (sub w' w) * norm z)).
      * apply Rmult_le_compat; auto; try apply Rabs_pos.
        apply Rle_trans with (1 := A2), Rmult_le_compat_r; auto.
      * rewrite (Rmult_comm e); apply Rmult_le_compat_l; lra.
    + replace (inner (unit_gradient z w) (sub w' w)) with
        (inner (incoming w) z * (w' None - w None) +
         w None * inner (incoming (sub w' w)) z).
      * rewrite inner_incoming_sub; unfold unit_margin; ring.
      * unfold inner at 3; rewrite Sum_option; simpl; f_equal.
        unfold inner; rewrite <- Sum_scal; apply Sum_ext; intros j.
        unfold incoming; ring.
  - intros w e e0; destruct (Small e e0) as [d0 Hd]; exists (e / (norm z + 1)).
    split; auto; intros w' W o.
    apply Rle_lt_trans with (1 := unit_gradient_moves z w w' o).
    apply Hd; auto; apply norm_nonneg.
Qed.

(** 1 minus a margin, as the problem has it. *)
Lemma unit_constraint_gradient z :
  gradient_of (fun w => 1 - unit_margin z w) (fun w o => - unit_gradient z w o).
Proof.
  destruct (unit_margin_gradient z) as [Gr Co]; split.
  - intros w; replace (fun o => - unit_gradient z w o) with
      (fun o => -1 * unit_gradient z w o)
      by (apply functional_extensionality; intros; ring).
    apply (gradient_comp (fun t => 1 - t) (-1) (unit_margin z)); auto.
    auto_derive; auto; ring.
  - intros w e e0; destruct (Co w e e0) as (d & d0 & Hd); exists d; split; auto.
    intros w' W o; specialize (Hd w' W o).
    replace (- unit_gradient z w' o - - unit_gradient z w o) with
      (- (unit_gradient z w' o - unit_gradient z w o)) by ring.
    now rewrite Rabs_Ropp.
Qed.

(** The loss of such margins. *)
Lemma unit_loss_gradient {D} `{FiniteType D} (k : loss) (zs : D -> vec J) :
  inhabited D ->
  gradient_of (fun w => Sum (fun i => ell k (unit_margin (zs i) w)))
    (fun w o => Sum (fun i => ell' k (unit_margin (zs i) w) *
      unit_gradient (zs i) w o)).
Proof.
  intros Ne; set (labelled := {| x := fun i : D => i; y := fun _ => 1;
    labels := fun _ => or_introl eq_refl; nonempty := Ne |} : Dataset D D).
  assert (G := gradient_L (H1 := labelled) (summed k) (fun w i => unit_margin (zs i) w)
    (fun i => unit_gradient (zs i)) (fun i => unit_margin_gradient (zs i))).
  replace (fun w => Sum (fun i => ell k (unit_margin (zs i) w))) with
    (fun w => Sum (fun i => ell k (1 * unit_margin (zs i) w)))
    by (apply functional_extensionality; intros w; apply Sum_ext; intros;
        now rewrite Rmult_1_l).
  replace (fun w o => Sum (fun i => ell' k (unit_margin (zs i) w) *
    unit_gradient (zs i) w o)) with (fun w o => Sum (fun i =>
    - - ell' k (1 * unit_margin (zs i) w) * (1 * unit_gradient (zs i) w o)));
    [exact G |].
  apply functional_extensionality; intros w; apply functional_extensionality; intros o.
  apply Sum_ext; intros i; now rewrite Ropp_involutive, !Rmult_1_l.
Qed.

End UnitMargin.

(** ** The network where all margins are positive *)

Section Network.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (k : loss) (alpha : R) (feat : X -> vec J) (s : R).
Hypothesis alpha_pos : 0 < alpha.
Hypothesis sign : s = 1 \/ s = -1.
Notation Phi := (one_unit alpha feat).
Notation z := (oriented alpha feat s).
(* positive where the input is on the side that its label and s tell *)
Notation side w i := (s * y i * inner (incoming w) (feat (x i))).

Definition slope_on (i : D) : R := Rabs (leaky alpha (s * y i)).

Lemma sign_label i : s * y i = 1 \/ s * y i = -1.
Proof. destruct sign as [-> | ->], (labels i) as [-> | ->]; lra. Qed.

Lemma leaky_right t : 0 <= t -> leaky alpha t = t.
Proof.
  intros T; unfold leaky; rewrite Rmax_left, Rmin_right by lra; ring.
Qed.

Lemma leaky_left t : t <= 0 -> leaky alpha t = alpha * t.
Proof.
  intros T; unfold leaky; rewrite Rmax_right, Rmin_left by lra; ring.
Qed.

(** The slope is 1 or alpha, and leaky ReLU has it on the whole side. *)
Lemma slope_side i t : 0 < s * y i * t ->
  0 < slope_on i /\ leaky alpha t = slope_on i * t.
Proof.
  intros T; unfold slope_on; destruct (sign_label i) as [E | E]; rewrite E in *.
  - rewrite (leaky_right 1), Rabs_R1, leaky_right by lra; lra.
  - rewrite (leaky_left (-1)), leaky_left by lra.
    replace (alpha * -1) with (- alpha) by ring.
    rewrite Rabs_Ropp, Rabs_pos_eq; lra.
Qed.

Lemma side_slope_pos i : 0 < slope_on i.
Proof.
  apply (slope_side i (s * y i)); destruct (sign_label i) as [-> | ->]; lra.
Qed.

Lemma inner_oriented u i :
  inner u (z i) = y i * (slope_on i * inner u (feat (x i))).
Proof.
  rewrite <- Rmult_assoc, <- inner_scal; apply Sum_ext; intros j.
  unfold oriented, slope_on; ring.
Qed.

Lemma margin_on_side w i : 0 < side w i -> y i * Phi w (x i) = unit_margin (z i) w.
Proof.
  intros S; destruct (slope_side i _ S) as [_ E]; unfold one_unit, unit_margin.
  rewrite E, inner_oriented; ring.
Qed.

Lemma side_of_margin w i : 0 < s * w None -> 0 < y i * Phi w (x i) -> 0 < side w i.
Proof.
  intros V M; unfold one_unit in M; set (t := inner (incoming w) (feat (x i))) in *.
  assert (L : 0 < s * y i * leaky alpha t).
  { assert (Q : 0 < s * w None * (s * y i * leaky alpha t)).
    { replace (s * w None * (s * y i * leaky alpha t)) with
        (s * s * (y i * (w None * leaky alpha t))) by ring.
      destruct sign as [-> | ->]; lra. }
    apply Rmult_lt_reg_l with (s * w None); lra. }
  destruct (sign_label i) as [E | E]; rewrite E in *;
    destruct (Rle_lt_dec 0 t) as [T | T].
  - rewrite leaky_right in L; lra.
  - rewrite leaky_left in L by lra; nra.
  - rewrite leaky_right in L; lra.
  - lra.
Qed.

Lemma side_of_unit_margin w i : 0 < s * w None -> 0 < unit_margin (z i) w ->
  0 < side w i.
Proof.
  intros V M; unfold unit_margin in M; rewrite inner_oriented in M.
  set (t := inner (incoming w) (feat (x i))) in *; assert (P := side_slope_pos i).
  assert (Q : 0 < s * w None * (slope_on i * (s * y i * t))).
  { replace (s * w None * (slope_on i * (s * y i * t))) with
      (s * s * (w None * (y i * (slope_on i * t)))) by ring.
    destruct sign as [-> | ->]; lra. }
  apply Rmult_lt_reg_l with (s * w None); auto; rewrite Rmult_0_r.
  apply Rmult_lt_reg_l with (slope_on i); auto; rewrite Rmult_0_r.
  replace (slope_on i * (s * w None * (s * y i * t))) with
    (s * w None * (slope_on i * (s * y i * t))) by ring; exact Q.
Qed.

(** The sides are open. *)
Lemma sides_near w : (forall i, 0 < side w i) -> exists r, 0 < r /\
  forall w', norm (sub w' w) < r -> forall i, 0 < side w' i.
Proof.
  intros S; destruct (finite_bounds (fun i => side w i) S) as (m & M & m0 & _ & B).
  destruct (norms_bounded (fun i => feat (x i))) as (R0 & R0p & Rb).
  exists (m / (R0 + 1)); split; [apply Rdiv_lt_0_compat; lra |]; intros w' W i.
  assert (n0 := norm_nonneg (sub w' w)); destruct (B i) as [Lo _].
  apply Rmult_lt_compat_r with (r := R0 + 1) in W; [| lra].
  replace (m / (R0 + 1) * (R0 + 1)) with m in W by (field; lra).
  assert (A := inner_abs_le (incoming (sub w' w)) (feat (x i))).
  rewrite inner_incoming_sub in A.
  assert (U : norm (incoming (sub w' w)) * norm (feat (x i)) <= norm (sub w' w) * R0).
  { apply Rmult_le_compat; auto; try apply norm_nonneg; apply norm_incoming. }
  apply Rabs_le_between in A.
  destruct (sign_label i) as [E | E]; rewrite E in *; lra.
Qed.

Section At.
Variable w : vec (option J).
Hypothesis sign_v : 0 < s * w None.
Hypothesis margins_pos : forall i, 0 < y i * Phi w (x i).

Lemma margin_smooth i : y i * Phi w (x i) = unit_margin (z i) w.
Proof. apply margin_on_side, side_of_margin; auto. Qed.

(** There the loss has one subgradient, the gradient. *)
Lemma unit_loss_clarke d : clarke (total_loss (summed k) Phi) w d <->
  forall o, d o = Sum (fun i => ell' k (unit_margin (z i) w) * unit_gradient (z i) w o).
Proof.
  destruct (sides_near w) as (r & r0 & Near); [intros i; now apply side_of_margin |].
  apply (clarke_locally_smooth (total_loss (summed k) Phi)
    (fun w => Sum (fun i => ell k (unit_margin (z i) w)))
    (fun w o => Sum (fun i => ell' k (unit_margin (z i) w) * unit_gradient (z i) w o))
    w r d r0); [| apply unit_loss_gradient, nonempty].
  intros w' W; apply Sum_ext; intros i; f_equal; now apply margin_on_side, Near.
Qed.

Lemma unit_constraint_clarke i g : clarke (fun w => 1 - y i * Phi w (x i)) w g <->
  forall o, g o = - unit_gradient (z i) w o.
Proof.
  destruct (sides_near w) as (r & r0 & Near); [intros l; now apply side_of_margin |].
  apply (clarke_locally_smooth (fun w => 1 - y i * Phi w (x i))
    (fun w => 1 - unit_margin (z i) w) (fun w o => - unit_gradient (z i) w o)
    w r g r0); [| apply unit_constraint_gradient].
  intros w' W; f_equal; f_equal; now apply margin_on_side, Near.
Qed.

End At.

(** ** KKT points *)

Variable chi : vec (option J).
Notation problem := (max_margin_KKT Phi chi).

(* statement: unit multipliers *)
(** The KKT conditions where v has the sign s, written out. *)
Lemma unit_multipliers w : 0 < s * w None ->
  problem w <-> exists lam : D -> R, (forall i, 0 <= lam i) /\
    (forall i, 1 <= unit_margin (z i) w) /\
    (forall o, chi o ^ 2 * w o = Sum (fun i => lam i * unit_gradient (z i) w o)) /\
    (forall i, lam i * (1 - unit_margin (z i) w) = 0).
(* end statement *)
Proof.
  intros V; split.
  - intros (lam & Lam & Fe & (p & q & P & Q & Eq) & Sl).
    assert (Pos : forall i, 0 < y i * Phi w (x i))
      by (intros i; specialize (Fe i); cbv beta in Fe; lra).
    assert (M := margin_smooth w V Pos).
    exists lam; split; [exact Lam |]; split; [| split].
    + intros i; rewrite <- M; specialize (Fe i); cbv beta in Fe; lra.
    + intros o; specialize (Eq o).
      rewrite (smooth_clarke _ _ _ _ (objective_gradient chi) P o) in Eq.
      transitivity (-1 * Sum (fun i => lam i * q i o)); [lra |].
      rewrite <- Sum_scal; apply Sum_ext; intros i.
      rewrite (proj1 (unit_constraint_clarke w V Pos i (q i)) (Q i) o); ring.
    + intros i; rewrite <- M; apply Sl.
  - intros (lam & Lam & Fe & Eq & Sl).
    assert (M : forall i, y i * Phi w (x i) = unit_margin (z i) w).
    { intros i; apply margin_on_side, side_of_unit_margin; auto.
      specialize (Fe i); lra. }
    assert (Pos : forall i, 0 < y i * Phi w (x i))
      by (intros i; rewrite M; specialize (Fe i); lra).
    exists lam; split; [exact Lam |]; split; [| split].
    + intros i; rewrite M; specialize (Fe i); lra.
    + exists (fun o => chi o ^ 2 * w o), (fun i o => - unit_gradient (z i) w o).
      split; [| split].
      * exact (clarke_smooth _ _ w (objective_gradient chi)).
      * intros i; now apply unit_constraint_clarke.
      * intros o; rewrite Eq.
        transitivity (Sum (fun i => lam i * unit_gradient (z i) w o) +
          -1 * Sum (fun i => lam i * unit_gradient (z i) w o)); [| ring].
        f_equal; rewrite <- Sum_scal; apply Sum_ext; intros; ring.
    + intros i; rewrite M; apply Sl.
Qed.

Notation chi_u := (incoming chi).

(* statement: unit kkt *)
(** So v u solves the hard-margin problem of the z(i), and v is balanced with u. *)
Theorem unit_KKT w : 0 < s * w None ->
  problem w <->
  hard_margin z chi_u (fun j => w None * incoming w j) /\
  (chi None * w None) ^ 2 = norm (mul chi_u (incoming w)) ^ 2.
(* end statement *)
Proof.
  intros V; assert (v0 : w None <> 0) by (intros E; rewrite E in V; lra).
  assert (v2 : 0 < w None ^ 2) by (apply pow2_gt_0; exact v0).
  assert (I2 : 0 < / w None ^ 2) by now apply Rinv_0_lt_compat.
  assert (Mu : forall i, inner (fun j => w None * incoming w j) (z i) =
    unit_margin (z i) w).
  { intros i; rewrite inner_comm, inner_scal, inner_comm; reflexivity. }
  rewrite (unit_multipliers w V), hard_margin_multipliers; split.
  - intros (lam & Lam & Fe & Eq & Sl); split.
    + exists (fun i => w None ^ 2 * lam i); split; [| split; [| split]].
      * intros i; apply Rmult_le_pos; [lra | apply Lam].
      * intros i; now rewrite Mu.
      * intros j; transitivity (w None * (chi (Some j) ^ 2 * w (Some j)));
          [unfold incoming; ring |].
        rewrite Eq, <- Sum_scal; apply Sum_ext; intros i; simpl; ring.
      * intros i; rewrite Mu, Rmult_assoc, Sl; ring.
    + (* both sides are the sum of lam(i) m(i) *)
      transitivity (Sum (fun i => lam i * unit_margin (z i) w)).
      * transitivity (w None * (chi None ^ 2 * w None)); [ring |].
        rewrite Eq, <- Sum_scal; apply Sum_ext; intros i.
        unfold unit_gradient, unit_margin; ring.
      * rewrite norm_sqr.
        transitivity (inner (incoming w) (combination (fun i j => w None * z i j) lam)).
        -- rewrite inner_combination; apply Sum_ext; intros i; now rewrite inner_scal.
        -- apply Sum_ext; intros j; unfold combination, incoming, mul.
           transitivity (w (Some j) * (chi (Some j) ^ 2 * w (Some j))); [| ring].
           now rewrite Eq.
  - intros ((mu & Mup & Fe & Eq & Sl) & Bal).
    exists (fun i => / w None ^ 2 * mu i); split; [| split; [| split]].
    + intros i; apply Rmult_le_pos; [lra | apply Mup].
    + intros i; rewrite <- Mu; apply Fe.
    + assert (EqJ : forall j, chi (Some j) ^ 2 * w (Some j) =
        / w None * Sum (fun i => mu i * z i j)).
      { intros j; rewrite <- Eq; unfold incoming; field; auto. }
      intros [j |]; unfold unit_gradient.
      * rewrite EqJ, <- Sum_scal; apply Sum_ext; intros i; field; auto.
      * apply Rmult_eq_reg_l with (w None); auto.
        transitivity (norm (mul chi_u (incoming w)) ^ 2); [rewrite <- Bal; ring |].
        rewrite norm_sqr.
        transitivity (/ w None * inner (incoming w) (combination z mu)).
        -- unfold inner; rewrite <- Sum_scal; apply Sum_ext; intros j.
           transitivity (w (Some j) * (chi (Some j) ^ 2 * w (Some j)));
             [unfold mul, incoming; ring |].
           rewrite EqJ; unfold incoming, combination; ring.
        -- rewrite inner_combination, <- !Sum_scal; apply Sum_ext; intros i.
           field; auto.
    + intros i; rewrite <- Mu, Rmult_assoc, Sl; ring.
Qed.

End Network.

(** ** One KKT point of each sign *)

(** The objective is strictly convex. *)
Lemma hard_margin_unique {J D} `{FiniteType J} `{FiniteType D} (a : D -> vec J)
    (chi w w' : vec J) : (forall j, 0 < chi j) ->
  hard_margin a chi w -> hard_margin a chi w' -> w = w'.
Proof.
  intros Chi K K'.
  destruct (proj1 (hard_margin_multipliers a chi w) K) as (lam & _ & Fe & _).
  destruct (proj1 (hard_margin_multipliers a chi w') K') as (lam' & _ & Fe' & _).
  assert (V := hard_margin_variational a chi w w' K Fe').
  assert (V' := hard_margin_variational a chi w' w K' Fe).
  rewrite (inner_comm (mul chi w')) in V'.
  assert (Z : norm (sub (mul chi w) (mul chi w')) = 0).
  { assert (N := norm_nonneg (sub (mul chi w) (mul chi w'))).
    assert (S : norm (sub (mul chi w) (mul chi w')) ^ 2 = norm (mul chi w) ^ 2 -
      2 * inner (mul chi w) (mul chi w') + norm (mul chi w') ^ 2).
    { rewrite !norm_sqr; unfold inner.
      transitivity (Sum (fun j => mul chi w j ^ 2 +
        (-2 * (mul chi w j * mul chi w' j) + mul chi w' j ^ 2))).
      - apply Sum_ext; intros; unfold sub; ring.
      - rewrite !Sum_plus, Sum_scal; ring. }
    nra. }
  apply functional_extensionality; intros j.
  assert (C := norm_ge_component (sub (mul chi w) (mul chi w')) j); rewrite Z in C.
  assert (P := Rabs_pos (sub (mul chi w) (mul chi w') j)).
  assert (E : sub (mul chi w) (mul chi w') j = 0) by (apply Rabs_eq_0; lra).
  unfold sub, mul in E; specialize (Chi j).
  apply Rmult_eq_reg_l with (chi j); lra.
Qed.

Section KKT.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (alpha : R) (feat : X -> vec J) (s : R) (chi : vec (option J)).
Hypothesis alpha_pos : 0 < alpha.
Hypothesis sign : s = 1 \/ s = -1.
Hypothesis chi_pos : forall o, 0 < chi o.
Notation problem := (max_margin_KKT (one_unit alpha feat) chi).
Notation z := (oriented alpha feat s).
Notation chi_u := (incoming chi).

Lemma unit_KKT_unique w w' : problem w -> problem w' ->
  0 < s * w None -> 0 < s * w' None -> w = w'.
Proof.
  intros K K' V V'.
  apply (unit_KKT alpha feat s alpha_pos sign chi w V) in K; destruct K as [K B].
  apply (unit_KKT alpha feat s alpha_pos sign chi w' V') in K'; destruct K' as [K' B'].
  assert (E := hard_margin_unique z chi_u _ _ (fun j => chi_pos (Some j)) K K').
  assert (Ej : forall j, w None * w (Some j) = w' None * w' (Some j))
    by (intros j; exact (f_equal (fun u => u j) E)).
  assert (c0 := chi_pos None).
  (* the fourth power of v is the same *)
  assert (Fourth : forall u : vec (option J),
    (chi None * u None) ^ 2 = norm (mul chi_u (incoming u)) ^ 2 ->
    chi None ^ 2 * u None ^ 4 = norm (mul chi_u (fun j => u None * incoming u j)) ^ 2).
  { intros u Bu; transitivity (u None ^ 2 * (chi None * u None) ^ 2); [ring |].
    rewrite Bu, !norm_sqr, <- Sum_scal; apply Sum_ext; intros j; unfold mul; ring. }
  assert (F4 : chi None ^ 2 * w None ^ 4 = chi None ^ 2 * w' None ^ 4).
  { rewrite (Fourth w B), (Fourth w' B'); now rewrite E. }
  apply Rmult_eq_reg_l in F4; [| apply pow_nonzero; lra].
  assert (F2 : w None ^ 2 = w' None ^ 2).
  { assert (P := pow2_ge_0 (w None)); assert (P' := pow2_ge_0 (w' None)); nra. }
  assert (F1 : w None = w' None) by (destruct sign as [-> | ->]; nra).
  apply functional_extensionality; intros [j |]; auto.
  specialize (Ej j); rewrite <- F1 in Ej; apply Rmult_eq_reg_l in Ej; auto.
  intros Z; rewrite Z in V; lra.
Qed.

Lemma unit_KKT_exists : (exists u, forall i, 0 < inner u (z i)) ->
  exists w, problem w /\ 0 < s * w None.
Proof.
  intros Sep; destruct (hard_margin_exists z chi_u nonempty) as [u K]; auto.
  { intros j; apply chi_pos. }
  assert (Fe : forall i, 1 <= inner u (z i))
    by (destruct (proj1 (hard_margin_multipliers z chi_u u) K) as (? & _ & Fe & _);
        exact Fe).
  assert (c0 := chi_pos None); set (n := norm (mul chi_u u)).
  assert (n0 : 0 < n).
  { destruct (norm_nonneg (mul chi_u u)) as [P | P]; auto; exfalso.
    destruct nonempty as [i]; specialize (Fe i).
    assert (Z : forall j, u j = 0).
    { intros j; assert (C := norm_ge_component (mul chi_u u) j); rewrite <- P in C.
      assert (Q := Rabs_pos (mul chi_u u j)).
      assert (E : mul chi_u u j = 0) by (apply Rabs_eq_0; lra).
      unfold mul, incoming in E; assert (c := chi_pos (Some j)).
      apply Rmult_eq_reg_l with (chi (Some j)); lra. }
    assert (I := inner_le_norm u (z i)); rewrite (norm_0 u Z) in I; lra. }
  assert (q0 : 0 < n / chi None) by now apply Rdiv_lt_0_compat.
  set (v := s * sqrt (n / chi None)).
  assert (r0 : 0 < sqrt (n / chi None)) by now apply sqrt_lt_R0.
  assert (sv : 0 < s * v) by (unfold v; destruct sign as [-> | ->]; lra).
  assert (v0 : v <> 0) by (intros E; rewrite E in sv; lra).
  assert (v2 : v ^ 2 = n / chi None).
  { transitivity (s * s * (sqrt (n / chi None) * sqrt (n / chi None)));
      [unfold v; ring |].
    rewrite sqrt_sqrt by lra; destruct sign as [-> | ->]; ring. }
  set (w := fun o : option J => match o with None => v | Some j => u j / v end).
  exists w; split; auto; apply (unit_KKT alpha feat s alpha_pos sign chi w sv); split.
  - replace (fun j => w None * incoming w j) with u; auto.
    apply functional_extensionality; intros j; unfold incoming, w; now field.
  - transitivity ((chi None * v) ^ 2); [reflexivity |].
    assert (iv : 0 < v ^ 2) by (rewrite v2; exact q0).
    apply Rmult_eq_reg_l with (v ^ 2); [| lra].
    transitivity (n ^ 2).
    + replace (v ^ 2 * (chi None * v) ^ 2) with (chi None ^ 2 * (v ^ 2 * v ^ 2))
        by ring.
      rewrite v2; field; lra.
    + unfold n; rewrite !norm_sqr, <- Sum_scal; apply Sum_ext; intros j.
      unfold mul, incoming, w; now field.
Qed.

End KKT.
