"""States stay between inferences, as in TFLM, until they are reset."""

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest
from batch import draw_cases
from cases import STRATEGIES, Case
from flat import to_bytes
from models import KERNELS, ROOT, compiled

from tinykit.codegen import reference
from tinykit.core import fixedpoint, oracle

_STATEFUL = ("CALL_ONCE", "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM")


def _repeated(kind: str) -> Case:
    """Return a case whose answer to one input, given again and again, changes."""
    for case in draw_cases(STRATEGIES[kind], 20):
        once = np.repeat(case.inputs[0][:1], 4, axis=0)
        graph = compiled(to_bytes(case.model), "model").graph
        (outputs,) = reference.run_batch(graph, [once])
        if len({row.tobytes() for row in outputs}) > 2:
            return Case(kind, case.model, (once,), case.options, case.keep_input)
    raise AssertionError(f"no {kind} remembers anything")


@pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")
@pytest.mark.parametrize("kind", _STATEFUL)
def test_tflm_keeps_the_state_between_inferences(kind: str) -> None:
    case = _repeated(kind)
    data = to_bytes(case.model)
    (truth,) = oracle.run(data, case.inputs).outputs
    (expected,) = reference.run_batch(compiled(data, "model").graph, case.inputs)
    assert len({row.tobytes() for row in truth}) > 2
    assert truth.tobytes() == expected.tobytes()


@pytest.mark.parametrize("kind", _STATEFUL)
def test_reset_state_starts_the_sequence_again(kind: str, tmp_path: Path) -> None:
    case = _repeated(kind)
    model = compiled(to_bytes(case.model), "model")
    (expected,) = reference.run_batch(model.graph, case.inputs)
    for name, text in model.files.items():
        (tmp_path / name).write_text(text)
    sources = [tmp_path / "model.c", *KERNELS.glob("*.c")]
    path = tmp_path / "model.so"
    flags = ["-std=c11", "-shared", "-fPIC", "-ffp-contract=off", f"-I{KERNELS}"]
    subprocess.run(["gcc", *flags, *sources, "-o", path], check=True)
    library = ctypes.CDLL(str(path))
    library.model_input.restype = library.model_output.restype = ctypes.c_void_p
    raw = case.inputs[0][0].tobytes()
    for _ in range(2):
        library.model_reset_state()
        for row in expected:
            ctypes.memmove(library.model_input(), raw, len(raw))
            library.model_invoke()
            assert ctypes.string_at(library.model_output(), row.nbytes) == row.tobytes()


def test_sigmoid_table_of_the_kernels_is_the_formula() -> None:
    text = (ROOT / "firmware" / "kernels" / "tk_sigmoid.c").read_text()
    numbers = text.split("{")[1].split("}")[0].replace("\n", " ").split(",")
    table = [int(word) for word in numbers if word.strip()]
    assert table == fixedpoint.sigmoid_table().tolist()
