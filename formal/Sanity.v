(** * Do the definitions mean what they should?

    A formal statement is worth what its definitions are worth.  Here the ones that
    Coquelicot does not supply are tried on cases with known answers. *)

From Coq Require Import Reals Lra Psatz List Classical.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Clarke.
Import ListNotations.
Open Scope R_scope.

(** "For almost all t" is not a vacuous quantifier: what holds almost everywhere
    holds somewhere. *)
Fact ae_somewhere P : ae P -> exists t, 0 < t /\ P t.
Proof.
  intros (E & N & A); apply NNPP; intros No.
  assert (M : -1 * 1 <= -1 * 2); [| lra].
  apply (AC_monotone (fun t => -1 * t) 1 2); [lra | |].
  - apply AC_sub with 0 2; [| lra | lra].
    apply (arc_scal (-1) (fun t => t)); [apply arc_id | lra].
  - exists E; split; auto; intros t T Et; exfalso; apply No; exists t.
    split; [lra |]; apply A; auto; lra.
Qed.

(** A countable set is null: isolated kinks, switches of a stepwise schedule. *)
Fact null_sequence (e : nat -> R) : null (fun t => exists n, t = e n).
Proof.
  intros d D; set (r n := d / 4 * (1 / 2) ^ n).
  assert (P : forall n, 0 < r n).
  { intros n; apply Rmult_lt_0_compat; [lra | apply pow_lt; lra]. }
  exists (fun n => e n - r n), (fun n => e n + r n); repeat split.
  - intros n; specialize (P n); lra.
  - intros m.
    assert (S : psum (fun n => e n + r n - (e n - r n)) m =
                d * (1 - (1 / 2) ^ m)).
    { induction m; simpl; [ring | rewrite IHm; unfold r; field]. }
    rewrite S; assert (0 < (1 / 2) ^ m) by (apply pow_lt; lra); nra.
  - intros t [n ->]; exists n; specialize (P n); lra.
Qed.

(** On continuous functions [integral] is Coquelicot's Riemann integral. *)
Fact integral_continuous (f : R -> R) :
  (forall t, continuous f t) -> integral f (fun t => RInt f 0 t).
Proof.
  intros C; assert (I : forall a b, ex_RInt f a b).
  { intros a b; apply (ex_RInt_continuous (V := R_CompleteNormedModule)); auto. }
  split; [| split].
  - apply arc_lipschitz with (fun t => t); [apply arc_id |]; intros T T0.
    destruct (continuity_ab_maj (fun t => Rabs (f t)) 0 T T0) as (m & M & _).
    { intros t _; apply continuity_pt_filterlim.
      apply (continuous_comp f Rabs); [apply C | apply continuous_Rabs]. }
    exists (Rabs (f m)).
    assert (Up : forall x y, 0 <= x -> x <= y <= T ->
      Rabs (RInt f 0 y - RInt f 0 x) <= Rabs (f m) * Rabs (y - x)).
    { intros x y X Y; rewrite (Rabs_pos_eq (y - x)) by lra.
      replace (RInt f 0 y - RInt f 0 x) with (RInt f x y).
      - rewrite Rmult_comm; apply abs_RInt_le_const; auto; [lra |].
        intros t Ht; apply M; lra.
      - assert (Ch := RInt_Chasles f 0 x y (I 0 x) (I x y)).
        change (RInt f 0 x + RInt f x y = RInt f 0 y) in Ch; lra. }
    intros x y X Y; destruct (Rle_lt_dec x y).
    + apply Up; lra.
    + rewrite Rabs_minus_sym, (Rabs_minus_sym y); apply Up; lra.
  - exact (RInt_point 0 f).
  - apply everywhere; intros t _; apply is_derive_RInt with 0; auto.
    exists (mkposreal 1 Rlt_0_1); intros s _.
    apply (RInt_correct (V := R_CompleteNormedModule)); auto.
Qed.

(** One component. *)
#[export] Instance one : FiniteType unit.
Proof.
  refine {| enum := [tt] |}.
  - constructor; [simpl; tauto | constructor].
  - intros []; now left.
Defined.

Lemma norm_one (v : vec unit) : norm v = Rabs (v tt).
Proof.
  unfold norm, Sum; simpl; rewrite Rplus_0_r.
  replace (v tt * (v tt * 1)) with (Rsqr (v tt)) by (unfold Rsqr; ring).
  apply sqrt_Rsqr_abs.
Qed.

Lemma inner_one (u v : vec unit) : inner u v = u tt * v tt.
Proof. unfold inner, Sum; simpl; ring. Qed.

(** Two components. *)
#[export] Instance two : FiniteType bool.
Proof.
  refine {| enum := [true; false] |}.
  - repeat constructor; simpl; intuition discriminate.
  - intros []; simpl; auto.
Defined.

Lemma Sum_two (f : bool -> R) : Sum f = f true + f false.
Proof. unfold Sum, lsum; simpl; ring. Qed.

(** The subdifferential of the absolute value at its kink contains 0, by the
    gradients 1 and -1 on its two sides. *)
Fact clarke_abs : clarke (fun v : vec unit => Rabs (v tt)) (fun _ => 0) (fun _ => 0).
Proof.
  assert (Side : forall s, s = 1 \/ s = -1 ->
    limit_gradient (fun v : vec unit => Rabs (v tt)) (fun _ => 0) (fun _ => s)).
  { intros s S.
    exists (fun n _ => s * / INR (Datatypes.S n)), (fun _ _ => s); repeat split.
    - intros n e e0; set (q := / INR (Datatypes.S n)).
      assert (Q : 0 < q) by (apply Rinv_0_lt_compat, lt_0_INR; lia).
      exists q; split; auto; intros z; rewrite norm_one, inner_one; unfold sub.
      intros Z; apply Rabs_def2 in Z.
      replace (Rabs (z tt) - Rabs (s * q) - s * (z tt - s * q)) with 0.
      + rewrite Rabs_R0; apply Rmult_le_pos; [lra | apply Rabs_pos].
      + destruct S as [-> | ->].
        * rewrite !Rabs_pos_eq by lra; ring.
        * rewrite !Rabs_left by lra; ring.
    - intros j; replace (Finite 0) with (Rbar_mult s 0)
        by (simpl; f_equal; ring).
      apply is_lim_seq_scal_l, (is_lim_seq_inv _ p_infty); [| easy].
      apply (is_lim_seq_incr_1 INR), is_lim_seq_INR.
    - intros j; apply is_lim_seq_const. }
  exists [(/ 2, fun _ => 1); (/ 2, fun _ => -1)]; split; [| split]; simpl.
  - intros c D [E | [E | []]]; inversion E; split; try lra; apply Side; auto.
  - field.
  - intros j; field.
Qed.
