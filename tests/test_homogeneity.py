"""The degree walk: right where it answers, and it refuses what it cannot follow.

Each accepted network is checked numerically as well, and each refused one is shown to
be inhomogeneous (its defect is large for every degree) unless the refusal says that
the walk merely cannot tell.
"""

from __future__ import annotations

import math
import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from marginflow.homogeneity import NotHomogeneousError, homogeneity_degree
from marginflow.networks import Power, flatten, homogeneity_defect

X = torch.randn(16, 3, generator=torch.Generator().manual_seed(11)).double()


def linear(bias: bool = False) -> nn.Linear:
    return nn.Linear(3, 3, bias=bias, dtype=torch.float64)


class Net(nn.Module):
    """Three inputs to three outputs by a function of (net, x)."""

    def __init__(self, forward) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(12)
        for name in "abc":
            layer = linear()
            layer.weight = nn.Parameter(torch.randn(3, 3, generator=generator).double())
            setattr(self, name, layer)
        self.v = nn.Parameter(torch.tensor([0.5, -1.5, 2.0], dtype=torch.float64))
        self.register_buffer("const", torch.tensor([1.0, 2.0, 3.0]).double())
        self.calls = forward

    def forward(self, x):
        return self.calls(self, x)


def frozen(module: nn.Module) -> nn.Module:
    return module.requires_grad_(False)


def parallel(net, x):
    h = net.a(x)
    return F.relu(h) + h  # a skip connection past no weights


HOMOGENEOUS = {
    "one layer": (lambda n, x: n.a(x), 1),
    "parameter times input": (lambda n, x: x * n.v, 1),
    "three layers": (lambda n, x: n.c(n.b(n.a(x).relu()).relu()), 3),
    "leaky relu, slope 0.1": (lambda n, x: n.b(F.leaky_relu(n.a(x), 0.1)), 2),
    "square relu": (lambda n, x: n.b(F.relu(n.a(x)) ** 2), 3),
    "square": (lambda n, x: n.b(n.a(x).square()), 3),
    "cube between layers": (lambda n, x: n.c(n.b(n.a(x) ** 3) ** 3), 13),
    "float exponent 2.0": (lambda n, x: n.a(x).pow(2.0), 2),
    "skip past no weights": (parallel, 1),
    "sum of equal degrees": (lambda n, x: n.b(n.a(x)) - n.v * n.c(x), 2),
    "bias by hand at the first layer": (lambda n, x: n.b(n.a(x) + n.v), 2),
    "tanh of the input": (lambda n, x: n.a(torch.tanh(x)), 1),
    "constant features": (lambda n, x: n.a(x / n.const + 1.0), 1),
    "weights used twice": (lambda n, x: n.a(n.a(x)), 2),
    "weights multiplied": (lambda n, x: x @ (n.a.weight @ n.b.weight), 2),
    "max of equal degrees": (lambda n, x: torch.maximum(n.a(x), n.b(x)), 1),
    "add zero, times two": (lambda n, x: 2 * (n.a(x) + 0), 1),
    "shapes": (lambda n, x: n.a(x).reshape(x.shape[0], -1).T.T, 1),
    "in place, same degree": (lambda n, x: n.a(x).relu_().mul_(3), 1),
    "max pooling": (lambda n, x: F.max_pool1d(n.a(x)[:, None], 2), 1),
    "functional linear": (lambda n, x: F.linear(x, n.a.weight, n.v), 1),
    "keyword input": (lambda n, x: torch.add(input=n.a(x), other=n.b(x)), 1),
}


@pytest.mark.parametrize("name", [n for n, (_, d) in HOMOGENEOUS.items() if d])
def test_degree_is_found_and_holds_numerically(name):
    forward, degree = HOMOGENEOUS[name]
    net = Net(forward)
    assert homogeneity_degree(net) == degree
    assert homogeneity_defect(net, X, 2.0) == 0.0
    assert homogeneity_defect(net, X, 0.7) < 1e-14
    # The mutated twin: a degree off by one is refuted by the same measurement.
    for wrong in (degree - 1, degree + 1):
        assert homogeneity_defect(net, X, 0.7, degree=wrong) > 0.2


REFUSED = {
    "skip connection": (lambda n, x: n.a(x) + n.b(n.a(x)), r"degrees 1 and 2.*skip"),
    "skip from the input": (lambda n, x: x + n.a(x), r"degrees 0 and 1.*skip"),
    "max of two degrees": (lambda n, x: torch.maximum(x, n.a(x)), r"maximum"),
    "bias by hand": (lambda n, x: n.b(n.a(x)) + n.v, "degrees 2 and 1"),
    "functional bias": (lambda n, x: F.linear(n.a(x), n.b.weight, n.v), "bias past"),
    "constant added": (lambda n, x: n.a(x) + 1.0, "degrees 1 and 0"),
    "sigmoid": (lambda n, x: torch.sigmoid(n.a(x)), "sigmoid.*power law"),
    "tanh method": (lambda n, x: n.a(x).tanh(), "tanh.*power law"),
    "gelu": (lambda n, x: F.gelu(n.a(x)), "gelu.*power law"),
    "softplus": (lambda n, x: F.softplus(n.a(x)), "softplus.*power law"),
    "attention": (lambda n, x: F.softmax(n.a(x), 1) * n.b(x), "softmax"),
    "exponent from w": (lambda n, x: (1 + x.abs()) ** n.v, "positive integer exp"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_inhomogeneous_graph_is_refused_with_the_reason_and_rightly(name):
    forward, reason = REFUSED[name]
    net = Net(forward)
    with pytest.raises(NotHomogeneousError, match=reason):
        homogeneity_degree(net)
    defects = [homogeneity_defect(net, X, 1.5, degree=k) for k in range(6)]
    assert min(defects) > 1e-3


def uses_value(net, x):
    return net.a(x) if net.v.sum() > 0 else net.b(x)


def computed_without_autograd(net, x):
    size = float(next(net.parameters()).detach().norm())
    return net.a(x) * size


def constant_from_weights(net, x):
    first, second = list(net.parameters())[:2]
    return net.b(x) * (first.detach() @ second.detach()).mean(0)


def scaled_in_place(net, x):
    h = net.a(x)
    h.mul_(net.v)
    return h


UNKNOWN = {
    "square root": (lambda n, x: n.a(x).relu() ** 0.5, "positive integer exponents"),
    "normalized weights": (lambda n, x: n.a(x) / n.v.norm(), "no rule for norm"),
    "division": (lambda n, x: n.b(n.a(x)) / n.v.square(), "not locally Lipschitz"),
    "branch on a value": (uses_value, "cannot be traced"),
    "number from weights": (computed_without_autograd, "cannot be traced"),
    "tensor from weights": (constant_from_weights, "cannot follow"),
    "in place": (scaled_in_place, "in place"),
    "detached": (lambda n, x: n.a(x) * n.v.detach(), "no rule for detach"),
    "data": (lambda n, x: n.a(x) * n.v.data, "no rule for the tensor attribute .data"),
    "clamp": (lambda n, x: n.a(x).clamp(min=0), r"no rule for clamp\(\)"),
    "cat": (lambda n, x: torch.cat([n.a(x), n.b(x)]), r"no rule for cat\(\)"),
    "unknown": (lambda n, x: torch.cummax(n.a(x), 0), "no rule for cummax"),
    "two outputs": (lambda n, x: (n.a(x), n.b(x)), "must be one tensor"),
    "no weights": (lambda n, x: x.relu(), "L > 0"),
    "out": (lambda n, x: torch.add(n.a(x), n.b(x), out=n.c(x)), "out="),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_the_walk_cannot_follow_is_refused(name):
    forward, reason = UNKNOWN[name]
    with pytest.raises(NotHomogeneousError, match=reason):
        homogeneity_degree(Net(forward))


LAYERS = {
    "late bias": (
        [linear(), nn.ReLU(), linear(bias=True)],
        "linear.* in Linear '2' has a bias past",
    ),
    "trained slope": ([linear(), nn.PReLU(dtype=torch.float64)], "rule for prelu"),
    "batch norm, training": ([linear(), nn.BatchNorm1d(3).double()], "of the batch"),
    "batch norm at the start": ([nn.BatchNorm1d(3).double(), linear()], "BatchNorm1d"),
    "batch norm": ([linear(), nn.BatchNorm1d(3).double().eval()], "subtracts from"),
    "layer norm": ([linear(), nn.LayerNorm(3).double()], "subtracts from"),
    "sigmoid": ([linear(), nn.Sigmoid()], "sigmoid.* in Sigmoid '1'.*power law"),
    "elu": ([linear(), nn.ELU()], "elu.* in ELU '1'.*power law"),
    "frozen bias past first": (
        [linear(), frozen(linear(bias=True))],
        "degree 0 in w, to a product of degree 1",
    ),
    "dropout": ([linear(), nn.Dropout(0.5)], "no rule for dropout"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_that_break_homogeneity_are_refused(name):
    layers, reason = LAYERS[name]
    with pytest.raises(NotHomogeneousError, match=reason):
        homogeneity_degree(nn.Sequential(*layers))


@pytest.mark.parametrize(
    ("layers", "degree"),
    [
        ([linear(bias=True), nn.ReLU(), linear()], 2),
        ([nn.Sigmoid(), linear(bias=True)], 1),
        ([frozen(linear(bias=True)), nn.Tanh(), linear(bias=True), linear()], 2),
        ([linear(), frozen(linear()), linear()], 2),
        ([linear(), Power(2), nn.Sequential(linear(), Power(3, signed=True))], 9),
    ],
)
def test_layers_that_keep_homogeneity_have_their_degree(layers, degree):
    net = nn.Sequential(*layers)
    assert homogeneity_degree(net) == degree
    assert homogeneity_defect(net, X, 4.0) == 0.0
    assert homogeneity_defect(net, X, 4.0, degree=degree + 1) > 0.2


def test_a_subclass_of_a_known_layer_is_walked_not_trusted():
    class Cosine(nn.Linear):
        def forward(self, x):
            return F.linear(x, self.weight / self.weight.norm())

    class Doubled(nn.Linear):
        def forward(self, x):
            return super().forward(2 * x)

    with pytest.raises(NotHomogeneousError, match="no rule for norm"):
        homogeneity_degree(Cosine(3, 3, bias=False))
    assert homogeneity_degree(Doubled(3, 3, bias=False)) == 1


def test_hooks_are_walked_and_parametrizations_refused():
    hooked = nn.Sequential(linear(), linear())
    hooked[0].register_forward_hook(lambda module, inputs, output: output / 2)
    assert homogeneity_degree(hooked) == 2
    hooked[0].register_forward_hook(lambda module, inputs, output: output + 1)
    with pytest.raises(NotHomogeneousError, match="degrees 1 and 0"):
        homogeneity_degree(hooked)
    normed = nn.utils.parametrizations.weight_norm(linear())
    with pytest.raises(NotHomogeneousError):
        homogeneity_degree(normed)


def test_a_module_may_declare_its_degree():
    class Branching(nn.Module):
        def __init__(self, declared) -> None:
            super().__init__()
            self.layer, self.declared = linear(), declared

        def homogeneity(self, degree: int) -> int:
            return self.declared if self.declared is None else degree + self.declared

        def forward(self, x):
            return self.layer(x if x.sum() > 0 else -x)

    assert homogeneity_degree(nn.Sequential(linear(), Branching(1))) == 2
    with pytest.raises(NotHomogeneousError, match="None"):
        homogeneity_degree(nn.Sequential(linear(), Branching(None)))
    # A false declaration is believed by the walk and exposed by the measurement.
    wrong = nn.Sequential(linear(), Branching(2))
    assert homogeneity_degree(wrong) == 3
    assert homogeneity_defect(wrong, X, 2.0) > 0.2


def test_shared_layers_count_each_time_they_are_used():
    shared = linear()
    net = nn.Sequential(shared, nn.ReLU(), shared)
    assert homogeneity_degree(net) == 2
    assert len(flatten(net)[1]) == 9


def test_the_walk_leaves_the_module_alone():
    net = Net(HOMOGENEOUS["three layers"][0])
    before = {name: value.clone() for name, value in net.state_dict().items()}
    homogeneity_degree(net)
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())
    assert next(net.parameters()).device.type == "cpu"


def test_not_a_module_and_error_type():
    with pytest.raises(ValueError, match=re.escape("module must be a torch.nn.Module")):
        homogeneity_degree(math.sin)
    assert issubclass(NotHomogeneousError, ValueError)
