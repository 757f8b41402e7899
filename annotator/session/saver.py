"""Saving: what a person did is written in order and never lost."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from annotator.i18n import localised
from annotator.session.jobs import Jobs
from trainer.translatable import error_message

RETRY_MS = 2000


@dataclass(frozen=True, eq=False)
class PendingWrite:
    """A change to an image that is to be saved: `write` puts it on disk, `done` is called afterwards."""

    image_id: str
    write: Callable[[], object]
    done: Callable[[], object]


class Saver(QObject):
    """Writes to disk in order, off the GUI thread. A write that fails is tried again until it succeeds.

    Those after it wait for it, so that the disk never holds the later without the earlier.
    """

    changed = Signal(bool)  # whether everything is on disk
    failed = Signal(str)
    _answered = Signal()

    def __init__(self, writer: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._writer = writer
        self.asked = 0  # writes so far, whether they are done yet
        self._waiting: deque[PendingWrite] = deque()
        self._answers: deque[tuple[PendingWrite, Exception | None]] = deque()
        self._writing = Lock()
        self._refused: PendingWrite | None = None
        self._timer = QTimer(self, interval=RETRY_MS, singleShot=True)
        self._timer.timeout.connect(self._begin)
        self._answered.connect(self._hear, Qt.ConnectionType.QueuedConnection)

    @property
    def idle(self) -> bool:
        """Whether everything is on disk, and those who wrote it know."""
        return not self._waiting and not self._answers

    @property
    def refused(self) -> bool:
        """Whether what waits was refused by the disk, and is tried again now and then."""
        return self._timer.isActive()

    def save(self, image_id: str, write: Callable[[], object], done: Callable[[], object]) -> None:
        """Put a write on disk soon, after those that still wait; then call `done` here."""
        self.asked += 1
        self._waiting.append(PendingWrite(image_id, write, done))
        self.changed.emit(False)
        self._begin()

    def flush(self) -> bool:
        """Write what waits now, and wait for it; whether everything is on disk."""
        self._write()
        self._hear()
        return self.idle

    def close(self) -> None:
        """Write what is pending, for the last time."""
        self._timer.stop()
        self._write()

    def _begin(self) -> None:
        self._writer.submit(self._write)

    def _write(self) -> None:
        """Write what waits, in order, until the disk refuses; on any thread, one at a time."""
        with self._writing:
            while self._waiting:
                pending = self._waiting[0]
                try:
                    pending.write()
                except Exception as error:
                    self._answers.append((pending, error))
                    break
                self._waiting.popleft()
                self._answers.append((pending, None))
        self._answered.emit()

    def _hear(self) -> None:
        """Report the outcome of the writes on the GUI thread."""
        written = False
        while self._answers:
            pending, error = self._answers.popleft()
            if error is None:
                written = True
                pending.done()
                continue
            self._timer.start()
            if pending is not self._refused:
                self._refused = pending
                text = self.tr("{image}: your last change is kept but not on disk yet: {reason}")
                self.failed.emit(text.format(image=pending.image_id, reason=localised(error_message(error))))
        if written and self.idle:
            self.changed.emit(True)
