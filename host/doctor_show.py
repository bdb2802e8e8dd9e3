"""The findings of the doctor, for people."""

from collections.abc import Iterable

from rich.console import Group, RenderableType

from tinykit.host.doctor import Diagnosis
from tinykit.host.show import table


def diagnosis(found: Diagnosis) -> RenderableType:
    """Show what is there, then what is missing and how to get it, then what is connected."""
    there = [each for each in found.software if each.found is not None]
    missing = [each for each in found.software if each.found is None]
    parts: list[RenderableType] = [f"{found.python}, {found.system}", ""]
    parts.append(_texts(("there", "", ""), ((f.what, f.found, f.needed_for) for f in there)))
    if missing:
        rows = ((f.what, f.needed_for, f.get) for f in missing)
        parts += ["", _texts(("missing", "needed for", "how to get it"), rows)]
    connected = ((f.what, f.needed_for, _in_short(f.get)) for f in found.connected)
    parts += ["", _texts(("connected", "", ""), connected)]
    if not found.connected:
        parts.append("no USB serial port, and no drive of a board")
    return Group(*parts)


def rules(found: Diagnosis) -> list[str]:
    """Return what has to be copied as it is, line by line, which no table can show."""
    return [f"\n{each.what}: {each.get}" for each in found.connected if "\n" in each.get]


def _in_short(get: str) -> str:
    return "no permission: see below" if "\n" in get else get or "ready"


def _texts(
    columns: tuple[str, str, str], rows: Iterable[tuple[str, str | None, str]]
) -> RenderableType:
    made = table(*columns)
    made.columns[0].no_wrap = True
    for column in made.columns[1:]:
        column.justify, column.no_wrap = "left", False
    for row in rows:
        made.add_row(*row)
    return made
