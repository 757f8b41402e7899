"""Projects and images: opened, gone along, and named where they cannot be read."""

from pathlib import Path

from desk import go_to, stroke, wait_settled
from PIL import Image
from pytestqt.qtbot import QtBot

from annotator.session import Session
from trainer.data.project import Status


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
