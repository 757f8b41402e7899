"""Copying from the open image to the next one, as in a series of photos of the same scene."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal

from annotator.boxes import box_of, slices
from annotator.session.document import Labels
from annotator.session.joint_steps import part_name
from annotator.session.state import SessionState
from trainer.data.classes import BACKGROUND, UNTOUCHED, VOID
from trainer.data.images import image_size
from trainer.data.project import Project, Status, Target
from trainer.worker.messages import SeedsChanged


@dataclass
class Answer:
    """How writing the copy went: there was nothing to copy, the size where it differs, or what failed."""

    nothing: bool = False
    size: tuple[int, int] | None = None
    problem: Exception | None = None


class Copying(QObject):
    """Copies strokes, or the whole mask, to an image of the same size, where undo takes them back."""

    copied = Signal(str)  # the image that has them now

    def __init__(self, state: SessionState) -> None:
        super().__init__(state)
        self._state = state

    def copy_to(self, image_id: str, whole_mask: bool) -> None:
        """Copy the strokes of the open image, and with `whole_mask` every object of its mask as well."""
        state, document, project = self._state, self._state.document, self._state.project
        if document is None or project is None or not state.may_leave():
            return
        if state.records[image_id].status is Status.ACCEPTED:
            text = self.tr("{image} is accepted already: open it again before you copy to it.")
            state.message.emit("info", text.format(image=image_id))
            return
        mask = document.mask.copy() if whole_mask else None
        layers = {target: document.painted(target).copy() for target in Target}
        record, source = state.records[image_id], state.record
        tags = source.tags if source is not None and source.tagged and not record.tagged else None
        answer = Answer()

        def written() -> None:
            if state.project is not project:
                return
            if answer.problem is not None:
                state.report(answer.problem)
            elif answer.nothing:
                state.message.emit("info", self.tr("There is nothing to copy: this image has no strokes."))
            elif answer.size is not None:
                self._tell_sizes(image_id, answer.size, document.shape)
            else:
                state.reload_record(image_id)
                state.predictor.post(SeedsChanged(image_id, state.records[image_id].seed_revision))
                if tags is not None:
                    state.write_tags(image_id, tags, lambda: self.copied.emit(image_id))
                else:
                    self.copied.emit(image_id)

        state.saver.save(image_id, _writing(project, image_id, layers, mask, answer), written)

    def _tell_sizes(self, image_id: str, size: tuple[int, int], here: tuple[int, int]) -> None:
        text = self.tr(
            "{image} has another size ({width}×{height}, not {w}×{h}): copies only fit photos of one size."
        )
        height, width = size
        self._state.message.emit(
            "info", text.format(image=image_id, width=width, height=height, w=here[1], h=here[0])
        )


def _writing(
    project: Project, image_id: str, layers: dict[Target, Labels], mask: Labels | None, answer: Answer
) -> Callable[[], None]:
    """What writes the copy; an image that cannot be read is reported, not tried again."""

    def write() -> None:
        if mask is not None:
            np.copyto(layers[Target.MASK], mask, where=(mask != BACKGROUND) & (mask != VOID))
        boxes = {target: box_of(layer != UNTOUCHED) for target, layer in layers.items()}
        answer.nothing = not any(boxes.values())
        if answer.nothing:
            return
        try:
            size = image_size(project.record(image_id).path)
        except Exception as error:
            answer.problem = error
            return
        shape = layers[Target.MASK].shape
        if size != shape:
            answer.size = size
            return
        edits = []
        for target, box in boxes.items():
            if box is not None:
                before = project.layer(image_id, target, (shape[0], shape[1]))[slices(box)]
                copied = layers[target][slices(box)]
                after = np.where(copied != UNTOUCHED, copied, before)
                if not np.array_equal(before, after):
                    edits.append((target, box, before, after))
        for number, edit in enumerate(edits, 1):
            project.record_edit(image_id, *edit, part_name("copy", number, len(edits)))

    return write
