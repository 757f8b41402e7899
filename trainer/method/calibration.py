"""Finding the background exponent α of a classifier on a data set, without true masks [ours].

How broad CAMs are depends on the classifier, how far a walk spreads them on the affinities, and how much of a
photo is object on the data: the α that fits one triple is useless for another. What is known without truth is
how much of a photo its tagged objects cover, on average over many. The larger α, the more foreground; the α
whose foreground covers that share is the one to take. It is found twice: for the seed cues, from the CAMs as
the photos' edges correct them, and for the walk, from where it leads.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Literal

import numpy as np
from torch import Tensor

from trainer.data.classes import BACKGROUND, VOID
from trainer.method.affinity import pair_affinity
from trainer.method.cam import with_background
from trainer.method.grid import pool
from trainer.method.propagation import Walk
from trainer.method.seeds import Refine
from trainer.method.settings import COVERAGE, Settings
from trainer.translatable import TranslatableText, translatable

RANGE = (0.25, 8.0)
"""Where α is as a rule: here it is searched first."""
LARGEST = 32.0
"""How far it is searched where all of `RANGE` is too small; the paper takes 4 to 24, its code up to 32."""
STEPS = 6
"""Halvings of the range, in octaves: α is found to 6 %."""
MORE_STEPS = 5
"""Halvings of what lies beyond, where it is searched."""
SAMPLE = 48
"""Images that are looked at, spread evenly over the data."""
PRIOR_IMAGES = 5
"""As much as so many accepted masks counts what is known beforehand of how much of a photo objects cover."""

Bound = Literal["smallest", "largest"]
Cover = Callable[[float], float]
"""From an exponent α to the share of an image that its foreground then covers, in [0, 1]."""


def sample(count: int, most: int = SAMPLE) -> list[int]:
    """Return the indices of the images to look at, at most `most` out of `count`."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()


def expected_coverage(accepted: Sequence[np.ndarray]) -> float:
    """Return how much of a photo its objects cover: as a rule, corrected by accepted masks uint8 H×W."""
    shares = [float(((mask != BACKGROUND) & (mask != VOID)).mean()) for mask in accepted]
    return (COVERAGE * PRIOR_IMAGES + sum(shares)) / (PRIOR_IMAGES + len(shares))


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
    """Bisection for the smallest α whose mean cover, which rises in α, reaches `coverage`.

    Until it is `done`: look at `candidate`, `tell` its mean cover. That takes `STEPS`, and `MORE_STEPS` where
    nothing in `RANGE` covers enough. Then `alpha` is found.
    """

    def __init__(self, coverage: float = COVERAGE) -> None:
        self._coverage = coverage
        self._low, self._high = (float(np.log2(end)) for end in RANGE)
        self._left = STEPS
        self._enough = self._too_little = False

    @property
    def done(self) -> bool:
        """Whether `alpha` is found."""
        return self._left == 0

    @property
    def candidate(self) -> float:
        """The α to be looked at next."""
        return float(2 ** ((self._low + self._high) / 2))

    @property
    def alpha(self) -> float:
        """The smallest α known to be large enough; the largest there is where none is."""
        return float(round(2**self._high, 3))

    @property
    def bound(self) -> Bound | None:
        """The end of the range at which the search ended, where all of it covers too little or too much."""
        if not self._enough:
            return "largest"
        return None if self._too_little else "smallest"

    def tell(self, mean_cover: float) -> None:
        """Take note of how the candidate did."""
        middle = (self._low + self._high) / 2
        if mean_cover < self._coverage:
            self._low, self._too_little = middle, True
        else:
            self._high, self._enough = middle, True
        self._left -= 1
        largest = float(np.log2(LARGEST))
        if self.done and not self._enough and self._high < largest:
            self._high, self._left = largest, MORE_STEPS


def search_alpha(covers: Sequence[Cover], coverage: float) -> Generator[None, None, AlphaSearch]:
    """Return the search that is done for α, by what some images then cover; yield after each look at one."""
    search = AlphaSearch(coverage)
    while not search.done:
        covered = []
        for cover in covers:
            covered.append(cover(search.candidate))
            yield
        search.tell(sum(covered) / len(covered))
    return search


def bound_warning(name: str, alpha: float, bound: Bound, coverage: float) -> TranslatableText:
    """Return what a person should know where the search for an α ended at an end of its range."""
    if bound == "largest":
        return translatable(
            "the search for the {name} ended at its largest value, {alpha}: the tagged objects cover less "
            "than {coverage} of a photo even so; their CAMs may have learnt too little",
            name=name,
            alpha=f"{alpha:g}",
            coverage=f"{coverage:.0%}",
        )
    return translatable(
        "the search for the {name} ended at its smallest value, {alpha}: the tagged objects cover more than "
        "{coverage} of a photo even so; the CAMs may be spread over everything",
        name=name,
        alpha=f"{alpha:g}",
        coverage=f"{coverage:.0%}",
    )
