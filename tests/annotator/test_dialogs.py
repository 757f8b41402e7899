"""The dialogs: export that reads back, keys that do not collide, classes, weights."""

from pathlib import Path

import numpy as np
import pytest
from desk import wait_settled
from PIL import Image
from PySide6.QtGui import QKeySequence
from pytestqt.qtbot import QtBot

from annotator.actions import ACTIONS, Actions
from annotator.dialogs.about import AboutDialog
from annotator.dialogs.classes import ClassesDialog
from annotator.dialogs.details import DetailsDialog
from annotator.dialogs.export import ExportDialog
from annotator.dialogs.keys import KeysDialog
from annotator.dialogs.weights import WeightsDialog
from annotator.session import Session
from annotator.settings import DeskSettings
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


def test_a_class_is_added_and_a_taken_name_is_refused(opened: Session, qtbot: QtBot) -> None:
    dialog = ClassesDialog(opened, "zebra")
    qtbot.addWidget(dialog)
    before = len(opened.classes)
    with qtbot.waitSignal(dialog.added):
        dialog.button.click()
    assert opened.classes.id_of("zebra") == before + 1 == dialog.list.count()
    dialog.field.setText("cat")
    dialog.button.click()
    assert "cat" in dialog.problem.text() and len(opened.classes) == before + 1


def test_a_weights_file_is_chosen_and_a_missing_one_named(
    session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    settings = DeskSettings()
    dialog = WeightsDialog(session.jobs, settings)
    qtbot.addWidget(dialog)
    dialog.file.setChecked(True)
    dialog.path.setText(str(tmp_path / "none.pth"))
    dialog.choose()
    assert "none.pth" in dialog.problem.text() and settings.weights == ""
    (tmp_path / "some.pth").write_bytes(b"x")
    dialog.path.setText(str(tmp_path / "some.pth"))
    with qtbot.waitSignal(dialog.accepted):
        dialog.choose()
    assert settings.weights == str(tmp_path / "some.pth")


def test_a_failed_download_is_told_and_can_be_tried_again(
    session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise WeightsError("this machine seems to be offline")

    monkeypatch.setattr("annotator.dialogs.weights.download", offline)
    dialog = WeightsDialog(session.jobs, DeskSettings())
    qtbot.addWidget(dialog)
    dialog.official.setChecked(True)
    dialog.choose()
    qtbot.waitUntil(lambda: "offline" in dialog.problem.text(), timeout=10000)
    assert dialog.use.isEnabled() and DeskSettings().weights == ""


def test_about_and_details_open(qtbot: QtBot) -> None:
    for dialog in (AboutDialog(), DetailsDialog("what\n\nwhy")):
        qtbot.addWidget(dialog)
        dialog.show()
