"""Set the native engine beside TensorFlow Lite Micro, layer by layer where both have the layer."""

from dataclasses import dataclass
from typing import Any

from tinykit.host.bench import BenchReport


@dataclass(frozen=True, slots=True)
class LayerPair:
    """Hold one layer; instructions and cycles are None for an engine that does not run it."""

    name: str
    op: str
    macs: int
    native_instructions: int | None
    tflm_instructions: int | None
    native_cycles_estimate: int | None
    tflm_cycles_estimate: int | None


@dataclass(frozen=True, slots=True)
class EnginesReport:
    """Hold what `bench --engine both --json` prints."""

    native: BenchReport
    tflm: BenchReport
    layers: tuple[LayerPair, ...]


def compare(native: BenchReport, tflm: BenchReport) -> EnginesReport:
    """Pair the layers by their names, which both engines take from the file."""
    left = {layer["name"]: layer for layer in native.layers}
    right = {layer["name"]: layer for layer in tflm.layers}
    # TFLM runs every operator of the file; a layer of our own can be one that several became
    names = [*right, *(name for name in left if name not in right)]
    pairs = tuple(_pair(name, left.get(name), right.get(name)) for name in names)
    return EnginesReport(native, tflm, pairs)


def _pair(name: str, left: dict[str, Any] | None, right: dict[str, Any] | None) -> LayerPair:
    known = right or left
    assert known is not None
    return LayerPair(
        name,
        known["op"],
        known["macs"],
        None if left is None else left["instructions"],
        None if right is None else right["instructions"],
        None if left is None else left["cycles_estimate"],
        None if right is None else right["cycles_estimate"],
    )
