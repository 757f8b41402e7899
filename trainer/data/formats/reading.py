"""What the readers of all formats have in common: walking folders, JSON, painting objects into a mask."""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from json import JSONDecoder
from pathlib import Path
from typing import Any

import numpy as np

from trainer.data.classes import BACKGROUND, MAX_CLASSES, VOID, ClassList
from trainer.data.files import check_plain, read_text
from trainer.data.formats.base import MaskEntry, NamedMask, Reader, Split
from trainer.data.formats.outlines import Patch
from trainer.data.images import image_size
from trainer.errors import DataError
from trainer.translatable import translatable

DAMAGE = (KeyError, TypeError, ValueError, AttributeError, RecursionError)
"""What a file that is not as it should be may lead to."""
BACKGROUND_NAMES = frozenset({"background", "_background_", "__background__"})
_SPACE = re.compile(r"[ \t\n\r]*")
_HEAD = 4096  # bytes
_MOST_OBJECTS = 65535
_MOST = 2 << 30  # bytes: all objects of a large data set, or a photo with its file


def files_below(root: Path, suffixes: Iterable[str]) -> Iterator[Path]:
    """Go through the files of a tree that have one of the suffixes (lower case), in a fixed order.

    Hidden ones are left out.
    """
    wanted = frozenset(suffixes)
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in wanted:
                yield Path(folder, name)


def begins_with_keys(path: Path, *keys: str) -> bool:
    """Tell whether one of the keys stands near the beginning of a JSON file."""
    try:
        check_plain(path)
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except (OSError, DataError):
        return False
    return any(f'"{key}"'.encode() in head for key in keys)


def read_annotations(path: Path) -> str:
    """Return the text of a file of annotations; raises `DataError` naming it where it cannot be read."""
    return read_text(path, "a file of annotations", most=_MOST)


def members(text: str) -> Iterator[tuple[str, Any, slice]]:
    """Go through a JSON object: each key with its value; of a list, with one element after the other.

    The slice is where value or element stands in the text. Other threads have their turn between them, as
    they do not while a large file is decoded at once. Raises `ValueError` where the text is damaged.
    """
    decode, space = JSONDecoder().raw_decode, _SPACE.match

    def over_space(at: int) -> int:
        found = space(text, at)
        assert found is not None  # none is enough
        return found.end()

    def after(mark: str, at: int) -> int:
        if text[at : at + 1] != mark:
            raise ValueError(f"there is no {mark!r} at character {at}")
        return over_space(at + 1)

    at = after("{", over_space(0))
    while text[at : at + 1] != "}":
        key, end = decode(text, at)
        at = after(":", over_space(end))
        if text[at : at + 1] == "[":
            at = after("[", at)
            while text[at : at + 1] != "]":
                value, end = decode(text, at)
                yield key, value, slice(at, end)
                at = over_space(end)
                if text[at : at + 1] != "]":
                    at = after(",", at)
            end = at + 1
        else:
            value, end = decode(text, at)
            yield key, value, slice(at, end)
        at = over_space(end)
        if text[at : at + 1] != "}":
            at = after(",", at)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file that are not blank; raises `DataError` naming one that is no text."""
    lines = read_text(path, "the list").splitlines()
    return [line.strip() for line in lines if line.strip()]


def class_list(names: Iterable[str]) -> ClassList | None:
    """Return names as a class list without background; None where they cannot be one."""
    try:
        return ClassList(tuple(name for name in names if name not in BACKGROUND_NAMES)) or None
    except DataError:
        return None


def split_called(name: str) -> Split | None:
    """Return the split that a file or folder is named after: what is not for training is for validation."""
    name = name.lower()
    if "train" in name and "trainval" not in name:
        return "train"
    return "val" if "val" in name or "test" in name else None


def check_size(path: Path, size: tuple[int, int], shape: tuple[int, int]) -> None:
    """Raise `DataError` where a mask of `size` is not of its photo's `shape`, both (H, W)."""
    if size != shape:
        raise DataError(
            translatable(
                "{path} is for a photo of {width}×{height} pixels, but its photo has {columns}×{rows}; "
                "export the mask again",
                path=path,
                width=size[1],
                height=size[0],
                columns=shape[1],
                rows=shape[0],
            )
        )


class MaskPainter:
    """Paints objects into a mask one over the other."""

    def __init__(self, shape: tuple[int, int]) -> None:
        """Begin with background, (H, W)."""
        self._labels = np.full(shape, BACKGROUND, np.uint8)
        self._objects = np.zeros(shape, np.uint16)
        self._numbers = dict.fromkeys(BACKGROUND_NAMES, BACKGROUND)
        self._names: list[str] = []

    def paint(self, patch: Patch, name: str | None, number: int) -> None:
        """Give pixels to a class and to an object, by its number from 1; with None they are undecided.

        Raises `DataError` for more classes or objects than a mask can have.
        """
        if number > _MOST_OBJECTS:
            raise DataError(f"one mask has more than {_MOST_OBJECTS} objects; leave some out")
        patch.of(self._objects)[patch.inside] = number
        if name is None:
            patch.of(self._labels)[patch.inside] = VOID
            return
        if name not in self._numbers:
            self._names.append(name)
            self._numbers[name] = len(self._names)
            if len(self._names) > MAX_CLASSES:
                raise DataError(f"one mask has more than {MAX_CLASSES} classes; leave some out")
        patch.of(self._labels)[patch.inside] = self._numbers[name]

    def mask(self, tags: Iterable[str] = ()) -> NamedMask:
        """Return the mask, with what else its photo is said to show."""
        return NamedMask(self._labels, tuple(self._names), tuple(tags), self._objects)


class ObjectReader(Reader):
    """Reads a format that lists the objects of each photo: they are painted one over the other."""

    @abstractmethod
    def load(self, entry: MaskEntry) -> tuple[Any, tuple[int, int] | None]:
        """Return what is told of a photo, and the (H, W) that it should have where that is told.

        Raises `DataError` naming the file, or any of `DAMAGE`.
        """

    @abstractmethod
    def paint(self, told: Any, painter: MaskPainter, shape: tuple[int, int], classes: ClassList) -> list[str]:
        """Paint the objects that `load` has found; return other classes that the photo is said to show.

        Raises any of `DAMAGE`, or `DataError`.
        """

    @abstractmethod
    def file_of(self, entry: MaskEntry) -> Path:
        """Return the file that tells of a photo."""

    @abstractmethod
    def damage(self, entry: MaskEntry, problem: Exception) -> str:
        """Return what to say of a photo whose objects cannot be read."""

    def read(self, entry: MaskEntry, photo: Path, classes: ClassList) -> NamedMask:
        """See `Reader.read`."""
        shape = image_size(photo)
        try:
            told, size = self.load(entry)
        except DAMAGE as error:
            raise DataError(self.damage(entry, error)) from error
        if size is not None:
            check_size(self.file_of(entry), size, shape)
        painter = MaskPainter(shape)
        try:
            return painter.mask(self.paint(told, painter, shape, classes))
        except (*DAMAGE, DataError) as error:
            raise DataError(self.damage(entry, error)) from error
