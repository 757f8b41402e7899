"""The colours of label maps: PASCAL VOC's palette."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray


@cache
def voc_palette() -> NDArray[np.uint8]:
    """Return the 256 RGB colours of PASCAL VOC as a read-only uint8 array (256, 3).

    Three bits of the id at a time go to the red, green and blue channel, most significant bit first, so that
    near ids get distant colours; 0 is black and 255 the cream of VOC's void.
    """
    ids = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for level in range(8):
        for channel in range(3):
            palette[:, channel] |= (((ids >> (3 * level + channel)) & 1) << (7 - level)).astype(np.uint8)
    palette.flags.writeable = False
    return palette


def colour_of(label: int) -> tuple[int, int, int]:
    """Return the colour (red, green, blue) of a label in 0…255."""
    red, green, blue = voc_palette()[label].tolist()
    return red, green, blue
