"""Hypothesis strategies of models with resource variables, which remember between inferences."""

from dataclasses import dataclass, field, replace

import flat
import numpy as np
from draft import SAMPLES, Draft
from flat import FlatModel, FlatOperator, FlatTensor
from hypothesis import assume
from hypothesis import strategies as st

Draw = st.DrawFn


@dataclass(slots=True)
class Stream:
    """Hold a draft with variables.

    Attributes:
        draft: the network.
        names: of the variables; as many as `initial` and `handles`.
        initial: what CALL_ONCE sets them to; None if it does not.
        handles: the tensor that stands for each.
    """

    draft: Draft
    names: list[str] = field(default_factory=list)
    initial: list[FlatTensor | None] = field(default_factory=list)
    handles: list[int] = field(default_factory=list)

    def variable(self, initial: FlatTensor | None) -> int:
        """Add a variable, and return which it is."""
        self.names.append(f"variable{len(self.names)}")
        self.initial.append(initial)
        self.handles.append(self._handle(len(self.names) - 1))
        return len(self.names) - 1

    def read(self, which: int, like: FlatTensor, low: int, high: int) -> int:
        """Add a READ_VARIABLE; what the draft takes for its values are numbers in a range."""
        draft = self.draft
        number = draft.add(replace(like, name=draft.name("t"), data=None))
        draft.operators.append(FlatOperator("READ_VARIABLE", (self.handles[which],), (number,)))
        shape = (SAMPLES, *like.shape[1:])
        draft.values[number] = draft.rng.integers(low, high, shape).astype(like.dtype)
        return number

    def assign(self, which: int, value: int) -> None:
        """Add an ASSIGN_VARIABLE."""
        inputs = (self.handles[which], value)
        self.draft.operators.append(FlatOperator("ASSIGN_VARIABLE", inputs, ()))

    def name_again(self, which: int) -> None:
        """Go on with another handle of the same variable."""
        self.handles[which] = self._handle(which)

    def model(self, outputs: tuple[int, ...]) -> FlatModel:
        """Finish."""
        model = self.draft.model(outputs)
        if all(value is None for value in self.initial):
            return model
        once = FlatOperator("CALL_ONCE", (), (), flat.once_options(1))
        operators = (once, *model.operators)
        return replace(model, operators=operators, others=(self._initialiser(),))

    def _handle(self, which: int) -> int:
        draft = self.draft
        number = draft.add(FlatTensor(draft.name("handle"), (), "resource"))
        options = flat.handle_options(self.names[which])
        draft.operators.append(FlatOperator("VAR_HANDLE", (), (number,), options))
        return number

    def _initialiser(self) -> FlatModel:
        tensors: list[FlatTensor] = []
        operators: list[FlatOperator] = []
        for name, value in zip(self.names, self.initial, strict=True):
            if value is not None:
                at = len(tensors)
                tensors += [FlatTensor(f"set_{name}", (), "resource"), value]
                options = flat.handle_options(name)
                operators.append(FlatOperator("VAR_HANDLE", (), (at,), options))
                operators.append(FlatOperator("ASSIGN_VARIABLE", (at, at + 1), ()))
        return FlatModel(tuple(tensors), tuple(operators), (), ())


def draw_stream(draw: Draw, draft: Draft, source: int, initial: bool, again: bool) -> FlatModel:
    """Read, assign and compute in a random order, with one or two variables of int8 or floats.

    Args:
        draw: of hypothesis.
        draft: with an int8 input.
        source: that input.
        initial: CALL_ONCE sets at least one variable.
        again: a variable has several handles.
    """
    stream, ends = Stream(draft), [source]
    like = draft.tensors[source]
    floats = [draw(st.integers(0, 3)) == 0 for _ in range(draw(st.integers(1, 2)))]
    for which, real in enumerate(floats):
        given = draw(st.booleans()) or (initial and which == 0)
        stream.variable(_initial(draft, like, real) if given else None)
    assigned, read = [False] * len(floats), [False] * len(floats)
    for step in draw(st.lists(st.sampled_from(_STEPS), min_size=3, max_size=8)):
        which = draw(st.integers(0, len(floats) - 1))
        if again and draw(st.booleans()):
            stream.name_again(which)
        if step == "read":
            read[which] = True
            ends.append(_read(stream, which, like, floats[which]))
        elif step == "assign":
            assigned[which] = True
            _assign(stream, which, ends[-1 - draw(st.integers(0, min(1, len(ends) - 1)))], floats)
        else:
            ends.append(_combined(draw, draft, ends, step))
    for which, value in enumerate(stream.initial):
        if value is None and read[which] and not assigned[which]:
            assigned[which] = True
            _assign(stream, which, ends[-1], floats)
    assume(any(read) and ends[-1] != source)
    # an output without the input may be constant
    return stream.model((_combined(draw, draft, [ends[-1], source], "add"),))


_STEPS = ("read", "read", "assign", "assign", "add", "view", "shift")


def _initial(draft: Draft, like: FlatTensor, real: bool) -> FlatTensor:
    values = draft.rng.integers(-128, 128, like.shape)
    if real:
        data = (values * like.scales[0]).astype(np.float32)
        return FlatTensor(draft.name("first"), like.shape, "float32", data=data)
    return replace(like, name=draft.name("first"), data=values.astype(np.int8))


def _read(stream: Stream, which: int, like: FlatTensor, real: bool) -> int:
    draft = stream.draft
    if not real:
        return stream.read(which, like, -128, 128)
    floats = FlatTensor("", like.shape, "float32")
    reach = int(200 * like.scales[0]) + 2
    number = stream.read(which, floats, -reach, reach)
    target = replace(like, name=draft.name("t"))
    return draft.apply("QUANTIZE", (number,), None, target)


def _assign(stream: Stream, which: int, value: int, floats: list[bool]) -> None:
    draft = stream.draft
    if floats[which]:
        target = FlatTensor(draft.name("t"), draft.shape(value), "float32")
        value = draft.apply("DEQUANTIZE", (value,), None, target)
    stream.assign(which, value)


def _combined(draw: Draw, draft: Draft, ends: list[int], step: str) -> int:
    """Compute with the last two ends; all tensors have one shape."""
    source = ends[-1]
    if step == "add":
        other = ends[-2] if len(ends) > 1 else source
        wide = (draft.scale(source) + draft.scale(other)) * 2
        options = flat.pair_options("ADD")
        return draft.fitted("ADD", (source, other), options, draft.shape(source), wide)
    if step == "view":
        shape, like = draft.shape(source), draft.tensors[source]
        for lengths in ((1, 1, *shape[1:]), shape):
            target = replace(like, name=draft.name("t"), shape=lengths, data=None)
            numbers = draft.int32_constant(lengths)
            options = flat.Options("ReshapeOptions")
            source = draft.apply("RESHAPE", (source, numbers), options, target)
        return source
    return _shifted(draft, source)


def _shifted(draft: Draft, source: int) -> int:
    """Move all elements by one, the first to the end: SLICE, SLICE, CONCATENATION."""
    like, length = draft.tensors[source], draft.shape(source)[1]
    parts = []
    for begin, size in ((1, length - 1), (0, 1)):
        target = replace(like, name=draft.name("t"), shape=(1, size), data=None)
        numbers = (draft.int32_constant([0, begin]), draft.int32_constant([1, size]))
        parts.append(draft.apply("SLICE", (source, *numbers), None, target))
    options = flat.Options("ConcatenationOptions", (("Axis", 1),))
    target = replace(like, name=draft.name("t"), data=None)
    return draft.apply("CONCATENATION", tuple(parts), options, target)


def draw_delay(draw: Draw, draft: Draft, source: int) -> FlatModel:
    """Give back what the inference before this one was given, of any type."""
    stream = Stream(draft)
    like = draft.tensors[source]
    which = stream.variable(None)
    late = [draw(st.booleans()) for _ in range(2)]
    numbers = []
    if not late[0]:
        stream.assign(which, source)
    numbers.append(stream.read(which, like, 0, 9))
    if late[0]:
        stream.assign(which, source)
    if late[1]:
        numbers.append(stream.read(which, like, 0, 9))
    draft.add(FlatTensor("whole", (1,), "int8", (1.0,), (0,)))
    return stream.model(tuple(numbers))
