"""Many images at once: tagged, accepted, flagged and rejected off the GUI thread, batch after batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event

from PySide6.QtCore import QObject, Signal

from annotator.session.state import SessionState
from trainer.data.batch_rows import BatchKind
from trainer.data.project import Batch, ImageRecord
from trainer.worker.messages import SeedsChanged


class ManyImages(QObject):
    """Does the same to several images, takes it back, and brings it back again; what is done when it is
    cancelled stays.
    """

    done = Signal(object)  # Batch
    undone = Signal(object)  # Batch
    redone = Signal(object)  # Batch
    changed = Signal(object)  # ids of images that are others now
    advanced = Signal(int)
    running_changed = Signal()

    def __init__(self, state: SessionState) -> None:
        super().__init__(state)
        self._state = state
        self._cancel = Event()
        self._total = 0
        self.running = False
        self.can_undo = False
        self.advanced.connect(self._say_how_far)
        state.project_opened.connect(self._look)

    def start(self, kind: BatchKind, image_ids: Sequence[str], tag: str = "", comment: str = "") -> None:
        """Do something to images, as `Project.batch`."""
        state, project = self._state, self._state.project
        if project is None or not image_ids or self.running or not state.may_leave():
            return
        cancel = self._cancel = Event()
        self._total = len(image_ids)

        def work() -> Batch:
            state.writer.finish()  # masks that are still to be kept come first
            return project.batch(
                kind,
                tuple(image_ids),
                tag,
                comment,
                self.advanced.emit,
                lambda: cancel.is_set() or state.jobs.closed,
            )

        self._run(work, self.done.emit)

    def step(self, forward: bool) -> None:
        """Take the last batch back, also one from an earlier session, or bring back the one undone last."""
        state, project = self._state, self._state.project
        if project is None or self.running or not state.may_leave():
            return
        if forward:
            self._run(project.redo_batch, self.redone.emit)
        else:
            self._run(project.undo_batch, self.undone.emit)

    def cancel(self) -> None:
        """Stop after the images in hand."""
        self._cancel.set()

    def _run(self, work: Callable[[], Batch | None], tell: Callable[[Batch], object]) -> None:
        state, project = self._state, self._state.project
        assert project is not None
        self._set_running(True)
        state.set_busy("many", self.tr("Changing images…"))

        def arrived(answer: tuple[Batch | None, list[ImageRecord], bool]) -> None:
            batch, records, more = answer
            if state.project is project:
                self.can_undo = more
            self._end()
            if state.project is not project or batch is None:
                return
            state.renew(records)
            self.changed.emit(batch.images)
            if batch.images and batch.kind is BatchKind.ACCEPT:
                last = state.records[batch.images[-1]]
                state.predictor.post(SeedsChanged(last.id, last.seed_revision))  # they teach the trainer
            tell(batch)

        def failed(error: Exception) -> None:
            self._end()
            if state.project is project:
                state.report(error)

        def answer() -> tuple[Batch | None, list[ImageRecord], bool]:
            batch = work()
            return batch, project.images(), project.last_batch() is not None

        state.jobs.submit(answer, arrived, failed)

    def _say_how_far(self, done: int) -> None:
        if self.running:
            text = self.tr("Changing images… {done} of {total}")
            self._state.set_busy("many", text.format(done=done, total=self._total))

    def _end(self) -> None:
        self._state.set_busy("many", None)
        self._set_running(False)

    def _set_running(self, running: bool) -> None:
        self.running = running
        self.running_changed.emit()

    def _look(self) -> None:
        """Find out whether there is a batch of an earlier session to take back."""
        state, project = self._state, self._state.project
        assert project is not None
        self.can_undo = False

        def found(there: bool) -> None:
            if state.project is project:
                self.can_undo = there
                self.running_changed.emit()

        state.jobs.submit(lambda: project.last_batch() is not None, found, state.report, priority=-2)
