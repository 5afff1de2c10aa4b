"""The degree L of Assumption 1 (ii), found by walking a module's graph (page 4).

A tensor in the forward pass is *homogeneous of degree d* if scaling all trainable
parameters w by any alpha > 0 scales it by alpha^d. The paper's recipe, "starting with
exponent 0, then going forwards through the layers", becomes a table of rules, one per
operation, run over the graph that ``torch.fx`` traces:

    input, buffer, frozen parameter     0
    trainable parameter                 1
    x @ w, x * w, linear, convolution   d_x + d_w
    relu, leaky relu, pooling, reshape  d
    k-th power (square relu, cube)      k d
    a + b, concatenation, maximum       d if d_a = d_b = d, else refused
    sigmoid, tanh, softplus, norms      refused, unless the argument has degree 0

Every d here is an integer >= 0, and degree 0 means "does not depend on w" since
nothing divides by w. Each permitted operation is locally Lipschitz and semialgebraic in
w (or acts on w-free values, which are constants for fixed x), so a network with a
degree also satisfies (i) and (iii).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torch.nn.utils.parametrize import is_parametrized

__all__ = ["NotHomogeneousError", "homogeneity_degree"]


class NotHomogeneousError(ValueError):
    """The network breaks Assumption 1 (ii), or nothing shows that it keeps it."""


def homogeneity_degree(module: nn.Module) -> int:
    """The L with Phi(alpha w, x) = alpha^L Phi(w, x) for all alpha > 0 (page 4).

    w is the vector of all trainable parameters (``requires_grad``); frozen ones count
    as constants. Supported: any module whose ``forward`` can be traced by ``torch.fx``
    (no branches on values) and uses the operations of this file's table, and modules
    with a method ``homogeneity(degree: int) -> int`` that declare how they change the
    degree of their input, which are taken at their word.

    Raises:
        NotHomogeneousError: with the offending operation and the reason.
    """
    if not isinstance(module, nn.Module):
        raise ValueError(f"module must be a torch.nn.Module, not {type(module).__name__}")
    outputs = _Walk(module).run()
    degree = outputs if isinstance(outputs, int) else None
    if degree is None:
        raise NotHomogeneousError(
            f"the network returns {type(outputs).__name__}; Phi must be a single tensor"
        )
    if degree == 0:
        raise NotHomogeneousError(
            "the output does not depend on any trainable parameter: L = 0, while "
            "Assumption 1 needs L > 0"
        )
    return degree


class _Tracer(fx.Tracer):
    """Stops at layers with a rule of their own, walks through everything else."""

    def is_leaf_module(self, m: nn.Module, qualified_name: str) -> bool:
        return hasattr(m, "homogeneity") or _layer_rule(m) is not None


class _Walk:
    """One pass over the traced graph, node by node, degrees instead of tensors."""

    def __init__(self, module: nn.Module) -> None:
        for name, part in module.named_modules():
            if is_parametrized(part):
                raise NotHomogeneousError(
                    f"module {name or 'itself'!r} computes its weights from other "
                    "parameters (torch parametrization); their degree is not known"
                )
        self.root = nn.Sequential(module)  # so that the module may itself be a leaf
        tracer = _Tracer()
        try:
            self.graph = tracer.trace(self.root)
        except NotHomogeneousError:
            raise
        except Exception as error:
            raise NotHomogeneousError(
                f"{type(module).__name__}.forward cannot be traced by torch.fx "
                f"({error}); give it a method homogeneity(degree) that declares how "
                "it changes the degree"
            ) from error
        # Tracing registers tensors that forward() closes over as constants.
        self.constants = tracer.root

    def run(self) -> Any:
        degrees: dict[fx.Node, Any] = {}
        for node in self.graph.nodes:
            degrees[node] = self._degree(node, degrees)
            if node.op == "output":
                return degrees[node]
        raise NotHomogeneousError("the network returns nothing")

    def _degree(self, node: fx.Node, degrees: dict[fx.Node, Any]) -> Any:
        args, kwargs = fx.node.map_arg(
            (node.args, node.kwargs), lambda n: _Degree(degrees[n])
        )
        if node.op == "placeholder":
            return 0
        if node.op == "output":
            out = args[0]
            return int(out) if isinstance(out, _Degree) else out
        if node.op == "get_attr":
            return _tensor_degree(operator.attrgetter(node.target)(self.constants))
        if node.op == "call_module":
            layer = self.root.get_submodule(node.target)
            where = f"{type(layer).__name__} {node.target.removeprefix('0.')!r}"
            return _call_layer(layer, where, args, kwargs)
        name, rule = _function_rule(node)
        return _as_degree(rule(f"{name}()", *args, **kwargs))


class _Degree(int):
    """A degree that stands where the traced program has a tensor."""


def _as_degree(value: Any) -> Any:
    return int(value) if isinstance(value, int) else value


def _tensor_degree(value: Any) -> int:
    if isinstance(value, nn.Parameter):
        return int(value.requires_grad)
    if isinstance(value, Tensor) and value.requires_grad:
        raise NotHomogeneousError(
            "forward() uses a tensor with requires_grad that is no registered "
            "parameter; register it as torch.nn.Parameter"
        )
    return 0


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
_NORM_LAYERS = (
    nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm,
    nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.LocalResponseNorm,
)  # fmt: skip
_CURVED_LAYERS = (
    nn.Sigmoid, nn.Tanh, nn.Softplus, nn.GELU, nn.SiLU, nn.ELU, nn.SELU, nn.CELU,
    nn.Mish, nn.LogSigmoid, nn.Softsign, nn.Tanhshrink, nn.Softmax, nn.LogSoftmax,
    nn.Hardtanh, nn.ReLU6, nn.Hardsigmoid, nn.Hardswish, nn.Hardshrink, nn.Softshrink,
    nn.Threshold,
)  # fmt: skip


def _layer_rule(layer: nn.Module) -> Callable[..., int] | None:
    for kinds, rule in (
        (_SAME_DEGREE_LAYERS, _same_layer),
        (_WEIGHTED_LAYERS, _weighted),
        (_DROPOUT_LAYERS, _dropout),
        (_NORM_LAYERS, _norm),
        # Hardtanh before its child ReLU6 does not matter: both are refused.
        (_CURVED_LAYERS, _curved_layer),
        ((nn.PReLU,), _prelu),
    ):
        if isinstance(layer, kinds):
            return rule
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
    rule = _layer_rule(layer)
    assert rule is not None, "leaf modules have a rule"
    return rule(layer, where, int(inputs[0]))


def _same_layer(layer: nn.Module, where: str, degree: int) -> int:
    return degree


def _weighted(layer: nn.Module, where: str, degree: int) -> int:
    result = degree + _tensor_degree(layer.weight)
    return result if layer.bias is None else _biased(where, result, layer.bias)


def _biased(where: str, degree: int, bias: Tensor) -> int:
    bias_degree = int(bias) if isinstance(bias, int) else _tensor_degree(bias)
    if bias_degree == degree:
        return degree
    raise NotHomogeneousError(
        f"{where} has a bias past the first layer: it adds the bias, of degree "
        f"{bias_degree} in w, to a product of degree {degree}; drop the bias "
        "(Assumption 1 allows one at the first layer only)"
    )


def _dropout(layer: nn.Module, where: str, degree: int) -> int:
    if layer.training and layer.p > 0:
        raise NotHomogeneousError(
            f"{where} is random in training mode, so Phi(w, x) is not a function; "
            "call .eval() or remove it"
        )
    return degree


def _norm(layer: nn.Module, where: str, degree: int) -> int:
    raise NotHomogeneousError(
        f"{where} normalizes by statistics: the scale of earlier weights is divided "
        "away (up to the added eps) or, with stored statistics, constants are "
        "subtracted from it; neither scales by a power of alpha"
    )


def _prelu(layer: nn.PReLU, where: str, degree: int) -> int:
    if not layer.weight.requires_grad:
        return degree
    raise NotHomogeneousError(
        f"{where} multiplies negative values by a trained slope (degree {degree + 1}) "
        f"and leaves positive ones alone (degree {degree}); freeze the slope"
    )


def _curved_layer(layer: nn.Module, where: str, degree: int) -> int:
    return _curved(where, degree)


def _curved(where: str, degree: int, *_: Any, **__: Any) -> int:
    if degree == 0:
        return 0  # a fixed function of x alone
    raise NotHomogeneousError(
        f"{where} is not a power law: f(alpha^{degree} s) is no power of alpha times "
        "f(s); use relu, leaky relu, or a power of them"
    )


# --- rules for functions and tensor methods -----------------------------------------


def _same(where: str, degree: Any, *_: Any, **__: Any) -> int:
    return degree


def _equal(where: str, a: Any, b: Any, *_: Any, **kwargs: Any) -> int:
    a, b = (
        None if not isinstance(v, _Degree) and v == 0 else int(_operand(v))
        for v in (a, b)
    )
    if a is None or b is None or a == b:  # adding 0 leaves any degree as it is
        return a if b is None else b
    raise NotHomogeneousError(
        f"{where} combines terms of degrees {a} and {b} in w, as a skip connection "
        "past a weighted layer does; a sum is homogeneous only if its terms have "
        "one degree"
    )


def _operand(value: Any) -> int:
    """The degree of a tensor, or 0 for a number."""
    return value if isinstance(value, _Degree) else 0


def _product(where: str, a: Any, b: Any, *_: Any, **__: Any) -> int:
    return _operand(a) + _operand(b)


def _quotient(where: str, a: Any, b: Any, *_: Any, **__: Any) -> int:
    if _operand(b) == 0:
        return _operand(a)
    raise NotHomogeneousError(
        f"{where} divides by a value that depends on w; the quotient is not locally "
        "Lipschitz where that value is 0 (Assumption 1 (i))"
    )


def _power(where: str, base: Any, exponent: Any, *_: Any, **__: Any) -> int:
    if _operand(base) == 0 and not isinstance(exponent, _Degree):
        return 0
    if isinstance(exponent, int) and not isinstance(exponent, _Degree) and exponent > 0:
        return _operand(base) * exponent
    raise NotHomogeneousError(
        f"{where} has exponent {exponent!r}; a power of a value that depends on w "
        "needs a positive integer exponent"
    )


def _square(where: str, degree: Any) -> int:
    return 2 * _operand(degree)


def _join(where: str, parts: Any, *_: Any, **__: Any) -> int:
    result = _Degree(_operand(parts[0]))
    for part in parts[1:]:
        result = _Degree(_equal(where, result, _Degree(_operand(part))))
    return result


def _affine(
    where: str, x: Any, weight: Any, bias: Any = None, *_: Any, **__: Any
) -> int:
    degree = _operand(x) + _operand(weight)
    return degree if bias is None else _biased(where, degree, int(_operand(bias)))


def _functional_dropout(
    where: str, degree: Any, p: float = 0.5, training: bool = True, *_: Any, **__: Any
) -> int:
    if training and p > 0:
        raise NotHomogeneousError(f"{where} is random; call it with training=False")
    return degree


def _shape(where: str, *_: Any, **__: Any) -> int:
    return 0


def _rules() -> dict[Any, Callable[..., Any]]:
    table: dict[Any, Callable[..., Any]] = {}
    for rule, names in {
        _same: "relu leaky_relu flatten reshape view squeeze unsqueeze permute transpose "
        "contiguous sum mean amax amin abs neg negative t clone max_pool1d max_pool2d "
        "max_pool3d avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d "
        "adaptive_avg_pool2d adaptive_max_pool1d adaptive_max_pool2d getitem to double "
        "float pos movedim expand",
        _equal: "add sub subtract maximum minimum iadd isub",
        _product: "mul multiply matmul mm bmm mv dot imul",
        _quotient: "truediv div divide true_divide itruediv",
        _power: "pow",
        _square: "square",
        _join: "cat concat stack",
        _affine: "linear conv1d conv2d conv3d",
        _functional_dropout: "dropout",
        _curved: "sigmoid tanh softplus gelu silu elu exp log logsigmoid softmax "
        "log_softmax sin cos erf hardtanh relu6 selu celu mish sqrt expm1 log1p clamp",
        _shape: "size getattr",
    }.items():
        for name in names.split():
            table[name] = rule
    return table


_RULES = _rules()


def _function_rule(node: fx.Node) -> tuple[str, Callable[..., Any]]:
    name = node.target if isinstance(node.target, str) else node.target.__name__
    name = name.lstrip("_").removesuffix("_")
    rule = _RULES.get(name)
    if rule is None:
        raise NotHomogeneousError(
            f"no rule for the operation {name}(); the walk cannot show that it is "
            "homogeneous. Put it in a module with a method homogeneity(degree)"
        )
    return name, rule
