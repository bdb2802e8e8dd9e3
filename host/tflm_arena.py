"""Find by running how much arena and stack TensorFlow Lite Micro needs for a model on a board.

`arena_used_bytes()` says less than small models need, and with less a model may fault instead of
failing. So an image runs in the emulator with smaller and smaller arenas, between fences, until
one is too small: tensors are allocated, one inference gives the same bytes, no fence is touched.
"""

import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

from tinykit.core.board import Board
from tinykit.core.errors import CheckFailedError, MissingToolError, TinykitError
from tinykit.core.units import bytes_text
from tinykit.host.emulators import start_emulator
from tinykit.host.image import read_image
from tinykit.host.link import Link, Result
from tinykit.host.pace import Patience

STEP_BYTES = 16  # TFLM's alignment
FENCES_BYTES = 16 + 1024  # as in firmware/engines/tk_tflm_probe.cpp
MOST_ARENA_BYTES = 1 << 20  # QEMU clears as much behind the image in flash, and there is not more
OTHER_BYTES = 2_048  # of RAM that a probe leaves to everything else
MOST_STACK_BYTES = 16_384
# Enough for a model to fail in, and for what memory it overwrites to become endless loops.
PATIENCE = Patience(10.0, 10.0, 30.0, 120.0, 360.0, 3, 0.0)
_DEPTHS = struct.Struct("<2I")  # a probe's last output


@dataclass(frozen=True, slots=True)
class Need:
    """Hold what a model needs.

    Attributes:
        arena_bytes: the least arena that works, a multiple of 16.
        stack_bytes: the deepest that the stack was below its top, setting up and running.
        stack_model_bytes: the deepest below the entry of invoke.
    """

    arena_bytes: int
    stack_bytes: int
    stack_model_bytes: int


def probe_stack_bytes(board: Board) -> int:
    """Return how much stack a probe has."""
    return min(MOST_STACK_BYTES, board.ram.bytes // 4) // 16 * 16


def probe_arena_bytes(board: Board) -> int:
    """Return the arena of a probe: what is left of a board's RAM."""
    free = board.ram.bytes - probe_stack_bytes(board) - OTHER_BYTES
    return min(max(free, FENCES_BYTES + STEP_BYTES), MOST_ARENA_BYTES) // STEP_BYTES * STEP_BYTES


def find_need(elf: Path, board: Board, invoke: str, question: bytes) -> Need:
    """Run a probe with smaller and smaller arenas.

    Args:
        elf: a probe: an image compiled with TK_TFLM_PROBE for `board`.
        board: one with an emulator.
        invoke: the name of the model's invoke function.
        question: an input of the model.

    Raises:
        CheckFailedError: the model does not work in the whole RAM of the board either.
        MissingToolError: the emulator is not installed.
    """
    most = probe_arena_bytes(board) - FENCES_BYTES
    with tempfile.TemporaryDirectory(prefix="tinykit-") as name:
        probe = _Probe(elf, Path(name, "probe.elf"), board, invoke, question)
        answer = probe.answer(most)
        least = _bisect(lambda size: probe.works(size, None), most)
        while not probe.works(least, answer):
            least += STEP_BYTES
        return Need(least, probe.stack_bytes, probe.stack_model_bytes)


def _bisect(works: Callable[[int], bool], most: int) -> int:
    """Return the least multiple of 16 that works; `most` does."""
    bad, good = 0, most // STEP_BYTES
    while good - bad > 1:
        middle = (bad + good) // 2
        if works(middle * STEP_BYTES):
            good = middle
        else:
            bad = middle
    return good * STEP_BYTES


class _Probe:
    """Run copies of a probe that try arenas of different sizes."""

    def __init__(self, elf: Path, copy: Path, board: Board, invoke: str, question: bytes) -> None:
        self.stack_bytes = self.stack_model_bytes = 0
        self._image = bytearray(elf.read_bytes())
        self._place = _file_offset(elf, read_image(elf).symbol("tk_tflm_probe_bytes").address)
        self._copy = copy
        self._board = board
        self._invoke = invoke
        self._question = question

    def answer(self, size: int) -> bytes:
        """Return what the model answers with an arena that is large enough."""
        try:
            return self._run(size, infer=True)
        except MissingToolError:
            raise
        except TinykitError as error:
            raise CheckFailedError(
                f"TensorFlow Lite Micro does not run the model on {self._board.name} with an "
                f"arena of {bytes_text(size)}: {error.message}",
                "a smaller model, a board with more RAM, or --engine native",
            ) from error

    def works(self, size: int, expected: bytes | None) -> bool:
        """Tell whether a size is enough to set up, and if an answer is expected to give it."""
        try:
            return self._run(size, infer=expected is not None) == (expected or b"")
        except TinykitError:  # whatever way the image found to go wrong
            return False

    def _run(self, size: int, infer: bool) -> bytes:
        struct.pack_into("<I", self._image, self._place, size)
        self._copy.write_bytes(self._image)
        name = self._board.emulators[0]
        with (
            start_emulator(name, self._copy, self._board, self._invoke) as emulator,
            Link(emulator.port, self._board.link.baud, PATIENCE) as link,
        ):
            link.hello()
            if not infer:
                return b""
            results: list[bytes] = []
            profile = emulator.profiled(lambda: _kept(link.infer(self._question), results))
            assert profile.total.stack_bytes is not None
            setup, entry = _DEPTHS.unpack(results[0][-_DEPTHS.size :])
            self.stack_model_bytes = profile.total.stack_bytes
            self.stack_bytes = max(setup, entry + profile.total.stack_bytes)
            return results[0][: -_DEPTHS.size]


def _kept(result: Result, outputs: list[bytes]) -> Result:
    outputs.append(result.output)
    return result


def _file_offset(elf: Path, address: int) -> int:
    """Return where the byte at an address lies in the file."""
    with elf.open("rb") as stream:
        for segment in ELFFile(stream).iter_segments("PT_LOAD"):
            start = int(segment["p_vaddr"])
            if start <= address < start + int(segment["p_filesz"]):
                return int(segment["p_offset"]) + address - start
    raise AssertionError(f"0x{address:08x} is in no segment")
