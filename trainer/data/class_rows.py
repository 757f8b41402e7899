"""The rows of a project's classes, and what the ids in its masks, strokes and tags stand for now.

What is stored keeps the ids it was made with. A class that is merged or deleted only gets a successor, which
counts wherever ids are read: however many photos it touches, the change is one row, and so is taking it back.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from trainer.data.class_files import Colour, from_hex, to_hex
from trainer.data.classes import BACKGROUND, EDIT_VOID, ClassList, gone_name

Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class ClassRow:
    """One class.

    `successor` is None while it is in use; else the id of the class it was merged into, or 0 where it was
    deleted. `place` is where it stands in the list, None for behind all others; `former` are the names it had
    before.
    """

    id: int
    name: str
    successor: int | None = None
    colour: Colour | None = None
    place: int | None = None
    stuff: bool = False
    former: tuple[str, ...] = ()


ClassRows = tuple[ClassRow, ...]
"""All classes of a project by ascending id, those that are gone as well."""


@dataclass(frozen=True, eq=False)
class Meaning:
    """What class ids stand for at one moment."""

    rows: ClassRows

    @cached_property
    def classes(self) -> ClassList:
        """The list of the classes; raises `DataError` where two have one name."""
        in_use = [row for row in self.rows if row.successor is None]
        placed = sorted(
            (row for row in in_use if row.place is not None), key=lambda row: (row.place or 0, row.id)
        )
        return ClassList(
            tuple(row.name for row in self.rows),
            places=tuple(row.id for row in placed),
            colours={row.id: row.colour for row in in_use if row.colour is not None},
            stuff=frozenset(row.id for row in in_use if row.stuff),
            former={row.id: row.former for row in in_use if row.former},
        )

    def labels(self, stored: Labels) -> Labels:
        """Return a mask or a layer as it reads now: what is stored stays."""
        return self._table[stored] if self._changed else stored

    def tags(self, stored: Iterable[int]) -> tuple[str, ...]:
        """Return the names of stored tags, each once."""
        ids = dict.fromkeys(int(self._table[id]) for id in stored)
        return tuple(self.classes.name_of(id) for id in ids if id != BACKGROUND)

    def tag_ids(self, names: Iterable[str], stored: Iterable[int] = ()) -> list[int]:
        """Return what is stored for tags; of the ids that are `stored` those that still hold stay.

        Raises `DataError` for a name that is no class.
        """
        before = [(id, int(self._table[id])) for id in stored]
        ids = []
        for wanted in map(self.classes.id_of, names):
            ids += [id for id, now in before if now == wanted] or [wanted]
        return ids

    def standing_for(self, ids: Iterable[int]) -> frozenset[int]:
        """Return all stored ids that are read as one of `ids`."""
        return frozenset(np.flatnonzero(np.isin(self._table[:EDIT_VOID], list(ids))).tolist())

    @cached_property
    def _changed(self) -> bool:
        return any(row.successor is not None for row in self.rows)

    @cached_property
    def _table(self) -> Labels:
        table = np.arange(256, dtype=np.uint8)
        successors = {row.id: row.successor for row in self.rows}
        for id in successors:
            now: int = id
            while (following := successors.get(now)) is not None:
                now = following
            table[id] = now
        return table


def select(connection: sqlite3.Connection) -> Meaning:
    """Read the classes."""
    rows = connection.execute(
        "SELECT id, name, successor, colour, place, stuff, former FROM classes ORDER BY id"
    )
    return Meaning(tuple(_row(values) for values in rows))


def add(connection: sqlite3.Connection, names: Sequence[str]) -> None:
    """Append classes in use."""
    connection.executemany("INSERT INTO classes (name) VALUES (?)", ((name,) for name in names))


def write(connection: sqlite3.Connection, rows: ClassRows) -> None:
    """Store classes as they are in `rows`; others stay."""
    # Two may have exchanged their names, which nothing may be called twice in between.
    connection.executemany(
        "UPDATE classes SET name = '#' || id || '#' WHERE id = ?", ((row.id,) for row in rows)
    )
    connection.executemany(
        "INSERT INTO classes (id, name, successor, colour, place, stuff, former) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name, "
        "successor = excluded.successor, colour = excluded.colour, place = excluded.place, "
        "stuff = excluded.stuff, former = excluded.former",
        (_values(row) for row in rows),
    )


def to_json(rows: ClassRows) -> str:
    """Return classes as text; `from_json` reads it back."""
    return json.dumps([_values(row) for row in rows])


def from_json(text: str) -> ClassRows:
    """Return the classes of `to_json`."""
    return tuple(_row(values) for values in json.loads(text))


def gone(row: ClassRow, successor: int) -> ClassRow:
    """Return a class that is merged into another one, or with 0 deleted."""
    return ClassRow(row.id, gone_name(row.id), successor)


def _values(row: ClassRow) -> tuple[object, ...]:
    colour = None if row.colour is None else to_hex(row.colour)
    return row.id, row.name, row.successor, colour, row.place, int(row.stuff), json.dumps(row.former)


def _row(values: Sequence) -> ClassRow:
    id, name, successor, colour, place, stuff, former = values
    return ClassRow(
        id, name, successor, from_hex(colour or ""), place, bool(stuff), tuple(json.loads(former))
    )
