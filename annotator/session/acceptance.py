"""Accepting the open image, which freezes its mask, and taking that back."""

from PySide6.QtCore import QObject, Signal

from annotator.boxes import rect_of
from annotator.session.document import Document, Labels
from annotator.session.proposals import Proposals
from annotator.session.state import SessionState
from trainer.data.classes import BACKGROUND, VOID
from trainer.data.project import Project
from trainer.worker.messages import SeedsChanged


class Acceptance(QObject):
    """Accepts the mask that is shown; waits for one that is still being computed."""

    done = Signal()  # the open image is accepted, the following one may be opened

    def __init__(self, state: SessionState, proposals: Proposals) -> None:
        super().__init__(state)
        self._state, self._proposals = state, proposals
        self._waiting = False
        state.image_changed.connect(self._wait_no_more)
        proposals.failed.connect(self._wait_no_more)
        state.predictor.unavailable.connect(self._wait_no_more)
        proposals.refined.connect(self._mask_arrived)

    def accept(self) -> None:
        """Freeze the mask as shown, once no other is being computed. `done` is emitted when it is on disk."""
        document, project = self._state.document, self._state.project
        if document is None or project is None or not self._state.may_leave():
            return
        if not document.accepted:
            self._waiting = self._proposals.pending
            if self._waiting:
                return
            if (document.mask == VOID).all():
                self._state.message.emit(
                    "error",
                    self.tr("There is no mask to accept: nothing was proposed for this image, or painted."),
                )
                return
            record = self._state.record
            if record is not None and not record.tagged and (document.mask == BACKGROUND).all():
                self._state.message.emit(
                    "error",
                    self.tr("This photo has no tags: tag it first, or mark it as background only."),
                )
                return
            self._freeze(document, project)
        else:
            self.done.emit()

    def reopen(self) -> None:
        """Take the acceptance of the open image back, so that it follows strokes and models again."""
        document, project = self._state.document, self._state.project
        if document is not None and project is not None and self.open_again(document):
            document.last_accepted = None
            self._state.saver.save(
                document.id,
                lambda: project.unaccept(document.id),
                lambda: self._state.reload_record(document.id),
            )
            self._proposals.ask()

    def open_again(self, document: Document) -> bool:
        """Show an image as no longer accepted, after a stroke; whether it was."""
        if not document.accepted:
            return False
        document.accepted = False
        self._say_open()
        return True

    def call_off(self) -> None:
        """Stop waiting for the mask to accept: a person continues to work on it."""
        if self._waiting:
            self._waiting = False
            self._say_open()

    def follow_journal(self, document: Document, mask: Labels | None) -> bool:
        """Show what undo or redo made of the acceptance: `mask` is accepted again, or with None nothing is;
        whether it ended, so that the mask has to follow.
        """
        if mask is None:
            return self.open_again(document)
        document.freeze(mask)
        document.compose(document.whole)
        self._state.layer_changed.emit("mask", rect_of(document.whole))
        self._state.message.emit("info", self.tr("This image is accepted again, as it was."))
        return False

    def _say_open(self) -> None:
        self._state.message.emit(
            "info", self.tr("This image is open again: accept it again when you are done.")
        )

    def _mask_arrived(self) -> None:
        if self._waiting:
            self.accept()

    def _wait_no_more(self) -> None:
        self._waiting = False

    def _freeze(self, document: Document, project: Project) -> None:
        state = self._state
        mask = document.mask.copy()
        document.freeze(mask)

        def accepted() -> None:
            if state.project is not project:
                return
            state.reload_record(document.id)
            # An accepted mask teaches the trainer as well.
            state.predictor.post(SeedsChanged(document.id, state.records[document.id].seed_revision))
            if state.document is document and document.accepted:  # nothing was painted since
                self.done.emit()

        state.saver.save(document.id, lambda: project.accept(document.id, mask), accepted)
