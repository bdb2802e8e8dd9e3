"""A board image answers as TFLite Micro does, and what is wrong is found and said."""

import contextlib
import csv
import json
import os
import pty
import re
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tiny
from batch import draw_cases
from cases import STRATEGIES
from commands import BOARD, COMMAND, Tinykit, children, copied, shared_build, spawn
from flat import to_bytes
from models import compiled, shared_model
from serial.tools import list_ports
from test_link import behind_port

from tinykit.codegen import reference
from tinykit.codegen.importer import import_tflite
from tinykit.codegen.layer import LowerOptions
from tinykit.host.build import BuildOptions, build
from tinykit.host.frame import VERSION
from tinykit.host.record import read_record

pytest.importorskip("unicorn")
EMULATED = ("--emulator", "unicorn")


@pytest.fixture(scope="session")
def hello_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = shared_model("hello_world_int8")
    return shared_build(tmp_path_factory, "hello_world_int8", data)


def save(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


@contextlib.contextmanager
def emulated(folder: Path) -> Iterator[str]:
    """Give the port of a board that runs a build folder's image."""
    process = spawn("emulate", folder, "--json")
    assert process.stdout is not None
    try:
        yield str(json.loads(process.stdout.readline())["port"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def test_hello_world_answers_all_256_inputs_as_tflm(
    tinykit: Tinykit, hello_world: Path, tmp_path: Path
) -> None:
    data = save(tmp_path / "all.npz", x=np.arange(-128, 128).astype(np.int8).reshape(256, 1))
    report = tinykit("verify", hello_world, *EMULATED, "--data", data, "--json").json
    assert (report["inputs"], report["mismatches"], report["oracle"]) == (256, 0, "tflm")
    assert (report["source"], report["first"], report["layers"]) == ("data", None, 0)
    latency = report["latency"]
    assert 0 < latency["minimum_us"] <= latency["median_us"] <= latency["maximum_us"]


@pytest.mark.parametrize("name", ["ad01_int8", "kws_int8"])
def test_shared_models_answer_random_inputs_as_tflm(
    tinykit: Tinykit, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = shared_build(tmp_path_factory, name, shared_model(name))
    ended = tinykit("verify", folder, *EMULATED, "--inputs", "20", "--seed", "7", "--json")
    report = ended.json
    assert (ended.status, report["inputs"], report["mismatches"]) == (0, 20, 0)
    assert (report["oracle"], report["source"]) == ("tflm", "random")


@pytest.mark.parametrize("name", tiny.TINY)
def test_every_activation_of_tiny_models_equals_tflm(
    tinykit: Tinykit, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = shared_build(tmp_path_factory, name, tiny.TINY[name]())
    report = tinykit("verify", folder, *EMULATED, "--layers", "--json").json
    plan = json.loads((folder / "plan.json").read_text())
    assert report["layers"] == len(plan["layers"])
    assert (report["inputs"], report["mismatches"], report["oracle"]) == (20, 0, "tflm")


def test_every_activation_of_hello_world_equals_tflm(tinykit: Tinykit, hello_world: Path) -> None:
    report = tinykit("verify", hello_world, *EMULATED, "--layers", "--json").json
    assert (report["layers"], report["mismatches"], report["oracle"]) == (3, 0, "tflm")


def test_accuracy_is_counted_on_the_board(
    tinykit: Tinykit, dense_build: Path, tmp_path: Path
) -> None:
    data = labelled(tmp_path / "d.npz")
    report = tinykit("verify", dense_build, *EMULATED, "--data", data, "--json").json
    assert report["mismatches"] == 0
    assert (report["score"]["metric"], report["score"]["value"]) == ("accuracy", 0.75)


def labelled(path: Path) -> Path:
    """Write 12 inputs of the dense model, the first three of which have a wrong label."""
    x = np.random.default_rng(0).integers(-128, 128, (12, 40)).astype(np.int8)
    graph = import_tflite(tiny.dense(), "dense.tflite")
    y = reference.run_batch(graph, [x])[0].reshape(12, 3).argmax(axis=1)
    y[:3] = (y[:3] + 1) % 3
    return save(path, x=x, y=y, labels=np.array(["cat", "dog", "owl"]))


def test_report_says_who_answered_and_what_was_used(
    tinykit: Tinykit, dense_build: Path, tmp_path: Path
) -> None:
    record = read_record(dense_build)
    words = ("verify", dense_build, *EMULATED, "--data", labelled(tmp_path / "d.npz"))
    report = tinykit(*words, "--json").json

    assert report["answering"] == {
        "protocol": VERSION,
        "digest": record.digest,
        "build_id": record.build_id,
        "board": "nano33",
        "app": "stream",
        "clock_hz": 64_000_000,
    }
    memory = report["memory"]
    assert memory["arena_bytes"] == record.sizes.arena
    assert 0 < memory["stack_used_bytes"] <= memory["stack_bytes"] == record.sizes.stack
    assert (report["reset_reasons"], report["traffic"]["repeats"]) == ([], 0)
    confusion = np.array(report["confusion"]["counts"])
    assert report["confusion"]["labels"] == ["cat", "dog", "owl"]
    assert (confusion.sum(), np.trace(confusion)) == (12, 9)
    assert report["compared"] == [{"layer": "", "tensor": "softmax", "mismatches": 0}]


def test_run_junit_and_csv_are_written_and_not_written_over(
    tinykit: Tinykit, dense_build: Path, tmp_path: Path
) -> None:
    folder = copied(dense_build, tmp_path / "copy")
    (folder / "dense.tflite").write_bytes(tiny.dense(seed=1))
    run, junit, lines = (tmp_path / name for name in ("run.json", "junit.xml", "run.csv"))
    words = ("verify", folder, *EMULATED, "--data", labelled(tmp_path / "d.npz"))
    files = ("--run", run, "--junit", junit, "--csv", lines)

    ended = tinykit(*words, *files)

    assert ended.status == 1
    assert "is, taken for" in ended.out and "protocol version" in ended.out
    report = json.loads(run.read_text())
    assert (report["schema"], report["inputs"]) == (1, 12)
    rows = list(csv.DictReader(lines.read_text().splitlines()))
    assert [int(row["input"]) for row in rows] == list(range(12))
    wrong = [row for row in rows if row["mismatches"] != "0"]
    assert len(wrong) == report["mismatches"] > 0
    first = report["first"]
    assert (wrong[0]["input"], wrong[0]["tensor"]) == (str(first["sample"]), "softmax")
    assert float(wrong[0]["found"]) == first["found"]
    counts = report["confusion"]["counts"]
    assert sum(row["label"] == row["answer"] for row in rows) == sum(counts[i][i] for i in range(3))
    suite = ElementTree.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == f"{len(wrong)} of 12 inputs differ from the oracle"

    before = run.read_bytes()
    for name, path in (("--run", run), ("--junit", junit), ("--csv", lines)):
        line, _ = tinykit.refuses(*words, name, path)
        assert line == f"{path} exists"
    assert run.read_bytes() == before
    line, _ = tinykit.refuses(*words, "--run", tmp_path / "a", "--csv", tmp_path / "a")
    assert line == "--run, --junit and --csv name one file"


def at_a_terminal(*arguments: str | Path) -> str:
    """Return what a command shows on a terminal, with its colours and movements left out."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 160))
    words = [*COMMAND, *map(str, arguments)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=slave)
    os.close(slave)
    shown = b""
    with contextlib.suppress(OSError):  # it has ended
        while data := os.read(master, 4096):
            shown += data
    os.close(master)
    assert process.wait() == 0, shown
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).replace("\r", "\n")


@pytest.mark.skipif(os.name != "posix", reason="needs pseudo-terminals")
def test_progress_says_who_answers_how_fast_and_how_well(dense_build: Path, tmp_path: Path) -> None:
    data = labelled(tmp_path / "d.npz")
    shown = at_a_terminal("verify", dense_build, *EMULATED, "--data", data)
    assert "nano33 at unicorn emulator: digest " in shown
    assert re.search(r"verifying .* \d+/12 [0-9.]+/s, accuracy [0-9.]+ %, \d+ us \S+", shown)


def test_float_data_is_quantized_for_the_model(
    tinykit: Tinykit, dense_build: Path, tmp_path: Path
) -> None:
    x = np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32)
    data = save(tmp_path / "d.npz", x=x)
    ended = tinykit("verify", dense_build, *EMULATED, "--data", data, "--inputs", "3")
    assert ended.status == 0
    assert "TFLite Micro" in ended.out and "3 (data)" in ended.out


def test_a_board_at_a_port_is_verified_by_the_same_code(
    tinykit: Tinykit, dense_build: Path
) -> None:
    with emulated(dense_build) as port:
        report = tinykit("verify", dense_build, "--port", port, "--json").json
        again = tinykit("verify", dense_build, "--port", port, "--json").json
    assert (report["place"], report["inputs"], report["mismatches"]) == (port, 20, 0)
    assert (again["mismatches"], again["build_id"]) == (0, report["build_id"])


def test_a_mismatch_is_reported_with_status_1(
    tinykit: Tinykit, dense_build: Path, tmp_path: Path
) -> None:
    folder = copied(dense_build, tmp_path / "copy")
    (folder / "dense.tflite").write_bytes(tiny.dense(seed=1))
    ended = tinykit("verify", folder, *EMULATED, "--json")
    report = ended.json
    first = report["first"]
    assert ended.status == 1
    assert 0 < report["mismatches"] <= 20
    line, hint = ended.err.splitlines()
    assert line == (
        f"tinykit: {report['mismatches']} of 20 inputs differ from the oracle; "
        f"input {first['sample']}: element {first['element']} of the output "
        f"(tensor {first['tensor']}) is "
        f"{first['found']:g}, expected {first['expected']:g}"
    )
    assert "--layers" in hint


def test_a_mismatch_in_a_layer_is_named(
    tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    options = BuildOptions(trace=True, encoding="dense")  # both models have the same plan
    built = shared_build(tmp_path_factory, "dense", tiny.dense(), options)
    folder = copied(built, tmp_path / "copy")
    (folder / "dense.tflite").write_bytes(tiny.dense(seed=1))
    ended = tinykit("verify", folder, *EMULATED, "--layers", "--json")
    assert (ended.status, ended.json["first"]["layer"]) == (1, "hidden")
    compared = {each["layer"]: each["mismatches"] for each in ended.json["compared"]}
    assert list(compared) == ["hidden", "out", "softmax"]
    assert compared["hidden"] > 0
    assert "of layer hidden is" in ended.err


def test_another_model_on_the_board_is_refused(
    tinykit: Tinykit, dense_build: Path, image_build: Path
) -> None:
    with emulated(image_build) as port:
        line, hint = tinykit.refuses("verify", dense_build, "--port", port, status=1)
    assert line.startswith("the board runs another model: digest ")
    assert hint.startswith("flash this build")


def test_another_build_of_the_model_is_refused(
    tinykit: Tinykit, dense_build: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    options = BuildOptions(trace=True)
    traced = shared_build(tmp_path_factory, "dense", tiny.dense(), options)
    with emulated(traced) as port:
        line, _ = tinykit.refuses("verify", dense_build, "--port", port, status=1)
    assert line.startswith("the board runs another build of this model: ")


def test_a_damaged_image_is_found_by_the_board_itself(
    tinykit: Tinykit, dense_build: Path, tmp_path: Path
) -> None:
    folder = copied(dense_build, tmp_path / "copy")
    (_, layer, _) = compiled(tiny.dense(), "dense", LowerOptions(dsp=True)).program.layers
    weights = layer.tables[0].values
    elf = bytearray((folder / "firmware.elf").read_bytes())
    elf[elf.index(weights.tobytes())] ^= 0x10
    (folder / "firmware.elf").write_bytes(elf)
    line, hint = tinykit.refuses("verify", folder, *EMULATED, status=1)
    assert line.startswith("the image on the board is damaged: CRC-32 0x")
    assert "flash it again" in hint


def test_layers_of_a_real_board_need_a_trace_build(tinykit: Tinykit, dense_build: Path) -> None:
    line, hint = tinykit.refuses("verify", dense_build, "--port", "/dev/null", "--layers")
    assert line.endswith("is no trace build, and the board runs what is flashed")
    assert "tinykit build --trace" in hint


@pytest.mark.parametrize(
    ("arrays", "line"),
    [
        ({"x": np.zeros((4, 39), np.float32)}, "d.npz: x has shape (4, 39), the model takes (sam"),
        ({"x": np.zeros((4, 40), np.int16)}, "d.npz: x is int16"),
        ({"x": np.full((4, 40), np.nan, np.float32)}, "d.npz: x has 160 values that are NaN"),
        ({"x": np.zeros((0, 40), np.float32)}, "d.npz: x has no samples (shape (0, 40))"),
        ({"x": np.zeros((4, 40), np.int8), "y": np.zeros(3)}, "d.npz: x has 4 samples, y has sh"),
        ({"x": np.zeros((2, 40), np.int8), "y": np.array([0, 3])}, "y has labels from 0 to 3, the"),
        ({"inputs": np.zeros((4, 40), np.int8)}, "d.npz has no array 'x' (it has inputs)"),
    ],
)
def test_a_data_set_that_does_not_fit_is_refused(
    tinykit: Tinykit,
    dense_build: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arrays: dict[str, object],
    line: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    save(Path("d.npz"), **arrays)
    found, hint = tinykit.refuses("verify", dense_build, *EMULATED, "--data", "d.npz")
    assert found.startswith(line)
    assert hint


@pytest.mark.parametrize("content", [None, b"", b"no archive", b"PK\x03\x04 cut"])
def test_what_is_no_npz_is_refused(
    tinykit: Tinykit, dense_build: Path, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "d.npz"
    if content is not None:
        path.write_bytes(content)
    line, hint = tinykit.refuses("verify", dense_build, *EMULATED, "--data", path)
    expected = "does not exist" if content is None else "is not a readable .npz: "
    assert line.startswith(f"{path} {expected}")
    assert hint.startswith("expected an .npz with x")


def test_a_float_model_refuses_int8_data(
    tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    folder = shared_build(tmp_path_factory, "float_sum", tiny.float_sum())
    data = save(tmp_path / "d.npz", x=np.zeros((4, 5), np.int8))
    line, hint = tinykit.refuses("verify", folder, *EMULATED, "--data", data)
    assert (line, hint) == ("d.npz: x is int8, the model takes float32", "save x as float32")


def test_a_port_that_does_not_exist(tinykit: Tinykit, dense_build: Path) -> None:
    line, hint = tinykit.refuses("verify", dense_build, "--port", "/dev/ttyNOWHERE", status=3)
    assert line == "/dev/ttyNOWHERE does not exist"
    assert "plugged in" in hint


def test_a_silent_port_is_given_up(tinykit: Tinykit, dense_build: Path) -> None:
    with behind_port(lambda _request: []) as port:
        line, hint = tinykit.refuses("verify", dense_build, "--port", port, status=3)
    assert re.fullmatch(
        rf"no answer from {port} after 6\.\d s \(sent hello \d+ times, 115200 baud\)", line
    )
    assert hint.startswith("is it flashed?")


def test_a_port_that_answers_rubbish(tinykit: Tinykit, dense_build: Path) -> None:
    with behind_port(None, b"login: ") as port:
        line, hint = tinykit.refuses("verify", dense_build, "--port", port, status=3)
    assert line.startswith(f"{port} sent ") and "no valid answer" in line
    assert "another baud rate, or another firmware?" in hint


def test_no_port_is_a_missing_device(tinykit: Tinykit, dense_build: Path) -> None:
    if any(info.vid is not None for info in list_ports.comports()):
        pytest.skip("a USB serial port is connected")
    line, hint = tinykit.refuses("verify", dense_build, status=3)
    assert line == "no USB serial port is connected"
    assert "--emulator unicorn" in hint


def test_port_and_emulator_exclude_each_other(tinykit: Tinykit, dense_build: Path) -> None:
    line, _ = tinykit.refuses("verify", dense_build, *EMULATED, "--port", "/dev/ttyACM0")
    assert line == "--port and --emulator exclude each other"


@pytest.mark.parametrize("command", ["verify", "emulate", "bench"])
def test_an_emulator_that_the_board_has_not(
    tinykit: Tinykit, dense_build: Path, command: str
) -> None:
    line, hint = tinykit.refuses(command, dense_build, "--emulator", "simics")
    assert line == "nano33 has no emulator 'simics'"
    assert hint == "it has: unicorn, renode"


@pytest.mark.parametrize("command", ["verify", "emulate", "bench"])
def test_a_folder_that_is_no_build(tinykit: Tinykit, tmp_path: Path, command: str) -> None:
    line, hint = tinykit.refuses(command, tmp_path, *EMULATED)
    assert line == f"{tmp_path} is not a build folder, it has no build.json"
    assert hint == "make one: tinykit build MODEL.tflite --board nano33"


def test_a_folder_that_does_not_exist(tinykit: Tinykit, tmp_path: Path) -> None:
    line, _ = tinykit.refuses("verify", tmp_path / "absent", *EMULATED)
    assert line == f"{tmp_path / 'absent'} is not a folder"


@pytest.mark.parametrize("name", ["firmware.elf", "dense.tflite", "plan.json"])
def test_a_missing_file_is_named(
    tinykit: Tinykit, dense_build: Path, tmp_path: Path, name: str
) -> None:
    folder = copied(dense_build, tmp_path / "copy")
    (folder / name).unlink()
    line, hint = tinykit.refuses("verify", folder, *EMULATED)
    assert (line, hint) == (f"{folder / name} is missing", "build again: tinykit build")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to find the emulator")
def test_ctrl_c_leaves_no_emulator_behind(dense_build: Path) -> None:
    process = spawn("verify", dense_build, *EMULATED, "--inputs", "100000")
    while not (emulators := children(process.pid, "tinykit.host.unicorn")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "tinykit: interrupted\n")
    # one that was still starting ends when it finds its control channel closed
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in emulators):
        assert time.monotonic() < deadline, "an emulator was left behind"
        time.sleep(0.05)


def test_options_of_a_build_change_no_answer(tinykit: Tinykit, tmp_path: Path) -> None:
    for number, options in enumerate(
        (
            BuildOptions(keep_input=True),
            BuildOptions(optimize="speed"),
            BuildOptions(optimize="size", encoding="dense"),
        )
    ):
        folder = tmp_path / str(number)
        build(tiny.image(), "image.tflite", BOARD, options, folder)
        report = tinykit("verify", folder, *EMULATED, "--json").json
        assert report["mismatches"] == 0, options


def _lstm() -> bytes:
    """Return a model whose answers depend on what came before."""
    case = next(
        case
        for case in draw_cases(STRATEGIES["UNIDIRECTIONAL_SEQUENCE_LSTM"], 20)
        if len(case.model.operators) == 2
    )
    return to_bytes(case.model)


def test_a_state_stays_from_input_to_input_and_hello_resets_it(
    tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = shared_build(tmp_path_factory, "lstm", _lstm())
    with emulated(folder) as port:
        for _ in range(2):
            report = tinykit("verify", folder, "--port", port, "--json").json
            assert (report["inputs"], report["mismatches"]) == (20, 0)
    layers = tinykit("verify", folder, *EMULATED, "--layers", "--inputs", "3", "--json").json
    assert (layers["layers"], layers["inputs"], layers["mismatches"]) == (2, 3, 0)
