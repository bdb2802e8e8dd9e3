"""A tensor's name is the file's: it broke the message into lines, or was as long as the file."""

import pytest
from flat import FlatTensor, to_bytes
from test_importer import with_tensor

from tinykit.codegen.importer import import_tflite
from tinykit.core.errors import TinykitError


@pytest.mark.parametrize(("name", "shown"), [("a\nb\x1b[1m", "a?b?[1m"), ("x" * 9999, "x" * 512)])
def test_a_message_is_one_short_line(name: str, shown: str) -> None:
    data = to_bytes(with_tensor(0, FlatTensor(name, (1, 4, 4, 3), "int8", (-1.0,), (3,))))
    with pytest.raises(TinykitError) as caught:
        import_tflite(data, "net.tflite")
    assert caught.value.message == f"net.tflite: tensor '{shown}' has the scale -1.0"
