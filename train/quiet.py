"""Keep the noise that libraries write straight to file descriptors away from the user."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

STDOUT, STDERR = 1, 2


@dataclass(slots=True)
class Noise:
    """Hold what a quiet block would have written, for diagnosis once the block is over."""

    text: str = ""


@contextmanager
def quiet() -> Iterator[Noise]:
    """Catch everything written to file descriptors 1 and 2 inside the block.

    Everything: a progress bar that runs meanwhile is caught too, so keep the block around an
    import or a conversion, never around training.
    """
    noise = Noise()
    _flush()
    saved = {number: os.dup(number) for number in (STDOUT, STDERR)}
    with tempfile.TemporaryFile() as file:
        for number in saved:
            os.dup2(file.fileno(), number)
        try:
            yield noise
        finally:
            _flush()
            for number, copy in saved.items():
                os.dup2(copy, number)
                os.close(copy)
            file.seek(0)
            noise.text = file.read().decode(errors="replace")


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()
