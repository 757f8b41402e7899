"""The window: the way of the work by keys, messages, the empty desk, memory, closing."""

import threading
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from desk import press, says, small_engine, stroke, texts, wait_settled
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QScrollArea
from pytestqt.exceptions import capture_exceptions
from pytestqt.qtbot import QtBot

from annotator.app import make_window
from annotator.session import Session
from annotator.session.engine_loading import Loaded
from annotator.settings import DeskSettings
from annotator.shell.docks import NARROWEST
from annotator.shell.welcome import EmptyDesk
from annotator.shell.window import Window
from annotator.theme import Theme
from annotator.widgets import IconLabel
from trainer.data.classes import UNTOUCHED
from trainer.data.project import Project, Status, Target
from trainer.data.sample import build_sample
from trainer.worker.messages import LearnTags, TagsLearnt

K = Qt.Key


def test_next_accept_and_undo_by_key(active: Window, qtbot: QtBot) -> None:
    session = active.session
    first = session.image_id
    stroke(session, 15, (10, 10, 30, 30))
    assert active.actions_table["undo"].isEnabled()
    qtbot.keyClick(active.canvas, K.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not session.project.can_undo(first))
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
        window.project_actions.open_path(voc_tree)
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


def test_full_screen_follows_the_window_manager(active: Window, qtbot: QtBot) -> None:
    action = active.actions_table["full_screen"]
    press(active, K.Key_F11, qtbot)
    qtbot.waitUntil(active.isFullScreen)
    active.showNormal()  # as its own button or a key of the window manager does
    qtbot.waitUntil(lambda: not action.isChecked())
    press(active, K.Key_F11, qtbot)
    qtbot.waitUntil(active.isFullScreen)
    assert action.isChecked()


def test_the_window_is_seen_and_used_while_the_models_still_load(sample: Path, qtbot: QtBot) -> None:
    may_load, order = Event(), []

    def slow(project: Project) -> Loaded:
        order.append("models")
        may_load.wait(60)
        return small_engine(project)

    window = Window(Session(slow), DeskSettings(), Theme("dark"))
    qtbot.addWidget(window)
    session = window.session
    window.painted.connect(lambda: (order.append("painted"), window.project_actions.open_path(sample)))
    with qtbot.waitSignal(session.image_changed, timeout=20000):
        window.show()
    qtbot.waitUntil(lambda: len(order) == 2, timeout=20000)
    assert order == ["painted", "models"] and session.engine is None
    assert window.canvas.isVisible() and window.images.model.rowCount() == len(session.records)
    assert "Loading the models" in " ".join(texts(window.statusBar()))
    session.target = Target.MASK
    qtbot.mouseClick(window.canvas.viewport(), Qt.MouseButton.LeftButton)
    assert (session.mask_edits != UNTOUCHED).any(), "the photo can be painted on"
    assert session.save() and session.engine is None
    may_load.set()
    wait_settled(session, qtbot)
    window.close()


def test_many_tags_change_neither_the_window_nor_the_panes(active: Window, qtbot: QtBot) -> None:
    active.resize(1280, 800)
    active.actions_table["inspect"].trigger()
    active.session.tagging.set_tags(active.session.classes.names)
    wait_settled(active.session, qtbot)
    assert len(active.session.cam_classes) > 5
    QApplication.processEvents()
    assert (active.width(), active.height()) == (1280, 800)
    assert active.minimumSizeHint().height() < 720, "smaller than any screen"
    sizes = {(pane.width(), pane.view.height()) for pane in active.centre.inspect_view.panes.values()}
    widths, heights = ({size[axis] for size in sizes} for axis in (0, 1))
    assert max(widths) - min(widths) <= 1 and max(heights) - min(heights) <= 1
    chosen = next(row for row in active.tags.rows if row.class_id == active.session.class_id)
    qtbot.waitUntil(lambda: not chosen.visibleRegion().isEmpty())


def test_all_photos_of_the_sample_get_masks_by_themselves(
    sample: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotator.shell.project_actions.sample_folder", lambda: sample)
    window = Window(Session(small_engine), DeskSettings(), Theme("dark"))
    qtbot.addWidget(window)
    window.show()
    opens = next(b for b in window.empty.findChildren(QPushButton) if b.text() == "Open the sample")
    qtbot.mouseClick(opens, Qt.MouseButton.LeftButton)

    def all_proposed() -> bool:
        records = window.session.records.values()
        return bool(records) and all(r.status is Status.PROPOSED for r in records if r.tagged)

    qtbot.waitUntil(all_proposed, timeout=60000)
    window.close()


def test_the_window_does_not_wait_for_the_photos_of_the_sample(
    tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk_answers = Event()

    def slow(folder: Path) -> None:
        assert disk_answers.wait(60)
        build_sample(folder)

    monkeypatch.setattr("annotator.shell.project_actions.sample_folder", lambda: tmp_path / "data" / "sample")
    monkeypatch.setattr("annotator.shell.project_actions.build_sample", slow)
    window = Window(Session(small_engine), DeskSettings(), Theme("dark"))
    qtbot.addWidget(window)
    window.show()
    window.actions_table["open_sample"].trigger()
    qtbot.waitUntil(lambda: says(window.statusBar(), "Opening sample"))
    assert window.empty.isVisible() and not (tmp_path / "data").exists()
    disk_answers.set()
    qtbot.waitUntil(lambda: window.session.image_id != "", timeout=20000)
    assert len(window.session.records) == 6
    window.close()


def test_a_disk_that_refuses_the_sample_is_told_of_in_one_sentence(
    tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").touch()  # no folder can be made here
    monkeypatch.setattr("annotator.shell.project_actions.sample_folder", lambda: tmp_path / "data" / "sample")
    window = Window(Session(small_engine), DeskSettings(), Theme("dark"))
    qtbot.addWidget(window)
    window.show()
    window.actions_table["open_sample"].trigger()
    qtbot.waitUntil(lambda: says(window.messages, "free some space or choose another folder"))
    assert says(window.messages, str(tmp_path / "data" / "sample"))
    assert not window.session.busy and window.empty.isVisible()
    window.close()


def test_learning_asked_for_while_the_models_load_begins_with_them(
    sample: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_load, heard = Event(), []

    def slow(project: Project) -> Loaded:
        may_load.wait(60)
        return small_engine(project)

    window = Window(Session(slow), DeskSettings(), Theme("dark"))
    qtbot.addWidget(window)
    window.show()
    learn = window.actions_table["learn_tags"]
    assert not learn.isEnabled() and not window.actions_table["train"].isEnabled()
    with qtbot.waitSignal(window.session.image_changed, timeout=20000):
        window.project_actions.open_path(sample)
    monkeypatch.setattr("trainer.worker.thread.TrainerWorker.post", lambda worker, order: heard.append(order))
    qtbot.keyClick(window, K.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert "as soon as the models are loaded" in window.trainer.reason.text()
    may_load.set()
    qtbot.waitUntil(lambda: LearnTags() in heard, timeout=20000)
    monkeypatch.undo()
    window.close()


def test_layers_and_brush_are_this_persons_at_the_next_start(active: Window, qtbot: QtBot) -> None:
    active.layers.switches["cam"].click()
    active.layers.sliders["mask"].setValue(20)
    active.centre.inspect_view.close_pane("cam")
    qtbot.keyClick(active.canvas, K.Key_BracketRight)
    share = active.session.brush_share
    active.close()
    again = Window(Session(small_engine), DeskSettings(), Theme("dark"))
    qtbot.addWidget(again)
    assert again.layers.switches["cam"].isChecked() and again.layers.sliders["mask"].value() == 20
    assert again.centre.inspect_view.closed == ("cam",)
    assert again.session.brush_share == share
    again.close()


def test_an_error_that_nobody_waits_for_is_a_fault_of_the_desk(window: Window) -> None:
    def fails() -> None:
        raise ZeroDivisionError("in the pool")

    with capture_exceptions() as caught:
        window.session.jobs.submit(fails)
        assert window.session.jobs.finish()
        QApplication.processEvents()
    assert [str(error) for _, error, _ in caught] == ["in the pool"]
