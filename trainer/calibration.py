"""Finding the background exponent α of a classifier on a data set, without true masks [ours].

How broad CAMs are depends on the classifier, and how much of a photo is object on the data: the α that fits
one pair is useless for another. What can be judged without truth is whether the photo bears a foreground out:
a dense CRF moves its outline to the photo's edges. Where α is small, the CAM's faint skirts compete with a
deflated background and little of the foreground survives; the larger α, the more does. The smallest α whose
foreground largely survives is the one to take.
"""

from __future__ import annotations

import numpy as np

from trainer.method.cam import with_background
from trainer.method.seeds import Refine

SURVIVAL = 0.57
"""Mean overlap (IoU) of the foreground before and after the CRF that is asked for."""
RANGE = (0.25, 8.0)
STEPS = 6
"""Halvings of the range, in octaves: α is found to 6 %."""
SAMPLE = 48
"""Images that are looked at, spread evenly over the data."""


def sample(count: int, most: int = SAMPLE) -> list[int]:
    """Return the indices of the images to look at, at most `most` out of `count`."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()


def survival(cams: np.ndarray, alpha: float, refine: Refine) -> float:
    """Return the overlap of the foreground before and after the CRF, in [0, 1]; 0 where there is none.

    Args:
        cams: float32 K×H×W in [0, 1], K > 0.
        alpha: exponent of the background score.
        refine: the dense CRF of the image.
    """
    scores = with_background(cams, alpha)
    before, after = scores.argmax(axis=0) > 0, refine(scores / scores.sum(axis=0)).argmax(axis=0) > 0
    return float((before & after).sum() / max(1, (before | after).sum()))


class AlphaSearch:
    """Bisection for the smallest α in `RANGE` whose mean survival, which rises in α, reaches `SURVIVAL`.

    `STEPS` times: judge `candidate`, `tell` its mean survival. Then `alpha` is found.
    """

    def __init__(self) -> None:
        self._low, self._high = (float(np.log2(end)) for end in RANGE)

    @property
    def candidate(self) -> float:
        """The α to be judged next."""
        return float(2 ** ((self._low + self._high) / 2))

    @property
    def alpha(self) -> float:
        """The smallest α known to be large enough."""
        return float(round(2**self._high, 3))

    def tell(self, mean_survival: float) -> None:
        """Take note of how the candidate did."""
        middle = (self._low + self._high) / 2
        if mean_survival < SURVIVAL:
            self._low = middle
        else:
            self._high = middle
