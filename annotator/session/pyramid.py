"""A photo at its own size and at smaller ones: what is small on the screen is drawn from a small copy."""

import numpy as np
from numpy.typing import NDArray

SMALLEST_SIDE = 512


def halved(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Means of 2×2 pixels of an H×W×3 image; an odd last row or column is left out."""
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    quads = image[:height, :width].reshape(height // 2, 2, width // 2, 2, 3)
    total = quads[:, 0, :, 0].astype(np.uint16) + quads[:, 0, :, 1] + quads[:, 1, :, 0] + quads[:, 1, :, 1]
    return ((total + 2) >> 2).astype(np.uint8)


def pyramid(image: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """The image and its halvings, largest first, until the longer side is at most 512."""
    levels = [image]
    while max(levels[-1].shape[:2]) > SMALLEST_SIDE:
        levels.append(halved(levels[-1]))
    return levels
