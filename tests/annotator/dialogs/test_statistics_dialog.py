"""The figures of the project on the desk, and its report."""

from pathlib import Path

import pytest
from desk import texts, wait_settled
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from annotator.dialogs.statistics import StatisticsDialog
from annotator.shell.window import Window


def test_classes_and_work_are_shown_and_written_as_a_page(
    active: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = active.session
    with qtbot.waitSignal(session.acceptance.done, timeout=20_000):
        qtbot.keyClick(active.canvas, Qt.Key.Key_Return)
    wait_settled(session, qtbot)
    qtbot.keyClick(active.canvas, Qt.Key.Key_F4)
    (dialog,) = active.findChildren(StatisticsDialog)
    qtbot.waitUntil(lambda: "Strokes a photo" in texts(dialog), timeout=20_000)
    rows = [dialog.classes.topLevelItem(row) for row in range(dialog.classes.topLevelItemCount())]
    person = next(row for row in rows if row.text(0) == "person")
    assert (person.text(1), person.text(2)) == ("2", "1") and int(person.text(3)) >= 1
    shown = texts(dialog)
    assert shown[shown.index("Accepted") + 1] == "1" and shown[shown.index("Strokes a photo") + 1] == "0"

    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    with qtbot.waitSignal(session.message, timeout=20_000) as told:
        qtbot.mouseClick(dialog.write, Qt.MouseButton.LeftButton)
    page = tmp_path / "sample-report" / "report.html"
    assert str(page) in told.args[1] and opened == [QUrl.fromLocalFile(str(page))]
    assert "<td>person</td><td>2</td><td>1</td>" in page.read_text(encoding="utf-8")
    dialog.reject()


def test_a_dialog_that_is_closed_while_it_counts_says_nothing_more(active: Window, qtbot: QtBot) -> None:
    active.actions_table["statistics"].trigger()
    (dialog,) = active.findChildren(StatisticsDialog)
    dialog.reject()
    active.session.jobs.finish()
    qtbot.waitUntil(lambda: not active.findChildren(StatisticsDialog))
