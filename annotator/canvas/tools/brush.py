"""The brush: discs along the mouse."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath

from annotator.boxes import Box
from annotator.canvas.geometry import Cover, disc
from annotator.canvas.outlines import ink_colour, outline, stroke_twice
from annotator.canvas.painting import point
from annotator.canvas.tools.base import Tool, ToolHost
from trainer.data.classes import UNTOUCHED

PIXELATED_FROM = 4.0  # screen pixels per image pixel: from here on the ring follows the pixels it will paint
LARGEST_PIXELATED = 64.0  # image pixels; a larger circle and its pixels look alike


class Brush(Tool):
    """Paints discs along the mouse; with Shift a straight line from where the last stroke ended."""

    name = "brush"
    text = "Brush"
    shortcut = "B"
    icon = "mdi6.brush"
    help = "Paint the chosen class; right button erases."
    cursor = Qt.CursorShape.BlankCursor
    erases = False

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._last: QPointF | None = None

    def press(self, at: QPointF, erase: bool, straight: bool) -> None:
        """Begin a stroke."""
        self.painting.begin(erase or self.erases)
        self.painting.line(self._last if straight and self._last is not None else at, at)
        self._last = at

    def drag(self, at: QPointF) -> None:
        """Go on without a gap."""
        self.painting.line(self._last or at, at)
        self._last = at

    def release(self, at: QPointF) -> None:
        """Commit."""
        self.drag(at)
        self.painting.finish(self.name)

    def dab(self, at: QPointF) -> tuple[Box, Cover] | None:
        """The disc under the mouse."""
        if self.erases or self.painting.coverage is None:
            return None
        return disc(point(at), self.painting.radius, self.painting.coverage.shape)

    def reset(self) -> None:
        """No line starts at another image's stroke."""
        super().reset()
        self._last = None

    def draw(self, painter: QPainter, at: QPointF | None, erase: bool) -> None:
        """The ring: the circle whose inside is painted or, where single pixels are seen, their edge."""
        if at is None:
            return
        radius = self.painting.radius
        erase = erase or self.erases
        colour = ink_colour(self.ink(erase))
        if self.host.straight and self._last is not None and not self.busy:
            line = QPainterPath(self._last)
            line.lineTo(at)
            stroke_twice(painter, line, colour)
        ring = QPainterPath()
        if self.host.zoom_factor >= PIXELATED_FROM and radius <= LARGEST_PIXELATED:
            margin = int(2 * radius) + 4
            frame = (int(at.y()) - margin, int(at.x()) - margin)
            centre = at.x() - frame[1], at.y() - frame[0]
            (y0, x0, y1, x1), cover = disc(centre, radius, (2 * margin, 2 * margin))
            ring = outline((y0 + frame[0], x0 + frame[1], y1 + frame[0], x1 + frame[1]), cover)
        else:
            ring.addEllipse(at, radius, radius)
        stroke_twice(painter, ring, colour, dashed=erase)
        if 2 * radius * self.host.scale_factor < 5:
            self._draw_cross(painter, at)

    def reach(self, at: QPointF | None) -> QRectF:
        """The ring, and the straight line when there is one."""
        if at is None:
            return QRectF()
        arm = 14 / self.host.scale_factor
        r = max(self.painting.radius + 1, arm)
        ring = QRectF(at.x() - r, at.y() - r, 2 * r, 2 * r)
        if self._last is not None and self.host.straight:
            ring |= QRectF(self._last, at).normalized()
        return ring

    def _draw_cross(self, painter: QPainter, at: QPointF) -> None:
        """Four ticks around a ring too small to be found."""
        inner, outer = 5 / self.host.scale_factor, 11 / self.host.scale_factor
        ticks = QPainterPath()
        for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            ticks.moveTo(at + QPointF(x, y) * inner)
            ticks.lineTo(at + QPointF(x, y) * outer)
        stroke_twice(painter, ticks, ink_colour(UNTOUCHED))
