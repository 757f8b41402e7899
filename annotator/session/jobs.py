"""Work off the GUI thread: a small pool whose results return to the thread that owns it."""

import sys
from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, QThreadPool, QTimer, Signal

SWITCH_SECONDS = 0.001
"""So soon a thread that computes in Python gives way to the window's, which needs the interpreter for every
event: at Python's usual 5 ms, a paint beside busy threads takes a tenth of a second.
"""
REST_MS = 1000
"""So long without an answer, and the pool is said to rest."""

T = TypeVar("T")


class Deadline:
    """A moment by which several waits, one after the other, have to be over."""

    def __init__(self, seconds: float) -> None:
        self._end = monotonic() + seconds

    @property
    def seconds(self) -> float:
        """What is left."""
        return max(0.0, self._end - monotonic())

    @property
    def ms(self) -> int:
        """What is left, in whole milliseconds."""
        return int(1000 * self.seconds)


class Jobs(QObject):
    """A thread pool. `done` and `failed` are called in the thread of this object, never in the pool's."""

    rested = Signal()
    """The last answer was given a while ago; told once until the next one."""
    _returned = Signal(object)

    def __init__(self, threads: int = 2, parent: QObject | None = None) -> None:
        super().__init__(parent)
        sys.setswitchinterval(SWITCH_SECONDS)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._closed = False
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self.rested)
        self._returned.connect(self._call, Qt.ConnectionType.QueuedConnection)

    @property
    def closed(self) -> bool:
        """Whether `close` was called; long jobs check this from time to time and stop."""
        return self._closed

    def submit(
        self,
        work: Callable[[], T],
        done: Callable[[T], Any] | None = None,
        failed: Callable[[Exception], Any] | None = None,
        priority: int = 0,
    ) -> None:
        """Run `work` in the pool, higher `priority` first; then `done(result)` or `failed(error)` here.

        An error that nobody waits for is raised here, as one in a slot would be: it never vanishes.
        """

        def run() -> None:
            answer: Callable[[], Any] | None
            try:
                result = work()
                answer = (lambda: done(result)) if done else None
            except Exception as error:
                reason = error
                answer = lambda: (failed or _fault)(reason)  # noqa: E731
            if answer is not None and not self._closed:
                self._returned.emit(answer)

        if not self._closed:
            self._pool.start(run, priority)

    def finish(self, timeout_ms: int = 5000) -> bool:
        """Wait until all jobs are done, also those that have not begun; False after the timeout."""
        return self._pool.waitForDone(timeout_ms)

    def close(self, timeout_ms: int = 1500) -> bool:
        """Take no more jobs and wait for running ones; False when one outlasts the timeout."""
        self._closed = True
        self._pool.clear()
        return self._pool.waitForDone(timeout_ms)

    def _call(self, answer: Callable[[], Any]) -> None:
        if not self._closed:
            self._rest.start()
            answer()


def _fault(error: Exception) -> None:
    raise error


class Latest:
    """Runs one job at a time; of those submitted meanwhile only the newest is kept."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._running = False
        self._waiting: Callable[[], None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a job runs or waits."""
        return self._running

    def submit(
        self,
        work: Callable[[], T],
        done: Callable[[T], Any],
        failed: Callable[[Exception], Any] | None = None,
    ) -> None:
        """Run `work` now, or as soon as the running one has ended if no newer request replaces it."""

        def finish(callback: Callable[[Any], Any]) -> Callable[[Any], None]:
            def called(value: Any) -> None:
                self._running = False
                waiting, self._waiting = self._waiting, None
                if waiting is not None:
                    waiting()
                callback(value)

            return called

        def start() -> None:
            self._running = True
            self._jobs.submit(work, finish(done), finish(failed or _fault), priority=10)

        if self._running:
            self._waiting = start
        else:
            start()
