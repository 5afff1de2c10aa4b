"""The book: built from nothing, again, and after an edit; and opened in a browser.

Works on a copy, with the environment of the original, so that the tree under work and
its caches stay as they are.
"""

from __future__ import annotations

import functools
import http.server
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.rows import Row

ROOT = Path(__file__).parents[1]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""


FORMULAS = """async () => {
  await window.MathJax?.startup.promise;
  return document.querySelectorAll("mjx-container").length;
}"""
"""How many formulas stand, once they do."""
NOT_COPIED = (".git", ".venv", "_build", "node_modules", "__pycache__", ".hypothesis")


def rows(quick: bool) -> list[Row]:
    """Cold, warm, and after an edit in src/; then pages of the site that is there."""
    del quick
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "book"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*NOT_COPIED))
        (copy / "node_modules").symlink_to(ROOT / "node_modules")
        cold = _build(copy)
        warm = _build(copy)
        edited = copy / "src" / "marginflow" / "__init__.py"
        edited.write_text(edited.read_text() + "\n# an edit\n")
        again = _build(copy)
        chapter = copy / "notebooks" / "remark-3.md"
        chapter.write_text(chapter.read_text() + "\nA sentence.\n")
        text = _build(copy)
        pages = _pages(copy / "_build" / "html")
    return [
        Row("book, built from nothing", cold, "s", threads="all"),
        Row("book, nothing changed", warm, "s", peer=cold, peer_is="from nothing"),
        Row(
            "book, after an edit in src/", again, "s", peer=cold, peer_is="from nothing"
        ),
        Row(
            "book, after an edit of a sentence",
            text,
            "s",
            peer=cold,
            peer_is="from nothing",
        ),
        *pages,
    ]


def _build(folder: Path) -> float:
    """What `make book` does once it is set up."""
    started = time.perf_counter()
    step = [sys.executable, "tools/make_book.py"]
    subprocess.run(step, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _pages(site: Path) -> list[Row]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("playwright is not installed; page loads are left out")
        return []
    chromium = shutil.which("chromium")
    found = []
    quiet = functools.partial(_Quiet, directory=site)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with server, sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=chromium)
        for page in ("book/index", "notebooks/experiment-1", "notebooks/lemma-8"):
            times = []
            for _ in range(4):
                tab = browser.new_page()
                started = time.perf_counter()
                address = f"http://127.0.0.1:{server.server_port}/{page}.html"
                answer = tab.goto(address, wait_until="load")
                formulas = tab.evaluate(FORMULAS)
                times.append(time.perf_counter() - started)
                if not answer.ok or not formulas:
                    raise RuntimeError(f"{page} is not there: {answer.status}")
                tab.close()
            found.append(
                Row(
                    f"page {page}, until its mathematics stands",
                    statistics.median(times[1:]),
                    "s",
                    repeats=3,
                    note="from a server on this machine, in headless Chromium",
                )
            )
        browser.close()
        server.shutdown()
    return found
