"""tinykit doctor: what is installed and connected here, and what would be missing elsewhere."""

import os
import shutil
from importlib import metadata
from pathlib import Path

import pytest
from commands import Tinykit
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo


def test_everything_is_looked_for_and_told_what_for(tinykit: Tinykit) -> None:
    found = tinykit("doctor", "--json").json
    software = {each["what"]: each for each in found["software"]}

    assert software["ziglang"]["required"] and software["ziglang"]["found"]
    assert software.keys() >= {
        *("tflite-micro", "unicorn", "capstone", "tensorflow", "renode", "TFLite Micro tree"),
        *("arm-none-eabi-gcc", "qemu-system-arm", "qemu-system-riscv32", "bossac", "openocd"),
    }
    for each in found["software"]:
        assert each["needed_for"] and each["get"]
    assert software["qemu-system-arm"]["found"] == shutil.which("qemu-system-arm")


def test_what_is_missing_comes_with_how_to_get_it(
    tinykit: Tinykit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RENODE_ROOT", raising=False)

    out = " ".join(tinykit("doctor").out.split())

    missing = out.partition("missing needed for how to get it")[2]
    assert "openocd flash nucleo_l4r5zi," in missing
    assert "apt install qemu-system-arm" in missing
    assert "Arduino's own: arduino-cli" in missing


def test_without_the_compiler_it_ends_with_status_3(
    tinykit: Tinykit, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = metadata.version

    def without_zig(name: str) -> str:
        if name == "ziglang":
            raise metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr("tinykit.host.doctor.version", without_zig)
    ended = tinykit("doctor")
    assert ended.status == 3
    assert "tinykit: ziglang is not installed\n  hint: pip install ziglang==0.17.1" in ended.err


def test_ports_are_told_with_their_boards_and_permissions(
    tinykit: Tinykit, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = []
    for name, vid, pid in (("ACM0", 0x0D28, 0x0204), ("ACM1", 0x2341, 0x5A), ("USB0", 0x0403, 1)):
        ports.append(ListPortInfo(f"/dev/tty{name}"))
        ports[-1].vid, ports[-1].pid = vid, pid
    monkeypatch.setattr(list_ports, "comports", lambda: ports)
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "ACM1" in str(path) or allowed(path, mode))

    connected = {each["what"]: each for each in tinykit("doctor", "--json").json["connected"]}

    microbit = connected["/dev/ttyACM0 (0d28:0204)"]
    assert (microbit["needed_for"], microbit["found"]) == ("microbit or microbit_v2", None)
    assert microbit["get"].startswith("no permission to open /dev/ttyACM0: write these lines into")
    assert 'ATTRS{idVendor}=="0d28", ATTRS{idProduct}=="0204"' in microbit["get"]
    nano33 = connected["/dev/ttyACM1 (2341:005a)"]
    assert (nano33["needed_for"], nano33["get"]) == ("nano33", "")
    assert "serial adapter" in connected["/dev/ttyUSB0 (0403:0001)"]["needed_for"]


def test_rules_are_lines_to_copy_and_a_probe_must_be_open_too(
    tinykit: Tinykit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = ListPortInfo("/dev/null")  # is there, and may be opened
    port.vid, port.pid, port.usb_device_path = 0x0483, 0x374B, str(tmp_path)
    (tmp_path / "busnum").write_text("3\n")
    (tmp_path / "devnum").write_text("17\n")
    monkeypatch.setattr(list_ports, "comports", lambda: [port])
    allowed = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: "/dev/bus" not in str(path) and allowed(path, mode)
    )

    out = tinykit("doctor").out

    assert "no permission: see below" in " ".join(out.split())
    assert f"{port.device} (0483:374b): no permission to open /dev/bus/usb/003/017: " in out
    rule = 'SUBSYSTEMS=="usb", ATTRS{idVendor}=="0483", ATTRS{idProduct}=="374b", TAG+="uaccess"'
    assert f"\n    {rule}\n" in out
