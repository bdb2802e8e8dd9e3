"""Build a model operator by operator while its values are known, so that scales fit the values."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from flat import NONE, RELU6, RELU_N1_TO_1, FlatModel, FlatOperator, FlatTensor, Options, to_bytes
from numpy.typing import NDArray

from tinykit.codegen import reference
from tinykit.codegen.importer import import_tflite

Array = NDArray[np.generic]
SAMPLES = 4
_CEILING = {RELU6: 6.0, RELU_N1_TO_1: 1.0}


# one int8 tensor keeps an operator of floats from being taken for a float model
_UNUSED = FlatTensor("unused", (1,), "int8", (1.0,), (0,))


@dataclass(slots=True)
class Draft:
    """Hold an unfinished model and what its tensors hold for some random inputs.

    Attributes:
        rng: decides everything.
        dtype: of activations, int8 or int16.
        weights: their type, int8 or int4.
    """

    rng: np.random.Generator
    dtype: str = "int8"
    weights: str = "int8"
    tensors: list[FlatTensor] = field(default_factory=list)
    operators: list[FlatOperator] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    values: dict[int, Array] = field(default_factory=dict)

    def add(self, tensor: FlatTensor) -> int:
        """Add a tensor."""
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def input(self, shape: tuple[int, ...], scale: float, zero_point: int) -> int:
        """Add an input of activations."""
        number = self.add(FlatTensor(self.name("in"), shape, self.dtype, (scale,), (zero_point,)))
        return self._as_input(number, self.drawn(_of_samples(shape)))

    def input_of(self, shape: tuple[int, ...], dtype: str, values: Array) -> int:
        """Add an input without a scale that holds the given values, (samples, ...)."""
        return self._as_input(self.add(FlatTensor(self.name("in"), shape, dtype)), values)

    def float_input(self, shape: tuple[int, ...], values: Array) -> int:
        """Add a float input that holds the given values."""
        number = self.add(FlatTensor(self.name("in"), shape, "float32"))
        return self._as_input(number, values.reshape(SAMPLES, *shape[1:]).astype(np.float32))

    def int32_input(self, shape: tuple[int, ...], low: int, high: int) -> int:
        """Add an int32 input of values from low to high, inclusive."""
        number = self.add(FlatTensor(self.name("in"), shape, "int32"))
        values = self.rng.integers(low, high + 1, _of_samples(shape))
        return self._as_input(number, values.astype(np.int32))

    def constant(self, shape: tuple[int, ...], scale: float, zero_point: int) -> int:
        """Add a random constant of the type of activations."""
        data, name = self.drawn(shape), self.name("constant")
        return self.add(FlatTensor(name, shape, self.dtype, (scale,), (zero_point,), data=data))

    def drawn(self, shape: tuple[int, ...]) -> Array:
        """Draw values of the whole range of activations."""
        limits = np.iinfo(self.dtype)
        return self.rng.integers(limits.min, limits.max + 1, shape).astype(self.dtype)

    @property
    def highest(self) -> int:
        """Return the greatest value of an activation."""
        return int(np.iinfo(self.dtype).max)

    def state(self, shape: tuple[int, ...], dtype: str, scale: float, zero_point: int) -> int:
        """Add a variable tensor."""
        name = self.name("state")
        return self.add(FlatTensor(name, shape, dtype, (scale,), (zero_point,), variable=True))

    def int32_constant(self, values: Sequence[int]) -> int:
        """Add axes, or a shape."""
        data = np.array(values, np.int32)
        return self.add(FlatTensor(self.name("numbers"), data.shape, "int32", data=data))

    def apply(
        self, kind: str, inputs: tuple[int, ...], options: Options | None, target: FlatTensor
    ) -> int:
        """Add an operator with its output tensor, and compute it."""
        return self.apply_all(kind, inputs, options, (target,))[0]

    def apply_all(
        self,
        kind: str,
        inputs: tuple[int, ...],
        options: Options | None,
        targets: tuple[FlatTensor, ...],
    ) -> tuple[int, ...]:
        """Add an operator with all its output tensors, and compute it."""
        values = self.evaluate_all(kind, inputs, options, targets)
        numbers = tuple(self.add(target) for target in targets)
        self.values.update(zip(numbers, values, strict=True))
        self.operators.append(FlatOperator(kind, inputs, numbers, options))
        return numbers

    def apply_known(
        self, kind: str, inputs: tuple[int, ...], target: FlatTensor, value: Array
    ) -> int:
        """Add an operator whose output does not depend on any input."""
        self.operators.append(FlatOperator(kind, inputs, (len(self.tensors),)))
        self.values[len(self.tensors)] = np.stack([value] * SAMPLES)
        return self.add(target)

    def fitted(
        self,
        kind: str,
        inputs: tuple[int, ...],
        options: Options | None,
        shape: tuple[int, ...],
        wide: float,
    ) -> int:
        """Add an operator whose output scale suits its values; `wide` saturates nothing."""
        reach = self.reach(kind, inputs, options, shape, wide)
        return self.apply(
            kind, inputs, options, self.fit(shape, reach, wide, self.scale(inputs[0]))
        )

    def weighted(
        self,
        kind: str,
        source: int,
        weights: FlatTensor,
        bias: NDArray[np.int32] | None,
        options: tuple[Options, int],
        shape: tuple[int, ...],
    ) -> int:
        """Add an operator with weights, scaled so that its fused activation has work to do.

        Args:
            kind: the operator.
            source: the tensor it reads.
            weights: with scales that matter relative to each other only.
            bias: int32, or None for an absent one.
            options: the operator's, and the fused activation that they name.
            shape: of the output.
        """
        assert weights.data is not None
        widest = float(np.abs(weights.data.astype(np.int64)).sum()) * (2 * self.highest + 1)
        widest += 1 if self.dtype == "int8" else 2**10
        if bias is not None:
            widest += float(np.abs(bias.astype(np.int64)).max())
        wide = max(weights.scales) * self.tensors[source].scales[0] * widest / self.highest * 1.06
        parts = self._with_weights(kind, source, weights, bias)
        inputs = parts
        if kind == "TRANSPOSE_CONV":
            inputs = (self.int32_constant(shape), parts[1], parts[0], *parts[2:])
        plain = Options(options[0].table, _without_activation(options[0]))
        # TFLM rescales 64-bit sums by less than 2^7
        # and refuses a bias whose scale is off by a fiftieth of an output step, be it by rounding
        least = max(weights.scales) * self.scale(source) / 2 ** (3 if self.dtype == "int16" else 18)
        low, high = self.reach(kind, inputs, plain, shape, wide, least)
        gain = 1.0
        if options[1] in _CEILING and low < high:
            gain = _CEILING[options[1]] * self.rng.uniform(0.7, 2.0) / max(-low, high)
        self._scale_weights(parts, gain)
        target = self.fit(shape, (low * gain, high * gain), wide, self.scale(source))
        return self.apply(kind, inputs, options[0], target)

    def reach(
        self,
        kind: str,
        inputs: tuple[int, ...],
        options: Options | None,
        shape: tuple[int, ...],
        wide: float,
        least: float = 0.0,
    ) -> tuple[float, float]:
        """Find the least and the greatest real output, starting with a scale that is too wide.

        Scales below `least` are not tried.
        """
        scale, most = wide, self.highest
        for _ in range(8):
            target = FlatTensor("probe", shape, self.dtype, (scale,), (0,))
            found = self.evaluate(kind, inputs, options, target).astype(np.int64)
            low, high = int(found.min()), int(found.max())
            largest = max(-low, high)
            if most // 2 - 3 <= largest < most:
                break
            if scale <= least or (largest == 0 and scale < wide * 1e-4):
                return 0.0, 0.0
            ratio = 16.0 if largest >= most else (largest + 0.6) / (most - 27)
            scale = max(scale * ratio, least)
        return low * scale, high * scale

    def evaluate(
        self, kind: str, inputs: tuple[int, ...], options: Options | None, target: FlatTensor
    ) -> Array:
        """Compute an operator of one output with the reference."""
        return self.evaluate_all(kind, inputs, options, (target,))[0]

    def evaluate_all(
        self,
        kind: str,
        inputs: tuple[int, ...],
        options: Options | None,
        targets: tuple[FlatTensor, ...],
    ) -> tuple[Array, ...]:
        """Compute one operator with the reference."""
        present = [n for n in dict.fromkeys(inputs) if n >= 0]
        fed = [i for i, n in enumerate(present) if n in self.values]
        outputs = tuple(range(len(present), len(present) + len(targets)))
        single = FlatModel(
            tensors=(*(self.tensors[n] for n in present), *targets, _UNUSED),
            operators=(
                FlatOperator(
                    kind,
                    tuple(present.index(n) if n >= 0 else -1 for n in inputs),
                    outputs,
                    options,
                ),
            ),
            inputs=tuple(fed),
            outputs=outputs,
        )
        graph = import_tflite(to_bytes(single), "draft.tflite")
        return reference.run_batch(graph, [self.values[present[i]] for i in fed])

    def scale(self, number: int) -> float:
        """Return a tensor's only scale."""
        return self.tensors[number].scales[0]

    def shape(self, number: int) -> tuple[int, ...]:
        """Return a tensor's shape."""
        return self.tensors[number].shape

    def model(self, outputs: tuple[int, ...]) -> FlatModel:
        """Finish."""
        return FlatModel(tuple(self.tensors), tuple(self.operators), tuple(self.inputs), outputs)

    def _as_input(self, number: int, values: Array) -> int:
        self.values[number] = values
        self.inputs.append(number)
        return number

    def name(self, what: str) -> str:
        return f"{what}{len(self.tensors)}"

    def fit(
        self, shape: tuple[int, ...], reach: tuple[float, float], wide: float, unit: float
    ) -> FlatTensor:
        """Make an output tensor whose range is about the reach, or wide where that is nothing.

        One in three scales makes a simple fraction of the unit: only then do halves get rounded.
        Those that are no power of two show, too, where TFLM computes in single precision.
        """
        low, high, most = min(reach[0], 0.0), max(reach[1], 0.0), self.highest
        scale = (high - low) / (2 * most + 1) * self.rng.uniform(0.7, 2.0) or wide
        if self.rng.integers(3) == 0:
            odd = self.rng.choice((1.0, 1.0, 2 / 3, 4 / 5))
            scale = unit * odd * 2.0 ** round(np.log2(scale / unit))
        scale = float(np.float32(scale))
        zero_point = int(np.clip(round(-most - 1 - low / scale), -most - 1, most))
        if self.dtype == "int16":
            zero_point = 0  # all that TFLM computes with
        return FlatTensor(self.name("t"), shape, self.dtype, (scale,), (zero_point,))

    def _with_weights(
        self, kind: str, source: int, weights: FlatTensor, bias: NDArray[np.int32] | None
    ) -> tuple[int, ...]:
        inputs = [source, self.add(weights)]
        if bias is not None:
            name = self.name("bias")
            dtype = "int32" if self.dtype == "int8" else "int64"
            data = bias.astype(dtype)
            if self.dtype == "int16":  # as large as the sums, or larger than 32 bits
                data <<= int(self.rng.choice((8, 8, 8, 26)))
            tensor = FlatTensor(name, bias.shape, dtype, (1.0,), (0,), data=data)
            inputs.append(self.add(tensor))
        elif kind != "DEPTHWISE_CONV_2D" and self.rng.integers(2):
            inputs.append(-1)  # TFLM reads a depthwise bias of -1 as a tensor: docs/exactness.md
        self._scale_weights(tuple(inputs), 1.0)
        return tuple(inputs)

    def _scale_weights(self, inputs: tuple[int, ...], gain: float) -> None:
        """Multiply the weights' scales, and give the bias the scales that follow from them."""
        weights = self.tensors[inputs[1]]
        scales = tuple(float(np.float32(scale * gain)) for scale in weights.scales)
        zeros = (0,) * len(scales)
        self.tensors[inputs[1]] = replace(weights, scales=scales, zero_points=zeros)
        if inputs[2:] and inputs[2] >= 0:
            products = tuple(float(np.float32(s * self.scale(inputs[0]))) for s in scales)
            bias = self.tensors[inputs[2]]
            self.tensors[inputs[2]] = replace(bias, scales=products, zero_points=zeros)


def _of_samples(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of all samples: a batch of one gives way to theirs."""
    return (SAMPLES, *(shape[1:] if shape[0] == 1 else shape))


def _without_activation(
    options: Options,
) -> tuple[tuple[str, int | float | bool | tuple[int, ...]], ...]:
    return tuple(
        (name, NONE if name == "FusedActivationFunction" else value)
        for name, value in options.fields
    )


def lively(values: Array) -> bool:
    """Tell whether outputs can show a mistake: at most 90 % of them saturated, or the same."""
    if values.dtype not in (np.int8, np.int16):
        return len(np.unique(values)) > 1
    limits = np.iinfo(values.dtype)
    commonest = int(np.unique(values, return_counts=True)[1].max())
    saturated = int(np.count_nonzero((values == limits.min) | (values == limits.max)))
    return max(commonest, saturated) <= 0.9 * values.size
