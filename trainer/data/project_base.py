"""What every part of a project builds on: its file, its classes and settings, and the list of its images."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainer.data import class_rows, image_rows
from trainer.data.classes import ClassList
from trainer.data.database import Database
from trainer.data.ids import file_under
from trainer.data.image_rows import ImageRecord, Split, Status
from trainer.data.location import lies_in, user_projects
from trainer.data.source import PROJECT_FOLDER, natural_key
from trainer.errors import DataError
from trainer.translatable import TranslatableText, translatable


class ProjectBase:
    """The project file, opened; see `Project`."""

    def __init__(self, database: Database, made_now: bool = False) -> None:
        """Only a project that was `made_now` may name photos anywhere: what a file says is not trusted."""
        self._database = database
        place = database.file.parent
        self.folder = database.copy.file.parent if database.copy is not None else place
        root = str(self.setting("root", ".."))
        trusted = made_now or lies_in(place, user_projects())
        if root != ".." and not trusted:
            database.close()
            raise DataError(
                translatable(
                    "{file} is of photos that lie elsewhere ({root}); put it into the folder "
                    "{project} beside its photos",
                    file=database.file,
                    root=root,
                    project=PROJECT_FOLDER,
                )
            )
        self.root = (place / root).resolve()
        if not self.root.is_dir():
            database.close()
            raise DataError(
                translatable(
                    "{root}, the image folder of {file}, is missing; put it back",
                    root=self.root,
                    file=database.file,
                )
            )
        self._elsewhere: dict[str, Path] = {}  # photos that moved, where that cannot be written down
        with database.reading() as connection:
            self._meaning = class_rows.select(connection)

    def copy_to(self, file: Path) -> None:
        """Write a copy of the project file, as it is now; it is of the photos beside which it is put."""
        self._database.copy_to(file)
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("UPDATE settings SET value = ? WHERE key = 'root'", (json.dumps(".."),))

    def close(self) -> None:
        """Close the connections of all threads."""
        self._database.close()

    @property
    def file(self) -> Path:
        """The SQLite file."""
        return self._database.file

    @property
    def read_only(self) -> bool:
        """Whether it lies on a medium that cannot be written: what is changed is gone when it is closed."""
        return self._database.copy is not None

    def why_not_saved(self) -> TranslatableText:
        """Say what it means that a project is `read_only`, and what to do."""
        return translatable(
            "{file} cannot be written, so that nothing you change is kept: look and export as you like, and "
            "copy the folder of photos to another disk to work on it",
            file=self.file,
        )

    @property
    def caches(self) -> Path:
        """Folder of what can be computed again."""
        return self.folder / "caches"

    @property
    def models_dir(self) -> Path:
        """Folder of the model versions."""
        return self.folder / "models"

    # -- Classes and settings --------------------------------------------------------------------------------

    @property
    def classes(self) -> ClassList:
        """The classes; ids never change."""
        return self._meaning.classes

    def add_class(self, name: str) -> int:
        """Add a class and return its id; raises `DataError` for a name that is taken or not usable."""
        _ = self.classes.with_added(name)  # raises
        with self._database.writing() as connection:
            class_rows.add(connection, [name])
            meaning = class_rows.select(connection)
        self._meaning = meaning
        return meaning.classes.id_of(name)

    def setting(self, key: str, default: Any = None) -> Any:
        """Return a stored setting."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return default if row is None else json.loads(row[0])

    def set_setting(self, key: str, value: Any) -> None:
        """Store a setting, any value that JSON can hold."""
        with self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, json.dumps(value)))

    # -- Images ----------------------------------------------------------------------------------------------

    def images(self) -> list[ImageRecord]:
        """Return all images in natural order, wherever those that came later stand."""
        return sorted(self._select(), key=lambda record: natural_key(str(record.path)))

    def record(self, image_id: str) -> ImageRecord:
        """Return one image."""
        found = self._select("id = ?", image_id)
        if not found:
            raise DataError(f"{self.file} has no image {image_id!r}; look for new photos")
        return found[0]

    def set_tags(self, image_id: str, tags: Iterable[str] | None) -> None:
        """Store the classes an image shows (none: only background), or with None that nobody tagged it."""
        names = None if tags is None else tuple(dict.fromkeys(tags))
        with self._database.writing() as connection:
            if not image_rows.tag(connection, image_id, self._meaning, names):
                raise DataError(f"{self.file} has no image {image_id!r}; look for new photos")

    def set_status(self, image_id: str, status: Status) -> None:
        """Store how far an image has come, CORRECTED or PROPOSED.

        PROPOSED never lowers what a person did: it only follows NEW. ACCEPTED belongs to `accept`.
        """
        if status is Status.ACCEPTED:
            raise ValueError("an image is accepted with its mask: call accept()")
        with self._database.writing() as connection:
            condition = "AND status = 'new'" if status is Status.PROPOSED else "AND status != 'accepted'"
            connection.execute(f"UPDATE images SET status = ? WHERE id = ? {condition}", (status, image_id))

    def corrected(self, split: Split | None = None) -> list[ImageRecord]:
        """Return the images (of one split) that have applied seed edits or are accepted."""
        condition = (
            "(status = 'accepted' OR EXISTS (SELECT 1 FROM edits "
            "WHERE edits.image = images.id AND edits.undone = 0 AND edits.target = 'seeds'))"
        )
        return self._select(condition) if split is None else self._select(f"{condition} AND split = ?", split)

    # -- Helpers ---------------------------------------------------------------------------------------------

    def _select(self, condition: str = "TRUE", *values: str) -> list[ImageRecord]:
        with self._database.reading() as connection:
            records = image_rows.select(connection, self.root, self._meaning, condition, values)
        moved = self._elsewhere
        return [replace(r, path=moved[r.id]) if r.id in moved else r for r in records] if moved else records

    def _update(self, image_id: str, assignment: str, value: object) -> None:
        with self._database.writing() as connection:
            changed = connection.execute(f"UPDATE images SET {assignment} WHERE id = ?", (value, image_id))
        if not changed.rowcount:
            raise DataError(f"{self.file} has no image {image_id!r}; look for new photos")

    def _proposal_file(self, image_id: str) -> Path:
        return file_under(self.caches / "masks", image_id, ".png")
