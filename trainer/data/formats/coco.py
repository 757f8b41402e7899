"""COCO: photos, and for each split a JSON file that lists the objects in them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer.data.classes import ClassList
from trainer.data.formats import rle
from trainer.data.formats.base import ExportEntry, Split, Writer
from trainer.data.formats.outlines import Area, areas_of, border_outlines
from trainer.data.formats.photo import write_photo
from trainer.data.ids import file_under
from trainer.translatable import translatable

_SPLITS: tuple[Split, ...] = ("train", "val")


@dataclass(frozen=True)
class _Written:
    """An image that is written, with the beginning-less JSON of its objects: without their numbers."""

    split: Split
    image: dict[str, Any]
    objects: list[str]


class CocoWriter(Writer):
    """``images`` and ``annotations/instances_{train,val}.json``, an object for each connected area.

    An area is a polygon along the borders of its pixels, one with holes is run-length encoded, so that
    pycocotools gives back every pixel. Undecided pixels cannot be said in COCO.
    """

    name = "coco"
    title = translatable("COCO JSON")
    contents = translatable(
        "images and annotations/instances_train.json, instances_val.json, an object for each connected area; "
        "undecided pixels become background."
    )
    photo_folder = "images"
    last = ("annotations",)
    keeps_void = False

    def __init__(self, root: Path, classes: ClassList) -> None:
        self._root, self._classes = root, classes
        self._written: dict[str, _Written] = {}

    def add(self, entry: ExportEntry, class_ids: frozenset[int]) -> None:
        """Write the photo and remember its objects."""
        photo = file_under(self._root / self.photo_folder, entry.id, ".jpg")
        write_photo(entry.image_path, photo)
        height, width = entry.mask.shape
        name = photo.relative_to(self._root / self.photo_folder).as_posix()
        image = {"file_name": name, "width": width, "height": height}
        # As text they take a tenth of the memory.
        objects = [json.dumps(_object(area, (height, width))) for area in areas_of(entry.mask)]
        self._written[entry.id] = _Written(entry.split, image, objects)

    def finish(self) -> None:
        """Write the file of each split that has images."""
        folder = self._root / "annotations"
        folder.mkdir()
        for split in _SPLITS:
            written = [self._written[id] for id in sorted(self._written) if self._written[id].split == split]
            if written:
                self._write(folder / f"instances_{split}.json", written)

    def _write(self, path: Path, written: list[_Written]) -> None:
        images = [{"id": number, **each.image} for number, each in enumerate(written, start=1)]
        objects = [
            f'{{"image_id": {number}, {text[1:]}'
            for number, each in enumerate(written, start=1)
            for text in each.objects
        ]
        categories = [
            {"id": id, "name": self._classes.name_of(id), "supercategory": ""} for id in self._classes.ids
        ]
        numbered = ",\n".join(f'{{"id": {number}, {text[1:]}' for number, text in enumerate(objects, start=1))
        head = {
            "info": {"description": "Exported by Affinity Annotator"},
            "licenses": [],
            "categories": categories,
            "images": images,
        }
        text = json.dumps(head, ensure_ascii=False)
        path.write_text(f'{text[:-1]}, "annotations": [\n{numbered}\n]}}\n', encoding="utf-8")


def _object(area: Area, shape: tuple[int, int]) -> dict[str, Any]:
    outlines, (height, width) = border_outlines(area), area.inside.shape
    segmentation: Any
    if len(outlines) == 1:
        segmentation = [outlines[0].ravel().tolist()]
    else:
        whole = np.zeros(shape, np.bool_)
        whole[area.top : area.top + height, area.left : area.left + width] = area.inside
        segmentation = {"size": list(shape), "counts": rle.encode(whole)}
    return {
        "category_id": area.label,
        "iscrowd": 0,
        "area": area.size,
        "bbox": [area.left, area.top, width, height],
        "segmentation": segmentation,
    }
