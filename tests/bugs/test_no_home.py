"""Where the user's cache cannot be written, zig spun for ever: it gets another folder."""

import os
import subprocess
from pathlib import Path

import tiny
from commands import COMMAND


def test_a_build_needs_no_home(tmp_path: Path) -> None:
    model = tmp_path / "dense.tflite"
    model.write_bytes(tiny.dense())
    command = [*COMMAND, "build", model, "--board", "nano33", "-o", tmp_path / "out"]
    nowhere = {**os.environ, "HOME": "/proc/nowhere", "XDG_CACHE_HOME": ""}
    subprocess.run(command, env=nowhere, check=True, timeout=300, capture_output=True)
    assert (tmp_path / "out" / "firmware.bin").is_file()
