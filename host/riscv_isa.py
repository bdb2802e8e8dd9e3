"""Tell which extension of RV32 an instruction belongs to: RISC-V unprivileged specification."""

from typing import Literal

Part = Literal["I", "M", "A", "C", "Zicsr", "F or D", "other"]

_FLOAT_OPCODES = (0x07, 0x27, 0x43, 0x47, 0x4B, 0x4F, 0x53)
_MULTIPLY = 1
# Chapter 37, by opcode: what funct3 may be.
_BASE: dict[int, tuple[int, ...]] = {
    0x03: (0, 1, 2, 4, 5),
    0x0F: (0,),
    0x13: (0, 2, 3, 4, 6, 7),
    0x17: tuple(range(8)),
    0x23: (0, 1, 2),
    0x37: tuple(range(8)),
    0x63: (0, 1, 4, 5, 6, 7),
    0x67: (0,),
    0x6F: tuple(range(8)),
}


def read(first: int, second: int) -> tuple[int, Part]:
    """Return how many half-words the instruction has that begins with these, and its part."""
    if first & 3 == 3:
        return 2, _wide_part(first | second << 16)
    return 1, _narrow_part(first)


def _narrow_part(code: int) -> Part:
    """Chapter 27."""
    quadrant, operation = code & 3, code >> 13
    if quadrant in (0, 2) and operation in (1, 3, 5, 7):
        return "F or D"
    if quadrant == 0 and operation == 4:
        return "other"
    # 0 is illegal on every core: what pads functions
    wide_only = quadrant == 1 and operation == 4 and code >> 10 & 7 == 7  # C.SUBW, C.ADDW
    return "other" if wide_only else "C"


def _wide_part(word: int) -> Part:
    opcode, funct3, funct7 = word & 0x7F, word >> 12 & 7, word >> 25
    if opcode in _FLOAT_OPCODES:
        return "F or D"
    if opcode == 0x73:
        return "I" if funct3 == 0 else "other" if funct3 == 4 else "Zicsr"
    if opcode == 0x2F:
        return "A" if funct3 == 2 else "other"
    if opcode == 0x33 and funct7 == _MULTIPLY:
        return "M"
    shifts = opcode in (0x13, 0x33) and (funct7 == 0 or (funct7 == 0x20 and funct3 == 5))
    subtracts = opcode == 0x33 and (funct3, funct7) == (0, 0x20)
    if subtracts or (shifts and (opcode == 0x33 or funct3 in (1, 5))):
        return "I"
    return "I" if funct3 in _BASE.get(opcode, ()) else "other"
