(** * The calculus of arcs

    Sums, products and smooth functions of arcs are arcs; the sign argument of
    Lemma 6; and the Lebesgue integral, which needs no measure theory here: F is the
    integral of f from 0 exactly when F is an arc with F(0) = 0 and F' = f almost
    everywhere. *)

From Coq Require Import Reals Lra Psatz List Arith.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Arcs.
Import ListNotations.
Open Scope R_scope.

(** ** Operations on arcs *)

Fixpoint lsum {A} (f : A -> R) (l : list A) : R :=
  match l with [] => 0 | x :: l' => f x + lsum f l' end.

Lemma AC_family {A} (F : A -> R -> R) (js : list A) a b :
  (forall j, AC (F j) a b) ->
  forall e, 0 < e -> exists d, 0 < d /\
    forall l, inside a l b -> len l < d -> lsum (fun j => var (F j) l) js < e.
Proof.
  intros H; induction js as [| j js IH]; intros e e0.
  - exists 1; simpl; split; intros; lra.
  - destruct (IH (e / 2)) as (d & D & V); [lra |].
    destruct (H j (e / 2)) as (d' & D' & V'); [lra |].
    exists (Rmin d d'); split; [minmax; lra |]; intros l I L; simpl.
    assert (len l < d /\ len l < d').
    { split; apply Rlt_le_trans with (1 := L); [apply Rmin_l | apply Rmin_r]. }
    specialize (V l I); specialize (V' l I); lra.
Qed.

(** A function whose increments over short intervals are bounded by those of
    finitely many absolutely continuous functions is absolutely continuous. *)
Lemma AC_dominated {A} (F : A -> R -> R) (js : list A) f a b :
  (forall j, AC (F j) a b) ->
  (exists K s, 0 < s /\ forall x y, a <= x -> x <= y -> y <= b -> y - x < s ->
     Rabs (f y - f x) <= K * lsum (fun j => Rabs (F j y - F j x)) js) ->
  AC f a b.
Proof.
  intros H (K & s & s0 & D) e e0.
  set (K' := Rmax K 0 + 1); assert (1 <= K' /\ K <= K') by (unfold K'; minmax; lra).
  destruct (AC_family F js a b H (e / K')) as (d & d0 & V).
  { apply Rdiv_lt_0_compat; lra. }
  exists (Rmin d s); split; [minmax; lra |]; intros l I L.
  assert (Ls : len l < s) by (apply Rlt_le_trans with (1 := L), Rmin_r).
  assert (Ld : len l < d) by (apply Rlt_le_trans with (1 := L), Rmin_l).
  specialize (V l I Ld).
  apply Rle_lt_trans with (K' * lsum (fun j => var (F j) l) js).
  - clear V L Ld; assert (B : b <= b) by lra; revert B I Ls.
    generalize b at 1 3 as c.
    induction l as [| [x y] l IH]; intros c C I L.
    + assert (Z : lsum (fun j => var (F j) []) js = 0)
        by (clear; induction js; simpl in *; lra).
      rewrite Z; simpl; lra.
    + simpl in I, L |- *; destruct I as (X & Y & I).
      assert (G := len_nonneg _ _ _ I); assert (G' := inside_le _ _ _ I).
      assert (S : lsum (fun j => Rabs (F j y - F j x) + var (F j) l) js =
                  lsum (fun j => Rabs (F j y - F j x)) js +
                  lsum (fun j => var (F j) l) js)
        by (clear; induction js; simpl; lra).
      rewrite S; apply (IH x) in I; [| lra | lra].
      assert (Rabs (f y - f x) <= K * lsum (fun j => Rabs (F j y - F j x)) js)
        by (apply D; lra).
      assert (0 <= lsum (fun j => Rabs (F j y - F j x)) js).
      { clear; induction js; simpl; [lra |].
        generalize (Rabs_pos (F a y - F a x)); lra. }
      nra.
  - apply Rmult_lt_reg_l with (/ K'); [apply Rinv_0_lt_compat; lra |].
    rewrite <- Rmult_assoc, Rinv_l, Rmult_1_l, Rmult_comm by lra; exact V.
Qed.

Lemma arc_dominated {A} (F : A -> R -> R) (js : list A) f :
  (forall j, arc (F j)) ->
  (forall T, 0 <= T -> exists K, forall x y, 0 <= x -> x <= y -> y <= T ->
     Rabs (f y - f x) <= K * lsum (fun j => Rabs (F j y - F j x)) js) ->
  arc f.
Proof.
  intros H D T T0; apply AC_dominated with F js; [intros j; now apply H |].
  destruct (D T T0) as [K HK]; exists K, 1; split; [lra | auto].
Qed.

(** One function, and two. *)
Lemma arc_lipschitz u f :
  arc u ->
  (forall T, 0 <= T -> exists K, forall x y, 0 <= x <= T -> 0 <= y <= T ->
     Rabs (f y - f x) <= K * Rabs (u y - u x)) ->
  arc f.
Proof.
  intros U H; apply arc_dominated with (fun _ : unit => u) [tt]; auto.
  intros T T0; destruct (H T T0) as [K HK]; exists K; intros x y X Y Z; simpl.
  rewrite Rplus_0_r; apply HK; lra.
Qed.

Lemma arc_lipschitz2 u v f :
  arc u -> arc v ->
  (forall T, 0 <= T -> exists K, forall x y, 0 <= x <= T -> 0 <= y <= T ->
     Rabs (f y - f x) <= K * (Rabs (u y - u x) + Rabs (v y - v x))) ->
  arc f.
Proof.
  intros U V H.
  apply arc_dominated with (fun c : bool => if c then u else v) [true; false].
  { now intros []. }
  intros T T0; destruct (H T T0) as [K HK]; exists K; intros x y X Y Z; simpl.
  rewrite Rplus_0_r; apply HK; lra.
Qed.

Lemma arc_ext u f : (forall t, 0 <= t -> f t = u t) -> arc u -> arc f.
Proof.
  intros E U; apply arc_lipschitz with u; auto; intros T _; exists 1.
  intros x y X Y; rewrite !E by tauto; lra.
Qed.

Lemma arc_const c : arc (fun _ => c).
Proof.
  apply arc_dominated with (fun (_ : unit) _ => c) []; [| intros; exists 0].
  - intros _ T _ e e0; exists 1; split; [lra |]; intros l _ _.
    induction l as [| [x y] l IH]; simpl; [lra |].
    rewrite Rminus_eq_0, Rabs_R0; lra.
  - intros; rewrite Rminus_eq_0, Rabs_R0; simpl; lra.
Qed.

Lemma arc_id : arc (fun t => t).
Proof.
  intros T _ e e0; exists e; split; auto; intros l I L.
  apply Rle_lt_trans with (2 := L); clear L; revert I; generalize T.
  induction l as [| [x y] l IH]; simpl; intros S I; [lra |].
  destruct I as (X & Y & I); rewrite Rabs_pos_eq by lra.
  specialize (IH x I); lra.
Qed.

Lemma arc_plus u v : arc u -> arc v -> arc (fun t => u t + v t).
Proof.
  intros U V; apply arc_lipschitz2 with u v; auto.
  intros T _; exists 1; intros x y _ _; rewrite Rmult_1_l.
  replace (u y + v y - (u x + v x)) with (u y - u x + (v y - v x)) by ring.
  apply Rabs_triang.
Qed.

Lemma arc_scal c u : arc u -> arc (fun t => c * u t).
Proof.
  intros U; apply arc_lipschitz with u; auto.
  intros T _; exists (Rabs c); intros x y _ _.
  rewrite <- Rabs_mult; right; f_equal; ring.
Qed.

Lemma arc_bounded u T : arc u -> 0 <= T ->
  exists M, 0 <= M /\ forall t, 0 <= t <= T -> Rabs (u t) <= M.
Proof.
  intros U T0; destruct (AC_close u 0 T (U T T0) 1) as (d & d0 & H); [lra |].
  assert (B : forall n t, 0 <= t <= T -> t <= INR n * (d / 2) ->
              Rabs (u t) <= Rabs (u 0) + INR n).
  { induction n; intros t A L.
    - simpl in *; replace t with 0 by lra; lra.
    - rewrite S_INR in *; destruct (Rle_lt_dec t (INR n * (d / 2))) as [C | C].
      { specialize (IHn t A C); lra. }
      assert (N := pos_INR n).
      assert (0 <= INR n * (d / 2)) by nra.
      specialize (IHn (INR n * (d / 2))); specialize (H (INR n * (d / 2)) t).
      assert (X := Rabs_triang (u (INR n * (d / 2)))
                     (u t - u (INR n * (d / 2)))).
      replace (u (INR n * (d / 2)) + (u t - u (INR n * (d / 2))))
        with (u t) in X by ring.
      lra. }
  destruct (nfloor_ex (T / (d / 2))) as [n [_ N]].
  { apply Rdiv_le_0_compat; lra. }
  exists (Rabs (u 0) + INR (S n)); split.
  { generalize (Rabs_pos (u 0)) (pos_INR (S n)); lra. }
  intros t A; apply B; auto; rewrite S_INR.
  apply Rmult_lt_compat_r with (r := d / 2) in N; [| lra].
  unfold Rdiv at 1 in N; rewrite Rmult_assoc, Rinv_l in N by lra; lra.
Qed.

Lemma arc_mult u v : arc u -> arc v -> arc (fun t => u t * v t).
Proof.
  intros U V; apply arc_lipschitz2 with u v; auto; intros T T0.
  destruct (arc_bounded u T U T0) as (M & M0 & HM).
  destruct (arc_bounded v T V T0) as (N & N0 & HN).
  exists (M + N); intros x y X Y.
  replace (u y * v y - u x * v x) with (u y * (v y - v x) + v x * (u y - u x))
    by ring.
  eapply Rle_trans; [apply Rabs_triang |]; rewrite !Rabs_mult.
  specialize (HM y Y); specialize (HN x X).
  assert (A := Rabs_pos (u y - u x)); assert (B := Rabs_pos (v y - v x)); nra.
Qed.

(** Composition with a function that is differentiable with a bounded derivative
    on an interval [m, M] that holds the values. *)
Lemma arc_comp (phi phi' : R -> R) u :
  arc u ->
  (forall T, 0 <= T -> exists m M K,
     (forall t, 0 <= t <= T -> m <= u t <= M) /\
     (forall z, m <= z <= M -> is_derive phi z (phi' z) /\ Rabs (phi' z) <= K)) ->
  arc (fun t => phi (u t)).
Proof.
  intros U H; apply arc_lipschitz with u; auto; intros T T0.
  destruct (H T T0) as (m & M & K & B & D); exists K; intros x y X Y.
  specialize (B x X) as Bx; specialize (B y Y) as By.
  assert (I : forall z, Rmin (u x) (u y) <= z <= Rmax (u x) (u y) ->
                        m <= z <= M).
  { intros z; minmax; lra. }
  destruct (MVT_gen phi (u x) (u y) phi') as (c & C & E).
  - intros z Z; apply D, I; lra.
  - intros z Z; apply derivable_continuous_pt, ex_derive_Reals_0.
    exists (phi' z); now apply D, I.
  - rewrite E, Rabs_mult; apply Rmult_le_compat_r; [apply Rabs_pos |].
    now apply D, I.
Qed.

Lemma arc_exp u : arc u -> arc (fun t => exp (u t)).
Proof.
  intros U; apply arc_comp with exp; auto; intros T T0.
  destruct (arc_bounded u T U T0) as (M & M0 & B).
  exists (- M), M, (exp M); split.
  - intros t I; specialize (B t I); apply Rabs_le_between in B; lra.
  - intros z Z; split; [apply is_derive_exp |].
    rewrite Rabs_pos_eq by (left; apply exp_pos).
    destruct Z as [_ [Z | ->]]; [left; now apply exp_increasing | lra].
Qed.

Lemma arc_inv u : arc u -> (forall t, 0 <= t -> 1 <= u t) -> arc (fun t => / u t).
Proof.
  intros U P; apply arc_comp with (fun z => - / z ^ 2); auto; intros T T0.
  destruct (arc_bounded u T U T0) as (M & M0 & B).
  exists 1, M, 1; split.
  - intros t I; specialize (B t I); specialize (P t (proj1 I)).
    apply Rabs_le_between in B; lra.
  - intros z Z; split; [auto_derive; [lra | field; lra] |].
    assert (1 <= z ^ 2) by nra.
    rewrite Rabs_Ropp, Rabs_pos_eq by (left; apply Rinv_0_lt_compat; lra).
    rewrite <- Rinv_1; apply Rinv_le_contravar; lra.
Qed.

Lemma arc_sqrt u c :
  0 < c -> arc u -> (forall t, 0 <= t -> c <= u t) -> arc (fun t => sqrt (u t)).
Proof.
  intros C U P; apply arc_comp with (fun z => / (2 * sqrt z)); auto; intros T T0.
  destruct (arc_bounded u T U T0) as (M & M0 & B).
  exists c, M, (/ (2 * sqrt c)); split.
  - intros t I; specialize (B t I); specialize (P t (proj1 I)).
    apply Rabs_le_between in B; lra.
  - intros z Z; assert (0 < sqrt c) by (apply sqrt_lt_R0; lra).
    assert (sqrt c <= sqrt z) by (apply sqrt_le_1; lra).
    split; [auto_derive; [lra | field; lra] |].
    rewrite Rabs_pos_eq by (left; apply Rinv_0_lt_compat; lra).
    apply Rinv_le_contravar; lra.
Qed.

Lemma arc_ln u c :
  0 < c -> arc u -> (forall t, 0 <= t -> c <= u t) -> arc (fun t => ln (u t)).
Proof.
  intros C U P; apply arc_comp with Rinv; auto; intros T T0.
  destruct (arc_bounded u T U T0) as (M & M0 & B).
  exists c, M, (/ c); split.
  - intros t I; specialize (B t I); specialize (P t (proj1 I)).
    apply Rabs_le_between in B; lra.
  - intros z Z; split; [auto_derive; [lra | field; lra] |].
    rewrite Rabs_pos_eq by (left; apply Rinv_0_lt_compat; lra).
    apply Rinv_le_contravar; lra.
Qed.

(** A positive arc is bounded below on compact intervals. *)
Lemma arc_below f : arc f -> (forall t, 0 <= t -> 0 < f t) ->
  forall T, 0 <= T -> exists c, 0 < c /\ forall t, 0 <= t <= T -> c <= f t.
Proof.
  intros A P T T0.
  apply (real_induction (fun t => exists c, 0 < c /\ forall s, 0 <= s <= t ->
    c <= f s) 0 T);
    auto.
  - exists (f 0); split; [apply P; lra |]; intros s S; replace s with 0 by lra; lra.
  - intros t Ht (c & c0 & C); assert (Pt := P t ltac:(lra)).
    destruct (AC_close f 0 (t + 1) (A (t + 1) ltac:(lra)) (f t / 2)) as (d & d0 & N);
      [lra |].
    set (r := Rmin (d / 2) 1); assert (R : 0 < r /\ r < d /\ r <= 1) by (unfold r;
      minmax; lra).
    exists (t + r); split; [lra |]; intros w W.
    exists (Rmin c (f t / 2)); split; [minmax; lra |]; intros s S.
    destruct (Rle_lt_dec s t) as [E | E].
    + apply Rle_trans with c; [apply Rmin_l | apply C; lra].
    + apply Rle_trans with (f t / 2); [apply Rmin_r |].
      assert (B := N t s ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra)).
      apply Rabs_lt_between in B; lra.
  - intros t Ht Before; assert (Pt := P t ltac:(lra)).
    destruct (AC_close f 0 t (A t ltac:(lra)) (f t / 2)) as (d & d0 & N); [lra |].
    set (m := Rmax 0 (t - d / 2)).
    assert (M : 0 <= m < t /\ t - d < m) by (unfold m; minmax; lra).
    destruct (Before m) as (c & c0 & C); [lra |].
    exists (Rmin c (f t / 2)); split; [minmax; lra |]; intros s S.
    destruct (Rle_lt_dec s m) as [E | E].
    + apply Rle_trans with c; [apply Rmin_l | apply C; lra].
    + apply Rle_trans with (f t / 2); [apply Rmin_r |].
      assert (B := N s t ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra)).
      apply Rabs_lt_between in B; lra.
Qed.

Lemma arc_comp_pos (phi phi' : R -> R) u :
  arc u -> (forall t, 0 <= t -> 0 < u t) ->
  (forall z, 0 < z -> is_derive phi z (phi' z)) ->
  (forall c M, 0 < c -> exists K, forall z, c <= z <= M -> Rabs (phi' z) <= K) ->
  arc (fun t => phi (u t)).
Proof.
  intros A P D B; apply arc_comp with phi'; auto; intros T T0.
  destruct (arc_below u A P T T0) as (c & c0 & C).
  destruct (arc_bounded u T A T0) as (M & M0 & HM).
  destruct (B c M c0) as (K & HK); exists c, M, K; split.
  - intros t Ht; split; [now apply C |].
    specialize (HM t Ht); apply Rabs_le_between in HM; lra.
  - intros z Z; split; [apply D; lra | auto].
Qed.

Lemma arc_ln_pos u : arc u -> (forall t, 0 <= t -> 0 < u t) -> arc (fun t => ln (u t)).
Proof.
  intros A P; apply arc_comp_pos with Rinv; auto.
  - intros z Z; auto_derive; [lra | field; lra].
  - intros c M c0; exists (/ c); intros z Z.
    rewrite Rabs_pos_eq by (left; apply Rinv_0_lt_compat; lra).
    apply Rinv_le_contravar; lra.
Qed.

(** ** Two consequences of monotonicity *)

Lemma arc_antitone f :
  arc f -> ae (fun t => exists l, is_derive f t l /\ l <= 0) ->
  forall s t, 0 <= s <= t -> f t <= f s.
Proof.
  intros A D s t T.
  assert (M : -1 * f s <= -1 * f t); [| lra].
  apply (arc_monotone (fun t => -1 * f t)); auto using arc_scal.
  revert D; apply ae_imp; intros x _ (l & L & N); exists (-1 * l); split; [| lra].
  now apply is_derive_scal.
Qed.

(** The argument of the paper's Lemma 6, once and for all: a trajectory that starts
    nonnegative, and that rises at almost every time at which it is negative, is
    nonnegative.  As in the paper, look at the last time before t at which it was
    nonnegative. *)
Lemma arc_barrier f :
  arc f -> 0 <= f 0 ->
  ae (fun t => f t < 0 -> exists l, is_derive f t l /\ 0 <= l) ->
  forall t, 0 <= t -> 0 <= f t.
Proof.
  intros A F0 (E & N & D) t T; apply Rnot_lt_le; intros Neg.
  set (S s := 0 <= s <= t /\ 0 <= f s).
  destruct (completeness S) as [t0 [Up Least]].
  { exists t; intros s [Hs _]; lra. }
  { exists 0; split; lra. }
  assert (I : 0 <= t0 <= t).
  { split; [apply Up; split; lra | apply Least; intros s [Hs _]; lra]. }
  assert (P0 : 0 <= f t0).
  { apply Rnot_lt_le; intros L.
    destruct (AC_close f 0 t (A t T) (- f t0)) as (d & d0 & C); [lra |].
    assert (t0 <= t0 - d); [| lra].
    apply Least; intros s [Hs Fs]; apply Rnot_lt_le; intros K.
    assert (s <= t0) by (apply Up; split; lra).
    assert (B : Rabs (f t0 - f s) < - f t0) by (apply C; lra).
    apply Rabs_lt_between in B; lra. }
  assert (f t0 <= f t); [| lra].
  apply AC_monotone; [lra | apply AC_sub with 0 t; auto; lra |].
  exists E; split; auto; intros s Hs Es; apply D; auto; [lra |].
  apply Rnot_le_lt; intros K.
  assert (s <= t0) by (apply Up; split; lra); lra.
Qed.

(** ** The Lebesgue integral by primitives *)

(* statement: integral *)
(** F(t) is the Lebesgue integral of f over [0, t], for all t >= 0. *)
Definition integral (f F : R -> R) : Prop :=
  arc F /\ F 0 = 0 /\ ae (fun t => is_derive F t (f t)).

(** f is Lebesgue integrable over [0, oo). *)
Definition integrable (f : R -> R) : Prop :=
  (exists F, integral f F) /\
  exists V l, integral (fun t => Rabs (f t)) V /\ is_lim V p_infty (Finite l).
(* end statement *)

(** Integrals are unique, so that "the" integral makes sense. *)
Lemma integral_unique f F1 F2 :
  integral f F1 -> integral f F2 -> forall t, 0 <= t -> F1 t = F2 t.
Proof.
  intros (A1 & Z1 & D1) (A2 & Z2 & D2) t T.
  set (F s := F1 s + -1 * F2 s).
  assert (A : arc F) by (apply arc_plus; auto using arc_scal).
  assert (D : ae (fun s => is_derive F s 0)).
  { generalize (ae_and _ _ D1 D2); apply ae_imp; intros s _ [H1 H2].
    replace 0 with (f s + -1 * f s) by ring.
    apply (is_derive_plus (V := R_NormedModule)); auto.
    now apply (is_derive_scal F2). }
  assert (F 0 <= F t).
  { apply arc_monotone; auto; [| lra]; revert D; apply ae_imp.
    intros x _ Hx; exists 0; split; auto; lra. }
  assert (F t <= F 0).
  { apply arc_antitone; auto; [| lra]; revert D; apply ae_imp.
    intros x _ Hx; exists 0; split; auto; lra. }
  unfold F in *; lra.
Qed.
