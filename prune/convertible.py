"""Change layers for the conversion only, where the converter would crash or write what TFLM lacks.

What they compute stays the same.
"""

from collections.abc import Callable
from typing import Any

from tinykit.train.backend import import_tensorflow


def make_convertible(model: Any) -> None:
    """Change the layers of a loaded model, however deep they are nested."""
    for layer in model._flatten_layers():
        if hasattr(layer, "unroll"):
            # the calibrator crashes on the loop of a recurrent layer
            layer.unroll = True
        if _repeats(layer):
            layer.call = _nearest(layer.size)


def _repeats(layer: Any) -> bool:
    """Tell whether a layer repeats rows and columns, which becomes TILE."""
    if type(layer).__name__ != "UpSampling2D":
        return False
    return bool((layer.interpolation, layer.data_format) == ("nearest", "channels_last"))


def _nearest(factors: tuple[int, int]) -> Callable[[Any], Any]:
    resize = import_tensorflow().compat.v1.image.resize_nearest_neighbor

    def call(inputs: Any) -> Any:
        height, width = inputs.shape[1:3]
        return resize(inputs, (height * factors[0], width * factors[1]))

    return call
