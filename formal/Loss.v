(** * Losses: exponential, logistic, and losses of all margins together *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Gradients.
Import ListNotations.
Open Scope R_scope.

(* statement: loss *)
Inductive loss := exponential | logistic.

Definition ell (k : loss) (z : R) : R :=
  match k with exponential => exp (- z) | logistic => ln (1 + exp (- z)) end.

(** -ell' as a function of ell, and the inverse of ell. *)
Definition psi (k : loss) (s : R) : R :=
  match k with exponential => s | logistic => 1 - exp (- s) end.
Definition inverse_loss (k : loss) (s : R) : R :=
  match k with exponential => - ln s | logistic => - ln (exp s - 1) end.
(* end statement *)

(* statement: joint loss *)
(** A loss of the margins q of all data points together.  Its link is a loss of one
    margin, which it stands to as a sum of such losses does; k : joint_loss also stands
    for its link, so that [ell k] is that loss. *)
Record joint_loss (D : Type) `{FiniteType D} := {
  link :> loss;
  value : vec D -> R;
  slope : vec D -> vec D;
  (* the slopes are minus the partial derivatives, and continuous; *)
  value_gradient : forall q, is_gradient value q (fun i => - slope q i);
  slope_continuous : forall q i, continuous_at q (fun z => slope z i);
  (* each is positive and falls like an exponential; *)
  slope_pos : forall q i, 0 < slope q i;
  slope_le_exp : forall q i, slope q i <= exp (- q i);
  (* psi of the loss is of the order of the slopes; *)
  slope_le_psi : forall q i, slope q i <= psi link (value q);
  psi_le_slopes : forall q, psi link (value q) <= Sum (slope q);
  slopes_le_value : forall q, Sum (slope q) <= value q;
  (* no move of the margins by 1 multiplies the slopes by more than 3; *)
  slopes_local : forall q z, (forall i, Rabs (z i - q i) <= 1) ->
    Sum (slope z) <= 3 * Sum (slope q);
  (* and a small loss means large margins. *)
  margin_ge : forall q i, inverse_loss link (value q) <= q i
}.
(* end statement *)
Arguments link {D _}. Arguments value {D _}. Arguments slope {D _}.
Arguments value_gradient {D _}. Arguments slope_continuous {D _}.
Arguments slope_pos {D _}. Arguments slope_le_exp {D _}. Arguments slope_le_psi {D _}.
Arguments psi_le_slopes {D _}. Arguments slopes_le_value {D _}.
Arguments slopes_local {D _}. Arguments margin_ge {D _}.

(* statement: total loss *)
(** A binary classification data set, nonempty, with inputs of any type. *)
Class Dataset (D X : Type) `{FiniteType D} := {
  x : D -> X;
  y : D -> R;
  labels : forall i, y i = 1 \/ y i = -1;
  nonempty : inhabited D
}.

(** The margins of the data points, and their loss. *)
Definition margin_at {J D X} `{Dataset D X}
    (Phi : vec J -> X -> R) (i : D) (v : vec J) : R := y i * Phi v (x i).
Definition margins {J D X} `{Dataset D X}
    (Phi : vec J -> X -> R) (v : vec J) : vec D := fun i => margin_at Phi i v.
Definition total_loss {J D X} `{Dataset D X}
    (k : joint_loss D) (Phi : vec J -> X -> R) (v : vec J) : R :=
  value k (margins Phi v).
(* end statement *)

Definition ell' (k : loss) (z : R) : R :=
  match k with
  | exponential => - exp (- z)
  | logistic => - exp (- z) / (1 + exp (- z))
  end.

Lemma ell_pos k z : 0 < ell k z.
Proof.
  assert (E := exp_pos (- z)); destruct k; simpl; auto.
  rewrite <- ln_1; apply ln_increasing; lra.
Qed.

Lemma ell_derive k z : is_derive (ell k) z (ell' k z).
Proof.
  assert (E := exp_pos (- z)); destruct k; unfold ell, ell'.
  - auto_derive; auto; ring.
  - auto_derive; [lra | field; lra].
Qed.

Lemma ell'_continuous k z : continuous (ell' k) z.
Proof.
  assert (E := exp_pos (- z)); destruct k; unfold ell';
    apply (ex_derive_continuous (V := R_NormedModule)); auto_derive; lra.
Qed.

Section Loss.
Context {D : Type} `{FiniteType D}.
Variable k : joint_loss D.

Lemma value_pos q : inhabited D -> 0 < value k q.
Proof.
  intros [i]; apply Rlt_le_trans with (2 := slopes_le_value k q).
  apply Rlt_le_trans with (1 := slope_pos k q i), (Sum_ge_term (slope k q)).
  intros l; left; apply slope_pos.
Qed.

(** Along curves. *)
Lemma value_along (q : R -> vec D) t (dq : vec D) :
  (forall i, is_derive (fun s => q s i) t (dq i)) ->
  is_derive (fun s => value k (q s)) t (Sum (fun i => - slope k (q t) i * dq i)).
Proof. intros Dq; exact (smooth_along (value k) q t _ dq (value_gradient k _) Dq). Qed.

(** Where no margin moves by more than e <= 1 the loss changes by at most three times
    the slopes and e. *)
Lemma value_local q z e : e <= 1 -> (forall i, Rabs (z i - q i) <= e) ->
  Rabs (value k z - value k q) <= 3 * Sum (slope k q) * e.
Proof.
  intros e1 Q; set (c := fun s i => q i + s * (z i - q i)).
  set (dc := fun s => Sum (fun i => - slope k (c s) i * (z i - q i))).
  assert (Dc : forall s, is_derive (fun s => value k (c s)) s (dc s)).
  { intros s; apply value_along; intros i; unfold c; auto_derive; auto; ring. }
  destruct (MVT_gen (fun s => value k (c s)) 0 1 dc) as (s & S & E).
  { intros s _; apply Dc. }
  { intros s _; apply derivable_continuous_pt, ex_derive_Reals_0; eexists; apply Dc. }
  rewrite Rminus_0_r, Rmult_1_r in E.
  replace (c 1) with z in E
    by (apply functional_extensionality; intros i; unfold c; ring).
  replace (c 0) with q in E
    by (apply functional_extensionality; intros i; unfold c; ring).
  rewrite Rmin_left, Rmax_right in S by lra; rewrite E.
  assert (Local : Sum (slope k (c s)) <= 3 * Sum (slope k q)).
  { apply slopes_local; intros i; unfold c.
    replace (q i + s * (z i - q i) - q i) with (s * (z i - q i)) by ring.
    rewrite Rabs_mult, Rabs_pos_eq by lra; specialize (Q i).
    assert (P := Rabs_pos (z i - q i)); nra. }
  assert (Side : forall sg, sg = 1 \/ sg = -1 -> sg * dc s <= Sum (slope k (c s)) * e).
  { intros sg Sg; rewrite (Rmult_comm (Sum _)); unfold dc; rewrite <- !Sum_scal.
    apply Sum_le; intros i; assert (P := slope_pos k (c s) i); specialize (Q i).
    apply Rabs_le_between in Q; destruct Sg as [-> | ->]; nra. }
  assert (e0 : Sum (slope k (c s)) * e <= 3 * Sum (slope k q) * e \/ e < 0) by nra.
  assert (S1 := Side 1 ltac:(lra)); assert (S2 := Side (-1) ltac:(lra)).
  destruct e0 as [Le | Neg]; [apply Rabs_le; lra |].
  (* no margin can move by less than 0 *)
  apply Rabs_le; assert (None : forall f : vec D, Sum f = 0).
  { intros f; transitivity (Sum (fun _ : D => 0 * 0)); [| rewrite Sum_scal; ring].
    apply Sum_ext; intros i; specialize (Q i); generalize (Rabs_pos (z i - q i)); lra. }
  unfold dc; rewrite !None; lra.
Qed.

End Loss.

Section TotalLoss.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (k : joint_loss D) (Phi : vec J -> X -> R).

Lemma total_loss_pos v : 0 < total_loss k Phi v.
Proof. apply value_pos, nonempty. Qed.

Lemma q_lipschitz :
  (forall i, locally_lipschitz (fun v => Phi v (x i))) ->
  forall i, locally_lipschitz (margin_at Phi i).
Proof.
  intros Lip i z; destruct (Lip i z) as (r & K & r0 & HK).
  exists r, (Rabs (y i) * K); split; auto; intros a b A B; unfold margin_at.
  rewrite <- Rmult_minus_distr_l, Rabs_mult, Rmult_assoc.
  apply Rmult_le_compat_l; [apply Rabs_pos | now apply HK].
Qed.

Lemma total_loss_lipschitz :
  (forall i, locally_lipschitz (fun v => Phi v (x i))) ->
  locally_lipschitz (total_loss k Phi).
Proof.
  intros Lip v.
  (* one Lipschitz constant for all margins *)
  assert (A : exists r K, 0 < r /\ 0 < K /\ forall i, In i enum -> forall a b,
    norm (sub a v) < r -> norm (sub b v) < r ->
    Rabs (margin_at Phi i b - margin_at Phi i a) <= K * norm (sub b a)).
  { induction enum as [| i is (r & K & r0 & K0 & IH)].
    - exists 1, 1; repeat split; try lra; intros ? [].
    - destruct (q_lipschitz Lip i v) as (s & M & s0 & HM).
      exists (Rmin r s), (Rmax K M); split; [minmax; lra |]; split; [minmax; lra |].
      intros i' [<- | I] a b Ha Hb.
      + apply Rle_trans with (M * norm (sub b a)).
        * apply HM; [apply Rlt_le_trans with (1 := Ha), Rmin_r
                    | apply Rlt_le_trans with (1 := Hb), Rmin_r].
        * apply Rmult_le_compat_r; [apply norm_nonneg | apply Rmax_r].
      + apply Rle_trans with (K * norm (sub b a)).
        * apply IH; auto; [apply Rlt_le_trans with (1 := Ha), Rmin_l
                          | apply Rlt_le_trans with (1 := Hb), Rmin_l].
        * apply Rmult_le_compat_r; [apply norm_nonneg | apply Rmax_l]. }
  destruct A as (r & K & r0 & K0 & A).
  assert (B : forall i a b, norm (sub a v) < r -> norm (sub b v) < r ->
    Rabs (margins Phi b i - margins Phi a i) <= K * norm (sub b a))
    by (intros i; apply A, enum_all).
  assert (iK : 0 < / (2 * K)) by (apply Rinv_0_lt_compat; lra).
  set (S := Sum (slope k (margins Phi v))).
  exists (Rmin r (/ (2 * K))), (9 * S * K); split; [minmax; lra |]; intros a b Ha Hb.
  assert (Ha1 := Rlt_le_trans _ _ _ Ha (Rmin_l _ _)).
  assert (Ha2 := Rlt_le_trans _ _ _ Ha (Rmin_r _ _)).
  assert (Hb1 := Rlt_le_trans _ _ _ Hb (Rmin_l _ _)).
  assert (Hb2 := Rlt_le_trans _ _ _ Hb (Rmin_r _ _)).
  assert (KI : K * / (2 * K) = / 2) by (field; lra).
  assert (Vv : norm (sub v v) = 0) by (apply norm_0; intros j; unfold sub; ring).
  assert (Sa : Sum (slope k (margins Phi a)) <= 3 * S).
  { apply slopes_local; intros i; apply Rle_trans with (1 := B i v a ltac:(lra) Ha1).
    assert (K * norm (sub a v) <= K * / (2 * K)) by (apply Rmult_le_compat_l; lra).
    lra. }
  assert (Nab : norm (sub b a) <= 2 * / (2 * K)).
  { apply Rle_trans with (1 := dist_triangle b v a); rewrite (dist_sym v a); lra. }
  assert (n0 := norm_nonneg (sub b a)).
  apply Rle_trans with (3 * Sum (slope k (margins Phi a)) * (K * norm (sub b a))).
  - apply value_local; [| intros i; now apply B].
    apply Rle_trans with (K * (2 * / (2 * K))); [apply Rmult_le_compat_l |]; lra.
  - replace (9 * S * K * norm (sub b a)) with (3 * (3 * S) * (K * norm (sub b a)))
      by ring.
    apply Rmult_le_compat_r; [apply Rmult_le_pos |]; lra.
Qed.

End TotalLoss.
