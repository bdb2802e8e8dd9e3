"""A serial line with faults, between a pseudo-terminal for the host and a board's wire."""

import math
import os
import pty
import random
import select
import socket
import threading
import time
import tty
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

CHUNK_BYTES = 4096
BURST_BYTES = 40


@dataclass(frozen=True, slots=True)
class Faults:
    """Say what goes wrong; rates are chances, of each byte or of each chunk that is passed on.

    Attributes:
        lost, doubled, flipped, inserted: of a byte; of one that is flipped, one bit changes.
        burst: of a chunk, that up to 40 bytes in a row become any others.
        cut: of a chunk, that its end is missing.
        delay, delay_s: of a chunk, and by how much.
        mangle: what the line makes of every chunk besides.
    """

    lost: float = 0.0
    doubled: float = 0.0
    flipped: float = 0.0
    inserted: float = 0.0
    burst: float = 0.0
    cut: float = 0.0
    delay: float = 0.0
    delay_s: float = 0.0
    mangle: Callable[[bytes], bytes] = bytes


def evenly(rate: float) -> Faults:
    """Return faults that hit each byte at this rate in all, in one of the four ways."""
    return Faults(rate / 4, rate / 4, rate / 4, rate / 4)


class Spoiler:
    """Spoil one direction of a line, reproducibly."""

    def __init__(self, faults: Faults, seed: str) -> None:
        self.hits = 0
        self._faults = faults
        self._random = random.Random(seed)
        self._kinds = (self._lose, self._double, self._flip, self._insert)
        self._rates = (faults.lost, faults.doubled, faults.flipped, faults.inserted)
        self._clean_bytes = self._draw_clean()

    def __call__(self, data: bytes) -> bytes:
        """Return what arrives of a chunk."""
        data = self._faults.mangle(data)
        out = bytearray()
        while len(data) > self._clean_bytes:
            at = self._clean_bytes
            out += data[:at]
            out += self._random.choices(self._kinds, self._rates)[0](data[at])
            data = data[at + 1 :]
            self.hits += 1
            self._clean_bytes = self._draw_clean()
        self._clean_bytes -= len(data)
        return self._spoil_chunk(out + data)

    def pause_s(self) -> float:
        """Return how long the chunk is held back."""
        late = self._faults.delay and self._random.random() < self._faults.delay
        return self._faults.delay_s if late else 0.0

    def _spoil_chunk(self, data: bytearray) -> bytes:
        if data and self._random.random() < self._faults.burst:
            self.hits += 1
            start = self._random.randrange(len(data))
            stop = min(len(data), start + self._random.randint(1, BURST_BYTES))
            data[start:stop] = self._random.randbytes(stop - start)
        if data and self._random.random() < self._faults.cut:
            self.hits += 1
            del data[self._random.randrange(len(data)) :]
        return bytes(data)

    def _draw_clean(self) -> int:
        """Draw how many bytes pass before the next fault: geometrically distributed."""
        rate = sum(self._rates)
        if rate == 0:
            return 1 << 62
        return int(math.log(1 - self._random.random()) / math.log1p(-rate))

    def _lose(self, _byte: int) -> bytes:
        return b""

    def _double(self, byte: int) -> bytes:
        return bytes((byte, byte))

    def _flip(self, byte: int) -> bytes:
        return bytes((byte ^ 1 << self._random.randrange(8),))

    def _insert(self, byte: int) -> bytes:
        return bytes((self._random.choice((0, self._random.randrange(256))), byte))


class PtyWire:
    """Be the wire of a board that has a pseudo-terminal, as an emulated one."""

    def __init__(self, port: str) -> None:
        self._descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._descriptor)

    def fileno(self) -> int:
        """Return what select takes."""
        return self._descriptor

    def recv(self, most_bytes: int) -> bytes:
        """Read what is there."""
        return os.read(self._descriptor, most_bytes)

    def sendall(self, data: bytes) -> None:
        """Write all."""
        while data:
            data = data[os.write(self._descriptor, data) :]

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)


class FaultyLine:
    """Join a pseudo-terminal and a board's wire by a thread, until the block ends."""

    def __init__(self, wire: socket.socket | PtyWire, faults: Faults, seed: str = "1") -> None:
        self.there = Spoiler(faults, f"{seed} there")
        self.back = Spoiler(faults, f"{seed} back")
        self.sent_bytes = 0
        self._wire = wire
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    @property
    def hits(self) -> int:
        """Return how many faults there were."""
        return self.there.hits + self.back.hits

    def say(self, text: bytes) -> None:
        """Send the host something that the board did not say."""
        os.write(self._master, text)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """End; the pseudo-terminal goes away, as by pulling a plug."""
        self._ended.set()
        self._thread.join()
        os.close(self._master)
        os.close(self._slave)

    def _serve(self) -> None:
        while not self._ended.is_set():
            ready = select.select([self._master, self._wire], [], [], 0.02)[0]
            if self._master in ready:
                data = os.read(self._master, CHUNK_BYTES)
                self.sent_bytes += len(data)
                time.sleep(self.there.pause_s())
                self._wire.sendall(self.there(data))
            if self._wire in ready:
                data = self._wire.recv(CHUNK_BYTES)
                time.sleep(self.back.pause_s())
                os.write(self._master, self.back(data))
