"""Stream inputs through a board and compare every answer with the oracle, byte for byte."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core import affine
from tinykit.core.graph import Graph
from tinykit.core.score import Score, score_outputs
from tinykit.host.judge import Truth, judge
from tinykit.host.link import Link, Result
from tinykit.host.loaded import Loaded, load
from tinykit.host.record import BuildRecord
from tinykit.host.samples import Samples
from tinykit.host.session import Place, open_session

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Hold the first byte that differs.

    Attributes:
        sample: which input, from 0.
        layer: the layer's name; empty for the model's output.
        element: which element of the tensor, in memory order.
        expected, found: the values.
    """

    sample: int
    layer: str
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
class VerifyReport:
    """Hold what a verification found.

    Attributes:
        place: the port, or the emulator's name.
        oracle: "tflm" or "reference".
        inputs: how many were streamed.
        mismatches: how many gave an output (with layers: any activation) that differs in a byte.
        layers: how many activation tensors were compared for each input; 0 without --layers.
        first: the first mismatch.
        score: accuracy or error of the board's answers against the labels.
        latency: as measured on the board; None with --layers.
    """

    model: str
    digest: str
    build_id: str
    board: str
    place: str
    oracle: str
    source: str
    inputs: int
    mismatches: int
    layers: int
    first: Mismatch | None
    score: Score | None
    latency: Latency | None


def verify(
    folder: Path,
    record: BuildRecord,
    place: Place,
    samples: Samples,
    progress: Progress = lambda _done, _total: None,
) -> VerifyReport:
    """Compare the board's outputs with the oracle's."""
    model = load(folder, record)
    truth = judge(model.data, model.graph, samples)
    results = stream(folder, record, place, samples, progress)
    found = [result.output for result in results]
    times = [result.time_us for result in results]
    compared = [_first_output(model.graph, truth, i, output) for i, output in enumerate(found)]
    mismatches = [mismatch for mismatch in compared if mismatch is not None]
    score = None
    if samples.y is not None:
        score = score_outputs(first_output(model.graph, found), samples.y)
    return VerifyReport(
        **_head(record, place, truth, samples),
        mismatches=len(mismatches),
        layers=0,
        first=mismatches[0] if mismatches else None,
        score=score,
        latency=Latency(min(times), statistics.median(times), max(times)),
    )


def stream(
    folder: Path,
    record: BuildRecord,
    place: Place,
    samples: Samples,
    progress: Progress = lambda _done, _total: None,
) -> list[Result]:
    """Give every sample to the board and return its answers."""
    results = []
    with open_session(folder, record, place) as session:
        for sample in range(len(samples)):
            results.append(session.link.infer(samples.row(sample)))
            progress(sample + 1, len(samples))
    return results


def verify_layers(
    folder: Path,
    record: BuildRecord,
    place: Place,
    samples: Samples,
    progress: Progress = lambda _done, _total: None,
) -> VerifyReport:
    """Compare every activation tensor of a trace build with the oracle's."""
    model = load(folder, record)
    written = sorted(_last_writers(model))
    truth = judge(model.data, model.graph, samples, written)
    wrong: set[int] = set()
    first: Mismatch | None = None
    with open_session(folder, record, place) as session:
        for sample in range(len(samples)):
            found = _activations(session.link, model, samples, sample)
            for name, number, values in found:
                expected = model.left_of(number, truth.activations[number][sample])
                mismatch = _compare(expected, values, sample, name)
                if mismatch is not None:
                    wrong.add(sample)
                    first = first or mismatch
            progress(sample + 1, len(samples))
    return VerifyReport(
        **_head(record, place, truth, samples),
        mismatches=len(wrong),
        layers=len(written),
        first=first,
        score=None,
        latency=None,
    )


def first_output(graph: Graph, rows: Sequence[bytes]) -> NDArray[np.float32]:
    """Return the first output tensor of each row of output bytes, as real (samples, ...)."""
    tensor = graph.tensors[graph.outputs[0]]
    values = np.stack([np.frombuffer(row[: tensor.bytes], tensor.dtype) for row in rows])
    shaped = values.reshape(len(rows), *tensor.sample_shape)
    if tensor.quantization is None:
        return shaped.astype(np.float32)
    return affine.dequantize(shaped, tensor.scale, tensor.zero_point)


def _activations(
    link: Link, model: Loaded, samples: Samples, sample: int
) -> list[tuple[str, int, NDArray[Any]]]:
    """Return each layer's name, the tensor that it writes, and the tensor's values on the board."""
    found = []
    writers = _last_writers(model)
    for index, layer in enumerate(model.layers):
        if model.graph.states:  # the trace before this one has left them halfway
            link.hello()
            for earlier in range(sample):
                link.infer(samples.row(earlier))
        link.trace(samples.row(sample), index)
        for number in (number for number in layer.outputs if writers[number] == index):
            tensor = model.tensors[number]
            raw = link.peek(_offset(link, model, number), tensor.bytes)
            found.append((layer.name, number, np.frombuffer(raw, tensor.dtype)))
    return found


def _offset(link: Link, model: Loaded, number: int) -> int:
    """Return where a tensor lies in the arena of a trace build."""
    if model.offsets is not None:
        return model.offsets[number]
    return int.from_bytes(link.peek(model.notes_at + 4 * number, 4), "little")


def _last_writers(model: Loaded) -> dict[int, int]:
    """Return the layer behind which each tensor is whole; several may write parts of it."""
    return {number: index for index, layer in enumerate(model.layers) for number in layer.outputs}


def _head(record: BuildRecord, place: Place, truth: Truth, samples: Samples) -> dict[str, Any]:
    return {
        "model": record.model,
        "digest": record.digest,
        "build_id": record.build_id,
        "board": record.board,
        "place": str(place),
        "oracle": truth.oracle,
        "source": samples.source,
        "inputs": len(samples),
    }


def _first_output(graph: Graph, truth: Truth, sample: int, found: bytes) -> Mismatch | None:
    start = 0
    for number, expected in zip(graph.outputs, truth.outputs, strict=True):
        tensor = graph.tensors[number]
        values = np.frombuffer(found[start : start + tensor.bytes], tensor.dtype)
        mismatch = _compare(expected[sample], values, sample, "")
        if mismatch is not None:
            return mismatch
        start += tensor.bytes
    return None


def _compare(
    expected: NDArray[Any], found: NDArray[Any], sample: int, layer: str
) -> Mismatch | None:
    flat, found = _with_one_nan(expected.ravel()), _with_one_nan(found)
    # bytes, not values: 0.0 and -0.0 differ
    if flat.tobytes() == found.tobytes():
        return None
    size = flat.dtype.itemsize
    left = np.frombuffer(flat.tobytes(), np.uint8).reshape(-1, size)
    right = np.frombuffer(found.tobytes(), np.uint8).reshape(-1, size)
    element = int(np.flatnonzero((left != right).any(axis=1))[0])
    return Mismatch(sample, layer, element, float(flat[element]), float(found[element]))


def _with_one_nan(values: NDArray[Any]) -> NDArray[Any]:
    """Make all NaN alike: their sign and payload differ between FPUs."""
    if values.dtype != np.float32:
        return values
    return np.where(np.isnan(values), np.float32(np.nan), values)
