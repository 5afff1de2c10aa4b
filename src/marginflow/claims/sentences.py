"""The paper's sentences: what it says, what is measured, and within what tolerance.

What is measured is told by the first paragraph of the measuring function's docstring.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from marginflow.claims import flows, judging, measures
from marginflow.claims.claim import Claim

__all__ = ["claims"]

MEMORY = "the schedule's memory of 1000 steps is a large part of a short run"
DEPTH = "at depth 14 the norm at separation decides: 8 % of it are a factor of 3"
IMAGES = "the paper's differences are below what fewer images can tell"
FEW = "trained on a hundredth of the paper's images, to accuracies of some 30 %"
STALL = "no run stalls here as AdaDelta does in the paper"
EPOCHS = "few images separate sooner, and an epoch has a tenth of the paper's steps"
EARLY = "the last third of so short a run is no late phase"
BOTH = ("finer", "coarser")
SHORT = ("smoke", "laptop")
"""Scales whose runs the memory of the schedule fills for a good part."""


def _statement(name: str, where: str, says: str) -> Claim:
    return Claim(f"{name}-proof", where, says, name, judging.by_proof, judging.settled)


def _flow(
    name: str,
    where: str,
    says: str,
    quantity: Callable[..., Any],
    holds: str,
    limit: float,
    band: float = 0.0,
) -> Claim:
    page = "-".join(name.split("-")[:2])
    measure = flows.along_the_flow
    return Claim(name, where, says, page, measure, quantity, holds, limit, band)


def _far(name: str, says: str, quantity: Callable[..., Any]) -> Claim:
    where, measure = "not in the paper", judging.on_far_flows
    return Claim(name, where, says, "far-flow", measure, quantity, "at least", 1.0,
                 experiment="far")  # fmt: skip


def _perceptron(
    name: str, says: str, quantity: Callable[..., Any], holds: str, limit: float
) -> Claim:
    return Claim(
        f"perceptron-{name}",
        "Section 4, page 10",
        says,
        "experiment-1",
        judging.on_data_sets,
        quantity,
        holds,
        limit,
        experiment="perceptron",
    )


def _trained(
    name: str,
    says: str,
    quantity: Callable[..., Any],
    holds: str,
    limit: float,
    regimes: Sequence[str] = BOTH,
    **rest: Any,
) -> list[Claim]:
    mnist = name.startswith("mnist")
    return [
        Claim(
            f"{name}-{regime}",
            f"Section 4, page {10 if mnist else 11}, {regime}",
            says,
            f"experiment-{2 if mnist else 3}",
            judging.on_rounds,
            quantity,
            holds,
            limit,
            experiment="mnist" if mnist else "cifar10",
            regime=regime,
            **rest,
        )
        for regime in regimes
    ]


# A table, to be read a claim at a time.
# fmt: off
STATEMENTS = (
    _statement("proposition-1", "page 5", "the loss admits a chain rule along arcs"),
    _statement("theorem-4", "page 7",
               "adapters that tend to 1 lead to KKT points, at both rates"),
    _statement("lemma-5", "page 7", "the gap 1 - β² obeys an equation of its own"),
    _flow("lemma-5-flow", "page 7", "... and its integrated form holds along the flow",
          flows.identity, "at most", 1e-10),
    _statement("lemma-6", "page 8", "g and h stay non-negative"),
    _statement("lemma-7", "page 8", "β moves monotonically towards 1, never across"),
    _flow("lemma-7-flow", "page 8", "... as it does along the flow",
          flows.monotone, "at most", 1e-12),
    _statement("lemma-8", "page 8", "β tends to 1"),
    _flow("lemma-8-flow", "page 8", "... as it does along the flow",
          flows.last_gap, "at most", 1e-10),
    _statement("lemma-9", "page 9", "d log β/dt is integrable"),
    _statement("theorem-2", "page 6", "it follows from Theorem 4 and the lemmas"),
    _flow("theorem-2-loss", "page 6", "L(w(t)) = Θ(1/(t (log t)^(2-2/L)))",
          flows.loss_rate, "within", -1.0, 0.02),
    _flow("theorem-2-norm", "page 6", "‖w(t)‖ = Θ((log t)^(1/L))",
          flows.norm_rate, "within", 0.5, 0.01),
    _flow("theorem-2-direction", "page 6",
          "w(t) converges in direction to a KKT point of the skewed problem",
          flows.direction, "at most", 0.02),
    _flow("theorem-2-direction-rate", "not in the paper",
          "(this companion's) it falls like 1/log t, or with a single support vector "
          "like 1/sqrt(log t)",
          flows.direction_rate, "at most", 0.02),
    _far("theorem-2-network-margin",
         "(this companion's) of two flows of a network from one start, each metric's "
         "ends with the larger margin in it",
         measures.own_margin),
    _far("theorem-2-network-direction",
         "(this companion's) ... and better aligned with the gradient in it than in "
         "the other metric",
         measures.own_alignment),
)

PERCEPTRON = (
    _perceptron("separation",
                "all rounds achieve 100% training accuracy by around 256 epochs",
                measures.slowest, "at most", 512),
    _perceptron("separation-mean", "the same, as Figure 1 shows it",
                measures.accuracy_256, "at least", 0.99),
    _perceptron("margin-higher",
                "the final normalized margin is higher for SGD, AdaDelta and AdaDeltaS",
                measures.median_ratio, "at least", 1.0),
    _perceptron("margin-narrower", "... and within a much narrower range",
                measures.width_ratio, "at most", 0.75),
    _perceptron("direction",
                "the adapter's reciprocal square root has a large variance of its "
                "direction for AdaDeltaN and AdaDeltaNS",
                measures.direction_variance_ratio, "at least", 5.0),
    _perceptron("diverged", "(implied) every round of every algorithm trains",
                measures.diverged, "at most", 0),
)

HIGHER = "the normalized margin grows significantly higher for SGD, AdaDelta, AdaDeltaS"

MNIST = (
    *_trained("mnist-separation",
              "all algorithms achieve perfect training accuracy by around 250 of 500 "
              "epochs",
              measures.separated_by, "at most", 0.7, universal=True,
              needs=EPOCHS, needs_alone=True),
    *_trained("mnist-separates", "... that is, all algorithms separate the data",
              measures.separated_by, "at most", 1.0, universal=True),
    *_trained("mnist-margin", HIGHER, measures.margin_ratio, "at least", 1.5),
    *_trained("mnist-margin-rounds", "(this companion's) ... the same, round by round",
              measures.margin_share, "at least", 0.75),
    *_trained("mnist-test-constant",
              "after separation, test accuracies remain roughly constant",
              measures.accuracy_drift, "at most", 0.01, needs=IMAGES, small=SHORT,
              images=1.0),
    *_trained("mnist-test",
              "no significant differences in test accuracy among the four AdaDeltas",
              measures.accuracy_spread, "at most", 0.01, ("finer",),
              needs=IMAGES, small=SHORT, images=1.0),
    *_trained("mnist-test",
              "AdaDelta and AdaDeltaS generalize slightly but consistently better",
              measures.accuracy_advantage, "at least", 0.75, ("coarser",),
              needs=IMAGES, small=SHORT),
    *_trained("mnist-loss",
              "the training loss shrinks faster for AdaDeltaN and AdaDeltaNS",
              measures.loss_ratio, "at least", 1.0),
    *_trained("mnist-loss-band",
              "... but remains within a constant factor of that of AdaDelta and "
              "AdaDeltaS",
              measures.loss_band, "at most", 1.5, needs=EARLY, small=SHORT),
    *_trained("mnist-schedule",
              "results are not substantially affected by the schedule of ρ (final "
              "margins)",
              measures.schedule_effect, "at most", 1.5, needs=MEMORY, small=SHORT),
)

CIFAR10 = (
    *_trained("cifar-separation",
              "all algorithms achieve perfect training accuracy by around 250 of 1000 "
              "epochs",
              measures.separated_by, "at most", 0.35, universal=True,
              needs=EPOCHS, needs_alone=True),
    *_trained("cifar-separates", "... that is, all algorithms separate the data",
              measures.separated_by, "at most", 1.0, universal=True),
    *_trained("cifar-margin", HIGHER, measures.margin_ratio, "at least", 1.5,
              ("finer",), needs=DEPTH, needs_alone=True),
    *_trained("cifar-margin",
              "... with the exception, in the coarser regime, of AdaDelta",
              measures.margin_ratio_but_adadelta, "at least", 1.5, ("coarser",),
              needs=DEPTH, needs_alone=True),
    *_trained("cifar-test-constant",
              "after separation, test accuracies remain roughly constant",
              measures.accuracy_drift, "at most", 0.01,
              needs=FEW, needs_alone=True, images=1.0),
    *_trained("cifar-test",
              "test accuracies lie within ±1 % of each other (around 81 %)",
              measures.half_accuracy_spread, "at most", 0.01, ("finer",),
              needs=FEW, needs_alone=True, images=0.5),
    *_trained("cifar-test",
              "... (around 79 %), with the exception of AdaDelta and AdaDeltaN",
              measures.half_accuracy_spread_of_three, "at most", 0.01, ("coarser",),
              needs=FEW, needs_alone=True, images=0.5),
    *_trained("cifar-schedule",
              "the schedule of ρ does not substantially affect the results (final "
              "margins)",
              measures.schedule_effect, "at most", 1.5, ("finer",),
              needs=DEPTH, needs_alone=True),
    *_trained("cifar-schedule",
              "AdaDeltaS and AdaDeltaNS shrink the training loss considerably faster",
              measures.schedule_gain, "at least", 2.0, ("coarser",), needs=STALL),
    *_trained("cifar-schedule-margin", "... which leads to higher normalized margins",
              measures.schedule_margins, "at least", 1.0, ("coarser",),
              needs=f"{STALL}; {DEPTH}", needs_alone=True),
    *_trained("cifar-schedule-test", "... as well as better generalization",
              measures.schedule_accuracies, "at least", 1.0, ("coarser",),
              needs=f"{STALL}; {FEW}", needs_alone=True),
)
# fmt: on


def claims() -> tuple[Claim, ...]:
    """All claims: the statements in the order of the proof, then the experiments."""
    return (*STATEMENTS, *PERCEPTRON, *MNIST, *CIFAR10)
