"""Writing masks as a PASCAL VOC tree."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from PIL import Image
from scipy import ndimage

from trainer.data.classes import BACKGROUND, VOID, ClassList, labels_in
from trainer.data.formats.base import ExportEntry, Writer
from trainer.data.ids import file_under
from trainer.data.images import is_upright_jpeg, load_image, palette_image
from trainer.data.palette import colour_of
from trainer.translatable import translatable

JPEG_QUALITY = 95
_LABELMAP = "labelmap.txt"


class VocWriter(Writer):
    """Images, palette masks (255 where undecided), annotations, split lists and ``labelmap.txt``.

    Upright JPEGs are copied byte for byte, all others become upright JPEGs.
    """

    name = "voc"
    title = translatable("PASCAL VOC")
    contents = translatable(
        "JPEGImages, SegmentationClass (palette PNG, 255 where undecided), ImageSets, Annotations and "
        "labelmap.txt; any VOC reader opens it."
    )
    photo_folder = "JPEGImages"
    last = ("ImageSets", _LABELMAP)

    def __init__(self, root: Path, classes: ClassList) -> None:
        self._root, self._classes = root, classes
        self._class_ids: dict[str, frozenset[int]] = {}
        self._splits: dict[str, list[str]] = {"train": [], "val": [], "trainval": []}

    def add(self, entry: ExportEntry, class_ids: frozenset[int]) -> None:
        """Write photo, mask and annotation of one image."""
        _write_image(self._root, entry)
        mask_path = file_under(self._root / "SegmentationClass", entry.id, ".png")
        _save(palette_image(entry.mask), mask_path, "PNG")
        _write_annotation(file_under(self._root / "Annotations", entry.id, ".xml"), entry, self._classes)
        self._class_ids[entry.id] = class_ids
        self._splits[entry.split].append(entry.id)
        self._splits["trainval"].append(entry.id)

    def finish(self) -> None:
        """Write the lists of the splits and the class list."""
        for split, ids in self._splits.items():
            _write_lists(self._root / "ImageSets", split, sorted(ids), self._class_ids, self._classes)
        (self._root / _LABELMAP).write_text(_labelmap(self._classes), encoding="utf-8")


def _write_image(root: Path, entry: ExportEntry) -> None:
    path = file_under(root / VocWriter.photo_folder, entry.id, ".jpg")
    path.parent.mkdir(parents=True, exist_ok=True)
    if is_upright_jpeg(entry.image_path):
        shutil.copyfile(entry.image_path, path)
    else:
        photo = Image.fromarray(load_image(entry.image_path))
        _save(photo, path, "JPEG", quality=JPEG_QUALITY, subsampling="4:4:4")


def _save(image: Image.Image, path: Path, kind: str, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, kind, **options)


def _write_annotation(path: Path, entry: ExportEntry, classes: ClassList) -> None:
    """Write one object for each connected area of a class; boxes are 1-based, both ends included."""
    height, width = entry.mask.shape
    root = ElementTree.Element("annotation")
    _fill(root, folder="VOC", filename=f"{entry.id}.jpg")
    _fill(ElementTree.SubElement(root, "size"), width=width, height=height, depth=3)
    _fill(root, segmented=1)
    for class_id in labels_in(entry.mask):
        if class_id in (BACKGROUND, VOID):
            continue
        areas, _ = ndimage.label(entry.mask == class_id, structure=np.ones((3, 3)))
        for rows, columns in ndimage.find_objects(areas):
            y0, y1, x0, x1 = rows.start, rows.stop, columns.start, columns.stop
            at_border = y0 == 0 or x0 == 0 or y1 == height or x1 == width
            found = ElementTree.SubElement(root, "object")
            _fill(
                found,
                name=classes.name_of(class_id),
                pose="Unspecified",
                truncated=int(at_border),
                difficult=0,
            )
            _fill(ElementTree.SubElement(found, "bndbox"), xmin=x0 + 1, ymin=y0 + 1, xmax=x1, ymax=y1)
    ElementTree.indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ElementTree.tostring(root, encoding="unicode") + "\n", encoding="utf-8")


def _fill(parent: ElementTree.Element, **values: object) -> None:
    for name, value in values.items():
        ElementTree.SubElement(parent, name).text = str(value)


def _write_lists(
    folder: Path, split: str, ids: list[str], tags: dict[str, frozenset[int]], classes: ClassList
) -> None:
    lists = {f"Segmentation/{split}": ids, f"Main/{split}": ids}
    for class_id in classes.ids:
        flags = [f"{image_id} {1 if class_id in tags[image_id] else -1:2d}" for image_id in ids]
        lists[f"Main/{classes.name_of(class_id)}_{split}"] = flags
    for name, lines in lists.items():
        path = folder / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _labelmap(classes: ClassList) -> str:
    """Return the class list in the form that CVAT reads: ``name:red,green,blue:parts:actions``."""
    lines = ["# Exported by Affinity Annotator", "# label:color_rgb:parts:actions"]
    for label in (BACKGROUND, *classes.ids):
        lines.append(f"{classes.name_of(label)}:{','.join(map(str, colour_of(label)))}::")
    return "\n".join(lines) + "\n"
