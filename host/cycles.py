"""Estimate Cortex-M4 cycles of straight code: published timing, no wait states, never measured.

Cortex-M4 Technical Reference Manual (DDI 0439), table 3-1 for the core and 7-1 for the FPU, with
the choices that the baseline of TFLM names: ALU, multiply and DSP 1; LDR 2, or 1 straight after
another load or store; STR 1; LDM, STM, LDRD, STRD, PUSH, POP 1 + N; branch taken 3 (pipeline
refill of 2), not taken 1; division 7; IT 1.
"""

from dataclasses import dataclass

import capstone
from capstone import arm_const as arm

REFILL_CYCLES = 2
DIVISION_CYCLES = 7

SINGLE_LOADS = frozenset(
    getattr(arm, f"ARM_INS_{name}")
    for name in ("LDR", "LDRB", "LDRH", "LDRSB", "LDRSH", "LDREX", "LDREXB", "LDREXH", "LDRT")
)
SINGLE_STORES = frozenset(
    getattr(arm, f"ARM_INS_{name}")
    for name in ("STR", "STRB", "STRH", "STREX", "STREXB", "STREXH", "STRT")
)
PAIRS = frozenset({arm.ARM_INS_LDRD, arm.ARM_INS_STRD})
MULTIPLES = frozenset(
    getattr(arm, f"ARM_INS_{name}")
    for name in (
        "LDM", "LDMDB", "STM", "STMDB", "PUSH", "POP",
        "VLDMIA", "VLDMDB", "VSTMIA", "VSTMDB", "VPUSH", "VPOP",
    )
)  # fmt: skip
BRANCHES = frozenset(
    getattr(arm, f"ARM_INS_{name}") for name in ("B", "BL", "BX", "BLX", "CBZ", "CBNZ")
)
TABLE_BRANCHES = frozenset({arm.ARM_INS_TBB, arm.ARM_INS_TBH})
FIXED_CYCLES = {
    arm.ARM_INS_SDIV: DIVISION_CYCLES,
    arm.ARM_INS_UDIV: DIVISION_CYCLES,
    arm.ARM_INS_TBB: 2,  # a load, the refill comes on top
    arm.ARM_INS_TBH: 2,
    # table 7-1
    arm.ARM_INS_VDIV: 14,
    arm.ARM_INS_VSQRT: 14,
    arm.ARM_INS_VMLA: 3,
    arm.ARM_INS_VMLS: 3,
    arm.ARM_INS_VNMLA: 3,
    arm.ARM_INS_VNMLS: 3,
    arm.ARM_INS_VFMA: 3,
    arm.ARM_INS_VFMS: 3,
    arm.ARM_INS_VFNMA: 3,
    arm.ARM_INS_VFNMS: 3,
    arm.ARM_INS_VLDR: 2,
    arm.ARM_INS_VSTR: 2,
}

_disassembler = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
_disassembler.skipdata = True


@dataclass(frozen=True, slots=True)
class BlockCost:
    """Give what one run through a block of straight code costs.

    `ahead` is the cost if the next block is the one behind it, `away` if it jumps.
    """

    instructions: int
    ahead: int
    away: int
    uses_fpu: bool


def block_cost(code: bytes) -> BlockCost:
    """Estimate a block whose only branch, if it has one, is its last instruction."""
    instructions = cycles = extra = 0
    uses_fpu = False
    after_access = False
    for instruction in _disassembler.disasm(code, 0):
        instructions += 1
        cycles += _cycles(instruction, after_access)
        after_access = _accesses_memory(instruction.id)
        uses_fpu = uses_fpu or str(instruction.mnemonic).startswith("v")
        extra = REFILL_CYCLES if _may_branch(instruction) else 0
    return BlockCost(instructions, cycles, cycles + extra, uses_fpu)


def _cycles(instruction: capstone.CsInsn, after_access: bool) -> int:
    number = instruction.id
    if number in SINGLE_LOADS:
        return 1 if after_access else 2
    if number in PAIRS:
        return 3
    if number in MULTIPLES:
        return 1 + _registers(instruction.op_str)
    return FIXED_CYCLES.get(number, 1)


def _accesses_memory(number: int) -> bool:
    return number in SINGLE_LOADS or number in SINGLE_STORES or number in PAIRS | MULTIPLES


def _may_branch(instruction: capstone.CsInsn) -> bool:
    number = instruction.id
    if number in BRANCHES or number in TABLE_BRANCHES:
        return True
    if number in MULTIPLES:
        return "pc" in str(instruction.op_str).partition("{")[2]
    return str(instruction.op_str).startswith("pc,")


def _registers(operands: str) -> int:
    names = operands.partition("{")[2].rstrip("}").split(", ")
    return sum(2 if name.startswith("d") else 1 for name in names)  # words
