"""A project: what the person and the trainer know of the images of a folder, durable in one file."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data import accepted_rows, image_rows, imported_rows, journal, version_rows
from trainer.data.atomic import remove_leftovers
from trainer.data.classes import EDIT_VOID, UNTOUCHED, VOID, ClassList
from trainer.data.database import Database
from trainer.data.formats import voc
from trainer.data.ids import assign_ids, file_under
from trainer.data.image_rows import ImageRecord, Split, Status
from trainer.data.images import load_mask, save_mask
from trainer.data.imported_rows import Import
from trainer.data.journal import Box, Edit, Labels, Target
from trainer.data.location import existing_project, project_file, user_projects
from trainer.data.source import (
    PROJECT_FOLDER,
    Item,
    Source,
    image_files,
    image_folder,
    listed_tags,
    natural_key,
    open_source,
)
from trainer.data.version_rows import ModelVersion
from trainer.errors import DataError
from trainer.translatable import error_message, translatable


@dataclass(frozen=True)
class Changes:
    """How many images came to the folder of a project, how many of its images are no longer there, and which
    of those that nobody had tagged its lists now do.
    """

    new: int = 0
    gone: int = 0
    tagged: tuple[str, ...] = ()


class Project:
    """The project of one folder of images; may be shared by threads, each uses its own connection.

    `changes` and `problems` (sentences on what was left out) are of the last look into the folder. What a
    call wrote is on the disk when it returns. Unknown image ids and files that fail raise `DataError`.
    """

    def __init__(self, database: Database, made_now: bool = False) -> None:
        """Only a project that was `made_now` may name photos anywhere: what a file says is not trusted."""
        self._database = database
        self.changes = Changes()
        self.problems: list[str] = []
        self.folder = database.file.parent
        root = str(self.setting("root", ".."))
        trusted = made_now or self.folder.resolve().is_relative_to(user_projects().resolve())
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
        self.root = (self.folder / root).resolve()
        if not self.root.is_dir():
            database.close()
            raise DataError(
                translatable(
                    "{root}, the image folder of {file}, is missing; put it back",
                    root=self.root,
                    file=database.file,
                )
            )
        with database.reading() as connection:
            names = connection.execute("SELECT name FROM classes ORDER BY id").fetchall()
        self._classes = ClassList(tuple(name for (name,) in names))

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
            connection.executemany(
                "INSERT INTO classes (name) VALUES (?)", ((name,) for name in source.classes.names)
            )
            image_rows.add(connection, source.root, [(item.id, item) for item in source.items])

        project = cls(Database.create(file, fill), made_now=True)
        project.problems = list(source.problems)
        return project

    @classmethod
    def open(cls, path: Path, reading: bool = False) -> Project:
        """Open a project by its file, the folder that holds it, or the folder of its images.

        Until it is closed it cannot be opened a second time, except for `reading`, which changes nothing and
        does not look for new images.
        """
        file = existing_project(path)
        if file is None:
            raise DataError(
                translatable("{path} has no project; open its folder of images on the desk first", path=path)
            )
        project = cls(Database.open(file, reading))
        if not reading:
            for folder in (project.models_dir, project.caches):
                remove_leftovers(folder)
            try:
                project.rescan()
            except DataError as error:  # what is known already can be worked on all the same
                project.problems = [error_message(error)]
        return project

    @classmethod
    def open_folder(cls, folder: Path, classes: ClassList | None = None) -> Project:
        """Open the project of a folder of images, made first where there is none (then with `classes`)."""
        if existing_project(folder):
            return cls.open(folder)
        return cls.create(folder, open_source(folder, voc.ALL, classes))

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
        return self._classes

    def add_class(self, name: str) -> int:
        """Add a class and return its id; raises `DataError` for a name that is taken or not usable."""
        classes = self._classes.with_added(name)
        with self._database.writing() as connection:
            connection.execute("INSERT INTO classes (id, name) VALUES (?, ?)", (len(classes), name))
        self._classes = classes
        return len(classes)

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

    def rescan(self) -> Changes:
        """Add images that are new in the folder, and tags for known images that nobody has tagged.

        Known images keep their ids, even if their file is missing. Only new files are read, so this is fast
        even for many images.
        """
        images = self.images()
        known = {record.path for record in images}
        folder = image_folder(self.root)
        present = {folder / name for name in image_files(folder)}
        new: list[Item] = []
        self.problems = []
        if present - known:
            source = open_source(self.root, voc.ALL, self.classes, known)
            new, self.problems = source.items, list(source.problems)
            names = [PurePosixPath(f"{item.id}{item.image_path.suffix}") for item in new]
            ids = assign_ids(names, taken=(record.id for record in images)).values()
            with self._database.writing() as connection:
                image_rows.add(connection, self.root, list(zip(ids, new, strict=True)))
        self.changes = Changes(len(new), len(known - present), self._take_listed_tags(images))
        return self.changes

    def _take_listed_tags(self, images: Iterable[ImageRecord]) -> tuple[str, ...]:
        untagged = {record.path: record.id for record in images if not record.tagged}
        problems: list[str] = []
        tags = listed_tags(self.root, untagged, self.classes, problems)
        self.problems += [problem for problem in problems if problem not in self.problems]
        if not tags:
            return ()
        with self._database.writing() as connection:
            for path, names in tags.items():
                image_rows.tag(connection, untagged[path], names)
        return tuple(untagged[path] for path in tags)

    def set_tags(self, image_id: str, tags: Iterable[str] | None) -> None:
        """Store the classes an image shows (none: only background), or with None that nobody tagged it."""
        names = None if tags is None else tuple(dict.fromkeys(tags))
        for name in names or ():
            self.classes.id_of(name)
        self._update(image_id, "tags = ?", image_rows.tags_to_json(names))

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

    # -- The journal -----------------------------------------------------------------------------------------

    def record_edit(
        self, image_id: str, target: Target, box: Box, before: Labels, after: Labels, tool: str
    ) -> Edit:
        """Store a stroke: `before` and `after`, uint8, are the target layer inside `box` (y0, x0, y1, x1).

        Undone strokes can no longer be redone. An accepted image is open again, until the stroke is undone.
        """
        self.record(image_id)
        with self._database.writing() as connection:
            accepted_rows.remove_unreachable(connection, image_id)
            edit = journal.append(connection, image_id, target, box, before, after, tool)
            self._edits_changed(connection, edit)
        return edit

    def undo(self, image_id: str) -> Edit | None:
        """Take back the last stroke; its `before` is what the layer holds again. None where there is none.

        If only the strokes with which the image was accepted remain, it is accepted again as it was.
        """
        return self._step(image_id, undone=True)

    def redo(self, image_id: str) -> Edit | None:
        """Bring back the stroke last undone; its `after` is what the layer holds again. None as above."""
        return self._step(image_id, undone=False)

    def can_undo(self, image_id: str) -> bool:
        """Tell whether there is a stroke to take back."""
        with self._database.reading() as connection:
            return journal.has_edits(connection, image_id)

    def can_redo(self, image_id: str) -> bool:
        """Tell whether there is an undone stroke to bring back."""
        with self._database.reading() as connection:
            return journal.has_edits(connection, image_id, undone=True)

    def layer(self, image_id: str, target: Target, shape: tuple[int, int]) -> Labels:
        """Return a painted layer (H, W), uint8, as the applied strokes left it; 255 where untouched."""
        with self._database.reading() as connection:
            return journal.layer(connection, image_id, target, shape)

    def painted(self, image_id: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return where (H, W) a person painted an image, on either layer."""
        return np.logical_or(*(self.layer(image_id, target, shape) != UNTOUCHED for target in Target))

    # -- Masks -----------------------------------------------------------------------------------------------

    def accept(self, image_id: str, mask: Labels) -> None:
        """Freeze the mask (H, W), uint8, that the person agrees with; no prediction replaces it."""
        self.record(image_id)
        height, width = mask.shape
        packed = journal.packed(mask)
        with self._database.writing() as connection:
            accepted_rows.store(connection, image_id, (height, width), packed)
            connection.execute("UPDATE images SET status = ? WHERE id = ?", (Status.ACCEPTED, image_id))
            image_rows.assign_split(connection, image_id)

    def unaccept(self, image_id: str) -> None:
        """Take the acceptance back permanently: the mask follows strokes and models again."""
        if self.record(image_id).status is Status.ACCEPTED:
            with self._database.writing() as connection:
                accepted_rows.remove(connection, image_id)
                _settle(connection, image_id)

    def accepted_mask(self, image_id: str) -> Labels | None:
        """Return the frozen mask (H, W), uint8; None where the image is not accepted."""
        with self._database.reading() as connection:
            return accepted_rows.mask(connection, image_id)

    def strokes_a_photo(self, latest: int = 500) -> list[int]:
        """Return how many strokes each of the `latest` accepted images took, in the order of their
        acceptance.
        """
        with self._database.reading() as connection:
            return accepted_rows.strokes_a_photo(connection, latest)

    def store_proposal_mask(self, image_id: str, mask: Labels) -> None:
        """Store the current proposal (H, W), uint8; the status of a NEW image becomes PROPOSED.

        One that is all background because nobody has said what is there is no proposal: none is kept then.
        """
        file = self._proposal_file(image_id)
        if not (mask.any() or self.record(image_id).tagged):
            file.unlink(missing_ok=True)
            return
        save_mask(file, mask)
        self.set_status(image_id, Status.PROPOSED)

    def note_proposal(self, image_id: str, margin: float, origin: str) -> None:
        """Store of the present proposal how useful a correction would be, in [0, 1], and `Engine.origin`."""
        self._update(image_id, "margin = ?", margin)
        with self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO proposals VALUES (?, ?)", (image_id, origin))

    def proposal_origin(self, image_id: str) -> str:
        """Return what was noted as the origin of the stored proposal; "" where there is none."""
        if not self._proposal_file(image_id).is_file():
            return ""
        with self._database.reading() as connection:
            query = "SELECT origin FROM proposals WHERE image = ?"
            row = connection.execute(query, (image_id,)).fetchone()
        return row[0] if row else ""

    def proposal_mask(self, image_id: str) -> Labels | None:
        """Return the stored proposal (H, W), uint8; None where there is none that can be read."""
        try:
            return load_mask(self._proposal_file(image_id))
        except DataError:
            return self.imported_mask(image_id)

    def import_masks(self, masks: Iterable[Import], accept: bool) -> list[str]:
        """Take masks that were made elsewhere, all of them or none; return the images that took theirs.

        Each is the proposal of its image, which no model replaces, and the accepted mask as well if `accept`.
        Images that a person has corrected or accepted keep what they have.
        """
        with self._database.writing() as connection:
            taken = [mask.image_id for mask in masks if imported_rows.take(connection, mask, accept)]
        for image_id in taken:
            self._proposal_file(image_id).unlink(missing_ok=True)
        return taken

    def imported_mask(self, image_id: str) -> Labels | None:
        """Return the imported mask (H, W), uint8, of an image; None where there is none, or none in use."""
        with self._database.reading() as connection:
            return imported_rows.mask(connection, image_id)

    def is_imported(self, image_id: str) -> bool:
        """Tell whether an image has an imported mask in use."""
        with self._database.reading() as connection:
            return imported_rows.holds(connection, image_id)

    def use_import(self, image_id: str, on: bool) -> None:
        """Let models propose for an image whose imported mask a person does not want, or no longer."""
        with self._database.writing() as connection:
            imported_rows.use(connection, image_id, on)

    def current_mask(self, image_id: str) -> Labels | None:
        """Return the mask as shown: the accepted one, else the proposal with all strokes over it.

        uint8 (H, W), 255 where undecided; None where nothing is proposed yet.
        """
        if (accepted := self.accepted_mask(image_id)) is not None:
            return accepted
        if (mask := self.proposal_mask(image_id)) is None:
            return None
        height, width = mask.shape
        # The proposal may be older than the last strokes on seeds; where they are, they are certain.
        corrections = self.layer(image_id, Target.SEEDS, (height, width))
        mask = np.where(corrections == UNTOUCHED, mask, corrections)
        edits = self.layer(image_id, Target.MASK, (height, width))
        return np.where(edits == UNTOUCHED, mask, np.where(edits == EDIT_VOID, np.uint8(VOID), edits))

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

    # -- Helpers ---------------------------------------------------------------------------------------------

    def _select(self, condition: str = "TRUE", *values: str) -> list[ImageRecord]:
        with self._database.reading() as connection:
            return image_rows.select(connection, self.root, condition, values)

    def _update(self, image_id: str, assignment: str, value: object) -> None:
        with self._database.writing() as connection:
            changed = connection.execute(f"UPDATE images SET {assignment} WHERE id = ?", (value, image_id))
        if not changed.rowcount:
            raise DataError(f"{self.file} has no image {image_id!r}; look for new photos")

    def _step(self, image_id: str, undone: bool) -> Edit | None:
        with self._database.writing() as connection:
            find = journal.last_applied if undone else journal.first_undone
            if edit := find(connection, image_id):
                _ = edit.before if undone else edit.after  # raises here if the patch is damaged
                journal.mark(connection, edit, undone)
                self._edits_changed(connection, edit)
        return edit

    def _edits_changed(self, connection: sqlite3.Connection, edit: Edit) -> None:
        _settle(connection, edit.image_id)
        if edit.target is Target.SEEDS:
            connection.execute(
                "UPDATE images SET seed_revision = seed_revision + 1 WHERE id = ?", (edit.image_id,)
            )
            image_rows.assign_split(connection, edit.image_id)

    def _proposal_file(self, image_id: str) -> Path:
        return file_under(self.caches / "masks", image_id, ".png")


def _settle(connection: sqlite3.Connection, image_id: str) -> None:
    """Give an image whose strokes changed its status."""
    if accepted_rows.holds(connection, image_id):
        status = Status.ACCEPTED
    elif journal.has_edits(connection, image_id):
        status = Status.CORRECTED
    else:
        proposed = connection.execute("SELECT 1 FROM proposals WHERE image = ?", (image_id,)).fetchone()
        proposed = proposed or imported_rows.holds(connection, image_id)
        status = Status.PROPOSED if proposed else Status.NEW
    connection.execute("UPDATE images SET status = ? WHERE id = ?", (status, image_id))
