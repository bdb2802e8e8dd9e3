"""`--custom model.tflite` ended in a traceback."""

from pathlib import Path

import pytest

from tinykit.core.errors import TinykitError
from tinykit.prune.load import load_model


def test_a_custom_file_that_is_no_python_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinykit.prune.load._refuse_foreign", lambda _path: None)
    custom = tmp_path / "model.tflite"
    custom.write_bytes(b"TFL3")
    with pytest.raises(TinykitError, match=r"model.tflite is not a .py file"):
        load_model(tmp_path / "m.keras", custom)
