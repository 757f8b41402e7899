"""Reading PASCAL VOC trees: split lists, image tags from ``ImageSets/Main``, annotations in XML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse

from trainer.data.files import check_plain, read_text
from trainer.data.ids import checked_id
from trainer.data.images import IMAGE_SUFFIXES
from trainer.errors import DataError
from trainer.translatable import translatable

ALL = "all"
"""Name of the split that takes every image of a tree."""
_USUAL_SPLITS = {"train", "val", "trainval", "test"}


def is_voc(root: Path) -> bool:
    """Tell whether a folder is a VOC tree, that is, has ``JPEGImages``."""
    return (root / "JPEGImages").is_dir()


def split_ids(root: Path, split: str, problems: list[str]) -> list[str] | None:
    """Return the image ids of a split in its order; None for `ALL` and where the tree names no splits.

    Looks for ``<split>.txt`` in ``ImageSets/Segmentation``, then in ``ImageSets/Main``, then takes all ids
    that ``ImageSets/Main/*_<split>.txt`` list. Lists may give paths, and those of the masks behind them. A
    line that names no image is left out and named in `problems`. Raises `DataError` where the tree has other
    splits but not this one.
    """
    if split == ALL:
        return None
    for folder in ("Segmentation", "Main"):
        listing = root / "ImageSets" / folder / f"{split}.txt"
        if listing.is_file():
            found = (_checked(listing, number, line, problems) for number, line in _lines(listing))
            return list(dict.fromkeys(image_id for image_id in found if image_id is not None))
    if tags := read_tags(root, split, []):
        return list(tags)
    if others := sorted(_splits(root)):
        raise DataError(f"{root} has no split {split!r}; choose one of {', '.join(others)} or {ALL}")
    return None


def read_tags(root: Path, split: str, problems: list[str]) -> dict[str, tuple[str, ...]]:
    """Return the tags of each image that ``ImageSets/Main/<class>_<split>.txt`` lists.

    A line reads ``<id> 1``, ``-1`` or ``0``, with spaces or tabs and perhaps a plus; 0 ("difficult") counts
    as present, as objects do that an annotation calls difficult. Empty where there are no such files; `ALL`
    takes the files of every split. A file without any flag only looks like a class list by its name (a split
    ``train_small``, say): it is skipped. It, and each line without a flag among others that have one, is
    named in `problems`.
    """
    tags: dict[str, list[str]] = {}
    splits = _splits(root) | _USUAL_SPLITS
    for path in sorted((root / "ImageSets" / "Main").glob("*_*.txt")):
        its_split = max((it for it in splits if path.stem.endswith(f"_{it}")), key=len, default="")
        its_split = its_split or path.stem.rpartition("_")[2]
        name = path.stem.removesuffix(f"_{its_split}")
        if split not in (ALL, its_split) or not path.is_file():
            continue
        lines = list(_lines(path))
        if lines and not any(_flag(line) for _, line in lines):
            if path.stem not in splits:
                problems.append(
                    translatable("{path} gives no image a flag (1, 0 or -1) and is left out", path=path)
                )
            continue
        for number, line in lines:
            if (flag := _flag(line)) is None:
                problems.append(
                    translatable(
                        "{path}, line {line}: there must be an image name and 1, 0 or -1; "
                        "the line is left out",
                        path=path,
                        line=number,
                    )
                )
                continue
            image_id = _checked(path, number, line.rsplit(maxsplit=1)[0], problems)
            if image_id is None:
                continue
            of_image = tags.setdefault(image_id, [])
            if flag != "-1" and name not in of_image:
                of_image.append(name)
    return {image_id: tuple(names) for image_id, names in tags.items()}


def listed_id(text: str) -> str:
    """Return the id of the image that a line of a list names: by id, by file name, or by a path in the tree.

    Raises `DataError` where it is no safe name.
    """
    name = text.strip().replace("\\", "/")
    first = name.split()[0] if name else ""
    if Path(first).suffix.lower() in IMAGE_SUFFIXES and name != first:  # photo and mask, side by side
        name = first
    name = re.sub(r"^(\.?/)+", "", name)
    name = name.rpartition("JPEGImages/")[2]
    if Path(name).suffix.lower() in IMAGE_SUFFIXES:
        name = name[: -len(Path(name).suffix)]
    return checked_id(name)


def _checked(path: Path, number: int, text: str, problems: list[str]) -> str | None:
    """The id that a line names; None, and a problem, where it is none."""
    try:
        return listed_id(text)
    except DataError as error:
        problems.append(f"{path}, line {number}: {error}; the line is left out")
        return None


def _splits(root: Path) -> set[str]:
    """The splits that a tree has lists of; a list called ``<name>_train`` is more likely that of a class."""
    return {
        path.stem
        for folder in ("Segmentation", "Main")
        for path in (root / "ImageSets" / folder).glob("*.txt")
        if path.is_file()
        and not any(_flag(line) for _, line in _lines(path))
        and not (folder == "Main" and path.stem.endswith(tuple(f"_{split}" for split in _USUAL_SPLITS)))
    }


def read_annotation_xml(path: Path) -> tuple[str, ...]:
    """Return the class names of an annotation's objects, each once; `DataError` names a damaged file.

    Files that declare entities are refused.
    """
    try:
        check_plain(path)
        root = parse(path).getroot()
    except DefusedXmlException as error:
        raise DataError(f"{path} declares XML entities, which are refused; remove them") from error
    except (ParseError, OSError, ValueError, LookupError) as error:  # LookupError: an unknown encoding
        raise DataError(f"{path} is no valid XML ({error}); repair or remove it") from error
    names = ((entry.findtext("name") or "").strip() for entry in root.iter("object"))
    return tuple(dict.fromkeys(filter(None, names)))


def _flag(line: str) -> str | None:
    """The flag at the end of a line, without its plus; None where there is none."""
    parts = line.replace("\N{MINUS SIGN}", "-").split()
    flag = parts[-1].removeprefix("+") if len(parts) > 1 else ""
    return flag if flag in ("1", "0", "-1") else None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a list that are not blank, with their numbers from 1."""
    lines = enumerate(read_text(path, "the list").splitlines(), start=1)
    return ((number, line) for number, line in lines if line.strip())
