"""A program of somebody else's as our child: it ends with us, and what it says is kept."""

import os
import pty
import socket
import subprocess
import sys
import tempfile
import tty
from collections.abc import Sequence
from types import TracebackType
from typing import Self

QUIT_TIMEOUT_S = 6.0  # longer than the guard gives the program


class Guarded:
    """Hold a program that runs below a guard (guard.py).

    Args:
        command: the program and its arguments.
        passed: file descriptors that it inherits.
    """

    def __init__(self, command: Sequence[str], passed: Sequence[int] = ()) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115, closed by close()
        self._control, theirs = socket.socketpair()
        words = [str(theirs.fileno()), ",".join(map(str, passed)), *command]
        with theirs:
            self._guard = subprocess.Popen(
                # -P: what lies in the user's folder must not shadow a module of ours.
                [sys.executable, "-P", "-m", "tinykit.host.guard", *words],
                pass_fds=[theirs.fileno(), *passed],
                stdin=subprocess.DEVNULL,
                stdout=self._said,
                stderr=self._said,
                start_new_session=True,  # Ctrl-C reaches us, and we end the program
            )

    @property
    def pid(self) -> int:
        """Return the guard's process id; the program is its child."""
        return self._guard.pid

    def ended(self) -> bool:
        """Tell whether the program has ended."""
        return self._guard.poll() is not None

    def said(self) -> str:
        """Return what the program has written to its outputs."""
        size = os.fstat(self._said.fileno()).st_size
        return os.pread(self._said.fileno(), size, 0).decode(errors="replace")

    def close(self) -> None:
        """End the program; harmless when repeated."""
        self._control.close()
        try:
            self._guard.wait(QUIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
        self._said.close()


class Terminal:
    """Hold a pseudo-terminal: the program gets `master`, the host opens `port`."""

    def __init__(self) -> None:
        self.master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)

    def __enter__(self) -> Self:
        """Return the pair, whose master is closed here when the program has it."""
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Close our copy of the master."""
        os.close(self.master)

    def close(self) -> None:
        """Close the slave, which stays open till then, or reading the master would fail."""
        if self._slave >= 0:
            os.close(self._slave)
            self._slave = -1
