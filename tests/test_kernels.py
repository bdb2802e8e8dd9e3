"""A model is compiled with the kernels that it needs, and no others."""

import tiny
from models import KERNELS, compiled

from tinykit.host.kernels import kernel_files


def test_only_what_a_model_names_is_compiled() -> None:
    model = compiled(tiny.float_sum(), "float_sum")
    names = {path.stem for path in kernel_files(model.files["float_sum.c"])}
    assert {layer.kernel for layer in model.program.layers} <= names
    assert "tk_conv_s8" not in names and "tk_softmax_s8" not in names


def test_what_kernels_call_is_compiled_too() -> None:
    names = {path.stem for path in kernel_files("tk_conv_sparse_s8(&layer);")}
    assert {"tk_conv_sparse_s8", "tk_sparse_s8", "tk_gather"} <= names


def test_every_kernel_file_can_be_found_by_a_name() -> None:
    everything = "\n".join(path.read_text() for path in KERNELS.glob("*.c"))
    assert kernel_files(everything) == sorted(KERNELS.glob("*.[cS]"))
