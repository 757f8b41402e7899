"""A graphics view that zooms at the cursor and pans freely, also while something else is being dragged."""

from typing import NamedTuple

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPalette,
    QResizeEvent,
    QShowEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QGraphicsScene, QGraphicsView, QWidget

ZOOM_STEP = 1.25
LARGEST_PIXEL = 64.0  # screen pixels per image pixel
MARGIN = 12  # logical pixels left around a fitted image
ROUND_A_BOX = 0.15  # share of a box that is shown beside it
SMALLEST_SHOWN = 16  # image pixels
OVERSCROLL = 0.85  # share of the view an image may be pushed out by


class Where(NamedTuple):
    """What a view shows: enough for another one to show the same."""

    scale: float  # logical pixels per image pixel
    centre: QPointF  # image point in the middle of the view
    fitted: bool


class NavigableView(QGraphicsView):
    """Shows an image of some size. Wheel zooms at the cursor, the middle button or Space and a drag pan.

    With `left_pans` the left button pans as well. `cursor_at` is the mouse in viewport coordinates, None
    outside. Positions in the image are floats: pixel (i, j) is the square from (j, i) to (j + 1, i + 1).
    """

    zoom_changed = Signal(float)
    moved = Signal()
    hovered = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setScene(QGraphicsScene(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.MinimalViewportUpdate)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.image_size = QSize()
        self.cursor_at: QPointF | None = None
        self.left_pans = False
        self._fitted = True
        self._space = False
        self._pan_from: QPointF | None = None
        self._anchor: tuple[QPointF, QPointF] | None = None
        self._set_backdrop()

    # -- Where the view is -----------------------------------------------------------------------------------

    @property
    def scale_factor(self) -> float:
        """Logical pixels per image pixel."""
        return self.transform().m11()

    @property
    def zoom_factor(self) -> float:
        """Screen pixels per image pixel; 1 is the photo's own size."""
        return self.scale_factor * self.devicePixelRatioF()

    @property
    def centre(self) -> QPointF:
        """The middle of the viewport, in viewport coordinates."""
        return QRectF(self.viewport().rect()).center()

    @property
    def where(self) -> Where:
        """What is shown now."""
        return Where(self.scale_factor, self.to_image(self.centre), self._fitted)

    def tell_cursor(self) -> None:
        """Tell which image point lies under the mouse, where the image has moved and the mouse has not."""
        if self.cursor_at is not None:
            self.hovered.emit(None if self.image_size.isEmpty() else self.to_image(self.cursor_at))

    def to_image(self, at: QPointF) -> QPointF:
        """Viewport position to image position."""
        return self.viewportTransform().inverted()[0].map(at)

    def from_image(self, point: QPointF) -> QPointF:
        """Image position to viewport position."""
        return self.viewportTransform().map(point)

    # -- Moving it -------------------------------------------------------------------------------------------

    def set_image_size(self, size: QSize) -> None:
        """Show another image, fitted."""
        self.image_size = size
        self.fit()

    def fit(self) -> None:
        """Show the whole image."""
        if self.image_size.isEmpty():
            return
        self._place(
            QRectF(0, 0, self.image_size.width(), self.image_size.height()).center(),
            self.centre,
            self._fit_scale(),
            fitted=True,
        )

    def zoom(self, factor: float) -> None:
        """Zoom by `factor`, keeping the image point under the cursor, or at the centre without one."""
        if self.image_size.isEmpty():
            return
        at = self.cursor_at if self.cursor_at is not None else self.centre
        # Scroll positions are whole pixels: one anchor for a series of steps keeps errors from adding up.
        if self._anchor is None or self._anchor[0] != at:
            self._anchor = at, self.to_image(at)
        anchor = self._anchor
        smallest = min(0.5 * self._fit_scale(), 1.0 / self.devicePixelRatioF())
        largest = LARGEST_PIXEL / self.devicePixelRatioF()
        self._place(anchor[1], at, min(max(self.scale_factor * factor, smallest), largest))
        self._anchor = anchor

    def show_box(self, box: QRectF) -> None:
        """Show a part of the image as large as there is room, with a rim of what surrounds it."""
        rim = ROUND_A_BOX * max(box.width(), box.height(), SMALLEST_SHOWN)
        room = box.adjusted(-rim, -rim, rim, rim)
        viewport = self.viewport().size()
        scale = min(viewport.width() / room.width(), viewport.height() / room.height())
        self._place(box.center(), self.centre, min(scale, LARGEST_PIXEL / self.devicePixelRatioF()))

    def show_where(self, where: Where) -> None:
        """Show what another view shows."""
        self._place(where.centre, self.centre, where.scale, where.fitted)

    def _fit_scale(self) -> float:
        room = self.viewport().size() - QSize(2 * MARGIN, 2 * MARGIN)
        return max(
            min(room.width() / self.image_size.width(), room.height() / self.image_size.height()), 1e-3
        )

    def _place(self, point: QPointF, at: QPointF, scale: float, fitted: bool = False) -> None:
        """Scale so, and bring image `point` to viewport position `at`."""
        before = self.where
        self._fitted = fitted
        self._anchor = None
        x, y = (OVERSCROLL * self.viewport().width() / scale, OVERSCROLL * self.viewport().height() / scale)
        self.setSceneRect(
            QRectF(0, 0, self.image_size.width(), self.image_size.height()).adjusted(-x, -y, x, y)
        )
        self.setTransform(QTransform.fromScale(scale, scale))
        self.horizontalScrollBar().setValue(round(point.x() * scale - at.x()))
        self.verticalScrollBar().setValue(round(point.y() * scale - at.y()))
        if self.where != before:
            self.moved.emit()
            if self.cursor_at is not None and not self.panning:
                self.tell_cursor()
        if scale != before.scale:
            self.zoom_changed.emit(self.zoom_factor)

    # -- Events ----------------------------------------------------------------------------------------------

    @property
    def panning(self) -> bool:
        """Whether the mouse moves the image now."""
        return self._pan_from is not None

    def dragging(self) -> bool:
        """Whether the mouse draws something; Space then pans without another press. For subclasses."""
        return False

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to pan with the middle button, or the left one while Space is held."""
        pans = self.left_pans or self._space
        left = event.button() == Qt.MouseButton.LeftButton and pans and not self.dragging()
        if event.button() == Qt.MouseButton.MiddleButton or left:
            self._start_pan(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan."""
        self.cursor_at = event.position()
        if self._pan_from is not None:
            delta = event.position() - self._pan_from
            self._place(self.to_image(self.centre - delta), self.centre, self.scale_factor)
            self._pan_from = event.position()
        else:
            self.hovered.emit(self.to_image(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Stop panning."""
        if self._pan_from is not None and event.button() != Qt.MouseButton.RightButton:
            self._stop_pan()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A second quick press is a press."""
        self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the cursor."""
        self.cursor_at = event.position()
        self.zoom(ZOOM_STEP ** (event.angleDelta().y() / 120))
        event.accept()

    def viewportEvent(self, event: QEvent) -> bool:
        """Pinch to zoom; know when the mouse leaves."""
        if isinstance(event, QNativeGestureEvent) and (
            event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture
        ):
            self.zoom(1.0 + event.value())
            return True
        if event.type() == QEvent.Type.Leave and not self.dragging() and not self.panning:
            self.cursor_at = None
            self.hovered.emit(None)
        return super().viewportEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space makes the mouse pan."""
        if event.key() != Qt.Key.Key_Space:
            event.ignore()
        elif not event.isAutoRepeat():
            self._space = True
            if self.dragging() and self.cursor_at is not None:
                self._start_pan(self.cursor_at)
            else:
                self.viewport().setCursor(Qt.CursorShape.OpenHandCursor)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space let go."""
        if event.key() != Qt.Key.Key_Space:
            event.ignore()
        elif not event.isAutoRepeat():
            self._space = False
            self._stop_pan()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Nobody tells whether Space is still held."""
        super().focusOutEvent(event)
        if self._space:
            self._space = False
            self._stop_pan()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the image fitted, or its centre in the centre."""
        super().resizeEvent(event)
        if self._fitted or not event.oldSize().isValid():
            self.fit()
        elif not self.image_size.isEmpty():
            old = QRectF(QPointF(0, 0), event.oldSize().toSizeF()).center()
            self._place(self.to_image(old), self.centre, self.scale_factor)

    def showEvent(self, event: QShowEvent) -> None:
        """Fit what was set before there was a size."""
        super().showEvent(event)
        if self._fitted:
            self.fit()

    def changeEvent(self, event: QEvent) -> None:
        """Follow dark and light."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._set_backdrop()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Scroll; what is drawn over the image stays where it is, so everything is repainted."""
        super().scrollContentsBy(dx, dy)
        self.viewport().update()

    def restore_cursor(self) -> None:
        """The cursor when nothing is being panned. For subclasses."""
        self.viewport().unsetCursor()

    def _start_pan(self, at: QPointF) -> None:
        self._pan_from = at
        self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)

    def _stop_pan(self) -> None:
        self._pan_from = None
        if self._space:
            self.viewport().setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.restore_cursor()

    def _set_backdrop(self) -> None:
        window = self.palette().color(QPalette.ColorRole.Window)
        self.setBackgroundBrush(
            window.darker(112) if window.lightness() > 127 else QColor(window).darker(125)
        )
