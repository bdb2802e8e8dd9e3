"""What a user's own firmware links: the model's static library, its sources, a CMakeLists.txt."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from elftools.elf.elffile import ELFFile

from tinykit.codegen.render import render
from tinykit.core.board import Board
from tinykit.core.errors import TinykitError
from tinykit.host.kernels import KERNELS
from tinykit.host.program import Program
from tinykit.host.toolchain import Source, Toolchain, gcc_flags
from tinykit.host.version import VERSION

_SH_TYPE = 4  # where an ELF section header of 32 bits has its type


def write_own(
    work: Path,
    program: Program,
    board: Board,
    toolchain: Toolchain,
    compiled: Sequence[tuple[Source, str]],
) -> None:
    """Write the library, the kernels that it is made of, and CMakeLists.txt.

    Args:
        work: the build folder, with the model's C files.
        program: the model.
        board: whose core the library is for.
        toolchain: which compiled it.
        compiled: what was compiled, each with its object below `work`.
    """
    kernels = [source.path for source in program.sources]
    _copy_kernels(work / "kernels", kernels)
    ours = {work / f"{program.name}.c", *kernels}
    objects = [name for source, name in compiled if source.path in ours]
    for name in objects:
        _drop_stack_note(work / name)
    _archive(toolchain, objects, work, f"lib{program.name}.a")
    cmake = render(
        "CMakeLists.txt.j2",
        name=program.name,
        version=VERSION,
        kernels=sorted(path.name for path in kernels),
        flags=" ".join(gcc_flags(board)),
    )
    (work / "CMakeLists.txt").write_text(cmake)


def _copy_kernels(folder: Path, kernels: Sequence[Path]) -> None:
    """Copy the kernels and every header beside them, which are few and small."""
    folder.mkdir()
    for path in [*kernels, *KERNELS.glob("*.h"), *KERNELS.glob("*.inc")]:
        shutil.copyfile(path, folder / path.name)


def _drop_stack_note(path: Path) -> None:
    """Mark the section .note.GNU-stack of an object as inactive.

    Clang always makes one, GCC for Arm never: where some objects have it, GNU ld warns of others,
    those of its own C library, and means stacks of an operating system.
    """
    with path.open("r+b") as file:
        elf = ELFFile(file)
        index = elf.get_section_index(".note.GNU-stack")
        if index is not None:
            header = elf.header["e_shoff"] + index * elf.header["e_shentsize"]
            file.seek(header + _SH_TYPE)
            file.write(bytes(4))  # SHT_NULL


def _archive(toolchain: Toolchain, objects: Sequence[str], work: Path, name: str) -> None:
    command = [*toolchain.archiver, "rcsD", name, *objects]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TinykitError(
            f"the archiver ended with status {done.returncode}: {' '.join(command)}\n{done.stderr}",
            "report this: it is a bug of tinykit",
        )
