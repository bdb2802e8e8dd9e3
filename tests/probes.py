"""Layers of one operator each, made of a seed, whose weights may be stored in several ways."""

from collections.abc import Iterator
from dataclasses import dataclass

import flat
import numpy as np
from flat import FlatModel, FlatOperator, FlatTensor, Options
from numpy.typing import NDArray

_SCALE, _WEIGHT_SCALE = 0.05, 0.01
_ZEROS = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_KERNELS = ((1, 1), (1, 1), (3, 3), (3, 3), (3, 1), (2, 5), (5, 5))
_LARGE = 1 << 23
_MOST_MACS = 400_000


@dataclass(frozen=True, slots=True)
class Style:
    """Hold what a layer may be whatever it computes.

    Attributes:
        dtype: of activations.
        odd: sums are scaled up.
        large: sums are too large for rows to be joined.
        few: weights have 16 values.
        books: rows have so many different ones.
    """

    dtype: str = "int8"
    odd: bool = False
    large: bool = False
    few: bool = False
    books: int = 1


@dataclass(frozen=True, slots=True)
class Probe:
    """Hold what a layer looks like, beside its weights."""

    kind: str
    image: tuple[int, ...]
    weights: tuple[int, ...]
    target: tuple[int, ...]
    options: Options
    style: Style
    per_channel: bool = True
    clipped: bool = False


PLAIN, ODD, WIDE, LARGE = Style(), Style(odd=True), Style("int16"), Style(large=True)
FEW, FEW_ODD, FEW_EACH = Style(few=True), Style(odd=True, few=True), Style(few=True, books=3)


def probes(seed: int) -> Iterator[FlatModel]:
    """Make models of each kind."""
    rng = np.random.default_rng(seed)
    for draw, style, count in (
        (_dense, PLAIN, 16), (_dense, ODD, 14), (_dense, WIDE, 10),
        (_conv, PLAIN, 40), (_conv, ODD, 16), (_conv, WIDE, 16),
        (_grouped, PLAIN, 16), (_grouped, ODD, 8), (_grouped, WIDE, 12),
        (_transposed, PLAIN, 16), (_transposed, ODD, 8), (_lstm, PLAIN, 20),
        (_dense, LARGE, 10), (_conv, LARGE, 30),
        (_dense, FEW, 20), (_dense, FEW_ODD, 12),
        (_conv, FEW, 16), (_conv, FEW_ODD, 8), (_dense, FEW_EACH, 20), (_conv, FEW_EACH, 16),
    ):  # fmt: skip
        for _ in range(count):
            yield draw(rng, style)


def _pick(rng: np.random.Generator, *values: int) -> int:
    return int(rng.choice(values))


def _dense(rng: np.random.Generator, style: Style) -> FlatModel:
    inputs = _pick(rng, 8, 30, 64, 100, 127, 128, 250, 256, 400, 640)
    outputs = _pick(rng, 1, 3, 4, 8, 10, 16, 30, 64, 100)
    probe = Probe(
        "FULLY_CONNECTED",
        (1, inputs),
        (outputs, inputs),
        (1, outputs),
        flat.dense_options(),
        style,
        *_either(rng),
    )
    return model(rng, probe)


def _conv(rng: np.random.Generator, style: Style, groups: int = 1) -> FlatModel:
    while True:
        height, width = (_pick(rng, 4, 6, 8, 9, 12, 16) for _ in range(2))
        channels = groups * _pick(rng, 1, 3, 4, 8, 16, 24, 30, 64)
        outputs = groups * _pick(rng, 2, 3, 4, 8, 10, 16, 32, 64)
        kernel = _KERNELS[rng.integers(len(_KERNELS))]
        stride = _pick(rng, 1, 1, 2)
        same = bool(rng.integers(2)) or min(height, width) < 5
        rest = [n if same else n - k + 1 for n, k in zip((height, width), kernel, strict=True)]
        out = [-(-n // stride) for n in rest]
        weights = (outputs, *kernel, channels // groups)
        if 20_000 < int(np.prod(weights)) * out[0] * out[1] < _MOST_MACS:
            break
    padding = flat.SAME if same else flat.VALID
    probe = Probe(
        "CONV_2D",
        (1, height, width, channels),
        weights,
        (1, *out, outputs),
        flat.conv_options((stride, stride), (1, 1), padding),
        style,
        *_either(rng),
    )
    return model(rng, probe)


def _grouped(rng: np.random.Generator, style: Style) -> FlatModel:
    return _conv(rng, style, groups=_pick(rng, 2, 4))


def _transposed(rng: np.random.Generator, style: Style) -> FlatModel:
    side, channels, outputs = _pick(rng, 3, 4, 6), _pick(rng, 4, 8, 16), _pick(rng, 4, 8, 16)
    kernel, stride = _pick(rng, 1, 2, 3, 4), _pick(rng, 1, 2)
    probe = Probe(
        "TRANSPOSE_CONV",
        (1, side, side, channels),
        (outputs, kernel, kernel, channels),
        (1, side * stride, side * stride, outputs),
        flat.transpose_conv_options((stride, stride), flat.SAME, flat.NONE),
        style,
    )
    return model(rng, probe)


def _either(rng: np.random.Generator) -> tuple[bool, bool]:
    """Tell whether a layer has one scale a channel, and is clipped."""
    return bool(rng.integers(2)), bool(rng.integers(2))


def _weights(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.int8]:
    values = rng.integers(-127, 128, shape).astype(np.int8)
    values[rng.random(shape) < _ZEROS[rng.integers(len(_ZEROS))]] = 0
    return values


def model(rng: np.random.Generator, probe: Probe) -> FlatModel:
    """Make a layer with random weights, and scales that fit them."""
    values = _weights(rng, probe.weights)
    if probe.style.few:
        values &= -16
        places = np.arange(len(values)) % probe.style.books
        values += places.reshape(-1, *[1] * (values.ndim - 1)).astype(np.int8)
    taps = values.size / len(values)
    scales = (_WEIGHT_SCALE,) * (len(values) if probe.per_channel else 1)
    steps = 0.5 if probe.style.odd else 40.0 * float(np.sqrt(taps))
    bias = rng.integers(-500, 500, len(values))
    bias[1::2] += _LARGE if probe.style.large else 0
    dtype = probe.style.dtype
    narrow = dtype == "int8"
    zero = 9 if narrow and probe.clipped else -128 if narrow else 0
    tensors = [
        FlatTensor("in", probe.image, dtype, (_SCALE,), (3 if narrow else 0,)),
        FlatTensor("w", probe.weights, "int8", scales, (0,) * len(scales), data=values),
        FlatTensor(
            "b",
            bias.shape,
            "int32" if narrow else "int64",
            tuple(_SCALE * scale for scale in scales),
            (0,) * len(scales),
            data=bias.astype(np.int32 if narrow else np.int64),
        ),
        FlatTensor(
            "out", probe.target, probe.style.dtype, (_SCALE * _WEIGHT_SCALE * steps,), (zero,)
        ),
    ]
    inputs: tuple[int, ...] = (0, 1, 2)
    if probe.kind == "TRANSPOSE_CONV":
        tensors.append(FlatTensor("shape", (4,), "int32", data=np.array(probe.target, np.int32)))
        inputs = (4, 1, 0, 2)
    options = _with_activation(probe) if probe.clipped else probe.options
    operator = FlatOperator(probe.kind, inputs, (3,), options)
    return FlatModel(tuple(tensors), (operator,), (0,), (3,))


def _with_activation(probe: Probe) -> Options:
    fields = dict(probe.options.fields) | {"FusedActivationFunction": flat.RELU}
    return Options(probe.options.table, tuple(fields.items()))


def _lstm(rng: np.random.Generator, _style: Style) -> FlatModel:
    steps, inputs, units = (_pick(rng, *n) for n in ((3, 8), (4, 9, 30, 60), (4, 10, 16, 32)))
    tensors = [FlatTensor("in", (1, steps, inputs), "int8", (_SCALE,), (3,))]
    zeros = _ZEROS[rng.integers(len(_ZEROS))]
    for length in (inputs, units):
        for _ in range(4):
            data = rng.integers(-127, 128, (units, length)).astype(np.int8)
            data[rng.random(data.shape) < zeros] = 0
            shape = (units, length)
            tensors.append(FlatTensor(f"w{len(tensors)}", shape, "int8", (0.002,), (0,), data=data))
    for _ in range(4):
        bias = rng.integers(-600, 600, units).astype(np.int32)
        scale = (_SCALE * 0.002,)
        tensors.append(FlatTensor(f"b{len(tensors)}", (units,), "int32", scale, (0,), data=bias))
    tensors += [
        FlatTensor("hidden", (1, units), "int8", (1 / 128,), (0,), variable=True),
        FlatTensor("cell", (1, units), "int16", (2.0**-11,), (0,), variable=True),
        FlatTensor("out", (1, steps, units), "int8", (1 / 128,), (0,)),
    ]
    numbers = (0, *range(1, 9), -1, -1, -1, *range(9, 13), -1, -1, 13, 14, -1, -1, -1, -1)
    options = flat.lstm_options(0.0, time_major=False)
    operator = FlatOperator("UNIDIRECTIONAL_SEQUENCE_LSTM", numbers, (15,), options)
    return FlatModel(tuple(tensors), (operator,), (0,), (15,))
