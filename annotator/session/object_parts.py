"""The objects of the open image: found off the GUI thread, cut, joined, chosen."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from annotator.boxes import Box, box_of, slices
from annotator.session.document import Labels
from annotator.session.jobs import Latest
from annotator.session.state import SessionState
from annotator.session.strokes import Strokes
from trainer.data.classes import UNTOUCHED, ClassList
from trainer.data.project import Target

if TYPE_CHECKING:
    from trainer.data.objects import Objects, Points  # imports SciPy: the window does not wait

TOOL = "objects"


@dataclass(frozen=True)
class Part:
    """One object: its class, which of that class it is, its box and its size in pixels."""

    label: int
    index: int
    box: Box
    size: int


@dataclass(frozen=True, eq=False)
class Found:
    """The objects of a mask, the n-th of `parts` being number n."""

    objects: Objects
    parts: tuple[Part, ...]


class ObjectParts(QObject):
    """Finds the objects whenever mask, marks or kinds of classes change, while somebody looks at them."""

    changed = Signal()  # they were found again, or are not known
    chosen_changed = Signal()
    preview_changed = Signal()

    def __init__(self, state: SessionState, strokes: Strokes) -> None:
        super().__init__(state)
        self._state, self._strokes = state, strokes
        self._finder, self._previewer = Latest(state.jobs), Latest(state.jobs)
        self._watchers: set[str] = set()
        self.found: Found | None = None
        self.chosen: tuple[int, ...] = ()
        self.preview: Points | None = None  # where a click would cut
        state.image_changed.connect(self._forget)
        state.paint_changed.connect(lambda: self.watch("tool", state.tool == TOOL))
        state.marks_changed.connect(self._find)
        state.classes_changed.connect(self._find)
        state.layer_changed.connect(lambda name, _: self._find() if name == "mask" else None)

    @property
    def numbers(self) -> np.ndarray | None:
        """Number of each pixel's object, uint16 (H, W), 0 for none; None while they are not known."""
        return self.found.objects.numbers if self.found else None

    def watch(self, who: str, on: bool) -> None:
        """Look at the objects, or no longer: they are only found where somebody does."""
        if on != (who in self._watchers):
            (self._watchers.add if on else self._watchers.discard)(who)
            if on:
                self._find()

    def choose(self, numbers: Collection[int]) -> None:
        """Choose objects by their numbers."""
        if tuple(numbers) != self.chosen:
            self.chosen = tuple(numbers)
            self.chosen_changed.emit()

    def cut(self, line: Points) -> None:
        """Cut the object that a line goes through."""

        def work(mask: Labels, marks: Labels, objects: Objects) -> Labels | None:
            from trainer.data.objects import cut

            return cut(objects, marks, line)

        self._change(work, self.tr("This line cuts no object in two: draw it across one."))

    def cut_at(self, x: float, y: float) -> None:
        """Cut the object at a point where it is narrowest there."""

        def work(mask: Labels, marks: Labels, objects: Objects) -> Labels | None:
            from trainer.data.objects import cut, narrowest

            line = narrowest(objects, x, y)
            return None if line is None else cut(objects, marks, line)

        self._change(work, self.tr("There is no object here that could be cut."))

    def join(self, numbers: Collection[int]) -> None:
        """Make one object of several of one class."""

        def work(mask: Labels, marks: Labels, objects: Objects) -> Labels:
            from trainer.data.objects import join

            return join(objects, marks, numbers)

        self._change(work, "")

    def join_chosen(self) -> None:
        """Make one object of those that are chosen."""
        if len(self.chosen) > 1:
            self.join(self.chosen)

    def automatic(self) -> None:
        """Forget what was said of the chosen objects: each connected area is one again."""
        chosen = self.chosen

        def work(mask: Labels, marks: Labels, objects: Objects) -> Labels:
            from trainer.data.objects import automatic

            for label in {objects.labels[number - 1] for number in chosen}:
                of_class = [number for number in chosen if objects.labels[number - 1] == label]
                marks = automatic(mask, objects, marks, of_class)
            return marks

        if chosen:
            self._change(work, self.tr("These are as they were found already."))

    def look_at(self, x: float, y: float) -> None:
        """Find where a click at a point would cut."""
        if (found := self.found) is None:
            return

        def work() -> Points | None:
            from trainer.data.objects import narrowest

            return narrowest(found.objects, x, y)

        def arrived(line: Points | None) -> None:
            self.preview = line if found is self.found else None
            self.preview_changed.emit()

        self._previewer.submit(work, arrived, self._state.report)

    def look_away(self) -> None:
        """Show no cut any more."""
        if self.preview is not None:
            self.preview = None
            self.preview_changed.emit()

    def _forget(self) -> None:
        self.found, self.preview = None, None
        self.choose(())
        self.changed.emit()
        self._find()

    def _find(self) -> None:
        document = self._state.document
        if document is None or not (self._watchers or (document.marks != UNTOUCHED).any()):
            return
        mask, marks = document.mask.copy(), document.marks.copy()
        stuff = self._state.classes.stuff

        def arrived(found: Found) -> None:
            if self._state.document is document:
                self.found, self.preview = found, None
                self.choose(tuple(number for number in self.chosen if number <= len(found.parts)))
                self.changed.emit()

        self._finder.submit(lambda: find(mask, marks, stuff), arrived, self._state.report)

    def _change(self, work: Callable[[Labels, Labels, Objects], Labels | None], nothing: str) -> None:
        """Let `work` make other marks of mask, marks and objects; say `nothing` where it makes none."""
        state, document = self._state, self._state.document
        if document is None:
            return
        mask, marks, stuff = document.mask.copy(), document.marks.copy(), state.classes.stuff

        def compute() -> tuple[Box | None, Labels | None]:
            from trainer.data.objects import objects_of

            after = work(mask, marks, objects_of(mask, marks, stuff))
            return (None, None) if after is None else (box_of(after != marks), after)

        def arrived(answer: tuple[Box | None, Labels | None]) -> None:
            box, after = answer
            if state.document is not document:
                return
            if box is None or after is None:
                if nothing:
                    state.message.emit("info", nothing)
            elif (document.marks == marks).all():  # no other change came before this one
                self.choose(())
                self._strokes.commit(box, after[slices(box)], TOOL, Target.OBJECTS)

        state.jobs.submit(compute, arrived, state.report, priority=10)


def find(mask: Labels, marks: Labels | None, stuff: Collection[int]) -> Found:
    """The objects of a mask, uint8 (H, W), with what a list shows of them."""
    from scipy.ndimage import find_objects

    from trainer.data.objects import objects_of

    objects = objects_of(mask, marks, stuff)
    sizes = np.bincount(objects.numbers.ravel(), minlength=len(objects.labels) + 1)
    parts = tuple(
        Part(
            label,
            objects.number_in_class(number),
            (box[0].start, box[1].start, box[0].stop, box[1].stop),
            int(sizes[number]),
        )
        for number, (label, box) in enumerate(
            zip(objects.labels, find_objects(objects.numbers), strict=True), start=1
        )
    )
    return Found(objects, parts)


def part_name(classes: ClassList, part: Part) -> str:
    """What an object is called: its class, and which one of it; stuff has no number."""
    name = classes.name_of(part.label) if part.label in classes.ids else ""
    return name if part.label in classes.stuff else f"{name} {part.index}"
