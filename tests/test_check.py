"""tinykit check says what compiles, where it fits, and every layer that is in the way."""

import json
from pathlib import Path

import numpy as np
import tiny
from commands import BOARD, Tinykit
from flat import FlatModel, FlatOperator, FlatTensor, to_bytes

from tinykit.host.build import BuildOptions, build
from tinykit.host.check import check_model


def unknown_layers() -> bytes:
    """Make a model of two layers that do not compile around one that does."""
    tensors = tuple(FlatTensor(f"net/{n}/out", (1, 4), "int8", (0.5,), (0,)) for n in "abcd")
    kinds = ("GELU", "LOGISTIC", "ATAN2")
    tensors = (
        *tensors[:2],
        FlatTensor("net/c/out", (1, 4), "int8", (1 / 256,), (-128,)),
        tensors[3],
    )
    operators = tuple(FlatOperator(kind, (i,), (i + 1,)) for i, kind in enumerate(kinds))
    return to_bytes(FlatModel(tensors, operators, (0,), (3,)))


def test_a_model_that_compiles_is_measured(tinykit: Tinykit, tmp_path: Path) -> None:
    path = tmp_path / "image.tflite"
    path.write_bytes(tiny.image())
    report = tinykit("check", path, "--json").json
    assert report["compiles"] and report["obstacles"] == []
    assert report["arena_bytes"] >= report["least_bytes"] > 0
    assert "nano33" in [fit["board"] for fit in report["boards"] if fit["fits"]]
    assert "fits pico (not yet run on hardware)" in tinykit("check", path).out


def test_a_plan_for_a_board_is_that_of_its_build(tinykit: Tinykit, tmp_path: Path) -> None:
    path, folder = tmp_path / "image.tflite", tmp_path / "build"
    path.write_bytes(tiny.image())
    report = tinykit("check", path, "--board", BOARD.name, "--json").json
    assert [fit["board"] for fit in report["boards"]] == [BOARD.name]
    build(tiny.image(), path.name, BOARD, BuildOptions(), folder)
    plan = json.loads((folder / "plan.json").read_text())
    assert all(report[key] == plan[key] for key in ("arena_bytes", "least_bytes", "proven"))


def many_layers() -> bytes:
    """Make a chain of 150 layers that have the largest record and no tables."""
    shape = (1, 2, 3, 2, 2)
    order = FlatTensor("order", (5,), "int32", data=np.array([0, 4, 2, 3, 1], np.int32))
    chain = tuple(FlatTensor(f"turned{i}", shape, "int8", (0.5,), (0,)) for i in range(151))
    operators = tuple(FlatOperator("TRANSPOSE", (i, 151), (i + 1,)) for i in range(150))
    return to_bytes(FlatModel((*chain, order), operators, (0,), (150,)))


def test_what_a_model_needs_at_most_is_not_less_than_its_image(tmp_path: Path) -> None:
    for name, make in {**tiny.TINY, "many_layers": many_layers}.items():
        data = make()
        (fit,) = check_model(data, f"{name}.tflite", [BOARD]).boards
        sizes = build(data, f"{name}.tflite", BOARD, BuildOptions(), tmp_path / name).sizes
        assert sizes.flash <= fit.flash_bytes
        assert sizes.ram <= fit.ram_bytes


def test_every_layer_in_the_way_is_named_with_a_way_out(tinykit: Tinykit, tmp_path: Path) -> None:
    path = tmp_path / "odd.tflite"
    path.write_bytes(unknown_layers())
    ended = tinykit("check", path, "--json")
    assert ended.status == 1
    found = ended.json["obstacles"]
    assert [(each["op"], each["layer"]) for each in found] == [("GELU", "out"), ("ATAN2", "out")]
    assert "relu" in found[0]["hint"] and "tinykit ops" in found[1]["hint"]
    assert ended.err.splitlines() == [
        "tinykit: odd.tflite does not compile: layer 'out' (GELU) cannot be compiled",
        "  hint: use activation='relu', or 'hard_silu'",
    ]


def test_a_file_that_is_no_model_is_refused(tinykit: Tinykit, tmp_path: Path) -> None:
    path = tmp_path / "notes.tflite"
    path.write_text("not a model")
    line, _hint = tinykit.refuses("check", path)
    assert line == "notes.tflite is not a .tflite file (11 bytes, no TFL3 mark at byte 4)"


def test_an_untrained_keras_model_is_checked(tinykit: Tinykit, tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((6, 6, 1)), layers.Conv2D(2, 3, activation="relu"), layers.Flatten()]
    )
    path = tmp_path / "net.keras"
    model.save(path)
    report = tinykit("check", path, "--json").json
    assert report["compiles"] and report["layers"] == 1
