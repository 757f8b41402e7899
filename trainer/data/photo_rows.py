"""The rows of photos: the fingerprint of the file that an image of a project was opened or painted from."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from trainer.data.fingerprints import Fingerprint


def select(connection: sqlite3.Connection) -> dict[str, Fingerprint]:
    """Return all fingerprints by image."""
    rows = connection.execute("SELECT image, size, modified, digest FROM photos")
    return {image_id: Fingerprint(*values) for image_id, *values in rows}


def of_image(connection: sqlite3.Connection, image_id: str) -> Fingerprint | None:
    """Return the fingerprint of one image's photo; None where nobody has read it yet."""
    query = "SELECT size, modified, digest FROM photos WHERE image = ?"
    row = connection.execute(query, (image_id,)).fetchone()
    return None if row is None else Fingerprint(*row)


def unread(connection: sqlite3.Connection) -> list[str]:
    """Return the images without a fingerprint."""
    rows = connection.execute("SELECT id FROM images LEFT JOIN photos ON image = id WHERE image IS NULL")
    return [image_id for (image_id,) in rows]


def store(connection: sqlite3.Connection, found: Mapping[str, Fingerprint]) -> None:
    """Keep fingerprints by image."""
    connection.executemany(
        "INSERT OR REPLACE INTO photos (image, size, modified, digest) VALUES (?, ?, ?, ?)",
        [(image_id, each.size, each.modified, each.digest) for image_id, each in found.items()],
    )


def forget(connection: sqlite3.Connection, image_id: str) -> None:
    """Take whatever photo an image has next for its own."""
    connection.execute("DELETE FROM photos WHERE image = ?", (image_id,))
