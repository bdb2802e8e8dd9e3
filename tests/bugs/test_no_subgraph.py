"""A model of no subgraph was read as if its first one were there; TFLM crashed on it."""

import pytest
import tiny

from tinykit.codegen.importer import import_tflite
from tinykit.core.errors import TinykitError


def test_a_model_of_no_subgraph_is_refused() -> None:
    data = bytearray(tiny.dense())
    root = int.from_bytes(data[:4], "little")
    vtable = root - int.from_bytes(data[root : root + 4], "little", signed=True)
    field = root + int.from_bytes(data[vtable + 8 : vtable + 10], "little")  # the third entry
    length = field + int.from_bytes(data[field : field + 4], "little")
    assert data[length : length + 4] == (1).to_bytes(4, "little")
    data[length] = 0
    with pytest.raises(TinykitError, match=r"net\.tflite has no subgraph"):
        import_tflite(bytes(data), "net.tflite")
