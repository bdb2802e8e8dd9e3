"""Which sections of the nRF52840's RAM have power.

Product Specification v1.7, 4.2.2 and 5.3 (RAM power control): RAM0 to RAM7 have two sections of
4 KiB each, RAM8 has the rest in sections of 32 KiB. The nRF52833 has fewer of the latter.
"""

from tinykit.host.registers import RefusedError, Register

RAM_BASE = 0x20000000
BANKS = 9
_SMALL = 16  # sections of RAM0 to RAM7
_SMALL_BYTES, _LARGE_BYTES = 0x1000, 0x8000
_ALL = 0xFFFF  # after reset; what is kept in System OFF stands above, and is not modelled


def rows() -> list[tuple[int, Register]]:
    """Return the registers, by offset in POWER."""
    found = []
    for bank in range(BANKS):
        for offset, suffix in ((0, "POWER"), (4, "POWERSET"), (8, "POWERCLR")):
            register = Register(f"RAM[{bank}].{suffix}", writable=_ALL, reset=_ALL)
            found.append((0x900 + 0x10 * bank + offset, register))
    return found


class RamPower:
    """Follow writes to the registers.

    Attributes:
        dark: the addresses of the sections without power.
    """

    def __init__(self, ram_bytes: int) -> None:
        self._sections = _sections(ram_bytes)
        self._powered = [_ALL] * BANKS
        self.dark: frozenset[range] = frozenset()

    def read(self, name: str) -> int:
        """Return which sections of a bank have power."""
        return self._powered[int(name[4])]

    def write(self, name: str, value: int) -> None:
        """Switch sections on or off.

        Raises:
            RefusedError: the chip has no such section.
        """
        bank = int(name[4])
        before = self._powered[bank]
        match name.partition(".")[2]:
            case "POWERSET":
                after = before | value
            case "POWERCLR":
                after = before & ~value
            case _:
                after = value
        unknown = (before ^ after) & ~sum(1 << bit for at, bit in self._sections if at == bank)
        if unknown:
            raise RefusedError(f"POWER.{name}: RAM{bank} has no section of 0x{unknown:04x}")
        self._powered[bank] = after
        self.dark = frozenset(
            addresses
            for (at, bit), addresses in self._sections.items()
            if not self._powered[at] >> bit & 1
        )


def _sections(ram_bytes: int) -> dict[tuple[int, int], range]:
    """Return the addresses of each section, by bank and bit."""
    found: dict[tuple[int, int], range] = {}
    start = RAM_BASE
    while start < RAM_BASE + ram_bytes:
        number = len(found)
        small = number < _SMALL
        size = _SMALL_BYTES if small else _LARGE_BYTES
        place = divmod(number, 2) if small else (BANKS - 1, number - _SMALL)
        found[place] = range(start, start + size)
        start += size
    return found
