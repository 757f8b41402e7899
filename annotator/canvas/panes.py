"""Panes side by side, each a titled canvas on the open photo, zoomed and moved together."""

from abc import abstractmethod
from collections.abc import Iterable
from html import escape
from math import ceil

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from annotator.canvas.look import Look
from annotator.canvas.view import CanvasView
from annotator.class_colours import class_colour
from annotator.session import Session
from annotator.widgets import explanation

HEADER = 34
GAP_OF_LEGEND = "    "
GAP = 6


class Legend(QLabel):
    """Colours and names of classes, as many as there is room for; a tip tells all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        # Many classes widen neither window nor pane.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._entries: list[tuple[str, str]] = []

    def show_entries(self, entries: Iterable[tuple[str, str]]) -> None:
        """Show a mark, as rich text, and a name for each entry."""
        self._entries = list(entries)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show more or fewer."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        metrics = self.fontMetrics()
        widths = [metrics.horizontalAdvance(f"■ {name}{GAP_OF_LEGEND}") for _, name in self._entries]
        room, count = self.width(), len(widths)
        if sum(widths) > room:
            room -= metrics.horizontalAdvance(f"+{count}{GAP_OF_LEGEND}")
            while count and sum(widths[:count]) > room:
                count -= 1
        chips = [f"{mark}&nbsp;{escape(name)}" for mark, name in self._entries[:count]]
        hidden = len(widths) - count
        self.setText("&nbsp;&nbsp; ".join(chips + ([f"+{hidden}"] if hidden else [])))
        every = [f"{mark}&nbsp;{escape(name)}" for mark, name in self._entries]
        self.setToolTip("<br>".join(every) if hidden else "")


class Pane(QWidget):
    """A titled canvas that shows the photo and one layer, with a button to close it."""

    def __init__(
        self, session: Session, look: Look, title: str, layers: tuple[str, ...], editable: bool
    ) -> None:
        super().__init__()
        self.close_button = QToolButton()
        self.close_button.setText("×")
        self.close_button.setAutoRaise(True)
        self.close_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        named = self.tr("Close the pane {name}").format(name=title)
        self.close_button.setToolTip(named)
        self.close_button.setAccessibleName(named)
        self.view = CanvasView(session, layers=layers, editable=editable, look=look)
        self.title = QLabel(title)
        self.title.setProperty("heading", True)
        self.legend = Legend()
        self.header = QHBoxLayout()
        self.header.setContentsMargins(10, 0, 6, 0)
        self.header.addWidget(self.title)
        self.header.addWidget(self.legend, 1)
        self.header.addWidget(self.close_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        top = QWidget()
        top.setFixedHeight(HEADER)
        top.setLayout(self.header)
        layout.addWidget(top)
        layout.addWidget(self.view, 1)


class ClosedPanes(QWidget):
    """A strip that names the closed panes, each a button that opens it again."""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 2, 6, 2)
        row.addWidget(explanation(self.tr("Closed panes:")))
        self.buttons = row
        row.addStretch()

    def add(self, title: str) -> QToolButton:
        """Add the button of a pane, hidden at first."""
        button = QToolButton()
        button.setText(title)
        button.setToolTip(self.tr("Open the pane {name} again").format(name=title))
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.hide()
        self.buttons.insertWidget(self.buttons.count() - 1, button)
        return button


class Panes(QWidget):
    """Panes with one zoom, position and crosshair; all but the last can be closed."""

    hovered = Signal(object)
    zoom_changed = Signal(float)
    closed_changed = Signal(tuple)  # names of the panes that are closed now

    def __init__(self, session: Session, look: Look | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._look = session, look or Look(self)
        self.panes = self.make_panes()
        self._area = QWidget()
        self._grid = QGridLayout(self._area)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GAP)
        self._strip = ClosedPanes()
        self._strip.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._area, 1)
        layout.addWidget(self._strip)
        self.closed: tuple[str, ...] = ()
        self.reopeners = {name: self._strip.add(pane.title.text()) for name, pane in self.panes.items()}
        for name, pane in self.panes.items():
            pane.close_button.clicked.connect(lambda _, name=name: self.close_pane(name))
            self.reopeners[name].clicked.connect(lambda _, name=name: self.open_pane(name))
        self._placed: tuple[int, tuple[str, ...]] = (0, ())
        self._syncing = False
        for pane in self.panes.values():
            if not pane.view.editable:
                pane.view.viewport().setToolTip(self.hint())
            pane.view.moved.connect(lambda view=pane.view: self._follow(view))
            pane.view.hovered.connect(lambda point, view=pane.view: self._mark(view, point))
        for signal in (session.project_opened, session.proposal_changed, session.classes_changed):
            signal.connect(self.describe)
        session.image_changed.connect(self._open)
        session.paint_changed.connect(self.describe)
        self._open()

    @abstractmethod
    def make_panes(self) -> dict[str, Pane]:
        """The panes by name, in their order."""

    @abstractmethod
    def hint(self) -> str:
        """What the tip of a pane says that cannot be painted on."""

    @abstractmethod
    def describe(self) -> None:
        """Write into the headers what the panes show of the open image."""

    def pane(self, title: str, *layers: str, editable: bool = False) -> Pane:
        """A pane that shows these layers over the photo."""
        return Pane(self._session, self._look, title, ("image", *layers), editable)

    def close_pane(self, name: str) -> None:
        """Leave a pane out; the last one stays."""
        self.set_closed((*self.closed, name))

    def open_pane(self, name: str) -> None:
        """Show a closed pane again, at its place."""
        self.set_closed(other for other in self.closed if other != name)

    def set_closed(self, names: Iterable[str]) -> None:
        """Close these panes and open all others; unknown names are passed over, and one pane stays open."""
        left_out = set(names)
        closed = tuple(name for name in self.panes if name in left_out)
        if closed == self.closed or len(closed) == len(self.panes):
            return
        where = self.views[0].where
        self.closed = closed
        for name, pane in self.panes.items():
            pane.setVisible(name not in closed)
            self.reopeners[name].setVisible(name in closed)
        self._strip.setVisible(bool(closed))
        for name in self._open_names:
            self.panes[name].close_button.setEnabled(len(closed) < len(self.panes) - 1)
        self._lay_out()
        for view in self.views:
            view.show_where(where)
        self.closed_changed.emit(closed)

    @property
    def _open_names(self) -> tuple[str, ...]:
        return tuple(name for name in self.panes if name not in self.closed)

    def fit(self) -> None:
        """Show the whole image in every pane."""
        self.views[0].fit()

    def zoom(self, factor: float) -> None:
        """Zoom where the mouse is, in whichever pane."""
        self.main.zoom(factor)

    @property
    def main(self) -> CanvasView:
        """The canvas under the mouse, or the first one."""
        return next((view for view in self.views if view.cursor_at is not None), self.views[0])

    def peek(self, on: bool) -> None:
        """Show nothing but the photo in every pane while `on`."""
        for view in self.views:
            view.peek(on)

    @property
    def zoom_factor(self) -> float:
        """Screen pixels per image pixel."""
        return self.views[0].zoom_factor

    @property
    def views(self) -> list[CanvasView]:
        """The canvases of the panes that are open."""
        return [self.panes[name].view for name in self._open_names]

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the panes out so that the image is as large as can be."""
        super().resizeEvent(event)
        self._lay_out()

    def _lay_out(self) -> None:
        image, names = self._session.image, self._open_names
        height, width = image.shape[:2] if image is not None else (3, 4)

        def scale(columns: int) -> float:
            rows, area = ceil(len(names) / columns), self._area
            return min((area.width() / columns - GAP) / width, (area.height() / rows - HEADER - GAP) / height)

        columns = max((3, 2, 5, 1, 4), key=scale)
        if (columns, names) != self._placed:
            self._placed = columns, names
            for position, name in enumerate(names):
                self._grid.addWidget(self.panes[name], position // columns, position % columns)
            for line in range(len(self.panes)):  # all panes are of one size, as their zoom is one
                self._grid.setColumnStretch(line, line < min(columns, len(names)))
                self._grid.setRowStretch(line, line < ceil(len(names) / columns))

    def _follow(self, moved: CanvasView) -> None:
        if self._syncing:
            return
        self._syncing = True
        for view in self.views:
            if view is not moved:
                view.show_where(moved.where)
        self._syncing = False
        self.zoom_changed.emit(self.zoom_factor)

    def _mark(self, under: CanvasView, point: QPointF | None) -> None:
        for view in self.views:
            view.set_crosshair(None if view is under else point)
        self.hovered.emit(point)

    def _open(self) -> None:
        self._lay_out()
        self.describe()


def class_entries(session: Session) -> list[tuple[str, str]]:
    """Mark and name of each class that the open image is proposed to show."""
    return [
        (f'<span style="color:{QColor(*class_colour(each)).name()}">■</span>', session.classes.name_of(each))
        for each in session.cam_classes
    ]
