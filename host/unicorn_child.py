"""The emulator's child process: the machine, a pseudo-terminal and the parent's control channel.

Started by emulator.py: `python -m tinykit.host.unicorn_child SETUP_JSON CONTROL_FD`.
"""

import contextlib
import json
import os
import pty
import select
import signal
import socket
import sys
import tty
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

from tinykit.host.nrf52840 import SIZES, LinkFacts
from tinykit.host.registers import RefusedError
from tinykit.host.split import Split
from tinykit.host.unicorn_cpu import Machine, load_image

TICK_S = 0.2  # how often a CPU that does not sleep looks at the control channel


class Child:
    """Join the machine, the pseudo-terminal and the control channel in one loop."""

    def __init__(self, setup: dict[str, Any], control: socket.socket) -> None:
        self._control = control
        self._commands = b""
        self._master, self._slave = pty.openpty()  # the slave stays open, or reading would fail
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        usb = setup["usb"] and tuple(setup["usb"])
        link = LinkFacts(setup["tx_pin"], setup["rx_pin"], setup["baud"], usb)
        split = Split(setup["invoke"], range(*setup["caller"]), frozenset(setup["kernels"]))
        image = load_image(Path(setup["elf"]))
        self._machine = Machine(image, link, split, SIZES[setup["chip"]], self._master)

    def serve(self) -> None:
        """Run until the parent asks to quit, or is gone."""
        control = self._control
        control.setblocking(False)
        self._answer({"port": os.ttyname(self._slave)})
        signal.signal(signal.SIGALRM, self._tick)
        while True:
            signal.setitimer(signal.ITIMER_REAL, TICK_S, TICK_S)
            asleep = self._machine.run()
            signal.setitimer(signal.ITIMER_REAL, 0)
            if asleep:
                self._wait()
            else:
                self._obey()

    def _tick(self, _signal: int, _frame: FrameType | None) -> None:
        self._machine.profiler.stop_soon()
        self._machine.stop_asked = bool(select.select([self._control], [], [], 0)[0])

    def _wait(self) -> None:
        """Sleep until bytes from the host wake the CPU, or a reset."""
        machine = self._machine
        while True:
            watched = [self._control.fileno()]
            if machine.wake_source() == "host":
                watched.append(self._master)
            ready = select.select(watched, [], [])[0]
            if self._control.fileno() in ready and self._obey():
                return
            if self._master in ready:
                machine.receive(os.read(self._master, 4096))
                if machine.sleep_on():
                    return

    def _obey(self) -> bool:
        """Obey what the parent has asked for; True after a reset."""
        try:
            data = self._control.recv(65536)
        except BlockingIOError:
            return False
        if not data:
            raise SystemExit(0)
        *lines, self._commands = (self._commands + data).split(b"\n")
        was_reset = False
        for line in lines:
            command = line.decode()
            if command == "quit":
                raise SystemExit(0)
            if command == "reset":
                self._machine.reset()
                was_reset = True
            self._answer(self._report(command))
        return was_reset

    def _report(self, command: str) -> dict[str, object]:
        if command == "profile":
            call = self._machine.profiler.last_call
            return {"call": None if call is None else asdict(call)}
        return self._machine.counters()

    def _answer(self, message: dict[str, object]) -> None:
        send_line(self._control, message)


def send_line(control: socket.socket, message: dict[str, object]) -> None:
    """Send one message to the parent."""
    control.setblocking(True)
    control.sendall(json.dumps(message).encode() + b"\n")
    control.setblocking(False)


def main() -> None:
    """Run the child; what the model refuses goes to the parent as one line."""
    control = socket.socket(fileno=int(sys.argv[2]))
    try:
        Child(json.loads(sys.argv[1]), control).serve()
    except RefusedError as error:
        with contextlib.suppress(OSError):
            send_line(control, {"refused": str(error)})
        raise SystemExit(1) from None
    except (BrokenPipeError, ConnectionResetError):
        raise SystemExit(0) from None  # the parent is gone


if __name__ == "__main__":
    main()
