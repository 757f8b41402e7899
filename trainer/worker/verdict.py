"""Whether one model is better than another on photos that neither has learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
"""How sure a verdict is, one-sided."""


class Verdict(NamedTuple):
    """The mean of paired differences, and the bounds that it is above, and below, with `CONFIDENCE` each."""

    mean: float
    low: float
    high: float

    @property
    def better(self) -> bool:
        """The new model is better, by evidence."""
        return self.low > 0

    @property
    def worse(self) -> bool:
        """The new model is worse, by evidence."""
        return self.high < 0


def paired(old: Sequence[float], new: Sequence[float]) -> Verdict:
    """Compare the scores of two models on the same photos, one pair each, by Student's paired t interval."""
    differences = np.subtract(new, old)
    mean = float(differences.mean())
    if len(differences) < 2:
        return Verdict(mean, -np.inf, np.inf)
    error = float(differences.std(ddof=1)) / len(differences) ** 0.5
    reach = float(stats.t.ppf(CONFIDENCE, len(differences) - 1)) * error
    return Verdict(mean, mean - reach, mean + reach)
