"""Importing masks that were made elsewhere into a project."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from trainer.data.classes import BACKGROUND, VOID, ClassList, labels_in
from trainer.data.formats import voc
from trainer.data.formats.base import MaskEntry, NamedMask, Reader
from trainer.data.ids import composed
from trainer.data.image_rows import ImageRecord
from trainer.data.images import IMAGE_SUFFIXES
from trainer.data.imported_rows import Import
from trainer.data.journal import packed
from trainer.data.location import existing_project
from trainer.data.objects import marks_for
from trainer.data.project import Project
from trainer.data.source import image_folder, open_source
from trainer.errors import DataError
from trainer.translatable import TranslatableText, error_message, translatable

_BATCH = 128  # masks that become durable at once
_SHOWN = 5


@dataclass
class Imported:
    """What an import did: the images that took a mask, the classes that are new, and what was left out."""

    images: list[str] = field(default_factory=list)
    new_classes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    cancelled: bool = False


def open_for_import(folder: Path, reader: Reader) -> Project:
    """Open the project of a folder of images, made first where there is none.

    It is made with the classes of the masks, unless the folder has a list or tags of its own.
    """
    if existing_project(folder):
        project = Project.open(folder)
        if project.read_only:
            problem = project.why_not_saved()
            project.close()
            raise DataError(problem)
        return project
    source = open_source(folder, voc.ALL)
    own = ClassList.of_folder(source.root) or any(item.tags for item in source.items)
    if reader.classes and not own:
        source.classes = reader.classes
    return Project.create(folder, source)


def import_masks(
    project: Project,
    reader: Reader,
    accept: bool = True,
    progress: Callable[[str], None] = lambda photo: None,
    cancelled: Callable[[], bool] = lambda: False,
    counted: Callable[[int], None] = lambda total: None,
) -> Imported:
    """Give the images of a project the masks of a data set: as accepted ones, or as proposals to look at.

    Masks find their images by path, as far as both tell it. Classes go by name, however it is capitalised;
    those that the project lacks are added, and what a mask shows is tagged. Images that a person corrected
    or accepted keep theirs. A mask that cannot be read is named in the result, and the rest goes on.

    `counted` gets how many masks the data set has, `progress` each of them when it is done; once `cancelled`
    returns True nothing more is read, and what is imported stays.
    """
    result, listed = Imported(), project.classes
    entries = list(reader.entries())
    counted(len(entries))
    pairs = _pairs(entries, _Photos(project), result, progress)

    def read(pair: tuple[MaskEntry, ImageRecord]) -> NamedMask | DataError:
        entry, record = pair
        try:
            return reader.read(entry, record.path, listed)
        except DataError as error:
            return error

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for start in range(0, len(pairs), _BATCH):
            batch, finishing = pairs[start : start + _BATCH], list[Future[tuple[Import, int]]]()
            for (entry, record), mask in zip(batch, pool.map(read, batch), strict=True):
                if cancelled():
                    result.cancelled = True
                    break
                try:
                    if isinstance(mask, DataError):
                        raise mask
                    table, tags = _as_project_has_it(project, record, mask)
                    finishing.append(pool.submit(_finished, record.id, entry, mask, table, tags))
                except DataError as error:
                    result.problems.append(error_message(error))
                progress(entry.photo)
            taken = []
            for finished, joined in (future.result() for future in finishing):
                taken.append(finished)
                if joined:
                    result.problems.append(_too_many_objects(finished.image_id, joined))
            result.images += project.import_masks(taken, accept)
            if result.cancelled:
                pool.shutdown(cancel_futures=True)
                break
    result.new_classes = [name for name in project.classes.names if name not in listed]
    return result


def _pairs(
    entries: Iterable[MaskEntry], photos: _Photos, result: Imported, progress: Callable[[str], None]
) -> list[tuple[MaskEntry, ImageRecord]]:
    """Return the masks whose image is there and takes one; say which others there are."""
    of_photo: dict[str, list[tuple[MaskEntry, ImageRecord]]] = {}
    strangers, worked_on = [], []
    for entry in entries:
        record = photos.find(entry.photo)
        if record is not None and record.untouched:
            of_photo.setdefault(record.id, []).append((entry, record))
            continue
        progress(entry.photo)
        if record is None:
            strangers.append(entry.photo)
        else:
            worked_on.append(record.id)
    unclear = [photo for photo, pairs in of_photo.items() if len(pairs) > 1]
    if strangers:
        result.problems.append(
            translatable("no photo of the project belongs to these masks: {names}", names=_some(strangers))
        )
    if worked_on:
        result.problems.append(
            translatable(
                "these photos are corrected or accepted here and keep their masks: {names}",
                names=_some(worked_on),
            )
        )
    if unclear:
        result.problems.append(
            translatable(
                "several masks may belong to each of these photos, which take none: {names}",
                names=_some(unclear),
            )
        )
    return [pairs[0] for pairs in of_photo.values() if len(pairs) == 1]


def _as_project_has_it(
    project: Project, record: ImageRecord, mask: NamedMask
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return which labels the classes of a mask have in the project, and the tags its photo has with it.

    Classes that are missing there are added.
    """
    table = np.full(256, VOID, np.uint8)
    table[BACKGROUND] = BACKGROUND
    shown = []
    for label in labels_in(mask.labels):
        if label in (BACKGROUND, VOID):
            continue
        try:
            table[label] = _class_called(mask.names[label - 1], project)
        except DataError as error:
            raise DataError(
                translatable(
                    "the mask of {photo} cannot be imported: {problem}", photo=record.id, problem=error
                )
            ) from error
        shown.append(project.classes.name_of(int(table[label])))
    said = [name for name in mask.tags if name in project.classes]
    return table, tuple(dict.fromkeys((*record.tags, *said, *shown)))


def _finished(
    image_id: str, entry: MaskEntry, mask: NamedMask, table: NDArray[np.uint8], tags: tuple[str, ...]
) -> tuple[Import, int]:
    """Return a mask with the labels of a `table`, and how many of its objects are one with others."""
    labels = np.take(table, mask.labels)
    marks, joined = (None, 0) if mask.objects is None else marks_for(labels, mask.objects)
    marked = None if marks is None else packed(marks)
    return Import(image_id, labels.shape, packed(labels), tags, entry.split, marked), joined


def _too_many_objects(photo: str, count: int) -> TranslatableText:
    return translatable(
        "{photo} has too many objects that touch: {count} of them are one with others",
        photo=photo,
        count=count,
    )


def _class_called(name: str, project: Project) -> int:
    """Return the class of a name, however it is capitalised; one that the project lacks is added."""
    alike = {known.casefold(): known for known in reversed(project.classes.names)}
    known = name if name in project.classes else alike.get(name.casefold())
    return project.add_class(name) if known is None else project.classes.id_of(known)


class _Photos:
    """The images of a project by their paths below it."""

    def __init__(self, project: Project) -> None:
        self._whole: dict[str, ImageRecord] = {}
        self._ends: dict[str, ImageRecord | None] = {}
        folder = image_folder(project.root)
        for record in project.images():
            path = record.path.relative_to(folder).as_posix()
            names = {record.id, *_with_and_without_suffix(path)}
            self._whole |= dict.fromkeys(names, record)
            for end in {end for name in names for end in _ends(name)}:
                self._ends[end] = None if end in self._ends else record

    def find(self, photo: str) -> ImageRecord | None:
        """Return the image whose path ends with another one, or is its end; None where it is not clear."""
        for name in _with_and_without_suffix(composed(photo)):
            if name in self._ends:
                return self._whole.get(name, self._ends[name])
            for end in _ends(name):
                if end in self._whole:
                    return self._whole[end]
        return None


def _with_and_without_suffix(name: str) -> tuple[str, ...]:
    path = PurePosixPath(name)
    return (name, str(path.with_suffix(""))) if path.suffix.lower() in IMAGE_SUFFIXES else (name,)


def _ends(name: str) -> list[str]:
    """Return a path, and what is left of it without its first folder, its first two, and so on."""
    parts = name.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _some(names: list[str]) -> str:
    more = f" + {len(names) - _SHOWN}" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
