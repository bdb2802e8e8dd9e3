"""Take the gradient of a loss for every weight of some kernels, zeros included."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.data import DataSet
from tinykit.train.backend import import_tensorflow
from tinykit.train.loss import shaped_labels
from tinykit.train.meter import Meter
from tinykit.train.predict import predict


class Gradients:
    """Hold what gradients are taken of, and count what that takes.

    Layers behave as at inference: normalization by its averages, without dropout.

    Attributes:
        meter: what was taken so far.
    """

    def __init__(
        self,
        model: Any,
        variables: Sequence[Any],
        loss: Any,
        data: DataSet,
        rng: np.random.Generator,
    ) -> None:
        import keras

        assert data.y is not None
        self.meter = Meter(model)
        self._model, self._variables, self._rng = model, variables, rng
        self._loss = keras.losses.get(loss)
        self._x, self._y = data.x, shaped_labels(predict(model, data.x[:1]).shape[1:], data.y)

    def of_batch(self, samples: int) -> list[NDArray[np.float32]]:
        """Return the gradients of the mean loss of so many samples, drawn at random."""
        tensorflow = import_tensorflow()
        count = min(samples, len(self._x))
        chosen = self._rng.choice(len(self._x), count, replace=False)
        with tensorflow.GradientTape() as tape:
            outputs = self._model(self._x[chosen], training=False)
            loss = tensorflow.reduce_mean(self._loss(self._y[chosen], outputs))
        found = tape.gradient(
            loss,
            [variable.value for variable in self._variables],
            unconnected_gradients=tensorflow.UnconnectedGradients.ZERO,
        )
        self.meter.forward(count)
        self.meter.input_gradients(count)
        self.meter.all_weight_gradients(count)
        return [np.asarray(tensorflow.convert_to_tensor(each), np.float32) for each in found]
