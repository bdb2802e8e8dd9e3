"""QEMU's boards answer as the oracle does, and QEMU and unicorn count the same instructions."""

import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tiny
from commands import (
    BOARD,
    TOOLCHAINS,
    Tinykit,
    children,
    copied,
    lives,
    needs_gcc,
    network_sockets,
    shared_build,
)
from firmware_image import STUB_MODEL, build_stub
from models import ROOT, shared_model

from tinykit.core.board import Board, board_paths, find_board, load_board
from tinykit.core.errors import MissingToolError
from tinykit.host.build import BuildOptions
from tinykit.host.emulator import EmulationError
from tinykit.host.image import read_image
from tinykit.host.link import FaultError, Link
from tinykit.host.qemu import QemuEmulator
from tinykit.host.toolchain import find_toolchain

BOARDS = {
    board.name: board
    for board in (load_board(path) for path in board_paths().values())
    if "qemu" in board.emulators
}


def marked(board: Board) -> object:
    """Return a board's name, skipped visibly where its QEMU is not installed."""
    program = "qemu-system-riscv32" if board.core == "riscv32" else "qemu-system-arm"
    missing = pytest.mark.skipif(shutil.which(program) is None, reason=f"no {program} here")
    return pytest.param(board.name, marks=missing)


def soaked(model: str) -> object:
    """Return a model's name for make soak."""
    return pytest.param(model, marks=pytest.mark.soak)


OTHERS = ("ad01_int8", "micro_speech_int8", "resnet8_int8", "vww_int8")
RISCV_GCC = "riscv64-unknown-elf-gcc"
ALL = [marked(board) for board in BOARDS.values()]
AN547 = [marked(BOARDS["qemu_an547"])]
AN386 = [marked(BOARDS["qemu_an386"])]
FAST_AND_SMALL = [marked(BOARDS[name]) for name in ("qemu_an386", "microbit")]
LIMITS = tomllib.loads((ROOT / "tests" / "limits.toml").read_text())["qemu"]


@pytest.mark.parametrize("name", ALL)
def test_every_board_verifies(
    name: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = shared_model("hello_world_int8")
    folder = shared_build(tmp_path_factory, "hello_world_int8", model, board=BOARDS[name])

    report = tinykit("verify", folder, "--emulator", "qemu", "--inputs", "5", "--json").json

    assert (report["inputs"], report["mismatches"], report["board"]) == (5, 0, name)
    assert report["place"] == "qemu emulator"


@needs_gcc
@pytest.mark.parametrize("name", AN547)
def test_a_larger_model_verifies_as_gcc_compiles_it(
    name: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    options = BuildOptions(toolchain="gcc")
    model = shared_model("kws_int8")
    folder = shared_build(tmp_path_factory, "kws_int8", model, options, BOARDS[name])

    report = tinykit("verify", folder, "-e", "qemu", "--inputs", "1", "--json").json

    assert (report["inputs"], report["mismatches"]) == (1, 0)


@pytest.mark.parametrize("name", FAST_AND_SMALL)
def test_a_larger_model_verifies_and_its_layers_add_up(
    name: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = shared_model("kws_int8")
    folder = shared_build(tmp_path_factory, "kws_int8", model, board=BOARDS[name])

    report = tinykit("bench", folder, "--inputs", "3", "--json").json

    assert report["exact"] == {"oracle": "tflm", "inputs": 3, "mismatches": 0}
    assert (report["cycles_estimate"], report["cycles_source"]) == (None, None)
    layers = report["layers"]
    assert sum(layer["instructions"] for layer in layers) == report["instructions"]
    assert all(layer["instructions"] >= layer["macs"] / 2 for layer in layers)


@pytest.mark.parametrize("name", AN386)
def test_a_profile_tells_layers_and_that_it_cannot_tell_functions(
    name: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = shared_model("hello_world_int8")
    folder = shared_build(tmp_path_factory, "hello_world_int8", model, board=BOARDS[name])

    ended = tinykit("bench", folder, "--inputs", "1", "--profile")

    assert ended.status == 0, ended.err
    assert "dense_1" in ended.out and "%" in ended.out
    assert "functions: told apart in unicorn only" in ended.out


@pytest.mark.parametrize("name", [marked(BOARDS[name]) for name in LIMITS["kws_int8"]])
def test_cost_without_dsp_instructions_is_what_was_reached(
    name: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = shared_model("kws_int8")
    folder = shared_build(tmp_path_factory, "kws_int8", model, board=BOARDS[name])

    found = tinykit("bench", folder, "--inputs", "1", "--json").json["instructions"]

    most = LIMITS["kws_int8"][name]
    assert most * 0.99 <= found <= most, f"tests/limits.toml: {name} = {found:_}"


@pytest.mark.parametrize("name", AN386)
@pytest.mark.parametrize("model", ["hello_world_int8", "kws_int8", *map(soaked, OTHERS)])
def test_qemu_and_unicorn_count_the_same(
    name: str, model: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip("unicorn")
    counts = []
    for board in (BOARD, BOARDS[name]):  # one core, so the model's functions are the same code
        folder = shared_build(tmp_path_factory, model, shared_model(model), board=board)
        report = tinykit("bench", folder, "--inputs", "1", "--json").json
        layers = [(layer["instructions"], layer["stack_bytes"]) for layer in report["layers"]]
        counts.append((report["instructions"], report["ram"]["stack"], layers))

    assert counts[0] == counts[1]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_inputs_of_several_frames_come_back_computed(
    name: str, toolchain: str, tmp_path: Path
) -> None:
    with running_stub(name, toolchain, tmp_path) as (_, link):
        hello = link.hello()
        assert (hello.board, hello.clock_hz) == (name, BOARDS[name].clock_hz)
        for seed in range(3):
            data = np.random.default_rng(seed).integers(0, 256, 600, np.uint8)
            assert link.infer(data.tobytes()).output == (~data + np.uint8(2)).tobytes()


INVOKE = "static void invoke(void)\n{\n"


@pytest.mark.parametrize("name", ALL)
def test_a_fault_is_reported_over_the_link(name: str, tmp_path: Path) -> None:
    statement = '__asm__ volatile(".2byte 0xde00");'  # udf #0; no instruction of RISC-V either
    if BOARDS[name].core == "riscv32":
        statement = '__asm__ volatile("unimp");'
    model = STUB_MODEL.read_text().replace(INVOKE, f"{INVOKE}    {statement}\n")
    with running_stub(name, "zig", tmp_path, model) as (elf, link):
        link.hello()
        with pytest.raises(FaultError) as error:
            link.infer(bytes(600))
        assert link.hello().board == name

    invoke = read_image(elf).symbol("invoke")
    pc = int(error.value.message.partition("pc 0x")[2][:8], 16)
    assert invoke.address <= pc < invoke.address + invoke.bytes


@contextmanager
def running_stub(
    name: str, toolchain: str, work: Path, model: str | None = None
) -> Iterator[tuple[Path, Link]]:
    """Run the stub model in QEMU."""
    board = BOARDS[name]
    if toolchain == "gcc" and board.core == "riscv32" and shutil.which(RISCV_GCC) is None:
        pytest.skip(f"no {RISCV_GCC} here")
    elf = build_stub(find_toolchain(toolchain, board.core), board, work, model)
    with QemuEmulator(elf, board, "invoke") as emulator, Link(emulator.port) as link:
        yield elf, link


@pytest.mark.parametrize("name", AN386)
def test_what_qemu_complains_of_is_the_error(name: str, tmp_path: Path) -> None:
    bad = "*(volatile uint32_t *)0x40004100u = 1;"  # no register of the UART
    model = STUB_MODEL.read_text().replace(INVOKE, f"{INVOKE}    {bad}\n")

    with (
        pytest.raises(EmulationError, match="CMSDK APB UART write: bad offset 0x100"),
        running_stub(name, "zig", tmp_path, model) as (_, link),
    ):
        link.infer(bytes(600))


@pytest.mark.parametrize("name", [marked(BOARDS["microbit"])])
def test_a_count_that_would_be_wrong_is_refused(name: str, tmp_path: Path) -> None:
    loop = '__asm__ volatile("ldr r3, =3000000\\n1: subs r3, #1\\nbne 1b\\n" ::: "r3", "cc");'
    model = STUB_MODEL.read_text().replace(INVOKE, f"{INVOKE}    {loop * 2}\n")
    elf = build_stub(find_toolchain("zig"), BOARDS[name], tmp_path, model)
    with QemuEmulator(elf, BOARDS[name], "invoke") as emulator, Link(emulator.port) as link:
        link.hello()
        with pytest.raises(EmulationError, match="more than the 8 192 000 instructions"):
            emulator.profiled(lambda: link.infer(bytes(600)))


@pytest.mark.parametrize("name", AN386)
def test_trace_builds_find_a_wrong_layer(
    name: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = shared_build(tmp_path_factory, "image", tiny.image(), board=BOARDS[name])

    report = tinykit("verify", folder, "-e", "qemu", "--layers", "--inputs", "2", "--json").json

    assert (report["mismatches"], report["layers"] > 1) == (0, True)


PARENT = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from tinykit.core.board import find_board
from tinykit.host.link import Link
from tinykit.host.qemu import QemuEmulator
with QemuEmulator(Path(sys.argv[1]), find_board("qemu_an386"), "invoke") as emulator:
    with Link(emulator.port) as link:
        link.hello()
    print(emulator.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("name", AN386)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_neither_guard_nor_qemu_outlives_its_parent(
    name: str, number: signal.Signals, tmp_path: Path
) -> None:
    elf = build_stub(find_toolchain("zig"), BOARDS[name], tmp_path)
    command = [sys.executable, "-c", PARENT, str(elf)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        guard = int(parent.stdout.readline())
        (qemu,) = children(guard, "qemu-system-arm")
        parent.send_signal(number)
        parent.wait(10)

    deadline = time.monotonic() + 10
    while (lives(guard) or lives(qemu)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not lives(guard) and not lives(qemu)


@pytest.mark.parametrize("name", AN386)
def test_qemu_opens_no_port(name: str, tmp_path: Path) -> None:
    elf = build_stub(find_toolchain("zig"), BOARDS[name], tmp_path)
    with QemuEmulator(elf, BOARDS[name], "invoke") as emulator, Link(emulator.port) as link:
        link.hello()
        (qemu,) = children(emulator.pid, "qemu-system-arm")
        opened = {str(path.readlink()) for path in Path(f"/proc/{qemu}/fd").iterdir()}
        assert any(name.startswith("socket:") for name in opened)  # the debugger's, without a name
        assert not network_sockets(qemu)


def test_a_missing_qemu_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = find_board("qemu_an386")
    elf = build_stub(find_toolchain("zig"), board, tmp_path)
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(MissingToolError) as caught:
        QemuEmulator(elf, board, "invoke")

    assert caught.value.message == "qemu-system-arm is not on the PATH"
    assert caught.value.hint == "apt install qemu-system-arm"


def test_a_missing_compiler_for_riscv_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(MissingToolError) as caught:
        find_toolchain("gcc", "riscv32")

    assert caught.value.message == "riscv64-unknown-elf-gcc is not on the PATH"
    assert caught.value.hint.endswith("or use --toolchain zig")


def test_a_board_without_that_emulator_names_its_own(
    tinykit: Tinykit, dense_build: Path, tmp_path: Path
) -> None:
    line, hint = tinykit.refuses("verify", copied(dense_build, tmp_path / "b"), "-e", "qemu")
    assert line == "nano33 has no emulator 'qemu'"
    assert hint == "it has: unicorn, renode"
