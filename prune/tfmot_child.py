"""Prune with tensorflow-model-optimization, in a process whose Keras is tf_keras.

Run as `python -P -m tinykit.prune.tfmot_child FOLDER`. The folder holds model.keras, train.npz and
order.json; weights.npz and skipped.json are written, or error.json. Progress goes to stdout.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tinykit.core.errors import CheckFailedError, TinykitError
from tinykit.prune.load import load_model
from tinykit.prune.rebuild import Twins, rebuild
from tinykit.prune.tfmot import COMPARED, Order
from tinykit.train.backend import import_keras
from tinykit.train.quiet import quiet

AWARE_RATE = 0.1  # of the pruning's
CLUSTER_RATE = 0.1
QUANTIZED = ("Conv2D", "DepthwiseConv2D", "Dense", "ReLU", "Activation", "Add")


def main(arguments: list[str]) -> int:
    """Prune; the status is 0, or 1 or 2 with an error.json."""
    folder = Path(arguments[0])
    order = Order(**json.loads((folder / "order.json").read_text()))
    try:
        import_keras()
        with quiet():
            import tensorflow_model_optimization  # noqa: F401, it makes noise
            import tf_keras
        tf_keras.utils.set_random_seed(order.seed)
        with np.load(folder / "train.npz") as archive:
            x, y = archive["x"], archive["y"]
        twins = rebuild(load_model(folder / "model.keras"), x[:COMPARED])
        skipped = _prune(twins, x, y, order)
        if order.clusters:
            _cluster(twins, x, y, order)
        if order.aware_epochs:
            _fit_aware(twins, x, y, order)
    except TinykitError as error:
        reason = {"message": error.message, "hint": error.hint, "status": error.exit_status}
        (folder / "error.json").write_text(json.dumps(reason))
        return error.exit_status
    twins.bring_back()
    weights = {f"w{place}": value for place, value in enumerate(twins.original.get_weights())}
    np.savez(folder / "weights.npz", **weights)
    (folder / "skipped.json").write_text(json.dumps(skipped))
    return 0


def _prune(twins: Twins, x: Any, y: Any, order: Order) -> dict[str, str]:
    """Prune the twin; returns the layers that tfmot leaves dense."""
    import tensorflow_model_optimization as tfmot
    import tf_keras

    wrapped: dict[str, Any] = {}
    skipped: dict[str, str] = {}

    def wrap(layer: Any) -> Any:
        if layer.name not in order.sparsity:
            return layer  # the same one: a copy would lose its weights
        try:
            made = tfmot.sparsity.keras.prune_low_magnitude(layer, **_options(layer, order))
        except ValueError:
            skipped[layer.name] = f"tfmot does not prune {type(layer).__name__}"
            return layer
        wrapped[layer.name] = made
        return made

    model = tf_keras.models.clone_model(twins.twin, clone_function=wrap)
    nested = set(order.sparsity) - set(wrapped) - set(skipped)
    skipped.update(dict.fromkeys(nested, "inside of a nested model, where tfmot does not look"))
    if not wrapped:
        raise TinykitError(
            f"tfmot prunes no layer of this model ({', '.join(sorted(set(skipped.values())))})",
            "prune it with --backend keras",
        )
    update = tfmot.sparsity.keras.UpdatePruningStep()
    _fit(model, x, y, order, "prune", order.epochs, order.learning_rate, [update])
    for name, layer in wrapped.items():
        for weights, mask, _ in layer.pruning_vars:
            weights.assign(np.where(mask.numpy() != 0, weights.numpy(), np.float32(0)))
        if all(np.all(mask.numpy() != 0) for _, mask, _ in layer.pruning_vars):
            skipped[name] = "tfmot found nothing to prune in it"
    return skipped


def _options(layer: Any, order: Order) -> dict[str, Any]:
    import tensorflow_model_optimization as tfmot

    sparsity = order.sparsity[layer.name]
    schedules = tfmot.sparsity.keras
    if order.constant or order.group:
        schedule = schedules.ConstantSparsity(sparsity, 0, order.last, order.every)
    else:
        schedule = schedules.PolynomialDecay(0.0, sparsity, 0, order.last, 3, order.every)
    options: dict[str, Any] = {"pruning_schedule": schedule}
    if order.group:
        options["sparsity_m_by_n"] = (order.kept, order.group)
    elif tuple(order.block) != (1, 1) and type(layer).__name__ == "Dense":
        options["block_size"] = tuple(order.block)
        options["block_pooling_type"] = "AVG"
    return options


def _cluster(twins: Twins, x: Any, y: Any, order: Order) -> None:
    """Give every pruned kernel a few values only, zero among them."""
    import tensorflow_model_optimization as tfmot
    import tf_keras

    cluster = import_module(
        "tensorflow_model_optimization.python.core.clustering.keras.experimental.cluster"
    )
    wrapped: list[Any] = []

    def wrap(layer: Any) -> Any:
        if layer.name not in order.sparsity:
            return layer
        try:
            made = cluster.cluster_weights(
                layer,
                number_of_clusters=order.clusters,
                cluster_centroids_init=(
                    tfmot.clustering.keras.CentroidInitialization.KMEANS_PLUS_PLUS
                ),
                preserve_sparsity=True,
            )
        except ValueError:
            return layer
        wrapped.append(made)
        return made

    model = tf_keras.models.clone_model(_copy(twins.twin), clone_function=wrap)
    rate = CLUSTER_RATE * order.learning_rate
    _fit(model, x, y, order, "cluster", order.cluster_epochs, rate, [])
    stripped = tfmot.clustering.keras.strip_clustering(model)
    _take(twins, {layer.name: layer.get_weights() for layer in stripped.layers})


def _fit_aware(twins: Twins, x: Any, y: Any, order: Order) -> None:
    """Train on as int8 will round: PQAT, or PCQAT if the weights are clustered."""
    import tensorflow_model_optimization as tfmot
    import tf_keras

    quantization = tfmot.quantization.keras
    annotated: set[str] = set()

    def annotate(layer: Any) -> Any:
        if type(layer).__name__ not in QUANTIZED:
            return layer
        annotated.add(layer.name)
        return quantization.quantize_annotate_layer(layer)

    model = tf_keras.models.clone_model(_copy(twins.twin), clone_function=annotate)
    if not annotated:
        raise TinykitError(
            "tfmot quantizes no layer of this model", "leave --aware-epochs out, or --backend keras"
        )
    scheme = _scheme(order)
    with quantization.quantize_scope():
        ready = quantization.quantize_apply(model, scheme)
    rate = AWARE_RATE * order.learning_rate
    _fit(ready, x, y, order, "int8 aware", order.aware_epochs, rate, [])
    if order.clusters:
        ready = _collab("cluster_preserve.cluster_utils").strip_clustering_cqat(ready)
    _take(twins, {layer.name: _float_weights(layer) for layer in ready.layers})


def _scheme(order: Order) -> Any:
    if order.clusters:
        module = _collab("cluster_preserve.default_8bit_cluster_preserve_quantize_scheme")
        return module.Default8BitClusterPreserveQuantizeScheme(preserve_sparsity=True)
    module = _collab("prune_preserve.default_8bit_prune_preserve_quantize_scheme")
    return module.Default8BitPrunePreserveQuantizeScheme()


def _collab(name: str) -> Any:
    """Import what tfmot does not export by a short name."""
    path = "tensorflow_model_optimization.python.core.quantization.keras.collab_opts"
    return import_module(f"{path}.{name}")


def _float_weights(layer: Any) -> list[Any]:
    """Return the weights of the layer in a quantization wrapper, in the layer's own order."""
    inner = getattr(layer, "layer", None)
    if inner is None or not layer.name.startswith("quant_"):
        return list(layer.get_weights())
    found = {variable.name.split("/")[-1].split(":")[0]: variable for variable in layer.weights}
    names = [name for name in ("kernel", "depthwise_kernel", "bias") if name in found]
    return [found[name].numpy() for name in names]


def _copy(model: Any) -> Any:
    """Copy a model with its weights: wrappers take the layers that they are given apart."""
    import tf_keras

    copy = tf_keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def _take(twins: Twins, weights: dict[str, list[Any]]) -> None:
    """Give the twin's layers weights from a model that was made of it."""
    for _, twin in twins.layers:
        for name in (twin.name, f"quant_{twin.name}"):
            if name in weights and len(weights[name]) == len(twin.get_weights()):
                twin.set_weights(weights[name])


def _fit(
    model: Any,
    x: Any,
    y: Any,
    order: Order,
    stage: str,
    epochs: int,
    learning_rate: float,
    callbacks: list[Any],
) -> None:
    import tf_keras

    class Tell(tf_keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            text = f"loss {logs['loss']:.3g}" if logs else ""
            told = {"stage": stage, "done": (epoch + 1) / epochs, "text": text}
            print(json.dumps(told), flush=True)

    steps = epochs * -(-len(x) // order.batch_size)
    rate = tf_keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    loss = getattr(tf_keras.losses, order.loss)
    made = loss(from_logits=True) if order.logits else loss()
    model.compile(tf_keras.optimizers.Adam(rate), made)
    model.fit(
        x, y, batch_size=order.batch_size, epochs=epochs, verbose=0, callbacks=[*callbacks, Tell()]
    )
    if not all(np.isfinite(value).all() for value in model.get_weights()):
        raise CheckFailedError(f"weights are not finite after {stage}", "a lower --learning-rate")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
