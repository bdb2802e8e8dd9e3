"""Ctrl-C while the command line was imported ended it by the signal, not with 130."""

import os
import subprocess
from pathlib import Path

from commands import COMMAND


def test_ctrl_c_inside_of_an_import_ends_with_130(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text('exec("raise KeyboardInterrupt")\n')
    ended = subprocess.run(
        [*COMMAND, "boards"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "tinykit: interrupted\n")
