"""Copies of models with the smallest weights set to zero, in the .tflite file itself."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tflite
from commands import Tinykit, shared_build
from models import shared_model

from tinykit.host.build import BuildOptions

_KINDS = (tflite.BuiltinOperator.CONV_2D, tflite.BuiltinOperator.FULLY_CONNECTED)
_WEIGHTS = 1  # the input of both that holds them


def one_shot(model: bytes, share: float) -> bytes:
    """Set the floor(share * n) smallest magnitudes of each weight tensor to zero.

    Zeros that are there count; of equal magnitudes the one at the lower index goes first.
    """
    pruned = bytearray(model)
    for number in _weight_buffers(model):
        # a view of the file's bytes
        weights = tflite.Model.GetRootAs(pruned, 0).Buffers(number).DataAsNumpy().view(np.int8)
        order = np.argsort(np.abs(weights.astype(np.int16)), kind="stable")
        weights[order[: int(share * weights.size)]] = 0
    return bytes(pruned)


def _weight_buffers(model: bytes) -> list[int]:
    root = tflite.Model.GetRootAs(model, 0)
    graph = root.Subgraphs(0)
    found = set()
    for i in range(graph.OperatorsLength()):
        operator = graph.Operators(i)
        code = root.OperatorCodes(operator.OpcodeIndex())
        if max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) in _KINDS:
            found.add(graph.Tensors(operator.Inputs(_WEIGHTS)).Buffer())
    return sorted(found)


def pruned_build(
    factory: pytest.TempPathFactory, name: str, share: float, options: BuildOptions
) -> Path:
    """Build the copy of a shared model with so many zeros, once for all tests."""
    data = one_shot(shared_model(name), share)
    return shared_build(factory, f"{name}_{100 * share:g}", data, options)


def benched(
    factory: pytest.TempPathFactory,
    tinykit: Tinykit,
    name: str,
    share: float,
    options: BuildOptions,
) -> dict[str, Any]:
    """Return what bench says of such a build."""
    folder = pruned_build(factory, name, share, options)
    ended = tinykit("bench", folder, "--inputs", "2", "--json")
    assert ended.status == 0, ended.err
    assert ended.json["exact"]["mismatches"] == 0
    return ended.json
