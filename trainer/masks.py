"""From propagated scores on the feature grid to the label of every pixel."""

from __future__ import annotations

import numpy as np

from trainer.method.crf import DenseCRF
from trainer.method.upsample import edge_aware, edge_aware_labels
from trainer.proposal import normalised
from trainer.settings import Settings


def winners(scores: np.ndarray, image: np.ndarray, settings: Settings, crf: bool) -> np.ndarray:
    """Return the winning channel of each pixel, uint8 H×W.

    The scores are enlarged along the image's edges. A walk leaves them soft, so before the dense CRF they are
    raised to `settings.mask_sharpness`: otherwise it would smooth small objects away.

    Args:
        scores: float32 K×h×w, at least 0, on any grid that covers the image.
        image: uint8 H×W×3 RGB.
        settings: parameters of the CRF.
        crf: refine by the dense CRF.
    """
    if not crf or len(scores) < 2:
        return edge_aware_labels(normalised(scores), image)
    # The linear fits along edges may overshoot below zero.
    soft = np.maximum(edge_aware(normalised(scores), image), 0)
    sharp = normalised(soft ** np.float32(settings.mask_sharpness))
    return DenseCRF(image, settings.mask_crf_params).infer(sharp).argmax(axis=0).astype(np.uint8)
