"""Accepting: what is shown is frozen, stays so, and is on disk."""

import numpy as np
import pytest
from desk import go_to, stroke, wait_settled
from pytestqt.qtbot import QtBot

from annotator.session import Session
from trainer.data.project import Project, Status
from trainer.messages import SeedsChanged

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


def test_an_acceptance_is_on_disk_when_the_desk_is_closed_at_once(cat: Session) -> None:
    mask, file = cat.mask.copy(), cat.project.file
    cat.acceptance.accept()
    assert cat.close()
    reread = Project.open(file)
    np.testing.assert_array_equal(reread.accepted_mask("chelsea"), mask)
    reread.close()
