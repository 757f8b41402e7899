"""The polygon: an area by its corners, which can be moved when it is painted."""

from collections.abc import Sequence
from itertools import pairwise
from math import atan2, cos, hypot, pi, sin

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPainterPath

from annotator.boxes import slices
from annotator.canvas.closed_figure import ClosedFigure
from annotator.canvas.geometry import polygon, tight
from annotator.canvas.outlines import ink_colour, stroke_twice
from annotator.canvas.painting import point
from annotator.canvas.tools.base import Tool, ToolHost
from trainer.data.classes import UNTOUCHED

NEAR = 9
"""Screen pixels from a corner or an edge within which a press means it."""


class Polygon(Tool):
    """Click corners; Enter, a double click or the first corner closes, Backspace takes one back.

    Shift keeps an edge level, upright or diagonal. Corners of the closed polygon are dragged; a press on an
    edge adds one, the right button removes one; a press elsewhere begins another polygon.
    """

    name = "polygon"
    text = "Polygon"
    shortcut = "P"
    icon = "mdi6.vector-polygon"
    help = "Click corners; Enter or a double click closes. Drag corners afterwards."

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self.points: list[QPointF] = []
        self.closed: ClosedFigure | None = None
        self._grabbed: int | None = None  # the corner of the closed polygon that is being dragged
        self._erase = False
        self.session.layer_changed.connect(self._follow_layer)

    @property
    def busy(self) -> bool:
        """Whether a corner is being dragged."""
        return self._grabbed is not None

    @property
    def pending(self) -> bool:
        """Whether a polygon is begun, or changed."""
        return bool(self.points) or self.busy

    def press(self, at: QPointF, erase: bool, straight: bool) -> None:
        """Add a corner, or close on the first one; take hold of a corner of the closed polygon."""
        if not self.points:
            if self.closed is not None and self._take_hold(self.closed, at, erase):
                return
            self.closed, self._erase = None, erase
        elif len(self.points) >= 3 and self._near(at, self.points[0]):
            self.close()
            return
        self.add(self._aligned(at) if straight else at)
        self.host.refresh_overlay()

    def add(self, at: QPointF) -> None:
        """Go on to another corner."""
        self.points.append(at)

    def double_press(self, at: QPointF, erase: bool) -> None:
        """Close; the first press of the two has already added the last corner."""
        if self.points:
            self.close()
        else:
            self.press(at, erase, False)

    def drag(self, at: QPointF) -> None:
        """Move the corner."""
        if self.closed is not None and self._grabbed is not None:
            self.host.refresh_overlay()
            self.closed.points[self._grabbed] = at

    def release(self, at: QPointF) -> None:
        """Paint the polygon with the corner where it is now."""
        self.drag(at)
        self.finish()

    def close(self) -> bool:
        """Fill the polygon; its corners stay to be moved."""
        if not self.points:
            return False
        shape = self.painting.coverage.shape if self.painting.coverage else None
        if len(self.points) >= 3 and shape:
            self._fill(self.points, shape)
            self.points = []
        self.host.refresh_overlay()
        return True

    def finish(self) -> None:
        """Paint what was begun, where it has an area."""
        if self.closed is not None and self._grabbed is not None:
            self._grabbed = None
            self.closed.become(self.closed.points)
        if len(self.points) >= 3:
            self.close()
        else:
            self.points = []
        self.host.refresh_overlay()

    def step_back(self) -> bool:
        """Take the last corner back."""
        if not self.points:
            return False
        self.points.pop()
        self.host.refresh_overlay()
        return True

    def cancel(self) -> bool:
        """Give the polygon up, or what the drag would change; else put the corners of a closed one away."""
        had = bool(self.points) or self._shown_corners() != []
        self.host.refresh_overlay()
        if self.closed is not None and self.busy:
            self.closed.restore()
        else:
            self.closed = None
        self.points, self._grabbed = [], None
        self.host.refresh_overlay()
        return had

    def draw(self, painter: QPainter, at: QPointF | None, erase: bool) -> None:
        """The corners so far and the edge the mouse would add, or the closed polygon."""
        colour = ink_colour(self.ink(self._erase))
        if self.points:
            shape = path_of([*self.points, *self.way_to(at)])
            faint = ink_colour(self.ink(self._erase))
            faint.setAlpha(50)
            painter.fillPath(shape, faint)
            stroke_twice(painter, shape, colour, dashed=self._erase)
            self._draw_handles(painter, self.handles(), None)
        elif corners := self._shown_corners():
            stroke_twice(painter, path_of([*corners, corners[0]]), ink_colour(UNTOUCHED), width=1.0)
            under = self._grabbed if at is None or self.busy else self._corner_at(corners, at)
            self._draw_handles(painter, corners, under)

    def handles(self) -> list[QPointF]:
        """Where the polygon that is being drawn has its corners."""
        return self.points

    def way_to(self, at: QPointF | None) -> list[QPointF]:
        """What the mouse would add."""
        if at is None:
            return []
        return [self._aligned(at) if self.host.straight else at]

    def reach(self, at: QPointF | None) -> QRectF:
        """The whole figure."""
        corners = [*self.points, *self.way_to(at)] if self.points else self._shown_corners()
        if not corners:
            return QRectF()
        xs, ys = [c.x() for c in corners], [c.y() for c in corners]
        return QRectF(QPointF(min(xs), min(ys)), QPointF(max(xs), max(ys)))

    def _fill(self, points: Sequence[QPointF], shape: tuple[int, int]) -> None:
        found = tight(*polygon([point(p) for p in points], shape))
        document = self.session.document
        if found is None or document is None:
            return
        self.painting.begin(self._erase)
        target, value, bound = self.painting.target, self.painting.value, self.painting.bound
        under = found[0], document.painted(target)[slices(found[0])].copy()
        self.painting.area(*found)
        self.painting.finish(self.name)
        if not bound:  # then the mask changes beside it as well
            self.closed = ClosedFigure(self.session, target, value, points, under, self.name)

    def _take_hold(self, closed: ClosedFigure, at: QPointF, erase: bool) -> bool:
        """Begin to drag a corner, an old or a new one, or with `erase` remove it; whether there is one."""
        corners = closed.points
        if not corners:
            return False
        corner = self._corner_at(corners, at)
        if erase:
            if corner is not None and len(corners) > 3:
                closed.become(corners[:corner] + corners[corner + 1 :])
                self.host.refresh_overlay()
            return corner is not None
        if corner is None and (edge := self._edge_at(corners, at)) is not None:
            corner = edge + 1
            corners.insert(corner, at)
        self._grabbed = corner
        return corner is not None

    def _shown_corners(self) -> list[QPointF]:
        return self.closed.points if self.closed is not None else []

    def _corner_at(self, corners: Sequence[QPointF], at: QPointF) -> int | None:
        near = [index for index, corner in enumerate(corners) if self._near(at, corner)]
        return min(near, key=lambda index: length(corners[index] - at), default=None)

    def _edge_at(self, corners: Sequence[QPointF], at: QPointF) -> int | None:
        edges = enumerate(pairwise([*corners, corners[0]]))
        reach = NEAR / self.host.scale_factor
        near = [(distance, index) for index, edge in edges if (distance := from_edge(at, *edge)) <= reach]
        return min(near)[1] if near else None

    def _draw_handles(self, painter: QPainter, corners: Sequence[QPointF], under: int | None) -> None:
        handles = QPainterPath()
        for index, corner in enumerate(corners):
            size = (5.0 if index == under else 3.5) / self.host.scale_factor
            handles.addEllipse(corner, size, size)
        painter.fillPath(handles, ink_colour(self.ink(self._erase)))
        stroke_twice(painter, handles, ink_colour(UNTOUCHED))

    def _aligned(self, at: QPointF) -> QPointF:
        return aligned(self.points[-1], at) if self.points else at

    def _near(self, first: QPointF, second: QPointF) -> bool:
        return length(first - second) * self.host.scale_factor <= NEAR

    def _follow_layer(self, layer: str, dirty: object) -> None:
        if self.closed is not None and not self.busy:
            self.host.refresh_overlay()
            self.closed.follow(layer)
            self.host.refresh_overlay()


def path_of(points: Sequence[QPointF]) -> QPainterPath:
    """A line through points."""
    path = QPainterPath(points[0])
    for each in points[1:]:
        path.lineTo(each)
    return path


def aligned(start: QPointF, end: QPointF) -> QPointF:
    """`end` on the nearest level, upright or diagonal line through `start`."""
    way = end - start
    angle = round(atan2(way.y(), way.x()) / (pi / 4)) * (pi / 4)
    along = way.x() * cos(angle) + way.y() * sin(angle)
    return start + QPointF(cos(angle), sin(angle)) * along


def length(way: QPointF) -> float:
    """How long a vector is."""
    return hypot(way.x(), way.y())


def from_edge(at: QPointF, start: QPointF, end: QPointF) -> float:
    """How far a point is from an edge."""
    way = end - start
    squared = QPointF.dotProduct(way, way)
    share = QPointF.dotProduct(at - start, way) / squared if squared else 0.0
    return length(at - (start + way * min(max(share, 0.0), 1.0)))
