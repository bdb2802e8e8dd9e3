"""Which kernel files a generated model needs: those it names, and what they call in turn.

A function in assembly has its portable twin in the .c file of the same name; each file holds
nothing where the other is the better one.
"""

import re
from pathlib import Path

from tinykit.host.toolchain import FIRMWARE

KERNELS = FIRMWARE / "kernels"
_DEFINITION = re.compile(r"^(?!static\b)[a-z][\w ]*[ *](tk_\w+)[(\[]", re.MULTILINE)
_NAME = re.compile(r"\btk_\w+\b")
_INCLUDE = re.compile(r'^#include "(tk_\w+\.h)"', re.MULTILINE)
_CONTRACT = "tk_kernels.h"  # names every kernel


def kernel_files(model: str) -> list[Path]:
    """Return the files of firmware/kernels that the C text of a model needs, sorted."""
    texts = {path: path.read_text() for path in sorted(KERNELS.glob("*.c"))}
    defined = {name: path for path, text in texts.items() for name in _DEFINITION.findall(text)}
    needed: set[Path] = set()
    waiting = _NAME.findall(model)
    while waiting:
        path = defined.get(waiting.pop())
        if path is not None and path not in needed:
            needed.add(path)
            assembly = path.with_suffix(".S")
            if assembly.exists():
                needed.add(assembly)
            waiting += _NAME.findall(texts[path])
            waiting += _named_in_headers(texts[path])
    return sorted(needed)


def _named_in_headers(text: str) -> list[str]:
    """Return the names in the headers that a text includes, and in those that they include."""
    names: list[str] = []
    for header in _INCLUDE.findall(text):
        if header != _CONTRACT:
            inner = (KERNELS / header).read_text()
            names += _NAME.findall(inner) + _named_in_headers(inner)
    return names
