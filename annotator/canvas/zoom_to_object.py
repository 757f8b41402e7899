"""Zooming to the objects of the mask: the one under the mouse, or one after the other."""

from collections.abc import Callable, Collection

from PySide6.QtCore import QCoreApplication, QPointF, QRectF

from annotator.boxes import Box, rect_of
from annotator.canvas.navigation import NavigableView, Where
from annotator.session import Session
from annotator.session.document import Labels
from annotator.session.object_parts import find

SMALLEST = 9
"""Pixels from which on an object is no speck."""


class ZoomToObject:
    """Shows the object under the mouse; where there is none, or it is shown already, the next largest."""

    def __init__(self, session: Session, view: Callable[[], NavigableView]) -> None:
        """`view` gives the canvas that is to be zoomed."""
        self._session, self._view = session, view
        self._shown: tuple[Box, Where] | None = None

    def show_next(self) -> None:
        """Find the objects off the GUI thread, then zoom."""
        session, view = self._session, self._view()
        image = session.image
        if image is None or session.mask is None:
            return
        document = session.document
        assert document is not None
        mask, marks, stuff = session.mask.copy(), document.marks.copy(), session.classes.stuff
        at = view.to_image(view.cursor_at) if view.cursor_at is not None else None
        last = self._shown[0] if self._shown is not None and self._shown[1] == view.where else None

        def found(answer: tuple[list[Box], Box | None]) -> None:
            boxes, under = answer
            if session.image is not image:
                return
            if not boxes:
                text = QCoreApplication.translate("ZoomToObject", "There is no object in this mask yet.")
                session.message.emit("info", text)
                return
            box = following(boxes, under, last)
            view.show_box(QRectF(rect_of(box)))
            self._shown = box, view.where

        session.jobs.submit(lambda: objects(mask, at, marks, stuff), found, session.report, priority=10)


def following(boxes: list[Box], under: Box | None, last: Box | None) -> Box:
    """Which of `boxes` to show: that under the mouse, unless it is the `last` one, and else the next."""
    if under is not None and under != last:
        return under
    return boxes[(boxes.index(last) + 1) % len(boxes)] if last in boxes else boxes[0]


def objects(
    mask: Labels, at: QPointF | None = None, marks: Labels | None = None, stuff: Collection[int] = ()
) -> tuple[list[Box], Box | None]:
    """Boxes of the objects in a mask (H×W), the largest first, and of the one at `at`."""
    found = find(mask, marks, stuff)
    large = [part for part in found.parts if part.size >= SMALLEST]
    number = found.objects.at(at.x(), at.y()) if at is not None else 0
    under = found.parts[number - 1] if number else None
    boxes = [part.box for part in sorted(large, key=lambda part: -part.size)]
    return boxes, under.box if under in large and under is not None else None
