"""Run a board's image in unicorn: a child process with a pseudo-terminal for the link."""

import contextlib
import importlib.util
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinykit.core.board import Board, pin_number, usb_device_id
from tinykit.core.errors import MissingToolError, TinykitError
from tinykit.host.emulator import Block, Cost, EmulationError, Emulator, Profile
from tinykit.host.link import Result
from tinykit.host.split import find_split

START_TIMEOUT_S = 30.0
QUIT_TIMEOUT_S = 2.0
CHIPS = {
    "nrf52840": "tinykit.host.unicorn_child",
    "nrf52833": "tinykit.host.unicorn_child",
}


@dataclass(frozen=True, slots=True)
class Counters:
    """Give what happened since reset.

    Attributes:
        instructions: executed, exact.
        cycles_estimate: of those instructions; the virtual clock is this plus the cycles slept.
        elapsed_cycles: of the virtual clock, those before the firmware reset itself too.
        sleep_share: of virtual time, 0 to 1. Waiting for the host takes no virtual time.
        stack_bytes: high-water mark below the initial stack pointer.
        faults: one line for each fault that the core took.
        notes: what the hardware allows and yet looks wrong.
        resets: how often the firmware reset itself.
    """

    instructions: int
    cycles_estimate: int
    elapsed_cycles: int
    sleep_share: float
    stack_bytes: int
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    resets: int


class UnicornEmulator(Emulator):
    """Hold an emulated board that runs: `with UnicornEmulator(elf, board) as emulator`.

    Args:
        elf: the image, with its symbols.
        board: what it was built for; pins and baud rate are checked against it.
        invoke: the function that `profile` splits in layers; by default the only `*_invoke`.
        timeout_s: how long an answer of the emulator itself may take.

    Raises:
        TinykitError: no such image, or the board has no emulator here.
        MissingToolError: unicorn is not installed.
        EmulationError: the model refused what the firmware did.
    """

    def __init__(
        self, elf: Path, board: Board, invoke: str | None = None, timeout_s: float = 60.0
    ) -> None:
        module = _require_emulator(board)
        self._timeout_s = timeout_s
        self._received = b""
        self._refused: str | None = None
        assert board.link.tx_pin is not None and board.link.rx_pin is not None
        split = find_split(elf, invoke)
        setup = {
            "elf": str(elf),
            "chip": board.chip,
            "invoke": split.start,
            "caller": (split.caller.start, split.caller.stop),
            "kernels": sorted(split.kernels),
            "tx_pin": pin_number(board.link.tx_pin),
            "rx_pin": pin_number(board.link.rx_pin),
            "baud": board.link.baud,
            "usb": usb_device_id(board) if board.usb_device else None,
        }
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                # -P: what lies in the user's folder must not shadow a module of ours.
                [sys.executable, "-P", "-m", module, json.dumps(setup), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches the parent, which ends the child
            )
        try:
            self.port = str(self._receive(START_TIMEOUT_S)["port"])
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Return the child's process id."""
        return self._process.pid

    def profile(self) -> Profile | None:
        """Return the cost of the last completed call of `invoke`, None before the first."""
        call = self._ask("profile")["call"]
        if call is None:
            return None
        blocks = (Block(b["address"], b["instructions"], b["cycles"]) for b in call["blocks"])
        layers = tuple(_cost(layer) for layer in call["layers"])
        return Profile(_cost(call["total"]), layers, tuple(blocks))

    def profiled(self, infer: Callable[[], Result]) -> Profile:
        """Return the cost of the one inference that `infer` asks the board for."""
        infer()
        profile = self.profile()
        assert profile is not None
        return profile

    def counters(self) -> Counters:
        """Return what has been counted since reset."""
        return _counters(self._ask("counters"))

    def reset(self) -> None:
        """Reset the board."""
        self._ask("reset")

    def close(self) -> None:
        """End the child process; harmless when repeated."""
        self._control.close()  # the child exits at the end of its control channel
        try:
            self._process.wait(QUIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, command: str) -> dict[str, Any]:
        # If the child has ended, what it said last is still to be read.
        with contextlib.suppress(OSError):
            self._control.sendall(command.encode() + b"\n")
        return self._receive(self._timeout_s)

    def _receive(self, timeout_s: float) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._received:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._control], [], [], left)[0]:
                message = f"the emulator did not answer within {timeout_s:.0f} s"
                raise EmulationError(message, "does the firmware hang? see docs/emulation.md")
            data = self._read()
            if not data:
                raise self._ended()
        line, _, self._received = self._received.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "refused" in answer:
            self._refused = str(answer["refused"])
            raise self._refusal(self._refused)
        return answer

    def _read(self) -> bytes:
        try:
            data = self._control.recv(65536)
        except ConnectionResetError:
            return b""
        self._received += data
        return data

    def pending_refusal(self) -> EmulationError | None:
        """Return what the child refused since it was last asked, without waiting for it."""
        while self._refused is None and select.select([self._control], [], [], 0)[0]:
            try:
                self._receive(0)
            except EmulationError as error:
                return error
        return self._refusal(self._refused) if self._refused is not None else None

    def _refusal(self, reason: str) -> EmulationError:
        return EmulationError(
            f"the emulated board stopped: {reason}",
            "what the model allows is in docs/emulation.md; "
            "addresses: arm-none-eabi-addr2line -fe firmware.elf",
        )

    def _ended(self) -> EmulationError:
        if self._refused is not None:
            return self._refusal(self._refused)
        status = self._process.wait()
        return EmulationError(
            f"the emulator ended unexpectedly with status {status}",
            "this is a bug in tinykit; its traceback is above",
        )


def _require_emulator(board: Board) -> str:
    if "unicorn" not in board.emulators or board.chip not in CHIPS:
        known = ", ".join(board.emulators) or "none"
        raise TinykitError(
            f"{board.name} has no unicorn emulator (its file names: {known})",
            "boards that have one: tinykit boards",
        )
    for module in ("unicorn", "capstone"):
        if not _installed(module):
            raise MissingToolError(
                f"the emulator needs {module}, which is not installed",
                "pip install 'tinykit-mcu[emulate]'",
            )
    if os.name != "posix":
        raise MissingToolError(
            "the unicorn emulator needs pseudo-terminals, which this system has not",
            "use a real board: --port",
        )
    return CHIPS[board.chip]


def _installed(module: str) -> bool:
    if module in sys.modules:
        return sys.modules[module] is not None
    return importlib.util.find_spec(module) is not None


def _cost(cost: dict[str, int]) -> Cost:
    return Cost(cost["instructions"], cost["cycles"], cost["stack_bytes"], cost["jumps"])


def _counters(answer: dict[str, Any]) -> Counters:
    return Counters(
        instructions=answer["instructions"],
        cycles_estimate=answer["cycles"],
        elapsed_cycles=answer["elapsed_cycles"],
        sleep_share=answer["sleep_share"],
        stack_bytes=answer["stack_bytes"],
        faults=tuple(answer["faults"]),
        notes=tuple(answer["notes"]),
        resets=answer["resets"],
    )
