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

Lemma gradient_of_sub f f' g g' : gradient_of f g -> gradient_of f' g' ->
  gradient_of (fun w => f w - f' w) (fun w j => g w j - g' w j).
Proof.
  intros [Gr Co] [Gr' Co']; split.
  - intros v e e0; destruct (Gr v (e / 2)) as (d & d0 & Near); [lra |].
    destruct (Gr' v (e / 2)) as (d' & d0' & Near'); [lra |].
    exists (Rmin d d'); split; [minmax; lra |]; intros z Z.
    specialize (Near z (Rlt_le_trans _ _ _ Z (Rmin_l d d'))).
    specialize (Near' z (Rlt_le_trans _ _ _ Z (Rmin_r d d'))).
    replace (inner (fun j => g v j - g' v j) (sub z v)) with
      (inner (g v) (sub z v) - inner (g' v) (sub z v)).
    + apply Rabs_le_between in Near; apply Rabs_le_between in Near'.
      apply Rabs_le; lra.
    + rewrite !(inner_comm _ (sub z v)), <- inner_sub; reflexivity.
  - intros v e e0; destruct (Co v (e / 2)) as (d & d0 & Near); [lra |].
    destruct (Co' v (e / 2)) as (d' & d0' & Near'); [lra |].
    exists (Rmin d d'); split; [minmax; lra |]; intros z Z j.
    specialize (Near z (Rlt_le_trans _ _ _ Z (Rmin_l d d')) j).
    specialize (Near' z (Rlt_le_trans _ _ _ Z (Rmin_r d d')) j).
    apply Rabs_def2 in Near; apply Rabs_def2 in Near'; apply Rabs_def1; lra.
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

Theorem smooth_chain_rule f g : gradient_of f g -> admits_chain_rule f.
Proof.
  intros Sm v _ Dv; revert Dv; apply ae_imp; intros t _ Dv u C.
  replace u with (g (v t)).
  - apply smooth_along; [apply Sm |]; intros j; now apply Derive_correct.
  - apply functional_extensionality; intros j; symmetry.
    now apply (smooth_clarke f g (v t) u).
Qed.

End Smooth.

Section SmoothLoss.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (k : joint_loss D) (Phi : vec J -> X -> R) (gPhi : D -> vec J -> vec J).
Hypothesis smooth : forall i, gradient_of (fun w => Phi w (x i)) (gPhi i).

Definition gq i v : vec J := fun j => y i * gPhi i v j.
Definition gL v : vec J := fun j =>
  Sum (fun i => - slope k (margins Phi v) i * gq i v j).

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

Lemma field_cont (g : vec J -> vec J) f : gradient_of f g ->
  forall v j, continuous_at v (fun z => g z j).
Proof.
  intros [_ Co] v j; apply (continuous_field_at (fun z => g z j)); intros v' e e0.
  destruct (Co v' e e0) as (d & d0 & Hd); exists d; split; auto.
Qed.

Lemma gradient_L : gradient_of (total_loss k Phi) gL.
Proof.
  split.
  - intros v; apply (gradient_chain (value k) (margin_at Phi) v).
    + apply value_gradient.
    + intros i; apply gradient_q.
  - intros v.
    assert (C : forall j, continuous_at v (fun z => gL z j)).
    { intros j; apply (continuous_at_Sum v (fun i z => - slope k (margins Phi z) i * gq
        i z j)); intros i.
      apply (continuous_at_mult v (fun z => - slope k (margins Phi z) i)).
      - apply (continuous_at_comp v Ropp (fun z => slope k (margins Phi z) i)).
        + apply (continuous_opp (V := R_NormedModule) (fun z => z)), continuous_id.
        + apply (continuous_at_family v (margin_at Phi) (fun z => slope k z i));
            [apply slope_continuous |].
          intros i'; apply (gradient_cont _ _ (gq i' v)), gradient_q.
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
