(** * What fails when a statement is changed

    Flows on which a wrong sign, or a missing hypothesis, makes a lemma false.  They
    are also a check that the class of flows is not empty: on [still r a b] the
    gradient vanishes and the averages decay at the rate r from g(0) = a, h(0) = b,
    so that beta(0) may be any positive number. *)

From Coq Require Import Reals Lra Psatz List Classical.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Sanity CorollaryA Lemma9.
Import ListNotations.
Open Scope R_scope.

Section Still.
Variables r a b : R.
Hypothesis rate_range : 0 <= r <= 1.

Lemma arc_decay c : arc (fun t => c * exp (- r * t)).
Proof. apply arc_scal, arc_exp, (arc_scal (- r) (fun t => t)), arc_id. Qed.

Lemma decay_derive c t :
  is_derive (fun s => c * exp (- r * s)) t
    ((1 - (1 - r)) * (0 ^ 2 - c * exp (- r * t))).
Proof. auto_derive; auto; ring. Qed.

Definition still : Process2 unit.
Proof.
  refine {|
    L := fun _ => 1;
    rho := fun _ _ => 1 - r;
    delta := fun _ => 1;
    eps := fun _ => 1;
    g := fun t _ => a * exp (- r * t);
    h := fun t _ => b * exp (- r * t);
    w := fun _ _ => 0;
    G := fun _ _ => 0
  |}.
  - intros _; lra.
  - intros _; lra.
  - intros t _ _; lra.
  - intros _; apply arc_decay.
  - intros _; apply arc_decay.
  - intros _; apply arc_const.
  - apply everywhere; intros t _; apply gradient_in_clarke.
    intros e e0; exists 1; split; [lra |]; intros z _; rewrite inner_one.
    replace (1 - 1 - 0 * _) with 0 by ring; rewrite Rabs_R0.
    apply Rmult_le_pos; [lra | apply norm_nonneg].
  - apply everywhere; intros t _ _; apply decay_derive.
  - apply everywhere; intros t _ _; rewrite Derive_const; apply decay_derive.
  - apply everywhere; intros t _ _; rewrite Rmult_0_r.
    apply (is_derive_const (V := R_NormedModule) 0).
Defined.

End Still.

Lemma one_range : 0 <= 1 <= 1.  Proof. lra. Qed.
Lemma zero_range : 0 <= 0 <= 1.  Proof. lra. Qed.

(** From g(0) = 0 and h(0) = 3: beta^2 = 1 + 3 exp(-t), so that beta(0) = 2. *)
Definition falling : Process2 unit := still 1 0 3 one_range.

(** The same with rho = 1 throughout, which Assumption 2(i) excludes: beta = 2. *)
Definition frozen : Process2 unit := still 0 0 3 zero_range.

Lemma falling_ii : @assumption_2_ii _ _ falling.
Proof. intros j; simpl; rewrite Rmult_0_r, exp_0; lra. Qed.

Lemma frozen_ii : @assumption_2_ii _ _ frozen.
Proof. intros j; simpl; rewrite Rmult_0_r, exp_0; lra. Qed.

Lemma falling_beta2 t j : 0 <= t -> @beta _ _ falling t j ^ 2 = 1 + 3 * exp (- t).
Proof.
  intros T; destruct (@lemma_6 _ _ falling falling_ii t T j).
  rewrite beta_sqr by assumption; unfold beta2; simpl.
  replace (- (1) * t) with (- t) by ring; field.
Qed.

Lemma frozen_beta t j : @beta _ _ frozen t j = 2.
Proof.
  unfold beta; simpl; rewrite Ropp_0, Rmult_0_l, exp_0.
  replace ((1 + 3 * 1 / 1) / (1 + 0 * 1 / 1)) with (2 ^ 2) by field.
  apply sqrt_pow2; lra.
Qed.

(** Lemma 5 with the other sign. *)
Theorem lemma_5_sign_refuted :
  ~ forall P : Process2 unit, assumption_2_ii ->
    ae (fun t => forall j, is_derive (fun s => 1 - beta s j ^ 2) t
      ((1 - rho t j) / (1 + g t j / delta j) * (1 - beta t j ^ 2))).
Proof.
  intros Wrong; specialize (Wrong falling falling_ii).
  destruct (ae_somewhere _ (ae_and _ _ Wrong (@lemma_5 _ _ falling falling_ii)))
    as (t & T & Dw & Dr).
  assert (E := is_derive_unique _ _ _ (Dw tt)).
  rewrite (is_derive_unique _ _ _ (Dr tt)), falling_beta2 in E by lra.
  simpl in E; assert (P := exp_pos (- t)); rewrite Rmult_0_l in E; lra.
Qed.

(** Lemma 6 without Assumption 2(ii). *)
Theorem lemma_6_initial_refuted :
  ~ forall P : Process2 unit, forall t, 0 <= t -> forall j, 0 <= g t j /\ 0 <= h t j.
Proof.
  intros Wrong; specialize (Wrong (still 0 (-1) 0 zero_range) 0 (Rle_refl 0) tt).
  simpl in Wrong; rewrite Rmult_0_r, exp_0 in Wrong; lra.
Qed.

(** Lemma 6 with a strict inequality. *)
Theorem lemma_6_strict_refuted :
  ~ forall P : Process2 unit, assumption_2_ii ->
    forall t, 0 <= t -> forall j, 0 < g t j /\ 0 <= h t j.
Proof.
  intros Wrong; specialize (Wrong falling falling_ii 0 (Rle_refl 0) tt).
  simpl in Wrong; rewrite Rmult_0_l in Wrong; lra.
Qed.

(** Lemma 7 (i), last case, with the other sign. *)
Theorem lemma_7_i_sign_refuted :
  ~ forall P : Process2 unit, assumption_2_ii ->
    ae (fun t => forall j, 1 < beta t j -> 0 <= Derive (fun s => beta s j) t).
Proof.
  intros Wrong; specialize (Wrong falling falling_ii).
  destruct (ae_somewhere _ (ae_and _ _ Wrong (@beta_derive _ _ falling falling_ii)))
    as (t & T & Dw & Dr).
  specialize (Dw tt); specialize (Dr tt).
  rewrite (is_derive_unique (fun s : R => @beta _ _ falling s tt) _ _ Dr) in Dw.
  assert (P := exp_pos (- t)); assert (B2 := falling_beta2 t tt ltac:(lra)).
  assert (B := @beta_positive _ _ falling falling_ii t ltac:(lra) tt).
  assert (B1 : 1 < @beta _ _ falling t tt) by nra; specialize (Dw B1).
  rewrite B2 in Dw; unfold rate in Dw; simpl in Dw; rewrite Rmult_0_l in Dw.
  set (q := @beta _ _ falling t tt) in *.
  replace ((1 - (1 - 1)) / (1 + 0 / 1) * (1 - (1 + 3 * exp (- t))) / (2 * q))
    with (- (3 * exp (- t) / (2 * q))) in Dw by (field; lra).
  assert (0 < 3 * exp (- t) / (2 * q)) by (apply Rdiv_lt_0_compat; lra); lra.
Qed.

(** Lemma 7 (ii) with the larger of beta(0) and 1. *)
Theorem lemma_7_ii_max_refuted :
  ~ forall P : Process2 unit, assumption_2_ii ->
    forall t, 0 <= t -> forall j, Rmax (beta 0 j) 1 <= beta t j.
Proof.
  intros Wrong; specialize (Wrong falling falling_ii 1 ltac:(lra) tt).
  assert (E : exp (- (1)) < exp 0) by (apply exp_increasing; lra).
  assert (B0 := falling_beta2 0 tt ltac:(lra)).
  assert (B1 := falling_beta2 1 tt ltac:(lra)).
  assert (P0 := @beta_positive _ _ falling falling_ii 0 ltac:(lra) tt).
  assert (P1 := @beta_positive _ _ falling falling_ii 1 ltac:(lra) tt).
  rewrite Ropp_0 in B0.
  assert (M := Rmax_l (@beta _ _ falling 0 tt) 1); nra.
Qed.

Lemma constant_loss_chain_rule : admits_chain_rule (fun _ : vec unit => 1).
Proof.
  intros v _ _; apply everywhere; intros t _ u (l & In_l & _ & U).
  assert (Zero : forall D, limit_gradient (fun _ : vec unit => 1) (v t) D -> D tt = 0).
  { intros D (vs & Ds & Gr & _ & C); specialize (C tt).
    apply is_lim_seq_ext with (v := fun _ => 0) in C.
    - apply is_lim_seq_unique in C; rewrite Lim_seq_const in C.
      now injection C.
    - intros n; apply NNPP; intros N.
      destruct (Gr n (Rabs (Ds n tt) / 2)) as (d & d0 & Near).
      { apply Rdiv_lt_0_compat; [now apply Rabs_pos_lt | lra]. }
      specialize (Near (fun _ => vs n tt + d / 2)); revert Near.
      rewrite inner_one, norm_one; unfold sub.
      replace (vs n tt + d / 2 - vs n tt) with (d / 2) by ring.
      replace (1 - 1 - Ds n tt * (d / 2)) with (- Ds n tt * (d / 2)) by ring.
      rewrite Rabs_mult, Rabs_Ropp, (Rabs_pos_eq (d / 2)) by lra.
      intros Near; specialize (Near ltac:(lra)); apply Rabs_pos_lt in N; nra. }
  rewrite inner_one; replace (u tt) with 0.
  - rewrite Rmult_0_l; apply (is_derive_const (V := R_NormedModule) 1).
  - rewrite U; clear U; induction l as [| [c D] l IH]; simpl; auto.
    rewrite <- IH by (intros; apply In_l; now right).
    rewrite Zero; [ring |]; now apply (In_l c D); left.
Qed.

Lemma constant_loss_lipschitz : locally_lipschitz (fun _ : vec unit => 1).
Proof.
  intros v; exists 1, 0; split; [lra |]; intros.
  rewrite Rminus_eq_0, Rabs_R0; lra.
Qed.

Lemma falling_integral : integral (fun _ => 1 - (1 - 1)) (fun t => t).
Proof.
  split; [apply arc_id | split; [reflexivity |]].
  apply everywhere; intros t _; replace (1 - (1 - 1)) with 1 by ring.
  apply (is_derive_id (K := R_AbsRing)).
Qed.

Lemma falling_i : @assumption_2_i _ _ falling.
Proof.
  intros j; exists (fun t => t); split; [exact falling_integral | apply is_lim_id].
Qed.

(** Lemma 8 holds on [falling], with all its premises... *)
Fact falling_converges : is_lim (fun t => @beta _ _ falling t tt) p_infty 1.
Proof.
  apply lemma_8; auto using constant_loss_lipschitz, constant_loss_chain_rule,
    falling_i, falling_ii.
  intros; simpl; lra.
Qed.

(** ... and fails without Assumption 2(i). *)
Theorem lemma_8_decay_refuted :
  ~ forall P : Process2 unit, (forall v, 0 < L v) -> locally_lipschitz L ->
    admits_chain_rule L -> assumption_2_ii ->
    forall j, is_lim (fun t => beta t j) p_infty 1.
Proof.
  intros Wrong.
  specialize (Wrong frozen (fun _ => Rlt_0_1) constant_loss_lipschitz
    constant_loss_chain_rule frozen_ii tt).
  apply (is_lim_ext _ (fun _ => 2)) in Wrong; [| intros; apply frozen_beta].
  apply is_lim_unique in Wrong; rewrite Lim_const in Wrong.
  injection Wrong; lra.
Qed.

(** The Groenwall step without C_j's double dagger, from g(0) = 1 and h(0) = 3. *)
Theorem lemma_8_rate_refuted :
  ~ forall P : Process2 unit, (forall v, 0 < L v) -> locally_lipschitz L ->
    admits_chain_rule L -> assumption_2_ii ->
    forall j R, integral (fun t => 1 - rho t j) R -> forall t, 0 <= t ->
    Rabs (1 - beta t j ^ 2) <= Rabs (1 - beta 0 j ^ 2) * exp (- R t).
Proof.
  intros Wrong; set (slowed := still 1 1 3 one_range).
  assert (Ii : @assumption_2_ii _ _ slowed).
  { intros j; simpl; rewrite Rmult_0_r, exp_0; lra. }
  assert (D : forall t, 0 <= t -> Rabs (1 - @beta _ _ slowed t tt ^ 2) =
    2 * exp (- t) / (1 + exp (- t))).
  { intros t T; destruct (@lemma_6 _ _ slowed Ii t T tt); assert (E := exp_pos (- t)).
    rewrite beta_sqr by assumption; unfold beta2; simpl.
    replace (- (1) * t) with (- t) by ring.
    replace (1 - (1 + 3 * exp (- t) / 1) / (1 + 1 * exp (- t) / 1))
      with (- (2 * exp (- t) / (1 + exp (- t)))) by (field; lra).
    rewrite Rabs_Ropp; apply Rabs_pos_eq, Rdiv_le_0_compat; lra. }
  assert (W := Wrong slowed (fun _ => Rlt_0_1) constant_loss_lipschitz
    constant_loss_chain_rule Ii tt (fun t => t) falling_integral 1 ltac:(lra)).
  rewrite !D in W by lra; rewrite Ropp_0, exp_0 in W; simpl in W.
  assert (E := exp_pos (- (1))); assert (E1 : exp (- (1)) < exp 0)
    by (apply exp_increasing; lra).
  rewrite exp_0 in E1.
  set (q := exp (- (1))) in *.
  apply Rmult_le_compat_r with (r := 1 + q) in W; [| lra].
  replace (2 * q / (1 + q) * (1 + q)) with (2 * q) in W by (field; lra); nra.
Qed.

(** Lemma 9 with another value of the integral. *)
Theorem lemma_9_value_refuted :
  ~ forall P : Process2 unit, (forall v, 0 < L v) -> locally_lipschitz L ->
    admits_chain_rule L -> assumption_2_i -> assumption_2_ii ->
    forall j, exists V, integral (fun t => Rabs (dlog_beta j t)) V /\
      is_lim V p_infty (Rabs (ln (beta 0 j)) / 2).
Proof.
  intros Wrong.
  destruct (Wrong falling (fun _ => Rlt_0_1) constant_loss_lipschitz
    constant_loss_chain_rule falling_i falling_ii tt) as (V & IV & Lim).
  destruct (@lemma_9 _ _ falling (fun _ => Rlt_0_1) constant_loss_lipschitz
    constant_loss_chain_rule falling_i falling_ii tt) as (_ & V' & IV' & Lim').
  apply (is_lim_ext_loc _ V') in Lim.
  - apply is_lim_unique in Lim; apply is_lim_unique in Lim'.
    rewrite Lim in Lim'; injection Lim'; assert (B := falling_beta2 0 tt ltac:(lra)).
    rewrite Ropp_0, exp_0 in B; replace (1 + 3 * 1) with (2 ^ 2) in B by ring.
    assert (P := @beta_positive _ _ falling falling_ii 0 ltac:(lra) tt).
    replace (@beta _ _ falling 0 tt) with 2; [| rewrite <- (sqrt_pow2 2), <- B by lra;
      apply sqrt_pow2; lra].
    rewrite Rabs_pos_eq; generalize ln_lt_2; lra.
  - exists 0; intros t T; apply (integral_unique _ _ _ IV IV'); lra.
Qed.

(** Lemma 9's value of the integral also needs Assumption 2(i). *)
Theorem lemma_9_decay_refuted :
  ~ forall P : Process2 unit, (forall v, 0 < L v) -> locally_lipschitz L ->
    admits_chain_rule L -> assumption_2_ii ->
    forall j, exists V, integral (fun t => Rabs (dlog_beta j t)) V /\
      is_lim V p_infty (Rabs (ln (beta 0 j))).
Proof.
  intros Wrong.
  destruct (Wrong frozen (fun _ => Rlt_0_1) constant_loss_lipschitz
    constant_loss_chain_rule frozen_ii tt) as (V & IV & Lim).
  assert (Z : integral (fun t => Rabs (@dlog_beta _ _ frozen tt t)) (fun _ => 0)).
  { split; [apply arc_const | split; [reflexivity |]].
    apply everywhere; intros t _; unfold dlog_beta.
    rewrite (Derive_ext _ (fun _ => ln 2)) by (intros; now rewrite frozen_beta).
    rewrite Derive_const, Rabs_R0.
    apply (is_derive_const (V := R_NormedModule) 0). }
  apply (is_lim_ext_loc _ (fun _ => 0)) in Lim.
  - apply is_lim_unique in Lim; rewrite Lim_const, frozen_beta in Lim.
    injection Lim; rewrite Rabs_pos_eq.
    + generalize (ln_lt_2); lra.
    + generalize (ln_lt_2); lra.
  - exists 0; intros t T; apply (integral_unique _ _ _ IV Z); lra.
Qed.

(** Corollary A without h(0) = 0. *)
Theorem corollary_A_initial_refuted :
  ~ forall P : Process2 unit, (forall j, g 0 j = 0) ->
    forall t, 0 <= t -> forall j, beta t j = 1.
Proof.
  intros Wrong.
  assert (Z : forall j, @g _ _ frozen 0 j = 0) by (intros j; simpl; ring).
  specialize (Wrong frozen Z 0 (Rle_refl 0) tt); rewrite frozen_beta in Wrong; lra.
Qed.
