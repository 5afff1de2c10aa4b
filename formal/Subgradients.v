(** * Families of subgradients: convexity, bounds, compactness

    One subgradient for each of finitely many locally Lipschitz functions. *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export ClosedGraph.
Import ListNotations.
Open Scope R_scope.

Lemma finite_choice {D B} `{FiniteType D} (b : B) (P : D -> B -> Prop) :
  (forall i, exists h, P i h) -> exists h, forall i, P i (h i).
Proof.
  intros Ex; assert (A : exists h, forall i, In i enum -> P i (h i)).
  { induction enum as [| i is (h & IH)]; [exists (fun _ => b); intros ? [] |].
    destruct (Ex i) as [a Pa].
    exists (fun k => if ClassicalDedekindReals.sig_not_dec (k = i) then a else h k).
    intros k Hk; destruct (ClassicalDedekindReals.sig_not_dec (k = i)) as [Q | Q].
    - apply NNPP in Q; now subst k.
    - destruct Hk as [-> | Hk]; [now elim Q | now apply IH]. }
  destruct A as [h A]; exists h; intros i; apply A, enum_all.
Qed.

Lemma ae_all {D} `{FiniteType D} (P : D -> R -> Prop) :
  (forall i, ae (P i)) -> ae (fun t => forall i, P i t).
Proof.
  intros A; assert (Q : ae (fun t => forall i, In i enum -> P i t)).
  { induction enum as [| i is IH].
    - exists (fun t => t = 0); split; [apply null_point | intros t _ _ i []].
    - generalize (ae_and _ _ (A i) IH); apply ae_imp; intros t _ [X Y] k [<- | Ik];
        auto. }
  revert Q; apply ae_imp; intros t _ Q i; apply Q, enum_all.
Qed.

Section Cone.
Context {J : Type} `{FiniteType J}.

(** Nonnegative combinations of limits of gradients, by the sum of their weights. *)
Definition cone (f : vec J -> R) (v : vec J) (s : R) (h : vec J) : Prop :=
  exists l : list (R * vec J),
    (forall c D, In (c, D) l -> 0 <= c /\ limit_gradient f v D) /\
    lsum fst l = s /\
    (forall j, h j = lsum (fun cD => fst cD * snd cD j) l).

Lemma cone_zero f v : cone f v 0 (fun _ => 0).
Proof. exists []; split; [intros c D [] | split; auto]. Qed.

Lemma cone_add f v s t g h : cone f v s g -> cone f v t h ->
  cone f v (s + t) (fun j => g j + h j).
Proof.
  intros (l & In_l & S & E) (l' & In_l' & S' & E'); exists (l ++ l').
  split; [intros c D Member | split].
  - apply in_app_iff in Member; destruct Member as [I | I];
      [now apply (In_l c D) | now apply (In_l' c D)].
  - rewrite lsum_app; lra.
  - intros j; rewrite lsum_app, E, E'; ring.
Qed.

Lemma cone_scal f v s h a : 0 <= a -> cone f v s h ->
  cone f v (a * s) (fun j => a * h j).
Proof.
  intros A (l & In_l & S & E).
  exists (map (fun cD => (a * fst cD, snd cD)) l); split; [| split].
  - intros c D I; apply in_map_iff in I; destruct I as ([c' D'] & Q & I).
    injection Q as <- <-; destruct (In_l c' D' I); split; auto; now apply Rmult_le_pos.
  - rewrite lsum_map, <- S; cbn [fst]; clear; induction l as [| p l IH]; simpl; lra.
  - intros j; rewrite lsum_map, E; cbn [fst snd]; clear.
    induction l as [| [c D] l IH]; simpl; [ring | rewrite Rmult_plus_distr_l, IH; ring].
Qed.

Lemma clarke_segment f v g h t : 0 <= t <= 1 -> clarke f v g -> clarke f v h ->
  clarke f v (fun j => (1 - t) * g j + t * h j).
Proof.
  intros T G H'; change (cone f v 1 (fun j => (1 - t) * g j + t * h j)).
  replace 1 with ((1 - t) * 1 + t * 1) at 1 by ring.
  apply (cone_add f v _ _ (fun j => (1 - t) * g j) (fun j => t * h j));
    apply cone_scal; auto; lra.
Qed.

Lemma combination_bounded (l : list (R * vec J)) M j :
  (forall c D, In (c, D) l -> 0 <= c /\ Rabs (D j) <= M) ->
  Rabs (lsum (fun cD => fst cD * snd cD j) l) <= M * lsum fst l.
Proof.
  induction l as [| [c D] l IH]; intros B; simpl; [rewrite Rabs_R0; lra |].
  destruct (B c D (or_introl eq_refl)) as [c0 BD].
  specialize (IH (fun c D I => B c D (or_intror I))).
  eapply Rle_trans; [apply Rabs_triang |]; rewrite Rabs_mult, (Rabs_pos_eq c) by auto;
    nra.
Qed.

Lemma subgradient_bounded f v : locally_lipschitz f -> exists r M, 0 < r /\
  forall w h, norm (sub w v) < r -> clarke f w h -> forall j, Rabs (h j) <= M.
Proof.
  intros Lip; destruct (Lip v) as (r & K & r0 & HK); exists r, (Rabs K + 2); split;
    auto.
  intros w h Nw (l & In_l & One & U) j; rewrite U.
  rewrite <- (Rmult_1_r (Rabs K + 2)), <- One; apply combination_bounded.
  intros c D I; destruct (In_l c D I) as [c0 L]; split; auto.
  apply limit_gradient_weaken in L.
  destruct (L (Rmin 1 (r - norm (sub w v)))) as (z & D' & Gz & Nz & ND); [minmax;
    lra |].
  assert (Z := Rlt_le_trans _ _ _ Nz (Rmin_r _ _)).
  assert (Z' := Rlt_le_trans _ _ _ ND (Rmin_l _ _)).
  assert (Zr : norm (sub z v) < r) by (generalize (dist_triangle z w v); lra).
  assert (B := gradient_bounded f v r K z D' HK Gz Zr).
  assert (C1 := norm_ge_component D' j); assert (C2 := norm_ge_component (sub D' D) j).
  unfold sub at 1 in C2.
  apply Rabs_le_between in C1; apply Rabs_le_between in C2; apply Rabs_le; lra.
Qed.

End Cone.

(** A point and one vector for each function. *)
Inductive family_index (J D : Type) := Coordinate (j : J) | Member (i : D) (j : J).
Arguments Coordinate {J D}. Arguments Member {J D}.

Section Family.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Variable q : D -> vec J -> R.
Hypothesis Lip : forall i, locally_lipschitz (q i).

Definition subgradients (w : vec J) (h : D ->
  vec J) : Prop := forall i, clarke (q i) w (h i).

Lemma subgradients_bounded v : exists r M, 0 < r /\
  forall w h, norm (sub w v) < r -> subgradients w h -> forall i j, Rabs (h i j) <= M.
Proof.
  assert (B : exists r M, 0 < r /\ forall w h, norm (sub w v) < r -> subgradients w h ->
    forall i, In i enum -> forall j, Rabs (h i j) <= M).
  { induction (@enum D _) as [| i is (r & M & r0 & IH)].
    - exists 1, 0; split; [lra |]; intros ? ? ? ? ? [].
    - destruct (subgradient_bounded (q i) v (Lip i)) as (r' & M' & r0' & B).
      exists (Rmin r r'), (Rmax M M'); split; [minmax; lra |].
      intros w h Nw Sub k [<- | Ik] j.
      + apply Rle_trans with M'; [| apply Rmax_r].
        apply (B w (h i)); [apply Rlt_le_trans with (1 := Nw), Rmin_r | apply Sub].
      + apply Rle_trans with M; [| apply Rmax_l].
        apply (IH w h); auto; apply Rlt_le_trans with (1 := Nw), Rmin_l. }
  destruct B as (r & M & r0 & B); exists r, M; split; auto; intros w h Nw Sub i j.
  apply (B w h); auto; apply enum_all.
Qed.

Definition point (y : family_index J D -> R) : vec J := fun j => y (Coordinate j).
Definition vectors (y : family_index J D -> R) : D ->
  vec J := fun i j => y (Member i j).

(** The infimum of a continuous function over subgradients at points that tend to v is
    met by subgradients at v. *)
Lemma compact_limit v (F : vec J -> (D -> vec J) -> R) :
  (forall ys, continuous_at ys (fun y => F (point y) (vectors y))) ->
  (forall e, 0 < e -> exists w h, (forall j, Rabs (w j - v j) <= e) /\
     subgradients w h /\ F w h <= e) ->
  exists h, subgradients v h /\ F v h <= 0.
Proof.
  intros CF Ex; destruct (subgradients_bounded v) as (r & M & r0 & B).
  set (M' := Rabs M + norm v + 1); assert (Nv := norm_nonneg v).
  set (A := fun e (y : family_index J D -> R) => (forall i, Rabs (y i) <= M') /\
    (forall j, Rabs (point y j - v j) <= e) /\ subgradients (point y) (vectors y) /\
    F (point y) (vectors y) <= e).
  set (js := map Coordinate enum ++ flat_map (fun i => map (Member i) enum) enum : list
    (family_index J D)).
  assert (All : forall i, In i js).
  { intros [j | i j]; apply in_app_iff; [left; apply in_map, enum_all |].
    right; apply in_flat_map; exists i; split; [| apply in_map]; apply enum_all. }
  destruct (cluster js M' A) as [ys Cl].
  { intros e e' y Le (P1 & P2 & P3 & P4); repeat split; auto; [| lra].
    intros j; specialize (P2 j); lra. }
  { intros e e0; set (p := Sum (fun _ : J => 1)).
    assert (p0 : 0 <= p) by (apply Sum_nonneg; intros; lra).
    assert (q0 : 0 < r / (p + 1)) by (apply Rdiv_lt_0_compat; lra).
    set (s := Rmin e (Rmin 1 (r / (p + 1)))).
    assert (s0 : 0 < s /\ s <= e /\ s <= 1 /\ s <= r / (p + 1)) by (unfold s; minmax;
      lra).
    destruct (Ex s (proj1 s0)) as (w & h & Nw & Sub & Fw).
    exists (fun i => match i with Coordinate j => w j | Member i j => h i j end);
      split; [| split; [| split]].
    - assert (Dw : norm (sub w v) < r).
      { apply Rle_lt_trans with (s * p); [apply norm_small, Nw |].
        apply Rle_lt_trans with (r / (p + 1) * p); [apply Rmult_le_compat_r; lra |].
        apply Rmult_lt_reg_r with (p + 1); [lra |].
        replace (r / (p + 1) * p * (p + 1)) with (r * p) by (field; lra); nra. }
      assert (BM := Rle_abs M); assert (M0 := Rabs_pos M).
      intros [j | i j]; [| apply Rle_trans with M; [now apply (B w h) | unfold M';
        lra]].
      specialize (Nw j); assert (C := norm_ge_component v j).
      apply Rabs_le_between in Nw; apply Rabs_le_between in C; unfold M';
        apply Rabs_le; lra.
    - intros j; specialize (Nw j); unfold point; lra.
    - exact Sub.
    - unfold point, vectors; apply Rle_trans with s; [exact Fw | lra]. }
  { intros e y i (P & _); apply P. }
  assert (Cl' : forall e s, 0 < e -> 0 < s ->
    exists y, A e y /\ forall i, Rabs (y i - ys i) < s).
  { intros e s e0 s0; destruct (Cl e s e0 s0) as (y & Ay & Js); exists y; split; auto. }
  clear Cl.
  assert (Ev : point ys = v).
  { apply functional_extensionality; intros j; apply (eq_small _ _ 2); [lra |].
    intros s s0; destruct (Cl' s s) as (y & (_ & P & _) & Js); [lra | lra |].
    specialize (P j); specialize (Js (Coordinate j)); unfold point in *.
    apply Rabs_le_between in P; apply Rabs_def2 in Js; apply Rabs_le; lra. }
  exists (vectors ys); split.
  - intros i; rewrite <- Ev; apply closed_graph_lipschitz; auto; intros s s0.
    destruct (Cl' 1 s) as (y & (_ & _ & P & _) & Js); [lra | auto |].
    exists (point y), (vectors y i); split; [apply P |].
    split; intros j; [apply (Js (Coordinate j)) | apply (Js (Member i j))].
  - rewrite <- Ev.
    apply (limit_le ys A (fun y => F (point y) (vectors y))); auto.
    intros e y (_ & _ & _ & P); exact P.
Qed.

End Family.
