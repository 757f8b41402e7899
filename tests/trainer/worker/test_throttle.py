"""Messages reach the desk in order and never in a flood."""

from itertools import pairwise

import pytest

from trainer.worker.messages import LossPoint, Message, State, StateChanged, TrainingProgress
from trainer.worker.throttle import Outbox


class Desk:
    """Hears messages at the time shown by a clock that the test moves."""

    def __init__(self) -> None:
        self.time = 0.0
        self.heard: list[tuple[float, Message]] = []
        self.outbox = Outbox(lambda message: self.heard.append((self.time, message)), now=lambda: self.time)


def test_a_thousand_batches_in_a_second_make_at_most_ten_messages_a_second_and_lose_no_loss() -> None:
    desk = Desk()
    for step in range(1000):
        desk.time = step / 1000
        desk.outbox.send(LossPoint(step, loss=float(step)))
        desk.outbox.send(TrainingProgress(1, step / 1000, "learning"))
    desk.outbox.flush()
    assert len(desk.heard) <= 12  # ten, and what the last flush brings
    points = [message for _, message in desk.heard if isinstance(message, LossPoint)]
    assert points[-1].step == 999
    steps = [-1, *(point.step for point in points)]
    means = [(first + 1 + last) / 2 for first, last in pairwise(steps)]
    assert [point.loss for point in points] == pytest.approx(means)


def test_a_change_of_state_is_told_at_once_and_after_what_came_before_it() -> None:
    desk = Desk()
    for step in (1, 2, 3):
        desk.outbox.send(LossPoint(step, 0.5))
    desk.outbox.send(StateChanged(State.PAUSED, "because"))
    assert [message for _, message in desk.heard] == [
        LossPoint(1, 0.5),
        LossPoint(3, 0.5),
        StateChanged(State.PAUSED, "because"),
    ]
