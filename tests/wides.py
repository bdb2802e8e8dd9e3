"""Hypothesis strategies of operators on float32 and int32, which have no scales."""

from collections.abc import Callable

import flat
import numpy as np
from draft import SAMPLES, Array, Draft
from flat import FlatTensor, Options
from hypothesis import assume
from hypothesis import strategies as st
from numpy.typing import NDArray

Draw = st.DrawFn
Shape = tuple[int, ...]
Add = Callable[[Draw, Draft], int]

_ACTIVATIONS = (flat.NONE, flat.NONE, flat.RELU, flat.RELU6, flat.RELU_N1_TO_1)
_FUSED = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions"}
_LIMITS = np.finfo(np.float32)
_TINY = (_LIMITS.smallest_normal, _LIMITS.smallest_subnormal, -3e-42)
_PLAIN = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, 6.0)
SPECIAL = np.array([*_PLAIN, *_TINY, np.inf, -np.inf, np.nan, _LIMITS.max, _LIMITS.min], np.float32)


def shape(draw: Draw, most: int = 5) -> Shape:
    """Draw a shape with a batch of one."""
    return (1, *(draw(st.integers(1, 4)) for _ in range(draw(st.integers(1, most - 1)))))


def floats(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    """Make floats of all sizes, mostly near 1, some of them special or on a coarse grid."""
    values = rng.normal(size=count) * 2.0 ** rng.choice([0, 0, 1, 3, -100, 60, -140], count)
    values = np.where(rng.random(count) < 0.3, rng.integers(-9, 10, count) / 2, values)
    values = values.astype(np.float32)
    return np.where(rng.random(count) < 0.15, rng.choice(SPECIAL, count), values)


def integers(rng: np.random.Generator, count: int) -> NDArray[np.int32]:
    """Make integers near 0, with some beyond 16 bits, whose products wrap."""
    small = rng.integers(-12, 13, count)
    return np.where(rng.random(count) < 0.2, rng.integers(-(2**31), 2**31, count), small).astype(
        np.int32
    )


def _values(draft: Draft, dtype: str, count: int) -> Array:
    if dtype == "bool":
        return draft.rng.integers(0, 2, count).astype(np.bool_)
    return floats(draft.rng, count) if dtype == "float32" else integers(draft.rng, count)


def source(draw: Draw, draft: Draft, dtype: str, lengths: Shape, nonzero: bool = False) -> int:
    """Add an input, or one time in three a constant."""
    constant = draw(st.integers(0, 2)) == 0
    wanted = lengths if constant else (SAMPLES, *lengths[1:])
    values = _values(draft, dtype, int(np.prod(wanted))).reshape(wanted)
    if nonzero:  # TFLM divides an int32 by 0, or the least one by -1, and crashes
        values = np.where((values == 0) | (values == -1), 7, values).astype(dtype)
    if constant:
        return draft.add(FlatTensor(draft.name("c"), lengths, dtype, data=values))
    return draft.input_of(lengths, dtype, values)


def pair_of(draw: Draw, draft: Draft, kind: str, dtype: str) -> tuple[tuple[int, int], Shape]:
    """Draw two sources that broadcast, not both of them constant, and the shape of the result."""
    whole = shape(draw, 4 if kind == "PRELU" else 5)
    owners = [draw(st.sampled_from(("both", "both", "left", "right"))) for _ in whole]
    shapes = [
        tuple(1 if owner == other else n for owner, n in zip(owners, whole, strict=True))
        for other in ("right", "left")
    ]
    left = source(draw, draft, dtype, shapes[0])
    nonzero = kind == "DIV" and dtype == "int32"
    right = source(draw, draft, dtype, shapes[1], nonzero)
    if not draft.inputs:
        values = _values(draft, dtype, SAMPLES * int(np.prod(shapes[0])))
        left = draft.input_of(shapes[0], dtype, values.reshape(SAMPLES, *shapes[0][1:]))
    return (left, right), np.broadcast_shapes(*shapes)


def pair(kind: str, dtype: str) -> Add:
    """Add an operator of two values."""

    def add(draw: Draw, draft: Draft) -> int:
        inputs, target = pair_of(draw, draft, kind, dtype)
        options = None
        if kind in _FUSED:
            activation = draw(st.sampled_from(_ACTIVATIONS))
            options = Options(_FUSED[kind], (("FusedActivationFunction", activation),))
        return draft.apply(kind, inputs, options, FlatTensor(draft.name("t"), target, dtype))

    return add


def one(kind: str) -> Add:
    """Add an operator of one float32 value."""

    def add(draw: Draw, draft: Draft) -> int:
        lengths = shape(draw)
        number = draft.float_input(lengths, floats(draft.rng, SAMPLES * int(np.prod(lengths))))
        options = None
        if kind == "LEAKY_RELU":
            options = flat.leaky_relu_options(draw(st.sampled_from((0.1, 0.3, 0.0, 1.0, -1.75))))
        return draft.apply(
            kind, (number,), options, FlatTensor(draft.name("t"), lengths, "float32")
        )

    return add


def add_cumsum(draw: Draw, draft: Draft) -> int:
    """Add a CUMSUM along any axis."""
    lengths = shape(draw, 4)
    number = draft.float_input(lengths, floats(draft.rng, SAMPLES * int(np.prod(lengths))))
    axis = draft.int32_constant([draw(st.integers(-len(lengths), len(lengths) - 1))])
    flags = tuple((name, draw(st.booleans())) for name in ("Exclusive", "Reverse"))
    options = Options("CumsumOptions", flags)
    return draft.apply("CUMSUM", (number, axis), options, _float(draft, lengths))


def add_island(draw: Draw, draft: Draft) -> int:
    """Add what a converter leaves as floats in an int8 model, between DEQUANTIZE and QUANTIZE."""
    lengths = shape(draw, 4)
    number = draft.input(lengths, 2.0**-5, draw(st.integers(-128, 127)))
    number = draft.apply("DEQUANTIZE", (number,), None, _float(draft, lengths))
    for kind in draw(st.lists(st.sampled_from(("ADD", "MUL", "SQRT", "RSQRT")), max_size=4)):
        inputs = (number,)
        if kind in _FUSED:
            data = draft.rng.normal(size=lengths[-1:]).astype(np.float32)
            other = FlatTensor(draft.name("c"), data.shape, "float32", data=data)
            inputs = (number, draft.add(other))
        else:
            number = draft.apply("ABS", (number,), None, _float(draft, lengths))
            inputs = (number,)
        options = Options(_FUSED[kind]) if kind in _FUSED else None
        number = draft.apply(kind, inputs, options, _float(draft, lengths))
    assume(bool(np.all(np.abs(draft.values[number]) < 2.0**24)))  # beyond, TFLM is undefined
    target = FlatTensor(draft.name("t"), lengths, "int8", (2.0**-5,), (draw(st.integers(-9, 9)),))
    return draft.apply("QUANTIZE", (number,), None, target)


def _float(draft: Draft, lengths: Shape) -> FlatTensor:
    return FlatTensor(draft.name("t"), lengths, "float32")


_BOTH = ("ADD", "DIV", "MAXIMUM", "MINIMUM", "MUL", "SQUARED_DIFFERENCE", "SUB")
_ONES = "ABS CEIL FLOOR LEAKY_RELU NEG RELU RELU6 ROUND RSQRT SQRT SQUARE".split()

# By the operator's name, with a type behind it where cases.py has another strategy.
WIDES: dict[str, Add] = {
    **{f"{kind} {dtype}": pair(kind, dtype) for kind in _BOTH for dtype in ("float32", "int32")},
    "PRELU float32": pair("PRELU", "float32"),
    **{f"{kind} float32": one(kind) for kind in _ONES},
    "CUMSUM float32": add_cumsum,
    "QUANTIZE island": add_island,
}
