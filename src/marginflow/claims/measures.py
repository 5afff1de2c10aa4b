"""The paper's observations on Experiments 2 and 3 (pages 10 and 11), as numbers.

The paper words them for the eye ("around 250 epochs", "significantly higher"), so each
gets a measure, which is taken round by round where algorithms are compared (a round
shares start, stability terms and mini-batches), and a tolerance.  What depends on the
size of the experiment, and so cannot be judged at a smaller one, says so in
``needs_paper_scale``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["OBSERVATIONS", "Observation", "final", "separation", "verdicts"]

ISOTROPIC = ("SGD", "AdaDelta", "AdaDeltaS")
SKEWED = ("AdaDeltaN", "AdaDeltaNS")
PAIRS = (("AdaDelta", "AdaDeltaS"), ("AdaDeltaN", "AdaDeltaNS"))


@dataclass(frozen=True)
class Observation:
    """One sentence of the paper, and what would make it true here."""

    name: str
    experiment: str
    regime: str
    says: str
    """The paper's claim, shortened."""
    measure: Callable[[pd.DataFrame], float]
    """Of the records of one experiment and regime; documented in ``measured``."""
    measured: str
    tolerance: float
    holds: str
    """How the measure is held against the tolerance: "at least" or "at most"."""
    needs_paper_scale: bool = False

    def verdict(self, frame: pd.DataFrame) -> tuple[float, str]:
        """The number, and what it says; NaN and "not recorded" without full rounds."""
        frame = full_rounds(frame)
        if frame.empty:
            return math.nan, "not recorded"
        number = float(self.measure(frame))
        if self.needs_paper_scale and set(frame.scale) != {"paper"}:
            return number, "not testable at this scale"
        if math.isnan(number):
            return number, "not reproduced"
        # Equal is equal, though decimal fractions differ in their last bits.
        sign = 1 if self.holds == "at least" else -1
        holds = sign * (number - self.tolerance) >= -1e-12
        return number, "reproduced" if holds else "not reproduced"


def full_rounds(frame: pd.DataFrame) -> pd.DataFrame:
    """The rounds in which all five algorithms are recorded, that is comparable ones."""
    if frame.empty:
        return frame
    algorithms = frame.groupby("round").algorithm.nunique()
    return frame[frame["round"].isin(algorithms[algorithms == 5].index)]


def final(frame: pd.DataFrame) -> pd.DataFrame:
    """The last row of each run, by round and algorithm."""
    rows = frame.sort_values("epoch").groupby(["round", "algorithm"]).tail(1)
    return rows.set_index(["round", "algorithm"]).sort_index()


def separation(frame: pd.DataFrame) -> pd.Series:
    """First evaluated epoch from which on training accuracy is 1, for each run.

    Infinite for a run that is not separated at its end.
    """

    def first(run: pd.DataFrame) -> float:
        run = run.sort_values("epoch")
        wrong = run.epoch[~(run.train_accuracy == 1.0)]
        after = run.epoch if wrong.empty else run.epoch[run.epoch > wrong.max()]
        return math.inf if after.empty else float(after.min())

    return frame.groupby(["round", "algorithm"])[["epoch", "train_accuracy"]].apply(
        first
    )


# ---- measures ------------------------------------------------------------------------


def _separated_by(frame: pd.DataFrame) -> float:
    """Share of the training after which every run is separated."""
    return separation(frame).max() / frame.epoch.max()


def _log_margins(frame: pd.DataFrame) -> pd.DataFrame:
    """log of the final normalized margin, rounds × algorithms; -inf without one."""
    logs = final(frame).log_normalized_margin.unstack()
    return logs.fillna(-math.inf)


def _median_ratio(above: pd.DataFrame, below: pd.DataFrame) -> float:
    """Lowest median of some algorithms over the highest of others, from logs."""
    return math.exp(above.median().min() - below.median().max())


def _margin_ratio(frame: pd.DataFrame) -> float:
    logs = _log_margins(frame)
    return _median_ratio(logs[list(ISOTROPIC)], logs[list(SKEWED)])


def _margin_ratio_but_adadelta(frame: pd.DataFrame) -> float:
    logs = _log_margins(frame)
    return _median_ratio(logs[["SGD", "AdaDeltaS"]], logs[list(SKEWED)])


def _margin_share(frame: pd.DataFrame) -> float:
    logs = _log_margins(frame)
    higher = logs[list(ISOTROPIC)].min(axis=1) > logs[list(SKEWED)].max(axis=1)
    return higher.mean()


def _test_drift(frame: pd.DataFrame) -> float:
    """Largest median change of test accuracy from separation to the end."""
    when = separation(frame)
    tested = frame.dropna(subset=["test_accuracy"])

    def drift(run: pd.DataFrame) -> float:
        key = (run["round"].iloc[0], run.algorithm.iloc[0])
        after = run[run.epoch >= when[key]].sort_values("epoch").test_accuracy
        return math.nan if after.empty else abs(after.iloc[-1] - after.iloc[0])

    columns = ["round", "algorithm", "epoch", "test_accuracy"]
    changes = tested.groupby(["round", "algorithm"])[columns].apply(drift)
    return changes.groupby("algorithm").median().max()


def _test_spread(frame: pd.DataFrame, algorithms: list[str]) -> float:
    medians = final(frame).test_accuracy.unstack()[algorithms].median()
    return medians.max() - medians.min()


def _test_advantage(frame: pd.DataFrame) -> float:
    """Share of rounds in which AdaDelta and S beat N and NS on the test set."""
    accuracy = final(frame).test_accuracy.unstack()
    better = accuracy[["AdaDelta", "AdaDeltaS"]].mean(axis=1)
    return (better > accuracy[list(SKEWED)].mean(axis=1)).mean()


def _log_loss_ratio(frame: pd.DataFrame, share: float = 1.0) -> float:
    """Median over rounds of log (isotropic loss / skewed loss) of the AdaDeltas.

    At the evaluated epoch nearest to a share of the training.
    """
    epochs = np.sort(frame.epoch.unique())
    epoch = epochs[np.argmin(np.abs(epochs - share * epochs.max()))]
    logs = frame[frame.epoch == epoch].set_index(["round", "algorithm"]).log_loss
    logs = logs.unstack()
    ratios = [logs[a] - logs[b] for a in PAIRS[0] for b in SKEWED]
    return float(np.median(pd.concat(ratios)))


def _loss_ratio(frame: pd.DataFrame) -> float:
    return math.exp(_log_loss_ratio(frame))


def _loss_band(frame: pd.DataFrame) -> float:
    """Factor by which that ratio still changes in the last third of the training."""
    return math.exp(abs(_log_loss_ratio(frame) - _log_loss_ratio(frame, 2 / 3)))


def _schedule_effect(frame: pd.DataFrame) -> float:
    """Factor >= 1 between final margins with and without schedule.

    Of the two pairs' medians, the one farther from 1.
    """
    logs = _log_margins(frame)
    return max(math.exp(abs((logs[b] - logs[a]).median())) for a, b in PAIRS)


def _schedule_gain(frame: pd.DataFrame) -> float:
    """Loss without the schedule over loss with it, the lesser of two medians."""
    logs = final(frame).log_loss.unstack()
    return min(math.exp((logs[a] - logs[b]).median()) for a, b in PAIRS)


# ---- the paper's sentences -----------------------------------------------------------


def _both(name: str, experiment: str, says: str, **rest) -> list[Observation]:
    return [
        Observation(f"{name}-{regime}", experiment, regime, says, **rest)
        for regime in ("finer", "coarser")
    ]


OBSERVATIONS: tuple[Observation, ...] = (
    *_both(
        "mnist-separation",
        "mnist",
        "all algorithms achieve perfect training accuracy by around 250 of 500 epochs",
        measure=_separated_by,
        measured="share of the epochs after which every run is separated",
        tolerance=0.7,
        holds="at most",
    ),
    *_both(
        "mnist-margin",
        "mnist",
        "the normalized margin grows significantly higher for SGD, AdaDelta, AdaDeltaS",
        measure=_margin_ratio,
        measured="lowest median of these three over the highest of the other two",
        tolerance=1.5,
        holds="at least",
    ),
    *_both(
        "mnist-margin-rounds",
        "mnist",
        "... the same, round by round",
        measure=_margin_share,
        measured="share of rounds in which the least of the three beats both others",
        tolerance=0.95,
        holds="at least",
    ),
    *_both(
        "mnist-test-constant",
        "mnist",
        "after separation, test accuracies remain roughly constant",
        measure=_test_drift,
        measured="largest median change of test accuracy from separation to the end",
        tolerance=0.01,
        holds="at most",
    ),
    Observation(
        "mnist-test-finer",
        "mnist",
        "finer",
        "no significant differences in test accuracy among the four AdaDeltas",
        lambda frame: _test_spread(frame, [*PAIRS[0], *PAIRS[1]]),
        "largest difference of their medians",
        0.01,
        "at most",
    ),
    Observation(
        "mnist-test-coarser",
        "mnist",
        "coarser",
        "AdaDelta and AdaDeltaS generalize slightly but consistently better",
        _test_advantage,
        "share of rounds in which they do, on average, against N and NS",
        0.75,
        "at least",
    ),
    *_both(
        "mnist-loss",
        "mnist",
        "the training loss shrinks faster for AdaDeltaN and AdaDeltaNS",
        measure=_loss_ratio,
        measured="median of final loss of AdaDelta, S over that of N, NS",
        tolerance=1.0,
        holds="at least",
    ),
    *_both(
        "mnist-loss-band",
        "mnist",
        "... but remains within a constant factor of that of AdaDelta and AdaDeltaS",
        measure=_loss_band,
        measured="factor by which that ratio changes in the last third of training",
        tolerance=1.5,
        holds="at most",
    ),
    *_both(
        "mnist-schedule",
        "mnist",
        "results are not substantially affected by the schedule of ρ",
        measure=_schedule_effect,
        measured="factor between final margins with and without it (larger median)",
        tolerance=1.5,
        holds="at most",
    ),
    *_both(
        "cifar-separation",
        "cifar10",
        "all algorithms achieve perfect training accuracy by around 250 of 1000 epochs",
        measure=_separated_by,
        measured="share of the epochs after which every run is separated",
        tolerance=0.35,
        holds="at most",
        needs_paper_scale=True,
    ),
    *_both(
        "cifar-separates",
        "cifar10",
        "... that is, all algorithms separate the data",
        measure=_separated_by,
        measured="share of the epochs after which every run is separated",
        tolerance=1.0,
        holds="at most",
    ),
    Observation(
        "cifar-margin-finer",
        "cifar10",
        "finer",
        "the normalized margin grows significantly higher for SGD, AdaDelta, AdaDeltaS",
        _margin_ratio,
        "lowest median of these three over the highest of the other two",
        1.5,
        "at least",
    ),
    Observation(
        "cifar-margin-coarser",
        "cifar10",
        "coarser",
        "... with the exception, in the coarser regime, of AdaDelta",
        _margin_ratio_but_adadelta,
        "lower median of SGD and AdaDeltaS over the highest of N and NS",
        1.5,
        "at least",
    ),
    *_both(
        "cifar-test",
        "cifar10",
        "test accuracies lie within ±1 % of each other (around 81 %, coarser 79 %)",
        measure=lambda frame: _test_spread(frame, [*ISOTROPIC, *SKEWED]) / 2,
        measured="half the largest difference of the medians",
        tolerance=0.01,
        holds="at most",
        needs_paper_scale=True,
    ),
    Observation(
        "cifar-schedule-finer",
        "cifar10",
        "finer",
        "the schedule of ρ does not substantially affect the results",
        _schedule_effect,
        "factor between final margins with and without it (larger median)",
        1.5,
        "at most",
    ),
    Observation(
        "cifar-schedule-coarser",
        "cifar10",
        "coarser",
        "AdaDeltaS and AdaDeltaNS shrink the training loss considerably faster",
        _schedule_gain,
        "final loss without the schedule over that with it (lesser median)",
        2.0,
        "at least",
    ),
)
"""All of them, in the paper's order."""


def verdicts(frame: pd.DataFrame, experiment: str) -> pd.DataFrame:
    """One row per observation on ``experiment``: number, tolerance, verdict.

    Args:
        frame: records, as :func:`marginflow.experiments.records.load_frame` gives them.
    """
    rows = []
    for o in OBSERVATIONS:
        if o.experiment != experiment:
            continue
        mine = frame if frame.empty else frame[frame.regime == o.regime]
        number, verdict = o.verdict(mine)
        rows.append(
            {
                "the paper": o.says,
                "regime": o.regime,
                "measure": o.measured,
                "tolerance": f"{o.holds} {o.tolerance:g}",
                "here": f"{number:.3g}",
                "verdict": verdict,
            }
        )
    return pd.DataFrame(rows)
