"""Stream inputs through a board and compare every answer with the oracle, byte for byte."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.graph import Graph
from tinykit.core.score import Score
from tinykit.host.frame import VERSION as PROTOCOL
from tinykit.host.judge import Truth, judge
from tinykit.host.link import Hello, Link, Result, Traffic
from tinykit.host.loaded import Loaded, load
from tinykit.host.record import BuildRecord
from tinykit.host.samples import Samples
from tinykit.host.session import Place, Session, open_session
from tinykit.host.tally import (
    Answer,
    Compared,
    Confusion,
    Latency,
    Mismatch,
    Tally,
    compare,
    real_output,
)

Progress = Callable[[int, int], None]

_BLOCK = 64  # inputs whose activations are in memory at once


@dataclass(frozen=True, slots=True)
class Answering:
    """Hold what answered, as it described itself."""

    protocol: int
    digest: str
    build_id: str
    board: str
    app: str
    clock_hz: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Hold what was used of the RAM, in bytes.

    Attributes:
        arena_bytes: what the plan gives the model, all of which is used.
        stack_bytes, stack_used_bytes: as the board says after the last inference.
    """

    arena_bytes: int
    stack_bytes: int
    stack_used_bytes: int


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Hold what a verification found.

    Attributes:
        answering: the board in its own words.
        place: the port, or the emulator's name.
        oracle: "tflm" or "reference".
        inputs: how many were streamed.
        mismatches: how many gave an output (with layers: any activation) that differs in a byte.
        layers: how many activation tensors were compared for each input; 0 without --layers.
        first: the first mismatch.
        differences: the first 100.
        compared: how many inputs differed in each tensor.
        score: accuracy or error of the board's answers against the labels.
        confusion: of a classifier.
        latency: as measured on the board; None with --layers.
        memory: what was used of it.
        reset_reasons: why the board was last reset, none after power-on.
        seconds: from the first input to the last answer.
        traffic: what the link did meanwhile.
    """

    model: str
    digest: str
    build_id: str
    board: str
    answering: Answering
    place: str
    oracle: str
    source: str
    inputs: int
    mismatches: int
    layers: int
    first: Mismatch | None
    differences: tuple[Mismatch, ...]
    compared: tuple[Compared, ...]
    score: Score | None
    confusion: Confusion | None
    latency: Latency | None
    memory: Memory
    reset_reasons: tuple[str, ...]
    seconds: float
    traffic: Traffic


class Watch:
    """Take note of a run as it goes: a base for those who do."""

    def greeted(self, answering: Answering, place: Place) -> None:
        """Note who answers."""

    def counted(self, tally: Tally, answer: Answer) -> None:
        """Note what became of one input."""


class Counting(Watch):
    """Tell how many inputs of how many have been answered."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def counted(self, tally: Tally, _answer: Answer) -> None:
        """Tell it."""
        self._progress(tally.done, tally.total)


def verify(
    folder: Path,
    record: BuildRecord,
    place: Place,
    samples: Samples,
    watches: Sequence[Watch] = (),
) -> VerifyReport:
    """Compare the board's outputs with the oracle's."""
    model = load(folder, record)
    truth = judge(model.data, model.graph, samples)
    with open_session(folder, record, place) as session:
        places = [("", model.graph.tensors[number].name) for number in model.graph.outputs]
        tally = Tally(model.graph, samples, places)
        _greet(session, place, watches)
        for sample, result in enumerate(answers(session.link, samples)):
            wrong = _wrong_outputs(model.graph, truth, sample, result.output)
            answer = tally.answered(sample, result, wrong)
            for watch in watches:
                watch.counted(tally, answer)
        return _report(session, record, place, samples, truth.oracle, tally)


def answers(link: Link, samples: Samples) -> Iterator[Result]:
    """Give every sample to the board, and its answers one after the other."""
    for sample in range(len(samples)):
        yield link.infer(samples.row(sample))


def verify_layers(
    folder: Path,
    record: BuildRecord,
    place: Place,
    samples: Samples,
    watches: Sequence[Watch] = (),
) -> VerifyReport:
    """Compare every activation tensor of a trace build with the oracle's."""
    model = load(folder, record)
    written = sorted(_last_writers(model))
    # a state goes on from input to input, for the oracle too
    block = len(samples) if model.graph.states else _BLOCK
    with open_session(folder, record, place) as session:
        tally = Tally(model.graph, samples, _places(model))
        _greet(session, place, watches)
        for begin in range(0, len(samples), block):
            part = samples.part(begin, begin + block)
            truth = judge(model.data, model.graph, part, written)
            for sample in range(len(part)):
                wrong = _wrong_activations(session.link, model, truth, part, sample)
                moved = [replace(each, sample=begin + sample) for each in wrong]
                answer = tally.traced(begin + sample, moved)
                for watch in watches:
                    watch.counted(tally, answer)
        report = _report(session, record, place, samples, truth.oracle, tally)
    return replace(report, layers=len(written))


def first_output(graph: Graph, rows: Sequence[bytes]) -> NDArray[np.float32]:
    """Return the first output tensor of each row of output bytes, as real (samples, ...)."""
    tensor = graph.tensors[graph.outputs[0]]
    return np.stack([real_output(tensor, row) for row in rows])


def answering(hello: Hello) -> Answering:
    """Return what a board says of itself that people want to see."""
    return Answering(PROTOCOL, hello.digest, hello.build_id, hello.board, hello.app, hello.clock_hz)


def _greet(session: Session, place: Place, watches: Sequence[Watch]) -> None:
    for watch in watches:
        watch.greeted(answering(session.hello), place)


def _places(model: Loaded) -> list[tuple[str, str]]:
    """Return each tensor that a trace shows, with the layer behind which it is whole."""
    writers = sorted((index, number) for number, index in _last_writers(model).items())
    return [(model.layers[i].name, model.tensors[number].name) for i, number in writers]


def _wrong_activations(
    link: Link, model: Loaded, truth: Truth, samples: Samples, sample: int
) -> list[Mismatch]:
    wrong = []
    for name, number, values in _activations(link, model, samples, sample):
        expected = model.left_of(number, truth.activations[number][sample])
        mismatch = compare(expected, values, sample, name, model.tensors[number].name)
        if mismatch is not None:
            wrong.append(mismatch)
    return wrong


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


def _report(
    session: Session,
    record: BuildRecord,
    place: Place,
    samples: Samples,
    oracle: str,
    tally: Tally,
) -> VerifyReport:
    seconds = tally.seconds
    status = session.link.status()
    return VerifyReport(
        model=record.model,
        digest=record.digest,
        build_id=record.build_id,
        board=record.board,
        answering=answering(session.hello),
        place=str(place),
        oracle=oracle,
        source=samples.source,
        inputs=len(samples),
        mismatches=tally.wrong,
        layers=0,
        first=tally.differences[0] if tally.differences else None,
        differences=tuple(tally.differences),
        compared=tally.compared(),
        score=tally.score(),
        confusion=tally.confusion(),
        latency=tally.latency(),
        memory=Memory(record.sizes.arena, status.stack_bytes, status.stack_used_bytes),
        reset_reasons=status.reset_reasons,
        seconds=round(seconds, 3),
        traffic=session.link.traffic,
    )


def _wrong_outputs(graph: Graph, truth: Truth, sample: int, found: bytes) -> list[Mismatch]:
    wrong = []
    start = 0
    for number, expected in zip(graph.outputs, truth.outputs, strict=True):
        tensor = graph.tensors[number]
        values = np.frombuffer(found[start : start + tensor.bytes], tensor.dtype)
        mismatch = compare(expected[sample], values, sample, "", tensor.name)
        if mismatch is not None:
            wrong.append(mismatch)
        start += tensor.bytes
    return wrong
