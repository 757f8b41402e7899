"""Reading the masks of a PASCAL VOC tree: palette files, grey ones, or colour pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trainer.data.classes import ClassList
from trainer.data.formats.base import MaskEntry, NamedMask, Reader, Split
from trainer.data.formats.reading import files_below, read_lines
from trainer.data.formats.voc_writer import VocWriter
from trainer.data.masks import (
    MASK_FOLDER,
    MASK_SUFFIXES,
    OBJECT_FOLDER,
    MaskReader,
    mask_file,
    read_objects,
)

_SUFFIXES = frozenset(suffix.lower() for suffix in MASK_SUFFIXES)


class VocReader(Reader):
    """``SegmentationClass``, and ``SegmentationObject`` where there is one.

    A label is the index in the palette, or what ``labelmap.txt`` calls its colour.

    A tree without a class list of its own goes by the list it is read with.
    """

    name = VocWriter.name
    title = VocWriter.title

    @staticmethod
    def recognises(path: Path) -> bool:
        """See `Reader.recognises`."""
        return next(files_below(_tree(path) / MASK_FOLDER, _SUFFIXES), None) is not None

    def __init__(self, path: Path, classes: ClassList | None) -> None:
        self._root = _tree(path)
        self.classes = classes or ClassList.of_folder(self._root)
        self._masks: MaskReader | None = None

    def entries(self) -> Iterator[MaskEntry]:
        """See `Reader.entries`."""
        splits: dict[str, Split] = {}
        for split in ("train", "val"):
            listing = self._root / "ImageSets" / "Segmentation" / f"{split}.txt"
            if listing.is_file():
                splits |= dict.fromkeys(read_lines(listing), split)
        for file in files_below(self._root / MASK_FOLDER, _SUFFIXES):
            photo = file.relative_to(self._root / MASK_FOLDER).with_suffix("").as_posix()
            yield MaskEntry(photo, splits.get(photo))

    def read(self, entry: MaskEntry, photo: Path, classes: ClassList) -> NamedMask:
        """See `Reader.read`."""
        path, classes = mask_file(self._root / MASK_FOLDER, entry.photo), self.classes or classes
        if self._masks is None or self._masks.classes != classes:
            self._masks = MaskReader(classes, self._root)
        labels = self._masks.read(path, photo)
        file = mask_file(self._root / OBJECT_FOLDER, entry.photo)
        objects = read_objects(file, photo) if file.is_file() else None
        return NamedMask(labels, classes.names, objects=objects)


def _tree(path: Path) -> Path:
    return path.parent if path.name == MASK_FOLDER else path
