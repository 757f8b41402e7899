"""Exporting a project's masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from trainer.data.image_rows import Status
from trainer.data.project import Project
from trainer.data.source import image_folder
from trainer.data.voc_export import VocEntry, check_destination, write_voc


def export_project(
    project: Project,
    out: Path,
    accepted_only: bool = True,
    force: bool = False,
    progress: Callable[[str], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[str]:
    """Write a project as a VOC tree (see `write_voc`); return sentences on what was left out or replaced.

    Accepted masks are exported, and unless `accepted_only` every proposal too, with the strokes over it.
    Raises `DataError` where `out` holds other files, unless `force` is given; they stay in any case. So it
    does where `out` lies among the photos.
    """
    check_destination(out, image_folder(project.root), force)
    entries = project_entries(project, accepted_only)
    return write_voc(out, entries, project.classes, force, progress, cancelled)


def project_entries(project: Project, accepted_only: bool = True) -> Iterator[VocEntry]:
    """Read the images to export one by one, so that the masks of a large project need no memory."""
    for record in project.images():
        accepted = record.status is Status.ACCEPTED
        if accepted_only and not accepted:
            continue
        mask = project.current_mask(record.id)
        # All background of an image that nobody has tagged says nothing.
        if mask is not None and (accepted or record.tagged or mask.any()):
            yield VocEntry(record.id, record.path, mask, record.tags, record.split or "train")
