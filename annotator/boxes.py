"""Boxes of pixels: half open (y0, x0, y1, x1), as numpy windows and as Qt rectangles."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect

Box = tuple[int, int, int, int]  # y0, x0, y1, x1, half open


def slices(box: Box) -> tuple[slice, slice]:
    """The numpy window of a box."""
    y0, x0, y1, x1 = box
    return slice(y0, y1), slice(x0, x1)


def rect_of(box: Box) -> QRect:
    """The rectangle of a box, in image pixels."""
    y0, x0, y1, x1 = box
    return QRect(x0, y0, x1 - x0, y1 - y0)


def union(first: Box | None, second: Box) -> Box:
    """The smallest box that holds both."""
    if first is None:
        return second
    return (
        min(first[0], second[0]),
        min(first[1], second[1]),
        max(first[2], second[2]),
        max(first[3], second[3]),
    )


def grown(box: Box, by: int, shape: tuple[int, int]) -> Box:
    """The box with `by` pixels more on every side, as far as an image of `shape` (H, W) has them."""
    y0, x0, y1, x1 = box
    return max(0, y0 - by), max(0, x0 - by), min(shape[0], y1 + by), min(shape[1], x1 + by)


def shifted(box: Box, window: Box) -> Box:
    """The box as it lies in an array that holds only what is inside `window`."""
    y0, x0, y1, x1 = box
    return y0 - window[0], x0 - window[1], y1 - window[0], x1 - window[1]


def box_of(cover: NDArray[np.bool_]) -> Box | None:
    """The smallest box that holds every covered pixel of an H×W array, None when there is none."""
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
    if not rows.size:
        return None
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
