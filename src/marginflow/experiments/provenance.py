"""What a record says of how it was made: one function for all experiments."""

from __future__ import annotations

import platform
import subprocess
import time
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from marginflow import __version__
from marginflow.experiments.spec import Spec

__all__ = ["FORMAT", "commit", "provenance"]

FORMAT = 1
"""Of the records; raised when this version could no longer read them."""

PACKAGE = Path(__file__).parents[1]

_MATTERS = (
    "data.py",
    "flat.py",
    "experiments/devices.py",
    "experiments/far.py",
    "experiments/lanes.py",
    "experiments/member.py",
    "experiments/metrics.py",
    "experiments/perceptron.py",
    "experiments/softmax.py",
    "experiments/spec.py",
    "experiments/training.py",
    "flows/far.py",
    "flows/rows.py",
    "homogeneity.py",
    "losses.py",
    "margins.py",
    "networks.py",
    "optim",
)
"""What the rows of a record are computed by."""


def provenance(
    spec: Spec, *, device: str, data_md5: dict[str, str], seconds: float, **facts: Any
) -> dict[str, Any]:
    """The spec with every number, versions, commit, device, data, time; and ``facts``.

    Args:
        device: on which it was computed, in words.
        data_md5: of what the run read, by name.
        seconds: spent on it, over all the processes that had a part in it.
    """
    return {
        "format": FORMAT,
        **_circumstances(),
        "spec": spec.identity(),
        "digest": spec.digest(),
        "device": device,
        "data_md5": data_md5,
        "seconds": round(seconds, 3),
        "recorded": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        **facts,
    }


@lru_cache(maxsize=1)
def _circumstances() -> dict[str, Any]:
    packages: dict[str, str | None] = {}
    for name in ("torch", "torchvision", "numpy", "pyarrow"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = None
    return {
        "marginflow": __version__,
        "commit": commit(),
        "python": platform.python_version(),
        "packages": packages,
        "system": f"{platform.system()} {platform.machine()}",
    }


def commit(package: Path = PACKAGE) -> str | None:
    """The commit of the checkout that the package lies in, if that is marginflow's own.

    None for an installed package, whatever repository surrounds it.  A "+" is added if
    what a run's results depend on was edited since.
    """

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(package), *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        ).stdout.strip()

    root = package.parents[1]
    try:
        ours = 'name = "marginflow"' in (root / "pyproject.toml").read_text("utf-8")
        if not ours or Path(git("rev-parse", "--show-toplevel")).resolve() != (
            root.resolve()
        ):
            return None
        git("ls-files", "--error-unmatch", str(package / "__init__.py"))
        paths = [str(package / name) for name in _MATTERS]
        edited = git("status", "--porcelain", "--", *paths)
        return git("rev-parse", "HEAD") + ("+" if edited else "")
    except (OSError, subprocess.SubprocessError):
        return None
