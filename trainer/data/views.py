"""Photos at the size at which the networks see them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from cachetools import LRUCache
from torch.nn import functional
from torch.utils.data import get_worker_info

from trainer.data.images import load_image

BUDGET = 1 << 30
"""Bytes of reduced photos kept in memory."""


def resize_to_fit(image: np.ndarray, max_side: int) -> np.ndarray:
    """Return a uint8 H×W×3 image with no side over `max_side` pixels; a smaller one as it is."""
    height, width = image.shape[:2]
    shrink = max_side / max(height, width)
    if shrink >= 1:
        return image
    size = max(1, round(height * shrink)), max(1, round(width * shrink))
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
    # uint8 in, uint8 out: a large photo is never copied as float.
    small = functional.interpolate(pixels, size, mode="bilinear", antialias=True)
    return small[0].permute(1, 2, 0).contiguous().numpy()


class Views(Sequence[np.ndarray]):
    """Reduced photos of many files, decoded when asked for; the recently used ones stay in memory."""

    def __init__(self, paths: Sequence[Path], max_side: int, budget: int = BUDGET) -> None:
        """`max_side` in pixels, `budget` in bytes."""
        self._paths, self._max_side, self._budget = paths, max_side, budget
        self._kept: LRUCache[int, np.ndarray] = LRUCache(budget, lambda view: view.nbytes)

    def only(self, indices: Sequence[int]) -> Views:
        """Return the photos of these indices; all of them are the very same object."""
        if list(indices) == list(range(len(self))):
            return self
        return Views([self._paths[index] for index in indices], self._max_side, self._budget)

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> np.ndarray:  # type: ignore[override]
        """Return photo `index` as uint8 H×W×3. Raises DataError where the file cannot be read."""
        if index in self._kept:
            return self._kept[index]
        view = resize_to_fit(load_image(self._paths[index]), self._max_side)
        # In a process that loads photos for a training, what is kept would be kept once more by each of them.
        if get_worker_info() is None:
            with suppress(ValueError):  # a photo larger than the budget
                self._kept[index] = view
        return view

    def __reduce__(self) -> tuple[type[Views], tuple[Sequence[Path], int, int]]:
        """A copy for another process starts without the photos."""
        return Views, (self._paths, self._max_side, self._budget)
