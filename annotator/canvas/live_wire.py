"""The live wire: from a point of the photo, the path to any other one near it that keeps to the edges."""

from collections.abc import Sequence
from math import floor

import numpy as np
from numpy.typing import NDArray

from annotator.boxes import Box, slices
from annotator.canvas.geometry import Point
from annotator.session.document import Labels

SIDE = 192
"""Of the window around the start, in pixels of the copy it is found in. The search keeps Python to itself,
for some 15 ms once a click.
"""
FINEST = 1.5
"""Screen pixels that a pixel of that copy has at least: nobody sees finer edges."""
ALONG_NOTHING = 1.0
ALONG_AN_EDGE = 0.03
SMOOTHING = 1.0
"""Of the photo before its edges are found, in pixels of the copy."""
TOLERANCE = 1.0
"""How far a simplified path may leave the found one, likewise."""
SNAP = 3
"""How far both ends move to the strongest edge there, likewise."""
FARTHER = 0.03
"""What each pixel of that way costs them."""


class LiveWire:
    """The cheapest paths from a point, within a window around it; made off the GUI thread, asked on it.

    `start` is the point of the photo where they begin: on the edge, if there is one beside it.
    """

    def __init__(self, levels: Sequence[Labels], start: Point, zoom: float) -> None:
        """Find them in the copy of the photo (see `pyramid`) that suits the zoom, screen pixels a pixel."""
        from skimage.graph import MCP_Geometric
        from skimage.measure import approximate_polygon  # ready when it is needed

        level = next(
            (each for each in levels if zoom * levels[0].shape[1] / each.shape[1] >= FINEST), levels[-1]
        )
        self._scale = levels[0].shape[1] / level.shape[1], levels[0].shape[0] / level.shape[0]
        self._box = window(self._cell(start), level.shape[:2])
        self._costs = edge_costs(level, self._box)
        self._paths = MCP_Geometric(self._costs)
        self._from = self._inside(start)
        self.start = start if self._from is None else self._point(self._from)
        if self._from is not None:
            self._paths.find_costs([self._from])
        self._simplified = approximate_polygon
        self._last: tuple[Point, list[Point]] | None = None

    def path(self, end: Point) -> list[Point] | None:
        """Image points from after the start to `end`, or the edge beside it; None outside of the window."""
        if self._last is not None and self._last[0] == end:
            return self._last[1]
        to = self._inside(end)
        if to is None or self._from is None:
            return None
        cells = np.asarray(self._paths.traceback(to), np.float64)
        if len(cells) > 2:
            cells = self._simplified(cells, TOLERANCE)
        self._last = end, [self._point(cell) for cell in cells[1:].tolist()] or [self._point(to)]
        return self._last[1]

    def _cell(self, at: Point) -> tuple[int, int]:
        return floor(at[1] / self._scale[1]), floor(at[0] / self._scale[0])

    def _inside(self, at: Point) -> tuple[int, int] | None:
        """Row and column in the window of a point, or of the strongest edge beside it."""
        (i, j), (y0, x0, y1, x1) = self._cell(at), self._box
        if not (y0 <= i < y1 and x0 <= j < x1):
            return None
        i, j = i - y0, j - x0
        top, left = max(0, i - SNAP), max(0, j - SNAP)
        near = self._costs[top : i + SNAP + 1, left : j + SNAP + 1]
        down, right = np.indices(near.shape)
        away = np.hypot(down + top - i, right + left - j)
        found = divmod(int(np.argmin(near + FARTHER * away)), near.shape[1])
        return top + found[0], left + found[1]

    def _point(self, cell: Sequence[float]) -> Point:
        """The image point in the middle of a pixel of the window."""
        return (self._box[1] + cell[1] + 0.5) * self._scale[0], (self._box[0] + cell[0] + 0.5) * self._scale[
            1
        ]


def window(centre: tuple[int, int], shape: tuple[int, ...]) -> Box:
    """A box of `SIDE` pixels around a cell, as far as an image of `shape` has them."""
    (i, j), half = centre, SIDE // 2
    y0, x0 = max(0, min(i - half, shape[0] - 1)), max(0, min(j - half, shape[1] - 1))
    return y0, x0, min(max(i + half, y0 + 1), shape[0]), min(max(j + half, x0 + 1), shape[1])


def edge_costs(image: Labels, box: Box) -> NDArray[np.float64]:
    """What a step over each pixel of `box` costs: little along the strong edges of the photo, uint8 H×W×3."""
    from scipy.ndimage import gaussian_filter, sobel

    photo = image[slices(box)].astype(np.float32)
    smooth = gaussian_filter(photo, (SMOOTHING, SMOOTHING, 0))
    steep = np.hypot(sobel(smooth, 0), sobel(smooth, 1)).max(axis=2)
    strong = max(float(np.percentile(steep, 95)), 0.25 * float(steep.max()), 1e-6)
    flat = 1 - np.clip(steep / strong, 0, 1)
    return ALONG_AN_EDGE + (ALONG_NOTHING - ALONG_AN_EDGE) * flat.astype(np.float64) ** 2
