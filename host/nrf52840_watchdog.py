"""The watchdog of the nRF52840, which counts while the CPU is awake, or always.

Sections are those of the nRF52840 Product Specification v1.7 ("PS").
"""

from collections.abc import Callable

from tinykit.host.nordic import NordicPeripheral
from tinykit.host.nrf52840_registers import WDT_TABLE
from tinykit.host.registers import RefusedError
from tinykit.host.schedule import Schedule

TICK_CYCLES = (15_625, 8)  # 64 MHz / 32.768 kHz, as a fraction
RELOAD = 0x6E524635  # 6.36.4.10
LEAST_CRV = 0xF  # 6.36.4.7
RUN_ASLEEP = 1  # CONFIG.SLEEP


class Watchdog(NordicPeripheral):
    """Model the watchdog (6.36): it starts once, and only a reset stops it, but no soft one.

    Whoever runs the CPU asks `expired`: nothing that is scheduled could tell, since a CPU that
    hangs looks at no register.
    """

    def __init__(self, schedule: Schedule, awake: Callable[[], int]) -> None:
        super().__init__(0x40010000, WDT_TABLE, schedule)
        self._awake = awake
        self._fed_at = 0
        self._waiting = 0  # the reload registers that must be written before it starts anew

    @property
    def expired(self) -> bool:
        """Tell whether the time is over."""
        if not self.values["RUNSTATUS"]:
            return False
        cycles, parts = TICK_CYCLES
        return self.unfed_cycles * parts >= (self.values["CRV"] + 1) * cycles

    @property
    def unfed_cycles(self) -> int:
        """Return for how many cycles that count it has not been started anew."""
        return self._clock() - self._fed_at

    def outlive(self, before: "Watchdog", unfed_cycles: int) -> None:
        """Go on after a soft reset as it was before (5.3, Reset behavior), with clocks at 0."""
        self.values.update(before.values)
        self._waiting = before._waiting
        self._fed_at = self._clock() - unfed_cycles

    def on_task(self, task: str) -> None:
        """Start."""
        assert task == "START"
        if self.values["CRV"] < LEAST_CRV:
            raise RefusedError(f"WDT.CRV is {self.values['CRV']}, the least is {LEAST_CRV}")
        if not self.values["RREN"]:
            raise RefusedError("WDT.TASKS_START while WDT.RREN enables no reload register")
        self.values["RUNSTATUS"] = 1
        self._feed()

    def on_write(self, name: str, value: int) -> None:
        """Refuse what the hardware would ignore; count the reload requests."""
        if name in ("CRV", "RREN", "CONFIG") and self.values["RUNSTATUS"]:
            raise RefusedError(f"write to WDT.{name} while it runs, which is ignored (6.36.4)")
        if not name.startswith("RR["):
            super().on_write(name, value)
        elif value == RELOAD:  # anything else is ignored, as is a register that is not enabled
            self._waiting &= ~(1 << int(name[3]))
            if not self._waiting:
                self._feed()

    def on_read(self, name: str) -> int:
        """Read, or tell which reload registers are still to be written."""
        return self._waiting if name == "REQSTATUS" else super().on_read(name)

    def _feed(self) -> None:
        self._fed_at = self._clock()
        self._waiting = self.values["RREN"]

    def _clock(self) -> int:
        return self.schedule.now() if self.values["CONFIG"] & RUN_ASLEEP else self._awake()
