"""The engines that are no machines: an argument on paper, and a cited theorem.

Both always come out as what they are, `argued` or `cited`, and never as proven.
"""

from __future__ import annotations

from dataclasses import dataclass

from marginflow.proofs.statement import Engine, Outcome, Verdict

__all__ = ["Argument", "Citation"]


@dataclass(frozen=True)
class Argument:
    """A step of analysis that the reader checks: what from, what to, and `because`.

    `coq` names the theorem or lemma in `formal/` that proves the same, where there is
    one.
    """

    source: str
    target: str
    because: str
    coq: str = ""

    engine = Engine.PAPER

    def settle(self) -> Verdict:
        also = f" (in Coq: {self.coq})" if self.coq else ""
        return Verdict(Outcome.ARGUED, self.engine, self.because + also)


@dataclass(frozen=True)
class Citation:
    """Someone else's theorem, as stated; `work` has its entry in the bibliography."""

    source: str
    target: str
    work: str
    place: str

    engine = Engine.CITED

    def settle(self) -> Verdict:
        return Verdict(Outcome.CITED, self.engine, f"{self.work}, {self.place}")
