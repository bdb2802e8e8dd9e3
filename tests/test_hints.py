"""Ways out that messages name are ways out: a model that takes one is converted and compiles."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tensorflow")

from tinykit.codegen.compile import compile_model
from tinykit.codegen.importer import obstacles
from tinykit.codegen.layer import LowerOptions
from tinykit.prune.convert_child import convert_here
from tinykit.train.backend import import_keras

keras = import_keras()
layers, ops = keras.layers, keras.ops
Make = Callable[[], Any]

pytestmark = pytest.mark.filterwarnings("ignore")  # the converter's, which a child process keeps


def model(shape: tuple[int, ...], compute: Callable[[Any], Any]) -> Make:
    """Return what makes a model of a function, with a dense layer behind it."""

    def make() -> Any:
        x = keras.Input(shape)
        return keras.Model(x, layers.Dense(2)(layers.Flatten()(compute(x))))

    return make


def dense(x: Any, activation: str | None = None) -> Any:
    return layers.Dense(6, activation=activation)(x)


def cubed(v: Any) -> Any:
    return v * v * v


def rooted(v: Any) -> Any:
    return v * ops.rsqrt(v + 0.001)


# By the words of the hint: what is refused, and what the hint says to write.
HINTS: dict[str, tuple[Make, Make]] = {
    "TimeDistributed(Conv2D)": (
        model((4, 6, 6, 1), layers.Conv3D(2, 2)),
        model((4, 6, 6, 1), layers.TimeDistributed(layers.Conv2D(2, 2))),
    ),
    "elu": (
        model((8,), lambda x: ops.exp(dense(x))),
        model((8,), lambda x: dense(x, "elu")),
    ),
    "'hard_silu'": (
        model((8,), lambda x: dense(x, "gelu")),
        model((8,), lambda x: dense(x, "hard_silu")),
    ),
    "log_softmax": (
        model((8,), lambda x: ops.log(ops.abs(dense(x)) + 0.01)),
        model((8,), lambda x: dense(x, "log_softmax")),
    ),
    "multiply the tensor with itself": (
        model((8,), lambda x: ops.power(ops.abs(dense(x)), 1.5)),
        model((8,), lambda x: cubed(dense(x))),
    ),
    "leave Masking": (
        model((5, 3), lambda x: layers.LSTM(4)(layers.Masking()(x))),
        model((5, 3), layers.LSTM(4)),
    ),
    "x[:, 0] * x[:, 1]": (
        model((2, 4), lambda x: ops.prod(x, axis=1)),
        model((2, 4), lambda x: x[:, 0] * x[:, 1]),
    ),
    "maximum(x, 0) + 0.3 * minimum(x, 0)": (
        model((8,), lambda x: ops.where(x > 0, x, 0.3 * x)),
        model((8,), lambda x: ops.maximum(x, 0) + 0.3 * ops.minimum(x, 0)),
    ),
    "ops.clip(100 * x, -1, 1)": (
        model((4,), ops.sign),
        model((4,), lambda x: ops.clip(100 * x, -1, 1)),
    ),
    "v * rsqrt(v + 0.001)": (
        model((8,), lambda x: ops.sqrt(ops.abs(dense(x)))),
        model((8,), lambda x: rooted(ops.abs(dense(x)))),
    ),
    "concatenate the tensor with itself": (
        model((6, 2), lambda x: ops.tile(x, [1, 2, 1])),
        model((6, 2), lambda x: ops.concatenate([x, x], axis=1)),
    ),
}
USUAL = ("TimeDistributed(Conv2D)", "v * rsqrt(v + 0.001)", "x[:, 0] * x[:, 1]")


def converted(make: Make, folder: Path) -> bytes:
    keras.utils.set_random_seed(0)
    path = folder / "net.keras"
    make().save(path)
    return convert_here(path, None, None, "int8")


@pytest.mark.parametrize(
    "hint", [pytest.param(h, marks=[] if h in USUAL else pytest.mark.soak) for h in HINTS]
)
def test_a_hint_leads_to_a_model_that_compiles(hint: str, tmp_path: Path) -> None:
    refused, instead = HINTS[hint]
    found = obstacles(converted(refused, tmp_path), "net.tflite")
    assert hint in found[0].hint
    compile_model(converted(instead, tmp_path), "net.tflite", "0.0.0", LowerOptions())
