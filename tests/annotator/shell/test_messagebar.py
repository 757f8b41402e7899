"""The message bar: what lies behind its buttons."""

import pytest
from PySide6.QtCore import QMargins, QPoint, Qt
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from annotator.shell.messagebar import DetailsDialog, Message, MessageBar
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
    bar.withdraw(gone.text)
    icon, cross = bar.findChild(IconLabel), bar.findChild(CrossButton)
    before = icon.pixmap().toImage(), cross.icon().pixmap(14, 14).toImage()
    theme.choice = "light"
    after = icon.pixmap().toImage(), cross.icon().pixmap(14, 14).toImage()
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_messages_stand_one_at_a_time_the_newest_first_and_others_wait(qtbot: QtBot) -> None:
    bar = MessageBar(Theme("dark"))
    qtbot.addWidget(bar)
    bar.show()
    error = bar.show_message("error", "one")
    note = bar.show_message("info", "two")
    bar.show_message("warning", "three")
    newest = bar.show_message("warning", "one")
    assert bar.texts == ["two", "three", "one"] and newest is not error  # no text stands twice
    assert newest.isVisible() and not note.isVisible()
    assert any(label.text() == "2 more" for label in newest.findChildren(QLabel))
    for left in (["two", "three"], ["two"]):
        (shown,) = (message for message in bar.findChildren(Message) if message.isVisible())
        qtbot.mouseClick(shown.findChild(CrossButton), Qt.MouseButton.LeftButton)
        assert bar.texts == left
    assert note.isVisible()
    bar.clear()
    assert not bar.isVisible()


def test_messages_leave_by_themselves_but_errors_do_not(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotator.shell.messagebar.SECONDS", {"info": 0, "warning": 0})
    bar = MessageBar(Theme("dark"))
    qtbot.addWidget(bar)
    bar.show()
    for level in ("error", "info", "warning", "info"):
        bar.show_message(level, f"{level} {len(bar.texts)}")
    qtbot.waitUntil(lambda: bar.texts == ["error 0"])
    assert bar.isVisible()


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_no_message_moves_or_resizes_the_photo(active: Window, level: str, qtbot: QtBot) -> None:
    canvas = active.canvas
    QApplication.processEvents()
    before = canvas.size(), canvas.mapToGlobal(QPoint(0, 0)), canvas.where
    for number in range(3):
        active.session.message.emit(level, f"{number}: {LONG}")
        qtbot.waitUntil(lambda: active.messages.height() > 30)
        QApplication.processEvents()
        assert (canvas.size(), canvas.mapToGlobal(QPoint(0, 0)), canvas.where) == before
    area = active.centre.rect().marginsRemoved(QMargins(8, 8, 8, 8))
    assert area.contains(active.messages.geometry())
    active.resize(active.width() - 200, active.height() - 60)
    qtbot.waitUntil(lambda: active.centre.rect().contains(active.messages.geometry()))
