"""A tree such as TensorFlow Lite Micro's build leaves, with our own declarations and engine."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from flat import FlatModel, FlatOperator, FlatTensor, to_bytes
from models import ROOT

OWN = ROOT / "tests" / "c"
HARD = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
SOFT = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=soft")
RELEASE = "cortex_m_generic_cortex-m4+fp_release_gcc"
ECHO_BYTES = 24
_DOWNLOADS = "tensorflow/lite/micro/tools/make/downloads"
_HEADERS = (
    "tensorflow/lite/micro/micro_interpreter.h",
    "tensorflow/lite/micro/micro_mutable_op_resolver.h",
    "tensorflow/lite/micro/kernels/pad.h",
    "tensorflow/lite/micro/kernels/transpose.h",
    "tensorflow/lite/schema/schema_utils.h",
)
_THIRD_PARTIES = (
    f"{_DOWNLOADS}/flatbuffers/include/flatbuffers/flatbuffers.h",
    f"{_DOWNLOADS}/gemmlowp/fixedpoint/fixedpoint.h",
)
needs_gxx = pytest.mark.skipif(
    shutil.which("arm-none-eabi-g++") is None, reason="arm-none-eabi-g++ is not installed"
)
needs_qemu = pytest.mark.skipif(
    shutil.which("qemu-system-arm") is None, reason="no qemu-system-arm here"
)
needs_tree = pytest.mark.skipif(
    not os.environ.get("TINYKIT_TFLM"),
    reason="TINYKIT_TFLM names no tree of TensorFlow Lite Micro",
)


def write_headers(root: Path) -> None:
    """Write headers that declare what we use."""
    for name in _HEADERS:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('#include "tflm.h"\n')
        shutil.copyfile(OWN / "tflm.h", path.parent / "tflm.h")
    for name in _THIRD_PARTIES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")


def write_library(root: Path, build: str = RELEASE, flags: tuple[str, ...] = HARD) -> Path:
    """Compile our engine into the archive of a build, and return its path."""
    folder = root / "gen" / build / "lib"
    folder.mkdir(parents=True, exist_ok=True)
    obj, archive = folder / "tflm.o", folder / "libtensorflow-microlite.a"
    always = ("-std=c++20", "-Os", "-ffunction-sections", "-fno-exceptions", "-fno-rtti")
    source = str(OWN / "tflm.cpp")
    subprocess.run(["arm-none-eabi-g++", *flags, *always, "-c", source, "-o", obj], check=True)
    subprocess.run(["arm-none-eabi-ar", "rcsD", archive, obj], check=True)
    return archive


def echo() -> bytes:
    """Make the model that our engine knows: two RELUs of 24 bytes."""
    port = ("int8", (0.5,), (3,))
    names = ("in", "between", "out")
    tensors = tuple(FlatTensor(name, (1, ECHO_BYTES), *port) for name in names)
    steps = tuple(FlatOperator("RELU", (i,), (i + 1,), None) for i in range(2))
    return to_bytes(FlatModel(tensors, steps, (0,), (2,)))
