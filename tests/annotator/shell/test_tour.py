"""The guided tour: it points at what is really there, by keys or by clicks, and can be left at any time."""

import pytest
from desk import press
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from annotator.settings import DeskSettings
from annotator.shell.tour import beside
from annotator.shell.window import Window
from trainer.data.project import Status

K = Qt.Key
LEFT = Qt.MouseButton.LeftButton


def in_window(window: Window, widget: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def stands(window: Window, widget: QWidget) -> bool:
    """Whether a widget is where it can be seen: what lies behind a tab is kept outside of the window."""
    return widget.isVisible() and window.rect().contains(in_window(window, widget))


def start(window: Window, qtbot: QtBot) -> None:
    qtbot.keyClick(window.canvas, K.Key_F1, Qt.KeyboardModifier.ShiftModifier)
    assert window.tour.isVisible()
    qtbot.wait(1)  # the card gets its place


def test_it_goes_on_by_keys_to_what_can_be_seen_and_accepts_nothing(active: Window, qtbot: QtBot) -> None:
    tour = active.tour
    start(active, qtbot)
    seen = []
    while tour.isVisible():
        seen.append(tour.stop.place)
        qtbot.waitUntil(lambda: stands(active, tour.target))
        card, target = in_window(active, tour.card), in_window(active, tour.target)
        assert active.rect().contains(card)
        assert tour.stop.place == "photo" or not card.intersects(target)
        press(active, K.Key_Tab if len(seen) % 2 else K.Key_Return, qtbot, QApplication.focusWidget())
        qtbot.wait(1)
    assert seen == ["images", "tags", "photo", "layers", "seeds", "brush", "accept", "export"]
    assert not any(record.status is Status.ACCEPTED for record in active.session.records.values())
    assert DeskSettings().welcomed and not active.welcome.isVisible()


@pytest.mark.parametrize("stops", [0, 3, 7])
def test_escape_leaves_it_anywhere_and_the_photo_has_the_keyboard(
    stops: int, active: Window, qtbot: QtBot
) -> None:
    start(active, qtbot)
    for _ in range(stops):
        press(active, K.Key_Right, qtbot, QApplication.focusWidget())
    press(active, K.Key_Escape, qtbot, QApplication.focusWidget())
    assert not active.tour.isVisible() and active.canvas.hasFocus()
    assert active.welcome.isVisible()


def test_keys_do_nothing_else_as_long_as_it_lasts(active: Window, qtbot: QtBot) -> None:
    start(active, qtbot)
    for key in (K.Key_E, K.Key_D, K.Key_W, K.Key_T):
        press(active, key, qtbot, QApplication.focusWidget())
    session = active.session
    assert session.tool == "brush" and session.image_id == session.order[0]
    assert active.tour.stop.place == "images" and active.tour.hasFocus()


def test_it_goes_on_and_back_by_clicks(active: Window, qtbot: QtBot) -> None:
    button = next(one for one in active.welcome.findChildren(QPushButton) if one.text() == "Tour")
    qtbot.mouseClick(button, LEFT)
    tour = active.tour
    qtbot.mouseClick(tour.forward, LEFT)
    assert tour.stop.place == "tags"
    qtbot.mouseClick(tour.back, LEFT)
    assert tour.stop.place == "images" and not tour.back.isEnabled()
    while tour.isVisible():
        qtbot.mouseClick(tour.forward, LEFT)
    assert tour.stop.place == "export"


def test_a_panel_that_was_put_away_or_lies_behind_another_is_shown(active: Window, qtbot: QtBot) -> None:
    active.docks["layers"].hide()
    active.docks["trainer"].raise_()
    qtbot.waitUntil(lambda: not stands(active, active.seeds))
    start(active, qtbot)
    while active.tour.stop.place != "layers":
        press(active, K.Key_Right, qtbot, QApplication.focusWidget())
    qtbot.waitUntil(lambda: stands(active, active.layers))
    press(active, K.Key_Right, qtbot, QApplication.focusWidget())
    qtbot.waitUntil(lambda: stands(active, active.seeds))


def test_it_names_the_keys_as_the_person_has_set_them(active: Window, qtbot: QtBot) -> None:
    active.actions_table.set_key("add_tag", "Ctrl+K")
    start(active, qtbot)
    press(active, K.Key_Right, qtbot, QApplication.focusWidget())
    assert "Ctrl+K" in active.tour.accessibleDescription()


@pytest.mark.parametrize("target", [(0, 0, 20, 20), (380, 0, 20, 20), (0, 280, 400, 20), (150, 100, 30, 30)])
def test_a_card_lies_beside_what_it_is_about_and_inside_the_window(
    target: tuple[int, int, int, int],
) -> None:
    room, size = QRect(0, 0, 400, 300), QSize(120, 60)
    card = QRect(beside(QRect(*target), size, room), size)
    assert room.contains(card) and not card.intersects(QRect(*target))
