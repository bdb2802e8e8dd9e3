"""The self-test of a board finds one in order in the emulator, and says what is not."""

import json
import os
from pathlib import Path

import pytest
from acceptance_model import acceptance_model
from commands import Tinykit
from serial.tools import list_ports

from tinykit.core import oracle
from tinykit.core.board import find_board
from tinykit.core.errors import CheckFailedError
from tinykit.host import acceptance
from tinykit.host.acceptance import CHECKS, MODEL, SCHEMA, Run
from tinykit.host.find_port import UsbPort, own_ports
from tinykit.host.version import VERSION

NAMES = [
    "the trace image is flashed",
    "every activation is the oracle's",
    "the stream image is flashed",
    "it says who it is",
    *CHECKS,
]


def test_model_in_the_package_is_the_one_that_is_made_here() -> None:
    if os.environ.get("TINYKIT_GOLDEN") == "write":
        MODEL.write_bytes(acceptance_model())
    assert MODEL.read_bytes() == acceptance_model(), "if it is meant: make golden"


def test_emulated_board_is_accepted(tinykit: Tinykit, tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    path = tmp_path / "report.json"
    words = ("verify", "--acceptance", "--board", "nano33", "--emulator", "unicorn", "-o", path)

    ended = tinykit(*words, "--json")

    assert ended.status == 0, ended
    report = ended.json
    assert report == json.loads(path.read_text())
    assert (report["schema"], report["tinykit"], report["ok"]) == (SCHEMA, VERSION, True)
    assert (report["board"], report["place"]) == ("nano33", "unicorn emulator")
    checks = {check["name"]: check for check in report["checks"]}
    assert list(checks) == NAMES
    outcomes = [check["outcome"] for check in report["checks"]]
    assert outcomes == ["skipped", "ok", "skipped", *["ok"] * (len(NAMES) - 3)]
    hello = checks["it says who it is"]["figures"]
    assert (hello["digest"], hello["clock_hz"]) == (report["digest"], 64_000_000)
    answers = checks["every answer is the oracle's"]["figures"]
    assert answers["oracle"] == ("tflm" if oracle.available() else "reference")
    assert checks["it infers without a break"]["figures"]["forward_share"] > 0.85
    assert checks["its stack holds and nothing reset it"]["figures"]["stack_used_bytes"] > 0
    markdown = path.with_suffix(".md").read_text()
    assert all(name in markdown for name in NAMES)
    assert "| result | accepted |" in markdown

    line, _ = tinykit.refuses(*words)
    assert line == f"{path} exists"


def test_board_that_is_not_there_is_not_accepted(tinykit: Tinykit, tmp_path: Path) -> None:
    if any(info.vid is not None for info in list_ports.comports()):
        pytest.skip("a USB serial port is connected")
    path = tmp_path / "report.json"

    ended = tinykit("verify", "--acceptance", "--board", "microbit_v2", "-o", path)

    report = json.loads(path.read_text())
    outcomes = [check["outcome"] for check in report["checks"]]
    assert (ended.status, report["ok"]) == (1, False)
    assert outcomes == ["failed", *["skipped"] * (len(NAMES) - 1)]
    assert "1 of 9 checks failed: the trace image is flashed" in ended.err
    assert "not accepted" in path.with_suffix(".md").read_text()


def test_check_that_fails_says_why_and_the_others_go_on() -> None:
    run = Run(lambda _text: None)

    def fail() -> acceptance.Figures:
        raise CheckFailedError("3 of 5 inputs differ", "report it")

    assert run.check("answers", fail) == {}
    assert run.check("stack", lambda: {"bytes": 5}) == {"bytes": 5}
    run.need("hello", fail)
    run.check("soak", lambda: {"never": 1})

    assert [check.outcome for check in run.checks] == ["failed", "ok", "failed", "skipped"]
    assert run.checks[0].why == "3 of 5 inputs differ; report it"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "no board is given"),
        (("--board", "nano34"), "no board 'nano34'"),
        (("build", "--board", "nano33"), "--acceptance builds images of its own"),
        (("--board", "nano33", "-o", "report.txt"), "report.txt is no name of a .json file"),
        (("--board", "microbit", "-e", "unicorn"), "microbit has no emulator 'unicorn'"),
    ],
)
def test_what_cannot_be_tried_is_refused(
    words: tuple[str, ...],
    message: str,
    tinykit: Tinykit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    line, _ = tinykit.refuses("verify", "--acceptance", *words)
    assert line.startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_adapter_is_told_from_the_board_s_own_port() -> None:
    ports = [UsbPort("/dev/ttyACM0", "2341:805a", ""), UsbPort("/dev/ttyUSB0", "0403:6001", "")]
    assert own_ports(find_board("nano33"), ports) == ["/dev/ttyACM0"]
    assert own_ports(find_board("pico"), ports) == []
