"""The list of classes of a data set, and the label values that are not classes."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import resources
from trainer.data.atomic import write_atomically
from trainer.data.class_files import CLASS_FILES, ClassEntry, Colour, read_entries
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
MOST_BYTES = 200
"""Length of a class name, which becomes part of file names."""

_GONE = re.compile(r"#[0-9]+")
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:;,"<>|?*]')
_BACKGROUND_NAMES = {"background", "__background__"}


@dataclass(frozen=True)
class MaskCodes:
    """How the masks of a data set write labels: by colours, and by values other than the labels."""

    colours: Mapping[Colour, int]
    values: Mapping[int, int]

    @classmethod
    def of(cls, entries: Iterable[ClassEntry]) -> MaskCodes:
        """Return the codes of listed classes, whose labels are 1, 2, … in this order."""
        colours: dict[Colour, int] = {}
        values: dict[int, int] = {}
        label = BACKGROUND
        for entry in entries:
            if entry.kind == "class":
                its_label = label = label + 1
            else:
                its_label = BACKGROUND if entry.kind == "background" else VOID
            if entry.colour is not None:
                colours.setdefault(entry.colour, its_label)
            if entry.value is not None:
                values.setdefault(entry.value, its_label)
        return cls(colours, values)


@dataclass(frozen=True)
class ClassList:
    """Class names in the order of their ids: the first has id 1. Ids never change, names are only added.

    A class that was deleted, or merged into another, is gone: its id stays, with `gone_name` in its place.

    Raises `DataError` for an empty, repeated or reserved name, one that could not be part of a file name, and
    for more than `MAX_CLASSES` names.
    """

    names: tuple[str, ...]
    codes: MaskCodes | None = field(default=None, repr=False, compare=False)
    """What the file that listed the classes says of masks."""
    places: tuple[int, ...] = field(default=(), repr=False, compare=False)
    """Ids in the order a person gave them; those that are not among them follow."""
    colours: Mapping[int, Colour] = field(default_factory=dict, repr=False, compare=False)
    """Colours that a person gave ids, for the screen."""
    stuff: frozenset[int] = field(default=frozenset(), repr=False, compare=False)
    """Ids of what has no separate objects, such as sky or grass."""
    former: Mapping[int, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)
    """Names that ids had before, oldest first."""
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
        in_use = [(name, id) for id, name in enumerate(self.names, start=1) if not _GONE.fullmatch(name)]
        for name, _ in in_use:
            check_class_name(name)
        ids = dict(in_use)
        if len(ids) != len(in_use):
            repeated = next(name for name in self.names if self.names.count(name) > 1)
            raise DataError(translatable("the class {name!r} is listed more than once", name=repeated))
        object.__setattr__(self, "_ids", ids)

    @classmethod
    def voc(cls) -> ClassList:
        """Return the 20 classes of PASCAL VOC in their usual order."""
        return cls.from_file(resources.path("classes", "voc20.txt"))

    @classmethod
    def from_file(cls, path: Path) -> ClassList:
        """Read a list of classes in any form of `class_files.read_entries`.

        Background and void are passed over; numbered classes are taken in the order of their numbers. Raises
        `DataError` naming the file, and the line where one is to blame.
        """
        entries = read_entries(path)
        if all(entry.value is not None for entry in entries):
            entries.sort(key=lambda entry: entry.value or 0)
        place = str(path)
        try:
            listed = [entry for entry in entries if entry.kind == "class"]
            for entry in listed:
                place = f"{path}, line {entry.line}"
                check_class_name(entry.name)
            place = str(path)
            if not listed:
                raise DataError("there is no class in this list; write one name a line")
            return cls(tuple(entry.name for entry in listed), MaskCodes.of(entries))
        except DataError as error:
            raise DataError(f"{place}: {error}") from error

    @classmethod
    def of_folder(cls, folder: Path) -> ClassList | None:
        """Read the class list of a data set (see `CLASS_FILES`); None where it has none."""
        for name in CLASS_FILES:
            if (folder / name).is_file():
                return cls.from_file(folder / name)
        return None

    def save(self, path: Path) -> None:
        """Write one name a line; `from_file` reads it back."""
        with write_atomically(path) as temporary:
            temporary.write_text("".join(f"{name}\n" for name in self.listed), "utf-8", newline="\n")

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
        if class_id not in self.ids:
            raise DataError(f"the class list has no class of id {class_id}")
        return self.names[class_id - 1]

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids in use, ascending."""
        return tuple(self._ids.values())

    @property
    def order(self) -> tuple[int, ...]:
        """The ids in use, in the order a person gave them."""
        in_use = self.ids
        return tuple(dict.fromkeys((*(id for id in self.places if id in in_use), *in_use)))

    @property
    def listed(self) -> tuple[str, ...]:
        """The names in use, in the order a person gave them."""
        return tuple(self.names[id - 1] for id in self.order)

    def with_added(self, name: str) -> ClassList:
        """Return the list with one more class, whose id is the new length."""
        check_class_name(name)
        return replace(self, names=(*self.names, name))

    def names_in(self, known: Collection[str]) -> tuple[str, ...]:
        """Return by ascending id what those who have `known` names call the classes: as they are called now,
        or were before where that is the only way to know them.
        """
        found = list(self.names)
        for id, names in self.former.items():
            if self.names[id - 1] not in known:
                earlier = (name for name in reversed(names) if name in known and name not in self.names)
                found[id - 1] = next(earlier, found[id - 1])
        return tuple(found)

    def __contains__(self, name: object) -> bool:
        return name in self._ids

    def __len__(self) -> int:
        return len(self.names)


def save_categories(path: Path, classes: ClassList, colours: Mapping[int, Colour]) -> None:
    """Write names, colours, order and kinds of classes as the categories of COCO's panoptic task."""
    listed = [
        {
            "id": id,
            "name": classes.name_of(id),
            "supercategory": "",
            "color": list(colours[id]),
            "isthing": int(id not in classes.stuff),
        }
        for id in classes.order
    ]
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps(listed, ensure_ascii=False, indent=1) + "\n", "utf-8", newline="\n")


def gone_name(class_id: int) -> str:
    """Return what stands in a class list in the place of a class that is gone."""
    return f"#{class_id}"


def can_name_a_class(name: str) -> bool:
    """Tell whether a class list can hold a name."""
    try:
        check_class_name(name)
    except DataError:
        return False
    return True


def labels_in(labels: NDArray[np.uint8]) -> list[int]:
    """Return the labels that occur in a map, ascending."""
    flat = labels.ravel()
    # Maps are flat: the few pixels that differ from the next one, and the last, show all that there is.
    ends = np.append(flat[:-1][flat[1:] != flat[:-1]], flat[-1:])
    return np.flatnonzero(np.bincount(ends, minlength=1)).tolist()


def check_class_name(name: str) -> None:
    """Raise `DataError` for a name that a class cannot be given."""
    if not name or name != name.strip() or name in _BACKGROUND_NAMES:
        raise DataError(
            translatable("{name!r} cannot name a class; choose a word other than the background's", name=name)
        )
    # Names become parts of file names (ImageSets/Main) and cells of tag files.
    is_long = len(name.encode(errors="replace")) > MOST_BYTES
    if _FORBIDDEN.search(name) or name.startswith((".", "#")) or is_long:
        raise DataError(
            translatable(
                "the class name {name!r} is too long or holds characters that files cannot; "
                "use a few letters and digits",
                name=f"{name[:40]}…" if is_long else name,
            )
        )
