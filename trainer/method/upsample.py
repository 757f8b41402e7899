"""From scores on a grid of cells to a mask whose outline follows the picture's edges.

The colour guided filter (He, Sun & Tang 2010) in its fast form (He & Sun 2015): inside a small window
the scores are fitted by an affine function of the colour, ``score ≈ a · colour + b``. The fit is made at
about half a cell's resolution; only its smooth coefficients are enlarged and applied to the
full-resolution picture. It is linear and keeps scores that sum to one, so one channel of each sum comes
for free.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

EPSILON = 1e-4
"""Colour variance (colours in [0, 1]) below which a window counts as flat: its scores are only smoothed."""
WINDOW = 4
"""Half width of the fitting window in guide pixels, of which a cell has two across."""
TILE = 24
"""Side, in cells, of the tiles the work is cut into."""
MARGIN = 5
"""Cells around a tile that its result may depend on."""


def edge_aware(scores: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Enlarge scores to the image's size, edges where the image has them.

    Args:
        scores: float32 ``(K, h, w)`` that sum to one over K; the grid of cells covers the image evenly.
        image: uint8 ``(H, W, 3)``, at least as large as the grid.

    Returns:
        float32 ``(K, H, W)`` that sum to one. They may leave [0, 1] a little where an edge is steep.
        Beside the result, memory is bounded by one tile.
    """
    result = np.empty((len(scores), *image.shape[:2]), dtype=np.float32)
    for tile in _tiles(scores.shape[1:], image.shape[:2]):
        full = _enlarge(scores[:, *tile.cells], image[*tile.pixels])
        result[:, *tile.result] = full[:, *tile.inner].numpy()
    return result


def edge_aware_labels(scores: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return the winning channel of :func:`edge_aware` for each pixel, uint8 ``(H, W)``, without the scores.

    A tile with one and the same winner in and around it is filled with it, so time follows the length of the
    outlines, not the area of the image.
    """
    winners = scores.argmax(axis=0).astype(np.uint8)
    labels = np.empty(image.shape[:2], dtype=np.uint8)
    for tile in _tiles(scores.shape[1:], image.shape[:2]):
        around = winners[tile.cells]
        if around.min() == around.max():
            labels[tile.result] = around[0, 0]
        else:
            full = _enlarge(scores[:, *tile.cells], image[*tile.pixels])
            labels[tile.result] = _winner(full[:, *tile.inner].numpy())
    return labels


def _enlarge(scores: np.ndarray, image: np.ndarray) -> torch.Tensor:
    height, width = image.shape[:2]
    guide_size = [min(full, 2 * cells) for full, cells in zip((height, width), scores.shape[1:], strict=True)]
    colours = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float().div_(255)
    # Background, the first channel, is what the others leave of one.
    wanted = torch.from_numpy(np.array(scores[1:], dtype=np.float32))
    result = torch.ones(len(scores), height, width)
    if len(wanted) == 0:
        return result
    guide = functional.interpolate(colours, guide_size, mode="area")[0]
    coarse = functional.interpolate(wanted[None], guide_size, mode="bilinear", align_corners=False)[0]
    for channel, slopes, offset in zip(result[1:], *_fit(guide, coarse), strict=True):
        planes = torch.cat([slopes, offset[None]])[None]
        full = functional.interpolate(planes, (height, width), mode="bilinear", align_corners=False)[0]
        torch.sum(full[:3].mul_(colours[0]), dim=0, out=channel).add_(full[3])
        result[0] -= channel
    return result


def _winner(scores: np.ndarray) -> np.ndarray:
    """Return the first axis' argmax as uint8; comparing whole planes is ten times as fast as ``argmax``."""
    best = scores[0].copy()
    labels = np.zeros(best.shape, dtype=np.uint8)
    for channel, plane in enumerate(scores[1:], start=1):
        labels[plane > best] = channel
        np.maximum(best, plane, out=best)
    return labels


def _fit(guide: torch.Tensor, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Fit each window and average the fits that cover a pixel: slopes ``(K, 3, h, w)``, offsets ``(K, h,
    w)``."""
    red_to_blue = torch.combinations(torch.arange(3), with_replacement=True).T
    products = guide[red_to_blue[0]] * guide[red_to_blue[1]]
    weighted = (scores[:, None] * guide).flatten(0, 1)
    means = _box(torch.cat([guide, products, scores, weighted]))
    mean, second, mean_score, mixed = means.split([3, 6, len(scores), 3 * len(scores)])
    rr, rg, rb, gg, gb, bb = second - mean[red_to_blue[0]] * mean[red_to_blue[1]]
    rr, gg, bb = rr + EPSILON, gg + EPSILON, bb + EPSILON
    # The 3×3 inverse by cofactors: a batched solver is many times slower on matrices this small.
    cofactors = torch.stack(
        [
            gg * bb - gb * gb,
            gb * rb - rg * bb,
            rg * gb - gg * rb,
            rr * bb - rb * rb,
            rb * rg - rr * gb,
            rr * gg - rg * rg,
        ]
    )
    cofactors /= rr * cofactors[0] + rg * cofactors[1] + rb * cofactors[2]
    inverse = cofactors[torch.tensor([[0, 1, 2], [1, 3, 4], [2, 4, 5]])]
    covariance = mixed.view(-1, 3, *guide.shape[1:]) - mean_score[:, None] * mean
    slopes = (inverse * covariance[:, None]).sum(dim=2)
    offsets = mean_score - (slopes * mean).sum(dim=1)
    smooth = _box(torch.cat([slopes.flatten(0, 1), offsets]))
    return smooth[: 3 * len(scores)].view_as(slopes), smooth[3 * len(scores) :]


def _box(planes: torch.Tensor) -> torch.Tensor:
    """Average each pixel's window, cut at the border. Sums of shifted planes stream, running sums do not."""
    for axis in (1, 2):
        length = planes.shape[axis]
        total = planes.clone()
        for shift in range(1, min(WINDOW + 1, length)):
            total.narrow(axis, shift, length - shift).add_(planes.narrow(axis, 0, length - shift))
            total.narrow(axis, 0, length - shift).add_(planes.narrow(axis, shift, length - shift))
        place = torch.arange(length, device=planes.device)
        counts = place.clamp(max=WINDOW) + place.flip(0).clamp(max=WINDOW) + 1
        planes = total.div_(counts.view((-1, 1) if axis == 1 else (1, -1)))
    return planes


class _Tile(NamedTuple):
    """One tile: the cells and pixels it depends on, its place among those pixels, and its place in the
    image."""

    cells: tuple[slice, slice]
    pixels: tuple[slice, slice]
    inner: tuple[slice, slice]
    result: tuple[slice, slice]


def _tiles(grid: tuple[int, ...], image: tuple[int, ...]) -> Iterator[_Tile]:
    """Cut the grid of cells, and the image with it, into tiles with a margin."""
    spans = [list(_spans(cells, pixels)) for cells, pixels in zip(grid, image, strict=True)]
    for rows, columns in product(*spans):
        yield _Tile(*zip(rows, columns, strict=True))


def _spans(cells: int, pixels: int) -> Iterator[tuple[slice, slice, slice, slice]]:
    """Cut one axis: the four slices of a :class:`_Tile`. A cell's first pixel is rounded down."""
    for first in range(0, cells, TILE):
        last = min(first + TILE, cells)
        low, high = max(0, first - MARGIN), min(cells, last + MARGIN)
        start, begin, end, stop = (cell * pixels // cells for cell in (low, first, last, high))
        yield slice(low, high), slice(start, stop), slice(begin - start, end - start), slice(begin, end)
