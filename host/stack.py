"""How deep the stack can get: the compiler's frame sizes, summed along the call graph.

Every function has a section of its own (-ffunction-sections). Its frame comes from clang's section
.stack_sizes or from GCC's .su file beside the object; its calls are the branch relocations of its
section, tail calls included, so the sum is an upper bound. Calls through pointers are not seen: the
model makes none, and the application's only one is the call of the model.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

_BRANCHES = {
    "EM_ARM": (10, 30, 51, 102),  # R_ARM_THM_CALL, _JUMP24, _JUMP19, _JUMP11 (ELF for Arm, 5.6.1)
    # R_RISCV_BRANCH, _JAL, _CALL, _CALL_PLT, _RVC_BRANCH, _RVC_JUMP (RISC-V ELF psABI, 8.4)
    "EM_RISCV": (16, 17, 18, 19, 44, 45),
}
_UNDEFINED = "SHN_UNDEF"
LIBRARY_BYTES = 64  # a function of the compiler's library: leaves of a few registers
_TEXT = ".text."


@dataclass(slots=True)
class _Function:
    """Hold one function: its own frame, and what it calls, by name of object and function."""

    frame_bytes: int = 0
    calls: set[str] = field(default_factory=set)


def stack_bounds(objects: Path, roots: Mapping[str, str]) -> dict[str, int]:
    """Return the greatest stack depth below the entry of functions, in bytes.

    Args:
        objects: the folder of an image's object files.
        roots: global functions by what to call them in the result.
    """
    functions: dict[str, _Function] = {}
    globals_: dict[str, str] = {}
    for path in sorted(objects.glob("*.o")):
        _read_object(path, functions, globals_)
    return {label: _depth(globals_[name], functions, globals_, ()) for label, name in roots.items()}


def _depth(
    key: str,
    functions: Mapping[str, _Function],
    globals_: Mapping[str, str],
    above: tuple[str, ...],
) -> int:
    key = globals_.get(key, key)
    if key not in functions:
        return LIBRARY_BYTES
    assert key not in above, f"{key} calls itself: {above}"
    function = functions[key]
    below = (_depth(call, functions, globals_, (*above, key)) for call in function.calls)
    return function.frame_bytes + max(below, default=0)


def _read_object(path: Path, functions: dict[str, _Function], globals_: dict[str, str]) -> None:
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        symbols = elf.get_section_by_name(".symtab")
        assert isinstance(symbols, SymbolTableSection)
        names = [section.name for section in elf.iter_sections()]
        for symbol in symbols.iter_symbols():
            if symbol["st_shndx"] == _UNDEFINED or symbol["st_info"]["type"] != "STT_FUNC":
                continue
            key = f"{path.stem}:{names[symbol['st_shndx']]}"
            functions.setdefault(key, _Function())
            if symbol["st_info"]["bind"] == "STB_GLOBAL":
                globals_[symbol.name] = key
        for section in elf.iter_sections():
            if isinstance(section, RelocationSection) and _TEXT in section.name:
                caller = functions.get(f"{path.stem}:{_relocated(section)}")
                if caller is not None:
                    branches = _BRANCHES[elf["e_machine"]]
                    caller.calls |= _calls(path.stem, section, symbols, names, branches)
        _read_frames(path, elf, symbols, names, functions)


def _relocated(section: RelocationSection) -> str:
    """Return the section that .rel.text.x or .rela.text.x is about."""
    return str(section.name[section.name.index(_TEXT) :])


def _calls(
    stem: str,
    section: RelocationSection,
    symbols: SymbolTableSection,
    names: list[str],
    branches: tuple[int, ...],
) -> set[str]:
    found = set()
    own = f"{stem}:{_relocated(section)}"
    for relocation in section.iter_relocations():
        if relocation["r_info_type"] not in branches:
            continue
        symbol = symbols.get_symbol(relocation["r_info_sym"])
        place = symbol["st_shndx"]
        target = symbol.name if place == _UNDEFINED else f"{stem}:{names[place]}"
        if target != own:  # a branch inside of the function
            found.add(target)
    return found


def _read_frames(
    path: Path,
    elf: ELFFile,
    symbols: SymbolTableSection,
    names: list[str],
    functions: dict[str, _Function],
) -> None:
    usage = path.with_suffix(".su")
    if usage.is_file():
        _read_su(path.stem, usage.read_text(), functions)
        return
    for number, section in enumerate(elf.iter_sections()):
        if section.name != ".stack_sizes":
            continue
        sizes = section.data()
        for relocations in elf.iter_sections():
            if not isinstance(relocations, RelocationSection):
                continue
            if relocations["sh_info"] != number:
                continue
            for relocation in relocations.iter_relocations():
                symbol = symbols.get_symbol(relocation["r_info_sym"])
                key = f"{path.stem}:{names[symbol['st_shndx']]}"
                frame = _uleb128(sizes, relocation["r_offset"] + struct.calcsize("<I"))
                functions[key].frame_bytes = frame


def _read_su(stem: str, text: str, functions: dict[str, _Function]) -> None:
    """Read lines of file:line:column:function, tab, bytes, tab, static."""
    frames: dict[str, int] = {}
    for line in text.splitlines():
        place, size, _kind = line.split("\t")
        name = place.rpartition(":")[2].partition(".")[0]
        frames[name] = max(frames.get(name, 0), int(size))
    for key, function in functions.items():
        owner, _, section = key.partition(":")
        if owner == stem:
            # GCC calls its copies of a function name.constprop.0
            function.frame_bytes = frames.get(section.removeprefix(_TEXT).partition(".")[0], 0)


def _uleb128(data: bytes, offset: int) -> int:
    value = shift = 0
    while True:
        byte = data[offset]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
        shift += 7
        offset += 1
