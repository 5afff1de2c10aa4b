(** * Procedure 1 in discrete time goes where Theorem 2 says that the flow goes

    For a linear predictor and any of the losses of [margin_loss], any learning rate and
    any schedule of rho: if the loss vanishes along the run, the direction converges to
    that of the hard-margin problem, skewed as in Theorem 2. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export DiscreteFactor DiscreteDirection.
Open Scope R_scope.

Set Implicit Arguments.

(* statement: procedure 1 *)
(** Procedure 1 with everything that the paper supposes of it: w are the parameters, d
    the gradients, g and h the averages of the squares of the gradients and of the
    adapted gradients.  [factor] is sqrt ((eps + h(k)) / (delta + g(k+1))). *)
Record procedure_1 {J} `{FiniteType J} (f : vec J -> R) (eta : R)
    (delta eps : vec J) (rho w d g h : nat -> vec J) : Prop := {
  rate_positive : 0 < eta;
  delta_positive : forall j, 0 < delta j;
  eps_positive : forall j, 0 < eps j;
  rho_in_range : forall k j, 0 <= rho k j <= 1;
  g_initial : forall j, 0 <= g 0%nat j;
  h_initial : forall j, 0 <= h 0%nat j;
  gradients : forall k, clarke f (w k) (d k);
  next_g : forall k j, g (S k) j = rho k j * g k j + (1 - rho k j) * d k j ^ 2;
  next_h : forall k j,
    let adapted := factor (delta j) (eps j) (fun k => g k j)
      (fun k => h k j) k * d k j in
    h (S k) j = rho k j * h k j + (1 - rho k j) * adapted ^ 2;
  next_w : forall k j,
    let adapted := factor (delta j) (eps j) (fun k => g k j)
      (fun k => h k j) k * d k j in
    w (S k) j = w k j - eta * adapted
}.

(** Assumption 2 (i) in discrete time. *)
Definition weights_diverge {J} `{FiniteType J} (rho : nat -> vec J) : Prop :=
  forall j, is_lim_seq (sum_n (fun k => 1 - rho k j)) p_infty.
(* end statement *)

Unset Implicit Arguments.

Section Run.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.
Context {a : D -> vec J} {f : vec J -> R} {pull : vec J -> D -> R}.
Context {eta : R} {delta eps : vec J} {rho w d g h : nat -> vec J}.
Hypothesis loss_facts : margin_loss a f pull.
Hypothesis run : procedure_1 f eta delta eps rho w d g h.

(** The factors of a step. *)
Definition factors (delta eps : vec J) (g h : nat -> vec J) (k : nat) : vec J :=
  fun j => factor (delta j) (eps j) (fun k => g k j) (fun k => h k j) k.
Notation P := (factors delta eps g h).

Lemma run_g j k : g (S k) j = rho k j * g k j + (1 - rho k j) * d k j ^ 2.
Proof. apply (next_g run). Qed.

Lemma run_h j k : h (S k) j = rho k j * h k j + (1 - rho k j) * (P k j * d k j) ^ 2.
Proof. apply (next_h run). Qed.

Lemma run_w k j : w (S k) j = w k j - eta * (P k j * d k j).
Proof. apply (next_w run). Qed.

(** [tac] proves a property of one component from the equations of that component. *)
Ltac component := solve [apply run | intros; apply run | intros; apply run_g |
  intros; apply run_h].

Lemma run_g_nonneg k j : 0 <= g k j.
Proof. apply (g_nonneg (fun k => rho k j) (fun k => d k j) (fun k => g k j)); component.
Qed.

Lemma run_h_nonneg k j : 0 <= h k j.
Proof.
  apply (h_nonneg (delta j) (eps j) (fun k => rho k j) (fun k => d k j)
    (fun k => g k j) (fun k => h k j)); component.
Qed.

Lemma run_factor_pos k j : 0 < P k j.
Proof.
  apply (factor_pos (delta j) (eps j) (fun k => rho k j) (fun k => d k j)
    (fun k => g k j) (fun k => h k j)); component.
Qed.

(** Where the gradients vanish the factors converge, and not to 0. *)
Lemma factors_of_vanishing j : is_lim_seq (fun k => d k j) 0 ->
  (exists l : R, 0 < l /\ is_lim_seq (fun k => P k j) l) /\
  (is_lim_seq (sum_n (fun k => 1 - rho k j)) p_infty ->
   is_lim_seq (fun k => P k j) (sqrt (eps j / delta j))).
Proof.
  intros V; split.
  - apply (factor_converges (delta j) (eps j) (fun k => rho k j) (fun k => d k j)
      (fun k => g k j) (fun k => h k j)); auto; component.
  - intros Inf; apply (factor_limit (delta j) (eps j) (fun k => rho k j)
      (fun k => d k j) (fun k => g k j) (fun k => h k j)); auto; component.
Qed.

Lemma run_descent k j : descent a pull (w k) j = - d k j.
Proof.
  rewrite (proj1 (loss_clarke loss_facts _ _) (gradients run k) j); ring.
Qed.

Lemma gradient_le R0 k j : 0 <= R0 -> (forall i, norm (a i) <= R0) ->
  Rabs (d k j) <= f (w k) * R0.
Proof.
  intros R0p Rb; apply Rle_trans with (2 := descent_le loss_facts R0 R0p Rb (w k)).
  rewrite <- Rabs_Ropp, <- run_descent; apply norm_ge_component.
Qed.

Hypothesis some_data : inhabited D.
Hypothesis loss_lim : is_lim_seq (fun k => f (w k)) 0.

Lemma gradient_vanishes j : is_lim_seq (fun k => d k j) 0.
Proof.
  destruct (norms_bounded a) as (R0 & R0p & Rb).
  assert (Up := lim_seq_scal _ R0 0 loss_lim).
  assert (Dn := lim_seq_scal _ (- R0) 0 loss_lim); rewrite Rmult_0_r in Up, Dn.
  revert Dn Up; apply is_lim_seq_le_le; intros k.
  assert (B := gradient_le R0 k j R0p Rb); apply Rabs_le_between in B; lra.
Qed.

Lemma factors_limit : weights_diverge rho ->
  converges P (fun j => sqrt (eps j / delta j)).
Proof.
  intros Inf j; now apply factors_of_vanishing; [apply gradient_vanishes |].
Qed.

Lemma factors_converge :
  exists P_lim : vec J, (forall j, 0 < P_lim j) /\ converges P P_lim.
Proof.
  set (P_lim := fun j => real (Lim_seq (fun k => P k j))).
  assert (L : forall j, 0 < P_lim j /\ is_lim_seq (fun k => P k j) (P_lim j)).
  { intros j; destruct (factors_of_vanishing j (gradient_vanishes j)) as [(l & l0 & L) _].
    unfold P_lim; rewrite (is_lim_seq_unique _ _ L); auto. }
  exists P_lim; split; intros j; apply L.
Qed.

(** A run whose loss vanishes has separated the data. *)
Lemma run_separates : exists z, forall i, 0 < inner z (a i).
Proof.
  destruct (eventually_small _ loss_lim (fun k => loss_positive loss_facts (w k)))
    as [k Small].
  destruct (Small k (le_n k)) as [L4 Ll]; exists (w k); intros i.
  assert (M := margin_large loss_facts (w k) i); lra.
Qed.

(** The skew of Theorem 2 is that of the limit of the factors. *)
Lemma skew_of_limit :
  (fun j => / sqrt (sqrt (eps j / delta j))) = (fun j => sqrt (sqrt (delta j / eps j))).
Proof.
  apply functional_extensionality; intros j; rewrite <- !sqrt_inv; do 2 f_equal.
  assert (De := delta_positive run j).
  assert (Ep := eps_positive run j); field; lra.
Qed.

Lemma limit_factor_pos j : 0 < sqrt (eps j / delta j).
Proof. apply sqrt_lt_R0, Rdiv_lt_0_compat; apply run. Qed.

(* statement: adadelta direction *)
(** AdaDelta goes, in direction, to every KKT point of the skewed problem (so that there
    is one direction of KKT points) ... *)
Theorem adadelta_direction (wstar : vec J) :
  weights_diverge rho ->
  hard_margin a (fun j => sqrt (sqrt (delta j / eps j))) wstar ->
  tends_in_direction w wstar.
(* end statement *)
Proof.
  intros Inf Kkt; rewrite <- skew_of_limit in Kkt.
  apply (preconditioned_direction w d P (fun j => sqrt (eps j / delta j)) wstar eta
    some_data loss_facts); auto; try apply run.
  - apply limit_factor_pos.
  - now apply factors_limit.
Qed.

(* statement: adadelta implicit bias *)
(** ... and there is one: nothing is assumed but that the loss vanishes. *)
Theorem adadelta_implicit_bias :
  weights_diverge rho ->
  exists wstar, hard_margin a (fun j => sqrt (sqrt (delta j / eps j))) wstar /\
    tends_in_direction w wstar.
(* end statement *)
Proof.
  intros Inf.
  destruct (hard_margin_exists a (fun j => sqrt (sqrt (delta j / eps j))) some_data)
    as [wstar Kkt].
  - intros j; apply sqrt_lt_R0, sqrt_lt_R0, Rdiv_lt_0_compat; apply run.
  - apply run_separates.
  - exists wstar; split; auto; now apply adadelta_direction.
Qed.

(* statement: any schedule *)
(** Any schedule with values in [0, 1], summable weights included: the factors converge,
    and the problem is skewed by their limits. *)
Theorem any_schedule :
  exists P_lim wstar : vec J, (forall j, 0 < P_lim j) /\
    converges (factors delta eps g h) P_lim /\
    hard_margin a (fun j => / sqrt (P_lim j)) wstar /\ tends_in_direction w wstar.
(* end statement *)
Proof.
  destruct factors_converge as (P_lim & Pp & Lp).
  destruct (hard_margin_exists a (fun j => / sqrt (P_lim j)) some_data) as [wstar Kkt].
  - intros j; now apply Rinv_0_lt_compat, sqrt_lt_R0.
  - apply run_separates.
  - exists P_lim, wstar; repeat split; auto;
      apply (preconditioned_direction w d P P_lim wstar eta some_data loss_facts); auto;
      apply run.
Qed.

End Run.
