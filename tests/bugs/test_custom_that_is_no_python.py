"""`--custom model.tflite` ended in a traceback."""

import zipfile
from pathlib import Path

import pytest

from tinykit.core.errors import TinykitError
from tinykit.prune.load import MEMBERS, load_model


def test_a_custom_file_that_is_no_python_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "m.keras"
    with zipfile.ZipFile(model, "w") as archive:
        for member in MEMBERS:
            archive.writestr(member, b"")
    custom = tmp_path / "model.tflite"
    custom.write_bytes(b"TFL3")
    with pytest.raises(TinykitError, match=r"model.tflite is not a .py file"):
        load_model(model, custom)
