"""The picker: selects the class under the mouse."""

from PySide6.QtCore import QPointF

from annotator.canvas.tools.base import Tool
from trainer.data.classes import VOID
from trainer.data.project import Target


class Picker(Tool):
    """Selects the class under the mouse."""

    name = "picker"
    text = "Pick class"
    shortcut = "I"
    icon = "mdi6.eyedropper-variant"
    help = "Take the class that lies under the mouse."

    def press(self, at: QPointF, erase: bool, straight: bool) -> None:
        """Select the class of the painted layer, or that of the mask where there is no seed cue."""
        seeds, mask = self.session.seeds, self.session.mask
        i, j = int(at.y()), int(at.x())
        if seeds is None or mask is None:
            return
        if not (0 <= at.y() < mask.shape[0] and 0 <= at.x() < mask.shape[1]):
            return
        layers = (seeds, mask) if self.session.target is Target.SEEDS else (mask,)
        found = next((int(layer[i, j]) for layer in layers if layer[i, j] != VOID), None)
        if found is not None:
            self.session.class_id = found
