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
