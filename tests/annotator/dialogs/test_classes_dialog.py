"""The class dialog by real events: rename, order, merge, delete, from and to a file, all taken back."""

from pathlib import Path

import numpy as np
import pytest
from desk import go_to, stroke, wait_settled
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QColorDialog, QFileDialog, QLineEdit
from pytestqt.qtbot import QtBot

from annotator.class_colours import class_colour
from annotator.dialogs.class_removal import ClassRemoval
from annotator.dialogs.classes import ClassesDialog
from annotator.session import Session
from annotator.shell.window import Window
from trainer.data.project import Status

CAT, DOG, PERSON = 8, 12, 15
BOX = (10, 10, 40, 60)


@pytest.fixture
def dialog(window: Window, qtbot: QtBot) -> ClassesDialog:
    """The dialog over the window, the photo of a person open."""
    window.project_actions.edit_classes()
    dialog = next(each for each in window.findChildren(ClassesDialog))
    dialog.activateWindow()
    return dialog


@pytest.fixture
def session(window: Window) -> Session:
    return window.session


def done(session: Session, qtbot: QtBot) -> None:
    """Wait until the change is followed by all that is shown."""
    session.writer.finish()
    wait_settled(session, qtbot)


def rename(dialog: ClassesDialog, class_id: int, name: str, qtbot: QtBot) -> None:
    dialog.choose([class_id])
    dialog.list.setFocus()
    qtbot.keyClick(dialog.list, Qt.Key.Key_F2)
    editor = dialog.list.findChild(QLineEdit)
    editor.selectAll()
    qtbot.keyClicks(editor, name)
    qtbot.keyClick(editor, Qt.Key.Key_Return)


def remove(dialog: ClassesDialog, ids: list[int], qtbot: QtBot, into: int | None = None) -> ClassRemoval:
    """Ask for a merge or a deletion, and wait for the count."""
    dialog.choose(ids)
    qtbot.mouseClick(dialog.delete if into is None else dialog.merge, Qt.MouseButton.LeftButton)
    asked = dialog.findChildren(ClassRemoval)[-1]
    if into is not None:
        asked.target.setCurrentIndex(asked.target.findData(into))
    qtbot.waitUntil(asked.confirm.isEnabled)
    return asked


def test_a_class_is_renamed_in_its_row_and_its_tags_follow(
    dialog: ClassesDialog, session: Session, window: Window, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(session.class_editing.changed):
        rename(dialog, PERSON, "human", qtbot)
    assert session.record.tags == ("human",) and session.classes.name_of(PERSON) == "human"
    assert "“person” renamed to “human”" in dialog.problem.text()
    assert [row.class_id for row in window.tags.rows] == [0, PERSON]
    done(session, qtbot)


def test_a_name_that_is_taken_is_refused_and_the_row_shows_the_old_one(
    dialog: ClassesDialog, session: Session, qtbot: QtBot
) -> None:
    rename(dialog, DOG, "cat", qtbot)
    qtbot.waitUntil(lambda: "more than once" in dialog.problem.text())
    row = session.classes.order.index(DOG)
    assert dialog.list.item(row).text() == "dog" and session.classes.name_of(DOG) == "dog"


def test_a_merge_says_how_many_photos_it_touches_and_ctrl_z_takes_it_back(
    dialog: ClassesDialog, session: Session, window: Window, qtbot: QtBot
) -> None:
    go_to(session, "chelsea", qtbot)
    session.acceptance.accept()
    qtbot.waitUntil(lambda: session.records["chelsea"].status is Status.ACCEPTED)
    go_to(session, "astronaut", qtbot)
    stroke(session, PERSON, BOX)
    stroke(session, CAT, (60, 60, 80, 90))  # of a class that is not tagged here
    done(session, qtbot)
    asked = remove(dialog, [CAT], qtbot, into=DOG)
    assert "Photos this touches: 2." in asked.touched.text()
    with qtbot.waitSignal(session.class_editing.changed):
        qtbot.keyClick(asked, Qt.Key.Key_Return)
    done(session, qtbot)
    assert "cat" not in session.classes and session.records["chelsea"].tags == ("dog",)
    assert (session.corrections[60:80, 60:90] == DOG).all() and CAT not in session.mask
    accepted = session.project.accepted_mask("chelsea")
    assert CAT not in accepted
    dialog.reject()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    window.canvas.setFocus()
    with qtbot.waitSignal(session.class_editing.changed):
        qtbot.keyClick(window.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    done(session, qtbot)
    assert session.records["chelsea"].tags == ("cat",)
    assert (session.corrections[60:80, 60:90] == CAT).all()
    assert any("merged into “dog”" in text for text in window.messages.texts)
    qtbot.keyClick(window.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)  # the stroke before
    done(session, qtbot)
    assert (session.corrections[60:80, 60:90] == 255).all()
    for _ in range(2):  # the stroke, then the merge
        qtbot.keyClick(
            window.canvas,
            Qt.Key.Key_Z,
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
        )
        session.save()
        done(session, qtbot)
    assert session.records["chelsea"].tags == ("dog",)
    assert (session.corrections[60:80, 60:90] == DOG).all()


def test_a_deleted_class_becomes_background_and_undo_of_the_dialog_brings_it_back(
    dialog: ClassesDialog, session: Session, qtbot: QtBot
) -> None:
    stroke(session, PERSON, BOX)
    asked = remove(dialog, [PERSON], qtbot)
    with qtbot.waitSignal(session.class_editing.changed):
        qtbot.mouseClick(asked.confirm, Qt.MouseButton.LeftButton)
    done(session, qtbot)
    assert session.record.tags == () and session.record.tagged and session.class_id == 0
    assert (session.corrections[10:40, 10:60] == 0).all() and not session.mask.any()
    stroke(session, 0, (50, 50, 60, 60))  # what came after does not keep the dialog from undoing
    with qtbot.waitSignal(session.class_editing.changed):
        qtbot.mouseClick(dialog.undo, Qt.MouseButton.LeftButton)
    done(session, qtbot)
    assert session.record.tags == ("person",)
    assert (session.corrections[10:40, 10:60] == PERSON).all()
    assert (session.corrections[50:60, 50:60] == 0).all()


def test_a_deletion_that_is_given_up_changes_nothing(
    dialog: ClassesDialog, session: Session, qtbot: QtBot
) -> None:
    asked = remove(dialog, [PERSON], qtbot)
    qtbot.keyClick(asked, Qt.Key.Key_Escape)
    assert session.record.tags == ("person",) and session.project.last_class_change() is None


def test_keys_follow_the_order_that_a_person_gave_the_classes(
    dialog: ClassesDialog, session: Session, window: Window, qtbot: QtBot
) -> None:
    session.tagging.set_tags(["person", "dog"])
    done(session, qtbot)
    assert [row.class_id for row in window.tags.rows] == [0, PERSON, DOG]
    dialog.choose([DOG])
    dialog.list.setFocus()
    with qtbot.waitSignal(session.class_editing.changed):
        qtbot.keyClick(dialog.list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert session.classes.order.index(DOG) == 10 and dialog.chosen == (DOG,)
    assert [row.class_id for row in window.tags.rows] == [0, DOG, PERSON]
    with qtbot.waitSignal(session.class_editing.changed):
        qtbot.mouseClick(dialog.undo, Qt.MouseButton.LeftButton)
    assert [row.class_id for row in window.tags.rows] == [0, PERSON, DOG]
    done(session, qtbot)


def test_a_class_is_dragged_to_another_place(dialog: ClassesDialog, session: Session, qtbot: QtBot) -> None:
    first = session.classes.order[0]
    with qtbot.waitSignal(session.class_editing.changed):
        dialog.list.model().moveRow(dialog.list.rootIndex(), 0, dialog.list.rootIndex(), 3)
    assert session.classes.order[2] == first
    done(session, qtbot)


def test_a_new_colour_is_seen_at_once_and_kept(
    dialog: ClassesDialog, session: Session, window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.canvas.set_layer_opacity("mask", 1.0)
    before = window.canvas.grab().toImage()
    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: QColor(10, 200, 30))
    dialog.choose([PERSON])
    with qtbot.waitSignal(session.class_editing.changed):
        qtbot.mouseClick(dialog.colour, Qt.MouseButton.LeftButton)
    done(session, qtbot)
    assert class_colour(PERSON) == (10, 200, 30)
    assert window.canvas.grab().toImage() != before
    session.class_editing.undo()
    done(session, qtbot)
    assert class_colour(PERSON) != (10, 200, 30)


def test_classes_go_to_a_file_and_come_from_one(
    dialog: ClassesDialog, session: Session, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "classes.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Saved as" in dialog.problem.text())
    text = file.read_text().replace('"cat"', '"lynx"')
    file.write_text(text)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    with qtbot.waitSignal(session.class_editing.changed):
        qtbot.mouseClick(dialog.load, Qt.MouseButton.LeftButton)
    assert "lynx" in session.classes and session.classes.listed[-1] == "cat"
    file.write_text("no list at all: {")
    file.with_suffix(".json").write_text('{"a": ["b"]}')
    qtbot.mouseClick(dialog.load, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "classes.json" in dialog.problem.text())
    done(session, qtbot)


def test_stuff_is_marked_and_said(dialog: ClassesDialog, session: Session, qtbot: QtBot) -> None:
    dialog.choose([CAT])
    with qtbot.waitSignal(session.class_editing.changed):
        qtbot.mouseClick(dialog.stuff, Qt.MouseButton.LeftButton, pos=QPoint(8, dialog.stuff.height() // 2))
    assert session.classes.stuff == {CAT} and dialog.stuff.isChecked()
    done(session, qtbot)


def test_the_photo_keeps_its_place_when_classes_change(
    dialog: ClassesDialog, session: Session, window: Window, qtbot: QtBot
) -> None:
    window.canvas.zoom(3.0)
    before = window.canvas.to_image(window.canvas.rect().center().toPointF())
    scale = window.canvas.scale_factor
    asked = remove(dialog, [DOG], qtbot, into=PERSON)
    with qtbot.waitSignal(session.image_changed):
        qtbot.mouseClick(asked.confirm, Qt.MouseButton.LeftButton)
    done(session, qtbot)
    after = window.canvas.to_image(window.canvas.rect().center().toPointF())
    assert window.canvas.scale_factor == scale and (after - before).manhattanLength() < 0.01


def test_a_stroke_after_a_merge_is_undone_first(
    dialog: ClassesDialog, session: Session, window: Window, qtbot: QtBot
) -> None:
    asked = remove(dialog, [DOG], qtbot, into=PERSON)
    with qtbot.waitSignal(session.class_editing.changed):
        qtbot.mouseClick(asked.confirm, Qt.MouseButton.LeftButton)
    done(session, qtbot)
    stroke(session, PERSON, BOX)
    done(session, qtbot)
    session.strokes.undo()
    session.save()
    assert "dog" not in session.classes and (session.corrections == 255).all()
    session.strokes.undo()
    session.save()
    done(session, qtbot)
    assert "dog" in session.classes
    assert QApplication.activeModalWidget() is dialog or not dialog.isModal()
    assert np.array_equal(session.project.current_mask(session.image_id) is None, False)
