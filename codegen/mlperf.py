"""What the runner of MLPerf Tiny sends for a model, and what it wants back: mlperf.h."""

from dataclasses import dataclass

import numpy as np

from tinykit.codegen.render import render
from tinykit.core.errors import TinykitError
from tinykit.core.graph import Graph, Tensor

_BYTES = {"int8": 1, "uint8": 1, "float32": 4}


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Describe one benchmark, as its reference firmware has it.

    Attributes:
        name: as `profile` says it.
        inputs, outputs: elements of the model's only input and output.
        sent: the type in which the runner sends an input.
        results: how many numbers the runner wants: a score for each class, or one error.
    """

    name: str
    inputs: int
    outputs: int
    sent: str
    results: int


BENCHMARKS = (
    Benchmark("kws01", 490, 12, "int8", 12),
    Benchmark("vww01", 27_648, 2, "uint8", 2),
    Benchmark("ic01", 3_072, 10, "uint8", 10),
    Benchmark("ad01", 640, 640, "float32", 1),
)
# How what is sent becomes the model's input, by the types of both: firmware/apps/tk_mlperf.h.
_INPUTS = {
    ("int8", "int8"): "TK_MLPERF_COPY",
    ("uint8", "uint8"): "TK_MLPERF_COPY",
    ("uint8", "int8"): "TK_MLPERF_LESS_128",
    ("float32", "float32"): "TK_MLPERF_COPY",
    ("float32", "int8"): "TK_MLPERF_QUANTIZE",
}
_OUTPUTS = {
    "int8": "TK_MLPERF_INT8",
    "uint8": "TK_MLPERF_UINT8",
    "float32": "TK_MLPERF_FLOATS",
}


def mlperf_files(graph: Graph, source: str, version: str) -> dict[str, str]:
    """Return mlperf.h, by file name.

    Args:
        graph: the model.
        source: its file name without a folder.
        version: of tinykit.

    Raises:
        TinykitError: the model is none of the benchmarks, or of types that the runner's do not
            become.
    """
    benchmark = find_benchmark(graph, source)
    taken, made = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    if (benchmark.sent, taken.dtype) not in _INPUTS:
        raise TinykitError(
            f"{source} takes {taken.dtype}, the runner of MLPerf Tiny sends {benchmark.sent} for "
            f"{benchmark.name}",
            f"quantize it with {' or '.join(t for s, t in _INPUTS if s == benchmark.sent)} inputs",
        )
    if made.dtype not in _OUTPUTS:
        raise TinykitError(
            f"{source} gives {made.dtype}, and MLPerf Tiny has no such results",
            f"quantize it with {' or '.join(_OUTPUTS)} outputs",
        )
    text = render(
        "mlperf.h.j2",
        version=version,
        source=source,
        benchmark=benchmark.name,
        load_bytes=benchmark.inputs * _BYTES[benchmark.sent],
        results=benchmark.results,
        input=_INPUTS[benchmark.sent, taken.dtype],
        input_scale=_scale(taken),
        input_zero=_zero(taken),
        output=_OUTPUTS[made.dtype],
        outputs=benchmark.outputs,
        output_scale=_scale(made),
        output_zero=_zero(made),
    )
    return {"mlperf.h": text}


def find_benchmark(graph: Graph, source: str) -> Benchmark:
    """Return the benchmark whose input and output a model has.

    Raises:
        TinykitError: it is none of them.
    """
    sizes = [[graph.tensors[n].elements for n in side] for side in (graph.inputs, graph.outputs)]
    for benchmark in BENCHMARKS:
        if sizes == [[benchmark.inputs], [benchmark.outputs]]:
            return benchmark
    has, gives = (" and ".join(map(str, side)) for side in sizes)
    known = "; ".join(f"{b.name} {b.inputs} to {b.outputs}" for b in BENCHMARKS)
    raise TinykitError(
        f"{source} is no benchmark of MLPerf Tiny: it makes {gives} values of {has}",
        f"those are {known}; for any model: --app stream",
    )


def _scale(tensor: Tensor) -> np.float32:
    return np.float32(tensor.scale if tensor.quantization else 1.0)


def _zero(tensor: Tensor) -> int:
    return tensor.zero_point if tensor.quantization else 0
