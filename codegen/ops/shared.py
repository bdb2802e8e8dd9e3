"""What several operators have in common: windows, fused activations, output scaling."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

from tinykit.codegen.access import Steps
from tinykit.codegen.layer import Field, RefusedError, Table
from tinykit.codegen.ops.width import INT8, Width, width_of
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator, Tensor

Ints = NDArray[np.int64]
MOST_SIZE = 2**16 - 1
SMALLER = "use a smaller layer, or split it"
QUANTIZE = "quantize the model again: tinykit quantize"

_ACTIVATIONS: dict[int, tuple[str, float | None, float | None]] = {
    tflite.ActivationFunctionType.NONE: ("", None, None),
    tflite.ActivationFunctionType.RELU: ("ReLU", 0.0, None),
    tflite.ActivationFunctionType.RELU_N1_TO_1: ("ReLU -1..1", -1.0, 1.0),
    tflite.ActivationFunctionType.RELU6: ("ReLU6", 0.0, 6.0),
}


def refuse_other_arity(
    operator: Operator, inputs: Sequence[int], outputs: int = 1, absent: Sequence[int] = ()
) -> None:
    """Raise unless the operator has one of these numbers of inputs, and these outputs.

    Only inputs beyond the least number may be absent, and those given.
    """
    if len(operator.inputs) not in inputs or len(operator.outputs) != outputs:
        raise RefusedError(
            f"has {len(operator.inputs)} inputs and {len(operator.outputs)} outputs", QUANTIZE
        )
    for place, number in enumerate(operator.inputs[: min(inputs)]):
        if number is None and place not in absent:
            raise RefusedError(f"lacks its input {place}" if place else "has no input", QUANTIZE)


def refuse_not_int8(*tensors: Tensor) -> None:
    """Raise unless every tensor is int8 with one scale."""
    for tensor in tensors:
        if tensor.dtype != "int8":
            raise RefusedError(f"has the {tensor.dtype} tensor '{tensor.name}'", QUANTIZE)
        if tensor.quantization is None or len(tensor.quantization.scales) != 1:
            raise RefusedError(f"has no single scale for '{tensor.name}'", QUANTIZE)


def refuse_other_scale(source: Tensor, target: Tensor, tolerance: float) -> None:
    """Raise unless the output's scale is its input's, nearly, and its zero point exactly."""
    apart = abs(np.float32(source.scale) - np.float32(target.scale))
    if apart > tolerance or source.zero_point != target.zero_point:
        raise RefusedError("changes the scale, as TFLM cannot", QUANTIZE)


def refuse_other_rank(tensor: Tensor, rank: int) -> None:
    """Raise unless the tensor has this many dimensions, a batch of one first."""
    if len(tensor.shape) != rank:
        raise RefusedError(f"has '{tensor.name}' of shape {tensor.shape}, not {rank}-D", QUANTIZE)
    if tensor.shape[0] != 1:
        raise RefusedError(
            f"has a batch of {tensor.shape[0]}", "give it one sample after the other"
        )


def refuse_unknown_activation(activation: int, output: Tensor) -> None:
    """Raise unless the fused activation is one that TFLM computes in int8."""
    if activation not in _ACTIVATIONS:
        raise RefusedError(
            f"has the fused activation {activation}", "use relu, relu6 or a layer of its own"
        )
    _, low, high = _ACTIVATIONS[activation]
    if max(-(low or 0.0), high or 0.0) / output.scale >= -fixedpoint.INT32_MIN:
        raise RefusedError(f"has the output scale {output.scale:g}, too fine for it", QUANTIZE)


def refuse_large_sizes(*sizes: int) -> None:
    """Raise unless every size fits the 16 bits that the kernels' records have for it."""
    if max(sizes) > MOST_SIZE:
        raise RefusedError(
            f"is {max(sizes)} long in one dimension, the most is {MOST_SIZE}", SMALLER
        )


def refuse_large_factors(factors: Sequence[float], width: Width = INT8) -> None:
    """Raise if a sum would be shifted left by more than it has room for.

    TFLM computes 1 << shift in int there, which C++ leaves undefined; for 64-bit sums it says so.
    """
    for factor in factors:
        if not factor < 2.0**31 or fixedpoint.quantize_multiplier(factor)[1] > width.most_shift:
            most = f"2^{width.most_shift}"
            raise RefusedError(f"rescales by {factor:g}, TFLM by less than {most}", QUANTIZE)


def activation_name(activation: int) -> str:
    """Return the name of a fused activation, empty for none."""
    return _ACTIVATIONS[activation][0]


def activation_range(activation: int, output: Tensor) -> tuple[int, int]:
    """Return the least and the greatest output: CalculateActivationRangeQuantized."""
    _, low, high = _ACTIVATIONS[activation]
    width = width_of(output)
    return (
        width.low if low is None else max(width.low, _quantized(low, output)),
        width.high if high is None else min(width.high, _quantized(high, output)),
    )


def _quantized(real: float, output: Tensor) -> int:
    ratio = np.float32(real) / np.float32(output.scale)
    return output.zero_point + fixedpoint.round_half_away(float(ratio))


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """Hold how accumulators become outputs, one multiplier and shift a scale."""

    width: Width
    multiplier: Ints
    shift: Ints
    zero_point: int
    low: int
    high: int

    def apply(self, accumulators: Ints) -> NDArray[Any]:
        """Scale accumulators whose last axis is the channels."""
        scaled = self.width.requantize(accumulators, self.multiplier, self.shift)
        return np.clip(scaled + self.zero_point, self.low, self.high).astype(self.width.dtype)


def scaling(factors: Sequence[float], output: Tensor, activation: int) -> Scaling:
    """Make the scaling for real factors: input scale * weight scale / output scale."""
    width = width_of(output)
    pairs = [width.pair(factor) for factor in factors]
    low, high = activation_range(activation, output)
    return Scaling(
        width=width,
        multiplier=np.array([multiplier for multiplier, _ in pairs], np.int64),
        shift=np.array([shift for _, shift in pairs], np.int64),
        zero_point=output.zero_point,
        low=low,
        high=high,
    )


def scaling_tables(values: Scaling) -> tuple[Table, ...]:
    """Lay the multipliers and shifts out for the kernel."""
    return (
        Table("multiplier", values.multiplier.astype(values.width.multiplier), "requantization"),
        Table("shift", values.shift.astype(np.int8), "requantization"),
    )


def scaling_fields(values: Scaling, layer: str, channels: int, plain: bool) -> Field:
    """Return the member `out` of a kernel's record; int16 outputs have no zero point."""
    zero: tuple[Field, ...] = ()
    if values.width == INT8:
        zero = (("zero", values.zero_point), ("plain", int(plain)))
    return (
        "out",
        (
            ("channels", channels),
            ("scales", len(values.shift)),
            *zero,
            ("min", values.low),
            ("max", values.high),
            ("multiplier", f"{layer}_multiplier"),
            ("shift", f"{layer}_shift"),
        ),
    )


def refuse_bad_weights(graph: Graph, operator: Operator, channels: int, bias_at: int = 2) -> None:
    """Raise unless weights are constant, int8 and symmetric, and the bias constant and as wide as
    the sums.
    """
    if operator.inputs[1] is None:
        raise RefusedError("has no weights", QUANTIZE)
    weights = graph.tensor(operator.inputs[1])
    if weights.data is None:
        raise RefusedError(f"computes its weights '{weights.name}' at run time", QUANTIZE)
    narrow = weights.dtype == "int4" and width_of(graph.tensor(operator.outputs[0])) == INT8
    if not (narrow or weights.dtype == "int8") or weights.quantization is None:
        raise RefusedError(f"has {weights.dtype} weights '{weights.name}'", QUANTIZE)
    if any(weights.quantization.zero_points):
        raise RefusedError(f"has asymmetric weights '{weights.name}'", QUANTIZE)
    if len(weights.quantization.scales) not in (1, channels):
        scales = len(weights.quantization.scales)
        raise RefusedError(f"has {scales} scales for {channels} channels", QUANTIZE)
    if len(operator.inputs) > bias_at and operator.inputs[bias_at] is not None:
        bias = graph.tensor(operator.inputs[bias_at])
        wanted = width_of(graph.tensor(operator.outputs[0])).bias
        if bias.dtype != wanted or bias.data is None or bias.data.size != channels:
            raise RefusedError(
                f"has the {bias.dtype} bias '{bias.name}' of shape {bias.shape}", QUANTIZE
            )


def refuse_narrow_sums(graph: Graph, operator: Operator, bias_type: int) -> None:
    """Raise where TFLM takes int16 sums in 32 bits: without a bias whose type is given as int32."""
    absent = operator.inputs[2:] in ((), (None,))
    wide = graph.tensor(operator.outputs[0]).dtype == "int16"
    if wide and absent and bias_type == tflite.TensorType.INT32:
        raise RefusedError(
            "has int16 activations and sums of 32 bits, which TFLM rounds otherwise",
            "convert it with an int64 bias type, the converter's default for int16",
        )


def bias_values(graph: Graph, operator: Operator, channels: int, bias_at: int = 2) -> Ints:
    """Return the bias, zeros where it is absent."""
    if len(operator.inputs) <= bias_at or operator.inputs[bias_at] is None:
        return np.zeros(channels, np.int64)
    data = graph.tensor(operator.inputs[bias_at]).data
    assert data is not None
    return data.astype(np.int64).ravel()


def weight_values(graph: Graph, operator: Operator) -> Ints:
    """Return the constant weights."""
    data = graph.tensor(operator.inputs[1]).data
    assert data is not None
    return data.astype(np.int64)


def refuse_overflow(rows: Ints, bias: Ints, width: Width = INT8) -> None:
    """Raise if some input could drive an accumulator farther than TFLM can compute.

    Args:
        rows: weights, (channels, taps).
        bias: (channels,).
        width: of the inputs.
    """
    # a folded bias and every partial sum stay below the same bound
    worst = np.abs(rows).sum(axis=1) * width.reach + np.abs(bias.astype(np.float64))
    if rows.size and int(worst.max()) > width.most_sum:
        raise RefusedError(
            f"can reach {int(worst.max())} in its {width.bias} sums",
            "use fewer inputs to this layer",
        )


def channel_factors(graph: Graph, operator: Operator, input_at: int = 0) -> list[float]:
    """Return the factors of a product, one a weight scale, in double precision.

    As tflite::PopulateConvolutionQuantizationParams; TFLM before 2026-10 rounds the product of the
    scales to single precision in FULLY_CONNECTED.
    """
    source, weights = graph.tensor(operator.inputs[input_at]), graph.tensor(operator.inputs[1])
    assert weights.quantization is not None
    target = graph.tensor(operator.outputs[0])
    return [source.scale * scale / target.scale for scale in weights.quantization.scales]


@dataclass(frozen=True, slots=True)
class Window:
    """Hold the geometry of a window that slides over an image; sizes are (height, width)."""

    image: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pad: tuple[int, int]
    output: tuple[int, int]

    def steps(self, channels: int, written: int) -> Steps:
        """Return what each output position reads of an image; each writes `written` bytes."""
        first, last = [], []
        for axis in range(2):
            taps = positions(self, axis)
            inside = (taps >= 0) & (taps < self.image[axis])
            first.append(np.where(inside, taps, self.image[axis] - 1).min(axis=1))
            last.append(np.where(inside, taps, 0).max(axis=1))
        low = first[0][:, None] * self.image[1] + first[1][None, :]
        high = last[0][:, None] * self.image[1] + last[1][None, :] + 1
        return Steps(low.ravel() * channels, high.ravel() * channels, written)

    def stays_inside(self, axis: int) -> bool:
        """Tell whether no tap lies outside of the image, along one axis."""
        taps = positions(self, axis)
        return bool(taps.min() >= 0 and taps.max() < self.image[axis])

    def field(self, channels: int) -> Field:
        """Return the member `window` of a kernel's record."""
        names = ("in", "kernel", "stride", "dilation", "pad", "out")
        sizes = (self.image, self.kernel, self.stride, self.dilation, self.pad, self.output)
        members: list[Field] = []
        for name, (height, width) in zip(names, sizes, strict=True):
            members += [(f"{name}_height", height), (f"{name}_width", width)]
        return ("window", (*members, ("channels", channels), ("backward", 0)))


@dataclass(frozen=True, slots=True)
class Pads:
    """Hold the padding of a window that takes the place of a PAD; pairs are (height, width).

    Attributes:
        before, behind: how far the PAD reached.
        padding: that of the window upon the padded image, SAME or VALID.
    """

    before: tuple[int, int]
    behind: tuple[int, int]
    padding: int


def window(
    source: Tensor,
    target: Tensor,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: int | Pads,
) -> Window:
    """Work out padding as tflite::ComputePaddingHeightWidth does, and prove the output's size."""
    if isinstance(padding, Pads):
        height, width = (
            source.shape[1 + i] + padding.before[i] + padding.behind[i] for i in range(2)
        )
        padded = replace(source, shape=(source.shape[0], height, width, source.shape[3]))
        view = window(padded, target, kernel, stride, dilation, padding.padding)
        pad = (view.pad[0] + padding.before[0], view.pad[1] + padding.before[1])
        refuse_large_sizes(*pad)
        return replace(view, image=(source.shape[1], source.shape[2]), pad=pad)
    image, output = source.shape[1:3], target.shape[1:3]
    channels = source.shape[3]
    refuse_large_sizes(channels * kernel[0] * kernel[1], target.shape[3])
    refuse_large_sizes(channels * np.dtype(source.dtype).itemsize)
    if min(*kernel, *stride, *dilation) < 1:
        raise RefusedError(f"has kernel {kernel}, stride {stride}, dilation {dilation}", QUANTIZE)
    if padding not in (tflite.Padding.SAME, tflite.Padding.VALID):
        raise RefusedError(f"has the padding {padding}", "use 'same' or 'valid'")
    pads = []
    for i in range(2):
        reach = (kernel[i] - 1) * dilation[i] + 1
        refuse_large_sizes(image[i], output[i], reach, stride[i], dilation[i])
        same = padding == tflite.Padding.SAME
        expected = -(-image[i] // stride[i]) if same else -(-(image[i] - reach + 1) // stride[i])
        if expected != output[i]:
            raise RefusedError(
                f"has an output of {output}, not {expected} on axis {i + 1}", QUANTIZE
            )
        pads.append(max(0, ((output[i] - 1) * stride[i] + reach - image[i]) // 2))
    return Window(
        (image[0], image[1]), kernel, stride, dilation, (pads[0], pads[1]), (output[0], output[1])
    )


def columns(values: Ints, view: Window, outside: int) -> Ints:
    """Gather the window of each output position.

    Args:
        values: (1, height, width, channels).
        view: the geometry.
        outside: what a tap outside of the image reads.

    Returns:
        (out_height, out_width, kernel_height, kernel_width, channels).
    """
    rows = positions(view, 0)
    cols = positions(view, 1)
    inside = (rows >= 0) & (rows < view.image[0])
    inside_cols = (cols >= 0) & (cols < view.image[1])
    clipped = values[0][np.clip(rows, 0, view.image[0] - 1)][
        :, :, np.clip(cols, 0, view.image[1] - 1)
    ]
    mask = inside[:, :, None, None] & inside_cols[None, None]
    gathered = np.where(mask[..., None], clipped, outside)
    return gathered.transpose(0, 2, 1, 3, 4)


def positions(view: Window, axis: int) -> Ints:
    """Return the image position of each tap, (outputs, kernel); some may lie outside."""
    starts = np.arange(view.output[axis]) * view.stride[axis] - view.pad[axis]
    taps = np.arange(view.kernel[axis]) * view.dilation[axis]
    return np.asarray(starts[:, None] + taps[None, :], np.int64)


def no_options(_options: Any) -> None:
    """Read an operator that has no attributes."""
