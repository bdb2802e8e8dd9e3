"""A build folder is complete, true and reproducible, and replaces nothing that is not its own."""

import json
import signal
import time
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
from commands import BOARD, TOOLCHAINS, Tinykit, needs_gcc, shared_build, spawn
from models import shared_model

from tinykit.codegen.importer import import_tflite
from tinykit.core.errors import CheckFailedError
from tinykit.host.build import BuildOptions, build
from tinykit.host.record import read_record

SHARED = ("hello_world_int8", "ad01_int8", "kws_int8", "micro_speech_int8", "resnet8_int8")


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a model in the current folder, which is empty otherwise."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    Path("dense.tflite").write_bytes(tiny.dense())
    return Path("dense.tflite")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_what_is_in_a_build_folder(dense_build: Path) -> None:
    names = (
        "README.md app_model.c board.h build.h build.json dense.c dense.h dense.tflite memory.ld "
        "nano33.toml"
    )
    images = [f"firmware.{suffix}" for suffix in ("bin", "elf", "hex", "map")]
    plan = {"plan.json", "plan.svg", ".tinykit-files"}
    renode = {"renode.repl", "renode.resc", "renode.robot"}
    assert {path.name for path in dense_build.iterdir()} == {
        *names.split(),
        *images,
        *plan,
        *renode,
    }
    assert (dense_build / "dense.tflite").read_bytes() == tiny.dense()


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_two_builds_in_two_places_are_byte_identical(
    toolchain: str, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    options = BuildOptions(toolchain=toolchain)
    first = shared_build(tmp_path_factory, "image", tiny.image(), options)
    second = tmp_path / "another name" / "deeper"
    build(tiny.image(), "image.tflite", BOARD, options, second)
    assert contents(first) == contents(second)
    for name, data in contents(second).items():
        assert str(tmp_path).encode() not in data, name
        assert b"/home/" not in data and b"/tmp/" not in data, name


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_numbers_of_build_json_are_true(
    toolchain: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    options = BuildOptions(toolchain=toolchain)
    folder = shared_build(tmp_path_factory, "image", tiny.image(), options)
    record = read_record(folder)
    sizes, image = record.sizes, (folder / "firmware.bin").read_bytes()
    assert sizes.flash == sizes.weights + sizes.code + sizes.app == record.image_bytes == len(image)
    assert sizes.ram == sizes.arena + sizes.static + sizes.app_ram + sizes.stack
    assert sizes.flash_free == BOARD.app_bytes - sizes.flash
    assert sizes.ram_free == BOARD.ram.bytes - sizes.ram
    assert min(sizes.weights, sizes.code, sizes.app, sizes.arena, sizes.app_ram) > 0
    assert record.image_crc32 == zlib.crc32(image)
    assert record.digest == import_tflite(tiny.image(), "image.tflite").digest()
    plan = json.loads((folder / "plan.json").read_text())
    assert (plan["digest"], plan["arena_bytes"]) == (record.digest, sizes.arena)
    tables = sum(sum(layer["table_bytes"].values()) for layer in plan["layers"])
    # beside its tables each layer has a record that points to them
    assert tables < sizes.weights < tables + 80 * len(plan["layers"])
    assert record.inputs[0].shape == [1, 6, 6, 1]
    assert record.inputs[0].scale == pytest.approx(0.05)
    assert (record.outputs[0].bytes, record.outputs[0].zero_point) == (2, -128)
    assert record.build_id.encode() in image and record.digest.encode() in image


def test_hello_world_is_small(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = shared_model("hello_world_int8")
    record = read_record(shared_build(tmp_path_factory, "hello_world_int8", data))
    assert record.sizes.flash < 8192
    assert record.sizes.ram < 3072


@needs_gcc
@pytest.mark.parametrize("name", [*SHARED, "vww_int8"])
def test_generated_c_compiles_without_warnings_by_gcc(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The flags of the build make a warning an error."""
    shared_build(tmp_path_factory, name, shared_model(name), BuildOptions(toolchain="gcc"))


@pytest.mark.parametrize("name", [*SHARED, "vww_int8"])
def test_generated_c_compiles_without_warnings_by_zig(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shared_build(tmp_path_factory, name, shared_model(name))


@pytest.mark.parametrize("optimize", ["size", "speed"])
@pytest.mark.parametrize("name", tiny.TINY)
def test_tiny_models_build_at_every_level(name: str, optimize: str, tmp_path: Path) -> None:
    options = BuildOptions(optimize=optimize, keep_input=True)
    record = build(tiny.TINY[name](), f"{name}.tflite", BOARD, options, tmp_path / "out")
    assert (record.optimize, record.keep_input) == (optimize, True)


def test_build_reads_tinykit_toml(tinykit: Tinykit, model: Path) -> None:
    Path("tinykit.toml").write_text(f'model = "{model}"\nboard = "nano33"\noptimize = "size"\n')
    ended = tinykit("build", "--json")
    assert ended.status == 0
    assert (ended.json["optimize"], ended.json["folder"]) == ("size", "build/nano33")
    assert read_record(Path("build/nano33")).optimize == "size"


def test_options_come_before_tinykit_toml(tinykit: Tinykit, model: Path) -> None:
    Path("tinykit.toml").write_text('model = "no.tflite"\noptimize = "size"\nencoding = "dense"\n')
    ended = tinykit("build", model, "--board", "nano33", "--optimize", "speed", "--json")
    assert (ended.json["optimize"], ended.json["encoding"]) == ("speed", "dense")


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ('board = "nano33"\nbord = "x"\n', "tinykit.toml:2: unknown key 'bord'", "keys: board, b"),
        ('\n\noptimize = "fast"\n', "tinykit.toml:3: optimize is 'fast'", "one of: size, balanced"),
        ('toolchain = "clang"\n', "tinykit.toml:1: toolchain is 'clang'", "one of: zig, gcc"),
        ("board = 33\n", "tinykit.toml:1: board is 33, not a text", 'board = "..."'),
        (
            'board = "nano33"\nmodel = \n',
            "tinykit.toml: Invalid value (at line 2, column 9)",
            "see",
        ),
        ('board = "nano34"\n', "no board 'nano34'", "nano33"),
    ],
)
def test_a_mistake_in_tinykit_toml_is_shown_with_its_line(
    tinykit: Tinykit, model: Path, text: str, line: str, hint: str
) -> None:
    Path("tinykit.toml").write_text(text)
    found_line, found_hint = tinykit.refuses("build", model)
    assert found_line.startswith(line)
    assert hint in found_hint


def test_no_model_and_no_board_are_said(tinykit: Tinykit, model: Path) -> None:
    line, _ = tinykit.refuses("build", "--board", "nano33")
    assert line == "no model is given, and there is no tinykit.toml here that names one"
    line, hint = tinykit.refuses("build", model)
    assert (line, hint) == ("no board is given", "--board nano33; all: tinykit boards")


@pytest.mark.parametrize(
    ("option", "value"), [("--optimize", "fast"), ("--encoding", "x"), ("--toolchain", "clang")]
)
def test_a_wrong_choice_is_refused_with_the_choices(
    tinykit: Tinykit, model: Path, option: str, value: str
) -> None:
    line, hint = tinykit.refuses("build", model, "--board", "nano33", option, value)
    assert line == f"there is no {option} '{value}'"
    assert hint.startswith(f"{option} ") and " or " in hint


def test_our_own_folder_is_replaced_whole(tinykit: Tinykit, model: Path) -> None:
    out = Path("out")
    assert tinykit("build", model, "-b", "nano33", "-o", out).status == 0
    before = contents(out)
    (out / "firmware.bin").write_bytes(b"of an older version")
    assert tinykit("build", model, "-b", "nano33", "-o", out).status == 0
    assert contents(out) == before
    assert sorted(path.name for path in Path().iterdir()) == ["dense.tflite", "out"]


def test_what_a_user_put_into_our_folder_is_kept(tinykit: Tinykit, model: Path) -> None:
    out = Path("out")
    assert tinykit("build", model, "-b", "nano33", "-o", out).status == 0
    (out / "main.c").write_text("mine")
    line, _hint = tinykit.refuses("build", model, "-b", "nano33", "-o", out)
    assert line == "out has files that tinykit did not make"
    assert (out / "main.c").read_text() == "mine"


def test_a_link_and_the_current_folder_are_never_replaced(tinykit: Tinykit, model: Path) -> None:
    Path("real").mkdir()
    Path("link").symlink_to("real")
    for out in ("link", ".", ".."):
        line, _hint = tinykit.refuses("build", model, "-b", "nano33", "-o", out, "--force")
        assert line == f"{out} is a link, or a folder around this one"
    assert Path("link").is_symlink() and model.is_file()


def test_a_foreign_folder_is_replaced_by_force_only(tinykit: Tinykit, model: Path) -> None:
    out = Path("out")
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    line, hint = tinykit.refuses("build", model, "-b", "nano33", "-o", out)
    assert line == "out has files that tinykit did not make"
    assert "--force" in hint
    assert contents(out) == {"thesis.txt": b"mine"}
    assert tinykit("build", model, "-b", "nano33", "-o", out, "--force").status == 0
    assert "thesis.txt" not in contents(out)
    assert read_record(out).model == "dense"


def test_a_file_in_place_of_the_folder_is_kept(tinykit: Tinykit, model: Path) -> None:
    line, _ = tinykit.refuses("build", model, "-b", "nano33", "-o", model, "--force")
    assert line == "dense.tflite is a file"
    assert model.read_bytes() == tiny.dense()


@pytest.mark.parametrize("memory", ["flash", "ram"])
def test_what_does_not_fit_says_by_how_much_and_leaves_nothing(
    memory: str, dense_build: Path, tmp_path: Path
) -> None:
    sizes = read_record(dense_build).sizes
    if memory == "flash":
        boot = BOARD.flash.bootloader_bytes
        small = replace(BOARD, flash=replace(BOARD.flash, bytes=boot + sizes.flash - 1))
    else:
        small = replace(BOARD, ram=replace(BOARD.ram, bytes=sizes.ram - 1))
    with pytest.raises(CheckFailedError) as error:
        build(tiny.dense(), "dense.tflite", small, BuildOptions(), tmp_path / "out")
    assert f"of {memory}, nano33 has" in error.value.message
    assert error.value.message.endswith(("1 byte too many", "4 bytes too many"))
    assert "tinykit boards" in error.value.hint
    assert list(tmp_path.iterdir()) == []


def test_what_just_fits_is_built(dense_build: Path, tmp_path: Path) -> None:
    sizes = read_record(dense_build).sizes
    boot = BOARD.flash.bootloader_bytes
    exact = replace(
        BOARD,
        flash=replace(BOARD.flash, bytes=boot + sizes.flash),
        ram=replace(BOARD.ram, bytes=sizes.ram),
    )
    record = build(tiny.dense(), "dense.tflite", exact, BuildOptions(), tmp_path / "out")
    assert (record.sizes.flash_free, record.sizes.ram_free) == (0, 0)


def test_no_compiler_is_a_missing_tool(
    tinykit: Tinykit, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    line, hint = tinykit.refuses("build", model, "-b", "nano33", "--toolchain", "gcc", status=3)
    assert line == "arm-none-eabi-gcc is not on the PATH"
    assert hint == "apt install gcc-arm-none-eabi, or use --toolchain zig"
    assert not Path("build").exists()


def test_an_interrupted_build_leaves_what_was_there(model: Path) -> None:
    out = Path("out").absolute()
    build(tiny.image(), "image.tflite", BOARD, BuildOptions(), out)
    before = contents(out)
    process = spawn("build", model, "-b", "nano33", "-o", out)
    while not list(Path().glob(".out-*/new/objects/*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=60)
    assert (process.returncode, printed) == (130, "")
    assert said.endswith("tinykit: interrupted\n")
    assert contents(out) == before
    assert sorted(path.name for path in Path().iterdir()) == ["dense.tflite", "out"]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "m.tflite is not a .tflite file (0 bytes, no TFL3 mark at byte 4)"),
        (b"PK\x03\x04 a .keras file", "m.tflite is not a .tflite file (18 bytes"),
        (tiny.dense()[:400], "m.tflite"),
    ],
)
def test_what_is_no_model_is_refused(tinykit: Tinykit, model: Path, data: bytes, line: str) -> None:
    Path("m.tflite").write_bytes(data)
    found, _ = tinykit.refuses("build", "m.tflite", "-b", "nano33")
    assert found.startswith(line)
    assert not Path("build").exists()


def test_a_missing_model_and_a_folder_are_said(tinykit: Tinykit, model: Path) -> None:
    line, _ = tinykit.refuses("build", "absent.tflite", "-b", "nano33")
    assert line == "absent.tflite: No such file or directory"
    line, hint = tinykit.refuses("build", ".", "-b", "nano33")
    assert (line, hint) == (". is a folder", "give the .tflite file")
