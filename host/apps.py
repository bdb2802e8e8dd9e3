"""The applications that a build can put around a model: one row each."""

from collections.abc import Callable
from dataclasses import dataclass

from tinykit.codegen.example import example_files, hooks_files
from tinykit.codegen.mlperf import mlperf_files
from tinykit.core.board import Board
from tinykit.core.errors import TinykitError
from tinykit.core.graph import Graph
from tinykit.host.toolchain import FIRMWARE, Source, family

# What every image has, whatever its application.
_START_UP = ("chips/{family}.c", "chips/{chip}.c")
# What compilers call on their own, small rather than fast: kernels of ours copy little.
OWN_LIBC = ("libc/mem.c",)
# The wire of the link, where it is in files of its own; by chip, and whether that is its USB.
_WIRES = {
    ("nrf52833", False): ("chips/nrf52840_uart.c",),
    ("nrf52840", False): ("chips/nrf52840_uart.c",),
    ("nrf52840", True): ("chips/nrf52840_usb.c", "usb/cdc_acm.c"),
}
# How a chip sleeps (rest.h), which only an application that says so has.
_RESTS = {
    "nrf51822": "chips/nrf51822_rest.c",
    "nrf52833": "chips/nrf52840_rest.c",
    "nrf52840": "chips/nrf52840_rest.c",
    "rp2040": "chips/rp2040_rest.c",
    "stm32l4r5": "chips/stm32l4r5_rest.c",
    "stm32u575": "chips/stm32u575_rest.c",
}


@dataclass(frozen=True, slots=True)
class App:
    """Describe an application.

    Attributes:
        name: as --app, build.json and the board's answer to hello say it; at most 8 characters.
        title: what it does.
        sources: its files in firmware/, beside start-up and chip.
        engines: those that it can be built with.
        linked: the host's commands talk to it by docs/protocol.md.
        generate: makes further files from the model, its file name and our version.
        compiled: which of them are compiled.
        hooks: which of them the user keeps and changes; "" if none.
        rests: it sleeps by the chip's slow clock, which not all chips have.
        next_step: what to type after a build; with {folder} and {emulator}.
    """

    name: str
    title: str
    sources: tuple[str, ...]
    engines: tuple[str, ...]
    linked: bool
    generate: Callable[[Graph, str, str], dict[str, str]]
    next_step: str
    compiled: tuple[str, ...] = ()
    hooks: str = ""
    rests: bool = False


STREAM = App(
    name="stream",
    title="takes inputs over the link and gives outputs back: verify, bench",
    sources=("link/crc32.c", "link/frame.c", "link/link.c", "apps/stream.c"),
    engines=("native", "tflm"),
    linked=True,
    generate=lambda _graph, _source, _version: {},
    next_step="tinykit verify {folder} --emulator {emulator}",
)
MLPERF = App(
    name="mlperf",
    title="speaks to the runner of MLPerf Tiny: kws01, vww01, ic01, ad01",
    sources=("link/line.c", "link/text.c", "apps/mlperf_model.c", "apps/mlperf.c"),
    engines=("native",),
    linked=False,
    generate=mlperf_files,
    next_step="tinykit emulate {folder}, and give its port to the runner: docs/apps.md",
)
NONE = App(
    name="none",
    title="a library for a firmware of your own, with an example",
    sources=("apps/none.c",),
    engines=("native",),
    linked=False,
    generate=example_files,
    next_step="{folder}/README.md, and docs/own-firmware.md",
    compiled=("main.c",),
)
SLEEP = App(
    name="sleep",
    title="wakes by the RTC, calls your sample(), the model and your act(), sleeps on",
    sources=("link/text.c", "apps/sleep.c"),
    engines=("native",),
    linked=False,
    generate=hooks_files,
    next_step="tinykit emulate {folder} --seconds 600, and your hooks: docs/apps.md",
    compiled=("hooks.c",),
    hooks="hooks.c",
    rests=True,
)
APPS = {app.name: app for app in (STREAM, MLPERF, SLEEP, NONE)}


def find_app(name: str, engine: str) -> App:
    """Return the application of that name, for an engine.

    Raises:
        TinykitError: there is none of that name, or not with that engine.
    """
    app = APPS.get(name)
    if app is None:
        raise TinykitError(f"no app '{name}'", f"--app {' or '.join(APPS)}")
    if engine not in app.engines:
        raise TinykitError(
            f"--app {name} is not built with --engine {engine}",
            f"--engine {' or '.join(app.engines)}, or --app {STREAM.name}",
        )
    return app


def require_chip(app: App, board: Board) -> None:
    """Refuse a board that an application cannot be built for.

    Raises:
        TinykitError: its chip is not among those, or its link is on a wire that cannot rest.
    """
    if not app.rests:
        return
    if board.chip not in _RESTS:
        raise TinykitError(
            f"--app {app.name} is not written for the {board.chip} of {board.name}",
            f"a board with {' or '.join(sorted(_RESTS))}: tinykit boards; or --app {NONE.name}",
        )
    if board.usb_device:
        raise TinykitError(
            f"--app {app.name} cannot sleep while {board.name} is a USB device", "--link uart"
        )


def app_emulators(app: App, board: Board) -> tuple[str, ...]:
    """Return the board's emulators that run the application: QEMU has no clock to sleep by."""
    return tuple(name for name in board.emulators if not (app.rests and name == "qemu"))


def require_time(app: App, board: Board, emulator: str) -> None:
    """Refuse an emulator that has no clock to sleep by.

    Raises:
        TinykitError: the application would wait for it for ever.
    """
    if emulator not in app_emulators(app, board):
        raise TinykitError(
            f"QEMU's {board.chip} has no clock that could end the sleep of --app {app.name}",
            "tinykit flash; or try the hooks on a board in unicorn: --board microbit_v2",
        )


def app_sources(board: Board, app: App, libc: tuple[str, ...] = OWN_LIBC) -> list[Source]:
    """Return what every image of that application needs beside the model and its kernels.

    They may be small everywhere: their loops wait for bytes, and do not multiply.

    Args:
        board: what the image is for.
        app: the application.
        libc: files of ours in the place of a C library; none if one is linked.
    """
    names = [name.format(family=family(board), chip=board.chip) for name in _START_UP]
    names += libc
    names += _WIRES.get((board.chip, board.usb_device), ())
    if app.rests:
        names.append(_RESTS[board.chip])
    if board.flash.boot2_bytes:
        names.append(f"chips/{board.chip}_boot2.S")
    return [Source(FIRMWARE / name, "size") for name in (*names, *app.sources)]


def require_link(app: str, folder: object) -> None:
    """Refuse a build folder whose image does not speak the link protocol.

    Raises:
        TinykitError: its application does not.
    """
    if app not in APPS or not APPS[app].linked:
        raise TinykitError(
            f"{folder} was built with --app {app}, which this command cannot talk to",
            f"tinykit build MODEL.tflite --app {STREAM.name} -o {folder}-{STREAM.name}",
        )
