"""The counters of the nRF52840 that compare, interrupt and wake: TIMER and RTC.

Sections are those of the nRF52840 Product Specification v1.7 ("PS"). A match is looked for when
somebody looks at the counter; only one that raises an interrupt is scheduled, since nothing else
can wake the CPU.
"""

from typing import Protocol

from tinykit.host.nordic import NordicPeripheral
from tinykit.host.nrf52840_registers import RTC_COMPARES, TIMER_BITS, rtc_table, timer_table
from tinykit.host.registers import RefusedError, Table
from tinykit.host.schedule import Schedule

CYCLES_PER_TIMER_TICK = 4  # TIMER runs from PCLK16M (6.30)
RTC_BITS = 24  # 6.22
RTC_TICK_CYCLES = (15_625, 8)  # 64 MHz / 32.768 kHz, as a fraction


class SlowClock(Protocol):
    """Tell whether LFCLK runs."""

    @property
    def slow_clock(self) -> bool:
        """Tell whether it does."""
        ...


class Counter(NordicPeripheral):
    """Count ticks from START, and fire an event where the count becomes a compare value.

    Counts are kept without wrapping: `_seen` is the one up to which matches have been fired.
    """

    def __init__(self, base: int, registers: Table, schedule: Schedule) -> None:
        super().__init__(base, registers, schedule)
        self._base: int | None = None  # the cycle at which the count was 0; None when stopped
        self._held = 0
        self._seen = 0
        self._ticket: int | None = None

    @property
    def running(self) -> bool:
        """Tell whether it counts."""
        return self._base is not None

    def on_read(self, name: str) -> int:
        """Fire what was reached by now, then read."""
        self.catch_up()
        return super().on_read(name)

    def on_write(self, name: str, value: int) -> None:
        """Fire what was reached by now, write, and look for the next match anew."""
        self.catch_up()
        super().on_write(name, value)
        self._plan()

    def raises(self) -> bool:
        """Tell whether the interrupt is requested."""
        if self.mask:
            self.catch_up()
        return super().raises()

    def start(self) -> None:
        """Go on counting."""
        if self._base is None:
            self._base = self.schedule.now() - self._cycles(self._held)

    def stop(self) -> None:
        """Keep the count."""
        self._held, self._base = self._ticks(), None

    def clear(self) -> None:
        """Count from 0."""
        self._held = self._seen = 0
        if self._base is not None:
            self._base = self.schedule.now()

    def count(self) -> int:
        """Return the count as the register shows it."""
        return self._ticks() & self.period() - 1

    def catch_up(self) -> None:
        """Fire every match between the last look and now; in order where shortcuts act on it."""
        while self._base is not None:
            now = self._ticks()
            due = {event: count for event, count in self._matches().items() if count <= now}
            if not due:
                self._seen = max(self._seen, now)
                return
            first = min(due.values()) if self.has_shortcuts() else now
            for event in [event for event, count in due.items() if count <= first]:
                self.fire(event)
            self._seen = first
            if self.has_shortcuts():
                self.on_match([e for e in due if due[e] == first], self._base + self._cycles(first))

    def tick_cycles(self) -> tuple[int, int]:
        """Return the cycles of a tick as a fraction."""
        raise NotImplementedError

    def period(self) -> int:
        """Return the count at which it starts again from 0, a power of two."""
        raise NotImplementedError

    def compares(self) -> dict[str, int]:
        """Return the counts that fire, by event."""
        raise NotImplementedError

    def has_shortcuts(self) -> bool:
        """Tell whether a match changes the counting."""
        return False

    def on_match(self, events: list[str], cycle: int) -> None:
        """Do what else a match does, at that cycle."""

    def restart(self, cycle: int) -> None:
        """Begin again at 0, at a cycle of the past."""
        self._base, self._seen = cycle, 0

    def halt(self) -> None:
        """Stop at the match, which may lie in the past."""
        self._held, self._base = self._seen, None

    def _ticks(self) -> int:
        if self._base is None:
            return self._held
        cycles, parts = self.tick_cycles()
        return (self.schedule.now() - self._base) * parts // cycles

    def _cycles(self, ticks: int) -> int:
        cycles, parts = self.tick_cycles()
        return -(-ticks * cycles // parts)

    def _matches(self) -> dict[str, int]:
        """Return the next count that fires each event, unwrapped."""
        after = self._seen + 1
        period = self.period()
        return {e: after + (value - after) % period for e, value in self.compares().items()}

    def _plan(self) -> None:
        """Schedule the next match that raises an interrupt, if it has not been raised already."""
        if self._ticket is not None:
            self.schedule.cancel(self._ticket)
            self._ticket = None
        if self._base is None or not self.mask:
            return
        waits = [
            count
            for event, count in self._matches().items()
            if self.mask & self.bit(event) and not self.values[f"EVENTS_{event}"]
        ]
        if waits:
            self._ticket = self.schedule.at(self._base + self._cycles(min(waits)), self._reached)

    def _reached(self) -> None:
        self._ticket = None
        self.catch_up()
        self._plan()


class Timer(Counter):
    """Model a TIMER in timer mode (6.30)."""

    def __init__(self, base: int, schedule: Schedule, compares: int) -> None:
        super().__init__(base, timer_table(compares), schedule)
        self._compares = compares

    def on_task(self, task: str) -> None:
        """Start, stop, clear, capture."""
        if task == "START":
            self.start()
        elif task == "STOP":
            self.stop()
        elif task == "CLEAR":
            self.clear()
        elif task == "SHUTDOWN":
            self.stop()
            self.clear()
        else:
            self.values[task.replace("CAPTURE", "CC")] = self.count()

    def on_write(self, name: str, value: int) -> None:
        """Refuse a change of mode while the timer runs (6.30.5.12)."""
        if name in ("MODE", "BITMODE", "PRESCALER") and self.running:
            raise RefusedError(f"write to {self.name}.{name} while the timer runs")
        super().on_write(name, value)

    def tick_cycles(self) -> tuple[int, int]:
        """Return the cycles of a tick."""
        return CYCLES_PER_TIMER_TICK << self.values["PRESCALER"], 1

    def period(self) -> int:
        """Return what BITMODE says."""
        return 1 << TIMER_BITS[self.values["BITMODE"]]

    def compares(self) -> dict[str, int]:
        """Return the compare values that the counter can reach."""
        values = {f"COMPARE[{i}]": self.values[f"CC[{i}]"] for i in range(self._compares)}
        return {event: value for event, value in values.items() if value < self.period()}

    def has_shortcuts(self) -> bool:
        """Tell whether SHORTS says so."""
        return bool(self.values["SHORTS"])

    def on_match(self, events: list[str], cycle: int) -> None:
        """Clear and stop by the shortcuts (6.30.5.7)."""
        for index in (int(event[-2]) for event in events):
            if self.values["SHORTS"] >> index & 1:
                self.restart(cycle)
            if self.values["SHORTS"] >> index + 8 & 1:
                self.halt()


class Rtc(Counter):
    """Model an RTC (6.22)."""

    def __init__(self, base: int, schedule: Schedule, clock: SlowClock) -> None:
        self._compares = RTC_COMPARES[base]
        super().__init__(base, rtc_table(self._compares), schedule)
        self._clock = clock
        self._routed = 0

    def on_task(self, task: str) -> None:
        """Start, stop, clear, count from shortly before the overflow."""
        if task == "START":
            if not self._clock.slow_clock:
                raise RefusedError(f"{self.name}.TASKS_START while LFCLK does not run")
            self.start()
        elif task == "STOP":
            self.stop()
        elif task == "CLEAR":
            self.clear()
        else:
            self._preset()

    def on_read(self, name: str) -> int:
        """Show the count, and the routing mask under its three names."""
        self.catch_up()
        if name == "COUNTER":
            return self.count()
        return self._routed if name.startswith("EVTEN") else super().on_read(name)

    def on_write(self, name: str, value: int) -> None:
        """Refuse a change of PRESCALER while it runs (6.22.10.20), route events."""
        if name == "PRESCALER" and self.running:
            raise RefusedError(f"write to {self.name}.{name} while the counter runs")
        self.catch_up()
        if name == "EVTENSET":
            self._routed |= value
        elif name == "EVTENCLR":
            self._routed &= ~value
        elif name == "EVTEN":
            self._routed = value
        super().on_write(name, value)

    def tick_cycles(self) -> tuple[int, int]:
        """Return the cycles of a tick."""
        cycles, parts = RTC_TICK_CYCLES
        return cycles * (self.values["PRESCALER"] + 1), parts

    def period(self) -> int:
        """Return when it overflows."""
        return 1 << RTC_BITS

    def compares(self) -> dict[str, int]:
        """Return what fires: only events that are routed or interrupt (6.22.5)."""
        values = {f"COMPARE[{i}]": self.values[f"CC[{i}]"] for i in range(self._compares)}
        values["OVRFLW"] = 0
        values["TICK"] = (self._seen + 1) % self.period()
        enabled = self.mask | self._routed
        return {event: value for event, value in values.items() if enabled & self.bit(event)}

    def _preset(self) -> None:
        self._held = self._seen = self.period() - 16  # 6.22.3
        if self.running:
            self._base = self.schedule.now() - self._cycles(self._held)
