"""labelme: a JSON file of polygons beside each photo."""

from __future__ import annotations

import json
from pathlib import Path

from trainer.data.classes import VOID, ClassList
from trainer.data.formats.base import ExportEntry, Writer
from trainer.data.formats.outlines import areas_of, drawable, pixel_outline
from trainer.data.formats.photo import write_photo
from trainer.data.ids import file_under
from trainer.translatable import translatable

IGNORE, BACKGROUND_NAME = "__ignore__", "_background_"
"""labelme's own names of undecided pixels and of background, in its exporters to masks."""

_VERSION = "5.5.0"  # of labelme: the first ones to write files of this form
_LABELS = "labels.txt"


class LabelmeWriter(Writer):
    """A photo and its JSON side by side, a polygon for each connected area; ``labels.txt`` lists the classes.

    Polygons run through the outermost pixels and join holes to the outline, so that labelme itself makes the
    very same mask of them. Undecided areas are called `IGNORE`, tags are the flags of an image.
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
        shapes = [
            {
                "label": IGNORE if area.label == VOID else self._classes.name_of(area.label),
                # The middles of the pixels: labelme cuts off what is behind the point.
                "points": (drawable(pixel_outline(area)) + 0.5).tolist(),
                "group_id": None,
                "description": "",
                "shape_type": "polygon",
                "flags": {},
                "mask": None,
            }
            for area in areas_of(entry.mask, void=True)
        ]
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
        photo.with_name(f"{photo.name.removesuffix('.jpg')}.json").write_text(f"{text}\n", encoding="utf-8")

    def finish(self) -> None:
        """Write the list of the classes, as labelme's own exporters want it."""
        names = (IGNORE, BACKGROUND_NAME, *self._classes.names)
        (self._root / _LABELS).write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
