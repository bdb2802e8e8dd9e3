"""Renode gets a platform, a script and a Robot test that say what the build is; then it agrees."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tiny
from commands import Tinykit, children, heed_interrupts, lives, network_sockets, shared_build
from models import shared_model

from tinykit.core.board import find_board, linked_by
from tinykit.core.errors import TinykitError
from tinykit.host import unicorn_emulator
from tinykit.host.build import BuildOptions
from tinykit.host.emulator import Cost
from tinykit.host.image import read_image
from tinykit.host.nrf52840_registers import INSTANCES
from tinykit.host.record import read_record
from tinykit.host.renode import RenodeEmulator, find_renode, profile_of_visits
from tinykit.host.renode_files import invoke_marks
from tinykit.host.session import start_for
from tinykit.host.split import find_split
from tinykit.host.toolchain import FIRMWARE

BOARD = linked_by(find_board("nano33"), "uart")
needs_renode = pytest.mark.skipif(
    shutil.which("renode", path=os.environ.get("RENODE_ROOT")) is None, reason="no Renode here"
)
STAND_IN = """#!{python}
# Takes Renode's options, makes the port and runs the image in unicorn.
import re, select, sys, time
from pathlib import Path
sys.path[:0] = {path!r}
from tinykit.core.board import find_board, linked_by
from tinykit.host.unicorn_emulator import UnicornEmulator

options, commands = sys.argv[1:5], sys.argv[6::2]
assert options == ["--console", "--disable-xwt", "--plain", "--hide-analyzers"], options
assert set(sys.argv[5::2]) == {{"-e"}} and commands[-1] == "start", commands
assert select.select([0], [], [], 0.2)[0] == [], "the console's input has come to its end"
script = Path(commands[0].removeprefix("include @"))
port = re.fullmatch(r'emulation CreateUartPtyTerminal "link" "(.+)" true', commands[1])[1]
assert commands[2] == "connector Connect sysbus.uart0 link"
{misbehave}
board = linked_by(find_board("nano33"), "uart")
with UnicornEmulator(script.parent / "firmware.elf", board) as emulator:
    Path(port).symlink_to(emulator.port)
    time.sleep(60)
"""


@pytest.fixture(scope="session")
def dense_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a build folder of a tiny dense network, linked by UART."""
    return shared_build(tmp_path_factory, "dense", tiny.dense(), board=BOARD)


@pytest.fixture(scope="session")
def image_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a build folder of a tiny convolution network, linked by UART."""
    return shared_build(tmp_path_factory, "image", tiny.image(), board=BOARD)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program called renode into a folder, and name that folder."""
    pytest.importorskip("unicorn")
    return write_stand_in(tmp_path, monkeypatch, "")


def write_stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, misbehave: str) -> Path:
    program = folder / "renode"
    text = STAND_IN.format(python=sys.executable, path=sys.path, misbehave=misbehave)
    program.write_text(text)
    program.chmod(0o755)
    monkeypatch.setenv("RENODE_ROOT", str(folder))
    return program


def test_the_script_hooks_every_kernel_of_the_model(image_build: Path) -> None:
    elf = image_build / "firmware.elf"
    invoke = find_split(elf, "image_invoke").caller
    marks = invoke_marks(read_image(elf), "image_invoke")
    script = (image_build / "renode.resc").read_text()

    assert [
        int(mark, 16) for mark in re.findall(r"^cpu AddHook (0x\w+) \"cpu.Log", script, re.M)
    ] == marks
    assert marks[0] == invoke.start and all(mark in invoke[1:] for mark in marks[1:-1])
    assert marks[-1] not in invoke
    assert "cpu VectorTableOffset 0x00010000\n" in script
    assert 'emulation SetGlobalQuantum "0.01"\n' in script
    assert "sysbus LoadELF $ORIGIN/firmware.elf\n" in script


def test_the_core_tells_the_time_before_a_timer_is_read(image_build: Path) -> None:
    timer = read_image(image_build / "firmware.elf").symbol("tk_chip_time_us").address
    assert f'cpu AddHook {timer:#010x} "pass"\n' in (image_build / "renode.resc").read_text()


@pytest.mark.parametrize("app", ["sleep", "none"])
def test_an_image_without_a_link_runs_in_renode_too(
    app: str, tinykit: Tinykit, stand_in: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = shared_build(tmp_path_factory, "dense", tiny.dense(), BuildOptions(app=app), BOARD)
    assert {path.name for path in folder.glob("renode*")} == {"renode.repl", "renode.resc"}
    assert "tinykit {0}" not in (folder / "renode.resc").read_text()
    assert "emulate nano33 --emulator renode" in (folder / "README.md").read_text()
    with start_for(folder, read_record(folder), "renode") as running:
        assert Path(running.port).is_char_device()


def test_a_board_that_is_a_usb_device_is_not_for_renode(
    tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    board = linked_by(BOARD, "usb")
    folder = shared_build(tmp_path_factory, "dense", tiny.dense(), board=board)
    assert not list(folder.glob("renode*"))
    assert "renode" not in (folder / "README.md").read_text()
    line, hint = tinykit.refuses("verify", folder, "--emulator", "renode")
    assert line == "Renode has no USB device, over which this build for nano33 is linked"
    assert hint == "tinykit build --link uart, or --emulator unicorn"


def test_the_platform_has_what_the_chip_has_where_it_has_it() -> None:
    text = (FIRMWARE / "chips" / "nrf52840.repl").read_text()
    entries = re.split(r"\n\n+", re.sub(r"//.*\n", "", text).strip())
    names = {entry.partition(":")[0] for entry in entries}
    for entry in entries:
        head, *rest = entry.splitlines()
        assert re.fullmatch(r"sysbus:|\w+: \w+\.\w+ @ sysbus(?: 0x[0-9A-F]{8})?", head), head
        for line in rest:
            assert re.fullmatch(r"    (?:\w+: \S+|-> \w+@\d+|init:|    SilenceRange <.*>)", line)
        base = re.search(r"@ sysbus (0x4\w+)", head)
        connected = re.search(r"-> nvic@(\d+)", entry)
        if base is not None:
            assert int(base[1], 16) in INSTANCES
            assert connected is not None and int(connected[1]) == int(base[1], 16) >> 12 & 0x3F
        for target in re.findall(r"-> (\w+)@|: (gpio\d|nvic)$", entry, re.M):
            assert set(target) & names
    assert "http" not in text and "ApplySVD" not in text


def test_the_robot_test_is_one(image_build: Path, tmp_path: Path) -> None:
    pytest.importorskip("robot")
    command = [sys.executable, "-m", "robot", "--dryrun", "--log", "NONE", "--report", "NONE"]
    done = subprocess.run(
        [*command, "--output", "NONE", image_build / "renode.robot"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    # renode-test itself brings these two
    unknown = set(re.findall(r"No keyword with name '(.+)' found", done.stdout))
    assert unknown == {"Execute Command", "Start Emulation"}, done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("model", ["hello_world_int8", "kws_int8"])
def test_the_firmware_gets_every_byte_from_a_serial_port_like_renode_s(
    model: str,
    tinykit: Tinykit,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("unicorn")
    folder = shared_build(tmp_path_factory, model, shared_model(model), board=BOARD)
    monkeypatch.setitem(unicorn_emulator.CHIPS, "nrf52840", "renode_uarte")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    report = tinykit("verify", folder, "-e", "unicorn", "--inputs", "3", "--json").json
    assert (report["inputs"], report["mismatches"]) == (3, 0)


def test_visits_become_layers() -> None:
    visits = [(100, 1000), (110, 1300), (120, 1350), (50, 1352)]

    assert profile_of_visits(visits, ends_in_call=True).layers == tuple(
        Cost(count, None, None) for count in (300, 50, 2)
    )
    ended = profile_of_visits(visits, ends_in_call=False)
    assert ended.layers == (Cost(300, None, None), Cost(52, None, None))
    assert ended.total == Cost(352, None, None)


def test_a_missing_renode_is_named(
    tinykit: Tinykit, dense_build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENODE_ROOT", "/nonexistent")
    line, hint = tinykit.refuses("emulate", dense_build, "-e", "renode", status=3)
    assert line == "renode is not in $RENODE_ROOT (/nonexistent)"
    assert "github.com/renode/renode/releases" in hint


def test_verify_talks_to_the_port_that_renode_makes(
    stand_in: Path, tinykit: Tinykit, dense_build: Path
) -> None:
    report = tinykit("verify", dense_build, "-e", "renode", "--inputs", "3", "--json").json
    assert (report["mismatches"], report["place"]) == (0, "renode emulator")


@pytest.mark.parametrize(
    ("misbehave", "message"),
    [
        ("print('Could not find file renode.resc'); time.sleep(60)", "Could not find"),
        ("print('There was an error executing command'); time.sleep(60)", "There was an error"),
        ("sys.exit(0)", "ended unexpectedly"),
    ],
)
def test_a_script_that_fails_is_an_error(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tinykit: Tinykit,
    dense_build: Path,
    misbehave: str,
    message: str,
) -> None:
    misbehave = misbehave.replace("')", "', flush=True)")
    write_stand_in(tmp_path, monkeypatch, misbehave)
    line, _ = tinykit.refuses("verify", dense_build, "-e", "renode", status=1)
    assert message in line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_neither_guard_nor_renode_outlives_its_parent(
    stand_in: Path, dense_build: Path, number: signal.Signals
) -> None:
    code = (
        "import sys, time; from pathlib import Path; from tinykit.core.board import find_board;"
        "from tinykit.host.renode import RenodeEmulator;"
        "running = RenodeEmulator(Path(sys.argv[1]), find_board('nano33'), 'dense_invoke');"
        "print(running.pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(dense_build / "firmware.elf")]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=heed_interrupts,
    ) as parent:
        assert parent.stdout is not None
        guard = int(parent.stdout.readline())
        (renode,) = children(guard, "renode")
        parent.send_signal(number)
        parent.wait(10)
    deadline = time.monotonic() + 10
    while (lives(guard) or lives(renode)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not lives(guard) and not lives(renode)


@needs_renode
@pytest.mark.parametrize("model", ["hello_world_int8", "kws_int8"])
def test_renode_and_unicorn_agree(
    model: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = shared_build(tmp_path_factory, model, shared_model(model), board=BOARD)
    counts = {}
    for emulator in ("unicorn", "renode"):
        report = tinykit("bench", folder, "-e", emulator, "--inputs", "3", "--json").json
        assert report["exact"]["mismatches"] == 0
        counts[emulator] = report["instructions"]
    # a hook may be called a few instructions beside the place where unicorn counts
    assert counts["renode"] == pytest.approx(counts["unicorn"], rel=0.001, abs=8)


@needs_renode
def test_renode_opens_no_port(dense_build: Path) -> None:
    with RenodeEmulator(dense_build / "firmware.elf", BOARD, "dense_invoke") as emulator:
        (renode,) = children(emulator.pid, "renode")
        assert not network_sockets(renode)


@needs_renode
def test_the_robot_test_passes_in_renode(dense_build: Path, tmp_path: Path) -> None:
    subprocess.run(
        [find_renode("renode-test"), "--variable", "INPUTS:3", dense_build / "renode.robot"],
        cwd=tmp_path,
        check=True,
    )


def test_a_build_without_the_script_says_so(tmp_path: Path, stand_in: Path) -> None:
    elf = tmp_path / "firmware.elf"
    elf.write_bytes(tiny.dense())
    with pytest.raises(TinykitError, match=r"renode\.resc is missing"):
        RenodeEmulator(elf, BOARD, "dense_invoke")
