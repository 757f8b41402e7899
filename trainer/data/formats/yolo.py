"""YOLO segmentation: photos, beside them text files of polygons, and ``data.yaml`` with the classes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from trainer.data.classes import ClassList
from trainer.data.formats.base import ExportEntry, MaskEntry, Split, Writer
from trainer.data.formats.outlines import IN_PIXEL, drawable, fill_pixels, objects_in, pixel_outline
from trainer.data.formats.photo import write_photo
from trainer.data.formats.reading import (
    MaskPainter,
    ObjectReader,
    class_list,
    files_below,
    read_lines,
    split_called,
)
from trainer.data.ids import file_under
from trainer.translatable import translatable

_LIST, _NAMES = "data.yaml", "classes.txt"
_CUT = 0.02  # pixels that a point may lack because a program wrote few decimals
_ENTRY = re.compile(r"(?:(?P<number>\d+)\s*:|-)?\s*(?P<name>.*)", re.DOTALL)


class YoloWriter(Writer):
    """``images`` and ``labels`` by split, and ``data.yaml``; a line for each part of an object.

    A line is the number of the class, from 0, and a polygon in shares of width and height. It runs through
    the outermost pixels and joins holes to the outline, so that OpenCV, and hence Ultralytics or supervision,
    fill the very same pixels. Undecided pixels cannot be said in YOLO.
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
    keeps_joined = False

    def __init__(self, root: Path, classes: ClassList) -> None:
        self._root, self._classes = root, classes
        self._numbers = {id: number for number, id in enumerate(classes.ids)}  # without gaps
        self._splits: set[Split] = set()

    def add(self, entry: ExportEntry, class_ids: frozenset[int]) -> None:
        """Write a photo and its polygons."""
        write_photo(entry.image_path, file_under(self._root / "images" / entry.split, entry.id, ".jpg"))
        size = entry.mask.shape[::-1]
        lines = []
        parts = [part for each in objects_in(entry) for part in each.connected]
        for area in sorted(parts, key=lambda part: (part.label, part.first)):
            shares = (drawable(pixel_outline(area)) + IN_PIXEL) / size
            lines.append(
                f"{self._numbers[area.label]} {' '.join(f'{share:.6f}' for share in shares.ravel())}\n"
            )
        path = file_under(self._root / "labels" / entry.split, entry.id, ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines), "utf-8", newline="\n")
        self._splits.add(entry.split)

    def finish(self) -> None:
        """Write where the photos of each split are, and the names of the classes."""
        only = next(iter(self._splits))  # readers want both, also where there is one
        lines = [
            f"{split}: images/{split if split in self._splits else only}\n" for split in ("train", "val")
        ]
        lines.append("names:\n")
        # JSON's texts are YAML's, too.
        for id, number in self._numbers.items():
            name = json.dumps(self._classes.name_of(id), ensure_ascii=False)
            lines.append(f"  {number}: {name}\n")
        (self._root / _LIST).write_text("".join(lines), "utf-8", newline="\n")


class YoloReader(ObjectReader):
    """Polygons, each over those before it, filled as Ultralytics fills them.

    ``labels`` lie in the folder or in one of each split. The classes are those of ``data.yaml``, else of
    ``classes.txt``.
    """

    name = YoloWriter.name
    title = YoloWriter.title

    @staticmethod
    def recognises(path: Path) -> bool:
        """See `Reader.recognises`."""
        return any(next(files_below(folder, {".txt"}), None) for folder in _label_folders(path))

    def __init__(self, path: Path, classes: ClassList | None) -> None:
        self._files = {
            _entry(path, file): file
            for folder in _label_folders(path)
            for file in files_below(folder, {".txt"})
        }
        self._names = dict(enumerate(classes.names)) if classes else _names(path)
        self.classes = classes or class_list(self._names[number] for number in sorted(self._names))

    def entries(self) -> Iterator[MaskEntry]:
        """See `Reader.entries`."""
        return iter(self._files)

    def load(self, entry: MaskEntry) -> tuple[Any, tuple[int, int] | None]:
        """See `ObjectReader.load`."""
        return read_lines(self._files[entry]), None

    def paint(self, told: Any, painter: MaskPainter, shape: tuple[int, int], classes: ClassList) -> list[str]:
        """See `ObjectReader.paint`."""
        names = self._names or dict(enumerate(classes.names))
        for index, line in enumerate(told, start=1):
            number, *shares = line.split()
            if len(shares) < 6 or len(shares) % 2:
                raise ValueError(f"{line[:40]!r} is no polygon")
            if int(number) not in names:
                raise ValueError(f"no name is given for the class {number}")
            points = np.array(shares, np.float64).reshape(-1, 2) * shape[::-1] + _CUT
            painter.paint(fill_pixels(points, shape), names[int(number)], index)
        return []

    def file_of(self, entry: MaskEntry) -> Path:
        """See `ObjectReader.file_of`."""
        return self._files[entry]

    def damage(self, entry: MaskEntry, problem: Exception) -> str:
        """See `ObjectReader.damage`."""
        return translatable(
            "{path} cannot be read ({problem}); correct or remove it",
            path=self.file_of(entry),
            problem=problem,
        )


def _entry(root: Path, file: Path) -> MaskEntry:
    """Return what a file of labels belongs to: photos lie in ``images`` as their labels do in ``labels``."""
    *folders, name = file.relative_to(root).with_suffix("").parts
    place = len(folders) - 1 - folders[::-1].index("labels")
    split = next((split for split in map(split_called, folders) if split), None)
    return MaskEntry("/".join([*folders[:place], "images", *folders[place + 1 :], name]), split)


def _label_folders(path: Path) -> list[Path]:
    return [folder for folder in (path / "labels", *sorted(path.glob("*/labels"))) if folder.is_dir()]


def _names(path: Path) -> dict[int, str]:
    """Return the names of classes by number: of the first YAML file that has some, else of the text file."""
    for file in (path / _LIST, *sorted(path.glob("*.y*ml"))):
        if file.is_file() and (names := _yaml_names(read_lines(file))):
            return names
    if (path / _NAMES).is_file():
        return dict(enumerate(read_lines(path / _NAMES)))
    return {}


def _yaml_names(lines: list[str]) -> dict[int, str]:
    """Return the entry ``names`` of a YAML file: a list or table, in one line or with one name a line."""
    text = "\n".join(lines)
    if inline := re.search(r"^names\s*:\s*[\[{]([^\]}]*)[\]}]", text, re.MULTILINE):
        entries = [part.strip() for part in inline[1].split(",") if part.strip()]
    else:
        block = re.search(r"^names\s*:\n((?:(?:-|\d+\s*:).*\n?)+)", text, re.MULTILINE)
        entries = block[1].splitlines() if block else []
    names: dict[int, str] = {}
    for entry in entries:
        parts = _ENTRY.fullmatch(entry)
        assert parts is not None  # any text is a name
        names[int(parts["number"] or len(names))] = parts["name"].strip("'\"")
    return names
