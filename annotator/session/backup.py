"""Backups, written and restored in the job pool."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from annotator.session.state import SessionState
from trainer.errors import Cancelled


class Backup(QObject):
    """Writes the open project into one file while the work goes on, and restores such a file."""

    restored = Signal(object)  # the folder of photos that has the project now

    def __init__(self, state: SessionState) -> None:
        super().__init__(state)
        self._state = state
        self.running = False

    def start(self, file: Path, photos: bool) -> None:
        """Begin, with the photos if wanted; how it ended is told. Closing the desk ends it."""
        state, project = self._state, self._state.project
        if project is None or self.running:
            return
        self.running = True
        state.message.emit("info", self.tr("The project is being backed up; you can work on."))

        def check(name: str) -> None:
            if state.jobs.closed:
                raise Cancelled("the backup was cancelled; nothing was written")

        def work() -> int:
            from trainer.data.backup import back_up

            return back_up(project, file, photos, check)

        def succeeded(count: int) -> None:
            self.running = False
            state.message.emit("info", self.tr("The backup is in {file}.").format(file=file))

        def failed(error: Exception) -> None:
            self.running = False
            state.report(error)

        state.jobs.submit(work, succeeded, failed, priority=-1)

    def restore(self, file: Path, folder: Path) -> None:
        """Put the project in `file` into the folder of its photos; `restored` or the reason follows."""
        state = self._state
        if self.running:
            return
        self.running = True
        state.set_busy("restore", self.tr("Restoring {name}…").format(name=file.name))

        def work() -> Path:
            from trainer.data.backup import restore

            return restore(file, folder).folder

        def succeeded(restored: Path) -> None:
            self.running = False
            state.set_busy("restore", None)
            self.restored.emit(restored)

        def failed(error: Exception) -> None:
            self.running = False
            state.set_busy("restore", None)
            state.report(error)

        state.jobs.submit(work, succeeded, failed)
