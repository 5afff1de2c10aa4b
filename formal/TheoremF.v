(** * Theorem F: AdaDelta in discrete time, on separable data, with rates

    Nothing is cited and nothing is assumed of the run but its step size; runs exist
    from every start, and for every learning rate some start meets the condition.  At
    the end the statements for two classes, in the terms of Theorem 2, and for many. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export LinearLosses DiscreteDescent.
Open Scope R_scope.

(** Procedure 1 can be run wherever there are gradients. *)
Lemma procedure_runs {J} `{FiniteType J} (f : vec J -> R) (grad : vec J -> vec J)
    (eta : R) (delta eps : vec J) (rho : nat -> vec J) (w0 g0 h0 : vec J) :
  (forall w, clarke f w (grad w)) ->
  0 < eta -> (forall j, 0 < delta j) -> (forall j, 0 < eps j) ->
  (forall k j, 0 <= rho k j <= 1) -> (forall j, 0 <= g0 j) -> (forall j, 0 <= h0 j) ->
  exists w d g h, w 0%nat = w0 /\ g 0%nat = g0 /\ h 0%nat = h0 /\
    procedure_1 f eta delta eps rho w d g h.
Proof.
  intros Gr He Hd Hp Hr Hg Hh.
  set (next := fun k (s : vec J * vec J * vec J) =>
    let w := fst (fst s) in let g := snd (fst s) in let h := snd s in
    let g' : vec J := fun j => rho k j * g j + (1 - rho k j) * grad w j ^ 2 in
    let u : vec J := fun j => sqrt ((eps j + h j) / (delta j + g' j)) * grad w j in
    ((fun j => w j - eta * u j) : vec J, g',
     (fun j => rho k j * h j + (1 - rho k j) * u j ^ 2) : vec J)).
  set (s := fix s k := match k with O => (w0, g0, h0) | S m => next m (s m) end).
  exists (fun k => fst (fst (s k))), (fun k => grad (fst (fst (s k)))),
    (fun k => snd (fst (s k))), (fun k => snd (s k)).
  split; [reflexivity |]; split; [reflexivity |]; split; [reflexivity |].
  split; auto; reflexivity.
Qed.

Section TheoremF.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Context {a : D -> vec J} {f : vec J -> R} {pull : vec J -> D -> R}.
Hypothesis loss_facts : margin_loss a f pull.
Hypothesis some_data : inhabited D.

(* statement: adadelta separable *)
(** AdaDelta on separable data, with a step size below the bound (c = 1 and R = max
    ||a(i)|| will do): the loss is of the order of 1 / k, and the direction is that of
    the problem skewed by (delta / eps)^(1/4). *)
Theorem adadelta_separable (eta : R) (delta eps : vec J)
    (rho w d g h : nat -> vec J) (c : vec J) (A R0 : R) :
  procedure_1 f eta delta eps rho w d g h ->
  small_step a f eta delta eps rho w h c A R0 ->
  (exists z, forall i, 0 < inner z (a i)) ->
  weights_diverge rho ->
  (exists C1 C2, 0 < C1 /\ eventually (fun k => C1 <= INR k * f (w k) <= C2)) /\
  is_lim_seq (fun k => f (w k)) 0 /\
  exists wstar, hard_margin a (fun j => sqrt (sqrt (delta j / eps j))) wstar /\
    tends_in_direction w wstar.
(* end statement *)
Proof.
  intros Run Small Sep Inf; assert (Ll := step_size_loss loss_facts Run Small Sep).
  split; [exact (step_size_rate loss_facts Run Small Sep) |]; split; [exact Ll |].
  exact (adadelta_implicit_bias loss_facts Run some_data Ll Inf).
Qed.

(** ** The rate of the direction *)

(** With weights above c0 the averages themselves are summable. *)
Lemma averages_summable eta (delta eps : vec J) (rho w d g h : nat -> vec J)
    c A R0 c0 j :
  procedure_1 f eta delta eps rho w d g h ->
  small_step a f eta delta eps rho w h c A R0 ->
  0 < c0 -> (forall k, c0 <= 1 - rho k j) ->
  ex_series (fun k => g k j) /\ ex_series (fun k => h k j).
Proof.
  intros Run Small c0p Wt.
  assert (By : forall u : nat -> R, (forall k, 0 <= u k) ->
    ex_series (fun k => (1 - rho k j) * u k) -> ex_series u).
  { intros u U Su; apply (summable_le _ (fun k => / c0 * ((1 - rho k j) * u k)));
      [| now apply summable_scal].
    intros k; split; auto; specialize (U k); specialize (Wt k).
    apply Rmult_le_reg_l with c0; auto.
    rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra; now apply Rmult_le_compat_r. }
  split; apply By.
  - intros k; apply (run_g_nonneg Run).
  - apply (g_forgotten Run (component_summable loss_facts Run Small)).
  - intros k; apply (run_h_nonneg Run).
  - apply (h_forgotten Run A (component_summable loss_facts Run Small)
      (factor_at_below loss_facts Run Small)).
Qed.

(** From a loss of at most C / k to its logarithm. *)
Lemma log_rate (u : nat -> R) (C : R) : (forall k, 0 < u k) ->
  (forall k, INR k * u k <= C) ->
  eventually (fun k => 0 < ln (INR k) /\ ln (INR k) / 2 <= - ln (u k)).
Proof.
  intros U Up; set (M := Rabs (ln (Rabs C + 1)));
    assert (M0 : 0 <= M) by apply Rabs_pos.
  assert (Large : eventually (fun k => exp (2 * M + 1) < INR k))
    by (apply (lim_large INR), is_lim_seq_INR).
  revert Large; apply eventually_imp; intros k I; specialize (U k); specialize (Up k).
  assert (I0 : 0 < INR k) by (generalize (exp_pos (2 * M + 1)); lra).
  assert (Ln : 2 * M + 1 < ln (INR k)).
  { rewrite <- (ln_exp (2 * M + 1)); apply ln_increasing; auto; apply exp_pos. }
  assert (Lr : ln (INR k) + ln (u k) <= M).
  { rewrite <- ln_mult by auto.
    apply Rle_trans with (ln (Rabs C + 1)); [| apply Rle_abs].
    apply ln_le; [now apply Rmult_lt_0_compat |]; generalize (Rle_abs C); lra. }
  lra.
Qed.

(* statement: adadelta rate *)
(** Where the weights 1 - rho stay above a positive number, the distance from the limit
    direction is O((log k)^(-1/2)), and the normalized margins, in the norm of the
    skewed problem, are O(1 / log k) below the best one. *)
Theorem adadelta_rate (eta : R) (delta eps : vec J)
    (rho w d g h : nat -> vec J) (c : vec J) (A R0 c0 : R) (wstar : vec J) :
  procedure_1 f eta delta eps rho w d g h ->
  small_step a f eta delta eps rho w h c A R0 ->
  (exists z, forall i, 0 < inner z (a i)) ->
  0 < c0 -> (forall k j, c0 <= 1 - rho k j) ->
  hard_margin a (fun j => sqrt (sqrt (delta j / eps j))) wstar ->
  let skew := fun j => sqrt (sqrt (delta j / eps j)) in
  exists C, eventually (fun k =>
    (forall j, (w k j / norm (w k) - wstar j / norm wstar) ^ 2 <= C / ln (INR k)) /\
    (forall i, / norm (mul skew wstar) - C / ln (INR k) <=
       inner (w k) (a i) / norm (mul skew (w k)))).
(* end statement *)
Proof.
  intros Run Small Sep c0p Wt Kkt skew.
  assert (Ll := step_size_loss loss_facts Run Small Sep).
  set (e k := Sum (fun j => / eps j * h k j + / delta j * g (S k) j)).
  assert (Terms : forall k j, 0 <= / eps j * h k j + / delta j * g (S k) j).
  { intros k j; assert (De := delta_positive Run j).
    assert (Ep := eps_positive Run j).
    apply Rplus_le_le_0_compat; apply Rmult_le_pos;
      try (left; now apply Rinv_0_lt_compat);
      [apply (run_h_nonneg Run) | apply (run_g_nonneg Run)]. }
  assert (E0 : forall k, 0 <= e k) by (intros k; apply Sum_nonneg, Terms).
  assert (Es : ex_series e).
  { apply (summable_Sum (fun j k => / eps j * h k j + / delta j * g (S k) j)); intros j.
    destruct (averages_summable eta delta eps rho w d g h c A R0 c0 j Run Small c0p
      (fun k => Wt k j)) as [Sg Sh].
    apply summable_plus; apply summable_scal; auto.
    now apply (summable_next (fun k => g k j)). }
  assert (Off : forall k j,
    Rabs (factors delta eps g h k j / sqrt (eps j / delta j) - 1) <= e k).
  { intros k j; apply Rle_trans with (/ eps j * h k j + / delta j * g (S k) j).
    - apply (factor_error (delta j) (eps j) (fun k => rho k j) (fun k => d k j)
        (fun k => g k j) (fun k => h k j)); intros; apply Run.
    - apply (Sum_ge_term (fun j => / eps j * h k j + / delta j * g (S k) j)), Terms. }
  assert (Ser : ex_series (fun k => f (w k) * (e k + f (w k)))).
  { apply (summable_le _ (fun k => f (w 0%nat) * e k + f (w k) ^ 2)).
    - intros k; assert (Lk := loss_positive loss_facts (w k)); specialize (E0 k).
      assert (Lb := loss_at_below loss_facts Run Small k).
      split; [apply Rmult_le_pos; lra |].
      assert (f (w k) * e k <= f (w 0%nat) * e k) by now apply Rmult_le_compat_r.
      lra.
    - apply summable_plus; [now apply summable_scal |].
      exact (loss_sqr_summable loss_facts Run Small Sep). }
  rewrite <- (skew_of_limit Run) in Kkt.
  destruct (preconditioned_rate w d (factors delta eps g h)
    (fun j => sqrt (eps j / delta j)) wstar eta some_data loss_facts
    (rate_positive Run) (gradients Run)
    (run_w Run) (limit_factor_pos Run) Ll Kkt e E0 Off (ex_series_lim_0 e Es) Ser)
    as (C & C0 & Rate).
  destruct (loss_at_most loss_facts Run Small Sep) as (CL & _ & Up).
  exists (2 * C); generalize (eventually_and _ _ Rate (log_rate _ CL
    (fun k => loss_positive loss_facts (w k)) Up)).
  apply eventually_imp; intros k [(_ & Near & Margins) [Lk Half]].
  assert (Slow : C / - ln (f (w k)) <= 2 * C / ln (INR k)).
  { replace (2 * C / ln (INR k)) with (C * / (ln (INR k) / 2)) by (field; lra).
    apply Rmult_le_compat_l; auto; apply Rinv_le_contravar; lra. }
  split; [intros j; exact (Rle_trans _ _ _ (Near j) Slow) | intros i].
  rewrite (skew_of_limit Run) in Margins; fold skew in Margins.
  specialize (Margins i); lra.
Qed.

(** ** The theorems are about something *)

(* statement: runs *)
(** Procedure 1 can be run from every start. *)
Theorem procedure_1_runs (eta : R) (delta eps : vec J) (rho : nat -> vec J)
    (w0 g0 h0 : vec J) :
  0 < eta -> (forall j, 0 < delta j) -> (forall j, 0 < eps j) ->
  (forall k j, 0 <= rho k j <= 1) -> (forall j, 0 <= g0 j) -> (forall j, 0 <= h0 j) ->
  exists w d g h, w 0%nat = w0 /\ g 0%nat = g0 /\ h 0%nat = h0 /\
    procedure_1 f eta delta eps rho w d g h.
(* end statement *)
Proof.
  apply (procedure_runs f (fun w => (fun j => - descent a pull w j) : vec J)).
  intros v; now apply (loss_clarke loss_facts).
Qed.

(** Along a separating vector the loss falls geometrically. *)
Lemma loss_small_somewhere (e : R) : (exists z, forall i, 0 < inner z (a i)) -> 0 < e ->
  exists w, f w <= e.
Proof.
  intros [z Sep] e0.
  destruct (finite_bounds (fun i => inner z (a i)) Sep) as (m & M & m0 & _ & Bm).
  set (along := fun k : nat => (fun j => INR k * z j) : vec J).
  set (F := f (along 0%nat)); assert (F0 : 0 < F) by apply loss_facts.
  set (q := (1 - exp (- m)) / (1 + F)).
  assert (Em := exp_pos (- m)).
  assert (E1 : exp (- m) < 1) by (rewrite <- exp_0; apply exp_increasing; lra).
  assert (q0 : 0 < q < 1).
  { split; [apply Rdiv_lt_0_compat; lra |]; unfold q.
    apply Rmult_lt_reg_r with (1 + F); [lra |].
    unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra. }
  assert (Falls : forall k, f (along (S k)) <=
    f (along k) - (1 - exp (- m)) * Sum (pull (along k))).
  { intros k; replace (along (S k)) with (fun j => along k j + z j).
    2: { apply functional_extensionality; intros j; unfold along; rewrite S_INR; ring. }
    apply Rle_trans with (1 := below_exponentials loss_facts (along k) z).
    replace (f (along k) - (1 - exp (- m)) * Sum (pull (along k))) with
      (f (along k) + (exp (- m) - 1) * Sum (pull (along k))) by ring.
    apply Rplus_le_compat_l; rewrite <- Sum_scal; apply Sum_le; intros i.
    rewrite (Rmult_comm (exp (- m) - 1)); apply Rmult_le_compat_l; [apply loss_facts |].
    assert (exp (- inner z (a i)) <= exp (- m)); [| lra].
    destruct (Bm i) as [[Lo | <-] _]; [left; apply exp_increasing |]; lra. }
  assert (Below : forall k, f (along k) <= F * (1 - q) ^ k).
  { induction k as [| k IH]; [unfold F; simpl; lra |].
    assert (Lk := loss_positive loss_facts (along k)).
    assert (Lf : f (along k) <= F).
    { assert (One : (1 - q) ^ k <= 1 ^ k) by (apply pow_incr; lra); rewrite pow1 in One.
      apply Rmult_le_compat_l with (r := F) in One; lra. }
    assert (Pull := pull_above loss_facts (along k)).
    assert (P0 : 0 <= Sum (pull (along k))) by (apply Sum_nonneg; apply loss_facts).
    assert (Q : q * f (along k) <= (1 - exp (- m)) * Sum (pull (along k))).
    { unfold q, Rdiv; rewrite Rmult_assoc; apply Rmult_le_compat_l; [lra |].
      apply Rmult_le_reg_l with (1 + F); [lra |].
      rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra;
        apply Rle_trans with (1 := Pull).
      apply Rmult_le_compat_r; lra. }
    apply Rle_trans with (1 := Falls k); simpl.
    apply Rle_trans with ((1 - q) * f (along k)); [lra |].
    replace (F * ((1 - q) * (1 - q) ^ k)) with ((1 - q) * (F * (1 - q) ^ k)) by ring.
    apply Rmult_le_compat_l; lra. }
  destruct (pow_lt_1_zero (1 - q)) with (y := e / F) as [K HK].
  { rewrite Rabs_pos_eq; lra. }
  { apply Rdiv_lt_0_compat; lra. }
  exists (along K); apply Rle_trans with (1 := Below K).
  specialize (HK K (le_n K)); rewrite Rabs_pos_eq in HK by (apply pow_le; lra).
  apply Rmult_lt_compat_l with (r := F) in HK; auto.
  replace (F * (e / F)) with e in HK by (field; lra); lra.
Qed.

Lemma factor_bound_mono eta (delta eps h0 : vec J) (L0 L1 : R) j :
  0 < eta -> 0 < delta j -> 0 <= L0 <= L1 ->
  factor_bound eta L0 (fun _ => 1) delta eps h0 j <=
  factor_bound eta L1 (fun _ => 1) delta eps h0 j.
Proof.
  intros He Hd B; unfold factor_bound.
  assert (I : 0 < / (eta * delta j))
    by (apply Rinv_0_lt_compat, Rmult_lt_0_compat; auto).
  assert (U : 1 * L0 / (eta * delta j) <= 1 * L1 / (eta * delta j))
    by (unfold Rdiv; apply Rmult_le_compat_r; lra).
  assert (V : 0 <= 1 * L0 / (eta * delta j)) by (unfold Rdiv; apply Rmult_le_pos; lra).
  apply Rplus_le_compat; auto; apply sqrt_le_1_alt, Rplus_le_compat_r, pow_incr; auto.
Qed.

(* statement: starts *)
(** For every learning rate there are starts from which every run of AdaDelta meets the
    condition on the step size. *)
Theorem adadelta_starts (eta : R) (delta eps : vec J)
    (rho : nat -> vec J) (h0 : vec J) :
  0 < eta -> (forall j, 0 < delta j) -> (forall k j, 0 <= rho k j <= 1) ->
  (exists z, forall i, 0 < inner z (a i)) ->
  exists (w0 : vec J) (A R0 : R), forall w h, w 0%nat = w0 -> h 0%nat = h0 ->
    small_step a f eta delta eps rho w h (fun _ => 1) A R0.
(* end statement *)
Proof.
  intros He Hd Hr Sep; destruct (norms_bounded a) as (R0 & R0p & Rb).
  set (A := Sum (fun j => factor_bound eta 1 (fun _ => 1) delta eps h0 j)).
  assert (F0 : forall j, 0 <= factor_bound eta 1 (fun _ => 1) delta eps h0 j).
  { intros j; unfold factor_bound; apply Rplus_le_le_0_compat; [| apply sqrt_pos].
    unfold Rdiv; apply Rmult_le_pos; [lra |].
    left; apply Rinv_0_lt_compat, Rmult_lt_0_compat; auto. }
  assert (A0 : 0 <= A) by (apply Sum_nonneg; auto).
  set (C := eta * A * R0 ^ 2).
  assert (C0 : 0 <= C)
    by (apply Rmult_le_pos; [apply Rmult_le_pos; lra | apply pow2_ge_0]).
  assert (e0 : 0 < / (C + 1)) by (apply Rinv_0_lt_compat; lra).
  assert (e1 : / (C + 1) <= 1) by (rewrite <- Rinv_1; apply Rinv_le_contravar; lra).
  destruct (loss_small_somewhere (/ (C + 1)) Sep e0) as [w0 W0].
  exists w0, A, R0; intros w h Ew Eh; assert (L0 := loss_positive loss_facts w0).
  split; auto; rewrite ?Ew, ?Eh.
  - intros k j; destruct (Hr k j); lra.
  - intros j; apply Rle_trans with (factor_bound eta 1 (fun _ => 1) delta eps h0 j).
    + apply factor_bound_mono; auto; lra.
    + now apply (Sum_ge_term (fun j => factor_bound eta 1 (fun _ => 1) delta eps h0 j)).
  - fold C; apply Rle_trans with (C * / (C + 1)); [now apply Rmult_le_compat_l |].
    apply Rmult_le_reg_r with (C + 1); [lra |]; rewrite Rmult_assoc, Rinv_l; lra.
Qed.

End TheoremF.

(** ** Two classes, in the terms of Theorem 2 *)

(* statement: theorem F *)
(** Procedure 1, a linear predictor, the exponential or the logistic loss, any learning
    rate: if the loss vanishes, the run goes where Theorem 2 says that the flow goes. *)
Theorem theorem_F {J D X} `{FiniteType J} `{Dataset D X}
    (k : loss) (feat : X -> vec J) (eta : R) (delta eps : vec J)
    (rho w d g h : nat -> vec J) :
  procedure_1 (total_loss (summed k) (linear_predictor feat)) eta delta eps rho w d g
    h ->
  weights_diverge rho ->
  is_lim_seq (fun n => total_loss (summed k) (linear_predictor feat) (w n)) 0 ->
  exists wstar,
    max_margin_KKT (linear_predictor feat) (fun j => sqrt (sqrt (delta j / eps j)))
      wstar /\
    tends_in_direction w wstar.
(* end statement *)
Proof.
  intros Run Inf Ll; rewrite max_margin_linear.
  exact (adadelta_implicit_bias (total_loss_is_margin_loss k feat) Run nonempty Ll Inf).
Qed.

(* statement: theorem F separable *)
(** With a step size below the bound, on separable data: no assumption on the run. *)
Theorem theorem_F_separable {J D X} `{FiniteType J} `{Dataset D X}
    (k : loss) (feat : X -> vec J) (eta : R) (delta eps : vec J)
    (rho w d g h : nat -> vec J) (c : vec J) (A R0 : R) :
  let L := total_loss (summed k) (linear_predictor feat) in
  procedure_1 L eta delta eps rho w d g h ->
  small_step (signed feat) L eta delta eps rho w h c A R0 ->
  (exists z, forall i, 0 < y i * linear_predictor feat z (x i)) ->
  weights_diverge rho ->
  (exists C1 C2, 0 < C1 /\ eventually (fun n => C1 <= INR n * L (w n) <= C2)) /\
  exists wstar,
    max_margin_KKT (linear_predictor feat) (fun j => sqrt (sqrt (delta j / eps j)))
      wstar /\
    tends_in_direction w wstar.
(* end statement *)
Proof.
  intros L Run Small [z Sep] Inf; rewrite max_margin_linear.
  destruct (adadelta_separable (total_loss_is_margin_loss k feat) nonempty eta delta eps
    rho w d g h c A R0 Run Small) as (Rate & _ & Dir); auto.
  exists z; intros i; specialize (Sep i); unfold signed.
  now rewrite (inner_scal (y i) z (feat (x i))).
Qed.

(* statement: theorem F many classes *)
(** Many classes, a linear model, cross-entropy: the same, with a margin for each data
    point and each class other than its label. *)
Theorem theorem_F_many_classes {D C I K} `{FiniteType D} `{FiniteType C} `{FiniteType I}
    `{FiniteType K} (data : D -> vec I) (label : D -> C) (rival : D -> K -> C)
    (eta : R) (delta eps : vec (C * I)) (rho w d g h : nat -> vec (C * I)) :
  inhabited D -> inhabited K -> lists_rivals label rival ->
  procedure_1 (softmax_loss logit data label) eta delta eps rho w d g h ->
  weights_diverge rho ->
  is_lim_seq (fun n => softmax_loss logit data label (w n)) 0 ->
  exists wstar,
    hard_margin (fun ik => pair_vector data label rival (fst ik) (snd ik))
      (fun j => sqrt (sqrt (delta j / eps j))) wstar /\
    tends_in_direction w wstar.
(* end statement *)
Proof.
  intros [i] [k] Rivals; rewrite (softmax_is_cross_entropy data label rival Rivals).
  assert (some := inhabits (i, k)); intros Run Inf Ll.
  exact (adadelta_implicit_bias (cross_entropy_is_margin_loss _ some) Run some Ll Inf).
Qed.
