"""Recent projects are known by a picture of theirs."""

from pathlib import Path

import numpy as np
from desk import wait_settled
from PIL import Image
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QPushButton, QStyle
from pytestqt.qtbot import QtBot

from annotator.session import Session
from annotator.session.cover import cover_of
from annotator.shell.welcome import EmptyDesk
from annotator.shell.window import Window
from annotator.theme import Theme


def test_a_project_that_was_opened_has_a_picture_in_the_lists(active: Window, qtbot: QtBot) -> None:
    session = active.session
    root = session.project.root
    qtbot.waitUntil(cover_of(root).is_file, timeout=20_000)
    with Image.open(cover_of(root)) as cover:
        first = np.asarray(cover.convert("RGB"), float)
    assert max(first.shape[:2]) == 144
    with Image.open(session.records[session.image_id].path) as photo:
        same = np.asarray(photo.convert("RGB").resize(first.shape[1::-1]), float)
    assert np.abs(first - same).mean() < 12
    active.menus.list_recent()
    (action,) = active.menus.recent.actions()
    menu = active.menus.recent
    side = menu.style().pixelMetric(QStyle.PixelMetric.PM_SmallIconSize, None, menu)
    assert side >= 32 and not action.icon().pixmap(QSize(side, side)).isNull()


def test_the_empty_desk_opens_what_was_opened_before(
    qapp: object, sample: Path, session: Session, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(session.image_changed, timeout=20_000):
        session.open_project(sample)
    wait_settled(session, qtbot)
    desk = EmptyDesk(Theme("dark"), [sample, sample.parent / "gone"])
    qtbot.addWidget(desk)
    links = {button.text().split("\n")[0]: button for button in desk.findChildren(QPushButton)}
    assert not links["sample"].icon().pixmap(QSize(40, 30)).isNull() and "gone" in links
    with qtbot.waitSignal(desk.recent_wanted) as wanted:
        qtbot.mouseClick(links["sample"], Qt.MouseButton.LeftButton)
    assert wanted.args == [sample]
