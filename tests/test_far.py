"""Flows followed far: their order, their rows, what they refuse, their records."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from marginflow.data import perceptron_points, seeded_generator
from marginflow.experiments import far as records
from marginflow.experiments.far import COLUMNS, RECORDED, FarSpec
from marginflow.flat import flatten
from marginflow.flows import AdaptiveFlow, FlowError, far, far_flow
from marginflow.flows.rows import Gaps
from marginflow.losses import EXPONENTIAL, LOGISTIC
from marginflow.networks import LeakyPerceptron, mlp, mnist_net, two_layer, vgg_net

POINTS = perceptron_points(seeded_generator(0))
W0 = np.random.default_rng(0).uniform(-1, 1, 3)
SKEWED = (np.array([0.2, 0.7, 1.3]), np.array([1.0, 0.3, 2.0]))


def curve(loss, terms):
    flow = AdaptiveFlow(LeakyPerceptron(), *POINTS, loss, 0.9, *terms)
    return flow.integrate(W0, log_t_end=40.0)


def distances(reference, loss, terms, sizes, **how):
    """Largest relative distance of w at equal log t, for each step size."""
    found = []
    for h in sizes:
        states = far_flow(
            LeakyPerceptron(), *POINTS, W0, loss, *terms, h=h, until=30.0,
            **how,
        )  # fmt: skip
        states = [s for s in states if s.log_t > 0]
        at = reference.at(log_t=np.array([s.log_t for s in states])).w
        w = np.stack([s.w.numpy() for s in states])
        apart = np.linalg.norm(w - at, axis=1) / np.linalg.norm(at, axis=1)
        found.append(apart.max())
    return np.array(found)


@pytest.mark.parametrize("loss", [EXPONENTIAL, LOGISTIC], ids=lambda loss: loss.name)
@pytest.mark.parametrize("terms", [(1.0, 1.0), SKEWED], ids=["plain", "skewed"])
def test_first_order_on_the_perceptron(monkeypatch, loss, terms):
    reference, sizes = curve(loss, terms), (0.04, 0.02, 0.01)
    errors = distances(reference, loss, terms, sizes)
    assert errors[-1] < 4e-3
    halving = errors[:-1] / errors[1:]
    assert halving.min() > 1.7
    assert halving.max() < 2.4
    # A mutation: weights at twice the temperature. Then no step size is small enough.
    right = far._weights
    monkeypatch.setattr(far, "_weights", lambda K, a, size: right(K, a / 2, size))
    wrong = distances(reference, loss, terms, sizes)
    assert wrong[-1] > 2e-2
    assert wrong[-2] / wrong[-1] < 1.5


def test_three_classes_near_their_own_flow_and_not_the_other():
    generator = np.random.default_rng(1)
    y = np.arange(12) % 3
    angle = 2 * np.pi * y / 3 + generator.uniform(-0.4, 0.4, 12)
    x = np.stack([np.cos(angle), np.sin(angle)], 1)
    network = mlp([2, 3], "linear", gain=1.0, generator=seeded_generator(2))
    _, w0 = flatten(network)
    terms = [10 ** generator.normal(0, 0.5, len(w0)) for _ in range(2)]
    for loss in (EXPONENTIAL, LOGISTIC):
        flow = AdaptiveFlow(network, x, y, loss, 0.9, *terms)
        reference = flow.integrate(w0, log_t_end=30.0)
        apart = {}
        for name, given in {"own": terms, "other": (1.0, 1.0)}.items():
            states = far_flow(network, x, y, w0, loss, *given, h=0.02, until=20.0)
            last = list(states)[-1]
            at = reference.at(log_t=last.log_t).w[0]
            apart[name] = np.linalg.norm(last.w.numpy() - at) / np.linalg.norm(at)
        assert apart["own"] < 0.005 < 0.1 < apart["other"]


class Twice(nn.Module):
    """Φ(w, x) = <u, relu(W relu(W x))>: one layer called twice."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 3, bias=False, dtype=torch.float64)
        self.outer = nn.Linear(3, 1, bias=False, dtype=torch.float64)

    def forward(self, x):
        return self.outer(torch.relu(self.inner(torch.relu(self.inner(x)))))[:, 0]


def wide(channels, side):
    return torch.rand(5, channels, side, side, generator=seeded_generator(4)).double()


NETWORKS = {
    "perceptron": (LeakyPerceptron(), torch.rand(5, 2).double(), False),
    "first bias": (two_layer(3, 4, first_bias=True), torch.rand(5, 3).double(), True),
    "three classes": (mlp([3, 5, 4, 3]), torch.rand(5, 3).double(), True),
    "twice": (Twice(), torch.rand(5, 3).double(), False),
    "mnist": (mnist_net(1 / 16), wide(1, 28), True),
    "released": (mnist_net(1 / 16, "released"), wide(1, 28), True),
    "vgg": (vgg_net(1 / 32, gain=2**0.5), wide(3, 32), True),
}


def test_a_layer_called_twice_is_seen_where_its_second_call_is_dead():
    """Its rows are right at such a w, and wrong further on."""
    network = Twice()
    nn.init.constant_(network.inner.weight, -1.0)
    assert not Gaps(network, torch.rand(5, 3), torch.tensor([1, -1, 1, 1, -1]))._layers


@pytest.mark.parametrize("name", NETWORKS)
def test_gaps_and_gram_are_those_of_jacrev(name):
    network, x, layered = NETWORKS[name]
    phi, w = flatten(network.double())
    w = w + 0.1 * torch.randn(len(w), generator=seeded_generator(5)).double()
    c = phi(w, x).shape[1] if phi(w, x).ndim == 2 else 0
    y = torch.tensor([0, 1, 2, 1, 0]) if c else torch.tensor([1, -1, 1, 1, -1])
    gaps = Gaps(network, x, y)
    assert bool(gaps._layers) == layered

    def told(w):
        out = phi(w, x)
        if not c:
            return y * out
        own = out.gather(1, y[:, None])
        return torch.stack([own[i, 0] - out[i, j] for i in range(5)
                            for j in range(c) if j != y[i]])  # fmt: skip

    assert torch.allclose(gaps(w).reshape(-1), told(w), rtol=1e-10, atol=1e-14)
    chosen = torch.arange(0, gaps(w).numel(), 2)
    J = torch.func.jacrev(told)(w)[chosen]
    rows = gaps.rows(w, chosen)
    p = torch.rand(len(chosen), generator=seeded_generator(6)).double()
    assert torch.allclose(rows.pull(p), p @ J, rtol=1e-9, atol=1e-13)
    skewed = 10 ** torch.randn(len(w), generator=seeded_generator(7)).double()
    for chi in (torch.ones_like(w), 3 * torch.ones_like(w), skewed):
        gram = (J * chi) @ (J * chi).T
        assert torch.allclose(rows.gram(chi), gram, rtol=1e-8, atol=1e-10 * gram.max())
    # Another w, or another row, and the comparison fails.
    assert not torch.allclose(gaps.rows(2 * w + 1, chosen).pull(p), p @ J)
    assert not torch.allclose(gaps.rows(w, chosen.flip(0)).pull(p.flip(0) + p), p @ J)


def test_going_on_from_a_state_is_the_same_flow():
    states = list(far_flow(LeakyPerceptron(), *POINTS, W0, until=100.0, h=0.02))
    half = states[len(states) // 2]
    last = list(
        far_flow(
            LeakyPerceptron(), *POINTS, half.w, log_t=half.log_t, until=100.0, h=0.02
        )
    )[-1]
    assert (last.w - states[-1].w).norm() < 1e-3 * last.w.norm()
    assert (
        abs(last.log_t + last.log_loss - states[-1].log_t - states[-1].log_loss) < 0.1
    )


def test_far_out_the_loss_falls_as_theorem_g_says():
    """L t (log t)^(2−2/L) tends to 1/(L²γ^(2/L)); here L = 2, at log t = 10^4."""
    last = list(far_flow(LeakyPerceptron(), *POINTS, W0, until=1e4, h=0.03))[-1]
    gamma = float(last.gaps.min()) / float(last.w.norm()) ** 2
    constant = last.log_loss + last.log_t + np.log(last.log_t)
    assert abs(constant - np.log(1 / (4 * gamma))) < 0.06  # h = 0.03
    assert abs(last.log_loss + last.log_t) > 1  # without its logarithm it is not


def test_the_weights_solve_their_equation():
    generator = seeded_generator(8)
    rows = torch.randn(6, 3, generator=generator).double()
    logits = 50 * torch.randn(6, generator=generator).double()
    K = 1e3 * rows @ rows.T
    p = far._implicit_softmax(K, logits, torch.softmax(logits, 0))
    again = torch.softmax(logits - K @ p, 0)
    assert torch.allclose(p, again, rtol=1e-2, atol=1e-9)
    assert not torch.allclose(p, torch.softmax(logits, 0), rtol=1e-2, atol=1e-9)
    assert far._implicit_softmax(K * torch.nan, logits, p).isnan().all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"h": 0.0}, "h is 0.0"),
        ({"h": float("nan")}, "h is nan"),
        ({"blur": -1.0}, "blur is -1.0"),
        ({"until": float("inf")}, "until is inf"),
        ({"log_t": float("nan")}, "log_t is nan"),
        ({"delta": 0.0}, "delta contains 0.0"),
        ({"epsilon": np.ones(2)}, "epsilon has shape"),
        ({"loss": "exponential"}, "loss is 'exponential'"),
        ({"w0": np.zeros((2, 3))}, "w0 has shape"),
        ({"y": np.zeros(100)}, "labels -1 and"),
        ({"network": nn.Sequential(nn.Linear(2, 1))}, "bias|outputs|shape"),
        ({"network": nn.Sequential(nn.Linear(2, 2), nn.Sigmoid())}, "Sigmoid"),
    ],
)  # fmt: skip
def test_what_is_refused_is_named_at_once(change, said):
    given = {"network": LeakyPerceptron(), "x": POINTS[0], "y": POINTS[1], "w0": W0}
    with pytest.raises(ValueError, match=said):
        far_flow(**(given | change))


def test_a_flow_without_a_step_says_so():
    def jumping(w, x):
        return torch.floor(1e6 * w[0] * w[1]) * x[:, 0] + w[0] * w[1] * x[:, 1]

    x, y = np.array([[1.0, 1.0], [0.5, 1.0]]), np.array([1.0, -1.0])
    with pytest.raises(FlowError, match="no step is small enough"):
        list(far_flow(jumping, x, y, np.array([1.0, 1.0]), until=10.0))


@pytest.fixture(scope="module")
def made_up():
    generator = seeded_generator(3)
    x = torch.rand(20, 1, 28, 28, generator=generator).double()
    return x * (x > 0.8), torch.arange(20) % 10


@pytest.fixture(scope="module")
def runs(made_up):
    found = {}
    for name in ("plain", "skewed"):
        spec = FarSpec(name, images=20, h=0.02, until=300.0)
        rows = records.follow(spec, records.problem(spec), *made_up)
        found[name] = pd.DataFrame(rows, columns=COLUMNS)
    return found


@pytest.mark.parametrize("metric", ["plain", "skewed"])
def test_each_flow_wins_in_its_own_metric(runs, metric):
    other = "plain" if metric == "skewed" else "skewed"
    own, control = (runs[n][f"{metric}_margin"].iloc[-1] for n in (metric, other))
    assert own > control
    frame = runs[metric]
    assert frame.lead.iloc[-1] >= 300
    assert (frame.lead.diff().dropna() > 0).all()
    late = frame[frame.lead > 30]
    assert (late[f"{metric}_margin"].diff().dropna() > 0).all()


@pytest.mark.parametrize("metric", ["plain", "skewed"])
def test_a_row_says_of_its_state_what_the_columns_promise(metric, monkeypatch):
    w0, w1, w2, u1, u2 = torch.randn(5, 3, generator=seeded_generator(1)).double()
    delta, epsilon = torch.tensor([[1.0, 2.0, 0.5], [16.0, 2.0, 3.0]]).double()
    states = [
        SimpleNamespace(
            w=w, force=u, log_t=lead, log_loss=-lead, gaps=torch.tensor([[lead, 9.0]]),
            h=0.1, error=1e-3, pairs=2, support=1, rejected=4,
        )
        for w, u, lead in ((w1, u1, 2.0), (w1, u1, 2.5), (w2, u2, 8.0))
    ]  # fmt: skip
    monkeypatch.setattr(records, "far_flow", lambda *_, **__: iter(states))
    given = records.Problem(LeakyPerceptron(), w0, delta, epsilon)
    rows = records.follow(FarSpec(metric), given, torch.zeros(2, 2), torch.zeros(2))
    frame = pd.DataFrame(rows, columns=COLUMNS)
    assert frame.step.tolist() == [1, 3]  # the second is too near to the first
    assert frame.lead.tolist() == frame.gap.tolist() == [2.0, 8.0]
    assert frame.rejected.tolist() == [4, 8]
    chi = {"plain": np.ones(3), "skewed": (epsilon / delta).numpy() ** 0.25}
    points, pulls = [v.numpy() for v in (w0, w1, w2)], [v.numpy() for v in (u1, u2)]
    for row in (0, 1):
        w, moved = points[row + 1], points[row + 1] - points[row]
        mean = moved / chi[metric] ** 2
        for name, x in chi.items():
            size = np.linalg.norm(w / x)
            told = frame.loc[row, [f"{name}_{of}" for of in ("alignment", "chord")]]
            for cosine, force in zip(told, (pulls[row], mean), strict=True):
                right = w @ force / size / np.linalg.norm(x * force)
                assert cosine == pytest.approx(right, rel=1e-6)
            margin = math.log(frame.gap[row]) - 2 * math.log(size)
            assert frame[f"{name}_margin"][row] == pytest.approx(margin, rel=1e-6)


def test_specs_have_records_of_their_own():
    assert len({spec.name for spec in RECORDED}) == len(RECORDED)
    assert len({spec.digest() for spec in RECORDED}) == len(RECORDED)
    for change, said in (
        ({"metric": "round"}, "metric is 'round'"),
        ({"metric": "plain", "start": "Adam"}, "start is 'Adam'"),
        ({"metric": "plain", "images": 0}, "images is 0"),
        ({"metric": "plain", "h": -1.0}, "h is -1.0"),
    ):
        with pytest.raises(ValueError, match=said):
            FarSpec(**change)
