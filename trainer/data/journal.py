"""The journal of strokes: every change of a painted layer, one row each, undone and redone by a flag."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from trainer.data.classes import UNTOUCHED
from trainer.errors import DataError
from trainer.translatable import translatable

Labels = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""Half-open (y0, x0, y1, x1) in pixels."""


class Target(StrEnum):
    """The layer that an edit changes."""

    SEEDS = "seeds"
    MASK = "mask"
    OBJECTS = "objects"
    """Marks of what is one object (see `trainer.data.objects`)."""


PAINTED = (Target.SEEDS, Target.MASK)
"""The layers that hold classes."""


@dataclass(frozen=True, eq=False)
class Edit:
    """One stroke. Its patches stay packed: unpacking a large one takes time, and rarely are both needed."""

    id: int
    image_id: str
    target: Target
    box: Box
    packed_before: bytes
    packed_after: bytes
    tool: str
    created: str

    @cached_property
    def before(self) -> Labels:
        """What the target layer holds inside `box` before the stroke, uint8 (y1-y0, x1-x0)."""
        return self._patch(self.packed_before)

    @cached_property
    def after(self) -> Labels:
        """What it holds there after it."""
        return self._patch(self.packed_after)

    def _patch(self, blob: bytes) -> Labels:
        y0, x0, y1, x1 = self.box
        return unpacked(blob, (y1 - y0, x1 - x0))


_COLUMNS = "id, image, target, y0, x0, y1, x1, before, after, tool, created"


def append(
    connection: sqlite3.Connection,
    image_id: str,
    target: Target,
    box: Box,
    before: Labels,
    after: Labels,
    tool: str,
) -> Edit:
    """Write an edit after the applied ones of its image; those that were undone can no longer be redone."""
    y0, x0, y1, x1 = box
    if not (0 <= y0 < y1 and 0 <= x0 < x1):
        raise ValueError(f"{box} is no box (y0, x0, y1, x1) with an area")
    for patch in (before, after):
        if patch.dtype != np.uint8 or patch.shape != (y1 - y0, x1 - x0):
            raise ValueError(f"a patch for {box} must be uint8 of its size, not {patch.dtype} {patch.shape}")
    connection.execute("DELETE FROM edits WHERE image = ? AND undone", (image_id,))
    created = now()
    patches = packed(before), packed(after)
    values = (image_id, target, *box, *patches, tool, created)
    row = connection.execute(
        "INSERT INTO edits (image, target, y0, x0, y1, x1, before, after, tool, created) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    ).lastrowid
    assert row is not None
    return Edit(row, image_id, target, box, *patches, tool, created)


def last_applied(connection: sqlite3.Connection, image_id: str) -> Edit | None:
    """Return the edit that undo takes back."""
    return _edit(connection, "WHERE image = ? AND undone = 0 ORDER BY id DESC LIMIT 1", image_id)


def first_undone(connection: sqlite3.Connection, image_id: str) -> Edit | None:
    """Return the edit that redo brings back."""
    return _edit(connection, "WHERE image = ? AND undone = 1 ORDER BY id LIMIT 1", image_id)


def mark(connection: sqlite3.Connection, edit: Edit, undone: bool) -> None:
    """Write whether an edit is undone."""
    connection.execute("UPDATE edits SET undone = ? WHERE id = ?", (undone, edit.id))


def has_edits(connection: sqlite3.Connection, image_id: str, undone: bool = False) -> bool:
    """Tell whether an image has applied (or undone) edits."""
    found = connection.execute(
        "SELECT 1 FROM edits WHERE image = ? AND undone = ? LIMIT 1", (image_id, undone)
    )
    return found.fetchone() is not None


def position(connection: sqlite3.Connection, image_id: str) -> int:
    """Return the id of the edit that was applied last to an image, 0 where none is.

    What is said of objects leaves the mask as it is, and does not count.
    """
    (last,) = connection.execute(
        "SELECT coalesce(max(id), 0) FROM edits WHERE image = ? AND undone = 0 AND target != 'objects'",
        (image_id,),
    ).fetchone()
    return int(last)


def last_of_all(connection: sqlite3.Connection) -> int:
    """Return the id of the last edit that is applied to any image, 0 where none is."""
    row = connection.execute("SELECT id FROM edits WHERE undone = 0 ORDER BY id DESC LIMIT 1").fetchone()
    return 0 if row is None else int(row[0])


def layer(
    connection: sqlite3.Connection,
    image_id: str,
    target: Target,
    shape: tuple[int, int],
    base: Labels | None = None,
) -> Labels:
    """Return a layer (H, W), uint8, as the applied edits left it; 255, or `base`, where none touched it.

    Raises `DataError` where an edit reaches beyond `shape`: the image's file is no longer the one painted on.
    """
    result = np.full(shape, UNTOUCHED, np.uint8) if base is None else base.copy()
    rows: Iterable[tuple[int, int, int, int, bytes]] = connection.execute(
        "SELECT y0, x0, y1, x1, after FROM edits WHERE image = ? AND undone = 0 AND target = ? ORDER BY id",
        (image_id, target),
    )
    for y0, x0, y1, x1, after in rows:
        if y1 > shape[0] or x1 > shape[1]:
            raise DataError(
                translatable(
                    "{image!r} is smaller ({width}×{height}) than when it was painted; put the former image "
                    "file back",
                    image=image_id,
                    width=shape[1],
                    height=shape[0],
                )
            )
        result[y0:y1, x0:x1] = unpacked(after, (y1 - y0, x1 - x0))
    return result


def patch(connection: sqlite3.Connection, edit: Edit, base: Labels | None = None) -> Labels:
    """Return what the layer of an edit holds inside its box, uint8, as the applied edits left it.

    Where none touched it that is 255, or `base` (H, W).
    """
    y0, x0, y1, x1 = edit.box
    rows = connection.execute(
        "SELECT y0, x0, y1, x1, after FROM edits WHERE image = ? AND undone = 0 AND target = ? "
        "AND y0 < ? AND y1 > ? AND x0 < ? AND x1 > ? ORDER BY id DESC",
        (edit.image_id, edit.target, y1, y0, x1, x0),
    )
    untouched = np.full((y1 - y0, x1 - x0), UNTOUCHED, np.uint8)
    result = untouched if base is None else base[y0:y1, x0:x1].copy()
    last: list[tuple[int, int, int, int, bytes]] = []
    for row in rows:
        last.append(row)
        if row[0] <= y0 and row[1] <= x0 and row[2] >= y1 and row[3] >= x1:  # nothing shows from below it
            break
    for top, left, bottom, right, after in reversed(last):
        ys, xs = slice(max(top, y0), min(bottom, y1)), slice(max(left, x0), min(right, x1))
        result[ys.start - y0 : ys.stop - y0, xs.start - x0 : xs.stop - x0] = unpacked(
            after, (bottom - top, right - left)
        )[ys.start - top : ys.stop - top, xs.start - left : xs.stop - left]
    return result


def shows(connection: sqlite3.Connection, image_id: str, labels: Collection[int]) -> bool:
    """Tell whether a stroke, the imported or the accepted mask of an image holds one of the labels."""
    wanted = bytes(labels)
    blobs = connection.execute(
        "SELECT after FROM edits WHERE image = ? AND undone = 0 AND target != 'objects' "
        "UNION ALL SELECT mask FROM accepted WHERE image = ? "
        "UNION ALL SELECT mask FROM imported WHERE image = ? AND used",
        (image_id,) * 3,
    )
    return any(label in zlib.decompress(blob) for (blob,) in blobs for label in wanted)


def packed(labels: Labels) -> bytes:
    """Compress labels for a column of the database."""
    # Labels are flat: higher levels take several times as long and save next to nothing.
    return zlib.compress(labels.tobytes(), level=1)


def unpacked(blob: bytes, shape: tuple[int, int]) -> Labels:
    """Return the labels (H, W) of `packed`; raises `sqlite3.DatabaseError` where the size is another."""
    size = shape[0] * shape[1]
    try:
        # One byte more than expected is asked for: a blob of another size shows without filling the memory.
        data = zlib.decompressobj().decompress(blob, size + 1)
    except zlib.error as error:
        raise sqlite3.DatabaseError(f"labels cannot be read: {error}") from error
    if len(data) != size:
        raise sqlite3.DatabaseError("labels have the wrong size")
    return np.frombuffer(data, np.uint8).reshape(shape).copy()


def now() -> str:
    """Return the present time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _edit(connection: sqlite3.Connection, where: str, image_id: str) -> Edit | None:
    row = connection.execute(f"SELECT {_COLUMNS} FROM edits {where}", (image_id,)).fetchone()
    if row is None:
        return None
    number, image, target, y0, x0, y1, x1, before, after, tool, created = row
    return Edit(number, image, Target(target), (y0, x0, y1, x1), before, after, tool, created)
