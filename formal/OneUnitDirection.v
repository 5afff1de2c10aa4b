(** * One unit: where its vector goes, and how large its weight becomes

    If the margins grow without bound and the steps become small against them, b goes to
    the direction of the hard-margin problem of the z(i), and a / ||b|| to 1. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality Classical.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export OneUnit.
Open Scope R_scope.

Lemma lim_seq_inner {J} `{FiniteType J} (u : nat -> vec J) (l y : vec J) :
  converges u l -> is_lim_seq (fun n => inner (u n) y) (inner l y).
Proof.
  intros L; apply (is_lim_seq_Sum (fun j n => u n j * y j)); intros j.
  apply is_lim_seq_mult'; [apply L | apply is_lim_seq_const].
Qed.

Section Run.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Variables (z : D -> vec J) (ustar : vec J).
Variables (a q : nat -> R) (b r : nat -> vec J) (p : nat -> D -> R) (C : R).
Hypothesis some_data : inhabited D.
(* the solution of the hard-margin problem *)
Hypothesis feasible : forall i, 1 <= inner ustar (z i).
Hypothesis variational : forall y, (forall i, 1 <= inner y (z i)) ->
  norm ustar ^ 2 <= inner ustar y.
(* the steps *)
Hypothesis p_nonneg : forall n i, 0 <= p n i.
Hypothesis step_a : forall n, a (S n) = a n + q n * inner (b n) (combination z (p n)).
Hypothesis step_b : forall n j,
  b (S n) j = b n j + a n * (r n j * combination z (p n) j).
Hypothesis q_lim : is_lim_seq q 1.
Hypothesis r_lim : converges r (fun _ => 1).
(* the margins *)
Hypothesis a_pos : forall n, 0 < a n.
Hypothesis margins_nonneg : forall n i, 0 <= a n * inner (b n) (z i).
Hypothesis margins_large :
  forall M, eventually (fun n => forall i, M <= a n * inner (b n) (z i)).
(* the pulls *)
Hypothesis C_nonneg : 0 <= C.
Hypothesis concentrated : forall n i,
  Sum (fun l => p n l * (a n * inner (b n) (z l))) <=
    Sum (p n) * (a n * inner (b n) (z i) + C).
Hypothesis small :
  is_lim_seq (fun n => (a n ^ 2 + norm (b n) ^ 2) * Sum (p n)) 0.
Notation N := (norm ustar).
Notation T n := (inner ustar (b n)).

Lemma solution_length : 0 < N.
Proof. exact (unit_solution_pos z ustar some_data feasible). Qed.

Lemma next_b n : b (S n) = (fun j => b n j + a n * (r n j * combination z (p n) j)).
Proof. apply functional_extensionality; intros j; apply step_b. Qed.

(** ** Steps that are good for an error e *)

Section Bounded.
Variable Z : R.
Hypothesis Z_nonneg : 0 <= Z.
Hypothesis Z_bound : forall i, norm (z i) <= Z.

Definition good_step (e : R) (n : nat) : Prop :=
  (forall j, Rabs (r n j - 1) <= e) /\ Rabs (q n - 1) <= e /\
  C + Z ^ 2 * ((a n ^ 2 + norm (b n) ^ 2) * Sum (p n)) < e * (a n * norm (b n)).

Lemma margin_le n i : a n * inner (b n) (z i) <= a n * norm (b n) * Z.
Proof.
  rewrite Rmult_assoc; apply Rmult_le_compat_l; [left; apply a_pos |].
  apply Rle_trans with (1 := inner_le_norm _ _).
  apply Rmult_le_compat_l; [apply norm_nonneg | auto].
Qed.

Lemma eventually_good e : 0 < e -> eventually (good_step e).
Proof.
  intros e0; destruct some_data as [i0].
  assert (Er : eventually (fun n => forall j, 1 - e < r n j < 1 + e)).
  { apply (eventually_components (fun j n => 1 - e < r n j < 1 + e)); intros j.
    apply (lim_near (fun n => r n j) 1 e); auto; apply r_lim. }
  generalize (eventually_and _ _ (eventually_and _ _ Er (lim_near q 1 e q_lim e0))
    (eventually_and _ _ (lim_near _ 0 1 small Rlt_0_1)
      (margins_large ((Z + 1) * ((C + Z ^ 2 + 1) / e))))).
  apply eventually_imp; intros n [[Rn Qn] [[_ Sn] Mn]]; repeat split.
  - intros j; specialize (Rn j); apply Rabs_le; lra.
  - apply Rabs_le; lra.
  - specialize (Mn i0); assert (L := margin_le n i0).
    assert (X : 0 <= a n * norm (b n))
      by (apply Rmult_le_pos; [left; apply a_pos | apply norm_nonneg]).
    assert (Big : (C + Z ^ 2 + 1) / e <= a n * norm (b n)).
    { apply Rmult_le_reg_l with (Z + 1); lra. }
    apply Rmult_le_compat_l with (r := e) in Big; [| lra].
    replace (e * ((C + Z ^ 2 + 1) / e)) with (C + Z ^ 2 + 1) in Big by (field; lra).
    assert (S2 := pow2_ge_0 Z).
    assert (Z ^ 2 * ((a n ^ 2 + norm (b n) ^ 2) * Sum (p n)) <= Z ^ 2 * 1)
      by (apply Rmult_le_compat_l; lra).
    lra.
Qed.

(** An error that is small enough for what follows. *)
Lemma some_error t : 0 < t -> exists e, 0 < e <= / 4 /\ 2 * N * (Z + 1) * e <= 1 /\
  2 * N * (Z + 1) * e <= t.
Proof.
  intros t0; assert (N0 := solution_length); set (c := 2 * N * (Z + 1)).
  assert (c0 : 0 < c) by (apply Rmult_lt_0_compat; lra).
  assert (m0 : 0 < Rmin 1 t) by (apply Rmin_glb_lt; lra).
  assert (x0 : 0 < Rmin 1 t / c) by now apply Rdiv_lt_0_compat.
  exists (Rmin (/ 4) (Rmin 1 t / c)); set (e := Rmin (/ 4) (Rmin 1 t / c)).
  assert (e0 : 0 < e) by (apply Rmin_glb_lt; lra).
  assert (e4 : e <= / 4) by apply Rmin_l.
  assert (ec : c * e <= Rmin 1 t).
  { replace (Rmin 1 t) with (c * (Rmin 1 t / c)) by (field; lra).
    apply Rmult_le_compat_l; [lra | apply Rmin_r]. }
  assert (M1 := Rmin_l 1 t); assert (M2 := Rmin_r 1 t); repeat split; lra.
Qed.

Lemma good_advance e n : 0 < e <= / 4 -> 2 * N * (Z + 1) * e <= 1 -> good_step e n ->
  (1 - 2 * N * (Z + 1) * e) * (N * (norm (b (S n)) - norm (b n))) <= T (S n) - T n.
Proof.
  intros E c1 (Rn & Qn & Gn); rewrite next_b.
  now apply (advance_over_growth z Z C ustar).
Qed.

Lemma good_growth e n : 0 < e <= / 4 -> 2 * N * (Z + 1) * e <= 1 -> good_step e n ->
  norm (b (S n)) - norm (b n) <= 4 * Z * (T (S n) - T n) /\
  a (S n) - a n <= 4 * Z * (norm (b n) / a n) * (T (S n) - T n).
Proof.
  intros E c1 (Rn & Qn & Gn); rewrite step_a, next_b.
  now apply (growth_by_advance z Z ustar) with (e := e).
Qed.

Lemma good_rises e n : 0 < e <= / 4 -> 2 * N * (Z + 1) * e <= 1 -> good_step e n ->
  T n <= T (S n) /\ a n <= a (S n).
Proof.
  intros E c1 (Rn & Qn & Gn); split.
  - rewrite next_b; assert (N0 := solution_length).
    assert (A := advance z Z ustar Z_nonneg Z_bound feasible (a n) (b n) (r n) (p n) e
      (p_nonneg n) (a_pos n) E Rn).
    assert (0 <= (1 - e * (N * Z)) * (a n * Sum (p n))); [| lra].
    apply Rmult_le_pos; [nra |].
    apply Rmult_le_pos; [left; apply a_pos | apply Sum_nonneg, p_nonneg].
  - rewrite step_a; apply Rabs_le_between in Qn.
    apply (weight_rises z (a n) (q n) (b n) (p n)); auto; lra.
Qed.

(** ** b advances without bound, for otherwise the margins would be bounded *)

Lemma advance_diverges : is_lim_seq (fun n => T n) p_infty.
Proof.
  destruct (some_error 1 Rlt_0_1) as (e & E & c1 & _).
  destruct (eventually_good e ltac:(lra)) as [K Good].
  assert (Rises : forall n m, (K <= n)%nat ->
    T n <= T (n + m)%nat /\ a n <= a (n + m)%nat).
  { intros n m I; induction m as [| m IH]; [rewrite Nat.add_0_r; lra |].
    rewrite Nat.add_succ_r.
    destruct (good_rises e (n + m) E c1 (Good (n + m)%nat ltac:(lia))); lra. }
  apply is_lim_seq_spec; intros M.
  destruct (classic (exists n, (K <= n)%nat /\ M < T n)) as [(n & I & Mn) | No].
  { exists n; intros m J1; replace m with (n + (m - n))%nat by lia.
    destruct (Rises n (m - n)%nat I); lra. }
  exfalso.
  assert (Up : forall n, (K <= n)%nat -> T n <= M).
  { intros n I; apply Rnot_lt_le; intros L; apply No; now exists n. }
  (* b is bounded *)
  assert (Bb : forall n, (K <= n)%nat -> norm (b n) <= norm (b K) + 4 * Z * (M - T K)).
  { intros n I.
    assert (Q := telescope (fun n => 4 * Z * T n) (fun n => norm (b n)) 1 K).
    cbv beta in Q; assert (R1 : 1 * norm (b n) +
      (4 * Z * T K - 1 * norm (b K)) <= 4 * Z * T n).
    { apply Q; auto; intros m Im; destruct (good_growth e m E c1 (Good m Im)); lra. }
    specialize (Up n I); assert (4 * Z * T n <= 4 * Z * M)
      by (apply Rmult_le_compat_l; lra); lra. }
  set (B := norm (b K) + 4 * Z * (M - T K)) in *.
  assert (B0 : 0 <= B) by (apply Rle_trans with (2 := Bb K (le_n K)), norm_nonneg).
  (* and so is a *)
  assert (aK := a_pos K); set (c := 4 * Z * (B / a K)).
  assert (c0 : 0 <= c).
  { apply Rmult_le_pos; [lra | now apply Rdiv_le_0_compat]. }
  assert (Ba : forall n, (K <= n)%nat -> a n <= a K + c * (M - T K)).
  { intros n I; assert (Q := telescope (fun n => c * T n) (fun n => a n) 1 K).
    cbv beta in Q; assert (R1 : 1 * a n + (c * T K - 1 * a K) <= c * T n).
    { apply Q; auto; intros m Im; destruct (good_growth e m E c1 (Good m Im)) as [_ G].
      destruct (good_rises e m E c1 (Good m Im)) as [Tm _].
      destruct (Rises K (m - K)%nat (le_n K)) as [_ Am].
      replace (K + (m - K))%nat with m in Am by lia.
      assert (norm (b m) / a m <= B / a K).
      { apply Rmult_le_compat; auto.
        - apply norm_nonneg.
        - left; apply Rinv_0_lt_compat, a_pos.
        - now apply Rinv_le_contravar. }
      assert (4 * Z * (norm (b m) / a m) <= c) by (apply Rmult_le_compat_l; lra).
      assert (4 * Z * (norm (b m) / a m) * (T (S m) - T m) <= c * (T (S m) - T m))
        by (apply Rmult_le_compat_r; lra).
      lra. }
    specialize (Up n I); assert (c * T n <= c * M)
      by (apply Rmult_le_compat_l; lra); lra. }
  set (A := a K + c * (M - T K)) in *.
  destruct some_data as [i0]; destruct (margins_large (A * B * Z + 1)) as [K' Large].
  set (n := (K + K')%nat); specialize (Large n ltac:(lia) i0).
  assert (L := margin_le n i0); assert (Bn := Bb n ltac:(lia)).
  assert (An := Ba n ltac:(lia)).
  assert (a n * norm (b n) * Z <= A * B * Z); [| lra].
  apply Rmult_le_compat_r; auto.
  apply Rmult_le_compat; auto; [left; apply a_pos | apply norm_nonneg].
Qed.

Lemma length_diverges : is_lim_seq (fun n => norm (b n)) p_infty.
Proof.
  assert (N0 := solution_length); apply is_lim_seq_spec; intros M.
  generalize (lim_large _ (N * M) advance_diverges); apply eventually_imp; intros n L.
  assert (I := inner_le_norm ustar (b n)); apply Rmult_lt_reg_l with N; lra.
Qed.

(** ** The direction *)

Lemma unit_direction : converges (fun n j => b n j / norm (b n)) (fun j => ustar j / N).
Proof.
  assert (N0 := solution_length); intros j; apply near_lim; intros t t0.
  set (t' := t ^ 2 / 4); assert (t'0 : 0 < t')
    by (apply Rdiv_lt_0_compat; [now apply pow_lt | lra]).
  destruct (some_error t' t'0) as (e & E & c1 & ct).
  destruct (eventually_good e ltac:(lra)) as [K Good].
  set (c := 2 * N * (Z + 1) * e) in *.
  assert (Tl := telescope (fun n => T n) (fun n => N * norm (b n)) (1 - c) K).
  cbv beta in Tl; set (off := T K - (1 - c) * (N * norm (b K))) in *.
  assert (Ab := Rle_abs (- off)); rewrite Rabs_Ropp in Ab; assert (Ap := Rabs_pos off).
  generalize (eventually_and _ _ (eventually_from K)
    (lim_large _ (Rabs off / (t' * N)) length_diverges)).
  apply eventually_imp; intros n [I Ln].
  assert (tN : 0 < t' * N) by now apply Rmult_lt_0_compat.
  assert (X : 0 <= Rabs off / (t' * N)) by now apply Rdiv_le_0_compat.
  assert (b0 : 0 < norm (b n)) by lra.
  assert (Off : Rabs off <= t' * (N * norm (b n))).
  { apply Rmult_lt_compat_l with (r := t' * N) in Ln; auto.
    replace (t' * N * (Rabs off / (t' * N))) with (Rabs off) in Ln by (field; lra).
    lra. }
  assert (Tn : (1 - 2 * t') * (N * norm (b n)) <= T n).
  { assert (Q : (1 - c) * (N * norm (b n)) + off <= T n).
    { apply Tl; auto; intros m Im; assert (G := good_advance e m E c1 (Good m Im)).
      fold c in G; lra. }
    assert (Nb : 0 <= N * norm (b n)) by (apply Rmult_le_pos; lra).
    assert (c * (N * norm (b n)) <= t' * (N * norm (b n)))
      by (apply Rmult_le_compat_r; lra).
    lra. }
  destruct some_data as [i0].
  assert (Sq := direction_near ustar i0 feasible (b n) (2 * t') b0 Tn j).
  replace (2 * (2 * t')) with (t ^ 2) in Sq by (unfold t'; field).
  assert (Abs : Rabs (b n j / norm (b n) - ustar j / N) <= t).
  { apply Rnot_lt_le; intros Far; rewrite <- pow2_abs in Sq; nra. }
  apply Rabs_le_between in Abs; lra.
Qed.

Lemma margins_of_direction :
  eventually (fun n => forall i, / (2 * N) * norm (b n) <= inner (b n) (z i)).
Proof.
  assert (N0 := solution_length); assert (I0 := Rinv_0_lt_compat _ N0).
  assert (Each : eventually (fun n => forall i,
    / (2 * N) < inner (fun j => b n j / norm (b n)) (z i))).
  { apply (eventually_components (fun i n =>
      / (2 * N) < inner (fun j => b n j / norm (b n)) (z i))); intros i.
    assert (L := lim_seq_inner _ _ (z i) unit_direction).
    generalize (lim_near _ _ (/ (2 * N)) L ltac:(apply Rinv_0_lt_compat; lra)).
    apply eventually_imp; intros n [Lo _]; apply Rle_lt_trans with (2 := Lo).
    assert (Q : / N <= inner (fun j => ustar j / N) (z i)).
    { rewrite inner_comm.
      replace (fun j => ustar j / N) with (fun j => / N * ustar j)
        by (apply functional_extensionality; intros; unfold Rdiv; ring).
      rewrite inner_scal, inner_comm; specialize (feasible i).
      apply Rmult_le_compat_l with (r := / N) in feasible; lra. }
    replace (/ (2 * N)) with (/ N / 2) by (field; lra); lra. }
  generalize (eventually_and _ _ Each (lim_large _ 0 length_diverges)).
  apply eventually_imp; intros n [En b0] i; specialize (En i).
  replace (inner (b n) (z i)) with
    (inner (fun j => b n j / norm (b n)) (z i) * norm (b n)).
  - apply Rmult_le_compat_r; lra.
  - rewrite Rmult_comm, inner_comm, (inner_comm (b n)), <- inner_scal.
    apply Sum_ext; intros; field; lra.
Qed.

(** ** The balance *)

Lemma unit_balance : is_lim_seq (fun n => a n ^ 2 / norm (b n) ^ 2) 1.
Proof.
  assert (N0 := solution_length); apply near_lim; intros t t0.
  assert (c0 : 0 < / (2 * N)) by (apply Rinv_0_lt_compat; lra).
  set (k := 1 + (Z + 1) / (/ (2 * N))).
  assert (k0 : 0 < k).
  { unfold k; assert (0 <= (Z + 1) / / (2 * N)) by (apply Rdiv_le_0_compat; lra); lra. }
  set (e := Rmin (/ 4) (Rmin (/ 4) (t / 6) / k)).
  assert (m0 : 0 < Rmin (/ 4) (t / 6)) by (apply Rmin_glb_lt; lra).
  assert (e0 : 0 < e) by (apply Rmin_glb_lt; [lra | now apply Rdiv_lt_0_compat]).
  assert (e4 : e <= / 4) by apply Rmin_l.
  assert (ke : k * e <= Rmin (/ 4) (t / 6)).
  { replace (Rmin (/ 4) (t / 6)) with (k * (Rmin (/ 4) (t / 6) / k)) by (field; lra).
    apply Rmult_le_compat_l; [lra | apply Rmin_r]. }
  assert (M1 := Rmin_l (/ 4) (t / 6)); assert (M2 := Rmin_r (/ 4) (t / 6)).
  destruct (eventually_and _ _ (eventually_good e e0) margins_of_direction) as [K Good].
  assert (Step : forall n, (K <= n)%nat ->
    (1 - 3 * k * e) * (norm (b (S n)) ^ 2 - norm (b n) ^ 2) <= a (S n) ^ 2 - a n ^ 2 <=
    (1 + 3 * k * e) * (norm (b (S n)) ^ 2 - norm (b n) ^ 2)).
  { intros n I; destruct (Good n I) as [(Rn & Qn & Gn) Lo]; rewrite step_a, next_b.
    apply (balanced_step z Z C); auto; fold k; lra. }
  set (x := 3 * k * e) in *.
  assert (x2 : 0 <= x <= t / 2).
  { unfold x; split; [repeat apply Rmult_le_pos | ]; lra. }
  assert (Lo := telescope (fun n => a n ^ 2) (fun n => norm (b n) ^ 2) (1 - x) K
    (fun n I => proj1 (Step n I))).
  assert (Up := telescope (fun n => (1 + x) * norm (b n) ^ 2) (fun n => a n ^ 2) 1 K).
  cbv beta in Lo, Up; set (o1 := a K ^ 2 - (1 - x) * norm (b K) ^ 2) in *.
  set (o2 := (1 + x) * norm (b K) ^ 2 - 1 * a K ^ 2) in *.
  assert (A1 := Rle_abs (- o1)); rewrite Rabs_Ropp in A1; assert (A1' := Rabs_pos o1).
  assert (A2 := Rle_abs (- o2)); rewrite Rabs_Ropp in A2; assert (A2' := Rabs_pos o2).
  generalize (eventually_and _ _ (eventually_from K) (lim_large _
    (1 + (Rabs o1 + Rabs o2) / (t / 2)) length_diverges)).
  apply eventually_imp; intros n [I Ln].
  assert (Q0 : 0 <= (Rabs o1 + Rabs o2) / (t / 2)) by (apply Rdiv_le_0_compat; lra).
  assert (Sq : norm (b n) <= norm (b n) ^ 2) by nra.
  assert (Off : Rabs o1 + Rabs o2 <= t / 2 * norm (b n) ^ 2).
  { replace (Rabs o1 + Rabs o2) with (t / 2 * ((Rabs o1 + Rabs o2) / (t / 2)))
      by (field; lra).
    apply Rmult_le_compat_l; lra. }
  specialize (Lo n I); assert (Up' : 1 * a n ^ 2 + o2 <= (1 + x) * norm (b n) ^ 2).
  { apply Up; auto; intros m Im; destruct (Step m Im); lra. }
  set (B := norm (b n) ^ 2) in *; assert (B0 : 0 < B) by lra.
  assert (xB : x * B <= t / 2 * B) by (apply Rmult_le_compat_r; lra).
  split; apply Rmult_le_reg_r with B; auto;
    replace (a n ^ 2 / B * B) with (a n ^ 2) by (field; lra); lra.
Qed.

End Bounded.

(* statement: one unit *)
(** b goes to the direction of the solution of the hard-margin problem ... *)
Theorem one_unit_direction :
  converges (fun n j => b n j / norm (b n)) (fun j => ustar j / norm ustar).
(* end statement *)
Proof.
  destruct (norms_bounded z) as (Z & Z0 & Zb); now apply (unit_direction Z).
Qed.

(* statement: balance *)
(** ... and the weight becomes as large as the vector is long. *)
Theorem one_unit_balance : is_lim_seq (fun n => a n ^ 2 / norm (b n) ^ 2) 1.
(* end statement *)
Proof.
  destruct (norms_bounded z) as (Z & Z0 & Zb); now apply (unit_balance Z).
Qed.

End Run.
