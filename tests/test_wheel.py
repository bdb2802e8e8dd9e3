"""The wheel holds every file of the rooms, and works where the sources are not."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import pytest
import tiny
from models import ROOT

ROOMS = ("core", "train", "prune", "codegen", "firmware", "host")
SUFFIXES = {
    ".S",
    ".c",
    ".cpp",
    ".h",
    ".inc",
    ".j2",
    ".ld",
    ".py",
    ".repl",
    ".tflite",
    ".toml",
    ".typed",
}


def tracked() -> list[str]:
    """Return the project's files, new ones too, as git knows them."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(name for name in set(listed.split("\0")) if (ROOT / name).is_file())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the sources, since setuptools writes into them."""
    if find_spec("pip") is None or not setuptools_is_new_enough():
        pytest.skip("needs pip and setuptools >= 77: pip install 'setuptools>=77'")
    source = tmp_path_factory.mktemp("source")
    for name in tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    out = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", out, source)
    (built,) = out.iterdir()
    return built


def setuptools_is_new_enough() -> bool:
    try:
        return int(version("setuptools").split(".")[0]) >= 77
    except PackageNotFoundError:
        return False


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_wheel_holds_every_file_of_the_rooms_and_nothing_else(wheel: Path) -> None:
    expected = {
        f"tinykit/{name}"
        for name in tracked()
        if name.split("/")[0] in ROOMS and Path(name).suffix in SUFFIXES
    }
    found = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert found == expected


def test_no_file_of_a_room_has_an_unknown_suffix() -> None:
    rooms = [name for name in tracked() if name.split("/")[0] in ROOMS]
    assert {Path(name).suffix for name in rooms} == SUFFIXES


def test_the_licence_is_in_the_wheel(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("licenses/NOTICE") for name in names)


def test_the_wheel_works_outside_of_the_source_tree(wheel: Path, tmp_path: Path) -> None:
    target, work = tmp_path / "installed", tmp_path / "work"
    work.mkdir()
    pip("install", "--no-deps", "--target", target, wheel)
    (work / "dense.tflite").write_bytes(tiny.dense())
    environment = {**os.environ, "PYTHONPATH": str(target)}

    def run(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    where = "import tinykit.host.cli, tinykit.firmware as f; print(tinykit.host.cli.__file__, f)"
    assert run("-c", where).count(str(target)) == 2
    command = ("-m", "tinykit.host.entry")
    boards = json.loads(run(*command, "boards", "--json"))["boards"]
    assert "nano33" in [board["name"] for board in boards]
    record = json.loads(run(*command, "build", "dense.tflite", "--board", "nano33", "--json"))
    assert record["image_bytes"] == (work / "build/nano33/firmware.bin").stat().st_size
