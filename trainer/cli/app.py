"""The table of headless commands. Their modules import the heavy parts only when they run."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from trainer.about import PROGRAM, program_version
from trainer.cli import (
    backup,
    distill,
    evaluate,
    export,
    import_,
    pipeline,
    predict,
    report,
    restore,
    sample,
    simulate,
    train_seg,
    train_strokes,
)

app = typer.Typer(
    name=PROGRAM,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for module in (
    pipeline,
    evaluate,
    export,
    import_,
    report,
    train_seg,
    train_strokes,
    predict,
    simulate,
    distill,
    backup,
    restore,
    sample,
):
    app.command(module.__name__.rpartition(".")[2].strip("_").replace("_", "-"))(module.run)

COMMANDS = tuple(command.name or "" for command in app.registered_commands)


def _print_version(asked: bool) -> None:
    if asked:
        print(program_version())
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Turn image-level tags into pixel masks.

    Without a command, or with a folder or a project, the desk starts.
    """


def is_command(word: str) -> bool:
    """Tell whether the first word of a command line is a headless command rather than a path for the desk."""
    return word in COMMANDS or word.startswith("-")


def similar_command(word: str) -> str | None:
    """Return the command that `word` may be a slip of, if any."""
    return next(iter(difflib.get_close_matches(word, COMMANDS, 1)), None)


def run_command(args: Sequence[str]) -> int:
    """Run a headless command and return its exit status; what it raises is the caller's to report."""
    try:
        status = app(list(args), prog_name=PROGRAM, standalone_mode=False)
    except typer.TyperException as error:
        print(f"error: {error.format_message()} (see {PROGRAM} {_with_help(args)})", file=sys.stderr)
        return 2
    return status if isinstance(status, int) else 0


def _with_help(args: Sequence[str]) -> str:
    return f"{args[0]} --help" if args and args[0] in COMMANDS else "--help"
