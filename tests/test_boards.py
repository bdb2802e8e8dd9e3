"""The boards that exist to buy: what can be known of their images without them."""

import binascii
import os
import re
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import tiny
from commands import Tinykit, needs_gcc, shared_build
from models import MODELS, ROOT, shared_model

from tinykit.core.board import BOARDS, board_paths, find_board, load_board
from tinykit.core.errors import CheckFailedError, TinykitError
from tinykit.core.toml_writer import to_toml
from tinykit.host.build import BuildOptions, build
from tinykit.host.image import boot2_crc32, check_image, read_image
from tinykit.host.link import Link
from tinykit.host.record import built_board, read_record

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


@pytest.mark.parametrize(
    ("model", "toolchain"),
    [
        ("hello_world_int8", "zig"),
        pytest.param("hello_world_int8", "gcc", marks=needs_gcc),
        ("kws_int8", "zig"),
    ],
)
@pytest.mark.parametrize("name", DRY)
def test_an_image_that_nothing_emulates_answers_as_the_oracle(
    name: str,
    model: str,
    toolchain: str,
    tinykit: Tinykit,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    pytest.importorskip("unicorn")
    from dry_run import connected

    board = find_board(name)
    options = BuildOptions(toolchain=toolchain)
    folder = shared_build(tmp_path_factory, model, shared_model(model), options, board)

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


L4_CSR, U5_CSR, PICO_RESET, PICO_SCRATCH = 0x40021094, 0x46020CF4, 0x40064008, 0x4005800C
PIN, SOFTWARE, IWDG = 1 << 26, 1 << 28, 1 << 29


@pytest.mark.parametrize(
    ("name", "found", "reasons"),
    [
        ("nucleo_l4r5zi", {}, ()),
        ("nucleo_l4r5zi", {L4_CSR: PIN}, ("reset pin",)),
        ("nucleo_l4r5zi", {L4_CSR: PIN | SOFTWARE}, ("fault",)),
        ("nucleo_u575zi_q", {U5_CSR: PIN | IWDG}, ("watchdog",)),
        ("pico", {}, ()),
        ("pico", {PICO_RESET: 1 << 16}, ("reset pin",)),
        ("pico", {PICO_RESET: 1 << 8, PICO_SCRATCH: 0x746B7231}, ("fault",)),
    ],
)
def test_the_board_tells_why_it_was_reset(
    name: str,
    found: dict[int, int],
    reasons: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    pytest.importorskip("unicorn")
    from dry_run import connected

    model = shared_model("hello_world_int8")
    folder = shared_build(tmp_path_factory, "hello_world_int8", model, board=find_board(name))
    with (
        connected(folder / "firmware.elf", find_board(name), found) as (port, machine),
        Link(port) as link,
    ):
        assert link.status().reset_reasons == reasons
    assert machine.registers.get(L4_CSR, 0) & 1 << 23 == 0  # RMVF does not stay set


def test_a_board_is_shown_with_what_its_bootloader_owns(tinykit: Tinykit) -> None:
    ended = tinykit("boards", "show", "xiao_nrf52840")

    assert "not yet run on hardware" in ended.out
    assert re.search(r"bootloader +0x00000000 to 0x00027000", ended.out)
    assert re.search(r"application +0x00027000 to 0x000ad000, 548 864 bytes", ended.out)
    assert "boards/xiao_nrf52840.toml" in ended.err.replace("\n", "")


def test_a_shown_board_is_json_with_its_file(tinykit: Tinykit) -> None:
    shown = tinykit("boards", "show", "pico", "--json").json

    assert (shown["name"], shown["flash"]["boot2_bytes"]) == ("pico", 256)
    assert shown["remark"] == "not yet run on hardware"
    assert Path(shown["file"]) == ROOT / "firmware" / "boards" / "pico.toml"


def test_boards_without_a_name_or_of_no_name_are_refused(tinykit: Tinykit) -> None:
    assert tinykit.refuses("boards", "show") == ("no board is named", "tinykit boards show nano33")
    line, hint = tinykit.refuses("boards", "show", "pcio")
    assert (line, hint) == ("no board 'pcio'", "did you mean pico? all: tinykit boards")


def test_boards_of_ones_own_come_from_tinykit_toml(
    tinykit: Tinykit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (BOARDS / "microbit_v2.toml").read_text()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "clone.toml").write_text(text.replace('"microbit_v2"', '"clone"'))
    (tmp_path / "tinykit.toml").write_text('board = "clone"\nboards = "mine"\n')
    (tmp_path / "dense.tflite").write_bytes(tiny.dense())
    monkeypatch.chdir(tmp_path)

    assert "clone" in tinykit("boards").out
    assert tinykit("build", "dense.tflite").status == 0
    (tmp_path / "tinykit.toml").unlink()  # the build folder has all that is needed

    assert built_board(Path("build/clone"), read_record(Path("build/clone"))).name == "clone"
    fits = tinykit("check", "dense.tflite", "--boards", "mine", "--json").json["boards"]
    assert "clone" in [fit["board"] for fit in fits]


def test_a_folder_of_boards_that_is_none_is_refused(tinykit: Tinykit, tmp_path: Path) -> None:
    line, hint = tinykit.refuses("boards", "--boards", tmp_path / "none")
    assert line == f"{tmp_path / 'none'} is no folder of boards"
    assert hint == "make one: docs/adding-a-board.md"


@pytest.mark.parametrize("name", sorted(board_paths()))
def test_a_board_is_the_same_when_written_and_read_again(name: str, tmp_path: Path) -> None:
    board = find_board(name)
    (tmp_path / f"{name}.toml").write_text(to_toml(board))
    assert load_board(tmp_path / f"{name}.toml") == board


def build_outcome(job: tuple[str, Path, Path]) -> str:
    """Build a model for a board, and say what it takes, or why it does not fit."""
    name, model, folder = job
    try:
        record = build(model.read_bytes(), model.name, find_board(name), BuildOptions(), folder)
    except CheckFailedError as error:
        return f"{name:16} {model.stem:18} {error.message}"
    return f"{name:16} {model.stem:18} {record.sizes.flash:7} {record.sizes.ram:7}"


@pytest.mark.soak
def test_all_boards_build_all_models_within_a_minute_of_two_cores(tmp_path: Path) -> None:
    """Print what each takes; a model that does not fit is refused with the numbers."""
    models = sorted(MODELS.glob("*.tflite"))
    if not models:
        pytest.skip(f"{MODELS} has no models; set TINYKIT_MODELS to the folder of the shared ones")
    real = sorted(name for name in board_paths() if find_board(name).flasher is not None)
    jobs = [(name, path, tmp_path / name / path.stem) for name in real for path in models]
    for name in real:
        (tmp_path / name).mkdir()
    started, before = time.monotonic(), os.times()
    with ProcessPoolExecutor(2) as workers:
        outcomes = list(workers.map(build_outcome, jobs))
    took_s, after = time.monotonic() - started, os.times()
    cpu_s = sum(after[:4]) - sum(before[:4])  # of the workers and the compilers that they started
    print("\n".join(outcomes))
    print(f"{len(jobs)} builds: {took_s:.0f} s, {cpu_s:.0f} s of a core")
    for outcome in outcomes:
        if " needs " in outcome:
            assert re.search(r"needs [\d ]+ bytes of \w+, \w+ has [\d ]+ bytes", outcome)
            assert outcome.startswith("microbit")
    assert cpu_s < 2 * 60  # on a machine with nothing else to do that is a minute
