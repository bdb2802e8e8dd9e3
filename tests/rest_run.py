"""Let virtual time go by for an image of --app sleep on a board whose sleep no emulator models.

The CPU is unicorn's, as in dry_run.py, and an instruction takes a cycle. Of the chip there is what
counts while it sleeps, and what that needs to wake the CPU; a table says in which state it may
sleep at all. So this proves the driver's order, its arithmetic across the rounds of short counters,
and that what it claims to switch off is off and comes back; the rest only a board can tell.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import dry_run
import unicorn
from dry_run import Chip, Machine, Port, Registers, span
from unicorn import arm_const as arm

SCR, ISER = 0xE000ED10, 0xE000E100
DEEP = 1 << 2
_US = 1_000_000
_MOST_INSTRUCTIONS = 2_000_000


def _left(count: int, target: int, bits: int) -> int:
    """Return the ticks to a match; one that is there already comes a round later."""
    return ((target - count) % (1 << bits)) or 1 << bits


@dataclass
class Counter:
    """Count from a moment on at a rate, as wide as it is, up to a match which stays seen."""

    hz: float
    bits: int
    start_us: float | None = None
    due_us: float | None = None

    def count(self, now_us: float) -> int:
        """Return what its register shows."""
        return int(self._ticks(now_us)) % (1 << self.bits)

    def match(self, target: int, now_us: float) -> None:
        """Look for a value."""
        if self.start_us is not None:
            ticks = int(self._ticks(now_us)) + _left(self.count(now_us), target, self.bits)
            self.due_us = self.start_us + ticks * _US / self.hz

    def matched(self, now_us: float) -> bool:
        """Tell whether it was there."""
        return self.due_us is not None and now_us >= self.due_us

    def _ticks(self, now_us: float) -> float:
        # a thousandth of a tick: the moment of a match is no whole number
        return 0 if self.start_us is None else (now_us - self.start_us) * self.hz / _US + 1e-3


@dataclass(frozen=True, slots=True)
class Rest:
    """Say how a chip sleeps.

    Attributes:
        registers: what the driver of the sleep may touch beside that of the chip.
        hz, bits: of the counter that wakes it.
        irq: its interrupt.
        count, target, flag, clear: its registers; bit 0 of the last two is the match.
        start: the register whose writing starts it.
        asleep: what must hold while it sleeps, each with its name.
        awake: what must hold while it sends, likewise.
        acknowledge: what the flag's register shows beside, as what is written arrives at once.
        clears_by_zero: the flag goes by writing 0, not 1.
    """

    registers: Registers
    hz: float
    bits: int
    irq: int
    count: int
    target: int
    flag: int
    clear: int
    start: int
    asleep: dict[str, Callable[[Registers], bool]]
    awake: dict[str, Callable[[Registers], bool]]
    acknowledge: int = 0
    clears_by_zero: bool = False


def _on(address: int, bits: int) -> Callable[[Registers], bool]:
    return lambda registers: registers[address] & bits == bits


def _off(address: int, bits: int) -> Callable[[Registers], bool]:
    return lambda registers: registers[address] & bits == 0


def _is(address: int, value: int, mask: int = 0xFFFFFFFF) -> Callable[[Registers], bool]:
    return lambda registers: registers[address] & mask == value


_LPTIM = (0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18, 0x1C)
_LPTIM_OK = 1 << 24 | 1 << 4 | 1 << 3  # DIEROK, ARROK, CMPOK
_L4_LPTIM, _U5_LPTIM = 0x40007C00, 0x46004400
_L4_CR1, _U5_CR1, _U5_VOSR = 0x40007000, 0x46020800, 0x4602080C
_L4_RCC, _U5_RCC = 0x40021000, 0x46020C00
_RTC, _UART, _TIMER, _WDT = 0x40011000, 0x40002000, 0x40008000, 0x40010000


def _lptim(base: int, irq: int, registers: Registers, **states: dict[str, Callable]) -> Rest:  # type: ignore[type-arg]
    return Rest(
        {**span(base, *_LPTIM), **registers},
        hz=32_000 / 32,
        bits=16,
        irq=irq,
        count=base + 0x1C,
        target=base + 0x14,
        flag=base,
        clear=base + 4,
        start=base + 0x18,
        asleep={
            "SLEEPDEEP": _on(SCR, DEEP),
            "LPTIM's interrupt": _on(base + 8, 1),
            "a tick of 1 ms": _is(base + 0x0C, 5 << 9),
            "LPTIM runs": _is(base + 0x10, 5),
            **states["asleep"],
        },
        awake={"no SLEEPDEEP": _off(SCR, DEEP), **states["awake"]},
        acknowledge=_LPTIM_OK,
    )


NRF51 = Chip(
    arm.UC_CPU_ARM_CORTEX_M0,
    {
        **span(0x40000000, 0x000, 0x004, 0x008, 0x100, 0x400, 0x40C, 0x418, 0x518),
        **span(_UART, 0, 4, 8, 0xC, 0x108, 0x11C, 0x304, 0x308, 0x500, 0x508, 0x50C, 0x510, 0x514),
        **span(_UART, 0x518, 0x51C, 0x524, 0x56C),
        **span(_TIMER, 0x00, 0x04, 0x0C, 0x10, 0x40, 0x504, 0x508, 0x510, 0x540),
        **span(_WDT, 0x000, 0x400, 0x504, 0x508, 0x50C, *range(0x600, 0x620, 4)),
        **span(0x50000000, 0x508, 0x760, 0x764),  # OUTSET, PIN_CNF of 24 and 25
    },
    {
        0x40000100: lambda r: r[0x40000000],
        0x40000418: lambda r: r[0x40000008] << 16,
        _UART + 0x11C: lambda _: 1,
    },
    _TIMER + 0x540,
    Port(_UART + 0x108, _UART + 0x518, _UART + 0x51C, 0, 1),
    ((0x40000000, 0x20000), (0x50000000, 0x1000)),
)

RESTS = {
    "nrf51822": Rest(
        span(_RTC, 0x000, 0x008, 0x140, 0x304, 0x504, 0x508, 0x540),
        hz=1024,
        bits=24,
        irq=17,
        count=_RTC + 0x504,
        target=_RTC + 0x540,
        flag=_RTC + 0x140,
        clear=_RTC + 0x140,
        start=_RTC,
        asleep={
            "a tick of 1/1024 s": _is(_RTC + 0x508, 31),
            "the RTC's interrupt": _on(_RTC + 0x304, 1 << 16),
            "the UART off": _is(_UART + 0x500, 0),
            "the crystal off": lambda r: r[0x40000000] == 0,
            "TIMER0 shut down": _is(_TIMER + 0x10, 1),
        },
        awake={"the crystal": _is(0x40000000, 1), "the UART": _is(_UART + 0x500, 4)},
        clears_by_zero=True,
    ),
    "stm32l4r5": _lptim(
        _L4_LPTIM,
        65,
        {_L4_CR1: 0, 0x40010420: 0},
        asleep={
            "STOP 2": _is(_L4_CR1, 2, 7),
            "EXTI's line of LPTIM1": _on(0x40010420, 1),
            "HSI16, also after STOP": _is(_L4_RCC + 8, 1 << 15 | 1),
            "the PLL off": _off(_L4_RCC, 1 << 24),
            "the range not boosted": _on(_L4_CR1 + 0x80, 1 << 8),
            "LPTIM1 with the LSI": _is(_L4_RCC + 0x88, 1 << 18, 3 << 18),
            "the UART off": _is(0x40008000, 0),
        },
        awake={
            "the PLL": _on(_L4_RCC, 1 << 24),
            "the core from the PLL": _is(_L4_RCC + 8, 3, 0xF3),
            "the boosted range": _off(_L4_CR1 + 0x80, 1 << 8),
        },
    ),
    "stm32u575": _lptim(
        _U5_LPTIM,
        67,
        {_U5_CR1: 0, **span(_U5_CR1, 0x04, 0x28), **span(_U5_RCC, 0xA8, 0xD8, 0xE8, 0xF0)},
        asleep={
            "STOP 2": _is(_U5_CR1, 2, 7),
            "LPTIM1 autonomous": _on(_U5_RCC + 0xD8, 1 << 11),
            "HSI16, also after STOP": _is(_U5_RCC + 0x1C, 1 << 4 | 1),
            "the PLL off": _off(_U5_RCC, 1 << 24),
            "the booster off": _off(_U5_VOSR, 1 << 18),
            "LPTIM1 with the LSI": _is(_U5_RCC + 0xE8, 1 << 10, 3 << 10),
            "the UART off": _is(0x40013800, 0),
            "unused pages of RAM off": _is(_U5_CR1 + 4, 0xFF0076),
        },
        awake={
            "the PLL": _on(_U5_RCC, 1 << 24),
            "the core from the PLL": _is(_U5_RCC + 0x1C, 3),
            "the booster": _on(_U5_VOSR, 1 << 18),
        },
    ),
    "rp2040": Rest(
        {
            **span(0x40054000, 0x10, 0x20, 0x34, 0x38),
            0x40004018: 0,  # MEMPOWERDOWN
            0x40060000: 0xAA0,  # ROSC_CTRL
        },
        hz=_US,
        bits=32,
        irq=0,
        count=0x40054028,
        target=0x40054010,
        flag=0x40054034,
        clear=0x40054034,
        start=0x4005802C,  # WATCHDOG_TICK
        asleep={
            "SLEEPDEEP": _on(SCR, DEEP),
            "the alarm's interrupt": _on(0x40054038, 1),
            "only the timer's clocks": _is(0x400080AC, 1 << 5 | 1 << 12),
            "nothing else's": _is(0x400080A8, 0),
            "the core from the crystal": _is(0x4000803C, 0),
            "the PLL off": _on(0x40028004, 0x29),
            "the UART off": _is(0x40034030, 0),
            "ROSC off": _is(0x40060000, 0xD1EAA0),
            "SRAM4 off": _is(0x40004018, 0x10),
        },
        awake={
            "the PLL": _off(0x40028004, 0x29),
            "the core from the PLL": _is(0x4000803C, 1),
            "the UART": _is(0x40034030, 0x301),
        },
    ),
}

_LSI = {  # the ready bit of the LSI follows its enable bit
    _L4_RCC + 0x94: lambda r: r[_L4_RCC + 0x94] | (r[_L4_RCC + 0x94] & 1) << 1,
    _U5_RCC + 0xF0: lambda r: r[_U5_RCC + 0xF0] | (r[_U5_RCC + 0xF0] >> 26 & 1) << 27,
}
_CRYSTAL = (0x40000000, 0x40000004)  # the nRF51's tasks that start and stop it
_TIMER_RESTARTS = (_TIMER + 0x0C, 0x40000024)  # TASKS_CLEAR, TIM2's CNT
_CHIPS = {**dry_run.CHIPS, "nrf51822": NRF51}


@dataclass
class Sleeper(Machine):
    """Hold the machine, and the time that goes by."""

    slept_us: float = 0
    sleeps: int = 0
    instructions: int = 0
    system: Registers = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Join the registers of chip and sleep."""
        rest = RESTS[self.board.chip]
        self.rest, self.counter = rest, Counter(rest.hz, rest.bits)
        self.found = {**rest.registers, **self.found}
        self._timer_us = 0.0  # when the chip's own timer was at 0
        super().__post_init__()
        self._uc.hook_add(unicorn.UC_HOOK_CODE, self._count)

    @property
    def now_us(self) -> float:
        """Return the virtual time."""
        return self.instructions * _US / self.board.clock_hz + self.slept_us

    @property
    def sleep_share(self) -> float:
        """Return how much of it the CPU has slept."""
        return self.slept_us / self.now_us

    def go(self, seconds: float) -> list[str]:
        """Run for so long; give the lines that were sent."""
        while self.now_us < seconds * _US:
            self.run()
            self._check("asleep", self.rest.asleep)
            enabled = self.system.get(ISER + 4 * (self.rest.irq // 32), 0)
            assert enabled >> self.rest.irq % 32 & 1, "its interrupt is not enabled"
            assert self.counter.due_us is not None, "nothing will wake it"
            self.slept_us += max(0.0, self.counter.due_us - self.now_us)
            self.sleeps += 1
        return bytes(self.sent).decode().split("\r\n")[:-1]

    def find_chip(self) -> Chip:
        """Return the chip with the pages that the counter lies in, and its LSI."""
        chip = _CHIPS[self.board.chip]
        known = [range(base, base + size) for base, size in chip.windows]
        pages = {address & ~0xFFF for address in self.rest.registers}
        more = [(page, 0x1000) for page in sorted(pages) if not any(page in old for old in known)]
        mine = {**chip.registers, **self.found}
        ready = {**chip.ready, **{a: lsi for a, lsi in _LSI.items() if a in mine}}
        return replace(chip, ready=ready, windows=(*chip.windows, *more))

    def _count(self, *_: object) -> None:
        self.instructions += 1
        if self.instructions > _MOST_INSTRUCTIONS:
            self.refused = f"it still runs after {_MOST_INSTRUCTIONS} instructions"
            self._uc.emu_stop()

    def _check(self, when: str, states: dict[str, Callable[[Registers], bool]]) -> None:
        everything = {SCR: 0, **self.system, **self.registers}
        wrong = [name for name, holds in states.items() if not holds(everything)]
        assert not wrong, f"{when} without {', '.join(wrong)}"

    def _read(self, uc: unicorn.Uc, offset: int, size: int, base: int) -> int:
        address, rest, now_us = base + offset, self.rest, self.now_us
        if address == rest.count:
            return self.counter.count(now_us)
        if address == rest.flag:
            return rest.acknowledge | self.counter.matched(now_us)
        if address == self.chip.counter:
            return int(now_us - self._timer_us)
        return super()._read(uc, offset, size, base)

    def _write(self, uc: unicorn.Uc, offset: int, size: int, value: int, base: int) -> None:
        address, rest, now_us = base + offset, self.rest, self.now_us
        if address >= 0xE0000000:
            bits = self.system.get(address, 0) if ISER <= address < ISER + 0x20 else 0
            self.system[address] = bits | value
        if address == rest.start and self.counter.start_us is None:
            self.counter.start_us = now_us
        if address == rest.target:
            self.counter.match(value, now_us)
        if address == rest.clear and value == (0 if rest.clears_by_zero else 1):
            self.counter.due_us = None
        if address in _TIMER_RESTARTS:
            self._timer_us = now_us
        if address == self.chip.port.send:
            self._check("sending", rest.awake)
        if address in _CRYSTAL:
            self.registers[_CRYSTAL[0]] = int(address == _CRYSTAL[0])
            return
        super()._write(uc, offset, size, value, base)
