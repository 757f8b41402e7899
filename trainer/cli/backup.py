"""`backup PROJECT FILE`: a project in one file."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import open_reporter
from trainer.cli.options import Json, print_json
from trainer.errors import UserError


def run(
    project: Annotated[
        Path, typer.Argument(metavar="PROJECT", help="Project file, or the folder of images that has one.")
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The archive to write, .zip.")],
    photos: Annotated[bool, typer.Option("--photos/--no-photos", help="Take the photos along.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    json: Json = False,
) -> None:
    """Write a project into one file: tags, strokes, masks, models, and the photos if wanted.

    The file is read again and compared before it takes its place. The project may be open meanwhile.
    """
    from trainer.data.atomic import check_writable
    from trainer.data.backup import back_up
    from trainer.data.project import Project

    check_writable(file)
    if file.exists() and not force:
        raise UserError(f"{file} exists already; give another name, or --force to replace it")
    with closing(Project.open(project, reading=True)) as opened, open_reporter(json) as reporter:
        images = len(opened.images())
        with reporter.stage("backup", images if photos else 0) as stage:
            files = back_up(opened, file, photos, lambda name: stage.advance(note=name))
    size = file.stat().st_size
    if json:
        print_json({"file": str(file), "images": images, "files": files, "bytes": size})
    else:
        print(f"{file}: a project of {images} images, {size / 1e6:.1f} MB")
