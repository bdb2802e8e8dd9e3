"""Hypothesis strategies of comparisons, of what works on their answers, and of CAST."""

from collections.abc import Callable, Sequence

import numpy as np
from draft import SAMPLES, Array, Draft
from flat import FlatTensor, Options
from hypothesis import strategies as st
from wides import floats, integers, shape

Draw = st.DrawFn
Shape = tuple[int, ...]
Add = Callable[[Draw, Draft], int]


def values(draft: Draft, dtype: str, lengths: Shape) -> Array:
    """Draw values that are often equal to others."""
    count = int(np.prod(lengths))
    if dtype == "bool":
        return draft.rng.integers(0, 2, lengths).astype(np.bool_)
    if dtype in ("int8", "int16"):
        limits = np.iinfo(dtype)
        whole = draft.rng.integers(limits.min, limits.max + 1, lengths)
        return np.asarray(whole // (draft.rng.choice((1, 2, 4)) * limits.max // 8)).astype(dtype)
    if dtype == "int32":
        whole = integers(draft.rng, count) // draft.rng.choice((4, 6, 12))
        return whole.astype(np.int32).reshape(lengths)
    near = draft.rng.integers(-1, 2, count).astype(np.float32)
    return np.where(draft.rng.random(count) < 0.8, near, floats(draft.rng, count)).reshape(lengths)


def source(draw: Draw, draft: Draft, dtype: str, lengths: Shape, constant: bool) -> int:
    """Add an input or a constant; int8 has one of a few scales, so that reals coincide."""
    scales: tuple[float, ...] = ()
    zeros: tuple[int, ...] = ()
    if dtype in ("int8", "int16"):
        unit = draw(st.sampled_from((0.25, 0.25, 0.5, 0.75, 0.01, 0.001)))
        scales, zeros = (float(np.float32(unit)),), (draw(st.sampled_from((0, -128, 5, 127))),)
        zeros = zeros if dtype == "int8" else (0,)
    wanted = lengths if constant else (SAMPLES, *lengths[1:])
    data = values(draft, dtype, wanted)
    tensor = FlatTensor(draft.name("v"), lengths, dtype, scales, zeros)
    if constant:
        twin = FlatTensor(draft.name("c"), lengths, dtype, scales, zeros, data=data)
        return draft.add(twin)
    number = draft.add(tensor)
    draft.values[number] = data
    draft.inputs.append(number)
    return number


def repeated(draw: Draw, whole: Shape, count: int) -> list[Shape]:
    """Draw shapes that together broadcast to the whole one."""
    found = [
        [1 if draw(st.integers(0, 3)) == 0 else n for n in whole] if len(whole) <= 4 else [*whole]
        for _ in range(count)
    ]
    for axis, length in enumerate(whole):
        if all(lengths[axis] == 1 for lengths in found):
            found[draw(st.integers(0, count - 1))][axis] = length
    return [tuple(lengths) for lengths in found]


def _sources(
    draw: Draw, draft: Draft, dtypes: Sequence[str], lengths: Sequence[Shape]
) -> tuple[int, ...]:
    """Add inputs, of which one may be a constant."""
    constant = draw(st.integers(0, len(dtypes) if len(dtypes) > 1 else 0))
    return tuple(
        source(draw, draft, dtype, each, place + 1 == constant)
        for place, (dtype, each) in enumerate(zip(dtypes, lengths, strict=True))
    )


def compare(kind: str, dtypes: tuple[str, ...]) -> Add:
    """Add a comparison."""
    words = "".join(word.title() for word in kind.split("_"))

    def add(draw: Draw, draft: Draft) -> int:
        whole, dtype = shape(draw, 5), draw(st.sampled_from(dtypes))
        inputs = _sources(draw, draft, (dtype,) * 2, repeated(draw, whole, 2))
        target = FlatTensor(draft.name("t"), whole, "bool")
        return draft.apply(kind, inputs, Options(f"{words}Options"), target)

    return add


def logical(kind: str) -> Add:
    """Add an operator of truths."""
    words = "".join(word.title() for word in kind.split("_"))

    def add(draw: Draw, draft: Draft) -> int:
        whole, count = shape(draw, 5), 1 if kind == "LOGICAL_NOT" else 2
        lengths = repeated(draw, whole, count) if count > 1 else [whole]
        inputs = _sources(draw, draft, ("bool",) * count, lengths)
        target = FlatTensor(draft.name("t"), whole, "bool")
        return draft.apply(kind, inputs, Options(f"{words}Options"), target)

    return add


def add_select(draw: Draw, draft: Draft) -> int:
    """Add a SELECT_V2."""
    whole, dtype = shape(draw, 5), draw(st.sampled_from(("int8", "int16", "float32")))
    inputs = _sources(draw, draft, ("bool", dtype, dtype), repeated(draw, whole, 3))
    twin = draft.tensors[inputs[1]]
    target = FlatTensor(draft.name("t"), whole, dtype, twin.scales, twin.zero_points)
    return draft.apply("SELECT_V2", inputs, Options("SelectV2Options"), target)


def add_cast(draw: Draw, draft: Draft) -> int:
    """Add a CAST between any two types."""
    whole = shape(draw, 5)
    before, after = (draw(st.sampled_from(_CASTS)) for _ in range(2))
    (number,) = _sources(draw, draft, (before,), (whole,))
    scales = (0.5,) if after == "int8" else ()
    target = FlatTensor(draft.name("t"), whole, after, scales, (3,) * len(scales))
    number = draft.apply("CAST", (number,), Options("CastOptions"), target)
    if before == after or (before, after) == ("bool", "int8"):  # costs nothing, and nothing else is
        after = "float32" if after != "float32" else "int32"
        target = FlatTensor(draft.name("t"), whole, after)
        number = draft.apply("CAST", (number,), Options("CastOptions"), target)
    return number


_CASTS = ("bool", "int8", "int16", "int32", "float32")
_ORDERED = ("int8", "int8", "int32", "float32")
LOGIC: dict[str, Add] = {
    "CAST": add_cast,
    **{kind: compare(kind, ("bool", *_ORDERED)) for kind in ("EQUAL", "NOT_EQUAL")},
    **{
        kind: compare(kind, _ORDERED) for kind in ("GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")
    },
    **{kind: logical(kind) for kind in ("LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR")},
    "SELECT_V2": add_select,
}
