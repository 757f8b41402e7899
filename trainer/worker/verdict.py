"""Whether one model is better than another on photos that neither has learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.9
"""How sure a verdict is, one-sided."""
RESAMPLES = 2000
"""Draws of the bootstrap."""
LEAST_GAIN = 0.002
"""A smaller mean gain in IoU is not worth a version, and new proposals for all images."""


class Verdict(NamedTuple):
    """The mean of paired differences, and the bounds that it is above, and below, with `CONFIDENCE` each."""

    mean: float
    low: float
    high: float

    @property
    def better(self) -> bool:
        """Tell whether the new model is better, by evidence."""
        return self.low > 0 and self.mean >= LEAST_GAIN

    @property
    def worse(self) -> bool:
        """Tell whether the new model is worse, by evidence."""
        return self.high < 0 and self.mean <= -LEAST_GAIN


def paired(old: Sequence[float] | np.ndarray, new: Sequence[float] | np.ndarray) -> Verdict:
    """Compare the IoUs of two models on the same photos, one pair each, by the paired bootstrap.

    Most photos hardly change and a few change much, which an interval of the normal distribution would take
    for doubt. Of fewer than three photos nothing is proven.
    """
    differences = np.subtract(new, old)
    count, mean = len(differences), float(differences.mean())
    if count < 3:
        return Verdict(mean, -np.inf, np.inf)
    drawn = np.random.default_rng(0).integers(0, count, (RESAMPLES, count))
    tail = 100 * (1 - CONFIDENCE)
    low, high = np.percentile(differences[drawn].mean(axis=1), (tail, 100 - tail))
    return Verdict(mean, float(low), float(high))
