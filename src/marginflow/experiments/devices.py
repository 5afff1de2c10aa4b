"""Where runs are computed, in what arithmetic, and how much memory they take."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from marginflow.experiments.spec import RunSpec
from marginflow.networks import mnist_net, vgg_net

__all__ = [
    "check_memory",
    "device_name",
    "fixed_arithmetic",
    "full_precision",
    "network",
    "required_bytes",
    "resolve_device",
]

VECTORS = 9
"""Of p parameters that a run holds: w, g, h, δ, ε, gradients, what a step needs."""


def resolve_device(name: str = "auto") -> torch.device:
    """The torch device for ``name``; "auto" takes an accelerator, or else the CPU.

    Raises:
        ValueError: torch knows no such device, or this machine has none.
    """
    if name == "auto":
        best = torch.accelerator.current_accelerator(check_available=True)
        return best or torch.device("cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f'device is {name!r}, which cannot be used here ({reason}); "auto" takes '
            "the best there is"
        ) from error
    return device


def device_name(device: torch.device) -> str:
    """In words, for a record."""
    if device.type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(device)}"
    return f"{device.type}: 1 thread" if device.type == "cpu" else device.type


# ---- arithmetic ----------------------------------------------------------------------


@contextmanager
def fixed_arithmetic(
    threads: int = 1, *, precision: str = "float32", deterministic: bool = False
) -> Iterator[None]:
    """The arithmetic that a result depends on; as it was afterwards.

    CPU threads, and no denormal numbers: averages g and h of units that died decay into
    float32's denormal range and stay there, where each operation costs a hundred times
    more; they are taken as 0.  On CUDA, TF32 only where ``precision`` says so, although
    torch has it on for convolutions, and ``deterministic`` kernels where asked for.
    """
    before = torch.get_num_threads(), _flushes_denormals()
    kernels = torch.are_deterministic_algorithms_enabled()
    if deterministic:  # read by cuBLAS when it starts
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.use_deterministic_algorithms(deterministic)
    try:
        with _tf32(precision == "tf32"):
            yield
    finally:
        torch.use_deterministic_algorithms(kernels)
        torch.set_flush_denormal(before[1])
        torch.set_num_threads(before[0])


def full_precision():
    """Measuring: no TF32, whatever the training around it uses."""
    return _tf32(False)


def _flushes_denormals() -> bool:
    """Whether the processor takes them for 0; torch sets that and does not tell it."""
    return float(torch.tensor(1e-40) * 1.0) == 0.0


@contextmanager
def _tf32(on: bool) -> Iterator[None]:
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32
    products.allow_tf32 = convolutions.allow_tf32 = on
    try:
        yield
    finally:
        products.allow_tf32, convolutions.allow_tf32 = before


# ---- networks and memory -------------------------------------------------------------


def network(spec: RunSpec, generator: torch.Generator | None = None) -> nn.Sequential:
    """The network of a run, drawn from ``generator``; on torch's default device.

    Under ``torch.device("meta")`` it has shapes and no numbers.
    """
    makers: dict[str, Callable[..., nn.Sequential]]
    makers = {"mnist": mnist_net, "cifar10": vgg_net}
    make = makers[spec.experiment]
    return make(
        spec.setting.width,
        spec.reading,
        gain=spec.setting.gain,
        generator=generator,
        dtype=getattr(torch, spec.dtype),
    )


def required_bytes(spec: RunSpec, together: int = 1) -> int:
    """Memory that runs trained together will take, erring on the large side.

    Data, `VECTORS` vectors of p parameters each, what every layer puts out for a batch
    (there, back, and what convolutions need) and for an evaluated chunk, and the
    interpreter with torch.  Parameters and outputs are counted on the meta device.
    """
    numbers, size = spec.setting, (8 if spec.dtype == "float64" else 4)
    shape = (1, 1, 28, 28) if spec.experiment == "mnist" else (1, 3, 32, 32)
    with torch.device("meta"), torch.no_grad():
        module = network(spec)
        x = torch.empty(shape, dtype=getattr(torch, spec.dtype))
        pixels, outputs = x.numel(), 0
        for layer in module:
            x = layer(x)
            outputs += x.numel()
    parameters = sum(p.numel() for p in module.parameters())
    images = numbers.train_images + numbers.test_images
    return int(
        size * (2 * images * pixels + together * VECTORS * parameters)
        + size * (4 * numbers.batch * together + 2 * 500) * outputs
        + 400 * 2**20
    )


def check_memory(
    spec: RunSpec, device: torch.device, together: int = 1, workers: int = 1
) -> None:
    """Refuse what does not fit.

    Args:
        together: runs that a worker trains at once.
        workers: that share the device's memory.

    Raises:
        ValueError: less is free than they will take.
    """
    needed, free = workers * required_bytes(spec, together), _free_bytes(device)
    if free is not None and needed > free:
        who = f"{workers} workers" if workers > 1 else "one worker"
        raise ValueError(
            f"scale {spec.scale!r} of {spec.experiment} needs about "
            f"{needed / 2**30:.1f} GiB of memory for {who} and {device} has "
            f"{free / 2**30:.1f} GiB free; choose a smaller scale, fewer workers or "
            "fewer lanes"
        )


def _free_bytes(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "cpu":
        return _available_memory()
    return None


def _available_memory() -> int | None:
    try:
        with open("/proc/meminfo") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:  # not Linux
        pass
    return None
