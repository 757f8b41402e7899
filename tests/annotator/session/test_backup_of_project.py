"""The project in one file, from the menu."""

from contextlib import closing
from pathlib import Path

import pytest
from desk import go_to, stroke
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from annotator.session import Session
from annotator.shell.window import Window
from trainer.data.backup import back_up, restore
from trainer.data.project import Project


@pytest.mark.parametrize("photos", [False, True])
def test_the_menu_writes_a_backup_that_can_be_restored(
    active: Window, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, photos: bool
) -> None:
    file = tmp_path / "kept.zip"

    def chosen(*args: object) -> tuple[str, str]:
        return str(file.with_suffix("")), str(args[3]).split(";;")[photos]

    monkeypatch.setattr(QFileDialog, "getSaveFileName", chosen)
    active.actions_table["back_up"].trigger()
    qtbot.waitUntil(lambda: any(str(file) in text for text in active.messages.texts), timeout=20000)
    restored = restore(file, tmp_path / "back")
    assert restored.photos == (len(active.session.records) if photos else 0)
    with closing(Project.open(restored.folder, reading=True)) as project:
        assert {record.id for record in project.images()} == set(active.session.records)


def test_a_backup_that_cannot_be_written_is_told(opened: Session, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "file").touch()
    told: list[str] = []
    opened.message.connect(lambda level, text: told.append(text))
    opened.backup.start(tmp_path / "file" / "kept.zip", False)
    qtbot.waitUntil(lambda: not opened.backup.running, timeout=20000)
    assert "kept.zip" in told[-1]


def test_the_menu_restores_a_backup_and_opens_it(
    active: Window, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = active.session
    go_to(session, "chelsea", qtbot)
    stroke(session, 1, (10, 10, 20, 20))
    back_up(session.project, tmp_path / "kept.zip", photos=True)
    folder = tmp_path / "back"
    folder.mkdir()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "kept.zip"), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    with qtbot.waitSignal(session.project_opened, timeout=20000):
        active.actions_table["restore"].trigger()
    go_to(session, "chelsea", qtbot)
    assert session.project.root == folder and (session.corrections != 255).sum() == 100


def test_what_is_no_backup_is_told_and_the_open_project_stays(
    opened: Session, sample: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "letter.zip").write_text("no archive")
    with qtbot.waitSignal(opened.message, timeout=10000) as told:
        opened.backup.restore(tmp_path / "letter.zip", tmp_path / "back")
    assert told.args[0] == "error" and "letter.zip" in told.args[1]
    assert opened.project.root == sample and not opened.backup.running and not opened.busy
