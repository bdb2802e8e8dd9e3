"""What the compiler knows of a layer once it is lowered to a kernel call."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

from tinykit.codegen.access import Access
from tinykit.core.graph import Graph, Operator

Role = Literal["weights", "bias", "requantization", "indices"]
Arrays = tuple[NDArray[Any], ...]
Field = tuple[str, "int | str | tuple[Field, ...]"]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Hold one constant array of the generated C; its C name is the layer's plus `name`."""

    name: str
    values: NDArray[Any]
    role: Role

    @property
    def bytes(self) -> int:
        """Return the size in flash."""
        return int(self.values.nbytes)


@dataclass(frozen=True, slots=True)
class Layer:
    """Hold one kernel call.

    Attributes:
        name: a legal C identifier, unique in the model.
        kind: the operator's name in the TFLite schema.
        summary: one line for a person.
        kernel: the C function, called as kernel(&record, inputs..., outputs..., scratch).
        record: the C type of its record.
        fields: the record's members; a value is a number, a C expression, or members again.
        tables: the constant arrays that the record points to.
        inputs, outputs: tensor numbers; a constant input becomes a table named by its position, a
            state an array beside the arena. A tensor may be written by several layers in a row,
            each a part of it.
        starts: for each input and output the byte where the part of it begins that this call takes;
            empty if it takes all of them.
        takes_scratch: the kernel's last argument is working memory.
        scratch_bytes: how much of it; 0 passes a null pointer.
        scratch_alignment: what its place is a multiple of.
        access: for each input, how far the output may overlap it; empty if not at all.
        macs: multiply-accumulates of the dense form, with all channels.
        encoding: how the weights are stored: "dense", "sparse", "block", "bitmap", "codebook", or
            "" without weights.
        reason: why this encoding.
        work: how much the kernel has to do, where the encoding was chosen: codegen/work.py.
        removed_channels: how many channels its output has lost, since nothing needs them.
    """

    name: str
    kind: str
    summary: str
    kernel: str
    record: str
    fields: tuple[Field, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    tables: tuple[Table, ...] = ()
    starts: tuple[int, ...] = ()
    takes_scratch: bool = False
    scratch_bytes: int = 0
    scratch_alignment: int = 1
    access: tuple[Access, ...] = ()
    macs: int = 0
    encoding: str = ""
    reason: str = ""
    work: dict[str, float] = field(default_factory=dict)
    removed_channels: int = 0


@dataclass(frozen=True, slots=True)
class LowerOptions:
    """Hold what the user decides about code generation.

    Attributes:
        optimize: "size", "balanced" or "speed".
        encoding: "auto", or "dense" to switch sparse encodings and the removal of channels off;
            another one is taken whatever it costs, where there is such a kernel.
        dsp: the core has the DSP instructions of Armv7E-M or Armv8-M.
        core: its other instructions: "armv6m", "armv7m" (Armv8-M too) or "riscv32".
    """

    optimize: str = "balanced"
    encoding: str = "auto"
    dsp: bool = False
    core: str = "armv7m"


@dataclass(frozen=True, slots=True)
class OpKind:
    """Join what the compiler knows of one operator; one row of ops/table.py.

    Attributes:
        options: the schema class of the operator's options, or None without options.
        read: makes the attribute record from the options.
        check: raises Refused where the operator is outside of the limits.
        evaluate: computes the outputs in NumPy, exactly; the arrays have the tensors' shapes.
        lower: makes the kernel call, or several that write parts of the outputs; none where the
            output is the first input seen with another shape. None is an operator that never costs
            anything.
        limits: what is not supported, for `tinykit ops`.
        stateful: gives new values to the variable tensors among its inputs, in their order; they
            stand behind the outputs in what `evaluate` returns.
    """

    options: Callable[[], Any] | None
    read: Callable[[Any], Any]
    check: Callable[[Graph, Operator], None]
    evaluate: Callable[[Graph, Operator, Arrays], Arrays]
    lower: Callable[[Graph, Operator, LowerOptions], Layer | tuple[Layer, ...]] | None
    limits: str = ""
    stateful: bool = False


class RefusedError(Exception):
    """Say that an operator is outside of the limits.

    Args:
        what: what it is, as the predicate of a sentence about the layer.
        hint: the way out.
    """

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
