"""The commands about boards themselves: boards, flash, doctor."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tinykit.host.board_commands import Boards, Folder, Json
from tinykit.host.console import messages, print_json, results, say


class BoardsAction(StrEnum):
    """What `tinykit boards` can be told to do."""

    SHOW = "show"


def boards_command(
    action: Annotated[
        BoardsAction | None, typer.Argument(metavar="show", help="Tell all about one board.")
    ] = None,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The board.")] = None,
    boards: Boards = None,
    json: Json = False,
) -> None:
    """List the boards, or show one of them."""
    from tinykit.core.board import board_paths, find_board, load_board
    from tinykit.core.errors import TinykitError
    from tinykit.host import board_show
    from tinykit.host.settings import chosen_boards

    folder = chosen_boards(boards)
    if action is None:
        found = [load_board(path) for path in board_paths(folder).values()]
        if json:
            print_json({"boards": [board_show.facts(board) for board in found]})
            return
        results().print(board_show.boards(found))
        say("one of them: tinykit boards show NAME; one of your own: docs/adding-a-board.md")
        return
    if name is None:
        raise TinykitError("no board is named", "tinykit boards show nano33")
    board = find_board(name, folder)
    path = board_paths(folder)[name]
    if json:
        print_json({**board_show.facts(board), "file": path})
        return
    results().print(board_show.board(board))
    say(f"where the numbers come from: {_short(path)}")


def flash_command(
    folder: Folder,
    port: Annotated[
        str | None, typer.Option("--port", "-p", help="The port that the flasher uses.")
    ] = None,
    drive: Annotated[Path | None, typer.Option(help="Where the board's drive is mounted.")] = None,
    link: Annotated[
        str | None, typer.Option(help="The serial adapter's port, to ask the board afterwards.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the commands only.")] = False,
    json: Json = False,
) -> None:
    """Put an image on the board, and ask the board whether it runs.

    Nothing is written to a device whose USB ids are not the board's.
    """
    from tinykit.host.flash import Target, flash, planned
    from tinykit.host.record import built_board, read_record

    record = read_record(folder)
    board, target = built_board(folder, record), Target(port, drive, link)
    if dry_run:
        done = planned(folder, record, board, target)
    else:
        with messages().status("flashing") as status:
            done = flash(folder, record, board, target, status.update)
    if json:
        print_json(done)
        return
    for line in done.commands:
        results().print(line, soft_wrap=True, markup=False, highlight=False)
    if dry_run:
        return
    if done.answered is not None:
        say(f"{board.title} at {done.answered} runs build {record.build_id}, checked by itself")
    else:
        say(f"written; next: {folder}/README.md says how to connect and verify it")


def doctor_command(boards: Boards = None, json: Json = False) -> None:
    """Say what is installed and connected, what each is needed for, and how to get it.

    Ends with status 3 if something is missing without which nothing works.
    """
    from tinykit.core.errors import MissingToolError
    from tinykit.host import doctor_show
    from tinykit.host.doctor import diagnose
    from tinykit.host.settings import chosen_boards

    diagnosis = diagnose(chosen_boards(boards))
    if json:
        print_json(diagnosis)
    else:
        results().print(doctor_show.diagnosis(diagnosis))
        for text in doctor_show.rules(diagnosis):
            results().print(text, soft_wrap=True, markup=False, highlight=False)
    for finding in diagnosis.software:
        if finding.required and finding.found is None:
            raise MissingToolError(f"{finding.what} is not installed", finding.get)


def _short(path: Path) -> str:
    """Write a path as it is seen from here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
