"""Count one inference in QEMU, layer by layer, as a debugger that stops at each kernel's return."""

from dataclasses import dataclass

from tinykit.host.calls import find_calls
from tinykit.host.emulator import Cost, EmulationError, Profile
from tinykit.host.gdb import Gdb
from tinykit.host.image import Image
from tinykit.host.qemu_clock import Clock
from tinykit.host.split import Split

PAINT = 0xA5
MOST_STACK_BYTES = 16_384  # that are painted below the entry


@dataclass(frozen=True, slots=True)
class Registers:
    """Give the numbers of the registers in the debugger's packet."""

    stack_pointer: int
    link: int
    program_counter: int


ARM = Registers(13, 14, 15)
RISCV = Registers(2, 1, 32)


class QemuProfiler:
    """Follow one call of a function; the CPU runs when it starts and when it has ended."""

    def __init__(self, gdb: Gdb, clock: Clock, image: Image, split: Split, riscv: bool) -> None:
        self._gdb = gdb
        self._clock = clock
        self._image = image
        self._registers = RISCV if riscv else ARM
        start = split.caller.start - image.load_address
        code = image.data[start : start + len(split.caller)]
        self._split = split
        self._calls = find_calls(code, split.caller.start, riscv)

    def arm(self) -> None:
        """Have the CPU stop when the function is called."""
        self._gdb.interrupt()
        self._gdb.set_breakpoint(self._split.start)
        self._gdb.resume()

    def follow(self) -> Profile:
        """Wait for the call and account for it."""
        self._gdb.await_stop()
        registers = self._gdb.registers()
        pointer = registers[self._registers.stack_pointer]
        back = registers[self._registers.link] & ~1
        self._gdb.clear_breakpoint(self._split.start)
        kernels = self._split.kernels
        marks = {*kernels, back} if kernels else {*self._calls.returns, back}
        for mark in marks:
            self._gdb.set_breakpoint(mark)
        layers: list[tuple[int, int]] = []
        at = self._split.start
        while at != back:
            self._paint(self._gdb.registers()[self._registers.stack_pointer])
            instructions, at = self._run_to_mark()
            if at in kernels:
                into, at = self._run_kernel(marks)
                instructions += into
            layers.append((instructions, pointer - self._lowest(pointer)))
        for mark in marks:
            self._gdb.clear_breakpoint(mark)
        self._gdb.resume()
        return _profile(layers, self._calls.ends_in_call and not kernels)

    def _run_kernel(self, marks: set[int]) -> tuple[int, int]:
        """Run a named kernel, which has just been called, to its return; others may call it too."""
        back = self._gdb.registers()[self._registers.link] & ~1
        for mark in marks:
            self._gdb.clear_breakpoint(mark)
        self._gdb.set_breakpoint(back)
        counted = self._run_to_mark()
        self._gdb.clear_breakpoint(back)
        for mark in marks:
            self._gdb.set_breakpoint(mark)
        return counted

    def _run_to_mark(self) -> tuple[int, int]:
        """Run to the next mark; return the instructions until it, and where it is."""
        self._gdb.step()  # past the mark here, and past the time that the stop has cost
        start = self._now()
        self._gdb.resume()
        self._gdb.await_stop()
        counted = self._clock.instructions(start, self._now())
        return counted + 1, self._gdb.registers()[self._registers.program_counter]

    def _now(self) -> int:
        return self._clock.ticks(self._gdb.read(self._clock.address, self._clock.count))

    def _floor(self, pointer: int) -> int:
        """Return how far down the stack may grow."""
        floor = pointer - MOST_STACK_BYTES
        for section in self._image.sections:
            end = section.address + section.bytes
            if section.address < pointer <= end:
                return max(floor, section.address)
        raise EmulationError(
            f"the stack pointer is 0x{pointer:08x}, in no section", "report this with the model"
        )

    def _paint(self, pointer: int) -> None:
        floor = self._floor(pointer)
        self._gdb.write(floor, bytes([PAINT]) * (pointer - floor))

    def _lowest(self, pointer: int) -> int:
        floor = self._floor(pointer)
        free = self._gdb.read(floor, pointer - floor)
        return (pointer - len(free.lstrip(bytes([PAINT])))) & ~3


def _profile(layers: list[tuple[int, int]], ends_in_call: bool) -> Profile:
    """Join layers of instructions and bytes of stack; what follows the last kernel is its own."""
    if not ends_in_call and len(layers) > 1:
        tail, last = layers.pop(), layers.pop()
        layers.append((last[0] + tail[0], max(last[1], tail[1])))
    costs = tuple(Cost(instructions, None, stack) for instructions, stack in layers)
    total = sum(instructions for instructions, _ in layers)
    return Profile(Cost(total, None, max(stack for _, stack in layers)), costs)
