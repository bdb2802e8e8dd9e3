"""Copies: the kernel moves what NumPy moves, and overlaps as far as the planner is told."""

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest
from models import KERNELS
from numpy.typing import NDArray

from tinykit.codegen.layer import Layer, RefusedError
from tinykit.codegen.ops import moving
from tinykit.codegen.ops.moving import OUTSIDE, Axis, Copy
from tinykit.core.graph import Graph, Operator, Tensor

CASES = 300
FILL = 77
_SIZES = {1: np.int8, 4: np.int32}


class KernelAxis(ctypes.Structure):
    _fields_ = (
        ("count", ctypes.c_uint32),
        ("src_step", ctypes.c_int32),
        ("dst_step", ctypes.c_int32),
        ("index", ctypes.c_void_p),
    )


class KernelCopy(ctypes.Structure):
    _fields_ = (
        ("axes", ctypes.c_uint8),
        ("backward", ctypes.c_uint8),
        ("fill", ctypes.c_int8),
        ("run", ctypes.c_uint32),
        ("src_start", ctypes.c_uint32),
        ("dst_start", ctypes.c_uint32),
        ("axis", KernelAxis * 5),
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    path = tmp_path_factory.mktemp("copy") / "copy.so"
    flags = ["-std=c11", "-O1", "-shared", "-fPIC", f"-I{KERNELS}"]
    subprocess.run(["gcc", *flags, KERNELS / "tk_copy.c", "-o", path], check=True)
    return ctypes.CDLL(str(path))


def draw(rng: np.random.Generator) -> tuple[Graph, Operator, Copy]:
    """Draw slices, transposes and gathers, some with holes, into a part of the target."""
    rank = int(rng.integers(1, 5))
    shape = rng.integers(1, 5, rank)
    order = rng.permutation(rank) if rng.integers(2) else np.arange(rank)
    taken = [_taken(rng, int(shape[axis])) for axis in order]
    margin = rng.integers(0, 2, (rank, 2)) if rng.integers(2) else np.zeros((rank, 2), np.int64)
    target = [len(places) + int(sum(m)) for places, m in zip(taken, margin, strict=True)]
    read, write = moving.steps([int(n) for n in shape]), moving.steps(target)
    axes = tuple(
        Axis(len(places), read[axis], write[i], places)
        for i, (axis, places) in enumerate(zip(order, taken, strict=True))
    )
    start = sum(int(m[0]) * step for m, step in zip(margin, write, strict=True))
    dtype = "int32" if rng.integers(3) == 0 else "int8"
    tensors = (
        Tensor("source", tuple(int(n) for n in shape), dtype),
        Tensor("target", tuple(target), dtype),
    )
    operator = Operator("move", "ANY", (None, 0), (1,), None)
    graph = Graph("drawn", tensors, (operator,), (0,), (1,))
    return graph, operator, Copy(0, 1, axes, 0, start, FILL)


def _taken(rng: np.random.Generator, length: int) -> tuple[int, ...]:
    style = rng.integers(4)
    if style == 0:
        return tuple(int(n) for n in rng.integers(OUTSIDE, length, rng.integers(1, 5)))
    if style == 1:
        return tuple(range(length - 1, -1, -1))
    return tuple(range(int(rng.integers(length)), length, int(rng.integers(1, 3))))


def truth(copy: Copy, source: NDArray[np.int8], target: NDArray[np.int8], item: int) -> bytes:
    """Move element by element."""
    result = target.copy()
    for place in np.ndindex(*(axis.count for axis in copy.axes)):
        index = [
            (axis.index or range(axis.count))[i] for axis, i in zip(copy.axes, place, strict=True)
        ]
        steps = zip(copy.axes, index, place, strict=True)
        reads, writes = copy.read, copy.write
        for axis, there, here in steps:
            reads += there * axis.read
            writes += here * axis.write
        value = source[reads * item : (reads + 1) * item]
        result[writes * item : (writes + 1) * item] = FILL if OUTSIDE in index else value
    return result.tobytes()


def run(
    library: ctypes.CDLL,
    layer: Layer,
    buffer: NDArray[np.int8],
    places: tuple[int, int],
    back: bool,
) -> None:
    """Call the kernel with its record made of the layer's fields and tables."""
    fields = dict(layer.fields)
    tables = {table.name: np.ascontiguousarray(table.values) for table in layer.tables}
    record = KernelCopy(backward=int(back))
    for name in ("axes", "fill", "run", "src_start", "dst_start"):
        setattr(record, name, fields[name])
    for i in range(record.axes):
        members = fields[f"axis[{i}]"]
        assert isinstance(members, tuple)
        for name, value in members:
            text = f"index{i}"
            value = tables[text].ctypes.data if name == "index" else value
            setattr(record.axis[i], name, value)
    src, dst = (ctypes.c_void_p(buffer.ctypes.data + place) for place in places)
    library.tk_copy(ctypes.byref(record), src, dst)


def test_copies_may_overlap_as_far_as_declared(library: ctypes.CDLL) -> None:
    rng = np.random.default_rng(3)
    tight = 0
    for _ in range(CASES):
        graph, operator, copy = draw(rng)
        layer = moving.layers(graph, operator, [copy])[0]
        source, target = (tensor.bytes for tensor in graph.tensors)
        data = rng.integers(-128, 128, source).astype(np.int8)
        old = np.full(target, 0x55, np.int8)
        item = np.dtype(graph.tensors[0].dtype).itemsize
        expected = truth(copy, data, old, item)
        written = np.frombuffer(truth(copy, data * 0 + 1, old * 0, item), np.int8) != 0
        access, margin = layer.access[0], source + target
        spots = [(-margin, False), (margin, True), (margin, False), (-margin, True)]
        spots += [(-access.forward, False), (access.backward, True)]
        spots += [(1 - access.forward, False), (access.backward - 1, True)]
        for number, (distance, back) in enumerate(spots):
            buffer = np.full(5 * margin + 8, 0x55, np.int8)
            src, dst = 2 * margin, 2 * margin + distance
            buffer[src : src + source] = data
            run(library, layer, buffer, (src, dst), back)
            found = buffer[dst : dst + target]
            same = found[written].tobytes() == np.frombuffer(expected, np.int8)[written].tobytes()
            if number < 6:
                assert same, (copy, distance, back)
            else:
                tight += not same
    # the distances are least: a byte closer breaks most that move anything
    assert tight > CASES


def test_axes_that_lie_together_become_one() -> None:
    shape = (2, 3, 4, 5)
    tensors = (Tensor("source", shape, "int8"), Tensor("target", shape, "int8"))
    operator = Operator("move", "ANY", (0,), (1,), None)
    graph = Graph("view", tensors, (operator,), (0,), (1,))
    steps = moving.steps(shape)
    copy = Copy(0, 1, tuple(map(Axis, shape, steps, steps)))
    assert moving.layers(graph, operator, [copy]) == ()
    moved = Copy(0, 1, tuple(map(Axis, shape, steps, steps)), write=1)
    (layer,) = moving.layers(graph, operator, [moved])
    assert dict(layer.fields)["run"] == 120


def test_too_many_axes_are_refused() -> None:
    axes = tuple(Axis(9, 11**i, 13**i) for i in range(7))
    tensors = (Tensor("source", (999,), "int8"), Tensor("target", (9999,), "int8"))
    graph = Graph("wide", tensors, (), (0,), (1,))
    with pytest.raises(RefusedError, match="moves 7 axes at once, the most is 5"):
        moving.refuse_unlowerable(graph, [Copy(0, 1, axes)])


def test_one_axis_too_many_is_taken_apart() -> None:
    shape = (3, 2, 4, 2, 5, 6)
    tensors = (Tensor("source", shape, "int8"), Tensor("target", shape[::-1], "int8"))
    operator = Operator("move", "ANY", (0,), (1,), None)
    graph = Graph("wide", tensors, (operator,), (0,), (1,))
    axes = tuple(map(Axis, shape, moving.steps(shape), moving.steps(shape[::-1])[::-1]))
    found = moving.layers(graph, operator, [Copy(0, 1, axes)])
    assert [dict(layer.fields)["axes"] for layer in found] == [5, 5]
    assert [layer.name for layer in found] == ["move", "move_part2"]


def test_the_kernel_has_as_many_axes_as_copies_may(library: ctypes.CDLL) -> None:
    text = Path(KERNELS / "tk_kernels.h").read_text()
    assert f"#define TK_COPY_AXES {moving.MOST_AXES}" in text
    assert f"#define TK_OUTSIDE {moving.MOST_INDEX + 1:#06x}" in text
