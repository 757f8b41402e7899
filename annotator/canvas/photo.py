"""The photo as a graphics item: the copy of the right size, as bright as somebody wants to see it."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect
from PySide6.QtGui import QImage, QPainter, QTransform
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from annotator.canvas.compose import Pixels, Raster
from annotator.canvas.layers import LayerItem
from annotator.canvas.look import AS_IT_IS, Tone

CRISP_FROM = 3.0  # screen pixels per image pixel: from here on single pixels are shown as squares

OPAQUE = np.uint32(0xFF000000)


class ImageItem(LayerItem):
    """The photo: smooth where it is reduced, single pixels where it is enlarged three times or more."""

    def __init__(self) -> None:
        super().__init__()
        self._levels: list[NDArray[np.uint8]] = []
        self._curve: bytes | None = None

    def set_levels(self, levels: list[NDArray[np.uint8]]) -> None:
        """The photo (uint8 H×W×3) and, when there are any, its halved copies, largest first."""
        self._levels = [np.ascontiguousarray(level) for level in levels]
        self.set_extent(levels[0].shape[:2] if levels else (0, 0))

    def set_strength(self, strength: float) -> None:
        """How much the photo stands out from the backdrop, 0…1."""
        self.setOpacity(strength)
        super().set_strength(strength)

    def set_tone(self, tone: Tone) -> None:
        """Show it brighter or darker than it is."""
        self._curve = None if tone == AS_IT_IS else tone.curve().tobytes()
        self.update()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw it as it is, or through the curve: then only the pixels of the screen are looked up."""
        if not self._levels:
            return
        if self._curve is None:
            self._draw(painter)
        else:
            super().paint(painter, option, widget)

    def render(self, painter: QPainter, rect: QRect, ratio: float) -> Pixels:
        """The photo inside `rect`, reduced or enlarged as ever, each channel through the curve."""
        assert self._curve is not None
        pixels = np.zeros((rect.height(), rect.width()), np.uint32)
        shown = QImage(pixels.data, rect.width(), rect.height(), 4 * rect.width(), QImage.Format.Format_RGB32)
        to_screen = painter.combinedTransform()
        with_photo = QPainter(shown)
        with_photo.setWorldTransform(to_screen * QTransform.fromTranslate(-rect.x(), -rect.y()))
        self._draw(with_photo)
        with_photo.end()
        # An order of magnitude faster than indices into an array.
        through = np.frombuffer(pixels.tobytes().translate(self._curve), np.uint32)
        return through.reshape(pixels.shape) | OPAQUE

    def compose(self, raster: Raster, ratio: float) -> None:
        """Not used: the photo is drawn by Qt."""

    def _draw(self, painter: QPainter) -> None:
        """Draw the smallest copy that has at least the screen's resolution."""
        scale = painter.combinedTransform().m11()
        wanted = self.extent[1] * scale
        level = next((each for each in reversed(self._levels) if each.shape[1] >= wanted), self._levels[0])
        height, width = level.shape[:2]
        image = QImage(level.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale < CRISP_FROM)
        painter.drawImage(self.boundingRect(), image)
