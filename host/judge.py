"""What the right answers are: TensorFlow Lite Micro's, or where it has no wheel the reference's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen import reference
from tinykit.codegen.importer import import_tflite
from tinykit.core import oracle
from tinykit.core.graph import Graph
from tinykit.host.samples import Samples


@dataclass(frozen=True, slots=True)
class Truth:
    """Hold the right answers.

    Attributes:
        oracle: "tflm" or "reference", which every report says.
        outputs: one array an output tensor, (samples, ...).
        activations: by tensor number, (samples, ...).
    """

    oracle: str
    outputs: tuple[NDArray[Any], ...]
    activations: dict[int, NDArray[Any]]

    def row(self, sample: int) -> bytes:
        """Return the bytes of one sample's outputs, one after the other."""
        return b"".join(batch[sample].tobytes() for batch in self.outputs)


def judge(model: bytes, graph: Graph, samples: Samples, tensors: Sequence[int] = ()) -> Truth:
    """Compute the right answers, and the right values of some tensors too."""
    if oracle.available():
        answers = oracle.run(model, samples.inputs, tensors)
        return Truth("tflm", answers.outputs, answers.activations)
    rows = reference.run_all(graph, samples.inputs)
    outputs = tuple(np.stack([row[n] for row in rows]) for n in graph.outputs)
    return Truth("reference", outputs, {n: np.stack([row[n] for row in rows]) for n in tensors})


def judge_file(model: bytes, name: str, inputs: Sequence[NDArray[Any]]) -> Truth:
    """Compute the right answers of a model that tinykit may not be able to compile.

    Args:
        model: the .tflite file.
        name: its file name, for messages.
        inputs: an array an input, (samples, ...), in its dtype.
    """
    if oracle.available():
        return Truth("tflm", oracle.run(model, inputs).outputs, {})
    return judge(model, import_tflite(model, name), Samples(tuple(inputs), None, (), "data"))
