"""The photos that the robot annotates: of a data set with true masks, or of `images/` beside `masks/`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from trainer.data.classes import ClassList
from trainer.data.formats import voc
from trainer.data.images import load_image
from trainer.data.masks import OBJECT, MaskReader, mask_file, one_object
from trainer.data.source import open_source
from trainer.errors import DataError


@dataclass(frozen=True)
class Photo:
    """A photo and its true mask; `grey` tells one object in 255, void in 128, from a map of class ids."""

    id: str
    image_path: Path
    truth_path: Path
    grey: bool = False
    root: Path | None = None
    """The data set, whose class list tells what masks mean."""

    def load(self, classes: ClassList) -> tuple[np.ndarray, np.ndarray]:
        """Return the image, uint8 H×W×3, and its labels, uint8 H×W: 0, ids of `classes`, 255 void.

        Raises DataError naming the file that is damaged, of another size, or has labels that mean nothing.
        """
        image = load_image(self.image_path)
        if not self.grey:
            return image, MaskReader(classes, self.root).read(self.truth_path, self.image_path)
        truth = one_object(MaskReader().read(self.truth_path, self.image_path))
        if truth is None:
            raise DataError(
                f"{self.truth_path} is no mask of one object; it has to hold 255 for the object, "
                "0 for background and 128 for void"
            )
        return image, truth


@dataclass(frozen=True)
class PhotoSet:
    """Photos with true masks in the order of their ids; `problems` tells what had to be left out."""

    root: Path
    classes: ClassList
    photos: tuple[Photo, ...]
    split: str
    problems: tuple[str, ...] = field(default=())

    def select(self, skip: Collection[str] = (), step: int = 1, limit: int | None = None) -> PhotoSet:
        """Return the set without the ids to `skip`, then every `step`-th photo of it, `limit` at most.

        Raises DataError where none is left.
        """
        photos = [photo for photo in self.photos if photo.id not in skip][::step][:limit]
        if not photos:
            raise DataError(f"none of the {len(self.photos)} photos of {self.root} is left; skip fewer")
        return PhotoSet(self.root, self.classes, tuple(photos), self.split, self.problems)


def open_photos(path: Path, split: str = voc.ALL, classes: ClassList | None = None) -> PhotoSet:
    """Open a folder of `images/` and `masks/` (one object each), or a data set as `open_source` knows them.

    Images without a true mask are left out. Raises DataError where there is none with one, and as
    `open_source` does.
    """
    grey = (path / "images").is_dir() and (path / "masks").is_dir()
    if grey:
        source = open_source(path / "images", voc.ALL, ClassList((OBJECT,)))
        masks = path / "masks"
    else:
        source = open_source(path, split, classes)
        masks = source.root / "SegmentationClass"
    truths = {item.id: mask_file(masks, item.id) for item in source.items}
    photos = [
        Photo(item.id, item.image_path, truths[item.id], grey, source.root)
        for item in source.items
        if truths[item.id].is_file()
    ]
    if not photos:
        raise DataError(
            f"{path} has no true masks for the robot to annotate against; "
            "give a data set with SegmentationClass, or with images and masks"
        )
    photos.sort(key=lambda photo: photo.id)
    return PhotoSet(path, source.classes, tuple(photos), source.split, tuple(source.problems))
