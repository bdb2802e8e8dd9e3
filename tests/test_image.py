"""Images: the bytes for flash, their checks, and the files made from them."""

import re
import shutil
import struct
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from firmware_image import STUB_MODEL, build_stub

from tinykit.core.board import find_board
from tinykit.core.errors import TinykitError
from tinykit.host.image import (
    Image,
    check_image,
    object_files,
    read_image,
    symbols,
    to_hex,
    to_map,
)
from tinykit.host.toolchain import find_toolchain

BOARD = find_board("nano33")
START = 0x10000
VALUES = (0x12345678, 0x9ABCDEF0, 3)

# The stub model with initial values that live in RAM.
MODEL = STUB_MODEL.read_text().replace(
    "static void invoke(void)\n{",
    "static volatile uint32_t values[3] = {0x12345678, 0x9abcdef0, 3};\n\n"
    "static void invoke(void)\n{\n    values[0] += values[1] * values[2];\n",
)


@pytest.fixture(scope="module", params=["zig", "gcc"])
def elf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("no arm-none-eabi-gcc here")
    work = tmp_path_factory.mktemp(request.param)
    return build_stub(find_toolchain(request.param), BOARD, work, MODEL)


@pytest.fixture
def image(elf: Path) -> Image:
    return read_image(elf, object_files(elf))


def test_image_begins_with_stack_and_reset_vector(image: Image) -> None:
    stack, reset = struct.unpack_from("<II", image.data)

    check_image(image, BOARD)
    assert image.load_address == START
    assert stack == 0x20000000 + BOARD.ram.stack_bytes == image.symbol("__stack_top").address
    assert reset == image.entry == image.symbol("tk_reset").address + 1


def test_image_ends_with_the_initial_values_of_data(image: Image) -> None:
    assert image.data.endswith(struct.pack("<III", *VALUES))
    assert image.symbol("values").section == ".data"
    end = image.symbol("__image_end").address
    assert len(image.data) == end - image.symbol("__image_start").address == image.flash_bytes
    data_bytes = image.symbol("__data_end").address - image.symbol("__data_start").address
    assert image.symbol("__data_load").address + data_bytes == end


def test_crc_is_that_of_the_flash_bytes(image: Image) -> None:
    assert image.crc32 == zlib.crc32(image.data)


def test_ram_is_stack_data_and_bss(image: Image) -> None:
    assert image.ram_bytes == image.symbol("__bss_end").address - BOARD.ram.address


def test_symbols_tell_size_section_kind_and_unit(elf: Path) -> None:
    found = {symbol.name: symbol for symbol in symbols(elf)}

    arena, nibbles, feed = found["arena"], found["nibbles"], found["tk_frame_feed"]
    assert (arena.bytes, arena.section, arena.kind) == (600, ".bss", "object")
    assert arena.unit == "stub_model.c"
    assert (nibbles.bytes, nibbles.section, nibbles.unit) == (64, ".rodata", "crc32.c")
    assert (feed.kind, feed.section, feed.unit) == ("function", ".text", "frame.c")
    assert feed.address % 2 == 0
    assert not any(name.startswith("$") for name in found)


def test_symbols_account_for_nearly_all_of_the_flash(image: Image) -> None:
    places = {s.address: s.bytes for s in image.symbols if s.section in (".text", ".rodata")}

    assert 0 <= image.flash_bytes - sum(places.values()) <= 200


def test_hex_holds_the_image_and_its_entry(image: Image) -> None:
    memory: dict[int, int] = {}
    upper = entry = 0
    for line in to_hex(image).splitlines():
        record = bytes.fromhex(line[1:])
        count, address, kind, data = record[0], record[1:3], record[3], record[4:-1]
        assert line[0] == ":" and sum(record) % 256 == 0 and count == len(data)
        if kind == 4:
            upper = int.from_bytes(data, "big") << 16
        elif kind == 5:
            entry = int.from_bytes(data, "big")
        elif kind == 0:
            memory.update(enumerate(data, upper + int.from_bytes(address, "big")))

    assert to_hex(image).endswith("\n:00000001FF\n")
    assert entry == image.entry
    assert memory == dict(enumerate(image.data, START))


def test_hex_crosses_64_kilobytes() -> None:
    records = to_hex(Image(0x1FFF8, bytes(40), 0x1FFF9, (), ())).splitlines()

    assert records[0] == ":020000040001F9"
    addresses = [(line[7:9], line[3:7]) for line in records]
    assert addresses == [
        ("04", "0000"),
        ("00", "FFF8"),
        ("04", "0000"),
        ("00", "0000"),
        ("00", "0010"),
        ("05", "0000"),
        ("01", "0000"),
    ]


def test_bin_and_hex_equal_what_objcopy_makes(elf: Path, image: Image, tmp_path: Path) -> None:
    objcopy = shutil.which("arm-none-eabi-objcopy")
    if objcopy is None:
        pytest.skip("no arm-none-eabi-objcopy here")
    (tmp_path / "ours.hex").write_text(to_hex(image))
    subprocess.run([objcopy, "-O", "binary", elf, tmp_path / "theirs.bin"], check=True)
    convert = [objcopy, "-I", "ihex", "-O", "binary"]
    subprocess.run([*convert, tmp_path / "ours.hex", tmp_path / "ours.bin"], check=True)

    assert (tmp_path / "theirs.bin").read_bytes() == image.data
    assert (tmp_path / "ours.bin").read_bytes() == image.data


def test_map_lists_sections_and_symbols_by_address(image: Image) -> None:
    text = to_map(image)

    rows = re.findall(r"^0x([0-9a-f]{8}) +(\d+)", text, re.MULTILINE)
    addresses = [int(address, 16) for address, _ in rows]
    assert addresses == sorted(addresses)
    assert re.search(r"^\.text +0x00010000 +\d+$", text, re.MULTILINE)
    assert re.search(r"^0x2000\w+ +600  \.bss +object +arena  \(stub_model\.c\)$", text, re.M)


def test_map_is_the_same_from_build_to_build(elf: Path, image: Image, tmp_path: Path) -> None:
    name = elf.parent.name.rstrip("0123456789")
    again = build_stub(find_toolchain(name), BOARD, tmp_path, MODEL)

    assert to_map(read_image(again, object_files(again))) == to_map(image)


def with_vector(image: Image, index: int, value: int) -> Image:
    data = bytearray(image.data)
    struct.pack_into("<I", data, 4 * index, value)
    return replace(image, data=bytes(data))


def refusal_of(image: Image) -> str:
    with pytest.raises(TinykitError) as error:
        check_image(image, BOARD)
    assert error.value.hint == "tinykit build --board nano33"
    return error.value.message


def test_wrong_stack_pointer_is_refused(image: Image) -> None:
    assert refusal_of(with_vector(image, 0, 0x20040000)) == (
        "the first stack pointer is 0x20040000, the stack of nano33 ends at 0x20000600"
    )


@pytest.mark.parametrize("reset", [0x10040, 0x00000101, 0x20000001])
def test_wrong_reset_vector_is_refused(image: Image, reset: int) -> None:
    assert refusal_of(with_vector(image, 1, reset)) == (
        f"the reset vector is 0x{reset:08x}, no Thumb address in the image"
    )


def test_entry_other_than_reset_is_refused(image: Image) -> None:
    assert refusal_of(replace(image, entry=0x10081)) == (
        f"the entry is 0x00010081, the reset vector 0x{image.entry:08x}"
    )


def test_image_over_the_bootloader_is_refused(image: Image) -> None:
    assert refusal_of(replace(image, load_address=0)) == (
        "the image starts at 0x00000000, nano33 starts applications at 0x00010000"
    )


def test_section_outside_the_memory_is_refused(image: Image) -> None:
    beyond = replace(image.sections[-1], name=".bss", address=0x2003FFFF, bytes=2)

    assert refusal_of(replace(image, sections=(*image.sections, beyond))) == (
        ".bss lies at 0x2003ffff to 0x20040001, outside the memory of nano33"
    )


def test_missing_elf_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TinykitError) as error:
        read_image(tmp_path / "none.elf")

    assert error.value.message == f"{tmp_path / 'none.elf'}: No such file or directory"
    assert error.value.hint == "build it: tinykit build"


def test_file_that_is_no_elf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.elf").write_bytes(b"no elf at all")

    with pytest.raises(TinykitError) as error:
        read_image(tmp_path / "x.elf")

    assert (
        error.value.message
        == f"{tmp_path / 'x.elf'} is not a whole ELF file: Magic number does not match"
    )


def test_elf_of_another_machine_is_refused(elf: Path, tmp_path: Path) -> None:
    content = bytearray(elf.read_bytes())
    struct.pack_into("<H", content, 18, 62)  # e_machine
    (tmp_path / "x.elf").write_bytes(content)

    with pytest.raises(TinykitError) as error:
        read_image(tmp_path / "x.elf")

    assert error.value.message == f"{tmp_path / 'x.elf'} is for EM_X86_64, not for Arm or RISC-V"


def test_truncated_elf_is_refused(elf: Path, tmp_path: Path) -> None:
    content = elf.read_bytes()
    for length in range(0, len(content), 97):
        (tmp_path / "x.elf").write_bytes(content[:length])
        with pytest.raises(TinykitError):
            read_image(tmp_path / "x.elf")
