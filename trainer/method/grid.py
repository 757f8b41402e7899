"""From pixels to cells of the feature grid: each cell has an equal share of the image's rows and columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from trainer.data.classes import VOID
from trainer.models.affinitynet import AFFINITY_STRIDE


def grid_of(size: Sequence[int]) -> tuple[int, int]:
    """Return the cells (h, w) of AffinityNet's grid for an image of `size` (H, W) as the net sees it."""
    return -(-size[0] // AFFINITY_STRIDE), -(-size[1] // AFFINITY_STRIDE)


def pool(maps: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Average float32 maps K×H×W over the pixels of each cell: K×h×w."""
    return functional.adaptive_avg_pool2d(torch.from_numpy(maps), grid).numpy()


def majority(labels: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Return uint8 h×w: the label that most pixels of a cell have, those that are 255 not counted.

    Args:
        labels: uint8 H×W, at least as large as the grid; 255 where nothing is said.
        grid: cells (h, w); a cell without a label is 255.
    """
    rows, columns = (np.arange(cells) * side // cells for side, cells in zip(labels.shape, grid, strict=True))
    result = np.full(grid, VOID, np.uint8)
    most = np.zeros(grid, np.int32)
    for label in np.flatnonzero(np.bincount(labels.ravel(), minlength=VOID + 1)[:VOID]):
        in_rows = np.add.reduceat(labels == label, rows, axis=0, dtype=np.int32)
        votes = np.add.reduceat(in_rows, columns, axis=1)
        result[votes > most] = label
        np.maximum(most, votes, out=most)
    return result


def normalised(scores: np.ndarray) -> np.ndarray:
    """Return scores K×h×w ≥ 0 scaled to sum to one over K."""
    return scores / np.maximum(scores.sum(axis=0), 1e-12)


def resize_nearest(labels: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Return labels H'×W' at `size` (H, W), each pixel that of the nearest one."""
    rows, columns = (
        (np.arange(side) * known) // side for side, known in zip(size, labels.shape, strict=True)
    )
    return labels[rows[:, None], columns]
