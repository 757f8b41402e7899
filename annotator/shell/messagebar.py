"""Messages above the canvas: they say what happened and what can be done, and never stop the work."""

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from annotator.theme import Theme
from annotator.widgets import CrossButton, IconLabel

ICONS = {
    "info": ("mdi6.information-outline", "accent"),
    "warning": ("mdi6.alert-outline", "warn"),
    "error": ("mdi6.alert-circle-outline", "bad"),
}
BESIDE = 2  # lines that a text may have beside its buttons; one that has more stands above them
SECONDS = 6
KEPT = 3
Choice = tuple[str, Callable[[], object]]


class Message(QFrame):
    """One message; its first paragraph is shown, the rest are details behind a button."""

    def __init__(self, theme: Theme, level: str, text: str, *choices: Choice) -> None:
        super().__init__()
        self.text = text
        self.setProperty("bar", level)
        sentence, _, details = text.partition("\n\n")
        if details:
            choices = (*choices, (self.tr("Details"), self._show_details))
        self._label = QLabel(sentence)
        self._label.setWordWrap(True)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._row = QHBoxLayout()
        self._body = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._body.addWidget(self._label, 1)
        self._body.addLayout(self._row)
        self._edges = (
            IconLabel(theme, *ICONS[level], 18),
            CrossButton(theme, self.tr("Close the message"), self.leave),
        )
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(12, 6, 6, 6)
        self._layout.setSpacing(10)
        self._layout.addWidget(self._edges[0])
        self._layout.addLayout(self._body, 1)
        self._layout.addWidget(self._edges[1])
        self.buttons = [QPushButton(name) for name, _ in choices]
        for button, (_, act) in zip(self.buttons, choices, strict=True):
            button.clicked.connect(lambda _=False, act=act: act())
            self._row.addWidget(button)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the buttons below the text where it would be long and narrow beside them."""
        super().resizeEvent(event)
        room = self._body.geometry().width() - self._row.sizeHint().width() - self._body.spacing()
        beside = self._label.heightForWidth(room) <= BESIDE * self._label.fontMetrics().lineSpacing()
        direction = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        self._body.setDirection(direction)
        self._body.setAlignment(self._row, Qt.AlignmentFlag(0) if beside else Qt.AlignmentFlag.AlignLeft)
        for edge in self._edges:
            upright = Qt.AlignmentFlag.AlignVCenter if beside else Qt.AlignmentFlag.AlignTop
            self._layout.setAlignment(edge, upright)

    def leave(self) -> None:
        """Go away."""
        self.hide()
        self.deleteLater()
        self.setParent(None)

    def _show_details(self) -> None:
        DetailsDialog(self.text, self.window()).open()


class MessageBar(QWidget):
    """The messages that stand now, newest below; information leaves by itself."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)

    @property
    def texts(self) -> list[str]:
        """The texts that stand now."""
        return [message.text for message in self._messages()]

    def show_message(self, level: str, text: str, *choices: Choice) -> Message:
        """Show a message of level "info", "warning" or "error"; the same text never stands twice.

        `choices` are buttons: what stands on each, and what it does.
        """
        self.withdraw(text)
        message = Message(self._theme, level, text, *choices)
        self._layout.addWidget(message)
        for old in self._messages()[:-KEPT]:
            old.leave()
        if level == "info":
            QTimer.singleShot(1000 * SECONDS, message, message.leave)
        return message

    def withdraw(self, text: str) -> None:
        """Take the message with this text away, if it stands."""
        for message in self._messages():
            if message.text == text:
                message.leave()

    def clear(self) -> None:
        """Take all messages away."""
        for message in self._messages():
            message.leave()

    def _messages(self) -> list[Message]:
        items = (self._layout.itemAt(i) for i in range(self._layout.count()))
        return [w for item in items if item is not None and isinstance(w := item.widget(), Message)]


class DetailsDialog(QDialog):
    """A message in full, to be read or copied into a report."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Details"))
        self.resize(640, 360)
        shown = QPlainTextEdit(text, readOnly=True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton(self.tr("Copy"), QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(text))
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(shown)
        layout.addWidget(buttons)
