"""The rows of a review: which images somebody flagged or rejected, and what was said of them."""

from __future__ import annotations

import sqlite3
from enum import StrEnum

from trainer.data import journal


class Verdict(StrEnum):
    """What a reviewer thinks of an image, beside its acceptance."""

    NONE = ""
    FLAGGED = "flagged"
    REJECTED = "rejected"


def store(connection: sqlite3.Connection, image_id: str, verdict: Verdict, comment: str = "") -> None:
    """Keep what is thought of an image, in place of what was thought before; nothing with NONE."""
    connection.execute("DELETE FROM reviews WHERE image = ?", (image_id,))
    if verdict is not Verdict.NONE:
        values = image_id, verdict, comment, journal.now()
        connection.execute("INSERT INTO reviews (image, verdict, comment, noted) VALUES (?, ?, ?, ?)", values)


def select(connection: sqlite3.Connection, image_id: str) -> tuple[Verdict, str]:
    """Return verdict and comment of an image."""
    row = connection.execute("SELECT verdict, comment FROM reviews WHERE image = ?", (image_id,)).fetchone()
    return (Verdict.NONE, "") if row is None else (Verdict(row[0]), row[1])


def forget_rejection(connection: sqlite3.Connection, image_id: str) -> None:
    """Forget that an image was rejected: its mask is accepted."""
    connection.execute("DELETE FROM reviews WHERE image = ? AND verdict = 'rejected'", (image_id,))
