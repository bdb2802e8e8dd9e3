"""What has been reached stays reached: tests/limits.toml holds the cost of each model."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from commands import Tinykit, shared_build
from models import ROOT, shared_model

from tinykit.host.build import BuildOptions

pytest.importorskip("unicorn")

LIMITS = tomllib.loads((ROOT / "tests" / "limits.toml").read_text())
QEMU = LIMITS.pop("qemu")  # of other boards, measured by tests/test_qemu.py
DENSE = LIMITS.pop("dense")
SLACK = 0.01  # a limit further above what is measured no longer holds anything
SLOW = ("resnet8_int8", "vww_int8")  # to count


def soaked(level: str, name: str) -> object:
    """Leave to make soak what takes long, or hardly differs from --encoding auto."""
    soaks = name in SLOW or level == "balanced"
    return pytest.param(level, name, marks=pytest.mark.soak if soaks else ())


DENSE_RUNS = [soaked(level, name) for level, models in DENSE.items() for name in models]


@dataclass(frozen=True, slots=True)
class Goal:
    """Hold what a dense model may take at --optimize speed, and its code at balanced.

    Attributes:
        theirs: instructions of TFLM with CMSIS-NN.
        share: of them, at most.
        cycles: as estimated, at most.
        code: bytes, at most.
    """

    theirs: int
    share: float
    cycles: int
    code: int = 12 * 1024


GOALS = {
    "hello_world_int8": Goal(3_523, 0.38, 1_900, 6 * 1024),
    "ad01_int8": Goal(582_954, 0.68, 490_000, 6 * 1024),
    "kws_int8": Goal(7_696_930, 0.58, 5_200_000),
    "micro_speech_int8": Goal(1_495_388, 0.45, 800_000),
    "resnet8_int8": Goal(29_862_923, 0.53, 19_000_000),
    "vww_int8": Goal(24_101_936, 0.52, 14_500_000),
}
MOST_OF_SPEED = 1.10  # instructions of balanced
SPARSE_SHARE = 0.30  # of vww as its authors shipped it, whose zeros cost nothing
M0_GOAL = 0.6 * 28_994_018  # kws on TFLM with CMSIS-NN, counted for a Cortex-M0+


def measured(report: dict[str, Any]) -> dict[str, int]:
    """Return the figures as limits.toml names them."""
    return {
        "flash_total_bytes": report["flash"]["total"],
        "flash_code_bytes": report["flash"]["code"],
        "flash_weights_bytes": report["flash"]["weights"],
        "ram_total_bytes": report["ram"]["total"],
        "stack_bytes": report["ram"]["stack"],
        "instructions": report["instructions"],
    }


def measured_dense(report: dict[str, Any]) -> dict[str, int]:
    """Return the figures of a dense build as limits.toml names them."""
    return {
        "instructions": report["instructions"],
        "cycles_estimate": report["cycles_estimate"],
        "flash_code_bytes": report["flash"]["code"],
    }


def complaint(name: str, limits: dict[str, int], found: dict[str, int]) -> str:
    """Return what is wrong with a model's limits, and the lines that would be right."""
    over = [f"{k}: {found[k]} is over {v}" for k, v in limits.items() if found[k] > v]
    loose = [
        f"{k}: {found[k]} is under {v}, tighten the limit"
        for k, v in limits.items()
        if found[k] < v * (1 - SLACK)
    ]
    if not over and not loose:
        return ""
    lines = [f"[{name}]", *(f"{key} = {value:_}" for key, value in found.items())]
    return "\n".join(
        [*over, *loose, "", "if that is meant, tests/limits.toml in the same commit:", *lines]
    )


@pytest.mark.parametrize("name", LIMITS)
def test_cost_is_what_was_reached(
    name: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = shared_build(tmp_path_factory, name, shared_model(name))
    hold(name, LIMITS[name], measured(bench(tinykit, folder)))


@pytest.mark.parametrize(("level", "name"), DENSE_RUNS)
def test_dense_cost_is_what_was_reached(
    level: str, name: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    options = BuildOptions(optimize=level, encoding="dense")
    folder = shared_build(tmp_path_factory, name, shared_model(name), options)
    found = measured_dense(bench(tinykit, folder))
    hold(f"dense.{level}.{name}", DENSE[level][name], found)


def bench(tinykit: Tinykit, folder: Path) -> dict[str, Any]:
    ended = tinykit("bench", folder, "--inputs", "1", "--json")
    assert ended.status == 0, ended.err
    return ended.json


def hold(name: str, limits: dict[str, int], found: dict[str, int]) -> None:
    assert limits.keys() == found.keys()
    wrong = complaint(name, limits, found)
    if wrong:
        pytest.fail(wrong, pytrace=False)


@pytest.mark.parametrize("name", GOALS)
def test_goals_are_within_the_limits(name: str) -> None:
    goal, speed, balanced = GOALS[name], DENSE["speed"][name], DENSE["balanced"][name]
    assert speed["instructions"] <= goal.share * goal.theirs
    assert speed["cycles_estimate"] <= goal.cycles
    assert balanced["instructions"] <= MOST_OF_SPEED * speed["instructions"]
    assert balanced["flash_code_bytes"] <= goal.code


def test_goals_of_sparse_weights_and_of_a_small_core_are_within_the_limits() -> None:
    vww = "vww_int8"
    assert LIMITS[vww]["instructions"] <= SPARSE_SHARE * GOALS[vww].theirs
    assert QEMU["kws_int8"]["microbit"] <= M0_GOAL


def shown(name: str) -> list[int]:
    """Return the numbers of all rows of docs/benchmarks.md that begin with a name."""
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith(f"| {name} |")]
    cells = [cell.strip().replace(" ", "") for row in rows for cell in row.split("|")]
    return [int(cell) for cell in cells if cell.isdecimal()]


@pytest.mark.soak  # `make bench` has to follow a change of a limit
@pytest.mark.parametrize("name", GOALS)
def test_the_page_of_benchmarks_shows_what_is_held(name: str) -> None:
    for limits in (LIMITS[name], DENSE["speed"][name], DENSE["balanced"][name]):
        for key in ("instructions", "flash_code_bytes"):
            near = [value for value in shown(name) if limits[key] * (1 - SLACK) <= value]
            least = min(near, default=1 << 40)
            assert least <= limits[key], f"make bench: {key} = {limits[key]} is not shown"


def test_a_limit_is_too_low_or_too_loose() -> None:
    assert complaint("m", {"stack_bytes": 100}, {"stack_bytes": 100}) == ""
    assert complaint("m", {"stack_bytes": 100}, {"stack_bytes": 99}) == ""
    assert "stack_bytes: 101 is over 100" in complaint(
        "m", {"stack_bytes": 100}, {"stack_bytes": 101}
    )
    loose = complaint("m", {"stack_bytes": 100}, {"stack_bytes": 98})
    assert "tighten" in loose and "stack_bytes = 98" in loose
