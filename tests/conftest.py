"""What several test modules share: small data sets, and no way out to a network."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

# One thread a process: the suite runs several processes side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What torch compiles, this run of the suite alone loads: a library that another process
# left cut short, because it was killed, ends any that loads it with a bus error.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.mkdtemp(prefix="marginflow-tests-")
    atexit.register(
        shutil.rmtree, os.environ["TORCHINDUCTOR_CACHE_DIR"], ignore_errors=True
    )

# No connection to another machine, here or in any Python that a test starts.
_OFFLINE = str(Path(__file__).with_name("offline"))
_PATHS = os.environ.get("PYTHONPATH", "").split(os.pathsep)
if _OFFLINE not in _PATHS:
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [_OFFLINE, *_PATHS]))
    sys.modules.pop("sitecustomize", None)  # another's, for all processes
    sys.path.insert(0, _OFFLINE)
    import sitecustomize  # noqa: F401

# Shapes in annotations are checked at run time where arguments come from the package
# itself.  What a user calls refuses bad input by a ValueError of its own.
install_import_hook(
    [
        "marginflow.claims.measures",
        "marginflow.experiments.lanes",
        "marginflow.experiments.member",
        "marginflow.experiments.metrics",
        "marginflow.experiments.records",
        "marginflow.flat",
    ],
    "shapes.checked",
)


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A folder with small data sets in the official formats."""
    import official_files

    root = tmp_path_factory.mktemp("official")
    official_files.generate(root)
    return root


@pytest.fixture
def data(files, monkeypatch):
    """The same, which this process takes for the official ones."""
    import official_files

    from marginflow.experiments import runner

    official_files.use_generated(files, monkeypatch.setitem, monkeypatch.setattr)
    monkeypatch.setenv("MARGINFLOW_DATA", str(files))
    runner._data.cache_clear()
    return files
