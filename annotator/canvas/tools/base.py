"""The base class of tools, and what a tool may use of its canvas."""

from typing import ClassVar, Protocol

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from annotator.boxes import Box
from annotator.canvas.geometry import Cover
from annotator.canvas.painting import Painting
from annotator.session import Session
from trainer.data.classes import UNTOUCHED


class ToolHost(Protocol):
    """The canvas, as a tool sees it."""

    session: Session
    painting: Painting
    straight: bool  # Shift is held

    @property
    def scale_factor(self) -> float:
        """Logical pixels per image pixel."""

    @property
    def zoom_factor(self) -> float:
        """Screen pixels per image pixel."""

    def refresh_overlay(self) -> None:
        """Draw again what lies over the image."""

    def tool_is_ready(self, tool: "Tool") -> None:
        """What the tool computed off the GUI thread has arrived."""


class Tool:
    """What the mouse does. All positions are image coordinates; `erase` is the right button or Alt.

    `name` is what the journal and the settings call it; `text`, `shortcut`, `icon` and `help` are what the
    menus and the tool bar show, translated there.
    """

    name: ClassVar[str]
    text: ClassVar[str]
    shortcut: ClassVar[str]
    icon: ClassVar[str]
    help: ClassVar[str]
    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, host: ToolHost) -> None:
        self.host = host
        self.session = host.session
        self.painting = host.painting

    @property
    def busy(self) -> bool:
        """Whether the mouse is drawing now."""
        return self.painting.active

    @property
    def pending(self) -> bool:
        """Whether there is something that Esc would cancel."""
        return self.painting.active

    def press(self, at: QPointF, erase: bool, straight: bool) -> None:
        """A button went down; `straight` is Shift."""

    def double_press(self, at: QPointF, erase: bool) -> None:
        """The second of two quick presses."""
        self.press(at, erase, False)

    def drag(self, at: QPointF) -> None:
        """The mouse moved while drawing."""

    def release(self, at: QPointF) -> None:
        """The button was let go while drawing."""

    def hover(self, at: QPointF) -> None:
        """The mouse moved without drawing."""

    def dab(self, at: QPointF) -> tuple[Box, Cover] | None:
        """What a click paints with the chosen class, box and cover; None where it paints nothing like it."""
        return None

    def close(self) -> bool:
        """Enter was pressed; return whether the tool used it."""
        return False

    def step_back(self) -> bool:
        """Backspace was pressed; return whether the tool used it."""
        return False

    def finish(self) -> None:
        """What is being drawn ends here and is kept: the mouse, the tool or the image is taken away."""
        if self.painting.active:
            self.painting.finish(self.name)

    def cancel(self) -> bool:
        """Esc was pressed; return whether there was something to cancel."""
        if self.painting.active:
            self.painting.cancel()
            return True
        return False

    def reset(self) -> None:
        """Another image is open, or another tool was chosen: forget what belongs to the old one."""
        self.cancel()

    def draw(self, painter: QPainter, at: QPointF | None, erase: bool) -> None:
        """Draw over the image, in image coordinates; `at` is the mouse, None outside."""

    def reach(self, at: QPointF | None) -> QRectF:
        """What `draw` may touch around the image point `at`."""
        return QRectF()

    def ink(self, erase: bool) -> int:
        """The value that would be painted."""
        return UNTOUCHED if erase else self.session.class_id
