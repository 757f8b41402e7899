"""Folders, project files and photos dropped on the window."""

from pathlib import Path

import pytest
from desk import wait_settled
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from annotator.shell.window import Window


def drop(window: Window, *paths: Path | str) -> bool:
    """Drag something over the photo and let it go; whether it was taken."""
    data = QMimeData()
    data.setUrls([QUrl(path) if isinstance(path, str) else QUrl.fromLocalFile(str(path)) for path in paths])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    over: QWidget = window
    enter = QDragEnterEvent(QPoint(400, 300), copy, data, left, none)
    QApplication.sendEvent(over, enter)
    if enter.isAccepted():
        QApplication.sendEvent(over, QDropEvent(QPointF(400, 300), copy, data, left, none))
    return enter.isAccepted()


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A folder of two photos, with a dot in its name."""
    folder = tmp_path / "other.v2"
    folder.mkdir()
    for shade, name in ((40, "a"), (90, "b")):
        Image.new("RGB", (60, 40), (shade, shade, shade)).save(folder / f"{name}.png")
    return folder


def test_a_folder_is_opened(active: Window, other: Path, qtbot: QtBot) -> None:
    with qtbot.waitSignal(active.session.image_changed, timeout=20_000):
        assert drop(active, other)
    assert active.session.project.root == other and active.session.image_id == "a"
    wait_settled(active.session, qtbot)


def test_a_photo_is_opened_in_its_folder(active: Window, other: Path, qtbot: QtBot) -> None:
    session = active.session
    assert drop(active, other / "b.png")
    qtbot.waitUntil(lambda: session.image_id == "b", timeout=20_000)
    assert session.project.root == other
    wait_settled(session, qtbot)
    with qtbot.waitSignal(session.image_changed, timeout=20_000):
        assert drop(active, other / "a.png")  # of the open project
    assert session.image_id == "a"
    wait_settled(session, qtbot)


def test_a_project_file_is_opened_and_other_things_are_refused(
    active: Window, other: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    session = active.session
    file, root = session.project.file, session.project.root
    with qtbot.waitSignal(session.image_changed, timeout=20_000):
        drop(active, other)
    wait_settled(session, qtbot)
    (tmp_path / "notes.txt").write_text("no photo")
    assert not drop(active, tmp_path / "notes.txt")
    assert not drop(active, "https://example.org/photo.jpg")
    with qtbot.waitSignal(session.image_changed, timeout=20_000):
        assert drop(active, tmp_path / "notes.txt", file)
    assert session.project.root == root
    wait_settled(session, qtbot)
