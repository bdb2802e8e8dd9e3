"""An operator's code stands twice in a file: tinykit took the smaller one, TFLM the greater."""

import pytest
import tflite
from flat import to_bytes
from mutants import slots_of
from test_importer import conv_model

from tinykit.codegen.importer import import_tflite
from tinykit.core.errors import TinykitError


def test_the_greater_code_counts() -> None:
    data = bytearray(to_bytes(conv_model()))
    (new,) = (s for s in slots_of(bytes(data)) if s.what == "kind" and s.pack == "<i")
    data[new.place] = tflite.BuiltinOperator.AVERAGE_POOL_2D
    assert [o.kind for o in import_tflite(bytes(data), "net.tflite").operators] == ["CONV_2D"]
    data[new.place] = tflite.BuiltinOperator.LOGISTIC
    with pytest.raises(TinykitError, match=r"\(LOGISTIC\) has 3 inputs"):
        import_tflite(bytes(data), "net.tflite")
