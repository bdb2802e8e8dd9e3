"""Reach the board of a build folder, emulated or real, and make sure that it is the right one."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tinykit.core.board import Board
from tinykit.core.errors import TinykitError
from tinykit.host.apps import require_link
from tinykit.host.console import say
from tinykit.host.emulator import Emulator
from tinykit.host.emulators import start_emulator
from tinykit.host.find_port import asker, find_port, usb_ports
from tinykit.host.link import Hello, Link, expect
from tinykit.host.pace import BOARD_PATIENCE, EMULATOR_PATIENCE, Patience
from tinykit.host.record import BuildRecord, built_board
from tinykit.host.renode_files import runs_in_renode


@dataclass(frozen=True, slots=True)
class Place:
    """Say where the board is: a serial port, or an emulator by name. Exactly one is given.

    `patience` is for a port: how long what is behind it may take.
    """

    port: str | None
    emulator: str | None
    patience: Patience = BOARD_PATIENCE

    def __str__(self) -> str:
        """Write it as people say it."""
        return self.port if self.port is not None else f"{self.emulator} emulator"


def choose_place(port: str | None, emulator: str | None, board: Board) -> Place:
    """Return where to find the board; the serial port that it must be when neither is given.

    Raises:
        TinykitError: both are given, there are several ports, or no such emulator.
        MissingToolError: there is no port at all.
    """
    if port is not None and emulator is not None:
        raise TinykitError("--port and --emulator exclude each other", "leave one of them out")
    if emulator is not None:
        emulator = choose_emulator(emulator, board)
    if port is not None or emulator is not None:
        return Place(port, emulator)
    return Place(find_port(board, usb_ports(), asker(), say), None)


def choose_emulator(emulator: str | None, board: Board) -> str:
    """Return the emulator's name; the board's first one when none is given.

    Raises:
        TinykitError: the board has none, or none of that name, or its link is not modelled there.
    """
    if not board.emulators:
        raise TinykitError(
            f"{board.name} has no emulator",
            "use the board itself: --port; boards that have one: tinykit boards",
        )
    if emulator is None:
        return board.emulators[0]
    if emulator not in board.emulators:
        raise TinykitError(
            f"{board.name} has no emulator '{emulator}'",
            f"it has: {', '.join(board.emulators)}",
        )
    if emulator == "renode" and not runs_in_renode(board):
        raise TinykitError(
            f"Renode has no USB device, over which this build for {board.name} is linked",
            "tinykit build --link uart, or --emulator unicorn",
        )
    return emulator


@dataclass(frozen=True, slots=True)
class Session:
    """Hold an open link, what the board said of itself, and the emulator if there is one."""

    link: Link
    hello: Hello
    emulator: Emulator | None


@contextmanager
def open_session(folder: Path, record: BuildRecord, place: Place) -> Iterator[Session]:
    """Connect, say hello, and refuse any board that does not run this very image."""
    require_link(record.app, folder)
    if place.port is not None:
        with Link(place.port, record.link.baud, place.patience) as link:
            yield Session(link, _greet(link, folder, record), None)
        return
    assert place.emulator is not None
    with (
        start_for(folder, record, place.emulator) as emulator,
        Link(emulator.port, record.link.baud, EMULATOR_PATIENCE) as link,
    ):
        yield Session(link, _greet(link, folder, record), emulator)


def start_for(folder: Path, record: BuildRecord, emulator: str) -> Emulator:
    """Start an emulator with the image of a build folder."""
    elf = folder / record.files["elf"]
    return start_emulator(emulator, elf, built_board(folder, record), f"{record.model}_invoke")


def _greet(link: Link, folder: Path, record: BuildRecord) -> Hello:
    if json.loads((folder / record.files["plan"]).read_text())["state_bytes"]:
        link.keep_history()
    hello = link.hello()
    expect(hello, record.digest, record.build_id, record.image_crc32, record.board)
    return hello
