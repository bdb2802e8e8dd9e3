"""Encoded weights decode to the weights; each optimize mode keeps its promise and says why."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tinykit.codegen.cost import read_counts
from tinykit.codegen.encode import Encoded, as_dense, as_sparse, cheapest, choose, sparse_tables
from tinykit.codegen.layer import Layer, LowerOptions
from tinykit.codegen.work import SEGMENT

PROFILE = settings(derandomize=True, deadline=None, database=None)
OPTIMIZE = ("size", "balanced", "speed")
Matrix = NDArray[np.int8]


@st.composite
def matrices(draw: st.DrawFn) -> Matrix:
    inputs = draw(st.one_of(st.integers(1, 40), st.sampled_from((254, 255, 256, 510, 511, 800))))
    shape = (draw(st.integers(1, 9)), inputs)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = rng.integers(-128, 128, shape).astype(np.int8)
    zeros = draw(st.sampled_from((0.0, 0.3, 0.45, 0.5, 0.6, 0.8, 0.95, 1.0)))
    rows[rng.random(shape) < zeros] = 0
    return rows


def decoded(encoded: Encoded, shape: tuple[int, int]) -> Matrix:
    """Undo the encoding with no help from the encoder, as the kernel walks the tables."""
    tables = {table.name: table.values for table in encoded.tables}
    if encoded.encoding == "dense":
        return tables["weights"].reshape(shape)
    rows, at, segments = np.zeros(shape, np.int8), 0, -(-shape[1] // SEGMENT)
    for row in range(shape[0]):
        for segment in range(segments):
            for _ in range(int(tables["counts"][row * segments + segment])):
                column = segment * SEGMENT + int(tables["indices"][at])
                assert rows[row, column] == 0
                rows[row, column] = tables["weights"][at]
                at += 1
    assert at in (len(tables["weights"]), 0)
    return rows


@PROFILE
@given(matrices())
def test_weights_survive(rows: Matrix) -> None:
    for encoded in (as_dense(rows), as_sparse(rows)):
        np.testing.assert_array_equal(decoded(encoded, rows.shape), rows)


@pytest.mark.parametrize("inputs", [255, 256])
def test_a_full_segment_fits_its_count(inputs: int) -> None:
    tables = {table.name: table.values for table in sparse_tables(np.ones((1, inputs), np.int8))}
    assert tables["counts"].tolist() == [255, 1][: -(-inputs // 255)]
    assert int(tables["indices"].max()) == 254


def layer(encoding: str, optimize: str, size: int, instructions: float) -> Layer:
    """Make a kernel call that costs so much."""
    kernel = "tk_sparse_s8" if encoding == "sparse" else "tk_dense_s8"
    counts = read_counts()["armv7m"][optimize][kernel]
    what = "weights" if encoding == "sparse" else "quad inputs"
    table = as_dense(np.zeros((1, size), np.int8)).tables
    work = {what: instructions / counts[what]}
    return Layer(
        name="layer",
        kind="",
        summary="",
        kernel=kernel,
        record="",
        fields=(),
        inputs=(),
        outputs=(),
        tables=table,
        encoding=encoding,
        work=work,
    )


REASONS = {  # bytes and instructions of sparse weights, where dense ones cost 1000 of each
    (400, 600): {
        "size": "sparse is 40 % faster and 600 bytes smaller",
        "balanced": "sparse is 40 % faster and 600 bytes smaller",
        "speed": "sparse is 40 % faster and 600 bytes smaller",
    },
    (1064, 600): {
        "size": "dense is 64 bytes smaller: kept dense",
        "balanced": "dense is 64 bytes smaller: kept dense",
        "speed": "sparse is 40 % faster and 64 bytes larger",
    },
    (400, 1250): {
        "size": "sparse is 25 % slower and 600 bytes smaller",
        "balanced": "dense is 20 % faster: kept dense",
        "speed": "dense is 20 % faster: kept dense",
    },
    (400, 990): {
        "size": "sparse is 1 % faster and 600 bytes smaller",
        "balanced": "sparse is hardly faster: kept dense",
        "speed": "sparse is hardly faster: kept dense",
    },
    (940, 600): {
        "size": "sparse saves 60 bytes only: kept dense",
        "balanced": "sparse saves 60 bytes only: kept dense",
        "speed": "sparse is 40 % faster and 60 bytes smaller",
    },
    (1000, 600): {
        "size": "sparse is as large: kept dense",
        "balanced": "sparse is as large: kept dense",
        "speed": "sparse is 40 % faster and as large",
    },
}


@pytest.mark.parametrize("optimize", OPTIMIZE)
@pytest.mark.parametrize("cost", REASONS)
def test_the_cheaper_one_is_taken_for_the_reason_given(
    cost: tuple[int, int], optimize: str
) -> None:
    dense, sparse = layer("dense", optimize, 1000, 1000), layer("sparse", optimize, *cost)
    chosen = cheapest(dense, [sparse], 0.41, LowerOptions(optimize))
    reason = REASONS[cost][optimize]
    assert chosen.reason == f"41 % zeros, {reason}"
    assert (chosen.encoding == "dense") is reason.endswith("kept dense")


def test_what_is_meant_to_be_small_is_not_taken_for_larger_weights() -> None:
    dense, fast = layer("dense", "speed", 1000, 1000), layer("sparse", "speed", 1008, 900)
    assert cheapest(dense, [fast], 0.1, LowerOptions("speed")).encoding == "sparse"
    chosen = cheapest(dense, [replace(fast, encoding="bitmap")], 0.1, LowerOptions("speed"))
    assert chosen.reason == "10 % zeros, dense is 8 bytes smaller: kept dense"


def test_what_is_meant_to_be_small_has_to_be_worth_its_kernel() -> None:
    dense = layer("dense", "size", 1000, 1000)
    for less, encoding in ((320, "sparse"), (321, "bitmap")):
        small = replace(layer("sparse", "size", 600 - less, 1500), encoding="bitmap")
        others = [layer("sparse", "size", 600, 700), small]
        assert cheapest(dense, others, 0.7, LowerOptions("size")).encoding == encoding


@pytest.mark.parametrize("encoding", ["dense", "sparse"])
def test_what_is_asked_for_is_taken(encoding: str) -> None:
    def lower(encoded: Encoded) -> Layer:
        return layer(encoded.encoding, "balanced", 10, 10)

    chosen = choose(lower, [np.ones((2, 5), np.int8)], LowerOptions(encoding=encoding))
    assert (chosen.encoding, chosen.reason) == (encoding, f"{encoding} was asked for")
