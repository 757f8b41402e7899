"""Reading the masks of a PASCAL VOC tree: palette files, grey ones, or colour pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.data.classes import BACKGROUND, VOID, ClassList, labels_in
from trainer.data.formats.base import MaskEntry, NamedMask, Reader, Split
from trainer.data.formats.reading import BACKGROUND_NAMES, check_size, files_below, read_lines
from trainer.data.formats.voc_writer import VocWriter
from trainer.data.ids import file_under
from trainer.data.images import load_image, load_mask
from trainer.data.palette import colour_of
from trainer.errors import DataError
from trainer.translatable import translatable

Colour = tuple[int, int, int]

_MASKS, _LABELMAP = "SegmentationClass", "labelmap.txt"
_LINE = re.compile(r"(?P<name>[^:#][^:]*):(?P<red>\d+),(?P<green>\d+),(?P<blue>\d+):[^:]*:[^:]*")
_UNKNOWN = 254


class VocReader(Reader):
    """``SegmentationClass``: a label is the index in the palette, or what ``labelmap.txt`` calls its colour.

    A tree without a class list of its own goes by the list it is read with.
    """

    name = VocWriter.name
    title = VocWriter.title

    @staticmethod
    def recognises(path: Path) -> bool:
        """See `Reader.recognises`."""
        return next(files_below(_tree(path) / _MASKS, {".png"}), None) is not None

    def __init__(self, path: Path, classes: ClassList | None) -> None:
        self._root = _tree(path)
        self.classes = classes or ClassList.of_folder(self._root)
        self._colours = _colours(self._root / _LABELMAP, self.classes)
        # Where the colours are VOC's the index says the same, and is read faster.
        self._usual = all(colour_of(label) == colour for colour, label in self._colours.items())
        self._table: NDArray[np.uint8] | None = None

    def entries(self) -> Iterator[MaskEntry]:
        """See `Reader.entries`."""
        splits: dict[str, Split] = {}
        for split in ("train", "val"):
            listing = self._root / "ImageSets" / "Segmentation" / f"{split}.txt"
            if listing.is_file():
                splits |= dict.fromkeys(read_lines(listing), split)
        for file in files_below(self._root / _MASKS, {".png"}):
            photo = file.relative_to(self._root / _MASKS).with_suffix("").as_posix()
            yield MaskEntry(photo, splits.get(photo))

    def read(self, entry: MaskEntry, shape: tuple[int, int], classes: ClassList) -> NamedMask:
        """See `Reader.read`."""
        path = file_under(self._root / _MASKS, entry.photo, ".png")
        labels = self._labels(path)
        check_size(path, labels.shape, shape)
        return checked(path, labels, self.classes or classes)

    def _labels(self, path: Path) -> NDArray[np.uint8]:
        if self._usual:
            try:
                return load_mask(path)
            except DataError:  # a picture, unless it is damaged: then it cannot be read as one either
                return self._by_colour(path)
        try:
            return self._by_colour(path)
        except DataError as strange:
            try:
                return load_mask(path)
            except DataError:
                raise strange from None

    def _by_colour(self, path: Path) -> NDArray[np.uint8]:
        picture = load_image(path)
        if self._table is None:
            colours = self._colours or {colour_of(label): label for label in range(_UNKNOWN)}
            table = np.full(1 << 24, _UNKNOWN, np.uint8)
            for colour, label in (colours | {colour_of(VOID): VOID}).items():
                table[_code(np.array(colour))] = label
            self._table = table
        labels = self._table[_code(picture)]
        if (unknown := labels == _UNKNOWN).any():
            colour = tuple(picture[unknown][0].tolist())
            raise DataError(
                translatable(
                    "{path} has the colour {colour}, which no class has; add it to labelmap.txt",
                    path=path,
                    colour=",".join(map(str, colour)),
                )
            )
        return labels


def checked(path: Path, labels: NDArray[np.uint8], classes: ClassList) -> NamedMask:
    """Return labels (H, W) with the names of their classes; raises `DataError` where one has none."""
    if unknown := [label for label in labels_in(labels) if len(classes) < label < VOID]:
        raise DataError(
            translatable(
                "{path} has the label {label} but there are {count} classes; give the list of its classes",
                path=path,
                label=unknown[0],
                count=len(classes),
            )
        )
    return NamedMask(labels, classes.names)


def _tree(path: Path) -> Path:
    return path.parent if path.name == _MASKS else path


def _colours(labelmap: Path, classes: ClassList | None) -> dict[Colour, int]:
    """Return the label of each colour that a ``labelmap.txt`` names; empty where it names none."""
    labels = dict.fromkeys(BACKGROUND_NAMES, BACKGROUND)
    labels |= {name: label for label, name in enumerate(classes.names, start=1)} if classes else {}
    entries = map(_LINE.fullmatch, read_lines(labelmap) if labelmap.is_file() else ())
    return {
        (int(entry["red"]), int(entry["green"]), int(entry["blue"])): labels[name]
        for entry in entries
        if entry and (name := entry["name"].strip()) in labels
    }


def _code(colours: NDArray) -> NDArray[np.int32]:
    """Return each colour (…, 3) as one number below 2²⁴."""
    return colours.astype(np.int32) @ np.array((1 << 16, 1 << 8, 1), np.int32)
