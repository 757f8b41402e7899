"""Superpixels: whole areas of like colour."""

from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from annotator.canvas.outlines import ink_colour, outline, stroke_twice
from annotator.canvas.painting import point
from annotator.canvas.superpixels import Superpixels, path, superpixels
from annotator.canvas.tools.base import Tool, ToolHost


class SuperpixelTool(Tool):
    """Paints whole superpixels, computed once per image; the one under the mouse is outlined."""

    name = "superpixel"
    text = "Superpixels"
    shortcut = "S"
    icon = "mdi6.view-dashboard-outline"
    help = "Paint whole superpixels at once."

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._parts: Superpixels | None = None
        self._asked: object = None
        self._under: int | None = None
        self._way: list[QPointF] = []  # of the stroke, from where its superpixels are painted
        self._released = False

    def press(self, at: QPointF, erase: bool, straight: bool) -> None:
        """Begin with the superpixel under the mouse."""
        self._ask()
        self.painting.begin(erase)
        self._way, self._released = [at], False
        self.drag(at)

    def drag(self, at: QPointF) -> None:
        """Add every superpixel the mouse crosses; those not found yet as soon as they are."""
        self._way.append(at)
        if self._parts is not None:
            self.hover(at)
            self._paint_way(self._parts)

    def release(self, at: QPointF) -> None:
        """Commit."""
        self.drag(at)
        self._released = True
        if self._parts is not None:
            self.painting.finish(self.name)

    def _paint_way(self, parts: Superpixels) -> None:
        for start, end in pairwise(self._way):
            for label in {parts.at(x, y) for x, y in path(point(start), point(end), 2.0)}:
                if label is not None:
                    self.painting.area(*parts.area(label))
        self._way = self._way[-1:]

    def hover(self, at: QPointF) -> None:
        """Outline the superpixel under the mouse."""
        self._ask()
        under = self._parts.at(at.x(), at.y()) if self._parts else None
        if under != self._under:
            self.host.refresh_overlay()
            self._under = under
            self.host.refresh_overlay()

    def reset(self) -> None:
        """Superpixels belong to one image."""
        super().reset()
        self._under, self._way = None, []
        if self._asked is not self.session.image:
            self._parts = self._asked = None

    def draw(self, painter: QPainter, at: QPointF | None, erase: bool) -> None:
        """The outline of the superpixel under the mouse."""
        if at is not None and self._parts is not None and self._under is not None:
            colour = ink_colour(self.ink(erase))
            stroke_twice(painter, outline(*self._parts.area(self._under)), colour, dashed=erase)

    def reach(self, at: QPointF | None) -> QRectF:
        """The box of the superpixel under the mouse."""
        if self._parts is None or self._under is None:
            return QRectF()
        y0, x0, y1, x1 = self._parts.area(self._under)[0]
        return QRectF(x0, y0, x1 - x0, y1 - y0)

    def _ask(self) -> None:
        image = self.session.image
        if image is None or self._asked is image:
            return
        self._asked = image

        def found(parts: Superpixels) -> None:
            if self._asked is image:
                self._parts = parts
                if self.painting.active and self._way:
                    self._paint_way(parts)
                    if self._released:
                        self.painting.finish(self.name)
                self.host.tool_is_ready(self)

        self.session.jobs.submit(lambda: superpixels(image), found)
