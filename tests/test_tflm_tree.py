"""A tree of TensorFlow Lite Micro that is missing or wrong is said, with what is expected where."""

from dataclasses import replace
from pathlib import Path

import pytest
from commands import Tinykit
from fake_tflm import HARD, SOFT, echo, needs_gxx, write_headers, write_library

from tinykit.core.board import find_board
from tinykit.core.errors import MissingToolError
from tinykit.host import toolchain
from tinykit.host.tflm_tree import find_tree

BOARD = find_board("nano33")
MAKE = (
    "in the tree: make -f tensorflow/lite/micro/tools/make/Makefile TARGET=cortex_m_generic "
    "TARGET_ARCH=cortex-m4+fp OPTIMIZED_KERNEL_DIR=cmsis_nn microlite; docs/tflm.md says how"
)


@pytest.fixture(autouse=True)
def no_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINYKIT_TFLM", raising=False)


def refusal(tree: Path | None) -> tuple[str, str]:
    with pytest.raises(MissingToolError) as error:
        find_tree(BOARD, tree)
    assert error.value.exit_status == 3
    return error.value.message, error.value.hint


def test_without_a_tree_both_ways_to_name_one_are_said(tinykit: Tinykit, tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    model = tmp_path / "echo.tflite"
    model.write_bytes(echo())
    line, hint = tinykit.refuses("build", model, "-b", "nano33", "--engine", "tflm", status=3)
    assert "$TINYKIT_TFLM" in line and "[tflm] tree in tinykit.toml" in line
    assert "docs/tflm.md" in hint


def test_a_tree_that_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "no"
    message, _ = refusal(missing)
    assert message == f"[tflm] tree in tinykit.toml is {missing}, which is no folder"
    monkeypatch.setenv("TINYKIT_TFLM", str(missing))
    message, _ = refusal(tmp_path)
    assert message == f"$TINYKIT_TFLM is {missing}, which is no folder"


def test_a_folder_that_is_no_tree(tmp_path: Path) -> None:
    missing = "tensorflow/lite/micro/micro_interpreter.h"
    assert refusal(tmp_path) == (f"{tmp_path} has no {missing}", MAKE)


def test_a_tree_without_its_downloads(tmp_path: Path) -> None:
    write_headers(tmp_path)
    downloads = "tensorflow/lite/micro/tools/make/downloads"
    header = f"{downloads}/flatbuffers/include/flatbuffers/flatbuffers.h"
    (tmp_path / header).unlink()
    assert refusal(tmp_path) == (f"{tmp_path} has no {header}", MAKE)


def test_a_tree_that_was_not_built(tmp_path: Path) -> None:
    write_headers(tmp_path)
    build = "cortex_m_generic_cortex-m4+fp_default_cmsis_nn_gcc"
    archive = f"gen/{build}/lib/libtensorflow-microlite.a"
    assert refusal(tmp_path) == (f"{tmp_path} has no {archive}", MAKE)


@needs_gxx
def test_the_other_float_abi(tmp_path: Path) -> None:
    write_headers(tmp_path)
    archive = write_library(tmp_path, "soft", SOFT)
    found = f"{archive} passes floats in integer registers, nano33 has the hard float ABI"
    assert refusal(tmp_path) == (found, MAKE)
    soft = replace(BOARD, float_abi="soft")
    assert find_tree(soft, tmp_path).library == archive
    hard = write_library(tmp_path, "hard", HARD)
    assert find_tree(BOARD, tmp_path).library == hard


@needs_gxx
def test_another_core(tmp_path: Path) -> None:
    write_headers(tmp_path)
    flags = ("-mcpu=cortex-m33", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16")
    archive = write_library(tmp_path, "m33", flags)
    message, hint = refusal(tmp_path)
    assert message == f"{archive} is for another core (Tag_CPU_arch 17) than cortex_m4"
    assert hint == MAKE
    assert find_tree(find_board("qemu_an505"), tmp_path).library == archive


@needs_gxx
def test_of_several_libraries_the_smallest_build_is_taken(tmp_path: Path) -> None:
    write_headers(tmp_path)
    for kind in ("default", "release_with_logs", "release"):
        write_library(tmp_path, f"cortex_m_generic_cortex-m4+fp_{kind}_gcc")
        assert find_tree(BOARD, tmp_path).name == f"cortex_m_generic_cortex-m4+fp_{kind}_gcc"


@pytest.mark.parametrize("content", [b"", b"!<arch>\n", b"!<arch>\n" + b"x" * 100, b"\x7fELF"])
def test_a_damaged_library(tmp_path: Path, content: bytes) -> None:
    write_headers(tmp_path)
    archive = tmp_path / "gen" / "any" / "lib" / "libtensorflow-microlite.a"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(content)
    message, _ = refusal(tmp_path)
    assert message == f"{archive} is no archive of Arm objects with an index"


def test_no_cxx_compiler_is_a_missing_tool(
    tinykit: Tinykit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gcc = toolchain.Toolchain("gcc", "gcc 0", ("gcc",))
    monkeypatch.setattr("tinykit.host.build.find_toolchain", lambda _name, _core: gcc)
    model = tmp_path / "echo.tflite"
    model.write_bytes(echo())
    line, hint = tinykit.refuses("build", model, "-b", "nano33", "--engine", "tflm", status=3)
    assert line == "arm-none-eabi-g++ is not on the PATH"
    assert "libstdc++-arm-none-eabi-newlib" in hint


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('tflm = "x"\n', "tinykit.toml:1: tflm is 'x', not a table"),
        ('[tflm]\ntre = "x"\n', "tinykit.toml:2: unknown key 'tre' in [tflm]"),
        ("[tflm]\ntree = 1\n", "tinykit.toml:2: tree is 1, not a text"),
    ],
)
def test_a_wrong_table_in_tinykit_toml(
    tinykit: Tinykit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("echo.tflite").write_bytes(echo())
    Path("tinykit.toml").write_text(text)
    assert tinykit.refuses("build", "echo.tflite", "-b", "nano33", "--engine", "tflm")[0] == line


def test_tinykit_toml_names_engine_and_tree(
    tinykit: Tinykit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("echo.tflite").write_bytes(echo())
    Path("tinykit.toml").write_text('engine = "tflm"\n[tflm]\ntree = "there"\n')
    line, _ = tinykit.refuses("build", "echo.tflite", "-b", "nano33", status=3)
    assert line == "[tflm] tree in tinykit.toml is there, which is no folder"
