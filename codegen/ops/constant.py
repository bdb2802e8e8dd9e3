"""SHAPE and FILL: constants, which are computed at build time, or one value many times."""

import numpy as np
import tflite

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.codegen.ops.moving import Axis, Copy
from tinykit.core.graph import Graph, Operator


def _check_shape(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    if target.dtype != "int32":
        raise RefusedError(f"makes {target.dtype}, TFLM int32", "ask for int32")
    moving.refuse_other_shape(target, (len(source.shape),))


def _evaluate_shape(graph: Graph, operator: Operator, _values: Arrays) -> Arrays:
    return (np.array(graph.tensor(operator.inputs[0]).shape, np.int32),)


def _check_fill(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    if operator.inputs[1] is None:
        raise RefusedError("has no value", shared.QUANTIZE)
    value, target = graph.tensor(operator.inputs[1]), graph.tensor(operator.outputs[0])
    moving.refuse_unmovable(operator, (value, target), ("int8", "int16", "float32", "int32"))
    if value.shape:
        raise RefusedError(
            f"fills with '{value.name}' of shape {value.shape}", "fill with a scalar"
        )
    if value.data is None and value.dtype == "int16":
        raise RefusedError(f"fills with the int16 tensor '{value.name}'", "fill with a constant")
    moving.refuse_other_shape(target, moving.constants(graph, operator.inputs[0], "shape"))


def _evaluate_fill(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    return (np.broadcast_to(values[1], graph.tensor(operator.outputs[0]).shape),)


def _lower_fill(graph: Graph, operator: Operator, _options: LowerOptions) -> tuple[Layer, ...]:
    """Copy a value that is computed at run time to every place."""
    assert operator.inputs[1] is not None
    elements = graph.tensor(operator.outputs[0]).elements
    copy = Copy(operator.inputs[1], operator.outputs[0], (Axis(elements, 0, 1),))
    return moving.layers(graph, operator, [copy])


SHAPE = OpKind(tflite.ShapeOptions, shared.no_options, _check_shape, _evaluate_shape, lower=None)
FILL = OpKind(
    tflite.FillOptions,
    shared.no_options,
    _check_fill,
    _evaluate_fill,
    _lower_fill,
    "a constant shape, one value",
)
