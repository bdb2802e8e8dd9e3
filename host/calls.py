"""Find where a function's machine code calls others: Thumb and RISC-V, as a debugger needs it."""

from collections.abc import Iterator
from dataclasses import dataclass

_RETURN_REGISTER = 1  # x1, RISC-V unprivileged specification, chapter 25


@dataclass(frozen=True, slots=True)
class Calls:
    """Give a function's calls.

    Attributes:
        returns: where they return to.
        targets: what they call; -1 where a register or two instructions say it.
        ends_in_call: the function ends by jumping into another.
    """

    returns: tuple[int, ...]
    targets: tuple[int, ...]
    ends_in_call: bool


def find_calls(code: bytes, address: int, riscv: bool) -> Calls:
    """Read a function's code; data between it, a literal pool, is harmless."""
    found = _riscv(code, address) if riscv else _thumb(code, address)
    returns: list[int] = []
    targets: list[int] = []
    jumps = False
    inside = range(address, address + len(code))
    for after, target, links in found:
        if links:
            returns.append(after)
            targets.append(target)
        elif target not in inside:
            jumps = True
    return Calls(tuple(returns), tuple(targets), jumps)


def _thumb(code: bytes, address: int) -> Iterator[tuple[int, int, bool]]:
    """Yield the address behind each branch, its target (-1: in a register), whether it links."""
    at = 0
    while at + 2 <= len(code):
        first = int.from_bytes(code[at : at + 2], "little")
        size = 4 if first >> 11 in (0b11101, 0b11110, 0b11111) else 2  # DDI 0403E, A5.1
        after = address + at + size
        second = int.from_bytes(code[at + 2 : at + 4], "little") if size == 4 else 0
        if size == 4 and first >> 11 == 0b11110 and second >> 14 == 0b11:  # A7.7.18 BL
            yield after, _thumb_target(first, second, after), True
        elif size == 4 and first >> 11 == 0b11110 and second & 0xD000 == 0x9000:  # A7.7.12 B, T4
            yield after, _thumb_target(first, second, after), False
        elif first >> 11 == 0b11100:  # B, T2
            yield after, after + 2 + _signed(first & 0x7FF, 11) * 2, False
        elif first & 0xFF87 == 0x4780:  # A7.7.19 BLX
            yield after, -1, True
        at += size


def _thumb_target(first: int, second: int, after: int) -> int:
    sign = first >> 10 & 1
    i1, i2 = ((second >> bit & 1) ^ sign ^ 1 for bit in (13, 11))
    offset = sign << 23 | i1 << 22 | i2 << 21 | (first & 0x3FF) << 11 | second & 0x7FF
    return after + _signed(offset, 24) * 2


def _riscv(code: bytes, address: int) -> Iterator[tuple[int, int, bool]]:
    """Yield the same; jumps of a function inside itself are relative and short."""
    at = 0
    while at + 2 <= len(code):
        word = int.from_bytes(code[at : at + 4], "little")
        size = 4 if word & 3 == 3 else 2
        after = address + at + size
        register = word >> 7 & 0x1F
        if size == 4 and word & 0x7F == 0x6F:  # JAL
            if register or _jal_target(word) + address + at not in range(
                address, address + len(code)
            ):
                yield after, -1, register == _RETURN_REGISTER
        elif size == 4 and word & 0x707F == 0x67:  # JALR
            if register or word >> 15 & 0x1F != _RETURN_REGISTER:
                yield after, -1, register == _RETURN_REGISTER
        elif size == 2 and (word & 0xE003 == 0x2001 or (word & 0xF07F == 0x9002 and register)):
            yield after, -1, True  # C.JAL, C.JALR
        elif size == 2 and word & 0xF07F == 0x8002 and register not in (0, _RETURN_REGISTER):
            yield after, -1, False  # C.JR
        at += size


def _jal_target(word: int) -> int:
    offset = (word >> 31) << 20 | (word >> 12 & 0xFF) << 12 | (word >> 20 & 1) << 11
    return _signed(offset | (word >> 21 & 0x3FF) << 1, 21)


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> bits - 1 else value
