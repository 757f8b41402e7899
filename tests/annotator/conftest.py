"""Fixtures of the desk: isolated settings, a project of small photos, a session, the whole window."""

import gc
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import SIDE, go_to, small_engine, wait_settled
from PIL import Image
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from annotator.session import Session
from annotator.settings import DeskSettings
from annotator.shell.window import Window
from annotator.theme import Theme
from trainer.data.sample import build_sample

# Drawn into memory, the same everywhere; QT_QPA_PLATFORM=xcb shows the tests on the screen.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path) -> None:
    """Keep the desk's memory inside the test."""
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))


@pytest.fixture(autouse=True)
def _garbage_is_collected_here() -> Iterator[None]:
    """Collect in this thread alone, as the desk does: widgets die with it in others."""
    gc.disable()
    yield
    gc.collect(1)


@pytest.fixture(scope="module", autouse=True)
def _garbage_is_collected_at_all() -> Iterator[None]:
    """Collect the older garbage of a module's tests."""
    yield
    gc.collect()
    gc.enable()


@pytest.fixture(autouse=True)
def _no_threads_left() -> Iterator[None]:
    """Fail a test that leaves a thread of Python's behind."""
    before = set(threading.enumerate())
    yield
    left = [
        thread
        for thread in threading.enumerate()
        # Pool threads of Qt appear in this list as dummies when they ran Python, and end when they please.
        if thread not in before and thread.is_alive() and not isinstance(thread, threading._DummyThread)
    ]
    assert not left, f"threads left behind: {left}"


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """The sample photos, reduced, in a folder of their own."""
    folder = tmp_path / "sample"
    folder.mkdir()
    build_sample(folder)
    for file in folder.iterdir():
        if file.suffix in (".png", ".jpg"):
            with Image.open(file) as image:
                image.thumbnail((SIDE, SIDE))
                image.copy().save(file)
    return folder


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    """A session with nothing open; closed at the end, and in time."""
    session = Session(small_engine)
    yield session
    assert session.close()


@pytest.fixture
def opened(session: Session, sample: Path, qtbot: QtBot) -> Session:
    """The sample open, its first image proposed."""
    session.open_project(sample)
    wait_settled(session, qtbot)
    return session


@pytest.fixture
def cat(opened: Session, qtbot: QtBot) -> Session:
    """The photo of the cat open."""
    go_to(opened, "chelsea", qtbot)
    return opened


@pytest.fixture
def window(sample: Path, qtbot: QtBot) -> Iterator[Window]:
    """The whole window on the sample, its first image proposed."""
    window = Window(Session(small_engine), DeskSettings(), Theme("dark"))
    qtbot.addWidget(window)
    window.show()
    window.project_actions.open_path(sample)
    wait_settled(window.session, qtbot)
    yield window
    window.close()


@pytest.fixture
def active(window: Window, qtbot: QtBot) -> Window:
    """The window with the keyboard's attention."""
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    window.canvas.setFocus()
    return window
