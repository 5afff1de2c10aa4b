"""Recorded runs of Experiment 1: one Parquet file per data set and reading of the loss.

A file holds one row per algorithm and round, of numbers alone (``algorithm`` is the
index into `perceptron.ALGORITHMS`); `load_perceptron` gives names back.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch

from marginflow import __version__
from marginflow.experiments.perceptron import (
    ALGORITHMS,
    PerceptronSpec,
    run_perceptron,
)
from marginflow.experiments.records import (
    FORMAT,
    RecordError,
    read_record,
    write_record,
)

__all__ = ["load_perceptron", "perceptron_path", "record_perceptron"]


def perceptron_path(results: str | os.PathLike, spec: PerceptronSpec) -> Path:
    """Where the record of ``spec`` lies; its default settings go without saying."""
    defaults = asdict(PerceptronSpec())
    changed = [
        f"{name}={value}"
        for name, value in asdict(spec).items()
        if value != defaults[name] and name not in ("data_seed", "reduction")
    ]
    folder = "-".join([spec.reduction, *changed])
    return (
        Path(results) / "perceptron" / folder / f"data-set-{spec.data_seed:02d}.parquet"
    )


def record_perceptron(
    results: str | os.PathLike, spec: PerceptronSpec, *, progress: bool = False
) -> Path:
    """Run ``spec`` and record it, unless its record is there already.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
        RecordError: there is a record, but damaged or of another spec.
    """
    path = perceptron_path(results, spec)
    if path.exists():
        _read(path, spec)
        return path
    frame = run_perceptron(spec, progress=progress).frame()
    frame = frame.drop(columns=["data_seed", "reduction"])
    frame["algorithm"] = frame.algorithm.map(ALGORITHMS.index)
    provenance = {
        "format": FORMAT,
        "digest": _digest(spec),
        "experiment": "perceptron",
        "scale": "paper",
        "spec": asdict(spec),
        "versions": {"marginflow": __version__, "torch": torch.__version__},
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    write_record(path, frame.columns, frame.to_numpy(dtype=float), provenance)
    return path


def load_perceptron(
    results: str | os.PathLike, specs: Iterable[PerceptronSpec]
) -> pd.DataFrame:
    """The records of ``specs`` as one tidy frame, like `PerceptronRun.frame`.

    Raises:
        RecordError: a record is missing, damaged, or of another spec.
    """
    frames = []
    for spec in specs:
        frame = _read(perceptron_path(results, spec), spec)
        names = frame.algorithm.astype(int).map(dict(enumerate(ALGORITHMS)))
        whole = dict.fromkeys(("round", "separated_at", "diverged_at"), "int64")
        frame = frame.assign(algorithm=names).astype(whole)
        frame.insert(0, "reduction", spec.reduction)
        frame.insert(0, "data_seed", spec.data_seed)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _read(path: Path, spec: PerceptronSpec) -> pd.DataFrame:
    record = read_record(path)
    if record.provenance["digest"] != _digest(spec):
        found = record.provenance["spec"]
        raise RecordError(
            f"{path} is a record of {found}, not of {asdict(spec)}; move it away to "
            "run this one"
        )
    return record.frame


def _digest(spec: PerceptronSpec) -> str:
    text = json.dumps({"experiment": "perceptron", **asdict(spec)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
