"""A matrix product with bias and scaling: what dense layers and convolutions have in common."""

from dataclasses import dataclass

import numpy as np

from tinykit.codegen import work
from tinykit.codegen.encode import Encoded
from tinykit.codegen.layer import Field, Table
from tinykit.codegen.ops import shared
from tinykit.codegen.ops.shared import Ints
from tinykit.codegen.ops.width import INT8

_COUNTED = {
    "bitmap": work.bitmap_product,
    "block": work.block_product,
    "codebook": work.codebook_product,
    "sparse": work.sparse_product,
}


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """Hold a matrix product with bias and scaling, ready to be lowered.

    Attributes:
        rows: the weights, (outputs, inputs).
        bias: (outputs,), as in the model.
        input_zero_point: subtracted from every input.
        scaling: from accumulators to outputs.
        plain: kernels may take the short way from sums to outputs (codegen/packed.py).
    """

    rows: Ints
    bias: Ints
    input_zero_point: int
    scaling: shared.Scaling
    plain: bool = False

    def evaluate(self, inputs: Ints) -> Ints:
        """Return the accumulators for inputs of (..., inputs)."""
        return np.asarray((inputs - self.input_zero_point) @ self.rows.T + self.bias, np.int64)

    def folded_bias(self) -> Ints:
        """Return the bias less what the input's zero point adds to every sum."""
        return np.asarray(self.bias - self.input_zero_point * self.rows.sum(axis=1), np.int64)

    @property
    def clipped(self) -> bool:
        """Tell whether a fused activation takes a pass of its own over int8 outputs."""
        width = self.scaling.width
        return self.scaling.low > width.low or self.scaling.high < width.high

    def count_work(self, encoded: Encoded, times: int) -> work.Work:
        """Count the product, taken so many times, without DSP instructions."""
        if encoded.encoding in _COUNTED:
            return _COUNTED[encoded.encoding](self.rows, times, self.plain)
        if self.scaling.width == INT8:
            return work.dense_product(self.rows, times, self.plain)
        return work.wide_product(self.rows, times)

    def tables(self, encoded: Encoded) -> tuple[Table, ...]:
        """Return all tables of the kernel's record."""
        return (*encoded.tables, self.bias_table(), *shared.scaling_tables(self.scaling))

    def bias_table(self) -> Table:
        """Return the folded biases as kernels read them."""
        return Table("bias", self.folded_bias().astype(self.scaling.width.bias), "bias")

    def fields(self, layer: str, encoded: Encoded) -> tuple[Field, ...]:
        """Return all members of the kernel's record."""
        outputs, inputs = self.rows.shape
        return (
            ("inputs", inputs),
            *encoded.fields(layer),
            ("bias", f"{layer}_bias"),
            shared.scaling_fields(self.scaling, layer, outputs, self.plain),
        )


def padding(product: Product) -> tuple[Field, ...]:
    """Return the member that says what taps outside of the image read; int16 ones read 0."""
    return (("pad_value", product.input_zero_point),) if product.scaling.width == INT8 else ()


def summary_of(shape: str, activation: str, encoded: Encoded) -> str:
    """Return a layer's line for a person."""
    parts = [shape, activation, f"{encoded.encoding} weights"]
    return ", ".join(part for part in parts if part)
