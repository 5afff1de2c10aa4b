#!/usr/bin/env python3
"""Execute the chapters whose outputs are not kept yet, several at once.

    python tools/execute_chapters.py

The book's build then finds all outputs in jupyter-cache, and the tests find that the
chapters have run.  Outputs are forgotten when what a chapter reads has changed (see
book/_ext/marginflow_state.py).
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from traitlets.config import Config

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

from marginflow_state import (  # noqa: E402
    chapter_state,
    drop_stale,
    execution_cache,
    kernel_environment,
    socket_folder,
)

TIMEOUT_S = 300


def execute(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook from top to bottom, in place, as a reader who opens it would.

    Raises:
        CellExecutionError: a cell raised, a check in the text was false, say.
    """
    with TemporaryDirectory(dir=socket_folder()) as own:
        # By sockets in a folder: kernels that start together may be given one port.
        apart = {"transport": "ipc", "connection_file": f"{own}/kernel.json"}
        return NotebookClient(
            notebook,
            timeout=TIMEOUT_S,
            record_timing=False,  # the cache would take it for a part of the chapter
            kernel_name="python3",
            config=Config(ConnectionFileMixin=apart),
            resources={"metadata": {"path": str(folder)}},
        ).execute(env=kernel_environment(Path(own, "ipython")))


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold the lock of a checkout's build, or end with a message where another does."""
    place = root / "_build" / ".lock"
    place.parent.mkdir(exist_ok=True)
    with place.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(
                f"marginflow: another build of {root} is under way, and two would "
                "write the same files.\n  Wait until it has ended, then try again.",
                file=sys.stderr,
            )
            sys.exit(2)
        yield


def execute_missing() -> int:
    """Execute what is missing; returns the exit status, 1 if a chapter failed."""
    cache = get_cache(execution_cache(ROOT))
    drop_stale(cache, ROOT)
    missing = []
    for chapter in sorted((ROOT / "notebooks").glob("*.md")):
        try:
            cache.match_cache_notebook(jupytext.read(chapter))
        except KeyError:
            missing.append(chapter)
    if not missing:
        return 0
    # Chapters share the CPUs, so each computes on one.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
    failed = 0
    with ProcessPoolExecutor(workers) as pool:
        running = {pool.submit(_timed, chapter): chapter for chapter in missing}
        for done, future in enumerate(as_completed(running), 1):
            chapter = running[future]
            notebook, state, seconds, error = future.result()
            if error:
                failed += 1
                print(f"{chapter.relative_to(ROOT)} failed:\n{error}", file=sys.stderr)
            else:
                told = {"execution_seconds": seconds, "state": state}
                kept = CacheBundleIn(notebook, str(chapter), data=told)
                cache.cache_notebook_bundle(kept, check_validity=False, overwrite=True)
            print(
                f"[{done}/{len(missing)}] {chapter.stem}, {seconds:.0f} s", flush=True
            )
    return 1 if failed else 0


def _timed(chapter: Path) -> tuple[nbformat.NotebookNode, str, float, str]:
    """The executed notebook, the state it was made in, how long, what went wrong."""
    notebook, state = jupytext.read(chapter), chapter_state(chapter)
    started = time.perf_counter()
    try:
        execute(notebook, chapter.parent)
        error = ""
    except (CellExecutionError, CellTimeoutError, RuntimeError) as trouble:
        error = str(trouble)
    return notebook, state, time.perf_counter() - started, error


if __name__ == "__main__":
    with alone(ROOT):
        sys.exit(execute_missing())
