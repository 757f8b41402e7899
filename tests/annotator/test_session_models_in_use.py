"""Models that are exchanged: said, followed, and nothing of an older one is shown."""

from desk import wait_settled
from pytestqt.qtbot import QtBot

from annotator.session import Session
from trainer.messages import Predicted, Promoted


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
    cat.predictor._hear(Predicted("chelsea", cat.record.tags, cat.settings, 99, 0, old))
    assert cat.proposal is shown and cat.predictor.known("chelsea") is not old
