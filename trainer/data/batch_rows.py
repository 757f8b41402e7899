"""The rows of batches: changes to several images at once, with what each was before, undone and redone."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, replace
from enum import StrEnum

from trainer.data import accepted_rows, journal, review_rows
from trainer.data.review_rows import Verdict


class BatchKind(StrEnum):
    """What was done to several images."""

    TAG = "tag"
    UNTAG = "untag"
    ACCEPT = "accept"
    FLAG = "flag"
    REJECT = "reject"
    CLEAR = "clear"


@dataclass(frozen=True)
class State:
    """What a batch may change of an image: tags as they are stored, verdict, and acceptance.

    `accepted` is when the mask was accepted, "" where none was; `rejected` whether it is so no longer because
    somebody rejected it.
    """

    tags: str | None
    verdict: Verdict
    comment: str
    accepted: str
    rejected: bool


def state(connection: sqlite3.Connection, image_id: str) -> State | None:
    """Return the present state of an image; None where there is no such image."""
    row = connection.execute("SELECT tags FROM images WHERE id = ?", (image_id,)).fetchone()
    if row is None:
        return None
    created, rejected = accepted_rows.accepted_at(connection, image_id)
    return State(row[0], *review_rows.select(connection, image_id), created, rejected)


def take_back(connection: sqlite3.Connection, batch: int, image_id: str, before: State, after: State) -> bool:
    """Give an image in the state `after` that before it, and tell whether it was in it.

    A mask that is no longer accepted is kept for `bring_back`.
    """
    if state(connection, image_id) != after:
        return False
    _restore(connection, image_id, before)
    if before.accepted == after.accepted:
        accepted_rows.reject(connection, image_id, before.rejected)
    else:
        connection.execute(
            "INSERT OR REPLACE INTO batch_masks (batch, image, height, width, mask, edit) "
            "SELECT ?, image, height, width, mask, edit FROM accepted WHERE image = ?",
            (batch, image_id),
        )
        accepted_rows.remove(connection, image_id)
    return True


def bring_back(
    connection: sqlite3.Connection, batch: int, image_id: str, before: State, after: State
) -> bool:
    """Give an image that `take_back` left alone its state `after` again, and tell whether it could be.

    A mask is accepted again only with the strokes that it was accepted with.
    """
    same = before.accepted == after.accepted
    left = before if same else replace(before, accepted="", rejected=False)
    if state(connection, image_id) != left:
        return False
    if same:
        accepted_rows.reject(connection, image_id, after.rejected)
    else:
        position = journal.position(connection, image_id)
        kept = connection.execute(
            "INSERT INTO accepted (image, height, width, mask, created, edit) "
            "SELECT image, height, width, mask, ?, edit FROM batch_masks "
            "WHERE batch = ? AND image = ? AND edit = ?",
            (after.accepted, batch, image_id, position),
        )
        if not kept.rowcount:
            return False
    _restore(connection, image_id, after)
    return True


def _restore(connection: sqlite3.Connection, image_id: str, to: State) -> None:
    connection.execute("UPDATE images SET tags = ? WHERE id = ?", (to.tags, image_id))
    review_rows.store(connection, image_id, to.verdict, to.comment)


def begin(connection: sqlite3.Connection, kind: BatchKind) -> int:
    """Write a batch that has changed no image yet; return its number. Undone ones can no longer be redone."""
    forget_undone(connection)
    values = kind, journal.now(), journal.last_of_all(connection)
    row = connection.execute("INSERT INTO batches (kind, created, edit) VALUES (?, ?, ?)", values).lastrowid
    assert row is not None
    return row


def note(connection: sqlite3.Connection, batch: int, image_id: str, before: State, after: State) -> None:
    """Write what a batch has made of an image."""
    connection.execute(
        "INSERT INTO batch_images (batch, image, before, after) VALUES (?, ?, ?, ?)",
        (batch, image_id, _packed(before), _packed(after)),
    )


def last(connection: sqlite3.Connection) -> tuple[int, BatchKind] | None:
    """Return number and kind of the batch that undo takes back."""
    row = connection.execute(
        "SELECT id, kind FROM batches WHERE undone = 0 AND EXISTS "
        "(SELECT 1 FROM batch_images WHERE batch = batches.id) ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return None if row is None else (row[0], BatchKind(row[1]))


def first_undone(connection: sqlite3.Connection) -> tuple[int, BatchKind] | None:
    """Return number and kind of the batch that redo brings back."""
    row = connection.execute("SELECT id, kind FROM batches WHERE undone = 1 ORDER BY id LIMIT 1").fetchone()
    return None if row is None else (row[0], BatchKind(row[1]))


def images(connection: sqlite3.Connection, batch: int) -> list[tuple[str, State, State]]:
    """Return the images a batch changed: id, state before and after."""
    rows = connection.execute(
        "SELECT image, before, after FROM batch_images WHERE batch = ? ORDER BY rowid", (batch,)
    )
    return [(image, _unpacked(before), _unpacked(after)) for image, before, after in rows]


def mark(connection: sqlite3.Connection, batch: int, undone: bool) -> None:
    """Write whether a batch is undone."""
    connection.execute("UPDATE batches SET undone = ? WHERE id = ?", (undone, batch))


def forget_undone(connection: sqlite3.Connection) -> None:
    """Forget batches that were undone: something else was done since."""
    for table in ("batch_masks", "batch_images"):
        connection.execute(f"DELETE FROM {table} WHERE batch IN (SELECT id FROM batches WHERE undone = 1)")
    connection.execute("DELETE FROM batches WHERE undone = 1")


def _packed(one: State) -> str:
    return json.dumps([one.tags, one.verdict, one.comment, one.accepted, one.rejected])


def _unpacked(text: str) -> State:
    tags, verdict, comment, accepted, rejected = json.loads(text)
    return State(tags, Verdict(verdict), comment, accepted, rejected)
