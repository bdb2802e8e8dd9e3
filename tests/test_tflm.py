"""The tflm engine around an engine of our own: sized by running, verified, traced, counted."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from commands import BOARD, Tinykit, copied, shared_build
from fake_tflm import (
    ECHO_BYTES,
    RELEASE,
    echo,
    needs_gxx,
    needs_qemu,
    write_headers,
    write_library,
)

from tinykit.codegen.tflm import Arena, adds, emit_tflm, read_model
from tinykit.core.board import find_board
from tinykit.core.errors import CheckFailedError
from tinykit.core.graph import Graph
from tinykit.core.units import grouped
from tinykit.host.build import build, tflm_options
from tinykit.host.record import read_record
from tinykit.host.toolchain import Library, Source, compile_objects, find_toolchain

LEAST_ARENA_BYTES = 160  # tests/c/tflm.cpp lies, overruns, fails or faults with less
EMULATED = ("--emulator", "unicorn")


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tflm")
    write_headers(root)
    write_library(root)
    return root


@pytest.fixture
def with_tree(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYKIT_TFLM", str(tree))


@pytest.fixture
def echo_build(with_tree: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("unicorn")
    return shared_build(tmp_path_factory, "echo", echo(), tflm_options())


@needs_gxx
def test_the_arena_is_the_least_that_works(echo_build: Path) -> None:
    record = read_record(echo_build)
    sizes = record.sizes
    assert (record.engine, record.library) == ("tflm", RELEASE)
    assert sizes.arena == LEAST_ARENA_BYTES
    assert json.loads((echo_build / "plan.json").read_text())["arena_bytes"] == LEAST_ARENA_BYTES
    assert f"#define ECHO_ARENA_BYTES {LEAST_ARENA_BYTES}" in (echo_build / "echo.h").read_text()
    assert sizes.flash == sizes.weights + sizes.code + sizes.app
    assert sizes.ram == sizes.arena + sizes.static + sizes.app_ram + sizes.stack
    assert sizes.weights == len(echo())
    assert 0 < sizes.stack_model < sizes.stack_most < sizes.stack


@needs_gxx
@needs_qemu
def test_qemu_finds_the_same_arena(
    with_tree: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = find_board("qemu_an386")
    folder = shared_build(tmp_path_factory, "echo", echo(), tflm_options(), other)
    assert read_record(folder).sizes.arena == LEAST_ARENA_BYTES


@needs_gxx
def test_every_answer_is_compared(tinykit: Tinykit, echo_build: Path, tmp_path: Path) -> None:
    x = np.arange(-128, 127 - 128 + ECHO_BYTES * 8, dtype=np.int64)[: ECHO_BYTES * 8] % 127
    data = tmp_path / "data.npz"
    np.savez(data, x=x.astype(np.int8).reshape(8, ECHO_BYTES))
    report = tinykit("verify", echo_build, *EMULATED, "--data", data, "--json").json
    assert (report["inputs"], report["mismatches"], report["oracle"]) == (8, 0, "tflm")


@needs_gxx
def test_a_trace_build_shows_every_layer(tinykit: Tinykit, echo_build: Path) -> None:
    ended = tinykit("verify", echo_build, *EMULATED, "--layers", "--inputs", "2", "--json")
    assert ended.status == 0, ended.err
    assert (ended.json["layers"], ended.json["mismatches"]) == (2, 0)


@needs_gxx
def test_layers_are_what_the_graph_calls_with_a_context_and_a_node(
    tinykit: Tinykit, echo_build: Path
) -> None:
    report = tinykit("bench", echo_build, "--inputs", "2", "--json").json
    assert [layer["op"] for layer in report["layers"]] == ["RELU", "RELU"]
    first, second = (layer["instructions"] for layer in report["layers"])
    assert first + second == report["instructions"]
    assert ECHO_BYTES < first < 40 * ECHO_BYTES and ECHO_BYTES < second < 40 * ECHO_BYTES
    assert report["engine"] == "tflm" and report["library"] == RELEASE
    assert max(layer["stack_bytes"] for layer in report["layers"]) == report["ram"]["stack"] > 0


@needs_gxx
def test_both_engines_stand_side_by_side(tinykit: Tinykit, with_tree: None, tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    model = tmp_path / "echo.tflite"
    model.write_bytes(echo())
    words = ("bench", model, "--board", "nano33", "--engine", "both", "--inputs", "2")
    report = tinykit(*words, "--json").json
    assert (report["native"]["engine"], report["tflm"]["engine"]) == ("native", "tflm")
    assert all(report[engine]["exact"]["mismatches"] == 0 for engine in ("native", "tflm"))
    assert [layer["tflm_instructions"] for layer in report["layers"]] == [
        layer["instructions"] for layer in report["tflm"]["layers"]
    ]
    shown = tinykit(*words)
    assert shown.status == 0, shown.err
    rows = _rows(shown.out)
    assert (rows["layer"], rows["one inference"]) == (
        ["MACs", "native", "TFLM", "ratio"],
        ["native", "TFLM"],
    )
    for layer in report["layers"]:
        left, right = layer["native_instructions"], layer["tflm_instructions"]
        assert rows[layer["name"]] == [grouped(left), grouped(right), f"{right / left:.2f}"]
    native, tflm = (_totals(report[engine]) for engine in ("native", "tflm"))
    assert {name: rows[name] for name in native} == {
        name: [native[name], tflm[name]] for name in native
    }


@needs_gxx
def test_a_budget_finds_the_tree_of_its_own_project(
    tinykit: Tinykit, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("unicorn")
    monkeypatch.delenv("TINYKIT_TFLM", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.chdir(tmp_path)
    for name in ("change", "base"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "echo.tflite").write_bytes(echo())
        (folder / "tree").symlink_to(tree)
        (folder / "tinykit.toml").write_text(
            'model = "echo.tflite"\nboard = "nano33"\nengine = "tflm"\n'
            '[tflm]\ntree = "tree"\n[budget]\nflash = 100_000\n'
        )
    ended = tinykit("check-budget", "change", "--base", "base", "--inputs", "2", "--json")
    assert ended.status == 0, ended.err
    assert ended.json["engine"] == "tflm" and ended.json["base_note"] == ""
    assert all(figure["base"] == figure["value"] for figure in ended.json["figures"])


@needs_gxx
def test_an_operator_that_fails_is_said_over_the_link(
    tinykit: Tinykit, echo_build: Path, tmp_path: Path
) -> None:
    data = tmp_path / "unlucky.npz"
    np.savez(data, x=np.resize(np.array([17, 34, 51], np.int8), (1, ECHO_BYTES)))
    line, hint = tinykit.refuses("verify", echo_build, *EMULATED, "--data", data, status=1)
    assert line.startswith("TensorFlow Lite Micro on ") and "gave up: an operator failed" in line
    assert "addr2line" in hint


@needs_gxx
def test_what_no_arena_can_hold_is_refused(with_tree: None, tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    small = replace(BOARD, ram=replace(BOARD.ram, bytes=4_200))
    with pytest.raises(CheckFailedError) as error:
        build(echo(), "echo.tflite", small, tflm_options(), tmp_path / "out")
    assert "TensorFlow Lite Micro does not run the model on nano33" in error.value.message
    assert not (tmp_path / "out").exists()


@needs_gxx
def test_a_build_is_the_same_again(echo_build: Path, tmp_path: Path) -> None:
    again = build(echo(), "echo.tflite", BOARD, tflm_options(), tmp_path / "again")
    assert again == read_record(echo_build)
    content = (tmp_path / "again" / "firmware.elf").read_bytes()
    assert content == (echo_build / "firmware.elf").read_bytes()
    assert str(tmp_path).encode() not in content


@needs_gxx
@pytest.mark.parametrize("name", tiny.TINY)
@pytest.mark.parametrize("define", ["TK_TRACE=0", "TK_TRACE=1", "TK_TFLM_PROBE=1"])
def test_generated_sources_compile(name: str, define: str, tree: Path, tmp_path: Path) -> None:
    data, source = tiny.TINY[name](), f"{name}.tflite"
    model = read_model(data, source)
    for file, text in emit_tflm(model, data, source, "0", Arena(1024, "A number.")).items():
        (tmp_path / file).write_text(text)
    sources = [Source(tmp_path / f"{name}.c"), Source(tmp_path / "app_model.cpp")]
    library = Library(tree, tree, (tree,), ())
    gcc = find_toolchain("gcc")
    compile_objects(gcc, BOARD, sources, tmp_path, defines=[define], library=library)


def test_the_resolver_has_the_operators_of_the_model_only() -> None:
    calls = {
        name: [f"{add.method}({add.registration})" for add in adds(_steps(name))]
        for name in tiny.TINY
    }
    assert calls["dense"] == [
        "AddFullyConnected(tflite::Register_FULLY_CONNECTED_INT8())",
        "AddSoftmax(tflite::Register_SOFTMAX_INT8())",
    ]
    assert "AddMean()" in calls["image"] and "AddLogistic()" in calls["image"]
    assert calls["float_sum"] == [
        "AddAdd(tflite::Register_ADD_INT8())",
        "AddDequantize()",
        "AddQuantize()",
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("--optimize", "speed"),
        ("--encoding", "dense"),
        ("--toolchain", "zig"),
        ("--keep-input",),
    ],
)
def test_options_that_mean_nothing_are_refused(
    tinykit: Tinykit, tmp_path: Path, words: tuple[str, ...]
) -> None:
    model = tmp_path / "echo.tflite"
    model.write_bytes(echo())
    line, hint = tinykit.refuses("build", model, "-b", "nano33", "--engine", "tflm", *words)
    assert line.startswith(f"{' '.join(words)} means nothing to --engine tflm")
    assert hint == f"leave {words[0]} out, or use --engine native"


def test_boards_that_tflm_cannot_serve_are_refused(tinykit: Tinykit, tmp_path: Path) -> None:
    model = tmp_path / "echo.tflite"
    model.write_bytes(echo())
    line, _ = tinykit.refuses("build", model, "-b", "qemu_riscv32", "--engine", "tflm", status=2)
    assert line == "the tflm engine is for Arm, qemu_riscv32 is not"


def test_both_engines_need_a_model_and_no_folder(
    tinykit: Tinykit, dense_build: Path, tmp_path: Path
) -> None:
    line, _ = tinykit.refuses("bench", dense_build, "--engine", "both")
    assert line == f"{dense_build} was built for one engine"
    other = copied(dense_build, tmp_path / "copy")
    line, _ = tinykit.refuses("bench", other, "--engine", "tflm")
    assert line == f"{other} was built for the native engine"


def _rows(text: str) -> dict[str, list[str]]:
    """Return the cells of each line of a table behind its first, by that."""
    lines = (re.split(r" {2,}", line.strip()) for line in text.splitlines())
    return {first: others for first, *others in lines}


def _totals(report: dict[str, Any]) -> dict[str, str]:
    """Return how the table calls and writes what one engine costs."""
    flash, ram, exact = report["flash"], report["ram"], report["exact"]
    counts = {
        "instructions, counted": report["instructions"],
        "cycles, estimated": report["cycles_estimate"],
        "flash without the application, bytes": flash["weights"] + flash["code"],
        "weights": flash["weights"],
        "code": flash["code"],
        "RAM without the application, bytes": ram["arena"] + ram["static"] + ram["stack"],
        "arena": ram["arena"],
        "static": ram["static"],
        "stack": ram["stack"],
    }
    mismatches = f"{exact['mismatches']} of {exact['inputs']}"
    return {
        **{name: grouped(count) for name, count in counts.items()},
        "mismatches against TFLite Micro": mismatches,
    }


def _steps(name: str) -> Graph:
    return read_model(tiny.TINY[name](), f"{name}.tflite").steps
