"""Tables for people: what a search tried, and what it took."""

from rich.console import Group, RenderableType

from tinykit.core.units import grouped
from tinykit.host.search import SearchReport
from tinykit.host.show import oracle_name, table
from tinykit.host.show_cost import add_cost
from tinykit.prune.search import Trial, on_frontier


def trial_line(trial: Trial) -> str:
    """Tell of one trial while the search runs."""
    price = trial.price
    return (
        f"{100 * trial.zeros / trial.weights:5.1f} % zeros: {trial.score}, "
        f"{grouped(price.flash)} bytes of flash, {grouped(price.ram)} of RAM, "
        f"{grouped(price.instructions)} instructions"
    )


def found(report: SearchReport) -> RenderableType:
    """Show the frontier that was walked, and the network that was taken."""
    return Group(_trials(report), "", _best(report))


def _trials(report: SearchReport) -> RenderableType:
    metric = report.validation.metric.value
    columns = (f"{metric}, validation", "flash", "RAM", "instructions", "")
    made = table("zeros", *columns, title=f"tried on {report.board}")
    for trial in report.trials:
        price = trial.price
        on = [m for m in ("flash", "instructions") if on_frontier(trial, report.trials, m)]
        notes = (["taken"] if trial == report.best else []) + (["frontier"] if on else [])
        made.add_row(
            f"{100 * trial.zeros / trial.weights:.1f} %",
            str(trial.score),
            grouped(price.flash),
            grouped(price.ram),
            grouped(price.instructions),
            ", ".join(notes),
        )
    return made


def _best(report: SearchReport) -> RenderableType:
    metric = report.validation.metric.value
    made = table("taken", "")
    made.add_row("zeros", f"{grouped(report.best.zeros)} of {grouped(report.best.weights)} weights")
    made.add_row(f"{metric}, float before, test", str(report.test_before))
    made.add_row(f"{metric}, int8 in {oracle_name(report.oracle)}, test", str(report.test_after))
    for left in report.left_dense:
        made.add_row(f"{left.name}, left dense: {left.reason}", f"{grouped(left.weights)} weights")
    add_cost(made, report.cost, "all that was tried")
    return made
