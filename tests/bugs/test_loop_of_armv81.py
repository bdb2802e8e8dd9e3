"""Start-up cleared FPSCR.LTPSIZE, after which a Cortex-M55 faults at every LE of GCC's loops."""

import shutil
from pathlib import Path

import pytest
from commands import TOOLCHAINS
from firmware_image import STUB_MODEL, build_stub

from tinykit.core.board import find_board
from tinykit.host.link import Link
from tinykit.host.qemu import QemuEmulator
from tinykit.host.toolchain import find_toolchain

BOARD = find_board("qemu_an547")
INVOKE = "static void invoke(void)\n{\n"
LOOP = '__asm__ volatile("mov r2, #3\\ndls lr, r2\\n1: le lr, 1b\\n" ::: "r2", "lr");'


@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="no qemu-system-arm here")
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_a_loop_ends(toolchain: str, tmp_path: Path) -> None:
    model = STUB_MODEL.read_text().replace(INVOKE, f"{INVOKE}    {LOOP}\n")
    elf = build_stub(find_toolchain(toolchain, BOARD.core), BOARD, tmp_path, model)
    with QemuEmulator(elf, BOARD, "invoke") as emulator, Link(emulator.port) as link:
        assert len(link.infer(bytes(600)).output) == 600
