"""Compile many models into one image for a core, and run each of them in unicorn."""

import subprocess
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import batch
import numpy as np
import unicorn
from batch import Run
from draft import Array
from elftools.elf.elffile import ELFFile
from unicorn import arm_const as arm
from unicorn import riscv_const as riscv

from tinykit.codegen.compile import Compiled
from tinykit.core.board import find_board
from tinykit.host import riscv_isa, thumb_isa, toolchain
from tinykit.host.isa import check_isa
from tinykit.host.kernels import kernel_files
from tinykit.host.toolchain import FIRMWARE, Source

_FLASH, _RAM, _SIZE = 0x0000_0000, 0x2000_0000, 16 << 20
_STOP = _RAM - 0x1000  # where a call returns to: nothing else is there
_THUMB = 1
_MOST_INSTRUCTIONS = 200_000_000
_SCRIPT = f"""
MEMORY {{ flash : ORIGIN = {_FLASH:#x}, LENGTH = 16M  ram : ORIGIN = {_RAM:#x}, LENGTH = 15M }}
SECTIONS
{{
    .text : {{ . += 64; *(.text .text.*) }} > flash
    .rodata : {{ *(.rodata .rodata.* .srodata .srodata.*) }} > flash
    .data : {{ *(.data .data.* .sdata .sdata.*) }} > ram
    .bss : {{ *(.bss .bss.* .sbss .sbss.*) }} > ram
    /DISCARD/ : {{ *(.ARM.* .comment .debug* .stack_sizes .eh_frame*) }}
}}
"""


@dataclass(frozen=True, slots=True)
class Core:
    """Hold a core: a board that has it, and unicorn's number for it; None for RISC-V."""

    board: str
    model: int | None


# unicorn has no Cortex-M0+, whose instructions are those of the M0, and no M55.
CORES = {
    "cortex_m0": Core("microbit", arm.UC_CPU_ARM_CORTEX_M0),
    "cortex_m0plus": Core("pico", arm.UC_CPU_ARM_CORTEX_M0),
    "cortex_m3": Core("qemu_an385", arm.UC_CPU_ARM_CORTEX_M3),
    "cortex_m4": Core("nano33", arm.UC_CPU_ARM_CORTEX_M4),
    "cortex_m7": Core("qemu_an500", arm.UC_CPU_ARM_CORTEX_M7),
    "cortex_m33": Core("qemu_an505", arm.UC_CPU_ARM_CORTEX_M33),
    "riscv32": Core("qemu_riscv32", None),
}


@dataclass(frozen=True, slots=True)
class Image:
    """Hold an image in an emulated core, and where its symbols are."""

    machine: unicorn.Uc
    places: dict[str, int]


def emulated_outputs(
    runs: Sequence[Run], core: str, optimize: str, folder: Path, compiler: str = "zig"
) -> list[tuple[Array, ...]]:
    """Compile all models for a core, and run each as often as it has samples.

    Args:
        runs: models of different names, whose layers have different names too.
        core: of CORES.
        optimize: size, balanced or speed.
        folder: an empty one.
        compiler: zig or gcc.
    """
    sources = [Source(path, optimize) for path in _sources([run.model for run in runs], folder)]
    image = load(core, sources, f"{runs[0].model.name}_invoke", folder, compiler)
    machine, places = image.machine, image.places
    rng = np.random.default_rng(2)
    found = []
    for run in runs:
        arenas = batch._arenas(run, rng)
        if run.model.graph.states:
            call(machine, places[f"{run.model.name}_reset_state"])
        place = places[f"{run.model.name}_arena"]
        for arena in arenas:
            machine.mem_write(place, arena.tobytes())
            call(machine, places[f"{run.model.name}_invoke"])
            arena[:] = np.frombuffer(machine.mem_read(place, arena.size), np.int8)
        found.append(tuple(batch._tensor(run.model, n, arenas) for n in run.model.graph.outputs))
    return found


def count_instructions(
    models: Sequence[Compiled], core: str, optimize: str, folder: Path
) -> list[int]:
    """Compile all models for a core, and count what one inference of each takes.

    Args:
        models: of different names, and of one layer each.
        core: of CORES.
        optimize: size, balanced or speed.
        folder: an empty one.
    """
    sources = [Source(path, optimize) for path in _sources(models, folder)]
    image = load(core, sources, f"{models[0].name}_invoke", folder, "zig")
    machine, places = image.machine, image.places
    read = riscv_isa.read if core == "riscv32" else thumb_isa.read
    blocks: dict[tuple[int, int], int] = defaultdict(int)

    def on_block(_machine: object, address: int, size: int, _data: object) -> None:
        blocks[address, size] += 1

    machine.hook_add(unicorn.UC_HOOK_BLOCK, on_block)
    found = []
    for model in models:
        if model.graph.states:
            call(machine, places[f"{model.name}_reset_state"])
        blocks.clear()
        call(machine, places[f"{model.name}_invoke"], most=0)
        code = {block: bytes(machine.mem_read(*block)) for block in blocks}
        found.append(sum(_length(code[block], read) * n for block, n in blocks.items()))
    return found


def _length(code: bytes, read: Callable[[int, int], tuple[int, str]]) -> int:
    """Count the instructions of a block."""
    halves = [*np.frombuffer(code, "<u2").tolist(), 0]
    count = at = 0
    while at < len(halves) - 1:
        at += read(halves[at], halves[at + 1])[0]
        count += 1
    return count


def _machine(elf: ELFFile, model: int | None) -> unicorn.Uc:
    """Return a core with the image in a flash that cannot be written, and poisoned RAM."""
    if model is None:
        machine = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
    else:
        machine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        machine.ctl_set_cpu_model(model)
    machine.mem_map(_FLASH, _SIZE, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
    machine.mem_map(_RAM, _SIZE, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
    machine.mem_map(_STOP, 0x1000, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
    machine.mem_write(_RAM, b"\xa5" * _SIZE)
    for segment in elf.iter_segments("PT_LOAD"):
        machine.mem_write(segment["p_vaddr"], bytes(segment["p_memsz"]))
        machine.mem_write(segment["p_vaddr"], segment.data())
    return machine


def call(machine: unicorn.Uc, place: int, most: int = _MOST_INSTRUCTIONS) -> None:
    """Call a function without arguments, which takes `most` instructions; 0 is any number."""
    if machine._arch == unicorn.UC_ARCH_RISCV:
        stack, back, counter = riscv.UC_RISCV_REG_SP, riscv.UC_RISCV_REG_RA, riscv.UC_RISCV_REG_PC
        thumb = 0
    else:
        stack, back, counter = arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR, arm.UC_ARM_REG_PC
        thumb = _THUMB
    machine.reg_write(stack, _RAM + _SIZE)
    machine.reg_write(back, _STOP | thumb)
    machine.emu_start(place | thumb, _STOP, count=most)
    assert machine.reg_read(counter) == _STOP
    assert machine.reg_read(stack) == _RAM + _SIZE


def _sources(models: Sequence[Compiled], folder: Path) -> list[Path]:
    for model in models:
        for name in (f"{model.name}.c", f"{model.name}.h"):
            (folder / name).write_text(model.files[name])
    (folder / "models.c").write_text("".join(f'#include "{m.name}.c"\n' for m in models))
    text = "".join(model.files[f"{model.name}.c"] for model in models)
    return [folder / "models.c", *kernel_files(text)]


def load(core: str, sources: Sequence[Source], entry: str, folder: Path, compiler: str) -> Image:
    """Compile sources for a core, and load them into an emulated one."""
    (folder / "batch.ld").write_text(_SCRIPT)
    board = find_board(CORES[core].board)
    chosen = toolchain.find_toolchain(compiler, board.core)
    memory = Source(FIRMWARE / "libc" / "mem.c", sources[0].optimize)
    objects = toolchain.compile_objects(chosen, board, [*sources, memory], folder)
    command = [*chosen.command, *toolchain._core_flags(chosen, board), *objects, "-T", "batch.ld"]
    command += ["-Wl,--fatal-warnings", f"-Wl,--entry={entry}"]
    if compiler == "gcc":
        command += ["-nostartfiles", "-nodefaultlibs", "-lgcc"]
    done = subprocess.run(
        [*command, "-o", "batch.elf"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    path = folder / "batch.elf"
    check_isa(path, board)
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        machine = _machine(elf, CORES[core].model)
        table = elf.get_section_by_name(".symtab")
        return Image(machine, {s.name: s["st_value"] for s in table.iter_symbols()})
