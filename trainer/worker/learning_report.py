"""How far learning from tags has come, for those who wait for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from trainer.progress import RunClock
from trainer.translatable import TranslatableText
from trainer.worker.messages import LossPoint, Message, TrainingProgress


class LearningReport:
    """Sends losses and progress; the stages of a run tell it what they do."""

    def __init__(self, send: Callable[[Message], None]) -> None:
        self._send, self._clock, self._step = send, RunClock(), 0

    def plan(self, seconds: Mapping[str, float]) -> None:
        """Announce the stages to come, in order, with the time that each is expected to take."""
        self._clock.plan(seconds)

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[None]:
        """Enclose a stage of `total` units."""
        self._clock.open(name, total)
        yield
        self._clock.close()

    def advance(self, text: TranslatableText) -> None:
        """Tell of one more unit of the stage, and what is being done."""
        self._clock.advance()
        self._send(TrainingProgress(0, self._clock.fraction(), text, self._clock.left()))

    def learnt(self, loss: float, text: TranslatableText) -> None:
        """Tell of one more batch that was learnt from."""
        self._step += 1
        self._send(LossPoint(self._step, loss))
        self.advance(text)
