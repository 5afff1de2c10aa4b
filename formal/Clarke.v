(** * The Clarke subdifferential and the chain rule

    The paper's definition (p. 3): the convex hull of the limits of gradients.  The
    proofs use only how it behaves under a diagonal change of variables. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Vectors.
Import ListNotations.
Open Scope R_scope.

Section Clarke.
Context {J : Type} `{FiniteType J}.

(* statement: clarke *)
Definition locally_lipschitz (f : vec J -> R) : Prop :=
  forall v, exists r K, 0 < r /\ forall y z,
    norm (sub y v) < r -> norm (sub z v) < r ->
    Rabs (f z - f y) <= K * norm (sub z y).

(** D is the gradient of f at v. *)
Definition is_gradient (f : vec J -> R) (v D : vec J) : Prop :=
  forall e, 0 < e -> exists d, 0 < d /\ forall z, norm (sub z v) < d ->
    Rabs (f z - f v - inner D (sub z v)) <= e * norm (sub z v).

Definition converges (u : nat -> vec J) (v : vec J) : Prop :=
  forall j, is_lim_seq (fun i => u i j) (v j).

Definition limit_gradient (f : vec J -> R) (v D : vec J) : Prop :=
  exists vs Ds, (forall i, is_gradient f (vs i) (Ds i)) /\
    converges vs v /\ converges Ds D.

(** u is a convex combination of limits of gradients of f at v. *)
Definition clarke (f : vec J -> R) (v u : vec J) : Prop :=
  exists l : list (R * vec J),
    (forall c D, In (c, D) l -> 0 <= c /\ limit_gradient f v D) /\
    lsum fst l = 1 /\
    (forall j, u j = lsum (fun cD => fst cD * snd cD j) l).

(** What Proposition 1 says of f: along every arc v, for almost all t and all
    u in the subdifferential, d f(v(t)) / dt = < u, v'(t) >. *)
Definition admits_chain_rule (f : vec J -> R) : Prop :=
  forall v : R -> vec J, (forall j, arc (fun t => v t j)) ->
  ae (fun t => forall j, ex_derive (fun s => v s j) t) ->
  ae (fun t => forall u, clarke f (v t) u ->
    is_derive (fun s => f (v s)) t
      (inner u (fun j => Derive (fun s => v s j) t))).
(* end statement *)

(** Where f has a gradient, it is a Clarke subgradient. *)
Lemma gradient_in_clarke f v D : is_gradient f v D -> clarke f v D.
Proof.
  intros Gr; exists [(1, D)]; split; [| split]; simpl.
  - intros c E [Q | []]; injection Q as <- <-; split; [lra |].
    exists (fun _ => v), (fun _ => D); repeat split; auto;
      intros j; apply is_lim_seq_const.
  - ring.
  - intros j; ring.
Qed.

Definition mul (a v : vec J) : vec J := fun j => a j * v j.

(** The gradients of z |-> f (a z), for a with no zero component. *)
Lemma gradient_scaled f a v D :
  (forall j, a j <> 0) -> is_gradient f (mul a v) D ->
  is_gradient (fun z => f (mul a z)) v (mul a D).
Proof.
  intros A Df.
  destruct (finite_bounds (fun j => Rabs (a j))) as (m & M & m0 & M0 & B).
  { intros j; now apply Rabs_pos_lt. }
  intros e e0; destruct (Df (e / M)) as (d & d0 & Near).
  { apply Rdiv_lt_0_compat; lra. }
  exists (d / M); split; [apply Rdiv_lt_0_compat; lra |]; intros z Z.
  assert (N : norm (sub (mul a z) (mul a v)) <= M * norm (sub z v)).
  { apply norm_le_scaled; [lra |]; intros j; unfold sub, mul.
    replace (a j * z j - a j * v j) with (a j * (z j - v j)) by ring.
    rewrite Rabs_mult; apply Rmult_le_compat_r; [apply Rabs_pos | apply B]. }
  replace (inner (mul a D) (sub z v)) with (inner D (sub (mul a z) (mul a v))).
  2: { apply Sum_ext; intros j; unfold sub, mul; ring. }
  eapply Rle_trans; [apply Near |].
  - apply Rle_lt_trans with (1 := N).
    apply Rmult_lt_compat_l with (r := M) in Z; auto.
    replace (M * (d / M)) with d in Z by (field; lra); exact Z.
  - apply Rle_trans with (e / M * (M * norm (sub z v))).
    + apply Rmult_le_compat_l; auto; left; apply Rdiv_lt_0_compat; lra.
    + right; field; lra.
Qed.

Lemma mul_inv a v : (forall j, a j <> 0) ->
  mul a (mul (fun j => / a j) v) = v.
Proof.
  intros A; apply functional_extensionality; intros j; unfold mul; field; auto.
Qed.

Lemma converges_scaled a u v : converges u v ->
  converges (fun i => mul a (u i)) (mul a v).
Proof. intros C j; apply (is_lim_seq_scal_l (fun i => u i j) (a j) (v j)), C. Qed.

(** a times the subdifferential of f at a v is within that of z |-> f (a z) at v. *)
Lemma clarke_scaled f a v u :
  (forall j, a j <> 0) -> clarke f (mul a v) u ->
  clarke (fun z => f (mul a z)) v (mul a u).
Proof.
  intros A (l & In_l & One & U).
  exists (map (fun cD => (fst cD, mul a (snd cD))) l);
    split; [intros c D Member; split | split].
  - apply in_map_iff in Member; destruct Member as ([c' D'] & E & I).
    inversion E; subst; now apply (In_l _ D').
  - apply in_map_iff in Member; destruct Member as ([c' D'] & E & I).
    inversion E; subst.
    destruct (In_l _ _ I) as (_ & vs & Ds & Gr & Cv & CD).
    exists (fun i => mul (fun j => / a j) (vs i)), (fun i => mul a (Ds i)).
    repeat split.
    + intros i; apply gradient_scaled; auto; now rewrite mul_inv.
    + intros j; assert (C := converges_scaled (fun j => / a j) _ _ Cv j).
      replace (v j) with (mul (fun j => / a j) (mul a v) j); [exact C |].
      unfold mul; field; auto.
    + now apply converges_scaled.
  - rewrite <- One; clear; induction l; simpl; congruence.
  - intros j; unfold mul at 1; rewrite U; clear.
    induction l as [| [c D] l IH]; simpl; [ring |].
    rewrite Rmult_plus_distr_l, IH; unfold mul; ring.
Qed.

(** The converse, by the change of variables 1 / a. *)
Lemma clarke_unscaled f a v u :
  (forall j, a j <> 0) -> clarke (fun z => f (mul a z)) v u ->
  clarke f (mul a v) (mul (fun j => / a j) u).
Proof.
  intros A C; set (b := fun j => / a j).
  assert (B : forall j, b j <> 0) by (intros j; now apply Rinv_neq_0_compat).
  assert (E : mul b (mul a v) = v).
  { apply functional_extensionality; intros j; unfold b, mul; field; auto. }
  rewrite <- E in C; apply (clarke_scaled _ b (mul a v)) in C; auto.
  replace (fun z => f (mul a (mul b z))) with f in C; auto.
  apply functional_extensionality; intros z; unfold b; now rewrite mul_inv.
Qed.

(** A constant multiple of f. *)
Lemma clarke_multiple c f v u :
  clarke f v u -> clarke (fun z => c * f z) v (mul (fun _ => c) u).
Proof.
  intros (l & In_l & One & U).
  exists (map (fun cD => (fst cD, mul (fun _ => c) (snd cD))) l);
    split; [intros a D Member; split | split].
  - apply in_map_iff in Member; destruct Member as ([b B] & E & I).
    inversion E; subst; now apply (In_l _ B).
  - apply in_map_iff in Member; destruct Member as ([b B] & E & I).
    inversion E; subst.
    destruct (In_l _ _ I) as (_ & vs & Ds & Gr & Cv & CD).
    exists vs, (fun i => mul (fun _ => c) (Ds i)); repeat split; auto.
    + intros i e e0; assert (P := Rabs_pos c).
      destruct (Gr i (e / (Rabs c + 1))) as (d & d0 & Near).
      { apply Rdiv_lt_0_compat; lra. }
      exists d; split; auto; intros z Z; specialize (Near z Z).
      replace (inner (mul (fun _ => c) (Ds i)) (sub z (vs i)))
        with (c * inner (Ds i) (sub z (vs i))).
      2: { unfold inner; rewrite <- Sum_scal; apply Sum_ext; intros j.
           unfold mul; ring. }
      set (q := inner _ _) in *; set (n := norm _) in *.
      replace (c * f z - c * f (vs i) - c * q)
        with (c * (f z - f (vs i) - q)) by ring.
      rewrite Rabs_mult.
      assert (N : 0 <= n) by apply norm_nonneg.
      assert (e * n = (Rabs c + 1) * (e / (Rabs c + 1) * n)) by (field; lra).
      assert (0 <= e / (Rabs c + 1) * n).
      { apply Rmult_le_pos; auto; left; apply Rdiv_lt_0_compat; lra. }
      nra.
    + now apply converges_scaled.
  - rewrite <- One; clear; induction l; simpl; congruence.
  - intros j; unfold mul at 1; rewrite U; clear.
    induction l as [| [b B] l IH]; simpl; [ring |].
    rewrite Rmult_plus_distr_l, IH; unfold mul; ring.
Qed.

(** Finitely many arcs are near to their values at t at once. *)
Lemma arcs_close (v : R -> vec J) T t r : (forall j, arc (fun t => v t j)) ->
  0 <= t <= T -> 0 < r -> exists d, 0 < d /\ forall s, 0 <= s <= T ->
    Rabs (s - t) < d -> norm (sub (v s) (v t)) < r.
Proof.
  intros Av Ht r0; assert (T0 : 0 <= T) by lra.
  assert (B : exists d, 0 < d /\ forall s, 0 <= s <= T -> Rabs (s - t) < d ->
    lsum (fun j => Rabs (v s j - v t j)) enum < r).
  { revert r r0; induction enum as [| j l IH]; intros r r0.
    - exists 1; simpl; split; intros; lra.
    - destruct (IH (r / 2)) as (d & d0 & Hd); [lra |].
      destruct (AC_close _ 0 T (Av j T T0) (r / 2)) as (d' & d0' & Hd'); [lra |].
      exists (Rmin d d'); split; [minmax; lra |]; intros s Hs C; simpl.
      assert (C1 : Rabs (s - t) < d)
        by (apply Rlt_le_trans with (1 := C), Rmin_l).
      assert (C2 : Rabs (s - t) < d')
        by (apply Rlt_le_trans with (1 := C), Rmin_r).
      specialize (Hd s Hs C1); apply Rabs_def2 in C2.
      assert (Rabs (v s j - v t j) < r / 2); [| lra].
      destruct (Rle_lt_dec s t); [rewrite Rabs_minus_sym |]; apply Hd'; lra. }
  destruct B as (d & d0 & Hd); exists d; split; auto; intros s Hs C.
  eapply Rle_lt_trans; [apply norm_le_Sum | now apply Hd].
Qed.

(** The total loss along an arc is an arc. *)
Lemma arc_lipschitz_comp f (v : R -> vec J) :
  locally_lipschitz f -> (forall j, arc (fun t => v t j)) ->
  arc (fun t => f (v t)).
Proof.
  intros Lip Av T T0.
  apply AC_dominated with (fun j t => v t j) enum; [intros j; now apply Av |].
  set (P t := exists K s, 0 < s /\ forall x y, 0 <= x -> x <= y -> y <= t ->
    y - x < s -> Rabs (f (v y) - f (v x)) <= K * norm (sub (v y) (v x))).
  assert (PT : P T).
  { assert (Local : forall t, 0 <= t <= T -> exists K d, 0 < d /\
      forall x y, 0 <= x -> x <= y -> y <= T -> Rabs (x - t) < d ->
      Rabs (y - t) < d ->
      Rabs (f (v y) - f (v x)) <= K * norm (sub (v y) (v x))).
    { intros t Ht; destruct (Lip (v t)) as (r & K & r0 & HK).
      destruct (arcs_close v T t r Av Ht r0) as (d & d0 & Hd); exists K, d; split; auto.
      intros x y X Y Z Dx Dy; apply HK; apply Hd; auto; lra. }
    assert (Glue : forall t u K s K' d, 0 <= t <= T -> 0 < s -> 0 < d ->
      (forall x y, 0 <= x -> x <= y -> y <= u -> y - x < s ->
        Rabs (f (v y) - f (v x)) <= K * norm (sub (v y) (v x))) ->
      (forall x y, 0 <= x -> x <= y -> y <= T -> Rabs (x - t) < d ->
        Rabs (y - t) < d ->
        Rabs (f (v y) - f (v x)) <= K' * norm (sub (v y) (v x))) ->
      t - d / 4 <= u -> forall z, z <= t + d / 4 -> z <= T -> P z).
    { intros t u K s K' d Ht s0 d0 HK HK' U z Z ZT.
      exists (Rmax K K'), (Rmin s (d / 4)); split; [minmax; lra |].
      intros x y X Y Yz S.
      assert (S1 : y - x < s) by (apply Rlt_le_trans with (1 := S), Rmin_l).
      assert (S2 : y - x < d / 4) by (apply Rlt_le_trans with (1 := S), Rmin_r).
      assert (Nn := norm_nonneg (sub (v y) (v x))).
      destruct (Rle_lt_dec y u) as [C | C].
      - apply Rle_trans with (K * norm (sub (v y) (v x))); [apply HK; lra |].
        apply Rmult_le_compat_r; auto; apply Rmax_l.
      - apply Rle_trans with (K' * norm (sub (v y) (v x))).
        { apply HK'; auto; try lra; apply Rabs_def1; lra. }
        apply Rmult_le_compat_r; auto; apply Rmax_r. }
    apply real_induction with 0; auto.
    - exists 0, 1; split; [lra |]; intros x y X Y Z _.
      replace y with x by lra; rewrite Rminus_eq_0, Rabs_R0; lra.
    - intros t Ht (K & s & s0 & HK).
      destruct (Local t) as (K' & d & d0 & HK'); [lra |].
      exists (Rmin T (t + d / 4)); split; [minmax; lra |]; intros u Hu.
      assert (u <= T /\ u <= t + d / 4).
      { generalize (Rmin_l T (t + d / 4)) (Rmin_r T (t + d / 4)); lra. }
      apply (Glue t t K s K' d); auto; lra.
    - intros t Ht Before.
      destruct (Local t) as (K' & d & d0 & HK'); [lra |].
      set (u := Rmax 0 (t - d / 4)).
      assert (Hu : 0 <= u < t /\ t - d / 4 <= u) by (unfold u; minmax; lra).
      destruct (Before u) as (K & s & s0 & HK); [lra |].
      apply (Glue t u K s K' d); auto; lra. }
  destruct PT as (K & s & s0 & HK); exists (Rmax K 0), s; split; auto.
  intros x y X Y Z S; eapply Rle_trans; [apply HK; auto |].
  assert (N := norm_le_Sum (sub (v y) (v x))).
  assert (Nn := norm_nonneg (sub (v y) (v x))).
  apply Rle_trans with (Rmax K 0 * norm (sub (v y) (v x))).
  - apply Rmult_le_compat_r; auto; apply Rmax_l.
  - apply Rmult_le_compat_l; [apply Rmax_r | exact N].
Qed.

End Clarke.
