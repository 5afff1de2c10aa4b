(** * Process 2: the continuous generalized AdaDelta flow

    One class holds everything that the paper fixes before Lemma 5: the total loss,
    the hyperparameters, the trajectories, and equations (1), (2), (3) for almost all
    t.  [g t j] is the paper's g(t)_j. *)

From Coq Require Import Reals Lra Psatz List.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Clarke.
Open Scope R_scope.

(* statement: process 2 *)
Class Process2 (J : Type) `{FiniteType J} := {
  L : vec J -> R;                       (* the total loss *)
  rho : R -> vec J;                     (* exponential decay coefficients *)
  delta : vec J;  eps : vec J;          (* numerical stability terms *)
  g : R -> vec J;  h : R -> vec J;      (* exponentially decaying averages *)
  w : R -> vec J;                       (* parameters *)
  G : R -> vec J;                       (* the gradient used at time t *)

  delta_pos : forall j, 0 < delta j;
  eps_pos : forall j, 0 < eps j;
  rho_range : forall t j, 0 <= t -> 0 <= rho t j <= 1;
  arc_g : forall j, arc (fun t => g t j);
  arc_h : forall j, arc (fun t => h t j);
  arc_w : forall j, arc (fun t => w t j);

  gradient : ae (fun t => clarke L (w t) (G t));
  eq_1 : ae (fun t => forall j, is_derive (fun s => g s j) t
    ((1 - rho t j) * (G t j ^ 2 - g t j)));
  eq_2 : ae (fun t => forall j, is_derive (fun s => h s j) t
    ((1 - rho t j) * (Derive (fun s => w s j) t ^ 2 - h t j)));
  eq_3 : ae (fun t => forall j, is_derive (fun s => w s j) t
    (- sqrt ((eps j + h t j) / (delta j + g t j)) * G t j))
}.

Section Flow.
Context {J : Type} `{Process2 J}.

Definition assumption_2_i : Prop := forall j,
  exists R, integral (fun t => 1 - rho t j) R /\ is_lim R p_infty p_infty.
Definition assumption_2_ii : Prop := forall j, 0 <= g 0 j /\ 0 <= h 0 j.

Definition chi : vec J := fun j => sqrt (sqrt (eps j / delta j)).
Definition beta (t : R) : vec J := fun j =>
  sqrt ((1 + h t j / eps j) / (1 + g t j / delta j)).
(* end statement *)

Lemma chi_pos j : 0 < chi j.
Proof.
  apply sqrt_lt_R0, sqrt_lt_R0, Rdiv_lt_0_compat; [apply eps_pos | apply delta_pos].
Qed.

Lemma chi_sqr j : chi j ^ 2 = sqrt (eps j / delta j).
Proof. unfold chi; apply pow2_sqrt, sqrt_pos. Qed.

(** The squared adapter, under the root in the definition of beta. *)
Definition beta2 (t : R) (j : J) : R :=
  (1 + h t j / eps j) / (1 + g t j / delta j).

Lemma one_plus_pos x d : 0 <= x -> 0 < d -> 1 <= 1 + x / d.
Proof.
  intros X D; assert (0 <= x / d) by (apply Rdiv_le_0_compat; lra); lra.
Qed.

Lemma beta2_pos t j : 0 <= g t j -> 0 <= h t j -> 0 < beta2 t j.
Proof.
  intros Pg Ph; apply Rdiv_lt_0_compat.
  - generalize (one_plus_pos (h t j) (eps j) Ph (eps_pos j)); lra.
  - generalize (one_plus_pos (g t j) (delta j) Pg (delta_pos j)); lra.
Qed.

Lemma beta_sqr t j : 0 <= g t j -> 0 <= h t j -> beta t j ^ 2 = beta2 t j.
Proof.
  intros Pg Ph; unfold beta; apply pow2_sqrt; left; now apply beta2_pos.
Qed.

Lemma beta_pos t j : 0 <= g t j -> 0 <= h t j -> 0 < beta t j.
Proof. intros Pg Ph; apply sqrt_lt_R0; now apply beta2_pos. Qed.

(** The coefficient of equation (3) in terms of the skewing vector and the skewed
    adapter, on the way to equation (5). *)
Lemma coefficient_5 t j : 0 <= g t j -> 0 <= h t j ->
  sqrt ((eps j + h t j) / (delta j + g t j)) = chi j ^ 2 * beta t j.
Proof.
  intros Pg Ph; assert (E := eps_pos j); assert (D := delta_pos j).
  rewrite chi_sqr; unfold beta; fold (beta2 t j).
  rewrite <- sqrt_mult_alt by (left; apply Rdiv_lt_0_compat; lra).
  f_equal; unfold beta2; field; repeat split; lra.
Qed.

End Flow.
