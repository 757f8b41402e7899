"""Finding the background exponent α of a classifier on a data set, without true masks [ours].

How broad CAMs are depends on the classifier, how far a walk spreads them on the affinities, and how much of a
photo is object on the data: the α that fits one triple is useless for another. What is known without truth is
how much of a photo its tagged objects cover, on average over many. The larger α, the more foreground; the α
whose foreground covers that share is the one to take. It is found twice: for the seed cues, from the CAMs as
the photos' edges correct them, and for the walk, from where it leads.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor

from trainer.method.affinity import pair_affinity
from trainer.method.cam import with_background
from trainer.method.grid import pool
from trainer.method.propagation import Walk
from trainer.method.seeds import Refine
from trainer.method.settings import COVERAGE, Settings

RANGE = (0.25, 8.0)
STEPS = 6
"""Halvings of the range, in octaves: α is found to 6 %."""
SAMPLE = 48
"""Images that are looked at, spread evenly over the data."""

Cover = Callable[[float], float]
"""From an exponent α to the share of an image that its foreground then covers, in [0, 1]."""


def sample(count: int, most: int = SAMPLE) -> list[int]:
    """Return the indices of the images to look at, at most `most` out of `count`."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()


def refined_cover(cams: np.ndarray, refine: Refine) -> Cover:
    """Return what the CAMs cover once a dense CRF has moved their outlines to the photo's edges.

    Args:
        cams: float32 K×H×W in [0, 1], K > 0.
        refine: the dense CRF of the image.
    """

    def cover(alpha: float) -> float:
        scores = with_background(cams, alpha)
        return _foreground(refine(scores / scores.sum(axis=0)))

    return cover


def walked_cover(cams: np.ndarray, features: Tensor, settings: Settings) -> Cover:
    """Return what the CAMs cover after the walk.

    Args:
        cams: float32 K×H×W in [0, 1], K > 0.
        features: of AffinityNet, float C×h×w.
        settings: exponent of the affinities, and length of the walk.
    """
    walk = Walk(pair_affinity(features[None])[0], settings.beta)

    def cover(alpha: float) -> float:
        start = pool(with_background(cams, alpha), walk.shape)
        return _foreground(walk.propagate(start, settings.steps))

    return cover


def _foreground(scores: np.ndarray) -> float:
    return float((scores.argmax(axis=0) > 0).mean())


class AlphaSearch:
    """Bisection for the smallest α in `RANGE` whose mean cover, which rises in α, reaches `coverage`.

    `STEPS` times: look at `candidate`, `tell` its mean cover. Then `alpha` is found.
    """

    def __init__(self, coverage: float = COVERAGE) -> None:
        self._coverage = coverage
        self._low, self._high = (float(np.log2(end)) for end in RANGE)

    @property
    def candidate(self) -> float:
        """The α to be looked at next."""
        return float(2 ** ((self._low + self._high) / 2))

    @property
    def alpha(self) -> float:
        """The smallest α known to be large enough."""
        return float(round(2**self._high, 3))

    def tell(self, mean_cover: float) -> None:
        """Take note of how the candidate did."""
        middle = (self._low + self._high) / 2
        if mean_cover < self._coverage:
            self._low = middle
        else:
            self._high = middle
