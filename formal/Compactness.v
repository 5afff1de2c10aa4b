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

(** ** Continuity at one point of the product, and passage to the limit *)
Section continuous_at.
Context {I : Type} (ys : I -> R).

Definition continuous_at (f : (I -> R) -> R) : Prop := forall e, 0 < e ->
  exists r, 0 < r /\
  forall y, (forall k, Rabs (y k - ys k) < r) -> Rabs (f y - f ys) < e.

Lemma continuous_at_coord k : continuous_at (fun y => y k).
Proof. intros e e0; exists e; split; auto. Qed.

Lemma continuous_at_const c : continuous_at (fun _ => c).
Proof. intros e e0; exists 1; split; [lra |]; intros; rewrite Rminus_eq_0, Rabs_R0;
  lra. Qed.

Lemma continuous_at_plus f g : continuous_at f -> continuous_at g ->
  continuous_at (fun y => f y + g y).
Proof.
  intros F G e e0; destruct (F (e / 2)) as (r & r0 & Hr); [lra |].
  destruct (G (e / 2)) as (s & s0 & Hs); [lra |].
  exists (Rmin r s); split; [minmax; lra |]; intros y Y.
  assert (A := Hr y (fun k => Rlt_le_trans _ _ _ (Y k) (Rmin_l r s))).
  assert (B := Hs y (fun k => Rlt_le_trans _ _ _ (Y k) (Rmin_r r s))).
  apply Rabs_def2 in A; apply Rabs_def2 in B; apply Rabs_def1; lra.
Qed.

Lemma continuous_at_mult f g : continuous_at f -> continuous_at g ->
  continuous_at (fun y => f y * g y).
Proof.
  intros F G e e0; set (A := Rabs (f ys) + 1); set (B := Rabs (g ys) + 1).
  assert (A0 : 0 < A) by (unfold A; generalize (Rabs_pos (f ys)); lra).
  assert (B0 : 0 < B) by (unfold B; generalize (Rabs_pos (g ys)); lra).
  assert (eA : 0 < e / (2 * A)) by (apply Rdiv_lt_0_compat; lra).
  assert (eB : 0 < e / (2 * B)) by (apply Rdiv_lt_0_compat; lra).
  destruct (F (Rmin 1 (e / (2 * B)))) as (r & r0 & Hr); [minmax; lra |].
  destruct (G (e / (2 * A))) as (s & s0 & Hs); [lra |].
  exists (Rmin r s); split; [minmax; lra |]; intros y Y.
  assert (P := Hr y (fun k => Rlt_le_trans _ _ _ (Y k) (Rmin_l r s))).
  assert (Q := Hs y (fun k => Rlt_le_trans _ _ _ (Y k) (Rmin_r r s))).
  assert (P1 := Rlt_le_trans _ _ _ P (Rmin_l _ _)).
  assert (P2 := Rlt_le_trans _ _ _ P (Rmin_r _ _)).
  replace (f y * g y - f ys * g ys) with (f y * (g y - g ys) + g ys * (f y - f ys)) by
    ring.
  apply Rle_lt_trans with (1 := Rabs_triang _ _); rewrite !Rabs_mult.
  assert (fy : Rabs (f y) <= A).
  { replace (f y) with (f ys + (f y - f ys)) by ring.
    apply Rle_trans with (1 := Rabs_triang _ _); unfold A; lra. }
  assert (X1 : Rabs (f y) * Rabs (g y - g ys) <= A * Rabs (g y - g ys))
    by (apply Rmult_le_compat_r; [apply Rabs_pos | exact fy]).
  assert (X2 : A * Rabs (g y - g ys) < A * (e / (2 * A)))
    by (apply Rmult_lt_compat_l; auto).
  replace (A * (e / (2 * A))) with (e / 2) in X2 by (field; lra).
  assert (X3 : Rabs (g ys) * Rabs (f y - f ys) <= B * (e / (2 * B))).
  { apply Rmult_le_compat; try apply Rabs_pos; [unfold B; lra | lra]. }
  replace (B * (e / (2 * B))) with (e / 2) in X3 by (field; lra); lra.
Qed.

Lemma continuous_at_scal c f : continuous_at f -> continuous_at (fun y => c * f y).
Proof. intros F; apply (continuous_at_mult (fun _ => c)); auto;
  apply continuous_at_const. Qed.

Lemma continuous_at_abs f : continuous_at f -> continuous_at (fun y => Rabs (f y)).
Proof.
  intros F e e0; destruct (F e e0) as (r & r0 & Hr); exists r; split; auto; intros y Y.
  apply Rle_lt_trans with (2 := Hr y Y), Rabs_triang_inv2.
Qed.

Lemma continuous_at_Sum {K} `{FiniteType K} (f : K -> (I -> R) -> R) :
  (forall k, continuous_at (f k)) -> continuous_at (fun y => Sum (fun k => f k y)).
Proof.
  intros F; unfold Sum; induction enum as [| k ks IH]; simpl;
    [apply continuous_at_const |].
  now apply (continuous_at_plus (f k)).
Qed.

(** A continuous function of the point of a locally Lipschitz f. *)
Lemma continuous_at_lipschitz {J} `{FiniteType J} (f : vec J -> R) (emb : J -> I) :
  locally_lipschitz f -> continuous_at (fun y => f (fun j => y (emb j))).
Proof.
  intros Lip e e0; destruct (Lip (fun j => ys (emb j))) as (r & K & r0 & HK).
  set (S y := Sum (fun j => Rabs (y (emb j) - ys (emb j)))).
  assert (CS : continuous_at S).
  { apply continuous_at_Sum; intros j;
      apply continuous_at_abs, (continuous_at_plus (fun y => y (emb j))
      (fun _ => - ys (emb j)));
        [apply continuous_at_coord | apply continuous_at_const]. }
  assert (S0 : S ys = 0).
  { unfold S; transitivity (Sum (fun _ : J => 0 * 0)); [| rewrite Sum_scal; ring].
    apply Sum_ext; intros j; rewrite Rminus_eq_0, Rabs_R0; ring. }
  set (K' := Rabs K + 1); assert (K0 : 0 < K') by (unfold K'; generalize (Rabs_pos K);
    lra).
  assert (d0 : 0 < Rmin r (e / K')).
  { assert (0 < e / K') by (apply Rdiv_lt_0_compat; lra); minmax; lra. }
  destruct (CS _ d0) as (s & s0 & Hs); exists s; split; auto; intros y Y.
  specialize (Hs y Y); rewrite S0, Rminus_0_r in Hs; apply Rabs_def2 in Hs.
  assert (N : norm (sub (fun j => y (emb j)) (fun j => ys (emb j))) <= S y)
    by apply norm_le_Sum.
  assert (Z : norm (sub (fun j => ys (emb j)) (fun j => ys (emb j))) = 0).
  { apply norm_0; intros j; unfold sub; ring. }
  eapply Rle_lt_trans; [apply HK; [rewrite Z; exact r0 |] |].
  - generalize (Rmin_l r (e / K')); lra.
  - set (n := norm _) in *; assert (n0 : 0 <= n) by apply norm_nonneg.
    apply Rle_lt_trans with (K' * n).
    + apply Rmult_le_compat_r; auto; unfold K'; generalize (Rle_abs K); lra.
    + apply Rlt_le_trans with (K' * (e / K')).
      * apply Rmult_lt_compat_l; auto; generalize (Rmin_r r (e / K')); lra.
      * right; field; lra.
Qed.

Lemma limit_le (A : R -> (I -> R) -> Prop) f :
  (forall e r, 0 < e -> 0 < r -> exists y, A e y /\ forall k, Rabs (y k - ys k) < r) ->
  continuous_at f -> (forall e y, A e y -> f y <= e) -> f ys <= 0.
Proof.
  intros Cl F Le; apply Rnot_lt_le; intros P.
  destruct (F (f ys / 2)) as (r & r0 & Hr); [lra |].
  destruct (Cl (f ys / 2) r) as (y & Ay & Y); [lra | auto |].
  specialize (Le _ _ Ay); specialize (Hr y Y); apply Rabs_def2 in Hr; lra.
Qed.

End continuous_at.

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
