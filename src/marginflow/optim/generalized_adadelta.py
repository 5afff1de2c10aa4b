"""Generalized AdaDelta (Procedure 1) as a torch optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .coefficients import checked_number, coefficient, is_number
from .decay import HarmonicDecay
from .fused import fused_step
from .steps import Averages, foreach_step, procedure_1

__all__ = ["GeneralizedAdadelta"]

Schedule = Callable[[int], float | Tensor]

NUMBERS = ("lr", "eps", "weight_decay")
COEFFICIENTS = ("rho", "delta", "epsilon")
SINCE_TORCH_1: dict[str, Any] = {
    "foreach": None,
    "maximize": False,
    "differentiable": False,
    "capturable": False,
    "delta": None,
    "epsilon": None,
    "fused": None,
}
"""What a checkpoint may lack, torch's or an old one, and what that means."""
EXCLUSIVE = (
    ("differentiable", "foreach"),
    ("differentiable", "fused"),
    ("foreach", "fused"),
)
# How a checkpoint marks what it cannot say as plain data, or torch would misread.
CALLABLE = "<callable>"
NO_EPS = "<see delta and epsilon>"
CAPTURABLE_DEVICES = ("cuda", "xpu", "hpu")


class GeneralizedAdadelta(torch.optim.Optimizer):
    r"""Procedure 1 of the paper (p. 4): AdaDelta with free ρ_k, δ and ε.

    In step k+1, for the gradient ∂ at w_k and component by component::

        g_{k+1} = ρ_k g_k + (1 − ρ_k) ∂²
        Δ_{k+1} = sqrt((ε + h_k) / (δ + g_{k+1})) ∂
        h_{k+1} = ρ_k h_k + (1 − ρ_k) Δ_{k+1}²
        w_{k+1} = w_k − η Δ_{k+1}

    With δ = ε = eps and a constant ρ it is `torch.optim.Adadelta`, and takes its place:
    the same arguments in the same order, the same state (step, square_avg = g,
    acc_delta = h), checkpoints exchanged both ways.

    Args:
        params: parameters, named parameters, or parameter groups.
        lr: the learning rate η ≥ 0, a number or a tensor with one element.
        rho: ρ in [0, 1]: a number; per component (see below); or a schedule, a callable
            of the step k = 0, 1, …, that returns either. k counts the steps in which
            the group had a gradient. `harmonic_decay` is the schedule of Section 4.
        eps: sets δ = ε = eps > 0 where `delta` and `epsilon` are not given.
        weight_decay: λ ≥ 0; the gradient becomes ∂ + λ w_k.
        foreach: True: in place, all tensors of a device at a time. False: the plain
            step in the paper's notation (`procedure_1`), which the others are tested
            against. None: see below.
        capturable: safe to capture in a device graph, where the device has them; a
            harmonic schedule then follows a counter on the device.
        maximize: ascend instead of descend.
        differentiable: let autograd pass through the step (plain step only).
        delta: δ > 0, in the denominator; given together with epsilon.
        epsilon: ε > 0, in the numerator; a number or, like δ, per component.
        fused: True: `procedure_1` compiled into one pass over memory. Needs torch's
            compiler and, on a CPU, a C++ compiler; where they fail, and for tensors
            that are not dense and plain, the step warns once and does as with None.
            torch keeps compiled code in a folder (TORCHINDUCTOR_CACHE_DIR) and trusts
            it: if a compile is killed midway and later runs end with a bus error, empty
            that folder.

    Per component: give each parameter a group of its own, in which ρ, δ and ε may be
    tensors shaped like it (of a complex parameter, with a last axis of length 2 for
    its real components, or without: both alike)::

        [{"params": p, "delta": d, "epsilon": e} for p, d, e in …]

    They are copied, to float32 or wider. Of a sharded parameter (a DTensor) they must
    be sharded likewise.

    Which step runs when neither `foreach` nor `fused` is given: the in-place one, for
    all tensors at once on devices with multi-tensor kernels, one at a time elsewhere.
    It needs no compiler, the first step does not wait for one, and results agree with
    torch.optim.Adadelta bit for bit (complex or bfloat16: with its foreach).
    `fused=True` is for long runs: several times faster on a CPU, equal to the plain
    step but for rounding, seconds at the first step. It is tested on CPUs only.

    The averages start at 0; `set_averages` sets others, as Assumption 2 (ii) allows.

    Raises:
        ValueError: an argument out of bounds, of a wrong shape, or options that exclude
            each other. Unlike torch's, eps = 0 is refused: Procedure 1 wants δ, ε > 0;
            from h_0 = 0, ε = 0 never moves, and δ = 0 gives 0/0 at a zero gradient.
        RuntimeError: (in `step`) a sparse gradient.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float | Tensor | Schedule = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
        delta: float | Tensor | None = None,
        epsilon: float | Tensor | None = None,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
            "delta": delta,
            "epsilon": epsilon,
            "fused": fused,
        }
        _check_numbers(defaults)  # before the parameters, as torch does
        super().__init__(params, defaults)

    # ---- options ---------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group; one that is refused leaves nothing behind."""
        before = len(self.param_groups)
        try:
            super().add_param_group(param_group)
            self._check_group(self.param_groups[-1])
        except BaseException:
            del self.param_groups[before:]
            raise

    def _check_group(self, group: dict[str, Any]) -> None:
        _check_numbers(group)
        for one, other in EXCLUSIVE:
            if group[one] and group[other]:
                raise ValueError(
                    f"Invalid {other}: True, together with {one}=True; they exclude "
                    "each other, so give one of them"
                )
        rho = group["rho"]
        if callable(rho):
            if group["capturable"] and not isinstance(rho, HarmonicDecay):
                raise ValueError(
                    f"Invalid rho: {rho!r}; this schedule is read on the host in each "
                    "step, which a captured graph cannot do: give a number, a tensor "
                    "or harmonic_decay, or capturable=False"
                )
            _coefficient(group, "rho", rho(0))
        _update_coefficients(group)
        for one, other in (("delta", "epsilon"), ("epsilon", "delta")):
            if group[one] is not None and group[other] is None:
                raise ValueError(
                    f"Invalid {one}: given without {other}, which would stay at eps = "
                    f"{group['eps']}; give both, or eps for δ = ε"
                )
        group.setdefault("k", torch.tensor(0))

    # ---- state -----------------------------------------------------------------------

    def _state_of(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = self.state[p]
        if not state:
            device = p.device if group["capturable"] else None
            state["step"] = torch.zeros((), dtype=torch.float32, device=device)
            state["square_avg"] = torch.zeros_like(p)
            state["acc_delta"] = torch.zeros_like(p)
        return state

    def _group_of(self, p: Tensor) -> dict[str, Any]:
        for group in self.param_groups:
            if any(other is p for other in group["params"]):
                return group
        kind = f"a tensor of shape {tuple(p.shape)}" if hasattr(p, "shape") else repr(p)
        raise ValueError(
            f"Invalid parameter: {kind} that is not among this optimizer's parameters"
        )

    def averages(self, p: Tensor) -> Averages:
        """Copies of g and h of parameter p (of a complex one, as pairs of reals).

        Raises:
            ValueError: p is not one of the optimizer's parameters.
        """
        self._group_of(p)
        state = self.state.get(p, {})
        g, h = (
            _as_real(state[key]).detach().clone()
            if key in state
            else torch.zeros_like(_as_real(p.detach()))
            for key in ("square_avg", "acc_delta")
        )
        return Averages(g, h)

    @torch.no_grad()
    def set_averages(
        self,
        p: Tensor,
        g: float | Float[Tensor, "*p"] | None = None,
        h: float | Float[Tensor, "*p"] | None = None,
    ) -> None:
        """Set the averages of parameter p, such as g_0 and h_0; None leaves one alone.

        Args:
            g, h: a number, or a tensor shaped like p; at least 0 (Assumption 2 (ii)).

        Raises:
            ValueError: p is unknown; g or h is negative, not finite or of wrong shape.
        """
        group = self._group_of(p)
        new = {
            key: coefficient(name, value, [p])
            for key, name, value in (("square_avg", "g", g), ("acc_delta", "h", h))
            if value is not None
        }
        state = self._state_of(p, group)
        for key, value in new.items():
            like = _as_real(state[key])
            if isinstance(value, Tensor):
                like.copy_(value)
            else:
                like.fill_(value)

    def state_dict(self) -> dict[str, Any]:
        """As torch's; plain data only, so that weights_only loading takes it.

        A harmonic schedule is saved as its numbers. Any other callable is not saved
        (only that there was one): give it again when making the optimizer to resume.
        `eps` says δ = ε where that holds; else torch.optim.Adadelta refuses the step.
        """
        handle = self.register_state_dict_post_hook(_plain_groups, prepend=True)
        try:
            return super().state_dict()
        finally:
            handle.remove()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over a checkpoint or a pickle, ours or torch's.

        On what a checkpoint does not say (torch's says nothing of δ, ε and schedules)
        this optimizer's own options stand.

        Raises:
            ValueError: the checkpoint followed a schedule that it could not hold, and
                this optimizer has none.
        """
        own_groups = self.__dict__.get("param_groups", [])
        super().__setstate__(state)
        for i, group in enumerate(self.param_groups):
            own = own_groups[i] if i < len(own_groups) else {}
            _complete(group, own, i)
            states = [self.state[p] for p in group["params"] if self.state.get(p)]
            for mine in states:
                if not isinstance(mine["step"], Tensor):  # as torch once wrote it
                    mine["step"] = torch.tensor(float(mine["step"]))
            if "k" not in group:
                steps = (int(mine["step"]) for mine in states)
                group["k"] = torch.tensor(max(steps, default=0))

    # ---- the step --------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make one step of Procedure 1; returns the closure's loss, if there is one."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            with torch.set_grad_enabled(group["differentiable"]):
                tensors: tuple[list[Tensor], ...] = ([], [], [], [], [])
                self._init_group(group, *tensors)
                if tensors[0]:
                    self._step_group(group, *tensors)
        return loss

    def _init_group(self, group, params, grads, gs, hs, steps) -> None:
        """Collect what has a gradient; torch.compile runs this as it stands."""
        for i, p in enumerate(group["params"]):
            if p.grad is None:
                continue
            if p.grad.layout is not torch.strided:
                raise RuntimeError(
                    f"GeneralizedAdadelta does not support sparse gradients: parameter "
                    f"{i} of shape {tuple(p.shape)} has one of layout {p.grad.layout}"
                )
            if group["capturable"] and p.device.type not in CAPTURABLE_DEVICES:
                raise ValueError(
                    f"Invalid capturable: True for a parameter on {p.device}; device "
                    f"graphs exist on {', '.join(CAPTURABLE_DEVICES)}, so give "
                    "capturable=False"
                )
            state = self._state_of(p, group)
            params.append(p)
            grads.append(p.grad)
            gs.append(state["square_avg"])
            hs.append(state["acc_delta"])
            steps.append(state["step"])
        if params:
            _update_coefficients(group)
            if group["delta"] is None:
                checked_number("eps", group["eps"])
            if group["capturable"]:
                group["k"] = group["k"].to(params[0].device)

    def _step_group(self, group, params, grads, gs, hs, steps) -> None:
        coefficients = _coefficients(group)
        torch._foreach_add_(steps, 1)
        group["k"].add_(1)
        tensors = ([_as_real(t) for t in ts] for ts in (params, grads, gs, hs))
        slots = list(zip(*tensors, strict=True))
        if group["differentiable"] or group["foreach"] is False:
            for p, slot in zip(params, slots, strict=True):
                self._plain(group, p, slot, coefficients)
            return
        if group["fused"] and not torch.compiler.is_compiling():
            numbers = coefficients | {
                "sign": -1.0 if group["maximize"] else 1.0,
                "weight_decay": float(group["weight_decay"]),
            }
            slots = fused_step(slots, **numbers)  # what is left goes on below
        for ws, grads, gs, hs in _batches(slots, together=group["foreach"]):
            if group["maximize"]:
                grads = list(torch._foreach_neg(grads))
            if group["weight_decay"] != 0:
                decay = group["weight_decay"]
                grads = list(torch._foreach_add(grads, ws, alpha=decay))
            foreach_step(ws, grads, gs, hs, **coefficients)

    def _plain(self, group, p, slot, coefficients) -> None:
        """The paper's lines on one parameter."""
        w, gradient, g, h = slot
        if group["maximize"]:
            gradient = -gradient
        if group["weight_decay"] != 0:
            gradient = gradient.add(w, alpha=group["weight_decay"])
        step = procedure_1(w, gradient, g, h, **coefficients)
        w.copy_(step.w)
        # New tensors rather than copies: autograd may still need the old ones.
        for key, value in (("square_avg", step.g), ("acc_delta", step.h)):
            value = value.to(w.dtype)
            self.state[p][key] = (
                torch.view_as_complex(value) if p.is_complex() else value
            )


def _as_real(t: Tensor) -> Tensor:
    """t itself, or the view of a complex t as pairs of reals (a last axis of 2)."""
    return torch.view_as_real(t) if t.is_complex() else t


# ---- a group's options ---------------------------------------------------------------


def _check_numbers(options: dict[str, Any]) -> None:
    lr = options["lr"]
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError(
            f"Invalid lr: shape {tuple(lr.shape)} (Tensor lr must be 1-element)"
        )
    for name in NUMBERS:
        checked_number(name, options[name])
    for name in COEFFICIENTS:
        if is_number(options[name]):
            checked_number(name, options[name])


def _coefficient(group: dict[str, Any], name: str, value: Any) -> float | Tensor:
    return coefficient(name, value, group["params"], group.get("param_names"))


def _update_coefficients(group: dict[str, Any]) -> None:
    """Check what a user has put there, and follow a parameter that moved."""
    for name in COEFFICIENTS:
        value = group[name]
        scheduled = name == "rho" and callable(value)
        if not scheduled and (value is not None or name == "rho"):
            group[name] = _coefficient(group, name, value)


def _coefficients(group: dict[str, Any]) -> dict[str, float | Tensor]:
    """η, ρ_k, δ and ε of the step that is being made."""
    lr, rho, k = group["lr"], group["rho"], group["k"]
    on_device = group["capturable"] or torch.compiler.is_compiling()
    if isinstance(lr, Tensor):
        keep = on_device or group["differentiable"]
        lr = lr.reshape(()) if keep else lr.item()
    if on_device and isinstance(rho, HarmonicDecay):
        rho = rho.at(k)
    elif callable(rho):
        rho = _coefficient(group, "rho", rho(int(k)))
    delta, epsilon = group["delta"], group["epsilon"]
    if delta is None:
        delta = epsilon = float(group["eps"])
    return {"eta": lr, "rho": rho, "delta": delta, "epsilon": epsilon}


# ---- checkpoints ---------------------------------------------------------------------


def _plain_groups(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Make the groups of a checkpoint plain data that says what the algorithm was."""
    for group in state["param_groups"]:
        delta, epsilon = group["delta"], group["epsilon"]
        if isinstance(group["rho"], HarmonicDecay):
            group["rho"] = group["rho"].state_dict()
        elif callable(group["rho"]):
            group["rho"] = CALLABLE
        if delta is not None:
            numbers = is_number(delta) and is_number(epsilon)
            group["eps"] = delta if numbers and delta == epsilon else NO_EPS


def _complete(group: dict[str, Any], own: dict[str, Any], i: int) -> None:
    """Give a loaded group what its checkpoint left out."""
    foreign = "delta" not in group  # torch's own
    for name, value in SINCE_TORCH_1.items():
        group.setdefault(name, own.get(name, value))
    rho, mine = group["rho"], own.get("rho")
    if isinstance(rho, Mapping):
        group["rho"] = HarmonicDecay.from_state_dict(rho)
    elif rho == CALLABLE:
        if not callable(mine):
            raise ValueError(
                f"Invalid state_dict: group {i} followed a schedule of ρ, which a "
                f"checkpoint does not hold, but this optimizer has rho={mine}; "
                "make it with the same callable before loading"
            )
        group["rho"] = mine
    elif foreign and mine is not None and not is_number(mine):
        group["rho"] = mine
    if group["eps"] == NO_EPS:
        group["eps"] = own.get("eps", 1e-6)


# ---- the step in place ---------------------------------------------------------------


def _batches(slots: list[tuple], together: bool | None) -> list[list[list[Tensor]]]:
    """Lists of w, ∂, g, h that one call can step: of one device and dtype.

    together=None: only where the device has multi-tensor kernels; elsewhere one by one,
    which is as fast and keeps the temporaries of one tensor, not of all.
    """
    batches: dict[Any, list[tuple]] = {}
    for i, slot in enumerate(slots):
        many = slot[0].is_cuda if together is None else together
        key = (slot[0].device, slot[0].dtype) if many else i
        batches.setdefault(key, []).append(slot)
    return [list(map(list, zip(*batch, strict=True))) for batch in batches.values()]
