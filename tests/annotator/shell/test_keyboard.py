"""The keyboard: text stays with its field, held keys last as long as they are down."""

import sys

import pytest
from desk import press, wait_settled
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from annotator.canvas.view import CanvasView
from annotator.dialogs.keys import KeysDialog
from annotator.shell.window import Window
from trainer.data.project import Status, Target

K = Qt.Key


def shown(canvas: CanvasView) -> set[str]:
    """The layers that are seen now."""
    return {name for name, item in canvas.items_by_name.items() if item.isVisible()}


def test_letters_typed_into_a_field_are_only_text(active: Window, qtbot: QtBot) -> None:
    active.images.search.setFocus()
    for key in (K.Key_E, K.Key_D, K.Key_M, K.Key_H, K.Key_1):
        press(active, key, qtbot, active.images.search)
    assert active.images.search.text() == "edmh1"
    assert active.session.tool == "brush" and active.session.target is Target.SEEDS
    assert "mask" in shown(active.canvas)


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
    assert shown(active.canvas) == {"image"}
    qtbot.keyRelease(handle, K.Key_H)
    assert shown(active.canvas) >= {"image", "mask"}


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


def send(
    widget: QWidget, kind: QEvent.Type, key: int, scan: int, again: bool = False, moment: int = 0
) -> bool:
    """What the system sends for a key, `scan` its place on the keyboard; whether it was taken."""
    event = QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, scan, 0, 0, "", again)
    event.setTimestamp(moment)
    event.ignore()
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def test_return_held_accepts_one_photo_and_skips_none(active: Window, qtbot: QtBot) -> None:
    session, handle = active.session, active.windowHandle()
    first, second, third = session.order[:3]
    with qtbot.waitSignal(session.image_changed, timeout=10000):
        qtbot.keyPress(handle, K.Key_Return)
    for _ in range(20):  # some systems send what is repeated without a word that it is
        qtbot.keyPress(handle, K.Key_Return)
        QApplication.processEvents()
    wait_settled(session, qtbot)
    assert session.save() and session.image_id == second
    assert [i for i, record in session.records.items() if record.status is Status.ACCEPTED] == [first]
    qtbot.keyRelease(handle, K.Key_Return)
    qtbot.wait(10)  # a press at the very moment of the release is a repetition
    with qtbot.waitSignal(session.image_changed, timeout=10000):
        qtbot.keyClick(handle, K.Key_Return)
    assert session.image_id == third
    wait_settled(session, qtbot)


def test_a_key_kept_down_repeats_only_what_commits_nothing(active: Window) -> None:
    actions = active.actions_table
    repeating = {name for name, action in actions.by_id.items() if action.autoRepeat()}
    assert repeating == {"next", "previous", "larger", "smaller", "zoom_in", "zoom_out"}
    assert not send(active.canvas, QEvent.Type.ShortcutOverride, K.Key_Return, 36)
    assert send(active.canvas, QEvent.Type.ShortcutOverride, K.Key_Return, 36, again=True)


def test_peek_ends_with_its_key_whatever_the_layout_calls_it_then(active: Window) -> None:
    for released in (K.Key_H, 0x0420):  # the same key of a Russian keyboard
        send(active.canvas, QEvent.Type.ShortcutOverride, K.Key_H, 43)
        active.actions_table["peek"].trigger()
        assert shown(active.canvas) == {"image"}
        send(active.canvas, QEvent.Type.KeyRelease, K.Key_D, 40)
        send(active.canvas, QEvent.Type.KeyRelease, released, 43, again=True)
        assert shown(active.canvas) == {"image"}
        send(active.canvas, QEvent.Type.KeyRelease, released, 43)
        assert "mask" in shown(active.canvas)


@pytest.mark.skipif(sys.platform != "linux", reason="the scan codes are those of Linux")
def test_letters_work_by_their_place_on_a_keyboard_of_another_script(active: Window) -> None:
    canvas, session = active.canvas, active.session
    override, press_, release = QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress, QEvent.Type.KeyRelease
    for key, scan, tool in ((0x0423, 26, "eraser"), (0x0418, 56, "brush")):  # У is at E, И at B
        assert not send(canvas, override, key, scan)
        send(canvas, press_, key, scan)
        send(canvas, release, key, scan)
        assert session.tool == tool
    for again in (False, True):  # what is switched does not flicker while its key, Д at L, is down
        send(canvas, override, 0x0414, 46, again)
        send(canvas, press_, 0x0414, 46, again)
        assert session.protect_others
    send(canvas, release, 0x0414, 46)
    send(canvas, press_, 0x0420, 43)  # Р at H, held
    assert shown(canvas) == {"image"}
    send(canvas, release, 0x0420, 0)  # where a program sends keys, Qt asks for shortcuts without their place
    assert "mask" in shown(canvas)


def test_a_release_and_a_press_at_one_moment_are_a_key_that_is_kept_down(active: Window) -> None:
    canvas, override, release = active.canvas, QEvent.Type.ShortcutOverride, QEvent.Type.KeyRelease
    assert not send(canvas, override, K.Key_Return, 36, moment=5000)
    for moment in (5660, 5700, 5740):  # so sends X what it repeats, if the press is late
        send(canvas, release, K.Key_Return, 36, moment=moment)
        assert send(canvas, override, K.Key_Return, 36, moment=moment)
    send(canvas, release, K.Key_Return, 36, moment=5800)
    assert not send(canvas, override, K.Key_Return, 36, moment=5900)
    assert not send(canvas, override, K.Key_H, 43, moment=6000)
    active.actions_table["peek"].trigger()
    for moment in (6660, 6700):
        send(canvas, release, K.Key_H, 43, moment=moment)
        send(canvas, override, K.Key_H, 43, moment=moment)
        assert shown(active.canvas) == {"image"}
    send(canvas, release, K.Key_H, 43, moment=6800)
    assert "mask" in shown(active.canvas)


def test_a_key_whose_release_went_elsewhere_works_again(active: Window) -> None:
    assert not send(active.canvas, QEvent.Type.ShortcutOverride, K.Key_F, 41, moment=5000)
    assert send(active.canvas, QEvent.Type.ShortcutOverride, K.Key_F, 41, moment=5500)
    assert not send(active.canvas, QEvent.Type.ShortcutOverride, K.Key_F, 41, moment=9000)


def test_peek_ends_when_a_dialog_takes_the_keyboard(active: Window, qtbot: QtBot) -> None:
    qtbot.keyPress(active.windowHandle(), K.Key_H)
    assert shown(active.canvas) == {"image"}
    press(active, K.Key_F1, qtbot)
    qtbot.waitUntil(lambda: "mask" in shown(active.canvas))
    active.findChild(KeysDialog).reject()


def test_the_key_for_zooming_in_works_without_shift(active: Window, qtbot: QtBot) -> None:
    for key in (K.Key_Plus, K.Key_Equal):
        before = active.canvas.zoom_factor
        qtbot.keyClick(active.canvas, key, Qt.KeyboardModifier.ControlModifier)
        assert active.canvas.zoom_factor > before
