"""Say within seconds whether a model compiles, where it fits, and which layers are in the way."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinykit.codegen.compile import Compiled, compile_model
from tinykit.codegen.emit import state_bytes, tables
from tinykit.codegen.importer import Obstacle, obstacles
from tinykit.codegen.layer import LowerOptions
from tinykit.codegen.picture_text import PlanRow, plan_rows
from tinykit.core.board import Board
from tinykit.core.errors import TinykitError
from tinykit.host.version import VERSION

# What code and application take at most beside the tables and the arena: measured over the
# shared models and the demos (docs/benchmarks.md), rounded up. `tinykit build` tells exactly.
CODE_BYTES = 10_240
LAYER_BYTES = 112  # the largest record (tk_copy's) and its call
APP_RAM_BYTES = 768


@dataclass(frozen=True, slots=True)
class Fit:
    """Hold whether a model fits a board.

    What it needs is an upper bound, unless it is built with --optimize speed.

    Attributes:
        remark: what must be said of the board wherever it is listed, or nothing.
    """

    board: str
    remark: str
    fits: bool
    flash_bytes: int
    ram_bytes: int
    flash_free_bytes: int
    ram_free_bytes: int


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Hold what a check found.

    Attributes:
        compiles: whether the compiler takes the model.
        obstacles: every layer that it does not take, with a way out.
        layers, macs: how many kernel calls and multiply-accumulates, if it compiles.
        arena_bytes, least_bytes: of the memory plan, and a bound that no plan is below.
        proven: no plan is smaller.
        tables_bytes: weights and all other tables in flash.
        boards: where it fits.
        plan: what the arena holds, layer by layer.
    """

    model: str
    compiles: bool
    obstacles: tuple[Obstacle, ...]
    layers: int = 0
    macs: int = 0
    arena_bytes: int = 0
    least_bytes: int = 0
    proven: bool = False
    tables_bytes: int = 0
    boards: tuple[Fit, ...] = ()
    plan: tuple[PlanRow, ...] = ()


def check_model(data: bytes, name: str, boards: Sequence[Board] = ()) -> CheckReport:
    """Check an int8 .tflite model.

    Args:
        data: the file's bytes.
        name: its name.
        boards: where it could go; arena and tables are those of the only one, or of cores without
            DSP instructions.

    Raises:
        TinykitError: it is no such model at all, or broken in a way that no layer is to blame for.
    """
    try:
        options = _options(boards[0]) if len(boards) == 1 else LowerOptions()
        model = compile_model(data, name, VERSION, options)
    except TinykitError:
        in_the_way = obstacles(data, name)
        if not in_the_way:
            raise
        return CheckReport(name, compiles=False, obstacles=in_the_way)
    return CheckReport(
        model=name,
        compiles=True,
        obstacles=(),
        layers=len(model.program.layers),
        macs=sum(layer.macs for layer in model.program.layers),
        arena_bytes=model.plan.arena_bytes,
        least_bytes=model.plan.least_bytes,
        proven=model.plan.proven,
        tables_bytes=_table_bytes(model),
        boards=_fits(data, name, boards),
        plan=plan_rows(model.program, model.plan),
    )


def _table_bytes(model: Compiled) -> int:
    layers = model.program.layers
    return sum(table.bytes for layer in layers for table in tables(model.program, layer))


def _fits(data: bytes, name: str, boards: Sequence[Board]) -> tuple[Fit, ...]:
    # cores have tables of their own, and scratch buffers that others do not need
    models = {
        options: compile_model(data, name, VERSION, options)
        for options in {_options(board) for board in boards}
    }
    return tuple(_fit(models[_options(board)], board) for board in boards)


def _options(board: Board) -> LowerOptions:
    return LowerOptions(dsp=board.dsp, core=board.isa)


def _fit(model: Compiled, board: Board) -> Fit:
    states = state_bytes(model.program)  # in RAM, their first values in flash
    flash = _table_bytes(model) + states + CODE_BYTES + LAYER_BYTES * len(model.program.layers)
    ram = model.plan.arena_bytes + states + board.ram.stack_bytes + APP_RAM_BYTES
    flash_free, ram_free = board.app_bytes - flash, board.ram.bytes - ram
    fits = min(flash_free, ram_free) >= 0
    return Fit(board.name, board.remark, fits, flash, ram, flash_free, ram_free)
