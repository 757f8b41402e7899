"""Accepting: what is shown is frozen, stays so, and is on disk."""

from pathlib import Path
from threading import Event

import numpy as np
import pytest
from desk import go_to, small_engine, stroke, wait_settled
from pytestqt.qtbot import QtBot

from annotator.session import Session
from annotator.session.document import Stroke
from annotator.session.engine_loading import Loaded
from trainer.data.classes import VOID
from trainer.data.journal import PAINTED
from trainer.data.project import Project, Status, Target
from trainer.errors import DataError
from trainer.worker.messages import SeedsChanged

CAT = 8
BOX = (20, 30, 40, 60)
WINDOW = np.s_[20:40, 30:60]


def test_accept_freezes_what_is_shown_and_opens_the_next(cat: Session, qtbot: QtBot) -> None:
    stroke(cat, CAT, BOX)
    following = cat.order[cat.order.index("chelsea") + 1]
    with qtbot.waitSignal(cat.image_changed, timeout=10000):
        cat.acceptance.accept()  # waits for the mask that still follows the stroke
    assert cat.image_id == following
    qtbot.waitUntil(lambda: cat.records["chelsea"].status is Status.ACCEPTED, timeout=10000)
    assert (cat.project.accepted_mask("chelsea")[WINDOW] == CAT).all()


def test_a_photo_that_nobody_has_tagged_is_not_accepted_as_background(
    session: Session, sample: Path, qtbot: QtBot
) -> None:
    (sample / "tags.csv").unlink()
    (sample / "classes.txt").write_text("cat\nperson\n")
    session.open_project(sample)
    wait_settled(session, qtbot)
    with qtbot.waitSignal(session.message) as told:
        session.acceptance.accept()
    assert told.args[0] == "error" and "tag it first" in told.args[1]
    assert session.record.status is Status.NEW
    session.tagging.set_tags(())  # nothing of the list
    wait_settled(session, qtbot)
    with qtbot.waitSignal(session.image_changed, timeout=10000):
        session.acceptance.accept()


@pytest.mark.parametrize("what", ["paints", "undoes"])
def test_who_goes_on_while_accept_still_waits_is_not_taken_to_the_next_image(
    cat: Session, what: str, qtbot: QtBot
) -> None:
    stroke(cat, CAT, BOX)
    cat.acceptance.accept()
    with qtbot.waitSignal(cat.proposals.refined, timeout=10000):
        if what == "paints":
            cover = np.zeros(cat.mask.shape, bool)
            cover[60:80, 60:80] = True
            cat.strokes.preview(Stroke(Target.SEEDS, cover, CAT), (60, 60, 80, 80))
        else:
            cat.strokes.undo()
            cat.save()
    assert cat.save() and cat.records["chelsea"].status is not Status.ACCEPTED
    wait_settled(cat, qtbot)
    assert cat.image_id == "chelsea"


def test_the_trainer_hears_of_an_accepted_mask(
    cat: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[object] = []
    monkeypatch.setattr(cat.predictor, "post", heard.append)
    cat.acceptance.accept()
    qtbot.waitUntil(
        lambda: any(isinstance(c, SeedsChanged) and c.image == "chelsea" for c in heard), timeout=10000
    )


def test_an_accepted_mask_stays_until_it_is_painted_on(cat: Session, qtbot: QtBot) -> None:
    cat.acceptance.accept()
    qtbot.waitUntil(lambda: cat.records["chelsea"].status is Status.ACCEPTED, timeout=10000)
    wait_settled(cat, qtbot)
    go_to(cat, "chelsea", qtbot)
    frozen = cat.project.accepted_mask("chelsea")
    cat.predictor.model_changed.emit(7)
    cat.parameters.change(alpha=9.0)
    wait_settled(cat, qtbot)
    np.testing.assert_array_equal(cat.mask, frozen)
    with qtbot.waitSignal(cat.message):
        stroke(cat, CAT, BOX)
    assert cat.record.status is Status.CORRECTED
    wait_settled(cat, qtbot)
    assert (cat.mask[WINDOW] == CAT).all()


def accept_and_return(session: Session, qtbot: QtBot) -> np.ndarray:
    """Accept the cat and open it once more; the mask that is frozen."""
    session.acceptance.accept()
    qtbot.waitUntil(lambda: session.records["chelsea"].status is Status.ACCEPTED, timeout=10000)
    wait_settled(session, qtbot)
    go_to(session, "chelsea", qtbot)
    return session.project.accepted_mask("chelsea")


@pytest.mark.parametrize("target", PAINTED)
def test_undo_of_a_stray_stroke_brings_the_acceptance_back_pixel_for_pixel(
    cat: Session, target: Target, qtbot: QtBot
) -> None:
    stroke(cat, CAT, BOX)
    frozen = accept_and_return(cat, qtbot)
    cat.parameters.change(mode="mean")  # what is proposed now is another mask
    cat.target = target
    stroke(cat, 0, (5, 5, 9, 9))
    wait_settled(cat, qtbot)
    assert cat.record.status is Status.CORRECTED and (cat.mask != frozen)[20:].any()
    cat.strokes.undo()
    cat.save()
    wait_settled(cat, qtbot)
    assert cat.record.status is Status.ACCEPTED
    np.testing.assert_array_equal(cat.mask, frozen)
    np.testing.assert_array_equal(cat.project.accepted_mask("chelsea"), frozen)
    cat.strokes.undo()
    cat.save()
    wait_settled(cat, qtbot)
    assert cat.record.status is Status.PROPOSED and (cat.mask == cat.proposal.mask).all()
    cat.strokes.redo()
    cat.save()
    wait_settled(cat, qtbot)
    np.testing.assert_array_equal(cat.mask, frozen)


def test_undo_of_a_hand_edit_that_was_accepted_takes_it_out_of_the_mask(cat: Session, qtbot: QtBot) -> None:
    proposed = cat.mask.copy()
    cat.target = Target.MASK
    stroke(cat, 15, BOX)
    assert (accept_and_return(cat, qtbot)[WINDOW] == 15).all()
    cat.strokes.undo()
    cat.save()
    wait_settled(cat, qtbot)
    np.testing.assert_array_equal(cat.mask, proposed)


def test_a_stray_stroke_is_undone_after_a_restart_too(cat: Session, sample: Path, qtbot: QtBot) -> None:
    frozen = accept_and_return(cat, qtbot)
    stroke(cat, 0, (5, 5, 9, 9))
    wait_settled(cat, qtbot)
    cat.close()
    again = Session(small_engine)
    again.open_project(sample)
    wait_settled(again, qtbot)
    again.strokes.undo()
    again.save()
    wait_settled(again, qtbot)
    assert again.record.status is Status.ACCEPTED
    np.testing.assert_array_equal(again.mask, frozen)
    assert again.close()


def test_accepting_while_the_models_load_waits_for_the_proposal(sample: Path, qtbot: QtBot) -> None:
    may_load = Event()

    def slowly(project: Project) -> Loaded:
        may_load.wait(60)
        return small_engine(project)

    session = Session(slowly)
    with qtbot.waitSignal(session.image_changed, timeout=10000):
        session.open_project(sample)
    first = session.image_id
    session.acceptance.accept()
    assert session.image_id == first and session.waits_for("engine")
    may_load.set()
    qtbot.waitUntil(lambda: session.records[first].status is Status.ACCEPTED, timeout=20000)
    assert not (session.project.accepted_mask(first) == VOID).any()
    assert session.close()


def test_without_models_only_what_is_painted_can_be_accepted(sample: Path, qtbot: QtBot) -> None:
    def missing(project: Project) -> Loaded:
        raise DataError("the weights are gone")

    session = Session(missing)
    told: list[str] = []
    session.message.connect(lambda level, text: told.append(text))
    session.open_project(sample)
    qtbot.waitUntil(lambda: bool(session.image_id) and told == ["the weights are gone"], timeout=10000)
    first = session.image_id
    session.acceptance.accept()
    assert "no mask to accept" in told[-1]
    assert session.image_id == first and session.record.status is Status.NEW
    session.target = Target.MASK
    stroke(session, 15, BOX)
    session.acceptance.accept()
    qtbot.waitUntil(lambda: session.records[first].status is Status.ACCEPTED, timeout=10000)
    assert (session.project.accepted_mask(first)[WINDOW] == 15).all()
    assert session.close()


def test_an_image_that_could_not_be_proposed_is_not_accepted_undecided(
    opened: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DataError("no proposal today")

    monkeypatch.setattr(opened.engine, "propose", fail)
    last = opened.order[-1]
    with qtbot.waitSignal(opened.proposals.failed, timeout=10000):
        opened.open_image(last)
        qtbot.waitUntil(lambda: opened.image_id == last, timeout=10000)
    with qtbot.waitSignal(opened.message) as told:
        opened.acceptance.accept()
    assert "no mask to accept" in told.args[1]
    assert opened.project.record(last).status is Status.NEW


def test_what_is_painted_right_after_accepting_reaches_the_disk_after_it(cat: Session, qtbot: QtBot) -> None:
    may_write = Event()
    cat.writer.submit(lambda: may_write.wait(60))
    cat.acceptance.accept()
    cat.strokes.commit(BOX, np.full((20, 30), CAT, np.uint8), "brush")
    may_write.set()
    qtbot.waitUntil(lambda: cat.saved, timeout=10000)
    assert (cat.project.layer("chelsea", Target.SEEDS, cat.mask.shape)[WINDOW] == CAT).all()
    assert cat.project.record("chelsea").status is Status.CORRECTED
    wait_settled(cat, qtbot)
    assert cat.image_id == "chelsea" and (cat.mask[WINDOW] == CAT).all()
    cat.strokes.undo()
    cat.save()
    assert cat.project.record("chelsea").status is Status.ACCEPTED


def test_an_acceptance_the_disk_refuses_is_kept_and_written_later(
    cat: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Project, "accept", full)
        with qtbot.waitSignal(cat.message, timeout=10000) as told:
            cat.acceptance.accept()
        assert told.args[0] == "error" and "disk is full" in told.args[1] and "chelsea" in told.args[1]
        cat.go(1)
        assert cat.image_id == "chelsea" and not cat.saved
    with qtbot.waitSignal(cat.image_changed, timeout=10000):
        assert cat.save()
    assert cat.project.record("chelsea").status is Status.ACCEPTED


def test_an_acceptance_is_on_disk_when_the_desk_is_closed_at_once(cat: Session) -> None:
    mask, file = cat.mask.copy(), cat.project.file
    cat.acceptance.accept()
    assert cat.close()
    reread = Project.open(file)
    np.testing.assert_array_equal(reread.accepted_mask("chelsea"), mask)
    reread.close()
