"""Reading PASCAL VOC trees: split lists, image tags from ``ImageSets/Main``, annotations in XML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse

from trainer.data.files import read_text
from trainer.data.ids import checked_id
from trainer.errors import DataError
from trainer.translatable import translatable

ALL = "all"
"""Name of the split that takes every image of a tree."""


def is_voc(root: Path) -> bool:
    """Tell whether a folder is a VOC tree, that is, has ``JPEGImages``."""
    return (root / "JPEGImages").is_dir()


def split_ids(root: Path, split: str) -> list[str] | None:
    """Return the image ids of a split in its order; None for `ALL` and where the tree names no splits.

    Looks for ``<split>.txt`` in ``ImageSets/Segmentation``, then in ``ImageSets/Main``, then takes all ids
    that ``ImageSets/Main/*_<split>.txt`` list. Raises `DataError` where the tree has other splits but not
    this one.
    """
    if split == ALL:
        return None
    for folder in ("Segmentation", "Main"):
        listing = root / "ImageSets" / folder / f"{split}.txt"
        if listing.is_file():
            return list(dict.fromkeys(checked_id(line.strip()) for line in _lines(listing)))
    if tags := read_tags(root, split, []):
        return list(tags)
    others = sorted({path.stem for path in (root / "ImageSets").glob("*/*.txt") if "_" not in path.stem})
    if others:
        raise DataError(f"{root} has no split {split!r}; choose one of {', '.join(others)} or {ALL}")
    return None


def read_tags(root: Path, split: str, problems: list[str]) -> dict[str, tuple[str, ...]]:
    """Return the tags of each image that ``ImageSets/Main/<class>_<split>.txt`` lists.

    A line reads ``<id> 1``, ``-1`` or ``0``; 0 ("difficult") counts as present, as objects do that an
    annotation calls difficult. Empty where there are no such files; `ALL` takes the files of every split. A
    file without any flag only looks like a class list by its name (a split ``train_small``, say): it is
    skipped and named in `problems`. Raises `DataError` for a line without a flag among others that have one.
    """
    tags: dict[str, list[str]] = {}
    for path in sorted((root / "ImageSets" / "Main").glob("*_*.txt")):
        name, _, its_split = path.stem.rpartition("_")
        if split not in (ALL, its_split):
            continue
        lines = list(_lines(path))
        if lines and not any(_has_flag(line) for line in lines):
            problems.append(
                translatable("{path} gives no image a flag (1, 0 or -1) and is left out", path=path)
            )
            continue
        for line in lines:
            image_id, present = _main_line(path, line)
            of_image = tags.setdefault(image_id, [])
            if present and name not in of_image:
                of_image.append(name)
    return {image_id: tuple(names) for image_id, names in tags.items()}


def read_annotation_xml(path: Path) -> tuple[str, ...]:
    """Return the class names of an annotation's objects, each once; `DataError` names a damaged file.

    Files that declare entities are refused.
    """
    try:
        root = parse(path).getroot()
    except DefusedXmlException as error:
        raise DataError(f"{path} declares XML entities, which are refused; remove them") from error
    except (ParseError, OSError, ValueError) as error:
        raise DataError(f"{path} is no valid XML ({error}); repair or remove it") from error
    names = ((entry.findtext("name") or "").strip() for entry in root.iter("object"))
    return tuple(dict.fromkeys(filter(None, names)))


def _has_flag(line: str) -> bool:
    image_id, _, flag = line.strip().rpartition(" ")
    return bool(image_id) and flag in ("1", "0", "-1")


def _main_line(path: Path, line: str) -> tuple[str, bool]:
    image_id, _, flag = line.strip().rpartition(" ")
    if not _has_flag(line):
        raise DataError(f"{path} has the line {line!r}; each must be an image name and 1, 0 or -1")
    return checked_id(image_id.strip()), flag != "-1"


def _lines(path: Path) -> Iterator[str]:
    return (line for line in read_text(path, "the list").splitlines() if line.strip())
