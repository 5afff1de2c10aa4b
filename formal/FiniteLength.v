(** * Finite length from a desingularizing inequality

    A direction whose speed is paid for by potentials that fall converges.  Here is the
    bookkeeping: real functions of time only. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From MarginFlow Require Export Shift.
Open Scope R_scope.

(** An arc whose speed is at most the derivative of a bounded arc has a limit. *)
Lemma arc_limit (f H : R -> R) K :
  arc f -> arc H -> (forall t, 0 <= t -> H t <= K) ->
  ae (fun t => exists d d', is_derive f t d /\ is_derive H t d' /\ Rabs d <= d') ->
  exists z, is_lim f p_infty (Finite z).
Proof.
  intros Af AH Bd Sp.
  assert (Side : forall s, s = 0 \/ s = 1 \/ s = -1 ->
    forall t0 t, 0 <= t0 <= t -> H t0 + s * f t0 <= H t + s * f t).
  { intros s S; apply (arc_monotone (fun t => H t + s * f t)).
    { now apply arc_plus, arc_scal. }
    revert Sp; apply ae_imp; intros t _ (d & d' & D & D' & B); exists (d' + s * d).
    split.
    - apply (is_derive_plus (V := R_NormedModule) H (fun t => s * f t)); auto.
      now apply (is_derive_scal f).
    - assert (P := Rabs_pos d); apply Rabs_le_between in B.
      destruct S as [-> | [-> | ->]]; lra. }
  destruct (monotone_limit (fun t => H t + 0 * f t) K (Side 0 ltac:(lra))) as [z0 L0].
  { intros t T; specialize (Bd t T); lra. }
  destruct (monotone_limit (fun t => H t + 1 * f t) (2 * K + f 0 - H 0)
    (Side 1 ltac:(lra))) as [z1 L1].
  { intros t T; generalize (Side (-1) ltac:(lra) 0 t ltac:(lra)) (Bd t T); lra. }
  exists (z1 - z0).
  apply is_lim_ext with (fun t => (H t + 1 * f t) - (H t + 0 * f t)); [intros; ring |].
  now apply (is_lim_minus' (fun t => H t + 1 * f t) (fun t => H t + 0 * f t)).
Qed.

Lemma arc_sqrt_pos u : arc u -> (forall t, 0 <= t -> 0 < u t) ->
  arc (fun t => sqrt (u t)).
Proof.
  intros A P; apply (arc_comp_pos sqrt (fun z => / (2 * sqrt z))); auto.
  - intros z Z; assert (0 < sqrt z) by now apply sqrt_lt_R0.
    auto_derive; [lra | field; lra].
  - intros c M c0; exists (/ (2 * sqrt c)); intros z Z.
    assert (0 < sqrt c) by (apply sqrt_lt_R0; lra).
    assert (sqrt c <= sqrt z) by (apply sqrt_le_1_alt; lra).
    rewrite Rabs_pos_eq by (left; apply Rinv_0_lt_compat; lra).
    apply Rinv_le_contravar; lra.
Qed.

(** What the direction moves, m (2 x + A b), is paid for by three potentials: by b,
    which falls at the rate db, where x is of the order of b or f of the order of b^2
    (then also by sqrt f); by the desingularized f, of slope p, elsewhere. *)
Lemma motion_paid m x b f p A c K2 K3 K4 K5 db df :
  0 <= m -> 0 <= x -> 0 < b -> 0 < f -> 0 <= p ->
  0 <= A -> 0 < c -> 0 <= K2 -> 0 <= K4 -> 0 <= K5 ->
  m * b <= - K3 * db -> c * (m * x ^ 2) <= - df ->
  x <= K2 * b \/ f <= K4 * b ^ 2 \/ 1 <= K5 * (p * x) ->
  m * (2 * x + A * b) <= - ((A + 2 * K2 + 1) * K3) * db +
    (- (2 * sqrt K4 / c) * (df / (2 * sqrt f)) + - (2 * K5 / c) * (p * df)).
Proof.
  intros m0 x0 b0 f0 p0 A0 c0 K20 K40 K50 Pay Fall Cases.
  set (r := sqrt K4); assert (r0 : 0 <= r) by apply sqrt_pos.
  assert (rr : r * r = K4) by now apply sqrt_sqrt.
  set (s := sqrt f); assert (s0 : 0 < s) by now apply sqrt_lt_R0.
  assert (ss : s * s = f) by (apply sqrt_sqrt; lra).
  set (w := - df / c); assert (wc : - df = c * w) by (unfold w; field; lra).
  assert (mx : m * x ^ 2 <= w) by (rewrite wc in Fall; nra).
  assert (mx0 : 0 <= m * x ^ 2) by (apply Rmult_le_pos; [auto | apply pow2_ge_0]).
  set (i := / s); assert (i0 : 0 < i) by now apply Rinv_0_lt_compat.
  replace (- (2 * r / c) * (df / (2 * s))) with (r * (i * w))
    by (unfold w, i; field; lra).
  replace (- (2 * K5 / c) * (p * df)) with (2 * (K5 * p * w)) by (unfold w; field; lra).
  replace (- ((A + 2 * K2 + 1) * K3) * db) with ((A + 2 * K2 + 1) * (- K3 * db))
    by ring.
  assert (mb : 0 <= m * b) by (apply Rmult_le_pos; lra).
  assert (B1 : (A + 2 * K2 + 1) * (m * b) <= (A + 2 * K2 + 1) * (- K3 * db))
    by (apply Rmult_le_compat_l; lra).
  assert (w0 : 0 <= w) by lra.
  assert (B2 : 0 <= r * (i * w)) by (apply Rmult_le_pos; [| apply Rmult_le_pos]; lra).
  assert (Kp : 0 <= K5 * p) by now apply Rmult_le_pos.
  assert (B3 : 0 <= K5 * p * w) by now apply Rmult_le_pos.
  assert (K2m : 0 <= K2 * (m * b)) by now apply Rmult_le_pos.
  assert (Goal : 2 * (m * x) <= 2 * K2 * (m * b) + m * b + r * (i * w) +
    2 * (K5 * p * w)); [| lra].
  destruct Cases as [C | [C | C]].
  - assert (m * x <= m * (K2 * b)) by now apply Rmult_le_compat_l.
    lra.
  - assert (sb : s <= r * b).
    { apply Rnot_lt_le; intros N.
      assert (0 <= r * b) by (apply Rmult_le_pos; lra); nra. }
    assert (One : 1 <= r * b * i).
    { replace 1 with (s * i) by (unfold i; field; lra); apply Rmult_le_compat_r; lra. }
    assert (X1 : m * x ^ 2 <= b * (r * (i * w))).
    { apply Rle_trans with (r * b * i * (m * x ^ 2)); [nra |].
      replace (b * (r * (i * w))) with (r * b * i * w) by ring.
      apply Rmult_le_compat_l; lra. }
    assert (X2 : b * (2 * (m * x)) <= b * (m * b + r * (i * w))).
    { assert (0 <= m * (x - b) ^ 2) by (apply Rmult_le_pos; [auto | apply pow2_ge_0]).
      replace (b * (2 * (m * x))) with (m * b ^ 2 + m * x ^ 2 - m * (x - b) ^ 2)
        by ring.
      rewrite Rmult_plus_distr_l; replace (b * (m * b)) with (m * b ^ 2) by ring; lra. }
    apply Rmult_le_reg_l in X2; lra.
  - assert (X : m * x * 1 <= m * x * (K5 * (p * x)))
      by (apply Rmult_le_compat_l; [now apply Rmult_le_pos | exact C]).
    assert (Y : K5 * p * (m * x ^ 2) <= K5 * p * w)
      by (apply Rmult_le_compat_l; [now apply Rmult_le_pos | exact mx]).
    replace (m * x * (K5 * (p * x))) with (K5 * p * (m * x ^ 2)) in X by ring; lra.
Qed.

(* statement: finite length *)
(** z moves at most m (2 x + A b) per unit of time; b falls at least m / K3 times as
    fast as itself, F at least c m x^2, and Q falls P times as fast as F.  If at almost
    all times one of three things holds, z has a limit. *)
Definition paid_motion {J} (z : R -> J -> R) (m x b F Q P : R -> R)
    (A c K2 K3 K4 K5 : R) (t : R) : Prop :=
  0 <= m t /\ 0 <= x t /\ 0 <= P t /\
  (forall j, exists d, is_derive (fun s => z s j) t d /\
    Rabs d <= m t * (2 * x t + A * b t)) /\
  (exists d, is_derive b t d /\ m t * b t <= - K3 * d) /\
  (exists d, is_derive F t d /\ c * (m t * x t ^ 2) <= - d /\
    is_derive Q t (P t * d)) /\
  (x t <= K2 * b t \/ F t <= K4 * b t ^ 2 \/ 1 <= K5 * (P t * x t)).
(* end statement *)

Lemma finite_length {J} (z : R -> J -> R) (m x b F Q P : R -> R)
    (A c K2 K3 K4 K5 : R) :
  0 <= A -> 0 < c -> 0 <= K2 -> 0 <= K3 -> 0 <= K4 -> 0 <= K5 ->
  (forall j, arc (fun t => z t j)) -> arc b -> arc F -> arc Q ->
  (forall t, 0 <= t -> 0 < b t /\ 0 < F t /\ 0 <= Q t) ->
  ae (paid_motion z m x b F Q P A c K2 K3 K4 K5) ->
  exists theta : J -> R, forall j, is_lim (fun t => z t j) p_infty (theta j).
Proof.
  intros A0 c0 K20 K30 K40 K50 Az Ab AF AQ Pos Ae.
  exists (fun j => real (Lim (fun t => z t j) p_infty)); intros j.
  assert (L : exists y, is_lim (fun t => z t j) p_infty (Finite y)).
  2: { destruct L as [y L]; rewrite (is_lim_unique _ _ _ L); exact L. }
  set (hb := (A + 2 * K2 + 1) * K3); set (hF := 2 * sqrt K4 / c).
  set (hQ := 2 * K5 / c).
  assert (h0 : 0 <= hb /\ 0 <= hF /\ 0 <= hQ).
  { assert (S := sqrt_pos K4); repeat split.
    - apply Rmult_le_pos; lra.
    - apply Rdiv_le_0_compat; lra.
    - apply Rdiv_le_0_compat; lra. }
  set (H t := - hb * b t + (- hF * sqrt (F t) + - hQ * Q t)).
  apply (arc_limit (fun t => z t j) H 0); [apply Az | | |].
  - repeat apply arc_plus; apply arc_scal; auto.
    apply arc_sqrt_pos; auto; intros t T; now destruct (Pos t T) as (_ & P1 & _).
  - intros t T; destruct (Pos t T) as (P1 & P2 & P3); assert (S := sqrt_pos (F t)).
    assert (0 <= hb * b t) by (apply Rmult_le_pos; lra).
    assert (0 <= hF * sqrt (F t)) by (apply Rmult_le_pos; lra).
    assert (0 <= hQ * Q t) by (apply Rmult_le_pos; lra).
    unfold H; lra.
  - revert Ae; apply ae_imp.
    intros t T (m0 & x0 & p0 & Dz & (db & Db & Bb) & (df & Df & Bf & Dq) & Cases).
    destruct (Pos t (Rlt_le _ _ T)) as (P1 & P2 & _); destruct (Dz j) as (d & Dd & Bd).
    eexists d, _; split; [exact Dd |]; split.
    + apply (is_derive_plus (V := R_NormedModule) (fun t => - hb * b t)
        (fun t => - hF * sqrt (F t) + - hQ * Q t)).
      { apply (is_derive_scal b); exact Db. }
      apply (is_derive_plus (V := R_NormedModule) (fun t => - hF * sqrt (F t))
        (fun t => - hQ * Q t)).
      * apply (is_derive_scal (fun t => sqrt (F t))); apply is_derive_sqrt; eassumption.
      * apply (is_derive_scal Q); exact Dq.
    + apply Rle_trans with (1 := Bd).
      now apply (motion_paid (m t) (x t) (b t) (F t) (P t) A c K2 K3 K4 K5).
Qed.

(** The same from some time on. *)
Lemma finite_length_late {J} (z : R -> J -> R) (m x b F Q P : R -> R)
    (A c K2 K3 K4 K5 T : R) : 0 <= T ->
  0 <= A -> 0 < c -> 0 <= K2 -> 0 <= K3 -> 0 <= K4 -> 0 <= K5 ->
  (forall j, arc (fun t => z t j)) -> arc b -> arc F -> arc (fun s => Q (T + s)) ->
  (forall t, T <= t -> 0 < b t /\ 0 < F t /\ 0 <= Q t) ->
  ae (fun t => T <= t -> paid_motion z m x b F Q P A c K2 K3 K4 K5 t) ->
  exists theta : J -> R, forall j, is_lim (fun t => z t j) p_infty (theta j).
Proof.
  intros T0 A0 c0 K20 K30 K40 K50 Az Ab AF AQ Pos Ae.
  destruct (finite_length (fun s => z (T + s)) (fun s => m (T + s)) (fun s => x (T + s))
    (fun s => b (T + s)) (fun s => F (T + s)) (fun s => Q (T + s)) (fun s => P (T + s))
    A c K2 K3 K4 K5) as [theta Th]; auto.
  - intros j; now apply (arc_shift_time (fun t => z t j)).
  - now apply arc_shift_time.
  - now apply arc_shift_time.
  - intros t Ht; apply Pos; lra.
  - apply (ae_shift _ T T0) in Ae; revert Ae; apply ae_imp; intros s S Hyp.
    destruct (Hyp ltac:(lra)) as
      (m0 & x0 & p0 & Dz & (db & Db & Bb) & (df & Df & Bf & Dq) & Cases).
    split; [exact m0 | split; [exact x0 | split; [exact p0 |]]].
    split; [| split; [| split]].
    + intros j; destruct (Dz j) as (d & Dd & Bd); exists d; split; auto.
      now apply (derive_shift (fun t => z t j)).
    + exists db; split; auto; now apply derive_shift.
    + exists df; split; [now apply derive_shift |]; split; auto.
      now apply derive_shift.
    + exact Cases.
  - exists theta; intros j.
    now apply (proj2 (is_lim_shift (fun t => z t j) T (theta j) T0)).
Qed.
