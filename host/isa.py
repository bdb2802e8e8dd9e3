"""Prove that an image has no instruction that its core lacks."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tinykit.core.board import Board
from tinykit.core.errors import TinykitError
from tinykit.host import riscv_isa, thumb_isa

_EXECUTABLE = 0x4
_V7M = frozenset({"Armv6-M", "Thumb-2"})
_V8M = _V7M | {"Armv8-M"}
# What a core has without its FPU; -mcpu= says the same to the compiler.
_PARTS: dict[str, frozenset[str]] = {
    "cortex_m0": frozenset({"Armv6-M"}),
    "cortex_m0plus": frozenset({"Armv6-M"}),
    "cortex_m3": _V7M,
    "cortex_m4": _V7M | {"DSP"},
    "cortex_m7": _V7M | {"DSP"},
    "cortex_m33": _V8M,
    "cortex_m33+dsp": _V8M | {"DSP"},
    "cortex_m55-mve": _V8M | {"DSP", "Armv8.1-M"},
    "riscv32": frozenset({"I", "M", "A", "C", "Zicsr"}),
}
# What the FPU adds that host/toolchain.py names to the compiler.
_FPU: dict[str, frozenset[str]] = {
    "cortex_m4": frozenset({"FPU"}),
    "cortex_m7": frozenset({"FPU", "FPv5"}),
    "cortex_m33": frozenset({"FPU", "FPv5"}),
    "cortex_m55": frozenset({"FPU", "FPv5", "double precision FPU"}),
}


@dataclass(frozen=True, slots=True)
class Foreign:
    """Hold an instruction that a core lacks: where, in which function, of what, its half-words."""

    address: int
    function: str
    part: str
    code: tuple[int, ...]


def check_isa(elf: Path, board: Board) -> None:
    """Raise TinykitError if an image has an instruction that the board's core lacks."""
    found = next(foreign_instructions(elf, board), None)
    if found is not None:
        code = " ".join(f"0x{half:04x}" for half in found.code)
        raise TinykitError(
            f"{found.function} has the {found.part} instruction {code} at 0x{found.address:08x}, "
            f"{board.name}'s {board.cpu} lacks it",
            "a library must be built for this core; without one, report this: it is a bug",
        )


def foreign_instructions(elf: Path, board: Board) -> Iterator[Foreign]:
    """Yield the instructions of an image that the board's core lacks, by address."""
    allowed = board_parts(board)
    read = riscv_isa.read if board.core == "riscv32" else thumb_isa.read
    with elf.open("rb") as stream:
        file = ELFFile(stream)
        for number, section in enumerate(file.iter_sections()):
            if section["sh_flags"] & _EXECUTABLE and section["sh_type"] == "SHT_PROGBITS":
                marks, functions = _symbols(file, number)
                start = int(section["sh_addr"])
                for address, code, part in _walk(read, section.data(), start, marks):
                    if part not in allowed:
                        yield Foreign(address, _name(functions, address), part, code)


def board_parts(board: Board) -> frozenset[str]:
    """Return the parts of its instruction set that a board's core has."""
    parts = _PARTS[board.cpu]
    return parts | _FPU[board.core] if board.float_abi == "hard" else parts


def _walk(
    read: Callable[[int, int], tuple[int, str]], data: bytes, start: int, marks: dict[int, bool]
) -> Iterator[tuple[int, tuple[int, ...], str]]:
    """Yield address, half-words and part of each instruction of a section."""
    count = len(data) // 2
    halves = (*struct.unpack_from(f"<{count}H", data), 0)  # one more, behind the last
    at, is_code = 0, True
    while at < count:
        address = start + 2 * at
        is_code = marks.get(address, is_code)
        size = 1
        if is_code:
            size, part = read(halves[at], halves[at + 1])
            yield address, halves[at : at + size], part
        at += size


def _symbols(file: ELFFile, section: int) -> tuple[dict[int, bool], list[tuple[int, str]]]:
    """Return where code ($t, $x) and data ($d) of a section begin, and where functions do."""
    table = file.get_section_by_name(".symtab")
    marks: dict[int, bool] = {}
    functions = []
    if isinstance(table, SymbolTableSection):
        for symbol in table.iter_symbols():
            if symbol["st_shndx"] != section:
                continue
            place, kind = int(symbol["st_value"]), symbol.name[:2]
            if kind in ("$t", "$x"):  # ELF for the Arm Architecture, 5.5.5; RISC-V psABI, 8.6
                marks[place] = True
            elif kind == "$d":
                marks.setdefault(place, False)
            elif symbol["st_info"]["type"] == "STT_FUNC":
                functions.append((place & ~1, symbol.name))
    return marks, sorted(functions)


def _name(functions: list[tuple[int, str]], address: int) -> str:
    return next((name for place, name in reversed(functions) if place <= address), "?")
