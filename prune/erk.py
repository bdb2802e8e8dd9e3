"""Give each kernel a share of zeros by its shape: the Erdos-Renyi-Kernel densities."""

from collections.abc import Sequence
from math import prod


def erk_shares(shapes: Sequence[tuple[int, ...]], final: float) -> tuple[float, ...]:
    """Return the share of zeros of each kernel, so that all together have the share `final`.

    A kernel's density is in proportion to the sum of its extents over their product, so that large
    kernels have more zeros; what would be denser than dense is dense, and the others make up for it
    (Evci et al., "Rigging the lottery: making all tickets winners", 2020, section 3, after Mocanu
    et al., 2018).
    """
    sizes = [prod(shape) for shape in shapes]
    factors = [sum(shape) / size for shape, size in zip(shapes, sizes, strict=True)]
    dense: set[int] = set()
    while True:
        others = [place for place in range(len(sizes)) if place not in dense]
        left = (1 - final) * sum(sizes) - sum(sizes[place] for place in dense)
        scale = left / sum(factors[place] * sizes[place] for place in others)
        full = {place for place in others if scale * factors[place] > 1}
        if not full:
            return tuple(
                0.0 if place in dense else 1 - scale * factor
                for place, factor in enumerate(factors)
            )
        dense |= full
