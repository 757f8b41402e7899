"""Colours of the layers as look-up tables of premultiplied ARGB, one uint32 for each label or score."""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from annotator.class_colours import class_colours
from annotator.lab import lab_to_srgb
from trainer.data.classes import BACKGROUND, VOID

Lut = NDArray[np.uint32]  # 256 colours, 0xAARRGGBB, premultiplied

TRANSPARENT = np.uint32(0)


def argb(rgb: ArrayLike, alpha: ArrayLike) -> Lut:
    """Premultiplied 0xAARRGGBB of colours (…, 3) in 0…255 with alpha (…) in [0, 1]."""
    opacity = np.clip(np.asarray(alpha, np.float64), 0.0, 1.0)
    channels = np.rint(np.asarray(rgb, np.float64) * opacity[..., None]).astype(np.uint32)
    a = np.rint(255 * opacity).astype(np.uint32)
    packed = (a << 24) | (channels[..., 0] << 16) | (channels[..., 1] << 8) | channels[..., 2]
    return packed.astype(np.uint32)


def mixed(rgb: ArrayLike, other: ArrayLike, share: float) -> NDArray[np.float64]:
    """`rgb` with `share` (0…1) of `other` mixed in."""
    return (1 - share) * np.asarray(rgb, np.float64) + share * np.asarray(other, np.float64)


@cache
def heat_colours() -> NDArray[np.uint8]:
    """256×3 RGB from dark violet through red to light yellow, L* (CIELAB) from 12 to 94 in equal steps.

    Equal steps of score look equally large, which a rainbow does not give, and a grey print keeps the order.
    """
    t = np.linspace(0.0, 1.0, 256)
    hue = np.deg2rad(np.interp(t, [0.0, 0.5, 1.0], [305.0, 395.0, 460.0]))
    chroma = np.interp(t, [0.0, 0.25, 0.6, 1.0], [38.0, 62.0, 72.0, 46.0])
    lab = np.stack([12.0 + 82.0 * t, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    return np.rint(255 * lab_to_srgb(lab)).astype(np.uint8)


def heat_lut(strength: float) -> Lut:
    """Score (0…255) to colour; the photo shows through where the score is low."""
    return argb(heat_colours(), strength * np.linspace(0.0, 1.0, 256) ** 0.6)


def mask_luts(strength: float) -> tuple[Lut, Lut]:
    """Fill and outline of the mask: class colours at `strength`; the outline is light inside and dark
    outside, so that it is seen on dark objects and on bright ones.
    """
    colours = class_colours()
    fill = argb(colours, np.full(256, strength))
    fill[[BACKGROUND, VOID]] = TRANSPARENT
    line = argb(mixed(colours, (255, 255, 255), 0.5), np.ones(256))
    line[[BACKGROUND, VOID]] = argb((0, 0, 0), 0.75)
    return fill, line


def seed_lut(strength: float) -> Lut:
    """Automatic seed cues: class colours, background as a dark veil, neutral pixels left clear."""
    lut = argb(class_colours(), np.full(256, strength))
    lut[BACKGROUND] = argb((0, 0, 0), 0.75 * strength)
    lut[VOID] = TRANSPARENT
    return lut


def stroke_luts(strength: float) -> tuple[Lut, Lut]:
    """Fill and outline of the person's own strokes: brighter than what was computed and rimmed in white."""
    colours = mixed(class_colours(), (255, 255, 255), 0.1)
    fill = argb(colours, np.full(256, strength))
    fill[BACKGROUND] = argb((16, 18, 22), strength)
    fill[VOID] = TRANSPARENT
    line = argb(np.full((256, 3), 255.0), np.full(256, 0.95))
    line[VOID] = argb((0, 0, 0), 0.5)
    return fill, line
