"""Count what training costs: the multiply-accumulates of forward and backward passes."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class LayerCost:
    """Hold what one layer multiplies for one sample.

    Attributes:
        name: of the layer.
        places: how often its kernels are applied.
        kernels: their Keras variables.
        first: nothing before it has weights, so that nothing needs the gradient of its inputs.
    """

    name: str
    places: int
    kernels: tuple[Any, ...]
    first: bool

    @property
    def forward(self) -> int:
        """Return the multiply-accumulates of its forward pass."""
        return self.places * sum(_size(kernel) for kernel in self.kernels)

    @property
    def backward(self) -> int:
        """Return those of its backward pass: for its weights, and for its inputs."""
        return (1 if self.first else 2) * self.forward

    def left(self) -> int:
        """Return those of its forward pass whose weight is not zero now."""
        return self.places * sum(int(np.count_nonzero(each.numpy())) for each in self.kernels)


@dataclass(frozen=True, slots=True)
class SampleCost:
    """Hold the multiply-accumulates of a model for one sample.

    Attributes:
        layers: each layer that multiplies inputs by weights.
        uncounted: layers with kernels whose cost is not known.
    """

    layers: tuple[LayerCost, ...]
    uncounted: tuple[str, ...]

    @property
    def forward(self) -> int:
        """Return the multiply-accumulates of one forward pass."""
        return sum(layer.forward for layer in self.layers)

    @property
    def step(self) -> int:
        """Return the multiply-accumulates of one forward and one backward pass."""
        return self.forward + sum(layer.backward for layer in self.layers)


def sample_cost(model: Any) -> SampleCost:
    """Count a built functional or sequential model, nested models included.

    Going backward a layer costs its forward pass twice, once for the gradient of its weights and
    once for that of its inputs, which the first layer does not need.
    """
    layers: list[LayerCost] = []
    uncounted: list[str] = []
    for layer in _innermost(model):
        kernels = tuple(weight for weight in layer.weights if len(weight.shape) > 1)
        places = _positions(layer) if kernels and _is_known(layer) else None
        if places is not None:
            layers.append(LayerCost(str(layer.name), places, kernels, not layers))
        elif kernels:
            uncounted.append(str(layer.name))
    return SampleCost(tuple(layers), tuple(uncounted))


def _is_known(layer: Any) -> bool:
    """Tell whether a layer multiplies every kernel once at each place."""
    import keras

    kinds = keras.layers
    exactly = (kinds.Dense, kinds.Conv1D, kinds.Conv2D, kinds.Conv3D)
    families = kinds.SeparableConv1D | kinds.SeparableConv2D
    return type(layer) in exactly or isinstance(
        layer, families | kinds.DepthwiseConv1D | kinds.DepthwiseConv2D
    )


def _innermost(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        if getattr(layer, "layers", None):
            yield from _innermost(layer)
        else:
            yield layer


def _positions(layer: Any) -> int | None:
    """Return how often a kernel is applied: the output's places, whatever its channels."""
    import keras

    try:
        shape = tuple(layer.output.shape)
    except (AttributeError, ValueError):  # never called, or called more than once
        return None
    channels_first = getattr(layer, "data_format", "") == "channels_first"
    if channels_first and not isinstance(layer, keras.layers.Dense):
        places = shape[2:]
    else:
        places = shape[1:-1]
    return None if None in places else prod(places)


def _size(variable: Any) -> int:
    return prod(int(extent) for extent in variable.shape)
