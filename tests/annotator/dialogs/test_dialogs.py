"""The dialogs: export that reads back, keys that do not collide, classes, weights."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from desk import says, wait_settled
from PIL import Image
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from annotator.actions import ACTIONS, Actions
from annotator.dialogs.about import AboutDialog
from annotator.dialogs.classes import ClassesDialog
from annotator.dialogs.export import ExportDialog
from annotator.dialogs.key_sheet import key_sheet
from annotator.dialogs.keys import KeysDialog
from annotator.dialogs.weights import WeightsDialog
from annotator.session import Session
from annotator.settings import DeskSettings
from annotator.shell.messagebar import DetailsDialog
from annotator.shell.window import Window
from trainer.about import program_version
from trainer.data.classes import ClassList
from trainer.data.export import export_project
from trainer.data.formats.base import ExportEntry, Writer
from trainer.data.formats.registry import WRITERS
from trainer.data.images import load_image
from trainer.data.project import Status
from trainer.errors import WeightsError


def test_accepted_masks_are_exported_and_read_back(opened: Session, tmp_path: Path, qtbot: QtBot) -> None:
    first, mask = opened.image_id, opened.mask.copy()
    opened.acceptance.accept()
    qtbot.waitUntil(lambda: opened.records[first].status is Status.ACCEPTED, timeout=10000)
    wait_settled(opened, qtbot)
    dialog = ExportDialog(opened)
    qtbot.addWidget(dialog)
    assert dialog.only_accepted.isChecked()
    out = tmp_path / "out"
    dialog.folder.setText(str(out))
    with qtbot.waitSignal(dialog.finished_export, timeout=20000):
        dialog.run()
    with Image.open(out / "SegmentationClass" / f"{first}.png") as exported:
        np.testing.assert_array_equal(np.array(exported), mask)
    assert dialog.outcome.text() == "Images exported: 1" and dialog.open_button.isVisibleTo(dialog)


def test_all_that_was_exported_is_counted_and_its_folder_opens(
    opened: Session, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    shown: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", shown.append)
    dialog = ExportDialog(opened)
    qtbot.addWidget(dialog)
    proposed = [record.id for record in opened.records.values() if record.status is not Status.NEW]
    late = next(image_id for image_id in opened.records if image_id not in proposed)
    opened.project.store_proposal_mask(late, np.zeros_like(load_image(opened.records[late].path)[..., 0]))
    dialog.everything.setChecked(True)
    dialog.folder.setText("~/out")
    with qtbot.waitSignal(dialog.finished_export, timeout=20000):
        dialog.run()
    written = len(list((tmp_path / "out" / "SegmentationClass").iterdir()))
    assert dialog.outcome.text() == f"Images exported: {written}"
    dialog.folder.setText("elsewhere")
    dialog.open_button.click()
    assert [url.toLocalFile() for url in shown] == [str(tmp_path / "out")]


def test_an_export_into_a_strange_folder_is_refused_with_a_reason(
    opened: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("keep me")
    dialog = ExportDialog(opened)
    qtbot.addWidget(dialog)
    dialog.folder.setText(str(tmp_path / "mine"))
    with qtbot.waitSignal(dialog.finished_export, timeout=20000):
        dialog.run()
    assert "holds other files" in dialog.outcome.text() and dialog.start.isEnabled()
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "keep me"


def test_every_format_can_be_chosen_and_says_what_it_writes(
    opened: Session, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Names(Writer):
        """The names of the images, one a line."""

        name, title, contents = "names", "Names", "One file with the names of all images."
        photo_folder, last = "photos", ()

        def __init__(self, root: Path, classes: ClassList) -> None:
            self.file = root / "names.txt"

        def add(self, entry: ExportEntry, class_ids: frozenset[int]) -> None:
            with self.file.open("a") as stream:
                stream.write(f"{entry.id}\n")

        def finish(self) -> None:
            """All is written."""

    monkeypatch.setitem(WRITERS, Names.name, Names)
    dialog = ExportDialog(opened)
    qtbot.addWidget(dialog)
    assert dialog.folder.text().endswith("-voc") and "labelmap.txt" in dialog.outcome.text()
    QTest.keyClicks(dialog.format, "Names")
    assert dialog.folder.text().endswith("-names") and dialog.outcome.text() == Names.contents
    dialog.folder.setText(str(tmp_path / "out"))
    with qtbot.waitSignal(dialog.finished_export, timeout=20000):
        dialog.start.click()
    names = (tmp_path / "out/names.txt").read_text().split()
    assert names and set(names) <= set(opened.records)
    QTest.keyClicks(dialog.format, "PASCAL")
    assert dialog.folder.text() == str(tmp_path / "out")  # chosen by hand


def test_an_export_of_nothing_or_to_nowhere_is_not_offered(opened: Session, qtbot: QtBot) -> None:
    dialog = ExportDialog(opened)
    qtbot.addWidget(dialog)
    assert dialog.everything.isChecked() and dialog.start.isEnabled()
    dialog.only_accepted.click()
    assert dialog.only_accepted.text() == "Accepted images (0)" and not dialog.start.isEnabled()
    opened.acceptance.accept()
    qtbot.waitUntil(dialog.start.isEnabled, timeout=10000)
    assert dialog.only_accepted.text() == "Accepted images (1)"
    dialog.folder.clear()
    assert not dialog.start.isEnabled()
    wait_settled(opened, qtbot)


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Exports stand still before their first image until this is set, or they are cancelled."""
    going = Event()

    def waiting(*arguments: Any) -> list[str]:
        cancelled = arguments[-1]
        while not (going.wait(0.01) or cancelled()):
            pass
        return export_project(*arguments)

    monkeypatch.setattr("annotator.dialogs.export.export_project", waiting)
    yield going
    going.set()


def begun(window: Window, out: Path) -> ExportDialog:
    """Begin to export all proposals of the window's project."""
    window.project_actions.export()
    dialog = window.project_actions.export_dialog
    assert dialog is not None
    dialog.everything.setChecked(True)
    dialog.folder.setText(str(out))
    dialog.run()
    return dialog


def test_an_export_can_be_cancelled_and_leaves_nothing(
    window: Window, paused: Event, tmp_path: Path, qtbot: QtBot
) -> None:
    dialog = begun(window, tmp_path / "out")
    with qtbot.waitSignal(dialog.finished_export, timeout=20000):
        dialog.cancel_button.click()
    assert dialog.outcome.text() == "The export was cancelled; nothing was written."
    assert not (tmp_path / "out").exists() and not dialog.cancel_button.isVisible()


def test_what_came_of_an_export_is_told_when_the_dialog_is_gone(
    window: Window, paused: Event, tmp_path: Path, qtbot: QtBot
) -> None:
    dialog = begun(window, tmp_path / "out")
    dialog.reject()
    window.project_actions.export()
    assert window.project_actions.export_dialog is dialog and dialog.isVisible()
    dialog.reject()
    with qtbot.waitSignal(dialog.finished_export, timeout=20000):
        paused.set()
    assert any(text.startswith("Images exported: ") for text in window.messages.texts)
    window.project_actions.export()
    assert window.project_actions.export_dialog is not dialog


def test_closing_the_window_ends_an_export_which_leaves_nothing(
    window: Window, paused: Event, tmp_path: Path
) -> None:
    begun(window, tmp_path / "out")
    assert window.close() and window.session.jobs.finish(0)
    assert not (tmp_path / "out").exists()


def test_the_sheet_shows_every_action_and_changes_keys(qtbot: QtBot) -> None:
    actions = Actions(DeskSettings())
    dialog = KeysDialog(actions)
    qtbot.addWidget(dialog)
    assert set(dialog.items) == {spec.id for spec in ACTIONS}
    assert dialog.items["peek"].text(1) == "H (hold)"
    dialog.choose("brush")
    dialog.edit.setKeySequence(QKeySequence("E"))
    dialog.set_key()
    assert "Eraser" in dialog.problem.text() and actions.key("brush") == "B"
    dialog.edit.setKeySequence(QKeySequence("K"))
    dialog.set_key()
    assert actions.key("brush") == "K" and dialog.items["brush"].text(1) == "K"
    dialog.search.setText("eraser")
    assert dialog.items["brush"].isHidden() and not dialog.items["eraser"].isHidden()
    assert [group for group, head in dialog.heads.items() if not head.isHidden()] == ["Paint"]


def test_no_name_of_an_action_is_cut_off(qtbot: QtBot) -> None:
    dialog = KeysDialog(Actions(DeskSettings()))
    qtbot.addWidget(dialog)
    dialog.show()
    for column in (0, 1):
        assert dialog.tree.columnWidth(column) >= dialog.tree.sizeHintForColumn(column)


def test_a_class_is_added_and_a_taken_name_is_refused(opened: Session, qtbot: QtBot) -> None:
    dialog = ClassesDialog(opened, "zebra")
    qtbot.addWidget(dialog)
    before = len(opened.classes)
    with qtbot.waitSignal(dialog.added):
        dialog.button.click()
    assert opened.classes.id_of("zebra") == before + 1 == dialog.list.count()
    dialog.field.setText("cat")
    dialog.button.click()
    qtbot.waitUntil(lambda: "cat" in dialog.problem.text(), timeout=10000)
    assert len(opened.classes) == before + 1


def test_a_weights_file_is_chosen_and_a_missing_one_named(
    session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    chosen: list[str] = []
    dialog = WeightsDialog(session.jobs, "")
    dialog.chosen.connect(chosen.append)
    qtbot.addWidget(dialog)
    dialog.file.setChecked(True)
    dialog.path.setText(str(tmp_path / "none.pth"))
    dialog.choose()
    assert "none.pth" in dialog.problem.text() and not chosen
    (tmp_path / "some.pth").write_bytes(b"x")
    dialog.path.setText(str(tmp_path / "some.pth"))
    with qtbot.waitSignal(dialog.accepted):
        dialog.choose()
    assert chosen == [str(tmp_path / "some.pth")]


def test_a_failed_download_is_told_and_can_be_tried_again(
    session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = Event()

    def offline(*_: object, **__: object) -> None:
        tried.wait(60)
        raise WeightsError("this machine seems to be offline")

    monkeypatch.setattr("annotator.dialogs.weights.download", offline)
    chosen: list[str] = []
    dialog = WeightsDialog(session.jobs, "")
    dialog.chosen.connect(chosen.append)
    qtbot.addWidget(dialog)
    dialog.official.setChecked(True)
    dialog.choose()
    fields = (dialog.bundled, dialog.file, dialog.path, dialog.official, dialog.names, dialog.use)
    assert not any(field.isEnabled() for field in fields)
    tried.set()
    qtbot.waitUntil(lambda: "offline" in dialog.problem.text(), timeout=10000)
    assert all(field.isEnabled() for field in fields) and not chosen


def test_a_download_ends_with_its_dialog_and_changes_nothing(
    session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, going = Event(), Event()

    def slow(entry: object, progress: Callable[[int, int], None]) -> None:
        begun.set()
        going.wait(60)
        progress(1, 2)

    monkeypatch.setattr("annotator.dialogs.weights.download", slow)
    chosen: list[str] = []
    dialog = WeightsDialog(session.jobs, "")
    dialog.chosen.connect(chosen.append)
    qtbot.addWidget(dialog)
    dialog.official.setChecked(True)
    dialog.choose()
    assert begun.wait(60)
    accepted: list[bool] = []
    dialog.accepted.connect(lambda: accepted.append(True))
    dialog.reject()
    going.set()
    assert session.jobs.finish()
    QApplication.processEvents()
    assert not accepted and not chosen


def test_about_names_the_version_and_details_show_and_copy_the_whole_text(qtbot: QtBot) -> None:
    about, details = AboutDialog(), DetailsDialog("what\n\nwhy")
    for dialog in (about, details):
        qtbot.addWidget(dialog)
        dialog.show()
    assert says(about, program_version())
    assert details.findChild(QPlainTextEdit).toPlainText() == "what\n\nwhy"
    copy = next(button for button in details.findChildren(QPushButton) if button.text() == "Copy")
    qtbot.mouseClick(copy, Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == "what\n\nwhy"


def test_return_adds_a_class_and_leaves_the_dialog_open(opened: Session, qtbot: QtBot) -> None:
    dialog = ClassesDialog(opened)
    qtbot.addWidget(dialog)
    dialog.open()
    before = len(opened.classes)
    qtbot.keyClicks(dialog.field, "zebra")
    with qtbot.waitSignal(dialog.added):
        for _ in range(2):  # a key that bounces adds once
            qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert len(opened.classes) == before + 1 and dialog.isVisible()
    assert dialog.field.text() == "" and "Added" in dialog.problem.text()


def test_a_name_much_like_a_class_is_warned_of_and_added_only_when_asked_again(
    opened: Session, qtbot: QtBot
) -> None:
    dialog = ClassesDialog(opened)
    qtbot.addWidget(dialog)
    dialog.open()
    before = len(opened.classes)
    qtbot.keyClicks(dialog.field, "Cat")
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert "“cat” is already a class" in dialog.problem.text() and len(opened.classes) == before
    with qtbot.waitSignal(dialog.added):
        qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert len(opened.classes) == before + 1


def test_all_keys_are_written_as_a_page_to_print(
    active: Window, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", shown.append)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "keys"), ""))
    active.actions_table.set_key("brush", "K")
    html = key_sheet(active.actions_table)
    assert ">K</td><td>Brush</td>" in html and "H (hold)" in html
    qtbot.keyClick(active.canvas, Qt.Key.Key_F1)
    (dialog,) = active.findChildren(KeysDialog)
    button = next(each for each in dialog.findChildren(QPushButton) if each.text() == "As a page…")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(shown), timeout=20_000)
    assert (tmp_path / "keys.pdf").read_bytes().startswith(b"%PDF")
    assert shown == [QUrl.fromLocalFile(str(tmp_path / "keys.pdf"))]
    dialog.reject()


def test_the_key_for_saving_says_that_all_is_saved(active: Window, qtbot: QtBot) -> None:
    qtbot.keyClick(active.canvas, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert says(active, "Everything is on disk")
    assert str(active.session.project.file) in active.status.saved.toolTip()
