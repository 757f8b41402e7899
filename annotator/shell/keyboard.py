"""Keys before they become shortcuts: typed text is left to its field, held keys are followed until let go."""

from typing import cast

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from annotator.actions import Actions


class Keyboard(QObject):
    """Watches the keys of a window and its dialogs, until it is closed."""

    def __init__(self, window: QWidget, actions: Actions) -> None:
        super().__init__(window)
        self._window, self._actions = window, actions
        app = QApplication.instance()
        assert app is not None
        app.installEventFilter(self)

    def close(self) -> None:
        """Watch no more."""
        app = QApplication.instance()
        assert app is not None
        app.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Leave typed text to its field; follow held keys until the program loses the keyboard."""
        if event.type() == QEvent.Type.ShortcutOverride and _is_text(cast(QKeyEvent, event)):
            event.accept()
            return True
        pressed = event.type() == QEvent.Type.KeyPress
        if (pressed or event.type() == QEvent.Type.KeyRelease) and watched is self._window.windowHandle():
            key = cast(QKeyEvent, event)
            if not key.isAutoRepeat() and not (pressed and typing()):
                self._actions.hold(QKeySequence(key.key()), pressed)
        elif event.type() == QEvent.Type.ApplicationDeactivate:
            self._actions.let_go()
        return super().eventFilter(watched, event)


def typing() -> bool:
    """Whether a field that takes text has the keyboard."""
    return isinstance(QApplication.focusWidget(), QLineEdit | QPlainTextEdit | QAbstractSpinBox)


def _is_text(event: QKeyEvent) -> bool:
    """Whether a key belongs to the field or list that has the keyboard rather than to a shortcut."""
    enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
    plain = not event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
    in_list = enter and isinstance(QApplication.focusWidget(), QAbstractItemView)
    return in_list or (typing() and plain and bool(event.text()))
