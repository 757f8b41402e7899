"""The list of images as a view: what the keyboard does in it."""

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QListView

K = Qt.Key
WALKING = (K.Key_Up, K.Key_Down, K.Key_Home, K.Key_End, K.Key_PageUp, K.Key_PageDown)
CHOOSING = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier


class ImageView(QListView):
    """Arrows, Home, End and the Page keys go from image to image; with Shift or Ctrl they choose several."""

    walked = Signal(QModelIndex)

    def __init__(self) -> None:
        super().__init__()
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Tell of the image a key has gone to."""
        before = self.currentIndex()
        super().keyPressEvent(event)
        if event.key() in WALKING and not event.modifiers() & CHOOSING and self.currentIndex() != before:
            self.walked.emit(self.currentIndex())
