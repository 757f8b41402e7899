"""Kills of what changes a project: strokes, imported masks, the change to a new version."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np

from tests.torture.killing import Tell, problems_of_file
from tests.torture.scenario import NAMES, SHAPE, Report, mask, write_photos
from trainer.data.classes import UNTOUCHED
from trainer.data.formats.registry import open_masks
from trainer.data.images import save_mask
from trainer.data.import_masks import import_masks
from trainer.data.project import Project, Status, Target
from trainer.data.schema import SCHEMA_VERSION


class Strokes:
    """Strokes, undo and acceptances, one after the other, on the same project throughout."""

    name, kills, span = "strokes", 60, 0.25

    def __init__(self, folder: Path) -> None:
        self._photos = write_photos(folder / "photos")
        Project.open_folder(self._photos).close()
        self._done = 0
        self._layers = {
            (name, target): [np.full(SHAPE, UNTOUCHED, np.uint8)] for name in NAMES for target in Target
        }
        self._history: dict[str, list[Target]] = {name: [] for name in NAMES}
        self._accepted = 0

    def begin(self) -> None:
        """Go on where the work was killed."""

    def work(self, tell: Tell) -> None:
        """One step after the other, each told when it is saved."""
        project = Project.open(self._photos)
        tell("begun")
        for number in range(self._done, self._done + 100_000):
            name = NAMES[number % 3]
            if number % 11 == 10:
                project.accept("d", mask(1 + number % 20))
            elif number % 7 == 6:
                project.undo(name)
            else:
                target, (y0, x0, y1, x1), label = self._stroke(number)
                before = project.layer(name, target, SHAPE)[y0:y1, x0:x1]
                project.record_edit(
                    name, target, (y0, x0, y1, x1), before, np.full_like(before, label), "brush"
                )
            tell(str(number))

    def check(self, told: list[str]) -> Report:
        """All that was told is there, and at most the one step that was under way besides."""
        for number in map(int, told):
            self._follow(number)
        with closing(Project.open(self._photos)) as project:
            found = self._as_told(project)
            if not found:
                self._follow(self._done)  # on disk, and not told yet
                found = self._as_told(project)
        report = Report(problems=problems_of_file(project.file))
        if not found:
            report.lost += 1
            report.problems.append(f"what is there is not what was told up to step {self._done}")
        return report

    def _stroke(self, number: int) -> tuple[Target, tuple[int, int, int, int], int]:
        rng = np.random.default_rng(number)
        y, x = rng.integers(0, SHAPE[0] - 8), rng.integers(0, SHAPE[1] - 8)
        box = int(y), int(x), int(y + rng.integers(1, 8)), int(x + rng.integers(1, 8))
        return (Target.SEEDS, Target.MASK)[number % 2], box, int(rng.integers(1, 21))

    def _follow(self, number: int) -> None:
        """Do in the memory what the project does."""
        name = NAMES[number % 3]
        if number % 11 == 10:
            self._accepted = 1 + number % 20
        elif number % 7 == 6:
            if self._history[name]:
                self._layers[name, self._history[name].pop()].pop()
        else:
            target, (y0, x0, y1, x1), label = self._stroke(number)
            layer = self._layers[name, target][-1].copy()
            layer[y0:y1, x0:x1] = label
            self._layers[name, target].append(layer)
            self._history[name].append(target)
        self._done = number + 1

    def _as_told(self, project: Project) -> bool:
        painted = all(
            np.array_equal(project.layer(name, target, SHAPE), layers[-1])
            for (name, target), layers in self._layers.items()
        )
        accepted = project.accepted_mask("d")
        return painted and (not self._accepted or np.array_equal(accepted, mask(self._accepted)))


class Import:
    """Masks of another program, taken as accepted ones."""

    name, kills, span = "import", 25, 0.0
    _names = tuple(f"p{number}" for number in range(300))

    def __init__(self, folder: Path) -> None:
        self._masks, self._photos = folder / "masks", write_photos(folder / "photos", self._names)
        for name in self._names:
            save_mask(self._masks / "SegmentationClass" / f"{name}.png", mask(8))
        Project.open_folder(self._photos).close()
        self._fresh = folder / "fresh"
        shutil.copytree(self._photos / "affinity-project", self._fresh)

    def begin(self) -> None:
        """Have a project without masks."""
        shutil.rmtree(self._photos / "affinity-project")
        shutil.copytree(self._fresh, self._photos / "affinity-project")

    def work(self, tell: Tell) -> None:
        """Import them."""
        with closing(Project.open(self._photos)) as project:
            tell("begun")
            import_masks(project, open_masks(self._masks))
            tell("imported")

    def check(self, told: list[str]) -> Report:
        """Each photo has its mask or none; imported again, all have it."""
        report = Report()
        with closing(Project.open(self._photos)) as project:
            taken = self._taken(project, report)
            if told and taken < len(self._names):
                report.lost += 1
            import_masks(project, open_masks(self._masks))
            if self._taken(project, report) < len(self._names):
                report.problems.append("imported again, photos have no mask")
        report.problems += problems_of_file(project.file)
        return report

    def _taken(self, project: Project, report: Report) -> int:
        taken = 0
        for record in project.images():
            found = project.accepted_mask(record.id)
            taken += found is not None
            if (found is not None) != (record.status is Status.ACCEPTED):
                report.problems.append(f"{record.id} is {record.status}, which its mask denies")
            if found is not None and not np.array_equal(found, mask(8)):
                report.problems.append(f"{record.id} has a mask that is not its own")
        return taken


_FORMER_SCHEMA = """
PRAGMA application_id = 0xAFF1; PRAGMA user_version = 1; PRAGMA journal_mode = WAL;
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE classes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE images (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, path TEXT NOT NULL UNIQUE,
    tags TEXT, status TEXT NOT NULL, margin REAL, split TEXT,
    seed_revision INTEGER NOT NULL DEFAULT 0);
CREATE TABLE edits (id INTEGER PRIMARY KEY, image TEXT NOT NULL REFERENCES images (id),
    target TEXT NOT NULL, y0 INTEGER NOT NULL, x0 INTEGER NOT NULL, y1 INTEGER NOT NULL,
    x1 INTEGER NOT NULL, before BLOB NOT NULL, after BLOB NOT NULL, tool TEXT NOT NULL,
    created TEXT NOT NULL, undone INTEGER NOT NULL DEFAULT 0);
CREATE INDEX edits_of_image ON edits (image, undone, id);
CREATE TABLE accepted (image TEXT PRIMARY KEY REFERENCES images (id), height INTEGER NOT NULL,
    width INTEGER NOT NULL, mask BLOB NOT NULL, created TEXT NOT NULL);
CREATE TABLE models (number INTEGER PRIMARY KEY AUTOINCREMENT, file TEXT NOT NULL, score REAL,
    note TEXT NOT NULL, created TEXT NOT NULL, current INTEGER NOT NULL);
"""
_COPIED = {
     "settings": "key, value", "images": "position, id, path, NULL, status, margin, split, seed_revision",
     "edits": "*", "accepted": "image, height, width, mask, created",
    }  # fmt: skip


class Migration:
    """The first opening of a project that an older version wrote."""

    name, kills, span = "migration", 25, 0.0

    def __init__(self, folder: Path) -> None:
        self._photos, self._old = write_photos(folder / "photos"), folder / "old.sqlite"
        with closing(Project.open_folder(self._photos)) as project:
            blank = np.full((5, 6), UNTOUCHED, np.uint8)
            for number in range(200):
                box = (number % 40, 3, number % 40 + 5, 9)
                after = np.full_like(blank, 1 + number % 20)
                project.record_edit(NAMES[number % 3], Target.SEEDS, box, blank, after, "brush")
            project.accept("d", mask(8))
            project.copy_to(folder / "new.sqlite")
            self._file = project.file
            self._layers = self._state(project)
        with closing(sqlite3.connect(self._old)) as old, old:
            old.executescript(_FORMER_SCHEMA)
            old.execute("ATTACH ? AS new", (str(folder / "new.sqlite"),))
            old.execute("INSERT INTO classes SELECT id, name FROM new.classes")
            for table, columns in _COPIED.items():
                old.execute(f"INSERT INTO {table} SELECT {columns} FROM new.{table}")
            old.execute("UPDATE images SET tags = '[\"cat\"]'")

    def begin(self) -> None:
        """Have the old file there."""
        for path in self._file.parent.glob("project.sqlite*"):
            path.unlink()
        shutil.copyfile(self._old, self._file)

    def work(self, tell: Tell) -> None:
        """Open it."""
        tell("begun")
        Project.open(self._photos).close()
        tell("opened")

    def check(self, told: list[str]) -> Report:
        """It is of the old version or of the new one, and all is in it."""
        with closing(sqlite3.connect(self._file)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        report = Report()
        if version not in (1, SCHEMA_VERSION):
            report.problems.append(f"it is of version {version}, between the old and the new one")
        with closing(Project.open(self._photos)) as project:
            if self._state(project) != self._layers:
                report.lost += 1
                report.problems.append("strokes or masks are others than before")
            if any(record.tags != ("cat",) for record in project.images()):
                report.problems.append("tags are others than before")
        report.problems += problems_of_file(self._file)
        return report

    def _state(self, project: Project) -> list[bytes]:
        accepted = project.accepted_mask("d")
        layers = [project.layer(name, Target.SEEDS, SHAPE).tobytes() for name in NAMES]
        return [*layers, b"" if accepted is None else accepted.tobytes()]
