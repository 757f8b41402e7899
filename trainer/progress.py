"""Progress of long runs, independent of whether a terminal, a log or a window shows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Stage(Protocol):
    """One stage under way."""

    def advance(self, n: int = 1, note: str = "") -> None:
        """Report `n` more units done, with a short note such as the current loss or image."""


class Reporter(Protocol):
    """Listens to a run. Implementations: `NullReporter` here, the terminal's in `trainer.cli.console`."""

    def plan(self, weights: Mapping[str, float]) -> None:
        """Announce the stages to come, in order, with their expected share of the time (any unit)."""

    def stage(self, name: str, total: int, done: int = 0) -> AbstractContextManager[Stage]:
        """Open the stage `name` of `total` units, of which `done` were finished by an earlier run."""

    def message(self, text: str) -> None:
        """Say one line that should stay readable after the run."""


class _NullStage:
    def advance(self, n: int = 1, note: str = "") -> None:
        pass


class NullReporter:
    """Listens to nothing; the default of every function that takes a reporter."""

    def plan(self, weights: Mapping[str, float]) -> None:
        """Ignore the plan."""

    @contextmanager
    def stage(self, name: str, total: int, done: int = 0) -> Iterator[Stage]:
        """Yield a stage that ignores all progress."""
        yield _NullStage()

    def message(self, text: str) -> None:
        """Ignore the line."""


class RunClock:
    """Estimates how much of a whole run is done and how many seconds are left.

    The plan's weights only need the right proportions: their speed is measured as the run goes. A planned
    stage that was skipped counts as done; an unplanned stage is estimated from its own progress.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._start = now()
        self._weights: dict[str, float] = {}
        self._measured_weight = 0.0
        self._measured_seconds = 0.0
        self._current: str | None = None
        self._opened = 0.0
        self._total = self._done = self._already = 0

    def plan(self, weights: Mapping[str, float]) -> None:
        """Set the stages to come, in order, with their expected share of the time."""
        self._weights = dict(weights)

    def open(self, name: str, total: int, done: int = 0) -> None:
        """Begin a stage; planned stages before it are over."""
        self._current, self._opened = name, self._now()
        self._total, self._done, self._already = max(total, 1), done, done
        if name in self._weights:
            names = list(self._weights)
            self._weights = {key: self._weights[key] for key in names[names.index(name) :]}

    def advance(self, n: int = 1) -> None:
        """Count `n` more units of the current stage, never beyond its total."""
        self._done = min(self._done + n, self._total)

    def close(self) -> None:
        """End the current stage and learn from it how fast this machine is."""
        if self._current in self._weights:
            weight = self._weights.pop(self._current)
            self._measured_weight += weight * (1 - self._already / self._total)
            self._measured_seconds += self._now() - self._opened
        self._current = None

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self._now() - self._start

    def left(self) -> float | None:
        """Seconds left for the whole run; None while there is nothing to judge by."""
        ahead = sum(weight for name, weight in self._weights.items() if name != self._current)
        stage_left: float | None = 0.0
        measured_weight, measured_seconds = self._measured_weight, self._measured_seconds
        if self._current is not None:
            weight = self._weights.get(self._current, 0.0)
            seconds, units = self._now() - self._opened, self._done - self._already
            if units:
                stage_left = seconds / units * (self._total - self._done)
                measured_weight += weight * units / self._total
                measured_seconds += seconds
            elif measured_weight and weight:
                share = weight * (1 - self._already / self._total)
                stage_left = max(share * measured_seconds / measured_weight - seconds, 0.0)
            else:
                stage_left = None
        if stage_left is None or (ahead and not measured_weight):
            return None
        return stage_left + (ahead * measured_seconds / measured_weight if ahead else 0.0)

    def fraction(self) -> float:
        """Share of the whole run's time that is over, in [0, 1]."""
        left = self.left()
        if left is None:
            return 0.0
        return self.elapsed / (self.elapsed + left) if self.elapsed + left > 0 else 1.0


def clock_time(seconds: float | None) -> str:
    """Write a duration as `m:ss` or `h:mm:ss`; `-:--` for an unknown one."""
    if seconds is None:
        return "-:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
