"""Weights in fewer bits decode to the weights, and the kernels that read them are exact."""

from dataclasses import replace
from pathlib import Path

import flat
import numpy as np
import pytest
from batch import Run, host_outputs
from flat import FlatModel, FlatTensor, to_bytes
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from probes import FEW, ODD, PLAIN, Probe, model

from tinykit.codegen import reference
from tinykit.codegen.compact import as_bitmap, as_codebook, books_of, compact
from tinykit.codegen.compile import compile_model
from tinykit.codegen.encode import Encoded
from tinykit.codegen.layer import LowerOptions

PROFILE = settings(derandomize=True, deadline=None, database=None)
Matrix = NDArray[np.int8]
KERNELS = ("tk_bitmap_s8", "tk_codebook_s8", "tk_conv_bitmap_s8", "tk_conv_codebook_s8")
DSP_KERNELS = ("tk_codebook_pairs_s8", "tk_conv_bitmap_tile_s8", "tk_conv_codebook_tile_s8")
INPUTS = (1, 7, 8, 9, 31, 32, 33, 64, 255, 300)


@st.composite
def matrices(draw: st.DrawFn, values: int = 256) -> Matrix:
    shape = (draw(st.integers(1, 7)), draw(st.sampled_from(INPUTS)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = rng.choice(rng.permutation(np.arange(-128, 128))[:values], shape)
    rows[rng.random(shape) < draw(st.sampled_from((0.0, 0.5, 0.9, 1.0)))] = 0
    return rows.astype(np.int8)


def tables(encoded: Encoded) -> dict[str, NDArray[np.generic]]:
    return {table.name: table.values for table in encoded.tables}


@PROFILE
@given(matrices(), st.booleans())
def test_bitmaps(rows: Matrix, transposed: bool) -> None:
    found, at = np.zeros_like(rows), 0
    rows = np.asfortranarray(rows) if transposed else rows
    table = tables(as_bitmap(rows))
    assert table["masks"].shape == (len(rows), -(-rows.shape[1] // 32))
    for row, masks in zip(found, table["masks"].tolist(), strict=True):
        for word, mask in enumerate(masks):
            for bit in range(32):
                if mask << bit & 1 << 31:
                    row[32 * word + bit] = table["weights"][at]
                    at += 1
    assert at in (len(table["weights"]), 0)
    np.testing.assert_array_equal(found, rows)


def decoded(encoded: Encoded, shape: tuple[int, int]) -> Matrix:
    """Look every weight up, as the kernel does."""
    table = tables(encoded)
    rows = [
        [book[codes[at // 8] >> 4 * (at % 8) & 15] for at in range(shape[1])]
        for codes, book in zip(table["codes"], table["values"][table["books"]], strict=True)
    ]
    return np.array(rows, np.int8)


@PROFILE
@given(matrices(15))
def test_codebooks(rows: Matrix) -> None:
    books = books_of(rows)
    assert books is not None and books.values.shape == (1, 16)
    encoded = as_codebook(rows, books)
    assert tables(encoded)["codes"].nbytes == 4 * len(rows) * -(-rows.shape[1] // 8)
    np.testing.assert_array_equal(decoded(encoded, rows.shape), rows)
    filled = decoded(encoded, (len(rows), rows.shape[1] + -rows.shape[1] % 8))
    assert not filled[:, rows.shape[1] :].any()


@PROFILE
@given(st.lists(matrices(15).map(lambda rows: rows[0]), min_size=2, max_size=5))
def test_codebooks_of_each_row(drawn: list[Matrix]) -> None:
    rows = np.stack([np.resize(row, 40) for row in drawn])
    books = books_of(rows)
    assert books is not None and len(books.values) <= len(rows)
    np.testing.assert_array_equal(decoded(as_codebook(rows, books), rows.shape), rows)


def test_a_codebook_has_16_values() -> None:
    rows = np.arange(1, 18, dtype=np.int8)[None]
    assert books_of(rows) is None
    assert [encoded.encoding for encoded in compact(rows)] == ["bitmap"]
    books = books_of(rows[:, 1:])
    assert books is not None and books.values.all()
    np.testing.assert_array_equal(decoded(as_codebook(rows[:, 2:], books), (1, 15)), rows[:, 2:])


def test_rows_share_a_book_that_holds_their_values() -> None:
    rows = np.array([np.arange(16), np.arange(1, 17), np.arange(16) // 2, np.arange(16) // 3 + 11])
    books = books_of(rows.astype(np.int8))
    assert books is not None
    assert books.values.tolist() == [rows[0].tolist(), rows[1].tolist()]
    assert books.of_rows.tolist() == [0, 1, 0, 1]


def test_there_are_no_more_books_than_a_byte_tells() -> None:
    rows = np.array([np.arange(16) + 0 * n for n in range(300)], np.int8)
    books = books_of(rows)
    assert books is not None and len(books.values) == 1
    rng = np.random.default_rng(0)
    rows = np.array([rng.permutation(np.arange(-128, 128))[:16] for _ in range(300)], np.int8)
    assert books_of(rows) is None and books_of(rows[:256]) is not None


IMAGES = (  # image, weights, stride, padding
    ((6, 6, 8), (5, 3, 3, 8), 1, flat.SAME),
    ((5, 7, 3), (4, 3, 3, 3), 1, flat.VALID),
    ((9, 4, 6), (3, 2, 5, 6), 2, flat.SAME),
    ((3, 5, 16), (7, 1, 1, 16), 1, flat.SAME),
    ((2, 2, 300), (2, 1, 1, 300), 1, flat.SAME),
    ((4, 5, 3), (3, 3, 3, 3), 1, flat.SAME),
)


def layers() -> list[Probe]:
    """Return dense layers, then convolutions; some have odd sums, some an activation."""
    found = []
    for number, inputs in enumerate(INPUTS):
        shape = (1 + 3 * number, inputs)
        style = ODD if number % 3 == 2 else PLAIN
        sizes = ((1, inputs), shape, (1, shape[0]))
        options = flat.dense_options()
        found.append(Probe("FULLY_CONNECTED", *sizes, options, style, True, number > 5))
    for number, (image, shape, stride, padding) in enumerate(IMAGES):
        lost = [n - 1 if padding == flat.VALID else 0 for n in shape[1:3]]
        size = [-(-(n - m) // stride) for n, m in zip(image[:2], lost, strict=True)]
        options = flat.conv_options((stride, stride), (1, 1), padding)
        style = ODD if number == 1 else PLAIN
        sizes = ((1, *image), shape, (1, *size, shape[0]))
        found.append(Probe("CONV_2D", *sizes, options, style, True, number < 2))
    return found


def filled(number: int, probe: Probe, encoding: str) -> FlatModel:
    """Make a layer; one in two has codebooks of each row."""
    rng = np.random.default_rng(number)
    made = model(rng, probe)
    tensors, shape = list(made.tensors), probe.weights
    values = rng.integers(-128, 128, shape).astype(np.int8)
    values[rng.random(shape) < 0.6] = 0
    if encoding == "codebook":
        values &= -16
        values.reshape(len(values), -1)[1::2] += np.int8(number % 2)
    old = tensors[1]
    tensors[1] = FlatTensor("w", shape, "int8", old.scales, old.zero_points, 0, values)
    return FlatModel(tuple(tensors), made.operators, made.inputs, made.outputs)


@pytest.mark.parametrize(
    ("channels", "kernel"), [(12, "tk_conv_codebook_s8"), (16, "tk_conv_codebook_tile_s8")]
)
def test_columns_are_filled_up_where_weights_can_be_zero(channels: int, kernel: str) -> None:
    sizes = ((1, 4, 4, channels), (4, 1, 1, channels), (1, 4, 4, 4))
    probe = Probe("CONV_2D", *sizes, flat.conv_options((1, 1), (1, 1), flat.SAME), PLAIN)
    made = model(np.random.default_rng(0), probe)
    weights = np.arange(4 * channels).reshape(sizes[1]) % 16 + 1
    tensor = replace(made.tensors[1], data=weights.astype(np.int8))
    made = replace(made, tensors=(made.tensors[0], tensor, *made.tensors[2:]))
    for spared, expected in ((0, kernel), (16, "tk_conv_codebook_tile_s8")):
        tensor.data[tensor.data == spared] = 1
        compiled = compile_model(
            to_bytes(made, "c_"), "c.tflite", "0", LowerOptions("size", "codebook", dsp=True)
        )
        assert [call.kernel for call in compiled.program.layers] == [expected]


@pytest.mark.parametrize(
    ("inputs", "kernel"), [(64, "tk_codebook_s8"), (128, "tk_codebook_pairs_s8")]
)
def test_a_table_of_pairs_serves_enough_weights(inputs: int, kernel: str) -> None:
    probe = Probe("FULLY_CONNECTED", (1, inputs), (16, inputs), (1, 16), flat.dense_options(), FEW)
    made = filled(1, probe, "codebook")  # of two books
    options = LowerOptions("size", "codebook", dsp=True)
    (call,) = compile_model(to_bytes(made, "c_"), "c.tflite", "0", options).program.layers
    assert call.kernel == kernel
    assert call.scratch_bytes == (1024 + 2 * inputs if inputs == 128 else 0)


def runs(dsp: bool, core: str) -> list[Run]:
    rng = np.random.default_rng(9)
    found = []
    for encoding in ("bitmap", "codebook"):
        for number, probe in enumerate(layers()):
            name = f"{encoding}{number}"
            options = LowerOptions("balanced", encoding, dsp, core)
            data = to_bytes(filled(number, probe, encoding), f"{name}_")
            compiled = compile_model(data, f"{name}.tflite", "0.0.0", options)
            assert [call.encoding for call in compiled.program.layers] == [encoding]
            inputs = rng.integers(-128, 128, (3, *probe.image)).astype(np.int8)
            found.append(Run(compiled, [inputs]))
    kernels = {call.kernel for run in found for call in run.model.program.layers}
    assert kernels == {*KERNELS, *(DSP_KERNELS if dsp else ())}
    return found


def check(found: list[tuple[np.ndarray, ...]], asked: list[Run]) -> None:
    for run, outputs in zip(asked, found, strict=True):
        (expected,) = reference.run_batch(run.model.graph, run.inputs)
        np.testing.assert_array_equal(outputs[0], expected)


@pytest.mark.parametrize("dsp", [False, True])
def test_hosts_are_exact(dsp: bool, tmp_path: Path, kernels: list[Path]) -> None:
    asked = runs(dsp, "armv7m")
    check(host_outputs(asked, tmp_path, kernels), asked)


@pytest.mark.parametrize(
    ("core", "isa"), [("cortex_m0", "armv6m"), ("cortex_m4", "armv7m"), ("riscv32", "riscv32")]
)
def test_cores_are_exact(core: str, isa: str, tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    from embedded import emulated_outputs

    asked = runs(core == "cortex_m4", isa)
    check(emulated_outputs(asked, core, "size", tmp_path), asked)
