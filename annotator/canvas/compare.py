"""The compare view: the automatic mask, the present one and the accepted one, side by side."""

from annotator.canvas.panes import Pane, Panes, class_entries


class CompareView(Panes):
    """What the person's strokes have changed, and what has changed since the image was accepted."""

    def make_panes(self) -> dict[str, Pane]:
        """See `Panes.make_panes`."""
        self._session.record_changed.connect(self._follow_record)
        return {
            "automatic": self.pane(self.tr("Automatic"), "automatic"),
            "mask": self.pane(self.tr("Yours"), "mask", editable=True),
            "accepted": self.pane(self.tr("Accepted"), "accepted"),
        }

    def hint(self) -> str:
        """See `Panes.hint`."""
        return self.tr("White stripes: your mask is another one there. Drag to move the image.")

    def describe(self) -> None:
        """See `Panes.describe`."""
        session = self._session
        named, differs = class_entries(session), [("▨", self.tr("differs from yours"))]
        self.panes["mask"].legend.show_entries(named)
        self.panes["automatic"].legend.show_entries(differs if session.automatic is not None else [])
        none_yet = [("", self.tr("not accepted yet"))]
        there = session.accepted_mask is not None
        self.panes["accepted"].legend.show_entries(differs if there else none_yet)

    def _follow_record(self, image_id: str) -> None:
        """Show that the image was accepted, or no longer is."""
        if image_id == self._session.image_id:
            self.describe()
            self.panes["accepted"].view.viewport().update()
