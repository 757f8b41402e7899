"""A stroke's way to the mask: time at 500×375 and at 4K, against random_walker and GrabCut; enlargement."""

from __future__ import annotations

import time
import warnings

import numpy as np
import skimage.transform
from skimage.segmentation import random_walker

from tests.benchmarks.harness import Result, optional, photos, race, skipped, threads
from trainer.method.refine import Refiner
from trainer.method.upsample import edge_aware

STROKES = 20


def blob(height: int, width: int) -> np.ndarray:
    """Return a prior that only knows that something is in the middle."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    share = np.exp(-4 * (x * x + y * y)).astype(np.float32)
    return np.stack([1 - share, share])


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


def answers(image: np.ndarray) -> np.ndarray:
    """Return the milliseconds from each stroke to its mask."""
    refiner = Refiner(blob(*(-(-size // 8) for size in image.shape[:2])), image, (0, 1))
    refiner.solve(np.full(image.shape[:2], 255, np.uint8))
    taken = []
    for corrections in strokes(*image.shape[:2]):
        start = time.perf_counter()
        refiner.solve(corrections)
        taken.append((time.perf_counter() - start) * 1000)
    return np.array(taken)


def latency() -> list[Result]:
    """Measure the 95th percentile over strokes on all photos."""
    small = photos()
    large = {name: _enlarged(image) for name, image in list(small.items())[:2]}
    results = []
    for size, images, limit in (("500×375", small, 100), ("3840×2160", large, 300)):
        taken = np.concatenate([answers(image) for image in images.values()])
        p95 = float(np.percentile(taken, 95))
        results.append(
            Result(
                f"stroke to mask, {size}, p95",
                p95,
                "ms",
                promise=f"≤ {limit} ms",
                kept=p95 <= limit,
                note=f"median {np.median(taken):.0f} ms of {len(taken)} strokes",
            )
        )
    return results


def _enlarged(image: np.ndarray) -> np.ndarray:
    return (255 * skimage.transform.resize(image, (2160, 3840))).astype(np.uint8)


def against_others() -> list[Result]:
    """Answer the same strokes on the same photo by scikit-image's random walker and OpenCV's GrabCut."""
    image = photos()["coffee"]
    corrections = strokes(*image.shape[:2])[-1]
    refiner = Refiner(blob(47, 63), image, (0, 1))
    refiner.solve(corrections)
    markers = np.where(corrections == 255, 0, corrections + 1)

    def walker() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            random_walker(image, markers, mode="cg_j", channel_axis=-1)

    with threads(1):
        ours, theirs = race(lambda: refiner.solve(corrections), walker, rounds=3)
        results = [_faster("random_walker (cg_j)", ours, theirs)]
        if cv2 := optional("cv2"):
            cv2.setNumThreads(1)
            trimap = np.where(corrections == 255, cv2.GC_PR_BGD, corrections).astype(np.uint8)
            trimap[(corrections == 255) & (np.kron(blob(47, 63)[1], np.ones((8, 8)))[:375, :500] > 0.5)] = (
                cv2.GC_PR_FGD
            )

            def grabcut() -> None:
                models = np.zeros((2, 1, 65))
                cv2.grabCut(image, trimap.copy(), None, models[0], models[1], 5, cv2.GC_INIT_WITH_MASK)

            results.append(_faster("GrabCut", *race(lambda: refiner.solve(corrections), grabcut, rounds=3)))
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
    """Measure refinement."""
    return [*latency(), *against_others(), enlargement()]
