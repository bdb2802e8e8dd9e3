"""The system control space of a Cortex-M4: NVIC, SCB, SysTick, and which exception comes next.

Sections are those of the ARMv7-M Architecture Reference Manual (DDI 0403E).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tinykit.host.registers import RefusedError, Register, RegisterBlock, array, table
from tinykit.host.schedule import Schedule

SCS_BASE = 0xE000E000
SCS_BYTES = 0x1000

HARD_FAULT, MEM_MANAGE, BUS_FAULT, USAGE_FAULT = 3, 4, 5, 6
SVCALL, PENDSV, SYSTICK, FIRST_IRQ = 11, 14, 15, 16
EXCEPTION_NAMES = {
    2: "NMI",
    HARD_FAULT: "HardFault",
    MEM_MANAGE: "MemManage",
    BUS_FAULT: "BusFault",
    USAGE_FAULT: "UsageFault",
    SVCALL: "SVCall",
    PENDSV: "PendSV",
    SYSTICK: "SysTick",
}

# B3.2.15: configurable fault status
CFSR_IBUSERR, CFSR_PRECISERR, CFSR_STKERR, CFSR_BFARVALID = 1 << 8, 1 << 9, 1 << 12, 1 << 15
CFSR_UNDEFINSTR, CFSR_INVSTATE, CFSR_INVPC, CFSR_NOCP = 1 << 16, 1 << 17, 1 << 18, 1 << 19
HFSR_VECTTBL, HFSR_FORCED, HFSR_DEBUGEVT = 1 << 1, 1 << 30, 1 << 31  # B3.2.16
SHCSR_ENABLE = {MEM_MANAGE: 1 << 16, BUS_FAULT: 1 << 17, USAGE_FAULT: 1 << 18}  # B3.2.13
AIRCR_KEY, AIRCR_SYSRESETREQ = 0x05FA, 1 << 2  # B3.2.6
CCR_STKALIGN = 1 << 9  # B3.2.8
SYSTICK_ENABLE, SYSTICK_TICKINT, SYSTICK_COUNTFLAG = 1, 2, 1 << 16  # B3.3.3
PRIORITY_BITS = 3  # nRF52840 PS 4.1: eight levels
THREAD_PRIORITY = 256
NVIC_WORDS = 8  # words behind the chip's last interrupt read as zero and ignore writes (B3.4.3)
INTERRUPTS = 48  # nRF52840 PS 4.1

REGISTERS = table(
    (0x004, Register("ICTR", "r", reset=1)),  # B3.4.2: 33 to 64 interrupts
    (0x010, Register("SYST_CSR", writable=7)),
    (0x014, Register("SYST_RVR", writable=0xFFFFFF)),
    (0x018, Register("SYST_CVR")),
    (0x01C, Register("SYST_CALIB", "r")),
    array("NVIC_ISER", 0x100, NVIC_WORDS),
    array("NVIC_ICER", 0x180, NVIC_WORDS),
    array("NVIC_ISPR", 0x200, NVIC_WORDS),
    array("NVIC_ICPR", 0x280, NVIC_WORDS),
    (0x300, Register("NVIC_IABR[0]", "r")),
    (0x304, Register("NVIC_IABR[1]", "r")),
    array("NVIC_IPR", 0x400, 12),
    (0xD00, Register("CPUID", "r", reset=0x410FC241)),  # Cortex-M4 r0p1
    (0xD04, Register("ICSR", writable=0x9E000000)),
    (0xD08, Register("VTOR", writable=0xFFFFFF80)),
    (0xD0C, Register("AIRCR")),
    (0xD10, Register("SCR", writable=0x16)),
    (0xD14, Register("CCR", writable=0x31B, reset=CCR_STKALIGN)),
    array("SHPR", 0xD18, 3),
    (0xD24, Register("SHCSR", writable=0x70000)),
    (0xD28, Register("CFSR")),
    (0xD2C, Register("HFSR")),
    (0xD34, Register("MMFAR")),
    (0xD38, Register("BFAR")),
    (0xD88, Register("CPACR", writable=0xF00000)),
    (0xD90, Register("MPU_TYPE", "r", reset=8 << 8)),
    (0xD94, Register("MPU_CTRL", writable=0)),  # protection itself is not modelled
    # as a bootloader may leave it: flush to zero, and round towards zero
    (0xF3C, Register("FPDSCR", reset=0x1C00000, writable=0x7C00000)),
)
BYTE_ACCESSIBLE = ("NVIC_IPR", "SHPR", "CFSR")  # B3.2.2, B3.4.1


@dataclass(frozen=True, slots=True)
class CpuState:
    """Give the masks that live in the CPU itself (B1.4.3)."""

    primask: int
    faultmask: int
    basepri: int


class SystemControl(RegisterBlock):
    """Model NVIC, SCB and SysTick; the CPU asks it which exception to take.

    `levels` gives the interrupts whose request lines are high now.
    """

    def __init__(self, schedule: Schedule, levels: Callable[[], set[int]]) -> None:
        super().__init__("SCS", SCS_BASE, REGISTERS)
        self.schedule = schedule
        self.levels = levels
        self.enabled: set[int] = set()
        self.pending: set[int] = set()  # exception numbers
        self.active: list[int] = []  # exception numbers, innermost last
        self.reset_requested = False
        self._systick_start = 0
        self._systick_ticket: int | None = None

    def read(self, offset: int, size: int) -> int:
        """Read a register; priority and fault status registers also by bytes."""
        if size != 4 and self._byte_accessible(offset, size):
            word = super().read(offset & ~3, 4)
            return word >> 8 * (offset & 3) & (1 << 8 * size) - 1
        return super().read(offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        """Write a register; priority and fault status registers also by bytes."""
        if size != 4 and self._byte_accessible(offset, size):
            shift = 8 * (offset & 3)
            name = self.registers[offset & ~3].name
            kept = 0 if name == "CFSR" else self.values[name] & ~((1 << 8 * size) - 1 << shift)
            super().write(offset & ~3, 4, kept | value << shift)
        else:
            super().write(offset, size, value)

    def on_read(self, name: str) -> int:
        """Compute the registers that mirror state, return the others as stored."""
        match name.partition("[")[0]:
            case "NVIC_ISER" | "NVIC_ICER":
                return _word(self.enabled, int(name[-2]))
            case "NVIC_ISPR" | "NVIC_ICPR":
                self.sample()
                return _word({number - FIRST_IRQ for number in self.pending}, int(name[-2]))
            case "NVIC_IABR":
                return _word({number - FIRST_IRQ for number in self.active}, int(name[-2]))
            case "ICSR":
                return self._icsr()
            case "AIRCR":
                return 0xFA050000
            case "SYST_CSR":
                value = self.values[name]
                self.values[name] &= ~SYSTICK_COUNTFLAG
                return value
            case "SYST_CVR":
                return self._systick_value()
            case _:
                return self.values[name]

    def on_write(self, name: str, value: int) -> None:
        """Set, clear, pend and acknowledge; store the rest."""
        bank = 32 * int(name[-2]) if name.startswith("NVIC_I") else 0
        match name.partition("[")[0]:
            case "NVIC_ISER":
                self.enabled |= _bits(value, bank)
            case "NVIC_ICER":
                self.enabled -= _bits(value, bank)
            case "NVIC_ISPR":
                self.pending |= {FIRST_IRQ + irq for irq in _bits(value, bank)}
            case "NVIC_ICPR":
                self.pending -= {FIRST_IRQ + irq for irq in _bits(value, bank)}
            case "ICSR":
                self._write_icsr(value)
            case "AIRCR":
                self._write_aircr(value)
            case "CFSR" | "HFSR":
                self.values[name] &= ~value
            case "SYST_CSR" | "SYST_CVR":
                self._write_systick(name, value)
            case _:
                self.values[name] = value

    def sample(self) -> None:
        """Pend every enabled or disabled interrupt whose line is high (B3.4.1)."""
        self.pending |= {FIRST_IRQ + irq for irq in self.levels()}

    def ready(self, state: Callable[[], CpuState]) -> int | None:
        """Return the exception that the CPU takes now, None to go on."""
        number = self._most_urgent()
        if number is None or self.priority(number) >= self.execution_priority(state()):
            return None
        return number

    def wakes(self, state: Callable[[], CpuState]) -> bool:
        """Tell whether WFI ends: as `ready`, but PRIMASK does not hold it back (B1.5.19)."""
        return self.ready(lambda: replace(state(), primask=0)) is not None

    def execution_priority(self, state: CpuState) -> int:
        """Return what an exception's priority must be below to be taken (B1.5.4)."""
        lowest = min([self.priority(number) for number in self.active], default=THREAD_PRIORITY)
        if state.basepri:
            lowest = min(lowest, state.basepri)
        if state.primask:
            lowest = min(lowest, 0)
        return min(lowest, -1) if state.faultmask else lowest

    def priority(self, number: int) -> int:
        """Return the priority of an exception; lower is more urgent."""
        if number <= HARD_FAULT:
            return {1: -3, 2: -2, HARD_FAULT: -1}[number]
        if number >= FIRST_IRQ:
            word = self.values[f"NVIC_IPR[{(number - FIRST_IRQ) // 4}]"]
        else:
            word = self.values[f"SHPR[{number // 4 - 1}]"]
        implemented = 0xFF << 8 - PRIORITY_BITS & 0xFF
        return word >> 8 * (number % 4) & implemented

    def fault_exception(self, number: int, state: CpuState) -> int:
        """Return the exception that a fault takes: itself, or HardFault by escalation (B1.5.14)."""
        enabled = self.values["SHCSR"] & SHCSR_ENABLE.get(number, 0)
        if number == SVCALL:
            enabled = 1
        if enabled and self.priority(number) < self.execution_priority(state):
            return number
        if HARD_FAULT in self.active or state.faultmask:
            raise RefusedError(f"lockup: {EXCEPTION_NAMES[number]} inside the HardFault handler")
        self.values["HFSR"] |= HFSR_FORCED if number != HARD_FAULT else 0
        return HARD_FAULT

    def enter(self, number: int) -> None:
        """Note that the CPU has taken an exception."""
        self.pending.discard(number)
        self.active.append(number)

    def leave(self) -> None:
        """Note that the CPU has returned from the innermost exception."""
        self.active.pop()

    def start_systick(self, reload: int) -> None:
        """Let SysTick run with its interrupt, as a careless bootloader leaves it."""
        self.values["SYST_RVR"] = reload
        self._write_systick("SYST_CSR", 7)

    def _byte_accessible(self, offset: int, size: int) -> bool:
        register = self.registers.get(offset & ~3)
        return (
            register is not None
            and register.name.startswith(BYTE_ACCESSIBLE)
            and offset % size == 0
        )

    def _most_urgent(self) -> int | None:
        self.sample()
        candidates = [
            number
            for number in self.pending
            if number < FIRST_IRQ or number - FIRST_IRQ in self.enabled
        ]
        return min(candidates, key=lambda number: (self.priority(number), number), default=None)

    def _icsr(self) -> int:
        pending = self._most_urgent() or 0
        active = self.active[-1] if self.active else 0
        return (
            active
            | pending << 12
            | any(number >= FIRST_IRQ for number in self.pending) << 22
            | (SYSTICK in self.pending) << 26
            | (PENDSV in self.pending) << 28
        )

    def _write_icsr(self, value: int) -> None:
        for bit, number in ((28, PENDSV), (26, SYSTICK)):
            if value >> bit & 1:
                self.pending.add(number)
            if value >> bit - 1 & 1:
                self.pending.discard(number)
        if value >> 31:
            raise RefusedError("write to SCB.ICSR.NMIPENDSET: NMI is not modelled")

    def _write_aircr(self, value: int) -> None:
        if value >> 16 != AIRCR_KEY:
            raise RefusedError(f"write of 0x{value:08x} to SCB.AIRCR without the key 0x05fa")
        if value & 0x700:
            raise RefusedError("write to SCB.AIRCR.PRIGROUP: priority groups are not modelled")
        self.reset_requested = bool(value & AIRCR_SYSRESETREQ)

    def _write_systick(self, name: str, value: int) -> None:
        if name == "SYST_CSR":
            self.values[name] = value
        self._systick_start = self.schedule.now()
        if self._systick_ticket is not None:
            self.schedule.cancel(self._systick_ticket)
            self._systick_ticket = None
        if self.values["SYST_CSR"] & SYSTICK_ENABLE and self.values["SYST_RVR"]:
            self._schedule_tick()

    def _schedule_tick(self) -> None:
        # Without its interrupt SysTick can wake nobody, so it needs no event of its own.
        if self.values["SYST_CSR"] & SYSTICK_TICKINT:
            period = self.values["SYST_RVR"] + 1
            self._systick_ticket = self.schedule.after(period, self._tick)

    def _tick(self) -> None:
        self.values["SYST_CSR"] |= SYSTICK_COUNTFLAG
        self.pending.add(SYSTICK)
        self._schedule_tick()

    def _systick_value(self) -> int:
        period = self.values["SYST_RVR"] + 1
        elapsed = self.schedule.now() - self._systick_start
        return self.values["SYST_RVR"] - elapsed % period


def exception_name(number: int) -> str:
    """Name an exception as the manuals do."""
    return EXCEPTION_NAMES.get(number, f"interrupt {number - FIRST_IRQ}")


def _word(numbers: set[int], bank: int) -> int:
    return sum(1 << number - 32 * bank for number in numbers if number // 32 == bank)


def _bits(value: int, first: int) -> set[int]:
    return {first + bit for bit in range(32) if value >> bit & 1 and first + bit < INTERRUPTS}
