"""RESHAPE, SQUEEZE and EXPAND_DIMS: the same bytes seen with another shape, at no cost."""

from dataclasses import dataclass
from typing import Any

import tflite

from tinykit.codegen.layer import Arrays, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.core.graph import Graph, Operator


@dataclass(frozen=True, slots=True)
class Squeeze:
    """Attributes of SQUEEZE: the axes that go, all of length 1 if there are none."""

    axes: tuple[int, ...]


def _read_squeeze(options: Any) -> Squeeze:
    if options is None:
        return Squeeze(())
    return Squeeze(tuple(int(options.SqueezeDims(i)) for i in range(options.SqueezeDimsLength())))


def _check_reshape(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1, 2))
    _refuse_other_bytes(graph, operator)


def _refuse_other_bytes(graph: Graph, operator: Operator) -> None:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    if source.elements != target.elements or source.dtype != target.dtype:
        raise RefusedError(
            f"makes {target.dtype} {target.shape} of {source.dtype} {source.shape}",
            shared.QUANTIZE,
        )


def _check_squeeze(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1,))
    _refuse_other_bytes(graph, operator)
    attributes: Squeeze = operator.attributes
    shape = graph.tensor(operator.inputs[0]).shape
    gone = {moving.positive_axis(axis, len(shape)) for axis in attributes.axes}
    if any(shape[axis] != 1 for axis in gone):
        raise RefusedError(f"squeezes the axes {sorted(gone)} of {shape}", shared.QUANTIZE)
    gone = gone or {axis for axis, length in enumerate(shape) if length == 1}
    kept = [length for axis, length in enumerate(shape) if axis not in gone]
    moving.refuse_other_shape(graph.tensor(operator.outputs[0]), kept)


def _check_expand(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    _refuse_other_bytes(graph, operator)
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    moving.refuse_unmovable(operator, (source, target), ("int8", "int16", "float32"))
    axes = moving.constants(graph, operator.inputs[1], "axis")
    if len(axes) != 1 or len(graph.tensor(operator.inputs[1]).shape) > 1:
        raise RefusedError(f"expands the axes {axes} at once", "expand one axis after the other")
    shape = list(source.shape)
    shape.insert(moving.positive_axis(axes[0], len(shape) + 1), 1)
    moving.refuse_other_shape(target, shape)


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    return (values[0].reshape(graph.tensor(operator.outputs[0]).shape),)


_LIMITS = "int16 too"
RESHAPE = OpKind(tflite.ReshapeOptions, shared.no_options, _check_reshape, _evaluate, None, _LIMITS)
SQUEEZE = OpKind(tflite.SqueezeOptions, _read_squeeze, _check_squeeze, _evaluate, None, _LIMITS)
EXPAND_DIMS = OpKind(
    tflite.ExpandDimsOptions,
    shared.no_options,
    _check_expand,
    _evaluate,
    None,
    "a constant axis; int16 too",
)
