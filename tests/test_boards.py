"""The boards that exist to buy: what can be known of their images without them."""

import binascii
from pathlib import Path

import pytest
from commands import Tinykit, shared_build
from models import ROOT, shared_model

from tinykit.core.board import find_board
from tinykit.core.errors import TinykitError
from tinykit.host.image import boot2_crc32, check_image, read_image

IN_UNICORN = ("xiao_nrf52840", "microbit_v2")


@pytest.mark.parametrize("name", IN_UNICORN)
def test_a_sister_of_the_nano33_verifies(
    name: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip("unicorn")
    model = shared_model("hello_world_int8")
    folder = shared_build(tmp_path_factory, "hello_world_int8", model, board=find_board(name))

    report = tinykit("verify", folder, "-e", "unicorn", "--inputs", "5", "--json").json

    assert (report["inputs"], report["mismatches"], report["board"]) == (5, 0, name)


@pytest.fixture(scope="module")
def pico(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = shared_model("hello_world_int8")
    return shared_build(tmp_path_factory, "hello_world_int8", model, board=find_board("pico"))


def mirrored(value: int, bits: int) -> int:
    return int(f"{value:0{bits}b}"[::-1], 2)


def test_the_boot_rom_finds_the_crc_of_the_second_stage(pico: Path) -> None:
    image = read_image(pico / "firmware.elf")
    stage = image.data[:256]

    # the usual CRC-32 turned round, which is not how we compute it
    usual = binascii.crc32(bytes(mirrored(byte, 8) for byte in stage[:252]))
    assert int.from_bytes(stage[252:], "little") == mirrored(usual ^ 0xFFFFFFFF, 32)
    assert boot2_crc32(stage[:252]) == mirrored(usual ^ 0xFFFFFFFF, 32)
    assert (image.load_address, stage) == (
        0x1000_0000,
        (pico / "firmware.uf2").read_bytes()[32:288],
    )


def test_a_second_stage_with_another_crc_is_refused(pico: Path) -> None:
    image = read_image(pico / "firmware.elf")
    damaged = type(image)(
        image.load_address,
        bytes([image.data[0] ^ 1]) + image.data[1:],
        image.entry,
        image.sections,
        image.symbols,
    )

    with pytest.raises(TinykitError, match="the second boot stage has the CRC 0x") as caught:
        check_image(damaged, find_board("pico"))

    assert (ROOT / caught.value.hint.removeprefix("write that into ")).is_file()


DRY = ("nucleo_l4r5zi", "nucleo_u575zi_q", "pico")


@pytest.mark.parametrize("model", ["hello_world_int8", "kws_int8"])
@pytest.mark.parametrize("name", DRY)
def test_an_image_that_nothing_emulates_answers_as_the_oracle(
    name: str, model: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip("unicorn")
    from dry_run import connected

    board = find_board(name)
    folder = shared_build(tmp_path_factory, model, shared_model(model), board=board)

    with connected(folder / "firmware.elf", board) as (port, _):
        report = tinykit("verify", folder, "--port", port, "--inputs", "5", "--json").json

    assert (report["inputs"], report["mismatches"], report["board"]) == (5, 0, name)


def l4_clock_hz(registers: dict[int, int]) -> float:
    """Compute the clock from what the driver has written (RM0432, 6.4.4)."""
    pll = registers[0x4002100C]
    assert pll & 3 == 2  # HSI16
    return 16e6 / ((pll >> 4 & 15) + 1) * (pll >> 8 & 127) / (2 * ((pll >> 25 & 3) + 1))


def u5_clock_hz(registers: dict[int, int]) -> float:
    """Compute the clock from what the driver has written (RM0456, 11.8.9 and 11.8.12)."""
    pll, dividers = registers[0x46020C28], registers[0x46020C34]
    assert pll & 3 == 2  # HSI16
    source = 16e6 / ((pll >> 8 & 15) + 1)
    assert 4e6 <= source <= 8e6 and pll >> 2 & 3 == 0  # PLL1RGE
    return source * ((dividers & 511) + 1) / ((dividers >> 24 & 127) + 1)


def pico_clock_hz(registers: dict[int, int]) -> float:
    """Compute the clock from what the driver has written (RP2040 datasheet, 2.18.2)."""
    dividers = registers[0x4002800C]
    vco = 12e6 / registers[0x40028000] * registers[0x40028008]
    assert 750e6 <= vco <= 1600e6
    return vco / (dividers >> 16 & 7) / (dividers >> 12 & 7)


RATES = {
    "nucleo_l4r5zi": (l4_clock_hz, lambda r: 256 * 16e6 / r[0x4000800C]),
    "nucleo_u575zi_q": (u5_clock_hz, lambda r: 16e6 / r[0x4001380C]),
    "pico": (pico_clock_hz, lambda r: 12e6 / 16 / (r[0x40034024] + r[0x40034028] / 64)),
}


@pytest.mark.parametrize("name", DRY)
def test_the_driver_sets_the_clock_and_the_rate_of_the_boards_file(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip("unicorn")
    from dry_run import connected

    board = find_board(name)
    model = shared_model("hello_world_int8")
    folder = shared_build(tmp_path_factory, "hello_world_int8", model, board=board)

    with connected(folder / "firmware.elf", board) as (_, machine):
        registers = machine.registers

    clock_hz, baud = RATES[name]
    assert clock_hz(registers) == board.clock_hz
    assert abs(baud(registers) / board.link.baud - 1) < 0.002  # receivers stand 2 %
