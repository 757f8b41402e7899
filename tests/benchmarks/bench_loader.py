"""Photos a second that a training's loader decodes and augments, by itself and with worker processes."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tests.benchmarks.harness import Result, photos
from trainer.data.views import Views
from trainer.learn import affinity, segmentation
from trainer.learn.augment import Augmentation, WholePhoto
from trainer.learn.loader import Draw, Loader, Samples
from trainer.method.settings import Settings

BATCH = 8
BATCHES = 25
WORKERS = (0, 1, 2)


def photos_a_second(paths: Sequence[Path], views: Augmentation | WholePhoto, workers: int) -> float:
    """Load batch after batch as fast as it goes; start-up is left out.

    The photos are decoded already, as in a pipeline run, which looks at all of them first.
    """
    decoded = Views(paths, Settings().max_side)
    masks = [np.zeros(photo.shape[:2], np.uint8) for photo in decoded]
    samples = Samples(decoded, views, masks)
    draws = [Draw(index % len(paths), np.random.default_rng(index)) for index in range(BATCH * (BATCHES + 1))]
    batches = [draws[start : start + BATCH] for start in range(0, len(draws), BATCH)]
    with Loader(samples, batches, workers) as loader:
        next(loader)
        start = time.perf_counter()
        for _ in loader:
            pass
        return BATCH * BATCHES / (time.perf_counter() - start)


def run() -> list[Result]:
    """Measure at 500×375 with the views of AffinityNet (crops) and of the segmentation network (whole)."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, photo in photos().items():
            paths.append(Path(folder) / f"{name}.jpg")
            Image.fromarray(photo).save(paths[-1])
        for subject, views in (
            ("crops of AffinityNet", affinity.RECIPE.views),
            ("whole photos of the segmentation network", segmentation.RECIPE.views),
        ):
            rates = {workers: photos_a_second(paths, views, workers) for workers in WORKERS}
            results += [
                Result(
                    f"{subject}, {workers} workers",
                    rate,
                    "photos/s",
                    rates[0] if workers else None,
                    "0 workers" if workers else "",
                    note=f"{os.cpu_count()} cores",
                )
                for workers, rate in rates.items()
            ]
    return results
