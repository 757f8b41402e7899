"""labelme: a JSON file of polygons beside each photo."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from trainer.data.classes import ClassList
from trainer.data.formats.base import ExportEntry, MaskEntry, Writer
from trainer.data.formats.outlines import (
    IN_PIXEL,
    Area,
    Patch,
    drawable,
    fill_pixels,
    finite,
    objects_in,
    pixel_outline,
    void_areas,
)
from trainer.data.formats.photo import write_photo
from trainer.data.formats.reading import (
    MaskPainter,
    ObjectReader,
    begins_with_keys,
    class_list,
    files_below,
    read_annotations,
    read_lines,
)
from trainer.data.ids import file_under
from trainer.translatable import translatable

IGNORE, BACKGROUND_NAME = "__ignore__", "_background_"
"""labelme's own names of undecided pixels and of background, in its exporters to masks."""

_VERSION = "5.5.0"  # of labelme: the first ones to write files of this form
_LABELS = "labels.txt"
_LARGEST = 50_000  # pixels: to draw larger circles takes minutes, and no photo holds one
_LOOKED_AT = 20  # files that are looked at before a folder is said to have none of labelme


class LabelmeWriter(Writer):
    """A photo and its JSON side by side, a polygon for each object; ``labels.txt`` lists the classes.

    The parts of an object that has several are a group. Polygons run through the outermost pixels and join
    holes to the outline, so that labelme itself makes the very same mask of them. Undecided areas are called
    `IGNORE`, tags are the flags of an image.
    """

    name = "labelme"
    title = translatable("labelme JSON")
    contents = translatable(
        "A JSON file of polygons beside each photo, and labels.txt; undecided areas are called __ignore__, "
        "tags are flags."
    )
    photo_folder = ""
    last = (_LABELS,)

    def __init__(self, root: Path, classes: ClassList) -> None:
        self._root, self._classes = root, classes

    def add(self, entry: ExportEntry, class_ids: frozenset[int]) -> None:
        """Write a photo and its polygons."""
        photo = file_under(self._root, entry.id, ".jpg")
        write_photo(entry.image_path, photo)
        height, width = entry.mask.shape
        shapes = []
        for number, each in enumerate(objects_in(entry), start=1):
            parts = each.connected
            is_thing = each.label not in self._classes.stuff
            group = number if len(parts) > 1 and is_thing else None
            shapes += [_shape(area, self._classes.name_of(area.label), group) for area in parts]
        shapes += [_shape(area, IGNORE, None) for area in void_areas(entry.mask)]
        content = {
            "version": _VERSION,
            "flags": {self._classes.name_of(id): id in class_ids for id in self._classes.ids},
            "shapes": shapes,
            "imagePath": photo.name,
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        text = json.dumps(content, ensure_ascii=False)
        photo.with_name(f"{photo.name.removesuffix('.jpg')}.json").write_text(
            f"{text}\n", "utf-8", newline="\n"
        )

    def finish(self) -> None:
        """Write the list of the classes, as labelme's own exporters want it."""
        names = (IGNORE, BACKGROUND_NAME, *self._classes.listed)
        (self._root / _LABELS).write_text("".join(f"{name}\n" for name in names), "utf-8", newline="\n")


def _shape(area: Area, label: str, group: int | None) -> dict[str, Any]:
    return {
        "label": label,
        "points": (drawable(pixel_outline(area)) + IN_PIXEL).tolist(),
        "group_id": group,
        "description": "",
        "shape_type": "polygon",
        "flags": {},
        "mask": None,
    }


class LabelmeReader(ObjectReader):
    """Polygons, rectangles, circles and masks, each over those before it, covering what labelme says."""

    name = LabelmeWriter.name
    title = LabelmeWriter.title

    @staticmethod
    def recognises(path: Path) -> bool:
        """See `Reader.recognises`."""
        return any(begins_with_keys(file, "shapes") for file in islice(_files(path), _LOOKED_AT))

    def __init__(self, path: Path, classes: ClassList | None) -> None:
        self._root, labels = path, path / _LABELS
        names = read_lines(labels) if labels.is_file() else []
        self.classes = class_list(name for name in names if name != IGNORE)

    def entries(self) -> Iterator[MaskEntry]:
        """See `Reader.entries`."""
        for file in _files(self._root):
            yield MaskEntry(file.relative_to(self._root).with_suffix("").as_posix())

    def load(self, entry: MaskEntry) -> tuple[Any, tuple[int, int] | None]:
        """See `ObjectReader.load`."""
        content = json.loads(read_annotations(self.file_of(entry)))
        size = content.get("imageHeight"), content.get("imageWidth")
        return content, None if None in size else size

    def paint(self, told: Any, painter: MaskPainter, shape: tuple[int, int], classes: ClassList) -> list[str]:
        """See `ObjectReader.paint`."""
        numbers: dict[Any, int] = {}
        for index, each in enumerate(told["shapes"]):
            label, group = str(each["label"]), each.get("group_id")
            number = numbers.setdefault(index if group is None else (label, group), len(numbers) + 1)
            painter.paint(_patch(each, shape), None if label == IGNORE else label, number)
        return [name for name, on in (told.get("flags") or {}).items() if on is True]

    def file_of(self, entry: MaskEntry) -> Path:
        """See `ObjectReader.file_of`."""
        return self._root / f"{entry.photo}.json"

    def damage(self, entry: MaskEntry, problem: Exception) -> str:
        """See `ObjectReader.damage`."""
        return translatable(
            "{path} is no file of labelme, or is damaged ({problem}); correct or remove it",
            path=self.file_of(entry),
            problem=problem,
        )


def _files(path: Path) -> Iterator[Path]:
    return files_below(path, {".json"})


def _patch(shape_: dict[str, Any], shape: tuple[int, int]) -> Patch:
    """Return the pixels of one of labelme's shapes, as labelme's exporters fill them."""
    kind = shape_.get("shape_type") or "polygon"
    points = finite(np.array(shape_["points"], np.float64).reshape(-1, 2))
    if kind == "mask":
        return _bitmap(shape_["mask"], points, shape)
    if kind == "circle":
        centre, edge = points
        radius = float(np.hypot(*(edge - centre)))
        if radius > _LARGEST:
            raise ValueError(f"a circle has a radius of {radius:.0f} pixels")
        canvas = Image.new("L", shape[::-1])
        ImageDraw.Draw(canvas).ellipse([*(centre - radius), *(centre + radius)], fill=1, outline=1)
        return Patch(0, 0, np.asarray(canvas).astype(np.bool_))
    if kind == "rectangle" and len(points) == 2:
        (x0, y0), (x1, y1) = points
        points = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    elif kind in ("point", "line", "linestrip", "points"):
        raise ValueError(f"a {kind} covers no pixels")
    if len(points) < 3:
        raise ValueError(f"a {kind} has too few points")
    return fill_pixels(points, shape)


def _bitmap(text: str, points: NDArray[np.float64], shape: tuple[int, int]) -> Patch:
    """Return a bitmap in its place, from the upper left pixel to the lower right one."""
    (x0, y0), (x1, y1) = points.astype(int).tolist()
    try:
        with Image.open(io.BytesIO(base64.b64decode(text)), formats=["PNG"]) as image:
            if (
                image.size != (x1 - x0 + 1, y1 - y0 + 1)
                or min(x0, y0) < 0
                or y1 >= shape[0]
                or x1 >= shape[1]
            ):
                raise ValueError("a bitmap is not of the size of its box")
            return Patch(y0, x0, np.asarray(image) > 0)
    except (OSError, SyntaxError) as error:
        raise ValueError("a bitmap is damaged") from error
