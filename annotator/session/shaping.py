"""One class of the mask, pixel by pixel: its holes filled, its outline smoothed, grown or shrunk."""

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from annotator.boxes import Box, box_of, grown, shifted, slices
from annotator.session.document import Labels, changing
from annotator.session.state import SessionState
from annotator.session.strokes import Strokes
from trainer.data.classes import BACKGROUND, EDIT_VOID, VOID
from trainer.data.project import Target

Cover = NDArray[np.bool_]
Change = tuple[Box, Labels]
"""A box, and the labels inside it as they become."""
Work = Callable[[Labels, int], Change | None]
"""What a mask (H×W) and the id of a class in it become."""

SMOOTHING = 1 / 400
"""Of an outline: standard deviation as a share of the photo's longer side…"""
LEAST_SMOOTHING = 1.5
"""…but at least so many pixels."""


class Shaping(QObject):
    """Each is one hand edit on the mask of the open image, computed in the pool and undone as a stroke is.

    They are carried out one after the other, so that a key pressed twice grows an area by two pixels.
    """

    def __init__(self, state: SessionState, strokes: Strokes) -> None:
        super().__init__(state)
        self._state, self._strokes = state, strokes
        self._waiting: deque[tuple[str, Work]] = deque()
        self._running = False
        state.image_changed.connect(self._waiting.clear)

    def fill_holes(self) -> None:
        """Give what the class surrounds to it, but for other classes."""
        self._reshape("fill holes", holes_filled)

    def smooth(self) -> None:
        """Round the outline."""
        document = self._state.document
        sigma = max(SMOOTHING * max(document.shape), LEAST_SMOOTHING) if document else LEAST_SMOOTHING
        self._reshape("smooth", lambda mask, class_id: smoothed(mask, class_id, sigma))

    def grow(self) -> None:
        """Move the outline out by a pixel."""
        self._reshape("grow", lambda mask, class_id: moved_outline(mask, class_id, 1))

    def shrink(self) -> None:
        """Move the outline in by a pixel."""
        self._reshape("shrink", lambda mask, class_id: moved_outline(mask, class_id, -1))

    def _reshape(self, tool: str, work: Work) -> None:
        if self._state.class_id in (BACKGROUND, EDIT_VOID):
            text = self.tr("Choose a class first: this changes the area of one.")
            self._state.message.emit("info", text)
            return
        self._waiting.append((tool, work))
        self._next()

    def _next(self) -> None:
        state, document = self._state, self._state.document
        if self._running or not self._waiting or document is None:
            return
        tool, work = self._waiting.popleft()
        self._strokes.finish()
        class_id, protect_others = state.class_id, state.protect_others
        mask, edits = document.mask.copy(), document.mask_edits.copy()

        def reshaped() -> Change | None:
            change = work(mask, class_id)
            return None if change is None else edited(change, mask, edits, protect_others)

        def arrived(change: Change | None) -> None:
            self._running = False
            if state.document is document:
                if change is None:
                    self._say_nothing_changes(class_id)
                elif (edits[slices(change[0])] != document.mask_edits[slices(change[0])]).any():
                    self._waiting.appendleft((tool, work))  # somebody has painted there meanwhile
                else:
                    self._strokes.commit(*change, tool, Target.MASK)
            self._next()

        def failed(error: Exception) -> None:
            self._running = False
            state.report(error)
            self._next()

        self._running = True
        state.jobs.submit(reshaped, arrived, failed, priority=10)

    def _say_nothing_changes(self, class_id: int) -> None:
        text = self.tr("Nothing changes: this mask shows no {name}, or none that would become another.")
        self._state.message.emit("info", text.format(name=self._state.classes.name_of(class_id)))


def edited(change: Change, mask: Labels, edits: Labels, protect_others: bool) -> Change:
    """The hand edits (H×W, 255 untouched) as they become, so that the mask becomes what `change` says.

    Only what changes is painted: the rest of the mask goes on following strokes and models. With
    `protect_others` what was painted by hand as something else stays.
    """
    box, labels = change
    before, held = mask[slices(box)], edits[slices(box)]
    after = held.copy()
    for label in np.unique(labels[labels != before]).tolist():
        value = EDIT_VOID if label == VOID else label
        cover = (labels == label) & (before != label)
        after[changing(held, cover, value, protect_others)] = value
    return box, after


def holes_filled(mask: Labels, class_id: int) -> Change | None:
    """The mask (H×W) around a class without the holes in it; None where there is none."""
    from scipy.ndimage import binary_fill_holes  # the window does not wait for it

    if (window := _around(mask, class_id, 1)) is None:
        return None
    labels = mask[slices(window)].copy()
    holes = binary_fill_holes(labels == class_id) & ((labels == BACKGROUND) | (labels == VOID))
    labels[holes] = class_id
    return (window, labels) if holes.any() else None


def smoothed(mask: Labels, class_id: int, sigma: float) -> Change | None:
    """The mask (H×W) with the outline of a class rounded at `sigma` pixels; None where nothing changes."""
    from scipy.ndimage import gaussian_filter

    margin = round(4 * sigma) + 1
    if (window := _around(mask, class_id, margin)) is None:
        return None
    area = (mask[slices(window)] == class_id).astype(np.float32)
    return _with_area(mask, class_id, window, gaussian_filter(area, sigma, mode="nearest") >= 0.5)


def moved_outline(mask: Labels, class_id: int, by: int) -> Change | None:
    """The mask (H×W) with a class grown by `by` pixels, or shrunk where it is negative."""
    from scipy.ndimage import binary_dilation, binary_erosion

    if (window := _around(mask, class_id, abs(by) + 1)) is None:
        return None
    area = mask[slices(window)] == class_id
    if by > 0:
        area = binary_dilation(area, iterations=by)
    else:
        area = binary_erosion(area, iterations=-by, border_value=1)
    return _with_area(mask, class_id, window, area)


def _with_area(mask: Labels, class_id: int, window: Box, area: Cover) -> Change | None:
    """The mask inside `window` with the class on `area`; what it leaves goes to what is nearest."""
    from scipy.ndimage import distance_transform_edt

    labels = mask[slices(window)].copy()
    held = labels == class_id
    left = held & ~area
    if left.any():
        if held.all():
            labels[left] = BACKGROUND
        else:
            rows, columns = distance_transform_edt(held, return_distances=False, return_indices=True)
            labels[left] = labels[rows[left], columns[left]]
    labels[area] = class_id
    changed = box_of(labels != mask[slices(window)])
    if changed is None:
        return None
    y0, x0 = window[:2]
    box = y0 + changed[0], x0 + changed[1], y0 + changed[2], x0 + changed[3]
    return box, labels[slices(shifted(box, window))]


def _around(mask: Labels, class_id: int, margin: int) -> Box | None:
    """The box of a class with a margin; None where the mask does not show it."""
    box = box_of(mask == class_id)
    return None if box is None else grown(box, margin, (mask.shape[0], mask.shape[1]))
