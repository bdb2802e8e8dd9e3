"""Write files whole or not at all, and never over something the user made."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinykit.core.errors import TinykitError

PACKAGE_ROOT = Path(__file__).resolve().parents[1]


def refuse_overwrite(path: Path, force: bool) -> None:
    """Raise TinykitError if `path` exists and the user did not say --force, or cannot be made."""
    if path.is_dir():
        raise TinykitError(f"{path} is a folder", "give a file name with -o")
    if path.exists() and not force:
        raise TinykitError(f"{path} exists", "choose another name with -o, or add --force")
    if not path.parent.is_dir():
        raise TinykitError(f"{path.parent} is not a folder", f"mkdir -p {path.parent}")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path` that takes its place only if the block succeeds.

    The temporary name keeps the suffix, since Keras chooses its format by it.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
