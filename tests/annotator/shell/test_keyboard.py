"""The keyboard: text stays with its field, held keys last as long as they are down."""

from desk import press, wait_settled
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from annotator.shell.window import Window
from trainer.data.project import Status, Target

K = Qt.Key


def test_letters_typed_into_a_field_are_only_text(active: Window, qtbot: QtBot) -> None:
    active.images.search.setFocus()
    for key in (K.Key_E, K.Key_D, K.Key_M, K.Key_H, K.Key_1):
        press(active, key, qtbot, active.images.search)
    assert active.images.search.text() == "edmh1"
    assert active.session.tool == "brush" and active.session.target is Target.SEEDS
    assert not active.canvas._peeking


def test_enter_in_a_field_adds_the_tag_and_accepts_nothing(active: Window, qtbot: QtBot) -> None:
    session = active.session
    first = session.image_id
    press(active, K.Key_T, qtbot)
    assert active.tags.field.hasFocus()
    qtbot.keyClicks(active.tags.field, "dog")
    press(active, K.Key_Return, qtbot, active.tags.field)
    assert session.image_id == first and "dog" in session.record.tags
    wait_settled(session, qtbot)
    assert session.record.status is not Status.ACCEPTED


def test_enter_in_the_list_opens_and_accepts_nothing(active: Window, qtbot: QtBot) -> None:
    session, view = active.session, active.images.view
    view.setFocus()
    press(active, K.Key_Down, qtbot, view)
    with qtbot.waitSignal(session.image_changed, timeout=10000):
        press(active, K.Key_Return, qtbot, view)
    assert session.image_id == session.order[1]
    wait_settled(session, qtbot)
    assert not any(record.status is Status.ACCEPTED for record in session.records.values())


def test_peek_lasts_as_long_as_its_key(active: Window, qtbot: QtBot) -> None:
    handle = active.windowHandle()
    qtbot.keyPress(handle, K.Key_H)
    assert active.canvas._peeking
    qtbot.keyRelease(handle, K.Key_H)
    assert not active.canvas._peeking


def test_tab_goes_only_to_what_is_seen_and_can_be_used(active: Window, qtbot: QtBot) -> None:
    active.resize(1300, 850)
    for name, behind in (("seeds", active.trainer), ("trainer", active.seeds), ("seeds", active.trainer)):
        active.docks[name].raise_()
        qtbot.waitUntil(lambda behind=behind: not behind.isEnabled())
        active.images.search.setFocus()
        visited: list[QWidget] = []
        while (widget := QApplication.focusWidget()) not in visited:
            visited.append(widget)
            press(active, K.Key_Tab, qtbot, widget)
        assert not any(isinstance(widget, QScrollArea) for widget in visited)
        assert not any(behind.isAncestorOf(widget) for widget in visited)
        assert any(active.docks[name].isAncestorOf(widget) for widget in visited)
