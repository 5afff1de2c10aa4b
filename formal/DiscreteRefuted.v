(** * Where changed statements about discrete time fail

    One data point (1, 1) with label 1, two weights, the exponential loss: the KKT
    points of the problem with skew s satisfy s_1^2 w_1 = s_2^2 w_2, so that the
    direction of a run tells the skew.  The runs exist by the theorems of TheoremF.v. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export TheoremF.
Import ListNotations.
Open Scope R_scope.

#[export] Instance single : Dataset unit unit.
Proof.
  refine {| x := fun _ => tt; y := fun _ => 1 |}; [now left | exact (inhabits tt)].
Defined.

Definition both (_ : unit) : vec bool := fun _ => 1.
Notation predictor := (linear_predictor both).
Notation example_loss := (total_loss (summed exponential) predictor).

Lemma both_separable : exists z, forall i : unit, 0 < inner z (signed both i).
Proof.
  exists (fun _ => 1); intros i; unfold inner, Sum, signed, both; simpl; lra.
Qed.

(** Runs with a vanishing loss, for any constant rho and any start of h. *)
Lemma example_run (eps h0 : vec bool) (r : R) :
  (forall j, 0 < eps j) -> (forall j, 0 <= h0 j) -> 0 <= r <= 1 ->
  exists w d g h, (forall j, g 0%nat j = 0) /\ h 0%nat = h0 /\
    procedure_1 example_loss 1 (fun _ => 1) eps (fun _ _ => r) w d g h /\
    is_lim_seq (fun n => example_loss (w n)) 0.
Proof.
  intros Ep Hp Rr.
  assert (F := total_loss_is_margin_loss exponential both).
  destruct (adadelta_starts F 1 (fun _ => 1) eps (fun _ _ => r) h0)
    as (w0 & A & R0 & Start);
    auto using both_separable; try (intros; lra).
  destruct (procedure_1_runs F 1 (fun _ => 1) eps (fun _ _ => r) w0 (fun _ => 0) h0)
    as (w & d & g & h & Ew & Eg & Eh & Run); auto; try (intros; lra).
  exists w, d, g, h; rewrite Eg; split; [reflexivity |]; split; [exact Eh |].
  split; [exact Run |].
  exact (step_size_loss F Run (Start w h Ew Eh) both_separable).
Qed.

(** Two problems with one solution up to length have the same skew up to a factor. *)
Lemma same_skew (w : nat -> vec bool) (s s' u u' : vec bool) :
  (forall j, 0 < s j) -> (forall j, 0 < s' j) ->
  max_margin_KKT predictor s u -> max_margin_KKT predictor s' u' ->
  tends_in_direction w u -> tends_in_direction w u' ->
  s true ^ 2 * s' false ^ 2 = s' true ^ 2 * s false ^ 2.
Proof.
  rewrite !max_margin_linear, !hard_margin_multipliers.
  intros S S' (l & _ & Fe & Eq & _) (l' & _ & Fe' & Eq' & _) [N T] [N' T'].
  assert (Same : forall j, u j / norm u = u' j / norm u').
  { intros j; assert (A := is_lim_seq_unique _ _ (T j)).
    rewrite (is_lim_seq_unique _ _ (T' j)) in A; now injection A. }
  assert (Cross : u true * u' false = u' true * u false).
  { assert (A := Same true); assert (B := Same false).
    assert (Et : u true = u' true / norm u' * norm u) by (rewrite <- A; field; lra).
    assert (Ef : u false = u' false / norm u' * norm u) by (rewrite <- B; field; lra).
    rewrite Et, Ef; field; lra. }
  specialize (Fe tt); specialize (Fe' tt).
  assert (E1 := Eq true); assert (E2 := Eq false).
  assert (E3 := Eq' true); assert (E4 := Eq' false).
  assert (P1 := pow_lt _ 2 (S true)); assert (P2 := pow_lt _ 2 (S false)).
  assert (P3 := pow_lt _ 2 (S' true)); assert (P4 := pow_lt _ 2 (S' false)).
  unfold signed, both, inner, Sum in E1, E2, E3, E4, Fe, Fe'.
  cbn [lsum enum one two] in E1, E2, E3, E4, Fe, Fe'.
  cbn [y single] in E1, E2, E3, E4, Fe, Fe'.
  set (a := s true ^ 2) in *; set (b := s false ^ 2) in *.
  set (a' := s' true ^ 2) in *; set (b' := s' false ^ 2) in *.
  assert (M : l tt = a * u true) by lra; assert (M2 : a * u true = b * u false) by lra.
  assert (M' : l' tt = a' * u' true) by lra.
  assert (M2' : a' * u' true = b' * u' false) by lra.
  assert (Nz : a * u true <> 0).
  { intros Z; assert (u true = 0) by (apply Rmult_eq_reg_l with a; lra).
    assert (u false = 0) by (apply Rmult_eq_reg_l with b; lra); lra. }
  assert (Nz' : a' * u' true <> 0).
  { intros Z; assert (u' true = 0) by (apply Rmult_eq_reg_l with a'; lra).
    assert (u' false = 0) by (apply Rmult_eq_reg_l with b'; lra); lra. }
  apply Rmult_eq_reg_l with (a * u true * (a' * u' true));
    [| now apply Rmult_integral_contrapositive].
  transitivity (a * b' * (a' * b) * (u' true * u false)); [rewrite M2; ring |].
  rewrite <- Cross, M2'; ring.
Qed.

Lemma weights_one : weights_diverge (fun _ (_ : bool) => 0).
Proof.
  intros j; apply is_lim_seq_ext with (fun n => INR (S n)).
  - intros n; rewrite sum_n_const; ring.
  - apply (is_lim_seq_incr_1 INR), is_lim_seq_INR.
Qed.

(* delta = (1, 1), eps = (16, 1): sqrt (delta / eps) = (1/4, 1) *)
Definition eps_example : vec bool := fun j => if j then 16 else 1.

Lemma eps_example_pos j : 0 < eps_example j.
Proof. destruct j; simpl; lra. Qed.

(** With another skew than that of Theorem F the conclusion fails. *)
Lemma another_skew_refuted (skew : R -> R -> R) :
  0 < skew 1 16 -> 0 < skew 1 1 -> skew 1 16 ^ 2 <> / 4 * skew 1 1 ^ 2 ->
  ~ forall (delta eps : vec bool) (rho w d g h : nat -> vec bool),
    procedure_1 example_loss 1 delta eps rho w d g h -> weights_diverge rho ->
    is_lim_seq (fun n => example_loss (w n)) 0 ->
    exists wstar, max_margin_KKT predictor (fun j => skew (delta j) (eps j)) wstar /\
      tends_in_direction w wstar.
Proof.
  intros Pos16 Pos1 Other Wrong.
  destruct (example_run eps_example (fun _ => 0) 0 eps_example_pos)
    as (w & d & g & h & _ & _ & Run & Ll); try (intros; lra).
  destruct (theorem_F exponential both 1 (fun _ => 1) eps_example (fun _ _ => 0)
    w d g h Run weights_one Ll) as (u & Ku & Tu).
  destruct (Wrong _ _ _ _ _ _ _ Run weights_one Ll) as (u' & Ku' & Tu').
  assert (S : forall j, 0 < sqrt (sqrt (1 / eps_example j))).
  { intros j; apply sqrt_lt_R0, sqrt_lt_R0, Rdiv_lt_0_compat;
      [lra | apply eps_example_pos]. }
  assert (S' : forall j, 0 < skew 1 (eps_example j))
    by (intros []; [exact Pos16 | exact Pos1]).
  assert (Sk := same_skew w _ _ u u' S S' Ku Ku' Tu Tu'); unfold eps_example in Sk.
  assert (R1 : sqrt (sqrt (1 / 16)) ^ 2 = / 4).
  { rewrite <- Rsqr_pow2, Rsqr_sqrt by apply sqrt_pos.
    replace (1 / 16) with (/ 4 * / 4) by field; apply sqrt_square; lra. }
  replace (1 / 1) with 1 in Sk by field; rewrite !sqrt_1, R1 in Sk; lra.
Qed.

(** The two stability terms exchanged. *)
Theorem theorem_F_skew_refuted :
  ~ forall (delta eps : vec bool) (rho w d g h : nat -> vec bool),
    procedure_1 example_loss 1 delta eps rho w d g h -> weights_diverge rho ->
    is_lim_seq (fun n => example_loss (w n)) 0 ->
    exists wstar, max_margin_KKT predictor
        (fun j => sqrt (sqrt (eps j / delta j))) wstar /\
      tends_in_direction w wstar.
Proof.
  apply (another_skew_refuted (fun de ep => sqrt (sqrt (ep / de))));
    try (apply sqrt_lt_R0, sqrt_lt_R0; lra).
  rewrite <- !Rsqr_pow2, !Rsqr_sqrt by apply sqrt_pos.
  replace (16 / 1) with (4 * 4) by field; replace (1 / 1) with 1 by field.
  rewrite sqrt_square, sqrt_1 by lra; lra.
Qed.

(** A square root, not a fourth root. *)
Theorem theorem_F_root_refuted :
  ~ forall (delta eps : vec bool) (rho w d g h : nat -> vec bool),
    procedure_1 example_loss 1 delta eps rho w d g h -> weights_diverge rho ->
    is_lim_seq (fun n => example_loss (w n)) 0 ->
    exists wstar, max_margin_KKT predictor (fun j => sqrt (delta j / eps j)) wstar /\
      tends_in_direction w wstar.
Proof.
  apply (another_skew_refuted (fun de ep => sqrt (de / ep)));
    try (apply sqrt_lt_R0; lra).
  rewrite <- !Rsqr_pow2, !Rsqr_sqrt by lra; lra.
Qed.

(** Without the divergence of the weights: rho = 1 keeps h(0) = (15, 0) for ever. *)
Theorem theorem_F_weights_refuted :
  ~ forall (delta eps : vec bool) (rho w d g h : nat -> vec bool),
    procedure_1 example_loss 1 delta eps rho w d g h ->
    is_lim_seq (fun n => example_loss (w n)) 0 ->
    exists wstar, max_margin_KKT predictor
        (fun j => sqrt (sqrt (delta j / eps j))) wstar /\
      tends_in_direction w wstar.
Proof.
  intros Wrong; set (h0 := (fun j => if j then 15 else 0) : vec bool).
  destruct (example_run (fun _ => 1) h0 1) as (w & d & g & h & Eg & Eh & Run & Ll);
    try (intros; lra); [intros []; simpl; lra |].
  destruct (Wrong _ _ _ _ _ _ _ Run Ll) as (u & Ku & Tu).
  destruct (any_schedule (total_loss_is_margin_loss exponential both) Run
    (inhabits tt) Ll) as (P_lim & u' & Pp & Lp & Ku' & Tu').
  rewrite <- max_margin_linear in Ku'.
  assert (S : forall j : bool, 0 < sqrt (sqrt (1 / 1)))
    by (intros j; apply sqrt_lt_R0, sqrt_lt_R0; lra).
  assert (S' : forall j, 0 < / sqrt (P_lim j))
    by (intros j; apply Rinv_0_lt_compat, sqrt_lt_R0, Pp).
  assert (Sk := same_skew w _ _ u u' S S' Ku Ku' Tu Tu').
  assert (Gz : forall n j, g n j = 0).
  { induction n as [| n IH]; intros j; [apply Eg |].
    rewrite (run_g Run j n), IH; ring. }
  assert (Hz : forall n j, h n j = h0 j).
  { induction n as [| n IH]; intros j; [now rewrite Eh |].
    rewrite (run_h Run j n), IH; ring. }
  assert (P_is : forall j, P_lim j = sqrt ((1 + h0 j) / (1 + 0))).
  { intros j; assert (A := is_lim_seq_unique _ _ (Lp j)).
    rewrite (Lim_seq_ext _ (fun _ => sqrt ((1 + h0 j) / (1 + 0)))), Lim_seq_const in A.
    - now injection A.
    - intros n; unfold factors, factor; now rewrite Gz, Hz. }
  cbv beta in Sk; rewrite !P_is in Sk; unfold h0 in Sk.
  replace ((1 + 15) / (1 + 0)) with (4 * 4) in Sk by field.
  replace ((1 + 0) / (1 + 0)) with 1 in Sk by field.
  replace (1 / 1) with 1 in Sk by field.
  rewrite sqrt_square, !sqrt_1 in Sk by lra; replace 4 with (2 * 2) in Sk by ring.
  rewrite sqrt_square in Sk by lra; lra.
Qed.

(** Without the hypothesis on the loss: two equal points with opposite labels. *)
Theorem theorem_F_loss_refuted :
  ~ forall (feat : unit -> vec bool) (delta eps : vec bool)
      (rho w d g h : nat -> vec bool),
    procedure_1 (total_loss (summed exponential) (linear_predictor feat)) 1 delta eps
      rho w d g h ->
    weights_diverge rho ->
    exists wstar, max_margin_KKT (linear_predictor feat)
        (fun j => sqrt (sqrt (delta j / eps j))) wstar /\
      tends_in_direction w wstar.
Proof.
  intros Wrong; set (feat := (fun _ _ => 0) : unit -> vec bool).
  destruct (procedure_1_runs (total_loss_is_margin_loss exponential feat) 1
    (fun _ => 1) (fun _ => 1) (fun _ _ => 0) (fun _ => 0) (fun _ => 0) (fun _ => 0))
    as (w & d & g & h & _ & _ & _ & Run); try (intros; lra).
  destruct (Wrong feat _ _ _ _ _ _ _ Run weights_one) as (u & Ku & _).
  rewrite max_margin_linear, hard_margin_multipliers in Ku.
  destruct Ku as (_ & _ & Fe & _); specialize (Fe tt).
  unfold inner, Sum, signed, feat in Fe; simpl in Fe; lra.
Qed.

(** Data on the boundary of the half-space have no feasible point. *)
Theorem existence_separable_refuted :
  ~ forall (a : unit -> vec bool) (s : vec bool), (forall j, 0 < s j) ->
    (exists z, forall i, 0 <= inner z (a i)) -> exists w, hard_margin a s w.
Proof.
  intros Wrong; destruct (Wrong (fun _ _ => 0) (fun _ => 1)) as (w & K).
  - intros; lra.
  - exists (fun _ => 0); intros i; unfold inner, Sum; simpl; lra.
  - apply hard_margin_multipliers in K; destruct K as (_ & _ & Fe & _).
    specialize (Fe tt); unfold inner, Sum in Fe; simpl in Fe; lra.
Qed.

(** An average with weights 0 forgets nothing. *)
Theorem forgetting_weights_refuted :
  ~ forall (x t e : nat -> R) (c : R),
    0 < c -> (forall n, 0 <= x n) -> (forall n, 0 <= t n) -> (forall n, c * t n <= 1) ->
    is_lim_seq e 0 ->
    eventually (fun n => x (S n) <= x n * (1 - c * t n) + t n * e n) ->
    is_lim_seq x 0.
Proof.
  intros Wrong.
  assert (L := Wrong (fun _ => 1) (fun _ => 0) (fun _ => 0) 1 ltac:(lra)
    ltac:(intros; lra) ltac:(intros; lra) ltac:(intros; lra) (is_lim_seq_const 0)
    ltac:(exists 0%nat; intros; lra)).
  apply is_lim_seq_unique in L; rewrite Lim_seq_const in L; injection L; lra.
Qed.

(** psi of the logistic loss is below 1. *)
Theorem pull_refuted :
  ~ forall k s, 0 <= s -> s <= psi k s.
Proof.
  intros Wrong; specialize (Wrong logistic 1 Rle_0_1); simpl in Wrong.
  generalize (exp_pos (- (1))); lra.
Qed.
