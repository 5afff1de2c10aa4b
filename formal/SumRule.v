(** * The sum rule for the total loss

    From the chain rule of each margin and the fact that no subdifferential of a margin
      is
    empty (which Rademacher's theorem gives): every Clarke subgradient of
    phi(q) is sum_i phi'(q)_i h_i with h_i a Clarke subgradient of q_i. *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Subgradients Smooth.
Import ListNotations.
Open Scope R_scope.

Section SumRule.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Variables (phi : vec D -> R) (phi' : vec D -> vec D) (q : D -> vec J -> R).
Hypothesis phi_gradient : forall z, is_gradient phi z (phi' z).
Hypothesis phi'_continuous : forall z i, continuous_at z (fun z => phi' z i).
Hypothesis Lip : forall i, locally_lipschitz (q i).
Hypothesis chain : forall i, admits_chain_rule (q i).
Hypothesis nonempty : forall i w, exists h, clarke (q i) w h.

Notation all w := (fun i => q i w).
Let L (v : vec J) : R := phi (all v).
Hypothesis Lip_L : locally_lipschitz L.

Definition weighted (w : vec J) (h : D -> vec J) : vec J :=
  fun j => Sum (fun i => phi' (all w) i * h i j).

Notation subgradients := (subgradients q).

Lemma some_subgradients w : exists h, subgradients w h.
Proof. apply (finite_choice (fun _ : J => 0) (fun i h => clarke (q i) w h)); intros i;
  apply nonempty. Qed.

Lemma inner_weighted w h d :
  inner (weighted w h) d = Sum (fun i => phi' (all w) i * inner (h i) d).
Proof.
  unfold inner, weighted.
  transitivity (Sum (fun j => Sum (fun i => phi' (all w) i * h i j * d j))).
  - apply Sum_ext; intros j; rewrite Rmult_comm, <- Sum_scal; apply Sum_ext; intros;
      ring.
  - rewrite Sum_swap; apply Sum_ext; intros i; rewrite <- Sum_scal.
    apply Sum_ext; intros; ring.
Qed.

Lemma continuous_at_weighted ys j :
  continuous_at ys (fun y : family_index J D -> R => weighted (point y) (vectors y) j).
Proof.
  apply (continuous_at_Sum ys (fun i y => phi' (all (point y)) i * vectors y i j));
    intros i.
  apply (continuous_at_mult ys (fun y => phi' (all (point y)) i));
    [| apply continuous_at_coord].
  apply (continuous_at_family ys (fun i y => q i (point y)) (fun z => phi' z i));
    [apply phi'_continuous | intros i'].
  exact (continuous_at_lipschitz ys (q i') Coordinate (Lip i')).
Qed.

(** A bound near z on the derivatives of L in the direction d that the chain rule gives
    holds for the gradient at z. *)
Lemma gradient_below z G d r C : 0 < r -> is_gradient L z G ->
  (forall w h, norm (sub w z) < r -> subgradients w h -> inner (weighted w h) d <= C) ->
  inner G d <= C.
Proof.
  intros r0 Gr Bd; set (N := norm d); assert (N0 : 0 <= N) by apply norm_nonneg.
  set (c := fun (s : R) (j : J) => z j + d j * s).
  assert (Ec : forall s j, sub (c s) z j = s * d j) by (intros s j; unfold sub, c;
    ring).
  assert (Nc : forall s, 0 <= s -> norm (sub (c s) z) = s * N).
  { intros s S; rewrite (norm_ext _ _ (Ec s)), norm_scal, Rabs_pos_eq; auto. }
  assert (Ac : forall j, arc (fun s => c s j)).
  { intros j; apply (arc_plus (fun _ => z j) (fun s => d j * s)); [apply arc_const |].
    apply (arc_scal (d j) (fun s => s)), arc_id. }
  assert (Dc : forall t j, is_derive (fun s => c s j) t (d j)).
  { intros t j; unfold c; auto_derive; auto; ring. }
  assert (Ch : ae (fun t => forall i u, clarke (q i) (c t) u ->
    is_derive (fun s => q i (c s)) t (inner u d))).
  { apply (ae_all (fun i t => forall u, clarke (q i) (c t) u ->
      is_derive (fun s => q i (c s)) t (inner u d))); intros i.
    assert (A : ae (fun t => forall j, ex_derive (fun s => c s j) t)).
    { exists (fun t => t = 0); split; [apply null_point | intros t _ _ j].
      exists (d j); apply Dc. }
    generalize (chain i c Ac A); apply ae_imp; intros t _ Q u U; specialize (Q u U).
    replace (inner u d) with (inner u (fun j => Derive (fun s => c s j) t)); auto.
    apply Sum_ext; intros j; f_equal; apply (is_derive_unique (fun s => c s j)), Dc. }
  assert (Rise : forall T, 0 < T -> T * N < r -> L (c T) - L (c 0) <= C * T).
  { intros T T0 TN.
    assert (Q : -1 * L (c 0) + - C * (T - 0) <= -1 * L (c T)); [| lra].
    apply (arc_rises_ae (fun s => -1 * L (c s))); [| lra |].
    - apply (arc_scal (-1) (fun s => L (c s))); now apply arc_lipschitz_comp.
    - revert Ch; apply ae_imp; intros t t0 Q It.
      destruct (some_subgradients (c t)) as [h Sub].
      exists (-1 * inner (weighted (c t) h) d); split.
      + apply (is_derive_scal (fun s => L (c s))); rewrite inner_weighted; unfold L.
        apply (smooth_along phi (fun s => all (c s))); [apply phi_gradient |].
        intros i; apply Q, Sub.
      + assert (inner (weighted (c t) h) d <= C); [| lra].
        apply Bd; auto; rewrite Nc by lra; nra. }
  apply le_epsilon; intros e e0; destruct (Gr (e / (N + 1))) as (dl & dl0 & Near).
  { apply Rdiv_lt_0_compat; lra. }
  set (m := Rmin dl r); assert (m0 : 0 < m /\ m <= dl /\ m <= r) by (unfold m; minmax;
    lra).
  set (T := m / (2 * (N + 1))); assert (T0 : 0 < T) by (apply Rdiv_lt_0_compat; lra).
  assert (TN : T * N < m).
  { apply Rle_lt_trans with (T * (N + 1)); [apply Rmult_le_compat_l; lra |].
    replace (T * (N + 1)) with (m / 2) by (unfold T; field; lra); lra. }
  specialize (Rise T T0 ltac:(lra)); specialize (Near (c T)).
  rewrite Nc in Near by lra; specialize (Near ltac:(lra)).
  replace (inner G (sub (c T) z)) with (T * inner G d) in Near.
  2: { rewrite <- inner_scal; apply Sum_ext; intros j; now rewrite Ec. }
  replace (c 0) with z in Rise
    by (apply functional_extensionality; intros j; unfold c; ring).
  assert (S : e / (N + 1) * (T * N) <= e * T).
  { replace (e * T) with (e / (N + 1) * (T * (N + 1))) by (field; lra).
    apply Rmult_le_compat_l; [left; apply Rdiv_lt_0_compat; lra |].
    apply Rmult_le_compat_l; lra. }
  apply Rabs_le_between in Near; apply Rmult_le_reg_l with T; auto; lra.
Qed.

(** In every direction some weighted family of subgradients is above a limit gradient.
  *)
Lemma support v g d : limit_gradient L v g ->
  exists h, subgradients v h /\ inner g d <= inner (weighted v h) d.
Proof.
  intros LG; apply limit_gradient_weaken in LG.
  set (F := fun w h => inner g d + -1 * inner (weighted w h) d).
  destruct (compact_limit q Lip v F) as (h & Sub & Fh).
  - intros ys; apply (continuous_at_plus ys (fun _ => inner g d));
      [apply continuous_at_const |].
    apply continuous_at_scal,
      (continuous_at_Sum ys (fun j y => weighted (point y) (vectors y) j * d j)).
    intros j; apply (continuous_at_mult ys (fun y => weighted (point y) (vectors y) j));
      [apply continuous_at_weighted | apply continuous_at_const].
  - intros e e0; apply NNPP; intros No.
    set (N := norm d); assert (N0 : 0 <= N) by apply norm_nonneg.
    set (s := Rmin (e / 2) (e / (2 * (N + 1)))).
    assert (q0 : 0 < e / (2 * (N + 1))) by (apply Rdiv_lt_0_compat; lra).
    assert (s0 : 0 < s /\ s <= e / 2 /\ s <= e / (2 * (N + 1))) by (unfold s; minmax;
      lra).
    destruct (LG s (proj1 s0)) as (z & G & Gz & Nz & NG).
    assert (B : inner G d <= inner g d - e).
    { apply (gradient_below z G d (e / 2)); [lra | exact Gz |]; intros w h Nw Sub.
      apply Rnot_lt_le; intros Lt; apply No; exists w, h; split; [| split; auto].
      - intros j; eapply Rle_trans; [apply (norm_ge_component (sub w v)) |].
        generalize (dist_triangle w z v); lra.
      - unfold F; lra. }
    assert (C := inner_le_norm (sub g G) d); fold N in C.
    rewrite dist_sym in C.
    replace (inner (sub g G) d) with (inner g d - inner G d) in C.
    2: { unfold inner, sub; transitivity (Sum (fun j => g j * d j + -1 * (G j * d j))).
         - rewrite Sum_plus, Sum_scal; ring.
         - apply Sum_ext; intros; ring. }
    assert (S : norm (sub G g) * N <= e / 2).
    { apply Rle_trans with (e / (2 * (N + 1)) * (N + 1)).
      - apply Rmult_le_compat; try apply norm_nonneg; lra.
      - right; field; lra. }
    lra.
  - exists h; split; auto; unfold F in Fh; lra.
Qed.

Let gap (v g : vec J) (h : D -> vec J) : R :=
  Sum (fun j => (g j + -1 * weighted v h j) * (g j + -1 * weighted v h j)).

Lemma gap_nonneg v g h : 0 <= gap v g h.
Proof. apply Sum_nonneg; intros j; exact (Rle_0_sqr _). Qed.

Lemma nearest v g : exists h, subgradients v h /\
  forall h', subgradients v h' -> gap v g h <= gap v g h'.
Proof.
  set (E := fun s => exists h, subgradients v h /\ s = - gap v g h).
  destruct (completeness E) as [m [Up Least]].
  { exists 0; intros s (h & _ & ->); generalize (gap_nonneg v g h); lra. }
  { destruct (some_subgradients v) as [h Sub]; exists (- gap v g h), h; auto. }
  destruct (compact_limit q Lip v (fun _ h => gap v g h + m)) as (h & Sub & Fh).
  - intros ys; apply (continuous_at_plus ys (fun y => gap v g (vectors y)));
      [| apply continuous_at_const].
    assert (C : forall j,
      continuous_at ys (fun y => g j + -1 * weighted v (vectors y) j)).
    { intros j; apply (continuous_at_plus ys (fun _ => g j));
        [apply continuous_at_const |].
      apply continuous_at_scal,
        (continuous_at_Sum ys (fun i y => phi' (all v) i * vectors y i j)).
      intros i; apply continuous_at_scal, continuous_at_coord. }
    apply (continuous_at_Sum ys (fun j y => (g j + -1 * weighted v (vectors y) j) *
      (g j + -1 * weighted v (vectors y) j))); intros j.
    now apply (continuous_at_mult ys (fun y => g j + -1 * weighted v (vectors y) j)).
  - intros e e0; apply NNPP; intros No.
    assert (m <= m - e); [| lra].
    apply Least; intros s (h & Sub & ->); apply Rnot_lt_le; intros Lt; apply No.
    exists v, h; split; [| split; [auto | lra]].
    intros j; rewrite Rminus_eq_0, Rabs_R0; lra.
  - exists h; split; auto; intros h' Sub'.
    assert (- gap v g h' <= m) by (apply Up; now exists h'); lra.
Qed.

(** A limit of gradients of L is a weighted family of subgradients: else the nearest
  such
    family would be separated from it. *)
Lemma limit_gradient_sum v g : limit_gradient L v g ->
  exists h, subgradients v h /\ forall j, g j = weighted v h j.
Proof.
  intros LG; destruct (nearest v g) as (h & Sub & Min); exists h; split; auto.
  set (d := fun j => g j + -1 * weighted v h j).
  destruct (support v g d LG) as (h' & Sub' & Sup).
  set (dl := fun j => weighted v h' j + -1 * weighted v h j).
  set (A := gap v g h); set (B := Sum (fun j => dl j * dl j)).
  assert (A0 : 0 <= A) by apply gap_nonneg.
  assert (B0 : 0 <= B) by (apply Sum_nonneg; intros j; exact (Rle_0_sqr _)).
  assert (Ab : A <= inner dl d).
  { assert (Q : A + (inner (weighted v h') d - inner g d) = inner dl d); [| lra].
    unfold A, gap, inner.
    transitivity (Sum (fun j => (g j + -1 * weighted v h j) * (g j + -1 * weighted v h
      j) +
      (weighted v h' j * d j + -1 * (g j * d j)))).
    - rewrite !Sum_plus, Sum_scal; ring.
    - apply Sum_ext; intros j; unfold d, dl; ring. }
  assert (Var : forall t, 0 < t <= 1 -> 2 * inner dl d <= t * B).
  { intros t T; set (ht := fun i j => (1 - t) * h i j + t * h' i j).
    assert (St : subgradients v ht) by (intros i; apply clarke_segment; auto; lra).
    specialize (Min ht St); fold A in Min.
    assert (W : forall j,
      weighted v ht j = (1 - t) * weighted v h j + t * weighted v h' j).
    { intros j; unfold weighted; rewrite <- !Sum_scal, <- Sum_plus.
      apply Sum_ext; intros i; unfold ht; ring. }
    assert (Q : gap v g ht = A + (- 2 * t * inner dl d + t ^ 2 * B)).
    { unfold A, gap, inner, B; rewrite <- !Sum_scal, <- !Sum_plus.
      apply Sum_ext; intros j; rewrite W; unfold d, dl; ring. }
    rewrite Q in Min; apply Rmult_le_reg_l with t; [lra |]; nra. }
  assert (A = 0).
  { destruct A0 as [A0 | <-]; auto; exfalso.
    set (t := Rmin 1 (A / (B + 1))); assert (q0 : 0 < A / (B + 1))
      by (apply Rdiv_lt_0_compat; lra).
    assert (t0 : 0 < t <= 1 /\ t <= A / (B + 1)) by (unfold t; minmax; lra).
    specialize (Var t (proj1 t0)).
    assert (t * B <= A); [| lra].
    apply Rle_trans with (A / (B + 1) * (B + 1)); [apply Rmult_le_compat; lra |].
    right; field; lra. }
  intros j; assert (T := Sum_ge_term (fun j => (g j + -1 * weighted v h j) *
    (g j + -1 * weighted v h j)) j (fun k => Rle_0_sqr _)).
  fold (gap v g h) in T; fold A in T; cbv beta in T; nra.
Qed.

Lemma combine_families v (l : list (R * vec J)) :
  (forall c g, In (c, g) l -> 0 <= c /\
     exists h, subgradients v h /\ forall j, g j = weighted v h j) ->
  exists h, (forall i, cone (q i) v (lsum fst l) (h i)) /\
    forall j, lsum (fun cg => fst cg * snd cg j) l = weighted v h j.
Proof.
  induction l as [| [c g] l IH]; intros In_l.
  - exists (fun _ _ => 0); split; [intros i; apply cone_zero |]; intros j.
    unfold weighted; simpl; transitivity (Sum (fun _ : D => 0 * 0));
      [rewrite Sum_scal; ring | apply Sum_ext; intros; ring].
  - destruct IH as (h & Ch & Eh); [intros; apply In_l; now right |].
    destruct (In_l c g (or_introl eq_refl)) as (c0 & h' & Sub & Eg).
    exists (fun i j => c * h' i j + h i j); split.
    + intros i; simpl; apply (cone_add (q i) v c _ (fun j => c * h' i j)); auto.
      rewrite <- (Rmult_1_r c) at 1; apply (cone_scal (q i) v 1 (h' i)); auto;
        apply Sub.
    + intros j; simpl; rewrite Eh, Eg; unfold weighted;
        rewrite <- Sum_scal, <- Sum_plus.
      apply Sum_ext; intros; ring.
Qed.

Theorem clarke_sum v u : clarke L v u -> exists h : D -> vec J,
  (forall i, clarke (q i) v (h i)) /\
  forall j, u j = Sum (fun i => phi' (all v) i * h i j).
Proof.
  intros (l & In_l & One & U); destruct (combine_families v l) as (h & Ch & Eh).
  - intros c g I; destruct (In_l c g I); split; auto; now apply limit_gradient_sum.
  - exists h; split; [intros i; specialize (Ch i); rewrite One in Ch; exact Ch |].
    intros j; rewrite U; apply Eh.
Qed.

End SumRule.

(* statement: sum rule *)
Theorem sum_rule_lipschitz {J D X} `{FiniteType J} `{Dataset D X}
    (k : joint_loss D) (Phi : vec J -> X -> R) :
  (forall i, locally_lipschitz (fun w => Phi w (x i))) ->
  (* cited: Proposition 1 for each margin; Rademacher's theorem *)
  (forall i, admits_chain_rule (margin_at Phi i)) ->
  (forall i w, exists h, clarke (margin_at Phi i) w h) ->
  sum_rule k Phi.
(* end statement *)
Proof.
  intros Lip Chain Non v u C.
  apply (clarke_sum (value k) (fun z i => - slope k z i) (margin_at Phi)); auto.
  - apply value_gradient.
  - intros z i; apply (continuous_at_comp z Ropp (fun z => slope k z i)).
    + apply (continuous_opp (V := R_NormedModule) (fun z => z)), continuous_id.
    + apply slope_continuous.
  - intros i; now apply (q_lipschitz Phi).
  - now apply (total_loss_lipschitz k Phi).
Qed.
