"""Where the tests find models that others wrote, and how they run compiled ones on the host."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tinykit.codegen.compile import Compiled, compile_model
from tinykit.codegen.layer import LowerOptions
from tinykit.core.graph import Graph
from tinykit.host.kernels import kernel_files
from tinykit.host.samples import random_samples

ROOT = Path(__file__).resolve().parents[1]
MODELS = Path(os.environ.get("TINYKIT_MODELS", ROOT.parent / "shared" / "models"))
WARNINGS = (
    "-std=c11 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes "
    "-Wmissing-prototypes -Wundef -Werror"
).split()
SANITIZERS = "-g -fsanitize=address,undefined -fno-sanitize-recover=all".split()
KERNELS = ROOT / "firmware" / "kernels"


def shared_model(name: str) -> bytes:
    """Return a shared model, or skip the test where the models are absent."""
    path = MODELS / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"{path} is absent; set TINYKIT_MODELS to the folder of the shared models")
    return path.read_bytes()


def random_inputs(graph: Graph, samples: int, seed: int) -> list[NDArray[np.generic]]:
    """Return seeded inputs, (samples, ...) for each input tensor."""
    return [*random_samples(graph, samples, seed).inputs]


def compiled(data: bytes, name: str, options: LowerOptions | None = None) -> Compiled:
    """Compile a model as the tests do."""
    return compile_model(data, f"{name}.tflite", "0.0.0", options or LowerOptions())


def host_activations(
    model: Compiled, inputs: Sequence[NDArray[np.generic]], folder: Path, compiler: str = "gcc"
) -> list[dict[int, NDArray[np.generic]]]:
    """Run generated C on this machine under sanitizers.

    Returns:
        For each sample, every tensor that a layer writes, by number.
    """
    for name, text in model.files.items():
        (folder / name).write_text(text)
    kernels = kernel_files(model.files[f"{model.name}.c"])
    sources = [*folder.glob("*.c"), *kernels, ROOT / "tests" / "c" / "activations.c"]
    program = folder / f"activations-{compiler}"
    includes = [f"-I{folder}", f"-I{KERNELS}", f"-I{ROOT / 'firmware' / 'apps'}"]
    flags = [*WARNINGS, *SANITIZERS, "-O1", "-ffp-contract=off", "-DTK_TRACE=1"]
    subprocess.run([compiler, *flags, *includes, *sources, "-o", program], check=True)
    stdin = b"".join(
        batch[sample].tobytes() for sample in range(len(inputs[0])) for batch in inputs
    )
    out = subprocess.run([program], input=stdin, stdout=subprocess.PIPE, check=True).stdout
    arenas = np.frombuffer(out, np.int8).reshape(
        len(inputs[0]), len(model.program.layers), model.plan.arena_bytes
    )
    return [_tensors(model, arena) for arena in arenas]


def _tensors(model: Compiled, arena: NDArray[np.int8]) -> dict[int, NDArray[np.generic]]:
    found: dict[int, NDArray[np.generic]] = {}
    for layer, image in zip(model.program.layers, arena, strict=True):
        for number in layer.outputs:
            tensor = model.program.graph.tensors[number]
            offset = model.plan.offsets[number]
            raw = image[offset : offset + tensor.bytes].tobytes()
            found[number] = np.frombuffer(raw, tensor.dtype).reshape(tensor.shape)
    return found
