"""One run from spec to record: claimed, resumed, checkpointed, published.

Beside the records lies ``.state/``, with a lock and a checkpoint for each run under
way.  The lock is the operating system's (``flock``) and goes with the process that has
it, however that ends; so a run is never trained twice at once, and a killed one can be
taken up at once.  Where machines share the folder, its file system must support that.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from marginflow import __version__
from marginflow.experiments.records import (
    FORMAT,
    RecordError,
    read_record,
    record_path,
    write_atomically,
    write_record,
)
from marginflow.experiments.spec import RunSpec

__all__ = [
    "Outcome",
    "checkpoint_path",
    "load_checkpoint",
    "required_bytes",
    "run_one",
    "save_checkpoint",
]

_MAGIC = b"marginflow checkpoint 1\n"

_MATTERS = (
    "data.py",
    "experiments/flat.py",
    "experiments/metrics.py",
    "experiments/spec.py",
    "experiments/training.py",
    "homogeneity.py",
    "losses.py",
    "margins.py",
    "networks.py",
    "optim",
)
"""What the rows of a record are computed by."""


@dataclass(frozen=True)
class Outcome:
    """How one run of a sweep ended."""

    spec: RunSpec
    status: Literal["recorded", "diverged", "present", "busy", "failed"]
    """recorded or diverged: trained now; present: a record was there; busy: another
    process is at it; failed: see ``message``."""
    seconds: float = 0.0
    """Training time, over all the processes that had a part in it."""
    message: str = ""


def run_one(
    spec: RunSpec,
    results: str | os.PathLike,
    data: str | os.PathLike | None = None,
    *,
    checkpoint_seconds: float = 30.0,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Train ``spec`` and record it, going on from a checkpoint if there is one.

    Args:
        results: folder of the records.
        data: folder of the data sets, see :func:`marginflow.data.data_root`.
        checkpoint_seconds: least time between checkpoints, which are made after
            epochs; 0 makes one after each.
        progress: called with epochs done and epochs in all.

    Raises:
        RecordError: the record or checkpoint there is damaged or of another spec.
        DataError: the data cannot be used.
        ValueError: the device cannot be used or has too little memory.
        OSError: the results folder cannot be written.
    """
    path = record_path(results, spec)
    if path.exists():
        read_record(path, spec)
        return Outcome(spec, "present")
    with _claim(checkpoint_path(results, spec).with_suffix(".lock")) as mine:
        if not mine:
            return Outcome(spec, "busy")
        if path.exists():  # recorded by someone between our look and our claim
            read_record(path, spec)
            return Outcome(spec, "present")
        return _train_and_record(
            spec,
            path,
            checkpoint_path(results, spec),
            data,
            checkpoint_seconds,
            progress,
        )


def _train_and_record(spec, path, checkpoint, data, checkpoint_seconds, progress):
    from marginflow.experiments.metrics import COLUMNS
    from marginflow.experiments.training import resolve_device, train

    device = resolve_device(spec.device)
    _check_memory(spec, device)
    sets = _data(
        spec.experiment, spec.setting, str(data or ""), str(device), spec.dtype
    )
    state = load_checkpoint(checkpoint, spec) if checkpoint.exists() else None
    saved = time.monotonic()

    def after_epoch(member) -> None:
        nonlocal saved
        if progress is not None:
            progress(member.epoch, member.setting.epochs)
        if time.monotonic() - saved >= checkpoint_seconds and not member.finished:
            save_checkpoint(checkpoint, spec, member.state_dict())
            saved = time.monotonic()

    result = train(spec, sets, state=state, after_epoch=after_epoch)
    diverged = result.diverged_at is not None
    provenance = {
        **_circumstances(),
        "format": FORMAT,
        "spec": spec.identity(),
        "digest": spec.digest(),
        "status": "diverged" if diverged else "finished",
        "diverged_at": result.diverged_at,
        "device": _device_name(device),
        "data_md5": {"train": sets[0].md5, "test": sets[1].md5},
        "seconds": round(result.seconds, 3),
        "evaluation_seconds": round(result.evaluation_seconds, 3),
        "recorded": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    write_record(path, COLUMNS, result.rows.numpy(), provenance)
    checkpoint.unlink(missing_ok=True)
    return Outcome(spec, "diverged" if diverged else "recorded", result.seconds)


# ---- checkpoints ---------------------------------------------------------------------


def checkpoint_path(results: str | os.PathLike, spec: RunSpec) -> Path:
    """Where the checkpoint of ``spec`` lies while it is under way."""
    record = record_path(results, spec)
    return record.parent / ".state" / f"{record.stem}.checkpoint"


def save_checkpoint(path: Path, spec: RunSpec, state: dict) -> None:
    """Write a checkpoint: magic, SHA-256 of the rest, spec digest, torch's format."""
    import torch

    buffer = io.BytesIO()
    torch.save({"digest": spec.digest(), "state": state}, buffer)
    payload = buffer.getvalue()
    seal = hashlib.sha256(payload).hexdigest().encode()
    write_atomically(path, _MAGIC + seal + b"\n" + payload, replace=True)


def load_checkpoint(path: Path, spec: RunSpec) -> dict:
    """Read and check a checkpoint; nothing in it is executed (weights_only).

    Raises:
        RecordError: the file is damaged, no checkpoint, or of another spec.
    """
    import torch

    data = path.read_bytes()
    head, seal = data[: len(_MAGIC)], data[len(_MAGIC) : len(_MAGIC) + 64]
    payload = data[len(_MAGIC) + 65 :]
    again = "delete it to start that run anew"
    if head != _MAGIC:
        raise RecordError(f"{path} is no checkpoint of this version; {again}")
    if hashlib.sha256(payload).hexdigest().encode() != seal:
        raise RecordError(f"{path} is damaged: its checksum does not match; {again}")
    content = torch.load(io.BytesIO(payload), weights_only=True)
    if content["digest"] != spec.digest():
        raise RecordError(f"{path} is a checkpoint of another spec; {again}")
    return content["state"]


@contextmanager
def _claim(path: Path) -> Iterator[bool]:
    """Hold the lock of a run; yields whether it was to be had.

    The file stays: were it deleted, a third process could lock a new one of the same
    name while a second still waits on the old.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


# ---- circumstances -------------------------------------------------------------------


@lru_cache(maxsize=2)
def _data(experiment, setting, root, device, dtype):
    import torch

    from marginflow.data import load_images

    return tuple(
        load_images(
            experiment,
            root or None,
            train=train,
            limit=limit,
            device=device,
            dtype=getattr(torch, dtype),
        )
        for train, limit in ((True, setting.train_images), (False, setting.test_images))
    )


def required_bytes(spec: RunSpec) -> int:
    """Memory that a run will take, by a rough count that errs on the large side.

    Data, nine vectors of p parameters, the activations of a batch (forward and
    backward) and of an evaluated chunk, the interpreter with torch.
    """
    size, numbers = (8 if spec.dtype == "float64" else 4), spec.setting
    pixels = 28 * 28 if spec.experiment == "mnist" else 3 * 32 * 32
    images = numbers.train_images + numbers.test_images
    if spec.experiment == "mnist":
        parameters = 3_240_736 * max(numbers.width**2, numbers.width / 100)
        activations = 28 * 28 * 64 * numbers.width
    else:
        parameters = 14_715_648 * max(numbers.width**2, numbers.width / 100)
        activations = 32 * 32 * 64 * 8 * numbers.width
    at_once = 3 * numbers.batch + 500
    return int(
        size * (2 * images * pixels + 9 * parameters + at_once * activations)
        + 400 * 2**20
    )


def _check_memory(spec: RunSpec, device) -> None:
    import torch

    needed, there = required_bytes(spec), None
    if device.type == "cuda":
        there = torch.cuda.mem_get_info(device)[0]
    elif hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        there = _available_memory()
    if there is not None and needed > there:
        raise ValueError(
            f"scale {spec.scale!r} of {spec.experiment} needs about "
            f"{needed / 2**30:.1f} GiB of memory and {device} has {there / 2**30:.1f} "
            "GiB free; choose a smaller scale, or fewer workers"
        )


def _available_memory() -> int:
    try:
        with open("/proc/meminfo") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@lru_cache(maxsize=1)
def _circumstances() -> dict:
    packages = {}
    for name in ("torch", "torchvision", "numpy", "pyarrow"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = None
    return {
        "marginflow": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "packages": packages,
        "system": f"{platform.system()} {platform.machine()}",
    }


def _commit() -> str | None:
    """The commit of the source tree this package lies in, or None.

    A "+" is added if what a run's results depend on was edited since.
    """

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(Path(__file__).parent), *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        ).stdout.strip()

    try:
        source = Path(__file__).parents[1]
        paths = [str(source / name) for name in _MATTERS]
        edited = git("status", "--porcelain", "--", *paths)
        return git("rev-parse", "HEAD") + ("+" if edited else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _device_name(device) -> str:
    import torch

    if device.type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(device)}"
    return f"{device.type}: 1 thread" if device.type == "cpu" else device.type
