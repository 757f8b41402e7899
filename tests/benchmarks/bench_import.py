"""Masks a second that an import takes, by format; the promise is 10,000 in a minute."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from tests.benchmarks.harness import Result, photos
from trainer.data.classes import ClassList
from trainer.data.export import write_data_set
from trainer.data.formats.base import ExportEntry
from trainer.data.formats.registry import WRITERS, open_masks
from trainer.data.import_masks import import_masks
from trainer.data.project import Project

CLASSES = ClassList(("cat", "dog", "cup"))
MASKS = 400
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


def run() -> list[Result]:
    """Measure every format that is exported and imported, into a new project each."""
    results = []
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
