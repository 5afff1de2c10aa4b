"""The degree L of Assumption 1 (ii), found by walking a module's graph (page 4).

A tensor in the forward pass is *homogeneous of degree d* if scaling all trainable
parameters w by any alpha > 0 scales it by alpha^d. The paper's recipe, "starting with
exponent 0, then going forwards through the layers", becomes a table of rules, one per
operation, run over the graph that ``torch.fx`` traces:

    input, buffer, number, frozen parameter     0
    trainable parameter                         1
    x @ w, x * w, linear, convolution           d_x + d_w
    relu, leaky relu, pooling, sum, reshape     d
    k-th power (square relu, cube)              k d
    a + b, bias, concatenation, maximum         d if both have degree d, else refused
    sigmoid, tanh, softplus, ...                refused, unless its argument has d = 0
    batch and layer norm                        the same; on w-free input a first layer
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
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

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


class _Tracer(fx.Tracer):
    """Stops at layers that have a rule of their own, walks through everything else."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        if hasattr(m, "homogeneity"):
            return True
        return _layer_rule(m) is not None and "forward" not in m.__dict__


class _Walk:
    """One pass over the traced graph with degrees instead of tensors."""

    def __init__(self, module: nn.Module) -> None:
        # The extra Sequential lets the module itself be a layer with a rule. Without
        # values (meta), forward() cannot smuggle numbers computed from w past the walk.
        try:
            self.root = nn.Sequential(without_values(module))
        except RuntimeError as error:  # a tensor made from parameters, kept as a weight
            raise NotHomogeneousError(
                f"{type(module).__name__} keeps tensors computed from its parameters "
                f"({error}); their degree is not known"
            ) from error
        try:
            self.graph = _Tracer().trace(self.root)
        except Exception as error:
            raise NotHomogeneousError(
                f"{type(module).__name__}.forward cannot be traced by torch.fx "
                f"({error}); give it a method homogeneity(degree) that declares how "
                "it changes the degree"
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
        raise NotHomogeneousError("the network returns nothing")

    def _degree(self, node: fx.Node, args: tuple, kwargs: dict) -> int:
        if node.op == "placeholder":
            return 0
        if node.op == "get_attr":
            if node.target.startswith("_tensor_constant"):
                raise NotHomogeneousError(
                    "forward() creates a tensor that the walk cannot follow; register "
                    "constants as buffers and trained tensors as parameters"
                )
            return _tensor_degree(operator.attrgetter(node.target)(self.root))
        if node.op == "call_module":
            layer = self.root.get_submodule(node.target)
            where = f"{type(layer).__name__} {node.target.removeprefix('0.')!r}"
            return _call_layer(layer, where, args, kwargs)
        return _call_function(node, args, kwargs)


def _tensor_degree(tensor: Tensor) -> int:
    return int(tensor.requires_grad)


# --- rules for layers ---------------------------------------------------------------

_SAME_DEGREE_LAYERS = (
    nn.Identity, nn.ReLU, nn.LeakyReLU, nn.Flatten, nn.Unflatten,
    nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d,
    nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d,
    nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d,
    nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d, nn.ReflectionPad2d, nn.ReplicationPad2d,
    nn.CircularPad2d, nn.PixelShuffle, nn.ChannelShuffle,
)  # fmt: skip
_WEIGHTED_LAYERS = (
    nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d,
    nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d,
)  # fmt: skip
_DROPOUT_LAYERS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
_NORM_LAYERS = (_BatchNorm, _InstanceNorm, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
_CURVED_LAYERS = (
    nn.Sigmoid, nn.Tanh, nn.Softplus, nn.GELU, nn.SiLU, nn.ELU, nn.SELU, nn.CELU,
    nn.Mish, nn.LogSigmoid, nn.Softsign, nn.Tanhshrink, nn.Softmax, nn.LogSoftmax,
    nn.Hardtanh, nn.ReLU6, nn.Hardsigmoid, nn.Hardswish, nn.Hardshrink, nn.Softshrink,
    nn.Threshold, nn.LocalResponseNorm,
)  # fmt: skip


def _layer_rule(layer: nn.Module) -> Callable[..., int] | None:
    # Exact types where a layer is let through: a subclass may compute anything.
    kind = type(layer)
    if kind in _SAME_DEGREE_LAYERS:
        return _same_layer
    if kind in _WEIGHTED_LAYERS:
        return _weighted
    if kind in _DROPOUT_LAYERS:
        return _dropout_layer
    if kind is nn.PReLU:
        return _prelu
    if isinstance(layer, _NORM_LAYERS):
        return _norm
    if isinstance(layer, _CURVED_LAYERS):
        return _curved_layer
    return None


def _call_layer(layer: nn.Module, where: str, args: tuple, kwargs: dict) -> int:
    inputs = [a for a in (*args, *kwargs.values()) if isinstance(a, _Degree)]
    if hasattr(layer, "homogeneity"):
        degree = layer.homogeneity(*(int(d) for d in inputs))
        if not isinstance(degree, int) or degree < 0:
            raise NotHomogeneousError(
                f"{where}.homogeneity returned {degree!r}; a degree is an int >= 0"
            )
        return degree
    if layer._forward_hooks or layer._forward_pre_hooks:
        raise NotHomogeneousError(f"{where} has forward hooks, which may do anything")
    return _layer_rule(layer)(layer, where, int(inputs[0]))


def _same_layer(layer: nn.Module, where: str, degree: int) -> int:
    if getattr(layer, "return_indices", False):
        raise NotHomogeneousError(f"{where} returns indices, which have no degree")
    return degree


def _weighted(layer: nn.Module, where: str, degree: int) -> int:
    result = degree + _tensor_degree(layer.weight)
    return result if layer.bias is None else _biased(where, result, layer.bias)


def _biased(where: str, degree: int, bias: Tensor | int) -> int:
    own = int(bias) if isinstance(bias, int) else _tensor_degree(bias)
    if own == degree:
        return degree
    raise NotHomogeneousError(
        f"{where} has a bias past the first layer: it adds the bias, of degree {own} "
        f"in w, to a product of degree {degree}; drop the bias (Assumption 1 allows "
        "one at the first layer only)"
    )


def _dropout_layer(layer: nn.Module, where: str, degree: int) -> int:
    return _dropout(where, degree, layer.p, layer.training)


def _norm(layer: nn.Module, where: str, degree: int) -> int:
    trains_statistics = isinstance(layer, _BatchNorm) and (
        layer.training or layer.running_mean is None
    )
    if trains_statistics:
        raise NotHomogeneousError(
            f"{where} normalizes by the statistics of the batch: Phi(w, x) is then no "
            "function of one x, and the scale of all earlier weights is divided away"
        )
    if degree > 0:
        raise NotHomogeneousError(
            f"{where} subtracts from and divides its input, of degree {degree} in w, "
            "by statistics that do not scale with it (stored ones, or its own plus a "
            "constant eps); remove it"
        )
    weight, bias = getattr(layer, "weight", None), getattr(layer, "bias", None)
    result = 0 if weight is None else _tensor_degree(weight)
    return result if bias is None else _biased(where, result, bias)


def _prelu(layer: nn.PReLU, where: str, degree: int) -> int:
    if not layer.weight.requires_grad:
        return degree
    raise NotHomogeneousError(
        f"{where} multiplies negative values by a trained slope (degree {degree + 1}) "
        f"and leaves positive ones alone (degree {degree}); freeze the slope"
    )


def _curved_layer(layer: nn.Module, where: str, degree: int) -> int:
    return _curved(where, degree)


# --- rules for functions and tensor methods -----------------------------------------


def _call_function(node: fx.Node, args: tuple, kwargs: dict) -> int:
    where = node.target if isinstance(node.target, str) else node.target.__name__
    in_place = where.removesuffix("_") in _METHODS and where.endswith("_")
    in_place |= where in ("iadd", "isub", "imul", "itruediv")
    if node.op == "call_method":
        rule = _METHODS.get(where.removesuffix("_"))
    else:
        rule = _FUNCTIONS.get(node.target)
    if rule is None:
        raise NotHomogeneousError(
            f"no rule for {where}(): the walk cannot show that it is homogeneous. Put "
            "it in a module with a method homogeneity(degree)"
        )
    kwargs = dict(kwargs)
    if "input" in kwargs:
        args = (kwargs.pop("input"), *args)
    if kwargs.get("out") is not None:
        raise NotHomogeneousError(f"{where}() writes into another tensor (out=)")
    try:
        degree = _value(rule(f"{where}()", *args, **kwargs))
    except TypeError as error:
        raise NotHomogeneousError(f"cannot read the call of {where}: {error}") from None
    if in_place and degree != _value(args[0]):
        raise NotHomogeneousError(
            f"{where}() changes the degree of a tensor in place, under the eyes of its "
            "other users; write it out of place"
        )
    return degree


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


def _einsum(where: str, equation: str, *operands: Any) -> Any:
    return _Degree(sum(_value(operand) for operand in operands))


def _quotient(where: str, a: Any, other: Any, *_: Any, **kwargs: Any) -> Any:
    if _value(other) == 0 and kwargs.get("rounding_mode") is None:
        return a
    raise NotHomogeneousError(
        f"{where} divides by a value that depends on w (the quotient is not locally "
        "Lipschitz where that value is 0, Assumption 1 (i)) or rounds"
    )


def _power(where: str, base: Any, exponent: Any) -> Any:
    fixed = not isinstance(exponent, _Degree)
    if fixed and _value(base) == 0:
        return _Degree(0)
    if fixed and exponent > 0 and float(exponent).is_integer():
        return _Degree(_value(base) * int(exponent))
    raise NotHomogeneousError(
        f"{where} takes a power of a value that depends on w, or with an exponent that "
        "does; only fixed positive integer exponents are supported"
    )


def _square(where: str, x: Any) -> Any:
    return _Degree(2 * _value(x))


def _join(where: str, tensors: Any, *_: Any, **__: Any) -> Any:
    result = tensors[0]
    for tensor in tensors[1:]:
        result = _equal(where, result, tensor)
    return result


def _affine(
    where: str, x: Any, weight: Any, bias: Any = None, *_: Any, **__: Any
) -> Any:
    degree = _value(x) + _value(weight)
    return _Degree(degree if bias is None else _biased(where, degree, _value(bias)))


def _dropout(
    where: str, x: Any, p: float = 0.5, training: bool = True, *_: Any, **__: Any
) -> Any:
    if training and p > 0:
        raise NotHomogeneousError(
            f"{where} is random in training mode, so Phi(w, x) is not a function of w "
            "and x; call .eval() or remove it"
        )
    return x


def _clamp(where: str, x: Any, min: Any = None, max: Any = None) -> Any:
    if all(bound is None or _is_zero(bound) for bound in (min, max)):
        return x
    return _curved(where, x)


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
    "t contiguous clone sum mean amax amin abs neg negative pos movedim expand chunk "
    "split unbind getitem max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d "
    "avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d "
    "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d double float",
    _equal: "add sub subtract maximum minimum iadd isub",
    _product: "mul multiply matmul mm bmm mv dot imul",
    _einsum: "einsum",
    _quotient: "truediv div divide true_divide itruediv",
    _power: "pow",
    _square: "square",
    _join: "cat concat stack",
    _affine: "linear conv1d conv2d conv3d",
    _dropout: "dropout",
    _clamp: "clamp",
    _curved: "sigmoid tanh softplus gelu silu elu selu celu mish exp expm1 log log1p "
    "logsigmoid softmax log_softmax softsign sin cos erf hardtanh relu6 sqrt",
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
