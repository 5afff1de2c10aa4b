"""The engines that are no machines: an argument on paper, and a cited theorem.

Both always come out as what they are, `argued` or `cited`, and never as proven.
"""

from __future__ import annotations

from dataclasses import dataclass

from marginflow.proofs.statement import Engine, Outcome, Verdict

__all__ = ["Argument", "Citation"]


@dataclass(frozen=True)
class Argument:
    """A step of analysis that the reader checks: what from, what to, and `because`."""

    given: str
    then: str
    because: str

    engine = Engine.PAPER

    @property
    def source(self) -> str:
        return self.given

    @property
    def target(self) -> str:
        return self.then

    def settle(self) -> Verdict:
        return Verdict(Outcome.ARGUED, self.engine, self.because)


@dataclass(frozen=True)
class Citation:
    """Someone else's theorem, used as stated; `key` is its entry in references.bib."""

    given: str
    then: str
    key: str
    place: str

    engine = Engine.CITED

    @property
    def source(self) -> str:
        return self.given

    @property
    def target(self) -> str:
        return self.then

    def settle(self) -> Verdict:
        return Verdict(Outcome.CITED, self.engine, f"{self.key}, {self.place}")
