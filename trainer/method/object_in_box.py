"""From a box to strokes: finds the object that fills a box, and marks what is surely it."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

from trainer.data.classes import BACKGROUND, UNTOUCHED
from trainer.method.strokes import Box, PhotoEmbedding, StrokeModel

CORE = 0.5
"""Surely inside an object is what lies at least so far from its outline, as a part of the farthest."""
FINEST = 200
"""Cores are found on so many cells a side at most: they need no fine outline."""
SLACK = 0.15
"""How far an object may reach beyond its box on each side, as a part of the box's: people draw quickly."""
LEAK = 0.05
"""What a mask may gain farther outside, as a part of the object, before it is held back there."""


def strokes_for_box(
    model: StrokeModel,
    photo: PhotoEmbedding,
    propagated: np.ndarray,
    corrections: np.ndarray,
    box: Box,
    class_id: int,
) -> np.ndarray:
    """Return strokes that make the object in a box a class's: uint8 H×W, 255 where none is needed.

    The network is told the box as the mask before, and answers with the object. The strokes are the core of
    the object and, where the mask that follows from it would spread far outside the box, background there.

    Args:
        model: the stroke network.
        photo: of its `embed`.
        propagated: uint8 H×W, the mask before without the box.
        corrections: uint8 H×W, the strokes so far, 255 untouched.
        box: around the object, not empty.
        class_id: of the object, not background.
    """
    boxed = np.full(photo.size, BACKGROUND, np.uint8)
    boxed[box.slices] = class_id
    object_ = np.zeros(photo.size, bool)
    object_[box.slices] = model.refine(photo, boxed, corrections)[box.slices] == class_id
    if not object_.any():
        object_[box.slices] = True
    strokes = np.full(photo.size, UNTOUCHED, np.uint8)
    strokes[core(object_)] = class_id
    free = corrections == UNTOUCHED
    following = model.refine(photo, propagated, np.where(free, strokes, corrections))
    leak = (following == class_id) & (model.refine(photo, propagated, corrections) != class_id)
    leak[_grown(box, photo.size).slices] = False
    if leak.sum() > LEAK * object_.sum():
        strokes[core(leak)] = BACKGROUND
    return strokes


def _grown(box: Box, size: tuple[int, int]) -> Box:
    rows, columns = (round(SLACK * side) for side in box.size)
    return Box(
        max(0, box.top - rows),
        max(0, box.left - columns),
        min(size[0], box.bottom + rows),
        min(size[1], box.right + columns),
    )


def core(area: np.ndarray) -> np.ndarray:
    """Return the pixels well inside an area, bool H×W; at least one where there is any."""
    rows, columns = np.flatnonzero(area.any(1)), np.flatnonzero(area.any(0))
    inside = np.zeros_like(area)
    if len(rows) == 0:
        return inside
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    part = area[window]
    step = -(-max(part.shape) // FINEST)
    coarse = np.pad(part[::step, ::step], 1)
    far = distance_transform_edt(coarse)[1:-1, 1:-1]
    deep = (far >= CORE * far.max()) & (far > 0)
    fine = deep.repeat(step, 0).repeat(step, 1)[: part.shape[0], : part.shape[1]]
    inside[window] = fine & part
    return inside
