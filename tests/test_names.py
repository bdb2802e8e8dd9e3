"""Names are legal in C, unlike each other, and unlike what the generated files use themselves."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import KERNELS, WARNINGS

from tinykit.codegen.names import c_name, layer_name, model_name, unique

PROFILE = settings(derandomize=True, deadline=None, database=None)
HARD = """int8_t uint_fast16_t intptr_t int for while auto inline main arena src dst tanh exp log
    round floor index signbit sqrt printf malloc memcpy j0 nan gamma tk_conv_s8 tk_window TK_Layer
    Bool true unix linux sigmoid add conv3x3 1x1 2 state kws"""


@PROFILE
@given(st.text(max_size=20))
def test_any_text_becomes_an_identifier(text: str) -> None:
    name = c_name(text, "layer")
    assert name.isidentifier()
    assert name.isascii()
    assert name == c_name(name, "layer") or name.startswith("layer_")


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_names_compile_at_file_scope(compiler: str, tmp_path: Path) -> None:
    source = tmp_path / "names.c"
    words = unique([c_name(word, "layer") for word in HARD.split()], "net")
    lines = [f"extern const int8_t {word}[3];\nconst int8_t {word}[3] = {{1}};" for word in words]
    source.write_text('#include "tk_kernels.h"\n' + "\n".join(lines) + "\n")
    target = str(tmp_path / "names.o")
    command = [compiler, *WARNINGS, f"-I{KERNELS}", "-c", str(source), "-o", target]
    subprocess.run(command, check=True)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("while", "layer_while"),
        ("3d conv", "layer_3d_conv"),
        ("tk_conv", "layer_tk_conv"),
        ("", "layer"),
        ("---", "layer"),
        ("Dense/BiasAdd", "dense_biasadd"),
        ("größe", "grosse"),
        ("tanh", "layer_tanh"),
        ("int8_t", "layer_int8_t"),
    ],
)
def test_a_name_is_changed_no_more_than_needed(text: str, name: str) -> None:
    assert c_name(text, "layer") == name


@pytest.mark.parametrize("name", ["board", "build", "app_model", "stdint", "link"])
def test_a_model_never_takes_the_name_of_another_file(name: str) -> None:
    assert model_name(f"{name}.tflite") == f"model_{name}"


_WORDS = st.sampled_from(
    "conv conv_2 conv_3 conv_weights conv_2_weights weights net net_arena net_input net_output_1 "
    "conv_bias conv_bias_2 conv_input0".split()
)
_TABLES = ("weights", "bias", "multiplier", "shift", "indices", "counts", "input0")


@PROFILE
@given(st.lists(_WORDS, max_size=12))
def test_symbols_of_layers_tables_and_the_model_differ(names: list[str]) -> None:
    layers = unique(names, "net")
    tables = [f"{layer}_{table}" for layer in layers for table in _TABLES]
    model = [f"net_{word}" for word in ("arena", "invoke", "digest", "input", "output", "output_1")]
    symbols = [*layers, *tables, *model]
    assert len(set(symbols)) == len(symbols)


def test_the_first_of_two_equal_names_stays() -> None:
    assert unique(["conv", "conv", "dense", "conv"], "net") == ["conv", "conv_2", "dense", "conv_3"]


@pytest.mark.parametrize(
    ("tensors", "kind", "name"),
    [
        (["net/re_lu/Relu;net/hidden/BiasAdd;net/hidden/Conv2D"], "CONV_2D", "hidden"),
        (["sequential/dense_1/MatMul"], "FULLY_CONNECTED", "dense_1"),
        (["StatefulPartitionedCall:0"], "SOFTMAX", "softmax"),
        ([""], "ADD", "add"),
        (["functional_8_1/sequential_9_1/repeat_vector_1/Repeat/Tile"], "TILE", "repeat_vector"),
        (["functional_3_1/sequential_1/dense_1/Selu6"], "EXP", "dense"),
        (["functional_3_1/functional_2_1/SelectV2"], "SELECT", "selectv2"),
        (["net/time_distributed_2/strided_slice_12"], "STRIDED_SLICE", "time_distributed_2"),
        (["net/Hidden/Tanh"], "TANH", "hidden"),
    ],
)
def test_a_layer_is_called_as_in_keras(tensors: list[str], kind: str, name: str) -> None:
    assert layer_name(tensors, kind) == name
