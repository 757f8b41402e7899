"""The polygon: an area by its corners."""

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPainterPath

from annotator.canvas.geometry import polygon, tight
from annotator.canvas.outlines import ink_colour, stroke_twice
from annotator.canvas.painting import point
from annotator.canvas.tools.base import Tool, ToolHost
from trainer.data.classes import UNTOUCHED


class Polygon(Tool):
    """Click corners; Enter, a double click or the first corner closes, Backspace takes one back."""

    name = "polygon"
    text = "Polygon"
    shortcut = "P"
    icon = "mdi6.vector-polygon"
    help = "Click corners; Enter or a double click closes."

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self.points: list[QPointF] = []
        self._erase = False

    @property
    def pending(self) -> bool:
        """Whether a polygon is begun."""
        return bool(self.points)

    def press(self, at: QPointF, erase: bool, straight: bool) -> None:
        """Add a corner, or close on the first one."""
        if not self.points:
            self._erase = erase
        elif len(self.points) >= 3 and self._near(at, self.points[0]):
            self.close()
            return
        self.points.append(at)
        self.host.refresh_overlay()

    def double_press(self, at: QPointF, erase: bool) -> None:
        """Close; the first press of the two has already added the last corner."""
        self.close()

    def close(self) -> bool:
        """Fill the polygon."""
        if not self.points:
            return False
        shape = self.painting.coverage.shape if self.painting.coverage else None
        if len(self.points) >= 3 and shape:
            found = tight(*polygon([point(p) for p in self.points], shape))
            if found is not None:
                self.painting.begin(self._erase)
                self.painting.area(*found)
                self.painting.finish(self.name)
            self.points = []
        self.host.refresh_overlay()
        return True

    def finish(self) -> None:
        """Close it where it has an area."""
        if len(self.points) >= 3:
            self.close()
        else:
            self.cancel()

    def step_back(self) -> bool:
        """Take the last corner back."""
        if not self.points:
            return False
        self.points.pop()
        self.host.refresh_overlay()
        return True

    def cancel(self) -> bool:
        """Give the polygon up."""
        had, self.points = bool(self.points), []
        self.host.refresh_overlay()
        return had

    def draw(self, painter: QPainter, at: QPointF | None, erase: bool) -> None:
        """The corners so far and the edge the mouse would add."""
        if not self.points:
            return
        colour = ink_colour(self.ink(self._erase))
        shape = QPainterPath(self.points[0])
        for corner in [*self.points[1:], *([at] if at is not None else [])]:
            shape.lineTo(corner)
        faint = ink_colour(self.ink(self._erase))
        faint.setAlpha(50)
        painter.fillPath(shape, faint)
        stroke_twice(painter, shape, colour, dashed=self._erase)
        size = 3.5 / self.host.scale_factor
        handles = QPainterPath()
        for corner in self.points:
            handles.addEllipse(corner, size, size)
        painter.fillPath(handles, colour)
        stroke_twice(painter, handles, ink_colour(UNTOUCHED))

    def reach(self, at: QPointF | None) -> QRectF:
        """The whole figure."""
        corners = [*self.points, *([at] if at is not None else [])]
        if not self.points:
            return QRectF()
        xs, ys = [c.x() for c in corners], [c.y() for c in corners]
        return QRectF(QPointF(min(xs), min(ys)), QPointF(max(xs), max(ys)))

    def _near(self, first: QPointF, second: QPointF) -> bool:
        return (first - second).manhattanLength() * self.host.scale_factor <= 9
