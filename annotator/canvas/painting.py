"""The stroke in progress: covered pixels, preview, and commit to the session."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPointF, QTimer

from annotator.boxes import Box, rect_of, slices, union
from annotator.canvas.geometry import Cover, Coverage, Point, tight
from annotator.canvas.layers import DrawnItem
from annotator.session import Session
from annotator.session.document import Labels, Stroke, changing
from trainer.data.classes import EDIT_VOID, UNTOUCHED
from trainer.data.project import Target

PREVIEW_MS = 40


@dataclass(frozen=True)
class Change:
    """A patch of a painted layer: half-open `box` (y0, x0, y1, x1), what it held before and holds after."""

    box: Box
    before: Labels
    after: Labels


def change(
    layer: Labels, box: Box, cover: NDArray[np.bool_], value: int, protect_others: bool = False
) -> Change | None:
    """What painting `value` on the covered pixels of `box` does to `layer`, or None when it changes nothing.

    `layer` is the H×W painted layer (255 untouched) and is not written to. The work is that of the
    box, not of the image.
    """
    found = tight(box, changing(layer[slices(box)], cover, value, protect_others))
    if found is None:
        return None
    inner, cover = found
    before = layer[slices(inner)].copy()
    return Change(inner, before, np.where(cover, np.uint8(value), before))


class Painting(QObject):
    """One stroke at a time on the session's target: shown at once, previewed while it grows, committed."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.coverage: Coverage | None = None
        self.item = DrawnItem(self._covered)
        self.active = False
        self.target = session.target
        self.only_here = False
        """Whether strokes on the seeds are bound to their neighbourhood."""
        self.share = 1.0
        """Of the brush's size that is painted with, 0…1: a pen that is pressed lightly paints thinly."""
        self.bound = False
        """Whether the present stroke is."""
        self.value = UNTOUCHED
        """What the present stroke paints; 255 takes strokes away."""
        self._drawn: Stroke | None = None  # as it is previewed
        self._fresh: Box | None = None  # covered since the last preview
        self._waiting: list[Callable[[], object]] = []
        self._preview = QTimer(self, singleShot=True, interval=PREVIEW_MS)
        self._preview.timeout.connect(self._show_preview)

    def reset(self, shape: tuple[int, int] | None) -> None:
        """Another image, of `shape`; a stroke in progress is forgotten."""
        self._preview.stop()
        self.active, self._drawn, self._fresh = False, None, None
        self._waiting.clear()
        self.coverage = Coverage(shape) if shape else None
        self.item.set_extent(shape or (0, 0))

    def begin(self, erase: bool, class_id: int | None = None) -> None:
        """Start a stroke of `class_id`, else of the session's class, or one that takes strokes away."""
        self.active = True
        self.bound = self.only_here and self._session.target is Target.SEEDS and not erase
        self.target = Target.MASK if self.bound else self._session.target
        value = self._session.class_id if class_id is None else class_id
        undecided_seed = self.target is Target.SEEDS and value == EDIT_VOID
        self.value = UNTOUCHED if erase or undecided_seed else value
        self.item.set_value(self.value)

    @property
    def radius(self) -> float:
        """Radius of the brush, image pixels."""
        return self._session.brush_radius * self.share

    def line(self, start: QPointF, end: QPointF) -> None:
        """Move the brush from one image point to another."""
        if self.coverage and self.active:
            box = self.coverage.add_line(point(start), point(end), self.radius)
            self._grown(box)

    def area(self, box: Box, cover: Cover) -> None:
        """Cover an area at once."""
        if self.coverage and self.active:
            self._grown(self.coverage.add(box, cover))

    def finish(self, tool: str) -> None:
        """Commit the stroke with the tight box of what it changes; nothing when it changes nothing."""
        edit = self._change()
        self._end()
        if edit is not None:
            self._drawn = None
            if self.bound:
                self._session.strokes.commit_here(edit.box, edit.after, tool)
            else:
                self._session.strokes.commit(edit.box, edit.after, tool, self.target)
        else:
            self._drop_preview()

        self._go_on()

    def cancel(self) -> None:
        """Forget the stroke."""
        self._end()
        self._drop_preview()
        self._go_on()

    def when_free(self, then: Callable[[], object]) -> None:
        """Call `then` as soon as no stroke is being drawn on this image; at once if none is."""
        self._waiting.append(then)
        if not self.active:
            self._go_on()

    def _go_on(self) -> None:
        while self._waiting and not self.active:
            self._waiting.pop(0)()

    def _covered(self) -> Cover | None:
        return self.coverage.pixels if self.coverage and self.coverage.box else None

    def _change(self) -> Change | None:
        coverage, session = self.coverage, self._session
        layer = session.corrections if self.target is Target.SEEDS else session.mask_edits
        if coverage is None or coverage.box is None or layer is None:
            return None
        cover = coverage.pixels[slices(coverage.box)]
        return change(layer, coverage.box, cover, self.value, session.protect_others)

    def _grown(self, box: Box | None) -> None:
        if box is not None:
            self._fresh = union(self._fresh, box)
            self.item.refresh(rect_of(box))
            if not self._preview.isActive():
                self._preview.start()

    def _show_preview(self) -> None:
        box, self._fresh = self._fresh, None
        if box is None or self.coverage is None:
            return
        if self._drawn is None:
            protect_others = self._session.protect_others
            self._drawn = Stroke(self.target, self.coverage.pixels, self.value, protect_others)
        self._session.strokes.preview(self._drawn, box)

    def _end(self) -> None:
        self._preview.stop()
        self.active, self._fresh = False, None
        if self.coverage and (box := self.coverage.clear()):
            self.item.refresh(rect_of(box))

    def _drop_preview(self) -> None:
        if self._drawn is not None:
            self._drawn = None
            self._session.strokes.cancel()


def point(at: QPointF) -> Point:
    """A Qt point as plain numbers."""
    return at.x(), at.y()
