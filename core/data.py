"""Data sets: .npz files with inputs `x`, labels or targets `y` and, if known, the labels' names."""

import zipfile
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.errors import TinykitError

EXPECTED = (
    "expected an .npz with x: float32 or int8 (samples, ...), y: labels or targets (samples, ...)"
)


@dataclass(frozen=True, slots=True)
class DataSet:
    """Hold the samples of one split.

    Attributes:
        x: float32 (samples, ...) in the model's own units, or (samples, ...) in the type of the
            model's input: int8 and others, quantized already.
        y: integer labels (samples,) or float32 targets (samples, ...); None when there are none.
        labels: the names of the classes, in order; empty when unknown.
    """

    x: NDArray[Any]
    y: NDArray[np.generic] | None = None
    labels: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of samples."""
        return int(self.x.shape[0])


def load_dataset(path: Path) -> DataSet:
    """Read and check a data set.

    Raises:
        TinykitError: no such file, no .npz, no `x`, a wrong dtype, NaN or infinity, or another
            number of labels than of samples.
    """
    arrays = _read_arrays(path)
    if "x" not in arrays:
        names = ", ".join(sorted(arrays)) or "nothing"
        raise TinykitError(f"{path} has no array 'x' (it has {names})", EXPECTED)
    data = DataSet(_inputs(path, arrays["x"]), _targets(path, arrays), _labels(arrays))
    if len(data) == 0:
        raise TinykitError(f"{path}: x has no samples (shape {data.x.shape})", EXPECTED)
    return data


def load_inputs(path: Path) -> tuple[NDArray[Any], ...]:
    """Read the arrays x0, x1, .. of a model of several inputs or outputs; none without an x0.

    Raises:
        TinykitError: no such file, no .npz, a wrong dtype, NaN or infinity.
    """
    arrays = _read_arrays(path)
    names = list(takewhile(lambda name: name in arrays, (f"x{i}" for i in count())))
    found = tuple(_inputs(path, arrays[name]) for name in names)
    if any(len(x) == 0 for x in found):
        raise TinykitError(f"{path} has no samples", EXPECTED)
    return found


def save_dataset(path: Path, data: DataSet) -> None:
    """Write a data set; the caller has chosen a temporary name (see files.atomic_path)."""
    arrays: dict[str, NDArray[np.generic]] = {"x": data.x}
    if data.y is not None:
        arrays["y"] = data.y
    if data.labels:
        arrays["labels"] = np.array(data.labels)
    np.savez_compressed(path, allow_pickle=False, **arrays)


def _read_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        # opened here: given a path, numpy forgets to close an archive that is damaged
        with path.open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise TinykitError(f"{path} is a single array, not an .npz archive", EXPECTED)
            with archive:
                return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise TinykitError(f"{path} does not exist", EXPECTED) from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TinykitError(f"{path} is not a readable .npz: {reason}", EXPECTED) from error


_INTEGERS = ("int8", "uint8", "int16", "int32", "bool")  # what inputs of models are besides floats


def _inputs(path: Path, x: NDArray[np.generic]) -> NDArray[Any]:
    if x.ndim == 0:
        raise TinykitError(f"{path}: x is a single number", EXPECTED)
    if x.dtype in _INTEGERS:
        return x
    if not np.issubdtype(x.dtype, np.floating):
        raise TinykitError(
            f"{path}: x is {x.dtype}", "save it as float32, or in the type of the model's input"
        )
    _refuse_non_finite(path, "x", x)
    return x.astype(np.float32)


def _targets(path: Path, arrays: dict[str, NDArray[np.generic]]) -> NDArray[np.generic] | None:
    y = arrays.get("y")
    if y is None:
        return None
    samples = arrays["x"].shape[0]
    if y.ndim == 0 or y.shape[0] != samples:
        raise TinykitError(f"{path}: x has {samples} samples, y has shape {y.shape}", EXPECTED)
    if np.issubdtype(y.dtype, np.integer) or y.dtype == np.bool_:
        return y.astype(np.int64)
    if not np.issubdtype(y.dtype, np.floating):
        raise TinykitError(f"{path}: y is {y.dtype}", EXPECTED)
    _refuse_non_finite(path, "y", y)
    return y.astype(np.float32)


def _labels(arrays: dict[str, NDArray[np.generic]]) -> tuple[str, ...]:
    return tuple(str(label) for label in arrays["labels"]) if "labels" in arrays else ()


def _refuse_non_finite(path: Path, name: str, values: NDArray[np.generic]) -> None:
    bad = ~np.isfinite(values.astype(np.float64))
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise TinykitError(
            f"{path}: {name} has {int(bad.sum())} values that are NaN or infinite,"
            f" first at {first}",
            f"clean {name} before saving it",
        )
