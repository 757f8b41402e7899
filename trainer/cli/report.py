"""`report DATA --out DIR`: one HTML page on what a pipeline run left in DIR."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated, Any

import typer

from trainer.cli.console import open_reporter
from trainer.cli.options import Classes, Data, Split, read_classes

_UNTOLD = ("data", "classes", "versions")


def run(
    data: Data,
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="DIR", help="Folder of a pipeline run made with --stages; the page goes there."
        ),
    ],
    pictures: Annotated[
        int, typer.Option("--pictures", min=0, help="Images to show, spread over the data.")
    ] = 12,
    split: Split = "train",
    classes: Classes = None,
) -> None:
    """Write a page with pictures, IoU tables, settings and times.

    report.html needs no other file; the pictures also lie in DIR/figures as PNG.
    """
    from trainer.about import library_versions
    from trainer.data.source import open_source
    from trainer.publish import RUN_FILE
    from trainer.report import Report, collect_stages, picture_rows, write_report

    source = open_source(data, split, read_classes(classes))
    record = _read_record(out / RUN_FILE)
    images = len(source.items)
    seconds = {stage: total / images for stage, total in record.get("seconds", {}).items()}
    with open_reporter() as reporter, reporter.stage("report", 3) as stage:
        stages = collect_stages(source, out, seconds)
        stage.advance(note="pictures")
        rows = picture_rows(source, stages, pictures)
        stage.advance(note="page")
        page = write_report(
            Report(
                title=f"Affinity Annotator on {source.root.name}",
                about=f"{images} images, split {source.split}, {len(source.classes)} classes.",
                classes=source.classes,
                stages=stages,
                rows=rows,
                settings=_settings(record) | library_versions(),
                warnings=[*source.problems, *record.get("warnings", ())],
            ),
            out,
        )
        stage.advance()
    print(page)


def _settings(record: dict[str, Any]) -> dict[str, str]:
    """Name → value of all a run was told, recipes as ``recipe.name``; its list of images is left out."""
    told = {name: value for name, value in record.get("settings", {}).items() if name not in _UNTOLD}
    flat: dict[str, str] = {}
    for name, value in told.items():
        inner = value if isinstance(value, dict) else {"": value}
        prefix = "" if name == "settings" else name
        flat |= {".".join(filter(None, (prefix, key))): str(entry) for key, entry in inner.items()}
    return flat


def _read_record(path: Path) -> dict[str, Any]:
    """Read the run's own record; empty for masks that came another way."""
    from trainer.errors import DataError

    if not path.is_file():
        return {}
    try:
        record = json_format.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is damaged ({error}); remove it or run the pipeline again") from error
    return record if isinstance(record, dict) else {}
