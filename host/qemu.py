"""Run a board's image in QEMU: a guarded child with a pseudo-terminal for the link."""

import os
import re
import shutil
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from tinykit.core.board import Board
from tinykit.core.errors import MissingToolError, TinykitError
from tinykit.core.units import grouped
from tinykit.host.emulator import EmulationError, Emulator, Profile
from tinykit.host.gdb import Gdb
from tinykit.host.guarded import Guarded, Terminal
from tinykit.host.image import read_image
from tinykit.host.link import Result
from tinykit.host.qemu_clock import CLOCKS
from tinykit.host.qemu_profiler import QemuProfiler
from tinykit.host.split import find_split

ANSWER_TIMEOUT_S = 600.0  # how long a layer may run
JOIN_TIMEOUT_S = 10.0
# About the machine itself: no network peer; a reset before the memory is there (microbit, AN505).
_HARMLESS = re.compile(
    r".*: warning: |Invalid read at addr 0x(1000000)?[04], size 4, .*reason: rejected$"
)


class QemuEmulator(Emulator):
    """Hold a board in QEMU: `with QemuEmulator(elf, board) as emulator`.

    Args:
        elf: the image, with its symbols.
        board: what it was built for.
        invoke: the function that `profiled` splits in layers.

    Raises:
        TinykitError: no such image.
        MissingToolError: QEMU is not installed.
    """

    def __init__(self, elf: Path, board: Board, invoke: str) -> None:
        program = _require_qemu(board)
        assert board.qemu is not None
        self._image = read_image(elf)
        self._invoke = invoke
        self._split = find_split(elf, invoke)
        self._clock = CLOCKS[board.chip]
        self._riscv = board.core.startswith("riscv")
        ours, theirs = socket.socketpair()
        self._gdb = Gdb(ours, ANSWER_TIMEOUT_S)
        self._terminal = Terminal()
        self.port = self._terminal.port
        with self._terminal as terminal, theirs:
            descriptors = (terminal.master, theirs.fileno())
            command = [program, "-machine", board.qemu.machine, *_loading(elf, self._riscv)]
            command += _options(self._clock.shift, *descriptors)
            self._guarded = Guarded(command, descriptors)

    @property
    def pid(self) -> int:
        """Return the guard's process id."""
        return self._guarded.pid

    def profiled(self, infer: Callable[[], Result]) -> Profile:
        """Return the cost of the one inference that `infer` asks the board for."""
        profiler = QemuProfiler(self._gdb, self._clock, self._image, self._split, self._riscv)
        found: list[Profile | EmulationError] = []

        def follow() -> None:
            try:
                found.append(profiler.follow())
            except EmulationError as error:
                found.append(error)

        profiler.arm()
        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        result = infer()
        follower.join(JOIN_TIMEOUT_S)
        if not found:
            raise EmulationError(f"{self._invoke} was not called", "was it built by tinykit build?")
        if isinstance(found[0], EmulationError):
            raise found[0]
        self._check_time(found[0].total.instructions, result.time_us)
        return found[0]

    def _check_time(self, instructions: int, time_us: int) -> None:
        """Refuse a count whose counter started again unseen: the board's own time tells."""
        clock = self._clock
        missed_ns = time_us * 1000 - instructions * clock.instruction_ns
        if abs(missed_ns) > clock.period_ns / 2:
            most = clock.period_ns // clock.instruction_ns
            raise EmulationError(
                f"a layer ran more than the {grouped(most)} instructions that can be counted here",
                "count it on another board: qemu_an385",
            )

    def pending_refusal(self) -> EmulationError | None:
        """Return what QEMU has said: it is silent unless the firmware did wrong, or it ended."""
        lines = self._guarded.said().splitlines()
        lines = [line for line in lines if not _HARMLESS.match(line)]
        if lines:
            return EmulationError(
                f"QEMU stopped or complained: {lines[0]}", "docs/emulation.md, QEMU"
            )
        if self._guarded.ended():
            return EmulationError("QEMU ended unexpectedly", "start it again; then report it")
        return None

    def close(self) -> None:
        """End the child process; harmless when repeated."""
        self._gdb.close()
        self._guarded.close()
        self._terminal.close()


def _loading(elf: Path, riscv: bool) -> list[str]:
    if riscv:  # -kernel would start it at the beginning of RAM
        return ["-bios", "none", "-device", f"loader,file={_escaped(elf)},cpu-num=0"]
    return ["-kernel", str(elf)]


def _escaped(path: Path) -> str:
    return str(path).replace(",", ",,")


def _options(shift: int, terminal: int, debugger: int) -> list[str]:
    return [
        *("-display", "none", "-monitor", "none", "-nodefaults"),
        *("-icount", f"shift={shift}", "-d", "guest_errors"),
        *("-add-fd", f"fd={terminal},set=1", "-chardev", "serial,id=link,path=/dev/fdset/1"),
        *("-serial", "chardev:link"),
        *("-chardev", f"socket,id=debugger,fd={debugger}", "-gdb", "chardev:debugger"),
    ]


def _require_qemu(board: Board) -> str:
    name = "qemu-system-riscv32" if board.core.startswith("riscv") else "qemu-system-arm"
    package = "qemu-system-misc" if board.core.startswith("riscv") else "qemu-system-arm"
    if board.qemu is None or board.chip not in CLOCKS:
        known = ", ".join(board.emulators) or "none"
        raise TinykitError(
            f"{board.name} has no QEMU machine (its file names: {known})", "tinykit boards"
        )
    if os.name != "posix":
        raise MissingToolError(
            "emulation in QEMU needs pseudo-terminals, which this system has not",
            "use a real board: --port",
        )
    program = shutil.which(name)
    if program is None:
        raise MissingToolError(f"{name} is not on the PATH", f"apt install {package}")
    return program
