"""An output below a file, with a name too long, or on a dangling link ended in a traceback."""

from pathlib import Path

import pytest
import tiny
from commands import Tinykit

from tinykit.core.errors import TinykitError
from tinykit.core.files import refuse_overwrite, write_atomic


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("dense.tflite")
    path.write_bytes(tiny.dense())
    return path


@pytest.mark.parametrize(
    ("output", "why"),
    [("dense.tflite/out", "file exists"), ("x" * 300, "file name too long")],
)
def test_a_folder_that_cannot_be_made_is_said(
    tinykit: Tinykit, model: Path, output: str, why: str
) -> None:
    line, hint = tinykit.refuses("build", model, "-b", "nano33", "-o", output)
    assert line == f"cannot write {output}: {why}"
    assert hint == "choose another place with -o"
    assert model.read_bytes() == tiny.dense()


def test_a_link_to_nothing_is_kept(tinykit: Tinykit, model: Path) -> None:
    Path("out").symlink_to("nowhere")
    line, _ = tinykit.refuses("build", model, "-b", "nano33", "-o", "out")
    assert line == "out is a link to nothing"
    assert sorted(path.name for path in Path().iterdir()) == ["dense.tflite", "out"]


def test_a_file_name_that_is_too_long_is_said(tmp_path: Path) -> None:
    with pytest.raises(TinykitError, match=r"cannot write .*: file name too long"):
        refuse_overwrite(tmp_path / ("x" * 300), force=False)
    with pytest.raises(TinykitError, match=r"cannot write .*: file name too long"):
        write_atomic(tmp_path / ("x" * 254), b"")
