"""The Images panel: every image of the project, found, filtered, ordered and opened."""

from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, QTimer
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from annotator.actions import Actions
from annotator.panels.image_filter import Kind, Order, kind_texts, shown_ids
from annotator.panels.image_list import ImageList
from annotator.panels.image_menu import ImageMenu
from annotator.panels.image_row import ImageRow
from annotator.panels.image_view import ImageView
from annotator.panels.thumbnails import Thumbnails
from annotator.session import Session
from annotator.theme import Theme
from annotator.widgets import ComboBox, explanation
from trainer.data.project import Status

REFRESH_MS = 250


class ImagesPanel(QWidget):
    """Search, filter, order, the list, and how far the work has come."""

    def __init__(
        self, session: Session, theme: Theme, actions: Actions | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._session, self._actions = session, actions
        self.thumbnails = Thumbnails(self)
        self.model = ImageList(self.thumbnails, self)
        self.search = QLineEdit(placeholderText=self.tr("Search name or tag"), clearButtonEnabled=True)
        self.search.setAccessibleName(self.tr("Search images"))
        self.search.textChanged.connect(self.refresh)
        self.search.returnPressed.connect(self._open_first)
        self.filter = ComboBox()
        self.filter.setAccessibleName(self.tr("Filter by status"))
        for kind, text in kind_texts().items():
            self.filter.addItem(text, kind)
        self.filter.currentIndexChanged.connect(self.refresh)
        self.tag = ComboBox()
        self.tag.setAccessibleName(self.tr("Filter by class"))
        self.tag.currentIndexChanged.connect(self.refresh)
        self.order = ComboBox()
        self.order.setAccessibleName(self.tr("Order of the images"))
        self.order.addItem(self.tr("By name"), Order.NAME)
        self.order.addItem(self.tr("Most useful next"), Order.USEFUL)
        self.order.addItem(self.tr("Surest first"), Order.SURE)
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
        self._refresh.timeout.connect(self._list_classes)
        self._lay_out()
        session.project_opened.connect(self._start)
        session.image_changed.connect(self._mark_open)
        session.record_changed.connect(self._note)
        session.records_changed.connect(self.refresh)
        for signal in (session.records_changed, session.classes_changed):
            signal.connect(self._list_classes)
        session.photos.renewed.connect(lambda _: self.thumbnails.clear())
        theme.changed.connect(self.view.viewport().update)
        self._list_classes()
        self.refresh()

    def sizeHint(self) -> QSize:
        """Wide enough for a picture and a name."""
        return QSize(250, 600)

    def begin_search(self) -> None:
        """Put the cursor into the search field."""
        self.search.setFocus()
        self.search.selectAll()

    @property
    def chosen(self) -> list[str]:
        """Ids of the images that are chosen in the list, if there are several; else that of the open one."""
        rows = sorted(index.row() for index in self.view.selectedIndexes())
        if len(rows) > 1:
            return [self.model.ids[row] for row in rows]
        return [self._session.image_id] if self._session.image_id else []

    def sort_again(self) -> None:
        """Filter and order again, and show the top."""
        self.refresh()
        self.view.scrollToTop()

    def refresh(self) -> None:
        """Filter and order again: only when a person asks, as a list that moves by itself is no help."""
        records, order = self._session.records, Order(self.order.currentData())
        ids = shown_ids(
            records.values(),
            Kind(self.filter.currentData()),
            self.search.text(),
            order,
            self.tag.currentData() or "",
        )
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
        choices.addWidget(self.tag, 1)
        for combo in (self.filter, self.tag, self.order):
            combo.setMinimumContentsLength(6)
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        head = QVBoxLayout()
        head.setContentsMargins(8, 8, 8, 6)
        head.setSpacing(6)
        head.addWidget(self.search)
        head.addLayout(choices)
        head.addWidget(self.order)
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
        for widget in (self.search, self.filter, self.tag):
            widget.blockSignals(True)
        self.search.clear()
        self.filter.setCurrentIndex(0)
        self.tag.setCurrentIndex(0)
        for widget in (self.search, self.filter, self.tag):
            widget.blockSignals(False)
        self._list_classes()
        self.refresh()

    def _list_classes(self) -> None:
        """Offer the classes that images are tagged with; the chosen one stays."""
        chosen = self.tag.currentData()
        used = {name for record in self._session.records.values() for name in record.tags}
        names = [name for name in self._session.classes.listed if name in used or name == chosen]
        offered = [self.tag.itemData(index) for index in range(1, self.tag.count())]
        if self.tag.count() and names == offered:
            return
        self.tag.blockSignals(True)
        self.tag.clear()
        self.tag.addItem(self.tr("All classes"), "")
        for name in names:
            self.tag.addItem(name, name)
        self.tag.setCurrentIndex(max(self.tag.findData(chosen), 0))
        self.tag.blockSignals(False)
        if chosen and self.tag.currentData() != chosen:
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
            menu = ImageMenu(self._session, records, self._actions, self.view)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(self.view.viewport().mapToGlobal(at))

    def _open_first(self) -> None:
        if self.model.ids:
            self.walking = False
            self._session.open_image(self.model.ids[0])
            self.view.setFocus()
