"""Make copies of a Keras model with wider or narrower layers, untrained."""

from typing import Any

from tinykit.core.errors import TinykitError
from tinykit.train.backend import import_keras

SIZES = ("units", "filters")


def scaled(model: Any, factor: float) -> Any:
    """Return an untrained copy of a functional or sequential model, its widths times a factor.

    Layers that make the model's output keep their width; every other keeps at least one channel.

    Raises:
        TinykitError: the model is subclassed, or is no model any more with other widths.
    """
    keras = import_keras()
    last = _makers_of_output(model)

    def clone(layer: Any) -> Any:
        config = layer.get_config()
        for size in SIZES:
            if size in config and layer not in last:
                config[size] = max(1, round(factor * config[size]))
        return type(layer).from_config(config)

    try:
        copy = keras.models.clone_model(model, clone_function=clone)
    except (TypeError, ValueError) as error:
        text = " ".join(str(error).split())[:160]
        raise TinykitError(
            f"the model has no copy with {factor:.3f} of its channels: {text}", "leave --twin out"
        ) from error
    return copy


def expected_bytes(model: Any) -> int:
    """Return about how many bytes a model's tables take in int8, none of its weights zero.

    A weight takes one; of each channel the bias takes four, its multiplier four, its shift one.
    """
    total = 0
    for variable in model.weights:
        size = 1
        for extent in variable.shape:
            size *= int(extent)
        total += size if len(variable.shape) > 1 else 9 * size
    return total


def _makers_of_output(model: Any) -> list[Any]:
    """Return the layers that the width of the model's output comes from."""
    graph = getattr(model, "_functional", None) or model
    if not hasattr(graph, "_nodes_by_depth"):
        raise TinykitError(
            f"{type(model).__name__} is subclassed, no narrower copy of it can be made",
            "leave --twin out",
        )
    makers: list[Any] = []
    tensors = list(graph.outputs)
    while tensors:
        layer, node_index, _ = tensors.pop()._keras_history
        if any(size in layer.get_config() for size in SIZES):
            makers.append(layer)
        elif layer._inbound_nodes:
            tensors += layer._inbound_nodes[node_index].input_tensors
    return makers
