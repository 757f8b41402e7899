"""The Images panel: every image of the project, found, filtered, ordered and opened."""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QSize,
    Qt,
    QTimer,
    QUrl,
)
from PySide6.QtGui import QDesktopServices, QGuiApplication, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QProgressBar,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from annotator.panels.image_row import ImageRow
from annotator.panels.image_view import ImageView
from annotator.panels.thumbnails import Thumbnails
from annotator.session import Session
from annotator.session.order import urgency
from annotator.theme import Theme
from annotator.widgets import ComboBox, explanation
from trainer.data.project import ImageRecord, Status

Index = QModelIndex | QPersistentModelIndex
RECORD = Qt.ItemDataRole.UserRole
REFRESH_MS = 250


class Order(IntEnum):
    """How the list is ordered."""

    NAME = 0
    USEFUL = 1


class ImageList(QAbstractListModel):
    """The images that are shown, in their order; rows are looked up when they are painted, not before."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._thumbnails.arrived.connect(self.refresh_row)
        self.records: dict[str, ImageRecord] = {}
        self.ids: list[str] = []
        self._rows: dict[str, int] = {}

    def show(self, records: dict[str, ImageRecord], ids: list[str]) -> bool:
        """Show these of the records; whether they are others than before, or in another order."""
        self.records = records
        if ids == self.ids:
            return False
        self.beginResetModel()
        self.ids = ids
        self._rows = {image_id: row for row, image_id in enumerate(ids)}
        self.endResetModel()
        return True

    def index_of(self, image_id: str) -> QModelIndex:
        """Where an image stands; invalid when it is not shown."""
        return self.index(self._rows[image_id]) if image_id in self._rows else QModelIndex()

    def refresh_row(self, image_id: str) -> None:
        """Paint a row again."""
        index = self.index_of(image_id)
        if index.isValid():
            self.dataChanged.emit(index, index)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Number of images shown."""
        return 0 if parent.isValid() else len(self.ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name, picture, record, or where it lies and what its status icon means as tool tip."""
        if not index.isValid() or index.row() >= len(self.ids):
            return None
        record = self.records.get(self.ids[index.row()])
        if record is None:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return record.id
            case Qt.ItemDataRole.DecorationRole:
                return self._thumbnails.get(record.id, record.path) or QPixmap()
            case Qt.ItemDataRole.ToolTipRole:
                return f"{record.path}\n{self._status(record.status)}"
            case _:
                return record if role == RECORD else None

    def _status(self, status: Status) -> str:
        return {
            Status.NEW: self.tr("New"),
            Status.PROPOSED: self.tr("Proposed"),
            Status.CORRECTED: self.tr("Corrected"),
            Status.ACCEPTED: self.tr("Accepted"),
        }[status]


class ImagesPanel(QWidget):
    """Search, filter, order, the list, and how far the work has come."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._session = session
        self.thumbnails = Thumbnails(self)
        self.model = ImageList(self.thumbnails, self)
        self.search = QLineEdit(placeholderText=self.tr("Search name or tag"), clearButtonEnabled=True)
        self.search.setAccessibleName(self.tr("Search images"))
        self.search.textChanged.connect(self.refresh)
        self.search.returnPressed.connect(self._open_first)
        self.filter = ComboBox()
        self.filter.setAccessibleName(self.tr("Filter by status"))
        for text, statuses in (
            (self.tr("All images"), frozenset(Status)),
            (self.tr("Not accepted"), frozenset(Status) - {Status.ACCEPTED}),
            (self.tr("New"), frozenset({Status.NEW})),
            (self.tr("Proposed"), frozenset({Status.PROPOSED})),
            (self.tr("Corrected"), frozenset({Status.CORRECTED})),
            (self.tr("Accepted"), frozenset({Status.ACCEPTED})),
            (self.tr("Without tags"), frozenset[Status]()),
        ):
            self.filter.addItem(text, statuses)
        self.filter.currentIndexChanged.connect(self.refresh)
        self.order = ComboBox()
        self.order.setAccessibleName(self.tr("Order of the images"))
        self.order.addItem(self.tr("By name"), Order.NAME)
        self.order.addItem(self.tr("Most useful next"), Order.USEFUL)
        self.order.setToolTip(
            self.tr(
                "Most useful next: images the model is least certain about come first; strokes help most "
                "there."
            )
        )
        self.order.currentIndexChanged.connect(self.sort_again)
        self.view = ImageView()
        self.view.setAccessibleName(self.tr("Images"))
        self.view.setModel(self.model)
        self.view.setItemDelegate(ImageRow(theme, self.view))
        self.walking = False  # from image to image, with the keyboard in the list
        self.view.clicked.connect(self._open_clicked)
        self.view.activated.connect(self._open)
        self.view.walked.connect(self._walk)
        self.view.customContextMenuRequested.connect(self._offer)
        self._empty = explanation()
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setContentsMargins(24, 24, 24, 24)
        self._progress = QProgressBar(textVisible=False)
        self._count = QLabel()
        self._count.setProperty("muted", True)
        self._refresh = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._refresh.timeout.connect(self._count_accepted)
        self._lay_out()
        session.project_opened.connect(self._start)
        session.image_changed.connect(self._mark_open)
        session.record_changed.connect(self._note)
        session.records_changed.connect(self.refresh)
        session.photos.renewed.connect(lambda _: self.thumbnails.clear())
        theme.changed.connect(self.view.viewport().update)
        self.refresh()

    def sizeHint(self) -> QSize:
        """Wide enough for a picture and a name."""
        return QSize(250, 600)

    def begin_search(self) -> None:
        """Put the cursor into the search field."""
        self.search.setFocus()
        self.search.selectAll()

    def sort_again(self) -> None:
        """Filter and order again, and show the top."""
        self.refresh()
        self.view.scrollToTop()

    def refresh(self) -> None:
        """Filter and order again: only when a person asks, as a list that moves by itself is no help."""
        records, order = self._session.records, Order(self.order.currentData())
        ids = shown_ids(records.values(), self.filter.currentData(), self.search.text(), order)
        others = self.model.show(records, ids)
        self._session.set_order(ids, by_use=order is Order.USEFUL)
        if others:  # a list that stays is left where a person has scrolled it
            self._mark_open(self._session.image_id)
        self.view.viewport().update()
        self._count_accepted()
        if ids:
            self._stack.setCurrentWidget(self.view)
        else:
            self._empty.setText(
                self.tr("No image matches. Clear the search or choose “All images”.")
                if records
                else self.tr("Open a folder of photos, or a VOC data set, to begin.")
            )
            self._stack.setCurrentWidget(self._empty)

    def _count_accepted(self) -> None:
        records = self._session.records
        accepted = sum(record.status is Status.ACCEPTED for record in records.values())
        self._progress.setRange(0, max(len(records), 1))
        self._progress.setValue(accepted)
        count = self.tr("{n} of {total} accepted").format(n=accepted, total=len(records))
        if len(self.model.ids) < len(records):
            count += " · " + self.tr("{n} shown").format(n=len(self.model.ids))
        self._count.setText(count)

    def _lay_out(self) -> None:
        choices = QHBoxLayout()
        choices.setSpacing(6)
        choices.addWidget(self.filter, 1)
        choices.addWidget(self.order, 1)
        for combo in (self.filter, self.order):
            combo.setMinimumContentsLength(6)
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        head = QVBoxLayout()
        head.setContentsMargins(8, 8, 8, 6)
        head.setSpacing(6)
        head.addWidget(self.search)
        head.addLayout(choices)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._empty)
        foot = QVBoxLayout()
        foot.setContentsMargins(10, 7, 10, 8)
        foot.setSpacing(5)
        foot.addWidget(self._progress)
        foot.addWidget(self._count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addLayout(self._stack, 1)
        layout.addLayout(foot)

    def _start(self) -> None:
        """Another folder: what was looked for in the former one is not there."""
        self.thumbnails.clear()
        for widget in (self.search, self.filter):
            widget.blockSignals(True)
        self.search.clear()
        self.filter.setCurrentIndex(0)
        for widget in (self.search, self.filter):
            widget.blockSignals(False)
        self.refresh()

    def _note(self, image_id: str) -> None:
        self.model.refresh_row(image_id)
        if not self._refresh.isActive():
            self._refresh.start()

    def _mark_open(self, image_id: str) -> None:
        index = self.model.index_of(image_id)
        if index.isValid():
            self.view.setCurrentIndex(index)
            self.view.scrollTo(index)

    def _walk(self, index: QModelIndex) -> None:
        self.walking = self.view.hasFocus()
        self._session.open_image(index.data(Qt.ItemDataRole.DisplayRole))

    def _open(self, index: QModelIndex) -> None:
        self.walking = False
        self._session.open_image(index.data(Qt.ItemDataRole.DisplayRole))

    def _open_clicked(self, index: QModelIndex) -> None:
        if self.view.selectedIndexes() == [index]:  # else several are being chosen
            self._open(index)

    def _offer(self, at: QPoint) -> None:
        rows = sorted(index.row() for index in self.view.selectedIndexes())
        records = [self.model.records[self.model.ids[row]] for row in rows]
        if records:
            menu = ImageMenu(self._session, records, self.view)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(self.view.viewport().mapToGlobal(at))

    def _open_first(self) -> None:
        if self.model.ids:
            self.walking = False
            self._session.open_image(self.model.ids[0])
            self.view.setFocus()


def shown_ids(
    records: Iterable[ImageRecord], statuses: frozenset[Status], text: str, order: Order
) -> list[str]:
    """Ids of the records that pass status filter and search, in order; no status at all: those without tags.

    Every word of `text` must occur in the name or in a tag, whatever the case.
    """
    words = text.casefold().split()
    kept = [
        record
        for record in records
        if (record.status in statuses if statuses else not record.tagged)
        and all(word in f"{record.id} {' '.join(record.tags)}".casefold() for word in words)
    ]
    if order is Order.USEFUL:
        kept.sort(key=urgency)
    return [record.id for record in kept]


class ImageMenu(QMenu):
    """Opens an image, shows where it lies, copies its name; of several images only the names are of use."""

    def __init__(self, session: Session, records: Sequence[ImageRecord], parent: QWidget) -> None:
        super().__init__(parent)
        if len(records) == 1:
            (record,) = records
            folder = QUrl.fromLocalFile(str(record.path.parent))
            self.addAction(self.tr("Open"), lambda: session.open_image(record.id))
            self.addAction(self.tr("Show in folder"), lambda: QDesktopServices.openUrl(folder))
            copy = self.tr("Copy file name")
        else:
            copy = self.tr("Copy {n} file names").format(n=len(records))
        names = "\n".join(record.path.name for record in records)
        self.addAction(copy, lambda: QGuiApplication.clipboard().setText(names))
