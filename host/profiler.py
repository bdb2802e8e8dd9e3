"""Count instructions, cycles and stack of emulated firmware, in all and for each layer of a model.

The emulator reports each block of straight code as it starts. An edge from one block to the next
says how the first one ended, so instructions are exact and a branch is known to be taken or not.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from tinykit.host.cycles import BlockCost, block_cost
from tinykit.host.split import Split

PAINT = 0xA5
SIZE_BITS = 12  # a block has at most 512 instructions
EDGE_SHIFT = 32

BlockHook = Callable[[object, int, int, object], None]


@dataclass(frozen=True, slots=True)
class Cost:
    """Give instructions executed and cycles estimated; `stack_bytes` below the call's entry.

    `jumps` says how often the code went on elsewhere than behind a block.
    """

    instructions: int
    cycles: int
    jumps: int
    stack_bytes: int


@dataclass(slots=True)
class Block:
    """Count what a block of straight code at an address has cost."""

    address: int
    instructions: int = 0
    cycles: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """Give the cost of one call of `invoke`: in all, layer by layer, and block by block."""

    total: Cost
    layers: tuple[Cost, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Cpu:
    """Give what the profiler asks the CPU."""

    read: Callable[[int, int], bytes]
    write: Callable[[int, bytes], None]
    stack_pointer: Callable[[], int]
    link_register: Callable[[], int]


@dataclass(slots=True)
class _Running:
    """Hold the marks of a call that has not returned."""

    stack_pointer: int
    return_address: int
    instructions: int
    cycles: int
    jumps: int
    layers: list[Cost] = field(default_factory=list)
    blocks: dict[int, Block] = field(default_factory=dict)


class Profiler:
    """Account for every block; `split` says which calls are counted, and their layers.

    `stack_floor` gives the lowest address that the stack may grow to from a stack pointer.
    """

    def __init__(self, cpu: Cpu, split: Split, stack_floor: Callable[[int], int]) -> None:
        self.instructions = 0
        self.cycles = 0
        self.jumps = 0
        self.last_call: Call | None = None
        self.last_edge = 0
        self.fpu_used = False
        self._cpu = cpu
        self._split = split
        self._stack_floor = stack_floor
        self._counts: defaultdict[int, int] = defaultdict(int)
        self._costs: dict[int, BlockCost] = {}
        self._running: _Running | None = None
        self._kernel_ran = False
        self._watched = [split.start]
        self._stopping: list[bool] = []
        self._lowest_sp = 1 << 32

    def reset(self) -> None:
        """Forget everything but the costs of blocks."""
        self._counts.clear()
        self.instructions = self.cycles = self.jumps = 0
        self.last_call = self._running = None
        self.fpu_used = self._kernel_ran = False
        self._watched[0] = self._split.start
        self._stopping.clear()
        self._lowest_sp = 1 << 32

    def block_hook(
        self, stop: Callable[[], None], failed: Callable[[Exception], None]
    ) -> BlockHook:
        """Make the function to call as each block starts; it is the emulator's hottest path.

        `stop` is called at the first block after `stop_soon`: that block is not counted, since
        unicorn will announce it once more when it goes on.
        """
        counts, watched, stopping = self._counts, self._watched, self._stopping
        low, high = self._split.caller.start, self._split.caller.stop
        previous = 0

        def on_block(_cpu: object, address: int, size: int, _data: object) -> None:
            nonlocal previous
            if stopping:
                stopping.clear()
                stop()
                return
            counts[previous | address] += 1
            if low <= address < high or address == watched[0]:
                try:
                    self._mark(address, previous >> EDGE_SHIFT + SIZE_BITS)
                except Exception as error:  # an exception cannot cross the emulator's C frames
                    failed(error)
            previous = (address << SIZE_BITS | size) << EDGE_SHIFT
            self.last_edge = previous

        return on_block

    def stop_soon(self) -> None:
        """Have `stop` called at the next block."""
        self._stopping[:] = [True]

    def last_block(self) -> tuple[int, int]:
        """Return address and size of the block that runs, or ran last."""
        source = self.last_edge >> EDGE_SHIFT
        return source >> SIZE_BITS, source & (1 << SIZE_BITS) - 1

    def flush(self) -> None:
        """Add up the blocks that have ended since the last flush."""
        kernels = self._split.kernels
        for edge, count in self._counts.items():
            if edge & (1 << EDGE_SHIFT) - 1 in kernels:
                self._kernel_ran = True
            source = edge >> EDGE_SHIFT
            if source == 0:
                continue
            cost = self._costs.get(source) or self._new_cost(source)
            end = (source >> SIZE_BITS) + (source & (1 << SIZE_BITS) - 1)
            ahead = edge & (1 << EDGE_SHIFT) - 1 == end
            instructions = count * cost.instructions
            cycles = count * (cost.ahead if ahead else cost.away)
            self.instructions += instructions
            self.cycles += cycles
            self.jumps += 0 if ahead else count
            self.fpu_used = self.fpu_used or cost.uses_fpu
            if self._running is not None:
                address = source >> SIZE_BITS
                block = self._running.blocks.setdefault(address, Block(address))
                block.instructions += instructions
                block.cycles += cycles
        self._counts.clear()

    def stack_high_water(self, top: int) -> int:
        """Return how many bytes below `top` have ever been written since reset."""
        self._lowest_sp = min(self._lowest_sp, self._lowest_written(top))
        return max(0, top - self._lowest_sp)

    def _new_cost(self, source: int) -> BlockCost:
        code = self._cpu.read(source >> SIZE_BITS, source & (1 << SIZE_BITS) - 1)
        cost = self._costs[source] = block_cost(code)
        return cost

    def _mark(self, address: int, before: int) -> None:
        """Note that a block of the caller of kernels starts, or one of invoke's two ends."""
        running = self._running
        if running is None:
            if address == self._split.start:
                self._begin()
        elif address == running.return_address:
            self._finish(running, self._came_back(before))
        elif self._came_back(before):
            self._end_layer(running)

    def _came_back(self, before: int) -> bool:
        """Tell whether a kernel has just returned."""
        if before in self._split.caller:
            return False
        if not self._split.kernels:
            return True
        self.flush()
        return self._kernel_ran

    def _begin(self) -> None:
        self.flush()
        self._kernel_ran = False
        pointer = self._cpu.stack_pointer()
        self._lowest_sp = min(self._lowest_sp, self._lowest_written(pointer))
        self._paint(pointer)
        back = self._cpu.link_register() & ~1
        self._running = _Running(pointer, back, self.instructions, self.cycles, self.jumps)
        self._watched[0] = back

    def _end_layer(self, running: _Running) -> None:
        self.flush()
        self._kernel_ran = False
        lowest = self._lowest_written(running.stack_pointer)
        lowest = min(lowest, self._cpu.stack_pointer())
        self._lowest_sp = min(self._lowest_sp, lowest)
        running.layers.append(
            Cost(
                self.instructions - running.instructions,
                self.cycles - running.cycles,
                self.jumps - running.jumps,
                running.stack_pointer - lowest,
            )
        )
        running.instructions, running.cycles = self.instructions, self.cycles
        running.jumps = self.jumps
        self._paint(self._cpu.stack_pointer())

    def _finish(self, running: _Running, came_back: bool) -> None:
        """Close the call; what follows the last kernel in invoke itself is the last layer's."""
        self._end_layer(running)
        if not came_back and len(running.layers) > 1:
            tail, last = running.layers.pop(), running.layers.pop()
            running.layers.append(
                Cost(
                    last.instructions + tail.instructions,
                    last.cycles + tail.cycles,
                    last.jumps + tail.jumps,
                    max(last.stack_bytes, tail.stack_bytes),
                )
            )
        layers = tuple(running.layers)
        total = Cost(
            sum(layer.instructions for layer in layers),
            sum(layer.cycles for layer in layers),
            sum(layer.jumps for layer in layers),
            max(layer.stack_bytes for layer in layers),
        )
        blocks = tuple(running.blocks[address] for address in sorted(running.blocks))
        self.last_call, self._running = Call(total, layers, blocks), None
        self._watched[0] = self._split.start
        self._leave_trace()

    def _leave_trace(self) -> None:
        """Write where the stack was deepest: the firmware looks for that, and we have painted."""
        if self._lowest_sp < self._cpu.stack_pointer():
            self._cpu.write(self._lowest_sp, bytes(4))

    def _paint(self, pointer: int) -> None:
        floor = self._stack_floor(pointer)
        self._cpu.write(floor, bytes([PAINT]) * (pointer - floor))

    def _lowest_written(self, pointer: int) -> int:
        floor = self._stack_floor(pointer)
        free = self._cpu.read(floor, pointer - floor)
        # What is pushed is words, and one that equals the paint by chance does not matter unless
        # it is the deepest.
        return (pointer - len(free.lstrip(bytes([PAINT])))) & ~3
