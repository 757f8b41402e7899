"""The window: keys, held keys, fields, messages, empty desk, colours, memory."""

import threading

import numpy as np
import pytest
from desk import stroke, wait_settled
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from annotator.app import make_window
from annotator.settings import DeskSettings
from annotator.window import Window
from trainer.data.classes import EDIT_VOID
from trainer.data.project import Project, Status, Target
from trainer.messages import LearnTags, TagsLearnt

K = Qt.Key


def press(window: Window, key: Qt.Key, qtbot: QtBot, to: object = None) -> None:
    qtbot.keyClick(to or window.canvas, key)


@pytest.fixture
def active(window: Window, qtbot: QtBot) -> Window:
    """The window with the keyboard's attention."""
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    window.canvas.setFocus()
    return window


def test_keys_choose_tool_target_and_class(active: Window, qtbot: QtBot) -> None:
    session = active.session
    for key, tool in ((K.Key_E, "eraser"), (K.Key_P, "polygon"), (K.Key_B, "brush")):
        press(active, key, qtbot)
        assert session.tool == tool and active.actions_table[tool].isChecked()
    press(active, K.Key_M, qtbot)
    assert session.target is Target.MASK
    press(active, K.Key_0, qtbot)
    assert session.class_id == 0
    press(active, K.Key_1, qtbot)
    assert session.class_id == session.classes.id_of(session.record.tags[0])
    press(active, K.Key_U, qtbot)
    assert session.class_id == EDIT_VOID
    press(active, K.Key_Q, qtbot)
    assert session.target is Target.SEEDS and session.class_id != EDIT_VOID


def test_brush_keys_size_the_brush_and_the_size_is_remembered(active: Window, qtbot: QtBot) -> None:
    before = active.session.brush_radius
    press(active, K.Key_BracketRight, qtbot)
    assert active.session.brush_radius > before
    assert DeskSettings().brush_radius == active.session.brush_radius


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


def test_the_window_does_not_close_on_strokes_the_disk_refused(
    active: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(Project, "record_edit", full)
        stroke(active.session, 15, (10, 10, 30, 30))
        assert not active.close() and active.isVisible()
    assert active.close()


def test_peek_lasts_as_long_as_its_key(active: Window, qtbot: QtBot) -> None:
    handle = active.windowHandle()
    qtbot.keyPress(handle, K.Key_H)
    assert active.canvas._peeking
    qtbot.keyRelease(handle, K.Key_H)
    assert not active.canvas._peeking


def test_next_accept_and_undo_by_key(active: Window, qtbot: QtBot) -> None:
    session = active.session
    first = session.image_id
    stroke(session, 15, (10, 10, 30, 30))
    assert active.actions_table["undo"].isEnabled()
    qtbot.keyClick(active.canvas, K.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not session.project.can_undo(first)
    wait_settled(session, qtbot)
    with qtbot.waitSignal(session.image_changed, timeout=10000):
        press(active, K.Key_Return, qtbot)
    qtbot.waitUntil(lambda: session.records[first].status is Status.ACCEPTED, timeout=10000)
    with qtbot.waitSignal(session.image_changed, timeout=10000):
        press(active, K.Key_A, qtbot)
    assert session.image_id == first and active.actions_table["reopen"].isEnabled()
    wait_settled(session, qtbot)


def test_inspect_view_and_back(active: Window, qtbot: QtBot) -> None:
    press(active, K.Key_W, qtbot)
    assert active.centre.currentWidget() is active.inspect_view
    active.actions_table["inspect"].setChecked(False)
    assert active.centre.currentWidget() is active.canvas


def test_errors_stand_above_the_canvas_and_nothing_blocks(active: Window, qtbot: QtBot) -> None:
    active.session.message.emit("error", "beach.jpg cannot be read; replace it\n\nTraceback…")
    assert any("beach.jpg" in text for text in active.messages.texts)
    try:
        raise RuntimeError("a fault")
    except RuntimeError as error:
        active.report_fault(type(error), error, error.__traceback__)
    assert any("RuntimeError: a fault" in text for text in active.messages.texts)
    assert QApplication.activeModalWidget() is None


def test_status_bar_names_what_is_under_the_mouse(window: Window) -> None:
    session = window.session
    from PySide6.QtCore import QPointF

    window.status.show_cursor(QPointF(3.5, 4.5))
    label = int(session.mask[4, 3])
    name = session.classes.name_of(label) if label else "background"
    assert name in window.status._cursor.text()
    window.status.show_cursor(None)
    assert window.status._cursor.text() == ""
    assert window.status.saved.text() == "Saved"


def test_colours_change_at_once(window: Window) -> None:
    window._choose_theme("light")
    light = window.palette().window().color().lightness()
    window._choose_theme("dark")
    assert window.palette().window().color().lightness() < 100 < light
    assert DeskSettings().theme == "dark"


def test_an_empty_desk_says_how_to_begin_and_the_first_steps_can_be_put_away(qtbot: QtBot) -> None:
    window = make_window(DeskSettings())
    qtbot.addWidget(window)
    window.show()
    assert window.centre.currentWidget() is window.empty
    assert window.welcome.isVisible() and not window.actions_table["export"].isEnabled()
    window.welcome.dismissed.emit()
    assert not window.welcome.isVisible() and DeskSettings().welcomed
    window.close()


def test_a_warning_of_the_weights_offers_to_learn_from_tags_first_and_goes_when_that_is_done(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[object] = []
    monkeypatch.setattr(window.session.predictor, "post", said.append)
    window.session.weights_warning.emit("There are no pretrained weights.")
    assert "There are no pretrained weights." in window.messages.texts
    buttons = window.messages.findChildren(QPushButton)
    qtbot.waitUntil(buttons[0].isVisible)
    assert [button.text() for button in buttons] == ["Learn from tags", "Choose weights…"]
    qtbot.mouseClick(buttons[0], Qt.MouseButton.LeftButton)
    assert said == [LearnTags()]
    window.session.predictor._hear(TagsLearnt(2, "", 0.8, 0.8))
    assert "There are no pretrained weights." not in window.messages.texts


def test_closing_ends_every_thread(window: Window) -> None:
    assert any(thread.name == "trainer" for thread in threading.enumerate())
    assert window.close()
    assert not any(thread.name == "trainer" for thread in threading.enumerate())


def test_opening_another_folder_closes_the_first(window: Window, voc_tree, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.session.project_opened, timeout=10000):
        window.open_path(voc_tree)
    wait_settled(window.session, qtbot)
    assert set(window.session.records) == {"one", "two", "three", "four"}
    assert window.images.model.ids == list(window.session.records)
    assert DeskSettings().recent[0].name == voc_tree.name
    assert np.asarray(window.session.image).shape == (40, 60, 3)
