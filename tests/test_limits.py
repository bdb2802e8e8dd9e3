"""What has been reached stays reached: tests/limits.toml holds the cost of each model."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from commands import Tinykit, shared_build
from models import ROOT, shared_model

pytest.importorskip("unicorn")

LIMITS = tomllib.loads((ROOT / "tests" / "limits.toml").read_text())
LIMITS.pop("qemu")  # of other boards: tests/test_qemu.py
SLACK = 0.01  # a limit further above what is measured no longer holds anything


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
    folder: Path = shared_build(tmp_path_factory, name, shared_model(name))
    ended = tinykit("bench", folder, "--inputs", "1", "--json")
    assert ended.status == 0, ended.err
    found = measured(ended.json)
    assert LIMITS[name].keys() == found.keys()
    wrong = complaint(name, LIMITS[name], found)
    if wrong:
        pytest.fail(wrong, pytrace=False)


def test_a_limit_is_too_low_or_too_loose() -> None:
    assert complaint("m", {"stack_bytes": 100}, {"stack_bytes": 100}) == ""
    assert complaint("m", {"stack_bytes": 100}, {"stack_bytes": 99}) == ""
    assert "stack_bytes: 101 is over 100" in complaint(
        "m", {"stack_bytes": 100}, {"stack_bytes": 101}
    )
    loose = complaint("m", {"stack_bytes": 100}, {"stack_bytes": 98})
    assert "tighten" in loose and "stack_bytes = 98" in loose
