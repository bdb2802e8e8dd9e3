"""Which kernel files a generated model needs: those it names, and what they call in turn."""

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
            waiting += _NAME.findall(texts[path])
            for header in _INCLUDE.findall(texts[path]):
                if header != _CONTRACT:
                    waiting += _NAME.findall((KERNELS / header).read_text())
    return sorted(needed)
