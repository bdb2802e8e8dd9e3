"""A strict block of registers: what its table does not allow is refused by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

WORD = 0xFFFFFFFF


class RefusedError(Exception):
    """Say what the model of the hardware does not allow; ends the emulation."""


@dataclass(frozen=True, slots=True)
class Register:
    """Describe one register: its name, who may access it, which bits may be set."""

    name: str
    access: str = "rw"
    writable: int = WORD
    reset: int = 0


Table = Mapping[int, Register]


def table(*rows: tuple[int, Register] | Iterable[tuple[int, Register]]) -> dict[int, Register]:
    """Join single rows and arrays of rows into one table by offset."""
    joined: dict[int, Register] = {}
    for row in rows:
        if isinstance(row, tuple):
            joined[row[0]] = row[1]
        else:
            joined.update(row)
    return joined


def array(name: str, offset: int, count: int, writable: int = WORD) -> list[tuple[int, Register]]:
    """List `count` registers NAME[0], NAME[1], ... four bytes apart."""
    return [(offset + 4 * i, Register(f"{name}[{i}]", writable=writable)) for i in range(count)]


class RegisterBlock:
    """Hold the registers of one peripheral; subclasses say what accesses do."""

    def __init__(self, name: str, base: int, registers: Table) -> None:
        self.name = name
        self.base = base
        self.registers = registers
        self.values = {register.name: register.reset for register in registers.values()}

    def read(self, offset: int, size: int) -> int:
        """Read a register as the CPU does."""
        register = self._lookup(offset, size, "read")
        if "r" not in register.access:
            raise RefusedError(f"read of {self.name}.{register.name}, which is write-only")
        return self.on_read(register.name) & WORD

    def write(self, offset: int, size: int, value: int) -> None:
        """Write a register as the CPU does."""
        register = self._lookup(offset, size, "write")
        what = f"write of 0x{value:08x} to {self.name}.{register.name}"
        if "w" not in register.access:
            raise RefusedError(f"{what}, which is read-only")
        if value & ~register.writable:
            raise RefusedError(f"{what}, which has only the bits 0x{register.writable:08x}")
        self.on_write(register.name, value)

    def on_read(self, name: str) -> int:
        """Return what a read of the register gives."""
        return self.values[name]

    def on_write(self, name: str, value: int) -> None:
        """Do what a write to the register does."""
        self.values[name] = value

    def _lookup(self, offset: int, size: int, access: str) -> Register:
        register = self.registers.get(offset & ~3)
        if register is None:
            raise RefusedError(
                f"{access} of {8 * size} bits at 0x{self.base + offset:08x}: "
                f"{self.name}+0x{offset:03x} is not modelled"
            )
        if size != 4 or offset & 3:
            raise RefusedError(
                f"{access} of {8 * size} bits at 0x{self.base + offset:08x}: "
                f"{self.name}.{register.name} takes whole words"
            )
        return register
