"""Kernels read and write in the order that the planner is told: over their own input they agree."""

import ctypes
import subprocess
from dataclasses import dataclass, replace

import numpy as np
import pytest
from models import KERNELS, ROOT
from numpy.typing import NDArray

from tinykit.codegen import packed
from tinykit.codegen.access import (
    Access,
    by_fours,
    copied_first,
    copied_in_tiles,
    read_while_writing,
)
from tinykit.codegen.ops import depthwise, transpose_conv
from tinykit.codegen.ops.shared import Window

CONV, DEPTHWISE, MAX_POOL, GROUPED, TRANSPOSED, AVERAGE_POOL, PACKED, ROWS = range(8)
NAMES = {
    CONV: "conv",
    DEPTHWISE: "depthwise",
    MAX_POOL: "max pool",
    GROUPED: "grouped",
    TRANSPOSED: "transposed",
    AVERAGE_POOL: "average pool",
    PACKED: "packed",
    ROWS: "rows",
}
WIDE = 16  # added to a kernel's number, it is that of int16 values
NAMES |= {WIDE + kernel: f"{NAMES[kernel]} of int16" for kernel in (*range(4), AVERAGE_POOL)}
CASES = 150


@dataclass(frozen=True)
class Case:
    kernel: int
    view: Window
    channels: int
    out_channels: int

    @property
    def item(self) -> int:
        return 2 if self.kernel >= WIDE else 1

    @property
    def source_bytes(self) -> int:
        return self.view.image[0] * self.view.image[1] * self.channels * self.item

    @property
    def target_bytes(self) -> int:
        return self.view.output[0] * self.view.output[1] * self.out_channels * self.item

    def access(self) -> Access:
        """Return what the operators declare (codegen/ops)."""
        if self.kernel == TRANSPOSED:
            return transpose_conv.access(self.view, self.channels, self.out_channels, dense=True)
        if self.kernel == ROWS:
            return depthwise.rows_access(self.view, self.channels)
        steps = self.view.steps(self.channels * self.item, self.out_channels * self.item)
        if self.kernel == PACKED:
            return copied_in_tiles(steps, packed.COLUMNS)
        if self.kernel % WIDE == GROUPED:
            lag = max(0, (self.out_channels - self.channels) // 2)
            return read_while_writing(steps, lag * self.item)
        if self.kernel % WIDE == CONV:
            if self.view.kernel != (1, 1) or self.view.pad != (0, 0):
                return copied_first(steps)
            if self.item == 1:
                return by_fours(steps)
            return read_while_writing(steps, (self.out_channels - 1) * self.item)
        return read_while_writing(steps, (self.out_channels - self.channels) * self.item)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    path = tmp_path_factory.mktemp("overlap") / "overlap.so"
    sources = [*KERNELS.glob("*.c"), ROOT / "tests" / "c" / "overlap.c"]
    flags = ["-std=c11", "-O1", "-shared", "-fPIC", f"-I{KERNELS}"]
    subprocess.run(["gcc", *flags, *sources, "-o", path], check=True)
    return ctypes.CDLL(str(path))


def size(rng: np.random.Generator, low: int, high: int) -> tuple[int, int]:
    return int(rng.integers(low, high)), int(rng.integers(low, high))


def draw(kernel: int, rng: np.random.Generator) -> Case:
    least = 3 if kernel == PACKED else 1  # for several tiles
    image, kernel_size, stride = size(rng, least, 9), size(rng, 1, 4), size(rng, 1, 4)
    number, kernel = kernel, kernel % WIDE
    dilation = size(rng, 1, 3) if kernel in (CONV, DEPTHWISE, GROUPED, PACKED) else (1, 1)
    output, pad = [], []
    for i in range(2):
        output.append(-(-image[i] // stride[i]))
        reach = (kernel_size[i] - 1) * dilation[i] + 1
        pad.append(max(0, ((output[i] - 1) * stride[i] + reach - image[i]) // 2))
    channels = int(rng.integers(1, 5))
    out_channels = channels
    if kernel in (CONV, PACKED):
        out_channels = int(rng.integers(1, 9))
    elif kernel == DEPTHWISE:
        out_channels = channels * int(rng.integers(1, 4))
    elif kernel == GROUPED:
        channels, out_channels = 2 * channels, 2 * int(rng.integers(1, 5))
    elif kernel == TRANSPOSED:
        out_channels = int(rng.integers(1, 9))
        image, output = (output[0], output[1]), list(image)
    view = Window(image, kernel_size, stride, dilation, (pad[0], pad[1]), (output[0], output[1]))
    return Case(number, view, channels, out_channels)


def run(
    library: ctypes.CDLL, case: Case, data: NDArray[np.int8], src: int, dst: int, backward: bool
) -> bytes:
    """Run a kernel in one poisoned buffer with its tensors at these places."""
    margin = 64
    size = max(src + case.source_bytes, dst + case.target_bytes) + 2 * margin
    buffer = np.full(size, 0x55, np.int8)
    buffer[margin + src : margin + src + case.source_bytes] = data
    view = case.view
    numbers = (*view.image, *view.kernel, *view.stride, *view.dilation, *view.pad, *view.output)
    window = np.array([*numbers, case.channels * case.item, int(backward)], np.uint16)
    taps = view.kernel[0] * view.kernel[1]
    weights = np.random.default_rng(5).integers(-127, 128, 4096, dtype=np.int8)
    assert 4 * taps * (case.channels + 3) * (case.out_channels + 1) <= weights.size
    column = np.zeros(4096, np.int8)
    base = buffer.ctypes.data + margin
    library.overlap_run(
        case.kernel,
        ctypes.c_void_p(window.ctypes.data),
        ctypes.c_uint16(case.out_channels),
        ctypes.c_void_p(weights.ctypes.data),
        ctypes.c_void_p(base + src),
        ctypes.c_void_p(base + dst),
        ctypes.c_void_p(column.ctypes.data),
    )
    return buffer[margin + dst : margin + dst + case.target_bytes].tobytes()


@pytest.mark.parametrize("kernel", sorted(set(NAMES) - {ROWS}), ids=NAMES.get)
def test_kernels_may_overlap_as_far_as_declared(library: ctypes.CDLL, kernel: int) -> None:
    rng = np.random.default_rng(kernel)
    tight = 0
    for _ in range(CASES):
        case = draw(kernel, rng)
        data = rng.integers(-128, 128, case.source_bytes, dtype=np.int8)
        apart = case.source_bytes + case.target_bytes
        truth = run(library, case, data, 0, apart, backward=False)
        assert run(library, case, data, 0, apart, backward=True) == truth
        access, high = case.access(), apart
        item = case.item  # whose multiples tensors lie at
        forward = (high - access.forward) // item * item
        backward = -(-(high + access.backward) // item) * item
        assert run(library, case, data, high, forward, backward=False) == truth
        assert run(library, case, data, high, backward, backward=True) == truth
        tight += run(library, case, data, high, forward + item, backward=False) != truth
        tight += run(library, case, data, high, backward - item, backward=True) != truth
    # the distances are least, or nearly: a byte closer breaks most
    assert tight > CASES


def test_rows_may_be_filtered_in_place_where_declared(library: ctypes.CDLL) -> None:
    rng = np.random.default_rng(ROWS)
    declared = broken = 0
    for _ in range(3 * CASES):
        case = draw(ROWS, rng)
        # more padding above than a window is high: only a fused PAD asks for it
        pad = (int(rng.integers(0, 4)), case.view.pad[1])
        case = replace(case, view=replace(case.view, pad=pad))
        data = rng.integers(-128, 128, case.source_bytes, dtype=np.int8)
        truth = run(library, case, data, 0, case.source_bytes, backward=False)
        same = run(library, case, data, 0, 0, backward=False) == truth
        assert same or not case.access().in_place
        declared += case.access().in_place
        broken += not same
    assert declared > CASES
    assert broken > 0
