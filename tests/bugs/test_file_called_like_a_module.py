"""A pty.py or a json.py in the current folder was run by every child process."""

from pathlib import Path

import pytest
import tiny
from commands import Tinykit

NAMES = ("pty", "json", "numpy", "serial", "signal", "shutil", "tflite", "ziglang")


def test_files_in_the_current_folder_are_not_imported(
    tinykit: Tinykit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dense.tflite").write_bytes(tiny.dense())
    for name in NAMES:
        Path(f"{name}.py").write_text(f"open('{name} ran', 'w').close()\n")
    built = tinykit("build", "dense.tflite", "-b", "nano33", "-o", "out")
    assert built.status == 0, built.err
    verified = tinykit("verify", "out", "--emulator", "unicorn", "--inputs", "1")
    assert verified.status == 0, verified.err
    assert list(Path().glob("* ran")) == []
