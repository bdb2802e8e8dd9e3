"""Board files: what is read, and every mistake that is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from tinykit.codegen.board_files import board_files, build_header
from tinykit.core.board import BOARDS, board_paths, find_board, load_board, pin_number
from tinykit.core.errors import TinykitError

NANO33 = (BOARDS / "nano33.toml").read_text()


def test_nano33_starts_where_its_bootloader_ends() -> None:
    board = find_board("nano33")

    assert board.app_address == 0x10000
    assert board.app_bytes == 983_040
    assert (board.link.tx_pin, board.link.rx_pin, board.link.baud) == ("P1.03", "P1.10", 115_200)
    assert board.emulators == ("unicorn", "renode")


@pytest.mark.parametrize("path", board_paths().values(), ids=board_paths().keys())
def test_every_board_of_ours_loads(path: Path) -> None:
    assert load_board(path).name == path.stem


def test_unknown_board_suggests_the_nearest_names() -> None:
    with pytest.raises(TinykitError) as error:
        find_board("nano3")

    assert error.value.message == "no board 'nano3'"
    assert error.value.hint == "did you mean nano33? all: tinykit boards"


def test_board_that_resembles_none_points_to_the_list() -> None:
    with pytest.raises(TinykitError) as error:
        find_board("xyz")

    assert (error.value.message, error.value.hint) == ("no board 'xyz'", "tinykit boards")


def test_user_folder_adds_boards_and_replaces_ours(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(NANO33.replace('"nano33"', '"mine"'))
    (tmp_path / "nano33.toml").write_text(NANO33.replace("64_000_000", "32_000_000"))

    assert find_board("mine", tmp_path).clock_hz == 64_000_000
    assert find_board("nano33", tmp_path).clock_hz == 32_000_000
    assert list(board_paths(tmp_path)) == sorted(board_paths(tmp_path))


# What is replaced in nano33.toml, by what, and the message and hint that must come.
WRONG = {
    "unknown key": (
        "clock_hz =",
        "clock_mhz = 64\nclock_hz =",
        "unknown key clock_mhz",
        "did you mean clock_hz?",
    ),
    "unknown key in a table": (
        "dcdc = true",
        "dcdc = true\nwatts = 3",
        "unknown key power.watts",
        "known: dcdc, states, peripherals",
    ),
    "missing key": (
        "clock_hz = 64_000_000",
        "",
        "clock_hz is missing",
        "compare boards/nano33.toml",
    ),
    "missing key in a table": (
        "baud = 115_200",
        "",
        "link.baud is missing",
        "compare boards/nano33.toml",
    ),
    "text for a number": (
        "baud = 115_200",
        'baud = "115200"',
        "link.baud is '115200', not an integer",
        "no quotes, no fraction",
    ),
    "truth for a number": (
        "baud = 115_200",
        "baud = true",
        "link.baud is true, not an integer",
        "no quotes, no fraction",
    ),
    "negative": (
        "baud = 115_200",
        "baud = -1",
        "link.baud is -1, which is negative",
        "use a positive number",
    ),
    "number for a text": (
        'chip = "nrf52840"',
        "chip = 52840",
        "chip is 52840, not a text",
        'write it in "quotes"',
    ),
    "text for a list": (
        '["unicorn", "renode"]',
        '"unicorn"',
        "emulators is 'unicorn', not a list of texts",
        'write it as ["one", "two"]',
    ),
    "number for a truth": (
        "dcdc = true",
        "dcdc = 1",
        "power.dcdc is 1, not true or false",
        "no quotes",
    ),
    "no TOML": (
        "clock_hz = 64_000_000",
        "clock_hz",
        "not TOML: Expected '=' after a key in a key/value pair (at line 8, column 13)",
        "compare boards/nano33.toml",
    ),
    "name of another file": (
        'name = "nano33"',
        'name = "nano34"',
        "name is 'nano34'",
        "name it as its file: nano33",
    ),
    "unknown core": (
        '"cortex_m4"',
        '"cortex_m44"',
        "cpu is 'cortex_m44'",
        "known: cortex_m0, cortex_m0plus, cortex_m3, cortex_m4, cortex_m7, cortex_m33, "
        "cortex_m33+dsp, cortex_m55-mve, riscv32",
    ),
    "wait states that are no cycles": (
        "wait_states = 2",
        "wait_states = 30",
        "flash.wait_states is 30, outside 0 to 15",
        "cycles of clock_hz",
    ),
    "FPU of a core that has none": (
        'cpu = "cortex_m4"',
        'cpu = "cortex_m3"',
        "float_abi is 'hard', cortex_m3 has no FPU",
        'float_abi = "soft"',
    ),
    "unknown emulator": (
        '["unicorn", "renode"]',
        '["bochs"]',
        "emulators is 'bochs'",
        "known: unicorn, qemu, renode",
    ),
    "QEMU without a machine": (
        '["unicorn", "renode"]',
        '["unicorn", "qemu"]',
        "qemu.machine is missing",
        "its names: qemu-system-arm -machine help",
    ),
    "one pin": (
        'rx_pin = "P1.10"',
        "",
        "link.rx_pin is missing",
        "name both pins or none",
    ),
    "unknown float abi": (
        '"hard"',
        '"softfp"',
        "float_abi is 'softfp'",
        "known: soft, hard",
    ),
    "megahertz": (
        "64_000_000",
        "64",
        "clock_hz is 64, outside 32 768 to 1 000 000 000",
        "hertz, not megahertz",
    ),
    "bits of RAM": (
        "bytes = 262_144",
        "bytes = 131_072_000",
        "ram.bytes is 131072000, more than any Cortex-M has",
        "bytes, not bits",
    ),
    "kilobytes of flash": (
        "bytes = 1_048_576",
        "bytes = 1000",
        "flash.bytes is 1000, less than any Cortex-M has",
        "bytes, not kilobytes",
    ),
    "flash past 32 bits": (
        "address = 0x0000_0000",
        "address = 0xfff8_0000",
        "flash ends at 0x100080000",
        "addresses have 32 bits",
    ),
    "bootloader larger than flash": (
        "bootloader_bytes = 0x1_0000",
        "bootloader_bytes = 0x10_0000",
        "flash.bootloader_bytes is 1048576, flash.bytes is 1048576",
        "the bootloader must leave room for the application",
    ),
    "crooked vector table": (
        "bootloader_bytes = 0x1_0000",
        "bootloader_bytes = 0x1_0010",
        "the application would start at 0x00010010",
        "a vector table needs a multiple of 128",
    ),
    "stack larger than RAM": (
        "stack_bytes = 1_536",
        "stack_bytes = 262_144",
        "ram.stack_bytes is 262144, ram.bytes is 262144",
        "a multiple of 8, at least 512, less than the RAM",
    ),
    "pin without a port": (
        '"P1.03"',
        '"D1"',
        "link.tx_pin is 'D1'",
        "port and pin as in P1.03, PG7 or GP0",
    ),
    "pin past its port": (
        '"P1.10"',
        '"P1.32"',
        "link.rx_pin is 'P1.32'",
        "port and pin as in P1.03, PG7 or GP0",
    ),
    "RP2040 pin that does not exist": (
        '"P1.10"',
        '"GP30"',
        "link.rx_pin is 'GP30'",
        "port and pin as in P1.03, PG7 or GP0",
    ),
    "bootloader at both ends": (
        "bootloader_bytes = 0x1_0000",
        "bootloader_bytes = 0x1_0000\nend_bytes = 0xf_0000",
        "flash.bootloader_bytes is 65536 and flash.end_bytes 983040, flash.bytes is 1048576",
        "the bootloader must leave room for the application",
    ),
    "second stage of another size": (
        "bootloader_bytes = 0x1_0000",
        "bootloader_bytes = 0x1_0000\nboot2_bytes = 128",
        "flash.boot2_bytes is 128",
        "256 where the chip's boot ROM wants it, else none",
    ),
    "USB id with 0x": (
        '"2341:805a"',
        '"0x2341:0x805a"',
        "usb.ids holds '0x2341:0x805a'",
        'write them as lsusb does: "2341:005a"',
    ),
    "drive without a table": (
        'tool = "bossac"',
        'tool = "drive"',
        "flasher.tool is 'drive', and there is no [flasher.drive]",
        'tool = "drive" copies to the drive of that table',
    ),
    "UF2 without a family": (
        'image = "bin"',
        'image = "uf2"',
        "drive.uf2_family is missing",
        "families: github.com/microsoft/uf2, utils/uf2families.json",
    ),
    "hardware that is a number": (
        "clock_hz =",
        "ran_on_hardware = 1\nclock_hz =",
        "ran_on_hardware is 1, not true or false",
        "no quotes",
    ),
    "state that is none": (
        'name = "run_ram"',
        'name = "nap"',
        "power.states.name is 'nap'",
        "known: run_flash, run_ram, wait, sleep_rtc, sleep, off",
    ),
    "state that is there twice": (
        'name = "run_ram"',
        'name = "run_flash"',
        "power.states has 'run_flash' twice",
        "keep one of them",
    ),
    "current that is a text": (
        "typical_ua = 3300",
        'typical_ua = "3.3 mA"',
        "power.states.typical_ua is '3.3 mA', not a number",
        "no quotes",
    ),
    "current below zero": (
        "typical_ua = 3300",
        "typical_ua = -1",
        "power.states.typical_ua is -1",
        "use a positive number",
    ),
    "maximum below the typical": (
        "typical_ua = 3300",
        "typical_ua = 3300\nmaximum_ua = 33",
        "power.states.maximum_ua is 33, typical_ua more",
        "did they change places?",
    ),
    "one pin for both": (
        '"P1.10"',
        '"P1.03"',
        "link.tx_pin and link.rx_pin are both 'P1.03'",
        "use two pins",
    ),
}


@pytest.mark.parametrize(("old", "new", "message", "hint"), WRONG.values(), ids=WRONG.keys())
def test_wrong_board_file_is_refused(
    tmp_path: Path, old: str, new: str, message: str, hint: str
) -> None:
    folder = tmp_path / "boards"
    folder.mkdir()
    text = NANO33.replace(old, new, 1)
    assert text != NANO33
    (folder / "nano33.toml").write_text(text)

    with pytest.raises(TinykitError) as error:
        load_board(folder / "nano33.toml")

    assert error.value.message == f"boards/nano33.toml: {message}"
    assert error.value.hint == hint


def test_table_that_is_a_number_is_refused(tmp_path: Path) -> None:
    text = "power = 3\n" + NANO33.partition("[power]")[0]
    (tmp_path / "nano33.toml").write_text(text)

    with pytest.raises(TinykitError) as error:
        load_board(tmp_path / "nano33.toml")

    assert error.value.message == f"{tmp_path.name}/nano33.toml: power is 3, not a table"
    assert error.value.hint == "write [power]"


def test_states_that_are_no_array_are_refused(tmp_path: Path) -> None:
    text = NANO33.partition("[[power.states]]")[0] + 'states = "low"\n'
    (tmp_path / "nano33.toml").write_text(text)

    with pytest.raises(TinykitError) as error:
        load_board(tmp_path / "nano33.toml")

    assert error.value.message.endswith("power.states is 'low', not an array of tables")
    assert error.value.hint == "write [[power.states]]"


def test_pin_numbers_count_through_the_ports() -> None:
    assert (pin_number("P0.00"), pin_number("P0.31"), pin_number("P1.03")) == (0, 31, 35)
    assert (pin_number("PA9"), pin_number("PG7"), pin_number("GP0")) == (9, 103, 0)


def test_what_the_bootloader_owns_at_both_ends_is_not_the_applications() -> None:
    xiao, pico = find_board("xiao_nrf52840"), find_board("pico")

    assert (xiao.app_address, xiao.app_address + xiao.app_bytes) == (0x27000, 0xAD000)
    assert (pico.app_address, pico.vectors_address) == (0x1000_0000, 0x1000_0100)


def test_a_board_that_nobody_has_run_says_so() -> None:
    assert find_board("pico").remark == "not yet run on hardware"
    assert replace(find_board("pico"), ran_on_hardware=True).remark == ""
    assert find_board("qemu_an385").remark == "only in an emulator"


def test_board_files_hold_the_facts_of_the_board() -> None:
    board = replace(find_board("nano33"), clock_hz=32_000_000)

    files = board_files(board, "0.1.0")

    assert sorted(files) == ["board.h", "memory.ld"]
    assert "#define TK_CLOCK_HZ    32000000u\n" in files["board.h"]
    assert "#define TK_UART_TX_PIN 35u // P1.03\n" in files["board.h"]
    assert "flash (rx) : ORIGIN = 0x00010000, LENGTH = 983040\n" in files["memory.ld"]
    assert files == board_files(board, "0.1.0")


def test_build_header_holds_build_id_and_application() -> None:
    header = build_header("0123456789abcdef", "stream", "0.1.0")

    assert '#define TK_BUILD_ID "0123456789abcdef"\n#define TK_APP_NAME "stream"\n' in header
