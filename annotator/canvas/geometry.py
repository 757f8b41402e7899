"""Which pixels a stroke covers. Plain geometry on arrays, no Qt.

Points are (x, y) in image coordinates: pixel (row i, column j) is the square [j, j+1) × [i, i+1). A pixel is
covered when its centre lies inside the figure, so what is painted is what the ring on the screen encloses.
"""

from collections.abc import Iterator, Sequence
from math import ceil, floor, hypot

import numpy as np
from numpy.typing import NDArray

from annotator.boxes import Box, box_of, slices, union

Point = tuple[float, float]
Cover = NDArray[np.bool_]

# A disc at least this large holds the centre of some pixel wherever it lies.
HALF_DIAGONAL = 0.5**0.5


def disc(centre: Point, radius: float, shape: tuple[int, int]) -> tuple[Box, Cover]:
    """Box and cover (bool, of the box's shape) of a disc; it always holds the pixel under `centre`."""
    return _capsule(centre, centre, radius, shape)


def moved_disc(
    start: Point, end: Point, radius: float, shape: tuple[int, int]
) -> Iterator[tuple[Box, Cover]]:
    """Cover of a disc moved from `start` to `end`, in pieces whose area is about that of the brush.

    The pieces overlap and leave no gap; a long thin line costs its length, not the area of its bounding box.
    """
    length = hypot(end[0] - start[0], end[1] - start[1])
    step = 0.25 if radius < HALF_DIAGONAL else max(2 * radius, 32.0)
    pieces = max(1, ceil(length / step))
    for piece in range(pieces):
        box, cover = _capsule(
            _between(start, end, piece / pieces), _between(start, end, (piece + 1) / pieces), radius, shape
        )
        if cover.size:
            yield box, cover


def polygon(points: Sequence[Point], shape: tuple[int, int]) -> tuple[Box, Cover]:
    """Box and cover of a closed polygon (even-odd rule).

    Each edge toggles a row from its crossing onwards; the running parity along the row is the inside. The
    cost is the area of the bounding box, whatever the number of corners.
    """
    corners = np.asarray(points, np.float64)
    (x_min, y_min), (x_max, y_max) = corners.min(axis=0), corners.max(axis=0)
    box = _clipped(x_min, y_min, x_max, y_max, shape)
    top, left, bottom, right = box
    width = right - left
    toggles = np.zeros((bottom - top, width + 1), np.bool_)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        low, high = sorted((y0, y1))
        rows = np.arange(max(top, ceil(low - 0.5)), min(bottom, ceil(high - 0.5)))
        if rows.size:
            crossing = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
            columns = np.clip(np.ceil(crossing - 0.5) - left, 0, width).astype(np.intp)
            toggles[rows - top, columns] ^= True
    return box, np.logical_xor.accumulate(toggles, axis=1)[:, :width]


def tight(box: Box, cover: Cover) -> tuple[Box, Cover] | None:
    """The smallest box that holds every covered pixel, or None when there is none."""
    inner = box_of(cover)
    if inner is None:
        return None
    y0, x0 = box[:2]
    return (y0 + inner[0], x0 + inner[1], y0 + inner[2], x0 + inner[3]), cover[slices(inner)]


class Coverage:
    """The pixels one stroke has covered so far, on a canvas that is reused from stroke to stroke.

    Adding and clearing cost the area added or covered; the image's own size is paid once (and not even then:
    fresh pages of zeros are free until they are written).
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.pixels: Cover = np.zeros(shape, np.bool_)
        self.box: Box | None = None

    def add(self, box: Box, cover: Cover) -> Box:
        """Cover more; returns the box that changed."""
        self.pixels[slices(box)] |= cover
        if cover.size:
            self.box = union(self.box, box)
        return box

    def add_line(self, start: Point, end: Point, radius: float) -> Box | None:
        """Cover a brush of `radius` moved from `start` to `end`; None when it runs outside the image."""
        changed: Box | None = None
        for box, cover in moved_disc(start, end, radius, self.shape):
            changed = union(changed, self.add(box, cover))
        return changed

    def clear(self) -> Box | None:
        """Forget the stroke; returns the box it covered."""
        box, self.box = self.box, None
        if box is not None:
            self.pixels[slices(box)] = False
        return box


def _capsule(start: Point, end: Point, radius: float, shape: tuple[int, int]) -> tuple[Box, Cover]:
    (ax, ay), (bx, by) = start, end
    radius = max(radius, 0.0)
    box = _clipped(
        min(ax, bx) - radius, min(ay, by) - radius, max(ax, bx) + radius, max(ay, by) + radius, shape
    )
    top, left, bottom, right = box
    dx, dy = bx - ax, by - ay
    x = (np.arange(left, right)[None, :] + (0.5 - ax)).astype(np.float32)  # half the memory of double
    y = (np.arange(top, bottom)[:, None] + (0.5 - ay)).astype(np.float32)
    length2 = dx * dx + dy * dy
    if length2 > 0:
        along = np.clip((x * dx + y * dy) / length2, 0.0, 1.0)
        cover = (x - along * dx) ** 2 + (y - along * dy) ** 2 <= radius * radius
    else:
        cover = x * x + y * y <= radius * radius
    if radius < HALF_DIAGONAL:
        for px, py in (start, end):
            i, j = floor(py) - top, floor(px) - left
            if 0 <= i < cover.shape[0] and 0 <= j < cover.shape[1]:
                cover[i, j] = True
    return box, cover


def _clipped(x0: float, y0: float, x1: float, y1: float, shape: tuple[int, int]) -> Box:
    """The pixels that touch a rectangle, inside the image; empty (0, 0, 0, 0) when there are none."""
    top, left = max(0, floor(y0)), max(0, floor(x0))
    bottom, right = min(shape[0], floor(y1) + 1), min(shape[1], floor(x1) + 1)
    return (top, left, bottom, right) if top < bottom and left < right else (0, 0, 0, 0)


def _between(start: Point, end: Point, t: float) -> Point:
    return start[0] + (end[0] - start[0]) * t, start[1] + (end[1] - start[1]) * t
