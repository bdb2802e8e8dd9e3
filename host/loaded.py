"""What the image of a build folder runs, layer by layer, whatever engine runs it."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tinykit.codegen.compile import Compiled, compile_model
from tinykit.codegen.emit import tables
from tinykit.codegen.layer import LowerOptions
from tinykit.codegen.lower import lower
from tinykit.codegen.simplify import simplify
from tinykit.codegen.tflm import TflmModel, read_model
from tinykit.core.errors import TinykitError
from tinykit.core.graph import Graph, Tensor
from tinykit.host.record import BuildRecord, built_board
from tinykit.host.version import VERSION


@dataclass(frozen=True, slots=True)
class LoadedLayer:
    """Hold one step of an inference.

    Attributes:
        name, op: the layer, and its operator in the TFLite schema.
        macs: multiply-accumulates if dense.
        weights_bytes: its constants in flash.
        removed_channels: how many channels its output has lost, since nothing needs them.
        encoding, reason: how its weights are stored, and why; empty without weights.
        outputs: the tensors that it writes, by number.
    """

    name: str
    op: str
    macs: int
    weights_bytes: int
    removed_channels: int
    encoding: str
    reason: str
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """Hold the model of a build folder.

    Attributes:
        data: the .tflite file's bytes.
        graph: what it computes.
        tensors: as the board holds them, which may have less channels than the graph's.
        layers: in the order in which the image runs them.
        offsets: where tensors lie in the arena, by number; None where the board notes it.
        left_of: gives what the board computes of a tensor's values, (..., channels).
        notes_at: where in the arena a trace build does so, one word a tensor: see
            firmware/engines/tk_tflm_trace.cpp.
    """

    data: bytes
    graph: Graph
    tensors: tuple[Tensor, ...]
    layers: tuple[LoadedLayer, ...]
    offsets: dict[int, int] | None
    left_of: Callable[[int, NDArray[Any]], NDArray[Any]]
    notes_at: int = 0


def load(folder: Path, record: BuildRecord) -> Loaded:
    """Read the model of a build folder as it was read for the image."""
    source = record.files["model"]
    data = (folder / source).read_bytes()
    if record.engine == "tflm":
        model = read_model(data, source)
        arena_bytes = json.loads((folder / record.files["plan"]).read_text())["arena_bytes"]
        layers = _tflm_layers(model)
        return Loaded(data, model.graph, model.steps.tensors, layers, None, _all, arena_bytes)
    isa = built_board(folder, record).isa
    options = LowerOptions(record.optimize, record.encoding, record.dsp, isa)
    compiled = compile_model(data, source, VERSION, options, record.keep_input)
    return Loaded(
        data,
        compiled.graph,
        compiled.program.graph.tensors,
        _native_layers(compiled),
        compiled.plan.offsets,
        compiled.left_of,
    )


def _all(_number: int, values: NDArray[Any]) -> NDArray[Any]:
    return values


def _native_layers(model: Compiled) -> tuple[LoadedLayer, ...]:
    return tuple(
        LoadedLayer(
            layer.name,
            layer.kind,
            layer.macs,
            sum(table.bytes for table in tables(model.program, layer)),
            layer.removed_channels,
            layer.encoding,
            layer.reason,
            layer.outputs,
        )
        for layer in model.program.layers
    )


def _tflm_layers(model: TflmModel) -> tuple[LoadedLayer, ...]:
    macs = _macs(model.graph)
    layers = []
    for operator in model.steps.operators:
        read = [model.steps.tensors[n] for n in operator.inputs if n is not None]
        layers.append(
            LoadedLayer(
                operator.name,
                operator.kind,
                macs.get(operator.outputs[0], 0),
                sum(tensor.bytes for tensor in read if tensor.data is not None),
                0,
                "",
                "",
                operator.outputs,
            )
        )
    return tuple(layers)


def _macs(graph: Graph) -> dict[int, int]:
    """Return the multiply-accumulates of the layers that write tensors, by the tensors' numbers."""
    options = LowerOptions(encoding="dense")  # which leaves no channel out
    found: dict[int, int] = {}
    with contextlib.suppress(TinykitError):  # TFLM may run what we do not compile
        for layer in lower(simplify(graph, options), options).layers:
            for number in layer.outputs:
                found[number] = found.get(number, 0) + layer.macs
    return found
