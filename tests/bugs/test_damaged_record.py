"""A build.json with a wrong list of files ended in a traceback."""

import json
from pathlib import Path

import pytest
from commands import Tinykit, copied


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"schema": 1}',
        '{"schema": 2}',
        '{"schema": 3}',
    ],
)
def test_a_damaged_record_is_said(
    tinykit: Tinykit, dense_build: Path, tmp_path: Path, text: str
) -> None:
    folder = copied(dense_build, tmp_path / "copy")
    (folder / "build.json").write_text(text)
    line, hint = tinykit.refuses("verify", folder, "--emulator", "unicorn")
    assert line.startswith(str(folder / "build.json"))
    assert hint == "build again: tinykit build"


@pytest.mark.parametrize("files", [[], {}, None, {"elf": "firmware.elf"}])
@pytest.mark.parametrize("command", ["verify", "emulate", "bench"])
def test_a_wrong_list_of_files_is_damage(
    tinykit: Tinykit, dense_build: Path, tmp_path: Path, command: str, files: object
) -> None:
    folder = copied(dense_build, tmp_path / "copy")
    path = folder / "build.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "files": files}))
    line, _ = tinykit.refuses(command, folder, "--emulator", "unicorn")
    assert line.startswith(f"{path} is damaged")


def test_binary_rubbish_is_damage(tinykit: Tinykit, dense_build: Path, tmp_path: Path) -> None:
    folder = copied(dense_build, tmp_path / "copy")
    (folder / "build.json").write_bytes(b"\xff\xfe\x00")
    line, _ = tinykit.refuses("verify", folder, "--emulator", "unicorn")
    assert line.startswith(f"{folder / 'build.json'} is damaged")
