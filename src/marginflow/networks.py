"""Networks Phi(w, x) of the paper, and their degree L.

Two readings exist of the two convolutional networks. The paper's text is the default;
the authors' released code differs (companion page "Paper against released code"):

=============  ======================================  ========================
network        reading="paper"                         reading="released"
=============  ======================================  ========================
``mnist_net``  same padding, as in the net it cites    no padding, flatten 1600
``vgg_net``    last block and classifier 256 wide      last block 512 wide
=============  ======================================  ========================

Weights are drawn by a passed ``torch.Generator``; the global one is never touched.
With the same seed the default draw equals, bit for bit, what PyTorch's own layers would
draw after ``torch.manual_seed``.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from marginflow import checks
from marginflow.flat import flatten
from marginflow.homogeneity import NotHomogeneousError, homogeneity_degree

__all__ = [
    "HE_GAIN",
    "LeakyPerceptron",
    "NotHomogeneousError",
    "Power",
    "flatten",
    "homogeneity_defect",
    "homogeneity_degree",
    "initialize",
    "mlp",
    "mnist_net",
    "two_layer",
    "vgg_net",
]

Reading = Literal["paper", "released"]
_READINGS = get_args(Reading)

HE_GAIN = math.sqrt(2.0)
"""Gain of He initialization for ReLU: weights N(0, 2 / fan_in)."""


class LeakyPerceptron(nn.Module):
    """Phi(x) = v sigma(<w, x>), the one-unit network of Experiment 1 (page 10).

    sigma is the Leaky ReLU with inactive gradient ``slope``; L = 2. All parameters are
    drawn from U(-1, 1), as in the released code (the paper says "random").

    Args:
        slope: gradient of sigma on the negative side; 0.5 in the paper.
        inputs: dimension d of x; 2 in the paper.
        generator: source of randomness; by default a fresh one with seed 0.
        dtype: float64 by default.
    """

    def __init__(
        self,
        slope: float = 0.5,
        *,
        inputs: int = 2,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        if not (math.isfinite(slope) and abs(slope) <= 1):
            raise ValueError(
                f"slope is {slope}; it must be finite and at most 1 in size, as that "
                "of a Leaky ReLU is (for inputs of another dimension give inputs=)"
            )
        generator = generator or _seeded()
        draw = torch.empty(checks.positive_integer("inputs", inputs) + 1, dtype=dtype)
        draw.uniform_(-1.0, 1.0, generator=generator)
        self.slope = float(slope)
        self.v = nn.Parameter(draw[0].clone())
        self.w = nn.Parameter(draw[1:].clone())

    def forward(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        return self.v * F.leaky_relu(x @ self.w, self.slope)


class Power(nn.Module):
    """relu(x)^k, locally Lipschitz for integer k >= 1; multiplies the degree by k.

    k = 2 is the Square ReLU that Assumption 1 names. ``signed=True`` takes x^k
    instead, k = 3 being the cube activation.
    """

    def __init__(self, k: int, *, signed: bool = False) -> None:
        super().__init__()
        self.k, self.signed = checks.positive_integer("k", k), signed

    def forward(self, x: Float[Tensor, " ..."]) -> Float[Tensor, " ..."]:
        return (x if self.signed else F.relu(x)) ** self.k

    def extra_repr(self) -> str:
        return f"k={self.k}, signed={self.signed}"


_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.5),
    "square_relu": lambda: Power(2),
    "cube": lambda: Power(3, signed=True),
    "linear": nn.Identity,
}


def mlp(
    widths: list[int] | tuple[int, ...],
    activation: str = "relu",
    *,
    first_bias: bool = False,
    gain: float | None = None,
    generator: torch.Generator | None = None,
    dtype: torch.dtype = torch.float64,
) -> nn.Sequential:
    """Fully connected net with layers of the given ``widths``, input first.

    A final width of 1 is flattened away: output "n" instead of "n 1". Activations:
    "relu", "leaky_relu" (slope 0.5), "square_relu", "cube", "linear".

    Raises:
        ValueError: fewer than two widths, a width that is no positive integer, an
            unknown activation.
    """
    widths = [checks.positive_integer("widths", width) for width in widths]
    if len(widths) < 2:
        raise ValueError(f"widths is {widths}; it needs an input and an output width")
    checks.one_of("activation", activation, _ACTIVATIONS)
    layers: list[nn.Module] = []
    with torch.device("meta"):
        for i, (a, b) in enumerate(pairwise(widths)):
            layers += [nn.Linear(a, b, bias=first_bias and i == 0, dtype=dtype)]
            layers += [_ACTIVATIONS[activation]()]
        layers.pop()
        if widths[-1] == 1:
            layers.append(nn.Flatten(0))
    return _materialize(nn.Sequential(*layers), generator, gain)


def two_layer(
    inputs: int, hidden: int, activation: str = "relu", **options: Any
) -> nn.Sequential:
    """Small scalar network <v, sigma(W x)>: ``mlp([inputs, hidden, 1], ...)``.

    L = 2 for relu, leaky_relu and linear, 3 for square_relu, 4 for cube. Options are
    those of :func:`mlp`: first_bias, gain, generator, dtype.
    """
    checks.positive_integer("inputs", inputs)
    checks.positive_integer("hidden", hidden)
    return mlp([inputs, hidden, 1], activation, **options)


def mnist_net(
    width: float = 1.0,
    reading: Reading = "paper",
    *,
    gain: float | None = None,
    generator: torch.Generator | None = None,
    dtype: torch.dtype = torch.float32,
) -> nn.Sequential:
    """Four-layer convolutional network of Experiment 2, L = 4 (page 10).

    conv 5x5 (32) - ReLU - pool - conv 3x3 (64) - ReLU - pool - 1024 - ReLU - 10, no
    biases, inputs "n 1 28 28". The text does not state the padding; reading "paper"
    takes that of the cited network (Madry et al. 2018), which keeps the image size
    (3,240,736 parameters); reading "released" has none (1,667,872).

    Args:
        width: multiplies the three inner widths 32, 64 and 1024.
        reading: "paper" or "released".
        gain: None for PyTorch's default initialization, else N(0, gain^2 / fan_in).
        generator: source of randomness; by default a fresh one with seed 0.
        dtype: of the parameters.
    """
    released = checks.one_of("reading", reading, _READINGS) == "released"
    a, b, c = (_scaled(k, width) for k in (32, 64, 1024))
    pad, side = ("valid", 5) if released else ("same", 7)
    with torch.device("meta"):
        net = nn.Sequential(
            nn.Conv2d(1, a, 5, padding=pad, bias=False, dtype=dtype),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.Conv2d(a, b, 3, padding=pad, bias=False, dtype=dtype),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.Flatten(),
            nn.Linear(b * side * side, c, bias=False, dtype=dtype),
            nn.ReLU(),
            nn.Linear(c, 10, bias=False, dtype=dtype),
        )
    return _materialize(net, generator, gain)


def vgg_net(
    width: float = 1.0,
    reading: Reading = "paper",
    *,
    gain: float | None = None,
    generator: torch.Generator | None = None,
    dtype: torch.dtype = torch.float32,
) -> nn.Sequential:
    """Fourteen-layer VGG of Experiment 3, L = 14 (page 11), inputs "n 3 32 32".

    Thirteen 3x3 convolutions that keep the image size, in blocks of 2, 2, 3, 3, 3, each
    block followed by 2x2 max-pooling, then a 10-wide layer. Only the first convolution
    has a bias. The last block is 256 wide in the paper's text (and the classifier
    acts on 256), 512 in the released code (14,715,648 parameters).

    Arguments as for :func:`mnist_net`; ``width`` multiplies all channel counts.
    """
    released = checks.one_of("reading", reading, _READINGS) == "released"
    last = 512 if released else 256
    blocks = [(64, 2), (128, 2), (256, 3), (512, 3), (last, 3)]
    layers: list[nn.Module] = []
    before = 3
    with torch.device("meta"):
        for channels, repeats in blocks:
            channels = _scaled(channels, width)
            for _ in range(repeats):
                first = not layers
                layers.append(
                    nn.Conv2d(before, channels, 3, padding=1, bias=first, dtype=dtype)
                )
                layers.append(nn.ReLU())
                before = channels
            layers.append(nn.MaxPool2d(2, 2))
        layers += [nn.Flatten(), nn.Linear(before, 10, bias=False, dtype=dtype)]
    return _materialize(nn.Sequential(*layers), generator, gain)


def initialize(
    module: nn.Module,
    generator: torch.Generator,
    gain: float | None = None,
) -> nn.Module:
    """Redraw all linear and convolutional layers in place, in module order.

    Args:
        module: the network.
        generator: the only source of randomness.
        gain: None for PyTorch's default, U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for
            weights and biases; a number for weights N(0, gain^2 / fan_in) and zero
            biases, so that ``HE_GAIN`` is He initialization.
    """
    if gain is not None:
        checks.positive("gain", gain)
    for layer in module.modules():
        if not isinstance(layer, nn.Linear | nn.modules.conv._ConvNd):
            continue
        fan_in = layer.weight[0].numel()
        if gain is None:
            nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
        else:
            nn.init.normal_(layer.weight, 0.0, gain / fan_in**0.5, generator=generator)
        if layer.bias is not None:
            bound = 1.0 / math.sqrt(fan_in) if gain is None else 0.0
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return module


def homogeneity_defect(
    module: nn.Module, x: Tensor, alpha: float, degree: int | None = None
) -> float:
    """max |Phi(alpha w, x) - alpha^L Phi(w, x)| / max |alpha^L Phi(w, x)|.

    Computed in float64 on a copy. A few units of rounding (1e-16) for a homogeneous
    network, exactly 0.0 when alpha is a power of two (scaling by it rounds nothing).

    Args:
        module: the network.
        x: a batch of inputs.
        alpha: the factor, > 0 and finite.
        degree: L; by default ``homogeneity_degree(module)``. Pass one to measure how
            far a network without a degree is from having it.
    """
    checks.positive("alpha", alpha)
    power = homogeneity_degree(module) if degree is None else degree
    if abs(power * math.log2(alpha)) > 1000.0:
        raise ValueError(f"alpha is {alpha}; alpha^{power} leaves the range of floats")
    phi, w = flatten(copy.deepcopy(module).double())
    with torch.no_grad():
        scaled, plain = phi(alpha * w, x.double()), alpha**power * phi(w, x.double())
    size = plain.abs().max().item()
    if size == 0.0:
        raise ValueError("Phi(w, x) is 0 on all of x; the relative defect is undefined")
    return (scaled - plain).abs().max().item() / size


def _materialize(
    net: nn.Sequential, generator: torch.Generator | None, gain: float | None
) -> nn.Sequential:
    # Layers are built on the meta device, where their own initialization draws nothing.
    if torch.get_default_device().type == "meta":  # only shapes are asked for
        return net
    initialize(net.to_empty(device="cpu"), generator or _seeded(), gain)
    return net


def _seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _scaled(channels: int, width: float) -> int:
    return max(1, round(channels * checks.positive("width", width)))
