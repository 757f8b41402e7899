"""The files in which tools list classes: names, their numbers and colours in masks."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from trainer.data.files import read_text
from trainer.data.palette import colour_of
from trainer.errors import DataError

Colour = tuple[int, int, int]

CLASS_FILES = ("labelmap.txt", "classes.txt", "class_names.txt", "label_colors.txt", "class_dict.csv")
"""Where a data set lists its classes, by CVAT, this program, labelme, CamVid and Kaggle; the first counts."""

_LABELMAP = re.compile(r"(?P<name>[^:]+):(?P<colour>\d+,\d+,\d+)?(:[^:]*){0,2}")
_COLOUR_FIRST = re.compile(r"(?P<colour>\d+[\s,]+\d+[\s,]+\d+)[\s,]+(?P<name>\D.*)")
_COLOUR_LAST = re.compile(r"(?P<name>[^,\t]*[^,\t\d\s])[\s,]+(?P<colour>\d+[\s,]+\d+[\s,]+\d+)")
_NUMBERED = re.compile(r"(?P<value>\d+)\s*[:,;=\s]\s*(?P<name>\D.*)")
_FORMS = (_LABELMAP, _COLOUR_FIRST, _COLOUR_LAST, _NUMBERED)
_ITEM = re.compile(r"item\s*\{(?P<body>[^}]*)\}")
_HEADS = {"name", "class", "label", "class name", "pixel value", "id", "index"}
_VOID_COLOUR = colour_of(255)
VOID_NAMES = ("ignored", "void", "ignore")
"""What tools call undecided pixels."""


class ClassEntry(NamedTuple):
    """One class as a file lists it: line (from 1), name, and where told its value and colour in masks, and
    whether it is stuff, which has no separate objects.
    """

    line: int
    name: str
    value: int | None = None
    colour: Colour | None = None
    kind: Literal["class", "background", "void"] = "class"
    stuff: bool | None = None


def read_entries(path: Path) -> list[ClassEntry]:
    """Read a list of classes, with background and void, by any of the names they go by, if it has them.

    One name a line (blank lines and comments are passed over); CVAT's ``name:r,g,b:parts:actions``; names
    with three numbers of a colour before or behind them; numbered names; JSON, as a list of names or an
    object from name to number or colour, or the other way round, or COCO's categories; TensorFlow's
    ``item { id: 1 name: 'cat' }``. A table may have a head. Raises `DataError` naming the file.
    """
    entries = _entries(path)
    # A class may be called "ignored" where another line has the colour of VOC's void.
    coloured = any(entry.colour == _VOID_COLOUR for entry in entries)
    return [entry._replace(kind=_kind(entry, coloured)) for entry in entries]


def _kind(entry: ClassEntry, coloured: bool) -> Literal["class", "background", "void"]:
    name = entry.name.strip("_ ").casefold()
    if name == "background":
        return "background"
    is_void = entry.colour == _VOID_COLOUR if coloured else name in VOID_NAMES
    return "void" if is_void else "class"


def to_hex(colour: Colour) -> str:
    """Return a colour as ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def from_hex(text: str) -> Colour | None:
    """Return the colour of ``#rrggbb``; None where it is no such text."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        return None
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def _entries(path: Path) -> list[ClassEntry]:
    text = read_text(path, "the class list")
    if text.lstrip().startswith(("{", "[")) and path.suffix.lower() != ".txt":
        return list(_of_json(path, text))
    if items := list(_ITEM.finditer(text)):
        return [_of_item(text, item) for item in items]
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if lines and _is_head(lines[0][1]):
        lines = lines[1:]
    # A form counts where all lines have it: "3 door car" is a name among others.
    for form in _FORMS:
        found = [(number, form.fullmatch(line)) for number, line in lines]
        if not (lines and all(match for _, match in found)):
            continue
        entries = [_entry(number, match.groupdict()) for number, match in found if match]
        # "1 euro" and "2 euro" are names, not numbers of one class.
        if form is not _NUMBERED or (_differ(e.name for e in entries) and _differ(e.value for e in entries)):
            return entries
    return [ClassEntry(number, line) for number, line in lines]


def _entry(line: int, parts: dict[str, str | None]) -> ClassEntry:
    value, name = parts.get("value"), (parts["name"] or "").strip().strip("\"'")
    return ClassEntry(line, name, None if value is None else int(value), _colour(parts.get("colour")))


def _differ(values: Iterable[object]) -> bool:
    listed = list(values)
    return len(set(listed)) == len(listed)


def _colour(text: str | None) -> Colour | None:
    if not text:
        return None
    red, green, blue = (int(part) for part in re.split(r"[\s,]+", text.strip()))
    return red, green, blue


def _is_head(line: str) -> bool:
    cells = [cell.strip().casefold() for cell in next(csv.reader([line]), [])]
    return len(cells) > 1 and bool(set(cells) & _HEADS)


def _of_item(text: str, item: re.Match[str]) -> ClassEntry:
    body = item["body"]
    name = re.search(r"(?:display_)?name\s*:\s*[\"']([^\"']*)", body)
    value = re.search(r"\bid\s*:\s*(\d+)", body)
    line = text.count("\n", 0, item.start()) + 1
    return ClassEntry(line, name[1] if name else "", int(value[1]) if value else None)


def _of_category(number: int, category: dict[str, Any]) -> ClassEntry:
    """One of COCO's categories, those of its panoptic task with colour and kind, or of CVAT's labels."""
    value, colour, is_thing = category.get("id"), category.get("color"), category.get("isthing")
    if isinstance(colour, list) and len(colour) == 3 and all(part in range(256) for part in colour):
        colour = to_hex((colour[0], colour[1], colour[2]))
    return ClassEntry(
        number,
        category["name"],
        value if isinstance(value, int) and value >= 0 else None,
        from_hex(colour) if isinstance(colour, str) else None,
        stuff=None if is_thing is None else not is_thing,
    )


def _of_json(path: Path, text: str) -> Iterator[ClassEntry]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no list of classes ({error}); give one name a line") from error
    pairs: Iterable[tuple[Any, Any]] = content.items() if isinstance(content, dict) else enumerate(content)
    for number, (key, value) in enumerate(pairs, start=1):
        if isinstance(content, list) and isinstance(value, str):
            yield ClassEntry(number, value)
        elif isinstance(content, list) and isinstance(value, dict) and isinstance(value.get("name"), str):
            yield _of_category(number, value)
        elif isinstance(value, str) and str(key).isdecimal():
            yield ClassEntry(number, value, int(key))
        elif isinstance(value, int) and not isinstance(value, bool) and isinstance(key, str) and value >= 0:
            yield ClassEntry(number, key, value)
        elif isinstance(value, list) and len(value) == 3 and all(isinstance(part, int) for part in value):
            yield ClassEntry(number, str(key), None, (value[0], value[1], value[2]))
        else:
            raise DataError(f"{path} is no list of classes (entry {number}); give one name a line")
