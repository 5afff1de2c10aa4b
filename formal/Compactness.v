(** * Cluster points in a box, and passage to the limit

    A decreasing family of nonempty sets in a box has a cluster point,
      found coordinate by
    coordinate as a least upper bound: no axiom of choice. *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Growth.
Import ListNotations.
Open Scope R_scope.

(** A decreasing family of nonempty sets in a box has a cluster point, which can be
    named. *)
Lemma cluster_point {I} (js : list I) (M : R) : forall (A : R -> (I -> R) -> Prop),
  (forall e e' y, e <= e' -> A e y -> A e' y) ->
  (forall e, 0 < e -> exists y, A e y) ->
  (forall e y i, A e y -> Rabs (y i) <= M) ->
  {ys : I -> R | forall e r, 0 < e -> 0 < r ->
    exists y, A e y /\ forall i, In i js -> Rabs (y i - ys i) < r}.
Proof.
  induction js as [| i js IH]; intros A Mono Ex Bd.
  - exists (fun _ => 0); intros e r e0 r0; destruct (Ex e e0) as [y Ay].
    exists y; split; auto; intros ? [].
  - set (E := fun z => forall e, 0 < e -> exists y, A e y /\ z <= y i).
    destruct (completeness E) as [z Lub].
    { exists M; intros z Ez; destruct (Ez 1 Rlt_0_1) as (y & Ay & L).
      specialize (Bd 1 y i Ay); apply Rabs_le_between in Bd; lra. }
    { exists (- M); intros e e0; destruct (Ex e e0) as [y Ay]; exists y; split; auto.
      specialize (Bd e y i Ay); apply Rabs_le_between in Bd; lra. }
    assert (Near : forall e r, 0 < e -> 0 < r ->
      exists y, A e y /\ Rabs (y i - z) < r).
    { intros e r e0 r0; destruct Lub as [Up Least].
      assert (N1 : exists e1, 0 < e1 /\ forall y, A e1 y -> y i < z + r / 2).
      { apply NNPP; intros N; assert (X : E (z + r / 2)); [| specialize (Up _ X); lra].
        intros e1 e10; apply NNPP; intros N2; apply N; exists e1; split; auto.
        intros y Ay; apply Rnot_le_lt; intros L; apply N2; now exists y. }
      destruct N1 as (e1 & e10 & B).
      assert (N2 : exists s, E s /\ z - r / 2 < s).
      { apply NNPP; intros N; assert (z <= z - r / 2); [| lra].
        apply Least; intros s Es; apply Rnot_lt_le; intros L; apply N; now exists s. }
      destruct N2 as (s & Es & L).
      destruct (Es (Rmin e e1)) as (y & Ay & Ly); [minmax; lra |].
      exists y; split; [apply (Mono _ _ _ (Rmin_l e e1) Ay) |].
      specialize (B y (Mono _ _ _ (Rmin_r e e1) Ay)); apply Rabs_def1; lra. }
    destruct (IH (fun e y => A e y /\ Rabs (y i - z) < e)) as [ys Cl].
    + intros e e' y Le [Ay C]; split; [now apply (Mono e) | lra].
    + intros e e0; now apply Near.
    + intros e y k [Ay _]; now apply (Bd e).
    + exists (fun k => if ClassicalDedekindReals.sig_not_dec (k = i) then z else ys k).
      intros e r e0 r0; destruct (Cl (Rmin e r) r) as (y & (Ay & C) & Js);
        [minmax; lra | exact r0 |].
      exists y; split; [apply (Mono _ _ _ (Rmin_l e r) Ay) |]; intros k Hk.
      destruct (ClassicalDedekindReals.sig_not_dec (k = i)) as [Q | Q].
      * apply NNPP in Q; subst k; generalize (Rmin_r e r); lra.
      * destruct Hk as [-> | Hk]; [now elim Q | now apply Js].
Qed.

Lemma cluster {I} (js : list I) (M : R) (A : R -> (I -> R) -> Prop) :
  (forall e e' y, e <= e' -> A e y -> A e' y) ->
  (forall e, 0 < e -> exists y, A e y) ->
  (forall e y i, A e y -> Rabs (y i) <= M) ->
  exists ys, forall e r, 0 < e -> 0 < r ->
    exists y, A e y /\ forall i, In i js -> Rabs (y i - ys i) < r.
Proof.
  intros Mono Ex Bd; destruct (cluster_point js M A Mono Ex Bd) as [ys Cl];
    now exists ys.
Qed.

(** ** Passage to the limit *)
Section Limit.
Context {I : Type} (ys : I -> R).
Notation continuous_at := (continuous_at ys).

Lemma limit_le (A : R -> (I -> R) -> Prop) f :
  (forall e r, 0 < e -> 0 < r -> exists y, A e y /\ forall k, Rabs (y k - ys k) < r) ->
  continuous_at f -> (forall e y, A e y -> f y <= e) -> f ys <= 0.
Proof.
  intros Cl F Le; apply Rnot_lt_le; intros P.
  destruct (F (f ys / 2)) as (r & r0 & Hr); [lra |].
  destruct (Cl (f ys / 2) r) as (y & Ay & Y); [lra | auto |].
  specialize (Le _ _ Ay); specialize (Hr y Y); apply Rabs_def2 in Hr; lra.
Qed.

End Limit.

Lemma norm_lipschitz {J} `{FiniteType J} : locally_lipschitz (fun v : vec J => norm v).
Proof.
  intros v; exists 1, 1; split; [lra |]; intros a b _ _; rewrite Rmult_1_l.
  assert (A := norm_sub_le a b); assert (B := norm_sub_le b a).
  replace (norm (sub a b)) with (norm (sub b a)) in A.
  - apply Rabs_le; lra.
  - transitivity (norm (fun j => -1 * sub a b j)).
    + apply norm_ext; intros; unfold sub; ring.
    + rewrite norm_scal, Rabs_left by lra; ring.
Qed.

Lemma eventually_all {J} `{FiniteType J} (P : J -> R -> Prop) :
  (forall j, exists T, forall t, T < t -> P j t) ->
  exists T, forall j t, T < t -> P j t.
Proof.
  intros E; assert (A : exists T, forall j, In j enum -> forall t, T < t -> P j t).
  { induction enum as [| j js [T IH]]; [exists 0; intros ? [] |].
    destruct (E j) as [T' HT']; exists (Rmax T T'); intros i [<- | I] t Ht.
    - apply HT'; generalize (Rmax_r T T'); lra.
    - apply IH; auto; generalize (Rmax_l T T'); lra. }
  destruct A as [T A]; exists T; intros j; apply A, enum_all.
Qed.
