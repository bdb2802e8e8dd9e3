"""Train a network of the same shape anew, from other random weights."""

from typing import Any

from tinykit.core.data import DataSet
from tinykit.core.errors import TinykitError
from tinykit.train.backend import import_keras
from tinykit.train.fit import Fitting, fit
from tinykit.train.meter import TrainingCost
from tinykit.train.predict import predict
from tinykit.train.progress import Progress


def train_anew(
    model: Any, train: DataSet, fitting: Fitting, seed: int, progress: Progress
) -> TrainingCost:
    """Forget a model's weights, train it in place, and return what that took.

    Raises:
        TinykitError: the model says no config of its own to make an untrained one of.
    """
    import_keras().utils.set_random_seed(seed)
    model.set_weights(untrained_copy(model, train).get_weights())
    return fit(model, train, fitting, progress, [])


def untrained_copy(model: Any, data: DataSet) -> Any:
    """Return a copy of a model, for such data, with random weights.

    Raises:
        TinykitError: as above.
    """
    try:
        copy = import_keras().models.clone_model(model)
        predict(copy, data.x[:1])  # a subclassed one has no weights before
    except (TypeError, ValueError, NotImplementedError) as error:
        text = " ".join(str(error).split())[:160]
        raise TinykitError(
            f"the model cannot be trained anew: {text}", "leave --fresh-epochs out"
        ) from error
    return copy
