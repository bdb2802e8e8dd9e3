"""Change layers for the conversion only, where the converter would crash or write what TFLM lacks.

What they compute stays the same.
"""

from collections.abc import Callable
from typing import Any

from tinykit.train.backend import import_keras, import_tensorflow

Call = Callable[..., Any]


def make_convertible(model: Any) -> None:
    """Change the layers of a loaded model, however deep they are nested."""
    for layer in model._flatten_layers():
        if hasattr(layer, "unroll"):
            # the calibrator crashes on the loop of a recurrent layer
            layer.unroll = True
        make = _CALLS.get(type(layer).__name__)
        call = make(layer) if make is not None else None
        if call is not None:
            layer.call = call


def _repeated_rows_and_columns(layer: Any) -> Call | None:
    """Return UpSampling2D as a resize; it would be TILE."""
    if (layer.interpolation, layer.data_format) != ("nearest", "channels_last"):
        return None

    def call(inputs: Any) -> Any:
        return _nearest(inputs, layer.size)

    return call


def _repeated_steps(layer: Any) -> Call:
    """Return UpSampling1D as a resize of an image one column wide; it would be TILE."""
    ops = import_keras().ops

    def call(inputs: Any) -> Any:
        wide = _nearest(ops.expand_dims(inputs, 2), (layer.size, 1))
        return ops.squeeze(wide, 2)

    return call


def _nearest(images: Any, factors: tuple[int, int]) -> Any:
    height, width = images.shape[1:3]
    resize = import_tensorflow().compat.v1.image.resize_nearest_neighbor
    return resize(images, (height * factors[0], width * factors[1]))


def _repeated_vector(layer: Any) -> Call:
    """Return RepeatVector as BROADCAST_TO; it would be TILE."""
    ops = import_keras().ops

    def call(inputs: Any) -> Any:
        batch, length = inputs.shape
        return ops.broadcast_to(ops.expand_dims(inputs, 1), (batch, layer.n, length))

    return call


def _looked_up(layer: Any) -> Call:
    """Return Embedding as GATHER alone; negative tokens, which Keras counts from the end, go."""
    keras, tensorflow = import_keras(), import_tensorflow()

    def call(inputs: Any) -> Any:
        table = keras.ops.convert_to_tensor(layer.embeddings)
        return tensorflow.gather(table, tensorflow.cast(inputs, "int32"))

    return call


def _all_steps_at_once(layer: Any) -> Call:
    """Return TimeDistributed as one call on a batch of all steps; it would slice five axes."""
    ops, one_by_one, inner = import_keras().ops, layer.call, layer.layer

    def call(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        batch, steps, *shape = inputs.shape
        if mask is not None or batch is None or steps is None:
            return one_by_one(inputs, training=training, mask=mask)
        more = {"training": training} if inner._call_has_training_arg else {}
        made = inner.call(ops.reshape(inputs, (batch * steps, *shape)), **more)
        return ops.reshape(made, (batch, steps, *made.shape[1:]))

    return call


_CALLS: dict[str, Callable[[Any], Call | None]] = {
    "Embedding": _looked_up,
    "RepeatVector": _repeated_vector,
    "TimeDistributed": _all_steps_at_once,
    "UpSampling1D": _repeated_steps,
    "UpSampling2D": _repeated_rows_and_columns,
}
