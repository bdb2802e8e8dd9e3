"""ARG_MAX and ARG_MIN: the first place of the greatest or the least value along an axis."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.core.graph import Graph, Operator


@dataclass(frozen=True, slots=True)
class Place:
    """Attributes of both: the type of the answers, as the schema numbers it."""

    output_type: int


def _read(options: Any) -> Place:
    return Place(options.OutputType() if options is not None else tflite.TensorType.INT32)


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    shared.refuse_not_int8(source)
    if target.dtype != "int32" or operator.attributes.output_type != tflite.TensorType.INT32:
        raise RefusedError(f"makes {target.dtype} of int8, TFLM int32", "ask for int32")
    axis = _axis(graph, operator)
    moving.refuse_other_shape(target, [*source.shape[:axis], *source.shape[axis + 1 :]])


def _axis(graph: Graph, operator: Operator) -> int:
    axes = moving.constants(graph, operator.inputs[1], "axis")
    if len(axes) != 1:
        raise RefusedError(f"searches the axes {axes}", "search one axis")
    return moving.positive_axis(axes[0], len(graph.tensor(operator.inputs[0]).shape))


def _found(graph: Graph, operator: Operator, places: NDArray[Any]) -> Arrays:
    return (places.astype(np.int32).reshape(graph.tensor(operator.outputs[0]).shape),)


def _evaluate_max(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    return _found(graph, operator, np.asarray(np.argmax(values[0], _axis(graph, operator))))


def _evaluate_min(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    return _found(graph, operator, np.asarray(np.argmin(values[0], _axis(graph, operator))))


def _lower_max(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    return _layer(graph, operator, 0)


def _lower_min(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    return _layer(graph, operator, -1)


def _layer(graph: Graph, operator: Operator, flip: int) -> Layer:
    shape, axis = graph.tensor(operator.inputs[0]).shape, _axis(graph, operator)
    outer, inner = (
        int(np.prod(part, dtype=np.int64)) for part in (shape[:axis], shape[axis + 1 :])
    )
    assert operator.inputs[0] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"place among {shape[axis]} values, {outer * inner} times",
        kernel="tk_place_s8",
        record="tk_place_layer",
        fields=(("outer", outer), ("count", shape[axis]), ("inner", inner), ("flip", flip)),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
    )


_LIMITS = "a constant axis, int32 output"
ARG_MAX = OpKind(tflite.ArgMaxOptions, _read, _check, _evaluate_max, _lower_max, _LIMITS)
ARG_MIN = OpKind(tflite.ArgMinOptions, _read, _check, _evaluate_min, _lower_min, _LIMITS)
