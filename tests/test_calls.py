"""Calls in machine code are found where a disassembler finds them, for Thumb and RISC-V."""

from pathlib import Path

import pytest
from firmware_image import build_stub

from tinykit.core.board import find_board
from tinykit.host.calls import find_calls
from tinykit.host.image import read_image
from tinykit.host.toolchain import find_toolchain

capstone = pytest.importorskip("capstone")

THUMB_CALLS = ("bl", "blx")
RISCV_CALLS = ("jal", "c.jal")


def disassembled(code: bytes, address: int, riscv: bool) -> list[int] | None:
    """Return the addresses behind the calls, as capstone sees them; None if a table is inside."""
    if riscv:
        mode = capstone.CS_MODE_RISCV32 | capstone.CS_MODE_RISCVC
        engine = capstone.Cs(capstone.CS_ARCH_RISCV, mode)
    else:
        mode = capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS
        engine = capstone.Cs(capstone.CS_ARCH_ARM, mode)
    engine.skipdata = True
    found = []
    for one in engine.disasm(code, address):
        if one.mnemonic in ("tbb", "tbh"):
            return None  # two readers need not agree on bytes that are no code
        operands = one.op_str.replace(" ", "").split(",")
        if riscv:
            links = one.mnemonic in RISCV_CALLS and operands[0] not in ("zero", "x0")
            links = links or (one.mnemonic == "jalr" and operands[0] == "ra")
            links = links or one.mnemonic == "c.jalr"
            # capstone leaves out a first operand of ra
            links = links or (one.mnemonic == "jalr" and len(operands) == 1)
        else:
            links = one.mnemonic in THUMB_CALLS
        if links:
            found.append(one.address + one.size)
    return found


@pytest.mark.parametrize("optimize", ["size", "speed"])
@pytest.mark.parametrize("name", ["microbit", "qemu_an386", "qemu_riscv32"])
def test_calls_are_where_a_disassembler_sees_them(name: str, optimize: str, tmp_path: Path) -> None:
    board = find_board(name)
    riscv = board.core == "riscv32"
    image = read_image(build_stub(find_toolchain("zig"), board, tmp_path, optimize=optimize))
    functions = [s for s in image.symbols if s.kind == "function" and s.section == ".text"]
    compared = 0
    for symbol in functions:
        if symbol.unit == "compiler_rt" or symbol.name.startswith("__"):
            continue
        start = symbol.address - image.load_address
        code = image.data[start : start + symbol.bytes]
        expected = disassembled(code, symbol.address, riscv)
        if expected is None:
            continue
        assert list(find_calls(code, symbol.address, riscv).returns) == expected, symbol.name
        compared += len(expected)
    assert compared > 20


@pytest.mark.parametrize(
    ("code", "riscv", "returns", "ends_in_call"),
    [
        ("00f0 02f8 7047", False, (0x1004,), False),  # bl 0x1008; bx lr
        ("00f0 10f8 00f0 10b8", False, (0x1004,), True),  # bl; b.w out of the function
        ("8047 fee7", False, (0x1002,), False),  # blx r0; b to itself
        ("97000000 e7804000 8280", True, (0x1008,), False),  # auipc ra; jalr ra; ret
        ("17030000 67004300", True, (), True),  # auipc t1; jr t1
        ("1120 0290", True, (0x1002,), False),  # c.jal; then no call: c.ebreak's neighbour
    ],
)
def test_calls_of_a_few_instructions(
    code: str, riscv: bool, returns: tuple[int, ...], ends_in_call: bool
) -> None:
    found = find_calls(bytes.fromhex(code.replace(" ", "")), 0x1000, riscv)

    assert (found.returns, found.ends_in_call) == (returns, ends_in_call)
