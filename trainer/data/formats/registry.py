"""The formats to which masks can be exported and from which they can be imported, as they are offered."""

from __future__ import annotations

from pathlib import Path

from trainer.data.classes import ClassList
from trainer.data.formats.base import Reader, Writer
from trainer.data.formats.coco import CocoReader, CocoWriter
from trainer.data.formats.labelme import LabelmeReader, LabelmeWriter
from trainer.data.formats.mask_folder import MaskFolderReader
from trainer.data.formats.voc_reader import VocReader
from trainer.data.formats.voc_writer import VocWriter
from trainer.data.formats.yolo import YoloReader, YoloWriter
from trainer.errors import DataError
from trainer.translatable import translatable

WRITERS: dict[str, type[Writer]] = {
    writer.name: writer for writer in (VocWriter, CocoWriter, LabelmeWriter, YoloWriter)
}
READERS: dict[str, type[Reader]] = {
    reader.name: reader for reader in (VocReader, CocoReader, LabelmeReader, YoloReader, MaskFolderReader)
}
"""In the order in which a folder is asked whether it is of them."""


def format_of(path: Path) -> str | None:
    """Return the name of the format whose masks a folder or file holds; None where there are none."""
    return next((name for name, reader in READERS.items() if reader.recognises(path)), None)


def open_masks(path: Path, format: str | None = None, classes: ClassList | None = None) -> Reader:
    """Open masks for reading; `classes` are those that numbers stand for, instead of the data set's own list.

    Raises `DataError` where the path does not exist or no format is recognised, or a list cannot be read.
    """
    if not path.exists():
        raise DataError(translatable("{path} does not exist; check the path", path=path))
    if (name := format or format_of(path)) is None:
        raise DataError(
            translatable(
                "{path} holds no masks of a known kind; give a folder with SegmentationClass, COCO or "
                "labelme JSON, labels of YOLO, or images and masks",
                path=path,
            )
        )
    return READERS[name](path, classes)
