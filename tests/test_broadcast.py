"""Two tensors are walked through as NumPy broadcasts them, over their own bytes too."""

import ctypes
import subprocess
from typing import Any

import numpy as np
import pytest
from models import KERNELS
from numpy.typing import NDArray

from tinykit.codegen.access import Access
from tinykit.codegen.layer import RefusedError
from tinykit.codegen.ops import broadcast
from tinykit.core.graph import Tensor

CASES = 300
Shape = tuple[int, ...]


class Record(ctypes.Structure):
    """Mirror tk_broadcast."""

    _fields_ = [
        ("row", ctypes.c_uint32),
        ("a_step", ctypes.c_uint8),
        ("b_step", ctypes.c_uint8),
        ("loops", ctypes.c_uint8),
        ("loop", ctypes.c_void_p),
    ]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    path = tmp_path_factory.mktemp("broadcast") / "broadcast.so"
    flags = ["-std=c11", "-O1", "-shared", "-fPIC", f"-I{KERNELS}"]
    sources = [KERNELS / "tk_maximum_s8.c", KERNELS / "tk_pair_s32.c"]
    subprocess.run(["gcc", *flags, *sources, "-o", path], check=True)
    return ctypes.CDLL(str(path))


def tensors(left: Shape, right: Shape, dtype: str = "int8") -> tuple[Tensor, Tensor, Tensor]:
    shapes = (left, right, np.broadcast_shapes(left, right))
    a, b, c = (Tensor("t", shape, dtype) for shape in shapes)
    return a, b, c


def draw(rng: np.random.Generator) -> tuple[Shape, Shape]:
    full = tuple(int(n) for n in rng.integers(1, 5, rng.integers(0, 7)))
    owners = rng.integers(0, 3, len(full))
    left = tuple(1 if owner == 1 else n for n, owner in zip(full, owners, strict=True))
    right = tuple(1 if owner == 2 else n for n, owner in zip(full, owners, strict=True))
    while right and right[0] == 1 and rng.integers(2):
        right = right[1:]
    return left, right


def run(
    library: ctypes.CDLL,
    left: NDArray[np.signedinteger[Any]],
    right: NDArray[np.signedinteger[Any]],
    places: tuple[int, int, int],
) -> NDArray[np.signedinteger[Any]]:
    """Compute the maximum in one poisoned buffer, with a, b and the output at these places."""
    a, b, target = tensors(left.shape, right.shape, left.dtype.name)
    walk = broadcast.broadcast(a, b, target)
    loops = np.array(walk.loops, np.uint32)
    record = Record(walk.row, *walk.steps, len(walk.loops), loops.ctypes.data)
    buffer = np.full(max(places) + 2 * target.bytes + 64, 0x55, np.uint8)
    for place, values in zip(places, (left, right), strict=False):
        buffer[place : place + values.nbytes] = np.frombuffer(values.tobytes(), np.uint8)
    pointers = [ctypes.c_void_p(buffer.ctypes.data + place) for place in places]
    kernel = library.tk_maximum_s8 if left.dtype == np.int8 else library.tk_maximum_s32
    kernel(ctypes.byref(record), *pointers)
    found = buffer[places[2] : places[2] + target.bytes].tobytes()
    return np.frombuffer(found, left.dtype).reshape(target.shape)


@pytest.mark.parametrize("dtype", ["int8", "int32"])
def test_kernel_walks_as_numpy_broadcasts_and_may_overlap(library: ctypes.CDLL, dtype: str) -> None:
    rng = np.random.default_rng(3)
    tight = several_loops = 0
    for _ in range(CASES):
        shapes = draw(rng)
        a, b, target = tensors(*shapes, dtype)
        left, right = (rng.integers(-128, 128, shape).astype(dtype) for shape in shapes)
        truth = np.maximum(left, right)
        far = 32768
        assert (run(library, left, right, (0, far, 2 * far)) == truth).all()
        first, second = broadcast.access(a, b, target)
        over_left = (far, 2 * far, far - first.forward)
        assert (run(library, left, right, over_left) == truth).all()
        over_right = (2 * far, far, far - second.forward)
        assert (run(library, left, right, over_right) == truth).all()
        closer = (far, 2 * far, far - first.forward + a.bytes // a.elements)
        tight += bool((run(library, left, right, closer) != truth).any())
        several_loops += len(broadcast.broadcast(a, b, target).loops) > 1
    # the distances are least: a value closer breaks most cases that have more than one output
    assert tight > CASES // 2
    assert several_loops > CASES // 4


def test_neighbouring_axes_that_move_alike_are_one_loop() -> None:
    assert broadcast.broadcast(*tensors((1, 4, 5, 6), (1, 4, 5, 6))).loops == ()
    assert broadcast.broadcast(*tensors((1, 4, 5, 6), ())).row == 120
    channels = broadcast.broadcast(*tensors((1, 4, 5, 6), (6,)))
    assert (channels.row, channels.steps, channels.loops) == (6, (1, 1), ((20, 6, 0),))
    pixels = broadcast.broadcast(*tensors((4, 5, 1), (4, 5, 6)))
    assert (pixels.row, pixels.steps, pixels.loops) == (6, (0, 1), ((20, 1, 6),))


def test_an_input_of_the_outputs_size_may_be_overwritten() -> None:
    forward, behind = broadcast.access(*tensors((2, 3), (3,)))
    assert forward == Access(0, 6)
    assert behind.forward == 3  # the first of b is needed until three outputs are written


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((2, 3), (2, 4), (2, 4)), "combines (2, 3) and (2, 4) to (2, 4)"),
        (((2, 3), (3,), (3, 3)), "combines (2, 3) and (3,) to (3, 3)"),
        (((1,) * 7, (1,), (1,) * 7), "more than 6 dimensions"),
    ],
)
def test_what_does_not_broadcast_is_refused(shapes: tuple[Shape, ...], words: str) -> None:
    a, b, c = (Tensor("t", shape, "int8") for shape in shapes)
    with pytest.raises(RefusedError) as error:
        broadcast.broadcast(a, b, c)
    assert words in error.value.what
