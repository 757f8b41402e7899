"""Connected parts of label maps: those that are too small to be meant join what surrounds them.

Parts are found as runs of one label along the rows, of which even a large mask has few.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

SMALLEST_PART = 0.001
"""Share of an image's area that a part of its mask has at least, unless a project says otherwise."""

Indices = NDArray[np.int_]


def remove_small_regions(
    labels: np.ndarray, smallest_part: float, meant: NDArray[np.bool_] | None = None
) -> np.ndarray:
    """Return the labels with specks and pinholes given to what surrounds them.

    Args:
        labels: uint8 H×W.
        smallest_part: share of the image's area, 0…1; connected parts (side by side, not corner to corner)
            below it go to the label most frequent around them. 0 leaves all as it is.
        meant: H×W; a part with a pixel in it stays, however small: a person painted it.
    """
    if smallest_part <= 0 or not labels.size:
        return labels
    runs = _Runs.of(labels)
    small = np.bincount(runs.part, runs.lengths) < smallest_part * labels.size
    if meant is not None and small.any():
        small[runs.part[runs.holding(np.flatnonzero(meant))]] = False
    if not small.any() or small.all():
        return labels
    numbers, flat = np.repeat(runs.part, runs.lengths), labels.ravel()
    given = np.flatnonzero(np.repeat(small[runs.part], runs.lengths))
    part, pixel = _rings(numbers, given, labels.shape)
    # How often each label stands around each part. Among specks only, a speck takes that of specks.
    speck = small[numbers[pixel]]
    found, counts = np.unique((part * 2 + speck) * 256 + flat[pixel], return_counts=True)
    part, near = found // 512, found % 256
    best_first = np.lexsort((near, -counts, found // 256))
    part, first = np.unique(part[best_first], return_index=True)
    new = np.zeros(len(small), labels.dtype)
    new[part] = near[best_first][first]
    result = flat.copy()
    result[given] = new[numbers[given]]
    return result.reshape(labels.shape)


class _Runs(NamedTuple):
    """Runs of one label along the rows: where each starts (flat index), its length and number of its part."""

    starts: Indices
    lengths: Indices
    part: Indices

    @classmethod
    def of(cls, labels: np.ndarray) -> _Runs:
        """Find them in H×W."""
        height, width = labels.shape
        begins = np.ones(labels.shape, np.bool_)
        np.not_equal(labels[:, 1:], labels[:, :-1], out=begins[:, 1:])
        starts = np.flatnonzero(begins)
        lengths = np.diff(starts, append=labels.size)
        runs = cls(starts, lengths, np.zeros(len(starts), int))
        # Which run lies above which changes only where one of the two starts.
        lower = np.union1d(starts[starts >= width], starts[starts < (height - 1) * width] + width)
        here, above = runs.holding(lower), runs.holding(lower - width)
        held = labels.ravel()[starts]
        same = held[here] == held[above]
        touching = coo_array(
            (np.ones(same.sum(), np.bool_), (here[same], above[same])), shape=(len(starts), len(starts))
        )
        return runs._replace(part=connected_components(touching, directed=False)[1])

    def holding(self, pixels: Indices) -> Indices:
        """The runs that hold pixels, given as flat indices."""
        return np.searchsorted(self.starts, pixels, side="right") - 1


def _rings(numbers: Indices, pixels: Indices, shape: tuple[int, ...]) -> tuple[Indices, Indices]:
    """Return which pixels lie beside the parts of `pixels`: pairs of part and flat index, each pair once.

    `numbers` are those of all parts, flat, of an image of `shape`.
    """
    rows, columns = np.divmod(pixels, shape[1])
    pairs = []
    for inside, step in (
        (rows > 0, -shape[1]),
        (rows < shape[0] - 1, shape[1]),
        (columns > 0, -1),
        (columns < shape[1] - 1, 1),
    ):
        here = pixels[inside]
        beside = here + step
        other = numbers[here] != numbers[beside]
        pairs.append(numbers[here[other]].astype(np.int64) * numbers.size + beside[other])
    return np.divmod(np.unique(np.concatenate(pairs)), numbers.size)
