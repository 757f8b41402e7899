"""The connected areas of a label map, and their outlines as polygons: what object formats are made of.

Coordinates are (x, y), pixel (x, y) reaching from x to x + 1. There are two ways to go round an area, since
programs differ in what they take a polygon to cover:

- along the borders of its pixels (`border_outlines`): a pixel is inside where its centre is, as COCO has it;
- through the outermost pixels (`pixel_outline`): those are inside as well, as for labelme and YOLO.

Either gives back the very pixels when it is filled the same way, by `fill_borders` or `fill_pixels`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage.measure import find_contours

from trainer.data.classes import VOID
from trainer.data.formats.base import ExportEntry
from trainer.data.objects import AROUND, objects_of

Points = NDArray[np.int64]
"""Corners of a closed polygon in pixels, (N, 2) as (x, y); the last is joined to the first."""

IN_PIXEL = 0.25
"""What is added to a pixel's (x, y) for a point in it that is that pixel whether it is rounded or cut off."""

_FAR = 1e6  # pixels; what lies beyond is no part of any photo


@dataclass(frozen=True, eq=False)
class Patch:
    """Pixels of an image: `inside` (h, w) in a box whose upper left pixel is (`left`, `top`)."""

    top: int
    left: int
    inside: NDArray[np.bool_]

    def of(self, image: NDArray) -> NDArray:
        """Return the box of an image (H, W, …), as a view."""
        height, width = self.inside.shape
        return image[self.top : self.top + height, self.left : self.left + width]


@dataclass(frozen=True, eq=False)
class Area(Patch):
    """Pixels of one label; those that touch at a corner are connected."""

    label: int

    @property
    def size(self) -> int:
        """How many pixels it has."""
        return int(np.count_nonzero(self.inside))

    @property
    def first(self) -> tuple[int, int]:
        """Row and column of its first pixel."""
        return self.top, self.left + int(np.argmax(self.inside[0]))

    @property
    def connected(self) -> list[Area]:
        """Its connected parts, from top to bottom."""
        numbers, count = ndimage.label(self.inside, structure=AROUND)
        if count == 1:
            return [self]
        return [
            Area(self.top + box[0].start, self.left + box[1].start, numbers[box] == number, self.label)
            for number, box in enumerate(ndimage.find_objects(numbers), start=1)
        ]


def objects_in(entry: ExportEntry) -> Iterator[Area]:
    """Go through the objects of an image, class by class, from top to bottom; one may have several areas."""
    objects = entry.objects or objects_of(entry.mask)
    for box, (number, label) in zip(
        ndimage.find_objects(objects.numbers), enumerate(objects.labels, start=1), strict=True
    ):
        yield Area(box[0].start, box[1].start, objects.numbers[box] == number, label)


def void_areas(mask: NDArray[np.uint8]) -> list[Area]:
    """Return the connected areas of undecided pixels (H, W)."""
    return Area(0, 0, mask == VOID, VOID).connected if (mask == VOID).any() else []


def border_outlines(area: Area) -> list[Points]:
    """Return the outline of an area along the borders of its pixels, and then those of its holes."""
    outlines = []
    for crossings in _crossings(area):
        # Between two borders that the outline crosses lies the corner where they meet.
        corners = np.floor((crossings[:-1] + crossings[1:]) / 2).astype(np.int64)
        outlines.append(_placed(_turns(corners)[:, ::-1], area))
    return outlines


def pixel_outline(area: Area) -> Points:
    """Return the outline of an area through its outermost pixels, as one polygon with those of its holes.

    It runs from each hole up to the outline above and back, over pixels of the area. Filled by the even-odd
    rule it leaves the holes out.
    """
    whole, *holes = _chains(area)
    for hole in sorted(holes, key=lambda chain: int(chain[:, 1].min())):
        start = int(np.argmin(hole[:, 1]))
        x, y = hole[start]
        above = np.flatnonzero(~area.inside[:y, x])
        joint = (x, int(above[-1]) + 1 if above.size else 0)
        # What is above begins above: it has been joined already.
        place = int(np.flatnonzero((whole == joint).all(axis=1))[0]) + 1
        around = np.concatenate([np.roll(hole, -start, axis=0), hole[start : start + 1], [joint]])
        whole = np.concatenate([whole[:place], around, whole[place:]])
    return _placed(_turns(whole), area)


def drawable(points: Points) -> Points:
    """Return a polygon with three points at least, as most readers demand; the last one is repeated."""
    missing = max(0, 3 - len(points))
    return np.concatenate([points, np.repeat(points[-1:], missing, axis=0)])


def fill_borders(polygons: Sequence[NDArray], shape: tuple[int, int]) -> Patch:
    """Return the pixels of an image (H, W) whose centre lies in an odd number of polygons.

    Each is (N, 2) as (x, y). Raises `ValueError` where a coordinate is no number.
    """
    polygons = [finite(points) for points in polygons]
    top, left, height, width = _box(np.floor(np.concatenate(polygons)), shape)
    toggles = np.zeros((height, width + 1), np.uint8)
    for points in polygons:
        x0, y0 = (points - (left, top)).T
        x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
        # An edge is crossed by the rows whose centre lies between its ends.
        first, end = (
            np.clip(np.ceil(bound - 0.5), 0, height).astype(np.int64)
            for bound in (np.minimum(y0, y1), np.maximum(y0, y1))
        )
        lengths = np.maximum(end - first, 0)
        edge = np.repeat(np.arange(len(x0)), lengths)
        row = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths) + first[edge]
        x = x0[edge] + (row + 0.5 - y0[edge]) * (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
        np.bitwise_xor.at(toggles, (row, np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)), 1)
    return Patch(top, left, np.bitwise_xor.accumulate(toggles, axis=1)[:, :width].astype(np.bool_))


def fill_pixels(points: NDArray, shape: tuple[int, int]) -> Patch:
    """Return the pixels of an image (H, W) in a polygon, those its outline runs through included.

    It is (N ≥ 3, 2) as (x, y). Raises `ValueError` where a coordinate is no number.
    """
    corners = np.trunc(finite(points)).astype(np.int64)  # as those programs do, also below 0
    top, left, height, width = _box(corners, shape)
    canvas = Image.new("L", (width, height))
    ImageDraw.Draw(canvas).polygon((corners - (left, top)).ravel().tolist(), fill=1, outline=1)
    return Patch(top, left, np.asarray(canvas).astype(np.bool_))


def _box(corners: NDArray, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return (top, left, height, width) of the part of an image (H, W) that pixels (x, y) span."""
    left, top = np.clip(corners.min(axis=0), 0, shape[::-1]).astype(int).tolist()
    right, bottom = np.clip(corners.max(axis=0) + 1, 0, shape[::-1]).astype(int).tolist()
    return top, left, bottom - top, right - left


def _crossings(area: Area) -> list[NDArray[np.float64]]:
    """Return for the outline, then for each hole, the middles (row, column) of all pixel borders it follows.

    They count from the pixel before the box; the first is repeated at the end.
    """
    found = find_contours(np.pad(area.inside, 1).astype(np.float64), 0.5, fully_connected="high")
    return sorted(found, key=lambda points: -np.ptp(points, axis=0).sum())


def _chains(area: Area) -> list[Points]:
    """Return for the outline, then for each hole, all pixels (x, y) of the area along it, in its box."""
    padded = np.pad(area.inside, 1)
    chains = []
    for crossings in _crossings(area):
        before, after = np.floor(crossings[:-1]).astype(int), np.ceil(crossings[:-1]).astype(int)
        inside = np.where(padded[tuple(before.T)][:, None], before, after)
        moved = (inside != np.roll(inside, 1, axis=0)).any(axis=1)
        moved[0] |= not moved.any()
        chains.append(inside[moved][:, ::-1] - 1)
    return chains


def _turns(chain: NDArray) -> Points:
    """Leave out the points of a closed chain of neighbours at which it goes straight on."""
    into, out = chain - np.roll(chain, 1, axis=0), np.roll(chain, -1, axis=0) - chain
    turns = (into != out).any(axis=1)
    return chain[turns] if turns.any() else chain[:1]


def _placed(points: Points, area: Area) -> Points:
    """Return points that count from the area's box as points of the image."""
    return points + np.array((area.left, area.top))


def finite(points: NDArray) -> NDArray[np.float64]:
    """Return points that may come from any file as numbers that can be drawn.

    Raises `ValueError` where a coordinate is no number.
    """
    numbers = np.asarray(points, np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("a point is no number")
    return np.clip(numbers, -_FAR, _FAR)
