(** * Another start of time, and another scale of the weights *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Rates.
Import ListNotations.
Open Scope R_scope.

(** ** Shifting time *)

Lemma inside_shift t0 l b : 0 <= t0 -> inside 0 l b ->
  inside 0 (map (fun p : R * R => (t0 + fst p, t0 + snd p)) l) (t0 + b).
Proof.
  intros T; revert b; induction l as [| [a' b'] l IH]; simpl; intros b I; [lra |].
  destruct I as (X & Y & I); repeat split; try lra; now apply IH.
Qed.

Lemma arc_shift_time f t0 : 0 <= t0 -> arc f -> arc (fun s => f (t0 + s)).
Proof.
  intros P A T T0 e e0; destruct (A (t0 + T) ltac:(lra) e e0) as (d & d0 & V).
  exists d; split; auto; intros l I L.
  set (l' := map (fun p : R * R => (t0 + fst p, t0 + snd p)) l).
  assert (E : len l' = len l /\ var f l' = var (fun s => f (t0 + s)) l).
  { unfold l'; clear; induction l as [| [a b] l [E1 E2]]; simpl; [easy |].
    rewrite E1, E2; split; ring. }
  destruct E as [E1 E2]; rewrite <- E2; apply V; [| lra].
  now apply inside_shift.
Qed.

Lemma null_shift E t0 : null E -> null (fun s => E (t0 + s)).
Proof.
  intros N d d0; destruct (N d d0) as (a & b & O & S & C).
  exists (fun n => a n - t0), (fun n => b n - t0); repeat split.
  - intros n; specialize (O n); lra.
  - intros m; apply Rle_trans with (2 := S m), psum_le; intros; lra.
  - intros t Et; destruct (C _ Et) as [n Hn]; exists n; lra.
Qed.

Lemma ae_shift (P : R -> Prop) t0 : 0 <= t0 -> ae P -> ae (fun s => P (t0 + s)).
Proof.
  intros T (E & N & A); exists (fun s => E (t0 + s)); split; [now apply null_shift |].
  intros t Ht Et; apply A; auto; lra.
Qed.

Lemma derive_shift (f : R -> R) t0 s d :
  is_derive f (t0 + s) d -> is_derive (fun s => f (t0 + s)) s d.
Proof.
  intros Df; replace d with (1 * d) by ring.
  apply (is_derive_comp f (fun s => t0 + s)); [exact Df | auto_derive; auto; ring].
Qed.

Lemma Derive_shift (f : R ->
  R) t0 s : Derive (fun s => f (t0 + s)) s = Derive f (t0 + s).
Proof.
  unfold Derive; f_equal; apply Lim_ext; intros h; f_equal; f_equal; f_equal; ring.
Qed.

Lemma integral_shift f F t0 : 0 <= t0 -> integral f F ->
  integral (fun s => f (t0 + s)) (fun s => F (t0 + s) - F t0).
Proof.
  intros T (A & Z & Df); split; [| split].
  - apply arc_ext with (fun s => F (t0 + s) + - F t0); [intros; ring |].
    apply arc_plus; [now apply arc_shift_time | apply arc_const].
  - rewrite Rplus_0_r; ring.
  - apply (ae_shift _ t0 T) in Df; revert Df; apply ae_imp; intros s _ Ds.
    rewrite <- (Rminus_0_r (f (t0 + s))).
    apply (is_derive_minus (V := R_NormedModule) (fun s => F (t0 + s)));
      [now apply derive_shift | apply (is_derive_const (V := R_NormedModule))].
Qed.

Lemma integrable_shift f t0 : 0 <= t0 -> integrable f ->
  integrable (fun s => f (t0 + s)).
Proof.
  intros T ((F & IF) & V & l & IV & Lim); split.
  - eexists; now apply integral_shift, IF.
  - exists (fun s => V (t0 + s) - V t0), (l - V t0); split.
    + now apply (integral_shift (fun t => Rabs (f t))).
    + apply (is_lim_minus' (fun s => V (t0 + s)) (fun _ => V t0));
        [| apply is_lim_const].
      apply is_lim_spec; apply is_lim_spec in Lim; intros e; destruct (Lim e) as [M HM].
      exists (Rmax M 0); intros s S; apply HM.
      generalize (Rmax_l M 0) (Rmax_r M 0); lra.
Qed.

(** The two orders of growth do not see a shift. *)
Lemma ln_shift t0 t : 0 <= t0 -> 2 * t0 + 4 <= t ->
  1 < ln t /\ Rabs (ln (t - t0) - ln t) <= ln 2 /\
    Rabs (ln (ln (t - t0)) - ln (ln t)) <= ln 2.
Proof.
  intros T H; assert (l2 : 0 < ln 2) by (rewrite <- ln_1; apply ln_increasing; lra).
  assert (U : ln (t - t0) <= ln t) by (apply ln_le; lra).
  assert (L : ln t - ln 2 <= ln (t - t0)).
  { unfold Rminus at 1; rewrite <- ln_Rinv by lra.
    rewrite <- ln_mult by lra; apply ln_le; lra. }
  assert (F : 2 * ln 2 <= ln t).
  { replace (2 * ln 2) with (ln (2 ^ 2)) by (rewrite ln_pow; simpl; lra).
    apply ln_le; lra. }
  assert (One : 1 < ln t).
  { apply Rlt_le_trans with (ln 4); [| apply ln_le; lra].
    rewrite <- (ln_exp 1); apply ln_increasing; [apply exp_pos |].
    generalize exp_le_3; lra. }
  split; auto; split; [apply Rabs_le; lra |].
  assert (h0 : 0 < / 2 * ln t) by lra.
  apply Rabs_le; split.
  - assert (Half : ln (/ 2 * ln t) <= ln (ln (t - t0))) by (apply ln_le; lra).
    rewrite ln_mult, ln_Rinv in Half by lra; lra.
  - assert (ln (ln (t - t0)) <= ln (ln t)) by (apply ln_le; lra); lra.
Qed.

Lemma Theta_shift (f F : R -> R) t0 c : 0 <= t0 ->
  (forall t, 2 * t0 + 4 <= t -> exp (- c) * F t <= F (t - t0) <= exp c * F t) ->
  Theta (fun s => f (t0 + s)) F -> Theta f F.
Proof.
  intros T Same (a & b & T1 & a0 & b0 & B).
  exists (a * exp (- c)), (b * exp c), (Rmax (T1 + t0) (2 * t0 + 4)).
  split; [apply Rmult_lt_0_compat; auto; apply exp_pos |].
  split; [apply Rmult_lt_0_compat; auto; apply exp_pos |].
  intros t Ht; assert (H1 := Rle_trans _ _ _ (Rmax_l _ _) Ht).
  assert (H2 := Rle_trans _ _ _ (Rmax_r _ _) Ht).
  destruct (Same t H2) as [S1 S2]; destruct (B (t - t0) ltac:(lra)) as [B1 B2].
  replace (t0 + (t - t0)) with t in * by ring; rewrite !Rmult_assoc; split.
  - apply Rle_trans with (2 := B1), Rmult_le_compat_l; lra.
  - apply Rle_trans with (1 := B2), Rmult_le_compat_l; lra.
Qed.

Lemma Theta_shift_loss f t0 a : 0 <= t0 ->
  Theta (fun s => f (t0 + s)) (fun t => / (t * Rpower (ln t) a)) ->
  Theta f (fun t => / (t * Rpower (ln t) a)).
Proof.
  intros T; apply (Theta_shift f _ t0 (ln 2 + Rabs a * ln 2)); auto; intros t Ht.
  destruct (ln_shift t0 t T Ht) as (One & L1 & L2).
  assert (E : forall r, 0 < r ->
    / (r * Rpower (ln r) a) = exp (- (ln r + a * ln (ln r)))).
  { intros r r0; unfold Rpower; rewrite exp_Ropp, exp_plus, exp_ln; auto. }
  rewrite !E by lra; rewrite <- !exp_plus.
  assert (A : Rabs (a * (ln (ln (t - t0)) - ln (ln t))) <= Rabs a * ln 2).
  { rewrite Rabs_mult; apply Rmult_le_compat_l; [apply Rabs_pos | exact L2]. }
  apply Rabs_le_between in A; apply Rabs_le_between in L1; split; apply exp_le; lra.
Qed.

Lemma Theta_shift_norm f t0 a : 0 <= t0 ->
  Theta (fun s => f (t0 + s)) (fun t => Rpower (ln t) a) ->
  Theta f (fun t => Rpower (ln t) a).
Proof.
  intros T; apply (Theta_shift f _ t0 (Rabs a * ln 2)); auto; intros t Ht.
  destruct (ln_shift t0 t T Ht) as (One & _ & L2).
  unfold Rpower; rewrite <- !exp_plus.
  assert (A : Rabs (a * (ln (ln (t - t0)) - ln (ln t))) <= Rabs a * ln 2).
  { rewrite Rabs_mult; apply Rmult_le_compat_l; [apply Rabs_pos | exact L2]. }
  apply Rabs_le_between in A; split; apply exp_le; lra.
Qed.

Lemma is_lim_shift (f : R -> R) t0 (z : R) : 0 <= t0 ->
  is_lim f p_infty z <-> is_lim (fun s => f (t0 + s)) p_infty z.
Proof.
  intros T; split; intros L; apply is_lim_spec; apply is_lim_spec in L; intros e;
    destruct (L e) as [M HM].
  - exists M; intros s S; apply HM; lra.
  - exists (M + t0); intros t Ht; replace t with (t0 + (t - t0)) by ring; apply HM; lra.
Qed.

(** An adaptive flow from the time on at which it separates the data. *)
Lemma separated_from {J D X} `{FiniteType J} `{Dataset D X} {k : joint_loss D}
    {Phi : vec J -> X -> R} {l : R} {v beta u : R -> vec J} {t0 : R} :
  homogeneous_predictor Phi l -> admits_chain_rule (total_loss k Phi) ->
  adaptive_flow k Phi v beta u -> 0 <= t0 -> total_loss k Phi (v t0) < ell k 0 ->
  separated_flow k Phi l (fun s => v (t0 + s)) (fun s => beta (t0 + s))
    (fun s => u (t0 + s)).
Proof.
  intros Hom Chain Fl T0 Sep; constructor; auto; [| now rewrite Rplus_0_r].
  constructor.
  - intros j; now apply (arc_shift_time (fun t => v t j)), (flow_arc Fl).
  - intros j; now apply (arc_shift_time (fun t => beta t j)), (adapter_arc Fl).
  - intros t j T; apply (adapter_pos Fl); lra.
  - assert (Db := ae_shift _ t0 T0 (adapter_derivable Fl)); revert Db.
    apply ae_imp; intros s _ Ds j; destruct (Ds j) as [d Dd]; exists d.
    now apply (derive_shift (fun t => beta t j)).
  - exact (ae_shift (fun t => clarke (total_loss k Phi) (v t) (u t)) t0 T0
      (flow_subgradient Fl)).
  - assert (Dv := ae_shift _ t0 T0 (flow_equation Fl)); revert Dv.
    apply ae_imp; intros s _ Ds j; now apply (derive_shift (fun t => v t j)).
  - intros j; assert (In := integrable_shift _ t0 T0 (adapter_fluctuation Fl j)).
    replace (fun t => Derive (fun s => ln (beta (t0 + s) j)) t) with
      (fun s => Derive (fun s => ln (beta s j)) (t0 + s)); auto.
    apply functional_extensionality; intros s; symmetry.
    apply (Derive_shift (fun s => ln (beta s j))).
Qed.

(** ** The change of variables *)

(** The predictor in the variables v, where w = chi v. *)
Definition scaled {J X} (chi : vec J) (Phi : vec J -> X -> R) : vec J -> X -> R :=
  fun v => Phi (mul chi v).

Section Scaled.
Context {J : Type} `{FiniteType J}.

Lemma lipschitz_mul (f : vec J -> R) chi : (forall j, chi j <> 0) ->
  locally_lipschitz f -> locally_lipschitz (fun v => f (mul chi v)).
Proof.
  intros Nz Lip v.
  destruct (finite_bounds (fun j => Rabs (chi j))) as (m & M & m0 & M0 & B).
  { intros j; now apply Rabs_pos_lt. }
  assert (S : forall a b : vec J,
    norm (sub (mul chi a) (mul chi b)) <= M * norm (sub a b)).
  { intros a b; apply norm_le_scaled; [lra |]; intros j; unfold sub, mul.
    replace (chi j * a j - chi j * b j) with (chi j * (a j - b j)) by ring.
    rewrite Rabs_mult; apply Rmult_le_compat_r; [apply Rabs_pos | apply B]. }
  destruct (Lip (mul chi v)) as (r & K & r0 & HK).
  exists (r / M), (Rabs K * M); split; [apply Rdiv_lt_0_compat; lra |];
    intros a b Ha Hb.
  assert (N : forall a, norm (sub a v) < r / M ->
    norm (sub (mul chi a) (mul chi v)) < r).
  { intros c Hc; apply Rle_lt_trans with (1 := S c v).
    apply Rmult_lt_compat_l with (r := M) in Hc; auto.
    replace (M * (r / M)) with r in Hc by (field; lra); exact Hc. }
  eapply Rle_trans; [apply HK; auto |].
  apply Rle_trans with (Rabs K * norm (sub (mul chi b) (mul chi a))).
  - apply Rmult_le_compat_r; [apply norm_nonneg | apply Rle_abs].
  - rewrite Rmult_assoc; apply Rmult_le_compat_l; [apply Rabs_pos | apply S].
Qed.

Lemma chain_rule_mul (f : vec J -> R) chi : (forall j, chi j <> 0) ->
  admits_chain_rule f -> admits_chain_rule (fun v => f (mul chi v)).
Proof.
  intros Nz Ch v Av Dv.
  assert (Aw : forall j, arc (fun t => mul chi (v t) j)) by (intros j;
    now apply arc_scal).
  assert (Dw : ae (fun t => forall j, ex_derive (fun s => mul chi (v s) j) t)).
  { revert Dv; apply ae_imp; intros t _ Dv j; destruct (Dv j) as [d Dd].
    exists (chi j * d); now apply (is_derive_scal (fun s => v s j)). }
  generalize (Ch _ Aw Dw); apply ae_imp; intros t _ C u Cu.
  specialize (C _ (clarke_unscaled f chi (v t) u Nz Cu)).
  replace (inner u (fun j => Derive (fun s => v s j) t)) with
    (inner (mul (fun j => / chi j) u) (fun j => Derive (fun s => mul chi (v s) j) t));
      auto.
  apply Sum_ext; intros j; unfold mul at 2; rewrite Derive_scal; unfold mul; field;
    auto.
Qed.

End Scaled.

Lemma homogeneous_scaled {J D X} `{FiniteType J} `{Dataset D X}
    (Phi : vec J -> X -> R) (l : R) (chi : vec J) : (forall j, chi j <> 0) ->
  homogeneous_predictor Phi l -> homogeneous_predictor (scaled chi Phi) l.
Proof.
  intros Nz Hom; constructor; [exact (degree_pos Hom) | |].
  - intros i; apply (lipschitz_mul (fun w => Phi w (x i))); auto.
    apply (predictor_lipschitz Hom).
  - intros a v i A; unfold scaled; rewrite <- (predictor_homogeneous Hom) by auto;
      f_equal.
    apply functional_extensionality; intros j; unfold mul; ring.
Qed.
