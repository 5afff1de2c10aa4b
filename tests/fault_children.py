"""What children of `forks` do: runs, sweeps, commands, a Dask scheduler, workers."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import official_files

from marginflow.experiments import runner, sweep, workplaces
from marginflow.experiments.runner import Limits
from marginflow.experiments.spec import grid

GRID = grid("mnist", scale="smoke", regimes=["finer"], rounds=[0])
"""Five runs of a fraction of a second each."""

WHOLE = grid("mnist", scale="smoke", rounds=range(2))
"""Twenty of them."""


@contextmanager
def here():
    """A workplace in this process: one thread, so that runs take turns.

    Kill -9 takes it along, sweep and worker.
    """
    with ThreadPoolExecutor(1) as executor:
        yield executor


def sweep_child(results: str, root: str, told: str | None = None, specs=GRID) -> None:
    """A grid, one run after the other."""
    official_files.use_generated(Path(root))
    outcomes = sweep.run_sweep(specs, results, root, workplace=here, limits=Limits(0.0))
    if told is not None:
        Path(told).write_text(" ".join(outcome.status for outcome in outcomes))


def limited_child(results: str, root: str, spec) -> None:
    """One run that may find the disk full: exit status 7 then, 0 if it went through."""
    official_files.use_generated(Path(root))
    try:
        runner.run_one(spec, results, root, limits=Limits(0.0))
    except OSError as error:
        print(error, file=sys.stderr)
        os._exit(7)


def command_child(
    said: str,
    root: str,
    arguments: list[str],
    answer_seconds: float = 1.0,
    silent_seconds: float = 60.0,
) -> None:
    """``marginflow``, the leader of a session, what it says on stderr going to a file.

    It waits so long for a scheduler to come back, and for one that says nothing.
    """
    from marginflow import cli

    os.setsid()
    # As in a terminal; what a shell starts in the background has Ctrl-C ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    workplaces.ANSWER_SECONDS = answer_seconds
    workplaces.SILENT_SECONDS = silent_seconds
    os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    official_files.use_generated(Path(root))
    sys.exit(cli.main(arguments))


def unguarded_child(said: str, root: str, arguments: list[str]) -> None:
    """The same, with workers that Ctrl-C may find in the midst of their imports."""
    workplaces._Pool = ProcessPoolExecutor
    command_child(said, root, arguments)


def scheduler_child(told: str, port: int = 0) -> None:
    """A Dask scheduler, which writes down its address."""
    import dask
    from distributed import Scheduler

    dask.config.set({"temporary-directory": str(Path(told).parent)})

    async def serve() -> None:
        async with Scheduler(
            host="127.0.0.1", port=port, dashboard_address=":0"
        ) as scheduler:
            draft = Path(f"{told}.tmp")
            draft.write_text(scheduler.address)
            draft.rename(told)
            await scheduler.finished()

    asyncio.run(serve())


def worker_child(address: str, root: str, folder: str) -> None:
    """A Dask worker of one thread, which ends when its scheduler does."""
    from distributed import Worker

    official_files.use_generated(Path(root))

    async def serve() -> None:
        async with Worker(
            address, nthreads=1, memory_limit=0, local_directory=folder
        ) as worker:
            await worker.finished()

    asyncio.run(serve())
    os._exit(0)  # whatever its thread may still be training
