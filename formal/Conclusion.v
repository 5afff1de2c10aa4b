(** * What Theorems 2 and 4 conclude, and Assumption 1 *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export KKT.
Import ListNotations.
Open Scope R_scope.

(* statement: conclusion *)
(** f(t) = Theta(F(t)) as t tends to infinity. *)
Definition Theta (f F : R -> R) : Prop :=
  exists a b T, 0 < a /\ 0 < b /\ forall t, T <= t -> a * F t <= f t <= b * F t.

Definition converges_in_direction {J} `{FiniteType J}
    (v : R -> vec J) (u : vec J) : Prop :=
  0 < norm u /\
  forall j, is_lim (fun t => v t j / norm (v t)) p_infty (u j / norm u).

(** The two rates, for the loss f along the trajectory v, with homogeneity degree l. *)
Definition growth_rates {J} `{FiniteType J}
    (f : vec J -> R) (l : R) (v : R -> vec J) : Prop :=
  Theta (fun t => f (v t)) (fun t => / (t * Rpower (ln t) (2 - 2 / l))) /\
  Theta (fun t => norm (v t)) (fun t => Rpower (ln t) (/ l)).

(** The three conclusions shared by Theorem 2 and Theorem 4, with a set of limit
    directions. *)
Definition implicit_regularization {J} `{FiniteType J}
    (f : vec J -> R) (l : R) (v : R -> vec J) (kkt : vec J -> Prop) : Prop :=
  growth_rates f l v /\
  exists u, kkt u /\ converges_in_direction v u.
(* end statement *)

(* statement: assumption 1 *)
(** Assumption 1, for a given notion of definability. *)
Definition assumption_1 {J X} `{FiniteType J}
    (definable : (vec J -> R) -> Prop) (Phi : vec J -> X -> R) (l : R) : Prop :=
  0 < l /\ forall x,
    locally_lipschitz (fun w => Phi w x) /\
    (forall a w, 0 < a -> Phi (fun j => a * w j) x = Rpower a l * Phi w x) /\
    definable (fun w => Phi w x).
(* end statement *)
