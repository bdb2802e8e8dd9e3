"""Hypothesis strategies of models whose activations are int16."""

import cases
import numpy as np
from cases import Case, Draw
from draft import Draft
from hypothesis import strategies as st

DTYPE = "int16"


def _draft(draw: Draw) -> Draft:
    return Draft(np.random.default_rng(draw(st.integers(0, 2**32 - 1))), DTYPE)


def _input(draft: Draft, shape: tuple[int, ...]) -> int:
    return draft.input(shape, cases._scale(draft, 2.0**-18, 2.0**-11), 0)


@st.composite
def conv(draw: Draw) -> Case:
    """Draw a CONV_2D; one in three has more than 256 inputs, so several parts of a sum."""
    draft = _draft(draw)
    channels = draw(st.one_of(st.integers(1, 6), st.sampled_from((4, 6)), st.integers(29, 70)))
    source = _input(draft, (1, *cases._image(draw), channels))
    return cases._case(draw, "CONV_2D", draft, (cases.add_conv(draw, draft, source),))


@st.composite
def depthwise(draw: Draw) -> Case:
    """Draw a DEPTHWISE_CONV_2D."""
    draft = _draft(draw)
    source = _input(draft, (1, *cases._image(draw), draw(st.integers(1, 6))))
    target = cases.add_depthwise(draw, draft, source)
    return cases._case(draw, "DEPTHWISE_CONV_2D", draft, (target,))


@st.composite
def dense(draw: Draw) -> Case:
    """Draw a FULLY_CONNECTED with inputs of 2 to 4 dimensions, some across segments."""
    draft = _draft(draw)
    last = draw(st.one_of(st.integers(1, 40), st.sampled_from((255, 256, 257, 511, 512, 700))))
    source = _input(draft, (1, *draw(st.sampled_from(((), (), (3,), (2, 2)))), last))
    return cases._case(draw, "FULLY_CONNECTED", draft, (cases.add_dense(draw, draft, source),))


STRATEGIES: dict[str, st.SearchStrategy[Case]] = {
    "CONV_2D": conv(),
    "DEPTHWISE_CONV_2D": depthwise(),
    "FULLY_CONNECTED": dense(),
}
