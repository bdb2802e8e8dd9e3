"""Float islands on the board: IEEE 754 to the last subnormal, whatever a bootloader left behind."""

from pathlib import Path

import numpy as np
import pytest
from commands import BOARD, TOOLCHAINS, Tinykit
from flat import FlatModel, FlatOperator, FlatTensor, Options, to_bytes
from wides import floats

pytest.importorskip("unicorn")
COUNT = 64


def island() -> bytes:
    """Make one output of each float operator of an input and a constant."""
    rng = np.random.default_rng(2)
    pairs = ("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE")
    ones = tuple("ABS CEIL FLOOR NEG RELU RELU6 ROUND RSQRT SQRT SQUARE".split())
    other = floats(rng, COUNT)
    tensors = [FlatTensor("x", (1, COUNT), "float32")]
    tensors.append(FlatTensor("other", (COUNT,), "float32", data=other))
    tensors.append(FlatTensor("axis", (1,), "int32", data=np.array([1], np.int32)))
    tensors.append(FlatTensor("sums", (1, COUNT), "float32"))
    operators = [FlatOperator("CUMSUM", (0, 2), (3,), Options("CumsumOptions"))]
    for kind in (*pairs, *ones):
        tensors.append(FlatTensor(kind.lower(), (1, COUNT), "float32"))
        table = {"ADD": "Add", "SUB": "Sub", "MUL": "Mul", "DIV": "Div"}.get(kind)
        options = Options(f"{table}Options") if table else None
        inputs = (0, 1) if kind in pairs else (0,)
        operators.append(FlatOperator(kind, inputs, (len(tensors) - 1,), options))
    outputs = tuple(range(3, len(tensors)))
    return to_bytes(FlatModel(tuple(tensors), tuple(operators), (0,), outputs))


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_every_float_operator_answers_as_tflm_on_the_board(
    tinykit: Tinykit, toolchain: str, tmp_path: Path
) -> None:
    model, folder = tmp_path / "island.tflite", tmp_path / "island"
    model.write_bytes(island())
    tinykit("build", model, "--board", BOARD.name, "--toolchain", toolchain, "-o", folder)
    x = floats(np.random.default_rng(3), 12 * COUNT).reshape(12, COUNT)
    x = np.where(np.isfinite(x), x, np.float32(1e-41))  # data sets hold finite values only
    np.savez(tmp_path / "x.npz", x=x)
    ended = tinykit(
        "verify", folder, "--emulator", "unicorn", "--data", tmp_path / "x.npz", "--json"
    )
    assert (ended.status, ended.json["mismatches"], ended.json["oracle"]) == (0, 0, "tflm")
