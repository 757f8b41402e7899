"""The layers over the photo as graphics items, composed where they are seen."""

from abc import abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QImage, QPainter, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from annotator.canvas.colours import argb, heat_lut, mask_luts, seed_lut, stroke_luts
from annotator.canvas.compose import Hatch, Pixels, Raster, label_pixels, score_pixels
from annotator.session.document import Labels
from trainer.data.classes import BACKGROUND, EDIT_VOID, UNTOUCHED, VOID

LINE_WIDTH = 1.75  # logical pixels
HATCH_PERIOD = 8.0  # logical pixels

WHITE = (255, 255, 255)

LabelSource = Callable[[], Labels | None]


class LayerItem(QGraphicsItem):
    """One layer over an image. `recomposed` counts the screen pixels it has drawn since it was made."""

    def __init__(self) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self.extent = (0, 0)
        self.strength = 1.0
        self.recomposed = 0

    def set_extent(self, extent: tuple[int, int]) -> None:
        """Height and width of the image below."""
        self.prepareGeometryChange()
        self.extent = extent
        self.update()

    def set_strength(self, strength: float) -> None:
        """How strongly the layer covers what is below, 0…1."""
        self.strength = strength
        self.update()

    def refresh(self, dirty: QRect) -> None:
        """Redraw the image pixels of `dirty`, with the outline that their neighbours may gain or lose."""
        self.update(QRectF(dirty).adjusted(-2, -2, 2, 2))

    def boundingRect(self) -> QRectF:
        """The image's rectangle."""
        return QRectF(0, 0, self.extent[1], self.extent[0])

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Compose the exposed rectangle in screen pixels and put it there, one to one."""
        to_screen = painter.combinedTransform()
        exposed = option.exposedRect & self.boundingRect()
        rect = to_screen.mapRect(exposed).toAlignedRect() & to_screen.mapRect(self.boundingRect()).toRect()
        if rect.isEmpty():
            return
        ratio = painter.device().devicePixelRatio()
        pixels = self.render(painter, rect, ratio)
        if pixels is None:
            return
        self.recomposed += rect.width() * rect.height()
        pixels = np.ascontiguousarray(pixels)
        image = QImage(
            pixels.data,
            rect.width(),
            rect.height(),
            4 * rect.width(),
            QImage.Format.Format_ARGB32_Premultiplied,
        )
        image.setDevicePixelRatio(ratio)
        painter.save()
        painter.setWorldTransform(QTransform())
        painter.drawImage(QPointF(rect.x() / ratio, rect.y() / ratio), image)
        painter.restore()

    def render(self, painter: QPainter, rect: QRect, ratio: float) -> Pixels | None:
        """Colours of the screen pixels of `rect`, or None when there is nothing to show."""
        to_screen = painter.combinedTransform()
        raster = Raster.over(
            rect.x(),
            rect.y(),
            rect.width(),
            rect.height(),
            (to_screen.dx(), to_screen.dy()),
            (to_screen.m11(), to_screen.m22()),
            self.extent,
            margin=max(1, round(LINE_WIDTH * ratio)),
        )
        return self.compose(raster, ratio)

    @abstractmethod
    def compose(self, raster: Raster, ratio: float) -> Pixels | None:
        """Colours of the raster's pixels, or None when there is nothing to show."""


class CamItem(LayerItem):
    """Heat map of one class's activation."""

    def __init__(self, scores: Callable[[], NDArray[np.float32] | None]) -> None:
        super().__init__()
        self._scores = scores
        self.set_strength(0.75)

    def set_strength(self, strength: float) -> None:
        """Opacity of the highest score, 0…1."""
        self._lut = heat_lut(strength)
        super().set_strength(strength)

    def compose(self, raster: Raster, ratio: float) -> Pixels | None:
        """Scores through the heat map."""
        scores = self._scores()
        return None if scores is None else score_pixels(raster, scores, self._lut)


class MaskItem(LayerItem):
    """The mask: class colours and a crisp outline, also between objects.

    Hand edits are hatched widely in white, what the person left undecided closely.
    """

    def __init__(
        self,
        mask: LabelSource,
        edits: LabelSource = lambda: None,
        objects: Callable[[], NDArray[np.uint16] | None] = lambda: None,
    ) -> None:
        super().__init__()
        self._mask, self._edits, self._objects = mask, edits, objects
        self.set_strength(0.45)

    def set_strength(self, strength: float) -> None:
        """Opacity of the fill, 0…1; the outline stays, so 0 leaves outlines alone."""
        self._fill, self._line = mask_luts(strength)
        super().set_strength(strength)

    def compose(self, raster: Raster, ratio: float) -> Pixels | None:
        """Labels through the class colours."""
        mask = self._mask()
        if mask is None:
            return None
        edits, hatches = self._edits(), list[Hatch]()
        if edits is not None:
            hatches = [
                _hatch(None, WHITE, 0.4, 2 * ratio, edits),
                _hatch(EDIT_VOID, WHITE, 0.6, ratio, edits),
            ]
        objects = self._objects()
        parts = objects if objects is not None and objects.shape == mask.shape else None
        return label_pixels(raster, mask, self._fill, self._line, hatches, parts)


class ComparedItem(LayerItem):
    """Another mask than the one that is shown, striped in white where the two differ."""

    def __init__(self, other: LabelSource, shown: LabelSource) -> None:
        super().__init__()
        self._other, self._shown = other, shown
        self.set_strength(0.45)

    def set_strength(self, strength: float) -> None:
        """Opacity of the fill, 0…1; outline and stripes stay."""
        self._fill, self._line = mask_luts(strength)
        super().set_strength(strength)

    def compose(self, raster: Raster, ratio: float) -> Pixels | None:
        """Labels through the class colours, and the stripes."""
        other, shown = self._other(), self._shown()
        if other is None or shown is None:
            return None
        pixels = label_pixels(raster, other, self._fill, self._line)
        differs = raster.sample_inner(other) != raster.sample_inner(shown)
        if not differs.any():
            return pixels
        if pixels is None:
            pixels = np.zeros(differs.shape, np.uint32)
        pixels[differs & raster.stripes(round(HATCH_PERIOD * ratio))] = np.uint32(argb(WHITE, 0.75))
        return pixels


class SeedsItem(LayerItem):
    """Seed cues: class colours, background as a dark hatched veil, neutral pixels left clear."""

    def __init__(self, seeds: LabelSource) -> None:
        super().__init__()
        self._seeds = seeds
        self.set_strength(0.5)

    def set_strength(self, strength: float) -> None:
        """Opacity of the cues, 0…1."""
        self._fill = seed_lut(strength)
        super().set_strength(strength)

    def compose(self, raster: Raster, ratio: float) -> Pixels | None:
        """Labels through the class colours."""
        seeds = self._seeds()
        if seeds is None:
            return None
        hatch = _hatch(BACKGROUND, (150, 158, 170), 0.5 * self.strength, ratio)
        return label_pixels(raster, seeds, self._fill, None, [hatch])


class StrokesItem(LayerItem):
    """What the person painted on the seeds: hatched and rimmed in white, which nothing computed is."""

    def __init__(self, corrections: LabelSource) -> None:
        super().__init__()
        self._corrections = corrections
        self.set_strength(0.75)

    def set_strength(self, strength: float) -> None:
        """Opacity of the strokes, 0…1; their rims stay."""
        self._fill, self._line = stroke_luts(strength)
        super().set_strength(strength)

    def compose(self, raster: Raster, ratio: float) -> Pixels | None:
        """Labels through the class colours."""
        corrections = self._corrections()
        if corrections is None:
            return None
        hatch = _hatch(None, WHITE, 0.8 * self.strength, ratio)
        return label_pixels(raster, corrections, self._fill, self._line, [hatch])


class DrawnItem(LayerItem):
    """The stroke that is being drawn, as it will look once it is there; an eraser's as a pale hatching."""

    def __init__(self, covered: Callable[[], NDArray[np.bool_] | None]) -> None:
        super().__init__()
        self._covered = covered
        self.set_value(UNTOUCHED)

    def set_value(self, value: int) -> None:
        """What the stroke paints: a class, 254 for void, 255 for erasing."""
        fill, line = stroke_luts(0.75)
        colourless = value in (UNTOUCHED, EDIT_VOID)
        self._fill = np.array([0, argb(WHITE, 0.15) if colourless else fill[value]], np.uint32)
        self._line = np.array([line[VOID], line[0]], np.uint32)

    def compose(self, raster: Raster, ratio: float) -> Pixels | None:
        """The covered pixels in the colour of their class."""
        covered = self._covered()
        if covered is None:
            return None
        hatch = _hatch(1, WHITE, 0.6, ratio)
        return label_pixels(raster, covered.view(np.uint8), self._fill, self._line, [hatch])


def _hatch(
    label: int | None, rgb: tuple[int, int, int], alpha: float, ratio: float, layer: Labels | None = None
) -> Hatch:
    return Hatch(label, np.uint32(argb(rgb, alpha)), round(HATCH_PERIOD * ratio), layer)
