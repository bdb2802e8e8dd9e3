"""Which functions one inference spends its instructions in."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from tinykit.host.emulator import Block
from tinykit.host.image import Image, Symbol

_UNKNOWN = "?"  # code of no function: there is none in an image of ours


@dataclass(frozen=True, slots=True)
class Hot:
    """Hold what a function itself costs, without what it calls.

    Attributes:
        function: its name in C; copies that the compiler made have names of their own.
        unit: the file that it is in; empty where the image does not tell.
        instructions, cycles_estimate: in one inference.
    """

    function: str
    unit: str
    instructions: int
    cycles_estimate: int


def hot_functions(image: Image, blocks: Sequence[Block]) -> list[Hot]:
    """Add up blocks by the functions of an image, the hottest first."""
    # a local function comes with its file, a global one may share its address with an alias
    functions = [symbol for symbol in image.symbols if symbol.kind == "function"]
    starts = [symbol.address for symbol in functions]
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for block in blocks:
        at = bisect_right(starts, block.address)
        found = functions[at - 1] if at else None
        key = (found.name, found.unit) if found and _holds(found, block) else (_UNKNOWN, "")
        instructions, cycles = sums.get(key, (0, 0))
        sums[key] = instructions + block.instructions, cycles + block.cycles_estimate
    hot = [Hot(*key, *costs) for key, costs in sums.items()]
    return sorted(hot, key=lambda each: (-each.instructions, each.function, each.unit))


def _holds(symbol: Symbol, block: Block) -> bool:
    # assembly may give no size: then it reaches to the next function
    return not symbol.bytes or block.address < symbol.address + symbol.bytes
