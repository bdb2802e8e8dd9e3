"""Which function's calls are counted, and how a call is split in layers."""

from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tinykit.core.errors import TinykitError

# MicroInterpreterGraph::InvokeSubgraph(int), and its name before the class got this one.
_TFLM_GRAPHS = (
    "_ZN6tflite21MicroInterpreterGraph14InvokeSubgraphEi",
    "_ZN6tflite10MicroGraph14InvokeSubgraphEi",
)
_TFLM_KERNEL = "P13TfLiteContextP10TfLiteNode"  # the arguments, at the end of a mangled name


@dataclass(frozen=True, slots=True)
class Split:
    """Say how a call is split.

    Attributes:
        start: where the function begins whose calls are counted; -1 if there is no single one.
        caller: the addresses of the function that calls the kernels.
        kernels: where those begin; if none are named, whatever the caller calls is a kernel.
    """

    start: int
    caller: range
    kernels: frozenset[int] = frozenset()


def find_split(elf: Path, name: str | None = None) -> Split:
    """Return how to split the calls of a function, by default of the only `*_invoke`.

    Generated code calls its kernels from invoke itself. TensorFlow Lite Micro's graph calls them
    by pointers, and other functions too: what takes a context and a node is a kernel.

    Raises:
        TinykitError: `elf` is not an ELF file, or has no function of that name.
    """
    functions = _functions(elf)
    if name is not None and name not in functions:
        raise TinykitError(f"{elf} has no function '{name}'", "was it built by tinykit build?")
    wanted = [name] if name is not None else [f for f in functions if f.endswith("_invoke")]
    if len(wanted) != 1:
        return Split(-1, range(0))
    invoke = functions[wanted[0]][0]
    for graph in _TFLM_GRAPHS:
        if graph in functions:
            kernels = [places for f, places in functions.items() if f.endswith(_TFLM_KERNEL)]
            starts = frozenset(place.start for places in kernels for place in places)
            return Split(invoke.start, functions[graph][0], starts)
    return Split(invoke.start, invoke)


def _functions(elf: Path) -> dict[str, list[range]]:
    """Return the addresses of functions by name: several files may have one of the same name."""
    try:
        with elf.open("rb") as file:
            symbols = ELFFile(file).get_section_by_name(".symtab")
            found: dict[str, list[range]] = {}
            if isinstance(symbols, SymbolTableSection):
                for symbol in symbols.iter_symbols():
                    if symbol["st_info"]["type"] == "STT_FUNC":
                        start = symbol["st_value"] & ~1
                        place = range(start, start + symbol["st_size"])
                        found.setdefault(symbol.name, []).append(place)
            return found
    except OSError as error:
        raise TinykitError(f"{elf}: {error.strerror}", "tinykit build makes it") from None
    except ELFError as error:
        raise TinykitError(f"{elf} is not an ELF file: {error}", "tinykit build makes it") from None
