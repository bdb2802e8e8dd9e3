"""How a weight matrix is stored: dense, or sparse so that zeros cost neither flash nor time.

Sparse rows keep the non-zero weights only. The inputs are cut into segments of 255, so that the
position of a weight in its segment, and the number of weights in it, each fit a byte:

    counts[output][segment]     how many weights follow
    indices[k], weights[k]      position in the segment and value, row after row
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen.layer import Field, LowerOptions, Table

Matrix = NDArray[np.int8]
SEGMENT = 255


@dataclass(frozen=True, slots=True)
class Encoded:
    """Hold a weight matrix ready for its kernel.

    Attributes:
        kernel: "tk_dense_s8" or "tk_sparse_s8".
        record: the C type of the record that it reads.
        tables: weights, and for sparse rows their indices and counts.
        encoding: "dense" or "sparse".
        reason: why.
    """

    kernel: str
    record: str
    tables: tuple[Table, ...]
    encoding: str
    reason: str

    def fields(self, layer: str) -> tuple[Field, ...]:
        """Return the record's members that point to the tables."""
        return tuple((table.name, f"{layer}_{table.name}") for table in self.tables)


@dataclass(frozen=True, slots=True)
class Cost:
    """Hold what an encoding costs: bytes of flash, and instructions for one product."""

    bytes: int
    instructions: float


def encode(rows: Matrix, options: LowerOptions) -> Encoded:
    """Choose an encoding for a matrix of (outputs, inputs) and make its tables."""
    return encode_blocks([rows], [rows], options)


def encode_blocks(
    dense: Sequence[Matrix], sparse: Sequence[Matrix], options: LowerOptions
) -> Encoded:
    """Choose an encoding for several matrices, stored one behind the other.

    Args:
        dense: the matrices as dense kernels read them.
        sparse: the same weights as sparse kernels read them, perhaps among more zeros.
        options: what the user decides.
    """
    predict = packed_cost if options.dsp else dense_cost
    as_dense, as_sparse = _sum(map(predict, dense)), _sum(map(sparse_cost, sparse))
    weights = np.concatenate([rows.ravel() for rows in dense])
    zeros = f"{100.0 * float(np.mean(weights == 0)):.0f} % zeros"
    if options.encoding == "dense":
        return _dense(dense, "dense was asked for")
    if _better(as_sparse, as_dense, options.optimize):
        saved = as_dense.bytes - as_sparse.bytes
        return _sparse(sparse, f"{zeros}, sparse saves {saved} bytes")
    return _dense(dense, f"{zeros}, {_why_dense(as_sparse, as_dense)}")


def _sum(costs: Iterable[Cost]) -> Cost:
    all_costs = list(costs)
    return Cost(sum(c.bytes for c in all_costs), sum(c.instructions for c in all_costs))


def dense_cost(rows: Matrix) -> Cost:
    """Predict a dense product; instructions counted on Cortex-M4 images, see docs/benchmarks.md."""
    outputs, inputs = rows.shape
    return Cost(rows.size, outputs * (3.25 * inputs + 20))


def packed_cost(rows: Matrix) -> Cost:
    """Predict a dense product with DSP instructions; counted as for the one without."""
    outputs, inputs = rows.shape
    return Cost(rows.size, outputs * (1.2 * inputs + 16))


def sparse_cost(rows: Matrix) -> Cost:
    """Predict a sparse product; instructions counted as for the dense one."""
    outputs, inputs = rows.shape
    nonzero = int(np.count_nonzero(rows))
    counts = outputs * -(-inputs // SEGMENT)
    return Cost(2 * nonzero + counts, 5.0 * nonzero + 9.0 * counts + 20 * outputs)


def sparse_tables(*blocks: Matrix) -> tuple[Table, ...]:
    """Lay matrices out in sparse rows, one behind the other."""
    counts: list[int] = []
    indices: list[NDArray[np.uint8]] = [np.zeros(0, np.uint8)]
    weights: list[Matrix] = [np.zeros(0, np.int8)]
    for row in (row for rows in blocks for row in rows):
        for start in range(0, len(row), SEGMENT):
            part = row[start : start + SEGMENT]
            places = np.flatnonzero(part)
            counts.append(len(places))
            indices.append(places.astype(np.uint8))
            weights.append(part[places])
    return (
        Table("weights", _never_empty(np.concatenate(weights)), "weights"),
        Table("indices", _never_empty(np.concatenate(indices)), "indices"),
        Table("counts", _never_empty(np.array(counts, np.uint8)), "indices"),
    )


def _never_empty(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Keep one element in a table of none: C has no arrays of length 0."""
    return values if values.size else np.zeros(1, values.dtype)


def _better(sparse: Cost, dense: Cost, optimize: str) -> bool:
    if optimize == "size":
        return sparse.bytes < dense.bytes
    if optimize == "speed":
        return sparse.instructions < dense.instructions
    smaller, faster = sparse.bytes < dense.bytes, sparse.instructions < dense.instructions
    return smaller and faster


def _why_dense(sparse: Cost, dense: Cost) -> str:
    if sparse.bytes >= dense.bytes:
        return f"sparse is {sparse.bytes - dense.bytes} bytes larger: kept dense"
    return f"sparse takes {sparse.instructions / dense.instructions:.2f}x the time: kept dense"


def _dense(blocks: Sequence[Matrix], reason: str) -> Encoded:
    values = blocks[0] if len(blocks) == 1 else np.concatenate([rows.ravel() for rows in blocks])
    table = Table("weights", np.ascontiguousarray(values), "weights")
    return Encoded("tk_dense_s8", "tk_dense_layer", (table,), "dense", reason)


def _sparse(blocks: Sequence[Matrix], reason: str) -> Encoded:
    return Encoded("tk_sparse_s8", "tk_sparse_layer", sparse_tables(*blocks), "sparse", reason)
