"""What a proof is made of: statements, steps, mutations and verdicts.

A `Statement` is an ordered list of `Step`s. A step leads from something to
something, says why, and names what it rests on. Its `check` is one object of one
engine (algebra, solver, numbers, paper, cited), which can be asked to `settle` it.
Beside each machine-checked step stand `Mutation`s: the same step with something
broken, which the same engine has to refute. A check that cannot refute anything
checks nothing. A mutation is said as a difference: `step.without("rho", …, rho <= 1)`,
`step.where("sign", …, right=-right)`.

Nothing here imports SymPy or z3, so that names and tables cost no start-up time.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

__all__ = [
    "Check",
    "Engine",
    "Mutation",
    "Outcome",
    "Report",
    "Statement",
    "Step",
    "Verdict",
]


class Engine(enum.Enum):
    """How a step is settled, strongest first."""

    ALGEBRA = "algebra"
    """An identity (or a limit), shown by SymPy in exact arithmetic."""
    SOLVER = "solver"
    """An implication between inequalities: z3 finds its negation unsatisfiable."""
    PAPER = "paper"
    """An argument of analysis, written out for the reader; no machine checks it."""
    CITED = "cited"
    """A theorem of someone else, used as stated."""
    NUMBERS = "numbers"
    """Measured on a flow: evidence, never a proof."""

    @property
    def by_machine(self) -> bool:
        """Whether a machine settles it, so that a mutation must be refuted."""
        return self not in (Engine.PAPER, Engine.CITED)


class Outcome(enum.Enum):
    """What came out of asking an engine."""

    PROVEN = "proven"
    MEASURED = "measured"
    ARGUED = "argued"
    CITED = "cited"
    REFUTED = "refuted"
    UNDECIDED = "undecided"

    @property
    def stands(self) -> bool:
        """Whether the step stands. Undecided counts as not standing."""
        return self not in (Outcome.REFUTED, Outcome.UNDECIDED)


@dataclass(frozen=True)
class Verdict:
    """One engine's answer about one check.

    `witness` maps names to values: the counterexample of a refutation, or the
    measured number. `seconds` is the time that settling took.
    """

    outcome: Outcome
    engine: Engine
    detail: str
    witness: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class Check(Protocol):
    """What a step asks of an engine.

    `source` and `target` are what the step leads from and to, in plain text.
    """

    engine: Engine

    @property
    def source(self) -> str: ...

    @property
    def target(self) -> str: ...

    def settle(self) -> Verdict: ...


@dataclass(frozen=True)
class Mutation:
    """A step with one thing broken; its check has to come out refuted."""

    name: str
    change: str
    check: Check


@dataclass(frozen=True)
class Step:
    """One step of a proof: from → to, why, under which assumptions.

    `under` names what the step rests on: assumptions, equations, definitions and
    other statements, in the spelling of `marginflow.proofs.REFERENCES`.
    """

    name: str
    check: Check
    why: str
    under: tuple[str, ...] = ()
    mutations: tuple[Mutation, ...] = ()

    def settle(self, mutation: Mutation | None = None) -> Verdict:
        """Ask the engine, and time it; with a mutation, about the broken step."""
        start = time.perf_counter()
        verdict = (mutation or self).check.settle()
        return replace(verdict, seconds=time.perf_counter() - start)

    def where(self, name: str, change: str, **parts: Any) -> Step:
        """The step with one more mutation: the check with other parts in these fields.

        Raises:
            TypeError: the check has no such field.
            ValueError: nothing would be changed.
        """
        whole: Any = self.check
        check = replace(whole, **parts)
        if check == whole:
            raise ValueError(f"mutation {name!r} of step {self.name!r} changes nothing")
        mutation = Mutation(name, change, check)
        return replace(self, mutations=(*self.mutations, mutation))

    def instead(self, name: str, change: str, hypothesis: Any, other: Any) -> Step:
        """The step with one more mutation: one thing given, in place of another."""
        whole: Any = self.check
        (left_out,) = replace(whole, given=(hypothesis,)).given  # as the check has it
        given = (other if each == left_out else each for each in whole.given)
        return self.where(name, change, given=tuple(given))

    def without(self, name: str, change: str, *hypotheses: Any) -> Step:
        """The step with one more mutation: some of what is given left out."""
        whole: Any = self.check
        left_out = replace(whole, given=hypotheses).given
        given = (each for each in whole.given if each not in left_out)
        return self.where(name, change, given=tuple(given))


@dataclass(frozen=True)
class Report:
    """One settled step of one statement; `mutation` is set where it was broken."""

    statement: Statement
    step: Step
    verdict: Verdict
    mutation: Mutation | None = None

    @property
    def check(self) -> Check:
        """What was settled: the step's own check, or the broken one."""
        return (self.mutation or self.step).check


@dataclass(frozen=True)
class Statement:
    """A statement of the paper (or of this companion) and its proof.

    `where` is its place in the paper; a statement without one is the companion's own.
    `page` is the chapter of the book, without extension; by default that of its name,
    as is its `title`.
    """

    name: str
    claim: str
    steps: tuple[Step, ...] = ()
    where: str = "not in the paper"
    title: str = ""
    page: str = ""

    def __post_init__(self) -> None:
        title = self.name[0].upper() + self.name[1:].replace("-", " ")
        object.__setattr__(self, "title", self.title or title)
        object.__setattr__(self, "page", self.page or self.name)
        names = [step.name for step in self.steps]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(
                f"steps of {self.name!r} must have different names, but {sorted(twice)}"
                " occur more than once"
            )

    def proof(self, *steps: Step) -> Statement:
        """The statement with these steps."""
        return replace(self, steps=steps)

    @property
    def companion(self) -> bool:
        """Whether the paper does not contain it."""
        return self.where == "not in the paper"

    @property
    def rests_on(self) -> tuple[str, ...]:
        """Everything that its steps rest on, in order of first use."""
        return tuple(dict.fromkeys(ref for step in self.steps for ref in step.under))

    @property
    def engines(self) -> tuple[Engine, ...]:
        """The engines that its steps use, strongest first."""
        used = {step.check.engine for step in self.steps}
        return tuple(engine for engine in Engine if engine in used)

    @property
    def mutations(self) -> tuple[str, ...]:
        """Names that `broken` accepts, in order of first use."""
        return tuple(
            dict.fromkeys(m.name for step in self.steps for m in step.mutations)
        )

    def step(self, name: str) -> Step:
        """The step of that name.

        Raises:
            ValueError: there is none; the message lists those there are.
        """
        for step in self.steps:
            if step.name == name:
                return step
        raise ValueError(
            f"{self.name} has no step {name!r}; its steps are "
            + ", ".join(step.name for step in self.steps)
        )

    def prove(self) -> Iterator[Report]:
        """Settle each step in turn."""
        for step in self.steps:
            yield Report(self, step, step.settle())

    def broken(self, name: str) -> Iterator[Report]:
        """Settle every step that has a mutation of that name, broken by it.

        Raises:
            ValueError: no step has such a mutation; the message lists those there are.
        """
        if name not in self.mutations:
            offer = ", ".join(self.mutations) or "none: nothing here is machine-checked"
            raise ValueError(
                f"{self.name} has no mutation {name!r}; its mutations are {offer}"
            )
        for step in self.steps:
            for mutation in step.mutations:
                if mutation.name == name:
                    yield Report(self, step, step.settle(mutation), mutation)
