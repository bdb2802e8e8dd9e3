"""A table for people: a pruned network beside a dense one of the same flash bytes."""

from rich.console import RenderableType

from tinykit.core.units import grouped
from tinykit.host.show import table
from tinykit.host.show_cost import add_cost
from tinykit.host.twin import Twin


def twins(twin: Twin) -> RenderableType:
    """Show both, and which is better."""
    title = "beside a dense network of the same flash bytes, trained from scratch"
    made = table("", "pruned", "dense", title=title)
    metric = twin.score.metric.value
    made.add_row(f"{metric}, int8, test", str(twin.pruned_score), str(twin.score))
    tables = f"weights and other tables on {twin.board}, bytes"
    made.add_row(tables, grouped(twin.pruned_tables), grouped(twin.tables))
    made.add_row("weights and biases of the dense one", "", grouped(twin.weights))
    made.add_row("its widths, of those of the network", "", f"{twin.factor:.3f}")
    made.add_row("its epochs", "", str(twin.epochs))
    add_cost(made, twin.cost, "dense twin")
    made.add_row("pruning is better" if twin.pruned_is_better else "pruning is not better", "", "")
    return made
