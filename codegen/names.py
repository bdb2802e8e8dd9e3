"""Names a person recognises, made of tensor names, legal in C."""

import re
from collections.abc import Sequence

# C11 6.4.1, and what the generated files and the headers they include use themselves.
_RESERVED = frozenset(
    """auto break case char const continue default do double else enum extern float for goto if
    inline int long register restrict return short signed sizeof static struct switch typedef
    union unsigned void volatile while main asm src dst scratch errno bool true false
    memcpy memset memmove memcmp""".split()
)
# What converters and exporters put around a Keras layer's name, and layers that get fused away.
_NOISE = re.compile(
    r"^(StatefulPartitionedCall|PartitionedCall|serving_default|ReadVariableOp|resource"
    r"|Identity(_int8)?|functional|sequential|model|MatMul|BiasAdd|Relu6?|Conv2D|convolution"
    r"|depthwise|Add|Reshape|MaxPool(2d)?|AvgPool|Mean|Softmax|Sigmoid|Const|FusedBatchNormV3"
    r"|batch_normalization|activation|re_lu|read|transpose|shape|tfl[._].*|arith[._].*)(_?\d+)?$"
)
# The word that ends the part of a fused name which belongs to the layer with the weights.
_OWN_WORD = {"CONV_2D": "Conv2D", "DEPTHWISE_CONV_2D": "depthwise", "FULLY_CONNECTED": "MatMul"}


def c_name(text: str, fallback: str = "model") -> str:
    """Turn any text into a C identifier that is neither reserved nor a digit first."""
    name = re.sub(r"[^0-9A-Za-z]+", "_", text).strip("_").lower()
    if not name:
        return fallback
    if name[0].isdigit() or name in _RESERVED or name.startswith("tk_"):
        return f"{fallback}_{name}"
    return name


def layer_name(tensor_names: Sequence[str], kind: str) -> str:
    """Guess the Keras layer's name from the tensors that belong to it, the best hint first.

    A fused layer's tensor is called like "net/re_lu/Relu;net/conv2d/BiasAdd;net/conv2d/Conv2D".
    """
    parts = [part.split("/") for name in tensor_names for part in name.split(";")]
    own = _OWN_WORD.get(kind, "")
    for words in sorted(parts, key=lambda words: not (own and words[-1].startswith(own))):
        kept = [w for w in (word.split(":")[0] for word in words) if w and not _NOISE.match(w)]
        if kept:
            return c_name(_first_trace(kept), "layer")
    return kind.lower()


def _first_trace(scopes: Sequence[str]) -> str:
    """Return the innermost scope less the "_1" that Keras adds to every scope of a second trace."""
    if len(scopes) > 1 and all(scope.endswith("_1") for scope in scopes):
        return scopes[-1].removesuffix("_1")
    return scopes[-1]


def unique(names: Sequence[str]) -> list[str]:
    """Number the names that occur before: conv, conv_2, conv_3."""
    taken: set[str] = set()
    result = []
    for name in names:
        candidate, count = name, 1
        while candidate in taken:
            count += 1
            candidate = f"{name}_{count}"
        taken.add(candidate)
        result.append(candidate)
    return result
