"""The lines of a table that say what training took."""

from typing import TYPE_CHECKING

from rich.table import Table

from tinykit.core.units import grouped

if TYPE_CHECKING:  # it needs TensorFlow
    from tinykit.train.meter import TrainingCost

_MACS = "multiply-accumulates, "


def add_cost(made: Table, cost: "TrainingCost", what: str) -> None:
    """Add what training took to a table of a name and a value."""
    empty = [""] * (len(made.columns) - 2)
    rows = [
        (f"{_MACS}{what}, forward", grouped(cost.forward_macs)),
        (f"{_MACS}{what}, backward", grouped(cost.backward_macs)),
    ]
    if cost.effective is not None:
        rows.append(("  both, were zeros skipped", grouped(cost.effective)))
    rows.append(("  seconds", f"{cost.wall_s:.1f}"))
    rows.append(("  joules, estimated", f"{cost.joules:.3g}"))
    if cost.uncounted:
        rows.append((f"  not counted: {', '.join(cost.uncounted)}", ""))
    for name, value in rows:
        made.add_row(name, *empty, value)


def assumption_of(cost: "TrainingCost") -> str:
    """Say what the joules are."""
    return f"joules are {cost.assumption}"
