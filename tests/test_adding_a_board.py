"""docs/adding-a-board.md, followed literally, adds a board."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import tiny
from commands import COMMAND
from models import ROOT

PAGE = (ROOT / "docs" / "adding-a-board.md").read_text()


def run(command: str, folder: Path) -> str:
    """Run a line of the page as a shell does, with this tinykit on the PATH."""
    binaries = folder / "bin"
    binaries.mkdir(exist_ok=True)
    (binaries / "tinykit").write_text(f'#!/bin/sh\nexec "{COMMAND[0]}" -P -m {COMMAND[2]} "$@"\n')
    (binaries / "tinykit").chmod(0o755)
    environment = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_adds_a_board(tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    (tmp_path / "dense.tflite").write_bytes(tiny.dense())
    commands = re.findall(r"^    ((?:mkdir|cp|tinykit) .+)$", PAGE, re.MULTILINE)
    (text,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert [command.split()[:2] for command in commands] == [
        ["mkdir", "boards"],
        ["cp", '"$(tinykit'],
        ["tinykit", "boards"],
        ["tinykit", "build"],
        ["tinykit", "verify"],
    ]

    for command in commands[:2]:
        run(command, tmp_path)
    path = tmp_path / "boards" / "feather_nrf52840.toml"
    assert 'name = "xiao_nrf52840"' in path.read_text()
    path.write_text(text)
    shown, _, verified = (run(command, tmp_path) for command in commands[2:])

    assert re.search(r"application +0x00026000 to 0x000ad000", shown)
    assert "not yet run on hardware" in shown
    assert "feather_nrf52840 at unicorn emulator" in verified
    assert "mismatches against TFLite Micro" in verified


def test_the_page_names_every_key() -> None:
    keys = set()
    for board in (ROOT / "firmware" / "boards").glob("*.toml"):
        keys |= set(re.findall(r"^(\w+) =", board.read_text(), re.MULTILINE))
    table = PAGE.partition("## The keys")[2].partition("## A new chip")[0]
    named = set(re.findall(r"`(\w+)`", table))

    assert keys - named == set()
