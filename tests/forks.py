"""Processes forked off one that has imported what they need, and what they leave.

A child is at work within milliseconds, so that a signal at a random moment finds it
reading, training or writing, and seldom in the midst of an import.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import fault_children

from marginflow.experiments import checkpoints
from marginflow.experiments.records import read_record, record_path
from marginflow.experiments.spec import RunSpec

_forkserver = multiprocessing.get_context("forkserver")
# What children import, for it takes seconds. The server knows installed modules only,
# and passes over in silence whatever it does not find.
_forkserver.set_forkserver_preload(
    [
        "marginflow.experiments.sweep",
        "marginflow.experiments.training",
        "torchvision",
        "pandas",  # which pyarrow wants when it writes
        "pyarrow.parquet",
        "distributed",
    ]
)


def start(target: Callable, *arguments, **options):
    """A child process that calls ``target``."""
    process = _forkserver.Process(target=target, args=arguments, kwargs=options)
    process.start()
    return process


def finish(process, seconds: float = 240.0) -> None:
    """Wait for a child, which must end well."""
    process.join(seconds)
    assert process.exitcode == 0


def killed_midway(process, seconds: float) -> bool:
    """Kill -9 after that long; False if the child was through before."""
    time.sleep(seconds)
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


def until(
    condition: Callable[[], object], seconds: float = 240.0, step: float = 0.001
) -> None:
    """Wait for something that other processes do, looking every ``step`` seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(step)


def gone(results, specs) -> None:
    """Wait until no process has any of the runs."""
    until(lambda: not any(checkpoints.epochs_done(results, spec) for spec in specs), 60)


def digests(results, specs) -> dict[RunSpec, str]:
    """Rows' digests of the records there are; damaged ones raise."""
    return {
        spec: read_record(record_path(results, spec), spec).provenance["content"]
        for spec in specs
        if record_path(results, spec).exists()
    }


def leftovers(results) -> list[str]:
    """Files that are neither records nor locks."""
    paths = (p for p in Path(results).rglob("*") if p.is_file())
    return [p.name for p in paths if p.suffix not in (".parquet", ".lock")]


def workers_of(pid: int) -> list[int]:
    """Children of a process that are pool workers (not the resource tracker)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            line = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if int(stat[1]) == pid and b"spawn_main" in line:
            found.append(int(entry.name))
    return found


@contextmanager
def dask(folder: Path, files, workers: int = 1, port: int = 0):
    """A scheduler, its address, and its workers, all processes of their own."""
    told = folder / "scheduler"
    told.unlink(missing_ok=True)
    scheduler = start(fault_children.scheduler_child, str(told), port)
    until(told.exists)
    address = told.read_text()
    crew = [
        start(fault_children.worker_child, address, str(files), str(folder))
        for _ in range(workers)
    ]
    try:
        yield scheduler, address, crew
    finally:
        for process in (scheduler, *crew):
            process.kill()
            process.join()
