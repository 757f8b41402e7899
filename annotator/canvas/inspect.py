"""The inspect view: image, CAM, seed cues, propagated and final mask, zoomed and moved together."""

from collections.abc import Iterable
from html import escape
from math import ceil

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from annotator.canvas.class_colours import class_colour
from annotator.canvas.view import CanvasView, shown_cam
from annotator.session import Session
from annotator.widgets import ComboBox

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
    """A titled canvas that shows the photo and one layer."""

    def __init__(self, session: Session, title: str, layers: tuple[str, ...], editable: bool) -> None:
        super().__init__()
        self.view = CanvasView(session, layers=layers, editable=editable)
        self.title = QLabel(title)
        self.title.setProperty("heading", True)
        self.legend = Legend()
        self.header = QHBoxLayout()
        self.header.setContentsMargins(10, 0, 6, 0)
        self.header.addWidget(self.title)
        self.header.addWidget(self.legend, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        top = QWidget()
        top.setFixedHeight(HEADER)
        top.setLayout(self.header)
        layout.addWidget(top)
        layout.addWidget(self.view, 1)


class InspectView(QWidget):
    """Five panes with one zoom, position and crosshair. The panes of seeds and mask can be painted on."""

    hovered = Signal(object)
    zoom_changed = Signal(float)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.panes = {
            "image": Pane(session, self.tr("Image"), ("image",), editable=False),
            "cam": Pane(session, self.tr("CAM"), ("image", "cam"), editable=False),
            "seeds": Pane(session, self.tr("Seeds"), ("image", "seeds", "strokes"), editable=True),
            "propagated": Pane(session, self.tr("Propagated"), ("image", "propagated"), editable=False),
            "mask": Pane(session, self.tr("Final mask"), ("image", "mask"), editable=True),
        }
        self.cam_class = ComboBox()
        self.cam_class.setAccessibleName(self.tr("Class of the CAM"))
        self.cam_class.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.cam_class.activated.connect(self._choose_cam)
        self.panes["cam"].header.addWidget(self.cam_class)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GAP)
        self._columns = 0
        self._syncing = False
        for pane in self.panes.values():
            if not pane.view.editable:
                pane.view.viewport().setToolTip(
                    self.tr("Drag to move the image; the panes of seeds and mask can be painted on.")
                )
            pane.view.moved.connect(lambda view=pane.view: self._follow(view))
            pane.view.hovered.connect(lambda point, view=pane.view: self._mark(view, point))
        for signal in (session.project_opened, session.proposal_changed, session.classes_changed):
            signal.connect(self._describe)
        session.image_changed.connect(self._open)
        session.paint_changed.connect(self._describe)
        self._open()

    def fit(self) -> None:
        """Show the whole image in every pane."""
        self.views[0].fit()

    def zoom(self, factor: float) -> None:
        """Zoom where the mouse is, in whichever pane."""
        under = next((view for view in self.views if view.cursor_at is not None), self.views[0])
        under.zoom(factor)

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
        """The canvases of the panes."""
        return [pane.view for pane in self.panes.values()]

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the panes out so that the image is as large as can be."""
        super().resizeEvent(event)
        self._lay_out()

    def _lay_out(self) -> None:
        image = self._session.image
        height, width = image.shape[:2] if image is not None else (3, 4)

        def scale(columns: int) -> float:
            rows = ceil(len(self.panes) / columns)
            return min((self.width() / columns - GAP) / width, (self.height() / rows - HEADER - GAP) / height)

        columns = max((3, 2, 5, 1), key=scale)
        if columns != self._columns:
            self._columns = columns
            for position, pane in enumerate(self.panes.values()):
                self._grid.addWidget(pane, position // columns, position % columns)
            for line in range(len(self.panes)):  # all panes are of one size, as their zoom is one
                self._grid.setColumnStretch(line, line < columns)
                self._grid.setRowStretch(line, line < ceil(len(self.panes) / columns))

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
        self._describe()

    def _describe(self) -> None:
        session = self._session
        classes, cam = session.cam_classes, shown_cam(session)
        self.cam_class.clear()
        for class_id in classes:
            self.cam_class.addItem(session.classes.name_of(class_id), class_id)
        self.cam_class.setVisible(bool(classes))
        if cam is not None:
            self.cam_class.setCurrentIndex(classes.index(cam[0]))
        named = [
            (
                f'<span style="color:{QColor(*class_colour(each)).name()}">■</span>',
                session.classes.name_of(each),
            )
            for each in classes
        ]
        background = [("▨", self.tr("background"))] if named else []
        self.panes["seeds"].legend.show_entries(background + named)
        for name in ("propagated", "mask"):
            self.panes[name].legend.show_entries(named)

    def _choose_cam(self, index: int) -> None:
        self._session.cam_class = self.cam_class.itemData(index)
