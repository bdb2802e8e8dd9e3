"""SHAPE and FILL: constants, which are computed at build time."""

import numpy as np
import tflite

from tinykit.codegen.layer import Arrays, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
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
    if value.data is None or value.shape:
        raise RefusedError(f"fills with '{value.name}'", "fill with one constant value")
    moving.refuse_other_shape(target, moving.constants(graph, operator.inputs[0], "shape"))


def _evaluate_fill(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    return (np.broadcast_to(values[1], graph.tensor(operator.outputs[0]).shape),)


SHAPE = OpKind(tflite.ShapeOptions, shared.no_options, _check_shape, _evaluate_shape, lower=None)
FILL = OpKind(
    tflite.FillOptions,
    shared.no_options,
    _check_fill,
    _evaluate_fill,
    None,
    "a constant shape and value",
)
