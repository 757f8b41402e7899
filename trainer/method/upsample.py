"""From scores on a grid of cells to a mask whose outline follows the picture's edges.

The colour guided filter (He, Sun & Tang 2010) in its fast form (He & Sun 2015): inside a small window
the scores are fitted by an affine function of the colour, ``score ≈ a · colour + b``. The fit is made at
about half a cell's resolution; only its smooth coefficients are enlarged and applied to the
full-resolution picture. It is linear and keeps scores that sum to one, so one channel of each sum comes
for free.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.nn import functional

EPSILON = 1e-4
"""Colour variance (colours in [0, 1]) below which a window counts as flat: its scores are only smoothed."""
WINDOW = 4
"""Half width of the fitting window in guide pixels, of which a cell has two across."""
TILE = 32
"""Side, in cells, of the tiles of which only those with a class border inside are computed."""
MARGIN = 5
"""Cells around a tile that its result may depend on."""

Box = tuple[int, int, int, int]


def edge_aware(scores: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Enlarge scores to the image's size, edges where the image has them.

    Args:
        scores: float32 ``(K, h, w)`` that sum to one over K; cell ``(i, j)`` covers the image's share of
            the grid.
        image: uint8 ``(H, W, 3)``.

    Returns:
        float32 ``(K, H, W)`` that sum to one. Memory: about ``5 K`` full-size float planes.
    """
    height, width = image.shape[:2]
    guide_size = tuple(
        min(full, 2 * cells) for full, cells in zip((height, width), scores.shape[1:], strict=True)
    )
    colours = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float().div_(255)
    # The first channel is background, as a rule the one that is left over.
    wanted = torch.from_numpy(np.ascontiguousarray(scores[1:], dtype=np.float32))[None]
    guide = functional.interpolate(colours, guide_size, mode="area")[0]
    coarse = functional.interpolate(wanted, guide_size, mode="bilinear", align_corners=False)[0]
    slopes, offset = _fit(guide, coarse)
    result = torch.empty(len(scores), height, width)
    for channel, slope, constant in zip(result[1:], slopes, offset, strict=True):
        planes = torch.cat([slope, constant[None]])[None]
        full = functional.interpolate(planes, (height, width), mode="bilinear", align_corners=False)[0]
        torch.sum(full[:3].mul_(colours[0]), dim=0, out=channel).add_(full[3])
    torch.sum(result[1:], dim=0, out=result[0]).neg_().add_(1)
    return result.numpy()


def edge_aware_labels(scores: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return the winning channel of :func:`edge_aware` for each pixel, uint8 ``(H, W)``, without the scores.

    A tile far from any border between winners takes its winner as it is, so time and memory follow the
    length of the outlines, not the area of the image.
    """
    height, width = image.shape[:2]
    winners = scores.argmax(axis=0).astype(np.uint8)
    rows, columns = _edges(height, winners.shape[0]), _edges(width, winners.shape[1])
    labels = np.empty((height, width), dtype=np.uint8)
    for (y0, x0, y1, x1), (wy0, wx0, wy1, wx1) in _tiles(*winners.shape):
        top, left = rows[wy0], columns[wx0]
        inner = np.s_[rows[y0] : rows[y1], columns[x0] : columns[x1]]
        around = winners[wy0:wy1, wx0:wx1]
        if (around == around[0, 0]).all():
            labels[inner] = around[0, 0]
            continue
        picture = image[top : rows[wy1], left : columns[wx1]]
        full = edge_aware(scores[:, wy0:wy1, wx0:wx1], picture)
        labels[inner] = full[
            :, rows[y0] - top : rows[y1] - top, columns[x0] - left : columns[x1] - left
        ].argmax(axis=0)
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


def _edges(pixels: int, cells: int) -> np.ndarray:
    """First pixel of each cell, and the end of the last."""
    return np.arange(cells + 1) * pixels // cells


def _tiles(height: int, width: int) -> Iterator[tuple[Box, Box]]:
    """Cut a grid into tiles, each with the window it may depend on, as half-open boxes (y0, x0, y1, x1)."""
    for y0 in range(0, height, TILE):
        for x0 in range(0, width, TILE):
            y1, x1 = min(y0 + TILE, height), min(x0 + TILE, width)
            window = (
                max(0, y0 - MARGIN),
                max(0, x0 - MARGIN),
                min(height, y1 + MARGIN),
                min(width, x1 + MARGIN),
            )
            yield (y0, x0, y1, x1), window
