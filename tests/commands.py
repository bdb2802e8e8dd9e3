"""Run the command line as a user does, and build folders that several tests read."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tinykit.core.board import Board, find_board
from tinykit.host import cli
from tinykit.host.build import BuildOptions, build

BOARD = find_board("nano33")
needs_gcc = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
)
TOOLCHAINS = ["zig", pytest.param("gcc", marks=needs_gcc)]
COMMAND = (sys.executable, "-m", "tinykit.host.entry")


@dataclass(frozen=True, slots=True)
class Ended:
    """Hold how a command ended and what it said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Return the only line on stdout as a JSON object."""
        assert self.out.count("\n") == 1, self.out
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


class Tinykit:
    """Run commands in this process, in the current folder."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> Ended:
        """Run one command."""
        self._capsys.readouterr()
        status = cli.run([str(argument) for argument in arguments])
        return Ended(status, *self._capsys.readouterr())

    def refuses(self, *arguments: str | Path, status: int = 2) -> tuple[str, str]:
        """Run a command that has to end with an error; return its line and its hint."""
        ended = self(*arguments)
        assert ended.status == status, ended
        assert ended.out == ""
        line, hint, *rest = ended.err.splitlines()
        assert rest == [], ended.err
        assert line.startswith("tinykit: ") and hint.startswith("  hint: "), ended.err
        return line.removeprefix("tinykit: "), hint.removeprefix("  hint: ")


def spawn(*arguments: str | Path, cwd: Path | None = None) -> "subprocess.Popen[str]":
    """Start a command as a child process of its own."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell without job control starts its background jobs with SIGINT ignored
        preexec_fn=heed_interrupts,
    )


def shared_build(
    factory: pytest.TempPathFactory,
    name: str,
    data: bytes,
    options: BuildOptions | None = None,
    board: Board = BOARD,
) -> Path:
    """Build a model once for all tests and all workers; nobody may change the folder."""
    options = options or BuildOptions()
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    words = [
        name,
        board.name,
        options.engine,
        options.toolchain,
        options.optimize,
        options.encoding,
        "usb" if board.usb_device else "uart",
        options.app,
    ]
    folder = shared / "builds" / "-".join([*words, "trace" if options.trace else "plain"])
    folder.parent.mkdir(exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            build(data, f"{name}.tflite", board, options, folder)
    return folder


def copied(folder: Path, to: Path) -> Path:
    """Copy a build folder, to be damaged."""
    return Path(shutil.copytree(folder, to))


def children(parent: int, word: str) -> list[int]:
    """Return the child processes whose command line has a word in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may end while it is looked at
            status = (process / "stat").read_text().rpartition(")")[2].split()
            if int(status[1]) == parent and word in (process / "cmdline").read_text():
                found.append(int(process.name))
    return found


def network_sockets(pid: int) -> set[str]:
    """Return the sockets of a process that a network could reach."""
    opened = {str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()}
    lines = [
        line.split()
        for kind in ("tcp", "tcp6", "udp", "udp6")
        for line in Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]
    ]
    return opened & {f"socket:[{line[9]}]" for line in lines}


def lives(pid: int) -> bool:
    """Tell whether a process has not ended yet."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # An orphan whose new parent does not reap it is dead all the same.
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
