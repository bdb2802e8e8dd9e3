"""The oracle: the real TensorFlow Lite Micro interpreter, in a child process of its own."""

import importlib.util
import io
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinykit.core.errors import CheckFailedError

_ARENA_BYTES = 64 << 20
_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Answers:
    """Hold what TensorFlow Lite Micro says.

    Attributes:
        outputs: one array an output tensor, (samples, ...) in the tensor's dtype.
        activations: by tensor number, (samples, ...); empty unless asked for.
    """

    outputs: tuple[NDArray[np.generic], ...]
    activations: dict[int, NDArray[np.generic]]


def available() -> bool:
    """Tell whether the interpreter can be imported on this machine."""
    return importlib.util.find_spec("tflite_micro") is not None


def run(
    model: bytes, inputs: Sequence[NDArray[np.generic]], tensors: Sequence[int] = ()
) -> Answers:
    """Run a model on a batch of inputs.

    Args:
        model: the .tflite file.
        inputs: one array an input tensor, (samples, ...) in the tensor's dtype.
        tensors: numbers of the activation tensors to return as well.

    Raises:
        CheckFailedError: the interpreter refuses the model or crashes on it.
    """
    with tempfile.TemporaryDirectory(prefix="tinykit-") as folder:
        model_path = Path(folder, "model.tflite")
        model_path.write_bytes(model)
        arrays = {f"input{i}": values for i, values in enumerate(inputs)}
        np.savez(Path(folder, "in.npz"), tensors=np.array(tensors, np.int64), **arrays)
        command = [sys.executable, "-m", "tinykit.core.oracle", folder]
        child = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
        if child.returncode != 0:
            raise CheckFailedError(
                f"TensorFlow Lite Micro does not run this model: {_reason(child)}",
                "it would not run on a board with TFLM either; see its message above",
            )
        with np.load(Path(folder, "out.npz")) as out:
            outputs = tuple(out[f"output{i}"] for i in range(int(out["outputs"])))
            return Answers(outputs, {n: out[f"tensor{n}"] for n in tensors})


def _reason(child: "subprocess.CompletedProcess[bytes]") -> str:
    lines = [line for line in child.stderr.decode(errors="replace").splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith((" ", "Traceback"))]
    if child.returncode < 0:
        return f"it died with signal {-child.returncode}" + (f" after '{said[-1]}'" if said else "")
    return said[0] if said else f"exit status {child.returncode}"


def _child(folder: Path) -> None:
    from tflite_micro import runtime  # heavy, and only where it has a wheel

    with np.load(folder / "in.npz") as data:
        tensors = [int(n) for n in data["tensors"]]
        inputs = [data[f"input{i}"] for i in range(len(data.files) - 1)]
    preserve = runtime.InterpreterConfig.kPreserveAllTensors
    usual = runtime.InterpreterConfig.kAllocationRecording
    interpreter = runtime.Interpreter.from_bytes(
        (folder / "model.tflite").read_bytes(),
        arena_size=_ARENA_BYTES,
        intrepreter_config=preserve if tensors else usual,  # spelled so upstream
    )
    outputs: list[list[NDArray[np.generic]]] = []
    activations: dict[int, list[NDArray[np.generic]]] = {n: [] for n in tensors}
    for sample in range(len(inputs[0])):
        for i, values in enumerate(inputs):
            interpreter.set_input(values[sample : sample + 1].reshape(_shape(interpreter, i)), i)
        interpreter.invoke()
        outputs.append(_outputs(interpreter))
        for n in tensors:
            activations[n].append(interpreter.GetTensor(n, 0)["tensor_data"].copy())
    _save(folder, outputs, activations)


def _shape(interpreter: "object", index: int) -> tuple[int, ...]:
    details = interpreter.get_input_details(index)  # type: ignore[attr-defined]
    return tuple(int(length) for length in details["shape"])


def _outputs(interpreter: "object") -> list[NDArray[np.generic]]:
    found: list[NDArray[np.generic]] = []
    while True:
        try:
            found.append(interpreter.get_output(len(found)).copy())  # type: ignore[attr-defined]
        except IndexError:
            return found


def _save(
    folder: Path,
    outputs: list[list[NDArray[np.generic]]],
    activations: dict[int, list[NDArray[np.generic]]],
) -> None:
    count = len(outputs[0])
    arrays = {f"output{i}": np.stack([row[i] for row in outputs]) for i in range(count)}
    arrays.update({f"tensor{n}": np.stack(rows) for n, rows in activations.items()})
    buffer = io.BytesIO()
    np.savez(buffer, outputs=np.int64(count), **arrays)
    (folder / "out.npz").write_bytes(buffer.getvalue())


if __name__ == "__main__":
    _child(Path(sys.argv[1]))
