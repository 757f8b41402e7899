"""Writing masks as a PASCAL VOC tree."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from trainer.data.class_files import VOID_NAMES
from trainer.data.classes import BACKGROUND, VOID, ClassList
from trainer.data.formats.base import ExportEntry, Writer
from trainer.data.formats.outlines import Area, objects_in
from trainer.data.formats.photo import write_photo
from trainer.data.ids import file_under
from trainer.data.images import palette_image
from trainer.data.masks import OBJECT_FOLDER
from trainer.data.palette import colour_of
from trainer.translatable import translatable

_LABELMAP = "labelmap.txt"


class VocWriter(Writer):
    """Images, palette masks of classes and of objects (255 where undecided), annotations, split lists and
    ``labelmap.txt``.

    Upright JPEGs are copied byte for byte, all others become upright JPEGs.
    """

    name = "voc"
    title = translatable("PASCAL VOC")
    contents = translatable(
        "JPEGImages, SegmentationClass and SegmentationObject (palette PNG, 255 where undecided), ImageSets, "
        "Annotations and labelmap.txt; any VOC reader opens it."
    )
    photo_folder = "JPEGImages"
    last = ("ImageSets", _LABELMAP)
    most_objects = 254

    def __init__(self, root: Path, classes: ClassList) -> None:
        self._root, self._classes = root, classes
        self._class_ids: dict[str, frozenset[int]] = {}
        self._splits: dict[str, list[str]] = {"train": [], "val": [], "trainval": []}

    def add(self, entry: ExportEntry, class_ids: frozenset[int]) -> None:
        """Write photo, mask and annotation of one image."""
        write_photo(entry.image_path, file_under(self._root / self.photo_folder, entry.id, ".jpg"))
        mask_path = file_under(self._root / "SegmentationClass", entry.id, ".png")
        mask_path.parent.mkdir(parents=True, exist_ok=True)
        palette_image(entry.mask).save(mask_path, "PNG")
        objects = [each for each in objects_in(entry) if each.label not in self._classes.stuff]
        if 0 < len(objects) <= self.most_objects:
            object_path = file_under(self._root / OBJECT_FOLDER, entry.id, ".png")
            object_path.parent.mkdir(parents=True, exist_ok=True)
            palette_image(_numbered(entry, objects)).save(object_path, "PNG")
        path = file_under(self._root / "Annotations", entry.id, ".xml")
        _write_annotation(path, entry, objects, self._classes)
        if entry.tags is None and not class_ids:
            return  # a list would say that it is known to show nothing
        self._class_ids[entry.id] = class_ids
        self._splits[entry.split].append(entry.id)
        self._splits["trainval"].append(entry.id)

    def finish(self) -> None:
        """Write the lists of the splits and the class list."""
        for split, ids in self._splits.items():
            _write_lists(self._root / "ImageSets", split, sorted(ids), self._class_ids, self._classes)
        (self._root / _LABELMAP).write_text(_labelmap(self._classes), "utf-8", newline="\n")


def _numbered(entry: ExportEntry, objects: list[Area]) -> NDArray[np.uint8]:
    """The objects as SegmentationObject has them: 1, 2, … in the order of the annotation, 255 undecided."""
    numbers = np.where(entry.mask == VOID, np.uint8(VOID), np.uint8(BACKGROUND))
    for number, each in enumerate(objects, start=1):
        each.of(numbers)[each.inside] = number
    return numbers


def _write_annotation(path: Path, entry: ExportEntry, objects: list[Area], classes: ClassList) -> None:
    """Write the objects; boxes are 1-based, both ends included."""
    height, width = entry.mask.shape
    root = ElementTree.Element("annotation")
    _fill(root, folder="VOC", filename=f"{entry.id}.jpg")
    _fill(ElementTree.SubElement(root, "size"), width=width, height=height, depth=3)
    _fill(root, segmented=1)
    for area in objects:
        y0, x0, (rows, columns) = area.top, area.left, area.inside.shape
        y1, x1 = y0 + rows, x0 + columns
        at_border = y0 == 0 or x0 == 0 or y1 == height or x1 == width
        found = ElementTree.SubElement(root, "object")
        _fill(
            found,
            name=classes.name_of(area.label),
            pose="Unspecified",
            truncated=int(at_border),
            difficult=0,
        )
        _fill(ElementTree.SubElement(found, "bndbox"), xmin=x0 + 1, ymin=y0 + 1, xmax=x1, ymax=y1)
    ElementTree.indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ElementTree.tostring(root, encoding="unicode") + "\n", "utf-8", newline="\n")


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
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8", newline="\n")


def _labelmap_line(name: str, label: int) -> str:
    return f"{name}:{','.join(map(str, colour_of(label)))}::"


def _labelmap(classes: ClassList) -> str:
    """Return the class list in the form that CVAT reads: ``name:red,green,blue:parts:actions``.

    Strict readers refuse masks with a colour that is not listed, so undecided pixels have a line as well.
    """
    lines = ["# Exported by Affinity Annotator", "# label:color_rgb:parts:actions"]
    for label in (BACKGROUND, *classes.ids):
        lines.append(_labelmap_line(classes.name_of(label), label))
    lines.append(_labelmap_line(next(name for name in VOID_NAMES if name not in classes), VOID))
    return "\n".join(lines) + "\n"
