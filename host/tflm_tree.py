"""Find a tree of TensorFlow Lite Micro that upstream's build has left, and check that it fits."""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import ARMAttributesSection

from tinykit.core.board import Board
from tinykit.core.config import FILE_NAME
from tinykit.core.errors import MissingToolError

VARIABLE = "TINYKIT_TFLM"
LIBRARY = "libtensorflow-microlite.a"
_DOWNLOADS = Path("tensorflow/lite/micro/tools/make/downloads")
# What the generated application includes, by the folder of headers that has it.
_HEADERS = (
    (Path(), "tensorflow/lite/micro/micro_interpreter.h"),
    (_DOWNLOADS / "flatbuffers" / "include", "flatbuffers/flatbuffers.h"),
    (_DOWNLOADS / "gemmlowp", "fixedpoint/fixedpoint.h"),
)
# Tag_CPU_arch (Addenda to the ABI for the Arm Architecture, 3.3.5.2) that each core can run.
_V6M, _V7M, _V7EM, _V8M_BASE, _V8M_MAIN = (11, 12), (10,), (13,), (16,), (17,)
_RUNS = {
    "cortex_m0": _V6M,
    "cortex_m0plus": _V6M,
    "cortex_m3": (*_V6M, *_V7M),
    "cortex_m4": (*_V6M, *_V7M, *_V7EM),
    "cortex_m7": (*_V6M, *_V7M, *_V7EM),
    "cortex_m33": (*_V6M, *_V7M, *_V8M_BASE, *_V8M_MAIN),
    "cortex_m33+dsp": (*_V6M, *_V7M, *_V7EM, *_V8M_BASE, *_V8M_MAIN),
    "cortex_m55-mve": (*_V6M, *_V7M, *_V7EM, *_V8M_BASE, *_V8M_MAIN),
}
# As upstream's Makefile calls them: TARGET_ARCH, by core and float ABI. It has no M55 without MVE.
_ARCHES = {
    ("cortex_m0", "soft"): "cortex-m0",
    ("cortex_m0plus", "soft"): "cortex-m0plus",
    ("cortex_m3", "soft"): "cortex-m3",
    ("cortex_m4", "soft"): "cortex-m4",
    ("cortex_m4", "hard"): "cortex-m4+fp",
    ("cortex_m7", "soft"): "cortex-m7",
    ("cortex_m7", "hard"): "cortex-m7+fp",
    ("cortex_m33", "soft"): "cortex-m33+nodsp",
    ("cortex_m33+dsp", "soft"): "cortex-m33+nodsp",
    ("cortex_m33+dsp", "hard"): "cortex-m33",
    ("cortex_m55-mve", "soft"): "cortex-m33+nodsp",
    ("cortex_m55-mve", "hard"): "cortex-m33",
}
_DOCS = "docs/tflm.md says how"
_MAGIC = b"!<arch>\n"
_MEMBER = struct.Struct("16s12s6s6s8s10s2s")


@dataclass(frozen=True, slots=True)
class TflmTree:
    """Hold what to compile and link with.

    Attributes:
        root: the tree, which no path in an image may name.
        include: folders of headers.
        library: the archive.
        name: the build's folder, as in cortex_m_generic_cortex-m4+fp_release_cmsis_nn_gcc.
        cmsis_nn: its kernels are CMSIS-NN's, not the reference's.
    """

    root: Path
    include: tuple[Path, ...]
    library: Path
    name: str
    cmsis_nn: bool


@dataclass(frozen=True, slots=True)
class _Archive:
    """Hold what an archive says of itself."""

    symbols: frozenset[bytes]
    arch: int
    hard_float: bool


def find_tree(board: Board, configured: Path | None) -> TflmTree:
    """Return the user's tree, with the library of it that fits the board.

    Args:
        board: its core and float ABI decide.
        configured: the tree of tinykit.toml; $TINYKIT_TFLM comes first.

    Raises:
        MissingToolError: there is no tree, or no library in it that fits; says what is expected.
    """
    root = _root(configured)
    include = tuple(root / folder for folder, _ in _HEADERS)
    for folder, header in _HEADERS:
        if not (root / folder / header).is_file():
            raise MissingToolError(f"{root} has no {folder / header}", _after_build(board))
    found = sorted(root.glob(f"gen/*/lib/{LIBRARY}"))
    if not found:
        expected = f"gen/{_build_name(board)}/lib/{LIBRARY}"
        raise MissingToolError(f"{root} has no {expected}", _after_build(board))
    archives = {path: _read_archive(path) for path in found}
    fitting = [path for path, archive in archives.items() if _fits(archive, board)]
    if not fitting:
        raise MissingToolError(_mismatch(archives, board), _after_build(board))
    library = min(fitting, key=lambda path: _preference(path, archives[path]))
    return TflmTree(
        root, include, library, library.parent.parent.name, _has_cmsis_nn(archives[library])
    )


def _root(configured: Path | None) -> Path:
    named = os.environ.get(VARIABLE)
    if not named and configured is None:
        raise MissingToolError(
            f"the tflm engine needs a tree of TensorFlow Lite Micro, and neither ${VARIABLE} nor "
            f"[tflm] tree in {FILE_NAME} names one",
            f"build one, then export {VARIABLE}=/path/to/tflite-micro; {_DOCS}",
        )
    root = Path(named) if named else configured
    assert root is not None
    if not root.is_dir():
        origin = f"${VARIABLE}" if named else f"[tflm] tree in {FILE_NAME}"
        raise MissingToolError(f"{origin} is {root}, which is no folder", _DOCS)
    return root.resolve()


def _after_build(board: Board) -> str:
    return (
        "in the tree: make -f tensorflow/lite/micro/tools/make/Makefile TARGET=cortex_m_generic "
        f"TARGET_ARCH={_arch(board)} OPTIMIZED_KERNEL_DIR=cmsis_nn microlite; {_DOCS}"
    )


def _build_name(board: Board) -> str:
    return f"cortex_m_generic_{_arch(board)}_default_cmsis_nn_gcc"


def _arch(board: Board) -> str:
    known = _ARCHES.get((board.cpu, board.float_abi))
    if known is None:
        raise MissingToolError(
            f"upstream builds no library for {board.cpu} with the {board.float_abi} float ABI",
            "--engine native",
        )
    return known


def _fits(archive: _Archive, board: Board) -> bool:
    right_abi = archive.hard_float == (board.float_abi == "hard")
    return right_abi and archive.arch in _RUNS[board.cpu]


def _mismatch(archives: dict[Path, _Archive], board: Board) -> str:
    path, archive = min(archives.items(), key=lambda item: _preference(*item))
    if archive.hard_float != (board.float_abi == "hard"):
        passes = "FPU" if archive.hard_float else "integer"
        return (
            f"{path} passes floats in {passes} registers, {board.name} has the "
            f"{board.float_abi} float ABI"
        )
    return f"{path} is for another core (Tag_CPU_arch {archive.arch}) than {board.cpu}"


def _preference(path: Path, archive: _Archive) -> tuple[bool, bool, bool, str]:
    """Order libraries: with CMSIS-NN first, then the smallest and fastest build, then by name."""
    name = path.parent.parent.name
    return (
        not _has_cmsis_nn(archive),
        "_release_" not in name.replace("_release_with_logs", ""),
        "_release" not in name,
        name,
    )


def _has_cmsis_nn(archive: _Archive) -> bool:
    return b"arm_convolve_s8" in archive.symbols


def _read_archive(path: Path) -> _Archive:
    members = _members(path)
    try:
        index = next(members)
        assert index[0] == "/"
        count = int.from_bytes(index[1][:4])
        symbols = frozenset(index[1][4 + 4 * count :].split(b"\0"))
        first = next(data for _, data in members if data[:4] == b"\x7fELF")
        arch, hard = _attributes(first)
    except (StopIteration, AssertionError, ELFError, struct.error, ValueError, KeyError):
        raise MissingToolError(
            f"{path} is no archive of Arm objects with an index", f"build it again; {_DOCS}"
        ) from None
    return _Archive(symbols, arch, hard)


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the members of an archive, the index of symbols first."""
    data = path.read_bytes()
    if not data.startswith(_MAGIC):
        return
    place = len(_MAGIC)
    while place < len(data):
        name, _, _, _, _, size, _ = _MEMBER.unpack_from(data, place)
        place += _MEMBER.size
        yield name.decode().rstrip(), data[place : place + int(size)]
        place += int(size) + int(size) % 2


def _attributes(obj: bytes) -> tuple[int, bool]:
    """Return Tag_CPU_arch, and whether Tag_ABI_VFP_args says that the FPU passes floats."""
    section = ELFFile(BytesIO(obj)).get_section_by_name(".ARM.attributes")
    if not isinstance(section, ARMAttributesSection):
        raise ELFError("no attributes")
    values = {
        attribute.tag: attribute.value
        for part in section.iter_subsections()
        for each in part.iter_subsubsections()
        for attribute in each.iter_attributes()
    }
    return int(values["TAG_CPU_ARCH"]), values.get("TAG_ABI_VFP_ARGS", 0) == 1
