"""docs/power.md says what the boards' files say, and marks what nobody has checked."""

import os
import re
from pathlib import Path

import pytest
from models import ROOT

from tinykit.core.board import STATES, Board, Current, Power, board_paths, load_board

PAGE = ROOT / "docs" / "power.md"
BOARDS = [load_board(path) for path in board_paths().values()]
REAL = [board for board in BOARDS if board.flasher is not None]


def cell(current: Current | None) -> str:
    if current is None:
        return ""
    most = f", at most {current.maximum_ua:g}" if current.maximum_ua is not None else ""
    return f"{current.typical_ua:g}" + ("*" if current.checked else "") + most


def rows() -> list[str]:
    """Return the tables of the page as the files have it."""
    lines = [f"| board | {' | '.join(f'`{state}`' for state in STATES)} |"]
    lines.append("|---" + "|---:" * len(STATES) + "|")
    for board in REAL:
        states = {current.name: current for current in power(board).states}
        cells = " | ".join(cell(states.get(state)) for state in STATES)
        lines.append(f"| {board.name} | {cells} |")
    lines.append("")
    lines.append("| board | adds, while it is on | until the CPU computes again, us |")
    lines.append("|---|---|---|")
    for board in REAL:
        adds = ", ".join(f"{c.name} {cell(c)}" for c in power(board).peripherals)
        wakes = ", ".join(
            f"`{c.name}` {c.wake_us:g}" for c in power(board).states if c.wake_us is not None
        )
        lines.append(f"| {board.name} | {adds} | {wakes} |")
    return lines


def power(board: Board) -> Power:
    assert board.power is not None
    return board.power


def test_the_page_says_what_the_files_say() -> None:
    text = PAGE.read_text()
    head, mark, _ = text.partition("## What it draws\n")
    intro = text[len(head) + len(mark) :].partition("| board |")[0]
    wanted = head + mark + intro + "\n".join(rows()) + "\n"
    if os.environ.get("TINYKIT_GOLDEN") == "write":
        PAGE.write_text(wanted)
    assert PAGE.read_text() == wanted


@pytest.mark.parametrize("board", REAL, ids=lambda board: board.name)
def test_a_planner_finds_what_it_needs(board: Board) -> None:
    states = {current.name: current for current in power(board).states}
    assert states.keys() >= {"run_flash", "sleep"}
    order = [states[name].typical_ua for name in STATES if name in states]
    assert order == sorted(order, reverse=True)
    for current in (*power(board).states, *power(board).peripherals):
        assert re.search(r"\d", current.source) or "estimate" in current.source, current.source


def test_every_source_names_the_manual_of_its_file() -> None:
    for board in REAL:
        text = Path(board_paths()[board.name]).read_text()
        for current in (*power(board).states, *power(board).peripherals):
            for word in re.findall(r"\b(PS|DS|BS|RM) ", current.source):
                assert re.search(rf"\b{word} (is|the) ", text), (board.name, word)
