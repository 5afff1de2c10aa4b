(** * Arcs: absolutely continuous trajectories and "for almost all t"

    The paper's trajectories are arcs, "absolutely continuous on every compact
    subinterval" (p. 5), and its equations hold "for almost all t >= 0".  Neither
    notion is in Coquelicot, so this file builds the little that the proofs need:
    null sets, absolute continuity, and the one theorem that joins them,
    [arc_monotone]: an arc whose derivative is nonnegative almost everywhere is
    nondecreasing.  The Lebesgue integral enters through it: F is the integral of f
    from 0 exactly when F is an arc with F(0) = 0 and F' = f almost everywhere. *)

From Coq Require Import Reals Lra Psatz List Arith Classical.
Set Warnings "-ambiguous-paths".
From Coquelicot Require Import Coquelicot.
Import ListNotations.
Open Scope R_scope.

(** ** Null sets *)

Fixpoint psum (f : nat -> R) (m : nat) : R :=
  match m with O => 0 | S k => psum f k + f k end.

(* statement: almost all *)
(** A null set has covers by open intervals of arbitrarily small total length. *)
Definition null (E : R -> Prop) : Prop :=
  forall d, 0 < d -> exists a b : nat -> R,
    (forall n, a n <= b n) /\
    (forall m, psum (fun n => b n - a n) m <= d) /\
    (forall t, E t -> exists n, a n < t < b n).

(** "For almost all t >= 0". *)
Definition ae (P : R -> Prop) : Prop :=
  exists E, null E /\ forall t, 0 < t -> ~ E t -> P t.
(* end statement *)

Lemma psum_le f h m : (forall n, f n <= h n) -> psum f m <= psum h m.
Proof. intros H; induction m; simpl; [lra | specialize (H m); lra]. Qed.

Lemma psum_0 m : psum (fun _ => 0) m = 0.
Proof. induction m; simpl; lra. Qed.

Lemma psum_plus f h m : psum (fun n => f n + h n) m = psum f m + psum h m.
Proof. induction m; simpl; lra. Qed.

Lemma psum_term f m n : (forall k, 0 <= f k) -> (n < m)%nat -> f n <= psum f m.
Proof.
  intros H; induction m; intros L; [lia | simpl].
  assert (P : 0 <= psum f m) by (rewrite <- (psum_0 m); now apply psum_le).
  destruct (Nat.eq_dec n m) as [-> | N]; [lra |].
  specialize (H m); assert (f n <= psum f m) by (apply IHm; lia); lra.
Qed.

(** Two sequences of intervals, interleaved. *)
Definition mix {A} (u v : nat -> A) (n : nat) : A :=
  if Nat.even n then u (Nat.div2 n) else v (Nat.div2 n).

Lemma mix_even {A} (u v : nat -> A) n : mix u v (2 * n) = u n.
Proof.
  unfold mix; rewrite Nat.even_mul, Nat.div2_double; reflexivity.
Qed.

Lemma mix_odd {A} (u v : nat -> A) n : mix u v (S (2 * n)) = v n.
Proof.
  unfold mix; rewrite Nat.even_succ, <- Nat.negb_even, Nat.even_mul.
  rewrite Nat.div2_succ_double; reflexivity.
Qed.


Lemma psum_mono f m k : (forall n, 0 <= f n) -> psum f m <= psum f (m + k).
Proof.
  intros H; induction k; [rewrite Nat.add_0_r; lra |].
  rewrite Nat.add_succ_r; simpl; specialize (H (m + k)%nat); lra.
Qed.

Lemma psum_mix (u v : nat -> R) m :
  (forall n, 0 <= u n) -> (forall n, 0 <= v n) ->
  psum (mix u v) m <= psum u m + psum v m.
Proof.
  intros U V; apply Rle_trans with (psum (mix u v) (m + m)).
  { apply psum_mono; intros n; unfold mix; destruct (Nat.even n); auto. }
  right; replace (m + m)%nat with (2 * m)%nat by lia.
  induction m; [simpl; lra |].
  replace (2 * S m)%nat with (S (S (2 * m))) by lia.
  cbn [psum]; rewrite IHm, mix_even, mix_odd; lra.
Qed.

Lemma null_union E F : null E -> null F -> null (fun t => E t \/ F t).
Proof.
  intros HE HF d D.
  destruct (HE (d / 2)) as (a & b & O & S & C); [lra |].
  destruct (HF (d / 2)) as (a' & b' & O' & S' & C'); [lra |].
  exists (mix a a'), (mix b b'); repeat split.
  - intros n; unfold mix; destruct (Nat.even n); auto.
  - intros m.
    apply Rle_trans with
      (psum (mix (fun n => b n - a n) (fun n => b' n - a' n)) m).
    { apply psum_le; intros n; unfold mix; destruct (Nat.even n); lra. }
    eapply Rle_trans; [apply psum_mix |].
    + intros n; specialize (O n); lra.
    + intros n; specialize (O' n); lra.
    + specialize (S m); specialize (S' m); lra.
  - intros t [T | T].
    + destruct (C t T) as [n N]; exists (2 * n)%nat; now rewrite !mix_even.
    + destruct (C' t T) as [n N]; exists (Datatypes.S (2 * n))%nat.
      now rewrite !mix_odd.
Qed.

Lemma null_point x : null (fun t => t = x).
Proof.
  intros d D.
  exists (fun n => match n with O => x - d / 2 | _ => x end).
  exists (fun n => match n with O => x + d / 2 | _ => x end).
  repeat split.
  - intros [| n]; lra.
  - intros m; destruct m as [| m]; [simpl; lra |].
    induction m; simpl in *; lra.
  - intros t ->; exists O; lra.
Qed.

Lemma ae_and P Q : ae P -> ae Q -> ae (fun t => P t /\ Q t).
Proof.
  intros (E & HE & P') (F & HF & Q').
  exists (fun t => E t \/ F t); split; [now apply null_union |].
  intros t T N; split; [apply P' | apply Q']; tauto.
Qed.

Lemma ae_imp (P Q : R -> Prop) : (forall t, 0 < t -> P t -> Q t) -> ae P -> ae Q.
Proof. intros H (E & N & A); exists E; split; auto. Qed.

(** ** Absolute continuity *)

(** [inside a l b]: the intervals of [l], from right to left, do not overlap and
    lie in [a, b]. *)
Fixpoint inside (a : R) (l : list (R * R)) (b : R) : Prop :=
  match l with
  | [] => a <= b
  | (x, y) :: l' => x <= y /\ y <= b /\ inside a l' x
  end.

Fixpoint len (l : list (R * R)) : R :=
  match l with [] => 0 | (x, y) :: l' => (y - x) + len l' end.

Fixpoint var (f : R -> R) (l : list (R * R)) : R :=
  match l with [] => 0 | (x, y) :: l' => Rabs (f y - f x) + var f l' end.

(* statement: arc *)
(** Absolute continuity on [a, b], by finite families of disjoint intervals. *)
Definition AC (f : R -> R) (a b : R) : Prop :=
  forall e, 0 < e -> exists d, 0 < d /\
    forall l, inside a l b -> len l < d -> var f l < e.

(** An arc is absolutely continuous on every compact subinterval of [0, oo). *)
Definition arc (f : R -> R) : Prop := forall T, 0 <= T -> AC f 0 T.
(* end statement *)

Lemma inside_le a l b : inside a l b -> a <= b.
Proof.
  revert b; induction l as [| [x y] l IH]; simpl; intros b H; [lra |].
  destruct H as (X & Y & I); apply IH in I; lra.
Qed.

Lemma inside_weak a l b b' : inside a l b -> b <= b' -> inside a l b'.
Proof. destruct l as [| [x y] l]; simpl; intuition lra. Qed.

Lemma inside_left a a' l b : a' <= a -> inside a l b -> inside a' l b.
Proof.
  intros A; revert b; induction l as [| [x y] l IH]; simpl; intros b H; [lra |].
  destruct H as (X & Y & I); auto.
Qed.

Lemma len_nonneg a l b : inside a l b -> 0 <= len l.
Proof.
  revert b; induction l as [| [x y] l IH]; simpl; intros b H; [lra |].
  destruct H as (X & Y & I); apply IH in I; lra.
Qed.

Lemma AC_sub f a b a' b' : AC f a b -> a <= a' -> b' <= b -> AC f a' b'.
Proof.
  intros H A B e E; destruct (H e E) as (d & D & V); exists d; split; auto.
  intros l I; apply V; apply inside_left with a'; auto.
  now apply inside_weak with b'.
Qed.

Lemma AC_close f a b : AC f a b -> forall e, 0 < e -> exists d, 0 < d /\
  forall x y, a <= x -> x <= y -> y <= b -> y - x < d -> Rabs (f y - f x) < e.
Proof.
  intros H e E; destruct (H e E) as (d & D & V); exists d; split; auto.
  intros x y A X B L; specialize (V [(x, y)]); simpl in V; lra.
Qed.

(** ** Real induction: a property that starts at a, spreads to the right and
    passes to left limits reaches b. *)
Lemma real_induction (P : R -> Prop) a b :
  a <= b -> P a ->
  (forall t, a <= t < b -> P t -> exists s, t < s /\ forall u, t < u <= s -> P u) ->
  (forall t, a < t <= b -> (forall s, a <= s < t -> P s) -> P t) ->
  P b.
Proof.
  intros AB P0 Right Left.
  set (S x := a <= x <= b /\ forall s, a <= s <= x -> P s).
  assert (Sa : S a).
  { split; [lra |]; intros s Hs; replace s with a by lra; exact P0. }
  destruct (completeness S) as [m [Up Least]].
  { exists b; intros x [X _]; lra. }
  { now exists a. }
  assert (am : a <= m) by now apply Up.
  assert (mb : m <= b) by (apply Least; intros x [X _]; lra).
  assert (Below : forall s, a <= s < m -> P s).
  { intros s Hs; apply NNPP; intros N.
    assert (m <= s); [| lra].
    apply Least; intros x [X Px]; apply Rnot_lt_le; intros xs.
    apply N, Px; lra. }
  assert (Pm : P m).
  { destruct am as [am | <-]; auto; apply Left; auto; lra. }
  destruct mb as [mb | ->]; auto.
  destruct (Right m) as (s & ms & Ps); [lra | auto |].
  assert (S (Rmin s b)).
  { split; [unfold Rmin; destruct (Rle_dec s b); lra |].
    intros u [au ub]; destruct (Rlt_le_dec u m); [apply Below; lra |].
    destruct (Req_dec u m) as [-> | N']; auto; apply Ps.
    split; [lra |]; apply Rle_trans with (1 := ub), Rmin_l. }
  assert (Rmin s b <= m) by now apply Up.
  unfold Rmin in *; destruct (Rle_dec s b); lra.
Qed.

(** ** An arc that rises almost everywhere rises *)

(** Case analysis on minima and maxima, innermost first. *)
Ltac minmax :=
  unfold Rmax, Rmin in *;
  repeat match goal with
  | |- context [Rle_dec ?u ?v] =>
      lazymatch u with context [Rle_dec] => fail | _ => idtac end;
      lazymatch v with context [Rle_dec] => fail | _ => idtac end;
      destruct (Rle_dec u v)
  end.

(** Disjoint intervals, each within one interval of a cover, are together no longer
    than the cover. *)
Definition overlap (a b x y : R) : R := Rmax 0 (Rmin y b - Rmax x a).

Fixpoint overlaps (a b : R) (l : list (R * R)) : R :=
  match l with [] => 0 | (x, y) :: l' => overlap a b x y + overlaps a b l' end.

Lemma overlaps_le a b c l t :
  inside c l t -> a <= b -> overlaps a b l <= Rmax 0 (Rmin t b - a).
Proof.
  intros I AB; revert t I; induction l as [| [x y] l IH]; simpl; intros t I.
  - apply Rmax_l.
  - destruct I as (X & Y & I); apply IH in I; revert I.
    unfold overlap; minmax; lra.
Qed.

Lemma cover_bounds_len (a b : nat -> R) d c l t :
  (forall n, a n <= b n) ->
  (forall m, psum (fun n => b n - a n) m <= d) ->
  inside c l t ->
  (forall x y, In (x, y) l -> exists n, a n < x /\ y < b n) ->
  len l <= d.
Proof.
  intros O S I C.
  assert (M : exists m, forall x y, In (x, y) l ->
              exists n, (n < m)%nat /\ a n < x /\ y < b n).
  { clear I; induction l as [| [x y] l IH]; [exists 0%nat; simpl; tauto |].
    destruct IH as [m Hm]; [intros u v H; apply C; now right |].
    destruct (C x y) as [n Hn]; [now left |].
    exists (Datatypes.S (max m n)); intros u v [E | H].
    - inversion E; subst u v; exists n; split; [lia | auto].
    - destruct (Hm u v H) as (k & K & Hk); exists k; split; [lia | auto]. }
  destruct M as [m Hm]; clear C.
  apply Rle_trans with (psum (fun n => overlaps (a n) (b n) l) m).
  - clear S; revert t I; induction l as [| [x y] l IH]; intros t I.
    + simpl; rewrite psum_0; lra.
    + destruct I as (X & Y & I); simpl; rewrite psum_plus.
      apply Rplus_le_compat.
      * destruct (Hm x y) as (n & N & A & B); [now left |].
        apply Rle_trans with (overlap (a n) (b n) x y).
        { unfold overlap; minmax; lra. }
        apply (psum_term (fun n => overlap (a n) (b n) x y)); auto.
        intros k; apply Rmax_l.
      * apply IH with (t := x); auto; intros u v H; apply Hm; now right.
  - eapply Rle_trans; [| apply (S m)]; apply psum_le; intros n.
    eapply Rle_trans; [apply (overlaps_le _ _ c _ t); auto |].
    specialize (O n); minmax; lra.
Qed.

(** A nonnegative derivative bounds nearby descent. *)
Lemma derive_nonneg_near f t l e :
  is_derive f t l -> 0 <= l -> 0 < e -> exists r, 0 < r /\
    (forall u, t < u < t + r -> f t - f u <= e * (u - t)) /\
    (forall u, t - r < u < t -> f u - f t <= e * (t - u)).
Proof.
  intros [_ D] L E.
  specialize (D t (fun P H => H) (mkposreal e E)); simpl in D.
  destruct D as [r D]; exists (pos r); split; [apply cond_pos |].
  assert (N : forall u, Rabs (u - t) < r ->
              Rabs (f u - f t - (u - t) * l) <= e * Rabs (u - t)).
  { intros u U; exact (D u U). }
  split; intros u U; assert (B : Rabs (u - t) < r) by (apply Rabs_def1; lra);
    specialize (N u B); apply Rabs_le_between in N; revert N.
  - rewrite (Rabs_pos_eq (u - t)) by lra; intros N; nra.
  - rewrite (Rabs_left (u - t)) by lra; intros N; nra.
Qed.

Theorem AC_monotone f a b :
  a <= b -> AC f a b ->
  (exists E, null E /\ forall t, a < t < b -> ~ E t ->
     exists l, is_derive f t l /\ 0 <= l) ->
  f a <= f b.
Proof.
  intros AB A (E0 & N0 & D0).
  set (E t := E0 t \/ (t = a \/ t = b)).
  assert (N : null E) by (repeat apply null_union; auto using null_point).
  apply Rnot_lt_le; intros Desc.
  set (e := (f a - f b) / (b - a + 2)).
  assert (e0 : 0 < e) by (apply Rdiv_lt_0_compat; lra).
  destruct (A e e0) as (d & d0 & V).
  destruct (N (d / 2)) as (u & v & O & S & C); [lra |].
  set (P t := exists l, inside a l t /\
    (forall x y, In (x, y) l -> exists n, u n < x /\ y < v n) /\
    f a - f t <= e * (t - a) + var f l).
  assert (Pb : P b).
  { apply real_induction with a; auto.
    - exists []; simpl; repeat split; [lra | tauto | lra].
    - intros t T (l & I & Cl & B).
      destruct (classic (E t)) as [Et | Et].
      + destruct (C t Et) as [n Hn]; exists ((t + v n) / 2); split; [lra |].
        intros x X; exists ((t, x) :: l); simpl; repeat split; auto; try lra.
        * intros y z [Eq | H]; auto; inversion Eq; subst; exists n; lra.
        * apply Rle_trans with (e * (t - a) + (Rabs (f x - f t) + var f l));
            [| nra].
          generalize (Rle_abs (- (f x - f t))); rewrite Rabs_Ropp; lra.
      + assert (a < t < b) by (unfold E in Et; lra).
        destruct (D0 t) as (k & K & K0); [auto | unfold E in Et; tauto |].
        destruct (derive_nonneg_near f t k e) as (r & r0 & Up & _); auto.
        exists (t + r / 2); split; [lra |]; intros x X; exists l.
        repeat split; auto; [apply inside_weak with t; auto; lra |].
        assert (f t - f x <= e * (x - t)) by (apply Up; lra); lra.
    - intros t T Before.
      destruct (classic (E t)) as [Et | Et].
      + destruct (C t Et) as [n Hn].
        destruct (Before (Rmax a ((u n + t) / 2))) as (l & I & Cl & B).
        { unfold Rmax; destruct (Rle_dec a ((u n + t) / 2)); lra. }
        set (x := Rmax a ((u n + t) / 2)) in *.
        assert (X : u n < x < t)
          by (unfold x, Rmax; destruct (Rle_dec a ((u n + t) / 2)); lra).
        exists ((x, t) :: l); simpl; repeat split; auto; try lra.
        * intros y z [Eq | H]; auto; inversion Eq; subst; exists n; lra.
        * apply Rle_trans with (e * (x - a) + (Rabs (f t - f x) + var f l));
            [| nra].
          generalize (Rle_abs (- (f t - f x))); rewrite Rabs_Ropp; lra.
      + assert (a < t < b) by (unfold E in Et; lra).
        destruct (D0 t) as (k & K & K0); [auto | unfold E in Et; tauto |].
        destruct (derive_nonneg_near f t k e) as (r & r0 & _ & Dn); auto.
        set (x := Rmax a (t - r / 2)).
        assert (X : a <= x < t /\ t - r < x)
          by (unfold x, Rmax; destruct (Rle_dec a (t - r / 2)); lra).
        destruct (Before x) as (l & I & Cl & B); [lra |]; exists l.
        repeat split; auto; [apply inside_weak with x; auto; lra |].
        assert (f x - f t <= e * (t - x)) by (apply Dn; lra); lra. }
  destruct Pb as (l & I & Cl & B).
  assert (len l <= d / 2) by (apply (cover_bounds_len u v _ a l b); auto).
  assert (var f l < e) by (apply V; auto; lra).
  assert (f a - f b = e * (b - a + 2)) by (unfold e; field; lra).
  nra.
Qed.

(* statement: monotone *)
(** An arc with a nonnegative derivative almost everywhere is nondecreasing. *)
Theorem arc_monotone f :
  arc f -> ae (fun t => exists l, is_derive f t l /\ 0 <= l) ->
  forall s t, 0 <= s <= t -> f s <= f t.
(* end statement *)
Proof.
  intros A (E & N & D) s t T; apply AC_monotone; [lra | |].
  - apply AC_sub with 0 t; [apply A | |]; lra.
  - exists E; split; auto; intros u U; apply D; lra.
Qed.

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
