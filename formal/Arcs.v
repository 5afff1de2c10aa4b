(** * Arcs: absolutely continuous trajectories and "for almost all t"

    The paper's trajectories are arcs, "absolutely continuous on every compact
    subinterval" (p. 5), and its equations hold "for almost all t >= 0".  Neither
    notion is in Coquelicot, so this file builds the little that the proofs need:
    null sets, absolute continuity, and the one theorem that joins them,
    [arc_monotone]: an arc whose derivative is nonnegative almost everywhere is
    nondecreasing. *)

From Coq Require Import Reals Lra Psatz List Arith Classical.
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

Lemma everywhere (P : R -> Prop) : (forall t, 0 < t -> P t) -> ae P.
Proof.
  intros A; exists (fun t => t = 0); split; [apply null_point | auto].
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
