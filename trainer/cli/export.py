"""`export PROJECT --out DIR`: write a project's masks as a data set."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import open_reporter
from trainer.cli.options import Force, Json, Out, print_json
from trainer.errors import UserError


def run(
    project: Annotated[
        Path, typer.Argument(metavar="PROJECT", help="Project file, or the folder of images that has one.")
    ],
    out: Out,
    everything: Annotated[
        bool, typer.Option("--all", help="Also export proposed masks that nobody has accepted yet.")
    ] = False,
    format: Annotated[
        str,
        typer.Option(
            "--format", metavar="NAME", help="Format of the data set; an unknown name lists those there are."
        ),
    ] = "voc",
    force: Force = False,
    json: Json = False,
) -> None:
    """Write the accepted masks of a project as a data set that other programs read."""
    from trainer.data.export import export_project
    from trainer.data.formats.registry import WRITERS
    from trainer.data.image_rows import Status
    from trainer.data.project import Project

    if format not in WRITERS:
        raise UserError(f"there is no format {format!r} to export to; choose one of {', '.join(WRITERS)}")
    with closing(Project.open(project, reading=True)) as opened, open_reporter(json) as reporter:
        records = opened.images()
        total = sum(everything or record.status is Status.ACCEPTED for record in records)
        written: list[str] = []
        with reporter.stage("export", total) as stage:

            def progress(image_id: str) -> None:
                written.append(image_id)
                stage.advance(note=image_id)

            problems = export_project(opened, WRITERS[format], out, not everything, force, progress)
        for problem in problems:
            reporter.message(f"warning: {problem}")
    if json:
        print_json({"out": str(out), "images": len(written), "problems": problems})
    else:
        print(f"{len(written)} of {len(records)} images are in {out}")
