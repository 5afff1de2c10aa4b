(** * Karush-Kuhn-Tucker points and the change of variables v = w / chi *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Loss.
Open Scope R_scope.

(* statement: kkt *)
(** v is a KKT point of: minimize f(v) subject to gs(i)(v) <= 0 for all i. *)
Definition KKT {J D} `{FiniteType J} `{FiniteType D}
    (f : vec J -> R) (gs : D -> vec J -> R) (v : vec J) : Prop :=
  exists lam : D -> R, (forall i, 0 <= lam i) /\
    (* feasibility *)
    (forall i, gs i v <= 0) /\
    (* equilibrium inclusion *)
    (exists a b, clarke f v a /\ (forall i, clarke (gs i) v (b i)) /\
       forall j, a j + Sum (fun i => lam i * b i j) = 0) /\
    (* complementary slackness *)
    (forall i, lam i * gs i v = 0).

(** minimize 1/2 || s w ||^2 subject to y_i Phi(w, x_i) >= 1 for all i. *)
Definition max_margin_KKT {J D X} `{FiniteType J} `{Dataset D X}
    (Phi : vec J -> X -> R) (s : vec J) : vec J -> Prop :=
  KKT (fun w => / 2 * norm (mul s w) ^ 2) (fun i w => 1 - y i * Phi w (x i)).
(* end statement *)

Section ChangeOfVariables.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.

Theorem KKT_scaled (f : vec J -> R) (gs : D -> vec J -> R) a v :
  (forall j, a j <> 0) ->
  KKT f gs (mul a v) <->
  KKT (fun z => f (mul a z)) (fun i z => gs i (mul a z)) v.
Proof.
  intros A; split; intros (lam & Lam & Fe & (p & q & P & Q & Eq) & Sl);
    exists lam; repeat split; auto.
  - exists (mul a p), (fun i => mul a (q i)); repeat split.
    + now apply clarke_scaled.
    + intros i; now apply clarke_scaled.
    + intros j; unfold mul.
      transitivity (a j * (p j + Sum (fun i => lam i * q i j)));
        [| rewrite Eq; ring].
      rewrite Rmult_plus_distr_l, <- Sum_scal; f_equal.
      apply Sum_ext; intros i; ring.
  - exists (mul (fun j => / a j) p), (fun i => mul (fun j => / a j) (q i)).
    repeat split.
    + now apply clarke_unscaled.
    + intros i; now apply clarke_unscaled.
    + intros j; unfold mul.
      transitivity (/ a j * (p j + Sum (fun i => lam i * q i j)));
        [| rewrite Eq; ring].
      rewrite Rmult_plus_distr_l, <- Sum_scal; f_equal.
      apply Sum_ext; intros i; ring.
Qed.

(** A positive multiple of the objective has the same KKT points. *)
Lemma KKT_multiple (f : vec J -> R) (gs : D -> vec J -> R) c v :
  0 < c -> KKT f gs v -> KKT (fun z => c * f z) gs v.
Proof.
  intros C (lam & Lam & Fe & (p & q & P & Q & Eq) & Sl).
  exists (fun i => c * lam i); repeat split; auto.
  - intros i; specialize (Lam i); nra.
  - exists (mul (fun _ => c) p), q; repeat split; auto.
    + now apply clarke_multiple.
    + intros j; transitivity (c * (p j + Sum (fun i => lam i * q i j)));
        [| rewrite Eq; ring].
      rewrite Rmult_plus_distr_l, <- Sum_scal; f_equal.
      apply Sum_ext; intros i; ring.
  - intros i; rewrite Rmult_assoc, Sl; ring.
Qed.

Context {X : Type} `{!Dataset D X}.

(* statement: equivalence *)
(** The KKT points of Theorem 4's problem, in v, are those of Theorem 2's, in w. *)
Theorem KKT_equivalent (Phi : vec J -> X -> R) (chi : vec J) (w : vec J) :
  (forall j, chi j <> 0) ->
  max_margin_KKT Phi (fun j => / chi j) w <->
  max_margin_KKT (fun v => Phi (mul chi v)) (fun _ => 1) (fun j => w j / chi j).
(* end statement *)
Proof.
  intros C; set (v j := w j / chi j).
  assert (E : w = mul chi v).
  { apply functional_extensionality; intros j; unfold v, mul; field; auto. }
  replace (max_margin_KKT Phi (fun j => / chi j) w) with
    (max_margin_KKT Phi (fun j => / chi j) (mul chi v)) by now rewrite <- E.
  unfold max_margin_KKT; rewrite (KKT_scaled _ _ chi v C).
  assert (O : (fun z => / 2 * norm (mul (fun j => / chi j) (mul chi z)) ^ 2) =
              (fun z : vec J => / 2 * norm (mul (fun _ => 1) z) ^ 2)).
  { apply functional_extensionality; intros z; do 3 f_equal.
    apply functional_extensionality; intros j; unfold mul; field; auto. }
  rewrite O; reflexivity.
Qed.

(* statement: isotropic *)
(** With an isotropic skew the KKT points are those of the plain problem (4). *)
Theorem KKT_isotropic (Phi : vec J -> X -> R) (s : R) (w : vec J) :
  0 < s ->
  max_margin_KKT Phi (fun _ => s) w <-> max_margin_KKT Phi (fun _ => 1) w.
(* end statement *)
Proof.
  intros S.
  assert (O : forall a b : R, 0 < b ->
    (fun z : vec J => / 2 * norm (mul (fun _ => a) z) ^ 2) =
    (fun z => (a / b) ^ 2 * (/ 2 * norm (mul (fun _ => b) z) ^ 2))).
  { intros a b B; apply functional_extensionality; intros z; rewrite !norm_sqr.
    transitivity (/ 2 * (a / b) ^ 2 * Sum (fun j => mul (fun _ => b) z j ^ 2));
      [| ring].
    rewrite Rmult_assoc; f_equal; rewrite <- Sum_scal; apply Sum_ext; intros j.
    unfold mul; field; lra. }
  unfold max_margin_KKT; split; intros K.
  - rewrite (O 1 s S); apply KKT_multiple; auto; apply pow_lt.
    apply Rdiv_lt_0_compat; lra.
  - rewrite (O s 1 Rlt_0_1); apply KKT_multiple; auto; apply pow_lt.
    apply Rdiv_lt_0_compat; lra.
Qed.

End ChangeOfVariables.
