"""From the brush to the disk: a stroke, and the saver that never lets one go."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from annotator.boxes import Box, slices
from annotator.document import Document, Labels
from trainer.data.project import Project, Target

RETRY_MS = 2000


@dataclass(frozen=True)
class Stroke:
    """One change of a painted layer: the layer inside `box` before and after, uint8."""

    image_id: str
    target: Target
    box: Box
    before: Labels
    after: Labels
    tool: str

    @classmethod
    def over(cls, document: Document, target: Target, box: Box, after: Labels, tool: str) -> "Stroke | None":
        """The stroke that turns the layer of `document` into `after`; None when nothing would change."""
        before = document.painted(target)[slices(box)].copy()
        if np.array_equal(before, after):
            return None
        return cls(document.id, target, box, before, np.ascontiguousarray(after), tool)


class Saver(QObject):
    """Writes strokes to the journal at once. One that fails is kept and tried again until it is on disk."""

    changed = Signal(bool)  # whether everything is on disk
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project: Project | None = None
        self._waiting: list[Stroke] = []
        self._timer = QTimer(self, interval=RETRY_MS)
        self._timer.timeout.connect(self.retry)

    @property
    def idle(self) -> bool:
        """Whether every stroke is on disk."""
        return not self._waiting

    def save(self, stroke: Stroke) -> bool:
        """Write a stroke, after those that still wait; whether it is on disk now."""
        self._waiting.append(stroke)
        self.changed.emit(False)
        return self.retry(tell=True)

    def retry(self, tell: bool = False) -> bool:
        """Write what waits, in order; whether everything is on disk now."""
        while self._waiting and self.project is not None:
            stroke = self._waiting[0]
            try:
                self.project.record_edit(
                    stroke.image_id, stroke.target, stroke.box, stroke.before, stroke.after, stroke.tool
                )
            except Exception as error:
                self._timer.start()
                if tell:
                    self.failed.emit(
                        self.tr("The stroke is kept but not on disk yet: {reason}").format(reason=error)
                    )
                return False
            self._waiting.pop(0)
            if not self._waiting:
                self._timer.stop()
                self.changed.emit(True)
        return not self._waiting
