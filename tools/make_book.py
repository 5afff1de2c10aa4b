#!/usr/bin/env python3
"""Build the static site, if anything that goes into it has changed.

    python tools/make_book.py

Executes the chapters whose outputs are missing or stale, then lets jupyter-book make
the pages, and prints them as one PDF.  What the site was built from is kept in `.built`
beside its pages.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from execute_chapters import ROOT, alone, execute_missing
from make_pdf import print_book
from marginflow_state import site_state

SITE = ROOT / "_build" / "html"
BUILT = SITE / ".built"
BOOK = str(Path(sys.executable).with_name("jupyter-book"))
BUILD = [BOOK, "build", ".", "-W", "-n", "--keep-going", "-q"]


def main() -> int:
    """Returns the exit status: that of what failed, or 0."""
    state = site_state(ROOT)
    if BUILT.is_file() and BUILT.read_text(encoding="utf-8") == state:
        return 0
    if failed := execute_missing():
        return failed
    if not BUILT.is_file():  # cut short, pages may name files that never came
        shutil.rmtree(SITE, ignore_errors=True)
        shutil.rmtree(ROOT / "_build" / ".doctrees", ignore_errors=True)
    BUILT.unlink(missing_ok=True)
    if failed := subprocess.run(BUILD, cwd=ROOT, check=False).returncode:
        return failed
    if failed := print_book():
        return failed
    BUILT.write_text(state, encoding="utf-8")
    return 0


if __name__ == "__main__":
    with alone(ROOT):
        sys.exit(main())
