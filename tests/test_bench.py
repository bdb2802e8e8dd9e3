"""Bench tells the whole cost of one inference, the same in every run, and its parts add up."""

from pathlib import Path
from typing import Any

import pytest
import tiny
from commands import Tinykit, copied, shared_build

from tinykit.codegen.compile import compile_model
from tinykit.codegen.layer import LowerOptions
from tinykit.host.build import BuildOptions
from tinykit.host.inputs import fixed_input

pytest.importorskip("unicorn")

PROMISED: dict[str, Any] = {
    "model": "",
    "board": "",
    "engine": "",
    "toolchain": "",
    "exact": {"oracle": "", "inputs": 0, "mismatches": 0},
    "instructions": 0,
    "cycles_estimate": 0,
    "flash": dict.fromkeys(("total", "weights", "code", "app"), 0),
    "ram": dict.fromkeys(("total", "arena", "static", "stack", "app"), 0),
}
PROMISED_LAYER = {
    **dict.fromkeys(("name", "op", "encoding", "reason"), ""),
    **dict.fromkeys(("macs", "instructions", "cycles_estimate", "stack_bytes", "weights_bytes"), 0),
}


def has_shape(found: dict[str, Any], promised: dict[str, Any]) -> None:
    for key, value in promised.items():
        assert type(found[key]) is type(value), key
        if isinstance(value, dict):
            has_shape(found[key], value)


def bench(tinykit: Tinykit, *arguments: str | Path) -> dict[str, Any]:
    ended = tinykit("bench", *arguments, "--inputs", "2", "--json")
    assert ended.status == 0, ended.err
    return ended.json


@pytest.mark.parametrize("name", tiny.TINY)
def test_parts_add_up_and_every_promised_key_is_there(
    tinykit: Tinykit, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    report = bench(tinykit, shared_build(tmp_path_factory, name, tiny.TINY[name]()))
    has_shape(report, PROMISED)
    for layer in report["layers"]:
        has_shape(layer, PROMISED_LAYER)
    layers = report["layers"]
    model = compile_model(tiny.TINY[name](), f"{name}.tflite", "0", LowerOptions())
    assert [layer["name"] for layer in layers] == [layer.name for layer in model.program.layers]
    assert sum(layer["instructions"] for layer in layers) == report["instructions"] > 0
    assert sum(layer["cycles_estimate"] for layer in layers) == report["cycles_estimate"]
    assert max(layer["stack_bytes"] for layer in layers) == report["ram"]["stack"] > 0
    for memory in ("flash", "ram"):
        parts = {**report[memory]}
        assert parts.pop("total") == sum(parts.values())
    assert report["exact"] == {"oracle": "tflm", "inputs": 2, "mismatches": 0}
    assert "estimate" in report["cycles_source"]


def test_two_runs_and_another_build_count_the_same(tinykit: Tinykit, tmp_path: Path) -> None:
    model, folder = tmp_path / "image.tflite", tmp_path / "built"
    model.write_bytes(tiny.image())
    assert tinykit("build", model, "--board", "nano33", "-o", folder).status == 0
    first = bench(tinykit, folder)
    assert bench(tinykit, folder) == first
    assert bench(tinykit, model, "--board", "nano33") == first


def test_other_inputs_to_check_do_not_change_the_cost(tinykit: Tinykit, image_build: Path) -> None:
    first, second = (bench(tinykit, image_build, "--seed", seed) for seed in ("1", "2"))
    assert first == second


def test_zeros_cost_less_than_stored(
    tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model, options = tiny.dense(zeros=0.98), BuildOptions(encoding="dense")
    stored = bench(tinykit, shared_build(tmp_path_factory, "stored", model, options))
    sparse = bench(tinykit, shared_build(tmp_path_factory, "sparse", model))
    assert [layer["encoding"] for layer in sparse["layers"]] == ["sparse", "dense", ""]
    assert [layer["encoding"] for layer in stored["layers"]] == ["dense", "dense", ""]
    assert sparse["instructions"] < stored["instructions"]
    assert sparse["flash"]["weights"] < stored["flash"]["weights"]
    assert sparse["layers"][0]["macs"] == stored["layers"][0]["macs"] == 40 * 24


def test_a_wrong_answer_ends_with_status_1(
    tinykit: Tinykit, dense_build: Path, tmp_path: Path
) -> None:
    folder = copied(dense_build, tmp_path / "copy")
    (folder / "dense.tflite").write_bytes(tiny.dense(seed=1))
    ended = tinykit("bench", folder, "--json")
    assert (ended.status, ended.json["exact"]["inputs"]) == (1, 20)
    assert ended.json["exact"]["mismatches"] > 0
    assert "inputs differ from the oracle" in ended.err


def test_tables_say_that_cycles_are_an_estimate(tinykit: Tinykit, dense_build: Path) -> None:
    ended = tinykit("bench", dense_build, "--inputs", "1")
    assert "cycles, estimated" in ended.out and "instructions, counted" in ended.out
    assert "an estimate" in ended.err


def test_the_profile_accounts_for_every_instruction(tinykit: Tinykit, image_build: Path) -> None:
    report, again = (bench(tinykit, image_build, "--profile") for _ in range(2))
    assert report == again
    functions = report["functions"]
    assert sum(each["instructions"] for each in functions) == report["instructions"]
    assert sum(each["cycles_estimate"] for each in functions) == report["cycles_estimate"]
    counts = [each["instructions"] for each in functions]
    assert counts == sorted(counts, reverse=True)
    assert {"image_invoke", "tk_tile_s8"} <= {each["function"] for each in functions}
    assert bench(tinykit, image_build)["functions"] is None


def test_flash_adds_its_wait_states_at_every_jump(tinykit: Tinykit, image_build: Path) -> None:
    report = bench(tinykit, image_build)
    jumps = sum(layer["jumps"] for layer in report["layers"])
    assert (report["wait_states"], jumps > 0) == (2, True)
    assert report["cycles_waiting"] == report["cycles_estimate"] + 2 * jumps
    least, most = report["cycles_calibrated"]
    assert report["cycles_estimate"] < least < most


def test_the_profile_shows_layers_and_functions(tinykit: Tinykit, dense_build: Path) -> None:
    ended = tinykit("bench", dense_build, "--inputs", "1", "--profile")
    for text in ("share", "hottest functions", "dense_invoke", "2 wait states at each jump"):
        assert text in ended.out
    assert "1.24 to 1.42 times" in ended.err


def test_the_fixed_input_is_the_published_one() -> None:
    """One xorshift32 step a byte from state 1; by hand: 270369 >> 24, 67634689 >> 24."""
    graph = compile_model(tiny.dense(), "dense.tflite", "0", LowerOptions()).graph
    assert fixed_input(graph)[:2] == bytes([270369 >> 24, 67634689 >> 24])
    floats = compile_model(tiny.float_sum(), "f.tflite", "0", LowerOptions()).graph
    assert fixed_input(floats) == bytes.fromhex("0000003f") * 5


def test_bench_without_a_board_says_so(
    tinykit: Tinykit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dense.tflite").write_bytes(tiny.dense())
    line, _ = tinykit.refuses("bench", "dense.tflite")
    assert line == "no board is given"
