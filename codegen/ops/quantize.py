"""QUANTIZE and DEQUANTIZE: between float32 and integers, and from one scale to another."""

import numpy as np

from tinykit.codegen.access import Access, converted, one_by_one
from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import shared
from tinykit.codegen.ops.width import refuse_other_activations
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator, Tensor

_WAY_OUT = "quantize the whole network to int8: tinykit quantize"


def _check_quantize(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    if (source.dtype, target.dtype) not in (*_FROM_FLOAT, *_REQUANTIZE):
        raise RefusedError(f"quantizes {source.dtype} to {target.dtype}", _WAY_OUT)
    _refuse_unscaled(target)
    if source.dtype != "float32":
        _refuse_unscaled(source)
        shared.refuse_large_factors([source.scale / target.scale])
    _refuse_other_size(source, target)


def _check_dequantize(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    if source.dtype not in _TO_FLOAT or target.dtype != "float32":
        raise RefusedError(f"makes {target.dtype} of {source.dtype}", _WAY_OUT)
    _refuse_unscaled(source)
    _refuse_other_size(source, target)


def _refuse_unscaled(tensor: Tensor) -> None:
    if tensor.dtype != "uint8":
        refuse_other_activations(tensor)
    elif tensor.quantization is None or len(tensor.quantization.scales) != 1:
        raise RefusedError(f"has no single scale for '{tensor.name}'", _WAY_OUT)


def _refuse_other_size(source: Tensor, target: Tensor) -> None:
    if source.elements != target.elements:
        raise RefusedError(f"maps {source.shape} to {target.shape}", _WAY_OUT)


def _evaluate_quantize(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    if source.dtype != "float32":
        centred = values[0].astype(np.int64) - source.zero_point
        pair = fixedpoint.quantize_multiplier(source.scale / target.scale)
        result = fixedpoint.requantize(centred, *pair) + target.zero_point
    else:
        with np.errstate(over="ignore"):
            ratio = (values[0] / np.float32(target.scale)).astype(np.float32)
        ratio = np.where(np.isnan(ratio), -np.inf, ratio)  # as the kernel's comparisons have it
        # far outside of int16 the exact value does not matter, but must stay an int64
        nearest = np.trunc(np.clip(ratio, -1e6, 1e6).astype(np.float64) * 2 + np.sign(ratio)) / 2
        result = np.trunc(nearest).astype(np.int64) + target.zero_point
    limits = np.iinfo(target.dtype)
    clipped = np.clip(result, limits.min, limits.max).astype(target.dtype)
    return (clipped.reshape(target.shape),)


def _evaluate_dequantize(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    # a float32 times a 17-bit integer is exact in double: one rounding, as on the board
    real = (values[0].astype(np.float64) - source.zero_point) * source.scale
    return (real.astype(np.float32).reshape(target.shape),)


def _lower_quantize(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    if source.dtype == "float32":
        kernel = _FROM_FLOAT[source.dtype, target.dtype]
        return _float_layer(operator, target, target, f"float32 to {target.dtype}", kernel)
    multiplier, shift = fixedpoint.quantize_multiplier(source.scale / target.scale)
    assert operator.inputs[0] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"{source.elements} values to another scale",
        kernel=_REQUANTIZE[source.dtype, target.dtype],
        record="tk_requantize_layer",
        fields=(
            ("count", source.elements),
            ("in_zero", _zero(source)),
            ("out_zero", _zero(target)),
            ("shift", shift),
            ("multiplier", multiplier),
        ),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        access=(_access(source, target),),
    )


_REQUANTIZE = {
    ("int8", "int8"): "tk_requantize_s8",
    ("int8", "int16"): "tk_requantize_s8_s16",
    ("int16", "int8"): "tk_requantize_s16_s8",
    ("int16", "int16"): "tk_requantize_s16",
    ("uint8", "int8"): "tk_requantize_u8_s8",
    ("int8", "uint8"): "tk_requantize_s8_u8",
}
_FROM_FLOAT = {
    ("float32", "int8"): "tk_quantize_f32_s8",
    ("float32", "int16"): "tk_quantize_f32_s16",
}
_TO_FLOAT = {
    "int8": "tk_dequantize_s8_f32",
    "int16": "tk_dequantize_s16_f32",
    "uint8": "tk_dequantize_u8_f32",
}


def _zero(tensor: Tensor) -> int:
    """Return the zero point for a kernel, which takes a uint8 for the int8 that is 128 less."""
    return tensor.zero_point - (128 if tensor.dtype == "uint8" else 0)


def _access(source: Tensor, target: Tensor) -> Access:
    read, written = np.dtype(source.dtype).itemsize, np.dtype(target.dtype).itemsize
    if read == written:
        return one_by_one(source.bytes)
    return converted(source.elements, read, written)


def _lower_dequantize(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    kernel = _TO_FLOAT[source.dtype]
    return _float_layer(operator, source, target, f"{source.dtype} to float32", kernel)


def _float_layer(
    operator: Operator, quantized: Tensor, target: Tensor, what: str, kernel: str
) -> Layer:
    assert operator.inputs[0] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"{target.elements} values from {what}",
        kernel=kernel,
        record="tk_scale_layer",
        fields=(
            ("count", target.elements),
            ("zero", _zero(quantized)),
            ("scale", f"{quantized.scale.hex()}f"),
        ),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
    )


QUANTIZE = OpKind(
    None,
    shared.no_options,
    _check_quantize,
    _evaluate_quantize,
    _lower_quantize,
    "float32, int8 or int16 to int8 or int16; between uint8 and int8",
)
DEQUANTIZE = OpKind(
    None,
    shared.no_options,
    _check_dequantize,
    _evaluate_dequantize,
    _lower_dequantize,
    "int8, int16 or uint8 to float32",
)
