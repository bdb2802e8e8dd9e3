"""CAST: numbers of one type as numbers of another, whatever their scales."""

import numpy as np
import tflite
from numpy.typing import NDArray

from tinykit.codegen.access import converted
from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import shared
from tinykit.core.graph import QUANTIZED_RANGE, Graph, Operator

_SUFFIXES = {"bool": "bool", "int8": "s8", "int16": "s16", "int32": "s32", "float32": "f32"}
_LIMITS = {name: QUANTIZED_RANGE[name] for name in ("int8", "int16", "int32")}


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    for tensor in (source, target):
        if tensor.dtype not in _SUFFIXES:
            raise RefusedError(
                f"has the {tensor.dtype} tensor '{tensor.name}', which TFLM cannot convert",
                f"use one of {', '.join(sorted(_SUFFIXES))}",
            )
    if source.shape != target.shape:
        raise RefusedError(f"maps {source.shape} to {target.shape}", shared.QUANTIZE)


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    source, target = values[0], graph.tensor(operator.outputs[0])
    if source.dtype == np.float32 and target.dtype in _LIMITS:
        return (_saturated(source, *_LIMITS[target.dtype]).astype(target.dtype),)
    return (source.astype(target.dtype),)


def _saturated(values: NDArray[np.float32], low: int, high: int) -> NDArray[np.int64]:
    whole = np.trunc(np.where(np.isnan(values), 0, values).astype(np.float64))
    return np.asarray(np.clip(whole, low, high), np.int64)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer | tuple[Layer, ...]:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    if source.dtype == target.dtype or (source.dtype, target.dtype) == ("bool", "int8"):
        return ()
    suffix = "s8" if source.dtype == "bool" else _SUFFIXES[source.dtype]
    assert operator.inputs[0] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"{source.elements} values from {source.dtype} to {target.dtype}",
        kernel=f"tk_cast_{suffix}_{_SUFFIXES[target.dtype]}",
        record="tk_values_layer",
        fields=(("count", source.elements),),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        access=(
            converted(
                source.elements,
                np.dtype(source.dtype).itemsize,
                np.dtype(target.dtype).itemsize,
            ),
        ),
    )


CAST = OpKind(
    tflite.CastOptions,
    shared.no_options,
    _check,
    _evaluate,
    _lower,
    "between bool, int8, int16, int32 and float32",
)
