"""Many runs at once, on any ``concurrent.futures`` executor.

A process pool serves one machine, Dask one or many (:mod:`workplaces`); nothing here
knows which.  What a run leaves behind does not depend on who ran it: workers compute on
one thread each, and draw from streams that the spec names.  A worker that dies takes
nothing with it but the time since its last checkpoint, and its run is given to another.
A scheduler that dies or hangs ends the sweep, unless one answers again at its address.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path
from typing import Literal

from marginflow.experiments.runner import AT_WORK, STOP, Limits, Outcome, run_together
from marginflow.experiments.spec import RunSpec
from marginflow.experiments.workplaces import (
    SchedulerLostError,
    Workplace,
    is_loss,
    stop_workers,
)

__all__ = ["run_sweep"]

ATTEMPTS = 4
"""How many times in a row workers may die before a sweep gives up on what is left."""


def run_sweep(
    specs: Sequence[RunSpec],
    results: str | os.PathLike,
    data: str | os.PathLike | None = None,
    *,
    workplace: Workplace,
    limits: Limits | None = None,
    lanes: int = 1,
    report: Callable[[Outcome], None] | None = None,
    tick: Callable[[], None] | None = None,
) -> list[Outcome]:
    """Run ``specs`` wherever ``workplace`` offers, and record them under ``results``.

    Args:
        specs: what to run, in order of preference.
        results, data, limits: as for :func:`marginflow.experiments.runner.run_one`;
            paths that all workers see.
        workplace: opens the executor.
        lanes: how many runs a worker gets at once, to be trained as one program.
        report: called with each outcome as it comes.
        tick: called about once a second meanwhile.

    Returns:
        One outcome for each spec, in their order.  A run that cannot be done is an
        outcome too (``failed``), and holds up no other.
    """
    outcomes: dict[RunSpec, Outcome] = {}
    results = str(Path(results).absolute())
    data = None if data is None else str(Path(data).absolute())

    def take(outcome: Outcome) -> None:
        outcomes[outcome.spec] = outcome
        if report is not None:
            report(outcome)

    def leave(status: Literal["not begun", "failed"], message: str = "") -> None:
        for spec in specs:
            if spec not in outcomes:  # what came before stands
                take(Outcome(spec, status, message=message))

    died = 0
    while left := [spec for spec in specs if spec not in outcomes]:
        before, reason = len(outcomes), ""
        try:
            with workplace() as executor:
                arguments = (results, data, limits)
                futures = _submitted(executor, _groups(left, lanes), arguments)
                for future in _as_they_come(futures, tick, executor):
                    for outcome in _outcomes(future, futures[future]):
                        take(outcome)
        except SchedulerLostError as error:
            reason = str(error)
        if STOP.is_set():  # and what was not begun stays so
            leave("not begun")
        died = 0 if len(outcomes) > before else died + 1
        if died >= ATTEMPTS:
            reason = (
                f"worker processes died {died} times in a row; was there too little "
                "memory? Choose fewer workers or a smaller scale"
            )
        if reason:
            leave("failed", reason)
    return [outcomes[spec] for spec in specs]


def _submitted(
    executor: Executor, groups: Sequence[tuple[RunSpec, ...]], arguments: tuple
) -> dict[Future, tuple[RunSpec, ...]]:
    """The groups given to the executor; not all if it breaks meanwhile."""
    futures = {}
    try:
        for group in groups:
            futures[executor.submit(_work, group, *arguments)] = group
    except Exception as error:
        if not is_loss(error):
            raise
    return futures


def _groups(specs: Sequence[RunSpec], lanes: int) -> list[tuple[RunSpec, ...]]:
    """What is given to a worker at once: up to ``lanes`` runs of one folder."""
    if lanes == 1:
        return [(spec,) for spec in specs]
    folders: dict[str, list[RunSpec]] = {}
    for spec in specs:
        folders.setdefault(spec.folder, []).append(spec)
    return [
        tuple(mine[i : i + lanes])
        for mine in folders.values()
        for i in range(0, len(mine), lanes)
    ]


def _work(
    group: tuple[RunSpec, ...],
    results: str,
    data: str | None,
    limits: Limits | None,
) -> list[Outcome]:
    """What a worker does; every foreseeable trouble is told in the outcome."""
    with AT_WORK:  # threads of a Dask worker take turns
        try:
            return run_together(group, results, data, limits)
        except (ValueError, OSError, MemoryError) as error:
            message = str(error) or type(error).__name__
            return [Outcome(spec, "failed", message=message) for spec in group]


def _as_they_come(
    futures: Collection[Future],
    tick: Callable[[], None] | None,
    executor: Executor | None = None,
) -> Iterator[Future]:
    waiting, told = set(futures), False
    while waiting:
        if STOP.is_set() and not told and executor is not None:
            stop_workers(executor)
            told = True
        done, waiting = wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED)
        yield from done
        if tick is not None:
            tick()


def _outcomes(future: Future, group: tuple[RunSpec, ...]) -> list[Outcome]:
    """What became of some runs; nothing if their worker did not live to tell."""
    try:
        return future.result()
    except Exception as error:
        if is_loss(error):
            return []
        message = f"{type(error).__name__}: {error}"
        return [Outcome(spec, "failed", message=message) for spec in group]
