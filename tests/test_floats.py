"""Float islands: the root is correctly rounded, and what is not exact is refused by name."""

import ctypes
import subprocess

import flat
import numpy as np
import pytest
from flat import FlatModel, FlatOperator, FlatTensor, Options, to_bytes
from models import KERNELS
from numpy.typing import NDArray
from wides import SPECIAL

from tinykit.codegen.importer import import_tflite
from tinykit.core.errors import TinykitError


class Record(ctypes.Structure):
    """Mirror tk_values_layer."""

    _fields_ = [("count", ctypes.c_uint32)]


class Walk(ctypes.Structure):
    """Mirror tk_broadcast."""

    _fields_ = [
        ("row", ctypes.c_uint32),
        ("a_step", ctypes.c_uint8),
        ("b_step", ctypes.c_uint8),
        ("loops", ctypes.c_uint8),
        ("loop", ctypes.c_void_p),
    ]


class Pair(ctypes.Structure):
    """Mirror tk_pair_f32_layer."""

    _fields_ = [("shape", Walk), ("min", ctypes.c_float), ("max", ctypes.c_float)]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    path = tmp_path_factory.mktemp("values") / "values.so"
    flags = ["-std=c11", "-O2", "-ffp-contract=off", "-shared", "-fPIC", f"-I{KERNELS}"]
    sources = [KERNELS / "tk_values_f32.c", KERNELS / "tk_pair_f32.c"]
    subprocess.run(["gcc", *flags, *sources, "-o", path], check=True)
    return ctypes.CDLL(str(path))


def roots(library: ctypes.CDLL, values: NDArray[np.float32]) -> NDArray[np.float32]:
    found = values.copy()
    place = ctypes.c_void_p(found.ctypes.data)
    library.tk_root_f32(ctypes.byref(Record(found.size)), place, place)  # in place
    return found


def same(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    return bool(np.all((a.view(np.uint32) == b.view(np.uint32)) | (np.isnan(a) & np.isnan(b))))


def test_roots_are_those_of_ieee_754(library: ctypes.CDLL) -> None:
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 0x7F80_0001, 1_000_000).astype(np.uint32).view(np.float32)
    ends = np.concatenate([np.arange(0, 4096), np.arange(0x7F7F_F000, 0x7F80_0001)])
    edges = (np.arange(255)[:, None] << 23) + rng.choice([0, 1, 2, 0x7F_FFFE, 0x7F_FFFF], (1, 9))
    for bits in (ends, edges.ravel()):
        drawn = np.concatenate([drawn, bits.astype(np.uint32).view(np.float32)])
    squares = (rng.integers(1, 4096, 4096).astype(np.float32)) ** 2
    values = np.concatenate([drawn, squares, np.nextafter(squares, np.float32(0)), SPECIAL, -drawn])
    with np.errstate(invalid="ignore"):
        assert same(roots(library, values), np.sqrt(values))


def test_quotients_are_those_of_ieee_754(library: ctypes.CDLL) -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(0, 2**32, 1_000_000).astype(np.uint32).view(np.float32)
    near = (a.view(np.uint32) + (rng.integers(-12, 13, a.size) << 23)).astype(np.uint32)
    tiny = rng.integers(-4096, 4096, a.size).astype(np.float32) * np.float32(2.0**-149)
    powers = 2.0 ** rng.integers(-30, 31, a.size).astype(np.float32)  # halves of the last digit
    divisors = [
        near.view(np.float32),
        rng.permutation(a),
        tiny,
        powers,
        rng.choice(SPECIAL, a.size),
    ]
    for over, under in [*((a, b) for b in divisors), (tiny, a), (tiny, powers)]:
        found = np.empty_like(over)
        record = Pair(Walk(over.size, 4, 4, 0, None), -np.inf, np.inf)
        library.tk_divide_f32(
            ctypes.byref(record), *(ctypes.c_void_p(x.ctypes.data) for x in (over, under, found))
        )
        with np.errstate(all="ignore"):
            assert same(found, over / under)


def model(kind: str, dtypes: tuple[str, ...], options: Options | None = None) -> bytes:
    """Make an operator with an output of the last dtype, beside an int8 tensor."""
    tensors = tuple(FlatTensor(f"t{i}", (1, 4), dtype) for i, dtype in enumerate(dtypes))
    last = len(dtypes) - 1
    inputs = tuple(range(last))
    operators = (FlatOperator(kind, inputs, (last,), options),)
    spare = FlatTensor("spare", (1,), "int8", (1.0,), (0,))
    return to_bytes(FlatModel((*tensors, spare), operators, inputs, (last,)))


def fused(table: str, activation: int) -> Options:
    return Options(table, (("FusedActivationFunction", activation),))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (model("LOGISTIC", ("float32", "float32")), "(LOGISTIC) has the float32 tensor 't0'"),
        (model("SOFTMAX", ("float32", "float32")), "(SOFTMAX) has the float32 tensor 't0'"),
        (model("SQRT", ("int8", "int8")), "(SQRT) has the int8 tensor 't0'"),
        (model("ABS", ("float32", "int8")), "(ABS) has the int8 tensor 't1'"),
        (model("ABS", ("int32", "int32")), "(ABS) has the int32 tensor 't0'"),
        (model("DIV", ("int8", "int8", "int8")), "(DIV) has no single scale for 't2'"),
        (
            model("ADD", ("float32", "int32", "float32")),
            "(ADD) has the int32 tensor 't1' beside float32",
        ),
        (
            model("ADD", ("float32",) * 3, fused("AddOptions", 4)),
            "(ADD) has the fused activation 4",
        ),
        (
            model("LEAKY_RELU", ("float32",) * 2, flat.leaky_relu_options(float("nan"))),
            "(LEAKY_RELU) has the slope nan",
        ),
    ],
)
def test_what_is_not_exact_is_refused_by_name(data: bytes, words: str) -> None:
    with pytest.raises(TinykitError) as error:
        import_tflite(data, "m.tflite")
    assert words in error.value.message
    assert error.value.hint


def test_int32_with_a_scale_is_refused_where_tflm_refuses_it() -> None:
    scaled = FlatTensor("a", (1, 4), "int32", (0.5,), (0,))
    tensors = (scaled, FlatTensor("b", (1, 4), "int32"), FlatTensor("c", (1, 4), "int32"))
    operators = (FlatOperator("ADD", (0, 1), (2,), Options("AddOptions")),)
    with pytest.raises(TinykitError, match="has a scale for the int32 tensor 'a'"):
        import_tflite(to_bytes(FlatModel(tensors, operators, (0, 1), (2,))), "m.tflite")


def test_a_model_of_exact_float_operators_needs_no_int8() -> None:
    tensors = tuple(FlatTensor(name, (1, 4), "float32") for name in "abc")
    operators = (
        FlatOperator("SQUARE", (0,), (1,)),
        FlatOperator("MUL", (0, 1), (2,), Options("MulOptions")),
    )
    graph = import_tflite(to_bytes(FlatModel(tensors, operators, (0,), (2,))), "cube.tflite")
    assert [operator.kind for operator in graph.operators] == ["SQUARE", "MUL"]
