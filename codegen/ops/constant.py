"""SHAPE, BROADCAST_ARGS, ZEROS_LIKE and FILL: known at build time, or one value many times."""

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


def _check_args(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    shapes = [moving.constants(graph, number, "shapes") for number in operator.inputs]
    target = graph.tensor(operator.outputs[0])
    if target.dtype != "int32":
        raise RefusedError(f"makes {target.dtype} of int32", "use int32")
    if any(len(graph.tensor(number).shape) != 1 for number in operator.inputs):
        raise RefusedError("takes shapes that are no vectors", shared.QUANTIZE)
    moving.refuse_other_shape(target, (max(map(len, shapes)),))
    padded = np.array([_padded(shape, target.elements) for shape in shapes])
    if not np.all((padded == 1).any(axis=0) | (padded[0] == padded[1])):
        raise RefusedError(
            f"repeats {shapes[0]} over {shapes[1]}", "use shapes that broadcast as in NumPy"
        )


def _padded(shape: list[int], rank: int) -> list[int]:
    return [1] * (rank - len(shape)) + shape


def _evaluate_args(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    rank = graph.tensor(operator.outputs[0]).elements
    left, right = (np.array(_padded(value.tolist(), rank), np.int32) for value in values)
    return (np.where(left == 1, right, left),)


def _check_zeros(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    dtypes = ("int8", "int32", "int64", "float32")
    moving.refuse_unmovable(operator, (source, target), dtypes)
    moving.refuse_other_shape(target, source.shape)


def _evaluate_zeros(graph: Graph, operator: Operator, _values: Arrays) -> Arrays:
    target = graph.tensor(operator.outputs[0])
    return (np.zeros(target.shape, target.dtype),)


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
BROADCAST_ARGS = OpKind(
    None, shared.no_options, _check_args, _evaluate_args, None, "constant int32 shapes"
)
ZEROS_LIKE = OpKind(tflite.ZerosLikeOptions, shared.no_options, _check_zeros, _evaluate_zeros, None)
FILL = OpKind(
    tflite.FillOptions,
    shared.no_options,
    _check_fill,
    _evaluate_fill,
    _lower_fill,
    "a constant shape, one value",
)
