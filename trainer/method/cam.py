"""Class activation maps of an image, and the background score they imply (paper, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trainer.models.classifier import CamClassifier

CAM_SCALES = (1.0, 0.5, 1.5, 2.0)
EPSILON = 1e-5


@torch.inference_mode()
def multi_scale_cam(
    classifier: CamClassifier,
    image: np.ndarray,
    class_indices: Sequence[int],
    scales: Sequence[float] = CAM_SCALES,
    flip: bool = True,
    size: tuple[int, int] | None = None,
    side: int | None = None,
) -> np.ndarray:
    """Sum the ReLU'd maps of several scales, each with its mirror image, and scale every class to at most 1.

    Args:
        classifier: in evaluation mode, on any device.
        image: uint8 H×W×3 RGB.
        class_indices: rows of the head (class id − 1), K of them, may be empty.
        scales: factors on the image's size, or on the reduced one's.
        flip: look at the mirror image as well.
        size: (H, W) of the maps; the image's own by default.
        side: a larger image is reduced to this long side, in pixels, beforehand.

    Returns:
        float32 K×H×W in [0, 1]: each class divided by its maximum + 1e-5.
    """
    size = size or (image.shape[0], image.shape[1])
    if not len(class_indices):
        return np.zeros((0, *size), np.float32)
    return joined([cams_at(classifier, image, class_indices, scale, flip, side) for scale in scales], size)


@torch.inference_mode()
def cams_at(
    classifier: CamClassifier,
    image: np.ndarray,
    class_indices: Sequence[int],
    scale: float,
    flip: bool = True,
    side: int | None = None,
) -> Tensor:
    """Return the ReLU'd maps of one scale, added to those of the mirror image: 1×K×h×w on the network's grid.

    An image and its mirror image share a batch, and only the rows asked for are computed. Arguments are those
    of :func:`multi_scale_cam`; there is at least one class.
    """
    pixels = torch.tensor(image, device=classifier.head.weight.device).permute(2, 0, 1)[None].float()
    pixels = classifier.backbone.convention.normalise(pixels).contiguous(memory_format=torch.channels_last)
    reduced = 1 if side is None else min(1, side / max(image.shape[:2]))
    view = _scaled(pixels, scale * reduced)
    maps = classifier.cam(torch.cat([view, view.flip(-1)]) if flip else view, class_indices).float()
    # Adding before enlarging halves the work; enlarging is linear.
    return maps[:1] + maps[1:].flip(-1) if flip else maps


@torch.inference_mode()
def joined(maps: Sequence[Tensor], size: tuple[int, int]) -> np.ndarray:
    """Return the CAMs float32 K×H×W in [0, 1], `size` being (H, W), that the maps of several scales make."""
    # [ours] Each cell is centred in its block of pixels, though it was computed around the block's first
    # pixel, where AffinityNet's maps are put: CAMs lie half a cell to the lower right of the affinities.
    total = torch.zeros(1, maps[0].shape[1], *size, device=maps[0].device)
    for some in maps:
        total += functional.interpolate(some, size, mode="bilinear", align_corners=False)
    total /= total.amax(dim=(2, 3), keepdim=True) + EPSILON
    return total[0].cpu().numpy()


def background_score(cams: np.ndarray, alpha: float) -> np.ndarray:
    """Return ``(1 − max_c M_c)^α`` (paper, equation 2); all 1 where there is no class.

    Args:
        cams: float32 K×H×W in [0, 1].
        alpha: > 0; the smaller, the more of the image is background.

    Returns:
        float32 H×W in [0, 1].
    """
    if not len(cams):
        return np.ones(cams.shape[1:], np.float32)
    return np.clip(1 - cams.max(axis=0), 0, 1).astype(np.float32) ** np.float32(alpha)


def with_background(cams: np.ndarray, alpha: float) -> np.ndarray:
    """Stack the background score on the class maps: float32 (K+1)×H×W, background first."""
    return np.concatenate([background_score(cams, alpha)[None], cams])


def _scaled(pixels: torch.Tensor, scale: float) -> torch.Tensor:
    if scale == 1:
        return pixels
    height, width = (max(1, round(side * scale)) for side in pixels.shape[-2:])
    view = functional.interpolate(
        pixels, (height, width), mode="bilinear", align_corners=False, antialias=scale < 1
    )
    return view.contiguous(memory_format=torch.channels_last)
