"""Checkpoints of runs under way, and the lock that says whose a run is.

Both lie in ``.state/`` beside the records.  The lock is the operating system's
(``flock``) and goes with the process that has it, however that ends; so a run is never
trained twice at once, and a killed one can be taken up at once.  Where machines share
the folder, its file system must support that.

A checkpoint holds what cannot be drawn anew, on the CPU: w, g, h, the rows measured,
and how the run came so far.  It is continued on any device.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
from pathlib import Path
from typing import Any

from marginflow.experiments.records import RecordError, record_path, write_atomically
from marginflow.experiments.spec import Spec

__all__ = [
    "Claim",
    "checkpoint_path",
    "epochs_done",
    "load_checkpoint",
    "save_checkpoint",
]

_MAGIC = b"marginflow checkpoint 2\n"
_KIND = _MAGIC[:-2]


def checkpoint_path(results: str | os.PathLike, spec: Spec) -> Path:
    """Where the checkpoint of ``spec`` lies while it is under way."""
    record = record_path(results, spec)
    return record.parent / ".state" / f"{record.stem}.checkpoint"


def save_checkpoint(path: Path, spec: Spec, state: dict[str, Any]) -> None:
    """Write a checkpoint: magic, SHA-256 of the rest, spec digest, torch's format."""
    import torch

    buffer = io.BytesIO()
    torch.save({"digest": spec.digest(), "state": state}, buffer)
    write_atomically(path, _sealed(buffer.getvalue()))


def _sealed(payload: bytes) -> bytes:
    seal = hashlib.sha256(payload).hexdigest().encode()
    return _MAGIC + seal + b"\n" + payload


def load_checkpoint(path: Path, spec: Spec) -> dict[str, Any]:
    """Read and check a checkpoint; nothing in it is executed (weights_only).

    Tensors come back on the CPU, whatever device they were saved from.

    Raises:
        RecordError: the file is damaged, no checkpoint, of another version or spec.
    """
    import torch

    data = path.read_bytes()
    payload = data[len(_MAGIC) + 65 :]
    aside = "move it away to start that run anew"
    if data.startswith(_KIND) and not data.startswith(_MAGIC):
        layout = data[len(_KIND) : len(_MAGIC)].decode(errors="replace").strip()
        raise RecordError(
            f"{path} is a checkpoint of another version of marginflow (layout "
            f"{layout}, and this one reads 2); go on with that version, or {aside}"
        )
    if not data.startswith(_MAGIC):
        raise RecordError(f"{path} is no checkpoint of marginflow; {aside}")
    if data != _sealed(payload):
        raise RecordError(
            f"{path} is damaged: its checksum does not match; delete it to start that "
            "run anew"
        )
    try:
        content = torch.load(io.BytesIO(payload), weights_only=True, map_location="cpu")
        digest, state = content["digest"], content["state"]
    except Exception as error:  # whatever torch says of content that it will not load
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise RecordError(
            f"{path} holds what cannot be loaded as tensors ({reason}); {aside}"
        ) from error
    if digest != spec.digest():
        raise RecordError(f"{path} is a checkpoint of another spec; {aside}")
    return state


class Claim:
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
        except OSError as error:
            os.close(self._file)
            raise OSError(
                error.errno,
                f"{self.path} cannot be locked ({os.strerror(error.errno or 0)}), so "
                "that runs could be trained twice at once; name a folder by --results "
                "whose file system keeps locks (a local disk, NFS 4, Lustre -o flock)",
            ) from error
        return True

    def __exit__(self, *error: object) -> None:
        os.close(self._file)  # which also unlocks

    def tell(self, epoch: int, epochs: int) -> None:
        """Note how far the run is."""
        os.pwrite(self._file, f"{epoch:8d} {epochs:8d}\n".encode(), 0)


def epochs_done(results: str | os.PathLike, spec: Spec) -> tuple[int, int] | None:
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
