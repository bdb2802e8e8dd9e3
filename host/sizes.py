"""What takes how much of an image: the model's tables, code, and the application around it."""

from pathlib import Path

from elftools.elf.elffile import ELFFile

from tinykit.core.board import Board
from tinykit.core.errors import CheckFailedError
from tinykit.core.units import bytes_text
from tinykit.host.image import Image, Symbol
from tinykit.host.record import SizeRecord
from tinykit.host.stack import stack_bounds
from tinykit.host.tflm_arena import Need
from tinykit.host.toolchain import FIRMWARE

FAULT_BYTES = 256  # of the stack, below __fault_floor in firmware/chips/cortex_m.ld
_INTERRUPT = "tk_chip_interrupt"
_FRAME_BYTES = 108  # an exception's frame with the FPU's registers, aligned (DDI 0403E, B1.5.7)


def measure(image: Image, objects: Path, model: str, board: Board) -> SizeRecord:
    """Attribute every byte of an image.

    Args:
        image: the linked image.
        objects: the folder of its object files, called NN-<C file's stem>.o.
        model: the model's C name.
        board: whose memory it lies in.
    """
    owners = _owners(objects)
    weights = code = arena = static = 0
    for symbol in _placed(image):
        stem = symbol.unit.removesuffix(".c") or owners.get(symbol.name, "")
        if symbol.section in (".bss", ".data"):
            arena += symbol.bytes if symbol.name == f"{model}_arena" else 0
            static += symbol.bytes if stem == model and symbol.name != f"{model}_arena" else 0
        else:
            weights += symbol.bytes if stem == model and symbol.kind == "object" else 0
            code += symbol.bytes if _is_code(symbol, stem, model) else 0
    depths = _depths(objects, _roots(objects, model))
    flash = image.flash_bytes
    app = flash - weights - code
    stack = image.stack_bytes
    assert sum(depths.values()) + FAULT_BYTES <= stack, (depths, stack)
    app_ram = image.ram_bytes - arena - static - stack
    return SizeRecord(
        weights=weights,
        code=code,
        app=app,
        flash=flash,
        arena=arena,
        static=static,
        app_ram=app_ram,
        stack=stack,
        stack_model=depths["model"],
        stack_most=sum(depths.values()),
        ram=image.ram_bytes,
        flash_free=board.app_bytes - flash,
        ram_free=board.ram.bytes - image.ram_bytes,
    )


def measure_library(
    image: Image, objects: Path, model: str, board: Board, need: Need
) -> SizeRecord:
    """Attribute every byte of an image whose engine is a library, from outside of our objects.

    Args:
        image: the linked image.
        objects: the folder of its object files.
        model: the model's C name.
        board: whose memory it lies in.
        need: what the model needs, measured: calls through pointers have no bound to compute.
    """
    owners = _owners(objects)
    engine = {model, "app_model", *(path.stem for path in (FIRMWARE / "engines").iterdir())}
    weights = app = arena = app_ram = 0
    for symbol in _placed(image):
        stem = symbol.unit.removesuffix(".c") or owners.get(symbol.name, "")
        ours = stem in owners.values() and stem not in engine
        if symbol.section in (".bss", ".data"):
            arena += symbol.bytes if symbol.name == f"{model}_arena" else 0
            app_ram += symbol.bytes if ours else 0
        weights += symbol.bytes if symbol.name == f"{model}_tflite" else 0
        if ours and symbol.section != ".bss":
            app += symbol.bytes
    flash, stack = image.flash_bytes, image.stack_bytes
    return SizeRecord(
        weights=weights,
        code=flash - weights - app,
        app=app,
        flash=flash,
        arena=arena,
        static=image.ram_bytes - arena - app_ram - stack,
        app_ram=app_ram,
        stack=stack,
        stack_model=need.stack_model_bytes,
        stack_most=need.stack_bytes,
        ram=image.ram_bytes,
        flash_free=board.app_bytes - flash,
        ram_free=board.ram.bytes - image.ram_bytes,
    )


def _placed(image: Image) -> list[Symbol]:
    """Return the symbols that take memory, one an address: compiler support has many aliases."""
    by_address = {s.address: s for s in image.symbols if s.kind != "label" and s.bytes}
    return [s for s in by_address.values() if s.section != ".stack"]


def _is_code(symbol: Symbol, stem: str, model: str) -> bool:
    if stem in ("", "compiler_rt"):  # what the compiler adds is in no object of ours
        return True
    return stem.startswith("tk_") or (stem == model and symbol.kind == "function")


def _owners(objects: Path) -> dict[str, str]:
    """Return which C file defines each global symbol."""
    found = {}
    for path in sorted(objects.glob("*.o")):
        stem = path.stem.partition("-")[2]
        with path.open("rb") as stream:
            table = ELFFile(stream).get_section_by_name(".symtab")
            for symbol in table.iter_symbols() if table is not None else ():
                if symbol["st_shndx"] != "SHN_UNDEF" and symbol["st_info"]["bind"] == "STB_GLOBAL":
                    found[symbol.name] = stem
    return found


def reserved_stack(objects: Path, model: str, board: Board) -> int:
    """Return how much the linker reserves for the stack: its bound, and what faults keep.

    Raises:
        CheckFailedError: that is more than the board's file allows.
    """
    depths = _depths(objects, {**_roots(objects, model), "faults": "tk_fault_stop"})
    assert depths.pop("faults") + _FRAME_BYTES <= FAULT_BYTES
    most, allowed = sum(depths.values()), board.ram.stack_bytes - FAULT_BYTES
    if most > allowed:
        raise CheckFailedError(
            f"the stack can grow to {bytes_text(most)}, {board.name} has {bytes_text(allowed)} "
            f"({bytes_text(board.ram.stack_bytes)} less {FAULT_BYTES} for faults)",
            "raise ram.stack_bytes in the board's file",
        )
    return with_faults(most, board)


def with_faults(most: int, board: Board) -> int:
    """Return a stack of so many bytes, aligned, with what faults keep."""
    alignment = 16 if board.core.startswith("riscv") else 8  # RISC-V psABI, 2.1; AAPCS, 6.2.1.2
    return -(-(most + FAULT_BYTES) // alignment) * alignment


def _roots(objects: Path, model: str) -> dict[str, str]:
    """Name where the stack begins; the application's call of the model is not seen."""
    roots = {"model": f"{model}_invoke", "application": "tk_start"}
    if _INTERRUPT in _owners(objects):
        roots["interrupts"] = _INTERRUPT
    return roots


def _depths(objects: Path, roots: dict[str, str]) -> dict[str, int]:
    """Return how deep the stack gets below each root; an interrupt's frame counts with it."""
    depths = stack_bounds(objects, roots)
    if "interrupts" in depths:
        depths["interrupts"] += _FRAME_BYTES
    return depths
