"""Add up what training took: multiply-accumulates, time, and an estimate of energy."""

from dataclasses import dataclass, field, replace
from typing import Any

from tinykit.train.cost import sample_cost

# Two floating-point operations a multiply-accumulate.
JOULES_PER_MAC = 2 / 16.876e9
ASSUMPTION = (
    "not measured: 0.119 nJ a multiply-accumulate, zeros multiplied, as a whole machine took under "
    "Linpack (A64FX prototype, 16.876 GFLOPS/W, Green500 of November 2019); a PC takes more"
)


@dataclass(frozen=True, slots=True)
class TrainingCost:
    """Hold what training took.

    Attributes:
        forward_macs, backward_macs: multiply-accumulates as they were done, zeros multiplied.
        forward_effective, backward_effective: those that are left where weights that are zero are
            skipped, and gradients of weights that stay zero; no library here does. None if they
            are not known.
        wall_s: seconds that went by; 0 if nobody looked at a clock.
        uncounted: layers whose multiply-accumulates are not known, and not in these.
        joules: an estimate.
        assumption: what it rests on.
    """

    forward_macs: int = 0
    backward_macs: int = 0
    forward_effective: int | None = 0
    backward_effective: int | None = 0
    wall_s: float = 0.0
    uncounted: tuple[str, ...] = ()
    joules: float = field(init=False)
    assumption: str = field(init=False, default=ASSUMPTION)

    def __post_init__(self) -> None:
        """Estimate the energy."""
        object.__setattr__(self, "joules", JOULES_PER_MAC * self.macs)

    @property
    def macs(self) -> int:
        """Return the multiply-accumulates, zeros multiplied."""
        return self.forward_macs + self.backward_macs

    @property
    def effective(self) -> int | None:
        """Return those that are left where zeros are skipped."""
        return _sum(self.forward_effective, self.backward_effective)

    def __add__(self, other: "TrainingCost") -> "TrainingCost":
        """Return the cost of both."""
        return TrainingCost(
            self.forward_macs + other.forward_macs,
            self.backward_macs + other.backward_macs,
            _sum(self.forward_effective, other.forward_effective),
            _sum(self.backward_effective, other.backward_effective),
            self.wall_s + other.wall_s,
            tuple(dict.fromkeys((*self.uncounted, *other.uncounted))),
        )

    def lasting(self, wall_s: float) -> "TrainingCost":
        """Return the same cost, over so many seconds."""
        return replace(self, wall_s=wall_s)


class Meter:
    """Count a model's passes, each with the zeros that its weights have then.

    Attributes:
        cost: so far.
    """

    def __init__(self, model: Any) -> None:
        sample = sample_cost(model)
        self._layers = sample.layers
        self.cost = TrainingCost(uncounted=sample.uncounted)

    def forward(self, samples: int) -> None:
        """Count a forward pass."""
        dense = sum(layer.forward for layer in self._layers)
        left = sum(layer.left() for layer in self._layers)
        self.cost += TrainingCost(samples * dense, 0, samples * left)

    def input_gradients(self, samples: int) -> None:
        """Count the half of a backward pass that takes gradients from layer to layer."""
        layers = [layer for layer in self._layers if not layer.first]
        dense = sum(layer.forward for layer in layers)
        left = sum(layer.left() for layer in layers)
        self.cost += TrainingCost(0, samples * dense, 0, samples * left)

    def weight_gradients(self, samples: int) -> None:
        """Count the other half, needed for weights that are not zero."""
        dense = sum(layer.forward for layer in self._layers)
        left = sum(layer.left() for layer in self._layers)
        self.cost += TrainingCost(0, samples * dense, 0, samples * left)

    def all_weight_gradients(self, samples: int) -> None:
        """Count the other half, needed for every weight."""
        dense = samples * sum(layer.forward for layer in self._layers)
        self.cost += TrainingCost(0, dense, 0, dense)


def metering(meter: Meter, samples: int, batch_size: int) -> Any:
    """Return a callback that counts every step of a fit.

    It must come after those that set weights to zero. A weight that is zero after its step had no
    gradient that anybody needed.

    Args:
        meter: to count with.
        samples: of an epoch.
        batch_size: samples of each batch but the last.
    """
    import keras

    class Count(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
            size = min(batch_size, samples - batch * batch_size)
            meter.forward(size)
            meter.input_gradients(size)

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
            meter.weight_gradients(min(batch_size, samples - batch * batch_size))

    return Count()


def teaching_cost(model: Any, samples: int) -> TrainingCost:
    """Return what the answers of a model to so many samples take."""
    meter = Meter(model)
    meter.forward(samples)
    return meter.cost


def dense_cost(model: Any, samples: int) -> TrainingCost:
    """Return what so many samples take, forward and backward, if nothing is known of zeros."""
    sample = sample_cost(model)
    forward = samples * sample.forward
    backward = samples * sample.step - forward
    return TrainingCost(forward, backward, None, None, uncounted=sample.uncounted)


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
