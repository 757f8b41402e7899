"""Zooming to the objects of the mask: the one under the mouse, or one after the other."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QCoreApplication, QPointF, QRectF

from annotator.boxes import Box, rect_of
from annotator.canvas.navigation import NavigableView, Where
from annotator.session import Session
from annotator.session.document import Labels
from trainer.data.classes import BACKGROUND, VOID

SMALLEST = 9
"""Pixels from which on a connected area is an object, and no speck."""


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
        mask = session.mask.copy()
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

        session.jobs.submit(lambda: objects(mask, at), found, session.report, priority=10)


def following(boxes: list[Box], under: Box | None, last: Box | None) -> Box:
    """Which of `boxes` to show: that under the mouse, unless it is the `last` one, and else the next."""
    if under is not None and under != last:
        return under
    return boxes[(boxes.index(last) + 1) % len(boxes)] if last in boxes else boxes[0]


def objects(mask: Labels, at: QPointF | None = None) -> tuple[list[Box], Box | None]:
    """Boxes of the connected areas of each class in a mask (H×W), the largest first, and of that at `at`."""
    from scipy.ndimage import find_objects, label  # the window does not wait for it

    found: list[tuple[int, Box]] = []
    under = None
    for class_id in np.flatnonzero(np.bincount(mask.ravel(), minlength=256)).tolist():
        if class_id in (BACKGROUND, VOID):
            continue
        parts, _ = label(mask == class_id)
        areas = np.bincount(parts.ravel())
        boxes = [(y.start, x.start, y.stop, x.stop) for y, x in find_objects(parts)]
        large = [number for number in range(1, len(areas)) if areas[number] >= SMALLEST]
        found += [(int(areas[number]), boxes[number - 1]) for number in large]
        if at is not None and 0 <= at.y() < mask.shape[0] and 0 <= at.x() < mask.shape[1]:
            number = int(parts[int(at.y()), int(at.x())])
            under = boxes[number - 1] if number in large else under
    return [box for _, box in sorted(found, key=lambda one: -one[0])], under
