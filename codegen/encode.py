"""How a weight matrix is stored: dense, or sparse so that zeros cost neither flash nor time.

Sparse rows keep the non-zero weights only. The inputs are cut into segments of 255, so that the
position of a weight in its segment, and the number of weights in it, each fit a byte:

    counts[output][segment]     how many weights follow
    indices[k], weights[k]      position in the segment and value, row after row

Where zeros come in blocks of four inputs, a position is that of a block, whose four weights follow
one another, and segments are four times as long.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen.cost import Cost, cost_of
from tinykit.codegen.layer import Field, Layer, LowerOptions, Table
from tinykit.codegen.work import BLOCK, SEGMENT
from tinykit.core.units import grouped

Matrix = NDArray[np.int8]
_LEAST_SAVED = 64  # bytes of tables: less is not worth the code of another kernel
_SMALL = {"bitmap": 384, "codebook": 384}  # the same of kernels that are there for their size
_SURE = 0.97  # of the time of dense weights: predictions are off by less


@dataclass(frozen=True, slots=True)
class Encoded:
    """Hold a weight matrix ready for its kernel.

    Attributes:
        kernel: "tk_dense_s8", "tk_sparse_s8" or another one.
        record: the C type of the record that it reads.
        tables: weights, and for sparse rows their indices and counts.
        encoding: "dense", "sparse", "block", "bitmap" or "codebook" (codegen/compact.py).
        sizes: members of the record beside the tables.
    """

    kernel: str
    record: str
    tables: tuple[Table, ...]
    encoding: str
    sizes: tuple[Field, ...] = ()

    def fields(self, layer: str) -> tuple[Field, ...]:
        """Return the record's members that are about the tables, and point to them."""
        return (*self.sizes, *((table.name, f"{layer}_{table.name}") for table in self.tables))


def as_dense(*blocks: Matrix) -> Encoded:
    """Lay matrices out as they are, one behind the other."""
    values = blocks[0] if len(blocks) == 1 else np.concatenate([rows.ravel() for rows in blocks])
    table = Table("weights", np.ascontiguousarray(values), "weights")
    return Encoded("tk_dense_s8", "tk_dense_layer", (table,), "dense")


def as_sparse(*blocks: Matrix) -> Encoded:
    """Lay matrices out in sparse rows, one behind the other."""
    return Encoded("tk_sparse_s8", "tk_sparse_layer", sparse_tables(*blocks), "sparse")


def as_blocks(rows: Matrix) -> Encoded:
    """Lay a matrix out in sparse rows of blocks, inputs filled up to whole ones."""
    filled = np.pad(rows, ((0, 0), (0, -rows.shape[1] % BLOCK)))
    return Encoded("tk_block_s8", "tk_sparse_layer", sparse_tables(filled, block=BLOCK), "block")


def choose(
    lower: Callable[[Encoded], Layer],
    blocks: Sequence[Matrix],
    options: LowerOptions,
    more: Sequence[Encoded] = (),
) -> Layer:
    """Lower a layer with each encoding of its matrices, and take the cheapest.

    Args:
        lower: makes the kernel call.
        blocks: its matrices, stored one behind the other.
        options: what the user decides.
        more: encodings beside dense and sparse.
    """
    zeros = 1.0 - sum(map(np.count_nonzero, blocks)) / sum(rows.size for rows in blocks)
    dense = lower(as_dense(*blocks))
    if options.encoding == "dense":
        return replace(dense, reason="dense was asked for")
    others = [lower(encoded) for encoded in (as_sparse(*blocks), *more)]
    return cheapest(dense, others, zeros, options)


def cheapest(dense: Layer, others: Sequence[Layer], zeros: float, options: LowerOptions) -> Layer:
    """Choose between kernel calls that compute the same, and say why.

    Args:
        dense: with dense weights.
        others: with other encodings, at least one.
        zeros: the share of weights that are zero.
        options: what the user decides.
    """
    for layer in others:
        if options.encoding == layer.encoding:
            return replace(layer, reason=f"{layer.encoding} was asked for")
    costs = [cost_of(layer, options) for layer in others]
    told = [
        _compared(cost_of(dense, options), cost, layer.encoding, options.optimize)
        for layer, cost in zip(others, costs, strict=True)
    ]
    better = [at for at, (good, _) in enumerate(told) if good]
    among = better or range(len(others))
    best = min(among, key=lambda at: _order(others[at].encoding, costs[at], options.optimize))
    reason = f"{100 * zeros:.0f} % zeros, {told[best][1]}"
    return replace(others[best] if better else dense, reason=reason)


def _order(encoding: str, cost: Cost, optimize: str) -> float:
    """Return what the least of is the best."""
    size = cost.bytes + _least_saved(encoding)
    of = {"size": size, "speed": cost.instructions}
    return of.get(optimize, size * cost.instructions)


def _least_saved(encoding: str) -> int:
    return _SMALL.get(encoding, _LEAST_SAVED)


def _compared(dense: Cost, sparse: Cost, encoding: str, optimize: str) -> tuple[bool, str]:
    """Tell whether weights in another encoding are better than dense ones, and why."""
    saved, time = dense.bytes - sparse.bytes, sparse.instructions / dense.instructions
    small = optimize != "speed" or encoding in _SMALL
    if small and saved <= 0:
        which = "dense" if saved < 0 else encoding
        return False, f"{which} is {_smaller(-saved)}: kept dense"
    if small and saved < _least_saved(encoding):
        return False, f"{encoding} saves {saved} bytes only: kept dense"
    if optimize != "size" and time >= _SURE:
        faster = f"dense is {_faster(1 / time)}" if time >= 1 else f"{encoding} is hardly faster"
        return False, f"{faster}: kept dense"
    return True, f"{encoding} is {_faster(time)} and {_smaller(saved)}"


def _faster(time: float) -> str:
    percent = round(100 * (1 - time))
    return f"{abs(percent)} % {'slower' if percent < 0 else 'faster'}"


def _smaller(saved: int) -> str:
    if saved == 0:
        return "as large"
    return f"{grouped(abs(saved))} bytes {'larger' if saved < 0 else 'smaller'}"


def sparse_tables(*matrices: Matrix, block: int = 1) -> tuple[Table, ...]:
    """Lay matrices out in sparse rows of blocks of so many inputs, one behind the other."""
    counts: list[int] = []
    indices: list[NDArray[np.uint8]] = [np.zeros(0, np.uint8)]
    weights: list[Matrix] = [np.zeros(0, np.int8)]
    for row in (row.reshape(-1, block) for rows in matrices for row in rows):
        for start in range(0, len(row), SEGMENT):
            part = row[start : start + SEGMENT]
            places = np.flatnonzero(part.any(axis=1))
            counts.append(len(places))
            indices.append(places.astype(np.uint8))
            weights.append(part[places].ravel())
    return (
        Table("weights", never_empty(np.concatenate(weights)), "weights"),
        Table("indices", never_empty(np.concatenate(indices)), "indices"),
        Table("counts", never_empty(np.array(counts, np.uint8)), "indices"),
    )


def never_empty(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Keep one element in a table of none: C has no arrays of length 0."""
    return values if values.size else np.zeros(1, values.dtype)
