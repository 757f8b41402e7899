"""The window: the way of the work by keys, messages, the empty desk, memory, closing."""

import threading

import numpy as np
import pytest
from desk import press, stroke, wait_settled
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QScrollArea
from pytestqt.qtbot import QtBot

from annotator.app import make_window
from annotator.settings import DeskSettings
from annotator.shell.welcome import EmptyDesk
from annotator.shell.window import NARROWEST, Window
from annotator.theme import Theme
from annotator.widgets import IconLabel
from trainer.data.project import Project, Status
from trainer.worker.messages import LearnTags, TagsLearnt

K = Qt.Key


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
    assert active.main_bar.accept.text() == "Accepted · next"
    wait_settled(session, qtbot)


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


def test_the_window_does_not_close_on_an_acceptance_the_disk_refused(
    active: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(Project, "accept", full)
        with qtbot.waitSignal(active.session.message, timeout=10000):
            press(active, K.Key_Return, qtbot)
        assert active.status.saved.text() == "Not saved yet"
        assert not active.close() and active.isVisible()
    assert active.close()


def test_errors_stand_above_the_canvas_and_nothing_blocks(active: Window, qtbot: QtBot) -> None:
    active.session.message.emit("error", "beach.jpg cannot be read; replace it\n\nTraceback…")
    assert any("beach.jpg" in text for text in active.messages.texts)
    try:
        raise RuntimeError("a fault")
    except RuntimeError as error:
        active.report_fault(type(error), error, error.__traceback__)
    assert any("RuntimeError: a fault" in text for text in active.messages.texts)
    assert QApplication.activeModalWidget() is None


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
    assert [button.text() for button in buttons] == ["Learn from tags", "Weights…"]
    qtbot.mouseClick(buttons[0], Qt.MouseButton.LeftButton)
    assert said == [LearnTags()] and not window.trainer.visibleRegion().isEmpty()
    window.session.predictor.hear(TagsLearnt(2, "", 0.8, 0.8))
    assert "There are no pretrained weights." not in window.messages.texts


def test_a_small_window_gives_room_to_the_tags_before_the_layers(window: Window, qtbot: QtBot) -> None:
    window.resize(1100, 720)
    rows = window.tags.findChild(QScrollArea).viewport()
    qtbot.waitUntil(lambda: rows.height() >= 3 * window.tags.rows[0].height())
    assert window.layers.height() == window.layers.sizeHint().height()


def test_a_small_window_cuts_no_panel_and_stays_small_under_a_message(window: Window, qtbot: QtBot) -> None:
    window.resize(1024, 700)
    window.session.weights_warning.emit("The built-in model does not know rocket.")
    qtbot.waitUntil(lambda: window.messages.height() > 0)
    right = [window.docks[name] for name in ("tags", "layers", "seeds")]
    qtbot.waitUntil(lambda: all(dock.width() >= NARROWEST for dock in right))
    assert window.width() == 1024


def test_the_empty_desk_shows_its_text_whole(qtbot: QtBot) -> None:
    empty = EmptyDesk(Theme("light"), [])
    qtbot.addWidget(empty)
    empty.resize(900, 600)
    empty.show()
    for label in empty.findChildren(QLabel):
        assert label.height() >= label.heightForWidth(label.width())


def test_escape_leaves_a_field_for_the_photo(active: Window, qtbot: QtBot) -> None:
    for field in (active.tags.field, active.images.search):
        field.setFocus()
        press(active, K.Key_Escape, qtbot, field)
        assert active.canvas.hasFocus()


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


def test_the_icon_of_the_empty_desk_follows_the_theme(qtbot: QtBot) -> None:
    theme = Theme("dark")
    empty = EmptyDesk(theme, [])
    qtbot.addWidget(empty)
    before = empty.findChild(IconLabel).pixmap().toImage()
    theme.choice = "light"
    assert empty.findChild(IconLabel).pixmap().toImage() != before
