"""The degree L of Assumption 1 (ii), found by walking a module's graph (page 4).

A tensor in the forward pass is *homogeneous of degree d* if scaling all trainable
parameters w by any alpha > 0 scales it by alpha^d. The paper's recipe, "starting with
exponent 0, then going forwards through the layers", becomes a table of rules, one per
operation, run over the graph that ``torch.fx`` traces, inside the layers too:

    input, buffer, number, frozen parameter     0
    trainable parameter                         1
    x @ w, x * w, linear, convolution           d_x + d_w
    relu, leaky relu, pooling, sum, reshape     d
    k-th power (square relu, cube)              k d
    a + b, bias, maximum                        d if both have degree d, else refused
    sigmoid, tanh, softplus, ...                refused, unless its argument has d = 0
    batch and layer norm                        refused
    anything else                               refused: unknown is not homogeneous

No rule divides by a value that depends on w, so every degree is an integer >= 0 and
degree 0 means "does not depend on w". Each permitted operation is locally Lipschitz and
semialgebraic in w, so a network with a degree satisfies (i) and (iii) as well. The walk
is sound but not complete: what it accepts is homogeneous, what it refuses need not be
inhomogeneous (two opposite biases that cancel, say).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _NormBase

from marginflow.flat import without_values

__all__ = ["NotHomogeneousError", "homogeneity_degree"]


class NotHomogeneousError(ValueError):
    """The network breaks Assumption 1 (ii), or nothing shows that it keeps it."""


def homogeneity_degree(module: nn.Module) -> int:
    """The L with Phi(alpha w, x) = alpha^L Phi(w, x) for all alpha > 0 (page 4).

    w is the vector of all trainable parameters (``requires_grad``); frozen ones count
    as constants. Supported: any module whose ``forward`` can be traced by ``torch.fx``
    (no branches on values) and uses the operations of this file's tables, and modules
    with a method ``homogeneity(*degrees: int) -> int`` that declare how they change
    the degrees of their inputs. Such a declaration is taken at its word; see
    :func:`marginflow.networks.homogeneity_defect` for a numerical check.

    Raises:
        ValueError: not a module.
        NotHomogeneousError: with the offending operation and the reason.
    """
    if not isinstance(module, nn.Module):
        raise ValueError(
            f"module must be a torch.nn.Module, not {type(module).__name__}"
        )
    degree = _Walk(module).run()
    if not isinstance(degree, int):
        raise NotHomogeneousError(
            f"the network returns a {type(degree).__name__}; Phi(w, x) must be one "
            "tensor"
        )
    if degree == 0:
        raise NotHomogeneousError(
            "the output depends on no trainable parameter: its degree is 0, while "
            "Assumption 1 needs L > 0"
        )
    return degree


class _Degree(int):
    """Stands where the traced program has a tensor of that degree."""


_NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


class _Tracer(fx.Tracer):
    """Walks through all layers but those of which no walk is needed."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return hasattr(m, "homogeneity") or isinstance(m, _NORMS)


class _Walk:
    """One pass over the traced graph with degrees instead of tensors."""

    def __init__(self, module: nn.Module) -> None:
        # The extra Sequential lets the module itself be a leaf. Without values (meta),
        # forward() cannot smuggle numbers computed from w past the walk.
        name = type(module).__name__
        try:
            self.root = nn.Sequential(without_values(module))
        except RuntimeError as error:  # a tensor made from parameters, kept as a weight
            raise NotHomogeneousError(
                f"{name} keeps tensors computed from its parameters ({error}); their "
                "degree is not known"
            ) from error
        try:
            self.graph = _Tracer().trace(self.root)
        except Exception as error:
            raise NotHomogeneousError(
                f"{name}.forward cannot be traced by torch.fx ({error}); give it a "
                "method homogeneity(degree) that declares how it changes the degree"
            ) from error

    def run(self) -> Any:
        degrees: dict[fx.Node, Any] = {}
        for node in self.graph.nodes:
            args, kwargs = fx.node.map_arg(
                (node.args, node.kwargs), lambda n: _Degree(degrees[n])
            )
            if node.op == "output":
                return int(args[0]) if isinstance(args[0], _Degree) else args[0]
            degrees[node] = self._degree(node, args, kwargs)

    def _degree(self, node: fx.Node, args: tuple, kwargs: dict) -> int:
        if node.op == "placeholder":
            return 0
        target = str(node.target)
        if node.op == "get_attr":
            if target.startswith("_tensor_constant"):
                raise NotHomogeneousError(
                    "forward() creates a tensor that the walk cannot follow; register "
                    "constants as buffers and trained tensors as parameters"
                )
            return int(operator.attrgetter(target)(self.root).requires_grad)
        if node.op == "call_module":
            leaf = self.root.get_submodule(target)
            where = f"{type(leaf).__name__} {target.removeprefix('0.')!r}"
            return _call_leaf(leaf, where, args, kwargs)
        return _call_function(node, _place(node), args, kwargs)


def _place(node: fx.Node) -> str:
    """The layer in whose forward() the operation stands: " in Linear '2'"."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    path, kind = stack[-1] if stack else ("", None)
    inside = path.partition(".")[2]
    return f" in {getattr(kind, '__name__', kind)} {inside!r}" if inside else ""


def _call_leaf(layer: nn.Module, where: str, args: tuple, kwargs: dict) -> int:
    declared = getattr(layer, "homogeneity", None)
    if not callable(declared):
        raise NotHomogeneousError(
            f"{where} subtracts from and divides its input by statistics that do not "
            "scale with w (of the batch, stored, or its own plus a constant eps); "
            "remove it"
        )
    inputs = [a for a in (*args, *kwargs.values()) if isinstance(a, _Degree)]
    degree = declared(*(int(d) for d in inputs))
    if not isinstance(degree, int) or degree < 0:
        raise NotHomogeneousError(
            f"{where}.homogeneity returned {degree!r}; a degree is an int >= 0"
        )
    return degree


def _call_function(node: fx.Node, place: str, args: tuple, kwargs: dict) -> int:
    called = node.target
    name = called if isinstance(called, str) else called.__name__
    plain = name.removesuffix("_")
    in_place = name != plain and plain in _METHODS
    in_place |= name in ("iadd", "isub", "imul", "itruediv")
    table: dict[Any, Callable[..., Any]] = _FUNCTIONS
    rule = _METHODS.get(plain) if node.op == "call_method" else table.get(called)
    if rule is None:
        raise NotHomogeneousError(
            f"no rule for {name}(){place}: the walk cannot show that it is "
            "homogeneous. Put it in a module with a method homogeneity(degree)"
        )
    kwargs = dict(kwargs)
    if "input" in kwargs:
        args = (kwargs.pop("input"), *args)
    if kwargs.get("out") is not None:
        raise NotHomogeneousError(f"{name}() writes into another tensor (out=)")
    try:
        degree = _value(rule(f"{name}(){place}", *args, **kwargs))
    except TypeError as error:
        raise NotHomogeneousError(f"cannot read the call of {name}: {error}") from None
    if in_place and degree != _value(args[0]):
        raise NotHomogeneousError(
            f"{name}() changes the degree of a tensor in place, under the eyes of its "
            "other users; write it out of place"
        )
    return degree


# --- rules for functions and tensor methods -----------------------------------------


def _value(operand: Any) -> int:
    """The degree of a tensor; numbers have degree 0."""
    return int(operand) if isinstance(operand, _Degree) else 0


def _is_zero(operand: Any) -> bool:
    return not isinstance(operand, _Degree) and operand == 0


def _same(where: str, x: Any, *_: Any, return_indices: bool = False, **__: Any) -> Any:
    if return_indices:
        raise NotHomogeneousError(f"{where} returns indices, which have no degree")
    return x


def _equal(where: str, a: Any, other: Any, *_: Any, **__: Any) -> Any:
    if _is_zero(a) or _is_zero(other):  # adding 0 leaves any degree as it is
        return other if _is_zero(a) else a
    if _value(a) == _value(other):
        return _Degree(_value(a))
    raise NotHomogeneousError(
        f"{where} combines terms of degrees {_value(a)} and {_value(other)} in w, as a "
        "skip connection past a weighted layer does; both terms need one degree"
    )


def _product(where: str, a: Any, other: Any, *_: Any, **__: Any) -> Any:
    return _Degree(_value(a) + _value(other))


def _quotient(where: str, a: Any, other: Any, *_: Any, **kwargs: Any) -> Any:
    if _value(other) == 0 and kwargs.get("rounding_mode") is None:
        return a
    raise NotHomogeneousError(
        f"{where} divides by a value that depends on w (the quotient is not locally "
        "Lipschitz where that value is 0, Assumption 1 (i)) or rounds"
    )


def _power(where: str, base: Any, exponent: Any = 2) -> Any:
    fixed = not isinstance(exponent, _Degree)
    if fixed and _value(base) == 0:
        return _Degree(0)
    if fixed and exponent > 0 and float(exponent).is_integer():
        return _Degree(_value(base) * int(exponent))
    raise NotHomogeneousError(
        f"{where} takes a power of a value that depends on w, or with an exponent that "
        "does; only fixed positive integer exponents are supported"
    )


def _affine(
    where: str, x: Any, weight: Any, bias: Any = None, *_: Any, **__: Any
) -> Any:
    degree = _value(x) + _value(weight)
    if bias is None or _value(bias) == degree:
        return _Degree(degree)
    raise NotHomogeneousError(
        f"{where} has a bias past the first layer: it adds the bias, of degree "
        f"{_value(bias)} in w, to a product of degree {degree}; drop the bias "
        "(Assumption 1 allows one at the first layer only)"
    )


def _curved(where: str, x: Any, *_: Any, **__: Any) -> Any:
    if int(x) == 0:
        return x  # a fixed function of x alone
    raise NotHomogeneousError(
        f"{where} is not a power law: on a value s of degree {int(x)}, "
        f"f(alpha^{int(x)} s) is no power of alpha times f(s); use relu, leaky relu or "
        "a positive integer power of them"
    )


def _shape(where: str, *_: Any, **__: Any) -> Any:
    return _Degree(0)


def _getattr(where: str, x: Any, name: str) -> Any:
    if name in ("shape", "ndim", "dtype", "device"):
        return _Degree(0)
    if name in ("T", "mT"):
        return x
    raise NotHomogeneousError(f"no rule for the tensor attribute .{name}")


_NAMES: dict[Callable[..., Any], str] = {
    _same: "relu leaky_relu flatten reshape view squeeze unsqueeze permute transpose "
    "t contiguous clone sum mean amax amin abs neg expand getitem max_pool1d "
    "max_pool2d avg_pool2d adaptive_avg_pool2d double float",
    _equal: "add sub maximum minimum iadd isub",
    _product: "mul matmul mm mv dot imul",
    _quotient: "truediv div itruediv",
    _power: "pow square",
    _affine: "linear conv1d conv2d",
    _curved: "sigmoid tanh softplus gelu silu elu selu exp log softmax sin cos sqrt",
    _shape: "size dim",
}
_METHODS = {name: rule for rule, names in _NAMES.items() for name in names.split()}
_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    getattr(space, name + suffix): rule
    for name, rule in _METHODS.items()
    for suffix in ("", "_")
    for space in (torch, F, operator)
    if hasattr(space, name + suffix)
} | {getattr: _getattr, math.prod: _shape}
