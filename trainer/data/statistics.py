"""Figures of a project: what its accepted masks hold of each class, and the work that went into them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np

from trainer.data.classes import BACKGROUND, VOID
from trainer.data.image_rows import ImageRecord, Status
from trainer.data.journal import Labels, Target
from trainer.data.project import Project
from trainer.data.review_rows import Verdict

PAUSE = 60.0
"""Seconds without a stroke from which on nobody was at work."""


@dataclass(frozen=True)
class ClassFigures:
    """One class: photos tagged so, photos whose accepted mask shows it, its objects and pixels there.

    A class that is stuff has no objects; `share` is that of the pixels of all accepted masks, 0…1.
    """

    name: str
    tagged: int
    accepted: int
    objects: int
    pixels: int
    share: float


@dataclass(frozen=True)
class WorkFigures:
    """Numbers of photos by how far they have come, and what an accepted one took.

    Strokes and seconds are medians: of all accepted photos, and of those that took more than one stroke; None
    where there is none. Pauses of a minute or more are left out of the seconds.
    """

    photos: int
    tagged: int
    proposed: int
    corrected: int
    accepted: int
    flagged: int
    rejected: int
    strokes: int
    strokes_a_photo: float | None
    seconds_a_photo: float | None


@dataclass(frozen=True)
class Statistics:
    """All figures of a project."""

    classes: tuple[ClassFigures, ...]
    work: WorkFigures

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return asdict(self)


def project_statistics(
    project: Project,
    advance: Callable[[str], object] = lambda image_id: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Statistics:
    """Count in a project; `advance` is told each accepted image that is done, `stopped` ends it early."""
    records = project.images()
    photos, objects, pixels = Counter[int](), Counter[int](), Counter[int]()
    for record in records:
        if stopped():
            break
        if record.status is not Status.ACCEPTED or (mask := project.accepted_mask(record.id)) is None:
            continue
        counts = np.bincount(mask.ravel(), minlength=256)
        for label in np.flatnonzero(counts).tolist():
            pixels[label] += int(counts[label])
            if label not in (BACKGROUND, VOID):
                photos[label] += 1
        objects.update(_objects(project, record.id, mask))
        advance(record.id)
    total = max(pixels.total(), 1)
    classes = project.classes
    tagged = Counter(name for record in records for name in record.tags)
    return Statistics(
        tuple(
            ClassFigures(
                classes.name_of(label),
                tagged[classes.name_of(label)],
                photos[label],
                objects[label],
                pixels[label],
                pixels[label] / total,
            )
            for label in classes.order
        ),
        _work(records, project.moments(), project.strokes_a_photo(len(records))),
    )


def _objects(project: Project, image_id: str, mask: Labels) -> list[int]:
    """Return the class of each object in the mask (H, W) of an image."""
    from trainer.data.objects import objects_of  # imports SciPy: the window does not wait

    marks, stuff = project.layer(image_id, Target.OBJECTS, mask.shape), project.classes.stuff
    return [label for label in objects_of(mask, marks).labels if label not in stuff]


def seconds_at_work(moments: Iterable[datetime]) -> float:
    """Return the time between moments of work in their order, without the pauses."""
    gaps = ((after - before).total_seconds() for before, after in pairwise(moments))
    return sum(gap for gap in gaps if gap < PAUSE)


def _work(
    records: Sequence[ImageRecord], moments: dict[str, list[datetime]], strokes: Sequence[int]
) -> WorkFigures:
    status = Counter(record.status for record in records)
    verdicts = Counter(record.verdict for record in records)
    accepted = [record.id for record in records if record.status is Status.ACCEPTED]
    seconds = [seconds_at_work(moments[one]) for one in accepted if len(moments.get(one, ())) > 1]
    return WorkFigures(
        photos=len(records),
        tagged=sum(record.tagged for record in records),
        proposed=status[Status.PROPOSED],
        corrected=status[Status.CORRECTED],
        accepted=status[Status.ACCEPTED],
        flagged=verdicts[Verdict.FLAGGED],
        rejected=verdicts[Verdict.REJECTED],
        strokes=sum(strokes),
        strokes_a_photo=median(strokes) if strokes else None,
        seconds_a_photo=median(seconds) if seconds else None,
    )
