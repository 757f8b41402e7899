"""The rows of a project's model versions."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from trainer.data.ids import path_below
from trainer.data.journal import now


@dataclass(frozen=True)
class ModelVersion:
    """A promoted model: its number (1, 2, …), file, validation score, and whether it is the one in use."""

    number: int
    file: Path
    score: float | None
    created: str
    note: str
    current: bool


def select(connection: sqlite3.Connection, folder: Path) -> list[ModelVersion]:
    """Return all versions, oldest first; their files lie below `folder`."""
    rows = connection.execute(
        "SELECT number, file, score, created, note, current FROM models ORDER BY number"
    )
    return [
        ModelVersion(number, path_below(folder, file), score, created, note, bool(current))
        for number, file, score, created, note, current in rows
    ]


def add(
    connection: sqlite3.Connection, folder: Path, file: Path, score: float | None, note: str
) -> ModelVersion:
    """Append a version and make it the one in use; `ValueError` where its file is not below `folder`."""
    name = file.resolve().relative_to(folder.resolve()).as_posix()
    created = now()
    number = connection.execute(
        "INSERT INTO models (file, score, note, created, current) VALUES (?, ?, ?, ?, 0)",
        (name, score, note, created),
    ).lastrowid
    assert number is not None
    set_current(connection, number)
    return ModelVersion(number, folder / name, score, created, note, current=True)


def set_current(connection: sqlite3.Connection, number: int) -> None:
    """Make one version the one in use; 0 for none."""
    connection.execute("UPDATE models SET current = (number = ?)", (number,))
