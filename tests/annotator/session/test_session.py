"""Projects and images: opened, gone along, and named where they cannot be read."""

from pathlib import Path
from threading import Event

import pytest
from desk import go_to, stroke, wait_settled
from PIL import Image
from pytestqt.qtbot import QtBot

from annotator.session import Session
from annotator.session.document import Document
from trainer.data.project import Project, Status
from trainer.errors import DataError


def test_the_sample_opens_on_its_first_photo_with_a_proposal(opened: Session) -> None:
    assert opened.image_id == next(iter(opened.records))
    assert opened.mask is not None and opened.image is not None
    assert opened.mask.shape == opened.image.shape[:2]
    assert opened.record is not None and opened.record.status is Status.PROPOSED
    assert opened.cam_classes == tuple(opened.classes.id_of(tag) for tag in opened.record.tags)


def test_only_the_last_image_asked_for_is_shown(opened: Session, qtbot: QtBot) -> None:
    shown: list[str] = []
    opened.image_changed.connect(shown.append)
    for image_id in ("rocket", "coffee", "chelsea"):
        opened.open_image(image_id)
    qtbot.waitUntil(lambda: opened.image_id == "chelsea", timeout=10000)
    wait_settled(opened, qtbot)
    assert opened.image_id == "chelsea" and shown[-1] == "chelsea"


def test_an_image_that_cannot_be_read_is_named_and_the_rest_goes_on(
    opened: Session, sample: Path, qtbot: QtBot
) -> None:
    (sample / "rocket.jpg").write_bytes(b"no picture")
    opened._loader.clear()
    with qtbot.waitSignal(opened.message, timeout=10000) as told:
        opened.open_image("rocket")
    assert "rocket" in told.args[1]
    go_to(opened, "coffee", qtbot)


def test_going_on_passes_a_photo_that_cannot_be_read(opened: Session, sample: Path, qtbot: QtBot) -> None:
    first, damaged, third = opened.order[:3]
    opened._loader.clear()
    opened.records[damaged].path.write_bytes(b"no picture")
    go_to(opened, first, qtbot)
    opened._loader.clear()
    with qtbot.waitSignal(opened.message, timeout=10000) as told:
        opened.go(1)
    assert damaged in told.args[1] and opened.image_id == first
    opened.set_order(opened.order)  # as the list does whenever a record changes
    with qtbot.waitSignal(opened.image_changed, timeout=10000) as shown:
        opened.go(1)
    assert shown.args == [third]
    wait_settled(opened, qtbot)


def test_a_full_disk_does_not_keep_an_image_from_being_shown(
    opened: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise DataError("the disk is full")

    monkeypatch.setattr(Project, "set_setting", full)
    go_to(opened, "coffee", qtbot)
    assert opened.image_id == "coffee"


def test_the_folder_asked_for_last_is_the_one_that_opens(
    session: Session, sample: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (40, 30)).save(other / "beach.png")
    told: list[str] = []
    session.message.connect(lambda kind, text: told.append(text))
    for folder in (sample, other, other):  # the last press was a double click
        session.open_project(folder)
    qtbot.waitUntil(lambda: session.image_id == "beach", timeout=10000)
    session.jobs.finish()
    wait_settled(session, qtbot)
    assert session.project is not None and session.project.root == other and not told
    Project.open_folder(sample).close()  # nothing holds it


def test_a_project_that_is_left_leaves_nothing_under_way_and_nothing_to_undo(
    opened: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "other.png")
    can_undo: list[bool] = []
    opened.undo_changed.connect(lambda undo, redo: can_undo.append(undo))
    stroke(opened, 0, (5, 5, 20, 20))
    assert can_undo[-1]
    opened.proposals.ask()
    proposing: list[bool] = []
    opened.project_opened.connect(lambda: proposing.append(opened.waits_for("propose")))
    opened.open_project(tmp_path)
    qtbot.waitUntil(lambda: proposing != [], timeout=10000)
    assert proposing == [False] and not can_undo[-1]
    qtbot.waitUntil(lambda: opened.image_id == "other", timeout=10000)
    wait_settled(opened, qtbot)


def test_a_damaged_project_is_named(session: Session, tmp_path: Path, qtbot: QtBot) -> None:
    file = tmp_path / "project.sqlite"
    file.write_bytes(b"not a database" * 100)
    with qtbot.waitSignal(session.message, timeout=10000) as told:
        session.open_project(file)
    assert told.args[0] == "error" and str(file) in told.args[1]


@pytest.mark.parametrize("undone", [False, True])
def test_a_stroke_on_the_open_photo_that_is_read_again_stays_to_be_seen(
    cat: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, undone: bool
) -> None:
    if undone:
        stroke(cat, 1, (30, 30, 40, 40))
    load, read, let_go = Document.load, Event(), Event()

    def slowly(project: Project, image_id: str) -> Document:
        document = load(project, image_id)  # without the stroke that follows
        read.set()
        let_go.wait(20)
        return document

    with monkeypatch.context() as patched:
        patched.setattr(Document, "load", slowly)
        cat.open_image("chelsea")
        assert read.wait(20)
    if undone:
        cat.strokes.undo()
        cat.save()
    else:
        stroke(cat, 1, (10, 10, 20, 20))
    with qtbot.waitSignal(cat.image_changed, timeout=10000):
        let_go.set()
    wait_settled(cat, qtbot)
    assert (cat.corrections != 255).sum() == (0 if undone else 100)


def test_a_photo_asked_for_again_is_read_with_the_stroke_made_meanwhile(
    cat: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, read, let_go = Document.load, Event(), Event()

    def slowly(project: Project, image_id: str) -> Document:
        document = load(project, image_id)
        read.set()
        let_go.wait(20)
        return document

    with monkeypatch.context() as patched:
        patched.setattr(Document, "load", slowly)
        cat.open_image("chelsea")
        assert read.wait(20)
    stroke(cat, 1, (10, 10, 20, 20))
    with qtbot.waitSignal(cat.image_changed, timeout=10000):
        cat.open_image("chelsea")
        let_go.set()
    wait_settled(cat, qtbot)
    assert (cat.corrections != 255).sum() == 100
