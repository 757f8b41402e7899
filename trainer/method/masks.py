"""From propagated scores on the feature grid to the label of every pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trainer.data.classes import BACKGROUND
from trainer.data.views import resize_to_fit
from trainer.method.crf import DenseCRF
from trainer.method.grid import normalised, resize_nearest
from trainer.method.settings import Settings
from trainer.method.upsample import edge_aware, edge_aware_labels

SURELY = 0.5
"""CAM value, in [0, 1], from which a class is put where it is tagged and has lost everywhere [ours]."""


def with_tagged_classes(mask: np.ndarray, cams: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """Return a mask on which every class that is tagged and has a CAM is somewhere.

    A tag is never wrong, but a walk may dissolve a class whose CAM is small. Such a class gets the background
    pixels where its CAM is high, for the stroke network to start from.

    Args:
        mask: uint8 H×W, 0 background or class id.
        cams: float32 K×H'×W' in [0, 1], of any size.
        classes: their class ids.
    """
    for cam, class_id in zip(cams, classes, strict=True):
        if cam.any() and not (mask == class_id).any():
            there = resize_nearest(cam >= SURELY, mask.shape)
            mask = np.where(there & (mask == BACKGROUND), np.uint8(class_id), mask)
    return mask


def label_map(scores: np.ndarray, image: np.ndarray, settings: Settings, crf: bool) -> np.ndarray:
    """Return the winning channel of each pixel, uint8 H×W.

    The scores are enlarged along the image's edges. A walk leaves them soft, so before the dense CRF they are
    raised to `settings.mask_sharpness`: otherwise it would smooth small objects away. The CRF works at the
    size the networks see, for which its reach in pixels is meant; its time does not grow with the photo.

    Args:
        scores: float32 K×h×w, at least 0, on any grid that covers the image.
        image: uint8 H×W×3 RGB.
        settings: parameters of the CRF.
        crf: refine by the dense CRF.
    """
    if not crf or len(scores) < 2:
        return edge_aware_labels(normalised(scores), image)
    view = resize_to_fit(image, settings.max_side)
    # The linear fits along edges may overshoot below zero.
    soft = np.maximum(edge_aware(normalised(scores), view), 0)
    sharp = normalised(soft ** np.float32(settings.mask_sharpness))
    refined = DenseCRF(view, settings.mask_crf_params).infer(sharp)
    if view.shape == image.shape:
        return refined.argmax(axis=0).astype(np.uint8)
    return edge_aware_labels(refined, image)
