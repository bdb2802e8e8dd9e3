"""Random graphs of many operators: branches, skips, states, several inputs and outputs."""

from collections.abc import Callable
from dataclasses import replace

import blocked
import cases
import cases16
import moves
import numpy as np
from cases import Case, Draw
from draft import Draft
from flat import FlatTensor
from hypothesis import assume, reject
from hypothesis import strategies as st

from tinykit.core.errors import TinykitError

_MANY = 600  # elements: beyond, nothing is made larger
_MOST_AXES = 4
_MOST_SAMPLES = 4  # that a window takes one by one
_VIEWS = ("EXPAND_DIMS", "FILL", "RESHAPE", "SHAPE", "SQUEEZE")
_LARGER = ("BROADCAST_TO", "CONCATENATION", "DEPTH_TO_SPACE", "PACK", "PAD", "PADV2", "MIRROR_PAD")
_CURVES = ("ABS", "ELU", "HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "RELU", "RELU6", "TANH")
_NEEDS_BATCH_OF_ONE = ("CONCATENATION", "GATHER", "GATHER_ND", "PACK")

Choices = dict[str, Callable[[], int | tuple[int, ...]]]


@st.composite
def graph(draw: Draw) -> Case:
    """Draw a graph of 3 to 12 layers."""
    draft = cases._draft(draw)
    ends = [_input(draw, draft) for _ in range(draw(st.integers(1, 2)))]
    for _ in range(draw(st.integers(3, 12))):
        ends += _grow(draw, draft, ends)
    assume(any(o.kind not in (*_VIEWS, *moves.MOVES) for o in draft.operators))
    read = {n for operator in draft.operators for n in operator.inputs}
    made = [n for n in ends if n not in draft.inputs]
    outputs = [*(n for n in made if n not in read), int(draft.rng.choice(made))]
    if draft.rng.integers(5) == 0:  # an output that is an input
        outputs.append(int(draft.rng.choice(draft.inputs)))
    return cases._case(draw, "graph", draft, tuple(dict.fromkeys(outputs)))


def _input(draw: Draw, draft: Draft) -> int:
    """Add an input: mostly an image, else a sequence or a vector."""
    channels = draw(st.integers(1, 4))
    inner = draw(st.sampled_from((cases._image(draw), cases._image(draw), (5,), ())))
    shape = (1, *inner, channels if inner else 4 * channels)
    return draft.input(shape, cases._scale(draft), cases._zero_point(draw))


def _grow(draw: Draw, draft: Draft, ends: list[int]) -> tuple[int, ...]:
    """Add one layer behind a tensor, more often a late one."""
    able = [n for n in ends if _choices(draw, draft, n, ends)]
    late = draft.rng.integers(3) and ends[-1] in able
    source = ends[-1] if late else int(draft.rng.choice(able))
    choices = _choices(draw, draft, source, ends)
    chosen = choices[draft.rng.choice(sorted(choices))]  # hypothesis likes the first too well
    try:
        added = chosen()
    except TinykitError:  # values that hardly differ lead to scales outside of an operator's
        reject()
    return (added,) if isinstance(added, int) else added


def _choices(draw: Draw, draft: Draft, source: int, ends: list[int]) -> Choices:
    """Return what can stand behind a tensor, by its type and shape."""
    found = _moves(draw, draft, source)
    tensor = draft.tensors[source]
    if tensor.dtype == "float32":
        return {**found, "back": lambda: _back(draw, draft, source)}
    if tensor.dtype != "int8" or len(tensor.shape) < 2:
        return found
    found |= _values(draw, draft, source, ends) | _products(draw, draft, source)
    found |= _reductions(draw, draft, source)
    if len(tensor.shape) == 4 and tensor.shape[0] <= _MOST_SAMPLES:
        found |= _images(draw, draft, source)
    if len(tensor.shape) == 3 and 1 in tensor.shape[:2]:
        found["lstm"] = lambda: cases.add_lstm(draw, draft, source, draw(st.integers(1, 6)))
    if len(tensor.shape) == 2 and tensor.shape[0] == 1:
        found["svdf"] = lambda: cases.add_svdf(draw, draft, source)
    return found


def _moves(draw: Draw, draft: Draft, source: int) -> Choices:
    shape, dtype = draft.shape(source), draft.tensors[source].dtype
    found: Choices = {}
    for kind, (add, dtypes, (least, most)) in moves.MOVES.items():
        fits = least <= len(shape) <= min(most, _MOST_AXES) and dtype in dtypes
        large = np.prod(shape) > _MANY and kind in _LARGER
        if fits and not large and (shape[0] == 1 or kind not in _NEEDS_BATCH_OF_ONE):
            found[kind] = lambda add=add: add(draw, draft, source)
    return found


def _values(draw: Draw, draft: Draft, source: int, ends: list[int]) -> Choices:
    """Return the operators that look at one value, or at two in one place."""
    shape, scale = draft.shape(source), draft.scale(source)
    twins = [n for n in ends if draft.shape(n) == shape and draft.tensors[n].dtype == "int8"]
    alike = [n for n in twins if cases.one_scale(draft, n, source)] * 2
    float_ = FlatTensor(draft.name("t"), shape, "float32")
    found: Choices = {
        "add again": lambda: _skip(draw, draft, source, twins[-1]),
        "add": lambda: _skip(draw, draft, source, draw(st.sampled_from(twins))),
        "constant": lambda: _shifted(draw, draft, source),
        "quantize": lambda: cases.add_quantize(draft, source),
        "reshape": lambda: cases.add_reshape(draw, draft, source),
        "shape": lambda: cases.add_shape(draw, draft, source),
        "dequantize": lambda: draft.apply("DEQUANTIZE", (source,), None, float_),
    }
    if len(shape) <= 4 and shape[-1] > 1:
        found["normalize"] = lambda: cases.add_l2_normalization(draft, source)
    if 2.0**-14 < scale < 2.0:
        found["running"] = lambda: cases.add_cumsum(draw, draft, source)
        found["add n"] = lambda: cases.add_sum(draw, draft, (source, *alike))
    for kind in _CURVES:
        low, high = cases._CURVE_SCALES[kind]
        if low <= scale <= high or kind not in ("HARD_SWISH", "RELU6"):
            found[kind] = lambda kind=kind: cases.add_curve(draw, draft, source, kind)
    if draft.tensors[source].zero_points == (-128,) and 2.0**-16 < scale < 4:
        found["RSQRT"] = lambda: _root(draft, source)
    if shape[-1] > 1:
        found["softmax"] = lambda: cases.add_softmax(draw, draft, source)
    if shape[-1] > 1 and 2.0**-20 < scale < 8:
        found["log softmax"] = lambda: cases.add_log_softmax(draft, source)
    if shape[0] == 1 and np.prod(shape) <= _MANY:
        found["fill"] = lambda: cases.add_fill(draw, draft, source)
    return found


def _products(draw: Draw, draft: Draft, source: int) -> Choices:
    shape, scale = draft.shape(source), draft.scale(source)
    found: Choices = {"dense": lambda: cases.add_dense(draw, draft, source)}
    if 2.0**-14 < scale < 2.0:
        turned = draw(st.booleans())
        found["itself"] = lambda: cases.add_matmul(draft, (source, source), (turned, not turned))
        found["matrix"] = lambda: cases.add_matmul(
            draft, (source, _constant(draw, draft, (shape[-1], 3), scale)), (False, False)
        )
    return found


def _reductions(draw: Draw, draft: Draft, source: int) -> Choices:
    found: Choices = {}
    for kind in ("MEAN", "SUM"):
        found[kind] = lambda kind=kind: cases.add_mean(draw, draft, source, kind)
    for kind in ("REDUCE_MAX", "REDUCE_MIN"):
        found[kind] = lambda kind=kind: cases.add_extreme(draw, draft, source, kind)
    for kind in ("ARG_MAX", "ARG_MIN"):
        found[kind] = lambda kind=kind: cases.add_place(draw, draft, source, kind)
    return found


def _images(draw: Draw, draft: Draft, source: int) -> Choices:
    found: Choices = {
        "conv": lambda: cases.add_conv(draw, draft, source),
        "conv thrice": lambda: cases.add_conv(draw, draft, source),
        "conv again": lambda: cases.add_conv(draw, draft, source),
        "depthwise": lambda: cases.add_depthwise(draw, draft, source),
        "max": lambda: cases.add_pool(draw, draft, source, "MAX_POOL_2D"),
        "average": lambda: cases.add_pool(draw, draft, source, "AVERAGE_POOL_2D"),
    }
    if np.prod(draft.shape(source)) <= _MANY:
        found["transposed"] = lambda: cases.add_transpose_conv(draw, draft, source)
    return found


def _skip(draw: Draw, draft: Draft, source: int, other: int) -> int:
    any_scale = ("ADD", "ADD", "SUB", "MAXIMUM", "MINIMUM")
    kinds = _kinds(draft, source, any_scale, ("MUL", "SQUARED_DIFFERENCE"))
    kind = str(draft.rng.choice(kinds))
    return cases.add_pair(draw, draft, kind, (source, other), draft.shape(source))


def _shifted(draw: Draw, draft: Draft, source: int) -> int:
    shape = draft.shape(source)
    constant = _constant(draw, draft, shape[-1:], draft.scale(source))
    kinds = _kinds(draft, source, ("ADD", "SUB"), ("MUL", "PRELU", "SQUARED_DIFFERENCE"))
    kind = str(draft.rng.choice(kinds))
    return cases.add_pair(draw, draft, kind, (source, constant), shape)


def _constant(draw: Draw, draft: Draft, shape: tuple[int, ...], scale: float) -> int:
    """Return an int8 constant, one that another layer reads if there is one."""
    ours = [n for n, t in enumerate(draft.tensors) if t.name.startswith("constant")]
    shared = [n for n in ours if draft.shape(n) == shape and scale / 4 < draft.scale(n) < scale * 4]
    if shared and draw(st.booleans()):
        return shared[0]
    return draft.constant(shape, scale, cases._zero_point(draw))


def _kinds(
    draft: Draft, source: int, any_scale: tuple[str, ...], products: tuple[str, ...]
) -> tuple[str, ...]:
    """Leave products out where they would lead to scales beyond those of a later layer."""
    return (*any_scale, *products) if 2.0**-14 < draft.scale(source) < 2.0 else any_scale


def _root(draft: Draft, source: int) -> int:
    """Add an RSQRT of values that are not below zero, where TFLM would stop."""
    steps = draft.rng.uniform(60, 2000)
    scale = float(np.float32(1 / np.sqrt(draft.scale(source)) / steps))
    target = FlatTensor(draft.name("t"), draft.shape(source), "int8", (scale,), (-128,))
    return draft.apply("RSQRT", (source,), None, target)


def _back(draw: Draw, draft: Draft, source: int) -> int:
    """Add a QUANTIZE of floats."""
    reach = float(np.abs(draft.values[source].astype(np.float64)).max()) or 1.0
    scale = float(np.float32(reach / draft.rng.uniform(60, 200)))
    zeros = (cases._zero_point(draw),)
    target = FlatTensor(draft.name("t"), draft.shape(source), "int8", (scale,), zeros)
    return draft.apply("QUANTIZE", (source,), None, target)


def encoded(encoding: str, *strategies: st.SearchStrategy[Case]) -> st.SearchStrategy[Case]:
    """Ask for an encoding, which layers have where it can hold their weights."""
    drawn = st.one_of(*strategies)
    return drawn.map(lambda c: replace(c, options=replace(c.options, encoding=encoding)))


ALL: dict[str, st.SearchStrategy[Case]] = {
    **cases.STRATEGIES,
    **{f"int16 {kind}": strategy for kind, strategy in cases16.STRATEGIES.items()},
    "dilated SPACE_TO_BATCH_ND": blocked.dilated(),
    "int4 CONV_2D": cases.conv("int4"),
    "int4 DEPTHWISE_CONV_2D": cases.depthwise("int4"),
    "int4 FULLY_CONNECTED": cases.dense("int4"),
    "bitmap CONV_2D": encoded("bitmap", cases.conv()),
    "codebook CONV_2D": encoded("codebook", cases.conv("int4"), cases.conv()),
    "bitmap FULLY_CONNECTED": encoded("bitmap", cases.dense()),
    "codebook FULLY_CONNECTED": encoded("codebook", cases.dense("int4"), cases.dense()),
    "graph": graph(),
}
