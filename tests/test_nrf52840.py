"""The model of the nRF52840 behaves as its manual, and refuses what the manual does not allow."""

import pytest

from tinykit.host.cortex_m import FIRST_IRQ, HARD_FAULT, SCS_BASE, SYSTICK, CpuState
from tinykit.host.nrf52840 import (
    LinkFacts,
    Memory,
    Nrf52840,
    pin_name,
)
from tinykit.host.nrf52840_ram import RAM_BASE, RamPower
from tinykit.host.nrf52840_registers import BAUD_RATES, INSTANCES
from tinykit.host.registers import RefusedError

UARTE, CLOCK, TIMER0, TIMER1, P1 = 0x40002000, 0x40000000, 0x40008000, 0x40009000, 0x50000300
BYTE_CYCLES = 10 * 64_000_000 // 115200


def unmasked() -> CpuState:
    return CpuState(0, 0, 0)


def masked() -> CpuState:
    return CpuState(1, 0, 0)


class Board:
    """Hold a chip with a clock that the test moves, a RAM, and what was sent."""

    def __init__(self) -> None:
        self.now = self.slept = 0
        self.ram = bytearray(b"\xa5" * 0x1000)
        self.sent = b""
        self.chip = Nrf52840(
            LinkFacts(tx_pin=35, rx_pin=42, baud=115200),
            Memory(self.read_ram, self.write_ram),
            lambda: self.now,
            self.send,
            lambda: self.now - self.slept,
        )
        self.system = self.chip.system

    def read_ram(self, address: int, count: int) -> bytes:
        return bytes(self.ram[address - RAM_BASE : address - RAM_BASE + count])

    def write_ram(self, address: int, data: bytes) -> None:
        self.ram[address - RAM_BASE : address - RAM_BASE + len(data)] = data

    def send(self, data: bytes) -> None:
        self.sent += data

    def read(self, address: int) -> int:
        return self.chip.read(address, 4)

    def write(self, address: int, value: int) -> None:
        self.chip.write(address, 4, value)

    def passes(self, cycles: int) -> None:
        self.now += cycles
        self.chip.schedule.run_due()

    def open_uarte(self) -> None:
        self.write(UARTE + 0x500, 0)
        for offset, value in (
            (0x50C, 35), (0x514, 42), (0x524, 0x01D60000), (0x110, 0), (0x120, 0), (0x500, 8),
        ):  # fmt: skip
            self.write(UARTE + offset, value)

    def receive_at(self, address: int, count: int) -> None:
        self.write(UARTE + 0x534, address)
        self.write(UARTE + 0x538, count)
        self.write(UARTE + 0x000, 1)


@pytest.fixture
def board() -> Board:
    return Board()


def test_the_crystal_takes_its_time(board: Board) -> None:
    board.write(CLOCK, 1)
    board.passes(360 * 64 - 1)
    assert board.read(CLOCK + 0x100) == 0
    assert board.read(CLOCK + 0x40C) == 0

    board.passes(1)

    assert board.read(CLOCK + 0x100) == 1
    assert board.read(CLOCK + 0x40C) == 0x10001


def test_sending_takes_ten_bits_a_byte(board: Board) -> None:
    board.open_uarte()
    board.ram[:3] = b"abc"
    board.write(UARTE + 0x544, RAM_BASE)
    board.write(UARTE + 0x548, 3)
    board.write(UARTE + 0x008, 1)

    board.passes(3 * BYTE_CYCLES - 1)
    assert (board.sent, board.read(UARTE + 0x120)) == (b"", 0)
    board.passes(1)

    assert (board.sent, board.read(UARTE + 0x120), board.read(UARTE + 0x54C)) == (b"abc", 1, 3)


def test_receiving_fills_the_buffer_byte_by_byte(board: Board) -> None:
    board.open_uarte()
    board.receive_at(RAM_BASE + 8, 3)
    board.chip.receive(b"wxyz")

    board.passes(2 * BYTE_CYCLES)
    assert board.read(UARTE + 0x110) == 0
    board.passes(BYTE_CYCLES)

    assert bytes(board.ram[7:13]) == b"\xa5wxy\xa5\xa5"
    assert (board.read(UARTE + 0x110), board.read(UARTE + 0x53C)) == (1, 3)


def test_bytes_between_two_receptions_wait_in_the_fifo_of_six(board: Board) -> None:
    board.open_uarte()
    board.chip.receive(b"12345678")
    board.passes(8 * BYTE_CYCLES)
    assert (board.read(UARTE + 0x124), board.read(UARTE + 0x480)) == (1, 1)  # overrun

    board.receive_at(RAM_BASE, 8)
    board.write(UARTE + 0x004, 1)

    assert bytes(board.ram[:8]) == b"123456\xa5\xa5"
    assert board.read(UARTE + 0x53C) == 6
    assert board.read(UARTE + 0x144) == 0
    board.passes(4 * BYTE_CYCLES)
    assert board.read(UARTE + 0x144) == 1  # RXTO


def test_the_short_starts_the_next_reception(board: Board) -> None:
    board.write(UARTE + 0x500, 0)
    board.write(UARTE + 0x200, 1 << 5)
    board.open_uarte()
    board.receive_at(RAM_BASE, 1)
    board.chip.receive(b"ab")

    board.passes(BYTE_CYCLES)
    assert board.ram[0] == ord("a")
    board.passes(BYTE_CYCLES)
    assert board.ram[0] == ord("b")


REFUSED = {
    "write of 0x00000001 to UARTE0.RXD.AMOUNT, which is read-only": (UARTE + 0x53C, 1),
    "write of 0x00000002 to UARTE0.TASKS_STARTTX, which has only the bits": (UARTE + 8, 2),
    "write of 0x00000001 to UARTE0.EVENTS_ENDTX, which has only the bits": (UARTE + 0x120, 1),
    "write to UARTE0.BAUDRATE while the UARTE is enabled": (UARTE + 0x524, 0x01D60000),
    "write of 4 to UARTE0.ENABLE, which knows 0 and 8": (UARTE + 0x500, 4),
    "write to TIMER0.BITMODE while the timer runs": (TIMER0 + 0x508, 3),
    "write of 0x00000001 to TIMER1.MODE, which has only the bits": (TIMER1 + 0x504, 1),
    "write of 0x00000004 to SCB.AIRCR without the key 0x05fa": (SCS_BASE + 0xD0C, 4),
    "write of 0x00000001 to UARTE1.ENABLE, which has only the bits 0x00000000": (0x40028500, 1),
    "write of 32 bits at 0x4001e504: NVMC/ACL+0x504 is not modelled": (0x4001E504, 1),
    "write of 32 bits at 0x10001200: UICR+0x200 is not modelled": (0x10001200, 1),
    "write of 32 bits at 0xe000edf0: SCS+0xdf0 is not modelled": (0xE000EDF0, 1),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_the_manual_does_not_allow_is_refused(board: Board, message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        board.write(*REFUSED[message])
    assert str(caught.value).startswith(message)


def test_reading_a_task_is_refused(board: Board) -> None:
    with pytest.raises(RefusedError, match=r"read of UARTE0.TASKS_STARTRX, which is write-only"):
        board.read(UARTE)


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (0x50C, 42, "UARTE0.PSEL.TXD selects P1.10, the board's file says P1.03"),
        (0x514, 0xFFFFFFFF, "UARTE0.PSEL.RXD selects no pin, the board's file says P1.10"),
        (0x508, 5, "UARTE0.PSEL.RTS selects P0.05, the link has no flow control"),
        (0x524, 0x12345678, "UARTE0.BAUDRATE is 0x12345678, no rate of the manual's table"),
        (0x56C, 0xE, "UARTE0.CONFIG is 14, the link is 8N1"),
    ],
)
def test_a_line_that_is_not_the_boards_is_refused(
    board: Board, offset: int, value: int, message: str
) -> None:
    board.open_uarte()
    board.write(UARTE + 0x500, 0)
    board.write(UARTE + offset, value)
    with pytest.raises(RefusedError) as caught:
        board.write(UARTE + 0x500, 8)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("address", [0, 0x00010000, RAM_BASE - 1, RAM_BASE + 0x40000 - 3])
def test_easydma_reaches_ram_only(board: Board, address: int) -> None:
    board.open_uarte()
    with pytest.raises(RefusedError, match=r"UARTE0.RXD: 4 bytes at 0x[0-9a-f]* are not in RAM"):
        board.receive_at(address, 4)


def test_a_microsecond_timer_counts_microseconds(board: Board) -> None:
    board.write(TIMER0 + 0x004, 1)
    board.write(TIMER0 + 0x508, 3)
    board.write(TIMER0 + 0x510, 4)
    board.write(TIMER0 + 0x00C, 1)
    board.write(TIMER0 + 0x000, 1)
    board.passes(64 * 70_000)

    board.write(TIMER0 + 0x040, 1)

    assert board.read(TIMER0 + 0x540) == 70_000


def test_the_bootloaders_timer_has_sixteen_bits(board: Board) -> None:
    board.passes(64 * 70_000)
    board.write(TIMER0 + 0x040, 1)
    assert board.read(TIMER0 + 0x540) == 70_000 % 0x10000


RTC1, TIMER3 = 0x40011000, 0x4001A000


def start_timer(board: Board, base: int, compare: int, shorts: int = 0) -> None:
    """Count microseconds up to a compare value that interrupts."""
    for offset, value in (
        (0x508, 3),
        (0x510, 4),
        (0x540, compare),
        (0x200, shorts),
        (0x304, 1 << 16),
    ):
        board.write(base + offset, value)
    board.write(base + 0x000, 1)


def start_slow_clock(board: Board) -> None:
    board.write(CLOCK + 0x008, 1)
    assert board.read(CLOCK + 0x418) == 0
    board.passes(64 * 600)
    assert (board.read(CLOCK + 0x104), board.read(CLOCK + 0x418)) == (1, 1 << 16)


def test_a_timer_interrupts_when_its_count_is_reached(board: Board) -> None:
    start_timer(board, TIMER1, 100)
    board.write(SCS_BASE + 0x100, 1 << 9)
    board.system.enabled -= {17, 39}

    assert board.chip.schedule.next_due() is not None
    board.passes(64 * 100 - 1)
    assert board.read(TIMER1 + 0x140) == 0 and FIRST_IRQ + 9 not in board.system.pending
    board.passes(1)
    assert board.system.wakes(masked)
    assert board.read(TIMER1 + 0x140) == 1


def test_a_cleared_timer_ticks_for_ever_without_drift(board: Board) -> None:
    start_timer(board, TIMER1, 100, shorts=1)
    for _ in range(5):
        board.passes(64 * 100)
        assert board.read(TIMER1 + 0x140) == 1
        board.write(TIMER1 + 0x140, 0)
    board.passes(64 * 1730)  # nobody looked for 17 periods
    board.write(TIMER1 + 0x044, 1)
    assert board.read(TIMER1 + 0x544) == 30


def test_a_shortcut_stops_the_timer_where_it_matched(board: Board) -> None:
    start_timer(board, TIMER1, 100, shorts=1 << 8)
    board.passes(64 * 5000)
    board.write(TIMER1 + 0x044, 1)
    assert board.read(TIMER1 + 0x544) == 100


def test_an_event_without_its_interrupt_is_seen_and_schedules_nothing(board: Board) -> None:
    before = board.chip.schedule.next_due()
    for offset, value in ((0x508, 3), (0x548, 7), (0x000, 1)):
        board.write(TIMER1 + offset, value)
    assert board.chip.schedule.next_due() == before
    board.passes(64 * 8)
    assert board.read(TIMER1 + 0x148) == 1


def test_timer3_compares_six_values(board: Board) -> None:
    board.write(TIMER3 + 0x554, 1)
    with pytest.raises(RefusedError, match=r"TIMER1.0x554 is not modelled"):
        board.write(TIMER1 + 0x554, 1)


def test_an_rtc_wakes_after_its_ticks(board: Board) -> None:
    start_slow_clock(board)
    for offset, value in ((0x508, 31), (0x540, 512), (0x304, 1 << 16), (0x000, 1)):
        board.write(RTC1 + offset, value)  # 1024 Hz, half a second
    board.write(SCS_BASE + 0x100, 1 << 17)
    board.system.enabled.remove(39)

    board.passes(32_000_000 - 1)
    assert board.read(RTC1 + 0x504) == 511
    board.passes(1)
    assert (board.read(RTC1 + 0x504), board.read(RTC1 + 0x140)) == (512, 1)
    assert FIRST_IRQ + 17 in board.system.pending or board.system.wakes(masked)


def test_an_rtc_fires_only_what_is_routed_or_interrupts(board: Board) -> None:
    start_slow_clock(board)
    board.write(RTC1 + 0x544, 3)
    board.write(RTC1 + 0x000, 1)
    board.passes(10 * 1954)
    assert board.read(RTC1 + 0x144) == 0
    board.write(RTC1 + 0x344, 2)
    board.write(RTC1 + 0x00C, 1)
    board.passes(15 * 1954)
    assert board.read(RTC1 + 0x104) == 0
    board.passes(1954)
    assert board.read(RTC1 + 0x104) == 1
    assert board.read(RTC1 + 0x504) == 0


def test_an_rtc_needs_its_clock(board: Board) -> None:
    with pytest.raises(RefusedError, match=r"RTC1\.TASKS_START while LFCLK does not run"):
        board.write(RTC1, 1)
    board.write(CLOCK + 0x518, 2)
    with pytest.raises(RefusedError, match="LFCLKSRC is 2: only the RC and the crystal"):
        board.write(CLOCK + 0x008, 1)


def test_a_prescaler_that_changes_under_way_is_refused(board: Board) -> None:
    start_slow_clock(board)
    board.write(RTC1, 1)
    with pytest.raises(RefusedError, match=r"RTC1\.PRESCALER while the counter runs"):
        board.write(RTC1 + 0x508, 1)


def test_masked_interrupts_wake_but_are_not_taken(board: Board) -> None:
    board.open_uarte()
    board.write(SCS_BASE + 0x280, 0xFFFFFFFF)
    board.write(UARTE + 0x304, 1 << 4)
    board.write(SCS_BASE + 0x100, 1 << 2)
    assert not board.system.wakes(masked)

    board.receive_at(RAM_BASE, 1)
    board.chip.receive(b"a")
    board.passes(BYTE_CYCLES)

    assert board.system.wakes(masked)
    assert board.system.ready(masked) is None
    assert board.system.ready(unmasked) == FIRST_IRQ + 2


def test_an_event_that_stays_pends_its_interrupt_again(board: Board) -> None:
    board.open_uarte()
    board.write(UARTE + 0x304, 1 << 8)
    board.chip.uarte.fire("ENDTX")
    board.write(SCS_BASE + 0x280, 1 << 2)
    assert board.read(SCS_BASE + 0x200) & 1 << 2

    board.write(UARTE + 0x120, 0)
    board.write(SCS_BASE + 0x280, 1 << 2)

    assert not board.read(SCS_BASE + 0x200) & 1 << 2


def test_the_more_urgent_interrupt_goes_first_and_may_preempt(board: Board) -> None:
    system = board.system
    system.pending.clear()
    board.write(SCS_BASE + 0x100, 0b11 << 8)
    board.chip.write(SCS_BASE + 0x408, 1, 0x40)  # irq 8
    board.chip.write(SCS_BASE + 0x409, 1, 0x20)  # irq 9
    board.write(SCS_BASE + 0x200, 1 << 8)
    assert system.ready(unmasked) == FIRST_IRQ + 8
    system.enter(FIRST_IRQ + 8)

    board.write(SCS_BASE + 0x200, 1 << 9)

    assert system.ready(unmasked) == FIRST_IRQ + 9
    assert system.ready(lambda: CpuState(0, 0, 0x20)) is None


def test_a_fault_behind_primask_escalates(board: Board) -> None:
    board.write(SCS_BASE + 0xD24, 7 << 16)
    assert board.system.fault_exception(5, unmasked()) == 5
    assert board.system.fault_exception(5, masked()) == HARD_FAULT
    assert board.read(SCS_BASE + 0xD2C) == 1 << 30
    board.system.enter(HARD_FAULT)
    with pytest.raises(RefusedError, match="lockup: UsageFault inside the HardFault handler"):
        board.system.fault_exception(6, unmasked())


def test_the_bootloaders_systick_ticks_until_it_is_stopped(board: Board) -> None:
    board.passes(64_000)
    assert board.system.ready(unmasked) == SYSTICK

    board.write(SCS_BASE + 0x010, 0)
    board.write(SCS_BASE + 0xD04, 1 << 25)
    board.passes(64_000)

    assert board.system.ready(unmasked) is None


def test_fault_status_is_cleared_by_ones_also_by_bytes(board: Board) -> None:
    board.system.values["CFSR"] = 0x00018282
    board.chip.write(SCS_BASE + 0xD29, 1, 0xFF)
    assert board.read(SCS_BASE + 0xD28) == 0x00010082
    assert board.chip.read(SCS_BASE + 0xD2A, 2) == 1


def test_a_timer_that_is_shut_down_forgets_its_count(board: Board) -> None:
    board.write(0x40008004, 1)
    board.write(0x4000800C, 1)
    board.write(0x40008510, 4)
    board.write(0x40008000, 1)
    board.passes(6400)
    board.write(0x40008010, 1)
    board.passes(6400)
    board.write(0x40008040, 1)
    assert board.read(0x40008540) == 0


WDT = 0x40010000
WDT_START, WDT_RUNSTATUS, WDT_REQSTATUS = WDT, WDT + 0x400, WDT + 0x404
WDT_CRV, WDT_RREN, WDT_CONFIG, WDT_RR = WDT + 0x504, WDT + 0x508, WDT + 0x50C, WDT + 0x600
RELOAD = 0x6E524635
SECOND = 64_000_000


def start_watchdog(board: Board, config: int, reload_registers: int = 1) -> None:
    """Let it run for a second."""
    board.write(WDT_CRV, 32_767)
    board.write(WDT_CONFIG, config)
    board.write(WDT_RREN, reload_registers)
    board.write(WDT_START, 1)


def test_a_watchdog_that_is_not_fed_expires(board: Board) -> None:
    start_watchdog(board, 0)
    board.passes(SECOND - 1)
    assert not board.chip.watchdog.expired
    board.write(WDT_RR, RELOAD)
    board.passes(SECOND - 1)
    assert not board.chip.watchdog.expired
    board.write(WDT_RR, RELOAD ^ 1)
    board.passes(1)
    assert board.chip.watchdog.expired


def test_a_watchdog_stands_still_in_sleep_unless_it_is_told_otherwise(board: Board) -> None:
    start_watchdog(board, 0)
    board.slept = 10 * SECOND
    board.passes(10 * SECOND)
    assert not board.chip.watchdog.expired
    board.passes(SECOND)
    assert board.chip.watchdog.expired


def test_a_watchdog_that_goes_on_in_sleep_expires_there(board: Board) -> None:
    start_watchdog(board, 1)
    board.slept = SECOND
    board.passes(SECOND)
    assert board.chip.watchdog.expired


def test_a_watchdog_wants_each_reload_register_that_is_enabled(board: Board) -> None:
    start_watchdog(board, 0, 0b101)
    board.passes(SECOND - 1)
    board.write(WDT_RR, RELOAD)
    board.write(WDT_RR + 4, RELOAD)  # is not enabled
    assert board.read(WDT_REQSTATUS) == 0b100
    board.passes(1)
    assert board.chip.watchdog.expired
    board.write(WDT_RR + 8, RELOAD)
    assert (board.chip.watchdog.expired, board.read(WDT_REQSTATUS)) == (False, 0b101)


@pytest.mark.parametrize("address", [WDT_CRV, WDT_RREN, WDT_CONFIG])
def test_a_running_watchdog_is_set_no_more(board: Board, address: int) -> None:
    start_watchdog(board, 0)
    assert board.read(WDT_RUNSTATUS) == 1
    with pytest.raises(RefusedError, match="while it runs, which is ignored"):
        board.write(address, 1)


def test_a_watchdog_of_too_few_ticks_is_refused(board: Board) -> None:
    board.write(WDT_CRV, 14)
    with pytest.raises(RefusedError, match=r"WDT.CRV is 14, the least is 15"):
        board.write(WDT_START, 1)


def test_gpio_sets_and_clears_bits(board: Board) -> None:
    board.write(P1 + 0x508, 0b1010)
    board.write(P1 + 0x50C, 0b0010)
    assert board.read(P1 + 0x504) == 0b1000
    board.write(P1 + 0x700 + 4 * 3, 3)
    assert board.read(P1 + 0x700 + 4 * 3) == 3


def test_names() -> None:
    assert (pin_name(35), pin_name(8), pin_name(1 << 31)) == ("P1.03", "P0.08", "no pin")
    assert BAUD_RATES[0x01D60000] == 115200
    assert len(set(INSTANCES.values())) == len(INSTANCES)


def test_sections_of_ram_lose_and_get_their_power() -> None:
    ram = RamPower(0x20000)  # an nRF52833: 64 KiB in small sections, and two of 32 KiB
    ram.write("RAM[7].POWERCLR", 2)
    ram.write("RAM[8].POWER", 0xFFFE)
    assert ram.dark == {range(0x2000F000, 0x20010000), range(0x20010000, 0x20018000)}
    assert (ram.read("RAM[7].POWER"), ram.read("RAM[8].POWERSET")) == (0xFFFD, 0xFFFE)
    ram.write("RAM[8].POWERSET", 1)
    assert ram.dark == {range(0x2000F000, 0x20010000)}
    with pytest.raises(RefusedError, match="RAM8 has no section of 0x0004"):
        ram.write("RAM[8].POWERCLR", 4)


def test_ram_power_is_written_as_registers(board: Board) -> None:
    board.write(CLOCK + 0x988, 0x20)
    assert board.chip.clock.ram.dark == {range(0x20038000, 0x20040000)}
    assert board.read(CLOCK + 0x980) == 0xFFDF
    with pytest.raises(RefusedError, match="only the bits"):
        board.write(CLOCK + 0x904, 1 << 16)
