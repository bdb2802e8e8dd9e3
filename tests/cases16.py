"""Hypothesis strategies of models whose activations are int16."""

import cases
import flat
import moves
import numpy as np
from cases import Case, Draw
from draft import Draft
from flat import FlatTensor
from hypothesis import strategies as st

DTYPE = "int16"
_ONE = 2.0**-15  # the scale of what lies between -1 and 1


def _draft(draw: Draw) -> Draft:
    return Draft(np.random.default_rng(draw(st.integers(0, 2**32 - 1))), DTYPE)


def _input(draft: Draft, shape: tuple[int, ...]) -> int:
    return draft.input(shape, cases._scale(draft, 2.0**-18, 2.0**-11), 0)


@st.composite
def conv(draw: Draw) -> Case:
    """Draw a CONV_2D; one in three has more than 256 inputs, so several parts of a sum."""
    draft = _draft(draw)
    channels = draw(st.one_of(st.integers(1, 6), st.sampled_from((4, 6)), st.integers(29, 70)))
    source = _input(draft, (cases._batch(draw), *cases._image(draw), channels))
    return cases._case(draw, "CONV_2D", draft, (cases.add_conv(draw, draft, source),))


@st.composite
def depthwise(draw: Draw) -> Case:
    """Draw a DEPTHWISE_CONV_2D."""
    draft = _draft(draw)
    source = _input(draft, (cases._batch(draw), *cases._image(draw), draw(st.integers(1, 6))))
    target = cases.add_depthwise(draw, draft, source)
    return cases._case(draw, "DEPTHWISE_CONV_2D", draft, (target,))


@st.composite
def dense(draw: Draw) -> Case:
    """Draw a FULLY_CONNECTED with inputs of 2 to 4 dimensions, some across segments."""
    draft = _draft(draw)
    last = draw(st.one_of(st.integers(1, 40), st.sampled_from((255, 256, 257, 511, 512, 700))))
    source = _input(draft, (1, *draw(st.sampled_from(((), (), (3,), (2, 2)))), last))
    return cases._case(draw, "FULLY_CONNECTED", draft, (cases.add_dense(draw, draft, source),))


def pool(kind: str) -> st.SearchStrategy[Case]:
    """Draw a pool."""

    @st.composite
    def drawn(draw: Draw) -> Case:
        draft = _draft(draw)
        shape = (cases._batch(draw), *cases._image(draw), draw(st.integers(1, 5)))
        # such that ReLU6 has work to do
        source = draft.input(shape, cases._scale(draft, 2.0**-14, 2.0**-11), 0)
        return cases._case(draw, kind, draft, (cases.add_pool(draw, draft, source, kind),))

    return drawn()


def reduction(kind: str) -> st.SearchStrategy[Case]:
    """Draw a MEAN or SUM of an input of 2 to 6 dimensions."""

    @st.composite
    def drawn(draw: Draw) -> Case:
        draft = _draft(draw)
        rank = draw(st.integers(2, 5))
        high = 7 if rank < 5 else 4
        shape = (1, *(draw(st.integers(1, high)) for _ in range(rank - 1)))
        source = _input(draft, (2, 3, 2, 2, 3, 2) if draft.rng.integers(4) == 0 else shape)
        return cases._case(draw, kind, draft, (cases.add_mean(draw, draft, source, kind),))

    return drawn()


def pair(kind: str) -> st.SearchStrategy[Case]:
    """Draw an operator of two tensors: of one shape, repeated, constant, or one tensor twice."""

    @st.composite
    def drawn(draw: Draw) -> Case:
        draft = _draft(draw)
        shape = (1, *(draw(st.integers(1, 5)) for _ in range(draw(st.integers(1, 4)))))
        shapes = cases._repeated(draw, shape)
        first = draft.input(shapes[0], cases._scale(draft, 2.0**-14, 2.0**-12), 0)
        scale = float(np.float32(draft.scale(first) * 2.0 ** draft.rng.uniform(-3, 3)))
        which = draw(st.sampled_from(("input", "input", "constant", "itself")))
        second, result = first, shapes[0]
        if which != "itself":
            add_tensor = draft.constant if which == "constant" else draft.input
            second = add_tensor(shapes[1], scale, 0)
            result = np.broadcast_shapes(*shapes)
        inputs = (second, first) if draw(st.booleans()) else (first, second)
        target = cases.add_pair(draw, draft, kind, inputs, result)
        return cases._case(draw, kind, draft, (target,))

    return drawn()


@st.composite
def softmax(draw: Draw) -> Case:
    """Draw a SOFTMAX of one or several rows; scales from flat to one-hot."""
    draft = _draft(draw)
    rows = draw(st.sampled_from(((), (), (3,), (2, 3))))
    shape = (1, *rows, draw(st.one_of(st.integers(2, 20), st.integers(2, 300))))
    source = draft.input(shape, cases._scale(draft, 2.0**-18, 2.0**-11), 0)
    target = FlatTensor(draft.name("t"), shape, DTYPE, (_ONE,), (0,))
    options = flat.softmax_options(draw(st.sampled_from((1.0, 1.0, 0.5, 0.1, 3.0))))
    return cases._case(
        draw, "SOFTMAX", draft, (draft.apply("SOFTMAX", (source,), options, target),)
    )


def curve(kind: str, low: float, high: float) -> st.SearchStrategy[Case]:
    """Draw an operator of one value, with the scales of the input."""

    @st.composite
    def drawn(draw: Draw) -> Case:
        draft = _draft(draw)
        scale = draw(st.sampled_from((0.0, 0.0, 2.0**-13, 2.0**-12, 2.0**-11)))
        shape = (1, 300)
        source = draft.input(shape, scale or cases._scale(draft, low, high), 0)
        if kind in ("LOGISTIC", "TANH"):
            target = FlatTensor(draft.name("t"), shape, DTYPE, (_ONE,), (0,))
            result = draft.apply(kind, (source,), None, target)
        elif kind == "RELU6":
            result = draft.apply(kind, (source,), None, cases._like(draft, source, shape))
        else:
            result = cases.add_curve(draw, draft, source, kind)
        return cases._case(draw, kind, draft, (result,))

    return drawn()


@st.composite
def quantize(draw: Draw) -> Case:
    """Draw a QUANTIZE from float with halves and extremes, or from or to int8 or int16."""
    draft = _draft(draw)
    way = draw(st.sampled_from(("float", "same", "narrow", "widen")))
    scale = cases._scale(draft, 2.0**-20, 2.0**3)
    if way == "float":
        values = cases._floats(draft.rng, scale, 0, DTYPE)
        source = draft.float_input((1, 64), values)
        target = FlatTensor(draft.name("t"), (1, 64), DTYPE, (scale,), (0,))
        result = draft.apply("QUANTIZE", (source,), None, target)
        return cases._case(draw, "QUANTIZE", draft, (result,))
    if way == "widen":
        draft.dtype = "int8"
    source = draft.input((1, 64), scale, cases._zero_point(draw) if way == "widen" else 0)
    draft.dtype = "int8" if way == "narrow" else DTYPE
    wide = scale * 2.2 * (2**8 if way == "narrow" else 2**-8 if way == "widen" else 1)
    result = draft.fitted("QUANTIZE", (source,), None, (1, 64), wide)
    return cases._case(draw, "QUANTIZE", draft, (result,))


@st.composite
def dequantize(draw: Draw) -> Case:
    """Draw a DEQUANTIZE."""
    draft = _draft(draw)
    source = draft.input((1, 64), cases._scale(draft, 2.0**-140, 2.0**110), 0)
    target = FlatTensor(draft.name("t"), (1, 64), "float32")
    result = draft.apply("DEQUANTIZE", (source,), None, target)
    return cases._case(draw, "DEQUANTIZE", draft, (result,))


def move(kind: str) -> st.SearchStrategy[Case]:
    """Draw an operator that moves elements, between layers that keep it from being a view."""
    add_move, _, ranks = moves.MOVES[kind]

    @st.composite
    def drawn(draw: Draw) -> Case:
        draft = _draft(draw)
        source, quantized = _input(draft, moves.shapes(draw, *ranks)), draw(st.booleans())
        if quantized:
            source = cases.add_quantize(draft, source)
        outputs = add_move(draw, draft, source)
        if not quantized or draw(st.booleans()):
            outputs = tuple(cases.add_quantize(draft, number) for number in outputs)
        return cases._case(draw, kind, draft, outputs)

    return drawn()


_CURVES = {  # the scales of the input
    "LEAKY_RELU": (2.0**-18, 2.0**-11),
    "LOGISTIC": (2.0**-18, 2.0**-10),
    "RELU": (2.0**-18, 2.0**-11),
    "RELU6": (2.0**-14, 2.0**-11),
    "TANH": (2.0**-18, 2.0**-10),
}
_PAIRS = ("ADD", "MAXIMUM", "MINIMUM", "MUL", "SQUARED_DIFFERENCE", "SUB")
_MOVES = (
    "CONCATENATION",
    "EXPAND_DIMS",
    "PACK",
    "PAD",
    "PADV2",
    "RESIZE_NEAREST_NEIGHBOR",
    "SLICE",
    "SPLIT",
    "SPLIT_V",
    "SQUEEZE",
    "STRIDED_SLICE",
    "TRANSPOSE",
    "UNPACK",
)

STRATEGIES: dict[str, st.SearchStrategy[Case]] = {
    **{kind: curve(kind, *scales) for kind, scales in _CURVES.items()},
    **{kind: move(kind) for kind in _MOVES},
    **{kind: pair(kind) for kind in _PAIRS},
    "AVERAGE_POOL_2D": pool("AVERAGE_POOL_2D"),
    "CONV_2D": conv(),
    "DEPTHWISE_CONV_2D": depthwise(),
    "DEQUANTIZE": dequantize(),
    "FULLY_CONNECTED": dense(),
    "MAX_POOL_2D": pool("MAX_POOL_2D"),
    "MEAN": reduction("MEAN"),
    "QUANTIZE": quantize(),
    "SOFTMAX": softmax(),
    "SUM": reduction("SUM"),
}
