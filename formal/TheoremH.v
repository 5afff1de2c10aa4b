(** * Theorem H1: one unit in discrete time, with steps of any size

    The network v sigma(< u, x >), sigma leaky ReLU, exponential or logistic loss.  If
    the loss vanishes, and ||w||^2 times the loss too, the run goes to the direction of
    the one KKT point of the skewed problem at which v has the sign that it keeps. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export OneUnitDirection OneUnitNetwork DiscreteAdaDelta.
Open Scope R_scope.

Lemma Sum_Rabs_le {D} `{FiniteType D} (f : D -> R) :
  Rabs (Sum f) <= Sum (fun i => Rabs (f i)).
Proof.
  unfold Sum; induction enum as [| i is IH]; simpl; [rewrite Rabs_R0; lra |].
  generalize (Rabs_triang (f i) (lsum f is)); lra.
Qed.

(** ** The loss: large margins, and pulls that are on the small ones *)

Lemma pull_pos k m : 0 < - ell' k m.
Proof. rewrite psi_ell; apply psi_pos, ell_pos. Qed.

Lemma pull_le k m : - ell' k m <= ell k m.
Proof. rewrite psi_ell; apply psi_near_id; left; apply ell_pos. Qed.

(** The pull of a margin m times its excess over a margin l >= 0. *)
Lemma pull_excess k m l : 0 <= l -> - ell' k m * (m - l) <= 2 * - ell' k l.
Proof.
  intros l0; assert (Pl := pull_pos k l); assert (Pm := pull_pos k m).
  destruct (Rle_lt_dec m l) as [Le | Lt]; [nra |].
  assert (El := exp_pos (- l)).
  assert (Half : exp (- l) <= 2 * - ell' k l).
  { destruct k; unfold ell' in *; [lra |].
    assert (exp (- l) <= 1).
    { rewrite <- exp_0; destruct l0 as [l0 | <-]; [left; apply exp_increasing; lra |].
      rewrite Ropp_0; lra. }
    replace (2 * - (- exp (- l) / (1 + exp (- l)))) with
      (exp (- l) * (2 / (1 + exp (- l)))) by (field; lra).
    rewrite <- (Rmult_1_r (exp (- l))) at 1; apply Rmult_le_compat_l; [lra |].
    apply Rmult_le_reg_r with (1 + exp (- l)); [lra |].
    unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra. }
  apply Rle_trans with (2 := Half).
  apply Rle_trans with (exp (- m) * (m - l)).
  - apply Rmult_le_compat_r; [lra | apply ell_slope_le_exp].
  - replace (- m) with (- l + - (m - l)) by ring; rewrite exp_plus, Rmult_assoc.
    rewrite <- (Rmult_1_r (exp (- l))) at 2; apply Rmult_le_compat_l; [lra |].
    rewrite exp_Ropp; assert (T := exp_ineq1_le (m - l)).
    assert (E := exp_pos (m - l)).
    apply Rmult_le_reg_l with (exp (m - l)); auto.
    rewrite <- Rmult_assoc, Rinv_r; lra.
Qed.

Lemma loss_margins_large {D} `{FiniteType D} (k : loss) (m : nat -> D -> R) :
  is_lim_seq (fun n => Sum (fun i => ell k (m n i))) 0 ->
  forall M, eventually (fun n => forall i, M <= m n i).
Proof.
  intros L M; assert (E := exp_pos (- (M + 1))).
  generalize (eventually_and _ _ (lim_near _ 0 _ L E) (lim_near _ 0 1 L Rlt_0_1)).
  apply eventually_imp; intros n [[_ Se] [_ S1]] i.
  assert (Le : ell k (m n i) <= Sum (fun i => ell k (m n i)))
    by (apply (Sum_ge_term (fun i => ell k (m n i))); intros; left; apply ell_pos).
  assert (P := ell_pos k (m n i)); assert (Mg := inverse_large k _ P).
  rewrite inverse_ell in Mg.
  assert (ln (ell k (m n i)) < - (M + 1)); [| lra].
  rewrite <- (ln_exp (- (M + 1))); apply ln_increasing; lra.
Qed.

(** ** A run whose weight keeps its sign, in variables in which P tends to 1 *)

Section SignedRun.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (k : loss) (alpha : R) (feat : X -> vec J) (s eta : R).
Notation Phi := (one_unit alpha feat).
Notation L := (total_loss (summed k) Phi).
Notation z := (oriented alpha feat s).
Variables (w d P : nat -> vec (option J)) (P_lim wstar : vec (option J)).
Hypothesis alpha_pos : 0 < alpha.
Hypothesis sign : s = 1 \/ s = -1.
Hypothesis eta_pos : 0 < eta.
Hypothesis gradients : forall n, clarke L (w n) (d n).
Hypothesis step : forall n o, w (S n) o = w n o - eta * (P n o * d n o).
Hypothesis P_lim_pos : forall o, 0 < P_lim o.
Hypothesis P_limit : converges P P_lim.
Hypothesis loss_lim : is_lim_seq (fun n => L (w n)) 0.
Hypothesis loss_fast : is_lim_seq (fun n => norm (w n) ^ 2 * L (w n)) 0.
Hypothesis sign_kept : forall n, 0 < s * w n None.
Hypothesis margins_pos : forall n i, 0 < y i * Phi (w n) (x i).
Hypothesis solution : max_margin_KKT Phi (fun o => / sqrt (P_lim o)) wstar.
Hypothesis solution_sign : 0 < s * wstar None.

Let root : vec (option J) := fun o => sqrt (P_lim o).
Let a n := s * w n None / root None.
Let b n : vec J := fun j => s * w n (Some j) / root (Some j).
Let zs i : vec J := fun j => root None * root (Some j) * z i j.
Let p n (i : D) := eta * - ell' k (unit_margin (z i) (w n)).
Let q n := P n None / P_lim None.
Let r n : vec J := fun j => P n (Some j) / P_lim (Some j).
Let ustar : vec J :=
  fun j => wstar None * wstar (Some j) / (root None * root (Some j)).
Notation N := (norm ustar).

Lemma unit_root_pos o : 0 < root o.
Proof. apply sqrt_lt_R0, P_lim_pos. Qed.

Lemma unit_root_sqr o : root o * root o = P_lim o.
Proof. apply sqrt_sqrt; left; apply P_lim_pos. Qed.

Lemma sign_sqr : s * s = 1.
Proof. destruct sign as [-> | ->]; ring. Qed.

Lemma smooth_margin n i : y i * Phi (w n) (x i) = unit_margin (z i) (w n).
Proof. now apply (margin_smooth alpha feat s). Qed.

Lemma scaled_inner n i :
  inner (b n) (zs i) = s * root None * inner (incoming (w n)) (z i).
Proof.
  unfold inner; rewrite <- Sum_scal; apply Sum_ext; intros j.
  unfold b, zs, incoming; assert (R := unit_root_pos (Some j)); field; lra.
Qed.

Lemma scaled_unit_margin n i : a n * inner (b n) (zs i) = unit_margin (z i) (w n).
Proof.
  rewrite scaled_inner; unfold a, unit_margin; assert (R := unit_root_pos None).
  transitivity (s * s * (w n None * inner (incoming (w n)) (z i))); [field; lra |].
  rewrite sign_sqr; ring.
Qed.

Lemma gradient_component n o : d n o =
  Sum (fun i => ell' k (unit_margin (z i) (w n)) * unit_gradient (z i) (w n) o).
Proof. now apply (unit_loss_clarke k alpha feat s). Qed.

Lemma scaled_step_a n : a (S n) = a n + q n * inner (b n) (combination zs (p n)).
Proof.
  assert (R := unit_root_pos None); assert (Q := unit_root_sqr None).
  rewrite inner_combination; unfold a; rewrite step, gradient_component.
  transitivity (s * w n None / root None + - (s * eta * P n None / root None) *
    Sum (fun i => ell' k (unit_margin (z i) (w n)) * inner (incoming (w n)) (z i)));
    [unfold unit_gradient; field; lra |].
  f_equal; rewrite <- !Sum_scal; apply Sum_ext; intros i; rewrite scaled_inner.
  unfold q, p; rewrite <- Q; field; lra.
Qed.

Lemma scaled_step_b n j :
  b (S n) j = b n j + a n * (r n j * combination zs (p n) j).
Proof.
  assert (R := unit_root_pos None); assert (R' := unit_root_pos (Some j)).
  assert (Q := unit_root_sqr (Some j)).
  unfold b at 1; rewrite step, gradient_component; unfold unit_gradient, combination.
  transitivity (b n j + - (s * eta * P n (Some j) / root (Some j)) *
    Sum (fun i => ell' k (unit_margin (z i) (w n)) * (w n None * z i j)));
    [unfold b; field; lra |].
  f_equal; rewrite <- !Sum_scal; apply Sum_ext; intros i.
  unfold a, r, p, zs; rewrite <- Q; field; lra.
Qed.

Lemma scaled_a_pos n : 0 < a n.
Proof. apply Rdiv_lt_0_compat; [apply sign_kept | apply unit_root_pos]. Qed.

Lemma scaled_margins_pos n i : 0 < a n * inner (b n) (zs i).
Proof. rewrite scaled_unit_margin, <- smooth_margin; apply margins_pos. Qed.

Lemma scaled_pull_pos n i : 0 < p n i.
Proof. apply Rmult_lt_0_compat; auto; apply pull_pos. Qed.

Lemma loss_of_margins n : L (w n) = Sum (fun i => ell k (unit_margin (z i) (w n))).
Proof. apply Sum_ext; intros i; f_equal; apply smooth_margin. Qed.

Lemma scaled_margins_large M :
  eventually (fun n => forall i, M <= a n * inner (b n) (zs i)).
Proof.
  assert (Q : eventually (fun n => forall i, M <= unit_margin (z i) (w n))).
  { apply (loss_margins_large k (fun n i => unit_margin (z i) (w n))).
    revert loss_lim; apply is_lim_seq_ext; apply loss_of_margins. }
  revert Q; apply eventually_imp; intros n Mn i; rewrite scaled_unit_margin; apply Mn.
Qed.

Let C := 2 * Sum (fun _ : D => 1).

Lemma scaled_concentrated n i : Sum (fun l => p n l * (a n * inner (b n) (zs l))) <=
  Sum (p n) * (a n * inner (b n) (zs i) + C).
Proof.
  set (m l := unit_margin (z l) (w n)).
  assert (Pi : p n i <= Sum (p n))
    by (apply (Sum_ge_term (p n)); intros; left; apply scaled_pull_pos).
  assert (Ex : Sum (fun l => p n l * m l + - m i * p n l) <= C * p n i).
  { unfold C; replace (2 * Sum (fun _ : D => 1) * p n i) with
      (2 * p n i * Sum (fun _ : D => 1)) by ring.
    rewrite <- Sum_scal; apply Sum_le; intros l.
    assert (l0 : 0 <= m i)
      by (left; unfold m; rewrite <- smooth_margin; apply margins_pos).
    assert (E := pull_excess k (m l) (m i) l0).
    apply Rmult_le_compat_l with (r := eta) in E; [| lra].
    fold (m l); unfold p; fold (m l) (m i); lra. }
  rewrite Sum_plus, Sum_scal in Ex.
  rewrite scaled_unit_margin; fold (m i).
  rewrite (Sum_ext _ (fun l => p n l * m l))
    by (intros; now rewrite scaled_unit_margin).
  assert (0 <= C) by (unfold C; apply Rmult_le_pos; [| apply Sum_nonneg; intros]; lra).
  assert (C * p n i <= C * Sum (p n)) by now apply Rmult_le_compat_l.
  lra.
Qed.

(** The square of the length in the new variables. *)
Lemma scaled_length n :
  norm (fun o => w n o / root o) ^ 2 = a n ^ 2 + norm (b n) ^ 2.
Proof.
  rewrite norm_option; unfold a, b; rewrite !norm_sqr.
  replace ((s * w n None / root None) ^ 2) with
    (s * s * (w n None / root None) ^ 2) by (unfold Rdiv; ring).
  rewrite sign_sqr, Rmult_1_l; f_equal; apply Sum_ext; intros j; unfold incoming.
  replace ((s * w n (Some j) / root (Some j)) ^ 2) with
    (s * s * (w n (Some j) / root (Some j)) ^ 2) by (unfold Rdiv; ring).
  rewrite sign_sqr; ring.
Qed.

Lemma scaled_small :
  is_lim_seq (fun n => (a n ^ 2 + norm (b n) ^ 2) * Sum (p n)) 0.
Proof.
  destruct (finite_bounds root unit_root_pos) as (m & M & m0 & _ & B).
  assert (Im : 0 < / m) by now apply Rinv_0_lt_compat.
  assert (Lu := lim_seq_scal _ ((/ m) ^ 2 * eta) 0 loss_fast); rewrite Rmult_0_r in Lu.
  revert Lu; apply is_lim_seq_le_le with (u := fun _ => 0);
    [| apply is_lim_seq_const]; intros n.
  assert (P0 : 0 <= Sum (p n))
    by (apply Sum_nonneg; intros; left; apply scaled_pull_pos).
  assert (Pl : Sum (p n) <= eta * L (w n)).
  { rewrite loss_of_margins, <- Sum_scal; apply Sum_le; intros i; unfold p.
    apply Rmult_le_compat_l; [lra | apply pull_le]. }
  assert (Le : norm (fun o => w n o / root o) <= / m * norm (w n)).
  { apply norm_le_scaled; [lra |]; intros o; unfold Rdiv.
    rewrite Rabs_mult, Rmult_comm, (Rabs_pos_eq (/ root o)).
    - apply Rmult_le_compat_r; [apply Rabs_pos |]; apply Rinv_le_contravar; auto.
      apply B.
    - left; apply Rinv_0_lt_compat, unit_root_pos. }
  rewrite <- scaled_length.
  assert (Nn := norm_nonneg (fun o => w n o / root o)).
  split; [apply Rmult_le_pos; auto; apply pow2_ge_0 |].
  replace ((/ m) ^ 2 * eta * (norm (w n) ^ 2 * L (w n))) with
    ((/ m * norm (w n)) ^ 2 * (eta * L (w n))) by ring.
  apply Rmult_le_compat; auto; [apply pow2_ge_0 |]; now apply pow_incr.
Qed.

(** ** The solution in these variables *)

Lemma wstar_multipliers :
  hard_margin z (fun j => / root (Some j)) (fun j => wstar None * wstar (Some j)) /\
  (wstar None / root None) ^ 2 = Sum (fun j => (wstar (Some j) / root (Some j)) ^ 2).
Proof.
  destruct (proj1 (unit_KKT alpha feat s alpha_pos sign _ wstar solution_sign) solution)
    as [K B]; split; [exact K |].
  rewrite norm_sqr in B.
  transitivity ((/ root None * wstar None) ^ 2); [f_equal; apply Rmult_comm |].
  apply (eq_trans B), Sum_ext; intros j; f_equal; apply Rmult_comm.
Qed.

Lemma ustar_inner i :
  inner ustar (zs i) = inner (fun j => wstar None * wstar (Some j)) (z i).
Proof.
  apply Sum_ext; intros j; unfold ustar, zs; assert (R := unit_root_pos None).
  assert (R' := unit_root_pos (Some j)); field; lra.
Qed.

Lemma unit_feasible i : 1 <= inner ustar (zs i).
Proof.
  rewrite ustar_inner; destruct wstar_multipliers as [K _].
  destruct (proj1 (hard_margin_multipliers _ _ _) K) as (lam & _ & Fe & _); apply Fe.
Qed.

Lemma unit_variational v : (forall i, 1 <= inner v (zs i)) ->
  norm ustar ^ 2 <= inner ustar v.
Proof.
  intros Fv; destruct wstar_multipliers as [K _]; assert (R := unit_root_pos None).
  set (u := fun j => root None * root (Some j) * v j).
  assert (Fu : forall i, 1 <= inner u (z i)).
  { intros i; replace (inner u (z i)) with (inner v (zs i)); auto.
    apply Sum_ext; intros j; unfold u, zs; ring. }
  assert (V := hard_margin_variational _ _ _ u K Fu).
  assert (E1 : norm (mul (fun j => / root (Some j))
    (fun j => wstar None * wstar (Some j))) ^ 2 = P_lim None * norm ustar ^ 2).
  { rewrite !norm_sqr, <- Sum_scal, <- unit_root_sqr; apply Sum_ext; intros j.
    unfold mul, ustar; assert (R' := unit_root_pos (Some j)); field; lra. }
  assert (E2 : inner (mul (fun j => / root (Some j))
    (fun j => wstar None * wstar (Some j))) (mul (fun j => / root (Some j)) u) =
    P_lim None * inner ustar v).
  { unfold inner; rewrite <- Sum_scal, <- unit_root_sqr; apply Sum_ext; intros j.
    unfold mul, ustar, u; assert (R' := unit_root_pos (Some j)); field; lra. }
  rewrite E1, E2 in V; apply Rmult_le_reg_l with (P_lim None); auto.
Qed.

(** The weight of the solution: its square is the length of [ustar]. *)
Lemma wstar_weight : (wstar None / root None) ^ 2 = N.
Proof.
  destruct wstar_multipliers as [_ B]; assert (Nn := norm_nonneg ustar).
  assert (S := pow2_ge_0 (wstar None / root None)).
  assert (E : ((wstar None / root None) ^ 2) ^ 2 = N ^ 2); [| nra].
  rewrite norm_sqr; transitivity ((wstar None / root None) ^ 2 *
    Sum (fun j => (wstar (Some j) / root (Some j)) ^ 2)); [rewrite <- B; ring |].
  rewrite <- Sum_scal; apply Sum_ext; intros j; unfold ustar.
  assert (R := unit_root_pos None); assert (R' := unit_root_pos (Some j)); field; lra.
Qed.

(** ** The limit *)

Lemma ratio_limit o : is_lim_seq (fun n => P n o / P_lim o) 1.
Proof.
  assert (L := lim_seq_scal _ (/ P_lim o) _ (P_limit o)).
  rewrite Rinv_l in L by (generalize (P_lim_pos o); lra); revert L.
  apply is_lim_seq_ext; intros n; apply Rmult_comm.
Qed.

Lemma unit_limits :
  converges (fun n j => b n j / norm (b n)) (fun j => ustar j / N) /\
  is_lim_seq (fun n => a n ^ 2 / norm (b n) ^ 2) 1.
Proof.
  assert (Q : is_lim_seq q 1) by exact (ratio_limit None).
  assert (R : converges r (fun _ => 1)) by (intros j; exact (ratio_limit (Some j))).
  assert (P0 : forall n i, 0 <= p n i) by (intros; left; apply scaled_pull_pos).
  assert (M0 : forall n i, 0 <= a n * inner (b n) (zs i))
    by (intros; left; apply scaled_margins_pos).
  assert (C0 : 0 <= C)
    by (unfold C; apply Rmult_le_pos; [| apply Sum_nonneg; intros]; lra).
  split; [apply (one_unit_direction zs ustar a q b r p C)
    | apply (one_unit_balance zs ustar a q b r p C)];
    auto using nonempty, unit_feasible, unit_variational, scaled_step_a, scaled_step_b,
      scaled_a_pos, scaled_margins_large, scaled_concentrated, scaled_small.
Qed.

Lemma scaled_b_pos n : 0 < norm (b n).
Proof.
  destruct (norm_nonneg (b n)) as [Q | Q]; auto; exfalso.
  destruct nonempty as [i]; assert (M := scaled_margins_pos n i).
  assert (I := inner_le_norm (b n) (zs i)); rewrite <- Q in I.
  assert (A := scaled_a_pos n); nra.
Qed.

Lemma scaled_direction o : is_lim_seq
  (fun n => w n o / root o / norm (fun o => w n o / root o))
  (wstar o / root o / norm (fun o => wstar o / root o)).
Proof.
  set (rho n := a n ^ 2 / norm (b n) ^ 2).
  assert (R2 : 0 < sqrt 2) by (apply sqrt_lt_R0; lra).
  assert (Rho : forall n, 0 < rho n).
  { intros n; apply Rdiv_lt_0_compat; apply pow_lt; [apply scaled_a_pos |].
    apply scaled_b_pos. }
  assert (Len : forall n,
    norm (fun o => w n o / root o) = norm (b n) * sqrt (1 + rho n)).
  { intros n; assert (B := scaled_b_pos n); specialize (Rho n).
    assert (S := sqrt_lt_R0 (1 + rho n) ltac:(lra)).
    assert (Q : norm (fun o => w n o / root o) ^ 2 =
      (norm (b n) * sqrt (1 + rho n)) ^ 2).
    { rewrite scaled_length, Rpow_mult_distr, pow2_sqrt by lra.
      unfold rho; field; lra. }
    assert (P0 := norm_nonneg (fun o => w n o / root o)).
    assert (P1 : 0 < norm (b n) * sqrt (1 + rho n)) by now apply Rmult_lt_0_compat.
    nra. }
  assert (Ls : is_lim_seq (fun n => sqrt (1 + rho n)) (sqrt 2)).
  { apply (is_lim_seq_continuous sqrt (fun n => 1 + rho n)).
    - apply continuity_pt_sqrt; lra.
    - replace 2 with (1 + 1) by ring; apply is_lim_seq_plus';
        [apply is_lim_seq_const | apply unit_limits]. }
  (* the solution *)
  assert (W := wstar_weight); destruct wstar_multipliers as [_ Bal].
  set (c := wstar None / root None) in *.
  assert (c0 : 0 < s * c).
  { unfold c; replace (s * (wstar None / root None)) with (s * wstar None / root None)
      by (unfold Rdiv; ring).
    apply Rdiv_lt_0_compat; auto; apply unit_root_pos. }
  assert (cN : c <> 0) by (intros E; rewrite E in c0; lra).
  assert (s0 : s <> 0) by (intros E; rewrite E in c0; lra).
  assert (LenS : norm (fun o => wstar o / root o) = sqrt 2 * (s * c)).
  { assert (Q : norm (fun o => wstar o / root o) ^ 2 = (sqrt 2 * (s * c)) ^ 2).
    { rewrite norm_option, norm_sqr; fold c; unfold incoming; rewrite <- Bal.
      rewrite !Rpow_mult_distr, pow2_sqrt by lra.
      replace (s ^ 2) with (s * s) by ring; rewrite sign_sqr; ring. }
    assert (P0 := norm_nonneg (fun o => wstar o / root o)).
    assert (P1 : 0 < sqrt 2 * (s * c)) by now apply Rmult_lt_0_compat.
    nra. }
  rewrite LenS; destruct o as [j |].
  - replace (wstar (Some j) / root (Some j) / (sqrt 2 * (s * c))) with
      (s * (ustar j / N) / sqrt 2).
    + apply is_lim_seq_ext with (fun n => s * (b n j / norm (b n)) / sqrt (1 + rho n)).
      * intros n; rewrite Len; assert (B := scaled_b_pos n); specialize (Rho n).
        assert (S := sqrt_lt_R0 (1 + rho n) ltac:(lra)).
        assert (R := unit_root_pos (Some j)).
        transitivity (s * s * (w n (Some j) / root (Some j) /
          (norm (b n) * sqrt (1 + rho n)))); [unfold b at 1; field; lra |].
        rewrite sign_sqr; ring.
      * apply is_lim_seq_div'; auto; [| lra].
        apply lim_seq_scal, unit_limits.
    + rewrite <- W; fold c; assert (R := unit_root_pos (Some j)).
      assert (R0 := unit_root_pos None).
      replace (ustar j) with (c * (wstar (Some j) / root (Some j)))
        by (unfold ustar, c; field; lra).
      transitivity (s * s * (wstar (Some j) / root (Some j) / (sqrt 2 * (s * c))));
        [field; repeat split; auto; lra | rewrite sign_sqr; ring].
  - fold c; replace (c / (sqrt 2 * (s * c))) with (s * 1 / sqrt 2).
    + apply is_lim_seq_ext with (fun n => s * sqrt (rho n) / sqrt (1 + rho n)).
      * intros n; rewrite Len; assert (B := scaled_b_pos n).
        assert (A := scaled_a_pos n); specialize (Rho n).
        assert (S := sqrt_lt_R0 (1 + rho n) ltac:(lra)).
        assert (E : sqrt (rho n) = a n / norm (b n)).
        { unfold rho; replace (a n ^ 2 / norm (b n) ^ 2) with ((a n / norm (b n)) ^ 2)
            by (field; lra).
          apply sqrt_pow2; left; now apply Rdiv_lt_0_compat. }
        rewrite E; assert (R := unit_root_pos None).
        transitivity (s * s * (w n None / root None / (norm (b n) * sqrt (1 + rho n))));
          [unfold a; field; lra | rewrite sign_sqr; ring].
      * apply is_lim_seq_div'; auto; [| lra]; apply lim_seq_scal.
        rewrite <- sqrt_1 at 1.
        apply (is_lim_seq_continuous sqrt rho); [apply continuity_pt_sqrt; lra |].
        apply unit_limits.
    + transitivity (s * s / (sqrt 2 * s)); [field; lra |].
      rewrite sign_sqr; field; split; auto; lra.
Qed.

(* the direction of w from that of w / root *)
Lemma signed_direction : tends_in_direction w wstar.
Proof.
  assert (S0 : 0 < norm (fun o => wstar o / root o)).
  { destruct (norm_nonneg (fun o => wstar o / root o)) as [Q | Q]; auto; exfalso.
    assert (G := norm_ge_component (fun o => wstar o / root o) None).
    rewrite <- Q in G; assert (A := Rabs_pos (wstar None / root None)).
    assert (Z : wstar None / root None = 0) by (apply Rabs_eq_0; lra).
    assert (R := unit_root_pos None).
    assert (Zero : wstar None = 0).
    { transitivity (wstar None / root None * root None); [field; lra |].
      rewrite Z; ring. }
    assert (V := solution_sign); rewrite Zero in V; lra. }
  split; [exact (norm_over_pos root wstar S0) |].
  destruct (direction_over root unit_root_pos wstar S0) as (c & c0 & Near).
  intros o; apply near_lim; intros t t0.
  assert (t'0 : 0 < t / sqrt c) by (apply Rdiv_lt_0_compat; auto; now apply sqrt_lt_R0).
  assert (Each : eventually (fun n => forall o,
    (w n o / root o / norm (fun o => w n o / root o) -
     wstar o / root o / norm (fun o => wstar o / root o)) ^ 2 <= t ^ 2 / c)).
  { apply (eventually_components (fun o n =>
      (w n o / root o / norm (fun o => w n o / root o) -
       wstar o / root o / norm (fun o => wstar o / root o)) ^ 2 <= t ^ 2 / c)).
    intros o'; generalize (lim_near _ _ _ (scaled_direction o') t'0).
    apply eventually_imp; intros n Lo.
    replace (t ^ 2 / c) with ((t / sqrt c) ^ 2).
    - apply pow_maj_Rabs, Rabs_le; lra.
    - assert (Sc := sqrt_lt_R0 c c0); unfold Rdiv; rewrite Rpow_mult_distr, pow_inv.
      now rewrite pow2_sqrt by lra. }
  revert Each; apply eventually_imp; intros n Close.
  assert (V0 : 0 < norm (fun o => w n o / root o)).
  { assert (Q := scaled_length n); assert (B := scaled_b_pos n).
    assert (P0 := norm_nonneg (fun o => w n o / root o)).
    assert (A := pow2_ge_0 (a n)); nra. }
  assert (Sq := Near (w n) _ V0 Close o).
  replace (c * (t ^ 2 / c)) with (t ^ 2) in Sq by (field; lra).
  assert (Abs : Rabs (w n o / norm (w n) - wstar o / norm wstar) <= t).
  { apply Rnot_lt_le; intros Far; rewrite <- pow2_abs in Sq; nra. }
  apply Rabs_le_between in Abs; lra.
Qed.

End SignedRun.

(** ** The weight keeps its sign *)

(* statement: one KKT point *)
(** From some step on v keeps its sign, and w goes to the direction of the only KKT
    point at which v has that sign. *)
Definition to_the_KKT_point_of_its_sign {J D X} `{FiniteType J} `{Dataset D X}
    (alpha : R) (feat : X -> vec J) (chi : vec (option J))
    (w : nat -> vec (option J)) : Prop :=
  let KKT_point := max_margin_KKT (one_unit alpha feat) chi in
  exists (s : R) (wstar : vec (option J)), (s = 1 \/ s = -1) /\
    eventually (fun n => 0 < s * w n None) /\
    KKT_point wstar /\ 0 < s * wstar None /\
    (forall w', KKT_point w' -> 0 < s * w' None -> w' = wstar) /\
    tends_in_direction w wstar.
(* end statement *)

Section Preconditioned.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (k : loss) (alpha : R) (feat : X -> vec J).
Notation Phi := (one_unit alpha feat).
Notation L := (total_loss (summed k) Phi).
Variables (w d : nat -> vec (option J)).
Hypothesis alpha_pos : 0 < alpha.
Hypothesis gradients : forall n, clarke L (w n) (d n).
Hypothesis loss_lim : is_lim_seq (fun n => L (w n)) 0.
Hypothesis loss_fast : is_lim_seq (fun n => norm (w n) ^ 2 * L (w n)) 0.

Lemma eventually_positive :
  eventually (fun n => forall i, 0 < y i * Phi (w n) (x i)).
Proof.
  generalize (loss_margins_large k (fun n i => y i * Phi (w n) (x i)) loss_lim 1).
  apply eventually_imp; intros n M i; specialize (M i); lra.
Qed.

(** Where all margins are positive v is not 0. *)
Lemma sign_of n : (forall i, 0 < y i * Phi (w n) (x i)) ->
  exists s, (s = 1 \/ s = -1) /\ 0 < s * w n None.
Proof.
  intros M; destruct nonempty as [i]; specialize (M i); unfold one_unit in M.
  destruct (Rtotal_order (w n None) 0) as [Neg | [Zero | Pos]].
  - exists (-1); split; auto; lra.
  - rewrite Zero, Rmult_0_l, Rmult_0_r in M; lra.
  - exists 1; split; auto; lra.
Qed.

(** A gradient is at most of the order of ||w|| times the loss. *)
Lemma unit_gradient_le : exists Z, 0 <= Z /\ forall n,
  (forall i, 0 < y i * Phi (w n) (x i)) -> forall o,
  Rabs (d n o) <= Z * (norm (w n) * L (w n)).
Proof.
  destruct (norms_bounded (oriented alpha feat 1)) as (Z1 & Z10 & B1).
  destruct (norms_bounded (oriented alpha feat (-1))) as (Z2 & Z20 & B2).
  exists (Z1 + Z2); split; [lra |]; intros n M o.
  destruct (sign_of n M) as (s & Sg & V); set (z := oriented alpha feat s).
  assert (B : forall i, norm (z i) <= Z1 + Z2).
  { intros i; unfold z; destruct Sg as [-> | ->];
      [specialize (B1 i) | specialize (B2 i)]; lra. }
  assert (W := norm_nonneg (w n)).
  rewrite (proj1 (unit_loss_clarke k alpha feat s alpha_pos Sg (w n) V M (d n))
    (gradients n) o).
  apply Rle_trans with (Sum (fun i => (Z1 + Z2) * norm (w n) *
    ell k (unit_margin (z i) (w n)))).
  - apply Rle_trans with (1 := Sum_Rabs_le _); apply Sum_le; intros i.
    rewrite Rabs_mult, Rmult_comm; assert (P := pull_pos k (unit_margin (z i) (w n))).
    assert (Q := pull_le k (unit_margin (z i) (w n))).
    apply Rmult_le_compat; try apply Rabs_pos.
    + assert (G := unit_gradient_moves (z i) (fun _ => 0) (w n) o).
      replace (unit_gradient (z i) (fun _ => 0) o) with 0 in G.
      * rewrite Rminus_0_r in G; apply Rle_trans with (1 := G).
        rewrite Rmult_comm; apply Rmult_le_compat; auto; try apply norm_nonneg.
        right; apply norm_ext; intros; unfold sub; ring.
      * destruct o as [j |]; simpl; [ring |].
        unfold inner, incoming; transitivity (Sum (fun j => 0 * z i j)).
        -- rewrite Sum_scal; ring.
        -- apply Sum_ext; intros; ring.
    + fold (z i); rewrite <- Rabs_Ropp, Rabs_pos_eq; lra.
  - rewrite Sum_scal; right; rewrite Rmult_assoc; do 2 f_equal.
    apply Sum_ext; intros i; f_equal; symmetry; now apply (margin_smooth alpha feat s).
Qed.

Lemma unit_gradient_vanishes o : is_lim_seq (fun n => d n o) 0.
Proof.
  destruct unit_gradient_le as (Z & Z0 & Le).
  assert (Lu := is_lim_seq_plus' _ _ _ _ loss_fast loss_lim).
  assert (Up := lim_seq_scal _ Z _ Lu); assert (Dn := lim_seq_scal _ (- Z) _ Lu).
  rewrite Rplus_0_l, Rmult_0_r in Up, Dn.
  revert Dn Up; apply is_lim_seq_le_le_loc.
  generalize eventually_positive; apply eventually_imp; intros n M.
  assert (B := Le n M o); assert (Lp := total_loss_pos (summed k) Phi (w n)).
  assert (W := norm_nonneg (w n)).
  assert (Q : norm (w n) * L (w n) <= norm (w n) ^ 2 * L (w n) + L (w n)).
  { apply Rle_trans with ((norm (w n) ^ 2 + 1) * L (w n)); [| lra].
    apply Rmult_le_compat_r; nra. }
  apply Rmult_le_compat_l with (r := Z) in Q; auto.
  apply Rabs_le_between in B; lra.
Qed.

Variables (P : nat -> vec (option J)) (P_lim : vec (option J)) (eta : R).
Hypothesis eta_pos : 0 < eta.
Hypothesis step : forall n o, w (S n) o = w n o - eta * (P n o * d n o).
Hypothesis P_lim_pos : forall o, 0 < P_lim o.
Hypothesis P_limit : converges P P_lim.

(** One step leaves the sign of v. *)
Lemma sign_step s n : (s = 1 \/ s = -1) -> 0 < P n None ->
  (forall i, 0 < y i * Phi (w n) (x i)) -> 0 < s * w n None -> 0 < s * w (S n) None.
Proof.
  intros Sg Pn M V; rewrite step.
  rewrite (proj1 (unit_loss_clarke k alpha feat s alpha_pos Sg (w n) V M (d n))
    (gradients n) None); unfold unit_gradient.
  set (z := oriented alpha feat s).
  assert (Q : 0 <= Sum (fun i => - ell' k (unit_margin (z i) (w n)) *
    (s * inner (incoming (w n)) (z i)))).
  { apply Sum_nonneg; intros i; apply Rmult_le_pos; [left; apply pull_pos |].
    assert (E := margin_smooth alpha feat s alpha_pos Sg (w n) V M i); fold z in E.
    assert (Mi := M i); rewrite E in Mi; unfold unit_margin in Mi.
    destruct Sg as [-> | ->]; nra. }
  replace (Sum (fun i => - ell' k (unit_margin (z i) (w n)) *
    (s * inner (incoming (w n)) (z i)))) with
    (- s * Sum (fun i => ell' k (unit_margin (z i) (w n)) *
      inner (incoming (w n)) (z i))) in Q
    by (rewrite <- Sum_scal; apply Sum_ext; intros; ring).
  set (G := Sum _) in *.
  assert (0 <= eta * P n None * (- s * G)).
  { apply Rmult_le_pos; auto; apply Rmult_le_pos; lra. }
  lra.
Qed.

(* statement: theorem H preconditioned *)
(** Any preconditioner that converges, whatever the step size. *)
Theorem preconditioned_unit :
  to_the_KKT_point_of_its_sign alpha feat (fun o => / sqrt (P_lim o)) w.
(* end statement *)
Proof.
  set (chi := fun o => / sqrt (P_lim o)).
  assert (Chi : forall o, 0 < chi o)
    by (intros o; apply Rinv_0_lt_compat, sqrt_lt_R0, P_lim_pos).
  destruct (eventually_and _ _ eventually_positive
    (lim_near _ _ _ (P_limit None) (P_lim_pos None))) as [K From].
  destruct (sign_of K (proj1 (From K (le_n K)))) as (s & Sg & VK).
  assert (V : forall n, 0 < s * w (n + K)%nat None).
  { induction n as [| n IH]; auto; destruct (From (n + K)%nat ltac:(lia)) as [M Pn].
    apply (sign_step s (n + K)); auto; destruct Pn; lra. }
  assert (M : forall n i, 0 < y i * Phi (w (n + K)%nat) (x i))
    by (intros n; apply (From (n + K)%nat ltac:(lia))).
  destruct (unit_KKT_exists alpha feat s chi alpha_pos Sg Chi) as (wstar & Kkt & Vs).
  { exists (fun j => w K None * incoming (w K) j); intros i.
    rewrite inner_comm, inner_scal, inner_comm.
    change (0 < unit_margin (oriented alpha feat s i) (w K)).
    rewrite <- (margin_smooth alpha feat s alpha_pos Sg (w K) VK (M 0%nat)).
    apply (M 0%nat). }
  exists s, wstar; split; [exact Sg |]; split.
  { exists K; intros n I; replace n with (n - K + K)%nat by lia; apply V. }
  split; [exact Kkt |]; split; [exact Vs |]; split.
  { intros w' K' V'; now apply (unit_KKT_unique alpha feat s chi alpha_pos Sg Chi). }
  assert (T : tends_in_direction (fun n => w (n + K)%nat) wstar).
  { apply (signed_direction k alpha feat s eta (fun n => w (n + K)%nat)
      (fun n => d (n + K)%nat) (fun n => P (n + K)%nat) P_lim wstar); auto.
    - intros n o; apply step.
    - intros o; apply (is_lim_seq_incr_n (fun n => P n o) K), P_limit.
    - now apply (is_lim_seq_incr_n (fun n => L (w n)) K).
    - now apply (is_lim_seq_incr_n (fun n => norm (w n) ^ 2 * L (w n)) K). }
  destruct T as [W0 T]; split; auto; intros o.
  apply (is_lim_seq_incr_n (fun n => w n o / norm (w n)) K), T.
Qed.

End Preconditioned.

(** ** Procedure 1 *)

Section Procedure1.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (k : loss) (alpha : R) (feat : X -> vec J) (eta : R).
Variables (delta eps : vec (option J)) (rho w d g h : nat -> vec (option J)).
Notation L := (total_loss (summed k) (one_unit alpha feat)).
Hypothesis alpha_pos : 0 < alpha.
Hypothesis run : procedure_1 L eta delta eps rho w d g h.
Hypothesis loss_lim : is_lim_seq (fun n => L (w n)) 0.
Hypothesis loss_fast : is_lim_seq (fun n => norm (w n) ^ 2 * L (w n)) 0.

Lemma unit_factors o :
  (exists l : R, 0 < l /\ is_lim_seq (fun n => factors delta eps g h n o) l) /\
  (is_lim_seq (sum_n (fun n => 1 - rho n o)) p_infty ->
   is_lim_seq (fun n => factors delta eps g h n o) (sqrt (eps o / delta o))).
Proof.
  apply (factors_of_vanishing run).
  apply (unit_gradient_vanishes k alpha feat w d alpha_pos (gradients run) loss_lim
    loss_fast).
Qed.

(* statement: theorem H *)
(** Procedure 1 for a network with one unit, any learning rate: where the flow of
    Theorem 2 may go, the run goes, to the one KKT point of its sign. *)
Theorem theorem_H1 :
  weights_diverge rho ->
  to_the_KKT_point_of_its_sign alpha feat (fun o => sqrt (sqrt (delta o / eps o))) w.
(* end statement *)
Proof.
  intros Inf; rewrite <- (skew_of_limit run).
  apply (preconditioned_unit k alpha feat w d alpha_pos (gradients run) loss_lim
    loss_fast (factors delta eps g h) (fun o => sqrt (eps o / delta o)) eta
    (rate_positive run)).
  - intros n o; apply (run_w run).
  - intros o; apply (limit_factor_pos run).
  - intros o; apply unit_factors, Inf.
Qed.

(* statement: theorem H any schedule *)
(** Any schedule: the factors converge, and the problem is skewed by their limits. *)
Theorem theorem_H1_any_schedule : exists P_lim : vec (option J),
  (forall o, 0 < P_lim o) /\ converges (factors delta eps g h) P_lim /\
  to_the_KKT_point_of_its_sign alpha feat (fun o => / sqrt (P_lim o)) w.
(* end statement *)
Proof.
  set (P_lim := fun o => real (Lim_seq (fun n => factors delta eps g h n o))).
  assert (Lim : forall o, 0 < P_lim o /\
    is_lim_seq (fun n => factors delta eps g h n o) (P_lim o)).
  { intros o; destruct (proj1 (unit_factors o)) as (l & l0 & Ll).
    unfold P_lim; rewrite (is_lim_seq_unique _ _ Ll); auto. }
  exists P_lim; split; [apply Lim |]; split; [intros o; apply Lim |].
  apply (preconditioned_unit k alpha feat w d alpha_pos (gradients run) loss_lim
    loss_fast (factors delta eps g h) P_lim eta (rate_positive run)).
  - intros n o; apply (run_w run).
  - apply Lim.
  - intros o; apply Lim.
Qed.

End Procedure1.
