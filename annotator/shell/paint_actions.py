"""The painting actions: choose a tool, choose the layer to paint on, mark pixels as undecided."""

from annotator.panels.tags import TagsPanel
from annotator.session import Session
from trainer.data.classes import EDIT_VOID
from trainer.data.project import Target


class PaintActions:
    """Set the paint state. Only the mask can be undecided: the target and the class go together."""

    def __init__(self, session: Session, tags: TagsPanel) -> None:
        self._session, self._tags = session, tags

    def use_tool(self, key: str) -> None:
        """Choose a tool."""
        self._session.tool = key

    def paint_on(self, target: str) -> None:
        """Paint on "seeds" or "mask"."""
        self._session.target = Target(target)
        if self._session.target is Target.SEEDS and self._session.class_id == EDIT_VOID:
            self._tags.choose(1 if len(self._tags.rows) > 1 else 0)

    def protect_others(self, on: bool) -> None:
        """Let strokes leave other painted classes alone."""
        self._session.protect_others = on

    def only_here(self, on: bool) -> None:
        """Bound strokes to their neighbourhood."""
        self._session.only_here = on

    def pen_pressure(self, on: bool) -> None:
        """Let the pressure of a pen set the size of the brush, or no longer."""
        self._session.pen_pressure = on

    def outline_clicks(self, on: bool) -> None:
        """Show under the resting mouse what a click would give, or no longer."""
        self._session.outline_clicks = on

    def paint_undecided(self) -> None:
        """Mark pixels of the mask as undecided."""
        self._session.target = Target.MASK
        self._session.class_id = EDIT_VOID
