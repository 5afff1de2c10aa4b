(** * Norms, gradients and continuity in finitely many variables *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Clarke.
Import ListNotations.
Open Scope R_scope.

(** ** Sums and norms *)

Section Norms.
Context {J : Type} `{FiniteType J}.

Lemma norm_0 (v : vec J) : (forall j, v j = 0) -> norm v = 0.
Proof.
  intros Z; unfold norm; rewrite <- sqrt_0; f_equal.
  transitivity (Sum (fun _ : J => 0 * 0)); [| rewrite Sum_scal; ring].
  apply Sum_ext; intros j; rewrite Z; ring.
Qed.

Lemma norm_scal s (v : vec J) : norm (fun j => s * v j) = Rabs s * norm v.
Proof.
  unfold norm; rewrite <- (sqrt_pow2 (Rabs s)) by apply Rabs_pos.
  rewrite <- sqrt_mult_alt by apply pow2_ge_0; f_equal.
  rewrite <- Sum_scal; apply Sum_ext; intros j; rewrite pow2_abs; ring.
Qed.

Lemma norm_ext (u v : vec J) : (forall j, u j = v j) -> norm u = norm v.
Proof. intros E; unfold norm; f_equal; apply Sum_ext; intros j; now rewrite E. Qed.

Lemma inner_scal s (u v : vec J) : inner u (fun j => s * v j) = s * inner u v.
Proof. unfold inner; rewrite <- Sum_scal; apply Sum_ext; intros; ring. Qed.

(** A gradient gives the derivative along a line. *)
Lemma gradient_line f (v D d : vec J) : is_gradient f v D ->
  is_derive (fun s => f (fun j => v j + s * d j)) 0 (inner D d).
Proof.
  intros Gr; apply is_derive_Reals; intros e e0.
  set (N := norm d); assert (N0 : 0 <= N) by apply norm_nonneg.
  destruct (Gr (e / (2 * (N + 1)))) as (r & r0 & Near).
  { apply Rdiv_lt_0_compat; lra. }
  assert (dl : 0 < r / (N + 1)) by (apply Rdiv_lt_0_compat; lra).
  exists (mkposreal _ dl); intros s s0 S; simpl in S.
  assert (Z : forall j, sub (fun j => v j + s * d j) v j = s * d j)
    by (intros j; unfold sub; ring).
  specialize (Near (fun j => v j + (0 + s) * d j)).
  replace (fun j => v j + (0 + s) * d j) with (fun j => v j + s * d j) in *
    by (apply functional_extensionality; intros j; ring).
  rewrite (norm_ext _ _ Z), norm_scal in Near; fold N in Near.
  replace (inner D (sub (fun j => v j + s * d j) v)) with (s * inner D d) in Near.
  2: { rewrite <- inner_scal; unfold inner; apply Sum_ext; intros j; now rewrite Z. }
  replace (fun j => v j + 0 * d j) with v
    by (apply functional_extensionality; intros j; ring).
  assert (A : Rabs s * N < r).
  { apply Rle_lt_trans with (Rabs s * (N + 1)).
    - apply Rmult_le_compat_l; [apply Rabs_pos | lra].
    - apply Rmult_lt_compat_r with (r := N + 1) in S; [| lra].
      unfold Rdiv in S; rewrite Rmult_assoc, Rinv_l, Rmult_1_r in S; lra. }
  specialize (Near A).
  set (q := f (fun j => v j + s * d j) - f v) in *.
  replace (q / s - inner D d) with ((q - s * inner D d) / s) by (field; auto).
  unfold Rdiv; rewrite Rabs_mult, Rabs_inv.
  assert (As : 0 < Rabs s) by now apply Rabs_pos_lt.
  apply Rmult_lt_reg_r with (Rabs s); auto.
  rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
  apply Rle_lt_trans with (1 := Near).
  apply Rle_lt_trans with (e / 2 * Rabs s); [| nra].
  apply Rle_trans with (e / (2 * (N + 1)) * (Rabs s * (N + 1))).
  - apply Rmult_le_compat_l; [left; apply Rdiv_lt_0_compat; lra |].
    apply Rmult_le_compat_l; lra.
  - right; field; lra.
Qed.

Lemma is_lim_seq_Sum (f : J -> nat -> R) (l : vec J) :
  (forall j, is_lim_seq (f j) (l j)) ->
  is_lim_seq (fun n => Sum (fun j => f j n)) (Sum l).
Proof.
  intros C; unfold Sum; induction enum as [| j js IH]; simpl.
  - apply is_lim_seq_const.
  - now apply is_lim_seq_plus'.
Qed.

Lemma inner_lim (Ds vs : nat -> vec J) D v :
  converges Ds D -> converges vs v ->
  is_lim_seq (fun n => inner (Ds n) (vs n)) (inner D v).
Proof.
  intros CD Cv; unfold inner.
  apply (is_lim_seq_Sum (fun j n => Ds n j * vs n j) (fun j => D j * v j)).
  intros j; now apply is_lim_seq_mult'.
Qed.

Lemma converges_near (vs : nat -> vec J) v r : 0 < r -> converges vs v ->
  exists N, forall n, (N <= n)%nat -> norm (sub (vs n) v) < r.
Proof.
  intros r0 C.
  assert (S : is_lim_seq (fun n => Sum (fun j => Rabs (vs n j - v j)))
                (Sum (fun _ : J => 0))).
  { apply (is_lim_seq_Sum (fun j n => Rabs (vs n j - v j))); intros j.
    rewrite <- Rabs_R0, <- (Rminus_eq_0 (v j)); apply (is_lim_seq_abs _ (v j - v j)).
    apply is_lim_seq_minus'; [apply C | apply is_lim_seq_const]. }
  replace (Sum (fun _ : J => 0)) with 0 in S.
  2: { transitivity (Sum (fun _ : J => 0 * 0)); [rewrite Sum_scal; ring |].
       apply Sum_ext; intros; ring. }
  apply is_lim_seq_spec in S; destruct (S (mkposreal r r0)) as [N HN].
  exists N; intros n Hn; specialize (HN n Hn); simpl in HN.
  rewrite Rminus_0_r in HN; apply Rle_lt_trans with (2 := HN).
  eapply Rle_trans; [apply norm_le_Sum | apply Rle_abs].
Qed.

(** A locally Lipschitz function is continuous along sequences. *)
Lemma lipschitz_lim f (vs : nat -> vec J) v :
  locally_lipschitz f -> converges vs v -> is_lim_seq (fun n => f (vs n)) (f v).
Proof.
  intros Lip C; destruct (Lip v) as (r & K & r0 & HK).
  apply is_lim_seq_spec; intros e.
  set (K' := Rmax K 0 + 1); assert (K' > 0 /\ K <= K') by (unfold K'; minmax; lra).
  assert (d0 : 0 < Rmin r (e / K')).
  { assert (0 < e / K') by (apply Rdiv_lt_0_compat; [apply cond_pos | lra]); minmax;
      lra. }
  destruct (converges_near vs v _ d0 C) as [N HN]; exists N; intros n Hn.
  specialize (HN n Hn).
  assert (N1 : norm (sub (vs n) v) < r) by (apply Rlt_le_trans with (1 := HN), Rmin_l).
  assert (N2 : norm (sub (vs n) v) < e / K')
    by (apply Rlt_le_trans with (1 := HN), Rmin_r).
  eapply Rle_lt_trans; [apply HK; auto |].
  { rewrite norm_0; auto; intros j; unfold sub; ring. }
  assert (P := norm_nonneg (sub (vs n) v)).
  apply Rle_lt_trans with (K' * norm (sub (vs n) v)); [apply Rmult_le_compat_r; lra |].
  apply Rmult_lt_reg_l with (/ K'); [apply Rinv_0_lt_compat; lra |].
  rewrite <- Rmult_assoc, Rinv_l, Rmult_1_l, Rmult_comm by lra; exact N2.
Qed.

Lemma Sum_plus (f g : J -> R) : Sum (fun j => f j + g j) = Sum f + Sum g.
Proof. unfold Sum; induction enum; simpl; [ring | rewrite IHl; ring]. Qed.

Lemma Sum_swap {I} `{FiniteType I} (f : I -> J -> R) :
  Sum (fun i => Sum (fun j => f i j)) = Sum (fun j => Sum (fun i => f i j)).
Proof.
  unfold Sum at 1 4; induction (enum (J := I)) as [| i l IH]; simpl.
  - transitivity (Sum (fun _ : J => 0 * 0)); [rewrite Sum_scal; ring |].
    apply Sum_ext; intros; ring.
  - rewrite IH, <- Sum_plus; reflexivity.
Qed.

Lemma inner_comm (a b : vec J) : inner a b = inner b a.
Proof. unfold inner; apply Sum_ext; intros; ring. Qed.

Lemma inner_self (a : vec J) : inner a a = norm a ^ 2.
Proof. rewrite norm_sqr; unfold inner; apply Sum_ext; intros; ring. Qed.

Lemma inner_sub (a b c : vec J) : inner a (sub b c) = inner a b - inner a c.
Proof.
  unfold inner; transitivity (Sum (fun j => a j * b j + -1 * (a j * c j))).
  - apply Sum_ext; intros; unfold sub; ring.
  - rewrite Sum_plus, Sum_scal; ring.
Qed.

Lemma cauchy_schwarz (f g : J -> R) :
  Sum (fun j => f j * g j) ^ 2 <= Sum (fun j => f j ^ 2) * Sum (fun j => g j ^ 2).
Proof.
  set (S := Sum (fun j => f j * g j)); set (A := Sum (fun j => f j ^ 2)).
  set (B := Sum (fun j => g j ^ 2)).
  assert (B0 : 0 <= B) by (apply Sum_nonneg; intros; apply pow2_ge_0).
  destruct B0 as [B0 | B0].
  - assert (P : 0 <= Sum (fun j => (B * f j - S * g j) ^ 2))
      by (apply Sum_nonneg; intros; apply pow2_ge_0).
    assert (E : Sum (fun j => (B * f j - S * g j) ^ 2) = B * (B * A - S ^ 2)).
    { transitivity (Sum (fun j => B ^ 2 * f j ^ 2 + (-2 * B * S * (f j * g j) +
                                  S ^ 2 * g j ^ 2))).
      - apply Sum_ext; intros; ring.
      - rewrite !Sum_plus, !Sum_scal; fold S A B; ring. }
    rewrite E in P; assert (0 <= B * A - S ^ 2); [| lra].
    apply Rmult_le_reg_l with B; lra.
  - assert (Z : forall j, g j = 0).
    { intros j; assert (T := Sum_ge_term (fun j => g j ^ 2) j
        (fun k => pow2_ge_0 (g k))); fold B in T; simpl in T; rewrite <- B0 in T; nra. }
    assert (Z' : S = 0).
    { unfold S; transitivity (Sum (fun _ : J => 0 * 0)); [| rewrite Sum_scal; ring].
      apply Sum_ext; intros j; rewrite Z; ring. }
    rewrite Z', <- B0; lra.
Qed.

Lemma inner_le_norm (u v : vec J) : inner u v <= norm u * norm v.
Proof.
  assert (C := cauchy_schwarz u v); fold (inner u v) in C.
  rewrite <- !norm_sqr in C.
  assert (P := norm_nonneg u); assert (Q := norm_nonneg v).
  assert (0 <= norm u * norm v) by now apply Rmult_le_pos.
  apply Rnot_lt_le; intros N; nra.
Qed.

Lemma norm_triangle (u v : vec J) : norm (fun j => u j + v j) <= norm u + norm v.
Proof.
  assert (P := norm_nonneg u); assert (Q := norm_nonneg v).
  assert (S : norm (fun j => u j + v j) ^ 2 = norm u ^ 2 + 2 * inner u v + norm v ^ 2).
  { rewrite !norm_sqr; unfold inner; rewrite <- Sum_scal, <- !Sum_plus.
    apply Sum_ext; intros; ring. }
  assert (C := inner_le_norm u v).
  assert (R := norm_nonneg (fun j => u j + v j)).
  apply Rnot_lt_le; intros N; nra.
Qed.

Lemma norm_sub_le (u v : vec J) : norm u <= norm v + norm (sub u v).
Proof.
  eapply Rle_trans; [| apply norm_triangle].
  right; apply norm_ext; intros j; unfold sub; ring.
Qed.

Lemma dist_triangle (a b c : vec J) : norm (sub a c) <= norm (sub a b) + norm (sub b c).
Proof.
  eapply Rle_trans; [| apply norm_triangle]; right; apply norm_ext.
  intros j; unfold sub; ring.
Qed.

Lemma dist_sym (a b : vec J) : norm (sub a b) = norm (sub b a).
Proof.
  transitivity (norm (fun j => -1 * sub b a j)).
  - apply norm_ext; intros; unfold sub; ring.
  - rewrite norm_scal, Rabs_left by lra; ring.
Qed.

Lemma norm_small (w : vec J) r : (forall j, Rabs (w j) <= r) ->
  norm w <= r * Sum (fun _ : J => 1).
Proof.
  intros B; eapply Rle_trans; [apply norm_le_Sum |].
  rewrite <- Sum_scal; apply Sum_le; intros j; rewrite Rmult_1_r; apply B.
Qed.

(** Points that move by at most d in each component change their norm by at most n d. *)
Lemma norm_moves (b c : vec J) d : (forall j, Rabs (b j - c j) <= d) ->
  Rabs (norm b - norm c) <= d * Sum (fun _ : J => 1).
Proof.
  intros Move; assert (S := norm_small (sub b c) d Move).
  assert (A := norm_sub_le b c); assert (B := norm_sub_le c b).
  rewrite (dist_sym c b) in B; apply Rabs_le; lra.
Qed.

End Norms.

(** A mass at one index of a finite type, without decidable equality. *)
Definition mass {D} (i l : D) : R :=
  if ClassicalDedekindReals.sig_not_dec (l = i) then 1 else 0.

Lemma mass_nonneg {D} (i l : D) : 0 <= mass i l.
Proof.
  unfold mass; destruct (ClassicalDedekindReals.sig_not_dec (l = i)); lra.
Qed.

Lemma Sum_mass {D} `{FiniteType D} (i : D) (f : D -> R) :
  Sum (fun l => mass i l * f l) = f i.
Proof.
  assert (At : mass i i = 1).
  { unfold mass; destruct (ClassicalDedekindReals.sig_not_dec (i = i)) as [Q | Q]; auto.
    now elim Q. }
  assert (Off : forall l, l <> i -> mass i l = 0).
  { intros l N; unfold mass.
    destruct (ClassicalDedekindReals.sig_not_dec (l = i)) as [Q | Q]; auto.
    now elim Q. }
  unfold Sum; assert (U := enum_once); assert (All := enum_all i).
  assert (Z : forall ls, ~ In i ls -> lsum (fun l => mass i l * f l) ls = 0).
  { induction ls as [| l ls IH]; simpl; auto; intros N.
    rewrite IH, Off by (intros E; apply N; auto); ring. }
  induction enum as [| l ls IH]; [destruct All |]; simpl.
  inversion_clear U as [| ? ? N U']; destruct All as [-> | All].
  - rewrite At, Z by auto; ring.
  - rewrite IH, Off; auto; [ring |]; intros ->; now apply N.
Qed.

Lemma mass_sym {D} (i l : D) : mass i l = mass l i.
Proof.
  unfold mass; destruct (ClassicalDedekindReals.sig_not_dec (l = i)) as [P | P];
    destruct (ClassicalDedekindReals.sig_not_dec (i = l)) as [Q | Q]; auto;
    exfalso; [apply P; intros E; now apply Q | apply Q; intros E; now apply P].
Qed.

(** ** Pairs *)

Lemma NoDup_list_prod {A B} (l : list A) (l' : list B) :
  NoDup l -> NoDup l' -> NoDup (list_prod l l').
Proof.
  intros U U'; induction U as [| i l N U IH]; simpl; [constructor |].
  assert (M : forall m, (forall c, In c m -> ~ In (i, c) (list_prod l l')) ->
    NoDup m -> NoDup (map (fun c => (i, c)) m ++ list_prod l l')).
  { intros m Out Um; induction Um as [| c m Nc Um IHm]; simpl; auto.
    constructor; [| apply IHm; intros; apply Out; now right].
    intros I; apply in_app_or in I; destruct I as [I | I].
    - apply in_map_iff in I; destruct I as (c' & E & I); inversion E; subst; auto.
    - now apply (Out c (or_introl eq_refl)). }
  apply M; auto; intros c _ I; apply in_prod_iff in I; now apply N.
Qed.

#[export] Instance pairs (D K : Type) `{FiniteType D} `{FiniteType K} :
  FiniteType (D * K).
Proof.
  refine {| enum := list_prod enum enum |}.
  - apply NoDup_list_prod; apply enum_once.
  - intros [i c]; apply in_prod_iff; split; apply enum_all.
Defined.

Lemma Sum_pairs {D K} `{FiniteType D} `{FiniteType K} (f : D * K -> R) :
  Sum f = Sum (fun i => Sum (fun c => f (i, c))).
Proof.
  unfold Sum at 1 2; unfold enum at 1; simpl.
  generalize (enum (J := D)); intros l; induction l as [| i l IH]; simpl; auto.
  rewrite <- IH; unfold Sum; generalize (enum (J := K)) at 1 3; intros m.
  induction m as [| c m IHm]; simpl; [ring |]; rewrite IHm; ring.
Qed.

(** ** Continuity at one point *)

(** One radius for finitely many. *)
Lemma common_radius {K} `{FiniteType K} (P : K -> R -> Prop) :
  (forall k r s, 0 < s <= r -> P k r -> P k s) ->
  (forall k, exists r, 0 < r /\ P k r) -> exists r, 0 < r /\ forall k, P k r.
Proof.
  intros Mono Ex.
  assert (A : exists r, 0 < r /\ forall k, In k enum -> P k r).
  { induction enum as [| k ks (r & r0 & IH)]; [exists 1; split; [lra | intros ? []] |].
    destruct (Ex k) as (s & s0 & Ps); exists (Rmin r s); split; [minmax; lra |].
    intros k' [<- | I].
    - apply (Mono k s); [minmax; lra | exact Ps].
    - apply (Mono k' r); [minmax; lra | now apply IH]. }
  destruct A as (r & r0 & A); exists r; split; auto; intros k; apply A, enum_all.
Qed.

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

End continuous_at.

Lemma continuous_at_comp {I} (ys : I -> R) (phi : R -> R) h :
  continuous phi (h ys) -> continuous_at ys h -> continuous_at ys (fun z => phi (h z)).
Proof.
  intros P C e e0; apply continuity_pt_filterlim in P;
    destruct (P e e0) as (a & a0 & Ha).
  destruct (C a a0) as (r & r0 & Hr); exists r; split; auto; intros z Z.
  destruct (Req_dec (h z) (h ys)) as [-> | N]; [rewrite Rminus_eq_0, Rabs_R0; lra |].
  apply Ha; split; [split; [exact Logic.I | auto] |]; exact (Hr z Z).
Qed.

(** A function of finitely many functions. *)
Lemma continuous_at_family {I K} `{FiniteType K} (ys : I -> R) (h : K -> (I -> R) -> R)
    (f : (K -> R) -> R) : continuous_at (fun k => h k ys) f ->
  (forall k, continuous_at ys (h k)) -> continuous_at ys (fun y => f (fun k => h k y)).
Proof.
  intros F C e e0; destruct (F e e0) as (d & d0 & Hd).
  destruct (common_radius (fun k r => forall y, (forall i, Rabs (y i - ys i) < r) ->
    Rabs (h k y - h k ys) < d)) as (r & r0 & Hr).
  - intros k r s S Q y Y; apply Q; intros i; specialize (Y i); lra.
  - intros k; apply C, d0.
  - exists r; split; auto.
Qed.

Lemma continuous_at_seq {I} `{FiniteType I} (f : (I -> R) -> R) ys (vs : nat -> vec I) :
  continuous_at ys f -> converges vs ys -> is_lim_seq (fun n => f (vs n)) (f ys).
Proof.
  intros C Cv; apply is_lim_seq_spec; intros e.
  destruct (C e (cond_pos e)) as (r & r0 & Hr).
  destruct (converges_near vs ys r r0 Cv) as [N HN]; exists N; intros n Hn; apply Hr.
  intros i; apply Rle_lt_trans with (2 := HN n Hn).
  apply (norm_ge_component (sub (vs n) ys)).
Qed.

(** ** Gradients *)

Section Gradients.
Context {J : Type} `{FiniteType J}.

Lemma is_derive_Sum {I} `{FiniteType I} (f : I -> R -> R) (t : R) (d : vec I) :
  (forall i, is_derive (f i) t (d i)) ->
  is_derive (fun s => Sum (fun i => f i s)) t (Sum d).
Proof.
  intros Df; unfold Sum; induction enum; simpl.
  - apply (is_derive_const (V := R_NormedModule)).
  - now apply (is_derive_plus (V := R_NormedModule)).
Qed.

(** Near t a differentiable curve moves like its tangent, in all components at once. *)
Lemma moves_like_tangent (v : R -> vec J) t (dv : vec J) eta : 0 < eta ->
  (forall j, is_derive (fun s => v s j) t (dv j)) ->
  exists r, 0 < r /\ forall j h, h <> 0 -> Rabs h < r ->
    Rabs (v (t + h) j - v t j - h * dv j) <= eta * Rabs h.
Proof.
  intros eta0 Dv.
  assert (Q : exists r, 0 < r /\ forall j, In j enum -> forall h, h <> 0 ->
    Rabs h < r -> Rabs (v (t + h) j - v t j - h * dv j) <= eta * Rabs h).
  { induction enum as [| j js (r & r0 & IH)]; [exists 1; split; [lra | intros ? []] |].
    assert (Dj := Dv j); apply is_derive_Reals in Dj; destruct (Dj eta eta0) as [r' Hr].
    exists (Rmin r r'); split; [assert (P := cond_pos r'); minmax; lra |].
    intros i [<- | I] h h0 Hh.
    - assert (Ha := Rabs_pos_lt h h0).
      specialize (Hr h h0 (Rlt_le_trans _ _ _ Hh (Rmin_r r r'))).
      replace (v (t + h) j - v t j - h * dv j) with
        (((v (t + h) j - v t j) / h - dv j) * h) by (field; auto).
      rewrite Rabs_mult; apply Rmult_le_compat_r; lra.
    - apply IH; auto; apply Rlt_le_trans with (1 := Hh), Rmin_l. }
  destruct Q as (r & r0 & Q); exists r; split; auto; intros j; apply Q, enum_all.
Qed.

(** So its increment is of the order of h ... *)
Lemma increment_le (v : R -> vec J) t (dv : vec J) eta h : eta <= 1 ->
  (forall j, Rabs (v (t + h) j - v t j - h * dv j) <= eta * Rabs h) ->
  norm (sub (v (t + h)) (v t)) <= Sum (fun j => Rabs (dv j) + 1) * Rabs h.
Proof.
  intros eta1 Q; eapply Rle_trans; [apply norm_le_Sum |].
  rewrite Rmult_comm, <- Sum_scal; apply Sum_le; intros j; specialize (Q j).
  unfold sub; replace (v (t + h) j - v t j) with
    (v (t + h) j - v t j - h * dv j + h * dv j) by ring.
  assert (P := Rabs_pos h); eapply Rle_trans; [apply Rabs_triang |].
  rewrite (Rabs_mult h); nra.
Qed.

(** ... and its inner product with D is near that of the tangent. *)
Lemma inner_near (D w w' : vec J) r : (forall j, Rabs (w j - w' j) <= r) ->
  Rabs (inner D w - inner D w') <= Sum (fun j => Rabs (D j)) * r.
Proof.
  intros Q; replace (inner D w - inner D w') with (Sum (fun j => D j * (w j - w' j))).
  - rewrite Rmult_comm, <- Sum_scal; unfold Sum.
    induction enum as [| j js IH]; simpl; [rewrite Rabs_R0; lra |].
    eapply Rle_trans; [apply Rabs_triang |]; apply Rplus_le_compat; [| exact IH].
    rewrite Rabs_mult, Rmult_comm; apply Rmult_le_compat_r; [apply Rabs_pos | apply Q].
  - unfold inner; transitivity (Sum (fun j => D j * w j + -1 * (D j * w' j))).
    + apply Sum_ext; intros; ring.
    + rewrite Sum_plus, Sum_scal; ring.
Qed.

(** The chain rule along a curve that is differentiable at t. *)
Lemma smooth_along f (v : R -> vec J) t D (dv : vec J) :
  is_gradient f (v t) D -> (forall j, is_derive (fun s => v s j) t (dv j)) ->
  is_derive (fun s => f (v s)) t (inner D dv).
Proof.
  intros Gr Dv; apply is_derive_Reals; intros e e0.
  set (A := Sum (fun j => Rabs (dv j) + 1)); set (B := Sum (fun j => Rabs (D j))).
  assert (A0 : 0 <= A).
  { apply Sum_nonneg; intros j; generalize (Rabs_pos (dv j)); lra. }
  assert (B0 : 0 <= B) by (apply Sum_nonneg; intros j; apply Rabs_pos).
  destruct (Gr (e / (2 * (A + 1)))) as (d & d0 & Near); [apply Rdiv_lt_0_compat; lra |].
  set (eta := Rmin 1 (e / (4 * (B + 1)))).
  assert (eb : 0 < e / (4 * (B + 1))) by (apply Rdiv_lt_0_compat; lra).
  assert (eta0 : 0 < eta /\ eta <= 1 /\ eta <= e / (4 * (B + 1)))
    by (unfold eta; minmax; lra).
  destruct (moves_like_tangent v t dv eta (proj1 eta0) Dv) as (r & r0 & Q).
  assert (rd : 0 < Rmin r (d / (A + 1))).
  { assert (0 < d / (A + 1)) by (apply Rdiv_lt_0_compat; lra); minmax; lra. }
  exists (mkposreal _ rd); intros h h0 Hh; simpl in Hh.
  assert (H1 := Rlt_le_trans _ _ _ Hh (Rmin_l r (d / (A + 1)))).
  assert (H2 := Rlt_le_trans _ _ _ Hh (Rmin_r r (d / (A + 1)))).
  assert (hp := Rabs_pos_lt h h0); assert (Q' := fun j => Q j h h0 H1).
  assert (N := increment_le v t dv eta h ltac:(lra) Q'); fold A in N.
  assert (N' : norm (sub (v (t + h)) (v t)) < d).
  { apply Rle_lt_trans with (1 := N).
    apply Rmult_lt_compat_l with (r := A + 1) in H2; [| lra].
    replace ((A + 1) * (d / (A + 1))) with d in H2 by (field; lra); nra. }
  specialize (Near _ N').
  assert (In2 := inner_near D (sub (v (t + h)) (v t)) (fun j => h * dv j) _ Q').
  rewrite inner_scal in In2; fold B in In2.
  set (df := f (v (t + h)) - f (v t)) in *.
  replace (df / h - inner D dv) with ((df - h * inner D dv) / h) by (field; auto).
  unfold Rdiv; rewrite Rabs_mult, Rabs_inv.
  apply Rmult_lt_reg_r with (Rabs h); auto;
    rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
  set (q := inner D (sub (v (t + h)) (v t))) in *.
  replace (df - h * inner D dv) with (df - q + (q - h * inner D dv)) by ring.
  apply Rle_lt_trans with (1 := Rabs_triang _ _).
  assert (E1 : e / (2 * (A + 1)) * norm (sub (v (t + h)) (v t)) <= e / 2 * Rabs h).
  { apply Rle_trans with (e / (2 * (A + 1)) * (A * Rabs h)).
    - apply Rmult_le_compat_l; auto; left; apply Rdiv_lt_0_compat; lra.
    - apply Rle_trans with (e / (2 * (A + 1)) * ((A + 1) * Rabs h)).
      + apply Rmult_le_compat_l; [left; apply Rdiv_lt_0_compat; lra |].
        apply Rmult_le_compat_r; lra.
      + right; field; lra. }
  assert (E2 : B * (eta * Rabs h) <= e / 4 * Rabs h).
  { apply Rle_trans with ((B + 1) * (e / (4 * (B + 1)) * Rabs h)).
    - apply Rmult_le_compat; try lra; [apply Rmult_le_pos; lra |].
      apply Rmult_le_compat_r; lra.
    - right; field; lra. }
  nra.
Qed.

Lemma gradient_comp (phi : R -> R) d f v (D : vec J) :
  is_derive phi (f v) d -> is_gradient f v D ->
  is_gradient (fun v => phi (f v)) v (fun j => d * D j).
Proof.
  intros Dp Gr e e0; apply is_derive_Reals in Dp.
  set (K := norm D + 1); assert (K0 : 0 < K) by (unfold K; generalize (norm_nonneg D);
    lra).
  set (c := Rabs d + 1); assert (c0 : 0 < c) by (unfold c; generalize (Rabs_pos d);
    lra).
  destruct (Dp (e / (2 * K))) as [r Hr]; [apply Rdiv_lt_0_compat; lra |].
  destruct (Gr (Rmin 1 (e / (2 * c)))) as (s & s0 & Hs).
  { assert (0 < e / (2 * c)) by (apply Rdiv_lt_0_compat; lra); minmax; lra. }
  assert (rk : 0 < r / K) by (apply Rdiv_lt_0_compat; [apply cond_pos | lra]).
  exists (Rmin s (r / K)); split; [minmax; lra |]; intros z Z.
  assert (Z1 := Rlt_le_trans _ _ _ Z (Rmin_l s (r / K))).
  assert (Z2 := Rlt_le_trans _ _ _ Z (Rmin_r s (r / K))).
  specialize (Hs z Z1); set (n := norm (sub z v)) in *.
  assert (n0 : 0 <= n) by apply norm_nonneg.
  set (df := f z - f v) in *; set (q := inner D (sub z v)) in *.
  assert (Qn : Rabs q <= norm D * n).
  { apply Rabs_le; split; [| apply inner_le_norm].
    assert (I := inner_le_norm D (fun j => -1 * sub z v j)).
    rewrite inner_scal, norm_scal, Rabs_left in I by lra; fold q n in I; lra. }
  assert (S1 : Rabs (df - q) <= n).
  { apply Rle_trans with (1 := Hs); rewrite <- (Rmult_1_l n) at 2.
    apply Rmult_le_compat_r; [exact n0 | apply Rmin_l]. }
  assert (S2 : c * Rabs (df - q) <= e / 2 * n).
  { apply Rle_trans with (c * (e / (2 * c) * n)).
    - apply Rmult_le_compat_l; [lra |]; apply Rle_trans with (1 := Hs).
      apply Rmult_le_compat_r; [exact n0 | apply Rmin_r].
    - right; field; lra. }
  assert (Fn : Rabs df <= K * n).
  { replace df with (q + (df - q)) by ring; eapply Rle_trans; [apply Rabs_triang |].
    unfold K; lra. }
  replace (inner (fun j => d * D j) (sub z v)) with (d * q).
  2: { unfold q, inner; rewrite <- Sum_scal; apply Sum_ext; intros; ring. }
  assert (P : Rabs (phi (f z) - phi (f v) - d * df) <= e / (2 * K) * Rabs df).
  { destruct (Req_dec df 0) as [E | E].
    - replace (f z) with (f v) by (unfold df in E; lra); rewrite E, Rabs_R0.
      replace (phi (f v) - phi (f v) - d * 0) with 0 by ring; rewrite Rabs_R0; lra.
    - assert (A := Rabs_pos_lt df E).
      assert (Lr : Rabs df < r).
      { apply Rle_lt_trans with (1 := Fn).
        apply Rmult_lt_compat_l with (r := K) in Z2; auto.
        replace (K * (r / K)) with (pos r) in Z2 by (field; lra); exact Z2. }
      specialize (Hr df E Lr); assert (Ez : f v + df = f z) by (unfold df; lra).
      rewrite Ez in Hr; set (dp := phi (f z) - phi (f v)) in *.
      replace (dp - d * df) with ((dp / df - d) * df) by (field; exact E).
      rewrite Rabs_mult; apply Rmult_le_compat_r; lra. }
  replace (phi (f z) - phi (f v) - d * q) with
    (phi (f z) - phi (f v) - d * df + d * (df - q)) by ring.
  eapply Rle_trans; [apply Rabs_triang |]; rewrite (Rabs_mult d).
  assert (X1 : e / (2 * K) * Rabs df <= e / 2 * n).
  { apply Rle_trans with (e / (2 * K) * (K * n)).
    - apply Rmult_le_compat_l; [left; apply Rdiv_lt_0_compat; lra | exact Fn].
    - right; field; lra. }
  assert (X2 : Rabs d * Rabs (df - q) <= c * Rabs (df - q))
    by (apply Rmult_le_compat_r; [apply Rabs_pos | unfold c; lra]).
  lra.
Qed.

Lemma gradient_Sum {I} `{FiniteType I} (f : I -> vec J -> R) v (D : I -> vec J) :
  (forall i, is_gradient (f i) v (D i)) ->
  is_gradient (fun v => Sum (fun i => f i v)) v (fun j => Sum (fun i => D i j)).
Proof.
  intros Gr; unfold Sum at 1 2; induction (@enum I H0) as [| i is IH]; simpl.
  - intros e e0; exists 1; split; [lra |]; intros z _.
    replace (inner (fun _ => 0) (sub z v)) with 0.
    + replace (0 - 0 - 0) with 0 by ring; rewrite Rabs_R0.
      apply Rmult_le_pos; [lra | apply norm_nonneg].
    + unfold inner; transitivity (Sum (fun _ : J => 0 * 0)); [rewrite Sum_scal; ring |].
      apply Sum_ext; intros; ring.
  - intros e e0; destruct (IH (e / 2)) as (r & r0 & Hr); [lra |].
    destruct (Gr i (e / 2)) as (s & s0 & Hs); [lra |].
    exists (Rmin r s); split; [minmax; lra |]; intros z Z.
    specialize (Hr z (Rlt_le_trans _ _ _ Z (Rmin_l r s))).
    specialize (Hs z (Rlt_le_trans _ _ _ Z (Rmin_r r s))).
    replace (inner (fun j => D i j + lsum (fun i => D i j) is) (sub z v)) with
      (inner (D i) (sub z v) + inner (fun j => lsum (fun i => D i j) is) (sub z v)).
    + match goal with |- Rabs (?a + ?b - (?c + ?d) - (?x + ?y)) <= _ =>
        replace (a + b - (c + d) - (x + y)) with ((a - c - x) + (b - d - y)) by ring
          end.
      eapply Rle_trans; [apply Rabs_triang |]; lra.
    + unfold inner; rewrite <- Sum_plus; apply Sum_ext; intros; ring.
Qed.

(** Continuity of the coordinates of a field. *)
Definition continuous_field (h : vec J -> R) : Prop := forall v e, 0 < e ->
  exists d, 0 < d /\ forall z, norm (sub z v) < d -> Rabs (h z - h v) < e.

Lemma continuous_field_at h : continuous_field h <-> forall v, continuous_at v h.
Proof.
  split; intros C v e e0; destruct (C v e e0) as (d & d0 & Hd).
  - set (p := Sum (fun _ : J => 1)).
    assert (p0 : 0 <= p) by (apply Sum_nonneg; intros; lra).
    assert (dp : 0 < d / (p + 1)) by (apply Rdiv_lt_0_compat; lra).
    exists (d / (p + 1)); split; auto; intros z Z; apply Hd.
    apply Rle_lt_trans with (Sum (fun j => d / (p + 1) * 1)).
    + eapply Rle_trans; [apply norm_le_Sum |]; apply Sum_le; intros j.
      rewrite Rmult_1_r; left; apply Z.
    + rewrite Sum_scal; fold p; apply Rmult_lt_reg_r with (p + 1); [lra |].
      replace (d / (p + 1) * p * (p + 1)) with (d * p) by (field; lra); nra.
  - exists d; split; auto; intros z Z; apply Hd; intros j.
    apply Rle_lt_trans with (2 := Z), (norm_ge_component (sub z v)).
Qed.

Lemma gradient_cont f (v D' : vec J) : is_gradient f v D' -> continuous_at v f.
Proof.
  intros Gr e e0; destruct (Gr 1 Rlt_0_1) as (d & d0 & Hd).
  set (K := norm D' + 1); assert (K0 : 0 < K) by (unfold K;
    generalize (norm_nonneg D'); lra).
  assert (Lc : exists r, 0 < r /\ forall z, norm (sub z v) < r -> Rabs (f z - f v) < e).
  { exists (Rmin d (e / K)); split.
    - assert (0 < e / K) by (apply Rdiv_lt_0_compat; lra); minmax; lra.
    - intros z Z; specialize (Hd z (Rlt_le_trans _ _ _ Z (Rmin_l _ _))).
      assert (Z2 := Rlt_le_trans _ _ _ Z (Rmin_r d (e / K))).
      set (n := norm (sub z v)) in *; set (q := inner D' (sub z v)) in *.
      assert (Qn : Rabs q <= norm D' * n).
      { apply Rabs_le; split; [| apply inner_le_norm].
        assert (I := inner_le_norm D' (fun j => -1 * sub z v j)).
        rewrite inner_scal, norm_scal, Rabs_left in I by lra; fold q n in I; lra. }
      replace (f z - f v) with (q + (f z - f v - q)) by ring.
      apply Rle_lt_trans with (1 := Rabs_triang _ _).
      apply Rle_lt_trans with (K * n); [unfold K; lra |].
      apply Rmult_lt_compat_l with (r := K) in Z2; auto.
      replace (K * (e / K)) with e in Z2 by (field; lra); exact Z2. }
  destruct Lc as (r & r0 & Hr); set (p := Sum (fun _ : J => 1)).
  assert (p0 : 0 <= p) by (apply Sum_nonneg; intros; lra).
  exists (r / (p + 1)); split; [apply Rdiv_lt_0_compat; lra |]; intros z Z; apply Hr.
  assert (rp : 0 < r / (p + 1)) by (apply Rdiv_lt_0_compat; lra).
  apply Rle_lt_trans with (Sum (fun j : J => r / (p + 1) * 1)).
  + eapply Rle_trans; [apply norm_le_Sum |]; apply Sum_le; intros j.
    rewrite Rmult_1_r; left; apply Z.
  + rewrite Sum_scal; fold p; apply Rmult_lt_reg_r with (p + 1); [lra |].
    replace (r / (p + 1) * p * (p + 1)) with (r * p) by (field; lra); nra.
Qed.

Lemma gradient_coordinate (v : vec J) j : is_gradient (fun z => z j) v (mass j).
Proof.
  intros e e0; exists 1; split; [lra |]; intros z _.
  replace (inner (mass j) (sub z v)) with (sub z v j) by (symmetry; apply Sum_mass).
  unfold sub at 1; rewrite Rminus_eq_0, Rabs_R0.
  apply Rmult_le_pos; [lra | apply norm_nonneg].
Qed.

(** The chain rule for a function of finitely many functions. *)
Lemma gradient_chain {I} `{FiniteType I} (f : vec I -> R) (q : I -> vec J -> R) v
    (S : vec I) (D : I -> vec J) :
  is_gradient f (fun i => q i v) S -> (forall i, is_gradient (q i) v (D i)) ->
  is_gradient (fun z => f (fun i => q i z)) v (fun j => Sum (fun i => S i * D i j)).
Proof.
  intros Gf Gq.
  assert (Gl : is_gradient (fun z => Sum (fun i => S i * q i z)) v
    (fun j => Sum (fun i => S i * D i j))).
  { apply (gradient_Sum (fun i z => S i * q i z) v (fun i j => S i * D i j)); intros i.
    apply (gradient_comp (fun z => S i * z)); auto; auto_derive; auto; ring. }
  set (K := Sum (fun i => norm (D i) + 1)).
  assert (K0 : 0 <= K)
    by (apply Sum_nonneg; intros i; generalize (norm_nonneg (D i)); lra).
  destruct (common_radius (fun i r => forall z, norm (sub z v) < r ->
    Rabs (q i z - q i v) <= (norm (D i) + 1) * norm (sub z v))) as (r & r0 & Lip).
  { intros i r s Sr Q z Z; apply Q; lra. }
  { intros i; destruct (Gq i 1 Rlt_0_1) as (r & r0 & Hr); exists r; split; auto.
    intros z Z; specialize (Hr z Z).
    assert (Up := inner_le_norm (D i) (sub z v)).
    assert (Lo := inner_le_norm (D i) (fun j => -1 * sub z v j)).
    rewrite inner_scal, norm_scal, Rabs_left in Lo by lra.
    apply Rabs_le_between in Hr; apply Rabs_le; lra. }
  intros e e0; destruct (Gf (e / (2 * (K + 1)))) as (d & d0 & Hf).
  { apply Rdiv_lt_0_compat; lra. }
  destruct (Gl (e / 2)) as (s & s0 & Hl); [lra |].
  assert (dK : 0 < d / (K + 1)) by (apply Rdiv_lt_0_compat; lra).
  exists (Rmin r (Rmin s (d / (K + 1)))); split; [minmax; lra |]; intros z Z.
  assert (Zr : norm (sub z v) < r /\ norm (sub z v) < s /\ norm (sub z v) < d / (K + 1))
    by (revert Z; minmax; lra).
  destruct Zr as (Z1 & Z2 & Z3); set (n := norm (sub z v)) in *.
  assert (n0 : 0 <= n) by apply norm_nonneg.
  set (move := sub (fun i => q i z) (fun i => q i v)).
  assert (Mv : norm move <= K * n).
  { apply Rle_trans with (1 := norm_le_Sum _).
    unfold K; rewrite Rmult_comm, <- Sum_scal; apply Sum_le; intros i.
    rewrite Rmult_comm; now apply Lip. }
  assert (Near : norm move < d).
  { apply Rle_lt_trans with (1 := Mv).
    apply Rmult_lt_compat_r with (r := K + 1) in Z3; [| lra].
    replace (d / (K + 1) * (K + 1)) with d in Z3 by (field; lra); lra. }
  specialize (Hf (fun i => q i z) Near); fold move in Hf; specialize (Hl z Z2).
  replace (Sum (fun i => S i * q i z) - Sum (fun i => S i * q i v)) with (inner S move)
    in Hl.
  2: { unfold inner, move, sub.
       transitivity (Sum (fun i => S i * q i z + -1 * (S i * q i v)));
         [apply Sum_ext; intros; ring | rewrite Sum_plus, Sum_scal; ring]. }
  assert (Small : e / (2 * (K + 1)) * norm move <= e / 2 * n).
  { apply Rle_trans with (e / (2 * (K + 1)) * ((K + 1) * n)).
    - apply Rmult_le_compat_l; [left; apply Rdiv_lt_0_compat; lra | lra].
    - right; field; lra. }
  apply Rabs_le_between in Hf; apply Rabs_le_between in Hl; apply Rabs_le.
  fold n in Hl; lra.
Qed.

End Gradients.
