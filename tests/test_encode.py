"""Encoded weights decode to the weights; each optimize mode keeps its promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tinykit.codegen.encode import (
    PORTABLE,
    SEGMENT,
    Encoded,
    dense_cost,
    encode,
    sparse_cost,
    sparse_tables,
)
from tinykit.codegen.layer import LowerOptions

PROFILE = settings(derandomize=True, deadline=None, database=None)
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
@given(matrices(), st.sampled_from(("size", "balanced", "speed")))
def test_weights_survive(rows: Matrix, optimize: str) -> None:
    encoded = encode(rows, LowerOptions(optimize=optimize), PORTABLE)
    np.testing.assert_array_equal(decoded(encoded, rows.shape), rows)


@PROFILE
@given(matrices())
def test_sparse_tables_survive_and_weigh_what_was_predicted(rows: Matrix) -> None:
    tables = sparse_tables(rows)
    encoded = Encoded("tk_sparse_s8", "tk_sparse_layer", tables, "sparse", "")
    np.testing.assert_array_equal(decoded(encoded, rows.shape), rows)
    spare = 0 if np.any(rows) else 2  # C has no arrays of length 0
    assert sum(table.bytes for table in tables) == sparse_cost(rows).bytes + spare


@PROFILE
@given(matrices(), st.sampled_from(("size", "balanced", "speed")))
def test_the_choice_keeps_the_promise(rows: Matrix, optimize: str) -> None:
    dense, sparse = dense_cost(rows), sparse_cost(rows)
    chosen = encode(rows, LowerOptions(optimize=optimize), PORTABLE).encoding
    cost = sparse if chosen == "sparse" else dense
    if optimize != "speed":
        assert cost.bytes <= dense.bytes
    if optimize != "size":
        assert cost.instructions <= dense.instructions
    smaller, faster = sparse.bytes < dense.bytes, sparse.instructions < dense.instructions
    wins = {"size": smaller, "speed": faster, "balanced": smaller and faster}[optimize]
    assert (chosen == "sparse") is wins


@PROFILE
@given(matrices())
def test_dense_when_asked_for(rows: Matrix) -> None:
    encoded = encode(rows, LowerOptions(encoding="dense"), PORTABLE)
    assert (encoded.encoding, encoded.reason) == ("dense", "dense was asked for")


@pytest.mark.parametrize("inputs", [255, 256])
def test_a_full_segment_fits_its_count(inputs: int) -> None:
    tables = {table.name: table.values for table in sparse_tables(np.ones((1, inputs), np.int8))}
    assert tables["counts"].tolist() == [255, 1][: -(-inputs // 255)]
    assert int(tables["indices"].max()) == 254
