"""Strokes: masks that follow them, kept in the journal, taken back to the last pixel."""

import sqlite3
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from desk import small_engine, stroke, wait_settled
from pytestqt.qtbot import QtBot

from annotator.boxes import slices
from annotator.session import Session
from annotator.session.document import Stroke
from trainer.data.classes import BACKGROUND, EDIT_VOID, UNTOUCHED, VOID
from trainer.data.project import Project, Status, Target

CAT = 8
BOX = (20, 30, 40, 60)
WINDOW = np.s_[20:40, 30:60]


def test_a_seed_stroke_is_a_hard_constraint_and_undo_restores_every_pixel(cat: Session, qtbot: QtBot) -> None:
    before = cat.mask.copy()
    stroke(cat, CAT, BOX)
    wait_settled(cat, qtbot)
    first = cat.mask.copy()
    assert (first[WINDOW] == CAT).all()
    stroke(cat, BACKGROUND, (60, 60, 80, 80))
    wait_settled(cat, qtbot)
    assert (cat.mask[60:80, 60:80] == BACKGROUND).all()
    cat.strokes.undo()
    cat.save()
    wait_settled(cat, qtbot)
    np.testing.assert_array_equal(cat.mask, first)
    cat.strokes.undo()
    cat.save()
    wait_settled(cat, qtbot)
    np.testing.assert_array_equal(cat.mask, before)
    cat.strokes.redo()
    cat.save()
    wait_settled(cat, qtbot)
    np.testing.assert_array_equal(cat.mask, first)


def test_a_stroke_is_in_the_journal_when_the_desk_says_saved(cat: Session, qtbot: QtBot) -> None:
    told: list[bool] = []
    cat.saved_changed.connect(told.append)
    with qtbot.waitSignal(cat.saved_changed, timeout=10000, check_params_cb=lambda saved: saved):
        cat.strokes.commit(BOX, np.full((20, 30), CAT, np.uint8), "brush")
    assert told == [False, True] and cat.saved
    reread = Project.open(cat.project.file, reading=True)
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
    again.strokes.undo()
    again.save()
    assert (again.corrections == UNTOUCHED).all()
    again.strokes.redo()
    again.save()
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
    cat.strokes.undo()
    cat.save()
    cat.strokes.undo()
    cat.save()
    assert not (cat.mask[WINDOW] == VOID).any()


def test_a_stroke_that_changes_nothing_leaves_no_trace(cat: Session) -> None:
    stroke(cat, UNTOUCHED, BOX)
    assert not cat.project.can_undo("chelsea")


def test_a_preview_shows_and_a_cancelled_one_is_gone(cat: Session, qtbot: QtBot) -> None:
    before = cat.mask.copy()
    seeds = cat.seeds.copy()
    drawn = Stroke(Target.SEEDS, np.zeros(before.shape, bool), CAT)
    for part in (BOX, (60, 60, 80, 80)):  # it grows
        drawn.cover[slices(part)] = True
        cat.strokes.preview(drawn, part)
    for window in (WINDOW, np.s_[60:80, 60:80]):
        assert (cat.seeds[window] == CAT).all()
        qtbot.waitUntil(lambda window=window: bool((cat.mask[window] == CAT).all()), timeout=10000)
    assert (cat.corrections == UNTOUCHED).all()
    cat.strokes.cancel()
    wait_settled(cat, qtbot)
    np.testing.assert_array_equal(cat.seeds, seeds)
    np.testing.assert_array_equal(cat.mask, before)
    assert not cat.project.can_undo("chelsea")


def test_the_desk_goes_on_while_a_stroke_is_written(cat: Session, qtbot: QtBot) -> None:
    may_write = Event()
    cat.writer.submit(lambda: may_write.wait(60))
    for box in (BOX, (60, 60, 80, 80)):
        cat.strokes.commit(box, np.full((box[2] - box[0], box[3] - box[1]), CAT, np.uint8), "brush")
    assert not cat.project.can_undo("chelsea")
    qtbot.waitUntil(lambda: not cat.busy, timeout=20000)
    assert (cat.mask[WINDOW] == CAT).all() and (cat.mask[60:80, 60:80] == CAT).all()
    cat.strokes.undo()
    cat.save()
    cat.save()  # writes first what still waits
    assert cat.saved and (cat.corrections[60:80, 60:80] == UNTOUCHED).all()
    may_write.set()
    np.testing.assert_array_equal(cat.project.layer("chelsea", Target.SEEDS, cat.mask.shape), cat.corrections)


def test_a_stroke_the_disk_refuses_is_kept_and_saved_later(
    cat: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Project, "record_edit", full)
        with qtbot.waitSignal(cat.message) as told:
            stroke(cat, CAT, BOX)
        assert told.args[0] == "error" and "disk is full" in told.args[1] and "chelsea" in told.args[1]
        assert not cat.saved and (cat.seeds[WINDOW] == CAT).all()
        cat.go(1)
        assert cat.image_id == "chelsea"
    with qtbot.waitSignal(cat.saved_changed, timeout=5000):
        cat.go(1)
    assert (cat.project.layer("chelsea", Target.SEEDS, cat.mask.shape)[WINDOW] == CAT).any()


def test_a_stroke_and_its_undo_leave_a_new_photo_new(session: Session, sample: Path, qtbot: QtBot) -> None:
    (sample / "tags.csv").unlink()
    (sample / "classes.txt").write_text("cat\nperson\n")
    session.open_project(sample)
    wait_settled(session, qtbot)
    stroke(session, 1, BOX)
    wait_settled(session, qtbot)
    session.strokes.undo()
    wait_settled(session, qtbot)
    assert session.writer.finish()
    assert session.project.record(session.image_id).status is Status.NEW
    assert session.project.current_mask(session.image_id) is None


def test_a_stroke_begun_while_an_undo_is_written_lies_over_what_it_leaves(cat: Session, qtbot: QtBot) -> None:
    may_write = Event()
    stroke(cat, CAT, BOX)
    cat.writer.submit(lambda: may_write.wait(60))
    cat.strokes.undo()
    cat.strokes.commit((50, 60, 60, 70), np.full((10, 10), CAT, np.uint8), "brush")
    may_write.set()
    cat.save()
    assert (cat.corrections[WINDOW] == UNTOUCHED).all() and (cat.corrections[50:60, 60:70] == CAT).all()
    np.testing.assert_array_equal(cat.project.layer("chelsea", Target.SEEDS, cat.mask.shape), cat.corrections)
    wait_settled(cat, qtbot)
