"""One claim: what the paper says, what is measured, the tolerance, and the verdict.

How a number is judged:

- *reproduced* or *not reproduced*: the tolerance is kept or not, and lies outside the
  95 % interval of the measure over the rounds (of a count of rounds, the exact one);
- *undecided*: the tolerance lies within that interval; the standard error is told;
- *mostly*: (Experiment 1) on less than 95 %, but more than half of the data sets;
- *not testable at this scale*: the paper's sentence hangs on the size of the network,
  the data or the training, and less than that was run;
- *too few rounds*: fewer than five in which all five algorithms are recorded;
- *proven (Coq)*, *proven*, *cited*: of statements, by how their proof was settled.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "MOST_ROUNDS",
    "VERDICTS",
    "Claim",
    "Finding",
    "Result",
    "finite",
    "judge",
    "legible",
    "share",
]

VERDICTS = (
    "proven (Coq)",
    "proven",
    "reproduced",
    "mostly",
    "undecided",
    "not reproduced",
    "not testable at this scale",
    "too few rounds",
    "not recorded",
    "cited",
)

TOLD = ("name", "group", "regime", "where", "says", "measured", "tolerance", "page",
        "needs", "by")  # fmt: skip
"""What is told of a claim as plain text."""

MOST_ROUNDS = 5
"""Full rounds that a verdict on Experiments 2 and 3 needs."""


@dataclass(frozen=True)
class Result:
    """What came out in one reading, and where it comes from."""

    verdict: str
    found: str
    """In words."""
    number: float | None = None
    """What is held against the tolerance; None where nothing is, or not finite."""
    low: float | None = None
    high: float | None = None
    """The ends of its 95 % interval, where it has one."""
    reading: str = ""
    """"paper" (its text), "released" (its code), or "" where there is but one."""
    scale: str = ""
    rounds: int = 0
    records: str = ""
    """Below the results folder."""
    commits: tuple[str, ...] = ()
    recorded: str = ""
    """When: the first and the last day."""


@dataclass(frozen=True)
class Claim:
    """One claim of the paper."""

    name: str
    where: str
    """Where it stands in the paper."""
    says: str
    page: str
    """The chapter of this book that treats it."""
    measure: Callable[[Claim, Path], list[Result]]
    """From the results folder; the best-founded result comes first."""
    quantity: Callable[..., Any]
    """What ``measure`` holds against the tolerance; its docstring says so in words."""
    holds: str = ""
    """"at least", "at most" or "within"; "" where nothing is measured."""
    limit: float = 0.0
    band: float = 0.0
    """For "within": how far from ``limit``."""
    experiment: str = ""
    regime: str = ""
    needs: str = ""
    """Why scales that are too ``small`` cannot refute it; "" where any can."""
    small: tuple[str, ...] = ("smoke", "laptop", "desk", "plateau")
    needs_alone: bool = False
    """Whether they cannot bear it out either."""
    universal: bool = False
    """Whether it says "all", so that a single run can refute it: no interval then."""
    images: float = 0.0
    """Share of a test accuracy's own error that enters the quantity."""

    @property
    def measured(self) -> str:
        """What is measured, in words."""
        told = (inspect.getdoc(self.quantity) or "").partition("\n\n")[0]
        return f"{told[:1].lower()}{told[1:].rstrip('.')}".replace("\n", " ")

    @property
    def tolerance(self) -> str:
        """In words; "" where nothing is measured."""
        if not self.holds:
            return ""
        if self.holds == "within":
            return f"{self.limit:g} ± {self.band:g}"
        share = ", on 95 % of 21 data sets" if self.experiment == "perceptron" else ""
        return f"{self.holds} {self.limit:g}{share}"

    @property
    def group(self) -> str:
        """The name without its regime: what the scoreboard shows in one row."""
        return self.name.removesuffix(f"-{self.regime}") if self.regime else self.name

    @property
    def by(self) -> str:
        """The function that measures it."""
        return f"{self.quantity.__module__}.{self.quantity.__qualname__}"

    def room(self, number: float) -> float:
        """How many times within its tolerance a number is: 1 on it, below 1 outside."""
        if self.holds == "at least":
            return number / self.limit
        most, size = self.limit, number
        if self.holds == "within":
            most, size = self.band, abs(number - self.limit)
        return math.inf if size <= 0 else most / size

    def kept_by(self, number: float) -> bool:
        """Whether the number is within the tolerance; NaN is not.

        Equal is equal, though decimal fractions differ in their last bits.
        """
        return self.room(number) >= 1 - 1e-9


@dataclass(frozen=True)
class Finding:
    """A claim, and what came out."""

    claim: Claim
    results: tuple[Result, ...]
    """The best-founded comes first."""

    @classmethod
    def from_json(cls, claim: Claim, entry: dict[str, Any]) -> Finding:
        """What :meth:`as_json` made of a finding on that claim."""
        results = tuple(
            Result(**{**each, "commits": tuple(each["commits"])})
            for each in entry["results"]
        )
        if not results:
            raise ValueError(f"{claim.name} has no results")
        return cls(claim, results)

    def as_json(self) -> dict[str, Any]:
        """As plain data: what the claim says, and the results."""
        told = {name: getattr(self.claim, name) for name in TOLD}
        return {**told, "results": [asdict(result) for result in self.results]}

    @property
    def name(self) -> str:
        """The claim's."""
        return self.claim.name

    @property
    def verdict(self) -> str:
        """The best-founded one."""
        return self.results[0].verdict

    @property
    def found(self) -> str:
        """What it rests on."""
        return self.results[0].found


def judge(
    claim: Claim, number: float, low: float, high: float, scale: str = "paper"
) -> str:
    """The verdict on a number with its 95 % interval, at a scale."""
    smaller = bool(claim.needs) and scale in claim.small
    if smaller and claim.needs_alone:
        return "not testable at this scale"
    kept = claim.kept_by(number)
    if low < high and claim.kept_by(low) != claim.kept_by(high):
        return "undecided"
    if not kept and smaller:
        return "not testable at this scale"
    return "reproduced" if kept else "not reproduced"


def share(holding: int, of: int) -> str:
    """The verdict where a claim is judged on many data sets, each by itself."""
    if holding >= 0.95 * of:
        return "reproduced"
    return "not reproduced" if holding <= 0.5 * of else "mostly"


def legible(x: float) -> str:
    """A number for people: three digits, or all that stand before the point."""
    return f"{x:,.0f}" if 100 <= abs(x) < 1e6 else f"{x:.3g}"


Number = float | None


def finite(middle: float, low: float, high: float) -> tuple[Number, Number, Number]:
    """For JSON, to four digits; None for what is not finite."""

    def told(x: float) -> Number:
        return float(f"{x:.4g}") if math.isfinite(x) else None

    return told(middle), told(low), told(high)
