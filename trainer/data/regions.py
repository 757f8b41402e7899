"""Connected parts of label maps: those that are too small to be meant join what surrounds them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label

SMALLEST_PART = 0.001
"""Share of an image's area that a part of its mask has at least, unless a project says otherwise."""


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
    parts = label(labels, background=-1, connectivity=1)
    small = np.bincount(parts.ravel()) < smallest_part * labels.size
    if meant is not None:
        small[np.unique(parts[meant])] = False
    if not small[1:].any() or small[1:].all():
        return labels
    numbers, given = parts.ravel(), np.flatnonzero(small[parts])
    part, pixel = _rings(numbers, given, labels.shape)
    lasting, near = ~small[numbers[pixel]], labels.ravel()[pixel]
    # How often each label stands around each part. Among specks only, a speck takes that of specks.
    found, counts = np.unique((part * 2 + lasting) * 256 + near, return_counts=True)
    part, lasting, near = found // 512, found // 256 % 2, found % 256
    best_first = np.lexsort((near, -counts, -lasting, part))
    part, first = np.unique(part[best_first], return_index=True)
    new = np.zeros(len(small), labels.dtype)
    new[part] = near[best_first][first]
    result = labels.copy()
    result.ravel()[given] = new[numbers[given]]
    return result


def _rings(
    numbers: NDArray[np.int_], pixels: NDArray[np.int_], shape: tuple[int, int]
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
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
        pairs.append(numbers[here[other]] * numbers.size + beside[other])
    return np.divmod(np.unique(np.concatenate(pairs)), numbers.size)
