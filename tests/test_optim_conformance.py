"""GeneralizedAdadelta against torch.optim.Adadelta, where the two must agree.

What "agree" means here, in float64, for torch's parameters w', g', h' after a step:

* the default and the foreach step give torch's own w', g', h', bit for bit;
* the plain and the fused step, started from torch's state in each step, give g and h to
  1e-15 relative (4.5 ulp) and w to |w − w'| ≤ 1e-15 (|w'| + |w' − w_k|). With weight
  decay λ the fused step forms ∂ + λw with one rounding more than torch, whose relative
  effect is c = (|∂| + λ|w|)/|∂ + λw|: there the bound is 1e-15 c.
"""

import copy
import io
import json
import os
import pickle
import re
import subprocess
import sys

import pytest
import torch
from per_component import groups
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LambdaLR,
    OneCycleLR,
    ReduceLROnPlateau,
    StepLR,
)

from marginflow.optim import GeneralizedAdadelta, harmonic_decay, stability_terms

WAYS = {
    "default": {},
    "plain": {"foreach": False},
    "foreach": {"foreach": True},
    "fused": {"fused": True},
}
BITWISE = {"default", "foreach"}
# Shapes: a matrix, a vector, one component, none at all, channels last below.
SHAPES = [(20, 5), (7,), (1,), (), (0,)]

# Torch's own option sets live in a test module that changes global state on import, and
# that wants a package of which it uses a base class only; so it is read by a process
# of its own, which also tries torch's own error inputs on our class.
READ_TORCH_SETS = """
import json, sys, types, unittest, warnings
sys.modules["expecttest"] = types.SimpleNamespace(TestCase=unittest.TestCase)
import torch
from torch.testing._internal import common_optimizers as sets
from marginflow.optim import GeneralizedAdadelta
options = [dict(i.kwargs) for i in sets.optim_inputs_func_adadelta("cpu")]
errors = []
for e in sets.optim_error_inputs_func_adadelta("cpu", torch.float64):
    given = e.optimizer_error_input
    message = None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            GeneralizedAdadelta(given.params, **given.kwargs)
        except e.error_type as error:
            message = str(error)
    errors.append([given.desc, e.error_regex, message])
# What torch's own test of mixed devices and dtypes does with an OptimizerInfo, with the
# meta device for the second one.
(info,) = (i for i in sets.optim_db if i.optim_cls is torch.optim.Adadelta)
assert info.supports_multiple_devices and "foreach" in info.supported_impls
mixed = []
for given in info.optim_inputs_func(device="cpu"):
    for impl in (None, True):
        found = []
        for cls in (GeneralizedAdadelta, info.optim_cls):
            random = torch.Generator().manual_seed(0)
            params = []
            for device in ("cpu", "meta", "cpu"):
                for dtype in (torch.float32, torch.float64, torch.bfloat16):
                    p = torch.randn(3, 2, dtype=dtype, generator=random).to(device)
                    p.requires_grad_()
                    p.grad = torch.randn(3, 2, dtype=dtype, generator=random).to(device)
                    params.append(p)
            # In bfloat16 torch's own loop and foreach round differently.
            way = True if cls is info.optim_cls else impl
            optimizer = cls(params, **given.kwargs | {"foreach": way})
            with torch.no_grad():
                for _ in range(4):
                    optimizer.step()
            found.append([
                t for p in params for t in (p, *optimizer.state[p].values())
            ])
        mixed.append([given.desc, impl, len(found[0]), [
            a.device == b.device and a.dtype == b.dtype
            and (a.is_meta or torch.equal(a, b)) for a, b in zip(*found, strict=True)
        ]])
print(json.dumps({"options": options, "errors": errors, "mixed": mixed}))
"""


@pytest.fixture(scope="module")
def torch_sets():
    done = subprocess.run(
        [sys.executable, "-c", READ_TORCH_SETS],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return json.loads(done.stdout)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def parameters(shapes=SHAPES, dtype=torch.float64, seed=0):
    gen = generator(seed)
    return [torch.randn(s, generator=gen, dtype=dtype).requires_grad_() for s in shapes]


def terms_of(params, draw):
    return [stability_terms(p, generator=draw) for p in params]


def clones(params):
    return [p.detach().clone().requires_grad_() for p in params]


def set_gradients(params, gen, scale=1.0):
    for p in params:
        # Sizes over some ten decades, as in training: zero is among them.
        size = torch.rand(p.shape, generator=gen, dtype=p.real.dtype).mul(20).sub(15)
        noise = torch.randn(p.shape, generator=gen, dtype=p.dtype)
        p.grad = scale * noise * size.clamp(min=-10).exp() * (size > -14)


def share_gradients(source, target):
    for p, q in zip(source, target, strict=True):
        q.grad = p.grad.clone()


def take_state(ours, theirs, params, torch_params):
    """Start our next step from torch's own w, g and h."""
    with torch.no_grad():
        for p, q in zip(params, torch_params, strict=True):
            p.copy_(q)
            for key, value in theirs.state[q].items():
                ours.state[p][key] = value.clone()


def relative(a, b, size):
    """Largest |a − b| / size; exact agreement counts as 0, also at size 0."""
    gap = (a - b).abs()
    return (gap / size.clamp(min=1e-300)).max().item() if gap.numel() else 0.0


def cancellation(p, options):
    """c = (|∂| + λ|w|)/|∂ + λw| ≥ 1: how much a rounding of ∂ + λw weighs."""
    decay = options.get("weight_decay", 0.0)
    grad = -p.grad if options.get("maximize") else p.grad
    w = decay * p.detach()
    return ((grad.abs() + w.abs()) / (grad + w).abs().clamp(min=1e-300)).clamp(min=1)


def worst_step_defect(make_ours, options, steps=30, conditioned=False):
    """The largest relative defect of one step, over steps that start from torch's."""
    torch_params = parameters()
    params = clones(torch_params)
    theirs = torch.optim.Adadelta(torch_params, **options)
    ours = make_ours(params, **options)
    gen, worst = generator(1), 0.0
    for _ in range(steps):
        set_gradients(torch_params, gen)
        share_gradients(torch_params, params)
        before = [p.detach().clone() for p in torch_params]
        weights = [
            cancellation(p, options) if conditioned else torch.ones_like(p)
            for p in torch_params
        ]
        theirs.step()
        ours.step()
        for p, q, w, c in zip(params, torch_params, before, weights, strict=True):
            for key in ("square_avg", "acc_delta"):
                a, b = ours.state[p][key], theirs.state[q][key]
                worst = max(worst, relative(a, b, c * b.abs()))
            size = q.detach().abs() + c * (q.detach() - w).abs()
            worst = max(worst, relative(p.detach(), q.detach(), size))
            assert ours.state[p]["step"] == theirs.state[q]["step"]
        take_state(ours, theirs, params, torch_params)
    return worst


# ---- the same numbers as torch's -----------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_one_step_equals_torch_over_its_own_option_sets(torch_sets, way):
    assert len(torch_sets["options"]) >= 6
    for options in torch_sets["options"]:
        worst = worst_step_defect(
            lambda params, **o: GeneralizedAdadelta(params, **o, **WAYS[way]),
            options,
            conditioned=way == "fused",
        )
        assert worst == 0.0 if way in BITWISE else worst <= 1e-15, (options, worst)


def late_h(self):
    """Mutant: h is updated before it is used."""
    for p, g, h, grad in self.each():
        g.mul_(self.rho).addcmul_(grad, grad, value=1 - self.rho)
        ahead = h.add(self.eps).div(g.add(self.eps)).sqrt().mul(grad)
        h.mul_(self.rho).addcmul_(ahead, ahead, value=1 - self.rho)
        p.sub_(self.lr * h.add(self.eps).div(g.add(self.eps)).sqrt() * grad)


def early_g(self):
    """Mutant: the adapter takes g from before the step."""
    for p, g, h, grad in self.each():
        move = h.add(self.eps).div(g.add(self.eps)).sqrt().mul(grad)
        g.mul_(self.rho).addcmul_(grad, grad, value=1 - self.rho)
        h.mul_(self.rho).addcmul_(move, move, value=1 - self.rho)
        p.sub_(self.lr * move)


def scaled_h(self):
    """Mutant: h averages the step that was made, learning rate included."""
    for p, g, h, grad in self.each():
        g.mul_(self.rho).addcmul_(grad, grad, value=1 - self.rho)
        move = self.lr * h.add(self.eps).div(g.add(self.eps)).sqrt().mul(grad)
        h.mul_(self.rho).addcmul_(move, move, value=1 - self.rho)
        p.sub_(move)


def outer_eps(self):
    """Mutant: ε is added outside the square root."""
    for p, g, h, grad in self.each():
        g.mul_(self.rho).addcmul_(grad, grad, value=1 - self.rho)
        move = (h.sqrt() + self.eps) / (g.sqrt() + self.eps) * grad
        h.mul_(self.rho).addcmul_(move, move, value=1 - self.rho)
        p.sub_(self.lr * move)


@pytest.mark.parametrize("mutant", [late_h, early_g, scaled_h, outer_eps])
def test_the_same_check_refutes_a_mutated_step(mutant):
    class Mutant(torch.optim.Optimizer):
        def __init__(self, params, lr, rho, eps):
            super().__init__(params, {})
            self.lr, self.rho, self.eps = lr, rho, eps

        def each(self):
            for p in self.param_groups[0]["params"]:
                state = self.state[p]
                if not state:
                    state["step"] = torch.zeros(())
                    state["square_avg"] = torch.zeros_like(p)
                    state["acc_delta"] = torch.zeros_like(p)
                state["step"] += 1
                yield p, state["square_avg"], state["acc_delta"], p.grad

        @torch.no_grad()
        def step(self):
            mutant(self)

    options = {"lr": 0.5, "rho": 0.9, "eps": 1e-6}
    assert worst_step_defect(Mutant, options) > 1e-6


@pytest.mark.parametrize(
    ("way", "dtype"),
    [
        ("default", torch.float32),
        ("default", torch.float64),
        ("foreach", torch.float32),
        ("foreach", torch.float64),
        # Torch's for-loop adds a complex weight decay in complex arithmetic, its
        # foreach as pairs of reals, as we always do.
        ("foreach", torch.complex128),
    ],
)
def test_a_whole_run_equals_torch_bit_for_bit(way, dtype):
    torch_params = parameters(dtype=dtype)
    params = clones(torch_params)
    theirs = torch.optim.Adadelta(
        torch_params, lr=0.7, weight_decay=0.1, foreach=way == "foreach"
    )
    ours = GeneralizedAdadelta(params, lr=0.7, weight_decay=0.1, **WAYS[way])
    gen = generator(2)
    for _ in range(100):
        set_gradients(torch_params, gen)
        share_gradients(torch_params, params)
        theirs.step()
        ours.step()
    for p, q in zip(params, torch_params, strict=True):
        assert torch.equal(p, q)
        assert torch.equal(ours.state[p]["square_avg"], theirs.state[q]["square_avg"])


# ---- the reference values, to 12 digits ----------------------------------------------

TWELVE = {"rtol": 5e-13, "atol": 0.0}


@pytest.mark.parametrize("way", WAYS)
def test_values_gradient_one(way):
    p = torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
    optimizer = GeneralizedAdadelta([p], **WAYS[way])
    for value in (0.9968377381511013, 0.9935933263774006, 0.9902925376532413):
        p.grad = torch.ones_like(p)
        optimizer.step()
        torch.testing.assert_close(p.detach(), torch.full_like(p, value), **TWELVE)
    g, h = optimizer.averages(p)
    torch.testing.assert_close(g, torch.full_like(g, 0.271), **TWELVE)
    torch.testing.assert_close(h, torch.full_like(h, 2.8468712183941933e-06), **TWELVE)


@pytest.mark.parametrize("way", WAYS)
def test_values_ten_entries(way):
    p = torch.nn.Parameter(torch.ones(10, dtype=torch.float64))
    optimizer = GeneralizedAdadelta([p], lr=1.0, rho=0.8, eps=1e-6, **WAYS[way])
    after = [
        0.997817821098,
        0.994706611056,
        0.991507779038,
        0.988245724142,
        0.984932286495,
    ]
    for k, value in enumerate(after):
        later = torch.arange(1, 11, dtype=torch.float64) / 10
        p.grad = torch.full_like(p, 0.01) if k == 0 else later
        optimizer.step()
        assert abs(p[0].item() - value) <= 5.1e-13
    assert abs(p[9].item() - 0.984880044631) <= 5.1e-13


@pytest.mark.parametrize("way", WAYS)
def test_values_four_entries(way):
    p = torch.nn.Parameter(torch.tensor([1.0, 2, 3, 4], dtype=torch.float64))
    optimizer = GeneralizedAdadelta([p], lr=0.5, rho=0.95, eps=1e-7, **WAYS[way])
    p.grad = torch.tensor([1.0, 6, 7, 2], dtype=torch.float64)
    optimizer.step()
    expected = [0.999292893926, 1.999292893238, 2.999292893233, 3.999292893396]
    for value, stated in zip(p.tolist(), expected, strict=True):
        assert abs(value - stated) <= 5.1e-13


# ---- the behaviours that torch's own tests run ---------------------------------------


def test_torch_error_inputs_give_torch_errors(torch_sets):
    assert len(torch_sets["errors"]) >= 7
    for description, regex, message in torch_sets["errors"]:
        assert message is not None, f"{description}: no error of torch's type"
        assert re.search(regex, message), (description, message)


def test_devices_and_dtypes_may_be_mixed_as_in_torchs_own(torch_sets):
    assert len(torch_sets["mixed"]) >= 12
    for description, impl, count, same in torch_sets["mixed"]:
        assert count == len(same) == 9 * 4, description
        assert all(same), (description, impl, same)


@pytest.mark.parametrize("way", WAYS)
def test_descends_with_and_without_schedulers(way):
    target = torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64)
    for schedulers in (
        [],
        [lambda o: StepLR(o, step_size=10, gamma=0.9)],
        [lambda o: StepLR(o, step_size=10, gamma=0.9), ReduceLROnPlateau],
        [lambda o: OneCycleLR(o, max_lr=5.0, total_steps=101, cycle_momentum=False)],
        [lambda o: CosineAnnealingLR(o, T_max=100)],
    ):
        p = torch.nn.Parameter(torch.zeros_like(target))
        optimizer = GeneralizedAdadelta([p], lr=5.0, eps=1e-3, **WAYS[way])
        scheduled = [make(optimizer) for make in schedulers]
        losses = []
        for _ in range(100):
            optimizer.zero_grad()
            loss = ((p - target) ** 2).sum()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            for s in scheduled:
                s.step(losses[-1]) if isinstance(s, ReduceLROnPlateau) else s.step()
        assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize("way", WAYS)
def test_a_tensor_lr_equals_a_float_lr_under_a_scheduler(way):
    runs = []
    for lr in (0.25, torch.tensor(0.25), torch.tensor([0.25])):
        params = parameters()
        optimizer = GeneralizedAdadelta(params, lr=lr, **WAYS[way])
        scheduler = LambdaLR(optimizer, lambda k: 0.5**k)
        gen = generator(3)
        for _ in range(4):
            set_gradients(params, gen)
            optimizer.step()
            scheduler.step()
        runs.append(params)
    for other in runs[1:]:
        for p, q in zip(runs[0], other, strict=True):
            torch.testing.assert_close(p, q, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("way", WAYS)
def test_complex_equals_view_as_real(way):
    real = parameters([(6, 4, 2), (3, 2), (2,)])
    cplx = [torch.view_as_complex(p.detach().clone()).requires_grad_() for p in real]
    delta, epsilon = (terms_of(real, generator(seed)) for seed in (8, 9))
    terms = {"delta": delta, "epsilon": epsilon}
    options = {"weight_decay": 0.1} | WAYS[way]
    ours = GeneralizedAdadelta(groups(cplx, **terms), **options)
    pairs = GeneralizedAdadelta(groups(real, **terms), **options)
    gen = generator(4)
    for _ in range(10):
        set_gradients(real, gen)
        for p, q in zip(real, cplx, strict=True):
            q.grad = torch.view_as_complex(p.grad.clone())
        ours.step()
        pairs.step()
    for p, q in zip(real, cplx, strict=True):
        assert q.is_complex()
        assert torch.equal(torch.view_as_real(q.detach()), p.detach())
        assert torch.equal(ours.averages(q).h, pairs.averages(p).h)


@pytest.mark.parametrize("way", WAYS)
def test_param_groups_differ_in_every_option(way):
    options = [
        {"lr": 0.3},
        {"rho": 0.5, "weight_decay": 0.2},
        {"eps": 1e-3, "maximize": True},
        {"delta": 1e-2, "epsilon": 1e-5},
    ]
    together = parameters([(3, 2)] * 4)
    alone = clones(together)
    ours = GeneralizedAdadelta(
        [{"params": p, **o} for p, o in zip(together, options, strict=True)],
        **WAYS[way],
    )
    singles = [
        GeneralizedAdadelta([p], **o, **WAYS[way])
        for p, o in zip(alone, options, strict=True)
    ]
    gen = generator(5)
    for _ in range(5):
        set_gradients(together, gen)
        share_gradients(together, alone)
        ours.step()
        for single in singles:
            single.step()
    for p, q in zip(together, alone, strict=True):
        assert torch.equal(p, q)
    assert not torch.equal(together[0], together[1])


@pytest.mark.parametrize("way", WAYS)
def test_a_parameter_without_gradient_is_left_alone(way):
    params = parameters([(3,), (3,)])
    kept = params[1].detach().clone()
    optimizer = GeneralizedAdadelta(params, weight_decay=0.5, **WAYS[way])
    optimizer.step()
    assert not optimizer.state
    params[0].grad = torch.ones(3, dtype=torch.float64)
    optimizer.step()
    assert torch.equal(params[1], kept)
    assert params[1] not in optimizer.state


@pytest.mark.parametrize("way", WAYS)
def test_a_zero_gradient_moves_nothing_and_gradients_are_never_written(way):
    params = parameters()
    kept = clones(params)
    optimizer = GeneralizedAdadelta(params, maximize=True, **WAYS[way])
    for p in params:
        p.grad = torch.zeros_like(p)
    for _ in range(3):
        optimizer.step()
    for p, q in zip(params, kept, strict=True):
        assert torch.equal(p, q)
    set_gradients(params, generator(6))
    grads = [p.grad.clone() for p in params]
    optimizer.param_groups[0]["weight_decay"] = 0.1
    optimizer.step()
    for p, grad in zip(params, grads, strict=True):
        assert torch.equal(p.grad, grad)


@pytest.mark.parametrize("way", WAYS)
def test_closure_is_run_with_gradients_and_its_loss_returned(way):
    p = torch.nn.Parameter(torch.tensor([2.0, 3.0], dtype=torch.float64))
    optimizer = GeneralizedAdadelta([p], **WAYS[way])

    def closure():
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 13.0
    assert (p < torch.tensor([2.0, 3.0])).all()


def test_hooks_run_around_the_step():
    params = parameters([(2,)])
    optimizer = GeneralizedAdadelta(params)
    calls = []
    optimizer.register_step_pre_hook(lambda *_: calls.append("pre"))
    optimizer.register_step_post_hook(lambda *_: calls.append("post"))
    optimizer.step(lambda: calls.append("closure"))
    assert calls == ["pre", "closure", "post"]


@pytest.mark.parametrize("way", WAYS)
def test_sparse_gradients_are_refused(way):
    p = torch.nn.Parameter(torch.ones(4, 2))
    p.grad = torch.eye(4, 2).to_sparse()
    with pytest.raises(RuntimeError, match="sparse gradients: parameter 0 of shape"):
        GeneralizedAdadelta([p], **WAYS[way]).step()


def run(optimizer, params, steps, seed):
    gen = generator(seed)
    for _ in range(steps):
        set_gradients(params, gen)
        optimizer.step()


def through_disk(state):
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=True)


COEFFICIENTS = {
    "constant": lambda params: [{"params": params, "delta": 1e-4, "epsilon": 1e-6}],
    "schedule": lambda params: [{"params": params, "rho": harmonic_decay(20)}],
    "per component": lambda params: groups(
        params,
        rho=[torch.full_like(p, 0.8) for p in params],
        delta=terms_of(params, generator(7)),
        epsilon=terms_of(params, generator(8)),
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", COEFFICIENTS)
def test_a_checkpoint_resumes_bit_for_bit(way, kind):
    params = parameters()
    options = {"weight_decay": 0.01} | WAYS[way]
    optimizer = GeneralizedAdadelta(COEFFICIENTS[kind](params), **options)
    run(optimizer, params, 7, seed=10)
    saved = through_disk(optimizer.state_dict())
    resumed = clones(params)
    # Made with other options: those of the checkpoint win, as in torch.
    bare = groups(resumed) if kind == "per component" else resumed
    other = GeneralizedAdadelta(bare, lr=9.0, rho=0.1, **WAYS[way])
    other.load_state_dict(saved)
    run(optimizer, params, 8, seed=11)
    run(other, resumed, 8, seed=11)
    for p, q in zip(params, resumed, strict=True):
        assert torch.equal(p, q)


def test_a_schedule_of_ones_own_is_not_saved_and_is_asked_for():
    params = parameters([(2,)])
    optimizer = GeneralizedAdadelta(params, rho=lambda k: 0.5 + 0.1 * min(k, 3))
    run(optimizer, params, 2, seed=1)
    saved = through_disk(optimizer.state_dict())
    with pytest.raises(ValueError, match=r"followed a schedule.*rho=0\.9"):
        GeneralizedAdadelta(clones(params)).load_state_dict(saved)
    same = GeneralizedAdadelta(params, rho=lambda k: 0.5 + 0.1 * min(k, 3))
    same.load_state_dict(saved)
    assert same.param_groups[0]["rho"](int(same.param_groups[0]["k"])) == 0.7


def test_checkpoints_are_exchanged_with_torch_both_ways():
    torch_params = parameters()
    theirs = torch.optim.Adadelta(torch_params, lr=0.5, eps=1e-5, weight_decay=0.1)
    run(theirs, torch_params, 5, seed=12)
    params = clones(torch_params)
    ours = GeneralizedAdadelta(params)
    ours.load_state_dict(through_disk(theirs.state_dict()))
    run(theirs, torch_params, 5, seed=13)
    run(ours, params, 5, seed=13)
    back = clones(params)
    again = torch.optim.Adadelta(back)
    again.load_state_dict(through_disk(ours.state_dict()))
    run(again, back, 5, seed=14)
    run(theirs, torch_params, 5, seed=14)
    for p, q in zip(back, torch_params, strict=True):
        assert torch.equal(p, q)


def test_old_checkpoints_load_with_number_steps_and_without_new_options():
    params = parameters([(3,)])
    optimizer = GeneralizedAdadelta(params)
    run(optimizer, params, 3, seed=1)
    saved = optimizer.state_dict()
    saved["state"][0]["step"] = 3
    for key in ("foreach", "maximize", "differentiable", "capturable", "fused"):
        del saved["param_groups"][0][key]
    for key in ("delta", "epsilon"):
        del saved["param_groups"][0][key]
    optimizer.load_state_dict(saved)
    run(optimizer, params, 1, seed=2)
    assert torch.equal(optimizer.state[params[0]]["step"], torch.tensor(4.0))


def test_loading_casts_to_the_parameters_dtype():
    params = parameters([(3, 2)])
    terms = terms_of(params, generator())
    wide = GeneralizedAdadelta(groups(params, delta=terms, epsilon=terms))
    run(wide, params, 2, seed=1)
    narrow_params = [params[0].detach().float().requires_grad_()]
    narrow = GeneralizedAdadelta(narrow_params)
    narrow.load_state_dict(wide.state_dict())
    run(narrow, narrow_params, 1, seed=2)
    assert narrow.state[narrow_params[0]]["square_avg"].dtype == torch.float32
    assert narrow.param_groups[0]["delta"].dtype == torch.float32


def test_groups_that_do_not_match_are_refused():
    one = GeneralizedAdadelta(parameters([(2,)])).state_dict()
    two = GeneralizedAdadelta([{"params": p} for p in parameters([(2,), (2,)])])
    with pytest.raises(ValueError, match="number of parameter groups"):
        two.load_state_dict(one)


def test_pickle_and_deepcopy_keep_everything():
    params = parameters([(3, 2), (2,)])
    terms = terms_of(params, generator())
    optimizer = GeneralizedAdadelta(
        groups(params, delta=terms, epsilon=terms), rho=harmonic_decay(50)
    )
    run(optimizer, params, 3, seed=1)
    for twin in (
        copy.deepcopy(optimizer),
        pickle.loads(pickle.dumps(optimizer)),
    ):
        own = [p for group in twin.param_groups for p in group["params"]]
        run(twin, own, 3, seed=2)
        reference = clones(params)
        fresh = GeneralizedAdadelta(groups(reference))
        fresh.load_state_dict(through_disk(optimizer.state_dict()))
        run(fresh, reference, 3, seed=2)
        for p, q in zip(own, reference, strict=True):
            assert torch.equal(p, q)


def test_named_parameters_keep_their_names():
    net = torch.nn.Linear(3, 2)
    optimizer = GeneralizedAdadelta(net.named_parameters())
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    saved = through_disk(optimizer.state_dict())
    assert saved["param_groups"][0]["param_names"] == ["weight", "bias"]


def test_state_dict_order_is_the_parameters_order():
    params = parameters([(1,), (2,), (3,)])
    optimizer = GeneralizedAdadelta(params)
    for p in reversed(params):
        p.grad = torch.ones_like(p)
    optimizer.step()
    assert list(optimizer.state_dict()["state"]) == [0, 1, 2]


def test_differentiable_step_has_the_right_gradient():
    """Autograd through two steps, in every hyperparameter, against differences."""

    def final(w, grad, eta, delta, epsilon, rho):
        p = w.clone()
        optimizer = GeneralizedAdadelta(
            [p],
            lr=eta,
            rho=rho,
            delta=delta,
            epsilon=epsilon,
            weight_decay=0.1,
            differentiable=True,
        )
        for scale in (1.0, -0.5):
            p.grad = scale * grad
            optimizer.step()
        return p

    def leaf(*values):
        return torch.tensor(values, dtype=torch.float64, requires_grad=True)

    inputs = (
        leaf(1.0, -2.0),
        leaf(0.3, 0.7),
        torch.tensor(0.5, dtype=torch.float64, requires_grad=True),
        leaf(0.1, 0.2),
        leaf(0.3, 0.4),
        leaf(0.9, 0.5),
    )
    assert torch.autograd.gradcheck(final, inputs)


def test_capturable_names_the_devices_that_have_it():
    p = torch.nn.Parameter(torch.ones(2))
    p.grad = torch.ones(2)
    optimizer = GeneralizedAdadelta([p], capturable=True)
    with pytest.raises(ValueError, match="capturable: True for a parameter on cpu"):
        optimizer.step()
