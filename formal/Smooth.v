(** * Continuously differentiable predictors

    For them the subdifferential is the gradient, and the chain rule,
      the sum rule and the
    closedness of the graph are theorems. *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export LimitKKT.
Import ListNotations.
Open Scope R_scope.

Section Smooth.
Context {J : Type} `{FiniteType J}.

(* statement: smooth *)
Definition gradient_of (f : vec J -> R) (g : vec J -> vec J) : Prop :=
  (forall v, is_gradient f v (g v)) /\
  (forall v e, 0 < e -> exists d, 0 < d /\ forall z, norm (sub z v) < d ->
     forall j, Rabs (g z j - g v j) < e).
(* end statement *)

Lemma is_gradient_unique f v (D E : vec J) :
  is_gradient f v D -> is_gradient f v E -> forall j, D j = E j.
Proof.
  intros GD GE j.
  assert (Eq : inner D (sub D E) = inner E (sub D E)).
  { assert (A := is_derive_unique _ _ _ (gradient_line f v D (sub D E) GD)).
    assert (B := is_derive_unique _ _ _ (gradient_line f v E (sub D E) GE)).
    congruence. }
  assert (Z : Sum (fun j => sub D E j ^ 2) = 0).
  { transitivity (inner D (sub D E) + -1 * inner E (sub D E)); [| rewrite Eq; ring].
    unfold inner; rewrite <- Sum_scal, <- Sum_plus; apply Sum_ext; intros i.
    unfold sub; ring. }
  assert (T := Sum_ge_term (fun j => sub D E j ^ 2) j (fun k => pow2_ge_0 _)).
  rewrite Z in T; simpl in T; unfold sub in T; nra.
Qed.

Lemma smooth_clarke f g v u : gradient_of f g -> clarke f v u -> forall j, u j = g v j.
Proof.
  intros [Gr Co] C j.
  assert (Lim : forall D, limit_gradient f v D -> forall j, D j = g v j).
  { intros D (vs & Ds & GD & Cv & CD) i.
    assert (L : is_lim_seq (fun n => Ds n i) (g v i)).
    { apply is_lim_seq_spec; intros e;
        destruct (Co v e (cond_pos e)) as (d & d0 & Near).
      destruct (converges_near vs v d d0 Cv) as [N HN]; exists N; intros n Hn.
      rewrite (is_gradient_unique f (vs n) (Ds n) (g (vs n)) (GD n) (Gr _) i).
      now apply Near, HN. }
    assert (L' := CD i); apply is_lim_seq_unique in L; apply is_lim_seq_unique in L'.
    rewrite L in L'; now injection L'. }
  destruct C as (l & In_l & One & U); rewrite U, <- (Rmult_1_l (g v j)), <- One;
    clear U One.
  induction l as [| [c D] l IH]; simpl; [ring |].
  rewrite IH by (intros; apply In_l; now right).
  rewrite (Lim D) by (apply (In_l c D); now left); ring.
Qed.

Lemma clarke_smooth f g v : gradient_of f g -> clarke f v (g v).
Proof.
  intros [Gr _]; apply gradient_in_clarke, Gr.
Qed.

Lemma smooth_closed f g : gradient_of f g -> closed_graph f.
Proof.
  intros Sm v u Near.
  replace u with (g v); [now apply clarke_smooth |].
  apply functional_extensionality; intros j; apply Rminus_diag_uniq.
  assert (Z : Rabs (g v j - u j) <= 0); [| apply Rabs_le_between in Z; lra].
  apply le_epsilon; intros e e0; destruct Sm as [Gr Co].
  destruct (Co v (e / 2) ltac:(lra)) as (d & d0 & Nd).
  set (p := Sum (fun _ : J => 1)).
  assert (p0 : 0 <= p) by (apply Sum_nonneg; intros; lra).
  set (r := Rmin (e / 2) (d / (p + 1))).
  assert (q0 : 0 < d / (p + 1)) by (apply Rdiv_lt_0_compat; lra).
  assert (r0 : 0 < r /\ r <= e / 2 /\ r <= d / (p + 1)) by (unfold r; minmax; lra).
  destruct (Near r (proj1 r0)) as (v' & u' & C & Nv & Nu).
  rewrite (functional_extensionality u' (g v')) in Nu
    by (intros i; now apply (smooth_clarke f g v' u' (conj Gr Co) C)).
  assert (N : norm (sub v' v) < d).
  { apply Rle_lt_trans with (Sum (fun j => r * 1)).
    - eapply Rle_trans; [apply norm_le_Sum |]; apply Sum_le; intros i.
      rewrite Rmult_1_r; left; apply Nv.
    - rewrite Sum_scal; fold p; apply Rle_lt_trans with (d / (p + 1) * p).
      + apply Rmult_le_compat_r; lra.
      + apply Rmult_lt_reg_r with (p + 1); [lra |].
        replace (d / (p + 1) * p * (p + 1)) with (d * p) by (field; lra); nra. }
  specialize (Nd v' N j); specialize (Nu j).
  apply Rabs_def2 in Nd; apply Rabs_def2 in Nu; apply Rabs_le; lra.
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

Theorem smooth_chain_rule f g : gradient_of f g -> admits_chain_rule f.
Proof.
  intros Sm v _ Dv; revert Dv; apply ae_imp; intros t _ Dv u C.
  replace u with (g (v t)).
  - apply smooth_along; [apply Sm |]; intros j; now apply Derive_correct.
  - apply functional_extensionality; intros j; symmetry.
    now apply (smooth_clarke f g (v t) u).
Qed.

End Smooth.

Section Gradients.
Context {J : Type} `{FiniteType J}.

Lemma norm_sub_self (v : vec J) : norm (sub v v) = 0.
Proof. apply norm_0; intros j; unfold sub; ring. Qed.

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

Lemma continuous_at_compose (phi : R -> R) (ys : vec J) h :
  continuous phi (h ys) -> continuous_at ys h -> continuous_at ys (fun z => phi (h z)).
Proof.
  intros P C e e0.
  apply continuity_pt_filterlim in P; destruct (P e e0) as (a & a0 & Ha).
  destruct (C a a0) as (r & r0 & Hr); exists r; split; auto; intros z Z.
  destruct (Req_dec (h z) (h ys)) as [-> | N]; [rewrite Rminus_eq_0, Rabs_R0; lra |].
  apply Ha; split; [split; [exact I | auto] |]; exact (Hr z Z).
Qed.

End Gradients.

Section SmoothLoss.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (k : loss) (Phi : vec J -> X -> R) (gPhi : D -> vec J -> vec J).
Hypothesis smooth : forall i, gradient_of (fun w => Phi w (x i)) (gPhi i).

Definition gq i v : vec J := fun j => y i * gPhi i v j.
Definition gL v : vec J := fun j => Sum (fun i => ell' k (margin_at Phi i v) * gq i v
  j).

Lemma gradient_q i : gradient_of (margin_at Phi i) (gq i).
Proof.
  destruct (smooth i) as [Gr Co]; split.
  - intros v; apply (gradient_comp (fun z => y i * z) (y i) (fun w => Phi w (x i)));
      auto.
    auto_derive; auto; ring.
  - intros v e e0; set (c := Rabs (y i) + 1).
    assert (c0 : 0 < c) by (unfold c; generalize (Rabs_pos (y i)); lra).
    destruct (Co v (e / c)) as (d & d0 & Hd); [now apply Rdiv_lt_0_compat |].
    exists d; split; auto; intros z Z j; specialize (Hd z Z j); unfold gq.
    rewrite <- Rmult_minus_distr_l, Rabs_mult.
    assert (A := Rabs_pos (gPhi i z j - gPhi i v j)).
    apply Rle_lt_trans with (c * Rabs (gPhi i z j - gPhi i v j)).
    + apply Rmult_le_compat_r; auto; unfold c; lra.
    + apply Rmult_lt_compat_l with (r := c) in Hd; auto.
      replace (c * (e / c)) with e in Hd by (field; lra); exact Hd.
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

Lemma field_cont (g : vec J -> vec J) f : gradient_of f g ->
  forall v j, continuous_at v (fun z => g z j).
Proof.
  intros [_ Co] v j; apply (continuous_field_at (fun z => g z j)); intros v' e e0.
  destruct (Co v' e e0) as (d & d0 & Hd); exists d; split; auto.
Qed.

Lemma gradient_L : gradient_of (total_loss k Phi) gL.
Proof.
  split.
  - intros v; apply (gradient_Sum (fun i v => ell k (margin_at Phi i v)) v
      (fun i j => ell' k (margin_at Phi i v) * gq i v j)); intros i.
    apply (gradient_comp (ell k) _ (margin_at Phi i));
      [apply ell_derive | apply gradient_q].
  - intros v.
    assert (C : forall j, continuous_at v (fun z => gL z j)).
    { intros j; apply (continuous_at_Sum v (fun i z => ell' k (margin_at Phi i z) * gq
        i z j)); intros i.
      apply (continuous_at_mult v (fun z => ell' k (margin_at Phi i z))).
      - apply (continuous_at_compose (ell' k)); [apply ell'_continuous |].
        apply (gradient_cont _ _ (gq i v)), gradient_q.
      - apply (field_cont (gq i) (margin_at Phi i)), gradient_q. }
    intros e e0.
    assert (B : exists r, 0 < r /\ forall z, (forall k, Rabs (z k - v k) < r) ->
      forall j, In j enum -> Rabs (gL z j - gL v j) < e).
    { induction (@enum J H) as [| j js (r & r0 & IH)]; [exists 1; split; [lra |];
        intros ? ? ? [] |].
      destruct (C j e e0) as (s & s0 & Hs); exists (Rmin r s); split; [minmax; lra |].
      intros z Z j' [<- | I].
      - apply Hs; intros i; apply Rlt_le_trans with (1 := Z i), Rmin_r.
      - apply IH; auto; intros i; apply Rlt_le_trans with (1 := Z i), Rmin_l. }
    destruct B as (r & r0 & B); exists r; split; auto; intros z Z j; apply B;
      [| apply enum_all].
    intros i; apply Rle_lt_trans with (2 := Z), (norm_ge_component (sub z v)).
Qed.

Theorem smooth_loss_chain_rule : admits_chain_rule (total_loss k Phi).
Proof. apply (smooth_chain_rule _ gL), gradient_L. Qed.

Theorem smooth_sum_rule : sum_rule k Phi.
Proof.
  intros v u C; exists (fun i => gq i v); split.
  - intros i; apply clarke_smooth, gradient_q.
  - intros j; exact (smooth_clarke _ gL v u gradient_L C j).
Qed.

End SmoothLoss.
