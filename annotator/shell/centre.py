"""The central area: the canvas, panes side by side, or the empty desk."""

from functools import cached_property

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QStackedWidget

from annotator.canvas.compare import CompareView
from annotator.canvas.inspect import InspectView
from annotator.canvas.panes import Panes
from annotator.canvas.view import CanvasView
from annotator.canvas.zoom_to_object import ZoomToObject
from annotator.session import Session
from annotator.settings import DeskSettings
from annotator.shell.welcome import EmptyDesk


class Centre(QStackedWidget):
    """Shows one of the views; actions on "the view" go to the visible one."""

    zoom_changed = Signal(float)
    hovered = Signal(object)
    resized = Signal()
    panes_changed = Signal(str)  # "inspect" or "compare", "" for the canvas

    def __init__(
        self, session: Session, settings: DeskSettings, empty: EmptyDesk, canvas: CanvasView
    ) -> None:
        super().__init__()
        self._session, self._settings, self._panes = session, settings, ""
        self._empty, self._canvas = empty, canvas
        self._objects = ZoomToObject(session, self._canvas_of_view)
        self.addWidget(empty)
        self._add(canvas)
        session.project_opened.connect(self._show)
        session.image_changed.connect(self._tell_zoom)
        self._show()

    def inspect(self, on: bool) -> None:
        """Show the steps from photo to mask instead of the canvas."""
        self._show_panes("inspect", on)

    def compare(self, on: bool) -> None:
        """Show the automatic, the present and the accepted mask instead of the canvas."""
        self._show_panes("compare", on)

    @cached_property
    def inspect_view(self) -> InspectView:
        """The steps from photo to mask, side by side; made when it is first asked for."""
        view = InspectView(self._session, self._canvas.look)
        view.set_closed(self._settings.closed_panes)
        view.closed_changed.connect(self._keep_closed)
        self._add(view)
        return view

    @cached_property
    def compare_view(self) -> CompareView:
        """The automatic, the present and the accepted mask, side by side; made when it is first asked for."""
        view = CompareView(self._session, self._canvas.look)
        self._add(view)
        return view

    def zoom(self, factor: float) -> None:
        """Zoom the view that is shown."""
        self._view().zoom(factor)

    def fit(self) -> None:
        """Show the whole image."""
        self._view().fit()

    def actual_size(self) -> None:
        """Show one pixel of the photo on one of the screen."""
        self.zoom(1 / self._view().zoom_factor)

    def zoom_to_object(self) -> None:
        """Show the object under the mouse, or the next largest, as large as there is room."""
        self._objects.show_next()

    def peek(self, on: bool) -> None:
        """Hide all layers while `on`."""
        for index in range(self.count()):
            if isinstance(view := self.widget(index), CanvasView | Panes):
                view.peek(on)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tell what lies over the views."""
        super().resizeEvent(event)
        self.resized.emit()

    def _add(self, view: CanvasView | Panes) -> None:
        self.addWidget(view)
        view.zoom_changed.connect(self._tell_zoom)
        view.hovered.connect(self.hovered)

    def _keep_closed(self, names: tuple[str, ...]) -> None:
        self._settings.closed_panes = names

    def _show_panes(self, name: str, on: bool) -> None:
        if not on and name != self._panes:  # others were asked for since
            return
        self._panes = name if on else ""
        self._show()
        self._tell_zoom()
        self.panes_changed.emit(self._panes)

    def _view(self) -> CanvasView | Panes:
        if self._panes == "inspect":
            return self.inspect_view
        return self.compare_view if self._panes == "compare" else self._canvas

    def _canvas_of_view(self) -> CanvasView:
        view = self._view()
        return view.main if isinstance(view, Panes) else view

    def _show(self) -> None:
        shown = self._empty if self._session.project is None else self._view()
        self.setCurrentWidget(shown)
        self.setFocusProxy(shown)

    def _tell_zoom(self) -> None:
        # Of the view that is seen: the other one is laid out again now and then, too.
        self.zoom_changed.emit(self._view().zoom_factor)
