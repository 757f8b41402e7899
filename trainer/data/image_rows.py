"""The rows of a project's images, and the plain values that represent them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from trainer.data.class_rows import Meaning
from trainer.data.formats.base import Split
from trainer.data.ids import path_below
from trainer.data.review_rows import Verdict
from trainer.data.source import Item


class Status(StrEnum):
    """The state of an image's annotation."""

    NEW = "new"
    PROPOSED = "proposed"
    CORRECTED = "corrected"
    ACCEPTED = "accepted"


@dataclass(frozen=True)
class ImageRecord:
    """What the project knows of an image.

    `tagged` is False where nobody tagged it yet (then `tags` is empty); `margin` in [0, 1] is the
    usefulness of a correction, higher being more useful; `split` is assigned at the first
    correction and kept; `seed_revision` grows with every change of the corrections; `verdict` and `comment`
    are those of a review.
    """

    id: str
    path: Path
    tags: tuple[str, ...]
    tagged: bool
    status: Status
    margin: float | None
    split: Split | None
    seed_revision: int
    verdict: Verdict = Verdict.NONE
    comment: str = ""

    @property
    def confidence(self) -> float | None:
        """How sure the models are of what they propose, in [0, 1]; None where they have not said."""
        return None if self.margin is None else 1 - self.margin

    @property
    def untouched(self) -> bool:
        """Whether nobody has corrected or accepted it yet."""
        return self.status in (Status.NEW, Status.PROPOSED)

    def with_tags(self, tags: tuple[str, ...] | None) -> ImageRecord:
        """The image with other tags; None where nobody has tagged it."""
        return replace(self, tags=tags or (), tagged=tags is not None)


def select(
    connection: sqlite3.Connection,
    root: Path,
    meaning: Meaning,
    condition: str = "TRUE",
    values: tuple[str, ...] = (),
) -> list[ImageRecord]:
    """Return the images that meet an SQL condition, in the order of the data set."""
    rows = connection.execute(
        "SELECT id, path, tags, status, margin, split, seed_revision, coalesce(verdict, ''), "
        "coalesce(comment, '') FROM images LEFT JOIN reviews ON reviews.image = images.id "
        f"WHERE {condition} ORDER BY position",
        values,
    )
    return [
        ImageRecord(
            image_id,
            path_below(root, path),
            meaning.tags(json.loads(tags)) if tags is not None else (),
            tags is not None,
            Status(status),
            margin,
            split,
            revision,
            Verdict(verdict),
            comment,
        )
        for image_id, path, tags, status, margin, split, revision, verdict, comment in rows
    ]


def add(
    connection: sqlite3.Connection, root: Path, meaning: Meaning, items: Iterable[tuple[str, Item]]
) -> None:
    """Append images, each under the id given with it; their paths are stored relative to `root`."""
    connection.executemany(
        "INSERT INTO images (id, path, tags, status) VALUES (?, ?, ?, ?)",
        [
            (
                image_id,
                item.image_path.relative_to(root).as_posix(),
                None if item.tags is None else json.dumps(meaning.tag_ids(item.tags)),
                Status.NEW,
            )
            for image_id, item in items
        ],
    )


def move(connection: sqlite3.Connection, root: Path, image_id: str, path: Path) -> None:
    """Store where the photo of an image lies now, below `root`; no other image may have that path."""
    values = path.relative_to(root).as_posix(), image_id
    connection.execute("UPDATE images SET path = ? WHERE id = ?", values)


def renew(connection: sqlite3.Connection, image_id: str) -> None:
    """Forget what a model proposed for an image."""
    connection.execute("DELETE FROM proposals WHERE image = ?", (image_id,))
    connection.execute(
        "UPDATE images SET margin = NULL, status = ? WHERE id = ? AND status = ?",
        (Status.NEW, image_id, Status.PROPOSED),
    )


def tag(
    connection: sqlite3.Connection,
    image_id: str,
    meaning: Meaning,
    tags: tuple[str, ...] | None,
    only_untagged: bool = False,
) -> bool:
    """Store the tags of an image, None where nobody tagged it; whether there is such an image.

    With `only_untagged`, one that somebody has tagged meanwhile keeps its own.
    """
    (stored,) = connection.execute("SELECT tags FROM images WHERE id = ?", (image_id,)).fetchone() or (None,)
    if only_untagged and stored is not None:
        return False
    ids = None if tags is None else json.dumps(meaning.tag_ids(tags, json.loads(stored or "[]")))
    return bool(connection.execute("UPDATE images SET tags = ? WHERE id = ?", (ids, image_id)).rowcount)


def assign_split(connection: sqlite3.Connection, image_id: str) -> None:
    """Assign an image that has no split yet to train or val, permanently.

    Every fourth is for validation, beginning with the second, so that two corrected images are enough to
    train.
    """
    (count,) = connection.execute("SELECT count(split) FROM images").fetchone()
    split: Split = "val" if count % 4 == 1 else "train"
    connection.execute("UPDATE images SET split = ? WHERE id = ? AND split IS NULL", (split, image_id))
