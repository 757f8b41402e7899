"""The Objects panel: names the objects of the open image, joins them, and takes that back."""

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QColor, QHideEvent, QIcon, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from annotator.actions import Actions
from annotator.class_colours import class_colour
from annotator.session import Session
from annotator.session.object_parts import TOOL, part_name
from annotator.widgets import NOTE, SWATCH, NotedDelegate, explanation, scrolled, swatch

NUMBER = Qt.ItemDataRole.UserRole


class ObjectsPanel(QWidget):
    """A list of the objects. Those that are selected are outlined on the canvas, with the Objects tool."""

    def __init__(self, session: Session, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._session, self._actions = session, actions
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Objects of this photo"))
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setIconSize(QSize(SWATCH, SWATCH))
        self.list.setItemDelegate(NotedDelegate(self.list))
        self.list.itemSelectionChanged.connect(self._choose)
        self.join = QPushButton(self.tr("Join"), autoDefault=False)
        self.join.setToolTip(self.tr("Make one object of the selected ones."))
        self.join.clicked.connect(session.objects.join_chosen)
        self.automatic = QPushButton(self.tr("As found"), autoDefault=False)
        self.automatic.setToolTip(self.tr("Forget cuts and joins here: each connected area is an object."))
        self.automatic.clicked.connect(session.objects.automatic)
        self.help = explanation()
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.join)
        buttons.addWidget(self.automatic)
        buttons.addStretch()
        inner = QWidget()
        body = QVBoxLayout(inner)
        body.setContentsMargins(12, 10, 12, 12)
        body.setSpacing(8)
        body.addWidget(self.list, 1)
        body.addLayout(buttons)
        body.addWidget(self.help)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(inner))
        session.objects.changed.connect(self._fill)
        session.objects.chosen_changed.connect(self._mark)
        session.classes_changed.connect(self._fill)
        actions.keys_changed.connect(self._explain)
        self._fill()

    def sizeHint(self) -> QSize:
        """As wide as its neighbours."""
        return QSize(280, 260)

    def showEvent(self, event: QShowEvent) -> None:
        """Objects are found while they are seen."""
        super().showEvent(event)
        self._session.objects.watch("panel", True)

    def hideEvent(self, event: QHideEvent) -> None:
        """And no longer."""
        super().hideEvent(event)
        self._session.objects.watch("panel", False)

    def _fill(self) -> None:
        objects, classes = self._session.objects, self._session.classes
        with QSignalBlocker(self.list):
            self.list.clear()
            for number, part in enumerate(objects.found.parts if objects.found else (), start=1):
                icon = QIcon(swatch(QColor(*class_colour(part.label)), ratio=self.devicePixelRatioF()))
                item = QListWidgetItem(icon, part_name(classes, part))
                item.setData(NUMBER, number)
                item.setData(NOTE, self.tr("{n} px").format(n=f"{part.size:,}"))
                self.list.addItem(item)
        self._mark()
        self._explain()

    def _explain(self) -> None:
        if not self.list.count():
            self.help.setText(self.tr("The objects of the mask appear here: each connected area is one."))
            return
        text = self.tr(
            "With the Objects tool ({key}): draw a line across an object to cut it, or click where it is "
            "narrow; drag from one object to another to join them."
        )
        self.help.setText(text.format(key=self._actions.key_text(TOOL)))

    def _mark(self) -> None:
        chosen = self._session.objects.chosen
        with QSignalBlocker(self.list):
            for row in range(self.list.count()):
                item = self.list.item(row)
                item.setSelected(item.data(NUMBER) in chosen)
        found = self._session.objects.found
        labels = {found.parts[number - 1].label for number in chosen} if found else set()
        self.join.setEnabled(len(chosen) > 1 and len(labels) == 1)
        self.automatic.setEnabled(bool(chosen))

    def _choose(self) -> None:
        self._session.objects.choose(sorted(item.data(NUMBER) for item in self.list.selectedItems()))
