"""A project on a medium that cannot be written, on the desk."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import go_to, says, small_engine, stroke, wait_settled
from pytestqt.qtbot import QtBot

from annotator.session import Session
from annotator.settings import DeskSettings
from annotator.shell.window import Window
from annotator.theme import Theme
from trainer.data.project import Project, Status


@pytest.fixture
def window(sample: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    """The window on a project with a stroke, which nothing can be written to."""
    session = Session(small_engine)
    session.open_project(sample)
    wait_settled(session, qtbot)
    go_to(session, "chelsea", qtbot)
    stroke(session, 1, (10, 10, 20, 20))
    assert session.close()
    access = os.access
    monkeypatch.setattr(
        os,
        "access",
        lambda path, mode, **more: (
            not (mode & os.W_OK and Path(path).is_relative_to(sample)) and access(path, mode, **more)
        ),
    )
    window = Window(Session(small_engine), DeskSettings(), Theme("dark"))
    qtbot.addWidget(window)
    window.show()
    window.project_actions.open_path(sample)
    wait_settled(window.session, qtbot)
    yield window
    window.close()


def test_it_opens_with_a_notice_and_is_never_called_saved(window: Window, qtbot: QtBot) -> None:
    (notice,) = [text for text in window.messages.texts if "cannot be written" in text]
    assert "copy the folder of photos to another disk" in notice
    assert says(window.status, "Not saved: read-only")
    assert window.session.image_id == "chelsea" and (window.session.corrections != 255).sum() == 100
    stroke(window.session, 1, (30, 30, 40, 40))
    assert says(window.status, "Not saved: read-only")
    assert not [text for text in window.messages.texts if "wrong in the program" in text]


def test_closing_warns_of_what_is_lost_once(window: Window, sample: Path, qtbot: QtBot) -> None:
    assert window.session.project.read_only
    stroke(window.session, 1, (30, 30, 40, 40))
    assert not window.close()
    assert [text for text in window.messages.texts if "what you did is lost with it" in text]
    assert window.close()
    project = Project.open(sample)
    assert project.record("chelsea").status is Status.CORRECTED
    project.undo("chelsea")
    assert not project.can_undo("chelsea")  # the one from before alone
    project.close()


def test_it_closes_without_a_word_where_nothing_was_done(window: Window) -> None:
    assert window.close()


def test_another_project_is_opened_at_the_second_attempt(
    window: Window, tmp_path: Path, sample: Path, qtbot: QtBot
) -> None:
    session, other = window.session, tmp_path / "other"
    other.mkdir()
    (other / "cat.png").write_bytes((sample / "chelsea.png").read_bytes())
    stroke(session, 1, (30, 30, 40, 40))
    with qtbot.waitSignal(session.message, timeout=10000) as told:
        session.open_project(other)
    assert told.args[0] == "error" and "what you did is lost with it" in told.args[1]
    with qtbot.waitSignal(session.image_changed, timeout=10000):
        session.open_project(other)
    assert session.image_id == "cat" and says(window.status, "Saved")


def test_what_was_done_there_is_exported(window: Window, tmp_path: Path, qtbot: QtBot) -> None:
    session = window.session
    session.acceptance.accept()
    qtbot.waitUntil(lambda: session.records["chelsea"].status is Status.ACCEPTED, timeout=10000)
    window.project_actions.export()
    dialog = window.project_actions.export_dialog
    dialog.folder.setText(str(tmp_path / "out"))
    with qtbot.waitSignal(dialog.finished_export, timeout=20000):
        dialog.start.click()
    assert (tmp_path / "out/SegmentationClass/chelsea.png").is_file()
