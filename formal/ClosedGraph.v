(** * The graph of the Clarke subdifferential is closed

    Limits of gradients are first taken by epsilons: Caratheodory's theorem bounds the
    number of terms, the Lipschitz constant the gradients,
      and [cluster] gives the limit.
    Then the sequence of the definition is chosen without an axiom of choice: "D is the
    gradient of f at z" is, for a continuous f,
      a countable intersection of countable unions
    of closed conditions on (z, D);
      one member of each union can be found (least first). *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Coq Require Import ConstructiveEpsilon.
From MarginFlow Require Export Caratheodory LimitKKT.
Import ListNotations.
Open Scope R_scope.

Section ClosedHull.
Context {J : Type} `{FiniteType J}.

(* statement: clarke eps *)
Definition limit_gradient_eps (f : vec J -> R) (v D : vec J) : Prop :=
  forall e, 0 < e -> exists z D', is_gradient f z D' /\
    norm (sub z v) < e /\ norm (sub D' D) < e.

Definition clarke_eps (f : vec J -> R) (v u : vec J) : Prop :=
  exists l : list (R * vec J),
    (forall c D, In (c, D) l -> 0 <= c /\ limit_gradient_eps f v D) /\
    lsum fst l = 1 /\
    (forall j, u j = lsum (fun cD => fst cD * snd cD j) l).

Definition closed_graph_eps (f : vec J -> R) : Prop :=
  forall v u, (forall r, 0 < r -> exists v' u', clarke_eps f v' u' /\
    (forall j, Rabs (v' j - v j) < r) /\ (forall j, Rabs (u' j - u j) < r)) ->
  clarke_eps f v u.
(* end statement *)

Lemma limit_gradient_weaken f v D : limit_gradient f v D -> limit_gradient_eps f v D.
Proof.
  intros (vs & Ds & Gr & Cv & CD) e e0.
  destruct (converges_near vs v e e0 Cv) as [n1 N1].
  destruct (converges_near Ds D e e0 CD) as [n2 N2].
  exists (vs (max n1 n2)), (Ds (max n1 n2)); split; [apply Gr |].
  split; [apply N1 | apply N2]; lia.
Qed.

Lemma clarke_weaken f v u : clarke f v u -> clarke_eps f v u.
Proof.
  intros (l & In_l & One & U); exists l; split; auto; intros c D I.
  destruct (In_l c D I); split; auto; now apply limit_gradient_weaken.
Qed.

(** A Lipschitz constant bounds the gradients. *)
Lemma gradient_bounded f v r K z D :
  (forall a b, norm (sub a v) < r -> norm (sub b v) < r ->
     Rabs (f b - f a) <= K * norm (sub b a)) ->
  is_gradient f z D -> norm (sub z v) < r -> norm D <= Rabs K + 1.
Proof.
  intros Lip Gr Z; apply Rle_trans with (Rabs K); [| lra].
  apply (clarke_lipschitz f z (r - norm (sub z v))); [lra | apply Rabs_pos | |].
  2: { now apply gradient_in_clarke. }
  intros a b A B; eapply Rle_trans.
  - assert (Da := dist_triangle a z v); assert (Db := dist_triangle b z v).
    apply Lip; lra.
  - apply Rmult_le_compat_r; [apply norm_nonneg | apply Rle_abs].
Qed.

End ClosedHull.

Lemma lsum_nth {A} (g : A -> R) d : g d = 0 -> forall l n, (length l <= n)%nat ->
  lsum (fun k => g (nth k l d)) (seq 0 n) = lsum g l.
Proof.
  intros Z; induction l as [| a l IH]; intros n L.
  - apply lsum_zero; intros k _; now destruct k.
  - destruct n as [| n]; [simpl in L; lia |].
    rewrite <- cons_seq, <- seq_shift; simpl; rewrite lsum_map; simpl.
    rewrite IH by (simpl in L; lia); reflexivity.
Qed.

Lemma lsum_ge_in {A} (g : A -> R) l a : (forall b, In b l -> 0 <= g b) -> In a l ->
  g a <= lsum g l.
Proof.
  induction l as [| b l IH]; intros P I; [easy |]; simpl.
  assert (0 <= lsum g l).
  { clear IH I; induction l as [| c l IH]; simpl; [lra |].
    assert (0 <= g c) by (apply P; right; now left).
    assert (0 <= lsum g l); [| lra]; apply IH; intros x [<- | Ix]; apply P;
      [now left | right; now right]. }
  destruct I as [<- | I]; [lra |].
  assert (0 <= g b) by (apply P; now left).
  assert (g a <= lsum g l); [| lra]; apply IH; auto; intros; apply P; now right.
Qed.

Lemma lsum_close {A} (f g : A -> R) r l : (forall a, In a l -> Rabs (f a - g a) <= r) ->
  Rabs (lsum f l - lsum g l) <= INR (length l) * r.
Proof.
  induction l as [| a l IH]; intros B.
  - simpl; rewrite Rminus_eq_0, Rabs_R0; lra.
  - change (length (a :: l)) with (S (length l)); rewrite S_INR; simpl lsum.
    assert (Ba := B a (or_introl eq_refl)).
    assert (Bl := IH (fun b Ib => B b (or_intror Ib))).
    replace (f a + lsum f l - (g a + lsum g l)) with
      ((f a - g a) + (lsum f l - lsum g l)) by ring.
    eapply Rle_trans; [apply Rabs_triang | lra].
Qed.

Lemma eq_small a b C : 0 <= C -> (forall r, 0 < r <= 1 -> Rabs (a - b) <= C * r) ->
  a = b.
Proof.
  intros C0 S; apply Rminus_diag_uniq, NNPP; intros N.
  assert (P := Rabs_pos_lt _ N).
  set (r := Rmin 1 (Rabs (a - b) / (2 * (C + 1)))).
  assert (q0 : 0 < Rabs (a - b) / (2 * (C + 1))) by (apply Rdiv_lt_0_compat; lra).
  assert (r0 : 0 < r <= 1 /\ r <= Rabs (a - b) / (2 * (C + 1))) by (unfold r; minmax;
    lra).
  specialize (S r (proj1 r0)); destruct r0 as [r0 r1].
  apply Rmult_le_compat_l with (r := C + 1) in r1; [| lra].
  replace ((C + 1) * (Rabs (a - b) / (2 * (C + 1)))) with (Rabs (a - b) / 2) in r1
    by (field; lra); nra.
Qed.

(** Products of near factors are near. *)
Lemma product_near a b a' b' M r : 0 < r <= 1 -> Rabs a <= M -> Rabs b <= M ->
  Rabs (a - a') < r -> Rabs (b - b') < r -> Rabs (a * b - a' * b') <= (2 * M + 1) * r.
Proof.
  intros r0 B1 B2 A1 A2.
  assert (Bb : Rabs b' <= M + 1).
  { apply Rabs_def2 in A2; apply Rabs_le_between in B2; apply Rabs_le; lra. }
  replace (a * b - a' * b') with (a * (b - b') + b' * (a - a')) by ring.
  eapply Rle_trans; [apply Rabs_triang |]; rewrite !Rabs_mult.
  assert (X1 : Rabs a * Rabs (b - b') <= M * r)
    by (apply Rmult_le_compat; try apply Rabs_pos; lra).
  assert (X2 : Rabs b' * Rabs (a - a') <= (M + 1) * r)
    by (apply Rmult_le_compat; try apply Rabs_pos; lra).
  lra.
Qed.

(** The coordinates of a convex combination: its weights and its vectors. *)
Inductive hull_index (J : Type) := Share (k : nat) | Gradient (k : nat) (j : J).
Arguments Share {J}. Arguments Gradient {J}.

Section Closed.
Context {J : Type} `{FiniteType J}.
Variable f : vec J -> R.
Hypothesis Lip : locally_lipschitz f.

Let N := S (length (enum (J := J))).

(** y holds a convex combination of N gradients near v that is near u. *)
Definition near_hull v u M e (y : hull_index J -> R) : Prop :=
  (forall i, Rabs (y i) <= M) /\ (forall k, 0 <= y (Share k)) /\
  lsum (fun k => y (Share k)) (seq 0 N) = 1 /\
  (forall k, exists z D', is_gradient f z D' /\ norm (sub z v) < e /\
     norm (sub D' (fun j => y (Gradient k j))) < e) /\
  (forall j, Rabs (lsum (fun k => y (Share k) * y (Gradient k j)) (seq 0 N) - u j) <=
    e).

(** Limits of gradients near v are bounded by the Lipschitz constant at v. *)
Lemma limit_gradient_bounded v v' r K D : 0 < r ->
  (forall a b, norm (sub a v) < r -> norm (sub b v) < r ->
     Rabs (f b - f a) <= K * norm (sub b a)) ->
  norm (sub v' v) < r / 2 -> limit_gradient_eps f v' D ->
  forall j, Rabs (D j) <= Rabs K + 2.
Proof.
  intros r0 HK Dv LG j.
  destruct (LG (Rmin 1 (r / 2))) as (z & D' & Gz & Nz & ND); [minmax; lra |].
  assert (T1 := Rlt_le_trans _ _ _ Nz (Rmin_r 1 (r / 2))).
  assert (T2 := Rlt_le_trans _ _ _ ND (Rmin_l 1 (r / 2))).
  assert (Zr : norm (sub z v) < r) by (generalize (dist_triangle z v' v); lra).
  assert (B := gradient_bounded f v r K z D' HK Gz Zr).
  assert (C1 := norm_ge_component D' j); assert (C2 := norm_ge_component (sub D' D) j).
  unfold sub at 1 in C2.
  apply Rabs_le_between in C1; apply Rabs_le_between in C2; apply Rabs_le; lra.
Qed.

Lemma near_hull_exists v u :
  (forall r, 0 < r -> exists v' u', clarke_eps f v' u' /\
    (forall j, Rabs (v' j - v j) < r) /\ (forall j, Rabs (u' j - u j) < r)) ->
  exists M, 1 <= M /\ forall e, 0 < e -> exists y, near_hull v u M e y.
Proof.
  intros Near; destruct (Lip v) as (r & K & r0 & HK); assert (K0 := Rabs_pos K).
  exists (Rabs K + 2); split; [lra |]; intros e e0.
  set (p := Sum (fun _ : J => 1)).
  assert (p0 : 0 <= p) by (apply Sum_nonneg; intros; lra).
  set (m := Rmin e r / 2); assert (m0 : 0 < m /\ m <= e / 2 /\ m <= r / 2)
    by (unfold m; minmax; lra).
  set (s := Rmin e (m / (p + 1))).
  assert (q0 : 0 < m / (p + 1)) by (apply Rdiv_lt_0_compat; lra).
  assert (s0 : 0 < s /\ s <= e /\ s <= m / (p + 1)) by (unfold s; minmax; lra).
  destruct (Near s (proj1 s0)) as (v' & u' & (l & In_l & One & U) & Nv & Nu).
  assert (Dv : norm (sub v' v) < m).
  { apply Rle_lt_trans with (s * p).
    - apply norm_small; intros j; left; apply Nv.
    - apply Rle_lt_trans with (m / (p + 1) * p); [apply Rmult_le_compat_r; lra |].
      apply Rmult_lt_reg_r with (p + 1); [lra |].
      replace (m / (p + 1) * p * (p + 1)) with (m * p) by (field; lra); nra. }
  destruct (caratheodory l) as (l' & L' & In' & One' & U'); auto.
  { intros c D I; now apply (In_l c D). }
  assert (Pl : forall c D, In (c, D) l' -> 0 <= c /\ limit_gradient_eps f v' D).
  { intros c D I; destruct (In' c D I) as [Pc (c' & I')]; split; auto.
    now apply (In_l c' D). }
  clear In' In_l.
  destruct l' as [| [c0 D0] l0]; [simpl in One'; lra |];
    set (l1 := (c0, D0) :: l0) in *.
  assert (I0 : In (c0, D0) l1) by now left.
  clearbody l1.
  set (y := fun i : hull_index J => match i with
    | Share k => fst (nth k l1 (0, D0)) | Gradient k j => snd (nth k l1 (0, D0)) j end).
  assert (Py : forall k, 0 <= y (Share k) <= 1 /\
    limit_gradient_eps f v' (fun j => y (Gradient k j))).
  { intros k; simpl; destruct (nth_in_or_default k l1 (0, D0)) as [I | ->]; simpl.
    - destruct (nth k l1 (0, D0)) as [c D]; simpl.
      destruct (Pl c D I) as [Pc LD]; split; [split |]; auto.
      rewrite <- One'; change c with (fst (c, D)); apply lsum_ge_in; auto.
      intros [c' D'] I'; simpl; now apply (Pl c' D').
    - split; [lra |]; now apply (Pl c0 D0). }
  exists y; repeat split.
  - intros [k | k j].
    2: { apply (limit_gradient_bounded v v' r K (fun j => y (Gradient k j)) r0 HK);
         [lra | apply Py]. }
    destruct (Py k) as [B _]; rewrite Rabs_pos_eq; lra.
  - intros k; apply Py.
  - rewrite <- One'; exact (lsum_nth fst (0, D0) eq_refl l1 N L').
  - intros k; destruct (Py k) as [_ LG];
      destruct (LG (e / 2)) as (z & D' & Gz & Nz & ND);
      [lra |]; exists z, D'; repeat split; auto; [| lra].
    generalize (dist_triangle z v' v); lra.
  - intros j; assert (Z : fst (0, D0) * snd (0, D0) j = 0) by (simpl; ring).
    assert (E := lsum_nth (fun cD : R * vec J => fst cD * snd cD j) (0, D0) Z l1 N L').
    rewrite U', <- U in E;
      change (lsum (fun k => y (Share k) * y (Gradient k j)) (seq 0 N) = u' j) in E.
    rewrite E; left; apply Rlt_le_trans with (1 := Nu j); lra.
Qed.

Theorem closed_graph_eps_lipschitz : closed_graph_eps f.
Proof.
  intros v u Near; destruct (near_hull_exists v u Near) as (M & M1 & Ex); clear Near.
  set (js := flat_map (fun k => Share k :: map (Gradient k) enum) (seq 0 N)).
  destruct (cluster js M (near_hull v u M)) as [ys Cl].
  { intros e e' y Le (P1 & P2 & P3 & P4 & P5); repeat split; auto.
    - intros k; destruct (P4 k) as (z & D' & G & A & B); exists z, D'; repeat split;
        auto; lra.
    - intros j; specialize (P5 j); lra. }
  { exact Ex. }
  { intros e y i (P & _); apply P. }
  assert (JW : forall k, In k (seq 0 N) -> In (Share k) js).
  { intros k I; apply in_flat_map; exists k; split; auto; now left. }
  assert (JG : forall k j, In k (seq 0 N) -> In (Gradient k j) js).
  { intros k j I; apply in_flat_map; exists k; split; auto; right.
    apply in_map, enum_all. }
  set (n := INR N); assert (n0 : 0 <= n) by apply pos_INR.
  assert (Ln : INR (length (seq 0 N)) = n) by (now rewrite seq_length).
  exists (map (fun k => (ys (Share k), fun j => ys (Gradient k j))) (seq 0 N));
    split; [intros c D Member; split | split].
  - apply in_map_iff in Member; destruct Member as (k & E & I); injection E as <- <-.
    apply Rnot_lt_le; intros Neg.
    destruct (Cl 1 (- ys (Share k))) as (y & (_ & P & _) & Js); [lra | lra |].
    specialize (Js _ (JW k I)); specialize (P k); apply Rabs_def2 in Js; lra.
  - apply in_map_iff in Member; destruct Member as (k & E & I); injection E as <- <-.
    intros e e0; set (p := Sum (fun _ : J => 1)).
    assert (p0 : 0 <= p) by (apply Sum_nonneg; intros; lra).
    set (r := e / (2 * (p + 1))); assert (r0 : 0 < r) by (apply Rdiv_lt_0_compat; lra).
    destruct (Cl (e / 2) r) as (y & (_ & _ & _ & P & _) & Js); [lra | auto |].
    destruct (P k) as (z & D' & Gz & Nz & ND); exists z, D'; repeat split; auto;
      [lra |].
    eapply Rle_lt_trans; [apply dist_triangle with (b := fun j => y (Gradient k j)) |].
    assert (S : norm (sub (fun j => y (Gradient k j)) (fun j => ys (Gradient k j))) <=
      r * p).
    { apply norm_small; intros j; left; apply (Js (Gradient k j)), JG, I. }
    assert (r * p <= e / 2); [| lra].
    replace (e / 2) with (r * (p + 1)) by (unfold r; field; lra).
    apply Rmult_le_compat_l; lra.
  - rewrite lsum_map; cbn [fst snd]; apply (eq_small _ _ n n0); intros r r0.
    destruct (Cl 1 r) as (y & (_ & _ & One & _) & Js); [lra | lra |].
    rewrite <- One, <- Ln; apply lsum_close; intros k I.
    rewrite Rabs_minus_sym; left; apply Js, JW, I.
  - intros j; rewrite lsum_map; cbn [fst snd].
    assert (C0 : 0 <= 1 + n * (2 * M + 1)) by nra.
    apply (eq_small _ _ _ C0); intros r r0.
    destruct (Cl r r) as (y & (B & _ & _ & _ & U) & Js); [lra | lra |].
    specialize (U j); set (S1 := lsum (fun k => y (Share k) * y (Gradient k j)) (seq 0
      N)) in *.
    assert (S2 : Rabs (S1 - lsum (fun k => ys (Share k) * ys (Gradient k j)) (seq 0 N))
      <=
      n * ((2 * M + 1) * r)).
    { rewrite <- Ln; apply lsum_close; intros k I.
      apply product_near; [lra | apply B | apply B | now apply Js, JW |].
      now apply Js, JG. }
    rewrite Rabs_minus_sym in U.
    apply Rabs_le_between in U; apply Rabs_le_between in S2; apply Rabs_le; lra.
Qed.

End Closed.

Lemma least_nat (P : nat -> Prop) : (exists n, P n) -> {n | P n}.
Proof.
  intros Ex.
  destruct (constructive_indefinite_ground_description_nat (fun n => ~ ~ P n))
    as [n Pn].
  - intros n; destruct (ClassicalDedekindReals.sig_not_dec (P n)); [now left | right;
      tauto].
  - destruct Ex as [n Pn]; exists n; tauto.
  - exists n; now apply NNPP.
Qed.

Section Select.
Context {I : Type} (js : list I) (M : R) (P : nat -> nat -> (I -> R) -> Prop).
Hypothesis closed : forall m k ys,
  (forall r, 0 < r -> exists y, P m k y /\ forall i, In i js ->
    Rabs (y i - ys i) < r) ->
  P m k ys.

Definition inhabited_by (B : (I -> R) -> Prop) : Prop :=
  exists y, B y /\ (forall i, Rabs (y i) <= M) /\ forall m, exists k, P m k y.

Hypothesis start : inhabited_by (fun _ => True).

Lemma narrow (B : (I -> R) -> Prop) m : inhabited_by B ->
  {k | inhabited_by (fun y => B y /\ P m k y)}.
Proof.
  intros Inh; apply least_nat; destruct Inh as (y & By & Bd & All).
  destruct (All m) as [k Pk]; exists k, y; repeat split; auto.
Qed.

Fixpoint narrowed (m : nat) : {B | inhabited_by B} :=
  match m with
  | O => exist inhabited_by _ start
  | S m => let B := narrowed m in
      let k := narrow (proj1_sig B) m (proj2_sig B) in
      exist inhabited_by _ (proj2_sig k)
  end.

Lemma narrowed_antitone m m' y : (m <= m')%nat ->
  proj1_sig (narrowed m') y -> proj1_sig (narrowed m) y.
Proof. induction 1; auto; simpl; intros [B _]; auto. Qed.

Lemma select : {y | forall m, exists k, P m k y}.
Proof.
  destruct (cluster_point js M (fun e y => (forall i, Rabs (y i) <= M) /\
    forall m, INR m * e <= 1 -> proj1_sig (narrowed m) y)) as [ys Cl].
  - intros e e' y Le [Bd B]; split; auto; intros m Hm; apply B.
    apply Rle_trans with (2 := Hm), Rmult_le_compat_l; auto; apply pos_INR.
  - intros e e0; destruct (archimed_cor1 e e0) as (n & Hn & n0).
    assert (n0' : 0 < INR n) by now apply lt_0_INR.
    destruct (proj2_sig (narrowed n)) as (y & By & Bd & _); exists y; split; auto.
    intros m Hm; apply (narrowed_antitone m n); auto.
    apply INR_le; apply Rmult_le_reg_r with e; auto; apply Rle_trans with (1 := Hm).
    apply Rmult_lt_compat_l with (r := INR n) in Hn; auto.
    rewrite Rinv_r in Hn by lra; lra.
  - now intros e y i [Bd _].
  - exists ys; intros m.
    exists (proj1_sig (narrow (proj1_sig (narrowed m)) m (proj2_sig (narrowed m)))).
    apply closed; intros r r0.
    assert (m0 : 0 < INR (S m)) by (apply lt_0_INR; lia).
    destruct (Cl (/ INR (S m)) r) as (y & [_ B] & Js); auto;
      [now apply Rinv_0_lt_compat |].
    exists y; split; auto; apply (B (S m)); rewrite Rinv_r; lra.
Qed.

End Select.

Section Sequence.
Context {J : Type} `{FiniteType J}.
Variable f : vec J -> R.
Hypothesis Lip : locally_lipschitz f.

Definition pt (y : J + J -> R) : vec J := fun j => y (inl j).
Definition gr (y : J + J -> R) : vec J := fun j => y (inr j).

Definition gradient_within (v D : vec J) (n m k : nat) (y : J + J -> R) : Prop :=
  (forall j, Rabs (pt y j - v j) <= / INR (S n)) /\
  (forall j, Rabs (gr y j - D j) <= / INR (S n)) /\
  forall x, norm (sub x (pt y)) < / INR (S k) ->
    Rabs (f x - f (pt y) - inner (gr y) (sub x (pt y))) <=
      / INR (S m) * norm (sub x (pt y)).

Lemma dist_lipschitz (x : vec J) : locally_lipschitz (fun w => norm (sub x w)).
Proof.
  intros v; exists 1, 1; split; [lra |]; intros a b _ _; rewrite Rmult_1_l.
  assert (A := dist_triangle x a b); assert (B := dist_triangle x b a).
  rewrite (dist_sym a b) in A; apply Rabs_le; lra.
Qed.

Let both : list (J + J) := map inl enum ++ map inr enum.

Lemma in_both i : In i both.
Proof.
  apply in_app_iff; destruct i as [j | j]; [left | right]; apply in_map, enum_all.
Qed.

Lemma gradient_within_closed v D n m k ys :
  (forall r, 0 < r -> exists y, gradient_within v D n m k y /\
     forall i, In i both -> Rabs (y i - ys i) < r) ->
  gradient_within v D n m k ys.
Proof.
  intros Cl.
  assert (Close : forall a b c, (forall r, 0 < r -> exists y, Rabs (y - b) <= c /\
      Rabs (y - a) < r) -> Rabs (a - b) <= c).
  { intros a b c E; apply le_epsilon; intros e e0; destruct (E e e0) as (y & Y & Z).
    apply Rabs_le_between in Y; apply Rabs_def2 in Z; apply Rabs_le; lra. }
  split; [| split].
  - intros j; apply Close; intros r r0; destruct (Cl r r0) as (y & (A & _) & Js).
    exists (pt y j); split; auto; apply (Js (inl j)), in_both.
  - intros j; apply Close; intros r r0; destruct (Cl r r0) as (y & (_ & A & _) & Js).
    exists (gr y j); split; auto; apply (Js (inr j)), in_both.
  - intros x X; set (c := / INR (S m)); set (dk := / INR (S k)) in *.
    assert (CN : continuous_at ys (fun y => norm (sub x (pt y))))
      by exact (continuous_at_lipschitz ys (fun w => norm (sub x w)) inl
        (dist_lipschitz x)).
    set (g := fun y => Rabs (f x + (-1 * f (pt y) +
      -1 * Sum (fun j => y (inr j) * (x j + -1 * y (inl j))))) + - c * norm (sub x (pt
        y))).
    assert (Cg : continuous_at ys g).
    { apply (continuous_at_plus ys (fun y => Rabs (f x + (-1 * f (pt y) +
        -1 * Sum (fun j => y (inr j) * (x j + -1 * y (inl j)))))));
        [| now apply continuous_at_scal].
      apply continuous_at_abs, (continuous_at_plus ys (fun _ => f x));
        [apply continuous_at_const |].
      apply (continuous_at_plus ys (fun y => -1 * f (pt y))).
      - apply continuous_at_scal; exact (continuous_at_lipschitz ys f inl Lip).
      - apply continuous_at_scal,
          (continuous_at_Sum ys (fun j y => y (inr j) * (x j + -1 * y (inl j)))).
        intros j; apply (continuous_at_mult ys (fun y => y (inr j)));
          [apply continuous_at_coord |].
        apply (continuous_at_plus ys (fun _ => x j)); [apply continuous_at_const |].
        apply continuous_at_scal, continuous_at_coord. }
    assert (Eg : forall y, Rabs (f x - f (pt y) - inner (gr y) (sub x (pt y))) -
      c * norm (sub x (pt y)) = g y).
    { intros y; unfold g.
      replace (f x + (-1 * f (pt y) + -1 * Sum (fun j => y (inr j) * (x j + -1 * y (inl
        j)))))
        with (f x - f (pt y) - inner (gr y) (sub x (pt y))); [ring |].
      replace (inner (gr y) (sub x (pt y))) with
        (Sum (fun j => y (inr j) * (x j + -1 * y (inl j)))); [ring |].
      apply Sum_ext; intros j; unfold gr, sub, pt; ring. }
    assert (Z : g ys <= 0); [| rewrite <- Eg in Z; lra].
    apply (limit_le ys (fun e y => g y <= 0 /\ 0 < e)); auto.
    + intros e r e0 r0.
      destruct (CN (dk - norm (sub x (pt ys)))) as (s & s0 & Hs); [lra |].
      destruct (Cl (Rmin r s)) as (y & (_ & _ & A) & Js); [minmax; lra |].
      assert (Js' : forall i, Rabs (y i - ys i) < Rmin r s) by (intros i;
        apply Js, in_both).
      exists y; split; [split; auto | intros i;
        apply Rlt_le_trans with (1 := Js' i), Rmin_l].
      rewrite <- Eg; specialize (Hs y (fun i => Rlt_le_trans _ _ _ (Js' i) (Rmin_r r
        s))).
      cbv beta in Hs; apply Rabs_def2 in Hs; fold dk in A; specialize (A x ltac:(lra)).
      fold c in A; lra.
    + intros e y [A e0]; lra.
Qed.

Lemma small_inverse e : 0 < e -> exists n, / INR (S n) < e.
Proof.
  intros e0; destruct (archimed_cor1 e e0) as (n & Hn & n0); exists n.
  apply Rle_lt_trans with (2 := Hn), Rinv_le_contravar; [now apply lt_0_INR |].
  apply le_INR; lia.
Qed.

Lemma choose_gradient v D n : limit_gradient_eps f v D ->
  {y | forall m, exists k, gradient_within v D n m k y}.
Proof.
  intros L; apply (select both (norm v + norm D + 1)).
  { intros; now apply gradient_within_closed. }
  assert (n0 : 0 < / INR (S n)) by (apply Rinv_0_lt_compat, lt_0_INR; lia).
  destruct (L (Rmin 1 (/ INR (S n)))) as (z & D' & Gz & Nz & ND); [minmax; lra |].
  assert (Z1 := Rlt_le_trans _ _ _ Nz (Rmin_l _ _)).
  assert (Z2 := Rlt_le_trans _ _ _ Nz (Rmin_r _ _)).
  assert (D1 := Rlt_le_trans _ _ _ ND (Rmin_l _ _)).
  assert (D2 := Rlt_le_trans _ _ _ ND (Rmin_r _ _)).
  assert (Bz := norm_ge_component (sub z v));
    assert (BD := norm_ge_component (sub D' D)).
  assert (Bv := norm_ge_component v); assert (BE := norm_ge_component D).
  assert (Nv := norm_nonneg v); assert (NE := norm_nonneg D).
  unfold sub at 1 in Bz; unfold sub at 1 in BD.
  exists (fun i => match i with inl j => z j | inr j => D' j end); split;
    [exact I | split].
  - intros [j | j]; specialize (Bz j); specialize (BD j); specialize (Bv j);
      specialize (BE j); apply Rabs_le_between in Bz; apply Rabs_le_between in BD;
      apply Rabs_le_between in Bv; apply Rabs_le_between in BE; apply Rabs_le; lra.
  - intros m; destruct (Gz (/ INR (S m))) as (d & d0 & Near).
    { apply Rinv_0_lt_compat, lt_0_INR; lia. }
    destruct (small_inverse d d0) as [k Hk]; exists k; split; [| split].
    + intros j; specialize (Bz j); unfold pt; lra.
    + intros j; specialize (BD j); unfold gr; lra.
    + intros x X; apply Near; exact (Rlt_trans _ _ _ X Hk).
Qed.

(** The two forms of a limit of gradients agree. *)
Theorem limit_gradient_strengthen v D : limit_gradient_eps f v D ->
  limit_gradient f v D.
Proof.
  intros L; set (ys := fun n => proj1_sig (choose_gradient v D n L)).
  assert (Ys : forall n m, exists k, gradient_within v D n m k (ys n))
    by (intros n; exact (proj2_sig (choose_gradient v D n L))).
  assert (Lim : forall (s : nat -> R) a, (forall n, Rabs (s n - a) <= / INR (S n)) ->
    is_lim_seq s a).
  { intros s a B; apply is_lim_seq_spec; intros e.
    destruct (small_inverse e (cond_pos e)) as [n0 N0]; exists n0; intros n Hn.
    apply Rle_lt_trans with (1 := B n); apply Rle_lt_trans with (2 := N0).
    apply Rinv_le_contravar; [apply lt_0_INR; lia | apply le_INR; lia]. }
  exists (fun n => pt (ys n)), (fun n => gr (ys n)); repeat split.
  - intros n e e0; destruct (small_inverse e e0) as [m Hm].
    destruct (Ys n m) as (k & _ & _ & G); exists (/ INR (S k)); split.
    { apply Rinv_0_lt_compat, lt_0_INR; lia. }
    intros z Z; apply Rle_trans with (1 := G z Z), Rmult_le_compat_r;
      [apply norm_nonneg | lra].
  - intros j; apply Lim; intros n; destruct (Ys n O) as (k & B & _); apply B.
  - intros j; apply Lim; intros n; destruct (Ys n O) as (k & _ & B & _); apply B.
Qed.

Theorem clarke_eps_iff v u : clarke_eps f v u <-> clarke f v u.
Proof.
  split; [| apply clarke_weaken].
  intros (l & In_l & One & U); exists l; split; auto; intros c D I.
  destruct (In_l c D I); split; auto; now apply limit_gradient_strengthen.
Qed.

(** The graph of the subdifferential, as the paper defines it, is closed. *)
Theorem closed_graph_lipschitz : closed_graph f.
Proof.
  intros v u Near; apply clarke_eps_iff, (closed_graph_eps_lipschitz f Lip).
  intros r r0; destruct (Near r r0) as (v' & u' & C & A & B); exists v', u';
    repeat split; auto.
  now apply clarke_weaken.
Qed.

End Sequence.
