"""The central area: the canvas, the panes of the inspect view, or the empty desk."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QStackedWidget

from annotator.canvas.inspect import InspectView
from annotator.canvas.view import CanvasView
from annotator.session import Session
from annotator.shell.welcome import EmptyDesk


class Centre(QStackedWidget):
    """Shows one of the views; actions on "the view" go to the visible one."""

    zoom_changed = Signal(float)
    resized = Signal()

    def __init__(
        self, session: Session, empty: EmptyDesk, canvas: CanvasView, inspect_view: InspectView
    ) -> None:
        super().__init__()
        self._session, self._inspecting = session, False
        self._empty, self._canvas, self._inspect_view = empty, canvas, inspect_view
        for view in (empty, canvas, inspect_view):
            self.addWidget(view)
        for view in (canvas, inspect_view):
            view.zoom_changed.connect(self._tell_zoom)
        session.project_opened.connect(self._show)
        session.image_changed.connect(self._tell_zoom)
        self._show()

    def inspect(self, on: bool) -> None:
        """Show the panes instead of the canvas."""
        self._inspecting = on
        self._show()
        self._tell_zoom()

    def zoom(self, factor: float) -> None:
        """Zoom the view that is shown."""
        self._view().zoom(factor)

    def fit(self) -> None:
        """Show the whole image."""
        self._view().fit()

    def actual_size(self) -> None:
        """Show one pixel of the photo on one of the screen."""
        self.zoom(1 / self._view().zoom_factor)

    def peek(self, on: bool) -> None:
        """Hide all layers while `on`."""
        self._canvas.peek(on)
        self._inspect_view.peek(on)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tell what lies over the views."""
        super().resizeEvent(event)
        self.resized.emit()

    def _view(self) -> CanvasView | InspectView:
        return self._inspect_view if self._inspecting else self._canvas

    def _show(self) -> None:
        shown = self._empty if self._session.project is None else self._view()
        self.setCurrentWidget(shown)
        self.setFocusProxy(shown)

    def _tell_zoom(self) -> None:
        # Of the view that is seen: the other one is laid out again now and then, too.
        self.zoom_changed.emit(self._view().zoom_factor)
