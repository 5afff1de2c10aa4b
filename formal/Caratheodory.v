(** * Linear dependence and Caratheodory's theorem, by lists *)

From Coq Require Import Reals Lra Psatz List Lia Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Coq Require Import Permutation.
From MarginFlow Require Export Clarke.
Import ListNotations.
Open Scope R_scope.

Lemma lsum_permutation {A} (f : A -> R) l l' : Permutation l l' -> lsum f l = lsum f l'.
Proof. induction 1; simpl; lra. Qed.

Lemma lsum_app {A} (f : A -> R) l l' : lsum f (l ++ l') = lsum f l + lsum f l'.
Proof. induction l; simpl; lra. Qed.

Lemma lsum_map {A B} (f : B -> R) (g : A ->
  B) l : lsum f (map g l) = lsum (fun a => f (g a)) l.
Proof. induction l; simpl; lra. Qed.

Lemma lsum_ext_in {A} (f g : A -> R) l : (forall a, In a l -> f a = g a) ->
  lsum f l = lsum g l.
Proof.
  induction l as [| a l IH]; intros E; simpl; [reflexivity |].
  rewrite (E a) by (now left); rewrite IH; auto; intros b Ib; apply E; now right.
Qed.

Lemma lsum_zero {A} (f : A -> R) l : (forall a, In a l -> f a = 0) -> lsum f l = 0.
Proof.
  induction l as [| a l IH]; intros E; simpl; [reflexivity |].
  rewrite (E a) by (now left); rewrite IH; [ring |]; intros b Ib; apply E; now right.
Qed.

Lemma lsum_minus_scal {A} (f g : A -> R) c l :
  lsum (fun a => f a - c * g a) l = lsum f l - c * lsum g l.
Proof. induction l as [| a l IH]; simpl; [| rewrite IH]; ring. Qed.

(** More vectors than coordinates are linearly dependent. *)
Lemma dependent {I A} : forall (is : list I) (F : A -> I -> R) (l : list A),
  (length is < length l)%nat ->
  exists t : list (R * A), Permutation (map snd t) l /\
    (exists c a, In (c, a) t /\ c <> 0) /\
    forall i, In i is -> lsum (fun p => fst p * F (snd p) i) t = 0.
Proof.
  induction is as [| i is IH]; intros F l L.
  - destruct l as [| a l]; [simpl in L; lia |].
    exists (map (fun b => (1, b)) (a :: l)); repeat split.
    + rewrite map_map, map_id; apply Permutation_refl.
    + exists 1, a; split; [now left | lra].
    + intros ? [].
  - destruct (classic (exists a, In a l /\ F a i <> 0)) as [(d & Id & Nz) | Z].
    + apply in_split in Id; destruct Id as (l1 & l2 & ->).
      destruct (IH (fun a k => F a k - F d k * (F a i / F d i)) (l1 ++ l2))
        as (t & Pt & (c & a & Ia & Nc) & Z).
      { rewrite app_length in *; simpl in L; lia. }
      exists ((- lsum (fun p => fst p * (F (snd p) i / F d i)) t, d) :: t);
        repeat split.
      * simpl; rewrite Pt; apply Permutation_middle.
      * exists c, a; split; auto; now right.
      * intros k [<- | Ik]; simpl.
        -- clear - Nz; induction t as [| p t IHt]; simpl; [ring |].
           rewrite <- (Rplus_0_r 0), <- IHt at 1; field; auto.
        -- rewrite <- (Z k Ik); clear; induction t as [| p t IHt]; simpl; [ring |].
           rewrite <- IHt; ring.
    + destruct (IH F l) as (t & Pt & N & Z'); [simpl in L; lia |].
      exists t; split; auto; split; auto; intros k [<- | Ik]; auto.
      apply lsum_zero; intros p Ip; apply Rmult_eq_0_compat_l, NNPP; intros Nz.
      apply Z; exists (snd p); split; auto.
      apply (Permutation_in _ Pt); now apply in_map.
Qed.

Lemma argmin {A} (g : A -> R) (P : A -> Prop) l :
  (exists a, In a l /\ P a) ->
  exists a, In a l /\ P a /\ forall b, In b l -> P b -> g a <= g b.
Proof.
  induction l as [| a l IH]; intros (b & Ib & Pb); [easy |].
  destruct (classic (exists c, In c l /\ P c)) as [E | N].
  - destruct (IH E) as (c & Ic & Pc & Min).
    destruct (classic (P a /\ g a <= g c)) as [[Pa L] | N].
    + exists a; repeat split; auto; [now left |]; intros d [<- | Id] Pd; [lra |].
      specialize (Min d Id Pd); lra.
    + exists c; repeat split; auto; [now right |]; intros d [<- | Id] Pd; auto.
      apply Rnot_lt_le; intros L; apply N; split; auto; lra.
  - assert (a = b) as -> by (destruct Ib; auto; elim N; now exists b).
    exists b; repeat split; auto; intros d [<- | Id] Pd; [lra |].
    elim N; now exists d.
Qed.

(** One term of a nonnegative combination can be left out, as long as there are more
    terms than coordinates. *)
Lemma leave_out {I V} (F : V -> I -> R) is (l : list (R * V)) :
  (length is < length l)%nat -> (forall c D, In (c, D) l -> 0 <= c) ->
  exists l', (length l' < length l)%nat /\
    (forall c D, In (c, D) l' -> 0 <= c /\ exists c', In (c', D) l) /\
    forall i, In i is ->
      lsum (fun p => fst p * F (snd p) i) l' = lsum (fun p => fst p * F (snd p) i) l.
Proof.
  intros L Pos.
  assert (Dep : exists t : list (R * (R * V)), Permutation (map snd t) l /\
    (exists p, In p t /\ 0 < fst p) /\
    forall i, In i is -> lsum (fun p => fst p * F (snd (snd p)) i) t = 0).
  { destruct (dependent is (fun cD : R * V => F (snd cD)) l L)
      as (t & Pt & (c & a & Ia & Nc) & Z).
    destruct (Rlt_le_dec 0 c) as [P | N].
    - exists t; repeat split; auto; now exists (c, a).
    - exists (map (fun p => (- fst p, snd p)) t); repeat split.
      + now rewrite map_map.
      + exists (- c, a); split; [| simpl; lra].
        now apply (in_map (fun p : R * (R * V) => (- fst p, snd p)) t (c, a)).
      + intros i Ii; rewrite lsum_map; simpl; rewrite <- Ropp_0, <- (Z i Ii).
        clear; induction t as [| p t IH]; simpl; [ring | rewrite IH; ring]. }
  destruct Dep as (t & Pt & Ex & Z).
  destruct (argmin (fun p : R * (R * V) => fst (snd p) / fst p) (fun p => 0 < fst p) t
    Ex)
    as (m & Im & Pm & Min).
  set (th := fst (snd m) / fst m) in *.
  assert (Pt' : forall p, In p t -> 0 <= fst (snd p) /\ In (snd p) l).
  { intros p Ip; assert (Il : In (snd p) l)
      by (apply (Permutation_in _ Pt); now apply in_map).
    split; auto; destruct (snd p) as [w D]; now apply (Pos w D). }
  assert (th0 : 0 <= th) by (apply Rdiv_le_0_compat; auto; now apply Pt').
  destruct (in_split m t Im) as (t1 & t2 & Et).
  set (g := fun p : R * (R * V) => (fst (snd p) - th * fst p, snd (snd p))).
  exists (map g (t1 ++ t2)); split; [| split].
  - rewrite <- (Permutation_length Pt), Et, !map_length, !app_length; simpl; lia.
  - intros c D Ic; apply in_map_iff in Ic; destruct Ic as (p & E & Ip).
    assert (It : In p t) by (rewrite Et; apply in_app_iff; apply in_app_iff in Ip;
      simpl; tauto).
    unfold g in E; injection E as <- <-; destruct (Pt' p It) as [w0 Il]; split.
    + destruct (Rlt_le_dec 0 (fst p)) as [P | N]; [| nra].
      specialize (Min p It P).
      apply Rmult_le_compat_r with (r := fst p) in Min; [| lra].
      unfold Rdiv in Min; rewrite (Rmult_assoc (fst (snd p))), Rinv_l in Min by lra;
        lra.
    + exists (fst (snd p)); now destruct (snd p).
  - intros i Ii.
    assert (Q : lsum (fun p => fst p * F (snd p) i) (map g (t1 ++ t2)) =
      lsum (fun p => fst p * F (snd p) i) (map g t)).
    { rewrite Et, !map_app, !lsum_app; simpl.
      replace (fst (snd m) - th * fst m) with 0 by (unfold th; field; lra); ring. }
    rewrite Q, lsum_map, <- (lsum_permutation _ _ _ Pt), lsum_map; unfold g; simpl.
    rewrite <- (Rminus_0_r (lsum (fun a => fst (snd a) * F (snd (snd a)) i) t)),
      <- (Rmult_0_r th), <- (Z i Ii), <- lsum_minus_scal.
    apply lsum_ext_in; intros p _; ring.
Qed.

Lemma caratheodory_cone {I V} (F : V -> I -> R) is : forall n (l : list (R * V)),
  (length l <= n)%nat -> (forall c D, In (c, D) l -> 0 <= c) ->
  exists l', (length l' <= length is)%nat /\
    (forall c D, In (c, D) l' -> 0 <= c /\ exists c', In (c', D) l) /\
    forall i, In i is ->
      lsum (fun p => fst p * F (snd p) i) l' = lsum (fun p => fst p * F (snd p) i) l.
Proof.
  induction n as [| n IH]; intros l L Pos.
  - exists l; repeat split; auto; [lia | now apply (Pos c D) | now exists c].
  - destruct (le_lt_dec (length l) (length is)) as [C | C].
    + exists l; repeat split; auto; [now apply (Pos c D) | now exists c].
    + destruct (leave_out F is l C Pos) as (l1 & L1 & In1 & E1).
      destruct (IH l1) as (l2 & L2 & In2 & E2); [lia | intros c D Ic;
        now apply (In1 c D) |].
      exists l2; split; [exact L2 | split].
      * intros c D Ic; destruct (In2 c D Ic) as (c0 & c' & I'); split; auto.
        now apply (In1 c' D).
      * intros i Ii; now rewrite E2, E1.
Qed.

(** Caratheodory: p + 1 terms suffice for a convex combination in R^p. *)
Theorem caratheodory {J} `{FiniteType J} (l : list (R * vec J)) :
  (forall c D, In (c, D) l -> 0 <= c) -> lsum fst l = 1 ->
  exists l', (length l' <= S (length (enum (J := J))))%nat /\
    (forall c D, In (c, D) l' -> 0 <= c /\ exists c', In (c', D) l) /\
    lsum fst l' = 1 /\
    forall j, lsum (fun cD => fst cD * snd cD j) l' = lsum (fun cD => fst cD * snd cD
      j) l.
Proof.
  intros Pos One.
  destruct (caratheodory_cone
    (fun (D : vec J) (i : option J) => match i with None => 1 | Some j => D j end)
    (None :: map Some enum) (length l) l) as (l' & L & In' & E); auto.
  exists l'; split; [| split; [exact In' | split]].
  - now simpl in L; rewrite map_length in L.
  - rewrite <- One; specialize (E None (or_introl eq_refl)); simpl in E.
    transitivity (lsum (fun p : R * vec J => fst p * 1) l');
      [| rewrite E]; apply lsum_ext_in; intros; ring.
  - intros j; apply (E (Some j)); right; apply in_map, enum_all.
Qed.
