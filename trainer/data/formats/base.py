"""What a format must offer to be exported to, and to be imported from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from trainer.data.classes import ClassList

if TYPE_CHECKING:
    from trainer.data.objects import Objects  # imports SciPy: the window does not wait

Split = Literal["train", "val"]
"""The part of a data set that an image belongs to."""


@dataclass(frozen=True, eq=False)
class ExportEntry:
    """One image to export: mask (H, W), uint8, and tags, to which the classes of the mask are added.

    Tags are None where nobody has said what the image shows, and its mask is no more than a guess.
    """

    id: str
    image_path: Path
    mask: NDArray[np.uint8]
    tags: tuple[str, ...] | None = ()
    split: Split = "train"
    objects: Objects | None = None
    """Which pixels are one object; None where each connected area is."""


class Writer(Protocol):
    """Writes one data set into an empty folder: `add` for each image, then `finish`.

    Where the files go in the end, what they replace and what happens when the export is cut short is not a
    writer's concern (see `trainer.data.export.write_data_set`).
    """

    name: ClassVar[str]
    """What the command line calls the format."""
    title: ClassVar[str]
    """What the desk calls it, a `translatable` text."""
    contents: ClassVar[str]
    """One sentence on the files it writes and who reads them, a `translatable` text."""
    photo_folder: ClassVar[str]
    """Folder in the data set that takes the photos; one to be exported must not lie in it."""
    last: ClassVar[tuple[str, ...]]
    """Files and folders that refer to others, in the order in which they are moved into place at the end."""
    keeps_void: ClassVar[bool] = True
    """Whether the format can tell undecided pixels from background."""
    keeps_joined: ClassVar[bool] = True
    """Whether an object can consist of several areas."""
    most_objects: ClassVar[int | None] = None
    """How many objects of an image it can tell apart; of one with more it tells none. None for any number."""

    def __init__(self, root: Path, classes: ClassList) -> None: ...

    def add(self, entry: ExportEntry, class_ids: frozenset[int]) -> None:
        """Write one image; `class_ids` are those of its tags and its mask together.

        Raises `DataError`, before anything is written, where the photo cannot be read.
        """

    def finish(self) -> None:
        """Write what needs all images: lists, indices, the classes."""


@dataclass(frozen=True)
class MaskEntry:
    """A mask of a data set that is to be read.

    `photo` is the path of its photo as far as the data set tells: below its own root, with or without the
    suffix. `split` is None where there are no splits.
    """

    photo: str
    split: Split | None = None


@dataclass(frozen=True, eq=False)
class NamedMask:
    """A mask with the names of its classes: `labels` (H, W), uint8, are 0 for background, 255 for undecided,
    and else n for the n-th of `names`. `tags` are classes that the photo is said to show. `objects` (H, W),
    uint16, number what is one object each, 0 for none; None where the data set tells of no objects.
    """

    labels: NDArray[np.uint8]
    names: tuple[str, ...]
    tags: tuple[str, ...] = ()
    objects: NDArray[np.uint16] | None = None


class Reader(Protocol):
    """Reads the masks of one data set; `read` may be called from several threads."""

    name: ClassVar[str]
    """What the command line calls the format; that of its `Writer`, if it has one."""
    title: ClassVar[str]
    """What the desk calls it, a `translatable` text."""
    classes: ClassList | None
    """The classes as the data set lists them itself; None where it does not."""

    @staticmethod
    def recognises(path: Path) -> bool:
        """Tell whether a folder, or a file, holds such masks; a quick look that reads no mask."""

    def __init__(self, path: Path, classes: ClassList | None) -> None:
        """Open a data set; `classes` are those that numbers in it stand for, instead of its own list.

        Raises `DataError` where a list of it cannot be read.
        """

    def entries(self) -> Iterator[MaskEntry]:
        """Go through its masks in a fixed order."""

    def read(self, entry: MaskEntry, photo: Path, classes: ClassList) -> NamedMask:
        """Read the mask of a photo, upright; `classes` stand for numbers that it has no names for.

        Raises `DataError` naming the file where it is damaged, does not fit the photo, or has a class that
        nothing names.
        """
