"""The input that costs are counted with, the same for every engine."""

import numpy as np

from tinykit.core.graph import Graph


def fixed_input(graph: Graph) -> bytes:
    """Return the input as bytes.

    One xorshift32 step a byte, start state 1, the upper 8 bits of each state; float inputs are 0.5.
    """
    rows = []
    state = 1
    for number in graph.inputs:
        tensor = graph.tensors[number]
        if tensor.dtype == "float32":
            rows.append(np.full(tensor.elements, 0.5, np.float32).tobytes())
            continue
        values = bytearray()
        for _ in range(tensor.bytes):
            state ^= (state << 13) & 0xFFFFFFFF
            state ^= state >> 17
            state ^= (state << 5) & 0xFFFFFFFF
            values.append(state >> 24)
        if tensor.dtype == "bool":
            values = bytearray(value & 1 for value in values)
        rows.append(bytes(values))
    return b"".join(rows)
