"""Split samples into those to train on, to choose by and to report on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tinykit.core.data import DataSet
from tinykit.core.errors import TinykitError

HELD_OUT_SHARE = 0.15
EXPECTED = (
    "load_data() returns {'train': (x, y), 'validation': (x, y), 'test': (x, y)} or the tuple "
    "((x_train, y_train), (x_test, y_test))"
)


@dataclass(frozen=True, slots=True)
class Splits:
    """Hold the three splits of one task.

    Attributes:
        train: what the weights are fitted to.
        validation: what epochs and thresholds are chosen by.
        test: what is reported; no choice is ever made on it.
    """

    train: DataSet
    validation: DataSet
    test: DataSet


def hold_out(
    data: DataSet, rng: np.random.Generator, share: float = HELD_OUT_SHARE
) -> tuple[DataSet, DataSet]:
    """Split `data` at random into what remains and a held-out share (rounded up).

    Raises:
        TinykitError: nothing would remain.
    """
    count = int(np.ceil(share * len(data)))
    if count >= len(data):
        raise TinykitError(
            f"{len(data)} samples are too few to hold {count} of them out", "give more samples"
        )
    order = rng.permutation(len(data))
    return _take(data, np.sort(order[count:])), _take(data, np.sort(order[:count]))


def splits_from(
    given: object, where: str, labels: tuple[str, ...], rng: np.random.Generator
) -> Splits:
    """Check what a load_data() returned; a missing validation split is held out of train.

    Args:
        given: `Splits`, a mapping of names to (x, y), or a sequence of (x, y) in the order train,
            test or train, validation, test.
        where: the file that load_data() is in, for messages.
        labels: the names of the classes, if known.
        rng: decides what is held out.
    """
    if isinstance(given, Splits):
        return given
    pairs = _named_pairs(given, where)
    sets = {name: _checked(pair, name, where, labels) for name, pair in pairs.items()}
    if "validation" not in sets:
        sets["train"], sets["validation"] = hold_out(sets["train"], rng)
    _refuse_unlike_shapes(sets, where)
    return Splits(sets["train"], sets["validation"], sets["test"])


def _take(data: DataSet, indices: NDArray[np.intp]) -> DataSet:
    return replace(data, x=data.x[indices], y=None if data.y is None else data.y[indices])


def _named_pairs(given: object, where: str) -> dict[str, object]:
    if isinstance(given, Mapping):
        pairs = {str(name): pair for name, pair in given.items()}
    elif isinstance(given, Sequence) and len(given) == 2:
        pairs = dict(zip(("train", "test"), given, strict=True))
    elif isinstance(given, Sequence) and len(given) == 3:
        pairs = dict(zip(("train", "validation", "test"), given, strict=True))
    else:
        raise TinykitError(f"{where}: load_data() returned {type(given).__name__}", EXPECTED)
    known = {"train", "validation", "test"}
    if not {"train", "test"} <= set(pairs) or not set(pairs) <= known:
        names = ", ".join(sorted(pairs)) or "nothing"
        raise TinykitError(f"{where}: load_data() returned the splits {names}", EXPECTED)
    return pairs


def _checked(pair: object, name: str, where: str, labels: tuple[str, ...]) -> DataSet:
    if not isinstance(pair, Sequence) or len(pair) != 2:
        raise TinykitError(f"{where}: {name} is {type(pair).__name__}, not (x, y)", EXPECTED)
    x = _finite_floats(pair[0], f"{where}: {name}: x")
    y = np.asarray(pair[1])
    if y.dtype == np.bool_ or np.issubdtype(y.dtype, np.integer):
        y = y.astype(np.int64)
    else:
        y = _finite_floats(y, f"{where}: {name}: y")
    if x.ndim < 2 or y.ndim == 0 or len(x) == 0 or len(x) != len(y):
        raise TinykitError(
            f"{where}: {name}: x has shape {x.shape}, y has shape {y.shape}",
            "give x as (samples, ...) and y as (samples,) or (samples, ...), at least one sample",
        )
    return DataSet(x, cast(NDArray[np.generic], y), labels)


def _finite_floats(values: object, what: str) -> NDArray[np.float32]:
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise TinykitError(f"{what} is {array.dtype}", "give numbers, as float32")
    floats = array.astype(np.float32)
    bad = int((~np.isfinite(floats)).sum())
    if bad:
        raise TinykitError(
            f"{what} has {bad} values that are NaN or infinite", "clean it in load_data()"
        )
    return floats


def _refuse_unlike_shapes(sets: dict[str, DataSet], where: str) -> None:
    wanted = sets["train"].x.shape[1:]
    for name, data in sorted(sets.items()):
        if data.x.shape[1:] != wanted:
            raise TinykitError(
                f"{where}: train samples have shape {wanted}, {name} samples {data.x.shape[1:]}",
                "give all splits the same shape",
            )
