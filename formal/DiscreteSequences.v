(** * Sequences: averages that forget, sums that telescope, series that converge

    What the discrete-time theorems need of real sequences and is not in Coquelicot. *)

From Coq Require Import Reals Lra Psatz List.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Vectors.
Import ListNotations.
Open Scope R_scope.

(** ** "For all large n", which is Coquelicot's [eventually] *)

Lemma eventually_and (P Q : nat -> Prop) :
  eventually P -> eventually Q -> eventually (fun n => P n /\ Q n).
Proof. apply (filter_and (F := eventually)). Qed.

Lemma eventually_imp (P Q : nat -> Prop) :
  (forall n, P n -> Q n) -> eventually P -> eventually Q.
Proof. apply (filter_imp (F := eventually)). Qed.

Lemma eventually_from (N : nat) : eventually (fun n => (N <= n)%nat).
Proof. exists N; auto. Qed.

Lemma eventually_components {J} `{FiniteType J} (P : J -> nat -> Prop) :
  (forall j, eventually (P j)) -> eventually (fun n => forall j, P j n).
Proof.
  intros Each.
  assert (Listed : eventually (fun n => forall j, In j enum -> P j n)).
  { induction enum as [| i l IH].
    - exists 0%nat; intros n _ j [].
    - generalize (eventually_and _ _ (Each i) IH); apply eventually_imp.
      intros n [Pi Pl] j [<- | I]; auto. }
  revert Listed; apply eventually_imp; intros n All j; apply All, enum_all.
Qed.

Lemma lim_near (u : nat -> R) (l e : R) :
  is_lim_seq u l -> 0 < e -> eventually (fun n => l - e < u n < l + e).
Proof.
  intros L e0; apply is_lim_seq_spec in L; destruct (L (mkposreal e e0)) as [N HN].
  exists N; intros n I; specialize (HN n I); simpl in HN; apply Rabs_def2 in HN; lra.
Qed.

Lemma near_lim (u : nat -> R) (l : R) :
  (forall e, 0 < e -> eventually (fun n => l - e <= u n <= l + e)) -> is_lim_seq u l.
Proof.
  intros A; apply is_lim_seq_spec; intros e; assert (e0 := cond_pos e).
  destruct (A (e / 2) ltac:(lra)) as [N HN]; exists N; intros n I; specialize (HN n I).
  apply Rabs_def1; lra.
Qed.

Lemma lim_large (u : nat -> R) (M : R) :
  is_lim_seq u p_infty -> eventually (fun n => M < u n).
Proof.
  intros L; apply is_lim_seq_spec in L; destruct (L M) as [N HN]; exists N; auto.
Qed.

(** A positive sequence that vanishes ends up small, and its logarithm below -1. *)
Lemma eventually_small (u : nat -> R) :
  is_lim_seq u 0 -> (forall n, 0 < u n) ->
  eventually (fun n => u n <= / 4 /\ ln (u n) <= -1).
Proof.
  intros L Pos.
  assert (Half : exp (-1) <= / 2).
  { replace (-1) with (- (1)) by ring; rewrite exp_Ropp.
    apply Rinv_le_contravar; [lra |]; generalize (exp_ineq1_le 1); lra. }
  assert (E := exp_pos (-1)).
  generalize (lim_near u 0 (exp (-1) / 2) L ltac:(lra)); apply eventually_imp.
  intros n [_ Up]; split; [lra |]; rewrite <- (ln_exp (-1)); apply ln_le; auto; lra.
Qed.

(** ** Averages that forget *)

(** What contracts by 1 - c t(k) <= exp(- c t(k)) falls like exp(- c sum t(k)). *)
Lemma contraction_bound (y t : nat -> R) (c : R) (K : nat) :
  0 <= c -> (forall n, 0 <= y n) ->
  (forall n, (K <= n)%nat -> y (S n) <= y n * (1 - c * t n)) ->
  forall n, y (S (K + n)) <=
    y K * exp (c * (sum_n t K - t K)) * exp (- c * sum_n t (K + n)).
Proof.
  intros c0 y0 Step n.
  assert (One : forall m, (K <= m)%nat -> y (S m) <= y m * exp (- (c * t m))).
  { intros m I; eapply Rle_trans; [apply Step; auto |].
    apply Rmult_le_compat_l; auto; generalize (exp_ineq1_le (- (c * t m))); lra. }
  induction n as [| n IH].
  - rewrite Nat.add_0_r; eapply Rle_trans; [apply One; lia |].
    rewrite Rmult_assoc, <- exp_plus; right; do 2 f_equal; ring.
  - rewrite Nat.add_succ_r; eapply Rle_trans; [apply One; lia |].
    eapply Rle_trans; [apply Rmult_le_compat_r; [left; apply exp_pos | apply IH] |].
    rewrite sum_Sn, !Rmult_assoc, <- !exp_plus; right; do 2 f_equal.
    unfold plus; simpl; ring.
Qed.

(** ... and so, where the t(k) sum to infinity, below every positive number. *)
Lemma contraction_vanishes (y t : nat -> R) (c s : R) (K : nat) :
  0 < c -> 0 < s -> (forall n, 0 <= y n) ->
  is_lim_seq (sum_n t) p_infty ->
  (forall n, (K <= n)%nat -> y (S n) <= y n * (1 - c * t n)) ->
  eventually (fun n => y n <= s).
Proof.
  intros c0 s0 y0 Inf Step.
  assert (B := contraction_bound y t c K ltac:(lra) y0 Step).
  set (A := y K * exp (c * (sum_n t K - t K))) in *.
  assert (A0 : 0 <= A) by (apply Rmult_le_pos; [auto | left; apply exp_pos]).
  destruct (lim_large _ (/ c * ln ((A + 1) / s)) Inf) as [M HM].
  exists (S (K + M)); intros [| n] I; [lia |].
  replace n with (K + (n - K))%nat in * by lia; set (m := (n - K)%nat) in *.
  specialize (HM (K + m)%nat ltac:(lia)); apply Rle_trans with (1 := B m).
  assert (Ex : exp (- c * sum_n t (K + m)) <= s / (A + 1)).
  { replace (s / (A + 1)) with (exp (- ln ((A + 1) / s))).
    - left; apply exp_increasing; apply Rmult_lt_compat_l with (r := c) in HM; auto.
      rewrite <- Rmult_assoc, Rinv_r in HM by lra; lra.
    - rewrite exp_Ropp, exp_ln by (apply Rdiv_lt_0_compat; lra); field; lra. }
  apply Rle_trans with (A * (s / (A + 1))); [now apply Rmult_le_compat_l |].
  apply Rmult_le_reg_r with (A + 1); [lra |].
  replace (A * (s / (A + 1)) * (A + 1)) with (A * s) by (field; lra); nra.
Qed.

(* statement: forgetting *)
(** A moving average whose weights sum to infinity forgets where it started: if what it
    averages vanishes, so does it. *)
Theorem forgetting (x t e : nat -> R) (c : R) :
  0 < c -> (forall n, 0 <= x n) -> (forall n, 0 <= t n) -> (forall n, c * t n <= 1) ->
  is_lim_seq e 0 -> is_lim_seq (sum_n t) p_infty ->
  eventually (fun n => x (S n) <= x n * (1 - c * t n) + t n * e n) ->
  is_lim_seq x 0.
(* end statement *)
Proof.
  intros c0 x0 t0 ct Le Inf Step; apply near_lim; intros s s0.
  destruct (eventually_and _ _ Step (lim_near e 0 (c * (s / 2)) Le ltac:(nra)))
    as [K HK].
  (* the part of x above s / 2 contracts *)
  set (y n := Rmax 0 (x n - s / 2)).
  assert (Y : forall n, 0 <= y n) by (intros n; apply Rmax_l).
  assert (Contracts : forall n, (K <= n)%nat -> y (S n) <= y n * (1 - c * t n)).
  { intros n I; destruct (HK n I) as [S E]; specialize (ct n); specialize (t0 n).
    assert (x n - s / 2 <= y n) by apply Rmax_r; specialize (Y n).
    apply Rmax_lub; [apply Rmult_le_pos; lra |].
    apply Rle_trans with ((x n - s / 2) * (1 - c * t n)); [nra |].
    apply Rmult_le_compat_r; lra. }
  generalize (contraction_vanishes y t c (s / 2) K c0 ltac:(lra) Y Inf Contracts).
  apply eventually_imp; intros n Small; assert (x n - s / 2 <= y n) by apply Rmax_r.
  specialize (x0 n); lra.
Qed.

(** ** Telescopes and partial sums *)

(** Increments that dominate c times those of b, from K on. *)
Lemma telescope (a b : nat -> R) (c : R) (K : nat) :
  (forall n, (K <= n)%nat -> c * (b (S n) - b n) <= a (S n) - a n) ->
  forall n, (K <= n)%nat -> c * b n + (a K - c * b K) <= a n.
Proof.
  intros Inc n I; replace n with (K + (n - K))%nat by lia.
  induction (n - K)%nat as [| m IH]; [rewrite Nat.add_0_r; lra |].
  rewrite Nat.add_succ_r; specialize (Inc (K + m)%nat ltac:(lia)); lra.
Qed.

(** The sum of the first n terms. *)
Fixpoint first_terms (u : nat -> R) (n : nat) : R :=
  match n with O => 0 | S m => first_terms u m + u m end.

Lemma first_terms_sum_n u n : first_terms u (S n) = sum_n u n.
Proof.
  induction n as [| n IH]; [rewrite sum_O; simpl; ring |].
  rewrite sum_Sn, <- IH; reflexivity.
Qed.

Lemma first_terms_nonneg u n : (forall n, 0 <= u n) -> 0 <= first_terms u n.
Proof. intros U; induction n as [| n IH]; simpl; [lra | generalize (U n); lra]. Qed.

(** A series of nonnegative terms converges if and only if its sums are bounded. *)
Lemma summable (u : nat -> R) (B : R) :
  (forall n, 0 <= u n) -> (forall n, first_terms u n <= B) -> ex_series u.
Proof.
  intros U Up; destruct (ex_finite_lim_seq_incr (sum_n u) B) as [l Ll].
  - intros n; rewrite sum_Sn; unfold plus; simpl; generalize (U (S n)); lra.
  - intros n; rewrite <- first_terms_sum_n; apply Up.
  - exists l; exact Ll.
Qed.

Lemma first_terms_bounded (u : nat -> R) :
  (forall n, 0 <= u n) -> ex_series u -> exists B, forall n, first_terms u n <= B.
Proof.
  intros U [l Sl]; exists l.
  assert (Le : forall n, sum_n u n <= l).
  { apply (is_lim_seq_incr_compare (sum_n u) l); [exact Sl |].
    intros n; rewrite sum_Sn; unfold plus; simpl; generalize (U (S n)); lra. }
  intros [| n]; [| rewrite first_terms_sum_n; apply Le].
  simpl; apply Rle_trans with (2 := Le 0%nat); rewrite sum_O; apply U.
Qed.

Lemma summable_le (u v : nat -> R) :
  (forall n, 0 <= u n <= v n) -> ex_series v -> ex_series u.
Proof.
  intros B Sv; apply (ex_series_le (K := R_AbsRing) (V := R_CompleteNormedModule) u v);
    auto.
  intros n; destruct (B n); change (Rabs (u n) <= v n); rewrite Rabs_pos_eq; auto.
Qed.

Lemma summable_scal c (u : nat -> R) : ex_series u -> ex_series (fun n => c * u n).
Proof. apply (ex_series_scal (K := R_AbsRing) (V := R_NormedModule) c u). Qed.

Lemma summable_plus (u v : nat -> R) :
  ex_series u -> ex_series v -> ex_series (fun n => u n + v n).
Proof. apply (ex_series_plus (K := R_AbsRing) (V := R_NormedModule) u v). Qed.

Lemma summable_next (u : nat -> R) : ex_series u -> ex_series (fun n => u (S n)).
Proof. apply (ex_series_incr_1 (K := R_AbsRing) (V := R_NormedModule) u). Qed.

Lemma summable_Sum {J} `{FiniteType J} (u : J -> nat -> R) :
  (forall j, ex_series (u j)) -> ex_series (fun n => Sum (fun j => u j n)).
Proof.
  intros U; unfold Sum; induction enum as [| j l IH]; simpl.
  - apply (summable _ 0); [intros; lra |]; induction n as [| n IH]; simpl; lra.
  - now apply (summable_plus (u j)).
Qed.

(** What is paid out of a stock u that is refilled by v adds up to at most u(0) and the
    sum of v. *)
Lemma summable_stock (u p v : nat -> R) :
  (forall n, 0 <= u n) -> (forall n, 0 <= p n) -> (forall n, 0 <= v n) ->
  (forall n, u (S n) + p n <= u n + v n) -> ex_series v -> ex_series p.
Proof.
  intros U P V Step Sv; destruct (first_terms_bounded v V Sv) as [B HB].
  apply (summable p (u 0%nat + B)); auto; intros n.
  assert (I : first_terms p n + u n <= u 0%nat + first_terms v n).
  { induction n as [| n IH]; simpl; [lra |]; specialize (Step n); lra. }
  specialize (U n); specialize (HB n); lra.
Qed.

(** Summable increments: the sequence converges. *)
Lemma lim_of_increments (u m : nat -> R) :
  (forall n, Rabs (u (S n) - u n) <=
    m n) -> ex_series m -> exists l : R, is_lim_seq u l.
Proof.
  intros B Sm.
  assert (E : ex_series (fun n => u (S n) - u n)).
  { apply (ex_series_le (K := R_AbsRing) (V := R_CompleteNormedModule) _ m); auto. }
  destruct E as [s E]; exists (s + u 0%nat); apply is_lim_seq_incr_1.
  apply is_lim_seq_ext with (fun n => sum_n (fun k => u (S k) - u k) n + u 0%nat).
  - intros n; induction n as [| n IH]; [rewrite sum_O; ring |].
    rewrite sum_Sn; unfold plus; simpl; lra.
  - apply is_lim_seq_plus'; [exact E | apply is_lim_seq_const].
Qed.

(** Nonnegative terms sum to infinity or to a number. *)
Lemma series_alternative (u : nat -> R) :
  (forall n, 0 <= u n) -> is_lim_seq (sum_n u) p_infty \/ ex_series u.
Proof.
  intros U.
  assert (Rises : forall n, sum_n u n <= sum_n u (S n)).
  { intros n; rewrite sum_Sn; unfold plus; simpl; generalize (U (S n)); lra. }
  destruct (ex_lim_seq_incr _ Rises) as [[l | |] L]; auto.
  - right; exists l; exact L.
  - exfalso; destruct (proj2 (is_lim_seq_spec _ _) L 0) as [N HN].
    specialize (HN N (le_n N)); rewrite <- first_terms_sum_n in HN.
    generalize (first_terms_nonneg u (S N) U); lra.
Qed.

(** ** Sums of limits *)

Lemma lim_seq_scal (u : nat -> R) (c l : R) :
  is_lim_seq u l -> is_lim_seq (fun n => c * u n) (c * l).
Proof. intros L; apply is_lim_seq_mult'; [apply is_lim_seq_const | exact L]. Qed.

Lemma lim_seq_sqr (u : nat -> R) (l : R) :
  is_lim_seq u l -> is_lim_seq (fun n => u n ^ 2) (l ^ 2).
Proof.
  intros L; apply is_lim_seq_ext with (fun n => u n * u n); [intros; ring |].
  replace (l ^ 2) with (l * l) by ring; now apply is_lim_seq_mult'.
Qed.
