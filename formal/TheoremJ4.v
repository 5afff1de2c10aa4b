(** * Theorem J4 for one unit: Theorem H2 for Procedure 1

    Leaky ReLU has a kink, but where all margins are positive the network with one unit
    is bilinear on the side that the labels tell.  A run of Procedure 1 on the bilinear
    margins, which J3 is about, never leaves that side; so it is the run of the network. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export TheoremH TheoremF TheoremJ3.
Open Scope R_scope.

(** ** Bilinear margins are smooth, of degree 2 *)

Section Bilinear.
Context {J D : Type} `{FiniteType J} `{FiniteType D}.

Lemma unit_gradient_norm (z : vec J) (w : vec (option J)) :
  norm (unit_gradient z w) <= norm z * norm w.
Proof.
  assert (E : norm (unit_gradient z w) ^ 2 =
    inner (incoming w) z ^ 2 + w None ^ 2 * norm z ^ 2).
  { rewrite norm_option; simpl (unit_gradient z w None); f_equal.
    rewrite !norm_sqr, <- Sum_scal; apply Sum_ext; intros j; unfold incoming; simpl; ring. }
  assert (C := inner_abs_le (incoming w) z).
  assert (C2 : inner (incoming w) z ^ 2 <= (norm (incoming w) * norm z) ^ 2).
  { rewrite <- (pow2_abs (inner (incoming w) z)); apply pow_incr; split;
      [apply Rabs_pos | exact C]. }
  assert (Le : norm (unit_gradient z w) ^ 2 <= (norm z * norm w) ^ 2)
    by (rewrite E, !Rpow_mult_distr, (norm_option w) in *; lra).
  assert (N := norm_nonneg (unit_gradient z w)).
  assert (0 <= norm z * norm w) by (apply Rmult_le_pos; apply norm_nonneg).
  apply Rnot_lt_le; intros Lt; nra.
Qed.

Lemma bilinear_smooth (z : D -> vec J) (Z : R) :
  inhabited D -> (forall i, norm (z i) <= Z) ->
  smooth_margins (fun i => unit_margin (z i)) (fun i => unit_gradient (z i)) 0 Z Z.
Proof.
  intros [i0] Zb.
  assert (Z0 : 0 <= Z) by (apply Rle_trans with (2 := Zb i0), norm_nonneg).
  assert (Gn : forall i w, norm (unit_gradient (z i) w) <= Z * norm w).
  { intros i w; apply Rle_trans with (1 := unit_gradient_norm (z i) w).
    apply Rmult_le_compat_r; [apply norm_nonneg | apply Zb]. }
  split.
  - intros i w; apply (unit_margin_gradient (z i)).
  - intros i w; simpl (INR 0); unfold inner at 1; rewrite Sum_option.
    unfold unit_margin; simpl (unit_gradient (z i) w None).
    transitivity (w None * inner (incoming w) (z i) + w None * inner (incoming w) (z i));
      [| ring].
    f_equal; unfold inner; rewrite <- Sum_scal; apply Sum_ext; intros j.
    unfold incoming; simpl; ring.
  - intros i s w [j |] s0; simpl; [ring |].
    transitivity (s * inner (incoming w) (z i)); [| ring].
    unfold inner; rewrite <- Sum_scal; apply Sum_ext; intros j; unfold incoming; ring.
  - intros i w; simpl (0 + 1)%nat; rewrite pow_1; apply Gn.
  - intros i R0 v w _ _; rewrite pow_O, Rmult_1_r.
    replace (norm (sub (unit_gradient (z i) v) (unit_gradient (z i) w))) with
      (norm (unit_gradient (z i) (sub v w))); [apply Gn |].
    apply norm_ext; intros [j |]; unfold sub at 2; simpl; [unfold sub; ring |].
    apply inner_incoming_sub.
  - lra.
Qed.

End Bilinear.

(** ** The run *)

Section Run.
Context {J D X : Type} `{FiniteType J} `{Dataset D X}.
Variables (alpha : R) (feat : X -> vec J) (s Z : R).
Variables (eta : R) (delta eps : vec (option J)) (rho w d g h : nat -> vec (option J)).
Variables (c : vec (option J)) (a A : R).
Notation Phi := (one_unit alpha feat).
Notation L := (total_loss (summed exponential) (one_unit alpha feat)).
Notation z := (oriented alpha feat s).
Notation zt := (fun i => unit_margin (z i)).
Notation dz := (fun i => unit_gradient (z i)).
(* statement: theorem H2 Procedure 1 hypotheses *)
Hypothesis alpha_pos : 0 < alpha.
Hypothesis sign : s = 1 \/ s = -1.
Hypothesis Z_bound : forall i, norm (oriented alpha feat s i) <= Z.
Hypothesis run : procedure_1 (total_loss (summed exponential) (one_unit alpha feat))
  eta delta eps rho w d g h.
Hypothesis start_sign : 0 < s * w 0%nat None.
Hypothesis weights_at_most : forall k j, 1 - rho k j <= c j.
Hypothesis A_pos : 0 < A.
Hypothesis A_bound : forall j, factor_bound eta (L (w 0%nat)) c delta eps (h 0%nat) j <= A.
Hypothesis a_pos : 0 < a.
Hypothesis a_floor : forall j, a <= factor_floor eta (L (w 0%nat)) c delta eps (g 0%nat) j.
Hypothesis start_margin : 4 / 3 * (A / a) <= - ln (L (w 0%nat)).
Hypothesis start_step :
  eta * A * L (w 0%nat) * (Z ^ 2 * norm (w 0%nat) ^ 2 + Z) <= / 2.
(* end statement *)

Lemma start_log_pos : 0 < - ln (L (w 0%nat)).
Proof.
  apply Rlt_le_trans with (2 := start_margin), Rmult_lt_0_compat; [lra |].
  now apply Rdiv_lt_0_compat.
Qed.

(** Where the bilinear margins are positive, and v has its sign, they are the margins. *)
Lemma bilinear_is_margin v : 0 < s * v None -> (forall i, 0 < zt i v) ->
  (forall i, y i * Phi v (x i) = zt i v) /\ L v = exp_loss zt v.
Proof.
  intros Sv M; assert (E : forall i, y i * Phi v (x i) = zt i v).
  { intros i; apply (margin_on_side alpha feat s alpha_pos sign).
    now apply (side_of_unit_margin alpha feat s alpha_pos sign). }
  split; auto; apply Sum_ext; intros i.
  change (exp (- (y i * Phi v (x i))) = exp (- zt i v)); now rewrite E.
Qed.

Lemma start_bilinear : L (w 0%nat) = exp_loss zt (w 0%nat).
Proof.
  apply bilinear_is_margin; [exact start_sign |]; intros i.
  assert (Up : forall i, 0 < y i * Phi (w 0%nat) (x i)).
  { intros l; apply Rlt_le_trans with (1 := start_log_pos).
    exact (margin_above_log (z := margin_at Phi) (w 0%nat) l). }
  rewrite <- (margin_smooth alpha feat s alpha_pos sign (w 0%nat) start_sign Up i); auto.
Qed.

(** The run on the bilinear margins, and that it is the run of the network. *)
Lemma same_run : exists d', procedure_1 (exp_loss zt) eta delta eps rho w d' g h /\
  forall k, L (w k) = exp_loss zt (w k).
Proof.
  assert (Sm := bilinear_smooth z Z nonempty Z_bound).
  destruct (procedure_runs (exp_loss zt)
    (fun v => (fun o => - exp_descent zt dz v o) : vec (option J))
    eta delta eps rho (w 0%nat) (g 0%nat) (h 0%nat)) as
    (w' & d' & g' & h' & W0 & G0 & H0' & Run'); try apply run.
  { intros v; exact (clarke_smooth _ _ v (exp_loss_gradient Sm nonempty)). }
  assert (Low : forall k, exp_loss zt (w' k) <= exp_loss zt (w 0%nat)).
  { assert (J3 := theorem_J3 Sm nonempty Run' c a A); rewrite W0, G0, H0' in J3.
    rewrite <- start_bilinear in *.
    destruct J3 as (_ & De & _); auto.
    - replace (8 / 3 * (1 - / (INR 0 + 2)) * (A / a)) with (4 / 3 * (A / a)); auto.
      simpl (INR 0); field; lra.
    - unfold curvature; simpl (2 * 0 + 2)%nat; rewrite pow_O, Rmult_1_r; exact start_step.
    - intros k; induction k as [| k IH]; [rewrite W0, start_bilinear; lra |].
      apply Rle_trans with (2 := IH), Rle_trans with (1 := De k).
      assert (0 <= eta / 2 *
        Sum (fun j => factors delta eps g' h' k j * d' k j ^ 2)); [| lra].
      apply Rmult_le_pos; [generalize (rate_positive run); lra |].
      apply Sum_nonneg; intros j; apply (gain_terms_nonneg Run'). }
  assert (Pos : forall k i, 0 < zt i (w' k)).
  { intros k i; apply Rlt_le_trans with (1 := start_log_pos).
    apply Rle_trans with (2 := margin_above_log (z := zt) (w' k) i).
    rewrite start_bilinear; apply Ropp_le_contravar, ln_le; auto.
    apply (exp_loss_pos (z := zt) nonempty). }
  assert (Grad : forall k, w k = w' k -> 0 < s * w k None -> d k = d' k).
  { intros k Ew Sv; apply functional_extensionality; intros o.
    rewrite (run_gradient Sm nonempty Run').
    assert (M : forall i, 0 < y i * Phi (w k) (x i)).
    { intros i; rewrite (proj1 (bilinear_is_margin (w k) Sv ltac:(rewrite Ew; auto))).
      rewrite Ew; auto. }
    rewrite (proj1 (unit_loss_clarke exponential alpha feat s alpha_pos sign (w k) Sv M
      (d k)) (gradients run k) o), Ew.
    transitivity (-1 * exp_descent zt dz (w' k) o); [| ring].
    unfold exp_descent, combination; rewrite <- Sum_scal; apply Sum_ext; intros i.
    unfold ell'; ring. }
  assert (Same : forall k, w k = w' k /\ g k = g' k /\ h k = h' k /\ 0 < s * w k None).
  { induction k as [| k (Ew & Eg & Eh & Sv)]; [auto |].
    assert (Ed := Grad k Ew Sv).
    assert (Eg' : g (S k) = g' (S k)).
    { apply functional_extensionality; intros j.
      now rewrite (next_g run k j), (next_g Run' k j), Eg, Ed. }
    assert (Ef : forall j, factors delta eps g h k j = factors delta eps g' h' k j).
    { intros j; unfold factors, factor; now rewrite Eh, Eg'. }
    split; [| split; [exact Eg' | split]].
    - apply functional_extensionality; intros j.
      now rewrite (run_w run k j), (run_w Run' k j), Ef, Ed, Ew.
    - apply functional_extensionality; intros j.
      now rewrite (run_h run j k), (run_h Run' j k), Ef, Ed, Eh.
    - apply (sign_step exponential alpha feat w d alpha_pos (gradients run)
        (factors delta eps g h) eta (rate_positive run)) with (n := k); auto.
      + intros n o; apply (run_w run).
      + apply (run_factor_pos run).
      + intros i; rewrite (proj1 (bilinear_is_margin (w k) Sv ltac:(rewrite Ew; auto))).
        rewrite Ew; auto. }
  exists d'; split.
  - replace w with w'; [replace g with g'; [replace h with h'; [exact Run' |] |] |];
      apply functional_extensionality; intros k; destruct (Same k) as (A1 & A2 & A3 & _);
      now symmetry.
  - intros k; destruct (Same k) as (Ew & _ & _ & Sv).
    apply bilinear_is_margin; auto; intros i; rewrite Ew; auto.
Qed.

(* statement: theorem H2 Procedure 1 *)
(** Theorem H2 for Procedure 1: from a condition on the start the two hypotheses of
    Theorem H1 follow, and with them the rest. *)
Theorem theorem_H2_procedure_1 :
  is_lim_seq (fun k => total_loss (summed exponential) (one_unit alpha feat) (w k)) 0 /\
  is_lim_seq (fun k => norm (w k) ^ 2 *
    total_loss (summed exponential) (one_unit alpha feat) (w k)) 0 /\
  (weights_diverge rho -> to_the_KKT_point_of_its_sign alpha feat
    (fun o => sqrt (sqrt (delta o / eps o))) w).
(* end statement *)
Proof.
  destruct same_run as (d' & Run' & Eq).
  assert (Sm := bilinear_smooth z Z nonempty Z_bound).
  assert (J3 := theorem_J3 Sm nonempty Run' c a A); rewrite <- start_bilinear in J3.
  destruct J3 as (_ & _ & _ & _ & Ll & Lf); auto.
  - replace (8 / 3 * (1 - / (INR 0 + 2)) * (A / a)) with (4 / 3 * (A / a)); auto.
    simpl (INR 0); field; lra.
  - unfold curvature; simpl (2 * 0 + 2)%nat; rewrite pow_O, Rmult_1_r; exact start_step.
  - assert (Ll' : is_lim_seq (fun k => L (w k)) 0)
      by (revert Ll; apply is_lim_seq_ext; intros k; now rewrite Eq).
    assert (Lf' : is_lim_seq (fun k => norm (w k) ^ 2 * L (w k)) 0)
      by (revert Lf; apply is_lim_seq_ext; intros k; now rewrite Eq).
    split; [exact Ll' |]; split; [exact Lf' |]; intros Inf.
    exact (theorem_H1 exponential alpha feat eta delta eps rho w d g h alpha_pos run Ll'
      Lf' Inf).
Qed.

End Run.
