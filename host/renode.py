"""Run a board's image in Renode: a guarded child whose log tells the instructions of each call."""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from tinykit.core.board import Board
from tinykit.core.errors import MissingToolError, TinykitError
from tinykit.host.emulator import Cost, EmulationError, Emulator, Profile
from tinykit.host.guarded import Guarded
from tinykit.host.image import read_image
from tinykit.host.link import Result
from tinykit.host.renode_files import function_ends_in_call, invoke_marks
from tinykit.host.split import find_split

START_TIMEOUT_S = 120.0  # its runtime may have to be compiled first
LOG_TIMEOUT_S = 10.0
_POLL_S = 0.05
_MARK = re.compile(r"tinykit (\d+) (\d+)")
# renode -e goes on after a command that failed, and ends with status 0
_FAILED = re.compile(
    r"There was an error|No such (command|variable)|Bad parameters for|Could not find|\[ERROR\]"
)


class RenodeEmulator(Emulator):
    """Hold a board in Renode: `with RenodeEmulator(elf, board) as emulator`.

    Args:
        elf: the image, beside the files of renode_files.py.
        board: what it was built for.
        invoke: the function that `profiled` splits in layers.

    Raises:
        MissingToolError: Renode is not installed.
        EmulationError: it cannot run the script.
    """

    def __init__(self, elf: Path, board: Board, invoke: str) -> None:
        program = find_renode("renode")
        script = elf.resolve().parent / "renode.resc"
        if not script.is_file():
            hint = f"build for {board.name} again, with --link uart where a USB device is the link"
            raise TinykitError(f"{script} is missing", hint)
        self._elf = elf
        self._invoke = invoke
        self._folder = tempfile.TemporaryDirectory(prefix="tinykit-")
        self.port = str(Path(self._folder.name, "link"))
        self._guarded = Guarded([program, *_OPTIONS, *_commands(script, self.port)])
        try:
            self._await_port()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Return the guard's process id."""
        return self._guarded.pid

    def profiled(self, infer: Callable[[], Result]) -> Profile:
        """Return the cost of the one inference that `infer` asks the board for."""
        image = read_image(self._elf)
        last = invoke_marks(image, self._invoke)[-1]
        ends_in_call = function_ends_in_call(image, self._invoke)
        before = len(self._visits())
        infer()
        deadline = time.monotonic() + LOG_TIMEOUT_S
        while True:  # the log is written a little later than the answer
            visits = self._visits()[before:]
            if visits and visits[-1][0] == last:
                profile = profile_of_visits(visits, ends_in_call)
                # the kernels of TFLM would take marks of their own
                layered = not find_split(self._elf, self._invoke).kernels
                return profile if layered else Profile(profile.total, ())
            if time.monotonic() > deadline:
                raise EmulationError("Renode's log tells of no inference", "report this")
            time.sleep(_POLL_S)

    def pending_refusal(self) -> EmulationError | None:
        """Return what Renode has complained of, or that it ended."""
        for line in self._guarded.said().splitlines():
            if _FAILED.search(line):
                return EmulationError(f"Renode complained: {line}", "docs/emulation.md, Renode")
        if self._guarded.ended():
            return EmulationError("Renode ended unexpectedly", "start it again; then report it")
        return None

    def close(self) -> None:
        """End the child process; harmless when repeated."""
        self._guarded.close()
        self._folder.cleanup()

    def _await_port(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not Path(self.port).exists():
            self.check()
            if time.monotonic() > deadline:
                message = f"Renode made no serial port within {START_TIMEOUT_S:.0f} s"
                raise EmulationError(message, "is it a whole release? renode --version")
            time.sleep(_POLL_S)

    def _visits(self) -> list[tuple[int, int]]:
        """Return each address that was visited with the instructions executed till then."""
        return [(int(pc), int(count)) for pc, count in _MARK.findall(self._guarded.said())]


# Without a window and without --console, Renode 1.16.1 takes commands at TCP port 1234, from
# anywhere. The console says on stdout what a script does wrong.
_OPTIONS = ("--console", "--disable-xwt", "--plain", "--hide-analyzers")


def _commands(script: Path, port: str) -> list[str]:
    lines = (
        f"include @{_escaped(script)}",
        f'emulation CreateUartPtyTerminal "link" "{port}" true',
        "connector Connect sysbus.uart0 link",
        "start",
    )
    return [word for line in lines for word in ("-e", line)]


def _escaped(path: Path) -> str:
    return str(path).replace(" ", "\\ ")


def profile_of_visits(visits: Sequence[tuple[int, int]], ends_in_call: bool) -> Profile:
    """Turn the visited marks of one call into its layers; the first is the call's entry."""
    counts = [count for _, count in visits]
    layers = [after - before for before, after in pairwise(counts)]
    if not ends_in_call and len(layers) > 1:
        tail = layers.pop()
        layers[-1] += tail
    costs = tuple(Cost(instructions, None, None) for instructions in layers)
    return Profile(Cost(counts[-1] - counts[0], None, None), costs)


def find_renode(name: str) -> str:
    """Return the path of renode or renode-test, from $RENODE_ROOT or the PATH.

    Raises:
        MissingToolError: it is in neither.
    """
    root = os.environ.get("RENODE_ROOT")
    program = shutil.which(name, path=root) if root else shutil.which(name)
    if program is None:
        where = f"in $RENODE_ROOT ({root})" if root else "on the PATH, and RENODE_ROOT is not set"
        raise MissingToolError(
            f"{name} is not {where}",
            "unpack the portable package of github.com/renode/renode/releases and set RENODE_ROOT "
            "to its folder",
        )
    return program
