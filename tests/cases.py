"""Hypothesis strategies of models of one operator each."""

from dataclasses import dataclass, replace

import flat
import logic
import moves
import numpy as np
import streams
import tflite
import wides
from draft import SAMPLES, Array, Draft
from flat import FlatModel, FlatOperator, FlatTensor
from hypothesis import assume
from hypothesis import strategies as st
from numpy.typing import NDArray

from tinykit.codegen.layer import LowerOptions

Draw = st.DrawFn
_ACTIVATIONS = (flat.NONE, flat.NONE, flat.RELU, flat.RELU6, flat.RELU_N1_TO_1)

_PAIRS = ("ADD", "MAXIMUM", "MINIMUM", "MUL", "PRELU", "SQUARED_DIFFERENCE", "SUB")
_CURVE_SCALES = {  # of the input, from nearly linear to a step
    "ABS": (2.0**-9, 2.0**-2),
    "ELU": (2.0**-9, 2.0**-2),
    "HARD_SWISH": (2.0**-7, 2.0**-3),
    "LEAKY_RELU": (2.0**-9, 2.0**-2),
    "LOGISTIC": (2.0**-9, 2.0**-2),
    "RELU": (2.0**-9, 2.0**-2),
    "RELU6": (2.0**-6, 2.0**-3),
    "TANH": (2.0**-9, 2.0**-2),
}


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Hold a model, inputs for it, and how it is compiled."""

    kind: str
    model: FlatModel
    inputs: tuple[Array, ...]
    options: LowerOptions
    keep_input: bool

    def __repr__(self) -> str:
        """Show what a person needs to see why it failed."""
        shapes = [
            f"{t.name}{t.shape}:{t.dtype}"
            + (
                f" scale {t.scales[0]!r} of {len(t.scales)} zero {t.zero_points[0]}"
                if t.scales
                else ""
            )
            for t in self.model.tensors
        ]
        return f"{self.options}\n  " + "\n  ".join([*shapes, *map(str, self.model.operators)])


def _case(draw: Draw, kind: str, draft: Draft, outputs: tuple[int, ...]) -> Case:
    options = LowerOptions(
        optimize=draw(st.sampled_from(("size", "balanced", "speed"))),
        encoding=draw(st.sampled_from(("auto", "auto", "dense"))),
        dsp=draw(st.booleans()),
    )
    inputs = tuple(draft.values[n] for n in draft.inputs)
    return Case(kind, draft.model(outputs), inputs, options, draw(st.booleans()))


def _draft(draw: Draw, weights: str = "int8") -> Draft:
    return Draft(np.random.default_rng(draw(st.integers(0, 2**32 - 1))), weights=weights)


def _scale(draft: Draft, low: float = 2.0**-9, high: float = 2.0**-2) -> float:
    """Draw a scale, sometimes a power of two, which is where roundings meet their halves."""
    exponent = draft.rng.uniform(np.log2(low), np.log2(high))
    if draft.rng.integers(4) == 0:
        exponent = np.round(exponent)
    return float(np.float32(2.0**exponent))


def _zero_point(draw: Draw) -> int:
    return draw(st.one_of(st.sampled_from((-128, 0, 127)), st.integers(-128, 127)))


def _input(draw: Draw, draft: Draft, shape: tuple[int, ...]) -> int:
    return draft.input(shape, _scale(draft), _zero_point(draw))


def _weights(
    draw: Draw, draft: Draft, shape: tuple[int, ...], axis: int, per_channel: bool
) -> FlatTensor:
    """Draw weights: dense, sparse, with dead channels, all zero, or all at the ends."""
    rng = draft.rng
    low, high = (-128, 127) if draft.weights == "int8" else (-8, 7)
    data = rng.integers(low + 1, high + 1, shape).astype(np.int8)
    style = draw(st.sampled_from(("dense", "sparse", "very sparse", "dead", "ends", "zero")))
    if style in ("sparse", "very sparse", "dead"):
        share = {"sparse": 0.5, "very sparse": 0.93, "dead": 0.8}[style]
        data[rng.random(shape) < share] = 0
    if style == "dead":
        dead = rng.random(shape[axis]) < 0.5
        np.moveaxis(data, axis, 0)[dead] = 0
    if style == "ends":
        data = rng.choice(np.array([low, low + 1, high], np.int8), shape)
    if style == "zero":
        data[:] = 0
    scales: tuple[float, ...] = (1.0,)
    if per_channel:
        scales = tuple(float(s) for s in rng.uniform(0.2, 1.0, shape[axis]))
    zeros = (0,) * len(scales)
    return FlatTensor(draft.name("weights"), shape, draft.weights, scales, zeros, axis, data)


def _bias(draw: Draw, draft: Draft, channels: int, taps: int) -> NDArray[np.int32] | None:
    if draw(st.integers(0, 3)) == 0:
        return None
    reach = int(draw(st.sampled_from((1, 50, 4000))) * np.sqrt(taps)) + 1
    return draft.rng.integers(-reach, reach, channels).astype(np.int32)


@dataclass(frozen=True, slots=True)
class _View:
    """Hold a drawn window."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: int
    output: tuple[int, int]


def _view(draw: Draw, image: tuple[int, int], dilated: bool) -> _View:
    padding = draw(st.sampled_from((flat.SAME, flat.VALID)))
    sizes = [_axis(draw, length, padding == flat.SAME, dilated) for length in image]
    kernel, stride, dilation, output = zip(*sizes, strict=True)
    return _View(kernel, stride, dilation, padding, output)


def _axis(draw: Draw, length: int, same: bool, dilated: bool) -> tuple[int, int, int, int]:
    kernel = draw(st.integers(1, 5 if same else min(5, length)))
    most = 3 if same else max(1, (length - 1) // max(1, kernel - 1))
    dilation = draw(st.integers(1, min(3, most))) if dilated else 1
    stride = draw(st.integers(1, 3))
    reach = (kernel - 1) * dilation + 1
    output = -(-length // stride) if same else -(-(length - reach + 1) // stride)
    return kernel, stride, dilation, output


def _image(draw: Draw) -> tuple[int, int]:
    return draw(st.integers(1, 8)), draw(st.integers(1, 8))


def _batch(draw: Draw) -> int:
    """Draw how many samples a convolution or pool takes at once."""
    return draw(st.sampled_from((1, 1, 1, 2, 3)))


def add_conv(draw: Draw, draft: Draft, source: int) -> int:
    """Add a CONV_2D."""
    batch, height, width, channels = draft.shape(source)
    view = _view(draw, (height, width), dilated=True)
    divisors = [n for n in range(2, 7) if channels % n == 0]
    groups = draw(st.sampled_from([*divisors, 1]))
    outputs = draw(st.integers(1, 6 if groups == 1 else 3)) * groups
    shape = (outputs, *view.kernel, channels // groups)
    weights = _weights(draw, draft, shape, 0, draw(st.booleans()))
    activation = draw(st.sampled_from(_ACTIVATIONS))
    options = flat.conv_options(view.stride, view.dilation, view.padding, activation)
    return draft.weighted(
        "CONV_2D",
        source,
        weights,
        _bias(draw, draft, outputs, view.kernel[0] * view.kernel[1] * shape[3]),
        (options, activation),
        (batch, *view.output, outputs),
    )


def add_transpose_conv(draw: Draw, draft: Draft, source: int) -> int:
    """Add a TRANSPOSE_CONV; where several outputs have this input as their convolution, any."""
    batch, height, width, channels = draft.shape(source)
    padding = draw(st.sampled_from((flat.SAME, flat.VALID)))
    kernel, stride, output = [], [], []
    for length in (height, width):
        kernel.append(draw(st.integers(1, 5)))
        stride.append(draw(st.integers(1, 3)))
        most = length * stride[-1] + (0 if padding == flat.SAME else kernel[-1] - 1)
        output.append(draw(st.integers(max(1, most - stride[-1] + 1), most)))
    outputs = draw(st.integers(1, 5))
    weights = _weights(draw, draft, (outputs, *kernel, channels), 0, draw(st.booleans()))
    activation = draw(st.sampled_from(_ACTIVATIONS))
    options = flat.transpose_conv_options((stride[0], stride[1]), padding, activation)
    return draft.weighted(
        "TRANSPOSE_CONV",
        source,
        weights,
        _bias(draw, draft, outputs, kernel[0] * kernel[1] * channels),
        (options, activation),
        (batch, *output, outputs),
    )


def add_matmul(draft: Draft, pair: tuple[int, int], exchanged: tuple[bool, bool]) -> int:
    """Add a BATCH_MATMUL of two tensors whose axes fit."""
    left, right = draft.shape(pair[0]), draft.shape(pair[1])
    rows = left[-1] if exchanged[0] else left[-2]
    columns = right[-2] if exchanged[1] else right[-1]
    batches = np.broadcast_shapes(left[:-2], right[:-2])
    wide = draft.scale(pair[0]) * draft.scale(pair[1]) * 255 * left[-1] * left[-2] * 2
    options = flat.batch_matmul_options(*exchanged)
    return draft.fitted("BATCH_MATMUL", pair, options, (*batches, rows, columns), wide)


def add_depthwise(draw: Draw, draft: Draft, source: int) -> int:
    """Add a DEPTHWISE_CONV_2D."""
    batch, height, width, channels = draft.shape(source)
    view = _view(draw, (height, width), dilated=True)
    multiplier = draw(st.sampled_from((1, 1, 2, 3)))
    outputs = channels * multiplier
    weights = _weights(draw, draft, (1, *view.kernel, outputs), 3, draw(st.booleans()))
    activation = draw(st.sampled_from(_ACTIVATIONS))
    return draft.weighted(
        "DEPTHWISE_CONV_2D",
        source,
        weights,
        _bias(draw, draft, outputs, view.kernel[0] * view.kernel[1]),
        (
            flat.depthwise_options(
                multiplier, view.stride, view.dilation, view.padding, activation
            ),
            activation,
        ),
        (batch, *view.output, outputs),
    )


def add_dense(draw: Draw, draft: Draft, source: int) -> int:
    """Add a FULLY_CONNECTED over the last axis, or over everything."""
    shape = draft.shape(source)
    whole = len(shape) <= 2 or draw(st.booleans())
    inputs = int(np.prod(shape)) if whole else shape[-1]
    outputs = draw(st.integers(1, 12))
    per_channel = draft.weights == "int8" and draw(st.booleans())  # TFLM has no others
    weights = _weights(draw, draft, (outputs, inputs), 0, per_channel)
    activation = draw(st.sampled_from(_ACTIVATIONS))
    return draft.weighted(
        "FULLY_CONNECTED",
        source,
        weights,
        _bias(draw, draft, outputs, inputs),
        (flat.dense_options(activation, not whole), activation),
        (1, outputs) if whole else (*shape[:-1], outputs),
    )


def add_pool(draw: Draw, draft: Draft, source: int, kind: str) -> int:
    """Add a pool; its output has its input's scale."""
    batch, height, width, channels = draft.shape(source)
    view = _view(draw, (height, width), dilated=False)
    activation = draw(st.sampled_from(_ACTIVATIONS))
    options = flat.pool_options(view.kernel, view.stride, view.padding, activation)
    target = _like(draft, source, (batch, *view.output, channels))
    return draft.apply(kind, (source,), options, target)


def add_mean(draw: Draw, draft: Draft, source: int, kind: str = "MEAN") -> int:
    """Add a MEAN or SUM over any axes; the first one is kept, if only as a batch of one."""
    inputs, options, target, count = _reduction(draw, draft, source)
    wide = draft.scale(source) * 3 * (count if kind == "SUM" else 1)
    return draft.fitted(kind, inputs, options, target, wide)


def add_extreme(draw: Draw, draft: Draft, source: int, kind: str) -> int:
    """Add a REDUCE_MAX or REDUCE_MIN over any axes."""
    inputs, options, target, _ = _reduction(draw, draft, source)
    return draft.apply(kind, inputs, options, _like(draft, source, target))


def _reduction(
    draw: Draw, draft: Draft, source: int
) -> tuple[tuple[int, int], flat.Options, tuple[int, ...], int]:
    """Draw axes, some counted from the end or named twice: inputs, options, shape and count."""
    shape = draft.shape(source)
    axes = draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))
    if len(shape) == 6:
        axes = {*range(draw(st.integers(0, 1)), 6, 2)}
    axes = axes if axes != {0} else {len(shape) - 1}
    keep_dims = draw(st.booleans()) or 0 in axes
    kept = [1 if a in axes else n for a, n in enumerate(shape)]
    target = tuple(kept if keep_dims else [n for a, n in enumerate(shape) if a not in axes])
    given = [a - len(shape) if draw(st.booleans()) else a for a in sorted(axes)]
    if draw(st.integers(0, 3)) == 0:
        given.append(given[0])
    numbers = draft.int32_constant(draw(st.permutations(given)))
    count = int(np.prod(shape) // np.prod(target))
    return (source, numbers), flat.mean_options(keep_dims), target, count


def add_place(draw: Draw, draft: Draft, source: int, kind: str) -> int:
    """Add an ARG_MAX or ARG_MIN."""
    shape = draft.shape(source)
    long = [axis for axis, length in enumerate(shape) if length > 1]
    axis = draw(st.sampled_from(long * 4 + [0]))
    number = draft.int32_constant([axis - len(shape) if draw(st.booleans()) else axis])
    table = "ArgMaxOptions" if kind == "ARG_MAX" else "ArgMinOptions"
    options = flat.Options(table, (("OutputType", tflite.TensorType.INT32),))
    target = FlatTensor(draft.name("t"), (*shape[:axis], *shape[axis + 1 :]), "int32")
    return draft.apply(kind, (source, number), options, target)


def add_pair(
    draw: Draw, draft: Draft, kind: str, inputs: tuple[int, int], shape: tuple[int, ...]
) -> int:
    """Add an operator of two tensors, either of which may be repeated over the other."""
    if kind in ("MAXIMUM", "MINIMUM"):
        return draft.apply(kind, inputs, None, _like_or_not(draw, draft, inputs[0], shape))
    left, right = draft.scale(inputs[0]), draft.scale(inputs[1])
    wide, unit = {
        "MUL": (left * right * 550, left * right),
        "SQUARED_DIFFERENCE": ((left + right) ** 2 * 550, left * left),
        "PRELU": (left * max(1.0, 255 * right) * 2.2, left * right),
    }.get(kind, (4.5 * max(left, right), left))
    reach = draft.reach(kind, inputs, flat.pair_options(kind), shape, wide)
    target = draft.fit(shape, reach, wide, unit)
    activation = draw(st.sampled_from(_ACTIVATIONS))
    return draft.apply(kind, inputs, flat.pair_options(kind, activation), target)


def add_softmax(draw: Draw, draft: Draft, source: int) -> int:
    """Add a SOFTMAX."""
    target = FlatTensor(draft.name("t"), draft.shape(source), "int8", (1 / 256,), (-128,))
    beta = draw(st.sampled_from((1.0, 1.0, 0.5, 0.1, 3.0)))
    return draft.apply("SOFTMAX", (source,), flat.softmax_options(beta), target)


def add_log_softmax(draft: Draft, source: int) -> int:
    """Add a LOG_SOFTMAX."""
    target = FlatTensor(draft.name("t"), draft.shape(source), "int8", (1 / 16,), (127,))
    return draft.apply("LOG_SOFTMAX", (source,), None, target)


def add_l2_normalization(draft: Draft, source: int) -> int:
    """Add an L2_NORMALIZATION."""
    target = FlatTensor(draft.name("t"), draft.shape(source), "int8", (1 / 128,), (0,))
    return draft.apply("L2_NORMALIZATION", (source,), flat.Options("L2NormOptions"), target)


def add_cumsum(draw: Draw, draft: Draft, source: int) -> int:
    """Add a CUMSUM along any axis."""
    shape = draft.shape(source)
    axis = draw(st.integers(0, len(shape) - 1))
    if shape[axis] == 1:
        axis = int(np.argmax(shape))
    number = draft.int32_constant([axis - len(shape) if draw(st.booleans()) else axis])
    names = ("Exclusive", "Reverse")
    options = flat.Options("CumsumOptions", tuple((name, draw(st.booleans())) for name in names))
    wide = draft.scale(source) * 2.2 * (shape[axis] + 1)
    return draft.fitted("CUMSUM", (source, number), options, shape, wide)


def add_sum(draw: Draw, draft: Draft, alike: tuple[int, ...]) -> int:
    """Add an ADD_N of some tensors of one shape and scale, any of them several times."""
    count = draw(st.integers(2, 8))
    terms = tuple(draw(st.sampled_from(alike)) for _ in range(count))
    if all(draft.tensors[number].data is not None for number in terms):
        terms = (alike[0], *terms[1:])
    wide = draft.scale(alike[0]) * 2.2 * (count + 1)
    return draft.fitted("ADD_N", terms, flat.Options("AddNOptions"), draft.shape(terms[0]), wide)


def one_scale(draft: Draft, left: int, right: int) -> bool:
    """Tell whether two tensors have one scale and zero point."""
    tensors = draft.tensors[left], draft.tensors[right]
    return len({(tensor.scales, tensor.zero_points) for tensor in tensors}) == 1


def add_curve(draw: Draw, draft: Draft, source: int, kind: str) -> int:
    """Add an operator of one value."""
    shape, scale = draft.shape(source), draft.scale(source)
    fixed = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
    if kind in fixed:
        target = FlatTensor(draft.name("t"), shape, "int8", (fixed[kind][0],), (fixed[kind][1],))
        return draft.apply(kind, (source,), None, target)
    if kind == "RELU6":
        return draft.apply(kind, (source,), None, _like_or_not(draw, draft, source, shape))
    options, wide = None, 2.2 * scale
    if kind == "HARD_SWISH":
        least = scale / 127  # TFLM refuses finer outputs
        reach = draft.reach(kind, (source,), options, shape, wide, least)
        target = draft.fit(shape, reach, wide, scale)
        assume(target.scales[0] >= least)
        return draft.apply(kind, (source,), options, target)
    if kind == "LEAKY_RELU":
        alpha = draw(st.sampled_from((0.1, 0.3, 0.0, 1.0, -0.25, 1.75)))
        options, wide = flat.leaky_relu_options(alpha), 4 * scale
    return draft.fitted(kind, (source,), options, shape, wide)


def add_quantize(draft: Draft, source: int) -> int:
    """Add a QUANTIZE from one int8 scale to another."""
    wide = draft.scale(source) * 2.2
    return draft.fitted("QUANTIZE", (source,), None, draft.shape(source), wide)


def add_reshape(draw: Draw, draft: Draft, source: int) -> int:
    """Add a RESHAPE, with the new shape as a second input or without."""
    count = int(np.prod(draft.shape(source)))
    divisor = draw(st.sampled_from([d for d in range(1, count + 1) if count % d == 0]))
    shape = draw(st.sampled_from(((1, count), (1, divisor, count // divisor))))
    inputs = (source, draft.int32_constant(shape)) if draw(st.booleans()) else (source,)
    options = flat.Options("ReshapeOptions")
    if len(inputs) == 1:
        options = flat.Options("ReshapeOptions")
        inputs = (source, draft.int32_constant([1, -1, divisor]))
        shape = (1, count // divisor, divisor)
    return draft.apply("RESHAPE", inputs, options, _like(draft, source, shape))


def _like(draft: Draft, source: int, shape: tuple[int, ...]) -> FlatTensor:
    twin = draft.tensors[source]
    return FlatTensor(draft.name("t"), shape, twin.dtype, twin.scales, twin.zero_points)


def _like_or_not(draw: Draw, draft: Draft, source: int, shape: tuple[int, ...]) -> FlatTensor:
    """Make an output for an operator whose scale TFLM does not look at: docs/exactness.md."""
    if draw(st.integers(0, 3)) or draft.dtype != "int8":
        return _like(draft, source, shape)
    return FlatTensor(draft.name("t"), shape, "int8", (_scale(draft),), (_zero_point(draw),))


@st.composite
def conv(draw: Draw, weights: str = "int8") -> Case:
    """Draw a CONV_2D; one in three has more than 255 inputs, so several sparse segments."""
    draft = _draft(draw, weights)
    channels = draw(st.one_of(st.integers(1, 6), st.sampled_from((4, 6)), st.integers(29, 70)))
    source = _input(draw, draft, (_batch(draw), *_image(draw), channels))
    return _case(draw, "CONV_2D", draft, (add_conv(draw, draft, source),))


@st.composite
def transpose_conv(draw: Draw) -> Case:
    """Draw a TRANSPOSE_CONV; one in four has phases of more than 255 inputs."""
    draft = _draft(draw)
    channels = draw(st.one_of(*[st.integers(1, 5)] * 3, st.integers(90, 130)))
    shape = (_batch(draw), draw(st.integers(1, 5)), draw(st.integers(1, 5)), channels)
    source = _input(draw, draft, shape)
    return _case(draw, "TRANSPOSE_CONV", draft, (add_transpose_conv(draw, draft, source),))


def _near(tensor: FlatTensor) -> NDArray[np.generic]:
    assert tensor.data is not None
    reach = tensor.data.astype(np.int64) // 2 + tensor.zero_points[0]
    return np.clip(reach, -128, 127).astype(np.int8)


@st.composite
def batch_matmul(draw: Draw) -> Case:
    """Draw a BATCH_MATMUL of tensors, of a constant on either side, or of a tensor and itself."""
    draft = _draft(draw)
    rows, depth, columns = (draw(st.integers(1, 7)) for _ in range(3))
    exchanged = (draw(st.booleans()), draw(st.booleans()))
    which = draw(st.sampled_from(("inputs", "weights", "right", "left", "itself")))
    batches = draw(st.sampled_from(((1,), (1,), (1, 3), (1, 2, 2))))
    left = (*batches, *((depth, rows) if exchanged[0] else (rows, depth)))
    right = (*batches, *((columns, depth) if exchanged[1] else (depth, columns)))
    fewer = [tuple(1 if draw(st.booleans()) else n for n in batches) for _ in range(2)]
    if which == "left":
        left = (*fewer[0], *left[-2:])[draw(st.integers(0, len(batches))) :]
        pair = (draft.constant(left, _scale(draft), _zero_point(draw)), _input(draw, draft, right))
    elif which == "weights":
        exchanged, left = (False, exchanged[1]), (*batches, rows, depth)
        weights = _weights(draw, draft, right[-2:], 0, per_channel=False)
        pair = (_input(draw, draft, left), draft.add(replace(weights, scales=(_scale(draft),))))
    elif which == "right":
        right = (*fewer[0], *right[-2:])[draw(st.integers(0, len(batches))) :]
        constant = draft.constant(right, _scale(draft), _zero_point(draw))
        if draw(st.booleans()):  # close to the zero point, so that it can be subtracted beforehand
            tensor = draft.tensors[constant]
            draft.tensors[constant] = replace(tensor, data=_near(tensor))
        pair = (_input(draw, draft, left), constant)
    elif which == "itself":
        source = _input(draw, draft, left)
        pair, exchanged = (source, source), (exchanged[0], not exchanged[0])
    else:
        left, right = (*fewer[0], *left[-2:]), (*fewer[1], *right[-2:])
        pair = (_input(draw, draft, left), _input(draw, draft, right))
    return _case(draw, "BATCH_MATMUL", draft, (add_matmul(draft, pair, exchanged),))


def add_lstm(draw: Draw, draft: Draft, source: int, units: int) -> int:
    """Add a UNIDIRECTIONAL_SEQUENCE_LSTM whose gates are neither all open nor all shut."""
    inputs = draft.shape(source)[-1]
    target = FlatTensor(
        draft.name("t"),
        (*draft.shape(source)[:2], units),
        "int8",
        (_scale(draft, 2.0**-9, 2.0**-6),),
        (draw(st.integers(-20, 20)),),
    )
    weights = []
    for length, scale in ((inputs, draft.scale(source)), (units, target.scales[0])):
        for _ in range(4):
            unit = draft.rng.uniform(0.5, 3.0) / (75 * 75 * scale * np.sqrt(length))
            drawn = _weights(draw, draft, (units, length), 0, per_channel=False)
            weights.append(draft.add(replace(drawn, scales=(float(np.float32(unit)),))))
    bias = [
        draft.add(
            FlatTensor(
                draft.name("bias"),
                (units,),
                "int32",
                (float(np.float32(draft.scale(source) * draft.scale(weights[gate]))),),
                (0,),
                data=draft.rng.integers(-6000, 6000, units).astype(np.int32),
            )
        )
        for gate in range(4)
    ]
    states = (
        draft.state((1, units), "int8", target.scales[0], target.zero_points[0]),
        draft.state((1, units), "int16", 2.0 ** -draw(st.integers(9, 14)), 0),
    )
    numbers = (source, *weights, -1, -1, -1, *bias, -1, -1, *states, -1, -1, -1, -1)
    clip = draw(st.sampled_from((0.0, 10.0, 0.3)))
    time_major = draft.shape(source)[1] == 1 and draft.shape(source)[0] > 1
    options = flat.lstm_options(clip, time_major)
    return draft.apply("UNIDIRECTIONAL_SEQUENCE_LSTM", numbers, options, target)


def add_svdf(draw: Draw, draft: Draft, source: int) -> int:
    """Add an SVDF."""
    inputs = draft.shape(source)[1]
    rank, units, memory = (draw(st.integers(1, most)) for most in (3, 6, 8))
    filters, dtype = rank * units, draw(st.sampled_from(("int8", "int16")))
    features = _weights(draw, draft, (filters, inputs), 0, per_channel=False)
    feature_scale = _scale(draft)
    features = replace(features, scales=(feature_scale,))
    most = 127 if dtype == "int8" else 32767
    reach = 75 * 75 * np.sqrt(inputs) * draft.scale(source) * feature_scale
    state_scale = float(np.float32(reach * draft.rng.uniform(0.5, 4.0) / most))
    limit = most if draw(st.booleans()) else most // 8
    times = draft.rng.integers(-limit, limit + 1, (filters, memory)).astype(dtype)
    time_scale = float(np.float32(draft.rng.uniform(0.1, 1.0) / most))
    wide = (memory * rank) ** 0.5 * most / 2 * time_scale * limit * state_scale / 60
    bias_scale = float(np.float32(np.float32(state_scale) * np.float32(time_scale)))
    bias = draft.rng.integers(-most * limit // 2, most * limit // 2 + 1, units).astype(np.int32)
    zero_point = draw(st.sampled_from((0, 0, 3))) if dtype == "int8" else 0
    numbers = (
        source,
        draft.add(features),
        draft.add(
            FlatTensor(draft.name("times"), times.shape, dtype, (time_scale,), (0,), 0, times)
        ),
        draft.add(FlatTensor(draft.name("bias"), (units,), "int32", (bias_scale,), (0,), 0, bias)),
        draft.state((1, filters * memory), dtype, state_scale, zero_point),
    )
    options = flat.svdf_options(rank, draw(st.sampled_from((flat.NONE, flat.RELU))))
    return draft.fitted("SVDF", numbers, options, (1, units), wide)


@st.composite
def lstm(draw: Draw) -> Case:
    """Draw an LSTM, sometimes two, of steps before or behind the batch."""
    draft = _draft(draw)
    steps, inputs = draw(st.integers(1, 5)), draw(st.one_of(st.integers(1, 9), st.just(260)))
    shape = draw(st.sampled_from(((1, steps, inputs), (steps, 1, inputs))))
    result = add_lstm(draw, draft, _input(draw, draft, shape), draw(st.integers(1, 6)))
    if draw(st.booleans()):
        result = add_lstm(draw, draft, result, draw(st.integers(1, 6)))
    return _case(draw, "UNIDIRECTIONAL_SEQUENCE_LSTM", draft, (result,))


@st.composite
def svdf(draw: Draw) -> Case:
    """Draw an SVDF, sometimes two."""
    draft = _draft(draw)
    result = add_svdf(draw, draft, _input(draw, draft, (1, draw(st.integers(1, 20)))))
    if draw(st.booleans()):
        result = add_svdf(draw, draft, result)
    return _case(draw, "SVDF", draft, (result,))


@st.composite
def depthwise(draw: Draw, weights: str = "int8") -> Case:
    """Draw a DEPTHWISE_CONV_2D."""
    draft = _draft(draw, weights)
    source = _input(draw, draft, (_batch(draw), *_image(draw), draw(st.integers(1, 6))))
    return _case(draw, "DEPTHWISE_CONV_2D", draft, (add_depthwise(draw, draft, source),))


@st.composite
def dense(draw: Draw, weights: str = "int8") -> Case:
    """Draw a FULLY_CONNECTED with inputs of 2 to 4 dimensions, some across segments."""
    draft = _draft(draw, weights)
    last = draw(st.one_of(st.integers(1, 40), st.sampled_from((254, 255, 256, 510, 511, 700))))
    middle = draw(st.sampled_from(((), (), (3,), (2, 2))))
    source = _input(draw, draft, (1, *middle, last))
    return _case(draw, "FULLY_CONNECTED", draft, (add_dense(draw, draft, source),))


def pool(kind: str) -> st.SearchStrategy[Case]:
    """Draw a pool."""

    @st.composite
    def drawn(draw: Draw) -> Case:
        draft = _draft(draw)
        shape = (_batch(draw), *_image(draw), draw(st.integers(1, 5)))
        source = draft.input(shape, _scale(draft, 2.0**-6, 2.0**-3), _zero_point(draw))
        return _case(draw, kind, draft, (add_pool(draw, draft, source, kind),))

    return drawn()


@st.composite
def shape(draw: Draw) -> Case:
    """Draw what converters leave before a RESHAPE: SHAPE, STRIDED_SLICE and PACK, then RESHAPE."""
    draft = _draft(draw)
    source = _input(draw, draft, moves.shapes(draw, 2, 5))
    result = add_shape(draw, draft, source)
    return _case(draw, "SHAPE", draft, (add_quantize(draft, result),))


def add_shape(draw: Draw, draft: Draft, source: int) -> int:
    """Add a RESHAPE whose shape is worked out from its input's: to one axis, and all others."""
    lengths = draft.shape(source)
    target = FlatTensor(draft.name("shape"), (len(lengths),), "int32")
    whole = draft.apply_known("SHAPE", (source,), target, np.array(lengths, np.int32))
    axis = draw(st.integers(0, len(lengths) - 1))
    ranges = [draft.int32_constant([n]) for n in (axis, axis + 1, 1)]
    options = flat.Options("StridedSliceOptions", (("ShrinkAxisMask", 1),))
    scalar = FlatTensor(draft.name("length"), (), "int32")
    first = draft.apply("STRIDED_SLICE", (whole, *ranges), options, scalar)
    rest = int(np.prod(lengths)) // lengths[axis]
    data = np.array(rest, np.int32)
    second = draft.add(FlatTensor(draft.name("rest"), (), "int32", data=data))
    packing = flat.Options("PackOptions", (("ValuesCount", 2),))
    pair = FlatTensor(draft.name("pair"), (2,), "int32")
    packed = draft.apply("PACK", (first, second), packing, pair)
    reshaped = _like(draft, source, (lengths[axis], rest))
    return draft.apply("RESHAPE", (source, packed), flat.Options("ReshapeOptions"), reshaped)


@st.composite
def fill(draw: Draw) -> Case:
    """Draw a FILL that is reshaped and joined to an input, or with an input; int8 or floats."""
    draft = _draft(draw)
    if draw(st.booleans()):
        return _case(draw, "FILL", draft, (_fill_with_input(draw, draft),))
    lengths = moves.shapes(draw, 2, 4)
    source = _input(draw, draft, lengths)
    if draw(st.booleans()):
        target = FlatTensor(draft.name("t"), lengths, "float32")
        source = draft.apply("DEQUANTIZE", (source,), None, target)
    return _case(draw, "FILL", draft, (add_fill(draw, draft, source),))


def _fill_with_input(draw: Draw, draft: Draft) -> int:
    source = _input(draw, draft, (1, 1))
    if draw(st.booleans()):
        target = FlatTensor(draft.name("t"), (1, 1), "float32")
        source = draft.apply("DEQUANTIZE", (source,), None, target)
    scalar = _like(draft, source, ())
    source = draft.apply("SQUEEZE", (source,), flat.Options("SqueezeOptions"), scalar)
    lengths = moves.shapes(draw, 1, 4)
    target = _like(draft, source, lengths)
    return draft.apply("FILL", (draft.int32_constant(lengths), source), None, target)


def add_fill(draw: Draw, draft: Draft, source: int) -> int:
    """Add a FILL, and join it to a tensor whose batch is one."""
    lengths = draft.shape(source)
    twin = draft.tensors[source]
    whole = draw(st.integers(-128, 127))
    data = np.array(whole if twin.dtype == "int8" else whole / 7).astype(twin.dtype)
    value = FlatTensor(draft.name("v"), (), twin.dtype, twin.scales, twin.zero_points, data=data)
    inputs = (draft.int32_constant(lengths[1:]), draft.add(value))
    full = np.full(lengths[1:], data)
    filled = draft.apply_known("FILL", inputs, _like(draft, source, lengths[1:]), full)
    numbers = (filled, draft.int32_constant(lengths))
    again = draft.apply_known("RESHAPE", numbers, _like(draft, source, lengths), full[None])
    options = flat.Options("ConcatenationOptions", (("Axis", -1),))
    pair = (source, again) if draw(st.booleans()) else (again, source)
    target = _like(draft, source, (*lengths[:-1], 2 * lengths[-1]))
    return draft.apply("CONCATENATION", pair, options, target)


def reduction(kind: str) -> st.SearchStrategy[Case]:
    """Draw a reduction of an input of 2 to 6 dimensions; one value in four is like others."""

    @st.composite
    def drawn(draw: Draw) -> Case:
        draft = _draft(draw)
        rank = draw(st.integers(2, 5))
        low, high = 3 if kind.startswith("ARG") else 1, 7 if rank < 5 else 4
        shape = (1, *(draw(st.integers(low, high)) for _ in range(rank - 1)))
        if low == 1 and draft.rng.integers(4) == 0:
            shape = (2, 3, 2, 2, 3, 2)
        source = _input(draw, draft, shape)
        if kind in ("MEAN", "SUM"):
            return _case(draw, kind, draft, (add_mean(draw, draft, source, kind),))
        if draw(st.booleans()):
            draft.values[source] = draft.values[source] // 16  # ties
        add_one = add_place if kind.startswith("ARG") else add_extreme
        return _case(draw, kind, draft, (add_one(draw, draft, source, kind),))

    return drawn()


def pair(kind: str) -> st.SearchStrategy[Case]:
    """Draw an operator of two tensors: of one shape, repeated, constant, or one tensor twice."""

    @st.composite
    def drawn(draw: Draw) -> Case:
        draft = _draft(draw)
        shape = (1, *(draw(st.integers(1, 5)) for _ in range(draw(st.integers(1, 4)))))
        shapes = _repeated(draw, shape)
        first = draft.input(shapes[0], _scale(draft, 2.0**-6, 2.0**-4), _zero_point(draw))
        ratio = 2.0 ** draft.rng.uniform(-3, 3)
        scale = float(np.float32(draft.scale(first) * ratio))
        which = draw(st.sampled_from(("input", "input", "constant", "constant", "itself")))
        second, result = first, shapes[0]
        if which == "constant":
            bare = draw(st.sampled_from((shapes[1], _bare(shapes[1]))))
            second = draft.constant(bare, scale, _zero_point(draw))
        elif which == "input":
            bare = draw(st.sampled_from((shapes[1], (1, *_bare(shapes[1])))))
            second = draft.input(bare, scale, _zero_point(draw))
        if second != first:
            result = np.broadcast_shapes(shapes[0], shapes[1])
        inputs = (second, first) if draw(st.booleans()) else (first, second)
        return _case(draw, kind, draft, (add_pair(draw, draft, kind, inputs, result),))

    return drawn()


@st.composite
def quotient(draw: Draw) -> Case:
    """Draw a DIV whose divisors keep their distance from zero, and that TFLM can shift."""
    draft = _draft(draw)
    shapes = _repeated(draw, (1, *(draw(st.integers(1, 5)) for _ in range(4))))
    zeros = _zero_point(draw), draw(st.sampled_from((-128, -128, 127, 127, 0, 40)))
    factor, least = draft.rng.uniform(66, 2000), int(draft.rng.choice((1, 20, 90)))
    farthest = 128 + abs(zeros[1]) - 1
    top = draft.input(shapes[0], _scale(draft, 2.0**-6, 2.0**-4), zeros[0])
    reach = int(max(2, 200 * max(least, farthest // 2) / factor))
    centred = draft.rng.integers(-reach, reach + 1, draft.values[top].shape)
    draft.values[top] = np.clip(centred + zeros[0], -128, 127).astype(np.int8)
    distance = draft.rng.integers(least, farthest + 1, (1, *shapes[1][1:]))
    signs = draft.rng.choice((-1, 1), distance.shape) * np.where(zeros[1], 0, 1)
    signs = np.where(signs == 0, -np.sign(zeros[1]), signs)
    divisors = np.clip(zeros[1] + signs * distance, -128, 127).astype(np.int8)
    scale = float(np.float32(draft.scale(top) * 2.0 ** draft.rng.uniform(-3, 3)))
    if draw(st.booleans()):
        below = draft.constant(shapes[1], scale, zeros[1])
        draft.tensors[below] = replace(draft.tensors[below], data=divisors)
    else:
        below = draft.input(shapes[1], scale, zeros[1])
        draft.values[below] = np.concatenate([np.roll(divisors, i, -1) for i in range(SAMPLES)])
    step = float(np.float32(draft.scale(top) / scale / factor))
    name, zero = draft.name("t"), _zero_point(draw)
    target = FlatTensor(name, np.broadcast_shapes(*shapes), "int8", (step,), (zero,))
    options = flat.pair_options("DIV", draw(st.sampled_from(_ACTIVATIONS)))
    return _case(draw, "DIV", draft, (draft.apply("DIV", (top, below), options, target),))


def _repeated(draw: Draw, shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Draw two shapes that broadcast to one: as a whole, as a tail, or axis by axis."""
    style = draw(st.sampled_from(("same", "tail", "axes", "axes")))
    if style == "same":
        return shape, shape
    if style == "tail":
        cut = draw(st.integers(0, len(shape)))
        return shape, (1,) * cut + shape[cut:]
    owners = [draw(st.sampled_from(("both", "left", "right"))) for _ in shape]
    return (
        tuple(1 if owner == "right" else n for owner, n in zip(owners, shape, strict=True)),
        tuple(1 if owner == "left" else n for owner, n in zip(owners, shape, strict=True)),
    )


def _bare(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Leave out the ones in front."""
    while shape and shape[0] == 1:
        shape = shape[1:]
    return shape


@st.composite
def softmax(draw: Draw) -> Case:
    """Draw a SOFTMAX of one or several rows; scales from flat to one-hot."""
    draft = _draft(draw)
    rows = draw(st.sampled_from(((), (), (3,), (2, 3))))
    shape = (1, *rows, draw(st.integers(2, 20)))
    source = draft.input(shape, _scale(draft, 2.0**-10, 2.0**-3), _zero_point(draw))
    return _case(draw, "SOFTMAX", draft, (add_softmax(draw, draft, source),))


def curve(kind: str, low: float, high: float) -> st.SearchStrategy[Case]:
    """Draw an operator of one value, for every int8 value; with the scales of the input."""

    @st.composite
    def drawn(draw: Draw) -> Case:
        draft = _draft(draw)
        source = draft.input((1, 64), _scale(draft, low, high), _zero_point(draw))
        draft.values[source] = np.arange(-128, 128).astype(np.int8).reshape(SAMPLES, 64)
        result = add_curve(draw, draft, source, kind)
        if kind == "ELU" and draw(st.booleans()):
            _through_floats(draft)
        return _case(draw, kind, draft, (result,))

    return drawn()


def _through_floats(draft: Draft) -> None:
    """Put the last operator between DEQUANTIZE and QUANTIZE, as the converter does with some."""
    whole = draft.operators.pop()
    shape = draft.shape(whole.outputs[0])
    before, after = (draft.add(FlatTensor(draft.name("f"), shape, "float32")) for _ in range(2))
    draft.operators += [
        FlatOperator("DEQUANTIZE", whole.inputs, (before,)),
        FlatOperator(whole.kind, (before,), (after,)),
        FlatOperator("QUANTIZE", (after,), whole.outputs),
    ]


@st.composite
def l2_normalization(draw: Draw) -> Case:
    """Draw an L2_NORMALIZATION of one or several rows, short ones and long ones, some all zero."""
    draft = _draft(draw)
    rows = draw(st.sampled_from(((), (), (3,), (2, 3))))
    length = draw(st.one_of(*[st.integers(2, 20)] * 3, st.sampled_from((300, 8500))))
    source = _input(draw, draft, (1, *rows, length))
    values, zero = draft.values[source], draft.tensors[source].zero_points[0]
    near = zero + draft.rng.integers(-3, 4, values.shape)
    reach = draw(st.sampled_from(("all", "all", "near", "mixed")))
    chosen = {"all": 0.0, "near": 1.0, "mixed": 0.5}[reach]
    little = draft.rng.random(values.shape[:-1]) < chosen
    drawn = np.where(little[..., None], np.clip(near, -128, 127), values)
    drawn[draft.rng.random(values.shape[:-1]) < 0.1] = zero
    draft.values[source] = drawn.astype(np.int8)
    return _case(draw, "L2_NORMALIZATION", draft, (add_l2_normalization(draft, source),))


@st.composite
def cumsum(draw: Draw) -> Case:
    """Draw a CUMSUM; one in four of so many values that sums leave int32, where TFLM wraps."""
    draft = _draft(draw)
    length = draw(st.sampled_from((6, 6, 6, 40)))
    source = _input(draw, draft, moves.shapes(draw, 2, 4, length))
    return _case(draw, "CUMSUM", draft, (add_cumsum(draw, draft, source),))


@st.composite
def add_n(draw: Draw) -> Case:
    """Draw an ADD_N of inputs and constants."""
    draft = _draft(draw)
    lengths, scale, zero = moves.shapes(draw, 1, 4), _scale(draft), _zero_point(draw)
    inputs = [draft.input(lengths, scale, zero) for _ in range(draw(st.integers(1, 4)))]
    if draw(st.booleans()):
        inputs.append(draft.constant(lengths, scale, zero))
    return _case(draw, "ADD_N", draft, (add_sum(draw, draft, tuple(inputs)),))


@st.composite
def broadcast_args(draw: Draw) -> Case:
    """Draw a RESHAPE to the common shape of its input and of a constant."""
    draft = _draft(draw)
    lengths = moves.shapes(draw, 2, 4)
    source = _input(draw, draft, lengths)
    whole = FlatTensor(draft.name("shape"), (len(lengths),), "int32")
    known = draft.apply_known("SHAPE", (source,), whole, np.array(lengths, np.int32))
    to = (1,) * draw(st.integers(0, 2)) + lengths
    other = [1 if draw(st.booleans()) else n for n in to]
    numbers = (known, draft.int32_constant(other))
    numbers = numbers[::-1] if draw(st.booleans()) else numbers
    common = FlatTensor(draft.name("common"), (len(to),), "int32")
    shape = draft.apply_known("BROADCAST_ARGS", numbers, common, np.array(to, np.int32))
    options, target = flat.Options("ReshapeOptions"), _like(draft, source, to)
    result = draft.apply("RESHAPE", (source, shape), options, target)
    result = add_quantize(draft, result)
    return _case(draw, "BROADCAST_ARGS", draft, (result,))


@st.composite
def zeros_like(draw: Draw) -> Case:
    """Draw a ZEROS_LIKE beside the tensor that it is like, or between that and a maximum."""
    draft = _draft(draw)
    lengths = moves.shapes(draw, 2, 4)
    source = _input(draw, draft, lengths)
    if draw(st.booleans()):
        target = FlatTensor(draft.name("t"), lengths, "float32")
        source = draft.apply("DEQUANTIZE", (source,), None, target)
    target = _like(draft, source, lengths)
    zeros = np.zeros(lengths, target.dtype)
    numbers = (source, draft.apply_known("ZEROS_LIKE", (source,), target, zeros))
    numbers = numbers[::-1] if draw(st.booleans()) else numbers
    found = draft.apply("MAXIMUM", numbers, None, _like(draft, source, lengths))
    return _case(draw, "ZEROS_LIKE", draft, (found,))


@st.composite
def log_softmax(draw: Draw) -> Case:
    """Draw a LOG_SOFTMAX of one or several rows; scales from flat to one-hot."""
    draft = _draft(draw)
    rows = draw(st.sampled_from(((), (), (3,), (2, 3))))
    shape = (1, *rows, draw(st.one_of(st.integers(2, 20), st.integers(2, 300))))
    source = draft.input(shape, _scale(draft, 2.0**-11, 2.0**-2), _zero_point(draw))
    return _case(draw, "LOG_SOFTMAX", draft, (add_log_softmax(draft, source),))


@st.composite
def reciprocal_root(draw: Draw) -> Case:
    """Draw an RSQRT of all values from zero up: below zero TFLM stops with an error."""
    draft = _draft(draw)
    zero_point = draw(st.one_of(st.just(-128), st.integers(-128, 90)))
    source = draft.input((1, 64), _scale(draft), zero_point)
    values = np.resize(np.arange(zero_point, 128), SAMPLES * 64)
    draft.values[source] = values.astype(np.int8).reshape(SAMPLES, 64)
    steps = draft.rng.uniform(60, 2000)  # of the output, up to the largest answer
    scale = float(np.float32(1 / np.sqrt(draft.scale(source)) / steps))
    zeros = (draw(st.sampled_from((-128, -128, -100, 0))),)
    target = FlatTensor(draft.name("t"), (1, 64), "int8", (scale,), zeros)
    return _case(draw, "RSQRT", draft, (draft.apply("RSQRT", (source,), None, target),))


@st.composite
def quantize(draw: Draw) -> Case:
    """Draw a QUANTIZE, from float with halves and extremes, from int8, or by way of uint8."""
    draft = _draft(draw)
    way = draw(st.sampled_from(("float32", "int8", "uint8")))
    if way == "uint8":
        return _case(draw, "QUANTIZE", draft, (_by_way_of_uint8(draw, draft),))
    if way == "int8":
        source = draft.input((1, 64), _scale(draft, 2.0**-20, 2.0**8), _zero_point(draw))
        return _case(draw, "QUANTIZE", draft, (add_quantize(draft, source),))
    scale, zero_point = _scale(draft, 2.0**-20, 2.0**10), _zero_point(draw)
    source = draft.float_input((1, 64), _floats(draft.rng, scale, zero_point))
    target = FlatTensor(draft.name("t"), (1, 64), "int8", (scale,), (zero_point,))
    return _case(draw, "QUANTIZE", draft, (draft.apply("QUANTIZE", (source,), None, target),))


def _by_way_of_uint8(draw: Draw, draft: Draft) -> int:
    """Add what the converter puts around an int8 model for inference_input_type=uint8."""
    scale, zero_point = _scale(draft), _zero_point(draw)
    number = _uint8_input(draw, draft, scale, zero_point + 128)
    near = scale if draw(st.booleans()) else scale * float(draft.rng.uniform(0.5, 2.0))
    inner = FlatTensor(draft.name("t"), (1, 64), "int8", (float(np.float32(near)),), (zero_point,))
    number = draft.apply("QUANTIZE", (number,), None, inner)
    if draw(st.booleans()):
        return number
    outer = FlatTensor(draft.name("t"), (1, 64), "uint8", (scale,), (draw(st.integers(0, 255)),))
    return draft.apply("QUANTIZE", (number,), None, outer)


def _uint8_input(draw: Draw, draft: Draft, scale: float, zero_point: int) -> int:
    number = draft.add(FlatTensor(draft.name("in"), (1, 64), "uint8", (scale,), (zero_point,)))
    draft.values[number] = draft.rng.permutation(256).astype(np.uint8).reshape(SAMPLES, 64)
    draft.inputs.append(number)
    return number


def _floats(rng: np.random.Generator, scale: float, zero_point: int, dtype: str = "int8") -> Array:
    """Make floats at steps, at halves, one bit beside halves, and far away."""
    limits = np.iinfo(dtype)
    steps = rng.integers(limits.min, limits.max + 1, 64 * SAMPLES) - zero_point
    halves = (steps + rng.choice([0.0, 0.5, -0.5, 0.25], steps.size)).astype(np.float32)
    values = (halves * np.float32(scale)).astype(np.float32)
    nudged = np.nextafter(values, rng.choice(np.array([-1, 1], np.float32), steps.size) * np.inf)
    values = np.where(rng.random(steps.size) < 0.3, nudged, values)
    # TFLM converts to int32 before it saturates, which is undefined further out
    far = np.array([-0.0, 0.0, 1e-45, 1e9, -1e9, 200.0, -300.0], np.float32)
    values[: len(far)] = far * np.float32(scale)
    return np.asarray(values, np.float32)


@st.composite
def dequantize(draw: Draw) -> Case:
    """Draw a DEQUANTIZE of every int8 or uint8 value."""
    draft = _draft(draw)
    scale, zero_point = _scale(draft, 2.0**-140, 2.0**118), _zero_point(draw)
    if draw(st.booleans()):
        source = _uint8_input(draw, draft, scale, zero_point + 128)
    else:
        source = draft.input((1, 64), scale, zero_point)
        draft.values[source] = np.arange(-128, 128).astype(np.int8).reshape(SAMPLES, 64)
    target = FlatTensor(draft.name("t"), (1, 64), "float32")
    return _case(draw, "DEQUANTIZE", draft, (draft.apply("DEQUANTIZE", (source,), None, target),))


@st.composite
def reshape(draw: Draw) -> Case:
    """Draw a RESHAPE between two layers, since alone it computes nothing."""
    draft = _draft(draw)
    shape = (1, *(draw(st.integers(1, 6)) for _ in range(draw(st.integers(1, 3)))))
    source = _input(draw, draft, shape)
    if draw(st.booleans()):
        source = add_quantize(draft, source)
    result = add_quantize(draft, add_reshape(draw, draft, source))
    outputs: tuple[int, ...] = (result,)
    if draw(st.booleans()):
        outputs = (add_reshape(draw, draft, result), result)[: draw(st.integers(1, 2))]
    return _case(draw, "RESHAPE", draft, outputs)


def move(kind: str) -> st.SearchStrategy[Case]:
    """Draw an operator that moves elements, between layers that keep it from being a view."""
    add_move, dtypes, ranks = moves.MOVES[kind]

    @st.composite
    def drawn(draw: Draw) -> Case:
        draft = _draft(draw)
        shape = moves.shapes(draw, *ranks)
        dtype, quantized = draw(st.sampled_from(dtypes)), False
        if dtype == "int32":
            source = draft.int32_input(shape, -99, 99)
        else:
            source = _input(draw, draft, shape)
            if draw(st.booleans()):
                source, quantized = add_quantize(draft, source), True
            if dtype == "float32":
                target = FlatTensor(draft.name("t"), shape, "float32")
                source = draft.apply("DEQUANTIZE", (source,), None, target)
        outputs = add_move(draw, draft, source)
        if dtype == "int8" and (not quantized or draw(st.booleans())):
            outputs = tuple(add_quantize(draft, number) for number in outputs)
        if dtype == "int32":
            outputs += (add_quantize(draft, _input(draw, draft, (1, 5))),)
        return _case(draw, kind, draft, outputs)

    return drawn()


def stream(kind: str) -> st.SearchStrategy[Case]:
    """Draw a model with resource variables."""

    @st.composite
    def drawn(draw: Draw) -> Case:
        draft = _draft(draw)
        source = _input(draw, draft, (1, draw(st.integers(2, 9))))
        model = streams.draw_stream(draw, draft, source, kind == "CALL_ONCE", kind == "VAR_HANDLE")
        return replace(_case(draw, kind, draft, ()), model=model)

    return drawn()


def wide(key: str) -> st.SearchStrategy[Case]:
    """Draw an operator of float32, int32 or bool."""

    @st.composite
    def drawn(draw: Draw) -> Case:
        draft = _draft(draw)
        return _case(draw, key, draft, (_WITHOUT_SCALES[key](draw, draft),))

    return drawn()


@st.composite
def delay(draw: Draw) -> Case:
    """Draw a delay line of int8, int16, int32 or floats."""
    draft = _draft(draw)
    dtype = draw(st.sampled_from(("int8", "int16", "int32", "float32")))
    lengths = (1, draw(st.integers(1, 9)))
    if dtype in ("int8", "int16"):
        source = _input(draw, draft, lengths)
        if dtype == "int16":
            wide = FlatTensor(draft.name("t"), lengths, "int16", (_scale(draft),), (0,))
            source = draft.apply("QUANTIZE", (source,), None, wide)
    elif dtype == "int32":
        source = draft.int32_input(lengths, -(2**31), 2**31 - 1)
    else:
        source = draft.float_input(lengths, draft.rng.normal(size=(SAMPLES, *lengths[1:])))
    model = streams.draw_delay(draw, draft, source)
    return replace(_case(draw, "READ_VARIABLE", draft, ()), model=model)


_WITHOUT_SCALES = {**wides.WIDES, **logic.LOGIC}
REDUCTIONS = ("ARG_MAX", "ARG_MIN", "MEAN", "REDUCE_MAX", "REDUCE_MIN", "SUM")
STRATEGIES: dict[str, st.SearchStrategy[Case]] = {
    **{kind: pair(kind) for kind in _PAIRS},
    **{kind: curve(kind, *scales) for kind, scales in _CURVE_SCALES.items()},
    **{kind: stream(kind) for kind in ("ASSIGN_VARIABLE", "CALL_ONCE", "VAR_HANDLE")},
    "ADD_N": add_n(),
    "AVERAGE_POOL_2D": pool("AVERAGE_POOL_2D"),
    "BROADCAST_ARGS": broadcast_args(),
    "CUMSUM": cumsum(),
    "L2_NORMALIZATION": l2_normalization(),
    "ZEROS_LIKE": zeros_like(),
    "BATCH_MATMUL": batch_matmul(),
    "CONV_2D": conv(),
    "DEPTHWISE_CONV_2D": depthwise(),
    "DEQUANTIZE": dequantize(),
    "DIV": quotient(),
    "FILL": fill(),
    "FULLY_CONNECTED": dense(),
    "LOG_SOFTMAX": log_softmax(),
    "MAX_POOL_2D": pool("MAX_POOL_2D"),
    **{kind: reduction(kind) for kind in REDUCTIONS},
    "QUANTIZE": quantize(),
    "READ_VARIABLE": delay(),
    "RESHAPE": reshape(),
    "RSQRT": reciprocal_root(),
    "SHAPE": shape(),
    "SOFTMAX": softmax(),
    "SVDF": svdf(),
    "TRANSPOSE_CONV": transpose_conv(),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": lstm(),
    **{kind: move(kind) for kind in moves.MOVES},
    **{key: wide(key) for key in _WITHOUT_SCALES},
}
