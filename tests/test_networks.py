"""The paper's networks: sizes, degrees, initialization, functional view."""

from __future__ import annotations

import math
import re

import pytest
import torch
from torch import nn

from marginflow.networks import (
    HE_GAIN,
    LeakyPerceptron,
    Power,
    flatten,
    homogeneity_defect,
    homogeneity_degree,
    initialize,
    mlp,
    mnist_net,
    two_layer,
    vgg_net,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def size(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


PLANE = torch.randn(9, 2, generator=seeded(5)).double()
DIGITS = torch.rand(2, 1, 28, 28, generator=seeded(6))
PHOTOS = torch.rand(2, 3, 32, 32, generator=seeded(7))

# network, a batch for it, degree L, output shape
NETWORKS = {
    "perceptron": (LeakyPerceptron, PLANE, 2, (9,)),
    "relu": (lambda: two_layer(2, 5), PLANE, 2, (9,)),
    "leaky": (lambda: two_layer(2, 5, "leaky_relu"), PLANE, 2, (9,)),
    "linear": (lambda: two_layer(2, 5, "linear"), PLANE, 2, (9,)),
    "bias": (lambda: two_layer(2, 5, first_bias=True), PLANE, 2, (9,)),
    "square": (lambda: two_layer(2, 5, "square_relu"), PLANE, 3, (9,)),
    "cube": (lambda: two_layer(2, 5, "cube"), PLANE, 4, (9,)),
    "deep": (lambda: mlp([2, 4, 4, 4, 3], "leaky_relu"), PLANE, 4, (9, 3)),
    "deep square": (lambda: mlp([2, 4, 4, 1], "square_relu"), PLANE, 7, (9,)),
    "mnist": (lambda: mnist_net(0.1), DIGITS, 4, (2, 10)),
    "mnist released": (lambda: mnist_net(0.1, "released"), DIGITS, 4, (2, 10)),
    "vgg": (lambda: vgg_net(0.1, gain=HE_GAIN), PHOTOS, 14, (2, 10)),
    "vgg released": (
        lambda: vgg_net(0.1, "released", gain=HE_GAIN), PHOTOS, 14, (2, 10)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_degree_walked_and_measured(name):
    build, x, degree, shape = NETWORKS[name]
    net = build()
    assert net(x.to(next(net.parameters()).dtype)).shape == shape
    assert homogeneity_degree(net) == degree
    assert homogeneity_defect(net, x, 2.0) == 0.0  # a power of two rounds nothing
    assert homogeneity_defect(net, x, 0.9) < 1e-13
    # Refuted: any other degree, and the same net with one bias past the first layer.
    assert homogeneity_defect(net, x, 2.0, degree=degree + 1) == 0.5
    assert homogeneity_defect(net, x, 2.0, degree=degree - 1) == 1.0


@pytest.mark.parametrize("name", ["relu", "mnist", "vgg"])
def test_a_late_bias_shows_as_a_defect(name):
    build, x, degree, _ = NETWORKS[name]
    net = build()
    last = [m for m in net.modules() if isinstance(m, nn.Linear)][-1]
    last.bias = nn.Parameter(torch.full_like(last.weight[:, 0], 0.5))
    assert homogeneity_defect(net, x, 2.0, degree=degree) > 0.01
    with pytest.raises(ValueError, match="bias past the first layer"):
        homogeneity_degree(net)


@pytest.mark.parametrize(
    ("build", "reading", "count"),
    [
        (mnist_net, "released", 1_667_872),
        (mnist_net, "paper", 800 + 18_432 + 64 * 7 * 7 * 1024 + 10_240),
        (vgg_net, "released", 14_715_648),
        (vgg_net, "paper", 9_994_496),
    ],
)
def test_parameter_counts_at_full_width(build, reading, count):
    net = build(reading=reading)
    assert size(net) == count
    assert all(p.dtype == torch.float32 for p in net.parameters())
    biases = [name for name, _ in net.named_parameters() if name.endswith("bias")]
    assert biases == (["0.bias"] if build is vgg_net else [])


def test_the_two_readings_differ_and_the_papers_is_the_default():
    for build in (mnist_net, vgg_net):
        assert size(build(0.1)) == size(build(0.1, "paper"))
        assert size(build(0.1)) != size(build(0.1, "released"))


def test_width_multiplies_every_inner_width_and_keeps_the_depth():
    wide, narrow = vgg_net(0.5), vgg_net(0.125)
    convolutions = [m for m in wide if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in convolutions] == (
        [32] * 2 + [64] * 2 + [128] * 3 + [256] * 3 + [128] * 3
    )
    assert len(narrow) == len(wide)
    assert [m.out_features for m in mnist_net(0.25) if isinstance(m, nn.Linear)] == [
        256,
        10,
    ]
    assert vgg_net(1e-9)[0].out_channels == 1


# --- initialization -----------------------------------------------------------------


def torchs_own_mnist() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 3, 5, bias=False),
        nn.Conv2d(3, 6, 3, bias=False),
        nn.Linear(150, 102, bias=False),
        nn.Linear(102, 10, bias=False),
    )


def test_default_draw_is_torchs_own_bit_for_bit():
    with torch.random.fork_rng():
        torch.manual_seed(9)
        expected = [p.detach() for p in torchs_own_mnist().parameters()]
    ours = list(mnist_net(0.1, "released", generator=seeded(9)).parameters())
    assert all(torch.equal(a, b) for a, b in zip(expected, ours, strict=True))
    other = list(mnist_net(0.1, "released", generator=seeded(10)).parameters())
    assert not any(torch.equal(a, b) for a, b in zip(expected, other, strict=True))


def test_default_bias_is_torchs_own_too():
    with torch.random.fork_rng():
        torch.manual_seed(4)
        expected = nn.Linear(2, 5, dtype=torch.float64)
    ours = two_layer(2, 5, first_bias=True, generator=seeded(4))[0]
    assert torch.equal(expected.bias, ours.bias)
    assert torch.equal(expected.weight, ours.weight)


@pytest.mark.parametrize("name", NETWORKS)
def test_global_randomness_is_neither_read_nor_moved(name):
    before = torch.random.get_rng_state()
    first = flatten(NETWORKS[name][0]())[1]
    assert torch.equal(torch.random.get_rng_state(), before)
    with torch.random.fork_rng():
        torch.manual_seed(123)
        second = flatten(NETWORKS[name][0]())[1]
    assert torch.equal(first, second)


def test_a_shared_generator_moves_on_from_net_to_net():
    generator = seeded(1)
    first, second = (two_layer(2, 4, generator=generator) for _ in range(2))
    assert not torch.equal(first[0].weight, second[0].weight)


def test_perceptron_starts_uniform_on_the_cube():
    generator = seeded(2)
    draws = torch.stack(
        [flatten(LeakyPerceptron(generator=generator))[1] for _ in range(3000)]
    )
    assert draws.shape == (3000, 3)
    assert draws.abs().max() <= 1.0
    # Mean 0, variance 1/3: five standard errors.
    assert draws.mean(0).abs().max() < 5 * math.sqrt(1 / 3 / 3000)
    assert (draws.var(0) - 1 / 3).abs().max() < 5 * math.sqrt(4 / 45 / 3000)


def test_gain_gives_he_normal_weights_and_zero_bias():
    net = vgg_net(0.5, gain=HE_GAIN, generator=seeded(3))
    assert (net[0].bias == 0).all()
    layer = net[7]  # 64 -> 64 convolution, fan_in 576
    fan_in = layer.weight[0].numel()
    n = layer.weight.numel()
    assert layer.weight.var().item() * fan_in == pytest.approx(
        2.0, abs=5 * 2 * 2**0.5 / n**0.5
    )
    default = vgg_net(0.5, generator=seeded(3))[7]
    assert default.weight.var().item() * fan_in == pytest.approx(1 / 3, abs=0.01)
    assert default.weight.abs().max() <= fan_in**-0.5


def test_he_keeps_the_signal_alive_through_fourteen_layers_and_default_does_not():
    default, he = vgg_net(0.125), vgg_net(0.125, gain=HE_GAIN)
    with torch.no_grad():
        spread = [net(PHOTOS).std(dim=1).mean().item() for net in (default, he)]
    assert spread[0] < 1e-2 * spread[1]


# --- the perceptron by hand, powers -------------------------------------------------


def test_perceptron_is_v_sigma_of_w_x():
    net = LeakyPerceptron()
    with torch.no_grad():
        net.v.fill_(2.0)
        net.w.copy_(torch.tensor([1.0, -1.0]))
    x = torch.tensor([[3.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
    assert net(x).tolist() == [4.0, -2.0]
    assert LeakyPerceptron(slope=0.1, inputs=5)(torch.ones(3, 5).double()).shape == (3,)


def test_powers():
    x = torch.tensor([-2.0, 3.0])
    assert Power(2)(x).tolist() == [0.0, 9.0]
    assert Power(3, signed=True)(x).tolist() == [-8.0, 27.0]


# --- functional view ----------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_flatten_computes_what_the_module_computes(name):
    build, x, _, shape = NETWORKS[name]
    net = build().to(memory_format=torch.channels_last)  # the order of w
    phi, w0 = flatten(net)
    x = x.to(w0.dtype)
    assert w0.shape == (size(net),)
    assert torch.equal(phi(w0, x), net(x))
    assert phi(w0, x).shape == shape
    assert not torch.equal(phi(1.1 * w0, x), net(x))


def test_flatten_is_pure_and_independent_of_the_module():
    net = two_layer(2, 3)
    phi, w0 = flatten(net)
    value = phi(w0, PLANE)
    with torch.no_grad():
        net[0].weight.zero_()
    assert torch.equal(phi(w0, PLANE), value)
    w0.zero_()
    assert (net[2].weight != 0).any()


@pytest.mark.parametrize("name", ["perceptron", "square", "deep"])
def test_flatten_under_grad_jacrev_and_vmap_obeys_euler(name):
    """Euler's identity <w, dPhi/dw> = L Phi, the form in which the theory uses it."""
    build, x, degree, _ = NETWORKS[name]
    phi, w0 = flatten(build())
    jacobian = torch.func.jacrev(phi)(w0, x)
    assert torch.allclose(jacobian @ w0, degree * phi(w0, x), rtol=1e-12)
    assert not torch.allclose(jacobian @ w0, (degree + 1) * phi(w0, x), rtol=1e-3)
    many = torch.stack([w0, 2 * w0])
    mapped = torch.func.vmap(phi, in_dims=(0, None))(many, x)
    assert torch.allclose(mapped[1], 2**degree * mapped[0], rtol=1e-12)


def test_a_parameter_with_two_names_is_one_part_of_w_under_both():
    """Tied layers: what steps w, steps every layer that has the parameter."""
    net = mlp([2, 2, 2, 1], generator=seeded(8))
    net[2].weight = net[0].weight
    phi, w0 = flatten(net)
    assert w0.shape == (4 + 2,)
    bound = phi.bound(w := 2 * w0)
    assert bound[2].weight is bound[0].weight
    assert bound[0].weight.data_ptr() == w.data_ptr()
    assert torch.equal(bound(PLANE), phi(w, PLANE))
    w.mul_(2)
    assert torch.equal(bound(PLANE), phi(w, PLANE))
    assert torch.allclose(phi(w, PLANE), 4**3 * net(PLANE))
    assert net(PLANE).any()


def test_frozen_parameters_are_no_part_of_w():
    net = two_layer(2, 3)
    net[0].requires_grad_(False)
    phi, w0 = flatten(net)
    assert torch.equal(w0, net[2].weight.reshape(-1))
    assert homogeneity_degree(net) == 1
    assert torch.equal(phi(2 * w0, PLANE), 2 * net(PLANE))


# --- bad input ----------------------------------------------------------------------

MIXED = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).double())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: LeakyPerceptron(math.nan), ["slope", "nan", "finite"]),
        (lambda: LeakyPerceptron(inputs=0), ["inputs", "0", "positive integer"]),
        (lambda: two_layer(2, 0), ["hidden", "0", "positive integer"]),
        (lambda: two_layer(2.5, 3), ["inputs", "2.5", "positive integer"]),
        (lambda: two_layer(True, 3), ["inputs", "True", "positive integer"]),
        (lambda: two_layer(2, 3, "tanh"), ["activation", "tanh", "leaky_relu"]),
        (lambda: mlp([3]), ["widths", "[3]", "input and an output"]),
        (lambda: mlp([3, -1]), ["widths", "-1", "positive integer"]),
        (lambda: Power(0), ["k", "0", "positive integer"]),
        (lambda: mnist_net(0.0), ["width", "0.0", "> 0"]),
        (lambda: vgg_net(math.inf), ["width", "inf", "finite"]),
        (lambda: mnist_net(reading="code"), ["reading", "code", "released"]),
        (lambda: vgg_net(gain=-1.0), ["gain", "-1.0", "> 0"]),
        (lambda: initialize(two_layer(2, 2), seeded(), math.nan), ["gain", "nan"]),
        (lambda: flatten(nn.ReLU()), ["ReLU", "no trainable parameter"]),
        (lambda: flatten(MIXED), ["dtypes", "float32", "float64"]),
        (lambda: flatten(two_layer(2, 2))[0](torch.ones(5), PLANE), ["w", "(5,)"]),
        (lambda: homogeneity_defect(two_layer(2, 2), PLANE, 0.0), ["alpha", "0.0"]),
        (lambda: homogeneity_defect(two_layer(2, 2), PLANE, 1e200), ["alpha", "range"]),
        (lambda: homogeneity_defect(two_layer(2, 2), 0 * PLANE, 2.0), ["is 0 on all"]),
    ],
)
def test_bad_input_names_argument_value_and_remedy(call, words):
    every = "".join(f"(?=.*{re.escape(word)})" for word in words)
    with pytest.raises(ValueError, match=every):
        call()
