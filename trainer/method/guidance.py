"""What the stroke network is told of strokes: maps on a grid of cells, for training and use alike."""

from __future__ import annotations

import torch
from torch import Tensor

from trainer.models.stroke_net import STRIDE

NEAR, FAR = 12.0, 60.0
"""Pixels over which nearness to a stroke falls to 1/e."""
SAMPLES = 32
"""The most cells of strokes to whose embedding the others' are compared."""
_SOLID = 0.5


def guidance(coverage: Tensor, unit: Tensor) -> Tensor:
    """Strokes → maps of where they are, how far, and what looks like what they touch.

    Args:
        coverage: ``B×2×h×w``, share of each cell in [0, 1] that strokes cover: wanted, unwanted.
        unit: ``B×C×h×w`` or ``1×C×h×w`` embedding of unit length.

    Returns:
        ``B×8×h×w``: 1 in touched cells (wanted, unwanted); exp(−d/12) and exp(−d/60) of wanted, the same of
        unwanted strokes, d being pixels to the nearest touched cell, 0 where there are no strokes; the
        greatest cosine to a touched cell, −1 where there are no strokes (wanted, unwanted).
    """
    touched = coverage > 0
    pixels = STRIDE * distance(touched.flatten(0, 1)).view_as(coverage)
    near = torch.stack([torch.exp(-pixels / NEAR), torch.exp(-pixels / FAR)], 2).flatten(1, 2)
    return torch.cat([touched.to(near.dtype), near, likeness(coverage, unit)], 1)


def distance(touched: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Euclidean distance of each cell to the nearest one that is set: boolean ``B×h×w`` → `dtype`.

    Infinite where none is set. Exact in float32; half precision, up to 250 cells a side, halves the memory.
    Felzenszwalb and Huttenlocher's separable form: along columns, then the lower envelope along rows, here by
    brute force, which is quicker on small grids.
    """
    height, width = touched.shape[-2:]
    rows = torch.arange(height, device=touched.device, dtype=dtype).view(-1, 1)
    none = torch.full((), torch.inf, dtype=dtype, device=touched.device)
    above = torch.where(touched, rows, -none).cummax(1).values
    below = torch.where(touched, rows, none).flip(1).cummin(1).values.flip(1)
    along = torch.minimum(rows - above, below - rows) ** 2
    columns = torch.arange(width, device=touched.device, dtype=dtype)
    across = (columns[:, None] - columns) ** 2
    # In pieces, for memory's sake.
    nearest = [(along[:, :, None] + part).amin(-1) for part in across.split(64)]
    return torch.cat(nearest, -1).sqrt()


def likeness(coverage: Tensor, unit: Tensor) -> Tensor:
    """Greatest cosine of each cell to one that strokes touch, −1 without strokes: ``B×2×h×w``.

    Of more than :data:`SAMPLES` cells as many are taken, well spread; those that strokes half cover first.
    """
    batch, signs, height, width = coverage.shape
    flat = coverage.flatten(2)
    order = _spread(height, width, coverage.device) + (flat >= _SOLID)
    count = min(SAMPLES, height * width)
    best = torch.where(flat > 0, order, -1.0).topk(count, dim=2)
    # Where a stroke half covers any cell at all, cells it hardly touches are most often beyond an edge.
    solid = best.values.amax(2, keepdim=True) >= 1
    taken = (best.values >= 0) & (~solid | (best.values >= 1))
    cells = unit.flatten(2).expand(batch, -1, -1)
    index = best.indices.view(batch, 1, -1).expand(-1, unit.shape[1], -1)
    cosines = torch.matmul(cells.gather(2, index).transpose(1, 2), cells)
    cosines = cosines.view(batch, signs, count, height * width).masked_fill(~taken[..., None], -1.0)
    return cosines.amax(2).view(batch, signs, height, width)


def _spread(height: int, width: int, device: torch.device) -> Tensor:
    """A number in [0, 1) for each of h·w cells, neighbours far apart (Roberts's R2 sequence)."""
    rows = torch.arange(height, device=device, dtype=torch.float64) * 0.7548776662466927
    columns = torch.arange(width, device=device, dtype=torch.float64) * 0.5698402909980532
    return ((rows[:, None] + columns) % 1).flatten().float()
