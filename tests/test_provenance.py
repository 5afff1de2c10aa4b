"""What records say of how they were made: the same for all experiments, and true."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from marginflow.experiments import provenance
from marginflow.experiments.perceptron import PerceptronSpec, record_perceptron
from marginflow.experiments.records import read_record, record_path
from marginflow.experiments.runner import run_one
from marginflow.experiments.spec import RunSpec

PROMISED = ("spec", "commit", "packages", "device", "data_md5", "seconds", "recorded")
"""What results/README.md promises of every record."""


def git(folder: Path, *arguments: str) -> str:
    options = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    return subprocess.run(
        ["git", *options, "-C", str(folder), *arguments],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A repository with the package at src/marginflow, as ours has it."""
    root = tmp_path / "checkout"
    shutil.copytree(provenance.PACKAGE, root / "src" / "marginflow")
    (root / "pyproject.toml").write_text('[project]\nname = "marginflow"\n')
    git(tmp_path, "init", "-q", str(root))
    git(root, "add", "-A")
    git(root, "commit", "-qm", "all")
    return root


def test_the_commit_is_the_packages_own_and_edits_are_told(checkout):
    package = checkout / "src" / "marginflow"
    head = git(checkout, "rev-parse", "HEAD")
    assert provenance.commit(package) == head
    (checkout / "notes").write_text("elsewhere")
    assert provenance.commit(package) == head
    with (package / "margins.py").open("a") as file:
        file.write("\n")
    assert provenance.commit(package) == f"{head}+"


def test_a_surrounding_repository_is_not_named(checkout, tmp_path):
    """A wheel in an environment below somebody else's checkout; and a copy there."""
    package = checkout / "src" / "marginflow"
    wheel = checkout / ".venv" / "lib" / "site-packages" / "marginflow"
    shutil.copytree(package, wheel)
    assert provenance.commit(wheel) is None
    git(checkout, "add", "-Af")
    git(checkout, "commit", "-qm", "the environment too")
    assert provenance.commit(wheel) is None
    (checkout / "pyproject.toml").write_text('[project]\nname = "theirs"\n')
    assert provenance.commit(package) is None


def test_no_repository_and_no_git(checkout, monkeypatch):
    package = checkout / "src" / "marginflow"
    monkeypatch.setenv("PATH", "")
    assert provenance.commit(package) is None
    monkeypatch.undo()
    shutil.rmtree(checkout / ".git")
    assert provenance.commit(package) is None


def test_records_of_every_experiment_say_what_is_promised(data, tmp_path):
    one = PerceptronSpec(rounds=2, epochs=5)
    record_perceptron(tmp_path, one)
    other = RunSpec("mnist", "finer", "SGD", 0, "smoke")
    run_one(other, tmp_path, data)
    for spec in (one, other):
        told = read_record(record_path(tmp_path, spec), spec).provenance
        assert set(PROMISED) <= set(told)
        assert told["seconds"] > 0
        assert told["device"].startswith("cpu")
        assert all(len(md5) == 32 for md5 in told["data_md5"].values())
        assert told["commit"] is None or len(told["commit"].rstrip("+")) == 40
    assert read_record(record_path(tmp_path, one)).provenance["data_md5"].keys() == {
        "points"
    }
