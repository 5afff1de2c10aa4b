(** * The losses of linear predictors have the seven facts

    The exponential and the logistic loss for two classes, and cross-entropy for many.
    *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Sanity Linear MarginLoss.
Import ListNotations.
Open Scope R_scope.

(** ** ln (1 + s), where s sums exp (- margin) over the margins of one data point *)

Lemma log_above_fraction s : 0 <= s -> s / (1 + s) <= ln (1 + s).
Proof.
  intros S; assert (E := exp_ineq1_le (- ln (1 + s))).
  rewrite exp_Ropp, exp_ln in E by lra.
  replace (s / (1 + s)) with (1 - / (1 + s)) by (field; lra); lra.
Qed.

Lemma log_below s : 0 <= s -> ln (1 + s) <= s.
Proof.
  intros S; rewrite <- (ln_exp s) at 2; apply ln_le; [lra | apply exp_ineq1_le].
Qed.

Lemma log_below_fraction s : 0 <= s -> ln (1 + s) <= (1 + ln (1 + s)) * (s / (1 + s)).
Proof.
  intros S; assert (L := log_below s S); set (l := ln (1 + s)) in *.
  apply Rmult_le_reg_r with (1 + s); [lra |].
  replace ((1 + l) * (s / (1 + s)) * (1 + s)) with ((1 + l) * s) by (field; lra); lra.
Qed.

Lemma log_majorant s t : 0 <= s -> 0 <= t ->
  ln (1 + t) <= ln (1 + s) + (t - s) / (1 + s).
Proof.
  intros S T; set (r := (t - s) / (1 + s)).
  assert (E : 1 + t = (1 + s) * (1 + r)) by (unfold r; field; lra).
  assert (P : 0 < 1 + r).
  { apply Rmult_lt_reg_l with (1 + s); [lra |]; rewrite <- E; lra. }
  rewrite E, ln_mult by lra; apply Rplus_le_compat_l.
  rewrite <- (ln_exp r) at 2; apply ln_le; [exact P | apply exp_ineq1_le].
Qed.

Lemma log_margin s z : 0 < s -> exp (- z) <= s -> - ln (ln (1 + s)) - ln (1 + s) <= z.
Proof.
  intros S Z; assert (L := log_above_fraction s (Rlt_le _ _ S)).
  set (l := ln (1 + s)) in *.
  assert (l0 : 0 < l).
  { apply Rlt_le_trans with (2 := L), Rdiv_lt_0_compat; lra. }
  assert (El : exp l = 1 + s) by (apply exp_ln; lra).
  assert (Sl : s <= l * exp l).
  { rewrite El; apply Rmult_le_compat_r with (r := 1 + s) in L; [| lra].
    replace (s / (1 + s) * (1 + s)) with s in L by (field; lra); exact L. }
  assert (Ls : ln s <= ln l + l).
  { rewrite <- (ln_exp l) at 2; rewrite <- ln_mult by (auto using exp_pos).
    now apply ln_le. }
  assert (- z <= ln s); [| lra].
  rewrite <- (ln_exp (- z)); apply ln_le; [apply exp_pos | exact Z].
Qed.

(** Jensen's inequality for exp, with the weights of cross-entropy. *)
Lemma log_tangent {K} `{FiniteType K} (e h : K -> R) : (forall k, 0 <= e k) ->
  ln (1 + Sum e) - Sum (fun k => e k / (1 + Sum e) * h k) <=
    ln (1 + Sum (fun k => e k * exp (- h k))).
Proof.
  intros E0; set (s := Sum e); assert (S0 : 0 <= s) by (now apply Sum_nonneg).
  set (m := Sum (fun k => e k / (1 + s) * h k)).
  assert (Em := exp_pos (- m)).
  assert (Each : forall h, exp (- m) * (1 - h + m) <= exp (- h)).
  { intros z; replace (- z) with (- m + (m - z)) by ring; rewrite exp_plus.
    apply Rmult_le_compat_l; [lra |]; generalize (exp_ineq1_le (m - z)); lra. }
  assert (Mean : Sum (fun k => e k * h k) = (1 + s) * m).
  { unfold m; rewrite <- Sum_scal; apply Sum_ext; intros k; field; lra. }
  assert (All : exp (- m) * ((1 + m) * s - Sum (fun k => e k * h k)) <=
    Sum (fun k => e k * exp (- h k))).
  { replace ((1 + m) * s - Sum (fun k => e k * h k)) with
      (Sum (fun k => e k * (1 - h k + m))).
    - rewrite <- Sum_scal; apply Sum_le; intros k; specialize (Each (h k)).
      apply Rmult_le_compat_l with (r := e k) in Each; auto; lra.
    - unfold s; rewrite <- Sum_scal.
      transitivity (Sum (fun k => (1 + m) * e k) + -1 * Sum (fun k => e k * h k));
        [| ring].
      rewrite <- Sum_scal, <- Sum_plus; apply Sum_ext; intros; ring. }
  rewrite Mean in All; assert (One := Each 0); rewrite Ropp_0, exp_0 in One.
  assert (Low : exp (- m) * (1 + s) <= 1 + Sum (fun k => e k * exp (- h k))) by lra.
  apply Rle_trans with (ln (exp (- m) * (1 + s))).
  - rewrite ln_mult, ln_exp by lra; lra.
  - apply ln_le; [| exact Low]; apply Rmult_lt_0_compat; lra.
Qed.

(** ** Two classes *)

(* statement: pull *)
(** The pull of a data point is - ell' at its margin. *)
Definition binary_pull {J D X} `{FiniteType J} `{Dataset D X}
    (k : loss) (feat : X -> vec J) (v : vec J) (i : D) : R :=
  - ell' k (inner v (signed feat i)).
(* end statement *)

Lemma ell_facts k z :
  0 < - ell' k z /\ - ell' k z <= ell k z /\ ell k z <= (1 + ell k z) * - ell' k z /\
  - ln (ell k z) - ell k z <= z.
Proof.
  assert (E := exp_pos (- z)); assert (P := ell_pos k z);
    destruct k; unfold ell, ell' in *.
  - rewrite Ropp_involutive, ln_exp; repeat split; nra.
  - replace (- (- exp (- z) / (1 + exp (- z)))) with (exp (- z) / (1 + exp (- z)))
      by (field; lra).
    repeat split.
    + apply Rdiv_lt_0_compat; lra.
    + apply log_above_fraction; lra.
    + apply log_below_fraction; lra.
    + apply log_margin; lra.
Qed.

Lemma ell_above_tangent k z h : ell k z - - ell' k z * h <= ell k (z + h).
Proof.
  assert (E := exp_pos (- z)); unfold ell, ell'.
  replace (- (z + h)) with (- z + - h) by ring; rewrite exp_plus.
  destruct k.
  - generalize (exp_ineq1_le (- h)); nra.
  - assert (T := log_tangent (K := unit) (fun _ => exp (- z)) (fun _ => h)
      (fun _ => Rlt_le _ _ E)).
    unfold Sum in T; simpl in T; rewrite !Rplus_0_r in T.
    replace (- (- exp (- z) / (1 + exp (- z)))) with (exp (- z) / (1 + exp (- z)))
      by (field; lra); lra.
Qed.

Lemma ell_below_exponential k z h :
  ell k (z + h) <= ell k z + - ell' k z * (exp (- h) - 1).
Proof.
  assert (E := exp_pos (- z)); assert (F := exp_pos (- h)); unfold ell, ell'.
  replace (- (z + h)) with (- z + - h) by ring; rewrite exp_plus.
  destruct k; [lra |].
  assert (M := log_majorant (exp (- z)) (exp (- z) * exp (- h))
    ltac:(lra) ltac:(apply Rmult_le_pos; lra)).
  replace (- (- exp (- z) / (1 + exp (- z))) * (exp (- h) - 1)) with
    ((exp (- z) * exp (- h) - exp (- z)) / (1 + exp (- z))) by (field; lra); lra.
Qed.

(** Margins as inner products. *)
Lemma inner_step {J} `{FiniteType J} (v dv a : vec J) :
  inner (fun j => v j + dv j) a = inner v a + inner dv a.
Proof. unfold inner; rewrite <- Sum_plus; apply Sum_ext; intros; ring. Qed.

Section Binary.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (k : loss) (feat : X -> vec J).
Notation a := (signed feat).

Lemma total_loss_margins v :
  total_loss k (linear_predictor feat) v = Sum (fun i => ell k (inner v (a i))).
Proof.
  apply Sum_ext; intros i; unfold signed, linear_predictor.
  now rewrite (inner_scal (y i) v (feat (x i))).
Qed.

(* statement: binary *)
Theorem total_loss_is_margin_loss :
  margin_loss a (total_loss k (linear_predictor feat)) (binary_pull k feat).
(* end statement *)
Proof.
  split; unfold binary_pull.
  - apply total_loss_pos.
  - intros v i; left; apply (ell_facts k).
  - intros v; rewrite total_loss_margins; apply Sum_le; intros i; apply (ell_facts k).
  - intros v; rewrite <- Sum_scal; rewrite total_loss_margins at 1.
    apply Sum_le; intros i; destruct (ell_facts k (inner v (a i))) as (P & _ & G & _).
    apply Rle_trans with (1 := G), Rmult_le_compat_r; [lra |].
    apply Rplus_le_compat_l; rewrite total_loss_margins.
    apply (Sum_ge_term (fun i => ell k (inner v (a i)))); intros; left; apply ell_pos.
  - intros v dv; rewrite !total_loss_margins.
    replace (_ - _) with (Sum (fun i => ell k (inner v (a i))) +
      -1 * Sum (fun i => - ell' k (inner v (a i)) * inner dv (a i))) by ring.
    rewrite <- Sum_scal, <- Sum_plus; apply Sum_le; intros i; rewrite inner_step.
    generalize (ell_above_tangent k (inner v (a i)) (inner dv (a i))); lra.
  - intros v dv; rewrite !total_loss_margins, <- Sum_plus; apply Sum_le; intros i.
    rewrite inner_step; apply ell_below_exponential.
  - intros v i; destruct (ell_facts k (inner v (a i))) as (_ & _ & _ & M).
    apply Rle_trans with (2 := M).
    assert (L : ell k (inner v (a i)) <= total_loss k (linear_predictor feat) v).
    { rewrite total_loss_margins.
      apply (Sum_ge_term (fun i => ell k (inner v (a i)))); intros; left; apply ell_pos.
      }
    assert (P := ell_pos k (inner v (a i))); assert (Ll := ln_le _ _ P L); lra.
Qed.

End Binary.

(** ** Many classes *)

Lemma NoDup_list_prod {A B} (l : list A) (l' : list B) :
  NoDup l -> NoDup l' -> NoDup (list_prod l l').
Proof.
  intros U U'; induction U as [| i l N U IH]; simpl; [constructor |].
  assert (M : forall m, (forall c, In c m -> ~ In (i, c) (list_prod l l')) ->
    NoDup m -> NoDup (map (fun c => (i, c)) m ++ list_prod l l')).
  { intros m Out Um; induction Um as [| c m Nc Um IHm]; simpl; auto.
    constructor; [| apply IHm; intros; apply Out; now right].
    intros I; apply in_app_or in I; destruct I as [I | I].
    - apply in_map_iff in I; destruct I as (c' & E & I); inversion E; subst; auto.
    - now apply (Out c (or_introl eq_refl)). }
  apply M; auto; intros c _ I; apply in_prod_iff in I; now apply N.
Qed.

#[export] Instance pairs (D K : Type) `{FiniteType D} `{FiniteType K} :
  FiniteType (D * K).
Proof.
  refine {| enum := list_prod enum enum |}.
  - apply NoDup_list_prod; apply enum_once.
  - intros [i c]; apply in_prod_iff; split; apply enum_all.
Defined.

Lemma Sum_pairs {D K} `{FiniteType D} `{FiniteType K} (f : D * K -> R) :
  Sum f = Sum (fun i => Sum (fun c => f (i, c))).
Proof.
  unfold Sum at 1 2; unfold enum at 1; simpl.
  generalize (enum (J := D)); intros l; induction l as [| i l IH]; simpl; auto.
  rewrite <- IH; unfold Sum; generalize (enum (J := K)) at 1 3; intros m.
  induction m as [| c m IHm]; simpl; [ring |]; rewrite IHm; ring.
Qed.

(* statement: cross-entropy *)
(** Cross-entropy: K indexes the rivals of a data point's label, the other classes, and
    < v, b i c > is the logit of the label minus that of the rival c. *)
Definition cross_entropy {J D K} `{FiniteType J} `{FiniteType D} `{FiniteType K}
    (b : D -> K -> vec J) (v : vec J) : R :=
  Sum (fun i => ln (1 + Sum (fun c => exp (- inner v (b i c))))).

(** The softmax probability of a rival. *)
Definition rival_pull {J D K} `{FiniteType J} `{FiniteType D} `{FiniteType K}
    (b : D -> K -> vec J) (v : vec J) (pair : D * K) : R :=
  exp (- inner v (b (fst pair) (snd pair))) /
    (1 + Sum (fun c => exp (- inner v (b (fst pair) c)))).
(* end statement *)

Section ManyClasses.
Context {J D K : Type} `{FiniteType J} `{FiniteType D} `{FiniteType K}.
Variable b : D -> K -> vec J.
Hypothesis some_data : inhabited D.
Hypothesis some_rival : inhabited K.
Notation odds v i := (Sum (fun c => exp (- inner v (b i c)))).

Lemma odds_pos v i : 0 < odds v i.
Proof.
  destruct some_rival as [c]; apply Rlt_le_trans
    with (1 := exp_pos (- inner v (b i c))).
  apply (Sum_ge_term (fun c => exp (- inner v (b i c)))); intros; left; apply exp_pos.
Qed.

Lemma point_loss_pos v i : 0 < ln (1 + odds v i).
Proof. rewrite <- ln_1; apply ln_increasing; generalize (odds_pos v i); lra. Qed.

Lemma point_loss_le v i : ln (1 + odds v i) <= cross_entropy b v.
Proof.
  apply (Sum_ge_term (fun i => ln (1 + odds v i))); intros; left; apply point_loss_pos.
Qed.

(** The pulls of one point's rivals, against something. *)
Lemma point_pulls (g : D -> K -> R) v i :
  Sum (fun c => rival_pull b v (i, c) * g i c) =
    / (1 + odds v i) * Sum (fun c => exp (- inner v (b i c)) * g i c).
Proof.
  rewrite <- Sum_scal; apply Sum_ext; intros c; unfold rival_pull, Rdiv; simpl; ring.
Qed.

Lemma point_pull_total v i :
  Sum (fun c => rival_pull b v (i, c)) = odds v i / (1 + odds v i).
Proof.
  transitivity (Sum (fun c => rival_pull b v (i, c) * 1));
    [apply Sum_ext; intros; ring |].
  rewrite (point_pulls (fun _ _ => 1)); unfold Rdiv; rewrite Rmult_comm; f_equal.
  apply Sum_ext; intros; ring.
Qed.

(* statement: many classes *)
Theorem cross_entropy_is_margin_loss :
  margin_loss (fun pair => b (fst pair) (snd pair)) (cross_entropy b) (rival_pull b).
(* end statement *)
Proof.
  assert (Odds : forall v i, 0 <= odds v i) by (intros; left; apply odds_pos).
  split.
  - intros v; destruct some_data as [i]; apply Rlt_le_trans
      with (1 := point_loss_pos v i).
    apply point_loss_le.
  - intros v [i c]; unfold rival_pull; simpl; left; apply Rdiv_lt_0_compat;
      [apply exp_pos | generalize (Odds v i); lra].
  - intros v; rewrite Sum_pairs; apply Sum_le; intros i; rewrite point_pull_total.
    apply log_above_fraction, Odds.
  - intros v; rewrite Sum_pairs, <- Sum_scal; unfold cross_entropy at 1.
    apply Sum_le; intros i; rewrite point_pull_total.
    apply Rle_trans with (1 := log_below_fraction _ (Odds v i)).
    apply Rmult_le_compat_r; [| apply Rplus_le_compat_l, point_loss_le].
    apply Rdiv_le_0_compat; generalize (Odds v i); lra.
  - intros v dv; rewrite Sum_pairs; unfold cross_entropy.
    match goal with |- ?p - ?q <= _ => replace (p - q) with (p + -1 * q) by ring end.
    rewrite <- Sum_scal, <- Sum_plus; apply Sum_le; intros i.
    assert (T := log_tangent (fun c => exp (- inner v (b i c)))
      (fun c => inner dv (b i c)) (fun c => Rlt_le _ _ (exp_pos _))).
    replace (Sum (fun c => exp (- inner (fun j => v j + dv j) (b i c)))) with
      (Sum (fun c => exp (- inner v (b i c)) * exp (- inner dv (b i c)))).
    + unfold rival_pull; simpl; lra.
    + apply Sum_ext; intros c; rewrite inner_step, <- exp_plus; f_equal; ring.
  - intros v dv; rewrite Sum_pairs; unfold cross_entropy; rewrite <- Sum_plus.
    apply Sum_le; intros i.
    apply Rle_trans with (1 := log_majorant (odds v i) _ (Odds v i) (Odds _ i)).
    apply Rplus_le_compat_l; right; unfold Rdiv; rewrite Rmult_comm; simpl.
    rewrite (point_pulls (fun i c => exp (- inner dv (b i c)) - 1)); f_equal.
    transitivity (odds (fun j => v j + dv j) i + -1 * odds v i); [ring |].
    rewrite <- Sum_scal, <- Sum_plus; apply Sum_ext; intros c.
    rewrite inner_step, Ropp_plus_distr, exp_plus; ring.
  - intros v [i c]; simpl.
    apply Rle_trans with (- ln (ln (1 + odds v i)) - ln (1 + odds v i)).
    + assert (L := point_loss_le v i); assert (P := point_loss_pos v i).
      assert (Ll := ln_le _ _ P L); lra.
    + apply log_margin; [apply odds_pos |].
      apply (Sum_ge_term (fun c => exp (- inner v (b i c)))); intros; left;
        apply exp_pos.
Qed.

End ManyClasses.

(** ** Cross-entropy is minus the logarithm of softmax *)

(* statement: softmax *)
(** A linear model with a row of weights for each class c, its logits, and its loss. *)
Definition logit {C I} `{FiniteType I} (W : vec (C * I)) (z : vec I) (c : C) : R :=
  Sum (fun j => W (c, j) * z j).

Definition softmax_loss {D C I} `{FiniteType D} `{FiniteType C} `{FiniteType I}
    (data : D -> vec I) (label : D -> C) (W : vec (C * I)) : R :=
  Sum (fun i => - ln (exp (logit W (data i) (label i)) /
                      Sum (fun c => exp (logit W (data i) c)))).

(** rival i lists the classes other than label i, each once. *)
Definition lists_rivals {D C K} `{FiniteType C} `{FiniteType K}
    (label : D -> C) (rival : D -> K -> C) : Prop :=
  forall i (F : C -> R), Sum F = F (label i) + Sum (fun k => F (rival i k)).

(** x(i) in the row of the label, minus x(i) in the row of the rival. *)
Definition pair_vector {D C I K} (data : D -> vec I) (label : D -> C)
    (rival : D -> K -> C) (i : D) (k : K) : vec (C * I) := fun cj =>
  (mass (label i) (fst cj) - mass (rival i k) (fst cj)) * data i (snd cj).
(* end statement *)

Section Softmax.
Context {D C I K : Type}.
Context `{FiniteType D} `{FiniteType C} `{FiniteType I} `{FiniteType K}.
Variables (data : D -> vec I) (label : D -> C) (rival : D -> K -> C).
Hypothesis rivals : lists_rivals label rival.

(* statement: pair margin *)
(** The margin of a pair is the difference of two logits. *)
Lemma pair_margin (W : vec (C * I)) i k :
  inner W (pair_vector data label rival i k) =
    logit W (data i) (label i) - logit W (data i) (rival i k).
(* end statement *)
Proof.
  unfold inner; rewrite Sum_pairs; unfold pair_vector; simpl.
  transitivity (Sum (fun c => mass (label i) c * logit W (data i) c) +
    -1 * Sum (fun c => mass (rival i k) c * logit W (data i) c)).
  - rewrite <- Sum_scal, <- Sum_plus; apply Sum_ext; intros c; unfold logit.
    transitivity ((mass (label i) c + -1 * mass (rival i k) c) *
      Sum (fun j => W (c, j) * data i j)); [| ring].
    rewrite <- Sum_scal; apply Sum_ext; intros; ring.
  - rewrite !Sum_mass; ring.
Qed.

(* statement: softmax is cross-entropy *)
Theorem softmax_is_cross_entropy :
  softmax_loss data label = cross_entropy (pair_vector data label rival).
(* end statement *)
Proof.
  apply functional_extensionality; intros W; apply Sum_ext; intros i.
  rewrite (rivals i (fun c => exp (logit W (data i) c))).
  set (z := logit W (data i) (label i)); assert (E := exp_pos z).
  set (T := Sum (fun k => exp (logit W (data i) (rival i k)))).
  assert (T0 : 0 <= T) by (apply Sum_nonneg; intros; left; apply exp_pos).
  rewrite <- ln_Rinv by (apply Rdiv_lt_0_compat; lra); f_equal.
  transitivity (1 + / exp z * T); [field; lra |].
  unfold T; rewrite <- Sum_scal; f_equal; apply Sum_ext; intros k.
  rewrite pair_margin, <- exp_Ropp, <- exp_plus; unfold z; f_equal; ring.
Qed.

End Softmax.
