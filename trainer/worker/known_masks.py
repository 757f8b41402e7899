"""What is known of the photos of a project: by what a person corrected and accepted, else by the models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from trainer.data.classes import BACKGROUND, UNTOUCHED, VOID
from trainer.data.images import load_image
from trainer.data.project import ImageRecord, Project, Target
from trainer.data.views import resize_to_fit
from trainer.errors import DataError
from trainer.feature_cache import content_hash
from trainer.method.grid import resize_nearest
from trainer.method.strokes import PhotoEmbedding, StrokeModel
from trainer.translatable import error_message

LONG_SIDE = 416
"""Pixels of the longer side of a photo that is learnt from; with more, a round would take too long."""
ACCEPTED, CORRECTED, AUTOMATIC = 5, 2, 1
"""How often a mask is learnt from that a person accepted, that follows a person's strokes, or that is
automatic."""


class Unreadable(Exception):
    """A photo cannot be read; the message says why."""

    def __init__(self, image: str, why: str) -> None:
        super().__init__(why)
        self.image = image


@dataclass(frozen=True, eq=False)
class Known:
    """A photo and the best mask of it that is known.

    Attributes:
        image: its id.
        photo: uint8 H×W×3, no side over `LONG_SIDE`.
        classes: ids of the classes it shows.
        labels: uint8 H×W, 0 background, class id, 255 unknown.
        painted: uint8 H×W, what a person says: as `labels`, 255 where they say nothing.
        weight: `ACCEPTED`, `CORRECTED` or `AUTOMATIC`.
        complete: whether somebody said all that it shows, by tags or by accepting its mask. Else it may show
            anything where nobody painted, and is background nowhere but where that was painted.
        strokes: draws the outlines.
    """

    image: str
    photo: np.ndarray
    classes: tuple[int, ...]
    labels: np.ndarray
    painted: np.ndarray
    weight: int
    complete: bool
    strokes: StrokeModel = field(repr=False)

    @property
    def says_something(self) -> bool:
        """Tell whether any pixel is known."""
        return bool((self.labels != VOID).any())

    @cached_property
    def digest(self) -> str:
        """Digest of the photo."""
        return content_hash(self.photo)

    def embed(self) -> PhotoEmbedding:
        """Return the photo as the stroke network sees it: some megabytes, which are not kept."""
        return self.strokes.embed(self.photo)

    def refined(self, mask: np.ndarray, embedding: PhotoEmbedding | None = None) -> np.ndarray:
        """Return a mask uint8 H×W of the photo as the desk would show it, its outlines drawn.

        `embedding` is that of `embed`, where it is at hand.
        """
        return self.strokes.propose(embedding or self.embed(), mask)


def corrected_mask(project: Project, record: ImageRecord, strokes: StrokeModel) -> Known:
    """Return what a person says of a photo: the mask accepted, or the one that followed the strokes.

    Raises Unreadable.
    """
    image = _photo(record)
    painted = labels = project.accepted_mask(record.id)
    weight = ACCEPTED
    if painted is None:
        weight = CORRECTED
        painted = project.layer(record.id, Target.SEEDS, image.shape[:2])
        labels = project.current_mask(record.id)
    return _known(project, record, image, painted if labels is None else labels, painted, weight, strokes)


def automatic_mask(
    project: Project, record: ImageRecord, strokes: StrokeModel, propose: Callable[[Known], np.ndarray]
) -> Known:
    """Return what models say of a photo that nobody corrected: `propose` makes its mask.

    Raises Unreadable.
    """
    image = _photo(record)
    nothing = np.full(image.shape[:2], UNTOUCHED, np.uint8)
    known = _known(project, record, image, nothing, nothing, AUTOMATIC, strokes)
    return replace(known, labels=propose(known))


def _photo(record: ImageRecord) -> np.ndarray:
    try:
        return load_image(record.path)
    except DataError as error:
        raise Unreadable(record.id, error_message(error)) from error


def _known(
    project: Project,
    record: ImageRecord,
    image: np.ndarray,
    labels: np.ndarray,
    painted: np.ndarray,
    weight: int,
    strokes: StrokeModel,
) -> Known:
    photo = resize_to_fit(image, LONG_SIDE)
    tagged = {project.classes.id_of(name) for name in record.tags}
    classes = tuple(sorted(tagged | painted_classes(labels)))
    labels, painted = (resize_nearest(layer, photo.shape[:2]) for layer in (labels, painted))
    complete = record.tagged or weight == ACCEPTED
    if not complete:
        labels = np.where((labels == BACKGROUND) & (painted != BACKGROUND), np.uint8(VOID), labels)
    return Known(record.id, photo, classes, labels, painted, weight, complete, strokes)


def painted_classes(painted: np.ndarray) -> set[int]:
    """Return the ids of the classes, without background, in labels uint8 H×W."""
    counts = np.bincount(painted.ravel(), minlength=VOID + 1)
    return {int(label) for label in np.flatnonzero(counts) if label not in (BACKGROUND, VOID)}
