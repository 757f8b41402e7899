"""Many images at once, and what a reviewer says of them: by keys, undone, and there after a restart."""

from pathlib import Path

import numpy as np
from desk import go_to, says, stroke, wait_settled
from PIL import Image
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from annotator.dialogs.comment import CommentDialog
from annotator.dialogs.tag_many import TagManyDialog
from annotator.panels.contact_sheet import ContactSheet
from annotator.shell.window import Window
from trainer.data.batch_rows import BatchKind
from trainer.data.project import Status
from trainer.data.review_rows import Verdict

K, M = Qt.Key, Qt.KeyboardModifier
CONTROL, SHIFT, ALT = M.ControlModifier, M.ShiftModifier, M.AltModifier


def choose(window: Window, *image_ids: str) -> None:
    """Choose several images in the list."""
    view, model = window.images.view, window.images.model
    view.clearSelection()
    for image_id in image_ids:
        view.selectionModel().select(model.index_of(image_id), QItemSelectionModel.SelectionFlag.Select)


def dialog(window: Window, kind: type, qtbot: QtBot):
    """The dialog that was opened last."""
    qtbot.waitUntil(lambda: any(each.isVisible() for each in window.findChildren(kind)))
    return next(each for each in reversed(window.findChildren(kind)) if each.isVisible())


def give_masks(window: Window, *image_ids: str, margin: float = 0.05) -> None:
    """Store proposals, as propose-all would."""
    project = window.session.project
    for image_id in image_ids:
        shape = (107, 160)
        mask = np.zeros(shape, np.uint8)
        mask[10:60, 10:80] = 8
        project.store_proposal_mask(image_id, mask)
        project.note_proposal(image_id, margin, "test")
    window.session.renew(project.images())


def test_a_flag_with_a_comment_is_seen_found_and_taken_away(active: Window, qtbot: QtBot) -> None:
    session = active.session
    qtbot.keyClick(active.canvas, K.Key_C)
    asked = dialog(active, CommentDialog, qtbot)
    qtbot.keyClicks(asked.line, "two cats?")
    with qtbot.waitSignal(session.many.done, timeout=20_000):
        qtbot.keyClick(asked.line, K.Key_Return)
    image_id = session.image_id
    record = session.project.record(image_id)
    assert (record.verdict, record.comment) == (Verdict.FLAGGED, "two cats?")
    qtbot.waitUntil(active.review_strip.isVisible)
    assert active.review_strip.text.text() == "Flagged: two cats?"
    active.images.search.setText("two cats")
    assert active.images.model.ids == [image_id]
    active.images.search.clear()
    wait_settled(session, qtbot)
    choose(active, "coffee", "rocket")  # the strip is about the open image, whatever is chosen in the list
    with qtbot.waitSignal(session.many.done, timeout=20_000) as done:
        qtbot.mouseClick(active.review_strip.done, Qt.MouseButton.LeftButton)
    assert done.args[0].images == (image_id,)
    qtbot.waitUntil(lambda: not active.review_strip.isVisible())
    wait_settled(session, qtbot)


def test_rejecting_takes_the_acceptance_back_and_undo_brings_it_again(active: Window, qtbot: QtBot) -> None:
    session = active.session
    image_id = session.image_id
    with qtbot.waitSignal(session.acceptance.done, timeout=20_000):
        qtbot.keyClick(active.canvas, K.Key_Return)
    qtbot.waitUntil(lambda: session.image_id != image_id)
    go_to(session, image_id, qtbot)
    qtbot.keyClick(active.canvas, K.Key_R, SHIFT)
    asked = dialog(active, CommentDialog, qtbot)
    with qtbot.waitSignal(session.many.done, timeout=20_000):
        qtbot.mouseClick(asked.do, Qt.MouseButton.LeftButton)
    assert session.records[image_id].verdict is Verdict.REJECTED
    assert session.records[image_id].status is not Status.ACCEPTED
    wait_settled(session, qtbot)
    assert not session.document.accepted and active.review_strip.isVisible()
    active.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is active)
    with qtbot.waitSignal(session.many.undone, timeout=20_000):
        qtbot.keyClick(active.canvas, K.Key_Z, CONTROL | ALT)
    assert session.records[image_id].status is Status.ACCEPTED
    qtbot.waitUntil(lambda: session.document.accepted and not session.busy)


def test_chosen_images_are_tagged_and_the_message_undoes_it(active: Window, qtbot: QtBot) -> None:
    session = active.session
    before = {image_id: session.records[image_id].tags for image_id in session.order}
    choose(active, "astronaut", "camera", "coffee")
    qtbot.keyClick(active, K.Key_T, CONTROL | SHIFT)
    asked = dialog(active, TagManyDialog, qtbot)
    assert asked.choice.itemText(0) in ("cup", "person")  # what they are tagged with comes first
    asked.choice.setCurrentText("dog")
    assert not asked.remove.isEnabled()
    with qtbot.waitSignal(session.many.done, timeout=20_000):
        qtbot.mouseClick(asked.add, Qt.MouseButton.LeftButton)
    for image_id in ("astronaut", "camera", "coffee"):
        assert session.records[image_id].tags == (*before[image_id], "dog")
    assert session.records["rocket"].tags == before["rocket"]
    assert says(active, "Images tagged: 3.")
    undo = next(b for b in active.messages.findChildren(QPushButton) if b.text() == "Undo")
    with qtbot.waitSignal(session.many.undone, timeout=20_000):
        qtbot.mouseClick(undo, Qt.MouseButton.LeftButton)
    assert {image_id: session.records[image_id].tags for image_id in session.order} == before
    wait_settled(session, qtbot)


def test_chosen_images_are_accepted_and_what_has_no_mask_is_named(active: Window, qtbot: QtBot) -> None:
    session = active.session
    give_masks(active, "coffee", "rocket")
    choose(active, "coffee", "rocket", "camera")
    with qtbot.waitSignal(session.many.done, timeout=20_000) as done:
        qtbot.keyClick(active, K.Key_Return, CONTROL)
    assert done.args[0].images == ("coffee", "rocket") and done.args[0].left_out == ("camera",)
    assert session.records["coffee"].status is Status.ACCEPTED
    assert says(active, "Left out, as there is no mask to accept: 1.")
    wait_settled(session, qtbot)


def test_sure_masks_are_looked_at_and_accepted_but_one(active: Window, qtbot: QtBot) -> None:
    session = active.session
    give_masks(active, "coffee", "rocket")
    give_masks(active, "camera", margin=0.4)
    qtbot.keyClick(active, K.Key_Return, CONTROL | SHIFT)
    sheet = dialog(active, ContactSheet, qtbot)
    sheet.level.setValue(90)
    assert set(sheet.chosen) == {"coffee", "rocket"}
    sheet.level.setValue(50)
    assert sheet.model.ids[0] == "camera"  # the least sure one first
    qtbot.waitUntil(lambda: sheet.thumbnails.get("camera", session.records["camera"].path) is not None)
    row = sheet.model.index_of("coffee")
    qtbot.mouseClick(
        sheet.view.viewport(), Qt.MouseButton.LeftButton, pos=sheet.view.visualRect(row).center()
    )
    assert "coffee" not in sheet.chosen
    sheet.view.setCurrentIndex(row)
    qtbot.keyClick(sheet.view, K.Key_Space)
    assert "coffee" in sheet.chosen
    qtbot.keyClick(sheet.view, K.Key_Space)
    expected = set(sheet.chosen)
    with qtbot.waitSignal(session.many.done, timeout=20_000):
        qtbot.mouseClick(sheet.do, Qt.MouseButton.LeftButton)
    for image_id in expected:
        assert session.records[image_id].status is Status.ACCEPTED
    assert session.records["coffee"].status is Status.PROPOSED
    with qtbot.waitSignal(session.many.undone, timeout=20_000):
        active.actions_table["undo_many"].trigger()
    assert not any(record.status is Status.ACCEPTED for record in session.records.values())
    wait_settled(session, qtbot)


def test_a_change_to_several_images_is_undone_after_another_project_was_open(
    active: Window, qtbot: QtBot, tmp_path: Path
) -> None:
    session, other = active.session, tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (40, 30), (90, 90, 90)).save(other / "grey.png")
    choose(active, "coffee", "rocket")
    with qtbot.waitSignal(session.many.done, timeout=20_000):
        active.session.many.start(BatchKind.FLAG, active.images.chosen, comment="look")
    root = session.project.root
    wait_settled(session, qtbot)
    with qtbot.waitSignal(session.image_changed, timeout=20_000):
        active.project_actions.open_path(other)
    wait_settled(session, qtbot)
    with qtbot.waitSignal(session.image_changed, timeout=20_000):
        active.project_actions.open_path(root)
    qtbot.waitUntil(lambda: active.actions_table["undo_many"].isEnabled(), timeout=20_000)
    assert session.records["rocket"].comment == "look"
    wait_settled(session, qtbot)
    with qtbot.waitSignal(session.many.undone, timeout=20_000):
        active.actions_table["undo_many"].trigger()
    assert session.records["rocket"].verdict is Verdict.NONE


def test_without_a_choice_the_keys_mean_the_open_image(active: Window) -> None:
    assert active.images.chosen == [active.session.image_id]
    choose(active, "coffee", "rocket")
    assert active.images.chosen == ["coffee", "rocket"]


def test_a_tag_that_is_given_can_be_filtered_by(active: Window, qtbot: QtBot) -> None:
    images = active.images
    assert images.tag.findData("sheep") < 0
    active.session.tagging.set_tags((*active.session.record.tags, "sheep"))
    qtbot.waitUntil(lambda: images.tag.findData("sheep") > 0)
    wait_settled(active.session, qtbot)


def test_class_and_status_are_filtered_together(active: Window, qtbot: QtBot) -> None:
    give_masks(active, "astronaut")
    images = active.images
    images.tag.setCurrentIndex(images.tag.findData("person"))
    assert images.model.ids == ["astronaut", "camera"]
    images.filter.setCurrentText("Proposed")
    assert images.model.ids == ["astronaut"]
    assert "Confidence 95%" in images.model.index(0).data(Qt.ItemDataRole.ToolTipRole)


def test_a_change_to_several_images_is_undone_and_redone_by_the_keys_for_strokes(
    active: Window, qtbot: QtBot
) -> None:
    session, canvas = active.session, active.canvas
    give_masks(active, "coffee", "rocket")
    choose(active, "coffee", "rocket")
    with qtbot.waitSignal(session.many.done, timeout=20_000):
        qtbot.keyClick(canvas, K.Key_Return, CONTROL)
    wait_settled(session, qtbot)
    masks = [session.project.accepted_mask(image_id) for image_id in ("coffee", "rocket")]
    for key, modifiers in ((K.Key_Z, CONTROL | SHIFT), (K.Key_Y, CONTROL)):
        with qtbot.waitSignal(session.many.undone, timeout=20_000):
            qtbot.keyClick(canvas, K.Key_Z, CONTROL)
        assert session.records["coffee"].status is Status.PROPOSED
        assert says(active, "Images as they were before: 2.")
        with qtbot.waitSignal(session.many.redone, timeout=20_000):
            qtbot.keyClick(canvas, key, modifiers)
        assert says(active, "Images changed again: 2.")
        for image_id, mask in zip(("coffee", "rocket"), masks, strict=True):
            assert session.records[image_id].status is Status.ACCEPTED
            assert (session.project.accepted_mask(image_id) == mask).all()
    undo = next(b for b in active.messages.findChildren(QPushButton) if b.text() == "Undo")
    with qtbot.waitSignal(session.many.undone, timeout=20_000):
        qtbot.mouseClick(undo, Qt.MouseButton.LeftButton)
    redo = next(b for b in active.messages.findChildren(QPushButton) if b.text() == "Redo")
    with qtbot.waitSignal(session.many.redone, timeout=20_000):
        qtbot.mouseClick(redo, Qt.MouseButton.LeftButton)
    assert session.records["rocket"].status is Status.ACCEPTED
    wait_settled(session, qtbot)


def test_strokes_and_changes_to_several_images_are_undone_in_their_order(
    active: Window, qtbot: QtBot
) -> None:
    session, canvas = active.session, active.canvas
    choose(active, "coffee", session.image_id)
    qtbot.keyClick(canvas, K.Key_C)
    asked = dialog(active, CommentDialog, qtbot)
    with qtbot.waitSignal(session.many.done, timeout=20_000):
        qtbot.keyClick(asked.line, K.Key_Return)
    wait_settled(session, qtbot)
    stroke(session, 15, (10, 10, 30, 30))
    wait_settled(session, qtbot)
    active.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is active)
    qtbot.keyClick(canvas, K.Key_Z, CONTROL)
    qtbot.waitUntil(lambda: not session.project.can_undo(session.image_id))
    assert session.record.verdict is Verdict.FLAGGED
    wait_settled(session, qtbot)
    with qtbot.waitSignal(session.many.undone, timeout=20_000):
        qtbot.keyClick(canvas, K.Key_Z, CONTROL)
    assert session.record.verdict is Verdict.NONE
    wait_settled(session, qtbot)
    assert not active.actions_table["undo"].isEnabled() and active.actions_table["redo"].isEnabled()
    with qtbot.waitSignal(session.many.redone, timeout=20_000):
        qtbot.keyClick(canvas, K.Key_Z, CONTROL | SHIFT)
    assert session.record.verdict is Verdict.FLAGGED
    wait_settled(session, qtbot)
    qtbot.keyClick(canvas, K.Key_Z, CONTROL | SHIFT)
    qtbot.waitUntil(lambda: session.project.can_undo(session.image_id))
    wait_settled(session, qtbot)
    assert not active.actions_table["redo"].isEnabled()
