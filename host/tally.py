"""Count what a run has shown so far, answer by answer, in memory that does not grow with it."""

import statistics
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core import affine
from tinykit.core.graph import Graph, Tensor
from tinykit.core.score import RunningScore, Score, kind_of
from tinykit.host.link import Result
from tinykit.host.samples import Samples

MOST_KEPT = 100  # mismatches; the rest is counted


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Hold the first element of a tensor that differs.

    Attributes:
        sample: which input, from 0.
        layer: the layer's name; empty for the model's output.
        tensor: the tensor's name.
        element: which element of the tensor, in memory order.
        expected, found: the values.
    """

    sample: int
    layer: str
    tensor: str
    element: int
    expected: float
    found: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Hold the times of one inference as the board measured them, in microseconds."""

    minimum_us: int
    median_us: float
    maximum_us: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """Hold how often each class (row) was taken for each (column)."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold what became of one input.

    Attributes:
        sample: which, from 0.
        label, said: the class that it has, and that the board says; None where there is none.
        time_us: of the inference, None with --layers.
        mismatches: of this input.
    """

    sample: int
    label: int | None
    said: int | None
    time_us: int | None
    mismatches: tuple[Mismatch, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """Hold how many inputs gave a mismatch in one tensor; the layer is empty for an output."""

    layer: str
    tensor: str
    mismatches: int


class Tally:
    """Hold the counts of a run.

    Args:
        graph: the model.
        samples: its inputs.
        places: the layer and the name of each tensor that is compared.

    Attributes:
        total, done: inputs in all, and those that have been answered.
        wrong: of these, those that differ from the oracle in any byte.
        differences: the first mismatches.
    """

    def __init__(self, graph: Graph, samples: Samples, places: Sequence[tuple[str, str]]) -> None:
        self.total = len(samples)
        self.done = 0
        self.wrong = 0
        self.differences: list[Mismatch] = []
        self._places = dict.fromkeys(places, 0)
        self._samples = samples
        self._tensor = graph.tensors[graph.outputs[0]]
        self._times_us = array("I")
        self._began = time.monotonic()
        self._score: RunningScore | None = None
        if samples.y is not None:
            shape = (len(samples), *self._tensor.sample_shape)
            kind = kind_of(shape, samples.y)
            self._score = RunningScore(kind, int(np.prod(shape[1:])))

    def answered(self, sample: int, result: Result, mismatches: Sequence[Mismatch]) -> Answer:
        """Count the answer to one input."""
        self._times_us.append(result.time_us)
        output = real_output(self._tensor, result.output)
        if self._score is not None and self._samples.y is not None:
            self._score.add(output, self._samples.y[sample])
        said = int(np.argmax(output)) if output.size > 1 else None
        return self._counted(sample, said, result.time_us, mismatches)

    def traced(self, sample: int, mismatches: Sequence[Mismatch]) -> Answer:
        """Count an input whose activations were compared."""
        return self._counted(sample, None, None, mismatches)

    def _counted(
        self, sample: int, said: int | None, time_us: int | None, mismatches: Sequence[Mismatch]
    ) -> Answer:
        self.done += 1
        self.wrong += bool(mismatches)
        for mismatch in mismatches:
            self._places[mismatch.layer, mismatch.tensor] += 1
            if len(self.differences) < MOST_KEPT:
                self.differences.append(mismatch)
        return Answer(sample, self._label(sample), said, time_us, tuple(mismatches))

    def _label(self, sample: int) -> int | None:
        y = self._samples.y
        if y is None or y[sample].size != 1 or not np.issubdtype(y.dtype, np.integer):
            return None
        return int(y[sample].item())

    def compared(self) -> tuple[Compared, ...]:
        """Return the mismatches by tensor, in the order in which they are computed."""
        return tuple(Compared(*place, count) for place, count in self._places.items())

    @property
    def seconds(self) -> float:
        """Return how long it has been running."""
        return time.monotonic() - self._began

    def score(self) -> Score | None:
        """Return the score so far; None without labels, or before the first answer."""
        return self._score.score() if self._score is not None and self._times_us else None

    def latency(self) -> Latency | None:
        """Return the times so far; None before the first answer."""
        if not self._times_us:
            return None
        times = self._times_us
        return Latency(min(times), statistics.median(times), max(times))

    def confusion(self) -> Confusion | None:
        """Return how the classes were confused; None where there are none."""
        counts = self._score.confusion() if self._score is not None else None
        if counts is None or not self._times_us:
            return None
        names = self._samples.labels
        if len(names) != len(counts):
            names = tuple(map(str, range(len(counts))))
        return Confusion(names, tuple(tuple(map(int, row)) for row in counts))

    def so_far(self) -> str:
        """Return the rate, the score and the latest time in a few words."""
        words = [f"{self.done / max(self.seconds, 1e-9):.1f}/s"]
        score = self.score()
        if score is not None:
            words.append(f"{score.metric.value} {score}")
        if self._times_us:
            words.append(f"{self._times_us[-1]} us")
        if self.wrong:
            words.append(f"{self.wrong} differ")
        return ", ".join(words)


def real_output(tensor: Tensor, row: bytes) -> NDArray[np.float32]:
    """Return the first output tensor of a row of output bytes as real numbers."""
    values = np.frombuffer(row[: tensor.bytes], tensor.dtype).reshape(tensor.sample_shape)
    if tensor.quantization is None:
        return values.astype(np.float32)
    return affine.dequantize(values, tensor.scale, tensor.zero_point)


def compare(
    expected: NDArray[Any], found: NDArray[Any], sample: int, layer: str, tensor: str
) -> Mismatch | None:
    """Compare a tensor byte for byte; all NaN are alike."""
    flat, found = _with_one_nan(expected.ravel()), _with_one_nan(found)
    # bytes, not values: 0.0 and -0.0 differ
    if flat.tobytes() == found.tobytes():
        return None
    size = flat.dtype.itemsize
    left = np.frombuffer(flat.tobytes(), np.uint8).reshape(-1, size)
    right = np.frombuffer(found.tobytes(), np.uint8).reshape(-1, size)
    element = int(np.flatnonzero((left != right).any(axis=1))[0])
    return Mismatch(sample, layer, tensor, element, float(flat[element]), float(found[element]))


def _with_one_nan(values: NDArray[Any]) -> NDArray[Any]:
    """Make all NaN alike: their sign and payload differ between FPUs."""
    if values.dtype != np.float32:
        return values
    return np.where(np.isnan(values), np.float32(np.nan), values)
