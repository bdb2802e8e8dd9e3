"""The graph of a quantized network: tensors, operators, and what must be true of them."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.errors import TinykitError

QUANTIZED_RANGE = {
    "int4": (-8, 7),
    "int8": (-128, 127),
    "uint8": (0, 255),
    "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), 2**31 - 1),
}
MAX_ELEMENTS = 1 << 26  # 64 Mi: more than any microcontroller holds, small enough to count safely


def values_dtype(dtype: str) -> str:
    """Return the type that NumPy and C hold values in: int4, which only weights have, in int8."""
    return "int8" if dtype == "int4" else dtype


@dataclass(frozen=True, slots=True)
class Quantization:
    """Say what the integers of a tensor mean: real = scale * (integer - zero_point).

    Attributes:
        scales: one for the tensor, or one for each channel along `axis`; exact float32 values.
        zero_points: as many as scales.
        axis: the dimension that the scales belong to.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """Hold one tensor; `data` is its constant value or None."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    quantization: Quantization | None = None
    data: NDArray[np.generic] | None = None

    @property
    def elements(self) -> int:
        """Return the number of elements."""
        count = 1
        for length in self.shape:
            count *= length
        return count

    @property
    def bytes(self) -> int:
        """Return the size in memory."""
        return self.elements * np.dtype(values_dtype(self.dtype)).itemsize

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Return the shape of one sample of a model's input or output: without a batch of one."""
        return self.shape[1:] if self.shape[:1] == (1,) else self.shape

    @property
    def scale(self) -> float:
        """Return the scale of a tensor that has exactly one."""
        assert self.quantization is not None
        assert len(self.quantization.scales) == 1
        return self.quantization.scales[0]

    @property
    def zero_point(self) -> int:
        """Return the zero point of a tensor that has exactly one scale; 0 for float tensors."""
        return self.quantization.zero_points[0] if self.quantization else 0


@dataclass(frozen=True, slots=True)
class Operator:
    """Hold one operator.

    Attributes:
        name: the layer's name, unique in the graph and a legal C identifier.
        kind: the operator's name in the TFLite schema.
        inputs: tensor numbers; None for an optional input that is absent.
        outputs: tensor numbers.
        attributes: a frozen dataclass of the operator's module in codegen/ops.
        states: tensor numbers of the states that it gives new values, behind its outputs.
    """

    name: str
    kind: str
    inputs: tuple[int | None, ...]
    outputs: tuple[int, ...]
    attributes: Any
    states: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Hold a tensor that keeps its value from one inference to the next.

    Attributes:
        tensor: its number.
        initial: its value before the first inference, in its shape and dtype.
    """

    tensor: int
    initial: NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Graph:
    """Hold a network; operators stand in an order in which they can run."""

    name: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    states: tuple[State, ...] = ()

    def tensor(self, number: int | None) -> Tensor:
        """Return a tensor that is known to be there."""
        assert number is not None
        return self.tensors[number]

    def digest(self) -> str:
        """Return the first 16 hex digits of the SHA-256 of everything that decides the outputs.

        Fields that do not compare decide nothing, only whether the graph is refused.
        """
        sha = hashlib.sha256()
        for tensor in self.tensors:
            sha.update(_canonical((tensor.shape, tensor.dtype, tensor.quantization)))
            sha.update(tensor.data.tobytes() if tensor.data is not None else b"")
        for operator in self.operators:
            sha.update(_canonical((operator.kind, operator.inputs, operator.outputs)))
            sha.update(_canonical(operator.attributes))
        sha.update(_canonical((self.inputs, self.outputs)))
        for state in self.states:
            sha.update(_canonical(state.tensor))
            sha.update(state.initial.tobytes())
        return sha.hexdigest()[:16]

    def check(self) -> None:
        """Prove what every later stage relies on.

        Raises:
            TinykitError: a tensor or an operator is not what it must be; the message names it.
        """
        used = {*self.inputs, *self.outputs}
        for operator in self.operators:
            used.update(n for n in (*operator.inputs, *operator.outputs) if n is not None)
        for place, tensor in enumerate(self.tensors):
            if place in used:  # the converter leaves empty tensors beside an LSTM
                check_tensor(tensor)
            else:
                _check_size(tensor)  # TFLM makes room for it
        self._check_ports()
        known = {n for n, tensor in enumerate(self.tensors) if tensor.data is not None}
        known.update(self.inputs)
        known.update(state.tensor for state in self.states)
        for operator in self.operators:
            self._check_numbers(operator)
            for number in operator.inputs:
                if number is not None and number not in known:
                    raise _broken(
                        f"layer '{operator.name}' reads '{self.tensors[number].name}' "
                        "before any layer has written it"
                    )
            for number in operator.outputs:
                if number in known:
                    raise _broken(
                        f"layer '{operator.name}' writes '{self.tensors[number].name}', "
                        "which has a value already"
                    )
            known.update(operator.outputs)
        for number in self.outputs:
            if number not in known:
                raise _broken(f"no layer writes the output '{self.tensors[number].name}'")

    def check_operator(self, operator: Operator) -> None:
        """Prove that an operator names tensors of the graph, which are what they must be."""
        self._check_numbers(operator)
        for number in (*operator.inputs, *operator.outputs):
            if number is not None:
                check_tensor(self.tensors[number])

    def _check_ports(self) -> None:
        for role, numbers in (("input", self.inputs), ("output", self.outputs)):
            if not numbers:
                raise _broken(f"the model has no {role}")
            for number in numbers:
                if not 0 <= number < len(self.tensors):
                    raise _broken(f"{role} {number} is not one of {len(self.tensors)} tensors")
        for number in self.inputs:
            if self.tensors[number].data is not None:
                raise _broken(f"the input '{self.tensors[number].name}' is a constant")
        for number in self.outputs:
            if self.tensors[number].data is not None:
                raise _broken(f"the output '{self.tensors[number].name}' is a constant")
        for number in {state.tensor for state in self.states} & {*self.inputs, *self.outputs}:
            raise _broken(f"'{self.tensors[number].name}' is a state and an input or output")

    def _check_numbers(self, operator: Operator) -> None:
        for number in (*operator.inputs, *operator.outputs, *operator.states):
            if number is not None and not 0 <= number < len(self.tensors):
                raise _broken(
                    f"layer '{operator.name}' names tensor {number} of {len(self.tensors)}"
                )


def check_tensor(tensor: Tensor) -> None:
    """Raise a TinykitError unless shape, data and quantization fit each other."""
    if any(length < 1 for length in tensor.shape):
        raise _broken(f"tensor '{tensor.name}' has shape {tensor.shape}")
    _check_size(tensor)
    if tensor.data is not None and tensor.data.shape != tensor.shape:
        raise _broken(
            f"tensor '{tensor.name}' has shape {tensor.shape} but data of {tensor.data.shape}"
        )
    if tensor.quantization is not None:
        _check_quantization(tensor, tensor.quantization)


def _check_size(tensor: Tensor) -> None:
    if tensor.elements > MAX_ELEMENTS:
        raise _broken(f"tensor '{tensor.name}' of shape {tensor.shape} is too large")


def _check_quantization(tensor: Tensor, quantization: Quantization) -> None:
    scales, zero_points = quantization.scales, quantization.zero_points
    if len(scales) != len(zero_points):
        raise _broken(
            f"tensor '{tensor.name}' has {len(scales)} scales and {len(zero_points)} zero points"
        )
    for scale in scales:
        if not (np.isfinite(scale) and scale > 0):
            raise _broken(f"tensor '{tensor.name}' has the scale {scale}")
    low, high = QUANTIZED_RANGE.get(tensor.dtype, (0, 0))
    for zero_point in zero_points:
        if not low <= zero_point <= high:
            raise _broken(
                f"tensor '{tensor.name}' has the zero point {zero_point}, {tensor.dtype} goes "
                f"from {low} to {high}"
            )
    if len(scales) > 1:
        _check_channels(tensor, quantization)


def _check_channels(tensor: Tensor, quantization: Quantization) -> None:
    axis, count = quantization.axis, len(quantization.scales)
    if not 0 <= axis < len(tensor.shape) or tensor.shape[axis] != count:
        raise _broken(
            f"tensor '{tensor.name}' of shape {tensor.shape} has {count} scales on axis {axis}"
        )


def _canonical(value: object) -> bytes:
    return json.dumps(list(_flat(value)), sort_keys=True).encode()


def _flat(value: object) -> Iterator[object]:
    if is_dataclass(value) and not isinstance(value, type):
        deciding = {field.name for field in fields(value) if field.compare}
        yield type(value).__name__
        yield from _flat({name: v for name, v in asdict(value).items() if name in deciding})
    elif isinstance(value, Mapping):
        for key in sorted(value):
            yield key
            yield from _flat(value[key])
    elif isinstance(value, tuple | list):
        yield "("
        for item in value:
            yield from _flat(item)
        yield ")"
    elif isinstance(value, float):
        yield value.hex()
    else:
        yield value


def _broken(what: str) -> TinykitError:
    return TinykitError(what, "the model file is damaged; convert it again: tinykit quantize")
