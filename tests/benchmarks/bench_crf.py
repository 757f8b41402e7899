"""The dense CRF against pydensecrf2: time and equal labels at the paper's parameters, and a large photo."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from tests.benchmarks.harness import (
    SHARED,
    Result,
    cam_like,
    in_new_process,
    optional,
    photos,
    race,
    skipped,
)
from trainer.data.images import load_image, load_mask
from trainer.method.crf import SMALLEST_PROBABILITY, CrfParams, DenseCRF

PARAMS = CrfParams()
SHARED_PHOTOS = 20
"""Of each set: every n-th, so that they are the same on each run."""


def ours(image: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the posterior, kernels built again."""
    return DenseCRF(image, PARAMS).infer(scores)


def theirs(reference: Any, image: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return pydensecrf2's posterior at the same parameters."""
    height, width = image.shape[:2]
    crf = reference.DenseCRF2D(width, height, len(scores))
    crf.setUnaryEnergy(-np.log(np.maximum(scores, SMALLEST_PROBABILITY)).reshape(len(scores), -1))
    crf.addPairwiseGaussian(sxy=PARAMS.gaussian_sxy, compat=PARAMS.gaussian_weight)
    crf.addPairwiseBilateral(
        sxy=PARAMS.bilateral_sxy, srgb=PARAMS.bilateral_srgb, rgbim=image, compat=PARAMS.bilateral_weight
    )
    return np.array(crf.inference(PARAMS.iterations)).reshape(scores.shape)


def shared_cases() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield set, photo and CAM-like scores of its true classes."""
    for name in ("msrc", "coco"):
        files = sorted((SHARED / "data" / name / "SegmentationClass").glob("*.png"))
        for number, file in enumerate(files[:: max(1, len(files) // SHARED_PHOTOS)][:SHARED_PHOTOS]):
            mask = load_mask(file)
            classes = [label for label in np.unique(mask) if 0 < label < 255]
            if classes:
                image = load_image(file.parents[1] / "JPEGImages" / f"{file.stem}.jpg")
                yield name, image, cam_like(np.stack([mask == label for label in classes]), seed=number)


def blobs(image: np.ndarray, count: int = 2) -> np.ndarray:
    """Return scores of ``count`` made-up objects, for photos without true masks."""
    height, width = image.shape[:2]
    rows, columns = np.ogrid[:height, :width]
    centres = [(height * 0.5, width * (0.5 + number) / count) for number in range(count)]
    return cam_like(np.stack([np.hypot(rows - y, columns - x) < height / 4 for y, x in centres]))


def equal_labels(reference: Any) -> list[Result]:
    """Compare labels on photos of the package and, where they are, of the shared sets."""
    cases = [("scikit-image", image, blobs(image)) for image in photos().values()]
    shares: dict[str, list[float]] = {}
    for name, image, scores in (*cases, *shared_cases()):
        equal = ours(image, scores).argmax(0) == theirs(reference, image, scores).argmax(0)
        shares.setdefault(name, []).append(100 * float(equal.mean()))
    return [
        Result(
            f"labels equal to pydensecrf2's, {name}",
            min(values),
            "%",
            promise="≥ 99 %",
            kept=min(values) >= 99,
            note=f"lowest of {len(values)} photos, mean {np.mean(values):.3f} %",
        )
        for name, values in shares.items()
    ]


def speed(reference: Any | None) -> Result:
    """Time 10 iterations with 3 classes at 500×375, kernels included; both programs use one thread."""
    image = photos()["motorcycle"]
    scores = blobs(image)
    contestants = [partial(ours, image, scores), partial(DenseCRF(image, PARAMS).infer, scores)]
    if reference:
        contestants.append(partial(theirs, reference, image, scores))
    whole, again, *opponent = race(*contestants)
    note = f"with the photo's kernels at hand: {again:.0f} ms"
    result = Result("500×375, 3 classes, 10 iterations", whole, "ms", promise="≤ 1.5×", note=note)
    if not opponent:
        return replace(result, note=f"{note}; pydensecrf2 is not installed")
    return replace(result, reference=opponent[0], opponent="pydensecrf2", kept=whole <= 1.5 * opponent[0])


def large_photo() -> float:
    """Return the seconds that 24 megapixels take."""
    image = np.tile(photos()["motorcycle"], (11, 12, 1))[:4000]
    scores = np.random.default_rng(0).random((3, *image.shape[:2]), np.float32)
    start = time.perf_counter()
    ours(image, scores)
    return time.perf_counter() - start


def run() -> list[Result]:
    """Measure; without pydensecrf2 only our own times."""
    reference = optional("pydensecrf.densecrf")
    if reference:
        labels = equal_labels(reference)
    else:
        labels = [skipped("equal labels", "pydensecrf2 is not installed")]
    seconds, peak = in_new_process(large_photo)
    return [
        *labels,
        speed(reference),
        Result("24 megapixels, 3 classes", seconds, "s"),
        Result("peak memory of that", peak, "MiB", promise="≤ 4096 MiB", kept=peak <= 4096),
    ]
