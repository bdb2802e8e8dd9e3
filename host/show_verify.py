"""What people see of a verification: while it runs, and when it has ended."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Group, RenderableType

from tinykit.core.units import grouped
from tinykit.host.console import lively
from tinykit.host.session import Place
from tinykit.host.show import oracle_name, table
from tinykit.host.tally import Answer, Confusion, Mismatch, Tally
from tinykit.host.verify import Answering, VerifyReport, Watch

_MOST_CLASSES = 16  # more do not fit beside each other
_MOST_PAIRS = 10


@contextmanager
def live() -> Iterator[Watch]:
    """Draw a bar with rate, score and latency so far, at a terminal."""
    with lively("verifying") as (tell, note):

        class Bar(Watch):
            def greeted(self, answering: Answering, place: Place) -> None:
                tell(answering_text(answering, str(place)))

            def counted(self, tally: Tally, _answer: Answer) -> None:
                note(tally.done, tally.total, tally.so_far())

        yield Bar()


def answering_text(answering: Answering, place: str) -> str:
    """Say who answers."""
    return (
        f"{answering.board} at {place}: digest {answering.digest}, build {answering.build_id}, "
        f"{answering.clock_hz / 1e6:g} MHz, protocol version {answering.protocol}"
    )


def verification(report: VerifyReport) -> RenderableType:
    """Show what a verification found."""
    made = table("verification", "", title=answering_text(report.answering, report.place))
    made.add_row("model", report.model)
    made.add_row("inputs", f"{grouped(report.inputs)} ({report.source})")
    if report.layers:
        made.add_row("activation tensors of each input", grouped(report.layers))
    made.add_row(f"mismatches against {oracle_name(report.oracle)}", grouped(report.mismatches))
    if report.score is not None:
        made.add_row(f"{report.score.metric.value} on the board", str(report.score))
    if report.latency is not None:
        latency = report.latency
        made.add_row(
            "one inference, median, as the board says",
            f"{latency.median_us:.0f} us ({latency.minimum_us} to {latency.maximum_us})",
        )
    memory = report.memory
    made.add_row("arena, bytes", grouped(memory.arena_bytes))
    used = f"{grouped(memory.stack_used_bytes)} of {grouped(memory.stack_bytes)}"
    made.add_row("stack used, bytes", used)
    if report.reset_reasons:
        made.add_row("last reset by", ", ".join(report.reset_reasons))
    made.add_row("inputs a second", f"{report.inputs / max(report.seconds, 1e-3):.1f}")
    if report.traffic.repeats or report.traffic.restarts:
        made.add_row("frames sent again", _lost(report))
    parts: list[RenderableType] = [made]
    if report.confusion is not None:
        parts += ["", confusion(report.confusion)]
    return Group(*parts)


def _lost(report: VerifyReport) -> str:
    traffic = report.traffic
    return f"{traffic.repeats} of {grouped(traffic.requests)}; {traffic.restarts} new sessions"


def confusion(found: Confusion) -> RenderableType:
    """Show how often each class was taken for each; of many classes, the worst pairs."""
    if len(found.labels) > _MOST_CLASSES:
        return _worst_pairs(found)
    made = table("is, taken for", *found.labels)
    for label, row in zip(found.labels, found.counts, strict=True):
        made.add_row(label, *(grouped(count) if count else "." for count in row))
    return made


def _worst_pairs(found: Confusion) -> RenderableType:
    pairs = sorted(
        (-count, label, taken)
        for label, row in zip(found.labels, found.counts, strict=True)
        for taken, count in zip(found.labels, row, strict=True)
        if count and label != taken
    )
    made = table("taken for another", "inputs")
    for count, label, taken in pairs[:_MOST_PAIRS]:
        made.add_row(f"{label} for {taken}", grouped(-count))
    return made


def mismatch_text(mismatch: Mismatch) -> str:
    """Describe the first mismatch."""
    where = f"layer {mismatch.layer}" if mismatch.layer else "the output"
    tensor = f" (tensor {mismatch.tensor})" if mismatch.tensor != mismatch.layer else ""
    return (
        f"input {mismatch.sample}: element {mismatch.element} of {where}{tensor} is "
        f"{mismatch.found:g}, expected {mismatch.expected:g}"
    )
