"""YOLO segmentation: photos, beside them text files of polygons, and ``data.yaml`` with the classes."""

from __future__ import annotations

import json
from pathlib import Path

from trainer.data.classes import ClassList
from trainer.data.formats.base import ExportEntry, Split, Writer
from trainer.data.formats.outlines import areas_of, drawable, pixel_outline
from trainer.data.formats.photo import write_photo
from trainer.data.ids import file_under
from trainer.translatable import translatable

_LIST = "data.yaml"


class YoloWriter(Writer):
    """``images`` and ``labels`` by split, and ``data.yaml``; a line for each connected area.

    A line is the number of the class, from 0, and a polygon in shares of width and height. It runs through
    the middles of the outermost pixels and joins holes to the outline, so that OpenCV, and hence Ultralytics,
    fills the very same pixels. Undecided pixels cannot be said in YOLO.
    """

    name = "yolo"
    title = translatable("YOLO segmentation")
    contents = translatable(
        "images and labels by split, a text file of polygons for each photo, and data.yaml; undecided pixels "
        "become background."
    )
    photo_folder = "images"
    last = (_LIST,)
    keeps_void = False

    def __init__(self, root: Path, classes: ClassList) -> None:
        self._root, self._classes = root, classes
        self._splits: set[Split] = set()

    def add(self, entry: ExportEntry, class_ids: frozenset[int]) -> None:
        """Write a photo and its polygons."""
        write_photo(entry.image_path, file_under(self._root / "images" / entry.split, entry.id, ".jpg"))
        size = entry.mask.shape[::-1]
        lines = []
        for area in areas_of(entry.mask):
            shares = (drawable(pixel_outline(area)) + 0.5) / size
            lines.append(f"{area.label - 1} {' '.join(f'{share:.6f}' for share in shares.ravel())}\n")
        path = file_under(self._root / "labels" / entry.split, entry.id, ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines), encoding="utf-8")
        self._splits.add(entry.split)

    def finish(self) -> None:
        """Write where the photos of each split are, and the names of the classes."""
        only = next(iter(self._splits))  # readers want both, also where there is one
        lines = [
            f"{split}: images/{split if split in self._splits else only}\n" for split in ("train", "val")
        ]
        lines.append("names:\n")
        # JSON's texts are YAML's, too.
        names = enumerate(self._classes.names)
        lines += [f"  {number}: {json.dumps(name, ensure_ascii=False)}\n" for number, name in names]
        (self._root / _LIST).write_text("".join(lines), encoding="utf-8")
