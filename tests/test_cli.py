"""The command line starts light, answers in JSON when asked, and errs in one line with a hint."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny
from commands import COMMAND, Ended, Tinykit, copied, spawn
from models import ROOT

from tinykit.host.apps import APPS
from tinykit.host.cli import COMMANDS
from tinykit.host.console import command

HEAVY = "numpy tensorflow keras sklearn unicorn capstone tflite tflite_micro jinja2 serial".split()


def child(*arguments: str, cwd: Path | None = None) -> Ended:
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("option", ["--help", "-h", "--version"])
def test_start_imports_nothing_heavy(option: str) -> None:
    code = (
        "import sys; from tinykit.host.cli import run; status = run(sys.argv[1:]);"
        f"print(sorted(set({HEAVY}) & set(sys.modules)), status, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, option], capture_output=True, text=True, check=True
    )
    assert done.stderr == "[] 0\n"
    assert done.stdout


def test_version_is_the_package_s(tinykit: Tinykit) -> None:
    assert tinykit("--version").out == "tinykit 0.1.0\n"


def test_a_choice_that_is_none_is_refused(tinykit: Tinykit, tmp_path: Path) -> None:
    path = tmp_path / "dense.tflite"
    path.write_bytes(tiny.dense())
    for option in ("--optimize", "--encoding", "--toolchain", "--engine"):
        for word in ("", "fast"):
            line, _ = tinykit.refuses("build", path, "--board", "nano33", option, word)
            assert line == f"there is no {option} '{word}'"


def test_quantize_writes_tflite_files_only(tinykit: Tinykit, tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    line, hint = tinykit.refuses("quantize", "m.keras", "--data", "d.npz", "-o", target)
    assert line == f"{target} is no name of a .tflite file"
    assert hint == "-o x.tflite"


def test_what_to_type_next_is_quoted() -> None:
    assert command("build", Path("my models/a.tflite")) == "tinykit build 'my models/a.tflite'"


def test_no_command_shows_the_help(tinykit: Tinykit) -> None:
    ended = tinykit()
    for name, _ in COMMANDS:
        assert f" {name} " in ended.out + ended.err


@pytest.mark.parametrize("name", [name for name, _ in COMMANDS])
def test_every_command_has_help(tinykit: Tinykit, name: str) -> None:
    ended = tinykit(name, "--help")
    assert (ended.status, ended.err) == (0, "")
    assert f"Usage: tinykit {name}" in ended.out
    assert "--json" in ended.out


@pytest.mark.parametrize(
    ("arguments", "line", "hint"),
    [
        (["bild"], "no such command 'bild'", "tinykit --help"),
        (["boards", "--jsn"], "no such option: --jsn", "tinykit boards --help"),
        (["verify"], "missing argument 'folder'", "tinykit verify --help"),
        (["quantize", "m.keras", "-o", "m.tflite"], "missing option '--data'", "tinykit quantize"),
        (
            ["verify", "x", "--inputs", "0"],
            "invalid value for '--inputs': input should be",
            "tinykit v",
        ),
        (
            ["verify", "x", "--inputs", "many"],
            "invalid value for '--inputs': input should be a valid int",
            "tinykit v",
        ),
        (["demo", "chess"], "no demo 'chess'", "tinykit demo digits | life | sine"),
        (["demo", "sine", "--board", "nano34"], "no board 'nano34'", "nano33"),
        (["boards", "extra"], "invalid value for 'show'", "tinykit boards --help"),
    ],
)
def test_usage_errors_are_one_line_and_a_hint(
    tinykit: Tinykit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    line: str,
    hint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    found_line, found_hint = tinykit.refuses(*arguments)
    assert found_line.lower().startswith(line)
    assert hint in found_hint
    assert not found_line.endswith(".")
    assert list(tmp_path.iterdir()) == []


def test_error_of_a_child_process_goes_to_stderr_with_its_status(tmp_path: Path) -> None:
    ended = child("bench", "absent.tflite", "--board", "nano33", "--json", cwd=tmp_path)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == (
        "tinykit: absent.tflite: No such file or directory\n"
        "  hint: make one: tinykit quantize model.keras -o model.tflite\n"
    )


def test_boards_as_json(tinykit: Tinykit) -> None:
    boards = {board["name"]: board for board in tinykit("boards", "--json").json["boards"]}
    assert boards.keys() >= {"nano33", "microbit", "qemu_an386"}
    assert (boards["nano33"]["clock_hz"], boards["nano33"]["ram"]["bytes"]) == (64e6, 262144)
    assert (boards["qemu_an386"]["flasher"], boards["qemu_an386"]["power"]) == (None, None)


def test_ops_as_json(tinykit: Tinykit) -> None:
    operators = tinykit("ops", "--json").json["operators"]
    assert {"FULLY_CONNECTED", "CONV_2D"} <= {operator["op"] for operator in operators}


def test_tables_for_people_go_to_stdout(tinykit: Tinykit) -> None:
    assert "nano33" in tinykit("boards").out
    assert "SOFTMAX" in tinykit("ops").out


def test_build_prints_one_json_object_and_keeps_quiet_beside_it(
    tinykit: Tinykit, tmp_path: Path
) -> None:
    model = tmp_path / "dense.tflite"
    model.write_bytes(tiny.dense())
    ended = tinykit("build", model, "--board", "nano33", "-o", tmp_path / "out", "--json")
    assert ended.json["folder"] == str(tmp_path / "out")
    record = json.loads((tmp_path / "out" / "build.json").read_text())
    assert {key: ended.json[key] for key in record} == record


def test_what_to_do_next_is_on_stderr(tinykit: Tinykit, tmp_path: Path) -> None:
    model = tmp_path / "dense.tflite"
    model.write_bytes(tiny.dense())
    ended = tinykit("build", model, "--board", "nano33", "-o", tmp_path / "out")
    assert "next: tinykit verify" in ended.err
    assert "next:" not in ended.out and "together" in ended.out


def test_app_that_is_none_is_refused_with_those_that_are(tinykit: Tinykit, tmp_path: Path) -> None:
    model = tmp_path / "dense.tflite"
    model.write_bytes(tiny.dense())

    line, hint = tinykit.refuses("build", model, "--board", "nano33", "--app", "steam")

    assert (line, hint) == ("no app 'steam'", f"--app {' or '.join(APPS)}")


def test_app_without_a_link_is_not_verified(
    tinykit: Tinykit, dense_build: Path, tmp_path: Path
) -> None:
    folder = copied(dense_build, tmp_path / "other")
    record = json.loads((folder / "build.json").read_text()) | {"app": "blinky"}
    (folder / "build.json").write_text(json.dumps(record))

    line, hint = tinykit.refuses("verify", folder, "--emulator", "unicorn")

    assert line == f"{folder} was built with --app blinky, which this command cannot talk to"
    assert hint == f"tinykit build MODEL.tflite --app stream -o {folder}-stream"


def test_names_of_apps_fit_the_answer_to_hello() -> None:
    assert all(name == app.name and len(name) <= 8 for name, app in APPS.items())


def test_every_app_is_in_the_documents() -> None:
    text = (ROOT / "docs" / "apps.md").read_text()
    assert [name for name in APPS if f"\n| `{name}`" not in text] == []


def test_train_and_quantize_print_one_json_object_only(tmp_path: Path) -> None:
    """Neither progress nor the noise of TensorFlow's start goes to stdout."""
    (tmp_path / "task.py").write_text(
        "import numpy as np, keras\n"
        "def build_model():\n"
        "    layer = keras.layers.Dense(1, activation='linear')\n"
        "    return keras.Sequential([keras.Input((3,)), layer])\n"
        "def load_data():\n"
        "    x = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)\n"
        "    y = x.sum(axis=1, keepdims=True)\n"
        "    return (x[:300], y[:300]), (x[300:], y[300:])\n"
    )
    trained = child("train", "task.py", "-o", "m.keras", "--json", cwd=tmp_path)
    assert trained.status == 0, trained.err
    assert trained.json["model"] == "m.keras"
    data = trained.json["train_data"]
    done = child("quantize", "m.keras", "--data", data, "-o", "m.tflite", "--json", cwd=tmp_path)
    assert done.status == 0, done.err
    assert done.json["oracle"] == "tflm"
    assert done.json["tflite_bytes"] == (tmp_path / "m.tflite").stat().st_size
    noise = [line for line in (trained.err + done.err).splitlines() if "tensorflow" in line.lower()]
    assert noise == []


@pytest.mark.parametrize("command", ["train", "prune", "quantize"])
def test_a_file_that_is_there_is_not_overwritten(
    tinykit: Tinykit, tmp_path: Path, command: str
) -> None:
    there = tmp_path / f"there.{'tflite' if command == 'quantize' else 'keras'}"
    there.write_text("mine")
    np.savez(tmp_path / "d.npz", x=np.zeros((4, 3), np.float32))
    data = [] if command == "train" else ["--data", str(tmp_path / "d.npz")]
    line, hint = tinykit.refuses(command, "sine", "-o", there, *data)
    assert line == f"{there} exists"
    assert "--force" in hint
    assert there.read_text() == "mine"


def test_interrupting_a_command_is_one_line_and_status_130(dense_build: Path) -> None:
    process = spawn("emulate", dense_build, "--json")
    assert process.stdout is not None and process.stderr is not None
    assert json.loads(process.stdout.readline())["board"] == "nano33"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "tinykit: interrupted\n")


def test_a_reader_that_goes_away_is_no_error() -> None:
    shell = f'"{sys.executable}" -m tinykit.host.entry boards | true; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("0\n", "")
