"""A board answers programs, scripts and pipes as the reference does; what is wrong is said."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tiny
from commands import COMMAND, Tinykit, shared_build, spawn
from native import compile_build, needs_gcc, on_pty

from tinykit.codegen import reference
from tinykit.codegen.importer import import_tflite
from tinykit.core.board import find_board
from tinykit.core.errors import CheckFailedError, MissingToolError, TinykitError
from tinykit.host import Board
from tinykit.host.find_port import UsbPort, find_port

pytestmark = [needs_gcc, pytest.mark.skipif(os.name != "posix", reason="needs pseudo-terminals")]


@pytest.fixture(scope="module")
def program(dense_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_build(dense_build, tmp_path_factory.mktemp("native"))


@pytest.fixture
def port(program: Path) -> Iterator[str]:
    with on_pty(program) as name:
        yield name


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    return np.random.default_rng(1).integers(-128, 128, (6, 40)).astype(np.int8)


@pytest.fixture(scope="module")
def answers(samples: np.ndarray) -> np.ndarray:
    graph = import_tflite(tiny.dense(), "dense.tflite")
    return reference.run_batch(graph, [samples])[0].reshape(6, 3)


def test_a_prediction_has_raw_and_real_numbers(
    dense_build: Path, port: str, samples: np.ndarray, answers: np.ndarray
) -> None:
    with Board(dense_build, port=port) as board:
        assert (board.port, board.hello.board) == (port, "nano33")
        (out,) = board.record.outputs
        for sample, answer in zip(samples, answers, strict=True):
            found = board.predict(sample)
            assert np.array_equal(found.raw[0], answer)
            assert out.scale is not None and out.zero_point is not None
            expected = (answer.astype(np.float32) - out.zero_point) * np.float32(out.scale)
            assert np.array_equal(found.output, expected)
            assert found.label == int(expected.argmax())
            assert found.time_us == 1000
        assert board.traffic.repeats == 0


def test_floats_are_quantized_and_batches_of_one_are_welcome(
    dense_build: Path, port: str, samples: np.ndarray, answers: np.ndarray
) -> None:
    with Board(dense_build, port=port) as board:
        given = board.record.inputs[0]
        assert given.scale is not None and given.zero_point is not None
        real = (samples[0].astype(np.float32) - given.zero_point) * given.scale
        for form in (real, real.reshape(1, 40), list(map(float, real))):
            assert np.array_equal(board.predict(form).raw[0], answers[0])
        streamed = [prediction.raw[0] for prediction in board.stream(iter(samples))]
    assert np.array_equal(np.stack(streamed), answers)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ([np.zeros(39)], "the input has shape (39,), the model takes (40) or (samples, 40)"),
        ([np.zeros((2, 40))], "2 samples are given, predict takes one"),
        ([np.zeros(40, np.int16)], "the input has numbers of type int16, the model takes int8"),
        ([np.full(40, np.nan)], "the input has numbers that are NaN or infinite"),
        ([np.zeros(40), np.zeros(40)], "2 inputs are given, dense takes 1"),
    ],
)
def test_what_does_not_fit_the_model_is_refused(
    dense_build: Path, port: str, given: list[np.ndarray], line: str
) -> None:
    with Board(dense_build, port=port) as board, pytest.raises(TinykitError) as caught:
        board.predict(*given)
    assert caught.value.message == line
    assert caught.value.hint


def test_a_board_that_runs_something_else_is_refused(image_build: Path, port: str) -> None:
    with pytest.raises(CheckFailedError, match="the board runs another model"):
        Board(image_build, port=port)


def test_a_board_is_free_after_it_was_closed(dense_build: Path, port: str) -> None:
    board = Board(dense_build, port=port)
    board.close()
    board.close()
    with Board(dense_build, port=port) as again:
        assert again.predict(np.zeros(40)).output.shape == (3,)


def test_predict_answers_files_and_pipes(
    tinykit: Tinykit,
    dense_build: Path,
    port: str,
    samples: np.ndarray,
    answers: np.ndarray,
    tmp_path: Path,
) -> None:
    one, all_ = tmp_path / "one.npy", tmp_path / "all.npy"
    np.save(one, samples[0])
    np.save(all_, samples)
    found = tinykit("predict", dense_build, "--port", port, "--input", all_, "--json").json
    labels = [int(answer.argmax()) for answer in answers]
    assert [prediction["label"] for prediction in found["predictions"]] == labels
    printed = tinykit("predict", dense_build, "--port", port, "--input", one).out
    assert [float(word) for word in printed.split()] == pytest.approx(
        found["predictions"][0]["outputs"][0]
    )
    piped = io.BytesIO()
    np.save(piped, samples[0])
    done = subprocess.run(
        [*COMMAND, "predict", str(dense_build), "--port", port],
        input=piped.getvalue(),
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == printed


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "stdin is empty"),
        ("1 2 three", "stdin, line 1: 'three' is no number"),
        ("1 2\n3\n", "stdin has lines of 2 and of other counts"),
        ("1 2 3", "stdin has shape (3,), the model takes (40) or (samples, 40)"),
        ("\udcff", "stdin is neither a .npy file nor text"),
        ("\udc93NUMPY", "stdin is no readable .npy file"),
    ],
)
def test_what_is_piped_and_is_no_input_is_named(
    dense_build: Path, port: str, text: str, line: str
) -> None:
    done = subprocess.run(
        [*COMMAND, "predict", str(dense_build), "--port", port],
        input=text.encode(errors="surrogateescape"),
        capture_output=True,
    )
    first, hint = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout) == (2, b"")
    assert first.startswith(f"tinykit: {line}") and hint.startswith("  hint: ")


def test_stream_answers_each_line_as_it_comes(dense_build: Path, port: str) -> None:
    process = subprocess.Popen(
        [*COMMAND, "stream", str(dense_build), "--port", port, "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    for row in range(3):
        process.stdin.write(",".join(["0.5"] * 40) + "\n\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())  # before the next is sent
        assert (answer["row"], answer["time_us"], len(answer["outputs"][0])) == (row, 1000, 3)
    out, err = process.communicate()
    assert (process.returncode, out) == (0, "")
    assert err.startswith("3 answers in ")


def test_stream_takes_a_generator(
    tinykit: Tinykit, dense_build: Path, port: str, tmp_path: Path
) -> None:
    source = tmp_path / "sensor.py"
    source.write_text(
        "import numpy\ndef rows():\n    for i in range(4):\n        yield numpy.full(40, 0.5 * i)\n"
    )
    ended = tinykit("stream", dense_build, "--port", port, "--generator", source)
    assert (ended.status, len(ended.out.splitlines())) == (0, 4)
    source.write_text("def rows():\n    yield 1 / 0\n")
    line, _ = tinykit.refuses("stream", dense_build, "--port", port, "--generator", source)
    assert line == f"{source}: rows() raised ZeroDivisionError('division by zero')"
    source.write_text("ROWS = 1\n")
    line, hint = tinykit.refuses("stream", dense_build, "--port", port, "--generator", source)
    assert (line, hint) == (
        f"{source} has no function rows()",
        "a Python file with: def rows(): yield array",
    )


def test_a_line_of_a_stream_that_does_not_fit_ends_it(dense_build: Path, port: str) -> None:
    done = subprocess.run(
        [*COMMAND, "stream", str(dense_build), "--port", port],
        input=" ".join(["0"] * 40) + "\n1 2 3\n",
        capture_output=True,
        text=True,
    )
    assert (done.returncode, len(done.stdout.splitlines())) == (2, 1)
    assert "the input has shape (3,)" in done.stderr


def test_ctrl_c_ends_a_stream(dense_build: Path, port: str, tmp_path: Path) -> None:
    source = tmp_path / "endless.py"
    source.write_text("def rows():\n    while True:\n        yield [0.0] * 40\n")
    process = spawn("stream", dense_build, "--port", port, "--generator", source)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "tinykit: interrupted\n")
    with Board(dense_build, port=port) as board:
        assert board.predict(np.zeros(40)).time_us == 1000


def test_monitor_names_the_board(tinykit: Tinykit, port: str) -> None:
    ended = tinykit("monitor", "--port", port, "--hello", "--seconds", "0.5", "--json")
    heard = json.loads(ended.out)
    assert (ended.status, heard["kind"]) == (0, "hello answer")
    assert b"nano33" in bytes.fromhex(heard["data"])


def test_monitor_shows_text_faults_and_what_is_neither(tinykit: Tinykit, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    process = spawn("monitor", "--port", os.ttyname(slave), "--seconds", "3")
    assert process.stderr is not None
    process.stderr.readline()
    time.sleep(0.3)
    os.write(master, b"m-ready\r\nhalf a line")
    time.sleep(0.3)
    fault = bytes.fromhex("0401ff0703010101")  # cut: no frame
    os.write(master, b"\x80\x81" + fault + b"\x00")
    out, _ = process.communicate(timeout=60)
    os.close(master)
    os.close(slave)
    lines = [line[11:].rstrip() for line in out.splitlines()]
    assert lines[:2] == ["text           m-ready", "text           half a line"]
    assert lines[2].startswith("bytes          80 81 04")
    assert process.returncode == 0


@pytest.mark.parametrize("command", ["predict", "stream", "verify"])
def test_an_empty_port_is_named(tinykit: Tinykit, dense_build: Path, command: str) -> None:
    done = subprocess.run(
        [*COMMAND, command, str(dense_build), "--port", ""],
        input=" ".join(["0"] * 40),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("tinykit: the name of the port is empty\n  hint: ports found:")


UNO = UsbPort("/dev/ttyACM0", "2341:0043", "Arduino Uno")
FTDI = UsbPort("/dev/ttyUSB0", "0403:6001", "FT232R")
CH340 = UsbPort("/dev/ttyUSB1", "1a86:7523", "")
MICROBIT = UsbPort("/dev/ttyACM1", "0d28:0204", "BBC micro:bit")


def test_the_port_that_the_board_must_be_at_is_taken() -> None:
    nano33, microbit = find_board("nano33"), find_board("microbit")
    said: list[str] = []
    assert find_port(nano33, [UNO, FTDI, MICROBIT], None, said.append) == FTDI.device
    assert find_port(microbit, [UNO, FTDI, MICROBIT], None, said.append) == MICROBIT.device
    assert said == []


def test_a_port_that_may_be_anything_is_taken_with_a_word() -> None:
    said: list[str] = []
    for board in ("nano33", "microbit"):
        assert find_port(find_board(board), [UNO], None, said.append) == UNO.device
    assert said == [
        "taking /dev/ttyACM0 (Arduino Uno), USB id 2341:0043: "
        "no port is an adapter such as nano33 needs, and no other is there",
        "taking /dev/ttyACM0 (Arduino Uno), USB id 2341:0043: "
        "no port has an id of microbit (0d28:0204), and no other is there",
    ]


def test_several_ports_are_asked_about() -> None:
    nano33 = find_board("nano33")
    questions: list[str] = []

    def ask(question: str) -> str:
        questions.append(question)
        return " 2\n"

    assert find_port(nano33, [UNO, FTDI, CH340], ask) == CH340.device
    assert questions == [
        "which port is the board at?\n  1  /dev/ttyUSB0 (FT232R)\n  2  /dev/ttyUSB1\nnumber: "
    ]
    with pytest.raises(TinykitError, match="there is no port '3'"):
        find_port(nano33, [FTDI, CH340], lambda _question: "3")
    with pytest.raises(TinykitError, match=r"2 serial ports are connected: /dev/ttyUSB0 \(FT232R"):
        find_port(nano33, [FTDI, CH340], None)
    with pytest.raises(MissingToolError, match="no USB serial port is connected"):
        find_port(nano33, [], None)


def test_board_is_imported_only_when_asked_for() -> None:
    code = "import sys, tinykit.host; print('serial' in sys.modules); tinykit.host.Board; print(1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n1\n"
    with pytest.raises(AttributeError, match="no attribute 'Bord'"):
        _ = __import__("tinykit.host").host.Bord


def test_a_model_of_floats_takes_and_gives_floats(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    folder = shared_build(tmp_path_factory, "float_sum", tiny.float_sum())
    graph = import_tflite(tiny.float_sum(), "float_sum.tflite")
    x = np.linspace(-1, 1, 5, dtype=np.float32)
    with on_pty(compile_build(folder, tmp_path)) as port, Board(folder, port=port) as board:
        found = board.predict(x.astype(np.float64))
    assert np.array_equal(found.output, reference.run_batch(graph, [x[None]])[0].ravel())
