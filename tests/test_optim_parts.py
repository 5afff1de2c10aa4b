"""ρ schedules, stability terms, adapters, state, and what is refused."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from marginflow.optim import (
    GeneralizedAdadelta,
    HarmonicDecay,
    adapter,
    adapter_reciprocal_root,
    harmonic_decay,
    released_horizon,
    skewed_adapter,
    skewing_vector,
    stability_terms,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# ---- ρ schedules ---------------------------------------------------------------------


def test_harmonic_decay_runs_from_nine_tenths_to_the_papers_last_value():
    rho = harmonic_decay(5000)
    assert rho(0) == 0.9
    assert rho(49) == 0.9
    assert rho(50) == 0.95
    assert rho(4999) == 0.999
    assert all(
        rho(k) == 1 - 0.1 / (1 + math.floor(Fraction(100 * k, 5000)))
        for k in range(5000)
    )


def test_one_minus_rho_is_harmonic_and_its_sum_diverges_with_the_horizon():
    """Each level lasts K/100 steps, so Σ(1 − ρ_k) = K/1000 · H_100."""
    rho = harmonic_decay(1000)
    total = sum(1 - rho(k) for k in range(1000))
    harmonic = sum(1 / n for n in range(1, 101))
    assert math.isclose(total, 1000 / 1000 * harmonic, rel_tol=1e-12)


@pytest.mark.parametrize("horizon", [7, 97, 300_000, Fraction(12_345, 100)])
def test_an_array_of_steps_gives_the_same_as_one_by_one(horizon):
    rho = harmonic_decay(horizon)
    steps = np.arange(0, 2000, 7)
    assert rho(steps).tolist() == [rho(int(k)) for k in steps]


def test_the_floor_is_exact_where_a_float_quotient_is_not():
    """100 · (29/100) is 28.999… in floats: a schedule built on k/K would lag."""
    rho = harmonic_decay(100)
    assert math.floor(100 * (29 / 100)) == 28
    assert rho(29) == 1 - 0.1 / 30


@pytest.mark.parametrize(
    ("epochs", "examples", "batch", "last"),
    [
        (5000, 100, 100, 0.999),  # the perceptron: both readings agree
        (500, 60_000, 100, 0.999),
        (500, 60_000, 1000, 0.99),
        (1000, 50_000, 100, 0.999),
        (1000, 50_000, 250, 0.9975),
    ],
)
def test_where_the_released_schedule_ends(epochs, examples, batch, last):
    steps = epochs * examples // batch
    released = harmonic_decay(released_horizon(epochs, examples))
    assert math.isclose(released(steps - 1), last, rel_tol=1e-15)
    assert harmonic_decay(steps)(steps - 1) == 0.999


def test_a_released_horizon_that_is_no_integer_stays_exact():
    assert released_horizon(3, 50) == Fraction(3, 2)
    assert released_horizon(2, 50) == 1
    rho = harmonic_decay(released_horizon(3, 50))
    assert rho(1) == 1 - 0.1 / (1 + 66)
    assert HarmonicDecay.from_state_dict(rho.state_dict()) == rho


@pytest.mark.parametrize("bad", [0, -3, 2.5, math.nan, "100", True, None])
def test_a_bad_horizon_is_named(bad):
    with pytest.raises(
        ValueError, match=r"total_steps is .*must be a positive integer"
    ):
        harmonic_decay(bad)


def test_other_bad_arguments_of_schedules_are_named():
    with pytest.raises(ValueError, match=r"k is -1; steps are integers, counted from"):
        harmonic_decay(10)(-1)
    with pytest.raises(ValueError, match=r"k is 1\.5; steps are integers"):
        harmonic_decay(10)(1.5)
    with pytest.raises(ValueError, match=r"gap is 1\.5; it must be a number in"):
        HarmonicDecay(10, gap=1.5)
    with pytest.raises(ValueError, match="levels is 0; it must be a positive"):
        HarmonicDecay(10, levels=0)
    with pytest.raises(ValueError, match="epochs is 0; it must be a positive"):
        released_horizon(0, 100)
    with pytest.raises(ValueError, match=r"examples is 2\.5; it must be a positive"):
        released_horizon(1, 2.5)
    with pytest.raises(ValueError, match="batch is 0; it must be a positive"):
        released_horizon(1, 2, batch=0)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.uint64])
def test_narrow_integers_do_not_overflow(dtype):
    """100 k leaves int16 at k = 328, and int32 in a run of 3e7 steps."""
    k = min(30_000_000, np.iinfo(dtype).max)
    rho = harmonic_decay(k + 1)
    assert rho(np.array([k], dtype=dtype)).tolist() == [rho(k)] == [0.999]
    assert rho(dtype(k)) == rho(k)


# ---- stability terms -----------------------------------------------------------------


def test_stability_terms_are_log_normal():
    terms = stability_terms(
        (200_000,), -5, 0.25, generator=generator(), dtype=torch.float64
    )
    logs = terms.log10()
    assert (terms > 0).all()
    # Five standard errors of the mean, the deviation and the skewness.
    assert abs(logs.mean() + 5) < 5 * 0.25 / math.sqrt(200_000)
    assert abs(logs.std() - 0.25) < 5 * 0.25 / math.sqrt(2 * 200_000)
    skewness = (((logs - logs.mean()) / logs.std()) ** 3).mean()
    assert abs(skewness) < 5 * math.sqrt(6 / 200_000)
    # The reading 10^−5 + X fails the same test: it is not even positive.
    other = 1e-5 + 0.25 * torch.randn(200_000, generator=generator())
    assert not (other > 0).all()


def test_stability_terms_are_the_papers_unless_told_otherwise():
    logs = stability_terms(
        (20_000,), generator=generator(), dtype=torch.float64
    ).log10()
    assert abs(logs.mean() + 5) < 5 / math.sqrt(20_000)
    assert abs(logs.std() - 1) < 5 / math.sqrt(2 * 20_000)


@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_coefficients_of_a_complex_parameter_serve_both_its_real_components(shape):
    p = torch.zeros(shape, dtype=torch.complex128, requires_grad=True)
    each = 10.0 ** -torch.arange(1, p.numel() + 1, dtype=torch.float64).view(shape)
    both = torch.stack([each, each], -1)
    kept = [
        GeneralizedAdadelta([{"params": p, "delta": c, "epsilon": c}])
        for c in (each, both)
    ]
    alone, paired = (o.param_groups[0]["delta"] for o in kept)
    assert torch.equal(alone, paired)
    assert torch.equal(alone, both)


def test_stability_terms_take_the_form_of_what_they_are_for():
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1))
    params = list(net.parameters())
    drawn = [stability_terms(p, generator=generator()) for p in params]
    assert [t.shape for t in drawn] == [p.shape for p in params]
    shaped = stability_terms(torch.Size([2, 3]), generator=generator())
    assert torch.equal(shaped, stability_terms((2, 3), generator=generator()))
    assert stability_terms((), generator=generator()).shape == ()
    assert not any(t.requires_grad for t in drawn)
    pair = stability_terms(torch.zeros(3, dtype=torch.complex64), generator=generator())
    assert (pair.shape, pair.dtype) == ((3, 2), torch.float32)


def test_one_seed_means_the_same_terms_in_every_precision():
    wide, narrow = (
        stability_terms((50,), generator=generator(3), dtype=dtype)
        for dtype in (torch.float64, torch.float32)
    )
    assert torch.equal(wide.float(), narrow)
    before = torch.get_rng_state()
    stability_terms((50,), generator=generator(3))
    assert torch.equal(torch.get_rng_state(), before)


def test_bad_arguments_of_stability_terms_are_named():
    for options, message in (
        ({"std": -1.0}, r"std is -1\.0; it must be"),
        ({"std": math.nan}, "std is nan"),
        ({"exponent": math.inf}, "exponent is inf"),
        ({"exponent": -60, "dtype": torch.float32}, r"float32 cannot hold"),
        ({"exponent": 9, "dtype": torch.float16}, r"float16 cannot hold"),
    ):
        with pytest.raises(ValueError, match=message):
            stability_terms((100,), **({"generator": generator()} | options))
    with pytest.raises(ValueError, match="generator is 0; it must be a torch"):
        stability_terms((3,), generator=0)
    for like in ([2, 3], [], 3, (2, 0.5)):
        with pytest.raises(
            ValueError, match=r"(?s)like is .*; it must be a tensor, or a"
        ):
            stability_terms(like, generator=generator())


# ---- adapters ------------------------------------------------------------------------


def draws(n=50):
    gen = generator(4)
    return [torch.rand(n, generator=gen, dtype=torch.float64) + 0.01 for _ in range(4)]


@pytest.mark.parametrize("convert", [lambda t: t, lambda t: t.numpy()])
def test_the_adapter_is_the_squared_skew_times_beta(convert):
    g, h, delta, epsilon = map(convert, draws())
    a = adapter(g, h, delta, epsilon)
    chi = skewing_vector(delta, epsilon)
    beta = skewed_adapter(g, h, delta, epsilon)
    root = adapter_reciprocal_root(g, h, delta, epsilon)
    assert abs(a - chi**2 * beta).max() < 1e-14 * abs(a).max()
    assert abs(root**2 * a - 1).max() < 1e-14
    assert abs(root - 1 / (chi * beta**0.5)).max() < 1e-13
    # With δ and ε confused none of these holds.
    wrong = skewed_adapter(g, h, epsilon, delta)
    assert abs(a - chi**2 * wrong).max() > 1e-2


def test_beta_is_one_where_both_averages_are_proportional_to_their_terms():
    _, _, delta, epsilon = draws()
    for scale in (0.0, 0.5, 3.0):
        beta = skewed_adapter(scale * delta, scale * epsilon, delta, epsilon)
        assert torch.allclose(beta, torch.ones_like(beta), rtol=1e-14, atol=0)


def test_the_averages_tell_both_readings_of_the_figures_adapter():
    gen = generator(6)
    p = torch.nn.Parameter(torch.randn(8, generator=gen, dtype=torch.float64))
    delta, epsilon = (stability_terms(p, generator=gen) for _ in range(2))
    optimizer = GeneralizedAdadelta([p], delta=delta, epsilon=epsilon)
    for _ in range(5):
        p.grad = torch.randn(8, generator=gen, dtype=torch.float64)
        before, h_before = p.detach().clone(), optimizer.averages(p).h
        optimizer.step()
    g, h = optimizer.averages(p)
    used = adapter(g, h_before, delta, epsilon)  # the paper's: g_K with h_{K−1}
    assert torch.allclose(before - p.detach(), used * p.grad, rtol=1e-9, atol=0)
    released = adapter(g, h, delta, epsilon)  # the released code's: g_K with h_K
    assert not torch.allclose(released, used, rtol=1e-3)
    beta = skewed_adapter(g, h, delta, epsilon)
    assert torch.allclose(released, (epsilon / delta) ** 0.5 * beta, rtol=1e-13)


@pytest.mark.parametrize("convert", [lambda t: t, lambda t: t.numpy(), float])
def test_negative_averages_and_terms_are_refused_by_name(convert):
    for i, name in enumerate(("g", "h", "delta", "epsilon")):
        values = [torch.tensor(1.0) for _ in range(4)]
        values[i] = torch.tensor(-0.5)
        values = list(map(convert, values))
        for function in (adapter, adapter_reciprocal_root, skewed_adapter):
            with pytest.raises(ValueError, match=f"^{name} contains -0.5; it must be"):
                function(*values)
        if i > 1:
            with pytest.raises(ValueError, match=f"^{name} contains"):
                skewing_vector(*values[2:])
    several = torch.tensor([1.0, -2.0, -3.0])
    with pytest.raises(ValueError, match=r"h contains -2\.0"):
        adapter(several.abs(), several, 1e-3, 1e-3)
    # A diverged run is no bad input: NaN stays NaN.
    assert adapter(torch.tensor(1.0), torch.tensor(float("nan")), 1.0, 1.0).isnan()


# ---- the averages' initial values ----------------------------------------------------


def test_averages_start_at_zero_and_can_be_set():
    p = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    optimizer = GeneralizedAdadelta([p], lr=1.0, rho=0.5, eps=1e-2)
    assert optimizer.averages(p).g.tolist() == [0, 0, 0]
    optimizer.set_averages(p, g=4.0, h=torch.tensor([0.0, 1.0, 2.0]))
    assert optimizer.averages(p).g.tolist() == [4, 4, 4]
    p.grad = torch.ones_like(p)
    optimizer.step()
    g, _ = optimizer.averages(p)
    assert g.tolist() == [2.5, 2.5, 2.5]
    moved = [math.sqrt((1e-2 + h) / (1e-2 + 2.5)) for h in (0.0, 1.0, 2.0)]
    assert torch.allclose(p, 1 - torch.tensor(moved, dtype=torch.float64), rtol=1e-15)
    optimizer.set_averages(p, h=0.0)
    assert optimizer.averages(p).g.tolist() == [2.5, 2.5, 2.5]
    optimizer.averages(p).g.zero_()  # a copy
    assert optimizer.averages(p).g.tolist() == [2.5, 2.5, 2.5]


def test_bad_averages_are_named():
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = GeneralizedAdadelta([("weight", p)])
    with pytest.raises(ValueError, match=r"Invalid g: -1\.0 \(g is -1.*>= 0\)"):
        optimizer.set_averages(p, g=-1.0)
    with pytest.raises(ValueError, match=r"Invalid h for a parameter.*at \(1,\), h is"):
        optimizer.set_averages(p, g=1.0, h=torch.tensor([1.0, -2.0, 3.0]))
    assert optimizer.averages(p).g.sum() == 0  # nothing was set by halves
    with pytest.raises(ValueError, match=r"its shape is \(2,\), but it must be \(3,\)"):
        optimizer.set_averages(p, g=torch.ones(2))
    with pytest.raises(ValueError, match="not among this optimizer's parameters"):
        optimizer.averages(torch.ones(3))


# ---- bad input -----------------------------------------------------------------------

BAD = [
    (
        {"lr": -0.1},
        r"Invalid learning rate: -0\.1 \(lr is -0\.1; .* a finite number >= 0\)",
    ),
    ({"lr": math.nan}, "Invalid learning rate: nan"),
    ({"lr": math.inf}, "Invalid learning rate: inf"),
    ({"lr": "fast"}, "Invalid learning rate: fast .*lr is 'fast'; it must be a finite"),
    ({"lr": torch.ones(2)}, "Tensor lr must be 1-element"),
    ({"rho": 1.1}, r"Invalid rho value: 1\.1 \(rho is 1\.1; .*a number in \[0, 1\]\)"),
    ({"rho": -0.1}, r"Invalid rho value: -0\.1"),
    ({"rho": math.nan}, "Invalid rho value: nan"),
    ({"rho": None}, "Invalid rho value: None"),
    ({"rho": lambda k: 2.0}, r"Invalid rho value: 2\.0"),
    ({"rho": torch.full((2, 3), 1.5)}, r"Invalid rho for .*1\.5.*in \[0, 1\]"),
    ({"eps": 0.0}, r"Invalid epsilon value: 0\.0 \(eps is 0\.0; .*number > 0"),
    ({"eps": -1e-6}, "Invalid epsilon value: -1e-06"),
    ({"delta": 0.0}, r"Invalid delta: 0\.0 \(delta is 0\.0; .*number > 0"),
    ({"epsilon": math.inf}, "Invalid epsilon: inf"),
    ({"delta": "small"}, "Invalid delta: small"),
    ({"delta": abs}, "Invalid delta: <built-in function abs>"),
    ({"delta": torch.ones(3, 2)}, r"shape is \(3, 2\), but it must be \(2, 3\)"),
    ({"delta": torch.ones(3)}, r"shape is \(3,\), but it must be \(2, 3\)"),
    ({"delta": torch.zeros(2, 3)}, r"at \(0, 0\), delta is .*0\..*> 0"),
    ({"epsilon": torch.full((2, 3), math.nan)}, r"at \(0, 0\), epsilon is .*nan.*> 0"),
    # float32 turns it into 0
    ({"epsilon": torch.full((2, 3), 1e-60, dtype=torch.float64)}, "> 0"),
    ({"delta": 1e-5}, "Invalid delta: given without epsilon, which would stay at eps"),
    ({"epsilon": 1e-5}, "Invalid epsilon: given without delta"),
    (
        {"delta": np.full((2, 3), 1e-5)},
        r"(?s)Invalid delta: .*tensor shaped like.*torch\.as_tensor",
    ),
    ({"delta": torch.ones(2, 3).to_sparse()}, "it is torch.sparse_coo; a dense real"),
    ({"delta": torch.ones(2, 3, device="meta")}, "meta device cannot be read"),
    (
        {"epsilon": torch.ones(2, 3, dtype=torch.complex64)},
        "complex64; a dense real tensor",
    ),
    ({"delta": [1.0, 1.0]}, r"Invalid delta: \[1\.0, 1\.0\].*or a tensor shaped like"),
    (
        {"delta": {"w": 1.0, 3: 1.0}},
        r"Invalid delta: \{'w': 1\.0, 3.*or a tensor shaped",
    ),
    ({"weight_decay": -1}, "Invalid weight_decay value: -1"),
    ({"foreach": True, "differentiable": True}, "Invalid foreach: True.*exclude"),
    ({"fused": True, "differentiable": True}, "Invalid fused: True.*exclude"),
    ({"fused": True, "foreach": True}, "Invalid fused: True.*exclude"),
    ({"rho": lambda k: 0.9, "capturable": True}, "schedule is read on the host"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_options_are_named(options, message):
    p = torch.nn.Parameter(torch.ones(2, 3))
    with pytest.raises(ValueError, match=message):
        GeneralizedAdadelta([p], **options)
    # In a later group they are refused too, and the group does not count.
    optimizer = GeneralizedAdadelta([torch.nn.Parameter(torch.ones(1))])
    with pytest.raises(ValueError, match=message):
        optimizer.add_param_group({"params": p} | options)
    assert len(optimizer.param_groups) == 1


def test_tensors_for_several_parameters_at_once_are_refused():
    params = [torch.nn.Parameter(torch.ones(3)) for _ in range(2)]
    message = r"shape \(3,\) for a group of 2 parameters; give each parameter a group"
    with pytest.raises(ValueError, match=message):
        GeneralizedAdadelta(params, delta=torch.ones(3), epsilon=torch.ones(3))


@pytest.mark.parametrize("rho", [1.5, "fast", None, lambda: 0.9, lambda k: [k]])
def test_a_group_that_is_refused_leaves_nothing_behind(rho):
    """Whatever the error, the optimizer goes on as if nothing had been said."""
    optimizer = GeneralizedAdadelta([torch.nn.Parameter(torch.ones(1))])
    p = torch.nn.Parameter(torch.ones(2, 3))
    with pytest.raises((ValueError, TypeError)):
        optimizer.add_param_group({"params": p, "rho": rho})
    assert len(optimizer.param_groups) == 1
    optimizer.add_param_group({"params": p})  # and may come back with better options


def test_options_changed_later_are_checked_in_the_step():
    p = torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
    p.grad = torch.ones_like(p)
    optimizer = GeneralizedAdadelta([p])
    group = optimizer.param_groups[0]
    group["eps"] = 0.25
    optimizer.step()
    assert torch.allclose(p, torch.tensor(1 - 0.5 / math.sqrt(0.35)).double())
    group["delta"] = group["epsilon"] = torch.full((2,), 0.5)
    optimizer.step()
    assert group["delta"].dtype == torch.float64
    for name, value in (("rho", 1.5), ("delta", -1.0), ("epsilon", torch.ones(3))):
        kept = group[name]
        group[name] = value
        with pytest.raises(ValueError, match=f"Invalid {name}"):
            optimizer.step()
        group[name] = kept
