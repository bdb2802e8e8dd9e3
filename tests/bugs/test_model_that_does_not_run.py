"""A Keras model that cannot run was refused with "'NoneType' object is not callable"."""

from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

from tinykit.core.errors import TinykitError
from tinykit.prune.convert_child import convert_here
from tinykit.train.backend import import_keras

keras = import_keras()
CAUSES = {"glu": "expected axis -1 of input shape to have value 6", "threshold": "threshold()"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("activation", sorted(CAUSES))
def test_it_is_said_why(activation: str, tmp_path: Path) -> None:
    x = keras.Input((8,))
    hidden = keras.layers.Dense(6, activation=activation)(x)
    path = tmp_path / "net.keras"
    keras.Model(x, keras.layers.Dense(2)(hidden)).save(path)
    with pytest.raises(TinykitError) as caught:
        convert_here(path, None, None, "int8")
    assert caught.value.message.startswith(f"{path} does not run, not even in Keras: ")
    assert CAUSES[activation] in caught.value.message
    assert "\x1b" not in caught.value.message
    assert activation in caught.value.hint
