"""The tools: what a press, a drag and a click on the canvas do. One object each, for a canvas's life."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath
from skimage.segmentation import flood

from annotator.boxes import Box
from annotator.canvas.geometry import Cover, disc, polygon, tight
from annotator.canvas.outlines import ink_colour, outline, stroke_twice
from annotator.canvas.painting import point
from annotator.canvas.superpixels import Superpixels, path, superpixels
from trainer.data.classes import UNTOUCHED, VOID
from trainer.data.project import Target

if TYPE_CHECKING:
    from annotator.canvas.view import CanvasView

PIXELATED_FROM = 4.0  # screen pixels per image pixel: from here on the ring follows the pixels it will paint
LARGEST_PIXELATED = 64.0  # image pixels; a larger circle and its pixels look alike


class Tool:
    """What the mouse does. All positions are image coordinates; `erase` is the right button or Alt."""

    key = ""
    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, view: "CanvasView") -> None:
        self.view = view
        self.session = view.session
        self.painting = view.painting

    @property
    def busy(self) -> bool:
        """Whether the mouse is drawing now."""
        return self.painting.active

    @property
    def pending(self) -> bool:
        """Whether there is something that Esc would give up."""
        return self.painting.active

    def press(self, at: QPointF, erase: bool, straight: bool) -> None:
        """A button went down; `straight` is Shift."""

    def double_press(self, at: QPointF, erase: bool) -> None:
        """The second of two quick presses."""
        self.press(at, erase, False)

    def drag(self, at: QPointF) -> None:
        """The mouse moved while drawing."""

    def release(self, at: QPointF) -> None:
        """The button was let go while drawing."""

    def hover(self, at: QPointF) -> None:
        """The mouse moved without drawing."""

    def close(self) -> bool:
        """Enter was pressed; whether that meant anything."""
        return False

    def step_back(self) -> bool:
        """Backspace was pressed; whether that meant anything."""
        return False

    def cancel(self) -> bool:
        """Esc was pressed; whether there was something to give up."""
        if self.painting.active:
            self.painting.cancel()
            return True
        return False

    def reset(self) -> None:
        """Another image is open, or another tool taken up: forget everything that belongs to the old one."""
        self.cancel()

    def draw(self, painter: QPainter, at: QPointF | None, erase: bool) -> None:
        """Draw over the image, in image coordinates; `at` is the mouse, None outside."""

    def reach(self, at: QPointF | None) -> QRectF:
        """What `draw` may touch around the image point `at`."""
        return QRectF()

    def ink(self, erase: bool) -> int:
        """The value that would be painted."""
        return UNTOUCHED if erase else self.session.class_id


class Brush(Tool):
    """Paints discs along the mouse; with Shift a straight line from where the last stroke ended."""

    key = "brush"
    cursor = Qt.CursorShape.BlankCursor
    erases = False

    def __init__(self, view: "CanvasView") -> None:
        super().__init__(view)
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
        self.painting.finish(self.key)

    def reset(self) -> None:
        """No line starts at another image's stroke."""
        super().reset()
        self._last = None

    def draw(self, painter: QPainter, at: QPointF | None, erase: bool) -> None:
        """The ring: the circle whose inside is painted or, where single pixels are seen, their edge."""
        if at is None:
            return
        radius = self.session.brush_radius
        erase = erase or self.erases
        colour = ink_colour(self.ink(erase))
        if self.view.straight and self._last is not None and not self.busy:
            line = QPainterPath(self._last)
            line.lineTo(at)
            stroke_twice(painter, line, colour)
        ring = QPainterPath()
        if self.view.zoom_factor >= PIXELATED_FROM and radius <= LARGEST_PIXELATED:
            margin = int(2 * radius) + 4
            frame = (int(at.y()) - margin, int(at.x()) - margin)
            centre = at.x() - frame[1], at.y() - frame[0]
            (y0, x0, y1, x1), cover = disc(centre, radius, (2 * margin, 2 * margin))
            ring = outline((y0 + frame[0], x0 + frame[1], y1 + frame[0], x1 + frame[1]), cover)
        else:
            ring.addEllipse(at, radius, radius)
        stroke_twice(painter, ring, colour, dashed=erase)
        if 2 * radius * self.view.scale_factor < 5:
            self._draw_cross(painter, at)

    def reach(self, at: QPointF | None) -> QRectF:
        """The ring, and the straight line when there is one."""
        if at is None:
            return QRectF()
        arm = 14 / self.view.scale_factor
        r = max(self.session.brush_radius + 1, arm)
        ring = QRectF(at.x() - r, at.y() - r, 2 * r, 2 * r)
        if self._last is not None and self.view.straight:
            ring |= QRectF(self._last, at).normalized()
        return ring

    def _draw_cross(self, painter: QPainter, at: QPointF) -> None:
        """Four ticks around a ring too small to be found."""
        inner, outer = 5 / self.view.scale_factor, 11 / self.view.scale_factor
        ticks = QPainterPath()
        for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            ticks.moveTo(at + QPointF(x, y) * inner)
            ticks.lineTo(at + QPointF(x, y) * outer)
        stroke_twice(painter, ticks, ink_colour(UNTOUCHED))


class Eraser(Brush):
    """A brush that gives pixels back to the method."""

    key = "eraser"
    erases = True


class Polygon(Tool):
    """Click corners; Enter, a double click or the first corner closes, Backspace takes one back."""

    key = "polygon"

    def __init__(self, view: "CanvasView") -> None:
        super().__init__(view)
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
        self.view.refresh_overlay()

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
                self.painting.finish(self.key)
            self.points = []
        self.view.refresh_overlay()
        return True

    def step_back(self) -> bool:
        """Take the last corner back."""
        if not self.points:
            return False
        self.points.pop()
        self.view.refresh_overlay()
        return True

    def cancel(self) -> bool:
        """Give the polygon up."""
        had, self.points = bool(self.points), []
        self.view.refresh_overlay()
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
        size = 3.5 / self.view.scale_factor
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
        return (first - second).manhattanLength() * self.view.scale_factor <= 9


class Fill(Tool):
    """Gives the connected region of the mask under the mouse another class; found off this thread."""

    key = "fill"

    def press(self, at: QPointF, erase: bool, straight: bool) -> None:
        """Find the region, then paint it as it was meant here, if the same image and layer are still open."""
        mask, image = self.session.mask, self.session.image
        i, j = int(at.y()), int(at.x())
        if mask is None or not (0 <= at.y() < mask.shape[0] and 0 <= at.x() < mask.shape[1]):
            return
        region = mask.copy()
        target, class_id = self.session.target, self.session.class_id

        def paint(found: tuple[Box, Cover] | None) -> None:
            still = self.session.image is image and self.session.target is target
            if found is not None and still and not self.painting.active:
                self.painting.begin(erase, class_id)
                self.painting.area(*found)
                self.painting.finish(self.key)

        self.session.jobs.submit(
            lambda: tight((0, 0, *region.shape), flood(region, (i, j), connectivity=1)), paint
        )


class SuperpixelTool(Tool):
    """Paints whole superpixels, found once an image, off this thread; the one under the mouse is outlined."""

    key = "superpixel"

    def __init__(self, view: "CanvasView") -> None:
        super().__init__(view)
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
        self.painting.finish(self.key)

    def hover(self, at: QPointF) -> None:
        """Outline the superpixel under the mouse."""
        self._ask()
        under = self._parts.at(at.x(), at.y()) if self._parts else None
        if under != self._under:
            self.view.refresh_overlay()
            self._under = under
            self.view.refresh_overlay()

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
                self.view.tool_ready.emit(self.key)
                if self.view.tool is self and self.view.cursor_at is not None:
                    self.hover(self.view.to_image(self.view.cursor_at))

        self.session.jobs.submit(lambda: superpixels(image), found)


class Picker(Tool):
    """Takes up the class under the mouse."""

    key = "picker"

    def press(self, at: QPointF, erase: bool, straight: bool) -> None:
        """Take the class of the layer that is painted on; of the mask where there is no seed cue."""
        seeds, mask = self.session.seeds, self.session.mask
        i, j = int(at.y()), int(at.x())
        if seeds is None or mask is None:
            return
        if not (0 <= at.y() < mask.shape[0] and 0 <= at.x() < mask.shape[1]):
            return
        layers = (seeds, mask) if self.session.target is Target.SEEDS else (mask,)
        found = next((int(layer[i, j]) for layer in layers if layer[i, j] != VOID), None)
        if found is not None:
            self.session.class_id = found


TOOLS = (Brush, Eraser, Polygon, Fill, SuperpixelTool, Picker)
