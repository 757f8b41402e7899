"""Many images at once: tagged, accepted, flagged and rejected, in batches that are undone and redone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trainer.data import accepted_rows, batch_rows, class_changes, image_rows, journal, review_rows
from trainer.data.batch_rows import BatchKind
from trainer.data.classes import BACKGROUND, VOID
from trainer.data.image_rows import ImageRecord, Status
from trainer.data.journal import Labels
from trainer.data.project_classes import ProjectClasses
from trainer.data.project_masks import settle
from trainer.data.review_rows import Verdict
from trainer.errors import DataError

TOGETHER = 64
"""Images in one transaction, so that strokes are written in between."""
Apply = Callable[[sqlite3.Connection, str], None]


@dataclass(frozen=True)
class Batch:
    """What was done to several images: those it changed, and those it left out.

    Those have no mask that could be accepted, or, where it was undone or redone, were changed again since.
    """

    kind: BatchKind
    images: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class ProjectBatches(ProjectClasses):
    """See `Project`. What a batch has changed when it is stopped or fails can be undone as well."""

    def batch(
        self,
        kind: BatchKind,
        image_ids: Sequence[str],
        tag: str = "",
        comment: str = "",
        advance: Callable[[int], object] = lambda done: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Batch:
        """Do the same to several images, as one change that `undo_batch` takes back.

        Args:
            kind: what is done; TAG and UNTAG take the name of a class, FLAG and REJECT a comment.
            image_ids: of known images.
            tag: adding one to an image that nobody has tagged says that it shows nothing else.
            comment: may be empty.
            advance: is told how many images are done.
            stopped: asked between images; those that are done stay so.
        """
        if tag:
            self.classes.id_of(tag)
        number: int | None = None
        changed, left_out = list[str](), list[str]()
        done = 0
        for start in range(0, len(image_ids), TOGETHER):
            some = image_ids[start : start + TOGETHER]
            applied = [(image_id, self._change(kind, image_id, tag, comment)) for image_id in some]
            with self._database.writing() as connection:
                for image_id, apply in applied:
                    before = batch_rows.state(connection, image_id)
                    if apply is None or before is None:
                        left_out.append(image_id)
                        continue
                    apply(connection, image_id)
                    after = batch_rows.state(connection, image_id)
                    assert after is not None
                    if after != before:
                        if number is None:
                            class_changes.forget_undone(connection)
                            number = batch_rows.begin(connection, kind)
                        batch_rows.note(connection, number, image_id, before, after)
                        changed.append(image_id)
            done += len(some)
            advance(done)
            if stopped():
                break
        return Batch(kind, tuple(changed), tuple(left_out))

    def undo_batch(self) -> Batch | None:
        """Take the last batch back, also one from before a restart; None where there is none.

        An image that was changed since is left as it is.
        """
        return self._step_batch(undone=True)

    def redo_batch(self) -> Batch | None:
        """Bring back the batch that was undone last; None where there is none, or where a stroke, a batch or
        a change to the classes was made since.

        An image that was changed since is left as it is; masks are accepted as they were, to the pixel.
        """
        return self._step_batch(undone=False)

    def last_batch(self) -> BatchKind | None:
        """Return what `undo_batch` would take back."""
        with self._database.reading() as connection:
            found = batch_rows.last(connection)
        return None if found is None else found[1]

    def _step_batch(self, undone: bool) -> Batch | None:
        find, step = (
            (batch_rows.last, batch_rows.take_back)
            if undone
            else (batch_rows.first_undone, batch_rows.bring_back)
        )
        with self._database.writing() as connection:
            found = find(connection)
            if found is None:
                return None
            number, kind = found
            images, left_out = list[str](), list[str]()
            for image_id, before, after in batch_rows.images(connection, number):
                if not step(connection, number, image_id, before, after):
                    left_out.append(image_id)
                    continue
                if before.accepted != after.accepted or before.rejected != after.rejected:
                    settle(connection, image_id)
                images.append(image_id)
            batch_rows.mark(connection, number, undone)
        return Batch(kind, tuple(images), tuple(left_out))

    def _change(self, kind: BatchKind, image_id: str, tag: str, comment: str) -> Apply | None:
        """What a batch does to an image; None where it cannot."""
        match kind:
            case BatchKind.TAG | BatchKind.UNTAG:
                return self._tagging(tag, kind is BatchKind.TAG)
            case BatchKind.ACCEPT:
                return self._acceptance(self.record(image_id))
            case BatchKind.REJECT:
                return _rejection(comment)
            case BatchKind.FLAG:
                return _verdict(Verdict.FLAGGED, comment)
            case BatchKind.CLEAR:
                return _verdict(Verdict.NONE, "")

    def _tagging(self, tag: str, add: bool) -> Apply:
        def apply(connection: sqlite3.Connection, image_id: str) -> None:
            (record,) = image_rows.select(connection, self.root, self._meaning, "images.id = ?", (image_id,))
            if add and tag not in record.tags:
                image_rows.tag(connection, image_id, self._meaning, (*record.tags, tag))
            elif not add and tag in record.tags:
                others = tuple(name for name in record.tags if name != tag)
                image_rows.tag(connection, image_id, self._meaning, others)

        return apply

    def _acceptance(self, record: ImageRecord) -> Apply | None:
        if record.status is Status.ACCEPTED:
            return lambda connection, image_id: None
        try:
            mask = self.current_mask(record.id)
            photo = self._photo_if_unread(record.id)
        except DataError:  # the photo is another one than was painted on, or cannot be read
            return None
        if mask is None or not acceptable(mask, record):
            return None
        height, width = mask.shape
        packed = journal.packed(mask)

        def apply(connection: sqlite3.Connection, image_id: str) -> None:
            self._store_accepted(connection, image_id, (height, width), packed, photo)

        return apply


def acceptable(mask: Labels, record: ImageRecord) -> bool:
    """Tell whether a mask (H, W) says anything: not where all is undecided, or shows no class and nobody has
    said that there is none.
    """
    return not ((mask == VOID).all() or (not record.tagged and (mask == BACKGROUND).all()))


def _verdict(verdict: Verdict, comment: str) -> Apply:
    return lambda connection, image_id: review_rows.store(connection, image_id, verdict, comment)


def _rejection(comment: str) -> Apply:
    def apply(connection: sqlite3.Connection, image_id: str) -> None:
        review_rows.store(connection, image_id, Verdict.REJECTED, comment)
        if accepted_rows.holds(connection, image_id):
            accepted_rows.reject(connection, image_id, True)
            settle(connection, image_id)

    return apply
