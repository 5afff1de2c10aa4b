"""What is measured of recorded runs, and with what error.

The paper words its observations on Section 4's experiments for the eye ("around 250
epochs", "significantly higher"), so each gets a measure.  In Experiments 2 and 3 it is
taken from the rounds in which all five algorithms are recorded; a round shares start,
stability terms and mini-batches, and so rounds are what is resampled for the error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy.stats import beta

from marginflow.experiments.spec import ALGORITHMS

__all__ = [
    "Rounds",
    "at_separation",
    "final",
    "full_rounds",
    "interval",
    "separation",
]

ISOTROPIC = ("SGD", "AdaDelta", "AdaDeltaS")
SKEWED = ("AdaDeltaN", "AdaDeltaNS")
SCHEDULED = (("AdaDelta", "AdaDeltaS"), ("AdaDeltaN", "AdaDeltaNS"))
LIKE_PAIRS = (("AdaDelta", "AdaDeltaN"), ("AdaDeltaS", "AdaDeltaNS"))
"""Isotropic and skewed, with the same decay: like with like."""
CROSS_PAIRS = (("AdaDelta", "AdaDeltaNS"), ("AdaDeltaS", "AdaDeltaN"))

RUN = ["round", "algorithm"]
"""What names a run of one experiment and regime."""

RESAMPLES = 400

Parts = dict[str, float]
"""What a measure consists of; in Experiments 2 and 3 its first entry is held to the
tolerance."""


# ---- Experiment 1 --------------------------------------------------------------------


# Of one data set: `PerceptronRun.frame()`, or the same read back from a record.  Rounds
# that diverged are left out of medians and ranges and counted on their own.


def slowest(frame: pd.DataFrame) -> float:
    """Epoch by which the slowest round is separated ("around": a factor of 2)."""
    return float(frame.separated_at.max())


def accuracy_256(frame: pd.DataFrame) -> float:
    """Lowest average accuracy of an algorithm after 256 epochs."""
    return float(frame.accuracy_256.min())


def _margins(frame: pd.DataFrame):
    return frame[frame.diverged_at < 0].groupby("algorithm").normalized_margin


def median_ratio(frame: pd.DataFrame) -> float:
    """Lowest median of the three over the highest median of the other two."""
    median = _margins(frame).median()
    return median[list(ISOTROPIC)].min() / median[list(SKEWED)].max()


def width_ratio(frame: pd.DataFrame) -> float:
    """Widest 5-95 % range of the three over the narrowest of the other two."""
    margins = _margins(frame)
    width = margins.quantile(0.95) - margins.quantile(0.05)
    return width[list(ISOTROPIC)].max() / width[list(SKEWED)].min()


def direction_variance_ratio(frame: pd.DataFrame) -> float:
    """Least variance of the direction (1 − |mean|²) of N, NS over AdaDelta's, S's.

    Each round's reciprocal square root of the adapter, scaled to length 1.
    """
    sound = frame[frame.diverged_at < 0]
    roots = sound[["root0", "root1", "root2"]]
    units = roots.div(roots.pow(2).sum(axis=1) ** 0.5, axis=0)
    variance = 1 - units.groupby(sound.algorithm).mean().pow(2).sum(axis=1)
    adapted = list(ISOTROPIC[1:])  # SGD has no adapter
    return variance[list(SKEWED)].min() / max(variance[adapted].max(), 1e-12)


def diverged(frame: pd.DataFrame) -> float:
    """Rounds that diverged, of 500."""
    return float((frame.diverged_at >= 0).sum())


# ---- networks followed far -----------------------------------------------------------


# Of the last rows of two flows from one start: of the plain metric, of the skewed one.


def own_margin(plain: pd.Series, skewed: pd.Series) -> Parts:
    """How many times larger a metric's flow has the margin in it than the other's."""
    return {
        "plain": math.exp(plain.plain_margin - skewed.plain_margin),
        "skewed": math.exp(skewed.skewed_margin - plain.skewed_margin),
    }


def own_alignment(plain: pd.Series, skewed: pd.Series) -> Parts:
    """Cosine of w and the last stretch's mean gradient, own metric over the other."""
    return {
        "plain": plain.plain_chord / plain.skewed_chord,
        "skewed": skewed.skewed_chord / skewed.plain_chord,
    }


# ---- Experiments 2 and 3 -------------------------------------------------------------


def full_rounds(frame: pd.DataFrame) -> pd.DataFrame:
    """Each regime's rounds in which all five algorithms are recorded."""
    if frame.empty:
        return frame
    rounds = frame.groupby(["regime", "round"]).algorithm
    return frame[rounds.transform("nunique") == len(ALGORITHMS)]


def final(frame: pd.DataFrame) -> pd.DataFrame:
    """The last row of each run, by round and algorithm."""
    rows = frame.sort_values("epoch").groupby(RUN).tail(1)
    return rows.set_index(RUN).sort_index()


def separation(frame: pd.DataFrame) -> pd.Series:
    """First evaluated epoch from which on training accuracy is 1, for each run.

    Infinite for a run that is not separated at its end.
    """

    wrong = frame.epoch.where(frame.train_accuracy != 1.0, -1.0)
    last = wrong.groupby([frame[key] for key in RUN]).transform("max")
    first = frame[frame.epoch > last].groupby(RUN).epoch.min()
    runs = frame.groupby(RUN).size().index
    return first.reindex(runs, fill_value=math.inf).astype(float)


def at_separation(frame: pd.DataFrame) -> pd.DataFrame:
    """The row of each run at its separation, by round and algorithm."""
    rows = frame.join(separation(frame).rename("when"), on=RUN)
    rows = rows[rows.epoch == rows.when].drop(columns="when")
    return rows.set_index(RUN).sort_index()


Table = Float[np.ndarray, "rounds 5"]


@dataclass(frozen=True)
class Rounds:
    """Full rounds of one experiment, regime and reading; algorithms in their order."""

    separated: Table
    """Share of the training after which a run is separated; infinite if it is not."""
    margin: Table
    """log of the final normalized margin; -inf without one."""
    loss: Table
    """log of the final training loss."""
    earlier: Table
    """The same at two thirds of the training."""
    accuracy: Table
    """On the test set, at the end."""
    drift: Table
    """By how much test accuracy changes from separation to the end; NaN without."""

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Rounds:
        """From records, as :func:`full_rounds` leaves them."""
        when, end = separation(frame), final(frame)
        epochs = np.sort(frame.epoch.unique())
        epoch = epochs[np.argmin(np.abs(epochs - 2 / 3 * epochs.max()))]
        earlier = frame[frame.epoch == epoch].set_index(RUN)
        after = frame.dropna(subset=["test_accuracy"]).join(when.rename("when"), on=RUN)
        after = after[after.epoch >= after.when].sort_values("epoch")
        tested = after.groupby(RUN).test_accuracy
        drift = (tested.last() - tested.first()).abs().reindex(when.index)

        def table(series: pd.Series) -> Table:
            return series.unstack()[list(ALGORITHMS)].to_numpy(dtype=float)

        return cls(
            table(when) / epochs.max(),
            np.nan_to_num(table(end.log_normalized_margin), nan=-math.inf),
            table(end.log_loss),
            table(earlier.log_loss),
            table(end.test_accuracy),
            table(drift),
        )

    def __len__(self) -> int:
        return len(self.margin)

    def take(self, rounds: Int[np.ndarray, " n"]) -> Rounds:
        """These rounds, each as often as it is named."""
        return Rounds(*(getattr(self, f.name)[rounds] for f in fields(self)))


def interval(
    measure: Callable[[Rounds], Parts], rounds: Rounds, images: float = 0.0
) -> tuple[Parts, float, float, float]:
    """The measure, its standard error, and its 95 % interval over resampled rounds.

    A share of rounds has the exact interval of a binomial (Clopper and Pearson): rounds
    that all came out alike, drawn again, would show no error at all.

    Args:
        images: standard error of a number ≥ 0 from the finite test set; where one set
            serves all runs, an upper bound.  Added in quadrature.

    A single round has neither: its error is NaN, and the interval a point.
    """
    parts = measure(rounds)
    number = next(iter(parts.values()))
    if len(rounds) == 1:
        return parts, math.nan, number, number
    if measure in SHARES:
        held, of = round(number * len(rounds)), len(rounds)
        low = float(beta.ppf(0.025, held, of - held + 1)) if held else 0.0
        high = float(beta.ppf(0.975, held + 1, of - held)) if held < of else 1.0
        return parts, math.nan, low, high
    draw = np.random.default_rng(0).integers(len(rounds), size=(RESAMPLES, len(rounds)))
    with np.errstate(invalid="ignore"):
        seen = np.array([next(iter(measure(rounds.take(i)).values())) for i in draw])
    seen = seen[np.isfinite(seen)]
    if not len(seen) or not math.isfinite(number):
        return parts, math.nan, number, number
    low, high = np.quantile(seen, [0.025, 0.975])
    spread = float(seen.std()) if np.ptp(seen) else 0.0
    error = math.hypot(spread, images)
    if images:
        low = max(0.0, number - math.hypot(number - low, 2 * images))
        high = number + math.hypot(high - number, 2 * images)
    return parts, error, float(low), float(high)


def _columns(names: tuple[str, ...]) -> list[int]:
    return [ALGORITHMS.index(name) for name in names]


def _medians(table: Table, names: tuple[str, ...]) -> Float[np.ndarray, " n"]:
    return np.median(table[:, _columns(names)], axis=0)


def _apart(table: Table, pair: tuple[str, str]) -> float:
    """Median over rounds of the first's logarithm less the second's."""
    one, other = _columns(pair)
    return float(np.median(table[:, one] - table[:, other]))


def separated_by(rounds: Rounds) -> Parts:
    """Share of the training after which every run is separated."""
    return {"": float(rounds.separated.max())}


def _ratio(above: np.ndarray, below: np.ndarray) -> Parts:
    return {"": float(np.exp(above.min() - below.max()))}


def margin_ratio(rounds: Rounds) -> Parts:
    """Lowest median margin of the three over the highest of N, NS."""
    return _ratio(_medians(rounds.margin, ISOTROPIC), _medians(rounds.margin, SKEWED))


def margin_ratio_but_adadelta(rounds: Rounds) -> Parts:
    """Lower median margin of SGD, S over the highest of N, NS."""
    above = _medians(rounds.margin, ("SGD", "AdaDeltaS"))
    return _ratio(above, _medians(rounds.margin, SKEWED))


def margin_share(rounds: Rounds) -> Parts:
    """Share of rounds in which the least of the three beats both others."""
    least = rounds.margin[:, _columns(ISOTROPIC)].min(axis=1)
    return {"": float((least > rounds.margin[:, _columns(SKEWED)].max(axis=1)).mean())}


def accuracy_drift(rounds: Rounds) -> Parts:
    """Largest median change of test accuracy from separation to the end."""
    seen = [column[~np.isnan(column)] for column in rounds.drift.T]
    return {"": max((float(np.median(c)) for c in seen if len(c)), default=math.nan)}


def accuracy_spread(rounds: Rounds) -> Parts:
    """Largest difference of the four AdaDeltas' median test accuracies."""
    return {"": float(np.ptp(np.median(rounds.accuracy[:, 1:], axis=0)))}


def half_accuracy_spread(rounds: Rounds) -> Parts:
    """Half the largest difference of all five's median test accuracies."""
    return {"": float(np.ptp(np.median(rounds.accuracy, axis=0)) / 2)}


def half_accuracy_spread_of_three(rounds: Rounds) -> Parts:
    """Half the largest difference of SGD's, S's and NS's median test accuracies."""
    three = _medians(rounds.accuracy, ("SGD", "AdaDeltaS", "AdaDeltaNS"))
    return {"": float(np.ptp(three) / 2)}


def accuracy_advantage(rounds: Rounds) -> Parts:
    """Share of rounds in which AdaDelta and S beat N and NS on the test set."""
    plain = rounds.accuracy[:, _columns(("AdaDelta", "AdaDeltaS"))].mean(axis=1)
    skewed = rounds.accuracy[:, _columns(SKEWED)].mean(axis=1)
    return {"": float((plain > skewed).mean())}


SHARES = (margin_share, accuracy_advantage)
"""Measures that count rounds."""


def schedule_margins(rounds: Rounds) -> Parts:
    """Median final margin with the schedule over that without it: the lesser."""
    pairs = {f"{b}/{a}": math.exp(-_apart(rounds.margin, (a, b))) for a, b in SCHEDULED}
    return {"": min(pairs.values())} | pairs


def schedule_accuracies(rounds: Rounds) -> Parts:
    """Median test accuracy with the schedule over that without it: the lesser."""
    median = dict(zip(ALGORITHMS, np.median(rounds.accuracy, axis=0), strict=True))
    pairs = {f"{b}/{a}": float(median[b] / median[a]) for a, b in SCHEDULED}
    return {"": min(pairs.values())} | pairs


def loss_ratio(rounds: Rounds) -> Parts:
    """Median final loss of AdaDelta over N, and of S over NS: the lesser.

    Then every pair on its own, those with unlike decays too.
    """
    pairs = {
        f"{a}/{b}": math.exp(_apart(rounds.loss, (a, b)))
        for a, b in (*LIKE_PAIRS, *CROSS_PAIRS)
    }
    return {"": min(list(pairs.values())[: len(LIKE_PAIRS)])} | pairs


def loss_band(rounds: Rounds) -> Parts:
    """Factor by which these ratios change in the last third of training: the larger."""
    pairs = {
        f"{a}/{b}": math.exp(
            abs(_apart(rounds.loss, (a, b)) - _apart(rounds.earlier, (a, b)))
        )
        for a, b in LIKE_PAIRS
    }
    return {"": max(pairs.values())} | pairs


def schedule_effect(rounds: Rounds) -> Parts:
    """Factor between median final margins with and without schedule: the larger."""
    with np.errstate(invalid="ignore"):
        pairs = {
            f"{b}/{a}": math.exp(-_apart(rounds.margin, (a, b))) for a, b in SCHEDULED
        }
    return {"": max(max(x, 1 / x) if x else math.inf for x in pairs.values())} | pairs


def schedule_gain(rounds: Rounds) -> Parts:
    """Median final loss without the schedule over that with it: the lesser."""
    pairs = {f"{a}/{b}": math.exp(_apart(rounds.loss, (a, b))) for a, b in SCHEDULED}
    return {"": min(pairs.values())} | pairs
