"""Find the kernels of a Keras model that pruning may thin out."""

from dataclasses import dataclass
from typing import Any

KERNEL_NAMES = ("kernel", "pointwise_kernel", "recurrent_kernel")


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


@dataclass(frozen=True, slots=True)
class Prunable:
    """Hold the Keras variables of a model that pruning thins out, and what it leaves alone."""

    kernels: tuple[Any, ...]
    left_dense: tuple[LeftDense, ...]


def find_kernels(model: Any) -> Prunable:
    """Sort a model's weights into kernels to prune and tensors of rank 2 or more left dense.

    Vectors (biases, batch normalization) are neither.
    """
    owners = _owners(model)
    kernels: list[Any] = []
    left: list[LeftDense] = []
    for variable in model.weights:
        if len(variable.shape) < 2 or any(variable is kernel for kernel in kernels):
            continue
        reason = _reason_to_leave(variable, owners.get(id(variable)))
        if reason:
            left.append(LeftDense(kernel_name(model, variable), _size(variable), reason))
        else:
            kernels.append(variable)
    return Prunable(tuple(kernels), tuple(left))


def kernel_name(model: Any, variable: Any) -> str:
    """Name a kernel by its layer's path in the model, as the reports do."""
    return str(variable.path).removeprefix(f"{model.name}/").removesuffix("/kernel")


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


def _owners(model: Any) -> dict[int, Any]:
    """Find the innermost layer of each variable; layers come outermost first."""
    owners: dict[int, Any] = {}
    for layer in model._flatten_layers(include_self=True, recursive=True):
        for variable in layer.weights:
            owners[id(variable)] = layer
    return owners


def _size(variable: Any) -> int:
    size = 1
    for extent in variable.shape:
        size *= int(extent)
    return size
