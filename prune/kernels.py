"""Find the kernels of a Keras model that pruning may thin out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.errors import TinykitError

KERNEL_NAMES = ("kernel", "pointwise_kernel", "recurrent_kernel")
MOST_NAMES = 8


@dataclass(frozen=True, slots=True)
class LeftDense:
    """Name weights that pruning leaves alone.

    Attributes:
        name: the path of the weights in the model.
        weights: how many.
        reason: why.
    """

    name: str
    weights: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class PrunableKernel:
    """Hold a Keras variable that pruning thins out.

    Attributes:
        variable: the weights.
        name: the path of its layer in the model.
        output_axes: which of its axes count the layer's outputs.
    """

    variable: Any
    name: str
    output_axes: tuple[int, ...]

    def matrix(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give values of its shape as (outputs, inputs), inputs in the order that kernels read."""
        front = np.moveaxis(values, self.output_axes, range(len(self.output_axes)))
        return front.reshape(prod(front.shape[: len(self.output_axes)]), -1)

    def from_matrix(self, matrix: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Take values as `matrix` gives them back to its shape."""
        shape = tuple(int(extent) for extent in self.variable.shape)
        inner = tuple(n for axis, n in enumerate(shape) if axis not in self.output_axes)
        front = matrix.reshape(*(shape[axis] for axis in self.output_axes), *inner)
        return np.moveaxis(front, range(len(self.output_axes)), self.output_axes)


@dataclass(frozen=True, slots=True)
class Prunable:
    """Hold the kernels of a model that pruning thins out, and what it leaves alone."""

    kernels: tuple[PrunableKernel, ...]
    left_dense: tuple[LeftDense, ...]


def find_kernels(model: Any, exclude: Sequence[str] = ()) -> Prunable:
    """Sort a model's weights into kernels to prune and tensors of rank 2 or more left dense.

    Vectors (biases, batch normalization) are neither.

    Args:
        model: a Keras model, built.
        exclude: names or patterns of layers to leave dense.

    Raises:
        TinykitError: one of these fits no kernel.
    """
    owners = _owners(model)
    kernels: list[PrunableKernel] = []
    left: list[LeftDense] = []
    for variable in model.weights:
        known = any(variable is kernel.variable for kernel in kernels)
        if len(variable.shape) < 2 or known:
            continue
        owner, name = owners.get(id(variable)), kernel_name(model, variable)
        reason = _reason_to_leave(variable, owner) or _excluded(name, exclude)
        if reason:
            left.append(LeftDense(name, _size(variable), reason))
        else:
            kernels.append(PrunableKernel(variable, name, _output_axes(variable, owner)))
    names = [kernel.name for kernel in kernels] + [entry.name for entry in left]
    refuse_strange_names(exclude, names)
    return Prunable(tuple(kernels), tuple(left))


def kernel_name(model: Any, variable: Any) -> str:
    """Name a kernel by its layer's path in the model, as the reports do."""
    return str(variable.path).removeprefix(f"{model.name}/").removesuffix("/kernel")


def fits(name: str, pattern: str) -> bool:
    """Say whether a pattern is a kernel's whole path, or one of the names in it."""
    return any(fnmatchcase(each, pattern) for each in (name, *name.split("/")))


def refuse_strange_names(patterns: Iterable[str], names: Sequence[str]) -> None:
    """Raise TinykitError if a pattern fits none of the kernels' names."""
    for pattern in patterns:
        if not any(fits(name, pattern) for name in names):
            more = ", ..." if len(names) > MOST_NAMES else ""
            raise TinykitError(
                f"no layer with a kernel is called '{pattern}'",
                f"layers: {', '.join(names[:MOST_NAMES])}{more}",
            )


def _reason_to_leave(variable: Any, owner: Any) -> str:
    import keras

    if not variable.trainable:
        return "frozen (trainable is False)"
    if variable.name == "depthwise_kernel" or isinstance(
        owner, keras.layers.DepthwiseConv1D | keras.layers.DepthwiseConv2D
    ):
        return "depthwise (few weights, each used by one channel)"
    if variable.name not in KERNEL_NAMES:
        return f"not a kernel but {variable.name!r}"
    return ""


def _excluded(name: str, exclude: Sequence[str]) -> str:
    pattern = next((each for each in exclude if fits(name, each)), None)
    return "" if pattern is None else f"excluded by '{pattern}'"


def _output_axes(variable: Any, owner: Any) -> tuple[int, ...]:
    import keras

    kinds = keras.layers
    last = len(variable.shape) - 1
    if isinstance(owner, kinds.Conv1DTranspose | kinds.Conv2DTranspose | kinds.Conv3DTranspose):
        return (last - 1,)
    if isinstance(owner, kinds.EinsumDense):  # attention: "abc,cde->abde" has outputs d and e
        operands, result = owner.equation.split("->")
        letters = operands.split(",")[1]
        axes = tuple(axis for axis, letter in enumerate(letters) if letter in result)
        return axes or (last,)
    return (last,)


def _owners(model: Any) -> dict[int, Any]:
    """Find the innermost layer of each variable; layers come outermost first."""
    owners: dict[int, Any] = {}
    for layer in model._flatten_layers(include_self=True, recursive=True):
        for variable in layer.weights:
            owners[id(variable)] = layer
    return owners


def _size(variable: Any) -> int:
    return prod(int(extent) for extent in variable.shape)
