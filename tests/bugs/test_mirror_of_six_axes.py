"""MIRROR_PAD of six axes was refused, one more than the kernel of copies walks through."""

from pathlib import Path

import numpy as np
import pytest
from batch import judge
from cases import Case
from flat import FlatModel, FlatOperator, FlatTensor, Options

from tinykit.codegen.layer import LowerOptions
from tinykit.core import oracle


@pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")
def test_six_axes_are_mirrored(tmp_path: Path, kernels: list[Path]) -> None:
    shape = (2, 3, 2, 2, 4, 3)
    pads = np.array([[1, 0], [1, 1], [0, 1], [1, 1], [2, 1], [1, 2]], np.int32)
    target = tuple(int(n) for n in np.array(shape) + pads.sum(axis=1))
    tensors = (
        FlatTensor("image", shape, "int8", (0.5,), (3,)),
        FlatTensor("pads", pads.shape, "int32", data=pads),
        FlatTensor("wide", target, "int8", (0.5,), (3,)),
    )
    values = np.random.default_rng(1).integers(-128, 128, (2, *shape)).astype(np.int8)
    cases = []
    for mode in (0, 1):
        options = Options("MirrorPadOptions", (("Mode", mode),))
        operators = (FlatOperator("MIRROR_PAD", (0, 1), (2,), options),)
        model = FlatModel(tensors, operators, (0,), (2,))
        cases.append(Case("MIRROR_PAD", model, (values,), LowerOptions(), False))
    verdicts = judge(cases, tmp_path, kernels)
    assert not [verdict.wrong for verdict in verdicts if verdict.wrong]
    assert all(verdict.counts for verdict in verdicts)
