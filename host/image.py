"""What an ELF image holds: its bytes for flash, its symbols, its checks, .bin, .hex and .map."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Literal

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tinykit.core.board import Board
from tinykit.core.errors import TinykitError

Kind = Literal["function", "object", "label"]

_KINDS: dict[str, Kind] = {"STT_FUNC": "function", "STT_OBJECT": "object", "STT_NOTYPE": "label"}
_SHF_ALLOC = 0x2
_HEX_ROW_BYTES = 16
_THUMB = 1
_MACHINES = ("EM_ARM", "EM_RISCV")
# What pyelftools raises for files that are cut or garbled.
_UNREADABLE = (ELFError, struct.error, AttributeError, KeyError, IndexError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Symbol:
    """Hold one symbol.

    Attributes:
        name: as in C.
        address: of its first byte, without the Thumb bit.
        bytes: its size; 0 for labels.
        section: .text, .rodata, .data, .bss, .stack; empty for absolute symbols.
        kind: function, object or label.
        unit: the C file that defines it; empty for linker symbols and, of the compiler's library,
            what the ELF does not tell.
    """

    name: str
    address: int
    bytes: int
    section: str
    kind: Kind
    unit: str


@dataclass(frozen=True, slots=True)
class Section:
    """Hold one section that takes memory.

    Attributes:
        name: .text, .rodata, .stack, .data or .bss.
        address: where it lies when the program runs.
        bytes: its size.
        loaded: whether its bytes are stored in flash.
    """

    name: str
    address: int
    bytes: int
    loaded: bool


@dataclass(frozen=True, slots=True)
class Image:
    """Hold what a firmware image says about itself.

    Attributes:
        load_address: of its first byte in flash.
        data: its bytes in flash, from the vector table to the initial values of its data.
        entry: where it starts, with the Thumb bit.
        sections: those that take memory, by address.
        symbols: by address, then name.
    """

    load_address: int
    data: bytes
    entry: int
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]

    @property
    def crc32(self) -> int:
        """Return the CRC-32 that the board must give in its answer to hello."""
        return zlib.crc32(self.data)

    @property
    def flash_bytes(self) -> int:
        """Return how much flash the image takes."""
        return len(self.data)

    @property
    def stack_bytes(self) -> int:
        """Return how much RAM is reserved for the stack."""
        return sum(s.bytes for s in self.sections if s.name == ".stack")

    @property
    def ram_bytes(self) -> int:
        """Return how much RAM the image takes, its stack included."""
        return sum(s.bytes for s in self.sections if s.name in (".stack", ".data", ".bss"))

    def symbol(self, name: str) -> Symbol:
        """Return the symbol of that name; there must be one."""
        found = [symbol for symbol in self.symbols if symbol.name == name]
        assert found, f"no symbol {name}"
        return found[0]


def read_image(elf: Path, objects: Sequence[Path] = ()) -> Image:
    """Read an ELF file.

    Args:
        elf: the linked image.
        objects: what it was linked from; they tell the units of global symbols.

    Raises:
        TinykitError: no such file, or not an ELF image for Arm or RISC-V.
    """
    units = {symbol.name: symbol.unit for path in objects for symbol in _defined(path)}
    with _elf_file(elf) as file:
        start, data = _load_image(file)
        named = (replace(s, unit=s.unit or units.get(s.name, "")) for s in _symbols(file))
        return Image(start, data, int(file["e_entry"]), _sections(file), tuple(named))


def symbols(elf: Path) -> list[Symbol]:
    """Return the symbols of work/firmware.elf, as compile_image left it, by address."""
    return list(read_image(elf, object_files(elf)).symbols)


def object_files(elf: Path) -> list[Path]:
    """Return the objects that compile_image left beside the ELF file."""
    return sorted((elf.parent / "objects").glob("*.o"))


def check_image(image: Image, board: Board) -> None:
    """Raise TinykitError unless the board would start this image and it lies inside its memory."""
    _check_place(image, board)
    if board.core == "riscv32":
        _check_entry(image, board)
        return
    if board.flash.boot2_bytes:
        _check_boot2(image, board)
    _check_vectors(image, board)


def to_hex(image: Image) -> str:
    """Write the image as Intel HEX, with its entry point."""
    records: list[str] = []
    upper = -1
    start = 0
    while start < len(image.data):
        address = image.load_address + start
        if address >> 16 != upper:
            upper = address >> 16
            records.append(_record(0, 4, upper.to_bytes(2, "big")))
        count = _HEX_ROW_BYTES - address % _HEX_ROW_BYTES  # so that no row crosses 64 KB
        records.append(_record(address & 0xFFFF, 0, image.data[start : start + count]))
        start += count
    records.append(_record(0, 5, image.entry.to_bytes(4, "big")))
    records.append(_record(0, 1, b""))
    return "".join(record + "\n" for record in records)


def to_map(image: Image) -> str:
    """Write sections and symbols with their sizes, sorted by address."""
    lines = ["section          address      bytes"]
    for section in image.sections:
        lines.append(f"{section.name:15}  0x{section.address:08x}  {section.bytes:7}")
    lines += ["", "address      bytes  section   kind      symbol"]
    for symbol in image.symbols:
        unit = f"  ({symbol.unit})" if symbol.unit else ""
        lines.append(
            f"0x{symbol.address:08x}  {symbol.bytes:7}  {symbol.section:8}  {symbol.kind:8}"
            f"  {symbol.name}{unit}"
        )
    return "\n".join(lines) + "\n"


@contextmanager
def _elf_file(path: Path) -> Iterator[ELFFile]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TinykitError(f"{path}: {error.strerror}", "build it: tinykit build") from None
    try:
        file = ELFFile(BytesIO(content))
        if file["e_machine"] not in _MACHINES:
            raise TinykitError(
                f"{path} is for {file['e_machine']}, not for Arm or RISC-V", "tinykit build"
            )
        yield file
    except _UNREADABLE as error:
        raise TinykitError(f"{path} is not a whole ELF file: {error}", "tinykit build") from error


def _defined(path: Path) -> list[Symbol]:
    """Return what an object defines, with the file of its first file symbol as the unit."""
    with _elf_file(path) as file:
        table = file.get_section_by_name(".symtab")
        names = [e.name for e in table.iter_symbols() if e["st_info"]["type"] == "STT_FILE"]
        unit = Path(names[0]).name
        return [replace(s, unit=unit) for s in _symbols(file) if s.section]


def _load_image(file: ELFFile) -> tuple[int, bytes]:
    loaded = sorted(
        (int(segment["p_paddr"]), segment.data())
        for segment in file.iter_segments("PT_LOAD")
        if segment["p_filesz"]
    )
    if not loaded:
        raise ELFError("nothing to load")
    start = loaded[0][0]
    image = bytearray()
    for address, data in loaded:
        gap = address - start - len(image)
        if gap < 0:
            raise ELFError(f"two segments at 0x{address:08x}")
        if gap > 1 << 20:
            raise ELFError(f"a hole of {gap} bytes before 0x{address:08x}")
        image += bytes(gap) + data
    return start, bytes(image)


def _sections(file: ELFFile) -> tuple[Section, ...]:
    found = [
        Section(
            name=section.name,
            address=int(section["sh_addr"]),
            bytes=int(section["sh_size"]),
            loaded=section["sh_type"] != "SHT_NOBITS",
        )
        for section in file.iter_sections()
        if section["sh_flags"] & _SHF_ALLOC
    ]
    return tuple(sorted(found, key=lambda section: (section.address, section.name)))


def _symbols(file: ELFFile) -> tuple[Symbol, ...]:
    table = file.get_section_by_name(".symtab")
    if not isinstance(table, SymbolTableSection):
        raise ELFError("it has no symbols")
    found: list[Symbol] = []
    unit = ""
    for entry in table.iter_symbols():
        info = entry["st_info"]
        if info["type"] == "STT_FILE":
            unit = Path(entry.name).name
        kind = _KINDS.get(info["type"])
        if kind is None or not entry.name or entry.name.startswith("$"):
            continue  # $t, $d: the mapping symbols of the Arm ELF ABI
        thumb = _THUMB if kind == "function" else 0
        found.append(
            Symbol(
                name=entry.name,
                address=int(entry["st_value"]) & ~thumb,
                bytes=int(entry["st_size"]),
                section=_section_name(file, entry["st_shndx"]),
                kind=kind,
                unit=unit if info["bind"] == "STB_LOCAL" else "",
            )
        )
    return tuple(sorted(found, key=lambda symbol: (symbol.address, symbol.name, symbol.unit)))


def _section_name(file: ELFFile, index: int | str) -> str:
    return str(file.get_section(index).name) if isinstance(index, int) else ""


def _check_place(image: Image, board: Board) -> None:
    if image.load_address != board.app_address:
        raise TinykitError(
            f"the image starts at 0x{image.load_address:08x}, {board.name} starts applications"
            f" at 0x{board.app_address:08x}",
            f"tinykit build --board {board.name}",
        )
    flash = range(board.app_address, board.app_address + board.app_bytes + 1)
    ram = range(board.ram.address, board.ram.address + board.ram.bytes + 1)
    for section in image.sections:
        end = section.address + section.bytes
        if not any(section.address in place and end in place for place in (flash, ram)):
            raise TinykitError(
                f"{section.name} lies at 0x{section.address:08x} to 0x{end:08x}, outside the"
                f" memory of {board.name}",
                f"tinykit build --board {board.name}",
            )
    if image.load_address + len(image.data) not in flash:
        raise TinykitError(f"the image has {len(image.data)} bytes", "it does not fit the flash")


def _check_boot2(image: Image, board: Board) -> None:
    """Compute what the boot ROM compares (RP2040 datasheet, 2.8.1.3.1)."""
    data = image.data[: board.flash.boot2_bytes]
    expected = boot2_crc32(data[:-4])
    found = int.from_bytes(data[-4:], "little")
    if found != expected:
        raise TinykitError(
            f"the second boot stage has the CRC 0x{found:08x}, its bytes want 0x{expected:08x}",
            f"write that into firmware/chips/{board.chip}_boot2.S",
        )


def boot2_crc32(data: bytes) -> int:
    """Return the CRC-32 that the RP2040's boot ROM computes: not reflected, not inverted."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = crc << 1 & 0xFFFFFFFF ^ (0x04C11DB7 if crc >> 31 else 0)
    return crc


def _check_vectors(image: Image, board: Board) -> None:
    stack, reset = struct.unpack_from("<II", image.data, board.flash.boot2_bytes)
    top = board.ram.address + image.stack_bytes
    if stack != top:
        raise TinykitError(
            f"the first stack pointer is 0x{stack:08x}, the stack of {board.name} ends at"
            f" 0x{top:08x}",
            f"tinykit build --board {board.name}",
        )
    code = range(image.load_address, image.load_address + len(image.data))
    if not reset & _THUMB or reset - _THUMB not in code:
        raise TinykitError(
            f"the reset vector is 0x{reset:08x}, no Thumb address in the image",
            f"tinykit build --board {board.name}",
        )
    if image.entry != reset:
        raise TinykitError(
            f"the entry is 0x{image.entry:08x}, the reset vector 0x{reset:08x}",
            f"tinykit build --board {board.name}",
        )


def _check_entry(image: Image, board: Board) -> None:
    if image.entry != image.load_address:
        raise TinykitError(
            f"the entry is 0x{image.entry:08x}, {board.name} starts at 0x{image.load_address:08x}",
            f"tinykit build --board {board.name}",
        )


def _record(address: int, kind: int, data: bytes) -> str:
    body = bytes([len(data)]) + address.to_bytes(2, "big") + bytes([kind]) + data
    return ":" + (body + bytes([-sum(body) & 0xFF])).hex().upper()
