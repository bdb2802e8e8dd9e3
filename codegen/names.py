"""Names a person recognises, made of tensor names, legal in C."""

import re
import unicodedata
from collections.abc import Sequence

# C11 6.4.1, and what the generated files and the headers they include use themselves.
_RESERVED = frozenset(
    """auto break case char const continue default do double else enum extern float for goto if
    inline int long register restrict return short signed sizeof static struct switch typedef
    union unsigned void volatile while main asm src dst scratch errno bool true false
    arena wchar_t ptrdiff_t size_t max_align_t offsetof unix linux""".split()
)
_ACCENTS = re.compile("[\u0300-\u036f]")
_STDINT = re.compile(r"u?int(_fast|_least)?(8|16|32|64|max|ptr)_t")
# Functions that compilers know by heart: an object of such a name is a warning.
_LIBRARY = frozenset(
    """abort abs acos acosh asin asinh atan atan2 atanh calloc cbrt ceil copysign cos cosh erf erfc
    exit exp exp2 expm1 fabs fdim ffs floor fma fmax fmin fmod fprintf fputs free frexp fwrite gamma
    hypot ilogb index isalnum isalpha iscntrl isdigit isgraph islower isprint ispunct isspace
    isupper isxdigit j0 j1 jn labs ldexp lgamma llabs log log10 log1p log2 logb lrint lround malloc
    memchr memcmp memcpy memmove memset modf nan nearbyint nextafter pow printf putchar puts realloc
    remainder remquo rindex rint round scalb scalbn scanf signbit significand sin sincos sinh
    snprintf sprintf sqrt sscanf strcat strchr strcmp strcpy strcspn strdup strlen strncat strncmp
    strncpy strpbrk strrchr strspn strstr tan tanh tgamma tolower toupper trunc vprintf y0 y1
    yn""".split()
)
# Files that lie beside the model's, or that they include.
_FILES = frozenset(
    """app_model assert board build chip crc32 errno float frame limits link main math readme stddef
    stdbool stdint stdio stdlib string""".split()
)
# What a layer's name stands before in the names of its tables, and a model's in its symbols.
_TABLE = re.compile(
    r"(.+)_(weights|indices|counts|bias|multiplier|shift|exponentials|answers|loop"
    r"|(input|index|part)\d+|state(_\d+)?(_initial)?)"
)
_SYMBOL = re.compile(r"_(arena|digest|invoke|(input|output)(_\d+)?)")
# What converters and exporters put around a Keras layer's name, and layers that get fused away.
_NOISE = re.compile(
    r"^(StatefulPartitionedCall|PartitionedCall|serving_default|ReadVariableOp|resource"
    r"|Identity(_int8)?|functional|sequential|model|MatMul|BiasAdd|Relu6?|Conv2D|convolution"
    r"|depthwise|Add|Reshape|MaxPool(2d)?|AvgPool|Mean|Softmax|Sigmoid|Const|FusedBatchNormV3"
    r"|batch_normalization|activation|re_lu|read|transpose|shape|tfl[._].*|arith[._].*)(_?\d+)?$"
)
# Scopes that TensorFlow opens for an operation inside of a layer.
_OPERATIONS = """Abs Add AddV2 All Any AvgPool BatchMatMulV2 BiasAdd BroadcastTo Cast ClipByValue
    ConcatV2 Conv2D Conv3D Cumsum DivNoNan Einsum Elu Equal Exp ExpandDims Expm1 Floor GatherV2 Gelu
    Greater GreaterEqual L2Loss LeakyRelu Less LessEqual Log LogSigmoid LogSoftmax LogicalAnd
    LogicalNot LogicalOr MatMul Max MaxPool2d Maximum Mean Min Minimum Mul Neg Pack Pad PadV2 Pow
    Prod RealDiv Relu Relu6 Repeat Reshape ResizeBilinear ResizeNearestNeighbor ReverseV2 Round
    Rsqrt Select SelectV2 Selu Sigmoid Sign Sin Slice Softmax Softplus Softsign Split Sqrt Square
    SquaredDifference Squeeze StridedSlice Sub Sum Tanh Tile TopKV2 Transpose Unpack logistic mul
    split stack strided_slice sub truediv unstack""".split()
_OPERATION = re.compile(f"({'|'.join(_OPERATIONS)})(_?\\d+)*")
_WHOLE_MODEL = re.compile(r"(functional|sequential|model)(_\d+)*")
# The word that ends the part of a fused name which belongs to the layer with the weights.
_OWN_WORD = {"CONV_2D": "Conv2D", "DEPTHWISE_CONV_2D": "depthwise", "FULLY_CONNECTED": "MatMul"}


def c_name(text: str, fallback: str = "model") -> str:
    """Turn any text into a C identifier that is neither reserved nor a digit first."""
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))
    name = re.sub(r"[^0-9a-z]+", "_", plain).strip("_")
    if not name:
        return fallback
    return f"{fallback}_{name}" if name[0].isdigit() or _reserved(name) else name


def model_name(source: str) -> str:
    """Turn a model file's name into the C name that its symbols and its files begin with."""
    name = c_name(source.removesuffix(".tflite"))
    return f"model_{name}" if name in _FILES else name


def layer_name(tensor_names: Sequence[str], kind: str) -> str:
    """Guess the Keras layer's name from the tensors that belong to it, the best hint first.

    A fused layer's tensor is called like "net/re_lu/Relu;net/conv2d/BiasAdd;net/conv2d/Conv2D".
    """
    parts = [part.split("/") for name in tensor_names for part in name.split(";")]
    own = _OWN_WORD.get(kind, "")
    for words in sorted(parts, key=lambda words: not (own and words[-1].startswith(own))):
        kept = [w for w in (word.split(":")[0] for word in words) if w and not _NOISE.match(w)]
        if kept:
            return c_name(_first_trace(_of_layer(kept)), "layer")
    return kind.lower()


def _of_layer(scopes: Sequence[str]) -> Sequence[str]:
    """Leave out the last scopes that are only operations, if a layer's is left then."""
    left = list(scopes)
    while len(left) > 1 and _OPERATION.fullmatch(left[-1]):
        left.pop()
    return scopes if _OPERATION.fullmatch(left[-1]) or _WHOLE_MODEL.fullmatch(left[-1]) else left


def _first_trace(scopes: Sequence[str]) -> str:
    """Return the innermost scope less the "_1" that Keras adds to every scope of a second trace."""
    if len(scopes) > 1 and all(scope.endswith("_1") for scope in scopes):
        return scopes[-1].removesuffix("_1")
    return scopes[-1]


def unique(names: Sequence[str], model: str) -> list[str]:
    """Number the names that occur before, or that a table or the model has: conv, conv_2, conv_3.

    Args:
        names: of layers, legal in C.
        model: the model's C name.
    """
    taken: set[str] = set()
    result: list[str] = []
    for name in names:
        symbol = name.startswith(model) and _SYMBOL.fullmatch(name[len(model) :])
        first = f"layer_{name}" if symbol else name
        candidate, count = first, 1
        while _collides(candidate, taken, names):
            count += 1
            candidate = f"{first}_{count}"
        taken.add(candidate)
        result.append(candidate)
    return result


def _reserved(name: str) -> bool:
    known = name in _RESERVED or name in _LIBRARY or _STDINT.fullmatch(name) is not None
    return known or name.startswith("tk_")


def _collides(name: str, taken: set[str], names: Sequence[str]) -> bool:
    table = _TABLE.fullmatch(name)
    if name in taken or (table and (table[1] in taken or table[1] in names)):
        return True
    return any(other[1] == name for other in map(_TABLE.fullmatch, taken) if other)
