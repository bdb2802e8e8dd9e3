"""Let virtual time go by in the emulator, and tell how much of it the board was asleep."""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tinykit.core.errors import TinykitError
from tinykit.host.record import BuildRecord, built_board
from tinykit.host.session import start_for
from tinykit.host.unicorn_emulator import UnicornEmulator


@dataclass(frozen=True, slots=True)
class Elapsed:
    """Hold what went by.

    Attributes:
        virtual_s: at least as much as was asked for: the emulator looks up five times a second.
        awake_share, sleep_share: of the time since the last reset, 0 to 1.
        resets: how often the board has reset itself.
        said: the lines that came over its serial port.
    """

    board: str
    virtual_s: float
    awake_share: float
    sleep_share: float
    resets: int
    faults: tuple[str, ...]
    said: tuple[str, ...]


def elapse(
    folder: Path,
    record: BuildRecord,
    emulator: str,
    seconds: float,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Elapsed:
    """Run an image for so many seconds of virtual time.

    Raises:
        TinykitError: the emulator is not unicorn, or the board waits for its host.
    """
    if emulator != "unicorn":
        raise TinykitError(f"--seconds means nothing to {emulator}", "--emulator unicorn")
    clock_hz = built_board(folder, record).clock_hz
    said = b""
    with start_for(folder, record, emulator) as running:
        assert isinstance(running, UnicornEmulator)
        port = os.open(running.port, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            cycles = -1
            while cycles < seconds * clock_hz:
                before, counters = cycles, running.counters()
                cycles = counters.elapsed_cycles
                if cycles == before:
                    raise TinykitError(
                        f"the board waits for its host after {cycles / clock_hz:.3f} s",
                        "--seconds is for --app sleep",
                    )
                progress(min(int(cycles / clock_hz), int(seconds)), int(seconds))
                said += _waiting(port)
        finally:
            os.close(port)
    return Elapsed(
        record.board,
        cycles / clock_hz,
        1 - counters.sleep_share,
        counters.sleep_share,
        counters.resets,
        counters.faults,
        tuple(said.decode("ascii", "replace").split("\r\n")[:-1]),
    )


def _waiting(port: int) -> bytes:
    with contextlib.suppress(BlockingIOError):
        return os.read(port, 1 << 16)
    return b""
