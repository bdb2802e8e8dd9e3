"""A model called build.json or objects was overwritten in the build folder, or in its way."""

from pathlib import Path

import pytest
import tiny
from commands import Tinykit


@pytest.mark.parametrize("name", ["build.json", "objects", "firmware.elf"])
def test_any_file_name_builds_and_verifies(
    tinykit: Tinykit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(tiny.dense())
    assert tinykit("build", name, "-b", "nano33", "-o", "out").status == 0
    assert Path("out", f"{name}.tflite").read_bytes() == tiny.dense()
    verified = tinykit("verify", "out", "--emulator", "unicorn", "--inputs", "1")
    assert verified.status == 0, verified.err
