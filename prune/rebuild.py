"""Build a Keras 3 graph again in tf_keras, the Keras 2 that tfmot works on.

tf_keras reads nothing that Keras 3 wrote. So the graph is walked, every layer gets a twin of the
same name and weights, and the outputs of every layer are compared: some differ silently between the
two (hard_sigmoid is another formula).
"""

import inspect
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.errors import CheckFailedError, TinykitError

TOLERANCE = 1e-4  # of the largest output of a layer
OTHER_BACKEND = "prune it with --backend keras"


@dataclass(slots=True)
class Twins:
    """Hold a Keras 3 model and its twin.

    Attributes:
        original: the Keras 3 model.
        twin: the tf_keras model.
        layers: for each innermost layer of the original, its twin.
        tensors: the original's tensors and the twin's, by the name of the layer they come from.
    """

    original: Any
    twin: Any
    layers: list[tuple[Any, Any]] = field(default_factory=list)
    tensors: list[tuple[str, Any, Any]] = field(default_factory=list)

    def bring_back(self) -> None:
        """Copy the twin's weights into the original."""
        for original, twin in self.layers:
            original.set_weights(twin.get_weights())


def rebuild(model: Any, samples: NDArray[np.float32]) -> Twins:
    """Build the twin of a functional or sequential model, and compare both on some samples.

    Raises:
        TinykitError: the model has a layer that tf_keras has not.
        CheckFailedError: a layer computes something else there.
    """
    import tf_keras

    graph = graph_of(model)
    twins = Twins(model, None)
    (source,) = graph.inputs
    start = tf_keras.Input(tuple(source.shape[1:]), name="tinykit_input")
    known: dict[str, Any] = {}
    (end,) = _replay(twins, graph, [start], known)
    twins.twin = tf_keras.Model(start, end)
    for original, twin in twins.layers:
        twin.set_weights(original.get_weights())
    _compare(twins, samples)
    return twins


def refuse_what_has_no_twin(model: Any) -> None:
    """Raise TinykitError if a model is subclassed, or has layers that Keras itself has not."""
    if graph_of(model) is None:
        raise TinykitError(
            f"{type(model).__name__} is subclassed, tfmot cannot take it", OTHER_BACKEND
        )
    for layer in model._flatten_layers(include_self=False):
        if not type(layer).__module__.startswith("keras."):
            raise TinykitError(
                f"tf_keras has no layer {type(layer).__name__} ('{layer.name}')", OTHER_BACKEND
            )


def graph_of(model: Any) -> Any:
    """Return a functional or sequential model's graph, None for any other layer or model."""
    graph = getattr(model, "_functional", None) or model
    return graph if hasattr(graph, "_nodes_by_depth") else None


def _replay(twins: Twins, graph: Any, inputs: list[Any], known: dict[str, Any]) -> list[Any]:
    """Call twins of a graph's layers on tensors of tf_keras."""
    tensors = {id(old): new for old, new in zip(graph.inputs, inputs, strict=True)}
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if node.is_input:
                continue
            arguments, options = node.arguments.fill_in(tensors)
            outputs = _call(twins, node.operation, arguments, options, known)
            for old, new in zip(node.outputs, outputs, strict=True):
                tensors[id(old)] = new
                if graph is graph_of(twins.original):
                    twins.tensors.append((node.operation.name, old, new))
    return [tensors[id(tensor)] for tensor in graph.outputs]


def _call(
    twins: Twins, layer: Any, arguments: Any, options: dict[str, Any], known: dict[str, Any]
) -> list[Any]:
    inner = graph_of(layer)
    if inner is not None:
        return _replay(twins, inner, list(arguments), known)
    if layer.name not in known:
        known[layer.name] = _twin(layer)
        twins.layers.append((layer, known[layer.name]))
    # Keras 3 notes training=False for recurrent layers, which would switch pruning off
    given = {name: value for name, value in options.items() if value is not None}
    given.pop("training", None)
    outputs = known[layer.name](*arguments, **given)
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


def _twin(layer: Any) -> Any:
    import tf_keras

    name = type(layer).__name__
    if not hasattr(tf_keras.layers, name):
        raise TinykitError(f"tf_keras has no layer {name} ('{layer.name}')", OTHER_BACKEND)
    kind = getattr(tf_keras.layers, name)
    try:
        return kind.from_config(_config(layer, kind))
    except (TypeError, ValueError) as error:
        text = " ".join(str(error).split())[:120]
        raise TinykitError(
            f"tf_keras makes no {name} like '{layer.name}': {text}", OTHER_BACKEND
        ) from error


def _config(layer: Any, kind: Any) -> dict[str, Any]:
    """Return what both versions understand; weights follow, so initializers are left out."""
    config = layer.get_config()
    known = {"name", "trainable"}
    for base in kind.__mro__:
        known |= (
            set(inspect.signature(base.__init__).parameters) if "__init__" in vars(base) else set()
        )
    left_out = ("initializer", "regularizer", "constraint")
    config = {
        key: value
        for key, value in config.items()
        if key in known and not key.endswith(left_out) and key != "dtype"
    }
    if "layer" in config:  # Bidirectional and TimeDistributed wrap another one
        import tf_keras

        inner = layer.forward_layer if hasattr(layer, "forward_layer") else layer.layer
        made = _twin(inner)
        config["layer"] = tf_keras.layers.serialize(made)
        config.pop("backward_layer", None)
    return config


def _compare(twins: Twins, samples: NDArray[np.float32]) -> None:
    import keras
    import tf_keras

    names = [name for name, _, _ in twins.tensors]
    old = keras.Model(graph_of(twins.original).inputs[0], [t for _, t, _ in twins.tensors])
    new = tf_keras.Model(twins.twin.inputs[0], [t for _, _, t in twins.tensors])
    pairs = zip(names, _all(old, samples), _all(new, samples), strict=True)
    for name, wanted, made in pairs:
        worst = float(np.abs(wanted - made).max(initial=0))
        if worst > TOLERANCE * (1 + float(np.abs(wanted).max(initial=0))):
            raise CheckFailedError(
                f"the layer '{name}' computes something else in tf_keras: outputs are up to "
                f"{worst:.3g} apart",
                OTHER_BACKEND,
            )


def _all(model: Any, samples: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    outputs = model(samples, training=False)
    several = outputs if isinstance(outputs, list | tuple) else [outputs]
    return [np.asarray(output) for output in several]
