"""A Keras layer that remembers, as a user writes it for a streaming model."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="tests")
class Ring(keras.layers.Layer):  # type: ignore[misc]
    """Give the last steps of a sequence, of which each call brings one."""

    def __init__(self, steps: int, **options: Any) -> None:
        super().__init__(**options)
        self.steps = steps

    def build(self, shape: tuple[int, ...]) -> None:
        self.ring = self.add_weight(
            shape=(1, self.steps - 1, *shape[2:]), initializer="zeros", trainable=False, name="ring"
        )

    def call(self, x: Any) -> Any:
        whole = keras.ops.concatenate([self.ring, x], axis=1)
        self.ring.assign(whole[:, 1:])
        return whole

    def compute_output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (shape[0], self.steps, *shape[2:])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "steps": self.steps}
