"""The list of classes of a data set, and the label values that are not classes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import resources
from trainer.data.atomic import write_atomically
from trainer.data.files import read_text
from trainer.errors import DataError
from trainer.translatable import translatable

BACKGROUND = 0
"""Label of what belongs to no class."""
VOID = 255
"""Label of undecided pixels: neutral in seed cues, left out of every score."""
UNTOUCHED = 255
"""Value of a pixel of an edit layer (corrections, mask edits) that nobody painted."""
EDIT_VOID = 254
"""Value of a mask edit that says "undecided"; it becomes VOID in the mask."""
MAX_CLASSES = 253
"""Class ids are 1…253: 0, 254 and 255 have the meanings above."""

_LABELMAP_LINE = re.compile(r"(?P<name>[^:]+):\d+,\d+,\d+:[^:]*:[^:]*")
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:;,"<>|?*]')
_BACKGROUND_NAMES = {"background", "__background__"}


@dataclass(frozen=True)
class ClassList:
    """Class names in the order of their ids: the first has id 1. Ids never change, names are only added.

    Raises `DataError` for an empty, repeated or reserved name, one that could not be part of a file name, and
    for more than `MAX_CLASSES` names.
    """

    names: tuple[str, ...]
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.names) > MAX_CLASSES:
            raise DataError(
                translatable(
                    "{count} classes are too many: a label map holds at most {most}",
                    count=len(self.names),
                    most=MAX_CLASSES,
                )
            )
        for name in self.names:
            _check_name(name)
        ids = {name: index for index, name in enumerate(self.names, start=1)}
        if len(ids) != len(self.names):
            repeated = next(name for name in self.names if self.names.count(name) > 1)
            raise DataError(translatable("the class {name!r} is listed more than once", name=repeated))
        object.__setattr__(self, "_ids", ids)

    @classmethod
    def voc(cls) -> ClassList:
        """Return the 20 classes of PASCAL VOC in their usual order."""
        return cls.from_file(resources.path("classes", "voc20.txt"))

    @classmethod
    def from_file(cls, path: Path) -> ClassList:
        """Read one name a line, or a ``labelmap.txt`` (``name:r,g,b:parts:actions``).

        Blank lines, comments (``#``) and the background are passed over. Raises `DataError` naming the file.
        """
        lines = read_text(path, "the class list").splitlines()
        try:
            names = tuple(_names(lines))
            for line, name in names:
                place = f"{path}, line {line}"
                _check_name(name)
            place = str(path)
            if not names:
                raise DataError("there is no class in this list; write one name a line")
            return cls(tuple(name for _, name in names))
        except DataError as error:
            raise DataError(f"{place}: {error}") from error

    @classmethod
    def of_folder(cls, folder: Path) -> ClassList | None:
        """Read ``labelmap.txt``, else ``classes.txt`` of a data set; None where it has neither."""
        for name in ("labelmap.txt", "classes.txt"):
            if (folder / name).is_file():
                return cls.from_file(folder / name)
        return None

    def save(self, path: Path) -> None:
        """Write one name a line; `from_file` reads it back."""
        with write_atomically(path) as temporary:
            temporary.write_text("".join(f"{name}\n" for name in self.names), encoding="utf-8")

    def id_of(self, name: str) -> int:
        """Return the id (1…C) of a class; raises `DataError` where the list has no such class."""
        try:
            return self._ids[name]
        except KeyError:
            raise DataError(
                f"the class {name!r} is not in the class list; add it to the list first"
            ) from None

    def name_of(self, class_id: int) -> str:
        """Return the name of an id in 0…C (0 is "background"); raises `DataError` for any other."""
        if class_id == BACKGROUND:
            return "background"
        if not 1 <= class_id <= len(self.names):
            raise DataError(f"the class list has no class of id {class_id}")
        return self.names[class_id - 1]

    @property
    def ids(self) -> range:
        """The ids 1…C."""
        return range(1, len(self.names) + 1)

    def with_added(self, name: str) -> ClassList:
        """Return the list with one more class, whose id is the new length."""
        return ClassList((*self.names, name))

    def __contains__(self, name: object) -> bool:
        return name in self._ids

    def __len__(self) -> int:
        return len(self.names)


def labels_in(labels: NDArray[np.uint8]) -> list[int]:
    """Return the labels that occur in a map, ascending; a count, many times faster than `numpy.unique`."""
    return np.flatnonzero(np.bincount(labels.ravel(), minlength=1)).tolist()


def _names(lines: Iterable[str]) -> Iterable[tuple[int, str]]:
    """Each name with the number of its line, counted from 1."""
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("#"):
            continue
        entry = _LABELMAP_LINE.fullmatch(line)
        name = entry["name"].strip() if entry else line
        if name not in _BACKGROUND_NAMES:
            yield number, name


def _check_name(name: str) -> None:
    if not name or name != name.strip() or name in _BACKGROUND_NAMES:
        raise DataError(
            translatable("{name!r} cannot name a class; choose a word other than the background's", name=name)
        )
    # Names become parts of file names (ImageSets/Main) and cells of tag files.
    if _FORBIDDEN.search(name) or name.startswith((".", "#")):
        raise DataError(
            translatable(
                "the class name {name!r} holds characters that files cannot; use letters and digits",
                name=name,
            )
        )
