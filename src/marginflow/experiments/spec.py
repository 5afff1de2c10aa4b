"""What to run: one training run of Experiment 2 or 3, and how large (Section 4).

A :class:`RunSpec` names a run; its :class:`Setting` holds every number that the run
depends on.  Both are frozen and hashable, and their digest travels with checkpoints and
records, so that none is ever continued or read under another meaning.

Imports nothing heavy: the command line lists runs without loading torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal, get_args

__all__ = [
    "ALGORITHMS",
    "EXPERIMENTS",
    "PAPER_ROUNDS",
    "REGIMES",
    "SCALES",
    "RunSpec",
    "Setting",
    "grid",
    "parse_rounds",
    "setting",
]

Experiment = Literal["mnist", "cifar10"]
Regime = Literal["finer", "coarser"]
Algorithm = Literal["SGD", "AdaDelta", "AdaDeltaS", "AdaDeltaN", "AdaDeltaNS"]
Scale = Literal["smoke", "laptop", "desk", "plateau", "paper"]
Reading = Literal["paper", "released"]
Dtype = Literal["float32", "float64"]

EXPERIMENTS: tuple[str, ...] = get_args(Experiment)
REGIMES: tuple[str, ...] = get_args(Regime)
ALGORITHMS: tuple[str, ...] = get_args(Algorithm)
SCALES: tuple[str, ...] = get_args(Scale)

PAPER_ROUNDS = 19
"""Runs behind each curve of Figures 2 and 3."""

RECIPE = 1
"""Raised whenever the same spec would come to mean another computation."""


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


def _mnist(batch: int, lr_sgd: float, lr_adadelta: float, **numbers) -> Setting:
    return Setting(
        batch=batch,
        lr_sgd=lr_sgd,
        lr_adadelta=lr_adadelta,
        **{"stability_std": 1.0, **numbers},
    )


_MNIST_SMOKE = {"width": 1 / 32, "train_images": 40, "test_images": 20, "epochs": 6}
_MNIST_LAPTOP = {
    "width": 1 / 8,
    "train_images": 500,
    "test_images": 1000,
    "epochs": 60,
}
_MNIST_DESK = {
    # Long enough that the harmonic schedule's memory, 1000 steps at the end, is at most
    # a twentieth of the run; in the paper's coarser regime it is a thirtieth.
    "width": 1 / 8,
    "train_images": 2000,
    "test_images": 10_000,
    "linear_evaluations": 5,
}
_MNIST_PAPER = {
    "width": 1.0,
    "train_images": 60_000,
    "test_images": 10_000,
    "epochs": 500,
}
_CIFAR_SMOKE = {
    "width": 1 / 64,
    "train_images": 40,
    "test_images": 20,
    "epochs": 4,
    "gain": 2**0.5,
    "stability_std": 0.25,
}
_CIFAR_LAPTOP = {
    "width": 1 / 16,
    "train_images": 100,
    "test_images": 400,
    "epochs": 250,
    "gain": 2**0.5,
    "stability_std": 0.25,
    "linear_evaluations": 6,
}
_CIFAR_DESK = {
    # Ten times the laptop's steps, for the same reason.
    "width": 1 / 8,
    "train_images": 500,
    "test_images": 10_000,
    "epochs": 500,
    "gain": 2**0.5,
    "stability_std": 0.25,
    "linear_evaluations": 5,
}
_CIFAR_PLATEAU = {
    # The laptop's network and data, from the paper's own initialization.
    **_CIFAR_LAPTOP,
    "gain": None,
    "epochs": 800,
}
_CIFAR_PAPER = {
    "width": 1.0,
    "train_images": 50_000,
    "test_images": 10_000,
    "epochs": 1000,
    "stability_std": 0.25,
}

SETTINGS: dict[tuple[str, str, str], Setting] = {
    # Learning rates of SGD at laptop scale follow the paper's own rule (page 10):
    # perfect training accuracy after a similar number of epochs as AdaDelta.
    ("mnist", "smoke", "finer"): _mnist(10, 0.03, 0.1, **_MNIST_SMOKE),
    ("mnist", "smoke", "coarser"): _mnist(20, 0.3, 1.0, **_MNIST_SMOKE),
    ("mnist", "laptop", "finer"): _mnist(10, 0.03, 0.1, **_MNIST_LAPTOP),
    ("mnist", "laptop", "coarser"): _mnist(
        # Twice the epochs: one has only 5 steps, and measuring is to stay cheap beside.
        100,
        0.3,
        1.0,
        **{**_MNIST_LAPTOP, "epochs": 120},
    ),
    ("mnist", "desk", "finer"): _mnist(10, 0.03, 0.1, epochs=150, **_MNIST_DESK),
    ("mnist", "desk", "coarser"): _mnist(50, 0.3, 1.0, epochs=500, **_MNIST_DESK),
    ("mnist", "paper", "finer"): _mnist(100, 0.01, 0.1, **_MNIST_PAPER),
    ("mnist", "paper", "coarser"): _mnist(1000, 0.1, 1.0, **_MNIST_PAPER),
    ("cifar10", "smoke", "finer"): Setting(
        batch=8, lr_sgd=0.1, lr_adadelta=0.1, **_CIFAR_SMOKE
    ),
    ("cifar10", "smoke", "coarser"): Setting(
        batch=20, lr_sgd=0.25, lr_adadelta=0.25, **_CIFAR_SMOKE
    ),
    ("cifar10", "laptop", "finer"): Setting(
        batch=10, lr_sgd=0.03, lr_adadelta=0.1, **_CIFAR_LAPTOP
    ),
    ("cifar10", "laptop", "coarser"): Setting(
        # Twice the epochs: with fewer steps the harmonic schedule, whose memory grows
        # to 1000 of them, keeps AdaDeltaS and NS from separating.
        batch=25,
        lr_sgd=0.05,
        lr_adadelta=0.25,
        **{**_CIFAR_LAPTOP, "epochs": 500},
    ),
    ("cifar10", "desk", "finer"): Setting(
        batch=10, lr_sgd=0.03, lr_adadelta=0.1, **_CIFAR_DESK
    ),
    ("cifar10", "desk", "coarser"): Setting(
        batch=25, lr_sgd=0.05, lr_adadelta=0.25, **{**_CIFAR_DESK, "epochs": 1000}
    ),
    ("cifar10", "plateau", "finer"): Setting(
        batch=10, lr_sgd=0.1, lr_adadelta=0.1, **_CIFAR_PLATEAU
    ),
    ("cifar10", "plateau", "coarser"): Setting(
        batch=25, lr_sgd=0.25, lr_adadelta=0.25, **_CIFAR_PLATEAU
    ),
    ("cifar10", "paper", "finer"): Setting(
        batch=100, lr_sgd=0.1, lr_adadelta=0.1, **_CIFAR_PAPER
    ),
    ("cifar10", "paper", "coarser"): Setting(
        batch=250, lr_sgd=0.25, lr_adadelta=0.25, **_CIFAR_PAPER
    ),
}


def setting(experiment: str, scale: str, regime: str) -> Setting:
    """The numbers behind an experiment, scale and regime.

    Raises:
        ValueError: a name is unknown, or the experiment has no such scale.
    """
    for name, value, known in (
        ("experiment", experiment, EXPERIMENTS),
        ("scale", scale, SCALES),
        ("regime", regime, REGIMES),
    ):
        _choose(name, value, known)
    if (experiment, scale, regime) not in SETTINGS:
        known = [s for s in SCALES if (experiment, s, regime) in SETTINGS]
        raise ValueError(
            f"scale is {scale!r}, which {experiment} has not; choose one of "
            f"{', '.join(known)}"
        )
    return SETTINGS[experiment, scale, regime]


@dataclass(frozen=True, order=True)
class RunSpec:
    """One training run.

    Equal specs give equal results, bit for bit on one machine and device.  The five
    algorithms of a round share its initialization, stability terms and mini-batches.
    ``device`` says where to run and is no part of the run's identity.

    Raises:
        ValueError: a name is unknown or the round is negative.
    """

    experiment: Experiment
    regime: Regime
    algorithm: Algorithm
    round: int
    scale: Scale = "laptop"
    reading: Reading = "paper"
    """Where text and released code differ: network, horizon K, loss in float32."""
    dtype: Dtype = "float32"
    device: str = field(default="auto", compare=False)
    """"auto" (CUDA, MPS, CPU), or a torch device."""
    compiled: bool = field(default=False, compare=False)
    """Whether torch.compile makes the optimizer's step and, on a GPU, the network; that
    rounds differently, as another device does, and is no part of the identity either.
    """

    def __post_init__(self) -> None:
        for name, known in (
            ("experiment", EXPERIMENTS),
            ("regime", REGIMES),
            ("algorithm", ALGORITHMS),
            ("scale", SCALES),
            ("reading", get_args(Reading)),
            ("dtype", get_args(Dtype)),
        ):
            _choose(name, getattr(self, name), known)
        setting(self.experiment, self.scale, self.regime)
        if isinstance(self.round, bool) or not isinstance(self.round, int):
            raise ValueError(f"round is {self.round!r}; it must be an integer >= 0")
        if self.round < 0:
            raise ValueError(f"round is {self.round}; it must be an integer >= 0")

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

    def identity(self) -> dict:
        """All that determines the results: names, numbers, and the recipe's version."""
        names = asdict(self)
        del names["device"], names["compiled"]
        return {"recipe": RECIPE, **names, "setting": asdict(self.setting)}

    def digest(self) -> str:
        """SHA-256 of the identity."""
        text = json.dumps(self.identity(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def on(self, device: str) -> RunSpec:
        """The same run on another device."""
        return replace(self, device=device)


def grid(
    experiment: str,
    *,
    scale: str = "laptop",
    regimes: Sequence[str] = REGIMES,
    algorithms: Sequence[str] = ALGORITHMS,
    rounds: Iterable[int] = range(PAPER_ROUNDS),
    reading: str = "paper",
    dtype: str = "float32",
    device: str = "auto",
    compiled: bool = False,
) -> list[RunSpec]:
    """All runs of a sweep, round by round, so that one cut short is still balanced."""
    return [
        RunSpec(
            experiment, regime, algorithm, r, scale, reading, dtype, device, compiled
        )
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


def _choose(name: str, value: object, known: Sequence[str]) -> None:
    if value not in known:
        raise ValueError(f"{name} is {value!r}; choose one of {', '.join(known)}")
