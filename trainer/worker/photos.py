"""The photos that a run learns from: those that a person corrected, and others to rehearse."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import partial

import numpy as np

from trainer.data.project import ImageRecord, Project
from trainer.engine import Engine
from trainer.method.grid import resize_nearest
from trainer.translatable import TranslatableText, error_message, join_texts, translatable
from trainer.worker.known_masks import Known, Unreadable, automatic_mask, corrected_mask
from trainer.worker.subject import Subject

MOST_REHEARSED = 240
"""So many that a long run does not go on looking at ever more of them."""


class Photos:
    """Looks at photos once, and again where what a person says of them has changed.

    One that cannot be read raises Unreadable; who then calls `leave_out` meets it no more.
    """

    def __init__(self, project: Project, engine: Engine, rng: np.random.Generator) -> None:
        """`rng` draws the photos to rehearse."""
        self._project, self._engine, self._rng = project, engine, rng
        self._corrected: dict[str, tuple[object, Known]] = {}
        self._rehearsed: dict[str, Known] = {}
        self._left_out: dict[str, TranslatableText] = {}

    @property
    def rehearsed(self) -> list[Known]:
        """Photos that nobody has corrected, with automatic masks."""
        return list(self._rehearsed.values())

    @property
    def problems(self) -> TranslatableText:
        """What was left out and why; empty as a rule."""
        return join_texts(*self._left_out.values())

    def corrected(self) -> Generator[None, None, list[Known]]:
        """Return the corrected photos as they are now."""
        photos = []
        for record in self._project.corrected():
            if record.id in self._left_out:
                continue
            made_of = record.seed_revision, record.status, record.tagged, record.tags
            if record.id not in self._corrected or self._corrected[record.id][0] != made_of:
                self._corrected[record.id] = (
                    made_of,
                    corrected_mask(self._project, record, self._engine.strokes),
                )
                yield
            photo = self._corrected[record.id][1]
            if photo.says_something:  # strokes may all be undone
                photos.append(photo)
            self._rehearsed.pop(record.id, None)
        return photos

    def rehearse(self, count: int, subject: Subject) -> Iterator[None]:
        """Add `count` tagged photos that nobody has corrected, with the masks that the incumbent gives."""
        room = max(0, min(count, MOST_REHEARSED - len(self._rehearsed)))
        candidates = [record for record in self._project.images() if self._may_rehearse(record)]
        for index in self._rng.permutation(len(candidates))[:room]:
            record = candidates[index]
            self._rehearsed[record.id] = automatic_mask(
                self._project, record, self._engine.strokes, partial(self._proposed, record, subject)
            )
            yield

    def rehearse_anew(self) -> None:
        """Forget the automatic masks."""
        self._rehearsed.clear()

    def leave_out(self, error: Unreadable) -> None:
        """Meet a photo no more that cannot be read."""
        self._left_out[error.image] = translatable(
            "Training continues without {image}: {problem}.",
            image=error.image,
            problem=error_message(error),
        )

    def try_all_again(self) -> None:
        """Leave out none of those any more that could not be read."""
        self._left_out.clear()

    def _proposed(self, record: ImageRecord, subject: Subject, photo: Known) -> np.ndarray:
        """Return the mask of a photo that the desk shows: the models of now may have proposed it already."""
        shown = None
        if self._project.proposal_origin(record.id) == self._engine.origin(record.tags):
            shown = self._project.proposal_mask(record.id)
        if shown is not None:
            return resize_nearest(shown, photo.labels.shape)
        return photo.refined(subject.mask(subject.network(), photo))

    def _may_rehearse(self, record: ImageRecord) -> bool:
        known = record.id in self._rehearsed or record.id in self._left_out
        return bool(record.tags) and record.untouched and not known
