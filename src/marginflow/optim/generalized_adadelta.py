"""Generalized AdaDelta (Procedure 1) as a torch optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from .adapter import adapter, skewed_adapter
from .coefficients import (
    NONNEGATIVE,
    POSITIVE,
    UNIT,
    check_number,
    laid_out_like,
    spread,
)
from .decay import HarmonicDecay
from .dispatch import Slot, as_real, step_group
from .steps import Averages

__all__ = ["GeneralizedAdadelta"]

Numbers = float | Tensor | Sequence[float | Tensor] | Mapping[Any, float | Tensor]
Schedule = Callable[[int], Numbers]

BOUNDS = {"rho": UNIT, "delta": POSITIVE, "epsilon": POSITIVE}
# How `state_dict` marks a schedule that only the program knows, not the checkpoint.
CALLABLE = "<callable>"
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
        eps: sets δ = ε = eps > 0 wherever `delta` or `epsilon` is not given.
        weight_decay: λ ≥ 0; the gradient becomes ∂ + λ w_k.
        foreach: True: in place, all tensors of a device at a time. False: the plain
            step in the paper's notation (`procedure_1`), which the others are tested
            against. None: see below.
        capturable: safe to capture in a device graph, where the device has them.
        maximize: ascend instead of descend.
        differentiable: let autograd pass through the step (plain step only).
        delta: δ > 0, in the denominator; a number or per component.
        epsilon: ε > 0, in the numerator; a number or per component.
        fused: True: `procedure_1` compiled into one pass over memory. Needs torch's
            compiler and, on a CPU, a C++ compiler; where they fail, the step warns once
            and does as with None.

    Per component: a tensor shaped like the parameter (of a complex parameter, with a
    last axis of length 2 for its real components, or without: both alike); a sequence
    with one number or tensor a parameter; a mapping from parameters, or from the names
    of named parameters, to them. In a parameter group too.

    Which step runs when neither `foreach` nor `fused` is given: the in-place one, for
    all tensors at once on devices with multi-tensor kernels, one at a time elsewhere.
    It needs no compiler, the first step does not wait for one, and results agree with
    torch.optim.Adadelta bit for bit (for complex parameters, with its foreach).
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
        rho: Numbers | Schedule = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
        delta: Numbers | None = None,
        epsilon: Numbers | None = None,
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
        super().__init__(params, defaults)
        for name in BOUNDS:
            self._refuse_unused_keys(name, defaults[name])

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            for key, value in sorted(group.items()):
                if key in BOUNDS and isinstance(value, list):
                    value = "<per component>"
                if key != "params":
                    lines.append(f"    {key}: {value}")
        return "\n".join([*lines, ")"])

    # ---- options ---------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group; its options are checked before it counts."""
        super().add_param_group(param_group)
        try:
            self._check_group(self.param_groups[-1])
        except ValueError:
            self.param_groups.pop()
            raise

    def _check_group(self, group: dict[str, Any]) -> None:
        lr = group["lr"]
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError(
                f"Invalid lr: shape {tuple(lr.shape)} (Tensor lr must be 1-element)"
            )
        check_number("lr", lr, NONNEGATIVE, label="learning rate")
        check_number("eps", group["eps"], POSITIVE, label="epsilon value")
        check_number(
            "weight_decay",
            group["weight_decay"],
            NONNEGATIVE,
            label="weight_decay value",
        )
        for one, other in (
            ("differentiable", "foreach"),
            ("differentiable", "fused"),
            ("foreach", "fused"),
        ):
            if group[one] and group[other]:
                raise ValueError(
                    f"Invalid {other}: True, together with {one}=True; they exclude "
                    "each other, so give one of them"
                )
        if callable(group["rho"]):
            if group["capturable"]:
                raise ValueError(
                    f"Invalid rho: {group['rho']!r}; a schedule is read on the host in "
                    "each step, which a captured graph cannot do: give a number or "
                    "tensors, or capturable=False"
                )
            self._spread(group, "rho", group["rho"](0))
        else:
            group["rho"] = self._spread(group, "rho", group["rho"])
        for name in ("delta", "epsilon"):
            if group[name] is not None:
                group[name] = self._spread(group, name, group[name])

    @staticmethod
    def _spread(
        group: dict[str, Any], name: str, value: Any
    ) -> float | list[float | Tensor]:
        """A coefficient in stored form (see `coefficients`)."""
        label = "rho value" if name == "rho" else name
        return spread(
            name, value, group["params"], group.get("param_names"), BOUNDS[name], label
        )

    def _refuse_unused_keys(self, name: str, value: Any) -> None:
        if not isinstance(value, Mapping):
            return
        params = {p for group in self.param_groups for p in group["params"]}
        names = {n for group in self.param_groups for n in group.get("param_names", ())}
        unused = [key for key in value if key not in params and key not in names]
        if unused:
            shown = [k if isinstance(k, str) else tuple(k.shape) for k in unused]
            raise ValueError(
                f"Invalid {name}: the mapping has entries for {shown}, which are no "
                "parameters of this optimizer; keys are its parameters or their names"
            )

    def _coefficients(self, group: dict[str, Any], name: str) -> list[float | Tensor]:
        """One number or tensor for each parameter of the group, at its current step."""
        value = group[name]
        if value is None and name != "rho":  # δ and ε default to eps
            value = check_number("eps", group["eps"], POSITIVE, label="epsilon value")
        elif callable(value) and name == "rho":
            value = self._spread(group, name, value(self._steps_done(group)))
        elif not isinstance(value, list):  # also catches what a user has put there
            value = group[name] = self._spread(group, name, value)
        if isinstance(value, list):
            for i, p in enumerate(group["params"]):
                if isinstance(value[i], Tensor):
                    value[i] = laid_out_like(value[i], p)
            return value
        return [value] * len(group["params"])

    def _steps_done(self, group: dict[str, Any]) -> int:
        """k: in how many steps the group has had a gradient."""
        steps = [self.state[p]["step"] for p in group["params"] if self.state.get(p)]
        return int(max(steps, default=0))

    # ---- state -----------------------------------------------------------------------

    def _state_of(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = self.state[p]
        if not state:
            device = p.device if group["capturable"] else None
            state["step"] = torch.zeros((), dtype=torch.float32, device=device)
            state["square_avg"] = torch.zeros_like(p)
            state["acc_delta"] = torch.zeros_like(p)
        return state

    def _group_of(self, p: Tensor) -> tuple[dict[str, Any], int]:
        for group in self.param_groups:
            for i, other in enumerate(group["params"]):
                if other is p:
                    return group, i
        raise ValueError(
            f"Invalid parameter: a tensor of shape {tuple(p.shape)} that is not among "
            "this optimizer's parameters"
        )

    def averages(self, p: Tensor) -> Averages:
        """Copies of g and h of parameter p (of a complex one, as pairs of reals).

        Raises:
            ValueError: p is not one of the optimizer's parameters.
        """
        group, _ = self._group_of(p)
        state = self._state_of(p, group)
        g, h = (
            as_real(state[key]).detach().clone() for key in ("square_avg", "acc_delta")
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
        group, i = self._group_of(p)
        names = group.get("param_names")
        names = names and names[i : i + 1]
        new = {
            key: spread(name, value, [p], names, NONNEGATIVE)
            for key, name, value in (("square_avg", "g", g), ("acc_delta", "h", h))
            if value is not None
        }
        state = self._state_of(p, group)
        for key, value in new.items():
            value = value[0] if isinstance(value, list) else value
            like = as_real(state[key])
            if isinstance(value, Tensor):
                like.copy_(value)
            else:
                like.fill_(value)

    def adapter(self, p: Tensor, h: Tensor | None = None) -> Float[Tensor, "*p"]:
        """The adapter sqrt((ε + h)/(δ + g)) of parameter p.

        g is the current average. h is the current one too (the released code's
        reading, g_K with h_K); pass the one from before the last step, kept with
        `averages`, for the factor that step applied (the paper's: g_K with h_{K−1}).
        """
        return adapter(*self._for_adapter(p, h))

    def skewed_adapter(self, p: Tensor, h: Tensor | None = None) -> Float[Tensor, "*p"]:
        """β = sqrt((1 + h/ε)/(1 + g/δ)) of parameter p; h as for `adapter`."""
        return skewed_adapter(*self._for_adapter(p, h))

    def _for_adapter(self, p: Tensor, h: Tensor | None) -> tuple:
        group, i = self._group_of(p)
        averages = self.averages(p)
        delta, epsilon = (
            self._coefficients(group, name)[i] for name in ("delta", "epsilon")
        )
        return averages.g, averages.h if h is None else h, delta, epsilon

    def state_dict(self) -> dict[str, Any]:
        """As torch's; plain data only, so that weights_only loading takes it.

        A harmonic schedule is saved as its numbers. Any other callable is not saved
        (only that there was one): give it again when making the optimizer to resume.
        """
        saved = super().state_dict()
        for group in saved["param_groups"]:
            if isinstance(group["rho"], HarmonicDecay):
                group["rho"] = group["rho"].state_dict()
            elif callable(group["rho"]):
                group["rho"] = CALLABLE
        return saved

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As torch's; takes a checkpoint of torch.optim.Adadelta too.

        Raises:
            ValueError: groups do not match, or the checkpoint followed a schedule that
                it could not hold and this optimizer has none.
        """
        schedules = [group["rho"] for group in self.param_groups]
        if len(schedules) == len(state_dict["param_groups"]):
            for i, (saved, own) in enumerate(
                zip(state_dict["param_groups"], schedules, strict=True)
            ):
                if isinstance(saved["rho"], str) and not callable(own):
                    raise ValueError(
                        f"Invalid state_dict: group {i} followed a schedule of ρ, "
                        "which a checkpoint does not hold, but this optimizer has "
                        f"rho={own}; make it with the same callable before loading"
                    )
        super().load_state_dict(state_dict)
        for group, own in zip(self.param_groups, schedules, strict=True):
            if isinstance(group["rho"], Mapping):
                group["rho"] = HarmonicDecay.from_state_dict(group["rho"])
            elif isinstance(group["rho"], str):
                group["rho"] = own

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for name, default in (
                ("foreach", None),
                ("maximize", False),
                ("differentiable", False),
                ("capturable", False),
                ("delta", None),
                ("epsilon", None),
                ("fused", None),
            ):
                group.setdefault(name, default)
            for p in group["params"]:
                own = self.state.get(p)
                if own and not isinstance(own["step"], Tensor):
                    device = p.device if group["capturable"] else None
                    own["step"] = torch.tensor(
                        float(own["step"]), dtype=torch.float32, device=device
                    )

    # ---- the step --------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make one step of Procedure 1; returns the closure's loss, if there is one."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            with torch.set_grad_enabled(group["differentiable"]):
                slots = self._slots(group)
                if slots:
                    step_group(group, slots)
        return loss

    def _slots(self, group: dict[str, Any]) -> list[Slot]:
        active = [i for i, p in enumerate(group["params"]) if p.grad is not None]
        if not active:
            return []
        for i in active:
            p = group["params"][i]
            if p.grad.layout is not torch.strided:
                raise RuntimeError(
                    f"GeneralizedAdadelta does not support sparse gradients: parameter "
                    f"{i} of shape {tuple(p.shape)} has one of layout {p.grad.layout}"
                )
        coefficients = [self._coefficients(group, name) for name in BOUNDS]
        slots = []
        for i in active:
            p = group["params"][i]
            state = self._state_of(p, group)
            _check_capture(group, p)
            state["step"] += 1
            tensors = (p, p.grad, state["square_avg"], state["acc_delta"])
            slots.append(
                Slot(*map(as_real, tensors), *(c[i] for c in coefficients), state)
            )
        return slots


def _check_capture(group: dict[str, Any], p: Tensor) -> None:
    if group["capturable"] and p.device.type not in CAPTURABLE_DEVICES:
        raise ValueError(
            f"Invalid capturable: True for a parameter on {p.device}; device graphs "
            f"exist on {', '.join(CAPTURABLE_DEVICES)}, so give capturable=False"
        )
    if (
        p.is_cuda
        and not group["capturable"]
        and torch.cuda.is_current_stream_capturing()
    ):
        raise RuntimeError(
            "GeneralizedAdadelta is being captured in a CUDA graph: make it with "
            "capturable=True"
        )
