"""Weights that are absent, a clip of NaN, and a scale of zero ended in tracebacks."""

from dataclasses import replace

import numpy as np
import pytest
from batch import draw_cases
from cases import lstm
from flat import FlatOperator, conv_options, to_bytes
from test_importer import conv_model

from tinykit.codegen.importer import import_tflite, obstacles
from tinykit.core.errors import TinykitError


def test_absent_weights_are_refused() -> None:
    operator = FlatOperator("CONV_2D", (0, -1, 2), (3,), conv_options())
    data = to_bytes(replace(conv_model(), operators=(operator,)))
    with pytest.raises(TinykitError, match=r"\(CONV_2D\) lacks its input 1"):
        import_tflite(data, "net.tflite")


def test_a_clip_of_nan_is_refused() -> None:
    model = draw_cases(lstm(), 1)[0].model
    operators = []
    for operator in model.operators:
        assert operator.options is not None
        fields = tuple((k, np.nan if k == "CellClip" else v) for k, v in operator.options.fields)
        operators.append(replace(operator, options=replace(operator.options, fields=fields)))
    with pytest.raises(TinykitError, match="clips its cells at nan"):
        import_tflite(to_bytes(replace(model, operators=tuple(operators))), "net.tflite")


def test_a_scale_of_zero_is_no_obstacle() -> None:
    model = conv_model()
    tensors = (*model.tensors[:3], replace(model.tensors[3], scales=(0.0,)))
    data = to_bytes(replace(model, tensors=tensors))
    assert obstacles(data, "net.tflite") == ()
    with pytest.raises(TinykitError, match="has the scale 0"):
        import_tflite(data, "net.tflite")
