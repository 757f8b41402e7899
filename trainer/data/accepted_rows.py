"""The rows of accepted masks: each belongs to the strokes that were on its image when it was accepted."""

from __future__ import annotations

import sqlite3

from trainer.data import journal
from trainer.data.journal import Labels


def store(connection: sqlite3.Connection, image_id: str, shape: tuple[int, int], packed: bytes) -> None:
    """Keep a mask (see `journal.packed`) with the present strokes, in place of one accepted before."""
    values = (image_id, *shape, packed, journal.now(), journal.position(connection, image_id))
    connection.execute(
        "INSERT OR REPLACE INTO accepted (image, height, width, mask, created, edit) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        values,
    )


def remove(connection: sqlite3.Connection, image_id: str) -> None:
    """Forget the accepted mask of an image."""
    connection.execute("DELETE FROM accepted WHERE image = ?", (image_id,))


def remove_unreachable(connection: sqlite3.Connection, image_id: str) -> None:
    """Forget the accepted mask where its strokes are undone, before a new one takes their place."""
    connection.execute(
        "DELETE FROM accepted WHERE image = ? AND edit > ?",
        (image_id, journal.position(connection, image_id)),
    )


def holds(connection: sqlite3.Connection, image_id: str) -> bool:
    """Tell whether the strokes of an image are those with which its mask was accepted, and still is."""
    found = connection.execute(
        "SELECT 1 FROM accepted WHERE image = ? AND edit = ? AND NOT rejected",
        (image_id, journal.position(connection, image_id)),
    )
    return found.fetchone() is not None


def accepted_at(connection: sqlite3.Connection, image_id: str) -> tuple[str, bool]:
    """Return when the mask of an image was accepted, "" where none is kept, and whether it was rejected."""
    row = connection.execute("SELECT created, rejected FROM accepted WHERE image = ?", (image_id,)).fetchone()
    return ("", False) if row is None else (row[0], bool(row[1]))


def reject(connection: sqlite3.Connection, image_id: str, rejected: bool) -> None:
    """Let the accepted mask of an image hold no longer, or again; it is kept."""
    connection.execute("UPDATE accepted SET rejected = ? WHERE image = ?", (rejected, image_id))


def mask(connection: sqlite3.Connection, image_id: str, in_force: bool = True) -> Labels | None:
    """Return the mask (H, W), uint8, of an image that is accepted, or with `in_force` False of one that was
    before it was painted on; None of any other.
    """
    row = connection.execute(
        "SELECT height, width, mask FROM accepted JOIN images ON images.id = image "
        "WHERE image = ? AND (status = 'accepted' OR NOT ?)",
        (image_id, in_force),
    ).fetchone()
    return None if row is None else journal.unpacked(row[2], (row[0], row[1]))


def strokes_a_photo(connection: sqlite3.Connection, latest: int) -> list[int]:
    """Return how many strokes each of the `latest` accepted images took, in the order of their acceptance."""
    rows = connection.execute(
        "SELECT (SELECT count(*) FROM edits "
        "WHERE edits.image = accepted.image AND undone = 0 AND id <= accepted.edit) "
        "FROM accepted JOIN images ON images.id = image WHERE status = 'accepted' "
        "ORDER BY created DESC, accepted.rowid DESC LIMIT ?",
        (latest,),
    ).fetchall()
    return [count for (count,) in reversed(rows)]
