"""The rows of imported masks: made elsewhere, each is the proposal of its image in the place of a model's."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from trainer.data import accepted_rows, image_rows, journal
from trainer.data.class_rows import Meaning
from trainer.data.image_rows import Split, Status
from trainer.data.journal import Labels


@dataclass(frozen=True)
class Import:
    """A mask to take: its size (H, W), its labels (see `journal.packed`), and the tags its image has with it.

    `split` is that of the data set it comes from, None where it has none; `marks` (packed as well) say which
    pixels are one object, None where its areas do.
    """

    image_id: str
    shape: tuple[int, int]
    packed: bytes
    tags: tuple[str, ...]
    split: Split | None = None
    marks: bytes | None = None


def take(connection: sqlite3.Connection, meaning: Meaning, mask: Import, accept: bool) -> bool:
    """Store a mask as the proposal of its image, also as the accepted one if `accept`, and return True.

    That of an image a person has corrected or accepted is not taken.
    """
    taken = connection.execute(
        "UPDATE images SET status = ?, split = coalesce(split, ?) "
        "WHERE id = ? AND status IN ('new', 'proposed')",
        (Status.ACCEPTED if accept else Status.PROPOSED, mask.split, mask.image_id),
    )
    if not taken.rowcount:
        return False
    image_rows.tag(connection, mask.image_id, meaning, mask.tags)
    connection.execute("DELETE FROM proposals WHERE image = ?", (mask.image_id,))
    connection.execute(
        "INSERT OR REPLACE INTO imported (image, height, width, mask, created, used, objects) "
        "VALUES (?, ?, ?, ?, ?, 1, ?)",
        (mask.image_id, *mask.shape, mask.packed, journal.now(), mask.marks),
    )
    if accept:
        accepted_rows.store(connection, mask.image_id, mask.shape, mask.packed)
        image_rows.assign_split(connection, mask.image_id)
    return True


def use(connection: sqlite3.Connection, image_id: str, on: bool) -> None:
    """Let the imported mask of an image be its proposal, or that of a model."""
    connection.execute("UPDATE imported SET used = ? WHERE image = ?", (on, image_id))


def holds(connection: sqlite3.Connection, image_id: str) -> bool:
    """Tell whether an image has an imported mask in use."""
    found = connection.execute("SELECT 1 FROM imported WHERE image = ? AND used", (image_id,))
    return found.fetchone() is not None


def mask(connection: sqlite3.Connection, image_id: str) -> Labels | None:
    """Return the mask (H, W), uint8; None where none was imported, or another one is used."""
    row = connection.execute(
        "SELECT height, width, mask FROM imported WHERE image = ? AND used", (image_id,)
    ).fetchone()
    return None if row is None else journal.unpacked(row[2], (row[0], row[1]))


def marks(connection: sqlite3.Connection, image_id: str) -> Labels | None:
    """Return which pixels of the imported mask in use are one object (see `trainer.data.objects`); None where
    its areas are.
    """
    row = connection.execute(
        "SELECT height, width, objects FROM imported WHERE image = ? AND used AND objects IS NOT NULL",
        (image_id,),
    ).fetchone()
    return None if row is None else journal.unpacked(row[2], (row[0], row[1]))
