"""Options under a wrong type were read as the operator's own, while TFLM takes none of them."""

from dataclasses import replace

import pytest
from flat import Options, to_bytes
from test_importer import conv_model

from tinykit.codegen.importer import import_tflite
from tinykit.core.errors import TinykitError


def test_options_of_another_operator_are_refused() -> None:
    model = conv_model()
    (operator,) = model.operators
    wrong = replace(operator, options=Options("Pool2DOptions"))
    data = to_bytes(replace(model, operators=(wrong,)))
    with pytest.raises(TinykitError) as caught:
        import_tflite(data, "net.tflite")
    assert caught.value.message == (
        "net.tflite: layer 'conv' (CONV_2D) has the options of another operator"
    )
