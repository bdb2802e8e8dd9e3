"""A trace build of an existing build folder: the same model, stopping behind each layer."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinykit.core.config import load_config
from tinykit.core.errors import TinykitError
from tinykit.host.build import BuildOptions, build, tflm_options
from tinykit.host.record import BuildRecord, built_board
from tinykit.host.session import Place


@contextmanager
def traced_build(
    folder: Path, record: BuildRecord, place: Place
) -> Iterator[tuple[Path, BuildRecord]]:
    """Give a folder whose image can trace: this one, or one built for the emulator.

    Raises:
        TinykitError: a real board is meant, which can run only what is flashed.
    """
    if record.trace:
        yield folder, record
        return
    if place.port is not None:
        raise TinykitError(
            f"{folder} is no trace build, and the board runs what is flashed",
            f"tinykit build --trace -o {folder}-trace, flash it, verify that folder",
        )
    source = record.files["model"]
    if record.engine == "tflm":
        options = tflm_options(trace=True, tree=load_config(Path()).tflm.tree)
    else:
        options = BuildOptions(
            app=record.app,
            optimize=record.optimize,
            encoding=record.encoding,
            toolchain=record.toolchain.split()[0],
            keep_input=record.keep_input,
            trace=True,
        )
    with tempfile.TemporaryDirectory(prefix="tinykit-") as name:
        output = Path(name, "trace")
        data = (folder / source).read_bytes()
        yield output, build(data, source, built_board(folder, record), options, output)
