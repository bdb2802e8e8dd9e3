"""--app none: a project of a user's own links the model, and it answers as the oracle does."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
from commands import TOOLCHAINS, Tinykit, needs_gcc, shared_build

from tinykit.host.build import BuildOptions
from tinykit.host.judge import judge
from tinykit.host.loaded import load
from tinykit.host.record import read_record
from tinykit.host.samples import random_samples

needs_cmake = pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
MODELS = {"dense": tiny.dense, "image": tiny.image}
# A project of a user's own, as docs/own-firmware.md has it.
PROJECT = """cmake_minimum_required(VERSION 3.16)
project(yours C)
add_subdirectory({folder} model)
add_executable(yours main.c)
target_link_libraries(yours {name})
"""
# A firmware of a user's own with two models, one from its sources and one as it was compiled.
FIRMWARE = """cmake_minimum_required(VERSION 3.16)
project(yours C)
add_subdirectory({first} first)
add_subdirectory({second} second)
add_executable(yours main.c)
target_link_libraries(yours {first_target} {second_target})
target_link_options(yours PRIVATE --specs=nosys.specs -Wl,--gc-sections -Wl,--fatal-warnings
    -Wl,--no-warn-rwx-segments)
"""
FIRMWARE_MAIN = """#include "image_own.h"
#include "dense_own.h"
int main(void)
{
    image_own_invoke();
    dense_own_invoke();
    return image_own_output()[0] + dense_own_output()[0];
}
"""
# Names the core for C alone, as many do: STM32CubeMX's has CMAKE_C_FLAGS and leaves the rest.
TOOLCHAIN_FILE = """set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_FLAGS "{flags}")
"""
MAIN = """#include <stdio.h>
#include "NAME.h"
int main(void)
{
    while (fread(NAME_input(), 1, MACRO_INPUT_BYTES, stdin) == MACRO_INPUT_BYTES) {
        NAME_invoke();
        fwrite(NAME_output(), 1, MACRO_OUTPUT_BYTES, stdout);
    }
    return 0;
}
"""


def own(factory: pytest.TempPathFactory, name: str, toolchain: str = "zig") -> Path:
    options = BuildOptions(app="none", toolchain=toolchain)
    return shared_build(factory, f"{name}_own", MODELS[name](), options)


def core_flags(folder: Path) -> str:
    """Return the flags that stand beside the library."""
    (flags,) = re.findall(
        r"as tinykit compiled it, for (.+)$",
        (folder / "CMakeLists.txt").read_text(),
        re.MULTILINE,
    )
    return str(flags)


def cmake(source: Path, build: Path, *options: str) -> None:
    for command in (["cmake", "-S", source, "-B", build, *options], ["cmake", "--build", build]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "warning" not in done.stderr, done.stderr


@needs_cmake
@pytest.mark.parametrize("name", MODELS)
def test_a_project_of_ones_own_answers_as_the_oracle(
    name: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = own(tmp_path_factory, name)
    model = load(folder, read_record(folder))
    samples = random_samples(model.graph, 5, seed=1)
    truth = judge(model.data, model.graph, samples)
    c_name = f"{name}_own"
    project = tmp_path / "project"
    project.mkdir()
    (project / "CMakeLists.txt").write_text(PROJECT.format(folder=folder, name=c_name))
    main = MAIN.replace("NAME", c_name).replace("MACRO", c_name.upper())
    (project / "main.c").write_text(main)

    cmake(project, tmp_path / "build")
    given = b"".join(samples.row(i) for i in range(5))
    said = subprocess.run(
        [tmp_path / "build" / "yours"], input=given, capture_output=True, check=True
    ).stdout

    assert said == b"".join(truth.row(i) for i in range(5))


@needs_cmake
def test_the_example_finds_the_class_of_zeros(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = own(tmp_path_factory, "image")
    model = load(folder, read_record(folder))
    zeros = random_samples(model.graph, 1, seed=1)
    zeros = replace(zeros, inputs=tuple(np.zeros_like(each) for each in zeros.inputs))
    output = np.frombuffer(judge(model.data, model.graph, zeros).row(0), np.int8)

    cmake(folder, tmp_path)
    done = subprocess.run([tmp_path / "image_own_example"], check=False)

    assert done.returncode == int(output.argmax())


@needs_gcc
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_the_library_links_with_the_flags_that_stand_beside_it(
    toolchain: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = own(tmp_path_factory, "image", toolchain)

    command = ["arm-none-eabi-gcc", *core_flags(folder).split(), f"-I{folder}", folder / "main.c"]
    command += [f"-L{folder}", "-limage_own", "--specs=nosys.specs", "-Wl,--gc-sections"]
    done = subprocess.run(
        [*command, "-o", tmp_path / "own.elf"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "uses 32-bit enums" not in done.stderr
    assert "GNU-stack" not in done.stderr
    assert (tmp_path / "own.elf").read_bytes().find(b"image_own_invoke") > 0


@needs_cmake
@needs_gcc
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("prebuilt", [("", ""), ("", "_prebuilt"), ("_prebuilt", "_prebuilt")])
def test_two_models_are_cross_compiled_by_a_toolchain_file_that_knows_c_alone(
    prebuilt: tuple[str, str],
    toolchain: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folders = [own(tmp_path_factory, name, toolchain) for name in ("image", "dense")]
    targets = [f"{name}_own{kind}" for name, kind in zip(("image", "dense"), prebuilt, strict=True)]
    lists = FIRMWARE.format(
        first=folders[0], second=folders[1], first_target=targets[0], second_target=targets[1]
    )
    (tmp_path / "CMakeLists.txt").write_text(lists)
    (tmp_path / "main.c").write_text(FIRMWARE_MAIN)
    file = tmp_path / "core.cmake"
    file.write_text(TOOLCHAIN_FILE.format(flags=core_flags(folders[0])))

    cmake(tmp_path, tmp_path / "build", f"-DCMAKE_TOOLCHAIN_FILE={file}")

    image = (tmp_path / "build" / "yours").read_bytes()
    for symbol in (b"image_own_invoke", b"dense_own_invoke", b"tk_strip_s8", b"tk_widen_s8"):
        assert symbol in image


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_the_library_is_the_same_wherever_it_is_made(
    toolchain: str, tinykit: Tinykit, tmp_path: Path
) -> None:
    (tmp_path / "dense.tflite").write_bytes(tiny.dense())
    made = []
    for place in ("a", "another/way"):
        (tmp_path / place).mkdir(parents=True)
        folder = tmp_path / place / "out"
        build = ("build", tmp_path / "dense.tflite", "--board", "microbit", "--app", "none")
        assert tinykit(*build, "--toolchain", toolchain, "-o", folder).status == 0
        made.append((folder / "libdense.a").read_bytes())

    assert made[0] == made[1]
    assert str(tmp_path).encode() not in made[0]


def test_what_has_no_link_is_not_verified_and_comes_without_tflm(
    tinykit: Tinykit, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = own(tmp_path_factory, "dense")
    line, _ = tinykit.refuses("verify", folder, "--emulator", "unicorn")
    assert line.endswith("was built with --app none, which this command cannot talk to")
    (tmp_path / "m.tflite").write_bytes(tiny.dense())
    line, _ = tinykit.refuses(
        "build", tmp_path / "m.tflite", "-b", "nano33", "--app", "none", "--engine", "tflm"
    )
    assert line == "--app none is not built with --engine tflm"


def test_what_comes_next_is_not_flashing_a_board(tinykit: Tinykit, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(tiny.dense())
    ended = tinykit(
        "build", tmp_path / "m.tflite", "-b", "pico", "--app", "none", "-o", tmp_path / "o"
    )
    assert f"next: {tmp_path / 'o'}/README.md" in ended.err.replace("\n", "")
