"""The project in one file, from the menu."""

from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from annotator.session import Session
from annotator.shell.window import Window
from trainer.data.backup import restore
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
