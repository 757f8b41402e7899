"""The session through what a labeler sees: strokes kept, masks that follow, nothing stale, nothing lost."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from desk import small_engine, stroke, wait_settled
from pytestqt.qtbot import QtBot

from annotator.session import Session, rect_of
from trainer.data.classes import BACKGROUND, EDIT_VOID, UNTOUCHED, VOID
from trainer.data.project import Project, Status, Target
from trainer.messages import Predicted, Promoted, SeedsChanged

CAT = 8
BOX = (20, 30, 40, 60)
WINDOW = np.s_[20:40, 30:60]


def go_to(session: Session, image_id: str, qtbot: QtBot) -> None:
    with qtbot.waitSignal(session.image_changed, timeout=10000):
        session.open_image(image_id)
    wait_settled(session, qtbot)


@pytest.fixture
def cat(opened: Session, qtbot: QtBot) -> Session:
    """The photo of the cat open."""
    go_to(opened, "chelsea", qtbot)
    return opened


def test_the_sample_opens_on_its_first_photo_with_a_proposal(opened: Session) -> None:
    assert opened.image_id == next(iter(opened.records))
    assert opened.mask is not None and opened.image is not None
    assert opened.mask.shape == opened.image.shape[:2]
    assert opened.record is not None and opened.record.status is Status.PROPOSED
    assert opened.cam_classes == tuple(opened.classes.id_of(tag) for tag in opened.record.tags)


def test_a_seed_stroke_is_a_hard_constraint_and_undo_restores_every_pixel(cat: Session, qtbot: QtBot) -> None:
    before = cat.mask.copy()
    stroke(cat, CAT, BOX)
    wait_settled(cat, qtbot)
    first = cat.mask.copy()
    assert (first[WINDOW] == CAT).all()
    stroke(cat, BACKGROUND, (60, 60, 80, 80))
    wait_settled(cat, qtbot)
    assert (cat.mask[60:80, 60:80] == BACKGROUND).all()
    cat.undo()
    wait_settled(cat, qtbot)
    np.testing.assert_array_equal(cat.mask, first)
    cat.undo()
    wait_settled(cat, qtbot)
    np.testing.assert_array_equal(cat.mask, before)
    cat.redo()
    wait_settled(cat, qtbot)
    np.testing.assert_array_equal(cat.mask, first)


def test_a_stroke_is_in_the_journal_when_the_desk_says_saved(cat: Session) -> None:
    stroke(cat, CAT, BOX)
    assert cat.saved
    reread = Project.open(cat.project.file)
    assert (reread.layer("chelsea", Target.SEEDS, cat.mask.shape)[WINDOW] == CAT).all()
    reread.close()


def test_undo_goes_on_after_a_restart(cat: Session, sample: Path, qtbot: QtBot) -> None:
    stroke(cat, CAT, BOX)
    wait_settled(cat, qtbot)
    cat.close()
    again = Session(small_engine)
    again.open_project(sample)
    wait_settled(again, qtbot)
    assert again.image_id == "chelsea"
    assert (again.corrections[WINDOW] == CAT).all()
    again.undo()
    assert (again.corrections == UNTOUCHED).all()
    again.redo()
    assert (again.corrections[WINDOW] == CAT).all()
    assert again.close()


def test_mask_edits_win_over_the_proposal_and_can_be_undecided(cat: Session, qtbot: QtBot) -> None:
    cat.target = Target.MASK
    stroke(cat, EDIT_VOID, BOX)
    assert (cat.mask[WINDOW] == VOID).all()
    cat.target = Target.SEEDS
    stroke(cat, CAT, BOX)
    wait_settled(cat, qtbot)
    assert (cat.mask[WINDOW] == VOID).all()
    cat.undo()
    cat.undo()
    assert not (cat.mask[WINDOW] == VOID).any()


def test_a_stroke_that_changes_nothing_leaves_no_trace(cat: Session) -> None:
    stroke(cat, UNTOUCHED, BOX)
    assert not cat.project.can_undo("chelsea")


def test_a_preview_shows_and_a_cancelled_one_is_gone(cat: Session, qtbot: QtBot) -> None:
    before = cat.mask.copy()
    cat.preview_stroke(rect_of(BOX), np.full((20, 30), CAT, np.uint8))
    assert (cat.seeds[WINDOW] == CAT).all()
    qtbot.waitUntil(lambda: bool((cat.mask[WINDOW] == CAT).all()), timeout=10000)
    assert (cat.corrections == UNTOUCHED).all()
    cat.cancel_stroke()
    wait_settled(cat, qtbot)
    np.testing.assert_array_equal(cat.mask, before)
    assert not cat.project.can_undo("chelsea")


def test_accept_freezes_what_is_shown_and_opens_the_next(cat: Session, qtbot: QtBot) -> None:
    stroke(cat, CAT, BOX)
    following = cat.order[cat.order.index("chelsea") + 1]
    with qtbot.waitSignal(cat.image_changed, timeout=10000):
        cat.accept_and_next()  # waits for the mask that still follows the stroke
    assert cat.image_id == following
    qtbot.waitUntil(lambda: cat.records["chelsea"].status is Status.ACCEPTED, timeout=10000)
    assert (cat.project.accepted_mask("chelsea")[WINDOW] == CAT).all()


def test_the_trainer_hears_of_an_accepted_mask(
    cat: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[object] = []
    monkeypatch.setattr(cat.predictor, "post", heard.append)
    cat.accept_and_next()
    qtbot.waitUntil(
        lambda: any(isinstance(c, SeedsChanged) and c.image == "chelsea" for c in heard), timeout=10000
    )


def test_an_accepted_mask_stays_until_it_is_painted_on(cat: Session, qtbot: QtBot) -> None:
    cat.accept_and_next()
    qtbot.waitUntil(lambda: cat.records["chelsea"].status is Status.ACCEPTED, timeout=10000)
    wait_settled(cat, qtbot)
    go_to(cat, "chelsea", qtbot)
    frozen = cat.project.accepted_mask("chelsea")
    cat.predictor.model_changed.emit(7)
    cat.set_settings(alpha=9.0)
    wait_settled(cat, qtbot)
    np.testing.assert_array_equal(cat.mask, frozen)
    with qtbot.waitSignal(cat.message):
        stroke(cat, CAT, BOX)
    assert cat.record.status is Status.CORRECTED
    wait_settled(cat, qtbot)
    assert (cat.mask[WINDOW] == CAT).all()


def test_tags_change_the_proposal(cat: Session, qtbot: QtBot) -> None:
    cat.set_tags(("cat", "person"))
    wait_settled(cat, qtbot)
    qtbot.waitUntil(lambda: set(cat.cam_classes) == {CAT, 15}, timeout=10000)
    cat.set_tags(())
    qtbot.waitUntil(lambda: cat.cam_classes == () and not cat.busy, timeout=10000)
    assert (cat.mask == BACKGROUND).all()


def test_a_new_class_can_be_tagged_and_painted_at_once(cat: Session, qtbot: QtBot) -> None:
    whisker = cat.add_class("whisker")
    cat.set_tags(("cat", "whisker"))
    qtbot.waitUntil(lambda: whisker in cat.cam_classes and not cat.busy, timeout=10000)
    stroke(cat, whisker, BOX)
    wait_settled(cat, qtbot)
    assert (cat.mask[WINDOW] == whisker).all()


def test_moving_the_seed_parameters_moves_the_seeds(cat: Session, qtbot: QtBot) -> None:
    before = cat.seeds.copy()
    with qtbot.waitSignal(cat.layer_changed, timeout=10000, check_params_cb=lambda name, _: name == "seeds"):
        cat.set_seed_parameters(0.2, 30.0, 0.9, final=False)
    assert (cat.seeds != before).any()
    assert cat.settings.threshold != 0.9
    cat.set_seed_parameters(0.5, 4.0, 0.3)
    assert cat.project.setting("method")["threshold"] == 0.3


def test_a_stroke_the_disk_refuses_is_kept_and_saved_later(
    cat: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Project, "record_edit", full)
        with qtbot.waitSignal(cat.message) as told:
            stroke(cat, CAT, BOX)
        assert told.args[0] == "error" and "disk is full" in told.args[1]
        assert not cat.saved and (cat.seeds[WINDOW] == CAT).all()
        cat.go(1)
        assert cat.image_id == "chelsea"
    with qtbot.waitSignal(cat.saved_changed, timeout=5000):
        cat.go(1)
    assert (cat.project.layer("chelsea", Target.SEEDS, cat.mask.shape)[WINDOW] == CAT).any()


def test_an_image_that_cannot_be_read_is_named_and_the_rest_goes_on(
    opened: Session, sample: Path, qtbot: QtBot
) -> None:
    (sample / "rocket.jpg").write_bytes(b"no picture")
    opened._loader.clear()
    with qtbot.waitSignal(opened.message, timeout=10000) as told:
        opened.open_image("rocket")
    assert "rocket" in told.args[1]
    go_to(opened, "coffee", qtbot)


def test_only_the_last_image_asked_for_is_shown(opened: Session, qtbot: QtBot) -> None:
    shown: list[str] = []
    opened.image_changed.connect(shown.append)
    for image_id in ("rocket", "coffee", "chelsea"):
        opened.open_image(image_id)
    qtbot.waitUntil(lambda: opened.image_id == "chelsea", timeout=10000)
    wait_settled(opened, qtbot)
    assert opened.image_id == "chelsea" and shown[-1] == "chelsea"


def test_a_damaged_project_is_named(session: Session, tmp_path: Path, qtbot: QtBot) -> None:
    file = tmp_path / "project.sqlite"
    file.write_bytes(b"not a database" * 100)
    with qtbot.waitSignal(session.message, timeout=10000) as told:
        session.open_project(file)
    assert told.args[0] == "error" and str(file) in told.args[1]


def test_an_acceptance_is_on_disk_when_the_desk_is_closed_at_once(cat: Session) -> None:
    mask, file = cat.mask.copy(), cat.project.file
    cat.accept_and_next()
    assert cat.close()
    reread = Project.open(file)
    np.testing.assert_array_equal(reread.accepted_mask("chelsea"), mask)
    reread.close()


def test_a_better_model_is_announced_and_the_open_proposal_follows(cat: Session, qtbot: QtBot) -> None:
    told: list[tuple[str, str]] = []
    cat.message.connect(lambda *message: told.append(message))
    with qtbot.waitSignal(cat.proposal_changed, timeout=10000):
        cat.predictor._hear(Promoted(3, 0.9))
        cat.predictor._version = 0  # the worker itself has not moved
    assert told == [("info", "Model 3 is in use now; proposals follow it.")]
    wait_settled(cat, qtbot)


def test_a_proposal_of_an_older_model_is_dropped(cat: Session) -> None:
    shown, old = cat.proposal, object()
    cat.predictor._hear(Predicted("chelsea", 0, 99, old))
    assert cat.proposal is shown and cat.predictor.known("chelsea") is not old
