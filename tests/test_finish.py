"""Packed kernels requantize as TFLM does at the edges of every shift, in assembly and in C."""

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest
from models import KERNELS, ROOT
from numpy.typing import NDArray

from tinykit.core import fixedpoint
from tinykit.host.toolchain import Source

pytest.importorskip("unicorn")
import embedded

SOURCE = ROOT / "tests" / "c" / "finish.c"
NAMES = (
    "tk_tile_s8",
    "tk_tile_large_s8",
    "tk_filter3_s8",
    "tk_rows_s8",
    "tk_rows_large_s8",
    "tk_terms_s8",
)
ANSWERS = (
    "even row of a tile",
    "odd row of a tile",
    "even row of a large tile",
    "odd row of a large tile",
    "filter",
    "even row",
    "odd row",
    "even large row",
    "odd large row",
    "coarser term",
    "finer term",
)
JOINED = (1, 6)  # answers whose sums are cut to 24 bits
FINER = 10  # the one that is scaled once more
MOST = 20_000
MOST_SUM = (1 << 30) - 1
SHIFTS = range(-22, 0)
MULTIPLIERS = (1 << 30, (1 << 30) + 1, 1_518_500_250, (1 << 31) - 1)
ZERO_POINTS = (-128, 0, 5, 127)


def drawn() -> NDArray[np.int32]:
    """Return questions of sum, multiplier, shift and zero point, most of them close to a half."""
    rng = np.random.default_rng(7)
    asked = []
    for shift in SHIFTS:
        for multiplier in MULTIPLIERS:
            for halves in (-257, -255, -3, -1, 0, 1, 3, 255, 257):
                sum_of_half = (halves << -shift << 31) // (2 * multiplier)
                for near in range(-3, 4):
                    zero = ZERO_POINTS[len(asked) % len(ZERO_POINTS)]
                    value = max(-MOST_SUM, min(MOST_SUM, sum_of_half + near))
                    asked.append((value, multiplier, shift, zero))
            asked += [(edge, multiplier, shift, 0) for edge in (-MOST_SUM, MOST_SUM)]
    while len(asked) < MOST:
        value = int(rng.integers(-MOST_SUM, MOST_SUM)) >> int(rng.integers(0, 30))
        multiplier = int(rng.integers(1 << 30, 1 << 31))
        asked.append((value, multiplier, int(rng.choice(SHIFTS)), int(rng.integers(-128, 128))))
    return np.array(asked[:MOST], np.int32)


def expected(questions: NDArray[np.int32]) -> NDArray[np.int8]:
    values = [
        int(fixedpoint.requantize(np.array(value, np.int64), int(multiplier), int(shift))) + zero
        for value, multiplier, shift, zero in questions.tolist()
    ]
    return np.clip(values, -128, 127).astype(np.int8)


def expected_of_finer(questions: NDArray[np.int32]) -> NDArray[np.int8]:
    values = []
    for value, multiplier, shift, zero in questions.tolist():
        once = fixedpoint.requantize(np.array(value, np.int64), int(multiplier), int(shift))
        values.append(int(fixedpoint.requantize(once, 1 << 30, -1)) + zero)
    return np.clip(values, -128, 127).astype(np.int8)


def compare(questions: NDArray[np.int32], answers: NDArray[np.int8]) -> None:
    cut = questions.copy()
    cut[:, 0] = (questions[:, 0] << 8) >> 8
    right = [expected(questions)] * len(ANSWERS)
    for number in JOINED:
        right[number] = expected(cut)
    right[FINER] = expected_of_finer(questions)
    for kernel, found, wanted in zip(ANSWERS, answers.T, right, strict=True):
        wrong = np.flatnonzero(found != wanted)
        assert not wrong.size, (kernel, questions[wrong[0]].tolist(), found[wrong[0]])


def test_twins_finish_as_tflm_does(tmp_path: Path) -> None:
    path = tmp_path / "finish.so"
    flags = ["-std=c11", "-O1", "-shared", "-fPIC", f"-I{KERNELS}"]
    subprocess.run(["gcc", *flags, *KERNELS.glob("*.c"), SOURCE, "-o", path], check=True)
    library, questions = ctypes.CDLL(str(path)), drawn()
    ctypes.memmove(library.questions, questions.ctypes.data, questions.nbytes)
    ctypes.c_uint32.in_dll(library, "question_count").value = len(questions)
    library.finish_all()
    answers = (ctypes.c_int8 * (len(ANSWERS) * MOST)).in_dll(library, "answers")
    compare(questions, np.frombuffer(answers, np.int8).reshape(MOST, -1))


@pytest.mark.parametrize("compiler", ["zig", "gcc"])
def test_assembly_finishes_as_tflm_does(compiler: str, tmp_path: Path) -> None:
    questions = drawn()
    kernels = [KERNELS / f"{name}.{kind}" for name in NAMES for kind in "cS"]
    sources = [Source(path) for path in (SOURCE, *kernels)]
    image = embedded.load("cortex_m4", sources, "finish_all", tmp_path, compiler)
    image.machine.mem_write(image.places["questions"], questions.tobytes())
    image.machine.mem_write(image.places["question_count"], np.uint32(len(questions)).tobytes())
    embedded.call(image.machine, image.places["finish_all"])
    answers = image.machine.mem_read(image.places["answers"], len(ANSWERS) * MOST)
    compare(questions, np.frombuffer(bytes(answers), np.int8).reshape(MOST, -1))
