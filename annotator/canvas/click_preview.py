"""A quiet outline under the resting mouse: what a click there would make of the mask.

It comes at the first glimpse of the object, and follows the closer look that a click would have.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPointF, QRectF, QTimer
from PySide6.QtGui import QPainter, QPainterPath, QTransform

from annotator.boxes import Box, slices
from annotator.canvas.outlines import ink_colour, outline, stroke_twice
from annotator.canvas.painting import change
from annotator.session import Session
from annotator.session.document import Labels
from annotator.session.jobs import Latest
from trainer.data.classes import BACKGROUND, EDIT_VOID, VOID
from trainer.data.project import Target

REST_MS = 20
"""So long the mouse keeps still before the network is asked."""
LINE = 1.25  # logical pixels
CLOSER_MS = 150
"""So long the mouse keeps still after the first glimpse before the network takes the closer look."""
FINEST, FIRST_FINEST = 1000, 500
"""The outline is found on so many pixels a side at most, that of the first glimpse on fewer: it is thin, and
there only while the mouse rests."""

Dab = Callable[[QPointF], tuple[Box, NDArray[np.bool_]] | None]


class ClickPreview(QObject):
    """Computes the outline off the GUI thread; of several places only the last one is answered.

    Args:
        dab: what a click at an image point covers; None where it paints no class, or while something is
            drawn.
        changed: called with a part of the image where the outline comes or goes.
    """

    def __init__(
        self, session: Session, dab: Dab, changed: Callable[[QRectF], None], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._dab, self._changed = session, dab, changed
        self._at: QPointF | None = None
        self.path: QPainterPath | None = None
        # Side by side: a glimpse does not wait for the closer look at a place that the mouse has left.
        self._glimpses, self._looks = Latest(session.jobs), Latest(session.jobs)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._ask)
        self._closer = QTimer(self, singleShot=True, interval=CLOSER_MS)
        self._closer.timeout.connect(self._look_closer)
        self._look: Callable[[], None] = lambda: None

    def rest_at(self, at: QPointF | None) -> None:
        """The mouse is over another image point, None outside: the outline goes, and comes when it rests."""
        self._at = at
        self.clear()
        if at is not None and self._session.outline_clicks:
            self._rest.start()

    @property
    def resting(self) -> bool:
        """Whether the outline is to come if the mouse keeps still."""
        return self._rest.isActive() or self._closer.isActive()

    def again(self) -> None:
        """The class, the brush or the mask is another one now."""
        self.rest_at(self._at)

    def clear(self) -> None:
        """Show no outline until the mouse moves."""
        self._rest.stop()
        self._closer.stop()
        if self.path is not None:
            self._show(None)

    def draw(self, painter: QPainter) -> None:
        """Draw the outline, in image coordinates."""
        if self.path is not None:
            stroke_twice(painter, self.path, ink_colour(self._session.class_id), width=LINE)

    def _show(self, path: QPainterPath | None) -> None:
        for each in (self.path, path):
            if each is not None:
                self._changed(each.boundingRect())
        self.path = path

    def _ask(self) -> None:
        session, document, at = self._session, self._session.document, self._at
        if document is None or document.basis is None or document.accepted or at is None:
            return
        value = session.class_id
        if session.target is not Target.SEEDS or value == EDIT_VOID or document.looked_at is not None:
            return
        dab = self._dab(at)
        edit = dab and change(document.corrections, *dab, value, session.protect_others)
        if not edit:
            return
        corrections = document.corrections.copy()
        corrections[slices(edit.box)] = edit.after
        before = document.base_mask

        def glimpse() -> QPainterPath | None:
            label = value or int(before[int(at.y()), int(at.x())])
            if label in (BACKGROUND, VOID):
                return None
            there = document.glimpse(corrections, label)
            changes = there if value else (before == label) & ~there
            return outline_of_change(
                before, np.where(changes, np.uint8(value), before), at, value, FIRST_FINEST
            )

        def look() -> QPainterPath | None:
            return outline_of_change(before, document.refined(corrections), at, value)

        def still_there() -> bool:
            return self._at == at and session.document is document and self._dab(at) is not None

        def glimpsed(path: QPainterPath | None) -> None:
            if still_there():
                self._show(path)
                self._look = lambda: self._looks.submit(look, seen)
                self._closer.start()

        def seen(path: QPainterPath | None) -> None:
            if still_there():
                self._show(path)

        self._glimpses.submit(glimpse, glimpsed)

    def _look_closer(self) -> None:
        self._look()


def outline_of_change(
    before: Labels, after: Labels, at: QPointF, value: int, finest: int = FINEST
) -> QPainterPath | None:
    """The outline of the object that a click of class `value` at an image point leads to; None for no change.

    It is the connected part of the class that holds the point or, of background, what becomes background
    around it, found on `finest` pixels a side at most.
    """
    from scipy.ndimage import label  # takes a moment, and the window does not wait for it

    step = max(1, -(-max(after.shape) // finest))
    after, before = after[::step, ::step], before[::step, ::step]
    won = after == value
    lost = before != value
    if not (won & lost).any():
        return None
    if value == BACKGROUND:
        won &= lost
    row = min(int(at.y()) // step, after.shape[0] - 1)
    column = min(int(at.x()) // step, after.shape[1] - 1)
    parts, _ = label(won)
    if not parts[row, column]:
        return None
    part = parts == parts[row, column]
    return QTransform.fromScale(step, step).map(outline((0, 0, *part.shape), part))
