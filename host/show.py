"""Tables for people: sizes, verification, cost by layer."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table

from tinykit.core.board import Board
from tinykit.core.units import grouped
from tinykit.host.bench import BenchReport
from tinykit.host.check import CheckReport
from tinykit.host.engines import EnginesReport
from tinykit.host.record import BuildRecord
from tinykit.host.show_cost import add_cost

_HOTTEST = 12

if TYPE_CHECKING:  # these rooms need TensorFlow, tables of boards do not
    from tinykit.host.networks import QuantizeReport
    from tinykit.prune.keras3 import PruneReport


def table(*columns: str, title: str | None = None) -> Table:
    """Return an empty table; columns after the first are for numbers."""
    made = Table(title=title, title_justify="left", show_edge=False, pad_edge=False, box=None)
    for position, column in enumerate(columns):
        made.add_column(column, justify="right" if position else "left", no_wrap=position > 0)
    return made


def sizes(record: BuildRecord, board: Board) -> RenderableType:
    """Show what an image takes and what is left on the board."""
    size, lost = record.sizes, record.removed_channels
    made = table("bytes", "flash", "RAM", title=f"{record.model} on {board.title}")
    rows = (
        ("weights and other tables", size.weights, None),
        *([(f"{grouped(lost)} channels are left out, unneeded", None, None)] if lost else []),
        ("kernels and generated code", size.code, size.static),
        ("arena", None, size.arena),
        ("start-up, link, application", size.app, size.app_ram),
        (f"stack, of which {size.stack_most} can be used", None, size.stack),
        ("together", size.flash, size.ram),
        ("left on the board", size.flash_free, size.ram_free),
    )
    for name, flash, ram in rows:
        made.add_row(name, _number(flash), _number(ram))
    return made


def check(report: CheckReport) -> RenderableType:
    """Show whether a model compiles, and where it fits or what is in the way."""
    if not report.compiles:
        made = table("layer", title=f"{report.model} does not compile")
        for column in ("operator", "is in the way since it", "instead"):
            made.add_column(column)
        for each in report.obstacles:
            made.add_row(each.layer, each.op, each.what, each.hint)
        return made
    made = table("", "", title=f"{report.model} compiles")
    made.add_row("layers", grouped(report.layers))
    made.add_row("multiply-accumulates if dense", grouped(report.macs))
    made.add_row("weights and other tables, bytes", grouped(report.tables_bytes))
    made.add_row("arena, bytes", grouped(report.arena_bytes))
    bound = "none is smaller" if report.proven else f"at least {grouped(report.least_bytes)}"
    made.add_row("other plans of the arena", bound)
    for fit in report.boards:
        needs = f"{grouped(fit.flash_bytes)} of flash, {grouped(fit.ram_bytes)} of RAM at most"
        board = f"{fit.board} ({fit.remark})" if fit.remark else fit.board
        made.add_row(f"{'fits' if fit.fits else 'does not fit'} {board}", needs)
    return made


def cost(report: BenchReport) -> RenderableType:
    """Show what each layer costs."""
    made = table(
        "layer",
        "MACs",
        "instructions",
        "per MAC",
        "cycles, est.",
        "stack",
        "tables",
        "weights",
        title=f"{report.model} on {report.board}, {report.toolchain}, {report.optimize}",
    )
    for layer in report.layers:
        macs, instructions = layer["macs"], layer["instructions"]
        made.add_row(
            layer["name"],
            grouped(macs) if macs else "",
            grouped(instructions),
            f"{instructions / macs:.2f}" if macs else "",
            _number(layer["cycles_estimate"]),
            _number(layer["stack_bytes"]),
            grouped(layer["weights_bytes"]),
            layer["encoding"],
        )
    return made


def encodings(layers: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Show how each layer's weights are stored, and why, as bench or plan.json say it."""
    made = table("layer")
    made.add_column("weights")
    for layer in layers:
        if layer["encoding"]:
            lost = layer["removed_channels"]
            less = f"{grouped(lost)} channels left out; " if lost else ""
            made.add_row(layer["name"], f"{less}{layer['encoding']}: {layer['reason']}")
    return made


def profile(report: BenchReport) -> RenderableType:
    """Show where the instructions of one inference go, layer by layer."""
    columns = "layer|MACs|instructions|per MAC|cycles, est.|share|stack"
    title = f"{report.model} on {report.board}, {report.toolchain}, {report.optimize}"
    made = table(*columns.split("|"), title=title)
    for layer in report.layers:
        macs, instructions = layer["macs"], layer["instructions"]
        made.add_row(
            layer["name"],
            grouped(macs) if macs else "",
            grouped(instructions),
            f"{instructions / macs:.2f}" if macs else "",
            _number(layer["cycles_estimate"]),
            _share(instructions, report.instructions),
            _number(layer["stack_bytes"]),
        )
    return made


def hottest(report: BenchReport) -> RenderableType:
    """Show the functions that most of the instructions are in, without what they call."""
    if report.functions is None:
        return "functions: told apart in unicorn only; a layer is its kernel with all it calls\n"
    made = table("function", "instructions", "share", "cycles, est.", title="hottest functions")
    for hot in report.functions[:_HOTTEST]:
        share = _share(hot.instructions, report.instructions)
        cycles = grouped(hot.cycles_estimate)
        made.add_row(hot.function, grouped(hot.instructions), share, cycles)
    return made


def totals(report: BenchReport) -> RenderableType:
    """Show what one inference costs in all."""
    made = table("one inference", "")
    exact = report.exact
    made.add_row("instructions, counted", grouped(report.instructions))
    if report.cycles_estimate is not None:
        made.add_row("cycles, estimated", grouped(report.cycles_estimate))
    if report.cycles_calibrated is not None:
        least, most = map(grouped, report.cycles_calibrated)
        made.add_row("  as far off as for engines measured", f"{least} to {most}")
    if report.cycles_waiting is not None and report.wait_states:
        states = f"  and {report.wait_states} wait states at each jump"
        made.add_row(states, grouped(report.cycles_waiting))
    for name, sizes_by_part in (("flash", report.flash), ("RAM", report.ram)):
        made.add_row(f"{name}, bytes", grouped(sizes_by_part["total"]))
        for part, count in sizes_by_part.items():
            if part != "total":
                made.add_row(f"  {part}", grouped(count))
    made.add_row(
        f"mismatches against {oracle_name(exact['oracle'])}",
        f"{exact['mismatches']} of {exact['inputs']} inputs",
    )
    return made


def layer_pairs(report: EnginesReport) -> RenderableType:
    """Show what each layer costs on both engines."""
    native, tflm = report.native, report.tflm
    made = table(
        "layer",
        "MACs",
        "native",
        "TFLM",
        "ratio",
        title=f"instructions of {native.model} on {native.board}: {native.toolchain}, "
        f"{native.optimize}; {tflm.library}",
    )
    for pair in report.layers:
        left, right = pair.native_instructions, pair.tflm_instructions
        made.add_row(
            pair.name,
            grouped(pair.macs) if pair.macs else "",
            _number(left),
            _number(right),
            f"{right / left:.2f}" if left and right else "",
        )
    return made


def engine_totals(report: EnginesReport) -> RenderableType:
    """Show what one inference costs on both engines, the application left out."""
    native, tflm = report.native, report.tflm
    made = table("one inference", "native", "TFLM")
    rows: list[tuple[str, int | None, int | None]] = [
        ("instructions, counted", native.instructions, tflm.instructions),
        ("cycles, estimated", native.cycles_estimate, tflm.cycles_estimate),
    ]
    for name, left, right in (("flash", native.flash, tflm.flash), ("RAM", native.ram, tflm.ram)):
        less, same = left["total"] - left["app"], right["total"] - right["app"]
        rows.append((f"{name} without the application, bytes", less, same))
        rows += [(f"  {part}", left[part], right[part]) for part in left if part != "total"]
    for text, one, other in rows:
        made.add_row(text, _number(one), _number(other))
    made.add_row(
        f"mismatches against {oracle_name(native.exact['oracle'])}",
        *(f"{each.exact['mismatches']} of {each.exact['inputs']}" for each in (native, tflm)),
    )
    return made


def pruning(report: "PruneReport") -> RenderableType:
    """Show what pruning did, layer by layer."""
    made = table("layer", "weights", "zeros", "", title="pruned")
    for layer in report.layers:
        percent = f"{100 * layer.zeros / layer.weights:.1f} %"
        made.add_row(layer.name, grouped(layer.weights), grouped(layer.zeros), percent)
    percent = f"{100 * report.zeros / report.weights:.1f} %"
    made.add_row("together", grouped(report.weights), grouped(report.zeros), percent)
    for left in report.left_dense:
        made.add_row(left.name, grouped(left.weights), "", f"left dense: {left.reason}")
    made.add_row(f"{report.before.metric.value} before", str(report.before))
    made.add_row(f"{report.after.metric.value} after", str(report.after))
    if report.tries > 1:
        made.add_row("the best of so many tries", str(report.tries))
    add_cost(made, report.cost, "pruning")
    return made


def quantization(report: "QuantizeReport") -> RenderableType:
    """Show what quantization did."""
    made = table("quantized", "")
    if report.before is not None and report.after is not None:
        metric = report.before.metric.value
        made.add_row(f"{metric}, float", str(report.before))
        made.add_row(f"{metric}, int8 in {oracle_name(report.oracle)}", str(report.after))
    made.add_row("zeros", f"{grouped(report.zeros)} of {grouped(report.weights)} weights")
    made.add_row("weights as float32, bytes", grouped(report.float_bytes))
    made.add_row(".tflite file, bytes", grouped(report.tflite_bytes))
    return made


def oracle_name(name: str) -> str:
    """Say whose answers are the right ones."""
    return "TFLite Micro" if name == "tflm" else "the NumPy reference (no TFLM here)"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def _number(value: int | None) -> str:
    return "" if value is None else grouped(value)
