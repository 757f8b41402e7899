"""Limits how many messages the trainer thread sends to the desk."""

from __future__ import annotations

import time
from collections.abc import Callable

from trainer.worker.messages import LossPoint, Message, TrainingProgress

INTERVAL = 0.2
"""Seconds between two messages of one kind that is held back: two kinds, ten messages a second."""


class Outbox:
    """Delivers messages in order; loss points are averaged and progress is thinned out in between.

    What changes something (states, proposals, promotions) is delivered at once, after the points held back,
    and so is the first progress of each stage, however short the stage.
    """

    def __init__(self, deliver: Callable[[Message], None], now: Callable[[], float] = time.monotonic) -> None:
        self._deliver, self._now = deliver, now
        self._last = now() - INTERVAL
        self._losses: list[LossPoint] = []
        self._progress: TrainingProgress | None = None
        self._stage = ""

    def send(self, message: Message) -> None:
        """Deliver `message`, now or with the next flush."""
        match message:
            case LossPoint():
                self._losses.append(message)
            case TrainingProgress():
                self._progress = message
                if message.text != self._stage:
                    self._stage = message.text
                    self.flush()
            case _:
                self.flush()
                self._deliver(message)
                return
        if self._now() - self._last >= INTERVAL:
            self.flush()

    def flush(self) -> None:
        """Deliver what was held back: one loss point, one progress."""
        if not self._losses and self._progress is None:
            return
        losses, self._losses = self._losses, []
        progress, self._progress = self._progress, None
        self._last = self._now()
        if losses:
            self._deliver(LossPoint(losses[-1].step, sum(point.loss for point in losses) / len(losses)))
        if progress is not None:
            self._deliver(progress)
