"""The command line: a table of commands, and how they end."""

import os
import sys
from collections.abc import Callable

import typer

from tinykit.core.errors import TinykitError
from tinykit.host import (
    board_commands,
    ci_commands,
    device_commands,
    link_commands,
    model_commands,
    prune_command,
    verify_command,
)
from tinykit.host.console import show_error
from tinykit.host.entry import INTERRUPTED

# In the order of the pipeline; a command is one function and one row.
COMMANDS: tuple[tuple[str, Callable[..., None]], ...] = (
    ("demo", model_commands.demo_command),
    ("train", model_commands.train_command),
    ("prune", prune_command.prune_command),
    ("quantize", model_commands.quantize_command),
    ("check", board_commands.check_command),
    ("build", board_commands.build_command),
    ("flash", device_commands.flash_command),
    ("emulate", board_commands.emulate_command),
    ("verify", verify_command.verify_command),
    ("predict", link_commands.predict_command),
    ("stream", link_commands.stream_command),
    ("monitor", link_commands.monitor_command),
    ("bench", board_commands.bench_command),
    ("check-budget", ci_commands.check_budget_command),
    ("boards", device_commands.boards_command),
    ("ops", board_commands.ops_command),
    ("doctor", device_commands.doctor_command),
    ("ci", ci_commands.ci_command),
)


def run(arguments: list[str]) -> int:
    """Run one command.

    Returns:
        0 done, 1 a check failed, 2 the input is wrong, 3 a device or tool is missing, 130 Ctrl-C.
    """
    try:
        # typer turns Ctrl-C into a status that it returns
        if _application()(arguments, prog_name="tinykit", standalone_mode=False) == INTERRUPTED:
            return _interrupted()
        sys.stdout.flush()
        return 0
    except TinykitError as error:
        show_error(error)
        return error.exit_status
    except typer.TyperException as error:  # of these there are usage errors only
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "tinykit"
        text = error.format_message().rstrip(".")
        if text:  # without arguments there is the help, and no mistake
            show_error(TinykitError(text[:1].lower() + text[1:], f"{command} --help"))
        return TinykitError.exit_status
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        return _reader_gone()
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # typer has seen it first
            return _reader_gone()
        raise


def _interrupted() -> int:
    print("tinykit: interrupted", file=sys.stderr)
    return INTERRUPTED


def _reader_gone() -> int:
    """Say nothing more: whoever reads our output may stop when it likes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _application() -> Callable[..., object]:
    application = typer.Typer(
        help="Put tiny neural networks on microcontrollers, bit for bit what TFLite Micro says.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, function in COMMANDS:
        application.command(name)(function)
    application.callback()(_options)
    return typer.main.get_command(application)


def _options(
    _version: bool = typer.Option(
        False,
        "--version",
        help="Print the version.",
        callback=lambda v: _print_version(v),
        is_eager=True,
    ),
) -> None:
    pass


def _print_version(wanted: bool) -> None:
    if wanted:
        from tinykit.host.version import VERSION  # reads the installation's metadata

        print(f"tinykit {VERSION}")
        raise typer.Exit
