"""Photos that come to the folder of the open project, and a project that is asked for twice."""

from pathlib import Path

from desk import press, wait_settled
from PIL import Image
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from annotator.session import Session
from annotator.shell.window import Window
from trainer.data.project import Project, Status


def test_new_photos_are_taken_in_and_counted(active: Window, sample: Path, qtbot: QtBot) -> None:
    session, before = active.session, active.session.image_id
    Image.new("RGB", (40, 30)).save(sample / "beach.png")
    (sample / "rocket.jpg").unlink()
    with qtbot.waitSignal(session.records_changed, timeout=10000):
        press(active, Qt.Key.Key_F5, qtbot)
    assert "New photos: 1. No longer in the folder: 1." in active.messages.texts
    assert session.records["beach"].status is Status.NEW
    assert active.images.model.ids == ["astronaut", "beach", "camera", *active.images.model.ids[3:]]
    assert "rocket" in session.records and session.image_id == before


def test_a_list_that_comes_later_tags_the_open_photo_which_is_proposed_anew(
    session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (40, 30)).save(tmp_path / "photos" / "beach.png")
    session.open_project(tmp_path / "photos")
    wait_settled(session, qtbot)
    assert not session.record.tagged and session.cam_classes == ()
    (tmp_path / "photos" / "tags.csv").write_text("image,tags\nbeach,person\n")
    with qtbot.waitSignal(session.message, timeout=10000) as told:
        session.photos.look()
    assert told.args[1].endswith("Newly tagged from the lists in the folder: 1.")
    assert session.record.tags == ("person",)
    wait_settled(session, qtbot)
    assert session.cam_classes == (session.classes.id_of("person"),)


def test_there_may_be_none(opened: Session, qtbot: QtBot) -> None:
    with qtbot.waitSignal(opened.message, timeout=10000) as told:
        opened.photos.look()
    assert told.args == ["info", "There are no new photos."]


def test_opening_tells_of_new_photos_and_of_files_that_are_none(
    session: Session, sample: Path, qtbot: QtBot
) -> None:
    Project.open_folder(sample).close()
    Image.new("RGB", (40, 30)).save(sample / "beach.png")
    (sample / "bad.png").write_text("no photo")
    told: list[tuple[str, str]] = []
    session.message.connect(lambda kind, text: told.append((kind, text)))
    session.open_project(sample)
    wait_settled(session, qtbot)
    assert told[0] == ("info", "New photos: 1. No longer in the folder: 0.")
    assert told[1][0] == "warning" and "bad.png" in told[1][1]
    assert "beach" in session.records


def test_the_open_project_asked_for_again_stays_open(opened: Session, sample: Path, qtbot: QtBot) -> None:
    project, opened_again = opened.project, []
    opened.project_opened.connect(lambda: opened_again.append(True))
    for path in (sample, project.file):
        with qtbot.waitSignal(opened.message, timeout=10000) as told:
            opened.open_project(path)
        assert told.args[0] == "info"
    assert opened.project is project and not opened_again


def test_a_project_that_another_window_has_is_refused_with_a_sentence(
    session: Session, sample: Path, qtbot: QtBot
) -> None:
    other = Project.open_folder(sample)
    with qtbot.waitSignal(session.message, timeout=10000) as told:
        session.open_project(sample)
    assert told.args[0] == "error" and "is open in another window; close it there first" in told.args[1]
    assert session.project is None
    other.close()
