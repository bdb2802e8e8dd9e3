"""Count what one inference costs on a board: flash, RAM, instructions, layer by layer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinykit.host.calibration import calibrated_range
from tinykit.host.emulator import Cost, Profile
from tinykit.host.hot import Hot, hot_functions
from tinykit.host.image import read_image
from tinykit.host.inputs import fixed_input
from tinykit.host.judge import judge
from tinykit.host.loaded import Loaded, LoadedLayer, load
from tinykit.host.record import BuildRecord, built_board
from tinykit.host.samples import Samples
from tinykit.host.session import Place, open_session
from tinykit.host.verify import Progress

CYCLES_SOURCE = (
    "an estimate: Cortex-M4 TRM timing over the exact instruction counts, zero wait states"
)


@dataclass(frozen=True, slots=True)
class BenchReport:
    """Hold what `bench --json` prints.

    Attributes:
        exact: the oracle's name, and how many inputs and mismatches.
        instructions: one inference, from the call of invoke to its return.
        cycles_estimate: not measured, see cycles_source; None where the emulator estimates none.
        cycles_calibrated: the least and the most if the estimate is as far off as for engines that
            have been measured: host/calibration.py.
        cycles_waiting: the estimate with what the board's flash adds at jumps.
        wait_states: of that flash; None if the board's file does not say.
        flash, ram: bytes by what takes them; stack is the high-water mark below invoke's entry.
        stack_bound: the most that it can be, from frame sizes and the call graph.
        library: of the tflm engine, the build that it is linked with.
        layers: one record a kernel call; none where the emulator cannot tell them apart.
        functions: the hottest first; None if not asked for, or where the emulator tells none.
    """

    model: str
    digest: str
    board: str
    engine: str
    library: str
    toolchain: str
    optimize: str
    exact: dict[str, Any]
    instructions: int
    cycles_estimate: int | None
    cycles_source: str | None
    cycles_calibrated: tuple[int, int] | None
    cycles_waiting: int | None
    wait_states: int | None
    flash: dict[str, int]
    ram: dict[str, int]
    stack_bound: int
    layers: list[dict[str, Any]]
    functions: list[Hot] | None


def bench(
    folder: Path,
    record: BuildRecord,
    place: Place,
    samples: Samples,
    progress: Progress = lambda _done, _total: None,
) -> BenchReport:
    """Run the image in an emulator and count.

    The instructions are those of one fixed input (see `fixed_input`), which comes last; `samples`
    tell whether the answers are right.
    """
    model, image = load(folder, record), read_image(folder / record.files["elf"])
    truth = judge(model.data, model.graph, samples)
    wrong = 0
    with open_session(folder, record, place) as session:
        for sample in range(len(samples)):
            wrong += session.link.infer(samples.row(sample)).output != truth.row(sample)
            progress(sample + 1, len(samples) + 1)
        assert session.emulator is not None, "a real board counts nothing"
        link = session.link
        profile = session.emulator.profiled(lambda: link.infer(fixed_input(model.graph)))
        progress(len(samples) + 1, len(samples) + 1)
    return _report(
        record,
        built_board(folder, record).flash.wait_states,
        model,
        profile,
        None if profile.blocks is None else hot_functions(image, profile.blocks),
        {"oracle": truth.oracle, "inputs": len(samples), "mismatches": wrong},
    )


def _report(
    record: BuildRecord,
    wait_states: int | None,
    model: Loaded,
    profile: Profile,
    functions: list[Hot] | None,
    exact: dict[str, Any],
) -> BenchReport:
    sizes = record.sizes
    cycles = profile.total.cycles_estimate
    stack = profile.total.stack_bytes
    if stack is None:  # Renode does not look at it
        stack = sizes.stack_model
    ram = {
        "arena": sizes.arena,
        "static": sizes.static,
        "stack": stack,
        "app": sizes.app_ram + sizes.stack - stack,
    }
    flash = {"weights": sizes.weights, "code": sizes.code, "app": sizes.app}
    return BenchReport(
        model=record.model,
        digest=record.digest,
        board=record.board,
        engine=record.engine,
        library=record.library,
        toolchain=record.toolchain,
        optimize=record.optimize,
        exact=exact,
        instructions=profile.total.instructions,
        cycles_estimate=cycles,
        cycles_source=None if cycles is None else CYCLES_SOURCE,
        cycles_calibrated=None if cycles is None else calibrated_range(cycles),
        cycles_waiting=_waiting(profile.total, wait_states),
        wait_states=wait_states,
        flash={"total": sum(flash.values()), **flash},
        ram={"total": sum(ram.values()), **ram},
        stack_bound=sizes.stack_model,
        layers=_layers(model, profile.layers),
        functions=functions,
    )


def _waiting(cost: Cost, wait_states: int | None) -> int | None:
    """Add what a flash without a cache adds: the first fetch behind each jump waits.

    Fetches that follow are taken to be made ahead, and constants read from flash are not counted,
    so a real flash adds more.
    """
    if cost.cycles_estimate is None or cost.jumps is None or wait_states is None:
        return None
    return cost.cycles_estimate + cost.jumps * wait_states


def _layers(model: Loaded, costs: tuple[Cost, ...]) -> list[dict[str, Any]]:
    if not costs or not model.layers:  # without layers, all there is to profile is the call
        return []
    return [_layer(layer, cost) for layer, cost in zip(model.layers, costs, strict=True)]


def _layer(layer: LoadedLayer, cost: Cost) -> dict[str, Any]:
    return {
        "name": layer.name,
        "op": layer.op,
        "macs": layer.macs,
        "removed_channels": layer.removed_channels,
        "instructions": cost.instructions,
        "cycles_estimate": cost.cycles_estimate,
        "jumps": cost.jumps,
        "stack_bytes": cost.stack_bytes,
        "weights_bytes": layer.weights_bytes,
        "encoding": layer.encoding,
        "reason": layer.reason,
    }
