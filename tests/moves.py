"""Hypothesis strategies of the operators that move elements without computing."""

import itertools
from collections.abc import Callable

import numpy as np
from draft import Draft
from flat import FlatTensor, Options
from hypothesis import strategies as st

Draw = st.DrawFn
Shape = tuple[int, ...]
Add = Callable[[Draw, Draft, int], tuple[int, ...]]

SMALL = ("int8", "int8", "float32")
ALL = ("int8", "int8", "float32", "int32")


def shapes(draw: Draw, least: int, most: int, length: int = 6) -> Shape:
    """Draw a shape with a batch of one."""
    rank = draw(st.integers(least, most))
    return (1, *(draw(st.integers(1, length)) for _ in range(rank - 1)))


def like(draft: Draft, source: int, shape: Shape) -> FlatTensor:
    """Make an output of a tensor's type."""
    twin = draft.tensors[source]
    return FlatTensor(draft.name("t"), shape, twin.dtype, twin.scales, twin.zero_points)


def moved(
    draw: Draw, draft: Draft, kind: str, inputs: Shape, options: Options | None, shape: Shape
) -> tuple[int, ...]:
    """Add an operator of one output that has the type of its first input."""
    source = next(n for n in inputs if draft.tensors[n].data is None)
    return (draft.apply(kind, inputs, options, like(draft, source, shape)),)


def add_squeeze(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a SQUEEZE of some axes of length 1, or of all."""
    shape = draft.shape(source)
    ones = [axis for axis, length in enumerate(shape) if length == 1]
    gone = draw(st.lists(st.sampled_from(ones), unique=True)) if ones else []
    axes = tuple(axis - len(shape) if draw(st.booleans()) else axis for axis in gone)
    kept = tuple(n for a, n in enumerate(shape) if a not in (gone or ones))
    return moved(
        draw, draft, "SQUEEZE", (source,), Options("SqueezeOptions", (("SqueezeDims", axes),)), kept
    )


def add_broadcast_to(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a BROADCAST_TO that repeats some axes, and adds some."""
    shape = draft.shape(source)
    more = tuple(draw(st.integers(1, 3)) for _ in range(draw(st.integers(0, 5 - len(shape)))))
    to = tuple(n if n > 1 else draw(st.integers(1, 4)) for n in shape)
    given = draft.int32_constant(more + to)
    return moved(draw, draft, "BROADCAST_TO", (source, given), None, more + to)


def add_expand_dims(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add an EXPAND_DIMS at any place."""
    shape = list(draft.shape(source))
    axis = draw(st.integers(0, len(shape)))
    given = draft.int32_constant([axis - len(shape) - 1 if draw(st.booleans()) else axis])
    shape.insert(axis, 1)
    return moved(draw, draft, "EXPAND_DIMS", (source, given), None, tuple(shape))


def add_reverse(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a REVERSE_V2 of one axis or of neighbours."""
    shape = draft.shape(source)
    first = draw(st.integers(0, len(shape) - 1))
    last = draw(st.integers(first, len(shape) - 1))
    axes = [a - len(shape) if draw(st.booleans()) else a for a in range(first, last + 1)]
    numbers = draft.int32_constant(draw(st.permutations(axes)))
    return moved(draw, draft, "REVERSE_V2", (source, numbers), Options("ReverseV2Options"), shape)


def add_transpose(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a TRANSPOSE to any order."""
    shape = draft.shape(source)
    order = draw(st.permutations(range(len(shape))))
    numbers = draft.int32_constant(order)
    target = tuple(shape[axis] for axis in order)
    return moved(draw, draft, "TRANSPOSE", (source, numbers), None, target)


def add_strided_slice(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a STRIDED_SLICE with masks, ends beyond the tensor and negative strides."""
    shape = draft.shape(source)
    rows = [_range(draw, length) for length in shape]
    numbers = [draft.int32_constant([row[i] for row in rows]) for i in range(3)]
    masks = [sum(row[3][i] << axis for axis, row in enumerate(rows)) for i in range(3)]
    names = ("BeginMask", "EndMask", "ShrinkAxisMask")
    options = Options("StridedSliceOptions", tuple(zip(names, masks, strict=True)))
    target = tuple(row[4] for row in rows if not row[3][2])
    return moved(draw, draft, "STRIDED_SLICE", (source, *numbers), options, target)


def _range(draw: Draw, length: int) -> tuple[int, int, int, tuple[bool, bool, bool], int]:
    """Draw begin, end, stride, the three masks, and how many places that takes."""
    whole, shrink = draw(st.integers(0, 2)) == 0, draw(st.integers(0, 5)) == 0
    if whole:
        return draw(st.integers(-9, 9)), draw(st.integers(-9, 9)), 1, (True, True, False), length
    first, last = draw(st.integers(0, length - 1)), draw(st.integers(0, length - 1))
    begin = first - length if draw(st.booleans()) else first
    if shrink:
        return begin, draw(st.integers(-9, 9)), 1, (False, draw(st.booleans()), True), 1
    step = draw(st.integers(1, 3)) * (1 if last > first or draw(st.booleans()) else -1)
    if step > 0:
        first, last = min(first, last), max(first, last)
        begin = first - length if begin < 0 else first
    elif last > first:
        step = -step
    end = last + (1 if step > 0 else -1)
    behind = length if step > 0 else -1
    count = len(range(first, end, step))
    end_mask = False
    if end == behind:  # -1 would be the last place
        end, end_mask = (length + 4, False) if step > 0 else (-length - 3, False)
        end_mask = draw(st.booleans())
    elif draw(st.booleans()):
        end -= length
    return begin, end, step, (False, end_mask, False), count


def add_slice(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a SLICE; a size of -1 is the rest."""
    begins, sizes, target = [], [], []
    for length in draft.shape(source):
        begin = draw(st.sampled_from((0, 0, length // 2, length - 1)))
        size = draw(st.integers(max(1, (length - begin) // 2), length - begin))
        rest = size == length - begin and draw(st.booleans())
        begins.append(begin)
        sizes.append(-1 if rest else size)
        target.append(size)
    numbers = (draft.int32_constant(begins), draft.int32_constant(sizes))
    return moved(draw, draft, "SLICE", (source, *numbers), None, tuple(target))


def _others(draw: Draw, draft: Draft, source: int, shape: Shape) -> int:
    """Draw another input like a tensor, of a shape of its own."""
    twin = draft.tensors[source]
    if twin.dtype == "float32":
        values = draft.rng.normal(size=(4, *shape[1:])) if shape else np.zeros(4)
        return draft.float_input(shape, values)
    if twin.dtype == "int32":
        return draft.int32_input(shape, -9, 9)
    if draw(st.integers(0, 2)) == 0:
        return draft.constant(shape, twin.scales[0], twin.zero_points[0])
    return draft.input(shape, twin.scales[0], twin.zero_points[0])


def add_concatenation(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a CONCATENATION of up to four tensors, some of them twice or constant."""
    shape = draft.shape(source)
    axis = draw(st.integers(1, len(shape) - 1))
    inputs = [source]
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.integers(0, 4)) == 0:
            inputs.append(source)
            continue
        length = draw(st.integers(1, 4))
        other = (*shape[:axis], length, *shape[axis + 1 :])
        inputs.append(_others(draw, draft, source, other))
    inputs = list(draw(st.permutations(inputs)))
    total = sum(draft.shape(n)[axis] for n in inputs)
    given = axis - len(shape) if draw(st.booleans()) else axis
    options = Options("ConcatenationOptions", (("Axis", given),))
    target = (*shape[:axis], total, *shape[axis + 1 :])
    return moved(draw, draft, "CONCATENATION", tuple(inputs), options, target)


def add_pack(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a PACK of up to four tensors."""
    shape = draft.shape(source)
    inputs = [source]
    for _ in range(draw(st.integers(0, 3))):
        again = draw(st.integers(0, 4)) == 0
        inputs.append(source if again else _others(draw, draft, source, shape))
    inputs = list(draw(st.permutations(inputs)))
    axis = draw(st.integers(0, len(shape)))
    given = axis - len(shape) - 1 if draw(st.booleans()) else axis
    options = Options("PackOptions", (("ValuesCount", len(inputs)), ("Axis", given)))
    target = (*shape[:axis], len(inputs), *shape[axis:])
    return moved(draw, draft, "PACK", tuple(inputs), options, target)


def _all(
    draw: Draw, draft: Draft, source: int, inputs: Shape, options: Options, parts: list[Shape]
) -> tuple[int, ...]:
    kind = {"SplitOptions": "SPLIT", "SplitVOptions": "SPLIT_V", "UnpackOptions": "UNPACK"}
    targets = []
    for part in parts:
        target = like(draft, source, part)
        targets.append(FlatTensor(f"{target.name}_{len(targets)}", *_rest(target)))
    return draft.apply_all(kind[options.table], inputs, options, tuple(targets))


def _rest(tensor: FlatTensor) -> tuple[Shape, str, tuple[float, ...], Shape]:
    return tensor.shape, tensor.dtype, tensor.scales, tensor.zero_points


def add_split(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a SPLIT into equal parts."""
    shape = draft.shape(source)
    axis = draw(st.integers(0, len(shape) - 1))
    count = draw(st.sampled_from([n for n in range(1, shape[axis] + 1) if shape[axis] % n == 0]))
    given = draft.int32_constant([axis - len(shape) if draw(st.booleans()) else axis])
    part = (*shape[:axis], shape[axis] // count, *shape[axis + 1 :])
    options = Options("SplitOptions", (("NumSplits", count),))
    return _all(draw, draft, source, (given, source), options, [part] * count)


def add_split_v(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a SPLIT_V into parts of any lengths."""
    shape = draft.shape(source)
    axis = draw(st.integers(0, len(shape) - 1))
    cuts = draw(st.sets(st.integers(1, shape[axis] - 1), max_size=3)) if shape[axis] > 1 else set()
    ends = [0, *sorted(cuts), shape[axis]]
    lengths = [b - a for a, b in itertools.pairwise(ends)]
    given = draft.int32_constant([axis - len(shape) if draw(st.booleans()) else axis])
    inputs = (source, draft.int32_constant(lengths), given)
    parts = [(*shape[:axis], length, *shape[axis + 1 :]) for length in lengths]
    options = Options("SplitVOptions", (("NumSplits", len(lengths)),))
    return _all(draw, draft, source, inputs, options, parts)


def add_unpack(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add an UNPACK."""
    shape = draft.shape(source)
    axis = draw(st.integers(0, len(shape) - 1))
    given = axis - len(shape) if draw(st.booleans()) else axis
    options = Options("UnpackOptions", (("Num", shape[axis]), ("Axis", given)))
    part = (*shape[:axis], *shape[axis + 1 :])
    return _all(draw, draft, source, (source,), options, [part] * shape[axis])


def _pads(draw: Draw, draft: Draft, shape: Shape, most: Callable[[int], int]) -> tuple[int, Shape]:
    pairs = [
        (draw(st.integers(0, most(n))), draw(st.integers(0, most(n))))
        if draw(st.booleans())
        else (0, 0)
        for n in shape
    ]
    data = np.array(pairs, np.int32)
    number = draft.add(FlatTensor(draft.name("pads"), data.shape, "int32", data=data))
    return number, tuple(n + sum(pair) for n, pair in zip(shape, pairs, strict=True))


def add_pad(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a PAD."""
    number, target = _pads(draw, draft, draft.shape(source), lambda _: 2)
    return moved(draw, draft, "PAD", (source, number), None, target)


def add_padv2(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a PADV2 with a value of its own."""
    number, target = _pads(draw, draft, draft.shape(source), lambda _: 2)
    twin = draft.tensors[source]
    any_value = draft.rng.integers(-128, 128) if twin.dtype == "int8" else 0
    data = np.array([any_value]).astype(twin.dtype)
    value = FlatTensor(
        draft.name("value"), (1,), twin.dtype, twin.scales, twin.zero_points, data=data
    )
    return moved(draw, draft, "PADV2", (source, number, draft.add(value)), None, target)


def add_mirror_pad(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a MIRROR_PAD."""
    symmetric = draw(st.booleans())
    most = (lambda n: min(n, 3)) if symmetric else (lambda n: min(n - 1, 3))
    number, target = _pads(draw, draft, draft.shape(source), most)
    options = Options("MirrorPadOptions", (("Mode", int(symmetric)),))
    return moved(draw, draft, "MIRROR_PAD", (source, number), options, target)


def add_space_to_depth(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a SPACE_TO_DEPTH."""
    batch, height, width, channels = draft.shape(source)
    sizes = [n for n in range(1, 7) if height % n == width % n == 0]
    size = draw(st.sampled_from(sizes[::-1]))
    options = Options("SpaceToDepthOptions", (("BlockSize", size),))
    target = (batch, height // size, width // size, channels * size * size)
    return moved(draw, draft, "SPACE_TO_DEPTH", (source,), options, target)


def add_depth_to_space(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a DEPTH_TO_SPACE of a tensor that is repeated to have the channels."""
    size = draw(st.integers(1, 3))
    batch, height, width, channels = draft.shape(source)
    channels *= size * size
    joined = like(draft, source, (batch, height, width, channels))
    axis = Options("ConcatenationOptions", (("Axis", 3),))
    source = draft.apply("CONCATENATION", (source,) * (size * size), axis, joined)
    options = Options("DepthToSpaceOptions", (("BlockSize", size),))
    target = (batch, height * size, width * size, channels // (size * size))
    return moved(draw, draft, "DEPTH_TO_SPACE", (source,), options, target)


def add_space_to_batch(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a SPACE_TO_BATCH_ND; TFLM pads with anything, so the zero point must be 0 to pad."""
    shape = draft.shape(source)
    spatial = shape[1:-1]
    block = [draw(st.integers(1, 3)) for _ in spatial]
    zero = not any(draft.tensors[source].zero_points)
    if not zero:
        block = [draw(st.sampled_from([n for n in (3, 2, 1) if s % n == 0])) for s in spatial]
    before = [draw(st.integers(0, 2)) if zero else 0 for _ in spatial]
    behind = [-(s + a) % n for s, a, n in zip(spatial, before, block, strict=True)]
    small = [(s + a + b) // n for s, a, b, n in zip(spatial, before, behind, block, strict=True)]
    inputs = (source, draft.int32_constant(block), _pairs(draft, before, behind))
    target = (shape[0] * int(np.prod(block)), *small, shape[-1])
    return moved(draw, draft, "SPACE_TO_BATCH_ND", inputs, None, target)


def add_batch_to_space(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a BATCH_TO_SPACE_ND, behind the SPACE_TO_BATCH_ND that makes its batch."""
    (batches,) = add_space_to_batch(draw, draft, source)
    block = draft.tensors[draft.operators[-1].inputs[1]].data
    assert block is not None
    shape = draft.shape(batches)
    wide = [int(s * n) for s, n in zip(shape[1:-1], block, strict=True)]
    before = [draw(st.integers(0, min(2, n - 1))) for n in wide]
    behind = [draw(st.integers(0, min(2, n - 1 - a))) for n, a in zip(wide, before, strict=True)]
    kept = [n - a - b for n, a, b in zip(wide, before, behind, strict=True)]
    inputs = (batches, draft.operators[-1].inputs[1], _pairs(draft, before, behind))
    target = (shape[0] // int(np.prod(block)), *kept, shape[-1])
    return moved(draw, draft, "BATCH_TO_SPACE_ND", inputs, None, target)


def _pairs(draft: Draft, before: list[int], behind: list[int]) -> int:
    data = np.array(list(zip(before, behind, strict=True)), np.int32)
    return draft.add(FlatTensor(draft.name("pads"), data.shape, "int32", data=data))


def add_gather(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a GATHER at constant positions, or at an input; sometimes of a constant."""
    shape = draft.shape(source)
    axis = draw(st.integers(0, len(shape) - 1))
    batch = draw(st.integers(0, 1)) if axis else 0
    length = shape[axis]
    positions = (1, draw(st.integers(1, 5)))
    if draw(st.booleans()):
        data = draft.rng.integers(0, length, positions).astype(np.int32)
        number = draft.add(FlatTensor(draft.name("positions"), positions, "int32", data=data))
    else:
        number = draft.int32_input(positions, 0, length - 1)
        twin = draft.tensors[source]
        if twin.dtype == "int8" and draw(st.booleans()):
            source = draft.constant(shape, twin.scales[0], twin.zero_points[0])
    given = axis - len(shape) if draw(st.booleans()) else axis
    options = Options("GatherOptions", (("Axis", given), ("BatchDims", batch)))
    target = (*shape[:axis], *positions[batch:], *shape[axis + 1 :])
    return (draft.apply("GATHER", (source, number), options, like(draft, source, target)),)


def add_gather_nd(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a GATHER_ND at constant positions, or at an input; sometimes of a constant."""
    shape = draft.shape(source)
    axes = draw(st.integers(1, len(shape)))
    middle = (1, *(draw(st.integers(1, 4)) for _ in range(draw(st.integers(0, 2)))))
    count = draft.rng.integers(0, shape[:axes], (4, *middle[1:], axes)).astype(np.int32)
    if draw(st.booleans()):
        data = count[:1]
        number = draft.add(FlatTensor(draft.name("positions"), data.shape, "int32", data=data))
    else:
        number = draft.input_of((*middle, axes), "int32", count)
        twin = draft.tensors[source]
        if twin.dtype == "int8" and draw(st.booleans()):
            source = draft.constant(shape, twin.scales[0], twin.zero_points[0])
    target = like(draft, source, (*middle, *shape[axes:]))
    return (draft.apply("GATHER_ND", (source, number), Options("GatherNdOptions"), target),)


def add_resize(draw: Draw, draft: Draft, source: int, kind: str) -> tuple[int, ...]:
    """Add a resize to a smaller or larger image, with the corners or centers aligned or not."""
    batch, *_, channels = draft.shape(source)
    size = [draw(st.integers(1, 12)), draw(st.integers(1, 12))]
    alignment = draw(st.sampled_from(((False, False), (True, False), (False, True))))
    names = ("AlignCorners", "HalfPixelCenters")
    table = "ResizeBilinearOptions" if "BILINEAR" in kind else "ResizeNearestNeighborOptions"
    options = Options(table, tuple(zip(names, alignment, strict=True)))
    inputs = (source, draft.int32_constant(size))
    return moved(draw, draft, kind, inputs, options, (batch, *size, channels))


def add_bilinear(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a RESIZE_BILINEAR."""
    return add_resize(draw, draft, source, "RESIZE_BILINEAR")


def add_nearest(draw: Draw, draft: Draft, source: int) -> tuple[int, ...]:
    """Add a RESIZE_NEAREST_NEIGHBOR."""
    return add_resize(draw, draft, source, "RESIZE_NEAREST_NEIGHBOR")


# How each is added, which types it moves, and of how many axes.
MOVES: dict[str, tuple[Add, tuple[str, ...], tuple[int, int]]] = {
    "BATCH_TO_SPACE_ND": (add_batch_to_space, SMALL, (3, 4)),
    "BROADCAST_TO": (add_broadcast_to, ALL, (1, 4)),
    "CONCATENATION": (add_concatenation, ALL, (2, 5)),
    "DEPTH_TO_SPACE": (add_depth_to_space, SMALL, (4, 4)),
    "EXPAND_DIMS": (add_expand_dims, SMALL, (1, 4)),
    "GATHER": (add_gather, SMALL, (1, 4)),
    "GATHER_ND": (add_gather_nd, SMALL, (2, 5)),
    "MIRROR_PAD": (add_mirror_pad, SMALL, (1, 4)),
    "PACK": (add_pack, ALL, (1, 4)),
    "PAD": (add_pad, ALL, (1, 5)),
    "PADV2": (add_padv2, ALL, (1, 5)),
    "RESIZE_BILINEAR": (add_bilinear, ("int8",), (4, 4)),
    "RESIZE_NEAREST_NEIGHBOR": (add_nearest, SMALL, (4, 4)),
    "REVERSE_V2": (add_reverse, ALL, (1, 5)),
    "SLICE": (add_slice, ALL, (1, 5)),
    "SPACE_TO_BATCH_ND": (add_space_to_batch, SMALL, (3, 4)),
    "SPACE_TO_DEPTH": (add_space_to_depth, SMALL, (4, 4)),
    "SPLIT": (add_split, ALL, (1, 5)),
    "SPLIT_V": (add_split_v, ALL, (1, 5)),
    "SQUEEZE": (add_squeeze, ALL, (1, 5)),
    "STRIDED_SLICE": (add_strided_slice, ALL, (1, 4)),
    "TRANSPOSE": (add_transpose, SMALL, (1, 5)),
    "UNPACK": (add_unpack, ALL, (2, 5)),
}
