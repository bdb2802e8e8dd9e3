"""The unmodified runner of mlcommons/tiny drives --app mlperf, where its tree is: docs/apps.md."""

import ast
import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from commands import shared_build
from models import shared_model
from numpy.typing import NDArray

from tinykit.host.build import BuildOptions
from tinykit.host.judge import judge
from tinykit.host.loaded import load
from tinykit.host.record import read_record
from tinykit.host.samples import Samples
from tinykit.host.session import start_for
from tinykit.host.verify import first_output

TREE = os.environ.get("TINYKIT_MLPERF_TINY", "")
# It needs PyYAML, scikit-learn, matplotlib and pyusb, which may be in an environment of their own.
PYTHON = os.environ.get("TINYKIT_MLPERF_PYTHON", sys.executable)
RUNNER = Path(__file__).parent / "mlperf_runner.py"
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not TREE, reason="TINYKIT_MLPERF_TINY names no tree of mlcommons/tiny"),
]
RESULTS = re.compile(r"m-results +: (\[.*\])")
THROUGHPUT = re.compile(r"Median throughput is +([0-9.]+) inf")

# The model, classes, inputs (one a class, and 5 for performance mode), bytes of an input file.
SETS = {
    "kws01": ("kws_int8", 12, 12, 490),
    "ic01": ("resnet8_int8", 10, 10, 3072),
    "vww01": ("vww_int8", 2, 5, 27_648),
    "ad01": ("ad01_int8", 2, 5, 3072),
}


@pytest.fixture(autouse=True)
def needs_its_packages() -> None:
    words = [PYTHON, "-c", "import matplotlib, sklearn, usb.core, yaml"]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("pyyaml, scikit-learn, matplotlib, pyusb: see TINYKIT_MLPERF_PYTHON")


def write_set(folder: Path, name: str) -> list[NDArray[np.uint8]]:
    """Write random inputs as the runner reads them; of ad01 two windows a file."""
    _, classes, count, size = SETS[name]
    rng = np.random.default_rng(1)
    (folder / name).mkdir()
    files, lines = [], []
    for i in range(count):
        data = rng.integers(0, 256, size, np.uint8)
        if name == "ad01":
            data = rng.normal(-5, 10, size // 4).astype("<f4").view(np.uint8)
        (folder / name / f"{i}.bin").write_bytes(data.tobytes())
        files.append(data)
        lines.append(f"{i}.bin,{classes},{i % classes}" + ",2560,512" * (name == "ad01"))
    (folder / name / "y_labels.csv").write_text("\n".join(lines) + "\n")
    return files


@contextlib.contextmanager
def emulated(built: Path, emulator: str) -> Iterator[str]:
    with start_for(built, read_record(built), emulator) as running:
        yield running.port


def run(port: str, name: str, mode: str, folder: Path) -> str:
    """Return what the runner printed."""
    devices = "devices_ad.yaml" if name == "ad01" else "devices_kws_ic_vww.yaml"
    tests = "tests_accuracy.yaml" if mode == "a" else "tests_performance.yaml"
    there = Path(TREE, "benchmark", "runner")
    words = [PYTHON, RUNNER, TREE, port, "-d", there / devices, "-t", there / tests]
    ended = subprocess.run(
        [*map(str, words), "-s", str(folder), "-m", mode],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    return ended.stdout


def built_for(factory: pytest.TempPathFactory, name: str) -> Path:
    model = SETS[name][0]
    return shared_build(factory, model, shared_model(model), BuildOptions(app="mlperf"))


@pytest.mark.parametrize("name", ["kws01", "ic01", "vww01"])
def test_accuracy_mode_gets_the_answers_of_the_oracle(
    name: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip("unicorn")
    built = built_for(tmp_path_factory, name)
    files = write_set(tmp_path, name)
    with emulated(built, "unicorn") as port:
        said = run(port, name, "a", tmp_path)
    found = np.array([ast.literal_eval(text) for text in RESULTS.findall(said)])

    model = load(built, read_record(built))
    shape = (len(files), *model.graph.tensors[model.graph.inputs[0]].sample_shape)
    sent = np.stack(files)
    x = (sent if name == "kws01" else sent - 128).view(np.int8).reshape(shape)
    truth = judge(model.data, model.graph, Samples((x,), None, (), "data"))
    expected = first_output(model.graph, [truth.row(i) for i in range(len(files))])
    assert np.abs(found - expected.reshape(found.shape)).max() < 0.00051
    assert "AUC = " in said


def test_accuracy_mode_takes_the_windows_of_ad01(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip("unicorn")
    write_set(tmp_path, "ad01")
    with emulated(built_for(tmp_path_factory, "ad01"), "unicorn") as port:
        said = run(port, "ad01", "a", tmp_path)
    assert len(RESULTS.findall(said)) == 2 * SETS["ad01"][2]
    assert "AUC = " in said


@pytest.mark.parametrize("name", list(SETS))
def test_performance_mode_ends_with_a_throughput(
    name: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In unicorn: the runner wants 10 s of its own clock for all, which QEMU does not need."""
    pytest.importorskip("unicorn")
    write_set(tmp_path, name)
    with emulated(built_for(tmp_path_factory, name), "unicorn") as port:
        said = run(port, name, "p", tmp_path)
    (found,) = THROUGHPUT.findall(said)
    with capsys.disabled():
        print(f"\nmlcommons/tiny, {name} on nano33 in unicorn: {found} inferences/s")
    assert float(found) > 0
