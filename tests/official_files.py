"""Small data sets in the official formats, and children that train on them.

torchvision and marginflow know the md5 of the real files; `use_generated` puts those of
the generated ones in their place, in this process.  Training children call it first, so
tests of whole runs need no download and read a few kilobytes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import torchvision

from marginflow import data

TRAIN, TEST = 50, 20
"""Images in the generated sets; what the smoke scale needs, and a few more."""


def real_root() -> Path | None:
    """A folder with the real files, if there is one at hand."""
    named = os.environ.get("MARGINFLOW_DATA")
    beside = Path(__file__).parents[2] / "shared" / "data"
    for root in ([Path(named)] if named else []) + [beside]:
        if (root / "MNIST" / "raw" / "train-images-idx3-ubyte").is_file():
            return root
    return None


def generate(root: Path) -> dict[str, dict[str, str]]:
    """Write both data sets below ``root``; returns md5 by data set and file name."""
    random = np.random.default_rng(5)
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix, n in (("train", TRAIN), ("t10k", TEST)):
        labels = random.integers(0, 10, n, dtype=np.uint8)
        pixels = _pictures(random, labels, (28, 28))
        head = struct.pack(">IIII", 0x803, n, 28, 28)
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(head + pixels.tobytes())
        head = struct.pack(">II", 0x801, n)
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(head + labels.tobytes())
    folder = root / "cifar-10-batches-py"
    folder.mkdir()
    names = [f"data_batch_{i}" for i in range(1, 6)]
    for name, n in (*((name, TRAIN // 5) for name in names), ("test_batch", TEST)):
        labels = random.integers(0, 10, n, dtype=np.uint8)
        pixels = _pictures(random, labels, (3, 32, 32)).reshape(n, -1)
        entry = {"data": pixels, "labels": labels.tolist()}
        (folder / name).write_bytes(pickle.dumps(entry, protocol=2))
    meta = {"label_names": [str(i) for i in range(10)]}
    (folder / "batches.meta").write_bytes(pickle.dumps(meta, protocol=2))
    table = {
        name: {
            path: hashlib.md5((root / path).read_bytes()).hexdigest() for path in files
        }
        for name, files in data.DATA_SETS.items()
    }
    (root / "md5.json").write_text(json.dumps(table))
    return table


def _pictures(random, labels, shape) -> np.ndarray:
    """Noise around one random picture for each class: easy to learn."""
    classes = random.integers(0, 200, (10, *shape))
    noise = random.integers(0, 56, (len(labels), *shape))
    return (classes[labels] + noise).astype(np.uint8)


def use_generated(root: Path, setitem=None, setattribute=setattr) -> None:
    """Let this process take the files below ``root`` for the official ones."""
    table = json.loads((Path(root) / "md5.json").read_text())
    for name, mine in table.items():
        if setitem is None:
            data.DATA_SETS[name] = mine
        else:
            setitem(data.DATA_SETS, name, mine)
    theirs = torchvision.datasets.CIFAR10
    mine = {Path(path).name: md5 for path, md5 in table["cifar10"].items()}
    for part in ("train_list", "test_list"):
        files = [[name, mine[name]] for name, _ in getattr(theirs, part)]
        setattribute(theirs, part, files)
    setattribute(theirs, "meta", {**theirs.meta, "md5": mine["batches.meta"]})


def gzipped_mnist(root: Path, archive: Path) -> list[tuple[str, str]]:
    """The generated MNIST as the archives that torchvision downloads."""
    archive.mkdir()
    resources = []
    for path in sorted((root / "MNIST" / "raw").iterdir()):
        packed = archive / f"{path.name}.gz"
        packed.write_bytes(gzip.compress(path.read_bytes()))
        resources.append((packed.name, hashlib.md5(packed.read_bytes()).hexdigest()))
    return resources


def train_child(spec, results: str, root: str, checkpoint_seconds: float) -> None:
    """What a child process does: one run on the generated data."""
    from marginflow.experiments.runner import Limits, run_one

    use_generated(Path(root))
    run_one(spec, results, root, limits=Limits(checkpoint_seconds))


def starved_child(spec, results: str, root: str, limit: int) -> None:
    """The same where no file may grow beyond ``limit`` bytes; exits with 7 for that."""
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        train_child(spec, results, root, 0.0)
    except OSError:
        os._exit(7)


def command_line(arguments: list[str]) -> int:
    """``marginflow`` on the generated data at arguments[0]."""
    from marginflow.cli import main

    return main(arguments[1:])


if __name__ in ("__main__", "__mp_main__"):
    # Pool and Dask workers import this file again, and so see the generated data too.
    import signal
    import sys

    use_generated(Path(sys.argv[1]))
    if __name__ == "__main__":
        # As in a terminal; what a shell starts in the background has Ctrl-C ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.exit(command_line(sys.argv[1:]))
