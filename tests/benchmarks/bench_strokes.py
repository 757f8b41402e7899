"""Strokes to masks at 500×375, 4K and 24 megapixels, beside a busy process, against others; enlargement."""

from __future__ import annotations

import subprocess
import sys
import time
import warnings

import numpy as np
from PIL import Image
from skimage.segmentation import random_walker

from tests.benchmarks.harness import Result, optional, photos, race, skipped, threads
from trainer.method.strokes import PhotoEmbedding, StrokeModel
from trainer.method.upsample import edge_aware

STROKES = 20
BUSY = """
import torch
a = torch.randn(1000, 1000)
a @ a
print("begun", flush=True)
while True:
    a @ a
"""
SIZES = (("500×375", (500, 375), 100), ("3840×2160", (3840, 2160), 300), ("6000×4000", (6000, 4000), 300))
"""Name, width and height, and the milliseconds that are promised."""


def blob(height: int, width: int) -> np.ndarray:
    """Return scores that only know that something is in the middle: background, class."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    share = np.exp(-4 * (x * x + y * y)).astype(np.float32)
    return np.stack([1 - share, share])


def automatic(height: int, width: int) -> np.ndarray:
    """Return the label map of :func:`blob`."""
    return (blob(height, width)[1] > 0.5).astype(np.uint8)


def strokes(height: int, width: int) -> list[np.ndarray]:
    """Return the corrections after each of a series of short lines, of class 1 near the middle, else of 0."""
    generator = np.random.default_rng(0)
    corrections = np.full((height, width), 255, np.uint8)
    thickness, length = max(4, height // 90), width // 10
    states = []
    for _ in range(STROKES):
        y, x = generator.integers(0, height - thickness), generator.integers(0, width - length)
        middle = abs(y / height - 0.5) < 0.25 and abs((x + length / 2) / width - 0.5) < 0.25
        corrections[y : y + thickness, x : x + length] = int(middle)
        states.append(corrections.copy())
    return states


def answers(image: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the milliseconds that the photo takes once, and those of `stroke_times`."""
    model, prior = StrokeModel.bundled(), automatic(*image.shape[:2])
    start = time.perf_counter()
    photo = model.embed(image)
    embedding = (time.perf_counter() - start) * 1000
    model.propose(photo, prior)  # as the desk does when it opens a photo
    return embedding, stroke_times(model, photo, prior)


def stroke_times(model: StrokeModel, photo: PhotoEmbedding, prior: np.ndarray) -> np.ndarray:
    """Return N×2 milliseconds from each stroke to its first mask, and to the one that stays."""
    taken = []
    for corrections in strokes(*photo.size):
        start = time.perf_counter()
        each = [time.perf_counter() - start for _ in model.answers(photo, prior, corrections)]
        taken.append((1000 * each[0], 1000 * each[-1]))
    return np.array(taken)


def latency() -> list[Result]:
    """Measure the 95th percentile over strokes, and a photo's embedding."""
    StrokeModel.bundled()
    results = []
    for name, size, limit in SIZES:
        images = list(photos().values())[: 3 if limit == 100 else 1]
        measured = [answers(np.asarray(Image.fromarray(image).resize(size))) for image in images]
        first, last = np.concatenate([strokes_ for _, strokes_ in measured]).T
        p95 = float(np.percentile(first, 95))
        note = f"median {np.median(first):.0f} ms of {len(first)} strokes"
        promise = f"≤ {limit} ms"
        results.append(
            Result(f"stroke to mask, {name}, p95", p95, "ms", promise=promise, kept=p95 <= limit, note=note)
        )
        note = f"median {np.median(last):.0f} ms"
        p95 = float(np.percentile(last, 95))
        results.append(Result(f"stroke to its last mask, {name}, p95", p95, "ms", note=note))
        once = float(np.median([embedding for embedding, _ in measured]))
        results.append(Result(f"embedding, once a photo, {name}", once, "ms"))
    return results


def beside_a_busy_process() -> Result:
    """Answer strokes alone, and while another process computes on all cores."""
    image = np.asarray(Image.fromarray(photos()["coffee"]).resize((500, 375)))
    model, prior = StrokeModel.bundled(), automatic(*image.shape[:2])
    photo = model.embed(image)
    stroke_times(model, photo, prior)
    alone = float(np.percentile(stroke_times(model, photo, prior)[:, 0], 95))
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        beside = float(np.percentile(stroke_times(model, photo, prior)[:, 0], 95))
        other.kill()
    return Result(
        "stroke to mask beside a busy process, 500×375, p95",
        beside,
        "ms",
        alone,
        "alone",
        "≤ 2×",
        beside <= 2 * alone,
    )


def against_others() -> list[Result]:
    """Answer the same strokes on the same photo by scikit-image's random walker and OpenCV's GrabCut."""
    image = photos()["coffee"]
    corrections, prior = strokes(*image.shape[:2])[-1], automatic(*image.shape[:2])
    model = StrokeModel.bundled()
    photo = model.embed(image)
    markers = np.where(corrections == 255, 0, corrections + 1)

    def ours() -> None:
        model.refine(photo, prior, corrections)

    def walker() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            random_walker(image, markers, mode="cg_j", channel_axis=-1)

    with threads(1):
        results = [_faster("random_walker (cg_j)", *race(ours, walker, rounds=3))]
        if cv2 := optional("cv2"):
            cv2.setNumThreads(1)
            likely = np.where(prior, cv2.GC_PR_FGD, cv2.GC_PR_BGD)
            trimap = np.where(corrections == 255, likely, corrections).astype(np.uint8)

            def grabcut() -> None:
                models = np.zeros((2, 1, 65))
                cv2.grabCut(image, trimap.copy(), None, models[0], models[1], 5, cv2.GC_INIT_WITH_MASK)

            results.append(_faster("GrabCut", *race(ours, grabcut, rounds=3)))
        else:
            results.append(skipped("stroke to mask against GrabCut", "opencv-python-headless is missing"))
    return results


def _faster(opponent: str, ours: float, theirs: float) -> Result:
    return Result(
        "stroke to mask, 500×375, one thread", ours, "ms", theirs, opponent, "faster", ours < theirs
    )


def enlargement() -> Result:
    """Measure scores of three classes on a 4-pixel grid brought to the photo's size."""
    image = photos()["coffee"]
    two = blob(94, 125)
    scores = np.concatenate([two[:1], two[1:] / 2, two[1:] / 2])
    with threads(1):
        (best,) = race(lambda: edge_aware(scores, image))
    return Result("edge-aware scores, 500×375×3, one thread", best, "ms", promise="≤ 30 ms", kept=best <= 30)


def run() -> list[Result]:
    """Measure answers to strokes."""
    return [*latency(), beside_a_busy_process(), *against_others(), enlargement()]
