"""`restore FILE`: the project that `backup` wrote into one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.options import Json, print_json


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of backup.")],
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="DIR",
            help="Folder of the photos; default: one of their former name, beside FILE.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Restore a project from a backup.

    It goes into the folder of its photos; those that the backup holds are put there as well. Files that are
    there stay as they are, and a project is never replaced.
    """
    from trainer.data.backup import restore

    restored = restore(file, to)
    if json:
        print_json({"folder": str(restored.folder), "photos": restored.photos})
    else:
        print(f"{restored.folder}: the project, and {restored.photos} photos")
