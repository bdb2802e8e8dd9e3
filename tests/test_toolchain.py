"""The toolchains: the same sources give the same bytes, errors say what to do."""

import ctypes
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from firmware_image import STUB_MODEL, build_stub, write_generated
from models import KERNELS

from tinykit.core.board import find_board
from tinykit.core.errors import CheckFailedError, MissingToolError, TinykitError
from tinykit.core.files import PACKAGE_ROOT
from tinykit.core.units import bytes_text
from tinykit.host import toolchain as module
from tinykit.host.image import check_image, read_image
from tinykit.host.toolchain import Source, Toolchain, compile_objects, find_toolchain

BOARD = find_board("nano33")


@pytest.fixture(params=["zig", "gcc"])
def toolchain(request: pytest.FixtureRequest) -> Toolchain:
    if request.param == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("no arm-none-eabi-gcc here")
    return find_toolchain(request.param)


def test_zig_tells_its_version() -> None:
    assert find_toolchain("zig").version == "zig 0.17.1"


@pytest.mark.parametrize("optimize", ["size", "balanced", "speed"])
def test_every_level_gives_an_image_that_the_board_starts(
    toolchain: Toolchain, optimize: str, tmp_path: Path
) -> None:
    elf = build_stub(toolchain, BOARD, tmp_path, optimize=optimize)

    check_image(read_image(elf), BOARD)


def test_kernels_without_copies_for_speed_are_as_balanced(tmp_path: Path) -> None:
    write_generated(BOARD, tmp_path)
    zig, other = find_toolchain("zig"), "tk_max_pool_s8"
    for name in (*module.NOT_WORTH_COPIES, other):
        path = KERNELS / f"{name}.c"
        levels = [Source(path, level) for level in ("balanced", "speed")]
        objects = [tmp_path / name for name in compile_objects(zig, BOARD, levels, tmp_path)]
        sizes = {each.stat().st_size for each in objects}
        assert len(sizes) == (2 if name == other else 1), name


def test_application_stays_within_its_budget(toolchain: Toolchain, tmp_path: Path) -> None:
    image = read_image(build_stub(toolchain, BOARD, tmp_path))

    arena_bytes = image.symbol("arena").bytes
    assert image.flash_bytes <= 3_648
    assert image.ram_bytes - arena_bytes - BOARD.ram.stack_bytes <= 600


def test_same_sources_give_the_same_bytes_in_any_folder(
    toolchain: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = build_stub(toolchain, BOARD, tmp_path / "a").read_bytes()
    shutil.copytree(PACKAGE_ROOT / "firmware", tmp_path / "elsewhere" / "firmware")
    monkeypatch.setattr(module, "FIRMWARE", tmp_path / "elsewhere" / "firmware")
    there = build_stub(toolchain, BOARD, tmp_path / "another" / "folder").read_bytes()

    assert here == there


def test_image_holds_no_path_of_this_machine(toolchain: Toolchain, tmp_path: Path) -> None:
    content = build_stub(toolchain, BOARD, tmp_path / "work").read_bytes()

    for path in (tmp_path, PACKAGE_ROOT, Path.home(), Path(toolchain.command[0]).parent):
        if path != Path("/"):
            assert str(path).encode() not in content
    assert b"cache" not in content


def test_core_has_fpu_and_dsp(toolchain: Toolchain, tmp_path: Path) -> None:
    guards = "#if __ARM_FP != 4 && __ARM_FP != 6\n#error no single precision FPU\n#endif\n"
    guards += "#ifndef __ARM_FEATURE_DSP\n#error no DSP instructions\n#endif\n"

    build_stub(toolchain, BOARD, tmp_path, STUB_MODEL.read_text() + guards)


def test_float_products_are_not_fused(toolchain: Toolchain, tmp_path: Path) -> None:
    invoke = "static void invoke(void)\n{"
    text = STUB_MODEL.read_text().replace(invoke, f"{MULTIPLY_ADD}\n{invoke}\n    use();")
    image = read_image(build_stub(toolchain, BOARD, tmp_path, text, "speed"))
    names = mnemonics(image.data, image.load_address)

    assert any(name.startswith("vmul") for name in names)
    assert not any(name.startswith(("vfma", "vmla")) for name in names)


MULTIPLY_ADD = """
static volatile float a, b, c;
static void use(void)
{
    c = a * b + c;
}
"""


def mnemonics(code: bytes, address: int) -> list[str]:
    capstone = pytest.importorskip("capstone")
    engine = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    engine.skipdata = True
    return [instruction.mnemonic for instruction in engine.disasm(code, address)]


def test_wrong_c_is_shown_with_the_command(toolchain: Toolchain, tmp_path: Path) -> None:
    with pytest.raises(TinykitError) as error:
        build_stub(toolchain, BOARD, tmp_path, "int x = nonsense;\n")

    assert "the compiler ended with status 1: " in error.value.message
    assert str(tmp_path / "stub_model.c") in error.value.message
    assert "nonsense" in error.value.message.partition("\n")[2]
    assert error.value.hint


def test_image_too_large_for_flash_says_by_how_much(toolchain: Toolchain, tmp_path: Path) -> None:
    small = replace(BOARD, flash=replace(BOARD.flash, bytes=0x10000 + 2048))

    with pytest.raises(CheckFailedError) as error:
        build_stub(toolchain, small, tmp_path)

    needs = read_image(build_stub(toolchain, BOARD, tmp_path)).flash_bytes
    assert error.value.message == (
        f"the image needs {bytes_text(needs)} of flash, nano33 has 2 048 bytes:"
        f" {bytes_text(needs - 2048)} too many"
    )
    assert error.value.hint == "prune further, or choose a larger board: tinykit boards"


def test_image_too_large_for_ram_says_by_how_much(toolchain: Toolchain, tmp_path: Path) -> None:
    small = replace(BOARD, ram=replace(BOARD.ram, bytes=2048))

    with pytest.raises(CheckFailedError) as error:
        build_stub(toolchain, small, tmp_path)

    needs = read_image(build_stub(toolchain, BOARD, tmp_path)).ram_bytes
    assert error.value.message == (
        f"the image needs {bytes_text(needs)} of ram, nano33 has 2 048 bytes:"
        f" {bytes_text(needs - 2048)} too many"
    )


def test_unknown_toolchain_is_refused() -> None:
    with pytest.raises(TinykitError) as error:
        find_toolchain("clang")

    assert error.value.message == "no toolchain 'clang'"
    assert error.value.hint == "--toolchain zig or --toolchain gcc"


def test_missing_gcc_is_a_missing_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(MissingToolError) as error:
        find_toolchain("gcc")

    assert error.value.message == "arm-none-eabi-gcc is not on the PATH"
    assert error.value.hint == "apt install gcc-arm-none-eabi, or use --toolchain zig"


def test_missing_zig_is_a_missing_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)

    with pytest.raises(MissingToolError) as error:
        find_toolchain("zig")

    assert error.value.message == "the compiler zig is not installed"
    assert error.value.hint == "pip install ziglang==0.17.1"


def test_memory_functions_do_not_call_themselves(toolchain: Toolchain, tmp_path: Path) -> None:
    use = "void *memcpy(void *restrict, const void *restrict, size_t);\n"
    use += "void *memmove(void *, const void *, size_t);\nvoid *memset(void *, int, size_t);\n"
    use += "int memcmp(const void *, const void *, size_t);\n"
    call = "static volatile size_t n;\nstatic void invoke(void)\n{\n"
    call += "    n = (size_t)memcmp(memcpy(arena, memset(arena + 9, 1, n), n),"
    call += " memmove(arena, arena + 1, n), n);\n"
    text = STUB_MODEL.read_text().replace("static void invoke(void)\n{\n", use + call)
    image = read_image(build_stub(toolchain, BOARD, tmp_path, text, "speed"))

    for name in ("memcpy", "memmove", "memset", "memcmp"):
        symbol = image.symbol(name)
        start = symbol.address - image.load_address
        code = image.data[start : start + symbol.bytes]
        assert symbol.bytes and "bl" not in mnemonics(code, symbol.address), name


@pytest.fixture(scope="module")
def mem(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    gcc = shutil.which("gcc") or shutil.which("clang")
    if gcc is None:
        pytest.skip("no compiler for the host")
    library = tmp_path_factory.mktemp("mem") / "mem.so"
    names = [f"-D{name}=tk_{name}" for name in ("memcpy", "memmove", "memset", "memcmp")]
    source = PACKAGE_ROOT / "firmware" / "libc" / "mem.c"
    flags = ["-std=c11", "-ffreestanding", "-O2", "-shared", "-fPIC"]
    subprocess.run([gcc, *flags, *names, source, "-o", library], check=True)
    return ctypes.CDLL(str(library))


@pytest.mark.parametrize("name", ["tk_memcpy", "tk_memmove"])
@pytest.mark.parametrize(("to", "start"), [(0, 32), (32, 0), (1, 34), (35, 1)])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 7, 8, 31])
def test_memcpy_and_memmove_copy(
    mem: ctypes.CDLL, name: str, to: int, start: int, count: int
) -> None:
    before = bytes(range(80))
    buffer = ctypes.create_string_buffer(before, 80)
    base = ctypes.addressof(buffer)

    getattr(mem, name)(
        ctypes.c_void_p(base + to), ctypes.c_void_p(base + start), ctypes.c_size_t(count)
    )

    expected = bytearray(before)
    expected[to : to + count] = before[start : start + count]
    assert buffer.raw == bytes(expected)


@pytest.mark.parametrize(("to", "start"), [(0, 1), (1, 0), (4, 8), (8, 4), (5, 5)])
def test_memmove_copies_what_overlaps(mem: ctypes.CDLL, to: int, start: int) -> None:
    before = bytes(range(40))
    buffer = ctypes.create_string_buffer(before, 40)
    base = ctypes.addressof(buffer)

    mem.tk_memmove(ctypes.c_void_p(base + to), ctypes.c_void_p(base + start), ctypes.c_size_t(20))

    assert buffer.raw[to : to + 20] == before[start : start + 20]


def test_memset_and_memcmp(mem: ctypes.CDLL) -> None:
    buffer = ctypes.create_string_buffer(b"abcdef", 6)

    mem.tk_memset(ctypes.byref(buffer, 1), 0x1FF, ctypes.c_size_t(3))

    assert buffer.raw == b"a\xff\xff\xffef"
    size = ctypes.c_size_t(3)
    assert mem.tk_memcmp(b"abc", b"abc", size) == 0
    assert mem.tk_memcmp(b"ab\xff", b"ab\x01", size) > 0
    assert mem.tk_memcmp(b"abc", b"abd", size) < 0
