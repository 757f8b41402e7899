"""The painted layers and the masks of a project's images."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from trainer.data import (
    accepted_rows,
    batch_rows,
    class_changes,
    image_rows,
    imported_rows,
    journal,
    photo_rows,
    review_rows,
)
from trainer.data.classes import EDIT_VOID, UNTOUCHED, VOID
from trainer.data.fingerprints import Fingerprint
from trainer.data.image_rows import Status
from trainer.data.images import load_mask, save_mask
from trainer.data.imported_rows import Import
from trainer.data.journal import PAINTED, Box, Edit, Labels, Target
from trainer.data.project_photos import ProjectPhotos
from trainer.errors import DataError


class ProjectMasks(ProjectPhotos):
    """What was painted, accepted, imported and proposed; see `Project`."""

    # -- The journal -----------------------------------------------------------------------------------------

    def record_edit(
        self, image_id: str, target: Target, box: Box, before: Labels, after: Labels, tool: str
    ) -> Edit:
        """Store a stroke: `before` and `after`, uint8, are the target layer inside `box` (y0, x0, y1, x1).

        Undone strokes can no longer be redone. An accepted image is open again, until the stroke is undone;
        what is said of its objects leaves it as it is.
        """
        self.record(image_id)
        photo = self._photo_if_unread(image_id)
        with self._database.writing() as connection:
            photo_rows.store(connection, photo)
            accepted_rows.remove_unreachable(connection, image_id)
            class_changes.forget_undone(connection)
            batch_rows.forget_undone(connection)
            edit = journal.append(connection, image_id, target, box, before, after, tool)
            self._edits_changed(connection, edit)
        return edit

    def undo(self, image_id: str) -> Edit | None:
        """Take back the last stroke; `patch` is what the layer holds again. None where there is none.

        If only the strokes with which the image was accepted remain, it is accepted again as it was.
        """
        return self._step(image_id, undone=True)

    def redo(self, image_id: str) -> Edit | None:
        """Bring back the stroke last undone; `patch` is what the layer holds again. None as above."""
        return self._step(image_id, undone=False)

    def can_undo(self, image_id: str) -> bool:
        """Tell whether there is a stroke to take back."""
        with self._database.reading() as connection:
            return journal.has_edits(connection, image_id)

    def can_redo(self, image_id: str) -> bool:
        """Tell whether there is an undone stroke to bring back."""
        with self._database.reading() as connection:
            return journal.has_edits(connection, image_id, undone=True)

    def layer(self, image_id: str, target: Target, shape: tuple[int, int]) -> Labels:
        """Return a painted layer (H, W), uint8, as the applied strokes left it; 255 where untouched."""
        with self._database.reading() as connection:
            if target is Target.OBJECTS:
                base = imported_rows.marks(connection, image_id)
                base = base if base is not None and base.shape == shape else None
                return journal.layer(connection, image_id, target, shape, base)
            return self._meaning.labels(journal.layer(connection, image_id, target, shape))

    def patch(self, edit: Edit) -> Labels:
        """Return what the layer of an edit holds inside its box now, uint8 (y1-y0, x1-x0)."""
        with self._database.reading() as connection:
            if edit.target is Target.OBJECTS:
                return journal.patch(connection, edit, imported_rows.marks(connection, edit.image_id))
            return self._meaning.labels(journal.patch(connection, edit))

    def painted(self, image_id: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return where (H, W) a person painted an image, on either layer."""
        return np.logical_or(*(self.layer(image_id, target, shape) != UNTOUCHED for target in PAINTED))

    # -- Masks -----------------------------------------------------------------------------------------------

    def accept(self, image_id: str, mask: Labels) -> None:
        """Freeze the mask (H, W), uint8, that the person agrees with; no prediction replaces it."""
        self.record(image_id)
        height, width = mask.shape
        packed, photo = journal.packed(mask), self._photo_if_unread(image_id)
        with self._database.writing() as connection:
            self._store_accepted(connection, image_id, (height, width), packed, photo)

    def unaccept(self, image_id: str) -> None:
        """Take the acceptance back permanently: the mask follows strokes and models again."""
        if self.record(image_id).status is Status.ACCEPTED:
            with self._database.writing() as connection:
                accepted_rows.remove(connection, image_id)
                settle(connection, image_id)

    def accepted_mask(self, image_id: str) -> Labels | None:
        """Return the frozen mask (H, W), uint8; None where the image is not accepted."""
        with self._database.reading() as connection:
            return self._read(accepted_rows.mask(connection, image_id))

    def last_accepted_mask(self, image_id: str) -> Labels | None:
        """Return the mask (H, W), uint8, that was accepted last, also where strokes have opened the image
        again; None where there is none.
        """
        with self._database.reading() as connection:
            return self._read(accepted_rows.mask(connection, image_id, in_force=False))

    def strokes_a_photo(self, latest: int = 500) -> list[int]:
        """Return how many strokes each of the `latest` accepted images took, in the order of their
        acceptance.
        """
        with self._database.reading() as connection:
            return accepted_rows.strokes_a_photo(connection, latest)

    def moments(self) -> dict[str, list[datetime]]:
        """Return when each image was worked on, in order: strokes, undone ones as well, and acceptance."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT image, created FROM edits UNION ALL SELECT image, created FROM accepted ORDER BY 2"
            ).fetchall()
        moments: dict[str, list[datetime]] = {}
        for image_id, created in rows:
            moments.setdefault(image_id, []).append(datetime.fromisoformat(created))
        return moments

    def store_proposal_mask(self, image_id: str, mask: Labels) -> None:
        """Store the current proposal (H, W), uint8; the status of a NEW image becomes PROPOSED.

        One that is all background because nobody has said what is there is no proposal: none is kept then.
        """
        file = self._proposal_file(image_id)
        if not (mask.any() or self.record(image_id).tagged):
            file.unlink(missing_ok=True)
            return
        save_mask(file, mask)
        self.set_status(image_id, Status.PROPOSED)

    def note_proposal(self, image_id: str, margin: float, origin: str) -> None:
        """Store of the present proposal how useful a correction would be, in [0, 1], and `Engine.origin`."""
        self._update(image_id, "margin = ?", margin)
        with self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO proposals VALUES (?, ?)", (image_id, origin))

    def proposal_origin(self, image_id: str) -> str:
        """Return what was noted as the origin of the stored proposal; "" where there is none."""
        if not self._proposal_file(image_id).is_file():
            return ""
        with self._database.reading() as connection:
            query = "SELECT origin FROM proposals WHERE image = ?"
            row = connection.execute(query, (image_id,)).fetchone()
        return row[0] if row else ""

    def proposal_mask(self, image_id: str) -> Labels | None:
        """Return the stored proposal (H, W), uint8; None where there is none that can be read."""
        try:
            return self._read(load_mask(self._proposal_file(image_id)))
        except DataError:
            return self.imported_mask(image_id)

    def import_masks(self, masks: Iterable[Import], accept: bool) -> list[str]:
        """Take masks that were made elsewhere, all of them or none; return the images that took theirs.

        Each is the proposal of its image, which no model replaces, and the accepted mask as well if `accept`.
        Images that a person has corrected or accepted keep what they have.
        """
        with self._database.writing() as connection:
            meaning = self._meaning
            taken = [m.image_id for m in masks if imported_rows.take(connection, meaning, m, accept)]
        for image_id in taken:
            self._proposal_file(image_id).unlink(missing_ok=True)
        self.read_photos(taken)
        return taken

    def imported_mask(self, image_id: str) -> Labels | None:
        """Return the imported mask (H, W), uint8, of an image; None where there is none, or none in use."""
        with self._database.reading() as connection:
            return self._read(imported_rows.mask(connection, image_id))

    def is_imported(self, image_id: str) -> bool:
        """Tell whether an image has an imported mask in use."""
        with self._database.reading() as connection:
            return imported_rows.holds(connection, image_id)

    def use_import(self, image_id: str, on: bool) -> None:
        """Let models propose for an image whose imported mask a person does not want, or no longer."""
        with self._database.writing() as connection:
            imported_rows.use(connection, image_id, on)

    def current_mask(self, image_id: str) -> Labels | None:
        """Return the mask as shown: the accepted one, else the proposal with all strokes over it.

        uint8 (H, W), 255 where undecided; None where nothing is proposed yet.
        """
        if (accepted := self.accepted_mask(image_id)) is not None:
            return accepted
        if (mask := self.proposal_mask(image_id)) is None:
            return None
        height, width = mask.shape
        # The proposal may be older than the last strokes on seeds; where they are, they are certain.
        corrections = self.layer(image_id, Target.SEEDS, (height, width))
        mask = np.where(corrections == UNTOUCHED, mask, corrections)
        edits = self.layer(image_id, Target.MASK, (height, width))
        return np.where(edits == UNTOUCHED, mask, np.where(edits == EDIT_VOID, np.uint8(VOID), edits))

    # -- Helpers ---------------------------------------------------------------------------------------------

    def _store_accepted(
        self,
        connection: sqlite3.Connection,
        image_id: str,
        shape: tuple[int, int],
        packed: bytes,
        photo: Mapping[str, Fingerprint],
    ) -> None:
        photo_rows.store(connection, photo)
        accepted_rows.store(connection, image_id, shape, packed)
        review_rows.forget_rejection(connection, image_id)
        connection.execute("UPDATE images SET status = ? WHERE id = ?", (Status.ACCEPTED, image_id))
        image_rows.assign_split(connection, image_id)

    def _step(self, image_id: str, undone: bool) -> Edit | None:
        with self._database.writing() as connection:
            find = journal.last_applied if undone else journal.first_undone
            if edit := find(connection, image_id):
                _ = edit.before if undone else edit.after  # raises here if the patch is damaged
                journal.mark(connection, edit, undone)
                self._edits_changed(connection, edit)
        return edit

    def _edits_changed(self, connection: sqlite3.Connection, edit: Edit) -> None:
        settle(connection, edit.image_id)
        if edit.target is Target.SEEDS:
            connection.execute(
                "UPDATE images SET seed_revision = seed_revision + 1 WHERE id = ?", (edit.image_id,)
            )
            image_rows.assign_split(connection, edit.image_id)

    def _read(self, stored: Labels | None) -> Labels | None:
        return None if stored is None else self._meaning.labels(stored)


def settle(connection: sqlite3.Connection, image_id: str) -> None:
    """Give an image whose strokes changed its status."""
    if accepted_rows.holds(connection, image_id):
        status = Status.ACCEPTED
    elif journal.has_edits(connection, image_id):
        status = Status.CORRECTED
    else:
        proposed = connection.execute("SELECT 1 FROM proposals WHERE image = ?", (image_id,)).fetchone()
        proposed = proposed or imported_rows.holds(connection, image_id)
        status = Status.PROPOSED if proposed else Status.NEW
    connection.execute("UPDATE images SET status = ? WHERE id = ?", (status, image_id))
