"""The message bar: what lies behind its buttons."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from annotator.shell.messagebar import DetailsDialog, MessageBar
from annotator.shell.window import Window
from annotator.theme import Theme
from annotator.widgets import CrossButton, IconLabel


def test_the_details_of_a_message_lie_behind_a_button(window: Window, qtbot: QtBot) -> None:
    window.session.message.emit("error", "One photo cannot be read.\n\nbeach.jpg: no picture")
    (button,) = [b for b in window.messages.findChildren(QPushButton) if b.text() == "Details"]
    qtbot.waitUntil(button.isVisible)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    (dialog,) = window.findChildren(DetailsDialog)
    assert "beach.jpg" in dialog.findChild(QPlainTextEdit).toPlainText()
    dialog.reject()


LONG = "The built-in model does not know rocket, cup: their CAMs are empty until they are learnt. " * 2


def test_buttons_go_below_a_text_that_would_be_narrow_beside_them(qtbot: QtBot) -> None:
    bar = MessageBar(Theme("dark"))
    qtbot.addWidget(bar)
    bar.show_message("warning", LONG, ("Learn from tags", lambda: None), ("Weights…", lambda: None))
    bar.resize(1400, 60)
    bar.show()
    (text,) = [label for label in bar.findChildren(QLabel) if label.text()]
    first, _ = buttons = bar.findChildren(QPushButton)
    qtbot.waitUntil(lambda: first.x() > text.geometry().right())
    bar.resize(440, 200)
    qtbot.waitUntil(lambda: first.y() > text.geometry().bottom())
    assert text.width() > 350 and text.height() >= text.heightForWidth(text.width())
    assert buttons[0].y() == buttons[1].y()
    bar.resize(1400, 60)
    qtbot.waitUntil(lambda: first.x() > text.geometry().right())


def test_the_icons_of_a_standing_message_follow_the_theme(qtbot: QtBot) -> None:
    theme = Theme("dark")
    bar = MessageBar(theme)
    qtbot.addWidget(bar)
    gone = bar.show_message("error", "gone")
    bar.show_message("warning", "stands")
    gone.leave()
    icon, cross = bar.findChild(IconLabel), bar.findChild(CrossButton)
    before = icon.pixmap().toImage(), cross.icon().pixmap(14, 14).toImage()
    theme.choice = "light"
    after = icon.pixmap().toImage(), cross.icon().pixmap(14, 14).toImage()
    assert all(old != new for old, new in zip(before, after, strict=True))
