"""Objects: cut by a line or a click, joined by a drag."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPainterPath

from annotator.boxes import slices
from annotator.canvas.outlines import ink_colour, outline, stroke_twice
from annotator.canvas.painting import point
from annotator.canvas.tools.base import Tool, ToolHost
from annotator.session.object_parts import TOOL
from trainer.data.classes import UNTOUCHED

CLICK = 4.0
"""Logical pixels; what moves less is a click."""


class ObjectsTool(Tool):
    """Says which pixels of a class are one object."""

    name = TOOL
    text = "Objects"
    shortcut = "J"
    icon = "mdi6.content-cut"
    help = "Draw a line across an object, or click where it is narrow, to cut it; drag to another to join."

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._line: list[QPointF] = []
        self._outlines: tuple[object, tuple[int, ...], QPainterPath] = (None, (), QPainterPath())
        objects = self.session.objects
        for signal in (objects.changed, objects.chosen_changed, objects.preview_changed):
            signal.connect(host.refresh_overlay)

    @property
    def busy(self) -> bool:
        """Whether a line is being drawn."""
        return bool(self._line)

    @property
    def pending(self) -> bool:
        """Whether a line is being drawn."""
        return self.busy

    def press(self, at: QPointF, erase: bool, straight: bool) -> None:
        """The line begins."""
        self.session.objects.look_away()
        self._line = [at]

    def drag(self, at: QPointF) -> None:
        """The line goes on."""
        self._line.append(at)
        self.host.refresh_overlay()

    def release(self, at: QPointF) -> None:
        """Join where the line leads from one object to another of its class, else cut."""
        self._line.append(at)
        self.finish()

    def finish(self) -> None:
        """What is drawn ends here."""
        line, self._line = self._line, []
        self.host.refresh_overlay()
        objects = self.session.objects
        if not line or objects.found is None:
            return
        start, end = line[0], line[-1]
        if max((p - start).manhattanLength() for p in line) * self.host.scale_factor < CLICK:
            objects.cut_at(*point(start))
            return
        first, last = (objects.found.objects.at(*point(p)) for p in (start, end))
        labels = objects.found.objects.labels
        if first and last and first != last and labels[first - 1] == labels[last - 1]:
            objects.join((first, last))
        else:
            objects.cut([point(p) for p in line])

    def cancel(self) -> bool:
        """Give the line up."""
        had, self._line = self.busy, []
        self.session.objects.look_away()
        self.host.refresh_overlay()
        return had

    def hover(self, at: QPointF) -> None:
        """Show where a click would cut."""
        self.session.objects.look_at(*point(at))

    def draw(self, painter: QPainter, at: QPointF | None, erase: bool) -> None:
        """The chosen objects, and the line that is drawn or that a click would draw."""
        stroke_twice(painter, self._chosen(), ink_colour(UNTOUCHED))
        preview = self.session.objects.preview
        line = self._line or ([QPointF(*p) for p in preview] if preview and at is not None else [])
        if len(line) > 1:
            path = QPainterPath(line[0])
            for corner in line[1:]:
                path.lineTo(corner)
            stroke_twice(painter, path, ink_colour(UNTOUCHED), dashed=not self._line)

    def reach(self, at: QPointF | None) -> QRectF:
        """All of the image that has objects: lines go anywhere."""
        image = self.session.image
        return QRectF() if image is None else QRectF(0, 0, image.shape[1], image.shape[0])

    def _chosen(self) -> QPainterPath:
        """The outlines of the chosen objects, drawn again only where they are others."""
        objects = self.session.objects
        found, chosen = objects.found, objects.chosen
        if self._outlines[0] is not found or self._outlines[1] != chosen:
            path = QPainterPath()
            for number in chosen if found is not None else ():
                assert found is not None
                box = found.parts[number - 1].box
                path.addPath(outline(box, np.asarray(found.objects.numbers[slices(box)] == number)))
            self._outlines = found, chosen, path
        return self._outlines[2]
