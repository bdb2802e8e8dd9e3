"""A budget's report for people: a table for the terminal, Markdown for a pull request."""

from dataclasses import dataclass

from rich.console import RenderableType

from tinykit.codegen.render import render
from tinykit.core.units import grouped
from tinykit.host.budget import AT_LEAST, BudgetReport, Figure
from tinykit.host.show import oracle_name, table

_UNITS = {"flash": ", bytes", "ram": ", bytes"}


@dataclass(frozen=True, slots=True)
class Row:
    """Hold one figure as text."""

    name: str
    now: str
    budget: str
    base: str
    change: str


def budget_table(report: BudgetReport) -> RenderableType:
    """Show each figure, its limit, and what it was."""
    made = table(
        report.model, "now", "budget", "base branch", "change", title=f"budget on {report.board}"
    )
    for row in _rows(report):
        made.add_row(row.name, row.now, row.budget, row.base, row.change)
    return made


def budget_markdown(report: BudgetReport) -> str:
    """Return the same as Markdown."""
    return render(
        "budget.md.j2",
        model=report.model,
        board=report.board,
        rows=_rows(report),
        notes=budget_notes(report),
    )


def budget_notes(report: BudgetReport) -> list[str]:
    """Say how it was measured, and why nothing is compared."""
    inputs = (
        f"{grouped(report.inputs)} {'random inputs' if report.source == 'random' else 'inputs'}"
    )
    how = f"{inputs} in {report.emulator}, against {oracle_name(report.oracle)}"
    made_by = f"{report.toolchain}, {report.optimize}"
    notes = [f"Measured with {how}; {made_by}."]
    if report.base_note:
        notes.append(f"The base branch has no figures: {report.base_note}.")
    return notes


def over_text(report: BudgetReport) -> str:
    """Say in one line what is over its budget."""
    return "; ".join(
        f"{figure.name} is {_value(figure.name, figure.value)}, {_limit(figure)}"
        for figure in report.over
    )


def _rows(report: BudgetReport) -> list[Row]:
    return [
        Row(
            figure.name + _UNITS.get(figure.name, ""),
            _value(figure.name, figure.value),
            _limit(figure) + (" (over)" if figure.over else ""),
            "" if figure.base is None else _value(figure.name, figure.base),
            "" if figure.base is None else _change(figure.name, figure.value - figure.base),
        )
        for figure in report.figures
    ]


def _limit(figure: Figure) -> str:
    if figure.budget is None:
        return ""
    bound = "at least" if figure.name in AT_LEAST else "at most"
    return f"{bound} {_value(figure.name, figure.budget)}"


def _value(name: str, value: float) -> str:
    return f"{100 * value:.2f} %" if name in AT_LEAST else grouped(int(value))


def _change(name: str, difference: float) -> str:
    if not difference:
        return "0"
    sign = "+" if difference > 0 else "-"
    if name in AT_LEAST:
        return f"{sign}{100 * abs(difference):.2f} points"
    return sign + grouped(int(abs(difference)))
