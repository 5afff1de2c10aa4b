"""What the child processes of `test_faults` do, importable by a fork server."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import official_files

from marginflow.experiments import runner, sweep
from marginflow.experiments.spec import grid

GRID = grid("mnist", scale="smoke", regimes=["finer"], rounds=[0])
"""Five runs of a fraction of a second each."""


@contextmanager
def here():
    """A workplace in this process, which kill -9 takes with it, sweep and worker."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


def sweep_child(results: str, root: str, told: str | None = None) -> None:
    """The grid, one run after the other."""
    official_files.use_generated(Path(root))
    outcomes = sweep.run_sweep(
        GRID, results, root, workplace=here, checkpoint_seconds=0.0
    )
    if told is not None:
        Path(told).write_text(" ".join(outcome.status for outcome in outcomes))


def limited_child(results: str, root: str, spec) -> None:
    """One run that may find the disk full: exit status 7 then, 0 if it went through."""
    official_files.use_generated(Path(root))
    try:
        runner.run_one(spec, results, root, checkpoint_seconds=0.0)
    except OSError as error:
        print(error, file=sys.stderr)
        os._exit(7)
