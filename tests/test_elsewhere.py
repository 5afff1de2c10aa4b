"""The command line where there is no network, no HOME, and another user's rights."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parent.parent / "src"
PROVE = [sys.executable, "-m", "marginflow", "prove", "lemma-5"]
CONNECT = "import socket; socket.create_connection(('127.0.0.1', {}), 2)"
NOBODY = "65534"


def bare(command: list[str], **more: str) -> subprocess.CompletedProcess:
    """Runs a command with a PATH and nothing else that a login would set."""
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SRC)}
    kept |= {"PYTHONDONTWRITEBYTECODE": "1"} | more
    return subprocess.run(
        command, env=kept, cwd="/", capture_output=True, text=True, timeout=300
    )


def allowed(tool: str, *options: str) -> list[str]:
    """The tool and its options, or a skip that says why this machine has them not."""
    path = shutil.which(tool)
    if path is None:
        pytest.skip(f"{tool} is not on this machine")
    tried = subprocess.run([path, *options, "true"], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"{tool} may not be used here: {tried.stderr.strip()}")
    return [path, *options]


def test_proofs_need_no_network_and_no_home(tmp_path: Path) -> None:
    import http.server

    isolated = allowed("unshare", "--map-root-user", "--net")
    with http.server.HTTPServer(("127.0.0.1", 0), None) as server:
        ask = [sys.executable, "-c", CONNECT.format(server.server_port)]
        assert bare(ask).returncode == 0
        assert bare([*isolated, *ask]).returncode != 0  # there really is no network
        run = bare([*isolated, *PROVE])
    assert run.returncode == 0, run.stderr
    assert "lemma-5" in run.stdout.lower().replace(" ", "-")
    assert run.stderr == ""


def test_proofs_need_nobodys_rights() -> None:
    """As a user who has no home, no name of its own and may write nothing here."""
    other = allowed(
        "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"
    )
    seen = bare([*other, sys.executable, "-c", "import marginflow, os; os.getuid()"])
    if "Permission denied" in seen.stderr or "No module" in seen.stderr:
        pytest.skip(f"another user may not read the checkout: {seen.stderr[-200:]}")
    refused = bare([*other, "touch", str(SRC / "written")])
    assert refused.returncode != 0
    run = bare([*other, *PROVE], HOME="/nonexistent")
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
