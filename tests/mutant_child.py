"""Compile damaged models in a process of little memory; pickled files in, what happened out.

What happened to a file: None if it compiles, the error's message and hint, or a traceback.
"""

import pickle
import resource
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType

from tinykit.codegen.compile import compile_model
from tinykit.codegen.importer import obstacles
from tinykit.codegen.layer import LowerOptions
from tinykit.core.errors import TinykitError

MOST_BYTES = 1 << 30
MOST_S = 10


def _too_long(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"no end within {MOST_S} s")


def _happened(data: bytes) -> tuple[str, ...] | None:
    signal.alarm(MOST_S)
    try:
        obstacles(data, "net.tflite")
        compile_model(data, "net.tflite", "0.0.0", LowerOptions())
    except TinykitError as error:
        return error.message, error.hint
    except Exception:  # a bug, whatever it is
        return (traceback.format_exc(),)
    finally:
        signal.alarm(0)
    return None


def main() -> None:
    """Answer for the list of files on stdin."""
    files = pickle.loads(sys.stdin.buffer.read())
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    signal.signal(signal.SIGALRM, _too_long)
    answers = [_happened(data) for data in files]
    assert not list(Path().iterdir()), "something was written"
    sys.stdout.buffer.write(pickle.dumps(answers))


if __name__ == "__main__":
    main()
