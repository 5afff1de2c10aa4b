"""The optimizer in the hands of others: compilers, wrappers, checkpoints, processes."""

import copy
import io
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from per_component import groups
from torch.optim import lr_scheduler
from torch.optim.optimizer import Optimizer

from marginflow.optim import GeneralizedAdadelta, harmonic_decay

WAYS = [{}, {"foreach": False}, {"foreach": True}, {"fused": True}]


def problem(dtype=torch.float64, contiguous=True):
    """A least-squares problem with weight, bias and input, strided if asked for."""
    gen = torch.Generator().manual_seed(0)
    shape = (10, 5) if contiguous else (5, 10)
    weight = torch.randn(shape, generator=gen, dtype=dtype)
    weight = (weight if contiguous else weight.t()).requires_grad_()
    bias = torch.randn(10, generator=gen, dtype=dtype).requires_grad_()
    x = torch.randn(5, generator=gen, dtype=dtype)

    def loss():
        return (weight.mv(x) + bias).pow(2).sum()

    return [weight, bias], loss


def backward(optimizer, loss):
    optimizer.zero_grad()
    value = loss()
    value.backward()
    return value


# ---- what torch's own tests of an optimizer ask --------------------------------------


@pytest.mark.filterwarnings("ignore:fused=True")  # it leaves the strided alone
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("contiguous", [True, False])
def test_goes_in_the_right_direction(way, contiguous):
    params, loss = problem(contiguous=contiguous)
    optimizer = GeneralizedAdadelta(params, lr=1.0, eps=1e-2, **way)
    first = backward(optimizer, loss).item()
    for _ in range(60):
        backward(optimizer, loss)
        optimizer.step()
    assert loss().item() < 0.2 * first


SCHEDULERS = {
    "LambdaLR": {"lr_lambda": lambda k: 0.9**k},
    "MultiplicativeLR": {"lr_lambda": lambda k: 0.9},
    "StepLR": {"step_size": 2},
    "MultiStepLR": {"milestones": [2, 4]},
    "ConstantLR": {"total_iters": 3},
    "LinearLR": {"total_iters": 3},
    "ExponentialLR": {"gamma": 0.9},
    "PolynomialLR": {"total_iters": 5},
    "CosineAnnealingLR": {"T_max": 5},
    "CosineAnnealingWarmRestarts": {"T_0": 3},
    "CyclicLR": {"base_lr": 0.1, "max_lr": 1.0, "cycle_momentum": False},
    "OneCycleLR": {"max_lr": 1.0, "total_steps": 9, "cycle_momentum": False},
    "ReduceLROnPlateau": {"patience": 1},
    "SequentialLR": None,
    "ChainedScheduler": None,
}


def scheduler(name, optimizer):
    if SCHEDULERS[name] is not None:
        return getattr(lr_scheduler, name)(optimizer, **SCHEDULERS[name])
    parts = [scheduler("StepLR", optimizer), scheduler("LinearLR", optimizer)]
    if name == "SequentialLR":
        return lr_scheduler.SequentialLR(optimizer, parts, milestones=[3])
    return lr_scheduler.ChainedScheduler(parts)


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("tensor", [False, True])
def test_every_scheduler_moves_it_as_it_moves_torch(name, tensor):
    ends = []
    for kind in (torch.optim.Adadelta, GeneralizedAdadelta):
        params, loss = problem()
        lr = torch.tensor(0.5, dtype=torch.float64) if tensor else 0.5
        optimizer = kind(params, lr=lr)
        with warnings.catch_warnings():  # SequentialLR's own, of torch's making
            warnings.simplefilter("ignore")
            schedule = scheduler(name, optimizer)
            for _ in range(8):
                value = backward(optimizer, loss)
                optimizer.step()
                plateau = name == "ReduceLROnPlateau"
                schedule.step(value.item()) if plateau else schedule.step()
        ends.append([p.detach().clone() for p in params])
    for mine, theirs in zip(*ends, strict=True):
        assert torch.equal(mine, theirs)


def test_hooks_of_all_kinds_see_what_torch_shows_them():
    params, loss = problem()
    optimizer = GeneralizedAdadelta(params, rho=harmonic_decay(20))
    seen = []
    optimizer.register_step_pre_hook(lambda *_: seen.append("before step"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after step"))
    optimizer.register_state_dict_pre_hook(lambda _: seen.append("before saving"))

    def wrap(_, state):
        seen.append("after saving")
        return {"wrapped": state}

    def unwrap(_, state):
        seen.append("before loading")
        return state["wrapped"]

    optimizer.register_state_dict_post_hook(wrap)
    optimizer.register_load_state_dict_pre_hook(unwrap)
    optimizer.register_load_state_dict_post_hook(lambda _: seen.append("after loading"))
    backward(optimizer, loss)
    optimizer.step()
    saved = optimizer.state_dict()
    assert saved["wrapped"]["param_groups"][0]["rho"]["schedule"] == "harmonic_decay"
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["rho"] == harmonic_decay(20)
    assert seen == [
        *("before step", "after step", "before saving", "after saving"),
        *("before loading", "after loading"),
    ]


def test_one_is_a_deep_copy_of_another():
    params, loss = problem()
    optimizer = GeneralizedAdadelta(params, rho=lambda k: 0.5 + 0.1 * min(k, 4))
    for _ in range(3):
        backward(optimizer, loss)
        optimizer.step()
    twin = copy.deepcopy(optimizer)
    for p, q in zip(params, twin.param_groups[0]["params"], strict=True):
        q.grad = p.grad.clone()
    optimizer.step()
    twin.step()
    for p, q in zip(params, twin.param_groups[0]["params"], strict=True):
        assert p is not q
        assert torch.equal(p, q)


def test_gradient_scaling_and_clipping_go_as_with_torch():
    ends = []
    for kind in (torch.optim.Adadelta, GeneralizedAdadelta):
        params, loss = problem(torch.float32)
        optimizer = kind(params, lr=0.5)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**4)
        for k in range(6):
            optimizer.zero_grad()
            scaler.scale(loss() if k != 3 else loss() * float("inf")).backward()
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(params, 1.0)
            scaler.step(optimizer)  # the infinite one is left out
            scaler.update()
        ends.append(params)
        assert optimizer.state[params[0]]["step"] == 5
    for mine, theirs in zip(*ends, strict=True):
        assert torch.equal(mine, theirs)


def test_freezing_and_groups_that_come_later():
    ends = []
    for kind in (torch.optim.Adadelta, GeneralizedAdadelta):
        params, loss = problem()
        optimizer = kind([params[0]], lr=0.5)
        for k in range(6):
            params[0].requires_grad_(k != 2)
            if k == 3:
                optimizer.add_param_group({"params": params[1], "lr": 0.25})
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()
        ends.append(params)
    for mine, theirs in zip(*ends, strict=True):
        assert torch.equal(mine, theirs)


def test_an_optimizer_may_run_in_the_backward_pass():
    ends = []
    for kind in (torch.optim.Adadelta, GeneralizedAdadelta):
        params, loss = problem()
        own = {p: kind([p], lr=0.5) for p in params}

        def hook(p, own=own):
            own[p].step()
            own[p].zero_grad()

        for p in params:
            p.register_post_accumulate_grad_hook(hook)
        for _ in range(4):
            loss().backward()
        ends.append(params)
    for mine, theirs in zip(*ends, strict=True):
        assert torch.equal(mine, theirs)


# ---- checkpoints ---------------------------------------------------------------------


def through_disk(state):
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=True)


def stepped(kind, **options):
    params, loss = problem()
    optimizer = kind(params, **options)
    for _ in range(3):
        backward(optimizer, loss)
        optimizer.step()
    return optimizer, params, loss


def test_equal_terms_are_torchs_eps_in_a_checkpoint():
    ours, _, _ = stepped(GeneralizedAdadelta, delta=1e-2, epsilon=1e-2)
    theirs, _, loss = stepped(torch.optim.Adadelta)
    theirs.load_state_dict(through_disk(ours.state_dict()))
    assert theirs.param_groups[0]["eps"] == 1e-2
    backward(theirs, loss)
    theirs.step()


@pytest.mark.parametrize(
    "options",
    [
        {"delta": 1e-2, "epsilon": 1e-4},
        {"rho": harmonic_decay(20)},
        {"rho": lambda k: 0.5},
    ],
)
def test_torch_refuses_a_checkpoint_of_another_algorithm(options):
    ours, _, _ = stepped(GeneralizedAdadelta, **options)
    theirs, params, loss = stepped(torch.optim.Adadelta)
    theirs.load_state_dict(through_disk(ours.state_dict()))
    kept = [p.detach().clone() for p in params]
    backward(theirs, loss)
    with pytest.raises(TypeError):
        theirs.step()
    for p, q in zip(params, kept, strict=True):
        assert torch.equal(p, q)


def test_what_torchs_checkpoint_does_not_say_stays_as_it_is():
    theirs, _, _ = stepped(torch.optim.Adadelta, lr=0.25, weight_decay=0.1)
    own = {"delta": 1e-2, "epsilon": 1e-4, "rho": harmonic_decay(10)}
    ours, _, _ = stepped(GeneralizedAdadelta, fused=True, **own)
    ours.load_state_dict(through_disk(theirs.state_dict()))
    (group,) = ours.param_groups
    assert {name: group[name] for name in own} == own
    assert group["fused"] is True
    assert (group["lr"], group["weight_decay"]) == (0.25, 0.1)
    assert group["k"] == 3  # as many steps as it has seen


def test_a_schedule_made_from_numpys_numbers_is_plain_in_a_checkpoint():
    rho = harmonic_decay(np.int64(50))
    ours, _, _ = stepped(GeneralizedAdadelta, rho=rho)
    saved = through_disk(ours.state_dict())
    ours.load_state_dict(saved)
    assert ours.param_groups[0]["rho"] == harmonic_decay(50)
    # Wrappers such as ZeRO save groups as they find them.
    assert through_disk({"rho": rho})["rho"] == rho


# ---- dtypes --------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_a_narrow_parameter_does_not_round_its_coefficients(way):
    p = torch.nn.Parameter(torch.ones(8, dtype=torch.bfloat16))
    optimizer = GeneralizedAdadelta([p], rho=torch.full((8,), 0.999), **way)
    p.grad = torch.ones_like(p)
    optimizer.step()
    g = optimizer.averages(p).g.float()
    torch.testing.assert_close(g, torch.full((8,), 0.001), rtol=1e-2, atol=0)
    assert p.dtype == optimizer.state[p]["square_avg"].dtype == torch.bfloat16


def test_a_change_of_dtype_keeps_coefficients_that_it_cannot_hold():
    layer = torch.nn.Linear(3, 1, bias=False)
    terms = {name: torch.full((1, 3), 1e-9) for name in ("delta", "epsilon")}
    optimizer = GeneralizedAdadelta(layer.parameters(), **terms)
    layer.half()
    layer.weight.grad = torch.zeros_like(layer.weight)
    optimizer.step()
    assert layer.weight.isfinite().all()
    assert (optimizer.param_groups[0]["delta"] > 0).all()


def test_a_tensor_weight_decay_counts_at_its_present_value():
    ends = []
    for way in ({"fused": True}, {"foreach": False}):
        p = torch.nn.Parameter(torch.ones(8, dtype=torch.float64))
        decay = torch.tensor(0.5, dtype=torch.float64)
        optimizer = GeneralizedAdadelta([p], weight_decay=decay, **way)
        for value in (0.5, 0.0, 2.0):
            decay.fill_(value)
            p.grad = torch.ones_like(p)
            optimizer.step()
        ends.append(p.detach())
    torch.testing.assert_close(*ends, rtol=1e-14, atol=0)


def test_reading_averages_makes_no_state():
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = GeneralizedAdadelta([p])
    assert optimizer.averages(p).g.tolist() == [0, 0, 0]
    assert not optimizer.state
    with pytest.raises(ValueError, match="Invalid parameter: 'w' that is not among"):
        optimizer.averages("w")


def test_a_strided_parameters_coefficients_are_copied_once():
    p = torch.nn.Parameter(torch.ones(6, 2, dtype=torch.float64)[::2])
    terms = torch.full((3, 2), 1e-3)
    optimizer = GeneralizedAdadelta([p], delta=terms, epsilon=terms)
    first = optimizer.param_groups[0]["delta"]
    p.grad = torch.ones_like(p)
    optimizer.step()
    assert optimizer.param_groups[0]["delta"] is first


# ---- tensors that are no plain ones --------------------------------------------------


def test_fused_leaves_fake_tensors_to_the_plain_way():
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        p = torch.nn.Parameter(torch.ones(8))
        p.grad = torch.ones(8)
        optimizer = GeneralizedAdadelta([p], fused=True)
        with pytest.warns(UserWarning, match="no plain tensor"):
            optimizer.step()


# ---- compilers -----------------------------------------------------------------------

COMPILED = """
import sys, torch
from torch._dynamo.testing import CompileCounter
from torch._dynamo.utils import counters
import marginflow.optim as ours

def cost(make, schedule=False):
    torch._dynamo.reset()
    counters.clear()
    p = torch.nn.Parameter(torch.ones(4, dtype=torch.float64))
    optimizer = make([p])
    scheduler = schedule and torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.9)
    counter = CompileCounter()
    step = torch.compile(optimizer.step, backend=counter)
    for k in range(8):
        p.grad = torch.full_like(p, 0.5 + k)
        step()
        if scheduler:
            scheduler.step()
    breaks = sum(counters["graph_break"].values())
    return counter.frame_count, breaks, p.detach()

tensor = lambda: torch.tensor(0.5, dtype=torch.float64)
theirs = [
    cost(lambda p: torch.optim.Adadelta(p)),
    cost(lambda p: torch.optim.Adadelta(p, lr=tensor()), schedule=True),
]
plain = ours.GeneralizedAdadelta
harmonic = ours.harmonic_decay(5)
mine = [
    cost(lambda p: plain(p)),
    cost(lambda p: plain(p, lr=tensor()), schedule=True),
    cost(lambda p: plain(p, rho=harmonic)),
    cost(lambda p: plain(p, lr=tensor(), rho=harmonic), schedule=True),
    cost(lambda p: plain(p, delta=torch.full((4,), .1), epsilon=torch.full((4,), .2))),
]
print("torch:", [c[:2] for c in theirs], "ours:", [c[:2] for c in mine])
most = max(c[0] for c in theirs), max(c[1] for c in theirs)
assert all(c[0] <= most[0] and c[1] <= most[1] for c in mine)
for a, b in zip(mine, theirs):
    assert torch.allclose(a[2], b[2], rtol=1e-12)

# The schedule is followed, not the first value of it.
p = torch.nn.Parameter(torch.ones(4, dtype=torch.float64))
optimizer = plain([p], rho=harmonic)
for k in range(8):
    p.grad = torch.full_like(p, 0.5 + k)
    optimizer.step()
assert torch.allclose(mine[2][2], p, rtol=1e-12)
assert not torch.allclose(mine[0][2], p, rtol=1e-6)
"""


def test_compiling_the_step_costs_no_more_graphs_than_torchs_own():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COMPILED],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "torch:" in done.stdout


# ---- several processes ---------------------------------------------------------------

WORKER = """
import sys, torch
import torch.distributed as dist
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.nn.parallel import DistributedDataParallel as DDP
from marginflow.optim import GeneralizedAdadelta, harmonic_decay

rank, port = int(sys.argv[1]), sys.argv[2]
dist.init_process_group(
    "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2
)

def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Linear(5, 1)).double()

random = torch.Generator().manual_seed(1)
data = torch.randn(8, 6, dtype=torch.float64, generator=random)
options = {"lr": 0.5, "rho": harmonic_decay(20), "delta": 1e-4, "epsilon": 1e-3}
alone = net()
reference = GeneralizedAdadelta(alone.parameters(), **options)
for make in (
    lambda params: GeneralizedAdadelta(params, **options),
    lambda params: ZeroRedundancyOptimizer(params, GeneralizedAdadelta, **options),
):
    alone.load_state_dict(net().state_dict())
    reference = GeneralizedAdadelta(alone.parameters(), **options)
    shared = DDP(net())
    optimizer = make(shared.parameters())
    for _ in range(5):
        for model, opt, x in (
            (alone, reference, data), (shared, optimizer, data[4 * rank : 4 * rank + 4])
        ):
            opt.zero_grad()
            model(x).square().mean().backward()
        for p, q in zip(alone.parameters(), shared.parameters()):
            p.grad.copy_(q.grad)  # sums of other order are DDP's, not the optimizer's
        reference.step()
        optimizer.step()
    for p, q in zip(alone.parameters(), shared.parameters()):
        assert torch.equal(p, q), (p - q).abs().max()
    if isinstance(optimizer, ZeroRedundancyOptimizer):
        optimizer.consolidate_state_dict(to=0)
        if rank == 0:
            import io
            buffer = io.BytesIO()
            torch.save(optimizer.state_dict(), buffer)
            buffer.seek(0)
            torch.load(buffer, weights_only=True)
from torch.distributed.fsdp import fully_shard
from torch.distributed.device_mesh import init_device_mesh
mesh = init_device_mesh("cpu", (2,))
model = net()
for layer in model:
    fully_shard(layer, mesh=mesh)
fully_shard(model, mesh=mesh)
try:
    p = next(model.parameters())
    terms = torch.full(tuple(p.shape), 1e-4, dtype=torch.float64)
    GeneralizedAdadelta([p], delta=terms, epsilon=terms)
except ValueError as error:
    assert "sharded" in str(error), error
else:
    raise AssertionError("plain terms of a sharded parameter were taken")
# Terms that are sharded as their parameter is: the step of one process, shard by shard.
from torch.distributed.tensor import distribute_tensor
for way in ({}, {"foreach": False}, {"foreach": True}):
    whole = {name: q for name, q in net().named_parameters()}
    random.manual_seed(2)
    parts, wholes = [], []
    for name, p in model.named_parameters():
        q = whole[name]
        terms = {
            key: torch.rand(q.shape, dtype=q.dtype, generator=random).add(1e-3)
            for key in ("delta", "epsilon", "rho")
        }
        terms["rho"] = terms["rho"] / 2
        q.grad = torch.randn(q.shape, dtype=q.dtype, generator=random)
        p.grad = distribute_tensor(q.grad, p.device_mesh, p.placements)
        with torch.no_grad():
            p.copy_(distribute_tensor(q.detach(), p.device_mesh, p.placements))
        wholes.append({"params": q, **terms})
        parts.append({"params": p} | {
            key: distribute_tensor(t, p.device_mesh, p.placements)
            for key, t in terms.items()
        })
    optimizers = GeneralizedAdadelta(wholes, **way), GeneralizedAdadelta(parts, **way)
    for _ in range(3):
        for optimizer in optimizers:
            optimizer.step()
    for name, p in model.named_parameters():
        assert torch.equal(p.full_tensor(), whole[name]), (way, name)
    try:
        p = next(model.parameters())
        bad = -torch.ones(p.shape, dtype=p.dtype)
        bad = distribute_tensor(bad, p.device_mesh, p.placements)
        GeneralizedAdadelta([p], delta=bad, epsilon=bad)
    except ValueError as error:
        assert "must be" in str(error), error
    else:
        raise AssertionError("negative sharded terms were taken")
import warnings
for way in ({}, {"fused": True}):
    optimizer = GeneralizedAdadelta(model.parameters(), **options, **way)
    model(data).square().mean().backward()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        optimizer.step()
    assert not way or any("no plain tensor" in str(w.message) for w in said)
dist.destroy_process_group()
print("done")
"""


def test_two_processes_step_as_one_does(tmp_path):
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    workers = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", WORKER, str(rank), port],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said = [w.communicate(timeout=240) for w in workers]
    assert all(out.strip().endswith("done") for out, _ in said), said


def test_the_optimizer_is_one_of_torchs():
    assert issubclass(GeneralizedAdadelta, Optimizer)
    params, _ = problem()
    assert len(GeneralizedAdadelta(groups(params)).param_groups) == 2
