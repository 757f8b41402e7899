"""The geometry of pixel pairs: which pixels are compared with which, and how pairs are stored.

This file is its only owner. Everything else (labels, loss, walk, refinement) speaks of *pair planes*: an
array ``(P, h, w)`` whose entry ``[p, y, x]`` belongs to the pair of pixel ``(y, x)``, its source, and
pixel ``(y + dy_p, x + dx_p)``, its target. Only forward offsets are kept, so every unordered pair occurs
exactly once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import dia_array

from trainer.data.classes import BACKGROUND, VOID

RADIUS = 5
"""Radius γ of the search disc, in cells of the feature grid (paper, section 4.2)."""


@lru_cache(maxsize=16)
def offsets(radius: int = RADIUS) -> np.ndarray:
    """Return the forward offsets ``(dy, dx)`` inside the open disc ``dy² + dx² < radius²`` as int64
    ``(P, 2)``.

    An offset is forward when its target comes after its source in raster order, so a pair is never
    listed twice. Radius 5 gives 34 offsets. The array is shared and read-only.
    """
    if radius < 2:
        raise ValueError(f"radius must be at least 2, got {radius}")
    forward = [
        (dy, dx)
        for dy in range(radius)
        for dx in range(1 - radius, radius)
        if dy * dy + dx * dx < radius * radius and (dy, dx) > (0, 0)
    ]
    table = np.array(forward, dtype=np.int64)
    table.flags.writeable = False
    return table


class Overlap(NamedTuple):
    """Slices ``(rows, columns)`` that cut the sources and the targets of one offset out of a plane."""

    source: tuple[slice, slice]
    target: tuple[slice, slice]


def overlap(height: int, width: int, dy: int, dx: int) -> Overlap:
    """Return the slices of all in-bounds pairs of offset ``(dy, dx)``, ``dy ≥ 0``; they are empty if
    there is none."""
    rows, columns = max(0, height - dy), max(0, width - abs(dx))
    left = max(0, -dx)
    return Overlap(
        source=(slice(0, rows), slice(left, left + columns)),
        target=(slice(dy, dy + rows), slice(left + dx, left + dx + columns)),
    )


@dataclass(frozen=True, eq=False)
class PairGrid:
    """All in-bounds pairs of a ``height × width`` grid. Use :func:`pair_grid`, which keeps the recent ones.

    Attributes:
        offsets: int64 ``(P, 2)``, see :func:`offsets`.
        flat_offsets: int64 ``(P,)``, the distance from source to target in the flattened grid.
        inside: bool ``(P, h, w)``, where the pair planes hold a pair.
        overlaps: slices of the pairs of each offset.
    """

    height: int
    width: int
    radius: int = RADIUS
    offsets: np.ndarray = field(init=False, repr=False)
    flat_offsets: np.ndarray = field(init=False, repr=False)
    inside: np.ndarray = field(init=False, repr=False)
    overlaps: tuple[Overlap, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise ValueError(f"a grid needs at least one pixel, got {self.height}×{self.width}")
        table = offsets(self.radius)
        overlaps = tuple(overlap(self.height, self.width, int(dy), int(dx)) for dy, dx in table)
        inside = np.zeros((len(table), self.height, self.width), dtype=bool)
        for plane, pairs in zip(inside, overlaps, strict=True):
            plane[pairs.source] = True
        inside.flags.writeable = False
        for name, value in (
            ("offsets", table),
            ("flat_offsets", table @ np.array([self.width, 1])),
            ("inside", inside),
            ("overlaps", overlaps),
        ):
            object.__setattr__(self, name, value)

    @property
    def size(self) -> int:
        """Number of pixels."""
        return self.height * self.width

    @property
    def source(self) -> np.ndarray:
        """Flat pixel index of the source of every pair, int64, ordered by offset, then raster order."""
        return np.nonzero(self.inside.reshape(len(self.offsets), -1))[1]

    @property
    def target(self) -> np.ndarray:
        """Flat pixel index of the target of every pair, in the order of :attr:`source`."""
        plane, source = np.nonzero(self.inside.reshape(len(self.offsets), -1))
        return source + self.flat_offsets[plane]


@lru_cache(maxsize=32)
def pair_grid(height: int, width: int, radius: int = RADIUS) -> PairGrid:
    """Return the (cached) pairs of a ``height × width`` grid."""
    return PairGrid(height, width, radius)


def pair_matrix(planes: np.ndarray, radius: int = RADIUS, diagonal: float = 0.0) -> dia_array:
    """Return the symmetric sparse matrix of all pixels whose entries are the pair planes, both ways.

    One diagonal per offset and direction needs no index, and its product with a map streams through memory.

    Args:
        planes: float32 ``(P, h, w)``; what lies out of bounds is ignored.
        radius: radius of the pair disc the planes were made with.
        diagonal: the entry of every pixel with itself.
    """
    pairs = pair_grid(*planes.shape[1:], radius)
    if len(planes) != len(pairs.offsets):
        raise ValueError(f"radius {radius} has {len(pairs.offsets)} pair planes, got {len(planes)}")
    # On grids narrower than the disc, offsets share a diagonal (their pairs do not meet) or have no pair.
    shifts, slots = np.unique(pairs.flat_offsets, return_inverse=True)
    lower = np.zeros((len(shifts), pairs.size), dtype=np.float32)
    for slot, plane, inside in zip(slots, planes, pairs.inside, strict=True):
        lower[slot] += np.where(inside, plane, 0).ravel()
    usable = (shifts > 0) & (shifts < pairs.size)
    shifts, lower = shifts[usable], lower[usable]
    # scipy keeps M[j − s, j] at column j of diagonal s: the plane itself for −s, the shifted plane for +s.
    upper = np.zeros_like(lower)
    for above, below, shift in zip(upper, lower, shifts, strict=True):
        above[shift:] = below[:-shift]
    data = np.concatenate([lower, upper, np.full((1, pairs.size), diagonal, dtype=np.float32)])
    return dia_array((data, np.concatenate([-shifts, shifts, [0]])), shape=(pairs.size, pairs.size))


class PairLabels(NamedTuple):
    """Pair planes, bool ``(B, P, h, w)``, of the three sets the affinity loss averages over (paper,
    equation 4–6).

    A pair with a neutral (255) or an out-of-bounds pixel is in none of them.
    """

    foreground: torch.Tensor
    background: torch.Tensor
    negative: torch.Tensor


def pair_labels(labels: torch.Tensor, radius: int = RADIUS) -> PairLabels:
    """Label every pair of confident pixels: same object class, both background, or of different classes.

    Args:
        labels: integer ``(B, h, w)``, 0 background, 255 neutral.
        radius: radius of the pair disc, in pixels of ``labels``.
    """
    batch, height, width = labels.shape
    pairs = pair_grid(height, width, radius)
    shape = (batch, len(pairs.offsets), height, width)
    same, different = (torch.zeros(shape, dtype=torch.bool, device=labels.device) for _ in range(2))
    confident = labels != VOID
    for plane, (source, target) in enumerate(pairs.overlaps):
        first, second = labels[:, *source], labels[:, *target]
        both = confident[:, *source] & confident[:, *target]
        same[:, plane, *source] = both & (first == second)
        different[:, plane, *source] = both & (first != second)
    is_background = (labels == BACKGROUND).unsqueeze(1)
    return PairLabels(same & ~is_background, same & is_background, different)
