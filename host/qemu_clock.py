"""Read QEMU's virtual clock through its debugger: each instruction takes the same time.

With -icount, QEMU's time advances by 2^shift ns for every instruction and by nothing else, except
while the CPU sleeps and, after a stop, before the first step. Any free-running counter of the chip
therefore counts instructions, exactly where one takes at least two of its ticks.
"""

from collections.abc import Callable
from dataclasses import dataclass

NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Clock:
    """Describe a counter that a debugger can read.

    Attributes:
        address: of its first register.
        count: how many bytes are read there.
        ticks: what they mean.
        period: after how many ticks it starts again.
        hz: ticks in a second of virtual time.
        shift: an instruction takes 2^shift ns.
    """

    address: int
    count: int
    ticks: Callable[[bytes], int]
    period: int
    hz: int
    shift: int

    @property
    def instruction_ns(self) -> int:
        """Return the virtual time of one instruction."""
        return 1 << self.shift

    @property
    def period_ns(self) -> int:
        """Return after how much virtual time it starts again."""
        return self.period * NS // self.hz

    def instructions(self, start: int, end: int) -> int:
        """Return how many instructions ran between two readings."""
        return round((end - start) % self.period * NS / self.hz / self.instruction_ns)


def _word(data: bytes, index: int) -> int:
    return int.from_bytes(data[4 * index : 4 * index + 4], "little")


def _fpgaio(data: bytes) -> int:
    """COUNTER, PRESCALE, PSCNTR: the last counts down from PRESCALE to 0 for each COUNTER."""
    counter, prescale, down = (_word(data, i) for i in range(3))
    return counter * (prescale + 1) + prescale - down


def _fpgaio_clock(base: int, hz: int) -> Clock:
    return Clock(base + 0x18, 12, _fpgaio, hz // 1_000_000 << 32, hz, 7)


# firmware/chips/*.c start them
CLOCKS = {
    "mps2": _fpgaio_clock(0x40028000, 25_000_000),
    "mps2_iotkit": _fpgaio_clock(0x50302000, 20_000_000),
    "mps3_sse300": _fpgaio_clock(0x59302000, 20_000_000),
    # SysTick, which counts down, and QEMU's nRF51 has
    "nrf51822": Clock(0xE000E018, 4, lambda data: -_word(data, 0), 1 << 24, 16_000_000, 7),
    # mtime of the ACLINT
    "qemu_virt": Clock(0x0200BFF8, 4, lambda data: _word(data, 0), 1 << 32, 10_000_000, 8),
}
