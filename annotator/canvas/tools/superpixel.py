"""Superpixels: whole areas of like colour."""

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from annotator.canvas.outlines import ink_colour, outline, stroke_twice
from annotator.canvas.painting import point
from annotator.canvas.superpixels import Superpixels, path, superpixels
from annotator.canvas.tools.base import Tool, ToolHost


class SuperpixelTool(Tool):
    """Paints whole superpixels, found once an image, off this thread; the one under the mouse is outlined."""

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
        self._last: QPointF | None = None

    def press(self, at: QPointF, erase: bool, straight: bool) -> None:
        """Begin with the superpixel under the mouse."""
        self._ask()
        if self._parts is not None:
            self.painting.begin(erase)
            self._last = at
            self.drag(at)

    def drag(self, at: QPointF) -> None:
        """Add every superpixel the mouse crosses."""
        self.hover(at)
        if self._parts is None:
            return
        crossed = {self._parts.at(x, y) for x, y in path(point(self._last or at), point(at), 2.0)}
        for label in crossed:
            if label is not None:
                self.painting.area(*self._parts.area(label))
        self._last = at

    def release(self, at: QPointF) -> None:
        """Commit."""
        self.drag(at)
        self.painting.finish(self.name)

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
        self._under = self._last = None
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
                self.host.tool_is_ready(self)

        self.session.jobs.submit(lambda: superpixels(image), found)
