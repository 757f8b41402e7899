"""Fill: a connected region of the mask at one click."""

from PySide6.QtCore import QPointF

from annotator.boxes import Box
from annotator.canvas.geometry import Cover, tight
from annotator.canvas.tools.base import Tool


class Fill(Tool):
    """Gives the connected region of the mask under the mouse another class; computed off the GUI thread."""

    name = "fill"
    text = "Fill"
    shortcut = "F"
    icon = "mdi6.format-color-fill"
    help = "Fill a connected region with a class."

    def press(self, at: QPointF, erase: bool, straight: bool) -> None:
        """Find the region, then paint it as requested, if the same image and layer are still open."""
        mask, image = self.session.mask, self.session.image
        i, j = int(at.y()), int(at.x())
        if mask is None or not (0 <= at.y() < mask.shape[0] and 0 <= at.x() < mask.shape[1]):
            return
        region = mask.copy()
        target, class_id = self.session.target, self.session.class_id

        def paint(found: tuple[Box, Cover] | None) -> None:
            if found is not None and self.session.image is image and self.session.target is target:
                self.painting.begin(erase, class_id)
                self.painting.area(*found)
                self.painting.finish(self.name)

        def find() -> tuple[Box, Cover] | None:
            from skimage.segmentation import flood  # the window does not wait for it

            return tight((0, 0, *region.shape), flood(region, (i, j), connectivity=1))

        self.session.jobs.submit(find, lambda found: self.painting.when_free(lambda: paint(found)))
