"""A board that runs a build, for notebooks, tests and programs: docs/api.md."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tinykit.core.errors import TinykitError
from tinykit.host import values
from tinykit.host.link import Hello, Result, Traffic
from tinykit.host.record import BuildRecord, built_board, read_record
from tinykit.host.session import choose_place, open_session


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Hold what the board answered to one input.

    Attributes:
        outputs: real numbers, one array an output tensor.
        raw: the same as the model has them, int8 for most.
        time_us: of the inference, as measured on the board.
    """

    outputs: tuple[NDArray[Any], ...]
    raw: tuple[NDArray[Any], ...]
    time_us: int

    @property
    def output(self) -> NDArray[Any]:
        """Return the first output, which most models have alone."""
        return self.outputs[0]

    @property
    def label(self) -> int | None:
        """Return the place of the largest number of the first output; None if it is one number."""
        return int(np.argmax(self.output)) if self.output.size > 1 else None


class Board:
    """Hold a board that runs a build, until the block ends.

        with Board("build/nano33") as board:
            print(board.hello.clock_hz)
            prediction = board.predict(x)
            print(prediction.output, prediction.time_us)

    Every answer is checked against loss and damage on the way; one that cannot be had is an error.

    Args:
        folder: what `tinykit build` made; the board has to run that very image.
        port: a serial port; without one the only one connected is taken.
        emulator: run the image in this emulator instead: unicorn, qemu or renode.

    Raises:
        TinykitError: no such folder, or nobody knows which port.
        MissingToolError: no board is there, or it does not answer.
        CheckFailedError: it runs another model or build, or a damaged image.
    """

    def __init__(
        self, folder: str | Path, port: str | None = None, emulator: str | None = None
    ) -> None:
        self.record: BuildRecord = read_record(Path(folder))
        place = choose_place(port, emulator, built_board(Path(folder), self.record))
        self._resources = ExitStack()
        session = self._resources.enter_context(open_session(Path(folder), self.record, place))
        self._link = session.link
        self.hello: Hello = session.hello

    def __enter__(self) -> Self:
        """Return the board, which is connected already."""
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect."""
        self._resources.__exit__(error_type, error, traceback)

    def close(self) -> None:
        """Disconnect; harmless when repeated."""
        self._resources.close()

    @property
    def port(self) -> str:
        """Return where the board is."""
        return self._link.port

    @property
    def traffic(self) -> Traffic:
        """Return what the link has counted: frames, repetitions, resets."""
        return self._link.traffic

    def predict(self, *inputs: NDArray[Any] | Sequence[float]) -> Prediction:
        """Run the model once.

        Args:
            inputs: one array an input tensor, of its shape with or without a batch of one, or
                flat; floats are real numbers and are quantized, the model's own type is passed on.

        Raises:
            TinykitError: the inputs do not fit the model.
            MissingToolError: the board has stopped answering.
            CheckFailedError: it has faulted, or a checksum is wrong.
        """
        ports = self.record.inputs
        if len(inputs) != len(ports):
            raise TinykitError(
                f"{len(inputs)} inputs are given, {self.record.model} takes {len(ports)}",
                "one array an input tensor: " + ", ".join(port.name for port in ports),
            )
        rows = []
        for port, given in zip(ports, inputs, strict=True):
            samples = values.samples_of(np.asarray(given), port, "the input")
            if len(samples) != 1:
                raise TinykitError(
                    f"{len(samples)} samples are given, predict takes one", "board.stream(samples)"
                )
            rows.append(values.to_bytes(samples[0], port, "the input"))
        return self._prediction(self._link.infer(b"".join(rows)))

    def stream(self, samples: Iterable[NDArray[Any] | Sequence[float]]) -> Iterator[Prediction]:
        """Run the model on one sample after the other, as they come, for a model with one input."""
        for sample in samples:
            yield self.predict(sample)

    def _prediction(self, result: Result) -> Prediction:
        raw = values.from_bytes(result.output, self.record.outputs)
        pairs = zip(raw, self.record.outputs, strict=True)
        return Prediction(
            tuple(values.real(array, port) for array, port in pairs), raw, result.time_us
        )
