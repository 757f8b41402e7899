"""Python's garbage collection, in the thread of the windows alone."""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

INTERVAL_MS = 250


class GarbageCollector(QObject):
    """Collects in its own thread, by a timer, what Python would collect in any thread that makes objects.

    Widgets that refer to each other in a circle are garbage of that kind, and Qt crashes where one is
    destroyed outside the GUI thread. Python's own collection is off from then on; its thresholds hold here.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        timer = QTimer(self, interval=INTERVAL_MS)
        timer.timeout.connect(self._collect)
        timer.start()

    def _collect(self) -> None:
        if QApplication.mouseButtons() != Qt.MouseButton.NoButton:
            return  # it would be felt in a stroke
        oldest = -1
        for generation, (count, threshold) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True)):
            if count <= threshold:
                break
            oldest = generation
        if oldest >= 0:
            gc.collect(oldest)
