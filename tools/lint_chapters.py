#!/usr/bin/env python3
"""Check the code of every chapter with ruff: unused or undefined names, and the like.

    python tools/lint_chapters.py [CHAPTER.md ...]

Chapters are checked as the scripts that readers download.  What belongs to notebooks is
let be: a last line that ends in a semicolon, imports where they are first needed, short
mathematical names.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import jupytext

ROOT = Path(__file__).resolve().parent.parent
SELECT = "E,F,UP,NPY"
IGNORE = "E402,E501,E703,E731,E741"


def main(chapters: list[str]) -> int:
    """Check the named chapters, or all; returns ruff's exit status."""
    paths = [Path(c) for c in chapters] or sorted((ROOT / "notebooks").glob("*.md"))
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            script = Path(folder) / f"{path.stem}.py"
            jupytext.write(jupytext.read(path), script, fmt="py:percent")
        command = [Path(sys.executable).with_name("ruff"), "check", "--isolated"]
        options = ["--select", SELECT, "--ignore", IGNORE, "--no-cache"]
        return subprocess.run([*command, *options, folder], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
