"""Draw dilated convolutions as the converter writes them where two read the same blocks."""

import cases
import flat
import numpy as np
from cases import Case, Draw
from draft import Draft
from flat import FlatTensor
from hypothesis import strategies as st


@st.composite
def dilated(draw: Draw) -> Case:
    """Draw convolutions of the blocks of a sequence or an image, and what joins them again."""
    draft = cases._draft(draw)
    axes, channels = draw(st.integers(1, 2)), draw(st.integers(1, 4))
    shape = (1, *(draw(st.integers(4, 9)) for _ in range(axes)), channels)
    source = draft.input(shape, cases._scale(draft), 0)  # with another zero point TFLM cannot pad
    block = [draw(st.integers(1, 3)) for _ in range(axes)]
    before = [draw(st.integers(0, 2)) for _ in block]
    reach = zip(shape[1:-1], before, block, strict=True)
    behind = [-(n + a) % b + b * draw(st.integers(0, 1)) for n, a, b in reach]
    blocks = _blocks(draft, source, block, (before, behind))
    across = draw(st.booleans())
    image = _as_image(draft, blocks, across) if axes == 1 else blocks
    ends = []
    for _ in range(draw(st.integers(1, 2))):
        made = _window(draw, draft, image, across if axes == 1 else None)
        crops = [[draw(st.integers(0, n)) for n in pads] for pads in (before, behind)]
        ends.append(_joined(draft, made, block, (crops[0], crops[1])))
    return cases._case(draw, "SPACE_TO_BATCH_ND", draft, tuple(ends))


def _blocks(draft: Draft, source: int, block: list[int], pads: tuple[list[int], list[int]]) -> int:
    batch, *lengths, channels = draft.shape(source)
    small = [(n + a + b) // c for n, a, b, c in zip(lengths, *pads, block, strict=True)]
    inputs = (source, draft.int32_constant(block), _pairs(draft, pads))
    target = cases._like(draft, source, (batch * int(np.prod(block)), *small, channels))
    return draft.apply("SPACE_TO_BATCH_ND", inputs, None, target)


def _as_image(draft: Draft, source: int, across: bool) -> int:
    batch, length, channels = draft.shape(source)
    shape = (batch, 1, length, channels) if across else (batch, length, 1, channels)
    return _reshaped(draft, source, shape)


def _reshaped(draft: Draft, source: int, shape: tuple[int, ...]) -> int:
    options = flat.Options("ReshapeOptions")
    numbers = (source, draft.int32_constant(shape))
    return draft.apply("RESHAPE", numbers, options, cases._like(draft, source, shape))


def _window(draw: Draw, draft: Draft, source: int, across: bool | None) -> int:
    """Add a convolution without padding, most of them of more than one tap."""
    batch, *lengths, channels = draft.shape(source)
    kernel = tuple(min(draw(st.integers(1, 3)), n) for n in lengths)
    output = tuple(n - k + 1 for n, k in zip(lengths, kernel, strict=True))
    each, outputs = draw(st.booleans()), draw(st.integers(1, 4))
    activation = draw(st.sampled_from((flat.NONE, flat.RELU)))
    if each:
        kind, outputs = "DEPTHWISE_CONV_2D", channels
        options = flat.depthwise_options(1, activation=activation)
        shape: tuple[int, ...] = (1, *kernel, channels)
    else:
        kind, options = "CONV_2D", flat.conv_options(activation=activation)
        shape = (outputs, *kernel, channels)
    weights = cases._weights(draw, draft, shape, 3 if each else 0, draw(st.booleans()))
    bias = cases._bias(draw, draft, outputs, int(np.prod(shape[1:])))
    made = draft.weighted(
        kind, source, weights, bias, (options, activation), (batch, *output, outputs)
    )
    if across is None:
        return made
    return _reshaped(draft, made, (batch, output[1 if across else 0], outputs))


def _joined(draft: Draft, source: int, block: list[int], crops: tuple[list[int], list[int]]) -> int:
    batch, *lengths, channels = draft.shape(source)
    whole = [n * b for n, b in zip(lengths, block, strict=True)]
    if min(n - a - b for n, a, b in zip(whole, *crops, strict=True)) < 1:
        crops = ([0] * len(block), [0] * len(block))
    kept = [n - a - b for n, a, b in zip(whole, *crops, strict=True)]
    inputs = (source, draft.int32_constant(block), _pairs(draft, crops))
    target = cases._like(draft, source, (batch // int(np.prod(block)), *kept, channels))
    return draft.apply("BATCH_TO_SPACE_ND", inputs, None, target)


def _pairs(draft: Draft, ends: tuple[list[int], list[int]]) -> int:
    data = np.array(list(zip(*ends, strict=True)), np.int32)
    return draft.add(FlatTensor(draft.name("pads"), data.shape, "int32", data=data))
