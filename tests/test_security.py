"""What is never done: run what a file says, reach into the network, keep a secret."""

from __future__ import annotations

import ast
import gc
import importlib
import io
import os
import pickle
import pkgutil
import re
import socket
import subprocess
import sys
import sysconfig
import tomllib
import urllib.request
import warnings
from importlib.metadata import distributions
from pathlib import Path

import pytest
import torch
from sitecustomize import NetworkError

import marginflow
from marginflow.experiments.checkpoints import (
    _sealed,
    checkpoint_path,
    load_checkpoint,
)
from marginflow.experiments.records import RecordError
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
    with pytest.raises(
        RecordError, match="holds what cannot be loaded as tensors"
    ) as refusal:
        load_checkpoint(path, spec)
    assert isinstance(refusal.value.__cause__, pickle.UnpicklingError)
    assert not proof.exists()
    buffer.seek(0)
    torch.load(buffer, weights_only=False)  # the same bytes, read the other way
    assert proof.exists()


# ---- no network ----------------------------------------------------------------------


# What refuses is offline/sitecustomize.py, which conftest.py puts in force for every
# test, and for every Python that a test starts. 192.0.2.1 is for documentation, and no
# machine's; were it let through, the attempt would time out, an OSError.
ATTEMPTS = {
    "connection": "socket.create_connection(('192.0.2.1', 9), timeout=0.1)",
    "connect_ex": "socket.socket().connect_ex(('192.0.2.1', 9))",
    "datagram": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 9))",
    "IPv6": "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 9, 0, 0))",
    "name": "socket.getaddrinfo('example.org', 443)",
    "host": "socket.gethostbyname('example.org')",
    "address": "urllib.request.urlopen('http://192.0.2.1/', timeout=0.1)",
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_nobody_reaches_another_machine(attempt):
    code = compile(attempt, "attempt", "eval")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # nobody closes these sockets
        with pytest.raises(NetworkError, match="reached for"):
            eval(code, {"socket": socket, "urllib": urllib})
        gc.collect()


def test_nor_does_a_python_that_a_test_starts():
    """Here, one that imports what we do first; one with -I is told nothing."""
    code = f"import socket, urllib.request; {ATTEMPTS['connection']}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "NetworkError: a test reached for '192.0.2.1'" in done.stderr
    free = "import socket; print(socket.socket.connect.__name__)"
    for options, name in (["-c"], "reach"), (["-I", "-c"], "connect"):
        command = [sys.executable, *options, free]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
        assert said.stdout.strip() == name


def test_this_machine_can_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, port), timeout=5).close()
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"x")
        assert other.recv(1) == b"x"


def test_importing_everything_reaches_nowhere():
    """Not this machine either: no connection is tried at all."""
    modules = pkgutil.walk_packages(marginflow.__path__, "marginflow.")
    names = [module.name for module in modules]
    with pytest.MonkeyPatch.context() as patch:
        for call in ("connect", "connect_ex"):
            patch.setattr(socket.socket, call, pytest.fail)
        for name in names:
            importlib.import_module(name)
    assert len(names) > 40


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


def plain(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    """The version of each pinned package; every line has to be such a pin."""
    found = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pin = line.split(" ;")[0]
            assert re.fullmatch(r"[A-Za-z0-9._-]+==[\w.+!]+", pin), line
            name, version = pin.split("==")
            assert plain(name) not in found
            found[plain(name)] = version
    return found


def test_every_pin_is_one_version_and_none_an_address():
    assert len(pins()) > 80


def test_what_is_installed_is_what_is_pinned():
    """As far as there is a pin; nothing that make installs is without one."""
    pinned, differ = pins(), {}
    # Not all of sys.path: setuptools adds copies of packages of its own to it.
    for found in distributions(path=[sysconfig.get_path("purelib")]):
        name = plain(found.name)
        if name in pinned and found.version.split("+")[0] != pinned[name]:
            differ[name] = (found.version, pinned[name])
    if differ and Path(sys.prefix).resolve() != (ROOT / ".venv").resolve():
        pytest.skip("another environment than the one that make sets up")
    assert differ == {}


def test_what_is_installed_fits_together():
    """`pip check`: every requirement of every package is met."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_package_needs_nothing_from_an_address():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = list(project["project"]["dependencies"])
    for extra in project["project"]["optional-dependencies"].values():
        wanted += extra
    assert not [w for w in wanted if "@" in w or "://" in w]
