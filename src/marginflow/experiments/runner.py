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
import json
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from marginflow import __version__
from marginflow.experiments.records import (
    FORMAT,
    RecordError,
    part_path,
    read_record,
    record_path,
    weights_path,
    write_atomically,
    write_record,
)
from marginflow.experiments.spec import RunSpec

__all__ = [
    "Outcome",
    "checkpoint_path",
    "epochs_done",
    "load_checkpoint",
    "required_bytes",
    "run_one",
    "run_together",
    "save_checkpoint",
]

_MAGIC = b"marginflow checkpoint 1\n"

_MATTERS = (
    "data.py",
    "flat.py",
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


KEPT = [("desk", 0), ("paper", 0)]
"""Scales and rounds whose last w is kept beside the record, to be measured anew."""


@dataclass(frozen=True)
class Outcome:
    """How one run of a sweep ended."""

    spec: RunSpec
    status: Literal["recorded", "diverged", "stopped", "present", "busy", "failed"]
    """recorded or diverged: trained now; stopped: trained as far as was asked; present:
    a record was there; busy: another process is at it; failed: see ``message``."""
    seconds: float = 0.0
    """Training time, over all the processes that had a part in it."""
    message: str = ""


def run_one(
    spec: RunSpec,
    results: str | os.PathLike,
    data: str | os.PathLike | None = None,
    *,
    checkpoint_seconds: float = 30.0,
    stop_after: int | None = None,
) -> Outcome:
    """Train ``spec`` and record it, going on from a checkpoint if there is one.

    Args:
        results: folder of the records.
        data: folder of the data sets, see :func:`marginflow.data.data_root`.
        checkpoint_seconds: least time between checkpoints, which are made after
            epochs; 0 makes one after each.
        stop_after: go no further than this epoch.  A run that is then unfinished keeps
            its checkpoint, and what it has measured is published beside the records
            (:func:`marginflow.experiments.records.part_path`).

    Raises:
        RecordError: the record or checkpoint there is damaged or of another spec.
        DataError: the data cannot be used.
        ValueError: the device cannot be used or has too little memory.
        OSError: the results folder cannot be written.
    """
    return run_together(
        [spec],
        results,
        data,
        checkpoint_seconds=checkpoint_seconds,
        stop_after=stop_after,
    )[0]


def run_together(
    specs: Sequence[RunSpec],
    results: str | os.PathLike,
    data: str | os.PathLike | None = None,
    *,
    checkpoint_seconds: float = 30.0,
    stop_after: int | None = None,
) -> list[Outcome]:
    """The same for several runs in lockstep, see :func:`training.train`."""
    outcomes: dict[RunSpec, Outcome] = {}
    with ExitStack() as stack:
        claims: dict[RunSpec, _Claim] = {}
        for spec in specs:
            claim = _Claim(checkpoint_path(results, spec).with_suffix(".lock"))
            present = _present(results, spec)
            if present and not _left_behind(results, spec):
                outcomes[spec] = Outcome(spec, "present")
            elif not stack.enter_context(claim):
                outcomes[spec] = Outcome(spec, "present" if present else "busy")
            else:
                if _present(results, spec):  # perhaps since we looked
                    outcomes[spec] = Outcome(spec, "present")
                else:
                    claims[spec] = claim
                for path in _left_behind(results, spec):
                    path.unlink(missing_ok=True)
        if claims:
            trained = _train_and_record(
                claims, results, data, checkpoint_seconds, stop_after
            )
            outcomes |= {outcome.spec: outcome for outcome in trained}
    return [outcomes[spec] for spec in specs]


def _left_behind(results: str | os.PathLike, spec: RunSpec) -> list[Path]:
    """What killed processes left half-written, or beside a record that replaces it.

    It may be in use until the claim is in hand.
    """
    record = record_path(results, spec)
    replaced = [part_path(results, spec), checkpoint_path(results, spec)]
    found = [
        draft
        for path in (record, *replaced)
        for draft in path.parent.glob(f".{path.name}.*.tmp")
    ]
    if record.exists():
        found += [path for path in replaced if path.exists()]
    return found


def _present(results: str | os.PathLike, spec: RunSpec) -> bool:
    """Whether there is a record, which must then be sound."""
    path = record_path(results, spec)
    if path.exists():
        read_record(path, spec)
        return True
    return False


def _train_and_record(
    claims: dict[RunSpec, _Claim],
    results: str | os.PathLike,
    data: str | os.PathLike | None,
    checkpoint_seconds: float,
    stop_after: int | None,
) -> list[Outcome]:
    from marginflow.experiments.metrics import COLUMNS
    from marginflow.experiments.training import resolve_device, train

    specs = list(claims)
    first, setting = specs[0], specs[0].setting
    device = resolve_device(first.device)
    _check_memory(first, device, len(specs))
    sets = _data(first.experiment, setting, str(data or ""), str(device), first.dtype)
    checkpoints = {spec: checkpoint_path(results, spec) for spec in specs}
    states = [
        load_checkpoint(path, spec) if path.exists() else None
        for spec, path in checkpoints.items()
    ]
    saved = dict.fromkeys(specs, time.monotonic())

    def after_epoch(member) -> None:
        spec = member.spec
        claims[spec].tell(member.epoch, setting.epochs)
        due = time.monotonic() - saved[spec] >= checkpoint_seconds
        due = due or member.epoch == stop_after
        if due and not member.finished:
            save_checkpoint(checkpoints[spec], spec, member.state_dict())
            saved[spec] = time.monotonic()

    outcomes = []
    trained = train(
        specs, sets, states=states, stop_after=stop_after, after_epoch=after_epoch
    )
    for result in trained:
        spec = result.spec
        provenance = {
            **_circumstances(),
            "format": FORMAT,
            "spec": spec.identity(),
            "digest": spec.digest(),
            "status": result.status,
            "diverged_at": result.diverged_at,
            "epochs_done": result.epoch,
            "device": _device_name(device),
            "lockstep": len(specs),
            "compiled": spec.compiled,
            "data_md5": {"train": sets[0].md5, "test": sets[1].md5},
            "seconds": round(result.seconds, 3),
            "evaluation_seconds": round(result.evaluation_seconds, 3),
            "recorded": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        rows = result.rows.numpy()
        if result.status == "stopped":
            part = part_path(results, spec)
            write_record(part, COLUMNS, rows, provenance, replace=True)
        else:
            if (spec.scale, spec.round) in KEPT and result.status == "finished":
                _keep_weights(results, spec, result.weights, provenance)
            write_record(record_path(results, spec), COLUMNS, rows, provenance)
            checkpoints[spec].unlink(missing_ok=True)
            part_path(results, spec).unlink(missing_ok=True)
        status = "recorded" if result.status == "finished" else result.status
        outcomes.append(Outcome(spec, status, result.seconds))
    return outcomes


def _keep_weights(results, spec: RunSpec, weights: dict, provenance: dict) -> None:
    """Write the last w before its record, which says that the run is done."""
    from safetensors.torch import save

    data = save(weights, {"marginflow.provenance": json.dumps(provenance)})
    write_atomically(weights_path(results, spec), data, replace=True)


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
    write_atomically(path, _sealed(buffer.getvalue()), replace=True)


def _sealed(payload: bytes) -> bytes:
    seal = hashlib.sha256(payload).hexdigest().encode()
    return _MAGIC + seal + b"\n" + payload


def load_checkpoint(path: Path, spec: RunSpec) -> dict:
    """Read and check a checkpoint; nothing in it is executed (weights_only).

    Raises:
        RecordError: the file is damaged, no checkpoint, or of another spec.
    """
    import torch

    data = path.read_bytes()
    payload = data[len(_MAGIC) + 65 :]
    again = "delete it to start that run anew"
    if not data.startswith(_MAGIC):
        raise RecordError(f"{path} is no checkpoint of this version; {again}")
    if data != _sealed(payload):
        raise RecordError(f"{path} is damaged: its checksum does not match; {again}")
    try:
        content = torch.load(io.BytesIO(payload), weights_only=True)
    except Exception as error:  # whatever torch says of content that it will not load
        raise RecordError(f"{path} holds more than tensors; {again}") from error
    if content["digest"] != spec.digest():
        raise RecordError(f"{path} is a checkpoint of another spec; {again}")
    return content["state"]


class _Claim:
    """The lock of a run, and how far the run is, for others to read.

    The file stays behind: were it deleted, a third process could lock a new one of the
    same name while a second still waits on the old.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> bool:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def __exit__(self, *error) -> None:
        os.close(self._file)  # which also unlocks

    def tell(self, epoch: int, epochs: int) -> None:
        """Note how far the run is."""
        os.pwrite(self._file, f"{epoch:8d} {epochs:8d}\n".encode(), 0)


def epochs_done(results: str | os.PathLike, spec: RunSpec) -> tuple[int, int] | None:
    """How far a run under way is: epochs done and in all; None if no process has it."""
    path = checkpoint_path(results, spec).with_suffix(".lock")
    try:
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                try:
                    epoch, epochs = map(int, file.read(64).split())
                except ValueError:  # nothing told yet, or not by us
                    return (0, 0)
                return (epoch, epochs)
    except OSError:
        pass
    return None


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


def required_bytes(spec: RunSpec, together: int = 1) -> int:
    """Memory that runs in lockstep will take, by a count that errs on the large side.

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
    return int(
        size * (2 * images * pixels + together * 9 * parameters)
        + size * (3 * numbers.batch * together + 500) * activations
        + 400 * 2**20
    )


def _check_memory(spec: RunSpec, device, together: int) -> None:
    import torch

    needed, there = required_bytes(spec, together), None
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
