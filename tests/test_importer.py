"""Wrong files: each is refused with a message and a way out, never with a traceback."""

from collections.abc import Callable
from dataclasses import replace

import flat
import numpy as np
import pytest
from flat import FlatModel, FlatOperator, FlatTensor, to_bytes

from tinykit.codegen.importer import import_tflite
from tinykit.core.errors import TinykitError

CONVERT = "convert it with full-integer int8 quantization: tinykit quantize"
AGAIN = "the model file is damaged; convert it again: tinykit quantize"


def conv_model() -> FlatModel:
    """Make a model of one convolution, tensors 0 to 3: input, weights, bias, output."""
    weights = np.arange(-27, 27, dtype=np.int8).reshape(2, 3, 3, 3)
    return FlatModel(
        tensors=(
            FlatTensor("image", (1, 4, 4, 3), "int8", (0.5,), (3,)),
            FlatTensor("net/conv/Conv2D", weights.shape, "int8", (0.25,), (0,), data=weights),
            FlatTensor("bias", (2,), "int32", (0.125,), (0,), data=np.array([5, -5], np.int32)),
            FlatTensor("answer", (1, 2, 2, 2), "int8", (64.0,), (0,)),
        ),
        operators=(FlatOperator("CONV_2D", (0, 1, 2), (3,), flat.conv_options()),),
        inputs=(0,),
        outputs=(3,),
    )


def with_tensor(number: int, tensor: FlatTensor) -> FlatModel:
    model = conv_model()
    tensors = (*model.tensors[:number], tensor, *model.tensors[number + 1 :])
    return replace(model, tensors=tensors)


def with_operator(operator: FlatOperator) -> FlatModel:
    return replace(conv_model(), operators=(operator,))


def refused(data: bytes) -> TinykitError:
    with pytest.raises(TinykitError) as caught:
        import_tflite(data, "net.tflite")
    assert caught.value.exit_status == 2
    return caught.value


def test_a_good_model_is_imported() -> None:
    graph = import_tflite(to_bytes(conv_model()), "net.tflite")
    assert [operator.name for operator in graph.operators] == ["conv"]
    assert [tensor.shape for tensor in graph.tensors][0::3] == [(1, 4, 4, 3), (1, 2, 2, 2)]


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\x89PNG\r\n\x1a\n" * 4])
def test_another_file_is_refused(data: bytes) -> None:
    error = refused(data)
    assert error.message == (
        f"net.tflite is not a .tflite file ({len(data)} bytes, no TFL3 mark at byte 4)"
    )
    assert error.hint == "make one from a Keras model: tinykit quantize model.keras -o model.tflite"


def _float() -> bytes:
    tensors = tuple(FlatTensor(name, (1, 4), "float32") for name in ("image", "answer"))
    operators = (FlatOperator("LOGISTIC", (0,), (1,)),)
    return to_bytes(FlatModel(tensors, operators, (0,), (1,)))


def _image(shape: tuple[int, ...] = (1, 4, 4, 3), dtype: str = "int8") -> bytes:
    return to_bytes(with_tensor(0, FlatTensor("image", shape, dtype, (0.5,), (3,))))


REFUSALS: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "float": (
        _float,
        "net.tflite is a float model ('image' is float32), tinykit compiles int8",
        CONVERT,
    ),
    "int16": (
        lambda: _image(dtype="int16"),
        "net.tflite: layer 'conv' (CONV_2D) has the zero point 3 for the int16 tensor 'image', "
        "TFLM wants 0",
        "quantize the model again: tinykit quantize",
    ),
    "float16": (
        lambda: _image(dtype="float16"),
        "net.tflite: tensor 'image' has type 1 of the schema",
        CONVERT,
    ),
    "unknown operator": (
        lambda: to_bytes(with_operator(FlatOperator("GELU", (0,), (3,)))),
        "net.tflite: layer 'answer' is GELU, which tinykit cannot compile",
        "use activation='relu', or 'hard_silu'",
    ),
    "custom operator": (
        lambda: to_bytes(with_operator(FlatOperator("CUSTOM", (0,), (3,), custom="MyOp"))),
        "net.tflite: layer 'answer' is MyOp, which tinykit cannot compile",
        "operators that compile: tinykit ops",
    ),
    "two subgraphs": (
        lambda: to_bytes(replace(conv_model(), others=(conv_model(),))),
        "net.tflite has 2 subgraphs, and no CALL_ONCE runs number 1",
        "convert the model without control flow",
    ),
    "dynamic weights": (
        lambda: to_bytes(
            replace(
                with_tensor(1, FlatTensor("w", (2, 3, 3, 3), "int8", (0.25,), (0,))), inputs=(0, 1)
            )
        ),
        "net.tflite: layer 'answer' (CONV_2D) computes its weights 'w' at run time",
        "quantize the model again: tinykit quantize",
    ),
    "uneven groups": (
        lambda: _image((1, 4, 4, 9)),
        "net.tflite: layer 'conv' (CONV_2D) has 9 input and 2 output channels, weights for 3",
        "use channels that are multiples of the groups",
    ),
    "batch": (
        lambda: _image((2, 4, 4, 3)),
        "net.tflite: layer 'conv' (CONV_2D) has a batch of 2",
        "give it one sample after the other",
    ),
    "asymmetric weights": (
        lambda: to_bytes(with_tensor(1, replace(conv_model().tensors[1], zero_points=(4,)))),
        "net.tflite: layer 'conv' (CONV_2D) has asymmetric weights 'net/conv/Conv2D'",
        "quantize the model again: tinykit quantize",
    ),
    "negative scale": (
        lambda: to_bytes(with_tensor(3, replace(conv_model().tensors[3], scales=(-1.0,)))),
        "net.tflite: tensor 'answer' has the scale -1.0",
        AGAIN,
    ),
    "zero point": (
        lambda: to_bytes(with_tensor(3, replace(conv_model().tensors[3], zero_points=(128,)))),
        "net.tflite: tensor 'answer' has the zero point 128, int8 goes from -128 to 127",
        AGAIN,
    ),
    "huge": (
        lambda: _image((1, 1 << 15, 1 << 15, 3)),
        "net.tflite: tensor 'image' of shape (1, 32768, 32768, 3) is too large",
        AGAIN,
    ),
    "no output": (
        lambda: to_bytes(replace(conv_model(), outputs=())),
        "net.tflite: the model has no output",
        AGAIN,
    ),
    "nobody writes": (
        lambda: to_bytes(replace(conv_model(), operators=())),
        "net.tflite: no layer writes the output 'answer'",
        AGAIN,
    ),
    "short weights": (
        lambda: to_bytes(with_tensor(1, replace(conv_model().tensors[1], shape=(2, 3, 3, 4)))),
        "net.tflite: tensor 'net/conv/Conv2D' of shape (2, 3, 3, 4) has 54 values, not 72",
        "the file is damaged; convert it again: tinykit quantize",
    ),
    "wrong size": (
        lambda: to_bytes(with_tensor(3, replace(conv_model().tensors[3], shape=(1, 3, 2, 2)))),
        "net.tflite: layer 'conv' (CONV_2D) has an output of (3, 2), not 2 on axis 1",
        "quantize the model again: tinykit quantize",
    ),
}


@pytest.mark.parametrize("rule", sorted(REFUSALS))
def test_a_wrong_model_is_refused_by_name(rule: str) -> None:
    make, message, hint = REFUSALS[rule]
    error = refused(make())
    assert (error.message, error.hint) == (message, hint)


def test_truncated_files_are_refused_or_whole() -> None:
    data = to_bytes(conv_model())
    whole = import_tflite(data, "net.tflite").digest()
    for length in range(len(data)):
        try:
            assert import_tflite(data[:length], "net.tflite").digest() == whole
        except TinykitError as error:
            assert error.exit_status == 2
            assert error.hint
            assert "unpack" not in error.message and "buffer" not in error.message
