"""What undo takes back next and redo brings back: strokes of an image, changes to classes, batches."""

from __future__ import annotations

from enum import StrEnum

from trainer.data import journal
from trainer.data.project_batches import ProjectBatches


class Step(StrEnum):
    """What one step of undo or redo is about."""

    STROKE = "stroke"
    CLASSES = "classes"
    BATCH = "batch"


# Changes to the classes and batches know the edit that was the last one of any image when they were made.
_STEPS = """
SELECT 'stroke', id AS edit, '' AS created FROM edits WHERE image = :image AND undone = :undone
UNION ALL SELECT 'classes', edit, created FROM class_changes WHERE undone = :undone AND edit >= :since
UNION ALL SELECT 'batch', edit, created FROM batches WHERE undone = :undone AND edit >= :since
AND EXISTS (SELECT 1 FROM batch_images WHERE batch = batches.id)
"""


class ProjectSteps(ProjectBatches):
    """See `Project`."""

    def last_step(self, image_id: str) -> Step | None:
        """Return what undo takes back where an image is open: its last stroke, or what came after all
        strokes of all images; None for nothing.
        """
        return self._step_of(image_id, undone=False)

    def next_step(self, image_id: str) -> Step | None:
        """Return what redo brings back where an image is open; None for nothing."""
        return self._step_of(image_id, undone=True)

    def _step_of(self, image_id: str, undone: bool) -> Step | None:
        order = "edit, created" if undone else "edit DESC, created DESC"
        with self._database.reading() as connection:
            since = 0 if undone else journal.last_of_all(connection)
            row = connection.execute(
                f"{_STEPS} ORDER BY {order} LIMIT 1", {"image": image_id, "undone": undone, "since": since}
            ).fetchone()
        return None if row is None else Step(row[0])
