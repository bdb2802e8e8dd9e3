"""How a weight matrix is stored: dense, or sparse so that zeros cost neither flash nor time.

Sparse rows keep the non-zero weights only. The inputs are cut into segments of 255, so that the
position of a weight in its segment, and the number of weights in it, each fit a byte:

    counts[output][segment]     how many weights follow
    indices[k], weights[k]      position in the segment and value, row after row
"""

from collections.abc import Callable, Iterable, Sequence
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


@dataclass(frozen=True, slots=True)
class Costs:
    """Hold what both encodings of a matrix cost on the kernels that would read it."""

    dense: Callable[[Matrix], Cost]
    sparse: Callable[[Matrix], Cost]


def costs_of(options: LowerOptions, tiled: bool) -> Costs:
    """Return the costs of a product on the core that is compiled for.

    Args:
        options: what the user decides.
        tiled: it is taken at several positions.
    """
    if not options.dsp:
        return Costs(quads_cost, sparse_cost)
    return Costs(tile_cost, sparse_tile_cost) if tiled else Costs(rows_cost, sparse_rows_cost)


def encode(rows: Matrix, options: LowerOptions, costs: Costs) -> Encoded:
    """Choose an encoding for a matrix of (outputs, inputs) and make its tables."""
    return encode_blocks([rows], [rows], options, costs)


def encode_blocks(
    dense: Sequence[Matrix], sparse: Sequence[Matrix], options: LowerOptions, costs: Costs
) -> Encoded:
    """Choose an encoding for several matrices, stored one behind the other.

    Args:
        dense: the matrices as dense kernels read them.
        sparse: the same weights as sparse kernels read them, perhaps among more zeros.
        options: what the user decides.
        costs: of the kernels.
    """
    as_dense, as_sparse = _sum(map(costs.dense, dense)), _sum(map(costs.sparse, sparse))
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


# Predictions; instructions are for one position, as counted on Cortex-M4 images (tinykit bench).


def dense_cost(rows: Matrix) -> Cost:
    """Predict a dense product on a kernel that takes one output at a time."""
    outputs, inputs = rows.shape
    return Cost(rows.size, outputs * (3.25 * inputs + 46))


def quads_cost(rows: Matrix) -> Cost:
    """Predict a dense product without DSP instructions, as counted on Cortex-M3."""
    outputs, inputs = rows.shape
    return Cost(rows.size, outputs * (2.4 * inputs + 42))


def rows_cost(rows: Matrix) -> Cost:
    """Predict a dense product with DSP instructions at one position."""
    outputs, inputs = rows.shape
    return Cost(rows.size, outputs * (1.06 * inputs + 21))


def tile_cost(rows: Matrix) -> Cost:
    """Predict a dense product with DSP instructions at one of several positions."""
    outputs, inputs = rows.shape
    return Cost(rows.size, outputs * (0.76 * inputs + 11))


def sparse_cost(rows: Matrix) -> Cost:
    """Predict a sparse product on the kernel that takes one position."""
    instructions = 6.0 * _nonzero(rows) + 9.0 * _counts(rows) + 46 * len(rows)
    return Cost(_sparse_bytes(rows), instructions)


def sparse_rows_cost(rows: Matrix) -> Cost:
    """Predict a sparse product with DSP instructions at one position."""
    instructions = 4.13 * _nonzero(rows) + 11.0 * _counts(rows) + 13 * len(rows)
    return Cost(_sparse_bytes(rows), instructions)


def sparse_tile_cost(rows: Matrix) -> Cost:
    """Predict a sparse product with DSP instructions at one of several positions."""
    instructions = 2.19 * _nonzero(rows) + 10 * len(rows)
    return Cost(_sparse_bytes(rows), instructions)


PORTABLE = Costs(dense_cost, sparse_cost)


def _counts(rows: Matrix) -> int:
    outputs, inputs = rows.shape
    return int(outputs * -(-inputs // SEGMENT))


def _sparse_bytes(rows: Matrix) -> int:
    return 2 * _nonzero(rows) + _counts(rows)


def _nonzero(rows: Matrix) -> int:
    return int(np.count_nonzero(rows))


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
