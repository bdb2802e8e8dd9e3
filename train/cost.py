"""Count what training costs: the multiply-accumulates of forward and backward passes."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any


@dataclass(frozen=True, slots=True)
class LayerCost:
    """Hold the multiply-accumulates of one layer for one sample."""

    name: str
    forward: int
    backward: int


@dataclass(frozen=True, slots=True)
class TrainingCost:
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


def training_cost(model: Any) -> TrainingCost:
    """Count a built functional or sequential model, nested models included.

    Going backward a layer costs its forward pass twice, once for the gradient of its weights and
    once for that of its inputs, which the first layer does not need.
    """
    layers: list[LayerCost] = []
    uncounted: list[str] = []
    for layer in _innermost(model):
        forward = forward_macs(layer)
        if forward is None:
            uncounted.append(str(layer.name))
        elif forward:
            passes = 2 if layers else 1
            layers.append(LayerCost(str(layer.name), forward, passes * forward))
    return TrainingCost(tuple(layers), tuple(uncounted))


def forward_macs(layer: Any) -> int | None:
    """Return a layer's multiply-accumulates for one sample; None when they are not known."""
    import keras

    kinds = keras.layers
    if not any(len(weight.shape) > 1 for weight in layer.weights):
        return 0
    positions = _positions(layer)
    if positions is None:
        return None
    if isinstance(layer, kinds.SeparableConv1D | kinds.SeparableConv2D):
        return positions * (_size(layer.depthwise_kernel) + _size(layer.pointwise_kernel))
    if isinstance(layer, kinds.DepthwiseConv1D | kinds.DepthwiseConv2D):
        return positions * _size(layer.kernel)
    if type(layer) in (kinds.Dense, kinds.Conv1D, kinds.Conv2D, kinds.Conv3D):
        return positions * _size(layer.kernel)
    return None


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
