"""Exporting masks in any format, complete or not at all."""

from __future__ import annotations

import glob
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from trainer.data.atomic import unwritable
from trainer.data.classes import BACKGROUND, VOID, ClassList, labels_in
from trainer.data.export_files import place, place_whole, was_placed
from trainer.data.formats.base import ExportEntry, Writer
from trainer.data.formats.outlines import objects_in
from trainer.data.image_rows import Status
from trainer.data.images import image_size
from trainer.data.location import lies_in
from trainer.data.objects import objects_of
from trainer.data.project import Project, Target
from trainer.data.regions import SMALLEST_PART, remove_small_regions
from trainer.data.source import image_folder
from trainer.errors import Cancelled, DataError
from trainer.translatable import error_message, translatable

_PARTIAL = re.compile(r"\.(.*\.)?export\.[0-9a-f]{8}\.partial")
"""Folders of ours in which exports are prepared; no other program makes up such names."""


def check_destination(out: Path, photos: Path, force: bool = False) -> None:
    """Raise `DataError` where `out` holds anything but an earlier export; `force` allows other files.

    The folder `photos` is refused in any case: exported images there would be taken for new photos. Call this
    before long work, so that it does not fail at the end.
    """
    if lies_in(out, photos):
        raise DataError(
            translatable(
                "{out} lies among the photos that the masks are made for; choose another folder", out=out
            )
        )
    if out.exists() and not out.is_dir():
        raise DataError(translatable("{out} is a file; choose a folder", out=out))
    if force or not out.is_dir() or not any(out.iterdir()):
        return
    if not (was_placed(out) or _unfinished(out)):
        raise DataError(
            translatable(
                "{out} holds other files; choose an empty folder, or force the export into it", out=out
            )
        )


def _unfinished(folder: Path, begin: str = ".export.") -> list[Path]:
    """What exports left in a folder that were killed; the names of what they prepared `begin` so."""
    left = folder.glob(f"{glob.escape(begin)}*.partial")
    return [path for path in left if _PARTIAL.fullmatch(path.name) and path.is_dir()]


def _beside(out: Path) -> str:
    """How the names of folders begin in which an export to a new folder is prepared, beside it."""
    return f".{out.name[:50]}.export."


def write_data_set(
    writer: type[Writer],
    out: Path,
    entries: Iterable[ExportEntry],
    classes: ClassList,
    force: bool = False,
    progress: Callable[[str], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[str]:
    """Write images and masks to `out` in the format of `writer`; return warnings for the user.

    Entries are taken one by one, so a generator keeps the memory small; `progress` gets each id when it is
    done. Everything is written to a temporary folder and moved into place at the end: in one step where `out`
    is new, else files that refer to others last, so that an interrupted export has no index of its images.
    The same entries give the same bytes.

    Files in `out` that an earlier export did not write, or that were changed since, are kept (see `place`).
    If one of them is in the way, that is an error; with `force` it is replaced and named in the result. An
    image that cannot be read, or that differs in size from its mask, is left out and named in the result.

    `cancelled` is called before each image; if it returns True, `Cancelled` is raised and `out` is unchanged.

    Raises `DataError` for a label or tag outside the class list, a repeated id, an image that lies in `out`
    itself, nothing to export, or an `out` that cannot be written.
    """

    def check() -> None:
        if cancelled():
            raise Cancelled("the export was cancelled; nothing was written")

    is_new, mark = not out.exists(), f"{secrets.token_hex(4)}.partial"
    partial = out.with_name(f"{_beside(out)}{mark}") if is_new else out / f".export.{mark}"
    try:
        for left in (*_unfinished(out), *_unfinished(out.parent, _beside(out))):
            shutil.rmtree(left, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            problems = _write_entries(
                writer(partial, classes), entries, classes, out, progress or (lambda image_id: None), check
            )
            if is_new:
                place_whole(partial, out, check)
                replaced = []
            else:
                replaced = place(partial, out, writer.last, force, check)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise DataError(unwritable(out, error)) from error
    if replaced:
        problems.append(
            translatable(
                "replaced in {out}, although no earlier export wrote them: {files}",
                out=out,
                files=", ".join(replaced),
            )
        )
    return problems


def _write_entries(
    writer: Writer,
    entries: Iterable[ExportEntry],
    classes: ClassList,
    out: Path,
    progress: Callable[[str], None],
    check: Callable[[], None],
) -> list[str]:
    taken: set[str] = set()
    problems: list[str] = []
    undecided = split = uncounted = 0
    photos = out / writer.photo_folder
    written = 0
    for entry in entries:
        check()
        if entry.id.casefold() in taken:
            raise DataError(f"two images to export are called {entry.id!r}; rename one")
        taken.add(entry.id.casefold())
        class_ids = _class_ids(entry, classes)
        if lies_in(entry.image_path, photos):
            raise DataError(f"{entry.image_path} lies where the export would go; choose another folder")
        try:
            if image_size(entry.image_path) != entry.mask.shape:
                raise DataError(
                    translatable(
                        "{path} differs in size from its mask and is left out; propose again",
                        path=entry.image_path,
                    )
                )
            writer.add(entry, class_ids)
        except DataError as error:
            problems.append(error_message(error))
            continue
        written += 1
        undecided += not writer.keeps_void and bool((entry.mask == VOID).any())
        if entry.objects is not None:
            split += not writer.keeps_joined and _has_joined(entry, classes)
            uncounted += len(entry.objects.labels) > (writer.most_objects or len(entry.objects.labels))
        progress(entry.id)
    if not written:
        nothing = translatable("there is nothing to export: accept a mask first")
        raise DataError("; ".join([nothing, *problems]) if problems else nothing)
    writer.finish()
    if split:
        problems.append(
            translatable(
                "this format knows no objects of several parts; each part is an object now in {count} images",
                count=split,
            )
        )
    if uncounted:
        problems.append(
            translatable(
                "this format tells at most {most} objects of an image apart; of {count} images with more "
                "only the classes are written",
                most=writer.most_objects,
                count=uncounted,
            )
        )
    if undecided:
        problems.append(
            translatable(
                "this format knows no undecided pixels; they are background now in {count} images",
                count=undecided,
            )
        )
    return problems


def _has_joined(entry: ExportEntry, classes: ClassList) -> bool:
    """Tell whether an object of an image has several parts."""
    return any(len(each.connected) > 1 for each in objects_in(entry) if each.label not in classes.stuff)


def _class_ids(entry: ExportEntry, classes: ClassList) -> frozenset[int]:
    """Return the class ids of tags and mask together; an unknown label is an error, never background."""
    labels = set(labels_in(entry.mask)) - {BACKGROUND, VOID}
    if unknown := sorted(labels - set(classes.ids)):
        raise DataError(
            f"the mask of {entry.id!r} has the label {unknown[0]}, which is no class; add the class"
        )
    return frozenset(labels | {classes.id_of(tag) for tag in entry.tags or ()})


def export_project(
    project: Project,
    writer: type[Writer],
    out: Path,
    accepted_only: bool = True,
    force: bool = False,
    progress: Callable[[str], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[str]:
    """Write a project's masks (see `write_data_set`); return sentences on what was left out or replaced.

    Accepted masks are exported, and unless `accepted_only` every proposal too, with the strokes over it.
    Raises `DataError` where `out` holds other files, unless `force` is given (they are kept in any case), or
    where `out` lies among the photos.
    """
    check_destination(out, image_folder(project.root), force)
    left_out: list[str] = []
    entries = project_entries(project, accepted_only, left_out)
    try:
        problems = write_data_set(writer, out, entries, project.classes, force, progress, cancelled)
    except DataError as error:
        if left_out:
            raise DataError("; ".join([error_message(error), *left_out])) from error
        raise
    return problems + left_out


def project_entries(project: Project, accepted_only: bool, left_out: list[str]) -> Iterator[ExportEntry]:
    """Read the images to export one by one, so that the masks of a large project need no memory.

    Specks below the smallest part that the project allows join what surrounds them, as they do in proposals:
    masks, boxes and objects have none. What a person painted stays, here or where a mask was imported from,
    however small. Images whose photo is gone, or is another one by now, are `left_out` with a sentence.
    """
    smallest = float(project.setting("method", {}).get("smallest_part", SMALLEST_PART))
    for record in project.images():
        accepted = record.status is Status.ACCEPTED
        if accepted_only and not accepted:
            continue
        mask = project.current_mask(record.id)
        # All background of an image that nobody has tagged says nothing.
        if mask is not None and (accepted or record.tagged or mask.any()):
            meant = project.painted(record.id, mask.shape)
            imported = project.imported_mask(record.id)
            if imported is not None and imported.shape == mask.shape:
                meant |= imported == mask
            tidy = remove_small_regions(mask, smallest, meant)
            tags = record.tags if accepted or record.tagged else None
            try:
                photo = project.photo(record.id)
            except DataError as error:
                left_out.append(error_message(error))
            else:
                marks = project.layer(record.id, Target.OBJECTS, tidy.shape)
                objects = objects_of(tidy, marks, project.classes.stuff)
                yield ExportEntry(record.id, photo, tidy, tags, record.split or "train", objects)
