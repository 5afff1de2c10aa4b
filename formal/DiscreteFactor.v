(** * The step factors of Procedure 1, one component at a time

    The factor P(k) = sqrt ((eps + h(k)) / (delta + g(k+1))) multiplies the gradient.
    Where the gradients vanish it converges, whatever the schedule of rho; where the
    weights 1 - rho(k) sum to infinity, to sqrt (eps / delta). *)

From Coq Require Import Reals Lra Psatz List.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export DiscreteSequences.
Open Scope R_scope.

(* statement: factor *)
(** The factor by which step n of Procedure 1 multiplies the gradient. *)
Definition factor (delta eps : R) (g h : nat -> R) (n : nat) : R :=
  sqrt ((eps + h n) / (delta + g (S n))).
(* end statement *)

Section OneComponent.
Variables (delta eps : R) (rho d g h : nat -> R).
Notation P := (factor delta eps g h).
Hypothesis delta_positive : 0 < delta.
Hypothesis eps_positive : 0 < eps.
Hypothesis rho_in_range : forall n, 0 <= rho n <= 1.
Hypothesis g_start : 0 <= g 0%nat.
Hypothesis h_start : 0 <= h 0%nat.
Hypothesis g_next : forall n, g (S n) = rho n * g n + (1 - rho n) * d n ^ 2.
Hypothesis h_next : forall n, h (S n) = rho n * h n + (1 - rho n) * (P n * d n) ^ 2.

Lemma g_nonneg n : 0 <= g n.
Proof.
  induction n as [| n IH]; auto; rewrite g_next; destruct (rho_in_range n).
  apply Rplus_le_le_0_compat; apply Rmult_le_pos; auto; [lra | apply pow2_ge_0].
Qed.

Lemma h_nonneg n : 0 <= h n.
Proof.
  induction n as [| n IH]; auto; rewrite h_next; destruct (rho_in_range n).
  apply Rplus_le_le_0_compat; apply Rmult_le_pos; auto; [lra | apply pow2_ge_0].
Qed.

Lemma factor_pos n : 0 < P n.
Proof.
  generalize (g_nonneg (S n)) (h_nonneg n); intros.
  apply sqrt_lt_R0, Rdiv_lt_0_compat; lra.
Qed.

Lemma factor_sqr n : P n ^ 2 = (eps + h n) / (delta + g (S n)).
Proof.
  generalize (g_nonneg (S n)) (h_nonneg n); intros.
  unfold factor; rewrite <- Rsqr_pow2, Rsqr_sqrt; auto.
  left; apply Rdiv_lt_0_compat; lra.
Qed.

Lemma factor_sqr_le n : P n ^ 2 <= (eps + h n) / delta.
Proof.
  rewrite factor_sqr; generalize (g_nonneg (S n)) (h_nonneg n); intros G H.
  apply Rmult_le_compat_l; [lra |]; apply Rinv_le_contravar; lra.
Qed.

(** What the average h takes in, in units of eps + h. *)
Lemma update_sqr_le n : (P n * d n) ^ 2 <= d n ^ 2 / delta * (eps + h n).
Proof.
  rewrite Rpow_mult_distr.
  replace (d n ^ 2 / delta * (eps + h n)) with ((eps + h n) / delta * d n ^ 2)
    by (field; lra).
  apply Rmult_le_compat_r; [apply pow2_ge_0 | apply factor_sqr_le].
Qed.

(** The factor relative to its limit sqrt (eps / delta) is off by at most
    h / eps + g / delta. *)
Lemma factor_error n :
  Rabs (P n / sqrt (eps / delta) - 1) <= / eps * h n + / delta * g (S n).
Proof.
  assert (Q0 : 0 < eps / delta) by now apply Rdiv_lt_0_compat.
  assert (G := g_nonneg (S n)); assert (Hn := h_nonneg n).
  set (a := / eps * h n); set (b := / delta * g (S n)).
  assert (a0 : 0 <= a)
    by (apply Rmult_le_pos; auto; left; now apply Rinv_0_lt_compat).
  assert (b0 : 0 <= b)
    by (apply Rmult_le_pos; auto; left; now apply Rinv_0_lt_compat).
  set (t := P n / sqrt (eps / delta)).
  assert (t0 : 0 < t)
    by (apply Rdiv_lt_0_compat; [apply factor_pos | now apply sqrt_lt_R0]).
  assert (Sq : t ^ 2 * (1 + b) = 1 + a).
  { unfold t, Rdiv; rewrite Rpow_mult_distr, pow_inv, factor_sqr.
    replace (sqrt (eps * / delta) ^ 2) with (eps / delta)
      by (rewrite <- Rsqr_pow2; symmetry; apply Rsqr_sqrt; left; exact Q0).
    unfold a, b; field; repeat split; lra. }
  apply Rabs_le; split; nra.
Qed.

(** ** Vanishing gradients *)

Hypothesis gradient_vanishes : is_lim_seq d 0.

Lemma gradient_sqr_vanishes : is_lim_seq (fun n => d n ^ 2) 0.
Proof.
  assert (L := lim_seq_sqr d 0 gradient_vanishes).
  replace (0 ^ 2) with 0 in L by ring; exact L.
Qed.

Lemma relative_gradient_vanishes : is_lim_seq (fun n => d n ^ 2 / delta) 0.
Proof.
  assert (L := lim_seq_scal _ (/ delta) 0 gradient_sqr_vanishes).
  rewrite Rmult_0_r in L; revert L; apply is_lim_seq_ext; intros n.
  unfold Rdiv; ring.
Qed.

Lemma factor_lim (g_lim h_lim : R) : 0 <= g_lim -> 0 <= h_lim ->
  is_lim_seq g g_lim -> is_lim_seq h h_lim ->
  is_lim_seq P (sqrt ((eps + h_lim) / (delta + g_lim))).
Proof.
  intros Gp Hp Lg Lh; unfold factor.
  apply (is_lim_seq_continuous sqrt (fun n => (eps + h n) / (delta + g (S n)))).
  - apply continuity_pt_sqrt; left; apply Rdiv_lt_0_compat; lra.
  - apply is_lim_seq_div'; [| | lra].
    + apply is_lim_seq_plus'; [apply is_lim_seq_const | auto].
    + apply is_lim_seq_plus'; [apply is_lim_seq_const |].
      now apply (is_lim_seq_incr_1 g).
Qed.

(** ** Weights that sum to infinity *)

Lemma g_vanishes : is_lim_seq (sum_n (fun n => 1 - rho n)) p_infty -> is_lim_seq g 0.
Proof.
  intros Inf; apply (forgetting g (fun n => 1 - rho n) (fun n => d n ^ 2) 1);
    auto; try (intros n; destruct (rho_in_range n); lra); try lra.
  - apply g_nonneg.
  - apply gradient_sqr_vanishes.
  - exists 0%nat; intros n _; rewrite g_next; lra.
Qed.

(** As soon as d^2 <= delta / 2 the update feeds back at most half of h. *)
Lemma h_vanishes : is_lim_seq (sum_n (fun n => 1 - rho n)) p_infty -> is_lim_seq h 0.
Proof.
  intros Inf; assert (Q := relative_gradient_vanishes).
  apply (forgetting h (fun n => 1 - rho n) (fun n => eps * (d n ^ 2 / delta)) (/ 2));
    auto; try (intros n; destruct (rho_in_range n); lra); try lra.
  - apply h_nonneg.
  - assert (L := lim_seq_scal _ eps 0 Q); rewrite Rmult_0_r in L; exact L.
  - generalize (lim_near _ 0 (/ 2) Q ltac:(lra)); apply eventually_imp.
    intros n Small; rewrite h_next; destruct (rho_in_range n).
    assert (Hn := h_nonneg n); assert (U := update_sqr_le n).
    set (q := d n ^ 2 / delta) in *.
    assert (q * h n <= / 2 * h n) by (apply Rmult_le_compat_r; lra).
    assert ((1 - rho n) * (P n * d n) ^ 2 <= (1 - rho n) * (q * eps + / 2 * h n))
      by (apply Rmult_le_compat_l; lra).
    lra.
Qed.

(* statement: factor limit *)
(** Where the weights sum to infinity, the averages vanish with the gradients. *)
Theorem factor_limit :
  is_lim_seq (sum_n (fun n => 1 - rho n)) p_infty ->
  is_lim_seq g 0 /\ is_lim_seq h 0 /\ is_lim_seq P (sqrt (eps / delta)).
(* end statement *)
Proof.
  intros Inf; assert (Lg := g_vanishes Inf); assert (Lh := h_vanishes Inf).
  repeat split; auto.
  replace (eps / delta) with ((eps + 0) / (delta + 0)) by (f_equal; ring).
  apply factor_lim; auto; lra.
Qed.

(** ** Summable weights: the averages converge, for they stay bounded *)

Lemma g_bounded : exists B, forall n, g n <= B /\ d n ^ 2 <= B.
Proof.
  destruct (maj_by_pos (fun n => d n ^ 2)) as (B & B0 & HB).
  { exists 0; apply is_lim_seq_Reals, gradient_sqr_vanishes. }
  assert (Sq : forall n, 0 <= d n ^ 2 <= B).
  { intros n; specialize (HB n); assert (S := pow2_ge_0 (d n)).
    rewrite Rabs_pos_eq in HB; auto. }
  exists (g 0%nat + B); intros n; split; [| specialize (Sq n); lra].
  induction n as [| n IH]; [lra |]; rewrite g_next; destruct (rho_in_range n).
  specialize (Sq n).
  assert (rho n * g n <= rho n * (g 0%nat + B)) by (apply Rmult_le_compat_l; lra).
  assert ((1 - rho n) * d n ^ 2 <= (1 - rho n) * (g 0%nat + B))
    by (apply Rmult_le_compat_l; lra).
  lra.
Qed.

Lemma h_bounded : exists B, eventually (fun n => h n <= B /\ (P n * d n) ^ 2 <= B).
Proof.
  destruct (lim_near _ 0 (/ 2) relative_gradient_vanishes ltac:(lra)) as [N HN].
  set (B := h N + eps); assert (B0 : eps <= B)
    by (generalize (h_nonneg N); unfold B; lra).
  assert (Taken : forall n, (N <= n)%nat -> h n <= B -> (P n * d n) ^ 2 <= B).
  { intros n I Hn; apply Rle_trans with (1 := update_sqr_le n).
    specialize (HN n I); assert (Hp := h_nonneg n).
    apply Rle_trans with (/ 2 * (B + B)); [| lra].
    apply Rmult_le_compat; try lra.
    apply Rmult_le_pos; [apply pow2_ge_0 | left; now apply Rinv_0_lt_compat]. }
  exists B, N; intros n I.
  assert (Hn : h n <= B); [| split; auto].
  replace n with (N + (n - N))%nat by lia; induction (n - N)%nat as [| m IH].
  - rewrite Nat.add_0_r; unfold B; lra.
  - rewrite Nat.add_succ_r, h_next; destruct (rho_in_range (N + m)).
    assert (T := Taken (N + m)%nat ltac:(lia) IH).
    apply Rle_trans with (rho (N + m)%nat * B + (1 - rho (N + m)%nat) * B); [| lra].
    apply Rplus_le_compat; apply Rmult_le_compat_l; lra.
Qed.

(** An average between 0 and B, of terms between 0 and B, with summable weights. *)
Lemma average_converges (u v : nat -> R) (B : R) (N : nat) :
  ex_series (fun n => 1 - rho n) ->
  (forall n, u (S n) = rho n * u n + (1 - rho n) * v n) ->
  (forall n, (N <= n)%nat -> 0 <= u n <= B /\ 0 <= v n <= B) ->
  exists l : R, 0 <= l /\ is_lim_seq u l.
Proof.
  intros Fin Next Bd.
  destruct (lim_of_increments (fun n => u (N + n)%nat)
    (fun n => B * (1 - rho (N + n)%nat))) as [l Ll].
  - intros n; rewrite Nat.add_succ_r, Next; destruct (rho_in_range (N + n)).
    destruct (Bd (N + n)%nat ltac:(lia)) as [Un Vn].
    replace (_ - _) with ((v (N + n)%nat - u (N + n)%nat) * (1 - rho (N + n)%nat))
      by ring.
    rewrite Rabs_mult, (Rabs_pos_eq (1 - _)) by lra.
    apply Rmult_le_compat_r; [lra | apply Rabs_le; lra].
  - apply summable_scal.
    now apply (ex_series_incr_n (K := R_AbsRing) (V := R_NormedModule)
      (fun n => 1 - rho n) N).
  - exists l; split.
    + apply (is_lim_seq_le (fun _ => 0) (fun n => u (N + n)%nat) 0 l);
        [intros n; apply Bd; lia | apply is_lim_seq_const | exact Ll].
    + apply (is_lim_seq_incr_n u N); revert Ll; apply is_lim_seq_ext; intros n.
      f_equal; lia.
Qed.

(* statement: any factor *)
(** Whatever the schedule: the factors converge, and not to 0. *)
Theorem factor_converges : exists l : R, 0 < l /\ is_lim_seq P l.
(* end statement *)
Proof.
  destruct (series_alternative (fun n => 1 - rho n)) as [Inf | Fin].
  { intros n; destruct (rho_in_range n); lra. }
  { exists (sqrt (eps / delta)); split; [| now apply factor_limit].
    now apply sqrt_lt_R0, Rdiv_lt_0_compat. }
  destruct g_bounded as (Bg & HBg); destruct h_bounded as (Bh & N & HBh).
  destruct (average_converges g
    (fun n => d n ^ 2) Bg 0 Fin g_next) as (g_lim & Gp & Lg).
  { intros n _; split; split; try apply HBg; [apply g_nonneg | apply pow2_ge_0]. }
  destruct (average_converges h (fun n => (P n * d n) ^ 2) Bh N Fin h_next)
    as (h_lim & Hp & Lh).
  { intros n I; split; split; try apply (HBh n I); [apply h_nonneg | apply pow2_ge_0]. }
  exists (sqrt ((eps + h_lim) / (delta + g_lim))); split.
  - apply sqrt_lt_R0, Rdiv_lt_0_compat; lra.
  - now apply factor_lim.
Qed.

End OneComponent.
