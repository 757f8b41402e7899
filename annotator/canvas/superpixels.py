"""Superpixels: small areas of like colour, so that one click takes a whole patch up to its edge."""

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from annotator.boxes import Box
from annotator.canvas.geometry import Cover
from annotator.session.document import Labels
from annotator.session.pyramid import halved

PIXELS_EACH = 400  # about 20×20
LARGEST_AREA = 1_000_000  # larger photos are halved first: SLIC's time and memory follow the area
COMPACTNESS = 20.0


@dataclass(frozen=True)
class Superpixels:
    """A partition of an image of `shape`; `labels` (int32 h×w, from 1) may have a lower resolution."""

    labels: NDArray[np.int32]
    shape: tuple[int, int]
    windows: list[tuple[slice, slice]]

    def at(self, x: float, y: float) -> int | None:
        """The superpixel under an image point; None outside."""
        if not (0 <= x < self.shape[1] and 0 <= y < self.shape[0]):
            return None
        h, w = self.labels.shape
        return int(self.labels[int(y * h / self.shape[0]), int(x * w / self.shape[1])])

    def area(self, label: int) -> tuple[Box, Cover]:
        """Box and cover of a superpixel, in image pixels."""
        h, w = self.labels.shape
        rows, columns = self.windows[label - 1]
        top, bottom = _grown(rows, h, self.shape[0])
        left, right = _grown(columns, w, self.shape[1])
        i = (np.arange(top, bottom) * 2 + 1) * h // (2 * self.shape[0])
        j = (np.arange(left, right) * 2 + 1) * w // (2 * self.shape[1])
        return (top, left, bottom, right), self.labels[i[:, None], j] == label


def superpixels(image: Labels) -> Superpixels:
    """SLIC superpixels of an H×W×3 uint8 image (Achanta et al., 2012), about 20 pixels wide.

    Takes about a second for a megapixel: call it off the GUI thread.
    """
    from scipy.ndimage import find_objects  # the window does not wait for them
    from skimage.segmentation import slic

    reduced = image
    while reduced.shape[0] * reduced.shape[1] > LARGEST_AREA:
        reduced = halved(reduced)
    count = max(2, round(reduced.shape[0] * reduced.shape[1] / PIXELS_EACH))
    labels = slic(reduced, count, COMPACTNESS, sigma=1.0, start_label=1, channel_axis=-1).astype(np.int32)
    height, width = image.shape[:2]
    return Superpixels(labels, (height, width), find_objects(labels))


def path(start: tuple[float, float], end: tuple[float, float], step: float) -> NDArray[np.float64]:
    """Points (n×2) from `start` to `end`, at most `step` apart, `end` included."""
    distance = sqrt((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2)
    return np.linspace(start, end, max(1, ceil(distance / step)) + 1)


def _grown(window: slice, size: int, full: int) -> tuple[int, int]:
    return window.start * full // size, ceil(window.stop * full / size)
