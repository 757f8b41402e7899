"""The photos of a project: new ones in its folder, moved ones, and others under a name that was another's."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from trainer.data import image_rows, photo_rows
from trainer.data.database import Database
from trainer.data.fingerprints import NEVER, Fingerprint, fingerprint, stamp
from trainer.data.formats import voc
from trainer.data.ids import assign_ids
from trainer.data.image_rows import ImageRecord
from trainer.data.images import image_size
from trainer.data.project_base import ProjectBase
from trainer.data.source import (
    PROJECT_FOLDER,
    Item,
    image_files,
    image_folder,
    listed_tags,
    open_source,
)
from trainer.data.whereabouts import READ_AT_ONCE, Whereabouts, locate
from trainer.errors import DataError
from trainer.translatable import translatable

FEW = 32 << 20
"""Bytes of photos that are read at once when they come to a project; more are read in the background."""
_WORK = ("edits", "accepted", "imported", "reviews")


@dataclass(frozen=True)
class Changes:
    """How many images came to the folder of a project, how many of its images are no longer there, which of
    those that nobody had tagged its lists now do, how many were found again under another name, and which
    have another photo than before, on which nobody had worked.
    """

    new: int = 0
    gone: int = 0
    tagged: tuple[str, ...] = ()
    moved: int = 0
    renewed: tuple[str, ...] = ()


class OtherPhoto(DataError):
    """Another photo lies under the name of an image; a look into the folder tells them apart."""


class ProjectPhotos(ProjectBase):
    """Which file is the photo of which image; see `Project`."""

    def __init__(self, database: Database, made_now: bool = False) -> None:
        """See `ProjectBase`."""
        super().__init__(database, made_now)
        self.changes = Changes()
        self.problems: list[str] = []
        self._replaced: dict[str, Path] = {}  # where the photo of an image was, and another one is now

    def rescan(self, most: int | None = READ_AT_ONCE) -> Changes:
        """Add images that are new in the folder, and tags for known images that nobody has tagged.

        Known images keep their ids, even if their file is missing. Photos that were renamed or moved are
        found again by their content. Where another one lies under a name, what was painted stays with the
        former, and the other one is a new image; one that nobody worked on is proposed again. Few files
        are read for that (see `locate` for `most`), so this is fast even for many images.
        """
        before = self.images()
        folder = image_folder(self.root)
        present = {folder / name for name in image_files(folder)}
        found = self._locate(before, present, most)
        replaced, renewed = self._follow(found, folder)
        images = self.images() if found != Whereabouts() else before
        known = {record.path for record in images}
        new: list[Item] = []
        self.problems = []
        ids: list[str] = []
        if present - known:
            source = open_source(self.root, voc.ALL, self.classes, known)
            new, self.problems = source.items, list(source.problems)
            names = [PurePosixPath(f"{item.id}{item.image_path.suffix}") for item in new]
            ids = list(assign_ids(names, taken=(record.id for record in images)).values())
            with self._database.writing() as connection:
                image_rows.add(connection, self.root, self._meaning, list(zip(ids, new, strict=True)))
        self._tell_of(replaced, before, {item.image_path: i for i, item in zip(ids, new, strict=True)})
        tagged = self._take_listed_tags(images)
        self.read_few()
        self.changes = Changes(len(new), len(known - present), tagged, len(found.moved), renewed)
        return self.changes

    def find_moved(self) -> None:
        """Look for photos that were renamed or moved without writing anything: until the project is closed
        its images are where they are found.
        """
        images = self.images()
        folder = image_folder(self.root)
        found = self._locate(images, {folder / name for name in image_files(folder)}, READ_AT_ONCE)
        self._replaced = {image_id: self.record(image_id).path for image_id in found.displaced}
        missing = {image_id: _missing(folder, image_id, path) for image_id, path in self._replaced.items()}
        self._elsewhere = found.moved | missing

    def photo(self, image_id: str) -> Path:
        """Return where the photo of an image lies, having read it to be sure that it is no other one.

        Raises `OtherPhoto` where it is one, and `DataError` where there is none.
        """
        path = self.record(image_id).path
        if image_id in self._replaced:
            raise _other_photo(image_id, self._replaced[image_id])
        if not path.exists():
            raise DataError(
                translatable(
                    "the photo of {image} is no longer in {folder}; put it back there under any name, and "
                    "look for new photos",
                    image=image_id,
                    folder=self.root,
                )
            )
        now = fingerprint(path)
        with self._database.reading() as connection:
            known = photo_rows.of_image(connection, image_id)
        if known is not None and known.digest != now.digest:
            image_size(path)  # one that is damaged is no other photo
            self._keep({image_id: replace(known, modified=NEVER)})  # the next look into the folder reads it
            raise _other_photo(image_id, path)
        if known != now:
            self._keep({image_id: now})
        return path

    def read_few(self) -> None:
        """Read the photos that nobody has read yet where they are few and small, so that no time is lost."""
        with self._database.reading() as connection:
            unread, size = photo_rows.unread(connection), 0
        for image_id in unread:
            found = stamp(self.record(image_id).path)
            size += found[0] if found is not None else 0
            if size > FEW:
                return
        if size:
            self.read_photos(unread)

    def unread_photos(self) -> list[str]:
        """Return the images whose photo was not read yet as it is now."""
        with self._database.reading() as connection:
            known = photo_rows.select(connection)
        unread = []
        for record in self.images():
            found, own = stamp(record.path), known.get(record.id)
            if found is not None and (own is None or not own.is_of(found)):
                unread.append(record.id)
        return unread

    def read_photos(self, image_ids: Iterable[str], cancelled: Callable[[], bool] = lambda: False) -> bool:
        """Read photos, so that they are known wherever they move to; return whether all are those they were.

        Photos that cannot be read are passed over. Once `cancelled` returns True no more are read.
        """
        read: dict[str, Fingerprint] = {}
        same = True
        for image_id in image_ids:
            if cancelled():
                break
            with suppress(DataError), self._database.reading() as connection:
                now = fingerprint(self.record(image_id).path)
                known = photo_rows.of_image(connection, image_id)
                if known is None or known.digest == now.digest:
                    read[image_id] = now
                else:
                    same = False
        self._keep(read)
        return same

    def _photo_if_unread(self, image_id: str) -> dict[str, Fingerprint]:
        """Fingerprint of a photo that has none yet: it is stored with the first thing that is done on it."""
        with self._database.reading() as connection:
            if photo_rows.of_image(connection, image_id) is not None:
                return {}
        with suppress(DataError):
            return {image_id: fingerprint(self.record(image_id).path)}
        return {}

    def _keep(self, read: dict[str, Fingerprint]) -> None:
        """Store what was read if that can be: photos can be looked at without room on the disk as well."""
        if self._database.writable:
            with suppress(DataError), self._database.writing() as connection:
                photo_rows.store(connection, read)

    def _locate(self, images: list[ImageRecord], present: set[Path], most: int | None) -> Whereabouts:
        with self._database.reading() as connection:
            known = photo_rows.select(connection)
        return locate({record.id: record.path for record in images}, known, present, most)

    def _follow(self, found: Whereabouts, folder: Path) -> tuple[list[str], tuple[str, ...]]:
        """Write down where photos are now; return the images whose photo is nowhere, and that were worked on
        or have to make room, and those that take another photo instead.
        """
        if found == Whereabouts():
            return [], ()
        overtaken = set(found.moved.values())
        replaced, renewed = [], []
        with self._database.writing() as connection:
            for image_id in found.displaced:
                path = self.record(image_id).path
                if path in overtaken or _is_worked_on(connection, image_id):
                    image_rows.move(connection, self.root, image_id, _missing(folder, image_id, path))
                    replaced.append(image_id)
                else:
                    image_rows.renew(connection, image_id)
                    photo_rows.forget(connection, image_id)
                    renewed.append(image_id)
            for image_id in found.moved:  # two may change places
                image_rows.move(
                    connection, self.root, image_id, _missing(folder, image_id, found.moved[image_id])
                )
            for image_id, path in found.moved.items():
                image_rows.move(connection, self.root, image_id, path)
            photo_rows.store(connection, found.read)
        for image_id in renewed:
            self._proposal_file(image_id).unlink(missing_ok=True)
        return replaced, tuple(renewed)

    def _tell_of(self, replaced: list[str], before: list[ImageRecord], new: dict[Path, str]) -> None:
        paths = {record.id: record.path for record in before}
        self.problems += [
            translatable(
                "{path} is another photo now, listed as {new}; what was done on {image} is kept for the "
                "former one: put that back under any name",
                path=paths[image_id],
                new=new[paths[image_id]],
                image=image_id,
            )
            for image_id in replaced
            if paths[image_id] in new
        ]

    def _take_listed_tags(self, images: Iterable[ImageRecord]) -> tuple[str, ...]:
        untagged = {record.path: record.id for record in images if not record.tagged}
        problems: list[str] = []
        tags = listed_tags(self.root, untagged, self.classes, problems)
        self.problems += [problem for problem in problems if problem not in self.problems]
        if not tags:
            return ()
        with self._database.writing() as connection:
            for path, names in tags.items():
                image_rows.tag(connection, untagged[path], self._meaning, names, only_untagged=True)
        return tuple(untagged[path] for path in tags)


def _other_photo(image_id: str, path: Path) -> OtherPhoto:
    return OtherPhoto(
        translatable(
            "{path} is another photo than the one that was worked on as {image}; look for new photos, and "
            "what was done stays with the former one",
            path=path,
            image=image_id,
        )
    )


def _missing(folder: Path, image_id: str, path: Path) -> Path:
    """Return the path of a photo that is nowhere: one of its own, where nobody looks for photos."""
    return folder / PROJECT_FOLDER / "missing" / f"{image_id}{path.suffix}"


def _is_worked_on(connection: sqlite3.Connection, image_id: str) -> bool:
    """Tell whether an image has strokes, also undone ones, or a mask that is no proposal of a model."""
    query = " UNION ALL ".join(f"SELECT 1 FROM {table} WHERE image = :id" for table in _WORK)
    return connection.execute(f"{query} LIMIT 1", {"id": image_id}).fetchone() is not None
