"""The message bar: what lies behind its buttons."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from annotator.dialogs.details import DetailsDialog
from annotator.window import Window


def test_the_details_of_a_message_lie_behind_a_button(window: Window, qtbot: QtBot) -> None:
    window.session.message.emit("error", "One photo cannot be read.\n\nbeach.jpg: no picture")
    (button,) = [b for b in window.messages.findChildren(QPushButton) if b.text() == "Details"]
    qtbot.waitUntil(button.isVisible)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    (dialog,) = window.findChildren(DetailsDialog)
    assert "beach.jpg" in dialog.findChild(QPlainTextEdit).toPlainText()
    dialog.reject()
