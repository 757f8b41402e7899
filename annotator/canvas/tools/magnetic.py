"""The magnetic outline: a polygon whose sides follow the edges of the photo."""

from PySide6.QtCore import QPointF

from annotator.canvas.live_wire import LiveWire
from annotator.canvas.painting import point
from annotator.canvas.tools.base import ToolHost
from annotator.canvas.tools.polygon import Polygon


class Magnetic(Polygon):
    """Click along an outline; between the clicks it keeps to the edges, with Shift it is straight.

    Far from the last click, and until its paths are found, the outline is straight as well.
    """

    name = "magnetic"
    text = "Magnetic outline"
    shortcut = "G"
    icon = "mdi6.magnet"
    help = "Click along an outline: it keeps to the edges; Enter closes, Shift draws straight."

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._clicks: list[int] = []  # how many corners there were at each
        self._wire: LiveWire | None = None
        self._wanted: QPointF | None = None  # where the paths are to begin

    def add(self, at: QPointF) -> None:
        """Go on along the edge to another click."""
        if not self.points:
            self._clicks = []
        way = self.way_to(at) if self.points else [at]
        self._clicks.append(len(self.points))
        self.points += way
        self._find_paths()

    def close(self) -> bool:
        """Go back to the first click along the edge, and fill."""
        if len(self.points) >= 2:
            self.points += self.way_to(self.points[0])[:-1]
        self._clicks, self._wire = [], None
        return super().close()

    def step_back(self) -> bool:
        """Take the last click back, and the way to it."""
        if not self.points:
            return False
        self.points = self.points[: self._clicks.pop()]
        self._find_paths()
        self.host.refresh_overlay()
        return True

    def cancel(self) -> bool:
        """Give it up."""
        self._clicks, self._wire = [], None
        return super().cancel()

    def handles(self) -> list[QPointF]:
        """The clicks; what lies between them was found."""
        ends = [*self._clicks[1:], len(self.points)]
        return [self.points[end - 1] for end in ends] if self.points else []

    def way_to(self, at: QPointF | None) -> list[QPointF]:
        """The path along the edges to the mouse."""
        if at is None or self.host.straight or self._wire is None:
            return super().way_to(at)
        path = self._wire.path(point(at))
        return super().way_to(at) if path is None else [QPointF(x, y) for x, y in path]

    def _find_paths(self) -> None:
        """Find the paths from the last corner, in the pool."""
        document, self._wire = self.session.document, None
        self._wanted = start = self.points[-1] if self.points else None
        if document is None or start is None:
            return
        levels, zoom = document.levels, self.host.zoom_factor

        def found(wire: LiveWire) -> None:
            if self._wanted is start:
                self.host.refresh_overlay()
                self._wire = wire
                if len(self.points) == 1:
                    self.points[0] = QPointF(*wire.start)
                self.host.tool_is_ready(self)
                self.host.refresh_overlay()

        self.session.jobs.submit(lambda: LiveWire(levels, point(start), zoom), found, priority=10)
