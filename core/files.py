"""Write files whole or not at all, and never over something the user made."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinykit.core.errors import TinykitError

PACKAGE_ROOT = Path(__file__).resolve().parents[1]
MANIFEST = ".tinykit-files"  # in a folder that we made: the names of what we made in it


def refuse_overwrite(path: Path, force: bool) -> None:
    """Raise TinykitError if `path` exists and the user did not say --force, or cannot be made."""
    if _is_there(path) and path.is_dir():
        raise TinykitError(f"{path} is a folder", "give a file name with -o")
    if path.exists() and not force:
        raise TinykitError(f"{path} exists", "choose another name with -o, or add --force")
    if not path.parent.is_dir():
        raise TinykitError(f"{path.parent} is not a folder", f"mkdir -p {path.parent}")


def refuse_suffix(path: Path, suffix: str) -> None:
    """Raise TinykitError unless a file that is to be written ends as its contents do."""
    if path.suffix != suffix:
        raise TinykitError(f"{path} is no name of a {suffix} file", f"-o {path.stem}{suffix}")


def make_parents(path: Path) -> None:
    """Make the folders that `path` needs.

    Raises:
        TinykitError: they cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from None


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path` that takes its place only if the block succeeds.

    The temporary name keeps the suffix, since Keras chooses its format by it.
    """
    try:
        handle, name = tempfile.mkstemp(path.suffix, f".{path.stem}-", path.parent)
    except OSError as error:
        raise _unwritable(path, error) from None
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


def refuse_foreign_folder(folder: Path, force: bool) -> None:
    """Raise TinykitError unless `folder` is new, empty or ours, or the user said --force.

    A folder is ours if it holds only what its manifest lists, which atomic_folder leaves there.
    """
    if _is_there(folder) and not folder.is_dir():
        what = "a link to nothing" if folder.is_symlink() and not folder.exists() else "a file"
        raise TinykitError(f"{folder} is {what}", "choose another folder with -o")
    if folder.is_symlink() or folder.resolve() in (Path.cwd(), *Path.cwd().parents):
        raise TinykitError(
            f"{folder} is a link, or a folder around this one", "choose another folder with -o"
        )
    if folder.is_dir() and _foreign(folder) and not force:
        raise TinykitError(
            f"{folder} has files that tinykit did not make",
            "choose another folder with -o, or replace it with --force",
        )


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Give a new folder that takes the place of `folder`, whole, only if the block succeeds.

    Raises:
        TinykitError: `folder` cannot be made where it is wanted.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent)
    except OSError as error:
        raise _unwritable(folder, error) from None
    with beside as name:
        new, old = Path(name, "new"), Path(name, "old")
        new.mkdir()
        yield new
        names = sorted(path.name for path in new.iterdir())
        (new / MANIFEST).write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
        if folder.exists():
            folder.rename(old)
        new.rename(folder)


def _foreign(folder: Path) -> set[str]:
    """Return the names in a folder that its manifest does not list."""
    manifest = folder / MANIFEST
    listed = manifest.read_text(encoding="utf-8").splitlines() if manifest.is_file() else []
    return {path.name for path in folder.iterdir()} - {*listed, MANIFEST}


def _is_there(path: Path) -> bool:
    """Return whether something, a link to nothing included, has the name `path`."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:  # a name that is too long, a folder that may not be read
        raise _unwritable(path, error) from None
    return True


def _unwritable(path: Path, error: OSError) -> TinykitError:
    return TinykitError(
        f"cannot write {path}: {(error.strerror or str(error)).lower()}",
        "choose another place with -o",
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
