"""The commands for a project's continuous integration: check-budget, ci."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tinykit.host.console import counter, print_json, results, say

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]
SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"  # names the file whose Markdown GitHub shows


class CiAction(StrEnum):
    """What `tinykit ci` can do."""

    INIT = "init"


def ci_command(
    _action: Annotated[CiAction, typer.Argument(metavar="init", help="Write the workflow.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file; .github/workflows/tinykit.yml."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="REQUIREMENT", help="What pip installs there: a git URL, a version."
        ),
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Write a GitHub Actions workflow that builds, verifies and checks the budget.

    It is for the project in the current folder, whose tinykit.toml names the board.
    """
    from tinykit.host.budget import load_project, required_budget
    from tinykit.host.ci import WORKFLOW, write_workflow

    config = load_project(Path())
    required_budget(Path(), config)
    path = output if output is not None else WORKFLOW
    write_workflow(config, path, force, source)
    if json:
        print_json({"workflow": path, "board": config.board})
        return
    say(f"wrote {path}; next: tinykit check-budget, then commit it")


def check_budget_command(
    project: Annotated[Path, typer.Argument(help="The folder of tinykit.toml.")] = Path(),
    base: Annotated[
        Path | None,
        typer.Option(
            help="What to compare with: the project on another branch, or a --json of it."
        ),
    ] = None,
    emulator: Annotated[
        str | None, typer.Option("--emulator", "-e", help="One of the board's; its first.")
    ] = None,
    inputs: Annotated[
        int | None, typer.Option(min=1, help="How many; all of the data, or 20 random ones.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the random inputs.")] = 1,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", "-o", help="Write the table as Markdown too.")
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Build and verify a project in an emulator, and end with status 1 if it is over budget.

    The limits are the budget table of tinykit.toml. In GitHub Actions the run's summary shows them.
    """
    from tinykit.core.errors import CheckFailedError
    from tinykit.core.files import refuse_overwrite, write_atomic
    from tinykit.host import budget, budget_show

    if markdown is not None:
        refuse_overwrite(markdown, force)
    config = budget.load_project(project)
    limits = budget.required_budget(project, config)
    assert config.board is not None
    with counter("measuring") as progress:
        before, note = budget.base_figures(base, config.board, emulator, inputs, seed)
        measured = budget.measure(project, config, emulator, inputs, seed, progress)
    report = budget.judge_budget(measured, limits, before, note)
    if json:
        print_json(report)
    else:
        results().print(budget_show.budget_table(report))
        for line in budget_show.budget_notes(report):
            say(line)
    text = budget_show.budget_markdown(report)
    if markdown is not None:
        write_atomic(markdown, text.encode())
    append_summary(text)
    if report.over:
        raise CheckFailedError(
            f"over budget: {budget_show.over_text(report)}",
            f"what takes it: tinykit bench {config.model}; or change [budget] in tinykit.toml",
        )


def append_summary(text: str) -> None:
    """Append Markdown to the summary of the run, if this is one of GitHub Actions.

    Raises:
        TinykitError: the file cannot be written.
    """
    from tinykit.core.errors import TinykitError

    name = os.environ.get(SUMMARY_VARIABLE)
    if not name:
        return
    try:
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise TinykitError(
            f"cannot write {name}: {(error.strerror or str(error)).lower()}",
            f"unset {SUMMARY_VARIABLE}, or name a file that can be written",
        ) from None
