"""MEAN: the average over neighbouring axes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.access import one_by_one
from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator


@dataclass(frozen=True, slots=True)
class Mean:
    """Attributes of MEAN; the axes are its second input."""

    keep_dims: bool


def _read(options: Any) -> Mean:
    return Mean(bool(options.KeepDims()) if options is not None else False)


def _axes(graph: Graph, operator: Operator) -> tuple[int, ...]:
    rank = len(graph.tensor(operator.inputs[0]).shape)
    axes = moving.constants(graph, operator.inputs[1], "axes")
    return tuple(sorted({moving.positive_axis(axis, rank) for axis in axes}))


def _blocks(graph: Graph, operator: Operator) -> tuple[int, int, int]:
    """See the input as (outer, count, inner) and average over the middle."""
    shape = graph.tensor(operator.inputs[0]).shape
    axes = [axis for axis in _axes(graph, operator) if shape[axis] > 1]
    if not axes:
        return 1, 1, graph.tensor(operator.inputs[0]).elements
    between = [a for a in range(axes[0], axes[-1]) if a not in axes and shape[a] > 1]
    if between:
        raise RefusedError(
            f"averages the axes {axes}, which are not neighbours", "average twice, or transpose"
        )
    first, last = axes[0], axes[-1] + 1
    return (
        int(np.prod(shape[:first], dtype=np.int64)),
        int(np.prod(shape[first:last], dtype=np.int64)),
        int(np.prod(shape[last:], dtype=np.int64)),
    )


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    shared.refuse_not_int8(source, target)
    shared.refuse_large_factors([source.scale / target.scale])
    outer, count, inner = _blocks(graph, operator)
    if outer * inner != target.elements:
        raise RefusedError(f"maps {source.shape} to {target.shape}", shared.QUANTIZE)
    shared.refuse_large_sizes(outer, inner)
    if count > 1 << 16:
        raise RefusedError(f"averages {count} values at once", "average in two steps")


def _multiplier(graph: Graph, operator: Operator, count: int) -> tuple[int, int]:
    """Fold 1 / count into the scale, as tflite::reference_ops::QuantizedMeanOrSum."""
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    multiplier, shift = fixedpoint.quantize_multiplier(source.scale / target.scale)
    up = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << up) // count, shift - up


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    outer, count, inner = _blocks(graph, operator)
    sums = values[0].reshape(outer, count, inner).astype(np.int64).sum(axis=1)
    multiplier, shift = _multiplier(graph, operator, count)
    scaled = fixedpoint.requantize(sums - source.zero_point * count, multiplier, shift)
    result = np.clip(scaled + target.zero_point, -128, 127).astype(np.int8)
    return (result.reshape(target.shape),)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    outer, count, inner = _blocks(graph, operator)
    multiplier, shift = _multiplier(graph, operator, count)
    assert operator.inputs[0] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"mean of {count} values, {outer * inner} times",
        kernel="tk_mean_s8",
        record="tk_mean_layer",
        fields=(
            ("outer", outer),
            ("count", count),
            ("inner", inner),
            ("in_offset", -source.zero_point * count),
            ("out_zero", target.zero_point),
            ("multiplier", multiplier),
            ("shift", shift),
        ),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        access=(one_by_one(source.elements),),
    )


KIND = OpKind(
    options=tflite.ReducerOptions,
    read=_read,
    check=_check,
    evaluate=_evaluate,
    lower=_lower,
    limits="constant axes that are neighbours",
)
