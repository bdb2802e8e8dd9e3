"""The user's own file of --app sleep: read as it is, written where there is none, never over."""

import shutil
from pathlib import Path

from tinykit.core.errors import TinykitError
from tinykit.host.apps import App

DEFAULT = Path("hooks.c")


def read_hooks(app: App, path: Path | None) -> str:
    """Return the user's hooks, "" if there are none yet.

    Raises:
        TinykitError: the file cannot be read, or the application has no hooks.
    """
    if not app.hooks:
        if path is not None:
            raise TinykitError(f"--hooks means nothing to --app {app.name}", "leave --hooks out")
        return ""
    place = path or DEFAULT
    try:
        return place.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise TinykitError(f"{place}: {error}", "--hooks FILE.c, one that you can read") from None


def keep_hooks(app: App, folder: Path, path: Path | None) -> Path | None:
    """Write the hooks of a build folder for the user to change, unless he has them already.

    Returns:
        What was written.
    """
    place = path or DEFAULT
    if not app.hooks or place.exists():
        return None
    shutil.copyfile(folder / app.hooks, place)
    return place
