"""Importing masks on the desk: found beside the photos, as accepted ones or proposals, in the background."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event, Timer

import numpy as np
import pytest
from desk import go_to, small_engine, stroke, wait_settled
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from annotator.dialogs.import_masks import ImportDialog
from annotator.session import Session
from annotator.settings import DeskSettings
from annotator.shell.window import Window
from annotator.theme import Theme
from trainer.data.images import load_image, save_mask
from trainer.data.masks import MaskReader
from trainer.data.project import Project, Status

CAT, PERSON = 8, 15
CONTROL = Qt.KeyboardModifier.ControlModifier


def truth(photo: Path, label: int = CAT) -> np.ndarray:
    """A mask that no model would make: a checkerboard, with specks and an undecided corner."""
    height, width = load_image(photo).shape[:2]
    mask = np.where(np.add.outer(np.arange(height) // 16, np.arange(width) // 16) % 2, label, 0).astype(
        np.uint8
    )
    mask[:8, :8] = 255
    mask[40, 40] = PERSON
    return mask


@pytest.fixture
def masks(sample: Path, tmp_path: Path) -> Path:
    """A VOC tree with masks of three of the sample's photos, outside of its folder."""
    root = tmp_path / "truth"
    for name in ("astronaut", "chelsea", "coffee"):
        (photo,) = sample.glob(f"{name}.*")
        save_mask(root / "SegmentationClass" / f"{name}.png", truth(photo))
    return root


def ask(window: Window, path: Path, qtbot: QtBot) -> ImportDialog:
    """The dialog, opened by its key, with a path typed into it that is recognised."""
    press(window, Qt.Key.Key_I, qtbot, CONTROL)
    dialog = window.project_actions.import_dialog
    assert dialog.isVisible()
    dialog.folder.selectAll()
    qtbot.keyClicks(dialog.folder, str(path))
    qtbot.waitUntil(lambda: dialog.start.isEnabled(), timeout=10000)
    return dialog


def press(window: Window, key: Qt.Key, qtbot: QtBot, modifier: Qt.KeyboardModifier) -> None:
    qtbot.keyClick(window.canvas, key, modifier)


def click(button: QPushButton, qtbot: QtBot) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_masks_are_imported_as_accepted_ones_and_shown_at_once(
    active: Window, masks: Path, qtbot: QtBot
) -> None:
    session = active.session
    assert session.image_id == "astronaut"
    dialog = ask(active, masks, qtbot)
    assert dialog.format.text() == "Found: PASCAL VOC"
    with qtbot.waitSignal(session.image_changed, timeout=20000):
        click(dialog.start, qtbot)
    assert dialog.outcome.text() == "Masks imported: 3." and not dialog.progress.isVisible()
    expected = truth(session.record.path)
    np.testing.assert_array_equal(session.mask, expected)
    assert session.record.status is Status.ACCEPTED and session.record.tags == ("person", "cat")
    assert [id for id, record in session.records.items() if record.status is Status.ACCEPTED] == [
        "astronaut",
        "chelsea",
        "coffee",
    ]
    click(dialog.close_button, qtbot)
    wait_settled(session, qtbot)
    np.testing.assert_array_equal(session.mask, expected)


def test_an_imported_proposal_stays_until_a_stroke_changes_it_near_the_stroke(
    active: Window, masks: Path, qtbot: QtBot
) -> None:
    session = active.session
    dialog = ask(active, masks, qtbot)
    click(dialog.proposals, qtbot)
    with qtbot.waitSignal(session.masks.finished, timeout=20000):
        click(dialog.start, qtbot)
    click(dialog.close_button, qtbot)
    go_to(session, "chelsea", qtbot)
    expected = truth(session.record.path)
    assert session.record.status is Status.PROPOSED
    np.testing.assert_array_equal(session.mask, expected)
    session.tagging.set_tags(["cat", "dog"])  # asks for a new proposal
    wait_settled(session, qtbot)
    np.testing.assert_array_equal(session.mask, expected)
    stroke(session, PERSON, (60, 60, 80, 80))
    wait_settled(session, qtbot)
    assert (session.mask[60:80, 60:80] == PERSON).all()
    changed = session.mask.copy()
    go_to(session, "coffee", qtbot)
    go_to(session, "chelsea", qtbot)
    np.testing.assert_array_equal(session.mask, changed)
    session.strokes.undo()
    wait_settled(session, qtbot)
    np.testing.assert_array_equal(session.mask, expected)
    assert session.writer.finish()
    np.testing.assert_array_equal(session.project.current_mask("chelsea"), expected)


def test_an_imported_acceptance_that_is_opened_again_keeps_the_mask(
    active: Window, masks: Path, qtbot: QtBot
) -> None:
    session = active.session
    dialog = ask(active, masks, qtbot)
    with qtbot.waitSignal(session.image_changed, timeout=20000):
        click(dialog.start, qtbot)
    click(dialog.close_button, qtbot)
    wait_settled(session, qtbot)
    expected = truth(session.record.path)
    active.activateWindow()
    qtbot.waitUntil(active.isActiveWindow)
    press(active, Qt.Key.Key_A, qtbot, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: session.record.status is Status.PROPOSED, timeout=10000)
    wait_settled(session, qtbot)
    np.testing.assert_array_equal(session.mask, expected)
    stroke(session, PERSON, (60, 60, 80, 80))
    wait_settled(session, qtbot)
    assert (session.mask[60:80, 60:80] == PERSON).all()
    assert (session.mask == expected).mean() > 0.5


def test_proposals_for_all_images_leave_imported_ones_alone(
    opened: Session, masks: Path, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(opened.masks.finished, timeout=20000):
        opened.masks.start(masks, accept=False)
    wait_settled(opened, qtbot)
    opened.propose_all.start()
    qtbot.waitUntil(lambda: not opened.propose_all.running, timeout=60000)
    mask = opened.project.current_mask("coffee")
    np.testing.assert_array_equal(mask, truth(opened.records["coffee"].path))
    wait_settled(opened, qtbot)


def test_the_mask_of_the_models_can_be_taken_instead_and_the_imported_one_given_back(
    active: Window, masks: Path, qtbot: QtBot
) -> None:
    session = active.session
    with qtbot.waitSignal(session.image_changed, timeout=20000):
        session.masks.start(masks, accept=False)
    wait_settled(session, qtbot)
    imported = truth(session.record.path)
    for taken in (True, False, True):
        qtbot.waitUntil(lambda: session.offer.stands, timeout=20000)
        press(active, Qt.Key.Key_N, qtbot, Qt.KeyboardModifier.ShiftModifier)
        wait_settled(session, qtbot)
        assert (session.mask != imported).any() == taken
    mask = session.mask.copy()
    assert session.writer.finish()
    np.testing.assert_array_equal(session.project.current_mask("astronaut"), mask)
    go_to(session, "coffee", qtbot)
    go_to(session, "astronaut", qtbot)
    np.testing.assert_array_equal(session.mask, mask)


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Masks are not read before this is set."""
    going, read = Event(), MaskReader.read

    def waiting(reader: MaskReader, path: Path, photo: Path) -> np.ndarray:
        going.wait(60)
        return read(reader, path, photo)

    monkeypatch.setattr(MaskReader, "read", waiting)
    yield going
    going.set()


def test_an_import_can_be_cancelled_and_is_told_of_when_the_dialog_is_gone(
    active: Window, masks: Path, paused: Event, qtbot: QtBot
) -> None:
    session = active.session
    dialog = ask(active, masks, qtbot)
    click(dialog.start, qtbot)
    qtbot.waitUntil(lambda: dialog.progress.maximum() == 3, timeout=10000)
    assert dialog.cancel_button.isVisible() and not dialog.start.isEnabled() and not dialog.folder.isEnabled()
    click(dialog.cancel_button, qtbot)
    click(dialog.close_button, qtbot)
    active.project_actions.import_masks()
    assert dialog.isVisible() and dialog.folder.text() == str(masks)
    click(dialog.close_button, qtbot)
    with qtbot.waitSignal(session.masks.finished, timeout=20000):
        paused.set()
    assert "Masks imported: 0. The rest was cancelled." in active.messages.texts
    assert all(record.status is not Status.ACCEPTED for record in session.records.values())


def test_closing_the_window_ends_an_import(
    active: Window, masks: Path, paused: Event, sample: Path, qtbot: QtBot
) -> None:
    dialog = ask(active, masks, qtbot)
    click(dialog.start, qtbot)
    qtbot.waitUntil(lambda: dialog.progress.maximum() == 3, timeout=10000)
    Timer(0.2, paused.set).start()  # a mask that is being read is read to its end
    assert active.close() and active.session.jobs.finish(0)
    with closing(Project.open(sample, reading=True)) as project:
        assert all(record.status is not Status.ACCEPTED for record in project.images())


def test_what_a_person_does_meanwhile_stays(active: Window, masks: Path, paused: Event, qtbot: QtBot) -> None:
    session = active.session
    dialog = ask(active, masks, qtbot)
    click(dialog.start, qtbot)
    qtbot.waitUntil(lambda: dialog.progress.maximum() == 3, timeout=10000)
    stroke(session, PERSON, (60, 60, 80, 80))
    wait_settled(session, qtbot)
    shown = session.mask.copy()
    with qtbot.waitSignal(session.masks.finished, timeout=20000):
        paused.set()
    assert dialog.outcome.text() == "Masks imported: 2."
    np.testing.assert_array_equal(session.mask, shown)
    assert session.record.status is Status.CORRECTED
    dialog.close()


def test_a_mask_that_fails_is_named_and_new_classes_are_told(
    active: Window, masks: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    shape = {"label": "tea pot", "points": [[5, 5], [60, 5], [60, 60]], "shape_type": "polygon"}
    folder = tmp_path / "labelme"
    folder.mkdir()
    (folder / "chelsea.json").write_text(json.dumps({"shapes": [shape]}))
    (folder / "coffee.json").write_text('{"shapes": [')
    dialog = ask(active, folder, qtbot)
    with qtbot.waitSignal(active.session.masks.finished, timeout=20000):
        click(dialog.start, qtbot)
    lines = dialog.outcome.text().splitlines()
    assert lines[:2] == ["Masks imported: 1.", "New classes: tea pot"]
    assert "coffee.json" in lines[2]
    assert "tea pot" in active.session.classes and "tea pot" in active.session.records["chelsea"].tags
    dialog.close()


def test_a_folder_without_masks_is_not_imported(active: Window, sample: Path, qtbot: QtBot) -> None:
    press(active, Qt.Key.Key_I, qtbot, CONTROL)
    dialog = active.project_actions.import_dialog
    qtbot.waitUntil(lambda: dialog.format.text() != "", timeout=10000)
    assert dialog.folder.text() == str(sample)
    assert dialog.format.text() == "There are no masks of a known kind." and not dialog.start.isEnabled()
    dialog.close()


@pytest.mark.parametrize(
    ("place", "beside", "title"),
    [("images", "masks", "Folder of masks"), ("JPEGImages", "SegmentationClass", "PASCAL VOC")],
)
def test_masks_beside_the_photos_are_offered_once_by_a_message_with_a_button(
    sample: Path, masks: Path, place: str, beside: str, title: str, qtbot: QtBot
) -> None:
    folder = masks.parent / "set" / place
    shutil.copytree(sample, folder)
    shutil.copytree(masks / "SegmentationClass", folder.parent / beside)
    text = f"There are masks beside these photos: {title}."
    for first in (True, False):
        window = Window(Session(small_engine), DeskSettings(), Theme("dark"))
        qtbot.addWidget(window)
        window.show()
        window.project_actions.open_path(folder)
        wait_settled(window.session, qtbot)
        assert window.session.jobs.finish()
        qtbot.waitUntil(lambda window=window, first=first: (text in window.messages.texts) is first)
        if first:
            buttons = window.messages.findChildren(QPushButton)
            (button,) = (button for button in buttons if button.text() == "Import masks…")
            click(button, qtbot)
            assert window.project_actions.import_dialog.folder.text() == str(folder.parent)
            qtbot.waitUntil(window.project_actions.import_dialog.start.isEnabled, timeout=10000)
            window.project_actions.import_dialog.close()
        window.close()


def test_masks_in_a_folder_beside_images_are_no_photos(tmp_path: Path) -> None:
    for place in ("images", "masks"):
        (tmp_path / place).mkdir()
        Image.new("L", (9, 9)).save(tmp_path / place / "a.png")
    project = Project.open_folder(tmp_path)
    assert [record.id for record in project.images()] == ["images/a"]
    project.close()
