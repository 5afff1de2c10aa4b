"""The project's own files: set-up says what is missing, and the pins agree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
TOOLS = ("bash", "awk", "cat", "cksum", "dirname", "df", "grep", "rm", "env")
COPIED = (
    "pyproject.toml", "constraints.txt", "package.json", "package-lock.json",
    "README.md", "LICENSE", "Makefile",
)  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What set-up needs of a checkout, in a folder of its own."""
    for name in COPIED:
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    shutil.copytree(ROOT / "src", tmp_path / "src")
    return tmp_path


@pytest.fixture
def bare_path(tmp_path_factory) -> Path:
    """A PATH with the shell's basic tools and nothing else."""
    folder = tmp_path_factory.mktemp("bin")
    for tool in TOOLS:
        (folder / tool).symlink_to(shutil.which(tool))
    return folder


def setup(checkout: Path, path: str, **environment: str):
    return subprocess.run(
        [shutil.which("bash"), "tools/setup.sh"],
        cwd=checkout,
        env={"PATH": path, "HOME": str(checkout), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_setup_says_that_python_is_missing(checkout: Path, bare_path: Path) -> None:
    done = setup(checkout, str(bare_path))
    assert done.returncode == 2
    assert "no Python 3.11 or newer on the PATH" in done.stderr
    assert "apt-get install python3.11" in done.stderr


def test_setup_refuses_an_old_python(checkout: Path, bare_path: Path) -> None:
    old = bare_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    done = setup(checkout, str(bare_path))
    assert done.returncode == 2
    assert "no Python 3.11" in done.stderr


def test_setup_says_that_the_disk_is_too_small(checkout: Path, bare_path: Path) -> None:
    (bare_path / "df").unlink()
    df = bare_path / "df"
    df.write_text("#!/bin/sh\necho head\necho d 1 1 1048576 1% /\n", encoding="utf-8")
    df.chmod(0o755)
    done = setup(checkout, str(bare_path), PYTHON=sys.executable)
    assert done.returncode == 2
    assert "1 GiB free here, 9 GiB needed" in done.stderr
    assert not (checkout / ".venv").exists()


def test_setup_says_that_packages_cannot_be_had(checkout: Path) -> None:
    done = setup(checkout, os.environ["PATH"], PYTHON=sys.executable, PIP_NO_INDEX="1")
    assert done.returncode == 2
    assert "pip could not install what constraints.txt pins" in done.stderr
    assert not (checkout / ".venv" / ".ready").exists()


def test_every_dependency_is_pinned() -> None:
    pins = {
        re.sub(r"[-_.]+", "-", line.split("==")[0]).lower()
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = list(project["project"]["dependencies"])
    for extra in project["project"]["optional-dependencies"].values():
        wanted += extra
    names = {re.split(r"[<>=!\[; ]", w)[0].lower() for w in wanted}
    assert names <= pins, f"not pinned: {sorted(names - pins)}"


def test_conda_users_get_the_same() -> None:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    (pip,) = (d["pip"] for d in yaml.safe_load(text)["dependencies"] if type(d) is dict)
    assert "--constraint constraints.txt" in pip
    assert "--editable .[book,test,dev]" in pip


def test_readme_names_only_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text()))
    assert {"book", "test", "serve", "help"} <= named <= targets


def test_lock_file_records_no_download_address() -> None:
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text(encoding="utf-8")


@pytest.fixture
def environment(checkout: Path) -> Path:
    """An environment that is there already, with a pip that has nothing to do."""
    return made(checkout, checkout / ".venv")


def made(checkout: Path, environment: Path) -> Path:
    scripts = {
        "python": f'[ "$1" = -m ] || exec {sys.executable} "$@"',
        "npm": "echo no registry >&2\nexit 1",
    }
    for folder in (environment / "bin", checkout / "book" / "_static"):
        folder.mkdir(parents=True)
    for name, script in scripts.items():
        path = environment / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
    return environment


def test_without_npm_the_set_up_goes_on_and_says_what_is_missing(
    checkout: Path, environment: Path
) -> None:
    done = setup(checkout, os.environ["PATH"])
    assert done.returncode == 0, done.stderr
    assert "npm could not install" in done.stderr
    assert "live cells and hover previews are missing" in done.stderr
    assert not (environment / ".ready").exists(), "so that it is tried again"
    manifest = checkout / "book" / "_static" / "live" / "pyodide" / "manifest.json"
    assert "missing" in manifest.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["env", "an env"])
@pytest.mark.parametrize("absolute", [True, False])
def test_the_environment_may_be_anywhere(
    checkout: Path, name: str, absolute: bool
) -> None:
    """npm is looked for in it first, and make finds its Python."""
    environment = made(checkout, checkout / name)
    place = str(environment) if absolute else name
    make = ["make", "-s", "-C", str(checkout), f"VENV={place}"]
    done = subprocess.run([*make, "setup"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "no registry" in done.stderr, "this npm, and not another"
    done = subprocess.run([*make, "-n", "test-fast"], capture_output=True, text=True)
    assert f'"{place}/bin/python" -m pytest' in done.stdout


def test_set_up_is_done_once_until_what_it_installs_changes(
    checkout: Path, environment: Path
) -> None:
    """The pins decide, not their time: a file may come back with its old one."""
    (environment / "bin" / "npm").write_text("#!/bin/sh\n", encoding="utf-8")
    if not (ROOT / "node_modules" / "mathjax").exists():
        pytest.skip("npm has brought nothing here that could be copied")
    (checkout / "node_modules").symlink_to(ROOT / "node_modules")
    calls = environment / "calls"
    python = environment / "bin" / "python"
    python.write_text(f'#!/bin/sh\necho "$@" >>"{calls}"\n', encoding="utf-8")

    def runs() -> int:
        before = len(calls.read_text().splitlines()) if calls.exists() else 0
        assert setup(checkout, os.environ["PATH"]).returncode == 0
        return len(calls.read_text().splitlines()) - before

    assert runs() > 0
    assert runs() == 0
    pins = checkout / "constraints.txt"
    pins.write_text(pins.read_text() + "# other\n")
    os.utime(pins, (0, 0))
    assert runs() > 0


def test_one_version_with_a_date():
    """The package's version is the one that is cited and that the changelog dates."""
    from marginflow import __version__

    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert cited["version"] == __version__
    heads = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    released = [head for head in heads if head != "Unreleased"]
    assert released[0] == f"{__version__} ({cited['date-released']})"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)", h) for h in released)
