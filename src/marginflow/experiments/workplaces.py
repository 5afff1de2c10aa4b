"""Where runs are worked on: processes of this machine, or a Dask cluster.

A workplace opens a ``concurrent.futures`` executor.  It is called again if the one
before was lost with a worker.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import (
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import resource_tracker
from typing import Any

from marginflow.checks import positive_integer

__all__ = [
    "SchedulerLostError",
    "Workplace",
    "dask_cluster",
    "dask_scheduler",
    "is_loss",
    "process_pool",
    "stop_workers",
]

Workplace = Callable[[], AbstractContextManager[Executor]]

ANSWER_SECONDS = 10
"""How long a Dask scheduler may take to answer, at first and after it was lost."""

SILENT_SECONDS = 60
"""How long a Dask scheduler may be silent at work before it is taken for lost."""


class SchedulerLostError(ConnectionError):
    """A scheduler that answered before does not any more; says what to do."""


def is_loss(error: BaseException) -> bool:
    """Whether an executor says by this that it, or a worker, is no more."""
    if isinstance(error, BrokenProcessPool | CancelledError):
        return True
    return type(error).__name__ in (
        "ClosedClientError",
        "CommClosedError",
        "FutureCancelledError",
        "KilledWorker",
    )


def stop_workers(executor: Executor) -> None:
    """Let the workers finish their epoch, save, and begin nothing more.

    Workers of others than a process pool are let go as they are: what they train has
    its checkpoint.
    """
    if isinstance(executor, ProcessPoolExecutor):
        for child in multiprocessing.active_children():
            if child.pid is not None:
                os.kill(child.pid, signal.SIGUSR1)  # see _start_worker
    else:
        executor.shutdown(wait=False, cancel_futures=True)


def process_pool(workers: int) -> Workplace:
    """A pool of ``workers`` fresh processes on this machine, one thread each.

    Raises:
        ValueError: ``workers`` is not a positive integer.
    """
    positive_integer("workers", workers)

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
                child.kill()
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
        with _interrupts_held_back():
            return super().submit(fn, *args, **kwargs)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Ctrl-C waits until the end of the block, and in processes born there for longer.

    Those inherit the mask.  In this process it is not enough, for the system gives the
    signal to any thread without a mask, such as a BLAS's, and Python to this one.
    """
    came: list[int] = []
    here = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if here else None
    if handler is not None:
        signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    held = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        if came:
            signal.raise_signal(signal.SIGINT)


def _start_worker() -> None:
    """Set up a worker: it ends at once at Ctrl-C, and with its parent in any case.

    At SIGUSR1, from the pool's owner, it finishes its epoch, saves, and begins nothing
    more; at SIGTERM, from anybody, it ends after that too.
    """
    from marginflow.experiments import runner

    def end_when_idle() -> None:
        with runner.AT_WORK:
            time.sleep(0.5)  # for the word of what was done to be on its way
            os._exit(1)

    def terminate(*_: object) -> None:
        runner.STOP.set()
        threading.Thread(target=end_when_idle, daemon=True).start()

    os.environ["OMP_NUM_THREADS"] = "1"
    signal.signal(signal.SIGUSR1, lambda *_: runner.STOP.set())
    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    parent = multiprocessing.parent_process()
    assert parent is not None

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
        self._waiting: set[asyncio.Task[Any]] = set()  # for the loop's thread alone
        self._listener = asyncio.run_coroutine_threadsafe(self._listen(), self._loop)

    def submit(self, fn, /, *args, **kwargs) -> Future:
        """As for any executor."""
        theirs = self._client.submit(fn, *args, pure=False, **kwargs)
        return asyncio.run_coroutine_threadsafe(self._result(theirs), self._loop)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Stop listening; the client, which is not ours, is left as it is."""
        self._listener.cancel()

    async def _result(self, theirs) -> Any:
        waiting = asyncio.current_task()
        assert waiting is not None
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
    positive_integer("dask", workers)

    @contextmanager
    def workplace() -> Iterator[Executor]:
        from distributed import LocalCluster

        with (
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                memory_limit=0,
            ) as cluster,
            dask_scheduler(cluster.scheduler_address)() as executor,
        ):
            yield executor

    return workplace
