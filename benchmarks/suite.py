"""How long the tests take: all of them, and what alone the edit of a function asks for.

The site is brought up to date before, as `make test` does, and that is not timed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.rows import Row

ROOT = Path(__file__).parents[1]
SUITES = {
    "all tests (make test, the site being built)": ["-n", "2", "--dist", "worksteal"],
    "the optimizer's tests": ["-k", "optim"],
}


def rows(quick: bool) -> list[Row]:
    """Each suite once, in a process of its own."""
    chosen = dict(list(SUITES.items())[1:]) if quick else SUITES
    subprocess.run(["make", "book"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return [_row(name, options) for name, options in chosen.items()]


def _row(name: str, options: list[str]) -> Row:
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    spent = time.perf_counter() - started
    said = done.stdout.strip().splitlines() or ["nothing"]
    last = said[-1]
    if done.returncode:
        raise RuntimeError("\n".join([f"{name} did not pass:", *said[-20:]]))
    counts = re.sub(r" in .*", "", last.strip("= "))
    threads = "2" if "-n" in options else "1"
    return Row(name, spent, "s", threads=threads, note=counts)
