"""A data set on disk: its images, and what is known about them."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from trainer.data.classes import ClassList, can_name_a_class
from trainer.data.formats import voc
from trainer.data.ids import assign_ids, file_under
from trainer.data.images import IMAGE_SUFFIXES, image_size
from trainer.data.layouts import unread
from trainer.data.masks import MASK_FOLDER, mask_file
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
    path: Path,
    split: str = "train",
    classes: ClassList | None = None,
    known: Collection[Path] = (),
) -> Source:
    """Open a VOC tree, a folder with ``tags.csv``, or a plain folder (tags None, nested folders allowed).

    `split` chooses images of a VOC tree ("all" for every one) and means nothing elsewhere. An image that no
    list names has the tags of its annotation (XML in ``Annotations`` or beside it). The class list is the one
    given, else that of the folder, else VOC's 20 where they cover all tags, else the sorted tags. Only the
    headers of the images are read: files that are not images become problems, a truncated one raises
    `DataError` when it is loaded. Images with `known` paths are skipped without being read.

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
    if not (images or known):
        problems += unread(root, ())
        if problems:
            raise DataError(
                translatable(
                    "none of the images in {path} can be used: {problem}", path=path, problem=problems[0]
                )
            )
        kinds = ", ".join(sorted(IMAGE_SUFFIXES))
        raise DataError(
            translatable(
                "{path} holds no images; give a folder with files of the kinds {kinds}",
                path=path,
                kinds=kinds,
            )
        )

    places: dict[str, str] = {}
    tags = _tags(root, split, ids, images, problems, places)
    tags, classes = _with_classes(tags, classes or ClassList.of_folder(root), problems, places)
    truths = _truths(root, images)
    items = [Item(i, file, tags.get(i), truths.get(i)) for i, file in images.items()]
    if not known:
        problems += unread(root, (item.image_path for item in items if item.tags is None))
    return Source(root, classes, items, problems, split if is_tree else voc.ALL)


def listed_tags(
    root: Path, wanted: Collection[Path], classes: ClassList, problems: list[str]
) -> dict[Path, tuple[str, ...]]:
    """Return the tags that the lists of a data set give the `wanted` ones of its images; none is read."""
    base = image_folder(root)
    if not wanted or not (voc.is_voc(root) or (root / "tags.csv").is_file() or _annotations(wanted)):
        return {}
    ids = assign_ids(image_files(base))
    images = {image_id: base / file for file, image_id in ids.items() if base / file in wanted}
    places: dict[str, str] = {}
    tags = _tags(root, voc.ALL, ids, images, problems, places)
    tags, _ = _with_classes(tags, classes, problems, places)
    return {images[i]: names for i, names in tags.items()}


def image_folder(root: Path) -> Path:
    """Return where the images of a data set lie."""
    return root / "JPEGImages" if voc.is_voc(root) else root


def image_files(root: Path) -> list[PurePosixPath]:
    """List the image files below a folder, relative to it, in natural order (img2 before img10).

    Those in a folder ``masks`` beside ``images`` are none, nor is ``img_mask.png`` beside ``img.jpg``.
    """
    files: list[str] = []
    for folder, folders, names in os.walk(root):
        no_images = _NO_IMAGES | {"masks"} if "images" in folders else _NO_IMAGES
        folders[:] = [name for name in folders if name not in no_images and not name.startswith(".")]
        inside = "" if Path(folder) == root else f"{Path(folder).relative_to(root).as_posix()}/"
        files += (inside + name for name in names if _is_image_name(name) and not _is_mask(name, names))
    return [PurePosixPath(file) for file in sorted(files, key=natural_key)]


def _is_mask(name: str, beside: Collection[str]) -> bool:
    """Tell the masks that some tools put beside their photos."""
    stem, mark, _ = name.partition("_mask.png")
    return bool(mark) and any(f"{stem}{suffix}" in beside for suffix in (".jpg", ".jpeg", ".png", ".JPG"))


def _is_image_name(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(tuple(IMAGE_SUFFIXES))


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
    listed = voc.split_ids(root, split, problems)
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
    places: dict[str, str],
) -> Tags:
    """Tags of those of the `images` that have any; `ids` are of all images of the data set, by file.

    ``ImageSets/Main`` counts before annotations in XML, and those of a tree before ``tags.csv``. Where the
    tags of an image were found is added to `places`.
    """
    is_tree, table = voc.is_voc(root), root / "tags.csv"
    tags = voc.read_tags(root, split, problems) if is_tree else {}
    places |= dict.fromkeys(tags, str(root / "ImageSets" / "Main"))
    in_table = not tags and table.is_file()
    if in_table and not is_tree:
        tags = read_tags_csv(table, ids, problems, places)
    tags |= _annotated(root, {i: file for i, file in images.items() if i not in tags}, problems, places)
    if in_table and not tags:
        tags = read_tags_csv(table, ids, problems, places)
    tags = {image_id: names for image_id, names in tags.items() if image_id in images}
    return _usable(tags, problems, places)


def _annotated(root: Path, images: Mapping[str, Path], problems: list[str], places: dict[str, str]) -> Tags:
    """The tags of images that have an annotation in XML: in ``Annotations``, or beside the photo."""
    tags: Tags = {}
    folder, beside = root / "Annotations", _annotations(images.values())
    in_folder = folder.is_dir()
    for image_id, file in images.items():
        annotation = file_under(folder, image_id, ".xml") if in_folder else folder
        if not annotation.is_file():
            annotation = beside.get(file, folder)
        if annotation.is_file():
            try:
                tags[image_id] = voc.read_annotation_xml(annotation)
                places[image_id] = str(annotation)
            except DataError as error:
                problems.append(error_message(error))
    return tags


def _annotations(images: Collection[Path]) -> dict[Path, Path]:
    """The XML files beside images; each folder is listed once, for most have none and many images."""
    folders = {image.parent for image in images}
    found = {file.with_suffix(""): file for folder in folders for file in folder.glob("*.xml")}
    return (
        {image: found[stem] for image in images if (stem := image.with_suffix("")) in found} if found else {}
    )


def _usable(tags: Tags, problems: list[str], places: Mapping[str, str]) -> Tags:
    """Leave out tags that can name no class; of an image without any other, nothing is known then."""
    bad: dict[str, list[str]] = {}
    usable: Tags = {}
    for image_id, names in tags.items():
        good = tuple(name for name in names if can_name_a_class(name))
        for name in set(names) - set(good):
            bad.setdefault(name, []).append(image_id)
        if good or not names:
            usable[image_id] = good
    problems += [
        translatable(
            "{place}: the tag {name!r} cannot name a class and is left out of: {images}",
            place=places[images[0]],
            name=name,
            images=some_names(images),
        )
        for name, images in sorted(bad.items())
    ]
    return usable


def _with_classes(
    tags: Tags, classes: ClassList | None, problems: list[str], places: Mapping[str, str]
) -> tuple[Tags, ClassList]:
    """Return tags as the names of classes, and the class list: one that is told, else as `open_source` says.

    A tag that differs from a class in capitals alone is meant as that class.
    """
    counts = Counter(name for names in tags.values() for name in names)
    spellings: dict[str, str] = {}
    frequent = sorted(counts, key=lambda name: (-counts[name], name))
    for name in (*(classes or ClassList.voc()).names, *frequent):
        spellings.setdefault(name.casefold(), name)
    if classes is None:
        default = ClassList.voc()
        own = sorted({spellings[name.casefold()] for name in counts})
        classes = default if set(own) <= set(default.names) else ClassList(tuple(own))
    meant = {name: name if name in classes else spellings[name.casefold()] for name in counts}
    problems += [
        translatable("the tag {name!r} is taken for {meant!r}", name=name, meant=right)
        for name, right in sorted(meant.items())
        if name != right
    ]
    problems += _unknown_tags(tags, meant, classes, places)
    known: Tags = {}
    for image_id, names in tags.items():
        kept = tuple(dict.fromkeys(meant[name] for name in names if meant[name] in classes))
        if kept or not names:  # of tags that are all unknown nothing follows
            known[image_id] = kept
    return known, classes


def _unknown_tags(
    tags: Tags, meant: Mapping[str, str], classes: ClassList, places: Mapping[str, str]
) -> list[str]:
    users: dict[str, list[str]] = {}
    for image_id, names in tags.items():
        for name in names:
            if meant[name] not in classes:
                users.setdefault(name, []).append(image_id)
    return [
        translatable(
            "{place}: the tag {name!r} is not in the class list and is left out of: {images}",
            place=places[images[0]],
            name=name,
            images=some_names(images),
        )
        for name, images in users.items()
    ]


def _truths(root: Path, images: Collection[str]) -> dict[str, Path]:
    """The true masks of those of the images that have one."""
    folder = root / MASK_FOLDER
    files = {image_id: mask_file(folder, image_id) for image_id in images} if folder.is_dir() else {}
    return {image_id: file for image_id, file in files.items() if file.is_file()}


def some_names(names: Sequence[str], shown: int = 5) -> str:
    """Return the first few names, and how many more there are."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
