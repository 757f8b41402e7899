"""`import DATA`: give photos the masks that another program made."""

from __future__ import annotations

import json as json_format
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import open_reporter
from trainer.cli.options import Classes, Json, read_classes
from trainer.errors import UserError


def run(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="Folder of photos, or its project; a project is made where there is none."
        ),
    ],
    masks: Annotated[
        Path | None,
        typer.Option(
            "--masks",
            metavar="DIR|FILE",
            help="Where the masks are: a VOC tree, a folder of labelme files, of YOLO labels, of images and "
            "masks, a COCO file or its folder. Default: DATA.",
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="Format of the masks; by itself the one found. An unknown name lists those there are.",
            show_default=False,
        ),
    ] = None,
    proposals: Annotated[
        bool, typer.Option("--proposals", help="Import as proposals to look through, not as accepted masks.")
    ] = False,
    classes: Classes = None,
    json: Json = False,
) -> None:
    """Import masks into a project: VOC, COCO, labelme, YOLO, or a folder of masks.

    Classes go by name; new ones are added. Photos that are corrected or accepted already keep their masks.
    """
    from trainer.data.formats.registry import READERS, open_masks
    from trainer.data.import_masks import import_masks, open_for_import

    if format is not None and format not in READERS:
        raise UserError(f"there is no format {format!r} to import from; choose one of {', '.join(READERS)}")
    reader = open_masks(masks or data, format, read_classes(classes))
    with closing(open_for_import(data, reader)) as project, open_reporter(json) as reporter:
        total = sum(1 for _ in reader.entries())
        with reporter.stage("import", total) as stage:
            result = import_masks(project, reader, not proposals, lambda photo: stage.advance(note=photo))
        for problem in result.problems:
            reporter.message(f"warning: {problem}")
        images = len(project.images())
    if not result.images:
        raise UserError("; ".join(["no mask was imported", *result.problems[:1]]))
    if json:
        figures = {
            "project": str(project.file),
            "masks": total,
            "images": len(result.images),
            "new classes": result.new_classes,
            "problems": result.problems,
        }
        print(json_format.dumps(figures, indent=2))
    else:
        print(f"{len(result.images)} of {images} images of {project.root} have a mask from {masks or data}")
