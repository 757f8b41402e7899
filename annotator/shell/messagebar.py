"""Messages over the canvas: what happened and what can be done, without interrupting the work."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
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
SECONDS = {"info": 6, "warning": 20}  # how long a message stays; an error until it is closed
KEPT = 8
WIDEST, EDGE = 760, 14  # logical pixels
Choice = tuple[str, Callable[[], object]]


class Message(QFrame):
    """One message; its first paragraph is shown, the rest are details behind a button.

    It leaves after a time in which it can be seen, unless it is an error.
    """

    closed = Signal()

    def __init__(self, theme: Theme, level: str, text: str, *choices: Choice) -> None:
        super().__init__()
        self.level, self.text = level, text
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.closed)
        # Who is to choose needs time to read.
        self._seconds = SECONDS.get("warning" if choices and level in SECONDS else level)
        self.setProperty("bar", level)
        sentence, _, details = text.partition("\n\n")
        if details:
            choices = (*choices, (self.tr("Details"), self._show_details))
        self._label = QLabel()
        self._label.setTextFormat(Qt.TextFormat.PlainText)  # names of files may look like HTML
        self._label.setText(sentence)
        self._label.setWordWrap(True)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._row = QHBoxLayout()
        self._body = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._body.addWidget(self._label, 1)
        self._body.addLayout(self._row)
        self._edges = (
            IconLabel(theme, *ICONS[level], 18),
            CrossButton(theme, self.tr("Close the message"), self.closed.emit),
        )
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(12, 6, 6, 6)
        self._layout.setSpacing(10)
        self._layout.addWidget(self._edges[0])
        self._layout.addLayout(self._body, 1)
        self._waiting = QLabel()
        self._waiting.setProperty("muted", True)
        self._layout.addWidget(self._waiting)
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

    def show_now(self, waiting: int) -> None:
        """Stand there, with `waiting` older ones behind it."""
        self._waiting.setText(self.tr("{n} more").format(n=waiting) if waiting else "")
        self._waiting.setVisible(waiting > 0)
        self.show()
        if self._seconds is not None and not self._timer.isActive():
            self._timer.start(1000 * self._seconds)

    def hide_behind(self) -> None:
        """Wait behind a newer one; its time begins again when it is seen again."""
        self._timer.stop()
        self.hide()

    def _show_details(self) -> None:
        DetailsDialog(self.text, self.window()).open()


class MessageBar(QWidget):
    """Lies over the lower edge of its parent and shows one message at a time; older ones wait behind it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._messages: list[Message] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._show_newest()

    @property
    def texts(self) -> list[str]:
        """The texts that stand or wait, oldest first."""
        return [message.text for message in self._messages]

    def show_message(self, level: str, text: str, *choices: Choice) -> Message:
        """Show a message of level "info", "warning" or "error"; the same text never stands twice.

        `choices` are buttons: what stands on each, and what it does.
        """
        self.withdraw(text)
        message = Message(self._theme, level, text, *choices)
        message.closed.connect(lambda: self._leave(message))
        self._layout.addWidget(message)
        self._messages.append(message)
        self._leave(*self._messages[:-KEPT])
        return message

    def withdraw(self, text: str) -> None:
        """Take the message with this text away, if it stands."""
        self._leave(*(message for message in self._messages if message.text == text))

    def clear(self) -> None:
        """Take all messages away."""
        self._leave(*self._messages)

    def place(self) -> None:
        """Lie at the lower edge of the parent, as high as the text needs; never larger than there is room."""
        over = self.parentWidget()
        if over is None or not self._messages:
            return
        width = min(WIDEST, over.width() - 2 * EDGE)
        height = min(self._layout.heightForWidth(width), over.height() - 2 * EDGE)
        self.setGeometry((over.width() - width) // 2, over.height() - EDGE - height, width, height)

    def event(self, event: QEvent) -> bool:
        """Follow what the message in it needs."""
        handled = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self.place()
        return handled

    def _leave(self, *messages: Message) -> None:
        for message in messages:
            self._messages.remove(message)
            message.hide_behind()
            message.deleteLater()
        self._show_newest()

    def _show_newest(self) -> None:
        for message in self._messages[:-1]:
            message.hide_behind()
        if self._messages:
            self._messages[-1].show_now(len(self._messages) - 1)
            self.place()
            self.raise_()
        self.setVisible(bool(self._messages))


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
