"""What a format must offer to be exported to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from trainer.data.classes import ClassList

Split = Literal["train", "val"]
"""The part of a data set that an image belongs to."""


@dataclass(frozen=True, eq=False)
class ExportEntry:
    """One image to export: mask (H, W), uint8, and tags, to which the classes of the mask are added."""

    id: str
    image_path: Path
    mask: NDArray[np.uint8]
    tags: tuple[str, ...] = ()
    split: Split = "train"


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

    def __init__(self, root: Path, classes: ClassList) -> None: ...

    def add(self, entry: ExportEntry, class_ids: frozenset[int]) -> None:
        """Write one image; `class_ids` are those of its tags and its mask together.

        Raises `DataError`, before anything is written, where the photo cannot be read.
        """

    def finish(self) -> None:
        """Write what needs all images: lists, indices, the classes."""
