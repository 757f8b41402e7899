"""The pen of a tablet: how hard it is pressed, and whether it is turned round to its eraser."""

from PySide6.QtCore import QEvent
from PySide6.QtGui import QPointingDevice, QTabletEvent

LIGHTEST = 0.2
"""Share of the brush's size that the lightest touch paints with."""


class Pen:
    """What is known of the pen. It is told of tablet events, which become mouse events afterwards."""

    def __init__(self) -> None:
        self.lift()

    def follow(self, event: QTabletEvent) -> None:
        """Take pressure and end from an event; that of its release belongs to no point that is painted."""
        if event.type() != QEvent.Type.TabletRelease:
            touches = event.type() == QEvent.Type.TabletPress or bool(event.buttons())
            self.share = LIGHTEST + (1 - LIGHTEST) * event.pressure() if touches else 1.0
            self.erases = touches and event.pointerType() is QPointingDevice.PointerType.Eraser

    def lift(self) -> None:
        """The stroke has ended: what comes next may be a mouse."""
        self.share = 1.0
        """Of the brush's size, 0…1."""
        self.erases = False
