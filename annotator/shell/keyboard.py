"""Keyboard handling of the window: typed text goes to its field, held keys are followed until released."""

import sys
from collections.abc import Callable
from math import inf
from time import monotonic

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
)

LETTERS = {
    first + place: ord(letter)
    for first, row in ((0x10, "QWERTYUIOP[]"), (0x1E, "ASDFGHJKL;'"), (0x2C, "ZXCVBNM,./"))
    for place, letter in enumerate(row)
}
"""What stands on a Latin keyboard at each scan code."""
SCAN_OFFSET = {"linux": 8, "win32": 0}
"""What the system adds to those codes; others tell no places."""
ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
SAME_MOMENT = 2  # ms: nobody lets a key go and presses it again within
FORGOTTEN = 1500  # ms without a word of a key that is down: its release was told to another window


class Keyboard:
    """Receives the keys that no widget of the window took.

    A key is known by its place on the keyboard where the system tells it: another layout, or Shift let go
    first, changes what a key means between its press and its release. Whether a press is a repetition is
    found out here as well: some systems send a release and a press at one moment, which Qt takes for real.
    """

    def __init__(self, repeats: Callable[[QKeySequence], bool]) -> None:
        """`repeats` says whether the action of a key may be done again and again while it is down."""
        self._repeats = repeats
        self._down: dict[int, float] = {}  # when it was pressed last
        self._up: dict[int, int] = {}  # when it was let go last, by the system's clock
        self._pressed = 0
        self._refused = False
        self._held: dict[int, Callable[[bool], object]] = {}
        self._ended: dict[int, Callable[[bool], object]] = {}

    def override(self, event: QKeyEvent) -> bool:
        """Whether a key pressed now is not for a shortcut: it is text, or it is down already."""
        if _belongs_to_focus(event):
            return True
        key, now = _place(event), event.timestamp() or 1000 * monotonic()
        at_once = bool(event.timestamp()) and now - self._up.get(key, -inf) <= SAME_MOMENT
        again = event.isAutoRepeat() or at_once or now - self._down.get(key, -inf) < FORGOTTEN
        self._pressed, self._down[key] = key, now
        if at_once and key in self._ended:
            self.hold(self._ended.pop(key))
        self._refused = again and not self._repeats(_latin(event) or QKeySequence(event.keyCombination()))
        return self._refused

    def latin(self, event: QKeyEvent) -> QKeySequence | None:
        """The shortcut of a key pressed now, of a keyboard in another script, by its place.

        None for keys of a Latin keyboard, which Qt knows itself, and for one that is kept down in vain.
        """
        return None if self._refused else _latin(event)

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
        self._down.pop(key, None)
        self._up[key] = event.timestamp()
        if (act := self._held.pop(key, None)) is not None:
            self._ended[key] = act
            act(False)

    def let_go(self) -> None:
        """Treat every key as released: the window no longer receives key events."""
        self._down.clear()
        while self._held:
            self._held.popitem()[1](False)


def typing() -> bool:
    """Whether a field that takes text has the keyboard."""
    return isinstance(QApplication.focusWidget(), QLineEdit | QPlainTextEdit | QAbstractSpinBox)


def _place(event: QKeyEvent) -> int:
    return event.nativeScanCode() or -event.key()


def _latin(event: QKeyEvent) -> QKeySequence | None:
    """What a key of another script than Latin is on a Latin keyboard, with what is held beside it."""
    offset = SCAN_OFFSET.get(sys.platform)
    letter = None if offset is None else LETTERS.get(event.nativeScanCode() - offset)
    if letter is None or not 0x7F < event.key() < Qt.Key.Key_Escape:
        return None
    return QKeySequence(QKeyCombination(event.modifiers(), Qt.Key(letter)))


def _belongs_to_focus(event: QKeyEvent) -> bool:
    """Whether a key belongs to the field, list or combo box that has the keyboard."""
    plain = not event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
    if typing():
        return plain and bool(event.text())
    return event.key() in ENTER and isinstance(QApplication.focusWidget(), QAbstractItemView | QComboBox)
