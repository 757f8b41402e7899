"""How a covered area becomes an edit: which pixels change, to what, and the smallest box that holds them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.boxes import Box, slices
from annotator.canvas.geometry import tight
from annotator.session.document import Labels
from trainer.data.classes import UNTOUCHED


@dataclass(frozen=True)
class Change:
    """A patch of a painted layer: half-open `box` (y0, x0, y1, x1), what it held before and holds after."""

    box: Box
    before: Labels
    after: Labels


def change(
    layer: Labels, box: Box, cover: NDArray[np.bool_], value: int, protect_others: bool = False
) -> Change | None:
    """What painting `value` on the covered pixels of `box` does to `layer`, or None when it changes nothing.

    `layer` is the H×W painted layer (255 untouched) and is not written to. With `protect_others`, pixels the
    person already gave another class keep it. Erasing (`value` 255) is never held back.
    The work is that of the box, not of the image.
    """
    held = layer[slices(box)]
    changing = cover & (held != value)
    if protect_others and value != UNTOUCHED:
        changing &= held == UNTOUCHED
    found = tight(box, changing)
    if found is None:
        return None
    inner, cover = found
    before = layer[slices(inner)].copy()
    return Change(inner, before, np.where(cover, np.uint8(value), before))
