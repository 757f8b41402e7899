"""Progress on the terminal: a bar with the time left for the whole run, or plain lines in a log."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from trainer.progress import NullReporter, Reporter, RunClock, Stage, clock_time

PLAIN_EVERY = 5.0
"""Seconds between two lines where the output is not a terminal."""


@contextmanager
def open_reporter(json: bool = False) -> Iterator[Reporter]:
    """Report on standard output, or on standard error where the former carries JSON.

    Under torchrun only the first process reports.
    """
    if os.environ.get("RANK", "0") != "0":
        yield NullReporter()
        return
    stream = sys.stderr if json else sys.stdout
    console = Console(file=stream, highlight=False)
    if console.is_terminal:
        with BarReporter(console) as reporter:
            yield reporter
    else:
        yield PlainReporter(stream)


class PlainReporter:
    """Writes a line every few seconds and one when a stage ends."""

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._now = now
        self._clock = RunClock(now)

    def plan(self, weights: Mapping[str, float]) -> None:
        """See `Reporter.plan`."""
        self._clock.plan(weights)

    @contextmanager
    def stage(self, name: str, total: int, done: int = 0) -> Iterator[Stage]:
        """See `Reporter.stage`."""
        self._clock.open(name, total, done)
        stage = _PlainStage(self, name, total, done)
        yield stage
        stage.finish()
        self._clock.close()

    def message(self, text: str) -> None:
        """See `Reporter.message`."""
        print(text, file=self._stream, flush=True)


class _PlainStage:
    def __init__(self, reporter: PlainReporter, name: str, total: int, done: int) -> None:
        self._reporter, self._name, self._total, self._done = reporter, name, total, done
        self._note = ""
        self._said, self._said_done = reporter._now(), -1

    def advance(self, n: int = 1, note: str = "") -> None:
        self._done += n
        self._note = note
        self._reporter._clock.advance(n)
        if self._reporter._now() - self._said >= PLAIN_EVERY:
            self.report()

    def finish(self) -> None:
        if self._said_done != self._done:
            self.report()

    def report(self) -> None:
        clock = self._reporter._clock
        self._said, self._said_done = self._reporter._now(), self._done
        note = f"  {self._note}" if self._note else ""
        self._reporter.message(
            f"{self._name}: {self._done}/{self._total}  {clock_time(clock.elapsed)} gone, "
            f"{clock_time(clock.left())} left{note}"
        )


class BarReporter:
    """Draws one bar for the whole run and one line for the stage under way, redrawn by rich."""

    def __init__(self, console: Console) -> None:
        self._clock = RunClock()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            _Columns(self._clock),
            TextColumn("{task.fields[note]}", style="dim", markup=False),
            console=console,
            refresh_per_second=4,
            expand=True,
        )
        self._run = self._progress.add_task("whole run", total=1.0, note="", whole=True)

    def __enter__(self) -> BarReporter:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self._progress.update(self._run, completed=1.0)
        self._progress.stop()

    def plan(self, weights: Mapping[str, float]) -> None:
        """See `Reporter.plan`."""
        self._clock.plan(weights)

    @contextmanager
    def stage(self, name: str, total: int, done: int = 0) -> Iterator[Stage]:
        """See `Reporter.stage`."""
        self._clock.open(name, total, done)
        task = self._progress.add_task(name, total=total, completed=done, note="", whole=False)
        yield _BarStage(self._progress, task, self._clock, self._run)
        self._clock.close()
        self._progress.update(task, note="")

    def message(self, text: str) -> None:
        """See `Reporter.message`."""
        self._progress.console.print(text, markup=False)


class _BarStage:
    def __init__(self, progress: Progress, task: TaskID, clock: RunClock, run: TaskID) -> None:
        self._progress, self._task, self._clock, self._run = progress, task, clock, run

    def advance(self, n: int = 1, note: str = "") -> None:
        self._clock.advance(n)
        self._progress.update(self._task, advance=n, note=note)
        self._progress.update(self._run, completed=self._clock.fraction())


class _Columns(ProgressColumn):
    """Units done of a stage; of the whole run the time gone and left."""

    def __init__(self, clock: RunClock) -> None:
        super().__init__()
        self._clock = clock

    def render(self, task: Task) -> Text:
        if not task.fields["whole"]:
            return Text(f"{task.completed:.0f}/{task.total:.0f}")
        gone, left = clock_time(self._clock.elapsed), clock_time(self._clock.left())
        return Text(f"{task.percentage:.0f} %  {gone} gone, {left} left")
