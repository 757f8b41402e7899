"""COCO: photos, and for each split a JSON file that lists the objects in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer.data.classes import ClassList
from trainer.data.formats import rle
from trainer.data.formats.base import ExportEntry, MaskEntry, Split, Writer
from trainer.data.formats.outlines import Area, Patch, border_outlines, fill_borders, objects_in
from trainer.data.formats.photo import write_photo
from trainer.data.formats.reading import (
    DAMAGE,
    MaskPainter,
    ObjectReader,
    begins_with_keys,
    class_list,
    members,
    read_annotations,
    split_called,
)
from trainer.data.ids import file_under
from trainer.errors import DataError
from trainer.translatable import translatable

_SPLITS: tuple[Split, ...] = ("train", "val")
_KEYS = ("id", "width", "height")  # what is needed of an image
_LOOKED_AT = 20  # files that are looked at before a folder is said to have none of COCO


@dataclass(frozen=True)
class _Written:
    """An image that is written, with the beginning-less JSON of its objects: without their numbers."""

    split: Split
    image: dict[str, Any]
    objects: list[str]


class CocoWriter(Writer):
    """``images`` and ``annotations/instances_{train,val}.json`` with the objects.

    One is a polygon along the borders of its pixels or, with holes or several parts, run-length encoded, so
    that pycocotools gives back every pixel. Undecided pixels cannot be said in COCO.
    """

    name = "coco"
    title = translatable("COCO JSON")
    contents = translatable(
        "images and annotations/instances_train.json, instances_val.json with the objects; undecided pixels "
        "become background."
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
        objects = [json.dumps(_object(area, (height, width))) for area in objects_in(entry)]
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
        path.write_text(f'{text[:-1]}, "annotations": [\n{numbered}\n]}}\n', "utf-8", newline="\n")


def _object(area: Area, shape: tuple[int, int]) -> dict[str, Any]:
    outlines, (height, width) = border_outlines(area), area.inside.shape
    segmentation: Any
    if len(outlines) == 1:
        segmentation = [outlines[0].ravel().tolist()]
    else:
        whole = np.zeros(shape, np.bool_)
        area.of(whole)[:] = area.inside
        segmentation = {"size": list(shape), "counts": rle.encode(whole)}
    return {
        "category_id": area.label,
        "iscrowd": 0,
        "area": area.size,
        "bbox": [area.left, area.top, width, height],
        "segmentation": segmentation,
    }


@dataclass(frozen=True)
class _File:
    """A file of annotations. Its objects stay text, which takes a tenth of the memory: where they stand in
    it, by image, and the names of their categories by number.
    """

    path: Path
    text: str
    objects: dict[Any, list[slice]]
    categories: dict[Any, str]


class CocoReader(ObjectReader):
    """Objects as polygons or run lengths; smaller ones lie over larger ones, crowds are undecided.

    The files of a folder are ``annotations/instances_*.json``, else all others there, beside it (as FiftyOne
    writes them), or one a split (as Roboflow does).
    """

    name = CocoWriter.name
    title = CocoWriter.title

    @staticmethod
    def recognises(path: Path) -> bool:
        """See `Reader.recognises`."""
        return bool(_files(path))

    def __init__(self, path: Path, classes: ClassList | None) -> None:
        self._found: dict[MaskEntry, tuple[_File, dict[str, Any]]] = {}
        names: dict[str, None] = {}
        for file in _files(path):
            names |= dict.fromkeys(self._take(_File(file, read_annotations(file), {}, {})))
        self.classes = class_list(names)

    def entries(self) -> Iterator[MaskEntry]:
        """See `Reader.entries`."""
        return iter(self._found)

    def load(self, entry: MaskEntry) -> tuple[Any, tuple[int, int] | None]:
        """See `ObjectReader.load`."""
        file, image = self._found[entry]
        objects = [json.loads(file.text[place]) for place in file.objects.get(image["id"], [])]
        objects.sort(key=lambda each: (-each.get("iscrowd", 0), -each.get("area", 0)))
        size = (image["height"], image["width"]) if "height" in image and "width" in image else None
        return (file.categories, objects), size

    def paint(self, told: Any, painter: MaskPainter, shape: tuple[int, int], classes: ClassList) -> list[str]:
        """See `ObjectReader.paint`."""
        categories, objects = told
        for number, each in enumerate(objects, start=1):
            name = None if each.get("iscrowd") else categories[each["category_id"]]
            for patch in _patches(each.get("segmentation"), shape):
                painter.paint(patch, name, number)
        return []

    def file_of(self, entry: MaskEntry) -> Path:
        """See `ObjectReader.file_of`."""
        return self._found[entry][0].path

    def damage(self, entry: MaskEntry, problem: Exception) -> str:
        """See `ObjectReader.damage`."""
        return translatable(
            "{path} has an object in {photo} that cannot be read ({problem}); correct or remove it",
            path=self.file_of(entry),
            photo=entry.photo,
            problem=problem,
        )

    def _take(self, file: _File) -> list[str]:
        """Remember the images of a file; return the names of its categories in the order of their numbers."""
        split = split_called(file.path.stem) or split_called(file.path.parent.name)
        try:
            for key, value, place in members(file.text):
                if key == "categories":
                    file.categories[value["id"]] = str(value["name"])
                elif key == "annotations":
                    file.objects.setdefault(value["image_id"], []).append(place)
                elif key == "images":
                    entry = MaskEntry(str(value["file_name"]).replace("\\", "/"), split)
                    self._found[entry] = file, {key: value[key] for key in _KEYS if key in value}
            return [file.categories[number] for number in sorted(file.categories)]
        except DAMAGE as error:
            raise DataError(
                translatable("{path} is no COCO file ({problem}); remove it", path=file.path, problem=error)
            ) from error


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() == ".json" and _is_coco(path) else []
    for pattern in (
        "annotations/instances_*.json",
        "annotations/*.json",
        "*.json",
        "*/_annotations.coco.json",
    ):
        files = sorted(path.glob(pattern))
        if any(map(_is_coco, files[:_LOOKED_AT])):
            return [file for file in files if _is_coco(file)]
    return []


def _is_coco(file: Path) -> bool:
    return begins_with_keys(file, "annotations", "images", "categories") and not begins_with_keys(
        file, "shapes"
    )


def _patches(segmentation: Any, shape: tuple[int, int]) -> Iterator[Patch]:
    """Go through the pieces of an object; together they are its pixels."""
    if isinstance(segmentation, dict):
        yield Patch(0, 0, rle.decode(segmentation["counts"], shape))
        return
    if not segmentation:
        raise DataError("it has a box and no mask")
    for polygon in segmentation:
        yield fill_borders([np.array(polygon, np.float64).reshape(-1, 2)], shape)
