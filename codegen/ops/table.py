"""The operators that tinykit compiles, by their names in the TFLite schema."""

from tinykit.codegen.layer import OpKind
from tinykit.codegen.ops import (
    add,
    batch_matmul,
    conv,
    dense,
    depthwise,
    logistic,
    mean,
    pool,
    quantize,
    reshape,
    softmax,
    transpose_conv,
)

KINDS: dict[str, OpKind] = {
    "ADD": add.KIND,
    "AVERAGE_POOL_2D": pool.AVERAGE,
    "BATCH_MATMUL": batch_matmul.KIND,
    "CONV_2D": conv.KIND,
    "DEPTHWISE_CONV_2D": depthwise.KIND,
    "DEQUANTIZE": quantize.DEQUANTIZE,
    "FULLY_CONNECTED": dense.KIND,
    "LOGISTIC": logistic.KIND,
    "MAX_POOL_2D": pool.MAX,
    "MEAN": mean.KIND,
    "QUANTIZE": quantize.QUANTIZE,
    "RESHAPE": reshape.KIND,
    "SOFTMAX": softmax.KIND,
    "TRANSPOSE_CONV": transpose_conv.KIND,
}
