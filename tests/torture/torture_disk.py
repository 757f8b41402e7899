"""A disk that is full, and one that cannot be written: a small file system, where one can be made.

What is refused is said in a sentence, what was told to be saved is there, nothing is left in part, and the
work goes on as soon as there is room.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import numpy as np

from tests.torture.killing import problems_of_file
from tests.torture.scenario import NAMES, SHAPE, files_below, mask, write_photos
from trainer.data.atomic import write_atomically
from trainer.data.backup import back_up
from trainer.data.export import export_project
from trainer.data.formats.registry import WRITERS, open_masks
from trainer.data.images import save_mask
from trainer.data.import_masks import import_masks
from trainer.data.project import Project, Target
from trainer.errors import DataError

MEGABYTES = 4
ROUNDS, SHORT_ROUNDS = 20, 2


def run(short: bool) -> dict:
    """Fill a small disk again and again; return figures."""
    figures: dict = {"rounds": 0, "saved": 0, "lost": 0, "refused with a sentence": 0, "problems": []}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "disk"
        place.mkdir()
        try:
            with mounted(place):
                for number in range(SHORT_ROUNDS if short else ROUNDS):
                    fill(place / f"round{number}", figures)
                read_only(place, Path(folder), figures)
        except NotMounted as reason:
            figures["skipped"] = str(reason)
    figures["problems"] = figures["problems"][:20]
    return figures


class NotMounted(Exception):
    """There is no small disk here: that takes Linux, and the rights of root."""


@contextmanager
def mounted(place: Path) -> Iterator[None]:
    """Have a small file system at `place`."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise NotMounted("a file system can be mounted on Linux, by root")
    size = f"size={MEGABYTES}m"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", place], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotMounted(done.stderr.strip() or "mount refused")
    try:
        yield
    finally:
        subprocess.run(["umount", place], check=True)


def fill(folder: Path, figures: dict) -> None:
    """Work on a project until the disk is full; look at what is there; make room, and work on."""
    figures["rounds"] += 1
    problems = figures["problems"]
    photos = write_photos(folder)
    masks = folder.parent / "masks"
    for name in NAMES:
        save_mask(masks / "SegmentationClass" / f"{name}.png", mask(8))
    project = Project.open_folder(photos)
    project.accept("d", mask(8))
    out, backup = folder.parent / "out", folder.parent / "backup.zip"
    export_project(project, WRITERS["voc"], out)
    whole = files_below(out)
    project.accept("d", mask(9))
    ballast = folder.parent / "ballast"
    rng = np.random.default_rng(figures["rounds"])
    layer = np.full(SHAPE, 255, np.uint8)
    saved = 0
    with ballast.open("wb") as stream, suppress(OSError):  # all but a little
        room = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
        stream.write(bytes(room - int(rng.integers(0, 160_000))))

    def strokes() -> None:
        nonlocal layer, saved
        for _ in range(10_000):
            after = rng.integers(0, 21, SHAPE, np.uint8)
            project.record_edit("a", Target.SEEDS, (0, 0, *SHAPE), layer, after, "brush")
            layer, saved = after, saved + 1

    refuses("a stroke", strokes, figures)
    with suppress(OSError), (folder.parent / "rest").open("wb") as stream:  # the last bytes
        while True:
            stream.write(bytes(4096))
            stream.flush()
    refuses("a backup", lambda: back_up(project, backup, photos=True), figures)
    refuses("an export", lambda: export_project(project, WRITERS["voc"], out), figures)
    refuses("an import", lambda: whole_import(project, masks), figures)
    refuses("a network", lambda: big_file(project.models_dir / "v1.safetensors"), figures)
    if files_below(out) != whole:
        problems.append("the export that was there is no longer what it was")
    if left := [*folder.parent.rglob("*.partial"), *folder.parent.glob("backup.zip")]:
        problems.append(f"left behind on the full disk: {left[0].name}")
    project.close()
    for name in ("ballast", "rest"):
        (folder.parent / name).unlink(missing_ok=True)
    with closing(Project.open(photos)) as again:
        if not np.array_equal(again.layer("a", Target.SEEDS, SHAPE), layer):
            figures["lost"] += 1
            problems.append(f"of {saved} strokes that were saved the last one is not there")
        again.record_edit("a", Target.SEEDS, (0, 0, *SHAPE), layer, mask(3), "brush")
        export_project(again, WRITERS["voc"], out)
        back_up(again, backup, photos=True)
    problems += problems_of_file(again.file)
    figures["saved"] += saved
    for path in (out, masks, folder, backup):
        subprocess.run(["rm", "-r", path], check=True)


def read_only(place: Path, elsewhere: Path, figures: dict) -> None:
    """A project on a disk that can no longer be written is looked at and exported, and stays as it is."""
    photos = write_photos(place / "photos")
    with closing(Project.open_folder(photos)) as project:
        project.accept("a", mask(8))
    before = files_below(photos)
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
    try:
        with closing(Project.open_folder(photos)) as project:
            if not project.read_only or "cannot be written" not in project.problems[0]:
                figures["problems"].append("nothing tells that the project cannot be written")
            project.accept("b", mask(8))
            export_project(project, WRITERS["voc"], elsewhere / "out")
        if len(list((elsewhere / "out/SegmentationClass").iterdir())) != 2:
            figures["problems"].append("the export from a disk that cannot be written is not whole")
        figures["read-only disk"] = "opened and exported"
    finally:
        subprocess.run(["mount", "-o", "remount,rw", place], check=True)
    if files_below(photos) != before:
        figures["problems"].append("the disk that cannot be written was written")


def refuses(what: str, act: Callable[[], object], figures: dict) -> None:
    """Note whether something is refused with one sentence."""
    try:
        act()
    except DataError as error:
        if len(str(error).splitlines()) == 1:
            figures["refused with a sentence"] += 1
        else:
            figures["problems"].append(f"{what}: it says more than a sentence: {error}")
    except Exception as error:
        figures["problems"].append(f"{what} ends with {type(error).__name__}: {error}")
    else:
        figures["problems"].append(f"{what} is not refused on a full disk")


def whole_import(project: Project, masks: Path) -> None:
    """Import masks; one that was not taken is an error."""
    result = import_masks(project, open_masks(masks))
    if not result.images:
        raise DataError("; ".join(result.problems) or "nothing was imported")


def big_file(path: Path) -> None:
    """Write what a network takes."""
    with write_atomically(path) as temporary:
        temporary.write_bytes(bytes(MEGABYTES << 20))
