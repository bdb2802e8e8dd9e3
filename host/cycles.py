"""Estimate the cycles of straight code on a Cortex-M4 from published timings, never measured.

`TIMINGS` is all that the estimate knows. Memory answers at once: host/bench.py adds what flash
does. Words that are not aligned and addresses that come from the instruction before cost no more.
"""

from dataclasses import dataclass

import capstone
from capstone import arm_const as arm

REFILL_CYCLES = 2


@dataclass(frozen=True, slots=True)
class Timing:
    """Give what instructions cost, and where that is written.

    Attributes:
        what: for a person.
        names: as capstone calls them; UADD16 and the like, which take one cycle, have no row.
        cycles: of one of them.
        behind_access: the same straight behind another load or store, where the two overlap.
        each: of every word of a list of registers, on top.
        accesses: a load straight behind it overlaps.
        source: CORE or FPU, the tables of the manual, and what was chosen where it leaves a choice.
    """

    what: str
    names: tuple[str, ...]
    cycles: int
    behind_access: int | None = None
    each: int = 0
    accesses: bool = False
    source: str = "CORE"


SOURCES = {
    "CORE": "Arm Cortex-M4 Technical Reference Manual, DDI 0439D, table 3-1",
    "PAIR": "the baseline of TFLM with CMSIS-NN; 3.3.2 of that manual pipelines less, see below",
    "FPU": "the same, table 7-1",
    "RANGE": "table 3-1 says 2 to 12; 7 as in the baseline of TFLM with CMSIS-NN",
    "REFILL": "table 3-1 says 1 + P with P from 1 to 3; 2 as in that baseline",
}
TIMINGS = (
    Timing(
        "load of one word, half-word or byte",
        ("LDR", "LDRB", "LDRH", "LDRSB", "LDRSH", "LDREX", "LDREXB", "LDREXH", "LDRT"),
        cycles=2,
        behind_access=1,
        accesses=True,
        source="PAIR",
    ),
    Timing(
        "store of one",
        ("STR", "STRB", "STRH", "STREX", "STREXB", "STREXH", "STRT"),
        cycles=1,
        accesses=True,
        source="PAIR",
    ),
    Timing("load or store of two", ("LDRD", "STRD"), cycles=3, accesses=True),
    Timing(
        "load or store of N words",
        ("LDM", "LDMDB", "STM", "STMDB", "PUSH", "POP"),
        cycles=1,
        each=1,
        accesses=True,
    ),
    Timing(
        "load or store of N words of the FPU",
        ("VLDMIA", "VLDMDB", "VSTMIA", "VSTMDB", "VPUSH", "VPOP"),
        cycles=1,
        each=1,
        accesses=True,
        source="FPU",
    ),
    Timing("load or store of one of the FPU", ("VLDR", "VSTR"), cycles=2, source="FPU"),
    Timing("division of integers", ("SDIV", "UDIV"), cycles=7, source="RANGE"),
    Timing("table branch, without its refill", ("TBB", "TBH"), cycles=2),
    Timing("division and root of floats", ("VDIV", "VSQRT"), cycles=14, source="FPU"),
    Timing(
        "multiply-accumulate of floats",
        ("VMLA", "VMLS", "VNMLA", "VNMLS", "VFMA", "VFMS", "VFNMA", "VFNMS"),
        cycles=3,
        source="FPU",
    ),
    Timing(
        "refill of the pipeline, on top of any branch that is taken",
        (),
        cycles=REFILL_CYCLES,
        source="REFILL",
    ),
    Timing("any other, taken branches but for the refill and IT included", (), cycles=1),
)
_BY_NUMBER = {getattr(arm, f"ARM_INS_{name}"): row for row in TIMINGS for name in row.names}
_OTHER = TIMINGS[-1]
_ACCESSES = frozenset(number for number, row in _BY_NUMBER.items() if row.accesses)
_LISTS = frozenset(number for number, row in _BY_NUMBER.items() if row.each)
_BRANCHES = frozenset(
    getattr(arm, f"ARM_INS_{name}")
    for name in ("B", "BL", "BX", "BLX", "CBZ", "CBNZ", "TBB", "TBH")
)

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
    behind_access = False
    for instruction in _disassembler.disasm(code, 0):
        instructions += 1
        cycles += _cycles(instruction, behind_access)
        behind_access = instruction.id in _ACCESSES
        uses_fpu = uses_fpu or str(instruction.mnemonic).startswith("v")
        extra = REFILL_CYCLES if _may_branch(instruction) else 0
    return BlockCost(instructions, cycles, cycles + extra, uses_fpu)


def _cycles(instruction: capstone.CsInsn, behind_access: bool) -> int:
    row = _BY_NUMBER.get(instruction.id, _OTHER)
    if behind_access and row.behind_access is not None:
        return row.behind_access
    return row.cycles + row.each * _words(instruction.op_str) if row.each else row.cycles


def _may_branch(instruction: capstone.CsInsn) -> bool:
    number = instruction.id
    if number in _BRANCHES:
        return True
    if number in _LISTS:
        return "pc" in str(instruction.op_str).partition("{")[2]
    return str(instruction.op_str).startswith("pc,")


def _words(operands: str) -> int:
    names = operands.partition("{")[2].rstrip("}").split(", ")
    return sum(2 if name.startswith("d") else 1 for name in names)
