"""Seed cues: the pixels whose class the CAMs are sure of (paper, section 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from trainer.data.classes import BACKGROUND, VOID
from trainer.method.cam import with_background

Refine = Callable[[np.ndarray], np.ndarray]
"""Probabilities (K+1)×H×W → refined probabilities of the same shape; `DenseCRF.infer` is one."""


def seed_cues(
    cams: np.ndarray,
    classes: Sequence[int],
    alpha_low: float,
    alpha_high: float,
    threshold: float = 0.0,
    refine: Refine | None = None,
) -> np.ndarray:
    """Label pixels as confident foreground, confident background or neutral.

    Pixels that are foreground even against the amplified background of `alpha_low` are confident foreground;
    pixels that are background even against the weakened one of `alpha_high` are confident background; the
    rest is neutral.

    Args:
        cams: float32 K×H×W in [0, 1].
        classes: class id of each map.
        alpha_low: exponent of the background score that decides foreground, > 0.
        alpha_high: exponent that decides background, ≥ `alpha_low`.
        threshold: foreground needs at least this CAM value, in [0, 1].
        refine: sharpens the scores before they decide, as the paper's dense CRF does; None leaves them.

    Returns:
        uint8 H×W: 0 background, class ids, 255 neutral.
    """
    ids = np.array([BACKGROUND, *classes], np.uint8)
    foreground = ids[_winner(cams, alpha_low, refine)]
    background = _winner(cams, alpha_high, refine) == 0
    seeds = np.where(foreground == BACKGROUND, VOID, foreground).astype(np.uint8)
    if threshold > 0 and len(cams):
        seeds[cams.max(axis=0) < threshold] = VOID
    seeds[background] = BACKGROUND
    return seeds


def _winner(cams: np.ndarray, alpha: float, refine: Refine | None) -> np.ndarray:
    scores = with_background(cams, alpha)
    if refine is not None:
        scores = refine(scores / scores.sum(axis=0))
    return scores.argmax(axis=0)
