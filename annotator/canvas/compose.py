"""From label maps and scores to the colours of the pixels on the screen. Pure functions on arrays, no Qt.

Only the part of a layer that is on the screen is ever composed, at the screen's own resolution: the cost is
that of the repainted rectangle whatever the image's size, and outlines and hatching are crisp at every zoom.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.canvas.colours import TRANSPARENT, Lut
from annotator.session.document import Labels
from trainer.data.classes import BACKGROUND, UNTOUCHED, VOID

Indices = NDArray[np.intp]
Pixels = NDArray[np.uint32]  # premultiplied 0xAARRGGBB


@dataclass(frozen=True)
class Raster:
    """A rectangle of screen pixels laid over an image.

    `rows` and `columns` give the image pixel under each screen pixel, with `margin` more on every side, so
    that outlines know their neighbours; `down` and `right` count screen pixels from the image's corner, so
    that a pattern stays with the image when it is scrolled.
    """

    rows: Indices
    columns: Indices
    down: Indices
    right: Indices
    margin: int

    @classmethod
    def over(
        cls,
        left: int,
        top: int,
        width: int,
        height: int,
        origin: tuple[float, float],
        scale: tuple[float, float],
        shape: tuple[int, int],
        margin: int = 0,
    ) -> "Raster":
        """The raster of a screen rectangle over an image at `origin` (x, y) enlarged by `scale` (x, y)."""
        x = np.arange(left - margin, left + width + margin)
        y = np.arange(top - margin, top + height + margin)
        columns = np.floor((x + 0.5 - origin[0]) / scale[0]).astype(np.intp)
        rows = np.floor((y + 0.5 - origin[1]) / scale[1]).astype(np.intp)
        inner = slice(margin, -margin or None)
        return cls(
            rows.clip(0, shape[0] - 1),
            columns.clip(0, shape[1] - 1),
            y[inner] - int(np.floor(origin[1])),
            x[inner] - int(np.floor(origin[0])),
            margin,
        )

    def sample(self, layer: NDArray) -> NDArray:
        """The layer's value under each screen pixel, margin included."""
        first, last = self.columns[0], self.columns[-1]
        return layer[:, first : last + 1][self.rows].take(self.columns - first, axis=1)

    def sample_inner(self, layer: NDArray) -> NDArray:
        """The layer's value under each screen pixel, without the margin."""
        m = self.margin
        return self.sample(layer)[m : -m or None, m : -m or None]

    def stripes(self, period: int) -> NDArray[np.bool_]:
        """Diagonal hatching, a third of `period` screen pixels wide."""
        cycle = (self.down % period)[:, None].astype(np.int16) + (self.right % period).astype(np.int16)
        return (np.arange(2 * period) % period < max(1, period // 3))[cycle]


@dataclass(frozen=True)
class Hatch:
    """Stripes of `colour`, `period` screen pixels apart, over one label of the map or of another `layer`.

    Without a label they lie over all that is painted there.
    """

    label: int | None
    colour: np.uint32
    period: int
    layer: Labels | None = None

    def covers(self, labels: Labels) -> NDArray[np.bool_]:
        """Where it lies over labels of its layer."""
        return labels != UNTOUCHED if self.label is None else labels == self.label


def label_pixels(
    raster: Raster,
    layer: Labels,
    fill: Lut,
    line: Lut | None = None,
    hatches: Sequence[Hatch] = (),
    parts: NDArray[np.uint16] | None = None,
) -> Pixels | None:
    """Colours of a label map: `fill`, `line` on both sides of its boundaries, `hatches` over some labels.

    With `parts`, numbers of the objects, also the boundaries of those that touch get lines.

    None where there is nothing to see, which is checked early: most of a layer of strokes is empty.
    """
    around = raster.sample(layer)
    if all(hatch.layer is None for hatch in hatches):
        only = around[0, 0]
        striped = any(hatch.covers(only) for hatch in hatches)
        if fill[only] == TRANSPARENT and not striped and (around == only).all():
            return None
    m = raster.margin
    inner = slice(m, -m or None)
    labels = around[inner, inner]
    pixels = fill[labels]
    for hatch in hatches:
        hatched = hatch.covers(labels if hatch.layer is None else raster.sample_inner(hatch.layer))
        if np.any(hatched):
            pixels[hatched & raster.stripes(hatch.period)] = hatch.colour
    if line is not None and m:
        edge = np.logical_or(*_edges(around, m))
        pixels[edge] = line[labels[edge]]
        if parts is not None:
            within = ~edge & (labels != BACKGROUND) & (labels != VOID)
            before, after = _edges(raster.sample(parts), m)
            pixels[within & before] = line[labels[within & before]]
            pixels[within & after] = line[BACKGROUND]  # light on one side, dark on the other
    return pixels


def _edges(around: NDArray, margin: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a value, without the margin, differs `margin` pixels above or left, and below or right."""
    inner = slice(margin, -margin)
    values = around[inner, inner]
    before = (values != around[: -2 * margin, inner]) | (values != around[inner, : -2 * margin])
    after = (values != around[2 * margin :, inner]) | (values != around[inner, 2 * margin :])
    return before, after


def score_pixels(raster: Raster, scores: NDArray[np.float32], lut: Lut) -> Pixels:
    """Colours of scores in [0, 1]."""
    levels = raster.sample_inner(scores) * np.float32(255) + np.float32(0.5)
    return lut[levels.clip(0, 255).astype(np.uint8)]
