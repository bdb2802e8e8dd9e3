"""Random graphs with channels, operators and PADs that nothing needs, each made of a seed."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import flat
import moves
import numpy as np
from cases import Case
from draft import Draft
from flat import FlatTensor, Options
from numpy.typing import NDArray

from tinykit.codegen.layer import LowerOptions

_ACTIVATIONS = (flat.NONE, flat.RELU, flat.RELU, flat.RELU6)
_SCALES = (2.0**-20, 2.0**4)  # beyond, a later layer may be refused


def spare(seed: int) -> Case:
    """Make a graph of some layers with dead channels, and of a head that shows its output.

    Sometimes a layer more is there that nobody reads.
    """
    draft = Draft(np.random.default_rng(seed))
    rng = draft.rng
    shape = (1, int(rng.integers(3, 9)), int(rng.integers(3, 9)), int(rng.integers(1, 5)))
    ends = [draft.input(shape, 2.0 ** -float(rng.integers(4, 9)), int(rng.integers(-128, 128)))]
    ends.append(add_conv(draft, ends[-1], dead=True))
    for _ in range(rng.integers(1, 6)):
        grown = _grow(draft, ends)
        if _SCALES[0] < draft.scale(grown) < _SCALES[1]:
            ends.append(grown)
    if rng.integers(4) == 0:
        add_conv(draft, ends[int(rng.integers(len(ends)))], dead=True)
    outputs = [add_conv(draft, ends[-1], dead=False)]
    if rng.integers(2):
        outputs.append(_add_dense(draft, ends[-1]))
    optimize = ("size", "balanced", "speed")[rng.integers(3)]
    inputs = tuple(draft.values[n] for n in draft.inputs)
    options = LowerOptions(optimize, "auto")
    return Case("spare", draft.model(tuple(outputs)), inputs, options, bool(rng.integers(2)))


def _grow(draft: Draft, ends: list[int]) -> int:
    source, rng = ends[-1], draft.rng
    twins = [n for n in ends if draft.shape(n) == draft.shape(source)]
    other = twins[int(rng.integers(len(twins)))]
    choices: tuple[Callable[[], int], ...] = (
        lambda: add_conv(draft, source, dead=True),
        lambda: add_conv(draft, source, dead=True),
        lambda: add_depthwise(draft, source),
        lambda: add_depthwise(draft, source),
        lambda: _add_transposed(draft, source),
        lambda: _add_pool(draft, source, "AVERAGE_POOL_2D"),
        lambda: _add_pool(draft, source, "MAX_POOL_2D"),
        lambda: _add_curve(draft, source),
        lambda: _add_sum(draft, source, other),
        lambda: _add_shift(draft, source),
        lambda: _add_twice(draft, source),
        lambda: _add_view(draft, source),
        lambda: add_padded(draft, source),
        lambda: add_padded(draft, source),
        lambda: _add_line(draft, source),
    )
    return choices[int(rng.integers(len(choices)))]()


@dataclass(frozen=True, slots=True)
class _View:
    """Hold a window that fits; pairs are (height, width)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: int
    output: tuple[int, int]


def _view(draft: Draft, source: int, dilated: bool = True) -> _View:
    rng, padding, sizes = draft.rng, (flat.SAME, flat.VALID)[draft.rng.integers(2)], []
    for length in draft.shape(source)[1:3]:
        same = padding == flat.SAME
        kernel = int(rng.integers(1, 4 if same else min(3, length) + 1))
        dilation = int(rng.integers(1, 3)) if dilated and same else 1
        stride = int(rng.integers(1, 3))
        rest = length if same else length - (kernel - 1) * dilation
        sizes.append((kernel, stride, dilation, -(-rest // stride)))
    (k0, s0, d0, o0), (k1, s1, d1, o1) = sizes
    return _View((k0, k1), (s0, s1), (d0, d1), padding, (o0, o1))


def _weights(draft: Draft, shape: tuple[int, ...], axis: int, dead: bool) -> FlatTensor:
    """Draw weights in which about half of the outputs have none, and some inputs go nowhere."""
    rng = draft.rng
    data = rng.integers(-127, 128, shape).astype(np.int8)
    if dead:
        np.moveaxis(data, axis, 0)[rng.random(shape[axis]) < 0.5] = 0
        if axis == 0:
            data[..., rng.random(shape[-1]) < 0.25] = 0
    scales: tuple[float, ...] = (1.0,)
    if rng.integers(2):
        scales = tuple(float(s) for s in rng.uniform(0.2, 1.0, shape[axis]))
    return FlatTensor(draft.name("weights"), shape, "int8", scales, (0,) * len(scales), axis, data)


def _bias(draft: Draft, channels: int) -> NDArray[np.int32] | None:
    """Draw a bias: none, zero, or negative and positive, which ReLU turns into the zero point."""
    style, reach = draft.rng.integers(4), int(draft.rng.choice([50, 4000]))
    if style == 0:
        return None
    if style == 1:
        return np.zeros(channels, np.int32)
    return draft.rng.integers(-reach, reach, channels).astype(np.int32)


def _activation(draft: Draft) -> int:
    return _ACTIVATIONS[draft.rng.integers(len(_ACTIVATIONS))]


def add_conv(draft: Draft, source: int, dead: bool) -> int:
    """Add a CONV_2D."""
    view, outputs = _view(draft, source), int(draft.rng.integers(2, 8))
    shape = (outputs, *view.kernel, draft.shape(source)[3])
    activation = _activation(draft) if dead else flat.NONE
    options = flat.conv_options(view.stride, view.dilation, view.padding, activation)
    weights, bias = _weights(draft, shape, 0, dead), _bias(draft, outputs)
    target = (1, *view.output, outputs)
    return draft.weighted("CONV_2D", source, weights, bias, (options, activation), target)


def add_depthwise(draft: Draft, source: int) -> int:
    """Add a DEPTHWISE_CONV_2D."""
    view, multiplier = _view(draft, source), int(draft.rng.choice([1, 1, 2]))
    outputs = draft.shape(source)[3] * multiplier
    activation = _activation(draft)
    options = flat.depthwise_options(
        multiplier, view.stride, view.dilation, view.padding, activation
    )
    dead = bool(draft.rng.integers(2))
    weights, bias = _weights(draft, (1, *view.kernel, outputs), 3, dead), _bias(draft, outputs)
    target = (1, *view.output, outputs)
    return draft.weighted("DEPTHWISE_CONV_2D", source, weights, bias, (options, activation), target)


def _add_transposed(draft: Draft, source: int) -> int:
    """Add a TRANSPOSE_CONV."""
    rng, kernel, stride, size = draft.rng, [], [], []
    padding = (flat.SAME, flat.VALID)[rng.integers(2)]
    for length in draft.shape(source)[1:3]:
        kernel.append(int(rng.integers(1, 4)))
        stride.append(int(rng.integers(1, 3)))
        size.append(length * stride[-1] + (0 if padding == flat.SAME else kernel[-1] - 1))
    outputs = int(rng.integers(2, 6))
    weights = _weights(draft, (outputs, *kernel, draft.shape(source)[3]), 0, dead=True)
    options = flat.transpose_conv_options((stride[0], stride[1]), padding, flat.RELU)
    return draft.weighted(
        "TRANSPOSE_CONV",
        source,
        weights,
        _bias(draft, outputs),
        (options, flat.RELU),
        (1, *size, outputs),
    )


def _add_dense(draft: Draft, source: int) -> int:
    """Add a FULLY_CONNECTED of all places, or of the means of all channels."""
    rng, shape = draft.rng, draft.shape(source)
    if rng.integers(2):
        axes = draft.int32_constant([1, 2])
        options = flat.mean_options(keep_dims=bool(rng.integers(2)))
        means = (1, 1, 1, shape[3]) if dict(options.fields)["KeepDims"] else (1, shape[3])
        wide = draft.scale(source) * 3
        source = draft.fitted("MEAN", (source, axes), options, means, wide)
    inputs = int(np.prod(draft.shape(source)))
    weights = _weights(draft, (3, inputs), 0, dead=False)
    options = flat.dense_options(flat.NONE)
    return draft.weighted(
        "FULLY_CONNECTED", source, weights, _bias(draft, 3), (options, flat.NONE), (1, 3)
    )


def _add_pool(draft: Draft, source: int, kind: str) -> int:
    view = _view(draft, source, dilated=False)
    options = flat.pool_options(view.kernel, view.stride, view.padding, flat.NONE)
    target = moves.like(draft, source, (1, *view.output, draft.shape(source)[3]))
    return draft.apply(kind, (source,), options, target)


def _add_curve(draft: Draft, source: int) -> int:
    kind = ("RELU", "LEAKY_RELU", "QUANTIZE", "ABS")[draft.rng.integers(4)]
    options = flat.leaky_relu_options(0.3) if kind == "LEAKY_RELU" else None
    wide = draft.scale(source) * 2.2
    return draft.fitted(kind, (source,), options, draft.shape(source), wide)


def _add_sum(draft: Draft, source: int, other: int) -> int:
    wide = 4.5 * max(draft.scale(source), draft.scale(other))
    kind = ("ADD", "SUB")[draft.rng.integers(2)]
    options = flat.pair_options(kind, _activation(draft))
    return draft.fitted(kind, (source, other), options, draft.shape(source), wide)


def _add_shift(draft: Draft, source: int) -> int:
    """Add an ADD of a constant for each channel, or of one for all."""
    shape = draft.shape(source)
    bare = ((shape[3],), (1,), shape)[draft.rng.integers(3)]
    zero_point = int(draft.rng.integers(-128, 128))
    constant = draft.constant(bare, draft.scale(source), zero_point)
    inputs = (source, constant) if draft.rng.integers(2) else (constant, source)
    wide = 4.5 * draft.scale(source)
    return draft.fitted("ADD", inputs, flat.pair_options("ADD", flat.NONE), shape, wide)


def _add_twice(draft: Draft, source: int) -> int:
    """Add a CONCATENATION of a tensor and a convolution of it, or itself, on any axis."""
    shape, axis = list(draft.shape(source)), int(draft.rng.integers(1, 4))
    shape[axis] *= 2
    options = Options("ConcatenationOptions", (("Axis", axis - 4 * int(draft.rng.integers(2))),))
    target = moves.like(draft, source, tuple(shape))
    return draft.apply("CONCATENATION", (source, source), options, target)


def _add_view(draft: Draft, source: int) -> int:
    """Add a RESHAPE that leaves an image, sometimes with other channels."""
    _, height, width, channels = draft.shape(source)
    shapes = [(1, width, height, channels), (1, 1, height * width, channels)]
    if width % 2 == 0:
        shapes.append((1, height, width // 2, 2 * channels))
    if channels % 2 == 0:
        shapes.append((1, 2 * height, width, channels // 2))
    shape = shapes[draft.rng.integers(len(shapes))]
    inputs = (source, draft.int32_constant(shape))
    target = moves.like(draft, source, shape)
    return draft.apply("RESHAPE", inputs, Options("ReshapeOptions"), target)


def add_padded(draft: Draft, source: int) -> int:
    """Add a PAD or PADV2 of height and width, at times beyond a window, and most often a reader."""
    rng = draft.rng
    _, height, width, channels = draft.shape(source)
    pads = rng.integers(0, rng.choice([2, 3, 6]), 4)
    shape = (1, int(height + pads[:2].sum()), int(width + pads[2:].sum()), channels)
    data = np.array([0, 0, *pads, 0, 0], np.int32).reshape(4, 2)
    inputs = [source, draft.add(FlatTensor(draft.name("pads"), (4, 2), "int32", data=data))]
    if rng.integers(2):
        twin = draft.tensors[source]
        value = np.array([rng.choice([twin.zero_points[0], -128, 5])], np.int8)
        inputs.append(draft.add(replace(twin, name=draft.name("v"), shape=(1,), data=value)))
    target = moves.like(draft, source, shape)
    padded = draft.apply(("PAD", "PADV2")[len(inputs) - 2], tuple(inputs), None, target)
    readers: tuple[Callable[[], int], ...] = (
        lambda: add_conv(draft, padded, dead=True),
        lambda: add_depthwise(draft, padded),
        lambda: _add_pool(draft, padded, "MAX_POOL_2D"),
        lambda: padded,
    )
    return readers[int(rng.integers(len(readers)))]()


def _add_line(draft: Draft, source: int) -> int:
    """Add what converters make of a causal Conv1D: PAD, a view as an image, CONV_2D."""
    _, height, width, channels = draft.shape(source)
    before, behind = draft.rng.integers(0, 4, 2).tolist()
    line = moves.like(draft, source, (1, height * width, channels))
    numbers = draft.int32_constant(line.shape)
    source = draft.apply("RESHAPE", (source, numbers), Options("ReshapeOptions"), line)
    pads = np.array([[0, 0], [before, behind], [0, 0]], np.int32)
    numbers = draft.add(FlatTensor(draft.name("pads"), (3, 2), "int32", data=pads))
    length = height * width + before + behind
    target = moves.like(draft, source, (1, length, channels))
    source = draft.apply("PAD", (source, numbers), None, target)
    axis = int(draft.rng.integers(1, 3))
    shape = (1, length, 1, channels) if axis == 2 else (1, 1, length, channels)
    image = moves.like(draft, source, shape)
    if draft.rng.integers(2):
        source = draft.apply("EXPAND_DIMS", (source, draft.int32_constant([axis])), None, image)
    else:
        numbers = draft.int32_constant(shape)
        source = draft.apply("RESHAPE", (source, numbers), Options("ReshapeOptions"), image)
    return add_conv(draft, source, dead=True)
