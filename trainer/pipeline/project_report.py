"""The page of a project: figures of its classes and of the work, and pictures of accepted masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trainer.about import library_versions
from trainer.data.images import load_image
from trainer.data.project import ImageRecord, Project, Status
from trainer.data.statistics import Statistics
from trainer.errors import DataError
from trainer.pipeline.overview import OverviewRow, overview_row
from trainer.pipeline.report import Report, Table, write_report
from trainer.translatable import error_message

PICTURES = 12


def write_project_report(
    project: Project, statistics: Statistics, out: Path, pictures: int = PICTURES, force: bool = False
) -> Path:
    """Write ``report.html`` and ``figures/`` to the folder `out`; return the page's path.

    Accepted images are shown, `pictures` of them, spread over the data.
    """
    accepted = [record for record in project.images() if record.status is Status.ACCEPTED]
    shown = np.unique(np.linspace(0, len(accepted) - 1, min(pictures, len(accepted))).round().astype(int))
    warnings = list[str]()
    rows = _rows(project, [accepted[index] for index in shown], warnings)
    work = statistics.work
    return write_report(
        Report(
            title=f"Affinity Annotator on {project.root.name}",
            about=f"Photos: {work.photos}, accepted: {work.accepted}, classes: {len(project.classes)}.",
            classes=project.classes,
            stages=(),
            rows=rows,
            settings=library_versions(),
            warnings=warnings,
            tables=tables(statistics),
        ),
        out,
        force,
    )


def tables(statistics: Statistics) -> tuple[Table, Table]:
    """Return the figures as they stand on the page."""
    work = statistics.work
    classes = [
        (
            each.name,
            str(each.tagged),
            str(each.accepted),
            str(each.objects),
            str(each.pixels),
            f"{each.share:.1%}",
        )
        for each in statistics.classes
    ]
    return (
        Table(
            "Classes",
            "Photos, objects and pixels in the accepted masks.",
            ("class", "photos tagged", "photos accepted", "objects", "pixels", "share"),
            classes,
        ),
        Table(
            "Work",
            "Medians of the accepted photos; pauses of a minute or more are left out.",
            ("", ""),
            [
                ("photos", str(work.photos)),
                ("tagged", str(work.tagged)),
                ("proposed", str(work.proposed)),
                ("corrected", str(work.corrected)),
                ("accepted", str(work.accepted)),
                ("flagged", str(work.flagged)),
                ("rejected", str(work.rejected)),
                ("strokes in accepted photos", str(work.strokes)),
                ("strokes a photo", "–" if work.strokes_a_photo is None else f"{work.strokes_a_photo:g}"),
                ("seconds a photo", "–" if work.seconds_a_photo is None else f"{work.seconds_a_photo:.0f}"),
            ],
        ),
    )


def _rows(project: Project, records: Sequence[ImageRecord], warnings: list[str]) -> list[OverviewRow]:
    rows = list[OverviewRow]()
    for record in records:
        try:
            photo, mask = load_image(record.path), project.accepted_mask(record.id)
        except DataError as error:
            warnings.append(error_message(error))
            continue
        caption = f"{record.id}: {', '.join(record.tags)}" if record.tags else record.id
        if record.comment:
            caption += f" ({record.verdict}: {record.comment})"
        rows.append(overview_row(caption, photo, mask=mask))
    return rows
