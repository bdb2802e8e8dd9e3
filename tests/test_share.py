"""Layers that have equal tables share them."""

from dataclasses import replace

import numpy as np

from tinykit.codegen.layer import Layer, Table
from tinykit.codegen.share import with_shared_tables


def layer(name: str, **tables: list[int]) -> Layer:
    made = tuple(Table(n, np.array(v, np.int8), "weights") for n, v in tables.items())
    inner = tuple((n, f"{name}_{n}") for n in tables)
    return Layer(
        name, "X", "", "tk_x", "tk_x_layer", (("count", 1), ("in", inner)), (0,), (1,), made
    )


def test_the_second_of_two_equal_tables_gives_way_to_the_first() -> None:
    same, other = list(range(20)), list(range(1, 21))
    first, second = with_shared_tables([layer("a", w=same, b=other), layer("c", w=other, b=same)])
    assert [table.name for table in first.tables] == ["w", "b"]
    assert second.tables == ()
    assert second.fields == (("count", 1), ("in", (("w", "a_b"), ("b", "a_w"))))


def test_equal_bytes_of_another_type_are_another_table() -> None:
    narrow = layer("a", w=[0] * 32)
    wide = replace(layer("b"), tables=(Table("w", np.zeros(8, np.int32), "bias"),))
    assert all(each.tables for each in with_shared_tables([narrow, wide]))


def test_small_tables_keep_their_names() -> None:
    assert all(each.tables for each in with_shared_tables([layer("a", w=[1]), layer("b", w=[1])]))
