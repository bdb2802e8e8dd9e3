"""Tell which part of the Thumb instruction set an instruction belongs to.

Tables are those of the Armv7-M Architecture Reference Manual (DDI 0403E) where none is named, and
of the Armv8-M one (DDI 0553B).
"""

from typing import Literal

Part = Literal[
    "Armv6-M", "Thumb-2", "DSP", "FPU", "FPv5", "double precision FPU", "Armv8-M", "Armv8.1-M",
    "coprocessor", "undefined",
]  # fmt: skip

_BARRIERS = (0x8F40, 0x8F50, 0x8F60)  # DSB, DMB, ISB
_MASKS = (17, 18, 19)  # B5.2.1: BASEPRI, BASEPRI_MAX, FAULTMASK
_FPU_COPROCESSORS = (10, 11)


def read(first: int, second: int) -> tuple[int, Part]:
    """Return how many half-words the instruction has that begins with these, and its part: A5.1."""
    if first >> 11 in (0b11101, 0b11110, 0b11111):
        return 2, _wide_part(first, second)
    return 1, _narrow_part(first)


def _narrow_part(code: int) -> Part:
    """A5.2."""
    if code & 0xFF07 in (0x4704, 0x4784):  # BXNS, BLXNS
        return "Armv8-M"
    if code >> 12 != 0b1011:
        return "Armv6-M"
    return _miscellaneous(code)


def _miscellaneous(code: int) -> Part:
    """A5.2.5."""
    if code & 0xF500 == 0xB100:  # CBZ, CBNZ
        return "Thumb-2"
    if code & 0xFF00 == 0xBF00:  # IT, or a hint
        return "Thumb-2" if code & 0xF else "Armv6-M"
    if code & 0xFFE0 == 0xB660:  # CPS; the flag F is that of FAULTMASK
        return "Thumb-2" if code & 1 else "Armv6-M"
    undefined = code & 0xFF00 in (0xB600, 0xB700, 0xB800) or code & 0xFFC0 == 0xBA80
    return "undefined" if undefined else "Armv6-M"


def _wide_part(first: int, second: int) -> Part:
    """A5.3."""
    group = first >> 11
    if group == 0b11110:
        return _branch_or_control(first, second) if second >> 15 else _immediate(first, second)
    if first >> 10 & 1:
        return _coprocessor(first, second) if first >> 8 not in (0xF8, 0xF9) else "Thumb-2"
    if group == 0b11101:
        return _shifted(first, second) if first >> 9 & 1 else _multiple_or_exclusive(first, second)
    return _register(first, second)


def _branch_or_control(first: int, second: int) -> Part:
    """A5.3.4; Armv6-M has BL, MSR, MRS, the barriers and UDF of them (DDI 0419E, A5.3)."""
    if second & 0xD000 == 0xD000:  # BL
        return "Armv6-M"
    if second & 0xD000 == 0xC000:  # DDI 0553B, C2.3.3: loops without overhead
        return "Armv8.1-M"
    moves = first & 0xFFE0 == 0xF380 or first == 0xF3EF
    moves = moves and second & 0xFF not in _MASKS
    barrier = first == 0xF3BF and second & 0xFFF0 in _BARRIERS
    if second & 0xD000 == 0x8000 and (moves or barrier):
        return "Armv6-M"
    udf = first & 0xFFF0 == 0xF7F0 and second & 0xF000 == 0xA000
    return "Armv6-M" if udf else "Thumb-2"


def _immediate(first: int, second: int) -> Part:
    """A5.3.1 and A5.3.3: SSAT16 and USAT16 are SSAT and USAT with a right shift by nothing."""
    saturates = first & 0xFBF0 in (0xF320, 0xF3A0) and not second & 0x70C0
    return "DSP" if saturates else "Thumb-2"


def _multiple_or_exclusive(first: int, second: int) -> Part:
    """A5.3.5 and A5.3.6."""
    if (first, second) == (0xE97F, 0xE97F):  # SG
        return "Armv8-M"
    if first & 0xFFF0 == 0xE840 and second & 0xF03F == 0xF000:  # TT
        return "Armv8-M"
    if first & 0xFFE0 == 0xE8C0 and second >> 7 & 1:  # LDA, STL and their kind
        return "Armv8-M"
    return "Thumb-2"


def _shifted(first: int, second: int) -> Part:
    """A5.3.11."""
    if first & 0xFFE0 == 0xEAC0:  # PKHBT, PKHTB
        return "DSP"
    # DDI 0553B, C2.3.2: CSEL and long shifts lie in what ORR cannot be
    if second >> 15 or (first & 0xFFE0 == 0xEA40 and second & 0xF in (13, 15)):
        return "Armv8.1-M"
    return "Thumb-2"


def _register(first: int, second: int) -> Part:
    """A5.3.7 to A5.3.10 are loads and stores, then A5.3.12 to A5.3.17."""
    if first >> 9 & 1 == 0:
        return "undefined" if first & 0xFF10 == 0xF900 else "Thumb-2"
    if first >> 8 == 0xFA:
        return _data_processing(first, second)
    return _long_multiply(first, second) if first >> 7 & 1 else _multiply(first, second)


def _data_processing(first: int, second: int) -> Part:
    operation, variant = first >> 4 & 0xF, second >> 4 & 0xF
    if operation < 8:
        if variant == 0:  # shifts
            return "Thumb-2"
        plain = first & 0xF == 0xF and operation not in (2, 3)  # SXTAH, SXTB16 and so on are DSP
        return "Thumb-2" if variant >> 3 and plain else "DSP"
    if variant >> 2 == 0b10 and operation in (9, 11):  # REV, REV16, RBIT, REVSH; CLZ
        return "Thumb-2"
    return "undefined" if operation >= 12 and variant >> 3 else "DSP"


def _multiply(first: int, second: int) -> Part:
    return "DSP" if first >> 4 & 7 or second >> 5 & 7 else "Thumb-2"


def _long_multiply(first: int, second: int) -> Part:
    operation, variant = first >> 4 & 7, second >> 4 & 0xF
    divides = operation in (1, 3) and variant == 0xF
    multiplies = operation in (0, 2, 4, 6) and variant == 0
    return "Thumb-2" if divides or multiplies else "DSP"


def _coprocessor(first: int, second: int) -> Part:
    """A5.3.18, A6.4 to A6.7; C2.3.7 of DDI 0553B: what begins with EF and FF is MVE."""
    if first >> 8 in (0xEF, 0xFF):
        return "Armv8.1-M"
    number = second >> 8 & 0xF
    if number not in _FPU_COPROCESSORS:
        return "Armv8.1-M" if number in (8, 9, 14, 15) else "coprocessor"
    computes = first >> 8 in (0xEE, 0xFE) and not second >> 4 & 1
    widens = first & 0xFFBF == 0xEEB7 and second & 0xED0 == 0xAC0  # A7.7.231: VCVT.F64.F32
    if computes and (number == 11 or widens):
        return "double precision FPU"
    return "FPv5" if first >> 12 == 0xF else "FPU"
