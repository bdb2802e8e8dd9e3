"""The firmware as a process of this machine: the real C of link, application and model.

Compiled by gcc under sanitizers, unless asked for speed; the chip is tests/c/host_chip.c.
"""

import contextlib
import os
import pty
import shutil
import socket
import subprocess
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from models import KERNELS, ROOT, SANITIZERS, WARNINGS

from tinykit.codegen.board_files import board_files, build_header
from tinykit.core.board import find_board
from tinykit.host.kernels import kernel_files
from tinykit.host.record import read_record

OWN = ROOT / "tests" / "c"
FIRMWARE = ROOT / "firmware"
FAST = ["-O2"]
SAFE = ["-O1", *SANITIZERS]
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


def compile_stub(
    folder: Path, flags: Sequence[str] = SAFE, build_id: str = "fedcba9876543210"
) -> Path:
    """Compile the streaming application with the model of tests/c/stub_model.c."""
    (folder / "board.h").write_text(board_files(find_board("nano33"), "0")["board.h"])
    (folder / "build.h").write_text(build_header(build_id, "stream", "0"))
    return _compile(folder, [OWN / "stub_model.c"], folder, flags)


def stub_output(data: bytes) -> bytes:
    """Return what that model makes of 600 bytes."""
    return bytes((~byte + 2) & 0xFF for byte in data)


def compile_build(built: Path, folder: Path, flags: Sequence[str] = SAFE) -> Path:
    """Compile what a build folder holds; it says hello as the board with that image would."""
    record = read_record(built)
    image = (built / record.files["bin"]).read_bytes()
    assert len(image) == record.image_bytes
    (folder / "image.h").write_text(", ".join(map(str, image)))
    model = built / f"{record.model}.c"
    kernels = [path for path in kernel_files(model.read_text()) if path.suffix == ".c"]
    defines = ['-DTK_TEST_IMAGE="image.h"', f"-DTK_TRACE={int(record.trace)}"]
    sources = [model, built / "app_model.c", *kernels]
    return _compile(folder, sources, built, [*flags, *defines, f"-I{folder}", f"-I{KERNELS}"])


def _compile(folder: Path, sources: Sequence[Path], generated: Path, flags: Sequence[str]) -> Path:
    links = [FIRMWARE / "link" / f"{name}.c" for name in ("crc32", "frame", "link")]
    every = [*links, FIRMWARE / "apps" / "stream.c", OWN / "host_chip.c", *sources]
    program = folder / "board"
    includes = [f"-I{generated}", f"-I{FIRMWARE / 'apps'}"]
    options = [*WARNINGS, *flags, "-ffp-contract=off", *includes]
    subprocess.run(["gcc", *options, *map(str, every), "-o", program], check=True)
    return program


class NativeBoard:
    """Hold a board that runs; `wire` is its serial line, and goes on after a reset."""

    def __init__(self, program: Path) -> None:
        self.program = program
        self.wire, self._end = socket.socketpair()
        self.process = self._start()

    def reset(self) -> None:
        """Begin again from power-on; what it had not read yet is lost or not, as on a wire."""
        self.close_process()
        self.process = self._start()

    def close_process(self) -> None:
        """Stop it, as pulling its plug would."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End it; if it ended by itself a sanitizer has spoken."""
        assert self.process.poll() is None, "the board's program has ended"
        self.close_process()
        self.wire.close()
        self._end.close()

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([self.program], stdin=self._end, stdout=self._end)


@contextmanager
def on_pty(program: Path) -> Iterator[str]:
    """Give the port of a board without anything in between."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    process = subprocess.Popen([program], stdin=master, stdout=master)
    try:
        yield os.ttyname(slave)
        assert process.poll() is None, "the board's program has ended"
    finally:
        process.kill()
        process.wait()
        for descriptor in (master, slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)
