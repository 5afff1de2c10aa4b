"""The data sets of Section 4: perceptron points, MNIST and CIFAR-10.

The two image sets are the official files, in the layout that ``torchvision.datasets``
expects, read by it.  They lie in the folder that :func:`data_root` finds.  Each file is
compared with its known md5 before a byte of it is used, so that a truncated or corrupt
download is named rather than trained on.

Pixels are in [0, 1] and nothing else is done to them, as by the released code's
``ToTensor``.
"""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from marginflow import checks

__all__ = [
    "DATA_SETS",
    "DataError",
    "ImageSet",
    "check_files",
    "data_root",
    "download",
    "epoch_order",
    "load_images",
    "perceptron_points",
    "seeded_generator",
]


class DataError(ValueError):
    """A data file is missing or not what it should be; the message says what to do."""


# torchvision checks MNIST's archives but not the files inside, hence their md5 here.
DATA_SETS: dict[str, dict[str, str]] = {
    "mnist": {
        "MNIST/raw/train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "MNIST/raw/train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "MNIST/raw/t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "MNIST/raw/t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    "cifar10": {
        "cifar-10-batches-py/data_batch_1": "c99cafc152244af753f735de768cd75f",
        "cifar-10-batches-py/data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "cifar-10-batches-py/data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "cifar-10-batches-py/data_batch_4": "634d18415352ddfa80567beed471001a",
        "cifar-10-batches-py/data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "cifar-10-batches-py/test_batch": "40351d587109b95175f43aff81a1287e",
        "cifar-10-batches-py/batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
    },
}
"""The md5 of every file of an image set, by its path below the root."""


@dataclass(frozen=True)
class ImageSet:
    """Images and labels, resident on one device."""

    name: str
    x: Float[Tensor, "n c h w"]
    """Pixels in [0, 1]."""
    y: Int[Tensor, " n"]
    md5: str
    """Of the pixels' and labels' bytes, in this order: names exactly what was used."""

    def __len__(self) -> int:
        return len(self.y)


def data_root(root: str | os.PathLike | None = None) -> Path:
    """The folder of the image sets.

    ``root`` if given, else the environment variable MARGINFLOW_DATA, else a folder
    ``marginflow`` where the platform keeps caches.  It need not exist.
    """
    if root is None:
        root = os.environ.get("MARGINFLOW_DATA") or None
    if root is None:
        import platformdirs

        root = platformdirs.user_cache_path("marginflow") / "data"
    return Path(root).expanduser()


def check_files(
    name: str, root: str | os.PathLike | None = None
) -> dict[Path, str | None]:
    """Look at every file of data set ``name``, whole, and compare its md5.

    Returns:
        what is wrong with each file, or None.

    Raises:
        ValueError: the name is unknown.
    """
    checks.one_of("data set", name, DATA_SETS)
    folder = data_root(root)
    return {
        folder / path: _problem(folder / path, md5)
        for path, md5 in DATA_SETS[name].items()
    }


def _problem(path: Path, md5: str) -> str | None:
    if not path.is_file():
        return "is missing"
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "md5").hexdigest()
    except OSError:
        return "cannot be read"
    if found == md5:
        return None
    size = path.stat().st_size
    return f"is truncated or corrupt ({size} bytes with md5 {found}, not {md5})"


def load_images(
    name: str,
    root: str | os.PathLike | None = None,
    *,
    train: bool,
    limit: int | None = None,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> ImageSet:
    """The first ``limit`` images (all by default) of MNIST or CIFAR-10.

    Args:
        name: "mnist" (n × 1 × 28 × 28) or "cifar10" (n × 3 × 32 × 32).
        root: see :func:`data_root`.
        train: the training set, or else the test set.
        limit: how many images to take, in the files' order.
        device, dtype: where and how x is kept; its memory is channels-last.

    Raises:
        DataError: a file is missing, truncated or corrupt; says which.
        ValueError: the name is unknown, or ``limit`` is not in [1, n].
    """
    bad = _problems(name, root)
    if bad:
        raise DataError(
            f"{name}: {len(bad)} of the data files cannot be used:\n"
            + "\n".join(f"  {problem}" for problem in bad)
            + f"\n"
            f"Delete what is corrupt and run `marginflow data {name} --download`, or "
            "name a folder that has the official files by --data or MARGINFLOW_DATA"
        )
    # Every md5 is right, so that torchvision's unpickling of CIFAR-10 reads no
    # stranger's file.
    data = _torchvisions(name)(str(data_root(root)), train=train)
    pixels = torch.as_tensor(data.data)
    labels = torch.as_tensor(data.targets, dtype=torch.int64)
    # MNIST is n h w, CIFAR-10 n h w c.
    pixels = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
    n = len(labels)
    if limit is not None:
        if checks.positive_integer("limit", limit) > n:
            raise ValueError(f"limit is {limit!r}; {name} has 1 to {n} images to take")
        pixels, labels = pixels[:limit], labels[:limit]
    digest = hashlib.md5(pixels.contiguous().numpy().tobytes())
    digest.update(labels.numpy().tobytes())
    x = (pixels.to(device).to(dtype) / 255).contiguous(
        memory_format=torch.channels_last
    )
    return ImageSet(name, x, labels.to(device), digest.hexdigest())


def download(name: str, root: str | os.PathLike | None = None) -> Path:
    """Fetch data set ``name`` through torchvision, with a progress bar, and check it.

    Files that are right are left alone; so are corrupt ones, which are named.

    Returns:
        The root folder.

    Raises:
        DataError: the folder cannot be written, nothing could be fetched, or what
            came is not the official data.
    """
    folder = data_root(root)
    if not _problems(name, folder):
        return folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _torchvisions(name)(str(folder), download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"{name} could not be fetched into {folder}: {error}\n"
            "Without a network, copy the official files there, or name a folder that "
            "has them by --data or MARGINFLOW_DATA"
        ) from error
    if bad := _problems(name, folder):
        raise DataError(f"{name}: after the download, " + "; ".join(bad))
    return folder


def seeded_generator(*key: int) -> torch.Generator:
    """A CPU generator for the stream named by some integers >= 0.

    Different keys give independent streams, equal keys the same one, on every machine.
    """
    import numpy as np

    state = np.random.SeedSequence(key).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


def epoch_order(
    n: int, batch: int, generator: torch.Generator
) -> Int[Tensor, "batches batch"]:
    """A shuffled pass over n examples: one row of indices for each mini-batch.

    Raises:
        ValueError: n is not a positive multiple of ``batch`` (the paper's are).
    """
    if batch < 1 or n < 1 or n % batch:
        raise ValueError(f"batch is {batch}; it must divide the {n} training examples")
    return torch.randperm(n, generator=generator).view(-1, batch)


def perceptron_points(
    generator: torch.Generator, per_class: int = 50
) -> tuple[Float[Tensor, "n 2"], Float[Tensor, " n"]]:
    """The two-dimensional data set of the perceptron experiment (page 10).

    Points (cos 0.5, sin 0.5) + u labelled 1, followed by as many points
    -(cos 0.5, sin 0.5) + u labelled -1, with u uniform on the square [-0.6, 0.6]^2.

    Args:
        generator: source of all randomness.
        per_class: points of each label; 50 in the paper.

    Returns:
        x of shape (2 per_class, 2) and y of shape (2 per_class,), both float64.

    Raises:
        ValueError: ``per_class`` is not a positive integer.
    """
    checks.positive_integer("per_class", per_class)
    u = 1.2 * torch.rand(2 * per_class, 2, generator=generator, dtype=torch.float64)
    y = torch.ones(2 * per_class, dtype=torch.float64)
    y[per_class:] = -1
    centre = torch.tensor([math.cos(0.5), math.sin(0.5)], dtype=torch.float64)
    return y[:, None] * centre + (u - 0.6), y


def _problems(name: str, root: str | os.PathLike | None) -> list[str]:
    found = check_files(name, root).items()
    return [f"{path} {problem}" for path, problem in found if problem]


def _torchvisions(name: str) -> Any:
    """torchvision's own class of that name."""
    import torchvision

    return getattr(torchvision.datasets, {"mnist": "MNIST", "cifar10": "CIFAR10"}[name])
