"""The memory plan as a picture for the terminal: layers downwards, the arena from left to right."""

from rich.console import Group, RenderableType
from rich.text import Text

from tinykit.codegen.picture_text import FREE, SCRATCH, PlanRow
from tinykit.core.units import grouped
from tinykit.host.check import CheckReport
from tinykit.host.show import table

_COLOURS = ("cyan", "green", "yellow", "red", "magenta", "blue")
_MOST_NAME = 20  # so that a line fits 80 columns
_FULLEST = "<"


def plan(report: CheckReport) -> RenderableType:
    """Show what lies where while each layer runs, and mark where the arena is fullest."""
    cells = len(report.plan[0].cells)
    made = table("layer", "writes", "bytes", title=f"arena of {grouped(report.arena_bytes)} bytes")
    made.add_column(f"0{grouped(report.arena_bytes):>{cells - 1}}", no_wrap=True)
    made.add_column("")
    most = max(row.in_use_bytes for row in report.plan)
    for row in report.plan:
        fullest = _FULLEST if row.in_use_bytes == most else ""
        name = row.layer if len(row.layer) <= _MOST_NAME else f"{row.layer[: _MOST_NAME - 2]}.."
        made.add_row(name, row.writes, grouped(row.in_use_bytes), _cells(row), fullest)
    each = grouped(max(1, round(report.arena_bytes / cells)))
    marks = f"{SCRATCH} scratch, a capital written over an input, {_FULLEST} fullest"
    return Group(made, f"a cell is {each} bytes, {marks}")


def _cells(row: PlanRow) -> Text:
    text = Text()
    for cell in row.cells:
        colour = "" if cell in (FREE, SCRATCH) else _COLOURS[ord(cell.lower()) % len(_COLOURS)]
        text.append(cell, f"black on {colour}" if colour else "")
    return text
