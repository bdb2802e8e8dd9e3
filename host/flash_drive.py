"""Copy an image to the drive that a board shows, and see whether it was taken."""

import errno
import os
import re
import shutil
import string
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from tinykit.core.board import Board, Drive
from tinykit.core.errors import CheckFailedError, MissingToolError, TinykitError
from tinykit.host.usb_devices import board_ids

POLL_S = 0.1
FAILURE = "FAIL.TXT"  # DAPLink, docs/USERS-GUIDE.md


def mounted() -> list[Path]:
    """Return where drives are mounted."""
    if sys.platform == "darwin":
        return sorted(Path("/Volumes").glob("*"))
    if sys.platform == "win32":
        return [Path(f"{letter}:/") for letter in string.ascii_uppercase]
    table = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    places = [line.split()[1] for line in table.splitlines() if line.split()[2:3] == ["vfat"]]
    return [Path(place.replace("\\040", " ")) for place in places]


def find_drives(drive: Drive, places: Iterable[Path]) -> list[Path]:
    """Return the places whose file says that they are the board's."""
    return [place for place in places if is_drive(drive, place)]


def is_drive(drive: Drive, place: Path) -> bool:
    """Tell whether the file that tells whose drive it is says so."""
    try:
        text = (place / drive.file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(drive.says, text) is not None


def choose_drive(board: Board, given: Path | None, places: Sequence[Path]) -> Path:
    """Return the board's drive: the one given, or the only one there is.

    Raises:
        TinykitError: the one given is another's, or several could be meant.
        MissingToolError: there is none.
    """
    assert board.flasher is not None and board.flasher.drive is not None
    drive = board.flasher.drive
    if given is not None:
        if not is_drive(drive, given):
            raise TinykitError(
                f"{given} is no drive of {board.title}: it has no {drive.file} that says "
                f"'{drive.says}'",
                "nothing was written to it",
            )
        found = [given]
    else:
        found = find_drives(drive, places)
    if not found:
        raise MissingToolError(
            f"no drive {drive.label} of {board.title} is mounted", board.flasher.first
        )
    if len(found) > 1:
        names = ", ".join(map(str, found))
        raise TinykitError(f"{len(found)} boards could be meant: {names}", "choose: --drive")
    refuse_other_device(board, found[0], Path("/sys"))
    return found[0]


def refuse_other_device(board: Board, place: Path, sysfs: Path) -> None:
    """Refuse a drive whose USB device is not the board; where nobody can tell, its file did.

    Raises:
        TinykitError: it is another device.
    """
    usb_id = usb_id_of(place.stat().st_dev, sysfs)
    if usb_id is not None and usb_id not in board_ids(board):
        raise TinykitError(
            f"{place} is on the USB device {usb_id}, {board.title} is "
            f"{' or '.join(board_ids(board))}",
            "nothing was written to it",
        )


def usb_id_of(device: int, sysfs: Path) -> str | None:
    """Return the id of the USB device that holds a block device; Linux tells."""
    if not sysfs.is_dir():
        return None
    path = sysfs / "dev" / "block" / f"{os.major(device)}:{os.minor(device)}"
    if not path.exists():
        return None
    for folder in path.resolve().parents:
        if (folder / "idVendor").is_file():
            ids = [(folder / name).read_text().strip() for name in ("idVendor", "idProduct")]
            return ":".join(ids)
    return None


def write(image: Path, place: Path, board: Board, patience_s: float) -> None:
    """Copy the image, and wait until the board has taken it.

    Raises:
        TinykitError: there is no room, or no permission.
        CheckFailedError: the board says that it failed, or goes on waiting.
    """
    assert board.flasher is not None and board.flasher.drive is not None
    drive = board.flasher.drive
    (place / FAILURE).unlink(missing_ok=True)
    try:
        _copy(image, place / image.name)
    except OSError as error:
        if is_drive(drive, place):  # else it left with the last block, as it should
            raise _cannot_write(place, error) from None
    left = _await_leave(drive, place, patience_s)
    if drive.uf2_family and not left:
        raise CheckFailedError(
            f"{place} is still there {patience_s:.0f} s after all of {image.name} was written",
            f"the board did not take it. Start again: {board.flasher.first}",
        )
    if (place / FAILURE).exists():
        reason = (place / FAILURE).read_text(encoding="utf-8", errors="replace").split("\n")[0]
        raise CheckFailedError(f"the board refused the image: {reason.strip()}", "flash it again")


def _copy(image: Path, to: Path) -> None:
    with image.open("rb") as source, to.open("wb") as target:
        shutil.copyfileobj(source, target)
        target.flush()
        os.fsync(target.fileno())


def _await_leave(drive: Drive, place: Path, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while is_drive(drive, place):
        if (place / FAILURE).exists() or time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _cannot_write(place: Path, error: OSError) -> TinykitError:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return MissingToolError(
            f"no permission to write to {place}", "mount it as yourself: udisksctl mount"
        )
    return TinykitError(f"{place}: {error.strerror}", "plug the board in again, and repeat")
