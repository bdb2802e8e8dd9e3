"""Operators that move, reduce and fold: what they cannot do is refused with the layer's name."""

import numpy as np
import pytest
import tflite
from flat import FlatModel, FlatOperator, FlatTensor, Options, conv_options, to_bytes

from tinykit.codegen.compile import compile_model
from tinykit.codegen.importer import import_tflite
from tinykit.codegen.layer import LowerOptions
from tinykit.core.errors import TinykitError


def tensor(name: str, shape: tuple[int, ...], scale: float = 0.5) -> FlatTensor:
    return FlatTensor(name, shape, "int8", (scale,), (3,))


def numbers(values: list[int] | list[list[int]]) -> FlatTensor:
    data = np.array(values, np.int32)
    return FlatTensor("numbers", data.shape, "int32", data=data)


def model(
    kind: str,
    source: FlatTensor,
    others: tuple[FlatTensor, ...],
    target: FlatTensor,
    options: Options | None = None,
) -> bytes:
    tensors = (source, target, *others)
    inputs = (0, *range(2, len(tensors)))
    dynamic = tuple(n for n in inputs if tensors[n].data is None)
    return to_bytes(FlatModel(tensors, (FlatOperator(kind, inputs, (1,), options),), dynamic, (1,)))


def narrow(shape: tuple[int, ...], scales: tuple[float, ...]) -> FlatTensor:
    data = np.ones(shape, np.int8)
    return FlatTensor("narrow", shape, "int4", scales, (0,) * len(scales), 0, data)


def ones(shape: tuple[int, ...]) -> FlatTensor:
    return FlatTensor("ones", shape, "int8", (0.5,), (0,), data=np.ones(shape, np.int8))


def zeros(shape: tuple[int, ...]) -> FlatTensor:
    return FlatTensor("zeros", shape, "int8", (0.5,), (0,), data=np.zeros(shape, np.int8))


def with_bias_type(options: Options, bias_type: int) -> Options:
    return Options(options.table, (*options.fields, ("QuantizedBiasType", bias_type)))


ROW = tensor("row", (1, 3))
SEVEN = tensor("seven", (1, 1, 2, 1, 2, 1, 2))
IMAGE = tensor("image", (1, 4, 4, 3))
RULES: dict[str, tuple[bytes, str]] = {
    "int4 of two scales": (
        model("FULLY_CONNECTED", ROW, (narrow((2, 3), (0.5, 0.25)),), tensor("t", (1, 2))),
        "(FULLY_CONNECTED) has int4 weights of one scale a channel, TFLM wants one",
    ),
    "int4 beside int16": (
        model(
            "FULLY_CONNECTED",
            FlatTensor("row", (1, 3), "int16", (0.5,), (0,)),
            (narrow((2, 3), (0.5,)),),
            FlatTensor("t", (1, 2), "int16", (0.5,), (0,)),
        ),
        "(FULLY_CONNECTED) has int4 weights 'narrow'",
    ),
    "int16 in sums of 32 bits": (
        model(
            "FULLY_CONNECTED",
            FlatTensor("row", (1, 3), "int16", (0.5,), (0,)),
            (ones((2, 3)),),
            FlatTensor("t", (1, 2), "int16", (0.5,), (0,)),
            Options("FullyConnectedOptions", (("QuantizedBiasType", tflite.TensorType.INT32),)),
        ),
        "(FULLY_CONNECTED) has int16 activations and sums of 32 bits, which TFLM rounds otherwise",
    ),
    "int16 windows in sums of 32 bits": (
        model(
            "CONV_2D",
            FlatTensor("image", (1, 4, 4, 3), "int16", (0.5,), (0,)),
            (ones((2, 1, 1, 3)),),
            FlatTensor("t", (1, 4, 4, 2), "int16", (0.5,), (0,)),
            with_bias_type(conv_options(), tflite.TensorType.INT32),
        ),
        "(CONV_2D) has int16 activations and sums of 32 bits, which TFLM rounds otherwise",
    ),
    "quotients beyond int32": (
        model("DIV", ROW, (tensor("b", (1, 3)),), tensor("t", (1, 3), 1 / 32)),
        "(DIV) rescales quotients by 32, where TFLM shifts by up to 32 bits, beyond int32",
    ),
    "constant of zeros": (
        model("DIV", ROW, (zeros((1, 3)),), tensor("t", (1, 3), 1 / 128)),
        "(DIV) divides by the zeros of 'zeros'",
    ),
    "int4 as a summand": (
        model("ADD", ROW, (narrow((1, 3), (0.5,)),), tensor("t", (1, 3))),
        "(ADD) has the int4 tensor 'narrow'",
    ),
    "int4 input": (
        model("RELU", FlatTensor("row", (1, 3), "int4", (0.5,), (0,)), (), tensor("t", (1, 3))),
        "tensor 'row' is computed in int4, weights only may be int4",
    ),
    "transpose at run time": (
        model("TRANSPOSE", IMAGE, (FlatTensor("order", (4,), "int32"),), IMAGE),
        "(TRANSPOSE) computes its order 'order' at run time",
    ),
    "transpose twice": (
        model("TRANSPOSE", IMAGE, (numbers([0, 1, 1, 3]),), IMAGE),
        "(TRANSPOSE) puts 4 axes in the order [0, 1, 1, 3]",
    ),
    "transpose of six axes": (
        model(
            "TRANSPOSE",
            tensor("six", (1, 2, 1, 2, 1, 2)),
            (numbers([0, 5, 4, 3, 2, 1]),),
            tensor("t", (1, 2, 1, 2, 1, 2)),
        ),
        "(TRANSPOSE) turns 6 axes, TFLM at most 5",
    ),
    "concatenation of seven axes": (
        model("CONCATENATION", SEVEN, (SEVEN,), tensor("t", (2, 1, 2, 1, 2, 1, 2))),
        "(CONCATENATION) joins 7 axes, TFLM up to 6",
    ),
    "reversal in seven axes": (
        model("REVERSE_V2", SEVEN, (numbers([6]),), SEVEN),
        "(REVERSE_V2) reverses in 7 axes, TFLM up to 6",
    ),
    "concatenation of scales": (
        model(
            "CONCATENATION", IMAGE, (tensor("b", (1, 4, 4, 3), 0.25),), tensor("t", (2, 4, 4, 3))
        ),
        "(CONCATENATION) joins 'b' of another scale, which TFLM refuses",
    ),
    "concatenation of shapes": (
        model("CONCATENATION", IMAGE, (), tensor("t", (1, 4, 4, 5))),
        "(CONCATENATION) makes (1, 4, 4, 5), not (1, 4, 4, 3)",
    ),
    "slice outside": (
        model("SLICE", IMAGE, (numbers([0, 3, 0, 0]), numbers([1, 2, 4, 3])), IMAGE),
        "(SLICE) takes 3 to 4 of 4",
    ),
    "ellipsis": (
        model(
            "STRIDED_SLICE",
            IMAGE,
            (numbers([0] * 4), numbers([1] * 4), numbers([1] * 4)),
            tensor("t", (1, 1, 1, 1)),
            Options("StridedSliceOptions", (("EllipsisMask", 1),)),
        ),
        "(STRIDED_SLICE) has an ellipsis or a new axis, which TFLM ignores",
    ),
    "stride of nothing": (
        model(
            "STRIDED_SLICE", IMAGE, (numbers([0] * 4), numbers([1] * 4), numbers([0] * 4)), IMAGE
        ),
        "(STRIDED_SLICE) has a stride of 0",
    ),
    "negative padding": (
        model("PAD", IMAGE, (numbers([[0, 0], [-1, 0], [0, 0], [0, 0]]),), IMAGE),
        "(PAD) has the paddings [0, 0, -1, 0, 0, 0, 0, 0] for 4 axes",
    ),
    "mirror beyond": (
        model(
            "MIRROR_PAD",
            IMAGE,
            (numbers([[0, 0], [4, 0], [0, 0], [0, 0]]),),
            tensor("t", (1, 8, 4, 3)),
        ),
        "(MIRROR_PAD) mirrors 4 of 4",
    ),
    "gather outside": (
        model(
            "GATHER",
            IMAGE,
            (numbers([0, 3]),),
            tensor("t", (1, 4, 4, 2)),
            Options("GatherOptions", (("Axis", 3),)),
        ),
        "(GATHER) takes 0 to 3 of 3",
    ),
    "gather on several axes outside": (
        model(
            "GATHER_ND",
            IMAGE,
            (numbers([[0, 1, 2], [0, 4, 0]]),),
            tensor("t", (2, 3)),
            Options("GatherNdOptions"),
        ),
        "(GATHER_ND) takes (0, 4, 2) of (1, 4, 4, 3)",
    ),
    "nine terms": (
        model("ADD_N", IMAGE, (IMAGE,) * 8, tensor("t", (1, 4, 4, 3)), Options("AddNOptions")),
        "(ADD_N) adds 9 tensors, the most is 8",
    ),
    "terms of two scales": (
        model("ADD_N", IMAGE, (tensor("i", (1, 4, 4, 3), 0.25),), tensor("t", (1, 4, 4, 3))),
        "(ADD_N) adds the scales 0.5 and 0.25, as TFLM cannot",
    ),
    "running sums along two axes": (
        model("CUMSUM", IMAGE, (numbers([1, 2]),), tensor("t", (1, 4, 4, 3))),
        "(CUMSUM) sums along the axes [1, 2]",
    ),
    "running sums to a finer scale": (
        model("CUMSUM", IMAGE, (numbers([1]),), tensor("t", (1, 4, 4, 3), 2.0**-21)),
        "(CUMSUM) rescales by 2, TFLM wants less than 1",
    ),
    "squares beyond int32": (
        model("L2_NORMALIZATION", tensor("i", (1, 125138)), (), tensor("t", (1, 125138))),
        "(L2_NORMALIZATION) sums 125138 squares, which may overflow",
    ),
    "shapes of the input's values": (
        model("BROADCAST_ARGS", IMAGE, (numbers([2, 3]),), FlatTensor("t", (2,), "int32")),
        "(BROADCAST_ARGS) computes its shapes 'image' at run time",
    ),
    "reduction to another scale": (
        model("REDUCE_MAX", IMAGE, (numbers([1, 2]),), tensor("t", (1, 3), 0.25)),
        "(REDUCE_MAX) changes the scale, as TFLM cannot",
    ),
    "resize by rounding": (
        model(
            "RESIZE_BILINEAR",
            tensor("i", (1, 2, 1, 1)),
            (numbers([150, 1]),),
            tensor("t", (1, 150, 1, 1)),
        ),
        "(RESIZE_BILINEAR) reads place 2 of 2 by TFLM's rounding",
    ),
    "argument of nothing": (
        model("ARG_MAX", IMAGE, (numbers([4]),), FlatTensor("t", (1, 4, 4), "int32")),
        "(ARG_MAX) has the axis 4 of 4",
    ),
    "blocks that do not fit": (
        model(
            "SPACE_TO_DEPTH",
            IMAGE,
            (),
            tensor("t", (1, 1, 1, 27)),
            Options("SpaceToDepthOptions", (("BlockSize", 3),)),
        ),
        "(SPACE_TO_DEPTH) makes (1, 1, 1, 27) of (1, 4, 4, 3)",
    ),
    "squeeze of more than one": (
        model(
            "SQUEEZE",
            IMAGE,
            (),
            tensor("t", (1, 16, 3)),
            Options("SqueezeOptions", (("SqueezeDims", (1,)),)),
        ),
        "(SQUEEZE) squeezes the axes [1] of (1, 4, 4, 3)",
    ),
    "fill that changes": (
        model(
            "FILL", FlatTensor("shape", (2,), "int32"), (tensor("v", (1,)),), tensor("t", (2, 2))
        ),
        "(FILL) fills with 'v' of shape (1,)",
    ),
}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_what_cannot_be_done_is_refused_by_name(rule: str) -> None:
    data, message = RULES[rule]
    with pytest.raises(TinykitError) as caught:
        import_tflite(data, "net.tflite")
    assert caught.value.message.endswith(message)
    assert caught.value.hint


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_the_type_of_biases_decides_nothing_that_compiles(dtype: str) -> None:
    row, result = (FlatTensor("t", (1, n), dtype, (0.5,), (0,)) for n in (3, 2))
    types = (tflite.TensorType.FLOAT32, tflite.TensorType.INT32, tflite.TensorType.INT64)
    options = [
        Options("FullyConnectedOptions", (("QuantizedBiasType", bias_type),))
        for bias_type in types
        if (dtype, bias_type) != ("int16", tflite.TensorType.INT32)
    ]
    files = [model("FULLY_CONNECTED", row, (ones((2, 3)),), result, each) for each in options]
    assert len({import_tflite(data, "net.tflite").digest() for data in files}) == 1


def test_an_output_that_is_constant_is_refused() -> None:
    data = model("SHAPE", IMAGE, (), FlatTensor("t", (4,), "int32"))
    with pytest.raises(TinykitError, match="the output 't' does not depend on the input"):
        import_tflite(data, "net.tflite")


def test_constants_are_computed_at_build_time() -> None:
    first = np.arange(48, dtype=np.int8).reshape(3, 4, 4)
    tensors = (
        IMAGE,
        FlatTensor("constant", (3, 4, 4), "int8", (0.5,), (3,), data=first),
        numbers([1, 2, 0]),
        tensor("turned", (4, 4, 3)),
        tensor("wide", (1, 4, 4, 3)),
        tensor("sum", (1, 4, 4, 3), 2.0),
    )
    operators = (
        FlatOperator("TRANSPOSE", (1, 2), (3,)),
        FlatOperator("EXPAND_DIMS", (3, 6), (4,)),
        FlatOperator("ADD", (0, 4), (5,), Options("AddOptions")),
    )
    data = to_bytes(FlatModel((*tensors, numbers([0])), operators, (0,), (5,)))
    compiled = compile_model(data, "net.tflite", "0.0.0", LowerOptions())
    assert [layer.kind for layer in compiled.program.layers] == ["ADD"]
    folded = compiled.graph.tensors[4].data
    assert folded is not None
    np.testing.assert_array_equal(folded, first.transpose(1, 2, 0)[None])
