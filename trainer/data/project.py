"""A project: what the person and the trainer know of the images of a folder, durable in one file."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

from trainer.data import class_rows, image_rows, version_rows
from trainer.data.atomic import remove_leftovers
from trainer.data.classes import ClassList
from trainer.data.database import Database
from trainer.data.formats import voc
from trainer.data.image_rows import ImageRecord, Split, Status
from trainer.data.journal import Edit, Target
from trainer.data.location import existing_project, project_file
from trainer.data.project_batches import Batch
from trainer.data.project_photos import Changes, OtherPhoto
from trainer.data.project_steps import ProjectSteps, Step
from trainer.data.source import (
    Source,
    open_source,
)
from trainer.data.version_rows import ModelVersion
from trainer.errors import DataError
from trainer.translatable import error_message, translatable

__all__ = [
    "Batch",
    "Changes",
    "Edit",
    "ImageRecord",
    "ModelVersion",
    "OtherPhoto",
    "Project",
    "Split",
    "Status",
    "Step",
    "Target",
]


class Project(ProjectSteps):
    """The project of one folder of images; may be shared by threads, each uses its own connection.

    `changes` and `problems` (sentences on what was left out) are of the last look into the folder. What a
    call wrote is on the disk when it returns. Unknown image ids and files that fail raise `DataError`.
    """

    # -- Making, opening, closing ----------------------------------------------------------------------------

    @classmethod
    def create(cls, folder: Path, source: Source) -> Project:
        """Make the project of `folder` (see `project_file`) with the images of `source`."""
        file = project_file(folder)
        root = (
            os.path.relpath(source.root, file.parent)
            if file.is_relative_to(source.root)
            else str(source.root)
        )

        def fill(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO settings VALUES ('root', ?)", (json.dumps(root),))
            class_rows.add(connection, source.classes.names)
            meaning, items = class_rows.select(connection), [(item.id, item) for item in source.items]
            image_rows.add(connection, source.root, meaning, items)

        project = cls(Database.create(file, fill), made_now=True)
        project.problems = list(source.problems)
        project.read_few()
        return project

    @classmethod
    def open(cls, path: Path, reading: bool = False) -> Project:
        """Open a project by its file, the folder that holds it, or the folder of its images.

        Until it is closed it cannot be opened a second time, except for `reading`, which changes nothing and
        looks for photos that moved, not for new ones. One that is `read_only` can be opened like any other.
        """
        file = existing_project(path)
        if file is None:
            raise DataError(
                translatable("{path} has no project; open its folder of images on the desk first", path=path)
            )
        database = Database.open(file, reading)
        project = cls(database)
        if database.copy is not None:
            try:
                for folder in (project.models_dir, project.caches):
                    database.copy.add(file.parent.absolute() / folder.name)
            except DataError:
                project.close()
                raise
        if reading:
            project.find_moved()
        else:
            for folder in (project.models_dir, project.caches):
                remove_leftovers(folder)
            try:
                project.rescan()
            except DataError as error:  # what is known already can be worked on all the same
                project.problems = [error_message(error)]
            if project.read_only:
                project.problems.insert(0, project.why_not_saved())
        return project

    @classmethod
    def open_folder(cls, folder: Path, classes: ClassList | None = None) -> Project:
        """Open the project of a folder of images, made first where there is none (then with `classes`)."""
        if existing_project(folder):
            return cls.open(folder)
        return cls.create(folder, open_source(folder, voc.ALL, classes))

    # -- Model versions --------------------------------------------------------------------------------------

    def model_versions(self) -> list[ModelVersion]:
        """Return the promoted models, oldest first."""
        with self._database.reading() as connection:
            return version_rows.select(connection, self.models_dir)

    def add_model_version(self, file: Path, score: float | None, note: str = "") -> ModelVersion:
        """Store a promoted model, a file in `models_dir`, as the next version and the one in use."""
        with self._database.writing() as connection:
            return version_rows.add(connection, self.models_dir, file, score, note)

    def set_current_version(self, number: int) -> None:
        """Go back (or forward) to a version; 0 is the model that was there before any was promoted."""
        if number != 0 and number not in {version.number for version in self.model_versions()}:
            raise DataError(f"{self.file} has no model version {number}; choose one of its list")
        with self._database.writing() as connection:
            version_rows.set_current(connection, number)
