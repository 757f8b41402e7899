"""Keys as they reach the window: typed text is left to its field, held keys are followed until let go."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
)

ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Keyboard:
    """Told by the window of the keys that no widget in it took.

    A key is known by its place on the keyboard where the system tells it: another layout, or Shift let go
    first, changes what a key means between its press and its release.
    """

    def __init__(self) -> None:
        self._down: set[int] = set()
        self._pressed = 0
        self._held: dict[int, Callable[[bool], object]] = {}

    def override(self, event: QKeyEvent) -> bool:
        """Whether a key pressed now is not for a shortcut: it is text, or it is down already."""
        key = _place(event)
        again = event.isAutoRepeat() or key in self._down
        self._pressed = key
        self._down.add(key)
        return _belongs_to_focus(event) or (again and event.key() in ENTER)

    def hold(self, act: Callable[[bool], object]) -> None:
        """Call `act(True)`, and `act(False)` as soon as the key pressed last is let go."""
        if self._pressed not in self._held:
            self._held[self._pressed] = act
            act(True)

    def release(self, event: QKeyEvent) -> None:
        """Follow a key that is let go."""
        if event.isAutoRepeat():
            return
        key = _place(event)
        self._down.discard(key)
        if (act := self._held.pop(key, None)) is not None:
            act(False)

    def let_go(self) -> None:
        """Take every key as let go: the window no longer hears of them."""
        self._down.clear()
        while self._held:
            self._held.popitem()[1](False)


def typing() -> bool:
    """Whether a field that takes text has the keyboard."""
    return isinstance(QApplication.focusWidget(), QLineEdit | QPlainTextEdit | QAbstractSpinBox)


def _place(event: QKeyEvent) -> int:
    return event.nativeScanCode() or -event.key()


def _belongs_to_focus(event: QKeyEvent) -> bool:
    """Whether a key belongs to the field, list or combo box that has the keyboard."""
    plain = not event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
    if typing():
        return plain and bool(event.text())
    return event.key() in ENTER and isinstance(QApplication.focusWidget(), QAbstractItemView | QComboBox)
