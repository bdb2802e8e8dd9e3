"""The nano33 image itself, in the emulator: what the host tests of the link cannot see."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import serial
from firmware_image import STUB_MODEL, build_stub

from tinykit.core.board import find_board
from tinykit.core.errors import CheckFailedError
from tinykit.host.image import Image, read_image
from tinykit.host.link import FaultError, Link
from tinykit.host.record import read_record
from tinykit.host.toolchain import Toolchain, find_toolchain
from tinykit.host.unicorn_emulator import UnicornEmulator

pytest.importorskip("unicorn")

BOARD = find_board("nano33")
UNDEFINED = 1 << 16  # Armv7-M Architecture Reference Manual, B3.2.15
PRECISE_WITH_ADDRESS, STACKING = 1 << 15 | 1 << 9, 1 << 12
FORCED = 1 << 30  # B3.2.16
INVOKE = "static void invoke(void)\n{\n"


@pytest.fixture(scope="module", params=["zig", "gcc"])
def toolchain(request: pytest.FixtureRequest) -> Toolchain:
    if request.param == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("no arm-none-eabi-gcc here")
    return find_toolchain(request.param)


@pytest.fixture(scope="module")
def elf(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_stub(toolchain, BOARD, tmp_path_factory.mktemp("stub"))


@pytest.fixture
def link(elf: Path) -> Iterator[Link]:
    with UnicornEmulator(elf, BOARD, "invoke") as emulator, Link(emulator.port) as opened:
        yield opened


def test_board_reads_the_image_that_was_built(elf: Path, link: Link) -> None:
    image, hello = read_image(elf), link.hello()

    assert (hello.image_bytes, hello.image_crc32) == (image.flash_bytes, image.crc32)
    assert (hello.board, hello.app, hello.clock_hz) == ("nano33", "stream", 64_000_000)


def test_inputs_of_several_frames_come_back_computed(link: Link) -> None:
    link.hello()
    for seed in range(3):
        data = np.random.default_rng(seed).integers(0, 256, 600, np.uint8)
        assert link.infer(data.tobytes()).output == (~data + np.uint8(2)).tobytes()


def test_garbage_at_full_speed_does_not_silence_the_board(elf: Path) -> None:
    garbage = np.random.default_rng(0).integers(0, 256, 3000, np.uint8).tobytes()
    with UnicornEmulator(elf, BOARD, "invoke") as emulator:
        with serial.Serial(emulator.port, BOARD.link.baud) as port:
            port.write(garbage)
        with Link(emulator.port) as link:
            assert link.hello().board == "nano33"


def test_board_sleeps_while_it_waits(elf: Path) -> None:
    with UnicornEmulator(elf, BOARD, "invoke") as emulator, Link(emulator.port) as link:
        link.hello()
        counters = emulator.counters()

    # 512 bytes at 115200 baud last 44 ms, in which the CPU has 2.8 million cycles
    assert counters.sleep_share > 0.8
    assert counters.stack_bytes <= 256


def test_status_tells_of_the_stack_what_the_emulator_sees(elf: Path) -> None:
    with UnicornEmulator(elf, BOARD, "invoke") as emulator, Link(emulator.port) as link:
        link.hello()
        link.infer(bytes(600))
        first, second = link.status(), link.status()
        seen = emulator.counters().stack_bytes

    assert first.reset_reasons == ()
    assert first.stack_bytes == read_image(elf).stack_bytes
    # of what the status itself needs the emulator sees all, the board what lies above its own call
    assert 0 < first.stack_used_bytes <= second.stack_used_bytes <= seen <= first.stack_bytes
    assert seen - second.stack_used_bytes <= 64
    assert first.uptime_us < second.uptime_us


def test_status_tells_how_deep_inference_went(dense_build: Path) -> None:
    record = read_record(dense_build)
    elf, invoke = dense_build / record.files["elf"], f"{record.model}_invoke"
    with UnicornEmulator(elf, BOARD, invoke) as emulator, Link(emulator.port) as link:
        link.hello()
        call = emulator.profiled(lambda: link.infer(bytes(record.inputs[0].bytes))).total
        status = link.status()
        seen = emulator.counters().stack_bytes

    assert call.stack_bytes is not None
    assert call.stack_bytes < status.stack_used_bytes <= seen


def test_reset_pin_is_told_and_forgotten_at_the_next_one(elf: Path) -> None:
    with UnicornEmulator(elf, BOARD, "invoke") as emulator, Link(emulator.port) as link:
        link.hello()
        emulator.reset()
        assert link.status().reset_reasons == ("reset pin",)
        emulator.reset()
        assert link.status().reset_reasons == ("reset pin",)


def test_loop_that_hangs_is_ended_by_the_watchdog(toolchain: Toolchain, tmp_path: Path) -> None:
    """The first input hangs; what comes after the reset is as if nothing had been before."""
    hang = "static volatile uint8_t *const first = arena;\n    while (first[0] == 7) {\n    }"
    model = STUB_MODEL.read_text().replace(INVOKE, f"{INVOKE}    {hang}\n")
    elf = build_stub(toolchain, BOARD, tmp_path, model, defines=["TK_WATCHDOG_MS=20u"])
    with UnicornEmulator(elf, BOARD, "invoke") as emulator, Link(emulator.port) as link:
        link.hello()
        with pytest.raises(CheckFailedError, match="lost its input 4 times in one inference"):
            link.infer(bytes([7] * 600))
        status = link.status()
        resets = emulator.counters().resets
        link.hello()
        assert link.infer(bytes(600)).output == bytes([1] * 600)

    assert status.reset_reasons == ("watchdog",)
    assert resets >= 1 and status.uptime_us < 5_000_000


def test_sleeping_board_is_not_reset_by_its_watchdog(toolchain: Toolchain, tmp_path: Path) -> None:
    elf = build_stub(toolchain, BOARD, tmp_path, defines=["TK_WATCHDOG_MS=20u"])
    with UnicornEmulator(elf, BOARD, "invoke") as emulator, Link(emulator.port) as link:
        link.hello()
        for _ in range(4):  # each is 0.1 s on the line, and 10 ms awake
            assert link.infer(bytes(600)).output == bytes([1] * 600)
        assert (link.status().reset_reasons, emulator.counters().resets) == ((), 0)


def fault_of(toolchain: Toolchain, work: Path, statement: str) -> tuple[Image, dict[str, int]]:
    """Run a model that faults; return the image and what the board reported."""
    model = STUB_MODEL.read_text().replace(INVOKE, HELPERS + INVOKE + f"    {statement}\n")
    elf = build_stub(toolchain, BOARD, work, model)
    with UnicornEmulator(elf, BOARD, "invoke") as emulator, Link(emulator.port) as link:
        link.hello()
        with pytest.raises(FaultError) as error:
            link.infer(bytes(600))
        assert link.status().reset_reasons == ("fault",)
        assert link.hello().board == "nano33"
        assert emulator.counters().resets == 1
    numbers = re.findall(r"(pc|lr|cfsr|hfsr|address) 0x([0-9a-f]{8})", error.value.message)
    return read_image(elf), {name: int(value, 16) for name, value in numbers}


HELPERS = """
static volatile uint32_t zero;

__attribute__((noinline)) static uint32_t overflow(volatile uint32_t *deeper)
{
    volatile uint32_t here[64];
    here[0] = *deeper + 1u;
    return here[0] == 0u ? 0u : overflow(here) + here[0];
}
"""
USE_HELPERS = "if (zero) { zero = overflow(&zero); }"


def test_undefined_instruction_is_reported_with_its_address(
    toolchain: Toolchain, tmp_path: Path
) -> None:
    image, fault = fault_of(toolchain, tmp_path, f'{USE_HELPERS} __asm__ volatile("udf #0");')

    invoke = image.symbol("invoke")
    assert invoke.address <= fault["pc"] < invoke.address + invoke.bytes
    assert image.load_address < fault["lr"] < image.load_address + image.flash_bytes
    assert (fault["cfsr"], fault["hfsr"], fault["address"]) == (UNDEFINED, FORCED, 0)


def test_read_of_nothing_is_reported_with_what_was_read(
    toolchain: Toolchain, tmp_path: Path
) -> None:
    read = "zero = *(volatile uint32_t *)0x30000000u;"

    _, fault = fault_of(toolchain, tmp_path, f"{USE_HELPERS} {read}")

    assert fault["cfsr"] == PRECISE_WITH_ADDRESS
    assert (fault["hfsr"], fault["address"]) == (FORCED, 0x30000000)


def test_stack_overflow_is_reported_instead_of_overwriting_data(
    toolchain: Toolchain, tmp_path: Path
) -> None:
    _, fault = fault_of(toolchain, tmp_path, "zero = overflow(&zero);")

    assert fault["hfsr"] == FORCED
    assert fault["cfsr"] & (PRECISE_WITH_ADDRESS | STACKING)
    assert fault["address"] == 0 or 0x1FFF0000 < fault["address"] < BOARD.ram.address
