"""What is never done: run what a file says, reach into the network, keep a secret."""

from __future__ import annotations

import ast
import importlib
import io
import os
import pickle
import pkgutil
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch

import marginflow
from marginflow.experiments.records import RecordError
from marginflow.experiments.runner import _sealed, checkpoint_path, load_checkpoint
from marginflow.experiments.spec import RunSpec

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
PYTHON = [*SOURCES, *sorted((ROOT / "benchmarks").glob("*.py"))]
EXECUTES = {
    "pickle",
    "cPickle",
    "cloudpickle",
    "dill",
    "joblib",
    "marshal",
    "shelve",
}
"""Modules that run what they read."""


# ---- nothing from disk is executed ---------------------------------------------------


def complaints(text: str) -> list[str]:
    """Ways in which Python code would execute what it reads or is told."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            found += [f"imports {n}" for n in names if n.split(".")[0] in EXECUTES]
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        options = {k.arg: ast.unparse(k.value) for k in node.keywords}
        if name == "torch.load" and options.get("weights_only") != "True":
            found.append("torch.load without weights_only=True")
        if name in ("np.load", "numpy.load") and "allow_pickle" in options:
            found.append("numpy.load with allow_pickle")
        if name in ("pd.read_pickle", "pandas.read_pickle", "eval", "exec"):
            found.append(name)
        if name in ("os.system", "os.popen") or options.get("shell") == "True":
            found.append(f"{name} through a shell")
        if name in ("yaml.load", "yaml.unsafe_load"):
            found.append(name)
    return found


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(ROOT)))
def test_code_executes_nothing_that_it_reads(path):
    assert complaints(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "numpy.load(path, allow_pickle=True)",
        "pd.read_pickle(path)",
        "eval(text)",
        "subprocess.run(text, shell=True)",
        "os.system(text)",
    ],
)
def test_the_search_for_such_code_finds_it(code):
    assert complaints(code)


class Attack:
    """Unpickled, it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def test_a_checkpoint_that_attacks_is_refused(tmp_path):
    """Even with magic and checksum right: the payload is never unpickled freely."""
    spec, proof = RunSpec("mnist", "finer", "SGD", 0, "smoke"), tmp_path / "run"
    buffer = io.BytesIO()
    torch.save({"digest": spec.digest(), "state": Attack(proof)}, buffer)
    path = checkpoint_path(tmp_path, spec)
    path.parent.mkdir(parents=True)
    path.write_bytes(_sealed(buffer.getvalue()))
    with pytest.raises(RecordError, match="holds more than tensors") as refusal:
        load_checkpoint(path, spec)
    assert isinstance(refusal.value.__cause__, pickle.UnpicklingError)
    assert not proof.exists()
    buffer.seek(0)
    torch.load(buffer, weights_only=False)  # the same bytes, read the other way
    assert proof.exists()


# ---- no network ----------------------------------------------------------------------


@pytest.fixture
def no_network(monkeypatch):
    """Whoever opens a connection to anywhere fails, and is remembered."""
    tried = []

    def refuse(self, address, *rest):
        tried.append(address)
        raise OSError(f"a test reached for {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: refuse(None, a))
    return tried


def test_the_guard_sees_who_reaches_out(no_network):
    with pytest.raises(OSError, match="a test reached for"):
        socket.create_connection(("192.0.2.1", 9), timeout=1)
    assert len(no_network) == 1


def test_importing_everything_reaches_nowhere(no_network):
    modules = pkgutil.walk_packages(marginflow.__path__, "marginflow.")
    names = [module.name for module in modules]
    for name in names:
        importlib.import_module(name)
    assert len(names) > 40
    assert no_network == []


def test_the_unit_suite_needs_no_network():
    """Representative modules, whole, in a process whose connections all fail."""
    modules = ["test_losses.py", "test_margins.py", "test_optim_parts.py"]
    command = [sys.executable, "-c", GUARDED, *(f"tests/{m}" for m in modules)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


GUARDED = """
import socket, sys, pytest
def refuse(self, address, *rest):
    if self.family != socket.AF_UNIX:
        raise RuntimeError(f"a test reached for {address}")
    return connect(self, address, *rest)
connect = socket.socket.connect
socket.socket.connect = socket.socket.connect_ex = refuse
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


# ---- no secrets, and every dependency at one version ---------------------------------

SECRETS = {
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "AWS key": r"\bAKIA[0-9A-Z]{16}\b",
    "GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36,}\b",
    "PyPI token": r"\bpypi-[A-Za-z0-9_-]{60,}\b",
    "npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{20,}\b",
    "password in an address": r"\b[a-z]+://[^\s/:@{}$<>]+:[^\s/:@{}$<>]+@[\w.-]+",
    "assigned secret": r"(?i)\b(api_?key|secret|passwd|password)\s*=\s*['\"][^'\"]{8,}",
}


def secrets(text: str) -> list[str]:
    """Names of what looks like a secret in a text."""
    return [name for name, pattern in SECRETS.items() if re.search(pattern, text)]


def tracked() -> list[Path]:
    """Files under version control; every file of a tree without it."""
    done = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("not a git checkout, so what is published cannot be listed")
    return [ROOT / line for line in done.stdout.splitlines()]


def test_nothing_published_looks_like_a_secret():
    found = {}
    for path in tracked():
        if path.is_file() and path != Path(__file__) and path.stat().st_size < 2**20:
            text = path.read_bytes().decode("utf-8", errors="ignore")
            if names := secrets(text):
                found[str(path.relative_to(ROOT))] = names
    assert found == {}


@pytest.mark.parametrize(
    "planted",
    [
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "ghp_" + "a1B2" * 9,
        "https://user:" + "word@example.org/x",
        "api_key = " + "'0123456789abcdef'",
    ],
)
def test_the_search_for_secrets_finds_them(planted):
    assert secrets(f"x = 1\n{planted}\n")


def test_every_pin_is_one_version_and_none_an_address():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert len(pins) > 80
    for line in pins:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[\w.+!]+", line.split(" ;")[0]), line
    names = [re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() for line in pins]
    assert len(names) == len(set(names))


def test_the_package_needs_nothing_from_an_address():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = list(project["project"]["dependencies"])
    for extra in project["project"]["optional-dependencies"].values():
        wanted += extra
    assert not [w for w in wanted if "@" in w or "://" in w]
