"""The planner never lets two buffers that live at once share a byte, whatever the program."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from tinykit.codegen.access import Access, apart, one_by_one
from tinykit.codegen.layer import Layer
from tinykit.codegen.lower import Program
from tinykit.codegen.plan import Plan, plan
from tinykit.core.graph import Graph, Tensor

PROFILE = settings(derandomize=True, deadline=None, database=None, max_examples=250)


def _layer(
    index: int,
    inputs: tuple[int, ...],
    outputs: tuple[int, ...],
    access: tuple[Access, ...],
    scratch_bytes: int,
) -> Layer:
    return Layer(
        name=f"layer_{index}",
        kind="ANY",
        summary="",
        kernel="",
        record="",
        fields=(),
        inputs=inputs,
        outputs=outputs,
        takes_scratch=scratch_bytes > 0,
        scratch_bytes=scratch_bytes,
        access=access,
    )


def _access(draw: st.DrawFn, source: Tensor, target: Tensor) -> Access:
    """Draw distances that a kernel could have: at worst both tensors lie apart."""
    if draw(st.booleans()):
        return apart(source.bytes, target.bytes)
    forward = draw(st.integers(-source.bytes + 1, target.bytes))
    backward = draw(st.integers(-target.bytes + 1, source.bytes))
    return Access(forward, max(backward, 1 - forward))


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Draw layers that read any earlier tensors, with views and several ports.

    Some have two outputs, some tensors are written in parts by several layers.
    """
    tensors: list[Tensor] = []
    storage: dict[int, int] = {}
    layers: list[Layer] = []

    def tensor() -> int:
        dtype = draw(st.sampled_from(("int8", "int8", "int8", "float32")))
        tensors.append(Tensor("t", (1, draw(st.integers(1, 40))), dtype))
        return len(tensors) - 1

    inputs = tuple(tensor() for _ in range(draw(st.integers(1, 3))))
    storage.update({number: number for number in inputs})
    for _ in range(draw(st.integers(1, 10))):
        known = sorted(storage)
        if draw(st.integers(0, 4)) == 0:
            source = draw(st.sampled_from(known))
            tensors.append(Tensor("view", tensors[source].shape, tensors[source].dtype))
            storage[len(tensors) - 1] = storage[source]
        near = st.sampled_from(sorted(storage)[-3:])
        targets = tuple(tensor() for _ in range(draw(st.sampled_from((1, 1, 1, 2)))))
        for _ in range(draw(st.sampled_from((1, 1, 1, 3)))):
            read = tuple(draw(st.lists(near, min_size=1, max_size=2)))
            scratch_bytes = draw(st.sampled_from((0, 0, 5, 30)))
            access = tuple(_access(draw, tensors[n], tensors[targets[0]]) for n in read)
            layers.append(_layer(len(layers), read, targets, access, scratch_bytes))
        storage.update({target: target for target in targets})
    written = [number for number in storage if number not in inputs]
    outputs = draw(st.lists(st.sampled_from(written), min_size=1, max_size=3, unique=True))
    graph = Graph("drawn", tuple(tensors), (), inputs, tuple(outputs))
    return Program(graph, tuple(layers), storage)


def lives(program: Program, keep_input: bool) -> dict[int, tuple[int, int]]:
    """Work out from the definition between which layers each stored tensor is needed."""
    end = len(program.layers)
    found = dict.fromkeys(program.graph.inputs, (-1, end if keep_input else -1))
    for index, layer in enumerate(program.layers):
        for root in {program.storage[n] for n in layer.inputs}:
            found[root] = (found[root][0], max(found[root][1], index))
        for number in layer.outputs:
            found[number] = (found.get(number, (index, index))[0], index)
    for number in program.graph.outputs:
        root = program.storage[number]
        found[root] = (found[root][0], end)
    return found


def places(program: Program, placed: Plan, number: int) -> range:
    offset = placed.offsets[number]
    return range(offset, offset + program.graph.tensors[number].bytes)


def touch(a: range, b: range) -> bool:
    return a.start < b.stop and b.start < a.stop


def may_overlap(program: Program, placed: Plan, source: int, target: int) -> bool:
    """Tell whether the layer that writes `target` may have it over `source` at these places."""
    layer = next((each for each in program.layers if target in each.outputs), None)
    if layer is None:
        return False
    src, dst = placed.offsets[source], placed.offsets[target]
    read = [
        access
        for number, access in zip(layer.inputs, layer.access, strict=True)
        if program.storage[number] == source
    ]
    if len(layer.outputs) > 1:
        return False
    return bool(read) and all(access.allows(src, dst) for access in read)


@PROFILE
@given(programs(), st.booleans())
def test_plan_never_overlaps_live_tensors(program: Program, keep_input: bool) -> None:
    placed = plan(program, keep_input)
    alive = lives(program, keep_input)
    for a, b in combinations(sorted(alive, key=lambda n: alive[n]), 2):
        if not touch(places(program, placed, a), places(program, placed, b)):
            continue
        first, later = alive[a], alive[b]
        handed_over = first[1] == later[0] and may_overlap(program, placed, a, b)
        assert first[1] < later[0] or later[1] < first[0] or handed_over


@PROFILE
@given(programs(), st.booleans())
def test_a_kernel_goes_backward_only_where_that_is_safe(program: Program, keep_input: bool) -> None:
    placed = plan(program, keep_input)
    for layer, backward in zip(program.layers, placed.backward, strict=True):
        target = layer.outputs[0]
        for number, access in zip(layer.inputs, layer.access, strict=True):
            src, dst = placed.offsets[number], placed.offsets[target]
            if not touch(places(program, placed, number), places(program, placed, target)):
                continue
            assert dst >= src + access.backward if backward else dst <= src - access.forward


@PROFILE
@given(programs(), st.booleans())
def test_scratch_never_overlaps_what_its_layer_needs(program: Program, keep_input: bool) -> None:
    placed = plan(program, keep_input)
    alive = lives(program, keep_input)
    for index, layer in enumerate(program.layers):
        offset = placed.scratch[index]
        assert (offset is None) == (layer.scratch_bytes == 0)
        if offset is None:
            continue
        scratch = range(offset, offset + layer.scratch_bytes)
        assert scratch.stop <= placed.arena_bytes
        for number, (first, last) in alive.items():
            if first <= index <= last:
                assert not touch(scratch, places(program, placed, number))


@PROFILE
@given(programs(), st.booleans())
def test_everything_lies_aligned_inside_of_the_arena(program: Program, keep_input: bool) -> None:
    placed = plan(program, keep_input)
    assert set(placed.offsets) == set(program.storage)
    for number in program.storage:
        assert places(program, placed, number).stop <= placed.arena_bytes
        if program.graph.tensors[number].dtype == "float32":
            assert placed.offsets[number] % 4 == 0
        assert placed.offsets[number] == placed.offsets[program.storage[number]]


@PROFILE
@given(programs(), st.booleans())
def test_no_arena_is_smaller_than_the_least(program: Program, keep_input: bool) -> None:
    placed = plan(program, keep_input)
    assert placed.least_bytes <= placed.arena_bytes
    assert placed.arena_bytes <= sum(slot.bytes + slot.alignment - 1 for slot in placed.slots)


@PROFILE
@given(programs())
def test_keeping_the_input_never_makes_the_arena_smaller_than_it_needs(program: Program) -> None:
    kept = plan(program, keep_input=True)
    inputs = sum(program.graph.tensors[n].bytes for n in program.graph.inputs)
    output = program.graph.outputs[0]
    extra = 0 if program.storage[output] in program.graph.inputs else 1
    assert kept.arena_bytes >= inputs + extra * program.graph.tensors[output].bytes


def test_a_chain_in_place_takes_one_place() -> None:
    tensors = tuple(Tensor(f"t{i}", (1, 10), "int8") for i in range(4))
    layers = tuple(_layer(i, (i,), (i + 1,), (one_by_one(10),), 0) for i in range(3))
    graph = Graph("chain", tensors, (), (0,), (3,))
    program = Program(graph, layers, {n: n for n in range(4)})
    assert plan(program).arena_bytes == 10
    assert plan(program, keep_input=True).arena_bytes == 20
