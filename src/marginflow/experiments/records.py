"""Records: one Parquet file a run, written whole or not at all, and checked when read.

A record holds the run's rows, and in the file's metadata its provenance (see
:mod:`marginflow.experiments.provenance`).  That carries a SHA-256 over the rows and
itself, so that a flipped bit is named and never plotted.

Wall time and machine differ from run to run; the rows do not.  :func:`content_digest`
is over the rows alone, to tell whether two records say the same.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from marginflow.experiments.provenance import FORMAT, provenance
from marginflow.experiments.spec import RunSpec, Spec

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

__all__ = [
    "Record",
    "RecordError",
    "content_digest",
    "load_frame",
    "part_path",
    "read_record",
    "read_weights",
    "record_once",
    "record_path",
    "weights_path",
    "write_atomically",
    "write_record",
]

_PROVENANCE, _SEAL = b"marginflow.provenance", b"marginflow.sha256"


class RecordError(ValueError):
    """A record or checkpoint is damaged or of another spec; names the file."""


@dataclass(frozen=True)
class Record:
    """What a record file holds."""

    path: Path
    frame: pd.DataFrame
    """One row per evaluated epoch, columns as in ``metrics.COLUMNS``; of Experiment 1,
    one per algorithm and round."""
    provenance: dict[str, Any]


def record_path(results: str | os.PathLike, spec: Spec) -> Path:
    """Where the record of ``spec`` lies."""
    return Path(results) / f"{spec.name}.parquet"


def part_path(results: str | os.PathLike, spec: Spec) -> Path:
    """Where the rows lie of a run that was stopped before its end."""
    record = record_path(results, spec)
    return record.with_name(f"part-{record.name}")


def weights_path(results: str | os.PathLike, spec: Spec) -> Path:
    """Where the last w of ``spec`` lies, if it was kept."""
    return record_path(results, spec).with_suffix(".safetensors")


def read_weights(results: str | os.PathLike, spec: Spec) -> dict[str, Tensor]:
    """The last w of ``spec``, by the names of the module's parameters.

    Raises:
        RecordError: it is not kept, or its file is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = weights_path(results, spec)
    try:
        return load(path.read_bytes())
    except FileNotFoundError:
        raise RecordError(
            f"{path} does not exist: the weights of this run are not kept"
        ) from None
    except (OSError, SafetensorError) as error:
        raise RecordError(f"{path} cannot be read ({error})") from error


def content_digest(columns: Iterable[str], rows: Float[np.ndarray, "n c"]) -> str:
    """SHA-256 of names and values; equal for records that say the same to the bit."""
    digest = hashlib.sha256(json.dumps(list(columns)).encode())
    digest.update(np.ascontiguousarray(rows, dtype="<f8").tobytes())
    return digest.hexdigest()


def write_record(
    path: str | os.PathLike,
    columns: Iterable[str],
    rows: Float[np.ndarray, "n c"],
    told: dict[str, Any],
) -> None:
    """Publish a record, in place of one that is there.

    Args:
        told: its provenance.

    Raises:
        OSError: the folder cannot be written, or the disk is full.  No partial file
            remains.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = list(columns)
    told = {**told, "content": content_digest(columns, rows)}
    text = json.dumps(told, sort_keys=True).encode()
    metadata = {_PROVENANCE: text, _SEAL: hashlib.sha256(text).hexdigest().encode()}
    arrays = [pa.array(np.ascontiguousarray(rows[:, i])) for i in range(len(columns))]
    table = pa.table(arrays, names=columns).replace_schema_metadata(metadata)
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        use_dictionary=False,
        write_statistics=False,
        write_page_checksum=True,
    )
    write_atomically(path, sink.getvalue().to_pybytes())


def record_once(
    results: str | os.PathLike,
    spec: Spec,
    work: Callable[[], tuple[pd.DataFrame, dict[str, str]]],
    *,
    device: str,
    **facts: Any,
) -> Path:
    """Record a run that is done in one go, unless its record is there already.

    Args:
        work: makes the record's rows, and the md5 of what it read, by name.
        device, facts: for the provenance.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
        RecordError: there is a record, but damaged or of another spec.
    """
    path = record_path(results, spec)
    if path.exists():
        read_record(path, spec)
        return path
    started = time.perf_counter()
    frame, md5 = work()
    seconds = time.perf_counter() - started
    facts = {"device": device, "data_md5": md5, "status": "finished", **facts}
    told = provenance(spec, seconds=seconds, **facts)
    write_record(path, frame.columns, frame.to_numpy(dtype=float), told)
    return path


def write_atomically(path: str | os.PathLike, data: bytes) -> None:
    """Make ``path`` hold ``data``, so that whoever looks sees all of it or nothing.

    Raises:
        OSError: the data could not be written; ``path`` is as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise OSError(
            error.errno,
            f"{os.strerror(error.errno)} for {path}: make room there, or name another "
            "folder by --results, and give the command again; what is recorded stays",
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    with suppress(OSError):  # the name is to outlast a loss of power, where it can
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read_record(path: str | os.PathLike, spec: Spec | None = None) -> Record:
    """Read and check a record.

    Args:
        path: the file.
        spec: what the record must be of, if given.

    Raises:
        RecordError: the file is missing, damaged, no record of this package, of another
            version, or of another spec than ``spec``.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(path)
    try:
        # The whole file is checked, page by page, before anything is made of it.
        table = pq.read_table(
            pa.BufferReader(path.read_bytes()),
            page_checksum_verification=True,
            use_threads=False,
        )
    except FileNotFoundError:
        raise RecordError(f"{path} does not exist") from None
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = str(error).strip().splitlines()[:1]
        raise RecordError(
            f"{path} cannot be read as a record ({' '.join(reason)}); delete it to run "
            "it again"
        ) from error
    metadata = table.schema.metadata or {}
    if _PROVENANCE not in metadata or _SEAL not in metadata:
        raise RecordError(f"{path} is a Parquet file, but not a record of marginflow")
    text = metadata[_PROVENANCE]
    rows = _values(path, table)
    damaged = hashlib.sha256(text).hexdigest().encode() != metadata[_SEAL]
    if not damaged:
        told = json.loads(text)
        damaged = told["content"] != content_digest(table.column_names, rows)
    if damaged:
        raise RecordError(
            f"{path} is damaged: its content does not match its checksum; delete it to "
            "run it again"
        )
    if told.get("format", 1) != FORMAT:  # the first had no number
        raise RecordError(
            f"{path} has format {told.get('format')}; this version of marginflow "
            f"reads format {FORMAT}"
        )
    if spec is not None and told["digest"] != spec.digest():
        raise RecordError(
            f"{path} is a record of another spec: {_difference(spec, told)}; "
            "move it away to run this one"
        )
    import pandas as pd

    return Record(path, pd.DataFrame(rows, columns=table.column_names), told)


def _values(path: Path, table) -> Float[np.ndarray, "n c"]:
    try:
        return np.column_stack(
            [table.column(name).to_numpy() for name in table.column_names]
        ).astype(np.float64)
    except (ValueError, TypeError) as error:
        raise RecordError(f"{path} holds columns that are not numbers") from error


def _difference(spec: Spec, told: dict[str, Any]) -> str:
    wanted, found = _flat(spec.identity()), _flat(told["spec"])
    for name in sorted(wanted.keys() & found.keys()):
        if wanted[name] != found[name]:
            return f"{name} is {found[name]!r}, not {wanted[name]!r}"
    return "the digests differ"


def _flat(identity: dict[str, Any]) -> dict[str, Any]:
    rest = {k: v for k, v in identity.items() if k != "setting"}
    return rest | {f"setting.{k}": v for k, v in identity.get("setting", {}).items()}


def load_frame(
    results: str | os.PathLike, specs: Iterable[RunSpec], *, parts: bool = False
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """The records of those ``specs`` that have one, as one tidy frame.

    Args:
        parts: also take what runs had measured when they were stopped before their end
            (status "stopped" in the provenance).

    Returns:
        A frame with the spec's names before the records' columns, and the provenance of
        each record.  Runs without a record are left out.

    Raises:
        RecordError: a record is damaged or of another spec.
    """
    import pandas as pd

    frames, provenances = [], []
    for spec in specs:
        path = record_path(results, spec)
        if parts and not path.exists():
            path = part_path(results, spec)
        if not path.exists():
            continue
        record = read_record(path, spec)
        labels = ("experiment", "scale", "regime", "algorithm", "round")
        frame = record.frame.assign(**{label: getattr(spec, label) for label in labels})
        frames.append(frame[[*labels, *record.frame.columns]])
        provenances.append(record.provenance)
    if not frames:
        return pd.DataFrame(), []
    return pd.concat(frames, ignore_index=True), provenances
