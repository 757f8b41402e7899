"""Strokes on the open image: previewed, journaled, undone and redone."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from annotator.boxes import Box, grown, rect_of, shifted, slices, union
from annotator.session.acceptance import Acceptance
from annotator.session.class_editing import ClassEditing
from annotator.session.document import Document, Labels, Stroke
from annotator.session.joint_steps import parts_left
from annotator.session.many import ManyImages
from annotator.session.proposals import Proposals
from annotator.session.state import SessionState
from trainer.data.classes import UNTOUCHED
from trainer.data.project import Edit, Project, Step, Target
from trainer.worker.messages import SeedsChanged

REACH = 4.0
"""How far from a stroke that is bound to its neighbourhood the mask may follow it, in brush radii."""


class Editor(Protocol):
    """The canvas that a person draws on: it may hold an unfinished stroke or figure."""

    def finish(self) -> bool:
        """Commit what is being drawn; return whether there was anything."""

    def step_back(self) -> bool:
        """Take the last step of a figure back, or end and keep a stroke; whether there was anything."""


@dataclass
class Travel:
    """A step back or forth in the journal, as the writer found it."""

    edits: list[tuple[Edit, Labels]] = field(default_factory=list)  # each with what its layer holds after it
    accepted: Labels | None = None  # the mask, where the step led to an accepted image
    can_undo: bool = False
    can_redo: bool = False
    problem: Exception | None = None


class Strokes:
    """Paints the layers of the open image. A stroke is in the project's journal once the desk says that all
    is saved.

    `editor` is where the last one was begun.
    """

    def __init__(
        self,
        state: SessionState,
        proposals: Proposals,
        acceptance: Acceptance,
        classes: ClassEditing,
        many: ManyImages,
    ) -> None:
        self._state, self._proposals, self._acceptance = state, proposals, acceptance
        self._classes, self._many = classes, many
        self.editor: Editor | None = None
        self._drawing = self._can_undo = self._can_redo = False
        self._travelling = 0  # steps that the writer has not made yet
        state.image_changed.connect(self._tell_history)
        for changed in (classes.changed, many.changed):
            changed.connect(lambda *_: self._tell_history(state.image_id))

    def finish(self) -> None:
        """Commit what is being drawn, before the image is left, accepted or saved."""
        if self.editor is not None:
            self.editor.finish()

    def note_drawing(self, drawing: bool) -> None:
        """Note whether something is being drawn, which undo then acts on."""
        self._drawing = drawing
        self._tell(self._can_undo, self._can_redo)

    def preview(self, stroke: Stroke, box: Box) -> None:
        """Show the stroke being drawn, which has grown inside `box`."""
        document = self._state.document
        if document is None:
            return
        self._acceptance.call_off()
        stroke.box = union(stroke.box, box)
        document.preview = stroke
        self._compose(document, stroke.target, box)
        if stroke.target is Target.SEEDS:
            self._proposals.refine()

    def cancel(self) -> None:
        """Forget the stroke being drawn."""
        document = self._state.document
        if document is not None and self._end_preview(document) is Target.SEEDS:
            self._proposals.refine()

    def commit(self, box: Box, after: Labels, tool: str, target: Target | None = None) -> None:
        """Journal a stroke: `after` is the layer of `target` (the session's) inside `box`, as it becomes."""
        state, target = self._state, target or self._state.target
        document, project = state.document, state.project
        if document is None or project is None:
            return
        self._end_preview(document)
        before = document.painted(target)[slices(box)].copy()
        if self._travelling:  # an undo on its way may change what lies beside the stroke
            painted = after != before
            state.saver.flush()
            before = document.painted(target)[slices(box)].copy()
            after = np.where(painted, after, before)
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
        self._tell(True, False)
        # What is said of objects leaves an accepted mask as it is.
        reopened = target is not Target.OBJECTS and self._acceptance.open_again(document)
        self._painted(document, target, box, reopened)

    def commit_here(self, box: Box, after: Labels, tool: str) -> None:
        """Journal a stroke that changes the mask near it and nowhere else: `after` is the layer of hand edits
        inside `box`, as the stroke alone would make it.

        What the stroke network makes of the stroke is kept, within `REACH` brushes of it, as hand edits: no
        later stroke or model changes them, and far from it nothing follows the stroke. It is one step of
        undo.
        """
        state = self._state
        document, project = state.document, state.project
        if document is None or project is None:
            return
        if self._travelling:  # an undo on its way may change what lies beside the stroke
            state.saver.flush()
        self._acceptance.call_off()
        drawn = document.preview  # goes on being shown until the answer is there
        reach = round(REACH * state.brush_radius)
        around = grown(box, reach, document.shape)
        before = document.mask_edits[slices(around)].copy()
        stroke = np.full_like(before, UNTOUCHED)
        inside = stroke[slices(shifted(box, around))]
        inside[:] = np.where(after != document.mask_edits[slices(box)], after, UNTOUCHED)
        corrections = document.corrections.copy()
        near = corrections[slices(around)]
        near[stroke != UNTOUCHED] = stroke[stroke != UNTOUCHED]
        shown = document.base_mask[slices(around)].copy()
        answer = before.copy()
        self._travelling += 1

        def write() -> None:
            answer[:] = bounded(stroke, document.refined(corrections)[slices(around)], shown, before, reach)
            project.record_edit(document.id, Target.MASK, around, before, answer, tool)

        def arrived() -> None:
            self._travelling -= 1
            if state.document is document and state.project is project:
                if document.preview is drawn:
                    self._end_preview(document)
                document.paint(Target.MASK, around, answer)
                self._tell(True, False)
                reopened = self._acceptance.open_again(document)
                self._painted(document, Target.MASK, around, reopened)
            self._written(document.id, project, Target.MASK)

        state.saver.save(document.id, write, arrived)

    def undo(self) -> None:
        """Take back the last stroke of the open image, whichever layer it was on, or what came after all
        strokes: a change to the classes, or to several images.

        An unfinished figure comes first: a polygon loses its last corner, a stroke is committed.
        """
        if self.editor is None or not self.editor.step_back():
            self._travel(forward=False)

    def redo(self) -> None:
        """Redo what was undone last; what is being drawn ends first, and is kept."""
        self.finish()
        self._travel(forward=True)

    def _travel(self, forward: bool) -> None:
        state = self._state
        document, project = state.document, state.project
        if document is None or project is None or (state.saver.refused and not state.may_leave()):
            return
        self._acceptance.call_off()
        self._end_preview(document)
        # A stroke that waits to be written came after all else.
        find = project.next_step if forward else project.last_step
        step = find(document.id) if state.saver.idle else Step.STROKE
        if step is Step.CLASSES:
            self._classes.step(forward)
            return
        if step is Step.BATCH:
            self._many.step(forward)
            return
        travel = Travel()
        self._travelling += 1

        def arrived() -> None:
            self._travelling -= 1
            if state.document is document and state.project is project:
                self._arrive(document, project, travel, forward)

        state.saver.save(document.id, lambda: _step(project, document.id, travel, forward), arrived)

    def _arrive(self, document: Document, project: Project, travel: Travel, forward: bool) -> None:
        if travel.problem is not None:
            self._state.report(travel.problem)
        if not travel.edits:
            return
        for edit, patch in travel.edits:
            document.paint(edit.target, edit.box, patch)
        targets = {edit.target for edit, _ in travel.edits}
        reopened = targets != {Target.OBJECTS} and self._acceptance.follow_journal(document, travel.accepted)
        for edit, _ in travel.edits:
            self._painted(document, edit.target, edit.box, reopened)
        if travel.problem is None:
            self._tell(travel.can_undo, travel.can_redo)
        for target in targets:
            self._written(document.id, project, target)

    def _end_preview(self, document: Document) -> Target | None:
        """Stop showing the stroke being drawn; the layer it was on, None without one."""
        if document.preview is None:
            return None
        ended, document.preview = document.preview, None
        if ended.box is not None:
            self._compose(document, ended.target, ended.box)
        return ended.target

    def _painted(self, document: Document, target: Target, box: Box, reopened: bool) -> None:
        self._compose(document, target, box)
        if reopened:
            self._proposals.catch_up()
        elif target is Target.SEEDS:
            self._proposals.refine()

    def _written(self, image_id: str, project: Project, target: Target) -> None:
        """Notify everyone who reads the disk of a change."""
        state = self._state
        if state.project is project:
            state.reload_record(image_id)
            if target is Target.SEEDS:
                state.predictor.post(SeedsChanged(image_id, state.records[image_id].seed_revision))

    def _compose(self, document: Document, target: Target, box: Box) -> None:
        if target is Target.OBJECTS:
            self._state.marks_changed.emit()
            return
        document.compose(box, [target])
        self._state.layer_changed.emit("seeds" if target is Target.SEEDS else "mask", rect_of(box))

    def _tell_history(self, image_id: str) -> None:
        project = self._state.project
        assert project is not None
        if image_id:
            self._tell(*_history(project, image_id))

    def _tell(self, can_undo: bool, can_redo: bool) -> None:
        self._can_undo, self._can_redo = can_undo, can_redo
        self._state.undo_changed.emit(can_undo or self._drawing, can_redo)


def bounded(stroke: Labels, refined: Labels, shown: Labels, edits: Labels, reach: float) -> Labels:
    """The hand edits (H×W) with a stroke, and with what follows it within `reach` pixels.

    Args:
        stroke: classes where it was drawn, 255 elsewhere.
        refined: the mask with the stroke.
        shown: the mask without it.
        edits: the hand edits so far, which stay beside the stroke; 255 untouched.
        reach: in pixels.
    """
    from scipy.ndimage import distance_transform_edt  # the window does not wait for it

    drawn = stroke != UNTOUCHED
    near = distance_transform_edt(~drawn) <= reach
    follows = near & (refined != shown) & (edits == UNTOUCHED)
    return np.where(drawn, stroke, np.where(follows, refined, edits))


def _step(project: Project, image_id: str, travel: Travel, forward: bool) -> None:
    """Undo or redo in the journal. An error is reported and not retried: nothing was changed by it."""
    try:
        left = 1
        while left:
            edit = project.redo(image_id) if forward else project.undo(image_id)
            if edit is None:
                break
            travel.edits.append((edit, project.patch(edit)))
            left = parts_left(edit.tool, forward)
        travel.accepted = project.accepted_mask(image_id)
        travel.can_undo, travel.can_redo = _history(project, image_id)
    except Exception as error:
        travel.problem = error


def _history(project: Project, image_id: str) -> tuple[bool, bool]:
    """Whether there is something to undo, and to redo."""
    return project.last_step(image_id) is not None, project.next_step(image_id) is not None
