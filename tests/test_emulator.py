"""The emulated nRF52840 counts exactly, faults faithfully, refuses loudly, leaves nothing behind.

Images are a few lines of assembler. The counts in comments are by hand.
"""

import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import serial
from commands import lives

from tinykit.core.board import find_board
from tinykit.core.errors import MissingToolError, TinykitError
from tinykit.host.emulator import Cost, EmulationError, Profile
from tinykit.host.link import Link
from tinykit.host.split import find_split
from tinykit.host.unicorn_emulator import UnicornEmulator

pytest.importorskip("unicorn")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs pseudo-terminals")

BOARD = find_board("nano33")
Build = Callable[..., Path]

LINKER_SCRIPT = """
ENTRY(_start)
MEMORY
{
    flash (rx) : ORIGIN = 0x10000, LENGTH = 0xf0000
    ram (rw) : ORIGIN = 0x20000000, LENGTH = 0x40000
}
SECTIONS
{
    .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } > flash
    .stack ORIGIN(ram) (NOLOAD) : { stack_bottom = .; . += 0x400; stack_top = .; } > ram
    .bss (NOLOAD) : { buffer = .; . += 64; } > ram
    /DISCARD/ : { *(.ARM.exidx*) }
}
"""

# Masks interrupts, tames the bootloader's SysTick, sets VTOR; `main` does not return.
PROLOGUE = """
.syntax unified
.thumb
.macro poke address, value
    ldr r0, =\\address
    ldr r1, =\\value
    str r1, [r0]
.endm
.section .vectors, "a"
vectors:
    .word stack_top, _start, nmi, hard_fault
    .word mem_fault, bus_fault, usage_fault, 0, 0, 0, 0, svcall, 0, 0, 0
    .word systick, irq0, irq1, irq2, 0, 0, 0, 0, 0, irq8, 0, 0, irq11
.text
@handlers@
    wfi
    b .-2
.global _start
.thumb_func
_start:
    cpsid i
    poke 0xe000e010, 0
    poke 0xe000ed04, 0x02000000
    poke 0xe000e180, 0xffffffff
    poke 0xe000e184, 0xffffffff
    poke 0xe000e280, 0xffffffff
    poke 0xe000ed08, vectors
    poke 0x40008004, 1
    b main
    .ltorg
.global main
.thumb_func
main:
"""

HANDLERS = (
    "nmi", "hard_fault", "mem_fault", "bus_fault", "usage_fault", "svcall", "systick",
    "irq0", "irq1", "irq2", "irq8", "irq11",
)  # fmt: skip

# Sets UARTE0 up as the board's file says, starts the crystal, waits for it.
UART = """
    poke 0x40002500, 0
    poke 0x40000000, 1
    ldr r0, =0x40000100
1:  ldr r1, [r0]
    cmp r1, #0
    beq 1b
    poke 0x4000250c, {tx}
    poke 0x40002514, {rx}
    poke 0x40002524, {baud}
    poke 0x40002110, 0
    poke 0x40002120, 0
    poke 0x40002500, 8
"""
UART_RIGHT = UART.format(tx=35, rx=42, baud="0x01d60000")

# Sends what is at `buffer`, {count} bytes, and waits awake.
SEND = """
    poke 0x40002544, {pointer}
    poke 0x40002548, {count}
    poke 0x40002120, 0
    poke 0x40002008, 1
    ldr r0, =0x40002120
2:  ldr r1, [r0]
    cmp r1, #0
    beq 2b
"""
STOP = """
99: b 99b
    .ltorg
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images")


@pytest.fixture
def build(folder: Path, request: pytest.FixtureRequest) -> Build:
    def build(source: str, prologue: str = PROLOGUE) -> Path:
        script, text = folder / "image.ld", folder / "image.S"
        script.write_text(LINKER_SCRIPT)
        missing = [name for name in HANDLERS if f"{name}:" not in source]
        handlers = "".join(f".thumb_func\n{name}:\n" for name in missing)
        text.write_text(prologue.replace("@handlers@", handlers) + source)
        elf = text.with_suffix(".elf")
        target = ["-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4", "-nostdlib"]
        command = [sys.executable, "-m", "ziglang", "cc", *target]
        subprocess.run([*command, "-T", script, text, "-o", elf], check=True)
        return elf

    return build


def refusal(elf: Path) -> str:
    """Run an image that the model must refuse; return why it did."""
    with (
        pytest.raises(EmulationError) as caught,
        UnicornEmulator(elf, BOARD, timeout_s=20) as emulator,
    ):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            emulator.check()
            time.sleep(0.02)
    assert caught.value.exit_status == 1
    assert caught.value.hint
    return caught.value.message.removeprefix("the emulated board stopped: ")


def received(emulator: UnicornEmulator, count: int) -> bytes:
    """Return what the image sends unasked; if it is refused, that is the error.

    Opened by hand, since pyserial discards what came before it opened the port.
    """
    data = b""
    deadline = time.monotonic() + 10
    port = os.open(emulator.port, os.O_RDONLY | os.O_NOCTTY)
    try:
        while len(data) < count and time.monotonic() < deadline:
            emulator.check()
            if select.select([port], [], [], 0.05)[0]:
                data += os.read(port, count - len(data))
    finally:
        os.close(port)
    return data


# Calls `model_invoke`, then says "ok" and sleeps until the host sends a byte.
CALL = f"""
    bl model_invoke
    ldr r0, =buffer
    ldr r1, =0x6b6f
    str r1, [r0]
    {UART_RIGHT}
    {SEND.format(pointer="buffer", count=2)}
    poke 0x40002534, buffer
    poke 0x40002538, 1
    poke 0x40002304, 0x10
    poke 0xe000e100, 4
    poke 0x40002000, 1
    wfi
    {STOP}
.global model_invoke
.type model_invoke, %function
"""


def profile_of(elf: Path) -> Profile:
    with UnicornEmulator(elf, BOARD, timeout_s=30) as emulator:
        assert received(emulator, 2) == b"ok"
        profile = emulator.profile()
    assert profile is not None
    return profile


def test_a_loop_is_counted_exactly_although_questions_interrupt_it(build: Build) -> None:
    rounds = 1_000_000
    elf = build(
        CALL
        + f"""
    model_invoke:
        ldr r2, ={rounds}
    1:  add r3, r3, #1
        add r3, r3, #1
        add r3, r3, #1
        add r3, r3, #1
        subs r2, r2, #1
        bne 1b
        bx lr
        .ltorg
        .size model_invoke, . - model_invoke
    """
    )

    with UnicornEmulator(elf, BOARD, timeout_s=30) as emulator:
        asked = 0
        while emulator.profile() is None:
            asked += 1
        profile = emulator.profile()

    assert asked > 1
    assert profile is not None
    assert profile.total.instructions == 6 * rounds + 2
    # ldr 2; a round 4 + 1 + 3, the last one's branch 1; bx 3
    assert profile.total.cycles_estimate == 2 + 8 * rounds - 2 + 3


def test_layers_are_the_kernel_calls_and_the_stack_is_theirs(build: Build) -> None:
    elf = build(
        CALL
        + """
    model_invoke:
        push {r4, lr}           @ layer 0: 1, 3 cycles; 8 bytes of stack
        movs r0, #1             @ 1, 1
        bl deep                 @ 1, 3
        movs r0, #2             @ layer 1: 1, 1
        bl flat                 @ 1, 3
        pop {r4, lr}            @ layer 2: 1, 3
        b flat                  @ 1, 3
        .size model_invoke, . - model_invoke
    deep:
        push {r4, r5, r6, lr}   @ 1, 5; 16 bytes
        sub sp, #100            @ 1, 1
        str r0, [sp]            @ 1, 1; written, so 100 bytes
        add sp, #100            @ 1, 1
        pop {r4, r5, r6, pc}    @ 1, 7
    flat:
        bx lr                   @ 1, 3
    """
    )

    profile = profile_of(elf)

    assert profile.layers == (Cost(8, 22, 124, 2), Cost(3, 7, 8, 2), Cost(3, 9, 8, 2))
    assert profile.total == Cost(14, 38, 124, 6)


def test_what_follows_the_last_kernel_belongs_to_the_last_layer(build: Build) -> None:
    elf = build(
        CALL
        + """
    model_invoke:
        push {r4, lr}           @ 1, 3
        bl kernel               @ 1, 3
        bl kernel               @ layer 1: 1, 3
        nop                     @ 1, 1
        pop {r4, pc}            @ 1, 5
        .size model_invoke, . - model_invoke
    kernel:
        bx lr                   @ 1, 3
    """
    )

    assert profile_of(elf).layers == (Cost(3, 9, 8, 2), Cost(4, 12, 8, 3))


def test_the_stack_high_water_counts_from_reset(build: Build) -> None:
    elf = build(
        """
        sub sp, #200
        str r0, [sp]
        add sp, #200
    """
        + CALL
        + """
    model_invoke:
        bx lr
        .size model_invoke, . - model_invoke
    """
    )

    with UnicornEmulator(elf, BOARD) as emulator:
        assert received(emulator, 2) == b"ok"
        assert emulator.counters().stack_bytes == 200


REFUSED = {
    "an unmodelled register": (
        "poke 0x40002600, 1",
        "write of 32 bits at 0x40002600: UARTE0+0x600 is not modelled, at pc 0x000100",
    ),
    "an unmodelled peripheral": (
        "ldr r0, =0x4000d000\n ldr r1, [r0]",
        "read of 32 bits at 0x4000d000: RNG+0x000 is not modelled",
    ),
    "no peripheral at all": (
        "ldr r0, =0x4fff0000\n ldr r1, [r0]",
        "read of 32 bits at 0x4fff0000: nothing the manual names is not modelled",
    ),
    "a byte of a register": (
        "ldr r0, =0x40002500\n strb r1, [r0]",
        "write of 8 bits at 0x40002500: UARTE0.ENABLE takes whole words",
    ),
    "an unmodelled system register": (
        "poke 0xe0001000, 1",
        "write of 32 bits at 0xe0001000: DWT+0x000 is not modelled",
    ),
    "the wrong pin": (
        UART.format(tx=3, rx=42, baud="0x01d60000"),
        "UARTE0.PSEL.TXD selects P0.03, the board's file says P1.03",
    ),
    "the wrong baud rate": (
        UART.format(tx=35, rx=42, baud="0x00275000"),
        "UARTE0.BAUDRATE is 0x00275000, 9600 baud, the board's file says 115200 baud",
    ),
    "a disabled UARTE": (
        "poke 0x40002500, 0\n poke 0x40002008, 1",
        "UARTE0.TASKS_STARTTX while UARTE0.ENABLE is 0",
    ),
    "EasyDMA from flash": (
        UART_RIGHT + SEND.format(pointer="vectors", count=4),
        "UARTE0.TXD: 4 bytes at 0x00010000 are not in RAM",
    ),
    "a buffer that changes while it is sent": (
        UART_RIGHT
        + """
        poke 0x40002544, buffer
        poke 0x40002548, 1
        poke 0x40002120, 0
        poke 0x40002008, 1
        poke 0x20000400, 0x12
        ldr r0, =0x40002120
    2:  ldr r1, [r0]
        cmp r1, #0
        beq 2b
        """,
        "UARTE0.TXD: the 1 bytes at 0x20000400 changed while they were sent",
    ),
    "sleep without end": ("wfi", "WFI with nothing that can ever wake it, at pc 0x000100"),
    "sleep that never comes": (
        "poke 0xe000ed04, 0x04000000\n 1: wfi\n b 1b",
        "WFI returned at once 20000 times",
    ),
    "floating point without CPACR": (
        ".fpu fpv4-sp-d16\n vadd.f32 s0, s0, s1\n poke 0x40002500, 0",
        "a floating point instruction ran while SCB.CPACR denies the FPU",
    ),
    "floating point that flushes to zero": (
        ".fpu fpv4-sp-d16\n poke 0xe000ed88, 0xf00000\n vadd.f32 s0, s0, s1\n poke 0x40002500, 0",
        "a floating point instruction ran while FPDSCR flushes to zero",
    ),
    "the bootloader's vectors": (
        "poke 0xe000ed08, 0\n udf #0",
        "HardFault at pc 0x000100",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_model_refuses_by_name(build: Build, name: str) -> None:
    source, message = REFUSED[name]

    assert refusal(build(source + STOP)).startswith(message)


def test_an_image_that_leaves_interrupts_on_is_caught_by_the_bootloaders_systick(
    build: Build,
) -> None:
    careless = PROLOGUE.partition("_start:")[0] + "_start:\n 1: wfi\n b 1b\n"

    assert refusal(build("", careless)).startswith("SysTick at pc 0x000100")


# Sends stacked pc, CFSR, HFSR and BFAR; the prologue has masked interrupts.
REPORT = f"""
.thumb_func
hard_fault:
    ldr r4, =buffer
    ldr r0, [sp, #24]
    str r0, [r4]
    ldr r0, =0xe000ed28
    ldr r1, [r0]
    str r1, [r4, #4]
    ldr r1, [r0, #4]
    str r1, [r4, #8]
    ldr r1, [r0, #16]
    str r1, [r4, #12]
    {UART_RIGHT}
    {SEND.format(pointer="buffer", count=16)}
1:  wfi
    b 1b
    .ltorg
"""
PRECISE, FORCED = 0x8200, 1 << 30
FAULTS = {
    "a read of nothing": ("ldr r0, =0x60000000\n f: ldr r1, [r0]", PRECISE, FORCED, 0x60000000),
    "a write to flash": ("ldr r0, =0x10000\n f: str r1, [r0]", PRECISE, FORCED, 0x10000),
    "an undefined instruction": ("f: udf #1", 1 << 16, FORCED, None),
    "a branch to ARM": ("ldr r0, =f\n bic r0, #1\n bx r0\n f: nop", 1 << 17, FORCED, None),
    "a breakpoint without a debugger": ("f: bkpt #0", 0, 1 << 31, None),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_reaches_the_firmwares_handler(build: Build, name: str) -> None:
    source, cfsr, hfsr, address = FAULTS[name]
    elf = build(source.replace("f:", ".global f\n .thumb_func\n f:") + STOP + REPORT)

    with UnicornEmulator(elf, BOARD) as emulator:
        report = struct.unpack("<4I", received(emulator, 16))
        faults = emulator.counters().faults

    assert report[:3] == (find_split(elf, "f").start, cfsr, hfsr)
    assert address is None or report[3] == address
    assert len(faults) == 1


def test_a_stack_overflow_still_starts_the_handler(build: Build) -> None:
    source = "ldr r0, =stack_bottom\n mov sp, r0\n push {r0}" + STOP
    handler = REPORT.replace("ldr r0, [sp, #24]", "ldr r0, =stack_top\n mov sp, r0")

    with UnicornEmulator(build(source + handler), BOARD) as emulator:
        _, cfsr, _, address = struct.unpack("<4I", received(emulator, 16))

    assert cfsr == PRECISE | 1 << 12
    assert address == 0x1FFFFFFC


def test_interrupts_are_taken_and_returned_from(build: Build) -> None:
    elf = build(
        """
        movs r4, #0
        ldr r5, =0x12345678
        poke 0xe000e100, 2
        poke 0xe000e200, 2      @ pends irq1, masked as yet
        adds r4, #1
        cpsie i                 @ taken here
        svc #0
        cpsid i
        ldr r0, =buffer
        str r4, [r0]
    """
        + UART_RIGHT
        + SEND.format(pointer="buffer", count=4)
        + STOP
        + """
    .thumb_func
    irq1:
        mrs r0, ipsr
        lsls r0, #8
        add r4, r0
        bx lr
    .thumb_func
    svcall:
        push {r5, lr}
        add r4, r4, #0x10000
        pop {r5, pc}
    """
    )

    with UnicornEmulator(elf, BOARD) as emulator:
        assert struct.unpack("<I", received(emulator, 4))[0] == 0x11101


# RTC0 counts 1024 Hz, TIMER0 microseconds; the RTC's handler is the less urgent and is preempted.
TICKING = f"""
    poke 0x40000008, 1
    ldr r0, =0x40000104
1:  ldr r1, [r0]
    cmp r1, #0
    beq 1b
    poke 0x40008508, 3
    poke 0x4000800c, 1
    poke 0x40008540, 150
    poke 0x40008304, 0x10000
    poke 0x4000b508, 31
    poke 0x4000b540, 3
    poke 0x4000b304, 0x10000
    poke 0xe000e408, 0xe0000000
    poke 0xe000e408, 0xe0000020
    poke 0xe000e100, 0x900
    movs r4, #0
    movs r5, #0
    poke 0x40009508, 3
    poke 0x40009000, 1
    poke 0x4000b000, 1
    cpsie i
2:  wfi
    cmp r5, #2
    bne 2b
    cpsid i
    poke 0x40009040, 1
    ldr r0, =0x40009540
    ldr r1, [r0]
    ldr r0, =buffer
    str r4, [r0]
    str r1, [r0, #4]
    {UART_RIGHT}
    {SEND.format(pointer="buffer", count=8)}
    {STOP}
.thumb_func
irq11:
    push {{r4, lr}}
    poke 0x4000b140, 0
    poke 0x4000b008, 1
    poke 0x4000800c, 1
    poke 0x40008000, 1
    ldr r0, =0x40008140
    ldr r3, =buffer
    movs r1, #0
    str r1, [r3, #8]
3:  ldr r0, [r0]
    ldr r0, =0x40008140
    ldr r1, [r3, #8]
    cmp r1, #0
    beq 3b
    pop {{r4, lr}}
    adds r4, #1
    adds r5, #1
    bx lr
    .ltorg
.thumb_func
irq8:
    poke 0x40008140, 0
    poke 0x40008004, 1
    ldr r1, =0x100
    ldr r3, =buffer
    str r1, [r3, #8]
    bx lr
    .ltorg
"""


def test_rtc_and_timer_interrupt_and_preempt_by_priority(build: Build) -> None:
    with UnicornEmulator(build(TICKING), BOARD) as emulator:
        interrupts, time_us = struct.unpack("<2I", received(emulator, 8))

    assert interrupts == 2
    # twice three ticks of 1024 Hz, and the second handler's wait for its TIMER
    assert 5859 + 150 < time_us < 5859 + 150 + 20


ECHO = (
    UART_RIGHT
    + """
    poke 0x40002304, 0x10
    poke 0xe000e100, 4
    poke 0x40002534, buffer
    poke 0x40002538, 1
    poke 0x40002000, 1
3:  wfi
    poke 0x40002110, 0
    poke 0xe000e280, 4
    """
    + SEND.format(pointer="buffer", count=1)
    + """
    poke 0x40002000, 1
    b 3b
    .ltorg
    """
)


def test_a_byte_from_the_host_ends_sleep(build: Build) -> None:
    with UnicornEmulator(build(ECHO), BOARD) as emulator:
        with serial.Serial(emulator.port, timeout=5) as port:
            for byte in (b"a", b"\x00", b"\xff"):
                port.write(byte)
                assert port.read(1) == byte
        counters = emulator.counters()

    assert counters.sleep_share > 0.2
    assert counters.notes == ()


def test_a_link_without_an_answer_tells_the_emulators_reason(build: Build) -> None:
    elf = build(ECHO.replace("3:  wfi", "3:  wfi\n poke 0x4000d000, 1"))

    with (
        pytest.raises(EmulationError, match="RNG"),
        UnicornEmulator(elf, BOARD) as emulator,
        Link(emulator.port) as link,
    ):
        link.hello()


def test_reset_starts_again(build: Build) -> None:
    with (
        UnicornEmulator(build(ECHO), BOARD) as emulator,
        serial.Serial(emulator.port, timeout=5) as port,
    ):
        port.write(b"a")
        assert port.read(1) == b"a"
        before = emulator.counters().instructions
        emulator.reset()
        assert emulator.counters().instructions < before
        port.write(b"b")
        assert port.read(1) == b"b"


def test_sending_without_the_crystal_is_noted(build: Build) -> None:
    elf = build(UART_RIGHT.replace("poke 0x40000000, 1", "b 1f\n.ltorg").replace(
        "1:  ldr r1, [r0]\n    cmp r1, #0\n    beq 1b", "1:"
    ) + SEND.format(pointer="buffer", count=1) + STOP)  # fmt: skip

    with UnicornEmulator(elf, BOARD) as emulator:
        assert received(emulator, 1) == b"\xa5"  # RAM as the bootloader leaves it
        assert "without the crystal" in emulator.counters().notes[0]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_sleeping_board_burns_no_processor_time(build: Build) -> None:
    with UnicornEmulator(build(ECHO), BOARD) as emulator:
        emulator.counters()
        before = _processor_ticks(emulator.pid)
        time.sleep(1.0)
        assert _processor_ticks(emulator.pid) - before <= 1


def _processor_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


# A shell without job control starts its background jobs, a CI runner's too, with SIGINT ignored.
PARENT = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from tinykit.core.board import find_board
from tinykit.host.unicorn_emulator import UnicornEmulator
with UnicornEmulator(Path(sys.argv[1]), find_board("nano33")) as emulator:
    print(emulator.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("source", [ECHO, STOP], ids=["asleep", "spinning"])
def test_no_child_outlives_its_parent(build: Build, number: signal.Signals, source: str) -> None:
    command = [sys.executable, "-c", PARENT, str(build(source))]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(number)
        parent.wait(10)

    deadline = time.monotonic() + 5
    while lives(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not lives(child)


def test_an_error_in_the_parent_ends_the_child(build: Build) -> None:
    pid = 0
    with pytest.raises(KeyboardInterrupt), UnicornEmulator(build(ECHO), BOARD) as emulator:
        pid = emulator.pid
        raise KeyboardInterrupt
    assert not lives(pid)


def test_what_is_no_image_is_refused(tmp_path: Path, build: Build) -> None:
    rubbish = tmp_path / "firmware.elf"
    with pytest.raises(TinykitError, match="No such file"):
        UnicornEmulator(rubbish, BOARD)
    rubbish.write_bytes(b"rubbish")
    with pytest.raises(TinykitError, match="is not an ELF file"):
        UnicornEmulator(rubbish, BOARD)
    with pytest.raises(TinykitError, match="has no function 'kws_invoke'"):
        UnicornEmulator(build(ECHO), BOARD, invoke="kws_invoke")


def test_a_missing_unicorn_is_named(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    elf = build(ECHO)
    monkeypatch.setitem(sys.modules, "unicorn", None)

    with pytest.raises(MissingToolError) as caught:
        UnicornEmulator(elf, BOARD)

    assert caught.value.message == "the emulator needs unicorn, which is not installed"
    assert caught.value.hint == "pip install 'tinykit-mcu[emulate]'"
