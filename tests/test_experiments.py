"""Specs, and the training of one run: what is measured, and that it can be resumed."""

from __future__ import annotations

import copy
import math
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path

import jaxtyping
import official_files
import pytest
import torch

from marginflow import networks
from marginflow.data import load_images, seeded_generator
from marginflow.experiments import spec as specs
from marginflow.experiments.devices import fixed_arithmetic, resolve_device
from marginflow.experiments.metrics import (
    COLUMNS,
    adapter_spread,
    alignment,
    fit,
    logits_of,
)
from marginflow.experiments.records import part_path, read_record, record_path
from marginflow.experiments.spec import RunSpec, grid, parse_rounds, setting
from marginflow.experiments.training import Member, train
from marginflow.flat import FlatNetwork
from marginflow.margins import RunningMargin, multiclass_gap
from marginflow.optim import released_horizon


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Training and test set of the smoke scale, by experiment and dtype."""
    root = tmp_path_factory.mktemp("official")
    official_files.generate(root)

    def load(experiment: str, dtype: torch.dtype = torch.float32):
        with pytest.MonkeyPatch.context() as patch:
            official_files.use_generated(root, patch.setitem, patch.setattr)
            return tuple(
                load_images(experiment, root, train=train, limit=limit, dtype=dtype)
                for train, limit in ((True, 40), (False, 20))
            )

    return load


def smoke(algorithm="AdaDeltaNS", round=0, regime="finer", **names) -> RunSpec:
    names = {"experiment": "mnist", "scale": "smoke", **names}
    return RunSpec(regime=regime, algorithm=algorithm, round=round, **names)


def column(result, name: str) -> list[float]:
    return result.rows[:, COLUMNS.index(name)].tolist()


# ---- specs ---------------------------------------------------------------------------


def test_paper_scale_is_the_papers():
    for regime, batch, sgd, adadelta in (
        ("finer", 100, 0.01, 0.1),
        ("coarser", 1000, 0.1, 1.0),
    ):
        mnist = setting("mnist", "paper", regime)
        assert (mnist.width, mnist.epochs, mnist.train_images) == (1, 500, 60_000)
        assert (mnist.batch, mnist.lr_sgd, mnist.lr_adadelta) == (batch, sgd, adadelta)
        assert (mnist.stability_std, mnist.gain) == (1.0, None)
    for regime, batch, rate in (("finer", 100, 0.1), ("coarser", 250, 0.25)):
        cifar = setting("cifar10", "paper", regime)
        assert (cifar.width, cifar.epochs, cifar.train_images) == (1, 1000, 50_000)
        assert (cifar.batch, cifar.lr_sgd, cifar.lr_adadelta) == (batch, rate, rate)
        assert (cifar.stability_std, cifar.gain) == (0.25, None)


@pytest.mark.parametrize("key", specs.SETTINGS)
def test_settings_are_consistent(key):
    numbers = specs.SETTINGS[key]
    assert numbers.train_images % numbers.batch == 0
    epochs = numbers.evaluated_epochs()
    assert epochs[0] == 0
    assert epochs[-1] == numbers.epochs
    assert set(numbers.tested_epochs()) <= set(epochs)
    assert epochs == sorted(set(epochs))


def test_plateau_is_the_laptop_scale_from_the_papers_initialization():
    for regime, rate in (("finer", 0.1), ("coarser", 0.25)):
        plateau, paper = (setting("cifar10", s, regime) for s in ("plateau", "paper"))
        laptop = setting("cifar10", "laptop", regime)
        assert plateau.gain is paper.gain is None
        assert plateau.lr_sgd == plateau.lr_adadelta == paper.lr_sgd == rate
        for name in ("width", "train_images", "batch"):
            assert getattr(plateau, name) == getattr(laptop, name)


def test_every_kept_record_is_of_a_spec_that_there_still_is():
    """A setting that changed by one would leave its records behind, unreadable."""
    results, found = Path(__file__).parents[1] / "results", set()
    for experiment, scale, reading in product(
        specs.EXPERIMENTS, specs.SCALES, specs.READINGS
    ):
        with suppress(ValueError):  # no such scale
            for spec in specs.grid(experiment, scale=scale, reading=reading):
                for path in (record_path(results, spec), part_path(results, spec)):
                    if path.exists():
                        read_record(path, spec)  # refuses another spec's
                        found.add(path)
    kept = {p for scale in specs.SCALES for p in results.glob(f"{scale}/*/*.parquet")}
    assert found == kept
    assert len({path.parts[-3] for path in kept}) > 3  # scales


def test_depth_is_the_papers_at_every_scale():
    for experiment, degree in (("mnist", 4), ("cifar10", 14)):
        member = Member(smoke(experiment=experiment), torch.device("cpu"))
        assert member.degree == degree


def test_spec_is_hashable_and_device_is_no_part_of_it():
    one, other = smoke(device="cpu"), smoke(device="cuda")
    assert one == other
    assert hash(one) == hash(other)
    assert one.digest() == other.digest()
    assert one.digest() != smoke(round=1).digest()
    assert len({s.digest() for s in grid("mnist", scale="smoke")}) == 2 * 5 * 19


def test_digest_follows_every_number(monkeypatch):
    before = smoke().digest()
    key = ("mnist", "smoke", "finer")
    for name, value in (("lr_adadelta", 0.11), ("epochs", 7), ("gain", 1.0)):
        monkeypatch.setitem(
            specs.SETTINGS, key, replace(specs.SETTINGS[key], **{name: value})
        )
        assert smoke().digest() != before


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"experiment": "svhn"}, "experiment is 'svhn'; choose one of mnist, cifar10"),
        ({"regime": "fine"}, "regime is 'fine'; choose one of finer, coarser"),
        ({"algorithm": "Adam"}, "algorithm is 'Adam'; choose one of SGD"),
        ({"scale": "huge"}, "scale is 'huge'; choose one of smoke"),
        ({"scale": "plateau"}, "scale is 'plateau', which mnist has not; choose one"),
        ({"reading": "mine"}, "reading is 'mine'; choose one of paper, released"),
        ({"dtype": "half"}, "dtype is 'half'; choose one of float32"),
        ({"round": -1}, "round is -1; it must be an integer >= 0"),
        ({"round": "0"}, "round is '0'; it must be an integer >= 0"),
    ],
)
def test_bad_specs(names, message):
    with pytest.raises(ValueError, match=message):
        smoke(**names)


def test_rounds():
    assert parse_rounds("0-3") == [0, 1, 2, 3]
    assert parse_rounds("7, 0-1,1") == [0, 1, 7]
    for text in ("", "a", "3-1", "-1", "1-", "0-10000", "1,,2", "1.5"):
        with pytest.raises(ValueError, match="rounds is"):
            parse_rounds(text)


# ---- one flat w ----------------------------------------------------------------------


@pytest.mark.parametrize("make", [networks.mnist_net, networks.vgg_net])
def test_flat_network_is_the_network(make):
    generator = seeded_generator(3)
    assert setting("cifar10", "desk", "finer").gain == networks.HE_GAIN
    module = make(1 / 16, generator=generator, gain=networks.HE_GAIN)
    shape = (4, 1, 28, 28) if make is networks.mnist_net else (4, 3, 32, 32)
    x = torch.rand(shape, generator=generator)
    expected = module(x)
    flat = FlatNetwork(module)
    w = flat.initial.clone().requires_grad_()
    torch.testing.assert_close(flat(w, x), expected)
    parameters = make(1 / 16, generator=seeded_generator(3), gain=networks.HE_GAIN)
    for view, parameter in zip(
        flat.unpack(w).values(), parameters.parameters(), strict=True
    ):
        assert torch.equal(view, parameter)
    # The bound module follows w, and both give the same gradient, bit for bit.
    bound = flat.bound(w)
    with torch.no_grad():
        w.mul_(0.9)
    assert torch.equal(bound(x), flat(w, x))
    (pure,) = torch.autograd.grad(flat(w, x).square().sum(), w)
    parts = torch.autograd.grad(bound(x).square().sum(), list(bound.parameters()))
    assert torch.equal(flat.pack(parts), pure)


# ---- what a round shares -------------------------------------------------------------


def test_algorithms_of_a_round_share_start_terms_and_batches():
    members = {
        a: Member(smoke(a, round=2), torch.device("cpu")) for a in specs.ALGORITHMS
    }
    first, *others = members.values()
    for member in others:
        assert torch.equal(member.w, first.w)
        for epoch in (0, 3):
            assert torch.equal(member.batches(epoch), first.batches(epoch))
    assert torch.equal(members["AdaDeltaN"].delta, members["AdaDeltaNS"].delta)
    assert torch.equal(members["AdaDeltaN"].epsilon, members["AdaDeltaNS"].epsilon)
    assert not torch.equal(members["AdaDeltaN"].delta, members["AdaDeltaN"].epsilon)
    assert members["AdaDelta"].delta == members["AdaDeltaS"].epsilon == 1e-5
    other = Member(smoke("AdaDeltaNS", round=3), torch.device("cpu"))
    assert not torch.equal(other.w, first.w)
    assert not torch.equal(other.batches(0), first.batches(0))
    assert not torch.equal(first.batches(0), first.batches(1))
    assert not torch.equal(other.delta, members["AdaDeltaNS"].delta)


def test_stability_terms_have_the_papers_median_and_spread():
    member = Member(smoke("AdaDeltaN", scale="laptop"), torch.device("cpu"))
    exponents = member.delta.double().log10()
    assert abs(exponents.median() + 5) < 0.02
    assert abs(exponents.std() - 1) < 0.02


def test_horizon_in_both_readings():
    cpu = torch.device("cpu")
    coarse = smoke("AdaDeltaS", regime="coarser")
    assert Member(coarse, cpu).horizon == 6 * 2
    released = smoke("AdaDeltaS", regime="coarser", reading="released")
    assert Member(released, cpu).horizon == 6 * 40 / 10
    for experiment in specs.EXPERIMENTS:  # at the paper's scale, as its code has it
        for regime in specs.REGIMES:
            finer = setting(experiment, "paper", "finer")
            numbers = setting(experiment, "paper", regime)
            assert finer.batch == 100
            assert released_horizon(numbers.epochs, numbers.train_images) == Fraction(
                numbers.epochs * numbers.train_images, finer.batch
            )


# ---- training and measuring ----------------------------------------------------------


@pytest.mark.parametrize("experiment", specs.EXPERIMENTS)
@pytest.mark.parametrize("algorithm", specs.ALGORITHMS)
def test_every_algorithm_learns(experiment, algorithm, sets):
    spec = smoke(algorithm, experiment=experiment)
    (result,) = train(spec, sets(experiment))
    assert column(result, "epoch") == spec.setting.evaluated_epochs()
    loss = column(result, "log_loss")
    assert all(map(math.isfinite, loss))
    assert result.diverged_at is None
    if experiment == "mnist":
        assert loss[-1] < loss[0]
    tested = [
        epoch
        for epoch, accuracy in zip(
            column(result, "epoch"), column(result, "test_accuracy"), strict=True
        )
        if not math.isnan(accuracy)
    ]
    assert tested == spec.setting.tested_epochs()


def test_training_is_procedure_1_on_the_mini_batches(sets):
    # Ten steps of AdaDeltaNS written out, against what the record says.
    from marginflow.losses import cross_entropy
    from marginflow.optim import harmonic_decay, procedure_1

    data = sets("mnist", torch.float64)
    spec = smoke("AdaDeltaNS", dtype="float64")
    member = Member(spec, torch.device("cpu"))
    w = member.w.detach().clone()
    g = h = torch.zeros_like(w)
    rho = harmonic_decay(spec.setting.total_steps)
    step = 0
    for epoch in range(spec.setting.epochs):
        for index in member.batches(epoch):
            leaf = w.clone().requires_grad_()
            loss = cross_entropy(
                member.network(leaf, data[0].x[index]), data[0].y[index], "mean"
            )
            (gradient,) = torch.autograd.grad(loss, leaf)
            w, g, h = procedure_1(
                w,
                gradient,
                g,
                h,
                eta=spec.setting.lr_adadelta,
                rho=rho(step),
                delta=member.delta,
                epsilon=member.epsilon,
            )
            step += 1
    (result,) = train(spec, data)
    log_loss, _, margin = fit(logits_of(member.network, w, data[0].x), data[0].y)
    assert column(result, "step")[-1] == step
    assert column(result, "log_loss")[-1] == pytest.approx(float(log_loss), rel=1e-9)
    assert column(result, "margin")[-1] == pytest.approx(float(margin), rel=1e-9)
    assert column(result, "log_norm")[-1] == pytest.approx(float(w.norm().log()), 1e-9)
    # A mutated step is told apart: had ρ been constant, the numbers would differ.
    (constant,) = train(smoke("AdaDeltaN", dtype="float64"), data)
    assert column(constant, "log_loss")[-1] != pytest.approx(float(log_loss), rel=1e-6)


def test_running_metrics_are_the_released_codes(sets):
    data = sets("mnist")
    spec = smoke("SGD")
    (result,) = train(spec, data)
    member = Member(spec, torch.device("cpu"))
    running = RunningMargin(member.degree)
    losses, right = [], []
    with fixed_arithmetic():
        for index in member.batches(0):
            x, y = data[0].x[index], data[0].y[index]
            logits = member.module(x)
            loss = member.loss(logits, y)
            parts = torch.autograd.grad(loss, list(member.module.parameters()))
            member.update(member.network.pack(parts))
            gaps = multiclass_gap(logits.detach(), y)
            running.update(gaps, member.w.detach().norm())
            losses.append(loss.item())
            right.append((gaps > 0).float().mean().item())
    row = column(result, "epoch").index(1)
    least = column(result, "running_margin_sign")[row] * math.exp(
        column(result, "running_log_margin")[row]
    )
    assert least == pytest.approx(float(running.value()), rel=1e-5)
    assert column(result, "running_loss")[row] == pytest.approx(
        sum(losses) / len(losses), rel=1e-6
    )
    assert column(result, "running_accuracy")[row] == pytest.approx(
        sum(right) / len(right), rel=1e-6
    )
    assert math.isnan(column(result, "running_loss")[0])


def test_alignment_is_a_cosine():
    torch.manual_seed(0)
    flat = FlatNetwork(networks.mlp([3, 4, 3], generator=seeded_generator(1)))
    w = flat.initial
    x = torch.rand(5, 3, dtype=torch.float64, generator=seeded_generator(2))
    y = torch.tensor([0, 1, 2, 0, 1])
    chi = torch.rand(w.shape, dtype=torch.float64, generator=seeded_generator(4)) + 0.5
    leaf = (w / chi).requires_grad_()
    loss = torch.nn.functional.cross_entropy(flat(chi * leaf, x), y, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, leaf)
    expected = torch.nn.functional.cosine_similarity(leaf.detach(), -gradient, dim=0)
    assert alignment(flat, w, x, y, chi) == pytest.approx(float(expected), rel=1e-12)
    assert alignment(flat, w, x, y) != pytest.approx(float(expected), rel=1e-3)


def test_shapes_in_annotations_are_checked():
    """By the import hook of conftest: without it this would be broadcast."""
    one = torch.ones(3)
    with pytest.raises(jaxtyping.TypeCheckError):
        adapter_spread(one, one[None], 1.0, 1.0)


def test_adapter_spread():
    g = torch.tensor([0.0, 3.0, 0.0])
    h = torch.tensor([0.0, 0.0, 3.0])
    quantiles, isotropy = adapter_spread(g, h, 1.0, 1.0)  # β = 1, 1/2, 2
    assert quantiles[2] == 1.0
    assert quantiles[0] < 0.6
    assert quantiles[-1] > 1.8
    assert isotropy < 0.97
    _, same = adapter_spread(g[:1], h[:1], 1.0, 1.0)
    assert same == pytest.approx(1.0)


def test_separated_runs_have_a_log_normalized_margin(sets):
    (result,) = train(smoke("AdaDeltaN"), sets("mnist"))
    margins = column(result, "margin")
    logs = column(result, "log_normalized_margin")
    norms = column(result, "log_norm")
    for m, log, norm in zip(margins, logs, norms, strict=True):
        if m > 0:
            assert log == pytest.approx(math.log(m) - 4 * norm)
        else:
            assert math.isnan(log)


def test_divergence_is_recorded_and_ends_the_run(sets, monkeypatch):
    key = ("mnist", "smoke", "finer")
    monkeypatch.setitem(specs.SETTINGS, key, replace(specs.SETTINGS[key], lr_sgd=1e30))
    (result,) = train(smoke("SGD"), sets("mnist"))
    assert result.diverged_at == 1
    assert len(result.rows) == 2


# ---- resuming, lanes -----------------------------------------------------------------


@pytest.mark.parametrize("algorithm", specs.ALGORITHMS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_resuming_after_any_epoch_changes_no_bit(algorithm, dtype, sets):
    import io

    data = sets("mnist", getattr(torch, dtype))
    spec = smoke(algorithm, dtype=dtype)
    states = []

    def keep(member):
        file = io.BytesIO()
        torch.save(member.state_dict(), file)
        states.append(file)

    (whole,) = train(spec, data, after_epoch=keep)
    assert len(states) == spec.setting.epochs
    for file in states:
        file.seek(0)
        state = torch.load(file, weights_only=True)
        (resumed,) = train(spec, data, states=[state])
        assert torch.equal(
            resumed.rows.nan_to_num(nan=-7), whole.rows.nan_to_num(nan=-7)
        )


def test_lanes_equal_the_plain_mode(sets):
    data = sets("mnist", torch.float64)
    round_0 = [smoke(a, dtype="float64") for a in specs.ALGORITHMS]
    rounds = [smoke("AdaDeltaS", round=r, dtype="float64") for r in range(3)]
    for together in (round_0, rounds):
        for spec, result in zip(together, train(together, data), strict=True):
            (plain,) = train(spec, data)
            assert result.spec == spec
            torch.testing.assert_close(
                result.rows, plain.rows, rtol=1e-9, atol=1e-12, equal_nan=True
            )
    # The comparison can fail: another round is far from it.
    (other,) = train(smoke("AdaDeltaS", round=7, dtype="float64"), data)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(
            other.rows, plain.rows, rtol=1e-2, atol=1e-3, equal_nan=True
        )


def test_lanes_resume_members_that_are_not_equally_far(sets):
    data = sets("mnist", torch.float64)
    together = [smoke(a, dtype="float64") for a in ("SGD", "AdaDeltaN")]
    states = {}

    def keep(member):
        if (member.spec.algorithm, member.epoch) in (("SGD", 4), ("AdaDeltaN", 2)):
            states[member.spec] = copy.deepcopy(member.state_dict())

    whole = train(together, data, after_epoch=keep)
    resumed = train(together, data, states=[states[spec] for spec in together])
    for one, other in zip(whole, resumed, strict=True):
        torch.testing.assert_close(
            one.rows, other.rows, rtol=1e-9, atol=1e-12, equal_nan=True
        )


def test_lanes_refuse_what_cannot_go_together(sets):
    with pytest.raises(ValueError, match="must be of one experiment, regime"):
        train([smoke(), smoke(regime="coarser")], sets("mnist"))


def test_devices(monkeypatch):
    assert resolve_device("cpu").type == "cpu"
    for there, taken in ((None, "cpu"), (torch.device("mps"), "mps")):
        monkeypatch.setattr(
            torch.accelerator, "current_accelerator", lambda there=there, **_: there
        )
        assert resolve_device("auto").type == taken
    with pytest.raises(ValueError, match="device is 'abacus', which cannot be used"):
        resolve_device("abacus")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="device is 'cuda', which cannot be used"):
            resolve_device("cuda")
