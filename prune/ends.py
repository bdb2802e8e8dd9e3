"""What a Keras model takes: float values, or whole numbers such as the tokens of an Embedding."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tinykit.core.errors import TinykitError

_TWO = 2  # values of a whole number that no Embedding reads


@dataclass(frozen=True, slots=True)
class InputEnd:
    """Hold one input.

    Attributes:
        shape: of one sample; None where it is open.
        dtype: "float32", or "int32" for whole numbers.
        tokens: how many values there are of a whole number, from 0 on.
    """

    shape: tuple[int | None, ...]
    dtype: str
    tokens: int = 0


def input_ends(model: Any) -> list[InputEnd]:
    """Return the inputs of a model; a subclassed one has one, of floats, and may know no shape."""
    inputs = getattr(model, "inputs", None)
    if not inputs:
        known = getattr(model, "input_shape", None)
        return [InputEnd(tuple(known[1:]) if known else (None,), "float32")]
    return [_end(model, tensor) for tensor in inputs]


def refuse_other_inputs(
    path: Path, ends: Sequence[InputEnd], arrays: Sequence[NDArray[Any]]
) -> None:
    """Raise unless there is an array of samples, as many for each, for every input."""
    if len(ends) != len(arrays):
        names = ", ".join(f"x{i}" for i in range(len(ends))) if len(ends) > 1 else "x"
        raise TinykitError(
            f"{path} has {len(ends)} inputs, the data {len(arrays)}", f"save {names}: docs/files.md"
        )
    for number, (end, array) in enumerate(zip(ends, arrays, strict=True)):
        if array.shape[1:] != end.shape or len(array) != len(arrays[0]):
            raise TinykitError(
                f"{path}: input {number} takes samples of shape {end.shape}, x{number} of the data "
                f"has shape {array.shape}",
                "save (samples, ...) for each input, as many samples for all",
            )


def _end(model: Any, tensor: Any) -> InputEnd:
    shape = tuple(tensor.shape[1:])
    tables = [layer.input_dim for layer in model.layers if _looks_up(layer, tensor)]
    if not tables and "int" not in str(tensor.dtype):
        return InputEnd(shape, "float32")
    return InputEnd(shape, "int32", min(tables, default=_TWO))


def _looks_up(layer: Any, tensor: Any) -> bool:
    """Tell whether an Embedding reads an input, which may be given as floats in Keras."""
    if type(layer).__name__ != "Embedding":
        return False
    read = [source for node in layer._inbound_nodes for source in node.input_tensors]
    return any(source is tensor for source in read)
