"""Follow channels through a Keras graph: which layers make each, and which read it.

Every place on a tensor's last axis has a number. A convolution or dense layer makes new numbers,
an addition ties those of its inputs together, flattening repeats them. A channel can go if all that
makes it and all that reads it is known, and if it is zero when the weights that make it are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.errors import TinykitError

Numbers = NDArray[np.int64]
Stay = Callable[[Any], str]  # tells why a layer must keep all channels that it makes, or ""
ZERO_AT_ZERO = (
    *("linear", "relu", "relu6", "leaky_relu", "tanh", "silu", "gelu", "elu", "selu"),
    *("softsign", "hard_tanh", "hard_silu", "mish"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Say which channel each place on an axis of a variable belongs to.

    Attributes:
        variable: the weights.
        axis: of the variable.
        numbers: the channels, in order.
        role: "kernel" makes the channel, "offset" is added to it or scales it, "reader" reads it,
            "record" follows it.
    """

    variable: Any
    axis: int
    numbers: Numbers
    role: str


@dataclass(slots=True)
class Channels:
    """Hold the channels of a model.

    Attributes:
        slices: of every variable that has channels.
        outputs: for each layer that makes channels, by id, their numbers.
        fixed: why channels must stay, by number.
    """

    slices: list[Slice] = field(default_factory=list)
    outputs: dict[int, Numbers] = field(default_factory=dict)
    fixed: dict[int, str] = field(default_factory=dict)
    _above: list[int] = field(default_factory=list)
    _group_above: list[int] = field(default_factory=list)
    _group: list[int] = field(default_factory=list)

    def new(self, count: int) -> Numbers:
        """Return new channels, which form a group."""
        first = len(self._above)
        self._above += range(first, first + count)
        self._group += [len(self._group_above)] * count
        self._group_above.append(len(self._group_above))
        return np.arange(first, first + count)

    def tie(self, one: Numbers, other: Numbers) -> None:
        """Let channels go together or not at all."""
        for left, right in zip(one.tolist(), other.tolist(), strict=True):
            a, b = _root(self._above, left), _root(self._above, right)
            self._above[b] = a
            mine, theirs = (_root(self._group_above, self._group[n]) for n in (left, right))
            self._group_above[theirs] = mine

    def fix(self, numbers: Numbers, reason: str) -> None:
        """Let channels stay."""
        for number in numbers.tolist():
            self.fixed.setdefault(number, reason)

    def roots(self, numbers: Numbers) -> Numbers:
        """Return one channel for all that are tied together."""
        return np.array([_root(self._above, number) for number in numbers.tolist()], np.int64)

    def free(self) -> dict[int, list[int]]:
        """Return the channels that can go, one for all that are tied, by group."""
        stay = {_root(self._above, number) for number in self.fixed}
        made = [each.numbers for each in self.slices if each.role == "kernel"]
        found = {} if not made else dict.fromkeys(self.roots(np.concatenate(made)).tolist())
        groups: dict[int, list[int]] = {}
        for number in found:
            if number not in stay:
                group = _root(self._group_above, self._group[number])
                groups.setdefault(group, []).append(number)
        return groups


def find_channels(model: Any, stay: Stay = lambda _layer: "") -> Channels:
    """Follow the channels of a functional or sequential model.

    Args:
        model: a Keras 3 model.
        stay: tells why a layer must keep all the channels that it makes, or "".

    Raises:
        TinykitError: the model has no graph to follow.
    """
    graph = getattr(model, "_functional", None) or model
    if not hasattr(graph, "_nodes_by_depth"):
        raise TinykitError(
            f"{type(model).__name__} is subclassed, its channels cannot be followed",
            "build it with keras.Sequential or keras.Model(inputs, outputs), or prune weights",
        )
    channels = Channels()
    known: dict[int, Numbers] = {}
    calls: dict[int, int] = {}
    nodes = [
        node
        for depth in sorted(graph._nodes_by_depth, reverse=True)
        for node in graph._nodes_by_depth[depth]
    ]
    for node in nodes:
        calls[id(node.operation)] = calls.get(id(node.operation), 0) + 1
    for node in nodes:
        _follow(channels, known, node, calls[id(node.operation)], stay)
    for tensor in graph.outputs:
        channels.fix(known[id(tensor)], "the model's output")
    return channels


def _follow(
    channels: Channels,
    known: dict[int, Numbers],
    node: Any,
    calls: int,
    stay: Stay,
) -> None:
    layer = node.operation
    sources = [known[id(tensor)] for tensor in node.input_tensors]
    made = None if calls > 1 or not sources else _through(channels, layer, node, sources, stay)
    if made is None:
        reason = f"{layer.name} ({type(layer).__name__}) takes all of them"
        for source in sources:
            channels.fix(source, reason)
        for tensor in node.outputs:
            known[id(tensor)] = channels.new(_places(tensor))
            channels.fix(known[id(tensor)], reason)
        return
    (tensor,) = node.outputs
    assert len(made) == _places(tensor), layer.name
    known[id(tensor)] = made


def _through(
    channels: Channels,
    layer: Any,
    node: Any,
    sources: Sequence[Numbers],
    stay: Stay,
) -> Numbers | None:
    """Return the channels of a layer's output; None if it cannot be said."""
    import keras

    kinds = keras.layers
    kind = type(layer)
    frozen = getattr(layer, "weights", ()) and not layer.trainable
    if frozen or getattr(layer, "data_format", "channels_last") != "channels_last":
        return None
    if kind in (kinds.Dense, kinds.Conv1D, kinds.Conv2D, kinds.Conv3D):
        grouped = getattr(layer, "groups", 1) > 1
        return None if grouped else _made(channels, layer, sources[0], stay)
    if kind in (kinds.Conv1DTranspose, kinds.Conv2DTranspose):
        return _made(channels, layer, sources[0], stay, swapped=True)
    if kind in (kinds.DepthwiseConv1D, kinds.DepthwiseConv2D):
        return _each(channels, layer, sources[0], stay)
    if kind is kinds.BatchNormalization:
        return _scaled(channels, layer, sources[0])
    if kind is kinds.Flatten:
        return np.tile(sources[0], _places(node.outputs[0]) // len(sources[0]))
    if kind in (kinds.Add, kinds.Subtract, kinds.Average, kinds.Maximum, kinds.Minimum):
        return _tied(channels, node, sources)
    if kind is kinds.Concatenate and layer.axis in (-1, len(node.outputs[0].shape) - 1):
        return np.concatenate(sources)
    return sources[0] if _passes(layer) else None


def _passes(layer: Any) -> bool:
    """Tell whether a layer takes each channel by itself, and leaves zero zero."""
    import keras

    kinds = keras.layers
    if isinstance(layer, kinds.Activation):
        return layer.activation.__name__ in ZERO_AT_ZERO
    if isinstance(layer, kinds.ReLU):
        return bool(layer.threshold == 0)
    passing = [kinds.LeakyReLU, kinds.ELU, kinds.Dropout]
    for size in "123":
        names = [f"{kind}{size}D" for kind in ("MaxPooling", "AveragePooling", "UpSampling")]
        names += [f"{kind}{size}D" for kind in ("ZeroPadding", "Cropping", "SpatialDropout")]
        names += [f"Global{kind}Pooling{size}D" for kind in ("Max", "Average")]
        passing += [getattr(kinds, name) for name in names]
    return isinstance(layer, tuple(passing)) and not getattr(layer, "keepdims", False)


def _made(
    channels: Channels,
    layer: Any,
    source: Numbers,
    stay: Stay,
    swapped: bool = False,
) -> Numbers:
    last = len(layer.kernel.shape) - 1
    inputs, outputs = (last, last - 1) if swapped else (last - 1, last)
    made = channels.new(int(layer.kernel.shape[outputs]))
    channels.outputs[id(layer)] = made
    channels.slices.append(Slice(layer.kernel, inputs, source, "reader"))
    channels.slices.append(Slice(layer.kernel, outputs, made, "kernel"))
    return _finished(channels, layer, made, stay)


def _each(channels: Channels, layer: Any, source: Numbers, stay: Stay) -> Numbers:
    axis = len(layer.kernel.shape) - 2
    channels.slices.append(Slice(layer.kernel, axis, source, "reader"))
    return _finished(channels, layer, np.repeat(source, layer.depth_multiplier), stay)


def _finished(channels: Channels, layer: Any, made: Numbers, stay: Stay) -> Numbers:
    if layer.use_bias:
        channels.slices.append(Slice(layer.bias, 0, made, "offset"))
    activation = layer.activation.__name__
    if activation not in ZERO_AT_ZERO:
        channels.fix(made, f"its {activation} of 0 is not 0")
    if reason := stay(layer):
        channels.fix(made, reason)
    return made


def _scaled(channels: Channels, layer: Any, source: Numbers) -> Numbers | None:
    if layer.axis not in (-1, len(layer.input.shape) - 1) or not (layer.scale and layer.center):
        return None
    for variable in (layer.gamma, layer.beta):
        channels.slices.append(Slice(variable, 0, source, "offset"))
    for variable in (layer.moving_mean, layer.moving_variance):
        channels.slices.append(Slice(variable, 0, source, "record"))
    return source


def _tied(channels: Channels, node: Any, sources: Sequence[Numbers]) -> Numbers | None:
    shapes = {tuple(tensor.shape) for tensor in node.input_tensors}
    if len(shapes) != 1:
        return None
    for other in sources[1:]:
        channels.tie(sources[0], other)
    return sources[0]


def _places(tensor: Any) -> int:
    return int(tensor.shape[-1] or 0) if len(tensor.shape) > 1 else 0


def _root(above: list[int], number: int) -> int:
    while above[number] != number:
        above[number] = above[above[number]]
        number = above[number]
    return number
