"""Strokes on the open image: shown while they are drawn, journalled, taken back and brought back."""

import numpy as np

from annotator.boxes import Box, rect_of, slices
from annotator.session.acceptance import Acceptance
from annotator.session.document import Document, Labels
from annotator.session.proposals import Proposals
from annotator.session.state import SessionState
from trainer.data.project import Edit, Project, Target
from trainer.errors import UserError
from trainer.worker.messages import SeedsChanged


class Strokes:
    """Paints the layers of the open image. A stroke is in the project's journal when the desk says so."""

    def __init__(self, state: SessionState, proposals: Proposals, acceptance: Acceptance) -> None:
        self._state, self._proposals, self._acceptance = state, proposals, acceptance
        state.image_changed.connect(self._tell_history)

    def preview(self, box: Box, after: Labels) -> None:
        """Show the stroke being drawn: `after` is the painted layer inside `box`, as it would become."""
        state, document = self._state, self._state.document
        if document is None:
            return
        self._acceptance.call_off()
        old = document.preview
        document.preview = (state.target, box, after)
        if old is not None and not rect_of(box).contains(rect_of(old[1])):
            self._compose(document, old[0], old[1])
        self._compose(document, state.target, box)
        if state.target is Target.SEEDS:
            self._proposals.refine()

    def cancel(self) -> None:
        """Forget the stroke being drawn."""
        document = self._state.document
        if document is not None and self._end_preview(document) is Target.SEEDS:
            self._proposals.refine()

    def commit(self, box: Box, after: Labels, tool: str) -> None:
        """Journal a stroke on the target layer: `after` is that layer inside `box`, as it becomes."""
        state, target = self._state, self._state.target
        document, project = state.document, state.project
        if document is None or project is None:
            return
        self._end_preview(document)
        before = document.painted(target)[slices(box)].copy()
        if np.array_equal(before, after):
            self._compose(document, target, box)
            return
        self._acceptance.call_off()
        after = after.copy()  # written in a moment, while the tool goes on in its own array
        state.saver.save(
            document.id,
            lambda: project.record_edit(document.id, target, box, before, after, tool),
            lambda: self._written(document.id, project, target),
        )
        document.paint(target, box, after)
        state.undo_changed.emit(True, False)
        self._painted(document, target, box, reopened=self._acceptance.open_again(document))

    def undo(self) -> None:
        """Take back the last stroke of the open image, whichever layer it was on."""
        self._travel(forward=False)

    def redo(self) -> None:
        """Bring back the stroke last taken back."""
        self._travel(forward=True)

    def _travel(self, forward: bool) -> None:
        document, project = self._state.document, self._state.project
        if document is None or project is None or not self._state.may_leave():
            return
        self._acceptance.call_off()
        self._end_preview(document)
        try:
            edit: Edit | None = project.redo(document.id) if forward else project.undo(document.id)
        except UserError as error:
            self._state.report(error)
            return
        if edit is None:
            return
        document.paint(edit.target, edit.box, edit.after if forward else edit.before)
        reopened = self._acceptance.follow_journal(document, project)
        self._painted(document, edit.target, edit.box, reopened)
        self._tell_history(document.id)
        self._written(document.id, project, edit.target)

    def _end_preview(self, document: Document) -> Target | None:
        """Stop showing the stroke being drawn; the layer it was on, None without one."""
        if document.preview is None:
            return None
        target, box, _ = document.preview
        document.preview = None
        self._compose(document, target, box)
        return target

    def _painted(self, document: Document, target: Target, box: Box, reopened: bool) -> None:
        self._compose(document, target, box)
        if reopened:
            self._proposals.catch_up()
        elif target is Target.SEEDS:
            self._proposals.refine()

    def _written(self, image_id: str, project: Project, target: Target) -> None:
        """Tell all that read the disk of a change that is there now."""
        state = self._state
        if state.project is project:
            state.reload_record(image_id)
            if target is Target.SEEDS:
                state.predictor.post(SeedsChanged(image_id, state.records[image_id].seed_revision))

    def _compose(self, document: Document, target: Target, box: Box) -> None:
        document.compose(box)
        self._state.layer_changed.emit("seeds" if target is Target.SEEDS else "mask", rect_of(box))

    def _tell_history(self, image_id: str) -> None:
        project = self._state.project
        assert project is not None
        self._state.undo_changed.emit(project.can_undo(image_id), project.can_redo(image_id))
