"""What nothing needs is left out, and every answer stays what TFLM says, byte for byte."""

from pathlib import Path

import flat
import numpy as np
import pytest
from batch import judge
from cases import Case
from draft import Draft
from flat import FlatTensor, to_bytes
from models import compiled as compiled_file
from models import random_inputs
from numpy.typing import NDArray
from spare import spare

from tinykit.codegen import reference
from tinykit.codegen.compile import Compiled, compile_model
from tinykit.codegen.importer import import_tflite
from tinykit.codegen.layer import LowerOptions
from tinykit.codegen.ops.table import KINDS
from tinykit.core import oracle

COUNT = 160
LEAST = 100  # that must have lost something, and whose outputs could show it


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [spare(seed) for seed in range(COUNT)]


def compiled(case: Case) -> Compiled:
    return compile_model(to_bytes(case.model), "spare.tflite", "0", case.options)


def is_smaller(model: Compiled) -> bool:
    program = model.program
    return bool(program.kept) or len(program.graph.operators) < len(model.graph.operators)


@pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")
def test_simplified_models_equal_tflm(
    cases: list[Case], kernels: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    smaller = [case for case in cases if is_smaller(compiled(case))]
    verdicts = judge(smaller, tmp_path_factory.mktemp("spare"), kernels)
    wrong = [verdict for verdict in verdicts if verdict.wrong]
    shown = "\n".join(f"{v.wrong}\n  {v.case!r}" for v in wrong[:3])
    assert not wrong, f"{len(wrong)} of {len(verdicts)} differ\n{shown}"
    assert sum(verdict.counts for verdict in verdicts) >= LEAST


def test_what_is_left_holds_what_it_held(cases: list[Case]) -> None:
    for case in cases:
        model = compiled(case)
        graph = model.program.graph
        graph.check()
        for operator in graph.operators:
            KINDS[operator.kind].check(graph, operator)
        inputs = [batch[0] for batch in case.inputs]
        before, after = reference.run(model.graph, inputs), reference.run(graph, inputs)
        for operator in graph.operators:
            for number in before.keys() & {*operator.outputs}:
                left = model.left_of(number, before[number])
                np.testing.assert_array_equal(after[number], left, repr(case))


def second_conv(padding: int, bias: int) -> bytes:
    """Make two convolutions, of which the first has a channel that is always `bias` / 2."""
    draft = Draft(np.random.default_rng(0))
    image = draft.input((1, 5, 5, 1), 1.0, 0)
    weights = np.array([3, 0, -2], np.int8).reshape(3, 1, 1, 1)
    first = draft.add(FlatTensor("w", weights.shape, "int8", (1.0,), (0,), data=weights))
    biases = np.array([0, bias, 0], np.int32)
    added = draft.add(FlatTensor("b", (3,), "int32", (1.0,), (0,), data=biases))
    options = flat.conv_options((1, 1), (1, 1), flat.VALID, flat.NONE)
    target = FlatTensor("middle", (1, 5, 5, 3), "int8", (2.0,), (0,))
    middle = draft.apply("CONV_2D", (image, first, added), options, target)
    kernel = draft.rng.integers(1, 9, (2, 3, 3, 3)).astype(np.int8)
    second = draft.add(FlatTensor("v", kernel.shape, "int8", (1.0,), (0,), data=kernel))
    side = 5 if padding == flat.SAME else 3
    options = flat.conv_options((1, 1), (1, 1), padding, flat.NONE)
    target = FlatTensor("end", (1, side, side, 2), "int8", (99.0,), (0,))
    end = draft.apply("CONV_2D", (middle, second), options, target)
    return to_bytes(draft.model((end,)))


@pytest.mark.parametrize(
    ("padding", "bias", "lost"),
    [(flat.SAME, 0, 1), (flat.SAME, 40, 0), (flat.VALID, 0, 1), (flat.VALID, 40, 1)],
)
def test_a_constant_goes_unless_a_border_shows_it(padding: int, bias: int, lost: int) -> None:
    data = second_conv(padding, bias)
    model = compiled_file(data, "two")
    assert model.program.removed_channels == lost
    assert model.program.layers[1].macs == (25 if padding == flat.SAME else 9) * 27 * 2
    whole = compiled_file(data, "two", LowerOptions(encoding="dense"))
    assert not whole.program.kept and whole.plan.arena_bytes - model.plan.arena_bytes >= 25 * lost


def test_the_digest_is_that_of_the_model(cases: list[Case]) -> None:
    for case in cases[:20]:
        digest = import_tflite(to_bytes(case.model), "spare.tflite").digest()
        model = compiled(case)
        assert model.program.digest == model.graph.digest() == digest
        assert f'"{digest}"' in model.files["spare.c"]


def test_convolutions_that_share_their_blocks_are_dilated() -> None:
    draft = Draft(np.random.default_rng(0))
    source = draft.input((1, 7, 2), 0.1, 0)
    blocks, pads, crops = (
        draft.int32_constant([4]),
        draft.add(FlatTensor("pads", (1, 2), "int32", data=np.array([[4, 1]], np.int32))),
        draft.add(FlatTensor("crops", (1, 2), "int32", data=np.array([[0, 1]], np.int32))),
    )

    def seen(number: int, shape: tuple[int, ...]) -> int:
        twin = draft.tensors[number]
        target = FlatTensor(f"seen{number}", shape, "int8", twin.scales, twin.zero_points)
        return draft.apply("RESHAPE", (number,), flat.Options("ReshapeOptions"), target)

    split = FlatTensor("split", (4, 3, 2), "int8", (0.1,), (0,))
    image = seen(
        draft.apply("SPACE_TO_BATCH_ND", (source, blocks, pads), None, split), (4, 1, 3, 2)
    )
    ends = []
    for name in ("value", "gate"):
        data = draft.rng.integers(-9, 9, (5, 1, 2, 2)).astype(np.int8)
        weights = FlatTensor(name, data.shape, "int8", (1.0,), (0,), data=data)
        options = (flat.conv_options(), flat.NONE)
        part = draft.weighted("CONV_2D", image, weights, None, options, (4, 1, 2, 5))
        twin = draft.tensors[part]
        whole = FlatTensor(f"{name}s", (1, 7, 5), "int8", twin.scales, twin.zero_points)
        joined = (seen(part, (4, 2, 5)), blocks, crops)
        ends.append(draft.apply("BATCH_TO_SPACE_ND", joined, None, whole))
    data = to_bytes(draft.model(tuple(ends)))
    model = compiled_file(data, "wavenet")
    assert [(layer.name, layer.kind) for layer in model.program.layers] == [
        ("value", "CONV_2D"),
        ("gate", "CONV_2D"),
    ]
    assert {*model.program.left_out} >= {"split", "values", "gates"}
    inputs = random_inputs(model.graph, 2, seed=0)
    expected = [reference.run(model.graph, [batch[i] for batch in inputs]) for i in range(2)]
    after = [reference.run(model.program.graph, [batch[i] for batch in inputs]) for i in range(2)]
    for number in ends:
        for i in range(2):
            assert expected[i][number].tobytes() == after[i][number].tobytes()


@pytest.mark.parametrize("read_twice", [False, True])
def test_a_padded_tensor_exists_only_for_other_readers(read_twice: bool) -> None:
    draft = Draft(np.random.default_rng(0))
    image = draft.input((1, 6, 6, 2), 0.1, -7)
    pads = np.array([[0, 0], [1, 2], [0, 1], [0, 0]], np.int32)
    numbers = draft.add(FlatTensor("pads", (4, 2), "int32", data=pads))
    target = FlatTensor("padded", (1, 9, 7, 2), "int8", (0.1,), (-7,))
    padded = draft.apply("PAD", (image, numbers), None, target)
    weights = FlatTensor("w", (1, 3, 3, 2), "int8", (1.0,), (0,), 3, np.ones((1, 3, 3, 2), np.int8))
    options = (flat.depthwise_options(1, (2, 2), (1, 1), flat.SAME, flat.NONE), flat.NONE)
    outputs = [
        draft.weighted("DEPTHWISE_CONV_2D", padded, weights, None, options, (1, 5, 4, 2)),
        *([draft.fitted("QUANTIZE", (padded,), None, (1, 9, 7, 2), 0.22)] if read_twice else []),
    ]
    model = compiled_file(to_bytes(draft.model(tuple(outputs))), "padded")
    assert ("PAD" in {layer.kind for layer in model.program.layers}) == read_twice
    assert (padded in model.plan.offsets) == read_twice
    assert model.program.left_out == (() if read_twice else ("padded",))
    assert ("// Layers left out: 1;" in model.files["padded.c"]) == (not read_twice)


def two_layers(first: NDArray[np.int8], second: NDArray[np.int8]) -> bytes:
    """Make two dense layers without biases."""
    draft = Draft(np.random.default_rng(0))
    source = draft.input((1, first.shape[1]), 0.1, 0)
    for name, values in (("w", first), ("v", second)):
        table = draft.add(FlatTensor(name, values.shape, "int8", (0.1,), (0,), data=values))
        target = FlatTensor(f"{name} out", (1, len(values)), "int8", (20.0,), (0,))
        inputs = (source, table, -1)
        source = draft.apply("FULLY_CONNECTED", inputs, flat.dense_options(), target)
    return to_bytes(draft.model((source,)))


def hidden_layer(zeros: float) -> bytes:
    """Make two dense layers, 8 -> 8 -> 16; one hidden channel has no weights."""
    rng = np.random.default_rng(0)
    first, second = (rng.integers(1, 99, shape).astype(np.int8) for shape in ((8, 8), (16, 8)))
    first[3] = 0
    second[rng.random(second.shape) < zeros] = 0
    return two_layers(first, second)


@pytest.mark.parametrize(
    ("dsp", "zeros", "lost"), [(False, 0.1, 1), (True, 0.1, 0), (True, 0.75, 1)]
)
def test_groups_of_inputs_stay_whole_for_dense_kernels(dsp: bool, zeros: float, lost: int) -> None:
    model = compiled_file(hidden_layer(zeros), "two", LowerOptions(dsp=dsp))
    assert model.program.removed_channels == lost


def pruned_layer(block: int) -> bytes:
    """Make two dense layers, 8 -> 32 -> 48; five hidden channels have no weights, four of a block.

    Of the second layer's weights, three quarters are zero, in blocks of so many inputs.
    """
    rng = np.random.default_rng(0)
    first, second = (rng.integers(1, 99, shape).astype(np.int8) for shape in ((32, 8), (48, 32)))
    first[[3, 8, 9, 10, 11]] = 0
    second[np.repeat(rng.random((48, 32 // block)) < 0.75, block, axis=1)] = 0
    return two_layers(first, second)


@pytest.mark.parametrize("dsp", [False, True])
@pytest.mark.parametrize(("block", "lost", "encoding"), [(1, 5, "sparse"), (4, 4, "block")])
def test_blocks_of_weights_stay_whole(dsp: bool, block: int, lost: int, encoding: str) -> None:
    model = compiled_file(pruned_layer(block), "pruned", LowerOptions(dsp=dsp))
    assert model.program.removed_channels == lost
    assert model.program.layers[1].encoding == encoding
