"""Operators of two float32 or two int32 values, which have no scales."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

from tinykit.codegen.layer import Arrays, Field, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import broadcast, shared
from tinykit.codegen.ops.binary import Fused
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator, Tensor

Values = NDArray[Any]
_MOST_F32 = float(np.finfo(np.float32).max)

# As tflite::CalculateActivationRange: without an activation, too, infinity becomes finite.
_RANGES: dict[int, tuple[float | None, float | None]] = {
    tflite.ActivationFunctionType.NONE: (None, None),
    tflite.ActivationFunctionType.RELU: (0.0, None),
    tflite.ActivationFunctionType.RELU_N1_TO_1: (-1.0, 1.0),
    tflite.ActivationFunctionType.RELU6: (0.0, 6.0),
}


@dataclass(frozen=True, slots=True)
class _Function:
    """Hold what differs between the operators.

    Attributes:
        what: its name for a person.
        kernel: the C function without its suffix.
        compute: the answers, in float32, or exact in int64 for integers.
        clipped: it has a fused activation.
        obeyed: TFLM looks at that activation in int32.
        scaled: TFLM takes int32 tensors that have scales, and ignores these.
        most_rank: dimensions that TFLM walks through.
    """

    what: str
    kernel: str
    compute: Callable[[Values, Values], Values]
    clipped: bool = True
    obeyed: bool = True
    scaled: bool = False
    most_rank: int = 6


def _tensors(graph: Graph, operator: Operator) -> tuple[Tensor, Tensor, Tensor]:
    left, right = graph.tensor(operator.inputs[0]), graph.tensor(operator.inputs[1])
    return left, right, graph.tensor(operator.outputs[0])


def _check(function: _Function, graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    if operator.inputs[1] is None:
        raise RefusedError("has one input", shared.QUANTIZE)
    tensors = _tensors(graph, operator)
    for tensor in tensors:
        if tensor.dtype != tensors[0].dtype:
            raise RefusedError(
                f"has the {tensor.dtype} tensor '{tensor.name}' beside {tensors[0].dtype}",
                shared.QUANTIZE,
            )
        if tensor.dtype == "int32" and tensor.quantization is not None and not function.scaled:
            raise RefusedError(f"has a scale for the int32 tensor '{tensor.name}'", shared.QUANTIZE)
    if operator.attributes.activation not in _RANGES:
        raise RefusedError(
            f"has the fused activation {operator.attributes.activation}",
            "use relu, relu6 or a layer of its own",
        )
    if len(tensors[2].shape) > function.most_rank:
        raise RefusedError(
            f"has {tensors[2].shape}, more than {function.most_rank} dimensions", "merge dimensions"
        )
    broadcast.broadcast(*tensors)


def _range(function: _Function, operator: Operator, dtype: str) -> tuple[float, float]:
    least, most = -_MOST_F32, _MOST_F32
    activation = operator.attributes.activation
    if dtype == "int32":
        least, most = fixedpoint.INT32_MIN, fixedpoint.INT32_MAX
        activation = activation if function.obeyed else tflite.ActivationFunctionType.NONE
    low, high = _RANGES[activation]
    return least if low is None else low, most if high is None else high


def _evaluate(function: _Function, graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    target = graph.tensor(operator.outputs[0])
    wide = np.int64 if target.dtype == "int32" else np.float32
    a, b = (value.astype(wide) for value in values)
    with np.errstate(all="ignore"):
        found = np.asarray(function.compute(a, b))
    if target.dtype == "int32":
        found = fixedpoint.wrap32(found)
    if function.clipped:  # comparisons that let NaN and -0.0 through, as TFLM's do
        low, high = (wide(bound) for bound in _range(function, operator, target.dtype))
        found = np.where(found < low, low, found)
        found = np.where(high < found, high, found)
    return (found.astype(target.dtype).reshape(target.shape),)


def _lower(function: _Function, graph: Graph, operator: Operator) -> Layer:
    left, right, target = _tensors(graph, operator)
    suffix = "s32" if target.dtype == "int32" else "f32"
    walk = broadcast.broadcast(left, right, target)
    first, second = operator.inputs
    assert first is not None and second is not None
    record, fields = "tk_broadcast", walk.members(operator.name)
    if function.clipped:
        record = f"tk_pair_{suffix}_layer"
        fields = (walk.field(operator.name), *_bounds(function, operator, target.dtype))
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"{function.what} of {left.elements} and {right.elements} {target.dtype} values",
        kernel=f"{function.kernel}_{suffix}",
        record=record,
        fields=fields,
        inputs=(first, second),
        outputs=operator.outputs,
        tables=walk.tables(),
        access=broadcast.access(left, right, target),
    )


def _bounds(function: _Function, operator: Operator, dtype: str) -> tuple[Field, ...]:
    low, high = _range(function, operator, dtype)
    if dtype == "float32":
        return ("min", f"{low.hex()}f"), ("max", f"{high.hex()}f")
    least = "INT32_MIN" if low == fixedpoint.INT32_MIN else int(low)
    return ("min", least), ("max", int(high))


def _read_fused(options: Any) -> Fused:
    return Fused(options.FusedActivationFunction()) if options is not None else Fused()


def _read_nothing(_options: Any) -> Fused:
    return Fused()


def _kind(function: _Function, options: Callable[[], Any] | None = None) -> OpKind:
    def check(graph: Graph, operator: Operator) -> None:
        _check(function, graph, operator)

    def evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
        return _evaluate(function, graph, operator, values)

    def lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
        return _lower(function, graph, operator)

    read = _read_fused if options is not None else _read_nothing
    return OpKind(options, read, check, evaluate, lower, "float32 or int32, at most 6 dimensions")


def _add(a: Values, b: Values) -> Values:
    return a + b


def _subtract(a: Values, b: Values) -> Values:
    return a - b


def _multiply(a: Values, b: Values) -> Values:
    return a * b


def _divide(a: Values, b: Values) -> Values:
    if a.dtype == np.float32:
        return np.asarray(a / b)
    # towards zero as in C; by 0, where TFLM crashes, 0
    size = np.abs(a) // np.where(b == 0, 1, np.abs(b))
    return np.asarray(np.where(b == 0, 0, size * np.sign(a) * np.sign(b)))


def _squared_difference(a: Values, b: Values) -> Values:
    difference = a - b
    if a.dtype == np.int64:
        difference = fixedpoint.wrap32(difference)  # its square then fits an int64
    return np.asarray(difference * difference)


def _maximum(a: Values, b: Values) -> Values:
    return np.where(a > b, a, b)


def _minimum(a: Values, b: Values) -> Values:
    return np.where(a < b, a, b)


def _prelu(a: Values, b: Values) -> Values:
    return np.where(a >= 0, a, a * b)


ADD = _kind(_Function("sum", "tk_add", _add, obeyed=False), tflite.AddOptions)
SUB = _kind(_Function("difference", "tk_subtract", _subtract), tflite.SubOptions)
MUL = _kind(_Function("product", "tk_multiply", _multiply, scaled=True), tflite.MulOptions)
_QUOTIENT = _Function("quotient", "tk_divide", _divide)


def _check_quotient(graph: Graph, operator: Operator) -> None:
    _check(_QUOTIENT, graph, operator)
    _, right, target = _tensors(graph, operator)
    if target.dtype == "int32" and right.data is not None and not right.data.all():
        raise RefusedError(f"divides by the zeros of '{right.name}'", "leave zeros out")


DIV = replace(_kind(_QUOTIENT, tflite.DivOptions), check=_check_quotient)
SQUARED_DIFFERENCE = _kind(
    _Function(
        "squared difference",
        "tk_squared_difference",
        _squared_difference,
        clipped=False,
        scaled=True,
    )
)
MAXIMUM = _kind(_Function("maximum", "tk_maximum", _maximum, clipped=False, scaled=True))
MINIMUM = _kind(_Function("minimum", "tk_minimum", _minimum, clipped=False, scaled=True))
PRELU = _kind(_Function("ReLU with slopes,", "tk_prelu", _prelu, clipped=False, most_rank=4))
