"""The oracle: the real TensorFlow Lite Micro interpreter, in a child process of its own."""

import importlib.util
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.errors import CheckFailedError

_ARENA_BYTES = 64 << 20
_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Hold a model and a batch of inputs for it.

    Attributes:
        model: the .tflite file.
        inputs: one array an input tensor, (samples, ...) in the tensor's dtype.
        tensors: numbers of the activation tensors to return as well.
    """

    model: bytes
    inputs: Sequence[NDArray[np.generic]]
    tensors: Sequence[int] = ()


@dataclass(frozen=True, slots=True, eq=False)
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
    (answers,) = run_many([Job(model, inputs, tensors)])
    if isinstance(answers, CheckFailedError):
        raise answers
    return answers


def run_many(jobs: Sequence[Job]) -> list[Answers | CheckFailedError]:
    """Run many models in one process, which starts again behind a model that kills it."""
    with tempfile.TemporaryDirectory(prefix="tinykit-") as root:
        folders = [Path(root, str(i)) for i in range(len(jobs))]
        for folder, job in zip(folders, jobs, strict=True):
            _write_job(folder, job)
        done = 0
        while done < len(jobs):
            # -P: what lies in the user's folder must not shadow a module of ours.
            command = [sys.executable, "-P", "-m", "tinykit.core.oracle", root]
            command += [str(done), str(len(jobs))]
            child = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
            finished = [i for i in range(done, len(jobs)) if _finished(folders[i])]
            victim = max(finished, default=done - 1) + 1
            if victim < len(jobs):
                _write_failure(folders[victim], child)
            done = victim + 1
        return [_answers(folder, job) for folder, job in zip(folders, jobs, strict=True)]


def _write_job(folder: Path, job: Job) -> None:
    folder.mkdir()
    (folder / "model.tflite").write_bytes(job.model)
    arrays: dict[str, Any] = {f"input{i}": values for i, values in enumerate(job.inputs)}
    np.savez(folder / "in.npz", tensors=np.array(job.tensors, np.int64), **arrays)


def _finished(folder: Path) -> bool:
    return (folder / "out.npz").exists() or (folder / "failed").exists()


def _write_failure(folder: Path, child: "subprocess.CompletedProcess[bytes]") -> None:
    said = _said(folder)
    if child.returncode < 0:
        how = f"it died with signal {-child.returncode}" + (f" after '{said[-1]}'" if said else "")
    else:
        last = said[-1:] or [child.stderr.decode(errors="replace").strip()[-200:]]
        how = f"exit status {child.returncode}: {last[0]}"
    (folder / "failed").write_text(how)


def _said(folder: Path) -> list[str]:
    path = folder / "stderr"
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return [line for line in lines if line.strip()]


def _answers(folder: Path, job: Job) -> Answers | CheckFailedError:
    if (folder / "failed").exists():
        reason = (folder / "failed").read_text()
        return CheckFailedError(
            f"TensorFlow Lite Micro does not run this model: {reason}",
            "it would not run on a board with TFLM either; see its message above",
        )
    with np.load(folder / "out.npz") as out:
        outputs = tuple(out[f"output{i}"] for i in range(int(out["outputs"])))
        return Answers(outputs, {n: out[f"tensor{n}"] for n in job.tensors})


def _child(root: Path, begin: int, end: int) -> None:
    from tflite_micro import runtime  # heavy, and only where it has a wheel

    for i in range(begin, end):
        folder = root / str(i)
        # the interpreter's exceptions are generic, its reasons go to file descriptor 2
        with (folder / "stderr").open("wb") as log:
            os.dup2(log.fileno(), 2)
        try:
            _interpret(runtime, folder)
        except (RuntimeError, ValueError) as error:
            (folder / "failed").write_text((_said(folder) or [str(error)])[0])


def _interpret(runtime: Any, folder: Path) -> None:
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


def _shape(interpreter: Any, index: int) -> tuple[int, ...]:
    return tuple(int(length) for length in interpreter.get_input_details(index)["shape"])


def _outputs(interpreter: Any) -> list[NDArray[np.generic]]:
    found: list[NDArray[np.generic]] = []
    while True:
        try:
            found.append(interpreter.get_output(len(found)).copy())
        except IndexError:
            return found


def _save(
    folder: Path,
    outputs: list[list[NDArray[np.generic]]],
    activations: dict[int, list[NDArray[np.generic]]],
) -> None:
    count = len(outputs[0])
    arrays: dict[str, Any] = {
        f"output{i}": np.stack([row[i] for row in outputs]) for i in range(count)
    }
    arrays.update({f"tensor{n}": np.stack(rows) for n, rows in activations.items()})
    buffer = io.BytesIO()
    np.savez(buffer, outputs=np.int64(count), **arrays)
    (folder / "out.npz").write_bytes(buffer.getvalue())


if __name__ == "__main__":
    _child(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
