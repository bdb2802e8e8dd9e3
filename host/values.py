"""The numbers of a model's inputs and outputs, as arrays and as the bytes that the link carries."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core import affine
from tinykit.core.errors import TinykitError
from tinykit.host.record import PortRecord

_DTYPES_HINT = "give real numbers as floats, or integers in the model's own type"


def sample_shape(port: PortRecord) -> tuple[int, ...]:
    """Return the shape of one sample: without a batch of one."""
    return tuple(port.shape[1:] if port.shape[:1] == [1] else port.shape)


def samples_of(values: NDArray[Any], port: PortRecord, name: str) -> NDArray[Any]:
    """Return values as (samples, ...): one sample is given as such, or as a batch of one.

    Raises:
        TinykitError: they have neither the model's shape nor that of many of its inputs.
    """
    shape = sample_shape(port)
    if values.shape == shape or (values.ndim == 1 and values.size == int(np.prod(shape))):
        return values.reshape(1, *shape)
    if values.shape[1:] == shape and values.ndim:
        return values
    wanted = ", ".join(map(str, shape))
    raise TinykitError(
        f"{name} has shape {values.shape}, the model takes ({wanted}) or (samples, {wanted})",
        "reshape it",
    )


def to_bytes(values: NDArray[Any], port: PortRecord, name: str) -> bytes:
    """Return an input's bytes: floats are quantized, the model's own type passes as it is.

    Raises:
        TinykitError: another type, or a number that is none.
    """
    if values.dtype == port.dtype:
        return values.tobytes()
    if not np.issubdtype(values.dtype, np.floating):
        raise TinykitError(
            f"{name} has numbers of type {values.dtype}, the model takes {port.dtype}", _DTYPES_HINT
        )
    if not np.isfinite(values).all():
        raise TinykitError(f"{name} has numbers that are NaN or infinite", "replace them")
    if port.dtype == "float32":
        return values.astype(np.float32).tobytes()
    if port.scale is None or port.zero_point is None:
        whole = values.astype(port.dtype)
        if (whole == values).all():
            return whole.tobytes()
        raise TinykitError(f"{name} has floats, the model takes {port.dtype}", _DTYPES_HINT)
    return affine.quantize(
        values.astype(np.float32), port.scale, port.zero_point, port.dtype
    ).tobytes()


def from_bytes(data: bytes, ports: Sequence[PortRecord]) -> tuple[NDArray[Any], ...]:
    """Return one array an output, in its own type."""
    found = []
    start = 0
    for port in ports:
        raw = data[start : start + port.bytes]
        found.append(np.frombuffer(raw, port.dtype).reshape(sample_shape(port)))
        start += port.bytes
    return tuple(found)


def real(values: NDArray[Any], port: PortRecord) -> NDArray[Any]:
    """Return the real numbers that an output stands for; what stands for itself stays."""
    if port.scale is None or port.zero_point is None:
        return values
    return affine.dequantize(values, port.scale, port.zero_point)
