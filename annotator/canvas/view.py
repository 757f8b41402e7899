"""The canvas: the open image with its layers, and the tools at work on it."""

from typing import cast

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QTabletEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from annotator.boxes import Box
from annotator.canvas.badge import badge_strip, badge_text, draw_badge
from annotator.canvas.click_preview import ClickPreview
from annotator.canvas.geometry import Cover
from annotator.canvas.layered_view import LayeredView, shown_cam
from annotator.canvas.look import Look
from annotator.canvas.outlines import ink_colour, stroke_twice
from annotator.canvas.painting import Painting
from annotator.canvas.pen import Pen
from annotator.canvas.scale_bar import draw_scale_bar
from annotator.canvas.tools import TOOLS
from annotator.canvas.tools.base import Tool
from annotator.canvas.tools.box import BoxTool
from annotator.canvas.tools.picker import Picker
from annotator.session import Session
from trainer.data.classes import UNTOUCHED

SHOWN_AT_FIRST = ("image", "mask", "strokes")
SIZE_STEP = 1.15
BOX = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
HERE = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
MODIFIERS = (Qt.Key.Key_Alt, Qt.Key.Key_Shift)


class CanvasView(LayeredView):
    """Image, CAM, mask and seed cues over one another, and the session's tool under the mouse.

    The left button paints, the right one or Alt gives pixels back, Shift draws a straight line from where the
    last stroke ended, Ctrl and a click takes up the class under the mouse, Ctrl, Shift and a drag find the
    object in a box, Ctrl and the wheel size the brush.
    Moving the view never disturbs the stroke in progress; Esc gives it up. Whatever else takes the mouse, the
    keyboard or the image away ends it, and it is kept.
    """

    tool_ready = Signal(str)

    def __init__(
        self,
        session: Session,
        parent: QWidget | None = None,
        layers: tuple[str, ...] = SHOWN_AT_FIRST,
        editable: bool = True,
        look: Look | None = None,
    ) -> None:
        super().__init__(session, layers, look or Look(), parent)
        self.editable = editable
        self.left_pans = not editable
        self.painting = Painting(session, self)
        self.pen = Pen()
        self.scene().addItem(self.painting.item)
        self._tools: dict[str, Tool] = {make.name: make(self) for make in TOOLS}
        self.tool = self._tools[session.tool]
        self.straight = self.erasing = False
        self._button = Qt.MouseButton.NoButton
        self._drawing = False
        self._overlay = QRect()
        self.badge = self._image_id = ""
        self._crosshair: QPointF | None = None
        self.click_preview = ClickPreview(
            session, self._dab, lambda part: self.viewport().update(self._around(part, 4)), self
        )
        self._connect()
        self._open()

    def _connect(self) -> None:
        session = self.session
        session.project_opened.connect(self._open)
        session.image_changed.connect(self._open)
        session.proposal_changed.connect(self._refresh_badge)
        session.classes_changed.connect(self._refresh_badge)
        session.busy_changed.connect(self._refresh_badge)
        session.paint_changed.connect(self._follow_paint)
        if self.editable:
            self.hovered.connect(self.click_preview.rest_at)
            for signal in (session.paint_changed, session.layer_changed, session.image_changed):
                signal.connect(self.click_preview.again)

    # -- Following the session -------------------------------------------------------------------------------

    def _open(self) -> None:
        image = self.session.image
        shape = image.shape[:2] if image is not None else (0, 0)
        self.painting.reset(shape if image is not None else None)
        for tool in self._tools.values():
            tool.reset()
        self.show_document()
        size, image_id = QSize(shape[1], shape[0]), self.session.image_id
        if image_id != self._image_id or size != self.image_size:  # the same one stays in its place
            self.set_image_size(size)
        self._image_id = image_id
        self.restore_cursor()
        self.refresh_overlay()
        self.viewport().update()  # what lay over the former photo, also beside it
        self.tell_cursor()

    def apply_visibility(self) -> None:
        """The stroke in progress is hidden with the layers."""
        super().apply_visibility()
        self.painting.item.setVisible(not self.peeking)

    def _follow_paint(self) -> None:
        tool = self._tools[self.session.tool]
        if tool is not self.tool:
            former = self.tool
            self.finish()
            former.reset()
            self.tool = tool
            if not self.panning:
                self.restore_cursor()
        elif self.painting.active and self.painting.target is not self.session.target:
            self.finish()
        self.items_by_name["cam"].update()
        self.viewport().update()

    def tool_is_ready(self, tool: Tool) -> None:
        """What a tool computed off the GUI thread has arrived: show it under the mouse."""
        self.tool_ready.emit(tool.name)
        if tool is self.tool and self.cursor_at is not None:
            tool.hover(self.to_image(self.cursor_at))

    # -- Brush size ------------------------------------------------------------------------------------------

    def scale_brush(self, factor: float) -> None:
        """Make the brush larger or smaller."""
        self.session.brush_radius *= factor

    # -- Mouse and keys --------------------------------------------------------------------------------------

    def finish(self) -> bool:
        """Commit what is being drawn; return whether there was anything."""
        self._button = Qt.MouseButton.NoButton
        drawing = self.tool.pending
        self.tool.finish()
        self.tool = self._tools[self.session.tool]  # after a box
        self.refresh_overlay()
        return drawing

    def step_back(self) -> bool:
        """Take the last corner of a polygon back, or end and keep a stroke; whether there was anything."""
        return self.tool.step_back() or self.finish()

    def _lose_mouse(self) -> None:
        """End a stroke whose release will not arrive; a figure of several clicks continues."""
        if self.tool.busy:
            self.finish()
        self._button = Qt.MouseButton.NoButton

    def dragging(self) -> bool:
        """Whether a stroke is in progress."""
        return self._button != Qt.MouseButton.NoButton

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to paint, or to pan."""
        self._press(event, double=False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """The second of two quick presses."""
        self._press(event, double=True)

    def _press(self, event: QMouseEvent, double: bool) -> None:
        self._note_modifiers(event.modifiers())
        self.click_preview.clear()
        self.cursor_at = event.position()
        super().mousePressEvent(event)
        if event.button() == self._button:  # how could it be pressed twice?
            self._lose_mouse()
        if self.panning or self.dragging() or self.image_size.isEmpty() or not self.editable:
            return
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            return
        self.session.strokes.editor = self
        at = self.to_image(event.position())
        here = event.modifiers() & HERE == HERE
        self.painting.only_here = here or self.session.only_here
        erase = event.button() == Qt.MouseButton.RightButton or (self.erasing and not here) or self.pen.erases
        if event.modifiers() & BOX == BOX and not self.tool.pending:
            self.tool, self._button = self._tools[BoxTool.name], event.button()
            self.tool.press(at, erase, False)
        elif event.modifiers() & Qt.KeyboardModifier.ControlModifier and not here:
            self._tools[Picker.name].press(at, erase, False)
        elif double:
            self._button = event.button()
            self.tool.double_press(at, erase)
        else:
            self._button = event.button()
            self.tool.press(at, erase, self.straight)
        self.refresh_overlay()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with the stroke, unless the view is being moved."""
        self._note_modifiers(event.modifiers())
        if self.dragging() and not event.buttons() & self._button:
            self._lose_mouse()
        super().mouseMoveEvent(event)
        if not self.panning:
            at = self.to_image(event.position())
            if self.tool.busy and self.dragging():
                self.tool.drag(at)
            else:
                self.tool.hover(at)
        self.refresh_overlay()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Commit the stroke."""
        super().mouseReleaseEvent(event)
        if event.button() == self._button:
            self._button = Qt.MouseButton.NoButton
            if self.tool.busy:
                self.tool.release(self.to_image(event.position()))
            if not self.viewport().rect().contains(event.position().toPoint()):
                self.cursor_at = None  # it left during the stroke
                self.hovered.emit(None)
            self.pen.lift()
            self._take_pressure()
            self._follow_paint()  # the tool of the session again, after a box
            self.refresh_overlay()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the cursor; with Ctrl size the brush."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.scale_brush(SIZE_STEP ** (event.angleDelta().y() / 120))
            event.accept()
        else:
            super().wheelEvent(event)

    def event(self, event: QEvent) -> bool:
        """Take the keys that the tool uses now before any shortcut does."""
        if event.type() == QEvent.Type.ShortcutOverride:
            key = cast(QKeyEvent, event).key()
            if key == Qt.Key.Key_Space or (self.tool.pending and key in TOOL_KEYS):
                event.accept()
                return True
        if event.type() in (QEvent.Type.WindowDeactivate, QEvent.Type.Hide):
            self._lose_mouse()
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc cancels, Enter closes, Backspace steps back; Space pans."""
        action = TOOL_KEYS.get(Qt.Key(event.key()))
        if event.key() in MODIFIERS:
            self._note_modifiers(event.modifiers())
        if action is None or not action(self.tool):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Alt and Shift change the ring."""
        if event.key() in MODIFIERS:
            self._note_modifiers(event.modifiers())
        super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """No key is held any more, and another window may receive the end of a stroke."""
        self._lose_mouse()
        self._note_modifiers(Qt.KeyboardModifier.NoModifier)
        super().focusOutEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        """Take the ring away when the mouse leaves; a pen is a mouse that knows how hard it is pressed."""
        if isinstance(event, QTabletEvent):
            self.pen.follow(event)
            self._take_pressure()
            event.ignore()  # or no mouse event would come of it
            return False
        handled = super().viewportEvent(event)
        if event.type() == QEvent.Type.Leave:
            self.refresh_overlay()
        return handled

    def _take_pressure(self) -> None:
        self.painting.share = self.pen.share if self.session.pen_pressure else 1.0

    def restore_cursor(self) -> None:
        """The tool's cursor; the ring replaces it where there is one."""
        if self.image_size.isEmpty():
            self.viewport().setCursor(Qt.CursorShape.ArrowCursor)
        else:
            self.viewport().setCursor(self.tool.cursor if self.editable else Qt.CursorShape.OpenHandCursor)

    def _note_modifiers(self, modifiers: Qt.KeyboardModifier) -> None:
        straight = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        erasing = bool(modifiers & Qt.KeyboardModifier.AltModifier)
        if (straight, erasing) != (self.straight, self.erasing):
            self.straight, self.erasing = straight, erasing
            self.refresh_overlay()

    # -- What lies over the image ----------------------------------------------------------------------------

    def set_crosshair(self, point: QPointF | None) -> None:
        """Mark an image point, as the mouse in another view does."""
        for each in (self._crosshair, point):
            if each is not None:
                self.viewport().update(self._around(QRectF(each, each), 16))
        self._crosshair = point

    def refresh_overlay(self) -> None:
        """Repaint where the tool has drawn and where it will draw."""
        at = self._cursor_in_image()
        reach = self.tool.reach(at)
        now = QRect() if reach.isNull() else self._around(reach, 8)
        self.viewport().update(self._overlay)
        self.viewport().update(now)
        self._overlay = now
        if self.tool.pending != self._drawing:
            self._drawing = self.tool.pending
            self.session.strokes.note_drawing(self._drawing)
        self._refresh_badge()

    def _refresh_badge(self) -> None:
        """Say what is still to come for the mask; a stroke in work is never covered."""
        text = "" if self.tool.pending else badge_text(self.session)
        if text != self.badge:
            self.badge = text
            self.viewport().update(badge_strip(self.viewport().rect()))

    def drawForeground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """Pixel grid, badge, ring, crosshair and the CAM's scale bar."""
        if self.peeking or self.image_size.isEmpty():
            return
        self.draw_pixel_grid(painter, QRectF(rect))
        if self.badge and self.layer_visible("mask"):
            draw_badge(painter, self.viewport().rect(), self.badge)
        if self._crosshair is not None:
            self._draw_crosshair(painter, self._crosshair)
        if self.editable:
            erase = self.erasing or self._button == Qt.MouseButton.RightButton
            self.click_preview.draw(painter)
            self.tool.draw(painter, self._cursor_in_image(), erase)
        cam = shown_cam(self.session)
        if self.layer_visible("cam") and cam is not None:
            name = f"CAM · {self.session.classes.name_of(cam[0])}"
            draw_scale_bar(painter, self.viewport().rect(), name, self.layer_opacity("cam"))

    def _cursor_in_image(self) -> QPointF | None:
        return None if self.cursor_at is None or self.panning else self.to_image(self.cursor_at)

    def _dab(self, at: QPointF) -> tuple[Box, Cover] | None:
        """What a click at an image point would cover; None while it would not paint."""
        if self.peeking or self.erasing or self.panning or self.dragging() or self.tool.pending:
            return None
        return self.tool.dab(at)

    def _around(self, reach: QRectF, margin: int) -> QRect:
        corners = QRectF(self.from_image(reach.topLeft()), self.from_image(reach.bottomRight()))
        return corners.toAlignedRect().adjusted(-margin, -margin, margin, margin)

    def _draw_crosshair(self, painter: QPainter, at: QPointF) -> None:
        path = QPainterPath()
        for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            path.moveTo(at + QPointF(x, y) * (4 / self.scale_factor))
            path.lineTo(at + QPointF(x, y) * (13 / self.scale_factor))
        stroke_twice(painter, path, ink_colour(UNTOUCHED))


TOOL_KEYS = {
    Qt.Key.Key_Escape: lambda tool: tool.cancel(),
    Qt.Key.Key_Return: lambda tool: tool.close(),
    Qt.Key.Key_Enter: lambda tool: tool.close(),
    Qt.Key.Key_Backspace: lambda tool: tool.step_back(),
}
