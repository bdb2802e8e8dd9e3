"""A variable's handle may be a resource or an int32; tinykit took int8 ones, which TFLM refuses."""

from dataclasses import replace

import pytest
from batch import draw_cases
from cases import STRATEGIES
from flat import to_bytes

from tinykit.codegen.importer import import_tflite
from tinykit.core.errors import TinykitError


def test_a_handle_of_int8_is_refused() -> None:
    model = draw_cases(STRATEGIES["READ_VARIABLE"], 1)[0].model
    handles = {o.outputs[0] for o in model.operators if o.kind == "VAR_HANDLE"}
    tensors = tuple(
        replace(t, dtype="int8") if n in handles else t for n, t in enumerate(model.tensors)
    )
    with pytest.raises(TinykitError, match=r"\(VAR_HANDLE\) makes the int8 handle"):
        import_tflite(to_bytes(replace(model, tensors=tensors)), "net.tflite")
