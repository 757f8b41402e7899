"""What a person does to the classes of a project: each change is a step that can be taken back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from trainer.data import class_rows
from trainer.data.class_files import ClassEntry, Colour
from trainer.data.class_rows import ClassRow, ClassRows, Meaning
from trainer.data.classes import BACKGROUND, check_class_name
from trainer.data.journal import last_of_all, now
from trainer.errors import DataError
from trainer.translatable import translatable

Kind = Literal["rename", "recolour", "merge", "delete", "order", "stuff", "load"]


@dataclass(frozen=True)
class Change:
    """A change to make: its kind, the names of the classes it is about, and what becomes of the rows."""

    kind: Kind
    names: tuple[str, ...]
    made: Callable[[ClassRows], ClassRows]


@dataclass(frozen=True)
class MadeChange:
    """A change that was made, with the classes as they were before and after it."""

    id: int
    kind: Kind
    names: tuple[str, ...]
    before: ClassRows
    after: ClassRows
    edit: int
    """The last stroke of any image when it was made, 0 for none."""

    @property
    def relabels(self) -> bool:
        """Whether pixels are of another class with it than without it."""
        return {row.id: row.successor for row in self.before} != {row.id: row.successor for row in self.after}


def rename(meaning: Meaning, class_id: int, name: str) -> Change:
    """Give a class another name; models go on to know it by the former one.

    Raises `DataError` for a name that no class can have.
    """
    check_class_name(name)
    former = meaning.classes.name_of(class_id)

    def renamed(row: ClassRow) -> ClassRow:
        return replace(row, name=name, former=(*row.former, row.name))

    return Change("rename", (former, name), _each([class_id], renamed))


def recolour(meaning: Meaning, class_id: int, colour: Colour | None) -> Change:
    """Give a class another colour on the screen, None for its first one."""
    made = _each([class_id], lambda row: replace(row, colour=colour))
    return Change("recolour", (meaning.classes.name_of(class_id),), made)


def merge(meaning: Meaning, ids: Collection[int], into: int) -> Change:
    """Make what is of the classes `ids` one with that of another class."""
    if into in ids:
        raise ValueError("a class cannot be merged into itself")
    names = tuple(map(meaning.classes.name_of, (*ids, into)))
    return Change("merge", names, _each(ids, lambda row: class_rows.gone(row, into)))


def delete(meaning: Meaning, ids: Collection[int]) -> Change:
    """Make what is of the classes `ids` background, and take their tags away."""
    names = tuple(map(meaning.classes.name_of, ids))
    return Change("delete", names, _each(ids, lambda row: class_rows.gone(row, BACKGROUND)))


def order(ids: Sequence[int]) -> Change:
    """Put the classes into this order."""
    places = {id: place for place, id in enumerate(ids)}
    return Change("order", (), _each(ids, lambda row: replace(row, place=places[row.id])))


def set_stuff(meaning: Meaning, class_id: int, on: bool) -> Change:
    """Say whether a class has no separate objects."""
    made = _each([class_id], lambda row: replace(row, stuff=on))
    return Change("stuff", (meaning.classes.name_of(class_id),), made)


def load(entries: Iterable[ClassEntry]) -> Change:
    """Take over the classes of a file: those that are missing are added, those that are known get colour and
    kind as it tells, and all stand in its order, before others. Raises `DataError` for names that cannot be.
    """
    listed = [entry for entry in entries if entry.kind == "class"]
    for entry in listed:
        check_class_name(entry.name)

    def made(rows: ClassRows) -> ClassRows:
        by_name = {row.name: row for row in rows if row.successor is None}
        result = {row.id: row for row in rows}
        for place, entry in enumerate(listed):
            row = by_name.get(entry.name) or ClassRow(len(result) + 1, entry.name)
            result[row.id] = replace(
                row,
                place=place,
                colour=entry.colour or row.colour,
                stuff=row.stuff if entry.stuff is None else entry.stuff,
            )
        behind = sorted(
            (row for row in rows if row.successor is None and result[row.id] is row),
            key=lambda row: (row.place is None, row.place or 0, row.id),
        )
        result |= {row.id: replace(row, place=len(listed) + n) for n, row in enumerate(behind)}
        return tuple(result.values())

    return Change("load", tuple(entry.name for entry in listed), made)


def make(connection: sqlite3.Connection, change: Change) -> MadeChange | None:
    """Make a change and keep how to take it back; None where it changes nothing. Raises `DataError`."""
    before = class_rows.select(connection).rows
    after = change.made(before)
    changed = tuple(row for row in after if row not in before)
    if not changed:
        return None
    _ = Meaning(after).classes  # raises for names that cannot be
    class_rows.write(connection, changed)
    ids = {row.id for row in changed}
    forget_undone(connection)
    kept = tuple(row for row in before if row.id in ids)
    edit = last_of_all(connection)
    number = connection.execute(
        "INSERT INTO class_changes (kind, names, before, after, edit, created) VALUES (?, ?, ?, ?, ?, ?)",
        (change.kind, json.dumps(change.names), *map(class_rows.to_json, (kept, changed)), edit, now()),
    ).lastrowid
    assert number is not None
    return MadeChange(number, change.kind, change.names, kept, changed, edit)


def last(connection: sqlite3.Connection) -> MadeChange | None:
    """Return the change that undo takes back."""
    return _change(connection, "undone = 0 ORDER BY id DESC")


def first_undone(connection: sqlite3.Connection) -> MadeChange | None:
    """Return the change that redo brings back."""
    return _change(connection, "undone = 1 ORDER BY id")


def step(connection: sqlite3.Connection, change: MadeChange, undone: bool) -> None:
    """Take a change back, or bring it back.

    Classes that came with it are deleted, not removed: strokes may show them. Raises `DataError` where names
    would be there twice.
    """
    to, there = (change.before, change.after) if undone else (change.after, change.before)
    known = {row.id for row in to}
    rows = (*to, *(class_rows.gone(row, BACKGROUND) for row in there if row.id not in known))
    now_there = {row.id: row for row in class_rows.select(connection).rows}
    try:
        _ = Meaning(tuple((now_there | {row.id: row for row in rows}).values())).classes
    except DataError as error:
        raise DataError(
            translatable(
                "the classes cannot be as they were: {problem}; rename the new one first", problem=error
            )
        ) from error
    class_rows.write(connection, rows)
    connection.execute("UPDATE class_changes SET undone = ? WHERE id = ?", (undone, change.id))


def forget_undone(connection: sqlite3.Connection) -> None:
    """Forget changes that were undone: something else was done since."""
    connection.execute("DELETE FROM class_changes WHERE undone")


def _change(connection: sqlite3.Connection, condition: str) -> MadeChange | None:
    row = connection.execute(
        f"SELECT id, kind, names, before, after, edit FROM class_changes WHERE {condition} LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    number, kind, names, before, after, edit = row
    before, after = class_rows.from_json(before), class_rows.from_json(after)
    return MadeChange(number, kind, tuple(json.loads(names)), before, after, edit)


def _each(ids: Collection[int], changed: Callable[[ClassRow], ClassRow]) -> Callable[[ClassRows], ClassRows]:
    return lambda rows: tuple(
        changed(row) if row.id in ids and row.successor is None else row for row in rows
    )
