"""The colours of classes on the screen: bright and far apart.

Files keep the VOC palette, but half of its colours are too dark or too alike to be told apart over a photo.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from annotator.lab import lab_to_srgb
from trainer.data.class_files import Colour
from trainer.data.classes import BACKGROUND, EDIT_VOID, VOID

GOLDEN_ANGLE = 137.508  # degrees: any number of hues in a row lie well apart
LIGHTNESS = (80.0, 58.0, 70.0, 52.0)  # CIELAB L*, in turn
CHROMA = 62.0


_chosen: dict[int, Colour] = {}


def use_colours(chosen: Mapping[int, Colour]) -> None:
    """Show classes in the colours that a person chose for them, all others in their first ones."""
    _chosen.clear()
    _chosen.update(chosen)


def class_colours() -> NDArray[np.uint8]:
    """256×3 RGB by class id; black for background, white for void."""
    colours = first_colours().copy()
    for class_id, colour in _chosen.items():
        colours[class_id] = colour
    return colours


@cache
def first_colours() -> NDArray[np.uint8]:
    """The same without what a person chose."""
    ids = np.arange(256)
    hue = np.deg2rad(GOLDEN_ANGLE * ids + 240.0)
    lightness = np.array(LIGHTNESS)[ids % len(LIGHTNESS)]
    lab = np.stack([lightness, CHROMA * np.cos(hue), CHROMA * np.sin(hue)], axis=1)
    colours = np.rint(255 * lab_to_srgb(lab)).astype(np.uint8)
    colours[BACKGROUND] = 0
    colours[[EDIT_VOID, VOID]] = 255
    return colours


def class_colour(class_id: int) -> tuple[int, int, int]:
    """The colour of one class, red, green, blue."""
    r, g, b = class_colours()[class_id].tolist()
    return r, g, b
