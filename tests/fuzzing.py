"""Build the libFuzzer harnesses of tests/c, and run them."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from models import ROOT

from tinykit.codegen.board_files import board_files, build_header
from tinykit.codegen.render import render
from tinykit.core.board import find_board, linked_by

FIRMWARE = ROOT / "firmware"
CORPUS = ROOT / "tests" / "corpus"
_FLAGS = "-std=c11 -g -O2 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all".split()


@dataclass(frozen=True, slots=True)
class Harness:
    """Describe a harness.

    Attributes:
        name: of tests/c/fuzz_NAME.c, and of its corpus.
        sources: what it is linked with, below the project's folder.
        longest: bytes of an input; short ones run fast.
        defines: macros.
    """

    name: str
    sources: tuple[str, ...]
    longest: int
    defines: tuple[str, ...] = ()


_LINK = tuple(f"firmware/link/{name}.c" for name in ("crc32", "frame"))
_STREAM = (*_LINK, "firmware/link/link.c", "tests/c/stub_model.c")
_TEXT = tuple(f"firmware/{name}.c" for name in ("link/line", "link/text", "apps/mlperf_model"))
HARNESSES = {
    "-".join([harness.name, *harness.defines]): harness
    for harness in (
        Harness("frame", _LINK, 100),
        Harness("stream", _STREAM, 60, ("HALF_BYTES=8", "TK_TRACE=0")),
        Harness("stream", _STREAM, 60, ("HALF_BYTES=8", "TK_TRACE=1")),
        Harness("mlperf", _TEXT, 120),
        Harness("usb", ("firmware/usb/cdc_acm.c",), 60),
    )
}


def build_harness(harness: Harness, folder: Path) -> Path:
    """Compile a harness; skip the test where there is no libFuzzer."""
    clang = shutil.which("clang")
    if clang is None:
        pytest.skip("no clang here")
    _write_headers(folder)
    program = folder / "fuzz"
    sources = [ROOT / "tests" / "c" / f"fuzz_{harness.name}.c"]
    sources += [ROOT / source for source in harness.sources]
    includes = [f"-I{folder}", f"-I{FIRMWARE / 'apps'}", *(f"-D{d}" for d in harness.defines)]
    built = subprocess.run(
        [clang, *_FLAGS, *includes, *map(str, sources), "-o", program],
        capture_output=True,
        text=True,
    )
    if built.returncode and "fuzzer" in built.stderr:
        pytest.skip("this clang has no libFuzzer")
    assert built.returncode == 0, built.stderr
    return program


def run_harness(program: Path, harness: Harness, runs: int, seed: int = 1) -> int:
    """Run what once went wrong, then as many new inputs; return how many were executed."""
    corpus = program.parent / "corpus"
    corpus.mkdir(exist_ok=True)
    command = [program, corpus, CORPUS / harness.name, f"-runs={runs}", f"-seed={seed}"]
    command += [f"-max_len={harness.longest}", "-timeout=10", "-print_final_stats=1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=program.parent)
    assert done.returncode == 0, done.stderr[-4000:]
    found = re.search(r"stat::number_of_executed_units: (\d+)", done.stderr)
    assert found is not None, done.stderr
    return int(found[1])


def _write_headers(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "board.h").write_text(
        board_files(linked_by(find_board("nano33"), "usb"), "0")["board.h"]
    )
    (folder / "build.h").write_text(build_header("0" * 16, "stream", "0"))
    facts = render(
        "mlperf.h.j2",
        version="0",
        source="fuzzed.tflite",
        benchmark="ad01",
        load_bytes=64,
        results=1,
        input="TK_MLPERF_QUANTIZE",
        input_scale=np.float32(0.5),
        input_zero=3,
        output="TK_MLPERF_INT8",
        outputs=16,
        output_scale=np.float32(0.25),
        output_zero=-7,
    )
    (folder / "mlperf.h").write_text(facts)
