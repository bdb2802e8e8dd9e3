"""The picture of the arena in the terminal: every buffer in its place, a line for each layer."""

from pathlib import Path

import pytest
import tiny
from commands import Tinykit
from models import compiled, shared_model

from tinykit.codegen.picture_text import FREE, SCRATCH, plan_rows
from tinykit.codegen.plan import Slot

NAMES = (*tiny.TINY, "kws_int8", "resnet8_int8")


def bytes_of(slots: list[Slot]) -> set[int]:
    return {place for slot in slots for place in range(slot.offset, slot.offset + slot.bytes)}


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_says_whose_its_bytes_are(name: str) -> None:
    model = compiled(tiny.TINY[name]() if name in tiny.TINY else shared_model(name), name)
    plan, rows = model.plan, plan_rows(model.program, model.plan)
    assert [row.layer for row in rows] == ["input", *(layer.name for layer in model.program.layers)]
    letters: dict[tuple[int, ...], str] = {(): SCRATCH}
    for number, row in enumerate(rows, -1):
        live = [slot for slot in plan.slots if slot.first <= number <= slot.last]
        starting = [slot for slot in live if slot.tensors and slot.first == number]
        letters |= {s.tensors: mark for s, mark in zip(starting, row.writes, strict=True)}
        assert row.in_use_bytes == len(bytes_of(live)) <= plan.arena_bytes
        assert {letters[slot.tensors] for slot in live} >= {*row.cells.lower()} - {FREE}
        size = plan.arena_bytes / len(row.cells)
        large = [slot for slot in live if slot.bytes >= size]  # others are drawn larger than life
        for cell, mark in enumerate(row.cells):
            middle = int((cell + 0.5) * size)
            there = [s for s in large if s.offset <= middle < s.offset + s.bytes]
            if len(large) == len(live):
                assert {mark.lower()} <= ({letters[s.tensors] for s in there} or {FREE})
                assert mark.isupper() == (len(there) > 1)
            assert mark != FREE or not there


def test_check_draws_the_plan_in_80_columns(tinykit: Tinykit, tmp_path: Path) -> None:
    path = tmp_path / "image.tflite"
    path.write_bytes(tiny.image())
    report = tinykit("check", path, "--json").json
    drawn = tinykit("check", path, "--plan").out.splitlines()
    assert max(map(len, drawn)) <= 80
    for row in report["plan"]:
        (line,) = [line for line in drawn if line.startswith(f"{row['layer']} ")]
        assert row["cells"].rstrip() in line
        fullest = max(each["in_use_bytes"] for each in report["plan"])
        assert line.rstrip().endswith("<") == (row["in_use_bytes"] == fullest)
    assert "a capital written over an input" in drawn[-1]
    assert "a capital written over an input" not in tinykit("check", path).out
