"""Masks a second that an import takes, by format, and 10,000 of them on the desk, without a stall."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from tests.benchmarks.bench_desk import desk, promised, wait
from tests.benchmarks.harness import Result, in_new_process, photos
from tests.benchmarks.stalls import Stalls
from trainer.data.classes import ClassList
from trainer.data.export import write_data_set
from trainer.data.formats.base import ExportEntry
from trainer.data.formats.registry import WRITERS, open_masks
from trainer.data.import_masks import Imported, import_masks
from trainer.data.project import Project

CLASSES = ClassList(("cat", "dog", "cup"))
MASKS = 400
MANY = 10_000
PROMISED = 10_000 / 60


def entries(folder: Path) -> list[ExportEntry]:
    """Photos of 500×375, the same ones under many names, with masks of a few smooth objects."""
    random = np.random.default_rng(0)
    found = []
    for number, photo in enumerate(photos().values()):
        noise = gaussian_filter(random.random((4, *photo.shape[:2])), (0, 60, 60))
        mask = noise.argmax(axis=0).astype(np.uint8)
        first = folder / f"{number}.jpg"
        Image.fromarray(photo).save(first)
        found.append(ExportEntry(first.stem, first, mask))
    for number in range(len(found), MASKS):
        like = found[number % len(photos())]
        path = folder / f"{number}.jpg"
        shutil.copyfile(like.image_path, path)
        found.append(ExportEntry(path.stem, path, like.mask))
    return found


def on_the_desk() -> tuple[float, list[float], str]:
    """Import 10,000 masks through the dialog.

    Returns the seconds it takes, the milliseconds between two turns of the event loop until the list shows
    them, and what was done in the longest.
    """
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "photos", Path(name) / "out"
        folder.mkdir()
        some = entries(folder)[: len(photos())]
        write_data_set(WRITERS["voc"], out, some, CLASSES)
        for file in folder.iterdir():
            file.unlink()
        for number in range(MANY):
            like = some[number % len(some)].id
            os.link(out / "JPEGImages" / f"{like}.jpg", folder / f"photo_{number}.jpg")
            os.link(
                out / "SegmentationClass" / f"{like}.png", out / "SegmentationClass" / f"photo_{number}.png"
            )
        for entry in some:
            (out / "SegmentationClass" / f"{entry.id}.png").unlink()
        window = desk(folder)
        rest(1.0)  # what an opened folder begins comes to its end
        masks, dialog, ended = window.session.masks, window.project_actions.import_dialog, list[object]()
        masks.finished.connect(ended.append)
        dialog.ask(out)
        wait(dialog.start.isEnabled)
        stalls = Stalls()
        stalls.start()
        start = time.perf_counter()
        dialog.start.click()
        wait(lambda: bool(ended))
        seconds = time.perf_counter() - start
        rest(1.0)  # the list follows
        stalls.stop()
        assert isinstance(ended[0], Imported) and len(ended[0].images) == MANY, ended
        window.close()
        return seconds, stalls.gaps, stalls.tell_worst()


def rest(seconds: float) -> None:
    """Let events come for a while."""
    end = time.monotonic() + seconds
    wait(lambda: time.monotonic() > end)


def run() -> list[Result]:
    """Measure every format that is exported and imported, into a new project each; then the desk."""
    busy = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores" if hasattr(os, "getloadavg") else ""
    (seconds, gaps, worst), _ = in_new_process(on_the_desk)
    print("Worst stall while importing:", worst)
    results = [
        promised("import of 10,000 masks on the desk", seconds, "s", 60, busy),
        promised("stall of the event loop while importing, worst", max(gaps), "ms", 50, busy),
    ]
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "photos", Path(name) / "out"
        folder.mkdir()
        written = entries(folder)
        for format, writer in WRITERS.items():
            write_data_set(writer, out / format, written, CLASSES)
            project = Project.open_folder(folder, CLASSES)
            start = time.perf_counter()
            result = import_masks(project, open_masks(out / format))
            rate = len(result.images) / (time.perf_counter() - start)
            project.close()
            shutil.rmtree(project.folder)
            results.append(
                Result(
                    f"import, {format}",
                    rate,
                    "masks/s",
                    promise="10,000 in 60 s",
                    kept=rate >= PROMISED,
                    note=f"{os.cpu_count()} cores",
                )
            )
    return results
