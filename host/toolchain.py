"""The two toolchains: zig's clang from pip, and arm-none-eabi-gcc; C files in, one ELF out."""

import atexit
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from tinykit.core.board import Board
from tinykit.core.errors import CheckFailedError, MissingToolError, TinykitError
from tinykit.core.files import PACKAGE_ROOT
from tinykit.core.units import bytes_text

FIRMWARE = PACKAGE_ROOT / "firmware"

# zig knows two modes only: -Oz is its -Os, and -O3 its -O2. Its -O2 unrolls every loop by four,
# which triples kws's kernels and gains 1 %: for "speed" only.
_LEVELS: dict[str, tuple[str, ...]] = {
    "size": ("-Os",),
    "balanced": ("-O2", "-fno-unroll-loops"),
    "speed": ("-O3",),
}

# Copies of loops have to save 5 instructions of an inference for each byte that they add, in one of
# the models of docs/benchmarks.md. Those that -O3 makes in these kernels save so many:
NOT_WORTH_COPIES = {
    "tk_average_pool_s8": 1.8,
    "tk_bitmap_s8": 0.0,  # of no layer of theirs
    "tk_codebook_pairs_s8": 0.0,
    "tk_codebook_s8": 0.0,
    "tk_conv_bitmap_s8": 0.0,
    "tk_conv_bitmap_tile_s8": 0.0,
    "tk_conv_block_tile_s8": 0.0,
    "tk_conv_codebook_s8": 0.0,
    "tk_conv_codebook_tile_s8": 0.0,
    "tk_dense_packed_s8": 0.0,
    "tk_softmax_s8": 0.1,
}

_C_FLAGS = (
    "-std=c11",
    "-ffreestanding",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wshadow",
    "-Wstrict-prototypes",
    "-Wmissing-prototypes",
    "-Wundef",
    "-Werror",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fno-common",
    "-ffp-contract=off",  # float islands equal the oracle's, which does not fuse
    "-fno-strict-aliasing",  # the arena holds int8 and int32 tensors in the same bytes in turn
)
_CXX_FLAGS = (
    "-std=c++20",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-threadsafe-statics",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
)
# What host/stack.py reads: zig would leave .su files in its cache.
_STACK_FLAG = {"zig": "-fstack-size-section", "gcc": "-fstack-usage"}
_LINK_FLAGS = ("--gc-sections", "--fatal-warnings", "--build-id=none", "--entry=tk_reset")

# What zig must hear: its cortex_m4 has no FPU, GCC's names need -mfpu for it.
_ZIG_FPU = {
    "cortex_m4": "+vfp4d16sp",
    "cortex_m7": "+fp_armv8d16sp",
    "cortex_m33": "+fp_armv8d16sp",
    "cortex_m55": "+fp_armv8d16",
}
_GCC_FPU = {
    "cortex_m4": "fpv4-sp-d16",
    "cortex_m7": "fpv5-sp-d16",
    "cortex_m33": "fpv5-sp-d16",
    "cortex_m55": "auto",
}
# GCC's names of what a core has not, or has more than its plain name says.
_GCC_CPU = {
    "cortex_m0plus": "cortex-m0plus",
    "cortex_m33": "cortex-m33+nodsp",
    "cortex_m33+dsp": "cortex-m33",
    "cortex_m55-mve": "cortex-m55+nomve",
}
_RISCV_ISA = "rv32imac"  # GCC finds its library by this name only
# Without -g zig strips the symbols; the linker script drops the rest of what -g adds.
_ZIG_FLAGS = ("-g", "-fno-sanitize=all")


@dataclass(frozen=True, slots=True)
class Source:
    """Name one C file and how it is optimized: size, balanced or speed."""

    path: Path
    optimize: str = "size"


@dataclass(frozen=True, slots=True)
class Library:
    """Name a C++ library of the user's, and how code that uses it is compiled.

    Attributes:
        root: the folder that no path in an image may name.
        archive: what is linked.
        include: folders of its headers, whose warnings are not ours.
        defines: macros that its headers want.
    """

    root: Path
    archive: Path
    include: tuple[Path, ...]
    defines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Hold how one compiler is called.

    Attributes:
        name: zig or gcc, as the user types it.
        version: as reports show it: zig 0.17.1.
        command: the compiler's command.
        cxx: the C++ compiler's; empty where there is none.
    """

    name: Literal["zig", "gcc"]
    version: str
    command: tuple[str, ...]
    cxx: tuple[str, ...] = ()

    @property
    def archiver(self) -> tuple[str, ...]:
        """Return the command that makes static libraries."""
        if self.name == "zig":
            return (*self.command[:-1], "ar")
        return (re.sub(r"gcc(?=[^/]*$)", "ar", self.command[0]),)


def find_toolchain(name: str, core: str = "cortex_m4") -> Toolchain:
    """Return the toolchain of that name for a core.

    Raises:
        TinykitError: there is none of that name.
        MissingToolError: it is not installed.
    """
    if name == "zig":
        return _find_zig()
    if name == "gcc":
        return _find_gcc(core)
    raise TinykitError(f"no toolchain '{name}'", "--toolchain zig or --toolchain gcc")


def family(board: Board) -> str:
    """Return the stem of the start-up code and of the linker script: cortex_m or riscv."""
    return "riscv" if board.core.startswith("riscv") else "cortex_m"


def gcc_flags(board: Board) -> list[str]:
    """Return how GCC is told the board's core."""
    hard = board.float_abi == "hard"
    if family(board) == "riscv":
        return [f"-march={_RISCV_ISA}", "-mabi=ilp32"]
    cpu = _GCC_CPU.get(board.cpu, board.core.replace("_", "-"))
    flags = [f"-mcpu={cpu}", "-mthumb", f"-mfloat-abi={board.float_abi}"]
    return [*flags, f"-mfpu={_GCC_FPU[board.core]}"] if hard else flags


def compile_image(
    toolchain: Toolchain,
    board: Board,
    sources: Sequence[Source],
    work: Path,
    *,
    include: Sequence[Path] = (),
    defines: Sequence[str] = (),
    library: Library | None = None,
) -> Path:
    """Compile and link sources into work/firmware.elf; see compile_objects and link_image."""
    objects = compile_objects(
        toolchain, board, sources, work, include=include, defines=defines, library=library
    )
    return link_image(toolchain, board, objects, work, library)


def compile_objects(
    toolchain: Toolchain,
    board: Board,
    sources: Sequence[Source],
    work: Path,
    *,
    include: Sequence[Path] = (),
    defines: Sequence[str] = (),
    library: Library | None = None,
) -> list[str]:
    """Compile sources, and return the objects as work sees them.

    Args:
        toolchain: from find_toolchain.
        board: whose core and memory it is for.
        sources: C and C++ files; those in `work` and in our own firmware/ may move without a
            change of a byte in the result.
        work: a folder that holds the generated board.h and build.h; objects go there.
        include: further folders of headers.
        defines: macros, as in TK_TRACE=1.
        library: what the .cpp files among the sources use.

    Raises:
        TinykitError: the compiler refused the sources.
    """
    work = work.resolve()
    objects = work / "objects"
    objects.mkdir(exist_ok=True)
    flags = [*_core_flags(toolchain, board), *_path_flags(work, include)]
    flags.append(_STACK_FLAG[toolchain.name])
    flags += [f"-D{define}" for define in defines]

    def compile_one(numbered: tuple[int, Source]) -> str:
        number, source = numbered
        target = f"objects/{number:02}-{source.path.stem}.o"
        path = str(source.path.resolve())
        command = [*toolchain.command, *flags, *_C_FLAGS]
        if source.path.suffix == ".cpp":
            assert library is not None and toolchain.cxx
            command = [*toolchain.cxx, *flags, *_CXX_FLAGS, *_library_flags(library)]
        _run([*command, *_level(source), "-c", path, "-o", target], work)
        return target

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(compile_one, enumerate(sources)))


def link_image(
    toolchain: Toolchain,
    board: Board,
    objects: Sequence[str],
    work: Path,
    library: Library | None = None,
) -> Path:
    """Link the objects of a folder, which holds memory.ld, into firmware.elf beside them.

    Raises:
        CheckFailedError: the image does not fit the board.
    """
    work = work.resolve()
    _link(toolchain, board, objects, work, library)
    return work / "firmware.elf"


def _find_zig() -> Toolchain:
    if find_spec("ziglang") is None:
        raise MissingToolError("the compiler zig is not installed", "pip install ziglang==0.17.1")
    # -P: what lies in the user's folder must not shadow a module of ours.
    command = (sys.executable, "-P", "-m", "ziglang")
    version = _run([*command, "version"], Path.cwd()).strip()
    return Toolchain("zig", f"zig {version}", (*command, "cc"))


def _find_gcc(core: str) -> Toolchain:
    name, package = "arm-none-eabi-gcc", "gcc-arm-none-eabi"
    if core.startswith("riscv"):
        name, package = "riscv64-unknown-elf-gcc", "gcc-riscv64-unknown-elf"
    program = shutil.which(name)
    if program is None:
        hint = f"apt install {package}, or use --toolchain zig"
        raise MissingToolError(f"{name} is not on the PATH", hint)
    version = _run([program, "-dumpfullversion"], Path.cwd()).strip()
    cxx = shutil.which(name.replace("gcc", "g++"))
    return Toolchain("gcc", f"gcc {version}", (program,), (cxx,) if cxx else ())


def _core_flags(toolchain: Toolchain, board: Board) -> list[str]:
    hard = board.float_abi == "hard"
    if family(board) == "riscv":
        return _riscv_flags(toolchain, board)
    if toolchain.name == "zig":
        abi = "eabihf" if hard else "eabi"
        cpu = board.cpu + (_ZIG_FPU[board.core] if hard else "")
        target = ["-target", f"thumb-freestanding-{abi}", f"-mcpu={cpu}"]
        return [*target, "-fshort-enums", *_ZIG_FLAGS]  # as GCC's, whose linker compares
    return gcc_flags(board)


def _riscv_flags(toolchain: Toolchain, board: Board) -> list[str]:
    if toolchain.name == "zig":
        cpu = "generic_rv32+m+a+c"
        # the linker could shorten calls that stack.py and the layers' counts rely on
        return ["-target", "riscv32-freestanding-none", f"-mcpu={cpu}", "-mno-relax", *_ZIG_FLAGS]
    return [*gcc_flags(board), "-mno-relax", "-mcmodel=medany"]


def _path_flags(work: Path, include: Sequence[Path]) -> list[str]:
    ours = [FIRMWARE / name for name in ("apps", "engines", "kernels")]
    folders = [work, *ours, *(f.resolve() for f in include)]
    maps = [f"-ffile-prefix-map={work}=.", f"-ffile-prefix-map={FIRMWARE}=firmware"]
    return [*maps, *(f"-I{folder}" for folder in folders)]


def _level(source: Source) -> tuple[str, ...]:
    spared = source.optimize == "speed" and source.path.stem in NOT_WORTH_COPIES
    return _LEVELS["balanced" if spared else source.optimize]


def _library_flags(library: Library) -> list[str]:
    folders = [word for folder in library.include for word in ("-isystem", str(folder))]
    defines = [f"-D{define}" for define in library.defines]
    return [f"-ffile-prefix-map={library.root}=library", *folders, *defines]


def _link(
    toolchain: Toolchain,
    board: Board,
    objects: Sequence[str],
    work: Path,
    library: Library | None,
) -> None:
    command = [*toolchain.command, *_core_flags(toolchain, board), *objects]
    command += ["-T", str(FIRMWARE / "chips" / f"{family(board)}.ld"), "-o", "firmware.elf"]
    command += [f"-Wl,{flag}" for flag in _LINK_FLAGS]
    command += ["-Wl,-z,max-page-size=4"]  # or the file is padded to the pages of a large system
    if toolchain.name == "gcc":
        command += ["-nostartfiles", "-nodefaultlibs", "-Wl,--orphan-handling=error"]
        if library is not None:
            command += [str(library.archive), "-lm", "-lc_nano"]
        command += ["-lgcc"]
    # The linkers look for memory.ld in the current folder: zig swallows -L.
    _run(command, work, board)


def _run(command: Sequence[str], folder: Path, board: Board | None = None) -> str:
    environment = {**os.environ, "LC_ALL": "C", **_zig_cache()}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return done.stdout
    if board is not None:
        _refuse_overflow(done.stderr, board)
    raise TinykitError(
        f"the compiler ended with status {done.returncode}: {' '.join(command)}\n"
        + done.stderr.strip(),
        "if the C file is not yours, report this: it is a bug of tinykit",
    )


def _refuse_overflow(errors: str, board: Board) -> None:
    # lld: will not fit in region 'flash': overflowed by N bytes; ld: region `flash' overflowed by N
    overflows = re.findall(r"region [`'](\w+)'(?::)? overflowed by (\d+) bytes", errors)
    if not overflows:
        return
    region = overflows[0][0]
    over = max(int(count) for name, count in overflows if name == region)
    has = board.app_bytes if region == "flash" else board.ram.bytes
    raise CheckFailedError(
        f"the image needs {bytes_text(has + over)} of {region}, {board.name} has"
        f" {bytes_text(has)}: {bytes_text(over)} too many",
        "prune further, or choose a larger board: tinykit boards",
    )


@cache
def _zig_cache() -> dict[str, str]:
    """Return where zig may keep what it compiled: in the user's cache, never in the project.

    Where that cannot be written, zig itself would never end: it gets a folder until we end.
    """
    folder = _user_cache() / "tinykit" / "zig"
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        folder = Path(tempfile.mkdtemp(prefix="tinykit-zig-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return {"ZIG_GLOBAL_CACHE_DIR": str(folder), "ZIG_LOCAL_CACHE_DIR": str(folder)}


def _user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
