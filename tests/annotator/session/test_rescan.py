"""Photos that come to the folder of the open project, and a project that is asked for twice."""

from pathlib import Path

import numpy as np
from desk import go_to, press, stroke, wait_settled
from PIL import Image
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from annotator.session import Session
from annotator.shell.window import Window
from trainer.data.images import image_size
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


def other_photo(file: Path, seed: int = 9) -> None:
    pixels = np.random.default_rng(seed).integers(0, 255, (60, 80, 3), np.uint8)
    Image.fromarray(pixels).save(file)


def test_the_photo_that_was_renamed_keeps_its_strokes_on_the_desk(
    cat: Session, sample: Path, qtbot: QtBot
) -> None:
    stroke(cat, 1, (10, 10, 20, 20))
    (sample / "chelsea.png").rename(sample / "my cat.PNG")
    with qtbot.waitSignal(cat.message, timeout=10000) as told:
        cat.photos.look()
    assert told.args == [
        "info",
        "New photos: 0. No longer in the folder: 0. Found again under another name: 1.",
    ]
    assert cat.record.path == sample / "my cat.PNG" and cat.record.status is Status.CORRECTED
    go_to(cat, cat.order[0], qtbot)
    go_to(cat, "chelsea", qtbot)
    assert (cat.corrections != 255).sum() == 100


def test_another_photo_under_the_name_is_noticed_when_it_is_opened_and_starts_fresh(
    cat: Session, sample: Path, qtbot: QtBot
) -> None:
    stroke(cat, 1, (10, 10, 20, 20))
    go_to(cat, "astronaut", qtbot)
    cat._loader.clear()
    former = (sample / "chelsea.png").read_bytes()
    other_photo(sample / "chelsea.png")
    told: list[str] = []
    cat.message.connect(lambda kind, text: told.append(text))
    with qtbot.waitSignal(cat.records_changed, timeout=10000):
        cat.open_image("chelsea")
    (sentence,) = [text for text in told if "another photo" in text]
    assert sentence.endswith("put that back under any name") and "chelsea.png" in sentence
    go_to(cat, "chelsea_png", qtbot)
    assert cat.image.shape == (60, 80, 3) and (cat.corrections == 255).all()
    (sample / "back.png").write_bytes(former)
    with qtbot.waitSignal(cat.records_changed, timeout=10000):
        cat.photos.look()
    go_to(cat, "chelsea", qtbot)
    assert (cat.corrections != 255).sum() == 100


def test_a_photo_that_nobody_worked_on_is_shown_as_it_is_now(
    opened: Session, sample: Path, qtbot: QtBot
) -> None:
    go_to(opened, "chelsea", qtbot)
    other_photo(sample / "chelsea.png")
    with qtbot.waitSignal(opened.image_changed, timeout=10000):
        opened.photos.look()
    wait_settled(opened, qtbot)
    assert opened.image_id == "chelsea" and opened.image.shape == (60, 80, 3)
    assert opened.proposal.mask.shape == opened.mask.shape == (60, 80)


def test_photos_are_read_in_the_background_so_that_they_are_known_again(
    opened: Session, sample: Path, qtbot: QtBot
) -> None:
    project = opened.project
    opened.photos.read_all()
    qtbot.waitUntil(lambda: project.unread_photos() == [], timeout=10000)
    stamp = (sample / "rocket.jpg").stat()
    content = bytearray((sample / "rocket.jpg").read_bytes())
    content[-20] ^= 1
    project.accept("rocket", np.zeros(image_size(sample / "rocket.jpg"), np.uint8))
    (sample / "rocket.jpg").write_bytes(content)
    assert stamp.st_size == len(content)
    with qtbot.waitSignal(opened.records_changed, timeout=10000):
        opened.photos.read_all()
    assert "rocket_jpg" in opened.records


def test_a_photo_that_changed_names_while_the_project_is_open_is_opened_where_it_is(
    cat: Session, sample: Path, qtbot: QtBot
) -> None:
    stroke(cat, 1, (10, 10, 20, 20))
    go_to(cat, "astronaut", qtbot)
    cat._loader.clear()
    (sample / "chelsea.png").rename(sample / "moved.png")
    other_photo(sample / "chelsea.png")
    with qtbot.waitSignal(cat.image_changed, timeout=10000):
        cat.open_image("chelsea")
    assert cat.image_id == "chelsea" and cat.record.path == sample / "moved.png"
    assert (cat.corrections != 255).sum() == 100
    wait_settled(cat, qtbot)
