"""tinykit flash: drives that are folders, ports that are ptys, flashers that note their words.

The images that answer afterwards are run by the emulator, or by dry_run.py.
"""

import os
import pty
import shutil
import stat
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import Tinykit, shared_build
from models import shared_model
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from tinykit.core.board import find_board
from tinykit.core.errors import CheckFailedError, TinykitError
from tinykit.host import flash_drive, flash_tool
from tinykit.host.emulators import start_emulator
from tinykit.host.record import built_board, read_record

pytest.importorskip("unicorn")
from dry_run import connected

Build = Callable[[str], Path]
INFO_XIAO = "UF2 Bootloader 0.6.1\nModel: Seeed XIAO nRF52840\nBoard-ID: nRF52840-SeeedXiao-v1\n"
INFO_UF2 = "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n"


@pytest.fixture
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    def build_for(name: str) -> Path:
        model = shared_model("hello_world_int8")
        return shared_build(tmp_path_factory, "hello_world_int8", model, board=find_board(name))

    return build_for


def drive_of(folder: Path, name: str, text: str) -> Path:
    """Make what the board's drive looks like."""
    folder.mkdir()
    (folder / name).write_text(text)
    return folder


@contextmanager
def watching(act: Callable[[], bool]) -> Iterator[None]:
    """Call a function, which stands for the board's side, until it says that it is done."""
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set() and not act():
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()


def port_info(device: str, usb_id: str, serial: str = "") -> ListPortInfo:
    info = ListPortInfo(device)
    info.vid, info.pid = (int(part, 16) for part in usb_id.split(":"))
    info.serial_number = serial
    return info


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> list[ListPortInfo]:
    """Give the list of what the system says is connected."""
    found: list[ListPortInfo] = []
    monkeypatch.setattr(list_ports, "comports", lambda: list(found))
    return found


def probe_info(folder: Path) -> ListPortInfo:
    """Return an ST-LINK's port as pyserial tells of it on Linux, and its folder in sysfs."""
    (folder / "ttyACM0").touch()
    info = port_info(str(folder / "ttyACM0"), "0483:374b", "066EFF52")
    info.usb_device_path = str(folder)
    (folder / "busnum").write_text("3\n")
    (folder / "devnum").write_text("17\n")
    return info


def deny(denied: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the permission to open one file away."""
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, *rest: path != denied and allowed(path, *rest))


@contextmanager
def ptys(count: int) -> Iterator[list[tuple[int, str]]]:
    """Give ports, each with the end at which a board would hear."""
    pairs = [pty.openpty() for _ in range(count)]
    yield [(board, os.ttyname(port)) for board, port in pairs]
    for pair in pairs:
        for descriptor in pair:
            os.close(descriptor)


def touched(board: int, then: Callable[[], None]) -> Callable[[], bool]:
    """Return what a board does that looks for the touch at its end of a port."""
    seen: list[bool] = []

    def look() -> bool:
        if not seen and termios.tcgetattr(board)[5] == termios.B1200:
            then()
            seen.append(True)
        return bool(seen)

    return look


@contextmanager
def connected_nrf(folder: Path) -> Iterator[str]:
    """Give the port at which the image of a build folder answers, for boards with an nRF52."""
    record = read_record(folder)
    elf, board = folder / record.files["elf"], built_board(folder, record)
    with start_emulator("unicorn", elf, board, "hello_world_int8_invoke") as emulator:
        yield emulator.port


def flasher(folder: Path, name: str, ends: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program on the PATH that writes down its arguments, one a line."""
    words = folder / f"{name}.words"
    program = folder / name
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {words}\n{ends}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(folder))  # no Arduino's bossac is found there
    return words


def uf2_board(drive: Path, image: Path) -> Callable[[], bool]:
    """Leave as the bootloader does, when the last block is there."""

    def look() -> bool:
        there = drive / image.name
        if not there.exists() or there.stat().st_size < image.stat().st_size:
            return False
        (drive / "INFO_UF2.TXT").unlink()
        return True

    return look


def test_the_pico_takes_uf2_and_says_what_it_runs(
    built: Build, tinykit: Tinykit, tmp_path: Path
) -> None:
    folder = built("pico")
    drive = drive_of(tmp_path / "RPI-RP2", "INFO_UF2.TXT", INFO_UF2)

    with (
        connected(folder / "firmware.elf", find_board("pico")) as (port, _),
        watching(uf2_board(drive, folder / "firmware.uf2")),
    ):
        ended = tinykit("flash", folder, "--drive", drive, "--link", port)

    assert ended.status == 0, ended.err
    assert (drive / "firmware.uf2").read_bytes() == (folder / "firmware.uf2").read_bytes()
    assert f"runs build {read_record(folder).build_id}" in ended.err.replace("\n", " ")


def test_another_build_on_the_board_is_found_out(
    built: Build, tinykit: Tinykit, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = built("pico")
    other = shared_build(
        tmp_path_factory, "kws_int8", shared_model("kws_int8"), board=find_board("pico")
    )
    drive = drive_of(tmp_path / "RPI-RP2", "INFO_UF2.TXT", INFO_UF2)
    with (
        connected(other / "firmware.elf", find_board("pico")) as (port, _),
        watching(uf2_board(drive, folder / "firmware.uf2")),
    ):
        line, _ = tinykit.refuses("flash", folder, "--drive", drive, "--link", port, status=1)
    assert line.startswith("the board runs another model")


def test_a_drive_of_another_board_is_not_written_to(
    built: Build, tinykit: Tinykit, tmp_path: Path
) -> None:
    drive = drive_of(tmp_path / "XIAO-BOOT", "INFO_UF2.TXT", "Board-ID: nRF52840-SeeedXiao-v1\n")
    line, hint = tinykit.refuses("flash", built("pico"), "--drive", drive)
    assert line == (
        f"{drive} is no drive of Raspberry Pi Pico: it has no INFO_UF2.TXT that says "
        "'Board-ID: RPI-RP2'"
    )
    assert hint == "nothing was written to it"
    assert [path.name for path in drive.iterdir()] == ["INFO_UF2.TXT"]


def test_a_drive_that_stays_has_not_taken_the_image(built: Build, tmp_path: Path) -> None:
    drive = drive_of(tmp_path / "RPI-RP2", "INFO_UF2.TXT", INFO_UF2)
    with pytest.raises(CheckFailedError, match="is still there 0 s after all of firmware"):
        flash_drive.write(built("pico") / "firmware.uf2", drive, find_board("pico"), 0.3)


def test_what_daplink_complains_of_is_the_error(
    built: Build, tinykit: Tinykit, tmp_path: Path
) -> None:
    drive = drive_of(tmp_path / "MICROBIT", "DETAILS.TXT", "Unique ID: 9904360259764e45\r\n")

    def refuse() -> bool:
        if not (drive / "firmware.hex").exists():
            return False
        (drive / "FAIL.TXT").write_text("error: The hex file cannot be decoded.\r\ntype: user\r\n")
        return True

    with watching(refuse):
        line, hint = tinykit.refuses("flash", built("microbit_v2"), "--drive", drive, status=1)
    assert line == "the board refused the image: error: The hex file cannot be decoded."
    assert hint == "flash it again"


def test_the_two_editions_of_the_microbit_are_told_apart(tmp_path: Path) -> None:
    first, second = find_board("microbit").flasher, find_board("microbit_v2").flasher
    assert first is not None and first.drive is not None
    assert second is not None and second.drive is not None
    old = drive_of(tmp_path / "a", "DETAILS.TXT", "# DAPLink\nUnique ID: 9900000037024e45\n")
    new = drive_of(tmp_path / "b", "DETAILS.TXT", "# DAPLink\nUnique ID: 9906360259764e45\n")

    assert flash_drive.find_drives(first.drive, [old, new]) == [old]
    assert flash_drive.find_drives(second.drive, [old, new]) == [new]


def test_no_drive_and_two_drives_are_named(built: Build, tinykit: Tinykit, tmp_path: Path) -> None:
    line, hint = tinykit.refuses("flash", built("pico"), status=3)
    assert line == "no drive RPI-RP2 of Raspberry Pi Pico is mounted"
    assert hint.startswith("Hold BOOTSEL while you plug it in")

    two = [drive_of(tmp_path / name, "INFO_UF2.TXT", INFO_UF2) for name in ("a", "b")]
    with pytest.raises(TinykitError) as caught:
        flash_drive.choose_drive(find_board("pico"), None, two)
    assert caught.value.message == f"2 boards could be meant: {two[0]}, {two[1]}"
    assert caught.value.hint == "choose: --drive"


def test_a_drive_on_another_usb_device_is_refused(tmp_path: Path) -> None:
    drive = drive_of(tmp_path / "RPI-RP2", "INFO_UF2.TXT", INFO_UF2)
    number = drive.stat().st_dev
    usb = tmp_path / "sys" / "devices" / "usb1" / "1-4"
    (usb / "1-4:1.0" / "block" / "sdb").mkdir(parents=True)
    (usb / "idVendor").write_text("0781\n")
    (usb / "idProduct").write_text("5567\n")
    (tmp_path / "sys" / "dev" / "block").mkdir(parents=True)
    link = tmp_path / "sys" / "dev" / "block" / f"{os.major(number)}:{os.minor(number)}"
    link.symlink_to(usb / "1-4:1.0" / "block" / "sdb")

    with pytest.raises(TinykitError) as caught:
        flash_drive.refuse_other_device(find_board("pico"), drive, tmp_path / "sys")

    assert caught.value.message == (
        f"{drive} is on the USB device 0781:5567, Raspberry Pi Pico is 2e8a:0003"
    )
    (usb / "idVendor").write_text("2e8a\n")
    (usb / "idProduct").write_text("0003\n")
    flash_drive.refuse_other_device(find_board("pico"), drive, tmp_path / "sys")


def test_bossac_gets_the_bootloaders_port_after_the_touch(
    built: Build,
    tinykit: Tinykit,
    tmp_path: Path,
    plugged: list[ListPortInfo],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = flasher(tmp_path, "bossac", "exit 0", monkeypatch)
    with ptys(2) as ((running, port), (_, boot)):
        plugged.append(port_info(port, "2341:805a"))
        after = [port_info(boot, "2341:005a")]
        with watching(touched(running, lambda: plugged.__setitem__(slice(None), after))):
            ended = tinykit("flash", built("nano33"))

    assert ended.status == 0, ended.err
    assert words.read_text().split() == [
        "-d",
        f"--port={boot}",
        *("-U", "-i", "-e", "-w"),
        str(built("nano33") / "firmware.bin"),
        "-R",
    ]


def test_a_board_that_waits_already_is_not_the_one_that_was_touched(
    built: Build,
    tinykit: Tinykit,
    tmp_path: Path,
    plugged: list[ListPortInfo],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = flasher(tmp_path, "bossac", "exit 0", monkeypatch)
    with ptys(3) as ((running, port), (_, other), (_, boot)):
        plugged += [port_info(other, "2341:005a"), port_info(port, "2341:805a")]
        after = [plugged[0], port_info(boot, "2341:005a")]
        with watching(touched(running, lambda: plugged.__setitem__(slice(None), after))):
            ended = tinykit("flash", built("nano33"), "--port", port)

    assert ended.status == 0, ended.err
    assert f"--port={boot}" in words.read_text().split()


def test_the_bootloaders_port_must_be_open_to_the_user_too(
    built: Build,
    tinykit: Tinykit,
    tmp_path: Path,
    plugged: list[ListPortInfo],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = flasher(tmp_path, "bossac", "exit 0", monkeypatch)
    monkeypatch.setattr(flash_tool, "ACCESS_S", 0.3)
    with ptys(2) as ((running, port), (_, boot)):
        plugged.append(port_info(port, "2341:805a"))
        deny(boot, monkeypatch)
        after = [port_info(boot, "2341:005a")]
        with watching(touched(running, lambda: plugged.__setitem__(slice(None), after))):
            ended = tinykit("flash", built("nano33"))

    assert (ended.status, words.exists()) == (3, False)
    assert f"tinykit: no permission to open {boot}\n" in ended.err
    assert 'ATTRS{idProduct}=="005a"' in ended.err


def test_the_xiao_is_touched_and_gets_the_image_on_the_drive_that_appears(
    built: Build,
    tinykit: Tinykit,
    tmp_path: Path,
    plugged: list[ListPortInfo],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = built("xiao_nrf52840")
    other = drive_of(tmp_path / "other", "INFO_UF2.TXT", INFO_XIAO)
    drives = [other]
    monkeypatch.setattr(flash_drive, "mounted", lambda: list(drives))
    drive = tmp_path / "XIAO-BOOT"
    taken = uf2_board(drive, folder / "firmware.uf2")

    def start() -> None:
        drives.append(drive_of(drive, "INFO_UF2.TXT", INFO_XIAO))

    with ptys(1) as ((running, port),), connected_nrf(folder) as link:
        started = touched(running, start)
        plugged.append(port_info(port, "2886:8044"))
        with watching(lambda: started() and taken()):
            ended = tinykit("flash", folder, "--port", port, "--link", link)

    assert ended.status == 0, ended.err
    assert (drive / "firmware.uf2").read_bytes() == (folder / "firmware.uf2").read_bytes()
    assert [path.name for path in other.iterdir()] == ["INFO_UF2.TXT"]


def test_two_xiaos_and_one_without_permission_are_refused(
    built: Build, tinykit: Tinykit, plugged: list[ListPortInfo], monkeypatch: pytest.MonkeyPatch
) -> None:
    plugged += [port_info("/dev/ttyACM0", "2886:8044"), port_info("/dev/ttyACM1", "2886:8045")]
    line, hint = tinykit.refuses("flash", built("xiao_nrf52840"))
    assert line == "2 boards could be meant: /dev/ttyACM0 (2886:8044), /dev/ttyACM1 (2886:8045)"
    assert hint == "choose: --port"

    deny("/dev/ttyACM1", monkeypatch)
    ended = tinykit("flash", built("xiao_nrf52840"), "--port", "/dev/ttyACM1")
    assert ended.status == 3
    assert "tinykit: no permission to open /dev/ttyACM1\n" in ended.err
    assert 'ATTRS{idVendor}=="2886", ATTRS{idProduct}=="8045"' in ended.err


def test_a_probe_without_permission_comes_with_the_rule(
    built: Build,
    tinykit: Tinykit,
    tmp_path: Path,
    plugged: list[ListPortInfo],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """openocd needs the ST-LINK itself, which another file stands for than its port."""
    words = flasher(tmp_path, "openocd", "exit 0", monkeypatch)
    plugged.append(probe_info(tmp_path))
    deny("/dev/bus/usb/003/017", monkeypatch)

    ended = tinykit("flash", built("nucleo_l4r5zi"))

    assert (ended.status, words.exists()) == (3, False)
    assert "tinykit: no permission to open /dev/bus/usb/003/017\n" in ended.err


def test_a_port_of_another_device_is_not_written_to(
    built: Build,
    tinykit: Tinykit,
    tmp_path: Path,
    plugged: list[ListPortInfo],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = flasher(tmp_path, "bossac", "exit 0", monkeypatch)
    plugged.append(port_info("/dev/ttyUSB7", "0403:6001"))

    line, hint = tinykit.refuses("flash", built("nano33"), "--port", "/dev/ttyUSB7")
    assert line == (
        "/dev/ttyUSB7 (0403:6001) is no Arduino Nano 33 BLE, also Sense, which is "
        "2341:005a or 2341:805a"
    )
    assert hint == "nothing was written to it"
    line, _ = tinykit.refuses("flash", built("nano33"), "--port", "/dev/ttyS0")
    assert line == "/dev/ttyS0 is no USB serial port, nano33 is 2341:005a or 2341:805a"
    line, hint = tinykit.refuses("flash", built("nano33"), status=3)
    assert line.endswith("it is 2341:005a or 2341:805a, there is /dev/ttyUSB7 (0403:6001)")
    assert hint.startswith("Press the reset button twice")
    plugged += [port_info(f"/dev/ttyACM{i}", "2341:005a") for i in range(2)]
    line, hint = tinykit.refuses("flash", built("nano33"))
    assert line == ("2 boards could be meant: /dev/ttyACM0 (2341:005a), /dev/ttyACM1 (2341:005a)")
    assert (hint, words.exists()) == ("choose: --port", False)


def test_openocd_gets_the_serial_number_and_the_board_answers(
    built: Build,
    tinykit: Tinykit,
    tmp_path: Path,
    plugged: list[ListPortInfo],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = flasher(tmp_path, "openocd", "exit 0", monkeypatch)
    folder = built("nucleo_l4r5zi")
    with connected(folder / "firmware.elf", find_board("nucleo_l4r5zi")) as (port, _):
        plugged.append(port_info(port, "0483:374b", "066EFF52"))
        done = tinykit("flash", folder, "--json").json

    assert (done["board"], done["answered"]) == ("nucleo_l4r5zi", port)
    lines = words.read_text().splitlines()
    assert lines[2:4] == ["-c", "adapter serial 066EFF52"]
    assert lines[-1] == f"program {{{folder / 'firmware.hex'}}} verify reset exit"


@pytest.mark.parametrize(
    ("ends", "status", "line", "hint"),
    [
        (
            'echo "Error: init mode failed" >&2; echo "shutdown command invoked"; exit 1',
            1,
            "openocd ended with status 1: Error: init mode failed",
            "Plug the ST-LINK's USB port in. Then repeat",
        ),
        (
            'echo "Error: libusb_open() failed with LIBUSB_ERROR_ACCESS"; exit 1',
            3,
            "no permission to use ST NUCLEO-L4R5ZI",
            'ATTRS{idVendor}=="0483", ATTRS{idProduct}=="374b", TAG+="uaccess"',
        ),
    ],
)
def test_a_flasher_that_fails_is_quoted(
    built: Build,
    tinykit: Tinykit,
    tmp_path: Path,
    plugged: list[ListPortInfo],
    monkeypatch: pytest.MonkeyPatch,
    ends: str,
    status: int,
    line: str,
    hint: str,
) -> None:
    flasher(tmp_path, "openocd", ends, monkeypatch)
    port = tmp_path / "ttyACM0"
    port.touch()
    plugged.append(port_info(str(port), "0483:374b", "066EFF52"))

    ended = tinykit("flash", built("nucleo_l4r5zi"))

    assert ended.status == status
    assert f"tinykit: {line}\n" in ended.err
    assert hint in ended.err


@pytest.mark.skipif(shutil.which("openocd") is None, reason="openocd is not installed")
@pytest.mark.parametrize("name", ["nucleo_l4r5zi", "nucleo_u575zi_q"])
def test_openocd_itself_understands_the_words(
    name: str, built: Build, tinykit: Tinykit, tmp_path: Path, plugged: list[ListPortInfo]
) -> None:
    port = tmp_path / "ttyACM0"
    port.touch()
    plugged.append(port_info(str(port), find_board(name).usb.ids[0], "066EFF52"))

    line, hint = tinykit.refuses("flash", built(name), status=1)

    assert line == "openocd ended with status 1: Error: open failed"  # there is no such probe
    assert hint == "Plug the ST-LINK's USB port in. Then repeat"


def test_a_port_without_permission_comes_with_the_rule(
    built: Build,
    tinykit: Tinykit,
    tmp_path: Path,
    plugged: list[ListPortInfo],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = flasher(tmp_path, "bossac", "exit 0", monkeypatch)
    plugged.append(port_info("/dev/ttyACM0", "2341:005a"))
    deny("/dev/ttyACM0", monkeypatch)

    ended = tinykit("flash", built("nano33"))

    assert (ended.status, words.exists()) == (3, False)
    assert "tinykit: no permission to open /dev/ttyACM0\n" in ended.err
    assert '    SUBSYSTEMS=="usb", ATTRS{idVendor}=="2341", ATTRS{idProduct}=="005a"' in ended.err


def test_a_missing_flasher_is_named(
    built: Build,
    tinykit: Tinykit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    line, hint = tinykit.refuses("flash", built("nano33"), status=3)
    assert line == "bossac is not on the PATH"
    assert hint == "Arduino's own: arduino-cli core install arduino:mbed_nano"


def test_a_dry_run_prints_the_commands_and_does_nothing(
    built: Build,
    tinykit: Tinykit,
    tmp_path: Path,
    plugged: list[ListPortInfo],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = flasher(tmp_path, "openocd", "exit 0", monkeypatch)
    drive = drive_of(tmp_path / "RPI-RP2", "INFO_UF2.TXT", INFO_UF2)

    shown = tinykit("flash", built("nucleo_l4r5zi"), "--dry-run").out
    assert shown.startswith(f"{tmp_path}/openocd -f interface/stlink.cfg")
    assert '"adapter serial SERIAL"' in shown and not plugged
    copied = tinykit("flash", built("pico"), "--drive", drive, "--dry-run").out
    assert copied == f"cp {built('pico')}/firmware.uf2 {drive}/\n"
    assert [path.name for path in drive.iterdir()] == ["INFO_UF2.TXT"]
    assert not words.exists()


def test_a_dry_run_says_what_would_be_done_to_the_board_at_the_port(
    built: Build,
    tinykit: Tinykit,
    tmp_path: Path,
    plugged: list[ListPortInfo],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flasher(tmp_path, "bossac", "exit 0", monkeypatch)
    monkeypatch.setattr(sys, "platform", "linux")
    plugged += [port_info(f"/dev/ttyACM{i}", "2341:805a") for i in range(2)]
    plugged.append(port_info("/dev/ttyACM2", "2886:8044"))

    shown = tinykit("flash", built("nano33"), "--port", "/dev/ttyACM1", "--dry-run").out
    xiao = tinykit("flash", built("xiao_nrf52840"), "--dry-run").out

    image = built("nano33") / "firmware.bin"
    bossac = f"{tmp_path}/bossac -d --port=/dev/ttyACM1 -U -i -e -w {image} -R"
    assert shown.splitlines() == ["stty -F /dev/ttyACM1 1200", bossac]
    copy = f"cp {built('xiao_nrf52840')}/firmware.uf2 XIAO-BOOT/"
    assert xiao.splitlines() == ["stty -F /dev/ttyACM2 1200", copy]
    refused = {
        ("nano33",): "2 boards could be meant: /dev/ttyACM0 (2341:805a), /dev/ttyACM1 (2341:805a)",
        ("nano33", "--port", "/dev/ttyS9"): (
            "/dev/ttyS9 is no USB serial port, nano33 is 2341:005a or 2341:805a"
        ),
        ("xiao_nrf52840", "--port", "/dev/ttyACM0"): (
            "/dev/ttyACM0 (2341:805a) is no Seeed XIAO nRF52840, also Sense, which is "
            "2886:0044 or 2886:0045 or 2886:8044 or 2886:8045"
        ),
        ("pico", "--port", "/dev/ttyACM0"): (
            "/dev/ttyACM0 (2341:805a) is no Raspberry Pi Pico, which is 2e8a:0003"
        ),
    }
    for (name, *words), line in refused.items():
        assert tinykit.refuses("flash", built(name), *words, "--dry-run")[0] == line


def test_a_board_that_only_an_emulator_has_is_not_flashed(built: Build, tinykit: Tinykit) -> None:
    line, hint = tinykit.refuses("flash", built("qemu_an385"))
    assert line == "qemu_an385 exists in an emulator only"
    assert hint.endswith("--emulator qemu")
