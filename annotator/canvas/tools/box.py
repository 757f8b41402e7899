"""The box: the object that a dragged box holds."""

from PySide6.QtCore import QCoreApplication, QPointF, QRectF
from PySide6.QtGui import QPainter, QPainterPath

from annotator.boxes import slices
from annotator.canvas.geometry import tight
from annotator.canvas.outlines import ink_colour, stroke_twice
from annotator.canvas.tools.base import Tool, ToolHost
from annotator.session.document import Document, Labels
from trainer.data.classes import BACKGROUND, EDIT_VOID, UNTOUCHED
from trainer.data.project import Target

SMALLEST = 3
"""Image pixels a side from which a drag is a box."""


class BoxTool(Tool):
    """Drag a box around an object: it becomes a seed stroke of the chosen class inside the object."""

    name = "box"
    text = "Box"
    shortcut = "R"
    icon = "mdi6.selection-drag"
    help = "Drag a box around an object; Ctrl + Shift and a drag do it with any tool."

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._start: QPointF | None = None
        self._end = QPointF()

    @property
    def busy(self) -> bool:
        """Whether a box is being dragged."""
        return self._start is not None

    @property
    def pending(self) -> bool:
        """Whether a box is being dragged."""
        return self.busy

    def press(self, at: QPointF, erase: bool, straight: bool) -> None:
        """The first corner."""
        self._start = self._end = at

    def drag(self, at: QPointF) -> None:
        """The corner opposite to the first."""
        self.host.refresh_overlay()
        self._end = at

    def release(self, at: QPointF) -> None:
        """Find the object, and commit it as a stroke."""
        self.drag(at)
        self.finish()

    def finish(self) -> None:
        """The box ends here."""
        if self._start is None:
            return
        part, self._start = self._rect(), None
        self.host.refresh_overlay()
        document, class_id = self.session.document, self.session.class_id
        if document is None:
            return
        height, width = document.shape
        part &= QRectF(0, 0, width, height)
        top, left, bottom, right = (round(v) for v in (part.top(), part.left(), part.bottom(), part.right()))
        if min(bottom - top, right - left) < SMALLEST:
            return
        if class_id in (BACKGROUND, EDIT_VOID):
            self._tell(QCoreApplication.translate("BoxTool", "Choose a class first: a box finds an object."))
            return
        proposal, corrections = document.proposal, document.corrections.copy()
        if proposal is None:
            self._tell(
                QCoreApplication.translate(
                    "BoxTool",
                    "There is no proposal for this image yet: draw the box when its mask is there.",
                )
            )
            return

        def found(strokes: Labels) -> None:
            if self.session.document is document:
                self._commit(document, strokes)

        self.session.jobs.submit(
            lambda: proposal.strokes_for_box((top, left, bottom, right), class_id, corrections),
            found,
            self.session.report,
        )

    def cancel(self) -> bool:
        """Give the box up."""
        had, self._start = self.busy, None
        self.host.refresh_overlay()
        return had

    def draw(self, painter: QPainter, at: QPointF | None, erase: bool) -> None:
        """The box so far."""
        if self.busy:
            path = QPainterPath()
            path.addRect(self._rect())
            stroke_twice(painter, path, ink_colour(self.ink(False)))

    def reach(self, at: QPointF | None) -> QRectF:
        """The box so far."""
        return self._rect() if self.busy else QRectF()

    def _commit(self, document: Document, strokes: Labels) -> None:
        found = tight(document.whole, (strokes != UNTOUCHED) & (document.corrections != strokes))
        if found is None:
            return
        box, painted = found
        layer = document.corrections[slices(box)]
        if self.session.protect_others:
            painted = painted & (layer == UNTOUCHED)
        after = layer.copy()
        after[painted] = strokes[slices(box)][painted]
        self.session.strokes.commit(box, after, self.name, Target.SEEDS)

    def _rect(self) -> QRectF:
        start = self._start or self._end
        return QRectF(start, self._end).normalized()

    def _tell(self, text: str) -> None:
        self.session.message.emit("info", text)
