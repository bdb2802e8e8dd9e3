"""The demos run from training to a verified image, and keep what they promise."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from commands import COMMAND, Ended

from tinykit.core.files import MANIFEST

pytest.importorskip("unicorn")
pytest.importorskip("tensorflow")

BOARD_STAGE = "int8, nano33 image"


def demo(folder: Path, *arguments: str) -> Ended:
    """Run the command in a process and a folder of its own."""
    done = subprocess.run(
        [*COMMAND, "demo", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def checked(name: str, work: Path) -> dict[str, Any]:
    """Run a demo over an older one of ours, and check what all three promise."""
    folder = work / "build" / f"demo-{name}"
    folder.mkdir(parents=True)
    (folder / "demo.json").write_text("{}")
    (folder / "stale.txt").write_text("of the last run")
    (folder / MANIFEST).write_text("demo.json\nstale.txt\n")
    ended = demo(work, name, "--json")
    assert (ended.status, ended.err) == (0, "")
    report = ended.json
    assert report == json.loads((folder / "demo.json").read_text())
    assert not (folder / "stale.txt").exists()
    assert [path.name for path in work.iterdir()] == ["build"]
    assert [path.name for path in (work / "build").iterdir()] == [f"demo-{name}"]
    for path in report["files"].values():
        assert (work / path).exists(), path
    assert (folder / "nano33" / "build.json").is_file()
    assert (report["task"], report["oracle"], report["mismatches"]) == (name, "tflm", 0)
    assert report["inputs"] == sum(part["samples"] for part in report["parts"])
    assert report["zeros"] >= 0.9 * report["weights"]
    sparse, dense = report["sparse"], report["dense"]
    assert sparse["exact"]["mismatches"] == dense["exact"]["mismatches"] == 0
    assert sparse["instructions"] < dense["instructions"]
    assert sparse["flash"]["total"] < dense["flash"]["total"]
    return report


def scores(report: dict[str, Any], stage: str) -> list[float]:
    return [part["scores"][stage]["value"] for part in report["parts"]]


@pytest.mark.slow
def test_life_is_right_on_every_board(tmp_path: Path) -> None:
    report = checked("life", tmp_path)
    assert [part["name"] for part in report["parts"]] == ["all neighbourhoods", "random boards"]
    assert report["parts"][1]["samples"] >= 200
    for stage in ("int8, TFLite Micro", BOARD_STAGE):
        assert scores(report, stage) == [1.0, 1.0]


@pytest.mark.slow
def test_digits_lose_at_most_half_a_point_on_the_board(tmp_path: Path) -> None:
    report = checked("digits", tmp_path)
    (trained,), (board,) = scores(report, "float, dense"), scores(report, BOARD_STAGE)
    assert board >= trained - 0.005
    assert board == scores(report, "int8, TFLite Micro")[0]


@pytest.mark.slow
def test_sine_stays_close_on_the_board(tmp_path: Path) -> None:
    report = checked("sine", tmp_path)
    (error,) = scores(report, BOARD_STAGE)
    assert error < 0.002  # mean square; the sine's own is 0.5


def test_a_foreign_folder_is_refused_before_any_work(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "thesis.txt").write_text("mine")
    ended = demo(tmp_path, "sine", "-o", "kept")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == (
        "tinykit: kept has files that tinykit did not make\n"
        "  hint: choose another folder with -o, or replace it with --force\n"
    )
    assert [path.name for path in kept.iterdir()] == ["thesis.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
