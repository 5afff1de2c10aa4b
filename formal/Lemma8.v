(** * Lemma 8: the skewed adapter converges to 1

    The first lemma that looks at the loss.  Proposition 1 enters as the hypothesis
    [admits_chain_rule L]; besides, L is positive and locally Lipschitz (for the two
    losses of the paper both are proven in Loss.v). *)

From Coq Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Lemma7.
Open Scope R_scope.

Section Lemma8.
Context {J : Type} `{Process2 J}.

(* statement: constants *)
(** The paper's C_j, C_j with a dagger, and C_j with a double dagger. *)
Definition C (j : J) : R := sqrt (delta j / eps j) * L (w 0) / Rmin (beta 0 j) 1.
Definition C_dagger (j : J) : R := g 0 j + C j.
Definition C_ddagger (j : J) : R := / (1 + C_dagger j / delta j).
(* end statement *)

(* statement: lemma 8 hypotheses *)
Hypothesis positive_loss : forall v, 0 < L v.
Hypothesis lipschitz_loss : locally_lipschitz L.
Hypothesis proposition_1 : admits_chain_rule L.
Hypothesis initial : assumption_2_ii.
(* end statement *)

Lemma arc_loss : arc (fun t => L (w t)).
Proof. apply arc_lipschitz_comp; [exact lipschitz_loss | apply arc_w]. Qed.

(** dL(w)/dt = < G, w' > = - sum_j chi_j^2 beta_j G_j^2. *)
Lemma loss_along_derive :
  ae (fun t => is_derive (fun s => L (w s)) t
    (- Sum (fun j => chi j ^ 2 * beta t j * G t j ^ 2))).
Proof.
  assert (Dw : ae (fun t => forall j, ex_derive (fun s => w s j) t)).
  { generalize (eq_5 initial); apply ae_imp; intros t _ E j; eexists; apply E. }
  generalize (ae_and _ _ (ae_and _ _ (proposition_1 w arc_w Dw) gradient)
    (eq_5 initial)).
  apply ae_imp; intros t _ [[P Gr] E5]; specialize (P (G t) Gr).
  replace (- Sum (fun j => chi j ^ 2 * beta t j * G t j ^ 2)) with
    (inner (G t) (fun j => Derive (fun s => w s j) t)); auto.
  rewrite <- (Rmult_1_l (Sum _)), Ropp_mult_distr_l, <- Sum_scal.
  apply Sum_ext; intros j.
  replace (Derive (fun s => w s j) t) with (- chi j ^ 2 * beta t j * G t j)
    by (symmetry; apply is_derive_unique, E5).
  ring.
Qed.

Lemma C_spec j :
  sqrt (eps j / delta j) * Rmin (beta 0 j) 1 * C j = L (w 0).
Proof.
  assert (P := floor_pos j initial); assert (D := delta_pos j).
  assert (E := eps_pos j); unfold C.
  assert (S : sqrt (eps j / delta j) * sqrt (delta j / eps j) = 1).
  { rewrite <- sqrt_mult_alt by (left; now apply Rdiv_lt_0_compat).
    replace (eps j / delta j * (delta j / eps j)) with 1 by (field; lra).
    apply sqrt_1. }
  replace (sqrt (eps j / delta j) * Rmin (beta 0 j) 1 *
    (sqrt (delta j / eps j) * L (w 0) / Rmin (beta 0 j) 1)) with
    (sqrt (eps j / delta j) * sqrt (delta j / eps j) * L (w 0)) by (field; lra).
  rewrite S; ring.
Qed.

(** The chain of inequalities that bounds the integral of G_j^2 by C_j, for
    whatever grows no faster than that integral. *)
Lemma energy_bound (X : R -> R) j :
  arc X -> ae (fun t => exists x, is_derive X t x /\ x <= G t j ^ 2) ->
  forall t, 0 <= t -> X t - X 0 < C j.
Proof.
  intros AX DX t T; set (k := sqrt (eps j / delta j) * Rmin (beta 0 j) 1).
  assert (P := floor_pos j initial).
  assert (K : 0 < k).
  { apply Rmult_lt_0_compat; auto; apply sqrt_lt_R0, Rdiv_lt_0_compat.
    - apply eps_pos.
    - apply delta_pos. }
  assert (M : L (w t) + k * X t <= L (w 0) + k * X 0).
  { apply (arc_antitone (fun t => L (w t) + k * X t)); [| | lra].
    - apply arc_plus; [apply arc_loss | now apply arc_scal].
    - generalize (ae_and _ _ DX loss_along_derive); apply ae_imp.
      intros s S [(x & Dx & Lx) DL]; eexists; split.
      + apply (is_derive_plus (V := R_NormedModule)); [apply DL |].
        apply (is_derive_scal X), Dx.
      + unfold plus; simpl.
        assert (B : chi j ^ 2 * beta s j * G s j ^ 2 <=
          Sum (fun i => chi i ^ 2 * beta s i * G s i ^ 2)).
        { apply (Sum_ge_term (fun i => chi i ^ 2 * beta s i * G s i ^ 2)).
          intros i; assert (Pb := beta_positive initial s (Rlt_le _ _ S) i).
          generalize (pow2_ge_0 (chi i)) (pow2_ge_0 (G s i)); intros.
          apply Rmult_le_pos; auto; apply Rmult_le_pos; lra. }
        assert (F : k <= chi j ^ 2 * beta s j).
        { rewrite chi_sqr; apply Rmult_le_compat_l; [apply sqrt_pos |].
          apply lemma_7_ii; [exact initial | lra]. }
        assert (Sq := pow2_ge_0 (G s j)).
        assert (k * x <= k * G s j ^ 2) by (apply Rmult_le_compat_l; lra).
        assert (k * G s j ^ 2 <= chi j ^ 2 * beta s j * G s j ^ 2)
          by (apply Rmult_le_compat_r; lra).
        simpl in *; lra. }
  assert (Pos := positive_loss (w t)); assert (E := C_spec j); fold k in E.
  apply Rmult_lt_reg_l with k; lra.
Qed.

(* statement: lemma 8 bounds *)
(** The integral of the squared gradients stays below C_j. *)
Theorem lemma_8_gradients j Q :
  integral (fun t => G t j ^ 2) Q -> forall t, 0 <= t -> Q t < C j.
(* end statement *)
Proof.
  intros (A & Q0 & D) t T; rewrite <- (Rminus_0_r (Q t)), <- Q0.
  apply energy_bound; auto; revert D; apply ae_imp; intros s _ D.
  eexists; split; [exact D | lra].
Qed.

(* statement: lemma 8 average *)
(** Equation (1) and Lemma 6: the average of squared gradients stays below C_j with
    a dagger. *)
Theorem lemma_8_average t j : 0 <= t -> g t j < C_dagger j.
(* end statement *)
Proof.
  intros T; assert (g t j - g 0 j < C j); [| unfold C_dagger; lra].
  apply (energy_bound (fun t => g t j)); [apply arc_g | | exact T].
  generalize eq_1; apply ae_imp; intros s S E.
  eexists; split; [apply E |].
  destruct (lemma_6 initial s (Rlt_le _ _ S) j) as [Pg _].
  assert (B := rho_range s j (Rlt_le _ _ S)).
  assert (Sq := pow2_ge_0 (G s j)); nra.
Qed.

Lemma C_ddagger_pos j : 0 < C_ddagger j.
Proof.
  assert (D := delta_pos j); assert (U := lemma_8_average 0 j (Rle_refl 0)).
  destruct (initial j) as [Pg _]; apply Rinv_0_lt_compat.
  generalize (one_plus_pos (C_dagger j) (delta j)); lra.
Qed.

Lemma rate_ge t j : 0 <= t -> C_ddagger j * (1 - rho t j) <= rate t j.
Proof.
  intros T; assert (D := delta_pos j); assert (U := lemma_8_average t j T).
  destruct (lemma_6 initial t T j) as [Pg _]; assert (B := rho_range t j T).
  assert (O := one_plus_pos _ _ Pg D).
  unfold rate, C_ddagger, Rdiv at 2; rewrite Rmult_comm.
  apply Rmult_le_compat_l; [lra |]; apply Rinv_le_contravar; [lra |].
  apply Rplus_le_compat_l, Rmult_le_compat_r; [| lra].
  left; now apply Rinv_0_lt_compat.
Qed.

(** As 1 - beta^2 keeps its sign, its absolute value is 1 or -1 times it. *)
Lemma defect_abs j : exists s, (s = 1 \/ s = -1) /\
  0 <= s * (1 - beta 0 j ^ 2) /\
  forall t, 0 <= t -> Rabs (1 - beta t j ^ 2) = s * (1 - beta t j ^ 2).
Proof.
  assert (S : exists s, (s = 1 \/ s = -1) /\ 0 <= s * (1 - beta 0 j ^ 2)).
  { destruct (Rle_lt_dec 0 (1 - beta 0 j ^ 2)); [exists 1 | exists (-1)]; lra. }
  destruct S as (s & S & I); exists s; repeat split; auto; intros t T.
  assert (K := defect_sign s j initial I t T); destruct S as [-> | ->];
    [rewrite Rabs_pos_eq | rewrite Rabs_left1]; lra.
Qed.

(* statement: lemma 8 log *)
Theorem lemma_8_log :
  ae (fun t => forall j, beta t j <> 1 -> exists l,
    is_derive (fun s => ln (Rabs (1 - beta s j ^ 2))) t l /\
    l <= - C_ddagger j * (1 - rho t j)).
(* end statement *)
Proof.
  generalize (lemma_5_rate initial); apply ae_imp; intros t T D j N.
  specialize (D j); assert (P := beta_positive initial t (Rlt_le _ _ T) j).
  destruct (defect_abs j) as (s & _ & _ & Ab).
  set (f s := 1 - beta s j ^ 2) in *.
  assert (F : 0 < s * f t).
  { change (0 < s * (1 - beta t j ^ 2)); rewrite <- Ab by lra; apply Rabs_pos_lt.
    intros Z; apply N; nra. }
  exists (- rate t j); split.
  - apply (is_derive_ext_loc (fun x => ln (s * f x))).
    { exists (mkposreal t T); intros x X; apply Rabs_lt_between in X; simpl in X.
      change (minus x t) with (x - t) in X; unfold f; rewrite Ab by lra.
      reflexivity. }
    auto_derive; [repeat split; [eexists; apply D | exact F] |].
    replace (Derive (fun x => f x) t) with (- (rate t j * f t))
      by (symmetry; now apply is_derive_unique).
    field; split; intros Z; rewrite Z in F; lra.
  - generalize (rate_ge t j (Rlt_le _ _ T)); lra.
Qed.

(* statement: lemma 8 gronwall *)
(** The Groenwall step, with R(t) the integral of 1 - rho(.)_j over [0, t]. *)
Theorem lemma_8_gronwall j R :
  integral (fun t => 1 - rho t j) R -> forall t, 0 <= t ->
  Rabs (1 - beta t j ^ 2) <= Rabs (1 - beta 0 j ^ 2) * exp (- C_ddagger j * R t).
(* end statement *)
Proof.
  intros (AR & R0 & DR) t T.
  destruct (defect_abs j) as (s & _ & I & Ab).
  assert (K := defect_sign s j initial I).
  rewrite (Ab t T); set (E t := s * (1 - beta t j ^ 2) * exp (C_ddagger j * R t)).
  assert (M : E t <= E 0).
  { apply arc_antitone; [| | lra].
    - apply (arc_mult (fun t => s * (1 - beta t j ^ 2))).
      + now apply arc_scal, arc_defect.
      + now apply arc_exp, arc_scal.
    - generalize (ae_and _ _ (lemma_5_rate initial) DR); apply ae_imp.
      intros x X [D5 Dx]; specialize (D5 j).
      exists (s * (1 - beta x j ^ 2) * exp (C_ddagger j * R x) *
        (C_ddagger j * (1 - rho x j) - rate x j)); split.
      + unfold E; set (f s := 1 - beta s j ^ 2) in *.
        change (is_derive (fun t => s * f t * exp (C_ddagger j * R t)) x
          (s * f x * exp (C_ddagger j * R x) *
           (C_ddagger j * (1 - rho x j) - rate x j))).
        auto_derive; [repeat split; eexists; [apply D5 | apply Dx] |].
        replace (Derive (fun t => f t) x) with (- (rate x j * f x))
          by (symmetry; now apply is_derive_unique).
        replace (Derive (fun t => R t) x) with (1 - rho x j)
          by (symmetry; now apply is_derive_unique).
        ring.
      + assert (Rg := rate_ge x j (Rlt_le _ _ X)).
        specialize (K x (Rlt_le _ _ X)); assert (Ex := exp_pos (C_ddagger j * R x)).
        assert (0 <= s * (1 - beta x j ^ 2) * exp (C_ddagger j * R x))
          by (apply Rmult_le_pos; lra).
        nra. }
  unfold E in M; rewrite R0, Rmult_0_r, exp_0, Rmult_1_r in M.
  apply Rmult_le_reg_r with (exp (C_ddagger j * R t)); [apply exp_pos |].
  rewrite (Rmult_assoc (Rabs _)), <- exp_plus.
  replace (- C_ddagger j * R t + C_ddagger j * R t) with 0 by ring.
  rewrite exp_0, Ab; lra.
Qed.

(** From below: the rate is at most 1 - rho. *)
Lemma defect_low s j R : arc R -> R 0 = 0 ->
  ae (fun t => is_derive R t (1 - rho t j)) ->
  0 <= s * (1 - beta 0 j ^ 2) -> forall t, 0 <= t ->
  s * (1 - beta 0 j ^ 2) <= s * (1 - beta t j ^ 2) * exp (R t).
Proof.
  intros AR R0 DR I t T; set (f t := s * (1 - beta t j ^ 2)).
  assert (M : f 0 * exp (R 0) <= f t * exp (R t));
    [| rewrite R0, exp_0, Rmult_1_r in M; exact M].
  apply (arc_monotone (fun t => f t * exp (R t))); [| | lra].
  - apply (arc_mult f); [now apply arc_scal, arc_defect | now apply arc_exp].
  - generalize (ae_and _ _ (lemma_5_rate initial) DR); apply ae_imp.
    intros x X [D5 Dx]; specialize (D5 j); assert (Xp := Rlt_le _ _ X).
    exists (s * (- (rate x j * (1 - beta x j ^ 2))) * exp (R x) +
      f x * ((1 - rho x j) * exp (R x))); split.
    + apply (is_derive_mult f (fun t => exp (R t))); [| | intros; apply Rmult_comm].
      * now apply (is_derive_scal (fun t => 1 - beta t j ^ 2)).
      * apply (is_derive_comp exp R); [apply is_derive_exp | exact Dx].
    + assert (K := defect_sign s j initial I x Xp); fold (f x) in K.
      assert (Ex := exp_pos (R x)); destruct (lemma_6 initial x Xp j) as [Pg _].
      assert (Le : rate x j <= 1 - rho x j).
      { assert (O := one_plus_pos _ _ Pg (delta_pos j)); assert (B := rho_range x j Xp).
        unfold rate; set (a := 1 + g x j / delta j) in *; set (r := 1 - rho x j).
        assert (r0 : 0 <= r) by (unfold r; lra).
        apply Rmult_le_reg_r with a; [lra |].
        replace (r / a * a) with r by (field; lra); nra. }
      replace (s * (- (rate x j * (1 - beta x j ^ 2))) * exp (R x)) with
        (- (f x * rate x j * exp (R x))) by (unfold f; ring).
      assert (f x * rate x j <= f x * (1 - rho x j)) by (apply Rmult_le_compat_l; auto).
      nra.
Qed.

(** The rate of Lemma 5 falls short of 1 - rho by what the average g accounts for. *)
Lemma rate_deficit t j : 0 <= t ->
  delta j * (1 - rho t j + - rate t j) <= (1 - rho t j) * g t j.
Proof.
  intros T; destruct (lemma_6 initial t T j) as [Pg _]; assert (Dj := delta_pos j).
  assert (Rg := rho_range t j T); assert (r0 : 0 <= 1 - rho t j) by lra.
  unfold rate; set (r := 1 - rho t j) in *; set (gt := g t j) in *.
  replace (delta j * (r + - (r / (1 + gt / delta j)))) with
    (r * gt * (delta j / (delta j + gt))) by (field; split; lra).
  rewrite <- (Rmult_1_r (r * gt)) at 2; apply Rmult_le_compat_l;
    [apply Rmult_le_pos; lra |].
  apply Rmult_le_reg_r with (delta j + gt); [lra |].
  unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra.
Qed.

(* statement: lemma 8 sharp *)
(** The companion's own: the defect is of the order of exp (- R) exactly. *)
Theorem lemma_8_sharp j R :
  integral (fun t => 1 - rho t j) R -> forall t, 0 <= t ->
  Rabs (1 - beta 0 j ^ 2) * exp (- R t) <= Rabs (1 - beta t j ^ 2) <=
  exp (C_dagger j / delta j) * Rabs (1 - beta 0 j ^ 2) * exp (- R t).
(* end statement *)
Proof.
  intros (AR & R0 & DR) t T; assert (D := delta_pos j).
  destruct (defect_abs j) as (s & _ & I & Ab); rewrite (Ab t T), (Ab 0 (Rle_refl 0)).
  assert (Low := defect_low s j R AR R0 DR I).
  assert (E := exp_pos (- R t)).
  assert (Ex : exp (R t) * exp (- R t) = 1)
    by (rewrite <- exp_plus, Rplus_opp_r; apply exp_0).
  set (f t := s * (1 - beta t j ^ 2)) in *.
  assert (Lo : f 0 * exp (- R t) <= f t).
  { apply Rle_trans with (f t * exp (R t) * exp (- R t)).
    - apply Rmult_le_compat_r; [lra | now apply Low].
    - rewrite Rmult_assoc, Ex; lra. }
  split; [exact Lo |].
  change (f t <= exp (C_dagger j / delta j) * f 0 * exp (- R t)).
  destruct I as [I | Z].
  - assert (Fp : forall x, 0 <= x -> 0 < f x).
    { intros x Hx; apply Rmult_lt_reg_r with (exp (R x)); [apply exp_pos |].
      rewrite Rmult_0_l; apply Rlt_le_trans with (1 := I), Low, Hx. }
    assert (B := energy_bound (fun t => delta j * (R t + ln (f t)) + g t j) j).
    assert (Up : delta j * (R t + ln (f t)) + g t j -
      (delta j * (R 0 + ln (f 0)) + g 0 j) < C j).
    { apply B; auto.
      - apply arc_plus; [| apply arc_g]; apply arc_scal, arc_plus; [exact AR |].
        apply arc_ln_pos; [now apply arc_scal, arc_defect | exact Fp].
      - generalize (ae_and _ _ (ae_and _ _ (lemma_5_rate initial) DR) eq_1);
          apply ae_imp.
        intros x X [[D5 Dx] E1]; specialize (D5 j); specialize (E1 j).
        assert (Xp := Rlt_le _ _ X); assert (F := Fp x Xp).
        exists (delta j * (1 - rho x j + - rate x j) + (1 - rho x j) * (G x j ^ 2 - g x
          j)).
        split.
        + apply (is_derive_plus (V := R_NormedModule)
            (fun t => delta j * (R t + ln (f t))) (fun t => g t j)); [| exact E1].
          apply (is_derive_scal (fun t => R t + ln (f t))).
          apply (is_derive_plus (V := R_NormedModule) R (fun t => ln (f t)));
            [exact Dx |].
          replace (- rate x j) with (s * (- (rate x j * (1 - beta x j ^ 2))) * / f x).
          2: { replace (s * (- (rate x j * (1 - beta x j ^ 2)))) with (- rate x j * f x)
                 by (unfold f; ring); field; lra. }
          apply (is_derive_comp ln f); [auto_derive; [exact F | field; lra] |].
          now apply (is_derive_scal (fun t => 1 - beta t j ^ 2)).
        + destruct (lemma_6 initial x Xp j) as [Pg _]; assert (Rg := rho_range x j Xp).
          assert (Sq := pow2_ge_0 (G x j)).
          assert (Share := rate_deficit x j Xp).
          nra. }
    destruct (lemma_6 initial t T j) as [Pg _]; rewrite R0 in Up.
    assert (Ln : ln (f t) <= C_dagger j / delta j + ln (f 0) + - R t).
    { apply Rmult_le_reg_l with (delta j); auto.
      replace (delta j * (C_dagger j / delta j + ln (f 0) + - R t)) with
        (C_dagger j + delta j * ln (f 0) - delta j * R t) by (field; lra).
      unfold C_dagger; lra. }
    rewrite <- (exp_ln (f t)), <- (exp_ln (f 0)) by auto; rewrite <- !exp_plus.
    destruct Ln as [Ln | ->]; [left; now apply exp_increasing | lra].
  - assert (One : beta 0 j = 1).
    { assert (P := beta_positive initial 0 (Rle_refl 0) j).
      assert (A0 := Ab 0 (Rle_refl 0)); unfold f in Z; rewrite <- Z in A0.
      apply Rabs_eq_0 in A0; nra. }
    destruct (lemma_7_cases initial j) as (_ & Eq & _); specialize (Eq One t T).
    unfold f; rewrite Eq, One; lra.
Qed.

(* statement: lemma 8 *)
Theorem lemma_8 :
  assumption_2_i -> forall j, is_lim (fun t => beta t j) p_infty 1.
(* end statement *)
Proof.
  intros Decay j; destruct (Decay j) as (R & IR & Inf).
  apply is_lim_spec; intros e; simpl.
  apply is_lim_spec in Inf; simpl in Inf.
  assert (Cp := C_ddagger_pos j); set (U := Rabs (1 - beta 0 j ^ 2)).
  destruct (Inf (U / (e * C_ddagger j))) as [M HM]; exists (Rmax M 0); intros t T.
  assert (Tm : M < t /\ 0 < t).
  { generalize (Rmax_l M 0) (Rmax_r M 0); lra. }
  specialize (HM t (proj1 Tm)).
  assert (B := lemma_8_gronwall j R IR t ltac:(lra)); fold U in B.
  assert (P := beta_positive initial t ltac:(lra) j).
  assert (e0 := cond_pos e); assert (U0 : 0 <= U) by apply Rabs_pos.
  assert (X := exp_ineq1_le (C_ddagger j * R t)).
  assert (Y : U < e * (C_ddagger j * R t)).
  { apply Rmult_lt_compat_l with (r := e * C_ddagger j) in HM; [| nra].
    replace (e * C_ddagger j * (U / (e * C_ddagger j))) with U in HM
      by (field; lra); lra. }
  assert (Z : U * exp (- C_ddagger j * R t) < e).
  { apply Rmult_lt_reg_r with (exp (C_ddagger j * R t)); [apply exp_pos |].
    rewrite Rmult_assoc, <- exp_plus.
    replace (- C_ddagger j * R t + C_ddagger j * R t) with 0 by ring.
    rewrite exp_0; nra. }
  replace (1 - beta t j ^ 2) with ((beta t j - 1) * - (1 + beta t j)) in B by ring.
  rewrite Rabs_mult, Rabs_Ropp, (Rabs_pos_eq (1 + beta t j)) in B by lra.
  assert (N := Rabs_pos (beta t j - 1)); nra.
Qed.

End Lemma8.
