"""Writing label maps as a PASCAL VOC tree, complete or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from trainer.data.atomic import unwritable
from trainer.data.classes import BACKGROUND, VOID, ClassList, labels_in
from trainer.data.export_files import place, was_placed
from trainer.data.ids import file_under
from trainer.data.image_rows import Split
from trainer.data.images import image_size, is_upright_jpeg, load_image, palette_image
from trainer.data.palette import colour_of
from trainer.errors import Cancelled, DataError
from trainer.translatable import error_message, translatable

JPEG_QUALITY = 95
_MARK = "# Exported by Affinity Annotator"
_PARTIAL = ".export.partial"
_LABELMAP = "labelmap.txt"
_LAST = ("ImageSets", _LABELMAP)  # who finds an image in a list shall find its files


@dataclass(frozen=True, eq=False)
class VocEntry:
    """One image to export: mask (H, W), uint8, and tags, to which the classes of the mask are added."""

    id: str
    image_path: Path
    mask: NDArray[np.uint8]
    tags: tuple[str, ...] = ()
    split: Split = "train"


def check_destination(out: Path, photos: Path, force: bool = False) -> None:
    """Raise `DataError` where `out` holds something else than a former export; `force` allows anything.

    Anything but the folder `photos`, where what is written would be taken for more photos the next time. To
    be asked before long work, so that it does not end in a refusal.
    """
    if out.resolve().is_relative_to(photos.resolve()):
        raise DataError(
            translatable(
                "{out} lies among the photos that the masks are made for; choose another folder", out=out
            )
        )
    if out.exists() and not out.is_dir():
        raise DataError(translatable("{out} is a file; choose a folder", out=out))
    if force or not out.is_dir() or not any(out.iterdir()):
        return
    labelmap = out / _LABELMAP
    former = labelmap.is_file() and labelmap.read_text(encoding="utf-8", errors="replace").startswith(_MARK)
    if not (former or was_placed(out) or (out / _PARTIAL).is_dir()):
        raise DataError(
            translatable(
                "{out} holds other files; choose an empty folder, or force the export into it", out=out
            )
        )


def write_voc(
    out: Path,
    entries: Iterable[VocEntry],
    classes: ClassList,
    force: bool = False,
    progress: Callable[[str], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[str]:
    """Write images, masks, annotations, lists and ``labelmap.txt`` to `out`; return what a person must know.

    Entries are taken one by one, so a generator keeps the memory small; `progress` gets each id when it is
    done. Upright JPEGs are copied byte for byte, all others become upright JPEGs. Everything is written
    beside its final place and moved there at the end, ``labelmap.txt`` last: an interrupted export has
    none. The same entries give the same bytes.

    Files in `out` that a former call did not write, or that were changed since, stay (see `place`); where
    one has the name of a file to be written, that is an error, or with `force` it is replaced and named in
    the result. So is an image that cannot be read or whose size is not its mask's, which is left out.

    `cancelled` is asked before each image; where it says yes, `Cancelled` is raised and `out` is as it was.

    Raises `DataError` for a label or tag outside the class list, a repeated id, an image that lies in `out`
    itself, nothing to export, or an `out` that cannot be written.
    """

    def check() -> None:
        if cancelled():
            raise Cancelled("the export was cancelled; nothing was written")

    partial = out / _PARTIAL
    is_new = not out.exists()
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            problems = _write_tree(partial, entries, classes, progress or (lambda image_id: None), check)
            replaced = place(partial, out, _LAST, force, check)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            if is_new:
                with suppress(OSError):
                    out.rmdir()  # which only succeeds where nothing came of the export
    except OSError as error:
        raise DataError(unwritable(out, error)) from error
    if replaced:
        problems.append(
            translatable(
                "replaced in {out}, though not of a former export: {files}",
                out=out,
                files=", ".join(replaced),
            )
        )
    return problems


def _write_tree(
    root: Path,
    entries: Iterable[VocEntry],
    classes: ClassList,
    progress: Callable[[str], None],
    check: Callable[[], None],
) -> list[str]:
    tags: dict[str, frozenset[int]] = {}
    taken: set[str] = set()
    splits: dict[str, list[str]] = {"train": [], "val": [], "trainval": []}
    problems: list[str] = []
    photos = (root.parent / "JPEGImages").resolve()
    for entry in entries:
        check()
        if entry.id.casefold() in taken:
            raise DataError(f"two images to export are called {entry.id!r}; rename one")
        taken.add(entry.id.casefold())
        shown = _ids_shown(entry, classes)
        if entry.image_path.resolve().is_relative_to(photos):
            raise DataError(f"{entry.image_path} lies where the export would go; choose another folder")
        try:
            if image_size(entry.image_path) != entry.mask.shape:
                raise DataError(
                    translatable(
                        "{path} has not the size of its mask and is left out; propose again",
                        path=entry.image_path,
                    )
                )
            _write_image(root, entry)
        except DataError as error:
            problems.append(error_message(error))
            continue
        _save(palette_image(entry.mask), file_under(root / "SegmentationClass", entry.id, ".png"), "PNG")
        _write_annotation(file_under(root / "Annotations", entry.id, ".xml"), entry, classes)
        tags[entry.id] = shown
        splits[entry.split].append(entry.id)
        splits["trainval"].append(entry.id)
        progress(entry.id)
    if not tags:
        nothing = translatable("there is nothing to export: accept a mask first")
        raise DataError("; ".join([nothing, *problems]) if problems else nothing)
    for split, ids in splits.items():
        _write_lists(root / "ImageSets", split, sorted(ids), tags, classes)
    (root / _LABELMAP).write_text(_labelmap(classes), encoding="utf-8")
    return problems


def _ids_shown(entry: VocEntry, classes: ClassList) -> frozenset[int]:
    """Return the class ids of tags and mask together; an unknown one is an error, never background."""
    labels = set(labels_in(entry.mask)) - {BACKGROUND, VOID}
    if unknown := sorted(labels - set(classes.ids)):
        raise DataError(
            f"the mask of {entry.id!r} has the label {unknown[0]}, which is no class; add the class"
        )
    return frozenset(labels | {classes.id_of(tag) for tag in entry.tags})


def _write_image(root: Path, entry: VocEntry) -> None:
    path = file_under(root / "JPEGImages", entry.id, ".jpg")
    path.parent.mkdir(parents=True, exist_ok=True)
    if is_upright_jpeg(entry.image_path):
        shutil.copyfile(entry.image_path, path)
    else:
        photo = Image.fromarray(load_image(entry.image_path))
        _save(photo, path, "JPEG", quality=JPEG_QUALITY, subsampling="4:4:4")


def _save(image: Image.Image, path: Path, kind: str, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, kind, **options)


def _write_annotation(path: Path, entry: VocEntry, classes: ClassList) -> None:
    """Write one object for each connected area of a class; boxes are 1-based, both ends included."""
    height, width = entry.mask.shape
    root = ElementTree.Element("annotation")
    _fill(root, folder="VOC", filename=f"{entry.id}.jpg")
    _fill(ElementTree.SubElement(root, "size"), width=width, height=height, depth=3)
    _fill(root, segmented=1)
    for class_id in labels_in(entry.mask):
        if class_id in (BACKGROUND, VOID):
            continue
        areas, _ = ndimage.label(entry.mask == class_id, structure=np.ones((3, 3)))
        for rows, columns in ndimage.find_objects(areas):
            y0, y1, x0, x1 = rows.start, rows.stop, columns.start, columns.stop
            at_border = y0 == 0 or x0 == 0 or y1 == height or x1 == width
            found = ElementTree.SubElement(root, "object")
            _fill(
                found,
                name=classes.name_of(class_id),
                pose="Unspecified",
                truncated=int(at_border),
                difficult=0,
            )
            _fill(ElementTree.SubElement(found, "bndbox"), xmin=x0 + 1, ymin=y0 + 1, xmax=x1, ymax=y1)
    ElementTree.indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ElementTree.tostring(root, encoding="unicode") + "\n", encoding="utf-8")


def _fill(parent: ElementTree.Element, **values: object) -> None:
    for name, value in values.items():
        ElementTree.SubElement(parent, name).text = str(value)


def _write_lists(
    folder: Path, split: str, ids: list[str], tags: dict[str, frozenset[int]], classes: ClassList
) -> None:
    lists = {f"Segmentation/{split}": ids, f"Main/{split}": ids}
    for class_id in classes.ids:
        flags = [f"{image_id} {1 if class_id in tags[image_id] else -1:2d}" for image_id in ids]
        lists[f"Main/{classes.name_of(class_id)}_{split}"] = flags
    for name, lines in lists.items():
        path = folder / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _labelmap(classes: ClassList) -> str:
    """Return the class list in the form that CVAT reads: ``name:red,green,blue:parts:actions``."""
    lines = [_MARK, "# label:color_rgb:parts:actions"]
    for label in (BACKGROUND, *classes.ids):
        lines.append(f"{classes.name_of(label)}:{','.join(map(str, colour_of(label)))}::")
    return "\n".join(lines) + "\n"
