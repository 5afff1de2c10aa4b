"""What to run, and how large (Section 4): Experiments 1, 2 and 3.

A :class:`PerceptronSpec` or :class:`RunSpec` names a run; the latter's
:class:`Setting` holds every number that the run depends on.  All are frozen and
hashable, and their digest travels with checkpoints and records, so that none is ever
continued or read under another meaning.

Imports nothing heavy: the command line lists runs without loading torch, and shows its
help without NumPy.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = [
    "ALGORITHMS",
    "EXPERIMENTS",
    "PAPER_ROUNDS",
    "PERCEPTRON_DATA_SETS",
    "PRECISIONS",
    "READINGS",
    "REGIMES",
    "SCALES",
    "PerceptronSpec",
    "RunSpec",
    "Setting",
    "Spec",
    "grid",
    "parse_rounds",
    "setting",
]

EXPERIMENTS = ("mnist", "cifar10")
REGIMES = ("finer", "coarser")
ALGORITHMS = ("SGD", "AdaDelta", "AdaDeltaS", "AdaDeltaN", "AdaDeltaNS")
SCALES = ("smoke", "laptop", "desk", "plateau", "paper")
READINGS = ("paper", "released")
DTYPES = ("float32", "float64")
PRECISIONS = ("float32", "tf32", "bf16")
"""How products are formed in training; float32 is full precision (and w's own)."""

PERCEPTRON_DATA_SETS = 21
"""Data sets on which the observations on Experiment 1 are judged."""

PAPER_ROUNDS = 19
"""Runs behind each curve of Figures 2 and 3."""

HOW = ("device", "compiled", "precision", "deterministic")
"""Fields of a spec that say how to compute it, and nothing of what it is."""

RECIPE = 1
"""Raised whenever the same spec would come to mean another computation."""


class Spec(ABC):
    """What records and provenance ask of a spec."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The record's path below the results folder, without its ending."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """All that determines the results."""

    def digest(self) -> str:
        """SHA-256 of the identity."""
        text = json.dumps(self.identity(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


# ---- Experiment 1 --------------------------------------------------------------------


@dataclass(frozen=True)
class PerceptronSpec(Spec):
    """What to run of Experiment 1; equal specs give equal results, bit for bit.

    Everything defaults to the paper's text.  Its total loss is a sum over the examples
    (page 4), while the authors' released code takes the mean, for which the learning
    rates were evidently chosen: hence ``reduction``.

    Raises:
        ValueError: a value is out of its range, which the message names.
    """

    data_seed: int = 0
    """Which data set; 0 is the one that the book shows."""
    rounds: int = 100
    """Random initializations, each shared by the five algorithms."""
    epochs: int = 5000
    """Full-batch steps, K in the paper."""
    reduction: str = "sum"
    """Total loss: "sum" over examples (paper) or "mean" (released code)."""
    dtype: str = "float64"
    """"float32" is what the released code uses."""
    lr_sgd: float = 0.1
    lr_adadelta: float = 1.0
    rho: float = 0.9
    """Decay ϱ of AdaDelta and AdaDeltaN; the other two follow the harmonic schedule."""
    stability: float = 1e-5
    """ϵ of AdaDelta and AdaDeltaS, and median of the random terms of N and NS."""
    stability_std: float = 1.0
    """Standard deviation of X in the random terms 10^(-5+X)."""

    def __post_init__(self) -> None:
        from marginflow import checks

        for name, least in (("data_seed", 0), ("rounds", 1), ("epochs", 1)):
            _at_least(name, getattr(self, name), least)
        checks.one_of("reduction", self.reduction, ("sum", "mean"))
        checks.one_of("dtype", self.dtype, DTYPES)
        for name in ("lr_sgd", "lr_adadelta", "stability"):
            checks.positive(name, getattr(self, name))
        checks.probability("rho", self.rho)
        checks.non_negative("stability_std", self.stability_std)

    @property
    def name(self) -> str:
        """The record's path; settings that are the default go without saying."""
        defaults = asdict(PerceptronSpec())
        changed = [
            f"{name}={value}"
            for name, value in asdict(self).items()
            if value != defaults[name] and name not in ("data_seed", "reduction")
        ]
        folder = "-".join([self.reduction, *changed])
        return f"perceptron/{folder}/data-set-{self.data_seed:02d}"

    def identity(self) -> dict[str, Any]:
        """All that determines the results."""
        return {"experiment": "perceptron", **asdict(self)}


# ---- Experiments 2 and 3 -------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    """The numbers of one experiment, scale and regime."""

    width: float
    """Multiplies the widths of the network; 1 in the paper. The depth never changes."""
    train_images: int
    test_images: int
    batch: int
    epochs: int
    lr_sgd: float
    lr_adadelta: float
    stability_std: float
    """Standard deviation of X in the random terms 10^(-5+X)."""
    gain: float | None = None
    """None: PyTorch's default initialization (the paper's); else N(0, gain²/fan_in)."""
    linear_evaluations: int = 10
    """Equally spaced evaluations, beside those at the powers of sqrt(2)."""
    rho: float = 0.9
    """ϱ of AdaDelta and AdaDeltaN, and what the other two start from."""
    stability: float = 1e-5
    """ϵ of AdaDelta and AdaDeltaS, and median of the random terms."""

    @property
    def steps_per_epoch(self) -> int:
        return self.train_images // self.batch

    @property
    def total_steps(self) -> int:
        """K of the ρ schedule, by the paper's text."""
        return self.epochs * self.steps_per_epoch

    def evaluated_epochs(self) -> list[int]:
        """Epochs after which the run is measured: 0, powers of sqrt(2), the tested."""
        epochs = {0, *self.tested_epochs()}
        power = 0
        while (epoch := round(2 ** (power / 2))) <= self.epochs:
            epochs.add(epoch)
            power += 1
        return sorted(epochs)

    def tested_epochs(self) -> list[int]:
        """Those after which the test set is measured too: equally spaced, to the end.

        Measuring must not cost much beside training, and the test accuracy is drawn on
        a linear axis.
        """
        parts = self.linear_evaluations
        return sorted(
            {max(1, round(i * self.epochs / parts)) for i in range(1, parts + 1)}
        )


HE = 2**0.5
"""The gain `networks.HE_GAIN`, which is not read from there: that imports torch."""

# A column for each of Setting's first fields: width; training and test images; batch,
# epochs; rates of SGD and AdaDelta; X's deviation, gain, linear evaluations.
#
# Learning rates of SGD at laptop scale follow the paper's own rule (page 10): perfect
# training accuracy after a similar number of epochs as AdaDelta.
# fmt: off
SETTINGS: dict[tuple[str, str, str], Setting] = {
    ("mnist", "smoke", "finer"): Setting(
        1 / 32, 40, 20, 10, 6, 0.03, 0.1, 1.0),
    ("mnist", "smoke", "coarser"): Setting(
        1 / 32, 40, 20, 20, 6, 0.3, 1.0, 1.0),
    ("mnist", "laptop", "finer"): Setting(
        1 / 8, 500, 1000, 10, 60, 0.03, 0.1, 1.0),
    # Twice the epochs: one has only 5 steps, and measuring is to stay cheap beside.
    ("mnist", "laptop", "coarser"): Setting(
        1 / 8, 500, 1000, 100, 120, 0.3, 1.0, 1.0),
    # Long enough that the harmonic schedule's memory, 1000 steps at the end, is at most
    # a twentieth of the run; in the paper's coarser regime it is a thirtieth.
    ("mnist", "desk", "finer"): Setting(
        1 / 8, 2000, 10_000, 10, 150, 0.03, 0.1, 1.0, None, 5),
    ("mnist", "desk", "coarser"): Setting(
        1 / 8, 2000, 10_000, 50, 500, 0.3, 1.0, 1.0, None, 5),
    ("mnist", "paper", "finer"): Setting(
        1.0, 60_000, 10_000, 100, 500, 0.01, 0.1, 1.0),
    ("mnist", "paper", "coarser"): Setting(
        1.0, 60_000, 10_000, 1000, 500, 0.1, 1.0, 1.0),
    ("cifar10", "smoke", "finer"): Setting(
        1 / 64, 40, 20, 8, 4, 0.1, 0.1, 0.25, HE),
    ("cifar10", "smoke", "coarser"): Setting(
        1 / 64, 40, 20, 20, 4, 0.25, 0.25, 0.25, HE),
    ("cifar10", "laptop", "finer"): Setting(
        1 / 16, 100, 400, 10, 250, 0.03, 0.1, 0.25, HE, 6),
    # Twice the epochs: with fewer steps the harmonic schedule, whose memory grows to
    # 1000 of them, keeps AdaDeltaS and NS from separating.
    ("cifar10", "laptop", "coarser"): Setting(
        1 / 16, 100, 400, 25, 500, 0.05, 0.25, 0.25, HE, 6),
    # Ten times the laptop's steps, for the schedule's memory again.
    ("cifar10", "desk", "finer"): Setting(
        1 / 8, 500, 10_000, 10, 500, 0.03, 0.1, 0.25, HE, 5),
    ("cifar10", "desk", "coarser"): Setting(
        1 / 8, 500, 10_000, 25, 1000, 0.05, 0.25, 0.25, HE, 5),
    # The laptop's network and data, from the paper's own initialization.
    ("cifar10", "plateau", "finer"): Setting(
        1 / 16, 100, 400, 10, 800, 0.1, 0.1, 0.25, None, 6),
    ("cifar10", "plateau", "coarser"): Setting(
        1 / 16, 100, 400, 25, 800, 0.25, 0.25, 0.25, None, 6),
    ("cifar10", "paper", "finer"): Setting(
        1.0, 50_000, 10_000, 100, 1000, 0.1, 0.1, 0.25),
    ("cifar10", "paper", "coarser"): Setting(
        1.0, 50_000, 10_000, 250, 1000, 0.25, 0.25, 0.25),
}
# fmt: on


def setting(experiment: str, scale: str, regime: str) -> Setting:
    """The numbers behind an experiment, scale and regime.

    Raises:
        ValueError: a name is unknown, or the experiment has no such scale.
    """
    from marginflow.checks import one_of

    for name, value, known in (
        ("experiment", experiment, EXPERIMENTS),
        ("scale", scale, SCALES),
        ("regime", regime, REGIMES),
    ):
        one_of(name, value, known)
    there = [s for s in SCALES if (experiment, s, regime) in SETTINGS]
    if scale not in there:
        raise ValueError(
            f"scale is {scale!r}, which {experiment} has not; choose one of "
            f"{', '.join(there)}"
        )
    return SETTINGS[experiment, scale, regime]


@dataclass(frozen=True, order=True)
class RunSpec(Spec):
    """One training run.

    Equal specs give equal results, bit for bit on one machine and device.  The five
    algorithms of a round share its initialization, stability terms and mini-batches.
    The last four fields say how to compute it; they round differently, as another
    device does, are no part of the run's identity, and stand in the provenance.

    Raises:
        ValueError: a name is unknown or the round is negative.
    """

    experiment: str
    regime: str
    algorithm: str
    round: int
    scale: str = "laptop"
    reading: str = "paper"
    """Where text and released code differ: network, horizon K, loss in float32."""
    dtype: str = "float32"
    device: str = field(default="auto", compare=False)
    """"auto" (an accelerator, or else the CPU), or a torch device."""
    compiled: bool = field(default=False, compare=False)
    """Whether torch.compile makes the optimizer's step and, on a GPU, the network."""
    precision: str = field(default="float32", compare=False)
    """Of the products in training; measuring is always in full precision."""
    deterministic: bool = field(default=False, compare=False)
    """On a GPU: only kernels that give the same bits each time, at some cost."""

    def __post_init__(self) -> None:
        from marginflow import checks

        setting(self.experiment, self.scale, self.regime)
        for name, known in (
            ("algorithm", ALGORITHMS),
            ("reading", READINGS),
            ("dtype", DTYPES),
            ("precision", PRECISIONS),
        ):
            checks.one_of(name, getattr(self, name), known)
        _at_least("round", self.round, 0)

    @property
    def setting(self) -> Setting:
        """Every number of the run."""
        return setting(self.experiment, self.scale, self.regime)

    @property
    def folder(self) -> str:
        """Where the record lies below the results folder."""
        name = f"{self.experiment}-{self.regime}"
        if self.reading != "paper":
            name += f"-{self.reading}"
        if self.dtype != "float32":
            name += f"-{self.dtype}"
        return f"{self.scale}/{name}"

    @property
    def name(self) -> str:
        """The record's path below the results folder, without its ending."""
        return f"{self.folder}/{self.algorithm}-{self.round:02d}"

    def identity(self) -> dict[str, Any]:
        """All that determines the results: names, numbers, and the recipe's version."""
        names = asdict(self)
        for how in HOW:
            del names[how]
        return {"recipe": RECIPE, **names, "setting": asdict(self.setting)}


def grid(
    experiment: str,
    *,
    scale: str = "laptop",
    regimes: Sequence[str] = REGIMES,
    algorithms: Sequence[str] = ALGORITHMS,
    rounds: Iterable[int] = range(PAPER_ROUNDS),
    reading: str = "paper",
    dtype: str = "float32",
    **how: Any,
) -> list[RunSpec]:
    """All runs of a sweep, round by round, so that one cut short is still balanced.

    Args:
        how: `RunSpec`'s device, compiled, precision, deterministic.
    """
    return [
        RunSpec(experiment, regime, algorithm, r, scale, reading, dtype, **how)
        for r in rounds
        for regime in regimes
        for algorithm in algorithms
    ]


def parse_rounds(text: str) -> list[int]:
    """Rounds from "0-18", "3", or "0-4,7".

    Raises:
        ValueError: the text is none of these, or a range runs backwards.
    """
    rounds: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f'rounds is {text!r}; write "3", "0-18" or "0-4,7"')
        low, high = int(first), int(last or first)
        if high < low or high > 9999:
            raise ValueError(
                f"rounds is {text!r}; ranges run upwards and end below 10000"
            )
        rounds.update(range(low, high + 1))
    return sorted(rounds)


def _at_least(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} is {value!r}; it must be an integer >= {least}")
