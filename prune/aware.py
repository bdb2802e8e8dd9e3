"""Round weights and activations while a network is fitted, as int8 will round them.

Gradients pass the rounding as if it were not there (Jacob et al., 2018). Scales are those of the
converter: weights symmetric with one scale an output, so that zeros stay zeros; activations by
their range over the calibration samples. Activations inside of recurrent layers, and softmax and
sigmoid, whose scale is fixed, are left as they are.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.prune.channels import ZERO_AT_ZERO
from tinykit.prune.kernels import PrunableKernel, find_kernels
from tinykit.train.backend import import_tensorflow
from tinykit.train.predict import predict

CALIBRATION_SAMPLES = 256
MOST_CODE = 127


def calibration_samples(x: NDArray[Any]) -> NDArray[np.float32]:
    """Take evenly spaced samples, float32 (n, ...); no chance is involved."""
    count = min(len(x), CALIBRATION_SAMPLES)
    chosen = np.linspace(0, len(x) - 1, count).astype(np.int64)
    return x[chosen].astype(np.float32)


@contextmanager
def aware(model: Any, samples: NDArray[np.float32]) -> Iterator[Any]:
    """Round inside the block; what is yielded is a callback that the fit needs.

    Args:
        model: a Keras model.
        samples: inputs to find the ranges of activations with.
    """
    layers = [layer for layer in model._flatten_layers(recursive=True) if _activates(layer)]
    ranges = _ranges(model, layers, samples)
    with _calls({layer: _rounded(layer.call, *ranges[layer]) for layer in ranges}):
        yield _rounding(find_kernels(model).kernels)


def rounded_weights(kernel: PrunableKernel, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round a kernel to what int8 can hold with one scale an output."""
    axes = tuple(axis for axis in range(values.ndim) if axis not in kernel.output_axes)
    scale = np.abs(values).max(axis=axes, keepdims=True) / MOST_CODE
    safe = np.where(scale == 0, 1, scale)
    return (np.round(values / safe) * safe).astype(np.float32)


def _activates(layer: Any) -> bool:
    """Tell whether the converter stores the layer's output with a range of its own."""
    import keras

    kinds = keras.layers
    if isinstance(layer, kinds.Activation):
        return layer.activation.__name__ in ZERO_AT_ZERO
    if isinstance(layer, kinds.ReLU | kinds.LeakyReLU | kinds.Add | kinds.Concatenate):
        return True
    convolves = "Conv" in type(layer).__name__ or isinstance(layer, kinds.Dense)
    activation = getattr(getattr(layer, "activation", None), "__name__", "")
    # without an activation a normalization may follow, which the converter folds in
    return convolves and activation in ZERO_AT_ZERO and activation != "linear"


def _ranges(
    model: Any, layers: list[Any], samples: NDArray[np.float32]
) -> dict[Any, tuple[float, float]]:
    """Return the least and greatest output of each layer, zero between them."""
    found: dict[Any, tuple[float, float]] = {}

    def seen(layer: Any, call: Callable[..., Any]) -> Callable[..., Any]:
        def watch(*arguments: Any, **options: Any) -> Any:
            outputs = call(*arguments, **options)
            values = np.asarray(outputs)
            low, high = found.get(layer, (0.0, 0.0))
            found[layer] = (min(low, float(values.min())), max(high, float(values.max())))
            return outputs

        return watch

    with _calls({layer: seen(layer, layer.call) for layer in layers}):
        predict(model, samples)
    return {layer: ends for layer, ends in found.items() if ends[0] < ends[1]}


def _rounded(call: Callable[..., Any], low: float, high: float) -> Callable[..., Any]:
    fake_quant = import_tensorflow().quantization.fake_quant_with_min_max_args

    def round_outputs(*arguments: Any, **options: Any) -> Any:
        return fake_quant(call(*arguments, **options), low, high)

    return round_outputs


@contextmanager
def _calls(replacements: dict[Any, Callable[..., Any]]) -> Iterator[None]:
    """Let layers be called otherwise inside the block."""
    for layer, call in replacements.items():
        layer.call = call
    try:
        yield
    finally:
        for layer in replacements:
            del layer.call


def _rounding(kernels: tuple[PrunableKernel, ...]) -> Any:
    """Return a callback that rounds kernels for each step, and adds the step to the real ones."""
    import keras

    class Rounding(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.missing: list[NDArray[np.float32]] = []

        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
            self.missing = []
            for kernel in kernels:
                values = kernel.variable.numpy()
                rounded = rounded_weights(kernel, values)
                self.missing.append(values - rounded)
                kernel.variable.assign(rounded)

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
            for kernel, missing in zip(kernels, self.missing, strict=True):
                values = kernel.variable.numpy() + missing
                constraint = kernel.variable.constraint
                kernel.variable.assign(values if constraint is None else constraint(values))

    return Rounding()
