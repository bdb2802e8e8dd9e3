"""Run the image of a board that nothing emulates, as far as that needs no model of its chip.

The CPU is unicorn's and executes every instruction of the image. Of the peripherals only what the
driver waits for is here: a ready bit follows its enable bit, the serial port's bytes go to a
pseudo-terminal. An access to anything that the table of the chip does not list ends the run. That
proves start-up, second boot stage, linker script, order of the driver's steps, link and answers;
it proves nothing of the values that are written, which only a board can tell.
"""

import os
import pty
import select
import struct
import threading
import tty
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import unicorn
from unicorn import arm_const as arm

from tinykit.core.board import Board
from tinykit.host.image import Image, read_image

_THUMB = 1
_WFI = b"\x30\xbf"
_SYSTEM = 0xE000E000
_BOOT2_AT = 0x20041F00  # RP2040 datasheet, 2.8.1.3: where the boot ROM puts it
_NEVER = 0xFFFFFFFE
_MOST_INSTRUCTIONS = 400_000_000

Registers = dict[int, int]


@dataclass(frozen=True, slots=True)
class Port:
    """Say how the driver's serial port shows its state: which register, which value."""

    status: int
    receive: int
    send: int
    idle: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Chip:
    """Hold what the driver may touch.

    Attributes:
        model: unicorn's number of the core.
        registers: which may be read and written, with what they hold after reset.
        ready: by address, the value that a read gives, from all registers.
        counter: the register that counts microseconds.
        port: the serial port.
        windows: where peripherals lie, for unicorn.
        aliases: turns an address and a value into the register and what it then holds.
    """

    model: int
    registers: Registers
    ready: dict[int, Callable[[Registers], int]]
    counter: int
    port: Port
    windows: tuple[tuple[int, int], ...]
    aliases: Callable[[int, int, Registers], tuple[int, int]] = lambda a, v, _r: (a, v)


def _follow(registers: Registers, address: int, *pairs: tuple[int, int]) -> int:
    """Return a register whose ready bits follow their enable bits."""
    value = registers[address]
    for enable, ready in pairs:
        value = value & ~(1 << ready) | (value >> enable & 1) << ready
    return value


def span(base: int, *offsets: int) -> Registers:
    """List registers that hold 0 after reset."""
    return dict.fromkeys((base + offset for offset in offsets), 0)


_USART_OFFSETS = (0x00, 0x04, 0x08, 0x0C, 0x1C, 0x24, 0x28)
_TIMER_OFFSETS = (0x00, 0x14, 0x24, 0x28, 0x2C)
_GPIO_OFFSETS = (0x00, 0x0C, 0x20, 0x24)
_STM32_PORT = (0x1C, 0x24, 0x28, 1 << 7 | 1 << 23 | 1 << 6, 1 << 5)


def _stm32_port(base: int) -> Port:
    status, receive, send, idle, waiting = _STM32_PORT
    return Port(base + status, base + receive, base + send, idle, waiting)


_L4_RCC, _L4_PWR, _L4_FLASH, _L4_UART = 0x40021000, 0x40007000, 0x40022000, 0x40008000
_U5_RCC, _U5_PWR, _U5_FLASH, _U5_UART = 0x46020C00, 0x46020800, 0x40022000, 0x40013800
_TIM2 = 0x40000000


def _pico_alias(address: int, value: int, registers: Registers) -> tuple[int, int]:
    """Write, toggle, set or clear, as the second hexadecimal digit of the offset says (2.1.2)."""
    register, kind = address & ~0x3000, address >> 12 & 3
    if not 0x40000000 <= address < 0x40070000 or register not in registers:
        return address, value
    old = registers[register]
    return register, (value, old ^ value, old | value, old & ~value)[kind]


CHIPS = {
    "stm32l4r5": Chip(
        arm.UC_CPU_ARM_CORTEX_M4,
        {
            **span(_L4_RCC, 0x00, 0x08, 0x0C, 0x4C, 0x58, 0x5C, 0x88),
            _L4_RCC + 0x94: 0x0C000000,  # CSR: power-on, which drives the pin too
            **span(_L4_PWR, 0x04, 0x14),
            _L4_PWR + 0x80: 0x100,  # R1MODE
            **span(_L4_FLASH, 0x00),
            **span(_L4_UART, *_USART_OFFSETS),
            **span(_TIM2, *_TIMER_OFFSETS),
            **span(0x48001800, *_GPIO_OFFSETS),  # GPIOG
        },
        {
            _L4_RCC: lambda r: _follow(r, _L4_RCC, (8, 10), (24, 25)),
            _L4_RCC + 8: lambda r: r[_L4_RCC + 8] | (r[_L4_RCC + 8] & 3) << 2,
        },
        _TIM2 + 0x24,
        _stm32_port(_L4_UART),
        ((0x40000000, 0x30000), (0x48000000, 0x2000)),
    ),
    "stm32u575": Chip(
        arm.UC_CPU_ARM_CORTEX_M33,
        {
            _U5_RCC: 0x35,  # MSIS and MSIK run
            **span(_U5_RCC, 0x1C, 0x28, 0x34, 0x8C, 0x94, 0x9C, 0xA4, 0xE0),
            _U5_RCC + 0xF4: 0x0C000000,  # CSR
            **span(_U5_PWR, 0x08, 0x0C, 0x3C),
            **span(_U5_FLASH, 0x00),
            **span(0x40030400, 0x00, 0x04),  # ICACHE
            **span(_U5_UART, *_USART_OFFSETS),
            **span(_TIM2, *_TIMER_OFFSETS),
            **span(0x42020000, *_GPIO_OFFSETS),  # GPIOA
        },
        {
            _U5_RCC: lambda r: _follow(r, _U5_RCC, (0, 2), (8, 10), (24, 25)),
            _U5_RCC + 0x1C: lambda r: r[_U5_RCC + 0x1C] | (r[_U5_RCC + 0x1C] & 3) << 2,
            _U5_PWR + 0x3C: lambda r: r[_U5_PWR + 0x08] & 2,  # REGS follows REGSEL
            _U5_PWR + 0x0C: lambda r: _follow(r, _U5_PWR + 0x0C, (18, 14), (17, 15)),
        },
        _TIM2 + 0x24,
        _stm32_port(_U5_UART),
        ((0x40000000, 0x40000), (0x42020000, 0x2000), (0x46020000, 0x1000)),
    ),
    "rp2040": Chip(
        arm.UC_CPU_ARM_CORTEX_M0,
        {
            **span(0x18000000, 0x00, 0x04, 0x08, 0x14, 0xF4),  # SSI
            0x4000C000: 0x01FFFFFF,  # RESETS
            0x4000C008: 0,
            **span(0x40024000, 0x00, 0x04, 0x0C),  # XOSC
            **span(0x40028000, 0x00, 0x04, 0x08, 0x0C),  # PLL_SYS
            **span(0x40008000, 0x30, 0x38, 0x3C, 0x44, 0x48, 0xA8, 0xAC),  # CLOCKS
            **span(0x4005802C, 0x00),  # WATCHDOG_TICK
            0x4005800C: 0,  # SCRATCH0
            0x40064008: 1 << 8,  # CHIP_RESET: HAD_POR
            **span(0x40054028, 0x00),  # TIMERAWL
            **span(0x40014004, 0x00, 0x08),  # IO of GP0 and GP1
            **span(0x4001C004, 0x00, 0x04),  # their pads
            **span(0x40034000, 0x00, 0x18, 0x24, 0x28, 0x2C, 0x30, 0x34, 0x38, 0x44),  # UART0
        },
        {
            0x4000C008: lambda r: ~r[0x4000C000] & 0x01FFFFFF,
            0x40024004: lambda r: int(r[0x40024000] >> 12 == 0xFAB) << 31,
            0x40028000: lambda r: r[0x40028000] | int(r[0x40028004] & 0x21 == 0) << 31,
            0x40008038: lambda r: 1 << (r[0x40008030] & 3),
            0x40008044: lambda r: 1 << (r[0x4000803C] & 1),
        },
        0x40054028,
        Port(0x40034018, 0x40034000, 0x40034000, 1 << 4, 0),
        ((0x18000000, 0x1000), (0x40000000, 0x70000)),
        _pico_alias,
    ),
}


@dataclass
class Machine:
    """Hold the CPU with its memory, and the peripherals' registers."""

    board: Board
    image: Image
    found: Registers = field(default_factory=dict)
    chip: Chip = field(init=False)
    registers: Registers = field(init=False)
    arrived: deque[int] = field(default_factory=deque)
    sent: bytearray = field(default_factory=bytearray)
    refused: str = ""

    def __post_init__(self) -> None:
        """Put the image into flash, and everything else as it must not be relied on."""
        board, self.chip = self.board, self.find_chip()
        self.registers = {**self.chip.registers, **self.found}
        self._us = 0
        self._uc = unicorn.Uc(
            unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS, self.chip.model
        )
        readable = unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC
        self._uc.mem_map(board.flash.address, board.flash.bytes, readable)
        self._uc.mem_map(board.ram.address, board.ram.bytes)
        self._uc.mem_write(board.ram.address, b"\xa5" * board.ram.bytes)
        self._uc.mem_write(self.image.load_address, self.image.data)
        for base, size in (*self.chip.windows, (_SYSTEM, 0x1000)):
            self._uc.mmio_map(base, size, self._read, base, self._write, base)
        self._reset()

    def find_chip(self) -> Chip:
        """Return the table of the board's chip."""
        return CHIPS[self.board.chip]

    def run(self) -> None:
        """Run until the CPU sleeps with nothing to read."""
        while True:
            self._uc.emu_start(self._pc | _THUMB, _NEVER, count=_MOST_INSTRUCTIONS)
            if self.refused:
                raise AssertionError(self.refused)
            self._pc = self._uc.reg_read(arm.UC_ARM_REG_PC)
            asleep = bytes(self._uc.mem_read(self._pc - 2, 2)) == _WFI
            assert asleep, f"it stopped at 0x{self._pc:08x}, and not to sleep"
            if not self.arrived:
                return

    def _reset(self) -> None:
        start = self.image.load_address
        if self.board.flash.boot2_bytes:
            self._uc.mem_write(_BOOT2_AT, self.image.data[: self.board.flash.boot2_bytes])
            self._pc = _BOOT2_AT
            self._uc.reg_write(arm.UC_ARM_REG_LR, 0)
            return
        stack, entry = struct.unpack_from("<II", self._uc.mem_read(start, 8))
        self._uc.reg_write(arm.UC_ARM_REG_MSP, stack)
        self._pc = entry & ~_THUMB

    def _read(self, _uc: unicorn.Uc, offset: int, _size: int, base: int) -> int:
        address, port = base + offset, self.chip.port
        if address >= _SYSTEM:
            return 0
        if address not in self.registers:
            return self._refuse(f"read of 0x{address:08x}")
        if address == port.status:
            return port.waiting | port.idle & ~0x10 if self.arrived else port.idle
        if address == port.receive:
            return self.arrived.popleft()
        if address == self.chip.counter:
            self._us += 1
            return self._us
        ready = self.chip.ready.get(address)
        return self.registers[address] if ready is None else ready(self.registers)

    def _write(self, _uc: unicorn.Uc, offset: int, _size: int, value: int, base: int) -> None:
        if base + offset >= _SYSTEM:
            return
        address, value = self.chip.aliases(base + offset, value, self.registers)
        if address not in self.registers:
            self._refuse(f"write of 0x{value:08x} to 0x{address:08x}")
        elif address == self.chip.port.send:
            self.sent.append(value)
        else:
            self.registers[address] = value

    def _refuse(self, what: str) -> int:
        self.refused = self.refused or f"{what}, which the table of the chip has not"
        self._uc.emu_stop()
        return 0


@contextmanager
def connected(
    elf: Path, board: Board, found: Registers | None = None
) -> Iterator[tuple[str, Machine]]:
    """Run an image behind a pseudo-terminal; give its path.

    Args:
        elf: the image.
        board: what it was built for.
        found: registers that do not begin as after power-on.
    """
    machine = Machine(board, read_image(elf), found or {})
    machine.run()  # up to the first sleep
    master, slave = pty.openpty()
    tty.setraw(slave)
    stopping, stop = os.pipe()

    def serve() -> None:
        while stopping not in select.select([master, stopping], [], [])[0]:
            machine.arrived.extend(os.read(master, 4096))
            machine.run()
            os.write(master, bytes(machine.sent))
            machine.sent.clear()

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    try:
        yield os.ttyname(slave), machine
    finally:
        os.write(stop, b"x")
        server.join(10)
        for descriptor in (master, slave, stopping, stop):
            os.close(descriptor)
