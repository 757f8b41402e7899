"""A polygon that is painted already: its corners can still be moved, and each change is one stroke more."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF

from annotator.boxes import Box, shifted, slices, union
from annotator.canvas.geometry import polygon, tight
from annotator.session import Session
from annotator.session.document import Labels, changing
from trainer.data.project import Target


@dataclass(frozen=True, eq=False)
class Shape:
    """Corners, and what the layer holds in `box` while the polygon has them."""

    points: tuple[QPointF, ...]
    box: Box
    after: Labels


class ClosedFigure:
    """The corners of a polygon that was painted on a layer; `points` is empty while it is undone.

    What lay under it comes back where it is made smaller, as long as nothing else was painted there since.
    """

    def __init__(
        self,
        session: Session,
        target: Target,
        value: int,
        points: Sequence[QPointF],
        under: tuple[Box, Labels],
        tool: str,
    ) -> None:
        """`under` is a box that holds the polygon, and what the layer held there before."""
        self._session, self._target, self._value, self._tool = session, target, value, tool
        self._box, self._under = under
        self._shapes = [Shape(tuple(points), self._box, self._layer(self._box).copy())]
        self.points = list(points)

    def become(self, points: Sequence[QPointF]) -> None:
        """Paint the polygon with other corners; without an area it stays as it is."""
        shape = self._session.document.shape if self._session.document else (0, 0)
        found = tight(*polygon([(p.x(), p.y()) for p in points], shape))
        if found is None:
            self.points = list(self._shapes[-1].points)
            return
        box, cover = found
        whole = union(self._box, box)
        under = self._layer(whole).copy()
        under[slices(shifted(self._box, whole))] = self._under
        after = under.copy()
        inside = after[slices(shifted(box, whole))]
        inside[changing(inside, cover, self._value, self._session.protect_others)] = self._value
        self._box, self._under, self.points = whole, under, list(points)
        self._shapes.append(Shape(tuple(points), whole, after))
        self._session.strokes.commit(whole, after, self._tool, self._target)

    def follow(self, layer: str) -> None:
        """A layer may have changed: undo and redo go from one shape to another, a stroke ends them all."""
        if layer == ("seeds" if self._target is Target.SEEDS else "mask"):
            self.restore()

    def restore(self) -> None:
        """Have the corners of what is painted now."""
        for shape in reversed(self._shapes):
            if (self._layer(shape.box) == shape.after).all():
                self.points = list(shape.points)
                return
        self.points = []

    def _layer(self, box: Box) -> Labels:
        document = self._session.document
        assert document is not None
        return document.painted(self._target)[slices(box)]
