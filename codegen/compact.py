"""Weights in fewer bits: one for each that is zero, or four for each of few values.

A bitmap tells which weights are not zero, and holds those only. It is smaller than sparse rows
where more than an eighth of the weights are left:

    masks[output][word]     a bit for each of 32 inputs, that of the first one the highest
    weights[k]              row after row

A codebook holds at most 16 values, as clustering leaves them, and which of them each weight is.
Where rows have scales of their own, each may have values of its own:

    values[16]              once, or for each output
    codes[output][word]     four bits for each of 8 inputs, those of the first one the lowest
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen.encode import Encoded, Matrix, never_empty
from tinykit.codegen.layer import Table
from tinykit.codegen.work import BITMAP_WORD, CODEBOOK_WORD

_VALUES = 16  # TK_CODEBOOK_VALUES
_CODE_BITS = 4


def compact(rows: Matrix) -> tuple[Encoded, ...]:
    """Return the encodings of fewer bits that can hold a matrix."""
    books = books_of(rows)
    bitmap = as_bitmap(rows)
    return (bitmap,) if books is None else (bitmap, as_codebook(rows, books))


def as_bitmap(rows: Matrix) -> Encoded:
    """Lay a matrix out as bits and the weights that are not zero."""
    bits = np.ascontiguousarray(np.packbits(_filled(rows != 0, BITMAP_WORD), axis=1))
    tables = (
        Table("weights", never_empty(rows[rows != 0]), "weights"),
        Table("masks", bits.view(">u4").astype(np.uint32), "indices"),
    )
    return Encoded("tk_bitmap_s8", "tk_bitmap_layer", tables, "bitmap")


def as_codebook(rows: Matrix, books: Matrix) -> Encoded:
    """Lay a matrix out as places among the values in `books`: of all rows, or of each."""
    pairs = zip(np.broadcast_to(books, (len(rows), _VALUES)), rows, strict=True)
    places = np.array([np.searchsorted(book, row) for book, row in pairs], np.uint32)
    words = _filled(places, CODEBOOK_WORD).reshape(len(rows), -1, CODEBOOK_WORD)
    shifts = _CODE_BITS * np.arange(CODEBOOK_WORD, dtype=np.uint32)
    codes = np.bitwise_or.reduce(words << shifts, axis=2)
    tables = (Table("codes", codes, "weights"), Table("values", books, "weights"))
    step = _VALUES if len(books) > 1 else 0
    return Encoded("tk_codebook_s8", "tk_codebook_layer", tables, "codebook", (("step", step),))


def books_of(rows: Matrix) -> Matrix | None:
    """Return the values of all rows, or else of each; None if there are too many."""
    for parts in ([rows], rows):
        found = [np.unique(part) for part in parts]
        if all(len(values) <= _VALUES for values in found):
            return np.array([_sixteen(values) for values in found])
    return None


def _sixteen(values: Matrix) -> Matrix:
    """Repeat the last value, so that they stay sorted."""
    return np.pad(values, (0, _VALUES - len(values)), "edge")


def _filled(rows: NDArray[Any], word: int) -> NDArray[Any]:
    """Fill rows up to whole words."""
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % word)))
