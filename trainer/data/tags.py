"""Image tags in a spread-sheet: ``tags.csv``."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from trainer.data.atomic import write_atomically
from trainer.data.classes import can_name_a_class
from trainer.data.files import read_text
from trainer.data.ids import composed
from trainer.errors import DataError

_DELIMITERS = (",", ";", "\t")


def read_tags_csv(
    path: Path,
    ids: Mapping[PurePosixPath, str],
    problems: list[str],
    places: dict[str, str] | None = None,
) -> dict[str, tuple[str, ...]]:
    """Read ``image,tags`` rows into the tags of each image id; images without a row are not in the result.

    The image is named by its id or by its path relative to the folder, with or without suffix. Tags are
    separated by ``;``, ``,`` or ``|`` where one occurs, so that names may hold spaces, else by spaces; cells
    by commas, semicolons or tabs. What is odd (rows of unknown images, repeated rows and tags, tags that can
    name no class) is appended to `problems`, with its line, and the rest is used. `places` gets the line of
    each image that is in the result.

    Raises `DataError` naming the file where it cannot be read or lacks the two columns.
    """
    by_name = {image_id: image_id for image_id in ids.values()}
    by_name |= {composed(str(file)): image_id for file, image_id in ids.items()}
    tags: dict[str, tuple[str, ...]] = {}
    for line, name, cell in _rows(path, problems):
        place = f"{path}, line {line}"
        name = re.sub(r"^(\./)+", "", name.replace("\\", "/"))
        image_id = by_name.get(composed(name)) or by_name.get(composed(name.rpartition("JPEGImages/")[2]))
        if image_id is None:
            problems.append(f"{place}: there is no image {name!r}; the row is left out")
            continue
        names = _split_tags(cell)
        good = [tag for tag in names if can_name_a_class(tag)]
        bad = [tag for tag in names if tag not in good]
        problems += [f"{place}: {tag!r} cannot name a class; it is left out" for tag in bad]
        if names and not good:  # what the image shows is not known then
            continue
        if image_id in tags:
            problems.append(f"{place}: {name!r} has a row already; the tags of both are used")
        elif len(set(good)) < len(good):
            problems.append(f"{place}: a tag of {name!r} is repeated; it counts once")
        if places is not None:
            places.setdefault(image_id, place)
        tags[image_id] = tuple(dict.fromkeys((*tags.get(image_id, ()), *good)))
    return tags


def write_tags_csv(path: Path, tags: Mapping[str, Iterable[str]]) -> None:
    """Write one row an image; `read_tags_csv` reads it back."""
    with write_atomically(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("image", "tags"))
        for name, names in tags.items():
            separator = ";" if any(" " in tag for tag in names) else " "
            writer.writerow((name, separator.join(names) + (";" if separator == ";" else "")))


def _rows(path: Path, problems: list[str]) -> list[tuple[int, str, str]]:
    """Return (line number, image, tags) of every row; one with more cells than the head is a problem."""
    text = read_text(path, "the list of tags")
    head, _, _ = text.partition("\n")
    delimiter = max(_DELIMITERS, key=head.count)
    rows = []
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True, delimiter=delimiter)
        columns = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
        if not {"image", "tags"} <= columns.keys():
            raise DataError(f"{path} must begin with the line 'image,tags'; add it")
        image, tags = columns["image"], columns["tags"]
        for row in reader:
            rows.append((reader.line_num, (row[image] or "").strip(), row[tags] or ""))
            if any(cell.strip() for cell in row.get(None, ())):
                problems.append(
                    f"{path}, line {reader.line_num}: there are more cells than columns, those are left "
                    "out; separate tags by spaces"
                )
    except csv.Error as error:
        raise DataError(f"cannot read {path} ({error}); save it as CSV in UTF-8") from error
    return rows


def _split_tags(cell: str) -> list[str]:
    parts = re.split(r"[;,|]", cell) if re.search(r"[;,|]", cell) else cell.split()
    return [part.strip() for part in parts if part.strip()]
