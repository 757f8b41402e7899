"""Proposals: what is shown and accepted is made of the tags, settings and models of now."""

from collections.abc import Iterator
from threading import Event

import numpy as np
import pytest
from desk import Held, go_to, stroke, wait_settled
from pytestqt.qtbot import QtBot

from annotator.session import Session
from trainer.data.project import Status
from trainer.worker.messages import Priority

CAT, PERSON = 8, 15


def test_a_mask_of_the_former_tags_is_neither_shown_nor_accepted(
    cat: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(cat, monkeypatch)
    cat.proposals.ask()
    held.wait(qtbot)
    shown: list[tuple[int, ...]] = []
    cat.tagging.set_tags(("cat", "person"))
    cat.proposal_changed.connect(lambda: shown.append(cat.cam_classes))
    cat.acceptance.accept()
    held.let_go()
    qtbot.waitUntil(lambda: cat.records["chelsea"].status is Status.ACCEPTED, timeout=20000)
    assert shown[0] == (CAT, PERSON)
    proposal = cat.predictor.known("chelsea")
    assert proposal.classes == (CAT, PERSON)
    np.testing.assert_array_equal(cat.project.accepted_mask("chelsea"), proposal.mask)


def test_an_image_prefetched_before_the_parameters_changed_is_proposed_anew(
    cat: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    following = cat.order[cat.order.index("chelsea") + 1]
    qtbot.waitUntil(lambda: cat.predictor.known(following) is not None, timeout=20000)
    held = Held(cat, monkeypatch)
    cat.predictor.ask(following, Priority.NEXT)
    held.wait(qtbot)
    cat.parameters.change(mode="mean")
    held.let_go()
    wait_settled(cat, qtbot)
    go_to(cat, following, qtbot)
    assert cat.proposal.source == "mean"


def test_an_accepted_image_does_not_wait_for_an_answer_that_is_dropped(
    cat: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    cat.acceptance.accept()
    qtbot.waitUntil(lambda: cat.records["chelsea"].status is Status.ACCEPTED, timeout=20000)
    wait_settled(cat, qtbot)
    go_to(cat, "chelsea", qtbot)
    held = Held(cat, monkeypatch)
    cat.proposals.ask()
    held.wait(qtbot)
    cat.parameters.change(mode="mean")
    held.let_go()
    wait_settled(cat, qtbot)
    assert cat.proposal.source == "mean"


def test_a_rough_mask_follows_a_stroke_until_the_last_one_comes_and_only_that_is_kept(
    cat: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    final, shown, looked = cat.mask.copy(), [], Event()
    final[:4, :4] = 0
    rough = np.roll(final, 20, axis=0)

    def answers(corrections: np.ndarray, sketch: bool = True) -> Iterator[np.ndarray]:
        if sketch:
            yield rough
            looked.wait(20)
        yield final

    monkeypatch.setitem(cat.proposal.__dict__, "answers", answers)
    cat.layer_changed.connect(lambda layer, _: shown.append(cat.mask.copy()) if layer == "mask" else None)
    stroke(cat, 0, (0, 0, 4, 4))
    qtbot.waitUntil(lambda: any((mask == rough).all() for mask in shown), timeout=20000)
    assert cat.proposals.pending
    looked.set()
    wait_settled(cat, qtbot)
    assert (cat.mask == final).all()
    cat.writer.finish()
    assert (cat.project.proposal_mask("chelsea") == final).all()
