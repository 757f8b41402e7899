"""CAMs of four scales and their mirror images against the plain loop of one pass at a time."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from tests.benchmarks.harness import SHARED, Result, photos, race, threads
from trainer.method.cam import CAM_SCALES, EPSILON, multi_scale_cam
from trainer.models.backbones import build_backbone
from trainer.models.classifier import CamClassifier
from trainer.models.fuse import fused_for_inference
from trainer.models.weights import load_backbone_weights

WEIGHTS = SHARED / "weights" / "mobilenet_v2_imagenet.safetensors"
TAGGED = [7, 14]
"""Rows of the head: two tags, of 20 classes."""


@torch.inference_mode()
def one_pass_at_a_time(classifier: CamClassifier, image: np.ndarray, tagged: list[int]) -> np.ndarray:
    """Return what `multi_scale_cam` returns, as the paper's public code goes about it.

    Each scale and each mirror image is a pass of its own; every class is computed and resize_nearest, and the
    tagged ones are picked at the end.
    """
    size = image.shape[:2]
    pixels = classifier.backbone.convention.normalise(image)
    total = torch.zeros(classifier.class_count, *size)
    for scale in CAM_SCALES:
        view = pixels
        if scale != 1:
            scaled = [max(1, round(side * scale)) for side in size]
            view = functional.interpolate(pixels, scaled, mode="bilinear", antialias=scale < 1)
        for mirrored in (False, True):
            maps = classifier.cam(view.flip(-1) if mirrored else view)
            maps = functional.interpolate(maps, size, mode="bilinear")[0]
            total += maps.flip(-1) if mirrored else maps
    cams = total[tagged]
    return (cams / (cams.amax(dim=(1, 2), keepdim=True) + EPSILON)).numpy()


def classifiers() -> dict[str, CamClassifier]:
    """Return the networks to measure, with trained weights where they are at hand."""
    backbones = {
        "mobilenet_v2": load_backbone_weights(WEIGHTS)
        if WEIGHTS.exists()
        else build_backbone("mobilenet_v2"),
        "resnet18": build_backbone("resnet18"),
    }
    return {name: CamClassifier(backbone, 20).eval() for name, backbone in backbones.items()}


def run() -> list[Result]:
    """Measure at 500×375 on one thread and, where there are more, on all."""
    torch.manual_seed(0)
    image = photos()["motorcycle"]
    results = []
    for name, plain in classifiers().items():
        classifier = fused_for_inference(plain)
        difference = np.abs(
            multi_scale_cam(classifier, image, TAGGED) - one_pass_at_a_time(plain, image, TAGGED)
        ).max()
        results.append(
            Result(
                f"{name}: largest difference",
                float(difference),
                "",
                promise="≤ 1e-3",
                kept=bool(difference <= 1e-3),
            )
        )
        for count in sorted({1, torch.get_num_threads()}):
            with threads(count):
                ours, unfused, theirs = race(
                    lambda: multi_scale_cam(classifier, image, TAGGED),  # noqa: B023 (called at once)
                    lambda: multi_scale_cam(plain, image, TAGGED),  # noqa: B023
                    lambda: one_pass_at_a_time(plain, image, TAGGED),  # noqa: B023
                    rounds=3,
                )
            results.append(
                Result(
                    f"{name}, 500×375, {count} thread{'s' * (count > 1)}",
                    ours,
                    "ms",
                    theirs,
                    "plain loop",
                    promise="≥ 1.5× faster",
                    kept=theirs >= 1.5 * ours,
                    note=f"{1000 / ours:.2f} images a second; batch norm not folded: {unfused:.0f} ms",
                )
            )
    return results
