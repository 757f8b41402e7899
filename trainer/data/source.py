"""A data set on disk: its images, and what is known about them."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from trainer.data.classes import ClassList
from trainer.data.formats import voc
from trainer.data.ids import assign_ids, file_under
from trainer.data.images import IMAGE_SUFFIXES, image_size
from trainer.data.tags import read_tags_csv
from trainer.errors import DataError
from trainer.translatable import error_message, translatable

PROJECT_FOLDER = "affinity-project"
"""Folder beside the images that holds the project; never searched for images."""

Tags = dict[str, tuple[str, ...]]

_NO_IMAGES = {PROJECT_FOLDER, "SegmentationClass", "SegmentationObject", "stages", "__MACOSX"}


@dataclass(frozen=True)
class Item:
    """One image: tags are None where nobody tagged it, empty where it is known to show no class."""

    id: str
    image_path: Path
    tags: tuple[str, ...] | None
    truth_path: Path | None = None


@dataclass
class Source:
    """The images of a data set in a fixed order; `problems` are sentences on what was left out."""

    root: Path
    classes: ClassList
    items: list[Item]
    problems: list[str] = field(default_factory=list)
    split: str = voc.ALL


def open_source(
    path: Path, split: str = "train", classes: ClassList | None = None, known: Collection[Path] = ()
) -> Source:
    """Open a VOC tree, a folder with ``tags.csv``, or a plain folder (tags None, nested folders allowed).

    `split` chooses images of a VOC tree ("all" for every one) and means nothing elsewhere. The class list is
    the one given, else ``labelmap.txt`` or ``classes.txt`` of the folder, else VOC's 20 where they cover all
    tags, else the sorted tags. Only the headers of the images are read: files that are not images become
    problems, a truncated one raises `DataError` when it is loaded. Images with `known` paths are skipped
    without being read.

    Raises `DataError` where the folder does not exist, has no images, or has an unreadable list.
    """
    root = path.resolve()
    if not root.is_dir():
        raise DataError(
            translatable("{path} is not a folder; give the folder that holds the images", path=path)
        )
    problems: list[str] = []
    is_tree = voc.is_voc(root)
    base = image_folder(root)
    ids = assign_ids(image_files(base))
    files = {image_id: base / relative for relative, image_id in ids.items()}
    images = {image_id: file for image_id, file in files.items() if file not in known}
    if is_tree:
        images = _of_split(root, split, images, problems)
    images = _readable(images, problems)
    if not (images or known) and problems:
        raise DataError(
            translatable(
                "none of the images in {path} can be used: {problem}", path=path, problem=problems[0]
            )
        )
    if not (images or known):
        kinds = ", ".join(sorted(IMAGE_SUFFIXES))
        raise DataError(
            translatable(
                "{path} holds no images; give a folder with files of the kinds {kinds}",
                path=path,
                kinds=kinds,
            )
        )

    tags = _tags(root, split, ids, images, problems)
    classes = classes or ClassList.of_folder(root) or _classes_of_tags(tags)
    problems += _unknown_tags(tags, classes)
    items = [Item(i, file, _known(tags.get(i), classes), _truth(root, i)) for i, file in images.items()]
    return Source(root, classes, items, problems, split if is_tree else voc.ALL)


def listed_tags(
    root: Path, wanted: Collection[Path], classes: ClassList, problems: list[str]
) -> dict[Path, tuple[str, ...]]:
    """Return the tags that the lists of a data set give the `wanted` ones of its images; none is read."""
    base = image_folder(root)
    if not (wanted and (voc.is_voc(root) or (root / "tags.csv").is_file())):
        return {}
    ids = assign_ids(image_files(base))
    images = {image_id: base / file for file, image_id in ids.items() if base / file in wanted}
    tags = _tags(root, voc.ALL, ids, images, problems)
    problems += _unknown_tags(tags, classes)
    return {images[i]: names for i in tags if (names := _known(tags[i], classes)) is not None}


def image_folder(root: Path) -> Path:
    """Return where the images of a data set lie."""
    return root / "JPEGImages" if voc.is_voc(root) else root


def image_files(root: Path) -> list[PurePosixPath]:
    """List the image files below a folder, relative to it, in natural order (img2 before img10).

    Those in a folder ``masks`` beside ``images`` are none.
    """
    files: list[PurePosixPath] = []
    for folder, folders, names in os.walk(root):
        no_images = _NO_IMAGES | {"masks"} if "images" in folders else _NO_IMAGES
        folders[:] = [name for name in folders if name not in no_images and not name.startswith(".")]
        relative = PurePosixPath(Path(folder).relative_to(root).as_posix())
        files += (relative / name for name in names if _is_image_name(name))
    return sorted(files, key=lambda file: natural_key(str(file)))


def _is_image_name(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES


def natural_key(text: str) -> list[tuple[int, str]]:
    """Return what sorts names as people do: img2 before img10."""
    return [(int(digits or -1), other.casefold()) for digits, other in re.findall(r"(\d+)|(\D+)", text)]


def _readable(images: Mapping[str, Path], problems: list[str]) -> dict[str, Path]:
    """Keep the images whose header, and whose name, can be read."""
    good = {}
    for image_id, path in images.items():
        try:
            str(path).encode()
            image_size(path)
        except UnicodeEncodeError:
            problems.append(translatable("the name of {path!a} is not valid text; rename it", path=str(path)))
        except DataError as error:
            problems.append(error_message(error))
        else:
            good[image_id] = path
    return good


def _of_split(root: Path, split: str, images: dict[str, Path], problems: list[str]) -> dict[str, Path]:
    """Keep the images of a VOC split, in the order of its list."""
    listed = voc.split_ids(root, split)
    if listed is None:
        return images
    if missing := [image_id for image_id in listed if image_id not in images]:
        problems.append(f"the split {split!r} of {root} lists images without a file: {some_names(missing)}")
    return {image_id: images[image_id] for image_id in listed if image_id in images}


def _tags(
    root: Path,
    split: str,
    ids: Mapping[PurePosixPath, str],
    images: Mapping[str, Path],
    problems: list[str],
) -> Tags:
    """Tags of those of the `images` that have any; `ids` are of all images of the data set, by file."""
    tags = _voc_tags(root, split, images, problems) if voc.is_voc(root) else {}
    if not tags and (root / "tags.csv").is_file():
        tags = read_tags_csv(root / "tags.csv", ids, problems)
    return {image_id: names for image_id, names in tags.items() if image_id in images}


def _voc_tags(root: Path, split: str, images: Iterable[str], problems: list[str]) -> Tags:
    """Tags from ``ImageSets/Main``, and from the annotation of an image that is not listed there."""
    listed = voc.read_tags(root, split, problems)
    tags: Tags = {}
    for image_id in images:
        if image_id in listed:
            tags[image_id] = listed[image_id]
        elif (annotation := file_under(root / "Annotations", image_id, ".xml")).is_file():
            try:
                tags[image_id] = voc.read_annotation_xml(annotation)
            except DataError as error:
                problems.append(error_message(error))
    return tags


def _classes_of_tags(tags: Tags) -> ClassList:
    """VOC's 20 where they cover all tags, else the sorted tags."""
    seen = {name for names in tags.values() for name in names}
    default = ClassList.voc()
    return default if seen <= set(default.names) else ClassList(tuple(sorted(seen)))


def _known(tags: tuple[str, ...] | None, classes: ClassList) -> tuple[str, ...] | None:
    """The tags that are classes; None where there are none of those: what it shows is not known then."""
    known = tuple(name for name in tags or () if name in classes)
    return known if known or tags == () else None


def _unknown_tags(tags: Tags, classes: ClassList) -> list[str]:
    users: dict[str, list[str]] = {}
    for image_id, names in tags.items():
        for name in names:
            if name not in classes:
                users.setdefault(name, []).append(image_id)
    return [
        translatable(
            "the tag {name!r} is not in the class list and is left out of: {images}",
            name=name,
            images=some_names(images),
        )
        for name, images in users.items()
    ]


def _truth(root: Path, image_id: str) -> Path | None:
    path = file_under(root / "SegmentationClass", image_id, ".png")
    return path if path.is_file() else None


def some_names(names: Sequence[str], shown: int = 5) -> str:
    """Return the first few names, and how many more there are."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
