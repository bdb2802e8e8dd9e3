"""The report of an acceptance as a person reads it, and as Markdown to send in."""

import json
from pathlib import Path

from rich.console import RenderableType

from tinykit.core.files import write_atomic
from tinykit.host.acceptance import OK, AcceptanceReport, Check
from tinykit.host.console import plain
from tinykit.host.show import table


def acceptance(report: AcceptanceReport) -> RenderableType:
    """Show each check and what it measured."""
    made = table("check", title=f"{report.title} ({report.place})")
    made.add_column("")
    made.add_column("", overflow="fold")
    for check in report.checks:
        made.add_row(check.name, check.outcome, check.why or _figures(check))
    return made


def write_reports(report: AcceptanceReport, path: Path, markdown: Path) -> None:
    """Write the JSON and the Markdown file."""
    write_atomic(path, (json.dumps(plain(report), indent=1) + "\n").encode())
    write_atomic(markdown, to_markdown(report).encode())


def to_markdown(report: AcceptanceReport) -> str:
    """Return the report as Markdown: a table of facts, one of checks."""
    facts = {
        "board": f"{report.title} (`{report.board}`)",
        "result": "accepted" if report.ok else "not accepted",
        "place": report.place,
        "USB": report.usb or "none",
        "clock": f"{report.clock_hz / 1e6:g} MHz",
        "model, build": f"`{report.digest}`, `{report.build_id}`",
        "image": f"CRC-32 0x{report.image_crc32:08x}, {report.toolchain}",
        "tinykit": report.tinykit,
        "machine": f"{report.system}, Python {report.python}",
        "date": report.date,
    }
    lines = [f"# {report.title}", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {_cell(text)} |" for name, text in facts.items()]
    lines += ["", "| check | | |", "|---|---|---|"]
    for check in report.checks:
        lines.append(f"| {check.name} | {check.outcome} | {_cell(check.why or _figures(check))} |")
    return "\n".join(lines) + "\n"


def not_ok(report: AcceptanceReport) -> list[str]:
    """Return what was not found in order."""
    return [check.name for check in report.checks if check.outcome not in (OK, "skipped")]


def _figures(check: Check) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in check.figures.items())


def _value(value: object) -> str:
    return "; ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
