"""L2_NORMALIZATION: rows of the last axis, each divided by its length."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.access import one_by_one
from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator

_NONE = tflite.ActivationFunctionType.NONE
_MOST_DIMENSIONS = 4
_OUTPUT_BITS = 7  # TFLM writes steps of 1/128 around 0, whatever the output's scale
_INT32_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class L2Normalization:
    """Attributes of L2_NORMALIZATION."""

    activation: int


def _read(options: Any) -> L2Normalization:
    return L2Normalization(options.FusedActivationFunction() if options is not None else _NONE)


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    shared.refuse_not_int8(source, target)
    moving.refuse_other_shape(target, source.shape)
    if not 1 <= len(source.shape) <= _MOST_DIMENSIONS:
        raise RefusedError(
            f"has {source.shape}, TFLM 1 to {_MOST_DIMENSIONS} dimensions", "merge dimensions"
        )
    if operator.attributes.activation != _NONE:
        raise RefusedError("has a fused activation, as TFLM cannot", "use a layer of its own")
    farthest = max(127 - source.zero_point, 128 + source.zero_point)
    if source.shape[-1] * farthest**2 > _INT32_MAX:
        raise RefusedError(
            f"sums {source.shape[-1]} squares, which may overflow", "normalize fewer values at once"
        )


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    source = graph.tensor(operator.inputs[0])
    rows = values[0].reshape(-1, values[0].shape[-1]).astype(np.int64) - source.zero_point
    roots = [fixedpoint.inverse_square_root(int(total)) for total in (rows**2).sum(axis=1)]
    multipliers, shifts = np.array(roots, np.int64).T[:, :, None]
    scaled = fixedpoint.requantize(rows, multipliers, shifts + _OUTPUT_BITS)
    return (np.clip(scaled, -128, 127).astype(np.int8).reshape(values[0].shape),)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    source = graph.tensor(operator.inputs[0])
    length = source.shape[-1]
    assert operator.inputs[0] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"{source.elements // length} vectors of {length} values, each made 1 long",
        kernel="tk_l2_normalization_s8",
        record="tk_l2_normalization_layer",
        fields=(
            ("rows", source.elements // length),
            ("length", length),
            ("in_zero", source.zero_point),
        ),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        access=(one_by_one(source.bytes),),
    )


KIND = OpKind(
    tflite.L2NormOptions,
    _read,
    _check,
    _evaluate,
    _lower,
    f"over the last axis, at most {_MOST_DIMENSIONS} dimensions",
)
