"""Connected parts of label maps: those that are too small to be meant join what surrounds them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
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
    result = labels.copy()
    for number, box in enumerate(ndimage.find_objects(parts), 1):
        if not small[number]:
            continue
        around = tuple(slice(max(0, side.start - 1), side.stop + 1) for side in box)
        here = parts[around] == number
        ring = ndimage.binary_dilation(here) & ~here
        lasting = ring & ~small[parts[around]]
        # A speck among specks only takes the most frequent label of theirs.
        near = labels[around][lasting if lasting.any() else ring]
        result[around][here] = np.bincount(near).argmax()
    return result
