(** * The comparison lemma behind the rates

    An arc G with exp(a ln G - G - c) <= G' <= exp(a ln G - G + c) almost everywhere is
    ln t + a ln (ln t) up to a constant.  No integral is computed: H(G) with
    H(x) = exp(x - a ln x) has a derivative between two positive constants. *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Calculus.
Import ListNotations.
Open Scope R_scope.

(** Arcs that rise at least (at most) as fast as a constant, from T0 on. *)
Lemma arc_rises f k T0 T :
  arc f -> 0 <= T0 <= T ->
  (exists E, null E /\ forall t, T0 < t < T -> ~ E t ->
     exists l, is_derive f t l /\ k <= l) ->
  f T0 + k * (T - T0) <= f T.
Proof.
  intros A I (E & N & D).
  assert (M : f T0 + - k * T0 <= f T + - k * T); [| lra].
  apply (AC_monotone (fun t => f t + - k * t)); [lra | |].
  - apply AC_sub with 0 T; [| lra | lra].
    apply (arc_plus f (fun t => - k * t)); [exact A | | lra].
    apply (arc_scal (- k) (fun t => t)), arc_id.
  - exists E; split; auto; intros t It Et; destruct (D t It Et) as (l & Dl & K).
    exists (l + - k * 1); split; [| lra].
    apply (is_derive_plus (V := R_NormedModule) f (fun t => - k * t)); auto.
    apply (is_derive_scal (fun t => t)), (is_derive_id (K := R_AbsRing)).
Qed.

Lemma arc_rises_ae f k T0 T :
  arc f -> 0 <= T0 <= T ->
  ae (fun t => T0 < t < T -> exists l, is_derive f t l /\ k <= l) ->
  f T0 + k * (T - T0) <= f T.
Proof.
  intros A I H; apply arc_rises; auto.
  destruct H as (E & N & D); exists E; split; auto; intros t It Et.
  apply D; auto; lra.
Qed.

(** A bounded nondecreasing function has a limit. *)
Lemma monotone_limit (V : R -> R) K :
  (forall s t, 0 <= s <= t -> V s <= V t) -> (forall t, 0 <= t -> V t <= K) ->
  exists l, is_lim V p_infty (Finite l).
Proof.
  intros Mono Bd.
  destruct (completeness (fun x => exists t, 0 <= t /\ x = V t)) as [l [Up Least]].
  - exists K; intros x (t & T & ->); auto.
  - exists (V 0), 0; split; [lra | auto].
  - exists l; apply is_lim_spec; intros e.
    assert (E : exists t, 0 <= t /\ l - e < V t).
    { apply NNPP; intros N.
      assert (l <= l - e); [| generalize (cond_pos e); lra].
      apply Least; intros x (t & T & ->); apply Rnot_lt_le; intros L; apply N;
        now exists t. }
    destruct E as (t0 & T0 & L0); exists t0; intros t Ht.
    assert (A := Mono t0 t ltac:(lra)).
    assert (B : V t <= l) by (apply Up; exists t; split; [lra | auto]).
    apply Rabs_def1; generalize (cond_pos e); lra.
Qed.

Lemma ln_le_linear x e : 0 < x -> 0 < e -> ln x <= e * x - 1 - ln e.
Proof.
  intros X E; assert (P : 0 < e * x) by (apply Rmult_lt_0_compat; auto).
  replace (ln x) with (ln (e * x) - ln e) by (rewrite ln_mult by auto; ring).
  assert (Q := exp_ineq1_le (ln (e * x))); rewrite exp_ln in Q by auto; lra.
Qed.

Section Rate.
Variables (G : R -> R) (a c g0 : R).
Hypothesis a0 : 0 <= a.
Hypothesis c0 : 0 <= c.
Hypothesis pos : 0 < g0.
Hypothesis low : forall t, 0 <= t -> g0 <= G t.
Hypothesis arcG : arc G.
Hypothesis ode : ae (fun t => exists l, is_derive G t l /\
  exp (a * ln (G t) - G t - c) <= l <= exp (a * ln (G t) - G t + c)).

Lemma solution_monotone s t : 0 <= s <= t -> G s <= G t.
Proof.
  apply arc_monotone; auto; generalize ode; apply ae_imp.
  intros x _ (l & D & L & _); exists l; split; auto.
  generalize (exp_pos (a * ln (G x) - G x - c)); lra.
Qed.

Lemma exp_le x y : x <= y -> exp x <= exp y.
Proof. intros [L | ->]; [left; now apply exp_increasing | lra]. Qed.

(** G passes every level. *)
Lemma solution_reaches X : 0 < X -> exists T, 0 <= T /\ forall t, T <= t -> X <= G t.
Proof.
  intros X0; set (k := exp (a * ln g0 - X - c)); assert (K : 0 < k) by apply exp_pos.
  set (T := X / k); assert (T0 : 0 <= T) by (apply Rdiv_le_0_compat; lra).
  assert (R : X <= G T).
  { apply Rnot_lt_le; intros Low.
    assert (B : G 0 + k * (T - 0) <= G T).
    { apply arc_rises_ae; auto; [lra |]; generalize ode; apply ae_imp.
      intros t P (l & D & L & _) I; exists l; split; auto.
      apply Rle_trans with (2 := L), exp_le.
      assert (M := solution_monotone t T ltac:(lra)).
      assert (N := low t ltac:(lra)).
      assert (ln g0 <= ln (G t)) by (apply ln_le; auto).
      assert (a * ln g0 <= a * ln (G t)) by (apply Rmult_le_compat_l; auto); lra. }
    replace (k * (T - 0)) with X in B by (unfold T; field; lra).
    generalize (low 0 (Rle_refl 0)); lra. }
  exists T; split; auto; intros t I; apply Rle_trans with (1 := R).
  apply solution_monotone; lra.
Qed.

Let H t := exp (G t + - a * ln (G t)).

Lemma arc_H : arc H.
Proof.
  apply arc_exp, arc_plus; auto; apply arc_scal, (arc_ln G g0); auto.
Qed.

Lemma H_derive : ae (fun t => 2 * a + 1 <= G t -> exists l, is_derive H t l /\
  / 2 * exp (- c) <= l <= exp c).
Proof.
  generalize ode; apply ae_imp; intros t T (l & D & L & U) X.
  assert (P : 0 < G t) by lra.
  exists (H t * ((1 - a / G t) * l)); split.
  - unfold H; auto_derive; [repeat split; [eexists; exact D | eexists;
      exact D | exact P] |].
    replace (Derive (fun x => G x) t) with l by (symmetry; now apply is_derive_unique).
    field; lra.
  - assert (Q : / 2 <= 1 - a / G t <= 1).
    { assert (0 <= a / G t) by (apply Rdiv_le_0_compat; lra).
      assert (a / G t <= / 2); [| lra].
      apply Rmult_le_reg_r with (G t); auto.
      unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra. }
    assert (E1 : H t * exp (a * ln (G t) - G t - c) = exp (- c)).
    { unfold H; rewrite <- exp_plus; f_equal; ring. }
    assert (E2 : H t * exp (a * ln (G t) - G t + c) = exp c).
    { unfold H; rewrite <- exp_plus; f_equal; ring. }
    assert (Hp : 0 < H t) by apply exp_pos.
    assert (lp : 0 < l).
    { apply Rlt_le_trans with (2 := L), exp_pos. }
    assert (B1 : exp (- c) <= H t * l) by (rewrite <- E1; apply Rmult_le_compat_l; lra).
    assert (B2 : H t * l <= exp c) by (rewrite <- E2; apply Rmult_le_compat_l; lra).
    replace (H t * ((1 - a / G t) * l)) with ((1 - a / G t) * (H t * l)) by ring.
    assert (0 < exp (- c)) by apply exp_pos.
    split.
    + apply Rmult_le_compat; lra.
    + rewrite <- (Rmult_1_l (exp c)); apply Rmult_le_compat; lra.
Qed.

(** ... so that H(G(t)) is of the order of t. *)
Lemma H_linear : exists k K T, 0 < k /\ 0 < K /\ 1 <= T /\ forall t, T <= t ->
  2 * a + 1 <= G t /\ k * t <= H t <= K * t.
Proof.
  destruct (solution_reaches (2 * a + 1)) as (T0 & T0p & Above); [lra |].
  assert (Hp : 0 < H T0) by apply exp_pos.
  assert (e1 : 0 < exp (- c)) by apply exp_pos.
  assert (e2 : 0 < exp c) by apply exp_pos.
  exists (/ 4 * exp (- c)), (exp c + H T0), (2 * T0 + 1).
  repeat split; try lra; intros; [apply Above; lra | |].
  - assert (B : H T0 + / 2 * exp (- c) * (t - T0) <= H t); [| nra].
    apply arc_rises_ae; [apply arc_H | lra |].
    generalize H_derive; apply ae_imp; intros s S D I.
    destruct D as (l & D & L & _); [apply Above; lra |]; now exists l.
  - assert (B : - 1 * H T0 + - exp c * (t - T0) <= - 1 * H t); [| nra].
    apply (arc_rises_ae (fun t => -1 * H t)); [apply arc_scal, arc_H | lra |].
    generalize H_derive; apply ae_imp; intros s S D I.
    destruct D as (l & D & _ & L); [apply Above; lra |]; exists (-1 * l); split;
      [| lra].
    now apply is_derive_scal.
Qed.

(** G = ln t + a ln (ln t) + O(1), and ln G = ln (ln t) + O(1). *)
(* statement: log growth *)
Theorem log_growth : exists C T, 0 <= C /\ exp 1 <= T /\ forall t, T <= t ->
  1 <= G t /\
  Rabs (ln (G t) - ln (ln t)) <= C /\
  Rabs (G t - ln t - a * ln (ln t)) <= C.
(* end statement *)
Proof.
  destruct H_linear as (k & K & T & k0 & K0 & T1 & B).
  set (e := / (2 * (a + 1))); assert (e0 : 0 < e) by (apply Rinv_0_lt_compat; lra).
  set (c1 := Rabs (ln k) + Rabs (ln K)).
  assert (k1 : - c1 <= ln k /\ ln K <= c1).
  { unfold c1; generalize (Rabs_pos (ln k)) (Rabs_pos (ln K)) (Rle_abs (ln K))
      (Rle_abs (- ln k)); rewrite Rabs_Ropp; lra. }
  set (c2 := a * Rabs (1 + ln e)).
  assert (c2p : 0 <= c2) by (apply Rmult_le_pos; auto; apply Rabs_pos).
  assert (c1p : 0 <= c1)
    by (unfold c1; generalize (Rabs_pos (ln k)) (Rabs_pos (ln K)); lra).
  set (M := 2 * (c1 + c2) + 2).
  exists (ln 4 + c1 + a * ln 4), (Rmax T (exp M)).
  assert (l4 : 0 < ln 4) by (rewrite <- ln_1; apply ln_increasing; lra).
  split; [nra |]; split.
  { apply Rle_trans with (exp M); [apply exp_le; unfold M; lra | apply Rmax_r]. }
  intros t Ht.
  assert (tT : T <= t) by (apply Rle_trans with (2 := Ht), Rmax_l).
  assert (tM : exp M <= t) by (apply Rle_trans with (2 := Ht), Rmax_r).
  destruct (B t tT) as (X & L & U); assert (tp : 0 < t) by lra.
  assert (lt : M <= ln t) by (rewrite <- (ln_exp M); apply ln_le; auto; apply exp_pos).
  assert (Gp : 1 <= G t) by lra.
  assert (lG : 0 <= ln (G t)) by (rewrite <- ln_1; apply ln_le; lra).
  (* ln H *)
  assert (lnH : ln (H t) = G t - a * ln (G t)) by (unfold H; rewrite ln_exp; ring).
  assert (L' : ln k + ln t <= G t - a * ln (G t)).
  { rewrite <- lnH, <- ln_mult by auto; apply ln_le; auto.
    now apply Rmult_lt_0_compat. }
  assert (U' : G t - a * ln (G t) <= ln K + ln t).
  { rewrite <- lnH, <- ln_mult by auto; apply ln_le; auto; apply exp_pos. }
  assert (Lin : a * ln (G t) <= / 2 * G t + c2).
  { apply Rle_trans with (a * (e * G t - (1 + ln e))).
    - apply Rmult_le_compat_l; auto.
      generalize (ln_le_linear (G t) e ltac:(lra) e0); lra.
    - assert (a * e <= / 2).
      { unfold e; apply Rmult_le_reg_r with (2 * (a + 1)); [lra |].
        rewrite Rmult_assoc, Rinv_l; lra. }
      assert (a * - (1 + ln e) <= c2).
      { unfold c2; apply Rmult_le_compat_l; auto.
        rewrite <- Rabs_Ropp; apply Rle_abs. }
      nra. }
  assert (aG : 0 <= a * ln (G t)) by now apply Rmult_le_pos.
  assert (Lo : / 4 * ln t <= G t) by (unfold M in lt; lra).
  assert (Up : G t <= 4 * ln t) by (unfold M in lt; lra).
  assert (lp : 0 < ln t) by (unfold M in lt; lra).
  assert (LG : Rabs (ln (G t) - ln (ln t)) <= ln 4).
  { apply Rabs_le; split.
    - apply ln_le in Lo; [| lra].
      rewrite ln_mult, ln_Rinv in Lo by lra; lra.
    - apply ln_le in Up; [| lra]; rewrite ln_mult in Up by lra; lra. }
  split; [exact Gp |]; split; [nra |].
  apply Rabs_le_between in LG; apply Rabs_le.
  assert (a * (ln (G t) - ln (ln t)) <= a * ln 4) by (apply Rmult_le_compat_l; lra).
  assert (a * - ln 4 <= a * (ln (G t) - ln (ln t))) by (apply Rmult_le_compat_l; lra).
  lra.
Qed.

End Rate.
