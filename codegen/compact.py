"""Weights in fewer bits: one for each that is zero, or four for each of few values.

A bitmap tells which weights are not zero, and holds those only. It is smaller than sparse rows
where more than an eighth of the weights are left:

    masks[output][word]     a bit for each of 32 inputs, that of the first one the highest
    weights[k]              row after row

A codebook holds at most 16 values, as clustering leaves them, and which of them each weight is.
Where rows have scales of their own, each may have values of its own; rows share a book if together
they have no more than 16, as those of one scale do:

    values[book][16]        sorted, with a zero if there is room
    books[output]           the book of each row
    codes[output][word]     four bits for each of 8 inputs, those of the first one the lowest
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen.encode import Encoded, Matrix, never_empty
from tinykit.codegen.layer import Table
from tinykit.codegen.work import BITMAP_WORD, CODEBOOK_WORD

_VALUES = 16  # TK_CODEBOOK_VALUES
_CODE_BITS = 4
_MOST_BOOKS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Books:
    """Hold the values of rows: int8 (books, 16), and which of the books is each row's."""

    values: Matrix
    of_rows: NDArray[np.uint8]


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


def as_codebook(rows: Matrix, books: Books) -> Encoded:
    """Lay a matrix out as places among the values of its rows' books.

    Rows are filled up to whole words with zeros, or with anything where a book has no zero.
    """
    filled = _filled(rows, CODEBOOK_WORD)
    pairs = zip(books.values[books.of_rows], filled, strict=True)
    places = np.array([np.searchsorted(book, row) for book, row in pairs], np.uint32)
    words = np.minimum(places, _VALUES - 1).reshape(len(rows), -1, CODEBOOK_WORD)
    shifts = _CODE_BITS * np.arange(CODEBOOK_WORD, dtype=np.uint32)
    codes = np.bitwise_or.reduce(words << shifts, axis=2)
    tables = (
        Table("codes", codes, "weights"),
        Table("books", books.of_rows, "indices"),
        Table("values", books.values, "weights"),
    )
    return Encoded("tk_codebook_s8", "tk_codebook_layer", tables, "codebook")


def books_of(rows: Matrix) -> Books | None:
    """Return few books that hold the values of all rows; None if there are too many of either."""
    sets = [frozenset(row.tolist()) for row in rows]
    books: list[frozenset[int]] = []
    for values in sorted(set(sets), key=lambda values: (-len(values), sorted(values))):
        if len(values) > _VALUES:
            return None
        if not any(values <= book for book in books):
            books = _with_values(books, values)
    if len(books) > _MOST_BOOKS:
        return None
    places = [next(n for n, book in enumerate(books) if values <= book) for values in sets]
    return Books(np.array([_sixteen(book) for book in books]), np.array(places, np.uint8))


def _with_values(books: list[frozenset[int]], values: frozenset[int]) -> list[frozenset[int]]:
    """Add values to the first book that has room for them, or else a book of their own."""
    for place, book in enumerate(books):
        if len(book | values) <= _VALUES:
            return [*books[:place], book | values, *books[place + 1 :]]
    return [*books, values]


def _sixteen(values: frozenset[int]) -> Matrix:
    """Sort values, with a zero if there is room, and repeat the last one."""
    found = sorted(values | {0} if len(values) < _VALUES else values)
    return np.pad(np.array(found, np.int8), (0, _VALUES - len(found)), "edge")


def _filled(rows: NDArray[Any], word: int) -> NDArray[Any]:
    """Fill rows up to whole words."""
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % word)))
