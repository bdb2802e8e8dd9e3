"""Values written as C text read back as the same values."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from models import WARNINGS
from numpy.typing import NDArray

from tinykit.codegen.c import c_arguments, c_fields, c_hex, c_row, c_rows, c_string, c_type

PROFILE = settings(derandomize=True, deadline=None, database=None)


def test_strings_survive_the_compiler(tmp_path: Path) -> None:
    texts = [
        "kws",
        'a "quoted" \\ name',
        "??=??/",
        "line\nbreak\t\x01",
        "größe 7",
        "\x7f1",
        "a\x000",
    ]
    source = tmp_path / "strings.c"
    rows = "".join(f"    {{sizeof({c_string(t)}), {c_string(t)}}},\n" for t in texts)
    source.write_text(
        "#include <stdio.h>\n"
        "typedef struct { size_t bytes; const char *text; } row;\n"
        f"static const row rows[] = {{\n{rows}}};\n"
        "int main(void)\n{\n"
        "    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {\n"
        "        fwrite(rows[i].text, 1, rows[i].bytes, stdout);\n    }\n    return 0;\n}\n"
    )
    program = tmp_path / "strings"
    subprocess.run(["gcc", *WARNINGS, "-trigraphs", source, "-o", program], check=True)
    out = subprocess.run([program], stdout=subprocess.PIPE, check=True).stdout
    assert out == b"".join(text.encode() + b"\0" for text in texts)


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("kws", '"kws"'),
        ("??/", '"\\077\\077/"'),
        ('"', '"\\""'),
        ("\\", '"\\\\"'),
        ("\n1", '"\\0121"'),
        ("é", '"\\303\\251"'),
    ],
)
def test_strings_are_escaped(text: str, literal: str) -> None:
    assert c_string(text) == literal


@PROFILE
@given(
    arrays.arrays(
        dtype=st.sampled_from([np.int8, np.uint8, np.int32]),
        shape=arrays.array_shapes(min_dims=1, max_dims=3, max_side=12),
    )
)
def test_rows_are_aligned_and_hold_every_value(values: NDArray[np.int32]) -> None:
    lines = c_rows(values).split("\n")
    assert [int(word) for word in re.findall(r"-?\d+", " ".join(lines))] == values.ravel().tolist()
    assert all(line.startswith("    ") and line.endswith(",") for line in lines)
    assert max(map(len, lines)) <= 100
    commas = [[at for at, letter in enumerate(line) if letter == ","] for line in lines]
    assert all(row == commas[0][: len(row)] for row in commas)
    assert all(len(row) == len(commas[0]) for row in commas[:-1])


def test_small_values_come_out_so() -> None:
    assert c_type(np.zeros(1, np.int8)) == "int8_t"
    assert c_hex(0x26000) == "0x00026000"
    assert c_row(["a + 1", 2]) == "{a + 1, 2}"
    assert c_arguments(["&conv", "arena + 0"]) == "&conv, arena + 0"
    assert c_rows(np.array([1, -128, 7], np.int8)) == "       1, -128,    7,"


def test_members_of_members_stand_further_in() -> None:
    fields = (("inputs", 4), ("out", (("min", -128), ("max", 127))), ("bias", "conv_bias"))
    assert c_fields(fields) == (
        "    .inputs = 4,\n"
        "    .out = {\n"
        "        .min = -128, .max = 127,\n"
        "    },\n"
        "    .bias = conv_bias,"
    )
