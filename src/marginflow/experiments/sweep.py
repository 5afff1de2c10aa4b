"""Many runs at once, on any ``concurrent.futures`` executor.

A process pool serves one machine, Dask one or many; nothing else here knows which.
What a run leaves behind does not depend on who ran it: workers compute on one thread
each, and draw from streams that the spec names.  A worker that dies takes nothing with
it but the time since its last checkpoint, and its run is given to another.  A scheduler
that dies or hangs ends the sweep, unless one answers again at its address.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import statistics
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path

from marginflow.experiments.records import part_path, read_record, record_path
from marginflow.experiments.runner import Outcome, epochs_done, run_together
from marginflow.experiments.spec import ALGORITHMS, REGIMES, RunSpec

__all__ = [
    "SchedulerLostError",
    "Standing",
    "dask_cluster",
    "dask_scheduler",
    "estimate_seconds",
    "process_pool",
    "run_sweep",
    "standing",
]

Workplace = Callable[[], AbstractContextManager[Executor]]
"""Opens an executor; called again if the one before was lost with a worker."""

ATTEMPTS = 4
"""How many times in a row workers may die before a sweep gives up on what is left."""

ANSWER_SECONDS = 10
"""How long a Dask scheduler may take to answer, at first and after it was lost."""

SILENT_SECONDS = 60
"""How long a Dask scheduler may be silent at work before it is taken for lost."""


class SchedulerLostError(ConnectionError):
    """A scheduler that answered before does not any more; says what to do."""


_one_run_a_process = threading.Lock()


def run_sweep(
    specs: Sequence[RunSpec],
    results: str | os.PathLike,
    data: str | os.PathLike | None = None,
    *,
    workplace: Workplace,
    checkpoint_seconds: float = 30.0,
    stop_after: int | None = None,
    lockstep: bool = False,
    report: Callable[[Outcome], None] | None = None,
    tick: Callable[[], None] | None = None,
) -> list[Outcome]:
    """Run ``specs`` wherever ``workplace`` offers, and record them under ``results``.

    Args:
        specs: what to run, in order of preference.
        results, data, checkpoint_seconds, stop_after: as for
            :func:`marginflow.experiments.runner.run_one`; paths that all workers see.
        workplace: opens the executor.
        lockstep: give a worker all algorithms of a round at once.
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

    died = 0
    while left := [spec for spec in specs if spec not in outcomes]:
        before, reason = len(outcomes), ""
        try:
            with workplace() as executor:
                arguments = (results, data, checkpoint_seconds, stop_after)
                futures = _submitted(executor, _groups(left, lockstep), arguments)
                for future in _as_they_come(futures, tick):
                    for outcome in _outcomes(future, futures[future]):
                        take(outcome)
        except SchedulerLostError as error:
            reason = str(error)
        died = 0 if len(outcomes) > before else died + 1
        if died >= ATTEMPTS:
            reason = (
                f"worker processes died {died} times in a row; was there too little "
                "memory? Choose fewer workers or a smaller scale"
            )
        if reason:
            for spec in left:
                if spec not in outcomes:  # what came before the loss stands
                    take(Outcome(spec, "failed", message=reason))
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
        if not _is_loss(error):
            raise
    return futures


def _is_loss(error: BaseException) -> bool:
    """Whether an executor says by this that it, or a worker, is no more."""
    if isinstance(error, BrokenProcessPool | CancelledError):
        return True
    return type(error).__name__ in (
        "ClosedClientError",
        "CommClosedError",
        "FutureCancelledError",
        "KilledWorker",
    )


def _groups(specs: Sequence[RunSpec], lockstep: bool) -> list[tuple[RunSpec, ...]]:
    """What is given to a worker at once."""
    if not lockstep:
        return [(spec,) for spec in specs]
    groups: dict[tuple, list[RunSpec]] = {}
    for spec in specs:
        groups.setdefault((spec.folder, spec.round), []).append(spec)
    return [tuple(group) for group in groups.values()]


def _work(
    group: tuple[RunSpec, ...],
    results: str,
    data: str | None,
    checkpoint_seconds: float,
    stop_after: int | None,
) -> list[Outcome]:
    """What a worker does; every foreseeable trouble is told in the outcome."""
    with _one_run_a_process:  # threads of a Dask worker take turns
        try:
            return run_together(
                group,
                results,
                data,
                checkpoint_seconds=checkpoint_seconds,
                stop_after=stop_after,
            )
        except (ValueError, OSError, MemoryError) as error:
            message = str(error) or type(error).__name__
            return [Outcome(spec, "failed", message=message) for spec in group]


def _as_they_come(
    futures: Collection[Future], tick: Callable[[], None] | None
) -> Iterator[Future]:
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED)
        yield from done
        if tick is not None:
            tick()


def _outcomes(future: Future, group: tuple[RunSpec, ...]) -> list[Outcome]:
    """What became of some runs; nothing if their worker did not live to tell."""
    try:
        return future.result()
    except Exception as error:
        if _is_loss(error):
            return []
        message = f"{type(error).__name__}: {error}"
        return [Outcome(spec, "failed", message=message) for spec in group]


# ---- workplaces ----------------------------------------------------------------------


def process_pool(workers: int) -> Workplace:
    """A pool of ``workers`` fresh processes on this machine, one thread each.

    Raises:
        ValueError: ``workers`` is not a positive integer.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ValueError(f"workers is {workers!r}; it must be a positive integer")

    @contextmanager
    def workplace() -> Iterator[Executor]:
        # At its start the tracker lets Ctrl-C through again: not while a worker starts.
        resource_tracker.ensure_running()
        pool = _Pool(
            workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
        )
        try:
            yield pool
        except BaseException:
            # Records and checkpoints are whole at any moment, so workers may just end.
            for child in multiprocessing.active_children():
                child.terminate()
            raise
        finally:
            # Once and to the end: the pool's thread must not meet Python's own exit.
            pool.shutdown(cancel_futures=True)

    return workplace


class _Pool(ProcessPoolExecutor):
    """A process pool that a Ctrl-C finds with a worker started or not, but not between.

    Workers are born with Ctrl-C held back, and so say nothing of it while Python starts
    in them: what is imported then would end in a traceback.
    """

    def submit(self, fn, /, *args, **kwargs) -> Future:
        """As for any executor; here is where workers are started."""
        held = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _start_worker() -> None:
    """Set up a worker: it ends at once at Ctrl-C, and with its parent in any case."""
    os.environ["OMP_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    parent = multiprocessing.parent_process()

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


class _DaskExecutor(Executor):
    """A Dask client's workers; unlike its own executor, ends every future.

    That one waits for ever if the scheduler is lost while a result is on its way, or
    hangs.
    """

    def __init__(self, client) -> None:
        self._client = client
        self._loop = client.loop.asyncio_loop
        self._waiting: set[asyncio.Task] = set()  # for the loop's thread alone
        self._listener = asyncio.run_coroutine_threadsafe(self._listen(), self._loop)

    def submit(self, fn, /, *args, **kwargs) -> Future:
        """As for any executor."""
        theirs = self._client.submit(fn, *args, pure=False, **kwargs)
        return asyncio.run_coroutine_threadsafe(self._result(theirs), self._loop)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Stop listening; the client, which is not ours, is left as it is."""
        self._listener.cancel()

    async def _result(self, theirs) -> list[Outcome]:
        waiting = asyncio.current_task()
        self._waiting.add(waiting)
        try:
            return await theirs
        except (KeyboardInterrupt, SystemExit) as error:  # would end the loop's thread
            raise RuntimeError(f"a worker raised {type(error).__name__}") from error
        finally:
            self._waiting.remove(waiting)

    async def _listen(self) -> None:
        """Give up what is waited for when the scheduler no longer answers."""
        while True:
            await asyncio.sleep(SILENT_SECONDS / 4)
            try:
                async with asyncio.timeout(SILENT_SECONDS):
                    await self._client.scheduler.identity()
            except TimeoutError:
                for waiting in self._waiting:
                    waiting.cancel()
            except OSError:
                pass  # a connection that is lost is the client's to notice


def dask_scheduler(address: str) -> Workplace:
    """The workers of a running Dask scheduler.

    They must see the results and data folders at the same paths.  Start them with
    ``--nthreads 1``.  If the scheduler is lost, or says nothing for ``SILENT_SECONDS``,
    whoever answers at its address within ``ANSWER_SECONDS`` is given the rest.

    Raises:
        ValueError: (when opened) nothing answers at the address.
        SchedulerLostError: (when opened again) nothing answers there any more.
    """
    answered = False

    @contextmanager
    def workplace() -> Iterator[Executor]:
        nonlocal answered
        from distributed import Client

        with _silenced("distributed.client"):  # which tells of a loss by its traceback
            try:
                _ask_who_is_there(address)
                client = Client(address, timeout=f"{ANSWER_SECONDS}s")
            except (OSError, ValueError) as error:
                if answered:
                    raise SchedulerLostError(
                        f"the Dask scheduler at {address!r} was lost: it answered, and "
                        "does so no more. What is recorded stays, and what was under "
                        "way goes on from its checkpoint: start a scheduler and "
                        "workers and give the command again with its address, or "
                        "without --scheduler to go on here"
                    ) from error
                raise ValueError(
                    f"scheduler is {address!r}, where no Dask scheduler answers "
                    f"({error})"
                ) from error
            answered = True
            with client, _DaskExecutor(client) as executor:
                yield executor

    return workplace


def _ask_who_is_there(address: str) -> None:
    """Speak with a scheduler once, since a client waits for ever for one that hangs.

    Raises:
        OSError: nobody answers within ``ANSWER_SECONDS``.
        ValueError: it is no address.
    """
    from distributed import rpc

    async def ask() -> None:
        async with rpc(address) as scheduler:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await scheduler.identity()
            except TimeoutError:
                raise TimeoutError(f"silent for {ANSWER_SECONDS:g} s") from None

    # In a thread of its own, for a notebook's has a loop that runs already.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, ask()).result()


@contextmanager
def _silenced(name: str) -> Iterator[None]:
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


def dask_cluster(workers: int) -> Workplace:
    """A Dask cluster of ``workers`` processes on this machine, without a dashboard.

    Raises:
        ValueError: ``workers`` is not a positive integer.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ValueError(f"workers is {workers!r}; it must be a positive integer")

    @contextmanager
    def workplace() -> Iterator[Executor]:
        from distributed import Client, LocalCluster

        with (
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                memory_limit=0,
            ) as cluster,
            Client(cluster) as client,
            _DaskExecutor(client) as executor,
        ):
            yield executor

    return workplace


# ---- what stands, and what the rest would cost ---------------------------------------


@dataclass(frozen=True)
class Standing:
    """What there is of one experiment's grid."""

    recorded: tuple[RunSpec, ...]
    diverged: tuple[RunSpec, ...]
    """Recorded as diverged."""
    under_way: dict[RunSpec, tuple[int, int]]
    """Epochs done and in all, where a process is at work."""
    stopped: dict[RunSpec, int]
    """Epochs done, where a run was stopped before its end and can go on."""
    missing: tuple[RunSpec, ...]
    damaged: dict[RunSpec, str]
    """Records that cannot be used, and why."""
    seconds_left: float | None
    """CPU seconds that the missing ones would take; None if nothing tells."""


def standing(specs: Sequence[RunSpec], results: str | os.PathLike) -> Standing:
    """Look at the records and locks of ``specs``."""
    recorded, diverged, missing = [], [], []
    under_way, stopped, damaged = {}, {}, {}
    for spec in specs:
        path = record_path(results, spec)
        if path.exists():
            try:
                record = read_record(path, spec)
            except ValueError as error:
                damaged[spec] = str(error)
                continue
            bad = record.provenance["status"] == "diverged"
            (diverged if bad else recorded).append(spec)
        elif (done := epochs_done(results, spec)) is not None:
            under_way[spec] = done
        elif (part := part_path(results, spec)).exists():
            try:
                stopped[spec] = read_record(part, spec).provenance["epochs_done"]
            except ValueError as error:
                damaged[spec] = str(error)
        else:
            missing.append(spec)
    left_over = (*missing, *under_way, *stopped)
    costs = [estimate_seconds(spec, results) for spec in left_over]
    known = [cost for cost in costs if cost is not None]
    left = sum(known) * len(costs) / len(known) if known else None
    return Standing(
        tuple(recorded),
        tuple(diverged),
        under_way,
        stopped,
        tuple(missing),
        damaged,
        left if costs else 0.0,
    )


def estimate_seconds(spec: RunSpec, results: str | os.PathLike) -> float | None:
    """What a run should take: the median of its kind's recorded ones, or None.

    If there are none of its algorithm, others of its folder serve; none there, those of
    the other regime, in proportion to the examples seen.
    """
    own = _seconds(results, spec.folder, spec.algorithm)
    if own:
        return statistics.median(own)
    for regime in (spec.regime, *REGIMES):
        other = RunSpec(
            spec.experiment,
            regime,
            spec.algorithm,
            spec.round,
            spec.scale,
            spec.reading,
            spec.dtype,
        )
        seconds = [s for a in ALGORITHMS for s in _seconds(results, other.folder, a)]
        if seconds:
            mine, theirs = spec.setting, other.setting
            ratio = (mine.epochs * mine.train_images) / (
                theirs.epochs * theirs.train_images
            )
            return statistics.median(seconds) * ratio
    return None


def _seconds(results, folder: str, algorithm: str) -> list[float]:
    """Time of whole runs; of a stopped one, in proportion to its epochs."""
    found = []
    for name in (f"{algorithm}-*.parquet", f"part-{algorithm}-*.parquet"):
        for path in sorted(Path(results, folder).glob(name))[:19]:
            try:
                told = read_record(path).provenance
                done, epochs = (
                    told.get("epochs_done"),
                    told["spec"]["setting"]["epochs"],
                )
                whole = epochs / done if told["status"] == "stopped" else 1
                found.append(told["seconds"] * whole)
            except (ValueError, KeyError):
                continue
    return found


def clock(seconds: float) -> str:
    """A duration for people: "40 s", "12 min", "3.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def now() -> float:
    """A clock that never jumps."""
    return time.monotonic()
