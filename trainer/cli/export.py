"""`export PROJECT --out DIR`: write a project's masks as a VOC data set."""

from __future__ import annotations

import json as json_format
import os
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import open_reporter
from trainer.cli.options import Json, Out


def run(
    project: Annotated[
        Path, typer.Argument(metavar="PROJECT", help="Project file, or the folder of images that has one.")
    ],
    out: Out,
    everything: Annotated[
        bool, typer.Option("--all", help="Also masks that nobody accepted yet, where one is proposed.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder that holds other files.")
    ] = False,
    json: Json = False,
) -> None:
    """Write the accepted masks of a project as a VOC data set."""
    from trainer.data.export import export_project
    from trainer.data.project import Project
    from trainer.data.records import Status

    with closing(Project.open(_project_path(project))) as opened, open_reporter(json) as reporter:
        records = opened.images()
        total = sum(everything or record.status is Status.ACCEPTED for record in records)
        written: list[str] = []
        with reporter.stage("export", total) as stage:

            def progress(image_id: str) -> None:
                written.append(image_id)
                stage.advance(note=image_id)

            problems = export_project(opened, out, not everything, force, progress)
        for problem in problems:
            reporter.message(f"warning: {problem}")
    if json:
        print(json_format.dumps({"out": str(out), "images": len(written), "problems": problems}, indent=2))
    else:
        print(f"{len(written)} of {len(records)} images are in {out}")


def _project_path(path: Path) -> Path:
    """Find the project of a folder of images; a path that is a project already stays as it is."""
    from trainer.data.location import PROJECT_FILE, PROJECT_FOLDER, project_file

    if not path.is_dir() or (path / PROJECT_FILE).exists():
        return path
    inside = path / PROJECT_FOLDER
    return inside if inside.is_dir() or os.access(path, os.W_OK) else project_file(path)
