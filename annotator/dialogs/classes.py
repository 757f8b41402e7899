"""The class list: its ids and colours, and new classes."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from annotator.canvas.class_colours import class_colour
from annotator.i18n import error_text
from annotator.session import Session
from annotator.widgets import explanation, swatch


class ClassesDialog(QDialog):
    """Shows the classes of the project and adds to them; ids never change, so none is removed."""

    added = Signal(str)

    def __init__(self, session: Session, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Classes"))
        self.resize(380, 460)
        self._session = session
        self._adding = ""  # the name that is being written
        self._warned = ""  # the name that was told to be much like another one
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Classes"))
        self.field = QLineEdit(name, placeholderText=self.tr("Name of a new class"))
        self.field.setAccessibleName(self.tr("Name of a new class"))
        self.field.returnPressed.connect(self._add)
        self.button = QPushButton(self.tr("Add class"), autoDefault=False)
        self.button.setProperty("accent", True)
        self.button.clicked.connect(self._add)
        self.field.textChanged.connect(lambda text: self.button.setEnabled(bool(text.strip())))
        self.button.setEnabled(bool(name.strip()))
        self.problem = explanation(
            self.tr("“{name}” is not a class of this project yet.").format(name=name) if name else ""
        )
        row = QHBoxLayout()
        row.addWidget(self.field, 1)
        row.addWidget(self.button)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setAutoDefault(False)  # Return adds what stands in the field, and does not close as well
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 12)
        layout.setSpacing(9)
        layout.addWidget(
            explanation(self.tr("A class keeps its number and colour, so masks written earlier stay valid."))
        )
        layout.addWidget(self.list, 1)
        layout.addWidget(self.problem)
        layout.addLayout(row)
        layout.addWidget(buttons)
        self._fill()
        self.field.setFocus()

    def _fill(self) -> None:
        self.list.clear()
        classes = self._session.classes
        for class_id in classes.ids:
            icon = QIcon(swatch(QColor(*class_colour(class_id)), ratio=self.devicePixelRatioF()))
            self.list.addItem(QListWidgetItem(icon, f"{class_id:\u2007>3}   {classes.name_of(class_id)}"))

    def _add(self) -> None:
        name = self.field.text().strip()
        if not name or name == self._adding:
            return
        alike = next((known for known in self._session.classes.names if is_like(name, known)), None)
        if alike is not None and name != self._warned:
            self._warned = name
            warning = self.tr("“{alike}” is already a class. Add “{name}” again if you mean a different one.")
            self.problem.setText(warning.format(alike=alike, name=name))
            return
        self._adding = name
        self._session.tagging.add_class(name, lambda _: self._show_added(name), self._refuse)

    def _show_added(self, name: str) -> None:
        self._adding = ""
        if self.field.text().strip() == name:  # nothing was typed since
            self.field.clear()
        self.problem.setText(self.tr("Added “{name}”.").format(name=name))
        self._fill()
        self.list.scrollToBottom()
        self.added.emit(name)

    def _refuse(self, error: Exception) -> None:
        self._adding = ""
        self.problem.setText(error_text(error))


def is_like(name: str, known: str) -> bool:
    """Whether two names of classes differ only by letter case, spaces, dashes and underscores."""

    def plain(text: str) -> str:
        return "".join(letter for letter in text.casefold() if letter not in " -_")

    return name != known and plain(name) == plain(known)
