"""Models that are exchanged behind a person's work: its masks stay, the other ones are offered."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from desk import go_to, stroke, wait_settled
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from annotator.session import Session
from annotator.shell.window import Window
from trainer.data.project import Status, Target
from trainer.engine import Proposal
from trainer.worker.messages import Promoted

CAT, PERSON = 8, 15
STRIP = 7
K = Qt.Key
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


class LocalStrokes:
    """Answers strokes by what they cover alone, so that a test knows which pixels they change."""

    def answers(
        self, embedding: object, automatic: np.ndarray, corrections: np.ndarray, sketch: bool
    ) -> Iterator[np.ndarray]:
        yield np.where(corrections == 255, automatic, corrections)


class Promotions:
    """Promotes models, each of which sees a wider strip of background at the left of every photo."""

    def __init__(self, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        self._session, self._version = session, 0
        propose = session.engine.propose

        def other(image: np.ndarray, tags: tuple[str, ...], fast: bool = False) -> Proposal:
            proposal = propose(image, tags, fast)
            mask = proposal.mask.copy()
            mask[:, : STRIP * self._version] = 0
            return replace(proposal, mask=mask, propagated=mask, stroke_model=LocalStrokes())

        monkeypatch.setattr(session.engine, "propose", other)

    def promote(self) -> None:
        """Have another model from now on."""
        self._version += 1
        self._session.engine.replace_models(version=self._version)
        self._session.predictor.hear(Promoted(self._version, 0.9, "affinity"))


Promote = Callable[[], None]


@pytest.fixture
def promote(window: Window, monkeypatch: pytest.MonkeyPatch) -> Promote:
    return Promotions(window.session, monkeypatch).promote


def masks(session: Session, *images: str) -> list[np.ndarray]:
    assert session.save()
    return [session.project.current_mask(image) for image in images]


def test_twenty_promotions_change_no_pixel_of_what_a_person_works_on_has_corrected_or_accepted(
    window: Window, promote: Promote, qtbot: QtBot
) -> None:
    session = window.session
    accepted, corrected, opened = session.order[:3]
    with qtbot.waitSignal(session.image_changed, timeout=10000):
        session.acceptance.accept()
    wait_settled(session, qtbot)
    stroke(session, PERSON, (40, 40, 60, 60))
    wait_settled(session, qtbot)
    go_to(session, opened, qtbot)
    before = masks(session, accepted, corrected)
    assert session.records[corrected].status is Status.CORRECTED
    for number in range(20):
        shown = session.mask.copy()
        promote()
        qtbot.waitUntil(lambda: session.offer.stands, timeout=20000)
        np.testing.assert_array_equal(session.mask, shown)
        if number % 4 == 0:
            box = (10 + number, 10, 14 + number, 30)
            stroke(session, PERSON, box)
            wait_settled(session, qtbot)
            assert (session.mask[box[0] : box[2], box[1] : box[3]] == PERSON).all()
    last = session.mask.copy()
    for image, mask in zip((accepted, corrected, opened), (*before, last), strict=True):
        go_to(session, image, qtbot)
        np.testing.assert_array_equal(session.mask, mask)
        np.testing.assert_array_equal(masks(session, image)[0], mask)


def test_a_stroke_on_a_photo_corrected_earlier_changes_it_where_the_stroke_does(
    window: Window, promote: Promote, qtbot: QtBot
) -> None:
    session = window.session
    first, second = session.order[:2]
    stroke(session, PERSON, (40, 40, 60, 60))
    wait_settled(session, qtbot)
    go_to(session, second, qtbot)
    promote()
    before = masks(session, first)[0]
    go_to(session, first, qtbot)
    session.strokes.undo()
    session.strokes.redo()
    wait_settled(session, qtbot)
    np.testing.assert_array_equal(session.mask, before)
    stroke(session, 0, (45, 45, 50, 50))
    wait_settled(session, qtbot)
    assert (session.mask[45:50, 45:50] == 0).all()
    assert (session.mask[:, :STRIP] == before[:, :STRIP]).all() and (before[:, :STRIP] != 0).any()


def test_an_untouched_photo_follows_the_models_when_it_is_opened(
    window: Window, promote: Promote, qtbot: QtBot
) -> None:
    session = window.session
    first, second = session.order[:2]
    before = session.mask.copy()
    go_to(session, second, qtbot)
    promote()
    go_to(session, first, qtbot)
    assert (session.mask != before).any() and not session.offer.stands


def test_the_other_mask_is_looked_at_while_a_key_is_held_and_taken_and_given_back_by_another(
    active: Window, promote: Promote, qtbot: QtBot
) -> None:
    session, handle = active.session, active.windowHandle()
    session.target = Target.MASK
    stroke(session, CAT, (0, 0, 5, 5))
    own = session.mask.copy()
    look, mark = active.actions_table["look"], active.status.offer
    assert not look.isEnabled() and not mark.isVisible()
    promote()
    qtbot.waitUntil(look.isEnabled, timeout=20000)
    assert mark.isVisible() and "N" in mark.text()
    qtbot.keyPress(handle, K.Key_N)
    qtbot.waitUntil(lambda: (session.shown_mask != own).any(), timeout=10000)
    assert (session.shown_mask[:5, :5] == CAT).all()  # hand edits win over whatever is proposed
    other = session.shown_mask.copy()
    np.testing.assert_array_equal(session.mask, own)
    qtbot.keyRelease(handle, K.Key_N)
    assert session.shown_mask is session.mask
    for expected in (other, own, other):
        qtbot.keyClick(active.canvas, K.Key_N, SHIFT)
        wait_settled(session, qtbot)
        np.testing.assert_array_equal(session.mask, expected)
        assert mark.isVisible()
